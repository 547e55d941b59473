"""The whole reader on any text: it never fails, its offsets are exact, and a note is read the same again."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

from suggester.codesets import Catalog
from suggester.pipeline import build_reader
from suggester.pipeline.assertion import assertion_table
from suggester.pipeline.attributes import attribute_table
from suggester.pipeline.mentions import MATCHES_KEY, SPANS_KEY
from suggester.pipeline.reading import Reading
from suggester.pipeline.sections import section_table
from suggester.pipeline.sentences import sentence_index

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=120)
PIECES = st.sampled_from(
    [
        *("no fever, chills or rash", "denies pain", "Mother had breast cancer", "h/o stroke in 2015"),
        *("ASSESSMENT\n", "IMPRESSION:\n", "\nPLAN", "Family history: "),
        *("left knee pain", "PMH:", "A/P:", "# CHF", "[x] cough [ ] fever", "?", "e\u0301", "Sjo\u0308gren"),
        *(
            "\U0001f600",
            "\u00a0",
            "\t",
            "\r\n",
            "\n",
            "\u2028",
            " ",
            ", ",
            ". ",
            "; ",
            "(-)",
            "'16",
            "120/80",
        ),
        *("possible pneumonia vs CHF", "return if chest pain", "which was ruled out", "-fever, +cough"),
    ]
)
CLINICAL = st.lists(PIECES, max_size=25).map("".join)
EACH = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def reader(catalog: Catalog) -> Language:
    return build_reader(catalog.release_set()[0].terms)


def picture(doc: Doc) -> tuple[object, ...]:
    """All that was read of a note, to compare."""
    reading = Reading.of(doc)
    table = reading.table
    matches = doc.user_data[MATCHES_KEY]
    return (
        tuple(zip(table.text, table.start, table.end, table.line, strict=True)),
        tuple(sentence_index(doc)),
        tuple((s.kind, s.span) for s in section_table(doc).sections),
        tuple(assertion_table(doc).scopes),
        tuple(attribute_table(doc).at(token, token) for token in range(len(table))),
        tuple((span.start, span.end, span.label_) for span in doc.spans[SPANS_KEY]),
        matches.term.tobytes(),
        matches.coverage.tobytes(),
    )


@EACH
@given(text=ANY_TEXT | CLINICAL)
def test_any_text_is_read_with_exact_offsets(reader: Language, text: str) -> None:
    doc = reader(text)
    assert len(doc.text) == len(text)
    table = Reading.of(doc).table
    assert all(
        doc.text[start:end] == word
        for word, start, end in zip(table.text, table.start, table.end, strict=True)
    )
    for scope in assertion_table(doc).scopes:
        assert 0 <= scope.start < scope.end <= len(table)
        assert 0 <= scope.cue_start < scope.cue_end <= len(table)
    for token in range(len(table)):
        for cue in assertion_table(doc).at(token, token + 1).cues:
            assert "".join(doc.text[cue.span.start : cue.span.end].split()) == "".join(cue.text.split())


@EACH
@given(text=CLINICAL, other=CLINICAL | ANY_TEXT)
def test_a_note_is_read_the_same_again_and_among_others(reader: Language, text: str, other: str) -> None:
    alone = picture(reader(text))
    assert picture(reader(text)) == alone
    before, among, after = map(picture, reader.pipe([other, text, other]))
    assert among == alone
    assert before == after


@pytest.mark.parametrize(
    "title", ["ASSESSMENT", "ASSESSMENT:", "Past medical history", "PLAN:", "Impression: "]
)
def test_a_title_at_the_end_of_a_note_is_read(reader: Language, title: str) -> None:
    doc = reader(f"No fever.\n\n{title}")
    assert section_table(doc).sections
    assert len(assertion_table(doc).flags) == len(doc)
