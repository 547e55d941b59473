"""The tokenizer: exact text, exact offsets, words cut as lexicons cut them."""

from __future__ import annotations

import doctest

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

from suggester.codesets.words import WORD, fold
from suggester.pipeline import tokenizer
from suggester.pipeline.layout import layout_of
from suggester.pipeline.tokenizer import NEWLINES, TOKENS, ClinicalTokenizer, TokenTable, cut, token_table

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)
CLINICAL = st.lists(
    st.sampled_from(
        [
            "fever",
            " ",
            "  ",
            "\n",
            "\r\n",
            "\t",
            "1.",
            "No",
            "120/80",
            "2.5",
            "Crohn's",
            "[x]",
            "•",
            ":",
            ",",
            ".",
            "é",
            "e\u0301",
            "🙂",
            "\u00a0",
        ]
    ),
    max_size=60,
).map("".join)


@pytest.fixture(scope="module")
def nlp() -> Language:
    made = spacy.blank("en")
    made.tokenizer = ClinicalTokenizer(made.vocab)
    return made


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("1.No fever", ["1", ".", "No", "fever"]),
        ("BP 120/80", ["BP", "120", "/", "80"]),
        ("2.5 mg q.d.", ["2.5", "mg", "q", ".", "d", "."]),
        ("Crohn's, 1,200", ["Crohn's", ",", "1,200"]),
        ("a  b\tc", ["a", "  ", "b", "\t", "c"]),
        (" lead", [" ", "lead"]),
        ("a\n\n b", ["a", "\n", "\n", "b"]),
        ("a\r\nb", ["a", "\r\n", "b"]),
        ("[ ] x", ["[", "]", "x"]),
        ("snake_case", ["snake", "_", "case"]),
        ("e\u0301te\u0301", ["e", "\u0301", "te", "\u0301"]),
        ("a\u2028b\fc", ["a", "\u2028", "b", "\f", "c"]),
        ("", []),
    ],
)
def test_tokenizer_cuts(nlp: Language, text: str, tokens: list[str]) -> None:
    assert [token.text for token in nlp.make_doc(text)] == tokens


@given(st.one_of(ANY_TEXT, CLINICAL))
def test_tokenizer_keeps_the_text_and_offsets(nlp: Language, text: str) -> None:
    doc = nlp.make_doc(text)
    expected = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    assert doc.text == expected
    table = token_table(doc)
    assert (
        len(table) == len(doc) == len(table.start) == len(table.end) == len(table.line) == len(table.is_word)
    )
    for index, token in enumerate(doc):
        assert (table.text[index], table.start[index]) == (token.text, token.idx)
        assert expected[table.start[index] : table.end[index]] == token.text
        assert table.is_space[index] == (index not in set(table.visible))
    assert table.marks == [index for index in table.visible if not table.is_word[index]]


@given(st.one_of(ANY_TEXT, CLINICAL))
def test_tokenizer_words_are_those_of_the_lexicons(text: str) -> None:
    table, _ = cut(text)
    words = [table.text[index] for index in range(len(table)) if table.is_word[index]]
    assert words == [match.group() for match in WORD.finditer(text)]
    assert [table.lower[index] for index in range(len(table)) if table.is_word[index]] == [
        fold(w) for w in words
    ]


@given(CLINICAL)
def test_tokenizer_lines_partition_the_tokens(text: str) -> None:
    table, _ = cut(text)
    seen = []
    for number, (begin, end) in enumerate(table.lines):
        seen.extend(range(begin, end))
        assert all(table.line[index] == number for index in range(begin, end))
    ends = [index for index in range(len(table)) if table.text[index] in NEWLINES]
    assert sorted(seen + ends) == list(range(len(table)))
    assert len(table.lines) == len(ends) + 1


def test_tokenizer_finds_the_token_of_an_offset(nlp: Language) -> None:
    table = token_table(nlp.make_doc("no  fever\nnow"))
    assert [table.token_at(offset) for offset in (0, 1, 2, 4, 8, 9, 10, 99)] == [0, 0, 1, 2, 2, 3, 4, 5]
    assert table.line_start == [0, 4]


def test_token_table_is_built_for_other_tokenizers() -> None:
    doc = spacy.blank("en")("No fever.\n\nCough 2.5 days")
    table = token_table(doc)
    assert isinstance(doc.user_data[TOKENS], TokenTable)
    assert [table.text[index] for index in range(len(table))] == [token.text for token in doc]
    assert len(table.lines) == 3
    assert layout_of(doc).first[1] == -1


PLAIN = spacy.blank("en")


@given(ANY_TEXT)
def test_token_table_of_other_tokenizers_never_raises(text: str) -> None:
    safe = text.encode("utf-8", "replace").decode("utf-8")
    doc = PLAIN(safe)
    table = token_table(doc)
    assert len(table) == len(doc)


def test_token_table_follows_a_changed_document(nlp: Language) -> None:
    doc = nlp.make_doc("no fever")
    doc.user_data[TOKENS] = TokenTable()
    assert len(token_table(doc)) == 2


def test_tokenizer_serializes_to_nothing(nlp: Language, tmp_path) -> None:  # type: ignore[no-untyped-def]
    tokenizer = ClinicalTokenizer(nlp.vocab)
    assert tokenizer.from_bytes(tokenizer.to_bytes()) is tokenizer
    tokenizer.to_disk(tmp_path / "tokenizer")
    assert tokenizer.from_disk(tmp_path / "tokenizer") is tokenizer
    assert [doc.text for doc in tokenizer.pipe(["a", "b"])] == ["a", "b"]
    assert isinstance(tokenizer("a"), Doc)


@pytest.mark.parametrize(
    ("line", "mark", "body"),
    [
        ("- cough", "bullet", "cough"),
        ("• cough", "bullet", "cough"),
        ("* cough", "bullet", "cough"),
        ("**Cough**", "", "*"),
        ("1. cough", "number", "cough"),
        ("1.cough", "number", "cough"),
        ("12) cough", "number", "cough"),
        ("(3) cough", "number", "cough"),
        ("a. cough", "letter", "cough"),
        ("iv) cough", "letter", "cough"),
        ("[x] cough", "check", "cough"),
        ("[ ] cough", "check", "cough"),
        ("( ) cough", "check", "cough"),
        ("- [ ] cough", "check", "cough"),
        ("☐ cough", "check", "cough"),
        ("## Exam", "hash", "Exam"),
        ("#2 Asthma", "hash", "Asthma"),
        ("2.5 mg", "", "2.5"),
        ("120. Cough", "", "120"),
        ("cough", "", "cough"),
        ("-----", "rule", None),
        ("=====", "rule", None),
    ],
)
def test_layout_reads_list_markers(nlp: Language, line: str, mark: str, body: str | None) -> None:
    doc = nlp.make_doc(line)
    layout = layout_of(doc)
    assert layout.mark[0] == mark
    assert (None if layout.body[0] < 0 else doc[layout.body[0]].text) == body


def test_layout_reads_indent_and_blank_lines(nlp: Language) -> None:
    layout = layout_of(nlp.make_doc("a\n  b\n\n\tc\n d"))
    assert layout.indent == [0, 2, 0, 4, 1]
    assert layout.first[2] == layout.last[2] == -1


def test_tokenizer_examples_run() -> None:
    result = doctest.testmod(tokenizer)
    assert result.attempted > 1
    assert result.failed == 0


def test_what_pieces_are_is_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer, "_KNOWN", tokenizer._Stretches())
    monkeypatch.setattr(tokenizer, "_REMEMBERED", 2)
    first, second = tokenizer.cut("one two three four"), tokenizer.cut("one five")
    assert first[0].lower == ["one", "two", "three", "four"]
    assert second[0].lower == ["one", "five"]
    assert set(tokenizer._KNOWN) == {"one ", "five"}


@given(st.one_of(ANY_TEXT, CLINICAL))
def test_stretches_are_cut_as_the_whole_text_is(text: str) -> None:
    table, spaces = cut(text)
    pieces = tokenizer._PIECE.findall(text)
    assert (table.text, spaces) == ([piece for piece, _ in pieces], [blank != "" for _, blank in pieces])


def test_a_long_stretch_is_cut_but_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer, "_KNOWN", tokenizer._Stretches())
    long = "a," * tokenizer._LONGEST
    table, _ = cut(f"{'b' * 99} {long} c")
    assert "".join(table.text) == "b" * 99 + long + "c"
    assert set(tokenizer._KNOWN) == {"a", ",", ", ", "c"}


def test_a_memory_zone_keeps_no_string(nlp: Language) -> None:
    with nlp.memory_zone():
        assert nlp.make_doc("zonewordxyz fever").text == "zonewordxyz fever"
    assert "zonewordxyz" not in nlp.vocab.strings
    assert nlp.make_doc("zonewordxyz fever").text == "zonewordxyz fever"


def test_numbers_of_strings_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer, "_REMEMBERED", 2)
    cutter = ClinicalTokenizer(spacy.blank("en").vocab)
    assert [token.text for token in cutter("one two three four one")] == [
        "one",
        "two",
        "three",
        "four",
        "one",
    ]
    assert len(cutter._orths) <= 2
