"""Notes, gold notes and predictions out of files, folders and standard input, lazily and in order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from io import BufferedIOBase
from pathlib import Path
from typing import Literal, cast

from suggester.contract import gold_from_record, note_from_record, suggestions_from_record
from suggester.errors import DuplicateIdError, EmptyInputError, FieldError, InputError, TooLargeError
from suggester.fields import id_problem
from suggester.notes.decoding import check_text, decode
from suggester.notes.folders import walk
from suggester.notes.limits import Limits
from suggester.notes.options import Meter, ReadOptions
from suggester.notes.records import csv_rows, file_bytes, json_lines, opened, shown
from suggester.types import GoldNote, Note, Suggestions

__all__ = ["read_gold", "read_notes", "read_suggestions", "read_text"]

Kind = Literal[".txt", ".jsonl", ".csv"]
KINDS: tuple[Kind, ...] = (".txt", ".jsonl", ".csv")


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
        A ``.txt`` file (one note, its id the name without suffix), a folder (every ``.txt`` file below it in
        the order of the names, ids with ``/`` between folders; names that begin with a dot are left out), a
        ``.jsonl`` or ``.csv`` file, or ``-`` for JSON Lines on standard input.
    limits
        How much one record may hold.
    gold_fields
        Allow the fields of gold notes in JSON Lines, unread.
    stdin
        What to read for ``-`` instead of the process's standard input.

    Raises
    ------
    InputError
        At once, if ``source`` is not there or is not of a kind that is read.
    """
    limits = limits or Limits()
    note = partial(_note, limits=limits, gold_fields=gold_fields)
    if str(source) == "-":
        file = stdin or cast(BufferedIOBase, sys.stdin.buffer)
        return _each(json_lines(file, name="stdin", limits=limits), note, _note_id)
    path = Path(source)
    match _kind(path):
        case "folder":
            return _each(_folder(path, limits=limits), _as_it_is, _note_id)
        case ".txt":
            one = _text_note(path, name=path.name, note_id=path.stem, limits=limits)
            return _each(iter([(shown(path.name), one)]), _as_it_is, _note_id)
        case ".jsonl":
            return _each(opened(path, json_lines, limits=limits), note, _note_id)
        case ".csv":
            return _each(opened(path, csv_rows, limits=limits), note, _note_id)


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
    if _kind(path) != ".jsonl":
        raise InputError("only .jsonl files are read here", record=shown(path.name))
    return path


def _kind(path: Path) -> Kind | Literal["folder"]:
    name = shown(path.name or str(path))
    if path.is_dir():
        return "folder"
    if not path.exists():
        raise InputError("there is no such file or folder", record=name)
    for kind in KINDS:
        if path.suffix.lower() == kind:
            return kind
    raise InputError(f"not a kind of file that is read: {', '.join(KINDS)}, a folder, or -", record=name)


# --- text files -------------------------------------------------------------------------------------


def _folder(root: Path, *, limits: Limits) -> Iterator[tuple[str, Note | InputError]]:
    empty = True
    for entry in walk(root, suffix=".txt"):
        empty = False
        record = shown(entry.name)
        if entry.problem is not None:
            yield record, InputError(entry.problem, record=record)
        else:
            note_id = entry.name[: -len(".txt")]
            yield record, _text_note(entry.path, name=entry.name, note_id=note_id, limits=limits)
    if empty:
        record = shown(root.name or str(root))
        yield record, EmptyInputError("the folder holds no .txt file", record=record)


def _text_note(path: Path, *, name: str, note_id: str, limits: Limits) -> Note | InputError:
    record = shown(name)
    problem = id_problem(note_id)
    if problem:
        return FieldError(f"the file name is the id, and an id {problem}", record=record)
    try:
        data = file_bytes(path, record=record, most=limits.file_bytes)
    except InputError as error:
        return error
    return _decoded(data, name=record, note_id=note_id, limits=limits)


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
    seen: set[str] = set()
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
        if made_id in seen:
            yield DuplicateIdError(f"id {made_id!r} was seen before in this input", record=record)
        else:
            seen.add(made_id)
            yield made


def _as_it_is(note: Note, _record: str) -> Note:
    return note


def _note_id(note: Note) -> str:
    return note.id


def _note(data: dict[str, object], record: str, *, limits: Limits, gold_fields: bool) -> Note:
    note = note_from_record(data, record=record, gold_fields=gold_fields, source=record)
    check_text(note.text, record=record, most_chars=limits.chars)
    return note


def _gold(data: dict[str, object], record: str, *, limits: Limits) -> GoldNote:
    gold = gold_from_record(data, record=record, source=record)
    check_text(gold.note.text, record=record, most_chars=limits.chars)
    return gold
