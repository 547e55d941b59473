"""What the words around a word say together where no cue stands: over, only thought of, or in doubt.

Cues are written by rule, and no list of them is whole: *a decade back she battled melanoma* holds none. The
words around hold it all the same, and each speaks a little for one of the flags or against it. Their weights
are those of a logistic regression on the marked sentences (``eval/fit_assertion.py``, ADR 0013), whole
numbers, so that sums are exact. A flag is added only to words without one, in a stretch in which no cue has
set it: where a cue has spoken, it has also told how far.

A word is looked at in slots: anywhere among the words before or behind (``REACH`` on each side, not past the
sentence or a semicolon), right beside at a distance of one to three, and the word itself, of which an unknown
one counts by its ending.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import ClassVar, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from suggester.pinned import lines_of, read_arrays, read_card
from suggester.pipeline.automaton import HISTORICAL, HYPOTHETICAL, UNCERTAIN
from suggester.pipeline.numbering import ByWord
from suggester.pipeline.scopes import Scope
from suggester.pipeline.sentences import SentenceTable
from suggester.pipeline.tokenizer import TokenTable
from suggester.resources import data_path

FLAGS: Final = {"historical": HISTORICAL, "hypothetical": HYPOTHETICAL, "uncertain": UNCERTAIN}
"""The flags that are voted on, and their bits."""

RULES: Final = ("hist.vote", "hyp.vote", "unc.vote")
"""The rule that a cue of each names."""

SLOTS: Final = ("before", "behind", "before1", "before2", "before3", "behind1", "behind2", "behind3", "self")
REACH: Final = 12
"""Words before and behind that are looked at."""

NEAR: Final = 3
"""So many of them also by their distance."""

SCALE: Final = 256
"""Weights are whole numbers of this part of a logit."""

WIDTH: Final = 21
"""Bits of a flag's sum where those of all are added in one number: no sum comes near their end."""

ENDING: Final = 5
"""Letters of the ending of a word."""

NUMBER: Final = "<number>"
YEAR: Final = "<year>"
"""Words for all numbers, and for years."""

_STOP: Final = ";"
_BITS: Final = tuple(FLAGS.values())
_PLACES: Final = np.array([1 << WIDTH * place for place in range(len(FLAGS))], dtype=np.int64)
_ZERO: Final = sum(1 << WIDTH * place + WIDTH - 1 for place in range(len(FLAGS)))
"""A sum of nought for every flag; a sum below it lacks the bit that is set here."""

_REMEMBERED: Final = 50_000
"""So many words without weights of their own are remembered."""


def key_of(word: str) -> str:
    """What stands for a folded word: itself, or that it is a year or a number."""
    if not word[0].isdigit():
        return word
    year = word.removesuffix("s")
    return YEAR if len(year) == 4 and year.isdecimal() and year[:2] in ("19", "20") else NUMBER


def stretches(table: TokenTable, sentences: SentenceTable) -> list[int]:
    """Where the stretches that a vote looks at begin, in visible tokens, and where the last ends.

    They end with a sentence and behind a semicolon.
    """
    said = table.said
    begins = [begin for begin, _ in sentences.bounds]
    out = np.array(table.visible, dtype=np.intp).searchsorted(begins).tolist()
    if _STOP in said:
        out += [at + 1 for at, word in enumerate(said) if word == _STOP]
    return sorted({0, *out, len(said)})


class _Rows(dict[str, int]):
    """The row of every folded word: those with weights of their own, and others as they come."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__((word, row) for row, word in enumerate(words))
        self._unknown = len(words)
        self._most = 2 * len(words) + _REMEMBERED

    def __missing__(self, word: str) -> int:
        key = key_of(word)
        row = self.get(key)
        if row is None:
            row = self.get("-" + key[-ENDING:], self._unknown)
        if len(self) < self._most:
            self[word] = row
        return row


@dataclass(frozen=True, slots=True)
class Vote:
    """Weights of words in their slots.

    Attributes
    ----------
    rows
        Row of every folded word in ``weights``.
    weights
        In parts of ``SCALE``, shape ``(rows + 1, slots, flags)``; the last row, of unknown words, is 0.
    packed
        The same with those of all flags in one number, ``WIDTH`` bits each, shape ``(rows + 1, slots)``.
    least
        What a sum of packed weights begins with: the bias of each flag, less the sum from which it is set.
    """

    ARRAYS_FILE: ClassVar[str] = "vote.npz"

    rows: Mapping[str, int]
    weights: NDArray[np.int16]
    packed: NDArray[np.int64]
    least: int
    _known: ByWord = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", ByWord(self.rows.__getitem__))

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """The weights that are shipped, or those of a folder.

        Raises
        ------
        ModelError
            If they cannot be read, or their hash is not the one on their card.
        """
        folder = folder or data_path("models", "assertion")
        subject = f"weights of words {folder.name}"
        box = read_arrays(folder / cls.ARRAYS_FILE, read_card(folder, subject), subject)
        return cls.of(lines_of(box["words"]), box["weights"], bias=box["bias"], least=box["least"])

    @classmethod
    def of(
        cls,
        words: Sequence[str],
        weights: NDArray[np.signedinteger],
        *,
        bias: NDArray[np.signedinteger],
        least: NDArray[np.signedinteger],
    ) -> Self:
        """From words, and endings with a ``-`` before, and the weights of each.

        ``weights`` has the shape ``(words, slots, flags)``.
        """
        row_of = {word: row for row, word in enumerate(words)}
        table = np.concatenate([weights, np.zeros_like(weights[:1])]).astype(np.int16)
        for word, row in row_of.items():
            ending = None if word[0] == "-" else row_of.get("-" + word[-ENDING:])
            if ending is not None:
                table[row, -1] += weights[ending, -1]
        return cls(
            rows=_Rows(words),
            weights=table,
            packed=(table.astype(np.int64) * _PLACES).sum(axis=2),
            least=int(((bias.astype(np.int64) - least) * _PLACES).sum()) + _ZERO,
        )

    def sums(self, ids: Sequence[int] | NDArray[np.intp]) -> NDArray[np.int64]:
        """What the words around each of some tokens say; in a set bit of ``_ZERO``: enough for that flag.

        Parameters
        ----------
        ids
            The row of each; ``REACH`` rows of no word stand before the first, between tokens that are not to
            see each other, and behind the last. These have no sum.
        """
        size = len(ids) - 2 * REACH
        taken = self.packed.take(np.asarray(ids, dtype=np.intp), axis=0)
        wide = np.zeros((len(ids) + 1, 2), dtype=np.int64)
        np.cumsum(taken[:, :2], axis=0, out=wide[1:])
        before, behind = wide[:, 0], wide[:, 1]
        out: NDArray[np.int64] = taken[REACH:-REACH, -1] + self.least
        out += before[REACH : REACH + size]
        out -= before[:size]
        out += behind[2 * REACH + 1 :]
        out -= behind[REACH + 1 : REACH + 1 + size]
        for distance in range(1, NEAR + 1):
            out += taken[REACH - distance : REACH - distance + size, 1 + distance]
            out += taken[REACH + distance : REACH + distance + size, 1 + NEAR + distance]
        return out

    def scopes(self, table: TokenTable, sentences: SentenceTable, flags: Sequence[int]) -> list[Scope]:
        """The scopes that are voted for among the tokens without a flag.

        Each reaches over words that stand side by side; its cue is the word around that speaks most for it.
        """
        if not table.said:
            return []
        known = self._known.of(table.numbering, table.said_numbers)
        bounds = stretches(table, sentences)
        sizes = np.diff(bounds)
        parts = np.arange(len(sizes)).repeat(sizes)
        places = np.arange(len(known)) + REACH * parts
        ids = np.full(len(known) + REACH * (len(sizes) + 1), len(self.weights) - 1)
        ids[places + REACH] = known
        sums = self.sums(ids).take(places)  # what stands between two stretches has sums as well
        visible, is_word = table.visible, table.is_word
        chosen: list[_Chosen] = []
        told: dict[tuple[int, int], bool] = {}
        for at in (sums & _ZERO).nonzero()[0].tolist():
            if not flags[visible[at]] and is_word[visible[at]]:
                part = int(parts[at])
                begin, end = bounds[part], bounds[part + 1]
                over, flag = max(_unpacked(int(sums[at])))
                cued = told.get((part, flag))
                if cued is None:
                    bit = _BITS[flag]
                    cued = told[part, flag] = any(flags[token] & bit for token in visible[begin:end])
                if not cued:
                    chosen.append(_Chosen(at, flag, over, begin, end))
        out: list[Scope] = []  # words that stand side by side are one
        for _, run in groupby(enumerate(chosen), lambda item: (item[1].at - item[0], item[1].flag)):
            words = [word for _, word in run]
            cue = self._cue(known, max(words, key=attrgetter("over")))
            if cue is not None:
                first, final, by = visible[words[0].at], visible[words[-1].at], visible[cue]
                flag = words[0].flag
                out.append(Scope(first, final + 1, _BITS[flag], by, by + 1, RULES[flag]))
        return out

    def _cue(self, known: NDArray[np.int32], word: _Chosen) -> int | None:
        """The word around one that speaks most for its flag; None where it stands alone."""
        begin, end = max(word.begin, word.at - REACH), min(word.end, word.at + REACH + 1)
        if end - begin < 2:
            return None
        here = word.at - begin
        weights = self.weights[known[begin:end], :, word.flag].tolist()
        says = [slots[0] for slots in weights[:here]] + [0] + [slots[1] for slots in weights[here + 1 :]]
        for distance in range(1, NEAR + 1):
            if distance <= here:
                says[here - distance] += weights[here - distance][1 + distance]
            if here + distance < len(says):
                says[here + distance] += weights[here + distance][1 + NEAR + distance]
        return begin + max((place for place in range(len(says)) if place != here), key=says.__getitem__)


class _Chosen(NamedTuple):
    """A word that is voted for: place, flag, by how much, and the stretch it stands in."""

    at: int
    flag: int
    over: int
    begin: int
    end: int


def _unpacked(total: int) -> list[tuple[int, int]]:
    """By how much each flag is over what it needs, and its place."""
    return [((total >> WIDTH * flag) % (1 << WIDTH) - (1 << WIDTH - 1), flag) for flag in range(len(FLAGS))]


@lru_cache(maxsize=1)
def shipped_vote() -> Vote:
    """The weights that are shipped, read once."""
    return Vote.load()
