"""The phrases of CPT and HCPCS, ready to be searched by the words of a line.

A phrase comes from our own lexicons, from the descriptors in force that may be shown, or from a drug's name.
The index holds the phrases as lists of word numbers, and for each word and each letter trigram the phrases
that have it. It is compiled into one file beside the code sets; opening that takes some 30 ms.
"""

from __future__ import annotations

import logging
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.catalog import ReleaseSet
from suggester.codesets.container import Container, write_container
from suggester.codesets.lexicon import (
    lexicon_hash,
    read_lexicon,
)
from suggester.errors import StoreDamagedError, StoreMissingError
from suggester.ranking.services.compiling import (
    ROUTE_NAMES,
    SYSTEMS_OF_LINES,
    Source,
    compile_index,
    trigrams,
)
from suggester.ranking.services.text import Amount, Count
from suggester.ranking.services.words import FORM_SHARE, Line, Reader, Words
from suggester.types import System

log = logging.getLogger("suggester.ranking")

FORMAT = 6
"""Changes whenever phrases are read or stored in another way."""

_LEXICONS = ("cpt", "hcpcs", "drugs", "services")


@dataclass(frozen=True, slots=True)
class Document:
    """One phrase of a code.

    Attributes
    ----------
    system, row
        The code, by its row of the release.
    text
        The phrase as it stands in its source.
    words
        Its canonical words.
    mass
        Sum of its words' weights.
    source
        Where it stands.
    """

    system: System
    row: int
    text: str
    words: Words
    mass: float
    amounts: tuple[Amount, ...]
    counts: tuple[Count, ...]
    source: Source


_BY_WORDS = 160
_BY_LETTERS = 60


class LineIndex:
    """All phrases of a set of releases.

    Parameters
    ----------
    box
        The compiled arrays and strings, from a file or fresh from ``compile_index``.
    releases
        The code sets that it was compiled over.
    """

    def __init__(self, box: Mapping[str, Any], releases: ReleaseSet) -> None:
        self._codes = {system: releases.store(system).codes for system in SYSTEMS_OF_LINES}
        self._words: list[str] = list(box["words"])
        self._texts: Sequence[str] = box["texts"]
        self._numbers: Sequence[str] = box["numbers"]
        self._system, self._row, self._source = (box[n].tolist() for n in ("system", "row", "source"))
        self._word_ptr, self._word = box["word_ptr"], box["word"]
        self._weight: NDArray[np.float64] = box["weight"]
        self.weights = dict(zip(self._words, self._weight.tolist(), strict=True))
        total = len(self._system)
        self.unknown = math.log(1 + total) / 4 + 1.0
        self._mass: NDArray[np.float64] = np.add.reduceat(self._weight[self._word], self._word_ptr[:-1])
        self._id = {word: i for i, word in enumerate(self._words)}
        self._posting_ptr, self._posting = box["posting_ptr"], box["posting"]
        self._grams = {gram: i for i, gram in enumerate(box["grams"])}
        self._gram_ptr, self._gram = box["gram_ptr"], box["gram"]
        sizes = np.diff(self._gram_ptr)
        self._gram_weight: NDArray[np.float64] = np.log(1 + total / np.maximum(sizes, 1))
        squares = np.repeat(self._gram_weight**2, sizes)
        self._norms = np.sqrt(np.bincount(self._gram, weights=squares, minlength=total) + 1e-9)
        self.units = {
            ("HCPCS", row): (amount, unit)
            for row, amount, unit in zip(
                box["unit_row"].tolist(), box["unit_amount"].tolist(), box["unit_name"], strict=True
            )
        }
        self.routes = {
            ("HCPCS", row): frozenset(n for i, n in enumerate(ROUTE_NAMES) if bits >> i & 1)
            for row, bits in zip(box["route_row"].tolist(), box["route_bits"].tolist(), strict=True)
        }
        self.document = lru_cache(maxsize=20_000)(self._document)

    def __len__(self) -> int:
        return len(self._system)

    def codes(self) -> set[tuple[System, int]]:
        """Every code that has a phrase."""
        return {(SYSTEMS_OF_LINES[s], row) for s, row in zip(self._system, self._row, strict=True)}

    def code_of(self, key: tuple[System, int]) -> str:
        """The code of a system's row."""
        return self._codes[key[0]][key[1]]

    def _document(self, number: int) -> Document:
        ids = self._word[self._word_ptr[number] : self._word_ptr[number + 1]].tolist()
        amounts, counts = _read_numbers(self._numbers[number])
        return Document(
            SYSTEMS_OF_LINES[self._system[number]],
            self._row[number],
            self._texts[number],
            tuple(self._words[i] for i in ids),
            float(self._mass[number]),
            amounts,
            counts,
            Source(self._source[number]),
        )

    def vocabulary(self) -> list[str]:
        """The words that phrases hold."""
        return self._words

    def weight(self, word: str) -> float:
        """How much a word says: more the fewer phrases hold it."""
        return float(self.weights.get(word, self.unknown))

    def mass(self, words: Iterable[str]) -> float:
        """Sum of the weights of words."""
        return float(sum(self.weights.get(word, self.unknown) for word in words))

    def search(self, line: Line) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Numbers of the phrases that share most with a line, and every phrase's likeness by letters."""
        size = len(self)
        words = np.zeros(size)
        wanted = 0.0
        for unit in line.units:
            own = np.zeros(size)
            scale = FORM_SHARE if unit.form else 1.0
            wanted += scale * max(self.mass(meaning) * weight for meaning, weight in unit.meanings)
            for meaning, weight in unit.meanings:
                one = np.zeros(size)
                for word in meaning:
                    number = self._id.get(word)
                    if number is not None:
                        found = self._posting[self._posting_ptr[number] : self._posting_ptr[number + 1]]
                        one[found] += self._weight[number] * weight * scale
                np.maximum(own, one, out=own)
            words += own
        score = words / max(wanted, 1e-9) + words / np.maximum(self._mass, 0.5)
        letters = self._by_letters(line)
        chosen = np.unique(
            np.concatenate(
                [
                    _top(score, _BY_WORDS),
                    _top(letters, _BY_LETTERS),
                    _top(words + 0.2 * score, _BY_LETTERS),
                ]
            )
        )
        return chosen[(words[chosen] > 0) | (letters[chosen] > 0)], letters

    def _by_letters(self, line: Line) -> NDArray[np.float64]:
        out = np.zeros(len(self))
        norm = 0.0
        best = [max(unit.meanings, key=lambda item: item[1])[0] for unit in line.units]
        for gram in sorted(trigrams([word for words in best for word in words])):
            number = self._grams.get(gram)
            weight = 8.0 if number is None else float(self._gram_weight[number])
            norm += weight**2
            if number is not None:
                out[self._gram[self._gram_ptr[number] : self._gram_ptr[number + 1]]] += weight**2
        result: NDArray[np.float64] = out / (math.sqrt(norm or 1.0) * self._norms)
        return result


def open_index(releases: ReleaseSet, reader: Reader) -> LineIndex:
    """The index over a set of releases; compiled first where it is missing, damaged or out of date.

    Where the folder of the code sets cannot be written, the index is kept in memory only.

    Raises
    ------
    LexiconError
        If a lexicon file is missing or a row is wrong.
    """
    stores = [releases.store(system) for system in SYSTEMS_OF_LINES]
    shown = [zlib.crc32("\n".join(store.titles).encode()) for store in stores]  # long ones may be borrowed
    key = "|".join(map(str, (FORMAT, lexicon_hash(*_LEXICONS), *(store.key for store in stores), *shown)))
    name = "lines-" + "-".join(f"{s.release.system.lower()}.{s.release.id}" for s in stores) + ".store"
    path = releases.folder / name
    try:
        index = LineIndex(_opened(path, key), releases)
    except (StoreMissingError, StoreDamagedError) as error:
        log.info("%s; compiling the index of service lines", error)
        box = compile_index(releases, reader, read_lexicon())
        _keep(path, key, box)
        index = LineIndex(box, releases)
    reader.learn(index.vocabulary())
    return index


_STRINGS = ("words", "texts", "numbers", "grams", "unit_name")
_ARRAYS = (
    "system", "row", "source", "word_ptr", "word", "weight", "posting_ptr", "posting", "gram_ptr", "gram",
    "unit_row", "unit_amount", "route_row", "route_bits",
)  # fmt: skip


def _opened(path: Path, key: str) -> dict[str, Any]:
    container = Container.open(path)
    if container.meta.get("key") != key:
        raise StoreDamagedError(f"compiled store {path.name} is out of date")
    box: dict[str, Any] = {name: container.array(name) for name in _ARRAYS}
    box.update({name: container.strings(name) for name in _STRINGS})
    return box


def _keep(path: Path, key: str, box: Mapping[str, Any]) -> None:
    try:
        write_container(
            path,
            meta={"key": key},
            arrays={name: box[name] for name in _ARRAYS},
            strings={name: list(box[name]) for name in _STRINGS},
        )
    except OSError as error:
        log.warning("the index of service lines cannot be kept (%s)", type(error).__name__)


def _read_numbers(text: str) -> tuple[tuple[Amount, ...], tuple[Count, ...]]:
    amounts: list[Amount] = []
    counts: list[Count] = []
    for part in text.split(";") if text else ():
        kind, *cells = part.split(",")
        if kind == "a":
            amounts.append(Amount(float(cells[0]), cells[1], per=False))
        else:
            counts.append(Count(cells[0], float(cells[1]), float(cells[2])))
    return tuple(amounts), tuple(counts)


def _top(score: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    """Indexes of the best scores; those equal to the last are taken too, up to three times the size."""
    if len(score) <= size:
        return np.arange(len(score), dtype=np.int64)
    limit = np.partition(score, len(score) - size)[len(score) - size]
    return np.flatnonzero(score >= max(float(limit), 1e-9))[: 3 * size]


__all__ = ["Document", "LineIndex", "Source", "open_index"]
