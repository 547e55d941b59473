"""Side by side with the peers: what they are asked, how answers are mapped and counted. Needs no peer."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, Span

EVAL = Path(__file__).resolve().parent.parent / "eval"

FAKE = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    if "texts" in request:
        flags = [[ANSWER for _ in one["spans"]] for one in request["texts"]]
        print(json.dumps({"versions": {"fake": "1"}, "flags": flags}), flush=True)
    else:
        print(json.dumps({"ms": 3.0}), flush=True)
"""
"""A peer that says the same of every mention; ANSWER is put in."""


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EVAL / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


marked = _script("score_marked")
tools = _script("assertion_tools")
script = _script("compare_assertion")

LINES = [
    marked.parse_line("Denies <ent negated>fever</ent> but has <ent>cough</ent>."),
    marked.parse_line("Mother had <ent family historical>gout</ent>."),
]


@pytest.fixture
def extensions() -> Iterator[None]:
    """Extensions of the peers' names, set by nothing but the test."""
    for name in (*tools.MEDSPACY, *tools.NEGSPACY):
        Span.set_extension(name, default=False, force=True)
    yield
    for name in (*tools.MEDSPACY, *tools.NEGSPACY):
        Span.remove_extension(name)


class Saying:
    """A component that sets given extensions on every entity and remembers the entities it was given."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.given: list[list[str]] = []

    def __call__(self, doc: Doc) -> Doc:
        self.given.append([entity.text for entity in doc.ents])
        for entity in doc.ents:
            for name in self.names:
                entity._.set(name, True)
        return doc


class Pipeline:
    """As much of a pipeline as reading needs: a tokenizer and one component."""

    def __init__(self, component: Saying) -> None:
        self.make_doc = spacy.blank("en").make_doc
        self.pipeline = [("saying", component)]


def fake(tmp_path: Path, tool: str, answer: str) -> Any:
    path = tmp_path / f"{tool}.py"
    path.write_text(FAKE.replace("ANSWER", answer), encoding="utf-8")
    return script.Process(tool, [sys.executable, str(path)])


# --- mapping ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "flag"), [*tools.MEDSPACY.items()])
def test_each_extension_of_medspacy_becomes_its_flag(extensions: None, name: str, flag: str) -> None:
    read = tools.read_with(Pipeline(Saying(name)), tools.MEDSPACY)
    assert read("no fever", [(3, 8)]) == [[flag]]


def test_the_flags_of_medspacy_are_all_of_ours(extensions: None) -> None:
    assert tuple(tools.MEDSPACY.values()) == marked.FLAGS
    read = tools.read_with(Pipeline(Saying(*tools.MEDSPACY)), tools.MEDSPACY)
    assert read("no fever", [(3, 8)]) == [list(marked.FLAGS)]


def test_negspacy_says_negation_only(extensions: None) -> None:
    read = tools.read_with(Pipeline(Saying("negex", "is_family")), tools.NEGSPACY)
    assert read("no fever", [(3, 8)]) == [["negated"]]
    read = tools.read_with(Pipeline(Saying("is_family")), tools.NEGSPACY)
    assert read("no fever", [(3, 8)]) == [[]]


def test_a_mention_is_widened_to_whole_tokens_and_the_order_is_kept(extensions: None) -> None:
    component = Saying("negex")
    read = tools.read_with(Pipeline(component), tools.NEGSPACY)
    assert read("no coughing, no fevers", [(16, 21), (3, 8)]) == [["negated"], ["negated"]]
    assert component.given == [["coughing", "fevers"]]


def test_two_mentions_in_one_token_share_its_entity(extensions: None) -> None:
    read = tools.read_with(Pipeline(Saying("negex")), tools.NEGSPACY)
    assert read("no xx_yy today", [(3, 5), (6, 8)]) == [["negated"], ["negated"]]


def test_of_mentions_that_overlap_the_shorter_is_left_out(extensions: None) -> None:
    read = tools.read_with(Pipeline(Saying("negex")), tools.NEGSPACY)
    assert read("no chest pain", [(3, 13), (9, 13)]) == [["negated"], None]


def test_ours_answers_in_the_same_form() -> None:
    read = tools.open_suggester()
    assert read("Denies fever but has cough.", [(7, 12), (21, 26)]) == [["negated"], []]
    assert read("Mother had gout.", [(11, 15)]) == [["family"]]


# --- protocol -----------------------------------------------------------------------------------------


def test_a_tool_answers_line_by_line() -> None:
    seen = []

    def read(text: str, spans: list[list[int]]) -> list[list[str] | None]:
        seen.append(text)
        return [["negated"] if start else None for start, _ in spans]

    requests = [{"texts": [{"text": "a b", "spans": [[0, 1], [2, 3]]}]}, {"round": True}]
    answers = io.StringIO()
    tools.answer(read, ("spacy",), io.StringIO("\n".join(map(json.dumps, requests))), answers)
    first, second = map(json.loads, answers.getvalue().splitlines())
    assert first == {"versions": {"spacy": spacy.__version__}, "flags": [[None, ["negated"]]]}
    assert second["ms"] >= 0
    assert seen == ["a b", "a b"]


def test_a_tool_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    process = script.Process("other", [sys.executable, str(script.WORKER), "other"])
    with process, pytest.raises(script.ToolError, match=r"no tool 'other'; there are \['suggester'"):
        process.ask({"texts": []})


def test_a_tool_that_is_not_installed_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "medspacy.py").write_text("raise ImportError('not here')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert script.main(["--rounds", "0"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "medspacy cannot be imported" in captured.err
    assert "--peer-python" in captured.err


def test_an_interpreter_that_there_is_not_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert script.main(["--peer-python", str(tmp_path / "python")]) == 2
    assert "medspacy cannot be started" in capsys.readouterr().err


def test_a_tool_that_ends_without_an_answer_is_an_error() -> None:
    process = script.Process("medspacy", [sys.executable, "-c", ""])
    with process, pytest.raises(script.ToolError, match="medspacy ended without an answer"):
        process.ask({"texts": []})


def test_ours_runs_under_this_interpreter_and_peers_under_theirs() -> None:
    started = script.commands("theirs")
    assert list(started) == list(script.TOOLS) == list(tools.OPENERS)
    assert started["suggester"][0] == sys.executable
    assert started["medspacy"][0] == started["negspacy"][0] == "theirs"


# --- counting -----------------------------------------------------------------------------------------


def test_answers_are_counted_by_hand() -> None:
    counts, left_out = script.count("medspacy", LINES, [[["negated"], ["negated", "family"]], [["family"]]])
    assert left_out == 0
    assert counts["negated"] == marked.Counts(1, 1, 0)
    assert counts["family"] == marked.Counts(1, 1, 0)
    assert counts["historical"] == marked.Counts(0, 0, 1)
    assert counts["uncertain"] == marked.Counts(0, 0, 0)


def test_a_mention_left_out_counts_for_no_flag() -> None:
    counts, left_out = script.count("medspacy", LINES, [[None, []], [["family", "historical"]]])
    assert left_out == 1
    assert counts["negated"] == marked.Counts(0, 0, 0)
    assert counts["family"] == marked.Counts(1, 0, 0)


def test_only_flags_that_a_tool_knows_are_counted() -> None:
    counts, _ = script.count("negspacy", LINES, [[["negated"], []], [[]]])
    assert counts == {"negated": marked.Counts(1, 0, 0)}
    with pytest.raises(script.ToolError, match=r"answered \['family'\]"):
        script.count("negspacy", LINES, [[["negated"], []], [["family"]]])


@pytest.mark.parametrize("answers", [[[[], []]], [[[]], [[]]], [[[], []], [[], []]]])
def test_an_answer_is_needed_for_each_mention(answers: list[Any]) -> None:
    with pytest.raises(script.ToolError, match="did not answer for each mention"):
        script.count("medspacy", LINES, answers)


# --- the whole run, with fakes --------------------------------------------------------------------------


def test_fakes_are_compared_and_timed_in_one_run(tmp_path: Path) -> None:
    ours = fake(tmp_path, "suggester", '["negated"]')
    peer = fake(tmp_path, "negspacy", "None")
    with ours, peer:
        first, second = script.compare(LINES, [ours, peer], rounds=3)
    assert (first.tool, first.sentences, first.mentions, first.left_out) == ("suggester", 2, 3, 0)
    assert first.flags["negated"] == marked.Counts(1, 2, 0)
    assert (second.left_out, second.flags) == (3, {"negated": marked.Counts()})
    assert first.times == [3.0, 3.0, 3.0]
    assert first.ms == pytest.approx(1.5)
    record = first.record()
    assert record["ms_a_sentence"] == pytest.approx(1.5)
    assert record["flags"]["negated"]["precision"] == pytest.approx(1 / 3)


def test_the_table_has_a_row_for_each_flag_and_a_column_for_each_tool(tmp_path: Path) -> None:
    ours, peer = fake(tmp_path, "suggester", '["negated"]'), fake(tmp_path, "negspacy", "[]")
    with ours, peer:
        results = script.compare(LINES, [ours, peer], rounds=1)
    table = script.markdown("dev", results)
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines() if row[:1] == "|"]
    assert rows[0] == ["flag", "marked", "Suggester", "negspaCy"]
    assert [row[0] for row in rows[2:7]] == list(marked.FLAGS)
    assert rows[2] == ["negated", "1", "0.333 / 1.000 / **0.500**", "- / 0.000 / **0.000**"]
    assert rows[6] == ["family", "1", "- / 0.000 / **0.000**", "-"]
    assert rows[7] == ["ms a sentence", "", "1.50", "1.50"]
    assert {len(row) for row in rows} == {4}
    plain = script.plain("dev", results)
    assert "negspaCy (fake 1), 0 mentions left out, 1.500 ms a sentence" in plain


@pytest.mark.slow
def test_main_prints_every_tool_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started = {
        tool: fake(tmp_path, tool, "[]")._command if tool != "suggester" else command
        for tool, command in script.commands(sys.executable).items()
    }
    monkeypatch.setattr(script, "commands", lambda _: started)
    assert script.main(["--json", "--rounds", "1"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["part"] == "dev"
    assert list(report["tools"]) == ["suggester", "medspacy", "negspacy"]
    ours, peer = report["tools"]["suggester"], report["tools"]["medspacy"]
    assert ours["mentions"] > 1500
    assert ours["left_out"] == 0
    assert all(ours["flags"][flag]["f1"] > 0.9 for flag in marked.FLAGS)
    assert peer["flags"]["negated"]["recall"] == 0
    assert "suggester" in ours["versions"]
