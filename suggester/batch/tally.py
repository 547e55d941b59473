"""What a run counted: small enough to keep beside every part, and the same whoever counted in what order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from suggester.types import Note, Suggestions

__all__ = ["BINS", "Tally"]

BINS = 20
"""Bins of the confidence histogram, each 0.05 wide."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts of a part, a shard or a run; ``add`` and ``fail`` count a record, ``merge`` joins two.

    ``confidence`` counts suggestions by bin; ``expected_right`` is the sum of their confidences, so that the
    number of wrong ones to expect is ``suggestions - expected_right``. ``codes`` are by ``system code``,
    ``flags`` by ``severity rule``, ``releases`` and ``models`` notes by what they were read with.
    """

    notes: int = 0
    failed: int = 0
    characters: int = 0
    suggestions: int = 0
    expected_right: float = 0.0
    without: int = 0
    not_coded: int = 0
    auto_accepted: int = 0
    auto_right: float = 0.0
    auto_notes: int = 0
    confidence: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    releases: Counter[str] = field(default_factory=Counter)

    @property
    def records(self) -> int:
        """Notes read and records that failed."""
        return self.notes + self.failed

    @property
    def auto_wrong(self) -> float:
        """Wrong codes to expect among the automatically accepted ones, as the confidences say."""
        return max(0.0, self.auto_accepted - self.auto_right)

    def add(self, note: Note, result: Suggestions, accepted: tuple[bool, ...] = ()) -> None:
        """Count a note with its suggestions; ``accepted`` says for each whether it was auto-accepted."""
        self.notes += 1
        self.characters += len(note.text)
        self.without += not result.suggestions
        self.not_coded += len(result.not_coded)
        run = result.run
        self.models[f"{run.model} (suggester {run.version})"] += 1
        for system, release in run.codesets:
            self.releases[f"{system} {release}"] += 1
        self.reasons.update(item.reason for item in result.not_coded)
        flags = [*result.flags, *(flag for item in result.suggestions for flag in item.flags)]
        self.flags.update(f"{flag.severity} {flag.rule_id}" for flag in flags)
        for item in result.suggestions:
            self.suggestions += 1
            self.expected_right += item.confidence
            self.confidence[str(min(int(item.confidence * BINS), BINS - 1))] += 1
            self.codes[f"{item.code.system} {item.code.code}"] += 1
        self.auto_notes += any(accepted)
        for item, taken in zip(result.suggestions, accepted, strict=False):
            if taken:
                self.auto_accepted += 1
                self.auto_right += item.confidence

    def fail(self, code: str) -> None:
        """Count a record that failed, by its reason."""
        self.failed += 1
        self.failures[code] += 1

    def merge(self, other: Tally) -> None:
        """Add what another tally counted."""
        for name in self.__dataclass_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, Counter):
                mine.update(theirs)
            else:
                setattr(self, name, mine + theirs)

    def to_record(self) -> dict[str, Any]:
        """The counts as plain JSON values, names sorted."""
        out: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            out[name] = dict(sorted(value.items())) if isinstance(value, Counter) else value
        return out

    @classmethod
    def from_record(cls, data: Mapping[str, Any]) -> Tally:
        """Counts written by ``to_record``."""
        tally = cls()
        for name in tally.__dataclass_fields__:
            value = data[name]
            setattr(tally, name, Counter(value) if isinstance(value, dict) else value)
        return tally
