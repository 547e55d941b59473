"""What coded practice notes tell: counts that shrink, words around, out of fold, and the same from disk."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from engine_world import bench_of, nothing_seen, stump_ranker

from suggester.codesets import Catalog
from suggester.ranking.bench import Bench
from suggester.ranking.describing import COLUMNS, GENERAL, by_head, described, sighting
from suggester.ranking.learning.judges import GeneralJudge
from suggester.ranking.sighting import Sighting, category_of
from suggester.ranking.training import Examples, examples, with_usage
from suggester.ranking.usage import USAGE_NAMES, Usage
from suggester.types import GoldCode, GoldNote, Note


def seen(text: str, mentions: Sequence[tuple[int, str, str]], *, whole: bool = True) -> Sighting:
    """A note of one sentence with mentions of one word: place, phrase and code."""
    words = text.lower().split()
    size = len(mentions)
    first = np.array([place for place, _, _ in mentions], dtype=np.int64)
    return Sighting(
        codes=[code for _, _, code in mentions],
        categories=[category_of(code) for _, _, code in mentions],
        phrases=[phrase for _, phrase, _ in mentions],
        affirmed=np.ones(size, dtype=np.bool_),
        whole=np.full(size, whole),
        fitting=np.ones(size, dtype=np.bool_),
        first=first,
        final=first,
        begin=np.zeros(size, dtype=np.int64),
        stop=np.full(size, len(words), dtype=np.int64),
        kinds=["assessment"] * size,
        words=words,
    )


def column(table: np.ndarray, name: str) -> float:
    return float(table[0, USAGE_NAMES.index(name)])


def learned(rows: Sequence[tuple[str, Sequence[tuple[int, str, str]], bool]]) -> Usage:
    notes = [seen(text, mentions) for text, mentions, _ in rows]
    right = [np.full(len(mentions), good) for _, mentions, good in rows]
    return Usage.learned(notes, right, right)


ASTHMA = (1, "asthma", "J45.909")
COUGH = (1, "cough", "R05.9")


def test_a_phrase_that_is_coded_each_time_tells_for_its_code_and_one_that_never_is_against() -> None:
    usage = learned([("has asthma today", [ASTHMA], True), ("has cough today", [COUGH], False)] * 10)
    good = usage.columns(seen("new asthma", [ASTHMA]))
    bad = usage.columns(seen("new cough", [COUGH]))
    for name in ("category_rate", "code_rate", "phrase_rate", "code_any_rate", "code_core_rate"):
        assert column(good, name) > 0.8 > 0.2 > column(bad, name), name
    assert column(good, "phrase_named") == pytest.approx(np.log1p(10))
    assert column(good, "context") > 0 > column(bad, "context")
    assert usage.told("asthma", "J45.909", whole=True) == (10, 10)
    assert usage.told("cough", "R05.9", whole=True) == (10, 0)
    assert usage.told("wheeze", "R06.2", whole=True) is None


def test_a_phrase_in_part_is_counted_by_itself() -> None:
    chronic = (1, "chronic ptsd", "F43.12")
    rows = [(seen("chronic ptsd", [chronic]), True), (seen("the ptsd", [chronic], whole=False), False)] * 10
    good = [np.array([right]) for _, right in rows]
    usage = Usage.learned([note for note, _ in rows], good, good)
    whole, part = (usage.columns(seen("ptsd", [chronic], whole=how)) for how in (True, False))
    assert column(whole, "phrase_rate") > 0.8 > 0.2 > column(part, "phrase_rate")
    assert column(whole, "phrase_core_rate") > 0.8 > 0.2 > column(part, "phrase_core_rate")
    assert column(whole, "code_rate") == column(part, "code_rate")
    assert usage.told("chronic ptsd", "F43.12", whole=True) == (10, 10)
    assert usage.told("chronic ptsd", "F43.12", whole=False) == (10, 0)
    unseen = usage.columns(seen("ptsd", [(1, "old ptsd", "F43.12")], whole=False))
    assert column(unseen, "phrase_rate") < 0.2
    assert Usage.learned([rows[1][0]], [np.array([False])], [np.array([False])]).phrases == {}


def test_what_was_never_seen_is_unknown_and_takes_the_rate_of_its_category() -> None:
    usage = learned([("has asthma today", [ASTHMA], True), ("has cough today", [COUGH], False)] * 10)
    sibling = usage.columns(seen("new wheeze", [(1, "brittle asthma", "J45.50")]))
    stranger = usage.columns(seen("new gout", [(1, "gout", "M10.9")]))
    assert column(sibling, "phrase_rate") == column(sibling, "category_rate") > 0.8
    assert column(stranger, "phrase_rate") == pytest.approx(0.5)
    assert column(sibling, "code_named") == column(stranger, "category_named") == 0.0


def test_the_words_around_a_mention_tell() -> None:
    rows = [(f"treated {d} here", [(1, d, c)], True) for d, c in (("gout", "M10.9"), ("acne", "L70.0"))]
    rows += [(f"discussed {d} here", [(1, d, c)], False) for d, c in (("gout", "M10.9"), ("acne", "L70.0"))]
    usage = learned(rows * 5)
    treated = usage.context(seen("treated mumps here", [(1, "mumps", "B26.9")]))[0]
    discussed = usage.context(seen("discussed mumps here", [(1, "mumps", "B26.9")]))[0]
    assert treated[0] > 0 > discussed[0]
    assert treated[1] > discussed[1]


def test_digits_in_words_are_alike() -> None:
    usage = learned(
        [("dose 12mg gout", [(2, "gout", "M10.9")], True), ("no gout", [(1, "gout", "M10.9")], False)] * 5
    )
    one, other = (usage.context(seen(f"dose {w} gout", [(2, "gout", "M10.9")])) for w in ("34mg", "99mg"))
    assert one.tolist() == other.tolist()


def test_edges_of_a_sentence_are_words_and_words_beyond_them_are_not_looked_at() -> None:
    note = seen("a b c d e", [(2, "c", "R05.9")])
    places = note.places()[:, 0].tolist()
    assert places[:4] == [1, 0, 5, 7]  # two words, the edge, nothing
    assert places[7:11] == [3, 4, 6, 7]
    assert places[14:17] == [0, 1, 2]
    assert set(places[17:]) == {7}


def test_from_disk_as_it_was() -> None:
    usage = learned([("has asthma today", [ASTHMA], True), ("has cough today", [COUGH], False)] * 6)
    again = Usage.from_arrays(usage.to_arrays("x"), "x")
    note = seen("has asthma tomorrow and cough", [ASTHMA, (4, "cough", "R05.9"), (0, "other", "Z99.9")])
    assert again.columns(note).tolist() == usage.columns(note).tolist()
    assert again.told("asthma", "J45.909", whole=True) == (6, 6)


def test_words_keep_their_weights_on_disk_where_notes_have_lines() -> None:
    """Words are stored in lines: a line end among them would give each later word its neighbour's weights."""
    rows = [(f"treated {d} here", [(1, d, c)], True) for d, c in (("gout", "M10.9"), ("acne", "L70.0"))]
    rows += [(f"discussed {d} here", [(1, d, c)], False) for d, c in (("gout", "M10.9"), ("acne", "L70.0"))]
    notes = [seen(text, mentions) for text, mentions, _ in rows * 5]
    for sighting_ in notes:
        sighting_.words[-1:] = ["\n", "then", "\n", "here"]
        sighting_.stop[:] = len(sighting_.words)
    right = [np.array([good]) for _, _, good in rows * 5]
    usage = Usage.learned(notes, right, right)
    again = Usage.from_arrays(usage.to_arrays("x"), "x")
    assert len(again.words) == len(usage.words) == len(again.weights) - 1
    for text in ("treated mumps", "discussed mumps"):
        one = seen(text, [(1, "mumps", "B26.9")])
        one.words.extend(("\n", "then"))
        one.stop[:] = len(one.words)
        assert again.context(one).tolist() == usage.context(one).tolist()
    stored = usage.to_arrays("x")
    as_once = "\n".join(["\n" if word == "<n>" else word for word in usage.words])
    stored["x.words"] = np.frombuffer(as_once.encode(), dtype=np.uint8)
    with pytest.raises(ValueError, match=f"weights of {len(usage.words)} words, but {len(usage.words) + 1}"):
        Usage.from_arrays(stored, "x")


def test_nothing_learned_gives_the_same_for_all_and_survives_the_disk() -> None:
    usage = Usage.from_arrays(Usage.none().to_arrays("x"), "x")
    table = usage.columns(seen("has asthma and cough", [ASTHMA, (3, "cough", "R05.9")]))
    assert table[0].tolist() == table[1].tolist()
    assert usage.columns(nothing_seen()).shape == (0, len(USAGE_NAMES))


def test_memories_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suggester.ranking.usage._KEPT", 2)
    usage = learned([("has asthma today", [ASTHMA], True), ("has cough today", [COUGH], False)] * 3)
    before = usage.columns(seen("has asthma today", [ASTHMA])).tolist()
    usage.columns(seen("w x y z", [(n, f"p{n}", f"A0{n}.0") for n in range(4)]))
    assert usage.columns(seen("has asthma today", [ASTHMA])).tolist() == before
    assert len(usage._known) <= 2


def test_threads_share_a_usage_without_taking_each_others_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suggester.ranking.usage._KEPT", 20)
    codes = [f"A{n:02}.{n % 10}" for n in range(60)]
    usage = learned([(f"x p{n} y", [(1, f"p{n}", c)], n % 3 == 0) for n, c in enumerate(codes)] * 2)
    alone = {n: usage.columns(seen(f"x p{n}", [(1, f"p{n}", c)])).tolist() for n, c in enumerate(codes)}

    def again(start: int) -> bool:
        order = [(start + 7 * step) % 60 for step in range(120)]
        return all(
            usage.columns(seen(f"x p{n}", [(1, f"p{n}", codes[n])])).tolist() == alone[n] for n in order
        )

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(again, range(4)))


@pytest.mark.parametrize(
    ("code", "category"),
    [("E11.9", "E11"), ("I10", "I10"), ("99213", "9921"), ("J1885", "J188"), ("Z23", "Z23")],
)
def test_category_of_a_code(code: str, category: str) -> None:
    assert category_of(code) == category


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


def note(number: int, text: str, *codes: str) -> tuple[GoldNote, float]:
    gold = tuple(GoldCode(system="ICD-10-CM", code=code) for code in codes)
    return GoldNote(note=Note(id=f"n{number}", text=text), codes=gold), 1.0


def test_counted_notes_are_told_of_by_notes_of_other_folds_alone(bench: Bench) -> None:
    """A code that a single note has is unknown to that note, and known to the notes that are not counted."""
    texts = ["Asthma.", "Gout.", "Psoriasis.", "Migraine.", "Pneumonia.", "Hypertension.", "Gout.", ""]
    notes = [note(n, text, "M10.9") for n, text in enumerate(texts)]
    data = examples(bench, notes, "diagnosis")
    counted = np.array([n != 6 for n in range(len(texts))])
    more, usage = with_usage(data, counted)
    assert more.features.shape == (len(data.right), len(COLUMNS))
    assert more.features[:, : len(GENERAL)].tolist() == data.features.tolist()
    named = COLUMNS.index("code_named")
    gout = [c for s in data.sightings for c in s.codes]
    own, other = (
        {
            g: v
            for g, v, c in zip(data.group.tolist(), more.features[:, named].tolist(), gout, strict=True)
            if c == "M10.9"
        }.get(at)
        for at in (1, 6)
    )
    assert own == 0.0
    assert other == pytest.approx(np.log1p(1))
    assert usage.told(bench.finder.phrase(_gout_term(bench)), "M10.9", whole=True) == (1, 1)


def _gout_term(bench: Bench) -> int:
    reading = bench.read("Gout.")
    found = dict(by_head(bench.finder.find(reading, setting=None)))["diagnosis"]
    _, scored = bench.features.build(reading, found, setting=None)
    (item,) = [s for s in scored if bench.code_of(s.candidate) == "M10.9"]
    return int(reading.matches.term[item.best.match])


def test_no_notes_give_no_rows(bench: Bench) -> None:
    data = examples(bench, [], "diagnosis")
    more, _ = with_usage(data, np.zeros(0, dtype=np.bool_))
    assert isinstance(more, Examples)
    assert more.features.shape == (0, len(COLUMNS))


def test_candidates_are_described_by_head_with_usage_behind_the_features(bench: Bench) -> None:
    reading = bench.read("Assessment: gout and asthma. Ketorolac 30 mg IM given.")
    found = bench.finder.find(reading, setting="outpatient")
    ranker = stump_ranker(feature=0, threshold=0.5)
    groups = described(bench, reading, found, usage=ranker.usage, setting="outpatient")
    assert [head for head, _ in groups] == ["diagnosis", "procedure"]
    for _, (table, scored) in groups:
        assert table.shape == (len(scored), len(COLUMNS))
        note = sighting(bench, reading, scored, table)
        assert [reading.table.lower[at] for at in note.first.tolist()]
        assert all(
            b <= f <= e < s for b, f, e, s in zip(note.begin, note.first, note.final, note.stop, strict=True)
        )


def test_a_reason_says_how_often_practice_notes_coded_the_phrase_so(bench: Bench) -> None:
    reading = bench.read("Gout.")
    data, _ = note(0, "Gout.", "M10.9")
    usage = with_usage(examples(bench, [(data, 1.0)] * 6, "diagnosis"), np.ones(6, dtype=np.bool_))[1]
    ranker = stump_ranker(feature=0, threshold=0.5)
    judge = GeneralJudge(replace(ranker, usage={**ranker.usage, "diagnosis": usage}))
    judged = judge.judge(bench, reading, bench.finder.find(reading, setting=None), setting=None)
    (item,) = [j.item for j in judged if bench.code_of(j.item.candidate) == "M10.9"]
    assert judge.reasons(bench, reading, item)[-1] == "practice notes: 6 of 6 with “gout” had this code"
    assert "practice notes" not in " ".join(GeneralJudge(ranker).reasons(bench, reading, item))
