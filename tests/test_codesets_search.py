from __future__ import annotations

from datetime import date

import pytest

from suggester.codesets import Catalog
from suggester.errors import NoReleaseError
from suggester.types import SYSTEMS, System

QUERIES: list[tuple[str, System, str, int]] = [
    ("heart attack", "ICD-10-CM", "I21.9", 1),
    ("heart atack", "ICD-10-CM", "I21.9", 1),
    ("broken hip", "ICD-10-CM", "S72.00", 5),
    ("high cholesterol", "ICD-10-CM", "E78.00", 5),
    ("high blood pressure", "ICD-10-CM", "I10", 1),
    ("sugar diabetes", "ICD-10-CM", "E11.9", 1),
    ("diabetis", "ICD-10-CM", "E11.9", 1),
    ("type 2 diabetes", "ICD-10-CM", "E11.9", 1),
    ("diabetes type ii", "ICD-10-CM", "E11.9", 5),
    ("t2dm", "ICD-10-CM", "E11.9", 5),
    ("pnuemonia", "ICD-10-CM", "J18.9", 1),
    ("neumonia", "ICD-10-CM", "J18.9", 5),
    ("pneumonia", "ICD-10-CM", "J18.9", 1),
    ("knee pain", "ICD-10-CM", "M25.56", 5),
    ("right knee pain", "ICD-10-CM", "M25.561", 1),
    ("pain in left shoulder", "ICD-10-CM", "M25.512", 1),
    ("sepsis", "ICD-10-CM", "A41.9", 1),
    ("stroke", "ICD-10-CM", "I63.9", 5),
    ("uti", "ICD-10-CM", "N39.0", 1),
    ("bladder infection", "ICD-10-CM", "N30.90", 5),
    ("copd", "ICD-10-CM", "J44.9", 1),
    ("copd exacerbation", "ICD-10-CM", "J44.1", 1),
    ("asthma", "ICD-10-CM", "J45.909", 5),
    ("chest pain", "ICD-10-CM", "R07.9", 5),
    ("shortness of breath", "ICD-10-CM", "R06.02", 1),
    ("headache", "ICD-10-CM", "R51.9", 5),
    ("migraine", "ICD-10-CM", "G43.909", 5),
    ("low back pain", "ICD-10-CM", "M54.50", 5),
    ("a fib", "ICD-10-CM", "I48.91", 5),
    ("atrial fibrilation", "ICD-10-CM", "I48.91", 5),
    ("chf", "ICD-10-CM", "I50.9", 5),
    ("kidney stone", "ICD-10-CM", "N20.0", 5),
    ("chronic kidney disease stage 3", "ICD-10-CM", "N18.30", 5),
    ("acid reflux", "ICD-10-CM", "K21.9", 5),
    ("gerd", "ICD-10-CM", "K21.9", 1),
    ("depression", "ICD-10-CM", "F32.A", 5),
    ("anxiety", "ICD-10-CM", "F41.9", 5),
    ("obesity", "ICD-10-CM", "E66.9", 5),
    ("hypothyroidism", "ICD-10-CM", "E03.9", 1),
    ("hypothyrodism", "ICD-10-CM", "E03.9", 5),
    ("appendicitis", "ICD-10-CM", "K37", 1),
    ("anemia", "ICD-10-CM", "D64.9", 1),
    ("iron deficiency anemia", "ICD-10-CM", "D50.9", 1),
    ("breast cancer", "ICD-10-CM", "C50.919", 5),
    ("ear infection", "ICD-10-CM", "H66.90", 5),
    ("strep throat", "ICD-10-CM", "J02.0", 1),
    ("pink eye", "ICD-10-CM", "H10.9", 5),
    ("flu", "ICD-10-CM", "J11.1", 5),
    ("covid", "ICD-10-CM", "U07.1", 5),
    ("dog bite", "ICD-10-CM", "W54.0XXA", 1),
    ("fall from ladder", "ICD-10-CM", "W11.XXXA", 5),
    ("pressure ulcer of sacrum stage 2", "ICD-10-CM", "L89.152", 1),
    ("hypertens", "ICD-10-CM", "I10", 5),
    ("e119", "ICD-10-CM", "E11.9", 1),
    ("M25.56", "ICD-10-CM", "M25.56", 1),
    ("walker", "HCPCS", "E0130", 5),
    ("folding walker with wheels", "HCPCS", "E0143", 5),
    ("standard wheelchair", "HCPCS", "K0001", 1),
    ("cpap", "HCPCS", "E0601", 5),
    ("ketorolac injection", "HCPCS", "J1885", 1),
    ("toradol", "HCPCS", "J1885", 5),
    ("oxygen concentrator", "HCPCS", "E1390", 5),
    ("blood glucose test strips", "HCPCS", "A4253", 5),
    ("nebulizer", "HCPCS", "E0570", 5),
    ("J188", "HCPCS", "J1885", 5),
    ("metformin", "ICD-10-CM", "Z79.84", 5),
    ("colonoscopy with biopsy", "CPT", "45380", 5),
    ("chest x-ray two views", "CPT", "71046", 5),
    ("ekg", "CPT", "93000", 5),
    ("knee replacement", "CPT", "27447", 5),
    ("flu shot", "CPT", "90471", 5),
    ("complete blood count", "CPT", "85025", 5),
    ("9921", "CPT", "99213", 5),
]
"""Query, system and code that a coder expects, and the place it must reach among hits of all systems."""


@pytest.mark.parametrize(("query", "system", "code", "place"), QUERIES, ids=[row[0] for row in QUERIES])
def test_query_finds_what_a_coder_expects(
    catalog: Catalog, query: str, system: System, code: str, place: int
) -> None:
    hits = [(hit.code.system, hit.code.code) for hit in catalog.search(query, limit=place)]
    assert (system, code) in hits


def test_the_table_is_large_and_spans_the_systems() -> None:
    assert len(QUERIES) >= 60
    assert {system for _, system, _, _ in QUERIES} == set(SYSTEMS)
    assert all(place <= 5 for *_, place in QUERIES)


def test_hits_are_sorted_unique_and_repeat(catalog: Catalog) -> None:
    for query in ("fracture", "diabetes type 2 with neuropathy", "E11", "knee"):
        hits = catalog.search(query, limit=50)
        scores = [round(hit.score, 6) for hit in hits]
        assert scores == sorted(scores, reverse=True)
        assert all(0 < score <= 1 for score in scores)
        assert len({(hit.code.system, hit.code.code) for hit in hits}) == len(hits)
        assert catalog.search(query, limit=50) == hits
        assert catalog.search(query, limit=5) == hits[:5]


def test_hits_say_what_matched(catalog: Catalog) -> None:
    first = catalog.search("sugar diabetes")[0]
    assert first.code.code == "E11.9"
    assert "diabetes" in first.matched
    assert catalog.search("E11.9")[0].matched == "E11.9"


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("E11", ["E11", "E11.0", "E11.1"]),
        ("e11.6", ["E11.6", "E11.61", "E11.62"]),
        ("E116", ["E11.6", "E11.61", "E11.62"]),
        ("E11.", ["E11", "E11.0"]),
        ("m2556", ["M25.56", "M25.561", "M25.562", "M25.569"]),
        ("S72001A", ["S72.001A"]),
        ("QA0", ["QA0"]),
    ],
)
def test_beginning_of_a_code(catalog: Catalog, typed: str, first: list[str]) -> None:
    assert [hit.code.code for hit in catalog.search(typed, system="ICD-10-CM")][: len(first)] == first


def test_beginning_of_a_code_in_every_system(catalog: Catalog) -> None:
    assert {hit.code.system for hit in catalog.search("E11", limit=200)} == {"ICD-10-CM", "HCPCS"}
    assert catalog.search("J18", system="HCPCS")[0].code.code.startswith("J18")
    assert [hit.code.code for hit in catalog.search("9921", limit=3)] == ["99211", "99212", "99213"]


def test_side_in_the_query_chooses_the_side(catalog: Catalog) -> None:
    assert catalog.search("left knee pain")[0].code.code == "M25.562"
    assert catalog.search("pain in right hip")[0].code.code == "M25.551"
    assert catalog.search("fracture of left wrist")[0].code.code == "S62.102A"
    codes = [hit.code.code for hit in catalog.search("knee pain", limit=4)]
    assert codes == ["M25.56", "M25.561", "M25.562", "M25.569"], (
        "the category of a family by side comes first"
    )


def test_default_code_comes_before_its_category(catalog: Catalog) -> None:
    for query, code, category in (
        ("type 2 diabetes", "E11.9", "E11"),
        ("migraine", "G43.909", "G43"),
        ("asthma", "J45.909", "J45"),
        ("heart failure", "I50.9", "I50"),
    ):
        codes = [hit.code.code for hit in catalog.search(query, limit=60)]
        assert codes[0] == code
        assert codes.index(code) < codes.index(category)


@pytest.mark.parametrize(
    "query",
    [
        "",
        " ",
        "of the",
        "zzzqqq xxyyzz",
        "\x00",
        "????",
        "-",
        "'",
        "unspecified",
        "right",
        "💊",
        "E99.999",
    ],
)
def test_nothing_to_find_is_no_error(catalog: Catalog, query: str) -> None:
    assert catalog.search(query) == []


@pytest.mark.parametrize("query", ["pain " * 5000, " ".join(f"knee{i}" for i in range(5000)), "a" * 100_000])
def test_absurd_query_is_answered(catalog: Catalog, query: str) -> None:
    assert isinstance(catalog.search(query), list)


def test_one_system_only(catalog: Catalog) -> None:
    for system in SYSTEMS:
        hits = catalog.search("knee", system=system)
        assert hits
        assert {hit.code.system for hit in hits} == {system}


def test_search_on_a_day(catalog: Catalog) -> None:
    hits = catalog.search("ketorolac injection", on=date(2026, 5, 1))
    assert hits[0].code.release == "2026-04-01"
    with pytest.raises(NoReleaseError, match="ICD-10-CM"):
        catalog.search("sepsis", on=date(2019, 1, 1))
    with pytest.raises(NoReleaseError, match="CPT"):
        catalog.search("office visit", system="CPT", on=date(2019, 1, 1))
