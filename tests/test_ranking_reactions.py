"""What drugs did, and were lacking, in the short ways of notes; and drugs that did nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_world import bench_of, code_of

from suggester.codesets import Catalog
from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.errors import LexiconError
from suggester.ranking.bench import Bench
from suggester.ranking.candidates import Method
from suggester.ranking.relations.drugs import DrugEffects, stem_to_code
from suggester.ranking.relations.reactions import Reactions
from suggester.ranking.relations.standing import says_less

RELATIONS = lexicon_dir() / "relations"


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


def effects(bench: Bench, text: str) -> set[str]:
    return {
        code_of(bench, c)
        for c in bench.finder.find(bench.read(text), setting="outpatient")
        if any(s.method is Method.DRUG_EFFECT for s in c.supports)
    }


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        # known pairs side by side, in brackets, linked
        ("Bortezomib polyneuropathy.", {"G62.0", "T45.1X5A"}),
        ("Steroid osteoporosis.", {"M81.8", "T38.0X5A"}),
        ("Steroid-induced hyperglycemia.", {"T38.0X5A"}),
        ("Neutropenia (palbociclib).", {"D70.1", "T45.1X5A"}),
        ("Neutropenia due to ribociclib.", {"D70.1", "T45.1X5A"}),
        ("Akathisia on aripiprazole.", {"T43.595A"}),
        ("Parkinsonism since starting paliperidone.", {"G21.11", "T43.595A"}),
        ("Constipation on oxycodone.", {"K59.03", "T40.2X5A"}),
        ("Epistaxis while on rivaroxaban.", {"D68.32", "T45.515A"}),
        ("Supratherapeutic INR on warfarin.", {"R79.1", "T45.515A"}),
        # what caused what, over more words
        ("Oxycodone, causing constipation.", {"K59.03", "T40.2X5A"}),
        ("Hyperkalemia ascribed to spironolactone.", {"T50.0X5A"}),
        ("Vulvovaginal candidiasis from SGLT2i.", {"T38.3X5A"}),
        ("Hypothyroidism from pembrolizumab.", {"E03.2", "T45.AX5A"}),
        # words for groups of drugs, what follows a drug, one finding of both, the drug behind *the drug*
        ("Hyperkalemia from MRA.", {"T50.0X5A"}),
        ("AKI from ampho.", {"N14.19", "T36.7X5A"}),
        ("Hyponatremia, thiazide.", {"T50.2X5A"}),
        ("Hyponatremia 131 on sertraline.", {"T43.225A"}),
        ("Diarrhea gr 2 (pertuzumab).", {"K52.1", "T45.1X5A"}),
        ("With haloperidol she developed dystonia.", {"G24.02", "T43.4X5A"}),
        ("Adrenal suppression due to steroids.", {"E27.3", "T38.0X5A"}),
        ("Constipation opioid.", {"K59.03", "T40.2X5A"}),
        ("Started nintedanib in May. The diarrhea is from the drug.", {"K52.1", "T45.1X5A"}),
        ("Myopathy after levofloxacin.", {"T36.AX5A"}),
        ("Headache from IVIG.", {"T50.Z15A"}),
        # effects with names of their own, and the drug that is meant
        ("OIC, better.", {"T40.2X5A"}),
        ("OIC on methadone.", {"T40.3X5A"}),
        ("irAE: hypothyroid.", {"T45.AX5A"}),
        ("No CIPN.", set()),
        # what is named but was not taken
        ("Fatigue due to vitamin D deficiency.", set()),
        ("Missed flu shot.", set()),
        ("Took 40 Tylenol in a suicide attempt.", {"T39.1X2A"}),
        ("No suicide attempt. She took 10 mg lisinopril.", set()),
        ("Hives on day 5 of amoxicillin.", {"L27.0", "T36.0X5A"}),
        ("Fever the night after her MMR vaccine.", {"T50.B95A"}),
        ("Hypertension, amlodipine.", set()),
        # the drug of the group that the note names
        ("Neuroleptic akathisia. Haloperidol decanoate.", {"T43.4X5A"}),
        ("Opioid induced constipation. Tramadol 50 mg.", {"K59.03", "T40.425A"}),
        # a treatment, a list, a value at its goal
        ("Depression (sertraline).", set()),
        ("Neutropenia: filgrastim. Hypertension (lisinopril).", set()),
        ("Patient on warfarin. INR 2.4.", set()),
        ("No constipation on oxycodone.", set()),
        ("Metformin 500 mg, hypertension.", set()),
    ],
)
def test_what_a_drug_did(bench: Bench, text: str, codes: set[str]) -> None:
    assert effects(bench, text) == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Hyperglycemia due to stopping semaglutide for cost.", {"T38.3X6A", "Z91.120"}),
        ("Off infliximab because he could not afford it.", {"T45.1X6A", "Z91.120"}),
        ("Relapse, 3 wks off paliperidone by own choice.", {"T43.596A", "Z91.128"}),
        ("Off metformin x 3 mo.", {"T38.3X6A", "Z91.148"}),
        ("Stopped olanzapine 2 mo ago since gained 40 lb.", {"T43.596A", "Z91.128"}),
        ("She had missed about four doses of levetiracetam.", {"T42.6X6A", "Z91.148"}),
        ("Underdosing prandial insulin, intentional.", {"T38.3X6A", "Z91.128"}),
        ("Kinked catheter, basal insulin was not delivered.", {"T38.3X6A", "Z91.148"}),
        # somebody else's doing, the end of a course, a denial
        ("Weaned off prednisone 2 wk ago.", set()),
        ("Off prednisone (12 weeks for colitis).", set()),
        ("We stopped lisinopril.", set()),
        ("Denies missing insulin.", set()),
    ],
)
def test_less_of_a_drug_than_ordered(bench: Bench, text: str, codes: set[str]) -> None:
    assert effects(bench, text) == codes


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("NSAID use, acei, pcn, tramadol 50 mg.", "T"),
        ("Ran out of metformin, running out often.", "Y93"),
        ("No complaints.", "Z91.19"),
    ],
)
def test_a_word_alone_is_no_event(bench: Bench, text: str, absent: str) -> None:
    found = {code_of(bench, c) for c in bench.finder.find(bench.read(text), setting="outpatient")}
    kept = {code for code in found if code.startswith(absent)}
    assert not {code for code in kept if absent != "T" or "T36" <= code[:3] <= "T50"}


def test_words_that_say_it_keep_the_code() -> None:
    assert not says_less("T39.1X1A", ["acetaminophen", "overdose"], 0, 1)
    assert says_less("T39.1X1A", ["acetaminophen"], 0, 0)
    assert not says_less("I10", ["hypertension"], 0, 0)


def test_wrong_rows_are_refused(tmp_path: Path) -> None:
    (tmp_path / "relations").mkdir()
    (tmp_path / "relations" / "reaction_words.tsv").write_text("kind\twords\nfoo\tbar\n", encoding="utf-8")
    with pytest.raises(LexiconError, match="kind foo"):
        Reactions(DrugEffects([]), folder=tmp_path)


def test_every_code_of_the_rows_is_in_the_code_set(catalog: Catalog) -> None:
    store = catalog.release_set()[0].icd10cm
    reactions = Reactions(DrugEffects([]))
    assert all(store.row(code) >= 0 for code in reactions.codes)
    assert [prefix for prefix in reactions.findings if not store.with_prefix(prefix)] == []
    for _, (_, stems) in read_rows(RELATIONS / "generic_drugs.tsv", ("words", "stems")):
        assert all(store.with_prefix(stem) for stem in stems.split("|"))
    assert store.billable[store.row(stem_to_code("T45.AX", "5"))]
