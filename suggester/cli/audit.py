"""``suggester audit``: verify and export the audit trail of the review store."""

from __future__ import annotations

from typing import Annotated

import typer

from suggester.cli.console import FAILED, CleanExitGroup, complain, say
from suggester.cli.options import Json, settings_with

__all__ = ["group"]

group = typer.Typer(
    cls=CleanExitGroup,
    help="Verify and export the audit trail of the review store.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("verify")
def verify(*, json: Json = False) -> None:
    """Check every entry of the trail, every decision and the text of every note.

    Finds any edit, removal, exchange of places and cut end, and says where. Exit code 1 if there is one.
    """
    from suggester.contract import to_json_line
    from suggester.store.store import Store, store_files

    store = Store.open(store_files(settings_with()), create=False)
    try:
        report = store.verify()
    finally:
        store.close()
    if json:
        record = {
            "entries": report.entries,
            "decisions": report.decisions,
            "notes": report.notes,
            "anchors": report.anchors,
            "faults": [
                {"seq": fault.seq, "kind": fault.kind, "message": fault.message} for fault in report.faults
            ],
        }
        typer.echo(to_json_line(record).encode())
    else:
        for fault in report.faults:
            complain(f"entry {fault.seq}: {fault.kind}: {fault.message}")
        verdict = "damaged" if report.faults else "intact"
        say(
            f"{report.entries} entries, {report.decisions} decisions, {report.notes} notes, "
            f"{report.anchors} anchors: {verdict}"
        )
    if report.faults:
        raise typer.Exit(FAILED)


@group.command("export")
def export(
    *, after: Annotated[int, typer.Option("--after", min=0, help="Only entries after this number.")] = 0
) -> None:
    """Print the trail as JSON Lines: ids, numbers and hashes, no words of a note."""
    from suggester.contract import to_json_line
    from suggester.store.store import Store, store_files
    from suggester.store.trail import entries

    store = Store.open(store_files(settings_with()), create=False)
    try:
        with store.read() as connection:
            for entry in entries(connection, after=after):
                typer.echo(
                    to_json_line(
                        {
                            "seq": entry.seq,
                            "at": entry.at,
                            "actor": entry.actor,
                            "action": entry.action,
                            "subject": entry.subject,
                            "detail": entry.detail,
                            "prev": entry.prev,
                            "mac": entry.mac,
                        }
                    ).encode()
                )
    finally:
        store.close()
