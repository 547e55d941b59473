"""What differs between two releases of a system: codes added, deleted, revised; the notes it touches."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from suggester.codesets.releases import Release
from suggester.codesets.store import ReleaseStore
from suggester.errors import CodeSetError, JsonError
from suggester.types import SYSTEMS, System


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised:
    """A code that both releases have, saying something else."""

    code: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Codes by what became of them; ``added`` and ``deleted`` with the text that may be shown."""

    system: System
    before: Release
    after: Release
    added: tuple[tuple[str, str], ...]
    deleted: tuple[tuple[str, str], ...]
    revised: tuple[Revised, ...]

    @property
    def touched(self) -> dict[str, str]:
        """Deleted and revised codes and what became of them."""
        out = {code: "deleted" for code, _ in self.deleted}
        return out | {item.code: "revised" for item in self.revised}


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedNote:
    """A note of an archive whose suggestions a difference touches: codes with what became of them."""

    note_id: str
    codes: tuple[tuple[str, str], ...]


def compare_stores(before: ReleaseStore, after: ReleaseStore) -> Difference:
    """The difference between two releases of one system.

    Descriptors of the same kind are compared: short ones where both releases have them, else the titles. Case
    and spacing do not count. A code that became or ceased to be billable is revised too.

    Raises
    ------
    CodeSetError
        If the releases are of two systems.
    """
    system = before.release.system
    if after.release.system != system:
        raise CodeSetError(f"releases of {system} and {after.release.system} cannot be compared")
    old, new = _rows(before), _rows(after)
    short = any(before.shorts) and any(after.shorts)
    comparable = system != "CPT" or (before.labels is None) == (after.labels is None)
    revised = []
    for code in sorted(old.keys() & new.keys()):
        left, right = old[code], new[code]
        texts = (
            (before.shorts[left], after.shorts[right])
            if short
            else (before.titles[left], after.titles[right])
        )
        one, two = (" ".join(text.lower().split()) for text in texts)
        said = comparable and one != two
        if said or bool(before.billable[left]) != bool(after.billable[right]):
            revised.append(Revised(code=code, before=_text(before, left), after=_text(after, right)))
    return Difference(
        system=system,
        before=before.release,
        after=after.release,
        added=tuple((code, after.display(new[code])) for code in sorted(new.keys() - old.keys())),
        deleted=tuple((code, before.display(old[code])) for code in sorted(old.keys() - new.keys())),
        revised=tuple(revised),
    )


def _rows(store: ReleaseStore) -> dict[str, int]:
    return {code: row for row, code in enumerate(store.codes) if " " not in code}


def _text(store: ReleaseStore, row: int) -> str:
    return store.display(row) + ("" if store.billable[row] else " (not billable)")


def find_pair(
    stores: Iterable[ReleaseStore], before: str, after: str, system: System | None
) -> list[tuple[ReleaseStore, ReleaseStore]]:
    """The releases with two ids, of one system or of every system that has both.

    Raises
    ------
    CodeSetError
        If no system has both; names the releases there are.
    """
    by_name: dict[tuple[System, str], ReleaseStore] = {
        (store.release.system, store.release.id): store for store in stores
    }
    wanted = SYSTEMS if system is None else (system,)
    pairs = [
        (by_name[name, before], by_name[name, after])
        for name in wanted
        if (name, before) in by_name and (name, after) in by_name
    ]
    if not pairs:
        have = "; ".join(f"{name} {release}" for name, release in by_name)
        raise CodeSetError(
            f"no system has both releases {before[:40]!r} and {after[:40]!r}; installed: {have}"
        )
    return pairs


def touched_notes(archive: Path, differences: Mapping[System, Difference]) -> Iterator[TouchedNote]:
    """The notes of a run's output whose suggested codes were deleted or revised, in its order.

    Raises
    ------
    JsonError
        If a line is not a record of suggestions; names the line.
    """
    with archive.open(encoding="utf-8") as handle:
        for number, line in enumerate(handle, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                named = [(item["system"], item["code"]) for item in record["suggestions"]]
                note_id = str(record["id"])
            except (ValueError, KeyError, TypeError):
                raise JsonError("not a record of suggestions", record=f"{archive.name}:{number}") from None
            found = {
                (system, code): differences[system].touched[code]
                for system, code in named
                if system in differences and code in differences[system].touched
            }
            if found:
                codes = tuple((code, what) for (_, code), what in found.items())
                yield TouchedNote(note_id=note_id, codes=codes)
