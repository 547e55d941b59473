"""Logs hold no exception messages."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator

import pytest

from suggester.ui import quiet

WORDS = "Mrs. Quimby has gout"


@pytest.fixture
def hushed() -> Iterator[None]:
    before = logging.getLogRecordFactory(), threading.excepthook, sys.excepthook
    quiet.install()
    quiet.install()  # a second time changes nothing
    yield
    logging.setLogRecordFactory(before[0])
    threading.excepthook, sys.excepthook = before[1], before[2]


@pytest.mark.usefixtures("hushed")
def test_logged_exceptions_say_type_and_place_only(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("some.library")
    try:
        raise ValueError(WORDS)
    except ValueError as error:
        log.exception("failed")
        log.error("failed: %s", error)
        log.error(error)
        log.warning("with keywords %(a)s", {"a": 1})
    assert WORDS not in caplog.text
    assert caplog.text.count("ValueError at") == 3
    assert "test_ui_quiet.py" in caplog.text


@pytest.mark.usefixtures("hushed")
def test_dead_threads_and_processes_say_type_and_place_only(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    def die() -> None:
        raise RuntimeError(WORDS)

    thread = threading.Thread(target=die)
    thread.start()
    thread.join()
    error = KeyError(WORDS)
    sys.excepthook(KeyError, error, None)
    threading.excepthook(threading.ExceptHookArgs((SystemError, None, None, None)))
    assert WORDS not in caplog.text + capsys.readouterr().err
    assert "a thread died: RuntimeError at" in caplog.text
    assert "stopped: KeyError" in caplog.text
    assert "a thread died: SystemError" in caplog.text
