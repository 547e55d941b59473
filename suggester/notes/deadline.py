"""A time for one piece of work, kept by an alarm signal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["TimeIsUpError", "time_limit"]


class TimeIsUpError(BaseException):
    """The time is up. Not an ``Exception``, so that no handler on the way takes it for one."""


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise TimeIsUpError


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise ``TimeIsUpError`` in the block once it has taken so long.

    It ends Python code, and regular expressions, where the interpreter looks for signals too. Only the main
    thread has signals: in others there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    try:
        # Again and again: a single alarm can be lost where a handler or destructor of a library runs.
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
