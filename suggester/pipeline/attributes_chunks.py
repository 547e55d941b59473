"""Cut one sentence into the small phrases between which attributes move.

A chunk is a run of words without a separator: things (``E``: holds a word that names something), places
(``B``: nothing but parts of the body), attributes alone (``M``), adjectives alone (``J``) or nothing of
weight (``0``). Between chunks stand links: comma, semicolon, colon, dash, bracket, or what a function word
does (``P`` preposition, ``L`` link such as *with*, ``C`` coordination, ``V`` verb, ``N`` negation, ``X``
contrast).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

from suggester.pipeline.attributes_values import Found, is_gravida
from suggester.pipeline.tokenizer import TokenTable

_SEPARATORS: Final = {
    ",": ",",
    ";": ";",
    ":": ":",
    "(": "(",
    ")": ")",
    "[": "(",
    "]": ")",
    "/": "C",
    "+": "C",
    ".": ";",
    "!": ";",
    "|": ";",
    "=": ":",
    "→": ":",
}
_ADJECTIVES: Final = ("al", "ic", "ous", "ive", "ar", "ary", "ed", "able", "ible")
_BREAKS: Final = frozenset("PLCVNX")
_COMPARED: Final = frozenset(("worse", "better", "improved", "worsened", "relieved", "aggravated", "worsens"))
_SPINE: Final = frozenset("ctls")


@dataclass(slots=True)
class Chunk:
    """A phrase: token range (both ends included), kind, the links in front of it, attributes in it."""

    first: int
    final: int = -1
    kind: str = "0"
    link: str = "^"
    found: list[Found] = field(default_factory=list)
    words: list[int] = field(default_factory=list)

    def near(self, begin: int, end: int) -> list[Found]:
        """Attributes that begin in the tokens ``[begin, end)``."""
        if self.first >= begin and self.final < end:
            return self.found
        low = bisect_left(self.found, begin, key=lambda item: item.first)
        return self.found[low : bisect_left(self.found, end, key=lambda item: item.first)]


@dataclass(slots=True)
class Chunks:
    """The chunks of one sentence, and for each of its tokens the number of its chunk (-1 between chunks)."""

    begin: int
    chunks: list[Chunk]
    of_token: list[int]


def cut_chunks(
    table: TokenTable,
    begin: int,
    end: int,
    function: dict[str, str],
    things: frozenset[str],
    found: list[Found],
) -> Chunks:
    """The chunks of the sentence ``[begin, end)`` whose attributes are ``found``, in order.

    ``things`` are words that name something even as part of an attribute (``DM2``).
    """
    lower, is_word, start, stop = table.lower, table.is_word, table.start, table.end
    chunks: list[Chunk] = []
    of_token = [-1] * (end - begin)
    inside: dict[int, Found] = {}
    for item in found:
        for i in range(item.first, item.final + 1):
            inside[i] = item
    links = "^"
    chunk: Chunk | None = None
    letters: list[str] = []

    def close() -> None:
        nonlocal chunk, links
        if chunk is None:
            return
        chunk.kind = _kind(chunk, letters)
        if chunk.kind != "0" or not chunks:
            chunks.append(chunk)
            links = ""
        else:
            links = chunk.link
            for i in range(chunk.first, chunk.final + 1):
                of_token[i - begin] = -1
        chunk = None

    for i in range(begin, end):
        here = inside.get(i)
        if here is None:
            if is_word[i]:
                letter = function.get(lower[i], "W")
                if letter == "W" and _weightless(lower[i]):
                    letter = "0"
                if letter == "L" and i > begin and lower[i - 1] in _COMPARED:
                    letter = "P"  # *worse with walking* names no other thing
                if letter in _BREAKS:
                    close()
                    links += letter
                    continue
            else:
                piece = lower[i]
                separator = _SEPARATORS.get(piece)
                if separator is None and piece in ("-", "–", "—"):
                    spaced = i > begin and start[i] > stop[i - 1]
                    separator = "-" if spaced or piece == "—" else None
                if separator is not None:
                    close()
                    links += separator
                continue
        else:
            if here.forward and i == here.first and function.get(lower[i], "W") in _BREAKS:
                close()
                links += function[lower[i]]
            letter = "B" if function.get(lower[i]) == "B" else "W" if lower[i] in things else "M"
        if chunk is None:
            chunk = Chunk(first=i, link=links)
            letters = []
        chunk.final = i
        of_token[i - begin] = len(chunks)
        letters.append(letter)
        if letter == "W":
            if lower[i].endswith(_ADJECTIVES):
                letters[-1] = "J"
            chunk.words.append(i)
        elif letter == "B":
            chunk.words.append(i)
        if here is not None and (not chunk.found or chunk.found[-1] is not here):
            chunk.found.append(here)
    close()
    return Chunks(begin=begin, chunks=chunks, of_token=of_token)


def _weightless(word: str) -> bool:
    """Whether a word that is not known names nothing: a number, a letter, ``T6``, ``G2P1``."""
    if not word[:1].isalpha() or len(word) == 1:
        return True
    return is_gravida(word) or (word[0] in _SPINE and word[1:].isdigit())


def _kind(chunk: Chunk, letters: list[str]) -> str:
    if "W" in letters:
        return "E"
    if "B" in letters:
        return "E" if letters[-1] == "J" and "M" not in letters and len(letters) > 1 else "B"
    if chunk.found:
        return "E" if letters[0] == "J" and "^" in chunk.link else "M"
    return "J" if "J" in letters else "0"
