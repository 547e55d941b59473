"""Pre-coding an archive: many notes in, JSON Lines out in input order, every failure a record of its own."""

from suggester.batch.engine import Engine, EngineFactory, load_engine
from suggester.batch.executors import Stop
from suggester.batch.files import errors_path
from suggester.batch.guard import Guard
from suggester.batch.outcomes import Failure, Outcome, outcome
from suggester.batch.running import Summary, notes_of, run
from suggester.batch.shards import Share
from suggester.batch.work import Job

__all__ = [
    "Engine",
    "EngineFactory",
    "Failure",
    "Guard",
    "Job",
    "Outcome",
    "Share",
    "Stop",
    "Summary",
    "errors_path",
    "load_engine",
    "notes_of",
    "outcome",
    "run",
]
