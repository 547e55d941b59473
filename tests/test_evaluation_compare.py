"""Comparison of two runs: differences, paired intervals, permutation test."""

import itertools
import json

import pytest
from test_evaluation_cases import gold_note, suggest

from suggester.evaluation import compare, evaluate

GOLD = [gold_note(str(index), "E11.9 I10") for index in range(12)]
GOOD = {note.note.id: suggest(note.note.id, "E11.9:.9 I10:.8") for note in GOLD}
BAD = {note.note.id: suggest(note.note.id, "R05.9:.9 I10:.4 E11.9:.3") for note in GOLD}


def test_a_run_against_itself_is_no_difference():
    found = compare(GOLD, GOOD, GOOD, samples=50)
    for one in found.differences:
        assert (one.difference, one.low, one.high, one.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_a_better_run_is_found_better():
    found = compare(GOLD, BAD, GOOD, samples=400)
    recall = found.difference("micro_recall")
    assert (recall.a.value, recall.b.value, recall.difference) == (0.0, 1.0, 1.0)
    assert recall.p_value == pytest.approx(1 / 401, abs=0.01)
    assert found.difference("map").low > 0
    # Both list every gold code.
    assert found.difference("candidate_recall").p_value == 1.0


def test_turned_round_the_sign_turns():
    one, other = compare(GOLD, BAD, GOOD, samples=50), compare(GOLD, GOOD, BAD, samples=50)
    for name in ("map", "micro_f1", "core_recall_at_10"):
        assert one.difference(name).difference == pytest.approx(-other.difference(name).difference)
        assert one.difference(name).low == pytest.approx(-other.difference(name).high)
        assert one.difference(name).p_value == other.difference(name).p_value


def test_figures_are_those_of_evaluate():
    found, report = compare(GOLD, BAD, GOOD, samples=0), evaluate(GOLD, BAD, bootstrap=0)
    for name, path in (
        ("map", "exact/ranking/map"),
        ("micro_f1", "exact/threshold/micro_f1"),
        ("best_micro_f1", "exact/best/micro_f1"),
        ("candidate_recall", "exact/ranking/candidate_recall"),
        ("acceptable_precision_confident", "core/all/acceptable_precision_confident"),
    ):
        assert found.difference(name).a.value == report.figure(path).value
        assert found.difference(name).p_value is None


def test_p_value_is_near_that_of_every_permutation():
    gold = [gold_note(str(index), "E11.9") for index in range(8)]
    a = {str(index): suggest(str(index), "E11.9" if index in {0} else "I10") for index in range(8)}
    b = {str(index): suggest(str(index), "E11.9" if index in {1, 2, 3, 4} else "I10") for index in range(8)}
    found = compare(gold, a, b, samples=4000).difference("micro_recall")
    gaps = [(index in {1, 2, 3, 4}) - (index == 0) for index in range(8)]
    signs = list(itertools.product((1, -1), repeat=8))
    as_large = sum(abs(sum(s * g for s, g in zip(row, gaps, strict=True))) >= abs(sum(gaps)) for row in signs)
    assert found.p_value == pytest.approx(as_large / len(signs), abs=0.03)


def test_undefined_in_one_run_is_no_difference():
    found = compare(GOLD, {}, GOOD, samples=20).difference("micro_precision")
    assert (found.a.value, found.b.value) == (None, 1.0)
    assert (found.difference, found.low, found.high, found.p_value) == (None, None, None, None)


@pytest.mark.parametrize("samples", [0, 20])
def test_no_notes_make_a_comparison(samples):
    found = compare([], {}, {}, samples=samples)
    assert all(one.difference is None for one in found.differences)
    assert "n/a" in found.to_text()
    json.dumps(found.to_record(), allow_nan=False)


def test_text_and_record():
    found = compare(GOLD, BAD, GOOD, names=("old", "new"), samples=50, seed=3)
    text = found.to_text()
    assert "new against old" in text
    assert "12 notes" in text
    assert "+1.000 [+1.000, +1.000]" in text
    record = json.loads(json.dumps(found.to_record(), allow_nan=False))
    assert list(record["differences"]) == [one.name for one in found.differences]
    assert record == compare(GOLD, BAD, GOOD, names=("old", "new"), samples=50, seed=3).to_record()


def test_unknown_name_names_the_known():
    with pytest.raises(KeyError, match="candidate_recall"):
        compare(GOLD, GOOD, GOOD, samples=0).difference("nope")
