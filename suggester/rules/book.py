"""What the rules know of diagnosis codes: rows of one ICD-10-CM release and its notes, read once each.

The tabular list is in depth-first order, so a code with everything below it is an interval of rows and a
reference of a note a few intervals. Notes are parsed when a code below them is first looked at and kept.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from suggester.codesets.store import ReleaseStore
from suggester.errors import UnknownCodeError
from suggester.rules.references import Narrowing, Reference, references

NoteKind = Literal["excludes1", "excludes2", "codeFirst", "useAdditionalCode", "codeAlso"]


@dataclass(frozen=True, slots=True)
class Target:
    """Rows that a reference means: half-open interval, and what narrows it."""

    start: int
    stop: int
    narrowing: Narrowing | None


@dataclass(frozen=True, slots=True)
class Instruction:
    """A note of the tabular list.

    Attributes
    ----------
    holder
        Code, block or chapter that carries it; ``depth`` 0 where it is the code itself, 1 its parent ….
    holder_row
        Its row.
    text
        As the list writes it.
    targets
        What it refers to; empty where it names no code.
    """

    kind: NoteKind
    holder: str
    holder_row: int
    text: str
    targets: tuple[Target, ...]

    @property
    def conditional(self) -> bool:
        """Whether it asks for a code only where there is something to code."""
        return any(word in self.text for word in ("if applicable", "if known", "if any", "any "))

    @property
    def source(self) -> str:
        """The note, quoted, and where it stands."""
        return f"ICD-10-CM tabular list, {_NAMES[self.kind]} at {self.holder}: {self.text}"


_NAMES: dict[NoteKind, str] = {
    "excludes1": "Excludes1",
    "excludes2": "Excludes2",
    "codeFirst": "Code first",
    "useAdditionalCode": "Use additional code",
    "codeAlso": "Code also",
}


class Book:
    """Diagnosis codes of one release, as the rules look at them.

    Parameters
    ----------
    store
        The release.
    """

    def __init__(self, store: ReleaseStore) -> None:
        self.store = store
        self.release = store.release.id
        self._rows: dict[str, int | None] = {}
        self._own: dict[tuple[int, NoteKind], tuple[Instruction, ...]] = {}
        self._all: dict[tuple[int, NoteKind], tuple[Instruction, ...]] = {}
        self._lineage: dict[int, tuple[int, ...]] = {}
        self._titles: dict[int, str] = {}
        self.sides: dict[int, dict[str, int]] = {}
        """What ``suggester.rules.sides`` has found out, by row."""

    def row(self, code: str) -> int | None:
        """Row of a code as written (with or without its dot), None if the release has none."""
        if code not in self._rows:
            try:
                self._rows[code] = self.store.row(code)
            except UnknownCodeError:
                return None  # not kept: what is typed may be anything
        return self._rows[code]

    def code(self, row: int) -> str:
        """The code of a row."""
        return self.store.codes[row]

    def title(self, row: int) -> str:
        """The title of a row in lower case."""
        if row not in self._titles:
            self._titles[row] = self.store.titles[row].lower()
        return self._titles[row]

    def lineage(self, row: int) -> tuple[int, ...]:
        """The row and all above it, nearest first."""
        if row not in self._lineage:
            self._lineage[row] = (row, *self.store.ancestors(row))
        return self._lineage[row]

    def end(self, row: int) -> int:
        """First row behind all that is below a row."""
        while children := self.store.children(row):
            row = children[-1]
        return row + 1

    def own(self, row: int, kind: NoteKind) -> tuple[Instruction, ...]:
        """Notes that stand at a row itself."""
        key = (row, kind)
        if key not in self._own:
            self._own[key] = tuple(self._instructions(row, kind))
        return self._own[key]

    def instructions(self, row: int, kind: NoteKind) -> tuple[Instruction, ...]:
        """Notes that hold for a row: its own first, then those of the codes, block and chapter above."""
        key = (row, kind)
        if key not in self._all:
            self._all[key] = tuple(note for above in self.lineage(row) for note in self.own(above, kind))
        return self._all[key]

    def _instructions(self, row: int, kind: NoteKind) -> Iterator[Instruction]:
        for text in self.store.notes(row, kind):
            targets = tuple(t for r in references(text) if (t := self.target(r)) is not None)
            yield Instruction(kind, self.code(row), row, text, targets)

    def target(self, reference: Reference) -> Target | None:
        """The rows of a reference; None where the release has not the code that it begins with."""
        first = self.row(reference.first)
        last = first if reference.last == reference.first else self.row(reference.last)
        if last is None:  # a range may end at a code that a release no longer has
            last = self._before(reference.last)
        if first is None or last is None or last < first:
            return None
        return Target(first, self.end(last), reference.narrowing)

    def _before(self, code: str) -> int | None:
        """Row of the last code of the same category that comes before a code which is not there."""
        names = self._sorted
        at = bisect_left(names, code) - 1
        return self.row(names[at]) if at >= 0 and names[at][:3] == code[:3] else None

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(code for code in self.store.code_list if " " not in code)

    def meant(self, note: Instruction, ordered: Sequence[int]) -> Iterator[int]:
        """Those of some rows, given in order, that a note refers to; a row may come twice."""
        for target in note.targets:
            for at in range(bisect_left(ordered, target.start), bisect_right(ordered, target.stop - 1)):
                row = ordered[at]
                if target.narrowing is None or target.narrowing.admits(self.code(row)):
                    yield row

    def below(self, row: int, above: str) -> bool:
        """Whether a row is a code or stands below it."""
        return any(self.code(item) == above for item in self.lineage(row))
