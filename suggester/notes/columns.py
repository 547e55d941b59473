"""Records whose fields have other names: the user's columns to the fields of the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from suggester.notes.options import FIELDS

__all__ = ["map_names", "map_record"]

_PATIENT = {"patient_id": "id", "sex": "sex", "birth_date": "birth_date"}
_IDS = frozenset(("id", "encounter_id", "patient_id", "kind"))
_CONTRACT = frozenset((*FIELDS, "patient"))


def map_names(names: Sequence[str], columns: Mapping[str, str]) -> list[str]:
    """Names of columns as the contract calls them; those that are nothing to it become empty.

    Examples
    --------
    >>> map_names(["key", "body", "text"], {"id": "key", "text": "body"})
    ['id', 'text', '']
    """
    by_column = {column: field for field, column in columns.items()}
    out = []
    for name in names:
        field = by_column.get(name, name if name in FIELDS and name not in columns else "")
        out.append(field)
    return out


def map_record(data: Mapping[str, object], columns: Mapping[str, str]) -> dict[str, object]:
    """A record of the contract out of one with other names.

    Fields that are not mapped keep their name where the contract knows it, others are left out. A name with
    dots leads into objects. Numbers become text where the contract has an id.
    """
    out: dict[str, object] = {}
    patient: dict[str, object] = {}
    given = data.get("patient")
    if isinstance(given, dict):
        patient.update(given)
    taken = set(columns.values())
    for name in _CONTRACT - {"patient"}:
        path = columns.get(name, "" if name in taken else name)
        value = _found(data, path)
        if value is None:
            continue
        if name in _IDS and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, datetime):
            value = value.date()
        if isinstance(value, date):
            value = value.isoformat()
        if name in _PATIENT:
            patient[_PATIENT[name]] = value
        else:
            out[name] = value
    if patient:
        out["patient"] = patient
    return out


def _found(data: Mapping[str, object], path: str) -> object:
    if path in data:
        return data[path]
    value: object = data
    for part in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value
