from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType

import pytest
from small_codesets import TABULAR, write_tabular

from suggester.codesets import Catalog
from suggester.codesets.icd10cm import NOTE_KINDS, Node, embedded_tabular, read_tabular
from suggester.codesets.store import ReleaseStore
from suggester.errors import CodeSetError


@pytest.fixture
def small(tmp_path: Path) -> dict[str, Node]:
    return {node.code: node for node in read_tabular(write_tabular(tmp_path))}


@pytest.fixture(scope="module")
def store(catalog: Catalog) -> ReleaseStore:
    return catalog.store("ICD-10-CM")


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The package whose tabular list ours is compiled from; it reads and extends the list its own way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import simple_icd_10_cm
    return simple_icd_10_cm


def test_small_list_is_read_whole(small: dict[str, Node]) -> None:
    assert [code for code, node in small.items() if node.billable] == [
        "E11.65",
        "E11.9",
        "S61.411A",
        "S61.411D",
        "S61.411S",
        "S61.412A",
        "S61.412D",
        "S61.412S",
        "S61.413A",
        "S61.419A",
        "S61.419D",
        "S61.419S",
        "S61.5XXA",
        "S61.5XXD",
        "S61.5XXS",
        "T30",
    ]
    assert small["Chapter 4"].title == "Endocrine diseases"
    assert small["Chapter 4"].parent is None
    assert small["Block E08-E13"].title == "Diabetes mellitus"
    assert small["S61.412D"].title == "Laceration of left hand, subsequent encounter"
    assert small["S61.412D"].parent == "S61.412"
    assert small["S61"].seventh == {"A": "initial encounter", "D": "subsequent encounter", "S": "sequela"}
    assert small["E11"].notes == {
        "includes": ["diabetes NOS"],
        "excludes2": ["gestational diabetes (O24.4-)"],
    }


def test_a_note_can_bar_7th_characters(small: dict[str, Node]) -> None:
    assert "S61.413A" in small
    assert "S61.413D" not in small
    assert "S61.413S" not in small


def test_a_block_of_blocks_is_between_chapter_and_block(small: dict[str, Node]) -> None:
    assert small["Block T20-T32"].parent == "Chapter 19"
    assert small["Block T30-T32"].parent == "Block T20-T32"
    assert small["Block S60-S69"].parent == "Chapter 19"
    assert small["T30"].parent == "Block T30-T32"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not xml", "not well-formed XML"),
        ("<a><b></a>", "not well-formed XML"),
        ("<other/>", "root is 'other', expected 'ICD10CM.tabular'"),
        (TABULAR.replace("<name>E11.9</name>", ""), "'' does not look like a code"),
        (TABULAR.replace("<name>E11.9</name>", "<name>E119</name>"), "'E119' does not look like a code"),
        (TABULAR.replace("<name>E11.9</name>", "<name>E11.65</name>"), "E11.65 stands there twice"),
    ],
)
def test_wrong_file_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CodeSetError, match=r"^small-tabular\.xml[:,] ?") as caught:
        read_tabular(write_tabular(tmp_path, text))
    assert message in str(caught.value)


def test_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CodeSetError, match=r"none\.xml: cannot be read"):
        read_tabular(tmp_path / "none.xml")


def test_number_of_billable_codes(store: ReleaseStore) -> None:
    assert int(store.billable.sum()) == 74_719
    assert store.release.codes == 74_719
    assert embedded_tabular().name.endswith(".xml")


def test_codes_equal_those_of_the_package_that_carries_the_list(
    store: ReleaseStore, reference: ModuleType
) -> None:
    theirs = {code for code in reference.get_all_codes(with_dots=True) if "." in code or len(code) == 3}
    theirs = {code for code in theirs if "-" not in code and not code.isdigit()}
    billable = {code for code in theirs if reference.is_leaf(code)}
    ours = dict(zip(store.codes, store.billable.tolist(), strict=True))
    assert {code for code in ours if " " not in code} == theirs
    assert {code for code, can in ours.items() if can} == billable


def test_titles_equal_those_of_the_package(store: ReleaseStore, reference: ModuleType) -> None:
    codes = [code for code, can in zip(store.codes, store.billable.tolist(), strict=True) if can][::50]
    for code in codes:
        theirs = " ".join(reference.get_description(code).split())
        assert theirs.startswith(store.titles[store.row(code)]), (
            code
        )  # theirs appends notes on 7th characters


def test_own_notes_equal_those_of_the_package(store: ReleaseStore, reference: ModuleType) -> None:
    read = {
        "excludes1": reference.get_excludes1,
        "excludes2": reference.get_excludes2,
        "includes": reference.get_includes,
        "inclusionTerm": reference.get_inclusion_term,
    }
    rows = [row for row, code in enumerate(store.codes) if " " not in code and not store.is_extension(row)]
    compared = 0
    for row in rows[::40]:
        for kind, theirs in read.items():
            expected = [" ".join(text.split()) for text in theirs(store.codes[row])]
            assert store.notes(row, kind) == expected, (store.codes[row], kind)
            compared += len(expected)
    assert compared > 300


def test_7th_characters(store: ReleaseStore) -> None:
    fracture = store.row("S72.001")
    assert list(store.seventh_characters(fracture)) == list("ABCDEFGHJKMNPQRS")
    assert store.seventh_characters(fracture)["A"] == "initial encounter for closed fracture"
    assert store.codes[store.row("S72001A")] == "S72.001A"
    assert store.codes[store.row("W54.0XXA")] == "W54.0XXA"
    assert store.seventh_characters(store.row("E11.9")) == {}
    assert store.seventh_characters(store.row("S72.001A")) == store.seventh_characters(fracture)
    # died before regaining consciousness: no subsequent encounter and no sequela
    assert list(store.seventh_characters(store.row("S06.5X7"))) == ["A"]
    assert "S06.5X7D" not in set(store.codes)


def test_every_extension_is_its_parent_padded_to_six_characters(store: ReleaseStore) -> None:
    codes = list(store.codes)
    seen = 0
    for row, code in enumerate(codes):
        if store.is_extension(row):
            parent = codes[int(store.parent[row])]
            stem = parent if "." in parent else parent + "."
            assert code[:-1] == stem.ljust(7, "X")
            assert store.billable[row]
            seen += 1
    assert seen > 40_000


def test_every_billable_code_has_no_children_and_a_path_to_a_chapter(store: ReleaseStore) -> None:
    codes = list(store.codes)
    for row in range(0, len(codes), 97):
        up = store.ancestors(row)
        if not codes[row].startswith("Chapter"):
            assert codes[up[-1]].startswith("Chapter")
        assert bool(store.billable[row]) == (not store.children(row) and " " not in codes[row])
        for child in store.children(row):
            assert int(store.parent[child]) == row


def test_notes_are_inherited_down_the_tree(store: ReleaseStore) -> None:
    notes = store.inherited_notes(store.row("E11.65"))
    assert ("E11", "gestational diabetes (O24.4-)") in notes["excludes1"]
    assert "Z79.4" in " ".join(text for owner, text in notes["useAdditionalCode"] if owner == "E11")
    assert all(owner == "E11.65" for owner, _ in notes.get("inclusionTerm", []))
    assert set(notes) <= set(NOTE_KINDS)


def test_excludes1_of_chapter_and_block_are_inherited(store: ReleaseStore) -> None:
    influenza = store.inherited_notes(store.row("J10.1"))["excludes1"]
    chapter_level = [text for owner, text in store.inherited_notes(store.row("A00.0"))["excludes1"]]
    assert any("certain localized infections" in text for text in chapter_level)
    assert {owner for owner, _ in influenza} >= {"J10"}
    levels = {
        owner.split()[0]
        for code in ("A00.0", "V03.10XA", "R07.9", "L89.152")
        for owner, _ in store.inherited_notes(store.row(code)).get("excludes1", [])
    }
    assert {"Chapter", "Block"} <= levels
    pedestrian = [owner for owner, _ in store.inherited_notes(store.row("V03.10XA"))["excludes1"]]
    assert "Block V00-V99" in pedestrian, "a block of blocks hands its notes down too"


def test_inherited_notes_are_own_first_then_upwards(store: ReleaseStore) -> None:
    row = store.row("A04.6")
    order = {store.codes[r]: at for at, r in enumerate([row, *store.ancestors(row)])}
    for kind, entries in store.inherited_notes(row).items():
        places = [order[owner] for owner, _ in entries]
        assert places == sorted(places), kind
