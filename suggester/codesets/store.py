"""One compiled release, opened: rows of codes with titles, hierarchy, notes and validity."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.container import FORMAT, Container, StringTable
from suggester.codesets.icd10cm import NOTE_KINDS
from suggester.codesets.journal import active_files
from suggester.codesets.licence import cpt_licensed
from suggester.codesets.releases import Release
from suggester.errors import StoreDamagedError, StoreMissingError, UnknownCodeError
from suggester.types import SYSTEMS, Code

log = logging.getLogger("suggester.codesets")

_LONGEST = 16
"""No code, block or chapter is written longer."""


class Covered(Sequence[str]):
    """Strings of which some are covered by others."""

    def __init__(self, below: Sequence[str], above: Mapping[int, str]) -> None:
        self._below = below
        self._above = above

    def __len__(self) -> int:
        return len(self._below)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        found = self._above.get(index + len(self) if index < 0 else index)
        return self._below[index] if found is None else found

    def __iter__(self) -> Iterator[str]:
        return (self._above.get(row, text) for row, text in enumerate(self._below))


class ReleaseStore:
    """A compiled release of one code system.

    Rows are in the order of the source. Codes are written as the system writes them (``E11.9``, ``J1885``);
    chapters and blocks of ICD-10-CM are rows too (``Chapter 4``, ``Block E08-E13``), never billable.

    Parameters
    ----------
    path
        The compiled file.
    licensed
        The licence of CPT was accepted: descriptors that the file holds are its titles. Otherwise they are
        not read, and a CPT number has our own words or none.

    Attributes
    ----------
    titles
        What is shown and searched of each row; every text that is shown comes from here.
    key
        Names what the rows say; ``file_key`` names the file.

    Raises
    ------
    StoreMissingError, StoreDamagedError
        If the file is not there, is damaged, or has another format.
    """

    def __init__(self, path: Path, *, licensed: bool = False) -> None:
        self._container = Container.open(path)
        self.release = release_of(self._container.meta, path)
        self.key: str = self._container.meta["key"]
        self.file_key = self.key
        self.parent = self._container.array("parent")
        self.billable = self._container.array("billable")
        self._extension = self._container.array("extension")
        self.valid_from = self._container.array("valid_from")
        self._child_ptr = self._container.array("child_ptr")
        self._child = self._container.array("child")
        self._sorted_codes = self._container.array("sorted_codes")
        self._sorted_rows = self._container.array("sorted_rows")
        self.codes: StringTable = self._container.strings("codes")
        self.titles: Sequence[str] = self._container.strings("titles")
        self.shorts: StringTable = self._container.strings("shorts")
        self._valid_to = self._container.array("valid_to") if self._container.has("valid_to") else None
        if licensed and self._container.has("descriptors"):
            self.labels = self.titles
            above = {row: text for row, text in enumerate(self._container.strings("descriptors")) if text}
            self._cover(above, "licensed")

    labels: Sequence[str] | None = None
    """Our own words for each row where ``titles`` are licensed descriptors, else None."""

    def _cover(self, above: Mapping[int, str], what: str) -> None:
        self.titles = Covered(self.titles, above)
        self.key = hashlib.sha256(f"{self.key}|{what}".encode()).hexdigest()[:16]

    def borrow_titles(self, donor: ReleaseStore) -> int:
        """Take the titles of another release for codes whose short descriptor is the same there.

        A release with short descriptors alone is shown and searched with the long ones of an imported one.
        Returns how many titles were taken.
        """
        row_of = {code: row for row, code in enumerate(donor.codes)}
        above = {
            row: donor.titles[row_of[code]]
            for row, (code, short) in enumerate(zip(self.codes, self.shorts, strict=True))
            if short and code in row_of and donor.shorts[row_of[code]].lower() == short.lower()
        }
        if above:
            self._cover(above, donor.file_key)
        return len(above)

    def display(self, row: int) -> str:
        """The text to show for a row, empty where none may be shown. Whatever shows a code shows this."""
        return self.titles[row]

    def in_force(self, row: int, day: date) -> bool:
        """Whether the code itself is valid on a day that its release covers."""
        end = 0 if self._valid_to is None else int(self._valid_to[row])
        return int(self.valid_from[row]) <= day.toordinal() and (not end or day.toordinal() <= end)

    def modifiers(self) -> dict[str, str]:
        """Modifiers that the release brings and their titles; none where it brings none."""
        if not self._container.has("modifiers"):
            return {}
        return dict(
            zip(self._container.strings("modifiers"), self._container.strings("modifier_titles"), strict=True)
        )

    def __len__(self) -> int:
        return len(self.parent)

    def row(self, code: str) -> int:
        """Row of a code; the dot may be left out and case does not matter.

        Raises
        ------
        UnknownCodeError
            If the release has no such code.
        """
        for spelling in self._spellings(code):
            at = int(np.searchsorted(self._sorted_codes, spelling))
            if at < len(self._sorted_codes) and bytes(self._sorted_codes[at]) == spelling:
                return int(self._sorted_rows[at])
        raise UnknownCodeError(f"{self.release.system} release {self.release.id} has no code {code[:16]!r}")

    def _spellings(self, code: str) -> Iterator[bytes]:
        """How the release may write what was typed; nothing for what no code can look like."""
        text = " ".join(code.upper().split())
        if not text.isascii() or not text.isprintable() or len(text) > _LONGEST:
            return
        yield text.encode()
        if self.release.system != "ICD-10-CM":
            return
        if "." not in text and "-" not in text and len(text) > 3:
            yield f"{text[:3]}.{text[3:]}".encode()
        kind, _, rest = text.rpartition(" ")
        yield f"{kind.capitalize() or 'Block'} {rest}".encode()

    def with_prefix(self, prefix: str) -> list[int]:
        """Rows of all codes that start with a prefix, in code order; the dot may be left out."""
        text = prefix.strip().upper()
        if not text.isascii() or not text.isprintable() or len(text) > _LONGEST:
            return []
        if self.release.system == "ICD-10-CM":
            stem, _, rest = text.partition(".")
            text = f"{stem[:3]}.{stem[3:]}{rest}" if len(stem + rest) > 3 else stem + rest
        low = int(np.searchsorted(self._sorted_codes, text.encode()))
        high = int(np.searchsorted(self._sorted_codes, text.encode() + b"\x7f"))
        rows = [int(row) for row in self._sorted_rows[low:high]]
        return [row for row in rows if " " not in self.codes[row]] if len(text) < 2 else rows

    def code(self, row: int) -> Code:
        """The row as a value."""
        return Code(
            system=self.release.system,
            code=self.codes[row],
            display=self.display(row),
            billable=bool(self.billable[row]),
            valid_from=date.fromordinal(int(self.valid_from[row])),
            valid_to=self._last_day(row),
            release=self.release.id,
        )

    def _last_day(self, row: int) -> date | None:
        end = 0 if self._valid_to is None else int(self._valid_to[row])
        return date.fromordinal(end) if end else self.release.valid_to

    def children(self, row: int) -> list[int]:
        """Rows directly below."""
        return [int(item) for item in self._child[self._child_ptr[row] : self._child_ptr[row + 1]]]

    def rows_with_children(self) -> list[int]:
        """Rows that have rows below them."""
        rows: list[int] = np.flatnonzero(np.diff(self._child_ptr)).tolist()
        return rows

    def rows_of_own_words(self) -> list[int]:
        """Rows whose title is more than that of the row above and the meaning of a 7th character."""
        rows: list[int] = np.flatnonzero(~self._extension).tolist()
        return rows

    def ancestors(self, row: int) -> list[int]:
        """Rows above, nearest first."""
        out: list[int] = []
        up = int(self.parent[row])
        while up >= 0:
            out.append(up)
            up = int(self.parent[up])
        return out

    @cached_property
    def code_list(self) -> list[str]:
        """Every code by row, decoded once."""
        return list(self.codes)

    def is_extension(self, row: int) -> bool:
        """Whether the row is a 7th-character extension of its parent."""
        return bool(self._extension[row])

    @cached_property
    def _notes(self) -> StringTable:
        return self._container.strings("notes")

    def notes(self, row: int, kind: str) -> list[str]:
        """The row's own notes of a kind, in order."""
        at = row * len(NOTE_KINDS) + NOTE_KINDS.index(kind)
        pointers, notes = self._note_rows
        first, end = int(pointers[at]), int(pointers[at + 1])
        return [self._notes[int(i)] for i in notes[first:end]] if end > first else []

    @cached_property
    def _note_rows(self) -> tuple[NDArray[Any], NDArray[Any]]:
        return self._container.array("note_ptr"), self._container.array("note")

    def inherited_notes(self, row: int) -> dict[str, list[tuple[str, str]]]:
        """Notes by kind with the code that carries each, own first, then up the tree.

        Inclusion terms name conditions of their own level alone; all other notes (includes, excludes1,
        excludes2, code first, use additional code, code also …) hold for everything below.
        """
        out: dict[str, list[tuple[str, str]]] = {}
        for level, holder in enumerate([row, *self.ancestors(row)]):
            for kind in NOTE_KINDS:
                if level and kind == "inclusionTerm":
                    continue
                for text in self.notes(holder, kind):
                    out.setdefault(kind, []).append((self.codes[holder], text))
        return out

    def seventh_characters(self, row: int) -> dict[str, str]:
        """The 7th characters that a row may take and their meanings, empty if it takes none.

        For a code that is complete but for its 7th character only those that a note does not bar.
        """
        top = int(self.parent[row]) if self._extension[row] else row
        allowed = {self.codes[child][-1] for child in self.children(top) if self._extension[child]}
        table = self._container.strings("seventh")
        for holder in [top, *self.ancestors(top)]:
            if text := table[holder]:
                meanings = json.loads(text)
                return {char: meanings[char] for char in meanings if not allowed or char in allowed}
        return {}


def release_of(meta: Mapping[str, Any], path: Path) -> Release:
    """The release that a compiled store's metadata describe.

    Raises
    ------
    StoreDamagedError
        If the store has another format.
    """
    if meta.get("format") != FORMAT:
        raise StoreDamagedError(f"compiled store {path.name} has another format; rebuild it")
    valid_to = meta["valid_to"]
    return Release(
        system=meta["system"],
        id=meta["id"],
        valid_from=date.fromisoformat(meta["valid_from"]),
        valid_to=date.fromisoformat(valid_to) if valid_to else None,
        source=meta["source"],
        reader=meta["reader"],
        codes=meta["codes"],
        path=path,
    )


def open_stores(folder: Path, *, leave_out: Collection[str] = ()) -> list[ReleaseStore]:
    """The compiled releases of a folder and of its imports in use, by system and first day.

    A damaged file is named in the log. An import takes the place of a release with its system and id. HCPCS
    releases with short descriptors alone borrow long ones of an imported release.

    Parameters
    ----------
    folder
        The store folder; it need not be there.
    leave_out
        Names of embedded files not to open.
    """
    licensed = cpt_licensed(folder)
    own = [path for path in sorted(folder.glob("*.store")) if path.name not in leave_out]
    imported = [path for _, path in active_files(folder, ("icd10cm", "hcpcs", "cpt"))]
    found: dict[str, ReleaseStore] = {}
    for path in [*own, *imported]:
        if not path.name.startswith(("icd10cm-", "cpt-", "hcpcs-")):
            continue
        try:
            store = ReleaseStore(path, licensed=licensed)
        except (StoreDamagedError, StoreMissingError) as error:
            log.warning("%s", error)
            continue
        found[store.release.file_name] = store
    out = sorted(
        found.values(), key=lambda s: (SYSTEMS.index(s.release.system), s.release.valid_from, s.release.id)
    )
    donors = [store for store in out if store.release.reader == "hcpcs-imported"]
    for store in out:
        if store.release.reader == "hcpcs-embedded" and donors:
            store.borrow_titles(donors[-1])
    return out
