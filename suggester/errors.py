"""Every error that Suggester raises on purpose.

The tree::

    SuggesterError
    ├── ConfigError            a setting is unknown or out of range
    │   └── RuleFileError      the site's file of rules cannot be used
    ├── InputError             a record of the input cannot be used; names the record, never its text
    │   ├── EmptyInputError    no text at all
    │   ├── EncodingError      not text: binary, NUL bytes, or no encoding that fits
    │   ├── TooLargeError      larger than the limit in force
    │   ├── JsonError          not valid JSON, or not an object
    │   ├── FieldError         a field is missing, unknown or of the wrong kind
    │   ├── ArchiveError       a zip archive, or an entry of it, is damaged or dangerous
    │   ├── MessageError       an HL7 v2 message that its separators or segments contradict
    │   ├── XmlError           not well-formed XML, or with entities, a document type or deep nesting
    │   ├── DocumentError      an RTF, PDF, C-CDA or FHIR document that cannot be read
    │   ├── NoTextLayerError   a PDF of pictures: it needs character recognition first
    │   └── DuplicateIdError   the id was seen before in this input
    ├── CodeSetError
    │   ├── UnknownCodeError   the code is not in the code set
    │   ├── NoReleaseError     no installed release covers the date
    │   ├── StoreDamagedError  a compiled store fails its checksum or shape
    │   ├── StoreMissingError  no compiled store; names the command that builds it
    │   ├── LexiconError       a row of a lexicon file is wrong; names file and line
    │   ├── ImportRefusedError a file to import is wrong; names file, row and reason
    │   ├── LicenceError       the licence of a code system was not accepted
    │   └── DownloadError      a release cannot be fetched as the settings file says
    ├── BillingError           a claim cannot be made, checked, written or read; ``field`` names where
    │   ├── ProfileError       the profile of providers, payers and subscribers
    │   ├── FeeScheduleError   a row of a fee schedule; names line and column
    │   ├── EncounterError     a coded encounter cannot become a claim
    │   ├── FlagsStandError    an error-severity flag stands on the claim
    │   ├── ClaimFileError     our own JSON of a claim cannot be read
    │   ├── X12Error           an 837P that fails a check before it is written
    │   ├── FhirError          a FHIR bundle that its models or its references refuse
    │   ├── LedgerError        what was exported before and what is to be exported contradict
    │   └── RemittanceError    an 835 or a CSV of denials cannot be read
    ├── DatabaseError          the review store cannot be opened, migrated, backed up or restored
    │   └── TrailKeyError      the key of the audit trail is missing, readable by others, or another one
    ├── ReviewError            review refuses what was asked
    │   ├── SessionError       the session does not hold any more; ``reason`` says why
    │   ├── SignInError        name and password do not go together, or no such identity
    │   ├── LockedError        too many failures; ``until`` says how long
    │   ├── ForbiddenError     the role may not do this
    │   ├── NotFoundError      no such note, row, user, sample or query
    │   ├── HeldError          somebody else holds the note, or the own lease lapsed; ``held_by``
    │   ├── VersionError       somebody else changed it since the page was shown
    │   ├── DecisionError      a decision that the state or the code set does not allow; ``reason``
    │   └── StandingFlagsError flags that need a reason before the note can be finished; ``flags``
    ├── BatchError             a run over an archive cannot begin, go on or be compared
    │   ├── ResumeError        the unfinished run was made with something else; says what differs
    │   ├── RunBusyError       another process is writing this output
    │   ├── DiskFullError      no space is left; what was written is whole and the run can go on
    │   └── RunStoppedError    the run was asked to stop and did; it can go on
    ├── RuleError              a rule failed on a subject; names the rule
    ├── DeidentifyError        a key file or a clean record cannot be used
    └── ModelError             a model cannot be loaded, or its hash is not the card's

Messages say what was given, what is allowed and what to do; they never hold note text.
"""

from __future__ import annotations

from datetime import datetime

from suggester.types import Flag


class SuggesterError(Exception):
    """Base of every error raised on purpose. ``code`` is a stable machine-readable reason."""

    code = "error"


class ConfigError(SuggesterError):
    """A setting is unknown or out of range."""

    code = "config"


class RuleFileError(ConfigError):
    """The site's file of rules cannot be used: it does not run, or a rule fails its own examples."""

    code = "rule_file"


class RuleError(SuggesterError):
    """A rule failed on a subject."""

    code = "rule"


class InputError(SuggesterError):
    """A record of the input cannot be used.

    Parameters
    ----------
    message
        What is wrong and what is allowed. Never note text.
    record
        What names the record: ``file.jsonl:12`` or a note id.
    """

    code = "input"

    def __init__(self, message: str, *, record: str) -> None:
        super().__init__(f"{record}: {message}")
        self.message = message
        self.record = record

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_input_error, (type(self), self.message, self.record))


def _rebuild_input_error(kind: type[InputError], message: str, record: str) -> InputError:
    return kind(message, record=record)


class EmptyInputError(InputError):
    """The record holds no text."""

    code = "empty"


class EncodingError(InputError):
    """The bytes are not text in an encoding that Suggester reads."""

    code = "encoding"


class TooLargeError(InputError):
    """The record is larger than the limit in force."""

    code = "too_large"


class JsonError(InputError):
    """A line is not a JSON object."""

    code = "json"


class FieldError(InputError):
    """A field is missing, unknown or of the wrong kind."""

    code = "field"


class ArchiveError(InputError):
    """A zip archive, or an entry of it, is damaged or dangerous."""

    code = "archive"


class MessageError(InputError):
    """An HL7 v2 message that its separators or segments contradict."""

    code = "message"


class XmlError(InputError):
    """Not well-formed XML, or XML with entities, a document type or deep nesting."""

    code = "xml"


class DocumentError(InputError):
    """An RTF, PDF, C-CDA or FHIR document that cannot be read."""

    code = "document"


class NoTextLayerError(InputError):
    """A PDF of pictures: it needs character recognition first."""

    code = "no_text_layer"


class DuplicateIdError(InputError):
    """The id was seen before in this input."""

    code = "duplicate_id"


class CodeSetError(SuggesterError):
    """Base of the errors about code sets and lexicons."""

    code = "codeset"


class UnknownCodeError(CodeSetError):
    """The code is not in the code set."""

    code = "unknown_code"


class NoReleaseError(CodeSetError):
    """No installed release covers the service date."""

    code = "no_release"


class StoreDamagedError(CodeSetError):
    """A compiled store fails its checksum or has not the expected shape."""

    code = "store_damaged"


class StoreMissingError(CodeSetError):
    """A compiled store is not there yet."""

    code = "store_missing"


class LexiconError(CodeSetError):
    """A row of a lexicon file is wrong."""

    code = "lexicon"


class ImportRefusedError(CodeSetError):
    """A file to import is not what it should be. Nothing was changed.

    Parameters
    ----------
    file
        Name of the file, without folders.
    reason
        What is wrong and what is allowed.
    row
        Row or line of the file, from 1; None where it is the whole file.
    """

    code = "import_refused"

    def __init__(self, file: str, reason: str, *, row: int | None = None) -> None:
        super().__init__(f"{file}{'' if row is None else f', row {row}'}: {reason}")
        self.file = file
        self.reason = reason
        self.row = row

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_refusal, (self.file, self.reason, self.row))


def _rebuild_refusal(file: str, reason: str, row: int | None) -> ImportRefusedError:
    return ImportRefusedError(file, reason, row=row)


class LicenceError(CodeSetError):
    """The licence of a code system was not accepted in this store."""

    code = "licence"


class DownloadError(CodeSetError):
    """A release cannot be fetched as the settings file says."""

    code = "download"


class ModelError(SuggesterError):
    """A model cannot be loaded, or its hash is not the one on its card."""

    code = "model"


class BatchError(SuggesterError):
    """A run over an archive cannot begin, go on or be compared."""

    code = "batch"


class ResumeError(BatchError):
    """The unfinished run was made with something else.

    Parameters
    ----------
    differences
        What differs, each as ``name: it was this, it is that``.
    """

    code = "resume"

    def __init__(self, differences: tuple[str, ...]) -> None:
        super().__init__(
            f"cannot resume, because the run began with something else: {'; '.join(differences)}."
            " Undo that, or start anew without --resume"
        )
        self.differences = differences

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.differences,))


class RunBusyError(BatchError):
    """Another process is writing this output."""

    code = "run_busy"


class DiskFullError(BatchError):
    """No space is left; what was written is whole and the run can go on."""

    code = "disk_full"


class RunStoppedError(BatchError):
    """The run was asked to stop and did; what is done stays and the run can go on."""

    code = "stopped"


class BillingError(SuggesterError):
    """A claim cannot be made, checked, written or read.

    Parameters
    ----------
    message
        What is wrong, what is allowed and what to do. Never note text.
    field
        The field at fault, as a path: ``billing_provider.npi``, ``lines[2].charge``, ``fees.csv:4:charge``.
    """

    code = "billing"

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.message = message
        self.field = field

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_billing_error, (type(self), self.message, self.field))


def _rebuild_billing_error(kind: type[BillingError], message: str, field: str) -> BillingError:
    return kind(message, field=field)


class ProfileError(BillingError):
    """The profile of providers, payers and subscribers lacks a field or has a wrong one."""

    code = "profile"


class FeeScheduleError(BillingError):
    """A row of a fee schedule is wrong."""

    code = "fees"


class EncounterError(BillingError):
    """A coded encounter cannot become a claim."""

    code = "encounter"


class FlagsStandError(BillingError):
    """An error-severity flag stands on the claim, so that it cannot be exported."""

    code = "flags_stand"


class ClaimFileError(BillingError):
    """Our own JSON of a claim cannot be read."""

    code = "claim_file"


class X12Error(BillingError):
    """An 837P that fails a check before it is written."""

    code = "x12"


class FhirError(BillingError):
    """A FHIR bundle that its models or its references refuse."""

    code = "fhir"


class LedgerError(BillingError):
    """What was exported before and what is to be exported contradict each other."""

    code = "ledger"


class RemittanceError(BillingError):
    """An 835 or a CSV of denials cannot be read."""

    code = "remittance"


class DatabaseError(SuggesterError):
    """The review store cannot be opened, migrated, backed up or restored."""

    code = "database"


class TrailKeyError(DatabaseError):
    """The key of the audit trail is missing, readable by others, or not the one the trail was made with."""

    code = "trail_key"


class ReviewError(SuggesterError):
    """Review refuses what was asked."""

    code = "review"


class SessionError(ReviewError):
    """The session does not hold any more.

    Parameters
    ----------
    reason
        ``unknown``, ``signed_out``, ``idle``, ``expired`` or ``disabled``.
    """

    code = "session"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the session does not hold any more ({reason}): sign in again")
        self.reason = reason


class SignInError(ReviewError):
    """Name and password do not go together, or nobody has this identity."""

    code = "sign_in"


class LockedError(ReviewError):
    """Too many failures to sign in.

    Parameters
    ----------
    until
        When the account can be tried again.
    """

    code = "locked"

    def __init__(self, until: datetime) -> None:
        super().__init__(f"too many failures to sign in: try again after {until:%H:%M} UTC")
        self.until = until


class ForbiddenError(ReviewError):
    """The role may not do this."""

    code = "forbidden"


class NotFoundError(ReviewError):
    """There is no such note, row, user, sample or query."""

    code = "not_found"


class HeldError(ReviewError):
    """Somebody else holds the note, or the caller holds no lease on it.

    Parameters
    ----------
    message
        What is wrong and what to do.
    held_by
        Display name of who holds it, None where nobody does.
    """

    code = "held"

    def __init__(self, message: str, *, held_by: str | None = None) -> None:
        super().__init__(message)
        self.held_by = held_by


class VersionError(ReviewError):
    """Somebody else changed it since the page was shown."""

    code = "version"


class DecisionError(ReviewError):
    """A decision that the state of the note or the code set does not allow.

    Parameters
    ----------
    message
        What is wrong and what is allowed.
    reason
        A stable machine-readable reason such as ``code_unknown`` or ``row_unknown``.
    """

    code = "decision"

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class StandingFlagsError(ReviewError):
    """Flags that need a reason before the note can be finished.

    Parameters
    ----------
    flags
        The flags.
    """

    code = "standing_flags"

    def __init__(self, flags: tuple[Flag, ...]) -> None:
        rules = ", ".join(sorted({flag.rule_id for flag in flags}))
        super().__init__(f"{len(flags)} flags need a reason before the note can be finished: {rules}")
        self.flags = flags


class DeidentifyError(SuggesterError):
    """A key file or a clean record of de-identification cannot be used."""

    code = "deidentify"
