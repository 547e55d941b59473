"""Encounters for antineoplastic treatment: the drug against a cancer that is given here and now.

Chemotherapy is Z51.11, antibodies and other immunotherapy Z51.12, both where both are given (guidelines
I.C.2.e.2). Words are data (``codesets/lexicon/relations/treatment_words.tsv``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir
from suggester.pipeline.reading import FAMILY, HISTORICAL, HYPOTHETICAL, NEGATED, Reading
from suggester.ranking.relations.found import STOPS, Found, holds, phrase_at, phrases_of, words_by_kind

KINDS: Final = (
    "chemo",
    "immuno",
    "chemo_class",
    "immuno_class",
    "both_class",
    "immuno_drug",
    "route",
    "cycle",
    "given",
    "not_now",
)
_CHEMO: Final = "Z51.11"
_IMMUNO: Final = "Z51.12"
_CYCLE_DAY: Final = re.compile(r"c\d{1,2}(?:d\d{1,2})?")
_HEAD: Final = 40
"""Tokens at the top of a note, where a cycle is that of the whole visit."""
_DOSE: Final = 12
"""Most tokens between a drug and the route of its dose."""
_BESIDE: Final = 8
"""Most tokens between a drug and the number of its cycle."""
_NOT_HERE: Final = NEGATED | FAMILY | HISTORICAL | HYPOTHETICAL
_UNITS: Final = frozenset(("mg", "mcg", "g", "gm", "units", "ml"))


class Treatments:
    """Finds the encounter codes of antineoplastic treatment.

    Parameters
    ----------
    names
        First name and class of each drug of the term index, by its row there.
    folder
        The lexicon folder; the shipped one if not given.

    Raises
    ------
    LexiconError
        If the file is missing or a row is of no known kind.
    """

    def __init__(self, names: Sequence[tuple[str, str]], *, folder: Path | None = None) -> None:
        path = (folder or lexicon_dir()) / "relations" / "treatment_words.tsv"
        words = words_by_kind(path, KINDS)
        self._pen = phrases_of(
            [(word, 0) for word in words["chemo"]] + [(word, 1) for word in words["immuno"]]
        )
        self._both = frozenset(words["chemo"]) & frozenset(words["immuno"])
        self._codes: list[tuple[str, ...]] = [self._of_drug(words, *drug) for drug in names]
        self._route, self._given, self._cycle = (
            frozenset(words[kind]) for kind in ("route", "given", "cycle")
        )
        self._not_now = phrases_of([(word, 0) for word in words["not_now"]])

    @staticmethod
    def _of_drug(words: dict[str, list[str]], name: str, drug_class: str) -> tuple[str, ...]:
        if drug_class in words["both_class"]:
            return (_CHEMO, _IMMUNO)
        if drug_class in words["chemo_class"]:
            return (_CHEMO,)
        immune = drug_class in words["immuno_class"] or name in words["immuno_drug"]
        return (_IMMUNO,) if immune else ()

    def find(
        self,
        reading: Reading,
        drugs: Sequence[tuple[int, int, int]],
        findings: Sequence[tuple[int, int, str]],
    ) -> list[Found]:
        """Encounter codes, each over the words of the first drug that stands for it.

        Parameters
        ----------
        reading
            The note, read.
        drugs
            Row in the index, first and final token of each drug that is named.
        findings
            First and final token and code of each diagnosis that is not denied; one must be a neoplasm.
        """
        flags = reading.assertion.flags
        cancers = [first for first, _, code in findings if code[0] == "C" or "D45" <= code < "D48"]
        if all([flags[first] & FAMILY for first in cancers]):
            return []
        cycles = self._cycles(reading)
        given = not self._given.isdisjoint(reading.have)
        visit = bool(cycles and cycles[0] < _HEAD) and given
        out: dict[str, Found] = {}
        for codes, first, final in self._agents(reading, drugs):
            if flags[first] & _NOT_HERE or self._is_other_time(reading, first, final):
                continue
            cycled = any(abs(first - at) <= _BESIDE for at in cycles) or (visit and first < 2 * _HEAD)
            if self._is_dosed(reading, final) or (cycled and given):
                for code in codes:
                    out.setdefault(code, Found(code, first, final, 0))
        return list(out.values())

    def _agents(
        self, reading: Reading, drugs: Sequence[tuple[int, int, int]]
    ) -> Iterator[tuple[tuple[str, ...], int, int]]:
        """Codes and tokens of the drugs and regimens that are named."""
        lower = reading.table.lower
        for row, first, final in drugs:
            if self._codes[row]:
                yield self._codes[row], first, final
        for at in reading.places(self._pen.firsts):
            hit = phrase_at(self._pen, lower, at, len(lower))
            if hit is not None:
                both = " ".join(lower[at : hit[1] + 1]) in self._both
                yield (_CHEMO, _IMMUNO) if both else ((_CHEMO, _IMMUNO)[hit[0]],), at, hit[1]

    def _cycles(self, reading: Reading) -> list[int]:
        """Tokens that give the number of a cycle (*C2D1*, *cycle 3*, *dose #11*), in order."""
        lower = reading.table.lower
        words = {w for w in reading.have if w == "#" or w in self._cycle or _CYCLE_DAY.fullmatch(w)}
        return [at for at in reading.places(words) if self._is_cycle(lower, at)]

    def _is_cycle(self, lower: Sequence[str], at: int) -> bool:
        """Whether a token gives the number of a cycle, by the words behind it."""
        word = lower[at]
        if _CYCLE_DAY.fullmatch(word):
            return "d" in word or (at + 1 < len(lower) and lower[at + 1] not in ("-", "/"))
        if word == "#":
            return at + 1 < len(lower) and lower[at + 1].isdecimal()
        place = at + 2 if lower[at + 1 : at + 2] == ["#"] else at + 1
        return word in self._cycle and place < len(lower) and lower[place][:1].isdecimal()

    def _is_dosed(self, reading: Reading, final: int) -> bool:
        """Whether a drug is followed by an amount and by how it went in."""
        lower, sentence = reading.table.lower, reading.sentence
        amount = False
        for at in range(final + 1, min(len(lower), final + 1 + _DOSE)):
            word = lower[at]
            if sentence[at] != sentence[final] or word in STOPS:
                return False
            amount = amount or word in _UNITS or word.endswith(("mg", "mcg"))
            if amount and word in self._route:
                return True
        return False

    def _is_other_time(self, reading: Reading, first: int, final: int) -> bool:
        """Whether the words around a drug, in its sentence, put it before or after this encounter."""
        lower, sentence = reading.table.lower, reading.sentence
        begin, end = first, final + 1
        while begin > 0 and first - begin < _BESIDE and sentence[begin - 1] == sentence[first]:
            begin -= 1
            if lower[begin] in STOPS:
                begin += 1
                break
        while end < len(lower) and end - final < _BESIDE // 2 and sentence[end] == sentence[first]:
            if lower[end] in STOPS or lower[end] == ",":
                break
            end += 1
        return holds(self._not_now, lower[begin:end])


__all__ = ["KINDS", "Treatments"]
