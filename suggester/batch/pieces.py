"""What worker processes and Ray actors are handed: pieces of a shard; and the shard while some are out."""

from __future__ import annotations

from dataclasses import dataclass, field

from suggester.batch.outcomes import Failure
from suggester.batch.shards import Item, Shard
from suggester.batch.work import Done, failed

__all__ = ["OpenShard", "Piece", "died_twice"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Records ``[start, end)`` of a shard; ``tries`` counts workers that died on its only record."""

    shard: Shard
    start: int
    end: int
    tries: int = 0

    @property
    def items(self) -> tuple[Item, ...]:
        """Its records."""
        return self.shard.items[self.start : self.end]


@dataclass(slots=True)
class OpenShard:
    """A shard in hand: how many of its records are still out, and what came back, by first record."""

    shard: Shard
    missing: int
    done: dict[int, Done] = field(default_factory=dict)

    def settle(self, piece: Piece, done: Done) -> None:
        """Take in what came of a piece."""
        self.done[piece.start] = done
        self.missing -= piece.end - piece.start


def died_twice(record: str) -> Done:
    """What comes of a note on which two workers died."""
    return failed(
        Failure(record=record, code="worker_died", message="the worker process died on this note, twice")
    )
