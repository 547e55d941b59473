"""What was exported from a folder before: a JSON Lines file beside the exports.

It makes exports safe to repeat. A claim that went out in one interchange does not go out in another, and a
claim that changed since says so instead of going out as if it were new.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from suggester.billing.files import write_whole
from suggester.errors import FieldError, LedgerError
from suggester.fields import Fields

__all__ = ["LEDGER", "Entry", "Ledger"]

LEDGER = "ledger.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One claim in one form. ``claim_sha256`` is of its JSON, ``file_sha256`` of the file that holds it."""

    form: str
    encounter: str
    number: str
    claim_sha256: str
    frequency: str
    total: str
    file: str
    file_sha256: str


class Ledger:
    """The entries of one folder, by form and encounter; the newest of each. No folder: nothing went out."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / LEDGER
        self._entries: dict[tuple[str, str], Entry] = {}
        if self._path is not None and self._path.exists():
            self._read(self._path)

    def _read(self, path: Path) -> None:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            raise LedgerError("is not UTF-8 text", field=LEDGER) from None
        for number, line in enumerate(lines, 1):
            where = f"{LEDGER}:{number}"
            try:
                entry = _entry(Fields(json.loads(line), record=where))
            except FieldError as error:
                raise LedgerError(error.message, field=where) from None
            except ValueError:
                raise LedgerError("is not valid JSON", field=where) from None
            self._entries[(entry.form, entry.encounter)] = entry

    def find(self, form: str, encounter: str) -> Entry | None:
        """What was exported of an encounter in a form, or None."""
        return self._entries.get((form, encounter))

    def in_file(self, file: str) -> tuple[Entry, ...]:
        """The entries of one file, by encounter."""
        found = [entry for entry in self._entries.values() if entry.file == file]
        return tuple(sorted(found, key=lambda entry: entry.encounter))

    def add(self, entry: Entry) -> None:
        """Note an export; ``save`` writes it."""
        self._entries[(entry.form, entry.encounter)] = entry

    def save(self) -> None:
        """Write the ledger, ordered by form and encounter, whole or not at all."""
        rows = [json.dumps(asdict(self._entries[key]), ensure_ascii=False) for key in sorted(self._entries)]
        if self._path is not None:
            write_whole(self._path, "".join(f"{row}\n" for row in rows).encode())


def _entry(fields: Fields) -> Entry:
    names = ("form", "encounter", "number", "claim_sha256", "frequency", "total", "file", "file_sha256")
    entry = Entry(**{name: fields.text(name) for name in names})
    fields.close()
    return entry
