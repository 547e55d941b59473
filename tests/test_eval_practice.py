"""Practice and fresh notes: read whole, with codes that are valid and billable on their service date."""

from __future__ import annotations

from pathlib import Path

import pytest

from suggester.codesets import open_catalog
from suggester.errors import InputError
from suggester.notes import read_gold
from suggester.types import GoldNote

PRACTICE = Path(__file__).parents[1] / "eval" / "practice"
FRESH = PRACTICE.parent / "fresh"


def coded(folder: Path) -> list[GoldNote]:
    notes: list[GoldNote] = []
    for path in sorted(folder.glob("*.jsonl")):
        for item in read_gold(path):
            assert not isinstance(item, InputError), str(item)
            notes.append(item)
    return notes


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "least"), [(PRACTICE, 60), (FRESH, 40)])
def test_every_code_is_valid_and_billable_and_has_its_words(folder: Path, least: int) -> None:
    notes = coded(folder)
    assert len(notes) > least
    assert len({note.note.id for note in notes}) == len(notes)
    catalog = open_catalog()
    days = {note.note.service_date for note in notes}
    releases = {day: catalog.release_set(day)[0] for day in days}
    for gold in notes:
        for item in gold.codes:
            store = releases[gold.note.service_date].store(item.system)
            for code in item.acceptable:
                assert store.billable[store.row(code)], (gold.note.id, code)
            assert item.evidence, (gold.note.id, item.code)
            for span in item.evidence:
                assert gold.note.text[span.start : span.end].strip()


@pytest.mark.slow
@pytest.mark.parametrize("judge", [FRESH, PRACTICE.parent / "gold"])
def test_practice_is_not_what_judges(judge: Path) -> None:
    texts = {
        item.note.text
        for path in judge.glob("notes_*.jsonl")
        for item in read_gold(path)
        if not isinstance(item, InputError)
    }
    assert texts
    assert texts.isdisjoint(note.note.text for note in coded(PRACTICE))
