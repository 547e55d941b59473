"""Files that a browser sent: kept in a private folder while they are read, then gone.

The name that a file came with is shown to who sent it and gives a single note its id; on disk every file is
called ``upload``, since names may name patients.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

from suggester.errors import InputError
from suggester.notes import Meter, read_notes
from suggester.types import Note

__all__ = ["KINDS", "private_file", "uploaded_notes"]

KINDS = ("txt", "jsonl", "csv", "zip", "pdf", "rtf", "hl7", "xml", "json", "ndjson", "parquet", "gz")
"""Endings of files that the import page takes, without their dot."""

_NAME = "upload"


@contextmanager
def private_file(content: bytes, ending: str) -> Iterator[Path]:
    """A file ``upload`` + ``ending`` with this content that its owner alone may read; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="suggester-upload-"))
    path = folder / f"{_NAME}{ending}"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        yield path
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def uploaded_notes(name: str, content: bytes, *, meter: Meter | None = None) -> Iterator[Note | InputError]:
    """The notes of an uploaded file, as `suggester.notes.read_notes` gives them.

    Parameters
    ----------
    name
        The name that the file came with: its ending says what it is, its stem is the id of a single note.
    content
        Its bytes.
    meter
        Told how far reading has come.
    """
    shown = PurePosixPath(name.replace("\\", "/")).name
    stem, *endings = shown.split(".")
    ending = "." + ".".join(endings[-2:] if endings[-1:] == ["gz"] else endings[-1:])
    stem = shown[: -len(ending)] or stem
    try:
        with private_file(content, ending.lower() if ending.isascii() else ".unknown") as path:
            for item in read_notes(path, meter=meter):
                if isinstance(item, InputError):
                    yield _renamed(item, shown)
                elif item.id == _NAME:
                    yield replace(item, id=stem)
                else:
                    yield item
    except InputError as error:  # the file as a whole
        yield _renamed(error, shown)


def _renamed(error: InputError, shown: str) -> InputError:
    """The error with the name that the file came with in front of line or entry."""
    if not error.record.startswith(_NAME):
        return error
    rest = error.record.split(":", 1)
    record = shown if len(rest) == 1 else f"{shown}:{rest[1]}"
    return type(error)(error.message, record=record)
