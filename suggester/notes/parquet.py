"""Records out of Parquet files, a few hundred rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BufferedIOBase

from suggester.errors import (
    DocumentError,
    EmptyInputError,
    FieldError,
    InputError,
    TooLargeError,
)
from suggester.notes.columns import map_names, map_record
from suggester.notes.limits import Limits
from suggester.notes.options import FIELDS
from suggester.notes.records import Record

__all__ = ["parquet_rows"]

_ROWS = 256
_GROUP_BYTES = 16_000_000_000
"""Most bytes of one row group, unpacked, as the file says; it is read in small batches."""


def parquet_rows(
    file: BufferedIOBase, *, name: str, limits: Limits, columns: Mapping[str, str]
) -> Iterator[Record]:
    """The rows of a Parquet file. A wrong row is an error in place, a wrong schema the only one.

    Columns are named as those of CSV, or mapped by ``columns``; then others are left unread.
    """
    import pyarrow as pa
    from pyarrow import parquet

    problem: InputError | None = None
    number = 0
    try:
        table = parquet.ParquetFile(file)
        names = list(table.schema_arrow.names)
        wanted, problem = _wanted(names, columns, name=name)
        groups = table.metadata
        for group in range(groups.num_row_groups if problem is None else 0):
            # Only of the whole group: pyarrow 26 ends the process on some damaged metadata of single columns.
            size = groups.row_group(group).total_byte_size
            if size > _GROUP_BYTES:
                problem = TooLargeError(f"row group {group} unpacks to {size} bytes", record=name)
                break
            for batch in table.iter_batches(batch_size=_ROWS, row_groups=[group], columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{name}:{number}", _row(row, columns, record=f"{name}:{number}")
        if problem is None and number == 0:
            problem = EmptyInputError("holds no row", record=name)
    except (pa.ArrowException, OSError, ValueError, KeyError, UnicodeError, OverflowError) as error:
        problem = DocumentError(
            f"not a Parquet file, or damaged after row {number} ({type(error).__name__})", record=name
        )
    if problem is not None:
        yield name, problem


def _wanted(
    names: list[str], columns: Mapping[str, str], *, name: str
) -> tuple[list[str], InputError | None]:
    """Columns to read, and why the schema cannot be used."""
    missing = [column for column in columns.values() if column.partition(".")[0] not in names]
    if missing:
        return [], FieldError("a column that --column names is not in the file", record=name)
    mapped = map_names(names, {f: c.partition(".")[0] for f, c in columns.items()})
    allowed = f"allowed: {', '.join(FIELDS)}, or name columns with --column"
    if not columns and "" in mapped:
        return [], FieldError(f"column {mapped.index('') + 1} has an unknown name; {allowed}", record=name)
    for needed in ("id", "text"):
        if needed not in mapped and needed not in columns:
            return [], FieldError(f"there is no column {needed!r}; {allowed}", record=name)
    return [known for known, field in zip(names, mapped, strict=True) if field], None


def _row(
    row: Mapping[str, object], columns: Mapping[str, str], *, record: str
) -> dict[str, object] | InputError:
    data = map_record(row, columns)
    for needed in ("id", "text"):
        if needed not in data:
            return FieldError(f"field {needed!r} is missing", record=record)
    return data
