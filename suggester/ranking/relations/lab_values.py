"""Measured values that are findings by themselves: a hemoglobin of 7, a sodium of 118.

A value far outside of what is normal is coded as the finding that it shows where nothing in the note says
more. Words, limits and codes are data (``codesets/lexicon/relations/lab_values.tsv``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.errors import LexiconError
from suggester.pipeline.reading import FAMILY, HYPOTHETICAL, Reading
from suggester.ranking.relations.found import STOPS, Found, phrase_at, phrases_of

_COLUMNS: Final = ("words", "below", "low_code", "above", "high_code", "least", "most", "thousand", "unless")
_FILLER: Final = frozenset(
    (
        *(
            "of",
            "was",
            "were",
            "is",
            "are",
            "at",
            "to",
            "had",
            "has",
            "been",
            "fell",
            "dropped",
            "rose",
            "down",
        ),
        *(
            "up",
            "level",
            "levels",
            "count",
            "value",
            "values",
            "only",
            "just",
            "low",
            "high",
            "a",
            "the",
            "now",
        ),
        *("today", "elevated", "decreased", "increased", "serum", "in", "with", "found", "reached", "nadir"),
        *(
            ":",
            "=",
            "(",
            ",",
            "-",
            "~",
            "about",
            "around",
            "approximately",
            "on",
            "admission",
            "initial",
            "with",
        ),
        *("blood", "plasma", "total", "initially", "repeat", "<", ">"),
    )
)
"""Words and marks that may stand between what was measured and its value."""
_GAP: Final = 6
"""Most tokens from the words of what was measured to its value."""
_FAHRENHEIT: Final = 90.0
"""A temperature from which it is one in degrees Fahrenheit."""
_RANGES: Final = frozenset(("-", "–", "/", "to"))
_UNLIKE: Final = frozenset(("goal", "target", "normal", "ionized", "range", "threshold", "if", "keep"))
"""Words beside a value that is no finding."""


@dataclass(frozen=True, slots=True)
class _Measure:
    """Limits of what is measured and the codes beyond them; a code is empty if there is none."""

    below: float
    low_code: str
    above: float
    high_code: str
    least: float
    most: float
    thousand: float
    unless: tuple[str, ...]

    def code_of(self, value: float) -> str:
        """The code that a value names, empty if it names none."""
        number = value / 1000 if value > self.thousand else value
        if not self.least <= number <= self.most:
            return ""
        return self.low_code if number < self.below else self.high_code if number > self.above else ""


def _number(cell: str, otherwise: float, where: str) -> float:
    try:
        return float(cell) if cell else otherwise
    except ValueError:
        raise LexiconError(f"{where}: {cell!r} is not a number") from None


class LabValues:
    """Finds values that are findings by themselves.

    Parameters
    ----------
    path
        The file; the shipped one if not given.

    Raises
    ------
    LexiconError
        If the file is missing or damaged, or a limit is no number.
    """

    def __init__(self, path: Path | None = None) -> None:
        file = path or lexicon_dir() / "relations" / "lab_values.tsv"
        self._measures: list[_Measure] = []
        named: list[tuple[str, int]] = []
        for line, cells in read_rows(file, _COLUMNS):
            named += [(words, len(self._measures)) for words in cells[0].split("|")]
            where = f"{file.name}:{line}"
            self._measures.append(
                _Measure(
                    _number(cells[1], float("-inf"), where),
                    cells[2],
                    _number(cells[3], float("inf"), where),
                    cells[4],
                    _number(cells[5], float("-inf"), where),
                    _number(cells[6], float("inf"), where),
                    _number(cells[7], float("inf"), where),
                    tuple(filter(None, cells[8].split("|"))),
                )
            )
        self._phrases = phrases_of(named)
        self._systolic, self._temperature = (
            next((self._measures[number] for words, number in named if words == name), None)
            for name in ("systolic", "temperature")
        )

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code that a value may name."""
        both = {code for measure in self._measures for code in (measure.low_code, measure.high_code)}
        return tuple(sorted(both - {""}))

    def find(self, reading: Reading, named: Collection[str]) -> list[Found]:
        """The findings that values show, each code once where it is first.

        Parameters
        ----------
        reading
            The note, read.
        named
            Codes that the words of the note name.
        """
        lower, size = reading.table.lower, len(reading.table.lower)
        read: list[tuple[_Measure, float, int, int]] = []
        for at in self._phrases.places(reading):
            hit = phrase_at(self._phrases, lower, at, size)
            where, value = self._value(reading, hit[1]) if hit is not None else (0, 0.0)
            if hit is not None and where:
                measure = self._measures[hit[0]]
                if measure is self._temperature and value >= _FAHRENHEIT:
                    value = (value - 32) / 1.8
                read.append((measure, value, at, where))
        for pressure in reading.attributes.values():
            if pressure.name == "bp" and self._systolic is not None:
                begin, end = (
                    reading.token_at(place) for place in (pressure.span.start, pressure.span.end - 1)
                )
                read.append((self._systolic, float(pressure.value.partition("/")[0]), begin, end))
        out: dict[str, Found] = {}
        for measure, value, first, final in read:
            code = measure.code_of(value)
            if code and code not in out and not any(one.startswith(measure.unless) for one in named):
                flags = reading.assertion.flags[final] & (FAMILY | HYPOTHETICAL)
                out[code] = Found(code, first, final, flags)
        return list(out.values())

    @staticmethod
    def _value(reading: Reading, final: int) -> tuple[int, float]:
        """The token of the value behind what was measured, and the value; token 0 if there is none."""
        lower, sentence = reading.table.lower, reading.sentence
        for at in range(final + 1, min(len(lower), final + 1 + _GAP)):
            word = lower[at]
            if sentence[at] != sentence[final] or word in STOPS or word in _UNLIKE:
                break
            if word[:1].isdecimal():
                value = _value_of(word)
                ranged = at + 2 < len(lower) and lower[at + 1] in _RANGES and lower[at + 2][:1].isdecimal()
                beside = lower[max(0, final - 2) : final]
                if value is None or ranged or not _UNLIKE.isdisjoint(beside):
                    break
                return at, value
            if word not in _FILLER and not reading.table.is_space[at]:
                break
        return 0, 0.0


def _value_of(word: str) -> float | None:
    """The number that a token is: ``8.6``, ``9,000``; None if it is none."""
    whole, _, tail = word.partition(",")
    plain = whole + tail if len(tail) == 3 else word.replace(",", ".")
    try:
        return float(plain) if plain.isascii() else None
    except ValueError:
        return None


__all__ = ["LabValues"]
