"""What rules run on: codes of a note or claim with the words behind them, for whom, where and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, Self

from suggester.rules.words import attributes_near
from suggester.types import (
    Assertion,
    Attribute,
    ClaimDraft,
    Evidence,
    Patient,
    Setting,
    Span,
    System,
    quick,
)

Stage = Literal["suggestion", "note", "claim"]
STAGES: tuple[Stage, ...] = ("suggestion", "note", "claim")
"""On what a rule runs: the suggestions of a note, the codes a person decided on, a claim."""
DECIDED: tuple[Stage, ...] = ("note", "claim")
"""Where a person has decided: validity, order and what is missing matter there alone."""
BEFORE_CLAIM: tuple[Stage, ...] = ("suggestion", "note")
"""Where codes have no modifiers yet, or proposed ones only."""
_NONE: frozenset[str] = frozenset()


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """A diagnosis code under examination, in the order in which it is to be reported.

    Attributes
    ----------
    words
        Words of the note that support it.
    assertions
        How those words were read, one for each mention.
    attributes
        What was read near them: side, encounter phase …; None where nobody read them.
    """

    code: str
    words: tuple[str, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    attributes: tuple[Attribute, ...] | None = None

    @classmethod
    def of_evidence(
        cls, code: str, evidence: tuple[Evidence, ...], attributes: tuple[Attribute, ...] | None = None
    ) -> Self:
        """A diagnosis with the evidence of its suggestion."""
        return cls(
            code=code,
            words=tuple(item.quote for item in evidence),
            assertions=tuple(item.assertion for item in evidence),
            attributes=attributes,
        )

    @classmethod
    def in_text(cls, code: str, text: str, spans: tuple[Span, ...]) -> Self:
        """A diagnosis with the words at some spans of a note, and the side and phase said near them."""
        return cls(
            code=code,
            words=tuple(text[span.start : span.end] for span in spans),
            attributes=attributes_near(text, spans) if spans else None,
        )

    def values(self, name: str) -> frozenset[str]:
        """Values that the words give an attribute."""
        if not self.attributes:
            return _NONE
        return frozenset(item.value for item in self.attributes if item.name == name)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service under examination: a CPT or HCPCS code with its modifiers.

    ``number`` is its line on the claim. ``pointers`` are positions of diagnoses, from 1. ``date`` and
    ``place`` are None where they are those of the subject.
    """

    system: System
    code: str
    number: int = 1
    modifiers: tuple[str, ...] = ()
    units: int = 1
    pointers: tuple[int, ...] = ()
    date: date | None = None
    place: str | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierService:
    """A service of the same patient and the same physician or group before this encounter."""

    code: str
    date: date


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Everything that rules may look at. What is not known is None, and no rule then takes it for granted.

    Attributes
    ----------
    stage
        What the codes are: suggestions, the decisions on a note, or a claim. The order of diagnoses and what
        is missing matter in the last two alone.
    service_date
        Day that picks releases and edits; None means the newest.
    age
        Completed years on the service date.
    supported
        Diagnosis codes that the words of the note support and that are not among ``diagnoses``.
    earlier
        Services before this encounter, for global periods.
    """

    stage: Stage
    diagnoses: tuple[Diagnosis, ...] = ()
    services: tuple[Service, ...] = ()
    setting: Setting | None = None
    service_date: date | None = None
    sex: Literal["F", "M"] | None = None
    age: int | None = None
    place_of_service: str | None = None
    supported: tuple[str, ...] = ()
    earlier: tuple[EarlierService, ...] = ()

    def of_patient(self, patient: Patient | None) -> Self:
        """The same with sex and age of a patient."""
        if patient is None:
            return self
        return replace(self, sex=patient.sex, age=age_on(patient.birth_date, self.service_date))

    @classmethod
    def of_claim(
        cls,
        draft: ClaimDraft,
        *,
        diagnoses: dict[str, Diagnosis] | None = None,
        earlier: tuple[EarlierService, ...] = (),
    ) -> Self:
        """A claim draft.

        Parameters
        ----------
        draft
            The claim.
        diagnoses
            What is known of the words behind a code, by code.
        earlier
            Services before this encounter.
        """
        known = diagnoses or {}
        ordered = sorted(draft.diagnoses, key=lambda item: item.sequence)
        position = {item.sequence: number for number, item in enumerate(ordered, 1)}
        encounter = draft.encounter
        return cls(
            stage="claim",
            diagnoses=tuple(known.get(item.code, Diagnosis(code=item.code)) for item in ordered),
            services=tuple(
                Service(
                    system=line.system,
                    code=line.code,
                    number=line.sequence,
                    modifiers=line.modifiers,
                    units=line.units,
                    pointers=tuple(position[p] for p in line.pointers if p in position),
                    date=line.service_date,
                    place=line.place_of_service,
                )
                for line in draft.lines
            ),
            setting=encounter.setting,
            service_date=encounter.service_to if encounter.setting == "inpatient" else encounter.service_from,
            place_of_service=encounter.place_of_service,
            earlier=earlier,
        ).of_patient(encounter.patient)


def age_on(birth: date | None, day: date | None) -> int | None:
    """Completed years on a day; None if either is not known or the day is before birth.

    >>> age_on(date(2024, 2, 29), date(2026, 2, 28)), age_on(date(2024, 2, 29), date(2026, 3, 1))
    (1, 2)
    """
    if birth is None or day is None or day < birth:
        return None
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
