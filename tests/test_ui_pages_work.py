"""The worklist and the import page, and what they are made of."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from pages_world import Pages, made_pages, words
from streamlit.testing.v1 import AppTest

from suggester.codesets import Catalog
from suggester.errors import InputError
from suggester.notes import Meter
from suggester.review.types import ROLES, ImportFailure, ImportProgress, Role
from suggester.types import Note
from suggester.ui import uploads
from suggester.ui.uploads import private_file, uploaded_notes

CANARY = "Quimbyzanzibar"


@pytest.fixture
def pages(tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    yield from made_pages(tmp_path, catalog, monkeypatch)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("worklist", {"coder", "auditor", "manager"}),
        ("import", {"manager", "admin"}),
        ("audit", {"auditor", "manager"}),
        ("dashboard", {"manager"}),
        ("claim", {"coder", "manager"}),
    ],
)
def test_pages_show_nothing_to_a_role_that_may_not(
    pages: Pages, role: Role, address: str, may: set[str]
) -> None:
    [note] = pages.world.put(f"hypertension of {CANARY}")
    pages.world.finished(note)
    app = pages.run(address, role, anybody=True)
    shut = "not for your role" in words(app)
    assert shut == (role not in may)
    if shut:
        assert not app.dataframe
        assert not app.button
        assert not app.selectbox
        assert "note-1" not in words(app)
    assert CANARY not in words(app)


# --- worklist ------------------------------------------------------------------------------------------


def rows(app: AppTest) -> list[str]:
    return [] if not app.dataframe else list(app.dataframe[0].value["Note"])


def test_empty_worklist_says_what_to_do(pages: Pages) -> None:
    assert "ask your manager" in words(pages.run("worklist", "coder"))
    assert "**Import** page" in words(pages.run("worklist", "manager"))


def test_worklist_shows_notes_and_the_day(pages: Pages) -> None:
    first, _, _ = pages.world.put("hypertension", "cough", "fever and gout")
    pages.world.finished(first)
    app = pages.run("worklist", "coder")
    assert sorted(rows(app)) == ["note-1", "note-2", "note-3"]
    assert {metric.label: metric.value for metric in app.metric} == {
        "Finished today": "1",
        "Codes today": "1",
        "Your pace": "0 s a note",
        "Open for you": "2",
        "Time left": "0 s",
    }
    assert list(app.dataframe[0].value["Status"]).count("Finished") == 1


def test_worklist_filters_and_clears(pages: Pages) -> None:
    first, second, _ = pages.world.put("hypertension", "cough", "fever and gout")
    pages.world.finished(first)
    pages.world.token("coder", 2)
    manager = pages.world.token("manager")
    other = next(user for user, name in pages.world.service.coders(manager) if name == "coder2")
    pages.world.service.assign(manager, (second,), other)
    app = pages.run("worklist", "manager")
    app.pills[0].select("finished").run()
    assert rows(app) == ["note-1"]
    app.button(key="work_clear").click().run()
    assert len(rows(app)) == 3
    app.number_input(key="work_below").set_value(50).run()
    assert rows(app) == ["note-3"]
    app.text_input(key="work_name").input("nothing").run()
    assert rows(app) == []
    assert "No note fits" in words(app)
    app.button(key="work_clear").click().run()
    app.date_input(key="work_since").set_value(date(2027, 1, 1)).run()
    assert rows(app) == []
    app.button(key="work_clear").click().run()
    for who, found in (("Nobody", "note-3"), ("coder2", "note-2"), ("coder1", "note-1"), ("Me", "")):
        app.selectbox(key="work_assigned").set_value(who).run()
        assert rows(app) == ([found] if found else [])
    assert not app.exception


def test_worklist_sorts_and_takes_the_next(pages: Pages) -> None:
    _, second = pages.world.put("hypertension", "fever")
    app = pages.run("worklist", "coder")
    app.selectbox(key="work_sort").set_value("Least sure").run()
    assert rows(app) == ["note-2", "note-1"]
    app.button(key="work_next").click().run()
    assert pages.opened == [second]


def test_last_free_note_may_be_gone(pages: Pages) -> None:
    pages.world.put("hypertension")
    app = pages.run("worklist", "coder")
    pages.patch.setattr(pages.world.service, "take_next", lambda *_, **__: None)
    app.button(key="work_next").click().run()
    assert "Somebody else took" in words(app)


def test_worklist_has_pages(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suggester.ui.pages.worklist._A_PAGE", 2)
    pages.world.put("hypertension", "cough", "fever", "gout", "diabetes")
    app = pages.run("worklist", "coder")
    assert len(rows(app)) == 2
    app.button(key="work_forth").click().run()
    app.button(key="work_forth").click().run()
    assert len(rows(app)) == 1
    assert app.button(key="work_forth").disabled
    app.button(key="work_back").click().run()
    assert "3–4 of 5" in words(app)
    app.session_state["_work_offset"] = 40
    app.run()
    assert "5–5 of 5" in words(app)


def ticked(pages: Pages, *places: int) -> None:
    """Tick rows of the list: the test runner cannot."""
    selection = SimpleNamespace(selection=SimpleNamespace(rows=list(places)))

    def dataframe(*_: Any, **__: Any) -> Any:
        return selection

    pages.patch.setattr(st, "dataframe", dataframe)


def test_manager_assigns_and_opens(pages: Pages) -> None:
    pages.world.token("coder")
    notes = pages.world.put("hypertension", "cough")
    ticked(pages, 0, 1)
    app = pages.run("worklist", "manager")
    assert pages.opened == []
    app.button(key="work_assign").click().run()
    assert "2 of 2 assigned" in words(app)
    service, token = pages.world.service, pages.world.token("manager")
    assert {row.assigned_to for row in service.worklist(token).rows} == {"coder1"}
    app.selectbox(key="work_to").set_value("Nobody").run()
    app.button(key="work_assign").click().run()
    assert {row.assigned_to for row in service.worklist(token).rows} == {None}
    ticked(pages, 1)
    app = pages.run("worklist", "manager")
    app.button(key="work_open").click().run()
    assert pages.opened[0] in notes


def test_manager_hears_why_assigning_failed(pages: Pages) -> None:
    pages.world.token("coder")
    pages.world.put("hypertension")
    ticked(pages, 0)
    app = pages.run("worklist", "manager")
    user = next(u for u in pages.world.service.list_users(pages.world.token("admin")) if u.name == "coder1")
    pages.patch.setattr(pages.world.service, "coders", lambda _: ((user.id, "coder1"),))
    pages.world.service.set_disabled(pages.world.token("admin"), user.id, disabled=True)
    app.button(key="work_assign").click().run()
    assert "no such coder" in words(app)


def test_coder_opens_by_a_tick(pages: Pages) -> None:
    [note] = pages.world.put("hypertension")
    ticked(pages, 0)
    pages.run("worklist", "coder")
    assert pages.opened == [note]


# --- import --------------------------------------------------------------------------------------------


@dataclass
class Sent:
    """A file that a browser sent."""

    name: str
    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    def getvalue(self) -> bytes:
        return self.content


def upload(pages: Pages, *files: Sent) -> AppTest:
    pages.patch.setattr(st, "file_uploader", lambda *_, **__: list(files))
    app = pages.run("import", "manager")
    app.button(key="import_start").click().run()
    assert not app.exception
    return app


def test_import_page_takes_files_and_lists_what_failed(pages: Pages) -> None:
    lines = b'{"id":"a","text":"hypertension"}\n{"id":"b"}\n{"id":"a","text":"again"}\nnot json\n'
    app = upload(pages, Sent("notes.jsonl", lines), Sent("visit 7.txt", f"gout, {CANARY}".encode()))
    assert "2 notes imported" in words(app)
    assert "3 records not imported" in words(app)
    table = app.dataframe[0].value
    assert next(iter(table["Record"])) == "notes.jsonl:2"
    assert CANARY not in words(app) + table.to_csv()
    names = {row.name for row in pages.world.service.worklist(pages.world.token("manager")).rows}
    assert names == {"a", "visit 7"}
    again = upload(pages, Sent("visit 7.txt", b"gout"))
    assert "Nothing new" in words(again)
    assert "1 note left out" in words(again)


def test_import_page_reads_a_zip_and_says_what_is_no_kind(pages: Pages) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("x/one.txt", "cough")
        archive.writestr("two.txt", b"\x00\x01binary")
    app = upload(
        pages, Sent("many.zip", packed.getvalue()), Sent("letter.docx", b"x"), Sent("empty.txt", b"")
    )
    assert "1 note imported" in words(app)
    assert sorted(app.dataframe[0].value["Record"])[0].startswith("empty")
    assert len(app.dataframe[0].value) == 3


def test_import_errors_are_a_safe_csv(pages: Pages) -> None:
    page = __import__("importlib").import_module("suggester.ui.pages.import")
    made: list[Any] = []
    pages.patch.setattr(page, "csv_download", lambda name, data, **_: made.append(data()))
    pages.patch.setattr(page, "table", lambda *_, **__: None)
    failure = ImportFailure(record="=cmd", code="field", message="id: is missing")
    page._show(ImportProgress(done=1, imported=0, skipped=0, failures=(failure,), finished=True))
    assert made == [b"record,code,message\r\n'=cmd,field,id: is missing\r\n"]


# --- uploads -------------------------------------------------------------------------------------------


def test_uploads_lie_in_a_private_file_that_goes_away() -> None:
    with private_file(b"words", ".txt") as path:
        assert path.name == "upload.txt"
        assert path.read_bytes() == b"words"
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert path.stat().st_uid == os.getuid()
    assert not path.parent.exists()


def test_upload_goes_away_when_reading_stops_half_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(uploads.tempfile, "tempdir", str(tmp_path))
    reading = uploaded_notes("notes.jsonl", b'{"id":"a","text":"x"}\n{"id":"b","text":"y"}\n')
    assert next(reading).id == "a"  # type: ignore[union-attr]
    assert len(list(tmp_path.iterdir())) == 1
    reading.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "ids"),
    [
        ("note.txt", b"x", ["note"]),
        ("C:\\files\\a.b.txt", b"x", ["a.b"]),
        ("../../up.txt", b"x", ["up"]),
        ("n.csv", b"id,text\r\none,x\r\ntwo,y\r\n", ["one", "two"]),
        ("n.jsonl", b'{"id":"upload","text":"x"}', ["n"]),
    ],
)
def test_uploaded_notes_have_their_ids(name: str, content: bytes, ids: list[str]) -> None:
    meter = Meter()
    found = list(uploaded_notes(name, content, meter=meter))
    assert [item.id for item in found if isinstance(item, Note)] == ids


@pytest.mark.parametrize("name", ["letter.docx", "noending", "bad.tx\u0301t", "x.zip"])
def test_upload_that_cannot_be_read_is_named(name: str) -> None:
    [error] = list(uploaded_notes(name, b"x"))
    assert isinstance(error, InputError)
    assert "upload" not in error.record
    assert error.record.startswith(name.split(".")[0])
