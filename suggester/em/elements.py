"""The three elements of decision making from the words of a note: problems, data and risk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from suggester.em.levels import PROBLEM_POINTS, data_level, problems_level
from suggester.em.lexicon import DRUG_ITEM, EmLexicon
from suggester.em.scan import Hit, Scan
from suggester.pipeline.reading import UNCERTAIN
from suggester.types import EmElement, EmItem, EmLevel, Suggestion

ADDRESSED: Final = frozenset(
    (
        *("assessment", "assessment_plan", "impression", "plan", "discharge_diagnosis", "disposition"),
        *("hospital_course", "postoperative_diagnosis"),
    )
)
"""Sections whose problems were addressed at the visit."""

_ELSEWHERE: Final = frozenset(("hpi", "chief_complaint", "header", "interval_history", "indication", "other"))
_LEAST: Final = 0.2
"""A suggested diagnosis counts as a problem from this confidence."""

_POINT_OF_NATURE: Final = {
    "self_limited": "self-limited",
    "acute": "acute",
    "injury": "acute",
    "well": "stable chronic",
    "stable_acute": "acute",
    "chronic": "stable chronic",
    "chronic_worse": "chronic worse",
    "uncertain": "uncertain",
    "systemic": "systemic",
    "complicated": "complicated injury",
    "threat": "threat",
}
_POINT_OF_KIND: Final = {
    "kind.threat": "threat",
    "kind.systemic": "systemic",
    "kind.uncertain": "uncertain",
    "kind.complicated": "complicated injury",
}
_ORDERING: Final = frozenset(("plan", "assessment_plan", "orders", "instructions", "disposition"))
_DOSES: Final = frozenset(("mg", "mcg", "units", "ml", "tablet", "tablets", "daily", "g", "%"))
"""Words of a dose behind the name of a drug."""
_MOST_EVIDENCE: Final = 3
_REACH: Final = 12
"""So many words lie between a drug and what is done with it, at most."""


def problems_of(scan: Scan, suggestions: Sequence[Suggestion], lexicon: EmLexicon) -> EmElement:
    """Problems addressed: diagnoses of the assessment with what is said of them, and words of their own.

    A diagnosis is what a suggested ICD-10-CM code stands on; its nature is data, the state (stable, worse) is
    read from its problem block or its sentences.
    """
    items = _diagnoses(scan, suggestions, lexicon, ADDRESSED)
    if not items:
        items = _diagnoses(scan, suggestions, lexicon, _ELSEWHERE)
    for hit in scan.get(*_POINT_OF_KIND):
        if not scan.in_plan(hit.first):
            continue
        point = _POINT_OF_KIND[hit.item]
        if point == "uncertain" and hit.section == "plan":
            continue
        if point == "complicated injury" and hit.mask & UNCERTAIN:
            continue
        items.append(EmItem(kind=point, name=hit.name, evidence=scan.of([hit])))
    items = _merged(items)
    level = problems_level(item.kind for item in items)
    return EmElement(level=level, items=tuple(items), reason=_problem_reason(items))


def _diagnoses(
    scan: Scan, suggestions: Sequence[Suggestion], lexicon: EmLexicon, sections: frozenset[str]
) -> list[EmItem]:
    found: list[tuple[int, int, Suggestion, str]] = []
    taken: list[tuple[int, int]] = []
    categories: set[str] = set()
    for suggestion in suggestions:
        if suggestion.code.system != "ICD-10-CM" or suggestion.confidence < _LEAST:
            continue
        nature = lexicon.nature(suggestion.code.code)
        if nature == "not_a_problem" or suggestion.code.code[:3] in categories:
            continue
        for evidence in suggestion.evidence:
            flags = evidence.assertion
            if evidence.section not in sections or flags.negated or flags.family or flags.hypothetical:
                continue
            span = (evidence.span.start, evidence.span.end)
            if any(span[0] < end and start < span[1] for start, end in taken):
                continue
            taken.append(span)
            categories.add(suggestion.code.code[:3])
            found.append((*span, suggestion, nature))
            break
    found.sort(key=lambda entry: entry[:2])
    definite = any(s.code.code[0] != "R" for _, _, s, _ in found)
    kept = [
        entry
        for entry in found
        if not (definite and entry[2].code.code[0] == "R" and not _heads(scan, entry[0]))
    ]
    return [_problem(scan, entry, len(kept) == 1) for entry in kept]


def _heads(scan: Scan, start: int) -> bool:
    """Whether words head a problem or open a line: a symptom then is a problem of its own."""
    token = scan.reading.token_at(start)
    return token in scan.reading.heading_tokens or token in scan.reading.line_starts


def _problem(scan: Scan, entry: tuple[int, int, Suggestion, str], alone: bool) -> EmItem:
    start, end, suggestion, nature = entry
    first, last = scan.reading.token_at(start), scan.reading.token_at(end - 1)
    point = _POINT_OF_NATURE[nature]
    low, high = _block(scan, first)
    states = [
        hit
        for hit in scan.get("state.stable", "state.worse", "state.changed", "state.severe", "state.resolved")
        if low <= hit.first < high
    ]
    if alone and not any(hit.item == "state.stable" for hit in states):
        states += [
            hit
            for hit in scan.get("state.worse", "state.changed")
            if hit not in states and (hit.section in _ELSEWHERE or hit.section in ADDRESSED)
        ]
    decisive: list[Hit] = []
    resolved = [hit for hit in states if hit.item == "state.resolved"]
    if resolved and point in ("acute", "self-limited") and low <= resolved[0].first < high:
        point, decisive = "self-limited", resolved
    elif point in ("stable chronic", "chronic worse"):
        severe = [hit for hit in states if hit.item == "state.severe"]
        worse = [hit for hit in states if hit.item == "state.worse"]
        changed = [hit for hit in states if hit.item == "state.changed"]
        stable = [hit for hit in states if hit.item == "state.stable"]
        if severe:
            point, decisive = "severe", severe
        elif worse:
            point, decisive = "chronic worse", worse
        elif stable:
            decisive = stable
        elif changed:
            point, decisive = "chronic worse", changed
    name = suggestion.code.display or suggestion.code.code
    evidence = (scan.evidence(first, last), *scan.of(decisive, most=2))
    return EmItem(kind=point, name=name, evidence=evidence)


def _block(scan: Scan, token: int) -> tuple[int, int]:
    """Tokens that speak of the problem at a token: its problem block, else its sentence and the next ones."""
    block = scan.reading.sections.problem_at(token)
    if block is not None:
        return block.heading[0], max(block.heading[1], block.body[1])
    reading = scan.reading
    sentence, section = reading.sentence, reading.sections.token_section
    here, part = sentence[token], section[token]
    low = token
    while low > 0 and sentence[low - 1] == here and section[low - 1] == part:
        low -= 1
    high = token
    while high < len(sentence) and sentence[high] <= here + 1 and section[high] == part:
        high += 1
    return low, high


def _merged(items: list[EmItem]) -> list[EmItem]:
    """One item for the same words: the graver kind stands."""
    kept: list[EmItem] = []
    for item in sorted(items, key=lambda i: (-PROBLEM_POINTS.index(i.kind), i.evidence[0].span.start)):
        if any(item.evidence[0].span.overlaps(other.evidence[0].span) for other in kept):
            continue
        if any(item.name == other.name for other in kept):
            continue
        kept.append(item)
    return kept


def _problem_reason(items: list[EmItem]) -> str:
    if not items:
        return "no problem addressed was read"
    counts: dict[str, int] = {}
    for item in items:
        counts[item.kind] = counts.get(item.kind, 0) + 1
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def data_of(scan: Scan) -> EmElement:
    """Data: each unique test once, outside notes, historian, own interpretation, discussion."""
    items: list[EmItem] = []
    tests: dict[str, list[Hit]] = {}
    for hit in scan.get("data.test"):
        tests.setdefault(hit.name, []).append(hit)
    if len(tests) > 1:
        tests.pop("laboratory tests", None)
    for name, hits in tests.items():
        items.append(EmItem(kind="test", name=name, evidence=scan.of(hits, most=_MOST_EVIDENCE)))
    notes: dict[str, list[Hit]] = {}
    for hit in scan.get("data.note"):
        notes.setdefault(hit.name, []).append(hit)
    for name, hits in notes.items():
        items.append(EmItem(kind="outside note", name=name, evidence=scan.of(hits)))
    single = {}
    for kind in ("historian", "interpretation", "discussion"):
        hits = scan.get(f"data.{kind}")
        single[kind] = bool(hits)
        if hits:
            items.append(EmItem(kind=kind, name=hits[0].name, evidence=scan.of(hits)))
    level = data_level(
        tests=len(tests),
        notes=len(notes),
        historian=single["historian"],
        interpretation=single["interpretation"],
        discussion=single["discussion"],
    )
    parts = [f"{len(tests)} unique tests"] * bool(tests) + [f"{len(notes)} outside notes"] * bool(notes)
    parts += [item.name for item in items if item.kind in single]
    return EmElement(level=level, items=tuple(items), reason=", ".join(parts) or "no data were read")


def risk_of(scan: Scan, lexicon: EmLexicon) -> EmElement:
    """Risk of management: the gravest thing decided on; every item keeps its words."""
    items: list[EmItem] = []
    seen: set[str] = set()
    for level in ("high", "moderate", "low"):
        for hit in scan.get(f"risk.{level}"):
            name = hit.name
            if name in seen:
                continue
            seen.add(name)
            items.append(EmItem(kind=level, name=name, evidence=scan.of([hit])))
    items += _drugs(scan, lexicon)
    if not items:
        planned = [hit for hit in scan.get("data.test") if hit.section in _ORDERING]
        items += [
            EmItem(kind="low", name="diagnostic test ordered", evidence=scan.of([hit])) for hit in planned[:1]
        ]
    items.sort(key=lambda item: ("high", "moderate", "low").index(item.kind))
    level_of: dict[str, EmLevel] = {"high": "high", "moderate": "moderate", "low": "low"}
    level = level_of[items[0].kind] if items else "straightforward"
    named = ", ".join(dict.fromkeys(item.name for item in items if item.kind == level))
    return EmElement(level=level, items=tuple(items), reason=named or "nothing beyond minimal risk was read")


def _drugs(scan: Scan, lexicon: EmLexicon) -> list[EmItem]:
    """Drugs that the visit decided on: named where decisions stand, or beside a word of prescribing."""
    table = scan.reading.table
    sentence = scan.reading.sentence
    acts: dict[int, list[Hit]] = {}
    for hit in scan.get(
        "drug.start", "drug.continue", "drug.change", "drug.prescribe", "drug.give", "drug.use"
    ):
        acts.setdefault(sentence[hit.first], []).append(hit)
    items: list[EmItem] = []
    seen: set[str] = set()
    for hit in scan.get(DRUG_ITEM):
        name = table.lower[hit.first]
        near = [act for act in acts.get(sentence[hit.first], ()) if abs(act.first - hit.first) <= 2 * _REACH]
        planned = scan.in_plan(hit.first)
        prescribed = any(act.item == "drug.prescribe" for act in near)
        dosed = not _DOSES.isdisjoint(table.lower[hit.first : hit.last + 8])
        if name in seen or not (planned and (near or dosed)):
            continue
        seen.add(name)
        plain = name in lexicon.otc and not prescribed
        evidence = [scan.evidence(hit.first, hit.last)]
        if near:
            act = min(near, key=lambda a: (abs(a.first - hit.first), a.first))
            low, high = min(act.first, hit.first), max(act.last, hit.last)
            evidence = [scan.evidence(low, high)]
        items.append(
            EmItem(
                kind="low" if plain else "moderate",
                name="over-the-counter drug" if plain else "prescription drug management",
                evidence=tuple(evidence),
            )
        )
    return items
