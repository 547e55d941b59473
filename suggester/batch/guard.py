"""How long and how much memory one note may take, so that it costs itself and never its worker.

Time is kept by an alarm signal, which ends Python code and, as the interpreter looks for signals there too,
regular expressions; what does not listen is ended by whoever watches the worker (``suggester.batch.pool``).
Memory is kept by the limit on private data (``RLIMIT_DATA``): an allocation over it is a ``MemoryError`` of
the note. Both work in the main thread of a process on Linux; elsewhere there is no guard.
"""

from __future__ import annotations

import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

__all__ = ["Guard", "NoteTooSlowError", "memory_limit", "time_limit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Most seconds that one note may take, and most memory in MB of the process that reads it."""

    seconds: float = 120.0
    memory_mb: int = 4_096


class NoteTooSlowError(BaseException):
    """The time of a note is up. Not an ``Exception``, so that no handler on the way takes it for one."""


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise NoteTooSlowError


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise ``NoteTooSlowError`` in the block once it has taken so long; in the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def memory_limit(megabytes: int) -> Iterator[None]:
    """Make allocations that pass so many MB of private data a ``MemoryError``, in the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = megabytes * 1_000_000
    for bound in (soft, hard):
        if bound != resource.RLIM_INFINITY:
            wanted = min(wanted, bound)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
