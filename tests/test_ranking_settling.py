"""Rivals of one note: unspecified siblings, the same words, combinations and what they replace."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suggester.pipeline.reading import NEGATED
from suggester.ranking.candidates import CodeSupport, Joined, Method, Support
from suggester.ranking.features import Scored
from suggester.ranking.settling import (
    ALONE_HELD,
    COMBINED,
    ENOUGH,
    ONE_HELD,
    REPLACED_HELD,
    SAME_WORDS_HELD,
    SPREAD_FROM,
    UNSPECIFIED_HELD,
    settle,
    unsaid,
)
from suggester.suggest import load
from suggester.types import Note

SPANS = {0: (0, 2), 1: (1, 3), 2: (10, 12)}


def candidate(
    row: int,
    category: str,
    match: int,
    joins: list[Joined] | None = None,
    *,
    flags: int = 0,
    method: Method = Method.TERM,
) -> Scored:
    support = Support(match=match, method=method, flags=flags, resolved=None, similarity=1.0)
    code = CodeSupport("ICD-10-CM", row, [support], joins=joins or [])
    return Scored(
        candidate=code, best=support, best_score=1.0, undominated=1, category=category, first_token=0
    )


def settled(
    items: list[Scored],
    confidence: list[float],
    unspecified: set[int] = frozenset(),  # type: ignore[assignment]
    gives_way: dict[int, frozenset[int]] | None = None,
    setting: Any = None,
    company: dict[int, tuple[str, ...]] | None = None,
    one_of: dict[int, tuple[tuple[int, int], ...]] | None = None,
) -> list[float]:
    matches: Any = SimpleNamespace(
        firsts=[SPANS[m][0] for m in SPANS],
        finals=[SPANS[m][1] for m in SPANS],
        coverage=np.array([1.0, 0.8, 1.0]),
    )
    out = settle(
        matches,
        items,
        np.array(confidence),
        unspecified=lambda row: row in unspecified,
        gives_way=gives_way or {},
        company=company or {},
        one_of=one_of or {},
        setting=setting,
    )
    found: list[float] = out.tolist()
    return found


def test_an_unspecified_code_steps_back_behind_a_specific_one_of_its_family() -> None:
    items = [candidate(1, "I50", 0), candidate(2, "I50", 2)]
    assert settled(items, [0.9, 0.8], {2}) == pytest.approx([0.9, 0.8 * (1 - UNSPECIFIED_HELD * 0.9)])


def test_an_unspecified_code_that_is_little_surer_comes_after_a_specific_one() -> None:
    items = [candidate(1, "I50", 0), candidate(2, "I50", 2)]
    assert settled(items, [0.7, 0.8], {2}) == pytest.approx([0.7, 0.8 * (1 - UNSPECIFIED_HELD * 0.7)])
    assert settled(items, [0.5, 0.8], {2}) == [0.5, 0.8]


def test_a_code_that_leaves_open_what_another_family_tells_steps_back_behind_it() -> None:
    items = [candidate(1, "J18", 0), candidate(2, "J13", 2), candidate(3, "J20", 2)]
    held = 0.9 * (1 - UNSPECIFIED_HELD * 0.5)
    assert settled(items, [0.9, 0.5, 0.8], gives_way={1: frozenset((2, 7))}) == pytest.approx(
        [held, 0.5, 0.8]
    )
    assert settled(items[::2], [0.9, 0.8], gives_way={1: frozenset((2, 7))}) == [0.9, 0.8]


@pytest.mark.parametrize(
    ("setting", "flags", "held"),
    [
        ("outpatient", 0, True),
        ("outpatient", 2, False),
        ("inpatient", 2, True),
        (None, 1, False),
        (None, 16, False),
    ],
)
def test_what_may_not_be_coded_holds_nobody_back(setting: Any, flags: int, held: bool) -> None:
    items = [candidate(1, "I50", 0, flags=flags), candidate(2, "I50", 2), candidate(3, "J18", 2)]
    assert unsaid(items, setting) == (frozenset() if held else {0})
    out = settled(items, [0.9, 0.8, 0.7], {2}, {3: frozenset((1,))}, setting)
    kept = 1 - UNSPECIFIED_HELD * 0.9 if held else 1.0
    assert out == pytest.approx([0.9, 0.8 * kept, 0.7 * kept])


def test_a_specific_code_does_not_step_back_behind_an_unspecified_one_elsewhere() -> None:
    items = [candidate(1, "I50", 0), candidate(2, "I50", 2)]
    assert settled(items, [0.9, 0.6], {1}) == [0.9, 0.6]


def test_two_codes_of_a_family_do_not_both_stand_on_the_same_words() -> None:
    items = [candidate(1, "I50", 0), candidate(2, "I50", 1)]
    assert settled(items, [0.9, 0.8]) == pytest.approx([0.9, 0.8 * (1 - SAME_WORDS_HELD * 0.9)])


@pytest.mark.parametrize(("sure", "share"), [(None, 0.0), (0.12, 0.4), (0.3, 1.0), (0.9, 1.0)])
def test_a_code_is_held_back_without_what_it_goes_with(sure: float | None, share: float) -> None:
    items = [candidate(1, "Z68", 0), candidate(2, "I50", 1)]
    values = [0.8, 0.7]
    if sure is not None:
        items.append(candidate(3, "E66", 2))
        values.append(sure)
    assert sure is None or share == pytest.approx(min(1.0, sure / ENOUGH))
    out = settled(items, values, company={1: ("E66", "R63")})
    assert out == pytest.approx([0.8 * (1 - ALONE_HELD * (1 - share)), *values[1:]])


def test_what_is_denied_is_no_company() -> None:
    items = [candidate(1, "Z79", 0), candidate(2, "E11", 2, flags=1)]
    out = settled(items, [0.8, 0.7], company={1: ("E11",)})
    assert out == pytest.approx([0.8 * (1 - ALONE_HELD), 0.7])


@pytest.mark.parametrize(
    ("alone", "beside", "code"),
    [
        ("Meds: empagliflozin 10 mg daily for HFrEF.", "\nAssessment: T2DM.", "Z79.84"),
        ("BMI 38.2.", "\nAssessment: morbid obesity.", "Z68.38"),
        ("Tripped over the dog yesterday.", "\nAssessment: right wrist sprain.", "W01.0XXA"),
    ],
)
def test_what_is_not_coded_alone_is_surer_beside_what_it_goes_with(
    alone: str, beside: str, code: str
) -> None:
    def confidence(text: str) -> float:
        found = load(threshold=0.0, limit=200).suggest(Note(id="n", text=text)).suggestions
        return next((item.confidence for item in found if item.code.code == code), 0.0)

    assert confidence(alone) < 0.4 < confidence(alone + beside)


def test_both_codes_of_a_mention_of_both_sides_stand() -> None:
    items = [candidate(1, "M25", 0), candidate(2, "M25", 0, method=Method.DESCENT)]
    assert settled(items, [0.9, 0.8]) == [0.9, 0.8]


@pytest.mark.parametrize(
    ("said", "codes"),
    [
        ("Bilateral knee pain", ("M25.561", "M25.562")),
        ("Bilateral ankle sprain", ("S93.401A", "S93.402A")),
        ("Patellofemoral pain syndrome, bilateral", ("M22.2X1", "M22.2X2")),
        ("Cellulitis of both lower legs", ("L03.115", "L03.116")),
    ],
)
def test_both_sides_are_about_as_sure(said: str, codes: tuple[str, str]) -> None:
    found = load().suggest(Note(id="n", text=f"Assessment: {said}.")).suggestions
    right, left = ({item.code.code: item.confidence for item in found}[code] for code in codes)
    assert min(right, left) >= 0.5
    assert abs(right - left) < 0.1


def test_the_likeliest_alternative_holds_back_the_others() -> None:
    items = [candidate(1, "E11", 0), candidate(2, "E13", 2), candidate(3, "E10", 2), candidate(4, "I50", 1)]
    one_of = {1: ((0, 0),), 2: ((0, 1),), 3: ((0, 2),)}
    assert settled(items, [0.8, 0.5, 0.4, 0.3], one_of=one_of) == pytest.approx(
        [0.8, 0.5 * (1 - ONE_HELD * 0.8), 0.4 * (1 - ONE_HELD * 0.8), 0.3]
    )
    assert settled(items[1:2], [0.5], one_of=one_of) == [0.5]


def test_an_alternative_of_several_codes_keeps_them_all() -> None:
    items = [candidate(1, "E11", 0), candidate(2, "E11", 2), candidate(3, "E10", 1)]
    one_of = {1: ((0, 0),), 2: ((0, 0),), 3: ((0, 1),)}
    assert settled(items, [0.8, 0.6, 0.4], one_of=one_of) == pytest.approx(
        [0.8, 0.6, 0.4 * (1 - ONE_HELD * 0.8)]
    )


def test_what_is_denied_is_no_alternative() -> None:
    items = [candidate(1, "F17", 0, flags=NEGATED), candidate(2, "Z87", 2)]
    assert settled(items, [0.6, 0.5], one_of={1: ((0, 0),), 2: ((0, 1),)}) == [0.6, 0.5]


@pytest.mark.parametrize(
    ("text", "stands", "held"),
    [
        ("Current smoker, half a pack a day, advised to quit smoking.", "F17.210", "Z87.891"),
        ("Former smoker, quit in 2010.", "Z87.891", "F17.210"),
        ("Assessment: hypertension and congestive heart failure.", "I11.0", "I10"),
        ("Assessment: acute on chronic diastolic heart failure. Known diastolic CHF.", "I50.33", "I50.32"),
    ],
)
def test_one_of_two_that_exclude_each_other_stands(text: str, stands: str, held: str) -> None:
    found = load(threshold=0.0, limit=200).suggest(Note(id="n", text=text)).suggestions
    confidence = {item.code.code: item.confidence for item in found}
    assert confidence[stands] >= 0.5 > confidence.get(held, 0.0)


def test_the_likeliest_primary_of_a_cancer_that_has_spread_is_raised() -> None:
    spread = candidate(1, "C79", 2)
    primary, other = candidate(2, "C34", 0), candidate(3, "C50", 0)
    assert settled([spread, primary, other], [0.9, 0.3, 0.2]) == pytest.approx([0.9, SPREAD_FROM * 0.9, 0.2])
    assert settled([spread, primary], [0.9, 0.95]) == [0.9, 0.95]
    assert settled([spread, primary], [0.9, 0.01]) == [0.9, 0.01]


@pytest.mark.parametrize(
    "primary",
    [
        candidate(2, "C34", 1),
        candidate(2, "C34", 0, flags=NEGATED),
        candidate(2, "C34", 0, method=Method.COMBINATION),
        candidate(2, "D05", 0),
    ],
    ids=["in part", "denied", "joined", "in situ"],
)
def test_what_is_no_primary_named_whole_and_affirmed_is_left_alone(primary: Scored) -> None:
    assert settled([candidate(1, "C79", 2), primary], [0.9, 0.3]) == [0.9, 0.3]


def test_combinations_that_share_a_condition_stand() -> None:
    """Diabetes with its neuropathy and with its kidney disease."""
    joined = [Joined(conditions=((1,), (2,)), replaced=())]
    items = [
        candidate(1, "I10", 2),
        candidate(2, "N18", 2),
        candidate(3, "E11", 0, joined, method=Method.COMBINATION),
        candidate(4, "E11", 0, joined, method=Method.COMBINATION),
    ]
    assert settled(items, [0.0, 0.0, 0.9, 0.8])[2:] == [0.9, 0.8]


def test_other_families_and_other_words_are_left_alone() -> None:
    assert settled([candidate(1, "I50", 0), candidate(2, "J44", 1)], [0.9, 0.8]) == [0.9, 0.8]
    assert settled([candidate(1, "I50", 0), candidate(2, "I50", 2)], [0.9, 0.8]) == [0.9, 0.8]


def test_a_combination_speaks_for_its_conditions_and_holds_back_what_it_replaces() -> None:
    joined = Joined(conditions=((1,), (2,)), replaced=(1,))
    items = [candidate(1, "I10", 0), candidate(2, "I50", 2), candidate(3, "I11", 0, [joined])]
    held = COMBINED * 0.8
    assert settled(items, [0.9, 0.8, 0.1]) == pytest.approx([0.9 * (1 - REPLACED_HELD * held), 0.8, held])


def test_a_condition_may_share_its_confidence_with_its_combination() -> None:
    """The ranker gives a part to the code that is replaced and a part to the one that replaces it."""
    joined = Joined(conditions=((1,), (2,)), replaced=(1,))
    items = [candidate(1, "I10", 0), candidate(2, "I50", 2), candidate(3, "I11", 0, [joined])]
    assert settled(items, [0.4, 0.9, 0.4])[2] == pytest.approx(COMBINED * 0.8)
    assert settled(items, [0.9, 1.0, 0.4])[2] == pytest.approx(COMBINED)


def test_a_condition_of_which_nothing_else_speaks_counts_for_nothing() -> None:
    items = [candidate(1, "I10", 0), candidate(3, "I11", 0, [Joined(conditions=((1,), ()), replaced=(1,))])]
    assert settled(items, [0.9, 0.05]) == [0.9, 0.05]


def test_hypertension_heart_failure_and_kidney_disease_are_one_code() -> None:
    text = "Assessment:\n1. Chronic HFrEF, stable\n2. Hypertension\n3. CKD stage 3a\n"
    found = load().suggest(Note(id="n", text=text)).suggestions
    rank = {item.code.code: item.rank for item in found}
    last = len(found) + 1  # of a code that is held back so far that it is not shown
    assert rank["I13.0"] < min(rank.get(code, last) for code in ("I10", "I11.0", "I12.9"))
    assert rank["I50.22"] < rank.get("I50.9", last)
    assert rank["N18.31"] < rank.get("N18.9", last)
