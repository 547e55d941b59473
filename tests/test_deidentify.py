"""De-identification: what is found, how it is replaced, and that only the key file brings it back."""

from __future__ import annotations

import json
import re
import stat
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from eval.score_deidentify import notes, score
from suggester.cli import main
from suggester.deidentify import Finder, KeyFile, Replacer, restored
from suggester.errors import DeidentifyError
from suggester.types import Note, Patient

SECRET = b"0123456789abcdef"
TEXT = (
    "Patient: Hrdlicka, Thessaly\nMRN: 00455123  DOB: 3/4/1961\n"
    "Seen 3/18/2026 by Dr. Tregenza. Thessaly has hypertension. Call (555) 201-3344.\n"
    "ASSESSMENT: Parkinson disease, Hodgkin lymphoma 2012. BP 132/84. Strength 5/5."
)


def kinds(text: str) -> list[tuple[str, str]]:
    return [(item.kind, text[item.span.start : item.span.end]) for item in Finder().find(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. Oyelaran returns", [("name", "Oyelaran")]),
        ("her son, Tadeusz, drove", [("name", "Tadeusz")]),
        ("J. Q. Vanterpool, M.D.", [("name", "J. Q. Vanterpool")]),
        ("cc: Ximena Kealoha", [("name", "Ximena Kealoha")]),
        ("since 3/14 he", [("date", "3/14")]),
        ("on March 3rd, 2024", [("date", "March 3rd, 2024")]),
        ("in May 2021", [("date", "May 2021")]),
        ("a 94-year-old man", [("age", "94")]),
        ("a 64-year-old man", []),
        ("mail x.y@example.org", [("email", "x.y@example.org")]),
        ("see https://example.org/a", [("url", "https://example.org/a")]),
        ("host 10.20.30.40", [("ip", "10.20.30.40")]),
        ("SSN 123-45-6789", [("ssn", "123-45-6789")]),
        ("lives at 12 Old Mill Road, Apt 4", [("address", "12 Old Mill Road, Apt 4")]),
        ("moved to Truckee, CA 96161", [("address", "Truckee, CA 96161")]),
        ("at Lakeside Medical Center", [("place", "Lakeside Medical Center")]),
        ("Policy # XK-449-2231", [("id", "XK-449-2231")]),
        ("Babinski, Romberg and Murphy signs absent", []),
        ("Foley in place, Colles fracture, Crohn disease", []),
        ("BP 120/80, pain 5/10, 5/5 strength, EF 55-60%", []),
        ("Lisinopril 20 mg, Type 2 diabetes, L4-5 disc", []),
    ],
)
def test_what_is_found(text: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(text) == expected


def test_a_name_is_found_again_wherever_it_stands() -> None:
    found = kinds("Dr. Tregenza called. TREGENZA's note and Tregenza agree.")
    assert [text.lower() for _, text in found] == ["tregenza"] * 3


def test_the_patients_own_id_is_found() -> None:
    found = Finder().find("chart of Q77Z here", patient=Patient(id="Q77Z"))
    assert [item.kind for item in found] == ["id"]


def test_tags_are_numbered_and_dates_keep_their_distance() -> None:
    clean = Replacer(SECRET).clean(Note(id="n1", text=TEXT, service_date=date(2026, 3, 18)))
    text = clean.note.text
    assert text.count("[NAME 1]") == 1
    assert "Parkinson disease, Hodgkin lymphoma 2012. BP 132/84. Strength 5/5." in text
    for secret in ("Hrdlicka", "Thessaly", "Tregenza", "00455123", "201-3344", "3/18/2026"):
        assert secret not in text
    born, seen = (date(int(y), int(m), int(d)) for m, d, y in re.findall(r"(\d+)/(\d+)/(\d{4})", text))
    assert (seen - born) == date(2026, 3, 18) - date(1961, 3, 4)
    assert clean.note.service_date == seen
    assert restored(text, clean.replaced) == TEXT


def test_dates_can_be_taken_out_and_ids_are_stable_under_one_secret() -> None:
    note = Note(id="n1", text=TEXT, encounter_id="e1", patient=Patient(id="p1", birth_date=date(1961, 3, 4)))
    one, again = Replacer(SECRET, dates="tag").clean(note), Replacer(SECRET, dates="tag").clean(note)
    other = Replacer(SECRET[::-1], dates="tag").clean(note)
    assert one == again
    assert one.note.id != other.note.id
    assert "[DATE 1]" in one.note.text
    assert one.note.patient is not None
    assert one.note.patient.birth_date is None
    assert {one.note.id, one.note.encounter_id, one.note.patient.id}.isdisjoint({"n1", "e1", "p1"})


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Replacer(b"short")


@given(st.text(max_size=300))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    clean = Replacer(SECRET).clean(Note(id="n", text=text))
    assert restored(clean.note.text, clean.replaced) == text
    for item in clean.replaced:
        assert 0 <= item.span.start < item.span.end <= len(clean.note.text)


def test_recall_on_synthetic_notes() -> None:
    found, total, right, replaced, _ = score(notes(60, seed=7))
    assert found.total() / total.total() > 0.98
    assert right / replaced > 0.98


def test_notes_go_out_clean_and_come_back(tmp_path: Path) -> None:
    source, out, key, back = (tmp_path / name for name in ("in.jsonl", "out.jsonl", "key", "back.jsonl"))
    record = {
        "id": "visit-1",
        "text": TEXT,
        "service_date": "2026-03-18",
        "setting": "outpatient",
        "encounter_id": "e-9",
        "patient": {"id": "p-4", "sex": "F"},
    }
    source.write_text(json.dumps(record) + "\n{broken\n", encoding="utf-8")
    run = CliRunner().invoke(main, ["deidentify", str(source), "-o", str(out), "--key", str(key)])
    assert run.exit_code == 1  # one record could not be read
    assert "not everything is found" in run.stderr
    assert "Hrdlicka" not in out.read_text(encoding="utf-8") + run.output
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    again = CliRunner().invoke(
        main, ["deidentify", str(out), "-o", str(back), "--key", str(key), "--restore"]
    )
    assert again.exit_code == 0, again.output
    assert json.loads(back.read_text(encoding="utf-8")) == record
    unknown = CliRunner().invoke(
        main, ["deidentify", str(source), "-o", str(back), "--key", str(key), "--restore"]
    )
    assert unknown.exit_code == 1
    assert json.loads(back.read_text(encoding="utf-8")) == record  # still the whole file of before
    assert CliRunner().invoke(main, ["deidentify", str(out), "-o", str(back), "--restore"]).exit_code == 2


def test_a_key_file_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "key"
    KeyFile.create(path)
    with pytest.raises(DeidentifyError, match="is there already"):
        KeyFile.create(path)
    assert KeyFile.open(path).originals == {}
    path.chmod(0o644)
    with pytest.raises(DeidentifyError, match="read by others"):
        KeyFile.open(path)
    path.chmod(0o600)
    for damage in ("", "{}\n", '{"suggester_key": 1, "secret": "zz"}\n', "[1]\n"):
        path.write_text(damage, encoding="utf-8")
        with pytest.raises(DeidentifyError, match="no key file"):
            KeyFile.open(path)
    with pytest.raises(DeidentifyError, match="cannot be read"):
        KeyFile.open(tmp_path / "none")
    with pytest.raises(DeidentifyError, match="cannot be written"):
        KeyFile.create(tmp_path / "no" / "key")
