"""Every function of the service against every role: who may is let in, everybody else is refused."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from datetime import date

import pytest
from review_world import World, made_world

from suggester.codesets import Catalog
from suggester.errors import ForbiddenError, ReviewError, SessionError
from suggester.review.permissions import PERMISSIONS, allows
from suggester.review.service import ReviewService
from suggester.review.types import ROLES, BulkPreview, DecisionInput, Role
from suggester.types import Note

DAYS = {"since": date(2026, 1, 1), "until": date(2026, 12, 31)}
PREVIEW = BulkPreview(note_id="n", threshold=0.5, rows=(), expected_wrong=0.0, version=0)
DECISIONS = (DecisionInput(uuid="0123456789", note_id="n", action="undo"),)

Call = Callable[[ReviewService, str], object]

EVERYBODY = ROLES
CODING: tuple[Role, ...] = ("coder", "auditor")
READING: tuple[Role, ...] = ("coder", "auditor", "manager")

TABLE: dict[str, tuple[tuple[Role, ...], Call]] = {
    "whoami": (EVERYBODY, lambda s, t: s.whoami(t)),
    "may": (EVERYBODY, lambda s, t: s.may(t, "self")),
    "change_password": (EVERYBODY, lambda s, t: s.change_password(t, "wrong one", "another password")),
    "list_users": (("admin",), lambda s, t: s.list_users(t)),
    "add_user": (("admin",), lambda s, t: s.add_user(t, name="new", role="coder")),
    "set_disabled": (("admin",), lambda s, t: s.set_disabled(t, "u", disabled=True)),
    "set_role": (("admin",), lambda s, t: s.set_role(t, "u", "coder")),
    "set_password": (("admin",), lambda s, t: s.set_password(t, "u", "long enough password")),
    "issue_api_token": (("admin",), lambda s, t: s.issue_api_token(t, "u")),
    "coders": (READING, lambda s, t: s.coders(t)),
    "worklist": (READING, lambda s, t: s.worklist(t)),
    "work_counts": (READING, lambda s, t: s.work_counts(t)),
    "progress": (READING, lambda s, t: s.progress(t)),
    "assign": (("manager",), lambda s, t: s.assign(t, ("n",), None)),
    "take_next": (CODING, lambda s, t: s.take_next(t)),
    "take": (CODING, lambda s, t: s.take(t, "n")),
    "view": (READING, lambda s, t: s.view(t, "n")),
    "heartbeat": (CODING, lambda s, t: s.heartbeat(t, "n")),
    "release": (CODING, lambda s, t: s.release(t, "n")),
    "decide_batch": (CODING, lambda s, t: s.decide_batch(t, DECISIONS)),
    "accept": (CODING, lambda s, t: s.accept(t, "n", "r")),
    "reject": (CODING, lambda s, t: s.reject(t, "n", "r", reason="x")),
    "replace": (CODING, lambda s, t: s.replace(t, "n", "r", system="ICD-10-CM", code="I10")),
    "add_code": (CODING, lambda s, t: s.add_code(t, "n", system="ICD-10-CM", code="I10")),
    "reorder": (CODING, lambda s, t: s.reorder(t, "n", "r", position=1)),
    "undo": (CODING, lambda s, t: s.undo(t, "n")),
    "bulk_preview": (READING, lambda s, t: s.bulk_preview(t, "n", 0.5)),
    "bulk_accept": (CODING, lambda s, t: s.bulk_accept(t, PREVIEW)),
    "history": (READING, lambda s, t: s.history(t, "n")),
    "summary": (READING, lambda s, t: s.summary(t, "n")),
    "finish": (CODING, lambda s, t: s.finish(t, "n")),
    "reopen": (READING, lambda s, t: s.reopen(t, "n", reason="r")),
    "send_to_second_review": (READING, lambda s, t: s.send_to_second_review(t, "n", reason="r")),
    "export_rows": (READING, lambda s, t: s.export_rows(t, ("n",))),
    "export_csv": (READING, lambda s, t: s.export_csv(t, ("n",))),
    "export_json": (READING, lambda s, t: s.export_json(t, ("n",))),
    "search_codes": (READING, lambda s, t: s.search_codes(t, "cough")),
    "code_details": (READING, lambda s, t: s.code_details(t, "ICD-10-CM", "I10")),
    "ladder": (READING, lambda s, t: s.ladder(t, "n", "r")),
    "my_codes": (READING, lambda s, t: s.my_codes(t)),
    "set_favourite": (READING, lambda s, t: s.set_favourite(t, "ICD-10-CM", "I10", favourite=True)),
    "draft_query": (CODING, lambda s, t: s.draft_query(t, "n")),
    "ask_physician": (CODING, lambda s, t: s.ask_physician(t, "n", kind="cause", text="why?")),
    "close_query": (CODING, lambda s, t: s.close_query(t, "q")),
    "queries": (READING, lambda s, t: s.queries(t)),
    "import_notes": (("manager", "admin"), lambda s, t: list(s.import_notes(t, ()))),
    "import_results": (("manager", "admin"), lambda s, t: list(s.import_results(t, ()))),
    "sample_size": (("auditor", "manager"), lambda s, t: s.sample_size(t)),
    "draw_sample": (("auditor", "manager"), lambda s, t: s.draw_sample(t)),
    "samples": (("auditor", "manager"), lambda s, t: s.samples(t)),
    "sample": (("auditor", "manager"), lambda s, t: s.sample(t, "a")),
    "take_audit": (("auditor",), lambda s, t: s.take_audit(t, "a")),
    "agreement": (("auditor", "manager"), lambda s, t: s.agreement(t, "a")),
    "dashboard": (("manager",), lambda s, t: s.dashboard(t, **DAYS)),
    "dashboard_csv": (("manager",), lambda s, t: s.dashboard_csv(t, "coder_days", **DAYS)),
    "coded_notes": (("manager",), lambda s, t: list(s.coded_notes(t))),
    "encounters": (("coder", "manager"), lambda s, t: s.encounters(t)),
    "encounter_codes": (("coder", "manager"), lambda s, t: s.encounter_codes(t, "e")),
    "claim": (("coder", "manager"), lambda s, t: s.claim(t, "e")),
    "save_claim": (("coder", "manager"), lambda s, t: s.save_claim(t, "e", {}, version=0)),
    "record_export": (
        ("coder", "manager"),
        lambda s, t: s.record_export(t, "e", format="837p", sha256="0" * 64),
    ),
    "exports": (("coder", "manager"), lambda s, t: s.exports(t, "e")),
    "verify_trail": (("admin", "auditor"), lambda s, t: s.verify_trail(t)),
    "trail": (("admin", "auditor"), lambda s, t: s.trail(t)),
}
"""Every function with a token: who may, and a call of it."""

WITHOUT_TOKEN = {
    "sign_in",
    "sign_in_identity",
    "sign_in_proxy",
    "demo_sign_in",
    "warm_up",
    "gold_notes",
    "close",
}
"""Ways to sign in, and what only who has the store at hand can call."""

NO_ERROR_WHEN_OVER = {"sign_out"}
"""Ending a session that has ended is no error."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> Iterable[World]:
    made = made_world(tmp_path_factory.mktemp("roles"), catalog)
    for role in ROLES:
        made.token(role)
    yield made
    made.service.close()


def public_methods() -> set[str]:
    return {
        name
        for name, value in inspect.getmembers(ReviewService)
        if not name.startswith("_") and inspect.isfunction(value)
    }


def test_table_has_every_function_of_the_service() -> None:
    assert set(TABLE) | WITHOUT_TOKEN | NO_ERROR_WHEN_OVER == public_methods()
    for name in set(TABLE) | NO_ERROR_WHEN_OVER:
        assert next(iter(list(inspect.signature(getattr(ReviewService, name)).parameters)[1:])) == "token", (
            name
        )
    for name in WITHOUT_TOKEN:
        assert "token" not in inspect.signature(getattr(ReviewService, name)).parameters, name


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", TABLE)
def test_role_is_checked_in_the_service(world: World, name: str, role: Role) -> None:
    allowed, call = TABLE[name]
    try:
        call(world.service, world.token(role))
    except ForbiddenError:
        assert role not in allowed
    except ReviewError:
        assert role in allowed  # let in; there is no such note
    else:
        assert role in allowed


@pytest.mark.parametrize("name", TABLE)
def test_session_is_checked_in_the_service(world: World, name: str) -> None:
    _, call = TABLE[name]
    with pytest.raises(SessionError) as unknown:
        call(world.service, "no such token")
    assert unknown.value.reason == "unknown"
    session = world.fresh("admin", 2)
    world.service.sign_out(session.token)
    with pytest.raises(SessionError) as ended:
        call(world.service, session.token)
    assert ended.value.reason == "signed_out"


def test_sign_out_needs_no_living_session(world: World) -> None:
    world.service.sign_out("no such token")
    session = world.fresh("coder", 3)
    world.service.sign_out(session.token)
    world.service.sign_out(session.token)


def test_what_is_not_in_the_table_of_permissions_nobody_may() -> None:
    for role in (*ROLES, "", "root"):
        assert not allows(role, "something.new")
    for permission in PERMISSIONS:
        assert not allows("guest", permission)


@pytest.mark.parametrize("role", ROLES)
def test_may_says_what_the_service_does(world: World, role: Role) -> None:
    for permission in PERMISSIONS:
        assert world.service.may(world.token(role), permission) is allows(role, permission)


def test_role_that_changed_is_felt_at_the_next_action(world: World) -> None:
    session = world.fresh("coder", 4)
    admin = world.token("admin")
    world.service.worklist(session.token)
    world.service.set_role(admin, session.actor.user_id, "admin")
    with pytest.raises(ForbiddenError):
        world.service.worklist(session.token)
    world.service.list_users(session.token)


def test_import_checks_the_role_with_every_batch(world: World) -> None:
    session = world.fresh("manager", 5)
    progress = world.service.import_notes(
        session.token, [Note(id=f"b{i}", text="cough") for i in range(4)], batch=2
    )
    assert next(progress).imported == 2
    world.service.set_disabled(world.token("admin"), session.actor.user_id, disabled=True)
    with pytest.raises(SessionError):
        next(progress)
