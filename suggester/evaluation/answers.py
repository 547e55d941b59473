"""The answers to be scored: every gold note put to an engine, and both sides narrowed to one system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from suggester.batch.outcomes import failure_of
from suggester.types import GoldNote, Note, Suggestions, System

EVERY_CONFIDENCE: Mapping[str, float | int] = {"threshold": 0.0, "limit": 500}
"""Settings of an engine that is measured: the figures over all thresholds need the tail."""


class _Engine(Protocol):
    def suggest(self, note: Note) -> Suggestions:
        """Make the suggestions of one note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Suggestions by note id. ``failures`` name the notes that failed, which count as all missed."""

    found: Mapping[str, Suggestions]
    failures: tuple[str, ...]


def answers(gold: Iterable[GoldNote], engine: _Engine) -> Answers:
    """Put every note to the engine. A note that fails is named, without its text, and the others go on."""
    found: dict[str, Suggestions] = {}
    failures: list[str] = []
    for item in gold:
        try:
            found[item.note.id] = engine.suggest(item.note)
        except Exception as error:  # whatever it is, the other notes go on
            failure = failure_of(error, record=item.note.id)
            failures.append(f"{failure.record}: {failure.message}")
    return Answers(found=found, failures=tuple(failures))


def gold_of_system(gold: Sequence[GoldNote], system: System | None) -> list[GoldNote]:
    """The notes with their gold codes of one system only; of all where it is None. E/M levels are CPT."""
    if system is None:
        return list(gold)
    return [
        replace(
            item,
            codes=tuple(code for code in item.codes if code.system == system),
            em=item.em if system == "CPT" else frozenset(),
        )
        for item in gold
    ]


def found_of_system(found: Mapping[str, Suggestions], system: System | None) -> dict[str, Suggestions]:
    """The suggestions of one system only; of all where it is None."""
    if system is None:
        return dict(found)
    return {
        note_id: replace(
            result, suggestions=tuple(item for item in result.suggestions if item.code.system == system)
        )
        for note_id, result in found.items()
    }
