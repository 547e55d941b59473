"""Sentences of clinical text."""

from __future__ import annotations

import doctest

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from suggester.errors import ConfigError
from suggester.pipeline import sentences
from suggester.pipeline.sentences import sentence_index, sentence_table
from suggester.pipeline.tokenizer import ClinicalTokenizer


@pytest.fixture(scope="module")
def nlp() -> Language:
    made = spacy.blank("en")
    made.tokenizer = ClinicalTokenizer(made.vocab)
    made.add_pipe("suggester_sections")
    made.add_pipe("suggester_sentences")
    return made


@pytest.mark.parametrize(
    "marked",
    [
        "She has fever. | He has cough.",
        "Seen by Dr. Hale for pain. | Discussed with Mrs. Roe.",
        "Takes 2.5 mg q.d. for pain. | Then b.i.d. as needed.",
        "Asthma vs. COPD in a smoker.",
        "Temp 98.6 F. | BP 120/80.",
        "1.No fever | 2.No chills | 3.Cough",
        "1. CHF | 2. HTN",
        "J. Smith was seen. | He is well.",
        "Pain in the knee\nthat began yesterday.",
        "The patient reports a long history of low back pain and has\nFailed physical therapy.",
        "Lisinopril 10 mg daily\n| Metformin 500 mg bid",
        "- cough\n| - fever\n| - rash",
        "• cough | • fever",
        "1) cough\n| 2) fever",
        "[x] cough | [ ] fever | [x] rash",
        "( ) Diabetes | (x) Hypertension",
        "Cough\n\n| Fever",
        "| HPI: cough\n| PLAN: rest",
        "Past history: none. | Meds: none. | Allergies: none.",
        "Pneumothorax? None seen. | Lungs clear.",
        "Is it gout? | She says so.",
        "? DVT left calf.",
        "Started on levofloxacin for ? Pneumonia.",
        "CT shows ? SBO.",
        "Abx for ?UTI.",
        "Does he smoke ? | He denies.",
        "fever: none",
        "Denies A, B, or C; endorses D.",
        "Temp 98.6 F. | Seen by J. Hale. | Has hepatitis C. | Stable.",
        "Has pain.\n| Now worse.",
        "Follow up in 2 wks. with labs.",
        "Weight 70 kg, i.e. stable.",
        'He said "no pain." | Then he left.',
        "| Age: 50 yrs.\n| Weight: 70",
        "BP 118/70 | HR 62".replace(" | ", " ~ "),
    ],
)
def test_sentences_of_clinical_text(nlp: Language, marked: str) -> None:
    expected = [part.strip(" ") for part in marked.split("|") if part.strip()]
    text = " ".join(expected).replace("\n ", "\n").replace("~", "|")
    expected = [part.strip().replace("~", "|") for part in expected]
    assert [sentence.text.strip() for sentence in nlp(text).sents] == expected


def test_sentences_that_stand_close(nlp: Language) -> None:
    assert [sentence.text for sentence in nlp("No fever.Cough present.").sents] == [
        "No fever.",
        "Cough present.",
    ]
    assert len(list(nlp("See www.example.org and q.d.s. dosing").sents)) == 1


def test_sentences_mark_list_items(nlp: Language) -> None:
    table = sentence_table(nlp("HPI: cough\n- fever\nand rash continues\n1. gout\nPain. Better."))
    assert table.item == [True, True, True, False, False]


@given(st.text(max_size=200))
def test_sentences_partition_any_text(nlp: Language, text: str) -> None:
    safe = text.encode("utf-8", "replace").decode("utf-8")
    doc = nlp(safe)
    table = sentence_table(doc)
    assert len(table.index) == len(doc)
    assert "".join(sentence.text_with_ws for sentence in doc.sents) == safe
    assert [(sent.start, sent.end) for sent in doc.sents] == table.bounds
    for number, (begin, end) in enumerate(table.bounds):
        assert begin < end
        assert table.index[begin:end] == [number] * (end - begin)
    assert sentence_index(doc) is table.index


def test_sentences_without_sections(nlp: Language) -> None:
    plain = spacy.blank("en")
    plain.tokenizer = ClinicalTokenizer(plain.vocab)
    plain.add_pipe("suggester_sentences")
    assert len(list(plain("Pain. Better.\n- cough").sents)) == 3


def test_sentences_missing_is_an_error_that_names_the_pipe() -> None:
    with pytest.raises(ConfigError, match="suggester_sentences"):
        sentence_table(spacy.blank("en")("x"))


def test_sentences_examples_run() -> None:
    result = doctest.testmod(sentences)
    assert result.attempted > 1
    assert result.failed == 0
