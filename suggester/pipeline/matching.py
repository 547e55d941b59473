"""Which terms of the index stand in a note: all words, or most of their weight, within one sentence.

The words of a term may be inflected, reordered and apart; how well they fit is measured, not decided here.
Everything is done on whole arrays: cost grows with the words of the note, not with the size of the index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.terms import DESCRIPTORS, TermIndex
from suggester.pipeline.pages import Page, after, ranges
from suggester.pipeline.wordids import WordIds

MIN_COVERAGE = 0.6
"""A match holds at least this share of the term's weight (the sum of its words' rarities)."""

COMPLETE = 0.999
"""Coverage from which all words of a term count as present."""

_FIRST, _LEADING = 2, 7
"""So many words of each term behind its anchor, and then so many, are summed up before terms are looked at
whole."""

_ROUNDING = np.float32(1e-3)
"""Room for rounding when a word is said to be needed."""

_CHUNK = 4096
"""Sentences are matched in runs of about this many words, so that cost stays linear in length."""

_BLOCK = 1024
"""So many entries are looked at together: their table of sentences by words stays in the cache."""

_CELLS = 1 << 18
"""Cells of the table that is kept for the next block; larger ones are made anew."""

_OWN = 16
"""Two counts are summed up in one number, the second above this many bits."""


@dataclass(frozen=True)
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

    @cached_property
    def firsts(self) -> list[int]:
        """``first`` as a list; reading single elements of it costs less."""
        found: list[int] = self.first.tolist()
        return found

    @cached_property
    def finals(self) -> list[int]:
        """``final`` as a list."""
        found: list[int] = self.final.tolist()
        return found

    @cached_property
    def anchors(self) -> list[int]:
        """``anchor`` as a list."""
        found: list[int] = self.anchor.tolist()
        return found

    @cached_property
    def sentences(self) -> list[int]:
        """``sentence`` as a list."""
        found: list[int] = self.sentence.tolist()
        return found

    @cached_property
    def terms(self) -> list[int]:
        """``term`` as a list."""
        found: list[int] = self.term.tolist()
        return found


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
        self._slot = np.zeros(len(terms.idf) + 1, dtype=np.int64)
        self._cells = np.zeros(_CELLS, dtype=np.int64)
        # Terms that are matched at all, by their anchors: what a note looks at lies side by side.
        sought = ~np.isin(terms.term_source, DESCRIPTORS)[terms.anchor_term]
        self._term = terms.anchor_term[sought]
        self._anchor_ptr = np.append(0, np.cumsum(sought))[terms.anchor_ptr]
        begin, stop = terms.term_ptr[self._term], terms.term_ptr[self._term + 1]
        self._word = terms.term_word[ranges(begin, stop)[1]]
        self._ptr = np.append(0, np.cumsum(stop - begin)).astype(np.int32)
        self._weight = np.maximum(terms.term_weight[self._term], np.float32(1e-6))
        least = np.where(terms.term_complete, np.float32(COMPLETE), np.float32(min_coverage))
        self._least = least[self._term]
        self._behind, self._bound = self._led()

    def _led(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The words of each term behind its anchor, and what may be missing.

        The first ``_LEADING`` words, ``(_LEADING, terms)``, an id of no word where it has fewer; and
        ``(2, terms)`` how much is over when its anchor is there and all others but the first ``_FIRST``, or
        all but ``_LEADING``: where those of them that are there do not lift it above zero, the term cannot
        match.
        """
        none = len(self._terms.idf)
        count = np.diff(self._ptr)
        padded = np.append(self._word, np.full(_LEADING + 1, none, dtype=np.int32))
        columns = [
            np.where(count > place, padded[self._ptr[:-1] + place], np.int32(none))
            for place in range(1, _LEADING + 1)
        ]
        words = np.stack(columns)
        rarity = np.append(self._terms.idf, np.float32(0))
        over = self._weight - self._least * self._weight + _ROUNDING
        return words, np.stack([over - rarity[some].sum(axis=0) for some in (words[:_FIRST], words)])

    def match(self, words: WordIds) -> Matches:
        """All matches in a note, in the order of the sentences."""
        tokens = words.place_token
        if len(words.ids) <= _CHUNK:
            return self._match(words.ids, words.place, words.last, words.sentence, words.own, tokens)
        parts = [
            self._match(
                words.ids[run], words.place[run], words.last[run], words.sentence[run], words.own[run], tokens
            )
            for run in _runs(words.sentence, _CHUNK)
        ]
        names = Matches.__dataclass_fields__
        return Matches(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    def _match(
        self,
        ids: NDArray[np.int32],
        place: NDArray[np.int32],
        last: NDArray[np.int32],
        sentence: NDArray[np.int32],
        own: NDArray[np.bool_],
        place_token: tuple[int, ...],
    ) -> Matches:
        if not len(ids):
            return _none()
        if len(ids) <= _BLOCK:
            found = self._weigh(ids, place, last, sentence, own)
        else:
            parts = [
                self._weigh(ids[run], place[run], last[run], sentence[run], own[run])
                for run in _runs(sentence, _BLOCK)
            ]
            found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            order = np.argsort(found["chosen"], kind="stable")
            found = {name: values[order] for name, values in found.items()}
        if not len(found["chosen"]):
            return _none()
        return _without_weak(found, self._term, np.array(place_token, dtype=np.int32))

    def _weigh(
        self,
        ids: NDArray[np.int32],
        place: NDArray[np.int32],
        last: NDArray[np.int32],
        sentence: NDArray[np.int32],
        own: NDArray[np.bool_],
    ) -> dict[str, NDArray[Any]]:
        """What matches in some sentences: columns by name, terms as places in the list of anchored terms."""
        page = Page(ids, place, sentence, self._terms.idf.take(ids), self._slot, self._cells)
        try:
            chosen, occurrence = self._candidates(page)
            begin, stop = self._ptr.take(chosen), self._ptr.take(chosen + 1)
            owner, which, starts = ranges(begin, stop)
            cell = page.nearest(self._word.take(which), occurrence.take(owner))
        finally:
            page.close()
        weight = _reduce(np.add, page.rarity.take(cell), starts)
        coverage = weight / self._weight.take(chosen)
        keep = (coverage >= self._least.take(chosen)).nonzero()[0]
        first = _reduce(np.minimum, after(np.int32(1 << 30), place).take(cell), starts)[keep]
        final = _reduce(np.maximum, after(np.int32(-1), last).take(cell), starts)[keep]
        both = after(np.int32(0), own.astype(np.int32) << _OWN | 1)
        counted = _reduce(np.add, both.take(cell), starts)[keep]
        occurrence = occurrence[keep]
        return {
            "chosen": chosen[keep],
            "coverage": np.minimum(coverage[keep], np.float32(1.0)),
            "hits": counted & (1 << _OWN) - 1,
            "own": counted >> _OWN,
            "weight": weight[keep],
            "first": first,
            "final": final,
            "anchor": place[occurrence],
            "sentence": sentence[occurrence],
        }

    def _candidates(self, page: Page) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Terms that have enough of their words in the sentence of an occurrence of their anchor."""
        which, chosen, _ = ranges(self._anchor_ptr.take(page.unique), self._anchor_ptr.take(page.unique + 1))
        # enough in the note
        bound, bound_of_all = self._bound
        slots = [page.slot.take(words.take(chosen)) for words in self._behind[:_FIRST]]
        sums = bound.take(chosen)
        for slot in slots:
            sums += page.heft.take(slot)
        fits = (sums >= 0).nonzero()[0]
        # enough in the sentence of each occurrence of the anchor
        which = which.take(fits)
        here, occurrence, _ = ranges(page.begin.take(which), page.stop.take(which))
        here = fits.take(here)
        chosen, row = chosen.take(here), page.row.take(occurrence)
        sums = bound.take(chosen)
        for slot in slots:
            sums += page.rarity.take(page.cells.take(slot.take(here) + row))
        fits = (sums >= 0).nonzero()[0]
        chosen, occurrence = chosen.take(fits), occurrence.take(fits)
        # a second look at the longer ones
        long = (self._behind[_FIRST].take(chosen) < len(self._terms.idf)).nonzero()[0]
        more, fits = chosen.take(long), fits.take(long)
        row, sums = row.take(fits), sums.take(fits) + (bound_of_all.take(more) - bound.take(more))
        for words in self._behind[_FIRST:]:
            sums += page.rarity.take(page.cells.take(page.slot.take(words.take(more)) + row))
        dropped = np.zeros(len(chosen), dtype=np.bool_)
        dropped[long[sums < 0]] = True
        kept = (~dropped).nonzero()[0]
        return chosen.take(kept), occurrence.take(kept)


_CLOSE = 0.5
"""Density from which a complete match may dominate what lies inside it."""


def _without_weak(
    found: dict[str, NDArray[Any]], terms: NDArray[np.int64], tokens: NDArray[np.int32]
) -> Matches:
    """Mark matches that lie inside a heavier complete one, and drop the partial ones among them.

    ``found`` is of ``TermMatcher._weigh``, where ``first``, ``final`` and ``anchor`` are places; ``terms``
    are the anchored terms, ``tokens`` the tokens of the places.
    """
    coverage, weight, first, final = (found[name] for name in ("coverage", "weight", "first", "final"))
    density = np.minimum(found["hits"] / (final - first + 1), 1.0).astype(np.float32)
    whole = coverage >= COMPLETE
    inside = weight < heaviest_around(first, final, weight, whole & (density >= _CLOSE)) - np.float32(1e-4)
    keep = (~inside | whole).nonzero()[0]
    return Matches(
        term=terms[found["chosen"][keep]].astype(np.int32),
        coverage=coverage[keep],
        density=density[keep],
        hits=found["hits"][keep],
        own=found["own"][keep],
        weight=weight[keep],
        first=tokens[first[keep]],
        final=tokens[final[keep]],
        anchor=tokens[found["anchor"][keep]],
        sentence=found["sentence"][keep],
        dominated=inside[keep],
    )


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


def _reduce(function: np.ufunc, values: NDArray[Any], starts: NDArray[np.int64]) -> NDArray[Any]:
    """``function.reduceat``, which does not take empty arrays."""
    return np.asarray(function.reduceat(values, starts) if len(values) else values)


def _runs(sentence: NDArray[np.int32], size: int) -> Iterator[NDArray[np.bool_]]:
    """Entries of neighbouring sentences, about ``size`` in a run."""
    run = sentence // max(1, size * (int(sentence.max()) + 1) // len(sentence))
    for number in sorted(set(run.tolist())):
        yield run == number


def _none() -> Matches:
    whole = np.zeros(0, dtype=np.int32)
    real = np.zeros(0, dtype=np.float32)
    return Matches(whole, real, real, whole, whole, real, whole, whole, whole, whole, whole.astype(np.bool_))
