"""What a note's decisions add up to: a pure state machine.

A note is its suggestions (seeds) and a list of steps, which only grows. `replay` turns them into the state
that the page shows; `check` says whether one more step is allowed. Taking back is a step too: the state is
then what the others add up to.

=================  =============================  ================
step               allowed when the note is       it becomes
=================  =============================  ================
``start``          new, reopened                  in_review
work (see types)   in_review, second_review       the same
``finish``         in_review, second_review       finished
``reopen``         finished                       reopened
``second_review``  in_review, finished            second_review
=================  =============================  ================
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from suggester.errors import DecisionError
from suggester.review.types import WORK_ACTIONS, Action, NoteStatus, RowState, added_row_id
from suggester.types import SYSTEMS, Span, System

__all__ = ["NoteNow", "RowNow", "Seed", "Step", "check", "replay", "undoable"]

MAX_REASON = 500
"""Longest reason, in characters."""

_STEPS: dict[Action, tuple[tuple[NoteStatus, ...], NoteStatus]] = {
    "start": (("new", "reopened"), "in_review"),
    "finish": (("in_review", "second_review"), "finished"),
    "reopen": (("finished",), "reopened"),
    "second_review": (("in_review", "finished"), "second_review"),
}
_WORKING: tuple[NoteStatus, ...] = ("in_review", "second_review")
_BOUNDS: tuple[Action, ...] = ("finish", "reopen", "second_review")
"""Steps that work before them cannot be taken back past."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A suggestion before anybody decided on it."""

    id: str
    system: System
    code: str
    display: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A decision as far as the state depends on it; ``system``, ``code``, ``display`` are what it chose."""

    id: str
    note_id: str
    action: Action
    reviewer: str
    row_id: str | None = None
    system: System | None = None
    code: str | None = None
    display: str = ""
    reason: str | None = None
    span: Span | None = None
    position: int | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowNow:
    """A row as decisions have left it. ``code`` is what counts: the replacement where there is one."""

    id: str
    system: System
    code: str
    display: str
    added: bool
    state: RowState = "pending"
    reason: str | None = None
    span: Span | None = None
    decided: Step | None = None

    @property
    def counts(self) -> bool:
        """Whether the row gives a code to the summary."""
        return self.state in ("accepted", "replaced")


@dataclass(slots=True)
class NoteNow:
    """The state of a note: status, rows by id in order of appearance, and ids of the summary in order."""

    status: NoteStatus = "new"
    rows: dict[str, RowNow] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    @property
    def pending(self) -> int:
        """Suggestions that nobody decided on."""
        return sum(row.state == "pending" for row in self.rows.values())

    @property
    def codes(self) -> list[RowNow]:
        """The summary in order."""
        return [self.rows[row_id] for row_id in self.order]


def replay(seeds: Iterable[Seed], steps: Sequence[Step]) -> NoteNow:
    """The state that steps add up to. Steps on rows that were taken back have no effect."""
    undone = {step.target for step in steps if step.action == "undo"}
    now = NoteNow(
        rows={
            seed.id: RowNow(id=seed.id, system=seed.system, code=seed.code, display=seed.display, added=False)
            for seed in seeds
        }
    )
    for step in steps:
        if step.id not in undone:
            _apply(now, step)
    return now


def undoable(steps: Sequence[Step], reviewer: str) -> list[str]:
    """Ids of the steps that a reviewer may take back, latest first."""
    undone = {step.target for step in steps if step.action == "undo"}
    found: list[str] = []
    for step in reversed(steps):
        if step.action in _BOUNDS:
            break
        if (
            step.action in WORK_ACTIONS
            and step.action != "undo"
            and step.id not in undone
            and step.reviewer == reviewer
        ):
            found.append(step.id)
    return found


def check(seeds: Sequence[Seed], steps: Sequence[Step], new: Step) -> tuple[Step, NoteNow]:
    """The step as it is to be kept, and the state after it.

    An undo without target is given the latest step it may take back; accept is given the row's own code.

    Raises
    ------
    DecisionError
        If the step is not allowed now, or lacks what it needs.
    """
    now = replay(seeds, steps)
    if new.action in _STEPS:
        allowed, _ = _STEPS[new.action]
        if now.status not in allowed:
            raise DecisionError(
                f"a note that is {now.status} cannot {new.action}; allowed when {' or '.join(allowed)}",
                reason="status",
            )
    else:
        if now.status not in _WORKING:
            raise DecisionError(f"a note that is {now.status} takes no decisions", reason="status")
        new = _completed(now, seeds, steps, new)
    after = replay(seeds, [*steps, new])
    _refuse_doubles(after)
    return new, after


def _refuse_doubles(now: NoteNow) -> None:
    """Taking back an older step may bring a code back that was added again since."""
    codes = [(row.system, row.code) for row in now.codes]
    if len(set(codes)) < len(codes):
        raise DecisionError("that would put a code into the summary twice", reason="code_present")


def _completed(now: NoteNow, seeds: Sequence[Seed], steps: Sequence[Step], new: Step) -> Step:
    if new.reason is not None and len(new.reason) > MAX_REASON:
        raise DecisionError(f"a reason has at most {MAX_REASON} characters", reason="reason_long")
    match new.action:
        case "undo":
            able = undoable(steps, new.reviewer)
            target = new.target or next(iter(able), None)
            if target not in able:
                raise DecisionError("there is nothing of yours to take back", reason="nothing_to_undo")
            return replace(new, target=target, row_id=None)
        case "add":
            _need(new.system is not None and new.code is not None, "add needs a code", "code_missing")
            _refuse_double(now, new, but=None)
            return replace(new, row_id=added_row_id(new.note_id, new.id))
        case "order":
            row = _row(now, new)
            _need(row.counts, "only codes of the summary have a place", "row_state")
            _need(new.position is not None and new.position >= 1, "order needs a place from 1", "position")
            return new
        case "accept":
            row = _row(now, new)
            own = next((seed for seed in seeds if seed.id == row.id), None)
            system, code, display = (
                (own.system, own.code, own.display) if own else (row.system, row.code, row.display)
            )
            new = replace(new, system=system, code=code, display=display)
            _refuse_double(now, new, but=row.id)
            return new
        case "reject":
            row = _row(now, new)
            _need(bool(new.reason and new.reason.strip()), "reject needs a reason", "reason_missing")
            return replace(new, system=row.system, code=row.code, display=row.display)
        case "replace":
            row = _row(now, new)
            _need(new.system is not None and new.code is not None, "replace needs a code", "code_missing")
            _refuse_double(now, new, but=row.id)
            return new
    raise DecisionError(f"unknown action; allowed: {', '.join(WORK_ACTIONS)}", reason="action")


def _need(given: bool, message: str, reason: str) -> None:
    if not given:
        raise DecisionError(message, reason=reason)


def _row(now: NoteNow, step: Step) -> RowNow:
    row = now.rows.get(step.row_id or "")
    if row is None:
        raise DecisionError(f"{step.action} needs a row of this note", reason="row_unknown")
    return row


def _refuse_double(now: NoteNow, step: Step, *, but: str | None) -> None:
    for row in now.codes:
        if row.id != but and (row.system, row.code) == (step.system, step.code):
            raise DecisionError(f"{step.system} {step.code} is in the summary already", reason="code_present")


def _apply(now: NoteNow, step: Step) -> None:
    """Bring the state one step further; a step on a row that is not there (any more) does nothing."""
    if step.action in _STEPS:
        now.status = _STEPS[step.action][1]
        return
    if step.action == "add":
        assert step.system is not None  # noqa: S101  # kept steps have been checked
        assert step.code is not None  # noqa: S101
        row_id = added_row_id(step.note_id, step.id)
        now.rows[row_id] = RowNow(
            id=row_id,
            system=step.system,
            code=step.code,
            display=step.display,
            added=True,
            state="accepted",
            span=step.span,
            decided=step,
        )
        _enter(now, row_id)
        return
    row = now.rows.get(step.row_id or "")
    if row is None:
        return
    match step.action:
        case "order":
            if row.id in now.order and step.position is not None:
                now.order.remove(row.id)
                now.order.insert(min(step.position, len(now.order) + 1) - 1, row.id)
        case "reject":
            now.rows[row.id] = replace(row, state="rejected", reason=step.reason, decided=step)
            if row.id in now.order:
                now.order.remove(row.id)
        case "accept" | "replace":
            assert step.system is not None  # noqa: S101
            assert step.code is not None  # noqa: S101
            now.rows[row.id] = replace(
                row,
                system=step.system,
                code=step.code,
                display=step.display,
                state="accepted" if step.action == "accept" else "replaced",
                reason=step.reason,
                decided=step,
            )
            _enter(now, row.id)


def _enter(now: NoteNow, row_id: str) -> None:
    """Put a row into the summary: after the last row of its system or of a system before it."""
    if row_id in now.order:
        return
    system = SYSTEMS.index(now.rows[row_id].system)
    place = len(now.order)
    while place and SYSTEMS.index(now.rows[now.order[place - 1]].system) > system:
        place -= 1
    now.order.insert(place, row_id)
