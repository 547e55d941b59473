"""Sections of a note, and the words whose reading a coder should see: negated, uncertain, family …"""

from __future__ import annotations

from dataclasses import dataclass

from suggester.pipeline.matching import COMPLETE
from suggester.pipeline.reading import Reading
from suggester.review.types import Mark, SectionMark

__all__ = ["Markings", "markings_of"]

_KINDS = ("negated", "family", "hypothetical", "uncertain", "historical")
"""In the order in which one is shown where several hold."""

_INSIDE = ("family", "historical")
"""Kinds that are marked inside a longer mention that carries its cue itself (*mother with diabetes*)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Markings:
    """Sections and marks, each in order of the text."""

    sections: tuple[SectionMark, ...]
    marks: tuple[Mark, ...]


def markings_of(reading: Reading) -> Markings:
    """Sections of a reading, and a mark for every complete mention with an assertion flag.

    Mentions inside longer ones that are marked are left out. Where several flags hold, the mark's kind is the
    first of *negated, family, hypothetical, uncertain, historical*.
    """
    m = reading.matches
    whole = (m.coverage >= COMPLETE).nonzero()[0].tolist()
    spans = sorted({(int(m.first[i]), int(m.final[i])) for i in whole}, key=lambda s: (s[0], -s[1]))
    marks: list[Mark] = []
    reach = plain = -1
    for first, final in spans:
        if final <= reach:
            continue
        assertion = reading.outside(reading.assertion_at(first, final), first, final)
        kind = next((name for name in _KINDS if getattr(assertion, name)), None)
        if kind is None:
            plain = max(plain, final)
            continue
        if final <= plain and kind not in _INSIDE:
            continue
        reach = final
        cue = next((cue for cue in assertion.cues if cue.flag == kind), None)
        marks.append(
            Mark(
                kind=kind,
                span=reading.span(first, final),
                cue=cue.text if cue else None,
                cue_span=cue.span if cue else None,
            )
        )
    sections = tuple(
        SectionMark(kind=section.kind, title=section.title, span=section.span)
        for section in reading.sections.sections
    )
    return Markings(sections=sections, marks=tuple(marks))
