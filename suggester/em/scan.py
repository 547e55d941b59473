"""Find the cues of evaluation and management in a read note, each with its section and assertion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress
from typing import Final

from suggester.em.lexicon import EmLexicon
from suggester.pipeline.reading import FAMILY, HISTORICAL, HYPOTHETICAL, NEGATED, Reading
from suggester.types import Assertion, Evidence, quick

PAST: Final = frozenset(
    ("past_medical", "past_surgical", "family", "social", "allergies", "immunizations", "obstetric")
)
PLANS: Final = frozenset(
    (
        *("assessment", "plan", "assessment_plan", "impression", "disposition", "hospital_course", "orders"),
        *(
            "instructions",
            "discharge_instructions",
            "discharge_diagnosis",
            "time",
            "attestation",
            "procedure",
        ),
        *("goals", "supplies", "postoperative_diagnosis", "problem_list"),
    )
)
"""Sections that say what was decided at the visit."""

DECIDING: Final = PLANS - {"procedure", "problem_list"}
"""Sections whose presence means that a plan is not looked for elsewhere."""

_BELOW: Final = PAST | {
    *("exam", "ros", "vitals", "medications", "labs", "results", "imaging", "plan", "instructions"),
    *("disposition", "discharge_instructions", "orders"),
}
"""Sections in which words on the kind of visit speak of another one."""

_AFFIRMED: Final = Assertion()

_NOT_DONE: Final = frozenset(
    ("not", "declined", "refused", "deferred", "unnecessary", "never", "cancelled", "no", "declines")
)


_CONDITIONS: Final = frozenset(
    ("if", "should", "unless", "return", "returns", "when", "in", "call", "until", "would", "might", "could")
)
_NEAR: Final = 25
"""A denial belongs to a measure that begins within so many characters."""


@quick
@dataclass(frozen=True, slots=True)
class Hit:
    """A cue in the note: what it says, its first and last token, and whether a flag lies on it."""

    item: str
    name: str
    first: int
    last: int
    section: str
    negated: bool
    mask: int


class Scan:
    """Every cue of one note, by item.

    Parameters
    ----------
    reading
        The read note.
    text
        Its text, unaltered.
    lexicon
        The vocabulary.
    """

    def __init__(self, reading: Reading, text: str, lexicon: EmLexicon) -> None:
        self.reading = reading
        self.text = text
        self.kinds = frozenset(section.kind for section in reading.sections.sections)
        self.planned = not self.kinds.isdisjoint(DECIDING)
        self.by_item: dict[str, list[Hit]] = {}
        for hit in self._find(lexicon):
            self.by_item.setdefault(hit.item, []).append(hit)

    def get(self, *items: str) -> list[Hit]:
        """Hits of the items that are not denied, in order of the note."""
        found = [hit for item in items for hit in self.by_item.get(item, ()) if not hit.negated]
        found.sort(key=lambda hit: (hit.first, -hit.last, hit.item))
        return found

    def evidence(self, first: int, last: int) -> Evidence:
        """The words from a token to a token as evidence."""
        span = self.reading.span(first, last)
        return Evidence(
            span=span,
            quote=self.text[span.start : span.end],
            section=self.reading.section_kind[first],
            assertion=_AFFIRMED,
        )

    def of(self, hits: list[Hit], *, most: int = 3) -> tuple[Evidence, ...]:
        """Evidence of the first hits."""
        return tuple(self.evidence(hit.first, hit.last) for hit in hits[:most])

    def in_plan(self, token: int) -> bool:
        """Whether a token stands where the visit's decisions are; without such a part, not in the past."""
        kind = self.reading.section_kind[token]
        if self.planned:
            return kind in PLANS
        return kind not in PAST and kind not in ("ros", "exam", "medications")

    def _find(self, lexicon: EmLexicon) -> Iterator[Hit]:
        places, words = self.reading.table.visible, self.reading.table.said
        if "-" in self.reading.have:
            kept = list(map("-".__ne__, words))
            places, words = list(compress(places, kept)), list(compress(words, kept))
        size = len(words)
        free = [0] * len(lexicon.books)
        may: list[list[int]] = [[] for _ in lexicon.books]
        begins = list(map(lexicon.begins.__getitem__, words))
        for at in compress(range(size), begins):
            for number in begins[at]:
                may[number].append(at)
        tried = [(at, n) for n, book in enumerate(lexicon.books) for at in book.among(words, may[n])]
        for at, number in sorted(tried):
            if at < free[number]:
                continue
            found = lexicon.books[number].longest(words, at, size)
            if found is None:
                continue
            free[number] = found[0]
            cue = lexicon.cues[found[1][0].rule]
            first, last = places[at], places[found[0] - 1]
            if self._counts(cue.item, cue.where, first):
                yield self._hit(cue.item, cue.name or words[at], first, last)

    def _counts(self, item: str, where: str, token: int) -> bool:
        kind = self.reading.section_kind[token]
        if where == "none":
            return False
        if where == "top":
            return kind not in _BELOW or self.reading.sections.token_section[token] == 0
        if where == "plan" or (not where and item.startswith("risk.")):
            return self.in_plan(token)
        if where == "any":
            return True
        return kind not in PAST and not (kind in ("medications", "ros") and item.startswith("data."))

    def _hit(self, item: str, name: str, first: int, last: int) -> Hit:
        flags = self.reading.assertion.flags
        mask = flags[first] | flags[last]
        negated = False
        if item.startswith("data.test"):
            negated = self._not_done(first, last, mask)
        elif item.startswith(("data.", "drug.", "state.", "kind.")):
            negated = bool(mask & (NEGATED | HYPOTHETICAL | FAMILY))
        elif item.startswith("risk."):
            negated = self._not_decided(first, last, mask)
        elif item.startswith(("visit.", "status.")):
            negated = bool(mask & NEGATED)
        return Hit(item, name, first, last, self.reading.section_kind[first], negated, mask)

    def _not_done(self, first: int, last: int, mask: int) -> bool:
        """Whether a test or measure was not done; a negative result is done."""
        if mask & (HYPOTHETICAL | FAMILY):
            return True
        if not mask & (NEGATED | HISTORICAL):
            return False
        start = self.reading.table.start[first]
        for cue in self.reading.assertion_at(first, last).cues:
            if cue.flag == "historical" and self.reading.section_kind[first] in ("hpi", "header"):
                return True
            if cue.flag == "negated" and (
                cue.span.start < start or cue.text.split(" ", 1)[0].lower() in _NOT_DONE
            ):
                return True
        return False

    def _not_decided(self, first: int, last: int, mask: int) -> bool:
        """Whether a measure was denied right before it, hangs on a condition, is past or of the family."""
        if mask & (HISTORICAL | FAMILY):
            return True
        if not mask & (NEGATED | HYPOTHETICAL):
            return False
        start = self.reading.table.start[first]
        for cue in self.reading.assertion_at(first, last).cues:
            word = cue.text.split(" ", 1)[0].lower()
            if cue.flag == "hypothetical" and word in _CONDITIONS:
                return True
            if cue.flag == "negated" and (
                start - _NEAR < cue.span.end <= start or word in _NOT_DONE - {"not"}
            ):
                return True
        return False
