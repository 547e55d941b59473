"""Fixtures that every test module may use: the compiled code sets, and the shared development data."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

from suggester.codesets import Catalog, build_all, open_catalog
from suggester.config import Settings

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")


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
