"""Measures the rules: a note of 15 codes, a look-up of a procedure pair, opening what they look up.

    OMP_NUM_THREADS=1 python eval/bench_rules.py

Prints one line of JSON. Times are medians of rounds on one core; each round starts warm but for ``first``,
which is the first check of a process, and ``open``, which is opening the tables anew. Bounds: a note 2 ms, a
pair 20 microseconds, opening 0.2 s.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from datetime import date

from suggester.codesets import Catalog, open_catalog
from suggester.codesets.procedures import ProcedureTables
from suggester.rules import Rules, Subject
from suggester.rules.entry import read_codes
from suggester.rules.tables import read_tables

DAY = date(2026, 5, 4)
NOTES = (
    "E11.42 I10 E78.2 M17.11 M25.561 E66.9 Z68.33 Z79.84 N18.30 I50.9 J44.9 J45.909 K21.9 99214 20610-RT",
    "S52.501A S61.411A S60.511A W19.XXXA Y92.009 R55 J20.9 I10 I48.91 Z79.01 D64.9 F17.210 99283 12001 73110",
    "O80 Z37.0 Z3A.39 O99.02 D50.0 E10.9 E11.9 F10.10 F10.20 Z87.891 H25.11 H25.12 43239 43235 99213",
)
"""Notes of 15 codes: chronic disease, an injury, one that breaks many rules."""


def _median(work: Callable[[], object], *, times: int, rounds: int = 15) -> float:
    """Median seconds of one call."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(times):
            work()
        took.append((time.perf_counter() - began) / times)
    return statistics.median(took)


def _open(catalog: Catalog) -> float:
    """Seconds to open everything that the rules look up."""
    began = time.perf_counter()
    read_tables.cache_clear()
    fresh = Rules(catalog=Catalog(catalog.folder, catalog.stores))
    fresh.knowledge(DAY)
    tables = ProcedureTables(catalog.folder)
    tables.ncci_pair("43239", "43235", DAY)
    tables.add_on_primaries("11045")
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    catalog = open_catalog()
    opening = statistics.median(_open(catalog) for _ in range(5))
    rules = Rules(catalog=catalog)
    knowledge = rules.knowledge(DAY)
    subjects = []
    for words in NOTES:
        diagnoses, services = read_codes(words.split(), knowledge)
        subjects.append(
            Subject(
                stage="claim",
                diagnoses=diagnoses,
                services=services,
                setting="outpatient",
                service_date=DAY,
                sex="F",
                age=50,
                place_of_service="11",
            )
        )
    began = time.perf_counter()
    rules.check(subjects[0])
    first = time.perf_counter() - began
    notes = [_median(lambda s=s: rules.check(s), times=20) for s in subjects]  # type: ignore[misc]
    pairs = [("43239", "43235"), ("20610", "64450"), ("99213", "20610"), ("11042", "97597")]
    look_up = _median(
        lambda: [catalog.procedures.ncci_pair(one, two, DAY) for one, two in pairs], times=500
    ) / len(pairs)
    print(
        json.dumps(
            {
                "rules": len(rules.registry),
                "open_seconds": round(opening, 4),
                "first_note_ms": round(first * 1e3, 2),
                "note_of_15_codes_ms": [round(item * 1e3, 3) for item in notes],
                "ncci_pair_microseconds": round(look_up * 1e6, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
