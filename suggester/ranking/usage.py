"""What coded practice notes tell of codes, phrases and words: how often a code was right where it was named.

A title says what a code means, not whether a coder uses it: some phrases name their code each time they
stand in a note, others hardly ever do, and the words around them say which. Both are counted over notes that
were written and coded for this project, and become features like any other. Rates are shrunk: a phrase
towards its code, a code towards its category, a category towards all, so that what was never seen counts as
unknown and not as wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from suggester.pinned import lines_of, text_array
from suggester.pipeline.numbering import ByWord
from suggester.pipeline.tokenizer import TokenTable
from suggester.ranking.sighting import SLOT_COUNT, SLOTS, Sighting, category_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

USAGE_NAMES: tuple[str, ...] = (
    "category_rate",
    "code_rate",
    "phrase_rate",
    "category_any_rate",
    "code_any_rate",
    "code_core_rate",
    "phrase_core_rate",
    "category_named",
    "code_named",
    "phrase_named",
    "context",
    "core_context",
)
"""For codes whose words were all there and affirmed, how often they were right: of the category, the code,
the phrase; the same of category and code for words partly there; how often the note was about the code, by
code and phrase; in how many notes each was named (log); and what the words around and inside the best mention
say, of being coded and of being what the note is about (log odds). Where only part of a phrase is there, it
is counted by itself: a chronic disorder is not meant each time that the disorder is."""

_LEFT_EDGE, _RIGHT_EDGE = "<s>", "</s>"
_LINE_END = "<n>"
_LEAST_SEEN = 3
"""Mentions that must have a word in a slot for it to be weighed."""
_STRENGTH = 0.3
"""Inverse strength of the regularisation of the word weights."""
_CATEGORY_PRIOR, _CODE_PRIOR, _PHRASE_PRIOR = 4.0, 3.0, 2.0
_ANY_CATEGORY_PRIOR, _ANY_CODE_PRIOR = 6.0, 4.0
_NAMED, _RIGHT, _CORE, _ALL_NAMED, _ALL_RIGHT, _ALL_CORE = range(6)
_IN_PART = "~"
"""Before a phrase of which part of the words was there."""
_LEAST_IN_PART = 2
"""Notes that must have had part of a phrase for it to be counted."""
_KEPT = 50_000
_SLOTS = SLOTS[:, None]
_DIGIT = re.compile(r"\d")
_NOTHING: NDArray[np.float32] = np.zeros(6, dtype=np.float32)
_NONE: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
_NEVER: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)


@dataclass(frozen=True)
class Usage:
    """Counts of codes and phrases, and weights of words.

    Attributes
    ----------
    codes
        For each code: notes that name it affirmed, those that have it, those that are about it; the same
        three for notes that have all words of its phrase.
    phrases
        Three such counts for each phrase and code: the phrase whole, or in part.
    words
        Row of each word in ``weights``, shape ``(words + 1, slots, 2)``; the last row is of unknown words.
        The two are for being coded and for being what the note is about.
    kinds
        The two weights of each section kind.
    intercept
        The two log odds without any known word.
    """

    codes: Mapping[str, NDArray[np.float32]]
    phrases: Mapping[tuple[str, str], NDArray[np.float32]]
    words: Mapping[str, int]
    weights: NDArray[np.float32]
    kinds: Mapping[str, NDArray[np.float32]]
    intercept: NDArray[np.float32]
    _categories: dict[str, NDArray[np.float32]] = field(init=False, repr=False, compare=False)
    _total: NDArray[np.float32] = field(init=False, repr=False, compare=False)
    _known: dict[tuple[str, str], bytes] = field(init=False, repr=False, compare=False)
    _rows: ByWord = field(init=False, repr=False, compare=False)
    _edges: tuple[int, int, int] = field(init=False, repr=False, compare=False)
    _pairs: NDArray[np.complex64] = field(init=False, repr=False, compare=False)
    _kinds: dict[str, int] = field(init=False, repr=False, compare=False)
    _kind_weights: NDArray[np.float32] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        categories: dict[str, NDArray[np.float32]] = {}
        total = np.zeros(6, dtype=np.float32)
        for code, counts in self.codes.items():
            category = category_of(code)
            categories[category] = categories.get(category, _NOTHING) + counts
            total += counts
        object.__setattr__(self, "_categories", categories)
        object.__setattr__(self, "_total", total)
        object.__setattr__(self, "_known", {})
        object.__setattr__(self, "_rows", ByWord(self._row))
        unknown = len(self.words)
        edges = *(self.words.get(edge, unknown) for edge in (_LEFT_EDGE, _RIGHT_EDGE)), unknown
        object.__setattr__(self, "_edges", edges)
        # the two weights of a word in a slot as the parts of one number: they are looked up as one
        pairs = np.ascontiguousarray(self.weights, dtype=np.float32).reshape(-1).view(np.complex64)
        object.__setattr__(self, "_pairs", pairs)
        object.__setattr__(self, "_kinds", {kind: number for number, kind in enumerate(self.kinds)})
        kinds = np.array([*self.kinds.values(), _NOTHING[:2]], dtype=np.float32)
        object.__setattr__(self, "_kind_weights", kinds + self.intercept)

    @classmethod
    def none(cls) -> Self:
        """What nothing tells: rates without counts, and no weights."""
        return cls.learned([], [], [])

    @classmethod
    def learned(
        cls,
        sightings: Sequence[Sighting],
        right: Sequence[NDArray[np.bool_]],
        central: Sequence[NDArray[np.bool_]],
    ) -> Self:
        """Count and weigh.

        Parameters
        ----------
        sightings
            One a note.
        right, central
            Whether each candidate is right, and whether the note is about it; one array a note.
        """
        codes: dict[str, NDArray[np.float32]] = {}
        phrases: dict[tuple[str, str], NDArray[np.float32]] = {}
        for seen, good, about in zip(sightings, right, central, strict=True):
            for at in np.flatnonzero(seen.affirmed).tolist():
                one = np.array((1.0, good[at], about[at]), dtype=np.float32)
                code, whole = seen.codes[at], bool(seen.whole[at])
                counts = codes.setdefault(code, np.zeros(6, dtype=np.float32))
                counts[:3] += one
                if whole:
                    counts[3:] += one
                phrase = _as_seen(seen.phrases[at], whole=whole), code
                phrases[phrase] = phrases.get(phrase, _NOTHING[:3]) + one
        phrases = {
            key: counts
            for key, counts in phrases.items()
            if not key[0].startswith(_IN_PART) or counts[_NAMED] >= _LEAST_IN_PART
        }
        words, kinds, weights, intercept = _weigh(sightings, right, central)
        return cls(
            codes=codes, phrases=phrases, words=words, weights=weights, kinds=kinds, intercept=intercept
        )

    def _row(self, word: str) -> int:
        """The row of a word as it stands in a note: that of its shape."""
        return self.words.get(_shape(word), len(self.words))

    def rows_of(self, table: TokenTable) -> NDArray[np.integer]:
        """The row in ``weights`` of each folded word of a note."""
        return self._rows.of(table.numbering, table.numbers)

    def columns(self, seen: Sighting) -> NDArray[np.float32]:
        """Features of the candidates of a note, shape ``(candidates, len(USAGE_NAMES))``."""
        here = slice(0, len(seen.codes))
        return self.columns_of(seen, here, places=seen.places(), rows=self._rows_of_words(seen.words))

    def columns_of(
        self, seen: Sighting, here: slice, *, places: NDArray[np.int64], rows: NDArray[np.integer]
    ) -> NDArray[np.float32]:
        """The same for some of the candidates.

        Parameters
        ----------
        seen
            The candidates of a note.
        here
            Those that are meant.
        places
            Of the words that are looked up, as the sighting gives them.
        rows
            Of the words of the note.
        """
        codes = seen.codes[here]
        out = np.empty((len(codes), len(USAGE_NAMES)), dtype=np.float32)
        if codes:
            phrases = map(_as_seen, seen.phrases[here], seen.whole[here].tolist())
            out[:, :-2] = self._rates_of(list(zip(phrases, codes, strict=True)), seen.categories[here])
            out[:, -2:] = self._context(seen.kinds[here], places[:, here], rows)
        return out

    def context(self, seen: Sighting) -> NDArray[np.float32]:
        """Log odds of the best mentions, by the words around and inside them, shape ``(candidates, 2)``."""
        return self._context(seen.kinds, seen.places(), self._rows_of_words(seen.words))

    def _rows_of_words(self, words: Sequence[str]) -> NDArray[np.integer]:
        return np.fromiter(map(self._row, words), np.intp, len(words))

    def _context(
        self, kinds: Sequence[str], places: NDArray[np.int64], rows: NDArray[np.integer]
    ) -> NDArray[np.float32]:
        size = len(rows)
        begins = np.empty(size + len(self._edges), dtype=np.intp)
        begins[:size] = rows
        begins[size:] = self._edges
        begins *= SLOT_COUNT
        at = begins.take(places)
        at += _SLOTS
        summed: NDArray[np.float32] = np.add.reduce(self._pairs.take(at).view(np.float32), axis=0)
        weights = summed.reshape(-1, 2)
        known, unknown = self._kinds, len(self.kinds)
        weights += self._kind_weights.take([known.get(kind, unknown) for kind in kinds], axis=0)
        return weights

    def told(self, phrase: str, code: str, *, whole: bool) -> tuple[int, int] | None:
        """Practice notes in which a phrase stood, affirmed, whole or in part; those of them with the code."""
        counts = self.phrases.get((_as_seen(phrase, whole=whole), code))
        return None if counts is None else (int(counts.item(_NAMED)), int(counts.item(_RIGHT)))

    def _rates_of(self, keys: Sequence[tuple[str, str]], categories: Sequence[str]) -> NDArray[np.float32]:
        """All columns but the last two, of phrases as they are counted with their codes.

        Rates are kept once worked out: the values as they lie in memory, not places in a table, as threads
        share a usage.
        """
        known = self._known
        rows = list(map(known.get, keys))
        if None in rows:
            for number, key in enumerate(keys):
                if rows[number] is None:
                    if len(known) >= _KEPT:
                        known.clear()
                    rates = np.array(self._rates(*key, categories[number]), dtype=np.float32)
                    rows[number] = known[key] = rates.tobytes()
        return np.frombuffer(b"".join(filter(None, rows)), dtype=np.float32).reshape(len(rows), -1)

    def _rates(self, phrase: str, code: str, category: str) -> tuple[float, ...]:
        t, k = self._total, self._categories.get(category, _NOTHING)
        c, p = self.codes.get(code, _NOTHING), self.phrases.get((phrase, code), _NOTHING)
        of_all = float(t[_ALL_RIGHT] / max(t[_ALL_NAMED], 1.0))
        of_any = float(t[_RIGHT] / max(t[_NAMED], 1.0))
        core = float(t[_ALL_CORE] / max(t[_ALL_NAMED], 1.0))
        category_rate = _shrunk(k[_ALL_RIGHT], k[_ALL_NAMED], of_all, _CATEGORY_PRIOR)
        code_rate = _shrunk(c[_ALL_RIGHT], c[_ALL_NAMED], category_rate, _CODE_PRIOR)
        any_rate = _shrunk(k[_RIGHT], k[_NAMED], of_any, _ANY_CATEGORY_PRIOR)
        core_rate = _shrunk(k[_ALL_CORE], k[_ALL_NAMED], core, _CATEGORY_PRIOR)
        code_core_rate = _shrunk(c[_ALL_CORE], c[_ALL_NAMED], core_rate, _CODE_PRIOR)
        prior, core_prior = code_rate, code_core_rate
        if phrase.startswith(_IN_PART):
            prior, core_prior = (_rate_in_part(t, k, c, column) for column in (_RIGHT, _CORE))
        return (
            category_rate,
            code_rate,
            _shrunk(p[_RIGHT], p[_NAMED], prior, _PHRASE_PRIOR),
            any_rate,
            _shrunk(c[_RIGHT], c[_NAMED], any_rate, _ANY_CODE_PRIOR),
            code_core_rate,
            _shrunk(p[_CORE], p[_NAMED], core_prior, _PHRASE_PRIOR),
            float(np.log1p(k[_ALL_NAMED])),
            float(np.log1p(c[_ALL_NAMED])),
            float(np.log1p(p[_NAMED])),
        )

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Named arrays to store."""
        return {
            f"{prefix}.codes": text_array(self.codes),
            f"{prefix}.code_counts": np.array(list(self.codes.values()), dtype=np.float32).reshape(-1, 6),
            f"{prefix}.phrases": text_array("\t".join(key) for key in self.phrases),
            f"{prefix}.phrase_counts": np.array(list(self.phrases.values()), dtype=np.float32).reshape(-1, 3),
            f"{prefix}.words": text_array(self.words),
            f"{prefix}.weights": self.weights,
            f"{prefix}.kinds": text_array(self.kinds),
            f"{prefix}.kind_weights": np.array(list(self.kinds.values()), dtype=np.float32).reshape(-1, 2),
            f"{prefix}.intercept": self.intercept,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> Self:
        """From stored arrays.

        Raises
        ------
        ValueError
            If there are not as many names as numbers of one kind: they would belong to others.
        """
        words, weights = lines_of(arrays[f"{prefix}.words"]), arrays[f"{prefix}.weights"]
        if len(words) + 1 != len(weights):
            raise ValueError(f"weights of {len(weights) - 1} words, but {len(words)} words")
        pairs = [tuple(line.split("\t")) for line in lines_of(arrays[f"{prefix}.phrases"])]
        return cls(
            codes=dict(
                zip(lines_of(arrays[f"{prefix}.codes"]), arrays[f"{prefix}.code_counts"], strict=True)
            ),
            phrases=dict(
                zip(
                    [(phrase, code) for phrase, code in pairs], arrays[f"{prefix}.phrase_counts"], strict=True
                )
            ),
            words={word: row for row, word in enumerate(words)},
            weights=weights,
            kinds=dict(
                zip(lines_of(arrays[f"{prefix}.kinds"]), arrays[f"{prefix}.kind_weights"], strict=True)
            ),
            intercept=arrays[f"{prefix}.intercept"],
        )


def _shrunk(right: float, named: float, prior: float, weight: float) -> float:
    return float((right + weight * prior) / (named + weight))


def _rate_in_part(
    total: NDArray[np.float32], category: NDArray[np.float32], code: NDArray[np.float32], column: int
) -> float:
    """How often a code was right, or what a note was about, of which but part of the words was there."""
    t, k, c = (counts[:3] - counts[3:] for counts in (total, category, code))
    of_category = _shrunk(k[column], k[_NAMED], float(t[column] / max(t[_NAMED], 1.0)), _CATEGORY_PRIOR)
    return _shrunk(c[column], c[_NAMED], of_category, _CODE_PRIOR)


def _as_seen(phrase: str, whole: bool) -> str:
    """A phrase as it is counted."""
    return phrase if whole else _IN_PART + phrase


def _shape(word: str) -> str:
    """A word with its digits alike; a line end has a name, as words are stored in lines."""
    if word.isalpha():
        return word
    return _LINE_END if "\n" in word else _DIGIT.sub("0", word)


def _weigh(
    sightings: Sequence[Sighting],
    right: Sequence[NDArray[np.bool_]],
    central: Sequence[NDArray[np.bool_]],
) -> tuple[dict[str, int], dict[str, NDArray[np.float32]], NDArray[np.float32], NDArray[np.float32]]:
    """Rows of words, weights of section kinds, weights of words by slot, and intercepts.

    Logistic regressions of being right, and of being what the note is about, on the words around and inside
    the affirmed mentions.
    """
    from sklearn.linear_model import LogisticRegression

    words: dict[str, int] = {}
    kinds: dict[str, int] = {}
    table, chosen = _design(sightings, words, kinds)
    weights = np.zeros((table.shape[1], 2), dtype=np.float32)
    intercept = np.zeros(2, dtype=np.float32)
    for number, wanted in enumerate((right, central)):
        target = np.concatenate([good[at] for good, at in zip(wanted, chosen, strict=True)] or [_NEVER])
        if target.any() and not target.all():
            model = LogisticRegression(C=_STRENGTH, solver="liblinear", max_iter=200, random_state=0)
            model.fit(table, target)
            weights[:, number], intercept[number] = model.coef_[0], model.intercept_[0]
    split = len(words) * SLOT_COUNT
    of_words = weights[:split].reshape(len(words), SLOT_COUNT, 2)
    used = np.flatnonzero(np.abs(of_words).max(axis=(1, 2), initial=0.0) > 0)
    names = list(words)
    return (
        {names[row]: number for number, row in enumerate(used.tolist())},
        dict(zip(kinds, weights[split:], strict=True)),
        np.concatenate([of_words[used], np.zeros((1, SLOT_COUNT, 2), dtype=np.float32)]),
        intercept,
    )


def _design(
    sightings: Sequence[Sighting], words: dict[str, int], kinds: dict[str, int]
) -> tuple[csr_matrix, list[NDArray[np.intp]]]:
    """Mentions by columns of word and slot and of section kind; and which candidates of each note they are.

    Words and kinds are numbered as they are met.
    """
    from scipy.sparse import csr_matrix

    rows: list[NDArray[np.int64]] = []
    columns: list[NDArray[np.int64]] = []
    sections: list[int] = []
    all_chosen: list[NDArray[np.intp]] = []
    size = 0
    edges = (words.setdefault(_LEFT_EDGE, len(words)), words.setdefault(_RIGHT_EDGE, len(words)))
    for seen in sightings:
        chosen = np.flatnonzero(seen.affirmed & seen.fitting)
        ids = [words.setdefault(_shape(word), len(words)) for word in seen.words]
        found = np.array((*ids, *edges, -1))[seen.places()[:, chosen]]
        slot, row = np.nonzero(found >= 0)
        rows.append(row + size)
        columns.append(found[slot, row] * SLOT_COUNT + SLOTS[slot])
        sections += [kinds.setdefault(seen.kinds[at], len(kinds)) for at in chosen.tolist()]
        all_chosen.append(chosen)
        size += len(chosen)
    row, column = np.concatenate(rows or [_NONE]), np.concatenate(columns or [_NONE])
    often = np.bincount(column, minlength=len(words) * SLOT_COUNT) >= _LEAST_SEEN
    row, column = row[often[column]], column[often[column]]
    row = np.concatenate([row, np.arange(size)])
    column = np.concatenate([column, np.array(sections, dtype=np.int64) + len(words) * SLOT_COUNT])
    shape = (size, len(words) * SLOT_COUNT + len(kinds))
    table = csr_matrix((np.ones(len(row), dtype=np.float32), (row, column)), shape=shape)
    table.sum_duplicates()
    return table, all_chosen
