"""The cues of a sentence and what ends their scopes; how far each reaches is told in ``reach``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from suggester.pipeline.automaton import ALL, FAMILY, UNCERTAIN, CueBook, Modifier
from suggester.pipeline.cues import ENDING
from suggester.pipeline.function_words import AFTER_ANSWER, AND
from suggester.pipeline.tokenizer import TokenTable

_TURNS: Final = frozenset(("neg.excluded_after", "neg.negative_after"))
"""Rules whose cues look on where *for* follows: *was ruled out for*, *cultures negative for*."""

_STRICT: Final = "fam.answer"
"""The rule whose cues answer only before punctuation: *gout: father*, not *contacts: father with flu*."""

_PREDICATE: Final = "unc.predicate"
"""The rule of *is likely*: of what follows if anything does (*it is likely viral*), or of its subject."""

_FURTHER: Final = 2
"""By so many words a cue of family or doubt must end behind a pseudo cue that it begins in, to count all
the same: *cares for his wife, who has dementia*."""

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


def find_hits(
    book: CueBook, words: list[str], begin: int, stop: int, closed: list[bool], starts: bytearray, bit: int
) -> list[Hit]:
    """The cues between two visible positions, from the left, the longest first, none inside another.

    ``starts`` tells in which books, by ``bit``, a cue may begin at a word. What a pseudo cue covers is hidden
    from the cues of its flags only.
    """
    hits = []
    index = begin
    hidden = 0
    hidden_to = begin
    first = book.first_states()
    while index < stop:
        if starts[index] & bit:
            state = first.get(words[index])
            if (
                state is not None
                and not state.accept
                and begin < index < stop - 1
                and state.by_word.get(words[index + 1], state) is None
            ):
                index += 1
                continue
            found = book.longest(words, index, stop, first=index == begin)
            if found is not None:
                end, modifiers = found
                if modifiers[0].direction == "pseudo":
                    hidden = modifiers[0].mask | (hidden if hidden_to > index else 0)
                    hidden_to = max(end, hidden_to)
                    index = end if hidden == ALL else index + 1
                    continue
                if index < hidden_to:
                    covered = hidden if end < hidden_to + _FURTHER else hidden & ~(FAMILY | UNCERTAIN)
                    modifiers = tuple(modifier for modifier in modifiers if not modifier.mask & covered)
                    if not modifiers:
                        index += 1
                        continue
                if len(modifiers) > 1 or modifiers[0].direction in ("answer", "backward"):
                    modifiers = _choose(modifiers, words, end, stop, closed)
                    while not modifiers and end > index + 1:
                        found = book.longest(words, index, end - 1, first=index == begin)
                        if found is None or found[1][0].direction == "pseudo":
                            break
                        end, modifiers = found
                        modifiers = _choose(modifiers, words, end, stop, closed)
                if modifiers:
                    if modifiers[0].direction == "ahead":
                        end = index + 1
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
    turned = ends or _turns(words, end, stop)
    answers = ends or (turned and modifiers[0].rule != _STRICT)
    back = 0
    for modifier in modifiers:
        if modifier.direction == "backward" or (modifier.direction == "answer" and answers):
            back |= modifier.mask
    if end < stop and words[end] == "for" and all(modifier.rule in _TURNS for modifier in modifiers):
        return tuple(replace(modifier, direction="forward") for modifier in modifiers)
    predicate = not turned and any(modifier.rule == _PREDICATE for modifier in modifiers)
    return tuple(
        modifier
        for modifier in modifiers
        if (modifier.direction != "answer" or answers)
        and not (predicate and modifier.mask == UNCERTAIN and modifier.direction != "forward")
        and not (modifier.direction == "forward" and turned and back & modifier.mask)
    )


def _turns(words: list[str], index: int, stop: int) -> bool:
    """Whether a word behind a cue, or an adverb that ends the phrase, lets the cue look back."""
    word = words[index]
    if word in AFTER_ANSWER:
        return True
    after = index + 1
    return word.endswith("ally") and (
        after >= stop or words[after] in _PUNCTUATION or words[after] in AFTER_ANSWER or words[after] in AND
    )


def find_endings(book: CueBook, words: list[str], begin: int, stop: int, starts: bytearray) -> list[Hit]:
    """What ends scopes between two visible positions; terminators may overlap."""
    hits = []
    after = begin
    first = book.first_states()
    for index in [index for index in range(begin, stop) if starts[index] & ENDING]:
        if index < after:
            continue
        state = first.get(words[index])
        if (
            state is None
            or state.accept
            or index + 1 >= stop
            or state.by_word.get(words[index + 1], state) is not None
        ):
            found = book.endings(words, index, stop)
            if found is not None:
                end, modifiers = found
                if modifiers[0].direction == "pseudo":
                    after = end
                    continue
                hits.append(Hit(index, end, modifiers))
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
            if modifier.direction in ("forward", "ahead"):
                stops.cue[hit.begin] = stops.cue.get(hit.begin, 0) | modifier.mask
    return stops


def close_questions(table: TokenTable, visible: list[int], words: list[str], closed: list[bool]) -> None:
    """A question mark written onto the word before it asks about that word (*malignancy? depression?*)."""
    for at in range(1, len(words) - 1):
        if words[at] == "?":
            before, mark, after = visible[at - 1], visible[at], visible[at + 1]
            if table.end[before] == table.start[mark] and table.end[mark] < table.start[after]:
                closed[at + 1] = True
