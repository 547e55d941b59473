"""The batch run: read, suggest, write, each file whole or not there."""

from __future__ import annotations

import itertools
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from suggester.batch.engine import EngineFactory, load_engine
from suggester.batch.files import WholeFile, errors_path, sweep, sync_folder
from suggester.batch.outcomes import Failure
from suggester.batch.pool import outcomes
from suggester.batch.progress import Progress
from suggester.config import Settings
from suggester.errors import ConfigError
from suggester.notes import Limits, read_notes

__all__ = ["Summary", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a batch did. ``done`` counts every record, ``failed`` those in the errors file."""

    done: int
    failed: int
    seconds: float
    output: Path
    errors: Path | None


def run(
    source: str | Path,
    output: str | Path,
    *,
    settings: Settings,
    workers: int = 1,
    limit: int | None = None,
    factory: EngineFactory = load_engine,
    progress: Progress | None = None,
) -> Summary:
    """Make the suggestions of every note of ``source`` and write them to ``output`` as JSON Lines.

    The lines are in input order and the same bytes for any number of workers. Records that fail go to
    ``<output>.errors.jsonl``, which is not there when none did. Both files appear whole at the end; a run
    that is interrupted leaves what was there before.

    Parameters
    ----------
    source
        What ``suggester.notes.read_notes`` reads. Fields of gold notes are allowed and not read.
    output
        The file to write, in a folder that exists.
    settings
        Settings of the engine.
    workers
        Worker processes; one means this process.
    limit
        Take only the first so many records, failed ones included.
    factory
        Makes the engine; a function of a module where ``workers`` is over 1.
    progress
        Counts the notes.

    Returns
    -------
    Summary
        How many records there were and how many failed.

    Raises
    ------
    ConfigError
        If ``workers``, ``limit`` or ``output`` cannot be used.
    InputError
        If ``source`` is not there or not of a kind that is read.
    SuggesterError
        If the engine cannot be loaded, or worker processes keep dying.
    """
    _check_count("workers", workers)
    if limit is not None:
        _check_count("limit", limit)
    path = _checked_output(output, source=source)
    notes = read_notes(source, limits=Limits(chars=settings.max_note_chars), gold_fields=True)
    sweep(path)
    sweep(errors_path(path))
    progress = progress or Progress(None)
    with WholeFile(path) as lines, WholeFile(errors_path(path)) as errors:
        taken = itertools.islice(notes, limit)
        with closing(outcomes(taken, settings=settings, factory=factory, workers=workers)) as results:
            for result in results:
                if isinstance(result, Failure):
                    errors.write_line(result.to_json_line())
                else:
                    lines.write_line(result)
                progress.advance(failed=isinstance(result, Failure))
        # The errors first: once the output is there, what is beside it belongs to it.
        if progress.failed:
            errors.publish()
        else:
            errors.path.unlink(missing_ok=True)
        lines.publish()
    sync_folder(path.parent)
    progress.finish()
    return Summary(
        done=progress.done,
        failed=progress.failed,
        seconds=progress.seconds,
        output=path,
        errors=errors.path if progress.failed else None,
    )


def _check_count(name: str, value: int) -> None:
    if value < 1:
        raise ConfigError(f"{name} must be 1 or more, not {value}")


def _checked_output(output: str | Path, *, source: str | Path) -> Path:
    path = Path(output).resolve()  # a link stays a link: the file it names is what gets replaced
    if not path.parent.is_dir():
        raise ConfigError(f"the folder of the output {path.name} does not exist")
    for taken in (path, errors_path(path)):
        if taken.exists() and not taken.is_file():
            raise ConfigError(f"the output {taken.name} is there and is not a regular file")
        if str(source) != "-" and taken.exists() and Path(source).exists() and taken.samefile(source):
            raise ConfigError(f"the output {taken.name} is the input")
    return path
