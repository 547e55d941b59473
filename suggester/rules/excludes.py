"""Excludes1 and Excludes2 notes of the tabular list, inherited from category, block and chapter."""

from __future__ import annotations

from collections.abc import Iterator

from suggester.rules.book import Instruction, NoteKind
from suggester.rules.case import Case, Placed
from suggester.rules.registry import Finding, rule

GROUP = "Notes of the tabular list"


def excluded_pairs(case: Case, kind: NoteKind) -> Iterator[tuple[Placed, Placed, Instruction]]:
    """Pairs of the case that a note keeps apart, each once, with the note that stands nearest to a code.

    The first of a pair is the one that stands under the note.
    """
    seen: set[tuple[int, int]] = set()
    for row in case.ordered:
        for note in case.book.instructions(row, kind):
            for other in case.book.meant(note, case.ordered):
                pair = (row, other) if row < other else (other, row)
                if other != row and pair not in seen:
                    seen.add(pair)
                    yield case.by_row[row], case.by_row[other], note


@rule("excludes1", severity="error", source="ICD-10-CM guidelines FY2026 I.A.12.a", group=GROUP)
def excludes1(case: Case) -> Iterator[Finding]:
    """Two codes that an Excludes1 note says are never coded together."""
    for under, other, note in excluded_pairs(case, "excludes1"):
        yield Finding(
            f"{under.code} and {other.code} are not coded together; keep the one that the words support, "
            "or both with a reason if the two conditions are unrelated",
            (under.code, other.code),
            note.source,
            (*under.item.words, *other.item.words),
        )


@rule(
    "excludes2",
    severity="info",
    source="ICD-10-CM guidelines FY2026 I.A.12.b",
    group=GROUP,
    stages=("note", "claim"),
)
def excludes2(case: Case) -> Iterator[Finding]:
    """Two codes that an Excludes2 note says are not part of each other: both only if both are documented."""
    strict = {frozenset((a.row, b.row)) for a, b, _ in excluded_pairs(case, "excludes1")}
    by_note: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for under, other, note in excluded_pairs(case, "excludes2"):
        if frozenset((under.row, other.row)) not in strict:
            found = by_note.setdefault(note.source, ({}, {}))
            found[0][under.code] = None
            found[1][other.code] = None
    for source, (unders, others) in by_note.items():
        are = "is" if len(others) == 1 else "are"
        yield Finding(
            f"{' and '.join(others)} {are} not part of {' or '.join(unders)}; code both only where both are "
            "documented",
            (*unders, *(code for code in others if code not in unders)),
            source,
        )
