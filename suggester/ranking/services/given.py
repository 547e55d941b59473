"""Drugs and vaccines given in the encounter: code, billing units from the dose, and administration.

Only what the note tells as given counts: a verb of giving, a route of injection or infusion with a dose, a
time from and to. Home medicines, prescriptions, allergies and history do not. Administration follows the order
of CPT: one initial service, by rank chemotherapy before therapy before hydration and infusion before push; the
rest are additional.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.codesets.words import words
from suggester.ranking.services.choices import Composed
from suggester.ranking.services.scenes import Scene, Sentence
from suggester.types import Evidence

Term = tuple[str, ...]

_GIVEN = frozenset(
    ("given", "gave", "administered", "injected", "injection", "inj", "received", "infused", "infusion", "ivpb",
     "push", "bolus", "deltoid", "gluteal", "today", "drawn", "instilled")
)  # fmt: skip
_AT_HOME = frozenset(
    ("daily", "bid", "tid", "qid", "prescribe", "prescribed", "prescription", "refill", "continue", "tablet",
     "tab", "tabs", "capsule", "home", "nightly", "qhs", "weekly", "monthly", "start", "taking", "rx", "dispense")
)  # fmt: skip
_ROUTES: dict[str, str] = {
    "im": "IM", "intramuscular": "IM", "intramuscularly": "IM", "deltoid": "IM", "gluteal": "IM",
    "sq": "SC", "sc": "SC", "subq": "SC", "subcutaneous": "SC", "subcutaneously": "SC", "subcut": "SC",
    "iv": "IV", "ivp": "IV", "ivpb": "IV", "intravenous": "IV", "infusion": "IV", "infused": "IV",
    "po": "PO", "oral": "PO", "orally": "PO", "intraarticular": "IA", "knee": "IA", "joint": "IA",
    "shoulder": "IA", "intravitreal": "IVT", "neb": "INH", "nebulizer": "INH", "nebulized": "INH",
}  # fmt: skip
_SKIPPED = frozenset(("medications", "allergies", "past_medical", "social", "family", "discharge_medications"))
_MASS = {"mg": 1.0, "milligram": 1.0, "mcg": 0.001, "microgram": 0.001, "g": 1000.0, "gm": 1000.0, "gram": 1000.0}
_UNIT = {
    "unit": "units", "u": "units", "iu": "units", "ml": "ml", "cc": "ml", "milliliter": "ml", "l": "liter",
    "liter": "liter", "meq": "meq", "mci": "mci", "uci": "uci",
}  # fmt: skip
_REACH = 7
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
    evidence: Evidence
    sentence: Sentence


@cache
def _drugs() -> dict[str, list[tuple[Term, tuple[DrugUnit, ...]]]]:
    """Drugs by the first word of their name, longest names first."""
    rows: dict[Term, list[DrugUnit]] = {}
    path = lexicon_dir() / "hcpcs" / "drug_units.tsv"
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


def drugs_given(scene: Scene) -> Iterator[Given]:
    """Drugs that the note says were given, each with its dose, one a name and sentence."""
    known = _drugs()
    triggers = frozenset(known)
    for sentence in scene.sentences:
        if sentence.kind in _SKIPPED or triggers.isdisjoint(sentence.have):
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
    dose = _dose(sentence, place, place + len(term))
    if dose is None:
        return None
    value, unit, at = dose
    window = stems[max(0, min(place, at) - 6) : max(place + len(term), at) + 14]
    route = next((_ROUTES[w] for w in window if w in _ROUTES), "")
    minutes = _minutes(window)
    verbs = not _GIVEN.isdisjoint(stems)
    if route in ("", "PO") and not verbs:
        return None
    if not _AT_HOME.isdisjoint(window) and not ({"given", "gave", "administered", "today", "received"} & set(stems)):
        return None
    chosen = _unit_for(units, value, unit, route)
    if chosen is None:
        return None
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
        evidence=scene.evidence(sentence, first, min(final, len(stems) - 1)),
        sentence=sentence,
    )


def _dose(sentence: Sentence, first: int, after: int) -> tuple[float, str, int] | None:
    """The dose nearest to a drug's name: value, unit and the place of the number."""
    best: tuple[int, float, str, int] | None = None
    for i, value in sentence.numbers:
        if i + 1 >= len(sentence.stems):
            continue
        unit = sentence.stems[i + 1]
        if unit not in _MASS and unit not in _UNIT:
            continue
        gap = i - after if i >= after else (first - i - 2) * 2 + 1
        if -2 <= gap <= _REACH and (best is None or gap < best[0]):
            per = sentence.stems[i + 2 : i + 3]
            if per and per[0] in ("kg", "m2", "hr", "min"):
                continue
            best = gap, value, unit, i
    return None if best is None else best[1:]


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
    """The row whose unit measures the dose and whose route fits; of several sizes the largest not above it."""
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


def _minutes(window: Sequence[str]) -> float | None:
    """Minutes between two clock times (``0945 1015``) or as said."""
    clocks = [m for w in window if (m := _CLOCK.fullmatch(w))]
    if len(clocks) >= 2:
        start, stop = (int(m[1]) * 60 + int(m[2]) for m in clocks[:2])
        return float((stop - start) % 1440)
    for i, word in enumerate(window[:-1]):
        if word.replace(".", "", 1).isdigit() and window[i + 1] in ("min", "minute", "mins"):
            return float(word)
        if word.replace(".", "", 1).isdigit() and window[i + 1] in ("hr", "hour"):
            return 60 * float(word)
    return None


def compose_drugs(scene: Scene) -> tuple[list[Composed], list[Given]]:
    """The drugs given as services with units, and with their administration."""
    given = list(drugs_given(scene))
    best: dict[str, Given] = {}
    for item in given:
        old = best.get(item.code)
        if old is None or (item.units or 0) > (old.units or 0):
            best[item.code] = item
    out = [
        Composed(
            item.code,
            0.7 if item.code not in _HYDRATION else 0.35,
            item.evidence,
            f"{item.name} {item.dose:g} {item.unit} given"
            + (f": {item.units} billing units" if item.units else ""),
            item.units,
            item.sentence.number,
        )
        for item in best.values()
    ]
    out.extend(_administration(list(best.values())))
    return out, list(best.values())


def _is_chemo(item: Given) -> bool:
    return item.code.startswith("J9") or item.code in _CHEMO_NOT_J9


def _administration(given: Sequence[Given]) -> Iterator[Composed]:
    intravenous = [item for item in given if item.route == "IV"]
    infusions = [i for i in intravenous if not i.push and i.minutes is not None and i.minutes > 15]
    pushes = [i for i in intravenous if i.push or (i.minutes is not None and i.minutes <= 15)]
    chemo = sorted((i for i in infusions if _is_chemo(i)), key=lambda i: -(i.minutes or 0))
    therapy = sorted(
        (i for i in infusions if not _is_chemo(i) and i.code not in _HYDRATION), key=lambda i: -(i.minutes or 0)
    )
    hydration = [i for i in infusions if i.code in _HYDRATION and (i.minutes or 0) > 30]
    initial = True
    for number, item in enumerate(chemo):
        yield _service("96413" if number == 0 else "96417", item, "chemotherapy infusion")
        if (item.minutes or 0) > 90:
            yield _service("96415", item, "chemotherapy beyond the first hour", _hours(item.minutes))
        initial = False
    for item in therapy:
        yield _service("96365" if initial else "96367", item, "infusion" if initial else "sequential infusion")
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
    under_skin = [item for item in given if item.route in ("IM", "SC")]
    if under_skin:
        count = len(under_skin)
        code = "96401" if all(_is_chemo(item) for item in under_skin) else "96372"
        yield _service(code, under_skin[0], f"injection {under_skin[0].route}", count)


def _hours(minutes: float | None) -> int:
    return max(1, int(((minutes or 0) - 60 + 29) // 60))


def _service(code: str, item: Given, what: str, units: int = 1) -> Composed:
    return Composed(code, 0.65, item.evidence, f"{what} of {item.name}", units, item.sentence.number)


# --- vaccines -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Vaccine:
    """A vaccine by name: code, components counselled, route of administration."""

    term: Term
    code: str
    components: int
    administration: str


@cache
def _vaccines() -> tuple[Vaccine, ...]:
    path = lexicon_dir() / "services" / "vaccines.tsv"
    rows = read_rows(path, ("name", "code", "components", "administration"), required=4)
    found = [Vaccine(tuple(words(cells[0])), cells[1], int(cells[2]), cells[3]) for _, cells in rows]
    return tuple(sorted(found, key=lambda item: (-len(item.term), item.term)))


_SHOT = frozenset(("given", "administered", "im", "deltoid", "today", "sq", "gave", "injected", "thigh", "lot"))
_INFLUENZA = frozenset(("90653", "90656", "90660", "90661", "90662", "90673"))
_PNEUMOCOCCAL = frozenset(("90670", "90671", "90677", "90684", "90732"))
_HEPATITIS_B = frozenset(("90739", "90744", "90746"))


def compose_vaccines(scene: Scene, *, age: float | None) -> list[Composed]:
    """Vaccines given, and their administration by age, counselling and payer."""
    found: dict[str, tuple[Vaccine, Composed]] = {}
    dosed = any({"im", "deltoid", "vaccine", "immunization"} & s.have and _SHOT & s.have for s in scene.sentences)
    for sentence in scene.sentences:
        if sentence.kind in ("allergies", "family", "past_medical", "ros"):
            continue
        shot = bool(_SHOT & sentence.have) or (dosed and "#" in _text(scene, sentence))
        if not shot:
            continue
        taken: set[int] = set()
        for vaccine in _vaccines():
            place = sentence.find(vaccine.term)
            if place is None or place in taken or not scene.affirmed(sentence, place):
                continue
            taken.update(range(place, place + len(vaccine.term)))
            evidence = scene.evidence(sentence, place, place + len(vaccine.term) - 1)
            reason = f"{' '.join(vaccine.term)} given"
            found.setdefault(
                vaccine.code, (vaccine, Composed(vaccine.code, 0.7, evidence, reason, 1, sentence.number))
            )
    services = [composed for _, composed in found.values()]
    return services + list(_shots(scene, [pair for pair in found.values()], age=age))


def _text(scene: Scene, sentence: Sentence) -> str:
    span = scene.reading.span(sentence.tokens[0], sentence.tokens[-1])
    return scene.text[span.start : span.end]


def _shots(scene: Scene, found: list[tuple[Vaccine, Composed]], *, age: float | None) -> Iterator[Composed]:
    if not found:
        return
    medicare = "medicare" in scene.have or (age is not None and age >= 65)
    rest = []
    for vaccine, composed in found:
        code = ""
        if medicare:
            code = (
                "G0008" if vaccine.code in _INFLUENZA
                else "G0009" if vaccine.code in _PNEUMOCOCCAL
                else "G0010" if vaccine.code in _HEPATITIS_B
                else ""
            )  # fmt: skip
        if code:
            yield replace(composed, code=code, likely=0.6, reason="administration of the vaccine, Medicare")
        else:
            rest.append((vaccine, composed))
    if not rest:
        return
    counselled = any(w.startswith("counsel") for w in scene.have)
    first = rest[0][1]
    if age is not None and age < 19 and counselled:
        yield replace(
            first, code="90460", likely=0.65, units=len(rest), reason="first component, counselled, under 19"
        )
        more = sum(vaccine.components - 1 for vaccine, _ in rest)
        if more:
            yield replace(first, code="90461", likely=0.6, units=more, reason="each further component, counselled")
        return
    yield replace(first, code="90471", likely=0.6, units=1, reason="first vaccine given by injection")
    if len(rest) > 1:
        yield replace(rest[1][1], code="90472", likely=0.55, units=len(rest) - 1, reason="each further vaccine")
