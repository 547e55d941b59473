"""``suggester evaluate``: how good the suggestions are on coded notes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from suggester.cli.console import FAILED, clean, complain, say
from suggester.cli.gold import gold_notes
from suggester.cli.options import Json, Model, settings_with
from suggester.types import System

if TYPE_CHECKING:
    from suggester.evaluation import Report
    from suggester.types import GoldNote, Suggestions

__all__ = ["evaluate"]


def evaluate(
    gold: Annotated[
        Path,
        typer.Argument(metavar="GOLD", help="Coded notes, .jsonl.", exists=True, dir_okay=False),
    ],
    predictions: Annotated[
        Path | None,
        typer.Argument(
            metavar="PRED",
            help="Output of `suggester batch` on them; without it the engine runs now, on every confidence.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    *,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="PRED",
            help="Output of another run on the same notes: compare with it, with a paired test.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Write the report to this file too, as one page with plots for the browser.",
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    no_quotes: Annotated[
        bool, typer.Option("--no-quotes", help="Leave out the sentences of the notes.", show_default=False)
    ] = False,
    system: Annotated[
        System | None,
        typer.Option("--system", help="Count the codes of one system only.", show_default=False),
    ] = None,
    part: Annotated[
        str | None, typer.Option("--part", help="Count the notes of one part only.", show_default=False)
    ] = None,
    split: Annotated[
        str | None,
        typer.Option("--split", help="What these notes are, for the headings.", show_default=False),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(
            "--threshold", min=0.0, max=1.0, help="Confidence from which a suggestion is an answer."
        ),
    ] = 0.5,
    train_counts: Annotated[
        Path | None,
        typer.Option(
            "--train-counts",
            metavar="GOLD",
            help="Coded notes that were trained on, for the figures by frequency of the code.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    learning_curve: Annotated[
        Path | None,
        typer.Option(
            "--learning-curve",
            metavar="FILE",
            help="JSON list of notes, map, f1, low, high: drawn in the page.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    date: Annotated[
        datetime | None,
        typer.Option(
            "--date",
            formats=["%Y-%m-%d"],
            help="A date to print in the page, which reads no clock.",
            show_default=False,
        ),
    ] = None,
    model: Model = None,
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", min=0, help="Samples for the intervals; 0 leaves them out.")
    ] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="Of the samples.")] = 0,
) -> None:
    """Score suggestions against coded notes.

    A gold note without predictions counts as all missed.
    """
    inputs = (gold, predictions, against, train_counts, learning_curve)
    _refuse_misfits(
        inputs=inputs,
        html=html,
        only_page={"--learning-curve": learning_curve, "--date": date},
        only_report={"--train-counts": train_counts, "--learning-curve": learning_curve, "--split": split}
        if against is not None
        else {},
    )
    from suggester.contract import to_json_line
    from suggester.evaluation import compare
    from suggester.evaluation import evaluate as measure
    from suggester.evaluation.answers import found_of_system, gold_of_system
    from suggester.evaluation.slices import training_counts

    notes = [note for note in gold_notes(gold) if part is None or note.part == part]
    if not notes:
        complain(f"{gold.name} holds no gold note" + (f" of the part {part!r}" if part is not None else ""))
        raise typer.Exit(FAILED)
    trained = None if train_counts is None else training_counts(gold_notes(train_counts))
    if learning_curve is not None:
        from suggester.evaluation.learning import read_learning_curve

        learning = read_learning_curve(learning_curve)
    else:
        learning = ()
    other = None if against is None else found_of_system(_read(against), system)
    if predictions is None:
        answers, failed = _run(notes, model=model)
    else:
        answers, failed = _read(predictions), False
    asked, found = gold_of_system(notes, system), found_of_system(answers, system)
    dated = None if date is None else date.date()
    if other is not None and against is not None:
        comparison = compare(
            asked,
            other,
            found,
            names=_names(against, predictions),
            threshold=threshold,
            samples=bootstrap,
            seed=seed,
        )
        output = to_json_line(comparison.to_record()) if json else comparison.to_text()
        if html is not None:
            from suggester.evaluation.html_compare import comparison_page

            _write(html, comparison_page(comparison, dated=dated))
    else:
        report = measure(
            asked,
            found,
            threshold=threshold,
            training_counts=trained,
            split=split,
            bootstrap=bootstrap,
            seed=seed,
        )
        quotes = not no_quotes
        output = to_json_line(report.to_record(quotes=quotes)) if json else report.to_text(quotes=quotes)
        if html is not None:
            from suggester.evaluation.html_report import report_page

            titles = _titles(report, found)
            _write(html, report_page(report, titles=titles, learning=learning, dated=dated, quotes=quotes))
    typer.echo(output.encode())
    if failed:
        raise typer.Exit(FAILED)


def _refuse_misfits(
    *,
    inputs: tuple[Path | None, ...],
    html: Path | None,
    only_page: Mapping[str, object],
    only_report: Mapping[str, object],
) -> None:
    """Refuse options that would do nothing, and a page that cannot be written or would replace an input."""
    for name, value in only_report.items():
        if value is not None:
            raise typer.BadParameter(f"{name} does nothing for a comparison; leave it or --against out")
    if html is None:
        for name, value in only_page.items():
            if value is not None:
                raise typer.BadParameter(f"{name} is for the page; give --html FILE")
        return
    if not html.parent.is_dir():
        raise typer.BadParameter(f"--html: the folder of {html.name} is not there")
    if any(path is not None and html.exists() and html.samefile(path) for path in inputs):
        raise typer.BadParameter(f"--html: {html.name} is one of the inputs, and would be replaced")


def _read(path: Path) -> dict[str, Suggestions]:
    """All suggestions; one that cannot be read ends the command."""
    from suggester.errors import InputError
    from suggester.notes import read_suggestions

    found: dict[str, Suggestions] = {}
    failed = False
    for result in read_suggestions(path):
        if isinstance(result, InputError):
            complain(str(result))
            failed = True
        else:
            found[result.note_id] = result
    if failed:
        raise typer.Exit(FAILED)
    return found


def _run(notes: list[GoldNote], *, model: str | None) -> tuple[Mapping[str, Suggestions], bool]:
    """The engine's suggestions now, and whether a note failed."""
    from suggester.batch import load_engine
    from suggester.evaluation.answers import EVERY_CONFIDENCE, answers

    given = answers(notes, load_engine(settings_with(model=model, **EVERY_CONFIDENCE)))
    for failure in given.failures:
        complain(failure)
    if given.failures:
        say(f"{len(given.failures)} of {len(notes)} notes failed and count as all missed")
    return given.found, bool(given.failures)


def _names(against: Path, predictions: Path | None) -> tuple[str, str]:
    """What to call the two runs: their files, with the folders where the names are the same."""
    if predictions is None:
        return clean(against.name), "this engine"
    if against.name != predictions.name:
        return clean(against.name), clean(predictions.name)
    first, second = (clean(f"{path.resolve().parent.name}/{path.name}") for path in (against, predictions))
    return first, second


def _titles(report: Report, found: Mapping[str, Suggestions]) -> dict[str, str]:
    """Titles of the codes that the page names."""
    from suggester.codesets import open_catalog
    from suggester.evaluation.titles import code_titles

    catalog = open_catalog(settings_with())
    return code_titles(
        report.confusions, found, lookup=lambda system, code: catalog.lookup(system, code).display
    )


def _write(path: Path, page: str) -> None:
    from suggester.batch.files import WholeFile

    with WholeFile(path) as file:
        file.write_line(page.removesuffix("\n"))
        file.publish()
    say(f"written: {path.name}")
