"""Suggestions that are wrong on purpose, to see whether coders look before they accept.

A planted suggestion is a code of something that the note denies or says of a relative: by the words of the
note it is wrong, and who reads the highlighted words sees it. It is marked in the store only, never shown as
planted before the note is finished, never in a summary, an export, a figure or in what is learned.
"""

from __future__ import annotations

import statistics

from suggester.errors import DecisionError
from suggester.review.codebook import CodeBook
from suggester.types import (
    SYSTEMS,
    Assertion,
    Code,
    Evidence,
    NotCoded,
    Note,
    Span,
    Suggestion,
    Suggestions,
)

__all__ = ["planted"]

_WRONG = ("negated", "family")
_SURE = 0.5
_CONFIDENCE = 0.8


def planted(note: Note, result: Suggestions, codebook: CodeBook, *, draw: float) -> Suggestion | None:
    """A known-wrong suggestion for a note, or None where the note denies nothing that has a code.

    Parameters
    ----------
    note, result
        The note and its suggestions.
    codebook
        Codes of the day.
    draw
        In [0, 1): which of the possible ones is taken.
    """
    taken = {item.code.code[:3] for item in result.suggestions}
    possible: list[tuple[NotCoded, Code]] = []
    for item in result.not_coded:
        code = _code(item, note, codebook) if item.reason in _WRONG else None
        if code is not None and code.code[:3] not in taken:
            possible.append((item, code))
    if not possible:
        return None
    item, code = possible[int(draw * len(possible))]
    sure = [s.confidence for s in result.suggestions if s.confidence >= _SURE]
    quote = note.text[item.span.start : item.span.end]
    return Suggestion(
        id=f"{note.id}:{code.system}:{code.code}",
        code=code,
        confidence=round(statistics.median(sure), 4) if sure else _CONFIDENCE,
        rank=1,
        evidence=(
            Evidence(
                span=Span(start=item.span.start, end=item.span.end),
                quote=quote,
                section=_section(item, result),
                assertion=Assertion(),
            ),
        ),
        reasons=(f"the words of “{' '.join(quote.lower().split())}” are there",),
    )


def _section(item: NotCoded, result: Suggestions) -> str:
    """The section of the nearest words before that support something."""
    before = [e for s in result.suggestions for e in s.evidence if e.span.start <= item.span.start]
    return max(before, key=lambda e: e.span.start).section if before else "hpi"


def _code(item: NotCoded, note: Note, codebook: CodeBook) -> Code | None:
    """The first billable code that the words would have been."""
    for code in item.would_be:
        for system in SYSTEMS:
            try:
                found = codebook.code(system, code, note.service_date)
            except DecisionError:
                continue
            if found.billable:
                return found
    return None
