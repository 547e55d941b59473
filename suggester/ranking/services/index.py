"""The phrases of CPT and HCPCS, ready to be searched by the words of a line.

A phrase comes from our own lexicons, from the CMS short or long descriptors in force, or from a drug's name.
The index holds words with their postings and letter trigrams with theirs; search gives the phrases that share
most with a line, by both.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.catalog import ReleaseSet
from suggester.codesets.lexicon import DrugUnitRow, Lexicon
from suggester.codesets.store import ReleaseStore
from suggester.errors import UnknownCodeError
from suggester.ranking.services.text import Amount, Count
from suggester.ranking.services.words import Line, Reader
from suggester.types import System


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
    words: tuple[str, ...]
    mass: float
    amounts: tuple[Amount, ...]
    counts: tuple[Count, ...]
    source: Source


_ROUTES = {"PO": "oral", "INH": "inhaled"}
_RARE = 1.0
"""Added to the weight of a word that no phrase holds."""

_BY_WORDS = 160
_BY_LETTERS = 60


class LineIndex:
    """All phrases of a set of releases.

    Parameters
    ----------
    releases
        The code sets in force.
    lexicon
        Our own lexicons.
    reader
        Reads phrases; it is told the words that the phrases hold.
    extra
        Phrases and codes for lines only: ``(system, phrase, code)``.
    """

    def __init__(
        self,
        releases: ReleaseSet,
        lexicon: Lexicon,
        reader: Reader,
        extra: Iterable[tuple[System, str, str]] = (),
    ) -> None:
        self.releases = releases
        raw = list(dict.fromkeys(_phrases(releases, lexicon, extra)))
        parsed = [reader.phrase(text) for _, _, text, _ in raw]
        kept = [(item, phrase) for item, phrase in zip(raw, parsed, strict=True) if phrase.words]
        frequency = Counter(word for _, phrase in kept for word in phrase.words)
        total = len(kept)
        self.weights = {word: math.log(1 + total / count) / 4 for word, count in frequency.items()}
        self.unknown = math.log(1 + total) / 4 + _RARE
        self.documents = [
            Document(
                system,
                row,
                text,
                phrase.words,
                sum(self.weights[word] for word in phrase.words),
                phrase.amounts,
                phrase.counts,
                source,
            )
            for (system, row, text, source), phrase in kept
        ]
        reader.learn(frequency)
        self.units = _units_by_code(releases, lexicon.drug_units)
        self.routes = _routes_by_code(releases, lexicon.drug_units)
        self.of_code: dict[tuple[System, int], list[int]] = {}
        postings: dict[str, list[int]] = {}
        letters: dict[str, list[int]] = {}
        for number, document in enumerate(self.documents):
            self.of_code.setdefault((document.system, document.row), []).append(number)
            for word in document.words:
                postings.setdefault(word, []).append(number)
            for gram in trigrams(document.words):
                letters.setdefault(gram, []).append(number)
        self._postings = {word: np.array(items, dtype=np.int32) for word, items in postings.items()}
        self._letters = {gram: np.array(items, dtype=np.int32) for gram, items in letters.items()}
        self._gram_weight = {gram: math.log(1 + total / len(items)) for gram, items in letters.items()}
        self._mass = np.array([document.mass for document in self.documents])
        norms = np.zeros(total)
        for gram, items in self._letters.items():
            norms[items] += self._gram_weight[gram] ** 2
        self._norms = np.sqrt(np.maximum(norms, 1e-9))

    def weight(self, word: str) -> float:
        """How much a word says: more the fewer phrases hold it."""
        return self.weights.get(word, self.unknown)

    def mass(self, words: Sequence[str]) -> float:
        """Sum of the weights of words."""
        return sum(self.weight(word) for word in words)

    def search(self, line: Line) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Numbers of the phrases that share most with a line, and every phrase's likeness by letters."""
        words = np.zeros(len(self.documents))
        wanted = 0.0
        for unit in line.units:
            own = np.zeros(len(self.documents))
            scale = 0.1 if unit.form else 1.0
            wanted += scale * max(self.mass(meaning) * weight for meaning, weight in unit.meanings)
            for meaning, weight in unit.meanings:
                one = np.zeros(len(self.documents))
                for word in meaning:
                    found = self._postings.get(word)
                    if found is not None:
                        one[found] += self.weights[word] * weight * scale
                np.maximum(own, one, out=own)
            words += own
        score = words / np.maximum(wanted, 1e-9) + words / np.maximum(self._mass, 0.5)
        letters = self._by_letters(line)
        chosen = np.concatenate(
            [_top(score, _BY_WORDS), _top(letters, _BY_LETTERS), _top(words + 0.2 * score, _BY_LETTERS)]
        )
        chosen = np.unique(chosen)
        return chosen[(words[chosen] > 0) | (letters[chosen] > 0)], letters

    def _by_letters(self, line: Line) -> NDArray[np.float64]:
        out = np.zeros(len(self.documents))
        norm = 0.0
        best = [max(unit.meanings, key=lambda item: item[1])[0] for unit in line.units]
        for gram in sorted(trigrams([word for words in best for word in words])):
            found = self._letters.get(gram)
            weight = self._gram_weight.get(gram, 8.0)
            norm += weight**2
            if found is not None:
                out[found] += weight**2
        return out / (math.sqrt(norm or 1.0) * self._norms)


def trigrams(words: Iterable[str]) -> set[str]:
    """Letter trigrams of words, each word with its borders."""
    return {padded[i : i + 3] for word in words for padded in (f" {word} ",) for i in range(len(padded) - 2)}


def _top(score: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    """Indexes of the best scores; those equal to the last are all taken, up to twice the size."""
    if len(score) <= size:
        return np.arange(len(score))
    limit = np.partition(score, len(score) - size)[len(score) - size]
    return np.flatnonzero(score >= max(limit, 1e-9))[: 3 * size]


def _row(store: ReleaseStore, code: str) -> int | None:
    try:
        row = store.row(code)
    except UnknownCodeError:
        return None
    return row if store.billable[row] else None


def _phrases(
    releases: ReleaseSet, lexicon: Lexicon, extra: Iterable[tuple[System, str, str]]
) -> Iterator[tuple[System, int, str, Source]]:
    cpt, hcpcs = releases.store("CPT"), releases.store("HCPCS")
    for item in lexicon.cpt:
        row = _row(cpt, item.code)
        if row is not None:
            yield "CPT", row, item.phrase.lower(), Source.LEXICON
            if item.label:
                yield "CPT", row, item.label.lower(), Source.LEXICON
    for item in lexicon.hcpcs:
        row = _row(hcpcs, item.code)
        if row is not None:
            yield "HCPCS", row, item.phrase.lower(), Source.LEXICON
    for system, phrase, code in extra:
        row = _row(releases.store(system), code)
        if row is not None:
            yield system, row, phrase.lower(), Source.LEXICON
    for row, (title, short) in enumerate(zip(hcpcs.titles, hcpcs.shorts, strict=True)):
        if title and hcpcs.billable[row]:
            yield "HCPCS", row, title.lower(), Source.DESCRIPTOR
            yield "HCPCS", row, short.lower(), Source.DESCRIPTOR
    names_of = {name.lower(): drug.names for drug in lexicon.drugs for name in drug.names}
    for unit in lexicon.drug_units:
        row = _row(hcpcs, unit.code)
        if row is not None:
            for name in dict.fromkeys((unit.drug.lower(), *names_of.get(unit.drug.lower(), ()))):
                yield "HCPCS", row, name.lower(), Source.DRUG


def _units_by_code(
    releases: ReleaseSet, rows: Sequence[DrugUnitRow]
) -> dict[tuple[System, int], tuple[float, str]]:
    """What one billing unit of a drug's code holds."""
    store = releases.store("HCPCS")
    found = ((_row(store, item.code), item) for item in rows)
    return {("HCPCS", row): (item.amount, item.unit) for row, item in found if row is not None}


def _routes_by_code(
    releases: ReleaseSet, rows: Sequence[DrugUnitRow]
) -> dict[tuple[System, int], frozenset[str]]:
    """The ways in which a code's drug is given: oral, inhaled, injected."""
    store = releases.store("HCPCS")
    out: dict[tuple[System, int], set[str]] = {}
    for item in rows:
        row = _row(store, item.code)
        if row is not None and item.route:
            out.setdefault(("HCPCS", row), set()).update(_ROUTES.get(r, "injected") for r in item.route)
    for row, title in enumerate(store.titles):
        lowered = title.lower()
        own = {
            route
            for route, marks in (
                ("oral", (" oral", "oral ", " tab", "capsule")),
                ("inhaled", ("inhal", "nebul", " neb", " non-comp")),
                ("injected", ("inject", " inj", "infusion")),
            )
            if any(mark in f" {lowered} " for mark in marks)
        }
        code = store.codes[row]
        if code[:2] == "J8" or "Q0161" <= code <= "Q0181":
            own = {"oral"}
        elif code[:2] == "J9" and not own:
            own = {"injected"}
        if own:
            out.setdefault(("HCPCS", row), set()).update(own)
    return {key: frozenset(routes) for key, routes in out.items()}
