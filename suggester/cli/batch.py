"""``suggester batch``: an archive, overnight."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from suggester.cli.console import FAILED, say
from suggester.cli.options import Model, Threshold, exists, settings_with
from suggester.errors import RunStoppedError

if TYPE_CHECKING:
    from suggester.batch import Stop, Summary
    from suggester.batch.dry import DryRun
    from suggester.batch.running import ExecutorFactory
    from suggester.config import Settings
    from suggester.notes import ReadOptions

__all__ = ["batch"]

_DRAIN = 4.0
"""Seconds after a stop until the run is ended wherever it is; all that was written stays whole."""


def batch(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help=(
                "A folder, a .txt, .jsonl(.gz), .csv, .parquet, .zip, .hl7, .xml (C-CDA), .json (FHIR), .rtf "
                "or .pdf file, or - for JSON Lines on stdin."
            ),
            callback=exists,
            show_default=False,
        ),
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The file to write, or a folder for suggestions, errors, summary and manifest.",
            show_default=False,
        ),
    ] = None,
    output_format: Annotated[
        Literal["jsonl", "csv", "parquet"] | None,
        typer.Option("--format", help="How to write, whatever OUT ends in.", show_default=False),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Worker processes.")] = 1,
    engine: Annotated[
        Literal["pool", "ray"],
        typer.Option("--engine", help="Who does the work: processes of this machine, or Ray."),
    ] = "pool",
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Take only the first N records.", show_default=False),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            "--shard", metavar="I/N", help="Take part I of N, by the ids of the notes.", show_default=False
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            formats=["%Y-%m-%d"],
            help="Leave out notes of earlier service dates.",
            show_default=False,
        ),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            "--pattern",
            help="Which files of a folder or an archive to read, '*.hl7' say.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        Literal["txt", "jsonl", "csv", "parquet", "zip", "hl7", "ccda", "fhir", "rtf", "pdf"] | None,
        typer.Option("--kind", help="What the input is, whatever its name ends in.", show_default=False),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="FIELD=NAME",
            help="Column or JSON field that holds a field of the note; can be repeated.",
            show_default=False,
        ),
    ] = None,
    auto_accept: Annotated[
        float | None,
        typer.Option(
            "--auto-accept",
            metavar="P",
            min=0.0,
            max=1.0,
            help="Mark suggestions of at least this confidence as accepted; nothing is left out.",
            show_default=False,
        ),
    ] = None,
    note_seconds: Annotated[
        float, typer.Option("--note-seconds", min=0.1, help="Most seconds for one note.")
    ] = 120.0,
    note_memory: Annotated[
        int, typer.Option("--note-memory", min=256, help="Most MB of memory of a worker.")
    ] = 4096,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished run for OUT.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read the input, say what is in it, write nothing.")
    ] = False,
    review: Annotated[
        bool, typer.Option("--review", help="Put notes and suggestions into the review store, too.")
    ] = False,
    model: Model = None,
    threshold: Threshold = None,
) -> None:
    """Suggest codes for an archive, as JSON Lines, CSV or Parquet.

    One line a note, in input order. Records that fail are named in OUT.errors.jsonl and make the exit code
    1. The output appears whole at the end, and is the same whatever the number of workers. A run that was
    stopped goes on with --resume.
    """
    from suggester.batch import Guard, Job, Share, Stop, run
    from suggester.batch.progress import Progress
    from suggester.batch.running import pool_executor
    from suggester.notes import ReadOptions

    settings = settings_with(model=model, threshold=threshold)
    share = Share.parse(shard) if shard is not None else None
    day = since.date() if since is not None else None
    reading = ReadOptions(pattern=pattern, kind=kind, columns=ReadOptions.columns_of(tuple(column or ())))
    if dry_run:
        from suggester.batch.dry import dry_run as rehearse

        _tell_dry(rehearse(source, settings=settings, reading=reading, share=share, since=day, limit=limit))
        return
    if output is None:
        raise typer.BadParameter("is required, except with --dry-run", param_hint="--output / -o")
    if review and str(source) == "-":
        raise typer.BadParameter("standard input cannot be read a second time", param_hint="--review")
    executor: ExecutorFactory = pool_executor
    if engine == "ray":
        from suggester.batch.ray_engine import ray_executor

        executor = ray_executor
    stop = Stop()
    with _stoppable(stop):
        summary = run(
            source,
            output,
            settings=settings,
            workers=workers,
            limit=limit,
            progress=Progress(sys.stderr),
            job=Job(guard=Guard(seconds=note_seconds, memory_mb=note_memory), auto_accept=auto_accept),
            reading=reading,
            output_format=output_format,
            share=share,
            since=day,
            resume=resume,
            stop=stop,
            executor=executor,
        )
    if output.is_dir():
        _summarize(summary, output)
    _tell(summary, auto_accept=auto_accept)
    if review:
        _to_review(summary, source=source, settings=settings, reading=reading)
    if summary.errors is not None:
        say(f"{summary.failed} of {summary.done} records failed: see {summary.errors.name} beside the output")
        raise typer.Exit(FAILED)


@contextmanager
def _stoppable(stop: Stop) -> Iterator[None]:
    """Let SIGTERM finish what is in hand; a second one, or the time, ends the run where it is."""

    def force() -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    late = threading.Timer(_DRAIN, force)
    late.daemon = True

    def ask(number: int, _frame: object) -> None:
        if stop:
            raise SystemExit(128 + number)
        stop.set()
        late.start()

    before = signal.signal(signal.SIGTERM, ask)
    try:
        yield
    except RunStoppedError as error:
        say(str(error))
        raise typer.Exit(128 + signal.SIGTERM) from None
    finally:
        late.cancel()
        signal.signal(signal.SIGTERM, before)


def _tell(summary: Summary, *, auto_accept: float | None) -> None:
    if summary.left_out or summary.undated:
        say(
            f"{summary.left_out} notes of earlier dates left out; "
            f"{summary.undated} without a service date taken"
        )
    if auto_accept is not None:
        tally = summary.tally
        say(
            f"{tally.auto_accepted} of {tally.suggestions} suggestions on {tally.auto_notes} notes are "
            f"marked auto_accepted (confidence {auto_accept:g} or more, no error flag). By their confidences "
            f"about {tally.auto_wrong:.1f} of them are wrong"
        )


def _summarize(summary: Summary, folder: Path) -> None:
    from suggester.batch.summary import write_summary
    from suggester.evaluation.taxonomy import chapter

    write_summary(summary, folder=folder.resolve(), chapter=chapter)


def _tell_dry(found: DryRun) -> None:
    say(f"{found.notes} notes ({found.characters} characters) would be read, {found.failed} records fail:")
    for code, count in sorted(found.failures.items()):
        say(f"  {count} {code}")
    for kind, count in sorted(found.settings.items()):
        say(f"  {count} notes: setting {kind}")
    say(f"  service dates: {found.first or 'none'} to {found.last or 'none'}, {found.undated} notes without")
    if found.left_out:
        say(f"  {found.left_out} notes of earlier dates left out")
    for failure in found.examples:
        say(f"  {failure.record}: {failure.message}")
    say("nothing was written (dry run)")
    if found.failed:
        raise typer.Exit(FAILED)


def _to_review(summary: Summary, *, source: Path, settings: Settings, reading: ReadOptions) -> None:
    from suggester.batch.reviewing import pairs_of
    from suggester.cli.users import operating

    with operating() as (service, token):
        pairs = pairs_of(summary.output, source=source, settings=settings, reading=reading)
        *_, last = service.import_results(token, pairs)
    say(f"review store: {last.imported} imported, {last.skipped} there already, {len(last.failures)} failed")
    if last.failures:
        raise typer.Exit(FAILED)
