"""What each part of the general ranker is worth: ``python eval/ablation.py SHARED_DATA [--json]``.

Refits the diagnosis ranker with each group of features left out (its columns set to 0) and each way to a
candidate left out (its supports taken away before anything is described), and scores it **out of fold**: on
the notes that the shipped ranker is fitted on (``fit_general.py``), never on check or dev parts. Settling and
the gate of assertions are left out of the same scores without fitting again.

Notes are read once. What is left out after reading still stood beside the rest while reading: a phrase that
is left out can no longer make a candidate, but the words that it covers remain dominated by it. Differences
have 95 % intervals of a bootstrap over the same notes. The calibration is that of the scores themselves.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from fit_general import CODIESP_WEIGHT, FITTING, PRACTICE, US_WEIGHT, gold, practice_weight, unsettled
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from suggester.codesets import open_catalog
from suggester.codesets.terms import Source
from suggester.config import Settings
from suggester.pipeline.matching import Matches
from suggester.pipeline.reading import AFFIRMED, Reading
from suggester.ranking.bench import Bench
from suggester.ranking.candidates import CodeSupport, Joined, Method, Support
from suggester.ranking.describing import COLUMNS, with_meaning
from suggester.ranking.features import NAMES, Scored
from suggester.ranking.laid_out import FLAGS
from suggester.ranking.meaning import MEANING_NAMES
from suggester.ranking.settling import settle
from suggester.ranking.sighting import Sighting
from suggester.ranking.support import vouching
from suggester.ranking.training import Examples, calibrate, classifier, is_right, with_usage
from suggester.ranking.trees import TreeEnsemble
from suggester.ranking.usage import USAGE_NAMES
from suggester.rules import gate
from suggester.types import GoldNote, Setting

CONFIDENT: Final = 0.5
AMONG: Final = 10
SAMPLES: Final = 1000
SYSTEM: Final = "ICD-10-CM"
KINDS: Final = ("features", "candidates")

FEATURE_GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "match quality": ("coverage", "density", "hits", "match_score", "own_share", "separators", "corrected"),
    "rarity of the words": ("rarity", "term_weight"),
    "source of the term": tuple(name for name in NAMES if name.startswith("from_")),
    "method": ("method",),
    "attributes in the title": ("supported_words", "unsupported_words", "side_missing"),
    "number of mentions": ("mentions", "sentences", "undominated"),
    "assertion": ("affirmed", *(f"{flag}_share" for flag, _ in FLAGS)),
    "section": (*(name for name in NAMES if name.startswith("in_")), "best_section_score"),
    "position": ("as_heading", "at_line_start", "first_position"),
    "specificity": ("unspecified_code", "other_code", "code_length"),
    "rivals and family": (
        "category_best_ratio",
        "category_rank",
        "category_size",
        "overlap_better",
        "note_best_ratio",
        "replaced",
        "stronger_sibling",
        "specific_sibling",
        "specific_sibling_score",
        "same_words_better",
    ),
    "chapter": ("chapter",),
    "symptom beside diagnosis": ("symptom_code", "firm_diagnoses", "symptom_beside_diagnosis"),
    "note": ("note_words", "note_sections", "note_candidates", "setting"),
    "voice of the note": (
        *("note_lines", "past_words", "present_words", "authors_words", "past_share", "told_afterwards"),
    ),
    "words of a route": ("route_words",),
    "meaning": MEANING_NAMES,
    "usage of codes and phrases": tuple(name for name in USAGE_NAMES if not name.endswith("context")),
    "words around": tuple(name for name in USAGE_NAMES if name.endswith("context")),
}
"""Every feature, in the group that it is left out with."""

METHODS: Final[dict[str, frozenset[Method]]] = {
    "descent to billable codes": frozenset((Method.DESCENT,)),
    "drugs": frozenset((Method.DRUG,)),
    "history": frozenset((Method.PERSONAL_HISTORY, Method.FAMILY_HISTORY)),
    "combination codes": frozenset((Method.COMBINATION,)),
    "measured values": frozenset((Method.VALUE,)),
    "implied codes": frozenset((Method.IMPLIED,)),
    "drug effects": frozenset((Method.DRUG_EFFECT,)),
    "spread of cancer": frozenset((Method.SPREAD,)),
}
SOURCES: Final[dict[str, frozenset[Source]]] = {
    "terms of titles": frozenset((Source.TITLE,)),
    "terms of default titles": frozenset((Source.DEFAULT,)),
    "inclusion terms": frozenset((Source.INCLUSION, Source.INCLUDES)),
    "our lexicon": frozenset((Source.LEXICON,)),
    "parts of terms": frozenset((Source.PART,)),
    "terms of other codes": frozenset((Source.OTHER,)),
}
"""Ways to a candidate, by what is left out with each. A way that no support took is not listed."""

type Drop = Callable[[Support], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The candidates of one note, described without one way to them.

    ``features`` has shape ``(candidates, len(GENERAL))``; ``codes``, ``right`` (for any gold code) and
    ``held`` (by the gate) are one a candidate; ``core`` is, for each core gold code, whether each candidate
    meets it.
    """

    features: NDArray[np.float32]
    scored: list[Scored]
    right: NDArray[np.bool_]
    held: NDArray[np.bool_]
    core: NDArray[np.bool_]
    exact: NDArray[np.bool_]
    sighting: Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One note: whether it is a US note, whether usage is counted over it, weight, setting, candidates."""

    us: bool
    counted: bool
    weight: float
    setting: Setting | None
    gold: int
    matches: Matches
    by_variant: Mapping[str, Described]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Figures of one variant; ``counts`` holds found and all, a row a note, for each figure."""

    kind: str
    left_out: str
    counts: Mapping[str, NDArray[np.float64]]

    def figure(self, name: str, draw: NDArray[np.float64] | None = None) -> NDArray[np.float64] | float:
        """The ratio over all notes, or one for each drawn sample of notes, shape ``(samples,)``."""
        sums = (np.ones(len(self.counts[name])) if draw is None else draw) @ self.counts[name]
        return float(sums[0] / max(sums[1], 1)) if draw is None else sums[:, 0] / np.maximum(sums[:, 1], 1)


FIGURES: Final[dict[str, str]] = {
    "core_among_ten": "core diagnoses among the first ten (US and practice notes)",
    "precision": "precision at 0.5 confidence or more",
    "core_confident": "core diagnoses at 0.5 or more",
    "core_among_all": "core diagnoses among all candidates",
    "map": "MAP of exact codes (CodiEsp train)",
}


def without(candidates: Sequence[CodeSupport], drop: Drop) -> list[CodeSupport]:
    """Candidates whose supports are those that are not dropped; none without support.

    A combination code loses its support where one of its conditions has no candidate any more.
    """
    alive = {c.row for c in candidates if any(not drop(s) for s in c.supports)}
    out: list[CodeSupport] = []
    for candidate in candidates:
        joins = [kept for joined in candidate.joins if (kept := _narrowed(joined, alive)) is not None]
        supports = [
            s for s in candidate.supports if not drop(s) and (joins or s.method is not Method.COMBINATION)
        ]
        if not any(s.method is Method.COMBINATION for s in supports):
            joins = []
        if supports:
            out.append(CodeSupport(candidate.system, candidate.row, supports, joins=joins))
    rows = {c.row for c in out}
    for candidate in out:
        candidate.joins = [kept for j in candidate.joins if (kept := _narrowed(j, rows)) is not None]
    replaced = {row for c in out for joined in c.joins for row in joined.replaced}
    for candidate in out:
        candidate.replaced = candidate.row in replaced
    return out


def _narrowed(joined: Joined, alive: set[int]) -> Joined | None:
    """What a combination joins among candidates that are there; None if a condition has none."""
    conditions = tuple(tuple(row for row in rows if row in alive) for rows in joined.conditions)
    if any(had and not has for had, has in zip(joined.conditions, conditions, strict=True)):
        return None
    return Joined(conditions, tuple(row for row in joined.replaced if row in alive))


def drops(bench: Bench, reading: Reading) -> dict[str, Drop]:
    """For each way to a candidate, which supports of a reading took it."""
    terms, term_of = bench.releases.terms, reading.matches.term

    def of_source(sources: frozenset[Source]) -> Drop:
        return lambda s: (
            s.method is not Method.VALUE and Source(int(terms.term_source[term_of[s.match]])) in sources
        )

    def of_method(methods: frozenset[Method]) -> Drop:
        return lambda s: s.method in methods

    return {name: of_method(m) for name, m in METHODS.items()} | {
        name: of_source(sources) for name, sources in SOURCES.items()
    }


def describe(bench: Bench, note: GoldNote, *, us: bool, counted: bool, weight: float) -> Told:
    """Read a note and describe its candidates, whole (``""``) and without each way to them."""
    reading = bench.read(note.note.text)
    setting = note.note.setting
    found = [c for c in bench.finder.find(reading, setting=setting) if c.system == SYSTEM]
    expected = [code for code in note.codes if code.system == SYSTEM]
    core = [code for code in expected if code.status == "core"]
    own = bench.finder.own
    m = reading.matches

    def described(candidates: list[CodeSupport]) -> Described:
        features, scored = bench.features.build(reading, candidates, setting=setting)
        codes = [bench.codes[SYSTEM][item.candidate.row] for item in scored]
        held = [
            gate(
                [
                    reading.assertion_of(
                        int(m.first[s.match]),
                        int(m.final[s.match]),
                        int(m.anchor[s.match]),
                        own=int(own[m.term[s.match]]),
                    )
                    if s.flags
                    else AFFIRMED
                    for s in vouching(item.candidate.supports)
                ],
                code=code,
                setting=setting,
            )
            is not None
            for item, code in zip(scored, codes, strict=True)
        ]
        general, seen = with_meaning(bench, reading, scored, features)
        return Described(
            features=general,
            scored=scored,
            right=np.array([is_right(code, expected, SYSTEM) for code in codes], dtype=np.bool_),
            held=np.array(held, dtype=np.bool_),
            core=np.array(
                [[is_right(code, [one], SYSTEM) for code in codes] for one in core], dtype=np.bool_
            ).reshape(len(core), len(codes)),
            exact=np.isin(codes, [one.code for one in expected]),
            sighting=seen,
        )

    all_of_them = described(found)
    by_variant = {"": all_of_them}
    for name, drop in drops(bench, reading).items():
        touched = any(drop(s) for c in found for s in c.supports)
        by_variant[name] = described(without(found, drop)) if touched else all_of_them
    return Told(
        us=us,
        counted=counted,
        weight=weight,
        setting=setting,
        gold=len(expected),
        matches=m,
        by_variant=by_variant,
    )


def out_of_fold(
    features: NDArray[np.float32],
    right: NDArray[np.bool_],
    group: NDArray[np.int64],
    weight: NDArray[np.float64],
    *,
    folds: int,
    **options: Any,
) -> NDArray[np.float64]:
    """Confidence of each row by a ranker that was fitted on other notes, calibrated as the shipped one is."""
    raw = np.zeros(len(right))
    for train, test in GroupKFold(folds).split(features, right, group):
        model = classifier(**options).fit(features[train], right[train], sample_weight=weight[train])
        raw[test] = TreeEnsemble.from_estimator(model).predict(features[test])
    return np.clip(calibrate(raw, right, weight).apply(raw) + 1e-6 * np.tanh(raw / 4), 0.0, 1.0)


def figures(
    us: bool, told: Described, gold_codes: int, confidence: NDArray[np.float64]
) -> dict[str, tuple[float, float]]:
    """Found and all of one note, for each figure; held candidates have no confidence (-1).

    US notes count for all figures but MAP, the others for MAP only.
    """
    order = np.argsort(-confidence, kind="stable")
    order = order[confidence[order] >= 0]
    none = (0.0, 0.0)
    if not us:
        ranks = np.flatnonzero(told.exact[order]) + 1
        precision = float(np.sum(np.arange(1, len(ranks) + 1) / ranks)) / max(gold_codes, 1)
        return dict.fromkeys(FIGURES, none) | {"map": (precision, 1.0) if gold_codes else none}
    sure = confidence >= CONFIDENT
    core = told.core
    total = float(len(core))
    return {
        "core_among_ten": (float(core[:, order[:AMONG]].any(axis=1).sum()), total),
        "precision": (float((told.right & sure).sum()), float(sure.sum())),
        "core_confident": (float(core[:, sure].any(axis=1).sum()), total),
        "core_among_all": (float(core[:, order].any(axis=1).sum()), total),
        "map": none,
    }


def score(
    notes: Sequence[Told],
    confidence: NDArray[np.float64],
    variant: str,
    bench: Bench,
    *,
    settled: bool = True,
    gated: bool = True,
) -> dict[str, NDArray[np.float64]]:
    """Found and all of each note, shape ``(notes, 2)``, for each figure."""
    ends = np.cumsum([0, *(len(note.by_variant[variant].right) for note in notes)])
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in FIGURES}
    for note, (begin, end) in zip(notes, pairwise(ends.tolist()), strict=True):
        told, own = note.by_variant[variant], confidence[begin:end]
        if settled:
            own = settle(
                note.matches,
                told.scored,
                own,
                unspecified=bench.features.unspecified,
                gives_way=bench.gives_way,
                company=bench.company,
                one_of=bench.one_of,
                setting=note.setting,
            )
        if gated:
            own = np.where(told.held, -1.0, own)
        for name, pair in figures(note.us, told, note.gold, own).items():
            rows[name].append(pair)
    return {name: np.array(pairs, dtype=np.float64).reshape(-1, 2) for name, pairs in rows.items()}


def ablate(
    notes: Sequence[Told],
    bench: Bench,
    *,
    folds: int,
    kinds: Collection[str] = KINDS,
    progress: Callable[[Row], None] = lambda _: None,
    **options: Any,
) -> list[Row]:
    """The figures of the whole ranker (first) and of each variant that leaves something out."""

    @lru_cache(maxsize=1)
    def with_columns(variant: str) -> Examples:
        told = [note.by_variant[variant] for note in notes]
        sizes = [len(one.right) for one in told]
        data = Examples(
            features=np.concatenate([one.features for one in told]),
            right=np.concatenate([one.right for one in told]),
            central=np.concatenate([one.core.any(axis=0) for one in told]),
            group=np.repeat(np.arange(len(notes)), sizes),
            weight=np.repeat([note.weight for note in notes], sizes),
            sightings=[one.sighting for one in told],
        )
        return with_usage(data, np.array([note.counted for note in notes]))[0]

    def fitted(variant: str, dropped: Sequence[str] = ()) -> NDArray[np.float64]:
        data = with_columns(variant)
        features = data.features.copy()
        features[:, [COLUMNS.index(name) for name in dropped]] = 0.0
        return out_of_fold(features, data.right, data.group, data.weight, folds=folds, **options)

    whole = fitted("")
    rows = [
        Row(kind="", left_out="nothing", counts=score(notes, whole, "", bench)),
        Row(kind="step", left_out="settling", counts=score(notes, whole, "", bench, settled=False)),
        Row(kind="step", left_out="gate of assertions", counts=score(notes, whole, "", bench, gated=False)),
    ]
    for row in rows:
        progress(row)
    for name, columns in FEATURE_GROUPS.items() if "features" in kinds else ():
        counts = score(notes, fitted("", columns), "", bench)
        rows.append(Row(kind="features", left_out=name, counts=counts))
        progress(rows[-1])
    for name in (*METHODS, *SOURCES) if "candidates" in kinds else ():
        if all(note.by_variant[name] is note.by_variant[""] for note in notes):
            continue
        counts = score(notes, fitted(name), name, bench)
        rows.append(Row(kind="candidates", left_out=name, counts=counts))
        progress(rows[-1])
    return rows


def difference(row: Row, base: Row, name: str, *, seed: int = 0) -> tuple[float, float, float]:
    """By how much a variant's figure is above the whole ranker's, with its 95 % interval."""
    drawn = np.random.default_rng(seed).multinomial(
        len(base.counts[name]), np.full(len(base.counts[name]), 1 / len(base.counts[name])), SAMPLES
    )
    draw = drawn.astype(np.float64)
    low, high = np.percentile(np.asarray(row.figure(name, draw)) - base.figure(name, draw), (2.5, 97.5))
    return float(row.figure(name)) - float(base.figure(name)), float(low), float(high)


def records(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Every variant with its figures and differences, for JSON."""
    return [
        {
            "kind": row.kind,
            "left_out": row.left_out,
            "figures": {
                name: {
                    "value": round(float(row.figure(name)), 4),
                    "of": round(float(row.counts[name][:, 1].sum())),
                    "difference_95": [round(value, 4) for value in difference(row, rows[0], name)],
                }
                for name in FIGURES
            },
        }
        for row in rows
    ]


def markdown(rows: Sequence[Row]) -> str:
    """The table of the guide: the whole ranker's figures, then differences in points, bold where certain."""
    lines = [
        "| left out | among ten | precision | confident | among all | MAP |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        cells = [
            f"{float(row.figure(name)):.3f}" if row is rows[0] else cell(*difference(row, rows[0], name))
            for name in FIGURES
        ]
        name = row.left_out if not row.kind else f"{row.kind}: {row.left_out}"
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cell(value: float, low: float, high: float) -> str:
    """A difference in points of a hundred; bold if its interval leaves 0 out.

    >>> cell(-0.021, -0.03, -0.01), cell(0.004, -0.01, 0.02), cell(0.0, 0.0, 0.0)
    ('**-2.1**', '+0.4', '0')
    """
    if not (value or low or high):
        return "0"
    return f"**{100 * value:+.1f}**" if low > 0 or high < 0 else f"{100 * value:+.1f}"


def chosen(notes: Sequence[GoldNote], number: int | None) -> list[GoldNote]:
    """The notes whose ids have the smallest hashes, in their own order; all without a number."""
    if number is None:
        return list(notes)
    order = sorted(notes, key=lambda one: hashlib.sha256(one.note.id.encode()).hexdigest())
    kept = {one.note.id for one in order[:number]}
    return [one for one in notes if one.note.id in kept]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("shared", type=Path, help="folder that holds codiesp/ and notes/")
    parser.add_argument("--codiesp", type=int, metavar="N", help="that many notes of CodiEsp train, not all")
    parser.add_argument("--practice", type=Path, default=PRACTICE, help="folder of practice notes")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=160, help="trees of each ranker (default 160)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="what is left out in turn")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    codiesp = chosen(gold(options.shared / "codiesp" / "train.jsonl"), options.codiesp)
    tune = gold(options.shared / "notes" / "us_notes_gold.jsonl", "tune")
    practice = [note for path in sorted(options.practice.glob("*.jsonl")) for note in gold(path)]
    bench = Bench.over(open_catalog(Settings.load()).release_set()[0])
    beside = bool(codiesp)
    notes = [
        describe(bench, note, us=True, counted=True, weight=practice_weight(note, beside_codiesp=beside))
        for note in unsettled(practice)
    ]
    notes += [describe(bench, note, us=True, counted=False, weight=US_WEIGHT) for note in tune]
    notes += [describe(bench, note, us=False, counted=False, weight=CODIESP_WEIGHT) for note in codiesp]
    rows = ablate(
        notes,
        bench,
        folds=options.folds,
        kinds=options.kinds,
        progress=_progress(began),
        **{**FITTING["diagnosis"], "max_iter": options.iterations},
    )
    head = {
        "us_notes": len(tune) + len(practice),
        "codiesp_notes": len(codiesp),
        "folds": options.folds,
        "trees": options.iterations,
    }
    if options.json:
        print(json.dumps(head | {"variants": records(rows)}, indent=1))
    else:
        print(", ".join(f"{name}: {value}" for name, value in head.items()), markdown(rows), sep="\n\n")
    return 0


def _progress(began: float) -> Callable[[Row], None]:
    """Says on standard error what has been measured, so that a long run shows its figures as they come."""

    def said(row: Row) -> None:
        values = " ".join(f"{name} {float(row.figure(name)):.3f}" for name in FIGURES)
        print(
            f"{time.monotonic() - began:.0f} s: without {row.left_out}: {values}", file=sys.stderr, flush=True
        )

    return said


if __name__ == "__main__":
    raise SystemExit(main())
