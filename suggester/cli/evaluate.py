"""``suggester evaluate``: how good the suggestions are on coded notes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from suggester.cli.console import FAILED, complain, say
from suggester.cli.options import Json, Model, settings_with
from suggester.types import System

if TYPE_CHECKING:
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
    json: Json = False,
    system: Annotated[
        System | None,
        typer.Option("--system", help="Count the codes of one system only.", show_default=False),
    ] = None,
    part: Annotated[
        str | None, typer.Option("--part", help="Count the notes of one part only.", show_default=False)
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(
            "--threshold", min=0.0, max=1.0, help="Confidence from which a suggestion is an answer."
        ),
    ] = 0.5,
    model: Model = None,
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", min=0, help="Samples for the intervals; 0 leaves them out.")
    ] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="Of the samples.")] = 0,
) -> None:
    """Score suggestions against coded notes.

    A gold note without predictions counts as all missed.
    """
    from suggester.contract import to_json_line
    from suggester.evaluation import evaluate as measure

    notes = [_only_gold(note, system) for note in _gold(gold) if part is None or note.part == part]
    if not notes:
        complain(f"{gold.name} holds no gold note" + (f" of the part {part!r}" if part is not None else ""))
        raise typer.Exit(FAILED)
    found, failures = _read(predictions) if predictions else _run(notes, model=model)
    if failures:
        for failure in failures:
            complain(failure)
        if predictions:
            raise typer.Exit(FAILED)
        say(f"{len(failures)} of {len(notes)} notes failed and count as all missed")
    kept = {note_id: _only_found(result, system) for note_id, result in found.items()}
    report = measure(notes, kept, threshold=threshold, bootstrap=bootstrap, seed=seed)
    typer.echo((to_json_line(report.to_record()) if json else report.to_text()).encode())
    if failures:
        raise typer.Exit(FAILED)


def _gold(path: Path) -> list[GoldNote]:
    """All gold notes; one that cannot be read ends the command, because figures without it would flatter."""
    from suggester.errors import InputError
    from suggester.notes import read_gold

    notes: list[GoldNote] = []
    failed = False
    for note in read_gold(path):
        if isinstance(note, InputError):
            complain(str(note))
            failed = True
        else:
            notes.append(note)
    if failed:
        raise typer.Exit(FAILED)
    return notes


def _read(path: Path) -> tuple[dict[str, Suggestions], list[str]]:
    from suggester.errors import InputError
    from suggester.notes import read_suggestions

    found: dict[str, Suggestions] = {}
    failures: list[str] = []
    for result in read_suggestions(path):
        if isinstance(result, InputError):
            failures.append(str(result))
        else:
            found[result.note_id] = result
    return found, failures


def _run(notes: list[GoldNote], *, model: str | None) -> tuple[dict[str, Suggestions], list[str]]:
    from suggester.batch import load_engine
    from suggester.batch.outcomes import failure_of

    # Every confidence: the figures over all thresholds need the tail.
    engine = load_engine(settings_with(model=model, threshold=0.0, limit=500))
    found: dict[str, Suggestions] = {}
    failures: list[str] = []
    for gold in notes:
        try:
            found[gold.note.id] = engine.suggest(gold.note)
        except Exception as error:  # the note counts as all missed, and is named
            failure = failure_of(error, record=gold.note.id)
            failures.append(f"{failure.record}: {failure.message}")
    return found, failures


def _only_gold(gold: GoldNote, system: System | None) -> GoldNote:
    if system is None:
        return gold
    return replace(
        gold,
        codes=tuple(code for code in gold.codes if code.system == system),
        em=gold.em if system == "CPT" else frozenset(),
    )


def _only_found(result: Suggestions, system: System | None) -> Suggestions:
    if system is None:
        return result
    return replace(
        result, suggestions=tuple(item for item in result.suggestions if item.code.system == system)
    )
