"""Which claims go into which 837P: new ones into a new interchange, those that went out stay where they are.

A claim is never billed twice: one that the ledger has with the same content is left in its interchange, one
with other content is refused unless it says that it replaces or voids the earlier one (CLM05-3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from suggester.billing.claim import Claim
from suggester.billing.claim_json import claim_text
from suggester.billing.ledger import Entry, Ledger
from suggester.billing.x12_837p import Interchange, compose_837p, problem_error
from suggester.billing.x12_checks import DiagnosisCheck, own_problems, pyx12_problems
from suggester.errors import BillingError, LedgerError, X12Error

__all__ = ["Plan", "plan_interchanges"]

FORM = "837p"


@dataclass(slots=True, kw_only=True)
class Plan:
    """Interchanges to write with their claims, claims that are out when it is done, refused encounters."""

    new: list[tuple[Interchange, tuple[Claim, ...]]] = field(default_factory=list)
    sent: list[Claim] = field(default_factory=list)
    refused: list[tuple[str, BillingError]] = field(default_factory=list)


def plan_interchanges(
    claims: Sequence[Claim], ledger: Ledger, *, folder: Path | None, is_diagnosis: DiagnosisCheck | None
) -> Plan:
    """Sort claims into interchanges by what the ledger says of them.

    Parameters
    ----------
    claims
        In the order in which they shall stand in a new interchange.
    ledger
        What went out before.
    folder
        Where the interchanges are; None where nothing was ever written.
    is_diagnosis
        As ``own_problems`` takes it.

    Raises
    ------
    LedgerError
        If an interchange that the ledger names is gone and its claims are not all here to write it again.
    """
    plan = Plan()
    fresh: list[Claim] = []
    known: dict[str, list[Claim]] = {}
    for claim in claims:
        entry = ledger.find(FORM, claim.draft.encounter.id)
        if entry is None:
            fresh.append(claim)
        elif entry.claim_sha256 == hashlib.sha256(claim_text(claim).encode()).hexdigest():
            known.setdefault(entry.file, []).append(claim)
        elif claim.frequency != "1":
            fresh.append(claim)
        else:
            plan.refused.append((claim.draft.encounter.id, _changed(entry)))
    for file, theirs in sorted(known.items()):
        _again(plan, file, theirs, ledger, folder)
    _fresh(plan, fresh, is_diagnosis)
    plan.sent.sort(key=lambda claim: claim.draft.encounter.id)
    return plan


def _changed(entry: Entry) -> LedgerError:
    return LedgerError(
        f"the claim went out in {entry.file} and has changed since; send it as a replacement: frequency 7 "
        "with the payer's number in original_reference",
        field="frequency",
    )


def _again(plan: Plan, file: str, claims: list[Claim], ledger: Ledger, folder: Path | None) -> None:
    """Leave an interchange that is there as it is; write a lost one again if all of its claims are here."""
    entries = ledger.in_file(file)
    plan.sent.extend(claims)
    path = None if folder is None else folder / file
    if path is not None and path.exists():
        if hashlib.sha256(path.read_bytes()).hexdigest() != entries[0].file_sha256:
            raise LedgerError("is not the file that was written; put the original back", field=file)
        return
    if {entry.encounter for entry in entries} != {claim.draft.encounter.id for claim in claims}:
        raise LedgerError(
            "went out and is gone; export all of its encounters together to write it again", field=file
        )
    interchange = compose_837p(claims)
    if hashlib.sha256(interchange.text.encode()).hexdigest() != entries[0].file_sha256:
        raise LedgerError("went out and is gone, and cannot be written the same again", field=file)
    plan.new.append((interchange, tuple(claims)))


def _fresh(plan: Plan, claims: list[Claim], is_diagnosis: DiagnosisCheck | None) -> None:
    left: list[Claim] = []
    for claim in claims:
        try:
            compose_837p([claim])
        except X12Error as error:
            plan.refused.append((claim.draft.encounter.id, error))
        else:
            left.append(claim)
    while left:
        interchange = compose_837p(left)
        problems = [
            *own_problems(interchange.text, is_diagnosis=is_diagnosis),
            *pyx12_problems(interchange.text),
        ]
        if not problems:
            plan.new.append((interchange, tuple(left)))
            plan.sent.extend(left)
            return
        guilty = {interchange.claim_at(problem.segment) for problem in problems} - {None}
        if not guilty:
            raise problem_error(interchange, problems)
        for claim in left:
            if claim.draft.id in guilty:
                theirs = [p for p in problems if interchange.claim_at(p.segment) == claim.draft.id]
                plan.refused.append((claim.draft.encounter.id, problem_error(interchange, theirs)))
        left = [claim for claim in left if claim.draft.id not in guilty]
