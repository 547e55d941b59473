"""The words and code ranges that pointers go by: read once from the files beside this one.

``affinity.csv``: a range of procedure codes, prefixes of the diagnoses that such a procedure is done for, a
weight, and the reason in our own words. ``regions.csv``: a word and the region of the body that it names.
``place_of_service.csv``: the CMS place-of-service codes, with names in our own words.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["Affinity", "affinities", "places_of_service", "regions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Affinity:
    """Procedures ``first`` to ``last`` are done for diagnoses that begin with one of ``prefixes``."""

    first: str
    last: str
    prefixes: tuple[str, ...]
    weight: float
    why: str

    def ties(self, procedure: str, diagnosis: str) -> bool:
        """Whether the two go together by this row."""
        return (
            len(procedure) == len(self.first)
            and self.first <= procedure <= self.last
            and diagnosis.startswith(self.prefixes)
        )


@cache
def affinities() -> tuple[Affinity, ...]:
    """All rows of ``affinity.csv``, in its order."""
    return tuple(
        Affinity(
            first=row["first"],
            last=row["last"],
            prefixes=tuple(row["diagnoses"].split()),
            weight=float(row["weight"]),
            why=row["why"],
        )
        for row in _rows("affinity.csv")
    )


@cache
def regions() -> dict[str, str]:
    """Region of the body by lower-case word."""
    return {row["word"]: row["region"] for row in _rows("regions.csv")}


@cache
def places_of_service() -> dict[str, str]:
    """Name by CMS place-of-service code."""
    return {row["code"]: row["name"] for row in _rows("place_of_service.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    text = files("suggester.billing").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
