"""Services chosen by rules that are data: which words, which values, which neighbour.

A rule of ``codesets/lexicon/services/choices.tsv`` names a code, the words that must be there (the first
group in one sentence, the others in it, near it or anywhere; ``@`` holds a group to the sentence), words that
must not (``^`` in the sentences about it too, ``!`` anywhere), and the range of a value (views, centimetres,
minutes, a count; ``diameter`` is that of what was excised). Neighbours differ in the range; the values of
the note choose.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from itertools import chain, compress
from operator import or_
from pathlib import Path
from typing import Literal, cast, get_args

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.codesets.words import words
from suggester.errors import LexiconError
from suggester.ranking.services.note_words import note_words
from suggester.ranking.services.scenes import Scene, Sentence
from suggester.types import Evidence, Setting

Scope = Literal["sentence", "near", "note"]
Measure = Literal["", "view", "cm", "diameter", "sqcm", "minute", "count", "year"]
UnitRule = Literal["", "fifteen", "count", "rest", "area", "named"]
Term = tuple[str, ...]

COLUMNS = ("code", "all", "none", "scope", "value", "low", "high", "unsaid", "setting", "units", "likely")


@dataclass(frozen=True, slots=True)
class Choice:
    """One rule; see the module. ``unsaid`` lets it hold where the value is not said."""

    code: str
    groups: tuple[tuple[Term, ...], ...]
    own_sentence: tuple[bool, ...]
    none: tuple[Term, ...]
    none_near: tuple[Term, ...]
    none_anywhere: tuple[Term, ...]
    scope: Scope
    value: Measure
    low: float
    high: float
    unsaid: bool
    setting: str
    units: UnitRule
    likely: float


@dataclass(frozen=True, slots=True)
class Composed:
    """A service found by rule: its code, how likely it is, its words, units and reason."""

    code: str
    likely: float
    evidence: Evidence
    reason: str
    units: int | None = None
    sentence: int = 0


def read_choices(folder: Path | None = None) -> tuple[Choice, ...]:
    """The rules of the data file.

    Raises
    ------
    LexiconError
        If the file is missing or a row is wrong.
    """
    path = (folder or lexicon_dir()) / "services" / "choices.tsv"
    return tuple(
        _choice(f"{path.name}:{number}", cells) for number, cells in read_rows(path, COLUMNS, required=2)
    )


def _choice(where: str, cells: tuple[str, ...]) -> Choice:
    code, everything, none, scope, value, low, high, unsaid, setting, units, likely = cells[:11]
    if (scope or "sentence") not in get_args(Scope):
        raise LexiconError(f"{where}: scope {scope!r}, allowed: {', '.join(get_args(Scope))}")
    if value not in get_args(Measure):
        raise LexiconError(f"{where}: value {value!r}, allowed: {', '.join(get_args(Measure))}")
    if units not in get_args(UnitRule):
        raise LexiconError(f"{where}: units {units!r}, allowed: {', '.join(get_args(UnitRule))}")
    try:
        bounds = float(low or 0), float(high or math.inf), float(likely or 0.5)
    except ValueError:
        raise LexiconError(f"{where}: low, high and likely must be numbers") from None
    return Choice(
        code,
        tuple(_terms(group.removeprefix("@")) for group in everything.split(";")),
        tuple(group.startswith("@") for group in everything.split(";")),
        _terms("|".join(part for part in none.split("|") if part[:1] not in ("^", "!"))),
        _terms("|".join(part[1:] for part in none.split("|") if part.startswith("^"))),
        _terms("|".join(part[1:] for part in none.split("|") if part.startswith("!"))),
        cast(Scope, scope or "sentence"),
        cast(Measure, value),
        bounds[0],
        bounds[1],
        unsaid == "yes",
        setting,
        cast(UnitRule, units),
        bounds[2],
    )


def _terms(cell: str) -> tuple[Term, ...]:
    return tuple(tuple(words(part)) for part in cell.split("|") if part.strip())


_Firsts = tuple[frozenset[str], ...]
_Rule = tuple[int, Choice, int, _Firsts]
"""A rule: its place in the file, the groups beside its trigger as bits, and the first words of those groups
of which a word must stand in the sentence itself."""
_Triggered = tuple[int, int, Choice, Term, _Firsts]
"""A rule by one of its triggers: the places of both in the file, the rule, the trigger, the groups inside."""


@dataclass(frozen=True, slots=True)
class _Shipped:
    """The shipped rules by trigger; triggers, with their places, by the one of their words that is the rarest
    among them; and groups as bits by their first words.
    """

    triggers: dict[str, list[tuple[int, Term, list[_Rule]]]]
    groups: dict[str, int]
    trigger_words: frozenset[str]
    group_words: frozenset[str]


@cache
def _shipped() -> _Shipped:
    rules: dict[Term, list[_Rule]] = {}
    bits: dict[frozenset[str], int] = {}
    for number, choice in enumerate(read_choices()):
        firsts = [frozenset(term[0] for term in group) for group in choice.groups[1:]]
        asked = 0
        for group in firsts:
            asked |= bits.setdefault(group, 1 << len(bits))
        own = [choice.scope == "sentence" or here for here in choice.own_sentence[1:]]
        inside = tuple(compress(firsts, own))
        for term in dict.fromkeys(choice.groups[0]):
            rules.setdefault(term, []).append((number, choice, asked, inside))
    groups: dict[str, int] = {}
    for group, bit in bits.items():
        for word in group:
            groups[word] = groups.get(word, 0) | bit
    held = Counter(chain.from_iterable(rules))
    triggers: dict[str, list[tuple[int, Term, list[_Rule]]]] = {}
    for place, (term, of_term) in enumerate(rules.items()):
        triggers.setdefault(min(term, key=held.__getitem__), []).append((place, term, of_term))
    return _Shipped(triggers, groups, frozenset(triggers), frozenset(groups))


def _may_hold(have: frozenset[str], setting: str) -> dict[str, list[_Triggered]]:
    """The rules that may hold in a note of some words, by the first word of their trigger, in their order."""
    shipped = _shipped()
    present = reduce(or_, map(shipped.groups.__getitem__, shipped.group_words & have), 0)
    found: dict[str, list[_Triggered]] = {}
    for word in shipped.trigger_words & have:
        for place, term, of_term in shipped.triggers[word]:
            if len(term) == 1 or have.issuperset(term):
                for number, choice, asked, inside in of_term:
                    if asked & present == asked and (not choice.setting or setting in choice.setting):
                        found.setdefault(term[0], []).append((number, place, choice, term, inside))
    for rules in found.values():
        rules.sort()
    return found


def choose(scene: Scene, *, setting: Setting | None) -> Iterator[Composed]:
    """Services that the rules find, at most one a rule and sentence."""
    rules = _may_hold(scene.have, setting or "outpatient")
    triggered = rules.keys()
    for sentence in scene.sentences if rules else ():
        if triggered.isdisjoint(sentence.stems):
            continue
        here = sentence.have
        seen: set[int] = set()
        places: dict[Term, int | None] = {}
        for word in sorted(triggered & here):
            for number, _, choice, term, inside in rules[word]:
                if number in seen or any([firsts.isdisjoint(here) for firsts in inside]):
                    continue
                if term not in places:
                    place = sentence.find(term)
                    places[term] = place if place is not None and sentence.is_done(place) else None
                place = places[term]
                if place is None or _elsewhere(scene, choice.code):
                    continue
                if not scene.affirmed(sentence, place, test=choice.code[0] in _TESTS):
                    continue
                found = _holds(scene, sentence, choice, place, place + len(term) - 1)
                if found is not None:
                    seen.add(number)
                    yield found


_TESTS = frozenset("789G")
_PATHOLOGY = frozenset(("gross", "microscopic", "specimen", "pathology_diagnosis"))


def _elsewhere(scene: Scene, code: str) -> bool:
    """Whether the note is a pathologist's, who does not do what the specimen came from."""
    return code[0] != "8" and not _PATHOLOGY.isdisjoint(scene.kinds)


def _stands(scene: Scene, sentence: Sentence, scope: Scope, group: Sequence[Term]) -> bool:
    """Whether a word of a group that a sentence lacks stands in the others that a rule looks at."""
    if scope == "sentence":
        return False
    present = [term for term in group if scene.have.issuperset(term)]
    if scope == "note" and any([len(term) == 1 for term in present]):
        return True
    around = scene.near(sentence) if scope == "near" else scene.sentences
    return any(other.find(term) is not None for other in around for term in present)


def _holds(scene: Scene, sentence: Sentence, choice: Choice, first: int, final: int) -> Composed | None:
    here = sentence.have
    for group, own in zip(choice.groups[1:], choice.own_sentence[1:], strict=True):
        for term in group:
            if term[0] in here and (place := sentence.find(term)) is not None:
                first, final = min(first, place), max(final, place + len(term) - 1)
                break
        else:
            if own or not _stands(scene, sentence, choice.scope, group):
                return None
    if _forbidden(scene, (sentence,), choice.none):
        return None
    if choice.none_near and _forbidden(scene, scene.near(sentence, before=4, after=4), choice.none_near):
        return None
    if not sentence.is_done(final) or _forbidden(scene, scene.sentences, choice.none_anywhere):
        return None
    value = None
    if choice.value:
        value = measure(choice.value, sentence)
        if choice.scope != "sentence" and (value is None or choice.value == "sqcm"):
            wider = sorted(
                scene.near(sentence, before=4, after=5),
                key=lambda s: (abs(s.number - sentence.number), s.number < sentence.number),
            )
            values = [v for s in wider if (v := measure(choice.value, s)) is not None]
            value = max(values) if values and choice.value == "sqcm" else next(iter(values), value)
        if value is None and not choice.unsaid:
            return None
        if value is not None and not choice.low <= value <= choice.high:
            return None
    said = f", {value:g} {choice.value}" if value is not None and choice.value != "count" else ""
    return Composed(
        choice.code,
        choice.likely * _place_share(sentence),
        scene.evidence(sentence, first, final),
        f"{' '.join(sentence.stems[first : final + 1][:8])}{said}",
        _named(choice, sentence) if choice.units == "named" else _units(choice, value),
        sentence.number,
    )


_STORY = frozenset(("hpi", "interval_history", "chief_complaint", "header"))
_STORY_SHARE = 0.6


def _place_share(sentence: Sentence) -> float:
    """A story tells more often of what was done elsewhere, or is to be done."""
    return _STORY_SHARE if sentence.kind in _STORY and not sentence.says_done else 1.0


def _named(choice: Choice, sentence: Sentence) -> int:
    """How many of the trigger's things the sentence names."""
    return len({term[0] for term in choice.groups[0] if sentence.find(term) is not None})


def _forbidden(scene: Scene, sentences: tuple[Sentence, ...], terms: tuple[Term, ...]) -> bool:
    """Whether a term that must not be there is, and is not itself denied."""
    have = scene.have
    terms = tuple([term for term in terms if term[0] in have and have.issuperset(term)])
    return bool(terms) and any(
        (place := other.find(term)) is not None and scene.affirmed(other, place)
        for other in sentences
        for term in terms
    )


def _units(choice: Choice, value: float | None) -> int | None:
    if not choice.units or value is None:
        return None
    if choice.units == "fifteen":
        return timed_units(value)
    if choice.units == "rest":
        return max(1, int(value) - 1)
    if choice.units == "area":
        return max(1, math.ceil((value - 20) / 20))
    return max(1, int(value))


def timed_units(minutes: float) -> int:
    """Units of a service by 15 minutes under the 8-minute rule (CMS Claims Processing Manual 5, 20.2).

    >>> [timed_units(m) for m in (8, 15, 22, 23, 30, 38)]
    [1, 1, 1, 2, 2, 3]
    """
    return max(1, int((minutes + 7) // 15))


_VIEWS = note_words("named_view")
_SHORT_VIEWS = (("v",), ("vw",), ("vws",))
_MEASURES: dict[str, frozenset[str]] = {
    "view": frozenset(("view", "projection")),
    "cm": frozenset(("cm", "centimeter")),
    "minute": frozenset(("min", "minute", "mins")),
    "year": frozenset(("year", "yr", "yo")),
}
_COUNTED = note_words("counted")
_COUNSEL = frozenset(("counsel", "counseled", "counselled", "counseling", "counselling", "advice"))


def measure(kind: Measure, sentence: Sentence) -> float | None:
    """The value of a kind that a sentence says, None if it says none."""
    stems = sentence.stems
    if kind == "view":
        for i, value in sentence.numbers:
            if _MEASURES["view"] & set(stems[i + 1 : i + 3]) or stems[i + 1 : i + 2] in _SHORT_VIEWS:
                return value
        named = len({("lateral" if s == "lat" else "ap" if s == "pa" else s) for s in stems if s in _VIEWS})
        return float(named) if named > 1 else None
    if kind == "sqcm":
        for i, value in sentence.numbers:
            after = stems[i + 1 : i + 4]
            if after[:2] in (("sq", "cm"), ("square", "cm")) or after[:1] in (("cm2",), ("sqcm",)):
                return value
        return None
    if kind == "count":
        for i, value in sentence.numbers:
            if _COUNTED & set(stems[i + 1 : i + 4]) or stems[i - 1 : i] == ("x",):
                return value
        return next((float(s[1:]) for s in stems if s[:1] == "x" and s[1:].isdigit()), None)
    if kind == "diameter":
        return _diameter(sentence)
    units = _MEASURES[kind]
    values = [value for i, value in sentence.numbers if i + 1 < len(stems) and stems[i + 1] in units]
    if kind == "minute" and not values:
        if "hour" in stems:
            values = [60 * value for i, value in sentence.numbers if stems[i + 1 : i + 2] == ("hour",)]
        elif "m" in stems and not _COUNSEL.isdisjoint(stems):  # ``counsel 5m``
            values = [value for i, value in sentence.numbers if stems[i + 1 : i + 2] == ("m",)]
    return max(values) if values else None


def _diameter(sentence: Sentence) -> float | None:
    """Centimetres of what was excised, with its margins: as called, or the largest of a sentence on margins.

    Where neither is said, the first: what comes later is the length of the repair.
    """
    stems = sentence.stems
    sizes = [(i, n) for i, n in sentence.numbers if stems[i + 1 : i + 2] in (("cm",), ("centimeter",))]
    if not sizes:
        return None
    if "diameter" in stems:
        at = stems.index("diameter")
        behind = next((n for i, n in sizes if i > at), None)
        return behind if behind is not None else max(n for _, n in sizes)
    if "margin" in stems:
        return max(n for _, n in sizes)
    return sizes[0][1]
