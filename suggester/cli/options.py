"""Options that several commands take, each with the one meaning it has everywhere."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from suggester.config import Settings

__all__ = ["Json", "Model", "ServiceDate", "Threshold", "all_exist", "exists", "settings_with"]

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text for people.")]

Model = Annotated[
    str | None,
    typer.Option("--model", help="A shipped model by name, or a model folder.", show_default=False),
]

Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        min=0.0,
        max=1.0,
        help="Leave out suggestions below this confidence.",
        show_default=False,
    ),
]

ServiceDate = Annotated[
    datetime | None,
    typer.Option(
        "--service-date",
        formats=["%Y-%m-%d"],
        help="Date of service, which picks the code-set releases.",
        show_default=False,
    ),
]


def exists(source: Path) -> Path:
    """Refuse a path that is not there; ``-`` always is.

    Typer's own check cannot be used: it looks for a file called ``-``.
    """
    if str(source) != "-" and not source.exists():
        raise typer.BadParameter(f"{source.name or source}: there is no such file or folder")
    return source


def all_exist(sources: list[Path] | None) -> list[Path]:
    """Refuse a list in which a path is not there; nothing given is an empty list."""
    return [exists(source) for source in sources or ()]


def settings_with(**values: object) -> Settings:
    """Settings of the environment, with the values that were given on the command line."""
    from suggester.config import Settings

    return Settings.load(**{name: value for name, value in values.items() if value is not None})
