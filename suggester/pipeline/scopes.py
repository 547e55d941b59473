"""How far a cue reaches: from the cues of one sentence to the token ranges they flag.

Every cue looks only at its own sentence, stops at the next cue of its flag, and never looks further than a
fixed number of words, so that the work is linear in the length of the note whatever it holds.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Final

from suggester.pipeline.automaton import HISTORICAL, HYPOTHETICAL, NEGATED, UNCERTAIN, CueBook, Modifier
from suggester.pipeline.cues import Node
from suggester.pipeline.function_words import AFTER_ANSWER, AND, LEAD_IN, LINKING, NOT_PLAIN, OR, SINGULAR

_TURNS: Final = frozenset(("neg.excluded_after", "neg.negative_after"))
"""Rules whose cues look on where *for* follows: *was ruled out for*, *cultures negative for*."""

_NOT_OVER_FOR: Final = HISTORICAL | HYPOTHETICAL
"""Flags that do not reach back over *for*: *aspirin for DVT prophylaxis*, *seen for a fall in 2019*."""

_BACK_OVER: Final = frozenset(("with", "since"))
"""Terminators that a cue may look back over: *falls since the last visit: none*."""

_LIST_AHEAD: Final = 24
_PUNCTUATION: Final = frozenset('.,;!?)]|•"-–—')


@dataclass(frozen=True, slots=True)
class Hit:
    """A cue found at visible positions ``[begin, end)``."""

    begin: int
    end: int
    modifiers: tuple[Modifier, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """Tokens ``[start, end)`` under one flag, and the tokens of the cue that set it."""

    start: int
    end: int
    bit: int
    cue_start: int
    cue_end: int
    rule: str


@dataclass(slots=True)
class Stops:
    """Masks by visible position: which flags end there, and how."""

    hard: dict[int, int]
    verb: dict[int, int]
    segment: dict[int, int]
    cue: dict[int, int]
    cancel: list[int]


def find_hits(book: CueBook, words: list[str], begin: int, stop: int, closed: list[bool]) -> list[Hit]:
    """The cues between two visible positions, from the left, the longest first, none inside another."""
    hits = []
    may_begin = book.may_begin
    index = begin
    while index < stop:
        if may_begin(words[index]):
            found = book.longest(words, index, stop, first=index == begin)
            if found is not None:
                end, modifiers = found
                if len(modifiers) > 1 or modifiers[0].direction in ("answer", "backward"):
                    modifiers = _choose(modifiers, words, end, stop, closed)
                if modifiers:
                    if modifiers[0].direction == "ahead":
                        end = index + 1
                    if modifiers[0].direction != "pseudo":
                        hits.append(Hit(index, end, modifiers))
                    index = end
                    continue
        index += 1
    return hits


def _choose(
    modifiers: tuple[Modifier, ...], words: list[str], end: int, stop: int, closed: list[bool]
) -> tuple[Modifier, ...]:
    """Which way a cue looks that may look both ways, from what follows it.

    Before punctuation or the end it looks back (*fever denied, cough*); before a word it looks on (*denied
    fever*). An answer counts only where punctuation, a preposition or the end follows.
    """
    ends = end >= stop or words[end] in _PUNCTUATION or closed[end]
    answers = ends or words[end] in AFTER_ANSWER
    back = 0
    for modifier in modifiers:
        if modifier.direction == "backward" or (modifier.direction == "answer" and answers):
            back |= modifier.mask
    if end < stop and words[end] == "for" and all(modifier.rule in _TURNS for modifier in modifiers):
        return tuple(replace(modifier, direction="forward") for modifier in modifiers)
    turned = ends or (end < stop and words[end] in AFTER_ANSWER)
    return tuple(
        modifier
        for modifier in modifiers
        if (modifier.direction != "answer" or answers)
        and not (modifier.direction == "forward" and turned and back & modifier.mask)
    )


def find_endings(book: CueBook, words: list[str], begin: int, stop: int) -> list[Hit]:
    """What ends scopes between two visible positions; terminators may overlap."""
    hits = []
    may_begin = book.may_begin
    index = begin
    while index < stop:
        if may_begin(words[index]):
            found = book.endings(words, index, stop)
            if found is not None:
                end, modifiers = found
                if modifiers[0].direction == "pseudo":
                    index = end
                    continue
                hits.append(Hit(index, end, modifiers))
        index += 1
    return hits


def find_stops(setting: list[Hit], ending: list[Hit]) -> Stops:
    """What ends scopes in a sentence."""
    stops = Stops({}, {}, {}, {}, [])
    for hit in ending:
        for modifier in hit.modifiers:
            if modifier.direction == "cancel":
                stops.cancel.append(hit.begin)
                continue
            where = {"hard": stops.hard, "verb": stops.verb, "segment": stops.segment}[modifier.reach]
            where[hit.begin] = where.get(hit.begin, 0) | modifier.mask
    for hit in setting:
        for modifier in hit.modifiers:
            if modifier.direction in ("forward", "both", "ahead"):
                stops.cue[hit.begin] = stops.cue.get(hit.begin, 0) | modifier.mask
    return stops


def reach_forward(
    words: list[str], is_word: list[bool], begin: int, stop: int, modifier: Modifier, stops: Stops
) -> tuple[int, int, bool]:
    """Range of a forward cue that ends at ``begin``; whether it runs to the end of the sentence."""
    bit = modifier.mask
    index = begin
    while index < stop and words[index] in LEAD_IN and not stops.cue.get(index, 0) & bit:
        index += 1
    first = index
    hard, verb, segment, cue = stops.hard, stops.verb, stops.segment, stops.cue
    phrase = modifier.reach == "phrase"
    boundary = -1
    count = depth = 0
    while index < stop:
        if hard.get(index, 0) & bit or (cue.get(index, 0) & bit and index > first):
            return first, index, False
        word = words[index]
        if word == ",":
            if phrase and not _list_goes_on(words, is_word, index + 1, stop, stops, bit):
                return first, index, False
            boundary = index
        elif word in AND:
            boundary = index
        elif word == "for" and modifier.rule == "hyp.ordered":
            return first, index, False
        elif word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
            if depth < 0:
                return first, index, False
        elif word == ":" and index > first:
            return first, index, index == stop - 1
        elif index > first or boundary >= 0:
            if verb.get(index, 0) & bit:
                if boundary > first and words[boundary + 1] not in OR:
                    return first, boundary, False
                return first, index, False
            new = segment.get(index, 0) & bit or cue.get(index, 0)
            if new and index == boundary + 1 and not _closed_by_or(words, index, stop):
                return first, boundary, False
        count += is_word[index]
        if count > modifier.max_words:
            return first, index, False
        index += 1
    return first, stop, True


def _list_goes_on(
    words: list[str], is_word: list[bool], begin: int, stop: int, stops: Stops, bit: int
) -> bool:
    """Whether a comma stands inside a list: one that *or* closes further on, or for absence a plain one.

    A plain list holds nothing but items of at most three words: no figure, verb, preposition or other cue.
    """
    since = 0
    plain = bit == NEGATED
    for index in range(begin, min(stop, begin + _LIST_AHEAD)):
        word = words[index]
        if word in OR and word != "/":
            return True
        if word in AND:
            return since < 4 and (bit != UNCERTAIN or words[index - 1] == ",")
        if word in (";", "."):
            return plain
        if word == ",":
            since = 0
            continue
        since += 1
        if stops.hard.get(index, 0) & bit:
            return False
        if (
            stops.verb.get(index, 0) & bit
            or stops.segment.get(index, 0) & bit
            or stops.cue.get(index, 0)
            or word in NOT_PLAIN
            or not word[0].isalpha()
            or since > 3
        ):
            plain = False
        if since > 5:
            return False
    return plain


def _closed_by_or(words: list[str], begin: int, stop: int) -> bool:
    """Whether *or* closes the list that goes on at ``begin``."""
    return any(words[index] in ("or", "nor") for index in range(begin, min(stop, begin + _LIST_AHEAD)))


def reach_backward(
    words: list[str], is_word: list[bool], end: int, start: int, modifier: Modifier, stops: Stops
) -> tuple[int, int]:
    """Range of a backward cue that begins at ``end``, in a sentence that begins at ``start``."""
    bit = modifier.mask
    index = end - 1
    single = words[end] in SINGULAR
    while index >= start and (words[index] in LINKING):
        single = single or words[index] in SINGULAR
        index -= 1
    last = index
    phrase = modifier.reach == "phrase"
    joined = False
    count = 0
    hard, verb, cue = stops.hard, stops.verb, stops.cue
    while index >= start:
        word = words[index]
        if (
            (hard.get(index, 0) & bit and word != "with")
            or word in (";", "|")
            or (word == "for" and bit & _NOT_OVER_FOR)
        ):
            break
        if word == ":":
            break
        if word in AND or word in OR:
            joined = not single
        elif word == "," and phrase:
            if not joined:
                break
        elif (verb.get(index, 0) & bit and index < last) or (
            cue.get(index, 0) & (bit | NEGATED) and index < last
        ):
            break
        count += is_word[index]
        if count > modifier.max_words:
            break
        index -= 1
    return index + 1, last + 1


def drop_chronic(
    words: list[str], begin: int, end: int, chronic: Node, dates: list[int]
) -> list[tuple[int, int]]:
    """The parts of a history that are past: items that name a lasting condition and no date are taken out."""
    parts: list[tuple[int, int]] = []
    first = begin
    for index in range(begin, end + 1):
        if index == end or words[index] in (",", "and", "or", "/", "&"):
            if index > first:
                after = bisect_right(dates, first)
                dated = after < len(dates) and dates[after] <= index + 1
                if dated or not _names_chronic(words, first, index, chronic):
                    parts.append((first, index))
            first = index + 1
    return parts


def _names_chronic(words: list[str], begin: int, end: int, chronic: Node) -> bool:
    for index in range(begin, min(end, begin + 12)):
        node = chronic
        at = index
        while at < end and words[at] in node:
            node = node[words[at]]
            at += 1
            if "" in node:
                return True
    return False


__all__ = [
    "HISTORICAL",
    "UNCERTAIN",
    "Hit",
    "Scope",
    "Stops",
    "drop_chronic",
    "find_endings",
    "find_hits",
    "find_stops",
    "reach_backward",
    "reach_forward",
]
