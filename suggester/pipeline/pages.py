"""Where the words of some sentences stand: what the matcher looks up, as one table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_WIDTH = 24
"""Words of one match lie at most this many content words apart."""


class Page:
    """Where the words of some sentences stand: a table of sentences by different words.

    Attributes
    ----------
    unique
        The different ids, in order.
    begin, stop
        For each of them, its first entry and the one behind its last.
    slot
        For each id of the index its column, 0 for those that do not stand here.
    row
        For each entry, the first cell of its sentence.
    cells
        For each sentence and column the last entry there, -1 for none, plus one.
    rarity
        Rarity of what a cell holds: 0 for none, then that of each entry.
    heft
        Rarity of the word of each column.
    """

    def __init__(
        self,
        ids: NDArray[np.int32],
        place: NDArray[np.int32],
        sentence: NDArray[np.int32],
        rarity: NDArray[np.float32],
        slot: NDArray[np.int64],
        scratch: NDArray[np.int64],
    ) -> None:
        size = len(ids)
        self._ids, self._place, self._sentence = ids, place, sentence
        self.rarity = after(np.float32(0), rarity)
        fresh = np.empty(size, dtype=np.bool_)
        fresh[0] = True
        np.not_equal(ids[1:], ids[:-1], out=fresh[1:])
        self.begin = fresh.nonzero()[0]
        self.stop = np.empty_like(self.begin)
        self.stop[:-1], self.stop[-1] = self.begin[1:], size
        self.unique = ids[self.begin]
        self.heft = after(np.float32(0), rarity[self.begin])
        width = len(self.unique) + 1
        first, final = int(sentence.min()), int(sentence.max())
        size_of_table = (final - first + 1) * width
        self.row = (sentence - first).astype(np.int64) * width
        self._used = self.row + fresh.cumsum()
        self.slot = slot
        self.slot[self.unique] = np.arange(1, width)
        self.cells = scratch if size_of_table <= len(scratch) else np.zeros(size_of_table, dtype=np.int64)
        self.cells[self._used] = np.arange(1, size + 1)
        # entries of words that stand more than once in their sentence
        self._again = np.zeros(size + 1, dtype=np.bool_)
        again = (self._used[1:] == self._used[:-1]).nonzero()[0]
        self._again[again + 1] = True
        self._again[again + 2] = True

    def close(self) -> None:
        """Clear what is shared with the next page."""
        self.slot[self.unique] = 0
        self.cells[self._used] = 0

    def nearest(self, word: NDArray[np.int32], occurrence: NDArray[np.int64]) -> NDArray[np.int64]:
        """The entry of each word nearest to an entry in its sentence, the later of two, plus one.

        0 where it does not stand there, or too far away.
        """
        cell = self.cells.take(self.row.take(occurrence) + self.slot.take(word))
        place = self._place
        at = place.take(occurrence)
        several = self._again.take(cell).nonzero()[0]
        if len(several):
            cell[several] = self._nearest_of_several(word[several], occurrence[several], at[several]) + 1
        cell[np.abs(place.take(cell - 1) - at) > MAX_WIDTH] = 0
        return cell

    def _nearest_of_several(
        self, word: NDArray[np.int32], occurrence: NDArray[np.int64], at: NDArray[np.int32]
    ) -> NDArray[np.int64]:
        """``nearest`` for words that stand more than once in the sentence."""
        ids, place, sentence = self._ids, self._place, self._sentence
        here = sentence[occurrence]
        keys = (ids.astype(np.int64) << 32) | place
        wanted = (word.astype(np.int64) << 32) | at
        after = np.minimum(keys.searchsorted(wanted), len(ids) - 1)
        before = np.maximum(after - 1, 0)
        far = np.int64(1 << 30)
        ok_after = (ids[after] == word) & (sentence[after] == here)
        ok_before = (ids[before] == word) & (sentence[before] == here)
        gap_after = np.where(ok_after, np.abs(place[after] - at), far)
        gap_before = np.where(ok_before, np.abs(place[before] - at), far)
        return np.asarray(np.where(gap_before < gap_after, before, after), dtype=np.int64)


def ranges(
    begin: NDArray[Any], stop: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """All ranges ``[begin, stop)``, one behind another.

    Which range each number is of, the numbers, and where each range begins among them.
    """
    lengths = stop - begin
    starts = lengths.cumsum()
    starts -= lengths
    which = np.arange(len(lengths)).repeat(lengths)
    return which, np.arange(len(which)) + (begin - starts).take(which), starts


def after[Number: (np.int32, np.float32)](nothing: Number, values: NDArray[Number]) -> NDArray[Number]:
    """Values of the entries behind that of the cell that holds none."""
    out = np.empty(len(values) + 1, dtype=values.dtype)
    out[0] = nothing
    out[1:] = values
    return out
