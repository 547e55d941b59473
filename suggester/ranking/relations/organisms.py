"""Infections and the organisms that caused them: the organism's code beside the infection's, or one code.

Codes B95-B97 go beside an infection whose own code does not name the organism; pneumonia and sepsis have
codes by organism (guidelines I.B.7, I.C.1.b and d). Organisms and infections are data
(``codesets/lexicon/relations``: organisms, organism_hosts).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.pipeline.reading import FAMILY, HISTORICAL, HYPOTHETICAL, NEGATED, UNCERTAIN, Reading
from suggester.ranking.relations.found import STOPS, Found, phrase_at, phrases_of, words_by_kind

KINDS: Final = ("cause", "pneumonia", "sepsis", "newborn", "ulcer", "screen", "culture", "infected")
_NOT_SAID: Final = NEGATED | FAMILY | HISTORICAL | HYPOTHETICAL
_FARTHEST: Final = 60
"""Most tokens between where an infection and where its organism begin."""
_REACH: Final = 14
"""Most tokens between an infection and its organism, in one sentence."""
_NEXT: Final = 30
"""Most tokens where a culture is told in the sentence before or after."""
_BESIDE: Final = 6
"""Most tokens between an organism and the word that something is infected."""
_PYLORI: Final = "B96.81"


@dataclass(frozen=True, slots=True)
class Organism:
    """Codes of an organism as a cause, of pneumonia, sepsis and a newborn's sepsis, empty if it has none.

    ``unless``: the cause that the words mean where the note names it (*S. aureus* in a note of MRSA).
    """

    cause: str
    pneumonia: str
    sepsis: str
    newborn: str
    unless: str


class Organisms:
    """Finds organisms that caused an infection.

    Parameters
    ----------
    folder
        The lexicon folder; the shipped one if not given.

    Raises
    ------
    LexiconError
        If a file is missing or a row is wrong.

    Attributes
    ----------
    organisms
        The organisms, in the order of the file.
    hosts
        Code prefixes of infections, by what of an organism goes with them.
    """

    def __init__(self, *, folder: Path | None = None) -> None:
        root = (folder or lexicon_dir()) / "relations"
        self.organisms: list[Organism] = []
        rows: list[tuple[str, int]] = []
        columns = ("words", "cause", "pneumonia", "sepsis", "newborn", "unless")
        for _, (words, *codes) in read_rows(root / "organisms.tsv", columns, required=2):
            rows.extend((word, len(self.organisms)) for word in words.split("|"))
            self.organisms.append(Organism(*codes))
        self._phrases = phrases_of(rows)
        hosts = words_by_kind(root / "organism_hosts.tsv", KINDS, column="codes")
        self.hosts: dict[str, tuple[str, ...]] = {kind: tuple(codes) for kind, codes in hosts.items()}
        self._screen = frozenset(self.hosts.pop("screen"))
        self._culture = frozenset(self.hosts.pop("culture"))
        self._infected = frozenset(self.hosts.pop("infected"))
        self._infections = tuple(code for codes in self.hosts.values() for code in codes)

    def find(self, reading: Reading, findings: Sequence[tuple[int, int, str]]) -> list[Found]:
        """Codes of organisms and of infections by organism.

        Parameters
        ----------
        reading
            The note, read.
        findings
            First and final token and code of each diagnosis that is not denied.
        """
        lower, flags = reading.table.lower, reading.assertion.flags
        places = self._phrases.places(reading)
        if not places:
            return []
        hits = [phrase_at(self._phrases, lower, at, len(lower)) for at in places]
        named = {self.organisms[hit[0]].cause for hit in hits if hit is not None}
        if not named:
            return []
        infections = sorted(
            item
            for item in findings
            if item[2].startswith(self._infections) and not flags[item[0]] & (FAMILY | HYPOTHETICAL)
        )
        out: dict[str, Found] = {}
        free = 0
        for at, hit in zip(places, hits, strict=True):
            if hit is None or at < free or flags[at] & _NOT_SAID or self._is_screen(reading, at, hit[1]):
                continue
            free = hit[1] + 1
            organism = self.organisms[hit[0]]
            if organism.unless in named:
                continue
            begin = bisect_left(infections, (at - _FARTHEST,))
            stop = bisect_left(infections, (hit[1] + _FARTHEST,), begin)
            before = len(out)
            for first, final, code in infections[begin:stop]:
                if final < at or first > hit[1]:
                    if not self._goes_with(reading, at, hit[1], first, final):
                        continue
                elif not (first <= at and hit[1] <= final):
                    continue
                for one in self._codes_of(organism, code):
                    start, end = min(first, at), max(final, hit[1])
                    mark = (flags[first] | flags[at]) & UNCERTAIN
                    out.setdefault(one, Found(one, start, end, mark))
            if len(out) == before and organism.cause.startswith(("B95", "B96")):
                word = self._infected_at(reading, at, hit[1])
                if word is not None and organism.cause != _PYLORI:
                    start, end = min(word, at), max(word, hit[1])
                    out.setdefault(organism.cause, Found(organism.cause, start, end, flags[at] & UNCERTAIN))
        return list(out.values())

    def _infected_at(self, reading: Reading, first: int, final: int) -> int | None:
        """The token near an organism, in its sentence, that says that something is infected; None without."""
        lower, sentence, flags = reading.table.lower, reading.sentence, reading.assertion.flags
        for at in range(max(0, first - _BESIDE), min(len(lower), final + _BESIDE + 1)):
            if lower[at] in self._infected and sentence[at] == sentence[first] and not flags[at] & _NOT_SAID:
                return at
        return None

    def _codes_of(self, organism: Organism, infection: str) -> Iterator[str]:
        hosts = self.hosts
        if organism.cause == _PYLORI:
            if infection.startswith(hosts["ulcer"]):
                yield organism.cause
            return
        if infection.startswith(hosts["newborn"]):
            named = organism.newborn
        elif infection.startswith(hosts["sepsis"]):
            named = organism.sepsis
        elif infection.startswith(hosts["pneumonia"]):
            named = organism.pneumonia
        else:
            named = organism.cause if infection.startswith(hosts["cause"]) else ""
        if named:
            yield named

    def _is_screen(self, reading: Reading, first: int, final: int) -> bool:
        """Whether the words beside an organism say that it was looked for, carried or had before."""
        lower, sentence = reading.table.lower, reading.sentence
        begin, end = first, final + 1
        while begin > 0 and first - begin < 3 and sentence[begin - 1] == sentence[first]:
            if lower[begin - 1] in STOPS or lower[begin - 1] == ",":
                break
            begin -= 1
        while end < len(lower) and end - final < 4 and sentence[end] == sentence[first]:
            if lower[end] in STOPS or lower[end] in (",", "("):
                break
            end += 1
        return any(word in self._screen for word in (*lower[begin:first], *lower[final + 1 : end]))

    def _goes_with(self, reading: Reading, at: int, end: int, first: int, final: int) -> bool:
        """Whether an organism and an infection stand together, or a culture is told beside it."""
        sentence, lower = reading.sentence, reading.table.lower
        gap = first - end if first > end else at - final
        if sentence[at] == sentence[first]:
            return gap <= _REACH
        if abs(sentence[at] - sentence[first]) > 1 or gap > _NEXT:
            return False
        return any(word in self._culture for word in lower[max(0, at - 5) : end + 5])


__all__ = ["KINDS", "Organism", "Organisms"]
