"""``suggester users``: who may sign in to the review app."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from suggester.cli.console import FAILED, CleanExitGroup, complain, say
from suggester.cli.options import Json, settings_with

if TYPE_CHECKING:
    from suggester.review.service import ReviewService
    from suggester.review.types import User

__all__ = ["group"]

group = typer.Typer(
    cls=CleanExitGroup,
    help="Add, list, disable and enable users of the review app.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name to sign in with.", show_default=False)]
PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin",
        help="Read the password from standard input instead of asking.",
        show_default=False,
    ),
]


@contextmanager
def operating() -> Iterator[tuple[ReviewService, str]]:
    """The service over the store of the settings, and a session of the operator."""
    from suggester.review import open_review
    from suggester.review.operating import operator_session

    service = open_review(settings_with())
    try:
        session = operator_session(service)
        yield service, session.token
        service.sign_out(session.token)
    finally:
        service.close()


def _password(*, stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _found(service: ReviewService, token: str, name: str) -> User:
    for user in service.list_users(token):
        if user.name == name.strip().lower():
            return user
    complain("there is no user of this name: see `suggester users list`")
    raise typer.Exit(FAILED)


@group.command("add")
def add(
    name: Name,
    *,
    role: Annotated[str, typer.Option("--role", help="coder, auditor, manager or admin.")] = "coder",
    display_name: Annotated[
        str | None, typer.Option("--display-name", help="Name that others see.", show_default=False)
    ] = None,
    email: Annotated[
        str | None, typer.Option("--email", help="Verified email, for sign-in by OIDC.", show_default=False)
    ] = None,
    no_password: Annotated[
        bool,
        typer.Option("--no-password", help="For who signs in by OIDC or a proxy.", show_default=False),
    ] = False,
    password_stdin: PasswordStdin = False,
) -> None:
    """Add a user."""
    from suggester.review.base import role_of

    chosen = role_of(role)
    password = None if no_password else _password(stdin=password_stdin)
    with operating() as (service, token):
        user = service.add_user(
            token, name=name, role=chosen, display_name=display_name, password=password, email=email
        )
    say(f"added {user.name}, {user.role}")


@group.command("list")
def list_users(*, json: Json = False) -> None:
    """List all users."""
    from suggester.contract import to_json_line

    with operating() as (service, token):
        users = service.list_users(token)
    for user in users:
        state = "disabled" if user.disabled else "enabled"
        if json:
            record = {"name": user.name, "display_name": user.display_name, "role": user.role}
            typer.echo(to_json_line({**record, "email": user.email, "state": state}).encode())
        else:
            typer.echo(f"{user.name}  {user.role}  {state}  {user.display_name}".encode())


@group.command("disable")
def disable(name: Name) -> None:
    """Disable a user: out at the next action."""
    with operating() as (service, token):
        service.set_disabled(token, _found(service, token, name).id, disabled=True)
    say(f"{name} is disabled")


@group.command("enable")
def enable(name: Name) -> None:
    """Enable a user again."""
    with operating() as (service, token):
        service.set_disabled(token, _found(service, token, name).id, disabled=False)
    say(f"{name} is enabled")


@group.command("password")
def password(name: Name, *, password_stdin: PasswordStdin = False) -> None:
    """Set a user's password, unlock them and end their sessions."""
    chosen = _password(stdin=password_stdin)
    with operating() as (service, token):
        service.set_password(token, _found(service, token, name).id, chosen)
    say(f"password of {name} is set")


@group.command("token")
def api_token(
    name: Name,
    *,
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="How long it holds.")] = 30,
) -> None:
    """Issue a token for the HTTP service in a user's name; it is printed once and kept nowhere."""
    with operating() as (service, token):
        issued = service.issue_api_token(token, _found(service, token, name).id, days=days)
    typer.echo(issued.token)
    say(f"token of {name}, until {issued.expires_at:%Y-%m-%d}; disabling the user ends it at once")
