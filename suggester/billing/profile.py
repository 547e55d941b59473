"""Who bills whom: providers, payer, submitter and subscribers, read from the user's TOML file.

Every field is checked where it is read, so that a claim is never made with half a provider. The names of the
fields are the paths that error messages use (``billing_provider.npi``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from suggester.billing.npi import npi_problem
from suggester.errors import BillingError, ProfileError

__all__ = [
    "Address",
    "BillingProvider",
    "Coverage",
    "Facility",
    "Parties",
    "Payer",
    "Person",
    "Profile",
    "Receiver",
    "RenderingProvider",
    "Submitter",
    "load_profile",
    "read_model",
    "validation_message",
]

_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_NAME = re.compile(r"[A-Za-z0-9_\-]{1,40}", re.ASCII)
_FORMULA = ("=", "+", "-", "@")


def _words(value: str) -> str:
    if value != value.strip():
        raise ValueError("must not begin or end with white space")
    if _UNPRINTABLE.search(value):
        raise ValueError("must not hold control characters")
    if value.startswith(_FORMULA):
        raise ValueError("begins like a spreadsheet formula (=, +, - or @)")
    return value


def _npi(value: str) -> str:
    if problem := npi_problem(value):
        raise ValueError(problem)
    return value


def _full_zip(address: Address) -> Address:
    if len(address.zip) != 9:
        raise ValueError("zip must be nine digits here (ZIP+4 without the dash): an 837P asks for it")
    return address


Words60 = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_words)]
Words35 = Annotated[str, Field(min_length=1, max_length=35), AfterValidator(_words)]
Identifier = Annotated[
    str,
    Field(min_length=2, max_length=80),
    AfterValidator(_words),
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 .\-]*$"),
]
TradingId = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9\-]{1,14}$")]
Npi = Annotated[str, AfterValidator(_npi)]
Taxonomy = Annotated[str, Field(pattern=r"^[0-9A-Z]{9}X$")]
Phone = Annotated[str, Field(pattern=r"^[2-9][0-9]{9}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_min_length=0)


class Address(_Part):
    """A postal address in the United States; ``zip`` is five or nine digits, without a dash."""

    line1: Annotated[str, Field(min_length=1, max_length=55), AfterValidator(_words)]
    line2: Annotated[str, Field(max_length=55), AfterValidator(_words)] = ""
    city: Annotated[str, Field(min_length=2, max_length=30), AfterValidator(_words)]
    state: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    zip: Annotated[str, Field(pattern=r"^([0-9]{5}|[0-9]{9})$")]


FullAddress = Annotated[Address, AfterValidator(_full_zip)]


class Submitter(_Part):
    """Who sends the file (loop 1000A), with the person to ask about it."""

    id: TradingId
    id_kind: Literal["01", "14", "20", "27", "28", "29", "30", "33", "ZZ"] = "ZZ"
    name: Words60
    contact: Words60
    phone: Phone


class Receiver(_Part):
    """Who receives the file (loop 1000B): a payer or a clearing house."""

    id: TradingId
    id_kind: Literal["01", "14", "20", "27", "28", "29", "30", "33", "ZZ"] = "ZZ"
    name: Words60


class BillingProvider(_Part):
    """Who bills (loop 2010AA). ``first_name`` is given only where it is a person."""

    name: Words60
    first_name: Words35 | None = None
    npi: Npi
    tax_id: Annotated[str, Field(pattern=r"^[0-9]{9}$")]
    tax_id_kind: Literal["EI", "SY"] = "EI"
    taxonomy: Taxonomy | None = None
    address: FullAddress
    phone: Phone | None = None


class RenderingProvider(_Part):
    """Who rendered the service (loop 2310B)."""

    last_name: Words60
    first_name: Words35
    npi: Npi
    taxonomy: Taxonomy | None = None


class Facility(_Part):
    """Where the service was rendered (loop 2310C), where that is not the billing provider's address."""

    name: Words60
    npi: Npi | None = None
    address: FullAddress


class Payer(_Part):
    """Who pays (loop 2010BB). ``filing`` is the claim filing indicator (SBR09), ``CI`` commercial say."""

    id: Identifier
    name: Words60
    filing: Literal[
        "11", "12", "13", "14", "15", "16", "17", "AM", "BL", "CH", "CI", "DS", "FI", "HM", "LM", "MA", "MB",
        "MC", "OF", "TV", "VA", "WC", "ZZ",
    ] = "CI"  # fmt: skip
    address: Address | None = None


class Person(_Part):
    """A person as payers know them. ``birth_date`` and ``sex`` are asked for by an 837P."""

    last_name: Words60
    first_name: Words35
    middle_name: Annotated[str, Field(max_length=25), AfterValidator(_words)] = ""
    birth_date: date
    sex: Literal["F", "M", "U"] = "U"
    address: Address


class Coverage(_Part):
    """The insurance of a patient: the subscriber, and the patient too where that is somebody else.

    ``relationship`` is the patient's to the subscriber as SBR02 and PAT01 write it: 18 self, 01 spouse, 19
    child, 20 employee, 21 unknown, 39 organ donor, 40 cadaver donor, 53 life partner, G8 other.
    """

    patient_id: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_words)]
    member_id: Identifier
    group_number: Annotated[str, Field(max_length=50), AfterValidator(_words)] = ""
    relationship: Literal["18", "01", "19", "20", "21", "39", "40", "53", "G8"] = "18"
    subscriber: Person
    patient: Person | None = None

    @model_validator(mode="after")
    def _who_is_who(self) -> Self:
        if (self.relationship == "18") != (self.patient is None):
            raise ValueError("give patient exactly where relationship is not 18 (self)")
        return self

    @property
    def insured_person(self) -> Person:
        """Whom the services were rendered to."""
        return self.patient or self.subscriber


class Parties(_Part):
    """Everybody that a claim names. One claim has one ``coverage``."""

    submitter: Submitter
    receiver: Receiver
    billing_provider: BillingProvider
    rendering_provider: RenderingProvider | None = None
    facility: Facility | None = None
    payer: Payer
    coverage: Coverage


class Profile(_Part):
    """What a site writes once: who bills, who pays, how.

    Parameters
    ----------
    usage
        ``T`` marks every interchange as a test, ``P`` as production (ISA15).
    accept_assignment
        CLM07: ``A`` assigned, ``B`` assigned for clinical laboratory services only, ``C`` not assigned.
    place_of_service
        For each setting the code used where an encounter names none.
    trace_in_notes
        Whether run and decisions also go into the note segments (NTE) of an 837P; the sidecar has them
        always.
    """

    usage: Literal["T", "P"] = "T"
    accept_assignment: Literal["A", "B", "C"] = "A"
    trace_in_notes: bool = True
    submitter: Submitter
    receiver: Receiver
    billing_provider: BillingProvider
    rendering_provider: RenderingProvider | None = None
    facility: Facility | None = None
    payer: Payer
    place_of_service: Mapping[Literal["outpatient", "inpatient", "emergency"], str] = {
        "outpatient": "11",
        "inpatient": "21",
        "emergency": "23",
    }
    coverage: tuple[Coverage, ...] = ()

    @model_validator(mode="after")
    def _each_patient_once(self) -> Self:
        ids = [entry.patient_id for entry in self.coverage]
        if len(set(ids)) < len(ids):
            raise ValueError("coverage names a patient_id twice")
        return self

    def coverage_of(self, patient_id: str | None) -> Coverage:
        """The coverage of a patient.

        Raises
        ------
        ProfileError
            If the profile has none.
        """
        for entry in self.coverage:
            if entry.patient_id == patient_id:
                return entry
        who = f"patient {patient_id}" if patient_id else "a patient without id"
        raise ProfileError(
            f"there is no [[coverage]] for {who}; add one, or give the encounter its own", field="coverage"
        )

    def parties(self, coverage: Coverage) -> Parties:
        """Everybody that a claim for this coverage names."""
        return Parties(
            submitter=self.submitter,
            receiver=self.receiver,
            billing_provider=self.billing_provider,
            rendering_provider=self.rendering_provider,
            facility=self.facility,
            payer=self.payer,
            coverage=coverage,
        )


def load_profile(path: Path) -> Profile:
    """Read and check a profile.

    Raises
    ------
    ProfileError
        If it is not TOML, or a field is missing, unknown or wrong. It names the field, never its value.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ProfileError(f"{path.name} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{path.name} is not TOML: {_where(str(error))}") from None
    return read_model(Profile, values, error=ProfileError)


def _where(message: str) -> str:
    found = re.search(r"at line \d+, column \d+|at end of document", message)
    return found.group() if found else "it cannot be parsed"


def read_model[M: BaseModel](model: type[M], values: object, *, error: type[BillingError], at: str = "") -> M:
    """``values`` as ``model``; what is wrong becomes one ``error`` that names the first field at fault.

    No message repeats a value: the fields hold names and birth dates of patients.
    """
    try:
        return model.model_validate(values)
    except ValidationError as refusal:
        field, message = validation_message(refusal)
        path = f"{at}.{field}" if at and field else at or field
        raise error(message, field=path) from None


def validation_message(refusal: ValidationError) -> tuple[str, str]:
    """The path of the first field at fault, and what is wrong there, without any value."""
    problems: list[Any] = list(refusal.errors(include_url=False, include_context=False, include_input=False))
    first = problems[0]
    path = ""
    for step in first["loc"]:
        name = str(step) if _NAME.fullmatch(str(step)) else "(an odd name)"
        path += f"[{step}]" if isinstance(step, int) else f".{name}" if path else name
    message = str(first["msg"]).removeprefix("Value error, ")
    kind = str(first["type"])
    if kind == "missing":
        message = "is missing"
    elif kind == "extra_forbidden":
        message = "is not a field that is known here"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return path, message + more
