"""The same note gives the same result: whatever the text, whatever was read before, whoever does the work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from engine_world import check_invariants, engine_of, stump_ranker
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from suggester.batch import run
from suggester.codesets import Catalog
from suggester.config import Settings
from suggester.contract import to_json_line
from suggester.pipeline import matching
from suggester.pipeline.wordids import WordReader
from suggester.ranking.features import NAMES
from suggester.suggest import Suggester
from suggester.types import SETTINGS, Note, Setting

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

FRAGMENTS = [
    "Type 2 diabetes with neuropathy",
    "no chest pain",
    "left knee OA",
    "Follow-up",
    "ASSESSMENT:",
    "PLAN\n1.",
    "FAMILY HISTORY\nmother had breast cancer",
    "possible pneumonia vs CHF",
    "BMI 41.2",
    "30 weeks gestation",
    "metformin 500 mg BID",
    "Tdap given",
    "- [x] cough",
    "h/o MI 2019",
    "🫀💊",
    "e\u0301\u0327\u200d",
    "\r\n\r\n",
    "\x0b\x0c\x1c\x85\u2028",
    "\x01\x07\x1b[31m",
    "\ufeff\u200b\u202e",
    "ﬁbrosis Ⅳ ½ ²",
    "\t|\t::: ### ***",
    "a" * 300,
    "1.1.1.1) (((",
    "\ud800",
]
NOTES = st.one_of(
    st.text(max_size=120),
    st.lists(st.sampled_from(FRAGMENTS), max_size=12).map(" ".join),
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=8)), max_size=10).map("\n".join),
)
SETTING = st.sampled_from([None, *SETTINGS])


@pytest.fixture(scope="module")
def engine(catalog: Catalog) -> Suggester:
    return engine_of(catalog)


def line(engine: Suggester, text: str, setting: Setting | None = None) -> str:
    return to_json_line(engine.suggest(Note(id="n", text=text, setting=setting)))


@QUICK
@given(NOTES, SETTING)
@example("", None)
@example("\n" * 500 + "gout", None)
@example("x" * 20_000 + " pneumonia", "inpatient")
@example("pneumonia " * 300, "outpatient")
@example("1.\n2.\n3.\n# \n- \n", None)
def test_no_text_raises_and_every_result_keeps_its_promises(
    engine: Suggester, text: str, setting: Setting | None
) -> None:
    note = Note(id="n", text=text, setting=setting)
    result = engine.suggest(note)
    check_invariants(note, result)
    assert to_json_line(engine.suggest(note)) == to_json_line(result)


@QUICK
@given(NOTES, NOTES, SETTING)
def test_what_was_read_before_does_not_matter(
    engine: Suggester, before: str, text: str, setting: Setting | None
) -> None:
    """Every memo of the engine holds what is true of any note, never of one."""
    expected = line(engine, text, setting)
    line(engine, before, "inpatient")
    assert line(engine, text, setting) == expected


def test_an_engine_that_read_much_answers_as_a_new_one(catalog: Catalog, engine: Suggester) -> None:
    texts = [" ".join(FRAGMENTS[i:] + FRAGMENTS[:i]) for i in range(0, len(FRAGMENTS), 4)]
    for text in texts:
        line(engine, text)
    used = [line(engine, text) for text in texts]
    fresh = Suggester(settings=engine.settings, catalog=catalog, ranker=engine.ranker)
    assert [line(fresh, text) for text in reversed(texts)] == used[::-1]


def test_ids_of_notes_do_not_change_the_codes(engine: Suggester) -> None:
    text = "Assessment: type 2 diabetes, left knee pain. No gout."
    one, other = (engine.suggest(Note(id=name, text=text)) for name in ("a", "zz"))
    assert [(s.code, s.confidence) for s in one.suggestions] == [
        (s.code, s.confidence) for s in other.suggestions
    ]


def test_a_longer_note_costs_in_proportion(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: words looked up and ids matched, for a note and for 40 times that note."""
    engine = Suggester(
        settings=Settings(store_dir=catalog.folder),
        catalog=catalog,
        ranker=stump_ranker(feature=NAMES.index("coverage"), threshold=0.999),
    )
    counts = {"look_up": 0, "matched": 0, "largest": 0, "found": 0}
    look_up, match = WordReader._look_up, matching.TermMatcher._match

    def counted_look_up(self: WordReader, word: str) -> object:
        counts["look_up"] += 1
        return look_up(self, word)

    def counted_match(self: matching.TermMatcher, ids: object, *rest: object) -> matching.Matches:
        found = match(self, ids, *rest)  # type: ignore[arg-type]
        counts["matched"] += len(ids)  # type: ignore[arg-type]
        counts["largest"] = max(counts["largest"], len(ids))  # type: ignore[arg-type]
        counts["found"] += len(found)
        return found

    monkeypatch.setattr(WordReader, "_look_up", counted_look_up)
    monkeypatch.setattr(matching.TermMatcher, "_match", counted_match)
    text = (
        "Assessment: type 2 diabetes with neuropathy, left knee pain.\nNo chest pain. Mother had gout.\n" * 6
    )
    line(engine, text)
    once = dict(counts)
    line(engine, text * 40)
    assert counts["look_up"] == once["look_up"]
    assert counts["matched"] - once["matched"] <= 41 * once["matched"]
    assert counts["found"] - once["found"] <= 60 * once["found"]
    assert counts["largest"] <= 2 * matching._CHUNK


@pytest.mark.slow
@pytest.mark.shared
def test_one_worker_and_two_write_the_same_bytes(
    settings: Settings, shared_data: Path, tmp_path: Path
) -> None:
    source = shared_data / "notes" / "aci_bench_visits.jsonl"
    few = tmp_path / "few.jsonl"
    lines = source.read_text(encoding="utf-8").splitlines()[5:125:10]
    few.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert len(lines) == 12
    written = []
    for workers in (1, 2):
        output = tmp_path / f"out-{workers}.jsonl"
        summary = run(few, output, settings=settings, workers=workers)
        assert (summary.done, summary.failed) == (12, 0)
        written.append(output.read_bytes())
    assert written[0] == written[1]
    ids = [json.loads(one)["id"] for one in written[0].decode().splitlines()]
    assert ids == [json.loads(one)["id"] for one in lines]
