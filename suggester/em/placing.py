"""Put the worksheet's code among the suggestions: one evaluation and management code a kind of visit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from suggester.em.levels import BY_MDM, PREVENTIVE
from suggester.types import Code, EmWorksheet, Evidence, Suggestion

PREVENTIVE_CODES: Final = frozenset(
    (*(code for rows in PREVENTIVE.values() for _, code in rows), "G0402", "G0438", "G0439")
)
PROBLEM_CODES: Final = frozenset(
    (*(code for codes in BY_MDM.values() for code in codes), "99211", "99281", "99238", "99239")
) | {"99234", "99235", "99236"}
MOST_EVIDENCE: Final = 5


def rivals_of(worksheet: EmWorksheet) -> frozenset[str]:
    """Codes that the worksheet decides among: those of problem-oriented visits, or of preventive ones."""
    if worksheet.category == "preventive":
        return PREVENTIVE_CODES
    return frozenset(("99291",)) if worksheet.category == "critical care" else PROBLEM_CODES


def evidence_of(worksheet: EmWorksheet) -> tuple[Evidence, ...]:
    """The words that decide: kind of visit, patient status, time or the first item of each element."""
    chosen = [*worksheet.category_evidence[:1], *worksheet.status_evidence[:1]]
    if worksheet.basis in ("time", "critical care"):
        chosen += worksheet.time_evidence[:1]
    for element in (worksheet.problems, worksheet.risk, worksheet.data):
        if element is not None and element.items:
            chosen += element.items[0].evidence[:1]
    kept: list[Evidence] = []
    for evidence in chosen:
        if not any(evidence.span.overlaps(other.span) for other in kept):
            kept.append(evidence)
    return tuple(sorted(kept[:MOST_EVIDENCE], key=lambda e: (e.span.start, e.span.end)))


def place(
    suggestions: Sequence[Suggestion],
    worksheet: EmWorksheet,
    code: Code,
    *,
    note_id: str,
    threshold: float,
    limit: int,
) -> tuple[Suggestion, ...]:
    """The suggestions with the worksheet's code instead of its rivals, surest first, at most ``limit``.

    They keep the ranks that they had; who orders them ranks them anew.
    """
    rivals = rivals_of(worksheet)
    kept = [item for item in suggestions if item.code.code not in rivals]
    evidence = evidence_of(worksheet)
    if worksheet.confidence >= threshold and evidence:
        kept.append(
            Suggestion(
                id=f"{note_id}:{code.system}:{code.code}",
                code=code,
                confidence=worksheet.confidence,
                rank=1,
                evidence=evidence,
                reasons=worksheet.reasons,
            )
        )
    kept.sort(key=lambda item: (-item.confidence, item.code.system, item.code.code))
    return tuple(kept[:limit])
