"""Vaccines: one that is given is an encounter of its own, and the disease beside it is not the patient's."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

import numpy as np

from suggester.pipeline.reading import Reading
from suggester.ranking.support import FIRM, CodeSupport, Gathered, Method, Support
from suggester.types import System

_GIVEN = ("given", "administered", "im", "deltoid", "today", "received", "injection", "intramuscular")
_VACCINES = ("vaccine", "vaccination", "vaccinated", "immunization", "toxoid", "booster", "shot", "titer")
_VACCINE_G = frozenset(("G0008", "G0009", "G0010"))


class Vaccines:
    """What a note says of vaccines.

    Parameters
    ----------
    vocabulary
        Ids of the words of the term index.
    encounter
        Row of the encounter for immunization, None if the release has none.
    codes
        Codes of the services by system and row.
    """

    def __init__(
        self, vocabulary: Mapping[str, int], encounter: int | None, codes: Mapping[System, Sequence[str]]
    ) -> None:
        self._words = np.array([vocabulary[w] for w in _VACCINES if w in vocabulary], dtype=np.int32)
        self._given = frozenset(vocabulary[w] for w in _GIVEN if w in vocabulary)
        self._encounter = encounter
        self._codes = codes

    def tokens(self, reading: Reading) -> list[int]:
        """Tokens that speak of a vaccine: the disease beside them is what it protects from."""
        words = reading.words
        begins, ends = words.ids.searchsorted(self._words), words.ids.searchsorted(self._words, "right")
        spans = [span for span in zip(begins.tolist(), ends.tolist(), strict=True) if span[0] < span[1]]
        places = {place for begin, end in spans for place in words.place[begin:end].tolist()}
        return sorted({words.place_token[place] for place in places})

    def imply(self, reading: Reading, found: Gathered) -> None:
        """Add the encounter that a vaccine given is (Z23, guidelines I.C.21.c.2)."""
        if self._encounter is None:
            return
        for candidate in found.services.values():
            if not self._is_vaccine(candidate):
                continue
            for support in candidate.supports:
                words = reading.context(int(reading.matches.sentence[support.match]))
                if not support.flags and support.similarity > FIRM and not self._given.isdisjoint(words):
                    implied = Support(support.match, Method.IMPLIED, 0, None, support.similarity)
                    found.diagnose(self._encounter, implied)

    def _is_vaccine(self, candidate: CodeSupport) -> bool:
        code = self._codes[candidate.system][candidate.row]
        return "90460" <= code <= "90474" or "90476" <= code <= "90759" or code in _VACCINE_G


def is_infection(code: str) -> bool:
    """Whether a code is of a disease that vaccines protect from."""
    return code[0] in "AB" or "J09" <= code[:3] <= "J18"


def beside(token: int, others: Sequence[int]) -> bool:
    """Whether one of the tokens lies at or just behind a token, or just before it."""
    at = bisect_left(others, token - 2)
    return at < len(others) and others[at] <= token + 4
