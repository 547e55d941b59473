"""Shards where notes live in a lakehouse: a function for Spark's ``mapInPandas``.

The function is pure: an iterator of pandas frames in, one of frames out, so it is tested without Spark::

    from suggester.batch.spark import OUTPUT_SCHEMA, suggest_frames
    result = notes.mapInPandas(suggest_frames(settings), schema=OUTPUT_SCHEMA)

Frames in have the columns of CSV notes (``id``, ``text``, ``service_date`` …); frames out have ``id``,
``line`` (the line of the contract) and ``error`` (the line of the errors file), one of the two empty, a row
for each row that came in and in its order. Spark writes them; lines are the same bytes as everywhere. Ids are
checked for doubles within a partition only: Spark hands out partitions apart from each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

from suggester.batch.engine import Engine, EngineFactory, load_engine
from suggester.batch.guard import memory_limit
from suggester.batch.shards import Item
from suggester.batch.work import Job, body_lines, work
from suggester.config import Settings
from suggester.contract import note_from_record
from suggester.errors import DuplicateIdError, FieldError, InputError
from suggester.notes import Limits, check_text
from suggester.notes.columns import map_record
from suggester.notes.seen import SeenIds

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OUTPUT_SCHEMA", "suggest_frames"]

OUTPUT_SCHEMA = "id string, line string, error string"

_engines: dict[tuple[str, EngineFactory], Engine] = {}
"""Engines of this Python process: Spark calls the function once a partition, and loading takes a second."""


def suggest_frames(
    settings: Settings,
    *,
    factory: EngineFactory = load_engine,
    job: Job | None = None,
    columns: Mapping[str, str] | None = None,
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """The function to give to ``mapInPandas``.

    Parameters
    ----------
    settings
        Settings of the engine; the code sets must be on every machine.
    factory
        Makes the engine, once in every Python worker.
    job
        Limits on a note, and what to mark.
    columns
        Field of a note to the name of its column; columns that are nothing to a note are left unread.
    """
    chosen = job or Job()
    limits = Limits(chars=settings.max_note_chars)

    def suggest(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import pandas as pd

        engine = _engine(settings, factory)
        seen = SeenIds()
        number = 0
        for frame in frames:
            rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
            items: list[Item] = []
            for row in rows:
                number += 1
                items.append(
                    _item(
                        cast(dict[str, object], row),
                        columns or {},
                        record=f"row {number}",
                        limits=limits,
                        seen=seen,
                    )
                )
            with memory_limit(chosen.guard.memory_mb):
                done = work(engine, items, job=chosen)
            out = []
            for item, (is_note, line) in zip(items, body_lines(done.body), strict=True):
                text = line.decode()
                name = item.record if isinstance(item, InputError) else item.id
                out.append((name, text, "") if is_note else (name, "", text))
            yield pd.DataFrame(out, columns=["id", "line", "error"])

    return suggest


def _engine(settings: Settings, factory: EngineFactory) -> Engine:
    key = (settings.model_dump_json(), factory)
    if key not in _engines:
        _engines[key] = factory(settings)
    return _engines[key]


def _item(
    row: Mapping[str, object], columns: Mapping[str, str], *, record: str, limits: Limits, seen: SeenIds
) -> Item:
    data = map_record(row, columns)
    for needed in ("id", "text"):
        if needed not in data:
            return FieldError(f"field {needed!r} is missing", record=record)
    try:
        note = note_from_record(data, record=record, source=record)
        check_text(note.text, record=record, most_chars=limits.chars)
    except InputError as error:
        return error
    if not seen.add(note.id):
        return DuplicateIdError(f"id {note.id!r} was seen before in this partition", record=record)
    return note
