"""Services of a note composed from words and values, put among the suggestions of the ranker.

The ranker finds services by name; here they come with the neighbour that the values choose, with units and
with modifiers. A composed service replaces the confidence of the same code where it is higher, and lowers
that of its neighbours: of 2 and of 3 views only one was made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, partial

from suggester.pipeline.reading import Reading
from suggester.ranking.services.administration import compose_drugs
from suggester.ranking.services.choices import Choice, Composed, choose, read_choices
from suggester.ranking.services.imaging import compose_images, image_rivals
from suggester.ranking.services.modifiers import LIKELY_ENOUGH, belongs, distinct, one_of, propose_modifiers
from suggester.ranking.services.scenes import Scene
from suggester.ranking.services.vaccines import compose_vaccines
from suggester.types import Code, Evidence, Note, Span, Suggestion

CodeOf = Callable[[str], Code | None]
"""The code in force, None if it is not or its system is closed."""

Bundled = Callable[[str, str], bool]
"""Whether the second code is bundled into the first unless a modifier says it is distinct."""

_RIVAL_SHARE = 0.4
_SURE = 0.5
"""Likelihood from which a service makes the others of its kind unlikely."""
_INFUSIONS = frozenset(("96365", "96366", "96367", "96413", "96415", "96417"))
_ADMINISTRATION = (
    (frozenset(("96372", "96401", "96402")), frozenset(("96372", "96401", "96402"))),
    (frozenset(("96360", "96361")), frozenset(("96360", "96361"))),
    (_INFUSIONS, _INFUSIONS),
    (frozenset(("96374", "96375", "96409", "96411")), _INFUSIONS | {"96374", "96375", "96409", "96411"}),
)
"""Services of giving a drug: where doses and times compose one of the second, words alone make none of the
first."""
_FIRST_INFUSIONS = ("96365", "96413")
_OTHER_INITIAL = frozenset(("96374", "96409", "96360"))
"""Initial services of which there is none beside a first infusion: what was pushed is additional to it."""
_READ_ELSEWHERE = 0.4
"""Share of an image's likelihood in a hospital's note: the radiologist's own report bills it."""
_BY_ME = frozenset(("me", "my", "mine", "saved", "stored", "archived"))
"""Words of an image that the writer made or read."""
_MOST_EVIDENCE = 3
_AGE = re.compile(r"\b(\d{1,3})\s*-?\s*(?:y(?:ea)?rs?|y/?o)\b(?:\s*-?\s*old)?", re.IGNORECASE)
_BARE_AGE = re.compile(
    r"\b(?:child|boy|girl|man|woman|patient|male|female|pt|infant|aged?),?\s+(\d{1,2})(?=[,.;\s])(?!\s*(?:mg|weeks?|days?|/))"
    r"|\b(\d{1,2})\s?[MF]\b"
)
"""An age without its unit: ``The child, 5, came``, ``58M``."""
_MONTHS = re.compile(r"\b(\d{1,2})\s*-?\s*(?:mo|months?|m/?o)\b(?:\s*-?\s*old)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Service:
    """A composed service: code, confidence, words, reasons, units."""

    code: str
    likely: float
    evidence: tuple[Evidence, ...]
    reasons: tuple[str, ...]
    units: int | None


def compose(scene: Scene, note: Note) -> tuple[Service, ...]:
    """Every service that rules find in a note, each code once, by code."""
    drugs, _ = compose_drugs(scene, setting=note.setting)
    told = {item.code for item in drugs}
    found: list[Composed] = [
        *(
            item
            for item in choose(scene, setting=note.setting)
            if not told
            or not any(item.code in group and not told.isdisjoint(of) for group, of in _ADMINISTRATION)
        ),
        *drugs,
        *compose_vaccines(scene, age_of=partial(age_of, note)),
    ]
    by_code: dict[str, list[Composed]] = {}
    for item in found:
        elsewhere = item.code[0] == "7" and note.setting in ("inpatient", "emergency")
        if elsewhere and not _BY_ME.isdisjoint(scene.sentences[item.sentence].stems):
            elsewhere = False
        share = _READ_ELSEWHERE if elsewhere else 1.0
        at_share = item if share == 1.0 else replace(item, likely=item.likely * share)
        by_code.setdefault(item.code, []).append(at_share)
    for item in compose_images(scene, setting=note.setting):
        by_code.setdefault(item.code, []).append(item)
    if any(code in by_code for code in _FIRST_INFUSIONS):
        for code in _OTHER_INITIAL & by_code.keys():
            pushed = by_code.pop(code)
            if code == "96374" and "96375" not in by_code:
                by_code["96375"] = [replace(item, code="96375") for item in pushed]
    return tuple(_joined(code, items) for code, items in sorted(by_code.items()))


def _joined(code: str, items: Sequence[Composed]) -> Service:
    ranked = sorted(items, key=lambda item: (-item.likely, -(item.units or 0), item.evidence.span.start))
    evidence: list[Evidence] = []
    for item in ranked:
        if len(evidence) < _MOST_EVIDENCE and not any(item.evidence.span.overlaps(e.span) for e in evidence):
            evidence.append(item.evidence)
    return Service(
        code,
        round(ranked[0].likely, 6),
        tuple(sorted(evidence, key=lambda e: e.span.start)),
        (ranked[0].reason,),
        next((item.units for item in ranked if item.units is not None), None),
    )


def age_of(note: Note) -> float | None:
    """Age in years at the service, from the birth date or the first age that the text states."""
    if note.patient is not None and note.patient.birth_date is not None:
        day = note.service_date or date.max
        if day is not date.max:
            return (day - note.patient.birth_date).days / 365.25
    head = note.text[:3000]
    years = _AGE.search(head) or _BARE_AGE.search(head[:400])
    months = _MONTHS.search(head)
    if months is not None and (years is None or months.start() < years.start()):
        return int(months[1]) / 12
    return float(next(part for part in years.groups() if part)) if years is not None else None


@cache
def _neighbours() -> dict[str, frozenset[str]]:
    """For each code those whose rules have the same first words and ask for another value."""
    groups: dict[object, set[str]] = {}
    for choice in read_choices():
        if choice.value:
            groups.setdefault(_same(choice), set()).add(choice.code)
    out: dict[str, set[str]] = {}
    for codes in groups.values():
        for code in codes:
            out.setdefault(code, set()).update(codes - {code})
    return {code: frozenset(others) for code, others in out.items()}


def _same(choice: Choice) -> object:
    return choice.groups


def place_services(
    suggestions: tuple[Suggestion, ...],
    reading: Reading,
    note: Note,
    *,
    code_of: CodeOf,
    bundled: Bundled,
    threshold: float,
    limit: int,
) -> tuple[Suggestion, ...]:
    """The suggestions with composed services among them, with units and modifiers, best first.

    Those that were there keep their ranks.
    """
    scene = Scene(reading, note.text)
    services = {item.code: item for item in compose(scene, note)}
    rivals = {other for code in services for other in _neighbours().get(code, ())}
    sure = tuple(code for code, service in services.items() if service.likely >= _SURE)
    rivals.update(other for code in sure for other in image_rivals().get(code, ()))
    if sure:
        rivals.update([item.code.code for item in suggestions if one_of(item.code.code, sure)])
    if any(code in sure for code in _FIRST_INFUSIONS):
        rivals |= _OTHER_INITIAL
    rivals.difference_update(services)
    told = {e.span for s in services.values() if s.units and belongs("drug", s.code) for e in s.evidence}
    composed = frozenset(services)
    out: list[Suggestion] = []
    for item in suggestions:
        own = item.code.code
        service = services.pop(own, None)
        if service is not None:
            item = replace(
                item,
                confidence=max(item.confidence, service.likely),
                evidence=item.evidence if item.confidence > service.likely else service.evidence,
                reasons=(*service.reasons, *item.reasons),
                units=service.units,
            )
        elif own not in composed and (
            (own in rivals and item.code.system != "ICD-10-CM")
            or (told and _is_told(item, told))
            or belongs("resulted", own)
        ):
            item = replace(item, confidence=round(item.confidence * _RIVAL_SHARE, 6))
        if item.confidence >= threshold:
            out.append(item)
    for service in services.values():
        code = code_of(service.code)
        if code is not None and service.likely >= threshold:
            out.append(
                Suggestion(
                    id=f"{note.id}:{code.system}:{code.code}",
                    code=code,
                    confidence=service.likely,
                    rank=1,
                    evidence=service.evidence,
                    reasons=service.reasons,
                    units=service.units,
                )
            )
    out.sort(key=lambda item: (-item.confidence, item.code.system, item.code.code))
    return _modified(scene, out[:limit], note, bundled)


def _is_told(item: Suggestion, told: set[Span]) -> bool:
    """Whether a drug's code rests on words of which the composed drug, with its dose, has another."""
    return (
        item.code.system == "HCPCS"
        and belongs("drug", item.code.code)
        and all(any(e.span.overlaps(span) for span in told) for e in item.evidence)
    )


def _modified(
    scene: Scene, items: Sequence[Suggestion], note: Note, bundled: Bundled
) -> tuple[Suggestion, ...]:
    """The suggestions with the modifiers that the words propose for services."""
    out: list[Suggestion] = []
    likely = [i.code.code for i in items if i.code.system != "ICD-10-CM" and i.confidence >= LIKELY_ENOUGH]
    for item in items:
        if item.code.system == "ICD-10-CM":
            out.append(item)
            continue
        modifiers = propose_modifiers(scene, item, items, setting=note.setting)
        if (
            item.code.system == "CPT"
            and item.code.code in likely
            and not any(m.modifier == "25" for m in modifiers)
        ):
            other = next((c for c in likely if c != item.code.code and bundled(c, item.code.code)), None)
            if other is not None:
                modifiers = (*modifiers, distinct(item.code.code, other))
        out.append(item if item.modifiers == modifiers else replace(item, modifiers=modifiers))
    return tuple(out)
