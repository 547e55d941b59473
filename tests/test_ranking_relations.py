"""What two things say together: a drug and its effect, a cancer and its spread, a side and a hand."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from engine_world import bench_of, code_of

from suggester.codesets import Catalog
from suggester.codesets.lexicon import lexicon_dir, read_lexicon, read_rows
from suggester.errors import LexiconError
from suggester.pipeline.reading import NEGATED, UNCERTAIN
from suggester.ranking.bench import Bench
from suggester.ranking.candidates import CodeSupport, Method
from suggester.ranking.circumstances import is_left_handed
from suggester.ranking.relations.drugs import DrugEffects, names_of, stem_to_code
from suggester.ranking.relations.found import phrase_at, phrases_of
from suggester.ranking.relations.spread import Spread
from suggester.types import Setting

RELATIONS = lexicon_dir() / "relations"


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


def find(bench: Bench, text: str, setting: Setting | None = "outpatient") -> dict[str, CodeSupport]:
    reading = bench.read(text)
    return {code_of(bench, c): c for c in bench.finder.find(reading, setting=setting)}


def by(bench: Bench, text: str, method: Method, setting: Setting | None = "outpatient") -> dict[str, int]:
    """Codes that a method brought up, each with the flags of its support."""
    return {
        code: support.flags
        for code, candidate in find(bench, text, setting).items()
        for support in candidate.supports
        if support.method is method
    }


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Hyponatremia due to hydrochlorothiazide.", {"T50.2X5A"}),
        ("Cough from lisinopril.", {"T46.4X5A", "R05.8"}),
        ("NSAID gastritis.", {"T39.395A"}),
        ("Chemotherapy-induced vomiting.", {"T45.1X5A"}),
        ("Stopped gabapentin (side effects).", {"T42.6X5A"}),
        ("Nausea secondary to antibiotics.", {"T36.95XA"}),
        ("Ran out of insulin last week because of cost.", {"T38.3X6A", "Z91.120"}),
        ("He forgets his metoprolol most evenings.", {"T44.7X6A", "Z91.138"}),
        ("Not taking warfarin because he felt well.", {"T45.516A", "Z91.128"}),
        ("Nonadherence to levothyroxine.", {"T38.1X6A", "Z91.148"}),
        ("Accidental overdose of acetaminophen.", {"T39.1X1A"}),
        ("Intentional overdose of amitriptyline, suicide attempt.", {"T43.012A"}),
        # a cause needs a finding before it; no cause, no code
        ("Refills from lisinopril supply.", set()),
        ("Switched from lisinopril to losartan for cough.", set()),
        ("Pain relief from ibuprofen.", set()),
        ("Continue lisinopril. Blood pressure at goal.", set()),
        ("ALLERGIES\nRash from penicillin.", set()),
        # of two drugs each has what is said of it
        ("Rash from amoxicillin. Continue lisinopril.", {"T36.0X5A", "L27.0"}),
        # the cue and its drug lie in one sentence
        ("Weakness due to age. Lisinopril continued.", set()),
    ],
)
def test_what_a_drug_did_is_a_code_of_the_drug(bench: Bench, text: str, codes: set[str]) -> None:
    assert set(by(bench, text, Method.DRUG_EFFECT)) == codes


def test_an_effect_that_is_denied_or_doubted_keeps_that_flag(bench: Bench) -> None:
    assert by(bench, "Denies side effects from metformin.", Method.DRUG_EFFECT) == {"T38.3X5A": NEGATED}
    doubted = by(bench, "Cough, possibly due to lisinopril.", Method.DRUG_EFFECT)
    assert doubted == {} or set(doubted.values()) <= {UNCERTAIN, 0}


def test_an_effect_is_in_active_treatment_at_a_follow_up_too(bench: Bench) -> None:
    text = "Follow-up visit. Hyponatremia due to hydrochlorothiazide."
    assert set(by(bench, text, Method.DRUG_EFFECT)) == {"T50.2X5A"}
    assert set(by(bench, "Sequela of stroke. Cough from lisinopril.", Method.DRUG_EFFECT)) >= {"T46.4X5S"}


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Neuropathy due to chemotherapy.", {"G62.0", "T45.1X5A"}),
        ("Tremor from tacrolimus.", {"G25.1", "T45.1X5A"}),
        ("Opioid constipation.", {"K59.03", "T40.2X5A"}),
        ("Amiodarone-induced hypothyroidism.", {"E03.2", "T46.2X5A"}),
        ("Antibiotic-induced diarrhea.", {"K52.1", "T36.95XA"}),
        ("Neuropathy. Chemotherapy continues.", set()),
        ("Gout, type 2 diabetes, hypothyroidism from amiodarone.", {"E03.2", "T46.2X5A"}),
    ],
)
def test_what_a_drug_did_to_is_coded_as_its_doing(bench: Bench, text: str, codes: set[str]) -> None:
    assert set(by(bench, text, Method.DRUG_EFFECT)) == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Metastatic breast cancer to liver and bone.", {"C78.7", "C79.51"}),
        ("Liver and bone mets from colon cancer.", {"C78.7", "C79.51"}),
        ("Lung cancer with metastases to the brain, left adrenal and bone.", {"C79.31", "C79.72", "C79.51"}),
        ("Brain metastasis.", {"C79.31"}),
        ("Left pelvic nodal metastasis.", {"C77.5"}),
        ("Metastatic prostate cancer.", set()),
        ("Metastatic melanoma to brain.", {"C79.31"}),
        ("Hypertension and diabetes.", set()),
    ],
)
def test_where_a_cancer_has_gone_is_secondary(bench: Bench, text: str, codes: set[str]) -> None:
    assert set(by(bench, text, Method.SPREAD)) == codes


def test_the_site_of_the_primary_is_no_secondary_and_the_site_of_spread_no_primary(bench: Bench) -> None:
    found = find(bench, "Metastatic breast cancer to liver.")
    assert "C79.81" not in found
    assert "C78.7" in found
    assert not any(code.startswith("C22") for code in found)
    assert any(code.startswith("C50") for code in found)


def test_no_metastases_are_negated(bench: Bench) -> None:
    assert by(bench, "No brain metastases.", Method.SPREAD) == {"C79.31": NEGATED}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Right hemiplegia.", "G81.91"),
        ("Left hemiplegia.", "G81.94"),
        ("Left-handed man with left hemiplegia.", "G81.92"),
        ("Left-handed man with right hemiplegia.", "G81.93"),
        ("Left hemiplegia, dominant side.", "G81.92"),
        ("Right hemiplegia, nondominant side.", "G81.93"),
        ("Hemiplegia.", "G81.90"),
    ],
)
def test_the_dominant_side_is_as_said_or_the_right(bench: Bench, text: str, code: str) -> None:
    found = find(bench, text)
    assert [c for c in found if c.startswith("G81.9")] == [code]


def test_left_handed_is_read_from_words() -> None:
    assert is_left_handed(["a", "left", "-", "handed", "man"])
    assert is_left_handed(["lhd"])
    assert not is_left_handed(["right", "-", "handed", "man"])
    assert not is_left_handed(["left", "hand"])


def test_a_sick_relative_is_contact_and_not_family_history(bench: Bench) -> None:
    found = find(bench, "Sister has strep throat.")
    assert "Z20.818" in found
    assert not any(code.startswith("Z8") for code in found)


def test_place_and_activity_need_an_injury_in_active_treatment(bench: Bench) -> None:
    hurt = "Ankle sprain while playing basketball at the gym."
    assert {"Y93.67", "Y92.39"} <= set(find(bench, hurt))
    assert not any(c.startswith("Y9") for c in find(bench, "Follow-up visit. " + hurt))
    assert not any(c.startswith("Y9") for c in find(bench, "Plays basketball at the gym. Hypertension."))


def test_finding_twice_finds_the_same(bench: Bench) -> None:
    reading = bench.read("BMI 33. Cough from lisinopril. Bone metastases.")
    first = bench.finder.find(reading, setting=None)
    size = len(reading.matches)
    second = bench.finder.find(reading, setting=None)
    assert len(reading.matches) == size
    assert [(c.row, c.supports) for c in first] == [(c.row, c.supports) for c in second]


def test_stems_fill_up_to_full_codes() -> None:
    assert stem_to_code("T39.39", "5") == "T39.395A"
    assert stem_to_code("T36.9", "6", "D") == "T36.96XD"


def test_every_stem_and_site_and_reason_is_in_the_code_set(catalog: Catalog) -> None:
    releases, _ = catalog.release_set()
    store = releases.icd10cm
    for line, (_, stem, _) in read_rows(RELATIONS / "drug_codes.tsv", ("kind", "stem", "names")):
        for digit in "56":
            row = store.row(stem_to_code(stem, digit))
            assert store.billable[row], f"drug_codes.tsv:{line}"
    for _, (_, code, _) in read_rows(RELATIONS / "underdosing_reasons.tsv", ("kind", "code", "words")):
        assert store.billable[store.row(code)]
    for code in DrugEffects([]).induced:
        assert store.billable[store.row(code)]
    for site in Spread().sites:
        for code in (*site.primary, *filter(None, [site.secondary])):
            assert store.row(code) >= 0


def test_every_class_of_drugs_has_a_code_and_every_name_is_a_drug() -> None:
    lexicon = read_lexicon()
    classes = {drug.drug_class for drug in lexicon.drugs}
    names = {drug.names[0] for drug in lexicon.drugs}
    tables: dict[str, list[str]] = {"class": [], "drug": [], "word": []}
    for _, (kind, _, cell) in read_rows(RELATIONS / "drug_codes.tsv", ("kind", "stem", "names")):
        tables[kind] += cell.split("|")
    for kind, listed in tables.items():
        assert len(listed) == len(set(listed)), kind
    assert set(tables["class"]) == classes
    assert set(tables["drug"]) <= names


@pytest.mark.parametrize(
    ("name", "row"),
    [("drug_codes.tsv", "brand\tT39.39\tx"), ("drug_cues.tsv", "adverse\tbeside\tx")],
)
def test_a_wrong_row_is_named(tmp_path: Path, name: str, row: str) -> None:
    folder = tmp_path / "relations"
    folder.mkdir()
    for path in RELATIONS.glob("*.tsv"):
        text = path.read_text(encoding="utf-8")
        (folder / path.name).write_text(text + (row + "\n" if path.name == name else ""), encoding="utf-8")
    with pytest.raises(LexiconError, match=name):
        DrugEffects([], folder=tmp_path)


def test_phrases_match_longest_first_and_inside_their_end() -> None:
    phrases = phrases_of([("ran out", 1), ("ran out of", 2), ("due", 3)])
    assert phrase_at(phrases, ["ran", "out", "of", "x"], 0, 4) == (2, 2)
    assert phrase_at(phrases, ["ran", "out", "of"], 0, 2) == (1, 1)
    assert phrase_at(phrases, ["of"], 0, 1) is None


def test_names_of_drugs_are_first_name_and_class() -> None:
    assert names_of([[["aspirin", "bayer"], "salicylate", "Z79.82", []]]) == [("aspirin", "salicylate")]


HOSTILE = (
    "mets ",
    "metastatic to liver ",
    "mets to liver and bone ",
    "liver mets ",
    "breast cancer metastatic to liver ",
    "nsaid ",
    "nsaid , ",
    "due to nsaid ",
    "due to . nsaid ",
    "rash due to nsaid ",
    "rash from ",
    "nsaid - induced rash ",
    "overdose of nsaid ",
    "ran out of insulin ",
    "supply of nsaid ",
    "/ nsaid due to / ",
)
MOST_GROWTH = 2.6
"""Work for twice the text, by the work for it: 2 is linear, 4 is quadratic."""


def _work(bench: Bench, text: str) -> int:
    """Lines of our own code that finding goes through, turns of its loops: what no busy machine changes."""
    reading = bench.read(text)
    bench.finder.find(reading, setting=None)  # what is remembered of words is remembered before it is counted
    steps = 0

    def count(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal steps
        if "suggester" not in frame.f_code.co_filename:
            return None
        steps += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        bench.finder.find(reading, setting=None)
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE)
def test_finding_grows_with_the_length_of_hostile_notes(bench: Bench, piece: str) -> None:
    once, twice = (_work(bench, (piece * (size // len(piece) + 1))[:size]) for size in (4000, 8000))
    assert twice <= MOST_GROWTH * once


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        # a cue reaches over the drugs of a list, not over many words and not past the end of a sentence
        ("Rash due to amoxicillin, lisinopril, metoprolol and ibuprofen.", 4),
        ("Rash due to what she had been given: amoxicillin.", 0),
        ("Rash due to it; amoxicillin.", 0),
        ("Rash due to the new amoxicillin.", 1),
    ],
)
def test_how_far_a_cue_reaches_over_a_list_of_drugs(bench: Bench, text: str, codes: int) -> None:
    assert sum(code.startswith(("T3", "T4", "T5")) for code in by(bench, text, Method.DRUG_EFFECT)) == codes
