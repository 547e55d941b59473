"""Flags on one suggestion: which rule raises which flag, where, and with what source."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import Any

import pytest

from suggester.rules import Context, flags_of
from suggester.rules.suggestion import RULES
from suggester.types import SETTINGS, Assertion, Code, System

YES = Assertion()
UNCERTAIN = Assertion(uncertain=True)
PAST = Assertion(historical=True)


def context(code: str = "M17.12", system: System = "ICD-10-CM", **values: Any) -> Context:
    what = Code(
        system=system,
        code=code,
        display="a title",
        billable=True,
        valid_from=date(2026, 4, 1),
        valid_to=None,
        release="2026-04-01",
    )
    return Context(code=what, **{"assertions": (YES,), "setting": None, **values})


@pytest.mark.parametrize(
    ("values", "flags"),
    [
        ({}, []),
        ({"assertions": ()}, []),
        ({"assertions": (UNCERTAIN,), "setting": "inpatient"}, [("uncertain.inpatient", "info")]),
        ({"assertions": (UNCERTAIN,), "setting": "outpatient"}, [("uncertain.setting", "warning")]),
        ({"assertions": (UNCERTAIN,), "setting": "emergency"}, [("uncertain.setting", "warning")]),
        ({"assertions": (UNCERTAIN,)}, [("uncertain.setting", "warning")]),
        ({"assertions": (UNCERTAIN, YES), "setting": "inpatient"}, []),
        ({"assertions": (PAST,)}, [("history.current", "warning")]),
        ({"assertions": (PAST, PAST)}, [("history.current", "warning")]),
        ({"assertions": (PAST, YES)}, []),
        ({"assertions": (PAST,), "code": "Z85.3"}, []),
        ({"assertions": (PAST,), "code": "47562", "system": "CPT"}, []),
        ({"assertions": (PAST,), "code": "J1885", "system": "HCPCS"}, []),
        ({"side_missing": True}, [("specificity.side", "warning")]),
        ({"unspecified": True}, [("specificity.unspecified", "info")]),
        ({"side_missing": True, "unspecified": True}, [("specificity.side", "warning")]),
        (
            {"assertions": (Assertion(uncertain=True, historical=True),), "unspecified": True},
            [
                ("uncertain.setting", "warning"),
                ("history.current", "warning"),
                ("specificity.unspecified", "info"),
            ],
        ),
    ],
)
def test_the_flags_of_a_suggestion(values: dict[str, Any], flags: list[tuple[str, str]]) -> None:
    assert [(flag.rule_id, flag.severity) for flag in flags_of(context(**values))] == flags


def test_every_flag_names_the_code_a_source_and_something_to_do() -> None:
    seen = set()
    assertions = [(), (YES,), (UNCERTAIN,), (PAST,)]
    for given, setting, side, unspecified in product(assertions, [None, *SETTINGS], *[[True, False]] * 2):
        for flag in flags_of(
            context(assertions=given, setting=setting, side_missing=side, unspecified=unspecified)
        ):
            assert flag.codes == ("M17.12",)
            assert "guidelines" in flag.source
            assert len(flag.message.split()) > 5
            assert flag.message[0].islower()
            assert not flag.message.endswith(".")
            seen.add(flag.rule_id)
    assert len(seen) == len(RULES) + 1  # uncertainty has one flag for inpatients and one for all others
