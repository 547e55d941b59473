"""Strokes that are going on, and attacks that left nothing (guidelines I.C.9.d).

What a stroke left is coded as its sequela (I69) once the stroke is over. While it is treated, its deficits
are coded beside it, and the history of a transient attack explains no deficit. Words are data
(``codesets/lexicon/relations/stroke_words.tsv``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir
from suggester.codesets.store import ReleaseStore
from suggester.pipeline.reading import FAMILY, HISTORICAL, HYPOTHETICAL, NEGATED, Reading
from suggester.ranking.relations.found import Phrases, holds, phrase_at, phrases_of, words_by_kind
from suggester.ranking.support import CodeSupport, Gathered

KINDS: Final = ("acute", "past", "over", "transient")
_OLD: Final = ("Z86.73", "I69.30")
"""A stroke that is over, of which nothing is said to be left."""
_LEFT: Final = "I69.3"
_NOT_NOW: Final = NEGATED | FAMILY | HISTORICAL | HYPOTHETICAL
_NONE: Final = frozenset(("no", "without", "any", "zero"))
"""Words before *residual* where nothing was left."""


class Strokes:
    """Holds back what an old stroke would have left while a stroke is going on.

    Parameters
    ----------
    store
        The ICD-10-CM release.
    folder
        The lexicon folder; the shipped one if not given.

    Raises
    ------
    LexiconError
        If the file is missing or a row is of no known kind.
    """

    def __init__(self, store: ReleaseStore, *, folder: Path | None = None) -> None:
        words = words_by_kind((folder or lexicon_dir()) / "relations" / "stroke_words.tsv", KINDS)
        self._acute, self._past, self._over = (
            phrases_of([(word, 0) for word in words[kind]]) for kind in ("acute", "past", "over")
        )
        self._transient = frozenset(words["transient"])
        self._old = tuple(row for code in _OLD for row in store.with_prefix(code))
        self._left = frozenset(store.with_prefix(_LEFT)).difference(self._old)

    def take(self, found: Gathered, reading: Reading) -> list[CodeSupport]:
        """Take out what is not to be joined with deficits; to be given back behind the combinations.

        Sequelae that only a stroke that is going on speaks for are dropped.
        """
        diagnoses = found.diagnoses
        old = [diagnoses[row] for row in self._old if row in diagnoses]
        left = self._left.intersection(diagnoses)
        if not (old or left):
            return []
        if not self._is_going_on(reading):
            old = [item for item in old if self._is_transient(reading, item)]
        else:
            for row in left:
                item = diagnoses[row]
                item.supports[:] = [
                    s for s in item.supports if self._is_past(reading, reading.matches.sentences[s.match])
                ]
                if not item.supports:
                    del diagnoses[row]
        for item in old:
            del diagnoses[item.row]
        return old

    @staticmethod
    def give_back(found: Gathered, taken: list[CodeSupport]) -> None:
        """Put back what was taken out."""
        for item in taken:
            found.diagnoses[item.row] = item

    def _is_going_on(self, reading: Reading) -> bool:
        """Whether a stroke that is going on is affirmed, and nothing looks back on it."""
        marks, sentence, lower = reading.assertion.flags, reading.sentence, reading.table.lower
        return any(
            not (marks[at] & _NOT_NOW or self._is_past(reading, sentence[at]))
            for at in _places(reading, self._acute)
        ) and all(
            marks[at] & NEGATED or lower[max(at - 1, 0)] in _NONE for at in _places(reading, self._over)
        )

    def _is_past(self, reading: Reading, sentence: int) -> bool:
        begin, end = reading.bounds[sentence]
        return _stands(self._past, reading.table.lower[begin:end])

    def _is_transient(self, reading: Reading, item: CodeSupport) -> bool:
        """Whether only transient attacks speak for a stroke that is over."""
        lower, matches = reading.table.lower, reading.matches
        return all(
            not self._transient.isdisjoint(lower[matches.firsts[s.match] : matches.finals[s.match] + 1])
            for s in item.supports
        )


def _places(reading: Reading, phrases: Phrases) -> list[int]:
    """Tokens at which one of some phrases begins."""
    lower = reading.table.lower
    return [at for at in reading.places(phrases.keys()) if phrase_at(phrases, lower, at, len(lower))]


def _stands(phrases: Phrases, words: list[str]) -> bool:
    """Whether one of some phrases, or a year, stands among words."""
    return holds(phrases, words) or any(
        len(word) == 4 and word.isdecimal() and word[:2] in ("19", "20") for word in words
    )


__all__ = ["KINDS", "Strokes"]
