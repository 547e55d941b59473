"""The term index: every phrase that leads to a code, compiled for matching by words.

A term is a set of word stems with a target: a code row, a category row to go down from, or a drug. Each term
hangs on its *anchor*, its rarest word, so that a note only looks at terms whose anchor it holds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.container import FORMAT, Container
from suggester.errors import StoreDamagedError

SIDES = {"right": 1, "left": 2, "bilateral": 3, "both": 3}
"""Words of laterality and the value of ``node_side`` they stand for."""
BILATERAL = 3
SIDE_UNSPECIFIED = 4
SIDE_WORDS = frozenset(SIDES) | {"unilateral"}
"""Words of a title that say which side, and nothing else."""


class Source(IntEnum):
    """Where a term comes from."""

    TITLE = 0
    DEFAULT = 1
    INCLUSION = 2
    INCLUDES = 3
    LEXICON = 4
    HCPCS_SHORT = 5
    HCPCS_LEXICON = 6
    CPT_LEXICON = 7
    DRUG = 8
    OTHER = 9
    HCPCS_DRUG = 10
    PART = 11
    INDEX = 12
    SYNONYM = 13
    CHARGE = 14
    CPT_DESCRIPTOR = 15
    INDEX_TABLE = 16


DESCRIPTORS = (Source.HCPCS_SHORT, Source.CPT_DESCRIPTOR, Source.INDEX_TABLE)
"""Searched, but not looked for in notes: official descriptors, which are too terse or too long, and rows of
the index's tables, whose words stand in notes that say nothing of the kind."""
IMPORTED = (Source.INDEX, Source.SYNONYM, Source.CHARGE)
"""Phrases that the user imported."""
PHRASES = (Source.LEXICON, Source.CPT_LEXICON, Source.HCPCS_LEXICON, Source.INDEX)
"""Phrases that were written for a code with care: our lexicons and the alphabetic index. Synonyms and charge
lines that a user imports do not count as such: measured on notes, bulk lists mislead more often."""


_DOUBTING = frozenset(
    (
        *("suspected", "suspect", "suspicious", "suspicion", "possible", "possibly", "probable", "probably"),
        *("likely", "presumed", "presumptive", "questionable", "equivocal", "uncertain", "unclear"),
        *("rule", "ruled", "borderline", "concern", "concerns", "concerning", "concerned", "versus", "vs"),
        *("differential", "compatible", "consistent", "thought", "think", "appear", "appears", "appearing"),
        *("evaluation", "observation", "susceptible", "doubtful", "unconfirmed"),
    )
)
"""Words of doubt, which are no doubt of the note's where a term itself has them."""
_RELATIVES = frozenset(
    (
        *("family", "familial", "fam", "fhx", "fh", "relative", "relatives", "parent", "parents", "parental"),
        *("mother", "father", "mom", "dad", "maternal", "paternal", "brother", "sister", "sibling"),
        *("siblings", "aunt", "uncle", "cousin", "grandmother", "grandfather", "grandparent", "grandparents"),
        *("nephew", "niece", "son", "daughter", "child", "children", "husband", "wife", "spouse", "partner"),
        *("twin", "caregiver", "household", "contact", "relation", "kin"),
    )
)
"""Words for relatives."""


class Target(IntEnum):
    """What a term's target row counts in."""

    ICD10CM = 0
    CPT = 1
    HCPCS = 2
    DRUG = 3


@dataclass(frozen=True, slots=True)
class Sense:
    """A sense of an abbreviation: the words it stands for, synonyms of those, and when it holds."""

    expansion: tuple[int, ...]
    added: tuple[int, ...]
    exact: str | None
    sections: frozenset[str]
    near: frozenset[int]
    not_near: frozenset[int]


class TermIndex:
    """A compiled term index, opened.

    Attributes
    ----------
    idf, term_weight
        Natural-log rarity of words and its sum over a term's words.
    term_whole
        Terms with a negating word; they only match with all their words.
    term_doubting
        Terms with a word of doubt of their own (*suspected exposure*).
    term_relative
        Terms that name a relative (*death of mother*).
    term_complete
        All terms that only match with all their words: those, and phrases that the user imported. Of a path
        of the alphabetic index every subterm is essential; other lists were not made for parts of phrases.
    term_target, term_row, term_source
        What a term leads to (``Target``, row there) and where it comes from (``Source``).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        box = Container.open(path)
        if box.meta.get("format") != FORMAT:
            raise StoreDamagedError(f"compiled store {path.name} has another format; rebuild it")
        self.key: str = box.meta["key"]
        self.idf = box.array("idf")
        self.frequency = box.array("frequency")
        self.term_ptr = box.array("term_ptr")
        self.term_word = box.array("term_word")
        self.term_weight = box.array("term_weight")
        self.term_target = box.array("term_target")
        self.term_row = box.array("term_row")
        self.term_source = box.array("term_source")
        self.term_whole = box.array("term_whole")
        self.term_complete = self.term_whole | np.isin(self.term_source, IMPORTED)
        self.anchor_ptr = box.array("anchor_ptr")
        self.anchor_term = box.array("anchor_term")
        self.node_side = box.array("node_side")
        self.node_family = box.array("node_family")
        self._node_ptr = box.array("node_ptr")
        self._node_word = box.array("node_word")
        self.phrases = box.strings("phrases")
        self.vocabulary: dict[str, int] = {word: i for i, word in enumerate(box.strings("vocabulary"))}
        self.term_doubting = self._with_word(_DOUBTING)
        self.term_relative = self._with_word(_RELATIVES)
        self.stop_words = frozenset(box.strings("stop_words"))
        self.patterns = self._read_patterns(box)
        self.senses = self._read_senses(box)
        self.rewrites = box.strings("rewrites")
        self.drugs: list[list[Any]] = [json.loads(text) for text in box.strings("drugs")]
        self.drug_units: list[list[Any]] = [json.loads(text) for text in box.strings("drug_units")]

    def _with_word(self, words: frozenset[str]) -> NDArray[np.bool_]:
        """By term, whether it has one of some words."""
        wanted = np.zeros(len(self.vocabulary), dtype=np.bool_)
        wanted[[self.vocabulary[word] for word in words if word in self.vocabulary]] = True
        before = np.concatenate(([0], np.cumsum(wanted[self.term_word])))
        found: NDArray[np.bool_] = np.diff(before[self.term_ptr]) > 0
        return found

    @staticmethod
    def _read_patterns(box: Container) -> dict[int, list[tuple[tuple[int, ...], tuple[int, ...]]]]:
        """By first word: (whole pattern, added words), longest pattern first."""
        starts, flat = box.array("pattern_ptr").tolist(), box.array("pattern_word").tolist()
        added_starts, added = box.array("expansion_ptr").tolist(), box.array("expansion_word").tolist()
        out: dict[int, list[tuple[tuple[int, ...], tuple[int, ...]]]] = {}
        for i in range(len(starts) - 1):
            pattern = tuple(flat[starts[i] : starts[i + 1]])
            out.setdefault(pattern[0], []).append(
                (pattern, tuple(added[added_starts[i] : added_starts[i + 1]]))
            )
        for rows in out.values():
            rows.sort(key=lambda item: -len(item[0]))
        return out

    @staticmethod
    def _read_senses(box: Container) -> dict[int, list[tuple[tuple[int, ...], Sense]]]:
        out: dict[int, list[tuple[tuple[int, ...], Sense]]] = {}
        for line in box.strings("senses"):
            key, ids, added, exact, sections, near, not_near = json.loads(line)
            sense = Sense(
                tuple(ids), tuple(added), exact, frozenset(sections), frozenset(near), frozenset(not_near)
            )
            out.setdefault(key[0], []).append((tuple(key), sense))
        for rows in out.values():
            rows.sort(key=lambda item: -len(item[0]))  # "w/o" is not "w/" and an "o"
        return out

    def node_words(self, row: int) -> list[int]:
        """Ids of the content words of an ICD-10-CM title."""
        words_: list[int] = self._node_word[self._node_ptr[row] : self._node_ptr[row + 1]].tolist()
        return words_

    def term_words(self, term: int) -> list[int]:
        """Ids of a term's words, rarest first."""
        words_: list[int] = self.term_word[self.term_ptr[term] : self.term_ptr[term + 1]].tolist()
        return words_
