"""Units of drug lines: how many of the drugs given are suggested, and with the right number of units.

    python eval/score_units.py FILES... [--part PART] [--misses]

A ``.tsv`` file (``text``, ``code``, ``units``, ``waste``) holds one dose phrase a row, as in ``eval/doses``;
``waste`` is the units under JW. A ``.jsonl`` file holds gold notes; their drug lines are the HCPCS codes of
drugs that state ``units``. Where a note has a code twice, given and wasted, the line without JW counts.
Shares come with 95 % Wilson intervals. ``--misses`` prints the texts of phrases and the ids of notes; of
notes whose ``part`` is ``check`` nothing is printed.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suggester.contract import note_from_record
from suggester.review.agreeing import wilson
from suggester.suggest import Suggester, load
from suggester.types import Note, Suggestion

DRUG = re.compile(r"J\d{4}|Q(?:0[12]|2|4081|5|9)\d*|A9[56]\d\d|C9\d{3}|S0\d{3}|P90\d\d")
"""Codes of drugs and of what is given like one (contrast, tracers, blood products)."""


@dataclass(frozen=True, slots=True)
class DrugLine:
    """A drug that a note tells as given; ``waste`` is None where the gold does not say it."""

    note: Note
    code: str
    acceptable: frozenset[str]
    units: int
    waste: int | None
    shown: str


def phrases(path: Path) -> Iterator[DrugLine]:
    """Rows of a table of dose phrases."""
    for number, row in enumerate(path.read_text("utf-8").splitlines()[1:], 2):
        text, code, units, waste, *_ = (*row.split("\t"), "")
        note = Note(id=f"{path.stem}:{number}", text=text, setting="outpatient")
        yield DrugLine(note, code, frozenset((code,)), int(units), int(waste) if waste else None, text)


def gold_lines(path: Path, part: str | None) -> Iterator[DrugLine]:
    """Drug lines of gold notes."""
    for row in path.read_text("utf-8").splitlines():
        record: dict[str, Any] = json.loads(row)
        if part is not None and record.get("part") != part:
            continue
        codes = record.get("codes", ())
        drugs = [c for c in codes if c["system"] == "HCPCS" and DRUG.fullmatch(c["code"]) and c.get("units")]
        note = note_from_record(record, record=record["id"], gold_fields=True)
        for code in drugs:
            if "JW" in code.get("modifiers", ()):
                continue
            yield DrugLine(
                note,
                code["code"],
                frozenset((code["code"], *code.get("acceptable", ()))),
                int(code["units"]),
                None,
                "" if record.get("part") == "check" else f"{record['id']} {code['code']} {code['units']}",
            )


def suggested(engine: Suggester, line: DrugLine) -> Suggestion | None:
    """The suggestion of a line's code, or the likeliest of its alternatives."""
    items = [i for i in engine.suggest(line.note).suggestions if i.code.code in line.acceptable]
    return next((i for i in items if i.code.code == line.code), items[0] if items else None)


def wasted(item: Suggestion) -> int | None:
    """The units that a proposal of JW names."""
    for modifier in item.modifiers:
        if modifier.modifier == "JW":
            found = re.search(r"(\d+) units? discarded", modifier.reason)
            return int(found[1]) if found else None
    return None


def said(name: str, right: int, whole: int) -> str:
    """A line of the report."""
    low, high = wilson(right, whole) or (0.0, 1.0)
    share = right / whole if whole else 0.0
    return f"  {name:28} {right:3d} of {whole:3d}  {share:.3f}  [{low:.3f}, {high:.3f}]\n"


def main() -> int:
    """Score and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--part", help="of gold notes, those of this part alone")
    parser.add_argument("--misses", action="store_true")
    asked = parser.parse_args()
    engine = load()
    total = [0, 0, 0]
    for path in asked.files:
        lines = list(phrases(path) if path.suffix == ".tsv" else gold_lines(path, asked.part))
        found = right = waste = 0
        misses = []
        for line in lines:
            item = suggested(engine, line)
            found += item is not None
            good = item is not None and item.units == line.units
            right += good
            if line.waste is not None:
                waste += item is not None and wasted(item) == line.waste
            if not good and line.shown:
                have = "not suggested" if item is None else f"{item.code.code} {item.units}"
                misses.append(f"    {line.shown}\t{line.code} {line.units}\t{have}\n")
        sys.stdout.write(f"{path.name}\n{said('code suggested', found, len(lines))}")
        sys.stdout.write(said("units right", right, len(lines)))
        with_waste = sum(line.waste is not None for line in lines)
        if with_waste:
            sys.stdout.write(said("waste right", waste, with_waste))
        if asked.misses:
            sys.stdout.write("".join(misses))
        total = [a + b for a, b in zip(total, (found, right, len(lines)), strict=True)]
    if len(asked.files) > 1:
        sys.stdout.write(f"all\n{said('code suggested', total[0], total[2])}")
        sys.stdout.write(said("units right", total[1], total[2]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
