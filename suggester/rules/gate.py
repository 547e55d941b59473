"""Which assertions keep a code from being suggested, and why.

Sources: ICD-10-CM guidelines FY2026 II.H and III.C (inpatient: uncertain diagnoses at discharge are coded),
IV.H (outpatient: they are not), I.C.21.c.4 (history codes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from suggester.types import CERTAIN_ONLY, Assertion, Setting, maker, quick

Reason = Literal["negated", "family", "hypothetical", "uncertain in outpatient"]


@quick
@dataclass(frozen=True, slots=True)
class Gate:
    """Why a code is held back, and the assertion that says so."""

    reason: Reason
    assertion: Assertion


_gate = maker(Gate)


def gate(assertions: Sequence[Assertion], *, code: str, setting: Setting | None) -> Gate | None:
    """Hold a code back if none of its mentions may be coded; None lets it through.

    Parameters
    ----------
    assertions
        One for each mention that speaks for the code.
    code
        The code; family history (Z80 to Z84), contact with a catching disease (Z20), family circumstances
        (Z63) and smoke of others (Z77.22) are about other people by nature.
    setting
        Uncertain diagnoses are held back outside the inpatient setting; unknown lets them through.
    """
    first: Reason | None = None
    seen: Assertion | None = None
    for assertion in assertions:
        if assertion is seen:  # mentions that nothing tells apart share theirs
            continue
        reason = _reason(assertion, code, setting)
        if reason is None:
            return None
        first, seen = first or reason, assertion
    return _gate(first, assertions[0]) if first is not None else None


_OF_OTHERS = ("Z20", "Z63", "Z77.22", "Z80", "Z81", "Z82", "Z83", "Z84")


def _reason(assertion: Assertion, code: str, setting: Setting | None) -> Reason | None:
    if assertion.negated:
        return "negated"
    if assertion.family and not code.startswith(_OF_OTHERS):
        return "family"
    if assertion.hypothetical:
        return "hypothetical"
    if assertion.uncertain and setting in CERTAIN_ONLY:
        return "uncertain in outpatient"
    return None
