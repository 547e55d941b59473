from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from suggester.codesets.releases import Release, embedded_releases, groups, in_force, one_each
from suggester.errors import CodeSetError, NoReleaseError
from suggester.types import System


def release(
    system: System = "ICD-10-CM",
    id: str = "r1",
    first: str = "2026-04-01",
    last: str | None = "2026-09-30",
    **more: Any,
) -> Release:
    return Release(
        system=system,
        id=id,
        valid_from=date.fromisoformat(first),
        valid_to=date.fromisoformat(last) if last else None,
        source="a test",
        **{"reader": "icd10cm-embedded", **more},
    )


FY26 = release(id="fy26", first="2025-10-01", last="2026-09-30")
FY27 = release(id="fy27", first="2026-10-01", last=None)
Q1 = release("HCPCS", "q1", "2026-01-01", "2026-03-31")
Q2 = release("HCPCS", "q2", "2026-04-01", "2026-12-31")
CPT = release("CPT", "2026", "2026-01-01", "2026-12-31")
ALL = [FY26, FY27, Q1, Q2, CPT]


@pytest.mark.parametrize(
    ("day", "inside"),
    [("2026-03-31", False), ("2026-04-01", True), ("2026-09-30", True), ("2026-10-01", False)],
)
def test_covers_both_ends(day: str, inside: bool) -> None:
    assert release().covers(date.fromisoformat(day)) is inside


def test_open_release_covers_the_future() -> None:
    assert FY27.covers(date(2099, 1, 1))
    assert not FY27.covers(date(2026, 9, 30))


@pytest.mark.parametrize(
    ("system", "day", "expected"),
    [
        ("ICD-10-CM", "2026-09-30", "fy26"),
        ("ICD-10-CM", "2026-10-01", "fy27"),
        ("ICD-10-CM", None, "fy27"),
        ("HCPCS", "2026-03-31", "q1"),
        ("HCPCS", None, "q2"),
    ],
)
def test_in_force(system: System, day: str | None, expected: str) -> None:
    assert in_force(ALL, system, date.fromisoformat(day) if day else None).id == expected


def test_in_force_takes_the_newer_of_two_that_cover_the_day() -> None:
    update = release(id="update", first="2026-04-01", last="2026-09-30")
    assert in_force([FY26, update], "ICD-10-CM", date(2026, 5, 1)) is update
    assert in_force([update, FY26], "ICD-10-CM", date(2026, 3, 1)) is FY26


def test_no_release_for_the_day_names_what_there_is_and_the_command() -> None:
    with pytest.raises(NoReleaseError) as caught:
        in_force(ALL, "HCPCS", date(2025, 12, 31))
    text = str(caught.value)
    assert "HCPCS" in text
    assert "2025-12-31" in text
    assert "q1 (2026-01-01 to 2026-03-31)" in text
    assert "suggester codesets import" in text


def test_no_release_at_all_names_the_build() -> None:
    with pytest.raises(NoReleaseError, match="suggester codesets build"):
        in_force([FY26], "CPT", None)


def test_one_each_lets_the_newest_stand_in_and_says_so() -> None:
    chosen, missing = one_each(ALL, date(2027, 2, 1))
    assert [r.id for r in chosen] == ["fy27", "2026", "q2"]
    assert sorted(missing) == ["CPT", "HCPCS"]
    assert "2027-02-01" in str(missing["CPT"])
    assert one_each(ALL, date(2026, 2, 1)) == ((FY26, CPT, Q1), {})


def test_groups_are_the_sets_in_force_together() -> None:
    assert [[r.id for r in group] for group in groups(ALL)] == [
        ["fy26", "2026", "q2"],  # before 2026: no CPT and HCPCS yet, the newest stand in
        ["fy26", "2026", "q1"],
        ["fy27", "2026", "q2"],
    ]
    assert groups([FY26, Q1]) == []
    assert groups([release(last="9999-12-31"), Q2, CPT])


def test_file_name() -> None:
    assert release().file_name == "icd10cm-r1.store"
    assert Q1.file_name == "hcpcs-q1.store"


@pytest.mark.parametrize(
    "wrong",
    [
        {"system": "ICD-9-CM"},
        {"id": "../../etc/passwd"},
        {"id": "a/b"},
        {"id": ""},
        {"id": "x" * 65},
        {"reader": "unknown"},
        {"first": "2026-04-01", "last": "2026-03-31"},
    ],
)
def test_wrong_release_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(CodeSetError):
        release(**wrong)


def test_embedded_releases_stand_in_the_manifest() -> None:
    releases = embedded_releases()
    assert {(r.system, r.id) for r in releases} >= {
        ("ICD-10-CM", "2026-04-01"),
        ("HCPCS", "2026-04-01"),
        ("CPT", "2026-04-01"),
    }
    assert in_force(releases, "ICD-10-CM", date(2026, 9, 30)).id == "2026-04-01"
    with pytest.raises(NoReleaseError):
        in_force(releases, "ICD-10-CM", date(2026, 10, 1))


ROW = """[[release]]
system = "HCPCS"
id = "q1"
valid_from = 2026-01-01
source = "a test"
reader = "hcpcs-embedded"
"""


def test_manifest_without_a_last_day_is_open(tmp_path: Path) -> None:
    path = tmp_path / "releases.toml"
    path.write_text(ROW)
    (only,) = embedded_releases(path)
    assert only.valid_to is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[release", "releases.toml: "),
        ("x = 1\n", "release"),
        (ROW.replace('id = "q1"\n', ""), "release 1 lacks id"),
        (ROW + "colour = 1\n", "release 1 has unknown colour"),
        (ROW.replace('"HCPCS"', '"SNOMED"'), "release 1: system 'SNOMED', allowed: ICD-10-CM, CPT, HCPCS"),
        (
            ROW.replace("2026-01-01", '"2026-01-01"'),
            "release 1: release q1: valid_from and valid_to are dates",
        ),
        (ROW.replace("2026-01-01", "2026-01-01T00:00:00"), "are dates without a time"),
        (ROW.replace("hcpcs-embedded", "magic"), "reader 'magic', allowed: "),
        (ROW.replace('"q1"', "7"), "id and source are text"),
        (ROW + ROW, "HCPCS release q1 stands there twice"),
    ],
)
def test_wrong_manifest_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "releases.toml"
    path.write_text(text)
    with pytest.raises(CodeSetError, match=r"releases\.toml") as caught:
        embedded_releases(path)
    assert message in str(caught.value)
