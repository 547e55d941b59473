from __future__ import annotations

import importlib.util
import json
import sys
from itertools import combinations
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "eval" / "score_marked.py"


@pytest.fixture(scope="module")
def marked() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score_marked", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["score_marked"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_a_line_gives_plain_text_and_mentions(marked: ModuleType) -> None:
    line = marked.parse_line(
        r"No <ent negated>fever</ent>\nbut <ent laterality=left pain=acute>knee pain</ent>."
    )
    assert line.text == "No fever\nbut knee pain."
    first, second = line.mentions
    assert line.text[first.start : first.end] == "fever"
    assert (first.flags, first.attributes) == ({"negated"}, frozenset())
    assert line.text[second.start : second.end] == "knee pain"
    assert (second.flags, second.attributes) == (frozenset(), {("laterality", "left"), ("pain", "acute")})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("<ent negative>fever</ent>", "unknown mark 'negative'"),
        ("<ent side=left>knee pain</ent>", "unknown mark 'side'"),
        ("<ent laterality>knee pain</ent>", "unknown mark 'laterality'"),
        ("<ent laterality=>knee pain</ent>", "unknown mark 'laterality'"),
        ("<ent> </ent>", "holds no word"),
        ("<ent>fever", "not closed"),
        ("fever</ent>", "not closed"),
    ],
)
def test_a_wrong_mark_is_refused_without_its_text(marked: ModuleType, line: str, message: str) -> None:
    with pytest.raises(marked.MarkError, match=message) as error:
        marked.parse_line(line, number=7, where="dev.txt")
    assert str(error.value).startswith("dev.txt:7: ")
    assert "fever" not in str(error.value)


def test_a_file_without_marks_is_refused(marked: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "dev.txt"
    path.write_text("# group\nno marks here\n", encoding="utf-8")
    with pytest.raises(marked.MarkError, match="no marked mention"):
        list(marked.read_marked(path))


def test_lines_keep_their_number_and_group(marked: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "dev.txt"
    path.write_text("# one\n\n<ent>cough</ent>\n# two\n<ent>fever</ent>\n", encoding="utf-8")
    assert [(line.number, line.group) for line in marked.read_marked(path)] == [(3, "one"), (5, "two")]


def test_counts_by_hand(marked: ModuleType) -> None:
    counts = marked.Counts()
    for gold, said in [(True, True), (True, True), (True, False), (False, True), (False, False)]:
        counts.add(gold, said)
    assert (counts.tp, counts.fp, counts.fn) == (2, 1, 1)
    figures = counts.figures()
    assert figures["precision"] == pytest.approx(2 / 3)
    assert figures["recall"] == pytest.approx(2 / 3)
    assert figures["f1"] == pytest.approx(2 / 3)
    assert marked.Counts().figures()["f1"] is None


def test_scores_by_hand(marked: ModuleType) -> None:
    lines = [
        marked.parse_line("Denies <ent negated>fever</ent>."),
        marked.parse_line("Left <ent laterality=right severity=mild>knee pain</ent>."),
        marked.parse_line("<ent negated>Cough</ent> is bad."),
    ]
    result = marked.score(lines, marked.build())
    assert (result.lines, result.mentions) == (3, 3)
    assert result.flags["negated"] == marked.Counts(1, 0, 1)
    assert result.attributes["laterality"] == marked.Counts(0, 1, 1)
    assert result.attributes["severity"] == marked.Counts(0, 0, 1)
    assert result.micro() == marked.Counts(0, 1, 2)
    assert marked.group_errors(result.errors) == {
        "-negated": 1,
        "-laterality": 1,
        "+laterality": 1,
        "-severity": 1,
    }


@pytest.mark.slow
def test_the_development_part_scores_well(marked: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert marked.main(["--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["part"] == "dev"
    assert report["mentions"] > 1500
    assert report["attributes"]["all"]["f1"] >= 0.96


@pytest.mark.parametrize("parts", [["test"], ["blind"], ["test", "blind"], ["dev", "test"]])
def test_errors_are_shown_of_the_development_part_alone(
    marked: ModuleType, capsys: pytest.CaptureFixture[str], parts: list[str]
) -> None:
    with pytest.raises(SystemExit):
        marked.main(["--part", *parts, "--errors"])
    assert "not read" in capsys.readouterr().err


def test_no_sentence_stands_in_two_parts(marked: ModuleType) -> None:
    texts = {part: {line.text.lower() for line in marked.read_parts([part])} for part in marked.PARTS}
    for one, other in combinations(marked.PARTS, 2):
        assert texts[one].isdisjoint(texts[other]), (one, other)
    together = list(marked.read_parts(marked.PARTS))
    assert len(together) == sum(len(list(marked.read_parts([part]))) for part in marked.PARTS)
