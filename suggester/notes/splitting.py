"""Streams of bytes into records: lines, and CSV rows. Memory stays bounded whatever the input holds.

Both work on bytes that are UTF-8 or another superset of ASCII, so that one record in a wrong encoding cannot
harm its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

__all__ = ["Fault", "split_lines", "split_rows"]

Fault = Literal["too_large", "after_quote", "open_quote"]
"""Why a record cannot be used: over the limit, words after a closing quote, or a quote never closed."""

_CELL_END = re.compile(rb"[,\r\n]")
_COMMA, _CR, _LF, _QUOTE = b',\r\n"'
_ENDS = (_COMMA, _CR, _LF)


def split_lines(chunks: Iterable[bytes], *, limit: int) -> Iterator[tuple[int, bytes | Fault]]:
    """Yield ``(line number, line without its line feed)``; a line over ``limit`` bytes is a fault."""
    number = 1
    line = bytearray()
    skipping = False
    for chunk in chunks:
        pieces = chunk.split(b"\n")
        for position, piece in enumerate(pieces):
            if not skipping:
                line += piece
                if len(line) > limit:
                    skipping = True
                    line.clear()
            if position < len(pieces) - 1:
                yield number, "too_large" if skipping else bytes(line)
                number += 1
                skipping = False
                line.clear()
    if line or skipping:
        yield number, "too_large" if skipping else bytes(line)


def split_rows(chunks: Iterable[bytes], *, limit: int) -> Iterator[tuple[int, list[bytes] | Fault]]:
    """Yield ``(number of its first line, cells)`` of comma-separated rows as RFC 4180 has them.

    Blank rows are left out. Line ends may be LF, CRLF or CR; those inside quotes stay as they are. A row over
    ``limit`` bytes or with words after a closing quote is a fault, and reading goes on after its end.
    """
    rows = _Rows(limit=limit)
    for chunk in chunks:
        yield from rows.feed(chunk)
    yield from rows.finish()


class _Rows:
    """The state between chunks: where in a row, a cell and a pair of quotes the next byte stands."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._state: Literal["start", "plain", "quoted", "closed"] = "start"
        self._line = 1
        self._first_line = 1
        self._after_cr = False
        self._size = 0
        self._cell = bytearray()
        self._cells: list[bytes] = []
        self._fault: Fault | None = None

    def feed(self, chunk: bytes) -> Iterator[tuple[int, list[bytes] | Fault]]:
        """Yield the rows that end in ``chunk``."""
        at = 0
        while at < len(chunk):
            if self._after_cr:
                self._after_cr = False
                if chunk[at] == _LF:
                    at += 1
                    continue
            if self._state == "quoted":
                at = self._quoted(chunk, at)
                continue
            byte = chunk[at]
            if byte in _ENDS:
                at += 1
                if byte == _COMMA:
                    self._end_cell()
                else:
                    self._after_cr = byte == _CR
                    yield from self._end_row()
            elif byte == _QUOTE and self._state in ("start", "closed"):
                if self._state == "closed":  # a doubled quote stands for one
                    self._keep(b'"')
                self._state = "quoted"
                at += 1
            else:
                if self._state == "closed":
                    self._fault = self._fault or "after_quote"
                self._state = "plain"
                at = self._plain(chunk, at)

    def finish(self) -> Iterator[tuple[int, list[bytes] | Fault]]:
        """Yield the last row where the input does not end with a line end."""
        if self._state == "quoted":
            self._fault = self._fault or "open_quote"
        yield from self._end_row()

    def _quoted(self, chunk: bytes, at: int) -> int:
        end = chunk.find(b'"', at)
        piece = chunk[at:] if end < 0 else chunk[at:end]
        self._line += piece.count(b"\n")
        self._keep(piece)
        if end < 0:
            return len(chunk)
        self._state = "closed"
        return end + 1

    def _plain(self, chunk: bytes, at: int) -> int:
        found = _CELL_END.search(chunk, at)
        end = found.start() if found else len(chunk)
        self._keep(chunk[at:end])
        return end

    def _keep(self, piece: bytes) -> None:
        self._grow(len(piece))
        if self._fault is None:
            self._cell += piece

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self._limit:
            self._fault = self._fault or "too_large"
        if self._fault is not None:
            self._cell.clear()
            self._cells.clear()

    def _end_cell(self) -> None:
        self._grow(1)
        if self._fault is None:
            self._cells.append(bytes(self._cell))
        self._cell.clear()
        self._state = "start"

    def _end_row(self) -> Iterator[tuple[int, list[bytes] | Fault]]:
        blank = self._state == "start" and not self._cells and self._fault is None
        if not blank:
            self._end_cell()
            yield self._first_line, self._fault or list(self._cells)
        self._cells.clear()
        self._size = 0
        self._fault = None
        self._state = "start"
        self._line += 1
        self._first_line = self._line
