from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from small_codesets import MADE_UP, open_ioce, small_world
from small_imports import write

from suggester.codesets import build, build_all, import_files, licence, open_catalog
from suggester.codesets.terms import DESCRIPTORS
from suggester.codesets.terms import Source as TermSource
from suggester.config import Settings
from suggester.errors import ImportRefusedError, LicenceError

JANUARY = date(2027, 1, 1)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Settings]:
    sources = tmp_path / "sources"
    sources.mkdir()
    with small_world(sources):
        settings = Settings.load(store_dir=tmp_path / "built")
        build_all(settings)
        yield settings


def shown(settings: Settings, on: date | None = None) -> dict[str, str]:
    store = open_catalog(settings).store("CPT", on)
    assert [store.code(row).display for row in range(len(store))] == list(store.titles)
    return {store.codes[row]: store.display(row) for row in range(len(store))}


def test_statements_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert licence.in_force(folder) is None
    assert not licence.cpt_licensed(folder)
    held = licence.accept(folder, name=" Ada  Coder, Test Clinic ", purpose="coding")
    assert (held.name, held.purpose, held.at[-1]) == ("Ada Coder, Test Clinic", "coding", "Z")
    assert licence.in_force(folder) == held
    assert licence.cpt_licensed(folder)
    licence.revoke(folder)
    assert not licence.cpt_licensed(folder)
    assert [item.action for item in licence.statements(folder)] == ["accepted", "revoked"]
    with pytest.raises(LicenceError, match="no licence is accepted"):
        licence.revoke(folder)


@pytest.mark.parametrize(("name", "purpose"), [("", "x"), ("x", " "), ("x" * 301, "x")])
def test_statement_needs_name_and_purpose(tmp_path: Path, name: str, purpose: str) -> None:
    with pytest.raises(LicenceError, match=r"name and (a )?purpose"):
        licence.accept(tmp_path, name=name, purpose=purpose)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["{", "[1]", '[{"subject": "cpt"}]'])
def test_damaged_statements_open_nothing(tmp_path: Path, text: str) -> None:
    write(tmp_path / licence.LICENCES_FILE, text)
    with pytest.raises(LicenceError, match="is damaged"):
        licence.cpt_licensed(tmp_path)


def test_descriptors_of_the_tables_are_read_only_under_a_licence(
    small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in small.store_dir.glob("*.store")}
    assert shown(small) == {"0001F": "", "36415": "blood draw from a vein", "99213": ""}
    licence.accept(small.store_dir, name="Test", purpose="tests")

    monkeypatch.setattr(build, "open_ioce", open_ioce)
    build_all(small)
    assert shown(small)["99213"] == MADE_UP
    hits = open_catalog(small).search("zebra lantern")
    assert {hit.code.code for hit in hits} == {"0001F", "36415", "99213"}
    terms = open_catalog(small).release_set()[0].terms
    assert TermSource.CPT_DESCRIPTOR in DESCRIPTORS
    assert (terms.term_source == TermSource.CPT_DESCRIPTOR).any()
    assert any(MADE_UP.encode() in path.read_bytes() for path in small.store_dir.glob("*.store"))
    licence.revoke(small.store_dir)
    assert shown(small)["99213"] == "", "closed at once, and built again without"
    build_all(small)
    assert {path.name: path.read_bytes() for path in small.store_dir.glob("*.store")} == before


@pytest.fixture
def licensee(small: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The small world of somebody who states to hold a licence."""
    monkeypatch.setattr(build, "open_ioce", open_ioce)
    licence.accept(small.store_dir, name="Test", purpose="tests")
    return small


def test_cpt_file_needs_a_licence(small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "open_ioce", open_ioce)
    path = write(
        tmp_path / "LONGULT.txt", f"A notice\n\n99213\t{MADE_UP}\n36415\tQuiet drop\n0042T\tA third\n"
    )
    call = {"kind": "cpt", "valid_from": JANUARY, "settings": small}
    with pytest.raises(LicenceError, match="state yours first: suggester codesets license cpt --accept"):
        import_files([path], **call)  # type: ignore[arg-type]
    assert not (small.store_dir / "imports").exists()
    licence.accept(small.store_dir, name="Test", purpose="tests")
    item = import_files([path], **call)  # type: ignore[arg-type]
    assert (item.slot, item.changes.kept) == ("CPT 2027-01-01", 3)
    assert MADE_UP not in str(item)
    assert shown(small, JANUARY) == {"99213": MADE_UP, "36415": "Quiet drop", "0042T": "A third"}
    licence.revoke(small.store_dir)
    build_all(small)
    assert shown(small, JANUARY) == {"99213": "", "36415": "blood draw from a vein", "0042T": ""}
    assert "zebra" not in open_catalog(small).release_set()[0].terms.vocabulary


@pytest.mark.parametrize(
    "text",
    [
        "99213|Zebra|x\n36415|Quiet drop\n",
        "99213 Zebra x\n36415 Quiet drop\n",
        'CODE,WORDS\n99213,"Zebra, x"\n36415,Quiet drop\n',
    ],
)
def test_layouts_of_cpt_files(licensee: Settings, tmp_path: Path, text: str) -> None:
    import_files([write(tmp_path / "c.txt", text)], kind="cpt", valid_from=JANUARY, settings=licensee)
    assert shown(licensee, JANUARY)["36415"] == "Quiet drop"
    assert shown(licensee, JANUARY)["99213"].startswith("Zebra")


@pytest.mark.parametrize(
    ("text", "day", "message"),
    [
        ("99213\tZebra\n36415\tQ\n", None, "say when the CPT release begins"),
        ("99213\tZebra\n99213\tQ\n", JANUARY, "row 2: 99213 stands there twice"),
        ("99213\tZebra\nwords\tQ\n", JANUARY, "row 2: does not begin with a CPT number"),
        ("99213\tZebra\n36415\t\n", JANUARY, "row 2: 36415 has no descriptor"),
        ("99213\tZebra\n", JANUARY, "1 numbers; a whole CPT release has some 11,000"),
        ("nothing\tof use\n", JANUARY, "no row begins with a CPT number"),
    ],
)
def test_wrong_cpt_file_is_refused(
    licensee: Settings, tmp_path: Path, text: str, day: date | None, message: str
) -> None:
    with pytest.raises(ImportRefusedError) as caught:
        import_files([write(tmp_path / "c.txt", text)], kind="cpt", valid_from=day, settings=licensee)
    assert message in str(caught.value)
    assert "Zebra" not in str(caught.value)
    assert not (licensee.store_dir / "imports").exists()
