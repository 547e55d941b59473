from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from test_batch_fakes import RUN, FakeEngine

from suggester.cli.console import clean
from suggester.cli.table import sentence_around, show_result
from suggester.types import NotCoded, Note, Span, Suggestions


def shown(note: Note, result: Suggestions, *, terminal: bool = False) -> str:
    out = io.StringIO()
    show_result(
        Console(file=out, width=200, force_terminal=terminal, color_system="standard" if terminal else None),
        note,
        result,
    )
    return out.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two cough three. Four.", ("Two ", "cough", " three.")),
        ("cough", ("", "cough", "")),
        ("Plan:\r\n- cough\r\n- rest", ("- ", "cough", "")),
        ("Dose 2.5 mg for cough at 7.30? Yes", ("Dose 2.5 mg for ", "cough", " at 7.30?")),
        ("x" * 200 + " cough " + "y" * 200, ("…" + "x" * 89 + " ", "cough", " " + "y" * 89 + "…")),
        ("bad \x1b[2J\u202e cough\x07", ("bad  [2J  ", "cough", "")),
    ],
)
def test_sentence_around(text: str, expected: tuple[str, str, str]) -> None:
    start = text.index("cough")
    assert sentence_around(text, Span(start=start, end=start + 5)) == expected


@given(st.text(max_size=300), st.integers(0, 300), st.integers(0, 300))
def test_sentence_around_is_words_of_the_note_and_printable(text: str, one: int, two: int) -> None:
    start, end = min(one, two, len(text)), min(max(one, two), len(text))
    before, words, after = sentence_around(text, Span(start=start, end=end))
    assert words == clean(text[start:end])
    assert len(before) <= 91
    assert len(after) <= 91
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in before + words + after)


def test_note_text_is_never_markup_nor_control() -> None:
    note = Note(id="n", text="[bold red]x[/] :smile: \x1b[31mcough[/red] [link=http://a]y")
    out = shown(note, FakeEngine().suggest(note))
    assert "[31m[cough][/red] [link=http://a]y" in out
    assert ":smile:" in out
    assert "\x1b" not in out


def test_a_terminal_gets_highlighted_words() -> None:
    note = Note(id="n", text="Bad cough.")
    out = shown(note, FakeEngine().suggest(note), terminal=True)
    assert "\x1b[30;43mcough\x1b[0m" in out
    assert "[cough]" not in out


def test_long_lists_are_cut_and_say_so() -> None:
    note = Note(id="n", text="x" * 30)
    ledger = tuple(
        NotCoded(span=Span(start=n, end=n + 1), quote=f"word{n}", reason="negated", cue=None, would_be=())
        for n in range(9)
    )
    out = shown(note, Suggestions(note_id="n", run=RUN, suggestions=(), not_coded=ledger))
    assert "no suggestion above the threshold" in out
    assert "negated (9): word0; word1; word2; word3; word4; word5; and 3 more" in " ".join(out.split())


def test_ascii_output_has_ascii_bars() -> None:
    note = Note(id="n", text="cough")
    buffer = io.BytesIO()
    out = io.TextIOWrapper(buffer, encoding="ascii")
    show_result(Console(file=out, width=100), note, FakeEngine().suggest(note))
    out.flush()
    assert b"######.." in buffer.getvalue()
