"""Drugs and vaccines given in the encounter: code, billing units from the dose, and administration.

Only what the note tells as given counts: a verb of giving, a route of injection or infusion with a dose, a
time from and to. Home medicines, prescriptions, allergies and history do not. Administration follows the
order of CPT: one initial service, by rank chemotherapy before therapy before hydration and infusion before
push; the rest are additional.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.codesets.words import words
from suggester.ranking.services.choices import Composed, Term
from suggester.ranking.services.note_words import note_words
from suggester.ranking.services.scenes import Scene, Sentence
from suggester.types import Evidence, Setting

_GIVEN = note_words("given")
_AT_HOME = note_words("at_home")
_ROUTES = {
    word: route
    for route in ("IM", "SC", "IV", "PO", "IA", "IVT", "INH")
    for word in note_words(f"route {route}")
}
_SKIPPED = frozenset(
    ("medications", "allergies", "past_medical", "social", "family", "discharge_medications")
)
_MASS = {
    "mg": 1.0,
    "milligram": 1.0,
    "mcg": 0.001,
    "microgram": 0.001,
    "g": 1000.0,
    "gm": 1000.0,
    "gram": 1000.0,
}
_UNIT = {
    "unit": "units", "u": "units", "iu": "units", "ml": "ml", "cc": "ml", "milliliter": "ml", "l": "liter",
    "liter": "liter", "meq": "meq", "mci": "mci", "uci": "uci",
}  # fmt: skip
_STORY = frozenset(("hpi", "interval_history", "chief_complaint", "header"))
_BUNDLED = frozenset(("J2003", "J2001", "J3490", "J3590", "J0670"))
"""Local anaesthetics, part of the procedure, and codes of drugs that have none of their own."""
_LIKELY, _LIKELY_SALINE, _LIKELY_BUNDLED = 0.75, 0.35, 0.05
_IN_HOSPITAL = 0.35
"""Share that remains where a hospital stay or an operation pays for the drug."""
_REACH = 7
_PARENTERAL = frozenset(("IM", "SC", "IV"))
_MILLION = frozenset(("mu", "million"))
_MICROGRAMS = 20.0
"""A bare number from here on is micrograms for a drug that is billed by less than a milligram."""
_CLOCK = re.compile(r"([01]\d|2[0-3])([0-5]\d)")
_CHEMO_NOT_J9 = frozenset(("Q2050", "Q2043"))
_HYDRATION = frozenset(("J7030", "J7040", "J7050", "J7120", "J7042", "J7060", "J7070", "J7121", "J7131"))


@dataclass(frozen=True, slots=True)
class DrugUnit:
    """What one billing unit of a drug's code holds."""

    code: str
    amount: float
    unit: str
    routes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Given:
    """A drug that was given: its code and units, how, and for how long."""

    code: str
    name: str
    dose: float
    unit: str
    units: int | None
    route: str
    push: bool
    minutes: float | None
    interval: tuple[int, int] | None
    evidence: Evidence
    sentence: Sentence


@cache
def _drugs() -> dict[str, list[tuple[Term, tuple[DrugUnit, ...]]]]:
    """Drugs by the first word of their name, longest names first."""
    rows: dict[Term, list[DrugUnit]] = {}
    for path in (lexicon_dir() / "hcpcs" / "drug_units.tsv", lexicon_dir() / "services" / "fluids.tsv"):
        for _, cells in read_rows(path, ("drug", "code", "amount", "unit", "route"), required=4):
            routes = frozenset(part for part in cells[4].split("|") if part)
            rows.setdefault(tuple(words(cells[0])), []).append(
                DrugUnit(cells[1], float(cells[2]), cells[3], routes)
            )
    out: dict[str, list[tuple[Term, tuple[DrugUnit, ...]]]] = {}
    for term, units in rows.items():
        if term:
            out.setdefault(term[0], []).append((term, tuple(units)))
    for group in out.values():
        group.sort(key=lambda item: (-len(item[0]), item[0]))
    return out


def _named(term: Term) -> tuple[DrugUnit, ...]:
    return next(units for name, units in _drugs()[term[0]] if name == term)


def drugs_given(scene: Scene) -> Iterator[Given]:
    """Drugs that the note says were given, each with its dose, one a name and sentence."""
    known = _drugs()
    triggers = frozenset(known)
    for sentence in scene.sentences:
        if triggers.isdisjoint(sentence.have):
            continue
        taken: set[int] = set()
        for place, word in enumerate(sentence.stems):
            if place in taken or word not in triggers:
                continue
            for term, units in known[word]:
                if sentence.stems[place : place + len(term)] == term:
                    found = _given(scene, sentence, place, term, units)
                    if found is not None:
                        taken.update(range(place, place + len(term)))
                        yield found
                        break


def _given(
    scene: Scene, sentence: Sentence, place: int, term: Term, units: Sequence[DrugUnit]
) -> Given | None:
    stems = sentence.stems
    if not scene.affirmed(sentence, place):
        return None
    before = [w for s in scene.near(sentence, before=2, after=0)[:-1] for w in s.stems]
    verbs = sentence.kind == "procedure" or not _GIVEN.isdisjoint(stems) or not _GIVEN.isdisjoint(before)
    dose = _dose(sentence, place, place + len(term), units)
    dose = dose or (_usual_dose(term, place) if verbs else None)
    if dose is None:
        return None
    value, unit, at = dose
    ahead = [w for s in scene.near(sentence, before=0, after=3)[1:] for w in s.stems]
    after = [*stems[max(place + len(term), at + 2) :], *ahead][:22]
    routed = next((i for i, word in enumerate(after) if word in _ROUTES), None)
    if routed is None:
        window = [*before[-12:], *stems[:place]]
        route = _route(window[::-1])
        window = [*window[-6:], *after[:8]]
    else:
        route = _ROUTES[after[routed]]
        window = after[: routed + 6]
    interval, minutes = _times(window)
    if sentence.kind in _SKIPPED and interval is None:
        return None
    if not verbs and (route in ("", "PO") or (interval is None and sentence.kind in _STORY)):
        return None
    nearby = stems[max(0, min(place, at) - 4) : max(place + len(term), at) + 6]
    if not _AT_HOME.isdisjoint(nearby) and not (
        {"given", "gave", "administered", "today", "received"} & set(stems)
    ):
        return None
    if after[:1] in (["lock"], ["flush"]) or stems[place + len(term) : place + len(term) + 1] in (
        ("lock",),
        ("flush",),
    ):
        units = _named(("heparin", "lock", "flush")) if term == ("heparin",) else units
    chosen = _unit_for(units, value, unit, route)
    if chosen is None or (chosen.code in _HYDRATION and {"in", "with"} & set(stems[max(0, at - 2) : at])):
        return None  # the fluid that another drug is given in
    amount = _in_unit(value, unit, chosen.unit)
    count = None if amount is None else max(1, math.ceil(amount / chosen.amount - 1e-9))
    first, final = min(place, at), max(place + len(term) - 1, at + 1)
    return Given(
        code=chosen.code,
        name=" ".join(term),
        dose=value,
        unit=unit,
        units=count,
        route=route,
        push="push" in window or "ivp" in window,
        minutes=minutes,
        interval=interval,
        evidence=scene.evidence(sentence, first, min(final, len(stems) - 1)),
        sentence=sentence,
    )


def _dose(
    sentence: Sentence, first: int, after: int, units: Sequence[DrugUnit]
) -> tuple[float, str, int] | None:
    """The dose nearest to a drug's name that its codes can measure: value, unit and place of the number."""
    best: tuple[int, float, str, int] | None = None
    for i, value in sentence.numbers:
        if i + 1 >= len(sentence.stems):
            continue
        unit = sentence.stems[i + 1]
        if unit in _MILLION:
            value, unit = value * 1e6, "unit"
        elif _ROUTES.get(unit) in _PARENTERAL:
            unit = _bare_unit(value, units)
        if unit not in _MASS and unit not in _UNIT:
            continue
        if not any(_in_unit(value, unit, item.unit) is not None for item in units):
            continue
        gap = i - after if i >= after else (first - i - 2) * 2 + 1
        if -2 <= gap <= _REACH and (best is None or gap < best[0]):
            per = sentence.stems[i + 2 : i + 3]
            if per and per[0] in ("kg", "m2", "hr", "min"):
                continue
            best = gap, value, unit, i
    return None if best is None else best[1:]


def _bare_unit(value: float, units: Sequence[DrugUnit]) -> str:
    """The unit left out of a dose such as ``ceftriaxone 500 IM``; empty where it cannot be told."""
    wanted = {item.unit for item in units}
    if "mcg" in wanted:
        return "mcg"
    if "mg" not in wanted and "g" not in wanted:
        return ""
    return "mcg" if value >= _MICROGRAMS and all(item.amount < 1 for item in units) else "mg"


def _in_unit(value: float, unit: str, wanted: str) -> float | None:
    """A dose in the unit of a code, None if they do not measure the same."""
    if wanted in ("dose", "vial", "device"):
        return 1.0
    if unit in _MASS:
        base = value * _MASS[unit]
        return base / _MASS[wanted] if wanted in _MASS else None
    kind = _UNIT[unit]
    if kind == "liter":
        value, kind = value * 1000, "ml"
    return value if kind in (wanted, wanted + "s") else None


def _unit_for(units: Sequence[DrugUnit], value: float, unit: str, route: str) -> DrugUnit | None:
    """The row whose unit measures the dose and whose route fits; of several sizes the largest within it."""
    fitting = [item for item in units if _in_unit(value, unit, item.unit) is not None]
    by_route = [item for item in fitting if route in item.routes]
    if route == "PO" and not by_route:
        return None
    if route != "PO":
        fitting = [item for item in fitting if item.routes != {"PO"}]
    fitting = by_route or fitting
    if not fitting:
        return None
    sizes = [item for item in fitting if item.amount <= (_in_unit(value, unit, item.unit) or 0) + 1e-9]
    if len({item.code for item in fitting}) > 1 and sizes and unit in ("ml", "l", "liter"):
        return max(sizes, key=lambda item: item.amount)
    return fitting[0]


def _route(window: Sequence[str]) -> str:
    return next((_ROUTES[w] for w in window if w in _ROUTES), "")


@cache
def _usual() -> dict[Term, tuple[float, str]]:
    path = lexicon_dir() / "services" / "usual_doses.tsv"
    rows = read_rows(path, ("drug", "amount", "unit"), required=3)
    return {tuple(words(cells[0])): (float(cells[1]), cells[2]) for _, cells in rows}


def _usual_dose(term: Term, place: int) -> tuple[float, str, int] | None:
    """The labelled dose of a drug that has but one, for a note that does not say it."""
    usual = _usual().get(term)
    return None if usual is None else (*usual, place)


def _times(window: Sequence[str]) -> tuple[tuple[int, int] | None, float | None]:
    """Clock times of start and stop (``0945 1015``) and the minutes between, or the minutes as said."""
    clocks = [m for w in window if (m := _CLOCK.fullmatch(w))]
    if len(clocks) >= 2:
        start, stop = (int(m[1]) * 60 + int(m[2]) for m in clocks[:2])
        return (start, stop), float((stop - start) % 1440)
    return None, _minutes(window)


def _minutes(window: Sequence[str]) -> float | None:
    """Minutes as said."""
    for i, word in enumerate(window[:-1]):
        if word.replace(".", "", 1).isdigit() and window[i + 1] in ("min", "minute", "mins"):
            return float(word)
        if word.replace(".", "", 1).isdigit() and window[i + 1] in ("hr", "hour"):
            return 60 * float(word)
    return None


_OPERATIVE = frozenset(("anesthesia", "preoperative_diagnosis", "postoperative_diagnosis"))


def compose_drugs(scene: Scene, *, setting: Setting | None) -> tuple[list[Composed], list[Given]]:
    """The drugs given as services with units, and with their administration."""
    packaged = setting in ("inpatient", "emergency") or not _OPERATIVE.isdisjoint(scene.kinds)
    share = _IN_HOSPITAL if packaged else 1.0
    given = list(drugs_given(scene))
    best: dict[str, Given] = {}
    for item in given:
        old = best.get(item.code)
        if old is None or (item.units or 0) > (old.units or 0):
            best[item.code] = item
    out = [
        Composed(
            item.code,
            share * _likely(item.code),
            item.evidence,
            f"{item.name} {item.dose:g} {item.unit} given"
            + (f": {item.units} billing units" if item.units else ""),
            item.units,
            item.sentence.number,
        )
        for item in best.values()
    ]
    out.extend(replace(c, likely=c.likely * share) for c in _administration(list(best.values())))
    return out, list(best.values())


def _likely(code: str) -> float:
    if code in _BUNDLED:
        return _LIKELY_BUNDLED
    return _LIKELY_SALINE if code in _HYDRATION else _LIKELY


def _is_chemo(item: Given) -> bool:
    return item.code.startswith("J9") or item.code in _CHEMO_NOT_J9


def _administration(given: Sequence[Given]) -> Iterator[Composed]:
    intravenous: list[Given] = []
    for item in given:
        together = item.interval is not None and any(
            item.interval == other.interval for other in intravenous
        )  # two drugs of one bag are infused once
        if item.route == "IV" and not together:
            intravenous.append(item)
    infusions = [i for i in intravenous if not i.push and i.minutes is not None and i.minutes > 15]
    pushes = [i for i in intravenous if i.push or (i.minutes is not None and i.minutes <= 15)]
    chemo = sorted((i for i in infusions if _is_chemo(i)), key=lambda i: -(i.minutes or 0))
    therapy = sorted(
        (i for i in infusions if not _is_chemo(i) and i.code not in _HYDRATION),
        key=lambda i: -(i.minutes or 0),
    )
    hydration = [i for i in infusions if i.code in _HYDRATION and (i.minutes or 0) > 30]
    initial = True
    for number, item in enumerate(chemo):
        yield _service("96413" if number == 0 else "96417", item, "chemotherapy infusion")
        if (item.minutes or 0) > 90:
            yield _service("96415", item, "chemotherapy beyond the first hour", _hours(item.minutes))
        initial = False
    for item in therapy:
        yield _service(
            "96365" if initial else "96367", item, "infusion" if initial else "sequential infusion"
        )
        if (item.minutes or 0) > 90:
            yield _service("96366", item, "infusion beyond the first hour", _hours(item.minutes))
        initial = False
    for item in pushes:
        code = ("96409" if initial else "96411") if _is_chemo(item) else ("96374" if initial else "96375")
        yield _service(code, item, "intravenous push")
        initial = False
    for item in hydration:
        yield _service("96360" if initial else "96361", item, "hydration over 30 minutes")
        initial = False
    under_skin = [i for i in given if i.route in ("IM", "SC") and i.code not in _BUNDLED]
    if under_skin:
        count = len(under_skin)
        code = "96401" if all(_is_chemo(item) for item in under_skin) else "96372"
        yield _service(code, under_skin[0], f"injection {under_skin[0].route}", count)


def _hours(minutes: float | None) -> int:
    return max(1, int(((minutes or 0) - 60 + 29) // 60))


def _service(code: str, item: Given, what: str, units: int = 1) -> Composed:
    return Composed(code, 0.65, item.evidence, f"{what} of {item.name}", units, item.sentence.number)
