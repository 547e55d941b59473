"""Score evaluation and management levels: our visits with worksheets, and US notes with acceptable levels.

Run from the checkout::

    python eval/score_em.py                     # eval/em/visits_dev.jsonl
    python eval/score_em.py --kept              # the visits kept apart as well
    python eval/score_em.py --us US_GOLD.jsonl --part check

Figures come with 95 % Wilson intervals. *Exact*: the code's level and category are the worksheet's (a note
without a visit: none proposed). *Within one*: same category, levels one apart at most. *Code*: new or
established right, too. Prints ids of the misses, never note text.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suggester.contract import gold_from_record, note_from_record
from suggester.em import propose
from suggester.suggest import Suggester, load
from suggester.types import EmWorksheet

GOLD = Path(__file__).resolve().parent / "em"
_NAMES = {"minimal": "straightforward", "limited": "low", "extensive": "high"}


def interval(right: int, whole: int) -> tuple[float, float]:
    """95 % Wilson interval of a share."""
    if not whole:
        return 0.0, 1.0
    z, share = 1.96, right / whole
    centre = (share + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z / (1 + z * z / whole) * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    return max(0.0, centre - half), min(1.0, centre + half)


def said(name: str, right: int, whole: int) -> str:
    """A line of the report."""
    low, high = interval(right, whole)
    share = right / whole if whole else 0.0
    return f"  {name:34} {right:3d} of {whole:3d}  {share:.3f}  [{low:.3f}, {high:.3f}]"


def verdict(found: EmWorksheet | None, gold: dict[str, Any]) -> tuple[bool, bool, bool]:
    """Exact level, within one, and exact code of a proposal against a worksheet made by hand."""
    if gold["code"] is None or found is None:
        same = gold["code"] is None and found is None
        return same, same, same
    code = found.code == gold["code"]
    if found.category != gold["category"]:
        return code, code, code
    if gold["level"] is None:
        return code, True, code
    gap = abs((found.level or 0) - gold["level"])
    return gap == 0, gap <= 1, code


def score_visits(engine: Suggester, path: Path) -> list[tuple[bool, bool, bool]]:
    """Print the figures of one file of visits; verdicts by note."""
    out = []
    elements = {"problems": [0, 0], "data": [0, 0], "risk": [0, 0]}
    misses = []
    for line in path.read_text("utf-8").splitlines():
        record = json.loads(line)
        gold = record.pop("worksheet")
        note = note_from_record(record, record=record["id"])
        found = engine.suggest(note).em
        out.append(verdict(found, gold))
        for name, counts in elements.items():
            element = getattr(found, name) if found is not None else None
            wanted = gold[name][0]
            if element is not None and wanted != "not used":
                counts[0] += element.level == _NAMES.get(wanted, wanted)
                counts[1] += 1
        if not out[-1][2]:
            got = found.code if found is not None else None
            levels = (
                [f"{n} {getattr(found, n).level} (by hand {gold[n][0]})" for n in elements]
                if found is not None and found.problems is not None
                else []
            )
            misses.append(f"    {note.id}: {got}, by hand {gold['code']}; {', '.join(levels)}")
    print(f"{path.name}: {len(out)} visits")
    for index, name in enumerate(("exact level", "within one level", "exact code")):
        print(said(name, sum(row[index] for row in out), len(out)))
    for name, (right, whole) in elements.items():
        print(said(f"level of {name}", right, whole))
    print("\n".join(misses))
    return out


def score_us(engine: Suggester, path: Path, part: str) -> None:
    """Print how often the code is within the acceptable levels, overall and by confidence; ids only."""
    rows: list[tuple[float, bool]] = []
    none_right = none_all = 0
    by_category: dict[str, list[bool]] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        gold = gold_from_record(json.loads(line), record=f"{path.name}:{number}")
        if gold.part != part:
            continue
        found = engine.suggest(gold.note).em
        if not gold.em:
            none_all += 1
            none_right += found is None
            continue
        right = found is not None and found.code in gold.em
        rows.append((found.confidence if found is not None else 0.0, right))
        by_category.setdefault(found.category if found is not None else "none", []).append(right)
    print(f"{path.name}, part {part}")
    print(said("level inside the range", sum(right for _, right in rows), len(rows)))
    print(said("none proposed where none is billed", none_right, none_all))
    for category, verdicts in sorted(by_category.items()):
        print(said(f"inside, {category}", sum(verdicts), len(verdicts)))
    for low, high in ((0.0, 0.5), (0.5, 0.65), (0.65, 0.8), (0.8, 1.01)):
        band = [(confidence, right) for confidence, right in rows if low <= confidence < high]
        if band:
            mean = sum(confidence for confidence, _ in band) / len(band)
            print(
                said(
                    f"confidence {low:.2f}-{min(high, 1):.2f} (mean {mean:.2f})",
                    sum(r for _, r in band),
                    len(band),
                )
            )


def score_speed(engine: Suggester, path: Path) -> None:
    """Print the time of the worksheet as a share of the whole suggestion."""
    notes = []
    for line in path.read_text("utf-8").splitlines():
        record = json.loads(line)
        record.pop("worksheet")
        notes.append(note_from_record(record, record=record["id"]))
    whole = alone = 0.0
    for note in notes:
        engine.suggest(note)
    for note in notes:
        begin = time.perf_counter()
        result = engine.suggest(note)
        whole += time.perf_counter() - begin
        reading = engine.bench(note.service_date)[0].read(note.text)
        begin = time.perf_counter()
        propose(reading, note, result.suggestions)
        alone += time.perf_counter() - begin
    print(f"worksheet {1000 * alone / len(notes):.2f} ms a note, {alone / whole:.1%} of a suggestion")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kept", action="store_true", help="score the visits kept apart, too")
    parser.add_argument("--us", type=Path, help="a gold file whose notes carry acceptable levels (em)")
    parser.add_argument("--part", default="check", help="its part (default: check)")
    chosen = parser.parse_args(arguments)
    engine = load()
    dev = GOLD / "visits_dev.jsonl"
    verdicts = score_visits(engine, dev)
    if chosen.kept:
        verdicts += score_visits(engine, GOLD / "visits_kept.jsonl")
        print(f"together: {len(verdicts)} visits")
        for index, name in enumerate(("exact level", "within one level", "exact code")):
            print(said(name, sum(row[index] for row in verdicts), len(verdicts)))
    if chosen.us:
        score_us(engine, chosen.us, chosen.part)
    score_speed(engine, dev)
    return 0


__all__ = ["interval", "main", "score_us", "score_visits", "verdict"]

if __name__ == "__main__":
    sys.exit(main())
