"""Nearness in meaning: titles beside the words of a note, by vectors of words."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from engine_world import bench_of, nothing_seen

from suggester.codesets import Catalog
from suggester.errors import ModelError
from suggester.pinned import CARD_FILE
from suggester.ranking.bench import Bench
from suggester.ranking.describing import GENERAL, by_head, sighting, with_meaning
from suggester.ranking.meaning import MEANING_NAMES, Meaning
from suggester.ranking.sighting import Sighting
from suggester.types import System

TITLES: dict[System, list[str]] = {
    "ICD-10-CM": [
        "Myocardial infarction, unspecified",
        "Fracture of radius",
        "Qqq zzz",
        "Chronic renal insufficiency",
    ],
    "HCPCS": ["Wrist hand orthosis"],
}
EAST, NORTH = (1.0, 0.0), (0.0, 1.0)


def meaning() -> Meaning:
    words = {"myocardial": EAST, "infarction": EAST, "heart": EAST, "radius": NORTH, "wrist": NORTH}
    return Meaning(
        words={word: row for row, word in enumerate(words)},
        vectors=np.array([*words.values(), (0.0, 0.0)], dtype=np.float32),
        sha256="",
        titles=TITLES,
    )


def told(one: Meaning, note: Sighting, codes: Sequence[tuple[System, int]]) -> np.ndarray:
    rows = np.array([one.words.get(word, len(one.words)) for word in note.words], dtype=np.intp)
    return one.columns(note, codes, one.running(rows), [(0, len(codes))])


def seen(
    text: str, *, first: int, final: int, begin: int = 0, stop: int | None = None, size: int = 1
) -> Sighting:
    """A note in which each of ``size`` candidates stands on the same words of one sentence."""
    words = text.split()

    def each(value: int) -> np.ndarray:
        return np.full(size, value, dtype=np.int64)

    return Sighting(
        codes=["I21.9"] * size,
        categories=["I21"] * size,
        phrases=["x"] * size,
        affirmed=np.ones(size, dtype=np.bool_),
        whole=np.ones(size, dtype=np.bool_),
        fitting=np.ones(size, dtype=np.bool_),
        first=each(first),
        final=each(final),
        begin=each(begin),
        stop=each(len(words) if stop is None else stop),
        kinds=["hpi"] * size,
        words=words,
    )


def test_a_title_is_near_words_that_mean_the_same_and_not_near_others() -> None:
    note = seen("a heart attack not the wrist", first=1, final=2, size=2)
    table = told(meaning(), note, [("ICD-10-CM", 0), ("ICD-10-CM", 1)])
    both = 0.5**0.5
    np.testing.assert_allclose(table[0], [1.0, both, both, both], atol=1e-6)
    np.testing.assert_allclose(table[1], [0.0, both, both, both], atol=1e-6)


def test_near_words_end_with_the_sentence_and_after_six() -> None:
    names = dict(zip(MEANING_NAMES, range(4), strict=True))
    far = seen("heart a b c d e f g wrist", first=0, final=0)
    (row,) = told(meaning(), far, [("ICD-10-CM", 0)])
    assert row[names["meaning_near"]] == pytest.approx(1.0)
    assert row[names["meaning_sentence"]] == pytest.approx(0.5**0.5)
    other = seen("wrist heart radius", first=1, final=1, begin=1, stop=2)
    (row,) = told(meaning(), other, [("ICD-10-CM", 0)])
    assert row[names["meaning_sentence"]] == pytest.approx(1.0)
    assert row[names["meaning_note"]] == pytest.approx(1 / 5**0.5)


def test_what_has_no_known_word_is_near_nothing() -> None:
    note = seen("heart", first=0, final=0, size=3)
    table = told(meaning(), note, [("ICD-10-CM", 0), ("ICD-10-CM", 2), ("CPT", 0)])
    assert table[0].tolist() == [1.0] * 4
    assert not table[1:].any()
    assert not told(meaning(), seen("zz", first=0, final=0), [("ICD-10-CM", 0)]).any()
    assert told(meaning(), nothing_seen(), []).shape == (0, len(MEANING_NAMES))


def test_a_title_that_was_worked_out_is_the_same_again_beside_new_ones() -> None:
    one = meaning()
    codes: list[tuple[System, int]] = [("ICD-10-CM", 1), ("HCPCS", 0), ("ICD-10-CM", 0), ("CPT", 7)]
    note = seen("heart radius", first=0, final=1, size=4)
    first = told(one, seen("heart radius", first=0, final=1, size=2), codes[:2])
    np.testing.assert_array_equal(told(one, note, codes)[:2], first)
    np.testing.assert_array_equal(told(one, note, codes), told(meaning(), note, codes))


def test_what_ships_knows_that_failing_kidneys_are_renal_insufficiency() -> None:
    note = seen("kidney failure", first=0, final=1, size=2)
    table = told(Meaning.load(TITLES), note, [("ICD-10-CM", 3), ("ICD-10-CM", 1)])
    assert table[0, 0] > table[1, 0] + 0.2


def test_general_columns_are_the_features_and_meaning(catalog: Catalog) -> None:
    bench: Bench = bench_of(catalog)
    reading = bench.read("Assessment: diabetes. Ketorolac 30 mg IM given.")
    found = bench.finder.find(reading, setting="outpatient")
    for _, group in by_head(found):
        table, scored = bench.features.build(reading, group, setting="outpatient")
        general, note = with_meaning(bench, reading, scored, table)
        assert general.shape == (len(scored), len(GENERAL))
        np.testing.assert_array_equal(general[:, : table.shape[1]], table)
        assert note.codes == sighting(bench, reading, scored, table).codes


def shipped_like(folder: Path, **changes: str) -> Path:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        words=np.frombuffer(b"heart\nwrist", dtype=np.uint8),
        vectors=np.array([[127, 0], [0, -127]], dtype=np.int8),
        weights=np.array([0.5, 1.0], dtype=np.float32),
    )
    (folder / Meaning.ARRAYS_FILE).write_bytes(buffer.getvalue())
    card = {"sha256": hashlib.sha256(buffer.getvalue()).hexdigest(), **changes}
    (folder / CARD_FILE).write_text(json.dumps(card), encoding="utf-8")
    return folder


def test_vectors_are_read_with_their_weights(tmp_path: Path) -> None:
    one = Meaning.load(TITLES, shipped_like(tmp_path))
    assert one.words == {"heart": 0, "wrist": 1}
    assert one.vectors.tolist() == [[0.5, 0.0], [0.0, -1.0], [0.0, 0.0]]


def test_vectors_that_were_changed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="its hash is not the one on its card"):
        Meaning.load(TITLES, shipped_like(tmp_path, sha256="0" * 64))
    with pytest.raises(ModelError, match="cannot be read"):
        Meaning.load(TITLES, tmp_path / "none")
