"""The accuracy floors: what is measured, what counts as below, and how a wrong file is refused."""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from test_batch_fakes import CANARY, FakeEngine

from suggester.config import Settings

ROOT = Path(__file__).resolve().parent.parent
DIAGNOSES = "core/ICD-10-CM/core_recall_at_10"
ALL = "core/all/core_recall_at_10"


def _script() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("check_floor", ROOT / "eval" / "check_floor.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


check_floor = _script()


class Workplace:
    """A checkout in a folder, with gold notes and a file of floors."""

    def __init__(self, root: Path) -> None:
        self.root = root / "main"
        (self.root / "eval" / "gold").mkdir(parents=True)
        self.settings: list[Settings] = []

    def load(self, settings: Settings) -> FakeEngine:
        self.settings.append(settings)
        return FakeEngine()

    def gold(self, name: str, *notes: tuple[str, str, list[str]], part: str | None = None) -> None:
        lines = []
        for note_id, text, codes in notes:
            record: dict[str, Any] = {"id": note_id, "text": text, "codes": []}
            if part:
                record["part"] = part
            for code in codes:
                system = "HCPCS" if code == "K0001" else "ICD-10-CM"
                record["codes"].append({"system": system, "code": code})
            lines.append(json.dumps(record))
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines), encoding="utf-8")

    def check(self, *floors: dict[str, Any]) -> int:
        path = self.root / "floors.json"
        path.write_text(json.dumps({"floors": floors}), encoding="utf-8")
        code: int = check_floor.main([str(path), "--bootstrap", "0"])
        return code


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    made = Workplace(tmp_path)
    made.gold("eval/gold/a.jsonl", ("a", "diabetes", ["E11.9"]))
    made.gold("eval/gold/b.jsonl", ("b", "cough and diabetes", ["R05.9", "I10"]))
    monkeypatch.setattr(check_floor, "CHECKOUT", made.root)
    monkeypatch.setattr(check_floor, "load_engine", made.load)
    return made


def floor(path: str = DIAGNOSES, least: float = 0.5, **more: Any) -> dict[str, Any]:
    return {
        "name": f"the {path}",
        "gold": "eval/gold/*.jsonl",
        "model": "general",
        "path": path,
        "min": least,
    } | more


def test_figures_over_all_files_of_the_pattern(place: Workplace, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.check(floor(least=0.66), floor(path=ALL, least=0.6)) == 0
    printed = capsys.readouterr().out
    assert "2 notes, model general" in printed
    assert printed.count("ok     floor 0.6") == 2
    assert "0.667 n 3" in printed
    (settings,) = place.settings  # one run serves both floors
    assert (settings.threshold, settings.limit) == (0.0, 500)


def test_figure_below_its_floor_fails(place: Workplace, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.check(floor(least=0.1), floor(least=0.67)) == 1
    assert "BELOW  floor 0.670" in capsys.readouterr().out


def test_figure_that_measures_nothing_fails(place: Workplace) -> None:
    assert place.check(floor(path="core/CPT/core_recall_at_10", least=0.0)) == 1


def test_system_and_part_narrow_the_run(place: Workplace, capsys: pytest.CaptureFixture[str]) -> None:
    place.gold("eval/gold/c.jsonl", ("c", "wheelchair, cough", ["K0001"]), part="check")
    assert place.check(floor(path=ALL, least=1.0, part="check", system="HCPCS")) == 0
    assert "part check, HCPCS only: 1 notes" in capsys.readouterr().out
    assert (
        place.check(floor(path="exact/threshold/micro_precision", least=1.0, part="check", threshold=0.3))
        == 1
    )


def test_gold_beside_the_checkout_is_passed_over_where_it_is_not(
    place: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = floor(gold="../shared/data/x.jsonl", least=1.0)
    assert place.check(shared) == 0
    assert "passed over: ../shared/data/x.jsonl" in capsys.readouterr().out
    place.gold("../shared/data/x.jsonl", ("x", "nothing", ["I10"]))
    assert place.check(shared) == 1


def test_note_that_fails_is_named_without_its_text(
    place: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    place.gold("eval/gold/c.jsonl", ("c", f"RAISE {CANARY}", ["I10"]))
    assert place.check(floor(least=0.0)) == 1
    captured = capsys.readouterr()
    assert "FAILED c: ValueError" in captured.out
    assert CANARY not in captured.out + captured.err


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"min": None, "gold": "eval/none.jsonl"}, "eval/none.jsonl"),
        ({"path": "core/all/nothing"}, "core_recall_at_10"),
        ({"paht": "x"}, "unknown paht; allowed: gold, min"),
        ({"system": "ICD"}, "ICD-10-CM, CPT, HCPCS"),
        ({"part": "none"}, "'none'"),
    ],
)
def test_wrong_floors_are_refused(
    place: Workplace, capsys: pytest.CaptureFixture[str], wrong: dict[str, Any], message: str
) -> None:
    assert place.check(floor() | {name: value for name, value in wrong.items() if value is not None}) == 2
    assert message in capsys.readouterr().err


def test_missing_field_and_unreadable_file_are_refused(
    place: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    incomplete = floor()
    del incomplete["min"]
    assert place.check(incomplete) == 2
    assert "floor 1: missing min" in capsys.readouterr().err
    assert check_floor.main([str(place.root / "none.json")]) == 2


def test_gold_note_that_cannot_be_read_is_refused(place: Workplace) -> None:
    (place.root / "eval" / "gold" / "c.jsonl").write_text("{", encoding="utf-8")
    assert place.check(floor()) == 2


def test_the_floors_of_this_project_can_be_read() -> None:
    floors = check_floor.read_floors(ROOT / "eval" / "baseline.json")
    assert len({one.name for one in floors}) == len(floors)
    assert all(0 <= one.min <= 1 for one in floors)
    assert any(one.run.gold == "eval/gold/notes_*.jsonl" for one in floors)
