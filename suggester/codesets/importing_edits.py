"""Imports of CMS tables about services: NCCI procedure pairs, medically unlikely edits, global periods.

Layouts as CMS publishes them: pairs have column 1, column 2, *in existence prior to 1996*, effective day,
deletion day (``*`` while none), modifier indicator (0 not allowed, 1 allowed, 9 not applicable), rationale;
unlikely edits have code, value, adjudication indicator and rationale; global days stand in the relative value
file of the physician fee schedule under HCPCS and GLOB DAYS.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, get_args

import numpy as np

from suggester.codesets.container import FORMAT, write_container
from suggester.codesets.importing_plan import Plan, Wanted, only_one
from suggester.codesets.journal import Changes
from suggester.codesets.procedures import GLOBAL_FILE, PAIRS_FILE, UNITS_FILE, ServiceSetting
from suggester.codesets.tabular_files import month_in_name
from suggester.codesets.untrusted import Row, Source, day_of, find_header, heading, rows_of
from suggester.errors import ImportRefusedError

SERVICE_SETTINGS: tuple[ServiceSetting, ...] = get_args(ServiceSetting)

_SERVICE = re.compile(r"[A-Z0-9]\d{3}[A-Z0-9]")
_GLOBAL = re.compile(r"0[019]0|000|XXX|YYY|ZZZ|MMM")
_PAIR_COLUMNS = (
    ("column 1*", "column1*"),
    ("column 2*", "column2*"),
    ("effective*",),
    ("deletion*",),
    ("modifier*",),
    ("?", "ptp edit rationale*", "rationale*"),
)
_UNIT_COLUMNS = (
    ("hcpcs cpt code*", "hcpcs*", "cpt*", "code"),
    (
        "practitioner services mue*",
        "outpatient hospital services mue*",
        "dme supplier services mue*",
        "mue value*",
    ),
    ("mue adjudication indicator*", "mai*"),
    ("?", "mue rationale*", "rationale*"),
)
_SETTING_WORDS: dict[ServiceSetting, tuple[str, ...]] = {
    "practitioner": ("practitioner", "pract", "ccipra"),
    "hospital": ("outpatient", "hospital", "oph", "ccioph"),
    "dme": ("dme", "supplier"),
}


def _setting(wanted: Wanted, source: Source, words: str) -> ServiceSetting:
    """Whose edits a file holds, by what the user said or its headings and name say."""
    if wanted.setting is not None:
        for name in SERVICE_SETTINGS:
            if wanted.setting == name:
                return name
        raise ImportRefusedError(
            source.name, f"setting {wanted.setting!r}, allowed: {', '.join(SERVICE_SETTINGS)}"
        )
    text = f"{words} {source.name}".lower()
    found = [name for name, marks in _SETTING_WORDS.items() if any(mark in text for mark in marks)]
    if len(found) != 1:
        raise ImportRefusedError(
            source.name, "whose edits they are is not said; say --setting practitioner or hospital"
        )
    return found[0]


# --- NCCI pairs --------------------------------------------------------------------------------------


class _Pairs:
    """Columns of the pairs of all files, small enough for two million rows."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self.rationales: dict[str, int] = {}
        self.one, self.two, self.why = array("H"), array("H"), array("H")
        self.allowed = array("B")
        self.first, self.last = array("i"), array("i")
        self.file, self.row = array("H"), array("I")
        self.rows = 0
        self.never = 0

    def code(self, text: str, source: Source, row: int) -> int:
        """Number of a code."""
        if not _SERVICE.fullmatch(text):
            raise ImportRefusedError(source.name, f"{text[:12]!r} is no code of CPT or HCPCS", row=row)
        if len(self.codes) == 65_535 and text not in self.codes:
            raise ImportRefusedError(source.name, "more than 65,535 different codes", row=row)
        return self.codes.setdefault(text, len(self.codes))


def plan_ncci(sources: Sequence[Source], wanted: Wanted) -> Plan:
    """What NCCI files bring; several files of one kind of claims are one import.

    Raises
    ------
    ImportRefusedError
        If a file or row is wrong, or a pair stands there twice for one day.
    """
    files = [s for s in sources if s.suffix in (".txt", ".csv", ".xlsx")]
    texts = [s for s in files if s.suffix == ".txt"]
    files = texts or files  # CMS packs the same pairs as text and as workbook
    if not files:
        raise ImportRefusedError(sources[0].name if sources else "import", "no NCCI file (.txt, .csv, .xlsx)")
    pairs = _Pairs()
    setting = _setting(wanted, files[0], "")
    days: dict[str, int] = {}
    for number, source in enumerate(files):
        _read_pairs(source, number, pairs, days)
    columns = _sort_pairs(pairs, files)
    count = len(columns["one"])
    if not count:
        raise ImportRefusedError(files[0].name, "no pair of codes in it")
    newest = date.fromordinal(int(columns["first"].max()))
    if wanted.first is not None and newest.year < wanted.first.year - 1:
        raise ImportRefusedError(
            files[0].name, f"wrong year: its newest pair is of {newest}, asked for {wanted.first}"
        )

    def write(folder: Path) -> None:
        _write_pairs(folder / PAIRS_FILE, pairs, columns, setting, wanted.sha256)

    remarks = [f"{count:,} pairs of {setting} claims, newest of {newest}"]
    if pairs.never:
        remarks.append(f"{pairs.never:,} pairs deleted on the day they began are left out")
    changes = Changes(rows=pairs.rows, kept=count, added=count, remarks=tuple(remarks))
    return Plan(kind="ncci", slot=f"ncci {setting}", write=write, changes=changes)


def _read_pairs(source: Source, number: int, pairs: _Pairs, days: dict[str, int]) -> None:
    rows = rows_of(source)
    places, _ = find_header(source, rows, _PAIR_COLUMNS)
    least = max(places[:5])
    for row, cells in rows:
        one = cells[places[0]] if len(cells) > places[0] else ""
        if not pairs.rows and not _SERVICE.fullmatch(one.upper()):
            continue  # the rest of a heading of several rows
        if len(cells) <= least:
            raise ImportRefusedError(source.name, f"{len(cells)} cells, expected more: cut off?", row=row)
        pairs.rows += 1
        begins = _ordinal(cells[places[2]], source, row, days)
        if begins == 0:
            raise ImportRefusedError(source.name, "no effective day", row=row)
        ends = _ordinal(cells[places[3]], source, row, days)
        flag = cells[places[4]]
        if flag not in ("0", "1", "9"):
            raise ImportRefusedError(
                source.name, f"modifier indicator {flag[:9]!r}, allowed: 0, 1, 9", row=row
            )
        if ends and ends < begins:
            raise ImportRefusedError(source.name, "deleted before it began", row=row)
        if ends == begins:
            pairs.never += 1
            continue
        why = cells[places[5]] if 0 <= places[5] < len(cells) else ""
        pairs.one.append(pairs.code(one.upper(), source, row))
        pairs.two.append(pairs.code(cells[places[1]].upper(), source, row))
        pairs.why.append(pairs.rationales.setdefault(why, min(len(pairs.rationales), 65_535)))
        pairs.allowed.append(int(flag))
        pairs.first.append(begins)
        pairs.last.append(ends)
        pairs.file.append(number)
        pairs.row.append(row)


def _ordinal(text: str, source: Source, row: int, days: dict[str, int]) -> int:
    """A day as a number, 0 for none (``*``)."""
    if text in ("", "*"):
        return 0
    if text not in days:
        days[text] = day_of(text, source, row).toordinal()
    return days[text]


def _sort_pairs(pairs: _Pairs, files: Sequence[Source]) -> dict[str, Any]:
    """Columns in order of codes (by name) and days; refuses a pair that is in force twice on a day."""
    names = sorted(pairs.codes)
    place = np.zeros(max(len(names), 1), dtype=np.uint16)
    for rank, name in enumerate(names):
        place[pairs.codes[name]] = rank
    raw = {
        name: np.frombuffer(getattr(pairs, name), dtype=kind) if len(pairs.one) else np.zeros(0, dtype=kind)
        for name, kind in (
            ("one", np.uint16),
            ("two", np.uint16),
            ("why", np.uint16),
            ("allowed", np.uint8),
            ("first", np.int32),
            ("last", np.int32),
            ("file", np.uint16),
            ("row", np.uint32),
        )
    }
    raw["one"], raw["two"] = place[raw["one"]], place[raw["two"]]
    order = np.lexsort((raw["first"], raw["two"], raw["one"]))
    columns: dict[str, Any] = {name: column[order] for name, column in raw.items()}
    open_end = np.where(columns["last"] == 0, np.iinfo(np.int32).max, columns["last"])
    same = (columns["one"][1:] == columns["one"][:-1]) & (columns["two"][1:] == columns["two"][:-1])
    twice = np.flatnonzero(same & (columns["first"][1:] <= open_end[:-1]))
    if len(twice):
        at = int(twice[0]) + 1
        one, two = names[int(columns["one"][at])], names[int(columns["two"][at])]
        raise ImportRefusedError(
            files[int(columns["file"][at])].name,
            f"pair {one} {two} has overlapping validity (also in row {int(columns['row'][at - 1])})",
            row=int(columns["row"][at]),
        )
    columns["names"] = names
    return columns


def _write_pairs(path: Path, pairs: _Pairs, columns: dict[str, Any], setting: str, key: str) -> None:
    write_container(
        path,
        meta={"format": FORMAT, "key": key, "setting": setting, "pairs": len(columns["one"])},
        arrays={
            "ncci_code1": columns["one"],
            "ncci_code2": columns["two"],
            "ncci_modifier": columns["allowed"],
            "ncci_from": columns["first"],
            "ncci_to": columns["last"],
            "ncci_why": columns["why"],
        },
        strings={"ncci_codes": columns["names"], "rationales": list(pairs.rationales)[:65_536]},
    )


# --- medically unlikely edits ------------------------------------------------------------------------


def plan_mue(sources: Sequence[Source], wanted: Wanted) -> Plan:
    """What a table of medically unlikely edits brings. One import holds one quarter.

    Raises
    ------
    ImportRefusedError
        If the file or a row is wrong, or no first day is known.
    """
    source = only_one(sources, (".csv", ".xlsx", ".txt"), "an MUE table (.csv, .xlsx, .txt)", prefer="mue")
    first = wanted.first or month_in_name(source.name)
    if first is None:
        raise ImportRefusedError(
            source.name, "its name states no month; say when it begins: --from 2026-10-01"
        )
    named = month_in_name(source.name)
    if named is not None and named.year != first.year:
        raise ImportRefusedError(source.name, f"wrong year: its name says {named.year}, --from says {first}")
    rows = rows_of(source)
    heads: list[str] = []
    places, _ = find_header(source, _remembered(rows, heads), _UNIT_COLUMNS)
    setting = _setting(wanted, source, heads[-1])
    found: dict[str, tuple[int, int, str, str]] = {}
    for row, cells in rows:
        code, value, indicator, why = (cells[p] if 0 <= p < len(cells) else "" for p in places)
        code = code.upper()
        if not _SERVICE.fullmatch(code):
            raise ImportRefusedError(source.name, f"{code[:12]!r} is no code of CPT or HCPCS", row=row)
        if not value.isdigit() or len(value) > 6:
            raise ImportRefusedError(source.name, f"MUE value {value[:12]!r} is no whole number", row=row)
        if indicator[:1] not in ("1", "2", "3"):
            raise ImportRefusedError(
                source.name, f"adjudication indicator {indicator[:12]!r}, allowed: 1, 2, 3", row=row
            )
        if code in found:
            raise ImportRefusedError(
                source.name, f"{code} stands there twice (first in row {found[code][0]})", row=row
            )
        found[code] = (row, int(value), indicator[0], why)
    if len(found) < wanted.fewest(100):
        raise ImportRefusedError(source.name, f"{len(found)} codes; a whole table has thousands")

    def write(folder: Path) -> None:
        codes = sorted(found)
        _write_by_code(
            folder / UNITS_FILE,
            codes,
            {"units": np.array([found[c][1] for c in codes], dtype=np.int32)},
            {"indicators": [found[c][2] for c in codes], "rationales": [found[c][3] for c in codes]},
            first,
            wanted,
            setting=setting,
        )

    changes = Changes(
        rows=len(found), kept=len(found), added=len(found), remarks=(f"for {setting} claims from {first}",)
    )
    return Plan(kind="mue", slot=f"mue {setting} {first}", write=write, changes=changes)


def _remembered(rows: Iterator[Row], heads: list[str]) -> Iterator[Row]:
    for row in rows:
        heads.append(heading(" ".join(row[1])))
        yield row


# --- global periods ----------------------------------------------------------------------------------


def plan_global(sources: Sequence[Source], wanted: Wanted) -> Plan:
    """What the relative value file of the physician fee schedule says of global periods; only that is kept.

    Raises
    ------
    ImportRefusedError
        If the file or a row is wrong, or no first day is known.
    """
    source = only_one(sources, (".csv", ".xlsx"), "a relative value file (.csv, .xlsx)", prefer="pprrvu")
    first = wanted.first or month_in_name(source.name)
    if first is None:
        raise ImportRefusedError(source.name, "say when it begins: --from 2027-01-01")
    rows = rows_of(source)
    at_code, at_days = _global_places(source, rows)
    found: dict[str, tuple[int, str]] = {}
    for row, cells in rows:
        code = cells[at_code].upper() if len(cells) > at_code else ""
        if not _SERVICE.fullmatch(code):
            continue  # notices below the table
        days = cells[at_days].upper() if len(cells) > at_days else ""
        days = days.zfill(3) if days.isdigit() else days
        if not _GLOBAL.fullmatch(days):
            raise ImportRefusedError(
                source.name,
                f"global days {days[:9]!r} of {code}, allowed: 000, 010, 090, XXX, YYY, ZZZ, MMM",
                row=row,
            )
        if code in found and found[code][1] != days:
            raise ImportRefusedError(
                source.name, f"{code} has two global periods (first in row {found[code][0]})", row=row
            )
        found.setdefault(code, (row, days))
    if len(found) < wanted.fewest(100):
        raise ImportRefusedError(source.name, f"{len(found)} codes; a whole file has thousands")

    def write(folder: Path) -> None:
        codes = sorted(found)
        days = {"days": [found[c][1] for c in codes]}
        _write_by_code(folder / GLOBAL_FILE, codes, {}, days, first, wanted, setting="")

    changes = Changes(rows=len(found), kept=len(found), added=len(found), remarks=(f"in force from {first}",))
    return Plan(kind="global", slot=f"global {first}", write=write, changes=changes)


def _global_places(source: Source, rows: Iterator[Row]) -> tuple[int, int]:
    """Columns of code and global days: their headings stand in several rows above each other."""
    names: dict[int, str] = {}
    for tried, (_, cells) in enumerate(rows):
        for place, cell in enumerate(cells):
            if cell:
                names[place] = f"{names.get(place, '')} {heading(cell)}".strip()
        if any(heading(cell) == "hcpcs" for cell in cells):
            code = next(p for p, cell in enumerate(cells) if heading(cell) == "hcpcs")
            days = [p for p, name in names.items() if "glob" in name.split()]
            if len(days) == 1:
                return code, days[0]
        if tried >= 40:
            break
    raise ImportRefusedError(source.name, "no headings HCPCS and GLOB DAYS")


def _write_by_code(
    path: Path,
    codes: Sequence[str],
    arrays: dict[str, Any],
    strings: dict[str, list[str]],
    first: date,
    wanted: Wanted,
    *,
    setting: str,
) -> None:
    write_container(
        path,
        meta={
            "format": FORMAT,
            "key": wanted.sha256,
            "setting": setting,
            "valid_from": first.isoformat(),
            "valid_to": wanted.last.isoformat() if wanted.last else "",
        },
        arrays=arrays,
        strings={"codes": list(codes), **strings},
    )
