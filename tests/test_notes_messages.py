"""Messages and documents as hospitals send them, read whole: sections, dates, patients, encounters."""

from __future__ import annotations

import base64
import gzip
import io
import json
import sys
import zipfile
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent / "hostile"))

from corpus import MDM, hl7, parquet, pdf

from suggester.errors import (
    ArchiveError,
    ConfigError,
    DocumentError,
    DuplicateIdError,
    FieldError,
    InputError,
    MessageError,
    NoTextLayerError,
    TooLargeError,
    XmlError,
)
from suggester.notes import Limits, Meter, ReadOptions, read_notes
from suggester.notes.ccda import ccda_document
from suggester.notes.documents import embedded_text
from suggester.notes.hl7 import Separators, day_of, hl7_messages, unescape
from suggester.notes.markup import html_text, parse_xml
from suggester.notes.pdf import pdf_text
from suggester.notes.rtf import rtf_text
from suggester.notes.seen import SeenIds
from suggester.types import Note, Patient

MESSAGES = Path(__file__).resolve().parent / "messages"


def read(source: Path | str, *, limits: Limits | None = None, **options: object) -> list[Note | InputError]:
    return list(read_notes(source, limits=limits, options=ReadOptions(**options)))  # type: ignore[arg-type]


def notes(source: Path, **options: object) -> list[Note]:
    found = read(source, **options)
    assert [item for item in found if isinstance(item, InputError)] == []
    return [item for item in found if isinstance(item, Note)]


# --- HL7 v2 -----------------------------------------------------------------------------------------


def test_a_document_message_is_read_whole() -> None:
    (note,) = notes(MESSAGES / "mdm_t02.hl7")
    assert note == Note(
        id="DOC-5541",
        text="HISTORY:\n62 y/o woman with type 2 diabetes.\nA1c 8.4 & rising; BP 142|88.\n\n"
        "ASSESSMENT AND PLAN:\n1. Type 2 diabetes with neuropathy.\n2. Hypertension, é.",
        encounter_id="V-20260618-9",
        kind="Progress Note",
        service_date=date(2026, 6, 18),
        setting="outpatient",
        patient=Patient(id="MRN-7781", sex="F", birth_date=date(1958, 2, 14)),
        source="mdm_t02.hl7:1",
    )


def test_a_batch_of_reports_is_a_note_for_each_order_whatever_the_separators() -> None:
    first, second, third = notes(MESSAGES / "oru_batch.hl7")
    assert first.text == (
        "FINDINGS:\nRight lower lobe opacity.\nNo effusion.\n\nIMPRESSION:\nPneumonia, right lower lobe."
    )
    assert (first.id, first.kind, first.service_date, first.setting, first.encounter_id) == (
        "RAD-901",
        "Chest 2 views",
        date(2026, 6, 30),
        "emergency",
        "V-88",
    )
    assert (second.id, second.text, second.service_date) == (
        "LAB-17",
        "Leukocytosis noted.",
        date(2026, 7, 1),
    )
    assert third.text == "Gallstones#1* no ductal dilatation."
    assert (third.id, third.setting, third.service_date) == ("R-101", "inpatient", date(2026, 7, 2))
    assert third.patient == Patient(id="MRN-13", sex=None, birth_date=date(1999, 1, 1))


def test_frames_and_line_feeds_separate_messages_too(tmp_path: Path) -> None:
    path = tmp_path / "a.hl7"
    other = MDM.replace(b"d1", b"d2").replace(b"\r", b"\r\n")
    path.write_bytes(b"\x0b" + MDM + b"\x1c\r\x0b" + other + b"\x1c\r" + b"PV1|junk")
    assert [note.id for note in notes(path)] == ["d1", "d2"]
    packed = tmp_path / "b.hl7.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert [note.text for note in notes(packed)] == ["Cough.", "Cough."]


def test_a_bad_message_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.hl7"
    path.write_bytes(MDM + b"\rMSH|^~\\&|A|B|C|D|1||ADT^A01|x\r" + MDM.replace(b"d1", b"d2"))
    found = read(path)
    assert [type(item) for item in found] == [Note, MessageError, Note]
    assert str(found[1]) == "a.hl7:2: only MDM and ORU messages hold notes"


def test_embedded_documents_are_read(tmp_path: Path) -> None:
    head = "TXA|1|CN|TX|20260618||||||||d1"
    for subtype, data, text in [
        ("RTF", b"{\\rtf1 Cough.\\par}", "Cough.\n"),
        ("PDF", pdf(), "Cough."),
        ("HTML", b"<p>Cough.</p>", "Cough."),
        ("PLAIN", b"Cough.", "Cough."),
    ]:
        path = tmp_path / "a.hl7"
        path.write_bytes(hl7(head, f"OBX|1|ED|1||a^AP^{subtype}^Base64^{base64.b64encode(data).decode()}"))
        assert [note.text for note in notes(path)] == [text]
    path.write_bytes(hl7(head, "OBX|1|ED|1||a^AP^PLAIN^A^Cough."))
    assert notes(path)[0].text == "Cough."


def test_messages_are_streamed_in_bounded_memory() -> None:
    limits = Limits(chars=1_000)
    big = hl7("TXA|1", "OBX|1|TX|1||" + "x" * (limits.document_bytes + 1))
    found = list(hl7_messages(io.BytesIO(b"\r".join([MDM, big, MDM] * 3)), limits=limits))  # type: ignore[arg-type]
    assert [item if item == "too_large" else "ok" for item in found] == ["ok", "too_large", "ok"] * 3


def test_escapes_and_separators() -> None:
    by = Separators.of("MSH|^~\\&|x", record="r")
    assert unescape("a\\F\\b\\S\\c\\R\\d\\E\\e\\T\\f", by) == "a|b^c~d\\e&f"
    assert unescape("\\H\\bold\\N\\\\.sp2\\x\\.in5\\y\\X0D0A\\\\XE9\\\\C2842\\", by) == "bold\n\nx y\r\né"
    assert unescape("C:\\folder\\file", by) == "C:\\folder\\file"
    assert unescape("a\\b", by) == "a\\b"
    assert day_of("20260231") is None
    for wrong in ("MSH", "MSHabcdef", "MSH|^^^^|"):
        with pytest.raises(MessageError, match="five different separators"):
            Separators.of(wrong, record="r")


# --- C-CDA ------------------------------------------------------------------------------------------


def test_a_clinical_document_is_read_whole() -> None:
    data = (MESSAGES / "progress_note.xml").read_bytes()
    embedded = embedded_text(record="r", limits=Limits())
    found = ccda_document(data, record="r", fallback_id="x", embedded=embedded)
    assert [section.title for section in found.sections] == [
        "History of Present Illness",
        "Problem List",
        "Results",
        "Assessment and Plan",
        "Follow-up",
    ]
    assert found.note.text == (
        "History of Present Illness\n62 y/o woman with type 2 diabetes & neuropathy.\nNo chest pain.\n"
        "Sleeps well.\n\nProblem List\nType 2 diabetes mellitus\nHypertension\n\n"
        "Results\nTest | Value\nA1c | 8.4 %\nLDL | 131\n\n"
        "Assessment and Plan\nType 2 diabetes with neuropathy, not at goal.\n"
        "Essential hypertension, controlled.\n\nFollow-up\nIn 3 months."
    )
    assert found.author == "Dr. Sam Lee"
    assert [(problem.code, problem.name) for problem in found.problems] == [
        ("44054006", "Type 2 diabetes mellitus"),
        ("38341003", "Hypertension"),
    ]
    (note,) = notes(MESSAGES / "progress_note.xml")
    assert (note.id, note.kind, note.encounter_id) == ("PN-2026-118", "Progress Note", "V-20260618-9")
    assert (note.service_date, note.setting) == (date(2026, 6, 18), "outpatient")
    assert note.patient == Patient(id="MRN-7781", sex="F", birth_date=date(1958, 2, 14))
    assert note.source == "progress_note.xml"


def test_a_document_with_a_body_that_is_not_xml() -> None:
    body = base64.b64encode(b"{\\rtf1 Cough.}").decode()
    data = (
        '<ClinicalDocument xmlns="urn:hl7-org:v3"><title>T</title><effectiveTime value="20260102"/>'
        "<component>"
        f'<nonXMLBody><text mediaType="text/rtf" representation="B64">{body}</text></nonXMLBody>'
        "</component>"
        "</ClinicalDocument>"
    ).encode()
    embedded = embedded_text(record="r", limits=Limits())
    found = ccda_document(data, record="r", fallback_id="x", embedded=embedded)
    assert (found.note.text, found.note.id, found.note.service_date) == ("Cough.", "x", date(2026, 1, 2))
    assert (found.author, found.note.patient, found.note.setting) == (None, None, None)
    plain = data.replace(b' representation="B64"', b"").replace(body.encode(), b"Cough now.")
    assert ccda_document(plain, record="r", fallback_id="x", embedded=embedded).note.text == "Cough now."


def test_xml_errors_name_the_line_and_quote_nothing() -> None:
    with pytest.raises(XmlError, match=r"^r: not well-formed XML, line 2$"):
        parse_xml(b"<a>\n<Zachariah</a>", record="r")


# --- FHIR -------------------------------------------------------------------------------------------


def test_a_bundle_gives_each_document_with_its_patient_and_encounter() -> None:
    html, rtf, two, consult, scan = read(MESSAGES / "bundle.json")
    assert isinstance(html, Note)
    assert (
        html.text
        == "Visit\n\nAssessment\n\nType 2 diabetes & neuropathy.\nBP < 140.\n\nMetformin\n\nRecheck A1c"
    )
    assert (html.id, html.kind, html.encounter_id) == ("dr-html", "Progress note", "enc-9")
    assert (html.service_date, html.setting) == (date(2026, 6, 10), "inpatient")
    assert html.patient == Patient(id="p1", sex="F", birth_date=date(1958, 2, 14))
    assert isinstance(rtf, Note)
    assert rtf.text == (
        "Assessment\nPneumonia, left lower lobe.\n"
        "Patient\u2019s caf\u00e9 \u2013 stable.\nTemp 38\u00b0 C\tx\n"
    )
    assert (rtf.service_date, rtf.kind, rtf.source) == (
        date(2026, 6, 14),
        "Discharge summary",
        "bundle.json#5",
    )
    assert isinstance(two, Note)
    assert (two.text, two.setting, two.patient) == ("Assessment: gout, é.\n", None, None)
    assert isinstance(consult, Note)
    assert consult.text == "Reason\nChest pain.\n\nCardiac\nStable angina."
    assert (consult.setting, consult.service_date) == ("inpatient", date(2026, 6, 10))
    assert isinstance(scan, DocumentError)
    assert scan.record == "bundle.json#8"


def test_one_resource_a_line() -> None:
    first, second = notes(MESSAGES / "documents.ndjson")
    assert (first.id, second.id) == ("urn:oid:1.2.3.4", "second")
    assert first.patient == Patient(id="pat", sex="M", birth_date=date(1971, 9, 30))
    assert first.service_date == date(2026, 5, 4)


def test_html_is_stripped_of_all_but_its_words() -> None:
    assert html_text("a<b and c>d") == "ad"
    assert html_text("BP <120, > 80 <!-- x > y --> ok") == "BP <120, > 80 ok"
    assert html_text("<td>a</td><td>b</td><script src='>'>x</script><style>y") == "a b"
    assert html_text("<p title=\"a>b\">x<p title='>'>y<br/>z</p") == "x\ny\nz"
    assert html_text("<!-- never closed") == ""
    assert html_text("<a '>x") == "x"
    assert html_text("<svg/>kept") == "kept"


# --- RTF and PDF ------------------------------------------------------------------------------------


def test_rtf_words_and_nothing_else() -> None:
    read_rtf = lambda data: rtf_text(data, record="r", most_chars=100)  # noqa: E731
    assert (
        read_rtf(rb"{\rtf1 a\{b\}\\c\~d\_e{\*\x hidden}{\field{\*\fldinst L}{\fldrslt link}}}")
        == "a{b}\\c d-elink"
    )
    assert read_rtf(rb"{\rtf1\uc2\u233ab\uc0\u8364 x\bin3 }}}y}") == "\u00e9\u20acxy"
    assert read_rtf(rb"{\rtf1\ansicpg1251\'cf\'f0}") == "\u041f\u0440"
    assert read_rtf(rb"{\rtf1\ansicpg9\'e9\u-10179?\u-8704?}") == "\u00e9\U0001f600"
    with pytest.raises(TooLargeError):
        read_rtf(b"{\\rtf1 " + b"x" * 101 + b"}")


def test_pdf_text_layers(tmp_path: Path) -> None:
    assert pdf_text(pdf(pages=2), record="r", most_chars=100).split() == ["Cough.", "Cough."]
    with pytest.raises(TooLargeError):
        pdf_text(pdf(), record="r", most_chars=3)
    with pytest.raises(NoTextLayerError, match="run character recognition first"):
        pdf_text(pdf(b"0 0 m 1 1 l S"), record="r", most_chars=100)
    (tmp_path / "visit 7.pdf").write_bytes(pdf())
    (tmp_path / "visit 8.rtf").write_bytes(b"{\\rtf1 Cough.}")
    assert [note.id for note in notes(tmp_path, pattern="*")] == ["visit 7", "visit 8"]


# --- tables, archives, options ----------------------------------------------------------------------


def test_columns_with_other_names(tmp_path: Path) -> None:
    columns = {"id": "key", "text": "body", "service_date": "dos", "patient_id": "mrn", "sex": "sex"}
    table = tmp_path / "a.csv"
    table.write_text("key,body,dos,mrn,sex,other\n7,Cough.,2026-06-18,m1,F,zzz\n")
    expected = Note(
        id="7",
        text="Cough.",
        service_date=date(2026, 6, 18),
        patient=Patient(id="m1", sex="F"),
        source="a.csv:2",
    )
    assert notes(table, columns=columns) == [expected]
    path = tmp_path / "a.parquet"
    data = {"key": [7], "body": ["Cough."], "dos": [date(2026, 6, 18)], "mrn": ["m1"], "sex": ["F"], "o": [1]}
    path.write_bytes(parquet(data))  # type: ignore[arg-type]
    (note,) = notes(path, columns=columns)
    assert (note.id, note.service_date, note.patient) == ("7", expected.service_date, expected.patient)
    lines = tmp_path / "a.jsonl"
    lines.write_text(json.dumps({"meta": {"key": 7}, "body": "Cough.", "text": "no", "kind": "visit"}))
    (note,) = notes(lines, columns={"id": "meta.key", "text": "body"})
    assert (note.id, note.text, note.kind) == ("7", "Cough.", "visit")
    for source in (table, path):
        (error,) = read(source, columns={"id": "gone"})
        assert isinstance(error, FieldError)
    assert isinstance(read(lines, columns={"id": "meta.key.deep"})[0], FieldError)


def test_parquet_row_groups_are_read_in_order(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet as pq

    table = pa.table({"id": [str(n) for n in range(1_000)], "text": ["Cough."] * 1_000})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=300)
    assert [note.id for note in notes(tmp_path / "a.parquet")] == [str(n) for n in range(1_000)]


def test_archives_hold_files_of_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("b/visit.txt", "Cough.")
        archive.writestr("lines.jsonl", '{"id":"l1","text":"Cough."}\n{"id":"l1","text":"Cough."}\n')
        archive.writestr("t.csv", "id,text\nc1,Cough.\n")
        archive.writestr("m.hl7", MDM)
        archive.writestr("d.xml", (MESSAGES / "progress_note.xml").read_bytes())
        archive.writestr("f.ndjson", (MESSAGES / "documents.ndjson").read_bytes())
        archive.writestr("p.parquet", parquet({"id": ["p1"], "text": ["Cough."]}))
        archive.writestr("r.rtf", "{\\rtf1 Cough.}")
        archive.writestr("x.pdf", pdf())
        archive.writestr("readme.md", "no note")
        archive.writestr("__MACOSX/._visit.txt", "no note")
    found = read(path)
    assert [item.id if isinstance(item, Note) else item.code for item in found] == [
        "b/visit",
        "l1",
        "duplicate_id",
        "c1",
        "d1",
        "PN-2026-118",
        "urn:oid:1.2.3.4",
        "second",
        "p1",
        "r",
        "x",
    ]
    sources = [item.source for item in found if isinstance(item, Note)]
    assert sources[:2] == ["a.zip/b/visit.txt", "a.zip/lines.jsonl:1"]
    assert sources[4] == "a.zip/d.xml"
    assert [note.id for note in notes(path, pattern="*.txt")] == ["b/visit"]
    assert [note.id for note in notes(path, pattern="**/*.rtf")] == ["r"]
    (error,) = read(path, pattern="*.md")
    assert "not a kind of file that is read" in str(error)
    assert [note.text for note in notes(path, pattern="*.md", kind="txt")] == ["no note"]
    broken = tmp_path / "b.zip"
    data = bytearray(path.read_bytes())
    data[data.index(b"lines.jsonl") + 14] ^= 0xFF
    broken.write_bytes(bytes(data))
    assert [type(item) for item in read(broken, pattern="*.jsonl")][-1] is ArchiveError


def test_standard_input_of_any_streamed_kind() -> None:
    def stdin(data: bytes, kind: str) -> list[Note | InputError]:
        options = ReadOptions(kind=kind)  # type: ignore[arg-type]
        return list(read_notes("-", stdin=io.BytesIO(data), options=options))  # type: ignore[arg-type]

    assert [note.id for note in stdin(MDM, "hl7")] == ["d1"]  # type: ignore[union-attr]
    assert [note.text for note in stdin(b"Cough.", "txt")] == ["Cough."]  # type: ignore[union-attr]
    assert [note.text for note in stdin(b"id,text\n1,Cough.\n", "csv")] == ["Cough."]  # type: ignore[union-attr]
    with pytest.raises(InputError, match="zip cannot be read from standard input"):
        stdin(b"", "zip")


def test_options_are_checked() -> None:
    with pytest.raises(ConfigError, match="unknown kind of input 'word'"):
        ReadOptions(kind="word")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="unknown field 'mrn'"):
        ReadOptions(columns={"mrn": "x"})
    with pytest.raises(ConfigError, match="field=column"):
        ReadOptions.columns_of(("text",))
    with pytest.raises(ConfigError, match="two columns"):
        ReadOptions.columns_of(("id=a", "id=b"))


def test_the_meter_says_how_far_reading_is(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"id": str(n), "text": "Cough. " * 5_000}) + "\n" for n in range(20)))
    meter = Meter()
    assert meter.share() is None
    shares = [meter.share() for _ in read_notes(path, meter=meter)]
    assert shares == sorted(shares)  # type: ignore[type-var]
    assert 0 < (shares[0] or 0) < 0.5
    assert shares[-1] == 1.0


def test_ids_that_were_seen() -> None:
    seen = SeenIds()
    assert all(seen.add(str(n)) for n in range(5_000))
    assert not any(seen.add(str(n)) for n in range(5_000))
    assert isinstance(DuplicateIdError("x", record="r"), InputError)
