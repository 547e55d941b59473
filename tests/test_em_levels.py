"""The tables of evaluation and management: every combination of elements, every threshold of time."""

from __future__ import annotations

import itertools

import pytest

from suggester.em.levels import (
    BY_MDM,
    MINUTES,
    PROBLEM_POINTS,
    code_by_mdm,
    code_by_time,
    data_level,
    level_number,
    mdm_level,
    preventive_code,
    problems_level,
    prolonged,
)
from suggester.types import EM_LEVELS


@pytest.mark.parametrize("levels", list(itertools.product(EM_LEVELS, repeat=3)))
def test_mdm_level_is_the_highest_that_two_elements_reach(levels) -> None:
    found = EM_LEVELS.index(mdm_level(*levels))
    reach = [sum(EM_LEVELS.index(level) >= rank for level in levels) for rank in range(4)]
    assert reach[found] >= 2
    assert found == 3 or reach[found + 1] < 2


@pytest.mark.parametrize(
    ("kinds", "level"),
    [
        ([], "straightforward"),
        (["self-limited"], "straightforward"),
        (["self-limited"] * 2, "low"),
        (["acute"], "low"),
        (["acute"] * 3, "low"),
        (["stable chronic"], "low"),
        (["stable chronic", "acute"], "low"),
        (["stable chronic"] * 2, "moderate"),
        (["chronic worse"], "moderate"),
        (["uncertain"], "moderate"),
        (["systemic"], "moderate"),
        (["complicated injury"], "moderate"),
        (["chronic worse"] * 3, "moderate"),
        (["severe"], "high"),
        (["self-limited", "threat"], "high"),
    ],
)
def test_problems_level_of_kinds(kinds, level) -> None:
    assert problems_level(kinds) == level


def test_problems_level_refuses_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match="allowed: self-limited"):
        problems_level(["worse than ever"])


@pytest.mark.parametrize(
    ("tests", "notes", "historian", "interpretation", "discussion", "level"),
    [
        (0, 0, False, False, False, "straightforward"),
        (1, 0, False, False, False, "straightforward"),
        (2, 0, False, False, False, "low"),
        (1, 1, False, False, False, "low"),
        (0, 0, True, False, False, "low"),
        (1, 0, True, False, False, "low"),
        (2, 0, True, False, False, "moderate"),
        (3, 0, False, False, False, "moderate"),
        (2, 1, False, False, False, "moderate"),
        (0, 0, False, True, False, "moderate"),
        (0, 0, False, False, True, "moderate"),
        (3, 0, False, True, False, "high"),
        (2, 0, True, False, True, "high"),
        (0, 0, False, True, True, "high"),
        (9, 9, True, False, False, "moderate"),
    ],
)
def test_data_level_of_categories(tests, notes, historian, interpretation, discussion, level) -> None:
    found = data_level(
        tests=tests, notes=notes, historian=historian, interpretation=interpretation, discussion=discussion
    )
    assert found == level


@pytest.mark.parametrize(
    ("category", "status", "least", "code"),
    [(category, status, least, code) for (category, status), rows in MINUTES.items() for least, code in rows],
)
def test_code_by_time_holds_at_the_threshold_and_not_a_minute_before(category, status, least, code) -> None:
    assert code_by_time(category, status or "new", least) == code
    assert code_by_time(category, status or "new", least - 1) != code


def test_code_by_time_knows_no_time_in_the_emergency_department() -> None:
    assert code_by_time("emergency", "new", 90) is None
    assert code_by_time("office", "established", 9) is None


def test_code_by_mdm_of_office_and_hospital() -> None:
    assert code_by_mdm("office", "new", "moderate") == "99204"
    assert code_by_mdm("office", "established", "straightforward") == "99212"
    assert code_by_mdm("hospital initial", "new", "low") == "99221"
    assert code_by_mdm("emergency", "new", "high") == "99285"
    with pytest.raises(ValueError, match="decision making"):
        code_by_mdm("preventive", "new", "low")


@pytest.mark.parametrize("key", list(BY_MDM))
def test_codes_never_fall_with_the_level(key) -> None:
    assert list(BY_MDM[key]) == sorted(BY_MDM[key])


@pytest.mark.parametrize(
    ("age", "new", "established"),
    [
        (0, "99381", "99391"),
        (1, "99382", "99392"),
        (4, "99382", "99392"),
        (5, "99383", "99393"),
        (11, "99383", "99393"),
        (12, "99384", "99394"),
        (17, "99384", "99394"),
        (18, "99385", "99395"),
        (39, "99385", "99395"),
        (40, "99386", "99396"),
        (64, "99386", "99396"),
        (65, "99387", "99397"),
    ],
)
def test_preventive_code_by_age(age, new, established) -> None:
    assert (preventive_code("new", age), preventive_code("established", age)) == (new, established)


def test_level_number_as_coders_say_it() -> None:
    assert level_number("office", "99213") == 3
    assert level_number("hospital initial", "99222") == 2
    assert level_number("hospital discharge", "99239") == 2
    assert level_number("preventive", "99396") is None


def test_prolonged_names_both_ways_of_counting() -> None:
    assert prolonged("99215", 54) is None
    assert "do not reach G2212" in (prolonged("99215", 55) or "")
    assert "they reach G2212" in (prolonged("99215", 69) or "")
    assert "99417" in (prolonged("99245", 70) or "")
    assert prolonged("99213", 200) is None


def test_problem_points_begin_with_the_least() -> None:
    assert PROBLEM_POINTS[0] == "self-limited"
    assert PROBLEM_POINTS[-1] == "threat"
