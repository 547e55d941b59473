"""Time: which way a date looks, and which conditions of a history are not over."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from suggester.pipeline.automaton import HISTORICAL, SURGICAL
from suggester.pipeline.cues import Node
from suggester.pipeline.function_words import (
    APPEARED,
    CANCERS,
    DIAGNOSED,
    EVENTS,
    FIRST_SEEN,
    INJURIES,
    NOT_ITEM,
    ONCE,
    ONSET,
    OPENERS,
    PASSES,
    RESULTS,
    TESTS,
    TREATMENTS,
    VISIT,
)
from suggester.pipeline.scopes import Hit, Stops

_LEADS_ON: Final = frozenset(
    ("for", "due", "(", ":", "resulting", "causing", "leading", "requiring", "needing")
)
"""Words behind a date with which it looks on as well."""

AGE_ONLY: Final = "hist.at"
"""The rule of a bare number behind *at*, which is an age only behind what happens once."""

_VERB: Final = 4
"""So many words behind a date the verb of its clause stands."""

_TREATMENT: Final = 14
_DATED: Final = TREATMENTS | {"ago", "childhood", "course", "courses", "antibiotics"}
"""Words that tell of a treatment that it is over."""

_SPANS: Final = frozenset(("the", "this", "many", "several", "years", "months", "which", "it", "prevention"))
"""Words behind *for* with which it tells how long or for this very thing."""

ITEM: Final = 8
"""An item of a list reaches at most so many tokens from the word that makes it past."""

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

_OPENING: Final = ("ostomy", "ostomies")
"""Ends of operations that leave an opening behind, which is still there."""

_FOUND: Final = frozenset(("diagnosed", "found"))
_SET_IN: Final = frozenset(("developed", "noticed", "noted", "began"))
_LATELY: Final = frozenset(("this", "week", "weeks", "wks", "month", "months", "mos"))
"""Words of dates so near that what was found then is there still (*last month he was diagnosed with*)."""

_EVENT_WORDS: Final = 5
_ADVERBIAL: Final = frozenset(("while", "when", "during", "after", "following", "at", "in"))
_ADVERBIAL_WORDS: Final = 10
_OPERATIONS: Final = frozenset(
    ("extraction", "repair", "removal", "excision", "resection", "fixation", "reconstruction", "arthroscopy")
)
"""Operations that an item of a past history names, besides those that their endings tell."""

_ONE_TIME: Final = frozenset(("once", "episode", "bout", "attack", "case"))
_TODAY: Final = frozenset(("today", "yesterday", "tonight", "morning", "overnight"))
_NOW_ON: Final = frozenset(("is", "was", "are", "been", "and", "remains", "now", "currently", "he", "she"))
"""Words before what tells of treatment, by which it is that of today."""

_NEWLY: Final = frozenset(("new", "newly"))
_MADE: Final = frozenset(("taken", "done", "obtained", "performed", "made"))
"""Words between a test and its date (*a mass on films taken a month ago*)."""

_FACTORS: Final = frozenset(("factor", "factors"))
_NOT_PAST: Final = frozenset(
    (
        *("no", "not", "denies", "denied", "never", "without", "negative", "none"),
        *("chronic", "recurrent", "current", "active", "ongoing", "frequent"),
    )
)
"""Words of an item of a past history that is absent or lasts."""

_ITEM_ENDS: Final = frozenset(
    (",", ";", ".", ":", "and", "with", "on", "|", "•", "-", "/", "&", "for", "(", ")", "from", "due")
)
_GOES_ON: Final = frozenset(
    ("began", "started", "begun", "persists", "persisting", "continues", "continuing")
)
"""Words behind a date that make it the beginning of what lasts."""

_PARTS: Final = frozenset((",", "and", "or", "/", "&", "with", "(", "from", "after", "following", "for"))
"""Words between the items of a history, and between a lasting condition and what it came of."""

_CLAUSE_BACK: Final = 14
_CLAUSE_ENDS: Final = frozenset((",", ";", ".", ":", "but", "and"))


def date_direction(words: list[str], begin: int, hit: Hit, stop: int, rule: str) -> str:
    """Which way a date looks: on where it opens a clause or *for* follows; nowhere after an onset.

    A bare year that opens an item looks on only (*2015 appendectomy, 2018 hernia repair*).
    """
    if rule == AGE_ONLY:
        return "backward" if _happened_at(words, begin, hit, stop) else "none"
    before = words[hit.begin - 1] if hit.begin > begin else ":"
    after = words[hit.end] if hit.end < stop else "."
    if before in RESULTS:
        return "none"
    if before in _MADE and not TESTS.isdisjoint(words[max(begin, hit.begin - 4) : hit.begin]):
        return "none"
    if before in DIAGNOSED and rule != "hist.life":
        return "none"
    month = rule == "hist.year" and not any(word.isdigit() for word in words[hit.begin : hit.end])
    for index in range(hit.begin - 1, max(begin, hit.begin - _CLAUSE_BACK) - 1, -1):
        if month and words[index] in APPEARED:
            return "none"
        if words[index] in ONSET and not (words[index] == "since" and words[index + 1] in _SUBJECTS):
            return "none"
        if words[index] in _NEWLY or (words[index] == "first" and words[index + 1] in FIRST_SEEN):
            return "none"
        if words[index] in _CLAUSE_ENDS:
            break
    for index in range(hit.end, min(stop, hit.end + _CLAUSE_BACK)):
        if words[index] in _GOES_ON:
            return "none"
        if words[index] in _CLAUSE_ENDS and (index > hit.end or words[index] != ","):
            break
    opens = before in OPENERS
    if not opens and (after in _LEADS_ON or (after == "with" and _tells_visit(words, begin, hit))):
        return "both"
    if rule == "hist.year":
        on = opens and (after == ":" or (after[0].isalpha() and after not in NOT_ITEM))
        return "forward" if on else "backward"
    if opens and after[0] != ".":
        if _began(words, hit.end) and not _LATELY.isdisjoint(words[hit.begin : hit.end]):
            return "none"
        return "both" if before == "," else "forward"
    return "backward"


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
            if words[index] in _CLAUSE_ENDS:
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
    cancel = bisect_right(cancels, hit.end)
    if cancel >= len(cancels) or cancels[cancel] >= stop:
        return False
    if DIAGNOSED.isdisjoint(words[max(begin, hit.begin - 8) : hit.begin]):
        return False
    return words[cancels[cancel] - 1] in _NOW_ON


def drop_chronic(
    words: list[str], begin: int, end: int, chronic: Node, dates: list[int]
) -> list[tuple[int, int]]:
    """The parts of a history that are past: items that name a lasting condition and no date are taken out."""
    parts: list[tuple[int, int]] = []
    first = begin
    for index in range(begin, end + 1):
        if index == end or words[index] in _PARTS:
            if index > first:
                after = bisect_right(dates, first)
                dated = after < len(dates) and dates[after] <= index + 1
                if dated or not _names_chronic(words, first, index, chronic):
                    parts.append((first, index))
            first = index + 1
    return parts


def past_items(words: list[str], begin: int, end: int) -> list[tuple[int, int]]:
    """Items of a past history that name an operation or what happened once; ``words`` hold line ends."""
    items: list[tuple[int, int]] = []
    for index in range(begin, end):
        word = words[index]
        if (
            word not in ONCE
            and word not in _OPERATIONS
            and not (word.endswith(SURGICAL) and not word.endswith(_OPENING))
        ):
            continue
        if items and index < items[-1][1]:
            continue
        first = index
        while first > begin and index - first < ITEM and not ends_item(words[first - 1]):
            first -= 1
        last = index + 1
        while last < end and last - index < ITEM and not ends_item(words[last]):
            last += 1
        lasts = word not in EVENTS and words[last : last + 1] == ["on"]
        if not lasts and words[index + 1 : index + 2] != ["-"] and _NOT_PAST.isdisjoint(words[first:last]):
            items.append((first, last))
    return items


def lately(words: list[str], begin: int, end: int, stop: int) -> int:
    """Where an item ends: before *of* if it was done today, so that the illness is there still."""
    if "of" in words[begin:end]:
        until = next((at for at in range(end, min(stop, end + 3)) if words[at] in _CLAUSE_ENDS), end + 3)
        if not _TODAY.isdisjoint(words[end - 2 : until]):
            return words.index("of", begin, end)
    return end


def later_events(words: list[str], comma: int, stop: int, stops: Stops) -> list[tuple[int, int]]:
    """Items that name what happens once, in a list behind a history that its cue does not reach into.

    *Hx AF, stroke, DM, found on floor*: the list ends at the first item that holds another cue, a verb or
    more than four words.
    """
    out: list[tuple[int, int]] = []
    while comma < stop and words[comma] == ",":
        end = comma + 1
        while end < stop and words[end] not in (",", ".", ";"):
            if stops.any.get(end, 0) & ~HISTORICAL or _ended(stops, end):
                return out
            end += 1
        if end - comma > _EVENT_WORDS:
            return out
        if any(word in ONCE or word.endswith("ectomy") for word in words[comma + 1 : end]):
            out.append((comma + 1, end))
        comma = end
    return out


def _ended(stops: Stops, index: int) -> bool:
    found = stops.hard.get(index, 0) | stops.verb.get(index, 0) | stops.segment.get(index, 0)
    return bool(found & HISTORICAL)


def names_factors(words: list[str], hit: Hit) -> bool:
    """Whether a cue tells of risk factors: those listed behind it are there (*risk factors for CAD:*)."""
    return not _FACTORS.isdisjoint(words[hit.begin : hit.end])


def of_others(words: list[str], begin: int, end: int) -> list[tuple[int, int]]:
    """The parts of a family history without what it says of the patient (*no personal history of clots*)."""
    parts: list[tuple[int, int]] = []
    first = index = begin
    while index < end:
        if words[index] == "personal" and words[index + 1 : index + 2] in (["history"], ["hx"]):
            parts.append((first, index))
            while index < end and words[index] not in (";", ".") and not words[index].isspace():
                index += 1
            first = index
        index += 1
    parts.append((first, end))
    return [part for part in parts if part[0] < part[1]]


def ends_item(word: str) -> bool:
    """Whether a word or line end stands between items of a list."""
    return word in _ITEM_ENDS or (word.isspace() and bool(word.strip(" \t\u00a0")))


def names_event(words: list[str], begin: int, end: int) -> bool:
    """Whether an item of a history names an event or an operation: past even where it is treated now."""
    return any(word in EVENTS or word.endswith(SURGICAL) for word in words[begin:end])


def names_once(words: list[str], begin: int, end: int) -> bool:
    """Whether what one had then names an event, an injury or a treatment, which do not last."""
    return names_event(words, begin, end) or any(
        word in ONCE or word in INJURIES or word in TREATMENTS for word in words[begin:end]
    )


def _names_chronic(words: list[str], begin: int, end: int, chronic: Node) -> bool:
    if not PASSES.isdisjoint(words[begin : min(end, begin + 12)]):
        return False
    for index in range(begin, min(end, begin + 12)):
        node = chronic
        at = index
        while at < end and words[at] in node:
            node = node[words[at]]
            at += 1
            if "" in node:
                return True
    return False


def taken_back(words: list[str], cancels: list[int], ends: list[int], begin: int, stop: int) -> bool:
    """Whether words of the present follow a history before its clause ends.

    In the midst of a later item of a list they belong to that item (*hx DTs, schizophrenia on haldol*); at
    its beginning, to all before (*history of stroke, on aspirin*).
    """
    end = bisect_right(ends, begin)
    limit = ends[end] if end < len(ends) else stop
    cancel = bisect_right(cancels, begin)
    if cancel >= len(cancels) or cancels[cancel] >= limit:
        return False
    at = cancels[cancel]
    if _was_treated(words, at, stop) or _for_another(words, at, stop):
        return taken_back(words, cancels, ends, at + 1, stop)
    return words[at - 1] == "," or "," not in words[begin:at]


def _was_treated(words: list[str], at: int, limit: int) -> bool:
    """Whether a treatment was an operation, or is dated (*treated with INH for nine months in the 1970s*)."""
    if words[at] not in ("treated", "managed"):
        return False
    behind = words[at + 1 : min(limit, at + _TREATMENT)]
    if ";" in behind:
        behind = behind[: behind.index(";")]
    return any(word.endswith(SURGICAL) or word in _DATED or is_year(word) for word in behind)


def is_year(word: str) -> bool:
    """Whether a word is a year or a decade (*1998*, *1970s*)."""
    return len(word) in (4, 5) and word[:2] in ("19", "20") and word[:4].isdigit()


def _for_another(words: list[str], at: int, limit: int) -> bool:
    """Whether a drug is told to be for something else (*thyroid cancer, on Synthroid for hypothyroidism*)."""
    if words[at] != "on" or words[at - 1] != ",":
        return False
    behind = words[at + 1 : min(limit, at + 6)]
    if "for" not in behind[:-1]:
        return False
    after = behind[behind.index("for") + 1]
    return after.isalpha() and after not in _SPANS


def first_item(words: list[str], begin: int, end: int) -> int:
    """Where the first item of a list ends, or what it was done for begins."""
    return next((index for index in range(begin, end) if words[index] in (",", "and", "&", "for")), end)
