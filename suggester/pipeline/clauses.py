"""Clauses inside a sentence that a cue behind them looks back over, or stops at.

*The rash, for which she took steroids, has resolved*; *the infection she developed is gone*; *she had no
seizures and her fever cleared*.
"""

from __future__ import annotations

from typing import Final

from suggester.pipeline.function_words import NO_NOUN

_ITEM_ENDS: Final = frozenset(",.;")
_RELATIVE_BACK: Final = 14
_CLAUSE_BACK: Final = 14
_TELLING: Final = frozenset(
    ("had", "has", "have", "is", "was", "are", "were", "denied", "denies", "developed", "received", "reports")
)
"""Verbs that make a clause of what stands before *and her*."""

_RELATIVES: Final = frozenset(("which", "who", "that", "though", "although", "while"))
"""Words that begin a clause between commas."""

OF_WHICH: Final = frozenset(("which", "whom"))
"""Words behind a preposition that begin such a clause (*the rash, for which she took steroids, is gone*)."""

_SUBJECTS: Final = frozenset(("he", "she", "they", "we", "i"))
BEFORE_WHICH: Final = frozenset(("for", "with", "from", "of", "in", "to"))
"""Such prepositions."""

_REDUCED: Final = frozenset(
    (
        *("felt", "thought", "believed", "presumed", "presumably", "attributed", "secondary", "due"),
        *("probably", "possibly", "likely", "treated", "managed", "complicated", "precipitated", "from"),
        *("present", "noted", "seen", "found", "diagnosed", "evident"),
    )
)
"""Words that begin such a clause without a verb (*delirium, likely due to opioids, resolved*)."""


def tells(words: list[str], index: int, start: int) -> bool:
    """Whether a clause with a verb of its own ends before *and* (*had no seizures and her fever cleared*)."""
    for at in range(index - 1, max(start, index - _CLAUSE_BACK) - 1, -1):
        if words[at] in _ITEM_ENDS:
            return False
        if words[at] in _TELLING:
            return True
    return False


def own_clause(words: list[str], index: int, end: int) -> bool:
    """Whether *, and* at ``index`` begins a clause with a verb (*prevents gout, and aspirin was stopped*)."""
    return words[index - 1] == "," and not _TELLING.isdisjoint(words[index + 1 : end])


def over_relative(words: list[str], comma: int, start: int, index: int) -> int:
    """Where to look back from, over a relative clause between commas (*the rash, which itched, is gone*)."""
    for at in range(comma - 1, max(start, comma - _RELATIVE_BACK) - 1, -1):
        if words[at] in (".", ";", ":"):
            break
        if words[at] == "," and (
            words[at + 1] in _RELATIVES or words[at + 1] in _REDUCED or words[at + 2] in OF_WHICH
        ):
            return at - 1
    return index


def relative_at(words: list[str], index: int, start: int, *, bare: bool) -> int:
    """Where the relative clause begins whose verb stands at ``index``; -1 if the verb is none of one.

    ``bare`` says that it may do without its first word (*the infection she developed is gone*).
    """
    for at in range(index - 1, max(start, index - 3), -1):
        if words[at] in _RELATIVES and words[at - 1].isalpha() and words[at - 1] not in _RELATIVES:
            return at
    at = index - 1
    if bare and at > start + 1 and words[at] in _SUBJECTS and words[at - 1].isalpha():
        return at if words[at - 1] not in NO_NOUN and not words[at - 1].endswith("ly") else -1
    return -1
