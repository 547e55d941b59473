"""Measure the review app in real Chromium, with many notes in the store.

Run it: ``python eval/bench_app.py [--notes 10000]``. It prints each figure beside its bar and the ratio of
the two (below 1 is within the bar); the exit code is 1 if one is over.

Bars, in milliseconds: one decision acknowledged (durable) 60 median, 120 p95; words clicked to row selected
25 median; next note on screen 400 median; code search 100 p95.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from argon2 import PasswordHasher
from playwright.sync_api import Page, sync_playwright

from suggester.config import Settings
from suggester.contract import gold_from_record
from suggester.review import ReviewService, open_review
from suggester.review.access import new_user
from suggester.suggest import load
from suggester.types import Note, Suggestions

GOLD = Path(__file__).parent / "gold"
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
PASSWORD = "benchmark of the app"  # noqa: S105 of a store that lives for this run
PRESS = "document.dispatchEvent(new KeyboardEvent('keydown', { key: '%s', bubbles: true }))"
PAINTED = "await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)))"
DECIDE = f"""async () => {{
  const outbox = window.suggesterReview.outbox, start = performance.now()
  {PRESS % "a"}
  while (outbox.items.length) await new Promise((done) => setTimeout(done, 0))
  return performance.now() - start
}}"""
CLICK = f"""async (i) => {{
  const marks = [...document.querySelectorAll('.sg-text mark.ev')], start = performance.now()
  marks[(i * 7) % marks.length].click()
  {PAINTED}
  return performance.now() - start
}}"""
NEXT = f"""async () => {{
  const review = window.suggesterReview.review, before = review.view.id, start = performance.now()
  {PRESS % "n"}
  while (review.view.id === before) await new Promise((done) => setTimeout(done, 0))
  {PAINTED}
  return performance.now() - start
}}"""
SEARCH = """async (query) => {
  const review = window.suggesterReview.review, start = performance.now()
  await review.api.post('/api/codes/search', { query, note_id: review.view.id })
  return performance.now() - start
}"""
QUERIES = (
    "heart attack",
    "knee pain",
    "sugar diabetes",
    "M17",
    "E11.",
    "broken wrist",
    "copd exacerbation",
    "chem",
)


def fill(service: ReviewService, count: int) -> None:
    """One coder, and ``count`` notes: the gold notes over and over, each with its suggestions."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    with service.store.write() as work:
        for name in ("coder", "manager"):
            new_user(work, "system", name=name, role=name, password_hash=quick.hash(PASSWORD))
    engine = load(Settings.load())
    lines = [
        line for path in sorted(GOLD.glob("notes_?.jsonl")) for line in path.read_text("utf-8").splitlines()
    ]
    notes = [gold_from_record(json.loads(line), record="gold").note for line in lines]
    read = [(note, engine.suggest(note)) for note in notes]

    def pairs() -> Iterator[tuple[Note, Suggestions]]:
        for number in range(count):
            note, found = read[number % len(read)]
            name = f"note-{number:05d}"
            yield dataclasses.replace(note, id=name), dataclasses.replace(found, note_id=name)

    token = service.sign_in("manager", PASSWORD).token
    for progress in service.import_results(token, pairs()):
        print(f"\r{progress.done} notes", end="", file=sys.stderr)
    print(file=sys.stderr)


def serve(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start the server on a free port and wait until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "SUGGESTER_REVIEW_DIR": str(folder)}
    command = [sys.executable, "-c", "from suggester.cli import main; main()", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environment)
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):  # noqa: S310 our own server
                return process, url
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def measure(page: Page, url: str, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every action."""
    page.goto(f"{url}/sign-in")
    page.fill("#name", "coder")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(lambda address: "/sign-in" not in address)
    page.goto(f"{url}/review")
    page.wait_for_selector(".sg-text mark.ev", timeout=60_000)
    page.wait_for_timeout(500)
    out: dict[str, list[float]] = {"decision": [], "click": [], "next note": [], "search": []}
    for number in range(rounds):
        out["click"] += [page.evaluate(CLICK, number * 5 + i) for i in range(5)]
        out["decision"] += [page.evaluate(DECIDE) for _ in range(8)]
        out["search"] += [page.evaluate(SEARCH, QUERIES[number % len(QUERIES)])]
        out["next note"].append(page.evaluate(NEXT))
        page.wait_for_timeout(50)
    return out


def report(out: dict[str, list[float]]) -> bool:
    """Print figures beside their bars; whether all are within."""
    bars = (
        ("decision acknowledged, median", "decision", 0.5, 60.0),
        ("decision acknowledged, p95", "decision", 0.95, 120.0),
        ("words clicked to row selected, median", "click", 0.5, 25.0),
        ("next note on screen, median", "next note", 0.5, 400.0),
        ("code search, p95", "search", 0.95, 100.0),
    )
    good = True
    for name, key, share, bar in bars:
        values = sorted(out[key])
        value = statistics.median(values) if share == 0.5 else values[int(share * (len(values) - 1))]
        good = good and value <= bar
        print(f"{name:40} {value:7.1f} ms   bar {bar:5.0f}   ratio {value / bar:5.2f}   n {len(values)}")
    return good


def main() -> None:
    """Fill a store, serve it, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--notes", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        service = open_review(Settings.load(review_dir=Path(folder)))
        fill(service, chosen.notes)
        service.close()
        process, url = serve(Path(folder))
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chosen.chromium, args=ARGS)
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                out = measure(page, url, chosen.rounds)
                browser.close()
        finally:
            process.terminate()
            process.wait(15)
    raise SystemExit(0 if report(out) else 1)


if __name__ == "__main__":
    main()
