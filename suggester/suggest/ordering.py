"""The order in which suggestions are shown: what the note is about first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from suggester.types import Flag, Suggestion, System, make_suggestion

SERVICE_PLACE = 0.4
"""Share of a service's confidence by which it takes its place among the diagnoses."""
STEPS_BACK = 0.5
"""What is left of the confidence and place of a vague code that a surer one excludes."""
_PAINS = ("M25.5", "M54.5", "M54.9", "M79.6", "G89")
"""Codes of symptoms outside chapter R."""


def step_back(
    suggestions: Sequence[Suggestion], flags: Sequence[Flag], places: Mapping[tuple[System, str], float]
) -> tuple[Suggestion, ...] | None:
    """The suggestions in their new order once vague ones have stepped back; None if none has to.

    A symptom or an unspecified code steps back behind a surer code that an Excludes1 note bars it from (one
    that is neither): the surer one says what the vague one leaves open.
    """
    by_code = {item.code.code: item for item in suggestions if item.code.system == "ICD-10-CM"}
    back: dict[str, str] = {}
    for flag in flags:
        if flag.rule_id == "excludes1" and len(flag.codes) == 2 and by_code.keys() >= set(flag.codes):
            less, more = sorted(flag.codes, key=lambda code: (by_code[code].confidence, code))
            if _is_vague(by_code[less]) and not _is_vague(by_code[more]):
                back.setdefault(less, more)
    if not back:
        return None
    moved: dict[tuple[System, str], float] = {
        ("ICD-10-CM", code): STEPS_BACK * places.get(("ICD-10-CM", code), 1.0) for code in back
    }
    return in_order([_behind(item, back) for item in suggestions], {**places, **moved})


def _behind(item: Suggestion, back: Mapping[str, str]) -> Suggestion:
    if item.code.system != "ICD-10-CM" or item.code.code not in back:
        return item
    reason = f"{back[item.code.code]} says more, and the two exclude each other"
    return replace(item, confidence=STEPS_BACK * item.confidence, reasons=(*item.reasons, reason))


def _is_vague(item: Suggestion) -> bool:
    code = item.code.code
    return code[0] == "R" or code.startswith(_PAINS) or "unspecified" in item.code.display.lower()


def in_order(
    suggestions: Sequence[Suggestion], places: Mapping[tuple[System, str], float]
) -> tuple[Suggestion, ...]:
    """Diagnoses by their place, services by their confidence beside it; ranked from 1."""

    def key(item: Suggestion) -> tuple[float, float, str, str]:
        return placed(item.code.system, item.code.code, item.confidence, places)

    return tuple([_ranked(item, rank) for rank, item in enumerate(sorted(suggestions, key=key), 1)])


def placed(
    system: System, code: str, confidence: float, places: Mapping[tuple[System, str], float]
) -> tuple[float, float, str, str]:
    """What codes are sorted by to be shown."""
    place = places.get((system, code), confidence) if system == "ICD-10-CM" else confidence * SERVICE_PLACE
    return -place, -confidence, system, code


def _ranked(item: Suggestion, rank: int) -> Suggestion:
    """The suggestion at a rank; ``dataclasses.replace`` takes twice the time."""
    if item.rank == rank:
        return item
    return make_suggestion(
        id=item.id,
        code=item.code,
        confidence=item.confidence,
        rank=rank,
        evidence=item.evidence,
        reasons=item.reasons,
        flags=item.flags,
        units=item.units,
        modifiers=item.modifiers,
    )
