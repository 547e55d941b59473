"""Phrases that imports bring: the alphabetic index, synonyms, the lines of a chargemaster.

Each import keeps its phrases in one compiled file; the term index takes them like those of the lexicons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

import numpy as np

from suggester.codesets.container import FORMAT, Container, write_container
from suggester.codesets.journal import active_files
from suggester.errors import StoreDamagedError
from suggester.types import SYSTEMS, System

PHRASES_FILE = "phrases.store"
TABLES_FILE = "tables.store"
"""Phrases of an index's tables, beside those of its terms."""
PhraseKind = Literal["index", "table", "synonyms", "chargemaster"]

INDEX: PhraseKind = "index"
TABLE: PhraseKind = "table"

_NO_PRICE = -1
_OF_INDEX = ("index", "table")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that name a code. ``price`` is a chargemaster's, in dollars."""

    text: str
    system: System
    code: str
    price: Decimal | None = None


def write_phrases(
    path: Path, kind: PhraseKind, phrases: Sequence[Phrase], *, key: str, valid_from: date | None = None
) -> None:
    """Write the phrases of an import."""
    cents = [_NO_PRICE if p.price is None else int((p.price * 100).to_integral_value()) for p in phrases]
    write_container(
        path,
        meta={
            "format": FORMAT,
            "key": key,
            "kind": kind,
            "valid_from": valid_from.isoformat() if valid_from else "",
        },
        arrays={
            "system": np.array([SYSTEMS.index(p.system) for p in phrases], dtype=np.int8),
            "cents": np.array(cents, dtype=np.int64),
        },
        strings={"texts": [p.text for p in phrases], "codes": [p.code for p in phrases]},
    )


class PhraseSet:
    """The phrases of one import, opened.

    Raises
    ------
    StoreMissingError, StoreDamagedError
        If the file is not there, is damaged, or has another format.
    """

    def __init__(self, path: Path) -> None:
        self._box = Container.open(path)
        meta = self._box.meta
        if meta.get("format") != FORMAT:
            raise StoreDamagedError(f"compiled store {path.name} has another format; import it again")
        self.key: str = meta["key"]
        self.kind: PhraseKind = meta["kind"]
        self.valid_from: str = meta["valid_from"]

    def __iter__(self) -> Iterator[Phrase]:
        systems, cents = self._box.array("system").tolist(), self._box.array("cents").tolist()
        texts, codes = self._box.strings("texts"), self._box.strings("codes")
        for text, code, system, price in zip(texts, codes, systems, cents, strict=True):
            yield Phrase(text, SYSTEMS[system], code, None if price == _NO_PRICE else Decimal(price) / 100)

    def __len__(self) -> int:
        return len(self._box.array("system"))


def phrase_files(store_dir: Path) -> list[Path]:
    """Files of the phrases in use, oldest import first. Of alphabetic indexes the newest release's alone."""
    found = active_files(store_dir, ("icd10cm", "synonyms", "chargemaster"))
    paths = [path for _, path in found if path.name in (PHRASES_FILE, TABLES_FILE)]
    metas = [(path, Container.read_meta(path)) for path in paths]
    days = [(meta["valid_from"], path.parent.name) for path, meta in metas if meta["kind"] in _OF_INDEX]
    newest = max(days, default=("", ""))[1]
    return [path for path, meta in metas if meta["kind"] not in _OF_INDEX or path.parent.name == newest]


def phrases_key(paths: Sequence[Path]) -> tuple[str, ...]:
    """Keys of files of phrases; only their headers are checked."""
    return tuple(str(Container.read_meta(path)["key"]) for path in paths)
