"""The same shard function everywhere: pool, Spark's frames, and the real engine give the same bytes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest
from test_batch_fakes import FakeEngine, fake_engine

from suggester.batch import Job, run
from suggester.batch.manifest import identity_of
from suggester.batch.ray_engine import ray_executor
from suggester.batch.spark import OUTPUT_SCHEMA, suggest_frames
from suggester.config import Settings
from suggester.contract import suggestions_from_record
from suggester.errors import ConfigError
from suggester.notes import read_notes
from suggester.suggest import Suggester, load
from suggester.types import Note

HERE = Path(__file__).resolve().parent


def rows() -> list[dict[str, object]]:
    found: list[dict[str, object]] = [{"id": f"n{n}", "text": f"cough {n}", "sex": "F"} for n in range(10)]
    found[3]["text"] = ""
    found[5]["text"] = None
    found[7]["id"] = "n6"
    found[8]["text"] = "RAISE"
    return found


def test_frames_give_the_lines_of_a_run(tmp_path: Path) -> None:
    settings = Settings(store_dir=tmp_path)
    frame = pd.DataFrame(rows())
    out = pd.concat(suggest_frames(settings, factory=fake_engine)(iter([frame[:4], frame[4:]])))
    assert list(out.columns) == [column.split()[0] for column in OUTPUT_SCHEMA.split(", ")]
    assert len(out) == 10
    source = tmp_path / "in.jsonl"
    lines = [{"id": row["id"], "text": row["text"], "patient": {"sex": "F"}} for row in rows()]
    source.write_text("\n".join(map(json.dumps, lines)))
    run(source, tmp_path / "out.jsonl", settings=settings, factory=fake_engine)
    expected = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert sorted(line for line in out["line"] if line) == sorted(expected)
    codes = [json.loads(error)["code"] for error in out["error"] if error]
    assert codes == ["empty", "field", "duplicate_id", "internal"]


def test_frames_with_other_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"key": [1, 2], "body": ["cough", "visit"], "dos": pd.to_datetime(["2026-06-01", None])}
    )
    columns = {"id": "key", "text": "body", "service_date": "dos"}
    function = suggest_frames(
        Settings(store_dir=tmp_path), factory=fake_engine, columns=columns, job=Job(auto_accept=0.5)
    )
    out = next(function(iter([frame])))
    assert list(out["id"]) == ["1", "2"]
    assert [json.loads(line)["suggestions"][0]["auto_accepted"] for line in out["line"]] == [True, True]


def test_ray_that_is_not_there_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match="Ray is not installed"):
        ray_executor(Settings(store_dir=tmp_path), fake_engine, Job(), 2)


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Suggester:
    return load(settings)


def test_the_identity_names_all_that_decides(engine: Suggester) -> None:
    found = identity_of(engine)
    assert {"version", "model", "settings", "longest note"} <= set(found)
    assert found["model"].startswith("general 1 (")
    assert [name for name in found if name.startswith("codes ICD-10-CM ")]
    assert identity_of(engine) == found
    assert identity_of(FakeEngine()) == {"engine": "FakeEngine"}


@pytest.mark.slow
def test_the_real_engine_pre_codes_messages_from_hospitals(
    tmp_path: Path, settings: Settings, engine: Suggester
) -> None:
    """Note to suggestion to FHIR and back: what is suggested for a note survives its way through FHIR."""
    out = tmp_path / "out.jsonl"
    summary = run(HERE / "messages" / "mdm_t02.hl7", out, settings=settings, factory=lambda _: engine)
    assert (summary.done, summary.failed) == (1, 0)
    result = suggestions_from_record(json.loads(out.read_text()), record="r")
    assert any(item.code.code.startswith("E11") for item in result.suggestions)
    (note,) = read_notes(HERE / "messages" / "mdm_t02.hl7")
    assert isinstance(note, Note)
    again = tmp_path / "again.json"
    again.write_text(json.dumps(as_fhir(note)))
    (back,) = read_notes(again)
    assert isinstance(back, Note)
    assert (back.text, back.id, back.service_date, back.setting) == (
        note.text,
        note.id,
        note.service_date,
        note.setting,
    )
    assert back.patient == note.patient
    assert engine.suggest(back).suggestions == engine.suggest(note).suggestions
    conditions = [
        {
            "resourceType": "Condition",
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": item.code.code}]},
        }
        for item in result.suggestions
        if item.code.system == "ICD-10-CM"
    ]
    told = [item["code"]["coding"][0]["code"] for item in json.loads(json.dumps(conditions))]  # type: ignore[index]
    assert told == [item.code.code for item in result.suggestions if item.code.system == "ICD-10-CM"]


def as_fhir(note: Note) -> dict[str, object]:
    """A note as a Bundle of DocumentReference, Patient and Encounter, checked by the R4 models."""
    import base64

    from fhir.resources.R4B.bundle import Bundle

    assert note.patient is not None
    assert note.service_date is not None
    gender = {"F": "female", "M": "male", None: "unknown"}[note.patient.sex]
    act = {"outpatient": "AMB", "inpatient": "IMP", "emergency": "EMER", None: "UNK"}[note.setting]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {
                "resource": {
                    "resourceType": "Patient",
                    "id": note.patient.id,
                    "gender": gender,
                    "birthDate": str(note.patient.birth_date),
                }
            },
            {
                "resource": {
                    "resourceType": "Encounter",
                    "id": note.encounter_id,
                    "status": "finished",
                    "class": {"code": act},
                    "period": {"start": str(note.service_date)},
                }
            },
            {
                "resource": {
                    "resourceType": "DocumentReference",
                    "id": note.id,
                    "status": "current",
                    "subject": {"reference": f"Patient/{note.patient.id}"},
                    "context": {"encounter": [{"reference": f"Encounter/{note.encounter_id}"}]},
                    "content": [
                        {
                            "attachment": {
                                "contentType": "text/plain",
                                "data": base64.b64encode(note.text.encode()).decode(),
                            }
                        }
                    ],
                }
            },
        ],
    }
    Bundle.model_validate(bundle)
    return bundle
