"""The frozen value types that every part of Suggester speaks in.

Standard library only. Offsets are character offsets into the unaltered note text, half-open, so that
``note.text[span.start:span.end]`` is always the quoted evidence. Confidences are probabilities in [0, 1].
Dates are ``datetime.date``. Collections are tuples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

System = Literal["ICD-10-CM", "CPT", "HCPCS"]
SYSTEMS: tuple[System, ...] = ("ICD-10-CM", "CPT", "HCPCS")

Setting = Literal["outpatient", "inpatient", "emergency"]
SETTINGS: tuple[Setting, ...] = ("outpatient", "inpatient", "emergency")

Severity = Literal["error", "warning", "info"]

Label = Literal["diagnosis", "finding", "status", "drug", "procedure", "supply"]
"""What kind of thing a mention names. ``drug`` mentions imply codes; they are not diagnoses themselves."""

CodeStatus = Literal["core", "optional"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """The words that set an assertion flag, and the rule that read them."""

    flag: Literal["negated", "uncertain", "historical", "hypothetical", "family"]
    text: str
    span: Span
    rule_id: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The exact words that support a suggestion: ``note.text[span.start:span.end] == quote``."""

    span: Span
    quote: str
    section: str
    assertion: Assertion


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A broken or noteworthy rule; ``source`` says where it stands (guideline section, tabular note)."""

    rule_id: str
    severity: Severity
    message: str
    codes: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A proposed code with its calibrated confidence, evidence and reasons in plain words."""

    id: str
    code: Code
    confidence: float
    rank: int
    evidence: tuple[Evidence, ...]
    reasons: tuple[str, ...]
    flags: tuple[Flag, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """Everything the engine says of one note: ranked suggestions, the not-coded ledger and note flags."""

    note_id: str
    run: Run
    suggestions: tuple[Suggestion, ...]
    not_coded: tuple[NotCoded, ...]
    flags: tuple[Flag, ...] = ()


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
