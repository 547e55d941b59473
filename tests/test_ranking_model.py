"""The model on disk: whole, pinned by its hash, refused where it does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from engine_world import stump_ranker
from hypothesis import given, settings
from hypothesis import strategies as st

from suggester.errors import ModelError
from suggester.pinned import CARD_FILE, lines_of, text_array, write
from suggester.ranking.describing import COLUMNS, HEADS
from suggester.ranking.model import (
    ARRAYS_FILE,
    Calibration,
    Ranker,
    shipped_models,
)
from suggester.resources import data_path


@pytest.fixture
def ranker() -> Ranker:
    return stump_ranker(feature=COLUMNS.index("coverage"), threshold=0.9)


@pytest.fixture(scope="module")
def general() -> Ranker:
    return Ranker.load("general")


@pytest.fixture
def folder(ranker: Ranker, tmp_path: Path) -> Path:
    ranker.save(tmp_path / "mine")
    return tmp_path / "mine"


def rows(count: int = 50) -> np.ndarray:
    return np.random.default_rng(0).random((count, len(COLUMNS))).astype(np.float32)


def test_a_saved_model_is_loaded_as_it_was(ranker: Ranker, folder: Path) -> None:
    again = Ranker.load(str(folder))
    assert (again.name, again.version) == ("stump", "1")
    assert again.card["limits"] == "none"
    assert again.card["features"] == list(COLUMNS)
    for head in HEADS:
        assert again.confidence(head, rows()).tolist() == ranker.confidence(head, rows()).tolist()


def test_saving_twice_gives_the_same_bytes(ranker: Ranker, folder: Path, tmp_path: Path) -> None:
    ranker.save(tmp_path / "other")
    for name in (ARRAYS_FILE, CARD_FILE):
        assert (folder / name).read_bytes() == (tmp_path / "other" / name).read_bytes(), name
    Ranker.load(str(folder)).save(tmp_path / "third")
    assert (folder / ARRAYS_FILE).read_bytes() == (tmp_path / "third" / ARRAYS_FILE).read_bytes()


def change_card(folder: Path, **values: object) -> None:
    card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    (folder / CARD_FILE).write_text(json.dumps({**card, **values}), encoding="utf-8")


def test_a_model_that_was_changed_or_cut_is_refused(folder: Path) -> None:
    whole = (folder / ARRAYS_FILE).read_bytes()
    for data in (whole[:-1], whole + b"\0", b"", bytes([whole[0] ^ 1]) + whole[1:]):
        (folder / ARRAYS_FILE).write_bytes(data)
        with pytest.raises(ModelError, match="mine: its hash is not the one on its card"):
            Ranker.load(str(folder))


def test_a_model_without_a_hash_is_refused(folder: Path) -> None:
    change_card(folder, sha256=None)
    with pytest.raises(ModelError, match="hash"):
        Ranker.load(str(folder))


@pytest.mark.parametrize("features", [[], list(COLUMNS[:-1]), list(reversed(COLUMNS)), None])
def test_a_model_of_other_features_is_refused(folder: Path, features: object) -> None:
    change_card(folder, features=features)
    with pytest.raises(ModelError, match="made for other features; train it again"):
        Ranker.load(str(folder))


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"no model 'nosuch'; shipped: .*general"):
        Ranker.load("nosuch")


def test_an_unknown_path_is_named_without_its_folders(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        Ranker.load(str(tmp_path / "deep" / "gone"))
    assert "gone" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_card_that_cannot_be_read_is_a_model_error(folder: Path) -> None:
    (folder / CARD_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="mine: its card cannot be read"):
        Ranker.load(str(folder))


def test_a_model_without_arrays_is_a_model_error(folder: Path) -> None:
    (folder / ARRAYS_FILE).unlink()
    with pytest.raises(ModelError, match="mine: cannot be read"):
        Ranker.load(str(folder))


def test_the_shipped_model_is_whole_and_says_what_it_was_fitted_on() -> None:
    assert "general" in shipped_models()
    ranker = Ranker.load("general")
    assert ranker.name == "general"
    assert set(ranker.trees) == set(ranker.calibration) == set(HEADS)
    for key in ("what", "data", "limits", "sha256", "releases"):
        assert ranker.card[key]
    vectors = json.loads(data_path("models", "words", "card.json").read_text(encoding="utf-8"))
    assert ranker.card["vectors"] == vectors["sha256"], "fitted with other vectors of words: fit it again"
    for head in HEADS:
        calibration = ranker.calibration[head]
        assert (np.diff(calibration.raw) > 0).all()
        assert (np.diff(calibration.probability) >= 0).all()
        assert calibration.probability.min() >= 0.0
        assert calibration.probability.max() <= 1.0
        assert ranker.trees[head].feature.max() < len(COLUMNS)
        assert ranker.confidence(head, rows(200)).shape == (200,)


def test_the_shipped_model_is_on_disk_what_it_is_in_memory(general: Ranker, tmp_path: Path) -> None:
    general.save(tmp_path / "again")
    shipped = data_path("models", "general", ARRAYS_FILE).read_bytes()
    assert (tmp_path / "again" / ARRAYS_FILE).read_bytes() == shipped
    for head in HEADS:
        assert "" not in general.usage[head].words


def test_a_model_whose_words_and_weights_differ_in_number_is_refused(folder: Path) -> None:
    with np.load(folder / ARRAYS_FILE) as box:
        arrays = {name: box[name] for name in box.files}
    arrays["diagnosis.usage.words"] = text_array(["one", "two"])
    write(folder / ARRAYS_FILE, arrays, json.loads((folder / CARD_FILE).read_text(encoding="utf-8")))
    with pytest.raises(ModelError, match="do not belong together: weights of 0 words, but 2 words"):
        Ranker.load(str(folder))


def test_a_line_to_store_holds_no_line_end() -> None:
    assert lines_of(text_array(["a", "", "b"])) == ["a", "", "b"]
    with pytest.raises(ValueError, match="line end"):
        text_array(["a", "\n"])


def test_no_rows_give_no_confidences(ranker: Ranker) -> None:
    assert ranker.confidence("diagnosis", rows(0)).shape == (0,)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-40, 40, width=32), min_size=1, max_size=30))
def test_confidence_is_a_probability_and_rises_with_the_raw_score(general: Ranker, raw: list[float]) -> None:
    class Identity:
        def predict(self, features: np.ndarray) -> np.ndarray:
            return features[:, 0].astype(np.float64)

    scores = np.sort(np.array(raw, dtype=np.float32))
    for head in HEADS:
        fake = replace(general, trees={head: Identity()})  # type: ignore[dict-item]
        confidence = fake.confidence(head, scores[:, None])
        assert ((confidence >= 0) & (confidence <= 1)).all()
        assert (np.diff(confidence) >= 0).all()


def test_calibration_is_linear_between_its_knots_and_flat_outside() -> None:
    calibration = Calibration(raw=np.array([0.0, 1.0, 3.0]), probability=np.array([0.1, 0.5, 0.9]))
    said = calibration.apply(np.array([-9.0, 0.0, 0.5, 2.0, 3.0, 9.0]))
    assert said == pytest.approx([0.1, 0.1, 0.3, 0.7, 0.9, 0.9])


def test_inside_a_flat_step_the_raw_score_still_orders(ranker: Ranker) -> None:
    class Identity:
        def predict(self, features: np.ndarray) -> np.ndarray:
            return features[:, 0].astype(np.float64)

    flat = Calibration(raw=np.array([-5.0, 5.0]), probability=np.array([0.4, 0.4]))
    fake = replace(ranker, trees={"diagnosis": Identity()}, calibration={"diagnosis": flat})  # type: ignore[dict-item]
    one, other = fake.confidence("diagnosis", np.array([[0.5], [1.5]], dtype=np.float32))
    assert one < other
    assert other == pytest.approx(0.4, abs=1e-5)
