"""The commands, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from suggester.cli import (
    api,
    audit,
    batch,
    codesets,
    deidentify,
    denials,
    diff,
    evaluate,
    export,
    rules,
    serve,
    store,
    suggest,
    train,
    users,
)
from suggester.cli.console import CleanExitGroup

__all__ = ["main"]

main = typer.Typer(
    name="suggester",
    cls=CleanExitGroup,
    help=(
        "Clinical notes in; ranked, explained and checked billing codes out. Offline, on one machine. "
        "Exit codes: 0 done, 1 some input failed, 2 usage."
    ),
    no_args_is_help=True,
    add_completion=False,
    # Its traces show local variables, and those hold note text.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)
main.command("suggest")(suggest.suggest)
main.command("batch")(batch.batch)
main.command("evaluate")(evaluate.evaluate)
main.command("train")(train.train)
main.command("serve")(serve.serve)
main.command("api")(api.api)
main.command("deidentify")(deidentify.deidentify)
main.command("export")(export.export)
main.command("denials")(denials.denials)
main.command("diff")(diff.diff)
main.add_typer(codesets.group, name="codesets")
main.add_typer(rules.group, name="rules")
main.add_typer(train.models, name="models")
main.add_typer(users.group, name="users")
main.add_typer(audit.group, name="audit")
main.add_typer(store.group, name="store")


def _version(wanted: bool) -> None:
    if wanted:
        from suggester.version import __version__

        typer.echo(__version__)
        raise typer.Exit


@main.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass
