"""Services against each other: procedure pairs, add-ons, units, visits beside procedures, global periods."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from suggester.codesets.procedures import NcciPair
from suggester.rules.case import Case
from suggester.rules.registry import Finding, rule
from suggester.rules.subject import BEFORE_CLAIM, Service

GROUP = "Services"
_MANUAL = "Medicare Claims Processing Manual chapter 12"
_NO_VISIT_MODIFIER = frozenset(("36400", "36405", "36406", "36410", "36415", "36416", "36591", "36592"))
"""Taking blood: numbered among surgery, without a global period."""
_NOT_OF_A_DAY = ("em_prolonged", "em_management")
"""Visits that add to another or cover a month."""
_BY_LINE = "1"
"""Adjudication indicator of limits that hold for each line; the others hold for the day."""
_GLOBAL = {"000": 0, "010": 10, "090": 90}


def _source(edit: NcciPair) -> str:
    until = f" to {edit.valid_to.isoformat()}" if edit.valid_to else ""
    why = f", {edit.rationale}" if edit.rationale else ""
    return (
        f"CMS NCCI procedure-to-procedure edit {edit.column1}/{edit.column2} from "
        f"{edit.valid_from.isoformat()}{until}, modifier indicator {int(edit.modifier_allowed)}{why} "
        f"({edit.source})"
    )


def _resolved(case: Case, one: Service, two: Service) -> bool:
    """Whether a modifier says that both are due: one that bypasses the edit, or two different sides."""
    sides = (case.sides_of(one), case.sides_of(two))
    if sides[0] and sides[1]:
        if not sides[0] & sides[1]:
            return True
        plain = {
            code for s in (one, two) for code, known in case.modifiers(s) if known.ncci and not known.side
        }
        return bool(plain)
    return any(known.ncci for service in (one, two) for _, known in case.modifiers(service))


@rule("ncci.pair", severity="error", source="CMS NCCI procedure-to-procedure edits", group=GROUP)
def ncci_never(case: Case) -> Iterator[Finding]:
    """Two services that are never paid on one day, whatever the modifier."""
    for one, two, edit in case.ncci_edits:
        if not edit.modifier_allowed:
            yield Finding(
                f"{two.code} is part of {one.code} and no modifier changes that; remove {two.code}",
                (one.code, two.code),
                _source(edit),
            )


@rule(
    "ncci.modifier_due",
    severity="warning",
    source="CMS NCCI procedure-to-procedure edits",
    group=GROUP,
    stages=BEFORE_CLAIM,
)
def ncci_modifier_due(case: Case) -> Iterator[Finding]:
    """Two services of one day of which the second will be denied unless the claim has a modifier."""
    yield from ncci_modifier(case)


@rule(
    "ncci.modifier",
    severity="error",
    source="CMS NCCI procedure-to-procedure edits",
    group=GROUP,
    stages=("claim",),
)
def ncci_modifier(case: Case) -> Iterator[Finding]:
    """Two services of one day of which the second is denied unless a modifier says it was apart."""
    for one, two, edit in case.ncci_edits:
        if edit.modifier_allowed and not _resolved(case, one, two):
            yield Finding(
                f"{two.code} is denied beside {one.code}: {_way_out(case, one, two)}, or remove {two.code}",
                (one.code, two.code),
                _source(edit),
            )


def _way_out(case: Case, one: Service, two: Service) -> str:
    """The modifier that resolves a pair."""
    for service in (two, one):
        if case.tables.is_visit(service.code):
            return f"add 25 to {service.code} if the visit was significant and apart"
    return (
        f"add 59 to {two.code}, or XE, XS, XP or XU, or the side or digit modifiers to both, "
        "if the record shows another site, encounter or practitioner"
    )


@rule("addon.primary", severity="error", source="CMS NCCI add-on code edits", group=GROUP)
def add_on_alone(case: Case) -> Iterator[Finding]:
    """An add-on code without the code that it adds to on the same day."""
    for service in case.services:
        primaries = case.know.procedures.add_on_primaries(service.code)
        if not primaries:
            continue
        day = case.day_of(service)
        if any(o.code in primaries and case.day_of(o) == day for o in case.services if o is not service):
            continue
        shown = ", ".join(sorted(primaries)[:6]) + (", …" if len(primaries) > 6 else "")
        yield Finding(
            f"{service.code} only adds to another service ({shown}); add that service or remove it",
            (service.code,),
            words=service.words,
        )


@rule(
    "units.whole",
    severity="error",
    source="ASC X12N 005010X222A1 SV104",
    group=GROUP,
    overridable=False,
)
def units_positive(case: Case) -> Iterator[Finding]:
    """A service has no units, or fewer."""
    for service in case.services:
        if service.units < 1:
            yield Finding(f"{service.code} has {service.units} units; enter at least 1", (service.code,))


@rule("units.unlikely", severity="error", source="CMS medically unlikely edits", group=GROUP)
def units_unlikely(case: Case) -> Iterator[Finding]:
    """More units of a service than one patient is likely to have in a day or a line (imported table)."""
    total: dict[tuple[str, str], int] = {}
    for service in case.services:
        key = (service.code, case.day_of(service).isoformat())
        total[key] = total.get(key, 0) + service.units
    said: set[tuple[str, str]] = set()
    for service in case.services:
        day = case.day_of(service)
        key = (service.code, day.isoformat())
        limit = case.know.limits.medically_unlikely(service.code, day)
        if limit is None or key in said:
            continue
        entry = case.know.procedures.unit_limit(service.code, day)
        by_line = entry is not None and entry.indicator == _BY_LINE
        units = service.units if by_line else total[key]
        if units <= limit:
            continue
        said.add(key)
        todo = "remove it" if limit == 0 else f"bill {limit} or show in the record why more"
        where = "on a line" if by_line else f"on {day.isoformat()}"
        why = f", adjudication indicator {entry.indicator}, {entry.rationale}" if entry is not None else ""
        yield Finding(
            f"{service.code} has {units} units {where} and the limit is {limit}; {todo}",
            (service.code,),
            f"CMS medically unlikely edits, imported table, {service.code}: {limit}{why}",
            service.words,
        )


@rule(
    "service.duplicate",
    severity="error",
    source=f"{_MANUAL} section 40",
    group=GROUP,
    stages=("claim",),
)
def duplicate_service(case: Case) -> Iterator[Finding]:
    """The same service twice on one day without a modifier that tells them apart."""
    apart = ("76", "77", "91", "59", "XE", "XP", "XS", "XU")
    seen: set[str] = set()
    for one, two in case.same_day():
        if one.code != two.code or one.code in seen or case.know.procedures.add_on_primaries(one.code):
            continue
        if set(apart) & {*one.modifiers, *two.modifiers} or set(one.modifiers) ^ set(two.modifiers):
            continue
        seen.add(one.code)
        yield Finding(
            f"{one.code} stands twice on one day: join the lines, or add 76 or 77 (repeated), side or 59",
            (one.code,),
        )


def _days(case: Case, code: str, service: Service) -> int | None:
    """Length of the global period of a procedure; None where it has none or none is known."""
    known = case.know.limits.global_days(code, case.day_of(service))
    return _GLOBAL.get(known) if known is not None else None


def _needs_visit_modifier(case: Case, service: Service) -> str | None:
    """The modifier that a visit beside this procedure needs."""
    known = case.know.limits.global_days(service.code, case.day_of(service))
    if known is not None:
        return {"000": "25", "010": "25", "090": "57"}.get(known)
    surgery = case.tables.kind(service.code) == "surgery"
    add_on = bool(case.know.procedures.add_on_primaries(service.code))
    return "25" if surgery and not add_on and service.code not in _NO_VISIT_MODIFIER else None


@rule(
    "visit.modifier_due",
    severity="warning",
    source=f"{_MANUAL} sections 30.6.6 and 40.2",
    group=GROUP,
    stages=BEFORE_CLAIM,
)
def visit_modifier_due(case: Case) -> Iterator[Finding]:
    """A visit beside a procedure of the same day, for which the claim will need modifier 25 or 57."""
    yield from visit_with_procedure(case)


@rule(
    "visit.modifier",
    severity="error",
    source=f"{_MANUAL} sections 30.6.6 and 40.2",
    group=GROUP,
    stages=("claim",),
)
def visit_with_procedure(case: Case) -> Iterator[Finding]:
    """A visit beside a procedure of the same day without modifier 25 (or 57 before major surgery)."""
    for visit in case.services:
        if not case.tables.is_visit(visit.code) or {"25", "57", "24"} & set(visit.modifiers):
            continue
        if case.tables.kind(visit.code) in _NOT_OF_A_DAY:
            continue
        day = case.day_of(visit)
        for service in case.services:
            wanted = _needs_visit_modifier(case, service) if case.day_of(service) == day else None
            if wanted is not None:
                what = "was significant and apart" if wanted == "25" else "was where the surgery was decided"
                yield Finding(
                    f"{visit.code} is denied beside {service.code}: add {wanted} to {visit.code} if the "
                    f"visit {what}, or remove it",
                    (visit.code, service.code),
                    words=visit.words,
                )
                break


@rule("visit.two", severity="warning", source=f"{_MANUAL} section 30.6.5", group=GROUP)
def two_visits(case: Case) -> Iterator[Finding]:
    """Two visits of one kind on one day."""
    for one, two in case.same_day():
        kind = case.tables.kind(one.code)
        if one.code == two.code or not kind.startswith("em_") or kind != case.tables.kind(two.code):
            continue
        if kind in _NOT_OF_A_DAY or kind in ("em_critical", "em_counseling"):
            continue
        if not {"25", "27"} & {*one.modifiers, *two.modifiers}:
            yield Finding(
                f"{one.code} and {two.code} are visits of one day; bill the one whose level covers both, or "
                "add 25 to the second if they were unrelated",
                (one.code, two.code),
            )


@rule("global.period", severity="error", source=f"{_MANUAL} section 40", group=GROUP, stages=("claim",))
def global_period(case: Case) -> Iterator[Finding]:
    """A visit or procedure within the global period of earlier surgery (imported table), no modifier."""
    for service in case.services:
        visit = case.tables.is_visit(service.code)
        needed = ("24",) if visit else ("58", "78", "79")
        if not visit and case.tables.kind(service.code) != "surgery":
            continue
        if set(needed) & set(service.modifiers):
            continue
        day = case.day_of(service)
        for earlier in case.subject.earlier:
            length = _days(case, earlier.code, service)
            if not length or not earlier.date < day <= earlier.date + timedelta(days=length):
                continue
            choice = "24 if it was unrelated" if visit else "58, 78 or 79 as the record says"
            yield Finding(
                f"{service.code} falls within the {length} days of {earlier.code} of "
                f"{earlier.date.isoformat()}: add {choice}, or do not bill it",
                (service.code, earlier.code),
                words=service.words,
            )
            break
