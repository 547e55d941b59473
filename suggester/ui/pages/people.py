"""The people page: who may sign in, in which role (administrators)."""

from __future__ import annotations

import streamlit as st

from suggester.errors import ReviewError
from suggester.review.types import ROLES, Role, User
from suggester.ui.shell import Visit, visit

__all__ = ["page"]

_ROLE_HELP = "coder: reviews notes. auditor: second codings. manager: worklist, figures. admin: people only."


def page() -> None:
    """List the users; add one, change a role, disable, set a password."""
    here = visit()
    st.title("People")
    users = here.service.list_users(here.token)
    st.dataframe(
        [
            {
                "Name": user.name,
                "Shown as": user.display_name,
                "Role": user.role,
                "Email": user.email or "",
                "State": _state(user),
                "Since": user.created_at,
            }
            for user in users
        ],
        hide_index=True,
    )
    left, right = st.columns(2, gap="large")
    with left:
        _add(here)
    with right:
        _change(here, users)


def _state(user: User) -> str:
    if user.disabled:
        return "disabled"
    return "locked after failures" if user.locked_until else "active"


def _add(here: Visit) -> None:
    st.subheader("Add a person")
    with st.form("add_person", clear_on_submit=True):
        name = st.text_input("Name to sign in with")
        shown = st.text_input("Name to show")
        role: Role = st.selectbox("Role", ROLES, help=_ROLE_HELP)
        password = st.text_input("First password, at least 10 characters", type="password")
        if not st.form_submit_button("Add", type="primary"):
            return
    try:
        here.service.add_user(
            here.token, name=name, role=role, display_name=shown or None, password=password or None
        )
    except ReviewError as error:
        st.error(str(error))
    else:
        st.rerun()


def _change(here: Visit, users: tuple[User, ...]) -> None:
    st.subheader("Change a person")
    by_name = {user.name: user for user in users if user.id != here.actor.user_id}
    if not by_name:
        st.caption("There is nobody else yet.")
        return
    with st.form("change_person", clear_on_submit=True):
        chosen = by_name[st.selectbox("Person", list(by_name))]
        what = st.radio("What", ("Role", "Password", "Disable", "Enable"), horizontal=True)
        role: Role = st.selectbox("New role", ROLES, help=_ROLE_HELP)
        password = st.text_input("New password, at least 10 characters", type="password")
        if not st.form_submit_button("Change", type="primary"):
            return
    try:
        if what == "Role":
            here.service.set_role(here.token, chosen.id, role)
        elif what == "Password":
            here.service.set_password(here.token, chosen.id, password)
        else:
            here.service.set_disabled(here.token, chosen.id, disabled=what == "Disable")
    except ReviewError as error:
        st.error(str(error))
    else:
        st.rerun()
