"""Candidates as the ranker looks at them: general features, meaning, and what coded practice notes tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from suggester.pipeline.matching import COMPLETE
from suggester.pipeline.reading import Reading
from suggester.ranking.bench import Bench
from suggester.ranking.features import NAMES, Described, Scored
from suggester.ranking.meaning import MEANING_NAMES
from suggester.ranking.sighting import FITTING, Sighting
from suggester.ranking.support import CodeSupport
from suggester.ranking.usage import USAGE_NAMES, Usage
from suggester.types import Setting

Head = Literal["diagnosis", "procedure"]
HEADS: tuple[Head, ...] = ("diagnosis", "procedure")
GENERAL: tuple[str, ...] = (*NAMES, *MEANING_NAMES)
"""Names of what a note and the code sets alone tell of a candidate, in the order of their columns."""
COLUMNS: tuple[str, ...] = (*GENERAL, *USAGE_NAMES)
"""Names of what the ranker looks at, in the order of its columns."""

_NAMED, _GENERAL = len(NAMES), len(GENERAL)
_AFFIRMED, _COVERAGE = NAMES.index("affirmed"), NAMES.index("coverage")


def by_head(candidates: Sequence[CodeSupport]) -> tuple[tuple[Head, list[CodeSupport]], ...]:
    """Candidates by the head of the general ranker that scores them."""
    return (
        ("diagnosis", [c for c in candidates if c.system == "ICD-10-CM"]),
        ("procedure", [c for c in candidates if c.system != "ICD-10-CM"]),
    )


def described(
    bench: Bench,
    reading: Reading,
    candidates: Sequence[CodeSupport],
    *,
    usage: Mapping[Head, Usage],
    setting: Setting | None,
) -> list[tuple[Head, Described]]:
    """Features, shape ``(candidates, len(COLUMNS))``, and scored candidates of each head of the ranker."""
    heads = by_head(candidates)
    rows, scored, spans = bench.features.lay_out(
        reading, [group for _, group in heads], columns=len(COLUMNS), setting=setting
    )
    seen = sighting(bench, reading, scored, rows.T)
    places = seen.places()
    rows[_NAMED:_GENERAL] = _meaning(bench, reading, scored, seen, spans).T
    out: list[tuple[Head, Described]] = []
    for (head, _), (begin, end) in zip(heads, spans, strict=True):
        rows[_GENERAL:, begin:end] = (
            usage[head]
            .columns_of(seen, slice(begin, end), places=places, rows=usage[head].rows_of(reading.table))
            .T
        )
        out.append((head, (rows[:, begin:end].T, scored[begin:end])))
    return out


def with_meaning(
    bench: Bench, reading: Reading, scored: Sequence[Scored], table: NDArray[np.float32]
) -> tuple[NDArray[np.float32], Sighting]:
    """What a note and the code sets alone tell, shape ``(candidates, len(GENERAL))``, and the sighting."""
    seen = sighting(bench, reading, scored, table)
    return np.concatenate([table, _meaning(bench, reading, scored, seen, [(0, len(scored))])], axis=1), seen


def _meaning(
    bench: Bench,
    reading: Reading,
    scored: Sequence[Scored],
    seen: Sighting,
    spans: Sequence[tuple[int, int]],
) -> NDArray[np.float32]:
    """Columns of meaning of groups of candidates, which end where ``spans`` say."""
    codes = [(item.candidate.system, item.candidate.row) for item in scored]
    meaning = bench.meaning
    return meaning.columns(seen, codes, meaning.running(meaning.rows_of(reading.table)), spans)


def sighting(
    bench: Bench, reading: Reading, scored: Sequence[Scored], table: NDArray[np.float32]
) -> Sighting:
    """Scored candidates and their features, shape ``(candidates, len(NAMES))``, as usage sees them."""
    m = reading.matches
    at = np.array([item.best.match for item in scored], dtype=np.intp)
    first = m.first.take(at).astype(np.int64)
    tokens, sentence, bounds = first.tolist(), reading.sentence, reading.bounds
    ends = chain.from_iterable([bounds[sentence[token]] for token in tokens])
    own = np.fromiter(ends, np.int64, 2 * len(tokens)).reshape(-1, 2)
    phrase, kinds, codes = bench.finder.phrase, reading.section_kind, bench.codes
    return Sighting(
        codes=[codes[item.candidate.system][item.candidate.row] for item in scored],
        categories=[item.category for item in scored],
        phrases=[phrase(term) for term in m.term.take(at).tolist()],
        affirmed=table[:, _AFFIRMED] > 0,
        whole=table[:, _COVERAGE] >= COMPLETE,
        fitting=table[:, _COVERAGE] >= FITTING,
        first=first,
        final=m.final.take(at).astype(np.int64),
        begin=own[:, 0],
        stop=own[:, 1],
        kinds=[kinds[token] for token in tokens],
        words=reading.table.lower,
    )
