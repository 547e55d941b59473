"""What learning keeps of a read note: its phrases, the candidates' best support in each sentence, its gold.

Views are small arrays without text, so that the views of thousands of notes fit in memory. Training and the
running engine build them alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suggester.pipeline.reading import FAMILY, HISTORICAL, HYPOTHETICAL, NEGATED, UNCERTAIN, Reading
from suggester.ranking.bench import Bench
from suggester.ranking.candidates import CodeSupport
from suggester.ranking.describing import COLUMNS as GENERAL
from suggester.ranking.learning.phrases import PhraseReader, Phrases
from suggester.ranking.learning.titles import TitleWords
from suggester.types import SYSTEMS, GoldNote, System

SUPPORT_NAMES: tuple[str, ...] = (
    "match_score",
    "coverage",
    "density",
    "rarity",
    "dominated",
    "hits",
    "source",
    "supported_words",
    "unsupported_words",
    "steps",
    "negated",
    "uncertain",
    "historical",
    "hypothetical",
    "family",
    "method",
)
"""Columns of the best support of a code in a sentence."""

_BITS = (NEGATED, UNCERTAIN, HISTORICAL, HYPOTHETICAL, FAMILY)


class CodeTable:
    """Numbers for all codes of a set of releases, their systems, categories and chapters.

    Parameters
    ----------
    bench
        The releases' bench.
    """

    def __init__(self, bench: Bench) -> None:
        self.offset: dict[System, int] = {}
        codes: list[str] = []
        for system in SYSTEMS:
            self.offset[system] = len(codes)
            codes.extend(bench.codes[system])
        self.codes = codes
        self.titles = TitleWords(bench)
        self._bounds = [self.offset[system] for system in SYSTEMS]
        self.billable = np.concatenate(
            [np.asarray(bench.releases.store(system).billable, dtype=np.bool_) for system in SYSTEMS]
        )
        numbers: dict[str, int] = {}
        category = np.zeros(len(codes), dtype=np.int64)
        for number, system in enumerate(SYSTEMS):
            begin = self._bounds[number]
            for i, code in enumerate(bench.codes[system], begin):
                category[i] = numbers.setdefault(f"{number}{code[:3]}", len(numbers))
        self.category = category
        self.categories = list(numbers)
        self.chapter = np.array([ord(code[0]) if code else 0 for code in codes], dtype=np.int64) - 47
        self.length = np.array([len(code) for code in codes], dtype=np.int64)
        self.above = np.full(len(codes), -1, dtype=np.int64)
        for system in SYSTEMS:
            parent = np.asarray(bench.releases.store(system).parent, dtype=np.int64)
            begin = self.offset[system]
            self.above[begin : begin + len(parent)] = np.where(parent >= 0, parent + begin, -1)
        self._number = {
            system: {code: i for i, code in enumerate(bench.codes[system], self.offset[system])}
            for system in SYSTEMS
        }

    def __len__(self) -> int:
        return len(self.codes)

    def number(self, system: System, code: str) -> int | None:
        """Number of a code, None if the releases do not have it."""
        return self._number[system].get(code)

    def place(self, number: int) -> tuple[System, int]:
        """System and row of a number."""
        at = int(np.searchsorted(self._bounds, number, side="right")) - 1
        return SYSTEMS[at], number - self._bounds[at]


@dataclass(frozen=True, slots=True)
class NoteView:
    """One note as learning sees it.

    Attributes
    ----------
    sentences
        Number of sentences.
    phrases
        Its phrases.
    support_key
        ``sentence * len(CodeTable) + code`` of each code supported in a sentence, ascending.
    support
        Features of the best support for each key, columns ``SUPPORT_NAMES``.
    support_at
        Candidate and support number of that support.
    support_span
        Its first and last token.
    general_code, general
        Codes of the candidates, ascending, and what the general ranker looks at for each (half precision);
        empty where it was not kept.
    """

    sentences: int
    phrases: Phrases
    support_key: NDArray[np.int64]
    support: NDArray[np.float32]
    support_at: NDArray[np.int32]
    support_span: NDArray[np.int32]
    general_code: NDArray[np.int64]
    general: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class NoteGold:
    """The codes of a note, and where it is known the sentences that support them (note-wide otherwise).

    ``unknown`` counts the codes that the releases do not have: they cannot be found and count as missed.
    """

    codes: NDArray[np.int64]
    key: NDArray[np.int64]
    unplaced: NDArray[np.int64]
    unknown: int


def view(
    reading: Reading,
    candidates: Sequence[CodeSupport],
    general: NDArray[np.float32] | None,
    *,
    table: CodeTable,
    phrases: PhraseReader,
) -> NoteView:
    """What learning keeps of a reading and its candidates.

    ``general`` holds the features of the general ranker, a row for each candidate; None keeps none.
    """
    m = reading.matches
    owner = np.repeat(np.arange(len(candidates)), [len(c.supports) for c in candidates])
    nth = np.concatenate([np.arange(len(c.supports)) for c in candidates] or [np.zeros(0, dtype=np.int64)])
    supports = [s for c in candidates for s in c.supports]
    code = np.array([table.offset[c.system] + c.row for c in candidates], dtype=np.int64)
    rows = np.array(
        [
            (
                s.match,
                s.flags,
                s.similarity,
                s.method,
                s.resolved.supported if s.resolved else 0.0,
                s.resolved.unsupported if s.resolved else 0.0,
                s.resolved.steps if s.resolved else 0,
            )
            for s in supports
        ],
        dtype=np.float64,
    ).reshape(-1, 7)
    match, flags = rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64)
    score = rows[:, 2] * np.minimum(1.5, np.log1p(m.weight[match].astype(np.float64)) / 2)
    score *= np.where(flags & NEGATED, 0.3, 1.0) * np.where(m.dominated[match], 0.5, 1.0)
    source = _sources(reading, match, phrases)
    features = np.column_stack(
        [
            score,
            m.coverage[match],
            m.density[match],
            m.weight[match],
            m.dominated[match],
            m.hits[match],
            source,
            rows[:, 4],
            rows[:, 5],
            rows[:, 6],
            *((flags & bit) > 0 for bit in _BITS),
            rows[:, 3],
        ]
    ).astype(np.float32)
    described = np.argsort(code, kind="stable") if general is not None else np.zeros(0, dtype=np.int64)
    kept = np.zeros((0, len(GENERAL)), dtype=np.float16) if general is None else general.astype(np.float16)
    key = m.sentence[match].astype(np.int64) * len(table) + code[owner]
    order = np.lexsort((match, -score, key))
    _, first = np.unique(key[order], return_index=True)
    chosen = order[first]
    return NoteView(
        sentences=max(reading.sentence, default=-1) + 1,
        phrases=phrases.read(reading),
        support_key=key[chosen],
        support=features[chosen],
        support_at=np.stack([owner[chosen], nth[chosen]], axis=1).astype(np.int32),
        support_span=np.stack([m.first[match[chosen]], m.final[match[chosen]]], axis=1).astype(np.int32),
        general_code=code[described],
        general=kept[described],
    )


def _sources(reading: Reading, match: NDArray[np.int64], phrases: PhraseReader) -> NDArray[np.float64]:
    term = reading.matches.term[match]
    return np.where(term >= 0, phrases.sources[np.maximum(term, 0)], -1).astype(np.float64)


def gold_of(gold: GoldNote, reading: Reading, *, table: CodeTable) -> NoteGold:
    """Codes of a gold note in numbers; those unknown to the releases are only counted."""
    starts, ends = np.array(reading.table.start), np.array(reading.table.end)
    sentence = np.array(reading.sentence, dtype=np.int64)
    words = np.array(reading.table.is_word, dtype=np.bool_)
    codes: set[int] = set()
    unknown: set[tuple[System, str]] = set()
    keys: set[int] = set()
    unplaced: set[int] = set()
    for item in gold.codes:
        number = table.number(item.system, item.code)
        if number is None:
            unknown.add((item.system, item.code))
            continue
        codes.add(number)
        found: set[int] = set()
        for span in item.evidence:
            inside = words & (starts < span.end) & (ends > span.start)
            found.update(sentence[inside].tolist())
        keys.update(s * len(table) + number for s in found)
        if not found:
            unplaced.add(number)
    return NoteGold(
        codes=np.array(sorted(codes), dtype=np.int64),
        key=np.array(sorted(keys), dtype=np.int64),
        unplaced=np.array(sorted(unplaced), dtype=np.int64),
        unknown=len(unknown),
    )
