"""``suggester store``: the database of the review app: make, fill, back up, restore."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from suggester.cli.console import FAILED, CleanExitGroup, complain, say
from suggester.cli.options import exists, settings_with
from suggester.cli.users import operating

__all__ = ["group"]

group = typer.Typer(
    cls=CleanExitGroup,
    help="Make, fill, back up and restore the review store.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("init")
def init() -> None:
    """Make the review store and the key of its audit trail, or bring an older store up to date."""
    from suggester.store.database import shown_url
    from suggester.store.store import Store, store_files

    files = store_files(settings_with())
    Store.open(files).close()
    say(f"the review store is ready: {shown_url(files.url)}; keep a copy of {files.key_file.name} apart")


@group.command("import")
def import_notes(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help="What `suggester batch` reads: a folder, .txt, .jsonl or .csv, or - for standard input.",
            callback=exists,
            show_default=False,
        ),
    ],
) -> None:
    """Read notes and put them into the worklist. Notes whose id is there already are skipped."""
    from suggester.notes import Limits, read_notes

    settings = settings_with()
    notes = read_notes(source, limits=Limits(chars=settings.max_note_chars), gold_fields=True)
    with operating() as (service, token):
        last = None
        for last in service.import_notes(token, notes):
            if sys.stderr.isatty():
                typer.echo(f"\r{last.imported} imported, {len(last.failures)} failed", err=True, nl=False)
    if last is None:
        return
    if sys.stderr.isatty():
        typer.echo("", err=True)
    for failure in last.failures:
        complain(f"{failure.record}: {failure.message}")
    say(f"{last.imported} imported, {last.skipped} there already, {len(last.failures)} failed")
    if last.failures:
        raise typer.Exit(FAILED)


@group.command("backup")
def backup(
    output: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write; must not be there.", show_default=False)
    ],
) -> None:
    """Write the whole store to one file and verify it. The key of the audit trail is not in it."""
    from suggester.store.backup import backup as write
    from suggester.store.store import Store, store_files

    store = Store.open(store_files(settings_with()), create=False)
    try:
        done = write(store, output)
    finally:
        store.close()
    say(
        f"{done.rows['notes']} notes and {done.rows['decisions']} decisions, trail to entry {done.head}: "
        "verified"
    )


@group.command("restore")
def restore(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `backup` wrote.", exists=True, dir_okay=False)
    ],
) -> None:
    """Bring a backup back where there is no store (any more), and verify it."""
    from suggester.store.backup import restore as bring
    from suggester.store.store import store_files

    done = bring(source, store_files(settings_with()))
    say(
        f"{done.rows['notes']} notes and {done.rows['decisions']} decisions, trail to entry {done.head}: "
        f"verified; {done.lost} later entries are lost"
    )
