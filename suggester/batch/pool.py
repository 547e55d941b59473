"""Shards done by worker processes on this machine, each replaced when it dies or hangs.

A worker says through shared memory which note it is on and since when. Where it dies, the note it was on is
tried once more, alone; where it dies again, or hangs past the time of a note, that note is a failure. The
other notes of its shard are done as if nothing had been.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from suggester.batch.engine import EngineFactory
from suggester.batch.executors import Stop
from suggester.batch.guard import memory_limit
from suggester.batch.manifest import identity_of
from suggester.batch.outcomes import where_raised
from suggester.batch.pieces import OpenShard, Piece, died_twice
from suggester.batch.shards import Shard
from suggester.batch.work import Done, Job, failed, join, too_slow, work
from suggester.config import Settings
from suggester.errors import InputError, SuggesterError

__all__ = ["Pool"]

_TICK = 0.1
"""Seconds between two looks at the clocks of the workers."""
_GRACE = 2.0
"""Seconds that a note may pass its time before its worker is killed: its own alarm comes first."""
_LOADING_DEATHS = 5
"""Workers that die in a row before they have an engine; then it is not the notes."""
_WORKING_DEATHS = 40
"""Workers that die in a row on notes, without a single one done in between."""


class _Worker:
    """A process, the pipe to it, its clock (start of the note in hand, records begun) and its work."""

    def __init__(self, *, settings: Settings, factory: EngineFactory, job: Job) -> None:
        # Spawned, not forked: the parent may hold threads and locks, and every platform does the same.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.clock: Any = context.RawArray("d", 2)
        self.process: SpawnProcess = context.Process(
            target=_main, args=(theirs, factory, settings, job, self.clock), daemon=True
        )
        self.process.start()
        theirs.close()
        self.identity: Mapping[str, str] | None = None
        self.piece: Piece | None = None
        self.hung = False

    def give(self, piece: Piece) -> None:
        self.clock[0] = self.clock[1] = 0.0
        self.piece = piece
        with contextlib.suppress(OSError):  # it died just now, which the next look at its process tells
            self.pipe.send(piece.items)

    def end(self) -> None:
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self.pipe.close()


class Pool:
    """Worker processes on this machine.

    Parameters
    ----------
    settings
        What the engines are made with.
    factory
        Makes an engine, once in every process; a function of a module.
    job
        What to do with a note.
    workers
        Processes.
    """

    def __init__(self, *, settings: Settings, factory: EngineFactory, job: Job, workers: int) -> None:
        self._worker = partial(_Worker, settings=settings, factory=factory, job=job)
        self._job = job
        self._count = workers
        self._workers: list[_Worker] = []
        self._pieces: deque[Piece] = deque()
        self._open: dict[int, OpenShard] = {}
        self._identity: Mapping[str, str] | None = None
        self._loading_deaths = self._working_deaths = 0

    def identity(self) -> Mapping[str, str]:
        """Start the workers, wait for the first engine and say what it is.

        Raises
        ------
        SuggesterError
            If the engine cannot be loaded, or workers die loading it.
        """
        while self._identity is None:
            self._listen()
        return self._identity

    def results(self, shards: Iterator[Shard], *, stop: Stop) -> Iterator[tuple[Shard, Done]]:
        """Do the shards; those in hand are as many as the workers, and one more each.

        Raises
        ------
        SuggesterError
            If worker processes keep dying, or have not all the same engine.
        """
        more = True
        while True:
            while more and not stop and len(self._open) < 2 * self._count:
                shard = next(shards, None)
                if shard is None:
                    more = False
                else:
                    self._open[shard.number] = OpenShard(shard, len(shard.items))
                    self._pieces.append(Piece(shard, 0, len(shard.items)))
            if stop:  # only what a worker has in hand is still done
                self._pieces.clear()
            busy = any(worker.piece for worker in self._workers)
            if (stop and (not busy or stop.overdue)) or not self._open:
                return
            self._listen()
            for number in [n for n, item in self._open.items() if not item.missing]:
                whole = self._open.pop(number)
                yield whole.shard, join(whole.done[start] for start in sorted(whole.done))

    def finished(self) -> int:
        """Records begun or done in shards that are still in hand."""
        back = sum(len(item.shard.items) - item.missing for item in self._open.values())
        return back + sum(int(worker.clock[1]) for worker in self._workers if worker.piece)

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    # --- listening --------------------------------------------------------------------------------

    def _listen(self) -> None:
        """Keep the workers at work, wait a moment, and take what they say."""
        while len(self._workers) < self._count:
            self._workers.append(self._worker())
        self._give()
        by_handle: dict[Any, _Worker] = {}
        for worker in self._workers:
            by_handle[worker.pipe] = by_handle[worker.process.sentinel] = worker
        heard = wait(list(by_handle), timeout=_TICK)
        for worker in dict.fromkeys(by_handle[handle] for handle in heard):
            self._hear(worker)
        self._give()  # before anybody writes what came back: that takes a while
        now = time.monotonic()
        most = self._job.guard.seconds + _GRACE
        for worker in self._workers:
            if worker.piece and 0 < worker.clock[0] < now - most and not worker.hung:
                worker.hung = True
                worker.process.kill()

    def _give(self) -> None:
        for worker in self._workers:
            if worker.identity is not None and worker.piece is None and self._pieces:
                worker.give(self._pieces.popleft())

    def _hear(self, worker: _Worker) -> None:
        try:
            if worker.pipe.poll():
                self._take(worker, worker.pipe.recv())
                return
            if worker.process.is_alive():
                return
        except (EOFError, OSError):
            pass
        self._bury(worker)

    def _take(self, worker: _Worker, said: Mapping[str, str] | SuggesterError | Done) -> None:
        if isinstance(said, SuggesterError):
            raise said
        if not isinstance(said, Done):
            if self._identity is not None and said != self._identity:
                raise SuggesterError(
                    "worker processes have not the same engine: model or code sets changed during the run"
                )
            self._identity = worker.identity = said
            self._loading_deaths = 0
            return
        piece, worker.piece = worker.piece, None
        assert piece is not None  # noqa: S101 - a worker answers what it was given
        self._working_deaths = 0
        self._settle(piece, said)

    def _settle(self, piece: Piece, done: Done) -> None:
        self._open[piece.shard.number].settle(piece, done)

    # --- death ------------------------------------------------------------------------------------

    def _bury(self, worker: _Worker) -> None:
        """Replace a worker that died, and see to the note it was on."""
        worker.end()
        self._workers.remove(worker)
        piece = worker.piece
        if worker.identity is None:
            self._loading_deaths += 1
            self._check_deaths(self._loading_deaths, _LOADING_DEATHS)
            return
        if piece is None:
            return
        begun = int(worker.clock[1])
        self._working_deaths = 1 if begun > 1 else self._working_deaths + 1
        self._check_deaths(self._working_deaths, _WORKING_DEATHS)
        at = piece.start + max(begun - 1, 0)
        item = piece.shard.items[at]
        rest = [Piece(piece.shard, piece.start, at), Piece(piece.shard, at + 1, piece.end)]
        if isinstance(item, InputError) or not (worker.hung or piece.tries):
            rest.append(Piece(piece.shard, at, at + 1, tries=1))
        elif worker.hung:
            self._settle(Piece(piece.shard, at, at + 1), failed(too_slow(item, self._job.guard)))
        else:
            self._settle(Piece(piece.shard, at, at + 1), died_twice(item.id))
        self._pieces.extendleft(part for part in rest if part.start < part.end)

    def _check_deaths(self, count: int, most: int) -> None:
        if count >= most:
            raise SuggesterError(
                f"worker processes died {count} times in a row, so it is not the notes;"
                " check the memory of the machine, or run with 1 worker to see more"
            )


# --- in the worker process --------------------------------------------------------------------------


def _main(pipe: Connection, factory: EngineFactory, settings: Settings, job: Job, clock: Any) -> None:
    """Load the engine, say what it is, then do what comes down the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # and what a stop of the whole group means
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        engine = factory(settings)
        pipe.send(identity_of(engine))
    except SuggesterError as error:
        pipe.send(error)
        return
    except Exception as error:
        pipe.send(
            SuggesterError(f"the engine cannot be loaded: {type(error).__name__} at {where_raised(error)}")
        )
        return

    def before() -> None:
        clock[1] += 1
        clock[0] = time.monotonic()

    with memory_limit(job.guard.memory_mb):
        while True:
            try:
                items = pipe.recv()
            except EOFError:
                return
            done = work(engine, items, job=job, before=before)
            clock[0] = 0.0
            pipe.send(done)


def _end_with_parent() -> None:
    """End this process when its parent is killed; it would otherwise wait for work, or do it, for ever."""
    process = multiprocessing.parent_process()
    if process is not None:
        process.join()
        os._exit(1)
