"""What a note says at the matches of its reading: the words behind a code, and what is asserted of them."""

from __future__ import annotations

from collections.abc import Sequence

from suggester.pipeline.reading import AFFIRMED, Reading
from suggester.ranking.bench import Bench
from suggester.ranking.features import Scored
from suggester.ranking.support import Support
from suggester.types import Assertion, Evidence, make_evidence, make_span

MAX_EVIDENCE = 5
"""Most evidence spans a suggestion shows."""

EVIDENCE_SHARE = 0.7
"""A mention is shown as evidence if its words fit at least this share as well as the best one's."""


class Said:
    """Assertions and evidence of one note, each worked out once a match.

    Parameters
    ----------
    bench
        What the note was read with.
    reading
        The note, read, with all its matches.
    text
        Its text, unaltered.

    Attributes
    ----------
    first, final
        First and last token of each match.
    """

    def __init__(self, bench: Bench, reading: Reading, text: str) -> None:
        m = reading.matches
        self.reading = reading
        self.first, self.final = m.firsts, m.finals
        self._text = text
        self._anchors = m.anchors
        self._terms = m.terms
        self._own = bench.finder.own
        self._shown: dict[tuple[int, int, int], Evidence] = {}

    def of(self, supports: Sequence[Support]) -> tuple[Assertion, ...]:
        """What is asserted of each of some mentions."""
        return tuple([self._at(match) if flags else AFFIRMED for match, _, flags, _, _ in supports])

    def _at(self, match: int) -> Assertion:
        own = self._own.item(self._terms[match])
        return self.reading.assertion_of(self.first[match], self.final[match], self._anchors[match], own=own)

    def evidence(self, item: Scored, assertions: tuple[Assertion, ...]) -> tuple[Evidence, ...]:
        """The best mentions of a candidate, one for each stretch of words, in order of the note.

        ``assertions`` are those of its supports.
        """
        starts, ends = self.reading.table.start, self.reading.table.end
        firsts, finals, best_match = self.first, self.final, item.best.match
        if len(assertions) == 1:
            first = firsts[best_match]
            return (self._evidence(starts[first], ends[finals[best_match]], first, assertions[0]),)
        least = EVIDENCE_SHARE * item.best.similarity
        ranked = [
            (match != best_match, bool(flags) and not assertions[number].affirmed, -similarity, match, number)
            for number, (match, _, flags, _, similarity) in enumerate(item.candidate.supports)
            if similarity >= least
        ]
        ranked.sort()
        chosen: list[tuple[int, int, int, Assertion]] = []
        for _, _, _, match, number in ranked:
            first = firsts[match]
            start, end = starts[first], ends[finals[match]]
            if any([start < other[1] and other[0] < end for other in chosen]):
                continue
            chosen.append((start, end, first, assertions[number]))
            if len(chosen) == MAX_EVIDENCE:
                break
        chosen.sort()  # by their starts, no two of which are the same
        return tuple([self._evidence(*entry) for entry in chosen])

    def _evidence(self, start: int, end: int, first: int, assertion: Assertion) -> Evidence:
        key = start, end, id(assertion)
        found = self._shown.get(key)
        if found is None:
            found = self._shown[key] = make_evidence(
                span=make_span(start=start, end=end),
                quote=self._text[start:end],
                section=self.reading.section_kind[first],
                assertion=assertion,
            )
        return found
