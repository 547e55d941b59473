"""Dates: which way one looks, and where what is dated lasts all the same."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from suggester.pipeline.automaton import SURGICAL
from suggester.pipeline.dated_on import over_joining
from suggester.pipeline.function_words import (
    APPEARED,
    CANCERS,
    DIAGNOSED,
    ENDOSCOPIES,
    EVENTS,
    FIRST_SEEN,
    INJURIES,
    NOT_ITEM,
    ONCE,
    ONSET,
    OPENERS,
    RESULTS,
    TESTS,
    VISIT,
)
from suggester.pipeline.past import CLAUSE_ENDS, ITEM, names_once
from suggester.pipeline.scopes import Hit

_LEADS_ON: Final = frozenset(
    (*("for", "due", "(", ":", "resulting", "causing", "leading", "requiring", "needing", "complaining"),)
)
"""Words behind a date with which it looks on as well."""

AGE_ONLY: Final = "hist.at"
"""The rule of a bare number behind *at*, which is an age only behind what happens once."""

_BEFORE_ITEM: Final = frozenset((":", "-", "–", "—"))
"""Marks between a year and the item that it dates (*2015 - pneumonia*)."""

_FOLLOWING: Final = frozenset(("after", "following"))
"""Words behind the date of a visit or stay with which it tells what that was for."""

_VERB: Final = 4
"""So many words behind a date the verb of its clause stands."""

_ENDED: Final = frozenset(
    (
        ",",
        ";",
        ".",
        ")",
        "on",
        "and",
        "with",
        "from",
        "after",
        "requiring",
        "needing",
        "treated",
        "hospitalized",
    )
)
"""Words behind *at 8 months* that let it be the age of what stands before."""

_RETURNED: Final = frozenset(
    ("seen", "visit", "follow-up", "followup", "up", "check", "clinic", "exam", "well", "unchanged", "stable")
)
"""Words before *at 6 months* that make it the time of a visit, not an age."""

_SUBJECTS: Final = frozenset(("he", "she", "they", "i", "it", "patient", "pt"))
"""Words behind *since* with which it tells a reason."""

_HAD: Final = frozenset(("had", "developed", "suffered", "underwent", "sustained", "got"))
"""Verbs of a clause that a date before its subject opens (*while pregnant in 2019 she had jaundice*)."""

_FOUND: Final = frozenset(("diagnosed", "found"))

_SET_IN: Final = frozenset(("developed", "noticed", "noted", "began"))

_LATELY: Final = frozenset(
    ("this", "week", "weeks", "wks", "month", "months", "mos", "spring", "summer", "fall", "autumn", "winter")
)
"""Words of dates so near that what was found then is there still (*last month he was diagnosed with*)."""

_ADVERBIAL: Final = frozenset(("while", "when", "during", "after", "following", "at", "in"))

_ADVERBIAL_WORDS: Final = 10

_ONE_TIME: Final = frozenset(("once", "episode", "bout", "attack", "case"))

_SHOWED: Final = frozenset(("with", "w", "w/", "showed", "revealed", "demonstrated", "found", "disclosed"))

_NOW_ON: Final = frozenset(("is", "was", "are", "been", "and", "remains", "now", "currently", "he", "she"))
"""Words before what tells of treatment, by which it is that of today."""

_NEWLY: Final = frozenset(("new", "newly"))

_IMAGING: Final = TESTS | {"imaging", "scan", "study"}

_SPREAD: Final = frozenset(("metastatic", "iv", "advanced", "unresectable"))
"""Words of a cancer that is there still whenever it was found."""

_MADE: Final = frozenset(("taken", "done", "obtained", "performed", "made"))
"""Words between a test and its date (*a mass on films taken a month ago*)."""

_GOES_ON: Final = frozenset(
    ("began", "started", "begun", "persists", "persisting", "continues", "continuing")
)
"""Words behind a date that make it the beginning of what lasts."""

_CLAUSE_BACK: Final = 14


def date_direction(words: list[str], begin: int, hit: Hit, stop: int, rule: str) -> str:
    """Which way a date looks: on where it opens a clause or *for* follows; nowhere after an onset.

    A bare year that opens an item looks on only (*2015 appendectomy, 2018 hernia repair*).
    """
    if rule == AGE_ONLY:
        return "backward" if _happened_at(words, begin, hit, stop) else "none"
    before = words[hit.begin - 1] if hit.begin > begin else ":"
    after = words[hit.end] if hit.end < stop else "."
    if before in RESULTS or (before in _IMAGING and after == ":"):
        return "none"
    if before in _MADE and not TESTS.isdisjoint(words[max(begin, hit.begin - 4) : hit.begin]):
        return "both" if after == "for" else "none"
    if before in DIAGNOSED and rule != "hist.life":
        return "none"
    month = rule == "hist.year" and not any(word.isdigit() for word in words[hit.begin : hit.end])
    late = rule == "hist.date" and not _LATELY.isdisjoint(words[hit.begin : hit.end])
    for index in range(hit.begin - 1, max(begin, hit.begin - _CLAUSE_BACK) - 1, -1):
        if month and words[index] in APPEARED:
            return "none"
        if words[index] == "diagnosed" and (late or not _SPREAD.isdisjoint(words[index : hit.begin])):
            return "none"
        if words[index] in ONSET and not (words[index] == "since" and words[index + 1] in _SUBJECTS):
            return "none"
        if words[index] in _NEWLY or (words[index] == "first" and words[index + 1] in FIRST_SEEN):
            return "none"
        if words[index] in CLAUSE_ENDS:
            break
    for index in range(hit.end, min(stop, hit.end + _CLAUSE_BACK)):
        if words[index] in _GOES_ON:
            return "none"
        if words[index] == "with" or (
            words[index] in CLAUSE_ENDS and (index > hit.end or words[index] != ",")
        ):
            break
    if after in _FOLLOWING and _tells_visit(words, begin, hit):
        return "both"
    opens = before in OPENERS or (
        rule == "hist.date" and after in _SUBJECTS and not _HAD.isdisjoint(words[hit.end + 1 : hit.end + 2])
    )
    if not opens and (
        over_joining(words, hit, stop) > hit.end
        or after in _LEADS_ON
        or (after == "with" and _tells_visit(words, begin, hit))
    ):
        return "both"
    if rule == "hist.year":
        on = opens and (after in _BEFORE_ITEM or (after[0].isalpha() and after not in NOT_ITEM))
        return "forward" if on else "backward"
    if opens and after[0] != ".":
        if _began(words, hit.end) and not _LATELY.isdisjoint(words[hit.begin : hit.end]):
            return "none"
        return "both" if before == "," else "forward"
    return "backward"


def seen_inside(words: list[str], begin: int, hit: Hit, stop: int) -> int:
    """Behind what a dated endoscopy showed, which is treated at once (*colonoscopy 2016 with a polyp*)."""
    at = hit.end
    month = words[at - 1].isalpha() and len(words[at - 1]) > 2 and words[at - 2] == "in"
    if month or ENDOSCOPIES.isdisjoint(words[max(begin, hit.begin - 4) : hit.begin]):
        return at
    while at < stop and words[at] in (",", "which", "that"):
        at += 1
    if words[at : at + 1] == ["was"] and words[at + 2 : at + 3] == ["for"]:
        return at + 3
    if at < stop and words[at] in _SHOWED:
        return at + 1 + (words[at : at + 2] == ["w", "/"])
    return hit.end


def _began(words: list[str], at: int) -> bool:
    """Whether behind a date something was found or set in that is no event (*she developed a rash*)."""
    behind = words[at : at + 5]
    if not _FOUND.isdisjoint(behind):
        return True
    return not _SET_IN.isdisjoint(behind) and not names_once(words, at, at + ITEM)


def over_adverbial(words: list[str], at: int, stop: int) -> int:
    """Where the clause goes on behind a date and what tells of its time (*years ago, abroad, he had*)."""
    if at < stop and words[at] in _ADVERBIAL:
        for index in range(at + 1, min(stop, at + _ADVERBIAL_WORDS)):
            if words[index] == ",":
                return index + 1
            if words[index] in CLAUSE_ENDS:
                break
    return at


def _happened_at(words: list[str], begin: int, hit: Hit, stop: int) -> bool:
    """Whether a bare *at 44* is the age at which an operation or event took place."""
    before = words[max(begin, hit.begin - 3) : hit.begin]
    once = not _ONE_TIME.isdisjoint(words[max(begin, hit.begin - 5) : hit.begin])
    named = any(
        word in EVENTS or word in ONCE or word in INJURIES or word in CANCERS or word.endswith(SURGICAL)
        for word in before[-2:]
    )
    ended = hit.end >= stop or words[hit.end] in _ENDED
    if words[hit.end - 1].isalpha():
        return ended and _RETURNED.isdisjoint(before)
    return ended and (named or once) and len(words[hit.end - 1]) <= 2


def _tells_visit(words: list[str], begin: int, hit: Hit) -> bool:
    """Whether the clause before a date tells of a visit or a stay."""
    return not VISIT.isdisjoint(words[max(begin, hit.begin - 8) : hit.begin])


def diagnosed(words: list[str], begin: int, hit: Hit) -> bool:
    """Whether a clause says that a condition was diagnosed at a date (*at 9 he was diagnosed with*)."""
    return (
        not DIAGNOSED.isdisjoint(words[max(begin, hit.begin - 8) : hit.begin])
        or "diagnosed" in words[hit.begin : hit.end + _VERB]
    )


def found_and_treated(words: list[str], cancels: list[int], begin: int, hit: Hit, stop: int) -> bool:
    """Whether a condition was diagnosed at a date and is treated now (*diagnosed in May and is on chemo*)."""
    if not cancels:
        return False
    cancel = bisect_right(cancels, hit.end)
    if cancel >= len(cancels) or cancels[cancel] >= stop:
        return False
    if DIAGNOSED.isdisjoint(words[max(begin, hit.begin - 8) : hit.begin]):
        return False
    return words[cancels[cancel] - 1] in _NOW_ON
