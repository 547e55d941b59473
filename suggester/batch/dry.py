"""A rehearsal: everything is read, nothing is suggested and nothing written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from suggester.batch.outcomes import Failure, failure_of
from suggester.batch.running import Choice, notes_of
from suggester.batch.shards import Share
from suggester.config import Settings
from suggester.errors import InputError
from suggester.notes import ReadOptions

__all__ = ["DryRun", "dry_run"]

_EXAMPLES = 5
"""Failures that are told whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What a run would take: notes by setting, records that fail by reason, days of service."""

    notes: int
    characters: int
    failures: Counter[str]
    settings: Counter[str]
    examples: tuple[Failure, ...]
    first: date | None
    last: date | None
    undated: int
    left_out: int

    @property
    def failed(self) -> int:
        """Records that fail."""
        return self.failures.total()


def dry_run(
    source: str | Path,
    *,
    settings: Settings,
    reading: ReadOptions | None = None,
    share: Share | None = None,
    since: date | None = None,
    limit: int | None = None,
) -> DryRun:
    """Read an input as `run` would and count it.

    Raises
    ------
    InputError
        If ``source`` is not there or not of a kind that is read.
    """
    choice = Choice(share=share, since=since, limit=limit)
    failures: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    examples: list[Failure] = []
    notes = characters = undated = 0
    first: date | None = None
    last: date | None = None
    for item in choice.of(notes_of(source, settings=settings, reading=reading)):
        if isinstance(item, InputError):
            failure = failure_of(item, record=item.record)
            failures[failure.code] += 1
            if len(examples) < _EXAMPLES:
                examples.append(failure)
            continue
        notes += 1
        characters += len(item.text)
        kinds[item.setting or "not known"] += 1
        day = item.service_date
        if day is None:
            undated += 1
        else:
            first = day if first is None else min(first, day)
            last = day if last is None else max(last, day)
    return DryRun(
        notes=notes,
        characters=characters,
        failures=failures,
        settings=kinds,
        examples=tuple(examples),
        first=first,
        last=last,
        undated=undated,
        left_out=choice.left_out,
    )
