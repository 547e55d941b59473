"""Take the pictures of the guide: every page of the demo, light and dark, 1440 and 1024 pixels wide.

Run it: ``python docs/screenshots.py``; it needs Chromium and writes ``docs/images/``.
"""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
SIZES = {1440: 900, 1024: 768}
ROLES = {
    "worklist": "coder",
    "claim": "coder",
    "import": "manager",
    "audit": "auditor",
    "dashboard": "manager",
    "people": "admin",
}


def serve() -> tuple[subprocess.Popen[bytes], str]:
    """Start the demo on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from suggester.cli import main; main()"]
    process = subprocess.Popen([*command, "serve", "--demo", "--port", str(port)])  # noqa: S603 our own command
    url = f"http://127.0.0.1:{port}"
    for _ in range(900):
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):  # noqa: S310 our own server
                return process, url
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the demo did not start")


def take(page: Page, name: str) -> None:
    """Keep what the page shows, with few colours so that the files stay small."""
    page.wait_for_timeout(700)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    picture.save(IMAGES / f"{name}.png", optimize=True)
    print(name)


def review(page: Page, url: str, keep: Callable[[str], None]) -> None:
    """The review page, its dialogs and the summary."""
    page.goto(f"{url}/sign-in?role=coder&next=/review")
    page.goto(f"{url}/review")
    page.wait_for_selector(".sg-row", timeout=30_000)
    page.wait_for_timeout(500)
    for key in ("a", "a", "a", "x", "1"):
        page.keyboard.press(key)
    keep("review")
    page.keyboard.press("/")
    page.keyboard.type("heart attack")
    page.wait_for_selector(".sg-cardhead")
    keep("search")
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    keep("accept-above")
    page.keyboard.press("Escape")
    page.keyboard.press("q")
    keep("question")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.click("text=Take the five-minute tour")
    keep("tour")
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    page.wait_for_selector(".sg-final")
    keep("summary")
    page.keyboard.press("n")


def claim(page: Page) -> None:
    """Open the draft of an encounter that the demo's coder has finished already."""
    for place in range(10):
        page.get_by_role("combobox", name="Encounter").click()
        page.get_by_role("option").nth(place).click()
        answer = page.locator("text=/Draft, not saved yet|not finished/").first
        answer.wait_for(timeout=30_000)
        page.wait_for_timeout(500)
        if page.locator("text=Draft, not saved yet").count():
            return
    raise SystemExit("no encounter of the demo is finished")


def take_all(browser: Browser, url: str, *, width: int, scheme: Literal["light", "dark"]) -> None:
    """Take every picture of one width and scheme, from a demo in which nothing is decided yet."""
    context = browser.new_context(viewport={"width": width, "height": SIZES[width]}, color_scheme=scheme)
    page = context.new_page()

    def keep(name: str) -> None:
        take(page, f"{name}-{scheme}-{width}")

    review(page, url, keep)
    for name, role in ROLES.items():
        page.goto(f"{url}/sign-in?role={role}&next=/{name}")
        page.wait_for_selector(f"h1:has-text('{name.title()}')", timeout=30_000)
        if name == "claim":
            claim(page)
        page.wait_for_timeout(1_500)
        keep(name)
    context.close()


def main() -> None:
    """Take all pictures, each width and scheme of a demo of its own: deciding one changes the next."""
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS)
        for width in SIZES:
            for scheme in SCHEMES:
                process, url = serve()
                try:
                    take_all(browser, url, width=width, scheme=scheme)
                finally:
                    process.terminate()
                    process.wait(15)
        browser.close()


if __name__ == "__main__":
    main()
