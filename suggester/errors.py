"""Every error that Suggester raises on purpose.

The tree::

    SuggesterError
    ├── ConfigError            a setting is unknown or out of range
    ├── InputError             a record of the input cannot be used; names the record, never its text
    │   ├── EmptyInputError    no text at all
    │   ├── EncodingError      not text: binary, NUL bytes, or no encoding that fits
    │   ├── TooLargeError      larger than the limit in force
    │   ├── JsonError          not valid JSON, or not an object
    │   ├── FieldError         a field is missing, unknown or of the wrong kind
    │   └── DuplicateIdError   the id was seen before in this input
    ├── CodeSetError
    │   ├── UnknownCodeError   the code is not in the code set
    │   ├── NoReleaseError     no installed release covers the date
    │   ├── StoreDamagedError  a compiled store fails its checksum or shape
    │   ├── StoreMissingError  no compiled store; names the command that builds it
    │   └── LexiconError       a row of a lexicon file is wrong; names file and line
    └── ModelError             a model cannot be loaded, or its hash is not the card's

Messages say what was given, what is allowed and what to do; they never hold note text.
"""

from __future__ import annotations


class SuggesterError(Exception):
    """Base of every error raised on purpose. ``code`` is a stable machine-readable reason."""

    code = "error"


class ConfigError(SuggesterError):
    """A setting is unknown or out of range."""

    code = "config"


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


class ModelError(SuggesterError):
    """A model cannot be loaded, or its hash is not the one on its card."""

    code = "model"
