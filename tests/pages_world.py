"""What the tests of the pages share: the real review service behind Streamlit's test runner.

Nothing here is a test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from review_world import World, worlds
from streamlit.testing.v1 import AppTest

import suggester.ui
from suggester.codesets import Catalog
from suggester.review.types import Role
from suggester.ui import context as shared
from suggester.ui import shell
from suggester.ui.router import PAGES

DOOR = Path(suggester.ui.__file__).parent / "script" / "door.py"


class Pages:
    """Opens pages as people of each role see them; ``opened`` are the notes that a page sent people to."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, *, demo: bool = False) -> None:
        self.world = world
        self.patch = monkeypatch
        self.opened: list[str] = []
        context = shared.AppContext(service=world.service, demo=demo)
        monkeypatch.setattr(shared, "_installed", [context])
        for module in ("worklist", "claim"):
            monkeypatch.setattr(f"suggester.ui.pages.{module}.open_note", self.opened.append)

    def page(self, address: str, role: Role, *, anybody: bool = False, number: int = 1) -> AppTest:
        """A page, not run yet. ``anybody`` lets every role in, to see what the page itself does."""
        entry = next(entry for entry in PAGES if entry.address == address)
        if anybody:
            entry = replace(entry, permission="self")
        self.patch.setattr("suggester.ui.router.PAGES", (entry,))
        token = self.world.token(role, number)
        self.patch.setattr(shell, "session_cookie", lambda: token)
        return AppTest.from_file(str(DOOR), default_timeout=60)

    def run(self, address: str, role: Role, **values: Any) -> AppTest:
        """A page as it stands."""
        app = self.page(address, role, **values).run()
        assert not app.exception, app.exception
        return app


def made_pages(
    folder: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch, *, demo: bool = False
) -> Iterator[Pages]:
    """Pages over a new store in a folder."""
    for world in worlds("sqlite", folder, catalog):
        yield Pages(world, monkeypatch, demo=demo)


def words(app: AppTest) -> str:
    """All that a page says outside its tables."""
    kinds = (
        "title",
        "header",
        "subheader",
        "markdown",
        "caption",
        "text",
        "error",
        "info",
        "success",
        "warning",
    )
    return "\n".join(str(item.value) for kind in kinds for item in getattr(app, kind))
