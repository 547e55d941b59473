"""The shell and the pages of Streamlit, and the files that the browser gets."""

from __future__ import annotations

import asyncio
import gc
import re
import socket
import tomllib
from pathlib import Path
from typing import Any, ClassVar

import pytest
import streamlit as st
import uvicorn
from starlette.responses import PlainTextResponse
from streamlit.testing.v1 import AppTest
from test_ui_web import TestClient, results
from ui_world import MemoryReview

import suggester.ui
from suggester.errors import SessionError
from suggester.review.permissions import PERMISSIONS, allows
from suggester.review.types import ROLES, Role
from suggester.ui import context as shared
from suggester.ui import records, server, shell
from suggester.ui.headers import COOKIE
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


@pytest.mark.parametrize(("oidc", "statuses"), [(None, [401, 401, 401]), ("main", [200, 200, 401])])
def test_provider_routes_are_open_only_where_one_is_set_up(
    review: MemoryReview, oidc: str | None, statuses: list[int]
) -> None:
    app = build_app(shared.AppContext(service=review, oidc=oidc), hosts=("localhost",))  # type: ignore[arg-type]
    made = app._user_middleware[0]

    async def passed(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("passed")(scope, receive, send)

    client = TestClient(made.cls(passed, **made.kwargs), base_url="http://localhost")
    assert [client.get(path).status_code for path in ("/", "/auth/login", "/media/x")] == statuses


@pytest.mark.parametrize(("role", "first"), [("coder", "/worklist"), ("admin", "/people"), (None, None)])
def test_the_bare_address_leads_to_where_the_role_starts(
    review: MemoryReview, role: Role | None, first: str | None
) -> None:
    app = build_app(shared.AppContext(service=review, oidc="main"))  # type: ignore[arg-type]
    made = app._user_middleware[1]

    async def passed(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("passed")(scope, receive, send)

    client = TestClient(made.cls(passed, **made.kwargs), base_url="http://localhost", follow_redirects=False)
    cookie = {} if role is None else {"cookie": f"{COOKIE}={review.demo_sign_in(role).token}"}
    answer = client.get("/", headers=cookie)
    assert answer.headers.get("location") == first
    assert client.get("/review", headers=cookie).text == "passed"
    assert client.post("/", headers=cookie).text == "passed"


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


def test_no_page_takes_the_buffer_of_an_upload() -> None:
    """Python 3.12 crashes when the collector meets ``BytesIO.getbuffer()`` in a cycle: the server died."""
    assert not [path.name for path in UI.rglob("*.py") if "getbuffer" in path.read_text(encoding="utf-8")]


def test_records_turn_nested_values_into_json() -> None:
    view = MemoryReview(results()).views["n1"]
    record = records.plain(view)
    assert record["note"]["text"] == view.note.text
    assert record["rows"][0]["state"] == "pending"
    assert records.plain({"a": {1: frozenset({"x"})}}) == {"a": {"1": ["x"]}}


# --- single pages -----------------------------------------------------------------------------------


def test_empty_worklist_says_what_to_do(review: MemoryReview, monkeypatch: pytest.MonkeyPatch) -> None:
    review.views.clear()
    app = page(monkeypatch, review.demo_sign_in("coder").token).run()
    assert not app.exception
    assert any("Import notes" in item.value for item in app.markdown)


def test_review_page_carries_no_note_text(review: MemoryReview, monkeypatch: pytest.MonkeyPatch) -> None:
    token = review.demo_sign_in("coder").token
    seen: list[dict[str, object]] = []
    monkeypatch.setattr("suggester.ui.pages.review.review_widget", seen.append)
    app = page(monkeypatch, token)
    app.query_params["note"] = "n1"
    app.session_state["_open_note"] = "n2"
    monkeypatch.setattr("suggester.ui.router.PAGES", tuple(p for p in PAGES if p.address == "review"))
    app.run()
    assert not app.exception
    assert seen[0]["note"] == "n1"
    assert seen[0]["csrf"] == shared.csrf_token(token)
    assert token not in str(seen)


def people(review: MemoryReview, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    token = review.demo_sign_in("admin").token
    return page(monkeypatch, token).run()


def test_people_are_added_and_changed(review: MemoryReview, monkeypatch: pytest.MonkeyPatch) -> None:
    app = people(review, monkeypatch)
    assert app.title[0].value == "People"
    assert app.caption[0].value == "There is nobody else yet."
    app.text_input[0].input("ada")
    app.text_input[2].input("ten letters at least")
    app.button[0].click().run()
    assert not app.exception
    assert "u-ada" in review.users
    for what, check in (("Role", lambda u: u.role == "auditor"), ("Disable", lambda u: u.disabled)):
        app = people(review, monkeypatch)
        app.radio[0].set_value(what)
        app.selectbox[2].set_value("auditor")
        app.button[1].click().run()
        assert not app.exception
        assert check(review.users["u-ada"]), what
    app = people(review, monkeypatch)
    app.radio[0].set_value("Password")
    app.text_input[3].input("short")
    app.button[1].click().run()
    assert "at least 10" in app.error[0].value


def test_people_page_shows_what_is_refused(review: MemoryReview, monkeypatch: pytest.MonkeyPatch) -> None:
    app = people(review, monkeypatch)
    app.button[0].click().run()
    assert "empty" in app.error[0].value


class Provider:
    """Stands for ``st.user`` of somebody whom a provider signed in."""

    is_logged_in = True
    values: ClassVar = {
        "iss": "https://id.example",
        "sub": "42",
        "email": "a@b.example",
        "email_verified": True,
    }

    def get(self, name: str, default: object = None) -> object:
        return self.values.get(name, default)

    def __getitem__(self, name: str) -> object:
        return self.values[name]


@pytest.mark.parametrize("verified", [True, False])
def test_provider_signs_in_by_ticket(
    review: MemoryReview, monkeypatch: pytest.MonkeyPatch, verified: bool
) -> None:
    context = shared.AppContext(service=review, oidc="main")  # type: ignore[arg-type]
    monkeypatch.setattr(shared, "_installed", [context])
    monkeypatch.setattr(shell.st, "user", Provider())
    monkeypatch.setattr(Provider, "values", {**Provider.values, "email_verified": verified})
    sent: list[dict[str, str]] = []
    monkeypatch.setattr(shell, "go_to", sent.append)
    app = page(monkeypatch, "").run()
    assert not app.exception
    token = context.tickets.redeem(sent[0]["ticket"])
    assert token is not None
    assert review.whoami(token).name == ("42 a@b.example" if verified else "42 None")


@pytest.mark.parametrize(("asked", "calls"), [("1", ["main"]), ("", [])])
def test_provider_is_asked_only_on_request(
    review: MemoryReview, monkeypatch: pytest.MonkeyPatch, asked: str, calls: list[str]
) -> None:
    context = shared.AppContext(service=review, oidc="main")  # type: ignore[arg-type]
    monkeypatch.setattr(shared, "_installed", [context])
    stranger = Provider()
    stranger.is_logged_in = False
    monkeypatch.setattr(shell.st, "user", stranger)
    made: list[str] = []
    monkeypatch.setattr(shell.st, "login", made.append)
    app = page(monkeypatch, "")
    app.query_params["oidc"] = asked
    app.run()
    assert made == calls


def test_script_errors_show_their_kind_only(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(server.st, "error", shown.append)
    assert server._script_failed(ValueError("Mrs. Quimby"))
    assert "ValueError" in shown[0]
    assert "Quimby" not in shown[0]


def test_listening_socket_answers_at_once_and_says_when_taken() -> None:
    with server.listening_socket("127.0.0.1", 0) as first:
        assert first.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert first.proto == socket.IPPROTO_TCP
        with pytest.raises(OSError, match="in use"):
            server.listening_socket("127.0.0.1", first.getsockname()[1])


def test_server_runs_with_our_settings(review: MemoryReview, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stop(Exception):
        pass

    made: list[uvicorn.Config] = []

    def run(self: uvicorn.Server, sockets: list[socket.socket]) -> None:
        made.append(self.config)
        sockets[0].close()
        raise Stop

    applied: list[dict[str, object]] = []
    monkeypatch.setattr(uvicorn.Server, "run", run)
    monkeypatch.setattr(server.bootstrap, "load_config_options", applied.append)
    with pytest.raises(Stop):
        server.run(shared.AppContext(service=review, demo=True), port=0)  # type: ignore[arg-type]
    assert made[0].access_log is False
    assert applied[0]["server.address"] == "127.0.0.1"
    assert applied[0]["browser.gatherUsageStats"] is False


def test_warm_memory_is_left_alone_by_the_collector(review: MemoryReview) -> None:
    async def once() -> None:
        async with server._lifespan(build_app(shared.AppContext(service=review))):  # type: ignore[arg-type]
            assert gc.get_freeze_count() > 0

    asyncio.run(once())
    gc.unfreeze()
