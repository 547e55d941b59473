from __future__ import annotations

from datetime import date

import pytest

from suggester.codesets import Catalog
from suggester.errors import NoReleaseError, UnknownCodeError
from suggester.types import System

APRIL = date(2026, 4, 1)
FEBRUARY = date(2026, 2, 1)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("E11.9", "E11.9"),
        ("E119", "E11.9"),
        ("e119", "E11.9"),
        ("  e11.9 ", "E11.9"),
        ("E11", "E11"),
        ("e11", "E11"),
        ("S72001A", "S72.001A"),
        ("w540xxa", "W54.0XXA"),
        ("Chapter 4", "Chapter 4"),
        ("chapter  4", "Chapter 4"),
        ("Block E08-E13", "Block E08-E13"),
        ("e08-e13", "Block E08-E13"),
    ],
)
def test_look_up_takes_a_code_as_it_is_typed(catalog: Catalog, typed: str, code: str) -> None:
    assert catalog.lookup("ICD-10-CM", typed).code == code


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "E11.99",
        "E",
        "Z",
        "999",
        "E11.9\0",
        "E11.9é",
        "É11.9",
        "E11.9" * 50,
        "Block",
        "4",
        "Chapter 99",
    ],
)
def test_unknown_code_names_system_and_release(catalog: Catalog, typed: str) -> None:
    with pytest.raises(UnknownCodeError, match=r"^ICD-10-CM release 2026-04-01 has no code"):
        catalog.lookup("ICD-10-CM", typed)


def test_look_up_gives_the_whole_value(catalog: Catalog) -> None:
    code = catalog.lookup("ICD-10-CM", "E11.9", APRIL)
    assert code.display == "Type 2 diabetes mellitus without complications"
    assert code.billable
    assert (code.valid_from, code.valid_to, code.release) == (APRIL, date(2026, 9, 30), "2026-04-01")
    category = catalog.lookup("ICD-10-CM", "E11", APRIL)
    assert not category.billable
    assert catalog.lookup("CPT", "99213", APRIL).billable
    assert catalog.lookup("HCPCS", "j1885", APRIL).code == "J1885"


@pytest.mark.parametrize(
    ("system", "day"),
    [
        ("ICD-10-CM", date(2026, 3, 31)),
        ("ICD-10-CM", date(2026, 10, 1)),
        ("CPT", date(2026, 3, 31)),
        ("HCPCS", date(2025, 12, 31)),
        ("HCPCS", date(2027, 1, 1)),
    ],
)
def test_day_without_release_names_the_command(catalog: Catalog, system: System, day: date) -> None:
    if any(release.reader == "icd10cm-imported" for release in catalog.releases):
        pytest.skip("a release was imported into the store folder in use")
    with pytest.raises(NoReleaseError, match="suggester codesets import"):
        catalog.lookup(system, "E11.9", day)


def test_quarters_stand_side_by_side(catalog: Catalog) -> None:
    january = set(catalog.store("HCPCS", FEBRUARY).codes)
    april = set(catalog.store("HCPCS", APRIL).codes)
    assert january != april
    ended, begun = min(january - april), min(april - january)
    assert catalog.lookup("HCPCS", ended, FEBRUARY).release == "2026-01-01"
    assert catalog.lookup("HCPCS", begun, APRIL).release == "2026-04-01"
    with pytest.raises(UnknownCodeError):
        catalog.lookup("HCPCS", ended, APRIL)
    with pytest.raises(UnknownCodeError):
        catalog.lookup("HCPCS", begun, FEBRUARY)


def test_code_approved_within_a_quarter_is_not_valid_before(catalog: Catalog) -> None:
    assert catalog.lookup("HCPCS", "C9818", date(2026, 1, 23)).code == "C9818"
    with pytest.raises(UnknownCodeError, match="not valid before 2026-01-23"):
        catalog.lookup("HCPCS", "C9818", date(2026, 1, 22))


def test_every_code_is_valid_on_the_first_day_of_its_release_or_says_when(catalog: Catalog) -> None:
    for release in catalog.releases:
        store = catalog.store(release.system, release.valid_from)
        late = [row for row in range(len(store)) if store.valid_from[row] > release.valid_from.toordinal()]
        assert len(late) < 10, release
        for row in late:
            with pytest.raises(UnknownCodeError, match="not valid before"):
                catalog.lookup(release.system, store.codes[row], release.valid_from)


def test_children_are_in_tabular_order(catalog: Catalog) -> None:
    assert [code.code for code in catalog.children("ICD-10-CM", "M25.56")] == [
        "M25.561",
        "M25.562",
        "M25.569",
    ]
    assert [code.code for code in catalog.children("ICD-10-CM", "W54.0")] == [
        "W54.0XXA",
        "W54.0XXD",
        "W54.0XXS",
    ]
    assert catalog.children("ICD-10-CM", "E11.9") == []
    assert catalog.children("HCPCS", "J1885") == []
    blocks = [code.code for code in catalog.children("ICD-10-CM", "Chapter 4")]
    assert blocks[:2] == ["Block E00-E07", "Block E08-E13"]


def test_ancestors_are_nearest_first(catalog: Catalog) -> None:
    assert [code.code for code in catalog.ancestors("ICD-10-CM", "T20.00XA")] == [
        "T20.00",
        "T20.0",
        "T20",
        "Block T20-T25",
        "Block T20-T32",
        "Block T07-T88",
        "Chapter 19",
    ]
    assert catalog.ancestors("CPT", "99213") == []


def test_notes_are_inherited_and_name_their_owner(catalog: Catalog) -> None:
    notes = catalog.notes("ICD-10-CM", "E11.65")
    assert "E11" in {owner for owner, _ in notes["excludes1"]}
    assert catalog.notes("HCPCS", "J1885") == {}


def test_release_set_for_a_day(catalog: Catalog) -> None:
    chosen, missing = catalog.release_set(date(2026, 5, 1))
    assert [release.id for release in chosen.releases] == ["2026-04-01"] * 3
    assert missing == ()
    assert chosen.store("CPT") is chosen.cpt
    assert catalog.release_set(date(2026, 6, 1))[0] is chosen, "opened once"
    with pytest.raises(NoReleaseError, match="ICD-10-CM"):
        catalog.release_set(date(2020, 1, 1))


def test_store_prefix(catalog: Catalog) -> None:
    store = catalog.store("ICD-10-CM")
    codes = [store.codes[row] for row in store.with_prefix("e115")]
    assert codes == ["E11.5", "E11.51", "E11.52", "E11.59"]
    assert [store.codes[row] for row in store.with_prefix("E11.5")] == codes
    assert store.codes[store.with_prefix("E11.")[0]] == "E11"
    assert all(store.codes[row][0] == "C" and " " not in store.codes[row] for row in store.with_prefix("c"))
    assert store.with_prefix("E11.9é") == []
    assert store.with_prefix("nothing") == []
