"""The licence gate of CPT: descriptors are read, used and shown only where somebody stated a licence.

The statement is kept in the store folder: who made it, when, and for what. Taking it back keeps what was
stated before. CPT is the copyright of the American Medical Association; whether a licence is needed and held
is between the user and the association.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from suggester.codesets.journal import now, replace_file
from suggester.errors import LicenceError

LICENCES_FILE = "licences.json"
Licensed = Literal["cpt"]
_LONGEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What somebody stated of a licence, or that it no longer holds. ``at`` is UTC."""

    subject: Licensed
    action: Literal["accepted", "revoked"]
    name: str
    purpose: str
    at: str


def statements(store_dir: Path, subject: Licensed = "cpt") -> tuple[Statement, ...]:
    """Every statement on a licence, oldest first.

    Raises
    ------
    LicenceError
        If the file of statements is damaged: then nothing counts as accepted.
    """
    try:
        rows = json.loads((store_dir / LICENCES_FILE).read_bytes())
        found = tuple(Statement(**row) for row in rows)
    except FileNotFoundError:
        return ()
    except (ValueError, TypeError):
        raise LicenceError(
            f"{LICENCES_FILE} in the store folder is damaged; remove it and accept again"
        ) from None
    return tuple(item for item in found if item.subject == subject)


def in_force(store_dir: Path, subject: Licensed = "cpt") -> Statement | None:
    """The statement that opens the gate, None while it is closed."""
    last = statements(store_dir, subject)[-1:]
    return last[0] if last and last[0].action == "accepted" else None


def cpt_licensed(store_dir: Path) -> bool:
    """Whether descriptors of CPT may be read, used and shown."""
    return in_force(store_dir, "cpt") is not None


def accept(store_dir: Path, *, name: str, purpose: str, subject: Licensed = "cpt") -> Statement:
    """Record that somebody states to hold a licence.

    Raises
    ------
    LicenceError
        If name or purpose is empty or too long.
    """
    who, what = " ".join(name.split()), " ".join(purpose.split())
    if not who or not what:
        raise LicenceError("a licence statement needs a name and a purpose (--name, --purpose)")
    if max(len(who), len(what)) > _LONGEST:
        raise LicenceError(f"name and purpose have at most {_LONGEST} characters")
    return _add(store_dir, Statement(subject=subject, action="accepted", name=who, purpose=what, at=now()))


def revoke(store_dir: Path, *, subject: Licensed = "cpt") -> Statement:
    """Record that the licence no longer holds.

    Raises
    ------
    LicenceError
        If none was accepted.
    """
    held = in_force(store_dir, subject)
    if held is None:
        raise LicenceError("no licence is accepted, so none can be revoked")
    gone = Statement(subject=subject, action="revoked", name=held.name, purpose=held.purpose, at=now())
    return _add(store_dir, gone)


def _add(store_dir: Path, statement: Statement) -> Statement:
    store_dir.mkdir(parents=True, exist_ok=True)
    rows = [asdict(item) for item in (*statements(store_dir, statement.subject), statement)]
    replace_file(store_dir / LICENCES_FILE, json.dumps(rows, indent=1).encode())
    return statement
