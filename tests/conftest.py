"""Fixtures that every test module may use, and how the tests are dealt out to processes.

With ``-n 2 --dist loadfile`` each process has its own engine, PostgreSQL server and folders; they share only
the compiled code sets, which a lock guards and nothing changes.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from suggester.codesets import Catalog, build_all, open_catalog
from suggester.config import Settings

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")

COSTLY = [
    line.split("\t")[0]
    for line in Path(__file__).with_name("costly_files.tsv").read_text(encoding="utf-8").splitlines()[1:]
]
"""Files of tests, or folders of them, by the processor time they take; the costliest first."""


def unit_of(nodeid: str) -> str:
    """What stays in one process: a file, or the browser tests together, for their one Chromium and server."""
    file = nodeid.split("::", 1)[0]
    return "tests/browser" if file.startswith("tests/browser/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Several processes take whole units, the costly ones first, so that all end at about one time."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByUnit(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit_of(nodeid)

    config.option.loadscopereorder = False  # xdist's order, by the number of tests, leaves the long ones last
    return ByUnit(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Costly units first where several processes share the work; one process keeps the order of the files.

    Slow tests run without coverage being measured, which takes two thirds of the time of what it measures:
    they repeat at length what the others cover.
    """
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker("no_cover")
    if hasattr(config, "workerinput"):
        place = {unit: number for number, unit in enumerate(COSTLY)}
        items.sort(key=lambda item: place.get(unit_of(item.nodeid), len(place)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """Put back what the app leaves behind.

    Streamlit leaves the app as ``__main__``, and processes spawned later would run it; the app makes log
    records without messages for the whole process.
    """
    kept, records = sys.modules["__main__"], logging.getLogRecordFactory()
    try:
        return (yield)
    finally:
        sys.modules["__main__"] = kept
        logging.setLogRecordFactory(records)


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Settings in force, with the code sets of this installation built (quick when they are up to date)."""
    chosen = Settings.load()
    build_all(chosen)
    return chosen


@pytest.fixture(scope="session")
def catalog(settings: Settings) -> Catalog:
    """The code sets of this installation, opened."""
    return open_catalog(settings)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Development data beside the checkout (``SUGGESTER_SHARED`` names another folder); skips without it."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SUGGESTER_SHARED", beside))
    if not folder.is_dir():
        pytest.skip(f"no shared development data at {folder.name}; SUGGESTER_SHARED names its folder")
    return folder
