"""The ablation: every feature stands in one group, what is taken away is gone, and figures count right."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from engine_world import bench_of, nothing_seen

from suggester.codesets import Catalog
from suggester.ranking.candidates import CodeSupport, Joined, Method, Support
from suggester.ranking.describing import COLUMNS
from suggester.ranking.features import NAMES
from suggester.types import GoldCode, GoldNote, Note

EVAL = Path(__file__).resolve().parent.parent / "eval"


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EVAL / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and imports between scripts look it up
    spec.loader.exec_module(module)
    return module


_script("fit_general")
ablation = _script("ablation")


def support(method: Method, match: int = 0) -> Support:
    return Support(match, method, 0, None, 1.0)


def candidate(row: int, *methods: Method, joins: tuple[Joined, ...] = ()) -> CodeSupport:
    return CodeSupport("ICD-10-CM", row, [support(m) for m in methods], joins=list(joins))


def test_every_feature_stands_in_one_group() -> None:
    grouped = [name for names in ablation.FEATURE_GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(COLUMNS)


def test_every_method_but_the_plain_term_can_be_left_out() -> None:
    listed = [m for methods in ablation.METHODS.values() for m in methods]
    assert sorted(listed) == sorted(set(Method) - {Method.TERM})


def test_without_keeps_what_has_other_support() -> None:
    kept = ablation.without(
        [candidate(1, Method.TERM, Method.DRUG), candidate(2, Method.DRUG)],
        lambda s: s.method is Method.DRUG,
    )
    assert [(c.row, [s.method for s in c.supports]) for c in kept] == [(1, [Method.TERM])]


@pytest.mark.parametrize(
    ("dropped", "rows", "replaced"),
    [
        (Method.VALUE, [1, 2, 9], [True, False, False]),
        (Method.DRUG, [1], [False]),  # the second condition has gone, and what it made with it
        (Method.COMBINATION, [1, 2], [False, False]),
    ],
)
def test_without_keeps_a_combination_only_with_all_its_conditions(
    dropped: Method, rows: list[int], replaced: list[bool]
) -> None:
    joined = Joined(((1,), (2,)), (1,))
    kept = ablation.without(
        [
            candidate(1, Method.TERM),
            candidate(2, Method.DRUG),
            candidate(9, Method.COMBINATION, joins=(joined,)),
        ],
        lambda s: s.method is dropped,
    )
    assert [c.row for c in kept] == rows
    assert [c.replaced for c in kept] == replaced
    assert all(bool(c.joins) == (c.row == 9) for c in kept)


def described(right: list[bool], core: list[list[bool]], exact: list[bool]) -> object:
    return ablation.Described(
        features=np.zeros((len(right), len(NAMES)), dtype=np.float32),
        scored=[],
        right=np.array(right),
        held=np.zeros(len(right), dtype=np.bool_),
        core=np.array(core, dtype=np.bool_).reshape(len(core), len(right)),
        exact=np.array(exact),
        sighting=nothing_seen(),
    )


def test_figures_count_core_codes_and_precision() -> None:
    told = described([True, False, True], [[True, False, False], [False, False, True]], [True, False, True])
    found = ablation.figures(True, told, 2, np.array([0.9, 0.6, 0.1]))
    assert found["core_among_ten"] == (2.0, 2.0)
    assert found["precision"] == (1.0, 2.0)
    assert found["core_confident"] == (1.0, 2.0)
    held = ablation.figures(True, told, 2, np.array([0.9, 0.6, -1.0]))
    assert held["core_among_all"] == (1.0, 2.0)


def test_figures_of_other_notes_are_average_precision_alone() -> None:
    told = described([True, False, True], [], [True, False, True])
    found = ablation.figures(False, told, 2, np.array([0.9, 0.6, 0.1]))
    assert found["map"] == (pytest.approx((1 + 2 / 3) / 2), 1.0)
    assert found["precision"] == (0.0, 0.0)
    assert ablation.figures(False, told, 0, np.array([0.9, 0.6, 0.1]))["map"] == (0.0, 0.0)


def test_difference_of_a_row_to_itself_is_nothing_and_a_certain_loss_is_bold() -> None:
    full = {name: np.ones((40, 2)) for name in ablation.FIGURES}
    less = {name: np.tile([0.5, 1.0], (40, 1)) for name in ablation.FIGURES}
    base = ablation.Row(kind="", left_out="nothing", counts=full)
    row = ablation.Row(kind="features", left_out="a", counts=less)
    assert ablation.difference(base, base, "map") == (0.0, 0.0, 0.0)
    assert ablation.difference(row, base, "map") == pytest.approx((-0.5, -0.5, -0.5))
    table = ablation.markdown([base, row])
    assert "| nothing | 1.000 |" in table
    assert "| features: a | **-50.0** |" in table
    record = ablation.records([base, row])[1]["figures"]["map"]
    assert record == {"value": 0.5, "of": 40, "difference_95": [-0.5, -0.5, -0.5]}


def test_chosen_notes_are_those_of_the_smallest_hashes() -> None:
    notes = [GoldNote(note=Note(id=f"n{i}", text="x"), codes=()) for i in range(20)]
    some = ablation.chosen(notes, 5)
    assert len(some) == 5
    assert some == ablation.chosen(notes[::-1], 5)[::-1]
    assert ablation.chosen(notes, None) == notes


TEXTS = (
    "Assessment: type 2 diabetes mellitus on metformin. No chest pain.",
    "Assessment: essential hypertension and chronic kidney disease stage 3. BMI 41.2.",
    "Impression: pneumonia. Family history of breast cancer.",
    "Assessment: hypothyroidism, on levothyroxine. Fatigue.",
)
CODES = ("E11.9", "I10", "J18.9", "E03.9")


@pytest.mark.slow
def test_the_whole_on_a_few_notes(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ablation, "FEATURE_GROUPS", {"method": ("method",)})
    bench = bench_of(catalog)
    notes = [
        ablation.describe(
            bench,
            GoldNote(
                note=Note(id=str(number), text=text, setting="outpatient"),
                codes=(GoldCode(system="ICD-10-CM", code=code),),
            ),
            us=number % 2 == 0,
            counted=number % 2 == 0,
            weight=1.0,
        )
        for number, (text, code) in enumerate(zip(TEXTS * 3, CODES * 3, strict=True))
    ]
    said: list[str] = []
    rows = ablation.ablate(
        notes,
        bench,
        folds=2,
        progress=lambda row: said.append(row.left_out),
        max_iter=3,
        min_samples_leaf=2,
    )
    assert [row.left_out for row in rows] == said
    assert [row.left_out for row in rows[:3]] == ["nothing", "settling", "gate of assertions"]
    assert {row.left_out for row in rows} >= {*ablation.FEATURE_GROUPS, "drugs", "measured values"}
    for row in rows:
        assert all(counts.shape == (len(notes), 2) for counts in row.counts.values())
        assert all((counts[:, 0] <= counts[:, 1]).all() for counts in row.counts.values())
