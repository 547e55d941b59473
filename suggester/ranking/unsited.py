"""Sites that the sentences beside a mention say: *Rt lower leg red, hot. Cellulitis.* is one of the leg.

Words name some conditions without a site. Where the sentences just before or behind say one, the code with
that site is a candidate too; the pairs are data (``codesets/lexicon/relations/unsited.tsv``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.codesets.store import ReleaseStore
from suggester.errors import UnknownCodeError
from suggester.pipeline.reading import Reading
from suggester.ranking.resolve import CodeResolver, Phase
from suggester.ranking.support import Gathered, Method, Support

_BEFORE: Final = 2
_BEHIND: Final = 1
"""Sentences beside a mention that may say its site."""
_SIMILARITY: Final = 0.6
"""Similarity of a code whose site stands in another sentence."""


class Unsited:
    """Adds the codes with a site of conditions that are named without one.

    Parameters
    ----------
    store
        The ICD-10-CM release; pairs with a code that it lacks are passed over.
    resolver
        Goes down from categories of it.
    path
        The file; the shipped one if not given.

    Raises
    ------
    LexiconError
        If the file is missing or damaged.
    """

    def __init__(self, store: ReleaseStore, resolver: CodeResolver, *, path: Path | None = None) -> None:
        file = path or lexicon_dir() / "relations" / "unsited.tsv"
        self._resolver = resolver
        self.pairs: dict[int, int] = {}
        for _, (code, category) in read_rows(file, ("code", "category"), required=2):
            try:
                self.pairs[store.row(code)] = store.row(category)
            except UnknownCodeError:
                continue

    def add(self, found: Gathered, reading: Reading, phase: Phase) -> None:
        """Add them to the candidates, on the words that name the condition."""
        for row in [row for row in found.diagnoses if row in self.pairs]:
            done: set[int] = set()
            for support in list(found.diagnoses[row].supports):
                sentence = reading.matches.sentences[support.match]
                if sentence in done or support.method not in (Method.TERM, Method.DESCENT):
                    continue
                done.add(sentence)
                self._add_at(found, reading, phase, row, sentence, support)

    def _add_at(
        self, found: Gathered, reading: Reading, phase: Phase, row: int, sentence: int, support: Support
    ) -> None:
        beside = range(max(0, sentence - _BEFORE), sentence + _BEHIND + 1)
        context = frozenset[int]().union(*map(reading.context, beside))
        sides = {side for one in beside for _, side in reading.sides_in(one)}
        widen, resolve = self._resolver.sites.widen, self._resolver.resolve
        category, side = self.pairs[row], sides.pop() if len(sides) == 1 else 0
        ends = [
            end for end in resolve(category, context=widen(context), side=side, phase=phase) if end.row != row
        ]
        if not ends:
            return
        alone = resolve(category, context=widen(reading.context(sentence)), side=side, phase=phase)
        for end in ends:
            if end.supported > max((one.supported for one in alone), default=0.0):
                found.diagnose(
                    end.row, Support(support.match, Method.IMPLIED, support.flags, end, _SIMILARITY)
                )


__all__ = ["Unsited"]
