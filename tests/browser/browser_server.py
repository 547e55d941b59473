"""A server of its own in a process, and one person's browser."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from browser_world import PASSWORDS, seed
from free_ports import free_port
from playwright.sync_api import BrowserContext, Page

from suggester.config import Settings
from suggester.review import ReviewService, open_review


@dataclass
class Server:
    """``suggester serve`` on a store of its own; ``service`` is a second door to the same store."""

    folder: Path
    service: ReviewService
    tokens: dict[str, str]
    notes: dict[str, str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def start(self) -> None:
        environment = {
            **os.environ,
            "SUGGESTER_REVIEW_DIR": str(self.folder / "review"),
            "TMPDIR": str(self.folder / "tmp"),
            "OMP_NUM_THREADS": "1",
        }
        (self.folder / "tmp").mkdir(exist_ok=True)
        command = [sys.executable, "-c", "from suggester.cli import main; main()", "serve"]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port)], stdout=log, stderr=log, env=environment, cwd=self.folder
            )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        pytest.fail(f"the server did not start:\n{self.log}")

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.service.close()

    def lapse(self, name: str) -> None:
        """Make the sessions of a person as old as if nothing had been done for an hour."""
        hour = 3_600_000
        with closing(sqlite3.connect(self.folder / "review" / "review.sqlite", timeout=10)) as store, store:
            store.execute(
                "update sessions set seen_at = seen_at - ?"
                " where user_id = (select id from users where name = ?)",
                (hour, name),
            )

    def accepted(self, name: str) -> int:
        """Rows of a note that are accepted in the store, read there."""
        view = self.service.view(self.tokens["manager"], self.notes[name])
        return sum(row.state == "accepted" for row in view.rows)


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """A server on a seeded store in a folder."""
    service = open_review(Settings.load(review_dir=folder / "review"))
    tokens, notes = seed(service)
    made = Server(folder=folder, service=service, tokens=tokens, notes=notes)
    made.start()
    try:
        yield made
    finally:
        made.stop()


@dataclass
class Tab:
    """A browser of one person: everything it asked for and said is kept."""

    server: Server
    page: Page
    context: BrowserContext
    asked: list[str]
    errors: list[str]

    def sign_in(self, name: str) -> Tab:
        self.page.goto(f"{self.server.url}/sign-in")
        self.page.fill("#name", name)
        self.page.fill("#password", PASSWORDS[name])
        self.page.click("button[type=submit]")
        self.page.wait_for_url(lambda url: "/sign-in" not in url)
        return self

    def open(self, name: str) -> Tab:
        note = self.server.notes[name]
        self.page.goto(f"{self.server.url}/review?note={note}")
        self.page.wait_for_selector(f'.sg-review[data-note="{note}"] .sg-text', timeout=30_000)
        return self

    def until(self, script: str, *, seconds: float = 15) -> Any:
        """Wait until a script gives something true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.page.evaluate(script)
            if found:
                return found
            self.page.wait_for_timeout(25)
        pytest.fail(f"waited in vain for {script}")

    def saved(self, *, seconds: float = 15) -> None:
        """Wait until the server has acknowledged every decision."""
        self.until("window.suggesterReview.outbox.items.length === 0", seconds=seconds)

    def keys(self, keys: str, *, gap: int = 0) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            if gap:
                self.page.wait_for_timeout(gap)
