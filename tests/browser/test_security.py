"""Hostile notes run nothing and ask nobody; patient text stays where it belongs."""

from __future__ import annotations

from collections.abc import Callable

from browser_server import Server, Tab
from browser_world import CANARY, HOSTILE

Make = Callable[..., Tab]


def harmless(one: Tab) -> None:
    assert one.page.evaluate("typeof window.hacked") == "undefined"
    foreign = [url for url in one.asked if not url.startswith((one.server.url, "blob:", "data:"))]
    assert foreign == []


def test_hostile_note_names_and_searches_run_nothing(server: Server, tab: Make) -> None:
    one = tab("bob").open("hostile")
    page = one.page
    assert "<script>window.hacked=1</script>" in page.inner_text(".sg-text")
    one.keys("aj")
    page.click(".sg-ledger summary")
    one.keys("b")
    page.keyboard.press("Escape")
    for text in HOSTILE[:4]:
        page.keyboard.press("/")
        page.fill("#sg-search", text)
        page.wait_for_timeout(150)
        page.keyboard.press("Escape")
    one.keys("q")
    one.until("document.querySelector('#sg-query').value.length > 0")
    page.keyboard.press("Escape")
    one.saved()
    one.keys("f")
    page.wait_for_selector(".sg-final")
    harmless(one)
    page.goto(server.url)
    page.wait_for_selector("h1:has-text('Worklist')", timeout=30_000)
    page.wait_for_timeout(500)
    harmless(one)


def test_hostile_names_of_people_run_nothing(tab: Make) -> None:
    one = tab("root")
    one.page.wait_for_selector("h1:has-text('People')", timeout=30_000)
    one.page.wait_for_timeout(500)
    harmless(one)


def test_sign_in_page_echoes_nothing_as_markup(server: Server, tab: Make) -> None:
    one = tab(None)
    for text in HOSTILE[:6]:
        one.page.goto(f"{server.url}/sign-in?next=/{text.replace('#', '')}&why={text.replace('#', '')}")
        one.page.fill("#name", text)
        one.page.fill("#password", text)
        one.page.click("button[type=submit]")
    harmless(one)


def test_policy_stops_inline_scripts_and_other_servers(tab: Make) -> None:
    one = tab().open("words")
    assert one.page.evaluate(
        """async () => {
          const script = document.createElement('script')
          script.textContent = 'window.hacked = 1'
          document.head.append(script)
          const image = new Image()
          const loaded = new Promise((done) => {
            image.onload = () => done(true)
            image.onerror = () => done(false)
          })
          image.src = 'http://leak.invalid/x.png'
          const fetched = await fetch('http://leak.invalid/').then(() => true, () => false)
          return [typeof window.hacked, await loaded, fetched]
        }"""
    ) == ["undefined", False, False]


def test_patient_text_is_in_no_log_address_or_temporary_file(server: Server, tab: Make) -> None:
    one = tab("ada").open("canary")
    page = one.page
    assert CANARY in page.inner_text(".sg-text")
    one.keys("aa")
    page.keyboard.press("/")
    page.fill("#sg-search", f"{CANARY} gout")
    page.wait_for_timeout(300)
    page.keyboard.press("Escape")
    page.dblclick(f".sg-piece:has-text('{CANARY}')")
    one.keys("q")
    one.until("document.querySelector('#sg-query').value.length > 0")
    page.keyboard.press("Escape")
    one.saved()
    broken = page.evaluate(
        f"""async () => {{
          const headers = {{ 'x-suggester-csrf': window.suggesterReview.review.api.csrf }}
          const send = (path, body) => fetch(path, {{ method: 'POST', headers, body }}).then((r) => r.status)
          return [
            await send('/api/decisions', JSON.stringify({{ decisions: [{{ uuid: '{CANARY}' }}] }})),
            await send('/api/decisions', '{{"a": "{CANARY}'),
            await send('/api/codes/details', JSON.stringify({{ system: 'ICD-10-CM', code: '{CANARY}' }})),
            await send('/api/notes/nowhere/query', JSON.stringify({{ text: '{CANARY}', kind: 'cause' }}))
          ]
        }}"""
    )
    assert all(400 <= status < 500 for status in broken), broken
    assert CANARY not in server.log
    assert not [url for url in one.asked if CANARY.lower() in url.lower()]
    left = [path for path in (server.folder / "tmp").rglob("*") if path.is_file()]
    assert not [path for path in left if CANARY.encode() in path.read_bytes()]
