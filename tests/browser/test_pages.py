"""The pages beside the review page, in the browser: what only a browser can show."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser_server import Server, Tab, running
from browser_world import CANARY, ENCOUNTER, HOSTILE, finished
from test_accessible import choose_encounter, findings

Make = Callable[..., Tab]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of this module's own, with one finished note."""
    with running(tmp_path_factory.mktemp("pages")) as made:
        made.notes["claim-note"] = finished(made.service, made.tokens["manager"], made.tokens["coder"])
        yield made


def at(one: Tab, path: str, title: str) -> Tab:
    one.page.goto(one.server.url + path)
    one.page.wait_for_selector(f"h1:has-text('{title}')", timeout=30_000)
    return one


def unharmed(one: Tab) -> None:
    """No script of a note or an id ran, nothing was asked from elsewhere, no address tells of a patient."""
    assert one.page.evaluate("window.hacked") is None
    assert not [url for url in one.asked if not url.startswith((one.server.url, "data:", "blob:"))]
    assert not [url for url in [*one.asked, one.page.url] if CANARY in url]


def test_worklist_takes_the_next_note_and_offers_no_raw_export(tab: Make) -> None:
    one = tab("ada")
    one.page.wait_for_selector("[data-testid=stDataFrame] canvas", timeout=30_000)
    one.page.hover("[data-testid=stDataFrame]")
    assert one.page.get_by_label("Download as CSV").count() == 0
    one.page.get_by_role("button", name="Take the next note").click()
    one.page.wait_for_selector(".sg-review[data-note]", timeout=30_000)
    unharmed(one)


def test_import_by_upload_shows_errors_and_no_text(server: Server, tab: Make, tmp_path: Path) -> None:
    one = at(tab("mona"), "/import", "Import")
    file = tmp_path / "notes.jsonl"
    good = {"id": "up-1", "text": f"{CANARY} has gout. {HOSTILE[1]}"}
    file.write_text(f'{json.dumps(good)}\n{{"id":"up-2"}}\n')
    one.page.set_input_files("[data-testid=stFileUploaderDropzoneInput]", str(file))
    one.page.get_by_role("button", name="Import", exact=True).click()
    one.page.wait_for_selector("text=1 note imported", timeout=60_000)
    one.page.wait_for_selector("text=1 record not imported")
    assert CANARY not in one.page.inner_text("body")
    assert findings(one) == []
    assert not list((server.folder / "tmp").glob("suggester-upload-*"))
    assert CANARY not in server.log
    unharmed(one)


def test_dashboard_draws_its_plots_within_the_policy(tab: Make) -> None:
    one = tab("mona")
    said: list[str] = []
    one.page.on("console", lambda message: said.append(message.text))
    at(one, "/dashboard", "Dashboard")
    one.page.wait_for_selector("[data-testid=stVegaLiteChart] svg, [data-testid=stVegaLiteChart] canvas")
    one.page.wait_for_timeout(800)
    assert one.page.locator("[data-testid=stVegaLiteChart]").count() >= 6
    assert not [text for text in said if "Content Security Policy" in text]
    with one.page.expect_download() as caught:
        one.page.get_by_role("button", name="CSV").first.click()
    assert Path(caught.value.path()).read_text().startswith("coder,day,notes")
    unharmed(one)


def test_auditor_draws_a_sample_and_gets_a_note_blind(tab: Make) -> None:
    one = at(tab("audrey"), "/audit", "Audit")
    one.page.get_by_role("button", name="Draw the sample").click()
    one.page.wait_for_selector("text=0 of 1 coded again", timeout=30_000)
    assert findings(one) == []
    one.page.get_by_role("button", name="Code the next note blind").click()
    one.page.wait_for_selector(".sg-review[data-note] .sg-text", timeout=30_000)
    assert "track=audit" in one.page.url
    unharmed(one)


def test_claim_goes_from_its_codes_to_a_downloaded_837p(server: Server, tab: Make, tmp_path: Path) -> None:
    one = at(tab("ada"), "/claim", "Claim")
    page = one.page
    choose_encounter(page)
    page.wait_for_selector("text=Draft, not saved yet", timeout=60_000)
    assert findings(one) == []

    def save(charge: str) -> None:
        field = page.get_by_label("Charge, $").first
        field.fill(charge)
        page.get_by_role("button", name="Save and check").click()

    save("0")
    page.wait_for_selector("text=Nothing leaves while an error stands", timeout=60_000)
    assert page.locator(".sg-download").count() == 0
    refused = page.request.get(f"{server.url}/export/claim/{server.notes['claim-note']}/837p/x12")
    assert refused.status == 400
    assert findings(one) == []
    save("125.00")
    page.wait_for_selector("text=Clear to export", timeout=60_000)
    page.get_by_text("837P", exact=True).first.click()
    page.wait_for_selector("code:has-text('SV1*HC:')", timeout=60_000)
    with page.expect_download() as caught:
        page.locator(".sg-download").first.click()
    assert caught.value.suggested_filename.endswith(".x12")
    text = Path(caught.value.path()).read_text()
    assert text.startswith("ISA*")
    assert "*125*" in text
    coder = server.tokens["coder"]
    assert [item.format for item in server.service.exports(coder, ENCOUNTER)] == ["837p"]
    assert CANARY not in server.log
    unharmed(one)


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("ada", ("import", "audit", "dashboard", "people")),
        ("audrey", ("import", "dashboard", "claim", "people")),
        ("root", ("review", "audit", "dashboard", "claim")),
    ],
)
def test_menu_and_address_give_a_role_its_own_pages_only(
    tab: Make, name: str, paths: tuple[str, ...]
) -> None:
    one = tab(name)
    one.page.wait_for_selector("[data-testid=stTopNavLink]", timeout=30_000)
    links = " ".join(one.page.locator("[data-testid=stTopNavLink]").all_inner_texts()).lower()
    assert not [path for path in paths if path in links]
    start = one.page.inner_text("h1")
    one.page.goto(f"{one.server.url}/{paths[-2]}")
    one.page.wait_for_selector("h1", timeout=30_000)
    assert one.page.inner_text("h1") == start


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("ada", ("worklist", "claim")),
        ("audrey", ("worklist", "audit")),
        ("mona", ("worklist", "dashboard", "audit", "import", "claim")),
        ("root", ("people", "import")),
    ],
)
def test_each_page_has_an_address_of_its_own(tab: Make, name: str, paths: tuple[str, ...]) -> None:
    one = tab(name)
    page = one.page
    page.wait_for_url(f"**/{paths[0]}", timeout=30_000)  # where the role starts
    page.wait_for_selector("h1", timeout=30_000)
    menu = [link.get_attribute("href") for link in page.locator("[data-testid=stTopNavLink]").all()]
    assert {f"{one.server.url}/{path}" for path in paths} <= set(menu)
    assert f"{one.server.url}/" not in menu
    for path in paths:
        at(one, f"/{path}", path.title())
        one.until(f"document.title === '{path.title()} · Suggester'")
        assert page.url == f"{one.server.url}/{path}"
        assert page.get_by_text("Page not found").count() == 0
    page.goto(one.server.url)
    assert page.url == f"{one.server.url}/{paths[0]}"
    page.go_back()  # and not forward again at once
    page.wait_for_selector(f"h1:has-text('{paths[-1].title()}')", timeout=30_000)
    assert page.url == f"{one.server.url}/{paths[-1]}"
