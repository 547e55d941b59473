"""The not-coded ledger: what was read but is not suggested, and why."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate

from suggester.pipeline.matching import COMPLETE
from suggester.pipeline.reading import Reading
from suggester.ranking.features import Scored
from suggester.ranking.support import CodeSupport
from suggester.types import Assertion, NotCoded, Span, make_span, maker

LIMIT = 60
"""Most entries a note; the most telling are kept."""

_not_coded = maker(NotCoded)


def ledger(
    text: str,
    reading: Reading,
    left_out: Sequence[tuple[Scored, str, str | None]],
    code_of: Callable[[CodeSupport], str],
    covered: Sequence[Span],
) -> tuple[NotCoded, ...]:
    """Entries for candidates that were not suggested, in order of the note.

    Parameters
    ----------
    left_out
        Candidates with the reason and the cue, if any.
    code_of
        The code of a candidate.
    covered
        Spans that suggestions rest on; weak candidates over the same words are left out.
    """
    m = reading.matches
    begins, stops = _covering(covered)
    starts, ends = reading.table.start, reading.table.end
    entries: dict[tuple[int, int, str], tuple[float, str | None, list[str]]] = {}
    coverage, firsts, finals = m.coverage, m.firsts, m.finals
    for item, reason, cue in left_out:
        at = item.best.match
        if coverage.item(at) < COMPLETE:
            continue
        begin, stop = starts[firsts[at]], ends[finals[at]]
        if reason == "below threshold" and stops[bisect_left(begins, stop)] > begin:
            continue
        key = (begin, stop, reason)
        known = entries.get(key)
        if known is None:
            entries[key] = item.best_score, cue, [code_of(item.candidate)]
        else:
            known[2].append(code_of(item.candidate))
            if item.best_score > known[0]:
                entries[key] = item.best_score, *known[1:]
    kept = sorted(entries.items(), key=lambda entry: (-entry[1][0], entry[0]))[:LIMIT]
    kept.sort()
    return tuple(
        [
            _not_coded(
                span=make_span(start=start, end=end),
                quote=text[start:end],
                reason=reason,
                cue=cue,
                would_be=tuple(dict.fromkeys(would_be)),
            )
            for (start, end, reason), (_, cue, would_be) in kept
        ]
    )


def _covering(spans: Sequence[Span]) -> tuple[list[int], list[int]]:
    """Where spans start, in order, and how far those before each of them, and then all, reach."""
    bounds = sorted([(span.start, span.end) for span in spans])
    return [start for start, _ in bounds], [*accumulate([end for _, end in bounds], max, initial=-1)]


def cue_of(assertion: Assertion, flag: str) -> str | None:
    """Words that set a flag, None if no cue is kept."""
    for cue in assertion.cues:
        if cue.flag == flag:
            return cue.text
    return None
