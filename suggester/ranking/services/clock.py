"""How long a drug ran, in the words about its giving: from and to, or minutes and hours."""

from __future__ import annotations

import re
from collections.abc import Sequence

CLOCK = re.compile(r"([01]\d|2[0-3])([0-5]\d)")
"""A time of day as four digits."""


def times_of(window: Sequence[str]) -> tuple[tuple[int, int] | None, float | None]:
    """Times of start and stop (``0945 1015``) in minutes of the day, and the minutes between, or as said.

    None stands for what the words do not say.
    """
    clocks = [m for w in window if (m := CLOCK.fullmatch(w))]
    if len(clocks) >= 2:
        start, stop = (int(m[1]) * 60 + int(m[2]) for m in clocks[:2])
        return (start, stop), float((stop - start) % 1440)
    colons = _colon_times(window)
    if colons is not None:
        return colons, float((colons[1] - colons[0]) % 1440)
    return None, _minutes(window)


def _colon_times(window: Sequence[str]) -> tuple[int, int] | None:
    """Minutes of the day from and to, as ``10:05 to 11:10`` is cut into words."""
    times: list[tuple[int, int]] = []
    for i in range(len(window) - 1):
        hour, minute = window[i], window[i + 1]
        if _HOUR.fullmatch(hour) and _MINUTE.fullmatch(minute):
            if times and i - times[-1][0] in (2, 3):
                return times[-1][1], int(hour) * 60 + int(minute)
            times.append((i, int(hour) * 60 + int(minute)))
    return None


_HOUR = re.compile(r"[01]?\d|2[0-3]")
_MINUTE = re.compile(r"[0-5]\d")


def _minutes(window: Sequence[str]) -> float | None:
    """Minutes as said: ``30 min``, ``2 hours``, ``1 hr 30 min``, ``an hour``, ``over 30``."""
    total, last = 0.0, None
    for i, word in enumerate(window):
        word = _WORDED.get(word, word)
        if not word.replace(".", "", 1).isdigit():
            continue
        scale = _SCALES.get(window[i + 1]) if i + 1 < len(window) else None
        if scale is None and i and window[i - 1] == "over" and word in _ROUND:
            return float(word)  # ``over 30``
        if scale is None or (last is not None and (scale != 1 or last != i - 2)):
            continue
        total += scale * float(word)
        more = window[i + 2 : i + 4]
        if scale == 60.0 and more and _MINUTE.fullmatch(more[0]) and not _MEASURED & {*more[1:]}:
            return total + float(more[0])  # ``2 h 10``
        if scale == 1:
            return total
        last = i
    return total if 0 < total <= _DAY else None


_MEASURED = frozenset(
    ("mg", "mcg", "g", "ml", "cc", "unit", "mmhg", "meq", "h", "hr", "hour", "l", "kg", "percent")
)
_DAY = 24 * 60.0
_ROUND = frozenset(("20", "30", "45", "60", "90", "120"))
"""Minutes that an infusion takes so often that their unit is left out."""
_WORDED = {
    "a": "1", "an": "1", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "ten": "10", "fifteen": "15", "twenty": "20", "thirty": "30", "forty": "40", "sixty": "60",
    "ninety": "90",
}  # fmt: skip
_SCALES = {"min": 1.0, "minute": 1.0, "mins": 1.0, "hr": 60.0, "hour": 60.0, "h": 60.0}
