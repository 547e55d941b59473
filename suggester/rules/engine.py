"""The rules, opened over code sets and settings: flags on suggestions, on a note's codes, on a claim."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Self

from suggester.codesets import Catalog, Release, open_catalog
from suggester.config import Settings
from suggester.errors import RuleError, SuggesterError, UnknownCodeError
from suggester.rules import (  # noqa: F401 - importing them adds their rules, in the order of the page
    combination,
    excludes,
    modifiers,
    patient,
    places,
    procedures,
    readings,
    sequence,
    specificity,
    validity,
)
from suggester.rules.book import Book
from suggester.rules.case import Case, Knowledge, Limits
from suggester.rules.registry import BUILT_IN, Registry, Rule
from suggester.rules.site import load_site
from suggester.rules.subject import Diagnosis, EarlierService, Stage, Subject
from suggester.rules.tables import read_tables
from suggester.types import ClaimDraft, Flag, Override, Severity, System

_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


class Rules:
    """The rules in force.

    Parameters
    ----------
    catalog
        Opened code sets.
    registry
        The rules to run.
    off
        Ids of rules that are switched off; they are not in ``registry``.
    limits
        Tables of units and global periods; those imported into the catalog if not given.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        registry: Registry = BUILT_IN,
        off: Iterable[str] = (),
        limits: Limits | None = None,
    ) -> None:
        self.catalog = catalog
        self.off = frozenset(off)
        self.registry = registry.without(self.off)
        self.limits: Limits = limits or catalog.procedures
        self._known: dict[tuple[int, tuple[System, ...]], Knowledge] = {}
        self._of_stage: dict[Stage, tuple[Rule, ...]] = {}

    @classmethod
    def open(
        cls, settings: Settings | None = None, *, catalog: Catalog | None = None, limits: Limits | None = None
    ) -> Self:
        """The rules as the settings say: without those switched off, with those of the site.

        Raises
        ------
        ConfigError
            If a rule to be switched off is unknown, or the site's file cannot be used.
        CodeSetError
            If the code sets cannot be opened.
        """
        chosen = settings or Settings.load()
        opened = catalog or open_catalog(chosen)
        rules = cls(catalog=opened, limits=limits)
        if chosen.rules_file is not None:
            site = load_site(chosen.rules_file, rules.knowledge(None))
            rules.registry = Registry([*rules.registry, *site])
        return cls(catalog=opened, registry=rules.registry, off=chosen.rules_off, limits=limits)

    def knowledge(self, on: date | None) -> Knowledge:
        """What the rules look up on a day.

        Raises
        ------
        NoReleaseError
            If no ICD-10-CM release covers it.
        """
        releases, missing = self.catalog.release_set(on)
        key = id(releases), tuple(map(_system, missing))  # the catalog keeps the set
        if key not in self._known:
            self._known[key] = Knowledge(
                book=Book(releases.icd10cm),
                stores={"ICD-10-CM": releases.icd10cm, "CPT": releases.cpt, "HCPCS": releases.hcpcs},
                procedures=self.catalog.procedures,
                limits=self.limits,
                tables=read_tables(),
                missing=frozenset(key[1]),
                elsewhere=self._elsewhere,
            )
        return self._known[key]

    def _elsewhere(self, system: System, code: str) -> tuple[Release, ...]:
        """Installed releases that hold a code."""
        out: list[Release] = []
        for release in self.catalog.releases:
            if release.system != system:
                continue
            try:
                self.catalog.store(system, release.valid_from).row(code)
            except UnknownCodeError:
                continue
            out.append(release)
        return tuple(out)

    def of_stage(self, stage: Stage) -> tuple[Rule, ...]:
        """The rules that run on a stage."""
        if stage not in self._of_stage:
            self._of_stage[stage] = tuple(item for item in self.registry if stage in item.stages)
        return self._of_stage[stage]

    def check(self, subject: Subject, overrides: Sequence[Override] = ()) -> tuple[Flag, ...]:
        """The flags on a subject, errors first, those that were set aside marked.

        Raises
        ------
        NoReleaseError
            If no ICD-10-CM release covers the service date.
        RuleError
            If a rule fails; names it.
        """
        case = Case(subject, self.knowledge(subject.service_date))
        flags: list[Flag] = []
        for item in self.of_stage(subject.stage):
            try:
                flags.extend(item.flags(case))
            except SuggesterError:
                raise
            except Exception as error:
                raise RuleError(f"rule {item.id!r} failed ({type(error).__name__})") from error
        flags.sort(key=lambda flag: _ORDER[flag.severity])
        return set_aside(flags, overrides)

    def check_claim(
        self,
        draft: ClaimDraft,
        *,
        diagnoses: dict[str, Diagnosis] | None = None,
        earlier: tuple[EarlierService, ...] = (),
        supported: tuple[str, ...] = (),
    ) -> tuple[Flag, ...]:
        """The flags on a claim draft, with its overrides.

        Parameters
        ----------
        draft
            The claim.
        diagnoses
            The words behind diagnosis codes, by code.
        earlier
            Services before the encounter, for global periods.
        supported
            Diagnosis codes that the note supports and the claim has not.
        """
        subject = Subject.of_claim(draft, diagnoses=diagnoses, earlier=earlier)
        return self.check(replace(subject, supported=supported), draft.overrides)


def set_aside(flags: Iterable[Flag], overrides: Sequence[Override]) -> tuple[Flag, ...]:
    """The flags, those marked that a person set aside and that may be; the newest reason counts."""
    reasons = {
        (item.rule_id, frozenset(item.codes)): item.reason for item in sorted(overrides, key=lambda o: o.at)
    }
    return tuple(
        replace(flag, overridden=reason)
        if flag.overridable and (reason := reasons.get((flag.rule_id, frozenset(flag.codes))))
        else flag
        for flag in flags
    )


def standing_errors(flags: Iterable[Flag]) -> tuple[Flag, ...]:
    """The errors that nobody set aside: while there is one, nothing is exported."""
    return tuple(flag for flag in flags if flag.severity == "error" and flag.overridden is None)


def _system(error: Exception) -> System:
    """The system that a missing release is of."""
    words = str(error).split()
    systems: tuple[System, ...] = ("ICD-10-CM", "CPT", "HCPCS")
    return next(system for system in systems if system in words)
