"""The cues of a sentence and what ends their scopes; how far each reaches is told in ``reach``."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from itertools import compress
from typing import Final, NamedTuple

from suggester.pipeline.automaton import (
    ALL,
    FAMILY,
    HISTORICAL,
    HYPOTHETICAL,
    UNCERTAIN,
    CueBook,
    Ending,
    Modifier,
)
from suggester.pipeline.function_words import AFTER_ANSWER, AND, CONTRAST, NOT_ITEM, NOT_PLAIN
from suggester.pipeline.tokenizer import NEWLINES, TokenTable

_TURNS: Final = frozenset(("neg.excluded_after", "neg.negative_after"))
"""Rules whose cues look on where *for* follows: *was ruled out for*, *cultures negative for*."""

_RESULTS: Final = frozenset(("neg.negative", "neg.negative_after"))
"""Rules of results: what has been screened for is no longer only thought of (*screening negative for*)."""

_EXCLUDED: Final = "neg.excluded_after"
_PENDING: Final = frozenset(("until", "till", "unless"))
"""Words before *ruled out* with which nothing is ruled out yet (*precautions until TB ruled out*)."""

_STRICT: Final = "fam.answer"
"""The rule whose cues answer only before punctuation: *gout: father*, not *contacts: father with flu*."""

_PREDICATE: Final = "unc.predicate"
"""The rule of *is likely*: of what follows if anything does (*it is likely viral*), or of its subject."""

_FURTHER: Final = 2
"""By so many words a cue of family or doubt must end behind a pseudo cue that it begins in, to count all
the same: *cares for his wife, who has dementia*."""

_NO_ITEM: Final = frozenset(("hist.after_surgery",))
"""Rules whose cues do not make an item of a list one of its own (*risk of pain after vasectomy*)."""

OWN: Final = 32
"""Bit of cues that tell what is done to the patient, also within what is said of a relative."""

_OWN_RULES: Final = frozenset(("hist.resolved", "hist.status_post", "unc.concern"))

_AT_TIMES: Final = frozenset(("when", "while", "whenever", "after", "from", "without"))
"""Words before what would make a history current, which make it the occasion (*when using cocaine*)."""

_LED_ON: Final = frozenset(("after", "following", "since"))
"""Words that end what looks back and begin what may be a cue of its own (*resolved after her surgery*)."""

_NOUN_WORDS: Final = 4
_PUNCTUATION: Final = frozenset('.,;!?)]|•"-–—')


class Hit(NamedTuple):
    """A cue found at visible positions ``[begin, end)``."""

    begin: int
    end: int
    modifiers: tuple[Modifier, ...]


class Scope(NamedTuple):
    """Tokens ``[start, end)`` under one flag, and the tokens of the cue that set it."""

    start: int
    end: int
    bit: int
    cue_start: int
    cue_end: int
    rule: str


@dataclass(slots=True)
class Stops:
    """Masks by visible position: which flags end there, and how; ``any`` holds cues that look back too."""

    hard: dict[int, int]
    verb: dict[int, int]
    segment: dict[int, int]
    cue: dict[int, int]
    any: dict[int, int]
    cancel: list[int]
    past: list[int] | None = None

    def ends(self) -> list[int]:
        """Where scopes of the past end, worked out once."""
        if self.past is None:
            self.past = [at for at, mask in self.hard.items() if mask & HISTORICAL]
        return self.past


def find_hits(
    book: CueBook, words: list[str], begin: int, stop: int, closed: set[int], at: list[int]
) -> list[Hit]:
    """The cues between two visible positions, from the left, the longest first, none inside another.

    ``at`` names the positions there at which a cue may begin, ``closed`` those behind a gap. What a pseudo
    cue covers is hidden from the cues of its flags only.
    """
    hits = []
    hidden = 0
    hidden_to = after = begin
    for index in at:
        if index < after:
            continue
        found = book.longest(words, index, stop, first=index == begin)
        if found is None:
            continue
        end, modifiers = found
        if index < hidden_to:
            covered = hidden if end < hidden_to + _FURTHER else hidden & ~(FAMILY | UNCERTAIN)
        else:
            covered = hidden = 0
        if modifiers[0].direction == "pseudo":
            for modifier in modifiers:
                if modifier.direction == "pseudo":
                    hidden |= modifier.mask
            hidden_to = max(end, hidden_to)
            modifiers = tuple(modifier for modifier in modifiers if modifier.direction != "pseudo")
            if not modifiers:
                if hidden == ALL:
                    after = end
                continue
        if covered:
            modifiers = tuple(modifier for modifier in modifiers if not modifier.mask & covered)
            if not modifiers:
                continue
        if len(modifiers) > 1 or modifiers[0].direction in ("answer", "backward"):
            modifiers = _choose(modifiers, words, end, stop, closed)
            while not modifiers and end > index + 1:
                found = book.longest(words, index, end - 1, first=index == begin)
                if found is None or found[1][0].direction == "pseudo":
                    break
                end, modifiers = found
                modifiers = _choose(modifiers, words, end, stop, closed)
            if not modifiers:
                continue
            if (
                len(modifiers) > 1
                and index > begin
                and words[index - 1] == ","
                and _describes(words, end, stop)
            ):
                modifiers = _adjective(modifiers)
            if modifiers[0].rule == _EXCLUDED and not _PENDING.isdisjoint(
                words[max(begin, index - 5) : index]
            ):
                modifiers = tuple(replace(modifier, mask=UNCERTAIN) for modifier in modifiers)
        if modifiers[0].direction == "ahead":
            end = index + 1
        elif modifiers[0].direction == "backward" and end > index + 1 and words[end - 1] in _LED_ON:
            end -= 1
        hits.append(Hit(index, end, modifiers))
        after = end
    return hits


def _choose(
    modifiers: tuple[Modifier, ...], words: list[str], end: int, stop: int, closed: set[int]
) -> tuple[Modifier, ...]:
    """Which way a cue looks that may look both ways, from what follows it.

    Before punctuation or the end it looks back (*fever denied, cough*); before a word it looks on (*denied
    fever*). An answer counts only where punctuation, a preposition or the end follows.
    """
    ends = end >= stop or words[end] in _PUNCTUATION or end in closed
    turned = ends or _turns(words, end, stop)
    answers = ends or (turned and modifiers[0].rule != _STRICT)
    back = 0
    turning = True
    predicate = result = False
    for modifier in modifiers:
        direction, rule = modifier.direction, modifier.rule
        if direction == "backward" or (direction == "answer" and answers):
            back |= modifier.mask
        turning = turning and rule in _TURNS
        predicate = predicate or rule == _PREDICATE
        result = result or rule in _RESULTS
    if turning and end < stop and words[end] == "for":
        return tuple(replace(modifier, direction="forward") for modifier in modifiers)
    if predicate:
        predicate = not turned and words[end] not in AND and words[end] not in CONTRAST
    kept = []
    for modifier in modifiers:
        direction, mask = modifier.direction, modifier.mask
        if direction == "forward":
            if (turned and back & mask) or (result and mask == HYPOTHETICAL):
                continue
        elif (direction == "answer" and not answers) or (predicate and mask == UNCERTAIN):
            continue
        kept.append(modifier)
    return tuple(kept)


def _describes(words: list[str], end: int, stop: int) -> bool:
    """Whether a noun alone stands behind a word, which may describe it (*resolved anemia*, not *in May*)."""
    for at in range(end, min(stop, end + _NOUN_WORDS)):
        word = words[at]
        if word in _PUNCTUATION:
            return at > end
        if (
            word == "without"
            or word in AFTER_ANSWER
            or word in NOT_ITEM
            or word in NOT_PLAIN
            or word.endswith("ly")
        ):
            return False
    return end + _NOUN_WORDS >= stop > end


def _adjective(modifiers: tuple[Modifier, ...]) -> tuple[Modifier, ...]:
    """Behind a comma a word that looks both ways describes what follows it (*gout, resolved anemia*)."""
    forward = 0
    for modifier in modifiers:
        if modifier.direction == "forward":
            forward |= modifier.mask
    return tuple(m for m in modifiers if m.direction != "backward" or not m.mask & forward)


def _turns(words: list[str], index: int, stop: int) -> bool:
    """Whether a word behind a cue, or an adverb that ends the phrase, lets the cue look back."""
    word = words[index]
    if word in AFTER_ANSWER:
        return True
    after = index + 1
    return word.endswith("ally") and (
        after >= stop or words[after] in _PUNCTUATION or words[after] in AFTER_ANSWER or words[after] in AND
    )


def find_endings(
    book: CueBook, words: list[str], begin: int, stop: int, at: list[int]
) -> list[tuple[int, Ending]]:
    """What ends scopes between two visible positions, where it may begin ``at``; terminators may overlap."""
    hits: list[tuple[int, Ending]] = []
    after = begin
    for index in at:
        if index < after:
            continue
        found = book.endings(words, index, stop)
        if found is None:
            continue
        end, ending = found
        direction = ending.direction
        if direction == "pseudo":
            after = end
        elif direction != "cancel" or index == begin or words[index - 1] not in _AT_TIMES:
            hits.append((index, ending))
    return hits


def find_stops(setting: list[Hit], endings: list[tuple[int, Ending]]) -> Stops:
    """What ends scopes in a sentence."""
    stops = Stops({}, {}, {}, {}, {}, [])
    for begin, ending in endings:
        if ending.hard:
            stops.hard[begin] = ending.hard
        if ending.verb:
            stops.verb[begin] = ending.verb
        if ending.segment:
            stops.segment[begin] = ending.segment
        if ending.cancels:
            stops.cancel.append(begin)
    for hit in setting:
        forward = whole = 0
        for modifier in hit.modifiers:
            if modifier.rule not in _NO_ITEM:
                whole |= modifier.mask | OWN * (modifier.rule in _OWN_RULES)
            if modifier.direction in ("forward", "ahead"):
                forward |= modifier.mask
        stops.any[hit.begin] = whole
        if forward:
            stops.cue[hit.begin] = forward
    return stops


def find_gaps(table: TokenTable) -> set[int]:
    """The visible positions behind a run of blanks, and the position behind the last one."""
    text, visible = table.text, table.visible
    closed = {len(visible)}
    for index in compress(range(len(text)), table.is_space):
        if text[index] not in NEWLINES:
            position = bisect_left(visible, index)
            if position < len(visible) and visible[position] == index + 1:
                closed.add(position)
    return closed


def close_questions(table: TokenTable, visible: list[int], words: list[str], closed: set[int]) -> None:
    """A question mark written onto the word before it asks about that word (*malignancy? depression?*)."""
    for at in range(1, len(words) - 1):
        if words[at] == "?":
            before, mark, after = visible[at - 1], visible[at], visible[at + 1]
            if table.end[before] == table.start[mark] and table.end[mark] < table.start[after]:
                closed.add(at + 1)
