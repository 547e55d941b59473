"""Notes of an input joined to the suggestions that a run made of them, for the review store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from suggester.batch.running import notes_of
from suggester.config import Settings
from suggester.contract import suggestions_from_record
from suggester.errors import BatchError, InputError
from suggester.notes import ReadOptions
from suggester.types import Note, Suggestions

__all__ = ["pairs_of"]


def pairs_of(
    output: Path, *, source: str | Path, settings: Settings, reading: ReadOptions | None = None
) -> Iterator[tuple[Note, Suggestions] | InputError]:
    """Pairs of note and suggestions, in the order of the output, in bounded memory.

    Both files are in one order, so they are read side by side; notes that the run did not take, or that
    failed in it, have no line in the output and are passed over.

    Parameters
    ----------
    output
        What the run wrote, as JSON Lines or Parquet.
    source, settings, reading
        What the run read, and how.

    Raises
    ------
    BatchError
        If the output is a CSV file, which is not the whole contract, or does not belong to the input.
    """
    notes = notes_of(source, settings=settings, reading=reading)
    for number, record in enumerate(_records(output), 1):
        result = suggestions_from_record(record, record=f"{output.name}:{number}")
        for note in notes:
            if not isinstance(note, InputError) and note.id == result.note_id:
                yield note, result
                break
        else:
            raise BatchError(f"{output.name}, record {number}: its note is not in the input, in this order")


def _records(output: Path) -> Iterator[dict[str, Any]]:
    if output.suffix == ".csv":
        raise BatchError("a CSV output does not hold all that the review store needs: write JSON Lines")
    if output.suffix != ".parquet":
        with output.open("rb") as lines:
            yield from map(json.loads, lines)
        return
    from pyarrow import parquet

    for batch in parquet.ParquetFile(output).iter_batches(batch_size=100, columns=["record"]):
        yield from map(json.loads, batch["record"].to_pylist())
