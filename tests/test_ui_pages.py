"""The shell and the pages of Streamlit, and the files that the browser gets."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from test_ui_web import results
from ui_world import MemoryReview

import suggester.ui
from suggester.errors import SessionError
from suggester.review.permissions import PERMISSIONS, allows
from suggester.review.types import ROLES, Role
from suggester.ui import context as shared
from suggester.ui import records, shell
from suggester.ui.router import PAGES
from suggester.ui.server import build_app, streamlit_settings

UI = Path(suggester.ui.__file__).parent
DOOR = UI / "script" / "door.py"
ROOT = Path(__file__).parents[1]


@pytest.fixture
def review(monkeypatch: pytest.MonkeyPatch) -> MemoryReview:
    """A service that the pages use, nobody signed in."""
    made = MemoryReview(results())
    monkeypatch.setattr(shared, "_installed", [shared.AppContext(service=made, demo=True)])  # type: ignore[arg-type]
    return made


def page(monkeypatch: pytest.MonkeyPatch, token: str) -> AppTest:
    monkeypatch.setattr(shell, "session_cookie", lambda: token)
    return AppTest.from_file(str(DOOR), default_timeout=20)


def test_pages_without_the_server_say_how_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "_installed", [])
    app = AppTest.from_file(str(DOOR), default_timeout=20).run()
    assert "suggester serve" in app.error[0].value


@pytest.mark.parametrize("token", ["", "stale"])
def test_pages_without_session_show_nothing(
    review: MemoryReview, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    app = page(monkeypatch, token).run()
    assert not app.dataframe
    assert not app.title
    assert not app.exception


def test_worklist_is_the_first_page_and_lists_notes(
    review: MemoryReview, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(monkeypatch, review.demo_sign_in("coder").token).run()
    assert not app.exception
    assert app.title[0].value == "Worklist"


def test_session_that_ends_while_a_page_is_drawn_leads_to_sign_in(
    review: MemoryReview, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object, **__: object) -> None:
        raise SessionError("idle")

    token = review.demo_sign_in("coder").token
    monkeypatch.setattr(review, "worklist", ended)
    app = page(monkeypatch, token).run()
    assert not app.exception
    assert not app.dataframe


def test_visit_outside_the_router_is_refused() -> None:
    with pytest.raises(RuntimeError):
        shell.visit()


@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_a_page_to_start_on(role: Role) -> None:
    assert [entry for entry in PAGES if allows(role, entry.permission) and entry.there]
    assert {entry.permission for entry in PAGES} <= set(PERMISSIONS)
    assert len({entry.address for entry in PAGES}) == len(PAGES)


def test_streamlit_settings_are_safe_and_the_same_in_the_checkout() -> None:
    settings = streamlit_settings()
    assert settings["browser.gatherUsageStats"] is False
    assert settings["client.showErrorDetails"] == "none"
    assert settings["server.address"] == "127.0.0.1"
    assert settings["server.enableAgentApi"] is False
    checkout = ROOT / ".streamlit" / "config.toml"
    assert tomllib.loads(checkout.read_text()) == tomllib.loads((UI / "streamlit.toml").read_text())
    for name in settings:
        assert name in st.config._config_options_template, name  # type: ignore[attr-defined]


def test_app_has_its_routes_behind_the_gate(review: MemoryReview) -> None:
    app = build_app(shared.AppContext(service=review, demo=True))  # type: ignore[arg-type]
    paths = {getattr(route, "path", "") for route in app._user_routes}
    assert {"/sign-in", "/api/decisions", "/export/{note}.csv", "/assets/widget"} <= paths


FRONT = sorted(
    path
    for folder in ("widget", "assets")
    for path in (UI / folder).iterdir()
    if path.suffix in {".js", ".html", ".css"}
)


@pytest.mark.parametrize("path", FRONT, ids=lambda path: path.name)
def test_front_end_reads_nothing_as_markup_and_asks_nobody_else(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    code = re.sub(r"^const FORBIDDEN.*$", "", text, flags=re.MULTILINE)
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert word not in code, word
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    assert "javascript:" not in text


def test_front_end_posts_note_words_in_bodies_only() -> None:
    calls = re.findall(r"api\.post\(([^,)]+)", "".join(p.read_text() for p in FRONT))
    assert calls
    assert not [call for call in calls if "query" in call and "?" in call]


def test_records_turn_nested_values_into_json() -> None:
    view = MemoryReview(results()).views["n1"]
    record = records.plain(view)
    assert record["note"]["text"] == view.note.text
    assert record["rows"][0]["state"] == "pending"
    assert records.plain({"a": {1: frozenset({"x"})}}) == {"a": {"1": ["x"]}}
