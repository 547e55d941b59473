"""Claims of finished encounters for the claim page and its downloads: draft, edit, keep, export.

Billing decides what a claim is; here it meets the review service. Importing this module loads what writes
PDF, X12 and FHIR (about a second), so pages and routes do it when a claim is first asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from suggester.billing.claim import Claim, PointerReason, standing
from suggester.billing.claim_json import claim_record, read_claim
from suggester.billing.draft import draft_claim, with_flags
from suggester.billing.encounter import CodedEncounter
from suggester.billing.export import FORMS, Form, preview
from suggester.billing.fees import FeeSchedule, load_fees
from suggester.billing.profile import Profile, load_profile
from suggester.billing.reviewed import coded_encounter
from suggester.billing.ruling import RuleCheck, rule_check
from suggester.errors import EncounterError, NotFoundError
from suggester.review import ReviewService
from suggester.review.types import SavedClaim
from suggester.rules import Rules
from suggester.types import ClaimLine, Flag, Override
from suggester.ui.uploads import private_file

__all__ = [
    "FILES",
    "Export",
    "LineEdit",
    "OpenClaim",
    "changed_codes",
    "demo_papers",
    "edited",
    "export_claim",
    "fees_of",
    "open_claim",
    "profile_of",
    "save",
    "set_aside",
    "settings_papers",
    "standing",
    "taken_back",
]

FILES: dict[Form, tuple[str, ...]] = {
    "superbill": (".superbill.pdf", ".superbill.csv", ".claim.json"),
    "837p": (".x12", ".json"),
    "fhir": (".fhir.json",),
    "cms1500": (".cms1500.json",),
}
"""How the names of the files of each form end, the one that people want first."""

_MEDIA = {".pdf": "application/pdf", ".csv": "text/csv; charset=utf-8", ".x12": "application/edi-x12"}
_DEMO = Path(__file__).parent / "demo"
_BY_HAND = "set by a person"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenClaim:
    """The claim of an encounter as a person works on it.

    ``saved`` is None while nobody kept the draft; ``changed`` says that the finished codes of the encounter
    are not those of the saved claim any more.
    """

    encounter_id: str
    claim: Claim
    coded: CodedEncounter
    saved: SavedClaim | None
    changed: bool
    note_id: str

    @property
    def version(self) -> int:
        """Version of the saved claim, 0 where there is none."""
        return 0 if self.saved is None else self.saved.version


@dataclass(frozen=True, slots=True, kw_only=True)
class LineEdit:
    """What a person set on one service line; ``pointers`` are diagnosis codes, best first.

    A line that is not ``billed`` is kept off the claim.
    """

    modifiers: tuple[str, ...]
    units: int
    charge: Decimal
    pointers: tuple[str, ...]
    billed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A file that leaves: its bytes, kind and a name without anything of the encounter."""

    body: bytes
    media: str
    name: str


@lru_cache(maxsize=4)
def _rules(service: ReviewService) -> RuleCheck:
    return rule_check(Rules.open(service.settings, catalog=service.codebook.catalog))


# --- who bills, and for how much -----------------------------------------------------------------------


def profile_of(content: bytes) -> Profile:
    """The profile in an uploaded file.

    Raises
    ------
    ProfileError
        Naming the field at fault.
    """
    with private_file(content, ".toml") as path:
        return load_profile(path)


def fees_of(content: bytes) -> FeeSchedule:
    """The fee schedule in an uploaded file.

    Raises
    ------
    FeeScheduleError
        Naming line and column.
    """
    with private_file(content, ".csv") as path:
        return load_fees(path)


@lru_cache(maxsize=1)
def demo_papers() -> tuple[Profile, FeeSchedule]:
    """The invented clinic of the demo and its prices."""
    return load_profile(_DEMO / "profile.toml"), load_fees(_DEMO / "fees.csv")


def settings_papers(service: ReviewService) -> tuple[Profile | None, FeeSchedule | None]:
    """Profile and fee schedule that the settings name, read afresh so that a change counts at once.

    Raises
    ------
    ProfileError, FeeScheduleError
        If a file cannot be used.
    """
    settings = service.settings
    profile = None if settings.profile_file is None else load_profile(settings.profile_file)
    return profile, None if settings.fees_file is None else load_fees(settings.fees_file)


# --- opening and keeping -------------------------------------------------------------------------------


def open_claim(
    service: ReviewService,
    token: str,
    encounter_id: str,
    *,
    profile: Profile,
    fees: FeeSchedule,
    fresh: bool = False,
) -> OpenClaim:
    """The saved claim of an encounter with its flags renewed, else a draft.

    Parameters
    ----------
    fresh
        Draft anew from the finished codes, whatever was saved.

    Raises
    ------
    NotFoundError
        If there is no such encounter.
    BillingError
        If notes are not finished yet, nobody covers the patient, or the saved claim cannot be read.
    """
    found = service.encounter_codes(token, encounter_id)
    coded = coded_encounter(found)
    saved = service.claim(token, encounter_id)
    catalog, rules = service.codebook.catalog, _rules(service)
    changed = False
    if saved is None or fresh:
        claim = draft_claim(coded, profile=profile, fees=fees, catalog=catalog, rules=rules)
    else:
        claim = read_claim(json.dumps(saved.record), name="claim")
        claim = with_flags(claim, catalog=catalog, rules=rules, coded=coded)
        changed = changed_codes(claim, coded)
    return OpenClaim(
        encounter_id=encounter_id,
        claim=claim,
        coded=coded,
        saved=saved,
        changed=changed,
        note_id=found.summaries[0].note_id,
    )


def changed_codes(claim: Claim, coded: CodedEncounter) -> bool:
    """Whether the finished codes of the encounter are not those that the claim was made from."""
    diagnoses = {item.code for item in claim.draft.diagnoses} | set(claim.left_out)
    services = Counter((line.code, line.decision_id) for line in (*claim.draft.lines, *claim.unbilled))
    return diagnoses != {
        code.code for code in coded.codes if code.system == "ICD-10-CM"
    } or services != Counter(
        (code.code, code.decision_id) for code in coded.codes if code.system != "ICD-10-CM"
    )


def save(service: ReviewService, token: str, opened: OpenClaim, claim: Claim) -> None:
    """Check the claim again and keep it with its flags.

    Raises
    ------
    VersionError
        If somebody saved it since it was opened.
    """
    checked = with_flags(claim, catalog=service.codebook.catalog, rules=_rules(service), coded=opened.coded)
    service.save_claim(token, opened.encounter_id, claim_record(checked), version=opened.version)


# --- editing -------------------------------------------------------------------------------------------


def edited(
    claim: Claim,
    *,
    order: Sequence[str],
    lines: Sequence[LineEdit],
    place_of_service: str | None,
    frequency: str,
    original_reference: str,
) -> Claim:
    """The claim with its diagnoses in another order and its lines as a person set them.

    Pointers follow their diagnosis. A pointer that was proposed keeps its reasons.

    Parameters
    ----------
    order
        The codes of all diagnoses, first-listed first.
    lines
        One for each line in order, then for each of those kept off. Lines are counted anew.
    """
    by_code = {item.code: item for item in claim.draft.diagnoses}
    diagnoses = tuple(replace(by_code[code], sequence=sequence) for sequence, code in enumerate(order, 1))
    new_number = {item.code: item.sequence for item in diagnoses}
    old_code = {item.sequence: item.code for item in claim.draft.diagnoses}
    why = {
        (reason.line, old_code[reason.diagnosis]): reason.reasons
        for reason in claim.pointer_reasons
        if reason.diagnosis in old_code
    }
    made: list[ClaimLine] = []
    reasons: list[PointerReason] = []
    edits = list(zip((*claim.draft.lines, *claim.unbilled), lines, strict=True))
    billed = sum(edit.billed for _, edit in edits)
    edits.sort(key=lambda item: not item[1].billed)
    for sequence, (line, edit) in enumerate(edits, 1):
        pointers = tuple(new_number[code] for code in edit.pointers)
        made.append(
            replace(
                line,
                sequence=sequence,
                modifiers=edit.modifiers,
                units=edit.units,
                charge=edit.charge,
                pointers=pointers,
            )
        )
        reasons.extend(
            PointerReason(
                line=sequence,
                diagnosis=new_number[code],
                reasons=why.get((line.sequence, code), (_BY_HAND,)),
            )
            for code in edit.pointers
        )
    encounter = replace(claim.draft.encounter, place_of_service=place_of_service)
    lines_now = tuple(made[:billed])
    draft = replace(claim.draft, diagnoses=diagnoses, lines=lines_now, encounter=encounter)
    return replace(
        claim,
        draft=draft,
        unbilled=tuple(made[billed:]),
        pointer_reasons=tuple(reasons),
        frequency=frequency,
        original_reference=original_reference,
    )


def set_aside(claim: Claim, flag: Flag, *, reason: str, by: str, at: datetime) -> Claim:
    """The claim with a flag set aside for a reason.

    Raises
    ------
    ValueError
        If the reason is empty.
    """
    new = Override(rule_id=flag.rule_id, codes=flag.codes, reason=reason.strip(), by=by, at=at)
    kept = taken_back(claim, flag).draft.overrides
    return replace(claim, draft=replace(claim.draft, overrides=(*kept, new)))


def taken_back(claim: Claim, flag: Flag) -> Claim:
    """The claim without the override of a flag."""
    key = (flag.rule_id, frozenset(flag.codes))
    left = tuple(o for o in claim.draft.overrides if (o.rule_id, frozenset(o.codes)) != key)
    return replace(claim, draft=replace(claim.draft, overrides=left))


# --- leaving -------------------------------------------------------------------------------------------


def export_claim(service: ReviewService, token: str, note_id: str, form: str, ending: str) -> Export:
    """One file of the saved claim of the encounter that a note belongs to; that it left is written down.

    Parameters
    ----------
    note_id
        Any note of the encounter: its id is opaque, the encounter's is not and stays out of addresses.
    form, ending
        One of ``FORMS`` and one of its ``FILES``.

    Raises
    ------
    NotFoundError
        If there is no such note, form or file, or nobody saved the claim.
    BillingError
        If an error stands, notes are open, codes changed since it was saved, or the form cannot carry it.
    SessionError, ForbiddenError
        If the session does not hold or its role may not write claims.
    """
    if form not in FORMS or ending not in FILES[form]:
        raise NotFoundError("there is no such file of a claim")
    encounter_id = service.summary(token, note_id).encounter_id
    saved = None if encounter_id is None else service.claim(token, encounter_id)
    if saved is None or encounter_id is None:
        raise NotFoundError("the claim was not saved yet: save it first")
    coded = coded_encounter(service.encounter_codes(token, encounter_id))
    claim = read_claim(json.dumps(saved.record), name="claim")
    if changed_codes(claim, coded):
        raise EncounterError("its codes changed since the claim was saved: draft it again", field="codes")
    claim = with_flags(claim, catalog=service.codebook.catalog, rules=_rules(service), coded=coded)
    files = preview(claim, form)
    body = next(content for name, content in files.items() if name.endswith(ending))
    service.record_export(token, encounter_id, format=form, sha256=hashlib.sha256(body).hexdigest())
    suffix = ending[ending.rindex(".") :]
    return Export(
        body=body, media=_MEDIA.get(suffix, "application/json"), name=f"claim-{note_id[:9]}{ending}"
    )
