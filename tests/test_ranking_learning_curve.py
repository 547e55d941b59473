"""The script that draws how accuracy grows with coded notes."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from learning_world import coded_notes

from suggester.codesets import Catalog
from suggester.evaluation.learning import read_learning_curve

SCRIPT = Path(__file__).resolve().parents[1] / "eval" / "learning_curve.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("learning_curve", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_curve_rises_and_is_what_evaluate_reads(
    script: ModuleType,
    catalog: Catalog,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    train, test = tmp_path / "train.jsonl", tmp_path / "test.jsonl"
    for path, count, prefix in ((train, 40, "a"), (test, 12, "b")):
        path.write_text(
            "".join(
                json.dumps(
                    {
                        "id": g.note.id,
                        "text": g.note.text,
                        "codes": [
                            {
                                "system": c.system,
                                "code": c.code,
                                "evidence": [[span.start, span.end] for span in c.evidence],
                            }
                            for c in g.codes
                        ],
                    }
                )
                + "\n"
                for g in coded_notes(count, prefix=prefix)
            )
        )
    monkeypatch.setenv("SUGGESTER_STORE_DIR", str(catalog.folder))
    arguments = [str(train), str(test), "--sizes", "16", "40", "--json", str(tmp_path / "c.json")]
    monkeypatch.setattr(sys, "argv", ["learning_curve.py", *arguments, "--svg", str(tmp_path / "c.svg")])
    script.main()
    said = capsys.readouterr().out.splitlines()
    assert json.loads(said[-2].rpartition("} ")[0] + "}")["f1_interval"][0] > 0.5
    assert said[-1].startswith("right codes with evidence inside the marked: 1.0000 (")
    points = read_learning_curve(tmp_path / "c.json")
    assert [p.notes for p in points] == [16, 40]
    assert points[1].map > 0.8
    drawn = ElementTree.fromstring((tmp_path / "c.svg").read_text())  # noqa: S314 - our own drawing
    assert len(drawn.findall(".//{http://www.w3.org/2000/svg}circle")) == 4
