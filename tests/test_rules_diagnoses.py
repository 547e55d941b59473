"""Each rule on diagnoses: where it raises a flag, where it does not, and the last case on either side."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rules_world import flags, rules_of, said, words

from suggester.codesets import Catalog
from suggester.rules import Diagnosis
from suggester.types import Assertion

UNSURE = Assertion(uncertain=True)
PAST = Assertion(historical=True)
YES = Assertion()
LEFT, RIGHT, BOTH = (words("laterality", side) for side in ("left", "right", "bilateral"))
INITIAL, SUBSEQUENT, SEQUELA = (words("phase", phase) for phase in ("initial", "subsequent", "sequela"))

RAISED: list[tuple[str, str, dict[str, Any], str]] = [
    # rule, codes as typed, the rest of the subject, words of the message
    ("validity.unknown", "E11.8Z", {}, "E11.8Z is not in ICD-10-CM release"),
    ("validity.unknown", "A00.9 Z99.99", {}, "look for the code that replaced it"),
    ("validity.unknown", "00001", {}, "00001 is not in CPT release"),
    ("validity.placeholder", "S01.00A", {}, "write S01.00XA"),
    ("validity.placeholder", "W19A", {}, "write W19.XXXA"),
    ("validity.seventh_missing", "S52.501", {}, "S52.501 needs a 7th character: write S52.501"),
    ("validity.seventh_missing", "T15.01", {}, "A initial encounter, D subsequent encounter"),
    ("validity.seventh_missing", "W19", {}, "write W19.XXX"),
    ("validity.seventh_wrong", "S61.411Z", {}, "not one of A, D, S"),
    ("validity.seventh_wrong", "W19.XXXQ", {}, "choose the one of this encounter"),
    ("validity.not_billable", "E11", {}, "choose one below it: E11.0, E11.1"),
    ("validity.not_billable", "E11.6", {}, "divided further"),
    ("specificity.side_known", "", {"diagnoses": (said("M25.569", RIGHT),)}, "use M25.561"),
    ("specificity.side_known", "", {"diagnoses": (said("S61.419A", LEFT),)}, "use S61.412A"),
    ("specificity.side", "", {"diagnoses": (said("M25.569"),)}, "no side is documented"),
    ("words.side", "", {"diagnoses": (said("M25.561", LEFT),)}, "M25.561 is right and the words say left"),
    ("words.side", "", {"diagnoses": (said("M17.11", BOTH),)}, "use M17.0"),
    ("words.side", "", {"diagnoses": (said("M17.0", LEFT),)}, "use M17.12"),
    ("words.phase", "", {"diagnoses": (said("S61.411A", SUBSEQUENT),)}, "use S61.411D"),
    ("words.phase", "", {"diagnoses": (said("S52.501D", INITIAL),)}, "S52.501A"),
    ("words.phase", "", {"diagnoses": (said("S61.411D", SEQUELA),)}, "use S61.411S"),
    ("specificity.supported", "J45.909", {"supported": ("J45.41",)}, "the note supports J45.41"),
    ("uncertain.setting", "", {"diagnoses": (said("J18.9", UNSURE),), "setting": "outpatient"}, "J18.9"),
    ("uncertain.setting", "", {"diagnoses": (said("J18.9", UNSURE),)}, "outpatient encounters"),
    ("uncertain.inpatient", "", {"diagnoses": (said("J18.9", UNSURE),), "setting": "inpatient"}, "discharge"),
    ("history.current", "", {"diagnoses": (said("C50.911", PAST),)}, "only as history"),
    ("excludes1", "E10.9 E11.9", {}, "not coded together"),
    ("excludes1", "E11.9 E10.9", {}, "not coded together"),
    ("excludes2", "J44.9 J47.9", {}, "not part of"),
    ("sequence.manifestation", "H42 E11.39", {}, "H42 shows another disease"),
    ("sequence.manifestation", "F02.80 G30.9", {}, "put that disease before it"),
    ("sequence.code_first", "F02.80 G30.9", {}, "put G30.9 before F02.80"),
    ("sequence.code_first", "D63.1 N18.30", {}, "put N18.30 before D63.1"),
    ("sequence.cause_missing", "R05.9 D63.1", {}, "D63.1 goes after the code of its cause"),
    ("sequence.additional_order", "N18.30 I12.9", {}, "put N18.30 after I12.9"),
    ("sequence.additional_missing", "E11.9", {}, "after E11.9 add what the note asks for"),
    ("sequence.code_also", "E26.01", {}, "beside E26.01 code also"),
    ("sequence.external_cause", "W19.XXXA S61.411A", {}, "W19.XXXA says how it happened"),
    ("sequence.adverse_effect", "T36.0X5A L27.0", {}, "T36.0X5A names the drug"),
    ("sequence.adverse_effect", "T36.95XA L27.0", {}, "put the condition it led to before it"),
    ("sequence.adverse_effect", "T45.516A I10", {}, "T45.516A"),
    ("sequence.never_first", "Z68.33 E66.9", {}, "not accepted as the first"),
    ("sequence.never_first", "Z23", {"setting": "inpatient"}, "of an inpatient stay"),
    ("sequence.only_first", "I10 Z00.00", {}, "put it first or remove it"),
    ("sequence.sequela", "S61.411S L90.5", {}, "put the trouble itself before it"),
    ("sequence.sequela", "B94.8 R26.9", {}, "B94.8"),
    ("combination.code", "I10 I50.9", {}, "report I11.0"),
    ("combination.code", "I10 N18.30", {}, "report I12.9"),
    ("combination.code", "I10 N18.6", {}, "report I12.0"),
    ("combination.code", "I11.0 N18.30", {}, "a code of I13"),
    ("combination.code", "E11.9 N18.30", {}, "report E11.22"),
    ("combination.code", "E10.9 G62.9", {}, "report E10.42"),
    ("combination.code", "F10.10 F10.20", {}, "the F10.2 code alone"),
    ("combination.code", "F11.90 F11.20", {}, "dependence goes before use"),
    ("combination.code", "J44.9 J20.9", {}, "report J44.0"),
    ("combination.code", "J44.9 J45.909", {}, "J44.89"),
    ("combination.code", "I25.10 I20.9", {}, "I25.11-"),
    ("combination.code", "N40.0 R33.8", {}, "N40.1"),
    ("symptom.integral", "J18.9 R05.9", {}, "R05.9 (cough) belongs to J18.9"),
    ("symptom.integral", "M17.11 M25.561", {}, "joint pain"),
    ("symptom.integral", "M17.0 M25.561", {}, "joint pain"),
    ("combination.code", "J44.1 J13", {}, "J44.0 beside them"),
    ("duplicate.code", "E11.9 I10 E11.9", {}, "E11.9 stands 2 times"),
    ("duplicate.overlap", "M17.9 M17.11", {}, "remove M17.9"),
    ("duplicate.overlap", "E11.9 E11.65", {}, "remove E11.9"),
    ("duplicate.overlap", "E11.6 E11.65", {}, "remove E11.6"),
    ("duplicate.bilateral", "M17.11 M17.12", {}, "use M17.0"),
    ("duplicate.bilateral", "H25.11 H25.12", {}, "use H25.13"),
    ("duplicate.phase", "S61.411A S61.411D", {}, "keep the one of this encounter"),
    ("duplicate.phase", "S61.411A S61.411S", {}, "one injury in two phases"),
    ("injury.superficial", "S60.511A S61.411A", {}, "superficial beside S61.411A"),
    ("history.and_current", "C50.911 Z85.3", {}, "keep the one that holds"),
    ("patient.age", "Z38.00", {"age": 1}, "newborn diagnosis (0 to 0 years)"),
    ("patient.age", "O80", {"age": 65}, "patient is 65"),
    ("patient.age", "I25.10", {"age": 14}, "adult"),
    ("patient.sex", "N40.0", {"sex": "F"}, "coded for male patients"),
    ("patient.sex", "O80", {"sex": "M"}, "coded for female patients"),
]

SILENT: list[tuple[str, str, dict[str, Any]]] = [
    ("validity.unknown", "E11.9 99213 J1885", {}),
    ("validity.unknown", "S01.00A S61.411Z", {}),  # other rules say what is wrong with these
    ("validity.placeholder", "T36.0X1A W19.XXXA", {}),
    ("validity.placeholder", "E11.8Z T15.0", {}),
    ("validity.seventh_missing", "S52.501A E11.9", {}),
    ("validity.seventh_missing", "S52", {}),  # a category: not_billable
    ("validity.seventh_wrong", "S61.411S E11.9", {}),
    ("validity.not_billable", "E11.9 S52.501", {}),
    ("validity.no_release", "99213 J1885", {}),
    ("specificity.side_known", "", {"diagnoses": (said("M25.569"),)}),
    ("specificity.side_known", "", {"diagnoses": (said("M25.561", RIGHT),)}),
    ("specificity.side_known", "", {"diagnoses": (said("E11.9", RIGHT),)}),
    ("specificity.side", "", {"diagnoses": (said("M25.569", RIGHT),)}),
    ("specificity.side", "M25.569", {}),  # nobody read the words
    ("specificity.side", "", {"diagnoses": (Diagnosis(code="M25.569", words=("knee pain",)),)}),
    ("specificity.side", "", {"diagnoses": (said("M25.561"), said("E11.9"))}),
    ("words.side", "", {"diagnoses": (said("M25.561", RIGHT),)}),
    ("words.side", "", {"diagnoses": (said("M25.561"),)}),
    ("words.side", "", {"diagnoses": (said("M25.561", LEFT, RIGHT),)}),  # a code for each side
    ("words.side", "", {"diagnoses": (said("I63.9", LEFT),)}),
    ("words.phase", "", {"diagnoses": (said("S61.411A", INITIAL),)}),
    ("words.phase", "", {"diagnoses": (said("S61.411A", INITIAL, SUBSEQUENT),)}),
    ("words.phase", "", {"diagnoses": (said("S61.411A"), said("E11.9", SUBSEQUENT))}),
    ("words.phase", "", {"diagnoses": (said("O36.8120", SUBSEQUENT),)}),  # its 7th character is the fetus
    ("specificity.supported", "J45.909", {"supported": ("J45.901", "J44.1", "ZZZ")}),
    ("specificity.supported", "J45.41", {"supported": ("J45.31",)}),
    ("specificity.supported", "J45.909", {}),
    ("uncertain.setting", "", {"diagnoses": (said("J18.9", UNSURE),), "setting": "inpatient"}),
    ("uncertain.setting", "", {"diagnoses": (said("J18.9", UNSURE, YES),), "setting": "outpatient"}),
    ("uncertain.inpatient", "", {"diagnoses": (said("J18.9", UNSURE),), "setting": "emergency"}),
    ("history.current", "", {"diagnoses": (said("C50.911", YES, PAST), said("Z85.3", PAST))}),
    ("excludes1", "E11.9 I10 N18.30", {}),
    ("excludes2", "I10 I50.9", {}),
    ("excludes2", "E10.9 E11.9", {}),  # an Excludes1 note has said more
    ("sequence.manifestation", "E11.39 H42", {}),
    ("sequence.code_first", "G30.9 F02.80", {}),
    ("sequence.code_first", "G30.9 F02.80 G20.A1", {}),  # one cause before it is enough
    ("sequence.cause_missing", "N18.30 D63.1", {}),
    ("sequence.cause_missing", "I50.9 J12.9", {}),  # lists of what it may be due to, and "if applicable"
    ("sequence.additional_order", "I12.9 N18.30", {}),
    ("sequence.additional_missing", "E11.9 Z79.4", {}),
    ("sequence.additional_missing", "I10", {}),  # asked for by the block alone
    ("sequence.code_also", "E26.01 D35.01", {}),
    ("sequence.code_also", "I16.0", {}),  # "any identified": only where there is one
    ("sequence.external_cause", "S61.411A W19.XXXA", {}),
    ("sequence.adverse_effect", "L27.0 T36.0X5A", {}),
    ("sequence.adverse_effect", "T36.0X1A", {}),
    ("sequence.adverse_effect", "T43.651A", {}),
    ("sequence.never_first", "E66.9 Z68.33", {}),
    ("sequence.never_first", "Z23", {"setting": "outpatient"}),
    ("sequence.never_first", "Z23", {}),
    ("sequence.only_first", "Z00.00 I10", {}),
    ("sequence.only_first", "I10 Z00.6", {}),
    ("sequence.only_first", "Z00.00 Z01.419", {}),  # two encounters of one day
    ("sequence.sequela", "L90.5 S61.411S", {}),
    ("sequence.sequela", "S61.411A", {}),
    ("combination.code", "I11.0 I50.9", {}),
    ("combination.code", "I10 E11.9", {}),
    ("combination.code", "F10.10 F11.20", {}),
    ("combination.code", "E11.22 N18.30", {}),
    ("symptom.integral", "J18.9 R10.9", {}),
    ("symptom.integral", "M17.11 M25.562", {}),  # the other knee
    ("symptom.integral", "N40.1 R35.1", {}),  # a note at N40.1 asks for it
    ("combination.code", "J44.1 J44.0 J13", {}),
    ("sequence.additional_order", "F17.210 I10", {}),  # asked for by the block
    ("symptom.integral", "", {"diagnoses": (said("M17.11", RIGHT), said("M25.562", LEFT))}),
    ("duplicate.code", "E11.9 E11.65", {}),
    ("duplicate.overlap", "M17.11 M17.12", {}),
    ("duplicate.overlap", "E11.9 I10", {}),
    ("duplicate.overlap", "M25.551 M25.562", {}),
    ("duplicate.overlap", "Z79.899 Z79.4", {}),
    ("duplicate.bilateral", "M25.561 M25.562", {}),  # no code for both knees
    ("duplicate.bilateral", "M17.11 M16.12", {}),
    ("duplicate.phase", "S61.411A S61.412D", {}),
    ("duplicate.phase", "O36.8121 O36.8122", {}),  # two fetuses
    ("injury.superficial", "S60.511A S81.811A", {}),
    ("injury.superficial", "S60.511A S61.412A", {}),  # the other hand
    ("history.and_current", "C50.911 Z85.46", {}),
    ("history.and_current", "C50.911", {}),
    ("patient.age", "Z38.00", {"age": 0}),
    ("patient.age", "O80", {"age": 64}),
    ("patient.age", "I25.10", {"age": 15}),
    ("patient.age", "Z38.00", {}),
    ("patient.sex", "N40.0 E11.9", {"sex": "M"}),
    ("patient.sex", "N40.0", {}),
]


@pytest.mark.parametrize(("rule_id", "codes", "values", "message"), RAISED)
def test_the_rule_says_so(
    catalog: Catalog, rule_id: str, codes: str, values: dict[str, Any], message: str
) -> None:
    found = flags(catalog, rule_id, codes, **values)
    assert found
    assert any(message in flag.message for flag in found), [flag.message for flag in found]
    for flag in found:
        assert flag.codes
        assert flag.source
        assert not flag.message.endswith(".")


@pytest.mark.parametrize(("rule_id", "codes", "values"), SILENT)
def test_the_rule_is_silent(catalog: Catalog, rule_id: str, codes: str, values: dict[str, Any]) -> None:
    assert flags(catalog, rule_id, codes, **values) == []


def test_flags_quote_the_tabular_list(catalog: Catalog) -> None:
    (flag,) = flags(catalog, "excludes1", "E10.9 E11.9")
    assert "Excludes1 at E10: type 2 diabetes mellitus (E11.-)" in flag.source
    assert flag.codes == ("E10.9", "E11.9")
    inherited = flags(catalog, "excludes2", "I10 R07.9")
    assert any("Excludes2 at Chapter 9" in item.source for item in inherited)


def test_flags_carry_the_words(catalog: Catalog) -> None:
    (flag,) = flags(catalog, "words.side", diagnoses=(said("M25.561", LEFT, quote="left knee pain"),))
    assert flag.words == ("left knee pain",)


def test_a_diagnosis_that_is_not_valid_yet_says_when_it_is(catalog: Catalog) -> None:
    first = catalog.store("ICD-10-CM").release.valid_from
    assert flags(catalog, "validity.unknown", "E11.9", service_date=first) == []


def test_order_means_nothing_among_suggestions(catalog: Catalog) -> None:
    for rule_id in ("sequence.external_cause", "sequence.manifestation", "validity.not_billable"):
        assert flags(catalog, rule_id, "W19.XXXA H42 E11", stage="suggestion") == []


def test_what_single_suggestions_are_told_is_not_said_twice(catalog: Catalog) -> None:
    unsure = (said("J18.9", UNSURE), said("M25.569"))
    for rule_id in ("uncertain.setting", "specificity.side", "specificity.unspecified"):
        assert flags(catalog, rule_id, stage="suggestion", diagnoses=unsure) == []


@pytest.mark.shared
def test_every_code_of_the_medicare_code_editor_has_its_limit(catalog: Catalog, shared_data: Any) -> None:
    tables = rules_of(catalog).knowledge(None).tables
    store = catalog.store("ICD-10-CM")
    listed = json.loads((shared_data / "policy" / "mce_diagnosis_edits.json").read_text())
    codes = {name: {store.codes[store.row(code)] for code in rows} for name, rows in listed["codes"].items()}
    billable = [store.codes[row] for row in range(len(store)) if store.billable[row]]
    for group in ("newborn", "pediatric", "maternity", "adult"):
        limits = {code: tables.ages.get(code) for code in billable}
        ours = {code for code, limit in limits.items() if limit is not None and limit.group == group}
        others = {code for name in codes if name.startswith("age_") for code in codes[name]}
        assert ours - others == set()
        assert codes[f"age_{group}"] - {c for c in billable if c in tables.ages} == set()
    assert {code for code in billable if code in tables.manifestations} == codes["manifestation_not_pdx"]
    drugs = {code for code in codes["unacceptable_pdx"] if "T36" <= code[:3] <= "T50"}
    assert {code for code in codes["unacceptable_pdx"] - drugs if code not in tables.not_first} == set()
    limits = {code: tables.not_first.get(code) for code in billable}
    inpatient = {code for code, limit in limits.items() if limit is not None and limit.inpatient}
    allowed = codes["unacceptable_pdx"] | codes["unacceptable_pdx_unless_secondary"]
    assert inpatient - allowed == set()
    adverse = {flag.codes[0] for code in drugs for flag in flags(catalog, "sequence.adverse_effect", code)}
    assert adverse == drugs
