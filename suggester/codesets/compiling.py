"""From a release's source to its compiled store: codes, titles, hierarchy and notes of one code system."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.container import FORMAT, ragged, write_container
from suggester.codesets.hcpcs import IoceTables, NcciPair
from suggester.codesets.icd10cm import NOTE_KINDS, Node
from suggester.codesets.lexicon import Lexicon
from suggester.codesets.releases import Release


def _meta(release: Release, codes: int, key: str) -> dict[str, object]:
    return {
        "format": FORMAT,
        "system": release.system,
        "id": release.id,
        "valid_from": release.valid_from.isoformat(),
        "valid_to": release.valid_to.isoformat() if release.valid_to else None,
        "source": release.source,
        "reader": release.reader,
        "codes": codes,
        "key": key,
    }


def compile_icd10cm(release: Release, nodes: Sequence[Node], path: Path, *, key: str) -> int:
    """Write the store of an ICD-10-CM release. Returns the number of billable codes.

    ``nodes`` hold every parent that they name.
    """
    row_of = {node.code: row for row, node in enumerate(nodes)}
    parent = np.array([row_of[n.parent] if n.parent else -1 for n in nodes], dtype=np.int32)
    children: list[list[int]] = [[] for _ in nodes]
    for row, up in enumerate(parent.tolist()):
        if up >= 0:
            children[up].append(row)
    notes: list[str] = []
    note_rows: list[list[int]] = []
    for node in nodes:
        for kind in NOTE_KINDS:
            texts = node.notes.get(kind, [])
            note_rows.append(list(range(len(notes), len(notes) + len(texts))))
            notes.extend(texts)
    child_ptr, child = ragged(children)
    note_ptr, note = ragged(note_rows)
    billable = sum(n.billable for n in nodes)
    write_container(
        path,
        meta=_meta(release, billable, key),
        arrays={
            "parent": parent,
            "billable": np.array([n.billable for n in nodes], dtype=np.bool_),
            "extension": np.array([bool(n.extension) for n in nodes], dtype=np.bool_),
            "valid_from": np.full(len(nodes), release.valid_from.toordinal(), dtype=np.int32),
            "child_ptr": child_ptr,
            "child": child,
            "note_ptr": note_ptr,
            "note": note,
            **_code_order([n.code for n in nodes]),
        },
        strings={
            "codes": [n.code for n in nodes],
            "titles": [n.title for n in nodes],
            "shorts": [""] * len(nodes),
            "notes": notes,
            "seventh": [json.dumps(n.seventh) if n.seventh else "" for n in nodes],
        },
    )
    return billable


def _code_order(codes: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Codes as bytes in order and the row of each, for look-up by bisection."""
    names = np.array([code.encode() for code in codes])
    order = np.argsort(names, kind="stable").astype(np.int32)
    return {"sorted_codes": names[order], "sorted_rows": order}


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatRow:
    """A code of a system without hierarchy, as it is compiled.

    ``title`` and ``short`` may be shown to anybody; ``descriptor`` is licensed text, shown behind the gate.
    ``valid_to`` is the code's own last day, None where it lasts as long as the release.
    """

    code: str
    title: str
    short: str
    valid_from: date
    valid_to: date | None = None
    descriptor: str = ""


def compile_flat(
    release: Release,
    rows: Sequence[FlatRow],
    path: Path,
    *,
    key: str,
    modifiers: Sequence[tuple[str, str]] = (),
) -> int:
    """Write the store of a release without hierarchy (HCPCS Level II, CPT). Returns the number of codes.

    Parameters
    ----------
    release
        What it is.
    rows
        Its codes.
    path
        The file.
    key
        Key of the store.
    modifiers
        Modifiers that the release brings, with their titles.
    """
    count = len(rows)
    strings = {
        "codes": [r.code for r in rows],
        "titles": [r.title for r in rows],
        "shorts": [r.short for r in rows],
        "notes": [],
        "seventh": [""] * count,
    }
    if modifiers:
        strings |= {"modifiers": [m for m, _ in modifiers], "modifier_titles": [t for _, t in modifiers]}
    if any(r.descriptor for r in rows):
        strings |= {"descriptors": [r.descriptor for r in rows]}
    arrays = {
        "parent": np.full(count, -1, dtype=np.int32),
        "billable": np.ones(count, dtype=np.bool_),
        "extension": np.zeros(count, dtype=np.bool_),
        "valid_from": np.array([r.valid_from.toordinal() for r in rows], dtype=np.int32),
        "child_ptr": np.zeros(count + 1, dtype=np.int64),
        "child": np.zeros(0, dtype=np.int32),
        "note_ptr": np.zeros(count * len(NOTE_KINDS) + 1, dtype=np.int64),
        "note": np.zeros(0, dtype=np.int32),
        **_code_order([r.code for r in rows]),
    }
    if any(r.valid_to for r in rows):
        ends = [r.valid_to.toordinal() if r.valid_to else 0 for r in rows]
        arrays["valid_to"] = np.array(ends, dtype=np.int32)
    write_container(path, meta=_meta(release, count, key), arrays=arrays, strings=strings)
    return count


def expand_short(short: str, table: dict[str, str]) -> str:
    """A CMS short descriptor with its abbreviated words written out.

    >>> expand_short("Ost pch drain for barrier fl", {"ost": "ostomy", "pch": "pouch", "fl": "flange"})
    'Ostomy pouch drain for barrier flange'
    """
    out: list[str] = []
    for word in short.split():
        core = word.rstrip(",.;")
        full = table.get(core.lower())
        out.append((full + word[len(core) :]) if full is not None else word)
    text = " ".join(out)
    return text[:1].upper() + text[1:]


def compile_hcpcs(release: Release, tables: IoceTables, lexicon: Lexicon, path: Path, *, key: str) -> int:
    """Write the store of an HCPCS Level II release. Returns the number of codes."""
    table = dict(lexicon.short_words)
    rows = [
        FlatRow(code=r.code, title=expand_short(r.short, table), short=r.short, valid_from=r.valid_from)
        for r in tables.level_ii
    ]
    return compile_flat(release, rows, path, key=key)


def compile_cpt(release: Release, tables: IoceTables, lexicon: Lexicon, path: Path, *, key: str) -> int:
    """Write the store of CPT numbers; titles are our own labels, empty for numbers outside our lexicon.

    The tables hold descriptors only where they were read under a licence.
    """
    labels: dict[str, str] = {}
    for row in lexicon.cpt:
        labels.setdefault(row.code, row.label)
    rows = [
        FlatRow(
            code=r.code, title=labels.get(r.code, ""), short="", valid_from=r.valid_from, descriptor=r.short
        )
        for r in tables.cpt
    ]
    return compile_flat(release, rows, path, key=key)


def compile_edits(tables: IoceTables, pairs: Iterable[NcciPair], path: Path, *, key: str) -> int:
    """Write modifiers, add-on codes and NCCI pairs (with dates). Returns the number of pairs."""
    ncci = sorted(pairs)
    codes = sorted({code for a, b, *_ in ncci for code in (a, b)})
    index = {code: i for i, code in enumerate(codes)}
    write_container(
        path,
        meta={"format": FORMAT, "key": key, "pairs": len(ncci), "valid_from": tables.valid_from.isoformat()},
        arrays={
            "ncci_code1": np.array([index[row[0]] for row in ncci], dtype=np.uint16),
            "ncci_code2": np.array([index[row[1]] for row in ncci], dtype=np.uint16),
            "ncci_modifier": np.array([row[2] for row in ncci], dtype=np.bool_),
            "ncci_from": np.array([row[3].toordinal() for row in ncci], dtype=np.int32),
            "ncci_to": np.array([row[4].toordinal() for row in ncci], dtype=np.int32),
        },
        strings={
            "ncci_codes": codes,
            "modifiers": tables.modifiers,
            "add_on_codes": [a for a, _ in tables.add_ons],
            "add_on_primaries": [b for _, b in tables.add_ons],
        },
    )
    return len(ncci)
