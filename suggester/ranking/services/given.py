"""Drugs given in the encounter, with their billing units.

Only what the note tells as given counts: a verb of giving, a route of injection or infusion with a dose, a
time from and to. Home medicines, prescriptions, allergies and history do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from suggester.ranking.services.clock import times_of
from suggester.ranking.services.doses import Dose, containers_given, dose_of, owners, sides_of, wasted_of
from suggester.ranking.services.drug_units import (
    HYDRATION,
    PIECES,
    DrugName,
    DrugUnit,
    at_dialysis,
    bare_unit,
    drug_names,
    drugs_in,
    in_unit,
    row_for,
    rows_named,
    unit_of,
    usual_doses,
    whole_units,
)
from suggester.ranking.services.note_words import note_words
from suggester.ranking.services.scenes import Scene, Sentence
from suggester.types import Evidence

_GIVEN = note_words("given")
_AT_HOME = note_words("at_home")
_DILUENT = note_words("diluent")
_LOCAL = note_words("local")
_OFTEN_ORAL = note_words("often oral")
_EACH = note_words("each")
_ROUTE_NAMES = ("IM", "SC", "IV", "PO", "IA", "IL", "IVT", "INH", "IN")
_ROUTE_WORDS = {route: note_words(f"route {route}") for route in _ROUTE_NAMES}
_ROUTES = {word: route for route, group in _ROUTE_WORDS.items() for word in group}
_SKIPPED = frozenset(
    ("medications", "allergies", "past_medical", "social", "family", "discharge_medications")
)
_STORY = frozenset(("hpi", "interval_history", "chief_complaint", "header"))
_PARENTERAL = frozenset(("IM", "SC", "IV"))


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


def drugs_given(scene: Scene) -> Iterator[Given]:
    """Drugs that the note says were given, each with its dose, one a name and sentence."""
    known = drugs_in(scene.have)
    triggers = frozenset(known)
    for sentence in scene.sentences if triggers else ():
        if triggers.isdisjoint(sentence.stems):
            continue
        names = [n for n in drug_names(sentence, known) if not _is_of_local(sentence, n)]
        if not names:
            continue
        spans = _spans(sentence, names)
        owner = owners(sentence, spans)
        for name in names:
            mine = spans.index((name.first, name.after))
            places = [place for place, number in owner.items() if number == mine]
            border = min(
                (n.first for n in names if n.first >= name.after and not _is_diluent(sentence, n)),
                default=len(sentence.stems),
            )
            low = max((after for _, after in spans if after <= name.first), default=0)
            found = _given(scene, sentence, name, places, (low, border))
            if found is not None:
                yield found


def _is_of_local(sentence: Sentence, name: DrugName) -> bool:
    """Whether it is the epinephrine of a local anaesthetic."""
    before = sentence.stems[max(0, name.first - 3) : name.first]
    return name.term[0] in ("epi", "epinephrine") and not _LOCAL.isdisjoint(before)


def _is_diluent(sentence: Sentence, name: DrugName) -> bool:
    """Whether a fluid is what another drug was given in."""
    before = sentence.stems[max(0, name.first - 4) : name.first]
    return all(unit.code in HYDRATION for unit in name.units) and not {"in", "with"}.isdisjoint(before)


def _spans(sentence: Sentence, names: Sequence[DrugName]) -> list[tuple[int, int]]:
    """Where drugs and what they are diluted or mixed with stand."""
    out = [(name.first, name.after) for name in names]
    for i, word in enumerate(sentence.stems):
        if word in _DILUENT and not any(first <= i < after for first, after in out):
            out.append((i, i + 1))
    return sorted(out)


def _said_given(scene: Scene, sentence: Sentence) -> bool:
    """Whether the heading of a list says that its drugs were given here."""
    sections = scene.reading.sections
    title = sections.sections[sections.token_section[sentence.tokens[0]]].title.lower()
    return any(word in title for word in _GIVEN_TITLES)


_GIVEN_TITLES = ("given", "administered", "injection", "infusion", "treatment")


def _given(
    scene: Scene, sentence: Sentence, name: DrugName, places: Sequence[int], borders: tuple[int, int]
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
        units = rows_named(("heparin", "lock", "flush"))
    dose = _dose(scene, sentence, name, units, places, verbs=verbs)
    if dose is None:
        return None
    verbs = verbs or dose.below
    first, end = min(place, dose.place), max(name.after, dose.end)
    only = frozenset(r for item in units for r in item.routes)
    route, window = _way(scene, sentence, (first, end, *borders), before, only)
    if not route and sentence.have & _ROUTE_WORDS["INH"]:
        route = "INH"
    interval, minutes = times_of(window)
    timed = interval is not None or (minutes is not None and not _LASTING.isdisjoint(window))
    by_mouth = name.term[0] in _OFTEN_ORAL
    if not route and by_mouth and not timed:
        return None
    if not route and len(only) == 1 and (timed or verbs or only <= {"IVT"}):
        route = next(iter(only))
    if sentence.kind in _SKIPPED and not (listed or timed) and not _is_here(sentence, route, dose):
        return None
    if not verbs and not _is_evident(scene, sentence, place, route, timed=timed, units=units):
        return None
    nearby = {*stems[max(0, first - 4) : end + 5]} - ({"rx"} if route in ("IV", "IM") else set())
    if not _AT_HOME.isdisjoint(nearby) and _HERE.isdisjoint(stems):
        return None
    chosen = row_for(units, dose.value, dose.unit, route)
    if chosen is None:
        return None
    chosen = at_dialysis(scene, chosen)
    amount = in_unit(dose.value, dose.unit, chosen.unit)
    if (
        amount is not None
        and chosen.routes == {"IVT"}
        and not dose.how
        and not _EYES.isdisjoint(sentence.have)
    ):
        amount, dose = 2 * amount, replace(dose, how="both eyes")
    if chosen.unit in PIECES:
        amount = _pieces(sentence, name, borders[1], chosen)
    if chosen.code in HYDRATION and (
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
        units=whole_units(share),
        route=route,
        push=not _PUSH.isdisjoint(window),
        minutes=minutes,
        interval=interval,
        evidence=scene.evidence(sentence, first, min(end - 1, len(stems) - 1)),
        sentence=sentence,
    )


def _is_here(sentence: Sentence, route: str, dose: Dose) -> bool:
    """Whether a dose under a heading of history or home medicines is of here all the same, the heading being
    the last that the note has: a push into a vein, or a dose that the next line says was given.
    """
    if route in _PARENTERAL and not _TOLD_HERE.isdisjoint(sentence.stems):
        return True
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
_LASTING = frozenset(("over", "infused", "infusion", "ivpb"))
_SITES = frozenset(
    ("deltoid", "delt", "glut", "glute", "gluteal", "ventrogluteal", "thigh", "buttock", "arm")
)
_BESIDE_PAST = frozenset(("hist.quit", "hist.answer"))
"""Rules whose words (*in recovery*, *prior*) beside a dose speak of the room or the hour, not of the past."""
_HERE = frozenset(("given", "gave", "administered", "today", "received", "here"))
_TOLD_HERE = frozenset(("given", "administered", "today"))
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
    if _is_regular(sentence) and not timed:
        return False
    if timed and route == "IV":
        return True
    if not _LOCAL.isdisjoint(sentence.have) and any("IA" in item.routes for item in units):
        return sentence.kind not in _SKIPPED  # a steroid with a local anaesthetic
    if not route and sentence.kind not in _PLANS:
        return all(item.routes and item.routes <= {"IM", "IV"} for item in units) and (
            sentence.kind not in _STORY | _SKIPPED or scene.kinds == {"header"}
        )
    if route in ("", "PO"):
        return False
    if sentence.kind not in _STORY:
        return True
    sited = not _SITES.isdisjoint(sentence.stems[place : place + 9])
    return timed or (
        sentence.kind == "header" and (route == "IV" or place < 2 or sited or scene.kinds == {"header"})
    )


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
            timed = times_of(near) != (None, None) or not _PUSH.isdisjoint(near)
            return _ROUTES[words_of[at]], near if timed or border < len(stems) else behind[: start + at + 8]
    lead = stems[max(low, first - 6) : first] if first else before[-6:]
    follow = behind[:8] if border >= len(stems) else own[:8]
    window = [*lead, *follow]
    fits = [word for word in stems[:first][::-1] if not only or _ROUTES.get(word) in only | {"IN"}]
    route = inside or _route(fits)
    if not route and len(only) > 1:
        route = _route([word for word in (*ahead[:14], *before[-12:][::-1]) if _ROUTES.get(word) in only])
    return route, window


def _is_flush(sentence: Sentence, name: DrugName) -> bool:
    """Whether heparin stands for keeping a line open."""
    if name.term[0] != "heparin":
        return False
    return not _FLUSH.isdisjoint(sentence.have)


_PUSH = frozenset(("push", "ivp"))
_EYES = frozenset(("ou", "bilateral", "bilaterally", "both"))
_FLUSH = frozenset(("lock", "flush", "flushed", "locked", "flushing"))


def _pieces(sentence: Sentence, name: DrugName, border: int, unit: DrugUnit) -> float:
    """How many doses, vials or devices of a drug were given: 1 where the words count none."""
    if unit.code[0] == "A":  # tracers: each activity is a dose of its own
        activities = [q for q in sentence.quantities if q.unit in ("mci", "millicurie")]
        return float(max(1, len(activities))) if {"rest", "stress"} & sentence.have else 1.0
    count = containers_given(sentence, name.first, name.after, border)
    if (count is None or (count == 1 and not _EACH.isdisjoint(sentence.have))) and unit.routes & _PAIRED:
        count = sides_of(sentence)
    return float(count or 1)


_MOST_UNITS = 3000
"""Units that no dose in grams reaches: what looks like one is the gauge of a needle."""
_PAIRED = frozenset(("IA", "IVT", "EYE"))
"""Routes into a joint or an eye, of which there are two."""


def _dose(
    scene: Scene,
    sentence: Sentence,
    name: DrugName,
    units: Sequence[DrugUnit],
    places: Sequence[int],
    *,
    verbs: bool,
) -> Dose | None:
    """The dose of a drug: by its quantities, without unit, in the next lines, or that of its label."""

    def measures(value: float, unit: str) -> bool:
        amounts = ((in_unit(value, unit, item.unit), item.amount) for item in units)
        return any(n is not None and (unit != "g" or n / of <= _MOST_UNITS) for n, of in amounts)

    found = dose_of(scene, sentence, name.first, name.after, places=places, measures=measures)
    if found is not None:
        vial = sentence.stems[found.end : found.end + 1] in (("vial",), ("bottle",))
        below = _told_below(scene, sentence, measures) if vial and not found.how else None
        return found if below is None else replace(below, place=name.after, end=name.after, below=True)
    numbers = dict(sentence.numbers)
    for at in (name.after, name.after - 1):  # ``ketorolac 60 IM``, ``kenalog-40``
        value = numbers.get(at)
        follow = sentence.stems[at + 1 : at + 2]
        if value is None or (
            follow and _ROUTES.get(follow[0]) not in _PARENTERAL and follow[0] not in _GIVEN
        ):
            continue
        unit = bare_unit(value, units)
        if unit and value > 1:
            return Dose(value, unit, at, at + 1)
    told = _told_below(scene, sentence, measures)
    if told is not None:
        return Dose(told.value, told.unit, name.after, name.after, told.how, below=True)
    if not verbs:
        return None
    usual = usual_doses().get(name.term)
    if usual is not None:
        value, unit = usual
        paired = any(item.routes & _PAIRED for item in units)
        times = (sides_of(sentence) or 1) if paired else 1
        return Dose(value * times, unit, name.first, name.after, "the dose of its label")
    if all(item.unit in PIECES for item in units):
        return Dose(1.0, "", name.first, name.after)
    return None


def _told_below(scene: Scene, sentence: Sentence, measures: Callable[[float, str], bool]) -> Dose | None:
    """The dose in a line below the drug's: ``Dose: 40 mg``, ``155 units placed in 31 sites``."""
    for other in scene.near(sentence, before=0, after=4)[1:]:
        if drug_names(other, drugs_in(other.have)):
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


def _route(window: Sequence[str]) -> str:
    return next((_ROUTES[w] for w in window if w in _ROUTES), "")


def wasted_units(scene: Scene, sentence: Sentence, code: str, given: int | None) -> int | None:
    """Units of a drug that the words about it say were thrown away, None where they do not.

    What is less than a unit is none; a vial's rest is its size less what was given.
    """
    unit = unit_of(code)
    if unit is None:
        return None
    thrown, vial = wasted_of(scene.near(sentence, before=0, after=2))
    if thrown is not None:
        amount = in_unit(thrown.value, thrown.unit, unit.unit)
        return None if amount is None else int(amount / unit.amount + 1e-9)
    if vial is not None and given is not None:
        amount = in_unit(vial.value, vial.unit, unit.unit)
        left = None if amount is None else int(amount / unit.amount + 1e-9) - given
        return left if left is not None and left > 0 else None
    return None
