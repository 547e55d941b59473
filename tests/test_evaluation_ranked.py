"""Precision, recall, F1, MAP, cut-offs, sweep and bootstrap: by hand, against slow oracles, in batches."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suggester.evaluation.cases import Ranking
from suggester.evaluation.figures import Figure, Resampling
from suggester.evaluation.ranked import (
    AtCutoffs,
    CandidateRecall,
    MacroScores,
    MeanAveragePrecision,
    MicroScores,
    ThresholdSweep,
)

# Confidences from a small set, so that ties and thresholds exactly met come up often.
CONFIDENCES = (0.0, 0.1, 0.3, 0.5, 0.5000001, 0.9, 1.0)

ranking = st.builds(
    lambda pairs, gold: Ranking(
        note_id="n",
        keys=tuple(key for key, _ in pairs),
        confidences=tuple(confidence for _, confidence in pairs),
        gold=frozenset(gold),
    ),
    st.lists(
        st.tuples(st.sampled_from("ABCDEFGH"), st.sampled_from(CONFIDENCES)), unique_by=lambda pair: pair[0]
    ),
    st.sets(st.sampled_from("ABCDEFGHIJ"), max_size=5),
)
rankings = st.lists(ranking, max_size=6)


def ranked(keys, gold, confidences=None):
    return Ranking(
        note_id="n",
        keys=tuple(keys),
        confidences=tuple(confidences or [1.0] * len(keys)),
        gold=frozenset(gold),
    )


def values(metric, items, resampling=None):
    for item in items:
        metric.update(item)
    return {figure.name: figure.value for figure in metric.compute(resampling)}


def same(found, expected):
    return found is expected if None in (found, expected) else math.isclose(found, expected, abs_tol=1e-12)


def divide(a, b):
    return a / b if b else None


# By hand -------------------------------------------------------------------------------------------------


def test_micro_pools_over_notes():
    items = [ranked("ABC", "AB", [0.9, 0.5, 0.49]), ranked("D", "EF", [0.8]), ranked("", "G")]
    assert values(MicroScores(threshold=0.5), items) == {
        "micro_precision": 2 / 3,
        "micro_recall": 2 / 5,
        "micro_f1": 4 / 8,
    }


def test_macro_is_the_mean_over_codes_that_are_gold():
    # A: 1 right of 2 suggested of 1 gold; B: never suggested; C is never gold and does not enter.
    found = values(MacroScores(threshold=0.5), [ranked("AC", "A"), ranked("A", "B")])
    assert found == {"macro_precision": 0.25, "macro_recall": 0.5, "macro_f1": pytest.approx((2 / 3) / 2)}


def test_map_by_hand():
    # Ranks 1 and 3 of two gold: (1/1 + 2/3) / 2. One of two gold at rank 2: (1/2) / 2. No gold: left out.
    items = [ranked("AXB", "AB"), ranked("XC", "CD"), ranked("XY", "")]
    metric = MeanAveragePrecision()
    assert values(metric, items)["map"] == pytest.approx(((1 + 2 / 3) / 2 + 0.25) / 2)
    assert metric.compute()[0].size == 2


def test_map_follows_the_rank_given_and_not_the_confidence():
    assert values(MeanAveragePrecision(), [ranked("XA", "A", [0.1, 0.9])])["map"] == 0.5


def test_at_cutoffs_divides_precision_by_k():
    found = values(AtCutoffs(cutoffs=(1, 3)), [ranked("AXB", "ABC"), ranked("X", "A"), ranked("X", "")])
    assert found == {
        "precision_at_1": 0.5,
        "recall_at_1": pytest.approx(1 / 6),
        "precision_at_3": pytest.approx((2 / 3 + 0) / 2),
        "recall_at_3": pytest.approx((2 / 3 + 0) / 2),
    }


def test_candidate_recall_counts_the_whole_list():
    assert values(CandidateRecall(), [ranked("XA", "AB"), ranked("", "C")]) == {"candidate_recall": 1 / 3}


def test_sweep_finds_the_best_threshold_and_the_highest_of_equals():
    sweep = ThresholdSweep()
    sweep.update(ranked("ABX", "AB", [0.9, 0.6, 0.2]))
    best, curve = sweep.compute()
    assert best is not None
    assert (best.threshold, best.f1, best.suggested) == (0.6, 1.0, 2)
    assert len(curve) == 100
    assert (curve[0].suggested, curve[0].precision, curve[99].precision) == (3, 2 / 3, None)
    # F1 is 2/3 at 0.9 (one right of one suggested, two gold) and again at 0.6 (two right of four).
    tied = ThresholdSweep().update(ranked("AXYB", "AB", [0.9, 0.8, 0.7, 0.6]))
    assert tied.compute()[0].threshold == 0.9


def test_sweep_over_given_thresholds_only():
    best, curve = ThresholdSweep(thresholds=(0.8, 0.5)).update(ranked("AB", "AB", [0.9, 0.6])).compute()
    assert best.threshold == 0.5
    assert [point.threshold for point in curve] == [0.5, 0.8]


# Degenerate ----------------------------------------------------------------------------------------------

METRICS = (
    lambda: MicroScores(threshold=0.5),
    lambda: MacroScores(threshold=0.5),
    MeanAveragePrecision,
    AtCutoffs,
    CandidateRecall,
)


@pytest.mark.parametrize("make", METRICS)
@pytest.mark.parametrize("items", [[], [ranked("", "")], [ranked("", "")] * 3])
def test_nothing_to_measure_is_undefined_and_not_zero(make, items):
    found = values(make(), items, Resampling(len(items), samples=20))
    assert found
    assert set(found.values()) == {None}


@pytest.mark.parametrize("make", METRICS)
def test_all_right_is_one_with_a_tight_interval(make):
    metric = make()
    items = [ranked("ABCDE", "ABCDE"), ranked("FGHIJ", "FGHIJ")]
    for item in items:
        metric.update(item)
    for figure in metric.compute(Resampling(2, samples=50)):
        if figure.name.startswith("precision_at") and not figure.name.endswith("_5"):
            continue
        assert (figure.value, figure.low, figure.high) == (1.0, 1.0, 1.0)


def test_precision_without_suggestions_is_undefined_while_recall_is_zero():
    found = values(MicroScores(threshold=0.5), [ranked("", "A")])
    assert found == {"micro_precision": None, "micro_recall": 0.0, "micro_f1": 0.0}


def test_sweep_without_anything_has_no_best():
    assert ThresholdSweep().compute()[0] is None
    assert ThresholdSweep().update(ranked("X", "A")).compute()[0] is None
    assert ThresholdSweep().update(ranked("X", "")).compute()[0] is None


# Oracles -------------------------------------------------------------------------------------------------


@given(rankings, st.sampled_from(CONFIDENCES))
def test_micro_and_macro_equal_the_oracle(items, threshold):
    chosen = [{k for k, c in zip(i.keys, i.confidences, strict=True) if c >= threshold} for i in items]
    pairs = [(k, n) for n, keys in enumerate(chosen) for k in keys]
    truth = [(k, n) for n, item in enumerate(items) for k in item.gold]
    right = [pair for pair in pairs if pair in truth]
    found = values(MicroScores(threshold=threshold), items)
    assert same(found["micro_precision"], divide(len(right), len(pairs)))
    assert same(found["micro_recall"], divide(len(right), len(truth)))
    assert same(found["micro_f1"], divide(2 * len(right), len(pairs) + len(truth)))
    scores = []
    for code in {k for k, _ in truth}:
        tp, fp, fn = (
            sum(code in c and code in i.gold for c, i in zip(chosen, items, strict=True)),
            sum(code in c and code not in i.gold for c, i in zip(chosen, items, strict=True)),
            sum(code not in c and code in i.gold for c, i in zip(chosen, items, strict=True)),
        )
        precision, recall = tp / (tp + fp) if tp + fp else 0.0, tp / (tp + fn)
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        scores.append((precision, recall, f1))
    macro = values(MacroScores(threshold=threshold), items)
    for place, name in enumerate(MacroScores.names):
        assert same(macro[name], divide(sum(score[place] for score in scores), len(scores)))


@given(rankings)
def test_map_cutoffs_and_candidate_recall_equal_the_oracle(items):
    with_gold = [item for item in items if item.gold]
    precisions = []
    for item in with_gold:
        total = 0.0
        for rank in range(1, len(item.keys) + 1):
            if item.keys[rank - 1] in item.gold:
                total += len(item.gold & set(item.keys[:rank])) / rank
        precisions.append(total / len(item.gold))
    assert same(values(MeanAveragePrecision(), items)["map"], divide(sum(precisions), len(with_gold)))
    at = values(AtCutoffs(cutoffs=(1, 2, 5)), items)
    for k in (1, 2, 5):
        hits = [len(item.gold & set(item.keys[:k])) for item in with_gold]
        assert same(at[f"precision_at_{k}"], divide(sum(hit / k for hit in hits), len(with_gold)))
        recalls = [hit / len(item.gold) for hit, item in zip(hits, with_gold, strict=True)]
        assert same(at[f"recall_at_{k}"], divide(sum(recalls), len(with_gold)))
    listed = sum(key in item.keys for item in items for key in item.gold)
    total_gold = sum(len(item.gold) for item in items)
    assert same(values(CandidateRecall(), items)["candidate_recall"], divide(listed, total_gold))


@given(rankings)
def test_sweep_equals_scoring_at_every_confidence(items):
    sweep = ThresholdSweep()
    for item in items:
        sweep.update(item)
    best, curve = sweep.compute()
    tried = {confidence for item in items for confidence in item.confidences}
    scored = {t: values(MicroScores(threshold=t), items)["micro_f1"] or 0.0 for t in tried}
    top = max(scored.values(), default=0.0)
    if top == 0.0:
        assert best is None
    else:
        assert best.threshold == max(t for t, f1 in scored.items() if math.isclose(f1, top, abs_tol=1e-12))
        assert math.isclose(best.f1, top, abs_tol=1e-12)
    for point in curve[::33]:
        expected = values(MicroScores(threshold=point.threshold), items)
        assert same(point.precision, expected["micro_precision"])
        assert same(point.recall, expected["micro_recall"])


# Batches, reset, bootstrap -------------------------------------------------------------------------------


@pytest.mark.parametrize("make", METRICS)
@settings(max_examples=25)
@given(items=rankings, cut=st.integers(0, 6))
def test_batches_equal_the_whole_and_reset_forgets(make, items, cut):
    resampling = Resampling(len(items), samples=20, seed=3)
    whole, parts = make(), make()
    for item in items:
        whole.update(item)
    for item in items[:cut]:
        parts.update(item)
    parts.compute()  # looking in between changes nothing
    for item in items[cut:]:
        parts.update(item)
    assert parts.compute(resampling) == whole.compute(resampling)
    parts.reset()
    assert all(figure.value is None for figure in parts.compute())
    for item in items:
        parts.update(item)
    assert parts.compute(resampling) == whole.compute(resampling)


def test_bootstrap_interval_equals_a_slow_one():
    items = [ranked("AX", "A"), ranked("X", "A"), ranked("A", "A"), ranked("AXY", "AB")]
    metric = MicroScores(threshold=0.5)
    for item in items:
        metric.update(item)
    precision = metric.compute(Resampling(4, samples=300, seed=5))[0]
    counts = np.random.default_rng(5).multinomial(4, [0.25] * 4, size=300)
    right, suggested = [1, 0, 1, 1], [2, 1, 1, 3]
    drawn = [np.dot(row, right) / np.dot(row, suggested) for row in counts]
    assert (precision.low, precision.high) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])))


def test_bootstrap_repeats_with_its_seed_and_differs_with_another():
    items = [ranked("AX", "A"), ranked("X", "A"), ranked("A", "A"), ranked("AXYZ", "AB")] * 5
    metric = MeanAveragePrecision()
    for item in items:
        metric.update(item)
    first, again, other = (metric.compute(Resampling(20, samples=100, seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert first[0].low <= first[0].value <= first[0].high


def test_no_samples_means_no_interval():
    metric = CandidateRecall()
    metric.update(ranked("A", "A"))
    assert metric.compute(Resampling(1, samples=0))[0] == Figure(
        name="candidate_recall", value=1.0, size=1, unit="gold codes"
    )
    with pytest.raises(ValueError, match="allowed: 0"):
        Resampling(1, samples=-1)


def test_many_notes_are_sampled_in_blocks_as_in_one(monkeypatch):
    whole = Resampling(50, samples=40, seed=9).sums(np.arange(50.0)[:, None])
    monkeypatch.setattr("suggester.evaluation.figures._CHUNK_CELLS", 150)
    assert np.array_equal(Resampling(50, samples=40, seed=9).sums(np.arange(50.0)[:, None]), whole)


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (
            Figure(name="x", value=0.7126, low=0.66, high=0.761, size=320, unit="u"),
            "0.713 [0.66, 0.76] n 320",
        ),
        (Figure(name="x", value=0.5, size=2, unit="u"), "0.500 n 2"),
        (Figure(name="x", value=None, size=0, unit="u"), "n/a n 0"),
    ],
)
def test_figure_text(figure, text):
    assert figure.to_text() == text
