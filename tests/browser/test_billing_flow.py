"""One invented note in the browser, from the worklist to an 837P that a payer would take.

On the way the coder meets an Excludes1 conflict, a code that says less than the note, and two services that
NCCI pays together only with a modifier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from browser_server import Server, Tab, running
from playwright.sync_api import Locator, Page

from suggester.billing.export import diagnosis_check
from suggester.billing.x12_checks import own_problems, pyx12_problems
from suggester.review.types import WorkFilters
from suggester.types import Note, Patient

Make = Callable[..., Tab]
EXAMPLE = Path(__file__).parents[2] / "docs" / "example"
NAME, ENCOUNTER = "foot-visit", "foot visit of June"
DAY = date(2026, 6, 1)
TEXT = (
    "Office visit, established patient.\n\nAssessment:\n"
    "1. Type 2 diabetes mellitus, stable on metformin. The referral letter says type 1 diabetes mellitus.\n"
    "2. Asthma. Moderate persistent asthma with acute exacerbation today.\n"
    "3. Corns and callosities of the left foot. Onychomycosis.\n\n"
    "Procedures: eight mycotic toenails debrided on both feet. "
    "The three corns on the heel were taken down by blade.\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of this module's own with the note in its queue."""
    with running(tmp_path_factory.mktemp("billing-flow")) as made:
        note = Note(
            id=NAME,
            text=TEXT,
            encounter_id=ENCOUNTER,
            service_date=DAY,
            setting="outpatient",
            kind="office visit",
            patient=Patient(id="patient-1", sex="M", birth_date=date(1961, 3, 2)),
        )
        for progress in made.service.import_notes(made.tokens["manager"], [note]):
            assert not progress.failures
        [waiting] = made.service.worklist(made.tokens["manager"], WorkFilters(name=NAME)).rows
        made.notes[NAME] = waiting.id
        yield made


def take(one: Tab) -> None:
    """Find the note in the worklist and take it."""
    page = one.page
    page.wait_for_selector("[data-testid=stDataFrame] canvas", timeout=30_000)
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("Note id begins with").fill(NAME)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Filters (1)").wait_for(timeout=15_000)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Take the next note").click()
    page.wait_for_selector(f'.sg-review[data-note="{one.server.notes[NAME]}"] .sg-text', timeout=30_000)


def row(page: Page, code: str) -> Locator:
    """The line of a code in the list of suggestions, made the current one."""
    line = page.locator(".sg-row").filter(has=page.locator(f".sg-code:text-is('{code}')")).first
    line.locator(".sg-head").click()
    return line


def pick(page: Page, code: str) -> None:
    """Take a code in the search dialog as a quick typist does: Enter before the list has followed."""
    page.fill("#sg-search", code)
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]", state="detached")


def summary(one: Tab) -> str:
    """Go to the coding summary; what stands there."""
    one.saved()
    one.keys("f")
    one.page.wait_for_selector(".sg-summary:not([hidden]) .sg-final")
    return one.page.inner_text(".sg-summary")


def back(page: Page) -> None:
    page.get_by_role("button", name="Back to the note").click()
    page.wait_for_selector(".sg-summary", state="hidden")


def code(one: Tab) -> None:
    """Code the note; both conflicts of its diagnoses are met and mended on the way."""
    page = one.page
    for accepted in ("E11.9", "J45.909", "L84", "B35.1", "11721"):
        row(page, accepted)
        one.keys("a")
    for added in ("11056", "E10.9"):
        one.keys("/")
        pick(page, added)
    said = summary(one)
    assert "E10.9 and E11.9 are not coded together" in said
    assert "J45.909 is unspecified and the note supports J45.41" in said
    page.get_by_role("button", name="Finish this note").click()
    page.wait_for_selector("text=Give a reason for each flag that stands")

    back(page)
    row(page, "E10.9")
    one.keys("x3")
    row(page, "J45.909")
    one.keys("e")
    pick(page, "J45.41")
    said = summary(one)
    assert "not coded together" not in said
    assert "is unspecified and the note supports" not in said
    assert "11721 is denied beside 11056: add 59 to 11721" in said
    for field in page.locator(".sg-standing input").all():
        field.fill("nails and heel are apart; the modifier goes on the claim")
    page.get_by_role("button", name="Finish this note").click()
    page.wait_for_selector("text=Download CSV", timeout=30_000)


def open_claim(one: Tab) -> None:
    """Go to the claim page by its menu entry and open the encounter with the example clinic."""
    page = one.page
    page.click("[data-testid=stTopNavLink]:has-text('Claim')")
    page.wait_for_selector("h1:has-text('Claim')", timeout=30_000)
    page.get_by_role("button", name="Clinic and fees").click()
    papers = (("profile.toml", "text=bills EXAMPLE HEALTH PLAN"), ("fees.csv", "text=prices"))
    for place, (name, shown) in enumerate(papers):
        upload = page.locator("[data-testid=stFileUploaderDropzoneInput]").nth(place)
        upload.set_input_files(str(EXAMPLE / name))
        page.wait_for_selector(shown, timeout=30_000)
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Encounter").click()
    page.keyboard.type(ENCOUNTER)
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Draft, not saved yet", timeout=60_000)


def test_note_goes_from_the_queue_to_an_837p_through_three_flags(server: Server, tab: Make) -> None:
    one = tab("ada")
    page = one.page
    take(one)
    code(one)
    view = server.service.view(server.tokens["coder"], server.notes[NAME])
    assert view.status == "finished"
    assert [final.code for final in view.codes] == ["E11.9", "J45.41", "L84", "B35.1", "11721", "11056"]

    open_claim(one)
    page.wait_for_selector("text=11721 is denied beside 11056: add 59 to 11721")
    page.wait_for_selector("text=CMS NCCI procedure-to-procedure edit 11056/11721 from")
    page.wait_for_selector("text=modifier indicator 1")
    page.wait_for_selector("text=Nothing leaves while an error stands")
    assert page.locator(".sg-download").count() == 0
    address = f"{server.url}/export/claim/{server.notes[NAME]}/837p/x12"
    assert page.request.get(address).status >= 400

    blocks = page.locator("[data-testid=stVerticalBlock]")
    nails = blocks.filter(has_text="11721 ").filter(has=page.get_by_label("Modifiers")).last
    assert "11056 " not in nails.inner_text()
    nails.get_by_label("Modifiers").fill("59")
    page.get_by_role("button", name="Save and check").click()
    page.wait_for_selector("text=Clear to export", timeout=60_000)
    assert page.locator("text=is denied beside").count() == 0

    page.get_by_text("837P", exact=True).first.click()
    page.wait_for_selector("code:has-text('SV1*HC:11721:59*')", timeout=60_000)
    with page.expect_download() as caught:
        page.locator(".sg-download").first.click()
    text = Path(caught.value.path()).read_text()
    assert "SV1*HC:11721:59*" in text
    assert "SV1*HC:11056*" in text
    assert "ABK:E119" in text
    assert pyx12_problems(text) == ()
    assert [*own_problems(text, is_diagnosis=diagnosis_check(server.service.codebook.catalog))] == []
    [export] = server.service.exports(server.tokens["coder"], ENCOUNTER)
    assert (export.format, export.by) == ("837p", "Ada")
    stranger = tab(None)
    assert stranger.context.request.get(address).status == 401
