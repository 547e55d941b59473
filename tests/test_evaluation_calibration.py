"""Reliability, calibration errors, expected wrong codes and the confidence of 95 %."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_evaluation_cases import one_case

from suggester.evaluation.calibration import Calibration
from suggester.evaluation.figures import Resampling


def result(*cases, resampling=None):
    calibration = Calibration(thresholds=(0.5, 0.9))
    for case in cases:
        calibration.update(case)
    return calibration.compute(resampling)


def values(found):
    return {figure.name: figure.value for figure in found.figures}


def listing(pairs):
    """A case whose suggestions have these confidences and verdicts; right ones are gold."""
    codes = [f"Z{number:02d}.0" for number in range(len(pairs))]
    gold = " ".join(code for code, (_, right) in zip(codes, pairs, strict=True) if right)
    named = " ".join(f"{code}:{confidence}" for code, (confidence, _) in zip(codes, pairs, strict=True))
    return one_case(gold, named)


def test_by_hand():
    found = result(listing([(0.95, True), (0.85, True), (0.82, False), (0.15, False)]))
    top, second = found.fixed[9], found.fixed[8]
    assert (top.low, top.high, top.size, top.right) == (pytest.approx(0.9), 1.0, 1, 1.0)
    assert (second.size, second.confidence, second.right) == (2, pytest.approx(0.835), 0.5)
    assert found.fixed[5].confidence is None
    assert values(found)["ece"] == pytest.approx((0.05 + abs(0.85 + 0.82 - 1) + 0.15) / 4)
    assert values(found)["brier"] == pytest.approx((0.05**2 + 0.15**2 + 0.82**2 + 0.15**2) / 4)


def test_bins_hold_their_lower_edge_and_the_last_both():
    found = result(listing([(0.0, False), (0.1, False), (0.9, True), (1.0, True)]))
    assert [one.size for one in found.fixed] == [1, 1, 0, 0, 0, 0, 0, 0, 0, 2]


def test_equal_mass_bins_are_equal_and_never_part_ties():
    even = result(listing([(number / 100, False) for number in range(50)]))
    assert [one.size for one in even.equal_mass] == [5] * 10
    tied = result(listing([(0.5, True)] * 7 + [(0.9, True)] * 3))
    assert [one.size for one in tied.equal_mass] == [7, 3]


def test_right_counts_alternatives():
    found = result(one_case("J44.9=J44.1", "J44.1:1.0"))
    assert values(found) == {"ece": 0.0, "ece_equal_mass": 0.0, "brier": 0.0}


def test_above_a_threshold():
    case = one_case("I10 E11.9=E11.65 J44.9", "I10:.9 E11.65:.6 R05.9:.6 R07.9:.5 J44.9:.2")
    half, ninety = result(case).above
    assert (half.threshold, half.suggested, half.wrong) == (0.5, 4, 2)
    assert half.expected_wrong == pytest.approx(0.1 + 0.4 + 0.4 + 0.5)
    assert half.precision.value == 0.5
    assert (half.found.value, half.found.size) == (pytest.approx(2 / 3), 3)
    assert (ninety.suggested, ninety.wrong, ninety.found.value) == (1, 0, pytest.approx(1 / 3))


def test_confident_is_the_lowest_threshold_that_holds_95():
    pairs = [(0.9, True)] * 19 + [(0.8, False)] + [(0.7, False)]
    sure = result(listing(pairs)).confident
    assert (sure.threshold, sure.suggested, sure.wrong) == (0.8, 20, 1)
    assert sure.found.value == 1.0


def test_confident_takes_ties_whole():
    assert result(listing([(0.9, True), (0.9, False)])).confident is None


def test_a_dip_below_95_does_not_stop_the_search():
    pairs = [(0.99, False)] + [(0.9, True)] * 19
    assert result(listing(pairs)).confident.threshold == 0.9


@pytest.mark.parametrize("cases", [(), (one_case("", ""),), (one_case("I10", ""),)])
def test_nothing_suggested_is_undefined(cases):
    found = result(*cases, resampling=Resampling(len(cases), samples=10))
    assert set(values(found).values()) == {None}
    assert found.confident is None
    assert found.equal_mass == ()
    assert found.above[0].precision.value is None


def test_intervals_hold_the_value():
    cases = [listing([(0.9, index % 3 > 0), (0.4, index % 2 == 0), (0.2, False)]) for index in range(40)]
    found = result(*cases, resampling=Resampling(40, samples=200))
    for figure in found.figures:
        assert figure.low <= figure.value <= figure.high


some_pairs = st.lists(st.tuples(st.sampled_from((0.0, 0.1, 0.35, 0.5, 0.9, 1.0)), st.booleans()), max_size=12)


@settings(max_examples=80)
@given(st.lists(some_pairs, max_size=4))
def test_equals_the_oracle(notes):
    pairs = [pair for note in notes for pair in note]
    found = result(*(listing(note) for note in notes))
    if not pairs:
        assert set(values(found).values()) == {None}
        return
    ece = 0.0
    for index in range(10):
        low, high = index / 10, (index + 1) / 10
        inside = [pair for pair in pairs if low <= pair[0] < high or (index == 9 and pair[0] == 1.0)]
        if inside:
            gap = sum(c for c, _ in inside) / len(inside) - sum(r for _, r in inside) / len(inside)
            ece += abs(gap) * len(inside) / len(pairs)
    assert math.isclose(values(found)["ece"], ece, abs_tol=1e-9)
    brier = sum((c - r) ** 2 for c, r in pairs) / len(pairs)
    assert math.isclose(values(found)["brier"], brier, abs_tol=1e-9)
    assert sum(one.size for one in found.equal_mass) == len(pairs)
    precise = []
    for threshold in {c for c, _ in pairs}:
        verdicts = [r for c, r in pairs if c >= threshold]
        if sum(verdicts) / len(verdicts) >= 0.95:
            precise.append(threshold)
    assert (None if found.confident is None else found.confident.threshold) == min(precise, default=None)


@settings(max_examples=25)
@given(st.lists(some_pairs, max_size=5), st.integers(0, 5))
def test_batches_equal_the_whole_and_reset_forgets(notes, cut):
    resampling = Resampling(len(notes), samples=10)
    cases = [listing(note) for note in notes]
    parts = Calibration(thresholds=(0.5, 0.9))
    for case in cases[:cut]:
        parts.update(case)
    parts.compute()
    for case in cases[cut:]:
        parts.update(case)
    assert parts.compute(resampling) == result(*cases, resampling=resampling)
    parts.reset()
    assert parts.compute() == result()
