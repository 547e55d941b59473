"""Pre-coding an archive: many notes in, JSON Lines out in input order, every failure a record of its own."""

from suggester.batch.engine import Engine, EngineFactory, load_engine
from suggester.batch.files import errors_path
from suggester.batch.outcomes import Failure, Outcome, outcome
from suggester.batch.running import Summary, run

__all__ = [
    "Engine",
    "EngineFactory",
    "Failure",
    "Outcome",
    "Summary",
    "errors_path",
    "load_engine",
    "outcome",
    "run",
]
