"""Side and encounter phase from the words around evidence, for codes that a person chose and no reader read.

The engine reads a note far better (``Suggester.diagnoses``); this takes microseconds and needs no engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.types import Attribute, Span

_NOT_A_WORD = "-"
_STOP = re.compile(r"[\n;]|[.:](?=\s)")
_BETWEEN = re.compile(r"[,;]|\b(?:and|or|with|but|no|without)\b", re.IGNORECASE)
_BEFORE, _AFTER = 4, 2
"""A side counts up to so many words before the evidence, or after it."""


@cache
def _vocabulary() -> tuple[re.Pattern[str], dict[str, tuple[str, str]]]:
    values = {
        cells[0]: (cells[1], cells[2])
        for _, cells in read_rows(
            lexicon_dir() / "rules" / "words.tsv", ("phrase", "name", "value"), required=3
        )
    }
    longest = sorted(values, key=lambda phrase: (-len(phrase), phrase))
    shapes = (re.escape(phrase).replace(r"\ ", r"[\s-]+").replace(r"\-", r"[\s-]+") for phrase in longest)
    return re.compile(rf"(?<!\w)(?:{'|'.join(shapes)})(?!\w)", re.IGNORECASE), values


def attributes_near(text: str, spans: Iterable[Span]) -> tuple[Attribute, ...]:
    """Side and phase of the words at some spans, each value once.

    Parameters
    ----------
    text
        The note.
    spans
        Evidence in it.
    """
    found: dict[tuple[str, str], Attribute] = {}
    for span in spans:
        for attribute in _near(text, span):
            found.setdefault((attribute.name, attribute.value), attribute)
    return tuple(found.values())


def _near(text: str, span: Span) -> Iterator[Attribute]:
    start, stop = _clause(text, span)
    hits = list(_read(text, start, stop))
    for name in ("laterality", "phase"):
        of_name = [hit for hit in hits if hit.name == name]
        inside = [hit for hit in of_name if hit.span.overlaps(span)]
        yield from inside or (of_name[:1] if name == "phase" else _beside(text, span, of_name))


def _read(text: str, start: int, stop: int) -> Iterator[Attribute]:
    pattern, values = _vocabulary()
    for match in pattern.finditer(text, start, stop):
        plain = re.sub(r"[\s-]+", " ", match.group().lower())
        name, value = next(v for phrase, v in values.items() if phrase.replace("-", " ") == plain)
        if value != _NOT_A_WORD:
            yield Attribute(name=name, value=value, span=Span(start=match.start(), end=match.end()))


def _clause(text: str, span: Span) -> tuple[int, int]:
    """Bounds of the clause that holds a span: from stop to stop."""
    start = max((stop.end() for stop in _STOP.finditer(text, 0, span.start)), default=0)
    after = _STOP.search(text, span.end)
    return start, after.start() if after else len(text)


def _beside(text: str, span: Span, hits: list[Attribute]) -> list[Attribute]:
    """The nearest hit before a span, else behind it, with few words and no other thing between."""
    before = [hit for hit in hits if hit.span.end <= span.start]
    if before and _joined(text[before[-1].span.end : span.start], _BEFORE):
        return before[-1:]
    behind = [hit for hit in hits if hit.span.start >= span.end]
    if behind and _joined(text[span.end : behind[0].span.start].lstrip(" ,"), _AFTER):
        return behind[:1]
    return []


def _joined(between: str, most: int) -> bool:
    return len(between.split()) <= most and not _BETWEEN.search(between)
