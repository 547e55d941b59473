"""The drugs that a note names, and how far the words of a note stand from them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Final

from suggester.pipeline.reading import Reading
from suggester.ranking.relations.found import STOPS
from suggester.ranking.relations.purpose import purposeful
from suggester.types import quick

UNNAMED: Final = "T50.90"
"""Stem of a drug that is not named."""
GAP: Final = 4
"""Most tokens between a cue and its drug."""
GIVEN: Final = ("T50.A", "T50.B", "T50.Z", "T50.8", "T41", "T45.61")
"""Stems of what is given once and by others: that it was missed is no underdosing."""
_SMALL: Final = frozenset(("the", "a", "her", "his", "of", "long", "use", "term", "chronic"))
"""Words that do not count between a cue and its drug."""


@quick
@dataclass(frozen=True, slots=True)
class Agent:
    """A drug that a note names: its tokens, both included, and where its effects are coded.

    ``group`` says that it is named by a word for a group of drugs (*steroids*, *chemo*).
    """

    first: int
    final: int
    stem: str
    group: bool = False


class Place:
    """Where the drugs of a note stand: how far apart two tokens are once they are left out.

    Parameters
    ----------
    reading
        The note, read.
    agents
        Its drugs, in order, none over another.
    starts
        Tokens at which the words for drugs and for what they do may begin, in order.

    Attributes
    ----------
    reading, agents, starts
        As given.
    """

    def __init__(self, reading: Reading, agents: Sequence[Agent], starts: Sequence[int]) -> None:
        self.reading = reading
        self.agents = agents
        self.starts = starts
        self._around: dict[int, frozenset[str]] = {}

    @cached_property
    def _words(self) -> list[int]:
        """Before each token and at the end, how many words there were that are no drugs."""
        table = self.reading.table
        counts = [word and said not in _SMALL for word, said in zip(table.is_word, table.lower, strict=True)]
        for agent in self.agents:
            for token in range(agent.first, agent.final + 1):
                counts[token] = False
        return list(accumulate(counts, initial=0))

    @cached_property
    def _stops(self) -> list[int]:
        return self.reading.places(STOPS)

    @cached_property
    def _firsts(self) -> list[int]:
        return [agent.first for agent in self.agents]

    def farthest(self, token: int) -> int:
        """The first token from which a cue that ends there may reach a token.

        It lies in the same sentence, no full stop follows, and few words but drugs.
        """
        sentence = self.reading.sentence
        begin = bisect_left(sentence, sentence[token], 0, token)
        stops = self._stops
        at = bisect_left(stops, token)
        if at:
            begin = max(begin, stops[at - 1])
        return max(begin, bisect_left(self._words, self._words[token] - (GAP - 1)) - 1)

    def between(self, near: int, far: int) -> int:
        """How many words lie between two tokens, those of drugs that begin there left out."""
        words = self._words[far] - self._words[near + 1]
        at = bisect_right(self._firsts, near) - 1
        if at >= 0 and self.agents[at].final > near:
            words += sum(self.reading.table.is_word[near + 1 : self.agents[at].final + 1])
        return words

    @cached_property
    def _purposeful(self) -> frozenset[int]:
        return purposeful(self.reading)

    def is_on_purpose(self, token: int) -> bool:
        """Whether a token's sentence, or the next, tells of a purpose."""
        here = self.reading.sentence[token]
        return here in self._purposeful or here + 1 in self._purposeful

    def around(self, token: int) -> frozenset[str]:
        """The words of a token's sentence and of the next."""
        sentence = self.reading.sentence
        here = sentence[token]
        found = self._around.get(here)
        if found is None:
            begin, end = bisect_left(sentence, here), bisect_right(sentence, here + 1)
            found = self._around[here] = frozenset(self.reading.table.lower[begin:end])
        return found


__all__ = ["GAP", "GIVEN", "UNNAMED", "Agent", "Place"]
