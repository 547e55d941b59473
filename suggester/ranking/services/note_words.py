"""Words of notes that say whether, how and where a service was done: ``services/note_words.tsv``."""

from __future__ import annotations

from functools import cache

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.codesets.words import words


@cache
def _classes() -> dict[str, tuple[str, ...]]:
    out: dict[str, list[str]] = {}
    for _, cells in read_rows(lexicon_dir() / "services" / "note_words.tsv", ("word", "class"), required=2):
        out.setdefault(cells[1], []).append(cells[0])
    return {name: tuple(items) for name, items in out.items()}


def note_words(name: str) -> frozenset[str]:
    """The stems of the words of a class.

    Raises
    ------
    LexiconError
        If the file is missing or a row is wrong.
    KeyError
        If there is no such class.
    """
    return frozenset(stem for word in _classes()[name] for stem in words(word))


def note_phrases(name: str) -> tuple[str, ...]:
    """The phrases of a class as they stand, longest first."""
    return tuple(sorted(_classes()[name], key=lambda phrase: (-len(phrase), phrase)))
