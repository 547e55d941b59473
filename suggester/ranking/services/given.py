"""Drugs and vaccines given in the encounter: code, billing units from the dose, and administration.

Only what the note tells as given counts: a verb of giving, a route of injection or infusion with a dose, a
time from and to. Home medicines, prescriptions, allergies and history do not. Administration follows the
order of CPT: one initial service, by rank chemotherapy before therapy before hydration and infusion before
push; the rest are additional.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.ranking.services.choices import Composed, Term
from suggester.ranking.services.doses import Dose, containers_given, dose_of, owners, sides_of, wasted_of
from suggester.ranking.services.note_words import note_words
from suggester.ranking.services.quantities import MASS, UNIT
from suggester.ranking.services.scenes import Scene, Sentence, note_stems
from suggester.types import Evidence, Setting

_GIVEN = note_words("given")
_AT_HOME = note_words("at_home")
_DILUENT = note_words("diluent")
_LOCAL = note_words("local")
_EACH = note_words("each")
_ROUTE_NAMES = ("IM", "SC", "IV", "PO", "IA", "IL", "IVT", "INH", "IN")
_ROUTE_WORDS = {route: note_words(f"route {route}") for route in _ROUTE_NAMES}
_ROUTES = {word: route for route, group in _ROUTE_WORDS.items() for word in group}
_SKIPPED = frozenset(
    ("medications", "allergies", "past_medical", "social", "family", "discharge_medications")
)
_STORY = frozenset(("hpi", "interval_history", "chief_complaint", "header"))
_BUNDLED = frozenset(("J2003", "J2001", "J3490", "J3590", "J0670"))
"""Local anaesthetics, part of the procedure, and codes of drugs that have none of their own."""
_LIKELY, _LIKELY_SALINE, _LIKELY_BUNDLED = 0.75, 0.35, 0.05
_IN_HOSPITAL = 0.35
"""Share that remains where a hospital stay or an operation pays for the drug."""
_PARENTERAL = frozenset(("IM", "SC", "IV"))
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
    how: str
    amount: float | None
    units: int | None
    route: str
    push: bool
    minutes: float | None
    interval: tuple[int, int] | None
    evidence: Evidence
    sentence: Sentence


_FILES = (("hcpcs", "drug_units.tsv"), ("services", "fluids.tsv"), ("services", "given_names.tsv"))


@cache
def _drugs() -> dict[str, list[tuple[Term, tuple[DrugUnit, ...]]]]:
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
    out: dict[str, list[tuple[Term, tuple[DrugUnit, ...]]]] = {}
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


def _named(term: Term) -> tuple[DrugUnit, ...]:
    return next(units for name, units in _drugs()[term[0]] if name == term)


@dataclass(frozen=True, slots=True)
class _Name:
    """A drug named in a sentence, from ``first`` up to ``after``."""

    first: int
    after: int
    term: Term
    units: tuple[DrugUnit, ...]


def _names(sentence: Sentence) -> list[_Name]:
    """The drugs that a sentence names; a brand beside its generic name is one drug."""
    known = _drugs()
    out: list[_Name] = []
    end = 0
    for place, word in enumerate(sentence.stems):
        if place < end:
            continue
        for term, units in known.get(word, ()):
            if sentence.stems[place : place + len(term)] == term:
                end = place + len(term)
                last = out[-1] if out else None
                both = tuple(u for u in units if last and u.code in {own.code for own in last.units})
                if last is not None and both and place - last.after <= 1:
                    out[-1] = _Name(last.first, end, last.term, both)
                else:
                    out.append(_Name(place, end, term, units))
                break
    return out


def drugs_given(scene: Scene) -> Iterator[Given]:
    """Drugs that the note says were given, each with its dose, one a name and sentence."""
    triggers = _triggers()
    for sentence in scene.sentences:
        if triggers.isdisjoint(sentence.have):
            continue
        names = _names(sentence)
        spans = _spans(sentence, names)
        owner = owners(sentence, spans)
        for name in names:
            mine = spans.index((name.first, name.after))
            places = [place for place, number in owner.items() if number == mine]
            border = min(
                (n.first for n in names if n.first >= name.after and not _is_fluid(n)),
                default=len(sentence.stems),
            )
            low = max((after for _, after in spans if after <= name.first), default=0)
            found = _given(scene, sentence, name, places, (low, border))
            if found is not None:
                yield found


def _is_fluid(name: _Name) -> bool:
    return all(unit.code in _HYDRATION for unit in name.units)


def _spans(sentence: Sentence, names: Sequence[_Name]) -> list[tuple[int, int]]:
    """Where drugs and what they are diluted or mixed with stand."""
    out = [(name.first, name.after) for name in names]
    for i, word in enumerate(sentence.stems):
        if word in _DILUENT and not any(first <= i < after for first, after in out):
            out.append((i, i + 1))
    return sorted(out)


@cache
def _triggers() -> frozenset[str]:
    return frozenset(_drugs())


def _said_given(scene: Scene, sentence: Sentence) -> bool:
    """Whether the heading of a list says that its drugs were given here."""
    sections = scene.reading.sections
    title = sections.sections[sections.token_section[sentence.tokens[0]]].title.lower()
    return any(word in title for word in _GIVEN_TITLES)


_GIVEN_TITLES = ("given", "administered", "injection", "infusion", "treatment")


def _given(
    scene: Scene, sentence: Sentence, name: _Name, places: Sequence[int], borders: tuple[int, int]
) -> Given | None:
    stems, place, units = sentence.stems, name.first, name.units
    present = _BESIDE_PAST
    if any(1900 <= q.value < 2100 for q in sentence.quantities):
        present = present | {"hist.year"}  # ``2000 mL``
    if not scene.affirmed(sentence, place, present=present) and not _gave(sentence, place):
        return None
    before = [w for s in scene.near(sentence, before=2, after=0)[:-1] for w in s.stems]
    listed = sentence.kind in _SKIPPED and _said_given(scene, sentence)
    verbs = listed or _is_told(scene, sentence, before)
    if _is_flush(sentence, name):
        verbs = True
        units = _named(("heparin", "lock", "flush"))
    dose = _dose(scene, sentence, name, units, places, verbs=verbs)
    if dose is None:
        return None
    verbs = verbs or dose.below
    first, end = min(place, dose.place), max(name.after, dose.end)
    only = frozenset(r for item in units for r in item.routes)
    route, window = _way(scene, sentence, (first, end, *borders), before, only)
    if not route and sentence.have & _ROUTE_WORDS["INH"]:
        route = "INH"
    interval, minutes = _times(window)
    timed = interval is not None or (minutes is not None and "over" in window)
    if not route and len(only) == 1 and (timed or verbs or only <= {"IVT"}):
        route = next(iter(only))
    if sentence.kind in _SKIPPED and not (listed or timed) and not _is_here(sentence, route, dose):
        return None
    if not verbs and not _is_evident(scene, sentence, place, route, timed=timed, units=units):
        return None
    nearby = {*stems[max(0, first - 4) : end + 5]} - ({"rx"} if route in ("IV", "IM") else set())
    if not _AT_HOME.isdisjoint(nearby) and _HERE.isdisjoint(stems):
        return None
    chosen = _unit_for(units, dose.value, dose.unit, route)
    if chosen is None:
        return None
    chosen = _at_dialysis(scene, chosen)
    amount = _in_unit(dose.value, dose.unit, chosen.unit)
    if (
        amount is not None
        and chosen.routes == {"IVT"}
        and not dose.how
        and not _EYES.isdisjoint(sentence.have)
    ):
        amount, dose = 2 * amount, replace(dose, how="both eyes")
    if chosen.unit in _PIECES:
        amount = _pieces(sentence, name, borders[1], chosen)
    if chosen.code in _HYDRATION and (
        {"in", "with"} & {*stems[max(0, first - 1) : first]}
        or stems[max(0, first - 2) : first] == ("in", "a")
        or (amount or 0) < _LEAST_FLUID
    ):
        return None  # the fluid that another drug is given in, or a flush
    share = None if amount is None else amount / chosen.amount
    return Given(
        code=chosen.code,
        name=" ".join(name.term),
        dose=dose.value,
        unit=dose.unit,
        how=dose.how,
        amount=share,
        units=_whole(share),
        route=route,
        push=not _PUSH.isdisjoint(window),
        minutes=minutes,
        interval=interval,
        evidence=scene.evidence(sentence, first, min(end - 1, len(stems) - 1)),
        sentence=sentence,
    )


def _whole(share: float | None) -> int | None:
    """Billing units of an amount in units: rounded up, 1 at least."""
    return None if share is None else max(1, math.ceil(share - 1e-9))


def _is_here(sentence: Sentence, route: str, dose: Dose) -> bool:
    """Whether a dose under a heading of history or home medicines is of here all the same, the heading being
    the last that the note has: a push into a vein, or a dose that the next line says was given.
    """
    if sentence.kind in ("allergies", "family"):
        return False
    if _is_regular(sentence):
        return False
    if sentence.kind == "discharge_medications" and route == "IM":
        return True
    pushed = "medications" in sentence.kind or not _PUSH.isdisjoint(sentence.stems[dose.end : dose.end + 4])
    return (route == "IV" and pushed) or dose.below


def _is_regular(sentence: Sentence) -> bool:
    """Whether a sentence tells how often a drug is taken."""
    return any(
        word in ("every", "prn") or (word[:1] == "q" and word[1:2].isdigit()) for word in sentence.stems
    )


def _gave(sentence: Sentence, place: int) -> bool:
    """Whether a verb of giving stands right before a drug: what was denied or past is another thing."""
    return not _GAVE.isdisjoint(sentence.stems[max(0, place - 2) : place])


_GAVE = frozenset(("gave", "injected", "administered"))
_BESIDE_PAST = frozenset(("hist.quit", "hist.answer"))
"""Rules whose words (*in recovery*, *prior*) beside a dose speak of the room or the hour, not of the past."""
_HERE = frozenset(("given", "gave", "administered", "today", "received"))
_LEAST_FLUID = 100.0
"""Millilitres of a fluid from which it is given for itself."""
_TREATED = frozenset(("treatment", "treated", "tx", "premed", "premeds", "premedication", "premedicated"))
_LATER = frozenset(
    ("will", "if", "consider", "declined", "refused", "deferred", "held", "hold", "would", "should",
     "recommend", "may", "discussed", "offered", "next", "prior", "previously", "ago", "past", "yesterday")
)  # fmt: skip
"""Words before a drug that was not given here and now."""


def _is_told(scene: Scene, sentence: Sentence, before: Sequence[str]) -> bool:
    """Whether the words about a drug say that something was given."""
    return (
        sentence.kind == "procedure"
        or not _GIVEN.isdisjoint(sentence.stems)
        or not _GIVEN.isdisjoint(before)
        or not _TREATED.isdisjoint(sentence.stems[:4])
        or sentence.find(("in", "office")) is not None
    )


def _is_evident(
    scene: Scene, sentence: Sentence, place: int, route: str, *, timed: bool, units: Sequence[DrugUnit]
) -> bool:
    """Whether a dose is of a drug given here though no word says so: contrast, times, a route, a section."""
    if not _LATER.isdisjoint(sentence.stems[max(0, place - 8) : place]):
        return False
    if all(_is_contrast(item.code) for item in units):
        return True
    if timed and route == "IV":
        return True
    if route == "INH" and _is_regular(sentence):
        return False
    if not _LOCAL.isdisjoint(sentence.have) and any("IA" in item.routes for item in units):
        return sentence.kind not in _SKIPPED  # a steroid with a local anaesthetic
    if not route and sentence.kind not in _PLANS and not _is_regular(sentence):
        return all(item.routes and item.routes <= {"IM", "IV"} for item in units) and (
            sentence.kind not in _STORY | _SKIPPED or scene.kinds == {"header"}
        )
    if route in ("", "PO"):
        return False
    if sentence.kind not in _STORY:
        return True
    return timed or (sentence.kind == "header" and (route == "IV" or place < 2 or scene.kinds == {"header"}))


_PLANS = frozenset(("plan", "assessment_plan", "orders", "instructions", "discharge_instructions"))


def _is_contrast(code: str) -> bool:
    """Whether a code is of contrast or of a tracer, which a report names because it was used."""
    return "Q9950" <= code <= "Q9983" or "A9500" <= code <= "A9699"


def _way(
    scene: Scene,
    sentence: Sentence,
    about: tuple[int, int, int, int],
    before: Sequence[str],
    only: frozenset[str],
) -> tuple[str, Sequence[str]]:
    """The route of a drug, and the words about its giving, in which times are looked for.

    The drug's own words count first, then those of its sentence, then those of its neighbours that fit it.
    """
    stems = sentence.stems
    first, end, low, border = about
    ahead = [w for s in scene.near(sentence, before=0, after=3)[1:] for w in s.stems]
    behind = [*stems[end:], *ahead][:22]
    own = stems[end : max(border, end)]
    inside = _route(stems[first:end])
    for words_of, start in ((own, 0), (stems[border:], max(border, end) - end)):
        at = next((i for i, word in enumerate(words_of) if word in _ROUTES), None)
        if at is not None and not (inside and at > 2) and not (start and _route(stems[:2])):
            if start:  # behind the next drug: its times are that drug's
                return _ROUTES[words_of[at]], own
            near = words_of[: at + 9]
            timed = _times(near) != (None, None) or not _PUSH.isdisjoint(near)
            return _ROUTES[words_of[at]], near if timed or border < len(stems) else behind[: start + at + 8]
    lead = stems[max(low, first - 6) : first] if first else before[-6:]
    follow = behind[:8] if border >= len(stems) else own[:8]
    window = [*lead, *follow]
    fits = [word for word in stems[:first][::-1] if not only or _ROUTES.get(word) in only | {"IN"}]
    route = inside or _route(fits)
    if not route and len(only) > 1:
        near = [word for word in (*ahead[:14], *before[-12:][::-1]) if _ROUTES.get(word) in only]
        route = _route(near)
    return route, window


def _is_flush(sentence: Sentence, name: _Name) -> bool:
    """Whether heparin stands for keeping a line open."""
    if name.term[0] != "heparin":
        return False
    return not _FLUSH.isdisjoint(sentence.have)


_PUSH = frozenset(("push", "ivp"))
_EYES = frozenset(("ou", "bilateral", "bilaterally", "both"))
_FLUSH = frozenset(("lock", "flush", "flushed", "locked", "flushing"))
_PIECES = frozenset(("dose", "vial", "device"))


def _pieces(sentence: Sentence, name: _Name, border: int, unit: DrugUnit) -> float:
    """How many doses, vials or devices of a drug were given: 1 where the words count none."""
    if unit.code[0] == "A":  # tracers: each activity is a dose of its own
        activities = [q for q in sentence.quantities if q.unit in ("mci", "millicurie")]
        return float(max(1, len(activities))) if {"rest", "stress"} & sentence.have else 1.0
    count = containers_given(sentence, name.first, name.after, border)
    if (count is None or (count == 1 and not _EACH.isdisjoint(sentence.have))) and unit.routes & _PAIRED:
        count = sides_of(sentence)
    return float(count or 1)


_PAIRED = frozenset(("IA", "IVT", "EYE"))
"""Routes into a joint or an eye, of which there are two."""


def _dose(
    scene: Scene,
    sentence: Sentence,
    name: _Name,
    units: Sequence[DrugUnit],
    places: Sequence[int],
    *,
    verbs: bool,
) -> Dose | None:
    """The dose of a drug: by its quantities, without unit, in the next lines, or the only one of its label."""

    def measures(value: float, unit: str) -> bool:
        return any(_in_unit(value, unit, item.unit) is not None for item in units)

    found = dose_of(scene, sentence, name.first, name.after, places=places, measures=measures)
    if found is not None:
        return found
    numbers = dict(sentence.numbers)
    for at in (name.after, name.after - 1):  # ``ketorolac 60 IM``, ``kenalog-40``
        value = numbers.get(at)
        follow = sentence.stems[at + 1 : at + 2]
        if value is None or (
            follow and _ROUTES.get(follow[0]) not in _PARENTERAL and follow[0] not in _GIVEN
        ):
            continue
        unit = _bare_unit(value, units)
        if unit and value > 1:
            return Dose(value, unit, at, at + 1)
    told = _told_below(scene, sentence, measures)
    if told is not None:
        return Dose(told.value, told.unit, name.after, name.after, told.how, below=True)
    if not verbs:
        return None
    usual = _usual().get(name.term)
    if usual is not None:
        value, unit = usual
        paired = any(item.routes & _PAIRED for item in units)
        times = (sides_of(sentence) or 1) if paired else 1
        return Dose(value * times, unit, name.first, name.after, "the dose of its label")
    if all(item.unit in _PIECES for item in units):
        return Dose(1.0, "", name.first, name.after)
    return None


def _told_below(scene: Scene, sentence: Sentence, measures: Callable[[float, str], bool]) -> Dose | None:
    """The dose in a line below the drug's: ``Dose: 40 mg``, ``155 units placed in 31 sites``."""
    for other in scene.near(sentence, before=0, after=4)[1:]:
        if not _triggers().isdisjoint(other.have) and _names(other):
            return None
        labelled = not _DOSE_LINE.isdisjoint(other.stems[:3])
        if labelled or (other.number - sentence.number <= 2 and not _GIVEN.isdisjoint(other.have)):
            places = [q.place for q in other.quantities]
            told = dose_of(scene, other, 0, 0, places=places, measures=measures)
            if told is not None and (labelled or told.unit not in _VAGUE):
                return told
    return None


_VAGUE = frozenset(("ml", "cc", "l"))
_DOSE_LINE = frozenset(("dose", "dosage", "amount", "strength", "total", "quantity", "unit"))


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
    if wanted in _PIECES:
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


def _unit_for(units: Sequence[DrugUnit], value: float, unit: str, route: str) -> DrugUnit | None:
    """The row whose unit measures the dose and whose route fits; of several sizes the best for the dose.

    Fluids take the largest bag within the volume, drugs with a code a strength the largest that divides it.
    """
    fitting = [item for item in units if _in_unit(value, unit, item.unit) is not None or not unit]
    by_route = [item for item in fitting if route in item.routes]
    if route in ("PO", "INH", "IN") and not by_route:
        return None
    if route != "PO":
        fitting = [item for item in fitting if item.routes != {"PO"}]
    if route != "INH":
        fitting = [item for item in fitting if item.routes != {"INH"} or item.unit in _PIECES]
    fitting = by_route or fitting
    if not fitting:
        return None
    first = fitting[0]
    fitting = [item for item in fitting if item is first or item.routes & first.routes]
    if len({item.code for item in fitting}) > 1:
        of = {item: _in_unit(value, unit, item.unit) or 0.0 for item in fitting}
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


def _at_dialysis(scene: Scene, unit: DrugUnit) -> DrugUnit:
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


def _route(window: Sequence[str]) -> str:
    return next((_ROUTES[w] for w in window if w in _ROUTES), "")


@cache
def _usual() -> dict[Term, tuple[float, str]]:
    """The labelled dose of drugs that have but one, for a note that does not say it."""
    path = lexicon_dir() / "services" / "usual_doses.tsv"
    rows = read_rows(path, ("drug", "amount", "unit"), required=3)
    return {note_stems(cells[0]): (float(cells[1]), cells[2]) for _, cells in rows}


def _times(window: Sequence[str]) -> tuple[tuple[int, int] | None, float | None]:
    """Clock times of start and stop (``0945 1015``) and the minutes between, or the minutes as said."""
    clocks = [m for w in window if (m := _CLOCK.fullmatch(w))]
    if len(clocks) >= 2:
        start, stop = (int(m[1]) * 60 + int(m[2]) for m in clocks[:2])
        return (start, stop), float((stop - start) % 1440)
    return None, _minutes(window)


def _minutes(window: Sequence[str]) -> float | None:
    """Minutes as said: ``30 min``, ``2 hours``, ``1 hr 30 min``."""
    total, last = 0.0, None
    for i, word in enumerate(window[:-1]):
        if not word.replace(".", "", 1).isdigit():
            continue
        scale = _SCALES.get(window[i + 1])
        if scale is None or (last is not None and (scale != 1 or last != i - 2)):
            continue
        total += scale * float(word)
        if scale == 1:
            return total
        last = i
    return total or None


_SCALES = {"min": 1.0, "minute": 1.0, "mins": 1.0, "hr": 60.0, "hour": 60.0, "h": 60.0}


_OPERATIVE = frozenset(("anesthesia", "preoperative_diagnosis", "postoperative_diagnosis"))


def compose_drugs(scene: Scene, *, setting: Setting | None) -> tuple[list[Composed], list[Given]]:
    """The drugs given as services with units, and with their administration."""
    packaged = setting in ("inpatient", "emergency") or not _OPERATIVE.isdisjoint(scene.kinds)
    share = _IN_HOSPITAL if packaged else 1.0
    given = list(drugs_given(scene))
    best: dict[str, Given] = {}
    for item in given:
        old = best.get(item.code)
        if old is not None and _timed_apart(old, item):
            amount = (old.amount or 0) + (item.amount or 0)
            how = f"{old.how or _dose_text(old)}, and {_dose_text(item)}"
            best[item.code] = replace(old, amount=amount, units=_whole(amount), how=how)
        elif old is None or (item.units or 0) > (old.units or 0):
            best[item.code] = item
    out = [
        Composed(
            item.code,
            share * _likely(item.code),
            item.evidence,
            _reason(item),
            item.units,
            item.sentence.number,
        )
        for item in best.values()
    ]
    out.extend(replace(c, likely=c.likely * share) for c in _administration(list(best.values())))
    return out, list(best.values())


def _dose_text(item: Given) -> str:
    return f"{item.dose:g} {item.unit}".strip()


def _timed_apart(old: Given, new: Given) -> bool:
    """Whether two lines tell of a drug given twice: at other times of the day, or as a list with other doses."""
    times = [next((w for w in item.sentence.stems[:3] if _CLOCK.fullmatch(w)), None) for item in (old, new)]
    if None not in times:
        return times[0] != times[1]
    gap = new.sentence.number - old.sentence.number
    if 0 < gap <= 2 and not _MORE.isdisjoint(new.sentence.stems[:3]):
        return True
    if old.code[0] == "A" and gap > 0 and old.dose != new.dose:
        return True  # a tracer at rest and under stress
    return 0 <= gap <= 2 and bool(old.route and new.route) and old.dose != new.dose and old.unit == new.unit


_MORE = frozenset(("same", "another", "second", "repeat", "repeated", "again", "additional"))


def _reason(item: Given) -> str:
    dose = f" {item.dose:g} {item.unit}" if item.unit else ""
    how = f" ({item.how})" if item.how else ""
    return f"{item.name}{dose}{how} given" + (f": {item.units} billing units" if item.units else "")


def wasted_units(scene: Scene, sentence: Sentence, code: str, given: int | None) -> int | None:
    """Units of a drug that the words about it say were thrown away, None where they do not.

    What is less than a unit is none; a vial's rest is its size less what was given.
    """
    unit = unit_of(code)
    if unit is None:
        return None
    thrown, vial = wasted_of(scene.near(sentence, before=0, after=2))
    if thrown is not None:
        amount = _in_unit(thrown.value, thrown.unit, unit.unit)
        return None if amount is None else int(amount / unit.amount + 1e-9)
    if vial is not None and given is not None:
        amount = _in_unit(vial.value, vial.unit, unit.unit)
        left = None if amount is None else int(amount / unit.amount + 1e-9) - given
        return left if left is not None and left > 0 else None
    return None


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
