"""Core codes, evidence, audit, E/M and fates: by hand, against slow oracles, in batches."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_evaluation_cases import gold_note, one_case, suggest

from suggester.evaluation.cases import prepare
from suggester.evaluation.coding import (
    AuditScores,
    CoreFates,
    CoreScores,
    EmScores,
    EvidenceScores,
    fate,
    paired,
)
from suggester.evaluation.figures import Resampling

CODES = ("E11.9", "E11.65", "E11.22", "I10", "I50.9", "71045", "71046", "J1100", "J1030")


def figures(metric, *cases):
    for case in cases:
        metric.update(case)
    return {figure.name: figure for figure in metric.compute()}


def values(metric, *cases):
    return {name: figure.value for name, figure in figures(metric, *cases).items()}


def divide(a, b):
    return a / b if b else None


def same(found, expected):
    return found is expected if None in (found, expected) else math.isclose(found, expected, abs_tol=1e-12)


# By hand -------------------------------------------------------------------------------------------------


def test_core_recall_takes_alternatives_and_leaves_optional_out():
    case = one_case("J44.9=J44.1 I10 R05.9?", "J44.1:.6 R05.9:.5 I10:.4 E11.9:.3")
    found = figures(CoreScores(threshold=0.5), case)
    assert found["core_recall_at_5"].value == 1.0
    assert (found["core_recall_confident"].value, found["core_recall_confident"].size) == (0.5, 2)
    assert found["acceptable_precision_at_5"].value == 0.75
    assert found["acceptable_precision_confident"].value == 1.0


def test_core_recall_among_five_ten_and_all():
    fillers = " ".join(f"Z{number}.0:.1" for number in range(10, 20))
    first = fillers.split()
    case = one_case("I10 E11.9 J44.9", " ".join([*first[:4], "I10:.1", *first[4:8], "E11.9:.1", "J44.9:.1"]))
    found = values(CoreScores(threshold=0.5), case)
    assert found["core_recall_at_5"] == pytest.approx(1 / 3)
    assert found["core_recall_at_10"] == pytest.approx(2 / 3)
    assert found["core_recall_all"] == 1.0
    assert found["core_recall_confident"] == 0.0
    assert found["acceptable_precision_confident"] is None


def test_services_are_ranked_within_their_system_too():
    diagnoses = " ".join(f"Z{number}.0:.9" for number in range(10, 22))
    case = one_case("I10 71046", f"{diagnoses} 71045:.8 71046:.7")
    found = values(CoreScores(threshold=0.5, system="CPT"), case)
    assert (found["core_recall_at_10"], found["core_recall_at_5_in_system"]) == (0.0, 1.0)
    assert found["acceptable_precision_at_5"] == 0.5
    assert found["acceptable_precision_confident"] == 0.5
    overall = values(CoreScores(threshold=0.5), case)
    assert (overall["core_recall_at_10"], overall["core_recall_confident"]) == (0.0, 0.5)
    assert values(CoreScores(threshold=0.5, system="HCPCS"), case) == dict.fromkeys(found)


def test_two_alternatives_of_one_gold_code_are_both_right():
    case = one_case("J44.9=J44.1", "J44.1:.9 J44.9:.8")
    assert values(CoreScores(threshold=0.5), case)["acceptable_precision_confident"] == 1.0


def test_em_suggestions_take_no_rank_and_no_precision():
    diagnoses = " ".join(f"Z{number}.0:.9" for number in range(10, 19))
    case = one_case("I10", f"99213:1 {diagnoses} I10:.9", em="99214")
    found = values(CoreScores(threshold=0.5), case)
    assert found["core_recall_at_10"] == 1.0
    assert values(CoreScores(threshold=0.5, system="CPT"), case)["acceptable_precision_confident"] is None


def test_evidence_hit_rate_leaves_out_wrong_codes_and_gold_without_evidence():
    case = one_case(
        "E11.9@9-17 J45.909@23-29 Z79.84@41-50 I10",
        "E11.9:.9@9-17 J45.909:.6@20-29 Z79.84:.4@0-4 I10:.9@0-4 R05.9:.9@9-17",
    )
    found = figures(EvidenceScores(threshold=0.5), case)
    assert found["evidence_overlap"].size == 3
    assert found["evidence_overlap"].value == pytest.approx(2 / 3)
    assert found["evidence_inside"].value == pytest.approx(1 / 3)
    assert found["evidence_overlap_confident"].value == 1.0
    assert found["evidence_inside_confident"].value == 0.5


def test_audit_by_hand():
    # E11.9 agreed by an alternative, I50.9 changed into I50.1, J44.9 missed; 71046 and J96.01 added.
    case = one_case(
        "E11.9=E11.65 I50.9 J44.9 R05.9?", "E11.65:.9 I50.1:.8 71046:.7 J96.01:.6 R05.9:.6 J44.9:.1"
    )
    found = values(AuditScores(threshold=0.5), case)
    assert found["audit_agreed"] == pytest.approx(1 / 3)
    assert found["audit_changed"] == pytest.approx(1 / 3)
    assert found["audit_missed"] == pytest.approx(1 / 3)
    assert found["audit_added"] == pytest.approx(2 / 3)
    assert found["audit_strict"] == pytest.approx(1 / 5)


def test_each_wrong_code_pairs_with_one_missed_code():
    case = one_case("E11.9 E11.22", "E11.65:.9")
    assert [(gold.key, rival.key) for gold, rival in paired(case, 0.5)] == [("E11.9", "E11.65")]
    assert values(AuditScores(threshold=0.5), case)["audit_missed"] == 0.5


def test_em_by_hand():
    cases = prepare(
        [
            gold_note("a", em="99213 99214"),
            gold_note("b", em="99283"),
            gold_note("c", em="99203"),
            gold_note("d"),
            gold_note("e", em="99232"),
        ],
        {
            "a": suggest("a", "99214:.9 99215:.8"),
            "b": suggest("b", "99284:.7 99283:.6"),
            "c": suggest("c", "99203:.4"),
            "d": suggest("d", "99213:.9"),
        },
    )
    found = figures(EmScores(threshold=0.5), *cases)
    assert found["em_first"].size == 4
    assert found["em_first"].value == 0.5
    assert found["em_any"].value == 0.75
    assert found["em_confident"].value == 0.5
    # Confident: a (right), b (first is wrong), d (none billed).
    assert (found["em_precision"].value, found["em_precision"].size) == (pytest.approx(1 / 3), 3)


def test_fates_by_hand():
    case = one_case("E11.9 I10 J44.9 R05.9 Z79.84?", "E11.9:.9 I10:.2", ledger="J44.9:negated")
    assert [fate(one, 0.5) for one in case.expected[:4]] == [
        "found",
        "below_threshold",
        "read_not_coded",
        "never_seen",
    ]
    found = values(CoreFates(threshold=0.5), case)
    assert [found[name] for name in ("found", "below_threshold", "read_not_coded", "never_seen")] == [
        0.25
    ] * 4
    assert found["in_any_form"] == 0.75


def test_confidence_equal_to_the_threshold_counts():
    assert values(CoreScores(threshold=0.5), one_case("I10", "I10:.5"))["core_recall_confident"] == 1.0


# Oracles -------------------------------------------------------------------------------------------------


def of_the_same_kind(code, others):
    """Alternatives of a diagnosis are diagnoses; those of a service may be of either service system."""
    return [other for other in others if ("." in other or other == "I10") == ("." in code or code == "I10")]


gold_words = st.lists(
    st.builds(
        lambda code, optional, others: f"{code}{'?' * optional}={','.join(of_the_same_kind(code, others))}",
        st.sampled_from(CODES),
        st.booleans(),
        st.lists(st.sampled_from(CODES), max_size=2),
    ),
    max_size=4,
    unique_by=lambda word: word.split("=")[0].rstrip("?"),
)
named_words = st.lists(
    st.builds("{}:{}".format, st.sampled_from(CODES), st.sampled_from((0.1, 0.5, 0.7, 1.0))),
    max_size=8,
    unique_by=lambda word: word.split(":")[0],
)
some_cases = st.lists(st.builds(lambda g, p: one_case(" ".join(g), " ".join(p)), gold_words, named_words))


@settings(max_examples=60)
@given(st.lists(st.tuples(gold_words, named_words), max_size=4))
def test_core_scores_equal_the_oracle(notes):
    core_total = core_found_five = core_confident = 0
    right_confident = named_confident = 0
    for gold, named in notes:
        sets = []
        for word in gold:
            code, _, others = word.partition("=")
            sets.append((code.endswith("?"), {code.rstrip("?"), *filter(None, others.split(","))}))
        listed = [(word.split(":")[0], float(word.split(":")[1])) for word in named]
        for optional, acceptable in sets:
            if not optional:
                core_total += 1
                core_found_five += bool(acceptable & {code for code, _ in listed[:5]})
                core_confident += any(code in acceptable and conf >= 0.5 for code, conf in listed)
        for code, conf in listed:
            if conf >= 0.5:
                named_confident += 1
                right_confident += any(code in acceptable for _, acceptable in sets)
    cases = [one_case(" ".join(gold), " ".join(named)) for gold, named in notes]
    found = values(CoreScores(threshold=0.5), *cases)
    assert same(found["core_recall_at_5"], divide(core_found_five, core_total))
    assert same(found["core_recall_confident"], divide(core_confident, core_total))
    assert same(found["acceptable_precision_confident"], divide(right_confident, named_confident))


@settings(max_examples=60)
@given(some_cases)
def test_shares_of_the_core_codes_add_up(cases):
    audit, fates = AuditScores(threshold=0.5), CoreFates(threshold=0.5)
    found, where = figures(audit, *cases), figures(fates, *cases)
    if found["audit_agreed"].value is None:
        assert all(figure.value is None for figure in where.values())
        return
    total = sum(found[f"audit_{name}"].value for name in ("agreed", "changed", "missed"))
    assert total == pytest.approx(1.0)
    assert where["found"].value == found["audit_agreed"].value
    parts = ("found", "below_threshold", "read_not_coded", "never_seen")
    assert sum(where[name].value for name in parts) == pytest.approx(1.0)
    assert where["in_any_form"].value == pytest.approx(1.0 - where["never_seen"].value)


@settings(max_examples=60)
@given(some_cases)
def test_the_systems_together_are_all_systems(cases):
    metrics = [CoreScores(threshold=0.5, system=system) for system in ("ICD-10-CM", "CPT", "HCPCS")]
    parts = [figures(metric, *cases) for metric in metrics]
    overall = figures(CoreScores(threshold=0.5), *cases)
    for name in ("core_recall_at_10", "core_recall_at_5_in_system", "acceptable_precision_confident"):
        right = sum((part[name].value or 0.0) * part[name].size for part in parts)
        assert sum(part[name].size for part in parts) == overall[name].size
        assert same(divide(right, overall[name].size), overall[name].value)


METRICS = (CoreScores, EvidenceScores, AuditScores, EmScores, CoreFates)


@pytest.mark.parametrize("make", METRICS)
@settings(max_examples=25)
@given(cases=some_cases, cut=st.integers(0, 5))
def test_batches_equal_the_whole_and_reset_forgets(make, cases, cut):
    resampling = Resampling(len(cases), samples=10)
    whole, parts = make(threshold=0.5), make(threshold=0.5)
    for case in cases:
        whole.update(case)
    for batch in (cases[:cut], cases[cut:]):
        for case in batch:
            parts.update(case)
        parts.compute()
    assert parts.compute(resampling) == whole.compute(resampling)
    parts.reset()
    assert all(figure.value is None for figure in parts.compute())


@pytest.mark.parametrize("make", METRICS)
def test_nothing_to_measure_is_undefined(make):
    assert set(values(make(threshold=0.5)).values()) == {None}
    assert set(values(make(threshold=0.5), one_case("", "")).values()) == {None}
