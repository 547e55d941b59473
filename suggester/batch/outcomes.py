"""One note to one line of output: the suggestions, or a failure that never holds note text."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import PurePath

from suggester.batch.engine import Engine
from suggester.contract import to_json_line
from suggester.errors import InputError, SuggesterError
from suggester.types import Note

__all__ = ["Failure", "Outcome", "failure_of", "outcome", "where_raised"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A line of the errors file: what names the record, a stable reason, and a message without note text."""

    record: str
    code: str
    message: str

    def to_json_line(self) -> str:
        """Write the failure as one canonical line of JSON, without its newline."""
        return to_json_line({"record": self.record, "code": self.code, "message": self.message})


type Outcome = str | Failure
"""The line of the contract for a note (without newline), or why there is none."""


def outcome(engine: Engine, note: Note) -> Outcome:
    """Make the line for one note. Never raises an ``Exception``: a note that fails is a ``Failure``."""
    try:
        return to_json_line(engine.suggest(note))
    except Exception as error:  # whatever it is, the other notes go on
        return failure_of(error, record=note.id)


def failure_of(error: Exception, *, record: str) -> Failure:
    """Describe an exception; its message is told only if it is one of ours, which hold no note text."""
    if isinstance(error, InputError):
        return Failure(record=error.record, code=error.code, message=error.message)
    if isinstance(error, SuggesterError):
        return Failure(record=record, code=error.code, message=str(error))
    return Failure(record=record, code="internal", message=f"{type(error).__name__} at {where_raised(error)}")


def where_raised(error: BaseException) -> str:
    """Name the file and line that raised ``error``, without folders of this machine."""
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    if not frames:
        return "an unknown place"
    path = PurePath(frames[0].filename)
    return f"{'/'.join(path.parts[-2:])}:{frames[0].lineno}"
