"""Which judged candidates of a note are suggested, and why the others are not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from suggester.ranking.bench import Bench
from suggester.ranking.features import Scored
from suggester.ranking.learning import Judged
from suggester.ranking.ledger import cue_of
from suggester.ranking.said import Said
from suggester.ranking.support import CodeSupport, is_gated, vouching
from suggester.rules import gate
from suggester.suggest.ordering import placed
from suggester.types import Assertion, Note, System

_DIGITS: Final = 6
"""Digits behind the point that a confidence is given with."""

_FLAG_OF_REASON: Final = {
    "negated": "negated",
    "family": "family",
    "hypothetical": "hypothetical",
    "uncertain in outpatient": "uncertain",
}

_ANY_FLAG: Final = -1
"""Every bit of an assertion."""

Kept = tuple[float, Scored, tuple[Assertion, ...]]
"""Confidence of a candidate that is suggested, and what is asserted of each of its mentions."""
LeftOut = tuple[Scored, str, str | None]
"""A candidate that is not, the reason, and the words that are to blame."""


@dataclass(slots=True)
class Choice:
    """What is suggested of a note, surest first, and what is not; the places of diagnoses among others."""

    kept: list[Kept]
    left_out: list[LeftOut]
    places: dict[tuple[System, str], float]


def unrounded(threshold: float) -> float:
    """The confidence below which one is below the threshold however it is rounded."""
    return threshold - 0.1**_DIGITS


def choose(
    judged: Sequence[Judged],
    *,
    bench: Bench,
    said: Said,
    note: Note,
    closed: Collection[str],
    gated: bool,
    threshold: float,
    limit: int,
) -> Choice:
    """Choose among judged candidates.

    Parameters
    ----------
    judged
        The candidates with their confidences, in any order.
    closed
        Systems without a release on the service date.
    gated
        Whether what is negated, hypothetical or a relative's is kept from being suggested.
    threshold, limit
        Least confidence, and most suggestions: those that are shown first.
    """
    day, codes = note.service_date, bench.codes
    kept: list[Kept] = []
    left_out: list[LeftOut] = []
    places: dict[tuple[System, str], float] = {}
    unlikely = unrounded(threshold)
    for one in judged:
        item = one.item
        candidate = item.candidate
        system = candidate.system
        if system in closed or (day is not None and not in_force(bench, candidate, day)):
            continue
        if gated and is_gated(item.best, candidate.supports, _ANY_FLAG):
            code = codes[system][candidate.row]
            held = gate(said.of(vouching(candidate.supports)), code=code, setting=note.setting)
            if held is not None:
                left_out.append((item, held.reason, cue_of(held.assertion, _FLAG_OF_REASON[held.reason])))
                continue
        if one.confidence < unlikely or (confidence := round(one.confidence, _DIGITS)) < threshold:
            left_out.append((item, "below threshold", None))
            continue
        kept.append((confidence, item, said.of(candidate.supports)))
        places[system, codes[system][candidate.row]] = one.priority

    def surest(entry: Kept) -> tuple[float, str, str]:
        candidate = entry[1].candidate
        return -entry[0], candidate.system, codes[candidate.system][candidate.row]

    def shown(entry: Kept) -> tuple[float, float, str, str]:
        candidate = entry[1].candidate
        code = codes[candidate.system][candidate.row]
        return placed(candidate.system, code, entry[0], places)

    if len(kept) > limit:
        kept.sort(key=shown)
    left_out.extend((item, "below threshold", None) for _, item, _ in kept[limit:])
    kept = sorted(kept[:limit], key=surest)
    return Choice(kept, _named(said, left_out, kept), places)


def _named(said: Said, left_out: Sequence[LeftOut], kept: Sequence[Kept]) -> list[LeftOut]:
    """Say 'rival chosen' where the same words already stand for a suggested code of the same category."""
    chosen: dict[str, list[tuple[int, int]]] = {}
    for _, item, _ in kept:
        at = item.best.match
        chosen.setdefault(item.category, []).append((said.first[at], said.final[at]))
    out: list[LeftOut] = []
    for entry in left_out:
        item, reason, cue = entry
        if reason == "below threshold" and item.category in chosen:
            at = item.best.match
            first, final = said.first[at], said.final[at]
            if any([start <= final and first <= end for start, end in chosen[item.category]]):
                entry = item, "rival chosen", cue
        out.append(entry)
    return out


def in_force(bench: Bench, candidate: CodeSupport, day: date) -> bool:
    """Whether the code itself, not only its release, is valid on a service date."""
    return bench.releases.store(candidate.system).in_force(candidate.row, day)
