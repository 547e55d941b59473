"""What a date looks on to behind it, over the words that join what came of it or what it was for.

*In a crash in 1998, sustaining a fracture*; *seen two years ago and was found to have gallstones*; *presented
to a clinic last week c/o dysuria*; *admitted in 2010 because of a bleed*.
"""

from __future__ import annotations

from typing import Final

from suggester.pipeline.function_words import VISIT
from suggester.pipeline.past import is_year
from suggester.pipeline.scopes import Hit

_JOINED: Final = (("because", "of"), ("due", "to"), ("c", "/", "o"))
"""Words behind a date before what the visit or stay was for."""

_SUBJECTS: Final = frozenset(("he", "she", "they", "patient", "pt"))
_HAVING: Final = (["was", "having"], ["complained", "of"], ["was", "treated"], ["was", "hospitalized"])
"""Verbs behind the date of a visit and *when she* that tell what that was for."""

_SUFFERED: Final = frozenset(
    (
        *("sustaining", "suffering", "sustained", "suffered", "fractured", "fracturing", "broke", "breaking"),
        *("dislocated", "tore", "underwent", "undergoing", "required", "requiring", "lost"),
    )
)
"""Words behind a date and a comma or *and* that tell what came of what is dated (*fell in May and broke*)."""

YEARS: Final = frozenset(("year", "years", "yrs", "decade", "decades"))
"""Words of dates so far back that what one *was found to have* then is over."""


def over_joining(words: list[str], hit: Hit, stop: int) -> int:
    """Where what a date looks on to begins, behind the words that join it; ``hit.end`` if none do."""
    at = hit.end
    if at + 1 >= stop:
        return at
    for joined in _JOINED:
        if words[at] == joined[0] and tuple(words[at : at + len(joined)]) == joined:
            return at + len(joined)
    when = at + (words[at] == ",")
    if words[when] == "when" and when + 3 < stop and words[when + 1] in _SUBJECTS:
        if words[when + 2 : when + 4] in _HAVING:
            return when + 4
        if words[when + 2] == "had" and not VISIT.isdisjoint(words[max(0, hit.begin - 4) : hit.begin]):
            return when + 3
    if words[at] in (",", "and") and words[at + 1] in _SUFFERED:
        return at + 2
    if words[at] == "and" and _found_then(words, hit):
        return at + 5
    return at


def _found_then(words: list[str], hit: Hit) -> bool:
    """Whether behind a date years ago follows what was found then."""
    behind = words[hit.end + 1 : hit.end + 5]
    if behind[:1] != ["was"] or behind[2:] != ["to", "have"]:
        return False
    return any(word in YEARS or is_year(word) for word in words[hit.begin : hit.end])
