"""The order in which suggestions are shown: what the note is about first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suggester.types import Suggestion, System

SERVICE_PLACE = 0.4
"""Share of a service's confidence by which it takes its place among the diagnoses."""


def in_order(
    suggestions: Sequence[Suggestion], places: Mapping[tuple[System, str], float]
) -> tuple[Suggestion, ...]:
    """Diagnoses by their place, services by their confidence beside it; ranked from 1."""

    def key(item: Suggestion) -> tuple[float, float, str, str]:
        system, code = item.code.system, item.code.code
        if system == "ICD-10-CM":
            place = places.get((system, code), item.confidence)
        else:
            place = item.confidence * SERVICE_PLACE
        return -place, -item.confidence, system, code

    return tuple([_ranked(item, rank) for rank, item in enumerate(sorted(suggestions, key=key), 1)])


def _ranked(item: Suggestion, rank: int) -> Suggestion:
    """The suggestion at a rank; ``dataclasses.replace`` takes twice the time."""
    if item.rank == rank:
        return item
    return Suggestion(
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
