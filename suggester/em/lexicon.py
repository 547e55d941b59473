"""The vocabulary of evaluation and management, from ``codesets/lexicon/em``.

A row is ``cue``, ``item``, ``name``, ``where``. Cues have the syntax of the reader's
(``suggester.pipeline.cues``): alternatives in brackets, ``<num>``, ``<any>``, ``<gap>`` for up to three.
Hyphens are left out of cues and notes alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final, Literal, cast

import numpy as np

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.codesets.words import fold
from suggester.errors import LexiconError
from suggester.pipeline.automaton import CueBook, Modifier
from suggester.pipeline.numbering import ByWord

TABLES: Final = ("visit", "problems", "data", "risk")
ITEMS: Final[dict[str, frozenset[str]]] = {
    "visit": frozenset(
        f"visit.{name}"
        for name in (
            *(
                "nurse",
                "preventive",
                "awv_first",
                "awv_later",
                "welcome",
                "discharge",
                "emergency",
                "consult",
            ),
            *(
                "consult_request",
                "initial",
                "subsequent",
                "none",
                "elsewhere",
                "telehealth",
                "global",
                "study",
            ),
        )
    )
    | {"status.new", "status.established", "time.total", "time.critical", "time.other"},
    "problems": frozenset(
        f"state.{name}" for name in ("stable", "resolved", "worse", "changed", "started", "severe")
    )
    | {f"kind.{name}" for name in ("threat", "systemic", "uncertain", "complicated")},
    "data": frozenset(
        f"data.{name}" for name in ("test", "note", "historian", "interpretation", "discussion")
    ),
    "risk": frozenset(f"drug.{name}" for name in ("start", "continue", "change", "prescribe", "give", "use"))
    | {"risk.low", "risk.moderate", "risk.high"},
}
WHERES: Final = ("", "any", "top", "plan", "none")
NATURES: Final = (
    *("self_limited", "acute", "chronic", "well", "stable_acute", "chronic_worse", "uncertain", "systemic"),
    *("threat", "complicated", "injury", "not_a_problem"),
)
DRUG_ITEM: Final = "drug.name"
_SHORTEST_DRUG: Final = 4
_REMEMBERED: Final = 20_000
"""Pairs of words of notes that are remembered."""
END: Final = ""
"""What stands behind the last word of a note."""
_GAP: Final = "(<any>|) (<any>|) (<any>|)"


Where = Literal["", "any", "top", "plan", "none", "data"]
"""Where a cue counts; ``data``: as without a place, but not among medicines or in the review of systems."""
Denial = Literal["", "test", "any", "decision", "negation"]
"""How a cue is denied: as a test; by denial, supposition or relative; as a decision; by denial alone."""


@dataclass(frozen=True, slots=True)
class Cue:
    """What a row of a table says: item, name, where it counts, and how it is denied."""

    item: str
    name: str
    where: Where
    denial: Denial

    @classmethod
    def of(cls, item: str, name: str, where: str) -> Cue:
        """The cue of a row; a measure without a place counts where decisions stand."""
        group = item.split(".", 1)[0]
        if not where and group in ("risk", "data"):
            where = "plan" if group == "risk" else "data"
        denial = "test" if item.startswith("data.test") else _DENIALS.get(group, "")
        return cls(item, name, cast(Where, where), denial)


_DENIALS: Final[dict[str, Denial]] = {
    **dict.fromkeys(("data", "drug", "state", "kind"), "any"),
    "risk": "decision",
    **dict.fromkeys(("visit", "status"), "negation"),
}


class Opens(dict[tuple[str, str], tuple[int, ...]]):
    """By a word and the one behind it, the numbers of the books in which a cue goes on from one to the other
    or ends with the first; found out when first asked for.

    Parameters
    ----------
    books
        The books.
    """

    def __init__(self, books: Sequence[CueBook]) -> None:
        super().__init__()
        self._books = books

    def __missing__(self, pair: tuple[str, str]) -> tuple[int, ...]:
        word, after = pair[0], None if pair[1] == END else pair[1]
        found = tuple(number for number, book in enumerate(self._books) if book.reach(word, after))
        if len(self) >= _REMEMBERED:
            self.clear()
        self[pair] = found
        return found


class Natures(dict[str, str]):
    """By ICD-10-CM code, the nature of the problem; found out when first asked for.

    Parameters
    ----------
    by_prefix
        Natures by the beginning of codes without dots.
    """

    def __init__(self, by_prefix: Mapping[str, str]) -> None:
        super().__init__()
        self._by_prefix = by_prefix

    def __missing__(self, code: str) -> str:
        bare = code.replace(".", "")
        beginnings = (self._by_prefix.get(bare[:length]) for length in range(len(bare), 0, -1))
        found = next((nature for nature in beginnings if nature is not None), "acute")
        if len(self) < _REMEMBERED:
            self[code] = found
        return found


@dataclass(frozen=True)
class EmLexicon:
    """The compiled vocabulary.

    Attributes
    ----------
    books
        One automaton a table, and one of drug names.
    cues
        The cue that a rule name of the automata stands for.
    natures
        Nature of a problem by the beginning of its ICD-10-CM code.
    otc
        Drugs bought without a prescription.
    """

    books: tuple[CueBook, ...]
    cues: dict[str, Cue]
    natures: dict[str, str]
    otc: frozenset[str]

    @cached_property
    def begins(self) -> ByWord:
        """Whether a cue of some book may begin with a word."""
        return ByWord(lambda word: any(book.may_begin(word) for book in self.books), np.int8)

    @cached_property
    def opens(self) -> Opens:
        """For each pair of words the numbers of the books in which a cue goes on from one to the other."""
        return Opens(self.books)

    @cached_property
    def _known(self) -> Natures:
        return Natures(self.natures)

    def nature(self, code: str) -> str:
        """Nature of the problem that an ICD-10-CM code stands for, the longest known beginning decides."""
        return self._known[code]


def _book(root: Path, table: str, cues: dict[str, Cue]) -> CueBook:
    book = CueBook({})
    name = f"{table}.tsv"
    for number, (cue, item, label, where) in _rows(root / name):
        if item not in ITEMS[table]:
            raise LexiconError(f"{name}:{number}: item {item!r}, allowed: {', '.join(sorted(ITEMS[table]))}")
        if where not in WHERES:
            raise LexiconError(f"{name}:{number}: where {where!r}, allowed: {', '.join(WHERES)}")
        rule = f"{table}:{number}"
        cues[rule] = Cue.of(item, label, where)
        try:
            book.add(cue.replace("-", " ").replace("<gap>", _GAP), (Modifier(1, "forward", 1, "", rule),))
        except ValueError as error:
            raise LexiconError(f"{name}:{number}: {error}") from None
    return book


def _rows(path: Path) -> list[tuple[int, tuple[str, ...]]]:
    return [(n, cells[:4]) for n, cells in read_rows(path, ("cue", "item", "name", "where"), required=2)]


def _drugs(root: Path, cues: dict[str, Cue]) -> CueBook:
    """Names and brands of drugs, without those that are ordinary words as well."""
    book = CueBook({})
    cues["drug"] = Cue.of(DRUG_ITEM, "", "")
    seen = {cells[0] for _, cells in read_rows(root / "em" / "not_drugs.tsv", ("word",))}
    for _, cells in read_rows(root / "drugs" / "drugs.tsv", ("drug", "brands", "class")):
        for written in (cells[0], *cells[1].split("|")):
            name = " ".join(written.replace("-", " ").split())
            if len(name) < _SHORTEST_DRUG or name in seen or "(" in name:
                continue
            seen.add(name)
            book.add(name, (Modifier(1, "forward", 1, "", "drug"),))
    return book


@lru_cache(maxsize=2)
def read_em_lexicon(folder: Path | None = None) -> EmLexicon:
    """Read the vocabulary, the shipped one unless a lexicon folder is given.

    Raises
    ------
    LexiconError
        If a table is missing, or a column, item, place or nature is unknown.
    """
    root = folder or lexicon_dir()
    cues: dict[str, Cue] = {}
    books = [_book(root / "em", table, cues) for table in TABLES]
    books.append(_drugs(root, cues))
    natures: dict[str, str] = {}
    for number, (prefix, nature) in read_rows(
        root / "em" / "icd_nature.tsv", ("prefix", "nature"), required=2
    ):
        if nature not in NATURES:
            raise LexiconError(f"icd_nature.tsv:{number}: nature {nature!r}, allowed: {', '.join(NATURES)}")
        natures[prefix] = nature
    otc = frozenset(fold(cells[0]) for _, cells in read_rows(root / "em" / "otc.tsv", ("drug",)))
    return EmLexicon(books=tuple(books), cues=cues, natures=natures, otc=otc)
