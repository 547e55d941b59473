"""What an import of a table about services changes against the table it takes the place of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.container import Container
from suggester.codesets.journal import Changes, Kind, active_files, compare
from suggester.codesets.procedures import EDITS_FILE, GLOBAL_FILE, OPEN_FROM, PAIRS_FILE, UNITS_FILE

_SHOWN = 20
_FILES: dict[Kind, str] = {"ncci": PAIRS_FILE, "mue": UNITS_FILE, "global": GLOBAL_FILE}


def service_changes(store_dir: Path, kind: Kind, staged: Path, changes: Changes) -> Changes:
    """The report of an import, with what it changes against the table in use before it.

    Pairs are compared with the last import for the same claims, else, for hospital claims, with the embedded
    ones; other tables with the one of the same claims that begins last.
    """
    new = Container.open(staged / _FILES[kind])
    old, against = _before(store_dir, kind, new)
    if old is None:
        return changes
    if kind == "ncci":
        return _pair_changes(old, new, changes, against)
    return compare(
        _values(old),
        _values(new),
        rows=changes.rows,
        against=against,
        left_out=changes.left_out,
        remarks=changes.remarks,
    )


def _before(store_dir: Path, kind: Kind, new: Container) -> tuple[Container | None, str]:
    found = [
        (box.meta.get("valid_from", ""), item.id, box)
        for item, path in active_files(store_dir, (kind,))
        if path.name == _FILES[kind] and (box := Container.open(path)).meta["setting"] == new.meta["setting"]
    ]
    if found:
        _, number, box = max(found, key=lambda entry: entry[:2])
        return box, f"import {number}"
    if kind == "ncci" and new.meta["setting"] == "hospital":
        return Container.open(store_dir / EDITS_FILE), "the embedded pairs"
    return None, ""


def _values(box: Container) -> dict[str, object]:
    """What a table says of each code."""
    columns: list[Any] = [box.array("units").tolist()] if box.has("units") else []
    columns += [box.strings(name) for name in ("indicators", "rationales", "days") if box.has(name)]
    return dict(zip(box.strings("codes"), zip(*columns, strict=True), strict=True))


def _latest(box: Container) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Each pair once, both codes in one, and what its last row says: indicator and last day in one number."""
    codes = np.array([code.encode() for code in box.strings("ncci_codes")], dtype="S5")
    keys = np.char.add(codes[box.array("ncci_code1")], codes[box.array("ncci_code2")])
    ends = box.array("ncci_to").astype(np.int64)
    says = np.where(ends >= OPEN_FROM, 0, ends) * 16 + box.array("ncci_modifier")
    last = np.append(keys[1:] != keys[:-1], [True] * bool(len(keys)))
    return keys[last], says[last]


def _pair_changes(old: Container, new: Container, changes: Changes, against: str) -> Changes:
    before, said = _latest(old)
    after, says = _latest(new)
    both, at_old, at_new = np.intersect1d(before, after, assume_unique=True, return_indices=True)
    found = {
        "added": np.setdiff1d(after, both, assume_unique=True),
        "deleted": np.setdiff1d(before, both, assume_unique=True),
        "revised": both[said[at_old] != says[at_new]],
    }
    return replace(
        changes,
        against=against,
        added=len(found["added"]),
        deleted=len(found["deleted"]),
        revised=len(found["revised"]),
        examples={
            name: tuple(f"{key[:5].decode()} {key[5:].decode()}" for key in np.sort(keys)[:_SHOWN].tolist())
            for name, keys in found.items()
            if len(keys)
        },
    )
