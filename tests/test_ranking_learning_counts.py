"""Associations, ranks and figures against slow, obvious versions and hand-computed values."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from suggester.ranking.learning.associations import PAIR_NAMES, Associations, rank_within
from suggester.ranking.learning.figures import (
    Ranked,
    best_threshold,
    calibrated_threshold,
    calibration_error,
    gate,
    mean_average_precision,
    recall_when_precise,
    summary,
)

FEVER, COUGH, PATIENT = 0, 1, 2


def associations(rows: list[tuple[set[int], set[int]]], *, phrases: int, labels: int) -> Associations:
    left = np.zeros((len(rows), phrases), dtype=np.float32)
    right = np.zeros((len(rows), labels), dtype=np.float32)
    for number, (held, named) in enumerate(rows):
        left[number, list(held)] = 1
        right[number, list(named)] = 1
    return Associations.fit(
        csr_matrix(left),
        csr_matrix(right),
        right.sum(axis=0),
        kind=np.ones(phrases, dtype=np.int8),
        notes=len(rows),
    )


def looked_up(counts: Associations, phrases: list[int], *, top: int = 99) -> dict[int, dict[str, float]]:
    found = counts.look_up(
        np.zeros(len(phrases), dtype=np.int64),
        np.array(phrases, dtype=np.int64),
        np.zeros(len(phrases), dtype=np.bool_),
        top=top,
    )
    return {
        label: dict(zip(PAIR_NAMES, values, strict=True))
        for label, values in zip(found.label.tolist(), found.values.tolist(), strict=True)
    }


def test_counts_by_hand() -> None:
    counts = associations([({0, 1}, {0}), ({0}, {0}), ({0, 2}, set())], phrases=3, labels=1)
    found = looked_up(counts, [0])[0]
    assert found["together"] == 2
    assert found["phrase_count"] == 3
    assert found["share"] == pytest.approx((2 + 0.1 * 2 / 3) / 4)
    assert found["phrases"] == 1


def test_credit_goes_to_the_phrase_that_meets_the_code_elsewhere() -> None:
    together = [({FEVER, COUGH, PATIENT}, {FEVER, COUGH})] * 6
    alone = [({FEVER, PATIENT}, {FEVER}), ({COUGH, PATIENT}, {COUGH})] * 4
    counts = associations([*together, *alone, *[({PATIENT}, set())] * 10], phrases=3, labels=2)
    by_fever = looked_up(counts, [FEVER])
    assert by_fever[FEVER]["together"] == 10
    assert by_fever[COUGH]["together"] == 6
    assert by_fever[FEVER]["credit"] > 10 * by_fever[COUGH]["credit"]
    by_patient = looked_up(counts, [PATIENT])
    assert all(values["credit"] < 0.05 for values in by_patient.values())


def test_unknown_phrases_speak_for_nothing() -> None:
    counts = associations([({0}, {0})], phrases=1, labels=1)
    assert looked_up(counts, [-1]) == {}
    assert looked_up(counts, []) == {}


rows_of_phrases = st.lists(
    st.tuples(st.sets(st.integers(0, 5), min_size=1), st.sets(st.integers(0, 3))), min_size=1, max_size=12
)


@given(rows_of_phrases, st.sets(st.integers(0, 5), min_size=1))
def test_shares_are_those_of_a_slow_count(rows: list[tuple[set[int], set[int]]], asked: set[int]) -> None:
    counts = associations(rows, phrases=6, labels=4)
    want: dict[int, list[float]] = defaultdict(list)
    for phrase in sorted(asked):
        count = sum(phrase in held for held, _ in rows)
        for label in range(4):
            both = sum(phrase in held and label in named for held, named in rows)
            noted = sum(label in named for _, named in rows)
            if both:
                want[label].append((both + 0.1 * noted / len(rows)) / (count + 1))
    found = looked_up(counts, sorted(asked))
    assert found.keys() == want.keys()
    for label, shares in want.items():
        assert found[label]["share"] == pytest.approx(max(shares), rel=1e-4)
        assert found[label]["share_sum"] == pytest.approx(sum(shares), rel=1e-4)
        assert found[label]["phrases"] == len(shares)


@given(rows_of_phrases)
def test_credit_of_a_label_adds_up_to_its_sentences(rows: list[tuple[set[int], set[int]]]) -> None:
    counts = associations(rows, phrases=6, labels=4)
    for label in range(4):
        assert counts.credit[counts.label == label].sum() == pytest.approx(
            sum(label in named for _, named in rows), abs=0.05 * len(rows) + 1e-3
        )


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=20))
def test_rank_within_is_that_of_sorting_each_group(items: list[tuple[int, int]]) -> None:
    group = np.array([g for g, _ in items], dtype=np.int64)
    value = np.array([v for _, v in items], dtype=np.float64)
    rank, highest = rank_within(value, group)
    for here, (g, _) in enumerate(items):
        members = [i for i, (other, _) in enumerate(items) if other == g]
        order = sorted(members, key=lambda i: (-value[i], i))
        assert rank[here] == order.index(here)
        assert highest[here] == max(value[i] for i in members)


def test_a_model_without_its_idle_phrases_says_the_same() -> None:
    counts = associations([({0, 2}, {0}), ({1}, set())], phrases=3, labels=1)
    small, stay = counts.compact()
    assert stay.tolist() == [0, 2]
    assert looked_up(small, [1]) == looked_up(counts, [2])


def ranked(*pairs: tuple[float, bool], gold: int) -> Ranked:
    return Ranked(np.array([p for p, _ in pairs]), np.array([r for _, r in pairs], dtype=np.bool_), gold)


def test_figures_by_hand() -> None:
    notes = [ranked((0.9, True), (0.5, False), (0.4, True), gold=3), ranked((0.8, True), gold=1)]
    assert mean_average_precision(notes) == pytest.approx(((1 + 2 / 3) / 3 + 1) / 2)
    threshold, f1, precision, recall = best_threshold(notes)
    assert (threshold, precision, recall) == (0.4, 0.75, 0.75)
    assert f1 == pytest.approx(0.75)
    assert calibration_error([ranked((1.0, True), (0.0, False), gold=1)]) == 0.0
    assert calibration_error([ranked((0.6, False), gold=1)]) == pytest.approx(0.6)
    assert recall_when_precise([ranked(*[(0.9, True)] * 20, (0.1, False), gold=40)]) == 0.5
    assert summary(notes)["micro_f1"] == 0.75
    assert (summary(notes)["precision"], summary(notes)["threshold"]) == (0.75, 0.375)
    assert calibrated_threshold(notes) == pytest.approx(0.375)
    assert calibrated_threshold([]) == 0.5
    assert mean_average_precision([]) == 0.0
    assert best_threshold([]) == (0.5, 0.0, 0.0, 0.0)


def test_the_gate_keeps_the_better_and_refuses_the_worse() -> None:
    good = [ranked((0.9, True), (0.2, False), gold=1)] * 30
    bad = [ranked((0.9, False), (0.2, True), gold=1)] * 30
    assert gate(bad, good, thresholds=(0.5, 0.5)).kept
    assert gate(good, good, thresholds=(0.5, 0.5)).kept
    refused = gate(good, bad, thresholds=(0.5, 0.5))
    assert not refused.kept
    assert refused.map_difference[1] < 0
    assert not gate([], [], thresholds=(0.5, 0.5)).kept
