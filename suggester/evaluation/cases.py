"""Gold and suggestions of each note laid side by side, once, for every metric to count from.

What counts as what:

- A suggestion is *exact* if its code is a gold code of the note (core or optional).
- A suggestion is *right* if its code is in the acceptable set of any gold code (core or optional).
- A gold code is *found* by the suggestions whose codes are in its acceptable set.
- E/M suggestions (CPT 992xx to 994xx) are taken out, before ranks are counted, unless the note's gold codes
  hold them: they are scored apart, against ``GoldNote.em``.
- Ranks follow ``Suggestion.rank`` and, where that ties, the order given. Of a code suggested twice the first
  counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from suggester.errors import DuplicateIdError, FieldError
from suggester.evaluation.taxonomy import canonical, category, chapter, is_em
from suggester.types import GoldCode, GoldNote, Span, Suggestion, Suggestions, System

Level = Literal["exact", "category", "chapter"]
LEVELS: tuple[Level, ...] = ("exact", "category", "chapter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """A suggestion with its verdict. ``overlap`` and ``inside`` are None if there is no gold evidence."""

    key: str
    system: System
    rank: int
    system_rank: int
    confidence: float
    exact: bool
    right: bool
    overlap: bool | None
    inside: bool | None
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A gold code with the best rank and highest confidence among its acceptable codes, None if absent.

    ``ledger_reason`` is why the engine read but did not code it, where its not-coded ledger says so.
    """

    key: str
    system: System
    core: bool
    acceptable: frozenset[str]
    rank: int | None
    system_rank: int | None
    confidence: float | None
    ledger_reason: str | None
    spans: tuple[Span, ...]

    def found_at(self, threshold: float) -> bool:
        """Whether an acceptable code is suggested with at least this confidence."""
        return self.confidence is not None and self.confidence >= threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class EmCase:
    """E/M of one note: the acceptable levels and the E/M suggestions in rank order with their confidences."""

    acceptable: frozenset[str]
    suggested: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One note, ready to be scored."""

    note_id: str
    text: str
    kind: str | None
    setting: str | None
    part: str | None
    predicted: bool
    duplicates: int
    suggested: tuple[Suggested, ...]
    expected: tuple[Expected, ...]
    em: EmCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """One note at one level: distinct keys best first with their confidences, and the gold keys."""

    note_id: str
    keys: tuple[str, ...]
    confidences: tuple[float, ...]
    gold: frozenset[str]


def prepare(gold: Sequence[GoldNote], predictions: Mapping[str, Suggestions]) -> tuple[Case, ...]:
    """Lay gold and suggestions side by side, in the order of ``gold``.

    A gold note without predictions counts as one for which nothing was suggested (``predicted`` is False).

    Raises
    ------
    DuplicateIdError
        If two gold notes share an id.
    FieldError
        If a confidence is not in [0, 1].
    """
    seen: set[str] = set()
    cases = []
    for item in gold:
        if item.note.id in seen:
            raise DuplicateIdError("the gold holds this note id twice; ids must differ", record=item.note.id)
        seen.add(item.note.id)
        cases.append(_case(item, predictions.get(item.note.id)))
    return tuple(cases)


def project(case: Case, level: Level) -> Ranking:
    """The note's ranking at a level: codes, ICD-10-CM categories, or chapters of all systems.

    Codes that fall together keep the best rank and the highest confidence among them. Services have no
    category and are left out at that level.
    """
    best: dict[str, float] = {}
    for item in case.suggested:
        key = _at_level(item.system, item.key, level)
        if key is not None:
            best[key] = max(best.get(key, 0.0), item.confidence)
    keys = (_at_level(item.system, item.key, level) for item in case.expected)
    return Ranking(
        note_id=case.note_id,
        keys=tuple(best),
        confidences=tuple(best.values()),
        gold=frozenset(key for key in keys if key is not None),
    )


def _at_level(system: System, key: str, level: Level) -> str | None:
    if level == "exact":
        return key
    return category(system, key) if level == "category" else chapter(system, key)


def _case(item: GoldNote, predicted: Suggestions | None) -> Case:
    codes = _merged(item.codes)
    em_levels = frozenset(canonical("CPT", code) for code in item.em)
    gold_keys = {key for key, _, acceptable, _ in codes for key in acceptable}
    suggestions = () if predicted is None else predicted.suggestions
    kept: dict[str, Suggestion] = {}
    em: dict[str, float] = {}
    duplicates = 0
    for suggestion in sorted(suggestions, key=lambda one: one.rank):
        if not 0.0 <= suggestion.confidence <= 1.0:
            raise FieldError(f"confidence {suggestion.confidence!r} is not in [0, 1]", record=item.note.id)
        system = suggestion.code.system
        key = canonical(system, suggestion.code.code)
        if is_em(system, key) or key in em_levels:
            if key in em_levels or key not in gold_keys:
                em.setdefault(key, suggestion.confidence)
            if key not in gold_keys:
                continue
        if key in kept:
            duplicates += 1
        else:
            kept[key] = suggestion
    suggested = tuple(_judge(kept, codes))
    reasons: dict[str, str] = {}
    for entry in () if predicted is None else predicted.not_coded:
        for would_be in entry.would_be:
            # The ledger names no system. The engine writes a diagnosis with its dot: without one, J1100 may
            # be a drug or an influenza.
            reasons.setdefault(would_be.strip().upper(), entry.reason)
    by_key = {one.key: one for one in suggested}
    return Case(
        note_id=item.note.id,
        text=item.note.text,
        kind=item.note.kind,
        setting=item.note.setting,
        part=item.part,
        predicted=predicted is not None,
        duplicates=duplicates,
        suggested=suggested,
        expected=tuple(_expect(entry, by_key, reasons) for entry in codes),
        em=EmCase(acceptable=em_levels, suggested=tuple(em.items())),
    )


_Merged = tuple[str, GoldCode, frozenset[str], tuple[Span, ...]]


def _merged(codes: Iterable[GoldCode]) -> list[_Merged]:
    """Gold codes by key; a code given twice becomes one, core if either is, with all its alternatives."""
    merged: dict[str, _Merged] = {}
    for code in codes:
        key = canonical(code.system, code.code)
        # Alternatives of a service may be of the other service system; both spell codes the same way.
        acceptable = frozenset(canonical(code.system, one) for one in code.acceptable)
        spans = code.evidence
        if key in merged:
            _, other, known, known_spans = merged[key]
            code = other if other.status == "core" else code
            acceptable, spans = acceptable | known, known_spans + spans
        merged[key] = (key, code, acceptable, spans)
    return list(merged.values())


def _judge(kept: Mapping[str, Suggestion], codes: Sequence[_Merged]) -> Iterable[Suggested]:
    exact = {entry[0] for entry in codes}
    holders: dict[str, list[_Merged]] = {}
    for entry in codes:
        for key in entry[2]:
            holders.setdefault(key, []).append(entry)
    system_ranks: dict[System, int] = {}
    for rank, (key, suggestion) in enumerate(kept.items(), start=1):
        system = suggestion.code.system
        system_ranks[system] = system_ranks.get(system, 0) + 1
        spans = tuple(evidence.span for evidence in suggestion.evidence)
        wanted = tuple(span for entry in holders.get(key, ()) for span in entry[3])
        yield Suggested(
            key=key,
            system=system,
            rank=rank,
            system_rank=system_ranks[system],
            confidence=suggestion.confidence,
            exact=key in exact,
            right=key in holders,
            overlap=any(a.overlaps(b) for a in spans for b in wanted) if wanted else None,
            inside=any(b.start <= a.start and a.end <= b.end for a in spans for b in wanted)
            if wanted
            else None,
            spans=spans,
        )


def _expect(entry: _Merged, by_key: Mapping[str, Suggested], reasons: Mapping[str, str]) -> Expected:
    key, code, acceptable, spans = entry
    found = [by_key[one] for one in acceptable if one in by_key]
    read = [reasons[one] for one in (key, *sorted(acceptable)) if one in reasons]
    return Expected(
        key=key,
        system=code.system,
        core=code.status == "core",
        acceptable=acceptable,
        rank=min((one.rank for one in found), default=None),
        system_rank=min((one.system_rank for one in found), default=None),
        confidence=max((one.confidence for one in found), default=None),
        ledger_reason=read[0] if read else None,
        spans=spans,
    )
