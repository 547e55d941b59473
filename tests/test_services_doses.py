"""Doses as notes write them: units by volume, weight, number of times and sides; waste; administration."""

from __future__ import annotations

from pathlib import Path

import pytest

from suggester.config import Settings
from suggester.ranking.services.composing import Service, compose
from suggester.ranking.services.drug_units import at_dialysis, in_unit, row_for, unit_of
from suggester.ranking.services.given import drugs_given, wasted_units
from suggester.ranking.services.quantities import quantities
from suggester.ranking.services.scenes import Scene, note_stems
from suggester.suggest import Suggester, load
from suggester.types import Note, Setting

TABLES = Path(__file__).parents[1] / "eval" / "doses"


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Suggester:
    return load(settings.model_copy(update={"threshold": 0.0}))


def scene_of(engine: Suggester, text: str) -> Scene:
    bench, _ = engine.bench(None)
    return Scene(bench.read(text), text)


def composed(engine: Suggester, text: str, *, setting: Setting = "outpatient") -> dict[str, Service]:
    note = Note(id="n", text=text, setting=setting)
    return {item.code: item for item in compose(scene_of(engine, text), note)}


@pytest.mark.parametrize(
    ("text", "code", "units"),
    [
        ("Ketorolac 30mg/mL 2 mL IM administered.", "J1885", 4),
        ("Injected 1 cc of Kenalog 40 and 4 cc of 1% lidocaine into the shoulder.", "J3301", 4),
        ("The knee was injected with 2 mL of Kenalog-40 and 6 mL marcaine.", "J3301", 8),
        ("Both knees injected today: 1 mL (40 mg/mL) triamcinolone per knee.", "J3301", 8),
        ("Bilateral bursae injected, each with 40 mg methylprednisolone acetate.", "J1010", 80),
        ("Celestone 2 mL injected into the shoulder.", "J0702", 2),
        ("Epinephrine: epi 0.3 mL of 1:1000 IM given.", "J0165", 3),
        ("Remicade 5 mg/kg infused, weight 80 kg.", "J1745", 40),
        ("Weight 176 lb. Remicade 5 mg/kg infused.", "J1745", 40),
        ("Methotrexate 50 mg/m2 IM given (BSA 1.7).", "J9260", 2),
        ("infliximab 5 mg/kg (wt 82 kg) = 410 mg IV infused", "J1745", 41),
        ("Two vials of 100 mg Venofer infused IV.", "J1756", 200),
        ("Zofran 4mg IV x 2 doses given.", "J2405", 8),
        ("Cimzia 400 mg SC given (2 x 200 mg).", "J0717", 400),
        ("Faslodex 500 mg IM given, 250 mg each buttock.", "J9395", 20),
        ("Evenity 210 mg SC given (two syringes of 105 mg).", "J3111", 210),
        ("Adenosine 6 mg IV push then 12 mg IV push given.", "J0153", 18),
        ("Toradol 60 IM given.", "J1885", 4),
        ("EPO 10k units SC given.", "J0885", 10),
        ("Bicillin LA 1.2 MU IM administered.", "J0561", 12),
        ("Lupron 22.5 mg IM given.", "J9217", 3),
        ("Lupron Depot 11.25 mg IM given.", "J1950", 3),
        ("Bilateral knees injected with Euflexxa today.", "J7323", 2),
        ("Lucentis 0.5 mg OU injected.", "J2778", 10),
        ("Synvisc-One injected into the right knee.", "J7325", 48),
        ("Decadron 8 mg p.o. given in clinic.", "J8540", 32),
        ("Dexamethasone .5 mg IV given.", "J1100", 1),
        ("Albuterol 2.5mg/3mL neb given.", "J7613", 3),
        ("Drug: Kenalog injected\nDose: 40 mg\n", "J3301", 4),
        ("Botox 200 unit vial. After consent 155 units placed in 31 sites.", "J0585", 155),
        ("Faricimab 6 mg intravitreal injected, 30 g needle.", "J2777", 60),
        ("LR 2000 mL IV 0900-1130.", "J7120", 2),
        ("0915 morphine 4 mg IV push given\n1100 morphine 8 mg IV push given", "J2270", 2),
        ("Rest: 10 mCi Tc-99m sestamibi IV.\nStress: 30 mCi Tc-99m sestamibi IV.", "A9500", 2),
        ("Hemodialysis today. Aranesp 60 mcg IV given.", "J0882", 60),
        ("Mother on hemodialysis. Aranesp 60 mcg SC given.", "J0881", 60),
    ],
)
def test_the_dose_is_reckoned(engine: Suggester, text: str, code: str, units: int) -> None:
    assert composed(engine, text)[code].units == units


@pytest.mark.parametrize("table", ["phrases_1.tsv", "phrases_2.tsv"])
def test_phrases_of_the_tables_keep_their_units(engine: Suggester, table: str) -> None:
    rows = [row.split("\t") for row in (TABLES / table).read_text("utf-8").splitlines()[1:]]
    assert len(rows) > 150
    wrong = [
        row[0]
        for row in rows
        if (found := composed(engine, row[0]).get(row[1])) is None or found.units != int(row[2])
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Mixed with 3 mL of saline and flushed.", "J7050"),
        ("Lidocaine with epi 2 mL used.", "J0165"),
        ("Bystander gave intranasal naloxone 4 mg.", "J2312"),
        ("Ibuprofen 800 mg given.", "J1741"),
        ("Humira 40 mg SC every 2 weeks.", "J0139"),
        ("Will give Toradol 60 mg IM if pain returns.", "J1885"),
        ("Family history: brother takes ceftriaxone 1 g IM.", "J0696"),
    ],
)
def test_what_was_not_given_is_not_reckoned(engine: Suggester, text: str, code: str) -> None:
    assert code not in composed(engine, text)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Remicade 400 mg IV infused over 2 hours.", {"96413": 1, "96415": 1}),
        ("Fulvestrant 500 mg IM given. Ketorolac 60 mg IM given.", {"96402": 1, "96372": 1}),
        ("TREATMENT: Morphine 4 mg IV; ondansetron 4 mg IV; ketorolac 30 mg IV.", {"96374": 1, "96375": 2}),
        ("NS 1 L IV infused over 2 hours.", {"96360": 1, "96361": 1}),
    ],
)
def test_administration_has_its_rank_and_units(engine: Suggester, text: str, codes: dict[str, int]) -> None:
    found = composed(engine, text)
    assert {code: found[code].units for code in codes if code in found} == codes


@pytest.mark.parametrize(
    "text", ["100 mL Omnipaque 350 IV given over 30 min.", "Midazolam 2 mg IV push given."]
)
def test_contrast_and_sedation_have_no_administration(engine: Suggester, text: str) -> None:
    assert not {"96365", "96374"} & composed(engine, text).keys()


@pytest.mark.parametrize(
    ("text", "code", "given", "wasted"),
    [
        ("Botox 155 units injected, 45 units discarded.", "J0585", 155, 45),
        ("Bortezomib 2.5 mg SC given; 1 mg wasted from 3.5 mg vial.", "J9041", 25, 10),
        ("Infliximab 405 mg IV given, 5 mg wasted.", "J1745", 41, 0),
        ("Botox 200 unit vial, 155 units injected, rest wasted.", "J0585", 155, 45),
        ("Toradol 60 mg IM given, wasted none.", "J1885", 4, None),
        ("Toradol given.", "99213", 4, None),
    ],
)
def test_units_wasted(engine: Suggester, text: str, code: str, given: int, wasted: int | None) -> None:
    scene = scene_of(engine, text)
    assert wasted_units(scene, scene.sentences[0], code, given) == wasted


def test_the_reason_for_jw_names_the_units(engine: Suggester) -> None:
    text = "Botox 155 units injected, 45 units discarded from a single-use vial."
    result = engine.suggest(Note(id="n", text=text, setting="outpatient"))
    item = next(i for i in result.suggestions if i.code.code == "J0585")
    assert any(m.modifier == "JW" and "45 units" in m.reason for m in item.modifiers)


def test_a_drug_with_its_dose_lowers_others_of_its_name(engine: Suggester) -> None:
    result = engine.suggest(Note(id="n", text="Neulasta 6 mg SC given today.", setting="outpatient"))
    found = {i.code.code: i.confidence for i in result.suggestions}
    assert max(c for code, c in found.items() if code[0] == "Q") < found["J2506"] / 2


def test_quantities_of_words() -> None:
    stems = note_stems("5 mg/kg 2.5mg/3mL 22 g needle 10k units 1 per 2")
    numbers = tuple((i, float(s)) for i, s in enumerate(stems) if s.replace(".", "").isdigit())
    found = [(q.value, q.unit, q.per, q.of) for q in quantities(stems, numbers)]
    assert found == [(5, "mg", "kg", 1), (2.5, "mg", "ml", 3), (10000, "unit", "", 1)]


def test_units_of_codes(engine: Suggester) -> None:
    ketorolac = unit_of("J1885")
    assert ketorolac is not None
    assert (ketorolac.amount, ketorolac.unit) == (15, "mg")
    assert unit_of("99213") is None
    assert in_unit(1, "g", "mg") == 1000
    assert in_unit(1, "l", "ml") == 1000
    assert in_unit(1, "mg", "units") is None
    assert row_for((ketorolac,), 60, "mg", "PO") is None
    scene = scene_of(engine, "Not on dialysis. ESRD.")
    epoetin = unit_of("J0885")
    assert epoetin is not None
    assert at_dialysis(scene, epoetin) is epoetin


def test_drugs_given_have_their_words(engine: Suggester) -> None:
    text = "Dexamethasone 10 mg + ondansetron 8 mg in 50 mL NS IVPB 0915 0935."
    given = list(drugs_given(scene_of(engine, text)))
    assert [(item.code, item.units) for item in given] == [("J1100", 10), ("J2405", 8)]
    for item in given:
        span = item.evidence.span
        assert text[span.start : span.end] == item.evidence.quote
