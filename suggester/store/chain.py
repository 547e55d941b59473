"""The audit trail as a chain of keyed hashes: pure functions, no database.

Each entry's ``mac`` is HMAC-SHA256 over its sequence number, its content and the mac before it, with a key
that is not in the database. Who can write to the database but has not the key can therefore change, remove
or move no entry unseen, except cut off the end; that the anchors show, which are kept outside.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["START", "Entry", "canonical", "mac_of", "mac_of_text", "mac_of_values", "sealed"]

START = "0" * 64
"""What stands before the first entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the trail. ``at`` is milliseconds since 1970 UTC, ``detail`` canonical JSON."""

    seq: int
    at: int
    actor: str
    action: str
    subject: str
    detail: str
    prev: str
    mac: str = ""


def canonical(value: object) -> str:
    """JSON with sorted keys and no spaces: equal values give equal characters."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":"))


def mac_of_values(key: bytes, values: Mapping[str, object]) -> str:
    """Keyed hash of named values, 64 hexadecimal digits."""
    return mac_of_text(key, canonical(values))


def mac_of_text(key: bytes, text: str) -> str:
    """Keyed hash of a text, 64 hexadecimal digits; without the key nothing about the text can be tried."""
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def mac_of(key: bytes, entry: Entry) -> str:
    """The mac that an entry must have."""
    content = [entry.seq, entry.at, entry.actor, entry.action, entry.subject, entry.detail, entry.prev]
    return mac_of_text(key, canonical(content))


def sealed(
    key: bytes, previous: Entry | None, *, at: int, actor: str, action: str, subject: str, detail: str
) -> Entry:
    """The entry that follows ``previous`` (None for the first), with its mac."""
    entry = Entry(
        seq=previous.seq + 1 if previous else 1,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        detail=detail,
        prev=previous.mac if previous else START,
    )
    return Entry(
        seq=entry.seq,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        detail=detail,
        prev=entry.prev,
        mac=mac_of(key, entry),
    )
