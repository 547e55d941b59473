"""Shards done by Ray actors, on this machine or on those of a Ray cluster.

Each actor loads the engine once and runs the same shard function as every other way; parts, manifest and
output are written by the process that began the run. An actor that dies is replaced: the notes it had in
hand are done again one at a time, and one that kills its actor again is a failure. Needs the extra ``ray``.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from suggester.batch.engine import EngineFactory
from suggester.batch.executors import Stop
from suggester.batch.guard import memory_limit
from suggester.batch.manifest import identity_of
from suggester.batch.outcomes import where_raised
from suggester.batch.pieces import OpenShard, Piece, died_twice
from suggester.batch.shards import Item, Shard
from suggester.batch.work import Done, Job, failed, join, too_slow, work
from suggester.config import Settings
from suggester.errors import ConfigError, InputError, SuggesterError

__all__ = ["RayExecutor", "ray_executor"]

_TICK = 0.1
_GRACE = 10.0
"""Seconds that a piece may pass the time of all its notes before its actor is killed."""
_DEATHS = 5


def ray_executor(settings: Settings, factory: EngineFactory, job: Job, workers: int) -> RayExecutor:
    """Actors of the Ray cluster that ``RAY_ADDRESS`` names, or of a Ray started here.

    Raises
    ------
    ConfigError
        If Ray is not installed.
    """
    try:
        import ray
    except ImportError:
        raise ConfigError("Ray is not installed: pip install 'suggester[ray]'") from None
    return RayExecutor(ray, settings=settings, factory=factory, job=job, workers=workers)


class _Reader:
    """What an actor is: an engine, loaded once."""

    def __init__(self, factory: EngineFactory, settings: Settings, job: Job) -> None:
        self._job = job
        self._problem: SuggesterError | None = None
        try:
            self._engine = factory(settings)
        except SuggesterError as error:
            self._problem = error
        except Exception as error:
            self._problem = SuggesterError(
                f"the engine cannot be loaded: {type(error).__name__} at {where_raised(error)}"
            )

    def identity(self) -> dict[str, str] | SuggesterError:
        return self._problem or identity_of(self._engine)

    def do(self, items: tuple[Item, ...]) -> Done:
        with memory_limit(self._job.guard.memory_mb):
            return work(self._engine, items, job=self._job)


@dataclass(slots=True)
class _Busy:
    """An actor at work: on what, since when, and whether it was killed for taking too long."""

    actor: Any
    piece: Piece
    since: float
    hung: bool = False


class RayExecutor:
    """Ray actors.

    Parameters
    ----------
    ray
        The module, so that a missing one is an error of whoever asked.
    settings, factory, job, workers
        As for ``suggester.batch.pool.Pool``.
    """

    def __init__(
        self, ray: Any, *, settings: Settings, factory: EngineFactory, job: Job, workers: int
    ) -> None:
        self._ray = ray
        self._job = job
        self._count = workers
        self._started = not ray.is_initialized()
        if self._started:
            ray.init(
                logging_level="ERROR", log_to_driver=False, include_dashboard=False, configure_logging=False
            )
        actor = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(_Reader)
        self._new: Callable[[], Any] = partial(actor.remote, factory, settings, job)
        self._idle: list[Any] = []
        self._busy: dict[Any, _Busy] = {}
        self._pieces: deque[Piece] = deque()
        self._open: dict[int, OpenShard] = {}
        self._identity: Mapping[str, str] | None = None
        self._deaths = 0

    def identity(self) -> Mapping[str, str]:
        """Start the actors, and say what engine they all have.

        Raises
        ------
        SuggesterError
            If the engine cannot be loaded, actors die loading it, or machines have different ones.
        """
        while self._identity is None or len(self._idle) < self._count:
            self._start()
        return self._identity

    def _start(self) -> None:
        actor = self._new()
        try:
            said = self._ray.get(actor.identity.remote())
        except self._ray.exceptions.RayActorError:
            self._died()
            return
        if isinstance(said, SuggesterError):
            raise said
        if self._identity is not None and said != self._identity:
            raise SuggesterError(
                "the machines have not the same engine: bring version, model and code sets in line"
            )
        self._identity = said
        self._idle.append(actor)

    def results(self, shards: Iterator[Shard], *, stop: Stop) -> Iterator[tuple[Shard, Done]]:
        """Do the shards; those in hand are as many as the actors, and one more each."""
        more = True
        while True:
            while more and not stop and len(self._open) < 2 * self._count:
                shard = next(shards, None)
                if shard is None:
                    more = False
                else:
                    self._open[shard.number] = OpenShard(shard, len(shard.items))
                    self._pieces.append(Piece(shard, 0, len(shard.items)))
            if stop:
                self._pieces.clear()
            if (stop and (not self._busy or stop.overdue)) or not self._open:
                return
            self._step()
            for number in [n for n, item in self._open.items() if not item.missing]:
                whole = self._open.pop(number)
                yield whole.shard, join(whole.done[start] for start in sorted(whole.done))

    def finished(self) -> int:
        """Records done in shards that are still in hand."""
        return sum(len(item.shard.items) - item.missing for item in self._open.values())

    def close(self) -> None:
        """End the actors, and Ray where it was started here."""
        for actor in [*self._idle, *(busy.actor for busy in self._busy.values())]:
            self._ray.kill(actor)
        self._idle.clear()
        self._busy.clear()
        if self._started:
            self._ray.shutdown()

    def _step(self) -> None:
        while self._pieces and (self._idle or len(self._busy) < self._count):
            if not self._idle:
                self._start()
                continue
            actor, piece = self._idle.pop(), self._pieces.popleft()
            self._busy[actor.do.remote(piece.items)] = _Busy(actor, piece, time.monotonic())
        ready, _ = self._ray.wait(list(self._busy), num_returns=1, timeout=_TICK)
        for handle in ready:
            busy = self._busy.pop(handle)
            try:
                done = self._ray.get(handle)
            except self._ray.exceptions.RayActorError:
                self._bury(busy)
            else:
                self._deaths = 0
                self._settle(busy.piece, done)
                self._idle.append(busy.actor)
        now = time.monotonic()
        for busy in self._busy.values():
            most = self._job.guard.seconds * (busy.piece.end - busy.piece.start) + _GRACE
            if now - busy.since > most and not busy.hung:
                busy.hung = True
                self._ray.kill(busy.actor)

    def _settle(self, piece: Piece, done: Done) -> None:
        self._open[piece.shard.number].settle(piece, done)

    def _bury(self, busy: _Busy) -> None:
        """Do the notes of a dead actor again, one at a time; one that was alone twice is a failure."""
        piece = busy.piece
        item = piece.shard.items[piece.start]
        if piece.end - piece.start > 1:
            self._pieces.extendleft(
                Piece(piece.shard, at, at + 1) for at in range(piece.end - 1, piece.start - 1, -1)
            )
        elif busy.hung and not isinstance(item, InputError):
            self._settle(piece, failed(too_slow(item, self._job.guard)))
        elif isinstance(item, InputError) or not piece.tries:
            self._pieces.appendleft(Piece(piece.shard, piece.start, piece.end, tries=piece.tries + 1))
        else:
            self._settle(piece, died_twice(item.id))
        self._died()

    def _died(self) -> None:
        self._deaths += 1
        if self._deaths >= 8 * _DEATHS or (self._identity is None and self._deaths >= _DEATHS):
            raise SuggesterError(
                f"Ray actors died {self._deaths} times in a row, so it is not the notes;"
                " check the memory of the machines"
            )
