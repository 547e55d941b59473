"""``suggester rules``: list the rules, check codes by hand, test a site's own rules."""

from __future__ import annotations

import json as json_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from suggester.cli.console import FAILED, CleanExitGroup, console, say
from suggester.cli.options import Json, ServiceDate, settings_with
from suggester.types import Setting

if TYPE_CHECKING:
    from suggester.types import Flag

__all__ = ["group"]

group = typer.Typer(
    cls=CleanExitGroup,
    help="List the rules, check codes against them, test your own.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("list")
def list_(
    *,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the page of the documentation instead.")
    ] = False,
) -> None:
    """List the rules in force.

    With --markdown the page of the documentation, which has the rules that ship.
    """
    from rich import box
    from rich.table import Table

    from suggester.rules import BUILT_IN, Rules
    from suggester.rules.page import markdown as page

    if markdown:
        typer.echo(page(BUILT_IN), nl=False)
        return
    registry = Rules.open(settings_with()).registry
    table = Table("rule", "severity", "catches", box=box.SIMPLE)
    for rules in registry.by_group().values():
        for item in rules:
            table.add_row(item.id, item.severity, item.title)
    console().print(table)


@group.command()
def check(
    codes: Annotated[
        list[str],
        typer.Argument(
            metavar="CODE",
            help="Codes in the order of the claim: E11.9, 20610-LT-59, J1885x2.",
            show_default=False,
        ),
    ],
    *,
    service_date: ServiceDate = None,
    setting: Annotated[
        Setting | None, typer.Option("--setting", help="Setting of care.", show_default=False)
    ] = None,
    sex: Annotated[
        Literal["F", "M"] | None, typer.Option("--sex", help="Sex of the patient.", show_default=False)
    ] = None,
    age: Annotated[
        int | None,
        typer.Option("--age", min=0, max=130, help="Age of the patient in years.", show_default=False),
    ] = None,
    place: Annotated[
        str | None, typer.Option("--place", help="Place-of-service code, such as 11.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Check codes against the rules.

    The first diagnosis is the first-listed one. Exit code 1 if an error stands.
    """
    from suggester.rules import Rules, Subject, standing_errors
    from suggester.rules.entry import read_codes

    rules = Rules.open(settings_with())
    day = service_date.date() if service_date else None
    diagnoses, services = read_codes(codes, rules.knowledge(day))
    flags = rules.check(
        Subject(
            stage="claim",
            diagnoses=diagnoses,
            services=services,
            setting=setting,
            service_date=day,
            sex=sex,
            age=age,
            place_of_service=place,
        )
    )
    if json:
        for flag in flags:
            typer.echo(json_.dumps(_record(flag), ensure_ascii=False))
    else:
        _show(flags)
    if standing_errors(flags):
        raise typer.Exit(FAILED)


def _record(flag: Flag) -> dict[str, object]:
    return {
        "rule": flag.rule_id,
        "severity": flag.severity,
        "message": flag.message,
        "codes": list(flag.codes),
        "source": flag.source,
        "overridable": flag.overridable,
    }


def _show(flags: tuple[Flag, ...]) -> None:
    screen = console()
    if not flags:
        screen.print("no rule is broken")
    for flag in flags:
        stands = "" if flag.overridable else " (stands)"
        screen.print(f"{flag.severity}{stands}: {flag.message}  [{flag.rule_id}]")
        screen.print(f"    {flag.source}")


@group.command()
def test(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Python file with rules of your own.", show_default=False)
    ],
) -> None:
    """Run the examples of your own rules.

    Refuses the file as the settings would, with what is wrong.
    """
    from suggester.rules import Rules

    registry = Rules.open(settings_with(rules_file=file)).registry
    own = [item for item in registry if item.id.startswith("site.")]
    say(f"{len(own)} rules, {2 * len(own)} examples: all as they say")
