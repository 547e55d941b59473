"""``suggester diff``: what a new version, model or code set changes on the same notes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from suggester.cli.console import say
from suggester.cli.options import Json, exists

__all__ = ["diff"]


def diff(
    old: Annotated[
        Path,
        typer.Argument(metavar="OLD", help="Output of a run: a .jsonl file or a folder.", callback=exists),
    ],
    new: Annotated[
        Path, typer.Argument(metavar="NEW", help="Output of a later run on the same notes.", callback=exists)
    ],
    *,
    least: Annotated[
        float,
        typer.Option("--least", min=0.0, max=1.0, help="Leave out smaller changes of a confidence."),
    ] = 0.0,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Most notes to show as text.")] = 20,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page to sign off, too.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare two runs over the same notes, and say why they differ.

    Give folders that `suggester batch` wrote: their manifests tell model, code sets, settings and rules
    apart. Exit code 0 whether or not anything changed.
    """
    from suggester.batch.diff import diff_runs
    from suggester.batch.diff_report import diff_page, diff_record, diff_text
    from suggester.batch.files import WholeFile, sync_folder

    found = diff_runs(old, new, least=least)
    if html is not None:
        with WholeFile(html.resolve()) as file:
            file.write_line(diff_page(found))
            file.publish()
        sync_folder(html.resolve().parent)
        say(f"written: {html.name}")
    if as_json:
        typer.echo(json.dumps(diff_record(found), indent=1, ensure_ascii=False))
    else:
        for line in diff_text(found, most=limit):
            typer.echo(line)
