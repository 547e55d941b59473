"""The pages beside the review page, in the browser: what only a browser can show."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from browser_server import Server, Tab, running
from browser_world import HOSTILE
from test_accessible import findings

from suggester.review import ReviewService
from suggester.review.types import OverrideInput, WorkFilters
from suggester.types import Note, Patient

Make = Callable[..., Tab]
EXAMPLE = Path(__file__).parents[2] / "docs" / "example"
CANARY = "Quimbyzanzibar"
ENCOUNTER = f"visit {CANARY} <img src=x onerror=window.hacked=12> {HOSTILE[0]}"
CLAIM_NOTE = (
    "Office visit, established patient.\n\nAssessment:\n1. Essential hypertension, stable on lisinopril.\n"
    "2. Type 2 diabetes mellitus, stable on metformin.\n\nPlan: continue both, labs, back in three months.\n"
    "Ketorolac 60 mg IM given for back pain. ECG 12 lead done and read in the office.\n"
)


def finished(service: ReviewService, manager: str, coder: str) -> str:
    """A finished note with an encounter; its id in the store."""
    note = Note(
        id="claim-note",
        text=CLAIM_NOTE,
        encounter_id=ENCOUNTER,
        service_date=date(2026, 6, 1),
        setting="outpatient",
        kind="office visit",
        patient=Patient(id="patient-1", sex="M", birth_date=date(1961, 3, 2)),
    )
    for progress in service.import_notes(manager, [note]):
        assert not progress.failures
    [row] = service.worklist(manager, WorkFilters(name="claim-note")).rows
    view = service.take(coder, row.id)
    for item in view.rows:
        if item.code in ("I10", "E11.9", "99214", "93000"):
            service.accept(coder, row.id, item.id)
        else:
            service.reject(coder, row.id, item.id, reason="not supported by the note")
    standing = service.summary(coder, row.id).standing
    reasons = tuple(OverrideInput(rule_id=f.rule_id, codes=f.codes, reason="a test") for f in standing)
    service.finish(coder, row.id, overrides=reasons)
    return row.id


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
    page.get_by_role("button", name="Clinic and fees").click()
    for place, name in enumerate(("profile.toml", "fees.csv")):
        page.locator("[data-testid=stFileUploaderDropzoneInput]").nth(place).set_input_files(
            str(EXAMPLE / name)
        )
        page.wait_for_selector(
            "text=bills EXAMPLE HEALTH PLAN" if place == 0 else "text=prices", timeout=30_000
        )
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Encounter").click()
    page.keyboard.type(CANARY)
    page.keyboard.press("Enter")
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
    page.get_by_text("837P", exact=True).click()
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
