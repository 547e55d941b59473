"""Refuse a change that makes the suggestions worse: figures measured now against the floors in a file.

    python eval/check_floor.py [BASELINE.json] [--bootstrap N]

The file holds ``{"floors": [{"name", "gold", "model", "path", "min"}, …]}``. ``gold`` is a pattern of JSON
Lines files relative to the checkout (``eval/gold/*.jsonl``), and its notes are pooled; ``path`` names a
figure of ``Report.flat()`` (``core/all/core_recall_at_10``); optional are ``part`` (the notes of that part
only), ``system`` (the codes of that system only) and ``threshold`` (the confidence that counts as an
answer, 0.5). Gold outside the checkout that is not there is passed over, saying so: it is the shared
development data, which is not shipped.

Figures are those of ``suggester evaluate`` with the same arguments. Exit code 1 where one is below its
floor or a note failed, 2 where the file cannot be used.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from suggester.batch import load_engine
from suggester.config import Settings
from suggester.errors import InputError
from suggester.evaluation import Figure, Report, evaluate
from suggester.evaluation.answers import EVERY_CONFIDENCE, answers, found_of_system, gold_of_system
from suggester.notes import read_gold
from suggester.types import SYSTEMS, GoldNote, System

CHECKOUT = Path(__file__).resolve().parent.parent
BASELINE = CHECKOUT / "eval" / "baseline.json"


class BaselineError(Exception):
    """The file of floors, or the gold it names, cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What has to be measured; floors with equal runs share one."""

    gold: str
    model: str
    part: str | None = None
    system: System | None = None
    threshold: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The least that a figure of a run may be."""

    name: str
    run: Run
    path: str
    min: float


def read_floors(path: Path) -> list[Floor]:
    """Read the floors of a file; unknown and missing fields are refused."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["floors"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BaselineError(f"{path.name} cannot be read as floors ({type(error).__name__})") from None
    return [_floor(row, f"{path.name}, floor {number}") for number, row in enumerate(rows, start=1)]


def _floor(row: dict[str, Any], where: str) -> Floor:
    of_run = {field.name for field in fields(Run)}
    needed = {"name", "gold", "model", "path", "min"}
    if missing := needed - row.keys():
        raise BaselineError(f"{where}: missing {', '.join(sorted(missing))}")
    if unknown := row.keys() - needed - of_run:
        raise BaselineError(
            f"{where}: unknown {', '.join(sorted(unknown))}; allowed: {', '.join(sorted(needed | of_run))}"
        )
    if row.get("system") not in (None, *SYSTEMS):
        raise BaselineError(f"{where}: system must be one of {', '.join(SYSTEMS)}")
    run = Run(**{name: value for name, value in row.items() if name in of_run})
    return Floor(name=row["name"], run=run, path=row["path"], min=float(row["min"]))


def gold_notes(run: Run) -> list[GoldNote]:
    """The notes of a run, empty where they are outside the checkout and not there."""
    outside = run.gold.startswith("../")
    root = CHECKOUT.parent if outside else CHECKOUT
    files = sorted(root.glob(run.gold.removeprefix("../")))
    if not files and not outside:
        raise BaselineError(f"no file is called {run.gold}")
    notes: list[GoldNote] = []
    for file in files:
        for item in read_gold(file):
            if isinstance(item, InputError):
                raise BaselineError(str(item))
            if run.part is None or item.part == run.part:
                notes.append(item)
    if files and not notes:
        raise BaselineError(f"{run.gold} holds no note of the part {run.part!r}")
    return notes


def measure(run: Run, notes: Sequence[GoldNote], *, bootstrap: int) -> tuple[Report, tuple[str, ...]]:
    """The report of a run, and the notes that failed, which count as all missed."""
    engine = load_engine(Settings.load(model=run.model, **EVERY_CONFIDENCE))
    given = answers(notes, engine)
    report = evaluate(
        gold_of_system(notes, run.system),
        found_of_system(given.found, run.system),
        threshold=run.threshold,
        bootstrap=bootstrap,
    )
    return report, given.failures


def verdict(floor: Floor, figure: Figure) -> tuple[bool, str]:
    """Whether a figure is at its floor or above, and the line that says so."""
    good = figure.value is not None and figure.value >= floor.min
    return good, f"{'ok   ' if good else 'BELOW'}  floor {floor.min:.3f}  {figure.to_text():<28} {floor.name}"


def check(floors: Sequence[Floor], *, bootstrap: int) -> bool:
    """Measure every run and print each figure beside its floor; whether all hold."""
    good = True
    for run in dict.fromkeys(floor.run for floor in floors):
        of_run = [floor for floor in floors if floor.run == run]
        notes = gold_notes(run)
        if not notes:
            print(f"passed over: {run.gold} is not on this machine ({len(of_run)} floors)")
            continue
        report, failures = measure(run, notes, bootstrap=bootstrap)
        part = f", part {run.part}" if run.part else ""
        system = f", {run.system} only" if run.system else ""
        print(f"{run.gold}{part}{system}: {len(notes)} notes, model {run.model}")
        for failure in failures:
            good = False
            print(f"  FAILED {failure}")
        for floor in of_run:
            try:
                holds, line = verdict(floor, report.figure(floor.path))
            except KeyError as error:
                raise BaselineError(f"floor {floor.name!r}: {error.args[0]}") from None
            good = good and holds
            print(f"  {line}")
    return good


def main(argv: Sequence[str] | None = None) -> int:
    """Check; the exit code."""
    parser = argparse.ArgumentParser(description="Measured accuracy against the floors of a file.")
    parser.add_argument("baseline", type=Path, nargs="?", default=BASELINE, help="default eval/baseline.json")
    parser.add_argument("--bootstrap", type=int, default=200, help="samples for the intervals (default 200)")
    arguments = parser.parse_args(argv)
    try:
        return 0 if check(read_floors(arguments.baseline), bootstrap=arguments.bootstrap) else 1
    except BaselineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
