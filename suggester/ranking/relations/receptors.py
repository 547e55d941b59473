"""Receptors of a breast cancer: one code for hormone receptors and HER2 where both are given (Z17.4).

*ER 90%, PR 10%, HER2 1+* is hormone receptor positive and HER2 negative. Words are data
(``codesets/lexicon/relations/receptor_words.tsv``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir
from suggester.pipeline.reading import FAMILY, Reading
from suggester.ranking.relations.found import Found, phrase_at, phrases_of, words_by_kind

KINDS: Final = ("er", "pr", "hr", "her2", "positive", "negative", "small", "all_negative", "all_positive")
_RECEPTORS: Final = KINDS[:4]
_CANCER: Final = ("C50", "D05", "Z85.3", "Z17", "Z86.000")
"""Codes of which a note that speaks of receptors names one."""
_REACH: Final = 6
"""Most tokens between a receptor and what is found of it."""
_SCORES: Final = {"0": "negative", "1": "negative", "3": "positive"}
"""Of HER2 in tissue; a score of 2 is decided by another test."""
_DASHES: Final = frozenset(("-", "−", "–"))
_COMBINED: Final = {
    ("positive", "positive"): "Z17.410",
    ("positive", "negative"): "Z17.411",
    ("negative", "positive"): "Z17.420",
    ("negative", "negative"): "Z17.421",
}
_SINGLE: Final = {
    ("er", "positive"): "Z17.0",
    ("er", "negative"): "Z17.1",
    ("pr", "positive"): "Z17.21",
    ("pr", "negative"): "Z17.22",
    ("her2", "positive"): "Z17.31",
    ("her2", "negative"): "Z17.32",
}


@dataclass(slots=True)
class _Seen:
    """What was found of each receptor, and the tokens that say so."""

    status: dict[str, str] = field(default_factory=dict)
    tokens: list[int] = field(default_factory=list)

    def set(self, receptors: Sequence[str], status: str, first: int, final: int) -> None:
        for receptor in receptors:
            self.status.setdefault(receptor, status)
        self.tokens += [first, final]

    @property
    def hormone(self) -> str | None:
        """What is found of the hormone receptors, None if nothing is said."""
        said = [self.status[name] for name in ("er", "pr", "hr") if name in self.status]
        if not said:
            return None
        return "positive" if "positive" in said else "negative"


class Receptors:
    """Finds the codes of receptors.

    Parameters
    ----------
    folder
        The lexicon folder; the shipped one if not given.

    Raises
    ------
    LexiconError
        If the file is missing or a row is of no known kind.
    """

    def __init__(self, *, folder: Path | None = None) -> None:
        words = words_by_kind((folder or lexicon_dir()) / "relations" / "receptor_words.tsv", KINDS)
        self._names = phrases_of([(word, n) for n, kind in enumerate(_RECEPTORS) for word in words[kind]])
        self._found = phrases_of([(word, n) for n, kind in enumerate(KINDS[4:6]) for word in words[kind]])
        self._all = phrases_of([(word, n) for n, kind in enumerate(KINDS[7:]) for word in words[kind]])
        self._small = frozenset(words["small"])
        self._firsts = frozenset((*self._names, *self._all))

    def find(self, reading: Reading, findings: Sequence[tuple[int, int, str]]) -> list[Found]:
        """The codes of the receptors that a note gives, over the words that give them.

        Parameters
        ----------
        reading
            The note, read.
        findings
            First and final token and code of each diagnosis that is not denied; one must be of the breast.
        """
        if self._firsts.isdisjoint(reading.have):
            return []
        if not any([code.startswith(_CANCER) for _, _, code in findings]):
            return []
        seen = _Seen()
        lower, free = reading.table.lower, 0
        for at in reading.places(self._firsts):
            if at < free or reading.assertion.flags[at] & FAMILY:
                continue
            hit = phrase_at(self._all, lower, at, len(lower))
            if hit is not None:
                seen.set(("er", "pr", "her2"), ("negative", "positive")[hit[0]], at, hit[1])
                free = hit[1] + 1
                continue
            free = self._read(reading, at, seen)
        if not seen.status:
            return []
        first, final = min(seen.tokens), max(seen.tokens)
        final = final if final - first < 4 * _REACH else first
        hormone, her2 = seen.hormone, seen.status.get("her2")
        if hormone and her2:
            return [Found(_COMBINED[hormone, her2], first, final, 0)]
        codes = [_SINGLE[pair] for pair in seen.status.items() if pair in _SINGLE]
        return [Found(code, first, final, 0) for code in codes]

    def _read(self, reading: Reading, at: int, seen: _Seen) -> int:
        """Read receptors that stand together and what is found of them; returns the token behind."""
        lower, sentence = reading.table.lower, reading.sentence
        named: list[str] = []
        place, last = at, at
        while place < len(lower) and place - last <= _REACH and sentence[place] == sentence[at]:
            name = phrase_at(self._names, lower, place, len(lower))
            if name is not None:
                named.append(_RECEPTORS[name[0]])
                place = last = name[1] + 1
                continue
            status, end = self._status(reading, place, named)
            if status:
                seen.set(named, status, at, end)
                return end + 1
            if end == place and lower[place] not in self._small:
                break
            place = end + 1
        return max(place, at + 1)

    def _status(self, reading: Reading, at: int, named: Sequence[str]) -> tuple[str, int]:
        """What the words at a token say of receptors, empty if nothing yet, and the last token of them.

        A token that is passed over for what follows is given back as one behind it.
        """
        lower = reading.table.lower
        word, size = lower[at], len(lower)
        behind = lower[at + 1] if at + 1 < size else ""
        if word in _DASHES and (hit := phrase_at(self._found, lower, at + 1, size)) and behind not in _DASHES:
            return KINDS[4:6][hit[0]], hit[1]
        if word in _DASHES and reading.span(at - 1, at - 1).end < reading.span(at, at).start:
            return "", at  # *ER - sent home*
        if word.replace(".", "", 1).isdecimal():
            if behind in ("%", "percent"):
                return ("positive" if float(word) >= 1 else "negative"), at + 1
            if named[-1:] == ["her2"]:
                plus = at + (behind == "+")
                return (_SCORES[word], plus) if word in _SCORES else ("", plus + (plus == at))
            return ("negative", at) if named and word == "0" and behind != "-" else ("", at)
        hit = phrase_at(self._found, lower, at, size)
        return (KINDS[4:6][hit[0]], hit[1]) if hit is not None else ("", at)


__all__ = ["KINDS", "Receptors"]
