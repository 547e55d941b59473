"""Place of service against setting, kind of visit and telehealth modifiers."""

from __future__ import annotations

from collections.abc import Iterator

from suggester.rules.case import Case
from suggester.rules.registry import Finding, rule
from suggester.rules.subject import DECIDED

GROUP = "Modifiers and places"
_POS = "CMS place-of-service codes"
_MANUAL = "Medicare Claims Processing Manual chapter 12 section 30.6"
_INPATIENT = frozenset(("21", "51", "61"))
_STAYS = _INPATIENT | frozenset(("31", "32", "34", "52", "54", "55", "56"))
"""Places where patients stay over night, hospitals or not."""
_TELEHEALTH = frozenset(("02", "10"))
_LIVE = frozenset(("93", "95", "GT", "GQ", "FQ"))


@rule("place.unknown", severity="error", source=_POS, group=GROUP, stages=DECIDED, overridable=False)
def unknown_place(case: Case) -> Iterator[Finding]:
    """A place of service that does not exist."""
    places = dict.fromkeys([case.subject.place_of_service, *(s.place for s in case.services)])
    for place in places:
        if place is not None and place not in case.tables.places:
            codes = tuple(s.code for s in case.services if case.place_of(s) == place)
            yield Finding(
                f"place of service {place[:4]!r} does not exist; 11 is the office, 21 inpatient, 22 "
                "outpatient hospital, 23 emergency",
                codes,
            )


@rule("place.setting", severity="warning", source=_POS, group=GROUP, stages=DECIDED)
def place_against_setting(case: Case) -> Iterator[Finding]:
    """The place of service is not one of the setting that the note states."""
    place, setting = case.subject.place_of_service, case.subject.setting
    if place is None or place not in case.tables.places or setting is None:
        return
    wrong = {
        "inpatient": place not in _STAYS,
        "emergency": place not in ("23", "22", "19", "26"),
        "outpatient": place in _INPATIENT,
    }[setting]
    if wrong:
        yield Finding(
            f"place {place} ({case.tables.places[place]}) is not a place of {setting} care; correct "
            "one of them",
            tuple(s.code for s in case.services if s.place is None),
        )


@rule("place.visit", severity="error", source=_MANUAL, group=GROUP, stages=DECIDED)
def place_of_visit(case: Case) -> Iterator[Finding]:
    """A visit code that is not billed at this place of service."""
    for service in case.services:
        place = case.place_of(service)
        allowed = case.tables.service_places.get(case.tables.kind(service.code))
        if allowed is None or place is None or place not in case.tables.places or place in allowed[0]:
            continue
        yield Finding(
            f"{service.code} is not billed at place {place} ({case.tables.places[place]}): {allowed[1]}",
            (service.code,),
            words=service.words,
        )


@rule("place.telehealth", severity="warning", source=f"{_MANUAL}; {_POS}", group=GROUP, stages=DECIDED)
def telehealth(case: Case) -> Iterator[Finding]:
    """A telehealth modifier at a place that is not a telehealth place."""
    for service in case.services:
        place = case.place_of(service)
        used = sorted(_LIVE & set(service.modifiers))
        if used and place in case.tables.places and place not in _TELEHEALTH:
            yield Finding(
                f"{service.code} has {used[0]} and place {place}; use 10 for the patient at home, 02 "
                "elsewhere, unless the payer asks for the office's place",
                (service.code,),
            )
