"""Writers that are killed lose nothing they were told was kept; processes never hold one note twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from review_world import KINDS, new_postgres_database

from suggester.codesets import Catalog

SECONDS = os.environ.get("CRASH_SECONDS")
"""CI kills for 60 seconds a database; without the variable six rounds do."""
SCRIPT = Path(__file__).resolve().parent.parent / "eval" / "crash_writers.py"


def run(kind: str, *options: str) -> dict[str, Any]:
    url = ["--url", new_postgres_database()] if kind == "postgresql" else []
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *url, *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_killed_writers_lose_no_acknowledged_decision(kind: str, catalog: Catalog) -> None:
    assert catalog.releases
    found = run(kind, "--seconds", SECONDS) if SECONDS else run(kind, "--rounds", "6")
    assert found["database"] == kind
    assert found["rounds"] >= 6
    assert found["acknowledged"] >= 6
    assert found["lost"] == 0
    assert found["trail_faults"] == []
    assert found["integrity"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_eight_processes_never_hold_one_note_twice(kind: str, catalog: Catalog) -> None:
    assert catalog.releases
    found = run(kind, "--takers", "8", "--notes", "120")
    assert found == {"takers": 8, "notes": 120, "taken": 120, "twice": 0}
