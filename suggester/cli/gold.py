"""Coded notes as commands read them: all of them, or none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suggester.cli.console import FAILED, complain

if TYPE_CHECKING:
    from suggester.types import GoldNote

__all__ = ["gold_notes"]


def gold_notes(path: Path) -> list[GoldNote]:
    """All coded notes; one that cannot be read ends the command, because figures without it would flatter."""
    from suggester.errors import InputError
    from suggester.notes import read_gold

    notes: list[GoldNote] = []
    failed = False
    for note in read_gold(path):
        if isinstance(note, InputError):
            complain(str(note))
            failed = True
        else:
            notes.append(note)
    if failed:
        raise typer.Exit(FAILED)
    return notes
