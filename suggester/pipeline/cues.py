"""The vocabulary of assertion: cues matched as one automaton over lower-case words, from TSV files.

``codesets/lexicon/reader/assertion_*.tsv`` hold one cue a line: ``cue``, ``flag``, ``direction``,
``max_words``, ``reach``, ``rule``. A cue may hold alternatives, ``(no|without) (clear|) evidence of``, word
classes, ``<member> has``, whose words stand in ``word_classes.tsv`` (``<num>`` and ``<year>`` match figures,
``<any>`` any word, ``<other>`` any but *for* and *with*, ``<gap>`` and ``<few>`` none to three of these,
``<surgery>`` also what ends like an operation), and ``^`` for the beginning of a sentence.

Directions:

- ``forward`` sets the flag on what follows, ``backward`` on what precedes; ``both`` on what precedes, and on
  what follows where it opens a clause (``in 1990 she had a stroke``).
- ``ahead`` is forward, and only its first word is the cue: the others must follow, but may themselves be
  flagged (``had (a|an|) <surgery>``, ``when <any> <occur>``).
- ``answer`` is backward, and only where nothing but punctuation or a preposition follows (``fever: none``).
- ``pseudo`` looks like a cue and is none; it hides the cues of its flags inside it.
- ``terminate`` ends the scope of the flags named (``all`` or ``negated|family``); reach says how.
- ``cancel`` takes a flag back: what a ``history of`` of the same clause marked is current.

Reach of a cue: ``clause`` (to the end of the clause) or ``phrase`` (to the comma, unless a list goes on).
A pseudo cue of reach ``hard`` hides terminators as well. Reach of a terminator: ``hard`` (here), ``verb`` (a
finite verb: back to the comma or *and* before its subject) or ``segment`` (right after a comma or *and*).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.codesets.words import fold
from suggester.errors import LexiconError
from suggester.pipeline.automaton import ALL, BITS, FLAGS, NAMES, TOKEN, CueBook, Modifier, is_class
from suggester.pipeline.numbering import ByPair, ByWord
from suggester.pipeline.tokenizer import TokenTable

DIRECTIONS: Final = ("forward", "ahead", "backward", "both", "answer", "pseudo", "terminate", "cancel")
_REACHES: Final = {"terminate": ("hard", "verb", "segment"), "pseudo": ("", "hard")}
_GAP: Final = "(<any>|) (<any>|) (<any>|)"
_FEW: Final = _GAP.replace("<any>", "<other>")
TITLE_ONLY: Final = "hyp.title"
"""The rule whose cues count nowhere but inside a section title."""

COLUMNS: Final = ("cue", "flag", "direction", "max_words", "reach", "rule")


SETTING: Final = 1
ENDING: Final = 2
TITLE: Final = 4
OPENING: Final = 8
"""Bits of the books in which a cue may begin at a word; ``OPENING`` is for those that open a sentence."""

_STANDS: Final = 1
_FURTHER: Final = 2
_ENDS: Final = 4
"""What two words tell: that a setting cue stands there, or may end further on; that an ending one goes on."""

Node = dict[str, Any]
"""A trie node: from word or class to node; the key ``""`` holds the modifiers of a cue that ends here."""


def _mask(name: str, cell: str, direction: str) -> int:
    if cell == "all" and direction in ("terminate", "pseudo"):
        return ALL
    mask = 0
    for part in cell.split("|"):
        if part not in BITS:
            raise LexiconError(
                f"{name}: flag {part!r}, allowed: {', '.join(FLAGS)}, or all for terminate and pseudo"
            )
        mask |= BITS[part]
    return mask


def _modifiers(name: str, cells: tuple[str, ...]) -> list[Modifier]:
    _, flag, direction, max_words, reach, rule = cells[:6]
    if direction not in DIRECTIONS:
        raise LexiconError(f"{name}: direction {direction!r}, allowed: {', '.join(DIRECTIONS)}")
    allowed = _REACHES.get(direction, ("clause", "phrase", ""))
    if reach not in allowed:
        raise LexiconError(f"{name}: reach {reach!r}, allowed for {direction}: {', '.join(allowed)}")
    if max_words and not max_words.isdecimal():
        raise LexiconError(f"{name}: max_words {max_words!r} is not a number")
    if not rule:
        raise LexiconError(f"{name}: the rule has no id")
    mask = _mask(name, flag, direction)
    limit = int(max_words or 0) or 40
    if direction in ("terminate", "pseudo"):
        return [Modifier(mask, direction, limit, reach, rule)]
    bits = [bit for bit in NAMES if mask & bit]
    return [Modifier(bit, direction, limit, reach or "clause", rule) for bit in bits]


@dataclass(frozen=True, slots=True)
class Cues:
    """What sets flags, what ends or takes back scopes, what counts in titles only (pseudo cues twice)."""

    setting: CueBook
    ending: CueBook
    title: CueBook
    _starts: ByWord = field(init=False, repr=False, compare=False)
    _reach: ByPair = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", ByWord(self._begins, np.int8))
        object.__setattr__(self, "_reach", ByPair(self._reaches))

    def places(self, table: TokenTable) -> tuple[list[int], list[int], list[int]]:
        """Where cues may begin in a note.

        For each visible token, in which books a cue may begin with it, as a mask of the bits above; the
        visible tokens at which a cue of ``setting`` stands; and those at which one of ``ending`` goes on with
        a second word or needs none.
        """
        masks = self._starts.of(table.numbering, table.said_numbers)
        at = (masks & (SETTING | ENDING)).nonzero()[0]
        reach = self._reach.of(table.numbering, table.said_numbers, at)
        open_ended = (reach & _FURTHER).nonzero()[0]
        standing = self.setting.standing(table.said, at[open_ended].tolist())
        reach[open_ended] |= np.array(standing, dtype=np.int64)
        setting, ending = (at[(reach & bit).nonzero()[0]].tolist() for bit in (_STANDS, _ENDS))
        return masks.tolist(), setting, ending

    def _begins(self, word: str) -> int:
        mask = SETTING * self.setting.may_begin(word) | OPENING * self.setting.may_open(word)
        return mask | ENDING * self.ending.may_begin(word) | TITLE * self.title.may_begin(word)

    def _reaches(self, word: str, after: str | None) -> int:
        return self.setting.reach(word, after) | _ENDS * (self.ending.reach(word, after) > 0)


def cue_files(root: Path) -> list[Path]:
    """The files that cues are read from: the word classes, then the cues themselves."""
    return [root / "word_classes.tsv", *sorted(root.glob("assertion_*.tsv"))]


@lru_cache(maxsize=4)
def read_cues(folder: Path | None = None) -> Cues:
    """Read all cues and word classes, the shipped ones unless a folder is given.

    Raises
    ------
    LexiconError
        If a column or value is unknown, or a cue uses a class that no word has.
    """
    root = folder or lexicon_dir() / "reader"
    classes: dict[str, list[str]] = {}
    for number, cells in read_rows(cue_files(root)[0], ("word", "class")):
        if not cells[1].isalpha():
            raise LexiconError(f"word_classes.tsv:{number}: class {cells[1]!r} is not a plain name")
        classes.setdefault(fold(cells[0]), []).append(f"<{cells[1]}>")
    by_word = {word: tuple(names) for word, names in classes.items()}
    books = Cues(CueBook(by_word), CueBook(by_word), CueBook(by_word))
    known = {name for names in classes.values() for name in names} | {"<num>", "<year>", "<any>", "<other>"}
    paths = cue_files(root)[1:]
    if not paths:
        raise LexiconError("no assertion_*.tsv among the reader's lexicons")
    for path in paths:
        for number, cells in read_rows(path, COLUMNS):
            name = f"{path.name}:{number}"
            if len(cells) != len(COLUMNS):
                raise LexiconError(f"{name}: {len(cells)} columns, expected {', '.join(COLUMNS)}")
            cells = (cells[0].replace("<gap>", _GAP).replace("<few>", _FEW), *cells[1:])
            unknown = {part for part in TOKEN.findall(cells[0]) if is_class(part)} - known
            if unknown:
                raise LexiconError(f"{name}: unknown class {', '.join(sorted(unknown))}")
            try:
                modifiers = tuple(_modifiers(name, cells))
                ending_only = modifiers[0].rule.startswith("term.")
                if modifiers[0].rule == TITLE_ONLY:
                    books.title.add(cells[0], modifiers)
                    continue
                if not ending_only and modifiers[0].direction != "cancel":
                    books.setting.add(cells[0], modifiers)
                if modifiers[0].direction in ("terminate", "cancel") or modifiers[0].reach == "hard":
                    books.ending.add(cells[0], modifiers)
            except ValueError as error:
                raise LexiconError(f"{name}: {error}") from None
    return books


@dataclass(frozen=True, slots=True)
class SectionRule:
    """A flag that a whole kind of section sets."""

    bit: int
    rule: str


@lru_cache(maxsize=4)
def read_section_rules(folder: Path | None = None) -> dict[str, SectionRule]:
    """Flags by section kind (``section_flags.tsv``: ``kind``, ``flag``, ``rule``)."""
    path = (folder or lexicon_dir() / "reader") / "section_flags.tsv"
    out: dict[str, SectionRule] = {}
    for number, cells in read_rows(path, ("kind", "flag", "rule")):
        if cells[1] not in BITS or not cells[2]:
            raise LexiconError(
                f"{path.name}:{number}: flag {cells[1]!r}, allowed: {', '.join(FLAGS)}; rule needed"
            )
        out[cells[0]] = SectionRule(BITS[cells[1]], cells[2])
    return out


@lru_cache(maxsize=4)
def read_chronic(folder: Path | None = None) -> Node:
    """Trie of conditions that do not pass: a history of them is current (``chronic.tsv``: ``phrase``)."""
    root: Node = {}
    for _, cells in read_rows((folder or lexicon_dir() / "reader") / "chronic.tsv", ("phrase",)):
        node = root
        for piece in TOKEN.findall(cells[0]):
            node = node.setdefault(fold(piece), {})
        node[""] = True
    return root
