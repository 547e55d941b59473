"""The HTTP service: statuses, roles, limits, jobs, and the whole of it against its own OpenAPI document."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from suggester.api import ApiLimits, create_app
from suggester.api.jobs import Jobs, TooManyJobsError
from suggester.errors import EmptyInputError, NotFoundError
from suggester.review import ReviewService, open_review
from suggester.review.permissions import PERMISSIONS
from suggester.review.types import ROLES, Role
from suggester.suggest import load
from suggester.types import Note, Suggestions

CANARY = "Zyxwvutsky"


@pytest.fixture(scope="module")
def service() -> Iterator[ReviewService]:
    opened = open_review(demo=True)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def app(service: ReviewService) -> FastAPI:
    return create_app(service, load, limits=ApiLimits(per_minute=1_000_000, notes=50))


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def tokens(service: ReviewService) -> dict[Role, str]:
    return {role: service.demo_sign_in(role).token for role in ROLES}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def note(number: int = 1, **fields: Any) -> dict[str, Any]:
    text = f"{CANARY} here.\nAssessment: Type 2 diabetes mellitus. Essential hypertension. No chest pain."
    return {"id": f"api-{number}", "text": text, "setting": "outpatient", **fields}


def waited(client: TestClient, token: str, job: str) -> dict[str, Any]:
    for _ in range(600):
        state: dict[str, Any] = client.get(f"/v1/jobs/{job}", headers=bearer(token)).json()
        if state["status"] in ("done", "stopped"):
            return state
        time.sleep(0.05)
    raise AssertionError("the job did not end")


def test_health_needs_no_token_and_says_nothing_of_notes(client: TestClient) -> None:
    reply = client.get("/v1/health")
    assert reply.status_code == 200
    assert set(reply.json()) == {"status", "version", "engine"}
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_suggest_gives_the_contract_of_the_output_file(client: TestClient, tokens: dict[Role, str]) -> None:
    reply = client.post("/v1/suggest", json=note(), headers=bearer(tokens["coder"]))
    assert reply.status_code == 200
    codes = {item["code"] for item in reply.json()["suggestions"]}
    assert {"E11.9", "I10"} <= codes
    for item in reply.json()["suggestions"]:
        for evidence in item["evidence"]:
            assert note()["text"][evidence["start"] : evidence["end"]] == evidence["text"]


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nobody"}, {"Authorization": "Basic eDp5"}])
def test_without_a_token_that_holds_nothing_is_done(client: TestClient, header: dict[str, str]) -> None:
    for method, path, body in EVERYTHING:
        reply = client.request(method, path, json=body, headers=header)
        assert reply.status_code == 401, path
        assert reply.headers["www-authenticate"] == "Bearer"


EVERYTHING: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/v1/suggest", note()),
    ("POST", "/v1/notes", {"notes": [note()]}),
    ("GET", "/v1/worklist", None),
    ("GET", "/v1/notes/x", None),
    ("POST", "/v1/notes/x/take", None),
    ("POST", "/v1/notes/x/heartbeat", None),
    ("POST", "/v1/notes/x/release", None),
    ("POST", "/v1/notes/x/decisions", {"decisions": [{"uuid": "undo-0001", "action": "undo"}]}),
    ("GET", "/v1/notes/x/summary", None),
    ("POST", "/v1/notes/x/finish", {}),
    ("POST", "/v1/sign-out", None),
    ("GET", "/v1/me", None),
    ("GET", "/v1/codes?q=asthma", None),
    ("GET", "/v1/codes/ICD-10-CM/E11.9", None),
    ("POST", "/v1/jobs", {"notes": [note()]}),
    ("GET", "/v1/jobs/x", None),
    ("GET", "/v1/jobs/x/results", None),
    ("DELETE", "/v1/jobs/x", None),
)

NEEDS: dict[tuple[str, str], str] = {
    ("POST", "/v1/suggest"): "note.read",
    ("POST", "/v1/notes"): "note.import",
    ("GET", "/v1/worklist"): "worklist.read",
    ("GET", "/v1/notes/x"): "note.read",
    ("POST", "/v1/notes/x/take"): "note.take",
    ("POST", "/v1/notes/x/heartbeat"): "note.take",
    ("POST", "/v1/notes/x/release"): "note.take",
    ("POST", "/v1/notes/x/decisions"): "note.take",
    ("GET", "/v1/notes/x/summary"): "note.read",
    ("POST", "/v1/notes/x/finish"): "note.take",
    ("GET", "/v1/me"): "self",
    ("GET", "/v1/codes?q=asthma"): "codes.search",
    ("GET", "/v1/codes/ICD-10-CM/E11.9"): "codes.search",
    ("POST", "/v1/jobs"): "note.import",
    ("GET", "/v1/jobs/x"): "note.import",
    ("GET", "/v1/jobs/x/results"): "note.import",
    ("DELETE", "/v1/jobs/x"): "note.import",
}


def test_every_route_is_in_the_tables(app: FastAPI) -> None:
    routes = {(method.upper(), path) for path, item in app.openapi()["paths"].items() for method in item} - {
        ("GET", "/v1/health"),
        ("POST", "/v1/sign-in"),
    }
    told = {
        (method, path.split("?")[0].replace("/x", "/{id}").replace("ICD-10-CM/E11.9", "{id}/{id}"))
        for method, path, _ in EVERYTHING
    }
    assert {(m, _plain(p)) for m, p in routes} == told
    assert {(m, p) for m, p, _ in EVERYTHING} - {("POST", "/v1/sign-out")} == set(NEEDS)


def _plain(path: str) -> str:
    parts = ["{id}" if part.startswith("{") else part for part in path.split("/")]
    return "/".join(parts)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_what_the_table_of_permissions_says(
    client: TestClient, tokens: dict[Role, str], role: Role
) -> None:
    for method, path, body in EVERYTHING:
        need = NEEDS.get((method, path))
        if need is None:
            continue
        reply = client.request(method, path, json=body, headers=bearer(tokens[role]))
        if role in PERMISSIONS[need]:
            assert reply.status_code in (200, 202, 204, 404, 409), (path, reply.text)
        else:
            assert reply.status_code == 403, (path, reply.text)


def test_a_note_goes_from_the_queue_to_finished(client: TestClient, tokens: dict[Role, str]) -> None:
    coder = bearer(tokens["coder"])
    sent = client.post(
        "/v1/notes", json={"notes": [note(7), note(7)]}, headers=bearer(tokens["manager"])
    ).json()
    assert (sent["imported"], sent["skipped"]) == (1, 1)
    rows = client.get("/v1/worklist?sort=age&limit=200", headers=coder).json()["rows"]
    mine = next(row for row in rows if row["name"] == "api-7")
    taken = client.post(f"/v1/notes/{mine['id']}/take", headers=coder).json()
    assert client.post(f"/v1/notes/{mine['id']}/heartbeat", headers=coder).status_code == 200
    assert client.post(f"/v1/notes/{mine['id']}/take", headers=bearer(tokens["auditor"])).status_code in (
        403,
        409,
    )
    decisions = [
        {"uuid": f"accept-{i:04}", "action": "accept", "row_id": row["id"]}
        for i, row in enumerate(taken["rows"][:2])
    ] + [
        {"uuid": f"reject-{i:04}", "action": "reject", "row_id": row["id"], "reason": "not supported"}
        for i, row in enumerate(taken["rows"][2:])
    ]
    for _ in range(2):  # sent again: acknowledged again, kept once
        acks = client.post(
            f"/v1/notes/{mine['id']}/decisions", json={"decisions": decisions}, headers=coder
        ).json()
        assert {ack["status"] for ack in acks} == {"durable"}, acks
    summary = client.get(f"/v1/notes/{mine['id']}/summary", headers=coder).json()
    assert len(summary["codes"]) == 2
    overrides = [
        {"rule_id": flag["rule_id"], "codes": flag["codes"], "reason": "seen"} for flag in summary["standing"]
    ]
    done = client.post(f"/v1/notes/{mine['id']}/finish", json={"overrides": overrides}, headers=coder)
    assert done.status_code == 200, done.text
    assert done.json()["summary"]["status"] == "finished"
    assert client.get(f"/v1/notes/{mine['id']}", headers=coder).json()["status"] == "finished"


def test_a_refused_decision_says_why_and_the_others_stay(client: TestClient, tokens: dict[Role, str]) -> None:
    coder = bearer(tokens["coder"])
    client.post("/v1/notes", json={"notes": [note(8)]}, headers=bearer(tokens["manager"]))
    rows = client.get("/v1/worklist?limit=200", headers=coder).json()["rows"]
    mine = next(row["id"] for row in rows if row["name"] == "api-8")
    first = client.post(f"/v1/notes/{mine}/take", headers=coder).json()["rows"][0]
    acks = client.post(
        f"/v1/notes/{mine}/decisions",
        json={
            "decisions": [
                {
                    "uuid": "decision-bad",
                    "action": "replace",
                    "row_id": first["id"],
                    "system": "ICD-10-CM",
                    "code": "Q0",
                },
                {"uuid": "decision-good", "action": "accept", "row_id": first["id"]},
            ]
        },
        headers=coder,
    ).json()
    assert [ack["status"] for ack in acks] == ["refused", "durable"], acks
    assert acks[0]["message"]
    assert client.post(f"/v1/notes/{mine}/release", headers=coder).status_code == 204


def test_sign_in_and_out(client: TestClient, service: ReviewService) -> None:
    assert client.post("/v1/sign-in", json={"name": "x", "password": "y"}).status_code == 401
    token = service.demo_sign_in("coder").token
    assert client.get("/v1/me", headers=bearer(token)).json()["role"] == "coder"
    assert client.post("/v1/sign-out", headers=bearer(token)).status_code == 204
    assert client.get("/v1/me", headers=bearer(token)).status_code == 401


def test_code_search_and_details(client: TestClient, tokens: dict[Role, str]) -> None:
    coder = bearer(tokens["coder"])
    hits = client.get("/v1/codes", params={"q": "heart attack"}, headers=coder).json()
    assert any(hit["code"].startswith("I21") for hit in hits)
    one = client.get("/v1/codes/ICD-10-CM/E11.9", headers=coder).json()
    assert one["billable"]
    assert client.get("/v1/codes/ICD-10-CM/ZZZ", headers=coder).status_code == 404


def test_what_is_refused_never_comes_back(client: TestClient, tokens: dict[Role, str]) -> None:
    coder = bearer(tokens["coder"])
    for body in ({"id": "a", "text": CANARY, "age": 3}, {"id": "a", "text": {"t": CANARY}}, {"text": CANARY}):
        reply = client.post("/v1/suggest", json=body, headers=coder)
        assert reply.status_code == 422
        assert CANARY not in reply.text
        assert reply.json()["where"]
    reply = client.post("/v1/suggest", content=f'{{"id": "{CANARY}', headers=coder)
    assert reply.status_code == 422
    assert CANARY not in reply.text
    half = client.post("/v1/suggest", content=json.dumps({"id": "a", "text": "x \ud800"}), headers=coder)
    assert half.status_code == 422


def test_a_date_without_release_is_a_conflict(client: TestClient, tokens: dict[Role, str]) -> None:
    reply = client.post("/v1/suggest", json=note(service_date="1999-01-01"), headers=bearer(tokens["coder"]))
    assert (reply.status_code, reply.json()["error"]) == (409, "no_release")


def test_bodies_and_notes_have_limits(service: ReviewService, tokens: dict[Role, str]) -> None:
    limits = ApiLimits(body_bytes=1000, note_chars=100, notes=1, per_minute=1_000_000)
    with TestClient(create_app(service, load, limits=limits)) as client:
        coder, manager = bearer(tokens["coder"]), bearer(tokens["manager"])
        assert client.post("/v1/suggest", json=note(text="x" * 101), headers=coder).status_code == 413
        assert client.post("/v1/suggest", json=note(text="x" * 1001), headers=coder).status_code == 413
        chunks = (b"x" * 300 for _ in range(9))  # no length told ahead
        assert client.post("/v1/suggest", content=chunks, headers=coder).status_code == 413
        two = {"notes": [note(1, text="a"), note(2, text="b")]}
        assert client.post("/v1/notes", json=two, headers=manager).status_code == 413
        assert client.post("/v1/jobs", json=two, headers=manager).status_code == 413


def test_the_rate_is_by_caller(service: ReviewService, tokens: dict[Role, str]) -> None:
    now = [0.0]
    app = create_app(service, load, limits=ApiLimits(per_minute=2), clock=lambda: now[0])
    with TestClient(app) as client:
        coder = bearer(tokens["coder"])
        assert [client.get("/v1/me", headers=coder).status_code for _ in range(3)] == [200, 200, 429]
        refused = client.get("/v1/me", headers=coder)
        assert refused.headers["retry-after"] == "30"
        assert client.get("/v1/me", headers=bearer(tokens["auditor"])).status_code == 200
        now[0] = 31.0
        assert client.get("/v1/me", headers=coder).status_code == 200


def test_a_job_reads_notes_in_the_background(client: TestClient, tokens: dict[Role, str]) -> None:
    manager, admin = bearer(tokens["manager"]), bearer(tokens["admin"])
    body = {"notes": [note(1), note(2, service_date="1999-01-01"), note(3)]}
    added = client.post("/v1/jobs", json=body, headers=manager)
    assert added.status_code == 202
    job = added.json()["id"]
    state = waited(client, tokens["manager"], job)
    assert (state["status"], state["done"]) == ("done", 3)
    assert [(e["id"], e["code"]) for e in state["errors"]] == [("api-2", "no_release")]
    lines = client.get(f"/v1/jobs/{job}/results", headers=manager).text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["api-1", "api-3"]
    assert client.get(f"/v1/jobs/{job}", headers=admin).status_code == 404  # somebody else's
    assert client.delete(f"/v1/jobs/{job}", headers=manager).status_code == 204
    assert client.get(f"/v1/jobs/{job}/results", headers=manager).status_code == 404


class SlowReader:
    """Reads when it is let."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()

    def suggest(self, one: Note) -> Suggestions:
        self.begun.set()
        assert self.go.wait(10)
        if one.id == "broken":
            raise ZeroDivisionError(one.text)
        raise EmptyInputError("nothing to read", record=one.id)


def test_jobs_queue_stop_and_expire() -> None:
    reader, now = SlowReader(), [datetime(2026, 1, 1, tzinfo=UTC)]
    jobs = Jobs(lambda: reader, most=2, keep=timedelta(hours=1), clock=lambda: now[0])
    jobs.start()
    try:
        notes = (Note(id="broken", text=CANARY), Note(id="empty", text=CANARY))
        first = jobs.add("ann", notes)
        assert reader.begun.wait(10)
        second = jobs.add("ann", notes)
        with pytest.raises(TooManyJobsError):
            jobs.add("bob", notes)
        assert jobs.results("ann", first.id) is None
        with pytest.raises(NotFoundError):
            jobs.get("bob", first.id)
        jobs.delete("ann", second.id)
        reader.go.set()
        while jobs.get("ann", first.id).status == "running":
            time.sleep(0.01)
        done = jobs.get("ann", first.id)
        assert [error.code for error in done.errors] == ["internal", "empty"]
        assert CANARY not in repr(done)
        now[0] += timedelta(hours=2)
        with pytest.raises(NotFoundError):
            jobs.get("ann", first.id)
    finally:
        jobs.stop()


def test_an_engine_that_cannot_load_stops_the_job_and_not_the_service(
    service: ReviewService, tokens: dict[Role, str]
) -> None:
    def broken() -> Any:
        raise NotFoundError("no model")

    with TestClient(create_app(service, broken), raise_server_exceptions=False) as client:
        manager = bearer(tokens["manager"])
        job = client.post("/v1/jobs", json={"notes": [note()]}, headers=manager).json()["id"]
        state = waited(client, tokens["manager"], job)
        assert state["status"] in ("stopped", "done")
        assert client.get("/v1/health").json()["status"] == "ok"
