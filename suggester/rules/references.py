"""Code references in the notes of the tabular list: ``(E08-E13 with .52)``, ``(H65.-, H66.1-)``, ``A74.-``.

A reference names a code with everything below it, or a range of the tabular order, sometimes narrowed by
characters. What is read here is the text alone; ``suggester.rules.book`` lays it over a release.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CODE = r"[A-TV-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?"
_FIND = re.compile(rf"(?<![0-9A-Za-z.])({_CODE})(?![0-9A-Za-z])")
_BETWEEN = re.compile(r"\.?-{1,2}|\s+-\s*|\.?-\s+-\s*|\.?-?\s+to\s+")
"""What makes a range of two codes; ``I69.81- I69.91-`` is two references, ``P28.3- - P28.4-`` a range."""
_GROUP = re.compile(r"\(([^()]*)\)")
_OWN_CODES = "for codes "
"""Begins codes that a note is about, not codes it leads to."""

_NTH = {
    name: number
    for number, names in enumerate(
        [("fourth", "4th"), ("fifth", "5th"), ("sixth", "six", "6th"), ("seventh", "7th")], 4
    )
    for name in names
}
_ORDINAL = "|".join(_NTH)
_CHARACTER = re.compile(
    rf"with (?P<a>{_ORDINAL})(?: (?P<join>or|to) (?P<b>{_ORDINAL}))?[ -]characters? "
    r"(?P<values>\.?[0-9A-Z]+(?:(?:-| or )[0-9A-Z]+)*)$"
)
_FINAL = re.compile(r"with final characters? (?P<values>[-.\w]+(?:(?: or |, )[-.\w]+)*)$")
_TAIL = re.compile(r",? ?with (?P<values>\.\w+-?(?:(?:-|[.,;] ?| or )\.?\w+-?)*)$")


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which codes of a reference are meant, by their characters.

    Attributes
    ----------
    kind
        ``at``: the characters at ``places``; ``end``: how the code ends; ``tail``: what follows its dot.
    places
        Positions without the dot, from 1; where two are given the later counts unless it is a placeholder.
    values
        What may stand there.
    """

    kind: str
    places: tuple[int, ...]
    values: tuple[str, ...]

    def admits(self, code: str) -> bool:
        """Whether a code is meant.

        >>> Narrowing("at", (5, 6), ("5",)).admits("T36.0X5A"), Narrowing("tail", (), ("52",)).admits("E11.9")
        (True, False)
        """
        plain = code.replace(".", "")
        if self.kind == "end":
            return plain.endswith(self.values) or (len(plain) == 7 and plain[:6].endswith(self.values))
        if self.kind == "tail":
            return plain[3:].startswith(self.values)
        last = self.places[-1]
        if len(self.places) == 2 and (len(plain) < last or plain[last - 1] == "X"):
            last = self.places[0]
        return len(plain) >= last and plain[last - 1 :].startswith(self.values)


_IN_WORDS = {
    "with open fracture 7th character": Narrowing("at", (7,), ("B", "C")),
    "with ketoacidosis": Narrowing("tail", (), ("1",)),
}
"""Narrowings that the list says in words."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A code (``first == last``) or a range of codes of the tabular order, both ends with all below them."""

    first: str
    last: str
    narrowing: Narrowing | None = None


def references(text: str) -> tuple[Reference, ...]:
    """The references of a note, in order; empty where it names none.

    >>> [(r.first, r.last) for r in references("sepsis in newborn (P36.-, A40-A41)")]
    [('P36', 'P36'), ('A40', 'A41')]
    """
    groups = [group for group in _GROUP.findall(text) if _FIND.search(group)]
    if not groups and (match := _FIND.search(text)) and _OWN_CODES not in text:
        if " with " in _narrowing(text)[1][match.end() :]:  # narrowed in words that are not read
            return ()
        groups = [text]
    return tuple(found for group in groups for found in _of_group(group))


def _of_group(group: str) -> Iterator[Reference]:
    narrowing, codes = _narrowing(group)
    found = list(_FIND.finditer(codes))
    at = 0
    while at < len(found):
        first = last = found[at][1]
        if at + 1 < len(found) and _BETWEEN.fullmatch(codes[found[at].end() : found[at + 1].start()]):
            at += 1
            last = found[at][1]
        yield Reference(first, last, narrowing)
        at += 1


def _narrowing(group: str) -> tuple[Narrowing | None, str]:
    """The narrowing that ends a group, and the group without it."""
    for words, narrowing in _IN_WORDS.items():
        if group.endswith(words):
            return narrowing, group.removesuffix(words)
    if match := _CHARACTER.search(group):
        first = _NTH[match["a"]]
        values = _values(match["values"])
        if match["join"] == "to":
            return Narrowing("at", (first,), values), group[: match.start()]
        places = (first, _NTH[match["b"]]) if match["b"] else (first,)
        return Narrowing("at", places, values), group[: match.start()]
    if match := _FINAL.search(group):
        kind = "tail" if "." in match["values"] else "end"
        return Narrowing(kind, (), _values(match["values"])), group[: match.start()]
    if match := _TAIL.search(group):
        return Narrowing("tail", (), _values(match["values"])), group[: match.start()]
    return None, group


def _values(text: str) -> tuple[str, ...]:
    """``1-4 or 6`` as each of its characters; ``.51-.52`` and ``.17, .27`` as what they name."""
    out: list[str] = []
    for part in re.split(r" or |[,;] ?|(?<=\d)\. (?=\.)", text):
        span = re.fullmatch(r"\.?(\d+)-\.?(\d+)", part.strip())
        if span:
            out.extend(str(n) for n in range(int(span[1]), int(span[2]) + 1))
        elif plain := part.strip().strip(".-"):
            out.append(plain)
    return tuple(out)
