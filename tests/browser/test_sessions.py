"""The end of a session is felt at the next action."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browser_server import Server, Tab
from browser_world import PASSWORDS

Make = Callable[..., Tab]


def barred(one: Tab, word: str) -> None:
    one.keys("a")
    one.until("document.querySelector('.sg-review').dataset.signedOut === '1'")
    assert word in one.page.inner_text(".sg-banner")


def test_wrong_password_and_deep_link(server: Server, tab: Make) -> None:
    one = tab(None)
    address = f"/review?note={server.notes['out']}"
    one.page.goto(server.url + address)
    assert "/sign-in" in one.page.url
    one.page.fill("#name", "ada")
    one.page.fill("#password", "not the password")
    one.page.click("button[type=submit]")
    assert one.page.locator("[role=alert]").is_visible()
    one.page.fill("#name", "ada")
    one.page.fill("#password", PASSWORDS["ada"])
    one.page.click("button[type=submit]")
    one.page.wait_for_selector(f'.sg-review[data-note="{server.notes["out"]}"]', timeout=30_000)


def test_sign_out_in_another_tab(server: Server, tab: Make) -> None:
    one = tab().open("out")
    other = one.context.new_page()
    other.goto(f"{server.url}/")
    other.click("text=Sign out", timeout=30_000)
    other.wait_for_url("**/sign-in**")
    barred(one, "signed out")
    assert server.accepted("out") == 0


def test_disabled_user(server: Server, tab: Make) -> None:
    one = tab("bob").open("disabled")
    admin = server.tokens["admin"]
    bob = next(user for user in server.service.list_users(admin) if user.name == "bob")
    server.service.set_disabled(admin, bob.id, disabled=True)
    barred(one, "disabled")
    server.service.set_disabled(admin, bob.id, disabled=False)
    assert server.accepted("disabled") == 0


def test_idle_session(server: Server, tab: Make) -> None:
    one = tab().open("idle")
    server.lapse("ada")
    barred(one, "signed out")
    one.page.reload()
    one.page.wait_for_url("**/sign-in**")
    assert server.accepted("idle") == 0
    one.sign_in("ada")
    one.open("idle")
    one.saved()
    assert server.accepted("idle") == 1  # what was pressed before is sent once the same person is back


@pytest.mark.parametrize("page", ["/", "/review"])
def test_pages_of_an_ended_session_show_sign_in(server: Server, tab: Make, page: str) -> None:
    one = tab()
    one.page.goto(server.url + page)
    one.page.wait_for_selector("[data-testid=stApp]", timeout=30_000)
    server.lapse("ada")
    one.page.goto(server.url + page)
    one.page.wait_for_url("**/sign-in**", timeout=30_000)
