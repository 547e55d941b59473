"""The frozen values of second coding, dashboard and audit trail; `suggester.review.types` has them too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from suggester.types import System

__all__ = [
    "AcceptRate",
    "Agreement",
    "Attention",
    "AuditItem",
    "AuditSample",
    "CodeCount",
    "CoderDay",
    "Dashboard",
    "Disagreement",
    "SampleSize",
    "TrailEntry",
    "TrailFault",
    "TrailReport",
]

# --- audit of coding --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSize:
    """How many notes to audit for a wanted confidence and margin (both in (0, 1)), of a population."""

    population: int
    confidence: float
    margin: float
    expected_rate: float
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditItem:
    """One sampled note. ``agreed`` is None until it was coded a second time."""

    note_id: str
    name: str
    coder: str
    status: Literal["waiting", "done"]
    agreed: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSample:
    """A drawn sample of finished notes."""

    id: str
    created_by: str
    created_at: datetime
    size: SampleSize
    coder_id: str | None
    since: date | None
    until: date | None
    done: int
    items: tuple[AuditItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A code that one of the two had and the other had not."""

    note_id: str
    name: str
    system: System
    code: str
    display: str
    by: Literal["coder", "auditor"]
    coder: str
    chapter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Agreement of coder and auditor over the second-coded notes of a sample.

    ``percent`` is codes that both gave over codes that either gave, in [0, 1] with a Wilson interval.
    ``kappa`` is Cohen's over the codes that were suggested or added for each note (each a yes or no of
    both), None where chance alone explains everything. ``notes_exact`` counts notes with equal code sets.
    """

    notes: int
    notes_exact: int
    both: int
    coder_only: int
    auditor_only: int
    percent: float | None
    interval: tuple[float, float] | None
    kappa: float | None
    first_listed_same: int
    disagreements: tuple[Disagreement, ...]


# --- the dashboard ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CoderDay:
    """Work of one coder on one day."""

    coder: str
    day: date
    notes: int
    codes: int
    seconds: float
    median_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptRate:
    """Decisions in one group: ``decided`` suggestions, how many were kept, mean confidence."""

    group: str
    decided: int
    accepted: int
    rejected: int
    replaced: int
    mean_confidence: float

    @property
    def rate(self) -> float:
        """Share accepted as suggested."""
        return self.accepted / self.decided if self.decided else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeCount:
    """How often a code was rejected or added, or replaced by ``other``."""

    system: System
    code: str
    display: str
    count: int
    other: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Planted known-wrong suggestions in finished notes, and how many the coder did not accept."""

    coder: str
    planted: int
    caught: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """Figures of finished work between two days. Planted suggestions count in ``attention`` only.

    ``calibration`` groups by confidence, with ``mean_confidence`` beside the share accepted;
    ``calibration_error`` is the decided-weighted mean distance of the two, None without decisions.
    """

    since: date
    until: date
    coder_days: tuple[CoderDay, ...]
    by_band: tuple[AcceptRate, ...]
    by_system: tuple[AcceptRate, ...]
    by_chapter: tuple[AcceptRate, ...]
    calibration: tuple[AcceptRate, ...]
    calibration_error: float | None
    most_rejected: tuple[CodeCount, ...]
    most_added: tuple[CodeCount, ...]
    most_replaced: tuple[CodeCount, ...]
    attention: tuple[Attention, ...]
    notes_finished: int
    codes_final: int
    open_notes: int


# --- the trail --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailEntry:
    """One line of the audit trail; ids only, no note text."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailFault:
    """Where the audit trail is broken and how: ``seq`` is the first place concerned."""

    seq: int
    kind: Literal["edited", "deleted", "reordered", "cut", "decision", "note", "anchor"]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailReport:
    """Result of a verification; intact when there is no fault."""

    entries: int
    decisions: int
    anchors: int
    faults: tuple[TrailFault, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults
