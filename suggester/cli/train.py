"""``suggester train`` and ``suggester models``: learn from coded notes, and choose among what was learned."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from suggester.cli.console import CleanExitGroup, say
from suggester.cli.gold import gold_notes
from suggester.cli.options import Json, settings_with

if TYPE_CHECKING:
    from suggester.ranking.learning.training import Trained
    from suggester.types import GoldNote

__all__ = ["models", "train"]

models = typer.Typer(
    cls=CleanExitGroup,
    help="List the versions of a learned model, and choose the one in use.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Folder = Annotated[
    Path,
    typer.Argument(metavar="MODEL", help="A folder that `suggester train` wrote.", show_default=False),
]


def train(
    gold: Annotated[
        Path | None,
        typer.Argument(
            metavar="GOLD", help="Coded notes, .jsonl.", exists=True, dir_okay=False, show_default=False
        ),
    ] = None,
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="MODEL",
            help="Folder of the model; a new version goes beside those that are there.",
            file_okay=False,
            show_default=False,
        ),
    ],
    from_store: Annotated[
        bool,
        typer.Option(
            "--from-store",
            help="Learn from the notes finished in the review store, instead of GOLD or together with it.",
            show_default=False,
        ),
    ] = False,
    general: Annotated[
        str, typer.Option("--general", metavar="NAME", help="The general model to learn on top of.")
    ] = "general",
    gate: Annotated[
        bool,
        typer.Option(
            "--gate/--no-gate",
            help="Keep the model only if it does not lose on held-back notes against the one in use.",
        ),
    ] = True,
    research: Annotated[
        bool,
        typer.Option(
            "--research",
            help="To compare with published figures: suggest all that GOLD holds, billable or not, negated.",
            show_default=False,
        ),
    ] = False,
    data_name: Annotated[
        str | None,
        typer.Option("--data-name", help="What the notes are, for the card.", show_default=False),
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", help="Licence of the notes, for the card.", show_default=False)
    ] = None,
    date: Annotated[
        datetime | None,
        typer.Option(
            "--date",
            formats=["%Y-%m-%d"],
            help="Date for the card; without it today's.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Learn from coded notes: which words this site codes, and how.

    A fifth of the notes is held back to try the new model against the one in use; it is kept only if it
    does not lose there, and is then learned from all notes. Earlier versions stay; `suggester models use`
    takes one back. Use the model with --model MODEL.
    """
    from suggester.contract import to_json_line

    if gold is None and not from_store:
        raise typer.BadParameter("give coded notes, or --from-store")
    notes = gold_notes(gold) if gold is not None else []
    if from_store:
        notes += _decided({note.note.id for note in notes})
    began = time.monotonic()
    done = _train(
        notes,
        output,
        general=general,
        gated=gate,
        research=research,
        data=data_name or (gold.name if gold is not None else "review store"),
        licence=licence,
        day=(date or datetime.now()).date().isoformat(),
        progress=lambda what: say(f"{time.monotonic() - began:6.1f} s  {what}"),
    )
    record = {
        "model": output.name,
        "version": done.version,
        "notes": len(notes),
        "kept": done.version is not None,
        "gate": done.gate.to_record() if done.gate else None,
        "out_of_fold": done.figures,
    }
    typer.echo((to_json_line(record) if json else _text(record)).encode())


def _train(notes: list[GoldNote], output: Path, *, general: str, **options: Any) -> Trained:
    from suggester.codesets import open_catalog
    from suggester.ranking.bench import Bench
    from suggester.ranking.learning import GeneralJudge
    from suggester.ranking.learning.training import train as learn
    from suggester.ranking.model import Ranker

    ranker = Ranker.load(general)
    releases, _ = open_catalog(settings_with()).release_set()
    return learn(Bench.over(releases), notes, GeneralJudge(ranker), output, **options)


def _text(record: dict[str, Any]) -> str:
    figures, gate = record["out_of_fold"], record["gate"]
    lines = [f"learned from {record['notes']} notes"]
    lines.append(
        f"out of fold on {figures['notes']} of them: "
        f"MAP {figures['map']:.3f} {_span(figures['map_interval'])}, "
        f"micro-F1 {figures['micro_f1']:.3f} {_span(figures['micro_f1_interval'])} "
        f"at confidence {figures['threshold']:.2f}, calibration error {figures['calibration_error']:.3f}"
    )
    if gate:
        lines.append(
            f"on {gate['notes']} held-back notes: MAP {gate['map']['in_use']:.3f} in use, "
            f"{gate['map']['new']:.3f} new {_span(gate['map']['difference_95'], sign=True)}; "
            f"micro-F1 {gate['micro_f1']['in_use']:.3f} in use, {gate['micro_f1']['new']:.3f} new "
            f"{_span(gate['micro_f1']['difference_95'], sign=True)}"
        )
    if record["kept"]:
        lines.append(f"kept as version {record['version']} of {record['model']}, now in use")
    else:
        lines.append("not kept: it loses against the model in use, which stays")
    return "\n".join(lines)


def _span(values: list[float], *, sign: bool = False) -> str:
    low, high = values
    return f"[{low:+.3f}, {high:+.3f}]" if sign else f"[{low:.2f}, {high:.2f}]"


def _decided(known: set[str]) -> list[GoldNote]:
    """Notes finished in the review store, without those of a known id."""
    from suggester.review import open_review

    service = open_review(settings_with(), create=False)
    try:
        return [note for note in service.gold_notes() if note.note.id not in known]
    finally:
        service.close()


@models.command("list")
def list_versions(folder: Folder, *, json: Json = False) -> None:
    """List the versions of a model; the one in use is marked."""
    from suggester.contract import to_json_line
    from suggester.ranking.learning.models import card, current_version, versions

    current = current_version(folder)
    rows = [(version, card(folder, version)) for version in versions(folder)]
    if json:
        record = {
            "in_use": current,
            "versions": [{"version": version, "card": about} for version, about in rows],
        }
        typer.echo(to_json_line(record).encode())
        return
    for version, about in rows:
        figures = about["out_of_fold"]
        typer.echo(
            f"{'*' if version == current else ' '} {version}  {about['date'] or 'no date'}  "
            f"{about['data']['notes']} notes of {about['data']['name']}  "
            f"MAP {figures['map']:.3f}  micro-F1 {figures['micro_f1']:.3f}".encode()
        )
    if current not in {version for version, _ in rows}:
        typer.echo(f"* {current}  shipped model; what was learned is set aside".encode())


@models.command("use")
def use_version(
    folder: Folder,
    version: Annotated[
        str,
        typer.Argument(
            metavar="VERSION",
            help="A version of the model, or `general` to set aside what was learned.",
            show_default=False,
        ),
    ],
) -> None:
    """Make a version the one in use."""
    from suggester.ranking.learning.models import use

    use(folder, version)
    say(f"{folder.name}: version {version} is in use")
