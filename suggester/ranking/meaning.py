"""How near the meaning of a code's title is to the words of a note, by vectors of words.

A title and a note may say the same in other words, of which none is in a lexicon. Words have vectors, made
once from a small sentence encoder (``eval/distil_words.py``, ADR 0012); a text has the mean of its words'
vectors, common words counting less (Arora, Liang, Ma: A simple but tough-to-beat baseline for sentence
embeddings, 2017). Nothing but a table is looked up when a note is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from suggester.pinned import lines_of, read_arrays, read_card
from suggester.pipeline.numbering import ByWord
from suggester.pipeline.tokenizer import TokenTable
from suggester.ranking.sighting import Sighting
from suggester.resources import data_path
from suggester.types import System

MEANING_NAMES: tuple[str, ...] = ("meaning_mention", "meaning_near", "meaning_sentence", "meaning_note")
"""Cosine of the vector of a code's title with those of the best mention, of that with some words before and
after it in its sentence, of that sentence, and of the note; 0 where either has no known word."""

WORD = re.compile(r"[a-z][a-z'-]+")
"""A word that may have a vector, in small letters."""

_NEAR = 6
_SMALL = 1e-6


@dataclass(frozen=True)
class Meaning:
    """Vectors of words, and of the titles that were asked for.

    Attributes
    ----------
    words
        Row of each word in ``vectors``.
    vectors
        Each word's vector times its weight, shape ``(words + 1, dimensions)``; the last row, that of unknown
        words, is 0.
    sha256
        Hash of the table on disk.
    titles
        The titles of each system that has some to look at, by row.
    """

    ARRAYS_FILE: ClassVar[str] = "vectors.npz"

    words: Mapping[str, int]
    vectors: NDArray[np.float32]
    sha256: str
    titles: Mapping[System, Sequence[str]]
    _first: dict[System, int] = field(default_factory=dict, init=False, repr=False, compare=False)
    _vectors: NDArray[np.float32] = field(init=False, repr=False, compare=False)
    _known: NDArray[np.bool_] = field(init=False, repr=False, compare=False)
    _rows: ByWord = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        count = 0
        for system, titles in self.titles.items():
            self._first[system] = count
            count += len(titles)
        # memory is taken for the rows that are written; the last row is of what has no title
        object.__setattr__(self, "_vectors", np.zeros((count + 1, self.vectors.shape[1]), dtype=np.float32))
        object.__setattr__(self, "_known", np.zeros(count + 1, dtype=np.bool_))
        self._known[-1] = True
        object.__setattr__(self, "_rows", ByWord(self._row))

    @classmethod
    def load(cls, titles: Mapping[System, Sequence[str]], folder: Path | None = None) -> Self:
        """The vectors that are shipped, or those of a folder.

        Raises
        ------
        ModelError
            If they cannot be read, or their hash is not the one on their card.
        """
        folder = folder or data_path("models", "words")
        subject = f"table of word vectors {folder.name}"
        card = read_card(folder, subject)
        box = read_arrays(folder / cls.ARRAYS_FILE, card, subject)
        words = lines_of(box["words"])
        vectors = box["vectors"] * (box["weights"] / np.float32(127.0))[:, None]
        unknown = np.zeros((1, vectors.shape[1]), dtype=np.float32)
        return cls(
            words={word: row for row, word in enumerate(words)},
            vectors=np.concatenate([vectors.astype(np.float32), unknown]),
            sha256=card["sha256"],
            titles=titles,
        )

    def _row(self, word: str) -> int:
        return self.words.get(word, len(self.words))

    def rows_of(self, table: TokenTable) -> NDArray[np.integer]:
        """The row in ``vectors`` of each folded word of a note."""
        return self._rows.of(table.numbering, table.numbers)

    def running(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Sums of the vectors of words, by their rows, before each and after all.

        Shape ``(words + 1, dimensions)``.
        """
        width = self.vectors.shape[1]
        sums = np.empty((len(rows) + 1, width), dtype=np.float32)
        sums[0] = 0.0
        # numbers are added as the two parts of a complex one: the same sums in half the steps
        taken = np.complex64 if width % 2 == 0 else np.float32
        np.add.accumulate(self.vectors.take(rows, axis=0).view(taken), axis=0, out=sums[1:].view(taken))
        return sums

    def columns(
        self,
        seen: Sighting,
        codes: Sequence[tuple[System, int]],
        sums: NDArray[np.float32],
        spans: Sequence[tuple[int, int]],
    ) -> NDArray[np.float32]:
        """Features of the candidates of a note, shape ``(candidates, len(MEANING_NAMES))``.

        Parameters
        ----------
        seen
            The candidates.
        codes
            The system and row of each.
        sums
            ``running`` of the note's words.
        spans
            Where groups of candidates begin and end. The last bits of a product with many rows depend on how
            many they are: so each group has what it has alone.
        """
        out = np.empty((len(codes), len(MEANING_NAMES)), dtype=np.float32)
        if not len(codes):
            return out
        after = seen.final + 1
        starts = np.concatenate([seen.first, np.maximum(seen.first - _NEAR, seen.begin), seen.begin])
        stops = np.concatenate([after, np.minimum(after + _NEAR, seen.stop), seen.stop])
        texts = sums.take(stops, axis=0)
        texts -= sums.take(starts, axis=0)
        titles = self._titles(codes)
        size = np.sqrt(np.einsum("ij,ij->i", texts, texts)).reshape(3, -1)
        near = np.einsum("kij,ij->ki", texts.reshape(3, *titles.shape), titles)
        out[:, :3] = (near / np.maximum(size, _SMALL)).T
        whole = sums[-1]
        length = max(float(np.linalg.norm(whole)), _SMALL)
        for begin, end in spans:
            out[begin:end, 3] = titles[begin:end] @ whole / length
        return out

    def _titles(self, codes: Sequence[tuple[System, int]]) -> NDArray[np.float32]:
        """The vectors of the titles of codes, each of length 1 or 0; kept once worked out."""
        first, without = self._first, len(self._known) - 1
        places = [first[system] + row if system in first else without for system, row in codes]
        if not self._known.take(places).all():
            for place, (system, row) in zip(places, codes, strict=True):
                if not self._known[place]:
                    rows = [
                        self.words.get(word, -1) for word in WORD.findall(self.titles[system][row].lower())
                    ]
                    total: NDArray[np.float32] = self.vectors[rows].sum(axis=0)
                    self._vectors[place] = total / np.float32(max(float(np.linalg.norm(total)), _SMALL))
                    self._known[place] = True  # last: threads share this
        return self._vectors.take(places, axis=0)
