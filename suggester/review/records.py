"""Values of a note as the JSON that the store keeps, both ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from suggester.review.types import Mark, SectionMark
from suggester.types import Assertion, Cue, Evidence, Flag, NotCoded, ProposedModifier, Span

__all__ = [
    "evidence_from",
    "evidence_record",
    "flags_from",
    "flags_record",
    "marks_from",
    "marks_record",
    "modifiers_from",
    "modifiers_record",
    "not_coded_from",
    "not_coded_record",
    "sections_from",
    "sections_record",
]

_FLAGS = ("negated", "uncertain", "historical", "hypothetical", "family")


def _span(record: Sequence[int]) -> Span:
    return Span(start=record[0], end=record[1])


def evidence_record(evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Evidence as JSON, with the cues of its assertion."""
    return [
        {
            "span": [item.span.start, item.span.end],
            "quote": item.quote,
            "section": item.section,
            "flags": [name for name in _FLAGS if getattr(item.assertion, name)],
            "cues": [
                [cue.flag, cue.text, cue.span.start, cue.span.end, cue.rule_id] for cue in item.assertion.cues
            ],
        }
        for item in evidence
    ]


def evidence_from(record: Sequence[dict[str, Any]]) -> tuple[Evidence, ...]:
    """Evidence back from JSON."""
    return tuple(
        Evidence(
            span=_span(item["span"]),
            quote=item["quote"],
            section=item["section"],
            assertion=Assertion(
                **{name: name in item["flags"] for name in _FLAGS},
                cues=tuple(
                    Cue(flag=flag, text=text, span=Span(start=start, end=end), rule_id=rule)
                    for flag, text, start, end, rule in item["cues"]
                ),
            ),
        )
        for item in record
    )


def flags_record(flags: Sequence[Flag]) -> list[dict[str, Any]]:
    """Flags as JSON."""
    return [
        {
            "rule": flag.rule_id,
            "severity": flag.severity,
            "message": flag.message,
            "codes": list(flag.codes),
            "source": flag.source,
            "words": list(flag.words),
            "overridable": flag.overridable,
        }
        for flag in flags
    ]


def flags_from(record: Sequence[dict[str, Any]]) -> tuple[Flag, ...]:
    """Flags back from JSON."""
    return tuple(
        Flag(
            rule_id=item["rule"],
            severity=item["severity"],
            message=item["message"],
            codes=tuple(item["codes"]),
            source=item["source"],
            words=tuple(item["words"]),
            overridable=item["overridable"],
        )
        for item in record
    )


def modifiers_record(modifiers: Sequence[ProposedModifier]) -> list[dict[str, Any]]:
    """Proposed modifiers as JSON."""
    return [
        {
            "modifier": item.modifier,
            "reason": item.reason,
            "evidence": evidence_record(item.evidence),
        }
        for item in modifiers
    ]


def modifiers_from(record: Sequence[dict[str, Any]]) -> tuple[ProposedModifier, ...]:
    """Proposed modifiers back from JSON."""
    return tuple(
        ProposedModifier(
            modifier=item["modifier"], reason=item["reason"], evidence=evidence_from(item["evidence"])
        )
        for item in record
    )


def not_coded_record(items: Sequence[NotCoded]) -> list[dict[str, Any]]:
    """The not-coded ledger as JSON."""
    return [
        {
            "span": [item.span.start, item.span.end],
            "quote": item.quote,
            "reason": item.reason,
            "cue": item.cue,
            "would_be": list(item.would_be),
        }
        for item in items
    ]


def not_coded_from(record: Sequence[dict[str, Any]]) -> tuple[NotCoded, ...]:
    """The not-coded ledger back from JSON."""
    return tuple(
        NotCoded(
            span=_span(item["span"]),
            quote=item["quote"],
            reason=item["reason"],
            cue=item["cue"],
            would_be=tuple(item["would_be"]),
        )
        for item in record
    )


def sections_record(sections: Sequence[SectionMark]) -> list[list[Any]]:
    """Sections as JSON."""
    return [[item.kind, item.title, item.span.start, item.span.end] for item in sections]


def sections_from(record: Sequence[Sequence[Any]]) -> tuple[SectionMark, ...]:
    """Sections back from JSON."""
    return tuple(
        SectionMark(kind=kind, title=title, span=Span(start=start, end=end))
        for kind, title, start, end in record
    )


def marks_record(marks: Sequence[Mark]) -> list[list[Any]]:
    """Marks as JSON."""
    return [
        [
            mark.kind,
            mark.span.start,
            mark.span.end,
            mark.cue,
            None if mark.cue_span is None else [mark.cue_span.start, mark.cue_span.end],
        ]
        for mark in marks
    ]


def marks_from(record: Sequence[Sequence[Any]]) -> tuple[Mark, ...]:
    """Marks back from JSON."""
    return tuple(
        Mark(
            kind=kind,
            span=Span(start=start, end=end),
            cue=cue,
            cue_span=None if cue_span is None else _span(cue_span),
        )
        for kind, start, end, cue, cue_span in record
    )
