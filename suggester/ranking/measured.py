"""Matches for the measured values of a note that have codes: body mass index and weeks of gestation."""

from __future__ import annotations

from collections.abc import Mapping

from suggester.pipeline.reading import Reading
from suggester.ranking.relations.maternity import Maternity, Stage
from suggester.ranking.values import (
    code_of_value,
    first_matches,
    is_child,
    percentile_of_body_mass,
    with_values,
)


class Measured:
    """Adds a match for each measured value that has a code.

    Parameters
    ----------
    terms
        A term of each billable code that a value may name.
    maternity
        Which of several weeks of gestation are those of now.
    """

    def __init__(self, terms: Mapping[str, int], maternity: Maternity) -> None:
        self._terms = terms
        self._maternity = maternity

    def add(self, reading: Reading, stage: Stage) -> int:
        """Add them to the matches of a reading at a stage of pregnancy; returns where they begin.

        What an earlier search added is taken away first, so that finding twice finds the same.
        """
        if reading.values_from is None:
            reading.values_from = len(reading.matches)
        begin = reading.values_from
        if begin < len(reading.matches):
            reading.matches = first_matches(reading.matches, begin)
        named: list[tuple[str | None, int, int]] = []
        values = reading.attributes.values()
        massed = not reading.have.isdisjoint(("bmi", "95th")) or any([v.name == "bmi" for v in values])
        child = is_child(reading.table.lower) if massed else False
        weeks = self._maternity.weeks_of(reading) if stage.name in ("pregnancy", "childbirth") else None
        for value in values:
            if (value.name == "bmi" and child) or (value.name == "weeks" and value != weeks):
                continue  # a child's body mass index is coded by percentile, weeks are those of now
            first, final = reading.token_at(value.span.start), reading.token_at(value.span.end - 1)
            named.append((code_of_value(value.name, value.value), first, final))
        percentile = None
        if massed and child is not False:
            percentile = percentile_of_body_mass(reading.table.lower, child=bool(child))
        added = [
            (self._terms[code], first, final)
            for code, first, final in [*named, *filter(None, [percentile])]
            if code is not None and code in self._terms
        ]
        if added:
            reading.matches = with_values(reading.matches, added, reading.sentence)
        return begin
