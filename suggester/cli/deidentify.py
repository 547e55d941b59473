"""``suggester deidentify``: notes without what identifies, as far as it is found."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO

import typer

from suggester.cli.console import FAILED, complain, say
from suggester.cli.options import exists

if TYPE_CHECKING:
    from suggester.errors import InputError
    from suggester.types import Note

__all__ = ["deidentify"]

_WARNING = "not everything is found: look through the notes before you share them"


def deidentify(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help="Notes as for `suggester batch`; with --restore the clean .jsonl.",
            callback=exists,
            show_default=False,
        ),
    ],
    *,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="OUT", help="The .jsonl file to write.", show_default=False),
    ],
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="KEY",
            help="Key file, made if it is not there: with it, and only with it, notes can be restored.",
            show_default=False,
        ),
    ] = None,
    dates: Annotated[
        Literal["shift", "tag"],
        typer.Option("--dates", help="Move dates, the same distance for a patient, or take them out."),
    ] = "shift",
    restore: Annotated[bool, typer.Option("--restore", help="Put back what the key file holds.")] = False,
) -> None:
    """Replace names, dates, numbers, addresses, contacts and facilities in notes to be shared.

    What is found is never complete. The key file is as private as the notes themselves.
    """
    if restore:
        if key is None:
            raise typer.BadParameter("--restore needs --key")
        _restore(source, output, key)
        return
    from suggester.deidentify import KeyFile, Replacer
    from suggester.errors import InputError
    from suggester.notes import read_notes

    keys = None if key is None else KeyFile.open(key) if key.exists() else KeyFile.create(key)
    replacer = Replacer(keys.secret if keys else secrets.token_bytes(32), dates=dates)
    failed: list[InputError] = []

    def good() -> Iterator[Note]:
        for item in read_notes(source):
            if isinstance(item, InputError):
                failed.append(item)
                complain(str(item))
            else:
                yield item

    pairs = ((note, replacer.clean(note)) for note in good())
    notes = replaced = 0
    with _whole(output) as file:
        for clean in keys.keep(pairs) if keys else (clean for _, clean in pairs):
            file.write(json.dumps(_record(clean.note), ensure_ascii=False) + "\n")
            notes += 1
            replaced += len(clean.replaced)
    say(f"{notes} notes, {replaced} replacements, {len(failed)} could not be read; {_WARNING}")
    if failed:
        raise typer.Exit(FAILED)


def _restore(source: Path, output: Path, key: Path) -> None:
    from suggester.deidentify import KeyFile
    from suggester.errors import DeidentifyError

    keys = KeyFile.open(key)
    notes = 0
    with source.open(encoding="utf-8") as lines, _whole(output) as file:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = keys.restore(json.loads(line))
            except (ValueError, AttributeError):
                raise DeidentifyError(f"{source.name}:{number}: not a JSON object") from None
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            notes += 1
    say(f"{notes} notes restored")


def _record(note: Note) -> dict[str, Any]:
    record: dict[str, Any] = {"id": note.id, "text": note.text}
    for name in ("encounter_id", "kind", "setting"):
        if getattr(note, name) is not None:
            record[name] = getattr(note, name)
    if note.service_date is not None:
        record["service_date"] = note.service_date.isoformat()
    if note.patient is not None:
        known = {"id": note.patient.id, "sex": note.patient.sex}
        record["patient"] = {name: value for name, value in known.items() if value is not None}
    return record


@contextmanager
def _whole(path: Path) -> Iterator[TextIO]:
    """A file that is there whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
