"""What an import would do, before it does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from suggester.codesets.journal import Changes, Kind
from suggester.codesets.releases import Reader, Release, embedded_releases
from suggester.codesets.untrusted import Source
from suggester.errors import CodeSetError, ImportRefusedError
from suggester.types import System


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the user said of an import.

    Attributes
    ----------
    name
        Id of the release, or name of the list; None where a default will do.
    first, last
        Days in force.
    setting
        Whose edits they are, ``practitioner`` say.
    sha256
        Of everything given.
    least
        Fewest codes of a release; None for what a whole release has.
    """

    name: str | None = None
    first: date | None = None
    last: date | None = None
    setting: str | None = None
    sha256: str = ""
    least: int | None = None

    def fewest(self, usual: int) -> int:
        """Fewest codes that a release must have."""
        return usual if self.least is None else self.least


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A checked import: where it goes, how it is written, what it changes (None: by comparing releases)."""

    kind: Kind
    slot: str
    write: Callable[[Path], None]
    release: Release | None = None
    changes: Changes | None = None
    rows: int = 0
    remarks: tuple[str, ...] = field(default=())

    @classmethod
    def of_release(
        cls,
        kind: Kind,
        release: Release,
        write: Callable[[Path], None],
        *,
        rows: int,
        remarks: Sequence[str] = (),
    ) -> Plan:
        """The plan of a code release."""
        slot = f"{release.system} {release.id}"
        return cls(kind=kind, slot=slot, write=write, release=release, rows=rows, remarks=tuple(remarks))


def release_of_wish(
    wanted: Wanted, system: System, reader: Reader, first: date, last: date | None, source: str
) -> Release:
    """The release that an import makes; its id is its first day if none was given.

    Raises
    ------
    CodeSetError
        If the id or the days cannot be a release's, or the id is an embedded release's.
    """
    taken = {item.file_name for item in embedded_releases()}
    name = wanted.name or first.isoformat()
    made = Release(system=system, id=name, valid_from=first, valid_to=last, source=source, reader=reader)
    if made.file_name in taken and wanted.name is None:
        return release_of_wish(Wanted(name=f"{name}-imported"), system, reader, first, last, source)
    if made.file_name in taken:
        raise CodeSetError(f"release {name} of {system} is embedded; choose another id")
    return made


def only_one(sources: Sequence[Source], endings: Sequence[str], what: str, *, prefer: str) -> Source:
    """The file that is meant: the only one with such an ending, or the one whose name says so.

    Raises
    ------
    ImportRefusedError
        If there is none, or one cannot be told from another.
    """
    fitting = [source for source in sources if source.suffix in endings]
    if len(fitting) > 1:
        named = [s for s in fitting if prefer in s.path.name.lower() and "layout" not in s.path.name.lower()]
        best = {s.suffix: s for s in reversed(named)}
        fitting = [best[e] for e in endings if e in best][:1] or fitting
    if len(fitting) != 1:
        name = sources[0].name if sources else "import"
        raise ImportRefusedError(
            name, f"{len(fitting) or 'no'} files among those given may be {what}; name one"
        )
    return fitting[0]
