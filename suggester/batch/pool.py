"""Outcomes of many notes in input order, computed here or in worker processes, in bounded memory."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from suggester.batch.engine import Engine, EngineFactory
from suggester.batch.outcomes import Failure, Outcome, failure_of, outcome, where_raised
from suggester.config import Settings
from suggester.errors import InputError, SuggesterError
from suggester.types import Note

__all__ = ["outcomes"]

_WINDOW = 8
"""Notes in flight for each worker: enough to keep it busy, few enough to hold in memory."""

_DEATHS_IN_A_ROW = 5
"""Workers that die without a single note done in between; then it is not the notes."""


def outcomes(
    notes: Iterable[Note | InputError], *, settings: Settings, factory: EngineFactory, workers: int = 1
) -> Generator[Outcome, None, None]:
    """Yield the outcome of every note, in order, the same for any number of workers.

    Parameters
    ----------
    notes
        Notes, and the errors of those that could not be read, which come out as failures.
    settings
        What the engine is made with.
    factory
        Makes the engine, once in every worker process.
    workers
        Processes. One means this process.

    Raises
    ------
    SuggesterError
        If the engine cannot be loaded, or worker processes keep dying.
    """
    if workers == 1:
        engine = factory(settings)
        for note in notes:
            yield _unread(note) if isinstance(note, InputError) else outcome(engine, note)
        return
    pool = _Pool(settings=settings, factory=factory, workers=workers)
    try:
        yield from _in_order(notes, pool=pool, window=_WINDOW * workers)
    finally:
        pool.close()


def _unread(error: InputError) -> Failure:
    return failure_of(error, record=error.record)


type _Pending = Outcome | tuple[Note, Future[Outcome]]


def _in_order(notes: Iterable[Note | InputError], *, pool: _Pool, window: int) -> Iterator[Outcome]:
    pending: deque[_Pending] = deque()
    for note in notes:
        pending.append(_unread(note) if isinstance(note, InputError) else (note, pool.submit(note)))
        if len(pending) >= window:
            yield _first(pending, pool=pool)
    while pending:
        yield _first(pending, pool=pool)


def _first(pending: deque[_Pending], *, pool: _Pool) -> Outcome:
    """The outcome of the oldest note; where its worker died, all that was in flight is settled first."""
    first = pending[0]
    if isinstance(first, tuple):
        try:
            pending[0] = pool.result(first[1])
        except BrokenProcessPool:
            settled = pool.settle(list(pending))
            pending.clear()
            pending.extend(settled)
    done = pending.popleft()
    assert not isinstance(done, tuple)  # noqa: S101 - settled just now
    return done


class _Pool:
    """A process pool that is replaced when one of its processes dies."""

    def __init__(self, *, settings: Settings, factory: EngineFactory, workers: int) -> None:
        self._settings = settings
        self._factory = factory
        self._workers = workers
        self._deaths = 0
        self._executor: ProcessPoolExecutor | None = None

    def submit(self, note: Note) -> Future[Outcome]:
        """Hand out a note. Where the pool is broken the future says so, as for notes in flight."""
        if self._executor is None:
            # Spawned, not forked: the parent may hold threads and locks, and every platform does the same.
            self._executor = ProcessPoolExecutor(
                max_workers=self._workers,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_start,
                initargs=(self._factory, self._settings),
            )
        try:
            return self._executor.submit(_work, note)
        except BrokenProcessPool as error:
            broken: Future[Outcome] = Future()
            broken.set_exception(error)
            return broken

    def result(self, future: Future[Outcome]) -> Outcome:
        """Wait for an outcome.

        Raises
        ------
        BrokenProcessPool
            If a worker process died before this note was done.
        """
        result = future.result()
        self._deaths = 0
        return result

    def settle(self, pending: list[_Pending]) -> list[Outcome]:
        """Keep what was done before a process died; do the rest again, one note at a time in a fresh pool.

        One at a time, so that the note that kills its worker takes no other with it.
        """
        self.close()
        return [self._again(*item) if isinstance(item, tuple) else item for item in pending]

    def close(self) -> None:
        """Stop the processes; notes that have not begun are dropped."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None

    def _again(self, note: Note, future: Future[Outcome]) -> Outcome:
        if future.done() and not future.cancelled() and future.exception() is None:
            return future.result()
        try:
            return self.result(self.submit(note))
        except BrokenProcessPool:
            self.close()
        self._deaths += 1
        if self._deaths >= _DEATHS_IN_A_ROW:
            raise SuggesterError(
                f"worker processes died {self._deaths} times in a row, so it is not the notes;"
                " check the memory of the machine, or run with 1 worker to see more"
            )
        return Failure(
            record=note.id, code="worker_died", message="the worker process died on this note, twice"
        )


# --- in the worker process --------------------------------------------------------------------------

_loaded: Engine | SuggesterError | None = None


def _start(factory: EngineFactory, settings: Settings) -> None:
    """Load the engine, once. What goes wrong is kept for the first note: an initializer must not raise."""
    global _loaded
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _loaded = factory(settings)
    except SuggesterError as error:
        _loaded = error
    except Exception as error:
        _loaded = SuggesterError(
            f"the engine cannot be loaded: {type(error).__name__} at {where_raised(error)}"
        )


def _end_with_parent() -> None:
    """End this process when its parent is killed; a pool's workers would otherwise wait for work for ever."""
    process = multiprocessing.parent_process()
    if process is not None:
        process.join()
        os._exit(1)


def _work(note: Note) -> Outcome:
    if _loaded is None or isinstance(_loaded, SuggesterError):
        raise _loaded or SuggesterError("the worker process has no engine")
    return outcome(_loaded, note)
