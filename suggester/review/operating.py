"""What the operator of the machine does without signing in: first users, imports, from the command line."""

from __future__ import annotations

import secrets

from suggester.review.access import new_user
from suggester.review.base import at, hashed
from suggester.review.service import ReviewService
from suggester.review.types import Actor, SignedIn
from suggester.store import people
from suggester.store.store import new_id

__all__ = ["OPERATOR", "operator_session"]

OPERATOR = "operator"
"""Name of the administrator that commands act as; it has no password, so that nobody signs in as it."""

_LASTING_MS = 24 * 3_600_000


def operator_session(service: ReviewService) -> SignedIn:
    """A session of the operator, for a command on this machine; whoever can read the key file may have one.

    Raises
    ------
    DatabaseError
        If the store cannot be written.
    """
    token = secrets.token_urlsafe(32)
    with service.store.write() as work:
        row = people.user_by(work.connection, "name", OPERATOR)
        if row is None:
            row = new_user(work, "system", name=OPERATOR, role="admin", display_name="Operator")
        session_id = new_id("s")
        people.add_session(
            work.connection,
            session_id=session_id,
            token_hash=hashed(token),
            user_id=row.id,
            kind="api",
            now=work.now,
            expires_at=work.now + _LASTING_MS,
        )
        work.record(row.id, "sign_in", session_id, how="command")
        return SignedIn(
            token=token,
            actor=Actor(
                user_id=row.id,
                name=row.name,
                display_name=row.display_name,
                role="admin",
                session_id=session_id,
            ),
            expires_at=at(work.now + _LASTING_MS),
            idle_seconds=_LASTING_MS // 1000,
        )
