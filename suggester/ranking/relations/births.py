"""What a birth is coded as: the outcome in the mother's note; place, size, weeks, exposures in the child's.

Weights and weeks choose P05, P07 and P08 (guidelines I.C.16.d and e); words are data
(``codesets/lexicon/relations/newborn_words.tsv``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.errors import LexiconError
from suggester.pipeline.attributes_values import is_gravida
from suggester.pipeline.reading import HYPOTHETICAL, NEGATED, Reading
from suggester.ranking.relations.ages import age_at
from suggester.ranking.relations.found import Found, Phrases, phrase_at, phrases_of
from suggester.ranking.relations.maternity import Stage, days_beyond
from suggester.ranking.relations.weights import grams_at, pounds_at
from suggester.types import Setting

_TELL: Final = ("small", "large", "diabetic", "gestational", "vaginal", "cesarean", "twins", "elsewhere")
_MOTHER: Final = frozenset(
    (
        "mother",
        "mom",
        "maternal",
        "mother's",
        "exposure",
        "exposed",
        "utero",
        "mob",
        "prenatal",
        "uds",
        "cord",
    )
)
_EXPOSED: Final = 24
"""Most tokens between the word for the mother and what she took."""
_OPENING: Final = 160
"""Tokens within which a weight that is not called one is the weight at birth."""
_STEPS: Final = (500, 750, 1000, 1250, 1500, 1750, 2000, 2500)
_LOW: Final = ("P07.01", "P07.02", "P07.03", "P07.14", "P07.15", "P07.16", "P07.17", "P07.18")
_SMALL: Final = (
    "P05.11",
    "P05.12",
    "P05.13",
    "P05.14",
    "P05.15",
    "P05.16",
    "P05.17",
    "P05.18",
    "P05.19",
)
_TERM: Final = 40
"""Completed weeks of a full term."""
_LATE: Final = 42
_FIRST_WEEK: Final = 22
_LAST_WEEK: Final = 44
_BETWEEN: Final = 5
"""Most tokens from the number of weeks to their word (*24 6/7 wk*)."""
_WEEK_WORDS: Final = frozenset(("week", "weeks", "wk", "wks", "weeker", "wga", "weekers"))
_NOW: Final = frozenset(
    (
        "pma",
        "cga",
        "corrected",
        "postmenstrual",
        "adjusted",
        "now",
        "currently",
        "ago",
        "old",
        "postpartum",
        "age",
    )
)
"""Words beside weeks that are not those at birth."""
_HEAD: Final = 40
"""Tokens at the top of a note, where it says how old the patient is."""
_ELDERLY: Final = 35
_OLDEST: Final = 55
_HUGE: Final = 4500
_HEAVY: Final = 4000
_OUTCOMES: Final = {(1, False): "Z37.0", (1, True): "Z37.1", (2, False): "Z37.2", (3, False): "Z37.51"}


def code_of_birth_weight(grams: int) -> str | None:
    """The code of a low weight at birth; None from 2,500 g on.

    >>> code_of_birth_weight(920), code_of_birth_weight(2410), code_of_birth_weight(3300)
    ('P07.03', 'P07.18', None)
    """
    at = bisect_right(_STEPS, grams)
    return _LOW[at] if at < len(_LOW) else None


def code_of_birth_weeks(weeks: int) -> str | None:
    """The code of the weeks at which a child was born, too early or too late; None from 37 to 40.

    >>> code_of_birth_weeks(22), code_of_birth_weeks(27), code_of_birth_weeks(36), code_of_birth_weeks(39)
    ('P07.21', 'P07.26', 'P07.39', None)
    """
    if weeks < 23:
        return "P07.21"
    if weeks < 28:
        return f"P07.2{weeks - 21}"
    if weeks < 37:
        return f"P07.3{weeks - 27}"
    return None if weeks < 41 else "P08.21" if weeks < 43 else "P08.22"


class Births:
    """Finds the codes of a birth.

    Parameters
    ----------
    folder
        The lexicon folder; the shipped one if not given.

    Raises
    ------
    LexiconError
        If the file is missing or a row is wrong.
    """

    def __init__(self, *, folder: Path | None = None) -> None:
        path = (folder or lexicon_dir()) / "relations" / "newborn_words.tsv"
        self._tell: dict[str, Phrases] = {}
        self.exposures: list[str] = []
        rows: list[tuple[str, int]] = []
        for line, (code, cell) in read_rows(path, ("code", "words"), required=2):
            words = cell.split("|")
            if code.startswith("P04"):
                rows.extend((word, len(self.exposures)) for word in words)
                self.exposures.append(code)
            elif code in _TELL:
                self._tell[code] = phrases_of([(word, 0) for word in words])
            else:
                raise LexiconError(f"newborn_words.tsv:{line}: {code} is none of P04.-, {', '.join(_TELL)}")
        missing = [kind for kind in _TELL if kind not in self._tell]
        if missing:
            raise LexiconError(f"newborn_words.tsv has no row for {', '.join(missing)}")
        self._exposed = phrases_of(rows)

    def find(self, reading: Reading, stage: Stage, setting: Setting | None) -> list[Found]:
        """Codes of the birth that a note tells of, at its stage."""
        if stage.name == "newborn":
            return [*self._size(reading, stage), *self._from_mother(reading), *self._born(reading, setting)]
        found = [*self._late(reading, stage), *self._elderly(reading, stage)]
        if stage.name == "childbirth" and stage.outcome is not None:
            first, final, count = stage.outcome
            code = _OUTCOMES.get((count, stage.stillborn))
            found += [Found(code, first, final, 0)] if code else []
        return found

    @staticmethod
    def _late(reading: Reading, stage: Stage) -> Iterator[Found]:
        """A pregnancy of more than 40 completed weeks (O48)."""
        if not stage.said or stage.weeks is None or stage.weeks < _TERM:
            return
        for value in reading.attributes.values():
            if value.name == "weeks" and value.value == str(stage.weeks):
                first, final = reading.token_at(value.span.start), reading.token_at(value.span.end - 1)
                if stage.weeks > _TERM or days_beyond(reading.table.lower, first, final):
                    yield Found("O48.1" if stage.weeks > _LATE else "O48.0", first, final, 0)
                return

    @staticmethod
    def _elderly(reading: Reading, stage: Stage) -> Iterator[Found]:
        """A pregnancy from 35 years on (O09.5): the first or a later one by *G2P1*, *gravida 2*."""
        if stage.name not in ("pregnancy", "childbirth"):
            return
        lower = reading.table.lower
        age = age_at(lower[:_HEAD])
        if age is None or not _ELDERLY <= age[0] <= _OLDEST:
            return
        count = next((word[1] for word in lower if is_gravida(word)), "")
        if not count and "gravida" in lower[:-1]:
            count = lower[lower.index("gravida") + 1]
        if count.isdecimal() and count != "0":
            yield Found("O09.51" if count == "1" else "O09.52", age[1], age[1], 0)

    def _size(self, reading: Reading, stage: Stage) -> Iterator[Found]:
        small, large = self._first(reading, "small"), self._first(reading, "large")
        weight = _birth_weight(reading.table.lower)
        if weight is not None:
            grams, first, final = weight
            code = code_of_birth_weight(grams)
            if small is not None:
                code = _SMALL[bisect_right(_STEPS, grams)]
            elif grams >= _HEAVY:
                code = "P08.0" if grams >= _HUGE else "P08.1"
            if code is not None:
                yield Found(code, first, final, 0)
        if large is not None and (weight is None or weight[0] < _HEAVY):
            yield Found("P08.1", *large, 0)
        born = _weeks_at_birth(reading.table.lower)
        if born is not None:
            code = code_of_birth_weeks(born[0])
            if code is not None:
                yield Found(code, born[1], born[2], 0)
        elif stage.weeks is not None:
            code = code_of_birth_weeks(stage.weeks)
            at = next(
                (
                    value
                    for value in reading.attributes.values()
                    if value.name == "weeks" and value.value == str(stage.weeks)
                ),
                None,
            )
            if code is not None and at is not None:
                yield Found(code, reading.token_at(at.span.start), reading.token_at(at.span.end - 1), 0)

    def _from_mother(self, reading: Reading) -> Iterator[Found]:
        lower, flags = reading.table.lower, reading.assertion.flags
        diabetic = self._first(reading, "diabetic")
        if diabetic is not None:
            gestational = self._first(reading, "gestational")
            yield Found("P70.0" if gestational is not None else "P70.1", *diabetic, 0)
        mothers = [at for at, word in enumerate(lower) if word in _MOTHER]
        for at, word in enumerate(lower):
            if word not in self._exposed or flags[at] & (NEGATED | HYPOTHETICAL):
                continue
            hit = phrase_at(self._exposed, lower, at, len(lower))
            if hit is not None and any(at - _EXPOSED <= mother < at for mother in mothers):
                yield Found(self.exposures[hit[0]], at, hit[1], 0)

    def _born(self, reading: Reading, setting: Setting | None) -> Iterator[Found]:
        """Where and how the child was born, once, in the record of its birth (Z38)."""
        if setting != "inpatient" or self._first(reading, "elsewhere") is not None:
            return
        cesarean, vaginal = self._first(reading, "cesarean"), self._first(reading, "vaginal")
        ways = [place for place in (cesarean, vaginal) if place is not None]
        if not ways:
            return
        twin = self._first(reading, "twins") is not None
        way = min(ways)
        code = ("Z38.3" if twin else "Z38.0") + ("1" if way == cesarean else "0")
        yield Found(code, *way, 0)

    def _first(self, reading: Reading, kind: str) -> tuple[int, int] | None:
        lower, phrases = reading.table.lower, self._tell[kind]
        for at, word in enumerate(lower):
            if word in phrases and not reading.assertion.flags[at] & NEGATED:
                hit = phrase_at(phrases, lower, at, len(lower))
                if hit is not None:
                    return at, hit[1]
        return None


def _weeks_at_birth(lower: Sequence[str]) -> tuple[int, int, int] | None:
    """The weeks at which a child was born and their tokens, as the top of its note says; None if it does not.

    *born at 31 weeks*, *24 6/7 wk*, *premature of 27 weeks*, *26-weeker*; not the age of now (*PMA 36 wk*).
    """
    for at, word in enumerate(lower[:_OPENING]):
        if not (word.isdecimal() and len(word) == 2 and _FIRST_WEEK <= int(word) <= _LAST_WEEK):
            continue
        final = at + 1
        while final < len(lower) - 1 and (lower[final] in ("-", "/", "+", "and") or lower[final].isdecimal()):
            final += 1
        unit = lower[final] if final < len(lower) else ""
        behind = lower[final + 1 : final + 3]
        told = _NOW.isdisjoint(lower[max(0, at - 3) : at]) and _NOW.isdisjoint(behind)
        if final - at <= _BETWEEN and unit in _WEEK_WORDS and told:
            return int(word), at, final
    return None


def _birth_weight(lower: Sequence[str]) -> tuple[int, int, int] | None:
    """The weight at birth in grams and its tokens: the one called so, else the first of the note."""
    found: tuple[int, int, int] | None = None
    for at in range(len(lower)):
        grams = grams_at(lower, at) or pounds_at(lower, at)
        if grams is None or not 300 <= grams <= 6500:
            continue
        final = at if lower[at][-1:].isalpha() else at + 1
        before = lower[max(0, at - 4) : at]
        if "bw" in before or "birthweight" in before or ("birth" in before and "weight" in before):
            return grams, at, final
        if found is None and at < _OPENING:
            found = grams, at, final
    return found


__all__ = ["Births", "code_of_birth_weeks", "code_of_birth_weight"]
