"""What the tests of store and review share: a clock we turn, an engine that knows six words, both databases.

Nothing here is a test.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from free_ports import free_port

from suggester.codesets import Catalog
from suggester.config import Settings
from suggester.review.codebook import CodeBook
from suggester.review.markings import Markings
from suggester.review.operating import operator_session
from suggester.review.service import ReviewService
from suggester.review.types import Mark, NoteView, Role, SectionMark, SignedIn
from suggester.store.store import Store, StoreFiles
from suggester.types import (
    Assertion,
    Code,
    Evidence,
    Flag,
    NotCoded,
    Note,
    Patient,
    Run,
    Span,
    Suggestion,
    Suggestions,
    System,
)

START = 1_781_000_000_000
"""A day in June 2026, in milliseconds."""

DAY = "2026-06-18"

PASSWORD = "correct horse battery"  # noqa: S105

VOCABULARY: dict[str, tuple[System, str, float]] = {
    "diabetes": ("ICD-10-CM", "E11.9", 0.95),
    "hypertension": ("ICD-10-CM", "I10", 0.9),
    "cough": ("ICD-10-CM", "R05.9", 0.6),
    "fever": ("ICD-10-CM", "R50.9", 0.4),
    "gout": ("ICD-10-CM", "M10.9", 0.8),
    "visit": ("CPT", "99213", 0.7),
}
"""Words that the engine of these tests knows; after *no* they go to the not-coded ledger."""


@dataclass
class Clock:
    """Milliseconds that only move when told to."""

    now: int = START

    def __call__(self) -> int:
        return self.now

    def forward(self, *, seconds: float = 0.0, minutes: float = 0.0, hours: float = 0.0) -> None:
        self.now += int((seconds + 60 * minutes + 3600 * hours) * 1000)


class WordEngine:
    """Suggests a code for each word it knows."""

    def __init__(self) -> None:
        self.flags: tuple[Flag, ...] = ()

    def suggest(self, note: Note) -> Suggestions:
        if "explode" in note.text:
            raise ValueError(note.text)
        found: list[tuple[float, str, System, str, int]] = []
        left: list[NotCoded] = []
        lower = note.text.lower()
        for word, (system, code, confidence) in VOCABULARY.items():
            start = lower.find(word)
            if start < 0:
                continue
            if lower[max(0, start - 3) : start] == "no ":
                left.append(
                    NotCoded(
                        span=Span(start=start, end=start + len(word)),
                        quote=note.text[start : start + len(word)],
                        reason="negated",
                        cue="no",
                        would_be=(code,),
                    )
                )
            else:
                found.append((confidence, word, system, code, start))
        found.sort(reverse=True)
        return Suggestions(
            note_id=note.id,
            run=Run(
                version="0",
                model="words 1",
                codesets=(("ICD-10-CM", "2026-04-01"),),
                config_hash="000000000000",
            ),
            suggestions=tuple(
                Suggestion(
                    id=f"{note.id}:{system}:{code}",
                    code=Code(
                        system=system,
                        code=code,
                        display=f"title of {code}",
                        billable=True,
                        valid_from=CODES_FROM,
                        valid_to=None,
                        release="2026-04-01",
                    ),
                    confidence=confidence,
                    rank=rank,
                    evidence=(
                        Evidence(
                            span=Span(start=start, end=start + len(word)),
                            quote=note.text[start : start + len(word)],
                            section="hpi",
                            assertion=Assertion(),
                        ),
                    ),
                    reasons=(f"the word {code} is there",),
                    flags=tuple(flag for flag in self.flags if code in flag.codes),
                )
                for rank, (confidence, word, system, code, start) in enumerate(found, 1)
            ),
            not_coded=tuple(left),
            flags=tuple(flag for flag in self.flags if not flag.codes),
        )

    def markings(self, note: Note) -> Markings:
        end, lower = len(note.text), note.text.lower()
        marks: tuple[Mark, ...] = ()
        if "no " in lower:
            at = lower.index("no ")
            marks = (
                Mark(
                    kind="negated",
                    span=Span(start=min(at + 3, end), end=end),
                    cue="no",
                    cue_span=Span(start=at, end=at + 2),
                ),
            )
        return Markings(
            sections=(SectionMark(kind="hpi", title="HPI", span=Span(start=0, end=end)),), marks=marks
        )


CODES_FROM = __import__("datetime").date(2026, 4, 1)


@dataclass
class World:
    """A service over a store of its own, with a user of each role signed in."""

    service: ReviewService
    clock: Clock
    engine: WordEngine
    files: StoreFiles
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, role: Role, number: int = 1) -> str:
        """A session of a user of a role; made at its first use."""
        name = f"{role}{number}"
        if name not in self.tokens:
            self.tokens[name] = self.fresh(role, number).token
        return self.tokens[name]

    def fresh(self, role: Role, number: int = 1) -> SignedIn:
        """A new session of a user of a role."""
        name = f"{role}{number}"
        operator = operator_session(self.service).token
        if all(user.name != name for user in self.service.list_users(operator)):
            self.service.add_user(operator, name=name, role=role, password=PASSWORD)
        return self.service.sign_in(name, PASSWORD)

    def put(self, *texts: str, prefix: str = "note", **values: object) -> list[str]:
        """Import notes; their ids in the store, in order."""
        operator = operator_session(self.service).token
        notes = [
            Note(
                id=f"{prefix}-{number}",
                text=text,
                **{  # type: ignore[arg-type]
                    "encounter_id": f"enc-{number}",
                    "kind": "visit",
                    "setting": "outpatient",
                    "service_date": __import__("datetime").date.fromisoformat(DAY),
                    "patient": Patient(id=f"p{number}", sex="F"),
                    **values,
                },
            )
            for number, text in enumerate(texts, 1)
        ]
        *_, last = self.service.import_notes(operator, notes)
        assert last.failures == ()
        with self.service.store.read() as connection:
            rows = {row.name: row.id for row in connection.execute(sa.text("select name, id from notes"))}
        return [rows[note.id] for note in notes]

    def finished(self, note_id: str, token: str | None = None) -> NoteView:
        """Take a note, accept every suggestion and finish it; the view before it was finished."""
        mine = token or self.token("coder")
        view = self.service.take(mine, note_id)
        for row in view.rows:
            if row.state == "pending":
                view = self.service.accept(mine, note_id, row.id)
        self.service.finish(mine, note_id)
        return view


def made_world(
    folder: Path, catalog: Catalog, *, url: str | None = None, clock: Clock | None = None, **settings: object
) -> World:
    """A service over a new store in a folder, or in the database at ``url``."""
    time = clock or Clock()
    files = StoreFiles(
        url=url or f"sqlite:///{folder / 'review.sqlite'}",
        key_file=folder / "audit.key",
        anchor_file=folder / "audit.anchor",
    )
    engine = WordEngine()
    service = ReviewService(
        Store.open(files, clock=time),
        settings=Settings.load(review_dir=folder, **settings),
        codebook=lambda: CodeBook(catalog),
        engine=lambda: engine,
        hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1),
    )
    return World(service=service, clock=time, engine=engine, files=files)


def fresh_uuid() -> str:
    """A uuid as the browser makes it."""
    return str(uuid.uuid4())


# --- PostgreSQL --------------------------------------------------------------------------------------


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else None


@cache
def postgres_server() -> str | None:
    """The address of a PostgreSQL server on loopback, stopped at the end; None where it is not installed."""
    programs = _programs()
    if programs is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="suggester-pg-"))
    run: list[str] = []
    if os.geteuid() == 0:  # the server refuses to be root
        owner = "postgres" if _has_user("postgres") else "nobody"
        shutil.chown(folder, owner)
        run = ["setpriv", f"--reuid={owner}", "--clear-groups", "--regid", str(_group_of(owner))]
    data, port = folder / "data", free_port()
    secret = secrets.token_hex(8)
    password_file = folder / "pw"
    password_file.write_text(secret)
    if run:
        shutil.chown(password_file, owner)

    def command(*words: str) -> None:
        subprocess.run([*run, *words], check=True, capture_output=True, cwd=folder)

    def stop() -> None:
        command(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)

    command(
        str(programs / "initdb"),
        *("-D", str(data), "-U", "tester", f"--pwfile={password_file}"),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    command(
        str(programs / "pg_ctl"),
        *("-D", str(data), "-w", "-t", "60", "-l", str(folder / "log"), "-o", options, "start"),
    )
    atexit.register(stop)
    return f"postgresql+psycopg://tester:{secret}@127.0.0.1:{port}"


def _has_user(name: str) -> bool:
    import pwd

    return any(entry.pw_name == name for entry in pwd.getpwall())


def _group_of(name: str) -> int:
    import pwd

    return pwd.getpwnam(name).pw_gid


def new_postgres_database() -> str:
    """The address of an empty database; skips where PostgreSQL is not installed."""
    server = postgres_server()
    if server is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    name = f"t{secrets.token_hex(6)}"
    engine = sa.create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"create database {name}"))
    engine.dispose()
    return f"{server}/{name}"


KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
"""Both databases, for parametrize."""


def worlds(kind: str, folder: Path, catalog: Catalog, **settings: object) -> Iterator[World]:
    """A world on one kind of database, closed afterwards; for fixtures."""
    url = new_postgres_database() if kind == "postgresql" else None
    world = made_world(folder, catalog, url=url, **settings)
    try:
        yield world
    finally:
        world.service.close()


MakeWorld = Callable[..., World]
