"""Services composed from the words and values of notes: neighbours, drugs with units, vaccines, modifiers."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from suggester.config import Settings
from suggester.errors import LexiconError
from suggester.ranking.services.choices import read_choices, timed_units
from suggester.ranking.services.composing import Service, age_of, compose
from suggester.ranking.services.modifiers import belongs, distinct, propose_modifiers
from suggester.ranking.services.scenes import Scene
from suggester.suggest import Suggester, load
from suggester.types import Assertion, Evidence, Note, Patient, Setting, Span, Suggestion


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Suggester:
    return load(settings.model_copy(update={"threshold": 0.0}))


def composed(engine: Suggester, text: str, *, setting: Setting = "outpatient") -> dict[str, Service]:
    bench, _ = engine.bench(None)
    note = Note(id="n", text=text, setting=setting)
    return {item.code: item for item in compose(Scene(bench.read(text), text), note)}


def suggested(engine: Suggester, text: str, *, setting: Setting = "outpatient") -> dict[str, Suggestion]:
    result = engine.suggest(Note(id="n", text=text, setting=setting))
    return {item.code.code: item for item in result.suggestions}


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("CT HEAD W/O CONTRAST\nIMPRESSION: No bleed.", {"70450"}),
        ("CT HEAD\nIMPRESSION: No bleed.", {"70450"}),
        ("MRI LUMBAR SPINE W/WO CONTRAST\nFINDINGS: normal.", {"72158"}),
        ("MRI ABDOMEN WITH AND WITHOUT GADOXETATE\nFINDINGS: cyst.", {"74183"}),
        ("CT A/P w IV contrast. Impression: appendicitis.", {"74177"}),
        (
            "CT CHEST, ABDOMEN AND PELVIS\nTECHNIQUE: 100 mL Omnipaque 350.\nIMPRESSION: ok.",
            {"71260", "74177"},
        ),
        ("CT ANGIOGRAPHY CHEST FOR PE\nIMPRESSION: no embolus.", {"71275"}),
        ("MR VENOGRAM HEAD W/O\nIMPRESSION: patent.", {"70544"}),
        ("XR R wrist 3v and forearm 2 views today.", {"73110", "73090"}),
        ("AP pelvis and right hip 2 views. IMPRESSION: fracture.", {"73502"}),
        ("Mr. Head is here for his knee.", set()),
        ("CT-guided biopsy of the lung.", set()),
    ],
)
def test_an_image_has_its_region_contrast_and_views(engine: Suggester, text: str, codes: set[str]) -> None:
    found = composed(engine, text)
    assert {c for c in found if c[0] == "7" and found[c].likely >= 0.5} == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("52 yo. Hep A #1 given IM today.", {"90632", "90471"}),
        ("12 yo. HPV #2, counseled by me, given today.", {"90651", "90460"}),
        ("Adult, 40 yo. Hep B #1 (Heplisav) given.", {"90739", "90471"}),
        ("Needs Tdap, gave today.", {"90715", "90471"}),
        ("COVID (Comirnaty) given today.", {"91320", "90480"}),
        ("Nirsevimab had not been given.", set()),
        ("PCV21 given (last PPSV23 2008).", {"90684", "90471"}),
        ("Zoster on the left flank, valacyclovir.", set()),
    ],
)
def test_a_vaccine_is_that_of_the_age_and_brand(engine: Suggester, text: str, codes: set[str]) -> None:
    found = composed(engine, text)
    assert {c for c in found if c[:2] in ("90", "91", "96") and found[c].likely >= 0.4} == codes


@pytest.mark.parametrize(
    ("text", "code", "longer"),
    [
        ("Ceftriaxone 1 g IV infused 10:05 to 11:10.", "96365", False),
        ("Zoledronic acid 5 mg IV over one hour given.", "96365", False),
        ("Levetiracetam 1500 mg IV given over two hours.", "96366", True),
    ],
)
def test_times_are_read_with_colons_and_in_words(
    engine: Suggester, text: str, code: str, longer: bool
) -> None:
    found = composed(engine, text)
    assert code in found
    assert ("96366" in found) is longer


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("X-rays of the right knee were obtained today.", "73560"),
        ("3 views of the left knee were taken today.", "73562"),
        ("Four views of the left knee were taken today.", "73564"),
        ("X-rays, including AP, lateral, and oblique views of the ankle.", "73610"),
        ("Two views of the right foot were taken.", "73620"),
        ("XR hand 3 views obtained.", "73130"),
        ("Lumbar spine x-ray, 5 views, performed today.", "72110"),
        ("EKG today shows sinus rhythm.", "93000"),
        ("The right knee was injected with 40 mg Kenalog.", "20610"),
        ("Laceration of the forehead. Repair: 2.2 cm closed single layer with nylon.", "12011"),
        ("Laceration of the left forearm. 6 cm closed with simple interrupted nylon.", "12002"),
        ("Laceration of the left leg, 5 cm, layered closure with vicryl, repaired.", "12032"),
        ("Six nails debrided today, 8 nails in all.", "11721"),
        ("Punch biopsy done of the back lesion.", "11104"),
        ("AKs: liquid nitrogen applied to 7 lesions.", "17000"),
        ("Warts x 3 treated with liquid nitrogen.", "17110"),
        ("Cerumen removed with curette from the left ear.", "69210"),
        ("Spirometry performed before and after bronchodilator.", "94060"),
        ("Spent 6 min counseling on smoking cessation.", "99406"),
        ("Spent 12 min counseling on smoking cessation.", "99407"),
        ("Psychotherapy 45 min, CBT.", "90834"),
        ("Psychotherapy 45 min, separate from E/M.", "90836"),
        ("Urine pregnancy test negative.", "81025"),
        ("In-house A1c 8.9 today.", "83036"),
        ("Colonoscopy: scope advanced to the cecum. Polyp removed with cold snare.", "45385"),
        ("Wound debrided to subcutaneous tissue, total area 24 sq cm.", "11045"),
        ("Incision and drainage of abscess performed, loculations broken, packing placed.", "10061"),
        ("ASQ-3 completed by mom, scored.", "96110"),
    ],
)
def test_the_values_choose_the_neighbour(engine: Suggester, text: str, code: str) -> None:
    found = composed(engine, text)
    assert code in found
    for item in found.values():
        assert 0 < item.likely < 1
        for evidence in item.evidence:
            assert text[evidence.span.start : evidence.span.end] == evidence.quote


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("X-ray of the right knee will be scheduled.", "73560"),
        ("No x-rays of the right knee were obtained.", "73560"),
        ("PAST SURGICAL HISTORY: Punch biopsy of the back.", "11104"),
        ("3 views of the left knee were taken today.", "73560"),
        ("3 views of the left knee were taken today.", "73564"),
        ("Laceration of the forehead. Repair: 2.2 cm closed single layer.", "12013"),
        ("Medications: Humira 40 mg SC every 2 weeks.", "J0139"),
        ("Continue ondansetron 8 mg tablet at home.", "J2405"),
        ("Allergies: ceftriaxone 1 g caused rash.", "J0696"),
        ("Patient refused ketorolac 60 mg IM.", "J1885"),
        ("Gross: polyp removed by snare from the colon. MICROSCOPIC: tubular adenoma.", "45385"),
    ],
)
def test_what_was_not_done_here_is_not_composed(engine: Suggester, text: str, code: str) -> None:
    assert code not in composed(engine, text)


@pytest.mark.parametrize(
    ("text", "code", "units"),
    [
        ("Ketorolac 60 mg IM given.", "J1885", 4),
        ("Given ketorolac 15 mg IM.", "J1885", 1),
        ("Rocephin 1 g IM given in the right gluteal.", "J0696", 4),
        ("Solu-Medrol 125 mg IM x 1 given.", "J2919", 25),
        ("The right knee was injected with 80 mg triamcinolone.", "J3301", 8),
        ("Injected with 40 mg Kenalog and 3 cc lidocaine.", "J3301", 4),
        ("Gave Aranesp 60 mcg SQ left arm today.", "J0881", 60),
        ("Denosumab 120 mg SC given today.", "J0897", 120),
        ("Ondansetron 8 mg IV push given.", "J2405", 8),
        ("Lucentis injected into the right eye today.", "J2778", 5),
        ("Heparin lock 500 units given.", "J1642", 50),
        ("Normal saline 500 mL IV bolus given.", "J7040", 1),
        ("Normal saline 1 liter IV infused.", "J7030", 1),
        ("100 mL Omnipaque 350 IV given.", "Q9967", 100),
        ("Ther ex 30 min, gait training 15 min.", "97110", 2),
        ("AKs: liquid nitrogen to 7 lesions.", "17003", 6),
        ("PHQ-9 = 14; GAD-7 = 15.", "96127", 2),
    ],
)
def test_units_are_computed(engine: Suggester, text: str, code: str, units: int) -> None:
    assert composed(engine, text)[code].units == units


@pytest.mark.parametrize(("minutes", "units"), [(8, 1), (22, 1), (23, 2), (37, 2), (38, 3), (60, 4)])
def test_eight_minutes_make_a_unit(minutes: int, units: int) -> None:
    assert timed_units(minutes) == units


INFUSIONS = """MEDICATIONS GIVEN
dexamethasone 10 mg IVPB 0900 0920
diphenhydramine 25 mg IV push 0925 0927
paclitaxel 148 mg IV inf 1000 1140
normal saline 500 mL hydration IV 1145 1230
"""


def test_one_infusion_is_initial_by_rank_and_the_others_are_additional(engine: Suggester) -> None:
    found = composed(engine, INFUSIONS)
    assert {"96413", "96415", "96367", "96375", "96361"} <= set(found)
    assert not {"96365", "96374", "96360"} & set(found)
    assert found["96415"].units == 1


def test_an_injection_under_the_skin_has_its_administration(engine: Suggester) -> None:
    assert composed(engine, "Ketorolac 60 mg IM given.")["96372"].units == 1
    assert "96402" in composed(engine, "Fulvestrant 500 mg IM given.")


def test_a_hospital_pays_for_its_drugs_otherwise(engine: Suggester) -> None:
    out = composed(engine, "Ketorolac 60 mg IM given.")["J1885"]
    inside = composed(engine, "Ketorolac 60 mg IM given.", setting="inpatient")["J1885"]
    assert inside.likely < out.likely / 2


CHILD = (
    "12 month old here for well visit. Counselled mom on each vaccine. Given today: MMR (L thigh SQ), "
    "Varicella (R thigh SQ), Hep A (L thigh IM)."
)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("40 year old. Tdap 0.5 mL IM given right deltoid.", {"90715": 1, "90471": 1}),
        (
            "40 year old. Tdap IM and Shingrix IM given today.",
            {"90715": 1, "90750": 1, "90471": 1, "90472": 1},
        ),
        (CHILD, {"90707": 1, "90716": 1, "90633": 1, "90460": 3, "90461": 2}),
        ("70 year old. Prevnar 20 IM given deltoid.", {"90677": 1, "G0009": 1}),
        ("70 year old. High dose flu vaccine IM given today.", {"90662": 1, "G0008": 1}),
    ],
)
def test_vaccines_have_their_administration(engine: Suggester, text: str, codes: dict[str, int]) -> None:
    found = {code: item.units for code, item in composed(engine, text).items()}
    assert {code: found.get(code) for code in codes} == codes


def test_a_vaccine_of_the_past_is_not_given(engine: Suggester) -> None:
    assert "90715" not in composed(engine, "Tdap 2019, up to date.")


@pytest.mark.parametrize(
    ("text", "code", "modifier"),
    [
        ("The right knee was injected with 40 mg Kenalog today.", "20610", "RT"),
        ("3 views of the left knee were taken today.", "73562", "LT"),
        ("X-rays of both knees were obtained today.", "73560", "50"),
        ("Urine dip run in office on the Clinitek analyzer.", "81003", "QW"),
        ("Physical therapy session. Ther ex 30 min.", "97110", "GP"),
        ("Screening colonoscopy. Scope advanced to the cecum. Polyp removed with snare.", "45385", "33"),
        ("Given denosumab 60 mg SC today from a single-use vial.", "J0897", "JZ"),
        ("Given denosumab 60 mg SC today. 10 mg wasted.", "J0897", "JW"),
        ("Received for interpretation: mri. X-rays of the right knee were obtained.", "73560", "26"),
        ("X-rays of the right knee were obtained, to be read by radiology.", "73560", "TC"),
    ],
)
def test_modifiers_are_proposed_with_reason_and_words(
    engine: Suggester, text: str, code: str, modifier: str
) -> None:
    item = suggested(engine, text)[code]
    proposed = {m.modifier: m for m in item.modifiers}
    assert modifier in proposed
    assert proposed[modifier].reason
    for evidence in proposed[modifier].evidence:
        assert text[evidence.span.start : evidence.span.end] == evidence.quote


def made(engine: Suggester, code: str, text: str, *words: str, confidence: float = 0.9) -> Suggestion:
    """A suggestion of a code with words of the text as evidence."""
    bench, _ = engine.bench(None)
    store = bench.releases.store("CPT" if code[0].isdigit() else "HCPCS")
    spans = [Span(start=text.index(w), end=text.index(w) + len(w)) for w in words]
    evidence = tuple(
        Evidence(span=span, quote=text[span.start : span.end], section="plan", assertion=Assertion())
        for span in spans
    )
    return Suggestion(
        id="s", code=store.code(store.row(code)), confidence=confidence, rank=1, evidence=evidence, reasons=()
    )


@pytest.mark.parametrize(
    ("text", "code", "words", "beside", "expected"),
    [
        ("Seen. Knee injected.", "99213", ["Seen"], [("20610", 0.6)], ["25"]),
        ("Seen. Knee injected.", "99213", ["Seen"], [("20610", 0.1)], []),
        ("Seen by video visit.", "99213", ["Seen"], [], ["95"]),
        ("Seen by telephone, audio only.", "99213", ["Seen"], [], ["93"]),
        ("Chest film. Repeat chest film later.", "71045", ["Chest film", "Repeat chest film"], [], ["76"]),
        ("Chest film. Another chest film.", "71045", ["Chest film", "Another"], [], []),
        ("Diabetes.", "93000", ["Diabetes"], [], []),
    ],
)
def test_modifiers_of_visits_and_repeats(
    engine: Suggester,
    text: str,
    code: str,
    words: list[str],
    beside: list[tuple[str, float]],
    expected: list[str],
) -> None:
    bench, _ = engine.bench(None)
    mine = made(engine, code, text, *words)
    others = [mine, *(made(engine, c, text, words[0], confidence=x) for c, x in beside)]
    found = propose_modifiers(Scene(bench.read(text), text), mine, others, setting="outpatient")
    assert [item.modifier for item in found] == expected


def test_a_diagnosis_has_no_modifier(engine: Suggester) -> None:
    bench, _ = engine.bench(None)
    store = bench.releases.icd10cm
    item = Suggestion(
        id="s", code=store.code(store.row("I10")), confidence=0.9, rank=1, evidence=(), reasons=()
    )
    assert propose_modifiers(Scene(bench.read("left"), "left"), item, [item], setting=None) == ()


def test_a_bundled_service_is_distinct_or_not_billed(engine: Suggester) -> None:
    text = "Colonoscopy: scope advanced to the cecum. Polyp removed with snare. Another: cold biopsy forceps."
    item = suggested(engine, text)["45380"]
    assert "59" in {m.modifier for m in item.modifiers}


def test_no_side_is_proposed_where_none_belongs(engine: Suggester) -> None:
    item = suggested(engine, "EKG done. Pain in the left arm.")["93000"]
    assert not {"LT", "RT", "50"} & {m.modifier for m in item.modifiers}


def test_a_multiple_use_vial_has_no_waste(engine: Suggester) -> None:
    item = suggested(engine, "Given denosumab 60 mg SC today, multi-dose vial, 10 mg wasted.")["J0897"]
    assert item.modifiers == ()


def test_codes_of_a_kind_are_data() -> None:
    assert belongs("sided", "73560")
    assert not belongs("sided", "93000")
    assert not belongs("nothing", "73560")
    assert "20610" in distinct("20610", "20610").reason


def test_units_and_neighbours_reach_the_suggestions(engine: Suggester) -> None:
    found = suggested(engine, "3 views of the left knee were taken today. Ketorolac 60 mg IM given.")
    assert found["J1885"].units == 4
    assert found["73562"].confidence > found.get("73560", found["73562"]).confidence or "73560" not in found
    ranks = [item.rank for item in found.values()]
    assert ranks == sorted(ranks)


def test_nothing_is_composed_for_a_day_before_the_code(engine: Suggester) -> None:
    bench, _ = engine.bench(None)
    first = bench.releases.store("HCPCS").release.valid_from
    result = engine.suggest(
        Note(id="n", text="Ketorolac 60 mg IM given.", service_date=max(first, date(2026, 4, 1)))
    )
    assert all(item.code.valid_from <= date(2026, 4, 1) for item in result.suggestions)


@pytest.mark.parametrize(
    ("note", "age"),
    [
        (Note(id="n", text="45-year-old man"), 45),
        (Note(id="n", text="18 mo old girl, 2 years of cough"), 1.5),
        (Note(id="n", text="6 months of pain in a 30 yo"), 0.5),
        (Note(id="n", text="no age"), None),
        (
            Note(
                id="n",
                text="x",
                service_date=date(2026, 5, 1),
                patient=Patient(birth_date=date(2016, 5, 1)),
            ),
            10,
        ),
    ],
)
def test_the_age_is_read(note: Note, age: float | None) -> None:
    found = age_of(note)
    assert found == (None if age is None else pytest.approx(age, abs=0.02))


def test_every_code_of_the_rules_is_in_force(engine: Suggester) -> None:
    bench, _ = engine.bench(None)
    known = {code for system in ("CPT", "HCPCS") for code in bench.releases.store(system).code_list}
    assert [choice.code for choice in read_choices() if choice.code not in known] == []


@pytest.mark.parametrize(
    "row",
    [
        "1\ta\t\tnowhere",
        "1\ta\t\tsentence\tfurlong",
        "1\ta\t\tsentence\t\t\t\t\t\tdozen",
        "1\ta\t\tsentence\tview\tmany",
    ],
)
def test_a_wrong_rule_is_refused_with_its_line(tmp_path: Path, row: str) -> None:
    folder = tmp_path / "services"
    folder.mkdir()
    header = "code\tall\tnone\tscope\tvalue\tlow\thigh\tunsaid\tsetting\tunits\tlikely"
    (folder / "choices.tsv").write_text(f"{header}\n{row}\n", encoding="utf-8")
    with pytest.raises(LexiconError, match=r"choices\.tsv:2"):
        read_choices(tmp_path)
