"""What a note says at the matches of its reading: the words behind a code, and what is asserted of them."""

from __future__ import annotations

from suggester.pipeline.reading import AFFIRMED, Reading
from suggester.ranking.bench import Bench
from suggester.ranking.features import Scored
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
        self._negating: list[bool] = bench.releases.terms.term_whole[m.term].tolist()
        self._known: dict[tuple[int, int, int, bool], Assertion] = {}
        self._shown: dict[tuple[int, int, int], Evidence] = {}

    def of(self, item: Scored) -> tuple[Assertion, ...]:
        """What is asserted of each mention that speaks for a candidate."""
        return tuple(
            [self._at(support.match) if support.flags else AFFIRMED for support in item.candidate.supports]
        )

    def _at(self, match: int) -> Assertion:
        place = self.first[match], self.final[match], self._anchors[match], self._negating[match]
        found = self._known.get(place)
        if found is None:
            found = self._known[place] = self.reading.assertion_of(*place[:3], negating=place[3])
        return found

    def evidence(self, item: Scored, assertions: tuple[Assertion, ...]) -> tuple[Evidence, ...]:
        """The best mentions of a candidate, one for each stretch of words, in order of the note.

        ``assertions`` are those of its supports.
        """
        starts, ends = self.reading.table.start, self.reading.table.end
        best = item.best
        if len(assertions) == 1:
            first = self.first[best.match]
            return (self._evidence(starts[first], ends[self.final[best.match]], first, assertions[0]),)
        least, best_match = EVIDENCE_SHARE * best.similarity, best.match
        ranked = [
            (match != best_match, bool(flags) and not assertions[number].affirmed, -similarity, match, number)
            for number, (match, _, flags, _, similarity) in enumerate(item.candidate.supports)
            if similarity >= least
        ]
        ranked.sort()
        chosen: list[tuple[int, int, int, Assertion]] = []
        for _, _, _, match, number in ranked:
            first = self.first[match]
            start, end = starts[first], ends[self.final[match]]
            if any([start < other[1] and other[0] < end for other in chosen]):
                continue
            chosen.append((start, end, first, assertions[number]))
            if len(chosen) == MAX_EVIDENCE:
                break
        chosen.sort(key=_extent)
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


def _extent(entry: tuple[int, int, int, Assertion]) -> tuple[int, int]:
    return entry[:2]
