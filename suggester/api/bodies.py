"""The bodies that callers send. Unknown fields are refused; what comes back are the types of the library."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from suggester.review.types import DecisionInput, OverrideInput
from suggester.types import Note, Patient, Setting, Span, System


def _whole(text: str) -> str:
    """Refuse halves of surrogate pairs: they are no characters and cannot be written as UTF-8."""
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("holds half of a surrogate pair")
    return text


type Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_whole)]
type Words = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_whole)]
type DecisionId = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z-]{7,39}$")]
type ClientId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")]


class Body(BaseModel):
    """Base of all bodies."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PatientBody(Body):
    """The patient as far as coding needs them."""

    id: Name | None = None
    sex: Literal["F", "M"] | None = None
    birth_date: date | None = None


class NoteBody(Body):
    """One note, the same fields as a line of the input file."""

    id: Name
    text: Annotated[str, Field(min_length=1, pattern=r"\S"), AfterValidator(_whole)]
    encounter_id: Name | None = None
    service_date: date | None = None
    setting: Setting | None = None
    kind: Name | None = None
    patient: PatientBody | None = None

    def note(self) -> Note:
        """As the library's value."""
        who = self.patient
        return Note(
            id=self.id,
            text=self.text,
            encounter_id=self.encounter_id,
            kind=self.kind,
            service_date=self.service_date,
            setting=self.setting,
            patient=Patient(id=who.id, sex=who.sex, birth_date=who.birth_date) if who else None,
        )


class NotesBody(Body):
    """Notes to import or to read as a job."""

    notes: Annotated[tuple[NoteBody, ...], Field(min_length=1)]


class SpanBody(Body):
    """Words of the note text, counted in characters."""

    start: Annotated[int, Field(ge=0, lt=2**31)]
    length: Annotated[int, Field(ge=1, lt=2**31)]


class DecisionBody(Body):
    """One decision; ``uuid`` is made by the caller and makes sending it again harmless."""

    uuid: DecisionId
    action: Literal["accept", "reject", "replace", "add", "order", "undo"]
    row_id: Name | None = None
    system: System | None = None
    code: Name | None = None
    reason: Words | None = None
    span: SpanBody | None = None
    position: Annotated[int, Field(ge=1, le=1000)] | None = None
    target: DecisionId | None = None
    seen: Annotated[int, Field(ge=0, lt=2**31)] | None = None

    def decision(self, note_id: str) -> DecisionInput:
        """As the review service takes it."""
        return DecisionInput(
            uuid=self.uuid,
            note_id=note_id,
            action=self.action,
            row_id=self.row_id,
            system=self.system,
            code=self.code,
            reason=self.reason,
            span=Span(start=self.span.start, end=self.span.start + self.span.length) if self.span else None,
            position=self.position,
            target=self.target,
            seen=self.seen,
        )


class DecisionsBody(Body):
    """Decisions on one note, in order. ``client`` names the program that sends them."""

    decisions: Annotated[tuple[DecisionBody, ...], Field(min_length=1, max_length=500)]
    client: ClientId = "api"


class OverrideBody(Body):
    """A flag set aside, and why."""

    rule_id: Name
    codes: tuple[Name, ...] = ()
    reason: Words

    def override(self) -> OverrideInput:
        """As the review service takes it."""
        return OverrideInput(rule_id=self.rule_id, codes=self.codes, reason=self.reason)


class FinishBody(Body):
    """Finish a note."""

    overrides: Annotated[tuple[OverrideBody, ...], Field(max_length=200)] = ()
    version: Annotated[int, Field(ge=0, lt=2**31)] | None = None


class SignInBody(Body):
    """Name and password of a local account."""

    name: Name
    password: Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_whole)]
