"""The rules engine as billing asks it: a claim with the words behind its diagnoses."""

from __future__ import annotations

from collections.abc import Callable

from suggester.billing.encounter import CodedEncounter
from suggester.rules import Diagnosis, Rules
from suggester.types import ClaimDraft, Flag

__all__ = ["RuleCheck", "rule_check"]

RuleCheck = Callable[[ClaimDraft, CodedEncounter | None], tuple[Flag, ...]]
"""What the rules engine says of a draft; flags come back marked with the draft's overrides."""


def rule_check(rules: Rules) -> RuleCheck:
    """The rules in force as a check of claim drafts."""

    def check(draft: ClaimDraft, coded: CodedEncounter | None) -> tuple[Flag, ...]:
        words = {
            code.code: Diagnosis(code=code.code, words=tuple(place.quote for place in code.evidence))
            for code in (coded.codes if coded is not None else ())
            if code.system == "ICD-10-CM"
        }
        return rules.check_claim(draft, diagnoses=words)

    return check
