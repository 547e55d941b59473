"""What a relation between words of a note is coded as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

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


Phrases = Mapping[str, Sequence[tuple[tuple[str, ...], int]]]
"""Phrases, as tokens in lower case with a number each, by their first token; longest first."""


def phrases_of(rows: Sequence[tuple[str, int]]) -> Phrases:
    """Phrases, written with spaces between their tokens, each with what it stands for."""
    out: dict[str, list[tuple[tuple[str, ...], int]]] = {}
    for text, number in rows:
        tokens = tuple(text.split())
        out.setdefault(tokens[0], []).append((tokens, number))
    for found in out.values():
        found.sort(key=lambda item: -len(item[0]))
    return out


def phrase_at(phrases: Phrases, lower: Sequence[str], at: int, end: int) -> tuple[int, int] | None:
    """The longest phrase that begins at a token and ends before ``end``: its number and its last token."""
    for tokens, number in phrases.get(lower[at], ()):
        size = len(tokens)
        if at + size <= end and (size == 1 or tuple(lower[at : at + size]) == tokens):
            return number, at + size - 1
    return None
