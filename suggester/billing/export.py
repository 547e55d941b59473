"""Exports of claims to a folder: files, ledger and the batch control report.

An encounter that cannot go out is refused with its reason and the rest go on. Everything is written whole or
not at all, the same claims give the same bytes, and doing it again changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from suggester.billing.claim import Claim, run_name, safe_name, standing
from suggester.billing.claim_json import claim_text, run_record
from suggester.billing.cms1500 import cms1500_text
from suggester.billing.draft import draft_claim
from suggester.billing.encounter import CodedEncounter
from suggester.billing.fees import FeeSchedule
from suggester.billing.fhir_claim import fhir_text
from suggester.billing.files import one_writer, write_whole
from suggester.billing.interchange import plan_interchanges
from suggester.billing.ledger import Entry, Ledger
from suggester.billing.profile import Profile
from suggester.billing.ruling import RuleCheck
from suggester.billing.superbill import superbill_csv, superbill_pdf
from suggester.billing.x12_837p import Interchange
from suggester.billing.x12_checks import DiagnosisCheck
from suggester.codesets import Catalog
from suggester.errors import BillingError, CodeSetError, EncounterError, FlagsStandError

__all__ = [
    "FORMS",
    "ControlReport",
    "Form",
    "Refusal",
    "diagnosis_check",
    "draft_all",
    "export_claims",
    "preview",
    "require_clear",
]

Form = Literal["superbill", "837p", "fhir", "cms1500"]
FORMS: tuple[Form, ...] = ("superbill", "837p", "fhir", "cms1500")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An encounter that did not go out: the stable reason, the field at fault and what to do."""

    encounter: str
    reason: str
    field: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlReport:
    """What an export did. ``written`` counts files that are new or changed; the rest was there already."""

    form: Form
    claims: tuple[Claim, ...]
    files: tuple[tuple[str, str], ...]
    refusals: tuple[Refusal, ...]
    written: int

    @property
    def total(self) -> Decimal:
        """Sum of the exported claims in dollars."""
        return sum((claim.total for claim in self.claims), Decimal("0.00"))

    def record(self) -> dict[str, Any]:
        """The report as JSON values. Doing the same export again gives the same values."""
        return {
            "format": "suggester-control/1",
            "export": self.form,
            "encounters": len(self.claims) + len(self.refusals),
            "exported": len(self.claims),
            "refused": len(self.refusals),
            "lines": sum(len(claim.draft.lines) for claim in self.claims),
            "total": str(self.total),
            "claims": [
                {
                    "encounter": claim.draft.encounter.id,
                    "number": claim.number,
                    "total": str(claim.total),
                    "lines": len(claim.draft.lines),
                    "diagnoses": len(claim.draft.diagnoses),
                    "run": run_name(claim.run, claim.draft.run_id),
                }
                for claim in self.claims
            ],
            "files": [{"file": name, "sha256": digest} for name, digest in self.files],
            "refusals": [
                {
                    "encounter": refusal.encounter,
                    "reason": refusal.reason,
                    "field": refusal.field,
                    "message": refusal.message,
                }
                for refusal in self.refusals
            ],
        }


def draft_all(
    encounters: Iterable[CodedEncounter | BillingError],
    *,
    profile: Profile,
    fees: FeeSchedule,
    catalog: Catalog | None = None,
    rules: RuleCheck | None = None,
) -> Iterator[Claim | Refusal]:
    """The claim of each encounter, or why there is none."""
    for coded in encounters:
        if isinstance(coded, BillingError):
            yield _refusal(coded.field, coded)
            continue
        try:
            yield draft_claim(coded, profile=profile, fees=fees, catalog=catalog, rules=rules)
        except BillingError as error:
            yield _refusal(coded.encounter.id, error)
        except CodeSetError as error:
            yield Refusal(
                encounter=coded.encounter.id, reason=error.code, field="service_from", message=str(error)
            )


def _refusal(encounter: str, error: BillingError) -> Refusal:
    return Refusal(encounter=encounter, reason=error.code, field=error.field, message=error.message)


def diagnosis_check(catalog: Catalog) -> DiagnosisCheck:
    """Whether a code (its dot may be missing) is a billable ICD-10-CM code on a day, by the code sets."""

    def check(code: str, on: date) -> bool:
        try:
            found = catalog.lookup("ICD-10-CM", code, on)
        except CodeSetError:
            return False
        return found.billable and (found.valid_to is None or on <= found.valid_to)

    return check


def require_clear(claim: Claim) -> None:
    """Refuse a claim on which an error stands.

    Raises
    ------
    FlagsStandError
        Naming the rules that stand.
    """
    stand = standing(claim.draft.flags)
    if stand:
        rules = ", ".join(sorted({flag.rule_id for flag in stand}))
        raise FlagsStandError(f"{stand[0].message} (standing: {rules})", field=stand[0].rule_id)


def preview(claim: Claim, form: Form) -> dict[str, bytes]:
    """The files of one claim in a form, by name, without writing them.

    Raises
    ------
    BillingError
        If an error stands, or the form cannot carry the claim.
    """
    require_clear(claim)
    if form != "837p":
        return _contents(claim, form)
    plan = plan_interchanges([claim], Ledger(None), folder=None, is_diagnosis=None)
    if plan.refused:
        raise plan.refused[0][1]
    return {name: content for name, content, _ in _interchange_files(plan.new)}


def export_claims(
    items: Iterable[Claim | Refusal],
    *,
    form: Form,
    folder: Path,
    is_diagnosis: DiagnosisCheck | None = None,
) -> ControlReport:
    """Write claims to a folder in one form, with ledger and control report (``control-<form>.json``).

    Parameters
    ----------
    items
        Claims, and encounters refused already.
    form
        ``superbill`` (CSV, PDF, JSON), ``837p``, ``fhir`` or ``cms1500``.
    folder
        Made where it is not there. A second export waits for the first.
    is_diagnosis
        Whether a code of a written 837P is a billable diagnosis on a day.

    Raises
    ------
    LedgerError
        If the ledger is damaged, or contradicts what is to be written.
    """
    refusals: list[Refusal] = []
    claims: list[Claim] = []
    seen: set[str] = set()
    for item in items:
        if isinstance(item, Refusal):
            refusals.append(item)
            continue
        encounter = item.draft.encounter.id
        try:
            if encounter in seen:
                raise EncounterError("came before in this export", field="encounter.id")
            require_clear(item)
        except BillingError as error:
            refusals.append(_refusal(encounter, error))
        else:
            claims.append(item)
        seen.add(encounter)
    claims.sort(key=lambda claim: claim.draft.encounter.id)
    with one_writer(folder):
        ledger = Ledger(folder)
        if form == "837p":
            plan = plan_interchanges(claims, ledger, folder=folder, is_diagnosis=is_diagnosis)
            refusals += [_refusal(encounter, error) for encounter, error in plan.refused]
            out = list(plan.sent)
            contents = _interchange_files(plan.new)
        else:
            out, contents = _each(claims, form, refusals)
        return _write(form, out, contents, refusals, folder, ledger)


type _Contents = list[tuple[str, bytes, tuple[Claim, ...]]]


def _each(claims: list[Claim], form: Form, refusals: list[Refusal]) -> tuple[list[Claim], _Contents]:
    out: list[Claim] = []
    contents: _Contents = []
    for claim in claims:
        try:
            files = _contents(claim, form)
        except BillingError as error:
            refusals.append(_refusal(claim.draft.encounter.id, error))
            continue
        out.append(claim)
        contents += [(name, content, (claim,)) for name, content in files.items()]
    return out, contents


def _contents(claim: Claim, form: Form) -> dict[str, bytes]:
    name = safe_name(claim.draft.encounter.id)
    makers: dict[str, dict[str, Callable[[], bytes]]] = {
        "superbill": {
            f"{name}.superbill.csv": lambda: superbill_csv(claim).encode(),
            f"{name}.superbill.pdf": lambda: superbill_pdf(claim),
        },
        "fhir": {f"{name}.fhir.json": lambda: fhir_text(claim).encode()},
        "cms1500": {f"{name}.cms1500.json": lambda: cms1500_text(claim).encode()},
    }
    files = {file: make() for file, make in makers[form].items()}
    return files | {f"{name}.claim.json": claim_text(claim).encode()}


def _interchange_files(interchanges: Iterable[tuple[Interchange, tuple[Claim, ...]]]) -> _Contents:
    contents: _Contents = []
    for interchange, claims in interchanges:
        stem = f"837p-{interchange.control}"
        contents.append((f"{stem}.x12", interchange.text.encode("ascii"), claims))
        contents.append((f"{stem}.json", _sidecar(interchange, claims).encode(), claims))
        for claim in claims:
            name = f"{safe_name(claim.draft.encounter.id)}.claim.json"
            contents.append((name, claim_text(claim).encode(), (claim,)))
    return contents


def _sidecar(interchange: Interchange, claims: tuple[Claim, ...]) -> str:
    """What stands behind each claim of an interchange: run, releases, decisions, flags set aside."""
    record = {
        "format": "suggester-837p/1",
        "control": interchange.control,
        "total": str(sum((claim.total for claim in claims), Decimal("0.00"))),
        "claims": [
            {
                "encounter": claim.draft.encounter.id,
                "number": claim.number,
                "total": str(claim.total),
                "run_id": run_name(claim.run, claim.draft.run_id),
                "run": None if claim.run is None else run_record(claim.run),
                "lines": [
                    {
                        "line": f"{claim.number}-{line.sequence}",
                        "code": line.code,
                        "decision_id": line.decision_id,
                    }
                    for line in claim.draft.lines
                ],
                "diagnoses": [
                    {"sequence": item.sequence, "code": item.code, "decision_id": item.decision_id}
                    for item in claim.draft.diagnoses
                ],
                "set_aside": [
                    {"rule_id": flag.rule_id, "codes": list(flag.codes), "reason": flag.overridden}
                    for flag in claim.draft.flags
                    if flag.overridden is not None
                ],
            }
            for claim in claims
        ],
    }
    return json.dumps(record, ensure_ascii=False, indent=1) + "\n"


def _write(
    form: Form, out: list[Claim], contents: _Contents, refusals: list[Refusal], folder: Path, ledger: Ledger
) -> ControlReport:
    written = 0
    for name, content, claims in contents:
        written += write_whole(folder / name, content)
        if name.endswith(".claim.json") or (form == "837p" and not name.endswith(".x12")):
            continue
        for claim in claims:
            ledger.add(_entry(form, claim, name, content))
    ledger.save()
    names = {entry.file for claim in out if (entry := ledger.find(form, claim.draft.encounter.id))}
    names |= {name.replace(".x12", ".json") for name in names}
    names |= {f"{safe_name(claim.draft.encounter.id)}.claim.json" for claim in out}
    names |= {name for name, _, _ in contents}
    files = tuple(
        (name, hashlib.sha256((folder / name).read_bytes()).hexdigest())
        for name in sorted(names)
        if (folder / name).exists()
    )
    refusals.sort(key=lambda refusal: (refusal.encounter, refusal.reason, refusal.field))
    report = ControlReport(
        form=form, claims=tuple(out), files=files, refusals=tuple(refusals), written=written
    )
    text = json.dumps(report.record(), ensure_ascii=False, indent=1) + "\n"
    write_whole(folder / f"control-{form}.json", text.encode())
    return report


def _entry(form: Form, claim: Claim, name: str, content: bytes) -> Entry:
    return Entry(
        form=form,
        encounter=claim.draft.encounter.id,
        number=claim.number,
        claim_sha256=hashlib.sha256(claim_text(claim).encode()).hexdigest(),
        frequency=claim.frequency,
        total=str(claim.total),
        file=name,
        file_sha256=hashlib.sha256(content).hexdigest(),
    )
