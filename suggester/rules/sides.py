"""Which codes differ by side alone, read from the titles of the tabular list."""

from __future__ import annotations

import re
from typing import Literal

from suggester.rules.book import Book

Side = Literal["right", "left", "bilateral", "unspecified"]

_WORDS = re.compile(r"[a-z0-9]+")
_SIDES: dict[str, Side] = {
    "right": "right",
    "left": "left",
    "bilateral": "bilateral",
    "both": "bilateral",
    "unspecified": "unspecified",
}
_EMPTY = frozenset(("unilateral", "of", "the", "in", "with"))


def side_of(title: str) -> Side | None:
    """The side that a title in lower case names: right and left together are bilateral.

    >>> side_of("pain in right knee"), side_of("pain in joint")
    ('right', None)
    """
    sides = {_SIDES[word] for word in _WORDS.findall(title) if word in _SIDES}
    if {"right", "left"} <= sides or "bilateral" in sides:
        return "bilateral"
    return next(iter(sides - {"unspecified"}), "unspecified" if sides else None)


def _rest(title: str) -> frozenset[str]:
    """Words of a title that say something else than a side; plurals as one."""
    return frozenset(
        word.removesuffix("s") for word in _WORDS.findall(title) if word not in _SIDES and word not in _EMPTY
    )


def by_side(book: Book, row: int) -> dict[Side, int]:
    """The codes that differ from one by side alone (itself among them), by side; empty if there are none.

    7th characters stay the same.
    """
    extension = book.store.is_extension(row)
    base = book.lineage(row)[1] if extension else row
    above = book.lineage(base)[1:3]
    wanted = _rest(book.title(base))
    out: dict[Side, int] = {}
    for level, parent in enumerate(above):
        if " " in book.code(parent):
            break
        for sibling in book.store.children(parent):
            side = side_of(book.title(sibling))
            if side is None or side in out or _rest(book.title(sibling)) != wanted:
                continue
            if level and side != "bilateral":
                continue
            found = _same_end(book, sibling, book.code(row)[-1]) if extension else sibling
            if found is not None and book.store.billable[found]:
                out[side] = found
    return out if len(out) > 1 else {}


def _same_end(book: Book, base: int, last: str) -> int | None:
    """The extension of a code with a 7th character."""
    return next((row for row in book.store.children(base) if book.code(row)[-1] == last), None)
