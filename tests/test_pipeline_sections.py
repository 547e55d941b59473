"""Sections and problem blocks."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from suggester.errors import ConfigError, LexiconError
from suggester.pipeline import sections
from suggester.pipeline.function_words import SECTION_KINDS
from suggester.pipeline.sections import SectionTable, section_table
from suggester.pipeline.titles import read_titles, title_key
from suggester.pipeline.tokenizer import ClinicalTokenizer


@pytest.fixture(scope="module")
def nlp() -> Language:
    made = spacy.blank("en")
    made.tokenizer = ClinicalTokenizer(made.vocab)
    made.add_pipe("suggester_sections")
    return made


def kinds(nlp: Language, text: str) -> list[str]:
    return [section.kind for section in section_table(nlp(text)).sections]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CHIEF COMPLAINT\nCough", ["chief_complaint"]),
        ("Chief Complaint:\nCough", ["chief_complaint"]),
        ("Chief complaint: cough", ["chief_complaint"]),
        ("CC: cough", ["chief_complaint"]),
        ("# Assessment\nAsthma", ["assessment"]),
        ("### HPI\nCough", ["hpi"]),
        ("**Assessment:** asthma", ["assessment"]),
        ("**Assessment**: asthma", ["assessment"]),
        ("**Assessment**\nasthma", ["assessment"]),
        ("__Plan__\nrest", ["plan"]),
        ("**Indications.** 47 yo woman", ["indication"]),
        ("Discharge Diagnoses\n-------------------\nSepsis", ["discharge_diagnosis"]),
        ("Hospital Course\n===============\nStable", ["hospital_course"]),
        ("Course Of Events\n=====\nStable", ["header"]),
        ("HPI: a\nOddly Named Part\n=====\nStable", ["hpi", "other"]),
        ("1. ASSESSMENT\nAsthma", ["assessment"]),
        ("II. PLAN:\nRest", ["plan"]),
        ("A/P:\nAsthma", ["assessment_plan"]),
        ("A&P: asthma", ["assessment_plan"]),
        ("Assessment & Plan\nAsthma", ["assessment_plan"]),
        ("ASSESSMENT AND PLAN\nAsthma", ["assessment_plan"]),
        ("Impression/Plan: asthma", ["assessment_plan"]),
        ("S: cough\nO: clear\nA: bronchitis\nP: rest", ["hpi", "exam", "assessment", "plan"]),
        ("EXAM\nNAD", ["exam"]),
        ("VITALS  BP 118/70", ["vitals"]),
        ("PMH (carried forward, no changes):\nHTN", ["past_medical"]),
        ("Pertinent past medical history: HTN", ["past_medical"]),
        ("FAMILY HX: father MI", ["family"]),
        ("Labs and imaging: none", ["results"]),
        ("Medications and Vitals\nx", ["medications"]),
        ("Preop dx: gallstones\nPostop dx: same", ["preoperative_diagnosis", "postoperative_diagnosis"]),
        ("FINDINGS: clear.\nIMPRESSION: normal.", ["findings", "impression"]),
        (
            "Past Medical History: none. Meds: none. Allergies: no known.",
            ["past_medical", "medications", "allergies"],
        ),
        ("MEDICATIONS:, aspirin., ALLERGIES:, none.", ["medications", "allergies"]),
        ("Fever since Monday.\nHPI: cough", ["header", "hpi"]),
        ("HPI: a\nSPECIAL CIRCUMSTANCES\nb", ["hpi", "other"]),
        ("HPI: a\nSPECIAL CIRCUMSTANCES: b", ["hpi", "other"]),
        ("HPI: cough\nallergies to cats and dust", ["hpi"]),
        ("HPI: The plan: rest. We discussed goals at length", ["hpi"]),
        ("Pain. Location: knee. Duration: 3 days.", ["header"]),
        # what was begun beside its title ends behind it
        ("FH: father MI.\n\n1. Hypertension\n2. Obesity", ["family", "assessment_plan"]),
        ("Labs: A1c 7.\n\n1. Hypertension", ["labs", "assessment_plan"]),
        ("FH: father MI.\n\nShe has gout.", ["family", "other"]),
        ("Diet ok. FH: dad HTN.\nNodes normal.\n1 GERD", ["header", "family", "other"]),
        ("FH: father MI 55\nmother breast cancer\n- sister DM", ["family"]),
        ("FH: father MI, and on the other side of the family there was\nbreast cancer", ["family"]),
        ("FH:\nfather MI\n\nmother DM", ["family"]),
        ("Meds: as below.\n\n1. lisinopril", ["medications"]),
        ("", ["header"]),
    ],
)
def test_sections_of_every_header_style(nlp: Language, text: str, expected: list[str]) -> None:
    assert kinds(nlp, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "PHYSICAL EXAM\nCardiovascular: RRR\nLUNGS: clear\n• Skin: no rash\nNEUROLOGIC:\nintact",
        "Physical Exam:\nGeneral: NAD\nBack: no CVA tenderness\n- Monitor your heart: regular",
        "EXAM\n**Cardiovascular:** RRR\n**Abdomen:** soft",
        "## Exam\n### Cardiovascular\nRRR\n### Lungs\nclear",
    ],
)
def test_sections_keep_organ_systems_inside_the_exam(nlp: Language, text: str) -> None:
    assert kinds(nlp, text) == ["exam"]


@pytest.mark.parametrize(
    "text",
    [
        "ROS:\nPsychiatric: denies\nAllergic/Immunologic: neg\nENDOCRINE: neg",
        "ROS\n- GI: neg\n- GU: neg\n- Skin: neg",
    ],
)
def test_sections_keep_organ_systems_inside_the_review(nlp: Language, text: str) -> None:
    assert kinds(nlp, text) == ["ros"]


def test_sections_keep_items_of_a_plan_inside_the_plan(nlp: Language) -> None:
    text = "PLAN\n- Labs: CBC, BMP\n- Imaging: CT head\nMeds: continue aspirin\n1. Follow up: 2 weeks"
    assert kinds(nlp, text) == ["plan"]


def test_sections_title_span_and_body(nlp: Language) -> None:
    text = "Intro\n\n**Past Medical History:** HTN\nPlan: rest\n"
    table = section_table(nlp(text))
    assert [section.kind for section in table.sections] == ["header", "past_medical", "plan"]
    past = table.sections[1]
    assert past.title == "Past Medical History"
    assert text[past.span.start : past.span.end] == "**Past Medical History:** HTN\n"
    assert text[past.body.start : past.body.end] == "HTN\n"
    assert table.kind_at(len(table.token_section) - 1) == "plan"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("A/P:\n1. CHF.\n- diuresis\n2. HTN - at goal\n", [("CHF", "diuresis"), ("HTN", "at goal")]),
        (
            "Assessment and Plan\nHypertension:\n  continue\nDiabetes:\n  A1c",
            [("Hypertension", "continue"), ("Diabetes", "A1c")],
        ),
        (
            "Assessment and Plan\n# Diabetes\nmetformin\n#Asthma\nalbuterol",
            [("Diabetes", "metformin"), ("Asthma", "albuterol")],
        ),
        ("Plan\n#1 Diabetes\nmetformin", [("Diabetes", "metformin")]),
        (
            "A/P\n\nCongestive heart failure.\n• Lasix\n\nDepression.\n• therapy",
            [("Congestive heart failure", "Lasix"), ("Depression", "therapy")],
        ),
        ("A/P\n**Knee pain**\nice\n**Gout:** colchicine", [("Knee pain", "ice"), ("Gout", "colchicine")]),
        (
            "Hospital Course\nSepsis/pneumonia: ceftriaxone\nCOPD: nebs",
            [("Sepsis/pneumonia", "ceftriaxone"), ("COPD", "nebs")],
        ),
        ("Impression\n1. Chest pain", [("Chest pain", "")]),
        ("Plan\n1. Continue aspirin\n2. See cardiology", []),
        ("HPI\n1. CHF\n- stable", []),
    ],
)
def test_sections_problem_blocks(nlp: Language, text: str, problems: list[tuple[str, str]]) -> None:
    doc = nlp(text)
    found = section_table(doc).problems
    assert [doc[block.heading[0] : block.heading[1]].text for block in found] == [
        name for name, _ in problems
    ]
    for block, (_, inside) in zip(found, problems, strict=True):
        body = doc[block.body[0] : block.body[1]].text
        assert inside in body
        assert bool(inside) == bool(body)
        assert section_table(doc).problem_at(block.heading[0]) == block


TEXT = st.lists(
    st.sampled_from(
        [
            "PLAN",
            "Assessment",
            "HPI",
            ":",
            "\n",
            "\n\n",
            " ",
            "1.",
            "- ",
            "# ",
            "**",
            "cough",
            "LUNGS",
            "---",
            "===",
            ".",
            "a/p",
            "(",
            ")",
            "\t",
            "é",
        ]
    ),
    max_size=60,
).map("".join)


@given(st.one_of(TEXT, st.text(max_size=120)))
def test_sections_partition_any_text(nlp: Language, text: str) -> None:
    safe = text.encode("utf-8", "replace").decode("utf-8")
    doc = nlp(safe)
    table = section_table(doc)
    assert "".join(safe[s.span.start : s.span.end] for s in table.sections) == safe
    assert len(table.token_section) == len(doc)
    assert table.token_section == sorted(table.token_section)
    for section in table.sections:
        assert section.kind in SECTION_KINDS
        assert section.span.start <= section.body.start <= section.body.end == section.span.end
    for block in table.problems:
        assert block.heading[0] < block.heading[1] <= len(doc)
        assert 0 <= block.body[0] <= block.body[1] <= len(doc)
        assert block.body[0] < len(doc)
    again = section_table(nlp(safe))
    assert (again.sections, again.problems) == (table.sections, table.problems)


def test_sections_vocabulary_is_large_and_sound() -> None:
    titles = read_titles()
    kinds = {kind for kind, _ in titles.titles.values()}
    assert kinds == SECTION_KINDS
    assert len(titles.titles) > 1000
    assert all(title_key(key) == key for key in titles.titles)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("plan\tplans\tstrong", "kind 'plans'"),
        ("plan\tplan\tfirm", "strength 'firm'"),
        ("()\tplan\tweak", "empty"),
        ("plan\tplan\tweak\tmore", "cells"),
    ],
)
def test_sections_vocabulary_refuses_unknown_values(tmp_path: Path, row: str, message: str) -> None:
    (tmp_path / "sections.tsv").write_text(f"title\tkind\tstrength\n{row}\n")
    (tmp_path / "subheadings.tsv").write_text("title\tgroup\n")
    with pytest.raises(LexiconError, match=message):
        read_titles(tmp_path)


def test_sections_vocabulary_refuses_unknown_groups(tmp_path: Path) -> None:
    (tmp_path / "sections.tsv").write_text("title\tkind\tstrength\nplan\tplan\tweak\n")
    (tmp_path / "subheadings.tsv").write_text("title\tgroup\nskin\torgan\n")
    with pytest.raises(LexiconError, match="group 'organ'"):
        read_titles(tmp_path)


def test_sections_missing_is_an_error_that_names_the_pipe() -> None:
    with pytest.raises(ConfigError, match="suggester_sections"):
        section_table(spacy.blank("en")("HPI: x"))


def test_sections_match_writes_nothing(nlp: Language) -> None:
    component = nlp.get_pipe("suggester_sections")
    doc = nlp.make_doc("HPI: cough")
    found = component.match(doc)  # type: ignore[attr-defined]
    assert isinstance(found, SectionTable)
    assert "suggester.sections" not in doc.user_data


def test_sections_examples_run() -> None:
    result = doctest.testmod(sections)
    assert result.attempted > 1
    assert result.failed == 0
