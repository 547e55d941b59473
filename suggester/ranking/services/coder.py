"""A charge-master line or an order to ranked codes, as suggestions with evidence."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from suggester.codesets.catalog import ReleaseSet
from suggester.ranking.services.features import LineCandidate, candidates
from suggester.ranking.services.index import LineIndex, Source, open_index
from suggester.ranking.services.model import LineModel
from suggester.ranking.services.words import Reader, Vocabulary
from suggester.types import Assertion, Evidence, Note, Span, Suggestion, System

LINE_KIND = "service_line"
"""``kind`` of a note that is one charge line or order."""

SECTION = "service_line"
ALWAYS = 5
"""So many codes are proposed for a line however unlikely: lines are looked up, and rivals are to be seen."""

MOST = 10
LEAST = 0.01
"""Confidence below which a code beyond the first ``ALWAYS`` is not proposed."""

LONGEST = 500
"""Characters of the longest line; what is longer is a note."""

_SOURCES = {
    Source.LEXICON: "phrase of the lexicon",
    Source.DESCRIPTOR: "descriptor of the code set",
    Source.DRUG: "name of the drug",
}


@dataclass(frozen=True, slots=True)
class LineCoder:
    """Proposes codes for lines.

    Attributes
    ----------
    index
        Phrases of the code sets in force.
    reader
        Reads lines.
    model
        Scores codes.
    """

    index: LineIndex
    reader: Reader
    model: LineModel
    releases: ReleaseSet

    @classmethod
    def over(cls, releases: ReleaseSet, *, model: LineModel | None = None) -> LineCoder:
        """Open index and model over a set of releases.

        Raises
        ------
        LexiconError, ModelError
            If a data file is wrong or the model cannot be loaded.
        """
        reader = Reader(Vocabulary.read())
        return cls(open_index(releases, reader), reader, model or LineModel.load(), releases)

    def ranked(self, text: str) -> list[tuple[float, LineCandidate]]:
        """Codes with their confidence, best first."""
        found, features = candidates(self.index, self.reader.line(text[:LONGEST]))
        scored = zip(self.model.confidence(features).tolist() if found else (), found, strict=True)
        return sorted(
            ((round(confidence, 6), item) for confidence, item in scored),
            key=lambda pair: (-pair[0], pair[1].system, self._code(pair[1])),
        )

    def _code(self, item: LineCandidate) -> str:
        return self.releases.store(item.system).codes[item.row]

    def suggest(self, note: Note, *, closed: Collection[str], limit: int) -> tuple[Suggestion, ...]:
        """Suggestions for a note that is one line.

        Parameters
        ----------
        note
            The line; its service date says which codes are in force.
        closed
            Systems of which nothing may be suggested.
        limit
            Most suggestions.
        """
        out: list[Suggestion] = []
        for confidence, item in self.ranked(note.text):
            if len(out) >= min(limit, MOST if confidence >= LEAST else ALWAYS):
                break
            if item.system in closed or not self._in_force(item.system, item.row, note.service_date):
                continue
            code = self.releases.store(item.system).code(item.row)
            out.append(
                Suggestion(
                    id=f"{note.id}:{code.system}:{code.code}",
                    code=code,
                    confidence=confidence,
                    rank=len(out) + 1,
                    evidence=_evidence(note.text, item.spans),
                    reasons=(f"reads as {item.phrase!r}, a {_SOURCES[item.source]}",),
                )
            )
        return tuple(out)

    def _in_force(self, system: System, row: int, day: date | None) -> bool:
        return day is None or int(self.releases.store(system).valid_from[row]) <= day.toordinal()


def _evidence(text: str, spans: tuple[Span, ...]) -> tuple[Evidence, ...]:
    """The words of the line that match; words with nothing but signs between them are one piece."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and not any(char.isalnum() for char in text[joined[-1].end : span.start]):
            joined[-1] = Span(start=joined[-1].start, end=max(span.end, joined[-1].end))
        else:
            joined.append(span)
    return tuple(
        Evidence(span=span, quote=text[span.start : span.end], section=SECTION, assertion=Assertion())
        for span in joined
    )
