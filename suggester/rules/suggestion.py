"""Flags on one suggestion: what a coder should check before accepting it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from suggester.types import Assertion, Code, Flag, Setting


@dataclass(slots=True, kw_only=True)
class Context:
    """What a rule may look at: the code, the assertions of its evidence, and how the code was reached."""

    code: Code
    assertions: tuple[Assertion, ...]
    setting: Setting | None
    side_missing: bool = False
    unspecified: bool = False


Rule = Callable[[Context], Flag | None]


def uncertain_diagnosis(context: Context) -> Flag | None:
    """Every mention is uncertain: codable for inpatients at discharge only."""
    if not context.assertions or not all(a.uncertain for a in context.assertions):
        return None
    if context.setting == "inpatient":
        message = "named only as uncertain; code it if it is still so at discharge"
        return Flag(
            rule_id="uncertain.inpatient",
            severity="info",
            message=message,
            codes=(context.code.code,),
            source="ICD-10-CM guidelines FY2026 II.H, III.C",
        )
    message = "named only as uncertain; outpatient encounters code the symptom instead"
    return Flag(
        rule_id="uncertain.setting",
        severity="warning",
        message=message,
        codes=(context.code.code,),
        source="ICD-10-CM guidelines FY2026 IV.H",
    )


def historical_condition(context: Context) -> Flag | None:
    """Every mention is historical while the code is of a current condition."""
    code = context.code
    if code.system != "ICD-10-CM" or code.code[0] == "Z" or not context.assertions:
        return None
    if not all(a.historical for a in context.assertions):
        return None
    return Flag(
        rule_id="history.current",
        severity="warning",
        message="named only as history; if it is no longer present or treated, code the history instead",
        codes=(code.code,),
        source="ICD-10-CM guidelines FY2026 I.C.21.c.4, IV.J",
    )


def side_not_documented(context: Context) -> Flag | None:
    """The code has a side and the words give none."""
    if not context.side_missing:
        return None
    return Flag(
        rule_id="specificity.side",
        severity="warning",
        message="no side is documented near these words; look for right, left or bilateral",
        codes=(context.code.code,),
        source="ICD-10-CM guidelines FY2026 I.B.13",
    )


def unspecified_code(context: Context) -> Flag | None:
    """The words support only the unspecified code."""
    if not context.unspecified or context.side_missing:
        return None
    return Flag(
        rule_id="specificity.unspecified",
        severity="info",
        message="the words near by support only the unspecified code",
        codes=(context.code.code,),
        source="ICD-10-CM guidelines FY2026 I.A.9.b, I.B.18",
    )


RULES: tuple[Rule, ...] = (uncertain_diagnosis, historical_condition, side_not_documented, unspecified_code)
"""All rules, in the order in which flags are shown."""


def flags_of(context: Context, *, off: Collection[str] = ()) -> tuple[Flag, ...]:
    """The flags that the rules raise on a suggestion, but those of rules that are switched off."""
    if not (context.side_missing or context.unspecified):
        first = context.assertions[0] if context.assertions else None
        if first is None or not (first.uncertain or first.historical):
            return ()  # most suggestions: no rule has anything to say
    raised = [flag for rule in RULES if (flag := rule(context)) is not None]
    return tuple([flag for flag in raised if flag.rule_id not in off])
