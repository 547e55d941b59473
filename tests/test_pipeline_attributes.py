from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.language import Language

from suggester.errors import ConfigError, LexiconError
from suggester.pipeline.attributes import attribute_table
from suggester.pipeline.attributes_lexicon import NAMES, read_attribute_lexicon
from suggester.pipeline.attributes_table import AttributeTable
from suggester.pipeline.attributes_values import kidney_stage, stage_value, trimester_of
from suggester.pipeline.tokenizer import ClinicalTokenizer, token_table

MARK = re.compile(r"<ent([^>]*)>(.*?)</ent>", re.DOTALL)

SENTENCES = [
    # laterality: in the phrase, behind it, before it
    "Left knee and right <ent laterality=right>hip pain</ent>.",
    "<ent laterality=left>Pain</ent> in the left knee and hip.",
    "<ent laterality=right>Knee pain</ent>, right.",
    "<ent laterality=right>Knee pain</ent> (R).",
    "<ent laterality=left open=closed>Fracture</ent> of the distal radius, left, closed.",
    "<ent laterality=right>Swelling</ent> and <ent laterality=right>redness</ent> of the right ankle.",
    "<ent>Fever</ent>, <ent>chills</ent>, and <ent laterality=left>pain</ent> in the left flank.",
    "Both ears with <ent laterality=bilateral>effusions</ent>.",
    "Both <ent>hypertension</ent> and <ent>diabetes</ent> are active.",
    "The left side shows <ent laterality=left>pneumothorax</ent>, unlike the right.",
    "<ent laterality=bilateral>Hip pain</ent>, left greater than right.",
    "<ent laterality=bilateral>Knee osteoarthritis</ent>, bilateral, right worse than left.",
    "L <ent laterality=left>rotator cuff tear</ent> and R <ent laterality=right>carpal tunnel</ent>.",
    "<ent>COPD</ent> on 3 L NC.",
    "<ent laterality=right>Otitis media</ent> AD, <ent laterality=left>conjunctivitis</ent> OS.",
    "<ent>Aortic stenosis</ent>, AS severe enough for TAVR; patient AD directive.",
    "She is right-handed with <ent laterality=left>wrist pain</ent> on the left.",
    "He left the clinic with <ent>headache</ent>.",
    "Right knee: <ent laterality=right>effusion</ent>, <ent laterality=right>crepitus</ent>. Left: normal.",
    "Left ear with <ent laterality=left>otorrhea</ent>, right ear clear.",
    "<ent laterality=left>Stone</ent> at the left UVJ with <ent laterality=left>hydronephrosis</ent>.",
    "<ent laterality=right>Fracture</ent> on the right; <ent laterality=left>hip</ent> on the left intact.",
    "Right <ent laterality=right>arm pain</ent> and <ent>neck pain</ent>.",
    "<ent laterality=left>DVT</ent> of the left leg, no <ent>swelling</ent>.",
    # acuity, severity, pain
    "<ent acuity=acute_on_chronic>Diastolic heart failure</ent>, acute on chronic.",
    "Recurrent left <ent acuity=recurrent laterality=left>pleural effusion</ent>.",
    "Chronic left <ent laterality=left pain=chronic>knee pain</ent>, acute <ent pain=acute>back pain</ent>.",
    "Severe <ent severity=severe>depression</ent> and mild <ent severity=mild>anxiety</ent>.",
    "<ent severity=moderate>COPD</ent>, moderate, <ent>hypoxemia</ent> on exertion.",
    "<ent severity=severe>Aortic stenosis</ent> is now severe.",
    "<ent>COPD</ent> in no acute distress.",
    # type, stage, control
    "<ent type=2 control=poorly_controlled>T2DM</ent>, poorly controlled.",
    "<ent type=1>Diabetes</ent>, type I.",
    "<ent control=controlled>Hypertension</ent> and <ent control=controlled>lipids</ent>, both controlled.",
    "<ent>Hypertension</ent> and <ent control=controlled>asthma</ent>, controlled.",
    "<ent control=uncontrolled>Hypertension</ent> is not at goal.",
    "<ent stage=3b>CKD</ent>, eGFR 38.",
    "<ent stage=3a>CKD IIIa</ent>.",
    "<ent stage=2 laterality=left>Breast cancer</ent> of the left breast, stage II.",
    "Unstageable <ent stage=unstageable>pressure ulcer</ent> of the sacrum.",
    "End-stage <ent>liver disease</ent>.",
    # injuries
    "Here for follow-up of <ent phase=subsequent healing=delayed>tibia fracture</ent>, delayed union.",
    "<ent>Wrist fracture</ent>, splinted, ortho f/u.",
    "<ent>Wrist fracture</ent>. Ophtho f/u 2 days.",
    "Ortho f/u: <ent phase=subsequent>ankle fracture</ent>",
    "<ent>Adenocarcinoma</ent>, moderately differentiated; <ent severity=moderate>asthma</ent>, moderate.",
    "MRI L-SPINE: <ent>disc bulge</ent>",
    "Follow up with ortho in 1 week for <ent laterality=left>wrist fracture</ent>, left.",
    "<ent phase=initial laterality=right>Laceration</ent> of right thumb, initial encounter.",
    "<ent>Aphasia</ent> as sequela of <ent phase=sequela>stroke</ent>.",
    "<ent phase=sequela>Ankle fracture</ent>, sequela.",
    "<ent displaced=nondisplaced>Fibula fracture</ent>, non-displaced, <ent>open angle glaucoma</ent>.",
    "<ent degree=2>Burn</ent> of the chest, partial thickness.",
    # pregnancy
    "<ent weeks=33 trimester=3>Pregnancy</ent> at 33+2 weeks.",
    "G3P1 at 31 2/7 weeks with <ent weeks=31 trimester=3>gestational diabetes</ent>.",
    "<ent weeks=12 trimester=1>Intrauterine pregnancy</ent> at 12w5d.",
    "<ent weeks=28 trimester=3>Pregnancy</ent> at 28w0d, <ent>cough</ent> x 3 weeks.",
    "Third trimester <ent trimester=3>bleeding</ent>.",
    # values
    "<ent bmi=41.2>Morbid obesity</ent>, BMI 41.2, <ent>gout</ent>.",
    "<ent bp=158/94 control=uncontrolled>HTN</ent> - 158/94, uncontrolled.",
    "<ent ef=30-35>Cardiomyopathy</ent> with LVEF 30-35%.",
    "<ent a1c=8.8>Diabetes</ent>; A1c up to 8.8 from 7.9.",
    "<ent packyears=30>Smoker</ent>, 1 ppd x 30 years.",
    "<ent packyears=40>Tobacco use</ent>, cigarettes, 40 pack-year history.",
    # complications
    "<ent type=2 with=neuropathy>Type 2 diabetes</ent> with diabetic neuropathy.",
    "<ent with=exacerbation>COPD</ent> w/ acute exacerbation.",
    "<ent acuity=acute with=perforation>Appendicitis</ent>, acute, complicated by perforation.",
    "<ent>Hernia</ent> without obstruction.",
    "<ent>Asthma</ent> with neuropathy.",
    # under a problem heading
    "A/P:\n1. Left <ent laterality=left>cuff tear</ent>\n- <ent laterality=left>pain</ent>",
    "A/P:\n# <ent bmi=31.5>Obesity</ent>\n- BMI 31.5",
    "A/P:\n# <ent control=uncontrolled>HTN</ent>\n- uncontrolled",
    "A/P:\n1. Left shoulder pain\n- right <ent laterality=right>hip pain</ent>\n- <ent>neck pain</ent>",
]


@pytest.fixture(scope="module")
def nlp() -> Language:
    return build()


def build() -> Language:
    pipeline = spacy.blank("en")
    pipeline.tokenizer = ClinicalTokenizer(pipeline.vocab)
    for name in ("suggester_sections", "suggester_sentences", "suggester_attributes"):
        pipeline.add_pipe(name)
    return pipeline


NLP = build()


def read(text: str) -> AttributeTable:
    return attribute_table(NLP(text))


@pytest.mark.parametrize("marked", SENTENCES)
def test_attributes_of_marked_mentions(nlp: Language, marked: str) -> None:
    text, mentions, at = "", [], 0
    for match in MARK.finditer(marked):
        text += marked[at : match.start()]
        mentions.append(
            (len(text), len(text) + len(match[2]), {tuple(w.split("=")) for w in match[1].split()})
        )
        text += match[2]
        at = match.end()
    text += marked[at:]
    assert mentions
    doc = nlp(text)
    table, tokens = attribute_table(doc), token_table(doc)
    for start, end, expected in mentions:
        found = table.at(tokens.token_at(start), tokens.token_at(end - 1))
        assert {(a.name, a.value) for a in found} == expected, text[start:end]


def test_every_attribute_keeps_its_own_words() -> None:
    text = "Chronic left knee pain, BMI of 41.2, BP: 150/92, A1c 8.1, CKD (eGFR 52), 28w3d pregnant."
    table = read(text)
    shown = {(a.name, text[a.span.start : a.span.end]) for a in table.values()}
    assert shown == {
        ("bmi", "BMI of 41.2"),
        ("bp", "BP: 150/92"),
        ("a1c", "A1c 8.1"),
        ("egfr", "eGFR 52"),
        ("weeks", "28w3d"),
    }
    pain = table.at(2, 3)
    assert [(a.name, text[a.span.start : a.span.end]) for a in pain] == [
        ("laterality", "left"),
        ("pain", "Chronic"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Seen 10/12/2024 for 120/60 mg tablets.",
        "Vision 20/40, Percocet 5/325, Symbicort 160/4.5.",
        "BMI > 400. A1c ordered. EF pending. BP 12/8.",
        "Recheck in 6 weeks. Cough for 3 weeks. 12 weeks postpartum.",
        "OB US < 14 weeks, pregnancy. Not hypertensive before pregnancy or less than 20 weeks.",
    ],
)
def test_numbers_that_are_no_values(text: str) -> None:
    assert read(text).values() == ()


def test_a_visit_for_follow_up_makes_injuries_subsequent_but_an_instruction_does_not() -> None:
    visit = read("Follow-up visit.\nWrist fracture doing well.")
    assert [(a.name, a.value) for a in visit.at(6, 7)] == [("phase", "subsequent")]
    plan = read("Wrist fracture.\nPlan: follow up in 2 weeks.")
    assert plan.at(0, 1) == ()


def test_stages_and_trimesters() -> None:
    assert [kidney_stage(v) for v in (95, 90, 60, 59, 45, 30, 29, 15, 14)] == [
        "1", "1", "2", "3a", "3a", "3b", "4", "4", "5",
    ]  # fmt: skip
    assert [trimester_of(w) for w in (13, 14, 27, 28)] == ["1", "2", "2", "3"]
    assert [stage_value(w) for w in ("iiib", "3a", "iv", "x", "")] == ["3b", "3a", "4", None, None]


def test_the_component_must_have_run() -> None:
    with pytest.raises(ConfigError, match="suggester_attributes"):
        attribute_table(spacy.blank("en")("text"))


PIECES = (
    "left right both L R OD AS ( ) , ; : - / . knee pain fracture diabetes type 2 stage IIIa CKD eGFR 38 BMI "
    "41.2 A1c 28w3d 28 3 7 weeks pregnant with neuropathy 150 92 BP ppd x years acute on chronic é 🙂 \u00a0 "
    "\t \r\n \n # Plan: 1. no is of the ﾞ"
)
TEXT = st.text() | st.lists(st.sampled_from(PIECES.split(" ")), max_size=40).map(" ".join)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=TEXT)
def test_any_text_is_read_and_spans_are_exact(text: str) -> None:
    doc = NLP(text)
    table, again = attribute_table(doc), attribute_table(NLP(text))
    tokens = token_table(doc)
    assert table.values() == again.values()
    for i in range(len(tokens)):
        for final in (i, min(i + 3, len(tokens) - 1)):
            found = table.at(i, final)
            assert found == again.at(i, final)
            for attribute in found:
                assert attribute.name in NAMES
                assert 0 <= attribute.span.start < attribute.span.end <= len(text)
                assert text[attribute.span.start : attribute.span.end].strip()


@pytest.mark.parametrize(
    "hostile",
    [
        "left" + "-" * 10_000,
        "left " * 2_000,
        "left, " * 1_700,
        "28 3/7 " * 1_500,
        "120/80/" * 1_400,
        "weeks " * 1_700,
        "BMI : " * 1_700,
        "1 ppd 1 " * 1_250,
        "diabetes with ulcer and " * 420,
        "1w" * 5_000,
        "(" * 10_000,
    ],
)
def test_hostile_text_is_read_in_steps_that_grow_with_its_length(hostile: str) -> None:
    once, twice = _steps(hostile), _steps(hostile * 2)
    assert twice <= 2.6 * once + 1_000


def _steps(text: str) -> int:
    """Calls that finding the attributes of a text makes; no busy machine changes them."""
    doc, component = NLP(text), NLP.get_pipe("suggester_attributes")
    steps = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        component.match(doc)
    finally:
        sys.setprofile(before)
    return steps


def copy_lexicon(folder: Path, name: str, line: str) -> None:
    from suggester.codesets.lexicon import lexicon_dir

    for path in (lexicon_dir() / "reader").glob("attributes*.tsv"):
        text = path.read_text(encoding="utf-8")
        (folder / path.name).write_text(text + line if path.name == name else text, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("attributes.tsv", "purple\tcolour\tpurple\n", "unknown attribute 'colour'"),
        ("attributes.tsv", "purple\tseverity\tmild\tshouted\n", "unknown case"),
        ("attributes.tsv", "purple\tseverity\tmild\t\tnose\n", "unknown need"),
        ("attributes_with.tsv", "x\tx\tnothing\n", "unknown groups"),
        ("attributes_hosts.tsv", "type\tdiabetes\tplanet\n", "unknown reach"),
        ("attributes_values.tsv", "x\tbmi\tlow\thigh\n", "must be numbers"),
    ],
)
def test_a_wrong_row_is_refused_with_file_and_line(
    tmp_path: Path, name: str, line: str, message: str
) -> None:
    copy_lexicon(tmp_path, name, line)
    with pytest.raises(LexiconError, match=message) as error:
        read_attribute_lexicon(tmp_path)
    assert re.match(rf"{name}:\d+: ", str(error.value))


def test_no_phrase_stands_twice() -> None:
    from suggester.codesets.lexicon import lexicon_dir, read_rows

    for name, columns in (
        ("attributes", 5),
        ("attributes_with", 2),
        ("attributes_values", 2),
        ("attributes_words", 2),
    ):
        path = lexicon_dir() / "reader" / f"{name}.tsv"
        header = next(
            line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")
        )
        rows = [
            (cells[0], cells[3:5] if columns == 5 else ())
            for _, cells in read_rows(path, header.split("\t")[:2])
        ]
        assert len(rows) == len(set(rows)), name
