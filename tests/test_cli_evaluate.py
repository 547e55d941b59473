"""``suggester evaluate``: what it reads, hands on, prints and writes, and what it refuses."""

from __future__ import annotations

import json
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from test_batch_fakes import CANARY, FakeEngine
from typer.testing import CliRunner

import suggester.evaluation
from suggester.cli import main
from suggester.config import Settings
from suggester.types import Code, GoldNote, Suggestions

runner = CliRunner()


def call(*arguments: object):  # type: ignore[no-untyped-def]
    return runner.invoke(main, ["evaluate", *(str(argument) for argument in arguments)])


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Stand in for the engine; the list holds the settings that it was loaded with."""
    loaded: list[Settings] = []

    def load(settings: Settings) -> FakeEngine:
        loaded.append(settings)
        return FakeEngine()

    fake = types.ModuleType("suggester.suggest")
    fake.load = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "suggester.suggest", fake)
    return loaded


class Report:
    """Stands in for the report of an evaluation."""

    def to_text(self, *, quotes: bool = True) -> str:
        return f"REPORT é {quotes}"

    def to_record(self, *, quotes: bool = True) -> dict[str, object]:
        return {"map": 0.5, "quotes": quotes}


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Stand in for the measuring; the list holds what it was called with."""
    calls: list[dict[str, Any]] = []

    def evaluate(gold: list[GoldNote], predictions: dict[str, Suggestions], **options: object) -> Report:
        calls.append({"gold": gold, "predictions": predictions, **options})
        return Report()

    monkeypatch.setattr(suggester.evaluation, "evaluate", evaluate)
    return calls


@pytest.fixture
def titles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the code sets."""

    class Catalog:
        def lookup(self, system: str, code: str) -> Code:
            raise AssertionError(f"{system} {code}: every code has its title in the suggestions")

    def open_catalog(settings: Settings) -> Catalog:
        return Catalog()

    monkeypatch.setattr("suggester.codesets.open_catalog", open_catalog)


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "gold.jsonl"
    codes = [{"system": "ICD-10-CM", "code": "E11.9"}, {"system": "HCPCS", "code": "K0001"}]
    lines = [
        {"id": "a", "text": "diabetes, wheelchair", "codes": codes, "part": "tune", "em": {"code": "99213"}},
        {"id": "b", "text": "RAISE", "codes": codes[:1], "part": "check"},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


@pytest.fixture
def predictions(tmp_path: Path, gold: Path, engine: list[Settings]) -> Path:
    path = tmp_path / "out.jsonl"
    assert runner.invoke(main, ["batch", str(gold), "-o", str(path)]).exit_code == 1
    return path


# What is measured ----------------------------------------------------------------------------------------


def test_predictions_are_read(gold: Path, predictions: Path, measured: list[dict[str, Any]]) -> None:
    result = call(gold, predictions, "--bootstrap", 7, "--seed", 3, "--threshold", 0.4, "--split", "mine")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "REPORT é True\n", "")
    (seen,) = measured
    assert [note.note.id for note in seen["gold"]] == ["a", "b"]
    assert list(seen["predictions"]) == ["a"]
    assert (seen["bootstrap"], seen["seed"], seen["threshold"], seen["split"]) == (7, 3, 0.4, "mine")
    assert seen["training_counts"] is None


def test_the_engine_runs_on_every_confidence(
    gold: Path, measured: list[dict[str, Any]], engine: list[Settings]
) -> None:
    result = call(gold, "--json", "--no-quotes")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"map": 0.5, "quotes": False}
    assert "error: b: ValueError at" in result.stderr
    assert "1 of 2 notes failed and count as all missed" in result.stderr
    assert (engine[0].threshold, engine[0].limit) == (0.0, 500)
    assert len(measured[0]["predictions"]["a"].suggestions) == 2


def test_one_system_or_part_is_counted(
    gold: Path, measured: list[dict[str, Any]], engine: list[Settings]
) -> None:
    assert call(gold, "--system", "HCPCS", "--part", "tune").exit_code == 0
    (note,) = measured[0]["gold"]
    assert [code.code for code in note.codes] == ["K0001"]
    assert note.em == frozenset()
    assert [item.code.code for item in measured[0]["predictions"]["a"].suggestions] == ["K0001"]
    result = call(gold, "--part", "none")
    assert result.exit_code == 1
    assert "no gold note of the part 'none'" in result.stderr


def test_counts_come_from_the_training_notes(
    gold: Path, predictions: Path, measured: list[dict[str, Any]]
) -> None:
    assert call(gold, predictions, "--train-counts", gold).exit_code == 0
    assert measured[0]["training_counts"] == {"E11.9": 2, "K0001": 1}


def test_what_cannot_be_read_is_refused(
    tmp_path: Path, gold: Path, measured: list[dict[str, Any]], engine: list[Settings]
) -> None:
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text(gold.read_text() + '\n{"id":"c"}\n')
    result = call(wrong)
    assert (result.exit_code, result.stderr) == (1, "error: wrong.jsonl:3: field 'text' is missing\n")
    for arguments in ((gold, wrong), (gold, "--against", wrong)):
        result = call(*arguments)
        assert result.exit_code == 1
        assert "wrong.jsonl:1: field 'run' is missing" in result.stderr
    result = call(gold, "--train-counts", wrong)
    assert (result.exit_code, result.stderr) == (1, "error: wrong.jsonl:3: field 'text' is missing\n")
    result = call(gold, "--html", tmp_path / "x.html", "--learning-curve", wrong)
    assert (result.exit_code, result.stderr) == (
        1,
        "error: wrong.jsonl: must be a JSON list of objects with notes, map and f1\n",
    )
    assert not measured


# Pages ---------------------------------------------------------------------------------------------------


def test_page_is_written_beside_the_text(tmp_path: Path, gold: Path, predictions: Path, titles: None) -> None:
    curve = tmp_path / "curve.json"
    curve.write_text('[{"notes": 10, "map": 0.3, "f1": 0.4}, {"notes": 20, "map": 0.4, "f1": 0.5}]')
    page = tmp_path / "report.html"
    options = ["--html", page, "--learning-curve", curve, "--date", "2026-11-21", "--split", "a <b>"]
    result = call(gold, predictions, *options)
    assert result.exit_code == 0
    assert result.stderr == "written: report.html\n"
    assert result.stdout == call(gold, predictions, "--split", "a <b>").stdout
    written = page.read_text(encoding="utf-8")
    assert written.startswith("<!doctype html>")
    assert written.endswith("</html>\n")
    for words in ("Learning curve", "2026-11-21", "a &lt;b&gt;"):
        assert words in written
    figures = set(re.findall(r'data-figure="([^"]*)"', written))
    record = json.loads(call(gold, predictions, "--json").stdout)
    assert figures == {
        f"{section}/{row}/{name}"
        for section, content in record["sections"].items()
        for row, part in content["rows"].items()
        for name in part["figures"]
    }
    call(gold, predictions, *options)
    assert page.read_text(encoding="utf-8") == written
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_page_and_text_can_be_without_sentences(tmp_path: Path, predictions: Path, titles: None) -> None:
    gold = tmp_path / "other.jsonl"
    record = {"id": "a", "text": f"{CANARY} has diabetes, wheelchair", "codes": []}
    gold.write_text(json.dumps(record))
    page = tmp_path / "report.html"
    result = call(gold, predictions, "--html", page, "--threshold", 0)
    assert CANARY in result.stdout
    assert CANARY in re.sub("<[^>]*>", "", page.read_text())
    result = call(gold, predictions, "--html", page, "--threshold", 0, "--no-quotes")
    assert CANARY not in result.stdout + re.sub("<[^>]*>", "", page.read_text())


def test_page_has_titles_of_the_code_sets(
    tmp_path: Path, gold: Path, predictions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Catalog:
        def lookup(self, system: str, code: str) -> Any:
            return types.SimpleNamespace(display=f"{system} title of {code}")

    monkeypatch.setattr("suggester.codesets.open_catalog", lambda settings: Catalog())
    missed = tmp_path / "missed.jsonl"
    record = {"id": "a", "text": "x", "codes": [{"system": "ICD-10-CM", "code": "I10"}]}
    missed.write_text(json.dumps(record))
    page = tmp_path / "report.html"
    assert call(missed, predictions, "--html", page).exit_code == 0
    assert "ICD-10-CM title of I10" in page.read_text()


# Comparison ----------------------------------------------------------------------------------------------


def test_two_runs_are_compared(tmp_path: Path, gold: Path, predictions: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text(json.dumps(json.loads(predictions.read_text()) | {"suggestions": []}))
    page = tmp_path / "compared.html"
    result = call(gold, predictions, "--against", empty, "--bootstrap", 20, "--html", page)
    assert result.exit_code == 0
    assert "out.jsonl against empty.jsonl" in result.stdout
    assert "out.jsonl</strong> against <strong>empty.jsonl" in page.read_text()
    record = json.loads(call(gold, predictions, "--against", empty, "--json", "--bootstrap", 20).stdout)
    assert (record["a"], record["b"], record["samples"]) == ("empty.jsonl", "out.jsonl", 20)
    assert record["differences"]["micro_recall"]["difference"] > 0


def test_the_engine_now_is_compared_with_a_run(gold: Path, predictions: Path) -> None:
    result = call(gold, "--against", predictions, "--system", "ICD-10-CM")
    assert result.exit_code == 1
    assert "this engine against out.jsonl" in result.stdout
    assert "error: b: ValueError" in result.stderr


def test_runs_of_the_same_name_are_told_apart_by_their_folders(
    tmp_path: Path, gold: Path, predictions: Path
) -> None:
    other = tmp_path / "old" / predictions.name
    other.parent.mkdir()
    other.write_bytes(predictions.read_bytes())
    result = call(gold, predictions, "--against", other)
    assert f"{tmp_path.name}/out.jsonl against old/out.jsonl" in result.stdout


# Usage ---------------------------------------------------------------------------------------------------


def test_options_that_would_do_nothing_or_harm_are_usage(
    tmp_path: Path, gold: Path, predictions: Path
) -> None:
    curve = tmp_path / "curve.json"
    curve.write_text("[]")
    page = tmp_path / "x.html"
    before = gold.read_bytes()
    for arguments, message in (
        (("--learning-curve", curve), "give --html"),
        (("--date", "2026-11-21"), "give --html"),
        (("--html", page, "--date", "21.11.2026"), "--date"),
        (("--against", predictions, "--train-counts", gold), "--train-counts does nothing"),
        (("--against", predictions, "--split", "x"), "--split does nothing"),
        (
            ("--against", predictions, "--html", page, "--learning-curve", curve),
            "--learning-curve does nothing",
        ),
        (("--against", tmp_path / "gone.jsonl"), "gone.jsonl"),
        (("--html", tmp_path / "gone" / "x.html"), "folder"),
        (("--html", tmp_path), "directory"),
        (("--html", gold), "would be replaced"),
        (("--html", predictions), "would be replaced"),
    ):
        result = call(gold, predictions, *arguments)
        assert result.exit_code == 2, arguments
        assert message in re.sub(r"[\s│]+", " ", result.stderr), arguments
        assert result.stdout == ""
    assert gold.read_bytes() == before
    assert not page.exists()
