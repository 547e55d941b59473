"""Settle what candidates of one note claim from each other: the same words are coded once.

The ranker scores each candidate by itself. Here rivals meet: a code of a family is held back by a better one
for the same words, an unspecified code by a specific one of its family, and a combination code speaks for the
conditions that it joins (ICD-10-CM guidelines I.B.9, I.B.2 and I.A.15).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from suggester.pipeline.matching import COMPLETE, Matches
from suggester.pipeline.reading import FAMILY, HYPOTHETICAL, NEGATED, UNCERTAIN
from suggester.ranking.features import Scored
from suggester.ranking.support import Method, is_gated
from suggester.types import CERTAIN_ONLY, Setting

UNSPECIFIED_HELD = 0.8
"""Share of a specific code's confidence by which an unspecified one of its family is held back."""
VAGUE_LATER = 0.2
"""By how much an unspecified code must be surer than a specific one of its family to come before it."""
SAME_WORDS_HELD = 0.6
"""The same between two codes of a family that rest on the same words."""
COMBINED = 0.9
"""Confidence of a combination code over that of its least sure condition, unless the ranker gives more."""
REPLACED_HELD = 0.8
"""Share of a combination code's confidence by which a code that it replaces is held back."""
ONE_HELD = 0.9
"""Share of the confidence in an alternative by which those that cannot stand beside it are held back."""
SPREAD_FROM = 0.7
"""Share of the confidence in a secondary cancer that a primary has which is named whole and affirmed."""
SPREAD_LEAST = 0.12
"""Confidence from which a primary may be what has spread."""
ALONE_HELD = 0.6
"""Share of its confidence that a code loses if nothing that it goes with is there."""
ENOUGH = 0.3
"""Confidence in a code from which it is company enough for another."""
_TELLING = 0.1
"""Confidence from which a combination code holds back what it replaces."""


def families_of(scored: Sequence[Scored]) -> dict[str, list[int]]:
    """The numbers of the candidates of each category, ascending."""
    families: dict[str, list[int]] = {}
    for number, item in enumerate(scored):
        families.setdefault(item.category, []).append(number)
    return families


def settle(
    matches: Matches,
    scored: Sequence[Scored],
    confidence: NDArray[np.float64],
    *,
    unspecified: Callable[[int], bool],
    gives_way: Mapping[int, frozenset[int]],
    company: Mapping[int, tuple[str, ...]],
    one_of: Mapping[int, tuple[tuple[int, int], ...]],
    setting: Setting | None,
    families: Mapping[str, Sequence[int]] | None = None,
) -> NDArray[np.float64]:
    """Confidences of the diagnoses of a note once rivals have met.

    Parameters
    ----------
    matches
        Matches of the reading.
    scored
        Candidates of ICD-10-CM.
    confidence
        Of each by itself, shape ``(len(scored),)``.
    unspecified
        Whether the row of a code has a title that says so.
    gives_way
        Of rows that leave something open, those of other families that tell it (``Bench.gives_way``).
    company
        Of rows that are not coded alone, the beginnings of the categories that they go with
        (``Bench.company``).
    one_of
        Of rows of which a patient has one at a time, group and alternative (``Bench.one_of``).
    setting
        Of the note: what may not be coded there holds nobody back (``unsaid``).
    families
        ``families_of`` the candidates, if they are at hand.

    Returns
    -------
    settled
        Shape ``(len(scored),)``, in [0, 1].
    """
    settled: list[float] = confidence.tolist()
    if families is None:
        families = families_of(scored)
    _combine(scored, settled)
    if mute := unsaid(scored, setting):
        said = {name: [n for n in family if n not in mute] for name, family in families.items()}
        families = {name: family for name, family in said.items() if family}
    _one_of(scored, settled, one_of, mute)
    _give_way(scored, settled, gives_way, mute)
    _from_primary(matches, scored, settled, mute)
    first, final = matches.firsts, matches.finals
    for family in families.values():
        if len(family) > 1:
            ends = {n: (first[scored[n].best.match], final[scored[n].best.match]) for n in family}
            _family(scored, settled, family, ends, unspecified)
    _keep_company(scored, settled, company, families)
    return np.array(settled, dtype=np.float64)


def _combine(scored: Sequence[Scored], settled: list[float]) -> None:
    """Raise combination codes to what their conditions warrant; hold back what they replace, widest first."""
    joining = [(number, item.candidate.joins) for number, item in enumerate(scored) if item.candidate.joins]
    if not joining:
        return
    number_of = {item.candidate.row: number for number, item in enumerate(scored)}
    alone = list(settled)
    for number, joins in joining:
        for joined in joins:
            split = alone[number]
            parts = (
                max((alone[number_of[row]] + split * (row in joined.replaced) for row in rows), default=0.0)
                for rows in joined.conditions
            )
            settled[number] = max(settled[number], COMBINED * min(1.0, *parts))
    joining.sort(key=lambda pair: -max(len(joined.conditions) for joined in pair[1]))
    for number, joins in joining:
        if settled[number] > _TELLING:
            for row in sorted({row for joined in joins for row in joined.replaced}):
                settled[number_of[row]] *= 1.0 - REPLACED_HELD * settled[number]


def _one_of(
    scored: Sequence[Scored],
    settled: list[float],
    one_of: Mapping[int, tuple[tuple[int, int], ...]],
    mute: frozenset[int],
) -> None:
    """Hold back all alternatives of a group but the likeliest: a patient has one type of diabetes."""
    groups: dict[int, dict[int, list[int]]] = {}
    for number, item in enumerate(scored):
        for group, alternative in one_of.get(item.candidate.row, ()):
            if number not in mute:
                groups.setdefault(group, {}).setdefault(alternative, []).append(number)
    for alternatives in groups.values():
        if len(alternatives) > 1:
            sure = {name: max(settled[n] for n in numbers) for name, numbers in alternatives.items()}
            chosen = max(sure, key=lambda name: sure[name])
            for name, numbers in alternatives.items():
                if name != chosen:
                    for number in numbers:
                        settled[number] *= 1.0 - ONE_HELD * sure[chosen]


def unsaid(scored: Sequence[Scored], setting: Setting | None) -> frozenset[int]:
    """The numbers of the candidates that no mention says of the patient as it may be coded.

    They are negated, hypothetical, a relative's or, in outpatients, in doubt in every mention (as
    ``suggester.rules.gate`` has it), and so they hold nobody back: with *anemia, probably iron deficiency* it
    is the anemia that is coded.
    """
    of_all = NEGATED | HYPOTHETICAL | (UNCERTAIN if setting in CERTAIN_ONLY else 0)
    out: list[int] = []
    for number, item in enumerate(scored):
        bits = of_all if item.category[0] == "Z" else of_all | FAMILY
        if is_gated(item.best, item.candidate.supports, bits):
            out.append(number)
    return frozenset(out)


def _give_way(
    scored: Sequence[Scored],
    settled: list[float],
    gives_way: Mapping[int, frozenset[int]],
    mute: frozenset[int],
) -> None:
    """Hold back what leaves open what another family's code tells (*pneumonia* beside its organism)."""
    for number, item in enumerate(scored):
        telling = gives_way.get(item.candidate.row)
        if telling:
            sure = [
                settled[other]
                for other, one in enumerate(scored)
                if one.candidate.row in telling and other not in mute
            ]
            settled[number] *= 1.0 - UNSPECIFIED_HELD * max(sure, default=0.0)


def _from_primary(
    matches: Matches, scored: Sequence[Scored], settled: list[float], mute: frozenset[int]
) -> None:
    """Raise the likeliest primary where a cancer has spread: it is there, or its history is (I.C.2).

    A code of an organ alone is mostly wrong, as more specific ones stand for it; *lung cancer with brain
    metastases* has nothing more specific.
    """
    spread = [
        settled[n]
        for n, item in enumerate(scored)
        if item.category in ("C77", "C78", "C79") and n not in mute
    ]
    if not spread:
        return
    primaries = [n for n, item in enumerate(scored) if _is_primary(item.category) and n not in mute]
    top = max(primaries, key=lambda n: settled[n], default=None)
    if top is None or settled[top] < SPREAD_LEAST:
        return
    best = scored[top].best
    if best.flags or best.method > Method.DESCENT or matches.coverage.item(best.match) < COMPLETE:
        return
    settled[top] = max(settled[top], SPREAD_FROM * max(spread))


def _is_primary(category: str) -> bool:
    return "C00" <= category <= "C75" or category == "C7A"


def _keep_company(
    scored: Sequence[Scored],
    settled: list[float],
    company: Mapping[int, tuple[str, ...]],
    families: Mapping[str, Sequence[int]],
) -> None:
    """Hold back codes that add something to others where none of these is there: a fall without injury."""
    for number, item in enumerate(scored):
        beginnings = company.get(item.candidate.row)
        if beginnings:
            sure = max(
                (
                    settled[other]
                    for category, family in families.items()
                    if category.startswith(beginnings)
                    for other in family
                ),
                default=0.0,
            )
            settled[number] *= 1.0 - ALONE_HELD * (1.0 - min(1.0, sure / ENOUGH))


def by_site(
    matches: Matches,
    scored: Sequence[Scored],
    values: NDArray[np.float64],
    site: Callable[[Scored, Scored], bool],
    families: Mapping[str, Sequence[int]],
) -> NDArray[np.float64]:
    """Values of the diagnoses of a note, changed between rivals where the site in their words asks for it.

    Parameters
    ----------
    matches, scored
        As for ``settle``.
    values
        Confidences, or places among others, shape ``(len(scored),)``.
    site
        Whether the site that the words say puts the first of two codes of a family before the second.
    families
        ``families_of`` the candidates.

    Returns
    -------
    changed
        Shape ``(len(scored),)``.
    """
    changed: list[float] = values.tolist()
    first, final = matches.firsts, matches.finals
    for family in families.values():
        if len(family) < 2:
            continue
        for two in [number for number in family if changed[number] >= _TELLING]:
            there = scored[two].best.match
            for one in family:
                if changed[one] >= changed[two]:
                    continue
                here = scored[one].best.match
                overlap = first[here] <= final[there] and first[there] <= final[here]
                if overlap and site(scored[one], scored[two]):
                    changed[one], changed[two] = changed[two], changed[one]
    return np.array(changed, dtype=np.float64)


def _family(
    scored: Sequence[Scored],
    settled: list[float],
    members: Sequence[int],
    ends: Mapping[int, tuple[int, int]],
    unspecified: Callable[[int], bool],
) -> None:
    """Hold back each code of a family by those before it; ``ends`` are the tokens that each rests on."""
    is_vague_of = {number: unspecified(scored[number].candidate.row) for number in members}
    family = sorted(
        members,
        key=lambda number: (
            VAGUE_LATER * is_vague_of[number] - settled[number],
            scored[number].candidate.row,
        ),
    )
    before: list[int] = []
    for number in family:
        first, final = ends[number]
        kept = 1.0
        for other in before:
            start, end = ends[other]
            if is_vague_of[number] and not is_vague_of[other]:
                kept = min(kept, 1.0 - UNSPECIFIED_HELD * settled[other])
            elif first <= end and start <= final and not _both_stand(scored[number], scored[other]):
                kept = min(kept, 1.0 - SAME_WORDS_HELD * settled[other])
        settled[number] *= kept
        before.append(number)


def _both_stand(one: Scored, other: Scored) -> bool:
    """Whether codes of one family may rest on the same words.

    One mention stands for both where it says both sides (guidelines I.B.13): going down from what a match
    names ends in two codes only there. Combinations share the condition that they join with others: diabetes
    with its neuropathy and its kidney disease (I.C.4.a).
    """
    here, there = one.best, other.best
    if Method.COMBINATION in (here.method, there.method):
        return bool(one.candidate.joins and other.candidate.joins)
    return here.match == there.match and here.method <= Method.DESCENT and there.method <= Method.DESCENT
