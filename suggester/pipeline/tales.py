"""Tales of years ago, which go on through the next sentences until one tells of the present.

*In 2005 the patient was in a crash. She suffered a pelvic fracture. She now walks with a limp.* Only few
verbs go on with a tale, those whose object does not last or that tell of a stay.
"""

from __future__ import annotations

from typing import Final

from suggester.pipeline.automaton import HISTORICAL, Modifier
from suggester.pipeline.dated_on import YEARS
from suggester.pipeline.past import ITEM, is_year, names_once
from suggester.pipeline.scopes import Hit

TALE: Final = Modifier(HISTORICAL, "forward", 40, "phrase", "hist.tale")
"""The rule of what a tale goes on with; its cue is the date that the tale began with."""

SENTENCES: Final = 2
"""A tale goes on through so many sentences behind the one with its date."""

DATES: Final = frozenset(("hist.date", "hist.year", "hist.life"))
"""Rules of the dates with which a tale may begin."""

_VERB: Final = 5
"""The verb of a sentence that goes on with a tale is one of its first words."""

_LASTED: Final = frozenset(("suffered", "sustained", "underwent", "required", "needed"))
_HAPPENED: Final = frozenset(("had", "developed"))
"""Verbs that go on with a tale where what follows happens once."""

_AFTERWARDS: Final = frozenset(
    ("postoperatively", "postop", "afterward", "afterwards", "subsequently", "then", "later")
)
"""Words that begin a sentence with which such verbs go on whatever follows."""

_SUBJECTS: Final = frozenset(
    ("he", "she", "they", "patient", "pt", "i", "also", "then", "subsequently", "later")
)
"""Words before such a verb, so that it tells of the patient."""

_STAYS: Final = frozenset(("course", "hospitalization", "stay", "recovery", "operation", "surgery"))
"""Words before *was complicated by* with which a tale goes on."""

_PRESENT: Final = frozenset(
    (
        *("now", "today", "currently", "presently", "presents", "presented", "presenting", "presentation"),
        *("yesterday", "tonight", "has", "have", "is", "are", "reports", "complains", "denies", "this"),
        *("recently", "still", "since", "remains", "continues", "admission", "arrival", "ed", "will", "who"),
        *("ago", "last", "morning", "week", "chief", "current", "acute", "exam", "examination", "plan"),
    )
)
"""Words of a sentence that ends a tale."""


def begins(hit: Hit, words: list[str], begin: int, stop: int) -> bool:
    """Whether a date (``DATES``) begins a tale: years ago, in a sentence that says nothing of the present."""
    cue = words[hit.begin : hit.end]
    if hit.modifiers[0].rule != "hist.life" and not any(word in YEARS or is_year(word) for word in cue):
        return False
    return _PRESENT.isdisjoint([*words[begin : hit.begin], *words[hit.end : stop]])


def goes_on(words: list[str], begin: int, stop: int) -> bool:
    """Whether a sentence does not end a tale."""
    return _PRESENT.isdisjoint(words[begin:stop])


def told(words: list[str], begin: int, stop: int) -> int:
    """Where what a sentence goes on to tell begins; -1 if it tells nothing of the kind."""
    for at in range(begin + 1, min(stop - 1, begin + _VERB)):
        word = words[at]
        if word in _LASTED or word in _HAPPENED:
            if words[at - 1] not in _SUBJECTS:
                return -1
            once = word in _LASTED or words[begin] in _AFTERWARDS
            return at + 1 if once or names_once(words, at + 1, min(stop, at + 1 + ITEM)) else -1
        if word == "complicated" and words[at + 1] == "by" and words[at - 2] in _STAYS:
            return at + 2
    return -1
