"""Claim drafts: order of diagnoses, pointers and their reasons, charges, flags."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from billing_world import RUN, accepted, claim, encounter, fees, gold_encounters, profile, visit

from suggester.billing.checks import MAX_DIAGNOSES
from suggester.billing.claim import run_name, safe_name, standing
from suggester.billing.draft import draft_claim, order_diagnoses, with_flags
from suggester.billing.encounter import AcceptedCode, NoteWords
from suggester.billing.pointers import propose_pointers
from suggester.billing.ruling import rule_check
from suggester.codesets import Catalog
from suggester.errors import ProfileError
from suggester.rules import Rules
from suggester.types import ClaimDraft, Flag, Override, Patient, Span

NOTE = (
    "1. Right knee osteoarthritis, injected today.\n"
    "2. Left wrist pain, stable.\n"
    "\n"
    "Right knee injection: 4 units.\n"
)


def words(text: str, *quotes: str, section: str = "") -> tuple[NoteWords, ...]:
    """Where quotes stand in a note called n1."""
    return tuple(
        NoteWords(
            note_id="n1",
            span=Span(start=text.index(quote), end=text.index(quote) + len(quote)),
            quote=quote,
            section=section,
        )
        for quote in quotes
    )


def icd(code: str, display: str = "", *quotes: str, section: str = "") -> AcceptedCode:
    """A diagnosis with words of NOTE."""
    return accepted("ICD-10-CM", code, display=display, evidence=words(NOTE, *quotes, section=section))


def test_claim_has_lines_charges_pointers_and_total() -> None:
    made = claim()
    assert [line.charge for line in made.draft.lines] == [Decimal(180), Decimal(35), Decimal(70)]
    assert made.total == Decimal("285.00")
    assert made.draft.lines[0].pointers == (1, 2)
    assert made.draft.encounter.place_of_service == "11"
    assert all(reason.reasons for reason in made.pointer_reasons)
    assert not standing(made.draft.flags)
    assert [trace.decision_id for trace in made.traces][:2] == ["d-I10", "d-E11.9"]


@pytest.mark.parametrize(
    ("setting", "place"), [("emergency", "23"), ("inpatient", "21"), ("outpatient", "11")]
)
def test_place_of_service_is_the_settings(setting: str, place: str) -> None:
    assert claim(visit(setting=setting)).place_of_service == place


def test_place_of_service_of_the_encounter_is_kept() -> None:
    assert claim(visit(place_of_service="22")).place_of_service == "22"
    assert "billing.place-of-service" in {flag.rule_id for flag in claim(visit(setting=None)).draft.flags}


def test_charge_of_the_encounter_overrules_the_fees() -> None:
    coded = encounter(accepted("ICD-10-CM", "I10"), accepted("CPT", "93000", charge=Decimal(99), units=3))
    assert claim(coded).total == Decimal("99.00")


def test_patient_without_coverage_is_an_error() -> None:
    with pytest.raises(ProfileError, match="coverage"):
        claim(visit(patient=Patient(id="nobody")))


def test_external_causes_come_last_and_doubles_go() -> None:
    coded = encounter(
        *(accepted("ICD-10-CM", code) for code in ("W11.XXXA", "S52.501A", "Y92.61", "I10", "I10"))
    )
    assert [code.code for code in order_diagnoses(coded)] == ["S52.501A", "I10", "W11.XXXA", "Y92.61"]


def test_unsequenced_diagnoses_follow_the_assessment() -> None:
    coded = encounter(
        accepted("ICD-10-CM", "E78.5"),
        icd("M25.532", "", "Left wrist pain", section="assessment_plan"),
        icd("M17.11", "", "Right knee osteoarthritis", section="assessment_plan"),
        sequenced=False,
    )
    assert [code.code for code in order_diagnoses(coded)] == ["M17.11", "M25.532", "E78.5"]


def test_thirteenth_diagnosis_stays_out_unless_a_line_needs_it() -> None:
    many = [accepted("ICD-10-CM", f"I{number}") for number in range(20, 20 + MAX_DIAGNOSES)]
    coded = encounter(*many, accepted("ICD-10-CM", "Z23"), accepted("CPT", "90471"))
    made = claim(coded)
    assert len(made.draft.diagnoses) == MAX_DIAGNOSES
    assert made.draft.diagnoses[-1].code == "Z23"
    assert made.draft.lines[0].pointers == (12,)
    assert made.left_out == ("I31",)
    assert [flag.rule_id for flag in made.draft.flags] == ["billing.diagnoses-left-out"]


def test_pointer_follows_sentence_side_and_region() -> None:
    line = accepted("CPT", "20610", modifiers=("RT",), evidence=words(NOTE, "Right knee injection"))
    diagnoses = [
        icd("M25.532", "Pain in left wrist", "Left wrist pain"),
        icd("M17.11", "Unilateral primary osteoarthritis, right knee", "Right knee osteoarthritis"),
    ]
    found = propose_pointers(line, diagnoses, {"n1": NOTE})
    assert [proposal.diagnosis for proposal in found] == [1]
    assert "on the same side (right)" in found[0].reasons
    assert "of the same region of the body (knee)" in found[0].reasons


@pytest.mark.parametrize(
    ("quote", "other", "reason"),
    [
        ("osteoarthritis, injected", "Right knee osteoarthritis", "supported by the same words"),
        ("injected today", "Right knee osteoarthritis", "named in the same sentence"),
    ],
)
def test_pointer_says_how_near_the_words_are(quote: str, other: str, reason: str) -> None:
    line = accepted("HCPCS", "Z9999", evidence=words(NOTE, quote))
    found = propose_pointers(line, [icd("M25.532"), icd("M17.11", "", other)], {"n1": NOTE})
    assert [(proposal.diagnosis, proposal.reasons) for proposal in found] == [(1, (reason,))]


def test_pointer_goes_by_problem_and_section() -> None:
    text = "1. Gout\n   colchicine given\n2. Cough\n   film taken\n"
    line = accepted("HCPCS", "Z9999", evidence=words(text, "film taken", section="plan"))
    diagnoses = [
        accepted("ICD-10-CM", "M10.9", evidence=words(text, "Gout", section="plan")),
        accepted("ICD-10-CM", "R05.9", evidence=words(text, "Cough", section="plan")),
    ]
    found = propose_pointers(line, diagnoses, {"n1": text})
    assert [(proposal.diagnosis, proposal.reasons) for proposal in found] == [
        (1, ("written under the same problem",))
    ]
    without = propose_pointers(line, diagnoses, {})
    assert without[0].reasons[0].startswith("the first-listed diagnosis")


def test_pointer_of_a_screening_follows_its_modifier() -> None:
    diagnoses = [accepted("ICD-10-CM", "K63.5"), accepted("ICD-10-CM", "Z12.11")]
    plain = propose_pointers(accepted("CPT", "45385"), diagnoses, {})
    preventive = propose_pointers(accepted("CPT", "45385", modifiers=("33",)), diagnoses, {})
    assert [proposal.diagnosis for proposal in plain] == [0, 1]
    assert [proposal.diagnosis for proposal in preventive] == [1]


def test_pointers_never_go_to_external_causes_alone() -> None:
    assert propose_pointers(accepted("CPT", "99213"), [accepted("ICD-10-CM", "W11.XXXA")], {}) == ()
    assert propose_pointers(accepted("CPT", "99213"), [], {}) == ()


def test_pointers_are_four_at_most_and_of_the_visit_in_order() -> None:
    diagnoses = [icd(code, section="assessment") for code in ("I10", "E11.9", "J45.909", "M10.9", "K21.9")]
    found = propose_pointers(accepted("CPT", "99214"), diagnoses, {})
    assert [proposal.diagnosis for proposal in found] == [0, 1, 2, 3]
    history = replace(diagnoses[0], evidence=words(NOTE, "stable", section="past_medical"))
    assert [p.diagnosis for p in propose_pointers(accepted("CPT", "99214"), [history, diagnoses[1]], {})] == [
        1
    ]


def test_override_sets_a_flag_aside() -> None:
    coded = encounter(accepted("ICD-10-CM", "I10"), accepted("CPT", "99999"))
    assert [flag.rule_id for flag in standing(claim(coded).draft.flags)] == ["billing.charge-zero"]
    override = Override(
        rule_id="billing.charge-zero",
        codes=("99999",),
        reason="the payer wants it reported",
        by="coder-1",
        at=datetime(2026, 6, 21, tzinfo=UTC),
    )
    made = claim(replace(coded, overrides=(override,)))
    assert not standing(made.draft.flags)
    assert made.draft.flags[0].overridden == "the payer wants it reported"
    assert made.dated == override.at


def test_override_does_not_help_where_none_is_allowed() -> None:
    override = Override(
        rule_id="billing.units", codes=("93000",), reason="so", by="c", at=datetime(2026, 6, 21, tzinfo=UTC)
    )
    coded = encounter(accepted("ICD-10-CM", "I10"), accepted("CPT", "93000", units=0), overrides=(override,))
    assert [flag.rule_id for flag in standing(claim(coded).draft.flags)] == [
        "billing.units",
        "billing.charge-zero",
    ]


def test_rules_flags_join_and_replace_the_same_check(catalog: Catalog) -> None:
    coded = encounter(accepted("ICD-10-CM", "I99.99"), accepted("CPT", "99213", modifiers=("Q9",)))
    engine = rule_check(Rules.open(catalog=catalog))
    made = draft_claim(coded, profile=profile(), fees=fees(), catalog=catalog, rules=engine)
    rules = [flag.rule_id for flag in made.draft.flags]
    assert "validity.unknown" in rules
    assert "billing.diagnosis-unknown" not in rules
    again = with_flags(made, catalog=catalog, rules=engine)
    assert {flag.rule_id for flag in again.draft.flags} == set(rules)


def test_rules_see_the_words_behind_a_code() -> None:
    seen: list[str] = []

    class Spy(Rules):
        def __init__(self) -> None:
            pass

        def check_claim(self, draft: ClaimDraft, **values: object) -> tuple[Flag, ...]:
            diagnoses = values["diagnoses"]
            assert isinstance(diagnoses, dict)
            seen.extend(diagnoses["M17.11"].words)
            return ()

    coded = encounter(icd("M17.11", "", "Right knee osteoarthritis"), accepted("CPT", "20610"))
    draft_claim(coded, profile=profile(), fees=fees(), rules=rule_check(Spy()))
    assert seen == ["Right knee osteoarthritis"]
    seen.clear()
    with_text = replace(coded, texts=(("n1", NOTE),))
    draft_claim(with_text, profile=profile(), fees=fees(), rules=rule_check(Spy()))
    assert seen == ["Right knee osteoarthritis"]


def test_side_that_the_note_says_is_held_against_the_code(catalog: Catalog) -> None:
    coded = encounter(icd("M17.12", "", "Right knee osteoarthritis"), accepted("CPT", "20610"))
    engine = rule_check(Rules.open(catalog=catalog))
    flags = {
        bool(texts): {
            flag.rule_id
            for flag in draft_claim(
                replace(coded, texts=texts), profile=profile(), fees=fees(), rules=engine
            ).draft.flags
        }
        for texts in ((), (("n1", NOTE),))
    }
    assert "words.side" in flags[True]


def test_titles_come_from_the_code_sets(catalog: Catalog) -> None:
    made = claim(
        encounter(accepted("ICD-10-CM", "I10", display="x"), accepted("CPT", "93000")), catalog=catalog
    )
    assert made.draft.diagnoses[0].display == "Essential (primary) hypertension"
    late = encounter(
        accepted("ICD-10-CM", "I10", display="own title"),
        accepted("CPT", "93000"),
        service_from=date(2031, 1, 1),
        service_to=date(2031, 1, 1),
    )
    flagged = claim(late, catalog=catalog)
    assert flagged.draft.diagnoses[0].display == "own title"
    assert {flag.rule_id for flag in flagged.draft.flags} == {
        "billing.diagnosis-unchecked",
        "billing.procedure-unchecked",
    }


def test_names_are_stable() -> None:
    assert run_name(RUN) == run_name(RUN)
    assert len(run_name(RUN)) == 12
    assert (run_name(None), run_name(RUN, "r1")) == ("none", "r1")
    assert safe_name("enc-1") == "enc-1"
    assert safe_name("../x y") == safe_name("../x y")
    assert safe_name("../x y").startswith("id-")
    odd = claim(visit(id="an encounter id that is far longer than twenty characters"))
    assert len(odd.number) == 16
    assert odd.number == claim(visit(id=odd.draft.id)).number


def test_gold_notes_point_within_their_limits() -> None:
    for coded in gold_encounters():
        made = claim(coded)
        assert not [flag for flag in standing(made.draft.flags)], coded.encounter.id
        for line in made.draft.lines:
            assert 1 <= len(line.pointers) <= 4
            assert not {d.code[0] for d in made.pointed(line.pointers)} & set("VWXY")
