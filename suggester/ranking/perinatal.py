"""Conditions of a newborn: what the words name in general is a code of chapter 16 in the first weeks of life.

Source: ICD-10-CM guidelines I.C.16.a; the pairs are data
(``codesets/lexicon/relations/newborn_conditions.tsv``).
"""

from __future__ import annotations

from pathlib import Path

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.codesets.store import ReleaseStore
from suggester.errors import LexiconError, UnknownCodeError
from suggester.pipeline.reading import Reading
from suggester.ranking.relations.ages import is_past_weeks
from suggester.ranking.relations.found import by_prefix
from suggester.ranking.relations.maternity import Stage
from suggester.ranking.support import Gathered, Method, Support

_TOP = 60
"""Tokens at the top of a note, where it says how old the patient is."""
_FIRM = 0.8
"""Similarity from which words name a condition well enough to name it in a newborn too."""


class Perinatal:
    """Adds the codes of chapter 16 that the conditions of a newborn are coded as.

    Parameters
    ----------
    store
        The ICD-10-CM release; pairs with a code that it lacks are passed over.
    path
        The file; the shipped one if not given.

    Raises
    ------
    LexiconError
        If the file is missing, damaged, or names a prefix twice.
    """

    def __init__(self, store: ReleaseStore, *, path: Path | None = None) -> None:
        file = path or lexicon_dir() / "relations" / "newborn_conditions.tsv"
        self._codes = store.code_list
        self.pairs: dict[str, int] = {}
        for line, (prefix, code) in read_rows(file, ("prefix", "code"), required=2):
            if prefix in self.pairs:
                raise LexiconError(f"{file.name}:{line}: {prefix} stands twice")
            try:
                row = store.row(code)
            except UnknownCodeError:
                continue
            if store.billable[row]:
                self.pairs[prefix] = row

    def add(self, found: Gathered, reading: Reading, stage: Stage) -> None:
        """Add them to the candidates of a note of a newborn, on the words that name the condition.

        A child whose age is in months or years is past the first weeks, though its note tells of its birth.
        """
        if stage.name != "newborn" or is_past_weeks(reading.table.lower[:_TOP]):
            return
        for row, candidate in list(found.diagnoses.items()):
            to = by_prefix(self.pairs, self._codes[row])
            if to is None:
                continue
            for support in candidate.supports:
                if support.similarity > _FIRM or support.method == Method.VALUE:
                    found.diagnose(
                        to, Support(support.match, Method.IMPLIED, support.flags, None, support.similarity)
                    )


__all__ = ["Perinatal"]
