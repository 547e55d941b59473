"""Encounters for chemotherapy and immunotherapy: what is given here and now."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_world import bench_of, code_of

from suggester.codesets import Catalog
from suggester.errors import LexiconError
from suggester.ranking.bench import Bench
from suggester.ranking.candidates import Method
from suggester.ranking.relations.treatments import Treatments


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


def given(bench: Bench, text: str) -> set[str]:
    """Codes of treatment that the words for what is given bring up."""
    return {
        code
        for candidate in bench.finder.find(bench.read(text), setting="outpatient")
        if (code := code_of(bench, candidate)).startswith("Z51.1")
        and any(support.method is Method.IMPLIED for support in candidate.supports)
    }


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("C3D1 FOLFOX + bevacizumab. Colon cancer. Proceed with infusion.", {"Z51.11", "Z51.12"}),
        ("Colon cancer. Given: oxaliplatin 150 mg IV over 2 h.", {"Z51.11"}),
        ("Lung cancer. Pembrolizumab 200 mg IV over 30 min via port.", {"Z51.12"}),
        ("Breast cancer. Ado-trastuzumab emtansine 240 mg IV over 90 min.", {"Z51.11", "Z51.12"}),
        ("Infusion visit. Breast cancer. Maintenance trastuzumab and pertuzumab, C18.", {"Z51.12"}),
        ("Follicular lymphoma, bendamustine-rituximab cycle 1. Tolerated infusion.", {"Z51.11", "Z51.12"}),
        ("Bladder cancer. Mitomycin 40 mg instilled.", {"Z51.11"}),
        # not here, not now, not against a cancer
        ("Colon cancer. Will start oxaliplatin 85 mg/m2 IV next week.", set()),
        ("Colon cancer. Received FOLFOX last year.", set()),
        ("Lung cancer, on pembrolizumab. CT stable.", set()),
        ("Rheumatoid arthritis. Rituximab 1,000 mg IV over 4 h, tolerated infusion.", set()),
        ("Colon cancer in mother. Cyclophosphamide 1 g IV for lupus nephritis.", set()),
        ("Prostate cancer. C5 radiculopathy. Port flushed.", set()),
    ],
)
def test_what_is_given_against_a_cancer_is_the_reason_for_the_encounter(
    bench: Bench, text: str, codes: set[str]
) -> None:
    assert given(bench, text) == codes


def test_a_row_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "relations").mkdir()
    (tmp_path / "relations" / "treatment_words.tsv").write_text("kind\twords\nfoo\tbar\n", encoding="utf-8")
    with pytest.raises(LexiconError, match="kind foo"):
        Treatments([], folder=tmp_path)
