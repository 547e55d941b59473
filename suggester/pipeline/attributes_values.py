"""Measured values: BMI, A1c, ejection fraction, eGFR, blood pressure, weeks, pack-years, stage numbers.

Each function looks at a bounded number of tokens around one place, so that the whole stays linear.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from suggester.pipeline.attributes_lexicon import AttributeLexicon, Cue
from suggester.pipeline.tokenizer import TokenTable


class Found(NamedTuple):
    """An attribute in the tokens ``first`` to ``final``, both included."""

    name: str
    value: str
    first: int
    final: int
    forward: bool = False
    need: str = ""


VALUES: Final = frozenset(("bmi", "bp", "a1c", "ef", "egfr", "weeks", "packyears", "bsa"))
"""Attributes that are measured."""

_FILLER_MARKS: Final = frozenset("=:(~-–—%,")
_ROMAN: Final = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5"}
_NUMBER_WORDS: Final = {
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "half": "0.5",
}
_YEARS: Final = frozenset(("years", "year", "yrs", "yr", "y"))
_WEEKS: Final = frozenset(("weeks", "week", "wks", "wk", "wga"))
_DAYS: Final = frozenset("0123456")
"""Days beyond the completed weeks (*33+2 weeks*)."""
_NO_WEEKS_AFTER: Final = frozenset(("-", "/", "<", ">", "≤", "≥", "than"))
"""What stands before a number of weeks that is part of another or a bound (*OB US < 14 weeks*)."""
_CKD_STAGES: Final = frozenset(
    ("1", "2", "3", "3a", "3b", "4", "5", "i", "ii", "iii", "iiia", "iiib", "iv", "v")
)
_WINDOW: Final = 16
GAP: Final = 4
"""At most so many hyphens and blanks stand before each further word of a phrase."""


class ValueReader:
    """Reads values; holds the lexicon.

    Parameters
    ----------
    lexicon
        The attribute lexicon.
    """

    def __init__(self, lexicon: AttributeLexicon) -> None:
        self._cues = lexicon.cues
        self._pregnancy = lexicon.groups["pregnancy"]
        self._pressure = lexicon.groups["pressure"]
        self._filler = lexicon.groups["filler"] | _FILLER_MARKS
        self._no_age_after = lexicon.groups["no_age_after"]
        self._no_age_before = lexicon.groups["no_age_before"]
        self.starters = frozenset(
            (*self._cues, "stage", "stages", "stg", "ckd", "pack", "packs", "pk", "ppd", "py", *_WEEKS)
        )

    def at(self, table: TokenTable, sentence: list[int], index: int) -> Found | None:
        """The value that the word at ``index``, one of ``starters``, belongs to."""
        word = table.lower[index]
        for cue in self._cues.get(word, ()):
            after = follow(table, index, cue.rest)
            if after:
                return self._measured(table, sentence, index, after, cue)
        if word in _WEEKS:
            return self._weeks(table, sentence, index)
        if word == "ckd":
            return self._ckd(table, index)
        if word in ("stage", "stages", "stg"):
            return self._stage(table, index)
        return self._pack_years(table, index)

    def _measured(
        self, table: TokenTable, sentence: list[int], index: int, after: int, cue: Cue
    ) -> Found | None:
        """The number after a cue, over a few words that say nothing."""
        lower, size = table.lower, len(table)
        here = sentence[index]
        for i in range(after, min(after + 9, size)):
            if sentence[i] != here:
                break
            word = lower[i]
            if word[:1].isdecimal():
                value = number_at(table, i)
                if value is None or "/" in (lower[i - 1], lower[i + 1] if i + 1 < size else ""):
                    continue
                if (
                    lower[i - 1] == "from"
                    and i + 2 < size
                    and lower[i + 1] == "to"
                    and number_at(table, i + 2)
                ):
                    continue
                if not cue.low <= value <= cue.high or lower[i - 1] in (">", "≥"):
                    return None
                final, shown = self._range(table, i, cue) if cue.name == "ef" else (i, lower[i])
                return Found(cue.name, shown.replace(",", "."), index, final)
            if word not in self._filler and not table.is_space[i]:
                break
        if cue.name == "bsa":
            for i in range(index - 1, max(index - 4, -1), -1):
                value = number_at(table, i)
                if value is not None:
                    return Found("bsa", lower[i], i, after - 1)
                if lower[i] not in ("%", "of", "the", "percent"):
                    break
        return None

    def _range(self, table: TokenTable, i: int, cue: Cue) -> tuple[int, str]:
        lower, size = table.lower, len(table)
        j = i + 1
        if j < size and lower[j] == "%":
            j += 1
        if j + 1 < size and lower[j] in ("-", "–", "to"):
            other = number_at(table, j + 1)
            if other is not None and cue.low <= other <= cue.high:
                return j + 1, f"{lower[i]}-{lower[j + 1]}"
        return i, lower[i]

    def _weeks(self, table: TokenTable, sentence: list[int], index: int) -> Found | None:
        """``28 weeks``, ``28 3/7 wks``, ``28+3 wks``, ``28-week``, where a pregnancy is spoken of."""
        lower = table.lower
        i = index - 1
        if i >= 0 and lower[i] == "-":
            i -= 1
        if i >= 2 and lower[i - 1] == "/" and lower[i] == "7":
            i -= 3
            if i >= 0 and lower[i] in ("and", "+", "-"):
                i -= 1
        elif i >= 2 and lower[i - 1] == "+" and lower[i] in _DAYS:
            i -= 2
        value = number_at(table, i) if i >= 0 else None
        if value is None or not 3 <= value <= 44 or value != int(value):
            return None
        before = lower[i - 1] if i else ""
        if i > 1 and lower[i - 2] in ("delivered", "born", "delivery"):
            return None
        following = next(
            (lower[j] for j in range(index + 1, min(index + 3, len(table))) if lower[j] != "-"), ""
        )
        if before in self._no_age_after or following in self._no_age_before or before in _NO_WEEKS_AFTER:
            return None
        if not self._near(table, sentence, index, self._pregnancy):
            return None
        return Found("weeks", str(int(value)), i, index)

    def _near(self, table: TokenTable, sentence: list[int], index: int, words: frozenset[str]) -> bool:
        here = sentence[index]
        for i in range(max(0, index - _WINDOW), min(len(table), index + _WINDOW)):
            if sentence[i] == here and (table.lower[i] in words or is_gravida(table.lower[i])):
                return True
        return False

    def _ckd(self, table: TokenTable, index: int) -> Found | None:
        nxt = _visible(table, index + 1)
        if nxt is not None and table.lower[nxt] == "-":
            nxt = _visible(table, nxt + 1)
        if nxt is None or table.lower[nxt] not in _CKD_STAGES:
            return None
        return Found("stage", stage_value(table.lower[nxt]) or table.lower[nxt], nxt, nxt)

    def _stage(self, table: TokenTable, index: int) -> Found | None:
        nxt = _visible(table, index + 1)
        if nxt is not None and table.lower[nxt] in (":", "-", "#"):
            nxt = _visible(table, nxt + 1)
        if nxt is None or (index and table.lower[index - 1] == "-" and table.lower[index - 2] == "end"):
            return None
        word = table.lower[nxt]
        value = stage_value(_NUMBER_WORDS.get(word, word))
        if value is None:
            return None
        if nxt + 2 < len(table) and table.lower[nxt + 1] == "-" and table.lower[nxt + 2] in ("a", "b", "c"):
            return Found("stage", value + table.lower[nxt + 2], index, nxt + 2)
        return Found("stage", value, index, nxt)

    def _pack_years(self, table: TokenTable, index: int) -> Found | None:
        """``30 pack-years``, ``pack years: 30``, ``1.5 ppd x 20 years``."""
        lower, size = table.lower, len(table)
        word = lower[index]
        i = index - 1
        while i >= 0 and (lower[i] in ("-", "a", "of")):
            i -= 1
        amount = number_at(table, i) if i >= 0 else None
        first = i
        if amount is not None and i >= 2 and lower[i - 1] == "/" and amount:
            top = number_at(table, i - 2)
            if top is not None and top < amount:
                amount, first = top / amount, i - 2
        nxt = index + 1
        if nxt < size and lower[nxt] == "-":
            nxt += 1
        if word == "py" or (word in ("pack", "packs", "pk") and nxt < size and lower[nxt] in _YEARS):
            final = index if word == "py" else nxt
            if amount is not None:
                return Found("packyears", _shown(amount), first, final)
            for i in range(final + 1, min(final + 5, size)):
                value = number_at(table, i)
                if value is not None:
                    return Found("packyears", _shown(value), index, i)
                if lower[i] not in (":", "history", "of", "=", "is", "~"):
                    break
            return None
        if amount is None or amount > 10:
            return None
        for i in range(index + 1, min(index + 10, size - 1)):
            if lower[i + 1] in _YEARS and lower[i][:1].isdecimal():
                value = number_at(table, i)
                if value is not None and value <= 90:
                    return Found("packyears", _shown(amount * value), first, i + 1)
        return None

    def pressures(self, table: TokenTable, sentence: list[int]) -> Iterator[Found]:
        """``158/94`` where the sentence speaks of blood pressure or the number is in ``mmHg``."""
        lower, size = table.lower, len(table)
        for i in [i for i in table.marks if table.text[i] == "/"]:
            if i == 0 or i + 1 >= size:
                continue
            high, low = lower[i - 1], lower[i + 1]
            if not (high.isdecimal() and low.isdecimal() and len(high) < 4 and len(low) < 4):
                continue
            systolic, diastolic = int(high), int(low)
            if not (60 <= systolic <= 280 and 20 <= diastolic <= 180 and systolic > diastolic):
                continue
            if (i + 2 < size and lower[i + 2] == "/") or (i > 1 and lower[i - 2] == "/"):
                continue
            if (i + 2 < size and lower[i + 2] == "mmhg") or self._near(table, sentence, i, self._pressure):
                yield Found("bp", f"{systolic}/{diastolic}", self._cue_before(table, i - 1), i + 1)

    @staticmethod
    def _cue_before(table: TokenTable, index: int) -> int:
        """First token of ``BP`` or ``blood pressure`` directly before ``index``, or ``index``."""
        lower = table.lower
        i = index - 1
        while i > index - 4 and i >= 0 and lower[i] in ("of", "is", "was", ":", "at", "="):
            i -= 1
        if i >= 0 and lower[i] == "bp":
            return i
        return i - 1 if i > 0 and lower[i] == "pressure" and lower[i - 1] == "blood" else index

    def compact_weeks(self, table: TokenTable, index: int) -> Found | None:
        """``28w3d``, ``28w``, ``28wk``: one token of number and letters."""
        word = table.lower[index]
        digits = word[:2] if word[:2].isdecimal() else word[:1]
        rest = word[len(digits) :]
        if not (digits.isdecimal() and digits.isascii() and rest[:1] == "w") or not 3 <= int(digits) <= 44:
            return None
        days = rest.lstrip("weks")
        if days and not (len(days) <= 2 and days[0] in "0123456" and days[1:] in ("", "d")):
            return None
        return Found("weeks", str(int(digits)), index, index)


def _visible(table: TokenTable, index: int) -> int | None:
    while index < len(table) and table.is_space[index]:
        index += 1
    return index if index < len(table) else None


def number_at(table: TokenTable, index: int) -> float | None:
    """The number that a token is, or None."""
    word = table.lower[index]
    word = _NUMBER_WORDS.get(word, word)
    if not word.isascii() or not word[:1].isdecimal() or len(word) > 8:
        return None
    try:
        return float(word.replace(",", "."))
    except ValueError:
        return None


def stage_value(word: str) -> str | None:
    """``3a`` of ``3a``, ``iiia`` or ``IIIA``; None if the word is no stage."""
    tail = word[-1] if word[-1:] in ("a", "b", "c") else ""
    head = word[: len(word) - len(tail)]
    head = _ROMAN.get(head, head)
    return head + tail if head in ("0", "1", "2", "3", "4", "5") else None


def kidney_stage(egfr: float) -> str:
    """Stage of chronic kidney disease by eGFR (KDIGO G1 to G5)."""
    for limit, stage in ((90, "1"), (60, "2"), (45, "3a"), (30, "3b"), (15, "4")):
        if egfr >= limit:
            return stage
    return "5"


def trimester_of(weeks: int) -> str:
    """Trimester by weeks: before 14, before 28, later (ICD-10-CM, chapter 15, introductory note)."""
    return "1" if weeks < 14 else "2" if weeks < 28 else "3"


def is_gravida(word: str) -> bool:
    """Whether a word is ``G2P1`` or ``G4``."""
    return len(word) > 1 and word[0] == "g" and word[1].isdecimal() and len(word) < 9 and word != "g6pd"


def _shown(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.1f}"


def follow(table: TokenTable, index: int, rest: tuple[str, ...]) -> int:
    """Token after the words ``rest`` behind ``index``, over a few hyphens and blanks; 0 if they are not."""
    lower = table.lower
    size = len(lower)
    i = index + 1
    for word in rest:
        limit = min(size, i + GAP)
        while i < limit and lower[i] != word and (lower[i] in "-–" or table.is_space[i]):
            i += 1
        if i >= size or lower[i] != word:
            return 0
        i += 1
    return i
