"""The frozen values that the review service takes and gives back.

Ids (``note_id``, ``row_id``, ``sample_id`` …) are opaque and safe in an address. ``name`` of a note is the id
that it came with and may identify a patient: it never goes into an address or a log. Times are aware
``datetime`` in UTC; durations are seconds; confidences are probabilities in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from suggester.review.figure_types import (
    AcceptRate,
    Agreement,
    Attention,
    AuditItem,
    AuditSample,
    CodeCount,
    CoderDay,
    Dashboard,
    Disagreement,
    SampleSize,
    TrailEntry,
    TrailFault,
    TrailReport,
)
from suggester.types import (
    Evidence,
    Flag,
    NotCoded,
    Note,
    Override,
    ProposedModifier,
    Run,
    Setting,
    Span,
    System,
)

__all__ = [
    "NOTE_STATUSES",
    "PRIMARY",
    "QUERY_KINDS",
    "ROLES",
    "ROW_STATES",
    "WORK_ACTIONS",
    "WORK_SORTS",
    "AcceptRate",
    "Ack",
    "AckStatus",
    "Action",
    "Actor",
    "Agreement",
    "Attention",
    "AuditItem",
    "AuditSample",
    "BulkPreview",
    "CodeCount",
    "CodeDetails",
    "CodeHit",
    "CodeRef",
    "CoderDay",
    "Dashboard",
    "Decision",
    "DecisionInput",
    "Disagreement",
    "EncounterCodes",
    "ExportRecord",
    "FinalCode",
    "Finished",
    "ImportFailure",
    "ImportProgress",
    "LadderStep",
    "Lease",
    "Mark",
    "MyCodes",
    "NoteStatus",
    "NoteView",
    "OverrideInput",
    "PhysicianQuery",
    "Progress",
    "QueryDraft",
    "QueryKind",
    "QueryStatus",
    "Role",
    "Row",
    "RowState",
    "SampleSize",
    "SavedClaim",
    "SectionMark",
    "SignedIn",
    "Summary",
    "TrailEntry",
    "TrailFault",
    "TrailReport",
    "User",
    "WorkCounts",
    "WorkFilters",
    "WorkPage",
    "WorkRow",
    "WorkSort",
    "added_row_id",
]

Role = Literal["coder", "auditor", "manager", "admin"]
ROLES: tuple[Role, ...] = ("coder", "auditor", "manager", "admin")

NoteStatus = Literal["new", "in_review", "finished", "second_review", "reopened"]
NOTE_STATUSES: tuple[NoteStatus, ...] = ("new", "in_review", "finished", "second_review", "reopened")

RowState = Literal["pending", "accepted", "rejected", "replaced"]
ROW_STATES: tuple[RowState, ...] = ("pending", "accepted", "rejected", "replaced")

Action = Literal[
    "accept",
    "reject",
    "replace",
    "add",
    "order",
    "undo",
    "start",
    "finish",
    "reopen",
    "second_review",
]
"""What a decision does. The first six come from the person at work, the rest are steps of the note."""
WORK_ACTIONS: tuple[Action, ...] = ("accept", "reject", "replace", "add", "order", "undo")

PRIMARY = "primary"
"""The track of the coding that is billed; ``audit:<sample id>`` is a blind second coding."""

WorkSort = Literal["risk", "age", "service_date", "confidence"]
WORK_SORTS: tuple[WorkSort, ...] = ("risk", "age", "service_date", "confidence")

AckStatus = Literal["durable", "refused"]


# --- people -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts, as the session says at this moment."""

    user_id: str
    name: str
    display_name: str
    role: Role
    session_id: str
    demo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A fresh session. ``token`` is shown once; the store keeps its hash only."""

    token: str
    actor: Actor
    expires_at: datetime
    idle_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user as an administrator sees them."""

    id: str
    name: str
    display_name: str
    role: Role
    email: str | None
    identity: str | None
    disabled: bool
    locked_until: datetime | None
    created_at: datetime
    has_password: bool


# --- the worklist -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFilters:
    """What a page of the worklist shows. None and empty mean no restriction; days are inclusive.

    ``assigned`` is ``"me"``, ``"none"`` or a user id; ``flag`` is a rule id or a severity; ``below`` keeps
    notes whose least sure suggestion is below it; ``name`` is the beginning of the note's own id.
    """

    statuses: tuple[NoteStatus, ...] = ()
    kinds: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    service_from: date | None = None
    service_to: date | None = None
    assigned: str | None = None
    below: float | None = None
    flag: str | None = None
    encounter: str | None = None
    name: str | None = None
    queried: bool | None = None
    free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRow:
    """One note in the worklist; no note text.

    ``risk`` is the expected number of wrong first answers: of every suggestion the smaller of its confidence
    and one minus it, plus 1 for each error flag and 0.25 for each warning. ``held_by`` is the display name of
    who holds a lease now.
    """

    id: str
    name: str
    status: NoteStatus
    kind: str | None
    setting: Setting | None
    service_date: date | None
    encounter_id: str | None
    imported_at: datetime
    suggestions: int
    pending: int
    lowest_confidence: float | None
    risk: float
    errors: int
    warnings: int
    characters: int
    assigned_to: str | None
    held_by: str | None
    held_by_me: bool
    open_queries: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPage:
    """A page of the worklist and how many notes the filters find in all."""

    rows: tuple[WorkRow, ...]
    total: int
    offset: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCounts:
    """Numbers for the filters: notes by status, kinds and flag rules that occur."""

    by_status: tuple[tuple[NoteStatus, int], ...]
    by_kind: tuple[tuple[str, int], ...]
    by_flag: tuple[tuple[str, int], ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The day of one coder. ``seconds_a_note`` is the median of their latest notes, None before the first.

    ``minutes_left`` estimates the open notes that are free or theirs at that pace.
    """

    day: date
    finished_today: int
    codes_today: int
    seconds_today: float
    seconds_a_note: float | None
    open_notes: int
    minutes_left: float | None


# --- a note at work ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRef:
    """A code by name, with its title where one may be shown."""

    system: System
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One suggested or added code of a note and what was decided on it.

    ``added`` rows come from a person: no confidence, and their evidence is the words selected. ``position``
    counts from 1 in the coding summary and is None where the row is not in it.
    """

    id: str
    system: System
    code: str
    display: str
    confidence: float | None
    rank: int
    added: bool
    state: RowState
    replacement: CodeRef | None
    reason: str | None
    evidence: tuple[Evidence, ...]
    reasons: tuple[str, ...]
    flags: tuple[Flag, ...]
    modifiers: tuple[ProposedModifier, ...]
    units: int | None
    decision_id: str | None
    decided_by: str | None
    decided_at: datetime | None
    position: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalCode:
    """A code of the coding summary, in order. ``decision_id`` put it there.

    ``modifiers`` and ``units`` are those proposed with a suggestion that was accepted as it was.
    """

    position: int
    system: System
    code: str
    display: str
    row_id: str
    decision_id: str
    reviewer: str
    evidence: tuple[Span, ...]
    modifiers: tuple[str, ...] = ()
    units: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionMark:
    """A section of the note for navigation."""

    kind: str
    title: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Words whose reading a coder should see: ``kind`` is ``negated``, ``family`` … and ``cue`` its words.

    ``cue_span`` is where the cue stands, None where it is not known.
    """

    kind: str
    span: Span
    cue: str | None
    cue_span: Span | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The hold of one person on one note; lapses at ``until`` unless a heartbeat renews it."""

    note_id: str
    track: str
    user_id: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteView:
    """Everything the review page shows of one note.

    ``codes`` is the coding summary as it stands, first-listed first. ``version`` grows with each decision.
    ``lease`` is the caller's own, None when they only look. ``em`` is the E/M worksheet as JSON, or None.
    """

    id: str
    note: Note
    status: NoteStatus
    track: str
    version: int
    rows: tuple[Row, ...]
    codes: tuple[FinalCode, ...]
    not_coded: tuple[NotCoded, ...]
    flags: tuple[Flag, ...]
    overrides: tuple[Override, ...]
    sections: tuple[SectionMark, ...]
    marks: tuple[Mark, ...]
    queries: tuple[PhysicianQuery, ...]
    run: Run
    em: dict[str, Any] | None
    lease: Lease | None
    can_undo: bool
    imported_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionInput:
    """One decision as the browser sends it. ``uuid`` is made there and makes a replay harmless.

    ============  ======================================================================
    action        what it needs
    ============  ======================================================================
    ``accept``    ``row_id``
    ``reject``    ``row_id``, ``reason``
    ``replace``   ``row_id``, ``system``, ``code``; ``reason`` optional
    ``add``       ``system``, ``code``; ``span`` of the selected words optional
    ``order``     ``row_id``, ``position`` from 1 (1 is first-listed)
    ``undo``      nothing, or ``target`` (uuid of the decision to take back)
    ============  ======================================================================

    ``seen`` is the note version that the page showed; None skips the version check.
    """

    uuid: str
    note_id: str
    action: Action
    row_id: str | None = None
    system: System | None = None
    code: str | None = None
    reason: str | None = None
    span: Span | None = None
    position: int | None = None
    target: str | None = None
    seen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """What became of one decision: ``durable`` (committed, now or by an earlier send) or ``refused``.

    ``version`` is the note's version after it. ``code`` and ``message`` say why it was refused.
    """

    uuid: str
    status: AckStatus
    version: int
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision as it is kept, for history and for learning."""

    id: str
    note_id: str
    track: str
    version: int
    action: Action
    row_id: str | None
    suggestion_id: str | None
    system: System | None
    code: str | None
    replacement: str | None
    reason: str | None
    span: Span | None
    position: int | None
    target: str | None
    reviewer: str
    client: str
    decided_at: datetime
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPreview:
    """What accepting everything at or above a confidence would mean, to be shown first.

    ``expected_wrong`` is the sum of one minus confidence over ``rows``.
    """

    note_id: str
    threshold: float
    rows: tuple[str, ...]
    expected_wrong: float
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideInput:
    """A flag set aside while finishing, and why."""

    rule_id: str
    codes: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The coding summary of one note. ``standing`` are flags that need a reason before it can be finished.

    ``pending`` counts suggestions nobody decided on; they are not in the summary.
    """

    note_id: str
    name: str
    encounter_id: str | None
    service_date: date | None
    status: NoteStatus
    version: int
    codes: tuple[FinalCode, ...]
    flags: tuple[Flag, ...]
    standing: tuple[Flag, ...]
    overrides: tuple[Override, ...]
    pending: int
    run: Run
    finished_by: str | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A note was finished. ``planted`` are accepted codes that were planted to test attention.

    They are known to be wrong by the words of the note and were taken out of the summary.
    """

    summary: Summary
    seconds: float
    planted: tuple[CodeRef, ...]


# --- codes ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeHit:
    """A code found by search; ``favourite`` is the caller's own mark."""

    system: System
    code: str
    display: str
    billable: bool
    matched: str
    score: float
    favourite: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeDetails:
    """A code with its place and notes. ``notes`` are ``(kind, text, code that carries it)``."""

    system: System
    code: str
    display: str
    billable: bool
    release: str
    ancestors: tuple[CodeRef, ...]
    children: tuple[CodeRef, ...]
    notes: tuple[tuple[str, str, str], ...]
    favourite: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderStep:
    """A more specific billable code near a chosen one, and the words the note lacks (or has) for it."""

    system: System
    code: str
    display: str
    missing: tuple[str, ...]
    present: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MyCodes:
    """A user's favourite codes (newest first) and those used of late."""

    favourites: tuple[CodeRef, ...]
    recent: tuple[CodeRef, ...]


# --- questions to the physician ---------------------------------------------------------------------

QueryKind = Literal["specificity", "uncertain", "conflict", "cause", "support"]
QUERY_KINDS: tuple[QueryKind, ...] = ("specificity", "uncertain", "conflict", "cause", "support")
QueryStatus = Literal["open", "answered", "withdrawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryDraft:
    """A drafted question: non-leading, with the clinical indicators quoted from the note."""

    note_id: str
    row_id: str | None
    kind: QueryKind
    indicators: tuple[Evidence, ...]
    question: str
    options: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicianQuery:
    """A question that was put; ``text`` holds words of the note."""

    id: str
    note_id: str
    row_id: str | None
    kind: QueryKind
    text: str
    status: QueryStatus
    answer: str | None
    asked_by: str
    asked_at: datetime
    closed_at: datetime | None


# --- import -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFailure:
    """A record that could not be imported: what names it, a stable reason, a message without note text."""

    record: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProgress:
    """Where an import stands; the last one has ``finished`` true and every failure."""

    done: int
    imported: int
    skipped: int
    failures: tuple[ImportFailure, ...]
    finished: bool = False


# --- billing hand-off -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class EncounterCodes:
    """The finished codes of all notes of one encounter, for a claim; ``open_notes`` are not finished yet."""

    encounter_id: str
    notes: tuple[Note, ...]
    summaries: tuple[Summary, ...]
    open_notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedClaim:
    """A claim draft as JSON, kept with a version for the optimistic check (0: never saved)."""

    encounter_id: str
    version: int
    record: dict[str, Any]
    saved_by: str
    saved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRecord:
    """That a claim was exported: format, SHA-256 of the bytes, when and by whom."""

    encounter_id: str
    format: str
    sha256: str
    by: str
    at: datetime


def added_row_id(note_id: str, uuid: str) -> str:
    """Row id of the code that the ``add`` decision ``uuid`` made on a note."""
    return f"{note_id}.a{uuid}"
