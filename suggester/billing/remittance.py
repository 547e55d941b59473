"""What a payer answered: denials read from an 835 (through pyx12) or from a CSV.

A CSV has the columns ``claim`` and ``reason``, and may have ``line``, ``code``, ``group``, ``amount`` and
``remarks`` (with spaces between).
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from suggester.billing.pyx12_door import Segment, X12FileError, X12Reader, X12StructureError
from suggester.errors import RemittanceError

__all__ = ["Adjustment", "Remittance", "ServicePayment", "read_remittance"]

_COLUMNS = ("claim", "line", "code", "group", "reason", "remarks", "amount")
_NEEDED = ("claim", "reason")
_REASON = re.compile(r"[A-Z]?[0-9]{1,3}", re.ASCII)
_GROUPS = ("CO", "CR", "OA", "PI", "PR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """Why money was not paid: the group (``CO`` contract, ``PR`` patient …), the reason, the dollars."""

    group: str
    reason: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePayment:
    """A service line as the payer answered it, or the claim as a whole where ``code`` is empty.

    ``line`` is our line item control number (REF 6R), empty where the payer did not send it back.
    """

    claim: str
    line: str
    code: str
    modifiers: tuple[str, ...]
    charge: Decimal | None
    paid: Decimal | None
    adjustments: tuple[Adjustment, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remittance:
    """Everything of one file. ``claims`` are the control numbers of all claims in it, paid ones too."""

    services: tuple[ServicePayment, ...]
    claims: tuple[str, ...]


def read_remittance(path: Path) -> Remittance:
    """Read an 835 or a CSV of denials; which of the two, the content says.

    Raises
    ------
    RemittanceError
        Naming line or segment and field, if it is neither, or damaged.
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RemittanceError("is neither an 835 nor a CSV in UTF-8", field=path.name) from None
    if text.lstrip().startswith("ISA"):
        return _read_835(text.lstrip(), path.name)
    return _read_csv(text, path.name)


@dataclass(slots=True)
class _Open:
    """The service or claim that the reader stands in."""

    claim: str
    line: str = ""
    code: str = ""
    modifiers: tuple[str, ...] = ()
    charge: Decimal | None = None
    paid: Decimal | None = None
    adjustments: list[Adjustment] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def close(self) -> ServicePayment:
        """What was read, frozen."""
        return ServicePayment(
            claim=self.claim,
            line=self.line,
            code=self.code,
            modifiers=self.modifiers,
            charge=self.charge,
            paid=self.paid,
            adjustments=tuple(self.adjustments),
            remarks=tuple(self.remarks),
        )


def _read_835(text: str, name: str) -> Remittance:
    services: list[ServicePayment] = []
    claims: list[str] = []
    now: _Open | None = None
    kinds: list[str] = []
    try:
        with X12Reader(io.StringIO(text)) as reader:
            for number, segment in enumerate(reader, 1):
                at = f"{name}: segment {number}"
                seg_id = segment.get_seg_id()
                if seg_id == "ST":
                    kinds.append(segment.get_value("ST01") or "")
                if seg_id in ("CLP", "SVC", "SE") and now is not None:
                    services.append(now.close())
                    now = _Open(claim=now.claim) if seg_id == "SVC" else None
                if seg_id == "CLP":
                    now = _Open(claim=segment.get_value("CLP01") or "")
                    now.charge, now.paid = _money(segment, "CLP03", at), _money(segment, "CLP04", at)
                    claims.append(now.claim)
                elif now is not None:
                    _take(now, segment, at)
            reader.cleanup()
            damage = reader.pop_errors()
    except X12FileError:
        raise RemittanceError("is not an X12 file", field=name) from None
    except (
        X12StructureError,
        IndexError,
        ValueError,
    ):  # pyx12 4.0.0 trips over trailers without their headers
        raise RemittanceError("is not an 835: its envelope is damaged", field=name) from None
    if kinds != ["835"] * len(kinds) or not kinds:
        raise RemittanceError("is not an 835: ST01 is another transaction", field=name)
    if damage:
        raise RemittanceError("is cut off, or its counts are wrong", field=name)
    return Remittance(services=tuple(services), claims=tuple(claims))


def _take(now: _Open, segment: Segment, at: str) -> None:
    seg_id = segment.get_seg_id()
    if seg_id == "SVC":
        now.code = segment.get_value("SVC01-2") or ""
        found = [segment.get_value(f"SVC01-{place}") for place in range(3, 7)]
        now.modifiers = tuple(modifier for modifier in found if modifier)
        now.charge, now.paid = _money(segment, "SVC02", at), _money(segment, "SVC03", at)
    elif seg_id == "CAS":
        group = segment.get_value("CAS01") or ""
        for place in range(2, 20, 3):
            reason = segment.get_value(f"CAS{place:02d}")
            if reason:
                amount = _money(segment, f"CAS{place + 1:02d}", at)
                now.adjustments.append(Adjustment(group=group, reason=reason, amount=amount or Decimal(0)))
    elif seg_id == "REF" and segment.get_value("REF01") == "6R":
        now.line = segment.get_value("REF02") or ""
    elif seg_id == "LQ" and segment.get_value("LQ01") == "HE":
        now.remarks.append(segment.get_value("LQ02") or "")
    elif seg_id == "MOA":
        now.remarks.extend(
            remark for place in range(3, 8) if (remark := segment.get_value(f"MOA{place:02d}"))
        )


def _money(segment: Segment, element: str, at: str) -> Decimal | None:
    value = segment.get_value(element)
    if not value:
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise RemittanceError("is not an amount", field=f"{at}, {element}")
    return amount


def _read_csv(text: str, name: str) -> Remittance:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [column.strip().lower() for column in next(rows, [])]
        missing = [column for column in _NEEDED if column not in header]
        if missing or not set(header) <= set(_COLUMNS) or len(set(header)) < len(header):
            raise RemittanceError(
                f"needs the columns {', '.join(_NEEDED)} and may have {', '.join(_COLUMNS)}",
                field=f"{name}:1",
            )
        services = []
        for cells in rows:
            if any(cell.strip() for cell in cells):
                where = f"{name}:{rows.line_num}"
                if len(cells) != len(header):
                    raise RemittanceError(f"has {len(cells)} cells, the header {len(header)}", field=where)
                services.append(_row(dict(zip(header, (cell.strip() for cell in cells), strict=True)), where))
    except csv.Error:
        raise RemittanceError("is not CSV", field=f"{name}:{rows.line_num}") from None
    claims = dict.fromkeys(service.claim for service in services)
    return Remittance(services=tuple(services), claims=tuple(claims))


def _row(row: dict[str, str], where: str) -> ServicePayment:
    if not row["claim"]:
        raise RemittanceError("is empty", field=f"{where}:claim")
    group, reason = _split(row["reason"].upper(), row.get("group", "").upper())
    if not _REASON.fullmatch(reason):
        raise RemittanceError(
            "must be a claim adjustment reason such as 97 or CO-97", field=f"{where}:reason"
        )
    if group not in ("", *_GROUPS):
        raise RemittanceError(f"must be one of {', '.join(_GROUPS)}, or empty", field=f"{where}:group")
    amount = row.get("amount", "")
    if not re.fullmatch(r"(-?\d+(\.\d{1,2})?)?", amount, re.ASCII):
        raise RemittanceError("must be dollars such as 120.50, or empty", field=f"{where}:amount")
    code, *modifiers = row.get("code", "").upper().split() or [""]
    return ServicePayment(
        claim=row["claim"],
        line=row.get("line", ""),
        code=code,
        modifiers=tuple(modifiers),
        charge=None,
        paid=None,
        adjustments=(Adjustment(group=group, reason=reason, amount=Decimal(amount or 0)),),
        remarks=tuple(row.get("remarks", "").upper().split()),
    )


def _split(reason: str, group: str) -> tuple[str, str]:
    found = re.fullmatch(r"(CO|CR|OA|PI|PR)[- ]?(.+)", reason)
    return (found[1], found[2]) if found else (group, reason)
