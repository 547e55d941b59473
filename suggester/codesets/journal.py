"""What was imported, in order, and what of it is in use: one small file decides, so that a change is whole.

Every import has a folder of its own in ``imports/`` with its compiled files. ``imports/imports.json`` lists
the imports; an import is in use while it stands there, was not reverted, and no later one has its *slot*
(``HCPCS 2026-10-01``, ``synonyms doid``). Taking an import into use or back is one rename of that file.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from suggester.errors import CodeSetError

Kind = Literal["icd10cm", "hcpcs", "cpt", "ncci", "mue", "global", "synonyms", "chargemaster"]
"""What a file brings."""

KINDS: tuple[Kind, ...] = get_args(Kind)

FOLDER = "imports"
_FILE = "imports.json"
_FORMAT = 1
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What an import changed, against what was in use before for the same purpose.

    Attributes
    ----------
    rows
        Rows read.
    kept
        Codes, pairs or phrases that the import brings.
    against
        What it is compared with, empty where there was nothing.
    added, deleted, revised
        How many.
    examples
        The first of each, ``{"added": [...], "deleted": [...], "revised": [...]}``.
    left_out
        Rows that are right but not used, with row and reason; the first of them.
    remarks
        Anything else that a person should know.
    """

    rows: int
    kept: int
    against: str = ""
    added: int = 0
    deleted: int = 0
    revised: int = 0
    examples: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def compare(
    before: dict[str, object], after: dict[str, object], *, rows: int, against: str, **more: Any
) -> Changes:
    """Changes between two mappings of a code, pair or phrase to what it says."""
    added = sorted(after.keys() - before.keys())
    deleted = sorted(before.keys() - after.keys())
    revised = sorted(key for key in after.keys() & before.keys() if after[key] != before[key])
    named = {"added": added, "deleted": deleted, "revised": revised}
    return Changes(
        rows=rows,
        kept=len(after),
        against=against,
        added=len(added),
        deleted=len(deleted),
        revised=len(revised),
        examples={name: tuple(items[:_SHOWN]) for name, items in named.items() if items},
        **more,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import as the journal keeps it. Times are UTC, to the second."""

    id: int
    kind: Kind
    slot: str
    at: str
    sources: tuple[str, ...]
    sha256: str
    files: tuple[str, ...]
    changes: Changes
    reverted: str | None = None

    def folder(self, store_dir: Path) -> Path:
        """Folder of its compiled files."""
        return store_dir / FOLDER / f"{self.id:04d}"


def read_journal(store_dir: Path) -> tuple[Import, ...]:
    """Every import of a store folder, oldest first; none where nothing was imported.

    Raises
    ------
    CodeSetError
        If the journal is damaged.
    """
    path = store_dir / FOLDER / _FILE
    try:
        data = json.loads(path.read_bytes())
        if data["format"] != _FORMAT:
            raise ValueError
        return tuple(_import(row) for row in data["imports"])
    except FileNotFoundError:
        return ()
    except (ValueError, KeyError, TypeError):
        raise CodeSetError(
            f"the list of imports {FOLDER}/{_FILE} in the store folder is damaged; restore it, or remove the "
            f"folder {FOLDER} and import again"
        ) from None


def _import(row: dict[str, Any]) -> Import:
    changes = dict(row.pop("changes"))
    for name in ("left_out", "remarks"):
        changes[name] = tuple(changes[name])
    changes["examples"] = {name: tuple(items) for name, items in changes["examples"].items()}
    for name in ("sources", "files"):
        row[name] = tuple(row[name])
    return Import(**row, changes=Changes(**changes))


def in_use(journal: Iterable[Import]) -> tuple[Import, ...]:
    """The imports in use, oldest first: the last of every slot that was not reverted."""
    last: dict[str, Import] = {}
    for item in journal:
        if item.reverted is None:
            last[item.slot] = item
    return tuple(sorted(last.values(), key=lambda item: item.id))


def active_files(store_dir: Path, kinds: Sequence[Kind]) -> list[tuple[Import, Path]]:
    """Compiled files of the imports in use of some kinds, oldest import first."""
    return [
        (item, item.folder(store_dir) / name)
        for item in in_use(read_journal(store_dir))
        if item.kind in kinds
        for name in item.files
    ]


def now() -> str:
    """This second, UTC."""
    return datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stage(store_dir: Path) -> Path:
    """A new empty folder for the files of an import that is not in use yet.

    Call it with the store folder locked; what a killed import left is removed.
    """
    root = store_dir / FOLDER
    root.mkdir(parents=True, exist_ok=True)
    known = {item.folder(store_dir).name for item in read_journal(store_dir)}
    for left in root.iterdir():
        staged = left.name.startswith(".staged-")
        if staged or (left.is_dir() and re.fullmatch(r"\d{4,}", left.name) and left.name not in known):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=".staged-", dir=root))


def commit(
    store_dir: Path,
    staged: Path,
    *,
    kind: Kind,
    slot: str,
    sources: tuple[str, ...],
    sha256: str,
    changes: Changes,
) -> Import:
    """Take a staged import into use. The store folder is locked by the caller."""
    journal = read_journal(store_dir)
    item = Import(
        id=max((old.id for old in journal), default=0) + 1,
        kind=kind,
        slot=slot,
        at=now(),
        sources=sources,
        sha256=sha256,
        files=tuple(sorted(path.name for path in staged.iterdir())),
        changes=changes,
    )
    staged.chmod(0o755)
    staged.rename(item.folder(store_dir))
    _write(store_dir, (*journal, item))
    return item


def withdraw(store_dir: Path, item: Import) -> None:
    """Undo the last ``commit`` without a trace: what follows it failed. The caller holds the lock."""
    _write(store_dir, tuple(old for old in read_journal(store_dir) if old.id != item.id))
    shutil.rmtree(item.folder(store_dir), ignore_errors=True)


def revert(store_dir: Path, number: int) -> Import:
    """Take an import back; the one before it in its slot is in use again. The caller holds the lock.

    Raises
    ------
    CodeSetError
        If there is no such import, or it was taken back before.
    """
    journal = read_journal(store_dir)
    found = next((item for item in journal if item.id == number), None)
    if found is None:
        known = ", ".join(str(item.id) for item in journal if item.reverted is None) or "none"
        raise CodeSetError(f"there is no import {number}; imports that can be taken back: {known}")
    if found.reverted is not None:
        raise CodeSetError(f"import {number} was taken back at {found.reverted}")
    done = replace(found, reverted=now())
    _write(store_dir, tuple(done if item.id == number else item for item in journal))
    shutil.rmtree(found.folder(store_dir), ignore_errors=True)
    return done


def _write(store_dir: Path, journal: tuple[Import, ...]) -> None:
    data = {"format": _FORMAT, "imports": [asdict(item) for item in journal]}
    replace_file(store_dir / FOLDER / _FILE, json.dumps(data, indent=1).encode())


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    handle, temp = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fchmod(out.fileno(), 0o644)
            os.fsync(out.fileno())
        Path(temp).replace(path)
    except BaseException:
        Path(temp).unlink(missing_ok=True)
        raise
