"""What goes wrong most: rivals taken for gold codes, gold codes missed, and codes suggested for nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from suggester.evaluation.cases import Case
from suggester.evaluation.coding import fate, paired
from suggester.types import Span

LISTED = 15
EXAMPLES = 3

_SENTENCE_END = re.compile(r"[.!?](?=\s)|\n")
_LONGEST_SIDE = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Where it happened: the note, the span of the words, their sentence (all None without evidence).

    ``words`` is where the words stand in the sentence.
    """

    note_id: str
    span: Span | None
    sentence: str | None
    words: Span | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """A gold code missed, a code suggested in its place, or both.

    ``times`` counts notes. ``cost`` is 1 for each miss plus the confidence of each wrong code: a coder who
    trusts the list loses the right code and bills the wrong one, the more surely the surer it looked.
    ``fates`` says how often a missed code was below the threshold, read but not coded, or never seen.
    """

    gold: str | None
    rival: str | None
    times: int
    cost: float
    fates: tuple[tuple[str, int], ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionResult:
    """The costliest first, of three kinds: rivals taken, misses, codes suggested for nothing."""

    confused: tuple[Confusion, ...]
    missed: tuple[Confusion, ...]
    spurious: tuple[Confusion, ...]


@dataclass(slots=True)
class _Tally:
    times: int
    cost: float
    fates: dict[str, int]
    examples: list[Example]


_Tallies = dict[tuple[str | None, str | None], _Tally]


class Confusions:
    """Collects mistakes a note at a time: core gold codes, and suggestions of at least the threshold.

    A missed core code and a wrong suggestion of the same family (first three characters) are a confusion,
    each wrong suggestion pairing with one gold code; the rest are misses and spurious codes.
    """

    def __init__(self, *, threshold: float, listed: int = LISTED) -> None:
        self.threshold = threshold
        self.listed = listed
        self.reset()

    def update(self, item: Case) -> Self:
        """Count one note."""
        pairs = paired(item, self.threshold)
        taken_gold = {gold.key for gold, _ in pairs}
        taken_rivals = {rival.key for _, rival in pairs}
        for gold, rival in pairs:
            example = _example(item, rival.spans or gold.spans)
            _count(
                self._confused,
                (gold.key, rival.key),
                1.0 + rival.confidence,
                example,
                fate(gold, self.threshold),
            )
        for gold in item.expected:
            if gold.core and gold.key not in taken_gold and not gold.found_at(self.threshold):
                reason = fate(gold, self.threshold)
                _count(self._missed, (gold.key, None), 1.0, _example(item, gold.spans), reason)
        for one in item.suggested:
            if not one.right and one.confidence >= self.threshold and one.key not in taken_rivals:
                _count(self._spurious, (None, one.key), one.confidence, _example(item, one.spans), None)
        return self

    def reset(self) -> None:
        """Forget every note."""
        self._confused: _Tallies = {}
        self._missed: _Tallies = {}
        self._spurious: _Tallies = {}

    def compute(self) -> ConfusionResult:
        """The costliest over all notes so far; ties by code."""
        return ConfusionResult(
            confused=self._top(self._confused),
            missed=self._top(self._missed),
            spurious=self._top(self._spurious),
        )

    def _top(self, tallies: _Tallies) -> tuple[Confusion, ...]:
        ranked = sorted(
            tallies.items(),
            key=lambda entry: (-round(entry[1].cost, 9), entry[0][0] or "", entry[0][1] or ""),
        )
        return tuple(
            Confusion(
                gold=gold,
                rival=rival,
                times=tally.times,
                cost=tally.cost,
                fates=tuple(sorted(tally.fates.items())),
                examples=tuple(tally.examples),
            )
            for (gold, rival), tally in ranked[: self.listed]
        )


def _count(
    tallies: _Tallies,
    key: tuple[str | None, str | None],
    cost: float,
    example: Example,
    reason: str | None,
) -> None:
    tally = tallies.setdefault(key, _Tally(times=0, cost=0.0, fates={}, examples=[]))
    tally.times += 1
    tally.cost += cost
    if reason is not None:
        tally.fates[reason] = tally.fates.get(reason, 0) + 1
    if len(tally.examples) < EXAMPLES:
        tally.examples.append(example)


def _example(case: Case, spans: Sequence[Span]) -> Example:
    if not spans:
        return Example(note_id=case.note_id, span=None, sentence=None, words=None)
    sentence, words = sentence_around(case.text, spans[0])
    return Example(note_id=case.note_id, span=spans[0], sentence=sentence, words=words)


def sentence_around(text: str, span: Span) -> tuple[str, Span]:
    """The sentence or line around a span on one line, and where the span's words stand in it.

    At most 160 characters are shown to either side of the span.

    Examples
    --------
    >>> sentence_around("Seen today. Has  asthma. Stable.", Span(start=17, end=23))
    ('Has asthma.', Span(start=4, end=10))
    """
    start = max(0, span.start - _LONGEST_SIDE)
    for end_mark in _SENTENCE_END.finditer(text, start, span.start):
        start = end_mark.end()
    end_limit = min(len(text), span.end + _LONGEST_SIDE)
    # One more character is shown to the pattern, which looks at what follows a full stop.
    after = _SENTENCE_END.search(text, span.end, min(len(text), end_limit + 1))
    end = min(after.end(), end_limit) if after else end_limit
    sentence = _one_line(text[start:end])
    words = text[span.start : span.end]
    before = text[start : span.end - len(words.lstrip())]
    first = len(_one_line(before + ".")) - 1 if words.strip() else 0
    return sentence, Span(start=first, end=first + len(_one_line(words)))


def _one_line(text: str) -> str:
    return " ".join(text.split())
