"""What assertion leaves behind: the flags of each token, the scopes behind them, and the cues of a mention.

``suggester.pipeline.assertion`` computes it; ``assertion_table`` gives the table of a document.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from itertools import compress
from operator import itemgetter
from typing import Final

from spacy.tokens import Doc

from suggester.errors import ConfigError
from suggester.pipeline.automaton import (
    ALL,
    FAMILY,
    HISTORICAL,
    HYPOTHETICAL,
    NAMES,
    NEGATED,
    UNCERTAIN,
)
from suggester.pipeline.scopes import Scope
from suggester.pipeline.tokenizer import TokenTable
from suggester.types import Assertion, Cue, Span

ASSERTION: Final = "suggester.assertion"
"""Key of the assertion table in ``doc.user_data``."""

_NONE: Final = Assertion()


def _yield(mask: int) -> int:
    """What gives way: time inside family history, and doubt where the thing is said to be absent."""
    if mask & FAMILY:
        mask &= ~HISTORICAL
    return mask & ~UNCERTAIN if mask & NEGATED else mask


_YIELD: Final = tuple(_yield(mask) for mask in range(ALL + 1))
_COUNTED: Final = "hist.count"
"""The rule of a number that tells what happened: it counts inside the mention too (*two miscarriages*)."""

_BLOCK: Final = 6
"""Scopes are looked up by blocks of 2 to this power tokens."""


_CueKey = tuple[int, int, int, str]
"""Flag, cue and rule of a ``Scope``: what all scopes that a cue sets have in common."""


class AssertionTable:
    """The assertion of one note.

    Attributes
    ----------
    flags
        For each token, a mask: 1 negated, 2 uncertain, 4 historical, 8 hypothetical, 16 family.
    scopes
        Every scope, in order of cue and flag.
    """

    __slots__ = ("_blocks", "_known", "_memo", "_table", "flags", "scopes")

    def __init__(self, table: TokenTable, scopes: list[Scope]) -> None:
        self._table = table
        self.scopes: list[Scope] = sorted(set(scopes), key=_order)
        self.flags: list[int] = [0] * len(table)
        self._memo: dict[tuple[int, int], Assertion] = {}
        self._known: dict[tuple[_CueKey, ...], Assertion] = {}
        self._blocks: dict[int, list[Scope]] = {}
        self._lay(self.scopes)
        flags = self.flags
        for index in compress(range(len(flags)), flags):
            flags[index] = _YIELD[flags[index]]

    def add(self, scopes: Sequence[Scope]) -> None:
        """Lay further scopes over tokens that have no flag yet."""
        for scope in scopes:
            insort(self.scopes, scope, key=_order)
        self._memo.clear()
        self._lay(scopes)

    def _lay(self, scopes: Sequence[Scope]) -> None:
        flags, blocks = self.flags, self._blocks
        for scope in scopes:
            start, end, bit = scope[:3]
            for index in range(start, end):
                flags[index] |= bit
            if start < end:
                for block in range(start >> _BLOCK, (end - 1 >> _BLOCK) + 1):
                    if block in blocks:
                        blocks[block].append(scope)
                    else:
                        blocks[block] = [scope]

    def at(self, start_token: int, end_token: int) -> Assertion:
        """The assertion over tokens ``[start_token, end_token)``.

        A scope counts where it holds one of the tokens and its cue is not itself among them: ``without
        complications`` inside a name does not negate the name.
        """
        key = (start_token, end_token)
        found = self._memo.get(key)
        if found is None:
            found = self._memo[key] = self._assert(start_token, end_token)
        return found

    def _assert(self, start: int, end: int) -> Assertion:
        if start >= end or not 0 <= start < len(self.flags):
            return _NONE
        last = min(end, len(self.flags)) - 1
        over: dict[_CueKey, Scope] = {}
        for block in range(start >> _BLOCK, (last >> _BLOCK) + 1):
            for scope in self._blocks.get(block, ()):
                if scope.start >= end or scope.end <= start:
                    continue
                if start <= scope.cue_start and scope.cue_end <= end and scope.rule != _COUNTED:
                    continue
                over[scope[2:]] = scope
        if not over:
            return _NONE
        key = tuple(over)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._asserted(list(over.values()))
        return found

    def _asserted(self, scopes: list[Scope]) -> Assertion:
        """What some scopes assert, each of another cue or flag."""
        mask = 0
        for scope in scopes:
            mask |= scope.bit
        mask = _YIELD[mask]
        cues = [self._cue(scope) for scope in scopes if scope.bit & mask]
        if len(cues) > 1:
            cues.sort(key=lambda cue: (cue.span.start, cue.span.end, cue.flag, cue.rule_id))
        return Assertion(
            negated=bool(mask & NEGATED),
            uncertain=bool(mask & UNCERTAIN),
            historical=bool(mask & HISTORICAL),
            hypothetical=bool(mask & HYPOTHETICAL),
            family=bool(mask & FAMILY),
            cues=tuple(cues),
        )

    def _cue(self, scope: Scope) -> Cue:
        """The cue of a scope as a value."""
        table = self._table
        parts: list[str] = []
        for index in range(scope.cue_start, scope.cue_end):
            if parts and table.start[index] > table.end[index - 1]:
                parts.append(" ")
            parts.append(table.text[index])
        span = Span(start=table.start[scope.cue_start], end=table.end[scope.cue_end - 1])
        return Cue(flag=NAMES[scope.bit], text="".join(parts), span=span, rule_id=scope.rule)


_order: Final = itemgetter(3, 4, 2, 0, 1, 5)
"""Cue, flag, scope and rule of a ``Scope``."""


def assertion_table(doc: Doc) -> AssertionTable:
    """The assertion table of a document.

    Raises
    ------
    ConfigError
        If ``suggester_assertion`` has not run on it.
    """
    found = doc.user_data.get(ASSERTION)
    if not isinstance(found, AssertionTable):
        raise ConfigError("the document has no assertion: add the pipe 'suggester_assertion' first")
    return found
