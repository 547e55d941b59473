"""Which codes differ by side alone, read from the titles of the tabular list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
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


@lru_cache(maxsize=20_000)
def side_of(title: str) -> Side | None:
    """The side that a title in lower case names: right and left together are bilateral.

    >>> side_of("pain in right knee"), side_of("pain in joint")
    ('right', None)
    """
    sides = {_SIDES[word] for word in _WORDS.findall(title) if word in _SIDES}
    if {"right", "left"} <= sides or "bilateral" in sides:
        return "bilateral"
    return next(iter(sides - {"unspecified"}), "unspecified" if sides else None)


def other_words(title: str) -> frozenset[str]:
    """Words of a title that say something else than a side; plurals as one."""
    return frozenset(
        word.removesuffix("s") for word in _WORDS.findall(title) if word not in _SIDES and word not in _EMPTY
    )


def by_side(book: Book, row: int) -> dict[str, int]:
    """The codes that differ from one by side alone (itself among them), by side; empty if there are none.

    7th characters stay the same.
    """
    if row not in book.sides:
        book.sides[row] = _by_side(book, row)
    return book.sides[row]


def _by_side(book: Book, row: int) -> dict[str, int]:
    extension = book.store.is_extension(row)
    base = book.lineage(row)[1] if extension else row
    own = side_of(book.title(base))
    wanted = other_words(book.title(base))
    out: dict[str, int] = {}
    for candidate in _near(book, base, own):
        side = side_of(book.title(candidate))
        if side is None or side in out:
            continue
        rest = other_words(book.title(candidate))
        if rest != wanted and not ("bilateral" in (own, side) and _nearly(rest, wanted)):
            continue
        found = _same_end(book, candidate, book.code(row)[-1]) if extension else candidate
        if found is not None and book.store.billable[found]:
            out[side] = found
    return out if len(out) > 1 else {}


def _near(book: Book, base: int, side: Side | None) -> Iterator[int]:
    """Where the other sides of a code stand: beside it, and for both sides a level up or down."""
    above = [row for row in book.lineage(base)[1:3] if " " not in book.code(row)]
    if not above:
        return
    siblings = book.store.children(above[0])
    yield from siblings
    if side == "bilateral":
        for sibling in siblings:
            yield from book.store.children(sibling)
    if len(above) > 1:
        for row in book.store.children(above[1]):
            if side_of(book.title(row)) == "bilateral":
                yield row


def _nearly(one: frozenset[str], two: frozenset[str]) -> bool:
    """Whether two titles differ by one word that one of them leaves out (*right eye*, *bilateral*)."""
    return (one <= two or two <= one) and len(one ^ two) <= 1


def _same_end(book: Book, base: int, last: str) -> int | None:
    """The extension of a code with a 7th character."""
    return next((row for row in book.store.children(base) if book.code(row)[-1] == last), None)
