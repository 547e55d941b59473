"""What the tests of the rules share: the rules over the installed code sets, subjects in a few words.

Nothing here is a test.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from suggester.codesets import Catalog
from suggester.rules import Diagnosis, Rules, Service, Stage, Subject
from suggester.rules.entry import read_codes
from suggester.types import Assertion, Attribute, Flag, Span

DAY = date(2026, 5, 4)
"""A day that the installed releases cover."""


class Limits:
    """Units and global periods that a test gives."""

    def __init__(self, units: dict[str, int] | None = None, days: dict[str, str] | None = None) -> None:
        self.units, self.days = units or {}, days or {}

    def medically_unlikely(self, code: str, day: date) -> int | None:
        """Of the test."""
        del day
        return self.units.get(code)

    def global_days(self, code: str, day: date) -> str | None:
        """Of the test."""
        del day
        return self.days.get(code)


@cache
def rules_of(catalog: Catalog) -> Rules:
    """The rules that ship, over a catalog, without imported tables."""
    return Rules(catalog=catalog, limits=Limits())


def words(name: str, value: str) -> Attribute:
    """An attribute that the words of a note gave."""
    return Attribute(name=name, value=value, span=Span(start=0, end=1))


def said(code: str, *given: Assertion | Attribute, quote: str = "the words") -> Diagnosis:
    """A diagnosis and how its words were read."""
    return Diagnosis(
        code=code,
        words=(quote,),
        assertions=tuple(item for item in given if isinstance(item, Assertion)),
        attributes=tuple(item for item in given if isinstance(item, Attribute)),
    )


def subject(catalog: Catalog, codes: str = "", *, stage: Stage = "claim", **values: Any) -> Subject:
    """A subject of codes as a person types them; ``diagnoses`` and ``services`` go before those typed."""
    diagnoses, services = read_codes(codes.split(), rules_of(catalog).knowledge(None))
    more: tuple[Service, ...] = values.pop("services", ())
    named: tuple[Diagnosis, ...] = values.pop("diagnoses", ())
    return Subject(
        stage=stage,
        diagnoses=(*named, *diagnoses),
        services=(*more, *services),
        **{"service_date": DAY, **values},
    )


def flags(catalog: Catalog, rule_id: str, codes: str = "", **values: Any) -> list[Flag]:
    """The flags of one rule on codes."""
    limits = values.pop("limits", None)
    rules = rules_of(catalog) if limits is None else Rules(catalog=catalog, limits=limits)
    found = rules.check(subject(catalog, codes, **values))
    return [flag for flag in found if flag.rule_id == rule_id]
