"""Organisms beside infections, and diseases that were but looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_world import bench_of, code_of

from suggester.codesets import Catalog
from suggester.errors import LexiconError
from suggester.ranking.bench import Bench
from suggester.ranking.candidates import Method
from suggester.ranking.relations.looked_for import LookedFor
from suggester.ranking.relations.organisms import Organisms


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


def found(bench: Bench, text: str, method: Method | None = None) -> set[str]:
    return {
        code_of(bench, c)
        for c in bench.finder.find(bench.read(text), setting="inpatient")
        if method is None or any(s.method is method for s in c.supports)
    }


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Urinary tract infection with Proteus mirabilis.", {"B96.4"}),
        ("UTI, E. coli.", {"B96.20"}),
        ("Cellulitis of the leg. Cx grew MSSA.", {"B95.61"}),
        ("Vertebral osteomyelitis, Strep agalactiae.", {"B95.1"}),
        ("Bacteremia, S. epidermidis.", {"B95.7"}),
        ("S. aureus bacteremia. Blood cultures MRSA.", {"B95.62"}),
        ("LLL Pseudomonas pneumonia.", {"J15.1"}),
        ("Sepsis due to Klebsiella.", {"A41.59"}),
        ("Sepsis due to Serratia.", {"A41.53"}),
        ("Lymphocele of the right groin, infected by Serratia.", {"B96.89"}),
        ("No infection by Serratia.", set()),
        # an organism that is looked for, carried or of before; none without an infection
        ("UTI. MRSA screen negative.", set()),
        ("Cellulitis of the leg. Prior MRSA.", set()),
        ("Hypertension. Cx grew E. coli.", set()),
        ("No UTI. E. coli.", set()),
        (
            "Pneumonia resolved last year. Hypertension is the main matter of this visit. Headache. E. coli.",
            set(),
        ),
    ],
)
def test_the_organism_of_an_infection(bench: Bench, text: str, codes: set[str]) -> None:
    assert found(bench, text, Method.IMPLIED) == codes


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("Flu/COVID neg. RSV not done.", ("U07.1", "J10", "J11")),
        ("HIV, RPR sent.", ("B20", "A53")),
        ("Hep B immune.", ("B18", "B19", "B16")),
        ("Tetanus UTD.", ("A35",)),
        ("RSV vaccine today. Rabies immune globulin.", ("B97.4", "A82")),
        ("Wears hearing aids.", ("B20",)),
        ("Long COVID, fatigue.", ("U07.1",)),
        ("39 F flu-like symptoms.", ("J10", "J11")),
        ("LUE edema.", ("A53",)),
        ("Hep C screen.", ("B18.2", "B19.20")),
    ],
)
def test_a_disease_that_was_but_looked_for_is_none(bench: Bench, text: str, absent: tuple[str, ...]) -> None:
    assert not [code for code in found(bench, text) if code.startswith(absent)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("COVID test positive.", "U07.1"),
        ("Chronic hep C, RNA positive.", "B18.2"),
        ("HIV disease on antiretrovirals.", "B20"),
        ("AIDS.", "B20"),
        ("Influenza A.", "J10.1"),
        ("Hep C Ab + RNA +.", "B19.20"),
    ],
)
def test_a_disease_that_is_there_stays(bench: Bench, text: str, code: str) -> None:
    assert code in found(bench, text)


def test_wrong_rows_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "relations"
    folder.mkdir()
    (folder / "looked_for.tsv").write_text("kind\twords\nfoo\tbar\n", encoding="utf-8")
    with pytest.raises(LexiconError, match="kind foo"):
        LookedFor(folder=tmp_path)
    columns = "words\tcause\tpneumonia\tsepsis\tnewborn\tunless\n"
    (folder / "organisms.tsv").write_text(columns, encoding="utf-8")
    (folder / "organism_hosts.tsv").write_text("kind\tcodes\nfoo\tbar\n", encoding="utf-8")
    with pytest.raises(LexiconError, match="kind foo"):
        Organisms(folder=tmp_path)


def test_every_code_of_the_rows_is_in_the_code_set(catalog: Catalog) -> None:
    store = catalog.release_set()[0].icd10cm
    organisms = Organisms()
    for item in organisms.organisms:
        named = filter(None, (item.cause, item.pneumonia, item.sepsis, item.newborn))
        assert all(store.billable[store.row(code)] for code in named)
    prefixes = [code for codes in organisms.hosts.values() for code in codes]
    assert [code for code in (*prefixes, *LookedFor().codes) if not store.with_prefix(code)] == []
