"""Cues compiled into the store folder: the same cues, made anew when anything is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from suggester.codesets.container import Container
from suggester.errors import CodeSetError
from suggester.pipeline import cues_compiled
from suggester.pipeline.cues import Cues, read_cues
from suggester.pipeline.cues_compiled import CUES_FILE, open_cues

WORDS = [
    *("no", "evidence", "of", "pneumonia", ",", "denies", "chest", "pain", ";", "history", "of", "stroke"),
    *("in", "1990", ",", "mother", "had", "diabetes"),
]


@pytest.fixture(autouse=True)
def forget() -> None:
    open_cues.cache_clear()


def found(cues: Cues) -> list[object]:
    books = (cues.setting, cues.ending, cues.title)
    return [
        (
            book.size,
            book.classes,
            at,
            book.longest(WORDS, at, len(WORDS), first=not at),
            book.endings(WORDS, at, min(at + 4, len(WORDS))),
        )
        for book in books
        for at in range(len(WORDS))
    ]


def test_compiled_cues_are_those_of_the_files(tmp_path: Path) -> None:
    made = open_cues(tmp_path)
    assert made is read_cues()
    open_cues.cache_clear()
    opened = open_cues(tmp_path)
    assert opened is not made
    assert found(opened) == found(made)
    assert opened.setting.longest(WORDS, 0, 3) is not None
    assert [book.nodes() for book in (opened.setting, opened.ending, opened.title)] == [
        book.nodes() for book in (made.setting, made.ending, made.title)
    ]


def test_cues_of_other_files_or_code_are_compiled_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_cues(tmp_path)
    monkeypatch.setattr(cues_compiled, "_CODE", ("cues.py",))
    open_cues.cache_clear()
    key = Container.read_meta(tmp_path / CUES_FILE)["key"]
    assert open_cues(tmp_path) is read_cues()
    assert Container.read_meta(tmp_path / CUES_FILE)["key"] != key


def test_damaged_cues_are_compiled_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    open_cues(tmp_path)
    path = tmp_path / CUES_FILE
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1  # the last bytes may be padding
    path.write_bytes(data)
    open_cues.cache_clear()
    assert open_cues(tmp_path) is read_cues()
    assert "damaged" in caplog.text
    assert Container.open(path).has("cues")


def test_cues_are_read_where_they_cannot_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(folder: Path) -> None:
        raise CodeSetError(f"store folder {folder.name} cannot be written")

    monkeypatch.setattr(cues_compiled, "locked", refused)
    caplog.set_level("INFO")
    assert open_cues(tmp_path) is read_cues()
    assert not (tmp_path / CUES_FILE).exists()
    assert "read at each start" in caplog.text
