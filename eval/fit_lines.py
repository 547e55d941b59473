"""Fit the model of service lines, and report out-of-fold figures.

    python eval/fit_lines.py DEV.jsonl [WEAK.jsonl[.gz]] [-o models/service_lines]

Labelled lines of the project (``eval/lines``, but for files called ``kept_…``) are always used; ``DEV`` is
labelled lines of others, ``WEAK`` single-hospital pairs, of which a few a code are taken with a small weight.
Folds are by code: every figure is of codes that the fold's model never saw. No word, code or line enters the
model.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from suggester.codesets import open_catalog
from suggester.codesets.catalog import ReleaseSet
from suggester.config import Settings
from suggester.ranking.services.features import candidates
from suggester.ranking.services.index import LineIndex, open_index
from suggester.ranking.services.model import LineModel
from suggester.ranking.services.words import Reader, Vocabulary
from suggester.ranking.training import calibrate, classifier
from suggester.ranking.trees import TreeEnsemble

OWN = Path(__file__).parent / "lines"
OPTIONS = {
    "max_iter": 160,
    "learning_rate": 0.08,
    "max_leaf_nodes": 16,
    "max_depth": 6,
    "min_samples_leaf": 30,
    "l2_regularization": 5.0,
}
FOLDS = 5
WEAK_A_CODE = 4
WEAK_WEIGHT = 0.35
CANDIDATES = 30


@dataclass(frozen=True, slots=True)
class LabelledLine:
    """A line, its code, and where it comes from."""

    text: str
    system: str
    code: str
    kind: str


def read_lines(path: Path, kind: str) -> Iterator[LabelledLine]:
    """Labelled lines of a file: gold notes with one code, or records of text, system and code."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as handle:
        for row in handle:
            record = json.loads(row)
            code = record["codes"][0] if "codes" in record else record
            yield LabelledLine(record["text"], code["system"], code["code"], kind)


def few_a_code(lines: Iterator[LabelledLine], most: int) -> list[LabelledLine]:
    """At most so many lines of each code, drawn at random with a fixed seed."""
    by_code: dict[str, list[LabelledLine]] = defaultdict(list)
    for line in lines:
        by_code[line.code].append(line)
    draw = random.Random(3)  # noqa: S311 - a sample, not a secret
    return [x for _, group in sorted(by_code.items()) for x in draw.sample(group, min(most, len(group)))]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of features of the candidates of lines."""

    features: NDArray[np.float32]
    right: NDArray[np.bool_]
    line: NDArray[np.int64]
    group: NDArray[np.int64]
    weight: NDArray[np.float64]
    system: list[str]


def table_of(releases: ReleaseSet, index: LineIndex, reader: Reader, lines: list[LabelledLine]) -> Table:
    """Features and labels of the candidates of every line."""
    blocks: list[NDArray[np.float32]] = []
    right: list[bool] = []
    number: list[int] = []
    weight: list[float] = []
    system: list[str] = []
    for n, line in enumerate(lines):
        found, features = candidates(index, reader.line(line.text), limit=CANDIDATES)
        labels = [
            c.system == line.system and releases.store(c.system).codes[c.row] == line.code for c in found
        ]
        blocks.append(features)
        right += labels
        number += [n] * len(found)
        base = WEAK_WEIGHT if line.kind == "weak" else 1.0
        weight += [base if any(labels) else 0.3 * base] * len(found)
        system += [c.system for c in found]
    codes = {code: i for i, code in enumerate(sorted({line.code for line in lines}))}
    return Table(
        np.concatenate(blocks),
        np.array(right),
        np.array(number),
        np.array([codes[lines[n].code] for n in number]),
        np.array(weight),
        system,
    )


def report(table: Table, raw: NDArray[np.float64], lines: list[LabelledLine]) -> dict[str, dict[str, float]]:
    """First and among five, over all systems and within the line's own, by source of the lines."""
    hits: dict[str, list[tuple[bool, bool, bool, bool]]] = defaultdict(list)
    starts = np.searchsorted(table.line, np.arange(len(lines)))
    ends = np.searchsorted(table.line, np.arange(len(lines)), "right")
    for n, line in enumerate(lines):
        rows = np.arange(starts[n], ends[n])
        rows = rows[np.argsort(-raw[rows], kind="stable")]
        own = [r for r in rows if table.system[r] == line.system]
        hits[line.kind].append(
            (
                bool(table.right[rows[:1]].any()),
                bool(table.right[rows[:5]].any()),
                bool(table.right[own[:1]].any()),
                bool(table.right[own[:5]].any()),
            )
        )
    names = ("first", "among five", "first of its system", "among five of its system")
    return {
        kind: {
            "lines": len(rows),
            **{n: round(float(v), 3) for n, v in zip(names, np.mean(rows, axis=0), strict=True)},
        }
        for kind, rows in hits.items()
    }


def main() -> int:
    """Fit and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("dev", type=Path)
    parser.add_argument("weak", type=Path, nargs="?")
    parser.add_argument("-o", "--out", type=Path)
    asked = parser.parse_args()
    releases, _ = open_catalog(Settings.load()).release_set(None)
    reader = Reader(Vocabulary.read())
    index = open_index(releases, reader)
    lines = list(read_lines(asked.dev, "dev"))
    for path in sorted(OWN.glob("*.jsonl")):
        if not path.name.startswith("kept_"):
            lines += read_lines(path, "own")
    if asked.weak:
        lines += few_a_code(read_lines(asked.weak, "weak"), WEAK_A_CODE)
    table = table_of(releases, index, reader, lines)
    raw = np.zeros(len(table.right))
    for train, test in GroupKFold(FOLDS).split(table.features, table.right, table.group):
        model = classifier(**OPTIONS).fit(
            table.features[train], table.right[train], sample_weight=table.weight[train]
        )
        raw[test] = TreeEnsemble.from_estimator(model).predict(table.features[test])
    figures = report(table, raw, lines)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    if asked.out:
        final = classifier(**OPTIONS).fit(table.features, table.right, sample_weight=table.weight)
        sure = np.array([lines[n].kind != "weak" for n in table.line])
        LineModel(
            trees=TreeEnsemble.from_estimator(final),
            calibration=calibrate(raw[sure], table.right[sure], table.weight[sure]),
            card={
                "what": "scores codes for service lines: weights of general features, no codes or words",
                "data": "labelled service lines of the project, and of public price filings",
                "figures, out of fold by code": figures,
                "limits": "the project's lines are invented; filings of other hospitals differ in habit",
            },
        ).save(asked.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
