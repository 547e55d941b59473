"""The phrases of CPT and HCPCS, ready to be searched by the words of a line.

A phrase comes from our own lexicons, from the descriptors in force that may be shown, or from a drug's name.
The index holds the phrases as lists of word numbers, and for each word and each letter trigram the phrases
that have it. It is compiled into one file beside the code sets; opening that takes some 30 ms.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.catalog import ReleaseSet
from suggester.codesets.container import Container, ragged, write_container
from suggester.codesets.lexicon import DrugUnitRow, Lexicon, lexicon_dir, lexicon_hash, read_lexicon, read_rows
from suggester.codesets.store import ReleaseStore
from suggester.errors import StoreDamagedError, StoreMissingError, UnknownCodeError
from suggester.ranking.services.text import Amount, Count
from suggester.ranking.services.words import FORM_SHARE, Line, Phrase, Reader, Words
from suggester.types import System

log = logging.getLogger("suggester.ranking")

FORMAT = 1
"""Changes whenever phrases are read or stored in another way."""

SYSTEMS_OF_LINES: tuple[System, ...] = ("CPT", "HCPCS")
_LEXICONS = ("cpt", "hcpcs", "drugs", "services")
_OWN_PHRASES = ("cpt_lines.tsv", "devices.tsv")


class Source(IntEnum):
    """Where a phrase stands."""

    LEXICON = 0
    DESCRIPTOR = 1
    DRUG = 2


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


_ROUTES = {"PO": "oral", "INH": "inhaled"}
_ROUTE_NAMES = ("oral", "inhaled", "injected")
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
            ("HCPCS", row): frozenset(n for i, n in enumerate(_ROUTE_NAMES) if bits >> i & 1)
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
        return self.weights.get(word, self.unknown)

    def mass(self, words: Iterable[str]) -> float:
        """Sum of the weights of words."""
        return sum(self.weights.get(word, self.unknown) for word in words)

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
    key = "|".join((str(FORMAT), lexicon_hash(*_LEXICONS), *(store.key for store in stores)))
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


def compile_index(releases: ReleaseSet, reader: Reader, lexicon: Lexicon) -> dict[str, Any]:
    """The arrays and strings of an index over a set of releases."""
    raw = list(dict.fromkeys(_phrases(releases, lexicon)))
    parsed = [reader.phrase(text) for _, _, text, _ in raw]
    kept = [(item, phrase) for item, phrase in zip(raw, parsed, strict=True) if phrase.words]
    frequency = Counter(word for _, phrase in kept for word in phrase.words)
    words = sorted(frequency)
    number_of = {word: i for i, word in enumerate(words)}
    postings: list[list[int]] = [[] for _ in words]
    letters: dict[str, list[int]] = {}
    for number, (_, phrase) in enumerate(kept):
        for word in phrase.words:
            postings[number_of[word]].append(number)
        for gram in trigrams(phrase.words):
            letters.setdefault(gram, []).append(number)
    grams = sorted(letters)
    word_ptr, word = ragged([[number_of[w] for w in phrase.words] for _, phrase in kept])
    posting_ptr, posting = ragged(postings)
    gram_ptr, gram_list = ragged([letters[gram] for gram in grams])
    units = _units_by_row(releases, lexicon.drug_units)
    routes = _routes_by_row(releases, lexicon.drug_units)
    total = len(kept)
    texts = [item[2] for item, _ in kept]
    return {
        "words": words,
        "texts": texts,
        "numbers": [_write_numbers(phrase) for _, phrase in kept],
        "grams": grams,
        "unit_name": [unit for _, unit in units.values()],
        "system": np.array([SYSTEMS_OF_LINES.index(item[0]) for item, _ in kept], dtype=np.int8),
        "row": np.array([item[1] for item, _ in kept], dtype=np.int32),
        "source": np.array([int(item[3]) for item, _ in kept], dtype=np.int8),
        "word_ptr": word_ptr,
        "word": word,
        "weight": np.array([math.log(1 + total / frequency[w]) / 4 for w in words]),
        "posting_ptr": posting_ptr,
        "posting": posting,
        "gram_ptr": gram_ptr,
        "gram": gram_list,
        "unit_row": np.array(list(units), dtype=np.int32),
        "unit_amount": np.array([amount for amount, _ in units.values()], dtype=np.float64),
        "route_row": np.array(list(routes), dtype=np.int32),
        "route_bits": np.array(
            [sum(1 << i for i, n in enumerate(_ROUTE_NAMES) if n in names) for names in routes.values()],
            dtype=np.int8,
        ),
    }


def _write_numbers(phrase: Phrase) -> str:
    return ";".join(
        [f"a,{a.value!r},{a.unit}" for a in phrase.amounts]
        + [f"c,{c.what},{c.low!r},{c.high!r}" for c in phrase.counts]
    )


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


def trigrams(words: Iterable[str]) -> set[str]:
    """Letter trigrams of words, each word with its borders."""
    return {padded[i : i + 3] for word in words for padded in (f" {word} ",) for i in range(len(padded) - 2)}


def _top(score: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    """Indexes of the best scores; those equal to the last are taken too, up to three times the size."""
    if len(score) <= size:
        return np.arange(len(score), dtype=np.int64)
    limit = np.partition(score, len(score) - size)[len(score) - size]
    return np.flatnonzero(score >= max(float(limit), 1e-9))[: 3 * size]


def _row(store: ReleaseStore, code: str) -> int | None:
    try:
        row = store.row(code)
    except UnknownCodeError:
        return None
    return row if store.billable[row] else None


def _own_phrases() -> Iterator[tuple[str, str]]:
    """Phrases that only lines are matched to, with their codes."""
    for name in _OWN_PHRASES:
        for _, cells in read_rows(lexicon_dir() / "services" / name, ("phrase", "code"), required=2):
            yield cells[0].lower(), cells[1]


def _phrases(releases: ReleaseSet, lexicon: Lexicon) -> Iterator[tuple[System, int, str, Source]]:
    stores = {system: releases.store(system) for system in SYSTEMS_OF_LINES}
    own = [(item.phrase, item.code) for item in (*lexicon.cpt, *lexicon.hcpcs)]
    own += [(item.label, item.code) for item in lexicon.cpt if item.label]
    for phrase, code in (*own, *_own_phrases()):
        system: System = "CPT" if code[0].isdigit() else "HCPCS"
        row = _row(stores[system], code)
        if row is not None:
            yield system, row, phrase.lower(), Source.LEXICON
    for system, store in stores.items():
        for row, titles in enumerate(zip(store.titles, store.shorts, strict=True)):
            for title in titles:
                if title and store.billable[row]:
                    yield system, row, title.lower(), Source.DESCRIPTOR
    names_of = {name.lower(): drug.names for drug in lexicon.drugs for name in drug.names}
    for unit in lexicon.drug_units:
        row = _row(stores["HCPCS"], unit.code)
        if row is not None:
            for name in dict.fromkeys((unit.drug.lower(), *names_of.get(unit.drug.lower(), ()))):
                yield "HCPCS", row, name.lower(), Source.DRUG


def _units_by_row(releases: ReleaseSet, rows: Sequence[DrugUnitRow]) -> dict[int, tuple[float, str]]:
    """What one billing unit of a drug's code holds."""
    store = releases.store("HCPCS")
    found = ((_row(store, item.code), item) for item in rows)
    return {row: (item.amount, item.unit) for row, item in found if row is not None}


_MARKS = (
    ("oral", (" oral", "oral ", " tab", "capsule")),
    ("inhaled", ("inhal", "nebul", " neb", " non-comp")),
    ("injected", ("inject", " inj", "infusion")),
)
"""What the descriptors say of the route."""


def _routes_by_row(releases: ReleaseSet, rows: Sequence[DrugUnitRow]) -> dict[int, set[str]]:
    """The ways in which a code's drug is given: oral, inhaled, injected."""
    store = releases.store("HCPCS")
    out: dict[int, set[str]] = {}
    for item in rows:
        row = _row(store, item.code)
        if row is not None and item.route:
            out.setdefault(row, set()).update(_ROUTES.get(route, "injected") for route in item.route)
    for row, title in enumerate(store.titles):
        lowered = f" {title.lower()} "
        own = {route for route, marks in _MARKS if any(mark in lowered for mark in marks)}
        code = store.codes[row]
        if code[:2] == "J8" or "Q0161" <= code <= "Q0181":  # drugs by mouth, by their section
            own = {"oral"}
        elif code[:2] == "J9" and not own:  # chemotherapy drugs
            own = {"injected"}
        if own:
            out.setdefault(row, set()).update(own)
    return out


__all__ = ["Document", "LineIndex", "Source", "compile_index", "open_index", "trigrams"]
