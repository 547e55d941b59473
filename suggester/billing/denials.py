"""Denials beside the rules: which denial a rule foresaw, which none did, and which flags came to nothing.

A rule foresaw a denial when it had flagged the denied line (or a diagnosis that the line points to) on the
exported claim, and the payer's reason is one that the rule speaks of (``denial_reasons.csv``).
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from suggester.billing.claim import Claim
from suggester.billing.claim_json import read_claim
from suggester.billing.remittance import Adjustment, Remittance, ServicePayment
from suggester.errors import RemittanceError
from suggester.types import ClaimLine, Flag

__all__ = ["Denial", "DenialReport", "Reason", "RuleRow", "compare", "load_claims", "reasons"]

Outcome = Literal["foreseen", "flagged", "unforeseen", "unlinked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A claim adjustment reason: what it means in our words, and patterns of the rules that speak of it."""

    code: str
    denial: bool
    words: str
    rules: tuple[str, ...]

    def foreseen_by(self, rule_id: str) -> bool:
        """Whether a flag of this rule speaks of the reason."""
        return any(fnmatchcase(rule_id, pattern) for pattern in self.rules)


@cache
def reasons() -> dict[str, Reason]:
    """The known reasons by code."""
    text = files("suggester.billing").joinpath("denial_reasons.csv").read_text(encoding="utf-8")
    return {
        row["reason"]: Reason(
            code=row["reason"],
            denial=row["kind"] == "denial",
            words=row["words"],
            rules=tuple(row["rules"].split()),
        )
        for row in csv.DictReader(text.splitlines())
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A denied line (``line`` 0: the whole claim) and what the rules had said of it.

    ``outcome``: ``foreseen`` a rule spoke of this reason; ``flagged`` rules flagged it for another reason;
    ``unforeseen`` no rule had flagged it; ``unlinked`` the claim or line is not among ours.
    """

    claim: str
    encounter: str
    line: int
    code: str
    group: str
    reason: str
    words: str
    amount: Decimal
    remarks: tuple[str, ...]
    outcome: Outcome
    foreseen_by: tuple[str, ...]
    flagged_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """A rule in figures: denials it foresaw, flags that were set aside among them, flags without denial."""

    rule_id: str
    foreseen: int
    set_aside: int
    no_denial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DenialReport:
    """All denials, and the rules beside them."""

    denials: tuple[Denial, ...]
    rules: tuple[RuleRow, ...]

    def count(self, outcome: Outcome) -> int:
        """How many denials had this outcome."""
        return sum(denial.outcome == outcome for denial in self.denials)

    def unforeseen_reasons(self) -> tuple[tuple[str, str, int], ...]:
        """Reasons of the denials that no rule foresaw: code, words, how many; the most frequent first."""
        counts = Counter(
            denial.reason for denial in self.denials if denial.outcome in ("unforeseen", "flagged")
        )
        known = reasons()
        rows = [(code, known[code].words if code in known else "", count) for code, count in counts.items()]
        return tuple(sorted(rows, key=lambda row: (-row[2], row[0])))

    def record(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "format": "suggester-denials/1",
            "denials": [
                {
                    "claim": denial.claim,
                    "encounter": denial.encounter,
                    "line": denial.line,
                    "code": denial.code,
                    "group": denial.group,
                    "reason": denial.reason,
                    "words": denial.words,
                    "amount": str(denial.amount),
                    "remarks": list(denial.remarks),
                    "outcome": denial.outcome,
                    "foreseen_by": list(denial.foreseen_by),
                    "flagged_by": list(denial.flagged_by),
                }
                for denial in self.denials
            ],
            "rules": [
                {
                    "rule": row.rule_id,
                    "foreseen": row.foreseen,
                    "set_aside": row.set_aside,
                    "no_denial": row.no_denial,
                }
                for row in self.rules
            ],
            "unforeseen": [
                {"reason": code, "words": words, "denials": count}
                for code, words, count in self.unforeseen_reasons()
            ],
        }


def load_claims(folder: Path) -> tuple[Claim, ...]:
    """The exported claims of a folder (its ``*.claim.json``), by name.

    Raises
    ------
    RemittanceError
        If there is none.
    ClaimFileError
        If one cannot be read.
    """
    found = [
        read_claim(path.read_text(encoding="utf-8"), name=path.name)
        for path in sorted(folder.glob("*.claim.json"))
    ]
    if not found:
        raise RemittanceError(
            "holds no exported claims (*.claim.json); give the folder of an export", field="claims"
        )
    return tuple(found)


def compare(remittance: Remittance, claims: Iterable[Claim]) -> DenialReport:
    """Link denials to the lines of claims, and set them beside the claims' flags."""
    by_number = {claim.number: claim for claim in claims}
    denials: list[Denial] = []
    used: set[tuple[str, int]] = set()
    aside: Counter[str] = Counter()
    for service in remittance.services:
        for adjustment in service.adjustments:
            if not _denies(adjustment, service):
                continue
            claim = by_number.get(service.claim)
            line = None if claim is None else _line(claim, service)
            denial, flags = _denial(service, adjustment, claim, line)
            denials.append(denial)
            for place in flags:
                used.add((service.claim, place))
            if claim is not None:
                aside.update(
                    claim.draft.flags[place].rule_id for place in flags if claim.draft.flags[place].overridden
                )
    foreseen = Counter(rule for denial in denials for rule in denial.foreseen_by)
    idle: Counter[str] = Counter()
    for number in dict.fromkeys(remittance.claims):
        claim = by_number.get(number)
        for place, flag in enumerate(claim.draft.flags if claim else ()):
            if flag.severity != "info" and (number, place) not in used:
                idle[flag.rule_id] += 1
    names = sorted({*foreseen, *idle, *aside})
    rules = [
        RuleRow(rule_id=name, foreseen=foreseen[name], set_aside=aside[name], no_denial=idle[name])
        for name in names
    ]
    rules.sort(key=lambda row: (-row.foreseen, -row.no_denial, row.rule_id))
    return DenialReport(denials=tuple(denials), rules=tuple(rules))


def _denies(adjustment: Adjustment, service: ServicePayment) -> bool:
    """Whether an adjustment is a denial: its reason says so; an unknown one denies where nothing was paid."""
    known = reasons().get(adjustment.reason)
    return known.denial if known is not None else not service.paid


def _line(claim: Claim, service: ServicePayment) -> ClaimLine | None:
    lines = claim.draft.lines
    if service.line:
        for line in lines:
            if service.line in (f"{claim.number}-{line.sequence}", str(line.sequence)):
                return line
    if not service.code:
        return None
    same = [line for line in lines if line.code == service.code]
    for closeness in (
        lambda line: line.modifiers == service.modifiers and line.charge == service.charge,
        lambda line: line.modifiers == service.modifiers,
        lambda line: line.charge == service.charge,
        lambda line: True,
    ):
        fitting = [line for line in same if closeness(line)]
        if len(fitting) == 1:
            return fitting[0]
    return None


def _denial(
    service: ServicePayment, adjustment: Adjustment, claim: Claim | None, line: ClaimLine | None
) -> tuple[Denial, tuple[int, ...]]:
    """The denial, and the places of the claim's flags that foresaw it."""
    known = reasons().get(adjustment.reason)
    foresaw: list[int] = []
    other: list[str] = []
    linked = claim is not None and (line is not None or not (service.code or service.line))
    if claim is not None and linked:
        for place, flag in enumerate(claim.draft.flags):
            if _concerns(flag, claim, line):
                if known is not None and known.foreseen_by(flag.rule_id):
                    foresaw.append(place)
                else:
                    other.append(flag.rule_id)
    flags: Sequence[Flag] = claim.draft.flags if claim is not None else ()
    outcome: Outcome = (
        "unlinked" if not linked else "foreseen" if foresaw else "flagged" if other else "unforeseen"
    )
    denial = Denial(
        claim=service.claim,
        encounter="" if claim is None else claim.draft.encounter.id,
        line=0 if line is None else line.sequence,
        code=service.code or ("" if line is None else line.code),
        group=adjustment.group,
        reason=adjustment.reason,
        words="" if known is None else known.words,
        amount=adjustment.amount,
        remarks=service.remarks,
        outcome=outcome,
        foreseen_by=tuple(sorted({flags[place].rule_id for place in foresaw})),
        flagged_by=tuple(sorted(set(other))),
    )
    return denial, tuple(foresaw)


def _concerns(flag: Flag, claim: Claim, line: ClaimLine | None) -> bool:
    """Whether a flag is about a line: its code or a diagnosis it points to; about a claim: any flag."""
    if line is None:
        return True
    codes = {line.code, *(diagnosis.code for diagnosis in claim.pointed(line.pointers))}
    return bool(codes & set(flag.codes)) or f"lines[{line.sequence}]" in flag.message
