"""The data files of the rules (``codesets/lexicon/rules``), read strictly, once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from suggester.codesets.lexicon import lexicon_dir, read_history, read_rows
from suggester.errors import LexiconError

_ALL_OF = {
    "E*": ("E08", "E09", "E10", "E11", "E13"),
    "F*": ("F10", "F11", "F12", "F13", "F14", "F15", "F16", "F18", "F19"),
}
"""Categories that a star in ``combinations.tsv`` stands for."""

_CODE = re.compile(r"\b[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]+)?")
_REMEMBERED = 20_000
"""Kinds of so many codes are kept."""


class Prefixes[T]:
    """Values by prefix of a code; the longest prefix counts.

    >>> Prefixes({"E11": "a", "E11.6": "b"}).get("E11.65"), Prefixes({"E11": "a"}).get("E12")
    ('b', None)
    """

    __slots__ = ("_lengths", "_values")

    def __init__(self, values: Mapping[str, T]) -> None:
        self._values = dict(values)
        self._lengths = sorted({len(prefix) for prefix in values}, reverse=True)

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def get(self, code: str) -> T | None:
        """Value of the longest prefix of a code, None if there is none."""
        for length in self._lengths:
            found = self._values.get(code[:length])
            if found is not None and len(code) >= length:
                return found
        return None

    def __contains__(self, code: object) -> bool:
        return isinstance(code, str) and self.get(code) is not None


@dataclass(frozen=True, slots=True)
class AgeLimit:
    """Ages at which a diagnosis is expected, in completed years, both ends included."""

    group: str
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class NotFirst:
    """Why a diagnosis is never the first; in the inpatient setting alone if ``inpatient``."""

    inpatient: bool
    source: str


@dataclass(frozen=True)
class Combination:
    """Two diagnoses that one code replaces.

    ``one`` and ``two`` are prefixes; ``codes`` those that ``instead`` names beyond them.
    """

    one: tuple[str, ...]
    two: tuple[str, ...]
    instead: str
    source: str
    codes: tuple[str, ...]

    @cached_property
    def second(self) -> frozenset[str]:
        """Categories of ``two``; empty where a prefix is shorter than a category."""
        wide = any(len(prefix) < 3 for prefix in self.two)
        return frozenset() if wide else frozenset(prefix[:3] for prefix in self.two)


@dataclass(frozen=True, slots=True)
class Symptom:
    """A symptom that belongs to diseases as a rule. Both are prefixes."""

    symptoms: tuple[str, ...]
    diseases: tuple[str, ...]
    name: str


class ByCategory[T]:
    """Entries of a table by the three-character categories that they can begin with.

    Parameters
    ----------
    entries
        Each with its prefixes; a prefix shorter than a category fits many.
    """

    __slots__ = ("_by_category", "_wide", "entries")

    def __init__(self, entries: Iterable[tuple[tuple[str, ...], T]]) -> None:
        self._by_category: dict[str, list[int]] = {}
        self._wide: list[int] = []
        listed: list[T] = []
        for number, (prefixes, entry) in enumerate(entries):
            listed.append(entry)
            for category in dict.fromkeys(prefix[:3] for prefix in prefixes):
                where = self._by_category.setdefault(category, []) if len(category) == 3 else self._wide
                where.append(number)
        self.entries = tuple(listed)

    def of(self, categories: Iterable[str]) -> Iterator[T]:
        """The entries that can begin with one of the categories, in the order of the table."""
        numbers = set(self._wide)
        for category in categories:
            numbers.update(self._by_category.get(category, ()))
        return (self.entries[number] for number in sorted(numbers))


@dataclass(frozen=True, slots=True)
class Modifier:
    """What the rules know of a modifier; ``says`` is in our own words."""

    kinds: frozenset[str]
    ncci: bool
    side: str
    clashes: frozenset[str]
    says: str


@dataclass(frozen=True, slots=True)
class Tables:
    """All data files of the rules."""

    ages: Prefixes[AgeLimit]
    sexes: Prefixes[str]
    manifestations: Prefixes[bool]
    not_first: Prefixes[NotFirst]
    only_first: Prefixes[bool]
    sequelae: Prefixes[str]
    combinations: ByCategory[Combination]
    symptoms: ByCategory[Symptom]
    history: Prefixes[str]
    modifiers: Mapping[str, Modifier]
    places: Mapping[str, str]
    facilities: frozenset[str]
    service_places: Mapping[str, tuple[frozenset[str], str]]
    services: tuple[tuple[str, str, str], ...]
    _kinds: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def kind(self, code: str) -> str:
        """Kind of a service by its number, empty where none is known.

        Numbers with a letter at the end (categories II and III, laboratory) have none.
        """
        found = self._kinds.get(code)
        if found is None:
            fitting = [kind for first, last, kind in self.services if first <= code <= last]
            found = fitting[-1] if fitting and code[-1:].isdigit() else ""
            if len(self._kinds) < _REMEMBERED:
                self._kinds[code] = found
        return found

    def is_visit(self, code: str) -> bool:
        """Whether a service is an evaluation and management visit."""
        return self.kind(code).startswith("em")


@cache
def read_tables(folder: Path | None = None) -> Tables:
    """Read the data files.

    Parameters
    ----------
    folder
        Where they lie; the shipped ones if not given.

    Raises
    ------
    LexiconError
        If one is missing or a row is wrong; names file and line.
    """
    root = folder or lexicon_dir() / "rules"

    def rows(name: str, *columns: str, required: int = 1) -> Iterator[tuple[str, ...]]:
        for _, cells in read_rows(root / name, columns, required=required):
            yield cells[: len(columns)]

    only = list(rows("only_first.tsv", "prefix", "except"))
    personal, _family = read_history()
    places = list(rows("places.tsv", "code", "facility", "name", required=3))
    return Tables(
        ages=Prefixes(dict(_ages(root / "ages.tsv"))),
        sexes=Prefixes(dict(_pairs(rows("sexes.tsv", "prefix", "sex", required=2)))),
        manifestations=Prefixes({prefix: True for (prefix,) in rows("manifestations.tsv", "prefix")}),
        not_first=Prefixes(
            {
                prefix: NotFirst(setting == "inpatient", source)
                for prefix, setting, source in rows(
                    "not_first.tsv", "prefix", "setting", "source", required=3
                )
            }
        ),
        only_first=Prefixes({prefix: True for prefix, _ in only} | {free: False for _, free in only if free}),
        sequelae=Prefixes(dict(_pairs(rows("sequelae.tsv", "prefix", "what", required=2)))),
        combinations=ByCategory(
            (item.one, item)
            for cells in rows("combinations.tsv", "one", "two", "instead", "source", required=4)
            for item in _combinations(*cells)
        ),
        symptoms=ByCategory(
            (item.symptoms, item)
            for one, two, name in rows("symptoms.tsv", "symptoms", "diseases", "name", required=3)
            for item in [Symptom(tuple(one.split("|")), tuple(two.split("|")), name)]
        ),
        history=Prefixes(dict(personal)),
        modifiers={
            code: Modifier(
                frozenset(filter(None, kinds.split("|"))),
                ncci == "1",
                side,
                frozenset(filter(None, clashes.split("|"))),
                says,
            )
            for code, kinds, ncci, side, clashes, says in rows(
                "modifiers.tsv", "modifier", "kinds", "ncci", "side", "clashes", "says"
            )
        },
        places={code: name for code, _, name in places},
        facilities=frozenset(code for code, facility, _ in places if facility == "F"),
        service_places={
            kind: (frozenset(allowed.split("|")), hint)
            for kind, allowed, hint in rows("service_places.tsv", "kind", "places", "hint", required=3)
        },
        services=tuple(
            (first, last, kind)
            for first, last, kind in rows("services.tsv", "first", "last", "kind", required=3)
        ),
    )


def _ages(path: Path) -> Iterator[tuple[str, AgeLimit]]:
    for number, cells in read_rows(path, ("prefix", "group", "least", "most"), required=4):
        prefix, group, least, most = cells[:4]
        if not (least.isdigit() and most.isdigit() and int(least) <= int(most)):
            raise LexiconError(f"{path.name}:{number}: least and most are ages in years, in order")
        yield prefix, AgeLimit(group, int(least), int(most))


def _pairs(rows: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    return ((first, second) for first, second in rows)


def _combinations(one: str, two: str, instead: str, source: str) -> Iterator[Combination]:
    """One row, or one for each category that its star stands for."""
    star = next((star for star in _ALL_OF if star in one), None)
    for category in _ALL_OF[star] if star else ("",):
        first, second, text = (cell.replace(star, category) if star else cell for cell in (one, two, instead))
        ones, twos = tuple(first.split("|")), tuple(second.split("|"))
        named = tuple(code for code in _CODE.findall(text) if not code.startswith((*ones, *twos)))
        named = tuple(code for code in named if not any(p.startswith(code) for p in (*ones, *twos)))
        yield Combination(ones, twos, text, source, named)
