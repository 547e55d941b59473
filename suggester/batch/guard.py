"""How long and how much memory one note may take, so that it costs itself and never its worker.

Time is kept by an alarm (``suggester.notes.deadline``); what does not listen to it is ended by whoever
watches the worker (``suggester.batch.pool``). Memory is kept by the limit on private data (``RLIMIT_DATA``):
an allocation over it is a ``MemoryError`` of the note.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from suggester.notes.deadline import TimeIsUpError, time_limit

__all__ = ["Guard", "TimeIsUpError", "memory_limit", "time_limit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Most seconds that one note may take, and most memory in MB of the process that reads it."""

    seconds: float = 120.0
    memory_mb: int = 4_096


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
