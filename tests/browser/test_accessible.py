"""No serious accessibility finding on any page, by axe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_server import Server, Tab

from suggester.ui.router import PAGES

Make = Callable[..., Tab]


def findings(one: Tab) -> list[str]:
    """Serious findings as ``rule: target``."""
    result: dict[str, Any] = Axe().run(one.page).response
    return [
        f"{item['id']}: {node['target']} {node.get('failureSummary', '')[:300]}"
        for item in result["violations"]
        if item["impact"] in ("serious", "critical")
        for node in item["nodes"]
    ]


def test_sign_in(server: Server, tab: Make) -> None:
    one = tab(None)
    one.page.goto(f"{server.url}/sign-in?why=idle")
    assert findings(one) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_review_with_its_dialogs_and_summary(server: Server, tab: Make, scheme: str) -> None:
    one = tab("ada", color_scheme=scheme).open("axe")
    page = one.page
    one.keys("a")
    one.keys("x2")
    one.saved()
    page.click(".sg-ledger summary")
    page.wait_for_timeout(400)
    assert findings(one) == []
    one.keys("x")
    assert findings(one) == []
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("heart attack")
    page.wait_for_selector(".sg-card .sg-cardhead")
    assert findings(one) == []
    page.keyboard.press("Escape")
    for key in "?bq":
        one.keys(key)
        page.wait_for_timeout(250)
        assert findings(one) == []
        page.keyboard.press("Escape")
    one.keys("f")
    page.wait_for_selector(".sg-final")
    assert findings(one) == []


@pytest.mark.parametrize(
    ("name", "path", "title"),
    [
        ("ada", "/", "Worklist"),
        ("mona", "/import", "Import"),
        ("audrey", "/audit", "Audit"),
        ("mona", "/dashboard", "Dashboard"),
        ("root", "/", "People"),
    ],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages(server: Server, tab: Make, name: str, path: str, title: str, scheme: str) -> None:
    if not next(entry for entry in PAGES if entry.title == title).there:
        pytest.skip("this installation has no such page yet")
    one = tab(name, color_scheme=scheme)
    one.page.goto(server.url + path)
    one.page.wait_for_selector(f"h1:has-text('{title}')", timeout=30_000)
    one.page.wait_for_timeout(400)
    assert findings(one) == []
