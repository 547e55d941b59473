"""Who does the shards: what every way to run has in common, and the simplest one, this process."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Protocol

from suggester.batch.engine import Engine, EngineFactory
from suggester.batch.guard import memory_limit
from suggester.batch.manifest import identity_of
from suggester.batch.shards import Shard
from suggester.batch.work import Done, Job, work
from suggester.config import Settings

__all__ = ["DRAIN_SECONDS", "Executor", "Here", "Stop"]

DRAIN_SECONDS = 3.5
"""How long work in hand may go on after a stop; what is not done then is done by the next run."""


class Stop:
    """Says that the run is to stop: a signal handler sets it, executors look at it."""

    def __init__(self) -> None:
        self._since: float | None = None

    def set(self) -> None:
        """Ask the run to finish what it has in hand and stop."""
        if self._since is None:
            self._since = time.monotonic()

    def __bool__(self) -> bool:
        return self._since is not None

    @property
    def overdue(self) -> bool:
        """Whether the time to finish is up."""
        return self._since is not None and time.monotonic() - self._since > DRAIN_SECONDS


class Executor(Protocol):
    """A way to run: loads engines, does shards in any order."""

    def identity(self) -> Mapping[str, str]:
        """Load an engine and say what it is. Engines that are another one are refused later on."""
        ...

    def results(self, shards: Iterator[Shard], *, stop: Stop) -> Iterator[tuple[Shard, Done]]:
        """Do the shards; takes only a few ahead. Ends early once ``stop`` is set."""
        ...

    def finished(self) -> int:
        """Records done so far in shards that are still in hand."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class _OverdueError(BaseException):
    pass


class Here:
    """Does the shards in this process, one after another.

    Parameters
    ----------
    settings
        What the engine is made with.
    factory
        Makes the engine.
    job
        What to do with a note.
    """

    def __init__(self, *, settings: Settings, factory: EngineFactory, job: Job) -> None:
        self._settings = settings
        self._factory = factory
        self._job = job
        self._engine: Engine | None = None
        self._in_hand = 0

    def identity(self) -> Mapping[str, str]:
        """Load the engine and say what it is."""
        if self._engine is None:
            self._engine = self._factory(self._settings)
        return identity_of(self._engine)

    def results(self, shards: Iterator[Shard], *, stop: Stop) -> Iterator[tuple[Shard, Done]]:
        """Do the shards in order."""
        self.identity()
        assert self._engine is not None  # noqa: S101 - loaded just now
        for shard in shards:
            if stop:
                return
            self._in_hand = 0

            def before() -> None:
                if stop.overdue:
                    raise _OverdueError
                self._in_hand += 1

            try:
                with memory_limit(self._job.guard.memory_mb):
                    done = work(self._engine, shard.items, job=self._job, before=before)
            except _OverdueError:
                return
            self._in_hand = 0
            yield shard, done

    def finished(self) -> int:
        """Records done of the shard in hand."""
        return self._in_hand

    def close(self) -> None:
        """Nothing to let go of."""
