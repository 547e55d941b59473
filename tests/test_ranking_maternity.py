"""Pregnancy, delivery, puerperium and newborn: which codes a note of each brings up, and which it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_world import bench_of, code_of

from suggester.codesets import Catalog
from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.errors import LexiconError
from suggester.ranking.bench import Bench
from suggester.ranking.perinatal import Perinatal
from suggester.ranking.relations.births import (
    Births,
    code_of_birth_weeks,
    code_of_birth_weight,
)
from suggester.ranking.relations.maternity import Maternity
from suggester.ranking.relations.weights import grams_at, pounds_at
from suggester.ranking.values import percentile_of_body_mass
from suggester.types import Setting

_BETWEEN = """Reproductive psychiatry, video visit, patient at home, seen for thirty eight minutes today.
35-year-old attorney, 16 weeks pregnant. Pregnancy planned. Postpartum plan later."""


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


def find(bench: Bench, text: str, setting: Setting | None = "inpatient") -> set[str]:
    return {code_of(bench, c) for c in bench.finder.find(bench.read(text), setting=setting)}


@pytest.mark.parametrize(
    ("text", "stage", "weeks"),
    [
        ("62 M, knee OA. F/u 12wk.", "none", None),
        ("58 y/o woman, type 2 diabetes, hypothyroid. RTC 12 wks.", "none", None),
        ("29F pregnancy test negative. UTI. Recheck 4wk.", "none", None),
        ("51F, history of gestational diabetes. Recheck in 12 weeks.", "none", None),
        ("30F wants to get pregnant. Return 8 weeks.", "none", None),
        ("Family planning. 22F G0, depo on time (12w2d).", "none", None),
        ("7-month-old, prenatal scans normal. Recheck 6wk.", "none", None),
        ("30F G2P1 at 28w3d by LMP. Growth US 32 wks, delivery at 39w0d. F/u 2 wk.", "pregnancy", 28),
        ("Prenatal visit, 16 weeks 2 days. Loss at 18 weeks in 2024. Hypothyroid.", "pregnancy", 16),
        ("IUP 9w2d. Nausea.", "pregnancy", 9),
        ("MFM. 31F di/di twins, 31w4d, NST reactive, pnv. PPROM delivery 33w 2023.", "pregnancy", 31),
        ("28F pregnant, 29 weeks and 3 days at discharge (28w1d on arrival).", "pregnancy", 28),
        ("Postpartum visit, 6 weeks. Delivered at 38w, breastfeeding.", "puerperium", None),
        (_BETWEEN, "pregnancy", 16),
        ("35F, 7 mo postpartum. Palpitations.", "none", None),
        ("68F. Hypertension. DVT 1989 postpartum. GERD.", "none", None),
        ("G1P0 39w1d in labor, pregnancy with GBS. SVD. Male 3,710 g Apgar 7/9. EBL 300.", "childbirth", 39),
        ("Newborn discharge. Baby girl born at 36w3d, mother 31F G2.", "newborn", 36),
        ("NICU, DOL 19. Born by cesarean at 28 5/7 weeks, BW 1,080 g.", "newborn", 28),
        ("Newborn visit, 6 days. Mother well. Hip US at 6 wks.", "newborn", None),
        ("Baby girl, born by section at 31 weeks 5 days to a 36-year-old mother.", "newborn", None),
        ("Boy born to a 30-year-old mother, now a 4-month-old.", "none", None),
        ("4-year-old boy, mother 31. Born at 27 weeks.", "none", None),
        ("Delivery note. Live baby girl, 7 lb 4 oz, intact perineum. Placenta complete.", "childbirth", None),
        ("28F G1P0 at 40w1d. Delivered a viable female over a second degree tear.", "childbirth", 40),
    ],
)
def test_the_stage_of_a_note(bench: Bench, text: str, stage: str, weeks: int | None) -> None:
    found = Maternity().of(bench.read(text), "inpatient")
    assert (found.name, found.weeks) == (stage, weeks)


@pytest.mark.parametrize(
    "text",
    [
        "62 M type 2 diabetes, hypothyroidism. F/u 12wk.",
        "71F asthma, depression, obesity. Recheck labs 4wk.",
        "Newborn, DOL 2, mother 30F G1 with gestational diabetes at 36w1d.",
    ],
)
def test_no_code_of_pregnancy_without_a_pregnancy(bench: Bench, text: str) -> None:
    assert not [c for c in find(bench, text) if c.startswith(("O", "Z3A", "Z34", "Z37"))]


_BIRTH = " SVD. Viable male infant 3,450 g, Apgars 8 and 9. Placenta delivered, EBL 300."


@pytest.mark.parametrize(
    ("said", "codes", "absent"),
    [
        ("gestational diabetes, diet controlled", {"O24.420"}, {"O24.410"}),
        ("GBS positive, group B strep carrier", {"O99.824"}, {"O99.820"}),
        ("preexisting essential hypertension complicating pregnancy", {"O10.02"}, {"O10.013"}),
        ("HELLP syndrome", {"O14.24"}, {"O14.23"}),
        ("postpartum hemorrhage and normal delivery", {"O72.1"}, {"O80"}),
        ("oligohydramnios", {"O41.03X0"}, set()),
        ("38F", {"O09.523"}, {"O09.529"}),
    ],
)
def test_a_delivery_takes_the_codes_of_childbirth(
    bench: Bench, said: str, codes: set[str], absent: set[str]
) -> None:
    found = find(bench, f"G2P1 at 39w2d pregnant, in labor, {said}." + _BIRTH)
    assert codes | {"Z37.0", "Z3A.39"} <= found
    assert not absent & found


def test_the_outcome_is_of_this_birth(bench: Bench) -> None:
    past = "Prenatal visit, G2P1 at 20w1d. 2019 SVD boy 3,200 g. Fetal heart tones normal."
    assert not [c for c in find(bench, past, "outpatient") if c.startswith("Z37")]
    twins = "36w1d twin pregnancy, cesarean. Twin A girl 2,300 g Apgar 8/9. Twin B boy 2,250 g Apgar 7/9."
    assert "Z37.2" in find(bench, twins)
    lost = "38w0d pregnancy, IUFD, induced, SVD of stillborn female 2,900 g, Apgar 0. Placenta out."
    assert "Z37.1" in find(bench, lost)


@pytest.mark.parametrize(
    ("text", "codes", "absent"),
    [
        ("39-year-old G4P3, prenatal visit, 12w4d by LMP.", {"O09.521"}, {"O48.0"}),
        ("37F gravida 1, prenatal visit, 30w1d.", {"O09.513"}, set()),
        ("28F G2P1, prenatal visit, 40w0d.", set(), {"O48.0", "O09.523"}),
        ("28F G2P1, prenatal visit, 40 weeks and 4 days.", {"O48.0"}, {"O09.523"}),
        ("28F G2P1, prenatal visit, 40 2/7 weeks.", {"O48.0"}, set()),
        ("28F G2P1, prenatal visit, 41w0d.", {"O48.0"}, set()),
        ("28F G2P1 at 28w0d pregnant, restrained driver in a motor vehicle collision.", {"O9A.213"}, set()),
    ],
)
def test_age_term_and_injury_of_the_mother(
    bench: Bench, text: str, codes: set[str], absent: set[str]
) -> None:
    found = find(bench, text, "outpatient")
    assert codes <= found
    assert not absent & found


def test_the_weeks_after_take_the_codes_of_the_puerperium(bench: Bench) -> None:
    found = find(
        bench, "Postpartum visit, routine postpartum follow-up. Obesity, BMI 38. Anemia.", "outpatient"
    )
    assert {"O99.215", "O99.03"} <= found
    assert not {"O99.210", "O99.019"} & found


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Prenatal visit 24w1d. Lupus.", {"O99.891"}),
        ("Prenatal visit 24w1d. Bacterial vaginosis.", {"O23.592"}),
        ("Prenatal visit 24w1d. Migraine.", {"O99.352"}),
        ("Prenatal visit 10w1d. Vitamin B12 deficiency.", {"O99.281"}),
        ("Prenatal visit 30w1d. Hepatitis C, chronic.", {"O98.413"}),
    ],
)
def test_a_disease_complicates_pregnancy_by_trimester(bench: Bench, text: str, codes: set[str]) -> None:
    assert codes <= find(bench, text, "outpatient")


@pytest.mark.parametrize(
    ("text", "codes", "absent"),
    [
        (
            "Newborn. Girl born at 36w4d by vaginal delivery in this hospital, BW 2,410 g.",
            {"P07.39", "P07.18", "Z38.00"},
            set(),
        ),
        (
            "Newborn boy. SGA (8%), 2,190 g, 37w4d, cesarean. Mother on methadone.",
            {"P05.18", "P04.14", "Z38.01"},
            {"P07.18"},
        ),
        ("Newborn boy, LGA, 4,210 g. IDM (GDM).", {"P08.1", "P70.0"}, set()),
        ("Newborn girl, infant of a diabetic mother, 4610 g.", {"P08.0", "P70.1"}, set()),
        ("Newborn. Mother smoker, UDS no cocaine. 3200 g, 39w0d.", {"P04.2"}, {"P04.41", "P07.39"}),
        (
            "NICU transfer from outside hospital, DOL 1, cesarean 27w0d, 920 g.",
            {"P07.03", "P07.26"},
            {"Z38.01"},
        ),
        ("Newborn girl twin B, vaginal birth, 1.9 kg. LGA? no.", {"Z38.30", "P07.17"}, set()),
    ],
)
def test_the_newborn(bench: Bench, text: str, codes: set[str], absent: set[str]) -> None:
    found = find(bench, text)
    assert codes <= found
    assert not absent & found


def test_codes_of_newborns_that_the_words_name_in_part_are_left_to_newborns(bench: Bench) -> None:
    assert not [code for code in find(bench, "Fracture of the right clavicle.") if code[0] == "P"]
    assert "P13.4" in find(bench, "Newborn boy, 3,400 g, 39w2d. Fracture of the right clavicle.")


def test_weights_and_weeks() -> None:
    assert [code_of_birth_weight(g) for g in (499, 999, 1000, 2499, 2500)] == [
        "P07.01",
        "P07.03",
        "P07.14",
        "P07.18",
        None,
    ]
    assert [code_of_birth_weeks(w) for w in (22, 23, 28, 37, 41, 43)] == [
        "P07.21",
        "P07.22",
        "P07.31",
        None,
        "P08.21",
        "P08.22",
    ]
    assert grams_at(["1.8", "kg"], 0) == 1800
    assert grams_at(["1.8.1", "kg"], 0) is None
    assert grams_at(["12", "mg"], 0) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("8 yo boy. BMI 26.4 (97%ile).", "Z68.54"),
        ("8 yo boy. BMI 90th percentile.", "Z68.53"),
        ("8 yo boy. BMI 3rd percentile.", "Z68.51"),
        ("8 yo boy. BMI 50th percentile.", None),
        ("Teen. BMI 22.9, 90th percentile.", "Z68.53"),
        ("8 yo. BMI 19.0 (97%).", "Z68.54"),
        ("8 yo. BMI 15.9 3%ile.", "Z68.51"),
        ("8 yo. BMI 18.9 = 97th %ile (104% of the 95th).", "Z68.54"),
        ("Obesity, 137% of the 95th percentile.", "Z68.55"),
        ("BMI 29.9 (146% of the 95th percentile).", "Z68.56"),
        ("BMI 26.1, 94th percentile.", "Z68.53"),
        ("48 yo man. BMI 26.4 (97%ile).", None),
    ],
)
def test_body_mass_of_a_child_is_coded_by_percentile(bench: Bench, text: str, code: str | None) -> None:
    found = {c for c in find(bench, text) if c.startswith("Z68.5")}
    assert code in found if code else not found
    assert percentile_of_body_mass(["bmi", "26"], child=True) is None


def test_wrong_rows_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "relations"
    folder.mkdir()
    (folder / "obstetric_words.tsv").write_text("kind\twords\nfoo\tbar\n", encoding="utf-8")
    with pytest.raises(LexiconError, match="kind foo"):
        Maternity(folder=tmp_path)
    (folder / "newborn_words.tsv").write_text("code\twords\nfoo\tbar\n", encoding="utf-8")
    with pytest.raises(LexiconError, match="foo is none of"):
        Births(folder=tmp_path)
    (folder / "newborn_words.tsv").write_text("code\twords\nsmall\tsga\n", encoding="utf-8")
    with pytest.raises(LexiconError, match="has no row for large"):
        Births(folder=tmp_path)


def test_every_code_of_the_rows_is_in_the_code_set(catalog: Catalog) -> None:
    store = catalog.release_set()[0].icd10cm
    assert all(store.billable[store.row(code)] for code in Births().exposures)
    assert (lexicon_dir() / "relations" / "newborn_words.tsv").is_file()


@pytest.mark.parametrize(
    ("words", "grams"),
    [
        (["7", "lb", "4", "oz"], 3289),
        (["7lbs", "4oz"], 3289),
        (["6", "pounds", ",", "2", "ounces"], 2778),
        (["8", "lb"], 3629),
        (["8", "lb", "2", "days"], 3629),
        (["180", "lb"], None),
        (["7", "days"], None),
    ],
)
def test_the_weight_of_a_child_in_pounds(words: list[str], grams: int | None) -> None:
    assert pounds_at(words, 0) == grams


def test_a_visit_of_the_weeks_after_is_no_birth_for_its_viable_male(bench: Bench) -> None:
    text = "Postpartum visit, 6 weeks. SVD of a viable male infant. Breastfeeding well."
    assert Maternity().of(bench.read(text), "outpatient").name == "puerperium"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("30F G2P1 at 33w1d, di/di twins. Twin B breech.", "O32.1XX2"),
        ("30F G2P1 at 33w1d, twin pregnancy. Growth: B 9% (FGR).", "O36.5932"),
        ("30F G2P1 at 33w1d, mono/di twins. Recipient (A): polyhydramnios.", "O40.3XX1"),
        (
            "30F G2P1 at 33w1d, twins. Twin A: vertex, normal fluid. Twin B: normal fluid.\nBreech.",
            "O32.1XX2",
        ),
        ("30F G2P1 at 33w1d, twins, breech presentation.", "O32.1XX0"),
        ("30F G2P1 at 33w1d. LGA fetus, group B strep.", "O36.63X0"),
    ],
)
def test_which_fetus_a_code_is_about(bench: Bench, text: str, code: str) -> None:
    assert code in find(bench, text)


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("seizures", "P90"),
        ("pneumothorax", "P25.1"),
        ("thrombocytopenia", "P61.0"),
        ("Sodium 118.", "P74.22"),
        ("bilateral hydrocele", "P83.5"),
    ],
)
def test_a_condition_of_a_newborn_has_a_code_of_its_own_chapter(
    bench: Bench, condition: str, code: str
) -> None:
    assert code in find(bench, f"NICU, DOL 3, baby boy born at 34 weeks, BW 2,100 g. {condition}")
    assert code not in find(bench, f"62M. {condition}")


@pytest.mark.parametrize("age", ["9 mo", "9-month-old", "9mo", "3-year-old"])
def test_a_child_past_the_first_weeks_has_the_general_code(bench: Bench, age: str) -> None:
    text = f"NICU follow-up, {age} boy born at 34 weeks, BW 2,100 g. Seizures."
    assert "P90" not in find(bench, text)
    assert "R56.9" in find(bench, text)


def test_a_condition_of_newborns_that_stands_twice_is_an_error(bench: Bench, tmp_path: Path) -> None:
    store = bench.releases.icd10cm
    file = tmp_path / "newborn_conditions.tsv"
    file.write_text("prefix\tcode\nR56.9\tP90\nG40\tP99.99\nG41\tP28\n", encoding="utf-8")
    assert list(Perinatal(store, path=file).pairs) == ["R56.9"]  # no code, or none that is billable
    file.write_text("prefix\tcode\nR56.9\tP90\nR56.9\tP91.0\n", encoding="utf-8")
    with pytest.raises(LexiconError, match=r"R56\.9 stands twice"):
        Perinatal(store, path=file)


def test_every_condition_of_newborns_is_in_the_release(bench: Bench) -> None:
    rows = list(
        read_rows(lexicon_dir() / "relations" / "newborn_conditions.tsv", ("prefix", "code"), required=2)
    )
    assert len(Perinatal(bench.releases.icd10cm).pairs) == len(rows)
    assert not [prefix for _, (prefix, _) in rows if not bench.releases.icd10cm.with_prefix(prefix)]


def test_no_code_of_pregnancy_where_no_word_hints_at_one(bench: Bench) -> None:
    assert "O91.22" not in find(bench, "48F. Mastitis of the left breast.")
    assert "O91.22" in find(bench, "28F nursing. Mastitis of the left breast.")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Baby girl, born by section at 31 weeks 5 days to a 36-year-old mother.", "P07.34"),
        ("NICU. DOL 5. 24 6/7 wk, 640 g girl.", "P07.23"),
        ("A premature female of 27 weeks and 890 g, in the third week of life.", "P07.26"),
        ("NICU. Baby boy, 26-weeker, PMA 36 weeks. BW 810 g.", "P07.25"),
    ],
)
def test_the_weeks_at_birth(bench: Bench, text: str, code: str) -> None:
    assert code in find(bench, text)
