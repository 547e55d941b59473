"""Which of several fetuses a code of chapter 15 is about: its 7th character.

*Twin B: breech*, *FGR of fetus 2* and, in a note of twins, *B 9% (FGR)* say the number; without such words
the character is 0 (not applicable or unspecified). Source: ICD-10-CM notes at O31 to O69.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from suggester.codesets.store import ReleaseStore
from suggester.pipeline.reading import Reading
from suggester.ranking.relations.maternity import Stage
from suggester.ranking.support import CodeSupport, Gathered

_MANY: Final = frozenset(
    (
        *(
            "twin",
            "twins",
            "triplet",
            "triplets",
            "quadruplets",
            "didi",
            "modi",
            "momo",
            "dcda",
            "mcda",
            "mcma",
        ),
        *("dichorionic", "monochorionic", "di", "mo", "mono"),
    )
)
"""Words of a note of more than one fetus."""
_NAMED: Final = frozenset(
    ("twin", "fetus", "foetus", "baby", "triplet", "infant", "sac", "recipient", "donor")
)
"""Words that a fetus's letter or number stands behind."""
_NUMBERS: Final = {"a": "1", "b": "2", "c": "3", "d": "4", "e": "5", **{n: n for n in "12345"}}
_LETTERED: Final = frozenset(
    ("strep", "group", "hepatitis", "vitamin", "type", "grade", "influenza", "factor", "&")
)
"""Words that a letter behind means something else."""
_CARRIED: Final = 40
"""Tokens that a fetus's name holds for, where no other is named."""
_LENGTH: Final = 8
"""Characters of a code that has a 7th one, with its point."""


class Fetuses:
    """Gives codes the number of the fetus that the words around are about.

    Parameters
    ----------
    store
        The ICD-10-CM release.
    """

    def __init__(self, store: ReleaseStore) -> None:
        self._store = store
        self._codes = store.code_list
        self._numbered: dict[int, dict[str, int]] = {}

    def settle(self, found: Gathered, reading: Reading, stage: Stage) -> None:
        """Bring candidates of fetuses that are told apart to the code of theirs."""
        if not stage.said or _MANY.isdisjoint(reading.have):
            return
        marks = marks_of(reading)
        if not marks:
            return
        for row, candidate in list(found.diagnoses.items()):
            rows = self._rows(row)
            if not rows:
                continue
            number = self._number(candidate, reading, marks)
            to = rows.get(number, row)
            if to != row:
                found.move(candidate, to)

    def _rows(self, row: int) -> dict[str, int]:
        """For a code of no fetus by number, those of the others by their number; empty for another code."""
        code = self._codes[row]
        if code[0] != "O" or len(code) != _LENGTH or code[-1] != "0":
            return {}
        known = self._numbered.get(row)
        if known is None:
            beside = self._store.with_prefix(code[:-1])
            known = {self._codes[one][-1]: one for one in beside if self._store.billable[one]}
            titles = [self._store.titles[one] for one in beside]
            known = self._numbered[row] = known if any("fetus 1" in title for title in titles) else {}
        return known

    @staticmethod
    def _number(candidate: CodeSupport, reading: Reading, marks: Sequence[tuple[int, str]]) -> str:
        """The number in the sentence of a mention, the nearest to it, else the last before it; 0 for none."""
        firsts, finals, sentence = reading.matches.firsts, reading.matches.finals, reading.sentence
        for support in candidate.supports:
            first, final = firsts[support.match], finals[support.match]
            here = [
                (max(first - at, at - final, 0), at, number)
                for at, number in marks
                if sentence[at] == sentence[first]
            ]
            if here:
                return min(here)[2]
            before = [number for at, number in marks if first - _CARRIED <= at < first]
            if before:
                return before[-1]
        return "0"


def marks_of(reading: Reading) -> list[tuple[int, str]]:
    """The tokens that name one of several fetuses, and its number, in order of the note."""
    lower, text = reading.table.lower, reading.table.text
    out: list[tuple[int, str]] = []
    for at, word in enumerate(lower):
        number = _NUMBERS.get(word)
        if number is None:
            continue
        before = [one for one in lower[max(0, at - 2) : at] if one not in ("(", "-", "#")]
        named = bool(before) and before[-1] in _NAMED
        alone = text[at] in ("A", "B") and not (before and before[-1] in _LETTERED) and _is_alone(lower, at)
        if named or alone:
            out.append((at, number))
    return out


def _is_alone(lower: Sequence[str], at: int) -> bool:
    """Whether a capital letter stands for a fetus by itself: *B breech*, *(A)*, *A:*, but no article *A*."""
    behind = lower[at + 1] if at + 1 < len(lower) else ""
    ahead = lower[at - 1] if at else ""
    if behind in ("+", "/", ".", "-") or ahead in ("/", "+", "-"):
        return False
    return lower[at] == "b" or behind in (":", ")", "=") or behind[:1].isdecimal()


__all__ = ["Fetuses", "marks_of"]
