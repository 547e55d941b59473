"""Sign-in, sessions that end, users."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from review_world import KINDS, PASSWORD, World, worlds

from suggester.codesets import Catalog
from suggester.errors import (
    DecisionError,
    ForbiddenError,
    LockedError,
    NotFoundError,
    SessionError,
    SignInError,
)
from suggester.review.access import is_loopback
from suggester.review.operating import OPERATOR, operator_session


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path, catalog: Catalog) -> Iterator[World]:
    yield from worlds(request.param, tmp_path, catalog, proxy_header="X-User")


def reason_of(world: World, token: str) -> str:
    with pytest.raises(SessionError) as caught:
        world.service.worklist(token)
    return caught.value.reason


def test_session_idles_out_after_fifteen_minutes(world: World) -> None:
    token = world.token("coder")
    for _ in range(5):
        world.clock.forward(minutes=14, seconds=59)
        world.service.worklist(token)
    world.clock.forward(minutes=15)
    assert reason_of(world, token) == "idle"


def test_heartbeat_and_whoami_are_no_activity(world: World) -> None:
    [note] = world.put("cough")
    token = world.token("coder")
    world.service.take(token, note)
    for _ in range(14):
        world.clock.forward(minutes=1)
        world.service.heartbeat(token, note)
        world.service.whoami(token)
        world.service.may(token, "note.take")
    world.clock.forward(minutes=1)
    with pytest.raises(SessionError):
        world.service.heartbeat(token, note)


def test_session_ends_after_twelve_hours_whatever_happens(world: World) -> None:
    token = world.token("coder")
    for _ in range(12 * 6 - 1):
        world.clock.forward(minutes=10)
        world.service.worklist(token)
    world.clock.forward(minutes=10)
    assert reason_of(world, token) == "expired"


def test_disabled_user_is_out_at_the_next_action(world: World) -> None:
    [note] = world.put("cough")
    session, admin = world.fresh("coder"), world.token("admin")
    world.service.take(session.token, note)
    user = world.service.set_disabled(admin, session.actor.user_id, disabled=True)
    assert user.disabled
    assert reason_of(world, session.token) == "disabled"
    with pytest.raises(SignInError):
        world.service.sign_in("coder1", PASSWORD)
    assert world.service.take(world.token("coder", 2), note).lease is not None  # it was given back
    with pytest.raises(NotFoundError):
        world.service.assign(world.token("manager"), (note,), session.actor.user_id)
    world.service.set_disabled(admin, session.actor.user_id, disabled=False)
    assert reason_of(world, session.token) == "signed_out"
    world.service.sign_in("Coder1 ", PASSWORD)


def test_five_failures_lock_for_fifteen_minutes(world: World) -> None:
    world.token("coder")
    service = world.service
    for _ in range(4):
        with pytest.raises(SignInError):
            service.sign_in("coder1", "wrong password")
    with pytest.raises(LockedError):
        service.sign_in("coder1", "wrong password")
    world.clock.forward(minutes=14, seconds=59)
    with pytest.raises(LockedError):
        service.sign_in("coder1", PASSWORD)
    world.clock.forward(seconds=1)
    with pytest.raises(SignInError):
        service.sign_in("coder1", "wrong password")
    service.sign_in("coder1", PASSWORD)
    for _ in range(4):
        with pytest.raises(SignInError):
            service.sign_in("coder1", "wrong password")
    service.sign_in("coder1", PASSWORD)


def test_name_that_does_not_exist_looks_like_one_that_does(world: World) -> None:
    for _ in range(4):
        with pytest.raises(SignInError):
            world.service.sign_in("nobody", "wrong password")
    for _ in range(2):
        with pytest.raises(LockedError):
            world.service.sign_in("nobody", "wrong password")
    world.clock.forward(minutes=15)
    with pytest.raises(SignInError):
        world.service.sign_in("nobody", "\udc80")


def test_tokens_and_passwords_are_kept_as_hashes_only(world: World) -> None:
    token = world.token("coder")
    with world.service.store.read() as connection:
        text = repr(connection.execute(sa.text("select * from sessions")).all())
        text += repr(connection.execute(sa.text("select * from users")).all())
    assert token not in text
    assert PASSWORD not in text
    assert "$argon2id$" in text


def test_weak_hash_is_made_anew_at_sign_in(world: World) -> None:
    from argon2 import PasswordHasher

    world.token("coder")
    world.service._hasher = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    world.service.sign_in("coder1", PASSWORD)
    with world.service.store.read() as connection:
        kept = connection.execute(
            sa.text("select password_hash from users where name = 'coder1'")
        ).scalar_one()
    assert "m=16,t=2" in kept


def test_identity_of_a_provider_is_matched_by_subject_then_by_email_once(world: World) -> None:
    service, admin = world.service, world.token("admin")
    service.add_user(admin, name="ann", role="coder", email="Ann@Clinic.example")
    service.add_user(admin, name="bob", role="coder", identity="https://id|7")
    by_email = service.sign_in_identity(issuer="https://id", subject="1", email="ann@clinic.example")
    assert by_email.actor.name == "ann"
    assert service.sign_in_identity(issuer="https://id", subject="1").actor.name == "ann"
    assert service.sign_in_identity(issuer="https://id", subject="7").actor.name == "bob"
    for subject, email in (("2", "ann@clinic.example"), ("3", None), ("4", "else@clinic.example")):
        with pytest.raises(SignInError):
            service.sign_in_identity(issuer="https://id", subject=subject, email=email)
    service.set_disabled(admin, by_email.actor.user_id, disabled=True)
    with pytest.raises(SignInError):
        service.sign_in_identity(issuer="https://id", subject="1")
    with pytest.raises(SignInError):  # no password was set
        service.sign_in("bob", "")


def test_proxy_header_counts_from_loopback_only(world: World) -> None:
    world.token("coder")
    assert world.service.sign_in_proxy(name="CODER1", peer="127.0.0.1").actor.role == "coder"
    assert world.service.sign_in_proxy(name="coder1", peer="::1").actor.name == "coder1"
    for peer in ("10.0.0.7", "192.168.0.1", "", "localhost", "::ffff:10.0.0.1"):
        with pytest.raises(ForbiddenError):
            world.service.sign_in_proxy(name="coder1", peer=peer)
    with pytest.raises(SignInError):
        world.service.sign_in_proxy(name="nobody", peer="127.0.0.1")
    object.__setattr__(
        world.service, "settings", world.service.settings.model_copy(update={"proxy_header": ""})
    )
    with pytest.raises(ForbiddenError):
        world.service.sign_in_proxy(name="coder1", peer="127.0.0.1")


@pytest.mark.parametrize(
    ("peer", "own"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", True),
        ("8.8.8.8", False),
    ],
)
def test_loopback_is_known_in_all_its_forms(peer: str, own: bool) -> None:
    assert is_loopback(peer) is own


def test_sign_in_without_password_is_for_the_demo(world: World) -> None:
    with pytest.raises(ForbiddenError):
        world.service.demo_sign_in("admin")


def test_change_of_password_ends_the_other_sessions(world: World) -> None:
    one, two = world.fresh("coder").token, world.fresh("coder").token
    service, admin = world.service, world.token("admin")
    with pytest.raises(SignInError):
        service.change_password(one, "wrong", "a new password")
    with pytest.raises(DecisionError):
        service.change_password(one, PASSWORD, "short")
    service.change_password(one, PASSWORD, "a new password")
    service.worklist(one)
    assert reason_of(world, two) == "signed_out"
    user = service.whoami(one).user_id
    service.set_password(admin, user, "yet another password")
    assert reason_of(world, one) == "signed_out"
    service.sign_in("coder1", "yet another password")
    with pytest.raises(DecisionError):
        service.set_password(admin, user, "\udc80" * 12)


def test_wrong_old_password_counts_as_a_failure(world: World) -> None:
    token = world.token("coder")
    for _ in range(5):
        with pytest.raises(SignInError):
            world.service.change_password(token, "wrong", "a new password")
    with pytest.raises(LockedError):
        world.service.change_password(token, PASSWORD, "a new password")


def test_users_are_added_and_changed_with_care(world: World) -> None:
    service, admin = world.service, world.token("admin")
    me = service.whoami(admin).user_id
    user = service.add_user(admin, name=" Eve ", role="coder", display_name="Eve E.")
    assert (user.name, user.display_name, user.has_password) == ("eve", "Eve E.", False)
    for values in (
        {"name": "EVE"},
        {"name": ""},
        {"name": "x" * 201},
        {"name": "mallory", "password": "short"},
        {"name": "mallory", "email": "\x00"},
    ):
        with pytest.raises(DecisionError):
            service.add_user(admin, role="coder", **values)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        service.add_user(admin, name="mallory", role="root")  # type: ignore[arg-type]
    for change in (
        lambda: service.set_disabled(admin, me, disabled=True),
        lambda: service.set_role(admin, me, "coder"),
    ):
        with pytest.raises(DecisionError):
            change()
    for unknown in (
        lambda: service.set_role(admin, "nobody", "coder"),
        lambda: service.issue_api_token(admin, "nobody"),
    ):
        with pytest.raises(NotFoundError):
            unknown()
    assert [u.name for u in service.list_users(admin)] == ["admin1", "eve", OPERATOR]


def test_api_token_lasts_without_activity_until_its_end(world: World) -> None:
    service, admin = world.service, world.token("admin")
    user = service.add_user(admin, name="batch", role="coder")
    token = service.issue_api_token(admin, user.id, days=2).token
    world.clock.forward(hours=47)
    assert service.worklist(token).total == 0
    world.clock.forward(hours=1)
    assert reason_of(world, token) == "expired"
    admin = world.fresh("admin").token
    with pytest.raises(DecisionError):
        service.issue_api_token(admin, user.id, days=0)
    service.set_disabled(admin, user.id, disabled=True)
    with pytest.raises(DecisionError):
        service.issue_api_token(admin, user.id)


def test_operator_has_a_session_and_no_password(world: World) -> None:
    session = operator_session(world.service)
    assert session.actor.role == "admin"
    assert world.service.whoami(session.token).name == OPERATOR
    with pytest.raises(SignInError):
        world.service.sign_in(OPERATOR, "")
