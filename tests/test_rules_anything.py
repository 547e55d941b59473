"""Whatever the codes and their order: rules never fail, repeat, and name only what they were given."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules_world import DAY, Limits

from suggester.codesets import Catalog
from suggester.rules import STAGES, Diagnosis, Rules, Service, Subject
from suggester.types import SETTINGS, Assertion, Attribute, Span

QUOTE = "jane's left foot"
"""Words of a note: they stay in ``Flag.words``."""

LIMITS = Limits({"J1885": 2, "20610": 1}, {"20610": "000", "47562": "090"})
ATTRIBUTES = [
    Attribute(name=name, value=value, span=Span(start=0, end=1))
    for name, values in (
        ("laterality", ("left", "right", "bilateral", "odd")),
        ("phase", ("initial", "subsequent", "sequela", "odd")),
    )
    for value in values
]
ASSERTIONS = [Assertion(), Assertion(uncertain=True), Assertion(historical=True)]
SERVICES = ["99213", "99283", "20610", "64450", "43239", "43235", "11045", "71046", "47562", "00001", "0001U"]
MODIFIERS = ["25", "59", "LT", "RT", "50", "76", "26", "TC", "XS", "QQ", "24"]


@pytest.fixture(scope="module")
def rules(catalog: Catalog) -> Rules:
    return Rules(catalog=catalog, limits=LIMITS)


def diagnoses(codes: list[str]) -> st.SearchStrategy[Diagnosis]:
    spelled = st.sampled_from(codes) | st.from_regex(r"[A-Z][0-9A-Z.]{2,7}", fullmatch=True)
    return st.builds(
        Diagnosis,
        code=spelled,
        words=st.just((QUOTE,)),
        assertions=st.lists(st.sampled_from(ASSERTIONS), max_size=2).map(tuple),
        attributes=st.none() | st.lists(st.sampled_from(ATTRIBUTES), max_size=3).map(tuple),
    )


@st.composite
def subjects(draw: Any, codes: list[str]) -> Subject:
    services = draw(
        st.lists(
            st.builds(
                Service,
                system=st.just("CPT"),
                code=st.sampled_from(SERVICES),
                modifiers=st.lists(st.sampled_from(MODIFIERS), max_size=5).map(tuple),
                units=st.integers(-1, 5),
                pointers=st.lists(st.integers(0, 6), max_size=3).map(tuple),
            ),
            max_size=5,
        )
    )
    return Subject(
        stage=draw(st.sampled_from(STAGES)),
        diagnoses=tuple(draw(st.lists(diagnoses(codes), max_size=8))),
        services=tuple(services),
        setting=draw(st.none() | st.sampled_from(SETTINGS)),
        service_date=DAY,
        sex=draw(st.sampled_from([None, "F", "M"])),
        age=draw(st.none() | st.integers(0, 120)),
        place_of_service=draw(st.sampled_from([None, "11", "21", "23", "02", "77"])),
    )


def test_rules_never_fail_and_name_what_they_were_given(rules: Rules, catalog: Catalog) -> None:
    store = catalog.store("ICD-10-CM")
    rows = range(0, len(store), 37)
    codes = [store.codes[row] for row in rows if " " not in store.codes[row]]

    @settings(max_examples=150)
    @given(subject=subjects(codes))
    def holds(subject: Subject) -> None:
        flags = rules.check(subject)
        assert rules.check(subject) == flags
        book = rules.knowledge(DAY).book
        given = {item.code for item in (*subject.diagnoses, *subject.services)}
        given |= {book.code(row) for code in given if (row := book.row(code)) is not None}
        for flag in flags:
            assert set(flag.codes) <= given
            assert flag.rule_id in rules.registry
            assert flag.message
            assert QUOTE not in flag.message + flag.source
            assert flag.source
            assert flag.overridden is None

    holds()


def test_pairs_do_not_depend_on_the_order(rules: Rules, catalog: Catalog) -> None:
    store = catalog.store("ICD-10-CM")
    of_interest = ("E08", "E10", "E11", "F10", "I10", "I11", "J44", "J45", "N18", "O24", "R73", "Z79", "M54")
    codes = [store.codes[row] for prefix in of_interest for row in store.with_prefix(prefix)]
    free = {"excludes1", "combination.code", "duplicate.overlap", "duplicate.bilateral", "symptom.integral"}

    @settings(max_examples=60)
    @given(chosen=st.lists(st.sampled_from(codes), min_size=2, max_size=2, unique=True))
    def holds(chosen: list[str]) -> None:
        one, two = (
            {
                (flag.rule_id, frozenset(flag.codes))
                for flag in rules.check(
                    Subject(stage="suggestion", diagnoses=tuple(Diagnosis(code=code) for code in order))
                )
                if flag.rule_id in free
            }
            for order in (chosen, chosen[::-1])
        )
        assert one == two

    holds()
