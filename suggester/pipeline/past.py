"""The past: which conditions of a history are not over, and which of its items happened once."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from suggester.pipeline.automaton import HISTORICAL, SURGICAL
from suggester.pipeline.cues import Node
from suggester.pipeline.function_words import (
    EVENTS,
    INJURIES,
    ONCE,
    PASSES,
    TREATMENTS,
)
from suggester.pipeline.scopes import Hit, Stops

_TREATMENT: Final = 14

_DATED: Final = TREATMENTS | {"ago", "childhood", "course", "courses", "antibiotics"}
"""Words that tell of a treatment that it is over."""

_SPANS: Final = frozenset(("the", "this", "many", "several", "years", "months", "which", "it", "prevention"))
"""Words behind *for* with which it tells how long or for this very thing."""

ITEM: Final = 8
"""An item of a list reaches at most so many tokens from the word that makes it past."""

_OPENING: Final = ("ostomy", "ostomies")
"""Ends of operations that leave an opening behind, which is still there."""

_EVENT_WORDS: Final = 5

_OPERATIONS: Final = frozenset(
    ("extraction", "repair", "removal", "excision", "resection", "fixation", "reconstruction", "arthroscopy")
)
"""Operations that an item of a past history names, besides those that their endings tell."""

_TODAY: Final = frozenset(("today", "yesterday", "tonight", "morning", "overnight"))

_FACTORS: Final = frozenset(("factor", "factors"))

_NOT_PAST: Final = frozenset(
    (
        *("no", "not", "denies", "denied", "never", "without", "negative", "none"),
        *("chronic", "recurrent", "current", "active", "ongoing", "frequent"),
    )
)
"""Words of an item of a past history that is absent or lasts."""

_LAST_LETTERS: Final = frozenset(ending[-4:] for ending in SURGICAL)
"""How what ends like an operation ends, to look at few words more closely."""

_MARKS: Final = frozenset((",", ";", "."))
_UNDONE: Final = _NOT_PAST | frozenset(
    (
        *("for", "planned", "scheduled", "elective", "repeat", "performed", "undergoing", "undergo", "today"),
        *("declined", "declines", "refused", "refuses", "candidate", "consider", "considering", "offered"),
        *("awaiting", "pending", "tomorrow", "recommended", "recommend", "will", "needs", "possible", "plan"),
        *(
            "done",
            "here",
            "now",
            "new",
            "is",
            "after",
            "discussed",
            "vs",
            "or",
            "eval",
            "evaluation",
            "may",
            "if",
            "consult",
        ),
    )
)
"""Words of an item with which an operation is not one of the past."""

_ITEM_ENDS: Final = frozenset(
    (",", ";", ".", ":", "and", "with", "on", "|", "•", "-", "/", "&", "for", "(", ")", "from", "due")
)

_PARTS: Final = frozenset((",", "and", "or", "/", "&", "with", "(", "from", "after", "following", "for"))
"""Words between the items of a history, and between a lasting condition and what it came of."""

CLAUSE_ENDS: Final = frozenset((",", ";", ".", ":", "but", "and"))
"""Words that end a clause, as far as dates are concerned."""


def drop_chronic(
    words: list[str], begin: int, end: int, chronic: Node, dates: list[int]
) -> list[tuple[int, int]]:
    """The parts of a history that are past: items that name a lasting condition and no date are taken out."""
    parts: list[tuple[int, int]] = []
    first = begin
    for index in range(begin, end + 1):
        if index == end or (
            words[index] in _PARTS and (words[index] != "for" or names_once(words, first, index))
        ):
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


def operations(words: list[str], begin: int, stop: int, stops: Stops) -> list[tuple[int, int]]:
    """Short items of a list that name an operation alone, in a sentence that tells of the past elsewhere.

    *Thyroid cancer 2010, total thyroidectomy, now hypothyroid*: what is neither planned nor done today has
    been done.
    """
    items = []
    for index in range(begin, stop):
        word = words[index]
        if word not in _OPERATIONS and (
            word[-4:] not in _LAST_LETTERS or not word.endswith(SURGICAL) or word.endswith(_OPENING)
        ):
            continue
        first = index
        while first > begin and index - first < _EVENT_WORDS and words[first - 1] not in _MARKS:
            first -= 1
        last = index + 1
        while last < stop and last - index < _EVENT_WORDS and words[last] not in _ITEM_ENDS:
            last += 1
        if first == begin or last - first > _EVENT_WORDS or words[first - 1] not in _MARKS:
            continue
        if _UNDONE.isdisjoint(words[first:last]) and not any(map(stops.any.get, range(first, last))):
            items.append((first, last))
    return items


def lately(words: list[str], first: int, end: int, stop: int) -> int:
    """Where an item ends that was done so lately that what it was done for is there still; -1 if it was not.

    That is before *of* if it was done today (*underwent repair of a fracture this morning*).
    """
    if "of" in words[first:end]:
        until = next((at for at in range(end, min(stop, end + 3)) if words[at] in CLAUSE_ENDS), end + 3)
        if not _TODAY.isdisjoint(words[end - 2 : until]):
            return words.index("of", first, end)
    return -1


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


_SELF = frozenset(("himself", "herself"))
_OWN = {"personal": frozenset(("history", "hx")), **dict.fromkeys(("he", "she", "patient", "pt"), _SELF)}
"""Words that begin what a family history says of the patient, and what must stand behind each."""


def of_others(words: list[str], begin: int, end: int) -> list[tuple[int, int]]:
    """The parts of a family history without what it says of the patient.

    *No personal history of clots*, *He himself has gout*.
    """
    parts: list[tuple[int, int]] = []
    first = index = begin
    while index < end:
        own = _OWN.get(words[index])
        if own is not None and not own.isdisjoint(words[index + 1 : index + 2]):
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
