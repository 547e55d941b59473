"""Sites in the sentences beside a mention, and sides of families whose titles word them apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_world import bench_of, code_of

from suggester.codesets import Catalog
from suggester.ranking.bench import Bench
from suggester.ranking.resolve import CodeResolver
from suggester.ranking.unsited import Unsited


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


def find(bench: Bench, text: str) -> set[str]:
    return {code_of(bench, c) for c in bench.finder.find(bench.read(text), setting="outpatient")}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Rt lower leg red, hot, streaking. Cellulitis, keflex.", "L03.115"),
        ("Left axilla tender. Abscess drained.", "L02.412"),
    ],
)
def test_a_site_in_the_sentence_before(bench: Bench, text: str, code: str) -> None:
    assert code in find(bench, text)


def test_no_site_is_taken_from_afar(bench: Bench) -> None:
    text = "Right leg in a cast. Lungs clear. Heart regular. Abdomen soft. Cellulitis."
    assert "L03.115" not in find(bench, text)


def test_codes_that_a_release_lacks_are_passed_over(bench: Bench, tmp_path: Path) -> None:
    store, terms = bench.releases.icd10cm, bench.releases.terms
    file = tmp_path / "unsited.tsv"
    file.write_text("code\tcategory\nL03.90\tL03\nL99.99\tL03\nL02.91\tL99.9\n", encoding="utf-8")
    known = Unsited(store, CodeResolver(store, terms), path=file).pairs
    assert known == {store.row("L03.90"): store.row("L03")}


def test_every_condition_without_a_site_is_in_the_release(bench: Bench) -> None:
    store, terms = bench.releases.icd10cm, bench.releases.terms
    known = Unsited(store, CodeResolver(store, terms)).pairs
    assert len(known) == 30
    assert all(store.codes[row][:3] == store.codes[above][:3] for row, above in known.items())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Right ovarian torsion.", "N83.511"),
        ("Left TMJ closed lock.", "M26.632"),
        ("Stage 2 L buttock pressure injury.", "L89.322"),
        ("RIGHT SHOULDER MRI. Full-thickness supraspinatus tear.", "M75.121"),
        ("Hallux valgus bil.", "M20.12"),
        ("Impression: complications: deep venous thrombosis, ileus.", "K56.7"),
    ],
)
def test_a_side_that_is_said_is_taken(bench: Bench, text: str, code: str) -> None:
    assert code in find(bench, text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (
            (
                "EXAM: MRI LEFT KNEE. History: medial pain and locking after squatting, prior ACL repair "
                "right knee. Impression: medial meniscal root tear."
            ),
            "M23.322",
        ),
        ("Screening mammogram. The breasts are extremely dense.", "R92.343"),
    ],
)
def test_the_side_of_a_report(bench: Bench, text: str, code: str) -> None:
    assert code in find(bench, text)
