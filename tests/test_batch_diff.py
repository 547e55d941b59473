"""Two runs compared: what changed, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from suggester.batch.diff import diff_runs
from suggester.batch.diff_report import diff_page, diff_record, diff_text
from suggester.batch.manifest import Manifest
from suggester.cli.diff import diff
from suggester.errors import BatchError, InputError

RUN = {"version": "0.1.0", "model": "general 1", "codesets": {"ICD-10-CM": "2026-04-01"}}


def suggestion(code: str, confidence: float, **more: Any) -> dict[str, Any]:
    return {
        "rank": 1,
        "system": "ICD-10-CM",
        "code": code,
        "display": "x",
        "confidence": confidence,
        "evidence": [],
        "reasons": [],
        "flags": [],
        "units": None,
        "modifiers": [],
        **more,
    }


def record(name: str, *suggestions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "run": RUN,
        "suggestions": list(suggestions),
        "not_coded": [],
        "flags": [],
        "em": None,
        **more,
    }


def write(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in records), encoding="utf-8")
    return path


def flag(rule: str, severity: str = "warning") -> dict[str, Any]:
    return {"rule": rule, "severity": severity, "message": "m", "codes": []}


def evidence(start: int) -> dict[str, Any]:
    names = ("negated", "uncertain", "historical", "hypothetical", "family")
    return {
        "start": start,
        "end": start + 1,
        "text": "x",
        "section": "s",
        "assertion": dict.fromkeys(names, False),
    }


def test_equal_runs_have_no_difference(tmp_path: Path) -> None:
    old = write(tmp_path / "a.jsonl", record("n1", suggestion("E11.9", 0.9)), record("n2"))
    new = write(tmp_path / "b.jsonl", record("n2"), record("n1", suggestion("E11.9", 0.9)))
    found = diff_runs(old, new)
    assert found.is_same
    assert (found.notes, found.same, found.differences) == (2, 2, ())
    assert "notes unchanged: 2" in "\n".join(diff_text(found))


def test_every_kind_of_change_is_told_with_its_reason(tmp_path: Path) -> None:
    left = {"start": 0, "end": 1, "text": "x", "reason": "negated", "cue": "no", "would_be": ["R05.9"]}
    newer = {**RUN, "model": "general 2", "codesets": {"ICD-10-CM": "2026-10-01"}}
    old = write(
        tmp_path / "a.jsonl",
        record("n1", suggestion("E11.9", 0.9), suggestion("R05.9", 0.3)),
        record("n2", suggestion("I10", 0.4, flags=[flag("one")])),
        record("n3", suggestion("I10", 0.4, evidence=[evidence(1)])),
        record("n4"),
        record("gone"),
    )
    new = write(
        tmp_path / "b.jsonl",
        record("n1", suggestion("E11.9", 0.8), suggestion("E11.42", 0.7), not_coded=[left], run=newer),
        record("n2", suggestion("I10", 0.6, flags=[flag("two", "error")], reasons=["r"]), run=newer),
        record("n3", suggestion("I10", 0.4, evidence=[evidence(2)]), run=newer),
        record("n4", flags=[flag("note")], run=newer),
        record("came", run=newer),
    )
    found = diff_runs(old, new)
    data = diff_record(found)
    assert [(item["cause"], item["what"]) for item in data["differences"]] == [
        ("model", "model: general 1 -> general 2"),
        ("code set", "ICD-10-CM: 2026-04-01 -> 2026-10-01"),
    ]
    changes = {note["note"]: note for note in data["changes"]}
    assert [(c["change"], c["code"], c["old"], c["new"], c["why"]) for c in changes["n1"]["codes"]] == [
        ("added", "E11.42", None, 0.7, "not found there"),
        ("confidence", "E11.9", 0.9, 0.8, "the reasons are the same"),
        ("removed", "R05.9", 0.3, None, "not coded there: negated"),
    ]
    assert changes["n1"]["causes"] == ["model", "code set"]
    assert changes["n2"]["codes"][0]["flags"] == ["+ error two", "- warning one"]
    assert changes["n2"]["codes"][0]["why"] == "the reasons changed"
    assert changes["n3"]["codes"][0]["change"] == "evidence"
    assert changes["n4"]["codes"][0]["flags"] == ["+ warning note"]
    assert (changes["gone"]["only"], changes["came"]["only"]) == ("old", "new")
    assert (data["codes_added"], data["codes_removed"], data["confidences_changed"]) == (1, 1, 2)
    assert data["crossed_one_half"] == {"over one half": 1}
    assert (data["notes"], data["changed"], data["only_old"], data["only_new"]) == (4, 4, 1, 1)
    text = "\n".join(diff_text(found, most=2))
    assert "n1 because of model, code set" in text
    assert "- ICD-10-CM R05.9  0.30 -> none  not coded there: negated" in text
    assert "and 4 more notes" in text
    page = diff_page(found)
    assert "Sign-off" in page
    assert "E11.42" in page
    assert diff_runs(old, new, least=0.15).moved == 1


def test_manifests_tell_apart_what_the_lines_do_not(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    engine = {
        "version": "0.1.0",
        "model": "general 1 (aaa)",
        "settings": "threshold 0.05, limit 50, aaa",
        "codes CPT 2026": "aaa",
        "longest note": "5",
    }
    for folder, confidence, change in (
        (old, 0.5, {}),
        (
            new,
            0.6,
            {
                "model": "general 1 (bbb)",
                "settings": "threshold 0.05, limit 50, bbb",
                "codes CPT 2026": "bbb",
                "longest note": "6",
            },
        ),
    ):
        folder.mkdir()
        write(folder / "suggestions.jsonl", record("n1", suggestion("I10", confidence)))
        Manifest(engine={**engine, **change}, options={}).write(folder / "manifest.json")
    found = diff_runs(old, new)
    assert found.differences == (
        ("model", "model: general 1 (aaa) -> general 1 (bbb)"),
        ("code set", "CPT 2026: aaa -> bbb"),
        ("rules", "rules switched off or added by the site: aaa -> bbb"),
        ("settings", "longest note: 5 -> 6"),
    )
    assert found.changed[0].causes == ("model", "code set", "rules", "settings")
    Manifest(engine={**engine, "settings": "threshold 0.1, limit 50, ccc"}, options={}).write(
        new / "manifest.json"
    )
    assert diff_runs(old, new).differences == (
        ("settings", "threshold 0.05, limit 50 -> threshold 0.1, limit 50"),
    )


def test_a_change_that_nothing_explains_is_said_to_be_so(tmp_path: Path) -> None:
    old = write(tmp_path / "a.jsonl", record("n1", suggestion("I10", 0.5)))
    new = write(tmp_path / "b.jsonl", record("n1", suggestion("I10", 0.6)))
    found = diff_runs(old, new)
    assert found.differences[0][0] == "not known"
    assert found.changed[0].causes == ("not known",)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    good = write(tmp_path / "a.jsonl", record("n1"))
    bad = tmp_path / "b.jsonl"
    bad.write_text("wrong\n")
    empty = tmp_path / "c.jsonl"
    empty.write_text("")
    with pytest.raises(InputError, match=r"b.jsonl:1: not valid JSON"):
        diff_runs(good, bad)
    with pytest.raises(InputError, match=r"no suggestions.jsonl"):
        diff_runs(good, tmp_path)
    assert diff_runs(good, empty).only_old == 1
    other = write(tmp_path / "d.jsonl", record("n2"))
    assert (diff_runs(good, other).only_old, diff_runs(good, other).only_new) == (1, 1)
    assert not issubclass(InputError, BatchError)


def test_the_command_prints_text_json_and_a_page(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(diff)
    old = write(tmp_path / "a.jsonl", record("n1", suggestion("I10", 0.5)))
    new = write(tmp_path / "b.jsonl", record("n1", suggestion("I10", 0.6)))
    page = tmp_path / "page.html"
    result = CliRunner().invoke(app, [str(old), str(new), "--html", str(page)])
    assert result.exit_code == 0
    assert "~ ICD-10-CM I10  0.50 -> 0.60" in result.stdout
    assert page.read_text().startswith("<!doctype html>")
    result = CliRunner().invoke(app, [str(old), str(new), "--json"])
    assert json.loads(result.stdout)["confidences_changed"] == 1
