"""The way to a more specific code: which words a note has for it, and which it lacks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from suggester.codesets.words import words
from suggester.errors import UnknownCodeError
from suggester.review.codebook import CodeBook
from suggester.review.types import LadderStep
from suggester.types import Code, System

__all__ = ["ladder"]

_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*|\d+")
_VAGUE = frozenset(words("unspecified other not elsewhere classified nec nos"))
_LITTLE = frozenset(
    "of with without and or the in to due for by a an as at on from".split()  # noqa: SIM905
)
_MOST_NEAR = 400
_FEWEST_NEAR = 2


def ladder(
    codebook: CodeBook, system: System, code: str, *, text: str, on: date | None, most: int = 8
) -> tuple[LadderStep, ...]:
    """More specific billable codes near a code, those first for which the note lacks the fewest words.

    Parameters
    ----------
    codebook
        The code sets.
    system, code
        The code that was chosen. Only ICD-10-CM has a hierarchy to climb.
    text
        Words of the note that may support a step.
    on
        Day of service.
    most
        Most steps.
    """
    if system != "ICD-10-CM":
        return ()
    own = codebook.code(system, code, on)
    own_words = set(_stems(own.display))
    have = set(words(text))
    steps: list[LadderStep] = []
    for near in _near(codebook, own, on):
        if near.code == own.code or not near.billable:
            continue
        extra = {stem: word for stem, word in _stems(near.display).items() if stem not in own_words}
        if not extra or _VAGUE & _stems(near.display).keys():
            continue
        steps.append(
            LadderStep(
                system=system,
                code=near.code,
                display=near.display,
                missing=tuple(word for stem, word in extra.items() if stem not in have),
                present=tuple(word for stem, word in extra.items() if stem in have),
            )
        )
    steps.sort(key=lambda step: (len(step.missing), -len(step.present), step.code))
    return tuple(steps[:most])


def _stems(display: str) -> dict[str, str]:
    """Words of a title by their stem, without little ones."""
    found: dict[str, str] = {}
    for word in _WORD.findall(display):
        if word.lower() not in _LITTLE:
            for stem in words(word):
                found.setdefault(stem, word.lower())
    return found


def _near(codebook: CodeBook, own: Code, on: date | None) -> Sequence[Code]:
    """Billable codes below a code, or else around it: below its parent, or one level higher."""
    catalog = codebook.catalog
    try:
        tops = [own.code, *(c.code for c in catalog.ancestors(own.system, own.code, on))]
    except UnknownCodeError:  # a seventh character without a row of its own
        return ()
    best: list[Code] = []
    for top in tops:
        if " " in top:  # blocks and chapters are too wide
            break
        found = _below(codebook, own.system, top, on)
        best = found or best
        if len(found) > _FEWEST_NEAR:
            break
    return best


def _below(codebook: CodeBook, system: System, top: str, on: date | None) -> list[Code]:
    found: list[Code] = []
    waiting = [top]
    while waiting and len(found) < _MOST_NEAR:
        for code in codebook.catalog.children(system, waiting.pop(), on):
            if code.billable:
                found.append(code)
            else:
                waiting.append(code.code)
    return found
