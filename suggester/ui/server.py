"""The server of the review app: Streamlit and our routes behind one gate, on loopback."""

from __future__ import annotations

import gc
import socket
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
import uvicorn
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from streamlit.web import bootstrap

from suggester.errors import SessionError
from suggester.ui.context import AppContext, install
from suggester.ui.headers import COOKIE, Gate, Start, content_policy, cookie_of, inline_script_hashes
from suggester.ui.quiet import install as install_quiet
from suggester.ui.quiet import where
from suggester.ui.router import pages_of
from suggester.ui.routes import api_routes
from suggester.ui.sign_in import sign_in_routes

__all__ = ["build_app", "listening_socket", "run", "streamlit_settings"]

_HERE = Path(__file__).parent
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_OIDC_PATHS = frozenset({"/", "/_stcore/stream", "/_stcore/host-config"})
_OIDC_ROUTES = ("/auth/", "/oauth2callback")
"""What somebody without a session may ask for where a provider signs in; nowhere else."""


def streamlit_settings() -> dict[str, Any]:
    """Settings of Streamlit by dotted name, as ``streamlit.toml`` has them.

    >>> streamlit_settings()["browser.gatherUsageStats"]
    False
    """
    nested = tomllib.loads((_HERE / "streamlit.toml").read_text(encoding="utf-8"))
    out: dict[str, Any] = {}

    def flatten(prefix: str, table: Mapping[str, Any]) -> None:
        for key, value in table.items():
            if isinstance(value, Mapping):
                flatten(f"{prefix}{key}.", value)
            else:
                out[f"{prefix}{key}"] = value

    flatten("", nested)
    return out


def build_app(context: AppContext, *, hosts: tuple[str, ...] = ()) -> st.App:
    """The whole app as one ASGI application.

    Parameters
    ----------
    context
        What pages and routes share.
    hosts
        Host names to answer to besides those of this machine's loopback.
    """
    install_quiet()
    install(context)
    page = Path(st.__file__).parent / "static" / "index.html"

    def refused(scope: Scope) -> str | None:
        path = scope["path"]
        if context.oidc is not None and (path in _OIDC_PATHS or path.startswith(_OIDC_ROUTES)):
            return None  # st.login needs a running page; the pages themselves ask for a session
        return context.refusal(cookie_of(scope, COOKIE))

    def start(scope: Scope) -> str | None:
        try:
            actor = context.service.whoami(cookie_of(scope, COOKIE) or "")
        except SessionError:  # only where a provider signs in: the page begins that
            return None
        return f"/{pages_of(actor.role)[0].address}"

    routes: list[BaseRoute] = [
        *sign_in_routes(context),
        *api_routes(context),
        Mount("/assets/widget", StaticFiles(directory=_HERE / "widget")),
        Mount("/assets/page", StaticFiles(directory=_HERE / "assets")),
    ]
    return st.App(
        _HERE / "script" / "door.py",
        routes=routes,
        middleware=[
            Middleware(
                Gate,
                refused=refused,
                hosts=(*_LOOPBACK, *hosts),
                policy=content_policy(inline_script_hashes(page)),
            ),
            Middleware(Start, start=start),
        ],
        lifespan=_lifespan,
        on_script_error=_script_failed,
    )


@asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[dict[str, Any] | None]:
    # What was loaded so far stays for good: keep the collector from walking through it after every run.
    gc.collect()
    gc.freeze()
    yield None


def _script_failed(error: Exception) -> bool:
    """Show a page of our own instead of what the exception says."""
    st.error(
        "Something went wrong on this page. Your decisions are kept. Reload the page; if it comes again, "
        f"tell your administrator: {where(error).split(' at ')[0]}."
    )
    return True


def run(context: AppContext, *, port: int, address: str = "127.0.0.1", hosts: tuple[str, ...] = ()) -> None:
    """Serve until stopped."""
    settings = {**streamlit_settings(), "server.address": address, "server.port": port}
    bootstrap.load_config_options(settings)
    config = uvicorn.Config(
        build_app(context, hosts=hosts),
        ws="websockets-sansio",
        ws_max_size=256 * 1024 * 1024,
        ws_per_message_deflate=False,
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run(sockets=[listening_socket(address, port)])


def listening_socket(address: str, port: int) -> socket.socket:
    """A listening socket whose connections answer at once.

    asyncio turns off Nagle's algorithm only for sockets made with ``IPPROTO_TCP``; without that every answer
    of headers and body waits 40 ms for the browser's delayed acknowledgement (measured: 44 ms, then 1 ms).

    Raises
    ------
    OSError
        If the address is taken.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.bind((address, port))
        made.listen(256)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made
