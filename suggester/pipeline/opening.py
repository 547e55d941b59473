"""Decide whether a heading opens a section, from its words, its form and the section it stands in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from suggester.pipeline.function_words import PLAN_ITEMS
from suggester.pipeline.headings import Heading
from suggester.pipeline.layout import Layout
from suggester.pipeline.titles import Titles
from suggester.pipeline.tokenizer import TokenTable

_KEEPS_LABELS: Final = frozenset(
    (
        "exam",
        "ros",
        "vitals",
        "labs",
        "imaging",
        "results",
        "medications",
        "allergies",
        "discharge_medications",
    )
)
"""Sections in which a label in capitals that is no title (``LUNGS:``, ``WBC:``) belongs to the section."""

_LISTS: Final = frozenset(("past_medical", "past_surgical", "family"))
"""Sections written as lists, often in capitals, whose next line is no title (``TIA 2019``, ``CHF``)."""

_BODY_SECTIONS: Final = frozenset(("exam", "ros"))

PLANS: Final = frozenset(
    ("assessment", "plan", "assessment_plan", "problem_list", "hospital_course", "instructions")
)
FORM_FIELDS: Final = frozenset(("header", "time"))
_SINGLE: Final = frozenset(("s", "o", "a", "p"))


@dataclass(slots=True)
class Opening:
    """A section as found: where its line, title and body begin (token indices)."""

    kind: str
    first: int
    start: int
    stop: int
    body: int
    level: int = 0


class TitleJudge:
    """Decides what a heading opens; holds nothing but the vocabulary of titles."""

    def __init__(self, titles: Titles) -> None:
        self.titles = titles

    def opens(
        self,
        table: TokenTable,
        layout: Layout,
        line: int,
        heading: Heading,
        current: Opening,
        caps_note: bool,
    ) -> str | None:
        """The kind of section that a heading opens, or None where it opens none."""
        mark = layout.mark[line]
        alone = heading.form == "alone" or heading.body > layout.last[line]
        ruled = underlined(layout, line) and alone
        marked = heading.bold or mark == "hash" or ruled
        caps = heading.case == "caps" and not caps_note
        found = self.titles.lookup(heading.key)
        if found is not None and self._takes(layout, line, heading, current, found, alone, marked, caps):
            return found[0]
        if current.kind in PLANS:
            return None
        return self._unknown(table, layout, line, heading, current, alone, marked, caps, ruled)

    def _takes(
        self,
        layout: Layout,
        line: int,
        heading: Heading,
        current: Opening,
        found: tuple[str, str],
        alone: bool,
        marked: bool,
        caps: bool,
    ) -> bool:
        """Whether a known title opens its section here."""
        kind, strength = found
        mark = layout.mark[line]
        form = heading.form
        if heading.key in self.titles.subheadings and current.kind in _BODY_SECTIONS and mark != "hash":
            return False
        if heading.key in _SINGLE:
            return heading.case == "caps" and form in ("colon", "alone") and not (mark and alone)
        if form == "colon" and not alone and kind == current.kind and not marked:
            return False
        if (
            kind in FORM_FIELDS
            and current.kind != "header"
            and not alone
            and not (kind == "time" and (caps or marked))
        ):
            return False
        if mark in ("bullet", "number", "letter", "check") and not heading.bold:
            if current.kind in PLANS and not caps:
                return False
            if alone and form != "colon" and heading.case != "caps":
                return False
        blank_before = line == 0 or layout.first[line - 1] < 0
        if (
            current.kind in ("plan", "assessment_plan")
            and kind in PLAN_ITEMS
            and not (alone or marked or caps)
        ):
            return blank_before and strength == "strong"
        if strength == "weak" and not (marked or caps or (alone and form in ("alone", "colon"))):
            return (
                current.kind == "header" and form == "colon" and heading.case != "lower" and kind != "header"
            )
        if form == "colon":
            return heading.case != "lower" or alone or strength == "strong"
        if form == "alone":
            return marked or caps or heading.case != "lower" or blank_before
        if form == "dot":
            return marked or (
                (caps or heading.case in ("caps", "title")) and not mark and strength == "strong"
            )
        if form == "gap":
            return marked or heading.case == "caps"
        return (
            marked
            or heading.case == "caps"
            or (heading.case == "title" and strength == "strong" and not mark)
        )

    def _unknown(
        self,
        table: TokenTable,
        layout: Layout,
        line: int,
        heading: Heading,
        current: Opening,
        alone: bool,
        marked: bool,
        caps: bool,
        ruled: bool,
    ) -> str | None:
        """``other`` where a title that is not known opens a section."""
        if heading.key in self.titles.subheadings or heading.digits * 2 > heading.words:
            return None
        mark = layout.mark[line]
        if (
            current.kind in _LISTS
            and heading.form == "alone"
            and not heading.bold
            and not (mark or ruled)
            and line
            and layout.first[line - 1] >= 0
        ):
            return None
        if mark == "hash" and alone:
            return "other" if layout.level[line] <= max(current.level, 1) else None
        if ruled and heading.case != "lower":
            return "other" if current.first or line else None
        if current.kind == "header" and current.start == current.stop and line < 3:
            return None
        if current.kind in _KEEPS_LABELS and not (alone and heading.bold):
            blank_before = line == 0 or layout.first[line - 1] < 0
            if not (caps and alone and blank_before and heading.words > 1):
                return None
        if heading.bold and alone and heading.case != "lower":
            return "other"
        if not caps or mark not in ("", "number"):
            return None
        letters = sum(
            len(table.text[index]) for index in range(heading.start, heading.stop) if table.is_word[index]
        )
        if heading.form == "colon":
            return "other" if (heading.words > 1 and letters > 6) or letters > 5 else None
        if heading.form == "alone" and heading.words < 8 and letters > 4:
            following = line + 1 < len(layout) and layout.first[line + 1] >= 0
            before = line == 0 or layout.first[line - 1] < 0
            return "other" if before or following else None
        return None


def underlined(layout: Layout, line: int) -> bool:
    """Whether the next line is a rule and this one no list item."""
    return line + 1 < len(layout) and layout.mark[line + 1] == "rule" and layout.mark[line] in ("", "number")
