"""Words that name by themselves what a drug did: *irAE*, *CIPN*, *red man syndrome*, *statin myopathy*.

The drug's code (T36-T50) goes beside the code of the effect (guidelines I.C.19.e.5.a). Words are data
(``codesets/lexicon/relations/named_effects.tsv``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.pipeline.reading import FAMILY, HYPOTHETICAL, NEGATED, UNCERTAIN
from suggester.ranking.relations.agents import Place
from suggester.ranking.relations.drugs import stem_to_code
from suggester.ranking.relations.found import Found, phrase_at, phrases_of

_ADVERSE: Final = "5"
_NOT_SAID: Final = NEGATED | FAMILY
_KEPT: Final = HYPOTHETICAL | UNCERTAIN
_NO_SECTIONS: Final = frozenset(("allergies", "family"))


class NamedEffects:
    """Finds the drugs behind effects that have names of their own.

    Parameters
    ----------
    folder
        The lexicon folder; the shipped one if not given.

    Raises
    ------
    LexiconError
        If the file is missing or a row is wrong.
    """

    def __init__(self, *, folder: Path | None = None) -> None:
        path = (folder or lexicon_dir()) / "relations" / "named_effects.tsv"
        self._rows: list[tuple[str, tuple[str, ...]]] = []
        words: list[tuple[str, int]] = []
        for _, (cell, stem, drugs) in read_rows(path, ("words", "stem", "drugs"), required=3):
            words += [(word, len(self._rows)) for word in cell.split("|")]
            self._rows.append((stem, tuple(drugs.split("|"))))
        self._words = phrases_of(words)

    @property
    def stems(self) -> tuple[str, ...]:
        """Stems of the codes that the words alone lead to."""
        return tuple(stem for stem, _ in self._rows)

    def find(self, place: Place, effects: Sequence[Found], *, phase: str = "A") -> list[Found]:
        """The effects that were found, and those that words name by themselves.

        Parameters
        ----------
        place
            The drugs that the note names.
        effects
            Effects of drugs that were found; one of the same drugs keeps a name from adding another.
        phase
            As in ``DrugEffects.find``.
        """
        out = list(effects)
        have = {found.code for found in effects}
        for found in self._named(place, phase):
            if found.code not in have and not any(code.startswith(self._beside(found)) for code in have):
                have.add(found.code)
                out.append(found)
        return out

    @staticmethod
    def _beside(found: Found) -> tuple[str, ...]:
        """Codes of which one makes an unspecified drug of its group superfluous."""
        return (found.code[:4],) if found.code[4:6] in ("0X", "05", "95") else ()

    def _named(self, place: Place, phase: str) -> Iterator[Found]:
        reading = place.reading
        lower = reading.table.lower
        free = 0
        for at in self._words.places(reading):
            hit = phrase_at(self._words, lower, at, len(lower)) if at >= free else None
            if hit is None or reading.section_kind[at] in _NO_SECTIONS:
                continue
            free = hit[1] + 1
            if reading.assertion.flags[at] & _NOT_SAID:
                continue
            stem, drugs = self._rows[hit[0]]
            meant = {agent.stem for agent in place.agents if agent.stem.startswith(drugs)}
            code = stem_to_code(meant.pop() if len(meant) == 1 else stem, _ADVERSE, phase)
            yield Found(code, at, hit[1], reading.assertion.flags[at] & _KEPT)


__all__ = ["NamedEffects"]
