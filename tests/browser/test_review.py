"""A coder at work in the browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from browser_server import Server, Tab, running
from playwright.sync_api import Route

Make = Callable[..., Tab]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("review")) as made:
        yield made


@pytest.mark.parametrize(
    ("gap", "note"), [(0, "keys-0"), (30, "keys-30"), (60, "keys-60"), (120, "keys-120")]
)
def test_every_decision_by_key_is_kept(server: Server, tab: Make, gap: int, note: str) -> None:
    one = tab().open(note)
    one.keys("a" * 25, gap=gap)
    one.saved()
    assert server.accepted(note) == 25
    assert one.page.inner_text(".sg-sync") == "All saved"


def test_every_key_of_the_list_does_its_work(server: Server, tab: Make) -> None:
    one = tab().open("work")
    page = one.page
    first, second = (page.locator(".sg-row").nth(i) for i in (0, 1))
    one.keys("x3")
    one.saved()
    assert "rejected" in str(first.get_attribute("class"))
    assert "history only" in first.inner_text()
    one.keys("z")
    one.saved()
    assert "rejected" not in str(first.get_attribute("class"))
    one.keys("jk")
    assert "current" in str(first.get_attribute("class"))
    one.keys("a")
    assert "current" in str(second.get_attribute("class"))
    one.keys("x")
    page.keyboard.press("Escape")
    assert page.locator(".sg-reasons").count() == 0
    one.keys("e")
    page.fill("#sg-search", "E78.00")
    page.wait_for_selector(".sg-hits [role=option] .sg-code:text-is('E78.00')")
    page.keyboard.press("Enter")
    one.saved()
    states = [
        row.state for row in server.service.view(server.tokens["manager"], server.notes["work"]).rows[:2]
    ]
    assert states == ["accepted", "replaced"]
    page.keyboard.press("?")
    assert page.locator("dialog[open] h2").inner_text() == "Keys"


def test_flag_of_two_codes_goes_with_one_of_them_and_comes_back(tab: Make) -> None:
    one = tab().open("conflict")
    flags = one.page.locator("text=/F20.9 and F25.9 are not coded together/")
    assert flags.count() > 0
    one.page.locator(".sg-row", has=one.page.locator(".sg-code:text-is('F25.9')")).locator(".sg-head").click()
    one.keys("x1")
    one.saved()
    assert flags.count() == 0
    one.keys("z")
    one.saved()
    assert flags.count() > 0


def test_keys_do_nothing_while_typing(server: Server, tab: Make) -> None:
    one = tab().open("typing")
    one.page.keyboard.press("/")
    one.page.keyboard.type("jaxzn")
    assert one.page.input_value("#sg-search") == "jaxzn"
    one.page.keyboard.press("Escape")
    assert one.page.locator("dialog[open]").count() == 0
    assert server.accepted("typing") == 0
    assert one.page.locator(".sg-reasons").count() == 0


def test_keys_end_with_the_page(server: Server, tab: Make) -> None:
    one = tab().open("typing")
    one.page.click("[data-testid=stTopNavLink]:has-text('Worklist')")
    one.page.wait_for_selector("h1:has-text('Worklist')", timeout=30_000)
    one.until("!document.querySelector('.sg-review')")
    one.page.wait_for_timeout(600)
    one.keys("aaj")
    one.page.wait_for_timeout(300)
    assert server.accepted("typing") == 0
    one.page.click("[data-testid=stTopNavLink]:has-text('Review')")
    one.page.wait_for_selector(".sg-review[data-note]", timeout=30_000)


def test_words_and_codes_lead_to_each_other(tab: Make) -> None:
    one = tab().open("words")
    page = one.page
    mark = page.locator(".sg-text mark.ev").last
    mark.click()
    row = page.locator(".sg-row.current")
    assert row.count() == 1
    assert page.locator(".sg-text mark.now").count() >= 1
    assert row.bounding_box() is not None
    page.keyboard.press("k")
    assert page.locator(".sg-text .now").count() >= 1


def test_enter_takes_no_code_that_was_not_shown(tab: Make) -> None:
    """Enter before the hits of the words are there shows them; the hits of older words are never taken."""
    one = tab().open("words")
    page = one.page
    one.keys("/")
    page.fill("#sg-search", "hypertension")
    page.wait_for_selector(".sg-hits [role=option] .sg-code:text-is('I10')")
    held: list[Route] = []
    page.route("**/api/codes/search", lambda route: held.append(route))
    page.fill("#sg-search", "gout")
    page.keyboard.press("Enter")
    while not held:
        page.wait_for_timeout(20)
    page.wait_for_timeout(100)
    assert page.locator("dialog[open]").count() == 1
    held[-1].continue_()
    page.wait_for_selector(".sg-hits [role=option] .sg-code:text-is('M10.9')")
    assert page.locator("dialog[open]").count() == 1
    page.unroute_all()
    page.keyboard.press("Escape")
    one.until("!document.querySelector('dialog[open]')")
    assert page.locator(".sg-row.accepted").count() == 0


def test_selected_words_get_a_code(server: Server, tab: Make) -> None:
    one = tab().open("select")
    page = one.page
    page.evaluate(
        """() => {
          const text = document.querySelector('.sg-text')
          const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT)
          let node
          while ((node = walker.nextNode())) {
            const at = node.data.indexOf('xylophone lessons')
            if (at < 0) continue
            const range = document.createRange()
            range.setStart(node, at)
            range.setEnd(node, at + 17)
            getSelection().removeAllRanges()
            getSelection().addRange(range)
            text.dispatchEvent(new MouseEvent('mouseup', { bubbles: true }))
          }
        }"""
    )
    page.click(".sg-pop button")
    page.fill("#sg-search", "Z87.891")
    page.wait_for_selector(".sg-hits [role=option] .sg-code:text-is('Z87.891')")
    page.keyboard.press("Enter")
    one.saved()
    view = server.service.view(server.tokens["manager"], server.notes["select"])
    added = [row for row in view.rows if row.added]
    assert [(row.code, row.evidence[0].quote) for row in added] == [("Z87.891", "xylophone lessons")]
    one.keys("z")
    one.saved()
    view = server.service.view(server.tokens["manager"], server.notes["select"])
    assert not [row for row in view.codes if row.code == "Z87.891"]


def test_accept_all_shows_the_expected_errors_first(server: Server, tab: Make) -> None:
    one = tab().open("bulk")
    one.keys("b")
    one.until("document.querySelector('.sg-expected').textContent.includes('Expected to be wrong')")
    assert server.accepted("bulk") == 0
    one.page.click("dialog[open] button.main")
    one.until("!document.querySelector('dialog[open]')")
    assert server.accepted("bulk") > 0


def test_note_is_finished_ordered_and_downloaded(server: Server, tab: Make) -> None:
    one = tab().open("finish")
    page = one.page
    one.keys("aaa")
    one.keys("f")
    page.wait_for_selector(".sg-final")
    before = page.locator(".sg-fin .sg-code").all_inner_texts()
    page.keyboard.press("Shift+J")
    one.saved()
    assert page.locator(".sg-fin .sg-code").all_inner_texts() == [before[1], before[0], *before[2:]]
    for field in page.locator(".sg-standing input").all():
        field.fill("documented by the physician")
    page.click("text=Finish this note")
    page.wait_for_selector("text=Download CSV")
    view = server.service.view(server.tokens["manager"], server.notes["finish"])
    assert view.status == "finished"
    assert [code.code for code in view.codes][:2] == [before[1], before[0]]
    with page.expect_download() as got:
        page.click("text=Download CSV")
    assert before[0] in got.value.path().read_text(encoding="utf-8-sig")
    with page.expect_download() as got:
        page.click("text=Download JSON")
    assert before[0] in json.dumps(json.loads(got.value.path().read_text()))
    address = f"{server.url}/export/{server.notes['finish']}.csv"
    assert one.context.request.get(address).status == 200
    stranger = tab(None)
    assert stranger.context.request.get(address).status == 401


def test_auditor_codes_blind_and_comes_back(server: Server, tab: Make) -> None:
    """After the test above: the one finished note is coded a second time."""
    token = server.tokens["auditor"]
    sample = server.service.draw_sample(token, size=1)
    view = server.service.take_audit(token, sample.id)
    assert view is not None
    one = tab("audrey")
    one.page.goto(f"{server.url}/review?note={view.id}&track={view.track}")
    one.page.wait_for_selector(".sg-review[data-note]", timeout=30_000)
    assert "blind second coding" in one.page.inner_text(".sg-what")
    assert one.page.locator(".sg-row.accepted").count() == 0
    one.keys("aa")
    one.saved()
    one.keys("f")
    one.page.wait_for_selector(".sg-final")
    for field in one.page.locator(".sg-standing input").all():
        field.fill("documented by the physician")
    one.page.click("text=Finish this note")
    one.page.wait_for_selector("text=Back to the audit")
    assert one.page.locator("text=Download CSV").count() == 0
    assert server.service.agreement(token, sample.id).notes == 1
    one.keys("n")
    one.page.wait_for_url("**/audit")


def test_next_note_comes_with_one_key(tab: Make) -> None:
    one = tab()
    one.page.goto(f"{one.server.url}/review")
    one.page.wait_for_selector(".sg-review[data-note]", timeout=30_000)
    before = one.page.get_attribute(".sg-review", "data-note")
    one.keys("n")
    one.until(f"document.querySelector('.sg-review').dataset.note !== {json.dumps(before)}")
    assert "note=" in one.page.url
    shown = one.page.get_attribute(".sg-review", "data-note")
    one.page.reload()
    one.page.wait_for_selector(f'.sg-review[data-note="{shown}"]', timeout=30_000)


def test_two_coders_never_hold_one_note(server: Server, tab: Make) -> None:
    ada, bob = tab("ada").open("shared"), tab("bob")
    bob.page.goto(f"{server.url}/review?note={server.notes['shared']}")
    bob.page.wait_for_selector(".sg-banner:not([hidden])", timeout=30_000)
    assert "Ada" in bob.page.inner_text(".sg-banner")
    bob.keys("a")
    bob.page.wait_for_timeout(300)
    assert server.accepted("shared") == 0
    seen: dict[str, set[str]] = {"ada": set(), "bob": set()}
    for _ in range(4):
        for name, who in (("ada", ada), ("bob", bob)):
            before = who.page.get_attribute(".sg-review", "data-note")
            who.keys("n")
            who.until(f"document.querySelector('.sg-review').dataset.note !== {json.dumps(before)}")
            seen[name].add(str(who.page.get_attribute(".sg-review", "data-note")))
            assert ada.page.get_attribute(".sg-review", "data-note") != bob.page.get_attribute(
                ".sg-review", "data-note"
            )


def test_worklist_opens_a_note(tab: Make) -> None:
    one = tab()
    one.page.wait_for_selector("[data-testid=stDataFrame] canvas", timeout=30_000)
    assert one.page.title() == "Worklist · Suggester"
    box = one.page.locator("[data-testid=stDataFrame]").first.bounding_box()
    assert box is not None
    one.page.mouse.click(box["x"] + 18, box["y"] + 52)
    one.page.wait_for_selector(".sg-review[data-note]", timeout=30_000)
    assert one.page.title() == "Review · Suggester"


def test_tour_walks_through_the_page(tab: Make) -> None:
    one = tab().open("words")
    one.keys("?")
    one.page.click("text=Take the five-minute tour")
    for _ in range(7):
        one.page.click(".sg-tour .main")
    assert "8 of 8" in one.page.inner_text(".sg-tour")
    one.page.click(".sg-tour .main")
    assert one.page.locator(".sg-tour").count() == 0
