"""Who may do what: one table, default deny."""

from __future__ import annotations

from suggester.errors import ForbiddenError
from suggester.review.types import ROLES, Role

__all__ = ["PERMISSIONS", "allows", "require"]

_TABLE: dict[str, tuple[Role, ...]] = {
    "self": ("coder", "auditor", "manager", "admin"),
    "worklist.read": ("coder", "auditor", "manager"),
    "note.read": ("coder", "auditor", "manager"),
    "note.take": ("coder", "auditor"),
    "note.code": ("coder",),
    "second_review.code": ("auditor",),
    "note.reopen": ("coder", "auditor", "manager"),
    "note.reopen_any": ("auditor", "manager"),
    "note.send": ("coder", "auditor", "manager"),
    "note.assign": ("manager",),
    "note.import": ("manager", "admin"),
    "summary.export": ("coder", "auditor", "manager"),
    "codes.search": ("coder", "auditor", "manager"),
    "query.write": ("coder", "auditor"),
    "query.read": ("coder", "auditor", "manager"),
    "audit.sample": ("auditor", "manager"),
    "audit.code": ("auditor",),
    "dashboard.read": ("manager",),
    "notes.learn": ("manager",),
    "claim.read": ("coder", "manager"),
    "claim.write": ("coder", "manager"),
    "users.manage": ("admin",),
    "trail.read": ("admin", "auditor"),
    "trail.verify": ("admin", "auditor"),
}

PERMISSIONS: dict[str, frozenset[Role]] = {name: frozenset(roles) for name, roles in _TABLE.items()}
"""Permission to the roles that have it. What is not here nobody may."""


def allows(role: str, permission: str) -> bool:
    """Whether a role has a permission; an unknown role or permission has none."""
    return role in PERMISSIONS.get(permission, frozenset())


def require(role: str, permission: str) -> None:
    """Refuse what a role may not.

    Raises
    ------
    ForbiddenError
        If the role has not the permission; names the roles that have it.
    """
    if not allows(role, permission):
        able = ", ".join(r for r in ROLES if allows(r, permission)) or "nobody"
        raise ForbiddenError(f"role {role} may not do this ({permission}); allowed: {able}")
