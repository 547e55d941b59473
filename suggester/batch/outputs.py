"""Parts to the files that a run leaves: JSON Lines (the contract), CSV or Parquet, and the errors."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from suggester.batch.files import WholeFile, errors_path, sync_folder
from suggester.batch.parts import disk_errors
from suggester.batch.work import body_lines
from suggester.errors import ConfigError

__all__ = ["FORMATS", "Format", "Targets", "publish", "targets_of"]

Format = Literal["jsonl", "csv", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)

_CSV_COLUMNS = (
    "note",
    "rank",
    "system",
    "code",
    "title",
    "units",
    "modifiers",
    "confidence",
    "auto_accepted",
    "words",
    "sections",
    "reasons",
    "flags",
    "model",
    "version",
)
_ROWS = 500
"""Notes of a row group of Parquet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The files of a run: the output, its errors, and, where a folder was given, what else goes there."""

    output: Path
    errors: Path
    format: Format
    folder: Path | None = None

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file that a run may write."""
        if self.folder is None:
            return (self.output, self.errors)
        return (self.output, self.errors, *(self.folder / name for name in FOLDER_FILES))


FOLDER_FILES = ("summary.json", "summary.html", "manifest.json")


def targets_of(output: str | Path, *, source: str | Path, output_format: Format | None) -> Targets:
    """Where and how to write.

    Parameters
    ----------
    output
        A file in a folder that exists, or a folder that exists.
    source
        The input, which must not be overwritten.
    output_format
        None goes by the ending: ``.csv``, ``.parquet``, else JSON Lines.

    Raises
    ------
    ConfigError
        If the output cannot be written there.
    """
    path = Path(output).resolve()  # a link stays a link: the file it names is what gets replaced
    by_ending: Format = next((known for known in FORMATS if path.suffix.lower() == f".{known}"), "jsonl")
    chosen = output_format or by_ending
    if path.is_dir():
        targets = Targets(
            output=path / f"suggestions.{chosen}", errors=path / "errors.jsonl", format=chosen, folder=path
        )
    else:
        targets = Targets(output=path, errors=errors_path(path), format=chosen)
    if not targets.output.parent.is_dir():
        raise ConfigError(f"the folder of the output {path.name} does not exist")
    for taken in targets.all:
        if taken.exists() and not taken.is_file():
            raise ConfigError(f"the output {taken.name} is there and is not a regular file")
        if str(source) != "-" and taken.exists() and Path(source).exists() and taken.samefile(source):
            raise ConfigError(f"the output {taken.name} is the input")
    return targets


class _Writer(Protocol):
    def write(self, line: bytes) -> None: ...

    def finish(self) -> None: ...


def publish(bodies: Iterable[bytes], *, targets: Targets, failed: int) -> None:
    """Write output and errors of the parts, whole.

    Raises
    ------
    DiskFullError
        If there is no space; what was there before stays.
    """
    with disk_errors("the output"), ExitStack() as stack:
        output = stack.enter_context(WholeFile(targets.output))
        errors = stack.enter_context(WholeFile(targets.errors))
        writer: _Writer = _WRITERS[targets.format](output)
        for body in bodies:
            for is_note, line in body_lines(body):
                if is_note:
                    writer.write(line)
                else:
                    errors.raw.write(line + b"\n")
        writer.finish()
        # The errors first: once the output is there, what is beside it belongs to it.
        if failed:
            errors.publish()
        else:
            errors.path.unlink(missing_ok=True)
        output.publish()
        sync_folder(targets.output.parent)


class _Lines:
    def __init__(self, file: WholeFile) -> None:
        self._file = file

    def write(self, line: bytes) -> None:
        self._file.raw.write(line + b"\n")

    def finish(self) -> None:
        pass


class _Csv:
    """A row for each suggestion; a note without any has one row with its id alone."""

    def __init__(self, file: WholeFile) -> None:
        from suggester.review.cells import safe_cell

        self._safe = safe_cell
        self._file = file
        self._put([_CSV_COLUMNS])

    def write(self, line: bytes) -> None:
        self._put(_csv_rows(json.loads(line)))

    def finish(self) -> None:
        pass

    def _put(self, rows: Iterable[Sequence[object]]) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        for row in rows:
            writer.writerow([self._safe(value) for value in row])
        self._file.raw.write(text.getvalue().encode())


def _csv_rows(record: dict[str, Any]) -> Iterator[Sequence[object]]:
    run = record["run"]
    made = (run["model"], run["version"])
    if not record["suggestions"]:
        yield (record["id"], *[""] * (len(_CSV_COLUMNS) - 3), *made)
    for item in record["suggestions"]:
        accepted = item.get("auto_accepted")
        yield (
            record["id"],
            item["rank"],
            item["system"],
            item["code"],
            item["display"],
            item["units"],
            " ".join(modifier["modifier"] for modifier in item["modifiers"]),
            item["confidence"],
            "" if accepted is None else "yes" if accepted else "no",
            " | ".join(evidence["text"] for evidence in item["evidence"]),
            " | ".join(dict.fromkeys(evidence["section"] for evidence in item["evidence"])),
            " | ".join(item["reasons"]),
            " | ".join(f"{flag['severity']} {flag['rule']}" for flag in item["flags"]),
            *made,
        )


class _Parquet:
    """A row for each note: its suggestions nested, and the whole line of the contract in ``record``."""

    def __init__(self, file: WholeFile) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        texts = pa.list_(pa.string())
        evidence = {"start": pa.int64(), "end": pa.int64(), "text": pa.string(), "section": pa.string()}
        modifier = {"modifier": pa.string(), "reason": pa.string(), "evidence": pa.list_(pa.struct(evidence))}
        flag = {"rule": pa.string(), "severity": pa.string(), "message": pa.string(), "codes": texts}
        suggestion = {
            "rank": pa.int32(),
            "system": pa.string(),
            "code": pa.string(),
            "display": pa.string(),
            "units": pa.int32(),
            "modifiers": pa.list_(pa.struct(modifier)),
            "confidence": pa.float64(),
            "evidence": pa.list_(pa.struct(evidence)),
            "reasons": texts,
            "flags": pa.list_(pa.struct(flag)),
            "auto_accepted": pa.bool_(),
        }
        self._schema = pa.schema(
            {
                "id": pa.string(),
                "version": pa.string(),
                "model": pa.string(),
                "suggestions": pa.list_(pa.struct(suggestion)),
                "record": pa.string(),
            }
        )
        self._table = pa.Table
        self._writer = parquet.ParquetWriter(file.raw, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def write(self, line: bytes) -> None:
        record = json.loads(line)
        self._rows.append(
            {
                "id": record["id"],
                "version": record["run"]["version"],
                "model": record["run"]["model"],
                "suggestions": record["suggestions"],
                "record": line.decode(),
            }
        )
        if len(self._rows) >= _ROWS:
            self._flush()

    def finish(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._table.from_pylist(self._rows, schema=self._schema))
            self._rows = []


_WRITERS: dict[Format, type[_Lines | _Csv | _Parquet]] = {"jsonl": _Lines, "csv": _Csv, "parquet": _Parquet}
