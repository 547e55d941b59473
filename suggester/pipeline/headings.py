"""Find the heading of a line: its title words, how it is written, and where its body begins.

One function, ``read_heading``, looks at the first tokens of one line only; what a heading means is decided in
``suggester.pipeline.sections``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from suggester.pipeline.layout import Layout
from suggester.pipeline.titles import MAX_WORDS, join_key
from suggester.pipeline.tokenizer import TokenTable

Form = Literal["alone", "colon", "dash", "dot", "gap"]
"""How a title ends: with its line, with ``:``, with `` - ``, with ``.`` or with a run of blanks."""

_BOLD: Final = frozenset("*_")
_DECORATION: Final = frozenset("*_=~<>[]|►▶■")
_JOIN: Final = frozenset("&/+")
_DASHES: Final = frozenset("-–—")
_MAX_TOKENS: Final = 40


@dataclass(slots=True)
class Heading:
    """What may be a heading at the beginning of a line.

    ``start`` and ``stop`` bound the title words (tokens); ``body`` is the first token after the heading and
    its punctuation. ``case`` is ``caps``, ``title`` (every long word begins with a capital), ``first`` (the
    first word does) or ``lower``.
    """

    key: str
    start: int
    stop: int
    body: int
    form: Form
    case: Literal["caps", "title", "first", "lower"]
    bold: bool
    words: int
    digits: int


def _case_of_one(word: str) -> Literal["caps", "title", "lower"]:
    if word.isupper():
        return "caps" if word[0].isalpha() else "lower"
    return "title" if word[0].isupper() and word[0].isalpha() else "lower"


def _case(words: list[str]) -> Literal["caps", "title", "first", "lower"]:
    if len(words) == 1:
        return _case_of_one(words[0])
    letters = [word for word in words if word[0].isalpha()]
    if not letters:
        return "lower"
    if not letters[0][0].isupper():
        return "lower"
    if all([word.isupper() for word in letters]):
        return "caps"
    return "title" if all([word[0].isupper() or len(word) < 4 for word in letters]) else "first"


def _one_word(table: TokenTable, index: int, bold: bool) -> Heading:
    """The heading that a line of one word is."""
    word = table.text[index]
    lower = table.lower[index]
    after = index + 1
    case = _case_of_one(word)
    digits = 1 if word[0].isdigit() else 0
    return Heading(lower if lower != "and" else "", index, after, after, "alone", case, bold, 1, digits)


def read_heading(table: TokenTable, layout: Layout, line: int) -> Heading | None:
    """The heading at the beginning of a line, or None where the line cannot begin with one."""
    index = layout.body[line]
    if index < 0:
        return None
    text, lower, is_word, is_space = table.text, table.lower, table.is_word, table.is_space
    stop_at = min(layout.last[line] + 1, index + _MAX_TOKENS)
    line_end = layout.last[line] + 1
    bold = False
    while index < stop_at and (text[index] in _DECORATION or is_space[index]):
        bold = bold or text[index] in _BOLD
        index += 1
    if index >= stop_at or not is_word[index]:
        return None
    begin = index
    if index == layout.last[line]:
        return _one_word(table, index, bold)
    parts: list[str] = []
    words: list[str] = []
    title_end = index
    form: Form | None = None
    while index < stop_at:
        piece = text[index]
        if is_word[index]:
            try:
                title_end = min(is_word.index(False, index), stop_at)  # a line end is no word
            except ValueError:
                title_end = stop_at
            if len(words) + title_end - index > MAX_WORDS:
                return None
            parts += lower[index:title_end]
            words += text[index:title_end]
            index = title_end
            continue
        if piece == ":":
            form = "colon"
            index += 1
            break
        if piece in _JOIN:
            parts.append("and")
        elif piece == "(":
            closing = index + 1
            while closing < stop_at and text[closing] != ")":
                closing += 1
            if closing >= stop_at:
                return None
            index = closing
        elif piece in _BOLD:
            after = index
            while after < line_end and (text[after] in _BOLD):
                after += 1
            if after < line_end and text[after] == ":":
                form, index = "colon", after + 1
            elif after >= line_end:
                form, index = "alone", after
            elif bold:
                form, index = "gap", after
            else:
                return None
            break
        elif piece in _DASHES:
            before = table.start[index] > table.end[index - 1]
            if before and index + 1 < line_end and table.start[index + 1] > table.end[index]:
                form, index = "dash", index + 1
                break
        elif is_space[index]:
            form, index = "gap", index + 1
            break
        elif piece == ".":
            after = index + 1
            while after < line_end and text[after] in _BOLD:
                after += 1
            if after >= line_end or (bold and after > index + 1):
                form, index = "dot", after
                break
            return None
        elif piece in _DECORATION:
            pass
        elif piece not in (",", "'", "’", "#"):
            return None
        index += 1
    if form is None:
        if stop_at < line_end:
            return None
        form = "alone"
    while index < line_end and (text[index] in _BOLD or is_space[index]):
        index += 1
    if index >= line_end and form == "gap":
        form = "alone"
    return Heading(
        key=join_key(parts),
        start=begin,
        stop=title_end,
        body=index,
        form=form,
        case=_case(words),
        bold=bold,
        words=len(words),
        digits=sum([word[0].isdigit() for word in words]),
    )
