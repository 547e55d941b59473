from __future__ import annotations

import io
import struct
import zipfile
from datetime import date
from pathlib import Path

import pytest
from small_imports import write, write_sheet, write_zip

from suggester.codesets import untrusted
from suggester.codesets.untrusted import Source, day_of, find_header, gather, parse_xml, read_text, rows_of
from suggester.errors import ImportRefusedError


def source(path: Path) -> Source:
    return Source(path, path.name)


# --- archives ---------------------------------------------------------------------------------------


def test_files_folders_and_archives_are_gathered(tmp_path: Path) -> None:
    write(tmp_path / "given" / "b.txt", "b")
    write(tmp_path / "given" / ".hidden" / "c.txt", "c")
    write_zip(tmp_path / "given" / "a.zip", {"in/x.txt": "x", "in/": ""})
    alone = write(tmp_path / "alone.csv", "d")
    found = gather([tmp_path / "given", alone], tmp_path / "out")
    assert [item.name for item in found] == ["given/a.zip/in/x.txt", "given/b.txt", "alone.csv"]
    assert found[0].path.read_text() == "x"


def test_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportRefusedError, match=r"gone\.zip: there is no such file"):
        gather([tmp_path / "gone.zip"], tmp_path / "out")


def test_too_many_files_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untrusted, "MAX_ENTRIES", 1)
    write(tmp_path / "given" / "a.txt", "a")
    write(tmp_path / "given" / "b.txt", "b")
    with pytest.raises(ImportRefusedError, match="2 files in the folder"):
        gather([tmp_path / "given"], tmp_path / "out")


@pytest.mark.parametrize(
    "name",
    [
        "../out.txt",
        "a/../../out.txt",
        "/etc/out.txt",
        "C:/out.txt",
        "a\\..\\out.txt",
        "bad\x07name",
        "1/2/3/4/5/6/7",
    ],
)
def test_entry_outside_of_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fine.txt", "x")
        info = zipfile.ZipInfo()
        info.filename = info.orig_filename = name
        archive.writestr(info, "x")
    with pytest.raises(ImportRefusedError, match=r"a\.zip, row 2: entry ") as caught:
        gather([path], tmp_path / "out")
    assert caught.value.row == 2
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.txt").exists()


def test_link_encrypted_and_doubled_entries_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "l.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ImportRefusedError, match="is a link"):
        gather([tmp_path / "l.zip"], tmp_path / "out")
    data = bytearray(write_zip(tmp_path / "e.zip", {"x": "x"}).read_bytes())
    at = data.rindex(b"PK\x01\x02") + 8
    data[at] |= 1
    (tmp_path / "e.zip").write_bytes(data)
    with pytest.raises(ImportRefusedError, match="is encrypted"):
        gather([tmp_path / "e.zip"], tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("x", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("x", "2")
    with pytest.raises(ImportRefusedError, match="two entries have one name"):
        gather([tmp_path / "d.zip"], tmp_path / "out")


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.97])
def test_truncated_archive_is_refused(tmp_path: Path, keep: float) -> None:
    path = write_zip(tmp_path / "t.zip", {"x.txt": "words " * 500, "y.txt": "more"})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(ImportRefusedError, match=r"t\.zip: no zip archive, or cut off"):
        gather([path], tmp_path / "out")


def test_damaged_entry_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "t.zip", {"x.txt": "words " * 500}, packed=False)
    data = bytearray(path.read_bytes())
    data[100] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ImportRefusedError, match=r"t\.zip/x\.txt: the archive is damaged \(BadZipFile\)"):
        gather([path], tmp_path / "out")


def test_bombs_are_refused_before_they_are_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = write_zip(tmp_path / "b.zip", {"zeros.txt": b"\0" * 3_000_000})
    with pytest.raises(ImportRefusedError, match="unpacks to more than 200 times its size"):
        gather([bomb], tmp_path / "out")
    many = write_zip(tmp_path / "m.zip", {f"{i}.txt": "x" for i in range(30)})
    with monkeypatch.context() as patch:
        patch.setattr(untrusted, "MAX_ENTRIES", 20)
        with pytest.raises(ImportRefusedError, match="30 entries in the archive, at most 20"):
            gather([many], tmp_path / "out")
    large = write_zip(tmp_path / "l.zip", {"x": "x" * 900, "y": "y" * 900})
    monkeypatch.setattr(untrusted, "MAX_UNPACKED", 1_000)
    with pytest.raises(ImportRefusedError, match="unpacks to 0 MB, at most 0"):
        gather([large], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_read_counts_and_not_what_is_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_zip(tmp_path / "liar.zip", {"x.txt": b"x" * 5_000})
    monkeypatch.setattr(untrusted, "MAX_UNPACKED", 1_000)
    monkeypatch.setattr(untrusted, "check_entries", lambda *_: None)
    with pytest.raises(ImportRefusedError, match="unpacks to more than"):
        gather([path], tmp_path / "out")


# --- XML --------------------------------------------------------------------------------------------

LAUGHS = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS, "document type or entities"),
        (OUTSIDE, "document type or entities"),
        ('<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><x/>', "document type or entities"),
        ("<a>" * 80 + "</a>" * 80, "nested deeper than 64"),
        ("<a><b></a>", "row 1: not well-formed XML"),
        ("", "not well-formed XML"),
        ('<?xml version="1.0" encoding="klingon"?><a/>', "not well-formed XML"),
    ],
)
def test_dangerous_xml_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "x.xml", text)
    with pytest.raises(ImportRefusedError) as caught:
        parse_xml(path)
    assert message in str(caught.value)


def test_large_and_missing_xml_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.xml", "<a><b>text</b></a>")
    assert [element.tag for element in parse_xml(path)] == ["b"]
    monkeypatch.setattr(untrusted, "MAX_XML_BYTES", 5)
    with pytest.raises(ImportRefusedError, match="XML of more than"):
        parse_xml(path)
    with pytest.raises(ImportRefusedError, match=r"gone\.xml: cannot be read"):
        parse_xml(tmp_path / "gone.xml")


# --- tables -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [",", "\t", "|"])
def test_marks_between_cells_are_found(tmp_path: Path, mark: str) -> None:
    path = write(tmp_path / "t.csv", f"a{mark}b\n\n1{mark}  two   words\n")
    assert list(rows_of(source(path))) == [(1, ["a", "b"]), (3, ["1", "two words"])]


def test_workbook_cells_are_text(tmp_path: Path) -> None:
    path = write_sheet(tmp_path / "t.xlsx", [["a", None, 2.0, 2.5], [date(2026, 1, 2), 7]])
    assert list(rows_of(source(path))) == [(1, ["a", "", "2", "2.5"]), (2, ["20260102", "7", "", ""])]


def test_text_is_utf8_or_windows(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes("Sjögren".encode("cp1252"))
    assert read_text(source(path)) == "Sjögren"
    path.write_bytes("\ufeffSjögren".encode())
    assert read_text(source(path)) == "Sjögren"
    path.write_bytes(b"PK\x03\x04\0\0")
    with pytest.raises(ImportRefusedError, match="binary, not a text file"):
        read_text(source(path))


@pytest.mark.parametrize("data", [b"not a zip", b"PK\x05\x06" + b"\0" * 18, b""])
def test_file_that_is_no_workbook_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(data)
    with pytest.raises(ImportRefusedError, match=r"t\.xlsx: (no zip|not an Excel)"):
        list(rows_of(source(path)))


def test_damaged_workbook_is_refused(tmp_path: Path) -> None:
    good = write_sheet(tmp_path / "g.xlsx", [["a"]])
    path = tmp_path / "t.xlsx"
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data[: len(data) // 2] if "sheet1" in name else data)
    with pytest.raises(ImportRefusedError, match=r"t\.xlsx: (damaged|not an) Excel workbook"):
        list(rows_of(source(path)))


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ("MAX_ROWS", 1, "more than 1 rows"),
        ("MAX_COLUMNS", 1, "2 cells, at most 1"),
        ("MAX_ROW", 3, "a row of more"),
    ],
)
def test_limits_of_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, message: str
) -> None:
    monkeypatch.setattr(untrusted, limit, value)
    path = write(tmp_path / "t.csv", "code,text\nx,y\n")
    with pytest.raises(ImportRefusedError, match=message):
        list(rows_of(source(path)))


def test_table_with_a_broken_cell_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a,b\n" + "x" * 200_000 + ",y\n")
    with pytest.raises(ImportRefusedError, match="not a table"):
        list(rows_of(source(path)))


def test_header_is_found_behind_notices(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "Notice\nCODE,Long_Description\nA,b\n")
    rows = rows_of(source(path))
    assert find_header(source(path), rows, (("code",), ("long*",), ("?", "more"))) == ([0, 1, -1], 2)
    assert next(rows) == (3, ["A", "b"])
    with pytest.raises(ImportRefusedError, match="no row names its columns; needed: code; price"):
        find_header(source(path), rows_of(source(path)), (("code",), ("price",)))
    long = write(tmp_path / "l.csv", "x,y\n" * 60)
    with pytest.raises(ImportRefusedError, match="no row names its columns"):
        find_header(source(long), rows_of(source(long)), (("code",),))


def test_days() -> None:
    at = Source(Path("f"), "f")
    for text in ("20260102", "2026-01-02", "01/02/2026", "1/2/2026", "1/2/26"):
        assert day_of(text, at, 1) == date(2026, 1, 2), text
    for text in ("20261302", "soon", ""):
        with pytest.raises(ImportRefusedError, match=r"f, row 7: .* is not a day"):
            day_of(text, at, 7)


def test_refusal_survives_pickling() -> None:
    import pickle

    again = pickle.loads(pickle.dumps(ImportRefusedError("f.csv", "why", row=3)))  # noqa: S301 - our own bytes
    assert (str(again), again.row) == ("f.csv, row 3: why", 3)


def test_entry_sizes_that_lie_are_held_to_the_limit() -> None:
    """A central directory may declare any size; the ratio is judged by it, the unpacking by what comes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", b"\0" * 2_000_000)
    raw = bytearray(data.getvalue())
    at = raw.rindex(b"PK\x01\x02") + 24
    raw[at : at + 4] = struct.pack("<I", 10)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        untrusted.check_entries(archive, "x.zip")
        assert archive.infolist()[0].file_size == 10
