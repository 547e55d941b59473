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
    for item, reason, cue in left_out:
        at = item.best.match
        if m.coverage.item(at) < COMPLETE:
            continue
        begin, stop = starts[m.firsts[at]], ends[m.finals[at]]
        if reason == "below threshold" and stops[bisect_left(begins, stop)] > begin:
            continue
        key = (begin, stop, reason)
        score, old_cue, would_be = entries.setdefault(key, (item.best_score, cue, []))
        would_be.append(code_of(item.candidate))
        entries[key] = (max(score, item.best_score), old_cue, would_be)
    kept = sorted(entries.items(), key=lambda entry: (-entry[1][0], entry[0]))[:LIMIT]
    return tuple(
        _not_coded(
            span=make_span(start=start, end=end),
            quote=text[start:end],
            reason=reason,
            cue=cue,
            would_be=tuple(dict.fromkeys(would_be)),
        )
        for (start, end, reason), (_, cue, would_be) in sorted(kept)
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
