"""``suggester codesets``: build, list and look into the code sets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from suggester.cli import codesets_imports
from suggester.cli.console import FAILED, CleanExitGroup, complain, console, say
from suggester.cli.options import ServiceDate, settings_with
from suggester.types import SYSTEMS, System

if TYPE_CHECKING:
    from datetime import date

    from rich.console import Console

    from suggester.codesets import Catalog
    from suggester.types import Code

__all__ = ["group"]

group = typer.Typer(
    cls=CleanExitGroup,
    help="Build, import, update, compare, search and show code sets.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

OneSystem = Annotated[
    System | None, typer.Option("--system", help="Look in one system only.", show_default=False)
]


@group.command()
def build(
    *,
    force: Annotated[bool, typer.Option("--force", help="Build again what is there and up to date.")] = False,
) -> None:
    """Compile the code sets of this installation.

    Quick and safe to repeat: what is up to date stays.
    """
    from suggester.codesets import build_all

    began = time.monotonic()

    def progress(what: str, done: int, total: int) -> None:
        say(f"[{done}/{total}] {what} ({time.monotonic() - began:.1f} s)")

    releases = build_all(settings_with(), progress=progress, force=force)
    say(f"{len(releases)} releases ready in {time.monotonic() - began:.1f} s")


@group.command("list")
def list_() -> None:
    """List the installed releases."""
    from rich import box
    from rich.table import Table

    from suggester.codesets import installed

    releases = installed(settings_with())
    if not releases:
        complain("no code set is built yet; run: suggester codesets build")
        raise typer.Exit(FAILED)
    table = Table("system", "release", "from", "to", box=box.SIMPLE)
    table.add_column("codes", justify="right")
    for release in releases:
        until = release.valid_to.isoformat() if release.valid_to else ""
        table.add_row(release.system, release.id, release.valid_from.isoformat(), until, f"{release.codes:,}")
    console().print(table)


@group.command()
def search(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="WORDS", help="Words, a phrase, or the beginning of a code.", show_default=False
        ),
    ],
    *,
    system: OneSystem = None,
    service_date: ServiceDate = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most codes to show.")] = 20,
) -> None:
    """Find codes by words or beginning of a code.

    Words may be those of the title or a lay phrase; small misspellings are forgiven.
    """
    from rich import box
    from rich.table import Table

    from suggester.codesets import open_catalog

    on = service_date.date() if service_date else None
    hits = open_catalog(settings_with()).search(" ".join(words), system=system, on=on, limit=limit)
    if not hits:
        complain("no code found")
        raise typer.Exit(FAILED)
    table = Table("system", "code", "", "title", "matched", box=box.SIMPLE)
    for hit in hits:
        billable = "" if hit.code.billable else "category"
        matched = "" if hit.matched == hit.code.display else hit.matched
        table.add_row(hit.code.system, hit.code.code, billable, hit.code.display, matched)
    console().print(table)


@group.command()
def show(
    code: Annotated[str, typer.Argument(metavar="CODE", help="A code such as E11.9.", show_default=False)],
    *,
    system: OneSystem = None,
    service_date: ServiceDate = None,
    icd9: Annotated[
        bool, typer.Option("--icd9", help="CODE is of ICD-9-CM: show what it maps to in ICD-10-CM.")
    ] = False,
) -> None:
    """Show a code, its notes and its place.

    The place is the codes above it and its subdivisions.
    """
    from suggester.codesets import open_catalog

    on = service_date.date() if service_date else None
    catalog = open_catalog(settings_with())
    if icd9:
        _show_icd9(catalog, code, on)
        return
    found = _lookup(catalog, code.strip().upper(), system, on)
    screen = console()
    state = "billable" if found.billable else "category, not billable"
    until = f" to {found.valid_to}" if found.valid_to else ""
    screen.print(f"{found.system} {found.code}  {found.display or '(no text may be shown)'}")
    screen.print(f"{state}, valid from {found.valid_from}{until}, release {found.release}")
    _list(screen, "under", catalog.ancestors(found.system, found.code, on))
    for kind, entries in catalog.notes(found.system, found.code, on).items():
        screen.print(f"\n{kind}")
        for owner, text in entries:
            screen.print(f"  {text}" + (f"  (at {owner})" if owner != found.code else ""))
    _list(screen, "subdivisions", catalog.children(found.system, found.code, on))


def _lookup(catalog: Catalog, code: str, system: System | None, on: date | None) -> Code:
    from suggester.errors import UnknownCodeError

    systems = SYSTEMS if system is None else (system,)
    for name in systems:
        try:
            return catalog.lookup(name, code, on)
        except UnknownCodeError:
            if system is not None:
                raise
    raise UnknownCodeError(
        f"code {code!r} is in none of {', '.join(systems)}; try: suggester codesets search"
    )


def _show_icd9(catalog: Catalog, code: str, on: date | None) -> None:
    from suggester.codesets.icd9 import SOURCE, SYSTEM, map_icd9
    from suggester.errors import UnknownCodeError

    found = map_icd9(code, settings=settings_with())
    screen = console()
    screen.print(f"{SYSTEM} {found.code}  {found.title}")
    how = "approximately, " if found.approximate else ""
    screen.print(
        f"mapped to ICD-10-CM ({how}{SOURCE}):" if found.alternatives else "no equivalent in ICD-10-CM"
    )
    for number, codes in enumerate(found.alternatives):
        for place, name in enumerate(codes):
            try:
                target = catalog.lookup("ICD-10-CM", name, on)
                text = target.display + ("" if target.billable else "  (category, not billable)")
            except UnknownCodeError:
                text = "(not in the release in force)"
            screen.print(f"  {'and' if place else 'or ' if number else '   '} {name}  {text}")


def _list(screen: Console, title: str, codes: list[Code]) -> None:
    if codes:
        screen.print(f"\n{title}")
        for code in codes:
            screen.print(f"  {code.code}  {code.display}")


codesets_imports.add_to(group)
