"""Figures for the manager."""

from __future__ import annotations

import dataclasses
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date

from suggester.errors import DecisionError
from suggester.review.auditing import AuditPart
from suggester.review.base import at
from suggester.review.cells import csv_bytes
from suggester.review.types import (
    AcceptRate,
    Attention,
    CodeCount,
    CoderDay,
    Dashboard,
)
from suggester.review.viewing import system_of
from suggester.store import decisions, figures
from suggester.store.decisions import FinishRow
from suggester.store.figures import BandRow, CodeRow, ReplacedRow

__all__ = ["DashboardPart"]

_BAND_EDGES = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
_STEPS = 20
_MOST_CODES = 200


class DashboardPart(AuditPart):
    """Figures for the manager."""

    def dashboard(self, token: str, *, since: date, until: date, most: int = 20) -> Dashboard:
        """Figures of the work finished between two days, inclusive, at the place of the server.

        Raises
        ------
        DecisionError
            If ``until`` is before ``since``.
        """
        if until < since:
            raise DecisionError("the last day is before the first", reason="days")
        first, last = self._day_range(since, until)
        most = min(max(most, 1), _MOST_CODES)
        with self._reading(token, "dashboard.read") as (connection, _):
            finishes = decisions.finishes(connection, since=first, until=last)
            bands = figures.bands(connection, since=first, until=last)
            rejected = figures.rejected(connection, since=first, until=last, most=most)
            added = figures.added(connection, since=first, until=last, most=most)
            replaced = figures.replaced(connection, since=first, until=last, most=most)
            waiting = figures.open_notes(connection)
        latest = {row.note_id: row for row in reversed(finishes)}
        calibration = _rates(bands, lambda row: f"{row.band / _STEPS:.2f}")
        decided = sum(group.decided for group in calibration)
        error = sum(abs(group.rate - group.mean_confidence) * group.decided for group in calibration)
        return Dashboard(
            since=since,
            until=until,
            coder_days=_coder_days(finishes),
            by_band=_rates(bands, _band),
            by_system=_rates(bands, lambda row: row.system),
            by_chapter=_rates(bands, lambda row: row.chapter),
            calibration=calibration,
            calibration_error=error / decided if decided else None,
            most_rejected=tuple(_count(row) for row in rejected),
            most_added=tuple(_count(row) for row in added),
            most_replaced=tuple(_count(row) for row in replaced),
            attention=_attention(finishes),
            notes_finished=len(latest),
            codes_final=sum(row.codes for row in latest.values()),
            open_notes=waiting,
        )

    def dashboard_csv(self, token: str, figure: str, *, since: date, until: date) -> bytes:
        """One figure of the dashboard (a field name such as ``coder_days``) as CSV.

        Raises
        ------
        DecisionError
            If there is no such figure; names those there are.
        """
        board = self.dashboard(token, since=since, until=until, most=_MOST_CODES)
        tables = {f.name for f in dataclasses.fields(board) if isinstance(getattr(board, f.name), tuple)}
        if figure not in tables:
            raise DecisionError(f"no such figure; allowed: {', '.join(sorted(tables))}", reason="figure")
        header = {
            "coder_days": [f.name for f in dataclasses.fields(CoderDay)],
            "attention": [f.name for f in dataclasses.fields(Attention)],
        }.get(figure) or [
            f.name for f in dataclasses.fields(CodeCount if figure.startswith("most") else AcceptRate)
        ]
        rows = [[getattr(row, name) for name in header] for row in getattr(board, figure)]
        return csv_bytes(header, rows)


def _band(row: BandRow) -> str:
    low = row.band / _STEPS
    place = max(i for i, edge in enumerate(_BAND_EDGES[:-1]) if low >= edge - 1e-9)
    return f"{_BAND_EDGES[place]:.2f} to {_BAND_EDGES[place + 1]:.2f}"


def _rates(rows: Iterable[BandRow], group: Callable[[BandRow], str]) -> tuple[AcceptRate, ...]:
    """Decisions by group, in order of its name."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    totals: dict[str, float] = defaultdict(float)
    for row in rows:
        counts[group(row)][row.state] += row.count
        totals[group(row)] += row.total
    found: list[AcceptRate] = []
    for name in sorted(counts):
        states = counts[name]
        decided = sum(states.values())
        found.append(
            AcceptRate(
                group=name,
                decided=decided,
                accepted=states["accepted"],
                rejected=states["rejected"],
                replaced=states["replaced"],
                mean_confidence=totals[name] / decided,
            )
        )
    return tuple(found)


def _coder_days(finishes: Iterable[FinishRow]) -> tuple[CoderDay, ...]:
    """Work by coder and day; a note finished twice on a day counts once, with its last number of codes."""
    rows: dict[tuple[str, date], list[FinishRow]] = defaultdict(list)
    for row in finishes:
        rows[row.display_name, at(row.at).astimezone().date()].append(row)
    days: list[CoderDay] = []
    for (coder, day), done in sorted(rows.items()):
        latest = {row.note_id: row.codes for row in reversed(done)}  # they come newest first
        seconds = [row.worked_ms / 1000 for row in done]
        days.append(
            CoderDay(
                coder=coder,
                day=day,
                notes=len(latest),
                codes=sum(latest.values()),
                seconds=sum(seconds),
                median_seconds=statistics.median(seconds),
            )
        )
    return tuple(days)


def _attention(finishes: Iterable[FinishRow]) -> tuple[Attention, ...]:
    """Planted suggestions by coder; only the first time that a note was finished counts."""
    first = {row.note_id: row for row in finishes}  # newest first: the oldest stays
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in first.values():
        if row.planted:
            totals[row.display_name][0] += row.planted
            totals[row.display_name][1] += row.caught
    return tuple(
        Attention(coder=coder, planted=planted, caught=caught)
        for coder, (planted, caught) in sorted(totals.items())
    )


def _count(row: CodeRow | ReplacedRow) -> CodeCount:
    return CodeCount(
        system=system_of(row.system),
        code=row.code,
        display=row.display,
        count=row.count,
        other=row.other if isinstance(row, ReplacedRow) else None,
    )
