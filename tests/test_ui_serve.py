"""``suggester serve``: what it starts and what it refuses."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from free_ports import free_port
from test_ui_web import results
from typer.testing import CliRunner
from ui_world import MemoryReview

import suggester.review
import suggester.ui.server
from suggester.cli import main


class Opened(MemoryReview):
    warm = closed = False

    def warm_up(self) -> None:
        self.warm = True

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the server was started with; it stops at once."""
    calls: list[Any] = []
    service = Opened(results())

    def open_review(settings: object, *, demo: bool) -> Opened:
        calls.append(demo)
        return service

    monkeypatch.setattr(suggester.review, "open_review", open_review)
    monkeypatch.setattr(
        suggester.ui.server, "run", lambda context, **options: calls.append((context, options))
    )
    return calls


def test_serve_demo_starts_without_sign_in(started: list[Any]) -> None:
    port = free_port()
    result = CliRunner().invoke(main, ["serve", "--demo", "--port", str(port)])
    assert result.exit_code == 0, result.output
    assert f"http://127.0.0.1:{port}/" in result.stderr
    assert "nothing is kept" in result.stderr
    demo, (context, options) = started
    assert demo is True
    assert context.demo
    assert options == {"port": port, "hosts": ()}
    assert context.service.warm
    assert context.service.closed


def test_serve_behind_a_proxy(started: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUGGESTER_PROXY_HEADER", "X-Remote-User")
    words = ["serve", "--port", str(free_port()), "--host", "coding.example", "--secure", "--oidc", "main"]
    assert CliRunner().invoke(main, words).exit_code == 0
    context, options = started[1]
    assert (context.secure, context.oidc, context.proxy_header) == (True, "main", "x-remote-user")
    assert options["hosts"] == ("coding.example",)


@pytest.mark.parametrize("words", [["--host", "a.example"], ["--oidc", "main"]])
def test_serve_demo_is_for_this_machine_alone(started: list[Any], words: list[str]) -> None:
    result = CliRunner().invoke(main, ["serve", "--demo", *words])
    assert result.exit_code == 2
    assert not started


def test_serve_says_when_the_port_is_taken(started: list[Any]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = CliRunner().invoke(main, ["serve", "--port", str(taken.getsockname()[1])])
    assert result.exit_code == 2
    assert "--port" in result.stderr
    assert not started
