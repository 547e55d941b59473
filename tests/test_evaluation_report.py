"""Slices, confusions, the whole report and its text and record."""

import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_evaluation_cases import gold_note, one_case, suggest

import suggester.evaluation
from suggester.evaluation import Report, evaluate
from suggester.evaluation.cases import prepare
from suggester.evaluation.confusions import Confusions, sentence_around
from suggester.evaluation.slices import Slicer, slicers
from suggester.types import Span

GOLD = [
    gold_note("a", "E11.9@9-17 I10 71046 J45.909?", em="99213 99214", kind="visit", part="check"),
    gold_note("b", "J44.9=J44.1 R05.9?", em="99283", kind="emergency", part="check"),
    gold_note("c", "", kind="visit", part="check"),
    gold_note("d", "I50.9 J1100", kind="discharge", part="check"),
]
RUN = {
    "a": suggest("a", "E11.65:.95@9-17 I10:.9 71046:.8 99213:.7 J45.909:.2@23-29"),
    "b": suggest("b", "J44.1:.9 99284:.6 R07.9:.55", ledger="R05.9:integral"),
    "c": suggest("c", "Z00.00:.3"),
}


def evaluated(**options):
    return evaluate(GOLD, RUN, **({"bootstrap": 50} | options))


def sliced(slicer, *cases):
    for case in cases:
        slicer.update(case)
    return {
        one.label: (one.notes, {figure.name: figure for figure in one.figures}) for one in slicer.compute()
    }


# Slices --------------------------------------------------------------------------------------------------


def test_slices_by_code_split_gold_and_suggested():
    cases = prepare(GOLD, RUN)
    found = sliced(slicers(threshold=0.5, training_counts=None)["system"], *cases)
    assert list(found) == ["ICD-10-CM", "CPT", "HCPCS"]
    notes, figures = found["ICD-10-CM"]
    assert notes == 3
    assert (figures["precision"].value, figures["precision"].size) == (0.25, 4)
    assert (figures["recall"].value, figures["recall"].size) == (pytest.approx(1 / 6), 6)
    assert figures["acceptable_precision_confident"].value == 0.5
    assert figures["core_recall_at_10"].value == 0.5
    assert found["CPT"][1]["f1"].value == 1.0
    assert found["HCPCS"][1]["precision"].value is None
    assert found["HCPCS"][1]["recall"].value == 0.0


def test_slices_by_note_add_up_to_the_whole():
    cases = prepare(GOLD, RUN)
    found = sliced(slicers(threshold=0.5, training_counts=None)["kind"], *cases)
    assert {label: notes for label, (notes, _) in found.items()} == {
        "visit": 2,
        "emergency": 1,
        "discharge": 1,
    }
    whole = evaluated().figure("exact/threshold/micro_recall")
    right = sum((f["recall"].value or 0) * f["recall"].size for _, f in found.values())
    assert right / whole.size == pytest.approx(whole.value)


def test_slices_by_frequency_only_with_counts_and_with_every_band():
    assert "frequency" not in slicers(threshold=0.5, training_counts=None)
    report = evaluated(training_counts={"E119": 9, "I10": 2})
    rows = {
        row.key: {figure.name: figure for figure in row.figures}
        for section in report.sections
        if section.key == "by_frequency"
        for row in section.rows
    }
    assert list(rows) == ["unseen in training", "1 to 5 in training", "more than 5 in training"]
    assert rows["more than 5 in training"]["recall"].value == 0.0
    assert rows["1 to 5 in training"]["recall"].value == 1.0


def test_a_slicer_groups_codes_or_notes_and_not_both():
    with pytest.raises(ValueError, match="exactly one"):
        Slicer(threshold=0.5)


def test_slicer_batches_equal_the_whole_and_reset_forgets():
    cases = prepare(GOLD, RUN)
    whole = slicers(threshold=0.5, training_counts={})
    parts = slicers(threshold=0.5, training_counts={})
    for name, slicer in whole.items():
        for case in cases:
            slicer.update(case)
        parts[name].update(cases[0]).compute()
        for case in cases[1:]:
            parts[name].update(case)
        assert parts[name].compute() == slicer.compute()
        parts[name].reset()
        assert all(one.notes == 0 for one in parts[name].compute())


# Confusions ----------------------------------------------------------------------------------------------


def test_confusions_by_hand():
    tally = Confusions(threshold=0.5)
    tally.update(one_case("E11.9@9-17 I10 J44.9", "E11.65:.9@9-17 R05.9:.6@23-29 J44.9:.3"))
    tally.update(one_case("E11.9", "E11.65:.7", ledger="E11.9:rival"))
    found = tally.compute()
    (confused,) = found.confused
    assert (confused.gold, confused.rival, confused.times) == ("E11.9", "E11.65", 2)
    assert confused.cost == pytest.approx(1.9 + 1.7)
    assert confused.fates == (("never_seen", 1), ("read_not_coded", 1))
    assert confused.examples[0].sentence == "Seen for diabetes."
    assert confused.examples[0].span == Span(start=9, end=17)
    assert confused.examples[1].sentence is None
    assert [(one.gold, one.fates) for one in found.missed] == [
        ("I10", (("never_seen", 1),)),
        ("J44.9", (("below_threshold", 1),)),
    ]
    assert [(one.rival, one.cost) for one in found.spurious] == [("R05.9", 0.6)]
    tally.reset()
    assert tally.compute() == Confusions(threshold=0.5).compute()


def test_confusions_leave_alternatives_optional_codes_and_other_kinds_alone():
    tally = Confusions(threshold=0.5)
    tally.update(one_case("J44.9=J44.1 E11.9? J11.00", "J44.1:.9 J1100:.9"))
    found = tally.compute()
    assert found.confused == ()
    assert [one.gold for one in found.missed] == ["J11.00"]
    assert [one.rival for one in found.spurious] == ["J1100"]


def test_costliest_first_and_no_more_than_asked():
    tally = Confusions(threshold=0.5, listed=2)
    tally.update(one_case("", "A00.0:.6 B00.0:.9 C00.0:.9"))
    assert [one.rival for one in tally.compute().spurious] == ["B00.0", "C00.0"]


@pytest.mark.parametrize(
    ("text", "words", "sentence"),
    [
        ("One. Has\tasthma, mild. Two.", "asthma", "Has asthma, mild."),
        ("PLAN\nasthma\nnext", "asthma", "asthma"),
        ("BMI 31.5 today", "31.5", "BMI 31.5 today"),
        ("asthma", "asthma", "asthma"),
    ],
)
def test_sentence_around(text, words, sentence):
    start = text.index(words)
    found, place = sentence_around(text, Span(start=start, end=start + len(words)))
    assert found == sentence
    assert found[place.start : place.end] == words


def test_a_sentence_without_end_is_cut():
    text = "x" * 1000 + "asthma" + "y" * 1000
    sentence, words = sentence_around(text, Span(start=1000, end=1006))
    assert len(sentence) == 326
    assert sentence[words.start : words.end] == "asthma"


@given(st.text(alphabet="ab .\n!", max_size=400), st.data())
def test_the_sentence_holds_the_words(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    words = " ".join(text[start:end].split())
    sentence, place = sentence_around(text, Span(start=start, end=end))
    assert sentence[place.start : place.end] == words


# The report ----------------------------------------------------------------------------------------------


def test_door_is_exact():
    assert suggester.evaluation.__all__ == sorted(suggester.evaluation.__all__)
    assert all(hasattr(suggester.evaluation, name) for name in suggester.evaluation.__all__)


def test_report_counts_what_it_rests_on():
    sizes = evaluated().sizes
    assert (sizes.notes, sizes.notes_with_gold, sizes.unpredicted_notes) == (4, 3, 1)
    assert (sizes.gold_codes, sizes.core_codes, sizes.optional_codes) == (8, 6, 2)
    assert (sizes.suggestions, sizes.em_apart) == (7, 2)
    extra = evaluate(GOLD, RUN | {"z": suggest("z", "I10")}, bootstrap=0)
    assert extra.sizes.unknown_predictions == 1


@pytest.mark.parametrize(
    ("path", "value", "size"),
    [
        ("exact/threshold/micro_precision", 2 / 5, 5),
        ("exact/threshold/micro_recall", 2 / 8, 8),
        ("exact/ranking/candidate_recall", 3 / 8, 8),
        # a: gold at ranks 2, 3 and 4 of four; b: none exact; d: nothing suggested.
        ("exact/ranking/map", (1 / 2 + 2 / 3 + 3 / 4) / 4 / 3, 3),
        ("category/threshold/micro_precision", 3 / 4, 4),
        ("category/threshold/micro_recall", 3 / 6, 6),
        ("core/all/core_recall_at_10", 3 / 6, 6),
        ("core/all/core_recall_confident", 3 / 6, 6),
        ("core/all/acceptable_precision_confident", 3 / 5, 5),
        ("core/CPT/core_recall_at_5_in_system", 1.0, 1),
        ("core/HCPCS/acceptable_precision_at_5", None, 0),
        ("evidence/all/evidence_overlap", None, 0),
        ("audit/all/audit_agreed", 3 / 6, 6),
        ("audit/all/audit_changed", 1 / 6, 6),
        ("em/all/em_first", 1 / 2, 2),
        ("by_kind/visit/precision", 2 / 3, 3),
    ],
)
def test_report_by_hand(path, value, size):
    figure = evaluated().figure(path)
    assert figure.value == (None if value is None else pytest.approx(value))
    assert figure.size == size


def test_unknown_path_names_the_known():
    with pytest.raises(KeyError, match="core/all/core_recall_at_10"):
        evaluated().figure("core/all/nope")
    with pytest.raises(KeyError, match="calibration"):
        evaluated().figure("nope")


def test_best_threshold_row_is_of_the_best_point():
    report = evaluated()
    assert report.best is not None
    assert report.figure("exact/best/micro_f1").value == pytest.approx(report.best.f1)
    assert report.best.f1 >= report.figure("exact/threshold/micro_f1").value


def test_same_input_and_seed_give_the_same_record():
    assert evaluated(seed=4).to_record() == evaluated(seed=4).to_record()
    assert evaluated(seed=4).to_text() == evaluated(seed=4).to_text()


def test_values_do_not_depend_on_the_order_of_the_notes():
    turned = evaluate(GOLD[::-1], RUN, bootstrap=0)
    values = {path: figure.value for path, figure in turned.flat().items()}
    straight = evaluated(bootstrap=0).flat()
    assert values == {path: pytest.approx(figure.value) for path, figure in straight.items()}


def test_record_is_json_and_complete():
    report = evaluated()
    record = json.loads(json.dumps(report.to_record(), allow_nan=False))
    paths = [
        f"{section}/{row}/{name}"
        for section, content in record["sections"].items()
        for row, part in content["rows"].items()
        for name in part["figures"]
    ]
    assert paths == list(report.flat())
    assert (
        record["sections"]["core"]["rows"]["HCPCS"]["figures"]["acceptable_precision_at_5"]["value"] is None
    )
    assert len(record["curve"]) == 100
    assert len(record["calibration"]["fixed"]) == 10
    assert record["confusions"]["confused"][0]["examples"][0]["sentence"] == "Seen for diabetes."


def test_quotes_can_be_left_out():
    report = evaluated()
    assert "Seen for diabetes" in report.to_text()
    assert "Seen for" not in report.to_text(quotes=False)
    assert "Seen for" not in json.dumps(report.to_record(quotes=False))


def test_text_states_split_size_and_interval_with_every_figure():
    report = evaluated()
    text = report.to_text()
    lines = text.splitlines()
    headings = [line for line in lines if line.endswith("(part check, 4 notes)")]
    assert len(headings) == len(report.sections) + 4
    assert "95 % interval: bootstrap of 50 samples over notes" in text
    for section in report.sections:
        for row in section.rows:
            for figure in row.figures:
                if figure.size:
                    assert figure.to_text() in text
                    assert figure.low is not None
    assert "threshold chosen on these same notes" in text
    assert "1 notes have no prediction" in text
    assert "n/a n 0" in text
    assert "nan" not in text


def test_em_section_only_where_em_is_recorded():
    plain = [gold_note("a", "E11.9")]
    report = evaluate(plain, {"a": suggest("a", "99213:.9 E11.9:.8")}, bootstrap=0)
    assert "em" not in {section.key for section in report.sections}
    assert report.figure("core/all/acceptable_precision_confident").value == 1.0


@pytest.mark.parametrize(
    ("parts", "split"),
    [((None, None), "all notes given"), (("dev", "dev"), "part dev"), (("b", "a"), "parts a 1, b 1")],
)
def test_split_is_put_together_from_the_parts(parts, split):
    gold = [gold_note(str(index), part=part) for index, part in enumerate(parts)]
    assert evaluate(gold, {}, bootstrap=0).split == split
    assert evaluate(gold, {}, bootstrap=0, split="mine").split == "mine"


@pytest.mark.parametrize(
    ("gold", "run"),
    [
        ([], {}),
        ([gold_note("a")], {}),
        ([gold_note("a", "E11.9")], {}),
        ([gold_note("a")], {"a": suggest("a", "E11.9")}),
    ],
)
def test_degenerate_inputs_make_a_report(gold, run):
    report = evaluate(gold, run, bootstrap=20)
    assert isinstance(report, Report)
    assert report.to_text()
    json.dumps(report.to_record(), allow_nan=False)
    for figure in report.flat().values():
        assert (figure.value is None) == (figure.size == 0)


def test_all_right_is_all_ones():
    gold = [gold_note(name, "E11.9@9-17 71046@0-4", em="99213") for name in "ab"]
    run = {name: suggest(name, "E11.9:1@9-17 71046:1@0-4 99213:1") for name in "ab"}
    report = evaluate(gold, run, bootstrap=20)
    for path in (
        "exact/threshold/micro_f1",
        "exact/threshold/macro_f1",
        "exact/ranking/map",
        "core/all/core_recall_at_5",
        "evidence/all/evidence_inside",
        "audit/all/audit_strict",
        "em/all/em_precision",
    ):
        assert report.figure(path).value == 1.0
    assert report.figure("calibration/all/ece").value == 0.0
    assert report.confusions.confused == report.confusions.missed == report.confusions.spurious == ()
    assert report.calibration.confident is not None


@pytest.mark.parametrize("threshold", [-0.1, 1.1])
def test_threshold_out_of_range_is_refused(threshold):
    with pytest.raises(ValueError, match="allowed: 0 to 1"):
        evaluate(GOLD, RUN, threshold=threshold)


def test_report_can_be_sent_to_another_process():
    report = evaluated()
    assert pickle.loads(pickle.dumps(report)) == report  # noqa: S301 (our own bytes)


codes = st.sampled_from(("E11.9", "E11.65", "I10", "71046", "J1100", "99213", "U07.1"))
words = st.lists(st.builds("{}:{}".format, codes, st.sampled_from((0.0, 0.5, 1.0))), max_size=6)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.lists(codes, max_size=4), words), max_size=4))
def test_every_figure_is_a_share_or_undefined(notes):
    gold = [gold_note(str(index), " ".join(given)) for index, (given, _) in enumerate(notes)]
    run = {str(index): suggest(str(index), " ".join(named)) for index, (_, named) in enumerate(notes)}
    report = evaluate(gold, run, bootstrap=5)
    for path, figure in report.flat().items():
        assert figure.value is None or 0.0 <= figure.value <= 1.0 or path.endswith("audit_added")
    assert report.to_text()
