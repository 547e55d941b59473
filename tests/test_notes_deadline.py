"""The alarm of a time limit: heard where work is done, and not lost where what is raised goes nowhere."""

from __future__ import annotations

import gc
import signal
import sys
import weakref
from collections.abc import Callable, Iterator
from threading import Thread

import pytest

from suggester.notes.deadline import TimeIsUpError, time_limit

SOON, ENDLESS = 0.05, 10_000_000
"""Seconds of the alarm; turns of a loop that outlasts it, but ends."""


def without_end(first: Callable[[], object]) -> None:
    """Do something, and then turn for ever."""
    first()
    while True:
        pass


def wait_for(rung: list[int]) -> None:
    """Turn until the alarm has rung."""
    for _ in range(ENDLESS):
        if rung:
            return


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows each time that the alarm rings."""
    heard: list[int] = []
    ring = signal.signal

    def counted(number: int, handler: object) -> object:
        if number != signal.SIGALRM or not callable(handler):
            return ring(number, handler)  # type: ignore[arg-type]

        def both(number: int, frame: object) -> None:
            heard.append(number)
            handler(number, frame)

        return ring(number, both)

    monkeypatch.setattr("suggester.notes.deadline.signal.signal", counted)
    return heard


def test_work_ends_when_its_time_is_up() -> None:
    with pytest.raises(TimeIsUpError), time_limit(SOON):
        without_end(list)


def test_work_in_time_is_left_alone_and_the_handler_before_is_back() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with time_limit(60.0):
        assert signal.getsignal(signal.SIGALRM) is not before
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_an_alarm_in_a_callback_of_the_garbage_collector_is_heard_behind_it(rung: list[int]) -> None:
    """What is raised there would be printed and forgotten, which pytest takes for an error."""

    def slow(phase: str, info: dict[str, int]) -> None:
        wait_for(rung)

    gc.callbacks.append(slow)
    try:
        with pytest.raises(TimeIsUpError), time_limit(SOON):
            without_end(gc.collect)
    finally:
        gc.callbacks.remove(slow)
    assert len(rung) >= 2


class _Plain:
    """Something to hold by a weak reference."""


def _with_destructor(rung: list[int]) -> None:
    class Slow:
        def __del__(self) -> None:
            wait_for(rung)

    Slow()


def _half_read_generator(rung: list[int]) -> None:
    def rows() -> Iterator[int]:
        try:
            yield 1
        finally:
            wait_for(rung)

    next(rows())


def _half_read_generator_in_a_ring(rung: list[int]) -> None:
    def rows(held: list[object]) -> Iterator[int]:
        try:
            yield len(held)
        finally:
            wait_for(rung)

    held: list[object] = []
    made = rows(held)
    held.append(made)
    next(made)
    del made, held
    gc.collect()


def _weak_reference(rung: list[int]) -> None:
    plain = _Plain()
    _seen = weakref.ref(plain, lambda _: wait_for(rung))
    del plain


@pytest.mark.parametrize(
    "thrown_away", [_with_destructor, _half_read_generator, _half_read_generator_in_a_ring, _weak_reference]
)
def test_an_alarm_is_heard_behind_what_reaches_nobody(
    rung: list[int], thrown_away: Callable[[list[int]], None]
) -> None:
    with pytest.raises(TimeIsUpError), time_limit(SOON):
        without_end(lambda: thrown_away(rung))
    assert len(rung) >= 2


def test_other_errors_that_reach_nobody_are_told_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: told.append(lost.exc_type.__name__))
    hook = sys.unraisablehook

    class Broken:
        def __del__(self) -> None:
            raise RuntimeError

    with time_limit(60.0):
        Broken()
        assert sys.unraisablehook is not hook
    assert told == ["RuntimeError"]
    assert sys.unraisablehook is hook


def test_threads_have_no_limit() -> None:
    done: list[bool] = []

    def work() -> None:
        with time_limit(0.0):
            done.append(True)

    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
