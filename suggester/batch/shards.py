"""Cutting a stream of records into shards, each named by what it holds.

A shard's key is a hash over the run's configuration and every record of the shard, so that a part on disk is
used again only for exactly the same work. Which machine of several takes a record (``Share``) follows from
the record's id alone, so it does not depend on its neighbours or its place.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from suggester.errors import ConfigError, InputError
from suggester.types import Note

__all__ = ["SHARD_CHARS", "SHARD_RECORDS", "Item", "Shard", "Share", "cut"]

SHARD_RECORDS = 128
"""Most records of a shard: about a second of work, which is what a kill may cost each worker."""
SHARD_CHARS = 2_000_000
"""Most characters of a shard that holds more than one note."""

type Item = Note | InputError
"""A record: a note, or why there is none."""

_SHARE = re.compile(r"(\d{1,6})/(\d{1,6})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Consecutive records: the shard's number from 0, the number of its first record from 1, and its key."""

    number: int
    first: int
    key: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Part ``index`` (from 1) of ``count`` that one of several runs takes."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Share:
        """Read ``i/n``.

        Raises
        ------
        ConfigError
            If it is not two numbers, the first from 1 to the second.
        """
        match = _SHARE.fullmatch(text.strip())
        index, count = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 1 <= index <= count:
            raise ConfigError("shard must be i/n, such as 1/4 to 4/4 for four runs that share an input")
        return cls(index=index, count=count)

    def takes(self, item: Item) -> bool:
        """Whether this run takes a record."""
        name = item.record if isinstance(item, InputError) else item.id
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.index - 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def cut(
    items: Iterable[Item], *, config: str, records: int = SHARD_RECORDS, chars: int = SHARD_CHARS
) -> Iterator[Shard]:
    """Cut records into shards of at most ``records`` records and, but for single ones, ``chars`` characters.

    Parameters
    ----------
    items
        The records, in order.
    config
        Key of the run's configuration; part of every shard's key.
    """
    waiting: list[Item] = []
    size = number = taken = 0
    for item in items:
        length = 0 if isinstance(item, InputError) else len(item.text)
        if waiting and (len(waiting) >= records or size + length > chars):
            yield _shard(number, taken - len(waiting) + 1, config, waiting)
            number, size = number + 1, 0
            waiting = []
        waiting.append(item)
        taken += 1
        size += length
    if waiting:
        yield _shard(number, taken - len(waiting) + 1, config, waiting)


def _shard(number: int, first: int, config: str, items: list[Item]) -> Shard:
    digest = hashlib.sha256(config.encode())
    for item in items:
        digest.update(_content(item))
        digest.update(b"\n")
    return Shard(number=number, first=first, key=digest.hexdigest()[:32], items=tuple(items))


def _content(item: Item) -> bytes:
    """Everything of a record that can change what comes out for it."""
    if isinstance(item, InputError):
        return json.dumps(["error", item.code, item.record, item.message]).encode()
    patient = item.patient
    values = [
        item.id,
        item.text,
        item.encounter_id,
        item.kind,
        str(item.service_date),
        item.setting,
        None if patient is None else [patient.id, patient.sex, str(patient.birth_date)],
    ]
    return json.dumps(values).encode()
