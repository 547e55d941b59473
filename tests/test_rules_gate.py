"""Which assertions hold a code back: one row a rule, then what must hold of all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suggester.rules import Gate, gate
from suggester.types import SETTINGS, Assertion, Setting

YES = Assertion()
NEGATED = Assertion(negated=True)
UNCERTAIN = Assertion(uncertain=True)
PAST = Assertion(historical=True)
PLANNED = Assertion(hypothetical=True)
FAMILY = Assertion(family=True)


@pytest.mark.parametrize(
    ("assertions", "code", "setting", "reason"),
    [
        ([YES], "I10", None, None),
        ([NEGATED], "I10", None, "negated"),
        ([FAMILY], "C50.911", None, "family"),
        ([FAMILY], "Z80.3", None, None),
        ([FAMILY], "Z84.89", "outpatient", None),
        ([FAMILY], "Z79.4", None, "family"),
        ([FAMILY], "Z85.3", None, "family"),
        ([PLANNED], "I10", None, "hypothetical"),
        ([PAST], "I10", None, None),
        ([UNCERTAIN], "J18.9", "outpatient", "uncertain in outpatient"),
        ([UNCERTAIN], "J18.9", "emergency", "uncertain in outpatient"),
        ([UNCERTAIN], "J18.9", "inpatient", None),
        ([UNCERTAIN], "J18.9", None, None),
        # one mention that may be coded is enough
        ([NEGATED, YES], "I10", None, None),
        ([FAMILY, NEGATED, PAST], "I10", None, None),
        ([UNCERTAIN, UNCERTAIN, YES], "I10", "outpatient", None),
        # the first mention says why
        ([NEGATED, FAMILY], "I10", None, "negated"),
        ([FAMILY, NEGATED], "I10", None, "family"),
        # of several flags the strongest says why
        ([Assertion(negated=True, family=True, uncertain=True)], "I10", "outpatient", "negated"),
        ([Assertion(family=True, hypothetical=True)], "I10", None, "family"),
        ([Assertion(hypothetical=True, uncertain=True)], "I10", "outpatient", "hypothetical"),
        ([Assertion(negated=True, family=True)], "Z80.3", None, "negated"),
        ([Assertion(family=True, uncertain=True)], "Z80.3", "outpatient", "uncertain in outpatient"),
        ([], "I10", "outpatient", None),
    ],
)
def test_the_gate(
    assertions: list[Assertion], code: str, setting: Setting | None, reason: str | None
) -> None:
    held = gate(assertions, code=code, setting=setting)
    assert (held.reason if held else None) == reason
    if held:
        assert held == Gate(held.reason, assertions[0])


assertion = st.builds(
    Assertion,
    negated=st.booleans(),
    uncertain=st.booleans(),
    historical=st.booleans(),
    hypothetical=st.booleans(),
    family=st.booleans(),
)


@given(
    st.lists(assertion, max_size=5),
    st.sampled_from(["I10", "Z80.3", "99213"]),
    st.sampled_from([None, *SETTINGS]),
)
def test_more_mentions_never_hold_a_code_back_that_fewer_let_through(
    mentions: list[Assertion], code: str, setting: Setting | None
) -> None:
    if mentions and gate(mentions[:-1] or [YES], code=code, setting=setting) is None:
        assert gate([*(mentions[:-1] or [YES]), mentions[-1]], code=code, setting=setting) is None
    assert gate([*mentions, YES], code=code, setting=setting) is None


@given(st.lists(assertion, min_size=1, max_size=5), st.sampled_from([None, *SETTINGS]))
def test_inpatients_are_never_held_back_where_outpatients_are_not(
    mentions: list[Assertion], setting: Setting | None
) -> None:
    if gate(mentions, code="I10", setting=setting) is None:
        assert gate(mentions, code="I10", setting="inpatient") is None
