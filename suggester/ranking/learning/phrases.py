"""The phrases of a note that learning counts: short runs of words, word senses, and matched terms.

A phrase is kept as a 64-bit hash, so that a model learned from patients' notes holds none of their words.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.terms import TermIndex
from suggester.codesets.words import stem
from suggester.pipeline.reading import NEGATED, Reading

PREFIX = 5
"""Length of a word's beginning that stands for its family (*calcif-ied*, *calcif-ication*)."""

NEAR_COMPLETE = 0.9
"""Share of a term's weight from which it counts as matched here."""

_NEGATORS = frozenset(("no", "not", "without"))
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SECOND = np.uint64(0xC2B2AE3D27D4EB4F)
_THIRD = np.uint64(0x165667B19E3779F9)


class Kind(IntEnum):
    """What a phrase is made of."""

    WORD = 1
    PAIR = 2
    TRIPLE = 3
    SENSE = 4
    TERM = 5
    FAMILY = 6
    FAMILY_PAIR = 7


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases of a note, each once a sentence, in order of sentence and key.

    Attributes
    ----------
    key
        Hash of the phrase and its kind.
    kind
        What it is made of.
    sentence
        Sentence index.
    first, final
        First and last token of its first occurrence in the sentence.
    negated
        Whether that occurrence is negated.
    """

    key: NDArray[np.uint64]
    kind: NDArray[np.int8]
    sentence: NDArray[np.int32]
    first: NDArray[np.int32]
    final: NDArray[np.int32]
    negated: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.key)


class PhraseReader:
    """Reads phrases, with a memo of hashes that lives as long as the reader.

    Parameters
    ----------
    terms
        Term index of the readings.
    """

    def __init__(self, terms: TermIndex) -> None:
        self._terms = terms
        self.sources = np.asarray(terms.term_source)
        self._stop = frozenset(terms.stop_words) - _NEGATORS
        self._words: dict[str, tuple[int, int]] = {}
        self._names: dict[int, str] | None = None
        self._senses: dict[int, int] = {}
        self._phrases: dict[int, int] = {}

    def read(self, reading: Reading) -> Phrases:
        """Phrases of a reading."""
        word, family, token = self._content(reading)
        sentence = np.array(reading.sentence, dtype=np.int32)
        here = sentence[token] if len(token) else token
        two = here[:-1] == here[1:]
        three = two[:-1] & two[1:]
        pair, triple = np.flatnonzero(two), np.flatnonzero(three)
        long = np.flatnonzero(family != word)
        parts = [
            (Kind.WORD, word, token, token),
            (Kind.PAIR, _join(word[pair], word[pair + 1]), token[pair], token[pair + 1]),
            (
                Kind.TRIPLE,
                _join(_join(word[triple], word[triple + 1]), word[triple + 2] * _THIRD),
                token[triple],
                token[triple + 2],
            ),
            (Kind.SENSE, *self._sense(reading)),
            (Kind.TERM, *self._matched(reading)),
            (Kind.FAMILY, family[long], token[long], token[long]),
            (Kind.FAMILY_PAIR, _join(family[pair], family[pair + 1]), token[pair], token[pair + 1]),
        ]
        key = np.concatenate([_salted(value, kind) for kind, value, _, _ in parts])
        kinds = np.concatenate([np.full(len(value), kind, dtype=np.int8) for kind, value, _, _ in parts])
        first = np.concatenate([begin for _, _, begin, _ in parts])
        final = np.concatenate([end for _, _, _, end in parts])
        where = sentence[first] if len(first) else first
        order = np.lexsort((first, key, where))
        key, kinds, first, final, where = key[order], kinds[order], first[order], final[order], where[order]
        new = np.ones(len(key), dtype=np.bool_)
        new[1:] = (key[1:] != key[:-1]) | (where[1:] != where[:-1])
        negated = (np.array(reading.assertion.flags, dtype=np.int64)[final[new]] & NEGATED) > 0
        return Phrases(key[new], kinds[new], where[new], first[new], final[new], negated)

    def _content(self, reading: Reading) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int32]]:
        """Hashes of the content words and of their families, and their tokens."""
        memo = self._words
        words: list[int] = []
        families: list[int] = []
        tokens: list[int] = []
        is_word = reading.table.is_word
        for token, lower in enumerate(reading.table.lower):
            if not is_word[token]:
                continue
            found = memo.get(lower)
            if found is None:
                base = stem(lower)
                found = (0, 0) if base in self._stop else (_hash(base), _hash(base[:PREFIX]))
                memo[lower] = found
            if found[0]:
                words.append(found[0])
                families.append(found[1])
                tokens.append(token)
        return (
            np.array(words, dtype=np.uint64),
            np.array(families, dtype=np.uint64),
            np.array(tokens, dtype=np.int32),
        )

    def _sense(self, reading: Reading) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.int32]]:
        words = reading.words
        place = np.array(words.place_token, dtype=np.int32)
        memo = self._senses
        for word in set(words.ids.tolist()) - memo.keys():
            if self._names is None:
                self._names = {number: name for name, number in self._terms.vocabulary.items()}
            memo[word] = _hash(self._names[word])
        value = np.array([memo[word] for word in words.ids.tolist()], dtype=np.uint64)
        if not len(value):
            none = np.zeros(0, dtype=np.int32)
            return value, none, none
        return value, place[words.place], place[words.last]

    def _matched(self, reading: Reading) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.int32]]:
        m = reading.matches
        marks = np.array(reading.assertion.flags, dtype=np.int64)
        good = (m.coverage >= NEAR_COMPLETE) & ~m.dominated & (m.term >= 0)
        if len(m):
            good &= (marks[m.anchor] & NEGATED) == 0
        memo = self._phrases
        terms = m.term[good].tolist()
        for term in set(terms) - memo.keys():
            memo[term] = _hash(self._terms.phrases[term])
        return np.array([memo[t] for t in terms], dtype=np.uint64), m.first[good], m.final[good]


def family_key(base: str) -> int:
    """The key under which a note's phrases hold the family of a stem: of a short one, the word itself."""
    kind = Kind.FAMILY if len(base) > PREFIX else Kind.WORD
    return int(_salted(np.array([_hash(base[:PREFIX])], dtype=np.uint64), kind)[0])


def _hash(text: str) -> int:
    """A 64-bit hash that is the same in every run; never 0, which marks stop words."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") | 1


def _join(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return left * _FACTOR + right * _SECOND


def _salted(value: NDArray[np.uint64], kind: Kind) -> NDArray[np.uint64]:
    mixed = (value ^ np.uint64(int(kind) << 56)) * _FACTOR
    return mixed ^ (mixed >> np.uint64(29))
