"""Codes of chapter 15 brought to the stage of the note: pregnancy by trimester, childbirth or puerperium.

Codes of chapter 16 that the words name in part only are left to newborns.

Titles that differ but in the stage are one group (``O24.410`` *in pregnancy*, ``O24.420`` *in childbirth*,
``O24.430`` *in the puerperium*). Source: guidelines I.C.15.a and b.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import cached_property
from typing import Final

from suggester.codesets.store import ReleaseStore
from suggester.pipeline.attributes_values import trimester_of
from suggester.ranking.relations.maternity import Stage
from suggester.ranking.support import CodeSupport, Gathered

_TRIMESTER: Final = re.compile(r",? ?\b(first|second|third|unspecified) trimester")
_STAGE: Final = re.compile(
    r",? ?\b(?:complicating |in |during )?(?:the )?(pregnancy|childbirth|puerperium)(?!-induced)|\(hellp\)"
)
_NUMBERS: Final = {"first": "1", "second": "2", "third": "3", "unspecified": ""}
_OF_MOTHERS: Final = ("O", "Z3A", "Z34", "Z33", "Z36", "Z37", "Z39")
_FIRM: Final = 0.8
"""Similarity from which the words of a note name a code of pregnancy by themselves."""
_NORMAL_BIRTH: Final = "O80"
_BIRTHS: Final = ("O80", "O82", "Z37")
"""Codes of the encounter of a birth, which an earlier one is not."""
_NO_COMPLICATION: Final = ("O80", "O09")


class Obstetrics:
    """Moves and takes out candidates by the stage of the note.

    Parameters
    ----------
    store
        The ICD-10-CM release.
    """

    def __init__(self, store: ReleaseStore) -> None:
        self._store = store
        self._codes = store.code_list
        self._newborns = frozenset(store.with_prefix("P"))
        self._mothers = frozenset(row for prefix in _OF_MOTHERS for row in store.with_prefix(prefix))

    @cached_property
    def _groups(self) -> dict[int, dict[str, int]]:
        """For each code that differs from others but in the stage, those by their stage."""
        groups: dict[str, dict[str, int]] = {}
        places: dict[int, str] = {}
        store = self._store
        for row in store.with_prefix("O"):
            if store.billable[row]:
                key, stage = _key_of(store.titles[row].lower())
                groups.setdefault(key, {}).setdefault(stage, row)
                places[row] = key
        return {row: groups[key] for row, key in places.items() if len(groups[key]) > 1}

    def at(self, row: int, stage: Stage) -> int:
        """The code at a stage of the group that a code is in; itself where there is none."""
        group = self._groups.get(row)
        if group is None:
            return row
        if stage.name in ("childbirth", "puerperium") and stage.name in group:
            return group[stage.name]
        if stage.name in ("pregnancy", "childbirth") and stage.weeks is not None:
            return group.get("pregnancy" + trimester_of(stage.weeks), row)
        return row

    def settle(self, found: Gathered, stage: Stage, *, hinted: Callable[[], bool]) -> None:
        """Take out what the stage rules out and bring the rest to it.

        Parameters
        ----------
        found
            The candidates.
        stage
            The stage of the note.
        hinted
            Tells whether the note has a word of pregnancy, birth or nursing at all; asked where it matters.
        """
        out = found.diagnoses
        if stage.name != "newborn" and not self._newborns.isdisjoint(out):
            for row in [row for row, c in out.items() if row in self._newborns and not _is_firm(c)]:
                del out[row]
        if self._mothers.isdisjoint(out):
            return
        named = [c for row, c in out.items() if row in self._mothers]
        for candidate in named:
            elsewhere = stage.name == "newborn" or (not stage.said and not (_is_firm(candidate) and hinted()))
            birth = self._codes[candidate.row].startswith(_BIRTHS) and stage.name != "childbirth"
            if elsewhere or birth:
                del out[candidate.row]
                continue
            row = self.at(candidate.row, stage)
            if row != candidate.row:
                found.move(candidate, row)
        if stage.name == "childbirth":
            self._drop_normal_birth(out, named)

    def _drop_normal_birth(self, out: dict[int, CodeSupport], named: Collection[CodeSupport]) -> None:
        """A normal delivery has no complication beside it (note at O80)."""
        complicated = any(
            self._codes[c.row][0] == "O"
            and not self._codes[c.row].startswith(_NO_COMPLICATION)
            and any(not s.flags and s.similarity > _FIRM for s in c.supports)
            for c in named
        )
        normal = [c for c in named if self._codes[c.row] == _NORMAL_BIRTH]
        for candidate in normal if complicated else ():
            out.pop(candidate.row, None)


def _is_firm(candidate: CodeSupport) -> bool:
    return any(s.resolved is not None and s.similarity > _FIRM for s in candidate.supports)


def _key_of(title: str) -> tuple[str, str]:
    """A title without its stage, and the stage: *pregnancy* with the number of the trimester, or another."""
    trimester = _TRIMESTER.search(title)
    stages = _STAGE.findall(title)
    plain = re.sub(r"[ ,]+", " ", _STAGE.sub("", _TRIMESTER.sub("", title))).strip()
    if "childbirth" in stages and "pregnancy" not in stages:
        return plain, "childbirth"
    if "puerperium" in stages and "pregnancy" not in stages:
        return plain, "puerperium"
    return plain, "pregnancy" + (_NUMBERS[trimester.group(1)] if trimester else "")


__all__ = ["Obstetrics"]
