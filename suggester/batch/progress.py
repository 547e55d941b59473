"""How far a batch is, on a terminal or in a log."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

__all__ = ["Progress"]


class Progress:
    """Counts notes and says so on a stream: on one line of a terminal, or now and then in a log.

    Parameters
    ----------
    stream
        Where to write, standard error as a rule; None is silent.
    every
        Seconds between two reports; a fifth of a second on a terminal and ten seconds elsewhere by default.
    clock
        Seconds from any start, rising.
    """

    def __init__(
        self,
        stream: TextIO | None,
        *,
        every: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._terminal = stream is not None and stream.isatty()
        self._every = every if every is not None else 0.2 if self._terminal else 10.0
        self._clock = clock
        self._began = self._said = clock()
        self.done = 0
        self.failed = 0

    def advance(self, *, failed: bool) -> None:
        """Count one note."""
        self.done += 1
        self.failed += failed
        if self._stream is not None and self._clock() - self._said >= self._every:
            self._say(end="" if self._terminal else "\n")

    def finish(self) -> None:
        """Report the end."""
        if self._stream is not None:
            self._say(end="\n")

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._began

    def _say(self, *, end: str) -> None:
        assert self._stream is not None  # noqa: S101 - callers looked
        self._said = self._clock()
        rate = self.done / max(self.seconds, 1e-9)
        start = "\r\x1b[2K" if self._terminal else ""
        failed = f", {self.failed} failed" if self.failed else ""
        self._stream.write(f"{start}{self.done} notes{failed}, {rate:.1f} a second{end}")
        self._stream.flush()
