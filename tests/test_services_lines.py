"""Charge lines and orders to codes: how a line is cut and read, what it finds, what comes out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from suggester.cli import main
from suggester.codesets import Catalog
from suggester.config import Settings
from suggester.errors import LexiconError, ModelError
from suggester.pinned import CARD_FILE
from suggester.ranking.services import index as index_module
from suggester.ranking.services.coder import ALWAYS, LINE_KIND, LineCoder
from suggester.ranking.services.features import NAMES, candidates
from suggester.ranking.services.index import open_index
from suggester.ranking.services.model import ARRAYS_FILE, LineModel
from suggester.ranking.services.text import Amount, Count, counted, measured, pieces
from suggester.ranking.services.words import Reader, Vocabulary
from suggester.suggest import Suggester, load
from suggester.types import Note


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Suggester:
    return load(settings)


@pytest.fixture(scope="module")
def coder(catalog: Catalog) -> LineCoder:
    releases, _ = catalog.release_set(None)
    return LineCoder.over(releases)


@pytest.fixture(scope="module")
def reader(coder: LineCoder) -> Reader:
    return coder.reader


@pytest.mark.parametrize(
    ("line", "amounts"),
    [
        ("KETOROLAC 30MG/ML IJ SOLN", [Amount(30, "mg", per=False)]),
        ("HEPARIN PER 10 UNITS", [Amount(10, "unit", per=True)]),
        ("CEFTRIAXONE 2GM PMX", [Amount(2000, "mg", per=False)]),
        ("PEN G 5 MMU", [Amount(5e6, "unit", per=False)]),
        ("PEN G 5 MU INJ", [Amount(5e6, "unit", per=False)]),
        ("PEN G 600 KU U", [Amount(6e5, "unit", per=False)]),
        ("OXYTOCIN 10U/ML 1ML", [Amount(10, "unit", per=False), Amount(1, "ml", per=False)]),
        ("LEVEL 4 F", []),
    ],
)
def test_amounts_are_read_with_their_unit(line: str, amounts: list[Amount]) -> None:
    assert measured(pieces(line))[0] == amounts


@pytest.mark.parametrize(
    ("line", "what", "low", "high"),
    [
        ("XR CHEST 2 VIEWS", "view", 2, 2),
        ("XR L-SPINE 2-3V", "view", 2, 3),
        ("XR L-SPINE 2 OR 3 VIEWS", "view", 2, 3),
        ("XR HAND MIN 3 VIEWS", "view", 3, 1e9),
        ("XR WRIST 3+ VIEWS", "view", 3, 1e9),
        ("XR WRIST 3 OR MORE VIEWS", "view", 3, 1e9),
        ("XR SKULL <4 VIEWS", "view", 0, 4),
        ("US OB > 14 WKS", "week", 14, 1e9),
        ("DEBRIDE <=20 SQ CM", "sqcm", 0, 20),
        ("AGE 5 AND OVER", "year", 5, 1e9),
        ("UP TO 2 HOURS", "hour", 0, 2),
        ("3 LEVELS OR LESS", "level", 3, 3),
        ("12 OR LESS LEVELS", "level", 0, 12),
    ],
)
def test_counts_are_ranges(line: str, what: str, low: float, high: float) -> None:
    found, _ = counted(pieces(line), line)
    assert [count.what for count in found] == [what]
    assert found[0].low == pytest.approx(low, abs=0.01)
    assert found[0].high == pytest.approx(high, abs=0.01)


def test_counts_fit_where_one_holds_the_other_and_clash_where_they_part() -> None:
    two, two_or_three, four_up = Count("view", 2, 2), Count("view", 2, 3), Count("view", 4, 1e9)
    assert two.fit(two_or_three) == 1
    assert two.fit(four_up) == -1
    assert two_or_three.fit(Count("view", 3, 5)) == 0


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("CT HEAD W/O", "nocontrast"),
        ("CT HEAD WO CONT", "nocontrast"),
        ("CT HEAD W CONTRAST", "yescontrast"),
        ("CT HEAD W/WO", "bothcontrast"),
        ("CT HEAD W & WO CONT", "bothcontrast"),
        ("CT HEAD WITHOUT AND WITH CONTRAST", "bothcontrast"),
        ("MRI BRST BIL W CONT", "bilateral"),
        ("HC XR CHEST", "xray"),
        ("PIPERCLLN TAZOBACT 2.25G", "piperacillin"),
        ("DIPHENHYDRA 50MG/ML", "diphenhydramine"),
        ("CATH BALLOON DILITATION", "dilation"),
        ("THER EX 15 MIN", "therapeutic"),
        ("VIT B-12", "b12"),
    ],
)
def test_a_piece_of_a_line_may_mean_the_word(reader: Reader, line: str, word: str) -> None:
    read = reader.line(line)
    assert any(word in words for unit in read.units for words, _ in unit.meanings)
    for unit in read.units:
        assert unit.span.end <= len(line)
        assert all(0 < weight <= 1 for _, weight in unit.meanings)


@pytest.mark.parametrize(
    ("line", "route"),
    [
        ("ONDANSETRON 4 MG PO TABS", "oral"),
        ("ONDANSETRON 4 MG/2ML IJ SOLN", "injected"),
        ("ALBUTEROL NEB", "inhaled"),
        ("KNEE BRACE", ""),
    ],
)
def test_the_route_is_read(reader: Reader, line: str, route: str) -> None:
    assert reader.line(line).route == route


LINES = [
    ("KETOROLAC 30 MG/ML IJ SOLN", "J1885"),
    ("INJ ONDANSETRON 4 MG", "J2405"),
    ("ROCEPHIN 250MG", "J0696"),
    ("CT HEAD W/O", "70450"),
    ("CT ABD/PELVIS W CONT", "74177"),
    ("MRI LUMBAR SPINE WO CONTRAST", "72148"),
    ("HC XR CHEST 2 VIEWS", "71046"),
    ("XR KNEE 4+ VIEWS LT", "73564"),
    ("US RENAL COMPLETE", "76770"),
    ("CBC W/ AUTO DIFF", "85025"),
    ("HGB A1C", "83036"),
    ("VIT D 25 OH", "82306"),
    ("THER EX EA 15 MIN", "97110"),
    ("ARM SLING MED", "A4565"),
    ("GUIDEWIRE AMPLATZ .035", "C1769"),
    ("FRESH FROZEN PLASMA", "P9017"),
    ("NACL 0.9% 500ML", "J7040"),
]


@pytest.mark.parametrize(("line", "code"), LINES)
def test_the_right_code_is_among_the_first_two(coder: LineCoder, line: str, code: str) -> None:
    codes = [coder.releases.store(item.system).codes[item.row] for _, item in coder.ranked(line)]
    assert code in codes[:2]


@pytest.mark.parametrize(
    ("line", "denied"),
    [
        ("CLTX PATELLA DISLOC WO ANES", 1),
        ("EXCHANGE TRANSFUSION OTHER THAN NEWBORN", 1),
        ("FOAM DRESSING NO BORDER", 1),
        ("CT HEAD W/O CONTRAST", 0),
        ("KNEE IMAGING WITH GUIDANCE", 0),
        ("FRACTURE WO MANIP WO ANES", 2),
    ],
)
def test_what_a_line_denies_is_known(reader: Reader, line: str, denied: int) -> None:
    assert len(reader.line(line).denied) == denied


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("CLTX PATELLA DISLOC WO ANES", "27560"),
        ("CLTX SUPRACONDYLAR HUMERUS FX WO MANIP", "24530"),
        ("ARTHROTOMY ANKLE EXPLOR DRAIN", "27610"),
        ("VATS LOBECTOMY SINGLE", "32663"),
        ("STRABISMUS SURG EXPLORE DETACHED MUSC", "67340"),
    ],
)
def test_codes_that_lines_seldom_name_are_found(coder: LineCoder, line: str, code: str) -> None:
    assert code in [coder.releases.store(i.system).codes[i.row] for _, i in coder.ranked(line)[:3]]


def test_oral_and_injected_forms_part(coder: LineCoder) -> None:
    def first(line: str) -> str:
        _, item = coder.ranked(line)[0]
        return coder.releases.store(item.system).codes[item.row]

    assert first("DIPHENHYDRAMINE HCL 50 MG PO CAPS") == "Q0163"
    assert first("DIPHENHYDRAMINE HCL 50 MG/ML IJ SOLN") == "J1200"


def test_a_note_of_kind_service_line_gets_procedure_codes_with_its_words(engine: Suggester) -> None:
    note = Note(id="l1", text="  CT HEAD W/O  ", kind=LINE_KIND)
    result = engine.suggest(note)
    assert result.suggestions[0].code.code == "70450"
    assert result.not_coded == ()
    assert len(result.suggestions) >= 1
    for rank, item in enumerate(result.suggestions, 1):
        assert item.rank == rank
        assert item.code.system in ("CPT", "HCPCS")
        assert item.code.billable
        assert item.evidence
        assert item.reasons
        for evidence in item.evidence:
            assert note.text[evidence.span.start : evidence.span.end] == evidence.quote
    confidences = [item.confidence for item in result.suggestions]
    assert confidences == sorted(confidences, reverse=True)
    assert result == engine.suggest(note)


def test_rivals_are_shown_however_unlikely(engine: Suggester) -> None:
    result = engine.suggest(Note(id="l", text="XR KNEE 3 VIEWS", kind=LINE_KIND))
    assert len(result.suggestions) >= ALWAYS


@pytest.mark.parametrize("text", ["", "   ", "////", "0123456789", "§§§", "X" * 3000, "ZZQX VVKW"])
def test_a_line_of_nothing_known_is_no_error(engine: Suggester, text: str) -> None:
    for item in engine.suggest(Note(id="l", text=text, kind=LINE_KIND)).suggestions:
        assert 0 <= item.confidence <= 1


def test_codes_not_in_force_on_the_service_date_are_left_out(coder: LineCoder) -> None:
    note = Note(id="l", text="KETOROLAC INJ", kind=LINE_KIND, service_date=date(1980, 1, 1))
    assert coder.suggest(note, closed=(), limit=10) == ()
    today = Note(id="l", text="KETOROLAC INJ", kind=LINE_KIND)
    assert {s.code.system for s in coder.suggest(today, closed=("HCPCS",), limit=10)} <= {"CPT"}
    assert len(coder.suggest(today, closed=(), limit=2)) == 2


def test_features_are_finite_and_named(coder: LineCoder) -> None:
    found, table = candidates(coder.index, coder.reader.line("CT HEAD W/O"))
    assert table.shape == (len(found), len(NAMES))
    assert np.isfinite(table).all()
    nothing, empty = candidates(coder.index, coder.reader.line(""))
    assert nothing == []
    assert empty.shape == (0, len(NAMES))


def test_anesthesia_is_proposed_only_where_the_line_says_so(coder: LineCoder) -> None:
    def codes(line: str) -> list[str]:
        return [coder.releases.store(item.system).codes[item.row] for _, item in coder.ranked(line)]

    assert not [c for c in codes("KNEE ARTHROSCOPY MENISCECTOMY") if c.startswith(("00", "01"))]
    assert [c for c in codes("ANESTHESIA KNEE ARTHROSCOPY") if c.startswith("01")]


@pytest.mark.slow
def test_the_index_is_kept_and_opened_again_the_same(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    releases, _ = catalog.release_set(None)
    elsewhere = replace(releases, folder=tmp_path)
    reader = Reader(Vocabulary.read())
    first = open_index(elsewhere, reader)
    kept = list(tmp_path.glob("lines-*.store"))
    assert len(kept) == 1
    monkeypatch.setattr(index_module, "compile_index", None)  # must not be needed
    again = open_index(elsewhere, Reader(Vocabulary.read()))
    assert len(again) == len(first)
    assert [again.document(i) for i in range(0, 300, 7)] == [first.document(i) for i in range(0, 300, 7)]
    monkeypatch.undo()
    kept[0].write_bytes(kept[0].read_bytes()[:-64])
    assert len(open_index(elsewhere, Reader(Vocabulary.read()))) == len(first)
    assert len(first.codes()) > 10_000


@pytest.mark.slow
def test_the_index_stays_in_memory_where_the_folder_cannot_be_written(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from dataclasses import replace

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    releases, _ = catalog.release_set(None)
    monkeypatch.setattr(index_module, "write_container", refuse)
    found = open_index(replace(releases, folder=tmp_path / "none"), Reader(Vocabulary.read()))
    assert len(found) > 10_000
    assert "PermissionError" in caplog.text


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    LineModel.load().save(tmp_path)
    return tmp_path


def test_a_saved_model_is_loaded_the_same(model_folder: Path) -> None:
    table = np.zeros((2, len(NAMES)), dtype=np.float32)
    assert (LineModel.load(model_folder).confidence(table) == LineModel.load().confidence(table)).all()


@pytest.mark.parametrize("what", ["missing", "changed", "features"])
def test_a_wrong_model_is_refused(model_folder: Path, what: str) -> None:
    if what == "missing":
        (model_folder / CARD_FILE).unlink()
    elif what == "changed":
        (model_folder / ARRAYS_FILE).write_bytes(b"x")
    else:
        card = json.loads((model_folder / CARD_FILE).read_text())
        (model_folder / CARD_FILE).write_text(json.dumps({**card, "features": ["one"]}))
    with pytest.raises(ModelError):
        LineModel.load(model_folder)


def test_a_missing_data_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match="word_classes"):
        Vocabulary.read(tmp_path)


def test_phrases_of_lines_name_codes_in_force(coder: LineCoder) -> None:
    from suggester.codesets.lexicon import lexicon_dir, read_rows

    known = {code for system in ("CPT", "HCPCS") for code in coder.releases.store(system).code_list}
    for name in ("cpt_lines.tsv", "cpt_rare.tsv", "devices.tsv"):
        rows = list(read_rows(lexicon_dir() / "services" / name, ("phrase", "code"), required=2))
        assert [cells[1] for _, cells in rows if cells[1] not in known] == []


def test_the_command_takes_lines() -> None:
    result = CliRunner().invoke(main, ["suggest", "--line", "CT HEAD W/O", "--line", "ARM SLING", "--json"])
    assert result.exit_code == 0
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert (first["id"], second["id"]) == ("line-1", "line-2")
    assert first["suggestions"][0]["code"] == "70450"


def test_the_command_wants_notes_or_lines() -> None:
    result = CliRunner().invoke(main, ["suggest"])
    assert result.exit_code == 2


def gold(path: Path) -> Iterator[tuple[str, str, str]]:
    for row in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(row)
        yield record["text"], record["codes"][0]["system"], record["codes"][0]["code"]


def shares(coder: LineCoder, path: Path) -> tuple[float, float]:
    first = five = total = 0
    for text, system, code in gold(path):
        codes = [
            coder.releases.store(item.system).codes[item.row]
            for _, item in coder.ranked(text)
            if item.system == system
        ]
        total += 1
        first += codes[:1] == [code]
        five += code in codes[:5]
    return first / total, five / total


def test_lines_of_hospitals_are_coded_as_well_as_promised(coder: LineCoder, shared_data: Path) -> None:
    first, five = shares(coder, shared_data / "hcpcs" / "service_lines_dev.jsonl")
    assert first >= 0.90
    assert five >= 0.97


@pytest.mark.slow
def test_own_lines_are_coded_as_well_as_promised(coder: LineCoder) -> None:
    first, five = shares(coder, Path(__file__).parents[1] / "eval" / "lines" / "cpt.jsonl")
    assert first >= 0.90
    assert five >= 0.97
