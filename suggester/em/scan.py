"""Find the cues of evaluation and management in a read note, each with its section and assertion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress
from typing import Final

from suggester.em.lexicon import END, Denial, EmLexicon, Where
from suggester.pipeline.reading import FAMILY, HISTORICAL, HYPOTHETICAL, NEGATED, Reading
from suggester.types import Assertion, Evidence, make_evidence, make_span, maker, quick

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


_make_hit = maker(Hit)


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
        known = [self.by_item[item] for item in items if item in self.by_item]
        found = [hit for hits in known for hit in hits if not hit.negated]
        if len(known) > 1:
            found.sort(key=lambda hit: (hit.first, -hit.last, hit.item))
        return found

    def evidence(self, first: int, last: int) -> Evidence:
        """The words from a token to a token as evidence."""
        start, end = self.reading.table.start[first], self.reading.table.end[last]
        return make_evidence(
            span=make_span(start=start, end=end),
            quote=self.text[start:end],
            section=self.reading.section_kind[first],
            assertion=_AFFIRMED,
        )

    def of(self, hits: list[Hit], *, most: int = 3) -> tuple[Evidence, ...]:
        """Evidence of the first hits."""
        return tuple([self.evidence(hit.first, hit.last) for hit in hits[:most]])

    def in_plan(self, token: int) -> bool:
        """Whether a token stands where the visit's decisions are; without such a part, not in the past."""
        kind = self.reading.section_kind[token]
        if self.planned:
            return kind in PLANS
        return kind not in PAST and kind not in ("ros", "exam", "medications")

    def _find(self, lexicon: EmLexicon) -> Iterator[Hit]:
        table, kinds, flags = self.reading.table, self.reading.section_kind, self.reading.assertion.flags
        places, words, numbers = table.visible, table.said, table.said_numbers
        if "-" in self.reading.have:
            unlike = numbers != table.numbering.number("-")
            numbers, kept = numbers[unlike], unlike.tolist()
            places, words = list(compress(places, kept)), list(compress(words, kept))
        size = len(words)
        free = [0] * len(lexicon.books)
        begins = lexicon.begins.of(table.numbering, numbers).nonzero()[0].tolist()
        following = [*words[1:], END]
        opened = map(lexicon.opens.__getitem__, [(words[at], following[at]) for at in begins])
        for at, books in zip(begins, opened, strict=True):
            for number in books:
                if at < free[number]:
                    continue
                found = lexicon.books[number].longest(words, at, size)
                if found is None:
                    continue
                free[number] = found[0]
                cue = lexicon.cues[found[1][0].rule]
                first, last = places[at], places[found[0] - 1]
                if not self._counts(cue.where, first):
                    continue
                mask = flags[first] | flags[last]
                negated = mask != 0 and self._is_denied(cue.denial, first, last, mask)
                yield _make_hit(cue.item, cue.name or words[at], first, last, kinds[first], negated, mask)

    def _counts(self, where: Where, token: int) -> bool:
        if where == "any" or where == "none":
            return where == "any"
        if where == "plan":
            return self.in_plan(token)
        kind = self.reading.section_kind[token]
        if where == "top":
            return kind not in _BELOW or self.reading.sections.token_section[token] == 0
        return kind not in PAST and not (where == "data" and kind in ("medications", "ros"))

    def _is_denied(self, denial: Denial, first: int, last: int, mask: int) -> bool:
        """Whether a cue on whose words flags lie does not hold."""
        if denial == "test":
            return self._not_done(first, last, mask)
        if denial == "decision":
            return self._not_decided(first, last, mask)
        if denial == "any":
            return bool(mask & (NEGATED | HYPOTHETICAL | FAMILY))
        return denial == "negation" and bool(mask & NEGATED)

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
