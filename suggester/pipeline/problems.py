"""Problem blocks: inside an assessment, plan or hospital course, the problem that heads what follows.

``1. CHF - stable``, ``# Diabetes``, ``**Hypertension**``, ``Hypertension:`` and a short line of its own that
is followed by list items are headings; the body runs to the next heading or the end of the section.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from suggester.pipeline.headings import Heading
from suggester.pipeline.layout import Layout
from suggester.pipeline.tokenizer import TokenTable

BLOCKED: Final = frozenset(
    (
        "assessment",
        "plan",
        "assessment_plan",
        "problem_list",
        "hospital_course",
        "impression",
        "discharge_diagnosis",
    )
)
"""Kinds of section that hold problem blocks."""

_LIST: Final = frozenset(("bullet", "check", "letter"))
_MAX_HEADING: Final = 14


@dataclass(frozen=True, slots=True)
class ProblemBlock:
    """A problem heading and what stands under it, as half-open token ranges.

    ``section`` is the index of the section. ``form`` says what made it a heading: ``number``, ``hash``,
    ``bold``, ``colon`` or ``line``. A heading with nothing under it has the empty body that begins where it
    begins.
    """

    section: int
    heading: tuple[int, int]
    body: tuple[int, int]
    form: str


def _heading_end(table: TokenTable, begin: int, stop: int) -> int:
    """End of the heading part of a line: before its first ``:``, `` - ``, ``.`` or ``;``."""
    text = table.text
    for index in range(begin, stop):
        piece = text[index]
        if piece in (":", ";"):
            return index
        if piece in ".!?" and (index + 1 >= stop or table.start[index + 1] > table.end[index]):
            return index
        if piece in "-–—" and index > begin and table.start[index] > table.end[index - 1]:
            return index
    return stop


def find_problems(
    table: TokenTable,
    layout: Layout,
    section_of: list[int],
    kinds: list[str],
    titles: list[tuple[int, int]],
    headings: dict[int, Heading],
) -> list[ProblemBlock]:
    """The problem blocks of a note, in order."""
    found: list[tuple[int, int, int, int, str]] = []
    count = len(layout)
    for line in range(count):
        first = layout.first[line]
        if first < 0 or layout.mark[line] == "rule":
            continue
        section = section_of[first]
        kind = kinds[section]
        if kind not in BLOCKED:
            continue
        begin = layout.body[line]
        if begin < 0:
            continue
        stop = layout.last[line] + 1
        title = titles[section]
        if first <= title[0] < stop:
            continue
        form = _form(table, layout, line, kind, headings.get(line))
        if not form:
            continue
        if form == "bold" or form == "colon":
            heading = headings[line]
            begin, end = heading.start, heading.stop
        else:
            end = _heading_end(table, begin, stop)
        while end > begin and table.is_space[end - 1]:
            end -= 1
        if end > begin:
            found.append((section, begin, end, first, form))
    blocks: list[ProblemBlock] = []
    size = len(table)
    for number, (section, begin, end, _, form) in enumerate(found):
        limit = size
        if number + 1 < len(found) and found[number + 1][0] == section:
            limit = found[number + 1][3]
        else:
            limit = _section_end(section_of, section, end)
        body = (end, limit) if end < limit else (begin, begin)
        blocks.append(ProblemBlock(section, (begin, end), body, form))
    return blocks


def _section_end(section_of: list[int], section: int, begin: int) -> int:
    """First token after ``begin`` of a later section (binary search: the list never falls)."""
    low, high = begin, len(section_of)
    while low < high:
        middle = (low + high) // 2
        if section_of[middle] <= section:
            low = middle + 1
        else:
            high = middle
    return low


def _form(table: TokenTable, layout: Layout, line: int, kind: str, heading: Heading | None) -> str:
    """What makes the line a problem heading, or nothing."""
    mark = layout.mark[line]
    if mark == "hash":
        return "hash"
    followed = _followed_by_items(layout, line)
    if mark == "number":
        if kind != "plan" or followed or (heading is not None and heading.form in ("colon", "dash")):
            return "number"
        return ""
    if heading is None or mark in _LIST:
        return ""
    alone = heading.body > layout.last[line]
    if heading.bold and (alone or heading.form == "colon"):
        return "bold"
    if heading.words > 8 or heading.case == "lower":
        return ""
    if heading.form == "colon" and kind != "discharge_diagnosis":
        return "colon"
    if alone and heading.form in ("alone", "dot") and followed and kind != "discharge_diagnosis":
        return "line"
    return ""


def _followed_by_items(layout: Layout, line: int) -> bool:
    """Whether the next line that is not blank is a list item or indented deeper."""
    following = line + 1
    while following < len(layout) and layout.first[following] < 0 and following < line + 3:
        following += 1
    if following >= len(layout) or layout.first[following] < 0:
        return False
    return layout.mark[following] in _LIST or layout.indent[following] > layout.indent[line]
