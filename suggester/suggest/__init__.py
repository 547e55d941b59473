"""The one orchestrator: a note in, suggestions out."""

from suggester.ranking.bench import Bench
from suggester.suggest.engine import Suggester, load
from suggester.types import NotCoded

__all__ = ["Bench", "NotCoded", "Suggester", "load"]
