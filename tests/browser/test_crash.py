"""The server is killed while a coder works: no decision is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from browser_server import Server, Tab, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("crash")) as made:
        yield made


def test_decisions_survive_kill_and_restart(server: Server, tab: Callable[..., Tab]) -> None:
    one = tab().open("keys-0")
    for i in range(25):
        one.page.keyboard.press("a")
        one.page.wait_for_timeout(60)
        if i == 8:
            server.kill()
        if i == 12:
            assert one.page.evaluate("window.suggesterReview.outbox.items.length") > 0
            assert "not yet saved" in one.page.inner_text(".sg-sync")
            assert one.page.locator(".sg-row.pending-sync").count() > 0
        if i == 16:
            server.start()
    one.saved(seconds=30)
    assert server.accepted("keys-0") == 25
    assert one.page.locator(".sg-row.pending-sync").count() == 0


def test_unsent_decisions_survive_a_reload_of_the_tab(server: Server, tab: Callable[..., Tab]) -> None:
    one = tab().open("keys-30")
    server.kill()
    one.keys("aaaaa")
    one.page.on("dialog", lambda dialog: dialog.accept())
    server.start()
    one.page.evaluate("clearTimeout(window.suggesterReview.outbox.timer)")
    one.page.goto(f"{server.url}/review?note={server.notes['keys-30']}")
    one.page.wait_for_selector(".sg-review[data-note] .sg-row", timeout=30_000)
    one.saved()
    assert server.accepted("keys-30") == 5
