"""Coding as a reviewer judges it: core codes found, alternatives accepted, evidence, audit, E/M."""

from __future__ import annotations

from collections.abc import Sequence

from suggester.evaluation.cases import Case, Expected, Suggested
from suggester.evaluation.figures import Pair, RatioMetric
from suggester.evaluation.taxonomy import family
from suggester.types import System

CORE_CUTOFFS: tuple[int, ...] = (5, 10)


class CoreScores(RatioMetric[Case]):
    """Core codes found, and suggestions that are right, acceptable alternatives counted.

    A core gold code is found when any of its acceptable codes is suggested: among the first k overall, among
    the first k of its system, anywhere, or with at least the threshold's confidence. A suggestion is right
    if it is acceptable for any gold code of the note, core or optional; two alternatives of one gold code
    are both right. Precision among the first k divides by what was suggested there, k at most.

    Parameters
    ----------
    threshold
        The confidence.
    system
        Score the codes of this system only; None scores all.
    """

    def __init__(self, *, threshold: float, system: System | None = None) -> None:
        super().__init__()
        self.threshold = threshold
        self.system = system
        core, named = "core gold codes", "suggested codes"
        self.names = (
            *((f"core_recall_at_{k}", core) for k in CORE_CUTOFFS),
            *((f"core_recall_at_{k}_in_system", core) for k in CORE_CUTOFFS),
            ("core_recall_all", core),
            ("core_recall_confident", core),
            *((f"acceptable_precision_at_{k}", named) for k in CORE_CUTOFFS),
            ("acceptable_precision_confident", named),
        )

    def row(self, item: Case, /) -> Sequence[Pair]:
        """Counts of one note."""
        core = [one for one in item.expected if one.core and self.system in (None, one.system)]
        named = [one for one in item.suggested if self.system in (None, one.system)]
        total = len(core)
        pairs: list[Pair] = [(sum(_within(one.rank, k) for one in core), total) for k in CORE_CUTOFFS]
        pairs += [(sum(_within(one.system_rank, k) for one in core), total) for k in CORE_CUTOFFS]
        pairs.append((sum(one.rank is not None for one in core), total))
        pairs.append((sum(one.found_at(self.threshold) for one in core), total))
        for k in CORE_CUTOFFS:
            first = named[:k] if self.system else [one for one in named if one.rank <= k]
            pairs.append((sum(one.right for one in first), len(first)))
        confident = [one for one in named if one.confidence >= self.threshold]
        pairs.append((sum(one.right for one in confident), len(confident)))
        return pairs


class EvidenceScores(RatioMetric[Case]):
    """Of the right suggestions whose gold codes have evidence, the share that shows the same words.

    ``overlap``: some evidence span shares a character with a gold span; ``inside``: some evidence span lies
    wholly in one. Of all right suggestions, and of those with at least the threshold's confidence.
    """

    names = tuple(
        (f"evidence_{how}{which}", "right suggestions")
        for which in ("", "_confident")
        for how in ("overlap", "inside")
    )

    def __init__(self, *, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def row(self, item: Case, /) -> Sequence[Pair]:
        """Counts of one note."""
        held = [one for one in item.suggested if one.right and one.overlap is not None]
        confident = [one for one in held if one.confidence >= self.threshold]
        return [
            pair
            for group in (held, confident)
            for pair in (
                (sum(bool(one.overlap) for one in group), len(group)),
                (sum(bool(one.inside) for one in group), len(group)),
            )
        ]


class AuditScores(RatioMetric[Case]):
    """Code-over-code audit: the reviewer's core codes as denominator.

    The software's codes are those with at least the threshold's confidence. Each core gold code is *agreed*
    (an acceptable code is there), *changed* (not there, but a wrong code of its family is; each wrong code
    pairs with one gold code), or *missed*. *Added* are the other wrong codes, over the reviewer's codes too,
    so it may pass 1. The strict score divides what is agreed by the reviewer's codes plus the added.
    """

    names = (
        ("audit_agreed", "core gold codes"),
        ("audit_changed", "core gold codes"),
        ("audit_missed", "core gold codes"),
        ("audit_added", "core gold codes"),
        ("audit_strict", "core gold + added codes"),
    )

    def __init__(self, *, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def row(self, item: Case, /) -> Sequence[Pair]:
        """Counts of one note."""
        core = [one for one in item.expected if one.core]
        agreed = sum(one.found_at(self.threshold) for one in core)
        changed = len(paired(item, self.threshold))
        wrong = sum(not one.right and one.confidence >= self.threshold for one in item.suggested)
        added, total = wrong - changed, len(core)
        missed = total - agreed - changed
        return (
            (agreed, total),
            (changed, total),
            (missed, total),
            (added, total),
            (agreed, total + added),
        )


class EmScores(RatioMetric[Case]):
    """Evaluation and management, against the acceptable levels of each note.

    ``first``: the first-ranked E/M suggestion is acceptable; ``any``: one of them is; ``confident``: one
    with at least the threshold's confidence is; all over the notes that bill an E/M level. ``precision``:
    over the notes with a confident E/M suggestion, the share whose first such is acceptable; one where no E/M
    is billed is wrong.
    """

    names = (
        ("em_first", "notes with E/M"),
        ("em_any", "notes with E/M"),
        ("em_confident", "notes with E/M"),
        ("em_precision", "notes with a confident E/M suggestion"),
    )

    def __init__(self, *, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def row(self, item: Case, /) -> Sequence[Pair]:
        """Counts of one note."""
        levels = item.em.acceptable
        named = [key for key, _ in item.em.suggested]
        confident = [key for key, confidence in item.em.suggested if confidence >= self.threshold]
        billed = 1.0 if levels else 0.0
        return (
            (float(named[:1] != [] and named[0] in levels), billed),
            (float(any(key in levels for key in named)), billed),
            (float(any(key in levels for key in confident)), billed),
            (float(confident[:1] != [] and confident[0] in levels), float(bool(confident))),
        )


class CoreFates(RatioMetric[Case]):
    """Where the core codes went: found, suggested below the threshold, read but not coded, or never seen.

    ``read_not_coded`` counts codes in the engine's not-coded ledger; ``in_any_form`` is the recall of
    candidates and ledger together: what better choosing alone could reach.
    """

    names = tuple(
        (name, "core gold codes")
        for name in ("found", "below_threshold", "read_not_coded", "never_seen", "in_any_form")
    )

    def __init__(self, *, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def row(self, item: Case, /) -> Sequence[Pair]:
        """Counts of one note."""
        fates = [fate(one, self.threshold) for one in item.expected if one.core]
        counts = [fates.count(name) for name, _ in self.names[:4]]
        return [(count, len(fates)) for count in (*counts, len(fates) - counts[3])]


def fate(one: Expected, threshold: float) -> str:
    """What became of a gold code: one of the first four names of ``CoreFates``."""
    if one.found_at(threshold):
        return "found"
    if one.confidence is not None:
        return "below_threshold"
    return "never_seen" if one.ledger_reason is None else "read_not_coded"


def paired(case: Case, threshold: float) -> tuple[tuple[Expected, Suggested], ...]:
    """Core codes not found, each with the best-ranked wrong suggestion of its family not yet taken.

    Wrong suggestions count from the threshold up. A family is the first three characters.
    """
    rivals: dict[str, list[Suggested]] = {}
    for one in case.suggested:
        if not one.right and one.confidence >= threshold:
            rivals.setdefault(family(one.system, one.key), []).append(one)
    pairs = []
    for gold in case.expected:
        if not gold.core or gold.found_at(threshold):
            continue
        waiting = rivals.get(family(gold.system, gold.key))
        if waiting:
            pairs.append((gold, waiting.pop(0)))
    return tuple(pairs)


def _within(rank: int | None, k: int) -> bool:
    return rank is not None and rank <= k
