"""Do codes say as much as the words do, and nothing against them: side, encounter phase, kind."""

from __future__ import annotations

from collections.abc import Iterator

from suggester.rules.case import Case, Placed
from suggester.rules.registry import Finding, rule
from suggester.rules.sides import by_side, other_words, side_of

GROUP = "Words and specificity"
_SIDE = "ICD-10-CM guidelines FY2026 I.B.13"
_PHASE = "ICD-10-CM guidelines FY2026 I.C.19.a"
_SPECIFIC = "ICD-10-CM guidelines FY2026 I.B.2, I.B.18"
_UNSPECIFIED = ("unspecified", "without complication", " nos")

_EMPTY = frozenset(("without", "complication", "uncomplicated", "no", "not", "otherwise", "specified", "or"))
"""Words of an unspecified title that say nothing of the condition (``no`` is what is left of *NOS*)."""

_PHASES = (("sequela", "sequela"), ("subsequent", "subsequent"), ("initial", "initial"))


def documented_side(item: Placed) -> str | None:
    """The one side that the words give; right and left together are bilateral, None where none is given."""
    sides = item.item.values("laterality")
    if "bilateral" in sides or {"right", "left"} <= sides:
        return "bilateral"
    return next(iter(sides), None)


def is_unspecified(title: str) -> bool:
    """Whether a title in lower case says that something is not known."""
    return any(word in title for word in _UNSPECIFIED)


def says_less(title: str, other: str) -> bool:
    """Whether one title in lower case is the other's condition, unspecified.

    >>> says_less("rosacea, unspecified", "other rosacea"), says_less("rosacea, unspecified", "blepharitis")
    (True, False)
    """
    if not is_unspecified(title) or is_unspecified(other):
        return False
    return other_words(title) - _EMPTY <= other_words(other)


@rule("specificity.side_known", severity="warning", source=_SIDE, group=GROUP)
def side_known(case: Case) -> Iterator[Finding]:
    """The code leaves the side open while the words give it."""
    for item in case.diagnoses:
        side = documented_side(item)
        if side is None or side_of(case.title(item)) != "unspecified":
            continue
        codes = by_side(case.book, item.row)
        better = codes.get(side)
        if better is not None and codes.get("unspecified") == item.row:
            yield Finding(
                f"the words say {side}; use {case.book.code(better)} instead of {item.code}",
                (item.code,),
                words=item.item.words,
            )


@rule("words.side", severity="error", source=_SIDE, group=GROUP)
def side_differs(case: Case) -> Iterator[Finding]:
    """The code has one side and the words give another."""
    for item in case.diagnoses:
        said = documented_side(item)
        coded = side_of(case.title(item)) if said is not None else None
        if said is None or coded not in ("right", "left", "bilateral") or coded == said:
            continue
        codes = by_side(case.book, item.row)
        if "right" not in codes or "left" not in codes:
            continue  # not a code that exists for each side
        if said == "bilateral" and "bilateral" not in codes:
            continue  # each side has its own code
        better = codes.get(said)
        hint = f"use {case.book.code(better)}" if better is not None else "choose the code of that side"
        yield Finding(
            f"{item.code} is {coded} and the words say {said}; {hint} or check the words",
            (item.code,),
            words=item.item.words,
        )


def coded_phase(case: Case, item: Placed) -> str | None:
    """The encounter phase that the 7th character of a code says, None for codes without one."""
    if not case.book.store.is_extension(item.row):
        return None
    base = case.book.title(case.book.lineage(item.row)[1])
    meaning = case.title(item).removeprefix(base)
    if "initial" not in meaning and "subsequent" not in meaning and "sequela" not in meaning:
        return None
    return next(phase for word, phase in _PHASES if word in meaning)


@rule("words.phase", severity="warning", source=_PHASE, group=GROUP)
def phase_differs(case: Case) -> Iterator[Finding]:
    """The 7th character says one phase of care and the words another."""
    for item in case.diagnoses:
        said = item.item.values("phase")
        coded = coded_phase(case, item) if len(said) == 1 else None
        if coded is None or coded in said:
            continue
        (phase,) = said
        base = case.book.lineage(item.row)[1]
        better = ", ".join(
            case.book.code(row)
            for row in case.book.store.children(base)
            if phase in case.book.title(row).removeprefix(case.book.title(base))
        )
        yield Finding(
            f"{item.code} is for {_article(coded)} and the words say {phase}; use {better or 'its own code'}",
            (item.code,),
            words=item.item.words,
        )


def _article(phase: str) -> str:
    return "a sequela" if phase == "sequela" else f"{'an' if phase == 'initial' else 'a'} {phase} encounter"


@rule("specificity.supported", severity="warning", source=_SPECIFIC, group=GROUP, stages=("note", "claim"))
def specific_supported(case: Case) -> Iterator[Finding]:
    """The code is unspecified while the note supports a more specific one of its category."""
    for item in case.diagnoses:
        if item.code[0] in "VWXYZ" or not is_unspecified(case.title(item)):
            continue
        better = [
            code
            for code in case.subject.supported
            if code[:3] == item.code[:3]
            and code != item.code
            and (row := case.book.row(code)) is not None
            and says_less(case.title(item), case.book.title(row))
        ]
        if better:
            shown = ", ".join(better[:3])
            yield Finding(
                f"{item.code} is unspecified and the note supports {shown}; use that if it is the same",
                (item.code, *better[:3]),
                words=item.item.words,
            )
