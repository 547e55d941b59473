"""Quantities in the words of a note: a number with a unit, a strength, a dose by weight or time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Per = Literal["", "ml", "kg", "m2", "time"]

MASS = {
    "mg": 1.0, "milligram": 1.0, "mgs": 1.0, "mcg": 0.001, "ug": 0.001, "μg": 0.001, "microgram": 0.001,
    "g": 1000.0, "gm": 1000.0, "gram": 1000.0, "gms": 1000.0,
}  # fmt: skip
"""Milligrams in a unit of mass."""

UNIT = {
    "unit": "units", "u": "units", "iu": "units", "ml": "ml", "cc": "ml", "milliliter": "ml", "l": "liter",
    "liter": "liter", "meq": "meq", "mci": "mci", "millicurie": "mci", "millicury": "mci", "uci": "uci",
    "microcurie": "uci", "microcury": "uci",
}  # fmt: skip
VOLUME = frozenset(("ml", "cc", "milliliter", "l", "liter"))
_MILLION = frozenset(("mu", "million", "mil"))
_TIME = frozenset(("hr", "hour", "h", "min", "minute"))
_PER: dict[str, Per] = {"kg": "kg", "m2": "m2", "m²": "m2", **dict.fromkeys(_TIME, "time")}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with a unit at a place of a sentence, up to ``end``; ``per`` what it is a share of.

    ``of`` is the volume in millilitres that a strength is said for (1 for ``mg/mL``, 3 for ``2.5 mg/3 mL``).
    """

    value: float
    unit: str
    place: int
    end: int
    per: Per = ""
    of: float = 1.0


def quantities(stems: Sequence[str], numbers: Sequence[tuple[int, float]]) -> Iterator[Quantity]:
    """The numbers among stems that have a unit of measure, in order.

    >>> [(q.value, q.unit, q.per) for q in quantities(("30", "mg", "ml", "2", "ml"), ((0, 30.0), (3, 2.0)))]
    [(30.0, 'mg', 'ml'), (2.0, 'ml', '')]
    """
    values = dict(numbers)
    taken = -1
    for i, value in numbers:
        if i < taken:
            continue
        at = i + 1
        word = stems[at] if at < len(stems) else ""
        if word in _MILLION or word == "k":
            value *= 1000 if word == "k" else 1e6
            at += 1
            more = stems[at : at + 1]
            if not more or more[0] not in ("unit", "u", "iu", "international"):
                yield Quantity(value, "unit", i, at)
                continue
            word = more[0]
        if word == "international":
            at += 1
            word = stems[at] if at < len(stems) else ""
        if (word not in MASS and word not in UNIT) or _is_gauge(value, word, stems, i):
            continue
        end = at + 1
        after = stems[end : end + 4]
        if after[:1] == ("per",):
            after = after[1:]
            end += 1
        if after[:1] == ("dl",):
            continue  # ``210 mg/dL`` is a result
        per = _PER.get(after[0], "") if after else ""
        if per:
            yield Quantity(value, word, i, end + 1, per)
        elif word not in VOLUME and after and after[0] in ("ml", "cc"):
            yield Quantity(value, word, i, end + 1, "ml")
        elif word not in VOLUME and end in values and after[1:2] and after[1] in ("ml", "cc"):
            yield Quantity(value, word, i, end + 2, "ml", max(values[end], 1e-6))
            taken = end + 2
        else:
            yield Quantity(value, word, i, at + 1)


_GAUGED = frozenset(
    ("needle", "piv", "catheter", "huber", "angiocath", "spinal", "port", "introducer", "tuohy")
)
_GAUGES = range(14, 34)


def _is_gauge(value: float, unit: str, stems: Sequence[str], at: int) -> bool:
    """Whether ``22 g`` is a needle's gauge: by what is behind it, or what leads up to it."""
    if unit != "g" or value not in _GAUGES:
        return False
    return not _GAUGED.isdisjoint(stems[at + 2 : at + 4]) or bool(
        {"via", "a"} & set(stems[max(0, at - 1) : at])
    )
