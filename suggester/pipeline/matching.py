"""Which terms of the index stand in a note: all words, or most of their weight, within one sentence.

The words of a term may be inflected, reordered and apart; how well they fit is measured, not decided here.
Everything is done on whole arrays: cost grows with the words of the note, not with the size of the index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.terms import DESCRIPTORS, TermIndex
from suggester.pipeline.wordids import WordIds

MIN_COVERAGE = 0.6
"""A match holds at least this share of the term's weight (the sum of its words' rarities)."""

COMPLETE = 0.999
"""Coverage from which all words of a term count as present."""

_LEADING = 4
"""So many words of each term are summed up before terms are looked at whole."""

_ONES = np.ones(_LEADING, dtype=np.float32)
_ROUNDING = np.float32(1e-3)
"""Room for rounding when a word is said to be needed."""

_CHUNK = 4096
"""Sentences are matched in runs of about this many words, so that cost stays linear in length."""

_MAX_WIDTH = 24
"""Words of one match lie at most this many content words apart."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Matched terms, one element a match.

    Attributes
    ----------
    term
        Term of the index.
    coverage
        Share of the term's weight that is there, in (0, 1].
    density
        Matched words over the width they are spread over, in (0, 1].
    hits
        Number of the term's words that are there.
    own
        Number of those words that the note itself writes (not a synonym's).
    weight
        Summed rarity (natural log) of the words that are there.
    first, final
        First and last token of the matched words.
    anchor
        Token of the rarest word.
    sentence
        Sentence index.
    dominated
        Whether the match lies inside a complete match of more weight (``pain`` in ``knee pain``). Partial
        matches that do are left out.
    """

    term: NDArray[np.int32]
    coverage: NDArray[np.float32]
    density: NDArray[np.float32]
    hits: NDArray[np.int32]
    own: NDArray[np.int32]
    weight: NDArray[np.float32]
    first: NDArray[np.int32]
    final: NDArray[np.int32]
    anchor: NDArray[np.int32]
    sentence: NDArray[np.int32]
    dominated: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.term)


class TermMatcher:
    """Matches the terms of an index.

    Parameters
    ----------
    terms
        The term index.
    min_coverage
        Smallest share of a term's weight that counts as a match.
    """

    def __init__(self, terms: TermIndex, *, min_coverage: float = MIN_COVERAGE) -> None:
        self._terms = terms
        self.min_coverage = min_coverage
        self._least = np.where(terms.term_complete, np.float32(COMPLETE), np.float32(min_coverage))
        self._present = np.zeros(len(terms.idf) + 2, dtype=np.bool_)
        self._one, self._other = self._needed()
        self._heft = np.zeros(len(terms.idf) + 1, dtype=np.float32)
        self._leading, self._rest = self._led()
        self._rarity = np.append(terms.idf, np.float32(0))
        self._slot = np.zeros(len(terms.idf) + 2, dtype=np.int32)
        self._slot[-1] = 1

    def _needed(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """For each term two words of which one must be there for the term to match, by their rarity.

        Where there are none such, an id that is always there; for terms that are not matched at all, one
        that never is.
        """
        terms = self._terms
        never = len(terms.idf)
        begin, stop = terms.term_ptr[:-1], terms.term_ptr[1:]
        spare = (np.float32(1.0) - self._least) * terms.term_weight + _ROUNDING
        second, third = (
            np.where(stop - begin > place, np.append(terms.term_word, [0] * 3)[begin + place], never)
            for place in (1, 2)
        )
        rarity = np.append(terms.idf, np.float32(0))
        alone = rarity[second] > spare
        either = alone | (rarity[second] + rarity[third] > spare)
        out = (np.where(either, second, never + 1), np.where(either & ~alone, third, never + 1))
        out[1][alone] = never
        for words in out:
            words[np.isin(terms.term_source, DESCRIPTORS)] = never
        return out[0].astype(np.int32), out[1].astype(np.int32)

    def _led(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The first words of each term, and what the words behind them may add over what the term needs.

        Terms that have fewer words are filled up with an id of no word.
        """
        terms = self._terms
        none = len(terms.idf)
        begin, stop = terms.term_ptr[:-1], terms.term_ptr[1:]
        padded = np.append(terms.term_word, [none] * _LEADING)
        columns = [np.where(stop - begin > place, padded[begin + place], none) for place in range(_LEADING)]
        leading = np.ascontiguousarray(np.stack(columns, axis=1), dtype=np.int32)
        rarity = np.append(terms.idf, np.float32(0))
        rest = terms.term_weight - rarity[leading].sum(axis=1)
        return leading, (np.maximum(rest, 0) - self._least * terms.term_weight + _ROUNDING).astype(np.float32)

    def match(self, words: WordIds) -> Matches:
        """All matches in a note, in the order of the sentences."""
        if len(words.ids) <= _CHUNK:
            return self._match(
                words.ids, words.place, words.last, words.sentence, words.own, words.place_token
            )
        parts = []
        run = words.sentence // max(1, _CHUNK * (int(words.sentence.max()) + 1) // len(words.ids))
        for number in np.unique(run):
            chosen = run == number
            parts.append(
                self._match(
                    words.ids[chosen],
                    words.place[chosen],
                    words.last[chosen],
                    words.sentence[chosen],
                    words.own[chosen],
                    words.place_token,
                )
            )
        names = Matches.__dataclass_fields__
        return Matches(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    def _in_sentence(
        self,
        ids: NDArray[np.int32],
        unique: NDArray[np.int32],
        sentence: NDArray[np.int32],
        here: NDArray[np.int32],
        term: NDArray[np.int32],
    ) -> NDArray[np.intp]:
        """Which terms have enough of their words in one sentence (``here``) to match there."""
        slot = self._slot
        slot[unique] = np.arange(2, len(unique) + 2, dtype=np.int32)
        first = int(sentence.min())
        has = np.zeros((int(sentence.max()) - first + 1, len(unique) + 2), dtype=np.bool_)
        has[:, 1] = True
        has[sentence - first, slot[ids]] = True
        here = here - first
        fits = (has[here, slot[self._one[term]]] | has[here, slot[self._other[term]]]).nonzero()[0]
        leading = self._leading[term[fits]]
        there = has[here[fits][:, None], slot[leading]]
        enough = (there * self._rarity[leading]) @ _ONES + self._rest[term[fits]] >= 0
        slot[unique] = 0
        return np.asarray(fits[enough], dtype=np.intp)

    def _match(
        self,
        ids: NDArray[np.int32],
        place: NDArray[np.int32],
        last: NDArray[np.int32],
        sentence: NDArray[np.int32],
        own: NDArray[np.bool_],
        place_token: tuple[int, ...],
    ) -> Matches:
        terms = self._terms
        present = self._present
        present[ids] = True
        present[-1] = True
        fresh = np.ones(len(ids), dtype=np.bool_)
        np.not_equal(ids[1:], ids[:-1], out=fresh[1:])
        unique = ids[fresh]
        chosen = _gather(terms.anchor_ptr[unique], terms.anchor_ptr[unique + 1], terms.anchor_term)
        chosen = chosen[present[self._one[chosen]] | present[self._other[chosen]]]
        heft = self._heft
        heft[unique] = terms.idf[unique]
        leading = heft[self._leading[chosen]]
        chosen = chosen[leading @ _ONES + self._rest[chosen] >= 0]
        heft[unique] = 0
        present[ids] = False
        present[-1] = False
        if not len(chosen):
            return _none()
        # every place of the anchor
        anchor_word = terms.term_word[terms.term_ptr[chosen]]
        low, high = np.searchsorted(ids, anchor_word, "left"), np.searchsorted(ids, anchor_word, "right")
        occurrence = _gather(low, high, np.arange(len(ids), dtype=np.int32))
        term = np.repeat(chosen, high - low)
        fits = self._in_sentence(ids, unique, sentence, sentence[occurrence], term)
        occurrence, term = occurrence[fits], term[fits]
        if not len(term):
            return _none()
        # the nearest place of each word of the term, in the anchor's sentence
        begin, stop = terms.term_ptr[term], terms.term_ptr[term + 1]
        count = stop - begin
        word = _gather(begin, stop, terms.term_word)
        starts = np.zeros(len(term), dtype=np.int64)
        np.cumsum(count[:-1], out=starts[1:])
        at = np.repeat(place[occurrence], count).astype(np.int64)
        here = np.repeat(sentence[occurrence], count)
        keys = (ids.astype(np.int64) << 32) | place
        wanted = (word.astype(np.int64) << 32) | at
        after = np.minimum(np.searchsorted(keys, wanted), len(ids) - 1)
        before = np.maximum(after - 1, 0)
        far = np.int64(1 << 30)
        ok_after = (ids[after] == word) & (sentence[after] == here)
        ok_before = (ids[before] == word) & (sentence[before] == here)
        gap_after = np.where(ok_after, np.abs(place[after] - at), far)
        gap_before = np.where(ok_before, np.abs(place[before] - at), far)
        nearest = np.where(gap_before < gap_after, before, after)
        hit = np.minimum(gap_before, gap_after) <= _MAX_WIDTH
        weight = np.add.reduceat(np.where(hit, terms.idf[word], np.float32(0)), starts)
        coverage = weight / np.maximum(terms.term_weight[term], np.float32(1e-6))
        first = np.minimum.reduceat(np.where(hit, place[nearest], np.int32(1 << 30)), starts)
        final = np.maximum.reduceat(np.where(hit, last[nearest], np.int32(-1)), starts)
        hits = np.add.reduceat(hit.astype(np.int32), starts)
        written = np.add.reduceat((hit & own[nearest]).astype(np.int32), starts)
        keep = coverage >= self._least[term]
        tokens = np.array(place_token, dtype=np.int32)
        first, final, hits = first[keep], final[keep], hits[keep]
        density = np.minimum(hits / (final - first + 1), 1.0).astype(np.float32)
        return _without_weak(
            {
                "term": term[keep].astype(np.int32),
                "coverage": np.minimum(coverage[keep], 1.0).astype(np.float32),
                "density": density,
                "hits": hits,
                "own": written[keep],
                "weight": weight[keep].astype(np.float32),
                "first": tokens[first],
                "final": tokens[final],
                "anchor": tokens[place[occurrence][keep]],
                "sentence": sentence[occurrence][keep],
            },
            first,
            final,
        )


_CLOSE = 0.5
"""Density from which a complete match may dominate what lies inside it."""


def _without_weak(
    columns: dict[str, NDArray[Any]], first: NDArray[np.int32], final: NDArray[np.int32]
) -> Matches:
    """Mark matches that lie inside a heavier complete one, and drop the partial ones among them.

    ``first`` and ``final`` are the places of their first and last words.
    """
    coverage, weight = columns["coverage"], columns["weight"]
    strong = (coverage >= COMPLETE) & (columns["density"] >= _CLOSE)
    inside = weight < heaviest_around(first, final, weight, strong) - np.float32(1e-4)
    keep = ~inside | (coverage >= COMPLETE)
    return Matches(**{name: values[keep] for name, values in columns.items()}, dominated=inside[keep])


def heaviest_around(
    first: NDArray[np.int32],
    final: NDArray[np.int32],
    weight: NDArray[np.float32],
    chosen: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """For each stretch of places the greatest weight of a chosen one that holds it whole, 0 without one.

    Chosen stretches are short, so a row for each width is filled from the row of the next wider one: work
    grows with the places, not with the pairs of stretches.
    """
    out = np.zeros(len(first), dtype=np.float32)
    if not chosen.any():
        return out
    width = (final - first).astype(np.int64)
    widest = int(width[chosen].max())
    begin = first - int(first.min())
    places = int(begin.max()) + 1
    rows = np.zeros((widest + 1, places), dtype=np.float32)
    np.maximum.at(rows.ravel(), width[chosen] * places + begin[chosen], weight[chosen])
    for row in range(widest - 1, -1, -1):
        wider = rows[row + 1]
        np.maximum(rows[row], wider, out=rows[row])
        np.maximum(rows[row, 1:], wider[:-1], out=rows[row, 1:])
    fits = width <= widest
    out[fits] = rows[width[fits], begin[fits]]
    return out


_COUNT = np.arange(1 << 16, dtype=np.int64)
"""Numbers from 0, for ranges of usual length."""


def _gather(
    begin: NDArray[np.int32], stop: NDArray[np.int32], values: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Concatenate ``values[b:s]`` for every pair of bounds."""
    lengths = stop - begin
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    count = _COUNT[:total] if total <= len(_COUNT) else np.arange(total)
    return np.asarray(values[np.repeat(begin - ends + lengths, lengths) + count], dtype=np.int32)


def _none() -> Matches:
    whole = np.zeros(0, dtype=np.int32)
    real = np.zeros(0, dtype=np.float32)
    return Matches(whole, real, real, whole, whole, real, whole, whole, whole, whole, whole.astype(np.bool_))
