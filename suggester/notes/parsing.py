"""One record's bytes to the plain mapping that the contract reads: a JSON object, or a CSV row."""

from __future__ import annotations

import json
from collections.abc import Sequence

from suggester.errors import FieldError, JsonError
from suggester.notes.options import FIELDS

__all__ = ["CSV_COLUMNS", "csv_record", "header_problem", "json_object"]

CSV_COLUMNS: tuple[str, ...] = FIELDS
"""Columns of a CSV input; ``id`` and ``text`` are required, empty cells of the others count as absent."""

_PATIENT_COLUMNS = {"patient_id": "id", "sex": "sex", "birth_date": "birth_date"}


class _DuplicateKeyError(ValueError):
    pass


def json_object(text: str, *, record: str) -> dict[str, object]:
    """Parse a JSON object, strictly: no NaN, no name twice.

    Raises
    ------
    JsonError
        If the text is not JSON, or not an object. It says where, and repeats nothing.
    """
    value: object = None
    problem = None
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        problem = f"not valid JSON at character {error.pos + 1} of the line"
    except _DuplicateKeyError:
        problem = "an object names the same field twice"
    except RecursionError:
        problem = "nested too deeply"
    except ValueError:
        problem = "a number is not one that JSON allows or too long"
    # Raised outside of the handlers: the errors above hold the whole line and must not hang on as context.
    if problem is not None:
        raise JsonError(problem, record=record)
    if not isinstance(value, dict):
        raise JsonError("the line must be a JSON object in braces", record=record)
    return value


def header_problem(names: Sequence[str]) -> str | None:
    """Why a CSV header cannot be used, or None if it can. Empty names are columns that are left out."""
    allowed = f"allowed: {', '.join(CSV_COLUMNS)}"
    for position, name in enumerate(names, start=1):
        if not name:
            continue
        if name not in CSV_COLUMNS:
            return f"column {position} of the header has an unknown name; {allowed}"
        if names.index(name) != position - 1:
            return f"column {name!r} is in the header twice"
    missing = [name for name in ("id", "text") if name not in names]
    if missing:
        return f"the header has no column {' and no column '.join(map(repr, missing))}; {allowed}"
    return None


def csv_record(names: Sequence[str], cells: Sequence[str], *, record: str) -> dict[str, object]:
    """Turn a CSV row into a record of the contract.

    Raises
    ------
    FieldError
        If the row has not as many cells as the header.
    """
    if len(cells) != len(names):
        raise FieldError(f"the row has {len(cells)} cells, the header {len(names)}", record=record)
    data: dict[str, object] = {}
    patient: dict[str, object] = {}
    for name, cell in zip(names, cells, strict=True):
        if not name:
            continue
        if name in _PATIENT_COLUMNS:
            if cell:
                patient[_PATIENT_COLUMNS[name]] = cell
        elif cell or name in ("id", "text"):
            data[name] = cell
    if patient:
        data["patient"] = patient
    return data


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateKeyError
    return found


def _refuse_constant(_: str) -> object:
    raise ValueError
