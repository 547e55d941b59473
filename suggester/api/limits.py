"""What a caller may ask for at once: body size, notes a request, requests a minute, jobs at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["ApiLimits", "RateLimiter"]

_MOST_CALLERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiLimits:
    """Limits of the service.

    Parameters
    ----------
    body_bytes
        Largest request body; larger ones are refused while they arrive.
    note_chars
        Longest text of a note.
    notes
        Most notes a request.
    per_minute
        Requests a minute and caller, spent from a bucket of as many that refills evenly.
    jobs
        Batch jobs waiting or at work, of all callers.
    job_hours
        A finished job is deleted after so many hours.
    """

    body_bytes: int = 64 * 1024 * 1024
    note_chars: int = 2_000_000
    notes: int = 10_000
    per_minute: int = 600
    jobs: int = 16
    job_hours: float = 24.0


class RateLimiter:
    """A token bucket for each caller.

    Parameters
    ----------
    per_minute
        Size of a bucket and what flows back in a minute.
    clock
        Seconds, never going back.

    Examples
    --------
    >>> now = [0.0]
    >>> limiter = RateLimiter(60, clock=lambda: now[0])
    >>> sum(limiter.wait("a") == 0 for _ in range(61)), limiter.wait("a")
    (60, 1.0)
    >>> now[0] = 1.0
    >>> limiter.wait("a")
    0.0
    """

    def __init__(self, per_minute: int, *, clock: Callable[[], float]) -> None:
        self._size = float(per_minute)
        self._rate = per_minute / 60.0
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, caller: str) -> float:
        """Seconds to wait before the next request, 0 if it may pass now (and is counted)."""
        with self._lock:
            now = self._clock()
            left, since = self._buckets.pop(caller, (self._size, now))
            left = min(self._size, left + (now - since) * self._rate)
            wait = 0.0 if left >= 1.0 else (1.0 - left) / self._rate
            self._buckets[caller] = (left - 1.0 if not wait else left, now)
            while len(self._buckets) > _MOST_CALLERS:
                self._buckets.popitem(last=False)
            return wait
