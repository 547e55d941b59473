"""Notes, gold notes and predictions out of files, folders and standard input, lazily and in order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from io import BufferedIOBase
from pathlib import Path
from typing import cast

from suggester.contract import gold_from_record, note_from_record, suggestions_from_record
from suggester.errors import DuplicateIdError, InputError, TooLargeError
from suggester.notes.decoding import check_text, decode
from suggester.notes.documents import checked
from suggester.notes.inputs import ENDINGS, file_records, folder_records, kind_of_name, stream_records
from suggester.notes.limits import Limits
from suggester.notes.options import Meter, ReadOptions
from suggester.notes.records import json_lines, opened, shown
from suggester.notes.seen import SeenIds
from suggester.types import GoldNote, Note, Suggestions

__all__ = ["read_gold", "read_notes", "read_suggestions", "read_text"]


def read_notes(
    source: str | Path,
    *,
    limits: Limits | None = None,
    gold_fields: bool = False,
    stdin: BufferedIOBase | None = None,
    options: ReadOptions | None = None,
    meter: Meter | None = None,
) -> Iterator[Note | InputError]:
    """Iterate over the notes of ``source``, in order and in bounded memory.

    A record that cannot be used comes as an ``InputError`` in its place, and reading goes on. Ids are unique
    in one source: the second note with an id is an error. Blank lines of JSON Lines and CSV are no records.

    Parameters
    ----------
    source
        A ``.txt`` file (one note, its id the name without suffix), a folder (every ``.txt`` file below it, or
        those that ``options.pattern`` names, in the order of the names, ids with ``/`` between folders; names
        that begin with a dot are left out), any file of ``suggester.notes.inputs.ENDINGS``, or ``-`` for
        standard input: JSON Lines, or what ``options.kind`` says.
    limits
        How much one record may hold.
    gold_fields
        Allow the fields of gold notes in JSON Lines, unread.
    stdin
        What to read for ``-`` instead of the process's standard input.
    options
        What to read of a folder, what the files are, and what their columns are called.
    meter
        Told how far reading has come.

    Raises
    ------
    InputError
        At once, if ``source`` is not there or is not of a kind that is read.
    """
    limits = limits or Limits()
    options = options or ReadOptions()
    meter = meter or Meter()
    note = partial(_note, limits=limits, gold_fields=gold_fields)
    if str(source) == "-":
        file = stdin or cast(BufferedIOBase, sys.stdin.buffer)
        kind = options.kind or "jsonl"
        if kind in ("zip", "parquet"):
            raise InputError(f"{kind} cannot be read from standard input", record="stdin")
        records = stream_records(file, name="stdin", kind=kind, limits=limits, options=options)
        return _each(records, note, _note_id)
    path = Path(source)
    name = shown(path.name or str(path))
    if path.is_dir():
        folder = folder_records(path, limits=limits, options=options, meter=meter)
        return _each(folder, note, _note_id)
    if not path.exists():
        raise InputError("there is no such file or folder", record=name)
    by_name = kind_of_name(path.name)
    known = "zip" if by_name == "zip" else options.kind or by_name
    if known is None:
        raise InputError(
            f"not a kind of file that is read: {', '.join(ENDINGS)}, a folder, or -; --kind names the kind",
            record=name,
        )
    found = file_records(path, name=path.name, kind=known, limits=limits, options=options, meter=meter)
    return _each(found, note, _note_id)


def read_text(file: BufferedIOBase, *, name: str, limits: Limits | None = None) -> Note | InputError:
    """Read one note, plain text, from an open file; ``name`` becomes its id."""
    limits = limits or Limits()
    data = file.read(limits.file_bytes + 1)
    if len(data) > limits.file_bytes:
        return TooLargeError(
            f"larger than {limits.file_bytes} bytes, the most that a note may have", record=name
        )
    return _decoded(data, name=name, note_id=name, limits=limits)


def read_gold(path: str | Path, *, limits: Limits | None = None) -> Iterator[GoldNote | InputError]:
    """Iterate over the gold notes of a ``.jsonl`` file; a record that cannot be used is an error in place.

    Raises
    ------
    InputError
        At once, if the file is not there or not JSON Lines.
    """
    limits = limits or Limits()
    records = opened(_json_file(path), json_lines, limits=limits)
    return _each(records, partial(_gold, limits=limits), lambda gold: gold.note.id)


def read_suggestions(path: str | Path) -> Iterator[Suggestions | InputError]:
    """Iterate over the output of a batch; a record that cannot be used is an error in place.

    Raises
    ------
    InputError
        At once, if the file is not there or not JSON Lines.
    """
    # Suggestions quote the note several times over: their lines may be longer than those of notes.
    records = opened(_json_file(path), json_lines, limits=Limits(chars=20_000_000))
    return _each(
        records, lambda data, record: suggestions_from_record(data, record=record), lambda r: r.note_id
    )


def _json_file(path: str | Path) -> Path:
    path = Path(path)
    if not path.exists():
        raise InputError("there is no such file or folder", record=shown(path.name))
    if path.is_dir() or path.suffix.lower() != ".jsonl":
        raise InputError("only .jsonl files are read here", record=shown(path.name))
    return path


def _decoded(data: bytes, *, name: str, note_id: str, limits: Limits) -> Note | InputError:
    try:
        text = decode(data, record=name)
        check_text(text, record=name, most_chars=limits.chars)
    except InputError as error:
        return error
    return Note(id=note_id, text=text, source=name)


# --- records ----------------------------------------------------------------------------------------


def _each[Raw, T](
    records: Iterator[tuple[str, Raw | InputError]],
    make: Callable[[Raw, str], T],
    id_of: Callable[[T], str],
) -> Iterator[T | InputError]:
    """Make something of every record; what fails, or has an id seen before, is an error in its place."""
    seen = SeenIds()
    for record, raw in records:
        if isinstance(raw, InputError):
            yield raw
            continue
        try:
            made = make(raw, record)
        except InputError as error:
            yield error
            continue
        made_id = id_of(made)
        if not seen.add(made_id):
            yield DuplicateIdError(f"id {made_id!r} was seen before in this input", record=record)
        else:
            yield made


def _note_id(note: Note) -> str:
    return note.id


def _note(raw: Note | dict[str, object], record: str, *, limits: Limits, gold_fields: bool) -> Note:
    if isinstance(raw, Note):
        made = checked(raw, limits=limits)
        if isinstance(made, InputError):
            raise made
        return made
    note = note_from_record(raw, record=record, gold_fields=gold_fields, source=record)
    check_text(note.text, record=record, most_chars=limits.chars)
    return note


def _gold(data: dict[str, object], record: str, *, limits: Limits) -> GoldNote:
    gold = gold_from_record(data, record=record, source=record)
    check_text(gold.note.text, record=record, most_chars=limits.chars)
    return gold
