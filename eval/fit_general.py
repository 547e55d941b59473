"""Fit and write the shipped ranker: ``python eval/fit_general.py SHARED_DATA``.

Learns the weights of general features on the train split of CodiEsp (CC-BY-4.0), the ``tune`` part of the US
notes and our own practice notes (``eval/practice``, invented); writes ``models/general`` with its card. Reads
nothing of dev or check parts, and nothing of ``eval/gold``.

    python eval/fit_general.py SHARED_DATA
    python eval/fit_general.py SHARED_DATA --without-codiesp -o FOLDER    strictly zero-shot on CodiEsp
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from suggester.codesets import open_catalog
from suggester.config import Settings
from suggester.errors import InputError
from suggester.notes.reading import read_gold
from suggester.ranking.bench import Bench
from suggester.ranking.describing import HEADS, Head
from suggester.ranking.model import Calibration, Ranker
from suggester.ranking.training import examples, fit, fit_central, with_usage
from suggester.ranking.trees import TreeEnsemble
from suggester.ranking.usage import Usage
from suggester.types import GoldNote

CODIESP_WEIGHT = 6.0
US_WEIGHT = 12.0
PRACTICE_WEIGHT = 4.0
CASE_REPORT = "Case report"
CASE_REPORT_WEIGHT = 1.0
SELECTIVE_ALONE = 12.0
"""Our own case reports weigh little: those of CodiEsp are beside them, or the older ones code nearly every
finding. Without CodiEsp those that are coded selectively, as annotators do, weigh what real notes do."""
FITTING: dict[Head, dict[str, Any]] = {
    "diagnosis": {
        **{"max_iter": 480, "max_leaf_nodes": 31, "max_depth": None},
        **{"min_samples_leaf": 300, "l2_regularization": 20.0, "max_features": 0.3},
    },
    "procedure": {"max_iter": 60, "max_leaf_nodes": 6, "min_samples_leaf": 20},
}
PRACTICE = Path(__file__).parent / "practice"
UNSETTLED = 4
"""Of so many practice notes one loses its setting, so that notes which come without are ranked as well; case
reports all do, as they are published without."""


def gold(path: Path, part: str | None = None) -> list[GoldNote]:
    """Gold notes of a file; a bad record stops the run."""
    out: list[GoldNote] = []
    for item in read_gold(path):
        if isinstance(item, InputError):
            raise item
        if part is None or item.part == part:
            out.append(item)
    return out


def is_case_report(note: GoldNote) -> bool:
    """Whether it is a published case report; the kind of some says how they are coded."""
    return note.note.kind is not None and note.note.kind.startswith(CASE_REPORT)


def unsettled(notes: list[GoldNote]) -> list[GoldNote]:
    """The notes, some of them without their setting (``UNSETTLED``)."""
    return [
        replace(note, note=replace(note.note, setting=None))
        if number % UNSETTLED == 0 or is_case_report(note)
        else note
        for number, note in enumerate(notes)
    ]


def codes_services(batch: Sequence[GoldNote]) -> bool:
    """Whether those who wrote a batch of practice notes coded services too, or diagnoses alone.

    Of a batch without any, the procedures that its notes tell of are not wrong: nobody looked.
    """
    return any(code.system != "ICD-10-CM" for note in batch for code in note.codes)


def practice_weight(note: GoldNote, *, beside_codiesp: bool) -> float:
    """How much a practice note weighs."""
    if not is_case_report(note):
        return PRACTICE_WEIGHT
    return CASE_REPORT_WEIGHT if beside_codiesp or note.note.kind == CASE_REPORT else SELECTIVE_ALONE


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("shared", type=Path, help="folder that holds codiesp/ and notes/")
    parser.add_argument("-o", "--out", type=Path, default=Path("models/general"))
    parser.add_argument(
        "--without-codiesp", action="store_true", help="fit on the US and practice notes alone"
    )
    options = parser.parse_args()
    started = time.monotonic()
    codiesp = [] if options.without_codiesp else gold(options.shared / "codiesp" / "train.jsonl")
    tune = gold(options.shared / "notes" / "us_notes_gold.jsonl", "tune")
    batches: dict[str, list[GoldNote]] = {}
    for path in sorted(PRACTICE.glob("*.jsonl")):
        batches.setdefault(path.stem.split("_")[0], []).extend(gold(path))
    practice = [note for batch in batches.values() for note in batch]
    serviced = {note.note.id for batch in batches.values() if codes_services(batch) for note in batch}
    releases, _ = open_catalog(Settings.load()).release_set()
    bench = Bench.over(releases)
    trees: dict[Head, TreeEnsemble] = {}
    calibration: dict[Head, Calibration] = {}
    usage: dict[Head, Usage] = {}
    for head in HEADS:
        told = [
            (g, practice_weight(g, beside_codiesp=bool(codiesp)))
            for g in unsettled(practice)
            if head == "diagnosis" or g.note.id in serviced
        ]
        notes: list[tuple[GoldNote, float]] = [*told, *((g, US_WEIGHT) for g in tune)]
        if head == "diagnosis":
            notes += [(g, CODIESP_WEIGHT) for g in codiesp]
        data, usage[head] = with_usage(examples(bench, notes, head), np.arange(len(notes)) < len(told))
        print(
            head, data.features.shape, f"right {data.right.mean():.4f}", f"{time.monotonic() - started:.0f} s"
        )
        trees[head], calibration[head], _ = fit(data, **FITTING[head])
        if head == "diagnosis":
            central = fit_central(data, **FITTING[head])
    card = {
        "what": "general ranker: weights of features; rates of codes and phrases, and weights of words, from "
        "the practice notes alone",
        "data": {
            "CodiEsp train (CC-BY-4.0, CLEF eHealth 2020)": len(codiesp),
            "US notes, tune part (ACI-Bench CC-BY-4.0, MTSamples public samples)": len(tune),
            "practice notes, invented for this project": len(practice),
        },
        "releases": {r.system: r.id for r in releases.releases},
        "vectors": bench.meaning.sha256,
        "limits": "Fitted on US notes and, unless their number is 0, on English machine translations of case "
        "reports; not on your notes.",
    }
    ranker = Ranker(
        name="general",
        version="1",
        trees=trees,
        calibration=calibration,
        central=central,
        usage=usage,
        card=card,
    )
    ranker.save(options.out)
    print(f"written to {options.out} after {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
