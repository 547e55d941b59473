"""How accuracy grows with coded notes: ``python eval/learning_curve.py TRAIN [TEST] --json FILE --svg FILE``.

Learns from the first 100, 200, … notes (in the order of a hash of their ids) and scores each model on TEST,
or, without it, on the fifth of TRAIN that the gate would hold back. The threshold is always chosen out of
fold on the notes learned from. The whole engine runs with the last model too: how many right codes show
evidence inside what the annotators marked? The JSON is what ``suggester evaluate --learning-curve`` draws.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from suggester.codesets import Catalog, open_catalog
from suggester.config import Settings
from suggester.errors import InputError
from suggester.notes import read_gold
from suggester.ranking.bench import Bench
from suggester.ranking.learning import GeneralJudge, LocalJudge
from suggester.ranking.learning.figures import (
    Ranked,
    calibrated_threshold,
    calibration_error,
    recall_when_precise,
)
from suggester.ranking.learning.figures import mean_average_precision as mean_ap
from suggester.ranking.learning.fitting import FEWEST, fit, in_order
from suggester.ranking.learning.training import held_back, ranked_by, read_examples
from suggester.ranking.learning.views import CodeTable
from suggester.ranking.model import Ranker
from suggester.suggest import Suggester
from suggester.types import SYSTEMS, GoldNote, System

WIDTH, HEIGHT, MARGIN = 640, 360, 48
SAMPLES = 1000
CURVE = ("notes", "map", "f1", "low", "high")


def gold(path: Path) -> list[GoldNote]:
    """Gold notes of a file; a bad record stops the run."""
    out: list[GoldNote] = []
    for item in read_gold(path):
        if isinstance(item, InputError):
            raise item
        out.append(item)
    return out


def intervals(notes: list[Ranked], threshold: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """The 95 % intervals of MAP and of micro-F1 over resampled notes."""
    values = np.array([n.average_precision() for n in notes if n.gold])
    counts = np.array([n.counts(threshold) for n in notes if n.gold])
    draws = np.random.default_rng(0).integers(0, len(values), size=(SAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), (2.5, 97.5))
    sums = counts[draws].sum(axis=1)
    drawn = 2 * sums[:, 0] / np.maximum(sums[:, 1] + sums[:, 2], 1)
    f1_low, f1_high = np.percentile(drawn, (2.5, 97.5))
    return (float(low), float(high)), (float(f1_low), float(f1_high))


def in_marked(
    judge: LocalJudge, catalog: Catalog, settings: Settings, test: Sequence[GoldNote], threshold: float
) -> tuple[int, int]:
    """Right codes at a threshold whose shown evidence lies in or overlaps the marked, and all of them.

    Codes whose evidence nobody marked are passed over.
    """
    engine = Suggester(
        settings=settings.model_copy(update={"threshold": threshold}), catalog=catalog, ranker=judge
    )
    shown = right = 0
    for gold in test:
        marked = {(c.system, c.code): c.evidence for c in gold.codes if c.evidence}
        for one in engine.suggest(gold.note).suggestions:
            spans = marked.get((one.code.system, one.code.code), ())
            right += bool(spans)
            shown += any(evidence.span.overlaps(span) for evidence in one.evidence for span in spans)
    return shown, right


def point(
    judge: LocalJudge, bench: Bench, test: Sequence[GoldNote], threshold: float, size: int
) -> dict[str, Any]:
    """Figures of one model on the test notes."""
    notes = ranked_by(judge, bench, test, judge.systems)
    (low, high), (f1_low, f1_high) = intervals(notes, threshold)
    counts = np.array([n.counts(threshold) for n in notes]).sum(axis=0)
    return {
        "notes": size,
        "map": round(mean_ap(notes), 4),
        "f1": round(float(2 * counts[0] / max(counts[1] + counts[2], 1)), 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "f1_interval": [round(f1_low, 4), round(f1_high, 4)],
        "threshold": round(threshold, 4),
        "precision": round(float(counts[0] / max(counts[1], 1)), 4),
        "recall": round(float(counts[0] / max(counts[2], 1)), 4),
        "calibration_error": round(calibration_error(notes), 4),
        "recall_at_precision_0.95": round(recall_when_precise(notes), 4),
    }


def drawn(points: Sequence[dict[str, Any]], title: str) -> str:
    """The curve as a small SVG: MAP with its interval, and micro-F1."""
    most = max(p["notes"] for p in points)
    top = max(0.1, *(max(p["f1"], p["high"]) for p in points)) * 1.1

    def x(notes: float) -> float:
        return float(MARGIN + notes / most * (WIDTH - 2 * MARGIN))

    def y(value: float) -> float:
        return float(HEIGHT - MARGIN - value / top * (HEIGHT - 2 * MARGIN))

    def line(name: str, colour: str) -> str:
        places = " ".join(f"{x(p['notes']):.1f},{y(p[name]):.1f}" for p in points)
        dots = "".join(
            f'<circle cx="{x(p["notes"]):.1f}" cy="{y(p[name]):.1f}" r="3" fill="{colour}"/>' for p in points
        )
        return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'

    band = " ".join(
        [f"{x(p['notes']):.1f},{y(p['high']):.1f}" for p in points]
        + [f"{x(p['notes']):.1f},{y(p['low']):.1f}" for p in reversed(points)]
    )
    grid = "".join(
        f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{y(v):.1f}" y2="{y(v):.1f}" stroke="#ddd"/>'
        f'<text x="{MARGIN - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{v:.1f}</text>'
        for v in (step / 10 for step in range(int(top * 10) + 1))
    )
    ticks = "".join(
        f'<text x="{x(p["notes"]):.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{p["notes"]}</text>'
        for p in points
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12" role="img" aria-label="{title}"><rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="{MARGIN}" y="24" font-size="15">{title}</text>{grid}{ticks}'
        f'<polygon points="{band}" fill="#1b5fc8" opacity="0.15"/>'
        f"{line('map', '#1b5fc8')}{line('f1', '#c8551b')}"
        f'<text x="{WIDTH - MARGIN}" y="24" text-anchor="end" fill="#1b5fc8">MAP (95 %)</text>'
        f'<text x="{WIDTH - 130}" y="24" text-anchor="end" fill="#c8551b">micro-F1</text>'
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 10}" text-anchor="middle">notes learned from</text></svg>\n'
    )


def main() -> None:
    """Learn, score, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path, nargs="?")
    parser.add_argument("--general", default="general", help="general model to learn on top of")
    parser.add_argument("--research", action="store_true", help="as for suggester train")
    parser.add_argument("--steps", type=int, default=100, help="notes from one point to the next")
    parser.add_argument("--sizes", type=int, nargs="*", help="these numbers of notes instead")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    began = time.monotonic()
    settings = Settings.load()
    catalog = open_catalog(settings)
    releases, _ = catalog.release_set()
    bench = Bench.over(releases)
    table = CodeTable(bench)
    general = GeneralJudge(Ranker.load(options.general))
    notes = gold(options.train)
    learning = notes if options.test else [n for n in notes if not held_back(n.note.id)]
    test = gold(options.test) if options.test else [n for n in notes if held_back(n.note.id)]
    systems: frozenset[System] = frozenset(
        s for s in SYSTEMS if any(c.system == s for n in learning for c in n.codes)
    )
    examples = in_order(read_examples(general, bench, learning, table))
    sizes = options.sizes or [*range(options.steps, len(examples), options.steps), len(examples)]
    sizes = sorted({min(size, len(examples)) for size in sizes if size >= FEWEST})
    points: list[dict[str, Any]] = []
    for size in sizes:
        fitted = fit(examples[:size], table)
        judge = LocalJudge(
            name="curve",
            version=str(size),
            general=general,
            learned=fitted.learned,
            systems=systems,
            unit=fitted.unit,
            research=options.research,
            card={},
        )
        out_of_fold = fitted.out_of_fold if options.research else fitted.out_of_fold_billable
        threshold = calibrated_threshold(out_of_fold)
        points.append(point(judge, bench, test, threshold, size))
        print(json.dumps(points[-1]), f"{time.monotonic() - began:.0f} s", flush=True)
        if size == sizes[-1]:
            shown, right = in_marked(judge, catalog, settings, test, threshold)
            share = f"{shown / right:.4f}" if right else "n/a"
            print(f"right codes with evidence inside the marked: {share} ({shown} of {right})", flush=True)
    if options.json:
        kept = [{name: p[name] for name in CURVE} for p in points]
        options.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    if options.svg:
        options.svg.write_text(drawn(points, f"Learning: {len(test)} test notes"), encoding="utf-8")


if __name__ == "__main__":
    main()
