"""No serious accessibility finding on any page, by axe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_server import Server, Tab
from browser_world import CANARY, finished
from playwright.sync_api import Page

from suggester.ui.router import PAGES

Make = Callable[..., Tab]
EXAMPLE = Path(__file__).parents[2] / "docs" / "example"


AT_REST = """() => {
  const app = document.querySelector("[data-testid=stApp]");
  return (!app || app.dataset.testScriptState === "notRunning")
    && document.getAnimations().every(a => a.playState !== "running");
}"""
"""The page's script has ended and nothing fades any more: while either goes on, colours are paler."""


def findings(one: Tab) -> list[str]:
    """Serious findings as ``rule: target``, once the page is at rest."""
    one.page.wait_for_function(AT_REST, timeout=30_000)
    result: dict[str, Any] = Axe().run(one.page).response
    return [
        f"{item['id']}: {node['target']} {node.get('failureSummary', '')[:300]}"
        for item in result["violations"]
        if item["impact"] in ("serious", "critical")
        for node in item["nodes"]
    ]


def choose_encounter(page: Page) -> None:
    """On the claim page, give the example's clinic and prices and open the encounter of ``finished``."""
    page.get_by_role("button", name="Clinic and fees").click()
    for place, (name, shown) in enumerate(
        (("profile.toml", "bills EXAMPLE HEALTH PLAN"), ("fees.csv", "prices"))
    ):
        field = page.locator("[data-testid=stFileUploaderDropzoneInput]").nth(place)
        field.set_input_files(str(EXAMPLE / name))
        page.wait_for_selector(f"text={shown}", timeout=30_000)
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Encounter").click()
    page.keyboard.type(CANARY)
    page.keyboard.press("Enter")


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
        ("ada", "/worklist", "Worklist"),
        ("ada", "/claim", "Claim"),
        ("mona", "/import", "Import"),
        ("audrey", "/audit", "Audit"),
        ("mona", "/dashboard", "Dashboard"),
        ("root", "/people", "People"),
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


@pytest.fixture(scope="module")
def encounter(server: Server) -> str:
    """A finished note with an encounter, on the server of all modules."""
    return finished(server.service, server.tokens["manager"], server.tokens["coder"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_claim_of_an_encounter(encounter: str, tab: Make, scheme: str) -> None:
    assert encounter
    one = tab("ada", color_scheme=scheme)
    page = one.page
    page.goto(f"{one.server.url}/claim")
    page.wait_for_selector("h1:has-text('Claim')", timeout=30_000)
    page.get_by_role("button", name="Clinic and fees").click()
    page.wait_for_selector("[data-testid=stFileUploaderDropzoneInput]", state="attached")
    assert findings(one) == []
    page.keyboard.press("Escape")
    choose_encounter(page)
    page.get_by_role("button", name="Save and check").wait_for(timeout=60_000)
    page.wait_for_timeout(400)
    assert findings(one) == []
    page.get_by_label("Charge, $").first.fill("125.00")
    page.get_by_role("button", name="Save and check").click()
    page.wait_for_selector("text=Clear to export", timeout=60_000)
    page.get_by_text("837P", exact=True).first.click()
    page.wait_for_selector("code:has-text('SV1*HC:')", timeout=60_000)
    assert findings(one) == []
    page.get_by_text("FHIR Claim", exact=True).click()
    page.wait_for_selector("code:has-text('resourceType')", timeout=60_000)
    assert findings(one) == []
