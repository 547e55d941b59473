"""Which ids were seen, in 16 bytes each whatever their length."""

from __future__ import annotations

import hashlib

import numpy as np

__all__ = ["SeenIds"]


class SeenIds:
    """A set of ids that only grows, kept as 128-bit hashes in an open table.

    Two different ids with one hash would make the second an error; among a hundred million ids the chance
    of that is below 2e-23.
    """

    def __init__(self) -> None:
        self._table = np.zeros((1024, 2), dtype=np.uint64)
        self._count = 0

    def add(self, name: str) -> bool:
        """Add an id; False if it was there already."""
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        low, high = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
        if not self._put(self._table, low or 1, high):  # a zero marks an empty place
            return False
        self._count += 1
        if 2 * self._count > len(self._table):
            self._grow()
        return True

    @staticmethod
    def _put(table: np.ndarray[tuple[int, int], np.dtype[np.uint64]], low: int, high: int) -> bool:
        mask = len(table) - 1
        at = high & mask
        while (found := int(table[at, 0])) != 0:
            if found == low and int(table[at, 1]) == high:
                return False
            at = (at + 1) & mask
        table[at, 0], table[at, 1] = low, high
        return True

    def _grow(self) -> None:
        old = self._table
        self._table = np.zeros((2 * len(old), 2), dtype=np.uint64)
        for low, high in old[old[:, 0] != 0].tolist():
            self._put(self._table, low, high)
