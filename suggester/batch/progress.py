"""Progress of a batch, for a person at a terminal or in a log."""

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
    share
        How much of the input was taken, 0 to 1, or None where nobody knows; for the time left.
    """

    def __init__(
        self,
        stream: TextIO | None,
        *,
        every: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        share: Callable[[], float | None] | None = None,
    ) -> None:
        self._stream = stream
        self._terminal = stream is not None and stream.isatty()
        self._every = every if every is not None else 0.2 if self._terminal else 10.0
        self._clock = clock
        self.share = share
        self._began = self._said = clock()
        self.done = 0
        self.failed = 0
        self.resumed = 0
        self.in_hand = 0

    def begin(self) -> None:
        """Count the time from now on: what was before was loading."""
        self._began = self._said = self._clock()

    def advance(self, *, failed: bool) -> None:
        """Count one note."""
        self.add(1, failed=int(failed))

    def add(self, done: int, *, failed: int = 0, resumed: bool = False) -> None:
        """Count notes; ``resumed`` ones were done by an earlier run and count in no rate."""
        self.done += done
        self.failed += failed
        if resumed:
            self.resumed += done
        self.tick()

    def tick(self, in_hand: int = 0) -> None:
        """Say where it stands if it is time to; ``in_hand`` notes are done in shards that are not."""
        self.in_hand = in_hand
        if self._stream is not None and self._clock() - self._said >= self._every:
            self._say(end="" if self._terminal else "\n")

    def finish(self) -> None:
        """Report the end."""
        self.in_hand = 0
        self.share = None
        if self._stream is not None:
            self._say(end="\n")

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._began

    def _say(self, *, end: str) -> None:
        assert self._stream is not None  # noqa: S101 - callers looked
        self._said = self._clock()
        here = self.done - self.resumed + self.in_hand
        rate = here / max(self.seconds, 1e-9)
        start = "\r\x1b[2K" if self._terminal else ""
        failed = f", {self.failed} failed" if self.failed else ""
        resumed = f", {self.resumed} of them before" if self.resumed else ""
        left = self._left(rate)
        text = f"{self.done + self.in_hand} notes{failed}{resumed}, {rate:.1f} a second{left}"
        self._stream.write(f"{start}{text}{end}")
        self._stream.flush()

    def _left(self, rate: float) -> str:
        """What is left, from the share of the input that these notes came from; silent until it is known."""
        share = self.share() if self.share is not None else None
        done = self.done + self.in_hand
        if share is None or not 0 < share <= 1 or not done or rate <= 0:
            return ""
        seconds = max(0.0, done / share - done) / rate
        return f", {share:.0%} done, {_spoken(seconds)} left"


def _spoken(seconds: float) -> str:
    """A time as a person says it.

    >>> _spoken(20), _spoken(200), _spoken(20_000)
    ('20 s', '4 min', '5 h 34 min')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = -(-int(seconds) // 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"
