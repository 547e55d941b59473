"""What a relation between words of a note is coded as."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import read_rows
from suggester.errors import LexiconError
from suggester.pipeline.reading import Reading

STOPS: Final = frozenset((".", ";", "!", "?"))
"""Tokens that end what is said, inside a sentence."""


@dataclass(frozen=True, slots=True)
class Found:
    """A code that words name together.

    ``first`` and ``final`` are the tokens of the words, both included; ``flags`` the assertion bits over
    them.
    """

    code: str
    first: int
    final: int
    flags: int


class Phrases(dict[str, list[tuple[tuple[str, ...], int]]]):
    """Phrases, as tokens in lower case with a number each, by their first token; longest first."""

    @cached_property
    def firsts(self) -> frozenset[str]:
        """The first tokens: a set meets that of a note's words in less time than a mapping does."""
        return frozenset(self)

    @cached_property
    def _seconds(self) -> dict[str, frozenset[str] | None]:
        """For each first token those that may follow it; None where it is a phrase by itself."""
        return {
            first: None
            if any(len(tokens) == 1 for tokens, _ in found)
            else frozenset(tokens[1] for tokens, _ in found)
            for first, found in self.items()
        }

    def among(self, lower: Sequence[str], places: Sequence[int]) -> list[int]:
        """Those of some places of folded tokens at which the first two tokens of a phrase stand."""
        seconds, last = self._seconds, len(lower) - 1
        return [
            at
            for at in places
            if (word := lower[at]) in seconds
            and ((after := seconds[word]) is None or (at < last and lower[at + 1] in after))
        ]

    def places(self, reading: Reading) -> list[int]:
        """The places of a note at which the first two tokens of a phrase stand."""
        return self.among(reading.table.lower, reading.places(self.firsts))


def rows_of_kind(
    path: Path, kinds: Sequence[str], columns: tuple[str, ...]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line and cells of each row of a lexicon file whose first column says of what kind it is.

    Raises
    ------
    LexiconError
        If the file is missing or damaged, or a row is of no known kind.
    """
    for line, cells in read_rows(path, columns, required=len(columns)):
        if cells[0] not in kinds:
            raise LexiconError(f"{path.name}:{line}: kind {cells[0]} is none of {', '.join(kinds)}")
        yield line, cells


def words_by_kind(path: Path, kinds: Sequence[str], *, column: str = "words") -> dict[str, list[str]]:
    """What a lexicon file lists of each kind, in its order; empty for a kind that it does not hold.

    Parameters
    ----------
    path
        The file.
    kinds
        The kinds that it may hold.
    column
        Its second column, with what is listed, parted by ``|``.

    Raises
    ------
    LexiconError
        If the file is missing or damaged, or a row is of no known kind.
    """
    out: dict[str, list[str]] = {kind: [] for kind in kinds}
    for _, (kind, cell) in rows_of_kind(path, kinds, ("kind", column)):
        out[kind].extend(cell.split("|"))
    return out


def phrases_of(rows: Sequence[tuple[str, int]]) -> Phrases:
    """Phrases, written with spaces between their tokens, each with what it stands for."""
    out = Phrases()
    for text, number in rows:
        tokens = tuple(text.split())
        out.setdefault(tokens[0], []).append((tokens, number))
    for found in out.values():
        found.sort(key=lambda item: -len(item[0]))
    return out


def holds(phrases: Phrases, words: Sequence[str]) -> bool:
    """Whether one of some phrases stands among words."""
    size = len(words)
    return any(phrase_at(phrases, words, at, size) for at, word in enumerate(words) if word in phrases)


def by_prefix[T](values: Mapping[str, T], code: str) -> T | None:
    """What stands at the longest beginning of a code, from its category on, that has an entry."""
    for end in range(len(code), 2, -1):
        value = values.get(code[:end])
        if value is not None:
            return value
    return None


def phrase_at(phrases: Phrases, lower: Sequence[str], at: int, end: int) -> tuple[int, int] | None:
    """The longest phrase that begins at a token and ends before ``end``: its number and its last token.

    None behind the last token.
    """
    if at >= len(lower):
        return None
    for tokens, number in phrases.get(lower[at], ()):
        size = len(tokens)
        stop = at + size
        if stop > end:
            continue
        if size == 1 or (
            stop <= len(lower) and lower[at + 1] == tokens[1] and tuple(lower[at:stop]) == tokens
        ):
            return number, stop - 1
    return None
