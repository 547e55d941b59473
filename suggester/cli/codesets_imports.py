"""``suggester codesets`` continued: import, take back, licence, update and compare releases."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from suggester.cli.console import FAILED, USAGE, complain, console, say
from suggester.cli.options import Json, settings_with
from suggester.types import System

if TYPE_CHECKING:
    from suggester.codesets.diff import Difference, TouchedNote
    from suggester.codesets.journal import Import

__all__ = ["add_to"]

KindName = Literal["icd10cm", "hcpcs", "cpt", "ncci", "mue", "global", "synonyms", "chargemaster"]
"""As ``suggester.codesets.journal.Kind``, which is not imported before it is needed."""

_SHOWN = 10
_DAY = ["%Y-%m-%d"]


def import_(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE...", help="Files, folders or zip archives, all of one kind.", show_default=False
        ),
    ],
    *,
    kind: Annotated[
        KindName | None,
        typer.Option("--kind", help="What it is. Recognised if not given, but for CPT.", show_default=False),
    ] = None,
    release_id: Annotated[
        str | None,
        typer.Option("--id", help="Name of the release or list, such as 2026-10-01.", show_default=False),
    ] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, help="First day in force.", show_default=False)
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=_DAY, help="Last day in force.", show_default=False)
    ] = None,
    setting: Annotated[
        str | None,
        typer.Option(
            "--setting",
            help="Of NCCI and MUE files: practitioner, hospital or dme.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Import a release or list that you have, beside those installed.

    Everything is checked first; a refused import changes nothing. The number it prints takes it back.
    """
    from suggester.codesets import import_files

    item = import_files(
        sources,
        kind=kind,
        name=release_id,
        valid_from=first.date() if first else None,
        valid_to=last.date() if last else None,
        setting=setting,
        settings=settings_with(),
        progress=say,
    )
    if as_json:
        typer.echo(json.dumps(asdict(item), indent=1))
    else:
        _report(item)


def _report(item: Import) -> None:
    """Tell what an import brought and changed."""
    screen, changes = console(), item.changes
    screen.print(f"import {item.id}: {item.slot}")
    against = f" against {changes.against}" if changes.against else ""
    screen.print(f"  {changes.rows:,} rows read, {changes.kept:,} kept")
    screen.print(
        f"  {changes.added:,} added, {changes.deleted:,} deleted, {changes.revised:,} revised{against}"
    )
    for name, examples in changes.examples.items():
        if changes.against:
            more = " …" if len(examples) > _SHOWN else ""
            screen.print(f"    {name}: {'; '.join(examples[:_SHOWN])}{more}")
    for remark in changes.remarks:
        screen.print(f"  {remark}")
    for line in changes.left_out[:_SHOWN]:
        screen.print(f"    left out: {line}")
    screen.print(f"  to take it back: suggester codesets revert {item.id}")


def imports(*, as_json: Json = False) -> None:
    """List the imports: what is in use, what another took the place of, what was taken back."""
    from rich import box
    from rich.table import Table

    from suggester.codesets import imports as read

    found = read(settings_with())
    if as_json:
        rows = [{**asdict(item), "in_use": used} for item, used in found]
        typer.echo(json.dumps(rows, indent=1))
        return
    if not found:
        complain("nothing was imported yet; see: suggester codesets import --help")
        raise typer.Exit(FAILED)
    table = Table("id", "what", "at", "from", box=box.SIMPLE)
    table.add_column("kept", justify="right")
    table.add_column("state")
    for item, used in found:
        state = "in use" if used else f"taken back {item.reverted}" if item.reverted else "replaced"
        table.add_row(
            str(item.id), item.slot, item.at, ", ".join(item.sources), f"{item.changes.kept:,}", state
        )
    console().print(table)


def revert(
    number: Annotated[int, typer.Argument(metavar="ID", help="Number of the import.", show_default=False)],
) -> None:
    """Take an import back; what it took the place of is in use again."""
    from suggester.codesets import revert_import

    item = revert_import(number, settings=settings_with())
    say(f"import {item.id} ({item.slot}) was taken back")


def license_(
    subject: Annotated[Literal["cpt"], typer.Argument(metavar="SUBJECT", help="Whose licence: cpt.")],
    *,
    accept: Annotated[bool, typer.Option("--accept", help="State that you hold a licence.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="State that it does not hold any more.")] = False,
    name: Annotated[
        str, typer.Option("--name", help="Who states it: person and organisation.", show_default=False)
    ] = "",
    purpose: Annotated[
        str, typer.Option("--purpose", help="What the descriptors are used for.", show_default=False)
    ] = "",
    as_json: Json = False,
) -> None:
    """Show or state the licence for CPT descriptors.

    Without it CPT shows numbers and our own words. With --accept it is recorded who states to hold a licence
    of the American Medical Association, when and for what, and descriptors are read, used and shown.
    """
    from suggester.codesets import build_all
    from suggester.codesets import licence as gate

    if accept and revoke:
        complain("--accept and --revoke exclude each other")
        raise typer.Exit(USAGE)
    settings = settings_with()
    folder = settings.store_dir
    if accept:
        gate.accept(folder, name=name, purpose=purpose, subject=subject)
    elif revoke:
        gate.revoke(folder, subject=subject)
    if accept or revoke:
        say("building the code sets as the licence has it")
        build_all(settings)
    held = gate.in_force(folder, subject)
    if as_json:
        history = [asdict(item) for item in gate.statements(folder, subject)]
        typer.echo(
            json.dumps({"subject": subject, "accepted": held is not None, "history": history}, indent=1)
        )
    elif held is None:
        console().print(
            "CPT: no licence is stated; numbers and our own words are shown, no descriptor is read"
        )
    else:
        console().print(f"CPT: licence stated by {held.name} at {held.at} for: {held.purpose}")


def update(
    *,
    sources: Annotated[
        Path | None,
        typer.Option("--sources", help="Settings file with addresses (TOML).", show_default=False),
    ] = None,
    on: Annotated[
        datetime | None,
        typer.Option(
            "--on", formats=_DAY, help="Day to be in force; today if not given.", show_default=False
        ),
    ] = None,
    kind: Annotated[
        KindName | None,
        typer.Option("--kind", help="Only this kind.", show_default=False),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only show what would be fetched.")] = False,
) -> None:
    """Fetch and import the releases in force.

    Nothing is fetched without a settings file that names the addresses.
    """
    from suggester.codesets.update import SOURCES_FILE, read_sources
    from suggester.codesets.update import update as run

    settings = settings_with()
    found = read_sources(sources or settings.store_dir / SOURCES_FILE)
    told: dict[str, int] = {}

    def progress(name: str, have: int, total: int | None) -> None:
        tenth = have * 10 // total if total else have // 10_000_000
        if told.get(name) != tenth:
            told[name] = tenth
            of = f" of {total / 1e6:.1f}" if total else ""
            say(f"{name}: {have / 1e6:.1f}{of} MB")

    outcomes = run(
        found,
        on=on.date() if on else date.today(),
        settings=settings,
        kinds=(kind,) if kind else (),
        look_only=check,
        progress=progress,
        step=say,
    )
    for outcome in outcomes:
        if outcome.what == "imported" and outcome.item is not None:
            _report(outcome.item)
        elif outcome.what == "up to date" and outcome.item is not None:
            console().print(f"{outcome.kind}: up to date ({outcome.item.slot}, import {outcome.item.id})")
        else:
            begins = f", from {outcome.source.valid_from}" if outcome.source.valid_from else ""
            console().print(f"{outcome.kind}: {', '.join(outcome.source.urls)}{begins}")
    if not outcomes:
        complain("no source in the settings file covers that day")
        raise typer.Exit(FAILED)


def diff(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="Id of a release.", show_default=False)],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="Id of a later release.", show_default=False)],
    *,
    system: Annotated[
        System | None, typer.Option("--system", help="Compare one system only.", show_default=False)
    ] = None,
    archive: Annotated[
        Path | None,
        typer.Option(
            "--archive",
            help="Output of a run (.jsonl): list its notes that the changes touch.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare two releases: codes added, deleted and revised.

    With an archive also the notes whose suggested codes were deleted or revised.
    """
    from suggester.codesets import open_catalog
    from suggester.codesets.diff import compare_stores, find_pair, touched_notes

    pairs = find_pair(open_catalog(settings_with()).stores, before, after, system)
    found = {pair[0].release.system: compare_stores(*pair) for pair in pairs}
    notes = list(touched_notes(archive, found)) if archive else None
    if as_json:
        record: dict[str, object] = {"systems": [_record(item) for item in found.values()]}
        if notes is not None:
            record["notes"] = [{"id": note.note_id, "codes": dict(note.codes)} for note in notes]
        typer.echo(json.dumps(record, indent=1))
        return
    for item in found.values():
        _print_difference(item)
    if notes is not None:
        _print_notes(notes)


def _record(item: Difference) -> dict[str, object]:
    return {
        "system": item.system,
        "before": item.before.id,
        "after": item.after.id,
        "added": [{"code": code, "display": text} for code, text in item.added],
        "deleted": [{"code": code, "display": text} for code, text in item.deleted],
        "revised": [asdict(one) for one in item.revised],
    }


def _print_difference(item: Difference) -> None:
    screen = console()
    screen.print(f"{item.system} {item.before.id} to {item.after.id}")
    screen.print(f"{len(item.added):,} added, {len(item.deleted):,} deleted, {len(item.revised):,} revised")
    for name, codes in (("added", item.added), ("deleted", item.deleted)):
        if codes:
            screen.print(f"\n{name}")
            for code, text in codes:
                screen.print(f"  {code}  {text}")
    if item.revised:
        screen.print("\nrevised")
        for one in item.revised:
            screen.print(f"  {one.code}  {one.before}\n  {' ' * len(one.code)}  {one.after}")


def _print_notes(notes: list[TouchedNote]) -> None:
    screen = console()
    screen.print(f"\n{len(notes):,} notes touched")
    for note in notes:
        screen.print(f"  {note.note_id}: {', '.join(f'{code} {what}' for code, what in note.codes)}")


def add_to(group: typer.Typer) -> None:
    """Register the commands."""
    group.command("import")(import_)
    group.command("imports")(imports)
    group.command("revert")(revert)
    group.command("license")(license_)
    group.command("update")(update)
    group.command("diff")(diff)
