"""The vocabulary of section titles: which words open which kind of section.

Data: ``codesets/lexicon/reader/sections.tsv`` (``title``, ``kind``, ``strength``) and ``subheadings.tsv``
(``title``, ``group``).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, cast

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.codesets.words import WORD, fold
from suggester.errors import LexiconError
from suggester.pipeline.function_words import SECTION_KINDS, TITLE_LEADING, TITLE_TRAILING

Strength = Literal["strong", "weak"]

MAX_WORDS: Final = 9
"""A title has at most so many words."""

_LINKS: Final = frozenset("&/+")
_ASSESS = frozenset(("assessment", "impression", "assessment_plan", "problem_list"))


def title_key(text: str) -> str:
    """A title as looked up: folded words, ``&``, ``/`` and ``+`` between words as ``and``, no brackets.

    >>> title_key("Assessment/Plan:"), title_key("**PMH (reviewed):**")
    ('assessment and plan', 'pmh')
    """
    parts: list[str] = []
    depth = 0
    end = 0
    for match in WORD.finditer(text):
        between = text[end : match.start()]
        depth += between.count("(") - between.count(")")
        end = match.end()
        if depth > 0:
            continue
        if parts and any(char in _LINKS for char in between):
            parts.append("and")
        parts.append(fold(match.group()))
    return join_key(parts)


def join_key(parts: list[str]) -> str:
    """Join folded words, a repeated ``and`` once."""
    if "and" not in parts:
        return " ".join(parts)
    kept = [
        word for index, word in enumerate(parts) if word != "and" or (index and parts[index - 1] != "and")
    ]
    return " ".join(kept)


class Titles:
    """Known titles and sub-headings.

    Parameters
    ----------
    titles
        From title key to kind and strength.
    subheadings
        From title key to group (``body`` or ``vital``).
    """

    def __init__(self, titles: dict[str, tuple[str, Strength]], subheadings: dict[str, str]) -> None:
        self.titles = titles
        self.subheadings = subheadings
        self._memo: dict[str, tuple[str, Strength] | None] = {}

    def lookup(self, key: str) -> tuple[str, Strength] | None:
        """Kind and strength of a title key: as it stands, without modifiers, or put together from parts.

        >>> read_titles().lookup("pertinent past medical history reviewed")
        ('past_medical', 'strong')
        """
        found = self.titles.get(key)
        if found is not None:
            return found
        if key in self._memo:
            return self._memo[key]
        found = self._compose(key)
        if len(self._memo) < 20_000:
            self._memo[key] = found
        return found

    def _compose(self, key: str) -> tuple[str, Strength] | None:
        words = key.split(" ")
        low, high = 0, len(words)
        while low < high - 1 and words[low] in TITLE_LEADING:
            low += 1
        for begin in range(low + 1):
            stop = high
            while True:
                found = self.titles.get(" ".join(words[begin:stop]))
                if found is not None:
                    return found
                if stop - begin < 2 or words[stop - 1] not in TITLE_TRAILING:
                    break
                stop -= 1
        if "and" in words and not key.startswith("and "):
            kinds = []
            for part in key.split(" and "):
                found = self.titles.get(part)
                if found is None:
                    return None
                kinds.append(found[0])
            if "plan" in kinds and not _ASSESS.isdisjoint(kinds):
                return "assessment_plan", "strong"
            return kinds[0], "strong"
        return None


@lru_cache(maxsize=4)
def read_titles(folder: Path | None = None) -> Titles:
    """Read the title vocabulary, the shipped one unless a folder is given.

    Raises
    ------
    LexiconError
        If a row is wrong: an unknown kind or strength, or a title given twice with different kinds.
    """
    root = folder or lexicon_dir() / "reader"
    titles: dict[str, tuple[str, Strength]] = {}
    for number, cells in read_rows(root / "sections.tsv", ("title", "kind", "strength")):
        key, kind, strength = title_key(cells[0]), cells[1], cells[2] or "strong"
        if kind not in SECTION_KINDS:
            allowed = ", ".join(sorted(SECTION_KINDS))
            raise LexiconError(f"sections.tsv:{number}: kind {kind!r}, allowed: {allowed}")
        if strength not in ("strong", "weak"):
            raise LexiconError(f"sections.tsv:{number}: strength {strength!r}, allowed: strong, weak")
        if not key or titles.get(key, (kind,))[0] != kind:
            raise LexiconError(
                f"sections.tsv:{number}: title {cells[0]!r} is empty or has another kind already"
            )
        titles.setdefault(key, (kind, cast(Strength, strength)))
    subheadings: dict[str, str] = {}
    for number, cells in read_rows(root / "subheadings.tsv", ("title", "group")):
        if cells[1] not in ("body", "vital"):
            raise LexiconError(f"subheadings.tsv:{number}: group {cells[1]!r}, allowed: body, vital")
        subheadings[title_key(cells[0])] = cells[1]
    return Titles(titles, subheadings)
