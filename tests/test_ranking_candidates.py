"""Which codes a reading brings up, by which way, and what is asserted of the words."""

from __future__ import annotations

from typing import get_args

import pytest
from engine_world import bench_of, code_of

from suggester.codesets import Catalog
from suggester.codesets.lexicon import CombinationRow
from suggester.codesets.terms import Source
from suggester.pipeline.matching import COMPLETE
from suggester.pipeline.reading import FAMILY, HISTORICAL, NEGATED, UNCERTAIN
from suggester.ranking.bench import Bench
from suggester.ranking.candidates import (
    ANY,
    WEAKEST,
    CandidateFinder,
    CodeSupport,
    Method,
    Support,
    note_phase,
)
from suggester.ranking.resolve import Phase
from suggester.ranking.values import code_of_value
from suggester.types import SYSTEMS, Setting


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


def find(bench: Bench, text: str, setting: Setting | None = None) -> dict[str, CodeSupport]:
    reading = bench.read(text)
    return {code_of(bench, c): c for c in bench.finder.find(reading, setting=setting)}


def methods(candidate: CodeSupport) -> set[Method]:
    return {support.method for support in candidate.supports}


@pytest.mark.parametrize(
    ("text", "code", "method"),
    [
        ("Essential hypertension.", "I10", Method.TERM),
        ("Left knee osteoarthritis.", "M17.12", Method.DESCENT),
        ("Taking metformin daily.", "Z79.84", Method.DRUG),
        ("History of breast cancer.", "Z85.3", Method.PERSONAL_HISTORY),
        ("FAMILY HISTORY\nMother had breast cancer.", "Z80.3", Method.FAMILY_HISTORY),
        ("Hypertension with congestive heart failure.", "I11.0", Method.COMBINATION),
        ("BMI 33.4 today.", "Z68.33", Method.VALUE),
        ("Tdap given in left deltoid.", "Z23", Method.IMPLIED),
        ("Laparoscopic cholecystectomy.", "47562", Method.TERM),
        ("Ketorolac 30 mg IM given.", "J1885", Method.TERM),
    ],
)
def test_each_way_from_words_to_a_code(bench: Bench, text: str, code: str, method: Method) -> None:
    found = find(bench, text)
    assert code in found
    assert method in methods(found[code])


def test_part_of_a_terms_words_speaks_from_a_likeness_on(bench: Bench) -> None:
    reading = bench.read("Diabetes with a foot problem, hypertension, chronic pain of the knee and the back.")
    coverage = reading.matches.coverage
    strong = bench.finder.find(reading, setting=None)
    every = bench.finder.find(reading, setting=None, weakest=ANY)

    def seen(candidates: list[CodeSupport]) -> set[tuple[str, int]]:
        return {(code_of(bench, c), support.match) for c in candidates for support in c.supports}

    assert seen(strong) < seen(every)
    named = (Method.TERM, Method.DESCENT)
    for candidate in strong:
        for support in candidate.supports:
            if support.method in named and coverage[support.match] < COMPLETE:
                assert support.similarity >= WEAKEST
    weak = [s for c in every for s in c.supports if s.method in named and s.similarity < WEAKEST]
    assert weak
    whole = {(code, match) for code, match in seen(every) if coverage[match] > COMPLETE}
    assert whole
    assert whole <= seen(strong)


def test_candidates_are_in_order_of_system_and_row_and_each_once(bench: Bench) -> None:
    reading = bench.read("Diabetes, hypertension, ketorolac IM, wheelchair, knee x-ray, chest pain.")
    found = bench.finder.find(reading, setting=None)
    keys = [(SYSTEMS.index(c.system), c.row) for c in found]
    assert keys == sorted(set(keys))
    assert {c.system for c in found} == set(SYSTEMS)
    for candidate in found:
        assert bench.releases.store(candidate.system).billable[candidate.row]
        at = [s.match for s in candidate.supports if s.method in (Method.TERM, Method.DESCENT, Method.DRUG)]
        assert at == sorted(at)


def test_finding_twice_finds_the_same(bench: Bench) -> None:
    text = "BMI 33.4. Type 2 diabetes. 24 weeks pregnant. Flu vaccine given. Hypertension and CHF."
    reading = bench.read(text)
    first = bench.finder.find(reading, setting="outpatient")
    size = len(reading.matches)
    assert bench.finder.find(reading, setting="outpatient") == first
    assert len(reading.matches) == size
    assert bench.finder.find(bench.read(text), setting="outpatient") == first


@pytest.mark.parametrize(
    ("text", "code", "flags"),
    [
        ("Pneumonia.", "J18.9", 0),
        ("No pneumonia.", "J18.9", NEGATED),
        ("Possible pneumonia.", "J18.9", UNCERTAIN),
        ("History of pneumonia.", "J18.9", HISTORICAL),
        ("Mother had pneumonia.", "J18.9", FAMILY),
    ],
)
def test_supports_carry_what_is_asserted(bench: Bench, text: str, code: str, flags: int) -> None:
    supports = find(bench, text)[code].supports
    assert {s.flags & (NEGATED | UNCERTAIN | HISTORICAL | FAMILY) for s in supports} == {flags}


def test_similarity_is_of_words_and_falls_with_what_is_missing_and_between(bench: Bench) -> None:
    reading = bench.read(
        "Obstructive xyzzy apnea. Chronic xyzzy kidney xyzzy disease, stage 4. Knee arthritis."
    )
    m = reading.matches
    seen = set()
    for candidate in bench.finder.find(reading, setting=None, weakest=ANY):
        for support in candidate.supports:
            coverage, density = float(m.coverage[support.match]), float(m.density[support.match])
            if support.method != Method.COMBINATION:
                assert support.similarity == pytest.approx(coverage**2 * (0.4 + 0.6 * density))
            seen.add((coverage == 1.0, density == 1.0))
    assert len(seen) == 4


def test_a_title_of_other_kinds_does_not_stand_for_the_plain_word(bench: Bench) -> None:
    found = find(bench, "Pneumonia.")
    assert "J18.9" in found
    assert "J18.8" not in found


def test_a_negated_past_condition_is_no_history(bench: Bench) -> None:
    assert "Z85.3" in find(bench, "History of breast cancer.")
    assert Method.PERSONAL_HISTORY not in {
        s.method for c in find(bench, "No history of breast cancer.").values() for s in c.supports
    }


def test_part_of_a_history_term_needs_the_flag_of_history(bench: Bench) -> None:
    """Words such as *malignant neoplasm of breast* alone must not bring up a relative's or a past cancer."""
    for text in ("Malignant neoplasm of the breast.", "Neoplasm of kidney."):
        for code, candidate in find(bench, text).items():
            if "Z80" <= code[:3] <= "Z87" and candidate.system == "ICD-10-CM":
                assert all(
                    s.method in (Method.PERSONAL_HISTORY, Method.FAMILY_HISTORY) for s in candidate.supports
                )
    asked = bench.finder.histories.asked
    store = bench.releases.icd10cm
    for code, flags, fit in (
        ("Z80.3", 0, False),
        ("Z80.3", HISTORICAL, False),
        ("Z80.3", FAMILY, True),
        ("Z85.3", FAMILY, False),
        ("Z85.3", HISTORICAL, True),
        ("I10", 0, True),
        ("Z79.4", 0, True),
    ):
        wanted = asked[store.row(code)]
        assert (not wanted or bool(flags & wanted)) is fit, (code, flags)


def test_the_longest_prefix_names_the_history(bench: Bench) -> None:
    def finder(table: dict[str, str]) -> CandidateFinder:
        return CandidateFinder(bench.releases, personal=table, family={})

    reading = bench.read("History of pneumonia.")

    def history(table: dict[str, str]) -> set[str]:
        found = finder(table).find(reading, setting=None)
        return {code_of(bench, c) for c in found if Method.PERSONAL_HISTORY in methods(c)}

    past = {
        code_of(bench, c)
        for c in finder({}).find(reading, setting=None)
        if any(s.resolved and s.flags & HISTORICAL and not s.flags & NEGATED for s in c.supports)
    }
    assert {"J18.9", "J18.0"} & past
    table = {"J": "Z87.01", "J18": "Z87.09", "J18.9": "Z87.2"}
    assert history(table) == {
        table[max((p for p in table if c.startswith(p)), key=len)] for c in past if c[0] == "J"
    }
    assert "Z87.2" in history(table)
    assert history({"I": "Z87.01"}) == set()


def test_tables_that_name_codes_of_no_use_are_passed_over(bench: Bench) -> None:
    finder = CandidateFinder(
        bench.releases,
        personal={"A": "Z99.99999", "B": "", "C": "Z85", "D": "Z85.3"},
        family={},
        combinations=[CombinationRow((("I10",),), "I11", ()), CombinationRow((("I10",),), "QQQ", ())],
    )
    assert list(finder.histories.personal) == ["D"]
    assert [item.code for item, _ in finder.combinations.known] == ["I11"]


def combining(bench: Bench, text: str) -> dict[str, CodeSupport]:
    rule = CombinationRow((("I10",), ("I50", "N18")), "I11.0", ("I10",))
    finder = CandidateFinder(bench.releases, personal={}, family={}, combinations=[rule])
    reading = bench.read(text)
    return {code_of(bench, c): c for c in finder.find(reading, setting=None)}


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("Hypertension. Heart failure.", True),
        ("Hypertension. Chronic kidney disease.", True),
        ("Hypertension. No heart failure.", False),
        ("Hypertension.", False),
        ("Heart failure.", False),
        ("Possible hypertension. Heart failure.", False),
    ],
)
def test_a_combination_needs_every_condition_affirmed(bench: Bench, text: str, joined: bool) -> None:
    found = combining(bench, text)
    by_rule = "I11.0" in found and Method.COMBINATION in methods(found["I11.0"])
    assert by_rule is joined
    if "I10" in found:
        assert found["I10"].replaced is joined
    if joined:
        supports = [s for s in found["I11.0"].supports if s.method == Method.COMBINATION]
        assert len(supports) == 2
        assert all(s.flags == 0 for s in supports)


@pytest.mark.parametrize(
    ("text", "setting", "phase"),
    [
        ("Ankle sprain.", None, "initial"),
        ("Follow-up of ankle sprain.", None, "subsequent"),
        ("Here for follow up of ankle sprain.", "outpatient", "subsequent"),
        ("Here to follow the plan and sit up.", None, "initial"),
        ("Seen in follow-up with her sister.", None, "subsequent"),
        ("F/U ankle fx.", "outpatient", "subsequent"),
        ("Ankle sprain. Follow up with PCP.", None, "initial"),
        ("Ankle sprain. Return for follow-up in 1 week.", None, "initial"),
        ("Ankle sprain. Close follow-up arranged.", None, "initial"),
        ("Ankle sprain. F/U 2 wks.", None, "initial"),
        ("A/P: ankle sprain, f/u ortho.", None, "initial"),
        ("A/P: seen for follow-up of ankle sprain.", None, "subsequent"),
        ("Ankle sprain.\n\nPLAN: ibuprofen, follow-up visit.", None, "initial"),
        ("Postoperative visit.", None, "subsequent"),
        ("Post op 6 wk, wrist moves well.", None, "subsequent"),
        ("2 wks s/p ORIF of the left distal radius.", "outpatient", "subsequent"),
        ("POSTOPERATIVE DIAGNOSIS: Fracture of the left distal radius.", None, "initial"),
        ("Preop dx: wrist fracture. Recheck of the plates.", None, "initial"),
        ("Ankle sprain. Recheck in 2 weeks.", None, "initial"),
        ("Recheck of ankle sprain.", None, "subsequent"),
        ("Hip fracture, hemiarthroplasty, postoperative anemia.", "inpatient", "initial"),
        ("INPATIENT REHABILITATION: hip fracture.", "inpatient", "subsequent"),
        ("Fracture is healing well.", None, "subsequent"),
        ("Follow-up of ankle sprain.", "emergency", "initial"),
        ("Sequela of ankle sprain, follow-up.", None, "sequela"),
        ("word " * 160 + "follow-up", None, "initial"),
        ("word " * 160 + "sequela", None, "initial"),
        ("", None, "initial"),
    ],
)
def test_the_encounter_phase_of_a_note(
    bench: Bench, text: str, setting: Setting | None, phase: Phase
) -> None:
    assert note_phase(bench.read(text), setting) == phase


def test_the_phase_reaches_the_seventh_character_and_emergencies_are_active_treatment(bench: Bench) -> None:
    text = "Follow-up visit. Right ankle sprain."
    assert "S93.401D" in find(bench, text)
    assert "S93.401A" in find(bench, "Right ankle sprain.")
    emergency = find(bench, text, "emergency")
    assert "S93.401A" in emergency
    assert "S93.401D" not in emergency


def test_the_side_of_a_problem_heading_reaches_the_words_below(bench: Bench) -> None:
    found = find(
        bench, "ASSESSMENT AND PLAN\n1. Right knee\n- osteoarthritis of knee, worse\n2. Gout\n- stable"
    )
    assert "M17.11" in found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("4 L lateral epicondylitis - strap", "M77.12"),
        ("L hallux ulcer, fat layer exposed.", "L97.522"),
        ("R cataract, nuclear sclerotic. On 2 L oxygen.", "H25.11"),
        ("MRI OF THE LEFT KNEE\n\nIMPRESSION: Baker cyst of the knee.", "M71.22"),
        ("MRI OF THE LEFT KNEE\nThe right knee was not imaged.\n\nIMPRESSION: Baker cyst.", "M71.20"),
        ("Healing left distal radius fracture, s/p ORIF.", "S52.502D"),
        ("Open left distal radius fracture.", "S52.502B"),
        ("Migraine w/o aura, not intractable.", "G43.009"),
        ("MRI OF THE KNEE, LEFT\n\nIMPRESSION: Baker cyst of the knee.", "M71.22"),
        ("Right ankle swollen. Posterior tibial tendinitis. Right boot.", "M76.821"),
        # the site that a word lies in
        ("R forearm cellulitis.", "L03.113"),
        ("Cellulitis of the left foot.", "L03.116"),
        ("L axillary abscess.", "L02.412"),
        ("Melanocytic nevus of left shin.", "D22.72"),
        # each side by itself
        ("POAG OD severe, OS mild.", "H40.1113"),
        ("POAG OD severe, OS mild.", "H40.1121"),
        ("Primary open-angle glaucoma, moderate stage on the left, mild on the right.", "H40.1122"),
        ("Primary open-angle glaucoma, mild right, mild left.", "H40.1131"),
        ("Tricompartmental osteoarthritis of the knees, severe right, moderate left.", "M17.0"),
        ("Knee OA on both sides.", "M17.0"),
        # what no more is said of is primary, and only the unspecified code has no side
        ("Severe osteoarthritis of the left knee.", "M17.12"),
        ("Advanced medial compartment osteoarthritis right knee.", "M17.11"),
        ("Severe hip arthritis, right.", "M16.11"),
        ("Severe osteoarthritis of the knee.", "M17.9"),
    ],
)
def test_short_words_decide_between_codes(bench: Bench, text: str, code: str) -> None:
    assert code in find(bench, text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Underweight. BMI 17.9", "Z68.1"),
        ("Weight loss. BMI 24.9", "Z68.24"),
        ("BMI 39.9", "Z68.39"),
        ("BMI 40.0", "Z68.41"),
        ("BMI 47", "Z68.42"),
        ("BMI 71", "Z68.45"),
        ("G2P1 at 39 weeks gestation", "Z3A.39"),
    ],
)
def test_values_name_their_code(bench: Bench, text: str, code: str) -> None:
    found = find(bench, text)
    assert code in found
    (support,) = [s for s in found[code].supports if s.method == Method.VALUE]
    assert support.similarity == 1.0


def test_every_code_of_a_value_is_billable(bench: Bench) -> None:
    store = bench.releases.icd10cm
    values = [("bmi", f"{i / 4}") for i in range(0, 500)] + [("weeks", f"{i / 2}") for i in range(0, 100)]
    named = {code_of_value(name, value) for name, value in values}
    assert code_of_value("bmi", "n/a") is code_of_value("a1c", "9") is None
    assert None in named
    codes = named - {None}
    assert len(codes) > 50
    assert all(store.billable[store.row(code)] for code in codes if code)


@pytest.mark.parametrize(
    ("text", "implied"),
    [
        ("Tdap given in left deltoid.", True),
        ("Tdap declined.", False),
        ("No Tdap given today.", False),
        ("Ketorolac given IM.", False),
    ],
)
def test_a_vaccine_that_was_given_implies_the_encounter_code(bench: Bench, text: str, implied: bool) -> None:
    found = find(bench, text)
    assert ("Z23" in found and Method.IMPLIED in methods(found["Z23"])) is implied


def test_the_trimester_of_the_weeks_reaches_obstetric_codes(bench: Bench) -> None:
    late = find(bench, "Pregnancy at 30 weeks gestation. Gestational edema.")
    early = find(bench, "Pregnancy at 10 weeks gestation. Gestational edema.")
    assert {"O12.03"} <= set(late)
    assert {"O12.01"} <= set(early)
    assert "O12.00" in find(bench, "Gestational edema.")


def test_the_source_of_a_term_has_its_name(bench: Bench) -> None:
    terms = bench.releases.terms
    for term in range(0, len(terms.term_row), 5003):
        assert bench.finder.source(term) == Source(int(terms.term_source[term]))


def test_methods_keep_their_numbers() -> None:
    """They are a feature of the shipped models: new ones go to the end."""
    assert [(m.name, m.value) for m in Method][:6] == [
        ("TERM", 0),
        ("DESCENT", 1),
        ("DRUG", 2),
        ("PERSONAL_HISTORY", 3),
        ("FAMILY_HISTORY", 4),
        ("COMBINATION", 5),
    ]
    assert get_args(Phase) == ("initial", "subsequent", "sequela")
    assert Support(0, Method.TERM, 0, None, 1.0).match == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Assessment: type 3c diabetes with peripheral neuropathy.", "E08.42"),
        ("Assessment: steroid-induced diabetes with CKD stage 3.", "E09.22"),
        ("Assessment: diabetes due to chronic pancreatitis with hyperglycemia.", "E08.65"),
        ("Assessment: CF related diabetes with hypoglycemia.", "E08.649"),
    ],
)
def test_complications_are_of_the_diabetes_that_a_note_names(bench: Bench, text: str, code: str) -> None:
    assert code in find(bench, text)


def test_type_2_that_is_said_takes_no_other_cause(bench: Bench) -> None:
    found = find(bench, "Type 2 diabetes with foot ulcer. His mother had steroid-induced diabetes.")
    assert "E11.621" in found
    assert "E09.621" not in found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Assessment: POAG OD, moderate stage.", "H40.1112"),
        ("Assessment: wet AMD OD with active CNV.", "H35.3211"),
        ("Assessment: CRVO OD with CME.", "H34.8110"),
        ("Assessment: blepharitis.", "H01.009"),
        ("Assessment: entropion.", "H02.009"),
        ("Assessment: entropion, right lower lid.", "H02.002"),
    ],
)
def test_stages_and_lids_go_down_to_the_side(bench: Bench, text: str, code: str) -> None:
    assert code in find(bench, text)
