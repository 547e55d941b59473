"""Batch jobs: notes that are read in the background, one job after another, for who asked.

Results lie in a private folder (mode 0700) and are deleted with the job, after its hours, and when the
service starts: nobody finds them there later.
"""

from __future__ import annotations

import logging
import queue
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from suggester.contract import to_json_line
from suggester.errors import NotFoundError, SuggesterError
from suggester.types import Note, Suggestions

__all__ = ["Job", "JobError", "JobStatus", "Jobs", "Reader", "TooManyJobsError"]

JobStatus = Literal["waiting", "running", "done", "stopped"]
_log = logging.getLogger(__name__)


class Reader(Protocol):
    """What reads a note."""

    def suggest(self, note: Note) -> Suggestions:
        """Suggestions for a note."""
        ...


class TooManyJobsError(SuggesterError):
    """As many jobs as allowed wait already."""

    code = "too_many_jobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobError:
    """A note that could not be read: its id, a stable reason and a message without its text."""

    id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Where a job stands. ``done`` counts notes read or failed."""

    id: str
    status: JobStatus
    notes: int
    done: int
    errors: tuple[JobError, ...]
    created_at: datetime
    finished_at: datetime | None


@dataclass(slots=True)
class _Entry:
    job: Job
    owner: str
    notes: tuple[Note, ...]
    path: Path
    stopped: bool = False


class Jobs:
    """The jobs of a service.

    Parameters
    ----------
    reader
        Gives the engine; called in the working thread, so that starting the service loads nothing.
    most
        Jobs waiting or running at a time.
    keep
        How long a finished job stays.
    clock
        The time now, in UTC.
    """

    def __init__(
        self,
        reader: Callable[[], Reader],
        *,
        most: int,
        keep: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._reader = reader
        self._most = most
        self._keep = keep
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._folder: Path | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Make the private folder and the working thread."""
        self._folder = Path(tempfile.mkdtemp(prefix="suggester-jobs-"))
        self._thread = threading.Thread(target=self._work, name="suggester-jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the note at hand and delete everything."""
        with self._lock:
            for entry in self._entries.values():
                entry.stopped = True
            self._entries.clear()
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, owner: str, notes: tuple[Note, ...]) -> Job:
        """Queue notes.

        Raises
        ------
        TooManyJobsError
            If as many jobs as allowed wait or run already.
        """
        assert self._folder is not None  # noqa: S101 - started with the service
        with self._lock:
            self._sweep()
            if sum(e.job.status in ("waiting", "running") for e in self._entries.values()) >= self._most:
                raise TooManyJobsError(f"{self._most} jobs wait or run already; try again later")
            job = Job(
                id=secrets.token_urlsafe(12),
                status="waiting",
                notes=len(notes),
                done=0,
                errors=(),
                created_at=self._clock(),
                finished_at=None,
            )
            self._entries[job.id] = _Entry(job, owner, notes, self._folder / f"{job.id}.jsonl")
        self._queue.put(job.id)
        return job

    def get(self, owner: str, job_id: str) -> Job:
        """A job of the caller; ``NotFoundError`` for anybody else's."""
        with self._lock:
            self._sweep()
            return self._entry(owner, job_id).job

    def results(self, owner: str, job_id: str) -> Path | None:
        """File with the results of a job, one line a note; None while it is not done."""
        with self._lock:
            entry = self._entry(owner, job_id)
            return entry.path if entry.job.status == "done" else None

    def delete(self, owner: str, job_id: str) -> None:
        """Stop a job and delete what it made."""
        with self._lock:
            entry = self._entry(owner, job_id)
            entry.stopped = True
            del self._entries[job_id]
            if entry.job.status != "running":
                entry.path.unlink(missing_ok=True)

    def _entry(self, owner: str, job_id: str) -> _Entry:
        entry = self._entries.get(job_id)
        if entry is None or entry.owner != owner:
            raise NotFoundError("no such job of yours")
        return entry

    def _sweep(self) -> None:
        ended = self._clock() - self._keep
        for job_id, entry in list(self._entries.items()):
            if entry.job.finished_at is not None and entry.job.finished_at < ended:
                entry.path.unlink(missing_ok=True)
                del self._entries[job_id]

    def _work(self) -> None:
        while (job_id := self._queue.get()) is not None:
            with self._lock:
                entry = self._entries.get(job_id)
            if entry is not None:
                self._run(entry)

    def _run(self, entry: _Entry) -> None:
        self._set(entry, status="running")
        try:
            engine = self._reader()
            with entry.path.open("w", encoding="utf-8") as file:
                for note in entry.notes:
                    if entry.stopped:
                        break
                    try:
                        file.write(to_json_line(engine.suggest(note)) + "\n")
                        self._set(entry, done=entry.job.done + 1)
                    except SuggesterError as error:
                        self._fail(entry, note.id, error.code, str(error))
                    except Exception as error:  # a note must not end the job; its text stays out of the log
                        _log.error("job %s: a note failed with %s", entry.job.id, type(error).__name__)
                        self._fail(entry, note.id, "internal", f"failed with {type(error).__name__}")
            self._set(entry, status="stopped" if entry.stopped else "done", finished_at=self._clock())
        except (OSError, SuggesterError) as error:
            _log.error("job %s stopped: %s", entry.job.id, type(error).__name__)
            self._set(entry, status="stopped", finished_at=self._clock())
        finally:
            entry.notes = ()
            if entry.stopped:
                entry.path.unlink(missing_ok=True)

    def _set(self, entry: _Entry, **changes: object) -> None:
        with self._lock:
            entry.job = replace(entry.job, **changes)  # type: ignore[arg-type]

    def _fail(self, entry: _Entry, note_id: str, code: str, message: str) -> None:
        error = JobError(id=note_id, code=code, message=message)
        self._set(entry, done=entry.job.done + 1, errors=(*entry.job.errors, error))
