from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import small_imports as made
from small_codesets import open_ioce, small_world
from small_imports import write

from suggester.codesets import build, build_all, import_files, licence, open_catalog
from suggester.codesets.diff import Revised, compare_stores, find_pair, touched_notes
from suggester.config import Settings
from suggester.errors import CodeSetError, JsonError

NEXT = made.NEXT_TABULAR.replace("with hyperglycemia", "with too much sugar").replace(
    "<diag><name>T30</name><desc>Burn of unspecified region</desc></diag>",
    "<diag><name>T31</name><desc>Burn by size</desc></diag>",
)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Settings]:
    sources = tmp_path / "sources"
    sources.mkdir()
    with small_world(sources):
        settings = Settings.load(store_dir=tmp_path / "built")
        build_all(settings)
        yield settings


def test_added_deleted_and_revised(small: Settings, tmp_path: Path) -> None:
    import_files([write(tmp_path / "t.xml", NEXT)], settings=small)
    pairs = find_pair(open_catalog(small).stores, "2026-04-01", "2026-10-01", None)
    assert [(one.release.system, two.release.id) for one, two in pairs] == [("ICD-10-CM", "2026-10-01")]
    found = compare_stores(*pairs[0])
    assert found.added == (("T31", "Burn by size"),)
    assert found.deleted == (("T30", "Burn of unspecified region"),)
    assert found.revised == (
        Revised(
            code="E11.65",
            before="Type 2 diabetes mellitus with hyperglycemia",
            after="Type 2 diabetes mellitus with too much sugar",
        ),
    )
    assert found.touched == {"T30": "deleted", "E11.65": "revised"}
    back = compare_stores(*reversed(pairs[0]))
    assert (back.added, back.deleted) == (found.deleted, found.added)


def test_a_code_that_is_divided_is_revised(small: Settings, tmp_path: Path) -> None:
    text = made.NEXT_TABULAR.replace(
        "<diag><name>T30</name><desc>Burn of unspecified region</desc></diag>",
        "<diag><name>T30</name><desc>Burn of unspecified region</desc>"
        "<diag><name>T30.0</name><desc>Burn, small</desc></diag></diag>",
    )
    import_files([write(tmp_path / "t.xml", text)], settings=small)
    found = compare_stores(*find_pair(open_catalog(small).stores, "2026-04-01", "2026-10-01", "ICD-10-CM")[0])
    assert [(item.code, item.after) for item in found.revised] == [
        ("T30", "Burn of unspecified region (not billable)")
    ]


def test_embedded_quarters_of_hcpcs(small: Settings) -> None:
    stores = open_catalog(small).stores
    ((before, after),) = find_pair(stores, "2026-01-01", "2026-04-01", None)
    found = compare_stores(before, after)
    assert [code for code, _ in found.deleted] == ["E0100"]
    assert found.added == found.revised == ()
    with pytest.raises(
        CodeSetError, match="no system has both releases 'x' and '2026-04-01'; installed: ICD-10-CM"
    ):
        find_pair(stores, "x", "2026-04-01", None)
    with pytest.raises(CodeSetError, match="releases of ICD-10-CM and HCPCS cannot be compared"):
        compare_stores(stores[0], stores[-1])


def test_cpt_is_not_revised_by_the_licence_alone(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "open_ioce", open_ioce)
    licence.accept(small.store_dir, name="Test", purpose="tests")
    text = "99213\tmade-up words for a visit\n36415\tmade-up words for a draw\n"
    import_files([write(tmp_path / "c.txt", text)], kind="cpt", valid_from=date(2027, 1, 1), settings=small)
    ((before, after),) = find_pair(open_catalog(small).stores, "2026-04-01", "2027-01-01", "CPT")
    assert {item.code for item in compare_stores(before, after).revised} == {"99213", "36415"}
    licence.revoke(small.store_dir)
    build_all(small)
    ((before, after),) = find_pair(open_catalog(small).stores, "2026-04-01", "2027-01-01", "CPT")
    assert compare_stores(before, after).revised == ()


def test_notes_of_an_archive(small: Settings, tmp_path: Path) -> None:
    import_files([write(tmp_path / "t.xml", NEXT)], settings=small)
    found = compare_stores(*find_pair(open_catalog(small).stores, "2026-04-01", "2026-10-01", None)[0])

    def record(note: str, *codes: tuple[str, str]) -> str:
        return json.dumps({"id": note, "suggestions": [{"system": s, "code": c} for s, c in codes]})

    archive = write(
        tmp_path / "run.jsonl",
        "\n".join(
            (
                record("n1", ("ICD-10-CM", "T30"), ("ICD-10-CM", "E11.9"), ("HCPCS", "T30")),
                "",
                record("n2", ("ICD-10-CM", "E11.9")),
                record("n3", ("ICD-10-CM", "E11.65"), ("ICD-10-CM", "T30")),
            )
        ),
    )
    notes = list(touched_notes(archive, {"ICD-10-CM": found}))
    assert [(note.note_id, note.codes) for note in notes] == [
        ("n1", (("T30", "deleted"),)),
        ("n3", (("E11.65", "revised"), ("T30", "deleted"))),
    ]
    for bad in ("{", "[]", '{"id": 1}', '{"id": 1, "suggestions": [{}]}'):
        with pytest.raises(JsonError, match=r"bad\.jsonl:1: not a record of suggestions"):
            list(touched_notes(write(tmp_path / "bad.jsonl", bad), {"ICD-10-CM": found}))
