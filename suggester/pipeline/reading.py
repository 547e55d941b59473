"""What the pipeline read from a note, in the form that ranking works on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from spacy.tokens import Doc

from suggester.pipeline.assertion import AssertionTable, assertion_table
from suggester.pipeline.attributes import attribute_table
from suggester.pipeline.attributes_table import AttributeTable
from suggester.pipeline.matching import Matches
from suggester.pipeline.mentions import MATCHES_KEY, WORDS_KEY
from suggester.pipeline.numbering import ByWord
from suggester.pipeline.sections import SectionTable, section_table
from suggester.pipeline.sentences import sentence_index
from suggester.pipeline.tokenizer import TokenTable, token_table
from suggester.pipeline.wordids import WordIds
from suggester.types import Assertion, Attribute, Cue, Span

NEGATED, UNCERTAIN, HISTORICAL, HYPOTHETICAL, FAMILY = 1, 2, 4, 8, 16
"""Bits of an assertion mask."""

_BITS_OF_ALL_WORDS: Final = {"negated": NEGATED, "uncertain": UNCERTAIN, "family": FAMILY}
_OF_ALL_WORDS: Final = NEGATED | UNCERTAIN | FAMILY
"""Flags that a finding has as soon as one of its ends has them."""


def bits_of(assertion: Assertion) -> int:
    """An assertion as a mask of ``NEGATED`` and its like."""
    return (
        NEGATED * assertion.negated
        | UNCERTAIN * assertion.uncertain
        | HISTORICAL * assertion.historical
        | HYPOTHETICAL * assertion.hypothetical
        | FAMILY * assertion.family
    )


AFFIRMED = Assertion()

_LETTERS = {
    **dict.fromkeys(("R", "Rt", "RT", "OD", "RLE", "RUE"), 1),
    **dict.fromkeys(("L", "Lt", "LT", "OS", "LLE", "LUE"), 2),
    **dict.fromkeys(("OU", "BLE", "BUE"), 3),
}
"""Sides that are one or two letters."""
_SMALL_LETTERS = frozenset(letters.lower() for letters in _LETTERS)
_GRADED = frozenset(("stage", "grade", "gr", "class", "type"))
"""Words that a number behind grades, so that a letter behind it is no unit (*stage 2 L buttock*)."""
_TOP = 14
"""Tokens at the top of a report, which say what was examined or operated."""
_REPORTS = frozenset(
    (
        *("exam", "examination", "mri", "ct", "xr", "radiograph", "radiographs", "ultrasound", "us", "study"),
        *("procedure", "preoperative", "postoperative", "operation", "preop", "arthrogram", "technique"),
    )
)
"""Words at the top of such a report."""
_NOT_BESIDE = frozenset(("/", ".", "&", "'"))


@dataclass(slots=True)
class Reading:
    """One note, read.

    Attributes
    ----------
    table
        Tokens as plain lists.
    sections, section_kind
        Sections, and the section kind of each token (``header`` before the first title).
    sentence
        Sentence index of each token.
    words, matches
        Word ids and matched terms.
    assertion
        Assertion flags and cues.
    attributes
        Attribute words and which mention each belongs to.
    heading
        For each sentence under a problem heading: that heading's sentence and first token.
    heading_tokens
        Tokens that belong to problem headings.
    line_starts
        The first word of each line.
    have
        The distinct folded tokens.
    values_from
        First match that stands for a measured value, None before ranking has added them.
    """

    table: TokenTable
    sections: SectionTable
    section_kind: list[str]
    sentence: list[int]
    words: WordIds
    matches: Matches
    assertion: AssertionTable
    attributes: AttributeTable
    heading: dict[int, tuple[int, int]]
    heading_tokens: frozenset[int]
    line_starts: frozenset[int]
    have: frozenset[str]
    values_from: int | None = None
    _context: dict[int, frozenset[int]] = field(default_factory=dict)
    _sides: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    _sided: tuple[dict[int, int], dict[int, int], int] | None = None
    _asserted: dict[tuple[int, int, int, int], Assertion] = field(default_factory=dict)

    def __post_init__(self) -> None:
        places, sentence = self.words.place_token, self.sentence
        for place, side in self.words.sides:
            self._sides.setdefault(sentence[places[place]], []).append((place, side))
        for token, side in () if self.have.isdisjoint(_SMALL_LETTERS) else _lettered(self.table):
            self._sides.setdefault(sentence[token], []).append((bisect_left(places, token), side))
        for said in self._sides.values():
            said.sort()

    @classmethod
    def of(cls, doc: Doc) -> Reading:
        """The reading that the pipeline left on a doc."""
        return cls.joined(
            table=token_table(doc),
            sections=section_table(doc),
            sentence=sentence_index(doc),
            words=doc.user_data[WORDS_KEY],
            matches=doc.user_data[MATCHES_KEY],
            assertion=assertion_table(doc),
            attributes=attribute_table(doc),
        )

    @classmethod
    def joined(
        cls,
        *,
        table: TokenTable,
        sections: SectionTable,
        sentence: list[int],
        words: WordIds,
        matches: Matches,
        assertion: AssertionTable,
        attributes: AttributeTable,
    ) -> Reading:
        """The reading of all that was found in a note."""
        heading: dict[int, tuple[int, int]] = {}
        for block in sections.problems:
            title = sentence[block.heading[0]]
            if block.body[0] >= block.body[1]:
                continue
            for number in range(sentence[block.body[0]], sentence[block.body[1] - 1] + 1):
                if number != title:
                    heading[number] = (title, block.heading[0])
        is_word, lower = table.is_word, table.lower
        starts = []
        for begin, stop in table.lines:
            for token in range(begin, stop):
                if is_word[token] and not lower[token].isdigit():
                    starts.append(token)
                    break
        return cls(
            table=table,
            sections=sections,
            section_kind=sections.token_kinds(),
            sentence=sentence,
            words=words,
            matches=matches,
            assertion=assertion,
            attributes=attributes,
            heading=heading,
            heading_tokens=frozenset(t for b in sections.problems for t in range(b.heading[0], b.heading[1])),
            line_starts=frozenset(starts),
            have=frozenset(lower),
        )

    @property
    def bounds(self) -> list[tuple[int, int]]:
        """First token of each sentence, and the one behind its last."""
        return self.attributes.sentences.bounds

    def places(self, words: Collection[str]) -> list[int]:
        """Tokens that are one of some words (in folded form), in order."""
        if isinstance(words, frozenset | dict):
            table = self.table
            return _sought(words).of(table.numbering, table.numbers).nonzero()[0].tolist()
        wanted = self.have.intersection(words)
        return [at for at, word in enumerate(self.table.lower) if word in wanted] if wanted else []

    def flags(self, first: int, final: int, anchor: int, *, own: int = 0) -> int:
        """Assertion bits of a match: its anchor's, without cues that are words of the match itself.

        A match is negated, uncertain or a relative's where its first or last word is, too: all words of a
        finding must be there, and *anemia, probably iron deficiency* is no certain iron deficiency anemia
        (ICD-10-CM Guidelines IV.H). A cue of these among its words counts, unless the flag is among those
        that the term has by its ``own`` words (*no appetite*, *suspected exposure*, *death of mother*): with
        *family hx colon cancer* the *history of colon cancer* is a relative's. A doubt that is its first or
        last word is its own as well (*CF* for *concern for*).
        """
        return bits_of(self.assertion_of(first, final, anchor, own=own))

    def assertion_of(self, first: int, final: int, anchor: int, *, own: int = 0) -> Assertion:
        """The assertion that ``flags`` are the bits of."""
        marks = self.assertion.flags
        if not marks[anchor] | ((marks[first] | marks[final]) & _OF_ALL_WORDS):
            return AFFIRMED
        key = first, final, anchor, own
        found = self._asserted.get(key)
        if found is None:
            found = self._asserted[key] = self._assertion_of(first, final, anchor, own)
        return found

    def _assertion_of(self, first: int, final: int, anchor: int, own: int) -> Assertion:
        marks = self.assertion.flags
        found = self.assertion_at(anchor, anchor)
        if first == final:
            return found
        wanted = _OF_ALL_WORDS & ~(own | bits_of(found))
        for token in (first, final):
            for name, bit in _BITS_OF_ALL_WORDS.items():
                if marks[token] & wanted & bit:
                    wanted &= ~bit
                    other = self.assertion_at(token, token)
                    cues = tuple(cue for cue in other.cues if cue.flag == name)
                    found = replace(found, **{name: True}, cues=(*found.cues, *cues))
        return self.outside(found, first, final, own=own)

    def assertion_at(self, first: int, final: int) -> Assertion:
        """Flags and cues over the tokens from ``first`` to ``final``, both included."""
        return self.assertion.at(first, final + 1)

    def attributes_at(self, first_token: int, final_token: int) -> tuple[Attribute, ...]:
        """Attributes of a mention in the tokens from ``first_token`` to ``final_token``, both included."""
        return self.attributes.at(first_token, final_token)

    def placing_at(self, first: int, final: int) -> Mapping[str, str]:
        """Values of side, phase and openness among them, by name."""
        return self.attributes.placing(first, final)

    def outside(self, assertion: Assertion, first: int, final: int, *, own: int = 0) -> Assertion:
        """An assertion without the cues that are words of the match itself (*history of*, *absence*)."""
        start, end = self.table.start[first], self.table.end[final]

        def counts(cue: Cue) -> bool:
            if cue.span.start < start or cue.span.end > end:
                return True
            if not _BITS_OF_ALL_WORDS.get(cue.flag, 0) & ~own:
                return False
            return cue.flag != "uncertain" or (start < cue.span.start and cue.span.end < end)

        cues = tuple([cue for cue in assertion.cues if counts(cue)])
        if len(cues) == len(assertion.cues):
            return assertion
        have = {cue.flag for cue in cues}
        return Assertion(
            negated="negated" in have,
            uncertain="uncertain" in have,
            historical="historical" in have,
            hypothetical="hypothetical" in have,
            family="family" in have,
            cues=cues,
        )

    def span(self, first: int, final: int) -> Span:
        """Character span of the tokens from ``first`` to ``final``, both included."""
        return Span(start=self.table.start[first], end=self.table.end[final])

    def token_at(self, offset: int) -> int:
        """Index of the token that holds a character offset."""
        return max(0, bisect_right(self.table.start, offset) - 1)

    def context(self, sentence: int) -> frozenset[int]:
        """Ids of the words of a sentence and of the problem heading it stands under."""
        found = self._context.get(sentence)
        if found is None:
            found = (
                self.words.by_sentence[sentence] if sentence < len(self.words.by_sentence) else frozenset()
            )
            above = self.heading.get(sentence)
            if above is not None and above[0] < len(self.words.by_sentence):
                found = found | self.words.by_sentence[above[0]]
            self._context[sentence] = found
        return found

    def side(self, anchor: int, sentence: int) -> int:
        """Laterality of the words at a token: the nearest side word of its sentence, else of its heading.

        Returns 0 unknown, 1 right, 2 left, 3 bilateral.
        """
        here = self._nearest_side(anchor, sentence)
        if here:
            return here
        above = self.heading.get(sentence)
        return self._nearest_side(above[1], above[0]) if above is not None else 0

    def side_elsewhere(self, words: Collection[int]) -> int:
        """The one side that the note gives to a thing named in some words (*MRI of the left knee*), else 0.

        Sides of ``words`` (ids, of a code's title for one) are those said directly before them anywhere, or
        else directly behind (*KNEE, LEFT*); failing that the one side that a note speaks of at all.
        """
        if self._sided is None:
            said = [side for pairs in self._sides.values() for _, side in pairs]
            only = said[0] if len(said) > 1 and len(set(said)) == 1 else self._side_of_top()
            self._sided = *self._side_of_words(), only
        behind, before, only = self._sided
        for table in (behind, before):
            if not table.keys().isdisjoint(words):
                sides = {table[word] for word in words if word in table}
                return sides.pop() if len(sides) == 1 and sides < {1, 2, 3} else self._side_of_top()
        return only

    def _side_of_top(self) -> int:
        """The one side that the top of a report of an examination or an operation says, else 0."""
        tokens = self.words.place_token
        if _REPORTS.isdisjoint(self.table.lower[:_TOP]):
            return 0
        said = {
            side for pairs in self._sides.values() for place, side in pairs if _token_of(tokens, place) < _TOP
        }
        return said.pop() if len(said) == 1 else 0

    def sides_in(self, sentence: int) -> Sequence[tuple[int, int]]:
        """Words of side in a sentence: place and side of each, in order of the note."""
        return self._sides.get(sentence, ())

    def words_between(self, begin: int, end: int) -> frozenset[int]:
        """Ids of the words, as written, at the places from ``begin`` up to ``end``."""
        words = self.words
        chosen = (words.place >= begin) & (words.place < end) & words.own
        return frozenset(words.ids[chosen].tolist())

    def place_at(self, token: int) -> int:
        """Place of the first word at or behind a token."""
        return bisect_left(self.words.place_token, token)

    def _side_of_words(self) -> tuple[dict[int, int], dict[int, int]]:
        """For each id behind, or before, a word of side: 1 right, 2 left, 3 both, 4 it differs."""
        sides = [pair for pairs in self._sides.values() for pair in pairs]
        behind = {place + 2: side for place, side in sides} | {place + 1: side for place, side in sides}
        before = {place - 1: side for place, side in sides}
        tables: tuple[dict[int, int], dict[int, int]] = {}, {}
        if sides:
            words, count = self.words, len(self.words.place_token)
            for spots, said in zip((behind, before), tables, strict=True):
                marks = np.zeros(count, dtype=np.int8)
                for place, side in spots.items():
                    if 0 <= place < count:
                        marks[place] = side
                marked = marks[words.place] * words.own
                here = marked.nonzero()[0]
                for word, side in zip(words.ids[here].tolist(), marked[here].tolist(), strict=True):
                    said[word] = side if said.get(word, side) == side else 4
        return tables

    def _nearest_side(self, token: int, sentence: int) -> int:
        places = self.words.place_token
        at = bisect_left(places, token)
        best = (1 << 30, 0)
        for place, side in self._sides.get(sentence, ()):
            gap = at - place if place <= at else (place - at) * 2
            best = min(best, (gap, side))
        return best[1]


_SOUGHT: Final[dict[int, tuple[Collection[str], ByWord]]] = {}
_MOST_SOUGHT: Final = 200
"""So many collections of words are known by which of them a note's words are."""


def _sought(words: Collection[str]) -> ByWord:
    """Whether a word is among some: of collections of a vocabulary, which are looked for in every note."""
    known = _SOUGHT.get(id(words))  # kept with the collection itself, so that no other has its id
    if known is None:
        if len(_SOUGHT) >= _MOST_SOUGHT:
            _SOUGHT.clear()
        known = _SOUGHT[id(words)] = words, ByWord(words.__contains__, np.int8)
    return known[1]


def _token_of(tokens: Sequence[int], place: int) -> int:
    """The token at a place; past the last one, the number of places."""
    return tokens[place] if place < len(tokens) else len(tokens)


def _lettered(table: TokenTable) -> list[tuple[int, int]]:
    """Tokens that say a side by a letter (*R knee*, not *2 L* of oxygen or *R/O*), and the side."""
    text = table.text
    out = []
    for token, word in enumerate(text):
        side = _LETTERS.get(word)
        if side is None:
            continue
        after = text[token + 1] if token + 1 < len(text) else ""
        before = text[token - 1] if token else ""
        amount = before[-1:].isdigit() and token > 1 and text[token - 2].strip() != ""
        amount = amount and text[token - 2].lower() not in _GRADED
        if not (amount or before in _NOT_BESIDE or after in _NOT_BESIDE or after[:1].isdigit()):
            out.append((token, side))
    return out
