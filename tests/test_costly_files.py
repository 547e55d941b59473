"""The list by which several processes share the tests names files that there are, the costliest first."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent


def test_costly_files_are_there_and_in_order() -> None:
    head, *lines = (TESTS / "costly_files.tsv").read_text(encoding="utf-8").splitlines()
    assert head == "tests\tseconds"
    rows = [line.split("\t") for line in lines]
    assert [name for name, _ in rows if not (TESTS.parent / name).exists()] == []
    seconds = [int(value) for _, value in rows]
    assert seconds == sorted(seconds, reverse=True)
