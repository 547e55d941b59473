"""From the code that words name to the billable code that the words around them support.

A term may name a category (``M17`` knee osteoarthritis) or a family of codes that differ by side. Going down
picks the leaf whose distinguishing title words stand in the context and takes the unspecified leaf where none
do; side, encounter phase and other 7th characters are chosen last. Nothing is ever guessed silently: what the
words did not support is counted and returned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from suggester.codesets.store import ReleaseStore
from suggester.codesets.terms import BILATERAL, SIDE_UNSPECIFIED, TermIndex
from suggester.codesets.words import NEUTRAL, words
from suggester.ranking.sites import Sites

Phase = Literal["initial", "subsequent", "sequela"]

_UNSUPPORTED = 0.8
_UNSPECIFIED_BONUS = 0.6
_OTHER_PENALTY = 1.2
_CHEAP = frozenset(
    [
        "primary",
        "essential",
        "disease",
        "disorder",
        "condition",
        "unilateral",
        "site",
        "type",
        "female",
        "male",
        "without",
        "simple",
        "idiopathic",
        "person",
        "patient",
        "adult",
        "part",
        "displaced",
        "nondisplaced",
    ]
)
_CHEAP_WEIGHT = 0.3
_SITE_WEIGHT = 5.0
"""Weight of a site of several words; that of a rare word."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A billable row and how it was reached.

    Attributes
    ----------
    row
        Row of the billable code.
    supported, unsupported
        Summed rarity of the leaf's distinguishing words that the context holds, or lacks.
    side_missing
        The code has a side and the words give none.
    steps
        0 if the words named the code itself, 1 if it was gone down to.
    """

    row: int
    supported: float
    unsupported: float
    side_missing: bool
    steps: int


@dataclass(frozen=True, slots=True)
class Needs:
    """What a row asks of the words around a mention: a side, an encounter phase."""

    side: bool
    phase: bool


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A code to go down to; ``above`` is the first row of the family by side that one of its categories is in
    (``L97.50-``, ``L97.51-`` and ``L97.52-``), -1 if none is."""

    row: int
    words: tuple[tuple[int, float], ...]
    bonus: float
    above: int


_Extensions = tuple[tuple[str, int, frozenset[str]], ...]
"""Rows under one by 7th character: the character, the row and the words that the title adds."""
_HEALING = ("open", "nonunion", "malunion", "delayed")
"""Words of fractures that tell 7th characters apart."""
_REMEMBERED = 100_000
"""Answers that are remembered."""


class CodeResolver:
    """Goes down from rows of ICD-10-CM to billable codes; keeps what it worked out.

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
        self._leaves: dict[int, tuple[_Leaf, ...]] = {}
        self._families: dict[int, dict[int, int]] = {}
        self._extensions: dict[int, _Extensions] = {}
        self._telling: dict[int, frozenset[int]] = {}
        self._cheap = {terms.vocabulary[w] for w in _CHEAP if w in terms.vocabulary}
        self._needs: dict[int, Needs] = {}
        self._dominance: dict[int, dict[tuple[int, bool], int] | None] = {}
        self._dominant, self._nondominant, self._non = (
            terms.vocabulary.get(word, -1) for word in ("dominant", "nondominant", "non")
        )
        self._eye, self._eyelid = (terms.vocabulary.get(word, -1) for word in ("eye", "eyelid"))
        self._sites = Sites(terms.vocabulary)
        self._memo: dict[tuple[int, frozenset[int], int, Phase], tuple[Resolved, ...]] = {}
        self._primary: dict[int, int] = {}

    @property
    def sites(self) -> Sites:
        """What widens the words of a context by the sites that they lie in."""
        return self._sites

    def resolve(
        self, row: int, *, context: frozenset[int], side: int, phase: Phase, left_handed: bool = False
    ) -> tuple[Resolved, ...]:
        """The billable code under a row that the context supports best; empty if there is none.

        Both sides where the words say bilateral and the category has no bilateral code (guidelines I.B.13).

        Parameters
        ----------
        row
            Row that the words name.
        context
            Ids of the words around the mention, widened by their ``sites``.
        side
            0 unknown, 1 right, 2 left, 3 bilateral.
        phase
            Encounter phase for codes with a 7th character.
        left_handed
            The note says that the patient is; for codes that differ by the dominant side.
        """
        telling = self._telling.get(row)
        if telling is None:
            telling = self._telling[row] = self._telling_of(row)
        context = context & telling
        key = (row, context, side + 4 * left_handed, phase)
        found = self._memo.get(key)
        if found is None:
            if len(self._memo) >= _REMEMBERED:
                self._memo.clear()
            found = self._memo[key] = self._resolve(row, context, side, phase, left_handed)
        return found

    def _telling_of(self, row: int) -> frozenset[int]:
        """The words of a context that what is under a row may depend on; no other makes a difference."""
        ids: set[int] = set()
        for leaf in (*self._leaves_of(row), *self._leaves_of(self._primary_of(row))):
            ids.update(word for word, _ in leaf.words)
            group = self._dominance_of(leaf.row)
            if group is not None:
                ids.update((self._dominant, self._nondominant, self._non))
                rows = {leaf.row, *group.values()}
            else:
                rows = {
                    end for side in range(4) for end, _ in self._take_side(leaf, side, frozenset(), False)
                }
            for end in rows:
                if not self._store.billable[end]:
                    said = {word for _, _, meaning in self._extensions_of(end) for word in meaning}
                    ids.update(self._terms.vocabulary.get(word, -1) for word in (*said, *_HEALING))
        return frozenset(ids)

    def fixed(self, row: int) -> tuple[Resolved, ...] | None:
        """What ``resolve`` gives whatever the words around are; None where they, a side or a phase choose."""
        leaves = self._leaves_of(row)
        if (
            len(leaves) != 1
            or leaves[0].row != row
            or self._primary_of(row) != row
            or leaves[0].words
            or leaves[0].above >= 0
            or self._dominance_of(row) is not None
            or int(self._terms.node_family[row]) >= 0
            or not self._store.billable[row]
        ):
            return None
        return self._resolve(row, frozenset(), 0, "initial", False)

    def needs(self, row: int) -> Needs:
        """Whether going down from a row asks for a side or an encounter phase."""
        found = self._needs.get(row)
        if found is None:
            sided, phased = self._primary_of(row) != row, False
            for leaf in self._leaves_of(row):
                sided = sided or int(self._terms.node_family[leaf.row]) >= 0
                sided = sided or leaf.above >= 0 or self._dominance_of(leaf.row) is not None
                if not self._store.billable[leaf.row]:
                    titles = [self._store.titles[r] for r in self._store.children(leaf.row)]
                    phased = phased or any("initial encounter" in title for title in titles)
                    sided = sided or any("right eye" in title for title in titles)
            found = self._needs[row] = Needs(sided, phased)
        return found

    def _resolve(
        self, row: int, context: frozenset[int], side: int, phase: Phase, left_handed: bool = False
    ) -> tuple[Resolved, ...]:
        if side:
            row = self._primary_of(row)
        leaves = self._leaves_of(row)
        best: tuple[float, float, float, _Leaf] | None = None
        for leaf in leaves:
            supported = unsupported = 0.0
            for word, weight in leaf.words:
                if word in context:
                    supported += weight
                else:
                    unsupported += weight
            score = supported - _UNSUPPORTED * unsupported + leaf.bonus
            if best is None or score > best[0] + 1e-9:
                best = (score, supported, unsupported, leaf)
        if best is None:
            return ()
        out: list[Resolved] = []
        for chosen, missing in self._take_side(best[3], side, context, left_handed):
            own = self._terms.node_side[chosen]
            final = self._extend(chosen, context, int(own) if own in (1, 2, 3) else side, phase)
            if final is not None:
                out.append(Resolved(final, best[1], best[2], missing, int(final != row)))
        return tuple(out)

    def _leaves_of(self, row: int) -> tuple[_Leaf, ...]:
        found = self._leaves.get(row)
        if found is None:
            found = self._leaves[row] = tuple(self._collect(row))
        return found

    def _weight(self, word: int) -> float:
        """Rarity of a word that tells codes apart."""
        if word in self._cheap:
            return _CHEAP_WEIGHT
        return max(float(self._terms.idf[word]), 1.0) if word >= 0 else _SITE_WEIGHT

    def _collect(self, top: int) -> list[_Leaf]:
        store, terms = self._store, self._terms
        folded = self._sites.folded
        have = folded(frozenset(terms.node_words(top)))
        leaves: list[_Leaf] = []
        stack = [top]
        while stack:
            row = stack.pop()
            children = store.children(row)
            if children and not store.is_extension(children[0]):
                seen: set[int] = set()
                for child in children:
                    rep = int(terms.node_family[child])
                    if rep >= 0 and child != rep:
                        if rep in seen:
                            continue
                        child = rep
                    if child not in seen:
                        seen.add(child)
                        stack.append(child)
                continue
            title = store.titles[row].lower()
            bonus = _shape_bonus(title, store.codes[row], store.titles[top].lower())
            own = folded(frozenset(terms.node_words(row))) - have
            if self._eyelid in terms.node_words(row):
                own -= {self._eye}  # "unspecified eye, unspecified eyelid" asks for no more than the lid
            weighed = tuple((w, self._weight(w)) for w in sorted(own))
            above = self._family_above(row)
            leaves.append(_Leaf(row, () if row == top else weighed, 0.0 if row == top else bonus, above))
        leaves.sort(key=lambda leaf: leaf.row)
        return leaves

    def _family_above(self, row: int) -> int:
        """The family by side of the nearest category above a row that is in one; -1 if none is."""
        family, parent = self._terms.node_family, self._store.parent
        staged = self._store.codes[row][-1].isdecimal()  # a stage, as of glaucoma; not an encounter
        if int(family[row]) >= 0 or (self._store.is_extension(row) and not staged):
            return -1
        above = int(parent[row])
        while above >= 0:
            if int(family[above]) >= 0:
                return int(family[above])
            above = int(parent[above])
        return -1

    def _dominance_of(self, row: int) -> dict[tuple[int, bool], int] | None:
        """For a row that differs from others by the dominant side, those beside it by side and dominance.

        The row of the unspecified side has side 0. None for a row of another kind.
        """
        if row in self._dominance:
            return self._dominance[row]
        store = self._store
        group: dict[tuple[int, bool], int] | None = None
        if store.titles[row].endswith(("unspecified side", "dominant side")):
            group = {}
            for beside in store.children(int(store.parent[row])):
                title = store.titles[beside]
                if title.endswith("unspecified side"):
                    group[0, True] = beside
                elif title.endswith("dominant side"):
                    side = int(self._terms.node_side[beside])
                    group[side, not title.endswith(("nondominant side", "non-dominant side"))] = beside
            if set(group) <= {(0, True)} or row not in group.values():
                group = None
        self._dominance[row] = group
        return group

    def _take_dominant(
        self, row: int, side: int, context: frozenset[int], left_handed: bool
    ) -> list[tuple[int, bool]]:
        """The row of a side by dominance: as said, else right is dominant (guidelines I.C.6.a)."""
        group = self._dominance_of(row) or {}
        if side not in (1, 2):
            return [(group.get((0, True), row), True)]
        dominant = (side == 2) == left_handed
        if self._nondominant in context:
            dominant = False
        elif self._dominant in context:
            dominant = self._non not in context
        return [(group.get((side, dominant), row), False)]

    def _take_side(
        self, leaf: _Leaf, side: int, context: frozenset[int], left_handed: bool
    ) -> list[tuple[int, bool]]:
        """Rows of a family for a side, each with whether the side is missing."""
        row = leaf.row
        if self._dominance_of(row) is not None:
            return self._take_dominant(row, side, context, left_handed)
        if leaf.above >= 0:
            return self._under_side(leaf, side)
        rep = int(self._terms.node_family[row])
        return [(row, False)] if rep < 0 else self._members_of(rep, side)

    def _under_side(self, leaf: _Leaf, side: int) -> list[tuple[int, bool]]:
        """For a row under a family by side, the row at the same place under the category of a side."""
        codes, store = self._store.codes, self._store
        own = leaf.row
        while int(self._terms.node_family[own]) < 0:
            own = int(store.parent[own])
        if not side and int(self._terms.node_side[own]) != SIDE_UNSPECIFIED:
            return [(leaf.row, False)]
        rest = codes[leaf.row].removeprefix(codes[own])
        out = []
        for category, missing in self._members_of(leaf.above, side):
            code = codes[category] + rest
            out += [(row, missing) for row in store.with_prefix(code) if codes[row] == code]
        return out or [(leaf.row, True)]

    def _members_of(self, rep: int, side: int) -> list[tuple[int, bool]]:
        """Rows of the family that ``rep`` is the first of, for a side, each with whether it is missing."""
        members = self._families.get(rep)
        if members is None:
            siblings = self._store.children(int(self._store.parent[rep]))
            family, sides = self._terms.node_family, self._terms.node_side
            members = self._families[rep] = {int(sides[r]): r for r in reversed(siblings) if family[r] == rep}
            both = None if BILATERAL in members else self._both_of(rep)
            if both is not None:
                members[BILATERAL] = both
        if side in members:
            return [(members[side], False)]
        if side == BILATERAL and 1 in members and 2 in members:
            return [(members[1], False), (members[2], False)]
        if SIDE_UNSPECIFIED in members:
            return [(members[SIDE_UNSPECIFIED], side == 0)]
        if side == 0 and BILATERAL in members:
            return [(members[BILATERAL], True)]
        return [(min(members.values()), True)]

    def _primary_of(self, row: int) -> int:
        """The category of one side that stands for a code without one (``M17.1-`` for ``M17.9``); or itself.

        Osteoarthritis of which no more is said is primary (Coding Clinic 2016 Q4), and only its unspecified
        code has no side.
        """
        found = self._primary.get(row)
        if found is None:
            store, found = self._store, row
            said = set(words(store.titles[row].lower()))
            if "unspecified" in said and "primary" not in said and store.parent[row] >= 0:
                sought = said - {"unspecified"} | {"unilateral", "primary"}
                for beside in store.children(int(store.parent[row])):
                    if set(words(store.titles[beside].lower())) == sought:
                        found = beside
            self._primary[row] = found
        return found

    def _both_of(self, rep: int) -> int | None:
        """The billable code of both sides beside the category of one side (``M17.0`` beside ``M17.1-``)."""
        store, above = self._store, int(self._store.parent[rep])
        said = set(words(store.titles[above].lower()))
        if "unilateral" not in said:
            return None
        for beside in store.children(int(store.parent[above])):
            if store.billable[beside] and set(words(store.titles[beside])) == said - {"unilateral"} | {
                "bilateral"
            }:
                return beside
        return None

    def _extend(self, row: int, context: frozenset[int], side: int, phase: Phase) -> int | None:
        if self._store.billable[row]:
            return row
        table = self._extensions_of(row)
        if not table:
            return None
        letters = {char: r for char, r, _ in table}
        if "A" in letters and "D" in letters:
            return self._encounter(table, context, phase)
        if "1" in letters and side in (1, 2, 3) and any("right" in m for _, _, m in table):
            return letters.get(str(side), min(letters.values()))
        of_fetus = any("fetus" in meaning for _, _, meaning in table)  # see Fetuses
        best = max(
            table,
            key=lambda item: (
                0 if of_fetus else sum(1 for w in item[2] if self._terms.vocabulary.get(w) in context),
                item[0] in "09",
                -item[1],
            ),
        )
        return best[1]

    def _extensions_of(self, row: int) -> _Extensions:
        """The rows under one by 7th character."""
        table = self._extensions.get(row)
        if table is None:
            store = self._store
            table = self._extensions[row] = tuple(
                (store.codes[r][-1], r, _meaning(store.titles[r], store.titles[row]))
                for r in store.children(row)
            )
        return table

    def _encounter(
        self,
        table: _Extensions,
        context: frozenset[int],
        phase: Phase,
    ) -> int:
        """Encounter phase; for fractures also open or closed and how it heals (default closed, routine)."""
        marks = [w for w in _HEALING if self._terms.vocabulary.get(w) in context]
        ranked = sorted(
            (
                (phase not in meaning, -sum(m in meaning for m in marks), _excess(meaning, marks), char, r)
                for char, r, meaning in table
            )
        )
        return ranked[0][-1]


def _shape_bonus(title: str, code: str, above: str) -> float:
    """How much a leaf's shape speaks for it where no word decides: NOS codes first, 'other' last."""
    bonus = 0.0
    if "unspecified" in title and "unspecified" not in above:
        bonus += _UNSPECIFIED_BONUS
    if code.endswith("9"):
        bonus += 0.3
    elif code.endswith("0"):
        bonus += 0.1
    if "without" in title or ", not " in title:
        bonus -= 0.1
    if title.startswith("other ") or " other " in title or title.endswith(" other"):
        bonus -= _OTHER_PENALTY
    return bonus


def _meaning(title: str, base: str) -> frozenset[str]:
    return frozenset(words(title[len(base) :])) - NEUTRAL


def _excess(meaning: frozenset[str], marks: list[str]) -> int:
    return sum(w in meaning and w not in marks for w in _HEALING)
