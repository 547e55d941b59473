"""The frozen value types that every part of Suggester speaks in.

Standard library only. Offsets are character offsets into the unaltered note text, half-open, so that
``note.text[span.start:span.end]`` is always the quoted evidence. Confidences are probabilities in [0, 1].
Dates are ``datetime.date``. Collections are tuples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from functools import update_wrapper
from typing import Any, Literal, cast

System = Literal["ICD-10-CM", "CPT", "HCPCS"]
SYSTEMS: tuple[System, ...] = ("ICD-10-CM", "CPT", "HCPCS")

Setting = Literal["outpatient", "inpatient", "emergency"]
CERTAIN_ONLY: tuple[Setting, ...] = ("outpatient", "emergency")
"""Settings in which a diagnosis in doubt is not coded (ICD-10-CM guidelines FY2026 IV.H)."""
SETTINGS: tuple[Setting, ...] = ("outpatient", "inpatient", "emergency")

Severity = Literal["error", "warning", "info"]

Label = Literal["diagnosis", "finding", "status", "drug", "procedure", "supply"]
"""What kind of thing a mention names. ``drug`` mentions imply codes; they are not diagnoses themselves."""

CodeStatus = Literal["core", "optional"]


def quick[T](cls: type[T]) -> type[T]:
    """Let a frozen dataclass with slots be made in a quarter of the time.

    Its initialiser is written anew: values go into the slots and not by way of ``object.__setattr__``. How it
    is called, what it refuses and that nothing changes later stay as they are. For those of which a note has
    many.

    Raises
    ------
    TypeError
        If a field has a default factory, which is not seen to.
    """
    own = fields(cast(Any, cls))
    known: dict[str, Any] = {f"set_{one.name}": getattr(cls, one.name).__set__ for one in own}
    body = [f"set_{one.name}(self, {one.name})" for one in own]
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    made = update_wrapper(_written("__init__", cls, ("self",), body, known), cls.__init__)
    del made.__wrapped__
    cast(Any, cls).__init__ = made
    return cls


def maker[**P, T](cls: Callable[P, T]) -> Callable[P, T]:
    """What is called as a frozen dataclass with slots is, and makes the same in half of the time.

    What it makes begins as a thing that may still change, of the same slots, and becomes one of the class.
    For those that one place makes many of; ``__post_init__`` is left out, so the values must be sound.

    Raises
    ------
    TypeError
        If a field has a default factory, which is not seen to.
    """
    own = fields(cast(Any, cls))
    names = tuple([one.name for one in own])
    known: dict[str, Any] = {"cls": cls, "unfinished": type("unfinished", (), {"__slots__": names})}
    body = ["made = unfinished()", *(f"made.{name} = {name}" for name in names)]
    body += ["made.__class__ = cls", "return made"]
    return cast("Callable[P, T]", _written("make", cls, (), body, known))


def _written(name: str, cls: object, first: Sequence[str], body: Sequence[str], known: dict[str, Any]) -> Any:
    """A function with the parameters of a dataclass, of the lines of its body and the names they know."""
    own = fields(cast(Any, cls))
    if any(one.default_factory is not MISSING for one in own):
        raise TypeError(f"{cast(Any, cls).__name__} has a default factory")
    known |= {f"default_{one.name}": one.default for one in own if one.default is not MISSING}
    asked = [*first]
    for one in own:
        if one.kw_only and "*" not in asked:
            asked.append("*")
        asked.append(f"{one.name}=default_{one.name}" if one.default is not MISSING else one.name)
    exec(f"def {name}({', '.join(asked)}):\n " + "\n ".join(body), known)  # noqa: S102 - of field names alone
    return known[name]


@quick
@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """Half-open character offsets ``[start, end)`` into the unaltered note text."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"span [{self.start}, {self.end}) is not half-open and non-negative")

    def overlaps(self, other: Span) -> bool:
        """Whether the two spans share at least one character."""
        return self.start < other.end and other.start < self.end


make_span = maker(Span)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """The patient as far as coding needs them. ``sex`` is ``F``, ``M`` or None (unknown)."""

    id: str | None = None
    sex: Literal["F", "M"] | None = None
    birth_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One clinical note, its text never altered.

    ``service_date`` picks the code-set releases. ``setting`` decides, among others, whether uncertain
    diagnoses may be coded (ICD-10-CM guidelines II.H and IV.H).
    """

    id: str
    text: str
    encounter_id: str | None = None
    kind: str | None = None
    service_date: date | None = None
    setting: Setting | None = None
    patient: Patient | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled part of a note. ``kind`` is a canonical name such as ``assessment``; ``title`` as written."""

    kind: str
    title: str
    span: Span
    body: Span


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """The words that set an assertion flag, and the rule that read them."""

    flag: Literal["negated", "uncertain", "historical", "hypothetical", "family"]
    text: str
    span: Span
    rule_id: str


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """Five independent flags on a mention, with the cues that set them."""

    negated: bool = False
    uncertain: bool = False
    historical: bool = False
    hypothetical: bool = False
    family: bool = False
    cues: tuple[Cue, ...] = ()

    @property
    def affirmed(self) -> bool:
        """Present now, in this patient, without doubt."""
        return not (self.negated or self.uncertain or self.historical or self.hypothetical or self.family)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A property of a mention (``laterality``: ``right``, ``phase``: ``subsequent`` …) and its words."""

    name: str
    value: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Words of the note that name something codable, with their context.

    ``span`` runs from the first to the last matched word; words in between may belong to something else
    (``pain in the left knee and hip`` holds ``pain … hip``). ``rule_id`` names the term or
    rule that found it.
    """

    id: str
    span: Span
    text: str
    label: Label
    section: str
    assertion: Assertion
    attributes: tuple[Attribute, ...]
    rule_id: str


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code of one system as valid in one release. ``display`` is empty where no text may be shown."""

    system: System
    code: str
    display: str
    billable: bool
    valid_from: date
    valid_to: date | None
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A code proposed for some mentions. ``similarity`` in [0, 1] is of the words, not a confidence."""

    mention_ids: tuple[str, ...]
    code: Code
    method: str
    matched_term: str
    similarity: float


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The exact words that support a suggestion: ``note.text[span.start:span.end] == quote``."""

    span: Span
    quote: str
    section: str
    assertion: Assertion


make_evidence = maker(Evidence)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A broken or noteworthy rule; ``source`` says where it stands (guideline section, tabular note).

    ``words`` are the words of the note concerned. ``overridden`` is the reason a person gave for setting
    the flag aside, None while it stands; a flag that is not ``overridable`` always stands.
    """

    rule_id: str
    severity: Severity
    message: str
    codes: tuple[str, ...] = ()
    source: str = ""
    words: tuple[str, ...] = ()
    overridable: bool = True
    overridden: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedModifier:
    """A modifier proposed for a CPT or HCPCS code, why, and the words that support it."""

    modifier: str
    reason: str
    evidence: tuple[Evidence, ...] = ()


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A proposed code with its calibrated confidence, evidence and reasons in plain words.

    ``rank`` counts from 1, what the note is about first; it is not the order of confidence. ``units`` is the
    number of billing units where the words give it (a dose, minutes, a count), else None.
    """

    id: str
    code: Code
    confidence: float
    rank: int
    evidence: tuple[Evidence, ...]
    reasons: tuple[str, ...]
    flags: tuple[Flag, ...] = ()
    units: int | None = None
    modifiers: tuple[ProposedModifier, ...] = ()


make_suggestion = maker(Suggestion)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class NotCoded:
    """Something that was read but is not suggested, why, and the codes it would have been."""

    span: Span
    quote: str
    reason: str
    cue: str | None
    would_be: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What produced a result: version, model and code-set releases. Equal runs give equal bytes."""

    version: str
    model: str
    codesets: tuple[tuple[System, str], ...]
    config_hash: str


EmLevel = Literal["straightforward", "low", "moderate", "high"]
EM_LEVELS: tuple[EmLevel, ...] = ("straightforward", "low", "moderate", "high")
"""Levels of medical decision making and of its three elements, lowest first."""

EmStatus = Literal["new", "established", "unknown", "not applicable"]
EM_STATUSES: tuple[EmStatus, ...] = ("new", "established", "unknown", "not applicable")

EmBasis = Literal["mdm", "time", "age", "discharge", "nurse", "critical care"]
EM_BASES: tuple[EmBasis, ...] = ("mdm", "time", "age", "discharge", "nurse", "critical care")


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class EmItem:
    """One thing that counts towards an element: its kind, what it is, and the exact words."""

    kind: str
    name: str
    evidence: tuple[Evidence, ...]


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class EmElement:
    """Problems, data or risk: the level that the words support, and what counts towards it."""

    level: EmLevel
    items: tuple[EmItem, ...]
    reason: str


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class EmWorksheet:
    """How the evaluation and management code of a visit was found.

    ``basis`` is what decided: ``mdm``, ``time``, ``age`` (preventive), ``discharge``, ``nurse`` or
    ``critical care``.
    ``level`` is the number of the code within its category, None where the category has none.
    The three elements and ``mdm`` are None where the category does not use them. ``minutes`` is the total
    time that the note states. ``alternatives`` are codes that a payer may want instead. ``missing`` says what
    words would support the next level.
    """

    category: str
    patient_status: EmStatus
    code: str
    level: int | None
    basis: EmBasis
    confidence: float
    category_evidence: tuple[Evidence, ...]
    status_evidence: tuple[Evidence, ...]
    problems: EmElement | None
    data: EmElement | None
    risk: EmElement | None
    mdm: EmLevel | None
    minutes: int | None
    time_evidence: tuple[Evidence, ...]
    alternatives: tuple[str, ...]
    reasons: tuple[str, ...]
    missing: tuple[str, ...]


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """Everything the engine says of one note: ranked suggestions, the not-coded ledger and note flags."""

    note_id: str
    run: Run
    suggestions: tuple[Suggestion, ...]
    not_coded: tuple[NotCoded, ...]
    flags: tuple[Flag, ...] = ()
    em: EmWorksheet | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldCode:
    """A code that a careful human gave a note. ``acceptable`` always holds ``code`` itself."""

    system: System
    code: str
    status: CodeStatus = "core"
    acceptable: frozenset[str] = frozenset()
    evidence: tuple[Span, ...] = ()
    modifiers: tuple[str, ...] = ()
    units: int | None = None

    def __post_init__(self) -> None:
        if self.code not in self.acceptable:
            object.__setattr__(self, "acceptable", self.acceptable | {self.code})


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldNote:
    """A note with its gold codes; ``em`` is the acceptable E/M levels, empty where none is billed."""

    note: Note
    codes: tuple[GoldCode, ...]
    em: frozenset[str] = field(default_factory=frozenset)
    part: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """One visit or stay: the notes of a patient between two days, in one place.

    ``place_of_service`` is a two-digit code of the CMS place-of-service set; None where nobody gave it.
    ``service_to`` is the last day (equal to ``service_from`` for a visit), never before it.
    """

    id: str
    patient: Patient
    setting: Setting | None
    service_from: date
    service_to: date
    place_of_service: str | None = None
    note_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.service_to < self.service_from:
            raise ValueError(f"encounter {self.id} ends {self.service_to}, before {self.service_from}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimDiagnosis:
    """A diagnosis of a claim. ``sequence`` counts from 1; the first is the first-listed or principal one.

    ``code`` is of ICD-10-CM, written with its dot; ``decision_id`` is the decision that put it here.
    """

    sequence: int
    code: str
    display: str = ""
    decision_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLine:
    """A service line. ``sequence`` counts from 1; ``pointers`` are diagnosis numbers, best first.

    ``charge`` is of the whole line (not of one unit), in dollars. ``place_of_service`` is None where it is
    the encounter's.
    """

    sequence: int
    system: System
    code: str
    service_date: date
    charge: Decimal
    modifiers: tuple[str, ...] = ()
    units: int = 1
    pointers: tuple[int, ...] = ()
    decision_id: str | None = None
    place_of_service: str | None = None
    display: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A flag that a person set aside, and why. It holds for one rule and one set of codes.

    Raises
    ------
    ValueError
        If there is no reason, or nobody gave it.
    """

    rule_id: str
    codes: tuple[str, ...]
    reason: str
    by: str
    at: datetime

    def __post_init__(self) -> None:
        for name in ("rule_id", "reason", "by"):
            if not getattr(self, name).strip():
                raise ValueError(f"an override needs a {name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimDraft:
    """A claim as proposed to a person: diagnoses in order, service lines, and what the rules say of them.

    ``run_id`` names the run whose suggestions were decided on; None where every code was entered by hand.
    """

    id: str
    encounter: Encounter
    diagnoses: tuple[ClaimDiagnosis, ...]
    lines: tuple[ClaimLine, ...]
    flags: tuple[Flag, ...] = ()
    overrides: tuple[Override, ...] = ()
    run_id: str | None = None
