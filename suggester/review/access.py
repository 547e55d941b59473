"""Sign-in, sessions and users."""

from __future__ import annotations

import ipaddress
import secrets
from collections import OrderedDict
from contextlib import suppress

from argon2.exceptions import InvalidHashError, VerificationError

from suggester.errors import DecisionError, ForbiddenError, LockedError, NotFoundError, SignInError
from suggester.fields import id_problem
from suggester.review.base import Base, at, hashed, role_of
from suggester.review.permissions import allows
from suggester.review.types import Actor, Role, SignedIn, User
from suggester.store import leases, people
from suggester.store.people import UserRow
from suggester.store.store import Work, new_id

__all__ = ["AccessPart", "is_loopback", "new_user"]

MOST_FAILURES = 5
LOCK_MS = 15 * 60_000
"""So many wrong passwords lock an account for so long."""

_PASSWORD_CHARS = (10, 200)
_MOST_STRANGERS = 10_000
_NO_PASSWORD = "$argon2id$v=19$m=65536,t=3,p=4$c3VnZ2VzdGVyc3VnZ2VzdGVy$" + "A" * 43
"""Hash that no password has: a name that does not exist takes as long as one that does."""


def is_loopback(peer: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        address = ipaddress.ip_address(peer.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or (mapped is not None and mapped.is_loopback)


def new_user(
    work: Work,
    by: str,
    *,
    name: str,
    role: Role,
    display_name: str | None = None,
    password_hash: str | None = None,
    email: str | None = None,
    identity: str | None = None,
) -> UserRow:
    """Keep a new user and say so in the trail.

    Raises
    ------
    DecisionError
        If a name cannot be one, or name, email or identity are taken.
    """
    for what, value in (("name", name), ("display name", display_name), ("email", email)):
        problem = None if value is None else id_problem(value)
        if problem is not None:
            raise DecisionError(f"the user's {what} {problem}", reason="user_name")
    row = UserRow(
        id=new_id("u"),
        name=name.strip().lower(),
        display_name=(display_name or name).strip(),
        role=role_of(role),
        email=None if email is None else email.strip().lower(),
        identity=identity,
        password_hash=password_hash,
        failures=0,
        locked_until=None,
        disabled_at=None,
        created_at=work.now,
    )
    for column in ("name", "email", "identity"):
        value = getattr(row, column)
        if value is not None and people.user_by(work.connection, column, value) is not None:
            raise DecisionError(f"another user has this {column}", reason="user_taken")
    people.add_user(work.connection, row)
    work.record(by, "user.add", row.id, role=row.role)
    return row


def shown(row: UserRow) -> User:
    """A user as an administrator sees them."""
    return User(
        id=row.id,
        name=row.name,
        display_name=row.display_name,
        role=role_of(row.role),
        email=row.email,
        identity=row.identity,
        disabled=row.disabled_at is not None,
        locked_until=None if row.locked_until is None else at(row.locked_until),
        created_at=at(row.created_at),
        has_password=row.password_hash is not None,
    )


class AccessPart(Base):
    """Sign-in, sessions and users."""

    _strangers: OrderedDict[str, tuple[int, int]] | None = None

    # --- sign-in --------------------------------------------------------------------------------------

    def sign_in(self, name: str, password: str) -> SignedIn:
        """Sign in with a local account.

        Raises
        ------
        SignInError
            If name and password do not go together, for whatever reason.
        LockedError
            For 15 minutes after 5 failures in a row, also for names that do not exist.
        """
        name = name.strip().lower()[:200]
        now = self.store.clock()
        with self.store.read() as connection:
            row = people.user_by(connection, "name", name)
        if row is None:
            self._verify(_NO_PASSWORD, password)
            self._stranger(name, now)
            raise SignInError("name and password do not go together")
        if row.locked_until is not None and now < row.locked_until:
            raise LockedError(at(row.locked_until))
        right = self._verify(row.password_hash or _NO_PASSWORD, password)
        usable = right and row.password_hash is not None and row.disabled_at is None
        with self.store.write() as work:
            fresh = people.user(work.connection, row.id)
            if fresh is not None and usable and fresh.password_hash == row.password_hash:
                people.change_user(work.connection, row.id, failures=0, locked_until=None)
                if self._hasher.check_needs_rehash(fresh.password_hash or ""):
                    people.change_user(work.connection, row.id, password_hash=self._hasher.hash(password))
                return self._session(work, row, how="password")
            locked = self._failed(work, fresh or row)
        if locked is not None:
            raise LockedError(at(locked))
        raise SignInError("name and password do not go together")

    def _failed(self, work: Work, row: UserRow) -> int | None:
        """Count a failure; until when the account is locked by it."""
        begun = 0 if row.locked_until is not None and work.now >= row.locked_until else row.failures
        failures = begun + 1
        locked = work.now + LOCK_MS if failures >= MOST_FAILURES else None
        people.change_user(work.connection, row.id, failures=failures, locked_until=locked)
        work.record(row.id, "sign_in.locked" if locked else "sign_in.failed", row.id, failures=failures)
        return locked

    def _stranger(self, name: str, now: int) -> None:
        """Count a failure for a name that does not exist, so that it looks like one that does."""
        if self._strangers is None:
            self._strangers = OrderedDict()
        failures, until = self._strangers.pop(name, (0, 0))
        if until and now < until:
            self._strangers[name] = (failures, until)
            raise LockedError(at(until))
        failures = 1 if until else failures + 1
        until = now + LOCK_MS if failures >= MOST_FAILURES else 0
        self._strangers[name] = (failures, until)
        while len(self._strangers) > _MOST_STRANGERS:
            self._strangers.popitem(last=False)
        if until:
            raise LockedError(at(until))

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False

    def _session(
        self, work: Work, row: UserRow, *, how: str, kind: str = "page", lasting_ms: int | None = None
    ) -> SignedIn:
        token = secrets.token_urlsafe(32)
        session_id = new_id("s")
        expires = work.now + (lasting_ms or self._session_ms)
        people.add_session(
            work.connection,
            session_id=session_id,
            token_hash=hashed(token),
            user_id=row.id,
            kind=kind,
            now=work.now,
            expires_at=expires,
        )
        work.record(row.id, "sign_in", session_id, how=how)
        actor, _ = self._resolved(work.connection, token, work.now)
        return SignedIn(token=token, actor=actor, expires_at=at(expires), idle_seconds=self._idle_ms // 1000)

    def sign_in_identity(self, *, issuer: str, subject: str, email: str | None = None) -> SignedIn:
        """Sign in who an OIDC provider vouches for: by identity, else by verified email, which then sticks.

        ``email`` must be one that the provider says is verified.

        Raises
        ------
        SignInError
            If no enabled user has this identity or email.
        """
        identity = f"{issuer}|{subject}"
        with self.store.write() as work:
            row = people.user_by(work.connection, "identity", identity)
            if row is None and email:
                row = people.user_by(work.connection, "email", email.strip().lower())
                if row is not None and row.identity is not None:
                    row = None  # this email belongs to another identity
                elif row is not None:
                    people.change_user(work.connection, row.id, identity=identity)
            if row is not None and row.disabled_at is None:
                return self._session(work, row, how="oidc")
        raise SignInError("nobody here has this identity: ask an administrator to add you")

    def sign_in_proxy(self, *, name: str, peer: str) -> SignedIn:
        """Sign in the user whom a proxy on this machine names in the header of the settings.

        Raises
        ------
        ForbiddenError
            If no header is set, or the peer is not this machine: anybody could write the header then.
        SignInError
            If there is no enabled user of this name.
        """
        if not self.settings.proxy_header or not is_loopback(peer):
            raise ForbiddenError("sign-in by proxy header is off, or the proxy is not on this machine")
        with self.store.write() as work:
            row = people.user_by(work.connection, "name", name.strip().lower())
            if row is not None and row.disabled_at is None:
                return self._session(work, row, how="proxy")
        raise SignInError("nobody here has this name: ask an administrator to add you")

    def demo_sign_in(self, role: Role = "coder", *, peer: str = "127.0.0.1") -> SignedIn:
        """Sign in without password in a demo store, from this machine only.

        Raises
        ------
        ForbiddenError
            If this is no demo, or the peer is another machine.
        """
        if not self.is_demo or not is_loopback(peer):
            raise ForbiddenError("sign-in without password is for the demo, on this machine")
        with self.store.write() as work:
            row = people.user_by(work.connection, "name", f"demo-{role_of(role)}")
            if row is None:
                row = new_user(work, "system", name=f"demo-{role}", role=role, display_name=f"Demo {role}")
            return self._session(work, row, how="demo")

    # --- sessions -------------------------------------------------------------------------------------

    def whoami(self, token: str, *, touch: bool = False) -> Actor:
        """Who the session belongs to now. ``touch`` counts as activity against the idle limit."""
        with self._reading(token, "self", touch=touch) as (_, actor):
            return actor

    def may(self, token: str, permission: str) -> bool:
        """Whether the session's role has a permission (see review/permissions.py); for hiding buttons."""
        with self._reading(token, "self", touch=False) as (_, actor):
            return allows(actor.role, permission)

    def sign_out(self, token: str) -> None:
        """End the session and give back its leases; a session that has ended already is no error."""
        with self.store.write() as work:
            row = people.session(work.connection, hashed(token))
            if row is None or row.ended_at is not None:
                return
            leases.drop_session(work.connection, row.id)
            people.end_session(work.connection, row.id, work.now)
            work.record(row.user.id, "sign_out", row.id)

    # --- users ----------------------------------------------------------------------------------------

    def list_users(self, token: str) -> tuple[User, ...]:
        """All users by name."""
        with self._reading(token, "users.manage") as (connection, _):
            return tuple(shown(row) for row in people.users(connection))

    def coders(self, token: str) -> tuple[tuple[str, str], ...]:
        """Id and display name of everybody who codes, for filters and assignment."""
        with self._reading(token, "worklist.read") as (connection, _):
            return tuple(
                (row.id, row.display_name)
                for row in people.users(connection)
                if row.disabled_at is None and allows(row.role, "note.code")
            )

    def add_user(
        self,
        token: str,
        *,
        name: str,
        role: Role,
        display_name: str | None = None,
        password: str | None = None,
        email: str | None = None,
        identity: str | None = None,
    ) -> User:
        """Add a user. ``identity`` is ``issuer|subject`` of an OIDC provider.

        Raises
        ------
        DecisionError
            If the name cannot be one or is taken, or the password is too short or too long.
        """
        password_hash = None if password is None else self._hash(password)
        with self._writing(token, "users.manage") as (work, actor):
            return shown(
                new_user(
                    work,
                    actor.user_id,
                    name=name,
                    role=role,
                    display_name=display_name,
                    password_hash=password_hash,
                    email=email,
                    identity=identity,
                )
            )

    def _hash(self, password: str) -> str:
        least, most = _PASSWORD_CHARS
        if not least <= len(password) <= most:
            raise DecisionError(f"a password has {least} to {most} characters", reason="password")
        with suppress(UnicodeEncodeError):
            return self._hasher.hash(password)
        raise DecisionError("the password holds characters that cannot be used", reason="password")

    def _changed(self, work: Work, user_id: str) -> User:
        row = people.user(work.connection, user_id)
        if row is None:
            raise NotFoundError("there is no such user")
        return shown(row)

    def set_disabled(self, token: str, user_id: str, *, disabled: bool) -> User:
        """Disable or enable a user; a disabled one is out at the next action and gives back their notes.

        Raises
        ------
        DecisionError
            If the caller would disable themselves.
        NotFoundError
            If there is no such user.
        """
        with self._writing(token, "users.manage") as (work, actor):
            self._changed(work, user_id)
            if disabled and user_id == actor.user_id:
                raise DecisionError("you cannot disable yourself", reason="own_account")
            people.change_user(work.connection, user_id, disabled_at=work.now if disabled else None)
            if disabled:
                leases.drop_user(work.connection, user_id)
                people.end_sessions(work.connection, user_id, work.now)
            work.record(actor.user_id, "user.disable" if disabled else "user.enable", user_id)
            return self._changed(work, user_id)

    def set_role(self, token: str, user_id: str, role: Role) -> User:
        """Change a user's role, felt at the next action. Errors as `set_disabled`."""
        with self._writing(token, "users.manage") as (work, actor):
            self._changed(work, user_id)
            if user_id == actor.user_id:
                raise DecisionError("you cannot change your own role", reason="own_account")
            people.change_user(work.connection, user_id, role=role_of(role))
            work.record(actor.user_id, "user.role", user_id, role=role)
            return self._changed(work, user_id)

    def set_password(self, token: str, user_id: str, password: str) -> None:
        """Set a user's password, unlock them and end their sessions."""
        password_hash = self._hash(password)
        with self._writing(token, "users.manage") as (work, actor):
            self._changed(work, user_id)
            people.change_user(
                work.connection, user_id, password_hash=password_hash, failures=0, locked_until=None
            )
            people.end_sessions(work.connection, user_id, work.now, but=actor.session_id)
            work.record(actor.user_id, "user.password", user_id)

    def change_password(self, token: str, old: str, new: str) -> None:
        """Change one's own password; other sessions of the user end.

        Raises
        ------
        SignInError
            If the old password is wrong; counts as a failure to sign in.
        """
        with self._reading(token, "self") as (connection, actor):
            row = people.user(connection, actor.user_id)
        assert row is not None  # noqa: S101  # the session was theirs a moment ago
        if row.locked_until is not None and self.store.clock() < row.locked_until:
            raise LockedError(at(row.locked_until))
        right = row.password_hash is not None and self._verify(row.password_hash, old)
        new_hash = self._hash(new) if right else None
        with self._writing(token, "self") as (work, actor):
            if new_hash is not None:
                people.change_user(work.connection, actor.user_id, password_hash=new_hash, failures=0)
                people.end_sessions(work.connection, actor.user_id, work.now, but=actor.session_id)
                work.record(actor.user_id, "user.password", actor.user_id)
                return
            self._failed(work, row)
        raise SignInError("the old password is wrong")

    def issue_api_token(self, token: str, user_id: str, *, days: int = 30) -> SignedIn:
        """A token for the HTTP service in a user's name: no idle limit, ends after 1 to 366 ``days``."""
        if not 1 <= days <= 366:
            raise DecisionError("an API token lasts 1 to 366 days", reason="days")
        with self._writing(token, "users.manage") as (work, actor):
            row = people.user(work.connection, user_id)
            if row is None:
                raise NotFoundError("there is no such user")
            if row.disabled_at is not None:
                raise DecisionError("a disabled user gets no token", reason="disabled")
            work.record(actor.user_id, "user.token", user_id, days=days)
            return self._session(work, row, how="token", kind="api", lasting_ms=days * 86_400_000)
