"""The engine as a whole: what holds of every result, and what a coder expects of single lines."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from engine_world import check_invariants, codes, engine_of, on_shared_bench, stump_ranker, suggestion

from suggester.codesets import Catalog
from suggester.config import Settings
from suggester.contract import suggestions_from_record, suggestions_to_record
from suggester.errors import ConfigError, ModelError, NoReleaseError, TooLargeError
from suggester.notes import read_notes
from suggester.ranking.features import NAMES
from suggester.ranking.ledger import LIMIT
from suggester.ranking.said import MAX_EVIDENCE
from suggester.resources import data_path
from suggester.suggest import Suggester, load
from suggester.suggest.ordering import step_back
from suggester.types import Assertion, Code, Evidence, Flag, Note, Setting, Span, Suggestion, Suggestions


@pytest.fixture(scope="module")
def engine(catalog: Catalog) -> Suggester:
    return engine_of(catalog)


def read(
    engine: Suggester, text: str, *, setting: Setting | None = None, on: date | None = None
) -> Suggestions:
    note = Note(id="n", text=text, setting=setting, service_date=on)
    result = engine.suggest(note)
    check_invariants(note, result)
    return result


def reasons_of(result: Suggestions, code: str) -> dict[str, str | None]:
    """Reason and cue of the ledger entries that would be a code."""
    return {entry.reason: entry.cue for entry in result.not_coded if code in entry.would_be}


# --- single lines -----------------------------------------------------------------------------------

FIRST_THREE = [
    ("Assessment: type 2 diabetes", "E11.9"),
    ("A/P: COPD exacerbation", "J44.1"),
    ("Diagnosis: essential hypertension", "I10"),
    ("Assessment: acute appendicitis", "K35.80"),
    ("Impression: bilateral otitis media", "H66.93"),
    ("Assessment: GERD", "K21.9"),
    ("A/P: major depressive disorder, recurrent, moderate", "F33.1"),
    ("Assessment: atrial fibrillation", "I48.91"),
    ("Impression: community acquired pneumonia", "J18.9"),
    ("Assessment: hypothyroidism", "E03.9"),
    ("Diagnosis: acute cystitis with hematuria", "N30.01"),
    ("Assessment: generalized anxiety disorder", "F41.1"),
    ("Impression: closed fracture of left distal radius", "S52.502A"),
    ("Assessment: acute kidney injury", "N17.9"),
    ("Assessment: morbid obesity", "E66.01"),
    ("Impression: iron deficiency anemia", "D50.9"),
    ("Assessment: cough", "R05.9"),
    ("Assessment: hyperlipidemia", "E78.5"),
    ("Assessment: obstructive sleep apnea", "G47.33"),
    ("Assessment: UTI", "N39.0"),
    ("Impression: cholelithiasis", "K80.20"),
    ("Assessment: right plantar fasciitis", "M72.2"),
    ("PMH: history of breast cancer", "Z85.3"),
    ("Diagnosis: streptococcal pharyngitis", "J02.0"),
    ("Assessment: low back pain", "M54.50"),
    ("Assessment: BPH with urinary obstruction", "N40.1"),
    ("Assessment: CHF", "I50.9"),
    ("Assessment: CKD stage 3a", "N18.31"),
    ("Assessment: left breast cancer", "C50.912"),
    ("Laparoscopic cholecystectomy was performed.", "47562"),
    ("Diagnosis: displaced fracture of the right clavicle, initial visit", "S42.001A"),
    ("Assessment: right knee pain", "M25.561"),
    ("Impression: left knee osteoarthritis", "M17.12"),
    ("Impression: bilateral acute serous otitis media", "H65.03"),
]


@pytest.mark.parametrize(("text", "code"), FIRST_THREE)
def test_one_line_finds_its_code_among_the_first_three(engine: Suggester, text: str, code: str) -> None:
    assert code in codes(read(engine, text))[:3]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Diagnosis: migraine without aura, not intractable", "G43.009"),
        ("Tdap given in left deltoid.", "90715"),
    ],
)
def test_one_line_should_find_its_code_among_the_first_three(engine: Suggester, text: str, code: str) -> None:
    assert code in codes(read(engine, text))[:3]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Patient is walking and talking.", "R62.0"),
        ("Patient is walking and talking.", "F80.9"),
        ("Eating well and taking her medications.", "R63.0"),
        ("Exercises daily.", "Z72.3"),
    ],
)
def test_what_is_done_is_not_coded_as_left_undone(engine: Suggester, text: str, code: str) -> None:
    assert code not in codes(read(engine, text))


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("Assessment: type 2 diabetes, stable", "type 2 diabetes"),
        ("Assessment:\r\n  COPD   exacerbation 🫁\r\n", "COPD   exacerbation"),
        ("💊 … \u2028 Assessment: pneumonia", "pneumonia"),
    ],
)
def test_evidence_is_the_words_as_written(engine: Suggester, text: str, quote: str) -> None:
    assert read(engine, text).suggestions[0].evidence[0].quote == quote


def test_evidence_names_its_section_and_assertion(engine: Suggester) -> None:
    text = "HPI: pneumonia last week.\n\nASSESSMENT: pneumonia\n"
    found = suggestion(read(engine, text), "J18.9")
    assert {e.section for e in found.evidence} == {"hpi", "assessment"}
    possible = suggestion(read(engine, "Possible pneumonia.", setting="inpatient"), "J18.9")
    assert all(e.assertion.uncertain and e.assertion.cues[0].text for e in possible.evidence)


def test_no_more_evidence_than_the_most_is_shown(engine: Suggester) -> None:
    found = suggestion(read(engine, "Pneumonia is there.\n" * 9), "J18.9")
    assert len(found.evidence) == MAX_EVIDENCE


# --- assertions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "reason", "cue"),
    [
        ("No pneumonia.", "J18.9", "negated", "No"),
        ("Denies chest pain.", "R07.9", "negated", "Denies"),
        ("Mother had breast cancer.", "C50.919", "family", "Mother"),
        ("Return if you develop pneumonia.", "J18.9", "hypothetical", None),
    ],
)
def test_what_may_not_be_coded_is_in_the_ledger_with_its_cue(
    engine: Suggester, text: str, code: str, reason: str, cue: str | None
) -> None:
    result = read(engine, text)
    assert code not in codes(result)
    ledger = reasons_of(result, code)
    assert reason in ledger
    if cue is not None:
        assert (ledger[reason] or "").startswith(cue)


def test_a_relatives_cancer_is_family_history(engine: Suggester) -> None:
    assert "Z80.3" in codes(read(engine, "FAMILY HISTORY: mother had breast cancer."))


@pytest.mark.parametrize(
    ("setting", "suggested", "flag"),
    [
        ("inpatient", True, "uncertain.inpatient"),
        (None, True, "uncertain.setting"),
        ("outpatient", False, None),
        ("emergency", False, None),
    ],
)
def test_uncertain_diagnoses_by_setting(
    engine: Suggester, setting: Setting | None, suggested: bool, flag: str | None
) -> None:
    result = read(engine, "ASSESSMENT: probable pneumonia.", setting=setting)
    assert ("J18.9" in codes(result)) is suggested
    if suggested:
        assert flag in {f.rule_id for f in suggestion(result, "J18.9").flags}
        assert "uncertain in outpatient" not in reasons_of(result, "J18.9")
    else:
        assert reasons_of(result, "J18.9")["uncertain in outpatient"]


@pytest.mark.parametrize(
    ("text", "doubted", "said"),
    [
        ("ASSESSMENT: Anemia, mild - probably iron deficiency.", "D50.9", "D64.9"),
        ("ASSESSMENT: Knee pain, likely osteoarthritis.", "M17.9", "M25.569"),
    ],
)
def test_a_doubt_between_its_words_keeps_an_outpatients_diagnosis_back(
    engine: Suggester, text: str, doubted: str, said: str
) -> None:
    """What is certain is coded, and what it may come from is not (ICD-10-CM Guidelines IV.H)."""
    result = read(engine, text, setting="outpatient")
    assert said in codes(result)
    assert doubted not in codes(result)
    assert "uncertain in outpatient" in reasons_of(result, doubted)
    certain = read(engine, text.replace("probably ", "").replace("likely ", ""), setting="outpatient")
    assert doubted in codes(certain)


def test_a_personal_history_is_not_made_of_a_relatives_disease(engine: Suggester) -> None:
    result = read(engine, "Fam Hx: maternal aunt - breast cancer (58).", setting="outpatient")
    assert "Z80.3" in codes(result)
    assert "Z85.3" not in codes(result)


def test_one_affirmed_mention_is_enough(engine: Suggester) -> None:
    result = read(engine, "HPI: no pneumonia last year.\n\nASSESSMENT: pneumonia", setting="outpatient")
    assert "J18.9" in codes(result)
    assert reasons_of(result, "J18.9") == {}


def test_flags_of_specificity(engine: Suggester) -> None:
    side = {f.rule_id for f in suggestion(read(engine, "ASSESSMENT: knee pain"), "M25.569").flags}
    assert "specificity.side" in side
    known = {f.rule_id for f in suggestion(read(engine, "ASSESSMENT: left knee pain"), "M25.562").flags}
    assert "specificity.side" not in known


# --- dates and settings -----------------------------------------------------------------------------


def test_a_day_without_icd10cm_release_is_an_error_that_names_the_mend(engine: Suggester) -> None:
    note = Note(id="n", text="SECRET pneumonia", service_date=date(2019, 5, 1))
    with pytest.raises(NoReleaseError, match="suggester codesets import") as caught:
        engine.suggest(note)
    assert "SECRET" not in str(caught.value)


def test_codes_of_a_release_that_does_not_cover_the_day_are_left_out(catalog: Catalog) -> None:
    """Releases are set back so that ICD-10-CM covers a day that HCPCS and CPT do not."""
    text = "ASSESSMENT: pneumonia. Ketorolac 30 mg IM given. Laparoscopic cholecystectomy performed."
    engine = small_engine(catalog, threshold=0.0, limit=500)
    full = read(engine, text, on=date(2026, 5, 1))
    assert full.flags == ()
    assert {s.code.system for s in full.suggestions} == {"ICD-10-CM", "CPT", "HCPCS"}

    class Shifted:
        folder = catalog.folder
        procedures = catalog.procedures

        @staticmethod
        def release_set(on: date | None) -> object:
            releases, _ = catalog.release_set(on)
            return releases, (NoReleaseError("no HCPCS release covers 2026-05-01; installed: none"),)

    engine.catalog = Shifted()  # type: ignore[assignment]
    cut = read(engine, text, on=date(2026, 5, 1))
    assert {s.code.system for s in cut.suggestions} == {"ICD-10-CM", "CPT"}
    (flag,) = cut.flags
    assert (flag.rule_id, flag.severity) == ("release.missing", "warning")
    assert "no HCPCS release covers 2026-05-01" in flag.message
    assert [c for c in codes(full) if c in codes(cut)] == codes(cut)


def test_the_real_error_of_a_missing_release_names_its_system_second(catalog: Catalog) -> None:
    """The engine reads the system off the message; both ways of missing a release must keep that form."""
    from suggester.codesets.releases import in_force

    for on, releases in ((date(2000, 1, 1), catalog.releases), (None, ())):
        for system in ("CPT", "HCPCS"):
            with pytest.raises(NoReleaseError) as caught:
                in_force(releases, system, on)  # type: ignore[arg-type]
            assert str(caught.value).split()[1] == system


def test_a_code_that_begins_later_than_the_day_is_left_out(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = small_engine(catalog)
    store = engine.bench(None)[0].releases.icd10cm
    later = store.valid_from.copy()
    later[store.row("M10.9")] = date(2026, 7, 1).toordinal()
    monkeypatch.setattr(store, "valid_from", later)
    text = "Gout and pneumonia."
    assert "M10.9" not in codes(read(engine, text, on=date(2026, 6, 30)))
    assert "J18.9" in codes(read(engine, text, on=date(2026, 6, 30)))
    assert "M10.9" in codes(read(engine, text, on=date(2026, 7, 1)))
    assert "M10.9" in codes(read(engine, text))


def test_benches_are_built_once_for_a_set_of_releases(engine: Suggester) -> None:
    assert engine.bench(None)[0] is engine.bench(date(2026, 5, 1))[0] is engine.bench(date(2026, 9, 30))[0]


def test_the_run_names_version_model_releases_and_settings(engine: Suggester) -> None:
    run = read(engine, "Pneumonia.").run
    assert run.model.startswith("general ")
    assert dict(run.codesets)["ICD-10-CM"] == "2026-04-01"
    assert [system for system, _ in run.codesets] == ["ICD-10-CM", "CPT", "HCPCS"]
    assert run.config_hash == engine.settings.result_hash()


def small_engine(catalog: Catalog, **values: object) -> Suggester:
    """An engine whose confidence is 0.9 for whole terms and 0.1 for parts."""
    engine = Suggester(
        settings=Settings(store_dir=catalog.folder, **values),  # type: ignore[arg-type]
        catalog=catalog,
        ranker=stump_ranker(feature=NAMES.index("coverage"), threshold=0.999),
    )
    return on_shared_bench(engine, catalog)


def test_a_note_that_is_too_large_is_refused_without_its_text(catalog: Catalog) -> None:
    engine = small_engine(catalog, max_note_chars=20)
    assert read(engine, "Pneumonia." + " " * 10).suggestions
    with pytest.raises(TooLargeError, match="n: 21 characters, allowed 20") as caught:
        engine.suggest(Note(id="n", text="Pneumonia." + " " * 11))
    assert "neumonia" not in str(caught.value)
    assert caught.value.record == "n"


TEXT = "Pneumonia, gout, migraine, obstructive apnea. No scurvy."


def test_below_the_threshold_is_in_the_ledger_and_not_suggested(catalog: Catalog) -> None:
    low = read(small_engine(catalog, threshold=0.0, limit=500), TEXT)
    high = read(small_engine(catalog, threshold=0.5, limit=500), TEXT)
    assert {s.confidence for s in high.suggestions} == {
        s.confidence for s in low.suggestions if s.confidence > 0.5
    }
    assert set(codes(high)) < set(codes(low))
    none = read(small_engine(catalog, threshold=1.0), TEXT)
    assert none.suggestions == ()
    assert "below threshold" in reasons_of(none, "J18.9")
    assert "negated" in reasons_of(none, "E54")
    rivals = [entry for entry in high.not_coded if entry.reason == "rival chosen"]
    shown = {s.code.code[:3] for s in high.suggestions}
    assert all(code[:3] in shown for entry in rivals for code in entry.would_be)


def test_the_limit_keeps_what_is_shown_first_and_ties_are_broken_by_system_and_code(catalog: Catalog) -> None:
    whole = read(small_engine(catalog, limit=500), TEXT)
    cut = read(small_engine(catalog, limit=3), TEXT)
    assert [s.code for s in cut.suggestions] == [s.code for s in whole.suggestions[:3]]
    for ours in ("ICD-10-CM",), ("CPT", "HCPCS"):
        # the stub's places follow its confidences, so that each kind of code stands in their order
        order = [
            (-s.confidence, s.code.system, s.code.code) for s in whole.suggestions if s.code.system in ours
        ]
        assert order == sorted(order)
    assert (
        len(whole.suggestions) - len({s.confidence for s in whole.suggestions}) > 2
    )  # there are ties to break
    rest = {code for entry in cut.not_coded for code in entry.would_be}
    assert rest


def test_the_ledger_has_an_end(catalog: Catalog) -> None:
    text = "\n".join(f"No {word}." for word in ("pneumonia", "gout", "migraine", "scurvy", "cough") * 20)
    result = read(small_engine(catalog), text)
    assert 0 < len(result.not_coded) <= LIMIT


def test_a_note_that_says_nothing_has_no_suggestions(engine: Suggester) -> None:
    for text in ("", " \n\t", "....", "\u2028\ufeff", "🫀🩺"):
        result = read(engine, text)
        assert (result.suggestions, result.not_coded, result.flags) == ((), (), ())


def test_load_opens_what_the_settings_say(settings: Settings, tmp_path: Path) -> None:
    engine = load(settings)
    assert engine.settings is settings
    assert engine.ranker.name == "general"
    assert codes(read(engine, "Assessment: gout"))[0] == "M10.9"
    with pytest.raises(ConfigError, match="known settings"):
        load(thresold=0.5)
    with pytest.raises(ModelError, match=r"shipped: .*general"):
        load(store_dir=settings.store_dir, model=str(tmp_path / "none"))


# --- the file contract, on real notes ----------------------------------------------------------------


def test_results_fit_the_schema_and_come_back(engine: Suggester) -> None:
    schema = json.loads(data_path("docs", "schema", "suggestions.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    text = "ASSESSMENT: probable pneumonia, knee pain. No gout. History of breast cancer. Ketorolac IM."
    for setting in (None, "outpatient", "inpatient"):
        record = suggestions_to_record(read(engine, text, setting=setting))
        validator.validate(record)
        again = suggestions_from_record(json.loads(json.dumps(record)), record="n")
        assert suggestions_to_record(again) == record


@pytest.mark.shared
def test_published_visit_notes_keep_every_promise(engine: Suggester, shared_data: Path) -> None:
    schema = json.loads(data_path("docs", "schema", "suggestions.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    notes = list(read_notes(shared_data / "notes" / "aci_bench_visits.jsonl"))
    chosen = notes[:: len(notes) // 25][:25]
    assert len(chosen) == 25
    for note in chosen:
        assert isinstance(note, Note)
        result = engine.suggest(note)
        check_invariants(note, result)
        assert result.suggestions
        validator.validate(suggestions_to_record(result))


def _suggestion(code: str, confidence: float, display: str = "") -> Suggestion:
    return Suggestion(
        id=f"n:ICD-10-CM:{code}",
        code=Code(
            system="ICD-10-CM",
            code=code,
            display=display or code,
            billable=True,
            valid_from=date(2025, 10, 1),
            valid_to=None,
            release="2026-04-01",
        ),
        confidence=confidence,
        rank=1,
        evidence=(Evidence(span=Span(start=0, end=1), quote="x", section="header", assertion=Assertion()),),
        reasons=("words",),
    )


def _excludes(*codes: str) -> Flag:
    return Flag(rule_id="excludes1", severity="error", message="not together", source="note", codes=codes)


def test_a_vague_code_steps_back_behind_a_surer_one_that_excludes_it() -> None:
    sure, vague = _suggestion("F33.1", 0.9), _suggestion("F32.A", 0.8, "Depression, unspecified")
    other = _suggestion("I10", 0.6)
    places = {("ICD-10-CM", "F32.A"): 0.95, ("ICD-10-CM", "F33.1"): 0.9, ("ICD-10-CM", "I10"): 0.5}
    moved = step_back((vague, sure, other), [_excludes("F32.A", "F33.1")], places)
    assert moved is not None
    assert [(item.code.code, item.confidence, item.rank) for item in moved] == [
        ("F33.1", 0.9, 1),
        ("I10", 0.6, 2),
        ("F32.A", 0.4, 3),
    ]
    assert "F33.1" in moved[2].reasons[-1]


@pytest.mark.parametrize(
    ("codes", "flags"),
    [
        (("F33.1", "J90"), [_excludes("F33.1", "J90")]),  # neither is vague
        (("R51.9", "M54.50"), [_excludes("R51.9", "M54.50")]),  # both are
        (("F33.1", "R51.9"), []),
        (("F33.1", "R51.9"), [_excludes("F33.1", "R42")]),  # of another code
        (("R51.9", "G43.909"), [_excludes("R51.9", "G43.909")]),  # the vague one is the surer
    ],
)
def test_other_pairs_stay_as_they_are(codes: tuple[str, str], flags: list[Flag]) -> None:
    pair = tuple(_suggestion(code, 0.9 - 0.1 * at) for at, code in enumerate(codes))
    assert step_back(pair, flags, {}) is None


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("ASSESSMENT\nRight knee pain, possible ACL tear.\nPLAN\nMRI to look at the ACL.", "S83.511A"),
        ("FH: mother - colon cancer. PMH: none.", "Z85.038"),
        ("Soc: dad smokes in the house and car.", "F17.210"),
        ("Right TKA planned for winter. Right knee pain today.", "Z96.651"),
        ("Prenatal visit, 36 wks by dates. FM good, no contractions.", "M79.7"),
        ("Lab drawn at 1947 HRS.", "K76.7"),
        ("OB US < 14 WEEKS, TRANSVAGINAL. IUP 6w2d.", "Z3A.14"),
    ],
)
def test_what_the_words_do_not_say_of_the_patient_is_not_suggested(text: str, held: str) -> None:
    found = load().suggest(Note(id="n", text=text, setting="outpatient")).suggestions
    assert held not in {item.code.code for item in found if item.confidence >= 0.3}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Wound nurse documented a stage 3 pressure ulcer of the sacrum.", "L89.153"),
        ("Exam: cut above the left eyebrow, 2 cm.", "S01.112A"),
        ("Multiple myeloma. Pathologic fracture of L2.", "M84.58XA"),
        ("Adenocarcinoma of the pancreatic head with metastasis to the liver.", "C25.0"),
        ("Lung adenocarcinoma with brain metastases.", "C34.90"),
        ("Multiple myeloma, not in remission.", "C90.00"),
        ("Assessment: heart failure. Hypertension.", "I11.0"),
        ("Twin OB ultrasound 24w0d. Dichorionic diamniotic twins.", "Z3A.24"),
        ("Kidney disease stage 3b, hypertension, chronic systolic CHF.", "I13.0"),
    ],
)
def test_what_the_words_say_is_suggested(text: str, code: str) -> None:
    found = load().suggest(Note(id="n", text=text, setting="outpatient")).suggestions
    assert {item.code.code: item.confidence for item in found}.get(code, 0.0) >= 0.5
