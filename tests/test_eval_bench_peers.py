"""Speed beside the peers: what each tool is asked, how ratios are made, who is left out. Needs no peer."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suggester.codesets.terms import Source

EVAL = Path(__file__).resolve().parent.parent / "eval"


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EVAL / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and imports between scripts look it up
    spec.loader.exec_module(module)
    return module


_script("score_marked")
compare = _script("compare_assertion")
tools = _script("peer_tools")
script = _script("bench_peers")


class Fake:
    """A tool's process that answers from a list of times, or cannot be opened."""

    def __init__(self, tool: str, times: Sequence[float] = (), *, error: str | None = None) -> None:
        self.tool, self.times, self.error = tool, list(times), error
        self.asked: list[str] = []

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        (name,) = request
        self.asked.append(name)
        if self.error:
            raise compare.ToolError(f"{self.error}; install the dependency group")
        if name == "round":
            return {"ms": self.times.pop(0)}
        return {
            "terms": {"versions": {self.tool: "1"}, "cpu_s": 2.0},
            "notes": {"found": 3},
            "peak": {"mb": 100.0},
        }[name]


def test_rounds_are_in_turn_and_the_median_counts() -> None:
    ours, theirs = Fake("suggester", [5.0, 10.0, 30.0]), Fake("medspacy", [100.0, 90.0, 500.0])
    reader, gone = Fake("reader", [4.0, 5.0, 6.0]), Fake("scispacy", error="cannot be opened")
    results = script.measure([ours, reader, theirs, gone], Path("terms.json"), ["a", "b"], rounds=3)
    assert ours.asked == ["terms", "notes", "round", "round", "round", "peak"]
    record = script.records(results, 2)
    assert record["suggester"]["notes_a_second"] == 200.0
    assert record["medspacy"]["our_rate_over_theirs"] == 10.0
    assert record["medspacy"]["reader_rate_over_theirs"] == 20.0
    assert record["medspacy"]["their_load_over_ours"] == 1.0
    assert record["scispacy"] == {"left_out": "cannot be opened"}
    table = script.markdown(results, 2)
    assert "| medspaCy 1 | 10.0 | 20.0 | 1.0 | 1.0 |" in table
    assert "left out: cannot be opened" in table


def test_without_our_engine_there_is_nothing_to_compare() -> None:
    with pytest.raises(compare.ToolError, match="cannot be opened"):
        script.measure([Fake("suggester", error="cannot be opened")], Path("terms.json"), ["a"], rounds=1)


def test_terms_leave_descriptors_out_and_are_cut_evenly() -> None:
    index = SimpleNamespace(
        phrases=["a", "b", " ", "c", "d", "e"],
        term_target=np.zeros(6, dtype=np.int32),
        term_row=np.arange(6),
        term_source=np.array([Source.TITLE, Source.CPT_DESCRIPTOR, *[Source.LEXICON] * 4]),
    )
    assert [phrase for phrase, _ in script.terms_of(index)] == ["a", "c", "d", "e"]
    assert script.terms_of(index, 2) == [("a", "0:0"), ("d", "0:4")]


def test_texts_are_those_of_all_files_in_order(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text('{"text": "one"}\n\n{"text": "two"}\n', encoding="utf-8")
    assert script.read_texts([path, path]) == ["one", "two", "one", "two"]
    assert script.read_texts([path, path], 3) == ["one", "two", "one"]


def _answers(opener: Any, packages: Sequence[str], requests: Sequence[object]) -> list[dict[str, Any]]:
    said = io.StringIO()
    tools.answer(opener, packages, io.StringIO("".join(json.dumps(r) + "\n" for r in requests)), said)
    return [json.loads(line) for line in said.getvalue().splitlines()]


def test_a_tool_opens_reads_times_and_weighs(tmp_path: Path) -> None:
    terms = tmp_path / "terms.json"
    terms.write_text('[["chest pain", "1"]]', encoding="utf-8")
    requests = [{"terms": str(terms)}, {"notes": ["chest pain", "none"]}, {"round": True}, {"peak": True}]
    opened, read, timed, weighed = _answers(
        lambda given: lambda text: sum(phrase in text for phrase, _ in given), ("spacy",), requests
    )
    assert set(opened) == {"versions", "cpu_s"}
    assert read == {"found": 1}
    assert timed["ms"] >= 0
    assert weighed["mb"] > 1


def test_a_tool_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    terms = tmp_path / "terms.json"
    terms.write_text("[]", encoding="utf-8")

    def refuse(_: object) -> object:
        raise RuntimeError("needs another scipy")

    opened, read = _answers(refuse, (), [{"terms": str(terms)}, {"notes": ["a"]}])
    assert "needs another scipy" in opened["error"]
    assert "before it was opened" in read["error"]


def test_memory_without_the_kernels_file_is_the_resource_usage(tmp_path: Path) -> None:
    assert tools.peak_mb(tmp_path / "none") > 1


def test_mentions_are_cut_at_the_longest_run() -> None:
    assert tools.mentions("a b c d e f. A", set()) == ["a b c d e", "f", "a"]
