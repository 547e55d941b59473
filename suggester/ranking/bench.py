"""What reads a note and describes its candidate codes, under one set of releases."""

from __future__ import annotations

from dataclasses import dataclass, field

from suggester.codesets import ReleaseSet
from suggester.codesets.lexicon import (
    read_combinations,
    read_company,
    read_gives_way,
    read_history,
    read_one_of,
)
from suggester.errors import UnknownCodeError
from suggester.pipeline import TextReader
from suggester.pipeline.reading import Reading
from suggester.ranking.candidates import CandidateFinder
from suggester.ranking.features import FeatureBuilder
from suggester.ranking.meaning import Meaning
from suggester.ranking.sited import SiteOrder
from suggester.ranking.support import CodeSupport
from suggester.types import SYSTEMS, Code, System

_KEPT = 20_000
"""Codes, and rows of codes, that are kept once they were asked for."""


@dataclass(frozen=True)
class Bench:
    """What reads and describes notes under one set of releases."""

    releases: ReleaseSet
    reader: TextReader
    finder: CandidateFinder
    features: FeatureBuilder
    site_order: SiteOrder
    meaning: Meaning
    codes: dict[System, list[str]] = field(repr=False)
    gives_way: dict[int, frozenset[int]] = field(repr=False)
    """Of each diagnosis that leaves something open, the rows of those that tell it."""
    company: dict[int, tuple[str, ...]] = field(repr=False)
    """Of each diagnosis that is not coded alone, the beginnings of the categories that it goes with."""
    one_of: dict[int, tuple[tuple[int, int], ...]] = field(repr=False)
    """Of each diagnosis that excludes others, the groups that it is in, each with its alternative there."""
    _values: dict[tuple[System, int], Code] = field(default_factory=dict, repr=False, compare=False)
    _rows: dict[tuple[System, str], int | None] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def over(cls, releases: ReleaseSet) -> Bench:
        """Build reader, candidate finder and features over a set of releases."""
        personal, family = read_history()
        finder = CandidateFinder(releases, personal=personal, family=family, combinations=read_combinations())
        return cls(
            releases=releases,
            reader=TextReader.over(releases.terms),
            finder=finder,
            features=FeatureBuilder(finder),
            site_order=SiteOrder(releases.icd10cm, releases.terms, finder.sites),
            # of CPT no descriptor is looked at, licensed or not
            meaning=Meaning.load(
                {system: releases.store(system).titles for system in SYSTEMS if system != "CPT"}
            ),
            codes={system: releases.store(system).code_list for system in SYSTEMS},
            gives_way={
                row: finder.rows_under(told)
                for vague, told in read_gives_way().items()
                for row in finder.rows_under((vague,))
            },
            company={row: company for codes, company in read_company() for row in finder.rows_under(codes)},
            one_of=_alternatives(finder),
        )

    def read(self, text: str) -> Reading:
        """Read a note's text."""
        return self.reader.read(text)

    def code_of(self, candidate: CodeSupport) -> str:
        """The code of a candidate as it is written."""
        return self.codes[candidate.system][candidate.row]

    def row(self, system: System, code: str) -> int | None:
        """The row of a code as it is written; None if the release has none."""
        key = system, code
        if key not in self._rows:
            if len(self._rows) >= _KEPT:
                self._rows.clear()
            try:
                found = self.releases.store(system).row(code)
            except UnknownCodeError:
                self._rows[key] = None
            else:
                self._rows[key] = found
        return self._rows[key]

    def code(self, system: System, row: int) -> Code:
        """The row of a system as a value."""
        found = self._values.get((system, row))
        if found is None:
            if len(self._values) >= _KEPT:
                self._values.clear()
            found = self._values[system, row] = self.releases.store(system).code(row)
        return found


def _alternatives(finder: CandidateFinder) -> dict[int, tuple[tuple[int, int], ...]]:
    """For each row of a group of ``read_one_of`` its places there: the group, the alternative."""
    out: dict[int, tuple[tuple[int, int], ...]] = {}
    for group, alternatives in enumerate(read_one_of()):
        for number, prefixes in enumerate(alternatives):
            for row in sorted(finder.rows_under(prefixes)):
                out[row] = (*out.get(row, ()), (group, number))
    return out
