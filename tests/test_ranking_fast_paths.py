"""Fast paths against slow ones: groups of candidates, rows that need no words, trees, shared spans."""

from __future__ import annotations

import numpy as np
import pytest
from engine_world import bench_of, plain_trees

from suggester.codesets import Catalog
from suggester.ranking.bench import Bench
from suggester.ranking.candidates import Phase
from suggester.ranking.describing import by_head
from suggester.ranking.laid_out import Family
from suggester.ranking.said import Said
from suggester.ranking.trees import TreeEnsemble

NOTE = """ASSESSMENT AND PLAN
1. Type 2 diabetes with neuropathy, no pneumonia
2. Left knee osteoarthritis, possible gout
Ketorolac 60 mg IM given today. History of breast cancer.
"""


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


def test_groups_are_described_as_each_is_alone(bench: Bench) -> None:
    reading = bench.read(NOTE)
    groups = [group for _, group in by_head(bench.finder.find(reading, setting=None))]
    assert all(groups)
    groups.insert(1, [])
    together = bench.features.build_groups(reading, groups, setting="outpatient")
    for group, (table, scored) in zip(groups, together, strict=True):
        alone, same = bench.features.build(reading, group, setting="outpatient")
        assert table.tolist() == alone.tolist()
        assert scored == same


def test_rows_that_need_no_words_lead_to_the_same_code_whatever_stands_around(bench: Bench) -> None:
    resolver = bench.finder._resolver
    words = frozenset(range(0, 400, 3))
    phases: tuple[Phase, ...] = ("initial", "subsequent")
    fixed = 0
    for row in range(0, len(bench.releases.icd10cm), 97):
        found = resolver.fixed(row)
        if found is None:
            continue
        fixed += 1
        for side, phase in ((0, phases[0]), (2, phases[1])):
            assert resolver.resolve(row, context=words, side=side, phase=phase, left_handed=True) == found
    assert fixed > 100


def test_words_that_a_row_does_not_depend_on_make_no_difference(bench: Bench) -> None:
    """What is remembered for the telling words alone is what all words lead to."""
    releases, resolver = bench.releases, bench.finder._resolver
    store, random = releases.icd10cm, np.random.default_rng(11)
    healing = {releases.terms.vocabulary.get(word, -1) for word in ("open", "nonunion", "dominant", "non")}
    phases: tuple[Phase, ...] = ("initial", "subsequent", "sequela")
    several = 0
    for code in ("S52", "S82.2", "M17", "L97", "G81", "H40.1", "O24", "E11", "I69.35", "T40", "C50", "F32"):
        top = store.row(code)
        for row in (top, *store.children(top)):
            telling = sorted(resolver._telling_of(row))
            several += len(telling) > 1
            for turn in range(12):
                said = random.choice(telling, min(4, len(telling)), replace=False) if telling else []
                other = random.integers(0, len(releases.terms.idf), 30)
                context = frozenset(map(int, [*said, *other])) | (healing if turn % 3 == 0 else set())
                side, phase, left_handed = turn % 4, phases[turn % 3], turn % 2 == 1
                found = resolver.resolve(
                    row, context=context, side=side, phase=phase, left_handed=left_handed
                )
                assert found == resolver._resolve(row, context, side, phase, left_handed), code
    assert several > 30


def walked(trees: TreeEnsemble, row: list[float]) -> float:
    """The score of one row, tree by tree and node by node."""
    total = trees.baseline
    for root in trees.roots.tolist():
        node = root
        for _ in range(trees.depth):
            right = row[trees.feature[node]] > trees.threshold[node]
            node = int(trees.children[2 * node + right])
        total += float(trees.value[node])
    return total


def test_many_rows_are_scored_as_one_by_one() -> None:
    trees = plain_trees(feature=0, threshold=0.5, low=-1.0, high=2.0)
    rows = np.random.default_rng(3).random((1100, 2), dtype=np.float32)
    rows[5] = np.nan
    scores = trees.predict(rows)
    assert scores == pytest.approx([walked(trees, row) for row in rows.tolist()], abs=1e-6)


def test_a_family_is_every_pair_of_one_category() -> None:
    names = ["I50", "E11", "I50", "J44", "I50"]
    family = Family(names)
    pairs = {(i, j) for i, a in enumerate(names) for j, b in enumerate(names) if a == b}
    assert set(zip(family.one.tolist(), family.other.tolist(), strict=True)) == pairs
    assert family.size.tolist() == [3, 1, 3, 1, 3]
    assert family.most(np.array([float(j) for j in family.other])).tolist() == [4.0, 1.0, 4.0, 3.0, 4.0]
    assert family.count(family.other > family.one).tolist() == [2, 0, 1, 0, 0]


def test_evidence_over_the_same_words_is_one_value(bench: Bench) -> None:
    reading = bench.read(NOTE)
    _, scored = bench.features.build(reading, bench.finder.find(reading, setting=None), setting=None)
    said = Said(bench, reading, NOTE)
    shown = [
        evidence for item in scored for evidence in said.evidence(item, said.of(item.candidate.supports))
    ]
    assert len(shown) > len({id(evidence) for evidence in shown})
    for evidence in shown:
        assert NOTE[evidence.span.start : evidence.span.end] == evidence.quote
    m = reading.matches
    for item in scored:
        for support, assertion in zip(item.candidate.supports, said.of(item.candidate.supports), strict=True):
            at = support.match
            slow = reading.assertion_of(
                int(m.first[at]),
                int(m.final[at]),
                int(m.anchor[at]),
                own=int(bench.finder.own[m.term[at]]),
            )
            assert assertion == (slow if support.flags else assertion)
