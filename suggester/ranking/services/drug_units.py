"""Drugs by the names that notes give them, and what one billing unit of their codes holds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.ranking.services.choices import Term
from suggester.ranking.services.quantities import MASS, UNIT
from suggester.ranking.services.scenes import Scene, Sentence, note_stems

_MICROGRAMS = 20.0
"""A bare number from here on is micrograms for a drug that is billed by less than a milligram."""


HYDRATION = frozenset(("J7030", "J7040", "J7050", "J7120", "J7042", "J7060", "J7070", "J7121", "J7131"))


PIECES = frozenset(("dose", "vial", "device"))


@dataclass(frozen=True, slots=True)
class DrugUnit:
    """What one billing unit of a drug's code holds."""

    code: str
    amount: float
    unit: str
    routes: frozenset[str]


_FILES = (("hcpcs", "drug_units.tsv"), ("services", "fluids.tsv"), ("services", "given_names.tsv"))


_Drugs = dict[str, list[tuple[Term, tuple[DrugUnit, ...]]]]


@cache
def _drugs() -> _Drugs:
    """Drugs by the first word of their name, longest names first."""
    rows: dict[Term, list[DrugUnit]] = {}
    for parts in _FILES:
        path = lexicon_dir().joinpath(*parts)
        for _, cells in read_rows(path, ("drug", "code", "amount", "unit", "route"), required=4):
            routes = frozenset(part for part in cells[4].split("|") if part)
            unit = DrugUnit(cells[1], float(cells[2]), cells[3], routes)
            for term in _spellings(note_stems(cells[0])):
                known = rows.setdefault(term, [])
                if unit not in known:
                    known.append(unit)
    out: _Drugs = {}
    for term, units in rows.items():
        out.setdefault(term[0], []).append((term, tuple(units)))
    for group in out.values():
        group.sort(key=lambda item: (-len(item[0]), item[0]))
    return out


_SUFFIXES = {
    "iv",
    "neb",
    "nebulizer",
    "injection",
    "oral",
    "intravitreal",
    "inhaled",
    "subcutaneous",
    "monthly",
}
"""Words at the end of a drug's name that only tell its route, which the note says elsewhere."""


def _spellings(term: Term) -> Iterator[Term]:
    """A drug's name and shorter or other writings of it."""
    yield term
    if len(term) > 1 and term[-1] in _SUFFIXES:
        yield term[:-1]
    if term[0] == "technetium":
        yield from (
            ("tc", "99", "m", *term[1:]),
            ("99", "mtc", *term[1:]),
            ("technetium", "99", "m", *term[1:]),
        )
        yield ("tc99m", *term[1:])


@cache
def unit_of(code: str) -> DrugUnit | None:
    """What one billing unit of a code holds, None where the code is of no drug."""
    return next((u for g in _drugs().values() for _, units in g for u in units if u.code == code), None)


def rows_named(term: Term) -> tuple[DrugUnit, ...]:
    """The rows of a name."""
    return next(units for name, units in _drugs()[term[0]] if name == term)


@dataclass(frozen=True, slots=True)
class DrugName:
    """A drug named in a sentence, from ``first`` up to ``after``."""

    first: int
    after: int
    term: Term
    units: tuple[DrugUnit, ...]


def drugs_in(have: frozenset[str]) -> _Drugs:
    """The drugs all of whose words are among some, by the first word of their name."""
    begun = {word: _drugs()[word] for word in drug_triggers() & have}
    found = {word: [drug for drug in drugs if have.issuperset(drug[0])] for word, drugs in begun.items()}
    return {word: drugs for word, drugs in found.items() if drugs}


def drug_names(sentence: Sentence, known: _Drugs) -> list[DrugName]:
    """The drugs, of those known, that a sentence names; a brand beside its generic name is one drug."""
    out: list[DrugName] = []
    end = 0
    for place, word in [(place, word) for place, word in enumerate(sentence.stems) if word in known]:
        if place < end:
            continue
        for term, units in known[word]:
            if sentence.stems[place : place + len(term)] == term:
                end = place + len(term)
                last = out[-1] if out else None
                both = tuple(u for u in units if last and u.code in {own.code for own in last.units})
                if last is not None and both and place - last.after <= 1:
                    out[-1] = DrugName(last.first, end, last.term, both)
                else:
                    out.append(DrugName(place, end, term, units))
                break
    return out


@cache
def drug_triggers() -> frozenset[str]:
    """The first words of the names of drugs."""
    return frozenset(_drugs())


@cache
def usual_doses() -> dict[Term, tuple[float, str]]:
    """The labelled dose of drugs that have but one, for a note that does not say it."""
    path = lexicon_dir() / "services" / "usual_doses.tsv"
    rows = read_rows(path, ("drug", "amount", "unit"), required=3)
    return {note_stems(cells[0]): (float(cells[1]), cells[2]) for _, cells in rows}


def bare_unit(value: float, units: Sequence[DrugUnit]) -> str:
    """The unit left out of a dose such as ``ceftriaxone 500 IM``; empty where it cannot be told."""
    wanted = {item.unit for item in units}
    if "mcg" in wanted:
        return "mcg"
    if "mg" not in wanted and "g" not in wanted:
        return ""
    return "mcg" if value >= _MICROGRAMS and all(item.amount < 1 for item in units) else "mg"


def in_unit(value: float, unit: str, wanted: str) -> float | None:
    """A dose in the unit of a code, None if they do not measure the same."""
    if wanted in PIECES:
        return 1.0
    if not unit:
        return None
    if unit in MASS:
        base = value * MASS[unit]
        return base / MASS[wanted] if wanted in MASS else None
    kind = UNIT[unit]
    if kind == "liter":
        value, kind = value * 1000, "ml"
    return value if kind in (wanted, wanted + "s") else None


def whole_units(share: float | None) -> int | None:
    """Billing units of an amount in units: rounded up, 1 at least."""
    return None if share is None else max(1, math.ceil(share - 1e-9))


def row_for(units: Sequence[DrugUnit], value: float, unit: str, route: str) -> DrugUnit | None:
    """The row whose unit measures the dose and whose route fits; of several sizes the best for the dose.

    Fluids take the largest bag within the volume, drugs with a code a strength the largest that divides it.
    """
    fitting = [item for item in units if in_unit(value, unit, item.unit) is not None or not unit]
    by_route = [item for item in fitting if route in item.routes]
    if route in ("PO", "INH", "IN") and not by_route:
        return None
    if route != "PO":
        fitting = [item for item in fitting if item.routes != {"PO"}]
    if route != "INH":
        fitting = [item for item in fitting if item.routes != {"INH"} or item.unit in PIECES]
    fitting = by_route or fitting
    if not fitting:
        return None
    first = fitting[0]
    fitting = [item for item in fitting if item is first or item.routes & first.routes]
    if len({item.code for item in fitting}) > 1:
        of = {item: in_unit(value, unit, item.unit) or 0.0 for item in fitting}
        within = [item for item in fitting if item.amount <= of[item] + 1e-9]
        if unit not in ("ml", "cc", "l", "liter", "milliliter"):
            within = [item for item in within if abs(math.remainder(of[item], item.amount)) < 1e-6]
        if within:
            return max(within, key=lambda item: item.amount)
    return first


@cache
def _dialysis_codes() -> dict[str, str]:
    """Codes of drugs that have another in a patient on dialysis."""
    path = lexicon_dir() / "services" / "dialysis_drugs.tsv"
    return {cells[0]: cells[1] for _, cells in read_rows(path, ("code", "dialysis"), required=2)}


def at_dialysis(scene: Scene, unit: DrugUnit) -> DrugUnit:
    """The row of a drug's code for patients on dialysis, where there is one and the note is of dialysis."""
    other = _dialysis_codes().get(unit.code)
    if other is None or _DIALYSIS.isdisjoint(scene.have):
        return unit
    for sentence in scene.sentences:
        for word in sorted(_DIALYSIS & sentence.have):
            place = sentence.find((word,))
            if (
                place is None
                or scene.reading.assertion_at(sentence.tokens[place], sentence.tokens[place]).family
            ):
                continue
            if scene.affirmed(sentence, place) and _NOT_YET.isdisjoint(
                sentence.stems[max(0, place - 3) : place]
            ):
                return unit_of(other) or unit
    return unit


_DIALYSIS = frozenset(("dialysis", "hemodialysis", "hd", "dialyzer"))


_NOT_YET = frozenset(("not", "non", "pre", "no", "before", "avoid", "for"))
