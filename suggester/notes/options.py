"""How to read an input that does not say so itself, and how far reading has come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from suggester.errors import ConfigError

__all__ = ["FIELDS", "KINDS", "Kind", "Meter", "ReadOptions"]

Kind = Literal["txt", "jsonl", "csv", "parquet", "zip", "hl7", "ccda", "fhir", "rtf", "pdf"]
KINDS: tuple[Kind, ...] = get_args(Kind)

FIELDS: tuple[str, ...] = (
    "id",
    "text",
    "encounter_id",
    "service_date",
    "setting",
    "kind",
    "patient_id",
    "sex",
    "birth_date",
)
"""Fields of a note as columns are mapped to them."""

_PAIR = re.compile(r"([a-z_]+)=(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How to read an input.

    Parameters
    ----------
    pattern
        Which files of a folder or an archive to read, ``**/*.hl7`` say; a pattern without ``/`` is of the
        file's name. None reads ``.txt`` files.
    kind
        What the files are, whatever their names end in.
    columns
        Field of a note to the name of the column (or of the field of a JSON object) that holds it. Where any
        is given, columns that are not named, here or by the contract, are left unread.
    """

    pattern: str | None = None
    kind: Kind | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind is not None and self.kind not in KINDS:
            raise ConfigError(f"unknown kind of input {self.kind!r}; known: {', '.join(KINDS)}")
        for name in self.columns:
            if name not in FIELDS:
                raise ConfigError(f"unknown field {name!r} of a note; known: {', '.join(FIELDS)}")

    @classmethod
    def columns_of(cls, pairs: tuple[str, ...]) -> dict[str, str]:
        """Columns from ``field=column`` words.

        Raises
        ------
        ConfigError
            If one is not such a pair, or a field is named twice.

        Examples
        --------
        >>> ReadOptions.columns_of(("id=note_key", "text=Body"))
        {'id': 'note_key', 'text': 'Body'}
        """
        found: dict[str, str] = {}
        for pair in pairs:
            match = _PAIR.fullmatch(pair)
            if match is None:
                raise ConfigError("a column is given as field=column, such as text=note_body")
            if match[1] in found:
                raise ConfigError(f"the field {match[1]!r} has two columns")
            found[match[1]] = match[2]
        return found

    def told(self) -> dict[str, str]:
        """The options by name, as a manifest keeps them."""
        columns = ", ".join(f"{name}={column}" for name, column in sorted(self.columns.items()))
        return {"pattern": str(self.pattern), "kind": str(self.kind), "columns": columns}


class Meter:
    """How far reading has come, in any unit; ``total`` is None until it is known."""

    def __init__(self) -> None:
        self.total: int | None = None
        self.read = 0

    def share(self) -> float | None:
        """Share of the input that was read, 0 to 1; None where the whole is not known."""
        return min(1.0, self.read / self.total) if self.total else None
