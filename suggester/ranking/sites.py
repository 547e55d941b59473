"""Sites in the words of notes and in those of code titles: a shin is a lower limb, a cheek is the face.

The words are data (``codesets/lexicon/sites/site_words.tsv``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.codesets.words import words

_COLUMNS: Final = ("title", "words")


class Sites:
    """Gives the words around a mention the sites of titles that they lie in.

    A site of several words has an id of its own, below zero, that stands for them together.

    Parameters
    ----------
    vocabulary
        Ids of words.
    path
        The file; None takes the one that ships.
    """

    def __init__(self, vocabulary: Mapping[str, int], path: Path | None = None) -> None:
        self._several: dict[frozenset[int], int] = {}
        self._of_word: dict[int, set[int]] = {}
        self._of_phrase: list[tuple[frozenset[int], int]] = []
        for _, (title, listed) in read_rows(
            path or lexicon_dir() / "sites" / "site_words.tsv", _COLUMNS, required=2
        ):
            said = [vocabulary.get(word) for word in words(title)]
            ids = frozenset(word for word in said if word is not None)
            if len(ids) < len(said):
                continue
            site = next(iter(ids))
            if len(ids) > 1:
                site = self._several[ids] = -1 - len(self._several)
                self._of_phrase.append((ids, site))
            for phrase in listed.split("|"):
                found = [vocabulary.get(word) for word in words(phrase)]
                inside = frozenset(word for word in found if word is not None)
                if len(inside) < len(set(found)):
                    continue
                if len(inside) == 1:
                    self._of_word.setdefault(next(iter(inside)), set()).add(site)
                else:
                    self._of_phrase.append((inside, site))
        self._words = frozenset(self._of_word)
        self._parts = frozenset(word for phrase, _ in self._of_phrase for word in phrase)

    def widen(self, context: frozenset[int]) -> frozenset[int]:
        """The words of a context with the sites that they lie in."""
        near = context & self._words
        added = {site for word in near for site in self._of_word[word]}
        if not self._parts.isdisjoint(context):
            added.update(site for phrase, site in self._of_phrase if phrase <= context)
        return context | added if added else context

    def folded(self, title: frozenset[int]) -> frozenset[int]:
        """The words of a title, its sites of several words as one."""
        for several, site in self._several.items():
            if several <= title:
                title = title - several | {site}
        return title
