from __future__ import annotations

import codecs
import io
import json
import os
import pickle
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_batch_fakes import CANARY, FakeEngine

from suggester.contract import to_json_line
from suggester.errors import (
    DuplicateIdError,
    EmptyInputError,
    EncodingError,
    FieldError,
    InputError,
    JsonError,
    TooLargeError,
)
from suggester.notes import Limits, read_gold, read_notes, read_suggestions, read_text
from suggester.types import GoldNote, Note, Patient

SMALL = Limits(chars=1_000)


def good(number: int) -> bytes:
    return json.dumps({"id": f"n{number}", "text": "Cough.\r\nNo fever."}).encode()


def read(path: Path, **options: object) -> list[Note | InputError]:
    return list(read_notes(path, **options))  # type: ignore[arg-type]


def ids(found: list) -> list[str]:
    return [item.id if isinstance(item, Note) else type(item).__name__ for item in found]


# --- JSON Lines: every bad line is one typed error, its neighbours untouched --------------------------

LARGE_LINE = json.dumps({"id": "n2", "text": CANARY * 9_999}).encode()
BAD_LINES = {
    "not json": (f"{CANARY} has a cough".encode(), JsonError, "not valid JSON"),
    "cut": (f'{{"id": "n2", "text": "{CANARY}'.encode(), JsonError, "not valid JSON"),
    "raw newline escape": (f'{{"id": "n2", "text": "{CANARY}\t"}}'.encode(), JsonError, "not valid JSON"),
    "an array": (json.dumps([CANARY]).encode(), JsonError, "must be a JSON object"),
    "a string": (json.dumps(CANARY).encode(), JsonError, "must be a JSON object"),
    "nan": (b'{"id": "n2", "text": NaN}', JsonError, "number"),
    "huge number": (b'{"id": "n2", "text": ' + b"9" * 5_000 + b"}", JsonError, "number"),
    "deep": (b'{"id":' + b"[" * 60_000, JsonError, ""),
    "same name twice": (b'{"id": "a", "id": "b", "text": "x"}', JsonError, "twice"),
    "missing id": (json.dumps({"text": CANARY}).encode(), FieldError, "'id' is missing"),
    "empty id": (json.dumps({"id": "", "text": CANARY}).encode(), FieldError, "must not be empty"),
    "missing text": (b'{"id": "n2"}', FieldError, "'text' is missing"),
    "unknown field": (json.dumps({"id": "n2", "text": CANARY, "mrn": 1}).encode(), FieldError, "'mrn'"),
    "wrong date": (
        json.dumps({"id": "n2", "text": "x", "service_date": CANARY}).encode(),
        FieldError,
        "'service_date' must be a calendar date",
    ),
    "duplicate id": (
        json.dumps({"id": "n1", "text": CANARY}).encode(),
        DuplicateIdError,
        "'n1' was seen before",
    ),
    "empty text": (b'{"id": "n2", "text": ""}', EmptyInputError, "empty or blank"),
    "blank text": (b'{"id": "n2", "text": " \\n\\t"}', EmptyInputError, "empty or blank"),
    "nul escape": (b'{"id": "n2", "text": "a\\u0000b"}', EncodingError, "NUL"),
    "nul byte": (b'{"id": "n2", "text": "a\x00b"}', EncodingError, "NUL"),
    "binary": (bytes(range(128, 256)) + b"\x00\x81" * 9, EncodingError, "NUL"),
    "undefined byte": (b'{"id": "n2", "text": "a\x81b"}', EncodingError, "not text in"),
    "lone surrogate": (b'{"id": "n2", "text": "a\\ud800b"}', EncodingError, "surrogate"),
    "too many characters": (
        json.dumps({"id": "n2", "text": CANARY * 99}).encode(),
        TooLargeError,
        "at most 1000",
    ),
    "too many bytes": (LARGE_LINE, TooLargeError, "larger than 71536 bytes"),
}


@pytest.mark.parametrize(("line", "kind", "message"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_one_error_between_good_neighbours(
    tmp_path: Path, line: bytes, kind: type[InputError], message: str
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join([good(1), line, good(3)]) + b"\n")
    first, error, last = read(path, limits=SMALL)
    assert first == Note(id="n1", text="Cough.\r\nNo fever.", source="in.jsonl:1")
    assert last == Note(id="n3", text="Cough.\r\nNo fever.", source="in.jsonl:3")
    assert type(error) is kind
    assert error.record == "in.jsonl:2"
    assert message in error.message
    # Nothing of the text, neither in the message nor in anything that hangs on.
    assert CANARY not in repr(error) + str(error) + repr(error.__cause__) + repr(error.__context__)
    assert error.__context__ is None
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(again), str(again)) == (kind, str(error))


def test_a_line_of_a_megabyte_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    text = "No cough.\r\n" * 100_000
    path.write_text(json.dumps({"id": "big", "text": text}) + "\n" + good(2).decode())
    found = read(path)
    assert ids(found) == ["big", "n2"]
    assert isinstance(found[0], Note)
    assert found[0].text == text


def test_blank_lines_are_no_records_but_count(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n" + good(1) + b"\r\n \t\n" + good(2))
    assert [note.source for note in read(path) if isinstance(note, Note)] == ["in.jsonl:2", "in.jsonl:4"]


@pytest.mark.parametrize("content", [b"", b"\n\r\n", codecs.BOM_UTF8])
def test_a_file_without_records_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(content)
    (error,) = read(path)
    assert isinstance(error, EmptyInputError)
    assert error.record == "in.jsonl"


def test_a_binary_file_is_one_error_not_thousands(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(bytes(range(256)) * 50)
    (error,) = read(path)
    assert isinstance(error, EncodingError)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_json_lines_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "in.jsonl"
    lines = [
        json.dumps({"id": f"n{n}", "text": "Café \u2013 ok\r\n" * 900}, ensure_ascii=False) for n in range(20)
    ]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    found = read(path)
    assert ids(found) == [f"n{n}" for n in range(20)]
    assert all(isinstance(note, Note) and note.text == "Café \u2013 ok\r\n" * 900 for note in found)


def test_damage_in_utf16_lines_stays_in_its_line(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    lines = [
        good(1).decode(),
        '{"id": "n2", "text": "half \ud800"}',
        good(3).decode(),
        '{"id": "n4", "text": "x"}',
    ]
    path.write_bytes(codecs.BOM_UTF16_LE + "\n".join(lines).encode("utf-16-le", "surrogatepass")[:-1])
    assert ids(read(path)) == ["n1", "EncodingError", "n3", "EncodingError"]


def test_gold_fields_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"id": "n1", "text": "x", "codes": [], "part": "tune"}')
    assert ids(read(path)) == ["FieldError"]
    assert ids(read(path, gold_fields=True)) == ["n1"]


def test_standard_input_is_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    data = good(1) + b"\nwrong\n" + good(2)
    found = list(read_notes("-", stdin=io.BytesIO(data)))
    assert ids(found) == ["n1", "JsonError", "n2"]
    assert found[1].record == "stdin:2"  # type: ignore[union-attr]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert list(map(str, read_notes("-"))) == list(map(str, found))


def test_reading_is_lazy(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as source, os.fdopen(writer, "wb") as sink:
        sink.write(good(1) + b"\n")
        sink.flush()
        notes = read_notes("-", stdin=source)
        assert next(notes).id == "n1"  # type: ignore[union-attr]
        sink.write(good(2) + b"\n")
        sink.flush()
        assert next(notes).id == "n2"  # type: ignore[union-attr]


@given(st.lists(st.sampled_from([*(line for line, _, _ in BAD_LINES.values() if len(line) < 999), None])))
def test_any_mixture_gives_one_result_a_line_in_order(lines: list[bytes | None]) -> None:
    written = [good(number) if line is None else line for number, line in enumerate(lines, start=10)]
    data = good(1) + b"\n" + b"\n".join(written)
    found = list(read_notes("-", stdin=io.BytesIO(data), limits=SMALL))
    assert len(found) == len(lines) + 1
    for number, (line, result) in enumerate(zip(lines, found[1:], strict=True), start=10):
        if line is None:
            assert isinstance(result, Note)
            assert result.id == f"n{number}"
        else:
            assert isinstance(result, InputError)
            assert result.record == f"stdin:{number - 8}"


@given(st.binary(max_size=400))
def test_any_bytes_never_raise(data: bytes) -> None:
    for result in read_notes("-", stdin=io.BytesIO(data), limits=SMALL):
        assert isinstance(result, Note | InputError)


# --- CSV --------------------------------------------------------------------------------------------


def test_csv_with_all_columns(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(
        b"id,text,service_date,setting,kind,encounter_id,patient_id,sex,birth_date\r\n"
        b'n1,"Cough,\r\n""dry""",2026-05-04,inpatient,ed,e1,p1,M,1960-01-02\r\n'
        b"n2,plain,,,,,,,\r\n"
    )
    assert read(path) == [
        Note(
            id="n1",
            text='Cough,\r\n"dry"',
            service_date=date(2026, 5, 4),
            setting="inpatient",
            kind="ed",
            encounter_id="e1",
            patient=Patient(id="p1", sex="M", birth_date=date(1960, 1, 2)),
            source="in.csv:2",
        ),
        Note(id="n2", text="plain", source="in.csv:4"),
    ]


BAD_ROWS = {
    "missing id": (f",{CANARY},".encode(), FieldError, "'id' must not be empty"),
    "few cells": (f"{CANARY}".encode(), FieldError, "the row has 1 cells, the header 3"),
    "many cells": (f"n2,{CANARY},,".encode(), FieldError, "the row has 4 cells"),
    "wrong date": (f"n2,x,{CANARY}".encode(), FieldError, "'service_date' must be"),
    "words after a quote": (f'n2,"{CANARY}"x,'.encode(), FieldError, "after a closing quote"),
    "duplicate id": (f"n1,{CANARY},".encode(), DuplicateIdError, "'n1' was seen before"),
    "empty text": (b'n2," ",', EmptyInputError, "empty or blank"),
    "nul": (b"n2,a\x00b,", EncodingError, "NUL"),
    "separator": (b"n2,a\x1fb,", EncodingError, "0x1F"),
    "undefined byte": (b"n2,a\x81b,", EncodingError, "not text in"),
    "too large": (b"n2," + CANARY.encode() * 99 + b",", TooLargeError, "at most 1000"),
    "far too large": (b"n2," + CANARY.encode() * 9_999 + b",", TooLargeError, "larger than"),
}


@pytest.mark.parametrize(("row", "kind", "message"), BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_a_bad_row_is_one_error_between_good_neighbours(
    tmp_path: Path, row: bytes, kind: type[InputError], message: str
) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(b"id,text,service_date\nn1,Cough,\n" + row + b'\nn3,"Fever\r\n",2026-05-04\n')
    first, error, last = read(path, limits=SMALL)
    assert ids([first, last]) == ["n1", "n3"]
    assert type(error) is kind
    assert error.record == "in.csv:3"
    assert message in error.message
    assert CANARY not in str(error)


@pytest.mark.parametrize(
    ("header", "kind", "message"),
    [
        (b"id,text,mrn", FieldError, "column 3 of the header has an unknown name; allowed: id, text"),
        (b"id,text,id", FieldError, "column 'id' is in the header twice"),
        (b"id", FieldError, "no column 'text'"),
        (b"text", FieldError, "no column 'id'"),
        (b"id;text", FieldError, "column 1 of the header has an unknown name"),
        (b"id,te\x81xt", EncodingError, "not text in"),
        (b'"id', FieldError, "never closed"),
        (b"", EmptyInputError, "no record"),
        (b"id,text", EmptyInputError, "no record below its header"),
    ],
)
def test_a_wrong_header_is_the_only_error(
    tmp_path: Path, header: bytes, kind: type[InputError], message: str
) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(header + (b"\nn1,x,y\n" if kind is FieldError else b""))
    (error,) = read(path)
    assert type(error) is kind
    assert message in error.message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_csv_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes('id,text\r\nn1,"Café \u2013\r\nok"\r\n'.encode(encoding))
    (note,) = read(path)
    assert isinstance(note, Note)
    assert note.text == "Café \u2013\r\nok"


# --- text files and folders -------------------------------------------------------------------------


def test_a_text_file_is_a_note_with_its_name_as_id(tmp_path: Path) -> None:
    path = tmp_path / "visit 7.TXT"
    path.write_bytes(b"Cough.\r\nNo fever.\r")
    assert read(path) == [Note(id="visit 7", text="Cough.\r\nNo fever.\r", source="visit 7.TXT")]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", EmptyInputError),
        (b" \r\n", EmptyInputError),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", EncodingError),
        (b"a\x00b", EncodingError),
        (b"x" * 5_000, TooLargeError),
        (b"x" * 1_001, TooLargeError),
    ],
)
def test_a_bad_text_file_in_a_folder_is_one_error(
    tmp_path: Path, content: bytes, kind: type[InputError]
) -> None:
    (tmp_path / "a.txt").write_bytes(b"Cough.")
    (tmp_path / "b.txt").write_bytes(content)
    (tmp_path / "c.txt").write_bytes(b"Fever.")
    found = read(tmp_path, limits=SMALL)
    assert ids(found) == ["a", kind.__name__, "c"]
    assert found[1].record == "b.txt"  # type: ignore[union-attr]


def test_a_fifty_megabyte_note_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with path.open("rb") as file:
        assert isinstance(read_text(file, name="stdin"), TooLargeError)
    path.chmod(0)  # whatever the rights: its size is enough
    (error,) = read(path)
    assert isinstance(error, TooLargeError)
    assert "8000004 bytes" in error.message


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.txt", "a/b/c.txt", "a.txt", "Z.txt", "notes.pdf", ".hidden.txt", ".git/x.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert ids(read(tmp_path)) == ["Z", "a/b/c", "a/z", "a", "b"]


def test_a_folder_without_notes_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "readme.md").write_text("x")
    assert ids(read(tmp_path)) == ["EmptyInputError"]


def test_links_and_odd_files_are_errors_that_harm_no_other(tmp_path: Path) -> None:
    root = tmp_path / "in"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (root / "a.txt").write_text("x")
    (root / "b.txt").symlink_to(tmp_path / "secret.txt")
    (root / "c").symlink_to(root)
    os.mkfifo(root / "d.txt")
    (root / "e.txt").symlink_to(root / "gone.txt")
    (root / "f.txt").symlink_to(root / "a.txt")
    found = read(root)
    assert ids(found) == ["a", "InputError", "InputError", "InputError", "InputError", "f"]
    assert [str(error) for error in found if isinstance(error, InputError)] == [
        "b.txt: a link that leads out of the folder",
        "c: a link to a folder, which is not followed",
        "d.txt: not a regular file",
        "e.txt: cannot be read: No such file or directory",
    ]


def test_file_names_that_are_no_ids(tmp_path: Path) -> None:
    (tmp_path / "a\nb.txt").write_text("x")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).write_text("x")
    (tmp_path / "a.TXT").write_text("x")
    (tmp_path / "a.txt").write_text("x")
    found = read(tmp_path)
    assert sorted(ids(found)) == ["DuplicateIdError", "FieldError", "FieldError", "a"]
    for error in found:
        if isinstance(error, InputError):
            str(error).encode()
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("name", "message"), [("gone.jsonl", "no such file"), ("a.docx", "not a kind of file that is read: .txt")]
)
def test_a_source_that_cannot_be_read_at_all_raises_at_once(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "a.docx").write_text("x")
    with pytest.raises(InputError, match=message):
        read_notes(tmp_path / name)


# --- gold and predictions ---------------------------------------------------------------------------


def test_gold_notes_and_predictions(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    code = {"system": "CPT", "code": "99213"}
    lines = [
        {"id": "g1", "text": "Visit.", "codes": [code]},
        {"id": "g2", "text": " ", "codes": [code]},
        {"id": "g1", "text": "Visit.", "codes": [code]},
        {"id": "g3", "text": "Visit.", "codes": [{"system": "CPT"}]},
        {"id": "g4", "text": "Visit.", "codes": [], "part": "check"},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    found = list(read_gold(path))
    kinds = [GoldNote, EmptyInputError, DuplicateIdError, FieldError, GoldNote]
    assert [type(item) for item in found] == kinds
    with pytest.raises(InputError, match=r"only \.jsonl"):
        read_gold(tmp_path)

    result = FakeEngine().suggest(Note(id="g1", text="Visit."))
    path.write_text(f"{to_json_line(result)}\n{to_json_line(result)}\n{{}}\n")
    first, second, third = read_suggestions(path)
    assert getattr(first, "note_id", None) == "g1"
    assert isinstance(second, DuplicateIdError)
    assert isinstance(third, FieldError)
