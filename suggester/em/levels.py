"""The 2021/2023 tables of evaluation and management as plain functions: elements to levels, levels to codes.

Facts only, in our own words. Source: the evaluation and management guidelines in force since 2021 (office)
and 2023 (the other places), and the CMS physician fee schedule rules for preventive and prolonged services.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from suggester.types import EM_LEVELS, EmLevel, EmStatus

Category = Literal[
    "office",
    "emergency",
    "hospital initial",
    "hospital subsequent",
    "hospital discharge",
    "consultation",
    "hospital consultation",
    "preventive",
    "critical care",
]
Status = EmStatus
PatientStatus = Literal["new", "established"]

BY_MDM: Final[dict[tuple[str, str], tuple[str, str, str, str]]] = {
    ("office", "new"): ("99202", "99203", "99204", "99205"),
    ("office", "established"): ("99212", "99213", "99214", "99215"),
    ("emergency", ""): ("99282", "99283", "99284", "99285"),
    ("hospital initial", ""): ("99221", "99221", "99222", "99223"),
    ("hospital subsequent", ""): ("99231", "99231", "99232", "99233"),
    ("consultation", ""): ("99242", "99243", "99244", "99245"),
    ("hospital consultation", ""): ("99252", "99253", "99254", "99255"),
}
"""Code for each level of decision making, straightforward to high. Observation is hospital care."""

MINUTES: Final[dict[tuple[str, str], tuple[tuple[int, str], ...]]] = {
    ("office", "new"): ((15, "99202"), (30, "99203"), (45, "99204"), (60, "99205")),
    ("office", "established"): ((10, "99212"), (20, "99213"), (30, "99214"), (40, "99215")),
    ("hospital initial", ""): ((40, "99221"), (55, "99222"), (75, "99223")),
    ("hospital subsequent", ""): ((25, "99231"), (35, "99232"), (50, "99233")),
    ("consultation", ""): ((20, "99242"), (30, "99243"), (40, "99244"), (55, "99245")),
    ("hospital consultation", ""): ((35, "99252"), (45, "99253"), (60, "99254"), (80, "99255")),
}
"""Least total minutes on the date of the visit for each code. Emergency visits have no time."""

PROLONGED: Final[dict[str, tuple[int, str, int, str]]] = {
    "99205": (75, "99417", 89, "G2212"),
    "99215": (55, "99417", 69, "G2212"),
    "99245": (70, "99417", 0, ""),
    "99223": (90, "99418", 105, "G0316"),
    "99233": (65, "99418", 80, "G0316"),
    "99255": (95, "99418", 0, ""),
}
"""Minutes from which a prolonged service may be added, and its code: CPT's way, then Medicare's."""

PREVENTIVE: Final[dict[str, tuple[tuple[int, str], ...]]] = {
    "new": (
        *((1, "99381"), (5, "99382"), (12, "99383"), (18, "99384"), (40, "99385"), (65, "99386")),
        (200, "99387"),
    ),
    "established": (
        *((1, "99391"), (5, "99392"), (12, "99393"), (18, "99394"), (40, "99395"), (65, "99396")),
        (200, "99397"),
    ),
}
"""Preventive visit by age in years: the first row whose age is above the patient's."""

DISCHARGE_MINUTES: Final = 30
"""A discharge day of more than so many minutes is the longer one."""

CRITICAL_MINUTES: Final = 30
"""Critical care begins at so many minutes."""

PROBLEM_POINTS: Final = (
    "self-limited",
    "stable chronic",
    "acute",
    "chronic worse",
    "uncertain",
    "systemic",
    "complicated injury",
    "severe",
    "threat",
)
"""Kinds of problem, the least first."""


def problems_level(kinds: Iterable[str]) -> EmLevel:
    """Level of the number and complexity of problems; ``kinds`` has one of ``PROBLEM_POINTS`` for each.

    Raises
    ------
    ValueError
        If a kind is unknown.
    """
    found = list(kinds)
    unknown = set(found) - set(PROBLEM_POINTS)
    if unknown:
        raise ValueError(f"problem kind {sorted(unknown)[0]!r}, allowed: {', '.join(PROBLEM_POINTS)}")
    if "severe" in found or "threat" in found:
        return "high"
    if not {"chronic worse", "uncertain", "systemic", "complicated injury"}.isdisjoint(found):
        return "moderate"
    if found.count("stable chronic") >= 2:
        return "moderate"
    if "stable chronic" in found or "acute" in found or found.count("self-limited") >= 2:
        return "low"
    return "straightforward"


def data_level(*, tests: int, notes: int, historian: bool, interpretation: bool, discussion: bool) -> EmLevel:
    """Level of the data: ``tests`` and ``notes`` are numbers of unique ones, ordered or reviewed.

    Extensive data meet two of three categories: three documents (a historian counts as one), an own
    interpretation, a discussion. Limited data are two documents, or a historian.
    """
    documents = tests + notes
    met = (documents + historian >= 3) + interpretation + discussion
    if met >= 2:
        return "high"
    if met == 1:
        return "moderate"
    return "low" if documents >= 2 or historian else "straightforward"


def mdm_level(problems: EmLevel, data: EmLevel, risk: EmLevel) -> EmLevel:
    """Level of decision making: the highest that two of the three elements reach."""
    ranks = sorted(EM_LEVELS.index(level) for level in (problems, data, risk))
    return EM_LEVELS[ranks[1]]


def code_by_mdm(category: Category, status: PatientStatus, level: EmLevel) -> str:
    """The code of a category for a level of decision making.

    Raises
    ------
    ValueError
        If the category does not go by decision making.
    """
    codes = BY_MDM.get(_key(category, status))
    if codes is None:
        raise ValueError(f"category {category!r} does not go by decision making")
    return codes[EM_LEVELS.index(level)]


def code_by_time(category: Category, status: PatientStatus, minutes: int) -> str | None:
    """The code that total minutes reach; None below the first threshold or where time does not count."""
    reached = [code for least, code in MINUTES.get(_key(category, status), ()) if minutes >= least]
    return reached[-1] if reached else None


def preventive_code(status: PatientStatus, age: int) -> str:
    """The preventive visit for an age in whole years."""
    return next(code for limit, code in PREVENTIVE[status] if age < limit)


def level_number(category: Category, code: str) -> int | None:
    """Level of a code within its category as coders say it: 99213 is 3, 99222 is 2; else None."""
    if category in ("preventive", "critical care"):
        return None
    if category == "hospital discharge":
        return 1 if code == "99238" else 2
    return int(code[-1])


def prolonged(code: str, minutes: int) -> str | None:
    """A sentence on prolonged services where total minutes reach them, else None."""
    row = PROLONGED.get(code)
    if row is None or minutes < row[0]:
        return None
    least, cpt, medicare_least, medicare = row
    said = f"{minutes} minutes reach prolonged service {cpt} (from {least})"
    if medicare:
        counted = "reach" if minutes >= medicare_least else "do not reach"
        said += f"; for Medicare they {counted} {medicare} (from {medicare_least})"
    return said


def _key(category: str, status: str) -> tuple[str, str]:
    return (category, status if category == "office" else "")
