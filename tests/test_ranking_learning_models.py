"""Learning a small site's habits: what the model then suggests, what it stores, how versions are kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_world import bench_of, check_invariants, codes, on_shared_bench, suggestion
from learning_world import HABITS, coded_notes
from typer.testing import CliRunner

from suggester.cli import main
from suggester.codesets import Catalog
from suggester.config import Settings
from suggester.errors import ModelError
from suggester.pinned import CARD_FILE
from suggester.ranking.learning import GeneralJudge, LocalJudge, load_judge, models
from suggester.ranking.learning import training as training_module
from suggester.ranking.learning.fitting import FEWEST, fit
from suggester.ranking.learning.judges import NO_TERM
from suggester.ranking.learning.training import held_back, read_examples, train
from suggester.ranking.learning.views import CodeTable
from suggester.ranking.model import ARRAYS_FILE, Ranker
from suggester.suggest import Suggester
from suggester.types import GoldCode, GoldNote, Note

runner = CliRunner()
MASS = Note(id="new", text="Seen today.\nScan: there is a renal mass again.\nNo fever at night.\n")
ZORB = Note(id="zorb", text="He has zorbical discomfort.\nHer mother has zorbical discomfort.\n")


@pytest.fixture(scope="module")
def general() -> GeneralJudge:
    return GeneralJudge(Ranker.load("general"))


@pytest.fixture(scope="module")
def folder(catalog: Catalog, general: GeneralJudge, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("learned") / "site"
    train(
        bench_of(catalog), coded_notes(), general, out, data="invented notes", day="2026-11-21", gated=False
    )
    return out


@pytest.fixture(scope="module")
def engine(catalog: Catalog, folder: Path) -> Suggester:
    settings = Settings(store_dir=catalog.folder, model=str(folder))
    return on_shared_bench(
        Suggester(settings=settings, catalog=catalog, ranker=load_judge(str(folder))), catalog
    )


def record_of(gold: GoldNote) -> dict[str, Any]:
    return {
        "id": gold.note.id,
        "text": gold.note.text,
        "codes": [
            {"system": c.system, "code": c.code, "evidence": [[s.start, s.end] for s in c.evidence]}
            for c in gold.codes
        ],
    }


def test_the_site_habit_is_suggested_with_its_words(engine: Suggester) -> None:
    result = engine.suggest(MASS)
    check_invariants(MASS, result)
    learned = suggestion(result, "N28.89")
    assert learned.rank == 1
    assert learned.confidence > 0.5
    assert "renal mass" in learned.evidence[0].quote or learned.evidence[0].quote in "renal mass"
    assert learned.reasons[0].startswith("coded notes: ")
    assert result.run.model == "site 001"


def test_a_word_that_no_code_set_knows_is_learned(engine: Suggester) -> None:
    result = engine.suggest(ZORB)
    check_invariants(ZORB, result)
    learned = suggestion(result, "R52")
    sentence = ZORB.text.index("\n")
    assert any(evidence.span.end <= sentence for evidence in learned.evidence)
    assert "zorbical" in learned.reasons[0]


def test_what_is_negated_stays_out(engine: Suggester) -> None:
    note = Note(id="no", text="No zorbical discomfort. No renal mass.\n")
    result = engine.suggest(note)
    check_invariants(note, result)
    assert not {"R52", "N28.89"} & set(codes(result))


def test_systems_that_were_not_taught_stay_with_the_general_model(
    engine: Suggester, catalog: Catalog, general: GeneralJudge
) -> None:
    bench = bench_of(catalog)
    note = Note(id="cpt", text="Procedure: punch biopsy of skin. Complete blood count drawn.\n")
    both = []
    for judge in (general, engine.ranker):
        assert isinstance(judge, GeneralJudge | LocalJudge)
        reading = bench.read(note.text)
        judged = judge.judge(bench, reading, bench.finder.find(reading, setting=None), setting=None)
        both.append(
            {
                (j.item.candidate.system, j.item.candidate.row): j.confidence
                for j in judged
                if j.item.candidate.system != "ICD-10-CM"
            }
        )
    assert both[0] == both[1] != {}


def test_an_empty_note_gives_nothing(engine: Suggester) -> None:
    for text in ("", " \n", "...", "zzz"):
        result = engine.suggest(Note(id="empty", text=text))
        assert result.suggestions == ()


def test_added_matches_have_no_term_and_lie_in_the_note(engine: Suggester, catalog: Catalog) -> None:
    bench = bench_of(catalog)
    reading = bench.read(ZORB.text)
    before = len(reading.matches)
    judge = engine.ranker
    assert isinstance(judge, LocalJudge)
    candidates = bench.finder.find(reading, setting=None)
    before = len(reading.matches)
    judged = judge.judge(bench, reading, candidates, setting=None)
    assert len(reading.matches) > before
    assert set(reading.matches.term[before:].tolist()) == {NO_TERM}
    assert int(reading.matches.final.max()) < len(reading.table.lower)
    assert max(j.item.best.match for j in judged) < len(reading.matches)


@pytest.mark.slow
def test_the_same_notes_in_any_order_give_the_same_bytes(
    catalog: Catalog, general: GeneralJudge, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "site"
    train(
        bench_of(catalog),
        coded_notes()[::-1],
        general,
        out,
        data="invented notes",
        day="2026-11-21",
        gated=False,
    )
    for name in (ARRAYS_FILE, CARD_FILE):
        assert (out / "versions/001" / name).read_bytes() == (folder / "versions/001" / name).read_bytes()


def test_no_word_of_a_note_is_stored(folder: Path) -> None:
    with_words = (folder / "versions/001" / CARD_FILE).read_text() + repr(
        sorted(str(v) for v in models._load_local(folder / "versions/001").learned.to_arrays())
    )
    learned = models._load_local(folder / "versions/001").learned
    texts = [a.tobytes() for a in learned.to_arrays().values() if a.dtype.kind in "SUO"]
    for word in ("zorbical", "discomfort", "clinic", "n12"):
        assert word not in with_words
        assert not any(word.encode() in text for text in texts)


def test_the_card_says_what_it_was_learned_from(folder: Path) -> None:
    card = models.card(folder, "001")
    assert card["data"] == {"name": "invented notes", "licence": None, "notes": 48}
    assert card["systems"] == ["ICD-10-CM"]
    assert card["unit"] == "sentence"
    assert card["research"] is False
    assert card["general"]["name"] == "general"
    assert card["out_of_fold"]["map"] > 0.9
    assert card["limits"]
    assert card["privacy"]
    assert len(card["sha256"]) == 64


@pytest.mark.slow
def test_versions_stay_and_one_is_taken_back(
    catalog: Catalog, general: GeneralJudge, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "site"
    for _ in range(2):
        train(bench_of(catalog), coded_notes(), general, out, data="x", gated=False)
    assert models.versions(out) == ["001", "002"]
    assert models.current_version(out) == "002"
    models.use(out, "001")
    assert load_judge(str(out)).version == "001"
    models.use(out, "general")
    assert isinstance(load_judge(str(out)), GeneralJudge)
    with pytest.raises(ModelError, match="no version '7'; versions: 001, 002"):
        models.use(out, "7")
    assert load_judge(str(out / "versions" / "002")).version == "002"


def test_a_changed_model_is_refused(catalog: Catalog, folder: Path, tmp_path: Path) -> None:
    source = folder / "versions/001"
    for name, change, message in (
        (ARRAYS_FILE, lambda b: b[:-1] + b"x", "hash"),
        (
            CARD_FILE,
            lambda b: b.replace(b'"format": "suggester-learned-2"', b'"format": "other"'),
            "card|model",
        ),
        (CARD_FILE, lambda b: b"{", "card"),
        (CARD_FILE, lambda b: b.replace(b'"credit_sum"', b'"other"'), "another version"),
    ):
        place = tmp_path / f"{name}{len(message)}" / "versions" / "001"
        place.mkdir(parents=True)
        for file in (ARRAYS_FILE, CARD_FILE):
            data = (source / file).read_bytes()
            (place / file).write_bytes(change(data) if file == name else data)
        (place.parents[1] / "current").write_text("001\n")
        with pytest.raises(ModelError, match=message):
            load_judge(str(place.parents[1]))
    (tmp_path / "current").write_text("nowhere\n")
    with pytest.raises(ModelError, match="is missing"):
        load_judge(str(tmp_path))
    with pytest.raises(ModelError, match="no model"):
        load_judge(str(tmp_path / "none"))
    with pytest.raises(ModelError, match="not a folder of learned models"):
        models.current_version(tmp_path / "none")


def test_a_model_on_another_general_model_is_refused(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "model"
    place.mkdir()
    card = json.loads((folder / "versions/001" / CARD_FILE).read_text())
    card["general"]["sha256"] = "0" * 64
    (place / CARD_FILE).write_text(json.dumps(card))
    (place / ARRAYS_FILE).write_bytes((folder / "versions/001" / ARRAYS_FILE).read_bytes())
    with pytest.raises(ModelError, match="another general model"):
        load_judge(str(place))


@pytest.mark.slow
def test_without_evidence_whole_notes_are_counted(
    catalog: Catalog, general: GeneralJudge, tmp_path: Path
) -> None:
    done = train(
        bench_of(catalog), coded_notes(evidence=False), general, tmp_path / "m", data="x", gated=False
    )
    assert done.card["unit"] == "note"
    engine = on_shared_bench(
        Suggester(
            settings=Settings(store_dir=catalog.folder),
            catalog=catalog,
            ranker=load_judge(str(tmp_path / "m")),
        ),
        catalog,
    )
    result = engine.suggest(MASS)
    check_invariants(MASS, result)
    assert "N28.89" in codes(result)[:2]


@pytest.mark.slow
def test_codes_that_are_not_billable_need_the_research_switch(
    catalog: Catalog, general: GeneralJudge, tmp_path: Path
) -> None:
    notes = [
        replace(
            g,
            codes=tuple(
                replace(c, code="N28", acceptable=frozenset()) if c.code == "N28.89" else c for c in g.codes
            ),
        )
        for g in coded_notes()
    ]
    for switch in (False, True):
        out = tmp_path / str(switch)
        train(bench_of(catalog), notes, general, out, data="x", gated=False, research=switch)
        engine = on_shared_bench(
            Suggester(
                settings=Settings(store_dir=catalog.folder), catalog=catalog, ranker=load_judge(str(out))
            ),
            catalog,
        )
        assert ("N28" in codes(engine.suggest(MASS))) is switch


def test_too_few_notes_and_doubled_ids_are_refused(
    catalog: Catalog, general: GeneralJudge, tmp_path: Path
) -> None:
    bench = bench_of(catalog)
    with pytest.raises(ModelError, match=f"at least {FEWEST}"):
        train(bench, coded_notes(3), general, tmp_path / "m", data="x", gated=False)
    with pytest.raises(ModelError, match="too few to hold some back"):
        train(bench, coded_notes(3), general, tmp_path / "m", data="x")
    with pytest.raises(ModelError, match="same id"):
        train(bench, coded_notes(20) * 2, general, tmp_path / "m", data="x")
    unknown = [replace(g, codes=(GoldCode(system="ICD-10-CM", code="Q00.000"),)) for g in coded_notes(FEWEST)]
    with pytest.raises(ModelError, match="of this release"):
        train(bench, unknown, general, tmp_path / "m", data="x", gated=False)


@pytest.mark.slow
def test_the_gate_compares_on_held_back_notes_and_refuses_a_loser(
    catalog: Catalog, general: GeneralJudge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, out = bench_of(catalog), tmp_path / "site"
    done = train(bench, coded_notes(60), general, out, data="x")
    assert done.version == "001"
    assert done.gate is not None
    assert done.gate.notes == sum(held_back(f"n{i}") for i in range(60))
    assert done.gate.map_new > done.gate.map_in_use
    other = [
        replace(g, codes=tuple(replace(c, code="I10", acceptable=frozenset()) for c in g.codes[:1]))
        if not held_back(g.note.id)
        else g
        for g in coded_notes(60)
    ]
    refused = train(bench, other, general, out, data="x")
    assert refused.version is None
    assert refused.gate is not None
    assert not refused.gate.kept
    assert models.versions(out) == ["001"]
    assert models.current_version(out) == "001"
    monkeypatch.setattr(training_module, "FEWEST", 10_000)
    with pytest.raises(ModelError, match="ungated"):
        train(bench, coded_notes(60), general, out, data="x")


@pytest.mark.slow
def test_half_of_the_habits_are_learned_from_half_of_the_notes(
    catalog: Catalog, general: GeneralJudge
) -> None:
    bench = bench_of(catalog)
    table = CodeTable(bench)
    examples = read_examples(general, bench, coded_notes(24), table)
    learned = fit(examples, table).learned
    assert {name.partition(":")[2] for name in learned.code_names} == {code for _, code in HABITS}
    assert table.place(table.number("CPT", bench.codes["CPT"][3]) or 0) == ("CPT", 3)


def test_commands(catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUGGESTER_STORE_DIR", str(catalog.folder))
    gold = tmp_path / "gold.jsonl"
    gold.write_text("".join(json.dumps(record_of(g)) + "\n" for g in coded_notes()))
    model = tmp_path / "site"
    said = runner.invoke(main, ["train", str(gold), "-o", str(model), "--no-gate", "--date", "2026-11-21"])
    assert said.exit_code == 0, said.stderr
    assert "kept as version 001 of site, now in use" in said.stdout
    again = runner.invoke(main, ["train", str(gold), "-o", str(model), "--json", "--licence", "ours"])
    record = json.loads(again.stdout)
    assert record["kept"] is True
    assert record["version"] == "002"
    assert record["gate"]["notes"] > 0
    listed = runner.invoke(main, ["models", "list", str(model)])
    assert [line[:5] for line in listed.stdout.splitlines()] == ["  001", "* 002"]
    assert runner.invoke(main, ["models", "use", str(model), "001"]).exit_code == 0
    assert json.loads(runner.invoke(main, ["models", "list", str(model), "--json"]).stdout)["in_use"] == "001"
    assert runner.invoke(main, ["models", "use", str(model), "general"]).exit_code == 0
    assert "set aside" in runner.invoke(main, ["models", "list", str(model)]).stdout
    assert runner.invoke(main, ["models", "use", str(model), "001"]).exit_code == 0
    note = tmp_path / "note.txt"
    note.write_text(MASS.text)
    result = runner.invoke(main, ["suggest", str(note), "--model", str(model), "--json"])
    assert json.loads(result.stdout)["run"]["model"] == "site 001"
    assert json.loads(result.stdout)["suggestions"][0]["code"] == "N28.89"
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": "a"}\n')
    assert runner.invoke(main, ["train", str(bad), "-o", str(model)]).exit_code == 1
    assert runner.invoke(main, ["models", "use", str(model), "9"]).exit_code == 1
