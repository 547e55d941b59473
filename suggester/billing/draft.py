"""From the accepted codes of an encounter to a claim draft: order, lines, charges, pointers, flags."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from suggester.billing.checks import MAX_DIAGNOSES, claim_flags
from suggester.billing.claim import CENT, Claim, PointerReason, Trace
from suggester.billing.encounter import AcceptedCode, CodedEncounter
from suggester.billing.fees import FeeSchedule
from suggester.billing.pointers import Proposal, is_external_cause, propose_pointers
from suggester.billing.profile import Profile
from suggester.billing.ruling import RuleCheck
from suggester.codesets import Catalog
from suggester.errors import CodeSetError
from suggester.types import ClaimDiagnosis, ClaimDraft, ClaimLine, Flag

__all__ = ["draft_claim", "order_diagnoses", "with_flags"]

_SAME_RULE = {
    "billing.external-cause-first": "sequence.external_cause",
    "billing.modifier-unknown": "modifier.unknown",
    "billing.too-many-modifiers": "modifier.count",
    "billing.units": "units.whole",
    "billing.place-of-service": "place.unknown",
    "billing.diagnosis-unknown": "validity.unknown",
    "billing.diagnosis-not-billable": "validity.not_billable",
    "billing.procedure-unknown": "validity.unknown",
    "billing.diagnosis-unchecked": "validity.no_release",
    "billing.procedure-unchecked": "validity.no_release",
}
"""Checks of ours that a rule of the engine makes too; where both flag, the engine's stays."""

_ASSESSMENT = ("assessment", "plan", "impression", "diagnos")


def draft_claim(
    coded: CodedEncounter,
    *,
    profile: Profile,
    fees: FeeSchedule,
    catalog: Catalog | None = None,
    rules: RuleCheck | None = None,
) -> Claim:
    """Make the claim of one encounter.

    Diagnoses beyond the twelfth stay out, except that one which a line is for takes the place of the last
    that no line is for. A line without a fee has the charge 0, which is a flag.

    Parameters
    ----------
    coded
        The encounter and its accepted codes.
    profile
        Who bills whom.
    fees
        Charges; a charge of the encounter's own overrules them.
    catalog
        Gives titles, and says which codes are unknown on the day; None leaves both out.
    rules
        The rules engine; None runs billing's own checks only.

    Raises
    ------
    ProfileError
        If nobody covers the patient.
    """
    coverage = coded.coverage or profile.coverage_of(coded.encounter.patient.id)
    encounter = coded.encounter
    if encounter.place_of_service is None and encounter.setting is not None:
        place = profile.place_of_service.get(encounter.setting)
        encounter = replace(encounter, place_of_service=place)
    diagnoses = [_titled(code, coded, catalog) for code in order_diagnoses(coded)]
    services = [_titled(code, coded, catalog) for code in coded.codes if code.system != "ICD-10-CM"]
    texts = dict(coded.texts)
    proposals = [propose_pointers(code, diagnoses, texts) for code in services]
    chosen = _fit(diagnoses, proposals)
    sequence_of = {position: sequence for sequence, position in enumerate(chosen, 1)}
    lines: list[ClaimLine] = []
    reasons: list[PointerReason] = []
    for sequence, (code, wanted) in enumerate(zip(services, proposals, strict=True), 1):
        kept = [proposal for proposal in wanted if proposal.diagnosis in sequence_of]
        lines.append(
            ClaimLine(
                sequence=sequence,
                system=code.system,
                code=code.code,
                service_date=code.service_date or encounter.service_from,
                charge=_charge(code, coded, fees),
                modifiers=code.modifiers,
                units=code.units,
                pointers=tuple(sequence_of[proposal.diagnosis] for proposal in kept),
                decision_id=code.decision_id,
                place_of_service=code.place_of_service,
                display=code.display,
            )
        )
        reasons.extend(
            PointerReason(line=sequence, diagnosis=sequence_of[proposal.diagnosis], reasons=proposal.reasons)
            for proposal in kept
        )
    left_out = tuple(code.code for place, code in enumerate(diagnoses) if place not in sequence_of)
    draft = ClaimDraft(
        id=encounter.id,
        encounter=encounter,
        diagnoses=tuple(
            ClaimDiagnosis(
                sequence=sequence,
                code=diagnoses[position].code,
                display=diagnoses[position].display,
                decision_id=diagnoses[position].decision_id,
            )
            for position, sequence in sequence_of.items()
        ),
        lines=tuple(lines),
        overrides=coded.overrides,
        run_id=coded.run_id,
    )
    claim = Claim(
        draft=draft,
        parties=profile.parties(coverage),
        run=coded.run,
        usage=profile.usage,
        accept_assignment=profile.accept_assignment,
        trace_in_notes=profile.trace_in_notes,
        frequency=coded.frequency,
        original_reference=coded.original_reference,
        pointer_reasons=tuple(reasons),
        traces=tuple(_trace(code) for code in (*diagnoses, *services)),
        left_out=left_out,
    )
    return with_flags(claim, catalog=catalog, rules=rules, coded=coded)


def with_flags(
    claim: Claim,
    *,
    catalog: Catalog | None = None,
    rules: RuleCheck | None = None,
    coded: CodedEncounter | None = None,
) -> Claim:
    """The claim with the flags of billing's checks and of the rules engine, overrides applied.

    Call it again after a person changed lines or pointers.
    """
    own = _overridden(claim_flags(claim, catalog=catalog), claim.draft)
    engine = rules(claim.draft, coded) if rules is not None else ()
    said = {flag.rule_id for flag in engine}
    kept = tuple(flag for flag in own if _SAME_RULE.get(flag.rule_id) not in said)
    return replace(claim, draft=replace(claim.draft, flags=(*kept, *engine)))


def order_diagnoses(coded: CodedEncounter) -> list[AcceptedCode]:
    """The diagnoses as a claim lists them; those given twice once.

    Where a person put them in order, theirs is kept. Else those of the assessment come first, in the order
    in which it names them. External causes come last always, as ICD-10-CM guideline I.C.20 has it.
    """
    seen: set[str] = set()
    found = []
    for code in coded.codes:
        if code.system == "ICD-10-CM" and code.code not in seen:
            seen.add(code.code)
            found.append(code)
    if not coded.sequenced:
        found.sort(key=_assessment_place)
    return sorted(found, key=lambda code: is_external_cause(code.code))


def _assessment_place(code: AcceptedCode) -> tuple[int, int]:
    starts = [
        words.span.start
        for words in code.evidence
        if any(name in words.section.lower() for name in _ASSESSMENT)
    ]
    return (0, min(starts)) if starts else (1, 0)


def _fit(diagnoses: list[AcceptedCode], proposals: list[tuple[Proposal, ...]]) -> list[int]:
    """Places of the diagnoses that go on the claim, in order."""
    chosen = list(range(min(MAX_DIAGNOSES, len(diagnoses))))
    needed = {wanted[0].diagnosis for wanted in proposals if wanted}
    pointed = {proposal.diagnosis for wanted in proposals for proposal in wanted}
    for place in sorted(needed - set(chosen)):
        spare = [other for other in chosen[1:] if other not in pointed] or [
            other for other in chosen[1:] if other not in needed
        ]
        if spare:
            chosen.remove(spare[-1])
            chosen.append(place)
    return chosen


def _charge(code: AcceptedCode, coded: CodedEncounter, fees: FeeSchedule) -> Decimal:
    if code.charge is not None:
        return code.charge.quantize(CENT)
    fee = fees.fee(code.code, code.modifiers, code.service_date or coded.encounter.service_from)
    return ((fee.charge if fee else Decimal(0)) * code.units).quantize(CENT)


def _titled(code: AcceptedCode, coded: CodedEncounter, catalog: Catalog | None) -> AcceptedCode:
    """The code with the title of the code sets, which also says side and region of the body."""
    if catalog is None:
        return code
    try:
        found = catalog.lookup(code.system, code.code, coded.encounter.service_from)
    except CodeSetError:  # an unknown code is a flag of the checks, with its reason
        return code
    return replace(code, display=found.display)


def _trace(code: AcceptedCode) -> Trace:
    return Trace(
        system=code.system,
        code=code.code,
        decision_id=code.decision_id,
        decided_by=code.decided_by,
        decided_at=code.decided_at,
        places=tuple((words.note_id, words.span) for words in code.evidence),
    )


def _overridden(flags: tuple[Flag, ...], draft: ClaimDraft) -> tuple[Flag, ...]:
    reasons = {(override.rule_id, frozenset(override.codes)): override.reason for override in draft.overrides}

    def mark(flag: Flag) -> Flag:
        reason = reasons.get((flag.rule_id, frozenset(flag.codes)))
        return replace(flag, overridden=reason) if reason is not None and flag.overridable else flag

    return tuple(mark(flag) for flag in flags)
