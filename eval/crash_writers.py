"""Kill writers of the review store with -9, over and over, and count what they were told was kept.

Three writers decide on notes through the review service. Each tells its parent the uuid of a decision only
after the service acknowledged it. The parent kills all three at random moments and starts new ones. At last
all acknowledged decisions must be in the database and the audit trail must verify. With ``--takers`` it is
counted instead whether two processes that take notes at the same time ever hold the same one.

    python eval/crash_writers.py --seconds 60
    python eval/crash_writers.py --acks 100000 --url postgresql+psycopg://…
    python eval/crash_writers.py --takers 8 --notes 2000
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import select
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import sqlalchemy as sa

from suggester.codesets import Catalog, open_catalog
from suggester.config import Settings
from suggester.review.codebook import CodeBook
from suggester.review.markings import Markings
from suggester.review.operating import operator_session
from suggester.review.service import ReviewService
from suggester.review.types import DecisionInput, WorkFilters
from suggester.store.store import Store, StoreFiles
from suggester.types import Code, Note, Run, Suggestion, Suggestions

CODES = ("E11.9", "I10", "R05.9", "M10.9", "J44.1")
DECISIONS_A_NOTE = 30
DAY = date(2026, 6, 18)


class FixedEngine:
    """Suggests the same codes for every note."""

    def suggest(self, note: Note) -> Suggestions:
        """Suggestions for a note."""
        return Suggestions(
            note_id=note.id,
            run=Run(version="0", model="fixed 1", codesets=(), config_hash=""),
            suggestions=tuple(
                Suggestion(
                    id=f"{note.id}:{code}",
                    code=Code(
                        system="ICD-10-CM",
                        code=code,
                        display=code,
                        billable=True,
                        valid_from=DAY,
                        valid_to=None,
                        release="",
                    ),
                    confidence=0.9,
                    rank=rank,
                    evidence=(),
                    reasons=(),
                )
                for rank, code in enumerate(CODES, 1)
            ),
            not_coded=(),
        )

    def markings(self, note: Note) -> Markings:
        """No markings."""
        return Markings(sections=(), marks=())


@dataclass(frozen=True)
class Place:
    """Where the store is, and how to open a service over it."""

    files: StoreFiles
    settings: Settings
    catalog: Catalog

    def open(self) -> ReviewService:
        """A service of this process."""
        return ReviewService(
            Store.open(self.files),
            settings=self.settings,
            codebook=lambda: CodeBook(self.catalog),
            engine=FixedEngine,
        )

    def prepare(self, *, people: int, notes: int) -> list[str]:
        """Users and notes; a session's token for each user."""
        with contextlib.closing(self.open()) as service:
            operator = operator_session(service).token
            tokens = []
            for number in range(people):
                user = service.add_user(operator, name=f"writer{number}", role="coder")
                tokens.append(service.issue_api_token(operator, user.id, days=2).token)
            some = (Note(id=f"note-{number}", text="a note", service_date=DAY) for number in range(notes))
            for progress in service.import_notes(operator, some, batch=200):
                assert not progress.failures  # noqa: S101
        return tokens


def forked(work: Callable[[Callable[[str], None]], None]) -> tuple[int, int]:
    """Run ``work`` in a child; its process id and the pipe that its lines come from."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        return child, reader
    os.close(reader)
    code = 1
    try:
        work(lambda line: _tell(writer, line))
        code = 0
    except BaseException as error:
        print(f"writer: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    os._exit(code)


def _tell(pipe: int, line: str) -> None:
    os.write(pipe, f"{line}\n".encode())


def lines_of(pipes: list[int], *, enough: int | None = None, patience: float = 20.0) -> list[str]:
    """Whole lines that children wrote: until they ended, or until there are ``enough`` or patience is out."""
    texts = dict.fromkeys(pipes, b"")
    waiting = set(pipes)
    end = time.monotonic() + patience
    while waiting and (enough is None or sum(text.count(b"\n") for text in texts.values()) < enough):
        left = end - time.monotonic()
        if enough is not None and left <= 0:
            break
        ready, _, _ = select.select(list(waiting), [], [], None if enough is None else left)
        for pipe in ready:
            part = os.read(pipe, 1 << 16)
            texts[pipe] += part
            if not part:
                waiting.remove(pipe)
    return [line for text in texts.values() for line in text.decode().split("\n")[:-1]]


def write(place: Place, token: str, tell: Callable[[str], None]) -> None:
    """Decide on notes until killed, telling each acknowledged uuid."""
    service = place.open()
    while True:
        view = service.take_next(token)
        if view is None:
            tell("empty")
            return
        version = view.version
        while version < DECISIONS_A_NOTE:
            row = view.rows[version % len(view.rows)]
            action = ("accept", "reject")[version // len(view.rows) % 2]
            item = DecisionInput(
                uuid=str(uuid.uuid4()),
                note_id=view.id,
                action=action,  # type: ignore[arg-type]
                row_id=row.id,
                reason="no",
            )
            [ack] = service.decide_batch(token, (item,))
            assert ack.status == "durable", ack.message  # noqa: S101
            tell(ack.uuid)
            version = ack.version
        service.finish(token, view.id)


def crash(place: Place, *, seconds: float, acks: int, rounds: int, seed: int) -> dict[str, object]:
    """Kill three writers until enough rounds, acknowledgements or seconds have passed; what was lost."""
    tokens = place.prepare(people=3, notes=max(int(seconds * 12), acks // 20, rounds * 6) + 200)
    chance = random.Random(seed)  # noqa: S311
    acked: set[str] = set()
    done = 0
    end = time.monotonic() + seconds

    def more() -> bool:
        if rounds:
            return done < rounds
        return len(acked) < acks if acks else time.monotonic() < end

    while more():
        done += 1
        running = [
            forked(lambda tell, token=token: write(place, token, tell))  # type: ignore[misc]
            for token in tokens
        ]
        pipes = [pipe for _, pipe in running]
        # Killed at any moment, but not before they had begun to work, however busy the machine is.
        acked.update(lines_of(pipes, enough=chance.randint(1, 120)))
        time.sleep(chance.uniform(0.0, 0.03))
        for child, _ in running:
            os.kill(child, signal.SIGKILL)
        acked.update(lines_of(pipes))
        for child, pipe in running:
            os.close(pipe)
            os.waitpid(child, 0)
    acked.discard("empty")
    with contextlib.closing(Store.open(place.files)) as store, store.read() as connection:
        kept = set(connection.execute(sa.text("select id from decisions")).scalars())
        sqlite = connection.dialect.name == "sqlite"
        sound = not sqlite or connection.execute(sa.text("pragma integrity_check")).scalar() == "ok"
        report = store.verify()
    return {
        "database": "sqlite" if sqlite else "postgresql",
        "rounds": done,
        "acknowledged": len(acked),
        "kept": len(kept),
        "lost": len(acked - kept),
        "trail_entries": report.entries,
        "trail_faults": [fault.message for fault in report.faults],
        "integrity": sound,
    }


def take(place: Place, *, takers: int, notes: int) -> dict[str, object]:
    """Let processes take all notes at the same time; how many were held twice."""
    tokens = place.prepare(people=takers, notes=notes)

    def work(token: str, tell: Callable[[str], None]) -> None:
        service = place.open()
        while (view := service.take_next(token, WorkFilters(free=True), sort="age")) is not None:
            tell(view.id)

    running = [
        forked(lambda tell, token=token: work(token, tell))  # type: ignore[misc]
        for token in tokens
    ]
    taken = lines_of([pipe for _, pipe in running])
    for child, _ in running:
        os.waitpid(child, 0)
    return {"takers": takers, "notes": notes, "taken": len(taken), "twice": len(taken) - len(set(taken))}


def main() -> int:
    """Run, print a line of JSON, and end with 1 if anything was lost or held twice."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--acks", type=int, default=0, help="go on until so many were acknowledged")
    parser.add_argument("--rounds", type=int, default=0, help="kill so often, however long it takes")
    parser.add_argument("--url", help="an empty database; without it SQLite in a temporary folder")
    parser.add_argument("--takers", type=int, default=0)
    parser.add_argument("--notes", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="suggester-crash-") as name:
        folder = Path(name)
        place = Place(
            files=StoreFiles(
                url=given.url or f"sqlite:///{folder / 'review.sqlite'}",
                key_file=folder / "audit.key",
                anchor_file=folder / "audit.anchor",
            ),
            settings=Settings.load(review_dir=folder),
            catalog=open_catalog(),
        )
        if given.takers:
            result = take(place, takers=given.takers, notes=given.notes)
            wrong = result["twice"] != 0 or result["taken"] != given.notes
        else:
            result = crash(
                place, seconds=given.seconds, acks=given.acks, rounds=given.rounds, seed=given.seed
            )
            wrong = bool(result["lost"] or result["trail_faults"] or not result["integrity"])
    print(json.dumps(result))
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
