"""``suggester batch``: an archive, overnight."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from suggester.cli.console import FAILED, say
from suggester.cli.options import Model, Threshold, exists, settings_with

__all__ = ["batch"]


def batch(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help="A folder of .txt files, a .txt, .jsonl or .csv file, or - for JSON Lines on stdin.",
            callback=exists,
            show_default=False,
        ),
    ],
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="OUT", help="The JSON Lines file to write.", show_default=False
        ),
    ],
    workers: Annotated[int, typer.Option("--workers", min=1, help="Worker processes.")] = 1,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Take only the first N records.", show_default=False),
    ] = None,
    model: Model = None,
    threshold: Threshold = None,
) -> None:
    """Suggest codes for an archive, as JSON Lines.

    One line a note, in input order. Records that fail are named in OUT.errors.jsonl and make the exit code
    1. The output appears whole at the end, and is the same whatever the number of workers.
    """
    from suggester.batch import run
    from suggester.batch.progress import Progress

    settings = settings_with(model=model, threshold=threshold)
    # Ends like an interrupt, so that temporary files and worker processes go too.
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        summary = run(
            source, output, settings=settings, workers=workers, limit=limit, progress=Progress(sys.stderr)
        )
    finally:
        signal.signal(signal.SIGTERM, before)
    if summary.errors is not None:
        say(f"{summary.failed} of {summary.done} records failed: see {summary.errors.name} beside the output")
        raise typer.Exit(FAILED)


def _terminate(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)
