"""``suggester train``: read coded notes, learn, let the gate decide, keep the new model beside the old."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from suggester.errors import ModelError
from suggester.ranking.bench import Bench
from suggester.ranking.candidates import ANY
from suggester.ranking.learning.figures import (
    GateResult,
    Ranked,
    best_threshold,
    calibrated_threshold,
    gate,
    summary,
)
from suggester.ranking.learning.fitting import FEWEST, MOST_FITTED, Example, Fitted, fit, recount
from suggester.ranking.learning.judges import GeneralJudge, Judge, LocalJudge
from suggester.ranking.learning.models import CURRENT_FILE, load_judge_in, save
from suggester.ranking.learning.phrases import PhraseReader
from suggester.ranking.learning.views import CodeTable, gold_of, view
from suggester.types import GoldNote, System
from suggester.version import __version__

HELD_BACK = 0.2
"""Share of the notes that the gate is tried on."""

MOST_DESCRIBED = MOST_FITTED * 3 // 2
"""Notes, in order, among which are the ``MOST_FITTED`` that are not held back."""

PRIVACY = (
    "Phrases are stored as 64-bit hashes with counts; no text of a note, no id of a note or patient is kept. "
    "Who tries words can find the hash of one; treat the model as you treat the codes of the notes."
)
LIMITS = (
    "Learned at one site: it repeats that site's habits, its errors too. Codes that the training notes do "
    "not hold come from the general finder alone. Figures are out of fold on the training notes; later "
    "notes may differ."
)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training came to. ``version`` is None where the gate refused the model."""

    version: str | None
    gate: GateResult | None
    figures: dict[str, Any]
    card: dict[str, Any]


def train(
    bench: Bench,
    notes: Sequence[GoldNote],
    general: GeneralJudge,
    out: Path,
    *,
    data: str,
    licence: str | None = None,
    day: str | None = None,
    research: bool = False,
    gated: bool = True,
    progress: Progress = lambda _: None,
) -> Trained:
    """Learn from coded notes and keep the model if it does not lose on held-back notes.

    Parameters
    ----------
    bench
        Releases in force.
    notes
        Coded notes.
    general
        The general ranker to learn on top of.
    out
        Folder of versions; made if it is not there.
    data, licence
        Name of the notes and their licence, for the card.
    day
        Date for the card; training reads no clock, so that the same notes give the same bytes.
    research
        The model suggests whatever the notes' gold holds, billable or not, negated or not: for comparison
        with published figures alone.
    gated
        False keeps the model whatever the held-back notes say.

    Raises
    ------
    ModelError
        If there are too few notes, or two of them have one id.
    """
    if len({note.note.id for note in notes}) < len(notes):
        raise ModelError("two coded notes have the same id; each note needs its own")
    table = CodeTable(bench)
    ordered = sorted(notes, key=lambda note: (hashlib.sha256(note.note.id.encode()).digest(), note.note.id))
    examples = read_examples(general, bench, ordered, table, most_described=MOST_DESCRIBED, progress=progress)
    result: GateResult | None = None
    trial: Fitted | None = None
    learning: list[Example] = []
    systems = _systems(ordered)
    if gated:
        held = {note.note.id for note in ordered if held_back(note.note.id)}
        learning = [example for example in examples if example.id not in held]
        if not held or len(learning) < FEWEST:
            raise ModelError(
                f"{len(notes)} coded notes are too few to hold some back; give more, or train ungated"
            )
        progress(f"gate: learning from {len(learning)} notes, {len(held)} held back")
        trial = fit(learning, table, progress=progress)
        new = _local(trial, general, systems, research=research)
        in_use: Judge = load_judge_in(out) if (out / CURRENT_FILE).is_file() else general
        kept = [note for note in ordered if note.note.id in held]
        result = gate(
            ranked_by(in_use, bench, kept, systems),
            ranked_by(new, bench, kept, systems),
            thresholds=(
                _threshold(in_use, bench, ordered, systems),
                calibrated_threshold(_shown(trial, research)),
            ),
        )
        progress(
            f"held-back notes: MAP {result.map_in_use} in use, {result.map_new} new; "
            f"F1 {result.f1_in_use} in use, {result.f1_new} new"
        )
        if not result.kept:
            about = _about(trial, bench, ordered, general, data, licence, day, research, result, systems)
            return Trained(None, result, about["out_of_fold"], about)
    progress(f"learning from all {len(examples)} notes")
    if trial is not None and len(learning) >= MOST_FITTED:
        fitted = recount(trial, examples, table, progress=progress)
    else:
        fitted = fit(examples, table, progress=progress)
    about = _about(fitted, bench, ordered, general, data, licence, day, research, result, systems)
    version = save(out, fitted.learned, about)
    return Trained(version, result, about["out_of_fold"], about)


def held_back(note_id: str) -> bool:
    """Whether a note is held back for the gate: the same ones every time."""
    digest = hashlib.sha256(b"held back:" + note_id.encode()).digest()
    return int.from_bytes(digest[:4], "little") < HELD_BACK * 2**32


def read_examples(
    general: GeneralJudge,
    bench: Bench,
    notes: Iterable[GoldNote],
    table: CodeTable,
    *,
    most_described: int | None = None,
    progress: Progress = lambda _: None,
) -> list[Example]:
    """Read notes for learning.

    What the ``general`` ranker looks at is kept for the first ``most_described`` notes (None: for all); the
    ensembles need it, counting does not.
    """
    phrases = PhraseReader(bench.releases.terms)
    out: list[Example] = []
    for number, gold in enumerate(notes, 1):
        reading = bench.read(gold.note.text)
        found = bench.finder.find(reading, setting=gold.note.setting, weakest=ANY)
        if most_described is None or number <= most_described:
            groups = general.ranker.described(bench, reading, found, setting=gold.note.setting)
            found = [item.candidate for _, (_, scored) in groups for item in scored]
            values = np.concatenate([values for _, (values, _) in groups])
            seen = view(reading, found, values, table=table, phrases=phrases)
        else:
            seen = view(reading, found, None, table=table, phrases=phrases)
        out.append(Example(gold.note.id, seen, gold_of(gold, reading, table=table)))
        if number % 500 == 0:
            progress(f"{number} notes read")
    return out


def ranked_by(
    judge: Judge, bench: Bench, notes: Sequence[GoldNote], systems: frozenset[System]
) -> list[Ranked]:
    """What a judge says of coded notes, for the figures; exact codes of some systems count."""
    out: list[Ranked] = []
    for gold in notes:
        reading = bench.read(gold.note.text)
        found = bench.finder.find(reading, setting=gold.note.setting, weakest=judge.weakest)
        wanted = {(c.system, c.code) for c in gold.codes if c.system in systems}
        scored = sorted(
            (
                -j.confidence,
                j.item.candidate.system,
                bench.codes[j.item.candidate.system][j.item.candidate.row],
            )
            for j in judge.judge(bench, reading, found, setting=gold.note.setting)
            if j.item.candidate.system in systems
            and (not judge.gated or _affirmed(j.item.candidate.supports))
        )
        out.append(
            Ranked(
                probability=np.array([-value for value, _, _ in scored]),
                right=np.array([(system, code) in wanted for _, system, code in scored], dtype=np.bool_),
                gold=len(wanted),
            )
        )
    return out


def _affirmed(supports: Iterable[Any]) -> bool:
    return any(not support.flags & 1 for support in supports)


def _threshold(judge: Judge, bench: Bench, notes: Sequence[GoldNote], systems: frozenset[System]) -> float:
    """The threshold of the model in use: its card's, else the best on the notes that are not held back."""
    if isinstance(judge, LocalJudge):
        return float(judge.card["out_of_fold"]["threshold"])
    some = [note for note in notes if not held_back(note.note.id)][:200]
    return best_threshold(ranked_by(judge, bench, some, systems))[0]


def _systems(notes: Sequence[GoldNote]) -> frozenset[System]:
    return frozenset(code.system for note in notes for code in note.codes)


def _shown(fitted: Fitted, research: bool) -> list[Ranked]:
    return fitted.out_of_fold if research else fitted.out_of_fold_billable


def _local(
    fitted: Fitted, general: GeneralJudge, systems: frozenset[System], *, research: bool
) -> LocalJudge:
    return LocalJudge(
        name="trial",
        version="0",
        general=general,
        learned=fitted.learned,
        systems=systems,
        unit=fitted.unit,
        research=research,
        card={},
    )


def _about(
    fitted: Fitted,
    bench: Bench,
    notes: Sequence[GoldNote],
    general: GeneralJudge,
    data: str,
    licence: str | None,
    day: str | None,
    research: bool,
    result: GateResult | None,
    systems: frozenset[System],
) -> dict[str, Any]:
    learned = fitted.learned
    return {
        "what": "learned from coded notes: which words this site codes how",
        "suggester": __version__,
        "date": day,
        "data": {"name": data, "licence": licence, "notes": len(notes)},
        "systems": sorted(systems),
        "unit": fitted.unit,
        "research": research,
        "size": {
            "phrases": len(learned.vocabulary),
            "codes": len(learned.code_names),
            "pairs": len(learned.codes.label),
        },
        "general": {
            "name": general.name,
            "version": general.version,
            "sha256": general.ranker.card.get("sha256"),
        },
        "releases": {release.system: release.id for release in bench.releases.releases},
        "out_of_fold": summary(_shown(fitted, research)),
        "out_of_fold_otherwise": {
            "research": not research,
            **summary(_shown(fitted, not research)),
        },
        "gate": None if result is None else result.to_record(),
        "privacy": PRIVACY,
        "limits": LIMITS,
    }


__all__ = ["HELD_BACK", "Trained", "held_back", "ranked_by", "read_examples", "train"]
