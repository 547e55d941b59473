"""Which reader reads what: files by their endings or by the kind that was named, folders, archives.

Every source becomes a stream of records: what names the record, and a note, the fields of one, or an error.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import IO, cast

from suggester.errors import ArchiveError, EmptyInputError, FieldError, InputError, TooLargeError
from suggester.fields import id_problem
from suggester.notes.archives import BoundedGzip, ZipEntry, zip_entries
from suggester.notes.columns import map_record
from suggester.notes.documents import DOCUMENTS, embedded_text
from suggester.notes.fhir import fhir_notes
from suggester.notes.folders import Entry, walk
from suggester.notes.hl7 import hl7_messages, hl7_notes
from suggester.notes.limits import Limits
from suggester.notes.options import Kind, Meter, ReadOptions
from suggester.notes.parquet import parquet_rows
from suggester.notes.records import csv_rows, file_bytes, json_lines, shown
from suggester.types import Note

__all__ = ["ENDINGS", "Raw", "file_records", "folder_records", "kind_of_name", "stream_records"]

type Raw = Note | dict[str, object] | InputError
"""A note, the fields of one, or why there is neither."""

ENDINGS: dict[str, Kind] = {
    ".txt": "txt",
    ".jsonl": "jsonl",
    ".jsonl.gz": "jsonl",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".parquet": "parquet",
    ".zip": "zip",
    ".hl7": "hl7",
    ".hl7.gz": "hl7",
    ".xml": "ccda",
    ".json": "fhir",
    ".ndjson": "fhir",
    ".ndjson.gz": "fhir",
    ".rtf": "rtf",
    ".pdf": "pdf",
}
"""What files are by how their names end."""

_NAMED_BY_FILE = ("txt", "rtf", "pdf")
"""Kinds that have no id of their own: the file's name is the id."""
_LINES = ("jsonl", "ndjson", "jsonl.gz", "ndjson.gz")


def kind_of_name(name: str) -> Kind | None:
    """The kind of a file by its name, None for one that is not read."""
    lower = name.lower()
    ending = max((e for e in ENDINGS if lower.endswith(e)), key=len, default=None)
    return None if ending is None else ENDINGS[ending]


def _stem(name: str) -> str:
    """A name without what tells its kind; of another name without its last ending."""
    lower = name.lower()
    ending = max((e for e in ENDINGS if lower.endswith(e)), key=len, default=None)
    return name[: -len(ending)] if ending else str(PurePosixPath(name).with_suffix(""))


def _wanted(options: ReadOptions) -> Callable[[str], bool]:
    """Whether a file of a folder or an archive is to be read, by its name below the root."""
    pattern = options.pattern
    if pattern is None:
        return lambda name: name.lower().endswith(".txt")
    if "/" not in pattern:
        return lambda name: fnmatchcase(name.rpartition("/")[2], pattern)
    if pattern.startswith("**/"):
        inner = pattern[3:]
        return lambda name: fnmatchcase(name, pattern) or fnmatchcase(name, inner)
    return lambda name: fnmatchcase(name, pattern)


# --- folders ----------------------------------------------------------------------------------------


def folder_records(
    root: Path, *, limits: Limits, options: ReadOptions, meter: Meter
) -> Iterator[tuple[str, Raw]]:
    """The records of the files below a folder that the pattern names, by name, folder by folder."""
    wanted = _wanted(options)
    meter.total = sum(1 for _ in walk(root, wanted=wanted))
    empty = True
    for entry in walk(root, wanted=wanted):
        empty = False
        meter.read += 1
        yield from _of_entry(entry, limits=limits, options=options)
    if empty:
        record = shown(root.name or str(root))
        what = ".txt file" if options.pattern is None else "file that the pattern names"
        hint = "" if options.pattern else "; --pattern names other files"
        yield record, EmptyInputError(f"the folder holds no {what}{hint}", record=record)


def _of_entry(entry: Entry, *, limits: Limits, options: ReadOptions) -> Iterator[tuple[str, Raw]]:
    record = shown(entry.name)
    kind = options.kind or kind_of_name(entry.name)
    if entry.problem is not None:
        yield record, InputError(entry.problem, record=record)
    elif kind is None:
        yield record, _unknown(record)
    else:
        yield from file_records(
            entry.path, name=entry.name, kind=kind, limits=limits, options=options, meter=Meter()
        )


def _unknown(record: str) -> InputError:
    return InputError(
        f"not a kind of file that is read: {', '.join(ENDINGS)}; --kind names the kind", record=record
    )


# --- files ------------------------------------------------------------------------------------------


def file_records(
    path: Path, *, name: str, kind: Kind, limits: Limits, options: ReadOptions, meter: Meter
) -> Iterator[tuple[str, Raw]]:
    """The records of one file; trouble with the file itself is a record that failed."""
    record = shown(name)
    if kind == "zip":
        yield from _archive(path, name=record, limits=limits, options=options, meter=meter)
        return
    if not _is_stream(name, kind):
        yield from _documents(
            lambda: file_bytes(path, record=record, most=_most(kind, limits)),
            name=name,
            kind=kind,
            limits=limits,
        )
        return
    problem = None
    try:
        if not path.is_file():
            yield record, InputError("not a regular file" if path.exists() else _gone(), record=record)
            return
        meter.total = path.stat().st_size
        with path.open("rb") as raw:
            packed = name.lower().endswith(".gz")
            file = cast(BufferedIOBase, BoundedGzip(path)) if packed else cast(BufferedIOBase, raw)
            with file:
                for item in stream_records(file, name=record, kind=kind, limits=limits, options=options):
                    meter.read = 0 if packed else raw.tell() if not raw.closed else meter.total
                    yield item
    except OSError as error:
        problem = f"cannot be read: {error.strerror or type(error).__name__}"
    if problem is not None:
        yield record, InputError(problem, record=record)


def _gone() -> str:
    return "cannot be read: No such file or directory"


def _is_stream(name: str, kind: Kind) -> bool:
    """Whether a file is a stream of records and not one document."""
    return kind in ("jsonl", "csv", "parquet", "hl7") or (
        kind == "fhir" and name.lower().endswith(tuple(f".{ending}" for ending in _LINES))
    )


def _most(kind: Kind, limits: Limits) -> int:
    return limits.file_bytes if kind == "txt" else limits.document_bytes


def _documents(
    read: Callable[[], bytes], *, name: str, kind: Kind, limits: Limits
) -> Iterator[tuple[str, Raw]]:
    """The notes of a file that is one document."""
    record, note_id = shown(name), _stem(name)
    problem = id_problem(note_id)
    if problem and kind in _NAMED_BY_FILE:
        yield record, FieldError(f"the file name is the id, and an id {problem}", record=record)
        return
    try:
        notes = DOCUMENTS[kind](read(), record=record, note_id=note_id, limits=limits)
    except InputError as error:
        notes = [error]
    for note in notes:
        yield note.record if isinstance(note, InputError) else note.source or record, note


def stream_records(
    file: BufferedIOBase, *, name: str, kind: Kind, limits: Limits, options: ReadOptions
) -> Iterator[tuple[str, Raw]]:
    """The records of a stream: JSON Lines, CSV, Parquet, HL7, or FHIR resources one a line."""
    columns = options.columns
    if kind == "csv":
        yield from csv_rows(file, name=name, limits=limits, columns=columns)
    elif kind == "parquet":
        yield from parquet_rows(file, name=name, limits=limits, columns=columns)
    elif kind == "hl7":
        yield from _hl7(file, name=name, limits=limits)
    elif kind == "fhir":
        lines = json_lines(file, name=name, limits=Limits(chars=limits.document_bytes // 6))
        for record, data in lines:
            yield from _fhir_line(data, record=record, limits=limits)
    elif kind == "jsonl":
        for record, data in json_lines(file, name=name, limits=limits):
            mapped = columns and not isinstance(data, InputError)
            yield record, map_record(data, columns) if mapped else data  # type: ignore[arg-type]
    else:
        whole = file.read(_most(kind, limits) + 1)
        if len(whole) > _most(kind, limits):
            yield name, TooLargeError(f"larger than {_most(kind, limits)} bytes", record=name)
            return
        yield from _documents(lambda: whole, name=name, kind=kind, limits=limits)


def _hl7(file: BufferedIOBase, *, name: str, limits: Limits) -> Iterator[tuple[str, Raw]]:
    number = 0
    for number, message in enumerate(hl7_messages(file, limits=limits), 1):
        record = f"{name}:{number}"
        if isinstance(message, str):
            text = f"larger than {limits.document_bytes} bytes, the most that a message may have"
            yield record, TooLargeError(text, record=record)
            continue
        embedded = embedded_text(record=record, limits=limits)
        for note in hl7_notes(message, record=record, limits=limits, embedded=embedded):
            yield record, note
    if number == 0:
        yield name, EmptyInputError("holds no message", record=name)


def _fhir_line(
    data: dict[str, object] | InputError, *, record: str, limits: Limits
) -> Iterator[tuple[str, Raw]]:
    if isinstance(data, InputError):
        yield record, data
        return
    embedded = embedded_text(record=record, limits=limits)
    fallback = record.replace(":", "-")
    for note in fhir_notes(data, record=record, fallback_id=fallback, embedded=embedded):
        yield record, note


# --- archives ---------------------------------------------------------------------------------------


def _archive(
    path: Path, *, name: str, limits: Limits, options: ReadOptions, meter: Meter
) -> Iterator[tuple[str, Raw]]:
    """The records of the entries of an archive. Without a pattern every kind that is read is."""
    if not path.is_file():
        yield name, InputError("not a regular file", record=name)
        return
    wanted = (lambda entry: kind_of_name(entry) is not None) if options.pattern is None else _wanted(options)
    empty = True
    for entry in zip_entries(path, name=name):
        if isinstance(entry, InputError):
            yield entry.record, entry
            return
        hidden = any(part.startswith((".", "__MACOSX")) for part in entry.name.split("/") if part != "..")
        if entry.problem is None and (hidden or not wanted(entry.name)):
            continue
        if meter.total is None:
            meter.total = len(entry.archive.infolist())
        meter.read += 1
        empty = False
        if entry.problem is not None:
            yield entry.problem.record, entry.problem
            continue
        yield from _of_zip(entry, name=name, limits=limits, options=options)
    if empty:
        yield name, EmptyInputError("the archive holds no file that is read", record=name)


def _of_zip(entry: ZipEntry, *, name: str, limits: Limits, options: ReadOptions) -> Iterator[tuple[str, Raw]]:
    record = f"{name}/{shown(entry.name)}"
    kind = kind_of_name(entry.name) or options.kind
    if options.kind not in (None, "zip"):
        kind = options.kind
    if kind is None:
        yield record, _unknown(record)
    elif kind == "zip":
        yield record, ArchiveError("an archive inside of an archive is not read: unpack it", record=record)
    elif kind == "parquet":
        try:
            data = entry.read(most=limits.document_bytes, record=record)
        except InputError as error:
            yield record, error
            return
        packed = cast(BufferedIOBase, io.BytesIO(data))
        yield from stream_records(packed, name=record, kind=kind, limits=limits, options=options)
    elif entry.name.lower().endswith(".gz"):
        yield record, ArchiveError("packed twice: unpack it", record=record)
    elif _is_stream(entry.name, kind):
        problem = ""
        try:
            file: IO[bytes] = entry.archive.open(entry.info)
            with file:
                stream = cast(BufferedIOBase, file)
                yield from stream_records(stream, name=record, kind=kind, limits=limits, options=options)
        except (
            *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError),
            UnicodeDecodeError,  # of the name in the entry
        ) as error:
            problem = f"the entry is damaged ({type(error).__name__})"
        if problem:
            yield record, ArchiveError(problem, record=record)
    else:
        for inner, note in _documents(
            lambda: entry.read(most=_most(kind, limits), record=record),
            name=entry.name,
            kind=kind,
            limits=limits,
        ):
            yield _placed(inner, note, entry=entry, name=name)


def _placed(inner: str, note: Raw, *, entry: ZipEntry, name: str) -> tuple[str, Raw]:
    """A record of an entry, named by archive and entry."""
    where = inner if inner.startswith(f"{name}/") else f"{name}/{inner}"
    if isinstance(note, Note):
        return where, replace(note, source=where)
    if isinstance(note, InputError) and note.record != where:
        return where, type(note)(note.message, record=where)
    return where, note
