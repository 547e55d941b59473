"""Combination codes: conditions of a note that ICD-10-CM joins into one code (guidelines I.B.9)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from suggester.codesets.lexicon import CombinationRow
from suggester.codesets.store import ReleaseStore
from suggester.errors import UnknownCodeError
from suggester.pipeline.reading import HISTORICAL
from suggester.ranking.resolve import CodeResolver
from suggester.ranking.support import FIRM, CodeSupport, Gathered, Joined, Method, Support


class Combinations:
    """Adds combination codes whose conditions are all affirmed.

    Parameters
    ----------
    store
        The ICD-10-CM release.
    resolver
        Goes down from categories of it.
    rows
        What is joined; rows that name a code that the release lacks are passed over.
    """

    def __init__(
        self, store: ReleaseStore, resolver: CodeResolver, rows: Sequence[CombinationRow] = ()
    ) -> None:
        self._store = store
        self._resolver = resolver
        self._codes = store.code_list
        self.known: list[tuple[CombinationRow, int]] = []
        for item in rows:
            try:
                self.known.append((item, store.row(item.code)))
            except UnknownCodeError:
                continue
        self._asking: dict[str, list[int]] = {}
        for number, (item, _) in enumerate(self.known):
            for prefix in item.needs[0]:
                self._asking.setdefault(prefix, []).append(number)
        self._asked = frozenset(p for item, _ in self.known for need in item.needs for p in need)
        self._prefixes = _Prefixes(self._codes, self._asked)

    def add(self, found: Gathered, trimester: frozenset[int], *, pregnant: bool) -> None:
        """Add them to the candidates; mark the codes they replace.

        A combination that is a category (diseases that complicate pregnancy) is gone down by trimester.
        """
        present = self._present(found)
        if not present:
            return
        asking = {number for prefix in present for number in self._asking.get(prefix, ())}
        names = present.keys()
        added: list[tuple[CombinationRow, int, list[list[CodeSupport]]]] = []
        for number in sorted(asking):
            item, row = self.known[number]
            if not pregnant and item.code[0] == "O":
                continue
            if any([names.isdisjoint(need) for need in item.needs]):
                continue
            parts = [[c for prefix in need for c in present.get(prefix, ())] for need in item.needs]
            if not self._store.billable[row]:
                resolved = self._resolver.resolve(row, context=trimester, side=0, phase="initial")
                if not resolved:
                    continue
                row = resolved[0].row
            added.append((item, row, parts))
            for group in parts:
                best = max(
                    (s for c in group for s in c.supports if self._speaks(c, s)),
                    key=lambda s: (s.similarity, -s.match),
                )
                found.diagnose(row, Support(best.match, Method.COMBINATION, 0, None, best.similarity))
        for item, row, parts in added:
            replaced = [
                c
                for c in found.diagnoses.values()
                if c.row != row and self._codes[c.row].startswith(item.replaces)
            ]
            for candidate in replaced:
                candidate.replaced = True
            conditions = tuple(tuple(sorted({c.row for c in group} - {row})) for group in parts)
            joined = Joined(conditions, tuple(sorted({c.row for c in replaced})))
            found.diagnoses[row].joins.append(joined)

    def _present(self, found: Gathered) -> dict[str, list[CodeSupport]]:
        """Candidates that are affirmed by what they are named by, under each prefix that is asked for."""
        out: dict[str, list[CodeSupport]] = {}
        prefixes_of = self._prefixes
        for candidate in found.diagnoses.values():
            prefixes = prefixes_of[candidate.row]
            if (
                prefixes
                and any([s.similarity > FIRM for s in candidate.supports])
                and any([s.similarity > FIRM and self._speaks(candidate, s) for s in candidate.supports])
            ):
                for prefix in prefixes:
                    out.setdefault(prefix, []).append(candidate)
        return out

    def _speaks(self, candidate: CodeSupport, support: Support) -> bool:
        """Whether a support affirms its code; one of history is affirmed by what is past."""
        past = HISTORICAL if self._codes[candidate.row].startswith("Z8") else 0
        return not support.flags & ~past


class _Prefixes(dict[int, tuple[str, ...]]):
    """By row, the beginnings of its code that some combination asks for; worked out when first asked for.

    Parameters
    ----------
    codes
        The codes by row.
    asked
        The beginnings that combinations ask for.
    """

    def __init__(self, codes: Sequence[str], asked: Collection[str]) -> None:
        super().__init__()
        self._codes, self._asked = codes, asked

    def __missing__(self, row: int) -> tuple[str, ...]:
        code = self._codes[row]
        prefixes = [code[:end] for end in range(2, len(code) + 1)]
        found = self[row] = tuple([prefix for prefix in prefixes if prefix in self._asked])
        return found
