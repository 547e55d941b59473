"""The default code of a category: what is coded where nothing more is said than the category's own words."""

from __future__ import annotations

from suggester.codesets.store import ReleaseStore
from suggester.codesets.terms import SIDE_UNSPECIFIED, TermIndex

_NOTHING, _ABSENCE, _SAME_WORDS, _UNSPECIFIED_KIND, _SOMETHING, _SOMETHING_ELSE = range(6)
"""What a child says beyond its category: that it is unspecified; that something is absent; nothing but the
same words; an unspecified kind of it; something; something else than its siblings."""


class DefaultCodes:
    """Goes down from categories of ICD-10-CM by their titles.

    Parameters
    ----------
    store
        The ICD-10-CM release.
    terms
        The term index over it.
    """

    def __init__(self, store: ReleaseStore, terms: TermIndex) -> None:
        self._store = store
        self._terms = terms
        self._memo: dict[tuple[int, int], int | None] = {}

    def around(self, row: int, side: int) -> list[int]:
        """Rows to show for a row that a phrase named, best first.

        A billable code stands for itself. A category whose codes differ by side alone comes before them,
        unless the side is known; any other category comes after its default code.

        Parameters
        ----------
        row
            Row of the term.
        side
            0 unknown, 1 right, 2 left, 3 bilateral.
        """
        store = self._store
        if int(self._terms.node_family[row]) >= 0:
            return self._members(self._family(row), side)
        if store.billable[row]:
            return [row]
        children = store.children(row)
        families = {int(self._terms.node_family[child]) for child in children}
        if len(families) == 1 and min(families) >= 0:
            members = self._members(children, side)
            return [*members, row] if side else [row, *members]
        default = self.default(row, side)
        return [row] if default is None else [default, row]

    def _family(self, row: int) -> list[int]:
        family, store = self._terms.node_family, self._store
        siblings = store.children(int(store.parent[row]))
        return [sibling for sibling in siblings if family[sibling] == family[row]]

    def _members(self, members: list[int], side: int) -> list[int]:
        """Billable codes of a family, the one of the known side first."""
        ordered = sorted(members, key=lambda row: (side != int(self._terms.node_side[row]), row))
        found = [self.default(row, side) for row in ordered]
        return [row for row in found if row is not None] or members

    def default(self, row: int, side: int) -> int | None:
        """The billable row that a category's words alone lead to; None where its title leaves it open."""
        key = (row, side)
        if key not in self._memo:
            self._memo[key] = self._go_down(row, side)
        return self._memo[key]

    def _go_down(self, row: int, side: int) -> int | None:
        if self._store.billable[row]:
            return row
        children = self._store.children(row)
        if not children:
            return None
        if self._store.is_extension(children[0]):
            return next((c for c in children if "unspecified" in self._meaning(c, row)), children[0])
        sides = {int(self._terms.node_side[child]): child for child in reversed(children)}
        for wanted in (side, SIDE_UNSPECIFIED):
            if wanted and wanted in sides:
                return self.default(sides[wanted], side)
        adds, *_, best = min(self._adds(child, row) for child in children)
        return None if adds > _UNSPECIFIED_KIND else self.default(best, side)

    def _adds(self, child: int, row: int) -> tuple[int, int, int, int]:
        """What a child adds to its category (least first), how many words, how little it says, the child."""
        title = self._store.titles[child].lower()
        added = len(set(self._terms.node_words(child)) - set(self._terms.node_words(row)))
        unspecified = "unspecified" in title and "with unspecified" not in title
        if title.startswith("other ") and not title.startswith("other and unspecified"):
            kind = _SOMETHING_ELSE
        elif added:
            kind = _UNSPECIFIED_KIND if unspecified else _SOMETHING
        else:
            kind = _NOTHING if unspecified else _ABSENCE if "without" in title else _SAME_WORDS
        plainness = sum(title.count(word) for word in ("unspecified", "not ", "without"))
        return (kind, added, -plainness, child)

    def _meaning(self, row: int, parent: int) -> str:
        return self._store.titles[row].removeprefix(self._store.titles[parent]).lower()
