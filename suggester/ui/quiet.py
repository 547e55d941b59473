"""Logs without patient text: of an exception only its type and place are logged, never what it says.

Streamlit, uvicorn and asyncio log exceptions with their messages, and those may quote a note. One record
factory for the whole process takes the message out before any handler sees it.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from pathlib import PurePath
from types import TracebackType

__all__ = ["install", "where"]

_FRAMES = 8


def where(error: BaseException) -> str:
    """Type of an exception and the places that it passed through, innermost last; never its message.

    >>> try:
    ...     int("secret")
    ... except ValueError as error:
    ...     print(where(error).split(" at ")[0])
    ValueError
    """
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = (f"{'/'.join(PurePath(f.filename).parts[-3:])}:{f.lineno} in {f.name}" for f in frames)
    return f"{type(error).__name__} at {' > '.join(places) or 'unknown place'}"


def _plain(value: object) -> object:
    return where(value) if isinstance(value, BaseException) else value


def install() -> None:
    """Make every log record and every report of a dead thread of this process free of exception messages."""
    usual = logging.getLogRecordFactory()
    if getattr(usual, "quiet", False):
        return

    def factory(*args: object, **kwargs: object) -> logging.LogRecord:
        record = usual(*args, **kwargs)
        if isinstance(record.args, tuple):
            record.args = tuple(_plain(value) for value in record.args)
        record.msg = _plain(record.msg)
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is not None:
            record.exc_info = None
            record.exc_text = where(error)
        record.stack_info = None
        return record

    factory.quiet = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(factory)
    log = logging.getLogger("suggester.ui")

    def thread_died(args: threading.ExceptHookArgs) -> None:
        log.error("a thread died: %s", where(args.exc_value) if args.exc_value else args.exc_type.__name__)

    def process_died(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        log.critical("stopped: %s", where(error))

    threading.excepthook = thread_died
    sys.excepthook = process_died
