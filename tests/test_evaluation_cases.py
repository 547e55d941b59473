"""What counts as right: taxonomy, gold beside suggestions. Holds the builders of all evaluation tests."""

import re
from datetime import date

import pytest

from suggester.errors import DuplicateIdError, FieldError
from suggester.evaluation.cases import prepare, project
from suggester.evaluation.taxonomy import canonical, category, chapter, family, frequency_band, is_em
from suggester.types import (
    Assertion,
    Code,
    Evidence,
    GoldCode,
    GoldNote,
    NotCoded,
    Note,
    Run,
    Span,
    Suggestion,
    Suggestions,
)

TEXT = "Seen for diabetes. Has asthma too. Takes metformin."


def system_of(code):
    if re.fullmatch(r"\d{4}[0-9A-Z]", code):
        return "CPT"
    return "HCPCS" if re.fullmatch(r"[A-Z]\d{4}", code) else "ICD-10-CM"


def spans_of(words):
    return tuple(
        Span(start=int(start), end=int(end)) for start, end in (w.split("-") for w in words.split("&") if w)
    )


def gold_note(note_id, codes="", *, em="", kind=None, setting=None, part=None, text=TEXT):
    """Gold in short: ``E11.9`` core, ``I10?`` optional, ``J44.9=J44.1`` alternative, ``@9-17`` evidence."""
    made = []
    for word in codes.split():
        head, _, where = word.partition("@")
        head, _, others = head.partition("=")
        code = head.rstrip("?")
        made.append(
            GoldCode(
                system=system_of(code),
                code=code,
                status="optional" if head.endswith("?") else "core",
                acceptable=frozenset(other for other in others.split(",") if other),
                evidence=spans_of(where),
            )
        )
    note = Note(id=note_id, text=text, kind=kind, setting=setting)
    return GoldNote(note=note, codes=tuple(made), em=frozenset(em.split()), part=part)


def suggest(note_id, codes="", *, ledger="", ranks=None):
    """Suggestions in short: ``E11.9:.9`` with confidence, ``@9-17&25-31`` evidence; ranked as written."""
    made = []
    for index, word in enumerate(codes.split()):
        head, _, where = word.partition("@")
        code, _, confidence = head.partition(":")
        made.append(
            Suggestion(
                id=f"{note_id}-{index}",
                code=Code(
                    system=system_of(code),
                    code=code,
                    display="",
                    billable=True,
                    valid_from=date(2026, 4, 1),
                    valid_to=None,
                    release="2026-04-01",
                ),
                confidence=float(confidence or 1.0),
                rank=index + 1 if ranks is None else ranks[index],
                evidence=tuple(
                    Evidence(span=span, quote="", section="plan", assertion=Assertion())
                    for span in spans_of(where)
                ),
                reasons=(),
            )
        )
    entries = tuple(
        NotCoded(span=Span(start=0, end=4), quote="Seen", reason=reason, cue=None, would_be=(code,))
        for code, reason in (word.split(":") for word in ledger.split())
    )
    run = Run(version="0", model="none", codesets=(), config_hash="0")
    return Suggestions(note_id=note_id, run=run, suggestions=tuple(made), not_coded=entries)


def one_case(gold, predicted, **options):
    ledger = options.pop("ledger", "")
    ranks = options.pop("ranks", None)
    (case,) = prepare(
        [gold_note("n", gold, **options)], {"n": suggest("n", predicted, ledger=ledger, ranks=ranks)}
    )
    return case


@pytest.mark.parametrize(
    ("system", "code", "expected"),
    [
        ("ICD-10-CM", "e119", "E11.9"),
        ("ICD-10-CM", "E11.9 ", "E11.9"),
        ("ICD-10-CM", "i10", "I10"),
        ("ICD-10-CM", "S72.001A", "S72.001A"),
        ("CPT", "99213", "99213"),
        ("HCPCS", "j1100", "J1100"),
    ],
)
def test_canonical_gives_one_spelling(system, code, expected):
    assert canonical(system, code) == expected


def test_a_drug_and_an_undotted_influenza_do_not_meet():
    assert canonical("HCPCS", "J1100") != canonical("ICD-10-CM", "J1100")
    assert family("HCPCS", "J1100") != family("ICD-10-CM", "J11.00")


@pytest.mark.parametrize(
    ("system", "key", "expected"),
    [
        ("ICD-10-CM", "D49.9", "ICD-10-CM 02 Neoplasms"),
        ("ICD-10-CM", "D50.0", "ICD-10-CM 03 Blood and immune"),
        ("ICD-10-CM", "C7A.8", "ICD-10-CM 02 Neoplasms"),
        ("ICD-10-CM", "H59.8", "ICD-10-CM 07 Eye"),
        ("ICD-10-CM", "H60.0", "ICD-10-CM 08 Ear"),
        ("ICD-10-CM", "O9A.1", "ICD-10-CM 15 Pregnancy"),
        ("ICD-10-CM", "Z3A.20", "ICD-10-CM 21 Factors and contacts"),
        ("ICD-10-CM", "T88.9XXA", "ICD-10-CM 19 Injury and poisoning"),
        ("ICD-10-CM", "U07.1", "ICD-10-CM 22 Special purposes"),
        ("CPT", "00100", "CPT anesthesia"),
        ("CPT", "20610", "CPT surgery"),
        ("CPT", "71046", "CPT radiology"),
        ("CPT", "80053", "CPT laboratory and pathology"),
        ("CPT", "93000", "CPT medicine"),
        ("CPT", "99213", "CPT evaluation and management"),
        ("CPT", "0001F", "CPT category II"),
        ("CPT", "0042T", "CPT category III"),
        ("HCPCS", "J1100", "HCPCS J"),
    ],
)
def test_chapter_by_system(system, key, expected):
    assert chapter(system, key) == expected


def test_services_have_no_category():
    assert category("ICD-10-CM", "E11.9") == "E11"
    assert category("CPT", "99213") is None


@pytest.mark.parametrize(("count", "band"), [(0, "unseen"), (1, "1 to 5"), (5, "1 to 5"), (6, "more than 5")])
def test_frequency_band_edges(count, band):
    assert frequency_band(count).startswith(band)


@pytest.mark.parametrize(
    ("system", "key", "expected"),
    [
        ("CPT", "99213", True),
        ("CPT", "99495", True),
        ("CPT", "99199", False),
        ("CPT", "99500", False),
        ("HCPCS", "G0439", False),
        ("CPT", "9920T", False),
    ],
)
def test_is_em_is_the_992_to_994_range(system, key, expected):
    assert is_em(system, key) is expected


def test_ranks_follow_rank_then_order_given_and_the_first_of_a_twice_named_code_counts():
    case = one_case("I10", "I10:.2 E11.9:.8 J45.909:.8 I10:.9", ranks=[3, 1, 1, 2])
    assert [(one.key, one.rank) for one in case.suggested] == [("E11.9", 1), ("J45.909", 2), ("I10", 3)]
    assert case.suggested[2].confidence == 0.9
    assert case.duplicates == 1


def test_system_rank_counts_within_the_system():
    case = one_case("71046", "E11.9 71045 J1100 71046 I10")
    assert [one.system_rank for one in case.suggested] == [1, 1, 1, 2, 2]
    assert (case.expected[0].rank, case.expected[0].system_rank) == (4, 2)


def test_alternatives_find_and_are_right_but_not_exact():
    case = one_case("J44.9=J44.1 Z79.4?=Z79.84", "J44.1:.4 Z79.84:.3 J44.9:.2 R05.9:.1")
    assert [one.right for one in case.suggested] == [True, True, True, False]
    assert [one.exact for one in case.suggested] == [False, False, True, False]
    assert (case.expected[0].rank, case.expected[0].confidence) == (1, 0.4)
    assert [one.core for one in case.expected] == [True, False]


def test_a_service_may_have_an_alternative_of_the_other_service_system():
    assert one_case("G0102=55700", "55700").suggested[0].right


def test_a_gold_code_given_twice_is_one_core_if_either_is():
    case = one_case("E11.9?@0-4 E119=E11.65@5-9", "E11.65@6-7")
    assert len(case.expected) == 1
    assert case.expected[0].core
    assert case.expected[0].acceptable == {"E11.9", "E11.65"}
    assert case.suggested[0].inside


def test_em_is_apart_unless_the_codes_hold_it():
    case = one_case("E11.9 99406", "99213:.9 99406:.8 E11.9:.7 99497:.2", em="99213 99214")
    assert [(one.key, one.rank) for one in case.suggested] == [("99406", 1), ("E11.9", 2)]
    assert case.em.suggested == (("99213", 0.9), ("99497", 0.2))
    assert case.em.acceptable == {"99213", "99214"}


@pytest.mark.parametrize(
    ("gold", "shown", "overlap", "inside"),
    [
        ("10-20", "12-15", True, True),
        ("10-20", "10-20", True, True),
        ("10-20", "15-25", True, False),
        ("10-20", "20-25", False, False),
        ("10-20", "", False, False),
        ("10-20", "0-5&19-20", True, True),
        ("", "0-5", None, None),
    ],
)
def test_evidence_overlap_and_inside(gold, shown, overlap, inside):
    (one,) = one_case(f"E11.9@{gold}", f"E11.9@{shown}").suggested
    assert (one.overlap, one.inside) == (overlap, inside)


def test_ledger_reason_is_kept_for_code_or_alternative():
    case = one_case("E11.9 J44.9=J44.1 I10", "I10", ledger="J44.1:uncertain E11.9:negated")
    assert [one.ledger_reason for one in case.expected] == ["negated", "uncertain", None]


def test_project_keeps_best_rank_and_highest_confidence():
    case = one_case("E11.9 E11.65 71046", "E11.65:.3 I10:.2 E11.9:.6 71046:.9 71045:.1")
    ranking = project(case, "category")
    assert (ranking.keys, ranking.confidences) == (("E11", "I10"), (0.6, 0.2))
    assert ranking.gold == {"E11"}
    assert project(case, "chapter").gold == {"ICD-10-CM 04 Endocrine and metabolic", "CPT radiology"}
    assert project(case, "exact").keys == ("E11.65", "I10", "E11.9", "71046", "71045")


def test_missing_prediction_is_nothing_suggested():
    (case,) = prepare([gold_note("n", "E11.9")], {})
    assert not case.predicted
    assert case.suggested == ()
    assert case.expected[0].rank is None


def test_duplicate_gold_ids_are_refused_by_name():
    with pytest.raises(DuplicateIdError, match=r"^n7: "):
        prepare([gold_note("n7"), gold_note("n7")], {})


@pytest.mark.parametrize("confidence", ["1.2", "-0.1", "nan"])
def test_confidence_outside_zero_to_one_is_refused(confidence):
    with pytest.raises(FieldError, match=r"n: confidence .* is not in \[0, 1\]"):
        one_case("E11.9", f"E11.9:{confidence}")
