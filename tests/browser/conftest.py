"""Fixtures of the browser tests: real Chromium, a real server.

The policy of the pages forbids ``eval``, so tests poll with ``page.evaluate`` and never with
``wait_for_function``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_server import Server, Tab, running
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = os.environ.get("SUGGESTER_CHROMIUM", "/usr/bin/chromium")
ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("no Chromium here: install it or name it with SUGGESTER_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of all modules that do not have one of their own."""
    with running(tmp_path_factory.mktemp("app")) as made:
        yield made


@pytest.fixture
def tab(server: Server, chromium: Browser) -> Iterator[Callable[..., Tab]]:
    """Makes a browser of its own for a person, signed in; any page error fails the test."""
    made: list[Tab] = []

    def make(name: str | None = "ada", **options: Any) -> Tab:
        size = {"width": 1440, "height": 900}
        context = chromium.new_context(**{"viewport": size, "accept_downloads": True, **options})
        page = context.new_page()
        one = Tab(server=server, page=page, context=context, asked=[], errors=[])
        page.on("pageerror", lambda error: one.errors.append(str(error)))
        page.on("request", lambda request: one.asked.append(request.url))
        made.append(one)
        return one if name is None else one.sign_in(name)

    yield make
    for one in made:
        one.context.close()
    assert [error for one in made for error in one.errors] == []
