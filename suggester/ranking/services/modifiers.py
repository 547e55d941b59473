"""Modifiers proposed from the words of a note, each with its reason and the words that support it.

Which codes a modifier may belong to is data (``codesets/lexicon/services/modifiers.tsv``). A modifier is
proposed, never put on a claim: the coder decides.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.codesets.words import words
from suggester.ranking.services.given import wasted_units
from suggester.ranking.services.note_words import note_phrases
from suggester.ranking.services.scenes import Scene, Sentence
from suggester.types import Evidence, ProposedModifier, Setting, Suggestion

_SIDES = {1: ("RT", "right side"), 2: ("LT", "left side"), 3: ("50", "both sides")}
LIKELY_ENOUGH = 0.3
"""Confidence from which a procedure counts as done beside a visit."""

_READ_ONLY = note_phrases("read only")
_TECHNICAL = note_phrases("technical only")
_VIDEO = note_phrases("video")
_GT = note_phrases("gt payer")
_AUDIO = note_phrases("audio")
_SINGLE_USE = note_phrases("single use")
_MULTI = note_phrases("multiple use")
_WASTE = note_phrases("waste")
_NO_WASTE = note_phrases("no waste")
_SCREENING = note_phrases("screening")
_THERAPIST = {code: note_phrases(f"therapist {code}") for code in ("GP", "GO", "GN")}
_ON_SITE = note_phrases("on site")
_REPEAT = note_phrases("repeat")


@cache
def _ranges() -> dict[str, tuple[tuple[str, str], ...]]:
    out: dict[str, list[tuple[str, str]]] = {}
    path = lexicon_dir() / "services" / "modifiers.tsv"
    for _, cells in read_rows(path, ("kind", "from", "to"), required=3):
        out.setdefault(cells[0], []).append((cells[1], cells[2]))
    return {kind: tuple(pairs) for kind, pairs in out.items()}


@lru_cache(maxsize=20_000)
def belongs(kind: str, code: str) -> bool:
    """Whether a code is of a kind of the data file (``sided``, ``waived``, ``visit`` …)."""
    return any(low <= code <= high for low, high in _ranges().get(kind, ()))


@lru_cache(maxsize=20_000)
def _alternatives(code: str) -> tuple[tuple[str, str], ...]:
    """The rows ``alternative`` that a code is of."""
    return tuple(pair for pair in _ranges().get("alternative", ()) if pair[0] <= code <= pair[1])


def one_of(code: str, chosen: Iterable[str]) -> bool:
    """Whether a chosen code excludes another: both are of a row ``alternative``, of which a note has one."""
    ranges = _alternatives(code)
    return bool(ranges) and any(low <= other <= high for low, high in ranges for other in chosen)


def propose_modifiers(
    scene: Scene, suggestion: Suggestion, others: Sequence[Suggestion], *, setting: Setting | None
) -> tuple[ProposedModifier, ...]:
    """Modifiers for one suggestion among the others of its note."""
    if suggestion.code.system == "ICD-10-CM":
        return ()
    rules = _rules_for(suggestion.code.code)
    if not rules:
        return ()
    found = [item for rule in rules for item in rule(scene, suggestion, others)]
    return tuple({item.modifier: item for item in reversed(found)}.values())[::-1]


def _side(scene: Scene, suggestion: Suggestion, others: Sequence[Suggestion]) -> Iterator[ProposedModifier]:
    reading = scene.reading
    for evidence in suggestion.evidence:
        token = reading.token_at(evidence.span.start)
        final = reading.token_at(max(evidence.span.start, evidence.span.end - 1))
        side = reading.side(final, reading.sentence[final]) or reading.side(token, reading.sentence[token])
        if side:
            modifier, reason = _SIDES[side]
            yield ProposedModifier(modifier=modifier, reason=f"{reason} in the words", evidence=(evidence,))
            return


def _visit_and_procedure(
    scene: Scene, suggestion: Suggestion, others: Sequence[Suggestion]
) -> Iterator[ProposedModifier]:
    for other in others:
        code = other.code.code
        if (
            other.code.system == "CPT"
            and other.confidence >= LIKELY_ENOUGH
            and belongs("minor", code)
            and code != suggestion.code.code
        ):
            yield ProposedModifier(
                modifier="25",
                reason=f"a visit beside {code} on the same day: if significant and separate",
                evidence=other.evidence[:1],
            )
            return


def _telehealth(
    scene: Scene, suggestion: Suggestion, others: Sequence[Suggestion]
) -> Iterator[ProposedModifier]:
    video, asked = _anywhere(scene, _VIDEO), _anywhere(scene, _GT)
    if video is not None and asked is not None:
        yield ProposedModifier(
            modifier="GT",
            reason="by live video, and the words name a payer or method that takes GT instead of 95",
            evidence=(asked, video),
        )
        return
    for modifier, phrases, reason in (
        ("95", _VIDEO, "by live video"),
        ("93", _AUDIO, "by sound only"),
    ):
        evidence = _anywhere(scene, phrases)
        if evidence is not None:
            yield ProposedModifier(modifier=modifier, reason=reason, evidence=(evidence,))
            return


def _component(
    scene: Scene, suggestion: Suggestion, others: Sequence[Suggestion]
) -> Iterator[ProposedModifier]:
    evidence = _anywhere(scene, _READ_ONLY)
    if evidence is not None:
        yield ProposedModifier(
            modifier="26",
            reason="interpretation alone, the study was made elsewhere",
            evidence=(evidence,),
        )
        return
    evidence = _anywhere(scene, _TECHNICAL)
    if evidence is not None:
        yield ProposedModifier(
            modifier="TC",
            reason="the study was made here, somebody else interprets and bills it",
            evidence=(evidence,),
        )


def _vial(scene: Scene, suggestion: Suggestion, others: Sequence[Suggestion]) -> Iterator[ProposedModifier]:
    if suggestion.code.system != "HCPCS":
        return
    for sentence in _sentences_of(scene, suggestion):
        around = scene.near(sentence, before=1, after=2)
        if _find(scene, (sentence,), _MULTI) is not None:
            return
        none, waste = _find(scene, around, _NO_WASTE), _find(scene, around, _WASTE)
        single = _find(scene, around, _SINGLE_USE)
        if waste is not None and none is None:
            units = wasted_units(scene, sentence, suggestion.code.code, suggestion.units)
            if units == 0:
                return  # less than a unit is not billed
            of = "the units" if units is None else f"{units} unit{'s' if units > 1 else ''}"
            yield ProposedModifier(
                modifier="JW",
                reason=f"part of a single-dose vial was discarded: a second line with {of} discarded",
                evidence=(waste,),
            )
            return
        if none is not None or single is not None:
            support = none or single
            yield ProposedModifier(
                modifier="JZ",
                reason="single-dose vial, nothing discarded",
                evidence=(support,) if support else (),
            )
            return


def _preventive(
    scene: Scene, suggestion: Suggestion, others: Sequence[Suggestion]
) -> Iterator[ProposedModifier]:
    evidence = _anywhere(scene, _SCREENING)
    if evidence is not None:
        yield ProposedModifier(
            modifier="33", reason="began as a screening (PT for Medicare)", evidence=(evidence,)
        )


def _waived(scene: Scene, suggestion: Suggestion, others: Sequence[Suggestion]) -> Iterator[ProposedModifier]:
    evidence = _anywhere(
        scene,
        _ON_SITE,
    )
    if evidence is not None:
        yield ProposedModifier(modifier="QW", reason="waived test run in the office", evidence=(evidence,))


def _therapy(
    scene: Scene, suggestion: Suggestion, others: Sequence[Suggestion]
) -> Iterator[ProposedModifier]:
    for modifier, phrases in _THERAPIST.items():
        evidence = _anywhere(scene, phrases)
        if evidence is not None:
            yield ProposedModifier(
                modifier=modifier, reason="under a plan of care of this therapy", evidence=(evidence,)
            )
            return


def _repeated(
    scene: Scene, suggestion: Suggestion, others: Sequence[Suggestion]
) -> Iterator[ProposedModifier]:
    if len(suggestion.evidence) < 2:
        return
    for sentence in _sentences_of(scene, suggestion):
        evidence = _find(scene, (sentence,), _REPEAT)
        if evidence is not None:
            yield ProposedModifier(modifier="76", reason="the same service again", evidence=(evidence,))
            return


_Rule = Callable[[Scene, Suggestion, Sequence[Suggestion]], Iterator[ProposedModifier]]
_RULES: tuple[tuple[str, _Rule], ...] = (
    ("sided", _side),
    ("visit", _visit_and_procedure),
    ("telehealth", _telehealth),
    ("imaging", _component),
    ("drug", _vial),
    ("preventive", _preventive),
    ("waived", _waived),
    ("therapy", _therapy),
    ("imaging", _repeated),
)
"""The rules of modifiers, each with the kind of codes that it is for."""


@lru_cache(maxsize=20_000)
def _rules_for(code: str) -> tuple[_Rule, ...]:
    return tuple(rule for kind, rule in _RULES if belongs(kind, code))


def distinct(code: str, other: str) -> ProposedModifier:
    """Modifier 59 for a code that is bundled into another unless it is distinct."""
    return ProposedModifier(
        modifier="59",
        reason=f"bundled into {other} unless distinct (site, lesion, session); XE, XP, XS or XU if so",
    )


def _sentences_of(scene: Scene, suggestion: Suggestion) -> Iterator[Sentence]:
    wanted = sorted({scene.reading.token_at(e.span.start) for e in suggestion.evidence})
    for sentence in scene.sentences:
        at = bisect_left(wanted, sentence.tokens[0])
        if at < len(wanted) and wanted[at] <= sentence.tokens[-1]:
            yield sentence


@cache
def _terms(phrases: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(words(phrase)) for phrase in phrases)


def _anywhere(scene: Scene, phrases: tuple[str, ...]) -> Evidence | None:
    return _find(scene, scene.sentences, phrases)


def _find(scene: Scene, sentences: Sequence[Sentence], phrases: tuple[str, ...]) -> Evidence | None:
    for term in _terms(phrases):
        if not scene.have.issuperset(term):
            continue
        for sentence in sentences:
            place = sentence.find(term)
            if place is not None and scene.affirmed(sentence, place):
                return scene.evidence(sentence, place, place + len(term) - 1)
    return None
