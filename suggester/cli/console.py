"""What all commands share: where they print, and how an error becomes one line and an exit code."""

from __future__ import annotations

import re
import shutil
import sys
import traceback
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from suggester.errors import ConfigError, SuggesterError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["FAILED", "USAGE", "CleanExitGroup", "clean", "complain", "console", "say"]

FAILED = 1
"""Exit code where some input failed."""
USAGE = 2
"""Exit code where the command was called wrongly."""

_PIPE_WIDTH = 120
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


def clean(text: str) -> str:
    """Text of a note as it may go to a terminal: runs of control and direction characters are one space."""
    return _UNPRINTABLE.sub(" ", text)


def console() -> Console:
    """Where tables go: standard output, in colour on a terminal, plain and of a fixed width in a pipe."""
    from rich.console import Console

    width = (
        None if sys.stdout.isatty() else max(_PIPE_WIDTH, shutil.get_terminal_size((_PIPE_WIDTH, 0)).columns)
    )
    return Console(width=width, highlight=False, emoji=False, markup=False, soft_wrap=False)


def say(message: str) -> None:
    """Print a message for the person, not data."""
    typer.echo(message, err=True)


def complain(message: str) -> None:
    """Print an error."""
    say(f"error: {message}")


class CleanExitGroup(TyperGroup):
    """Commands whose errors are one line on standard error and an exit code, never a trace with note text."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; ours and unforeseen errors end it with a message that holds no note text."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            complain(str(error))
            code = USAGE
        except SuggesterError as error:
            complain(str(error))
            code = FAILED
        except OSError as error:
            if isinstance(error, BrokenPipeError):  # the reader of our output has had enough
                raise
            name = f": {PurePath(error.filename).name}" if isinstance(error.filename, str) else ""
            complain(f"{error.strerror or type(error).__name__}{name}")
            code = FAILED
        except Exception as error:
            if hasattr(error, "exit_code") or isinstance(error, typer.Abort | EOFError):
                raise
            complain(
                f"unforeseen {type(error).__name__} (message not shown: it may hold note text), raised at"
            )
            for frame in traceback.extract_tb(error.__traceback__)[-6:]:
                say(f"  {'/'.join(PurePath(frame.filename).parts[-3:])}:{frame.lineno} in {frame.name}")
            code = FAILED
        raise typer.Exit(code)
