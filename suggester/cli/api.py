"""``suggester api``: the HTTP service for other programs, on this machine only."""

from __future__ import annotations

from typing import Annotated

import typer

from suggester.cli.console import say

__all__ = ["api"]


def api(
    *,
    port: Annotated[int, typer.Option("--port", min=1024, max=65535, help="Port on loopback.")] = 8600,
    per_minute: Annotated[
        int, typer.Option("--per-minute", min=1, help="Requests a minute and token.")
    ] = 600,
    body_mb: Annotated[
        int, typer.Option("--body-mb", min=1, max=1024, help="Largest request body in megabytes.")
    ] = 64,
) -> None:
    """Start the HTTP service and keep it running.

    It listens on loopback only; to reach it from other machines put a proxy with TLS in front. The OpenAPI
    document is at /openapi.json. Callers send the token of a user (`suggester users token NAME`).
    """
    import uvicorn

    from suggester.api import ApiLimits, create_app
    from suggester.config import Settings
    from suggester.review import open_review
    from suggester.suggest import load

    settings = Settings.load()
    service = open_review(settings)
    limits = ApiLimits(
        body_bytes=body_mb * 1024 * 1024, note_chars=settings.max_note_chars, per_minute=per_minute
    )
    app = create_app(service, lambda: load(settings), limits=limits)
    say(f"HTTP service: http://127.0.0.1:{port}/openapi.json (stop with Ctrl+C)")
    try:
        # no access log: addresses would hold the ids of notes
        uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")
    finally:
        service.close()
