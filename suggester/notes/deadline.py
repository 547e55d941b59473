"""A time for one piece of work, kept by an alarm signal."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

__all__ = ["TimeIsUpError", "time_limit"]

AGAIN = 0.5
"""Seconds to the next alarm, where one was not heard."""


class TimeIsUpError(BaseException):
    """The time is up. Not an ``Exception``, so that no handler on the way takes it for one."""


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise TimeIsUpError


@contextmanager
def _lost_without_a_word() -> Iterator[None]:
    """Print nothing where the alarm goes nowhere; the next one follows. Other errors go where they went.

    What is raised in a destructor, a callback of the garbage collector or of a weak reference, or a generator
    that is thrown away half read, reaches nobody: the interpreter hands it to ``sys.unraisablehook``.
    """
    before = sys.unraisablehook

    def hook(lost: UnraisableHookArgs, /) -> None:
        if lost.exc_type is not TimeIsUpError:
            before(lost)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise ``TimeIsUpError`` in the block once it has taken so long.

    It ends Python code, and regular expressions, where the interpreter looks for signals too. Only the main
    thread has signals: in others there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with _lost_without_a_word():
        before = signal.signal(signal.SIGALRM, _ring)
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
