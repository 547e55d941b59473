"""Compiling the index of service lines: phrases of the lexicons and of the code sets, and what drugs hold."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Any

import numpy as np

from suggester.codesets.catalog import ReleaseSet
from suggester.codesets.container import ragged
from suggester.codesets.lexicon import DrugUnitRow, Lexicon, lexicon_dir, read_rows
from suggester.codesets.store import ReleaseStore
from suggester.errors import UnknownCodeError
from suggester.ranking.services.words import Phrase, Reader
from suggester.types import System

SYSTEMS_OF_LINES: tuple[System, ...] = ("CPT", "HCPCS")
ROUTE_NAMES = ("oral", "inhaled", "injected")
_OWN_PHRASES = ("cpt_lines.tsv", "cpt_rare.tsv", "devices.tsv")
_ROUTES = {"PO": "oral", "INH": "inhaled"}


class Source(IntEnum):
    """Where a phrase stands."""

    LEXICON = 0
    DESCRIPTOR = 1
    DRUG = 2


def compile_index(releases: ReleaseSet, reader: Reader, lexicon: Lexicon) -> dict[str, Any]:
    """The arrays and strings of an index over a set of releases."""
    raw = list(dict.fromkeys(_phrases(releases, lexicon)))
    parsed = [reader.phrase(text) for _, _, text, _ in raw]
    kept = [(item, phrase) for item, phrase in zip(raw, parsed, strict=True) if phrase.words]
    frequency = Counter(word for _, phrase in kept for word in phrase.words)
    words = sorted(frequency)
    number_of = {word: i for i, word in enumerate(words)}
    postings: list[list[int]] = [[] for _ in words]
    letters: dict[str, list[int]] = {}
    for number, (_, phrase) in enumerate(kept):
        for word in phrase.words:
            postings[number_of[word]].append(number)
        for gram in trigrams(phrase.words):
            letters.setdefault(gram, []).append(number)
    grams = sorted(letters)
    word_ptr, word_list = ragged([[number_of[w] for w in phrase.words] for _, phrase in kept])
    posting_ptr, posting = ragged(postings)
    gram_ptr, gram_list = ragged([letters[gram] for gram in grams])
    units = _units_by_row(releases, lexicon.drug_units)
    routes = _routes_by_row(releases, lexicon.drug_units)
    total = len(kept)
    texts = [item[2] for item, _ in kept]
    return {
        "words": words,
        "texts": texts,
        "numbers": [_write_numbers(phrase) for _, phrase in kept],
        "grams": grams,
        "unit_name": [unit for _, unit in units.values()],
        "system": np.array([SYSTEMS_OF_LINES.index(item[0]) for item, _ in kept], dtype=np.int8),
        "row": np.array([item[1] for item, _ in kept], dtype=np.int32),
        "source": np.array([int(item[3]) for item, _ in kept], dtype=np.int8),
        "word_ptr": word_ptr,
        "word": word_list,
        "weight": np.array([math.log(1 + total / frequency[w]) / 4 for w in words]),
        "posting_ptr": posting_ptr,
        "posting": posting,
        "gram_ptr": gram_ptr,
        "gram": gram_list,
        "unit_row": np.array(list(units), dtype=np.int32),
        "unit_amount": np.array([amount for amount, _ in units.values()], dtype=np.float64),
        "route_row": np.array(list(routes), dtype=np.int32),
        "route_bits": np.array(
            [sum(1 << i for i, n in enumerate(ROUTE_NAMES) if n in names) for names in routes.values()],
            dtype=np.int8,
        ),
    }


def _write_numbers(phrase: Phrase) -> str:
    return ";".join(
        [f"a,{a.value!r},{a.unit}" for a in phrase.amounts]
        + [f"c,{c.what},{c.low!r},{c.high!r}" for c in phrase.counts]
    )


def _row(store: ReleaseStore, code: str) -> int | None:
    try:
        row = store.row(code)
    except UnknownCodeError:
        return None
    return row if store.billable[row] else None


def _own_phrases() -> Iterator[tuple[str, str]]:
    """Phrases that only lines are matched to, with their codes."""
    for name in _OWN_PHRASES:
        for _, cells in read_rows(lexicon_dir() / "services" / name, ("phrase", "code"), required=2):
            yield cells[0].lower(), cells[1]


def _phrases(releases: ReleaseSet, lexicon: Lexicon) -> Iterator[tuple[System, int, str, Source]]:
    stores = {system: releases.store(system) for system in SYSTEMS_OF_LINES}
    own = [(item.phrase, item.code) for item in (*lexicon.cpt, *lexicon.hcpcs)]
    own += [(item.label, item.code) for item in lexicon.cpt if item.label]
    for phrase, code in (*own, *_own_phrases()):
        system: System = "CPT" if code[0].isdigit() else "HCPCS"
        row = _row(stores[system], code)
        if row is not None:
            yield system, row, phrase.lower(), Source.LEXICON
    for system, store in stores.items():
        for row, titles in enumerate(zip(store.titles, store.shorts, strict=True)):
            for title in titles:
                if title and store.billable[row]:
                    yield system, row, title.lower(), Source.DESCRIPTOR
    names_of = {name.lower(): drug.names for drug in lexicon.drugs for name in drug.names}
    own_codes: dict[str, set[str]] = {}
    for unit in lexicon.drug_units:
        own_codes.setdefault(unit.drug.lower(), set()).add(unit.code)
    for unit in lexicon.drug_units:
        row = _row(stores["HCPCS"], unit.code)
        if row is not None:
            for name in dict.fromkeys((unit.drug.lower(), *names_of.get(unit.drug.lower(), ()))):
                if unit.code in own_codes.get(name.lower(), (unit.code,)):  # a brand with a code of its own
                    yield "HCPCS", row, name.lower(), Source.DRUG


def _units_by_row(releases: ReleaseSet, rows: Sequence[DrugUnitRow]) -> dict[int, tuple[float, str]]:
    """What one billing unit of a drug's code holds."""
    store = releases.store("HCPCS")
    found = ((_row(store, item.code), item) for item in rows)
    return {row: (item.amount, item.unit) for row, item in found if row is not None}


_MARKS = (
    ("oral", (" oral", "oral ", " tab", "capsule")),
    ("inhaled", ("inhal", "nebul", " neb", " non-comp")),
    ("injected", ("inject", " inj", "infusion")),
)
"""What the descriptors say of the route."""


def _routes_by_row(releases: ReleaseSet, rows: Sequence[DrugUnitRow]) -> dict[int, set[str]]:
    """The ways in which a code's drug is given: oral, inhaled, injected."""
    store = releases.store("HCPCS")
    out: dict[int, set[str]] = {}
    for item in rows:
        row = _row(store, item.code)
        if row is not None and item.route:
            out.setdefault(row, set()).update(_ROUTES.get(route, "injected") for route in item.route)
    for row, title in enumerate(store.titles):
        lowered = f" {title.lower()} "
        own = {route for route, marks in _MARKS if any(mark in lowered for mark in marks)}
        code = store.codes[row]
        if code[:2] == "J8" or "Q0161" <= code <= "Q0181":  # drugs by mouth, by their section
            own = {"oral"}
        elif code[:2] == "J9" and not own:  # chemotherapy drugs
            own = {"injected"}
        if own:
            out.setdefault(row, set()).update(own)
    return out


def trigrams(words: Iterable[str]) -> set[str]:
    """Letter trigrams of words, each word with its borders."""
    return {padded[i : i + 3] for word in words for padded in (f" {word} ",) for i in range(len(padded) - 2)}
