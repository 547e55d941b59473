"""How the words were read against what is coded: uncertain, past, without a side. See ``suggestion``."""

from __future__ import annotations

from collections.abc import Iterator

from suggester.rules.case import Case, Placed
from suggester.rules.registry import Finding, rule
from suggester.rules.sides import by_side, side_of
from suggester.rules.specificity import documented_side
from suggester.rules.suggestion import (
    Context,
    historical_condition,
    side_not_documented,
    uncertain_diagnosis,
)
from suggester.rules.suggestion import Rule as OfSuggestion
from suggester.types import Flag

GROUP = "Words and specificity"
_GUIDELINES = "ICD-10-CM guidelines FY2026"


def _context(case: Case, item: Placed, *, side_missing: bool = False) -> Context:
    return Context(
        code=case.book.store.code(item.row),
        assertions=item.item.assertions,
        setting=case.subject.setting,
        side_missing=side_missing,
    )


def _found(case: Case, check: OfSuggestion, rule_id: str) -> Iterator[Finding]:
    if case.subject.stage == "suggestion":
        return  # ``flags_of`` raises them there, with what ranking knows
    for item in case.diagnoses:
        if item.item.assertions and (flag := check(_context(case, item))) and flag.rule_id == rule_id:
            yield _finding(flag, item)


def _finding(flag: Flag, item: Placed) -> Finding:
    return Finding(f"{item.code} is {flag.message}", flag.codes, flag.source, item.item.words)


@rule("uncertain.setting", severity="warning", source=f"{_GUIDELINES} IV.H", group=GROUP)
def uncertain_outpatient(case: Case) -> Iterator[Finding]:
    """The words name the diagnosis only as uncertain, and the encounter is not inpatient."""
    yield from _found(case, uncertain_diagnosis, "uncertain.setting")


@rule("uncertain.inpatient", severity="info", source=f"{_GUIDELINES} II.H, III.C", group=GROUP)
def uncertain_inpatient(case: Case) -> Iterator[Finding]:
    """The words name the diagnosis of an inpatient only as uncertain: coded if it is so at discharge."""
    yield from _found(case, uncertain_diagnosis, "uncertain.inpatient")


@rule("history.current", severity="warning", source=f"{_GUIDELINES} I.C.21.c.4, IV.J", group=GROUP)
def history_as_current(case: Case) -> Iterator[Finding]:
    """The words name the condition only as history, and the code says that it is present."""
    yield from _found(case, historical_condition, "history.current")


@rule("specificity.side", severity="warning", source=f"{_GUIDELINES} I.B.13", group=GROUP)
def side_unknown(case: Case) -> Iterator[Finding]:
    """The code leaves the side open and the words give none."""
    if case.subject.stage == "suggestion":
        return
    for item in case.diagnoses:
        if item.item.attributes is None or documented_side(item) is not None:
            continue
        if side_of(case.title(item)) == "unspecified" and "right" in by_side(case.book, item.row):
            flag = side_not_documented(_context(case, item, side_missing=True))
            if flag is not None:
                yield Finding(flag.message, flag.codes, flag.source, item.item.words)


@rule(
    "specificity.unspecified",
    severity="info",
    source=f"{_GUIDELINES} I.A.9.b, I.B.18",
    group=GROUP,
    stages=("suggestion",),
)
def only_unspecified(case: Case) -> Iterator[Finding]:
    """The words near by support only the unspecified code."""
    del case  # ``flags_of`` raises it on single suggestions, with what ranking knows
    return iter(())
