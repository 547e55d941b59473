"""A time for one piece of work, kept by an alarm signal."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["TimeIsUpError", "time_limit"]


class TimeIsUpError(BaseException):
    """The time is up. Not an ``Exception``, so that no handler on the way takes it for one."""


def _ring(_number: int, frame: FrameType | None) -> None:
    if not _goes_unheard(frame):
        raise TimeIsUpError


def _goes_unheard(frame: FrameType | None) -> bool:
    """Whether what is raised in a frame goes nowhere: in a destructor, or a callback of the collector."""
    callbacks = [getattr(one, "__code__", None) for one in gc.callbacks]
    while frame is not None:
        if frame.f_code.co_name == "__del__" or frame.f_code in callbacks:
            return True
        frame = frame.f_back
    return False


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
        # Again and again: an alarm says nothing where a destructor runs, and may be lost in other handlers.
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
