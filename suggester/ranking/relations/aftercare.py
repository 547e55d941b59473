"""Aftercare of an operation from how long ago it was: *3 mo s/p L THA* is aftercare of a joint replacement.

Z47 and Z48 hold for the time in which a patient recovers (guidelines I.C.21.c.7); later the operation is a
status. Words and times are data (``codesets/lexicon/relations/aftercare_words.tsv``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.errors import LexiconError
from suggester.pipeline.reading import FAMILY, HYPOTHETICAL, NEGATED, Reading
from suggester.ranking.relations.found import STOPS, Found, holds, phrase_at, phrases_of
from suggester.types import Setting

_WEEKS: Final = {
    **dict.fromkeys(("d", "day", "days"), 1 / 7),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), 1.0),
    **dict.fromkeys(("m", "mo", "mos", "month", "months"), 4.35),
}
"""Units of a time, in weeks."""
_NUMBERS: Final = {
    word: number
    for number, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1
    )
}
_DAY: Final = "pod"
_REACH: Final = 8
"""Most tokens between an operation and the time since then."""
_NOT_SAID: Final = NEGATED | FAMILY | HYPOTHETICAL
_AHEAD: Final = frozenset(
    ("in", "for", "before", "until", "pending", "scheduled", "planned", "awaiting", "will")
)
"""Words before a time or an operation that is to come."""


class Aftercare:
    """Finds the aftercare codes of operations.

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
        path = (folder or lexicon_dir()) / "relations" / "aftercare_words.tsv"
        self._codes: list[tuple[str, float]] = []
        operations: list[tuple[str, int]] = []
        time: list[str] = []
        for line, (code, weeks, cell) in read_rows(path, ("code", "weeks", "words")):
            if code == "time":
                time = cell.split("|")
                continue
            if not weeks.isdecimal():
                raise LexiconError(f"{path.name}:{line}: {weeks!r} is no number of weeks")
            operations += [(word, len(self._codes)) for word in cell.split("|")]
            self._codes.append((code, float(weeks)))
        self._operations = phrases_of(operations)
        self._time = phrases_of([(word, 0) for word in time])

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes that operations lead to."""
        return tuple(code for code, _ in self._codes)

    def find(self, reading: Reading, setting: Setting | None) -> list[Found]:
        """The aftercare codes of a note, each over the first operation that stands for it.

        A hospital stay is not aftercare of what was done in it.
        """
        if setting in ("inpatient", "emergency"):
            return []
        lower = reading.table.lower
        out: dict[str, Found] = {}
        free = 0
        for at in self._operations.places(reading):
            hit = phrase_at(self._operations, lower, at, len(lower)) if at >= free else None
            if hit is None or reading.assertion.flags[at] & _NOT_SAID:
                continue
            free = hit[1] + 1
            code, limit = self._codes[hit[0]]
            weeks = self._since(reading, at, hit[1])
            if code not in out and weeks is not None and weeks <= limit:
                out[code] = Found(code, at, hit[1], 0)
        return list(out.values())

    def _since(self, reading: Reading, first: int, final: int) -> float | None:
        """Weeks since an operation, None if its sentence does not say."""
        lower, sentence = reading.table.lower, reading.sentence
        begin, end = first, final + 1
        while begin > 0 and first - begin < _REACH and sentence[begin - 1] == sentence[first]:
            begin -= 1
            if lower[begin] in STOPS:
                begin += 1
                break
        while end < len(lower) and end - final <= _REACH and sentence[end] == sentence[final]:
            if lower[end] in STOPS:
                break
            end += 1
        around = lower[begin:end]
        if not holds(self._time, around):
            return None
        for n, word in enumerate(around):
            behind = around[n + 1] if n + 1 < len(around) else ""
            before = around[n - 1] if n else ""
            if before in _AHEAD:
                continue
            if word == _DAY or (word == "day" and before in ("op", "postop", "postoperative")):
                behind = around[n + 2] if behind in ("#", "-") and n + 2 < len(around) else behind
                if behind.isdecimal():
                    return int(behind) / 7
            number = _NUMBERS.get(word, float(word) if word.replace(".", "", 1).isdecimal() else None)
            behind = around[n + 2] if behind == "-" and n + 2 < len(around) else behind
            if number is not None and behind in _WEEKS:
                return number * _WEEKS[behind]
        return None


__all__ = ["Aftercare"]
