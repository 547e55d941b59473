"""Drugs given as services with units, and their administration.

Administration follows the order of CPT: one initial service, by rank chemotherapy before therapy before
hydration and infusion before push; the rest are additional.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from suggester.ranking.services.choices import Composed
from suggester.ranking.services.clock import CLOCK
from suggester.ranking.services.drug_units import HYDRATION, whole_units
from suggester.ranking.services.given import Given, drugs_given
from suggester.ranking.services.modifiers import belongs
from suggester.ranking.services.scenes import Scene
from suggester.types import Setting

_BUNDLED = frozenset(("J2003", "J2001", "J3490", "J3590", "J0670"))
"""Local anaesthetics, part of the procedure, and codes of drugs that have none of their own."""


_LIKELY, _LIKELY_SALINE, _LIKELY_BUNDLED = 0.75, 0.35, 0.05


_IN_HOSPITAL, _IN_EMERGENCY = 0.35, 0.8
"""Share that remains where a hospital stay or an operation pays for the drug."""
_OPERATIVE = frozenset(("anesthesia", "preoperative_diagnosis", "postoperative_diagnosis"))


def compose_drugs(scene: Scene, *, setting: Setting | None) -> tuple[list[Composed], list[Given]]:
    """The drugs given as services with units, and with their administration."""
    packaged = setting == "inpatient" or not _OPERATIVE.isdisjoint(scene.kinds)
    share = _IN_HOSPITAL if packaged else _IN_EMERGENCY if setting == "emergency" else 1.0
    best: dict[str, Given] = {}
    for item in drugs_given(scene):
        old = best.get(item.code)
        if old is not None and _timed_apart(old, item):
            amount = (old.amount or 0) + (item.amount or 0)
            how = f"{old.how or _dose_text(old)}, and {_dose_text(item)}"
            best[item.code] = replace(old, amount=amount, units=whole_units(amount), how=how)
        elif (
            old is None
            or (item.units or 0) > (old.units or 0)
            or (item.units == old.units and old.minutes is None and item.minutes is not None)
        ):
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
    """Whether two lines tell of a drug given twice: at other times, or as a list with other doses."""
    times = [next((w for w in item.sentence.stems[:3] if CLOCK.fullmatch(w)), None) for item in (old, new)]
    if None not in times:
        return times[0] != times[1]
    firsts = [item.sentence.stems[:1] for item in (old, new)]
    if (
        old.sentence.kind == "procedure"
        and firsts[0] != firsts[1]
        and all(w and w[0].isdigit() for w in firsts)
    ):
        return True  # numbered procedures, each with its injection
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


def _likely(code: str) -> float:
    if code in _BUNDLED:
        return _LIKELY_BUNDLED
    return _LIKELY_SALINE if code in HYDRATION else _LIKELY


def _is_chemo(item: Given) -> bool:
    """Whether a drug is given as chemotherapy is: antineoplastics and highly complex biologic agents."""
    return belongs("chemo", item.code)


def _administration(given: Sequence[Given]) -> list[Composed]:
    """Services of administration, those of one code joined with their units summed."""
    billed = [i for i in given if not belongs("unadministered", i.code) and i.code not in _BUNDLED]
    out: dict[str, Composed] = {}
    for service in (*_into_vein(billed), *_under_skin(billed)):
        old = out.get(service.code)
        out[service.code] = (
            service if old is None else replace(old, units=(old.units or 0) + (service.units or 0))
        )
    return list(out.values())


def _into_vein(given: Sequence[Given]) -> Iterator[Composed]:
    intravenous: list[Given] = []
    for item in given:
        together = item.interval is not None and any(
            item.interval == other.interval for other in intravenous
        )  # two drugs of one bag are infused once
        if item.route == "IV" and not together:
            intravenous.append(item)
    infusions = [i for i in intravenous if _is_infused(i)]
    pushes = [i for i in intravenous if i not in infusions and _is_push(i)]
    chemo = sorted((i for i in infusions if _is_chemo(i)), key=lambda i: -(i.minutes or 0))
    therapy = sorted(
        (i for i in infusions if not _is_chemo(i) and i.code not in HYDRATION),
        key=lambda i: -(i.minutes or 0),
    )
    hydration = [i for i in infusions if i.code in HYDRATION and (i.minutes or 0) > 30]
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
        if initial and (item.minutes or 0) > 90:
            yield _service("96361", item, "hydration beyond the first hour", _hours(item.minutes))
        initial = False


def _is_infused(item: Given) -> bool:
    """Whether a drug was infused: longer than a push, or chemotherapy that is never pushed."""
    if item.minutes is None:
        return _is_chemo(item) and not item.push and not belongs("pushed", item.code)
    return item.minutes > _LONGEST_PUSH


_LONGEST_PUSH = 15
"""Minutes up to which an infusion is billed as a push."""


def _is_push(item: Given) -> bool:
    """Whether a drug was pushed: as said, by its minutes, or as it usually is where no time is said."""
    if item.push or item.minutes is not None:
        return True
    return belongs("pushed", item.code)


def _under_skin(given: Sequence[Given]) -> Iterator[Composed]:
    """Injections under the skin or into the muscle: hormones for cancer, chemotherapy, all others."""
    groups: dict[str, list[Given]] = {}
    for item in given:
        if item.route in ("IM", "SC"):
            code = "96402" if belongs("hormonal", item.code) else "96401" if _is_chemo(item) else "96372"
            groups.setdefault(code, []).append(item)
    for code, items in groups.items():
        yield _service(code, items[0], f"injection {items[0].route}", len(items))


def _hours(minutes: float | None) -> int:
    return max(1, int(((minutes or 0) - 60 + 29) // 60))


def _service(code: str, item: Given, what: str, units: int = 1) -> Composed:
    return Composed(code, 0.65, item.evidence, f"{what} of {item.name}", units, item.sentence.number)
