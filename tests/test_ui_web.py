"""The gate, the routes and sign-in, against a review service in memory."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import warnings
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from ui_world import MemoryReview

with warnings.catch_warnings():  # Starlette would rather have another httpx
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

from suggester.contract import suggestions_from_record
from suggester.types import Flag, Note
from suggester.ui.context import AppContext, Tickets, csrf_token
from suggester.ui.headers import COOKIE, Gate, content_policy, cookie_of, inline_script_hashes, same_origin
from suggester.ui.routes import api_routes
from suggester.ui.sign_in import local_address, sign_in_routes
from suggester.ui.web import CSRF_HEADER

ORIGIN = {"origin": "http://localhost", "host": "localhost"}
RIGHT = "right horse"
TEXT = "Essential hypertension. No chest pain."
FLAG = Flag(
    rule_id="icd10.excludes1", severity="error", message="two codes exclude each other", codes=("I10",)
)


def results() -> tuple[tuple[Note, Any], ...]:
    record = {
        "id": "note one",
        "run": {"version": "1", "model": "general", "codesets": {"ICD-10-CM": "2026-04-01"}},
        "suggestions": [
            {
                "rank": rank,
                "system": "ICD-10-CM",
                "code": code,
                "display": "title",
                "confidence": confidence,
                "evidence": [],
                "reasons": [],
                "flags": [],
            }
            for rank, (code, confidence) in enumerate((("I10", 0.95), ("R07.9", 0.4)), 1)
        ],
        "not_coded": [],
        "flags": [],
    }
    notes = (Note(id="note one", text=TEXT), Note(id="note two", text=TEXT))
    return tuple((note, suggestions_from_record(record, record="x")) for note in notes)


class World:
    """An app with a memory service behind the gate, and a browser that may sign in."""

    def __init__(self, **options: Any) -> None:
        self.service = MemoryReview(results(), flags=options.pop("flags", ()))
        self.context = AppContext(service=self.service, **options)  # type: ignore[arg-type]
        app = Starlette(
            routes=[
                *sign_in_routes(self.context),
                *api_routes(self.context),
                Route("/", lambda request: PlainTextResponse("page")),
                Route("/media/file", lambda request: PlainTextResponse("file")),
                WebSocketRoute("/_stcore/stream", _stream),
            ],
            middleware=[
                Middleware(
                    Gate,
                    refused=lambda scope: self.context.refusal(cookie_of(scope)),
                    hosts=("localhost",),
                    policy=content_policy(),
                )
            ],
        )
        self.client = TestClient(app, base_url="http://localhost", follow_redirects=False)

    def sign_in(self, password: str = RIGHT) -> Any:
        return self.client.post("/sign-in", data={"name": "ada", "password": password}, headers=ORIGIN)

    @property
    def token(self) -> str:
        return str(self.client.cookies[COOKIE])

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        proof = {CSRF_HEADER: csrf_token(self.token)}
        return self.client.post(path, json=body or {}, headers={**ORIGIN, **proof, **headers})


async def _stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


@pytest.fixture
def world() -> World:
    made = World()
    made.sign_in()
    return made


def decision(**fields: Any) -> dict[str, Any]:
    return {
        "uuid": "2f0f5a1e-8a6c-4b1e-9d43-0123456789ab",
        "note_id": "n1",
        "action": "accept",
        "row_id": "n1.1",
        **fields,
    }


# --- the gate ---------------------------------------------------------------------------------------


def test_gate_sends_pages_without_session_to_sign_in_and_back() -> None:
    answer = World().client.get("/?note=n1", headers={"accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/%3Fnote%3Dn1"


@pytest.mark.parametrize("path", ["/media/file", "/export/n1.csv", "/_stcore/upload_file/x"])
def test_gate_keeps_everything_else_closed_without_session(path: str) -> None:
    assert World().client.get(path).status_code == 401


def test_gate_opens_after_sign_in_and_closes_when_the_session_ends(world: World) -> None:
    assert world.client.get("/media/file").text == "file"
    world.service.end(world.token, "idle")
    assert world.client.get("/media/file").status_code == 401


def test_gate_refuses_foreign_hosts_and_metrics(world: World) -> None:
    assert world.client.get("/", headers={"host": "evil.example"}).status_code == 421
    assert world.client.get("/_stcore/metrics").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {},
        {"sec-fetch-site": "cross-site"},
        {"origin": "http://localhost", "sec-fetch-site": "same-site"},
    ],
)
def test_gate_refuses_writes_from_elsewhere(world: World, headers: dict[str, str]) -> None:
    proof = {CSRF_HEADER: csrf_token(world.token)}
    answer = world.client.post("/api/next", json={}, headers={**proof, **headers})
    assert answer.status_code == 403


def test_gate_refuses_web_sockets_without_session_or_from_elsewhere(world: World) -> None:
    with world.client.websocket_connect("ws://localhost/_stcore/stream", headers=ORIGIN):
        pass
    with (
        pytest.raises(WebSocketDisconnect),
        world.client.websocket_connect(
            "ws://localhost/_stcore/stream", headers={"origin": "http://evil.example"}
        ),
    ):
        pass
    with (
        pytest.raises(WebSocketDisconnect),
        World().client.websocket_connect("ws://localhost/_stcore/stream", headers=ORIGIN),
    ):
        pass


def test_gate_sets_security_headers_everywhere(world: World) -> None:
    for path in ("/", "/sign-in", "/nothing"):
        headers = world.client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"].split("style-src")[0]
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"


def test_same_origin_trusts_nothing_that_says_nothing() -> None:
    assert not same_origin({"headers": [(b"host", b"localhost")]})
    assert same_origin({"headers": [(b"host", b"localhost"), (b"sec-fetch-site", b"same-origin")]})


def test_gate_lets_the_start_of_the_server_through() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    gate = Gate(app, refused=lambda scope: "unknown", hosts=(), policy="")
    asyncio.run(gate({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]


def test_inline_scripts_of_a_page_are_allowed_by_their_hash(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text("<script>a</script><script src='b'></script>")
    assert inline_script_hashes(page) == ("'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='",)


def test_cookie_of_reads_none_from_broken_cookies() -> None:
    assert cookie_of({"headers": [(b"cookie", b"=;;\x00bad")]}) is None
    assert cookie_of({"headers": []}) is None


# --- sign-in ----------------------------------------------------------------------------------------


def test_sign_in_sets_a_strict_cookie_and_goes_on() -> None:
    world = World()
    answer = world.client.post(
        "/sign-in", data={"name": "ada", "password": "right horse", "next": "/review?note=n1"}, headers=ORIGIN
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/review?note=n1")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_sign_in_refuses_and_says_so_without_the_password() -> None:
    answer = World().sign_in("wrong & <b>")
    assert answer.status_code == 403
    assert "do not go together" in answer.text
    assert "<b>" not in answer.text
    assert COOKIE not in answer.cookies


def test_sign_in_page_explains_why_and_refuses_long_forms() -> None:
    world = World()
    assert "without activity" in world.client.get("/sign-in?why=idle").text
    assert "hidden" in world.client.get("/sign-in?why=nonsense").text
    assert world.client.post("/sign-in", content=b"x" * 20_000, headers=ORIGIN).status_code == 413


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "/sign-in", "/a\nb", "", "review"]
)
def test_sign_in_goes_nowhere_else(target: str) -> None:
    assert local_address(target) == "/"


def test_demo_signs_in_by_itself_in_the_role_asked_for() -> None:
    world = World(demo=True)
    assert world.client.get("/sign-in?role=manager").status_code == 303
    assert world.service.whoami(world.token).role == "manager"
    world.client.get("/sign-in?role=nonsense")
    assert world.service.whoami(world.token).role == "coder"


def test_proxy_header_signs_in_only_where_trusted() -> None:
    trusted, other = World(proxy_header="x-remote-user"), World()
    assert trusted.client.get("/sign-in", headers={"x-remote-user": "ada"}).status_code == 303
    assert other.client.get("/sign-in", headers={"x-remote-user": "ada"}).status_code == 200


def test_proxy_header_refused_by_the_service_shows_the_form(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(proxy_header="x-remote-user")
    monkeypatch.setattr(
        world.service,
        "sign_in_proxy",
        lambda **_: MemoryReview.sign_in_proxy(world.service, name="a", peer="10.0.0.1"),
    )
    assert world.client.get("/sign-in", headers={"x-remote-user": "ada"}).status_code == 403


def test_sign_out_ends_the_session_and_needs_the_proof(world: World) -> None:
    assert world.client.post("/api/sign-out", headers=ORIGIN).status_code == 403
    answer = world.post("/api/sign-out")
    assert answer.json()["to"] == "/sign-in?why=signed_out"
    assert 'suggester_session=""' in answer.headers["set-cookie"]
    assert not world.service.sessions


def test_sign_out_of_an_ended_session_is_quiet(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    token, proof = world.token, {CSRF_HEADER: csrf_token(world.token)}
    monkeypatch.setattr(world.context.__class__, "refusal", lambda *_: None)
    world.service.end(token, "idle")
    assert world.client.post("/api/sign-out", headers={**ORIGIN, **proof}).status_code == 200


def test_ticket_becomes_a_cookie_once() -> None:
    world = World()
    signed = world.service.sign_in("ada", "right horse")
    ticket = world.context.tickets.issue(signed.token)
    assert world.client.post("/sign-in/ticket", content=ticket, headers=ORIGIN).status_code == 200
    assert world.token == signed.token
    assert world.client.post("/sign-in/ticket", content=ticket, headers=ORIGIN).status_code == 403


def test_tickets_lapse(monkeypatch: pytest.MonkeyPatch) -> None:
    tickets, clock = Tickets(), [100.0]
    monkeypatch.setattr("suggester.ui.context.time.monotonic", lambda: clock[0])
    ticket = tickets.issue("token")
    clock[0] = 131.0
    assert tickets.redeem(ticket) is None


def test_oidc_link_is_offered_where_set_up() -> None:
    assert "/?oidc=1" in World(oidc="main").client.get("/sign-in").text
    assert "/?oidc=1" not in World().client.get("/sign-in").text


# --- routes -----------------------------------------------------------------------------------------


def test_decisions_are_acknowledged_and_replays_are_harmless(world: World) -> None:
    body = {"decisions": [decision()], "client": "tab"}
    first, again = world.post("/api/decisions", body), world.post("/api/decisions", body)
    assert [a.json()["acks"][0]["status"] for a in (first, again)] == ["durable", "durable"]
    assert world.service.views["n1"].version == 1
    assert world.service.batches[0] == ("tab", "primary")


def test_decisions_are_refused_one_by_one(world: World) -> None:
    other = decision(uuid="3f0f5a1e-8a6c-4b1e-9d43-0123456789ab", row_id="n1.77")
    acks = world.post("/api/decisions", {"decisions": [decision(), other]}).json()["acks"]
    assert [(a["status"], a["code"]) for a in acks] == [("durable", None), ("refused", "row_unknown")]


@pytest.mark.parametrize(
    "items",
    [
        None,
        [],
        ["x"],
        [decision(uuid="1")],
        [decision(uuid=None)],
        [decision(note_id=None)],
        [decision(action="finish")],
        [decision(action="drop")],
        [decision(system="ICD-9")],
        [decision(span={"start": 3, "end": 3})],
        [decision(span=[1, 2])],
        [decision(position=-1)],
        [decision(position=True)],
        [decision(reason="x" * 5000)],
        [decision(code=5)],
    ],
)
def test_decisions_of_another_shape_are_refused(world: World, items: Any) -> None:
    answer = world.post("/api/decisions", {"decisions": items})
    assert answer.status_code == 400
    assert answer.json()["error"] == "field"
    assert not world.service.seen


def test_routes_need_session_proof_and_json(world: World) -> None:
    proof = csrf_token(world.token)
    post = world.client.post
    assert post("/api/next", json={}, headers=ORIGIN).json()["error"] == "csrf"
    assert post("/api/next", json={}, headers={**ORIGIN, CSRF_HEADER: csrf_token("other")}).status_code == 403
    good = {**ORIGIN, CSRF_HEADER: proof}
    assert post("/api/next", content=b"[1", headers=good).json()["error"] == "json"
    assert post("/api/next", content=b"[" * 100_000, headers=good).json()["error"] == "json"
    assert post("/api/next", content=b'{"a":"' + b"x" * 1_000_001 + b'"}', headers=good).status_code == 413
    assert post("/api/next", content=b"", headers=good).status_code == 200


def test_route_without_any_cookie_says_so() -> None:
    world = World()
    answer = TestClient(Starlette(routes=api_routes(world.context))).post("/api/next", json={})
    assert (answer.status_code, answer.json()["reason"]) == (401, "unknown")


def test_route_tells_why_a_session_ended(world: World) -> None:
    token = world.token
    world.service.end(token, "idle")
    app = TestClient(Starlette(routes=api_routes(world.context)), cookies={COOKIE: token})
    answer = app.post("/api/next", json={}, headers={CSRF_HEADER: csrf_token(token)})
    assert (answer.status_code, answer.json()["reason"]) == (401, "idle")


def test_unforeseen_errors_keep_their_words_to_themselves(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(token: str, note_id: str, *, track: str = "primary") -> None:
        raise ValueError(TEXT)

    monkeypatch.setattr(world.service, "take", fail)
    with caplog.at_level(logging.ERROR):
        answer = world.post("/api/notes/n1/take")
    assert answer.status_code == 500
    assert TEXT not in answer.text
    assert TEXT not in caplog.text
    assert "ValueError" in caplog.text
    assert answer.json()["message"].split("incident ")[1][:8] in caplog.text


def test_notes_are_taken_looked_at_and_given_back(world: World) -> None:
    first = world.post("/api/next").json()
    assert first["view"]["note"]["text"] == TEXT
    assert first["progress"]["open_notes"] == 2
    second = world.post("/api/next", {"leave": "n1", "skip": []}).json()["view"]
    assert second["id"] == "n2"
    assert world.post("/api/notes/n2/heartbeat").json()["lease"]["note_id"] == "n2"
    world.post("/api/notes/n2/release")
    assert not world.service.holders
    world.service.holders["n1"] = "someone"
    held = world.post("/api/notes/n1/take")
    assert (held.status_code, held.json()["held_by"]) == (409, "Ada")
    assert world.post("/api/notes/n1/view").json()["view"]["lease"] is None
    assert world.post("/api/notes/zzz/take").status_code == 404
    assert world.post("/api/notes/n2/take", {"track": 5}).status_code == 400


def test_next_comes_round_to_skipped_notes_and_then_to_none(world: World) -> None:
    again = world.post("/api/next", {"skip": ["n1", "n2"]}).json()
    assert (again["view"]["id"], again["again"]) == ("n1", True)
    world.service.views["n1"] = dataclasses.replace(world.service.views["n1"], status="finished")
    assert world.post("/api/next", {"leave": "n2"}).json()["view"]["id"] == "n2"
    world.service.views.clear()
    assert world.post("/api/next").json()["view"] is None


def test_bulk_accept_takes_only_what_was_shown(world: World) -> None:
    preview = world.post("/api/notes/n1/bulk", {"threshold": 0.9}).json()["preview"]
    assert preview["rows"] == ["n1.1"]
    assert preview["expected_wrong"] == pytest.approx(0.05)
    other = world.post("/api/notes/n1/bulk-accept", {"threshold": 0.9, "rows": ["n1.1", "n1.2"]}).json()
    assert other["acks"] is None
    done = world.post("/api/notes/n1/bulk-accept", {"threshold": 0.9, "rows": ["n1.1"]}).json()
    assert done["acks"][0]["status"] == "durable"
    for wrong in (2, "x", True, None):
        assert world.post("/api/notes/n1/bulk", {"threshold": wrong}).status_code == 400


def test_finish_asks_for_reasons_then_gives_the_summary() -> None:
    world = World(flags=(FLAG,))
    world.sign_in()
    world.post("/api/decisions", {"decisions": [decision()]})
    assert (
        world.post("/api/notes/n1/summary").json()["summary"]["standing"][0]["rule_id"] == "icd10.excludes1"
    )
    refused = world.post("/api/notes/n1/finish")
    assert (refused.status_code, refused.json()["flags"][0]["codes"]) == (409, ["I10"])
    for wrong in ("x", [1], [{"rule_id": "a", "codes": "I10"}], [{"codes": [1]}]):
        assert world.post("/api/notes/n1/finish", {"overrides": wrong}).status_code == 400
    reasons = [{"rule_id": "icd10.excludes1", "codes": ["I10"], "reason": "two sites"}]
    done = world.post("/api/notes/n1/finish", {"overrides": reasons}).json()
    assert done["finished"]["seconds"] == 42.0
    assert done["progress"]["finished_today"] == 1
    assert world.post("/api/notes/n1/reopen", {"reason": ""}).status_code == 400
    assert (
        world.post("/api/notes/n1/reopen", {"reason": "late result"}).json()["view"]["status"] == "reopened"
    )
    world.post("/api/notes/n1/second-review", {"reason": "look"})
    assert world.service.views["n1"].status == "second_review"


def test_downloads_need_the_session_and_are_not_kept(world: World) -> None:
    world.post("/api/decisions", {"decisions": [decision()]})
    answer = world.client.get("/export/n1.csv")
    assert answer.text == "code\nI10"
    assert answer.headers["content-disposition"] == 'attachment; filename="coding-summary.csv"'
    assert answer.headers["cache-control"] == "no-store"
    assert world.client.get("/export/n1.json").headers["content-type"] == "application/json"
    world.service.end(world.token, "signed_out")
    assert world.client.get("/export/n1.csv").status_code == 401


def test_codes_are_searched_by_body_not_address(world: World) -> None:
    hits = world.post("/api/codes/search", {"query": "high blood pressure", "note_id": "n1"}).json()["hits"]
    assert hits[0]["code"] == "I10"
    assert world.client.get("/api/codes/search?query=x").status_code == 405
    assert world.post("/api/codes/search", {"query": "x" * 500}).status_code == 400
    assert world.post("/api/codes/search", {"query": 5}).status_code == 400
    details = world.post("/api/codes/details", {"system": "ICD-10-CM", "code": "I10"}).json()["details"]
    assert details["notes"] == [["includes", "high blood pressure", "I10"]]
    assert world.post("/api/codes/details", {"code": "I10"}).status_code == 400
    assert world.post("/api/codes/favourite", {"code": "I10"}).status_code == 400
    starred = world.post("/api/codes/favourite", {"system": "ICD-10-CM", "code": "I10", "favourite": True})
    assert starred.json()["mine"]["favourites"][0]["code"] == "I10"
    assert world.post("/api/codes/mine").json()["mine"]["recent"] == []
    assert world.post("/api/notes/n1/ladder", {"row_id": "n1.1"}).json()["ladder"][0]["missing"] == ["heart"]


def test_questions_are_drafted_and_kept(world: World) -> None:
    draft = world.post("/api/notes/n1/query-draft", {"kind": "cause", "span": {"start": 0, "end": 9}}).json()
    assert draft["draft"]["kind"] == "cause"
    assert world.post("/api/notes/n1/query-draft", {"kind": "leading"}).status_code == 400
    kept = world.post("/api/notes/n1/query", {"kind": "cause", "text": "Which?", "row_id": "n1.1"}).json()
    assert kept["query"]["text"] == "Which?"
    assert world.post("/api/notes/n1/query", {"kind": "cause", "text": " "}).status_code == 400
