"""What the tests of reading, ranking and rules share: one engine a session, a small index of our own words.

Nothing here is a test. Engines are kept by the catalog they were made of, so that every module that asks gets
the same one.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from small_codesets import small_world

from suggester.codesets import Catalog, build_all
from suggester.codesets.lexicon import DrugRow, DrugUnitRow, Lexicon, PhraseRow, SenseRow
from suggester.codesets.store import open_stores
from suggester.codesets.terms import TermIndex
from suggester.codesets.terms_compile import compile_terms
from suggester.config import Settings
from suggester.pipeline.tokenizer import cut
from suggester.pipeline.wordids import WordIds, WordReader
from suggester.ranking.bench import Bench
from suggester.ranking.candidates import CodeSupport
from suggester.ranking.describing import HEADS
from suggester.ranking.model import Calibration, Ranker
from suggester.ranking.sighting import Sighting
from suggester.ranking.trees import TreeEnsemble
from suggester.ranking.usage import Usage
from suggester.suggest import Suggester
from suggester.types import Note, Suggestion, Suggestions

SMALL_LEXICON = Lexicon(
    icd10cm=tuple(
        PhraseRow(phrase, code)
        for phrase, code in (
            ("diabetes", "E11.9"),
            ("chest pain", "S61.5"),
            ("heart failure", "T30"),
            ("congestive heart failure", "T30"),
            ("multiple sclerosis", "S61.4"),
            ("mitral stenosis", "S61.5"),
            ("shortness of breath", "E11.65"),
            ("nicotine dependence", "E11.6"),
            ("history of nicotine use", "E11.65"),
            ("pneumonia", "T30"),
            ("knee osteoarthritis", "S61.411"),
            ("smoker", "E11.6"),
        )
    ),
    cpt=(PhraseRow("blood draw", "36415", "blood draw from a vein"),),
    hcpcs=(PhraseRow("taxi ride", "A0100"),),
    drugs=(DrugRow(("ketorolac", "toradol"), "nsaid", "", ()), DrugRow(("metformin",), "biguanide", "", ())),
    drug_units=(DrugUnitRow("ketorolac", "J1885", 15.0, "mg", ("IM",)),),
    synonyms=(
        ("sugar trouble", "diabetes"),
        ("sugar", "glucose"),
        ("bad sugar trouble", "pneumonia"),
        ("smoker", "nicotine dependence"),
        ("former smoker", "history nicotine use"),
        ("dyspneic", "shortness of breath"),
        ("glucose", "dextrose"),
    ),
    senses=(
        SenseRow("MS", "multiple sclerosis", True, (), ("lesion", "neurologist"), ()),
        SenseRow("MS", "mitral stenosis", True, (), ("murmur",), ("neurologist",)),
        SenseRow("MS", "mental status", True, ("exam",), (), ()),
        SenseRow("HF", "heart failure", False, (), (), ()),
        SenseRow("CP", "chest pain", False, (), (), ("palsy",)),
        SenseRow("L/S", "lumbar spine", False, (), (), ()),
    ),
    misspellings=(("nemonia", "pneumonia"),),
    word_forms=(("diabetic", "diabetes"),),
    stop_words=frozenset(("of", "and", "with", "the", "both", "a", "has", "in", "is")),
    not_alone=frozenset(),
    short_words=(),
)
"""Phrases, synonyms and senses whose meaning the tests own; codes are those of the small code sets."""


def small_terms(folder: Path, lexicon: Lexicon = SMALL_LEXICON) -> TermIndex:
    """A term index over the small code sets and a lexicon."""
    sources, built = folder / "sources", folder / "built"
    sources.mkdir()
    with small_world(sources):
        build_all(Settings.load(store_dir=built))
        by_system = {store.release.system: store for store in open_stores(built)}
    path = folder / "small.terms"
    compile_terms(
        path,
        icd10cm=by_system["ICD-10-CM"],
        cpt=by_system["CPT"],
        hcpcs=by_system["HCPCS"],
        lexicon=lexicon,
        key="small",
    )
    return TermIndex(path)


def read_words(reader: WordReader, text: str, *, section: str = "hpi") -> WordIds:
    """Word ids of a text whose sentences end with a stop between blanks."""
    table, _ = cut(text)
    sentence, number = [], 0
    for piece in table.text:
        sentence.append(number)
        number += piece == "."
    return reader.read(table, table.is_word, sentence, [section] * len(sentence))


@cache
def bench_of(catalog: Catalog) -> Bench:
    """The bench over the newest releases of a catalog."""
    return Bench.over(catalog.release_set()[0])


@cache
def engine_of(catalog: Catalog) -> Suggester:
    """The engine over a catalog, with the shipped model and the default settings, on the shared bench."""
    settings = Settings(store_dir=catalog.folder)
    return on_shared_bench(
        Suggester(settings=settings, catalog=catalog, ranker=Ranker.load(settings.model)), catalog
    )


def on_shared_bench(engine: Suggester, catalog: Catalog) -> Suggester:
    """The same engine, spared of building a bench of its own."""
    bench = bench_of(catalog)
    engine._benches[tuple(release.file_name for release in bench.releases.releases)] = bench
    return engine


def code_of(bench: Bench, candidate: CodeSupport) -> str:
    """Code of a candidate."""
    return bench.codes[candidate.system][candidate.row]


def codes(result: Suggestions) -> list[str]:
    """The suggested codes in order."""
    return [s.code.code for s in result.suggestions]


def suggestion(result: Suggestions, code: str) -> Suggestion:
    """The suggestion of a code; an assertion error that lists the codes if there is none."""
    found = [s for s in result.suggestions if s.code.code == code]
    assert found, f"{code} is not among {codes(result)}"
    return found[0]


def check_invariants(note: Note, result: Suggestions) -> None:
    """What holds of every result, whatever the note."""
    text = note.text
    assert result.note_id == note.id
    assert [s.rank for s in result.suggestions] == list(range(1, len(result.suggestions) + 1))
    # services stand in the order of their confidence; diagnoses in that of what the note is about
    services = [
        (-s.confidence, s.code.system, s.code.code)
        for s in result.suggestions
        if s.code.system != "ICD-10-CM"
    ]
    assert services == sorted(services)
    assert len({(s.code.system, s.code.code) for s in result.suggestions}) == len(result.suggestions)
    for item in result.suggestions:
        assert item.code.billable
        assert note.service_date is None or item.code.valid_from <= note.service_date
        assert 0.0 <= item.confidence <= 1.0
        assert item.evidence
        assert item.reasons
        assert all(reason and reason == reason.strip() for reason in item.reasons)
        spans = [evidence.span for evidence in item.evidence]
        assert spans == sorted(spans)
        assert not any(a.overlaps(b) for a, b in pairwise(spans))
        for evidence in item.evidence:
            assert evidence.quote
            assert text[evidence.span.start : evidence.span.end] == evidence.quote
    for entry in result.not_coded:
        assert text[entry.span.start : entry.span.end] == entry.quote
        assert entry.quote
        assert entry.would_be
        assert entry.reason in {
            "negated",
            "family",
            "hypothetical",
            "uncertain in outpatient",
            "below threshold",
            "rival chosen",
        }
    keys = [(e.span.start, e.span.end, e.reason) for e in result.not_coded]
    assert keys == sorted(set(keys))


def plain_trees(*, feature: int, threshold: float, low: float, high: float) -> TreeEnsemble:
    """One stump: ``low`` where the feature is at most the threshold, else ``high``."""
    names = ["is_leaf", "num_threshold", "feature_idx", "left", "right", "value", "depth"]
    nodes = np.array(
        [(0, threshold, feature, 1, 2, 0.0, 0), (1, 0.0, 0, 0, 0, low, 1), (1, 0.0, 0, 0, 0, high, 1)],
        dtype=[(name, "f8" if name in ("num_threshold", "value") else "i8") for name in names],
    )
    fitted = SimpleNamespace(_predictors=[[SimpleNamespace(nodes=nodes)]], _baseline_prediction=[[0.0]])
    return TreeEnsemble.from_estimator(fitted)


def stump_ranker(*, feature: int, threshold: float, low: float = -2.0, high: float = 2.0) -> Ranker:
    """A ranker whose confidence is 0.1 or 0.9 by one feature, so that a test knows what it will say."""
    trees = plain_trees(feature=feature, threshold=threshold, low=low, high=high)
    calibration = Calibration(raw=np.array([-2.0, 2.0]), probability=np.array([0.1, 0.9]))
    return Ranker(
        name="stump",
        version="1",
        trees=dict.fromkeys(HEADS, trees),
        calibration=dict.fromkeys(HEADS, calibration),
        central=trees,
        usage=dict.fromkeys(HEADS, Usage.none()),
        card={"limits": "none"},
    )


def nothing_seen() -> Sighting:
    """A note without candidates, as usage sees it."""
    none = np.zeros(0, dtype=np.int64)
    never = np.zeros(0, dtype=np.bool_)
    return Sighting([], [], [], never, never, never, none, none, none, none, [], [])
