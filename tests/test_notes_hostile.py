"""Hostile inputs: no crash, no hang, an error for each, and what lies beside them is read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent / "hostile"))

from corpus import GOOD, Hostile, corpus

from suggester.batch.guard import TimeIsUpError, time_limit
from suggester.errors import InputError
from suggester.notes import ReadOptions, read_notes
from suggester.types import Note

CORPUS = corpus()
SEEDS = Path(__file__).resolve().parent / "hostile" / "seeds"
PATIENCE = 5.0
"""Seconds of the alarm that ends a reader that hangs; an alarm, not a measurement."""


def read(source: Path, **options: object) -> list[Note | InputError]:
    return list(read_notes(source, options=ReadOptions(**options)))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def ends_in_time() -> Iterator[None]:
    try:
        with time_limit(20 * PATIENCE):
            yield
    except TimeIsUpError:
        pytest.fail("the reader hangs")


def test_the_corpus_is_two_hundred_different_inputs() -> None:
    assert len(CORPUS) >= 200
    assert len({item.name for item in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("item", CORPUS, ids=lambda item: item.name)
def test_a_hostile_input_is_an_error_and_its_neighbours_are_read(tmp_path: Path, item: Hostile) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "0.txt").write_text(GOOD)
    (folder / item.name).write_bytes(item.data)
    (folder / "zz.txt").write_text(GOOD)
    found = read(folder, pattern="*")
    notes = [one for one in found if isinstance(one, Note)]
    errors = [one for one in found if isinstance(one, InputError)]
    assert [note.id for note in (notes[0], notes[-1])] == ["0", "zz"]
    assert len(notes) == 2 + item.notes
    assert errors
    assert {type(error).__module__ for error in errors} == {"suggester.errors"}
    assert not any("ough" in str(error) for error in errors)
    if "many" not in item.name and "headers" not in item.name and not item.name.endswith((".csv", ".jsonl")):
        assert len(errors) == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(["in", "0.txt", item.name, "zz.txt"])


@pytest.mark.parametrize("seed", sorted(SEEDS.rglob("*.*")), ids=lambda path: path.name)
def test_seeds_of_the_fuzzer_and_what_it_found_are_read_or_refused(seed: Path) -> None:
    kinds = {"html": "txt", "gzip": None}
    found = read(seed, kind=kinds.get(seed.parent.name, seed.parent.name))
    assert found
    assert all(isinstance(item, Note | InputError) for item in found)


def test_a_parquet_file_that_once_ended_the_process_is_an_error() -> None:
    (error,) = read(SEEDS / "parquet" / "aborts_in_column_metadata.parquet")
    assert isinstance(error, InputError)
