"""From what was finished in the review app to coded encounters and claims."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from suggester.billing.claim import Claim, run_name
from suggester.billing.claim_json import read_claim
from suggester.billing.draft import with_flags
from suggester.billing.encounter import AcceptedCode, CodedEncounter, NoteWords
from suggester.billing.export import Refusal, draft_all
from suggester.billing.fees import FeeSchedule
from suggester.billing.profile import Profile
from suggester.billing.ruling import RuleCheck
from suggester.codesets import Catalog
from suggester.errors import BillingError, EncounterError, NotFoundError
from suggester.review.service import ReviewService
from suggester.review.types import EncounterCodes, FinalCode, Summary
from suggester.types import Encounter, Note, Patient

__all__ = ["coded_encounter", "reviewed_claims"]


def coded_encounter(found: EncounterCodes) -> CodedEncounter:
    """The encounter with the codes of all of its notes, in the order of their summaries.

    A diagnosis that two notes have counts once, with the words of both; so does a service of the same day.

    Raises
    ------
    EncounterError
        If notes are not finished yet, or have no date of service, or are of two patients.
    """
    if found.open_notes:
        count = len(found.open_notes)
        raise EncounterError(
            f"{count} of its notes are not finished yet; finish them first", field="open_notes"
        )
    days = [note.service_date for note in found.notes if note.service_date is not None]
    if not days:
        raise EncounterError("none of its notes has a date of service", field="service_from")
    by_name = {note.id: note for note in found.notes}
    codes: dict[tuple[str, str, date | None], AcceptedCode] = {}
    for summary in found.summaries:
        note = by_name.get(summary.name) or by_name.get(summary.note_id)
        for code in summary.codes:
            accepted = _accepted(code, summary, note)
            key = (code.system, code.code, None if code.system == "ICD-10-CM" else accepted.service_date)
            before = codes.get(key)
            codes[key] = accepted if before is None else _joined(before, accepted)
    if not codes:
        raise EncounterError("has no accepted codes", field="codes")
    run = found.summaries[0].run
    return CodedEncounter(
        encounter=_encounter(found, days),
        codes=tuple(codes.values()),
        sequenced=True,
        run=run,
        run_id=run_name(run),
        texts=tuple((note.id, note.text) for note in found.notes),
        overrides=tuple(override for summary in found.summaries for override in summary.overrides),
    )


def _encounter(found: EncounterCodes, days: list[date]) -> Encounter:
    patients = {note.patient for note in found.notes if note.patient is not None}
    if len({patient.id for patient in patients}) > 1:
        raise EncounterError("its notes are of two patients", field="patient.id")
    settings = [note.setting for note in found.notes if note.setting is not None]
    return Encounter(
        id=found.encounter_id,
        patient=max(
            patients, key=lambda one: (one.birth_date is not None, one.sex is not None), default=Patient()
        ),
        setting=settings[0] if settings else None,
        service_from=min(days),
        service_to=max(days),
        note_ids=tuple(note.id for note in found.notes),
    )


def _known_fields(patient: Patient) -> int:
    return sum(value is not None for value in (patient.id, patient.sex, patient.birth_date))


def _accepted(code: FinalCode, summary: Summary, note: Note | None) -> AcceptedCode:
    return AcceptedCode(
        system=code.system,
        code=code.code,
        display=code.display,
        evidence=tuple(
            NoteWords(note_id=note.id, span=span, quote=note.text[span.start : span.end])
            for span in (code.evidence if note is not None else ())
            if note is not None
        ),
        modifiers=code.modifiers,
        units=code.units or 1,
        service_date=None if note is None else note.service_date,
        decision_id=code.decision_id,
        decided_by=code.reviewer,
        decided_at=summary.finished_at,
    )


def _joined(first: AcceptedCode, second: AcceptedCode) -> AcceptedCode:
    return replace(first, evidence=first.evidence + second.evidence)


def reviewed_claims(
    service: ReviewService,
    token: str,
    encounter_ids: Iterable[str],
    *,
    profile: Profile,
    fees: FeeSchedule,
    catalog: Catalog | None = None,
    rules: RuleCheck | None = None,
) -> Iterator[Claim | Refusal]:
    """The claims of encounters in the review store: the one a person saved, else a fresh draft.

    A saved claim is checked again before it is given; what is wrong with an encounter is its refusal.

    Raises
    ------
    SessionError, ForbiddenError
        If the session does not hold or its role may not read claims.
    """
    for encounter_id in encounter_ids:
        try:
            saved = service.claim(token, encounter_id)
            coded = coded_encounter(service.encounter_codes(token, encounter_id))
            if saved is None:
                yield from draft_all([coded], profile=profile, fees=fees, catalog=catalog, rules=rules)
                continue
            claim = read_claim(json.dumps(saved.record), name=encounter_id)
            yield with_flags(claim, catalog=catalog, rules=rules, coded=coded)
        except NotFoundError as error:
            yield Refusal(encounter=encounter_id, reason=error.code, field="encounter", message=str(error))
        except BillingError as error:
            yield Refusal(encounter=encounter_id, reason=error.code, field=error.field, message=error.message)
