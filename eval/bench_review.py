"""How long the review service takes with many notes in the store: medians and worst of repeated calls.

python eval/bench_review.py
python eval/bench_review.py --notes 50000 --url postgresql+psycopg://…
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import crash_writers
from crash_writers import FixedEngine, Place

from suggester.codesets import open_catalog
from suggester.config import Settings
from suggester.review.service import ReviewService
from suggester.review.types import DecisionInput, NoteView, WorkFilters
from suggester.store.store import StoreFiles
from suggester.types import Note, Suggestions


class SpreadEngine(FixedEngine):
    """Suggests the same codes for every note, each time with other confidences."""

    def suggest(self, note: Note) -> Suggestions:
        """Suggestions for a note."""
        found = super().suggest(note)
        chance = random.Random(note.id)  # noqa: S311
        return replace(
            found,
            suggestions=tuple(
                replace(item, confidence=round(chance.uniform(0.3, 0.99), 3)) for item in found.suggestions
            ),
        )


@dataclass
class Coder:
    """One coder at work: takes notes, decides, finishes."""

    service: ReviewService
    token: str
    held: list[NoteView]
    count: int = 0

    def take(self) -> None:
        """The next free note."""
        view = self.service.take_next(self.token, WorkFilters(free=True))
        assert view is not None  # noqa: S101
        self.held.append(view)

    def decide(self) -> None:
        """One decision on the first note held."""
        view = self.held[0]
        row = view.rows[self.count % len(view.rows)]
        item = DecisionInput(
            uuid=str(uuid.uuid4()),
            note_id=view.id,
            action="accept" if self.count // len(view.rows) % 2 else "reject",
            row_id=row.id,
            reason="no",
        )
        self.count += 1
        [ack] = self.service.decide_batch(self.token, (item,))
        assert ack.status == "durable", ack.message  # noqa: S101

    def finish(self) -> None:
        """Finish the note taken last."""
        self.service.finish(self.token, self.held.pop().id)


def timed(call: Callable[[], object], times: int) -> dict[str, float]:
    """Median and worst of repeated calls, in milliseconds."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        took.append((time.perf_counter() - begun) * 1000)
    return {"median_ms": round(statistics.median(took), 1), "worst_ms": round(max(took), 1)}


def main() -> None:
    """Fill a store, time the calls of a coder's day, print a line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--notes", type=int, default=10_000)
    parser.add_argument("--url", help="an empty database; without it SQLite in a temporary folder")
    given = parser.parse_args()
    crash_writers.FixedEngine = SpreadEngine  # type: ignore[misc]
    with tempfile.TemporaryDirectory(prefix="suggester-bench-") as name:
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
        begun = time.perf_counter()
        token = place.prepare(people=1, notes=given.notes)[0]
        print(json.dumps({"import_seconds": round(time.perf_counter() - begun, 1), "notes": given.notes}))
        with contextlib.closing(place.open()) as service:
            coder = Coder(service, token, [])
            narrow = WorkFilters(statuses=("new", "reopened"), below=0.4)
            calls: dict[str, tuple[Callable[[], object], int]] = {
                "page by risk": (lambda: service.worklist(token), 15),
                "page by age": (lambda: service.worklist(token, sort="age"), 15),
                "page filtered": (lambda: service.worklist(token, narrow), 15),
                "last page": (lambda: service.worklist(token, offset=given.notes - 50), 15),
                "counts": (lambda: service.work_counts(token), 15),
                "progress": (lambda: service.progress(token), 15),
                "next note": (coder.take, 15),
                "one decision": (coder.decide, 40),
                "finish": (coder.finish, 10),
                "verify": (service.store.verify, 1),
            }
            for what, (call, times) in calls.items():
                print(json.dumps({"call": what, **timed(call, times)}))


if __name__ == "__main__":
    main()
