"""The door of review: every function a page or a route may call, with its role checked on every call.

Sign-in is in `access`, the worklist in `working`, decisions in `coding`, finishing and export in `finishing`,
codes and questions in `asking`, import in `importing`, second coding in `auditing`, figures in `dashboards`,
claims, learning and the audit trail in `handing`. Each is one part of `ReviewService`.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import partial
from pathlib import Path

from suggester.codesets import open_catalog
from suggester.config import Settings
from suggester.notes import read_notes
from suggester.review.access import AccessPart, new_user
from suggester.review.codebook import CodeBook
from suggester.review.engine import ReadingEngine, note_flags
from suggester.review.handing import HandPart
from suggester.review.types import ROLES, OverrideInput, WorkFilters
from suggester.rules import Rules
from suggester.store.keyfiles import read_or_make_key
from suggester.store.store import Clock, Store, StoreFiles, now_ms, store_files
from suggester.suggest import load

__all__ = ["SAMPLES", "ReviewService", "open_review"]

SAMPLES = Path(__file__).parent / "samples.jsonl"
"""Invented notes of the demo."""

_DEMO = "suggester-demo-"
_FINISHED_SAMPLES = ("sample-05", "sample-07")
_SURE = 0.5
_UNLIKELY = 0.2
"""Samples that the demo's coder has finished already, so that audit and dashboard have something to show."""


class ReviewService(AccessPart, HandPart):
    """All that review can do.

    Every method takes the session's ``token`` first (but for the ways to sign in); session, user and role
    are looked up each time, so that a disabled user, a sign-out and a session that timed out are felt at the
    next action. Such methods raise ``SessionError`` and ``ForbiddenError``. Safe to use from threads.
    """

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def open_review(
    settings: Settings | None = None, *, demo: bool = False, create: bool = True, clock: Clock = now_ms
) -> ReviewService:
    """Open the store that the settings name (made and migrated where needed) and the service over it.

    Code sets and engine are loaded at their first use; ``warm_up()`` loads them now.

    Parameters
    ----------
    settings
        Settings; None reads them from the environment.
    demo
        Open a store of its own in a private temporary folder instead, with the sample notes, without
        passwords; it is gone when the program ends.
    create
        Make the store where there is none.
    clock
        What time it is.

    Raises
    ------
    DatabaseError
        If the store cannot be opened.
    """
    chosen = settings or Settings.load()
    files = _demo_files() if demo else store_files(chosen)
    store = Store.open(files, create=create, clock=clock)
    made: list[Rules] = []

    def codebook() -> CodeBook:
        return CodeBook(open_catalog(chosen))

    def engine() -> ReadingEngine:
        suggester = load(chosen)
        made.append(suggester.rules)
        return ReadingEngine(suggester)

    service = ReviewService(store, settings=chosen, codebook=codebook, engine=engine, demo=demo)

    def rules() -> Rules:
        if not made:
            made.append(Rules.open(chosen, catalog=service.codebook.catalog))
        return made[0]

    service.rules = lambda note, codes, supported: note_flags(rules(), note, codes, supported)
    if demo:
        _fill(service)
    return service


def _demo_files() -> StoreFiles:
    for left in Path(tempfile.gettempdir()).glob(f"{_DEMO}*-*"):
        number = left.name.removeprefix(_DEMO).split("-")[0]
        if number.isdigit() and not _alive(int(number)) and left.stat().st_uid == os.getuid():
            shutil.rmtree(left, ignore_errors=True)  # of a demo that was killed
    folder = Path(tempfile.mkdtemp(prefix=f"{_DEMO}{os.getpid()}-"))
    atexit.register(partial(shutil.rmtree, folder, ignore_errors=True))
    read_or_make_key(folder / "audit.key")
    return StoreFiles(
        url=f"sqlite:///{folder / 'review.sqlite'}",
        key_file=folder / "audit.key",
        anchor_file=folder / "audit.anchor",
    )


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _fill(service: ReviewService) -> None:
    """Put users and sample notes into a demo store."""
    with service.store.write() as work:
        for role in ROLES:
            new_user(work, "system", name=f"demo-{role}", role=role, display_name=f"Demo {role}")
    token = service.demo_sign_in("manager").token
    for _ in service.import_notes(token, read_notes(SAMPLES)):
        pass
    service.sign_out(token)
    token = service.demo_sign_in("coder").token
    for name in _FINISHED_SAMPLES:
        row = service.worklist(token, WorkFilters(name=name)).rows[0]
        view = service.take(token, row.id)
        service.bulk_accept(token, service.bulk_preview(token, row.id, _SURE))
        for item in view.rows:
            if item.confidence is not None and item.confidence < _UNLIKELY:
                service.reject(token, row.id, item.id, reason="not supported by the note")
        standing = service.summary(token, row.id).standing
        service.finish(
            token,
            row.id,
            overrides=tuple(
                OverrideInput(rule_id=flag.rule_id, codes=flag.codes, reason="sample note")
                for flag in standing
            ),
        )
    service.sign_out(token)
