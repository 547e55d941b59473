"""A note as sentences of stems with their numbers, the view that the rules of services work on."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, compress

from suggester.codesets.words import stem
from suggester.pipeline.reading import Reading
from suggester.pipeline.tokenizer import TokenTable
from suggester.ranking.services.note_words import note_words
from suggester.ranking.services.quantities import Quantity, quantities
from suggester.types import Evidence, make_evidence, make_span

_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?|\.\d+")
_SPELLED = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "single": 1, "both": 2,
}  # fmt: skip
_PLANNED = note_words("planned")
"""Words of what is not done, not here or not now."""
_DONE = note_words("done")
_RESULT = note_words("result")
_SKIPPED = frozenset(
    ("past_medical", "past_surgical", "medications", "problem_list", "instructions", "discharge_instructions")
)
"""Sections that do not tell what was done in this encounter."""


@dataclass(eq=False)
class Sentence:
    """One sentence: its word tokens, their stems, and where it stands."""

    number: int
    tokens: tuple[int, ...]
    stems: tuple[str, ...]
    kind: str

    @cached_property
    def have(self) -> frozenset[str]:
        """The stems."""
        return frozenset(self.stems)

    def find(self, term: Sequence[str]) -> int | None:
        """Where a term of one or several words in a row begins, None if it is not there."""
        first = term[0]
        if first not in self.have:
            return None
        stems, size = self.stems, len(term)
        place = stems.index(first)
        if size == 1:
            return place
        if self.have.issuperset(term):
            sought = tuple(term)
            for i in range(place, len(stems) - size + 1):
                if stems[i] == first and stems[i : i + size] == sought:
                    return i
        return None

    @cached_property
    def numbers(self) -> tuple[tuple[int, float], ...]:
        """Places and values of numbers, in digits or spelled out."""
        values = map(_VALUES.__getitem__, self.stems)
        return tuple([(i, value) for i, value in enumerate(values) if value is not None])

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """The numbers that have a unit of measure."""
        return tuple(quantities(self.stems, self.numbers))

    @property
    def says_done(self) -> bool:
        """Whether it has a word that says *here and now*."""
        return not _DONE.isdisjoint(self.have)

    def is_done(self, place: int) -> bool:
        """Whether the word at a place tells of something done here, as far as the words about it show."""
        if self.kind in _SKIPPED:
            return False
        about = self.stems[max(0, place - 6) : place + 6]
        return _PLANNED.isdisjoint(about) or not _DONE.isdisjoint(about)


_OF_THE_SERVICE = frozenset(("hyp.return", "hyp.after"))
"""Rules whose words (*counseling on*, *vaccine*) make a disease supposed, and are the service itself here."""


class Scene:
    """The sentences of a reading.

    Parameters
    ----------
    reading
        The note as read.
    text
        Its text.
    """

    def __init__(self, reading: Reading, text: str) -> None:
        self.reading = reading
        self.text = text
        self.sentences = tuple(_sentences(reading, text))

    @cached_property
    def have(self) -> frozenset[str]:
        """Every stem of the note."""
        return frozenset(chain.from_iterable([sentence.stems for sentence in self.sentences]))

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of the note's sections."""
        return frozenset(sentence.kind for sentence in self.sentences)

    def near(self, sentence: Sentence, *, before: int = 2, after: int = 3) -> tuple[Sentence, ...]:
        """A sentence with those around it."""
        at = sentence.number
        return self.sentences[max(0, at - before) : at + after + 1]

    def evidence(self, sentence: Sentence, first: int, final: int) -> Evidence:
        """The words of a sentence from one place to another, both included."""
        start, end = sentence.tokens[first], sentence.tokens[final]
        first_char, behind = self.reading.table.start[start], self.reading.table.end[end]
        return make_evidence(
            span=make_span(start=first_char, end=behind),
            quote=self.text[first_char:behind],
            section=sentence.kind,
            assertion=self.reading.assertion_at(start, start),
        )

    def affirmed(
        self, sentence: Sentence, place: int, *, test: bool = False, present: frozenset[str] = frozenset()
    ) -> bool:
        """Whether the word at a place is of here and now.

        A ``test`` is done whatever its result; rules of history named in ``present`` do not make it past.
        """
        token = sentence.tokens[place]
        if not self.reading.assertion.flags[token]:
            return True
        said = self.reading.assertion_at(token, token)
        negated = said.negated and not (test and not _RESULT.isdisjoint(sentence.have))
        supposed = any(c.flag == "hypothetical" and c.rule_id not in _OF_THE_SERVICE for c in said.cues)
        past = said.historical and any(c.flag == "historical" and c.rule_id not in present for c in said.cues)
        return not (negated or supposed or past)


_VIEWS = re.compile(r"(\d{1,2})vw?s?")
_PART = re.compile(r"\b[a-z](?:\.[a-z])+\b|\d+(?:[.,]\d+)+|(?<!\w)\.\d+|\d+(?=[a-zµμ])|[^\W_]+")
"""Words and numbers in a token: ``alb/cr`` and ``60mg`` are two, ``.5``, ``a1c`` and ``p.o.`` are one."""


def note_stems(text: str) -> tuple[str, ...]:
    """The stems of a phrase, cut as the words of a note are.

    >>> note_stems("Tc-99m sestamibi")
    ('tc', '99', 'm', 'sestamibi')
    """
    return tuple(stem(part) for part in _PART.findall(text.lower()))


_Parts = tuple[tuple[str, ...], bool]
"""The stems of the parts of a token, and whether the tokens before it may change how it is read."""


class _Stems(dict[str, _Parts]):
    """The parts of folded tokens, cut when they are first met."""

    def __missing__(self, lower: str) -> _Parts:
        views = _VIEWS.fullmatch(lower)
        stems = (
            (views[1], "view")  # ``2v``
            if views
            else tuple(
                part.replace(".", "") if part[1:2] == "." and part[0].isalpha() else stem(part)
                for part in _PART.findall(lower)
            )
        )
        if len(self) >= _KEPT:
            self.clear()
        found = self[lower] = stems, lower[0].isdigit() or (len(lower) == 1 and lower.isalpha())
        return found


_KEPT = 100_000
"""Tokens whose parts are remembered."""
_STEMS = _Stems()


class _Plain(dict[str, str | None]):
    """The stem of each folded token that is one part; None for those of several or of none."""

    def __missing__(self, lower: str) -> str | None:
        if len(self) >= _KEPT:
            self.clear()
        parts, _ = _STEMS[lower]
        found = self[lower] = parts[0] if len(parts) == 1 else None
        return found


_PLAIN = _Plain()


class _Values(dict[str, float | None]):
    """The value of each stem that is a number, in digits or spelled out; None for the others."""

    def __missing__(self, word: str) -> float | None:
        if len(self) >= _KEPT:
            self.clear()
        value = word.replace(",", "") if _NUMBER.fullmatch(word) else _SPELLED.get(word)
        found = self[word] = None if value is None else float(value)
        return found


_VALUES = _Values()


def _sentences(reading: Reading, text: str) -> Iterator[Sentence]:
    table, kinds, size = reading.table, reading.section_kind, len(reading.table)
    lower, is_word = table.lower, table.is_word
    words = list(compress(range(size), is_word))
    plain = list(map(_PLAIN.__getitem__, compress(lower, is_word)))
    behind_stops = [mark + 1 for mark in table.marks if lower[mark] == "." and mark + 1 < size]
    # what stands before a word may change how it is read where that is a full stop
    changed = [token for token in behind_stops if is_word[token] and _STEMS[lower[token]][1]]
    begin = passed = number = 0
    for _, stop in reading.bounds:
        end = bisect_left(words, stop, begin)
        if begin == end:
            continue
        tokens, stems = tuple(words[begin:end]), tuple(plain[begin:end])
        changes = bisect_left(changed, stop, passed) if changed else 0
        if None in stems or changes > passed:
            tokens, stems = _cut(table, text, tokens)
        if tokens:
            yield Sentence(number, tokens, stems, kinds[tokens[0]])  # type: ignore[arg-type]
            number += 1
        begin, passed = end, changes


def _cut(table: TokenTable, text: str, words: Sequence[int]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The words of a sentence by their parts: the token and the stem of each."""
    tokens: list[int] = []
    stems: list[str] = []
    last = -9
    for token in words:
        lower = table.lower[token]
        parts, depends = _STEMS[lower]
        if depends:
            if len(lower) == 1 and tokens and last == token - 2 and lower.isalpha() and len(stems[-1]) < 3:
                before = table.lower[last]
                if table.lower[token - 1] == "." and len(before) == 1 and before.isalpha():
                    stems[-1] += lower  # ``p.o.``
                    last = token
                    continue
            if lower[0].isdigit() and token and table.lower[token - 1] == ".":
                start = table.start[token]
                if text[start - 1] == "." and (start < 2 or text[start - 2].isspace()):
                    parts, _ = _STEMS[f".{lower}"]  # ``.5 mg``
        last = token
        if len(parts) == 1:
            stems.append(parts[0])
            tokens.append(token)
        else:
            stems += parts
            tokens += [token] * len(parts)
    return tuple(tokens), tuple(stems)
