"""Raw records out of files: the bytes of a text file, the objects of JSON Lines, the rows of a CSV file."""

from __future__ import annotations

import itertools
import stat
from collections.abc import Callable, Iterator, Mapping
from io import BufferedIOBase
from pathlib import Path

from suggester.errors import (
    EmptyInputError,
    EncodingError,
    FieldError,
    InputError,
    JsonError,
    TooLargeError,
)
from suggester.notes.columns import map_names
from suggester.notes.decoding import CHUNK_BYTES, decode_bytes, looks_binary, utf8_chunks
from suggester.notes.limits import Limits
from suggester.notes.parsing import csv_record, header_problem, json_object
from suggester.notes.splitting import Fault, split_lines, split_rows

__all__ = ["Record", "csv_rows", "file_bytes", "json_lines", "opened", "shown"]

type Record = tuple[str, dict[str, object] | InputError]
"""What names a record, and its fields or why it has none."""


def shown(name: str) -> str:
    """A file name that can be printed: bytes that are no UTF-8 and control characters escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def file_bytes(path: Path, *, record: str, most: int) -> bytes:
    """All bytes of a regular file.

    Raises
    ------
    InputError
        If it cannot be read, or, before it is read, if it has over ``most`` bytes.
    """
    data = b""
    problem = None
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a named pipe would wait for ever
            problem = "not a regular file"
        elif status.st_size <= most:
            with path.open("rb") as file:
                data = file.read(most + 1)
    except OSError as error:
        problem = f"cannot be read: {error.strerror or type(error).__name__}"
    if problem is not None:
        raise InputError(problem, record=record)
    if status.st_size > most or len(data) > most:
        raise TooLargeError(f"larger than {most} bytes, the most that a note may have", record=record)
    return data


def opened(path: Path, split: Callable[..., Iterator[Record]], *, limits: Limits) -> Iterator[Record]:
    """Open a file and split it into records; trouble with the file itself is a record that failed."""
    name = shown(path.name)
    problem = None
    try:
        with path.open("rb") as file:
            yield from split(file, name=name, limits=limits)
    except OSError as error:
        problem = f"cannot be read: {error.strerror or type(error).__name__}"
    if problem is not None:
        yield name, InputError(problem, record=name)


def json_lines(file: BufferedIOBase, *, name: str, limits: Limits) -> Iterator[Record]:
    """The objects of JSON Lines. A line that holds none is an error in place; blank lines are left out."""
    encoding, chunks = utf8_chunks(file)
    first = next(chunks, b"")
    if looks_binary(first[:CHUNK_BYTES]) and not first.lstrip().startswith(b"{"):
        yield name, EncodingError("a binary file, not JSON Lines", record=name)
        return
    empty = True
    for number, line in split_lines(itertools.chain((first,), chunks), limit=limits.line_bytes):
        record = f"{name}:{number}"
        if isinstance(line, str):
            empty = False
            yield record, _fault(line, record=record, limits=limits)
        elif line.strip():
            empty = False
            yield record, _json_record(line, record=record, marked=encoding is not None)
    if empty:
        yield name, EmptyInputError("holds no record", record=name)


def _json_record(line: bytes, *, record: str, marked: bool) -> dict[str, object] | InputError:
    if b"\x00" in line:
        return EncodingError("the line holds NUL bytes", record=record)
    try:
        return json_object(decode_bytes(line, record=record, marked=marked), record=record)
    except (EncodingError, JsonError) as error:
        return error


def csv_rows(
    file: BufferedIOBase, *, name: str, limits: Limits, columns: Mapping[str, str] | None = None
) -> Iterator[Record]:
    """The rows of a CSV file with a header. A wrong row is an error in place, a wrong header the only one.

    ``columns`` are names of columns by field of the note; columns that are nothing to it are then left out.
    """
    encoding, chunks = utf8_chunks(file)
    rows = split_rows(chunks, limit=limits.line_bytes)
    marked = encoding is not None
    header = next(rows, None)
    if header is None:
        yield name, EmptyInputError("holds no record", record=name)
        return
    names = _cells(header[1], record=f"{name}:{header[0]}", marked=marked, limits=limits)
    if not isinstance(names, InputError):
        names = [cell.strip() for cell in names]
        problem = None
        if columns:
            missing = [column for column in columns.values() if column not in names]
            if missing:
                problem = "a column that --column names is not in the header"
            names = map_names(names, columns)
        problem = problem or header_problem(names)
        if problem:
            names = FieldError(problem, record=f"{name}:{header[0]}")
    if isinstance(names, InputError):
        yield names.record, names
        return
    empty = True
    for number, row in rows:
        empty = False
        record = f"{name}:{number}"
        cells = _cells(row, record=record, marked=marked, limits=limits)
        yield record, cells if isinstance(cells, InputError) else _csv_record(names, cells, record=record)
    if empty:
        yield name, EmptyInputError("holds no record below its header", record=name)


def _cells(row: list[bytes] | Fault, *, record: str, marked: bool, limits: Limits) -> list[str] | InputError:
    if isinstance(row, str):
        return _fault(row, record=record, limits=limits)
    try:
        # One encoding a row: cells of one row never differ in it.
        cells = decode_bytes(b"\x1f".join(row), record=record, marked=marked).split("\x1f")
    except EncodingError as error:
        return error
    if len(cells) != len(row):
        return EncodingError("a cell holds the control character US (0x1F)", record=record)
    return cells


def _csv_record(names: list[str], cells: list[str], *, record: str) -> dict[str, object] | InputError:
    try:
        return csv_record(names, cells, record=record)
    except FieldError as error:
        return error


def _fault(fault: Fault, *, record: str, limits: Limits) -> InputError:
    match fault:
        case "too_large":
            return TooLargeError(
                f"larger than {limits.line_bytes} bytes, the most that a record may have", record=record
            )
        case "after_quote":
            return FieldError(
                'words after a closing quote; write a quote inside a quoted cell twice ("")', record=record
            )
        case "open_quote":
            return FieldError("a quote that opens in this row is never closed", record=record)
