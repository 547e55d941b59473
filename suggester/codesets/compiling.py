"""From a release's source to its compiled store: codes, titles, hierarchy and notes of one code system."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.container import ragged, write_container
from suggester.codesets.hcpcs import HcpcsRow, IoceTables, NcciPair
from suggester.codesets.icd10cm import NOTE_KINDS, Node
from suggester.codesets.lexicon import Lexicon
from suggester.codesets.releases import Release

FORMAT = 2
"""Version of the layout of compiled stores; a store of another format is rebuilt."""


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


def _compile_flat(
    release: Release, rows: Sequence[HcpcsRow], titles: Sequence[str], path: Path, *, key: str
) -> int:
    count = len(rows)
    write_container(
        path,
        meta=_meta(release, count, key),
        arrays={
            "parent": np.full(count, -1, dtype=np.int32),
            "billable": np.ones(count, dtype=np.bool_),
            "extension": np.zeros(count, dtype=np.bool_),
            "valid_from": np.array([r.valid_from.toordinal() for r in rows], dtype=np.int32),
            "child_ptr": np.zeros(count + 1, dtype=np.int64),
            "child": np.zeros(0, dtype=np.int32),
            "note_ptr": np.zeros(count * len(NOTE_KINDS) + 1, dtype=np.int64),
            "note": np.zeros(0, dtype=np.int32),
            **_code_order([r.code for r in rows]),
        },
        strings={
            "codes": [r.code for r in rows],
            "titles": list(titles),
            "shorts": [r.short for r in rows],
            "notes": [],
            "seventh": [""] * count,
        },
    )
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
    titles = [expand_short(row.short, table) for row in tables.level_ii]
    return _compile_flat(release, tables.level_ii, titles, path, key=key)


def compile_cpt(release: Release, tables: IoceTables, lexicon: Lexicon, path: Path, *, key: str) -> int:
    """Write the store of CPT numbers; titles are our own labels, empty for numbers outside our lexicon."""
    labels: dict[str, str] = {}
    for row in lexicon.cpt:
        labels.setdefault(row.code, row.label)
    return _compile_flat(release, tables.cpt, [labels.get(r.code, "") for r in tables.cpt], path, key=key)


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
