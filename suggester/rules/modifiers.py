"""Modifiers: known, fitting, and not against each other or the diagnosis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from suggester.rules.case import Case
from suggester.rules.registry import Finding, rule
from suggester.rules.sides import side_of
from suggester.rules.subject import DECIDED

GROUP = "Modifiers and places"
_NCCI = "CMS NCCI Policy Manual 2026 chapter I section E"
_MOST = 4
_SIDES = {"right": "R", "left": "L"}
_WORDS = {"R": "right", "L": "left"}


@rule(
    "modifier.unknown",
    severity="error",
    source="CMS I/OCE modifier table",
    group=GROUP,
    stages=DECIDED,
    overridable=False,
)
def unknown_modifier(case: Case) -> Iterator[Finding]:
    """A modifier that does not exist."""
    for service in case.services:
        for code in dict.fromkeys(service.modifiers):
            if code not in case.tables.modifiers and not case.know.procedures.is_modifier(code):
                yield Finding(
                    f"{code[:4]!r} on {service.code} is not a modifier; correct or remove it", (service.code,)
                )


@rule(
    "modifier.count",
    severity="error",
    source="ASC X12N 005010X222A1 SV101",
    group=GROUP,
    stages=DECIDED,
    overridable=False,
)
def modifier_count(case: Case) -> Iterator[Finding]:
    """A modifier twice on one line, or more than four."""
    for service in case.services:
        twice = [code for code, count in Counter(service.modifiers).items() if count > 1]
        if twice:
            yield Finding(f"{twice[0]} stands twice on {service.code}; keep it once", (service.code,))
        if len(service.modifiers) > _MOST:
            yield Finding(
                f"{service.code} has {len(service.modifiers)} modifiers; a line takes {_MOST}",
                (service.code,),
            )


@rule("modifier.clash", severity="error", source=_NCCI, group=GROUP, stages=DECIDED)
def modifier_clash(case: Case) -> Iterator[Finding]:
    """Two modifiers on one line that say opposite things."""
    for service in case.services:
        done: set[frozenset[str]] = set()
        for code, known in case.modifiers(service):
            for other in service.modifiers:
                pair = frozenset((code, other))
                if other not in known.clashes or pair in done:
                    continue
                done.add(pair)
                if pair == {"LT", "RT"}:
                    todo = "use 50, or a line for each side"
                else:
                    said = case.tables.modifiers.get(other)
                    means = f" ({known.says} / {said.says})" if said else ""
                    todo = f"keep one of them{means}"
                yield Finding(
                    f"{code} and {other} on {service.code} do not go together; {todo}", (service.code,)
                )


@rule("modifier.kind", severity="warning", source=_NCCI, group=GROUP, stages=DECIDED)
def modifier_kind(case: Case) -> Iterator[Finding]:
    """A modifier on a kind of service that it is not for (25 on a procedure, 59 on a visit)."""
    for service in case.services:
        kind = case.tables.kind(service.code)
        if not kind:
            continue
        for code, known in case.modifiers(service):
            fits = "em" if kind.startswith("em") else kind
            if known.kinds and fits not in known.kinds:
                wanted = " or ".join("visit" if k == "em" else k for k in sorted(known.kinds))
                yield Finding(
                    f"{code} ({known.says}) does not go with {service.code}; it is for {wanted} codes",
                    (service.code,),
                )


@rule(
    "modifier.split",
    severity="warning",
    source=f"{_NCCI}; Medicare physician fee schedule",
    group=GROUP,
    stages=DECIDED,
)
def modifier_split(case: Case) -> Iterator[Finding]:
    """26 or TC on a service without a professional and a technical part."""
    for service in case.services:
        kind = case.tables.kind(service.code)
        for code in ("26", "TC"):
            if code in service.modifiers and (kind.startswith("em") or kind in ("anesthesia", "drug")):
                yield Finding(
                    f"{service.code} has no separate professional and technical part; remove {code}",
                    (service.code,),
                )


@rule(
    "modifier.facility",
    severity="warning",
    source=f"{_NCCI}; CMS place-of-service codes",
    group=GROUP,
    stages=DECIDED,
)
def technical_in_facility(case: Case) -> Iterator[Finding]:
    """Imaging in a facility without 26, or with TC: the facility bills the technical part."""
    for service in case.services:
        place = case.place_of(service)
        if place not in case.tables.facilities or case.tables.kind(service.code) != "radiology":
            continue
        if "26" not in service.modifiers:
            yield Finding(
                f"{service.code} at place {place}: the facility bills the technical part; "
                "add 26 for the reading",
                (service.code,),
            )


@rule(
    "modifier.side",
    severity="error",
    source="ICD-10-CM guidelines FY2026 I.B.13",
    group=GROUP,
    stages=DECIDED,
)
def modifier_side(case: Case) -> Iterator[Finding]:
    """The side of the service is not the side of the diagnoses that it points to."""
    for service in case.services:
        sides = case.sides_of(service) & {"L", "R"}
        if len(sides) != 1 or not service.pointers:
            continue
        pointed = [item for item in case.diagnoses if item.place in service.pointers]
        named = {item.code: side_of(case.title(item)) for item in pointed}
        coded = {_SIDES[side] for side in named.values() if side in _SIDES}
        if not coded or coded & sides or "bilateral" in named.values():
            continue
        (side,) = sides
        codes = tuple(code for code, of in named.items() if of in _SIDES)
        yield Finding(
            f"{service.code} is billed on the {_WORDS[side]} and points to {', '.join(codes)} on the other "
            "side; correct the modifier, the code or the pointer",
            (service.code, *codes),
        )


@rule(
    "modifier.repeat",
    severity="warning",
    source="Medicare Claims Processing Manual chapter 12",
    group=GROUP,
    stages=DECIDED,
)
def repeat_alone(case: Case) -> Iterator[Finding]:
    """A service marked as repeated without the first of that day."""
    for service in case.services:
        repeated = [code for code in ("76", "77", "91") if code in service.modifiers]
        if not repeated:
            continue
        first = any(
            other is not service and other.code == service.code and case.day_of(other) == case.day_of(service)
            for other in case.services
        )
        if not first:
            yield Finding(
                f"{service.code} is marked as repeated ({repeated[0]}) and stands once on this day; add the "
                f"first, or remove {repeated[0]} if another claim has it not",
                (service.code,),
            )


@rule("modifier.bilateral_units", severity="warning", source=_NCCI, group=GROUP, stages=DECIDED)
def bilateral_units(case: Case) -> Iterator[Finding]:
    """Both sides (50) on a line of more than one unit."""
    for service in case.services:
        if "50" in service.modifiers and service.units > 1:
            yield Finding(
                f"{service.code} with 50 says both sides in one unit and has {service.units}; bill 1 unit",
                (service.code,),
            )
