"""Lists behind a cue: whether a comma goes on with them, and where an item of another kind begins.

Notes are full of lists without *and* or *or*; what an item holds tells whether it still belongs to the cue.
"""

from __future__ import annotations

from typing import Final

from suggester.pipeline.automaton import (
    FAMILY,
    HISTORICAL,
    HYPOTHETICAL,
    NEGATED,
    SURGICAL,
    UNCERTAIN,
    Modifier,
)
from suggester.pipeline.function_words import AND, CONTRAST, NOT_PLAIN, OR
from suggester.pipeline.scopes import OWN, Stops

_ITEM_ENDS: Final = frozenset(",.;")
_LIST_AHEAD: Final = 24
_ITEM_WORDS: Final = 6
_FOREIGN: Final = {
    FAMILY: HYPOTHETICAL | OWN,
    HYPOTHETICAL: NEGATED | UNCERTAIN | HISTORICAL | FAMILY,
    NEGATED: HYPOTHETICAL | UNCERTAIN | HISTORICAL | FAMILY,
}
"""By the flag of a scope: flags whose cues make an item of a list one of its own."""

_NO_ITEM: Final = frozenset(("in", "at", "on", "since", "during", "now", "is", "was", "has", "had"))
"""Words behind *and* with which no item of a list begins."""

_TAKEN: Final = frozenset(
    ("yet", "now", "been", "currently", "presently", "still", "longer", "is", "be", "put")
)
"""Words before *on* with which taking it is itself absent (*not yet on dialysis*, *never placed on*)."""

_AMOUNTS: Final = frozenset(("trace", "mild", "minimal", "slight", "moderate", "some", "positive"))
"""Words with which an item begins that is there, behind a list of what is absent (*no clubbing, cyanosis,
trace edema*)."""

_OTHER_LIST: Final = HYPOTHETICAL | FAMILY
"""Flags whose cues begin a list of their own, so that its *or* does not close a list of what is absent."""


def new_item(words: list[str], begin: int, stop: int, bit: int, stops: Stops) -> bool:
    """Whether behind a comma comes an item of its own, that holds a cue of another kind in its midst.

    Notes written as one long list (*mother CAD, DEXA to screen for osteoporosis*) have no other sign. A list
    that *or* or *and* closes goes on.
    """
    foreign = _FOREIGN.get(bit, 0)
    if not foreign:
        return False
    if begin < stop and words[begin] in AND:
        begin += 1
    for index in range(begin, min(stop, begin + _ITEM_WORDS)):
        word = words[index]
        if stops.any.get(index, 0) & foreign:
            return index > begin and not closed_by_or(words, index, stop)
        if bit == NEGATED and index > begin and _lasts(words, index, stop):
            return True
        if word in ("or", "nor", "and", "plus") or word in _ITEM_ENDS:
            return False
    return False


def _lasts(words: list[str], index: int, stop: int) -> bool:
    """Whether a duration or a number of times begins, which only what is there has (*x3*, *x 2 days*)."""
    word = words[index]
    if word[0] != "x":
        return False
    return word[1:].isdigit() or (word == "x" and index + 1 < stop and words[index + 1].isdigit())


def list_goes_on(
    words: list[str], begin: int, stop: int, stops: Stops, modifier: Modifier, least: int
) -> bool:
    """Whether a comma stands inside a list: one that *or* closes further on, or for absence a plain one.

    A plain list holds nothing but items of at most three words: no figure, verb, preposition or other cue;
    ``least`` is how many items must follow.
    """
    bit = modifier.mask
    since = 0
    items = 1
    plain = bit == NEGATED or modifier.rule == "hist.none"
    for index in range(begin, min(stop, begin + _LIST_AHEAD)):
        word = words[index]
        if bit == NEGATED and stops.any.get(index, 0) & _OTHER_LIST:
            return False
        if word in OR and word != "/" and (bit != NEGATED or word in ("or", "nor")):
            return True
        if word in AND:
            if bit == NEGATED and not plain and words[index + 1] in _NO_ITEM:
                return False
            return since < 4 and (bit != UNCERTAIN or words[index - 1] == ",")
        if word == ";" or (word == "." and stops.hard.get(index, 0) & bit):
            break
        if word == ",":
            since = 0
            items += 1
            continue
        since += 1
        if stops.hard.get(index, 0) & bit:
            if since == 1 and items > 1 and word in CONTRAST:
                items -= 1
                break
            return False
        if plain and since == 1 and items > 1 and word in _AMOUNTS:
            return items - 1 >= least
        if (
            stops.verb.get(index, 0) & bit
            or stops.segment.get(index, 0) & bit
            or stops.any.get(index, 0)
            or word in NOT_PLAIN
            or not word[0].isalpha()
            or since > 3
            or (bit == NEGATED and word.endswith(SURGICAL) and modifier.rule != "hist.none")
        ):
            plain = False
        if since > 5:
            return False
    return plain and items >= least


def around_given(words: list[str], begin: int, end: int) -> list[tuple[int, int]]:
    """The parts of what is absent without what follows *on*, which is there (*no bleeding on apixaban*)."""
    if "on" not in words[begin + 1 : end]:
        return [(begin, end)]
    parts = []
    first = begin
    index = begin + 1
    while index < end:
        if words[index] == "on" and not (words[index - 1] in _TAKEN or words[index - 1].endswith("ed")):
            parts.append((first, index))
            while index < end and words[index] != "," and words[index] not in OR:
                index += 1
            first = index
        index += 1
    if first < end:
        parts.append((first, end))
    return parts


def closed_by_or(words: list[str], begin: int, stop: int) -> bool:
    """Whether *or* closes the list that goes on at ``begin``."""
    return any(words[index] in ("or", "nor") for index in range(begin, min(stop, begin + _LIST_AHEAD)))
