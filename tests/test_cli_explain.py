from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from suggester.cli import main
from suggester.cli.explain import show_reading
from suggester.types import Assertion, Attribute, Cue, Mention, Note, Section, Span

TEXT = "HPI: denies chest pain.\r\nA/P: left knee pain,\x1b[31m BMI 41.2\n"
NOTE = Note(id="n\x07 1", text=TEXT)


def at(words: str) -> Span:
    start = TEXT.index(words)
    return Span(start=start, end=start + len(words))


SECTIONS = (
    Section(kind="hpi", title="HPI", span=Span(start=0, end=25), body=Span(start=5, end=25)),
    Section(kind="assessment_plan", title="A/P", span=Span(start=25, end=len(TEXT)), body=at("left knee")),
)
MENTIONS = (
    Mention(
        id="m1",
        span=at("chest pain"),
        text="chest pain",
        label="diagnosis",
        section="hpi",
        assertion=Assertion(
            negated=True,
            cues=(Cue(flag="negated", text="denies", span=at("denies"), rule_id="neg.deny"),),
        ),
        attributes=(),
        rule_id="title: chest pain",
    ),
    Mention(
        id="m2",
        span=at("knee pain"),
        text="knee pain",
        label="diagnosis",
        section="assessment_plan",
        assertion=Assertion(),
        attributes=(Attribute(name="laterality", value="left", span=at("left")),),
        rule_id="lexicon: knee pain",
    ),
)
VALUES = (Attribute(name="bmi", value="41.2", span=at("BMI 41.2")),)


def show(*, terminal: bool) -> str:
    out = io.StringIO()
    screen = Console(file=out, force_terminal=terminal, width=120, highlight=False, emoji=False, markup=False)
    show_reading(screen, NOTE, SECTIONS, MENTIONS, VALUES)
    return out.getvalue()


def test_in_a_pipe_mentions_stand_in_brackets_under_their_section() -> None:
    assert show(terminal=False).splitlines() == [
        "n  1: 2 sections, 2 mentions",
        "── hpi “HPI” [0:25]",
        "    HPI: denies [chest pain].",
        "      · chest pain  diagnosis  negated (“denies” neg.deny)  ← title: chest pain",
        "── assessment_plan “A/P” [25:60]",
        "    A/P: left [knee pain], [31m BMI 41.2",
        "      · knee pain  diagnosis  affirmed  laterality=left (left)  ← lexicon: knee pain",
        "values: bmi 41.2 “BMI 41.2”",
        "",
    ]


def test_on_a_terminal_there_are_colours_and_none_of_the_notes_own_control_characters() -> None:
    shown = show(terminal=True)
    assert "legend" in shown
    assert "\x1b[" in shown
    assert "\x1b[31m BMI" not in shown
    assert "\x07" not in shown


def test_nothing_read_is_shown_as_nothing() -> None:
    out = io.StringIO()
    show_reading(Console(file=out, width=80), Note(id="n", text=""), (), (), ())
    assert out.getvalue().splitlines() == ["n: 0 sections, 0 mentions", ""]


def test_explain_is_not_for_machines(tmp_path: Path) -> None:
    path = tmp_path / "n.txt"
    path.write_text("cough", encoding="utf-8")
    result = CliRunner().invoke(main, ["suggest", "--explain", "--json", str(path)])
    assert result.exit_code == 2
    assert "--explain" in result.output


@pytest.mark.slow
def test_the_command_shows_how_a_note_was_read(tmp_path: Path) -> None:
    path = tmp_path / "visit.txt"
    path.write_text("HPI: Denies chest pain.\nA/P:\n1. Left knee pain, chronic\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["suggest", "--explain", str(path)])
    assert result.exit_code == 0, result.output
    assert "“Denies”" in result.output
    assert "laterality=left (Left)  pain=chronic (chronic)" in result.output


@pytest.mark.slow
def test_a_note_that_cannot_be_read_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(" ", encoding="utf-8")
    (tmp_path / "b.txt").write_text("Assessment: cough", encoding="utf-8")
    result = CliRunner().invoke(main, ["suggest", "--explain", str(tmp_path)])
    assert result.exit_code == 1
    assert "[cough]" in result.output
    assert "a.txt" in result.output
