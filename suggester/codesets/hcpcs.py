"""HCPCS Level II and the numbers of CPT, read from the CMS I/OCE tables that the pyoce package carries.

Only what may be shown is read: descriptors of CPT numbers (AMA) stay unread until a licence was stated, those
of the dental D codes (ADA) always; of those the number and its dates are taken. Level II short descriptors
are CMS's and in the public domain.
"""

from __future__ import annotations

import importlib.util
import lzma
import marshal
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from suggester.errors import CodeSetError

_LEVEL_II = re.compile(r"[A-CE-V]\d{4}$")
_DENTAL = re.compile(r"D\d{4}$")

INFLATED_BYTES = 400_000_000
"""Free space that reading the tables needs: the inflated database and something to spare."""


@dataclass(frozen=True, slots=True)
class HcpcsRow:
    """One active code.

    Attributes
    ----------
    code
        Its number.
    short
        Short descriptor, empty where it may not be read.
    valid_from
        First day of the unbroken run of quarters that hold the code, or the day of approval within the first
        of them. Codes older than the tables begin with the tables.
    """

    code: str
    short: str
    valid_from: date


@dataclass(frozen=True, slots=True)
class IoceTables:
    """What Suggester keeps of one quarter of the I/OCE tables."""

    valid_from: date
    level_ii: tuple[HcpcsRow, ...]
    cpt: tuple[HcpcsRow, ...]
    modifiers: tuple[str, ...]
    add_ons: tuple[tuple[str, str], ...]


NcciPair = tuple[str, str, bool, date, date]
"""Column-one code, column-two code, whether a modifier may resolve it, first and last day of the edit."""


class IoceReader:
    """Reads the tables of one inflated I/OCE database (an ``lmdb.Environment``)."""

    def __init__(self, environment: Any) -> None:
        self._env = environment
        self._days: dict[int, tuple[date, date]] = {}
        for _, row in self.rows("version_range"):
            self._days[row["version"]] = (_day(row["date_started"]), _day(row["date_ended"]))

    def rows(self, table: str) -> Iterator[tuple[str, Any]]:
        """Key and value of every row of a table.

        Raises
        ------
        CodeSetError
            If there is no such table, or a row cannot be read.
        """
        import lmdb

        try:
            database = self._env.open_db(table.encode(), create=False)
            with self._env.begin(db=database) as transaction:
                for key, value in transaction.cursor():
                    yield key.decode(), marshal.loads(value)  # noqa: S302 - written by the pyoce package itself
        except (lmdb.Error, ValueError, EOFError, TypeError) as error:
            raise CodeSetError(
                f"I/OCE table {table} of package pyoce cannot be read ({type(error).__name__})"
            ) from error

    def version_on(self, day: date) -> int:
        """I/OCE version in force on a day.

        Raises
        ------
        CodeSetError
            If the tables do not cover the day.
        """
        for version, (first, last) in self._days.items():
            if first <= day <= last:
                return version
        raise CodeSetError(f"the installed I/OCE tables do not cover {day.isoformat()}")

    def read(self, day: date, *, licensed: bool = False) -> IoceTables:
        """Everything kept of the quarter that holds ``day``.

        Parameters
        ----------
        day
            A day of the quarter.
        licensed
            A licence of CPT was stated: read the descriptors of its numbers too.
        """
        version = self.version_on(day)
        level_ii: list[HcpcsRow] = []
        cpt: list[HcpcsRow] = []
        runs: dict[str, list[tuple[int, int]]] = {}
        active: dict[str, tuple[str, date | None]] = {}
        for key, row in self.rows("data_hcpcs"):
            code, low, high = key.split("|")
            runs.setdefault(code, []).append((int(low), int(high)))
            if int(low) <= version <= int(high):
                closed = _DENTAL.match(code) or not (licensed or _LEVEL_II.match(code))
                short = "" if closed else row["description"]
                dated = row["mid_quarter_date_edit"] and row["date_approved"]
                active[code] = (short, _day(row["date_approved"]) if dated else None)
        for code, (short, approved) in sorted(active.items()):
            first = self._days[_run_start(runs[code], version)][0]
            item = HcpcsRow(code, short, max(first, approved) if approved else first)
            (level_ii if _LEVEL_II.match(code) or _DENTAL.match(code) else cpt).append(item)
        return IoceTables(
            valid_from=self._days[version][0],
            level_ii=tuple(level_ii),
            cpt=tuple(cpt),
            modifiers=tuple(
                sorted({k.split("|")[0] for k, _ in self.rows("data_modifier") if _covers(k, version)})
            ),
            add_ons=tuple(sorted(set(self._add_ons(version)))),
        )

    def _add_ons(self, version: int) -> Iterator[tuple[str, str]]:
        for table in ("map_addon_type1", "map_addon_type3", "map_addon_drug_admin"):
            for key, _ in self.rows(table):
                if _covers(key, version):
                    add_on, primary = key.split("|")[:2]
                    yield add_on, primary

    def ncci(self) -> Iterator[NcciPair]:
        """Every NCCI procedure-to-procedure pair, with its own dates: one file serves every release."""
        for code1, pairs in self.rows("map_ncci"):
            for code2, packed in pairs:
                row = marshal.loads(packed)  # noqa: S302 - written by the pyoce package itself
                low, high = self._days[row["lo_version"]][0], self._days[row["hi_version"]][1]
                yield code1, _text(code2), bool(row["mod_indicator"]), low, high


def _run_start(ranges: list[tuple[int, int]], version: int) -> int:
    """First version of the unbroken run of version ranges that holds a version.

    The tables begin a new range whenever an attribute of a code changes; its validity goes on.

    >>> _run_start([(76, 77), (80, 90), (91, 103)], 100)
    80
    """
    start = version
    for low, high in sorted(ranges, reverse=True):
        if low <= start <= high + 1:
            start = low
    return start


def _covers(key: str, version: int) -> bool:
    *_, low, high = key.split("|")
    return low.isdigit() and high.isdigit() and int(low) <= version <= int(high)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _day(number: int) -> date:
    return date(number // 10000, number // 100 % 100, number % 100)


def ioce_archive() -> Path:
    """Path of the packed tables that the installed pyoce carries.

    Raises
    ------
    CodeSetError
        If pyoce is not installed.
    """
    spec = importlib.util.find_spec("pyoce")
    archive = Path(spec.origin).parent / "data" / "pyoce.mdb.xz" if spec and spec.origin else None
    if archive is None or not archive.is_file():
        raise CodeSetError("package pyoce is not installed; it carries the HCPCS Level II tables")
    return archive


@contextmanager
def open_ioce(archive: Path | None = None, *, folder: Path | None = None) -> Iterator[IoceReader]:
    """The I/OCE tables, inflated into a temporary file (some 310 MB) that is removed afterwards.

    Parameters
    ----------
    archive
        The packed tables; those of the installed pyoce if not given.
    folder
        Where the temporary file goes; the system's folder for them if not given.

    Raises
    ------
    CodeSetError
        If pyoce is not installed or its archive is damaged.
    """
    import lmdb

    packed = archive or ioce_archive()
    with tempfile.NamedTemporaryFile(prefix=".ioce.", suffix=".tmp", dir=folder) as target:
        try:
            with lzma.open(packed) as source:
                while chunk := source.read(1 << 20):
                    target.write(chunk)
            target.flush()
            environment = lmdb.open(target.name, subdir=False, readonly=True, lock=False, max_dbs=100)
        except (lzma.LZMAError, EOFError, lmdb.Error) as error:
            raise CodeSetError(
                f"the I/OCE archive of package pyoce is damaged ({type(error).__name__})"
            ) from None
        try:
            yield IoceReader(environment)
        finally:
            environment.close()
