from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import small_imports as made
from small_codesets import TABULAR, small_world
from small_imports import write, write_sheet, write_zip

from suggester.codesets import (
    Catalog,
    build_all,
    import_files,
    importing,
    imports,
    journal,
    open_catalog,
    revert_import,
)
from suggester.codesets.alphabetic import read_part
from suggester.codesets.importing import recognise
from suggester.codesets.terms import Source as TermSource
from suggester.codesets.untrusted import Source
from suggester.config import Settings
from suggester.errors import CodeSetError, ImportRefusedError, NoReleaseError, UnknownCodeError

JULY = date(2026, 7, 1)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Settings]:
    """Settings of a store folder in which the small world is compiled."""
    sources = tmp_path / "sources"
    sources.mkdir()
    with small_world(sources):
        settings = Settings.load(store_dir=tmp_path / "built")
        build_all(settings)
        yield settings


@pytest.fixture
def bring(small: Settings) -> Callable[..., journal.Import]:
    """Import into the small world; small tables are whole."""

    def call(*paths: Path, **options: Any) -> journal.Import:
        return import_files(paths, settings=small, **{"least": 1, **options})

    return call


def state(settings: Settings) -> dict[str, bytes]:
    """Every file of the store folder but the lock."""
    files = (path for path in settings.store_dir.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(settings.store_dir).as_posix(): path.read_bytes() for path in files}


def found(catalog: Catalog, query: str, on: date | None = None) -> list[str]:
    return [hit.code.code for hit in catalog.search(query, on=on)]


# --- HCPCS ------------------------------------------------------------------------------------------


def anweb(tmp_path: Path) -> Path:
    return write(tmp_path / "HCPC2026_JUL_ANWEB.txt", made.ANWEB)


def test_fixed_width_hcpcs_file(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    item = bring(anweb(tmp_path))
    assert (item.kind, item.slot, item.sources) == ("hcpcs", "HCPCS 2026-07-01", ("HCPC2026_JUL_ANWEB.txt",))
    assert (item.changes.rows, item.changes.kept, item.changes.against) == (5, 4, "HCPCS 2026-04-01")
    assert item.changes.examples == {"added": ("J9999",), "deleted": ("C9818",), "revised": ("J1885",)}
    assert item.changes.remarks == ("1 codes ended before 2026-07-01",)
    catalog = open_catalog(small)
    assert catalog.lookup("HCPCS", "A0100", JULY).display == "Non-emergency transportation; taxi"
    assert catalog.lookup("HCPCS", "D0120", JULY).display == "", "dental numbers stay, without words"
    assert catalog.store("HCPCS", JULY).modifiers() == {"LT": "Left side, so used"}
    with pytest.raises(UnknownCodeError):
        catalog.lookup("HCPCS", "E0100", JULY)
    assert found(catalog, "invented drug") == ["J9999"]


def test_embedded_release_borrows_long_descriptors(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    before = open_catalog(small)
    bring(anweb(tmp_path))
    after = open_catalog(small)
    on = date(2026, 4, 2)
    assert before.lookup("HCPCS", "A0100", on).display == "Nonemergency transport taxi"
    assert after.lookup("HCPCS", "A0100", on).display == "Non-emergency transportation; taxi"
    assert after.lookup("HCPCS", "J1885", on).display == "Ketorolac tromethamine inj", (
        "its short text differs"
    )
    assert after.store("HCPCS", on).titles[0:2] == [after.store("HCPCS", on).display(row) for row in (0, 1)]
    assert after.store("HCPCS", on).titles[-1]


def test_code_is_valid_only_on_its_own_days(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    lines = [
        made.anweb_line("A0100", "3", "One", short="One", ended="20260831"),
        made.anweb_line("A0110", "3", "Two", short="Two", added="20260901", changed="20260901"),
    ]
    bring(write(tmp_path / "HCPC2026_JUL_ANWEB.txt", "\n".join(lines)))
    catalog = open_catalog(small)
    assert catalog.lookup("HCPCS", "A0100", JULY).valid_to == date(2026, 8, 31)
    with pytest.raises(UnknownCodeError, match="not valid after 2026-08-31"):
        catalog.lookup("HCPCS", "A0100", date(2026, 9, 1))
    with pytest.raises(UnknownCodeError, match="not valid before 2026-09-01"):
        catalog.lookup("HCPCS", "A0110", JULY)
    store = catalog.store("HCPCS", JULY)
    assert [store.in_force(store.row("A0100"), day) for day in (JULY, date(2026, 9, 1))] == [True, False]
    assert store.in_force(store.row("A0110"), date(2026, 9, 1))


@pytest.mark.parametrize("form", ["csv", "xlsx", "zip"])
def test_hcpcs_tables(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import], form: str
) -> None:
    rows = [
        [
            "HCPC",
            "SEQNUM",
            "RECID",
            "LONG DESCRIPTION",
            "SHORT DESCRIPTION",
            "ADD DT",
            "ACT EFF DT",
            "TERM DT",
        ],
        ["A0100", "00100", "3", "Taxi ride,", "Nonemergency trans taxi", "20200101", "20200101", ""],
        ["A0100", "00200", "4", "one way", "", "", "", ""],
        ["J1885", "00100", "3", "Ketorolac", "Ketorolac", "20200101", "20260701", ""],
        ["99213", "00100", "3", "somebody else's words", "x", "20200101", "20200101", ""],
        ["LT", "00100", "7", "Left side", "Left", "20200101", "20200101", ""],
    ]
    text = "\n".join(",".join(f'"{cell}"' for cell in row) for row in rows)
    match form:
        case "csv":
            path = write(tmp_path / "HCPC2026_JUL.csv", text)
        case "xlsx":
            path = write_sheet(tmp_path / "HCPC2026_JUL.xlsx", rows)
        case _:
            inside = {"HCPC2026_JUL_ANWEB.txt": made.ANWEB, "HCPC2026_recordlayout.txt": "layout"}
            path = write_zip(tmp_path / "july-2026.zip", inside)
    bring(path)
    catalog = open_catalog(small)
    wanted = "Non-emergency transportation; taxi" if form == "zip" else "Taxi ride, one way"
    assert catalog.lookup("HCPCS", "A0100", JULY).display == wanted
    with pytest.raises(UnknownCodeError):
        catalog.lookup("HCPCS", "99213", JULY)


def test_codes_of_a_file_without_days_are_held_to_the_tables(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    text = "HCPCS_CODE,SHORT_DESCRIPTION,LONG_DESCRIPTION\nA0100,Taxi,Taxi ride\nB9999,Old,Gone long ago\n"
    item = bring(write(tmp_path / "hcpcs_2026_jan_long.csv", text))
    assert item.slot == "HCPCS 2026-01-01-imported"
    assert (
        "1 codes that the CMS tables of 2026-01-01 do not have are left out (B9999 first)"
        in item.changes.remarks[0]
    )
    catalog = open_catalog(small)
    assert catalog.lookup("HCPCS", "A0100", date(2026, 1, 5)).release == "2026-01-01-imported"
    with pytest.raises(UnknownCodeError):
        catalog.lookup("HCPCS", "B9999", date(2026, 1, 5))


LINE = made.anweb_line("A0100", "3", "One", short="One")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("HCPC2026_JUL_ANWEB.txt", LINE + "\n" + LINE, "row 2: A0100 stands there twice (first in row 1)"),
        (
            "HCPC2026_JUL_ANWEB.txt",
            made.anweb_line("A0100", "3", "One", ended="20260801")
            + "\n"
            + made.anweb_line("A0100", "3", "Two", added="20260801"),
            "row 2: A0100 has overlapping validity",
        ),
        (
            "HCPC2026_JUL_ANWEB.txt",
            LINE + "\n" + LINE[:200],
            "row 2: 200 characters, a record has 293: cut off?",
        ),
        (
            "HCPC2026_JUL_ANWEB.txt",
            LINE + "\n" + LINE.replace("000103", "000109", 1),
            "row 2: record kind '9'",
        ),
        (
            "HCPC2026_JUL_ANWEB.txt",
            LINE + "\n" + made.anweb_line("A0110", "4", "more"),
            "row 2: continues A0110, which did not begin",
        ),
        (
            "HCPC2026_JUL_ANWEB.txt",
            made.anweb_line("A0100", "3", "One", ended="2026AB01"),
            "row 1: '2026AB01' is not a day",
        ),
        (
            "HCPC2026_JUL_ANWEB.txt",
            made.anweb_line("?0100", "3", "One"),
            "row 1: '?0100' is no code of HCPCS",
        ),
        ("HCPC2026_JUL_ANWEB.txt", made.anweb_line("A0100", "3", ""), "row 1: A0100 has no descriptor"),
        ("HCPC2025_JUL_ANWEB.txt", LINE, "wrong year: its name says 2025"),
        ("a.csv", "HCPC,LONG DESCRIPTION\nA0100,x\n", "its name states no month"),
        (
            "ANWEB.txt",
            made.anweb_line("A0100", "3", "One", changed="20240101"),
            "row 1: wrong year: its newest action is of 2024-01-01",
        ),
        (
            "ANWEB.txt",
            made.anweb_line("A0100", "3", "One", changed="20270101"),
            "row 1: wrong year: an action of 2027-01-01 is after the last day 2026-12-31",
        ),
        ("HCPC2026_JUL.csv", "HCPC,LONG DESCRIPTION\nA0100,x\n", "codes; a whole release has some 8,000"),
    ],
)
def test_wrong_hcpcs_file_is_refused_and_changes_nothing(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import], name: str, text: str, message: str
) -> None:
    before = state(small)
    options: dict[str, Any] = {"least": 100} if "8,000" in message else {}
    if not name.startswith("a.") and "its name" not in message and not name.startswith("HCPC2026"):
        options["valid_from"] = JULY
    if "its name says" in message:
        options["valid_from"] = JULY
    with pytest.raises(ImportRefusedError) as caught:
        bring(write(tmp_path / name, text), **options)
    assert str(caught.value).startswith(name)
    assert message in str(caught.value)
    assert state(small) == before


# --- ICD-10-CM --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["folder", "zip", "files"])
def test_whole_release(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import], form: str
) -> None:
    folder = tmp_path / "fy2027"
    paths = [write(folder / name, text) for name, text in made.RELEASE.items()]
    if form == "folder":
        paths = [folder]
    elif form == "zip":
        paths = [write_zip(tmp_path / "r.zip", made.RELEASE)]
    item = bring(*paths)
    assert item.slot == "ICD-10-CM 2026-10-01"
    assert item.files == ("icd10cm-2026-10-01.store", "phrases.store", "tables.store")
    assert item.changes.remarks[0] == "16 billable codes agree with the order file; cms-icd differs in 2"
    assert item.changes.remarks[1].startswith("alphabetic index: ")
    catalog = open_catalog(small)
    later, earlier = date(2026, 12, 1), date(2026, 5, 1)
    for query, code in (
        ("sugary out of bounds", "E11.65"),
        ("glycosuria trouble", "E11.65"),
        ("gluttony", "E11.9"),
        ("tumble down", "T30"),
        ("overdose fairy dust", "T30"),
    ):
        assert found(catalog, query, later)[0] == code, query
        assert found(catalog, query, earlier)[0] == code, query
    terms = catalog.release_set(later)[0].terms
    assert int((terms.term_source == TermSource.INDEX).sum()) > 5
    assert open_catalog(small).lookup("ICD-10-CM", "E11.9", later).valid_to == date(2027, 9, 30)


def test_imported_words_do_not_change_how_rare_ours_are(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    before = open_catalog(small).release_set(date(2026, 5, 1))[0].terms
    bring(write_zip(tmp_path / "r.zip", made.RELEASE))
    bring(anweb(tmp_path))
    after = open_catalog(small).release_set(date(2026, 5, 1))[0].terms
    assert len(after.term_weight) > len(before.term_weight)
    for word, at in before.vocabulary.items():
        if before.frequency[at]:
            assert after.idf[after.vocabulary[word]] == before.idf[at], word
    assert after.frequency[after.vocabulary["gluttony"]] > 0
    assert after.idf[after.vocabulary["gluttony"]] > 0


RELEASE_FAULTS: list[tuple[dict[str, str | None], str]] = [
    (
        {"icd10cm_order_2027.txt": made.ORDER.replace("E1165 ", "E1169 ")},
        "row 3: E1169 is not in the tabular list",
    ),
    (
        {"icd10cm_order_2027.txt": made.ORDER.replace("E119    1", "E119    0")},
        "row 4: E119 is not billable here",
    ),
    (
        {"icd10cm_order_2027.txt": made.ORDER[: made.ORDER.rindex("00026")]},
        "lacks 1 billable codes of the list, T30",
    ),
    ({"icd10cm_order_2027.txt": made.ORDER + made.ORDER.splitlines()[-1]}, "row 27: T30 stands there twice"),
    ({"icd10cm_order_2027.txt": made.ORDER + "junk\n"}, "row 27: no line of an order file"),
    ({"second.txt": made.ORDER}, "a second order file beside"),
    ({"second.xml": made.NEXT_TABULAR}, "two tabular lists"),
    ({"second.xml": made.INDEX}, "a second index file"),
    ({"Table and Index/icd10cm_tabular_2027.xml": None}, "no tabular list (XML)"),
    ({"Table and Index/icd10cm_tabular_2027.xml": TABULAR}, "wrong year: its version is 2026"),
    (
        {"Table and Index/icd10cm_index_2027.xml": "<ICD10CM.index><letter/></ICD10CM.index>"},
        "no part of the alphabetic",
    ),
    ({"Table and Index/icd10cm_index_2027.xml": made.INDEX[:-30]}, "not well-formed XML"),
    (
        {
            "Table and Index/icd10cm_index_2027.xml": made.INDEX.replace("E11.9", "E13.9").replace(
                "T30", "T31"
            )
        },
        "wrong year: ",
    ),
    (
        {"Table and Index/icd10cm_tabular_2027.xml": made.NEXT_TABULAR.replace(">E11.9<", ">E11.65<")},
        "E11.65 stands there twice",
    ),
    (
        {
            "Table and Index/icd10cm_tabular_2027.xml": made.NEXT_TABULAR.replace(
                "<ICD10CM.tabular>", '<!DOCTYPE ICD10CM.tabular [<!ENTITY a "b">]><ICD10CM.tabular>', 1
            )
        },
        "document type or entities",
    ),
]


@pytest.mark.parametrize(
    ("change", "message"), RELEASE_FAULTS, ids=[message for _, message in RELEASE_FAULTS]
)
def test_wrong_release_is_refused_and_changes_nothing(
    tmp_path: Path,
    small: Settings,
    bring: Callable[..., journal.Import],
    change: dict[str, str | None],
    message: str,
) -> None:
    before = state(small)
    files = {name: text for name, text in {**made.RELEASE, **change}.items() if text is not None}
    with pytest.raises(ImportRefusedError) as caught:
        bring(
            write_zip(tmp_path / "r.zip", files),
            kind="icd10cm",
            valid_from=date(2026, 10, 1) if "version" in message else None,
        )
    assert message in str(caught.value)
    assert state(small) == before


def test_tabular_list_without_a_version_needs_a_day(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    path = write(tmp_path / "t.xml", TABULAR.replace("<version>2026</version>", ""))
    with pytest.raises(ImportRefusedError, match="it states no version"):
        bring(path)
    item = bring(path, valid_from=date(2026, 10, 1))
    assert item.slot == "ICD-10-CM 2026-10-01"
    assert open_catalog(small).lookup("ICD-10-CM", "E11.9", date(2030, 1, 1)).valid_to is None


# --- in use, taken back, failed ----------------------------------------------------------------------


def test_import_is_taken_back_step_by_step(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    before = {name: data for name, data in state(small).items() if name.endswith(".store")}
    first = bring(anweb(tmp_path))
    text = made.ANWEB.replace("transportation;", "transportation:")
    second = bring(write(tmp_path / "b" / "HCPC2026_JUL_ANWEB.txt", text))
    assert second.changes.against == "HCPCS 2026-07-01"
    assert [(item.id, used) for item, used in imports(small)] == [(1, False), (2, True)]
    assert open_catalog(small).lookup("HCPCS", "A0100", JULY).display == "Non-emergency transportation: taxi"
    gone = revert_import(second.id, settings=small)
    assert gone.reverted is not None
    assert open_catalog(small).lookup("HCPCS", "A0100", JULY).display == "Non-emergency transportation; taxi"
    revert_import(first.id, settings=small)
    after = state(small)
    assert {name: data for name, data in after.items() if name.endswith(".store")} == before
    assert set(after) - set(before) == {"imports/imports.json"}
    with pytest.raises(CodeSetError, match="import 1 was taken back at"):
        revert_import(1, settings=small)
    with pytest.raises(CodeSetError, match=r"there is no import 7; imports that can be taken back: none"):
        revert_import(7, settings=small)
    assert bring(anweb(tmp_path)).id == 3, "numbers are not used again"


def test_taking_back_where_nothing_was_imported(tmp_path: Path) -> None:
    settings = Settings.load(store_dir=tmp_path / "none")
    with pytest.raises(CodeSetError, match="nothing was imported here"):
        revert_import(1, settings=settings)
    assert imports(settings) == ()


def test_import_that_fails_late_leaves_the_store_as_it_was(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import], monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(write(tmp_path / "s.csv", made.SYNONYMS))
    before = state(small)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(importing, "refresh_indexes", full)
        with pytest.raises(CodeSetError, match="No space left on device"):
            bring(anweb(tmp_path))
    assert state(small) == before
    with monkeypatch.context() as patch:
        patch.setattr(journal, "_write", full)
        with pytest.raises(CodeSetError, match="No space left on device"):
            bring(anweb(tmp_path))
    assert open_catalog(small).search("sweet blood")[0].code.code == "E11.9"
    with pytest.raises(UnknownCodeError):
        open_catalog(small).lookup("HCPCS", "J9999", JULY)
    bring(anweb(tmp_path))
    names = {path.name for path in (small.store_dir / journal.FOLDER).iterdir()}
    assert names == {"0001", "0002", "imports.json"}, "what the failed import left is swept"


def test_damaged_list_of_imports_is_said(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    bring(anweb(tmp_path))
    path = small.store_dir / journal.FOLDER / "imports.json"
    for text in ("{", '{"format": 9, "imports": []}', '{"format": 1}', "[]"):
        path.write_text(text)
        with pytest.raises(CodeSetError, match=r"list of imports .* is damaged"):
            open_catalog(small)


def test_damaged_imported_store_is_said(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import], caplog: pytest.LogCaptureFixture
) -> None:
    item = bring(anweb(tmp_path))
    (item.folder(small.store_dir) / item.files[0]).unlink()
    catalog = open_catalog(small)
    assert "no compiled store hcpcs-2026-07-01.store" in caplog.text
    assert catalog.lookup("HCPCS", "A0100", JULY).release == "2026-04-01"


def test_catalog_opened_before_a_change_says_so(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    item = bring(anweb(tmp_path))
    catalog = open_catalog(small)
    revert_import(item.id, settings=small)
    with pytest.raises(CodeSetError, match="rebuilt since they were opened"):
        catalog.search("taxi", on=JULY)


def test_release_ids_and_overlaps(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    bring(anweb(tmp_path))
    before = state(small)
    for options, message in (
        ({"name": "2026-04-01"}, "embedded; choose another id"),
        ({"name": "other"}, "overlapping validity: release 2026-07-01 of HCPCS was imported"),
        ({"valid_to": date(2026, 6, 1)}, "is before first day"),
        ({"name": "../x"}, "release id '../x'"),
    ):
        with pytest.raises(CodeSetError, match=message):
            bring(anweb(tmp_path), **options)
    assert state(small) == before
    with pytest.raises(CodeSetError, match="nothing to import was given"):
        bring()


# --- NCCI, MUE, global periods -----------------------------------------------------------------------


def test_ncci_pairs(tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]) -> None:
    tables = open_catalog(small).procedures
    embedded = tables.ncci_pair("36415", "99213", JULY, "hospital")
    assert embedded is not None
    assert (embedded.modifier_allowed, embedded.valid_to, embedded.source) == (True, None, "CMS I/OCE tables")
    half = made.PAIRS.splitlines(keepends=True)
    item = bring(
        write(tmp_path / "ccipra_v1.txt", "".join(half[:4])),
        write(tmp_path / "ccipra_v2.txt", "".join([*half[:2], *half[4:]])),
    )
    assert (item.kind, item.slot, item.changes.kept) == ("ncci", "ncci practitioner", 3)
    assert "1 pairs deleted on the day they began are left out" in item.changes.remarks
    tables = open_catalog(small).procedures
    pair = tables.ncci_pair("99213", "36415", JULY)
    assert pair is not None
    assert (pair.modifier_allowed, pair.valid_from, pair.valid_to) == (True, date(2020, 1, 1), None)
    assert (pair.rationale, pair.source) == ("Misuse of column two", "NCCI file, import 1")
    old = tables.ncci_pair("99213", "36415", date(2018, 12, 31))
    assert old is not None
    assert (old.modifier_allowed, old.valid_to) == (False, date(2018, 12, 31))
    assert tables.ncci_pair("99213", "36415", date(2019, 6, 1)) is None
    assert tables.ncci_pair("36415", "99213", JULY) is None, "the order of columns counts"
    assert tables.ncci_pair("36415", "99213", JULY, "hospital") == embedded
    assert tables.ncci_pair("00000", "99213", JULY) is None
    assert tables.add_on_primaries("99213") == ("36415",)
    assert tables.add_on_primaries("J1885") == ()
    assert tables.is_modifier("25")
    assert not tables.is_modifier("zz")


def test_report_of_pairs_and_units_says_what_changed(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    first = bring(write(tmp_path / "ccioph.txt", made.PAIRS))
    assert first.changes.against == "the embedded pairs"
    assert (first.changes.added, first.changes.deleted) == (2, 1)
    text = (
        made.PAIRS.replace("20260101\t*\t0", "20260101\t20270101\t0") + "J1885\tA0100\t\t20260101\t*\t1\tx\n"
    )
    text = text.replace("99213\t36415\t\t20200101", "99213\t36416\t\t20200101")
    second = bring(
        write(tmp_path / "ccioph.txt", text.replace("99213\t36415\t*\t1996", "99213\t36417\t*\t1996"))
    )
    assert second.changes.against == "import 1"
    assert second.changes.examples == {
        "added": ("99213 36416", "99213 36417", "J1885 A0100"),
        "deleted": ("99213 36415",),
        "revised": ("A0100 J1885",),
    }
    assert bring(write(tmp_path / "ccipra.txt", made.PAIRS)).changes.against == ""
    bring(write(tmp_path / "mue_july_2026.csv", made.UNITS))
    units = bring(write(tmp_path / "mue_october_2026.csv", made.UNITS.replace('"8"', '"4"')))
    assert (units.changes.against, units.changes.examples) == ("import 4", {"revised": ("J1885",)})
    bring(write(tmp_path / "rvu_2026_jan.csv", made.GLOBAL))
    days = bring(write(tmp_path / "rvu_2026_jul.csv", made.GLOBAL.replace("XXX", "010")))
    assert days.changes.examples == {"revised": ("99213",)}


@pytest.mark.parametrize("fault", ["cut", "outside", "bomb", "laughs", "deep"])
def test_dangerous_archive_is_refused_and_changes_nothing(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import], fault: str
) -> None:
    before = state(small)
    files: dict[str, str | bytes] = dict(made.RELEASE)
    name = "Table and Index/icd10cm_tabular_2027.xml"
    match fault:
        case "outside":
            files["../../built/hcpcs-2026-04-01.store"] = "gone"
        case "bomb":
            files["zeros.txt"] = b"\0" * 4_000_000
        case "laughs":
            files[name] = made.NEXT_TABULAR.replace(
                "<ICD10CM.tabular>", '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><ICD10CM.tabular>', 1
            )
        case "deep":
            deep = "<diag><name>E11.9</name>" * 80 + "</diag>" * 80
            files[name] = made.NEXT_TABULAR.replace("</section>", f"{deep}</section>", 1)
    path = write_zip(tmp_path / "r.zip", files)
    if fault == "cut":
        path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ImportRefusedError, match=r"^r\.zip"):
        bring(path)
    assert state(small) == before


def test_pairs_are_found_as_a_slow_search_finds_them(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    import random

    chance = random.Random(3)  # noqa: S311 - pairs, not secrets
    codes = [f"{n:05d}" for n in range(10000, 10012)]
    rows: dict[tuple[str, str], tuple[int, int]] = {}
    for _ in range(60):
        begin = chance.randint(1, 28)
        rows[chance.choice(codes), chance.choice(codes)] = (begin, chance.choice([0, begin + 40]))
    lines = ["column1\tcolumn2\tx\teffective\tdeletion\tmodifier"]
    for (one, two), (begin, end) in rows.items():
        until = "*" if not end else f"2026{1 + end // 28:02d}01"
        lines.append(f"{one}\t{two}\t\t202601{begin:02d}\t{until}\t1")
    bring(write(tmp_path / "p.txt", "\n".join(lines)), setting="practitioner")
    tables = open_catalog(small).procedures
    for one in codes:
        for two in codes:
            for day in (date(2026, 1, 1), date(2026, 1, 15), date(2026, 12, 1)):
                begin, end = rows.get((one, two), (99, 0))
                last = date(2026, 1 + end // 28, 1) if end else date.max
                wanted = begin < 99 and date(2026, 1, begin) <= day <= last
                assert (tables.ncci_pair(one, two, day) is not None) == wanted, (one, two, day)


def test_unlikely_units_and_global_days(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    july = bring(write(tmp_path / "mue_july_2026.csv", made.UNITS))
    assert july.slot == "mue practitioner 2026-07-01"
    october = write(tmp_path / "mue_october_2026.csv", made.UNITS.replace('"8"', '"4"'))
    bring(october, valid_to=date(2026, 12, 31))
    bring(
        write(tmp_path / "PPRRVU26.csv", made.GLOBAL),
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 12, 31),
    )
    tables = open_catalog(small).procedures
    limit = tables.unit_limit("J1885", date(2026, 9, 30))
    assert limit is not None
    assert (limit.units, limit.indicator, limit.rationale) == (8, "3", "Prescribing information")
    assert tables.medically_unlikely("J1885", date(2026, 10, 1)) == 4
    assert tables.medically_unlikely("J1885", date(2026, 6, 30)) is None
    assert tables.medically_unlikely("A0100", JULY) is None
    assert tables.medically_unlikely("J1885", JULY, "hospital") is None
    assert [tables.global_days(code, JULY) for code in ("99213", "36415", "J1885")] == ["XXX", "000", None]
    assert tables.global_days("99213", date(2027, 1, 1)) is None


SERVICE_FAULTS = [
    ("p.txt", made.PAIRS, {}, "whose edits they are is not said"),
    ("p.txt", made.PAIRS, {"setting": "moon"}, "setting 'moon', allowed: practitioner, hospital, dme"),
    (
        "ccipra.txt",
        made.PAIRS + "99213\t36415\t\t20250101\t*\t1\tx\n",
        {},
        "row 7: pair 99213 36415 has overlapping",
    ),
    ("ccipra.txt", made.PAIRS + "99213\t3641\t\t20250101\t*\t1\tx\n", {}, "row 7: '3641' is no code"),
    ("ccipra.txt", made.PAIRS + "99213\t36416\t\t20250101\t*\t5\tx\n", {}, "row 7: modifier indicator '5'"),
    (
        "ccipra.txt",
        made.PAIRS + "99213\t36416\t\t20250101\t20240101\t1\tx\n",
        {},
        "row 7: deleted before it began",
    ),
    ("ccipra.txt", made.PAIRS + "99213\t36416\t\t*\t*\t1\tx\n", {}, "row 7: no effective day"),
    ("ccipra.txt", made.PAIRS + "99213\t36416\n", {}, "row 7: 2 cells, expected more: cut off?"),
    ("ccipra.txt", made.PAIRS[: made.PAIRS.index("99213")], {}, "no pair of codes in it"),
    (
        "ccipra.txt",
        made.PAIRS,
        {"valid_from": date(2030, 1, 1)},
        "wrong year: its newest pair is of 2026-01-01",
    ),
    ("ccipra.txt", "a,b\n1,2\n", {"kind": "ncci"}, "no row names its columns"),
    ("ccipra.pdf", "x", {"kind": "ncci"}, "no NCCI file"),
    ("mue.csv", made.UNITS, {}, "its name states no month"),
    ("mue_july_2025.csv", made.UNITS, {"valid_from": JULY}, "wrong year: its name says 2025"),
    ("mue_july_2026.csv", made.UNITS + '"J1885","8","3 x",""\n', {}, "row 5: J1885 stands there twice"),
    ("mue_july_2026.csv", made.UNITS + '"J188","8","3 x",""\n', {}, "row 5: 'J188' is no code"),
    ("mue_july_2026.csv", made.UNITS + '"J1886","many","3 x",""\n', {}, "row 5: MUE value 'many'"),
    ("mue_july_2026.csv", made.UNITS + '"J1886","8","9 x",""\n', {}, "row 5: adjudication indicator '9 x'"),
    ("mue_july_2026.csv", made.UNITS, {"least": 3}, "2 codes; a whole table has thousands"),
    ("rvu.csv", made.GLOBAL, {}, "say when it begins"),
    ("rvu_2026_jan.csv", made.GLOBAL + "36415,,x,9,090\n", {}, "row 8: 36415 has two global periods"),
    ("rvu_2026_jan.csv", made.GLOBAL + "36416,,x,9,007\n", {}, "row 8: global days '007'"),
    ("rvu_2026_jan.csv", "HCPCS,DAYS\n99213,XXX\n", {"kind": "global"}, "no headings HCPCS and GLOB DAYS"),
    ("rvu_2026_jan.csv", made.GLOBAL, {"least": 3}, "2 codes; a whole file has thousands"),
]


@pytest.mark.parametrize(
    ("name", "text", "options", "message"), SERVICE_FAULTS, ids=[f[3] for f in SERVICE_FAULTS]
)
def test_wrong_table_of_services_is_refused_and_changes_nothing(
    tmp_path: Path,
    small: Settings,
    bring: Callable[..., journal.Import],
    name: str,
    text: str,
    options: dict[str, Any],
    message: str,
) -> None:
    before = state(small)
    with pytest.raises(ImportRefusedError) as caught:
        bring(write(tmp_path / name, text), **options)
    assert str(caught.value).startswith(name)
    assert message in str(caught.value)
    assert state(small) == before


# --- words ------------------------------------------------------------------------------------------


def test_synonyms_are_found_and_change_with_the_list(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    item = bring(write(tmp_path / "my words.csv", made.SYNONYMS))
    assert (item.slot, item.changes.rows, item.changes.kept) == ("synonyms my-words", 3, 2)
    assert item.changes.left_out == ("row 4: no installed release of ICD-10-CM has Q99.9",)
    catalog = open_catalog(small)
    assert found(catalog, "sweet blood")[0] == "E11.9"
    assert found(catalog, "hired car") == ["A0100"]
    again = bring(
        write(tmp_path / "my words.csv", "term,icd10cm\nsweet blood,E11.9\nsugar heap,ICD10CM:E1165\n")
    )
    changes = again.changes
    assert (changes.against, changes.added, changes.deleted, changes.revised) == ("import 1", 1, 1, 0)
    assert changes.examples["deleted"] == ("HCPCS A0100: hired car",)
    catalog = open_catalog(small)
    assert found(catalog, "sugar heap")[0] == "E11.65"
    assert "hired car" not in set(catalog.release_set()[0].terms.phrases)


def test_ontologies_and_mappings(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    item = bring(write(tmp_path / "doid.obo", made.OBO))
    assert (item.kind, item.changes.kept) == ("synonyms", 2)
    text = (
        "# curie_map: x\nsubject_id\tsubject_label\tpredicate_id\tobject_id\n"
        "M:1\tscalding\tskos:exactMatch\tICD10CM:T30\nM:2\theat\tskos:broadMatch\tICD10CM:T30\n"
    )
    bring(write(tmp_path / "mondo.sssom.tsv", text))
    catalog = open_catalog(small)
    assert found(catalog, "honey blood state")[0] == "E11.9"
    assert found(catalog, "scalding") == ["T30"]
    phrases = set(catalog.release_set()[0].terms.phrases)
    assert {"sweetness of blood", "scalding"} <= phrases
    assert phrases.isdisjoint({"wide word", "gone thing", "heat"})


def test_rows_without_a_usable_code_are_left_out_and_named(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    text = "term,icd10cm\nsweet blood,E11.9\nsugar heap,E11.65\nrange,A00-A09\nodd,QA0.0151\n"
    item = bring(write(tmp_path / "doid.csv", text))
    assert item.changes.left_out == (
        "row 4: 'A00-A09' does not look like a code of ICD-10-CM",
        "row 5: 'QA0.0151' does not look like a code of ICD-10-CM",
    )
    assert item.changes.remarks == ("2 rows left out",)
    text = "description,code,price\ntaxi,A0100,1\nketorolac,J1885,2\nlocal thing,LOC12,3\n"
    item = bring(write(tmp_path / "charges.csv", text))
    assert item.changes.left_out == ("row 4: 'LOC12' does not look like a code of HCPCS",)


def test_chargemaster_gives_words_and_prices(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    item = bring(write(tmp_path / "chargemaster.csv", made.CHARGES))
    assert (item.kind, item.changes.kept) == ("chargemaster", 2)
    catalog = open_catalog(small)
    assert found(catalog, "cab fare") == ["A0100"]
    (charge,) = catalog.procedures.charges("A0100")
    assert (charge.description, charge.price) == ("HC TAXI CAB FARE", Decimal("1250.50"))
    assert catalog.procedures.charges("99213") == ()


WORD_FAULTS = [
    (
        "s.csv",
        "phrase,system,code\nx y,SNOMED,E11.9\n",
        "row 2: system 'SNOMED', allowed: ICD-10-CM, CPT, HCPCS",
    ),
    ("s.csv", "phrase,code\n,E11.9\n", "row 2: no phrase of 1 to 300 characters"),
    ("s.csv", "phrase,code\nx,Q99.9\n", "no row names a code of an installed release"),
    ("s.csv", "phrase,code\na b,E11.9\nx,Q99.9\ny,Q99.8\n", "2 of 3 rows name codes that no installed"),
    ("o.obo", "nothing\n", "no [Term] in it"),
    ("o.obo", "[Term]\nname: x y\nxref: ICD10CM:99\n", "no row names a code of an installed release"),
    ("c.csv", "description,code,price\ntaxi,A0100,cheap\n", "row 2: price 'cheap' is no amount"),
    ("c.csv", "description,code,price\ntaxi,A0100,1\ntaxi,A0100,2\n", "row 3: A0100 has two prices"),
]


@pytest.mark.parametrize(("name", "text", "message"), WORD_FAULTS, ids=[f[2] for f in WORD_FAULTS])
def test_wrong_list_of_words_is_refused_and_changes_nothing(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import], name: str, text: str, message: str
) -> None:
    before = state(small)
    with pytest.raises(ImportRefusedError) as caught:
        bring(write(tmp_path / name, text))
    assert str(caught.value).startswith(name)
    assert message in str(caught.value)
    assert state(small) == before


# --- what it is -------------------------------------------------------------------------------------


def test_files_are_recognised(tmp_path: Path) -> None:
    for name, text, kind in (
        ("a.txt", made.ANWEB, "hcpcs"),
        ("a.xml", made.NEXT_TABULAR, "icd10cm"),
        ("a.obo", made.OBO, "synonyms"),
        ("b.txt", made.PAIRS, "ncci"),
        ("a.csv", made.UNITS, "mue"),
        ("b.csv", made.GLOBAL, "global"),
        ("c.csv", made.SYNONYMS, "synonyms"),
        ("d.csv", made.CHARGES, "chargemaster"),
        ("b.xml", "<other/>", "icd10cm"),
    ):
        path = write(tmp_path / name, text)
        assert recognise([Source(path, name)]) == kind, name
    for name, text in (("e.csv", "a,b\n1,2\n"), ("f.csv", "x" * 30_000), ("g.bin", "x")):
        path = write(tmp_path / name, text)
        with pytest.raises(
            ImportRefusedError, match=r"what it is cannot be told; say --kind, one of: icd10cm, hcpcs"
        ):
            recognise([Source(path, name)])


def test_wrong_kinds_of_file_are_refused(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    before = state(small)
    path = write(tmp_path / "b.xml", "<other/>")
    with pytest.raises(ImportRefusedError, match=r"b\.xml: root is 'other'"):
        bring(path)
    with pytest.raises(ImportRefusedError, match="2 files among those given may be an HCPCS file"):
        bring(write(tmp_path / "x.csv", "a"), write(tmp_path / "y.csv", "b"), kind="hcpcs")
    with pytest.raises(ImportRefusedError, match="no files among those given may be"):
        bring(path, kind="hcpcs")
    with pytest.raises(ImportRefusedError, match="no part of the alphabetic index"):
        read_part(path, "b.xml")
    assert state(small) == before


def test_journal_is_plain_json(tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]) -> None:
    item = bring(anweb(tmp_path))
    data = json.loads((small.store_dir / "imports" / "imports.json").read_text())
    assert data["imports"][0]["sha256"] == item.sha256
    assert journal.read_journal(small.store_dir) == (item,)


def test_release_of_a_day_without_any_is_compared_with_the_newest(
    tmp_path: Path, small: Settings, bring: Callable[..., journal.Import]
) -> None:
    line = made.anweb_line("A0100", "3", "Ride", short="Ride", changed="20300101")
    other = made.anweb_line("A0110", "3", "Bus", short="Bus", changed="20300101")
    item = bring(write(tmp_path / "HCPC2030_JAN_ANWEB.txt", f"{line}\n{other}"))
    assert item.changes.against == "HCPCS 2026-04-01"
    with pytest.raises(NoReleaseError):
        open_catalog(small).lookup("ICD-10-CM", "E11.9", date(2030, 2, 1))
