"""The key file: the secret of a run and, for each clean note, what was taken out. As private as the notes."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from suggester.deidentify.replacing import Clean, Replaced, restored
from suggester.errors import DeidentifyError
from suggester.types import Note, Span

__all__ = ["KeyFile", "Original"]

_MODE = 0o600
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The ids that a clean note had, and its replacements."""

    note: str
    encounter: str | None
    patient: str | None
    service_date: str | None
    replaced: tuple[Replaced, ...]


class KeyFile:
    """One line with the secret, then one line a clean note, appended as notes are cleaned.

    Parameters
    ----------
    path
        The file, mode 0600.
    secret
        Of the replacer.
    originals
        By the id of the clean note.
    """

    def __init__(self, path: Path, secret: bytes, originals: dict[str, Original]) -> None:
        self.path = path
        self.secret = secret
        self.originals = originals

    @classmethod
    def create(cls, path: Path) -> Self:
        """A new key file with a fresh secret.

        Raises
        ------
        DeidentifyError
            If the file is there already.
        """
        secret = secrets.token_bytes(32)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        except FileExistsError:
            raise DeidentifyError(f"{path.name} is there already; give another name") from None
        except OSError as error:
            raise DeidentifyError(f"{path.name} cannot be written: {error.strerror}") from None
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps({"suggester_key": _VERSION, "secret": secret.hex()}) + "\n")
        return cls(path, secret, {})

    @classmethod
    def open(cls, path: Path) -> Self:
        """An existing key file.

        Raises
        ------
        DeidentifyError
            If it cannot be read, others may read it, or it is no key file.
        """
        try:
            if path.stat().st_mode & 0o077:
                raise DeidentifyError(f"{path.name} can be read by others: chmod 600 it")
            lines = path.read_text(encoding="utf-8").splitlines()
            head = json.loads(lines[0])
            if head.get("suggester_key") != _VERSION:
                raise ValueError("version")
            originals = dict(_original(json.loads(line)) for line in lines[1:])
            return cls(path, bytes.fromhex(head["secret"]), originals)
        except OSError as error:
            raise DeidentifyError(f"{path.name} cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise DeidentifyError(f"{path.name} is no key file of deidentify, or was cut") from None

    def keep(self, pairs: Iterator[tuple[Note, Clean]]) -> Iterator[Clean]:
        """Append what each clean note needs to be restored, before it is given out."""
        with self.path.open("a", encoding="utf-8") as file:
            for note, clean in pairs:
                if clean.note.id not in self.originals:
                    original = Original(
                        note=note.id,
                        encounter=note.encounter_id,
                        patient=note.patient.id if note.patient else None,
                        service_date=note.service_date.isoformat() if note.service_date else None,
                        replaced=clean.replaced,
                    )
                    self.originals[clean.note.id] = original
                    file.write(json.dumps(_record(clean.note.id, original), ensure_ascii=False) + "\n")
                    file.flush()
                yield clean

    def restore(self, record: dict[str, Any]) -> dict[str, Any]:
        """A clean record with its text and ids as they were.

        Raises
        ------
        DeidentifyError
            If the record is not of this key file.
        """
        original = self.originals.get(str(record.get("id")))
        text = record.get("text")
        if original is None or not isinstance(text, str):
            raise DeidentifyError("a record that this key file does not know")
        out = {**record, "id": original.note, "text": restored(text, original.replaced)}
        for name, value in (("encounter_id", original.encounter), ("service_date", original.service_date)):
            if value is not None:
                out[name] = value
        if original.patient is not None:
            out["patient"] = {**(record.get("patient") or {}), "id": original.patient}
        return out


def _record(clean_id: str, original: Original) -> dict[str, Any]:
    return {
        "id": clean_id,
        "note": original.note,
        "encounter": original.encounter,
        "patient": original.patient,
        "service_date": original.service_date,
        "replaced": [[r.span.start, r.span.end, r.kind, r.original] for r in original.replaced],
    }


def _original(data: dict[str, Any]) -> tuple[str, Original]:
    return data["id"], Original(
        note=data["note"],
        encounter=data["encounter"],
        patient=data["patient"],
        service_date=data["service_date"],
        replaced=tuple(
            Replaced(span=Span(start=start, end=end), kind=kind, original=text)
            for start, end, kind, text in data["replaced"]
        ),
    )
