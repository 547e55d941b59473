"""The user's fee schedule: a CSV file of ``code, modifier, charge, effective_from, effective_to``.

``modifier``, ``effective_from`` and ``effective_to`` may be empty or absent.
A charge is of one unit, in dollars.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from suggester.errors import FeeScheduleError

__all__ = ["Fee", "FeeSchedule", "load_fees"]

_COLUMNS = ("code", "modifier", "charge", "effective_from", "effective_to")
_NEEDED = ("code", "charge")
_CODE = re.compile(r"[0-9A-Z][0-9]{3}[0-9A-Z]", re.ASCII)
_MODIFIER = re.compile(r"[0-9A-Z]{2}", re.ASCII)
_MONEY = re.compile(r"\d{1,8}(\.\d{1,2})?", re.ASCII)
_FIRST_DAY = date(1900, 1, 1)
_LAST_DAY = date(9999, 12, 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What one unit costs, from a first to a last day (both included). ``modifier`` is empty for any."""

    code: str
    modifier: str
    charge: Decimal
    first: date
    last: date


class FeeSchedule:
    """Fees by code, modifier and day.

    Parameters
    ----------
    fees
        No two for the same code and modifier may overlap in days.
    """

    def __init__(self, fees: tuple[Fee, ...] = ()) -> None:
        self._by_key: dict[tuple[str, str], list[Fee]] = {}
        for fee in fees:
            self._by_key.setdefault((fee.code, fee.modifier), []).append(fee)

    def fee(self, code: str, modifiers: tuple[str, ...], on: date) -> Fee | None:
        """The fee of a code on a day: of its first modifier with a fee of its own, else the plain one."""
        for modifier in (*modifiers, ""):
            for fee in self._by_key.get((code, modifier), ()):
                if fee.first <= on <= fee.last:
                    return fee
        return None

    def __len__(self) -> int:
        return sum(map(len, self._by_key.values()))


def load_fees(path: Path) -> FeeSchedule:
    """Read and check a fee schedule.

    Raises
    ------
    FeeScheduleError
        Naming file, line and column, if a cell is wrong, or two rows fix a price for the same day.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise FeeScheduleError("is not UTF-8 text", field=path.name) from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    fees: list[Fee] = []
    seen: dict[tuple[str, str], list[tuple[Fee, int]]] = {}
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        _check_header(header, path.name)
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            where = f"{path.name}:{rows.line_num}"
            if len(cells) != len(header):
                raise FeeScheduleError(f"has {len(cells)} cells, the header {len(header)}", field=where)
            fee = _fee(dict(zip(header, (cell.strip() for cell in cells), strict=True)), where)
            for other, line in seen.setdefault((fee.code, fee.modifier), []):
                if fee.first <= other.last and other.first <= fee.last:
                    raise FeeScheduleError(
                        f"sets a price for days that line {line} has a price for", field=f"{where}:charge"
                    )
            seen[(fee.code, fee.modifier)].append((fee, rows.line_num))
            fees.append(fee)
    except csv.Error:
        raise FeeScheduleError("is not CSV", field=f"{path.name}:{rows.line_num}") from None
    return FeeSchedule(tuple(fees))


def _check_header(header: list[str], name: str) -> None:
    for column in _NEEDED:
        if column not in header:
            raise FeeScheduleError(
                f"has no column {column}; columns: {', '.join(_COLUMNS)}", field=f"{name}:1"
            )
    if len(set(header)) < len(header) or not set(header) <= set(_COLUMNS):
        raise FeeScheduleError(
            f"each column once, and no others than {', '.join(_COLUMNS)}", field=f"{name}:1"
        )


def _fee(row: dict[str, str], where: str) -> Fee:
    code = row["code"].upper()
    if not _CODE.fullmatch(code):
        raise FeeScheduleError("must be a CPT or HCPCS code such as 99213 or J1885", field=f"{where}:code")
    modifier = row.get("modifier", "").upper()
    if modifier and not _MODIFIER.fullmatch(modifier):
        raise FeeScheduleError("must be two letters or digits, or empty", field=f"{where}:modifier")
    if not _MONEY.fullmatch(row["charge"]):
        raise FeeScheduleError("must be dollars such as 120 or 120.50, not negative", field=f"{where}:charge")
    charge = Decimal(row["charge"])
    first = _day(row.get("effective_from", ""), _FIRST_DAY, f"{where}:effective_from")
    last = _day(row.get("effective_to", ""), _LAST_DAY, f"{where}:effective_to")
    if last < first:
        raise FeeScheduleError("is before effective_from", field=f"{where}:effective_to")
    return Fee(code=code, modifier=modifier, charge=charge, first=first, last=last)


def _day(value: str, default: date, where: str) -> date:
    if not value:
        return default
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
            raise ValueError
        return date.fromisoformat(value)
    except ValueError:
        raise FeeScheduleError("must be a day written YYYY-MM-DD, or empty", field=where) from None
