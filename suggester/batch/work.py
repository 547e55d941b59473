"""The shard function: records and an engine in, the bytes of a part and its counts out.

Every way to run a batch (this process, a process pool, Ray, Spark) calls ``work`` and nothing else, so the
bytes are the same. A body has a line for each record, in order: ``+`` and the contract's line, or ``-`` and
the line of the errors file.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from suggester.batch.engine import Engine
from suggester.batch.guard import Guard, TimeIsUpError, time_limit
from suggester.batch.outcomes import Failure, failure_of
from suggester.batch.shards import Item
from suggester.batch.tally import Tally
from suggester.contract import suggestions_to_record, to_json_line
from suggester.errors import InputError
from suggester.types import Flag, Note, Suggestion, Suggestions

__all__ = ["Done", "Job", "body_lines", "failed", "join", "too_slow", "work"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a worker needs to know beside the engine.

    ``auto_accept`` is the confidence from which on a suggestion without an error flag is marked as accepted;
    None marks nothing and writes no mark.
    """

    guard: Guard = field(default_factory=Guard)
    auto_accept: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The body of a part, and what was counted in it."""

    body: bytes
    tally: Tally


def work(
    engine: Engine, items: Iterable[Item], *, job: Job, before: Callable[[], None] | None = None
) -> Done:
    """Make the body for some records. Never raises an ``Exception``: a note that fails is a failure.

    Parameters
    ----------
    engine
        What reads the notes.
    items
        The records.
    job
        Limits on a note, and what to mark.
    before
        Called before each record; what it raises ends the work.
    """
    lines: list[str] = []
    tally = Tally()
    for item in items:
        if before is not None:
            before()
        line = _line(engine, item, job=job, tally=tally)
        lines.append(f"+{line}\n" if isinstance(line, str) else f"-{line.to_json_line()}\n")
        if not isinstance(line, str):
            tally.fail(line.code)
    return Done(body="".join(lines).encode(), tally=tally)


def _line(engine: Engine, item: Item, *, job: Job, tally: Tally) -> str | Failure:
    if isinstance(item, InputError):
        return failure_of(item, record=item.record)
    try:
        with time_limit(job.guard.seconds):
            result = engine.suggest(item)
            accepted = () if job.auto_accept is None else _accepted(result, job.auto_accept)
            line = _written(result, accepted, marked=job.auto_accept is not None)
    except TimeIsUpError:
        return too_slow(item, job.guard)
    except MemoryError:
        gc.collect()
        return Failure(
            record=item.id,
            code="too_much_memory",
            message=f"reading the note takes more than {job.guard.memory_mb} MB of memory",
        )
    except Exception as error:  # whatever it is, the other notes go on
        return failure_of(error, record=item.id)
    tally.add(item, result, accepted)
    return line


def too_slow(note: Note, guard: Guard) -> Failure:
    """The failure of a note that took too long."""
    return Failure(
        record=note.id, code="too_slow", message=f"reading the note takes more than {guard.seconds:g} seconds"
    )


def _accepted(result: Suggestions, least: float) -> tuple[bool, ...]:
    return tuple(
        item.confidence >= least and not any(flag.severity == "error" for flag in _on(item, result))
        for item in result.suggestions
    )


def _on(item: Suggestion, result: Suggestions) -> Iterator[Flag]:
    yield from item.flags
    yield from (flag for flag in result.flags if item.code.code in flag.codes)


def _written(result: Suggestions, accepted: tuple[bool, ...], *, marked: bool) -> str:
    if not marked:
        return to_json_line(result)
    record = suggestions_to_record(result)
    for entry, taken in zip(record["suggestions"], accepted, strict=True):
        entry["auto_accepted"] = taken
    return to_json_line(record)


def failed(failure: Failure) -> Done:
    """The body of one record that failed."""
    tally = Tally()
    tally.fail(failure.code)
    return Done(body=f"-{failure.to_json_line()}\n".encode(), tally=tally)


def join(parts: Iterable[Done]) -> Done:
    """Several bodies, in order, as one."""
    tally, body = Tally(), bytearray()
    for part in parts:
        body += part.body
        tally.merge(part.tally)
    return Done(body=bytes(body), tally=tally)


def body_lines(body: bytes) -> Iterator[tuple[bool, bytes]]:
    """Lines of a body without their newlines, each with whether it is of a note (and not of a failure)."""
    start = 0
    while start < len(body):
        end = body.index(b"\n", start)
        yield body[start : start + 1] == b"+", body[start + 1 : end]
        start = end + 1
