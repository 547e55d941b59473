"""The script that scores worksheets: its verdicts and intervals, on answers made by hand."""

from __future__ import annotations

import importlib.util
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suggester.types import EmWorksheet

SCRIPT = Path(__file__).resolve().parents[1] / "eval" / "score_em.py"


@pytest.fixture(scope="module")
def script() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("score_em", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FOUND = EmWorksheet(
    category="office",
    patient_status="established",
    code="99213",
    level=3,
    basis="mdm",
    confidence=0.8,
    category_evidence=(),
    status_evidence=(),
    problems=None,
    data=None,
    risk=None,
    mdm="low",
    minutes=None,
    time_evidence=(),
    alternatives=(),
    reasons=(),
    missing=(),
)
GOLD: dict[str, Any] = {"category": "office", "code": "99213", "level": 3}


@pytest.mark.parametrize(
    ("found", "gold", "verdict"),
    [
        (FOUND, GOLD, (True, True, True)),
        (FOUND, {**GOLD, "code": "99203"}, (True, True, False)),
        (FOUND, {**GOLD, "code": "99214", "level": 4}, (False, True, False)),
        (FOUND, {**GOLD, "code": "99215", "level": 5}, (False, False, False)),
        (FOUND, {**GOLD, "category": "emergency", "code": "99283"}, (False, False, False)),
        (FOUND, {**GOLD, "code": None}, (False, False, False)),
        (None, GOLD, (False, False, False)),
        (None, {**GOLD, "code": None}, (True, True, True)),
        (
            replace(FOUND, category="preventive", code="99396", level=None),
            {"category": "preventive", "code": "99395", "level": None},
            (False, True, False),
        ),
    ],
)
def test_verdict(
    script: types.ModuleType, found: EmWorksheet | None, gold: dict[str, Any], verdict: tuple[bool, ...]
) -> None:
    assert script.verdict(found, gold) == verdict


def test_interval_of_a_share(script: types.ModuleType) -> None:
    low, high = script.interval(20, 20)
    assert round(low, 3) == 0.839
    assert high == pytest.approx(1.0)
    assert script.interval(0, 0) == (0.0, 1.0)
