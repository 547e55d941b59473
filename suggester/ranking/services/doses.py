"""How much of a drug a sentence says was given: doses, volumes of a strength, by weight, several times.

A sentence may hold several drugs and several quantities. A quantity belongs to the drug that follows it at
once (``40 mg of Kenalog``) or else to the last drug before it. Of a drug's quantities, a vial's size and what
was wasted are not the dose; ``80 mg/mL, 1 mL`` is a strength and a volume; ``5 mg/kg`` asks for the weight;
``x 2``, ``two doses``, ``each knee`` multiply; ``then``, ``followed by`` add.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.ranking.services.choices import Term
from suggester.ranking.services.note_words import note_words
from suggester.ranking.services.quantities import MASS, VOLUME, Quantity
from suggester.ranking.services.scenes import Scene, Sentence, note_stems

_FILLER = note_words("dose filler")
_CONTAINER = note_words("container")
_WASTE = note_words("discarded")
_REST = note_words("rest of vial")
_TIMES_OF = note_words("dose times")
_EACH = note_words("each")
_BOTH = note_words("both sides")
_AGAIN = note_words("again")
_TOTAL = note_words("dose total")
_MOST_TIMES = 12
_REACH_BEFORE, _REACH_AFTER = 9, 16
"""So many words a quantity may stand before and behind its drug."""
_POUND = 0.45359237


@dataclass(frozen=True, slots=True)
class Dose:
    """What was given: an amount in a unit, where it says so, how it was reckoned (empty if as said), and
    whether a line below the drug says it.
    """

    value: float
    unit: str
    place: int
    end: int
    how: str = ""
    below: bool = False


Measures = Callable[[float, str], bool]
"""Whether the codes of a drug measure an amount in a unit."""


def owners(sentence: Sentence, spans: Sequence[tuple[int, int]]) -> dict[int, int]:
    """For the place of each quantity the index of the drug that it belongs to.

    Parameters
    ----------
    spans
        Where drugs and diluents stand in the sentence, in order.
    """
    out: dict[int, int] = {}
    found = sentence.quantities
    leading = _leading(sentence, spans)
    for q in found:
        inside = next((n for n, (first, after) in enumerate(spans) if first <= q.place < after), None)
        left = max((n for n, (_, after) in enumerate(spans) if after <= q.place), default=None)
        right = min((n for n, (first, _) in enumerate(spans) if first >= q.end), default=None)
        if inside is not None:
            out[q.place] = inside
        elif right is not None and q.place in leading and _is_led(sentence, q, left, right, spans, out):
            out[q.place] = right
        elif left is not None and q.place - spans[left][1] <= _REACH_AFTER:
            out[q.place] = left
        elif (
            right is not None
            and left is None
            and q.unit not in VOLUME
            and not q.per
            and spans[right][0] - q.end <= _REACH_BEFORE
        ):
            out[q.place] = right
    return out


def _leading(sentence: Sentence, spans: Sequence[tuple[int, int]]) -> frozenset[int]:
    """Places of quantities with nothing but filling words, or another such quantity, before the next drug."""
    out: set[int] = set()
    edge: dict[int, int] = {n: first for n, (first, _) in enumerate(spans)}
    for q in reversed(sentence.quantities):
        right = next((n for n, (first, _) in enumerate(spans) if first >= q.end), None)
        if right is None:
            continue
        between = sentence.stems[q.end : edge[right]]
        if len(between) <= 3 and all(word in _FILLER or word.isdigit() for word in between):
            out.add(q.place)
            edge[right] = q.place
    return frozenset(out)


def _is_led(
    sentence: Sentence,
    q: Quantity,
    left: int | None,
    right: int,
    spans: Sequence[tuple[int, int]],
    known: dict[int, int],
) -> bool:
    """Whether a quantity that leads up to a drug is that drug's, not the one's before it."""
    if left is None or sentence.stems[q.end : q.end + 1] == ("of",):
        return True
    end = spans[right][1]
    if any(end <= other.place <= end + 2 for other in sentence.quantities):
        return False
    mine = [place for place, owner in known.items() if owner == left]
    return bool(mine) or not _JOINED.isdisjoint(sentence.stems[spans[left][1] : q.place])


_JOINED = frozenset(("with", "in", "and", "mixed", "plus"))


def dose_of(
    scene: Scene, sentence: Sentence, first: int, after: int, *, places: Sequence[int], measures: Measures
) -> Dose | None:
    """The dose of a drug that stands at ``first`` up to ``after``, None if the words do not give it.

    Parameters
    ----------
    places
        Of the sentence's quantities those of the drug.
    measures
        Whether the drug's codes measure an amount.
    """
    own = frozenset(places)
    mine = [q for q in sentence.quantities if q.place in own and not _aside(sentence, q)]
    mine.sort(key=lambda q: (q.place - after if q.place >= first else 2 * (first - q.end) - 1, q.place))
    plain = [q for q in mine if not q.per and measures(q.value, q.unit)]
    based = [q for q in mine if q.per in ("kg", "m2") and measures(q.value, q.unit)]
    strengths = [q for q in mine if q.per == "ml" and measures(q.value, q.unit)]
    volumes = [q for q in mine if not q.per and q.unit in VOLUME]
    if plain and not (strengths and all(q.unit in VOLUME for q in plain)):
        return _repeated(sentence, _chosen(sentence, plain, based), plain, after)
    if strengths:
        strength = strengths[0]
        near = [q for q in volumes if strength.of == 1 or 0 <= q.place - strength.end <= 2]
        if near:
            return _of_volume(sentence, strength, near[0], after)
        return _repeated(sentence, strength, [], after)
    if volumes:
        strength_of = _strength(sentence, first, after)
        if strength_of is not None and measures(*strength_of):
            value, unit = strength_of
            return _of_volume(sentence, Quantity(value, unit, first, after, "ml"), volumes[0], after)
    if based:
        return _by_body(scene, sentence, based[0])
    return None


def _aside(sentence: Sentence, q: Quantity) -> bool:
    """Whether a quantity is what was thrown away or the size of a vial."""
    stems = sentence.stems
    behind = stems[q.end : q.end + 3]
    if _is_thrown(sentence, q):
        return True
    number = count_before(sentence, q.place) if behind[:1] and behind[0] in _CONTAINER else None
    if behind[:1] and behind[0] in ("vial", "bag", "bottle") and number is None:
        return any(other.place != q.place and not other.per for other in sentence.quantities)
    return False


def _is_thrown(sentence: Sentence, q: Quantity) -> bool:
    """Whether a quantity was thrown away: ``45 units were discarded``, ``wasted 47 mg``."""
    stems = sentence.stems
    behind, before = stems[q.end : q.end + 3], stems[max(0, q.place - 2) : q.place]
    if not (_WASTE | _REST).isdisjoint(before[-1:]) or (before[-1:] == ("of",) and before[0] in _WASTE):
        return True
    at = next((i for i, word in enumerate(behind) if word in _WASTE), None)
    return at is not None and all(word in _LINK for word in behind[:at])


_LINK = frozenset(("was", "were", "of", "drug", "unused", "remaining", "is", "had", "to"))


def _chosen(sentence: Sentence, plain: Sequence[Quantity], based: Sequence[Quantity]) -> Quantity:
    """Of several doses the one said to be the total, that a dose by weight comes to, or the nearest."""
    for q in plain:
        if not _TOTAL.isdisjoint(sentence.stems[max(0, q.place - 3) : q.place]):
            return q
    if based:
        later = [q for q in plain if q.place >= based[0].end]
        if later:
            return later[0]
    return next((q for q in plain if q.unit not in VOLUME), plain[0])


def _repeated(sentence: Sentence, q: Quantity, plain: Sequence[Quantity], after: int) -> Dose:
    """A quantity as often as it was given, with those given after it."""
    stems = sentence.stems
    value, how = q.value, ""
    times = times_of(sentence, q, after)
    if any(p.unit == q.unit and p.value * times == q.value for p in plain if p is not q):
        times = 1
    if times > 1:
        value, how = value * times, f"{times} x {q.value:g} {q.unit}"
    for other in plain:
        between = stems[q.end : other.place]
        if q.unit == other.unit and other.place >= q.end and not _AGAIN.isdisjoint(between):
            value, how = value + other.value, f"{how or f'{q.value:g} {q.unit}'} and {other.value:g}"
    return Dose(value, q.unit, q.place, q.end, how)


def times_of(sentence: Sentence, q: Quantity, after: int = 0) -> int:
    """How often a quantity was given: ``x 2``, ``two doses``, ``each knee``, ``2 vials of``.

    ``after`` is where the drug's name ends; words behind it count too.
    """
    stems = sentence.stems
    if not _TOTAL.isdisjoint((*stems[max(0, q.place - 3) : q.place], *stems[q.end : q.end + 1])):
        return 1
    before = count_before(sentence, q.place)
    if before is not None:
        return before
    if not _EACH.isdisjoint(stems[max(0, q.place - 2) : q.place]):
        return sides_of(sentence) or _containers(sentence, q.place) or 2
    numbers = dict(sentence.numbers)
    start = max(q.end, after)
    for i in range(q.end, min(start + 8, len(stems))):
        word = stems[i]
        if (i > start and word in MASS) or word in _WASTE:
            break
        if word in ("x", "times") and i + 1 in numbers:
            return _limited(numbers[i + 1], stems[i + 2 : i + 3])
        if word[:1] == "x" and word[1:].isdigit():
            return _limited(float(word[1:]), stems[i + 1 : i + 2])
        if i in numbers and stems[i + 1 : i + 2] and stems[i + 1] in _TIMES_OF:
            if stems[i + 2 : i + 3] == ("of",) or stems[i - 1 : i] == ("of",):
                break
            return _limited(numbers[i], ())
        if word == "twice":
            return 2
        if word in _EACH and (
            (i - 1 in numbers and i - 1 >= q.end) or not _SPANS.isdisjoint(stems[i + 1 : i + 2])
        ):
            break  # ``500 mg, 250 each side``, ``6,000 units each treatment``
        if word in _EACH or (word == "per" and stems[i + 1 : i + 2] and stems[i + 1] in _BOTH):
            return sides_of(sentence) or _containers(sentence, q.place) or 2
    return 1


def _limited(value: float, behind: Sequence[str]) -> int:
    """A number of times, 1 where it counts days or is too large to be one."""
    if value != int(value) or not 1 <= value <= _MOST_TIMES:
        return 1
    return int(value) if not behind or behind[0] not in _NOT_TIMES else 1


_SPANS = frozenset(("treatment", "visit", "session", "dose", "day", "week", "month", "cycle", "time"))
_NOT_TIMES = frozenset(("day", "week", "month", "site", "year", "hour", "hr", "min", "minute", "cycle", "d"))


def count_before(sentence: Sentence, place: int) -> int | None:
    """The number in ``two vials of`` or ``2 x`` before a place, None without one."""
    stems = sentence.stems
    numbers = dict(sentence.numbers)
    at = place - 1
    if at >= 1 and stems[at] == "x" and at - 1 in numbers:
        return _count(numbers[at - 1])
    if at >= 0 and at in numbers and stems[at].isalpha() and stems[at] not in ("single", "one", "both"):
        return _count(numbers[at])
    while at >= 0 and stems[at] in ("of", "the", "containing"):
        at -= 1
    if at >= 1 and stems[at] in _CONTAINER and at - 1 in numbers:
        return _count(numbers[at - 1])
    return None


def _count(value: float) -> int | None:
    return int(value) if value == int(value) and 1 <= value <= _MOST_TIMES else None


def _containers(sentence: Sentence, before: int) -> int | None:
    """The number of vials, syringes or pellets that a sentence names before a place."""
    numbers = dict(sentence.numbers)
    for i in range(before - 1, 0, -1):
        if sentence.stems[i] in _CONTAINER and i - 1 in numbers:
            return _count(numbers[i - 1])
    return None


def containers_given(sentence: Sentence, first: int, after: int, border: int) -> int | None:
    """How many doses, vials, syringes or pellets of a drug the words about it count."""
    numbers = dict(sentence.numbers)
    stems = sentence.stems
    for i in [*range(after, min(border, after + 10)), *range(first - 1, max(-1, first - 6), -1)]:
        if i not in numbers:
            word = stems[i]
            if word[:1] == "x" and word[1:].isdigit() and i > after - 1:
                return _limited(float(word[1:]), stems[i + 1 : i + 2])
            continue
        if stems[i + 1 : i + 2] and stems[i + 1] in _CONTAINER | _TIMES_OF and stems[i - 1 : i] != ("of",):
            return _count(numbers[i])
        if i and stems[i - 1] in ("x", "times") and i > after:
            return _limited(numbers[i], stems[i + 1 : i + 2])
    return None


def sides_of(sentence: Sentence) -> int | None:
    """2 where a sentence speaks of both sides, None where it does not."""
    have = sentence.have
    return 2 if not _BOTH_WORDS.isdisjoint(have) or {"left", "right"} <= have else None


_BOTH_WORDS = frozenset(("both", "bilateral", "bilaterally", "ou"))


def _of_volume(sentence: Sentence, strength: Quantity, volume: Quantity, after: int) -> Dose:
    times = times_of(sentence, volume, after)
    value = strength.value * volume.value * times / strength.of
    how = f"{times} x " if times > 1 else ""
    of = f"{strength.of:g} ml" if strength.of != 1 else "ml"
    return Dose(
        round(value, 6),
        strength.unit,
        min(strength.place, volume.place),
        max(strength.end, volume.end),
        f"{how}{volume.value:g} ml of {strength.value:g} {strength.unit}/{of}",
    )


@cache
def _strengths() -> dict[Term, tuple[float, str]]:
    path = lexicon_dir() / "services" / "strengths.tsv"
    rows = read_rows(path, ("drug", "amount", "unit"), required=3)
    return {note_stems(cells[0]): (float(cells[1]), cells[2]) for _, cells in rows}


_RATIO = re.compile(r"1000|1,000|10000|10,000")


def _strength(sentence: Sentence, first: int, after: int) -> tuple[float, str] | None:
    """Amount in a millilitre: a bare number at the name, a ratio (``1:1000``), or the only strength sold."""
    stems = sentence.stems
    starts = {q.place for q in sentence.quantities}
    values = dict(sentence.numbers)
    for i in (after - 1, after):
        if i in values and i not in starts and values[i] >= 1:
            return values[i], "mg"
    for i in range(max(0, first - 6), min(len(stems) - 1, after + 8)):
        if stems[i] == "1" and _RATIO.fullmatch(stems[i + 1]):
            return 1000.0 / float(stems[i + 1].replace(",", "")), "mg"
    known = _strengths()
    name = stems[first:after]
    return known.get(name)


def _by_body(scene: Scene, sentence: Sentence, q: Quantity) -> Dose | None:
    """A dose by weight or surface times what the note says of them."""
    body = weight_kg(scene, sentence) if q.per == "kg" else surface_m2(scene, sentence)
    if body is None:
        return None
    unit = "kg" if q.per == "kg" else "m2"
    how = f"{q.value:g} {q.unit}/{unit} x {body:g} {unit}"
    return Dose(round(q.value * body, 4), q.unit, q.place, q.end, how)


def weight_kg(scene: Scene, sentence: Sentence) -> float | None:
    """The weight that a sentence, or else the note, states, in kilograms."""
    for other in (sentence, *(s for s in scene.sentences if not s.have.isdisjoint(_WEIGHT))):
        numbers = dict(other.numbers)
        for i, value in other.numbers:
            unit = other.stems[i + 1 : i + 2]
            before = other.stems[max(0, i - 5) : i]
            if not unit or not (other is sentence or not _WEIGHT.isdisjoint(before)):
                continue
            if unit[0] in ("kg", "kilogram", "kilo") and i - 1 not in numbers:
                return value
            if unit[0] in ("lb", "pound") and not _WEIGHT.isdisjoint(before):
                return value * _POUND
    return None


_WEIGHT = frozenset(("weight", "wt", "weigh"))


def surface_m2(scene: Scene, sentence: Sentence) -> float | None:
    """The body surface that a sentence, or else the note, states, in square metres."""
    for other in (sentence, *(s for s in scene.sentences if "bsa" in s.have)):
        for i, value in other.numbers:
            if 0.2 < value < 4 and (
                "bsa" in other.stems[max(0, i - 4) : i] or other.stems[i + 1 : i + 2] in (("m2",), ("m²",))
            ):
                return value
    return None


def wasted_of(sentences: Sequence[Sentence]) -> tuple[Quantity | None, Quantity | None]:
    """What was thrown away, and the vial it came from, as far as the sentences say."""
    thrown = vial = None
    for sentence in sentences:
        stems = sentence.stems
        for q in sentence.quantities:
            behind, before = stems[q.end : q.end + 1], stems[max(0, q.place - 2) : q.place]
            if _is_thrown(sentence, q) or not _WASTE.isdisjoint(before):
                thrown = thrown or q
            elif behind[:1] and behind[0] in _CONTAINER:
                vial = vial or q
    return thrown, vial
