"""``suggester suggest``: one note or a few, to read on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from suggester.cli.console import FAILED, complain, console
from suggester.cli.options import Json, Model, ServiceDate, Threshold, all_exist, settings_with
from suggester.types import Setting

if TYPE_CHECKING:
    from suggester.config import Settings
    from suggester.errors import InputError
    from suggester.types import Note

__all__ = ["suggest"]


def suggest(
    notes: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="NOTE",
            help="Text files, folders of them, .jsonl or .csv files, or - for one text on standard input.",
            callback=all_exist,
            show_default=False,
        ),
    ] = None,
    *,
    line: Annotated[
        list[str] | None,
        typer.Option(
            "--line",
            metavar="TEXT",
            help="A charge line or an order, as CT HEAD W/O; may be given several times.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    service_date: ServiceDate = None,
    setting: Annotated[
        Setting | None,
        typer.Option(
            "--setting", help="Setting of care, for notes that do not state one.", show_default=False
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Show how each note was read instead: sections, mentions, flags with cues, attributes.",
        ),
    ] = False,
    model: Model = None,
    threshold: Threshold = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, max=500, help="Most suggestions a note.", show_default=False),
    ] = None,
) -> None:
    """Suggest codes for notes, with their evidence.

    --service-date and --setting hold for notes that do not state their own.
    """
    from dataclasses import replace
    from itertools import chain

    from suggester.batch import Failure, load_engine
    from suggester.batch.outcomes import failure_of
    from suggester.cli.table import show_result
    from suggester.contract import to_json_line
    from suggester.errors import InputError

    if explain and json:
        raise typer.BadParameter("--explain is for people; leave out --json")
    if not notes and not line:
        raise typer.BadParameter("give notes, or --line with a charge line")
    settings = settings_with(model=model, threshold=threshold, limit=limit)
    if explain:  # reading needs no model
        from suggester.cli.explain import Explainer

        show = Explainer(settings).show
    else:
        engine = load_engine(settings)
    screen = console()
    failures = 0
    for note in chain(_lines(line or []), _notes(notes or [], settings=settings)):
        problem: Failure | None = None
        if isinstance(note, InputError):
            problem = failure_of(note, record=note.record)
        else:
            day = service_date.date() if service_date else None
            asked = replace(note, service_date=note.service_date or day, setting=note.setting or setting)
            try:
                if explain:
                    show(screen, asked)
                elif json:
                    typer.echo(to_json_line(engine.suggest(asked)).encode())
                else:
                    show_result(screen, asked, engine.suggest(asked))
            except BrokenPipeError:
                raise
            except Exception as error:  # whatever it is, the other notes go on
                problem = failure_of(error, record=note.id)
        if problem is not None:
            failures += 1
            complain(f"{problem.record}: {problem.message}")
    if failures:
        raise typer.Exit(FAILED)


def _lines(texts: list[str]) -> Iterator[Note]:
    from suggester.ranking.services.coder import LINE_KIND
    from suggester.types import Note

    for number, text in enumerate(texts, 1):
        yield Note(id=f"line-{number}", text=text, kind=LINE_KIND)


def _notes(sources: list[Path], *, settings: Settings) -> Iterator[Note | InputError]:
    from suggester.errors import InputError
    from suggester.notes import Limits, read_notes, read_text

    limits = Limits(chars=settings.max_note_chars)
    for source in sources:
        if str(source) == "-":
            yield read_text(cast(BufferedIOBase, sys.stdin.buffer), name="stdin", limits=limits)
        else:
            try:
                yield from read_notes(source, limits=limits, gold_fields=True)
            except InputError as error:  # not a kind of file that is read; the others may be
                yield error
