"""Negation written as form, not as words: empty check boxes, ``(-)``, plus and minus lists, ``Fever N``."""

from __future__ import annotations

from itertools import compress
from typing import Final

from suggester.pipeline.automaton import NEGATED
from suggester.pipeline.function_words import NO, NOT_PLAIN, YES
from suggester.pipeline.layout import TICKS, checkbox_end
from suggester.pipeline.scopes import Scope
from suggester.pipeline.sentences import SentenceTable
from suggester.pipeline.tokenizer import TokenTable

_MINUS: Final = frozenset("-–—−")
_FORMS: Final = _MINUS | frozenset("[(☐☑☒+ny")
"""Words, in small letters, with which something said by form may begin."""

_MAX_LABEL: Final = 12
_ITEM_WORDS: Final = 3


def template_scopes(
    table: TokenTable, sentences: SentenceTable, visible: list[int], words: list[str]
) -> list[Scope]:
    """All scopes that the form of the text sets."""
    out: list[Scope] = []
    text = table.text
    signs: dict[int, list[tuple[int, int, bool]]] = {}
    tails: dict[int, list[tuple[int, int, bool]]] = {}
    size = len(text)
    for position in list(compress(range(len(words)), map(_FORMS.__contains__, words))):
        index = visible[position]
        piece = text[index]
        if piece in "[(☐☑☒":
            after = checkbox_end(table, index, min(index + 5, size))
            if after > 0:
                _box(table, sentences, index, after, out)
                continue
            if piece == "(" and position + 2 < len(visible) and words[position + 2] == ")":
                sign = words[position + 1]
                if sign in _MINUS or sign == "+":
                    closing = visible[position + 2] + 1
                    signs.setdefault(sentences.index[index], []).append((index, closing, sign != "+"))
        elif piece in ("N", "Y"):
            _letter(table, visible, position, out)
        elif piece in _MINUS or piece == "+":
            if _is_tail(table, visible, position):
                tails.setdefault(sentences.index[index], []).append((index, index + 1, piece != "+"))
            else:
                _plain_sign(table, sentences, visible, words, position, signs)
    for number, found in tails.items():
        if not all(minus for _, _, minus in found):
            _behind(table, sentences.bounds[number][0], found, out)
    for number, found in signs.items():
        _signs(table, sentences, number, found, out)
    return out


def _box(table: TokenTable, sentences: SentenceTable, index: int, after: int, out: list[Scope]) -> None:
    """A check box: an empty one negates its item; before *yes* or *no* it answers the label before it."""
    empty = table.text[index] == "☐" or (
        table.text[after - 1] in ("]", ")") and table.text[after - 2].lower() not in TICKS
    )
    stop = sentences.bounds[sentences.index[index]][1]
    item = after
    while item < stop and table.is_space[item]:
        item += 1
    if item >= stop or not table.is_word[item]:
        return
    word = table.lower[item]
    if word in YES or word in NO:
        if (word in YES) == empty:
            return_label = _label_before(table, index)
            if return_label is not None and not (word in YES and empty and _other_box_ticked(table, item)):
                out.append(
                    Scope(return_label[0], return_label[1], NEGATED, index, item + 1, "neg.box_answer")
                )
        return
    if empty:
        end = stop
        while end > item and table.is_space[end - 1]:
            end -= 1
        out.append(Scope(item, end, NEGATED, index, after, "neg.box"))


def _other_box_ticked(table: TokenTable, item: int) -> bool:
    """Whether *Yes* stands empty beside a *No* that is empty as well: the form was not filled in."""
    text = table.text
    for index in range(item + 1, min(item + 8, len(text))):
        if text[index] in "[(":
            after = checkbox_end(table, index, min(index + 5, len(text)))
            return after > 0 and text[after - 2].lower() != "x"
        if text[index] in ("☑", "☒"):
            return False
    return True


def _label_before(table: TokenTable, index: int) -> tuple[int, int] | None:
    """The words before a box on its line, up to the box or sentence mark before them."""
    begin = table.lines[table.line[index]][0]
    end = index
    while end > begin and not table.is_word[end - 1]:
        if table.text[end - 1] in "])☐☑☒.;":
            return None
        end -= 1
    first = end
    while first > begin and end - first < _MAX_LABEL and table.text[first - 1] not in "])☐☑☒.;|":
        first -= 1
    while first < end and not table.is_word[first]:
        first += 1
    if first >= end or table.lower[end - 1] in YES or table.lower[end - 1] in NO:
        return None
    return first, end


def _letter(table: TokenTable, visible: list[int], position: int, out: list[Scope]) -> None:
    """``Fever N   Cough Y``: a lone N after a label and before a gap or the line's end."""
    index = visible[position]
    after = index + 1
    if table.text[index] != "N" or (
        after < len(table) and not table.is_space[after] and table.text[after] not in ",;"
    ):
        return
    line = table.line[index]
    begin = table.lines[line][0]
    first = index
    while (
        first > begin
        and index - first < 6
        and not table.is_space[first - 1]
        and table.text[first - 1] not in ",;:"
    ):
        first -= 1
    answered = sum(
        table.text[token] in ("N", "Y") for token in range(begin, min(table.lines[line][1], begin + 80))
    )
    if first < index and answered > 1 and table.is_word[index - 1]:
        out.append(Scope(first, index, NEGATED, index, index + 1, "neg.letter"))


def _is_tail(table: TokenTable, visible: list[int], position: int) -> bool:
    """Whether a sign stands behind its item: ``cough +, fever -`` or ``cough+ fever-``."""
    index = visible[position]
    if not position or not table.is_word[visible[position - 1]]:
        return False
    last = index + 1 >= len(table) or position + 1 >= len(visible)
    if last or table.text[visible[position + 1]] in ",;." or table.is_space[index + 1]:
        return True
    glued = table.start[index] == table.end[index - 1]
    return glued and table.start[index + 1] > table.end[index]


def _behind(table: TokenTable, begin: int, found: list[tuple[int, int, bool]], out: list[Scope]) -> None:
    """Scopes of the signs that stand behind their items."""
    previous = begin
    for start, end, minus in found:
        first = start
        while first > previous and start - first < _MAX_LABEL and table.text[first - 1] not in ",;:.":
            first -= 1
        while first < start and not table.is_word[first]:
            first += 1
        if minus and first < start:
            out.append(Scope(first, start, NEGATED, start, end, "neg.sign"))
        previous = end


def _plain_sign(
    table: TokenTable,
    sentences: SentenceTable,
    visible: list[int],
    words: list[str],
    position: int,
    signs: dict[int, list[tuple[int, int, bool]]],
) -> None:
    """``+ cough, - fever``: a sign after a comma, colon or start, before a word."""
    index = visible[position]
    if position + 1 >= len(visible) or not words[position + 1][0].isalpha():
        return
    begin = sentences.bounds[sentences.index[index]][0]
    before = visible[position - 1] if position else -1
    glued = before >= 0 and table.end[before] < table.start[index] and index + 1 == visible[position + 1]
    if before >= begin and table.text[before] not in ",;:" and not (glued and _touches(table, index)):
        return
    if before < begin and table.text[index] != "+":
        return
    signs.setdefault(sentences.index[index], []).append((index, index + 1, table.text[index] != "+"))


def _touches(table: TokenTable, index: int) -> bool:
    """Whether a token is written onto the next one (``-fever``)."""
    return table.end[index] == table.start[index + 1]


def _signs(
    table: TokenTable,
    sentences: SentenceTable,
    number: int,
    found: list[tuple[int, int, bool]],
    out: list[Scope],
) -> None:
    """Scopes of the signs of one sentence: before their items or after them, as the first one stands."""
    begin, stop = sentences.bounds[number]
    bracketed = table.text[found[0][0]] == "("
    if not bracketed and not any(not minus for _, _, minus in found):
        return
    lead = begin
    for token in range(begin, found[0][0]):
        if table.text[token] == ":":
            lead = token + 1
    before = found[0][0] - 1
    while before >= lead and table.is_space[before]:
        before -= 1
    after_item = bracketed and before >= lead and table.is_word[before]
    previous = lead
    for place, (start, end, minus) in enumerate(found):
        if minus and after_item:
            first = start
            while first > previous and table.text[first - 1] not in ",;:":
                first -= 1
            while first < start and not table.is_word[first]:
                first += 1
            if first < start:
                out.append(Scope(first, start, NEGATED, start, end, "neg.sign"))
        elif minus:
            limit = found[place + 1][0] if place + 1 < len(found) else stop
            last = end
            while last < limit and table.text[last] not in ";.\r\n":
                if table.text[last] == "," and not _goes_on(table, last + 1, limit):
                    break
                last += 1
            while last > end and not table.is_word[last - 1]:
                last -= 1
            if last > end:
                out.append(Scope(end, last, NEGATED, start, end, "neg.sign"))
        previous = end


def _goes_on(table: TokenTable, begin: int, limit: int) -> bool:
    """Whether one more short item without a sign of its own follows behind a comma."""
    words = 0
    for token in range(begin, limit):
        if table.text[token] in ",;.\r\n":
            break
        if table.lower[token] in NOT_PLAIN:
            return False
        words += table.is_word[token]
    return 0 < words <= _ITEM_WORDS
