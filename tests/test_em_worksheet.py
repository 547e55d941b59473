"""The worksheet of real sentences: kind of visit, patient, elements, time; and what holds of all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from engine_world import engine_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suggester.cli.worksheet import worksheet_lines
from suggester.codesets import Catalog
from suggester.contract import note_from_record, suggestions_from_record, suggestions_to_record
from suggester.em import place
from suggester.em.levels import code_by_mdm, code_by_time, data_level, mdm_level, problems_level
from suggester.em.lexicon import read_em_lexicon
from suggester.errors import LexiconError
from suggester.resources import data_path
from suggester.suggest import Suggester
from suggester.types import EM_LEVELS, EmWorksheet, Evidence, Note, Patient, Setting

GOLD = Path(__file__).resolve().parents[1] / "eval" / "em" / "visits_dev.jsonl"

VISIT = """Follow-up visit. 61-year-old man with high blood pressure.
HPI: Feels well. {story}
Exam: BP 124/76. Lungs clear.
{results}
Assessment: {assessment}
Plan: {plan}
"""


@pytest.fixture(scope="module")
def engine(catalog: Catalog) -> Suggester:
    return engine_of(catalog)


def worksheet(
    engine: Suggester, text: str, *, setting: Setting | None = "outpatient", kind: str | None = None
) -> EmWorksheet | None:
    return engine.suggest(Note(id="n", text=text, setting=setting, kind=kind)).em


def visit(engine: Suggester, **parts: str) -> EmWorksheet:
    words = {"story": "", "results": "", "assessment": "Hypertension.", "plan": "Return.", **parts}
    found = worksheet(engine, VISIT.format(**words))
    assert found is not None
    return found


# --- kind of visit ----------------------------------------------------------------------------------

NO_VISIT = [
    ("EXAM: CT head\nTECHNIQUE: Axial images.\nFINDINGS: No bleed.\nIMPRESSION: Normal.", None),
    (
        (
            "RIGHT UPPER QUADRANT ULTRASOUND\n\nFollow-up of portal vein thrombosis, on enoxaparin.\n"
            "The thrombus is smaller. Liver coarse.\nImpression: Smaller thrombus."
        ),
        None,
    ),
    (
        (
            "MRI BRAIN WITHOUT CONTRAST\nHISTORY: 34-year-old woman, chronic migraine.\nNo infarct.\n"
            "IMPRESSION: Normal."
        ),
        None,
    ),
    ("Exam: US renal, complete\nReason: stones, pain.\nStone 6 mm.\nImpression: Stone.", None),
    ("PREOPERATIVE DIAGNOSIS: Hernia.\nPOSTOPERATIVE DIAGNOSIS: Same.\nANESTHESIA: General.\n", None),
    ("SPECIMEN: Skin.\nGROSS: 1 cm ellipse.\nMICROSCOPIC: Nevus.\nDIAGNOSIS: Nevus.", None),
    ("HPI: cough\nExam: clear\nAssessment: cold", "Operative note"),
    (
        "HISTORY: She was referred to physical therapy for knee pain.\nExam: stiff\nAssessment: knee pain",
        None,
    ),
    ("Nursing home visit\nHPI: stable\nExam: well\nAssessment: dementia", None),
    ("Assessment: type 2 diabetes", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "kind"), NO_VISIT)
def test_no_worksheet_where_no_visit_is_billed(engine: Suggester, text: str, kind: str | None) -> None:
    assert worksheet(engine, text, kind=kind) is None


STORY = "HPI: 40-year-old, {words}\nExam: alert\nAssessment: sinusitis\nPlan: fluids"
STATUS = [
    ("seen as a new patient.", "new"),
    ("here to establish care.", "new"),
    ("referred by Dr. Lee.", "new"),
    ("last seen in May.", "established"),
    ("returns for her sinuses.", "established"),
    ("here for follow-up.", "established"),
    ("with a stuffy nose.", "unknown"),
]


OF_A_STUDY = (
    "Mr. Amato, 64, returns after his CT.\nHPI: Knee pain. MRI showed a tear.\nExam: Swollen.\nPlan: Brace.",
    "33F rolled her ankle.\nXR ankle: no fracture.\nExam: Tender.\nAssessment: Sprain.",
    "Clinic visit for CT results\nHPI: Nodule, no cough.\nAssessment: Nodule.\nPlan: CT in a year.",
    "CT FOLLOW-UP\nROS: No cough.\nVitals: BP 120/70.\nAssessment: Lung nodule.\nPlan: CT in a year.",
)


@pytest.mark.parametrize("text", OF_A_STUDY)
def test_a_visit_that_speaks_of_a_study_is_a_visit(engine: Suggester, text: str) -> None:
    assert worksheet(engine, text) is not None


@pytest.mark.parametrize(("words", "status"), STATUS)
def test_new_or_established_is_read_from_the_words(engine: Suggester, words: str, status: str) -> None:
    found = worksheet(engine, STORY.format(words=words))
    assert found is not None
    assert found.patient_status == status
    assert bool(found.status_evidence) == (status != "unknown")
    assert found.code.startswith("9920" if status == "new" else "9921")
    if status == "unknown":
        assert any("taken as established" in reason for reason in found.reasons)
        assert found.alternatives[0].startswith("9920")


def test_unknown_status_lowers_the_confidence(engine: Suggester) -> None:
    known = worksheet(engine, STORY.format(words="returns for her sinuses."))
    unknown = worksheet(engine, STORY.format(words="with a stuffy nose."))
    assert known is not None
    assert unknown is not None
    assert unknown.confidence < known.confidence


HOSPITAL = [
    (
        "ADMISSION HISTORY AND PHYSICAL\nHPI: fever\nExam: ill\nAssessment: sepsis\nPlan: admit",
        "hospital initial",
    ),
    ("PROGRESS NOTE, hospital day 2\nExam: better\nAssessment: pneumonia", "hospital subsequent"),
    ("Reason for consultation: fever\nHPI: fever\nExam: ill\nAssessment: sepsis", "hospital consultation"),
    ("DISCHARGE SUMMARY\nDischarge diagnosis: asthma\nHospital course: good.", "hospital discharge"),
    (
        "HPI: fever\nPast medical history: none\nMedications: none\nExam: ill\nAssessment: flu",
        "hospital initial",
    ),
    ("Exam: ill\nAssessment: flu\nPlan: fluids", "hospital subsequent"),
]


@pytest.mark.parametrize(("text", "category"), HOSPITAL)
def test_kind_of_hospital_care(engine: Suggester, text: str, category: str) -> None:
    found = worksheet(engine, text, setting="inpatient")
    assert found is not None
    assert found.category == category


def test_consultations_name_what_other_payers_take(engine: Suggester) -> None:
    text = (
        "CONSULTATION NOTE\nRequested by: Dr. Ruiz\nHPI: palpitations\nExam: regular\n"
        "Assessment: palpitations\nPlan: start metoprolol 25 mg"
    )
    found = worksheet(engine, text)
    assert found is not None
    assert found.category == "consultation"
    assert found.alternatives
    assert any("Medicare" in reason for reason in found.reasons)


def test_preventive_visit_by_birth_date_and_by_words(engine: Suggester) -> None:
    text = "Annual physical exam, {age}established patient.\nExam: normal\nAssessment: healthy\nPlan: return"
    said = worksheet(engine, text.format(age="52-year-old "))
    assert said is not None
    assert said.code == "99396"
    note = Note(
        id="n",
        text=text.format(age=""),
        setting="outpatient",
        service_date=date(2026, 6, 1),
        patient=Patient(birth_date=date(1999, 6, 2)),
    )
    found = engine.suggest(note).em
    assert found is not None
    assert found.code == "99395"
    ageless = worksheet(engine, text.format(age=""))
    assert ageless is not None
    assert ageless.category == "office"


@pytest.mark.parametrize(
    ("title", "code"),
    [
        ("Medicare annual wellness visit, subsequent", "G0439"),
        ("Initial annual wellness visit", "G0438"),
        ("Welcome to Medicare visit", "G0402"),
    ],
)
def test_medicare_visits_by_name(engine: Suggester, title: str, code: str) -> None:
    found = worksheet(engine, f"{title}. 70-year-old.\nExam: well\nAssessment: healthy\nPlan: return")
    assert found is not None
    assert found.code == code


def test_nurse_visit_and_critical_care(engine: Suggester) -> None:
    nurse = worksheet(engine, "NURSE VISIT\nBP 120/80, told to return.")
    assert nurse is not None
    assert (nurse.code, nurse.basis) == ("99211", "nurse")
    text = "HPI: collapse\nExam: ill\nAssessment: septic shock\nCritical care time spent: {} minutes."
    critical = worksheet(engine, text.format(80), setting="emergency")
    assert critical is not None
    assert (critical.code, critical.minutes) == ("99291", 80)
    brief = worksheet(engine, text.format(20), setting="emergency")
    assert brief is not None
    assert brief.category == "emergency"


def test_discharge_by_time(engine: Suggester) -> None:
    text = (
        "DISCHARGE SUMMARY\nDischarge diagnosis: asthma\nHospital course: good.\nTime spent on discharge: {}"
    )
    long = worksheet(engine, text.format("35 minutes."), setting="inpatient")
    assert long is not None
    assert long.code == "99239"
    exact = worksheet(engine, text.format("30 minutes."), setting="inpatient")
    assert exact is not None
    assert exact.code == "99238"
    assert exact.missing
    more = worksheet(engine, text.format("more than 30 minutes."), setting="inpatient")
    assert more is not None
    assert more.code == "99239"


# --- elements ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "level"),
    [
        ("Return.", "straightforward"),
        ("Over-the-counter ibuprofen.", "low"),
        ("Ibuprofen 400 mg daily.", "low"),
        ("Prescribed ibuprofen 800 mg three times a day.", "moderate"),
        ("Continue lisinopril 10 mg daily.", "moderate"),
        ("Refilled medications.", "moderate"),
        ("Schedule total knee replacement.", "moderate"),
        ("He cannot afford his medicine.", "moderate"),
        ("Admit to telemetry.", "high"),
        ("Sent to the emergency department now.", "high"),
        ("Methotrexate monitoring labs in four weeks.", "high"),
        ("Morphine 4 mg IV.", "high"),
        ("He chose DNR status.", "high"),
        ("If worse, admit to the hospital.", "straightforward"),
        ("No physical therapy needed.", "straightforward"),
    ],
)
def test_risk_of_management(engine: Suggester, plan: str, level: str) -> None:
    found = visit(engine, plan=plan)
    assert found.risk is not None
    assert found.risk.level == level


@pytest.mark.parametrize(
    ("parts", "level", "kinds"),
    [
        ({"results": "Labs: A1c 7.0, LDL 80."}, "low", ["test", "test"]),
        ({"results": "Labs: TSH 2.0, CBC normal, BMP normal."}, "moderate", ["test"] * 3),
        ({"results": "Labs: TSH 2.0. TSH last month 3.1."}, "straightforward", ["test"]),
        ({"results": "Chest x-ray: my own interpretation: clear."}, "moderate", ["interpretation", "test"]),
        ({"story": "His wife reports snoring."}, "low", ["historian"]),
        ({"story": "I reviewed outside hospital records."}, "straightforward", ["outside note"]),
        ({"plan": "Discussed with Dr. Lee."}, "moderate", ["discussion"]),
        ({"plan": "No CBC needed. No x-ray."}, "straightforward", []),
    ],
)
def test_data_of_a_visit(engine: Suggester, parts: dict[str, str], level: str, kinds: list[str]) -> None:
    found = visit(engine, **parts)
    assert found.data is not None
    assert (found.data.level, sorted(item.kind for item in found.data.items)) == (level, kinds)


@pytest.mark.parametrize(
    ("assessment", "level"),
    [
        ("Essential hypertension, stable.", "low"),
        ("Essential hypertension, not at goal.", "moderate"),
        ("Acute hypoxic respiratory failure.", "high"),
        ("Common cold.", "straightforward"),
        ("Impetigo, resolved.", "straightforward"),
        ("Knee pain. Meniscal tear.", "moderate"),
        ("Knee pain. Possible meniscal tear.", "low"),
    ],
)
def test_problems_of_a_visit(engine: Suggester, assessment: str, level: str) -> None:
    found = visit(engine, assessment=assessment)
    assert found.problems is not None
    assert found.problems.level == level


@pytest.mark.parametrize(
    ("words", "minutes"),
    [
        ("I spent 44 minutes on this visit.", 44),
        ("Total time on the date of the encounter: 31 minutes.", 31),
        ("25 minutes were spent with the patient.", 25),
        ("He walks 30 minutes a day.", None),
        ("I spent 10 minutes on smoking cessation.", None),
        ("I spent 4400 minutes.", None),
    ],
)
def test_total_time_is_read_where_it_is_stated(engine: Suggester, words: str, minutes: int | None) -> None:
    assert visit(engine, plan=words).minutes == minutes


def test_time_raises_the_level_and_prolonged_time_is_said(engine: Suggester) -> None:
    plain = visit(engine)
    timed = visit(engine, plan="I spent 57 minutes on this visit.")
    assert plain.basis == "mdm"
    assert (timed.code, timed.basis) == ("99215", "time")
    assert any("99417" in reason for reason in timed.reasons)


def test_emergency_visits_do_not_go_by_time(engine: Suggester) -> None:
    text = "HPI: cold\nExam: well\nAssessment: Common cold.\nPlan: rest. I spent 90 minutes on this visit."
    found = worksheet(engine, text, setting="emergency")
    assert found is not None
    assert (found.code, found.basis) == ("99282", "mdm")


def test_missing_says_what_the_next_level_takes(engine: Suggester) -> None:
    found = visit(engine)
    assert found.missing
    assert all(line.startswith("for ") for line in found.missing)


def test_remote_and_postoperative_visits_are_said(engine: Suggester) -> None:
    found = visit(engine, story="Video visit, two weeks after surgery.")
    assert any("remote" in reason for reason in found.reasons)
    assert any("99024" in reason for reason in found.reasons)


# --- what holds of every worksheet ------------------------------------------------------------------


def spans_of(found: EmWorksheet) -> Iterator[Evidence]:
    yield from (*found.category_evidence, *found.status_evidence, *found.time_evidence)
    for element in (found.problems, found.data, found.risk):
        for item in element.items if element is not None else ():
            assert item.evidence
            yield from item.evidence


def check(note: Note, found: EmWorksheet) -> None:
    """Words are quoted exactly, and no level is above what the quoted items support."""
    for evidence in spans_of(found):
        assert note.text[evidence.span.start : evidence.span.end] == evidence.quote
        assert evidence.quote.strip()
    assert 0 < found.confidence < 1
    if found.problems is None or found.data is None or found.risk is None:
        return
    assert found.problems.level == problems_level(item.kind for item in found.problems.items)
    kinds = [item.kind for item in found.data.items]
    assert found.data.level == data_level(
        tests=len({item.name for item in found.data.items if item.kind == "test"}),
        notes=kinds.count("outside note"),
        historian="historian" in kinds,
        interpretation="interpretation" in kinds,
        discussion="discussion" in kinds,
    )
    risks = [EM_LEVELS.index(item.kind) for item in found.risk.items]  # type: ignore[arg-type]
    assert EM_LEVELS.index(found.risk.level) == max(risks, default=0)
    assert found.mdm == mdm_level(found.problems.level, found.data.level, found.risk.level)
    status = "new" if found.patient_status == "new" else "established"
    allowed = {code_by_mdm(found.category, status, found.mdm)}  # type: ignore[arg-type]
    if found.minutes is not None:
        allowed.add(code_by_time(found.category, status, found.minutes) or "")  # type: ignore[arg-type]
    assert found.code in allowed


def dev_notes() -> list[Note]:
    notes = []
    for line in GOLD.read_text("utf-8").splitlines():
        record = json.loads(line)
        record.pop("worksheet")
        notes.append(note_from_record(record, record=record["id"]))
    return notes


def test_worksheets_of_our_visits_hold_and_repeat(engine: Suggester) -> None:
    found = 0
    for note in dev_notes():
        result = engine.suggest(note)
        if result.em is None:
            continue
        found += 1
        check(note, result.em)
        assert engine.suggest(note) == result
        record = json.loads(json.dumps(suggestions_to_record(result)))
        back = suggestions_from_record(record, record="n")
        assert suggestions_to_record(back) == record
        assert worksheet_lines(result.em)[0].plain.startswith(f"visit: {result.em.code}")
    assert found > 30


_PIECES = [piece for note in dev_notes() for piece in note.text.splitlines() if piece]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(st.sampled_from(_PIECES), max_size=14),
    setting=st.sampled_from(["outpatient", "inpatient", "emergency", None]),
)
def test_no_worksheet_is_above_its_words(
    engine: Suggester, pieces: list[str], setting: Setting | None
) -> None:
    note = Note(id="n", text="\n".join(pieces), setting=setting)
    found = engine.suggest(note).em
    if found is not None:
        check(note, found)


def test_one_visit_code_stands_among_the_suggestions(engine: Suggester) -> None:
    text = VISIT.format(story="", results="", assessment="Hypertension.", plan="Continue lisinopril 10 mg.")
    result = engine.suggest(Note(id="n", text=text, setting="outpatient"))
    assert result.em is not None
    levels = [item for item in result.suggestions if item.code.code[:4] in ("9920", "9921")]
    assert [item.code.code for item in levels] == [result.em.code]
    assert levels[0].evidence
    assert [item.rank for item in result.suggestions] == list(range(1, len(result.suggestions) + 1))


def test_place_keeps_the_threshold(engine: Suggester) -> None:
    result = engine.suggest(dev_notes()[0])
    assert result.em is not None
    code = next(item.code for item in result.suggestions if item.code.code == result.em.code)
    low = replace(result.em, confidence=0.01)
    placed = place(result.suggestions, low, code, note_id="n", threshold=0.1, limit=50)
    assert code.code not in [item.code.code for item in placed]


# --- vocabulary -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "row", "says"),
    [
        ("visit.tsv", "foo\tvisit.party", "item 'visit.party'"),
        ("risk.tsv", "foo\trisk.low\tx\tsomewhere", "where 'somewhere'"),
        ("data.tsv", "a(b|c)\tdata.test", "alternatives stand between blanks"),
        ("icd_nature.tsv", "A99\tnasty", "nature 'nasty'"),
    ],
)
def test_vocabulary_is_checked(tmp_path: Path, name: str, row: str, says: str) -> None:
    for part in ("em", "drugs"):
        (tmp_path / part).mkdir()
        for source in data_path("codesets", "lexicon", part).glob("*.tsv"):
            (tmp_path / part / source.name).write_bytes(source.read_bytes())
    with (tmp_path / "em" / name).open("a", encoding="utf-8") as file:
        file.write(f"{row}\n")
    with pytest.raises(LexiconError, match=says):
        read_em_lexicon(tmp_path)


def test_nature_of_a_code_is_its_longest_known_beginning() -> None:
    lexicon = read_em_lexicon()
    assert lexicon.nature("E11.9") == "chronic"
    assert lexicon.nature("E11.65") == "chronic_worse"
    assert lexicon.nature("I21.4") == "threat"
    assert lexicon.nature("Z79.4") == "not_a_problem"
    assert lexicon.nature("9") == "acute"
