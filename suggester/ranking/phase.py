"""Encounter phase of a note's injuries: active treatment, care while they heal, or what they left.

Source: ICD-10-CM guidelines I.C.19.a (7th characters A, D and S).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from suggester.pipeline.reading import Reading
from suggester.ranking.resolve import Phase
from suggester.types import Setting

_HEAD: Final = 150
"""Tokens at the beginning of a note that say what it is for."""
_TITLE: Final = 15
"""Tokens of the title, which says what a stay is for."""
_HEALING: Final = frozenset(("aftercare", "healing", "rehabilitation", "rehab"))
_AFTER_SURGERY: Final = frozenset(("postop", "postoperative", "op", "operative", "pod"))
_OF_A_REPORT: Final = frozenset(
    ("diagnosis", "diagnoses", "dx", "diag", "condition", "impression", "plan", "instructions", "orders")
)
"""Words behind *postoperative* in the report of an operation, which is active treatment."""
_OPERATION: Final = frozenset(("preoperative", "preop", "anesthesia", "ebl"))
_FOLLOWING: Final = (("follow", "up"), ("follow", "-", "up"), ("followup",), ("f", "/", "u"))
_FOLLOWED: Final = frozenset(("recheck", *(words[0] for words in _FOLLOWING)))
"""Words that may begin one of these, or say it alone."""
_REPAIRED: Final = frozenset(
    ("orif", "crpp", "pinning", "fixation", "reduction", "repair", "nailing", "cast")
)
_TO_COME: Final = frozenset(
    (
        *("will", "should", "must", "please", "needs", "need", "return", "rtc", "schedule", "scheduled"),
        *("arrange", "arranged", "recommend", "recommended", "advised", "instructed", "discharged", "close"),
        *("ensure", "plan", "planned", "appointment", "appt", "no", "refer", "referred", "pending"),
    )
)
"""Words before *follow-up* that make it one to come."""
_SEEN_IN: Final = frozenset(("for", "in", "routine", "week", "weeks", "month", "months", "op", "here"))
"""Words right before it that make it what the visit is for."""
_WHERE_OR_WHEN: Final = frozenset(
    (
        *(
            "with",
            "w",
            "in",
            "within",
            "as",
            "if",
            "at",
            "by",
            "prn",
            "when",
            "next",
            "instructions",
            "sooner",
        ),
        *(
            "tmrw",
            "tomorrow",
            "mon",
            "tue",
            "tues",
            "wed",
            "thu",
            "thur",
            "thurs",
            "fri",
            "sat",
            "sun",
            "here",
        ),
        *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "clear", "or"),
    )
)
"""Words behind it that tell where or when it is to be."""
_START: Final = 3
"""Tokens at the start of a note, where a time behind *follow-up* is how long ago it was (*f/u 6 wk*)."""
_PLANNED: Final = frozenset(
    ("plan", "instructions", "disposition", "discharge_instructions", "orders", "goals")
)
"""Kinds of section in which it is one to come."""


def note_phase(reading: Reading, setting: Setting | None) -> Phase:
    """Encounter phase of the injuries that a note does not speak of by itself.

    Active treatment unless the note says that it is of follow-up or of healing; a hospital stay is active
    treatment unless it is for rehabilitation.
    """
    if setting == "emergency":
        return "initial"
    head, kinds = reading.table.lower[:_HEAD], reading.section_kind
    have = frozenset(head)
    if "sequela" in have or "sequelae" in have:
        return "sequela"
    if setting == "inpatient":
        return "initial" if _HEALING.isdisjoint(head[:_TITLE]) else "subsequent"
    if any(_heals(head, at) for at in range(len(head)) if head[at] in _HEALING):
        return "subsequent"
    if not _OPERATION.isdisjoint(have):
        return "initial"
    follows = not _FOLLOWED.isdisjoint(have) and _comes_to_follow_up(head, kinds)
    operated = not (_AFTER_SURGERY.isdisjoint(have) and _REPAIRED.isdisjoint(have))
    return "subsequent" if follows or (operated and _comes_after_surgery(head, kinds)) else "initial"


def _heals(words: Sequence[str], at: int) -> bool:
    """Whether a word says that what is treated heals; not that it fails to, or that a stay is for rehab."""
    before = words[at - 1] if at else ""
    return before not in ("not", "non", "poor", "delayed", "if") and words[at + 1 : at + 2] not in (
        ["stay"],
        ["facility"],
        ["potential"],
    )


def _comes_to_follow_up(words: Sequence[str], kinds: Sequence[str]) -> bool:
    """Whether a note names follow-up as what the visit is for, and not as what is to come."""
    for at, word in enumerate(words):
        if word == "recheck" and not _is_to_come(words, kinds, at, at + 1):
            return True
        if word not in _FOLLOWED:
            continue
        for phrase in _FOLLOWING:
            end = at + len(phrase)
            if tuple(words[at:end]) == phrase and not _is_to_come(words, kinds, at, end):
                return True
    return False


def _is_to_come(words: Sequence[str], kinds: Sequence[str], first: int, end: int) -> bool:
    """Whether the follow-up that stands at some words is one that is ordered."""
    if kinds[first] in _PLANNED:
        return True
    before = words[max(0, first - 4) : first]
    behind = words[end] if end < len(words) else ""
    told = (
        behind in _WHERE_OR_WHEN
        or behind.isdigit()
        or (behind[:1].isdigit() and first > _START)
        or kinds[first] in ("assessment_plan", "assessment")
    )
    here = bool(before) and before[-1] in _SEEN_IN
    return not _TO_COME.isdisjoint(before) or (told and not here)


def _comes_after_surgery(words: Sequence[str], kinds: Sequence[str]) -> bool:
    """Whether a visit follows an operation (*postop check*, *6 wk s/p ORIF*)."""
    for at, word in enumerate(words):
        if word in _AFTER_SURGERY and (word[0] == "p" or "post" in words[max(0, at - 2) : at]):
            if _OF_A_REPORT.isdisjoint(words[at + 1 : at + 3]) and kinds[at] not in _PLANNED:
                return True
        elif word in _REPAIRED and ("s", "/", "p") in _threes(words[max(0, at - 5) : at]):
            return True
    return False


def _threes(words: Sequence[str]) -> set[tuple[str, str, str]]:
    return set(zip(words, words[1:], words[2:], strict=False))
