"""Which releases there are: the embedded ones are listed in ``codesets/releases.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from suggester.errors import CodeSetError, NoReleaseError
from suggester.resources import data_path
from suggester.types import SYSTEMS, System

Reader = Literal[
    "icd10cm-embedded", "icd10cm-imported", "hcpcs-embedded", "hcpcs-imported", "cpt-embedded", "cpt-imported"
]
"""What made a release: a reader of an installed package's tables, or the user's import."""

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release of a code system. ``valid_to`` is the last day it is in force, None while open.

    Raises
    ------
    CodeSetError
        If system, id, dates or reader are not ones that a release can have.
    """

    system: System
    id: str
    valid_from: date
    valid_to: date | None
    source: str
    reader: Reader
    codes: int = 0
    path: Path | None = None

    def __post_init__(self) -> None:
        if self.system not in SYSTEMS:
            raise CodeSetError(f"system {self.system!r}, allowed: {', '.join(SYSTEMS)}")
        if not _ID.fullmatch(self.id):
            raise CodeSetError(
                f"release id {self.id!r}: a letter or digit, then up to 63 letters, digits, dots, '_' or '-'"
            )
        if self.reader not in get_args(Reader):
            raise CodeSetError(f"reader {self.reader!r}, allowed: {', '.join(get_args(Reader))}")
        if not _is_date(self.valid_from) or not (self.valid_to is None or _is_date(self.valid_to)):
            raise CodeSetError(f"release {self.id}: valid_from and valid_to are dates without a time")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise CodeSetError(
                f"release {self.id}: last day {self.valid_to} is before first day {self.valid_from}"
            )

    def covers(self, day: date) -> bool:
        """Whether the release is in force on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    @property
    def file_name(self) -> str:
        """Name of the compiled file."""
        return f"{self.system.lower().replace('-', '')}-{self.id}.store"


def _is_date(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def embedded_releases(path: Path | None = None) -> tuple[Release, ...]:
    """The releases that the dependencies of this installation carry.

    Parameters
    ----------
    path
        The manifest; ``codesets/releases.toml`` if not given.

    Raises
    ------
    CodeSetError
        If the manifest is wrong.
    """
    manifest = path or data_path("codesets", "releases.toml")
    try:
        rows = tomllib.loads(manifest.read_text(encoding="utf-8"))["release"]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as error:
        raise CodeSetError(f"{manifest.name}: {error}") from None
    releases = tuple(_release(manifest.name, number, row) for number, row in enumerate(rows, 1))
    for release in releases:
        if sum(other.file_name == release.file_name for other in releases) > 1:
            raise CodeSetError(f"{manifest.name}: {release.system} release {release.id} stands there twice")
    return releases


def _release(manifest: str, number: int, row: dict[str, Any]) -> Release:
    wanted = {"system", "id", "valid_from", "valid_to", "source", "reader"}
    if missing := sorted(wanted - {"valid_to"} - set(row)):
        raise CodeSetError(f"{manifest}: release {number} lacks {', '.join(missing)}")
    if unknown := sorted(set(row) - wanted):
        raise CodeSetError(f"{manifest}: release {number} has unknown {', '.join(unknown)}")
    if not isinstance(row["id"], str) or not isinstance(row["source"], str):
        raise CodeSetError(f"{manifest}: release {number}: id and source are text")
    try:
        return Release(**{"valid_to": None, **row})
    except CodeSetError as error:
        raise CodeSetError(f"{manifest}: release {number}: {error}") from None


def in_force(releases: Sequence[Release], system: System, on: date | None) -> Release:
    """The release of a system in force on a day; without a day the newest.

    Raises
    ------
    NoReleaseError
        If no release covers the day; names the releases there are and the command that mends it.
    """
    own = sorted(
        (item for item in releases if item.system == system), key=lambda item: (item.valid_from, item.id)
    )
    if not own:
        raise NoReleaseError(f"no {system} release is installed; build it: suggester codesets build")
    if on is None:
        return own[-1]
    covering = [item for item in own if item.covers(on)]
    if covering:
        return covering[-1]
    have = "; ".join(f"{r.id} ({r.valid_from} to {r.valid_to or 'open'})" for r in own)
    raise NoReleaseError(
        f"no {system} release covers {on.isoformat()}; installed: {have}; "
        "import the one in force with: suggester codesets import"
    )


def one_each(
    releases: Sequence[Release], on: date | None
) -> tuple[tuple[Release, ...], dict[System, NoReleaseError]]:
    """One release of each system for a day, and what is missing.

    Where no release of a system covers the day, its newest one stands in so that words can be read, and the
    error is returned: codes of that system must not be suggested.

    Raises
    ------
    NoReleaseError
        If a system has no release at all.
    """
    chosen: list[Release] = []
    missing: dict[System, NoReleaseError] = {}
    for system in SYSTEMS:
        try:
            chosen.append(in_force(releases, system, on))
        except NoReleaseError as error:
            chosen.append(in_force(releases, system, None))
            missing[system] = error
    return tuple(chosen), missing


def groups(releases: Sequence[Release]) -> list[tuple[Release, ...]]:
    """The sets of releases that notes are coded with, one for each stretch of days; the newest set last.

    Only days that ICD-10-CM covers count: without it no note is coded.
    """
    if {release.system for release in releases} < set(SYSTEMS):
        return []
    days = {release.valid_from for release in releases}
    ends = {release.valid_to for release in releases if release.valid_to and release.valid_to < date.max}
    days |= {end + timedelta(days=1) for end in ends}
    out: list[tuple[Release, ...]] = []
    for day in [*sorted(days), None]:
        chosen, missing = one_each(releases, day)
        if "ICD-10-CM" not in missing and chosen not in out:
            out.append(chosen)
    return out
