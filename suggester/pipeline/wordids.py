"""From the tokens of a note to ids of the term index: stems, word forms, synonyms, abbreviations,
corrections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.spelling import Speller
from suggester.codesets.terms import SIDES, Sense, TermIndex
from suggester.codesets.words import LETTER_A, NAMED_BY_LETTER, fold, is_letter_name, stem
from suggester.pipeline.numbering import ByWord
from suggester.pipeline.tokenizer import TokenTable
from suggester.types import quick

_MEMO_LIMIT = 200_000
_NEAR_WINDOW = 5

_ID_BITS: Final = 24
_ID: Final = (1 << _ID_BITS) - 1
_STOP, _UNKNOWN, _FIRST_ID = 0, 1, 2
_CORRECTED: Final = 1 << _ID_BITS
_MAY_BE_CAPITAL: Final = 2 << _ID_BITS
_SIDE: Final = _ID_BITS + 2
_BY_LETTER: Final = 16 << _ID_BITS
"""A word as one number: in the low bits ``_STOP``, ``_UNKNOWN`` or ``_FIRST_ID`` + its id; above them whether
it was corrected, whether it is an abbreviation where it is written in capitals, its side, and whether it is
*a* or a word that a letter may follow as a name."""

_CORRECTED_MARK: Final = _CORRECTED >> _ID_BITS
_SIDE_MARK: Final = _SIDE - _ID_BITS
_MARKED: Final = _CORRECTED_MARK | 3 << _SIDE_MARK

_PLACE_BITS: Final = 20
"""Notes of fewer words than 2 to this power are sorted by one number a word."""

_Rows = tuple[tuple[Sense, tuple[int, ...], bool, tuple[int, ...], tuple[bool, ...]], ...]
"""Senses of a word: the words of one of several, whether it holds under conditions only, all ids that it
adds, and which of them are those that it stands for."""


@quick
@dataclass(frozen=True, slots=True)
class WordIds:
    """Every id that stands at some place of the note, sorted by id, then place.

    ``place`` counts content words (stop words left out), so that *pain in the knee* has no gap. An id
    added by
    an expansion stands at the place of the words it was expanded from; ``last`` is where those words end.

    Attributes
    ----------
    ids, place, last, sentence
        int32 arrays of one length.
    place_token
        Token index of each place.
    own
        Whether the id is the word's own (or of an abbreviation it stands for), not a synonym's.
    by_sentence
        For each sentence the set of own ids in it.
    sides
        Places of words of laterality: ``(place, side)`` in order.
    corrected
        Ids that came from a spelling correction.
    """

    ids: NDArray[np.int32]
    place: NDArray[np.int32]
    last: NDArray[np.int32]
    sentence: NDArray[np.int32]
    own: NDArray[np.bool_]
    place_token: tuple[int, ...]
    by_sentence: tuple[frozenset[int], ...]
    sides: tuple[tuple[int, int], ...]
    corrected: frozenset[int]


class WordReader:
    """Looks up words, with a memo that lives as long as the reader.

    Parameters
    ----------
    terms
        The term index.
    """

    def __init__(self, terms: TermIndex) -> None:
        self._terms = terms
        self._speller = Speller(terms)
        self._known = ByWord(self._look_up)
        self._single: dict[int, tuple[int, ...]] = {}
        self._several: dict[int, list[tuple[tuple[int, ...], tuple[int, ...]]]] = {}
        for first, rows in terms.patterns.items():
            for pattern, added in rows:
                if len(pattern) == 1:
                    self._single[first] = self._single.get(first, ()) + added
                else:
                    pair = pattern[0] << _ID_BITS | pattern[1]
                    self._several.setdefault(pair, []).append((pattern, added))
        self._first_of = _members([pair >> _ID_BITS for pair in self._several], len(terms.idf))
        self._second_of = _members([pair & _ID for pair in self._several], len(terms.idf))
        self._has_single = _members(self._single, len(terms.idf))
        self._has_sense = _members(terms.senses, len(terms.idf))
        self._senses: dict[tuple[int, str], _Rows] = {}
        self._stop = terms.stop_words
        self._capital = {
            sense.exact: key[0]
            for rows in terms.senses.values()
            for key, sense in rows
            if sense.exact is not None and len(key) == 1 and sense.exact.isupper()
        }
        self._small = frozenset(map(fold, self._capital))
        self._letter = terms.vocabulary.get(LETTER_A, _STOP - _FIRST_ID)

    def _look_up(self, word: str) -> int:
        """What a word is, in one number: its own id with marks above it (``_CORRECTED``, ``_SIDE`` …)."""
        base = stem(word)
        marks = SIDES.get(word, 0) << _SIDE
        if base == "a" or base in NAMED_BY_LETTER:
            marks |= _BY_LETTER
        if base in self._stop and base not in SIDES:
            return _STOP | marks | (_MAY_BE_CAPITAL if word in self._small else 0)
        own = self._terms.vocabulary.get(base)
        if own is not None:
            return own + _FIRST_ID | marks
        own = self._speller.correct(base)
        return (_UNKNOWN if own is None else own + _FIRST_ID | _CORRECTED) | marks

    def read(
        self,
        table: TokenTable,
        is_word: Sequence[bool],
        sentence_of: Sequence[int],
        section_of: Sequence[str],
    ) -> WordIds:
        """Ids of one note.

        Parameters
        ----------
        table
            The tokens of the note.
        is_word
            Which of them count as words.
        sentence_of, section_of
            Sentence index and section kind of each token.
        """
        tokens = np.frombuffer(bytes(is_word), dtype=np.bool_).nonzero()[0]
        codes = self._known.of(table.numbering, table.numbers.take(tokens))
        text = table.text
        own, marks = (codes & _ID) - _FIRST_ID, codes >> _ID_BITS
        for at in (codes & _MAY_BE_CAPITAL).nonzero()[0].tolist():
            # "AS" is an abbreviation where "as" is nothing
            own[at] = self._capital.get(text[tokens[at]], own[at])
        for at in (codes[:-1] & codes[1:] & _BY_LETTER).nonzero()[0].tolist():
            if self._is_letter(text, tokens[at : at + 3].tolist()):
                own[at + 1] = self._letter
        content = (own != _STOP - _FIRST_ID).nonzero()[0]
        own, marks, tokens = own[content], marks[content], tokens[content]
        sides: list[tuple[int, int]] = []
        corrected: set[int] = set()
        for at in (marks & _MARKED).nonzero()[0].tolist():
            mark = int(marks[at])
            side = mark >> _SIDE_MARK & 3
            if side:
                sides.append((at, side))
            if mark & _CORRECTED_MARK:
                corrected.add(int(own[at]))
        note = _Note(own, tokens.tolist(), sentence_of)
        covered = self._add_patterns(note)
        for at in self._has_single.take(own).nonzero()[0].tolist():
            if at not in covered:  # "former smoker" must not also read as "smoker"
                added = self._single[note.primary[at]]
                note.add(added, (False,) * len(added), at, at)
        self._add_senses(note, section_of, text)
        return note.sorted(tuple(sides), frozenset(corrected))

    @staticmethod
    def _is_letter(text: Sequence[str], tokens: Sequence[int]) -> bool:
        """Whether the second of up to three words is an *A* that names the first: *hepatitis A*, *Lp(a)*."""
        named, letter = tokens[:2]
        if text[letter] not in ("A", "a") or (
            letter - named > 1 and (letter - named > 2 or text[named + 1] not in ("(", "-"))
        ):
            return False
        after = tokens[2] if len(tokens) > 2 else letter
        return is_letter_name(stem(text[named]), stem(text[after]) if after == letter + 1 else None)

    def _add_patterns(self, note: _Note) -> set[int]:
        """Add the expansions of patterns of several words, longest first; returns the places they cover."""
        several, primary, sentence = self._several, note.primary, note.sentence
        covered: set[int] = set()
        own = note.own
        for at in (self._first_of.take(own[:-1]) & self._second_of.take(own[1:])).nonzero()[0].tolist():
            for pattern, added in several.get(primary[at] << _ID_BITS | primary[at + 1], ()):
                end = at + len(pattern)
                if len(pattern) > 2 and tuple(primary[at:end]) != pattern:
                    continue
                if sentence[at] == sentence[end - 1]:
                    note.add(added, (False,) * len(added), at, end - 1)
                    covered.update(range(at, end))
                    break
        return covered

    def _rows(self, first: int, text: str) -> _Rows:
        """The senses that a word may have as it is written, from memory where it was met before."""
        found = self._senses.get((first, text))
        if found is None:
            if len(self._senses) > _MEMO_LIMIT:
                self._senses.clear()
            found = self._senses[first, text] = tuple(
                (
                    sense,
                    key if len(key) > 1 else (),
                    bool(sense.near or sense.not_near or sense.sections),
                    sense.expansion + sense.added,
                    (True,) * len(sense.expansion) + (False,) * len(sense.added),
                )
                for key, sense in self._terms.senses[first]
                if len(key) > 1 or sense.exact is None or sense.exact == text
            )
        return found

    def _add_senses(self, note: _Note, section_of: Sequence[str], text: Sequence[str]) -> None:
        """Add what abbreviations stand for: the sense that fits best, the first of several."""
        primary, places = note.primary, note.places
        for at in self._has_sense.take(note.own).nonzero()[0].tolist():
            token = places[at]
            around: set[int] | None = None
            ids: tuple[int, ...] = ()
            own: tuple[bool, ...] = ()
            most = last = behind = 0
            for sense, several, conditional, means, written in self._rows(primary[at], text[token]):
                end = at + (len(several) or 1)
                if several and tuple(primary[at:end]) != several:
                    continue
                behind = behind or end
                strength = 1
                if conditional:
                    if around is None:
                        around = {*primary[max(0, at - _NEAR_WINDOW) : at]}
                        around.update(primary[behind : behind + _NEAR_WINDOW])
                    if not sense.not_near.isdisjoint(around):
                        continue
                    strength = _strength(sense, section_of[token], around)
                if strength > most:
                    most, last, ids, own = strength, end - 1, means, written
            if most:
                note.add(ids, own, at, last)


class _Note:
    """The words of a note while it is read: one id a place, and the ids that are added to them."""

    __slots__ = ("_ids", "_last", "_own", "_place", "own", "places", "primary", "sentence")

    def __init__(self, own: NDArray[np.int32], places: list[int], sentence_of: Sequence[int]) -> None:
        self.own = own
        self.primary: list[int] = own.tolist()
        self.places = places
        self.sentence = [sentence_of[token] for token in places]
        self._ids: list[int] = []
        self._place: list[int] = []
        self._last: list[int] = []
        self._own: list[bool] = []

    def add(self, ids: tuple[int, ...], own: tuple[bool, ...], place: int, last: int) -> None:
        """Let ids stand at a place beside the word's own; ``own`` says which of them the note means."""
        count = len(ids)
        self._ids += ids
        self._own += own
        self._place += (place,) * count
        self._last += (last,) * count

    def sorted(self, sides: tuple[tuple[int, int], ...], corrected: frozenset[int]) -> WordIds:
        """Everything by id, then place, then as it was added."""
        known = (self.own >= 0).nonzero()[0].astype(np.int32)
        size = len(known)
        columns = np.empty((4, size + len(self._ids)), dtype=np.int32)
        columns[0, :size] = written = self.own[known]
        columns[1:3, :size] = known
        columns[3, :size] = 1
        columns[:, size:] = self._ids, self._place, self._last, self._own
        ids, place, last, own = columns.take(_order(columns[0], columns[1]), axis=1)
        by_place = np.array(self.sentence, dtype=np.int32)
        return WordIds(
            ids=ids,
            place=place,
            last=last,
            sentence=by_place[place],
            own=own.astype(np.bool_),
            place_token=tuple(self.places),
            by_sentence=self._by_sentence(written.tolist(), by_place[known]),
            sides=sides,
            corrected=corrected,
        )

    def _by_sentence(self, written: list[int], sentence_of: NDArray[np.int32]) -> tuple[frozenset[int], ...]:
        """For each sentence, the ids that the note writes in it: words in order, each with its sentence."""
        if not self.sentence:
            return ()
        bounds = sentence_of.searchsorted(np.arange(self.sentence[-1] + 2)).tolist()
        out = [frozenset(written[begin:end]) for begin, end in pairwise(bounds)]
        meant: dict[int, list[int]] = {}
        for word, place in compress(zip(self._ids, self._place, strict=True), self._own):
            meant.setdefault(self.sentence[place], []).append(word)
        for number, words in meant.items():
            out[number] = out[number].union(words)
        return tuple(out)


def _members(keys: Iterable[int], size: int) -> NDArray[np.bool_]:
    """Which of the ids below ``size`` are among the keys; -1, no id, is not."""
    out = np.zeros(size + 1, dtype=np.bool_)
    out[list(keys)] = True
    return out


def _order(ids: NDArray[np.int32], place: NDArray[np.int32]) -> NDArray[np.int64]:
    """Places of the elements when sorted by id, then place, then as they stand.

    Sorting numbers that hold all three is several times faster than sorting by columns.
    """
    if len(ids) >> _PLACE_BITS or (len(place) and int(place.max()) >> _PLACE_BITS):
        return np.lexsort((place, ids)).astype(np.int64)
    keys = (ids.astype(np.int64) << 2 * _PLACE_BITS) | (place.astype(np.int64) << _PLACE_BITS)
    keys |= np.arange(len(ids))
    keys.sort()
    return np.asarray(keys & ((1 << _PLACE_BITS) - 1), dtype=np.int64)


def _strength(sense: Sense, section: str, around: set[int]) -> int:
    """How well a sense fits: 3 by a neighbour, 2 by the section, 1 without conditions, 0 not at all."""
    if not sense.near.isdisjoint(around):
        return 3
    if section in sense.sections:
        return 2
    return 0 if sense.near or sense.sections else 1
