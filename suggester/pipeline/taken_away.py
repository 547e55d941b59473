"""What an operation or a treatment took away, and what it put in the place of what was ill."""

from __future__ import annotations

from typing import Final

from suggester.pipeline.automaton import SURGICAL
from suggester.pipeline.function_words import CANCERS, EXCISED, STILL_TREATED
from suggester.pipeline.past import ITEM, ends_item, is_year

_EXCISION: Final = frozenset(
    ("excision", "resection", "removal", "repair", "mohs", "wle", "leep", "chole", "appy")
)
_EXCISED: Final = CANCERS | EXCISED
"""Words for what an operation takes away."""

_TRACES: Final = frozenset(("recurrence", "disease", "recurrent", "residual"))
"""What is absent where a cancer is gone (*no evidence of disease*)."""

_TREATED: Final = frozenset(
    ("radiation", "xrt", "treated", "excised", "resected", "removed", "mohs", "surgery")
)
_ITEM_MARKS: Final = frozenset((",", ";", "(", "-", "s", "status", "diagnosed", "treated", "excised"))
"""What ends the name of a cancer before its story."""

_TAKEN_OUT: Final = frozenset(("excised", "resected", "removed", "extirpated", "enucleated"))
"""Words that open what is dated, behind a comma, and tell that what stands before is gone."""

_COMMAS: Final = 2
_SEVERAL: Final = frozenset((";", ":", "(")) | CANCERS
"""Words in the story of what is no cancer (*afib, ablation 2022, no recurrence*) that tell of several."""

_STORY: Final = 60
"""So many words the story of a cancer has at most."""

_REPLACING: Final = frozenset(
    ("replacement", "replacements", "transplant", "transplantation", "arthroplasty", "arthroplasties")
)
_SOUGHT: Final = frozenset(("no", "without", "for", "out", "exclude", "denies", "negative", "free", "?"))
"""Words shortly before such a word by which what it tells is absent or looked for (*for recurrence*)."""


def removed(words: list[str], begin: int, cue: int, first: int, last: int, stop: int) -> int:
    """Where the item begins, before *s/p* and an operation, that the operation took away; ``cue`` if none is.

    *Prostate cancer s/p prostatectomy* is over unless it is told to be treated, or the operation to be fresh.
    """
    apart = words[cue - 1] == ","
    if not any(
        word.endswith(SURGICAL) or word in _EXCISION or (not apart and is_year(word))
        for word in words[first:last]
    ):
        return cue
    index = cue - apart
    while index > begin and cue - index < ITEM and not ends_item(words[index - 1]):
        index -= 1
    if _EXCISED.isdisjoint(words[index:cue]) or _treated_still(words, begin, stop):
        return cue
    return index


def cured(words: list[str], begin: int, at: int, stop: int) -> int:
    """Where a cancer that opens a sentence ends, of which no trace is left; ``begin`` if it is not told so.

    *Breast cancer, lumpectomy and radiation 2010, no evidence of recurrence*: ``at`` is what is absent. What
    was done must be told as well, and no word that it is treated still.
    """
    if words[at] not in _TRACES or at - begin > _STORY:
        return begin
    end = next((index for index in range(begin, min(at, begin + ITEM)) if words[index] in _ITEM_MARKS), begin)
    story = words[begin:at]
    anything = words[at] == "recurrence" and story.count(",") <= _COMMAS and _SEVERAL.isdisjoint(story)
    if (CANCERS.isdisjoint(words[begin:end]) and not anything) or _treated_still(words, begin, stop):
        return begin
    done = words[end:at]
    told = any(word.endswith(SURGICAL) or word in _TREATED or is_year(word) for word in done)
    return end if told else begin


def operated(words: list[str], begin: int, first: int, last: int, stop: int) -> int:
    """Where a cancer begins that opens a sentence, before the dated operation that took it away.

    *Basal cell carcinoma of the nose, Mohs 2019*: ``[first, last)`` is what is dated; ``first`` if there is
    none.
    """
    if first - begin < 2 or words[first - 1] != ",":
        return first
    if words[first] in _TAKEN_OUT:
        index = first - 1
        while index > begin and first - index < ITEM and not ends_item(words[index - 1]):
            index -= 1
        return first if index == first - 1 or _treated_still(words, begin, stop) else index
    if first - begin > ITEM + ITEM or "," in words[begin : first - 1]:
        return first
    done = words[first:last]
    if not any(word.endswith(SURGICAL) or word in _EXCISION for word in done):
        return first
    if CANCERS.isdisjoint(words[begin : first - 1]) or _treated_still(words, begin, stop):
        return first
    return begin


def replaces(words: list[str], begin: int, end: int) -> bool:
    """Whether an operation puts something in the place of what was ill (*valve replacement for stenosis*)."""
    return not _REPLACING.isdisjoint(words[begin:end])


def _treated_still(words: list[str], begin: int, stop: int) -> bool:
    """Whether a word of ``STILL_TREATED`` stands there that is not said to be absent or only looked for."""
    return any(
        words[at] in STILL_TREATED and _SOUGHT.isdisjoint(words[max(begin, at - 3) : at])
        for at in range(begin, stop)
    )
