"""``suggester serve``: the review app in the browser, on this machine only."""

from __future__ import annotations

import socket
from typing import Annotated

import typer

from suggester.cli.console import USAGE, complain, say

__all__ = ["serve"]


def serve(
    *,
    demo: Annotated[
        bool, typer.Option("--demo", help="Sample notes and no sign-in; nothing is kept when it stops.")
    ] = False,
    port: Annotated[int, typer.Option("--port", min=1024, max=65535, help="Port on loopback.")] = 8501,
    hosts: Annotated[
        list[str] | None,
        typer.Option(
            "--host",
            metavar="NAME",
            help="Host name under which a proxy on this machine reaches the app; may be given again.",
            show_default=False,
        ),
    ] = None,
    secure: Annotated[
        bool, typer.Option("--secure", help="Cookies over HTTPS only: a proxy in front speaks TLS.")
    ] = False,
    oidc: Annotated[
        str | None,
        typer.Option(
            "--oidc",
            metavar="PROVIDER",
            help="Sign in through this provider of .streamlit/secrets.toml besides local accounts.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Start the review app and keep it running.

    It listens on loopback only. To reach it from other machines put a proxy with TLS in front and name it
    with --host and --secure.
    """
    if demo and (hosts or oidc):
        complain("--demo is for this machine alone: leave out --host and --oidc")
        raise typer.Exit(USAGE)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            complain(f"port {port} is taken: give another with --port")
            raise typer.Exit(USAGE) from None
    from suggester.config import Settings
    from suggester.review import open_review
    from suggester.ui.context import AppContext
    from suggester.ui.server import run

    settings = Settings.load()
    say("reading the sample notes" if demo else "opening the store and the code sets")
    service = open_review(settings, demo=demo)
    service.warm_up()
    context = AppContext(
        service=service,
        demo=demo,
        oidc=oidc,
        proxy_header=settings.proxy_header.lower() or None,
        secure=secure,
    )
    kind = "demo, nothing is kept" if demo else "sign in with your account"
    say(f"review app: http://127.0.0.1:{port}/ ({kind}; stop with Ctrl+C)")
    try:
        run(context, port=port, hosts=tuple(hosts or ()))
    finally:
        service.close()
