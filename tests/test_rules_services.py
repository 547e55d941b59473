"""Each rule on services: pairs, add-on codes, units, visits, global periods, modifiers, places."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import test_rules_diagnoses as diagnoses
from rules_world import DAY, Limits, flags, rules_of, subject

from suggester.codesets import Catalog
from suggester.codesets.procedures import ProcedureTables, UnitLimit
from suggester.codesets.releases import Release
from suggester.rules import BUILT_IN, Case, Diagnosis, EarlierService, Service

NEVER = ("43239", "43235")
"""A pair of the CMS tables whose indicator is 0: the first holds the second."""
SOMETIMES = ("20610", "64450")
"""A pair whose indicator is 1."""


def earlier(code: str, days: int) -> dict[str, Any]:
    return {"earlier": (EarlierService(code=code, date=DAY - timedelta(days=days)),)}


RAISED: list[tuple[str, str, dict[str, Any], str]] = [
    ("ncci.pair", "43239 43235", {}, "43235 is part of 43239"),
    ("ncci.pair", "43235-59 43239", {}, "no modifier changes that"),
    ("ncci.modifier", "20610 64450", {}, "add 59 to 64450"),
    ("ncci.modifier", "64450 20610", {}, "64450 is denied beside 20610"),
    ("ncci.modifier", "20610-LT 64450-LT", {}, "64450"),
    ("ncci.modifier", "20610-76 64450", {}, "64450"),
    ("ncci.modifier_due", "20610 64450", {"stage": "note"}, "add 59 to 64450"),
    ("ncci.modifier_due", "20610 64450", {"stage": "suggestion"}, "add 59 to 64450"),
    ("visit.modifier_due", "99213 20610", {"stage": "note"}, "add 25 to 99213"),
    ("addon.primary", "11045", {}, "11045 only adds to another service (11042)"),
    (
        "addon.primary",
        "11042",
        {"services": (Service(system="CPT", code="11045", date=DAY + timedelta(days=1)),)},
        "add that service",
    ),
    ("units.whole", "", {"services": (Service(system="CPT", code="20610", units=0),)}, "at least 1"),
    ("units.whole", "", {"services": (Service(system="CPT", code="20610", units=-2),)}, "-2 units"),
    ("units.unlikely", "J1885x5", {"limits": Limits({"J1885": 4})}, "the limit is 4"),
    ("units.unlikely", "J1885x3 J1885x2", {"limits": Limits({"J1885": 4})}, "has 5 units"),
    ("units.unlikely", "A0100", {"limits": Limits({"A0100": 0})}, "remove it"),
    ("service.duplicate", "20610 20610", {}, "stands twice"),
    ("service.duplicate", "20610-LT 20610-LT", {}, "join the lines"),
    ("visit.modifier", "99213 20610", {}, "add 25 to 99213"),
    ("visit.modifier", "20610 99213", {}, "significant and apart"),
    ("visit.modifier", "99213 47562", {"limits": Limits(days={"47562": "090"})}, "add 57 to 99213"),
    ("visit.modifier", "99213 96372", {"limits": Limits(days={"96372": "000"})}, "add 25"),
    ("visit.two", "99213 99214", {}, "visits of one day"),
    ("global.period", "99213", {"limits": Limits(days={"47562": "090"}), **earlier("47562", 90)}, "24"),
    ("global.period", "10060", {"limits": Limits(days={"11042": "010"}), **earlier("11042", 1)}, "58, 78"),
    ("modifier.unknown", "20610-QZ9", {}, "'QZ9' on 20610 is not a modifier"),
    ("modifier.unknown", "20610-00", {}, "correct or remove it"),
    ("modifier.count", "20610-59-59", {}, "59 stands twice"),
    ("modifier.count", "20610-22-51-59-76-LT", {}, "has 5 modifiers"),
    ("modifier.clash", "20610-LT-RT", {}, "use 50, or a line for each side"),
    ("modifier.clash", "20610-50-LT", {}, "keep one of them"),
    ("modifier.clash", "20610-59-XS", {}, "59 and XS"),
    ("modifier.clash", "71046-26-TC", {}, "26 and TC"),
    ("modifier.clash", "20610-76-77", {}, "76 and 77"),
    ("modifier.kind", "20610-25", {}, "it is for visit codes"),
    ("modifier.kind", "99213-59", {}, "59 (apart from the other procedure) does not go with 99213"),
    ("modifier.split", "99213-26", {}, "remove 26"),
    ("modifier.facility", "71046", {"place_of_service": "21"}, "add 26 for the reading"),
    ("modifier.facility", "71046-TC", {"place_of_service": "23"}, "the facility bills"),
    (
        "modifier.side",
        "M25.561",
        {"services": (Service(system="CPT", code="20610", modifiers=("LT",), pointers=(1,)),)},
        "billed on the left and points to M25.561 on the other side",
    ),
    ("modifier.repeat", "71046-76", {}, "stands once on this day"),
    ("modifier.bilateral_units", "20610-50x2", {}, "bill 1 unit"),
    ("place.unknown", "99213", {"place_of_service": "88"}, "'88' does not exist"),
    ("place.setting", "99213", {"place_of_service": "21", "setting": "outpatient"}, "Inpatient Hospital"),
    ("place.setting", "99213", {"place_of_service": "11", "setting": "inpatient"}, "Office"),
    ("place.setting", "99283", {"place_of_service": "11", "setting": "emergency"}, "emergency care"),
    ("place.visit", "99213", {"place_of_service": "21"}, "99213 is not billed at place 21"),
    ("place.visit", "99223", {"place_of_service": "11"}, "office visits"),
    ("place.telehealth", "99213-95", {"place_of_service": "11"}, "use 10 for the patient at home"),
]

SILENT: list[tuple[str, str, dict[str, Any]]] = [
    ("ncci.pair", "20610 64450", {}),
    (
        "ncci.pair",
        "43239",
        {"services": (Service(system="CPT", code="43235", date=DAY + timedelta(days=1)),)},
    ),
    ("ncci.pair", "43239 99213", {}),
    ("ncci.modifier", "43239 43235", {}),
    ("ncci.modifier", "20610 64450-59", {}),
    ("ncci.modifier", "20610 64450-XS", {}),
    ("ncci.modifier", "20610-59 64450", {}),
    ("ncci.modifier", "20610-LT 64450-RT", {}),
    ("ncci.modifier", "20610-LT 64450-LT-59", {}),
    ("ncci.modifier", "20610 64450", {"stage": "note"}),
    ("ncci.modifier_due", "20610 64450", {}),
    ("ncci.modifier_due", "20610 64450-59", {"stage": "suggestion"}),
    ("visit.modifier", "99213 20610", {"stage": "note"}),
    ("visit.modifier_due", "99213 20610", {}),
    ("visit.modifier_due", "99213-25 20610", {"stage": "suggestion"}),
    ("addon.primary", "11042 11045", {}),
    ("addon.primary", "11042 99213", {}),
    ("units.whole", "20610 J1885x4", {}),
    ("units.unlikely", "J1885x4", {"limits": Limits({"J1885": 4})}),
    ("units.unlikely", "J1885x400", {}),
    (
        "units.unlikely",
        "J1885x4",
        {
            "limits": Limits({"J1885": 4}),
            "services": (Service(system="HCPCS", code="J1885", units=4, date=DAY + timedelta(days=1)),),
        },
    ),
    ("service.duplicate", "20610-LT 20610-RT", {}),
    ("service.duplicate", "71046 71046-76", {}),
    ("service.duplicate", "20610 20605", {}),
    ("service.duplicate", "11042 11045 11045", {}),
    ("visit.modifier", "99213-25 20610", {}),
    ("visit.modifier", "99213 36415", {}),
    ("visit.modifier", "99213 71046", {}),
    ("visit.modifier", "99213 11045", {}),
    ("visit.modifier", "99490 20610", {}),
    ("visit.modifier", "99213 20610", {"limits": Limits(days={"20610": "XXX"})}),
    (
        "visit.modifier",
        "99213",
        {"services": (Service(system="CPT", code="20610", date=DAY + timedelta(days=1)),)},
    ),
    ("visit.two", "99213 99214-25", {}),
    ("visit.two", "99213 99283", {}),
    ("visit.two", "99291 99292", {}),
    ("global.period", "99213", {"limits": Limits(days={"47562": "090"}), **earlier("47562", 91)}),
    ("global.period", "99213-24", {"limits": Limits(days={"47562": "090"}), **earlier("47562", 5)}),
    ("global.period", "99213", {"limits": Limits(days={"47562": "000"}), **earlier("47562", 1)}),
    ("global.period", "99213", {"limits": Limits(days={"47562": "090"}), **earlier("47562", 0)}),
    ("global.period", "71046", {"limits": Limits(days={"47562": "090"}), **earlier("47562", 5)}),
    ("global.period", "99213", earlier("47562", 5)),
    ("modifier.unknown", "20610-LT-59 99213-25 71046-26", {}),
    ("modifier.count", "20610-22-51-59-LT", {}),
    ("modifier.clash", "20610-LT-59 71046-26", {}),
    ("modifier.kind", "99213-25 20610-59 0001U-91", {}),
    ("modifier.split", "71046-26", {}),
    ("modifier.facility", "71046-26", {"place_of_service": "21"}),
    ("modifier.facility", "71046 99213", {"place_of_service": "11"}),
    ("modifier.facility", "71046", {}),
    (
        "modifier.side",
        "M25.562 M25.561",
        {"services": (Service(system="CPT", code="20610", modifiers=("LT",), pointers=(1,)),)},
    ),
    (
        "modifier.side",
        "M17.0",
        {"services": (Service(system="CPT", code="20610", modifiers=("LT",), pointers=(1,)),)},
    ),
    ("modifier.side", "M25.561 20610-LT", {}),
    ("modifier.repeat", "71046 71046-76", {}),
    ("modifier.bilateral_units", "20610-50", {}),
    ("place.unknown", "99213", {"place_of_service": "11"}),
    ("place.unknown", "99213", {}),
    ("place.setting", "99213", {"place_of_service": "11", "setting": "outpatient"}),
    ("place.setting", "99213", {"place_of_service": "11"}),
    ("place.setting", "99213", {"setting": "inpatient"}),
    ("place.visit", "99213 20610", {"place_of_service": "11"}),
    ("place.visit", "99283", {"place_of_service": "23"}),
    ("place.visit", "99213", {}),
    ("place.telehealth", "99213-95", {"place_of_service": "10"}),
    ("place.telehealth", "99213-95", {}),
    ("place.telehealth", "99213", {"place_of_service": "11"}),
]


@pytest.mark.parametrize(("rule_id", "codes", "values", "message"), RAISED)
def test_the_rule_says_so(
    catalog: Catalog, rule_id: str, codes: str, values: dict[str, Any], message: str
) -> None:
    found = flags(catalog, rule_id, codes, **values)
    assert found
    assert any(message in flag.message for flag in found), [flag.message for flag in found]
    assert all(flag.codes and flag.source for flag in found)


@pytest.mark.parametrize(("rule_id", "codes", "values"), SILENT)
def test_the_rule_is_silent(catalog: Catalog, rule_id: str, codes: str, values: dict[str, Any]) -> None:
    assert flags(catalog, rule_id, codes, **values) == []


def test_every_rule_is_tried_both_ways() -> None:
    raised = {case[0] for case in (*RAISED, *diagnoses.RAISED)}
    silent = {case[0] for case in (*SILENT, *diagnoses.SILENT)}
    ids = {rule.id for rule in BUILT_IN}
    # one that only single suggestions raise (test_rules_suggestion), one that needs a day without a release
    assert ids - raised == {"specificity.unspecified", "validity.no_release"}
    assert ids - silent == {"specificity.unspecified"}


def test_pairs_are_those_of_the_day(catalog: Catalog) -> None:
    """The edit ends on a day; the rule goes by the day of the line."""
    tables: ProcedureTables = catalog.procedures
    found = tables.ncci_pair(*NEVER, DAY)
    assert found is not None
    assert not found.modifier_allowed
    before = found.valid_from - timedelta(days=1)
    line = Service(system="CPT", code=NEVER[0], date=before)
    other = Service(system="CPT", code=NEVER[1], date=before, number=2)
    assert flags(catalog, "ncci.pair", services=(line, other)) == []
    (flag,) = flags(catalog, "ncci.pair", " ".join(NEVER))
    assert f"from {found.valid_from.isoformat()}" in flag.source
    assert "modifier indicator 0" in flag.source


def test_the_pair_that_a_visit_is_part_of_asks_for_25(catalog: Catalog) -> None:
    """Where a pair holds a visit, the modifier that resolves it is 25, not 59."""
    rules = rules_of(catalog)
    tables = rules.knowledge(None).tables
    for column_one in ("92012", "92014", "99291", "96360", "94002"):
        for visit in ("99202", "99213", "99221", "99231", "99282"):
            pair = catalog.procedures.ncci_pair(column_one, visit, DAY)
            if pair is None or not pair.modifier_allowed:
                continue
            (flag,) = flags(catalog, "ncci.modifier", f"{column_one} {visit}")
            assert f"add 25 to {visit}" in flag.message
            assert tables.is_visit(visit)
            assert flags(catalog, "ncci.modifier", f"{column_one} {visit}-25") == []
            return
    pytest.skip("no such pair in the installed tables")


def test_a_system_without_release_is_said_to_be_unchecked(catalog: Catalog) -> None:
    knowledge = replace(rules_of(catalog).knowledge(None), missing=frozenset(("CPT",)))
    case = Case(subject(catalog, "99213 00001 J1885"), knowledge)
    found = {rule.id: list(rule.flags(case)) for rule in BUILT_IN if rule.group == "Validity"}
    (flag,) = found["validity.no_release"]
    assert flag.codes == ("99213", "00001")
    assert "suggester codesets import" in flag.message
    assert found["validity.unknown"] == []


def test_a_code_of_another_release_says_which(catalog: Catalog) -> None:
    knowledge = rules_of(catalog).knowledge(None)
    other = Release(
        system="HCPCS",
        id="2025-01-01",
        valid_from=date(2025, 1, 1),
        valid_to=date(2025, 12, 31),
        source="test",
        reader="hcpcs-embedded",
    )
    held = replace(knowledge, elsewhere=lambda system, code: (other,) if code == "E9999" else ())
    case = Case(subject(catalog, "E9999 L9999"), held)
    one, two = BUILT_IN["validity.unknown"].flags(case)
    assert "it is in 2025-01-01 (2025-01-01 to 2025-12-31): check the service date" in one.message
    assert "look for the code that replaced it" in two.message


class _UnitTables:
    """Units with an adjudication indicator, as an imported table has them."""

    def __init__(self, indicator: str) -> None:
        self.indicator = indicator

    def unit_limit(self, code: str, day: date) -> UnitLimit:
        del day
        return UnitLimit(code=code, units=2, indicator=self.indicator, rationale="Clinical: Data")

    def medically_unlikely(self, code: str, day: date) -> int:
        return self.unit_limit(code, day).units


@pytest.mark.parametrize(("indicator", "raised"), [("1", 0), ("2", 1), ("3", 1)])
def test_units_count_by_line_or_by_day_as_the_table_says(
    catalog: Catalog, indicator: str, raised: int
) -> None:
    tables: Any = _UnitTables(indicator)
    knowledge = replace(rules_of(catalog).knowledge(None), procedures=tables, limits=tables)
    lines = Case(subject(catalog, "J1885x2 J1885x1"), knowledge)
    found = list(BUILT_IN["units.unlikely"].flags(lines))
    assert len(found) == raised
    one = Case(subject(catalog, "J1885x3"), knowledge)
    (flag,) = BUILT_IN["units.unlikely"].flags(one)
    assert f"adjudication indicator {indicator}, Clinical: Data" in flag.source
    assert ("on a line" in flag.message) is (indicator == "1")


def test_kinds_of_services(catalog: Catalog) -> None:
    tables = rules_of(catalog).knowledge(None).tables
    kinds = {
        "99213": "em_office",
        "99283": "em_emergency",
        "20610": "surgery",
        "71046": "radiology",
        "80053": "laboratory",
        "99152": "medicine",
        "J1885": "drug",
        "0001U": "",
        "0042T": "",
        "G9999": "",
    }
    assert {code: tables.kind(code) for code in kinds} == kinds


def test_pointers_that_lead_to_no_diagnosis_are_no_side(catalog: Catalog) -> None:
    line = Service(system="CPT", code="20610", modifiers=("LT",), pointers=(7,))
    assert flags(catalog, "modifier.side", diagnoses=(Diagnosis(code="M25.561"),), services=(line,)) == []
