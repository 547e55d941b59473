"""A claim with everything that its exports need: draft, parties, run, and why each pointer is there."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from suggester.billing.profile import Parties
from suggester.types import ClaimDiagnosis, ClaimDraft, ClaimLine, Flag, Run, Span, System

__all__ = ["CENT", "Claim", "PointerReason", "Trace", "run_name", "safe_name", "standing"]

CENT = Decimal("0.01")
_MOST_DIGITS = 15
_CONTROL = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-]{0,19}", re.ASCII)
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerReason:
    """Why a line points to a diagnosis, in words. ``line`` and ``diagnosis`` are their sequences."""

    line: int
    diagnosis: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """From a code of the claim to the decision, and to the words: ``places`` are spans by note id."""

    system: System
    code: str
    decision_id: str | None
    decided_by: str | None = None
    decided_at: datetime | None = None
    places: tuple[tuple[str, Span], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim draft and its surroundings; what ``suggester.billing`` exports.

    ``left_out`` are diagnoses that did not fit among the twelve, ``unbilled`` lines of accepted codes that a
    person keeps off the claim, counted on behind its lines. ``usage``, ``accept_assignment`` and
    ``trace_in_notes`` are the profile's; ``frequency`` and ``original_reference`` the encounter's.
    """

    draft: ClaimDraft
    parties: Parties
    run: Run | None
    usage: str = "T"
    accept_assignment: str = "A"
    trace_in_notes: bool = True
    frequency: str = "1"
    original_reference: str = ""
    pointer_reasons: tuple[PointerReason, ...] = ()
    traces: tuple[Trace, ...] = ()
    left_out: tuple[str, ...] = ()
    unbilled: tuple[ClaimLine, ...] = ()

    @property
    def total(self) -> Decimal:
        """Sum of the line charges in dollars, to the cent; not a number where a charge is none or endless."""
        charges = [line.charge for line in self.draft.lines]
        if not all(charge.is_finite() and charge.adjusted() < _MOST_DIGITS for charge in charges):
            return Decimal("NaN")
        return sum(charges, Decimal(0)).quantize(CENT)

    @property
    def number(self) -> str:
        """The patient control number (CLM01), 20 characters at most.

        The claim's own id where it can be one, else a name made from it that is always the same.
        """
        if _CONTROL.fullmatch(self.draft.id):
            return self.draft.id
        digest = hashlib.sha256(self.draft.id.encode()).digest()
        return "S" + base64.b32encode(digest).decode()[:15]

    @property
    def place_of_service(self) -> str:
        """Place-of-service code of the encounter; empty where nobody gave one."""
        return self.draft.encounter.place_of_service or ""

    @property
    def dated(self) -> datetime:
        """The moment that exports carry: of the last decision, else the end of the encounter (UTC).

        Never the clock, so that the same claim gives the same bytes.
        """
        moments = [trace.decided_at for trace in self.traces if trace.decided_at is not None]
        moments += [override.at for override in self.draft.overrides]
        last = datetime.combine(self.draft.encounter.service_to, time(), UTC)
        return max([last, *(moment.astimezone(UTC) for moment in moments)])

    def pointed(self, pointers: tuple[int, ...]) -> tuple[ClaimDiagnosis, ...]:
        """The diagnoses that ``pointers`` name, in their order; those that do not exist are left out."""
        by_sequence = {diagnosis.sequence: diagnosis for diagnosis in self.draft.diagnoses}
        return tuple(by_sequence[pointer] for pointer in pointers if pointer in by_sequence)

    def birth_date(self) -> date:
        """Birth date of whoever was treated."""
        return self.parties.coverage.insured_person.birth_date


def standing(flags: tuple[Flag, ...]) -> tuple[Flag, ...]:
    """The error-severity flags that nobody set aside, or that cannot be."""
    return tuple(
        flag
        for flag in flags
        if flag.severity == "error" and (flag.overridden is None or not flag.overridable)
    )


def run_name(run: Run | None, run_id: str | None = None) -> str:
    """A short name of a run: its id where it has one, else made from what it is; ``none`` without a run."""
    if run_id:
        return run_id
    if run is None:
        return "none"
    text = json.dumps([run.version, run.model, run.codesets, run.config_hash])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def safe_name(identifier: str) -> str:
    """An id as a file name: itself where it is plain ASCII, else made from it, always the same."""
    if _FILE.fullmatch(identifier):
        return identifier
    return "id-" + hashlib.sha256(identifier.encode()).hexdigest()[:16]
