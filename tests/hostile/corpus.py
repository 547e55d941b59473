"""Two hundred inputs that nobody should send, made here so that nothing dangerous lies in the repository.

Each is one file for one reader. It must give at least one error and no note, or, where ``survives`` says so,
the notes that are named; it must not crash, hang, or touch what lies beside it.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import random
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

GOOD = "Assessment: cough."


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file: its name, its bytes, and how many notes may be read of it all the same."""

    name: str
    data: bytes
    notes: int = 0


def _zip(entries: list[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def _link(name: str, target: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    info.create_system = 3
    info.comment = target.encode()
    return info


def _patched(data: bytes, find: bytes, put: bytes) -> bytes:
    assert find in data
    return data.replace(find, put)


def hl7(*segments: str, header: str = "MSH|^~\\&|A|B|C|D|20260618||MDM^T02|c1|P|2.5") -> bytes:
    return "\r".join([header, *segments]).encode()


MDM = hl7("PID|1||p1||X||19600101|F", "TXA|1|CN|TX|20260618||||||||d1", "OBX|1|TX|1^Note||Cough.")


def ccda(body: str, *, head: str = "") -> bytes:
    return (
        f'<?xml version="1.0"?>{head}<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2" extension="c1"/>'
        f"<component><structuredBody>{body}</structuredBody></component></ClinicalDocument>"
    ).encode()


SECTION = "<component><section><title>Plan</title><text>Cough.</text></section></component>"


def fhir(data: object, kind: str = "text/plain", **more: object) -> bytes:
    return json.dumps(
        {
            "resourceType": "DocumentReference",
            "id": "f1",
            "content": [{"attachment": {"contentType": kind, "data": data}}],
            **more,
        }
    ).encode()


def pdf(content: bytes = b"BT /F1 12 Tf 72 720 Td (Cough.) Tj ET", *, pages: int = 1) -> bytes:
    """A PDF with a text layer, written by hand."""
    kids = " ".join(f"{4 + number} 0 R" for number in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode(),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    for _ in range(pages):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 3 0 R /Resources "
            b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>"
        )
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, item in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
    return bytes(out)


def parquet(columns: dict[str, list[object]]) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


# --- by reader --------------------------------------------------------------------------------------


def _texts() -> Iterator[Hostile]:
    utf16 = GOOD.encode("utf-16")
    for name, data in {
        "empty": b"",
        "blank": b" \r\n\t\n",
        "bom-only": b"\xef\xbb\xbf",
        "bom16-only": b"\xff\xfe",
        "nul": b"Cough\x00.",
        "nuls": b"\x00" * 5_000,
        "png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)),
        "elf": b"\x7fELF\x02\x01\x01" + b"\x00\x01\x02" * 300,
        "controls": b"\x01\x02\x03\x04" * 500,
        "utf8-cut": "é".encode()[:1] + b"\x81\x8d",
        "utf8-bom-bad": b"\xef\xbb\xbf\xff\xfe\xfd",
        "utf16-odd": utf16 + b"\x41",
        "utf16-lone": b"\xff\xfe\x00\xd8A\x00",
        "utf32": GOOD.encode("utf-32"),
        "giant": b"x" * 9_000_000,
        "giant-line": b"a " * 1_200_000,
        "undefined-cp1252": b"abc \x81\x8d\x8f\x90\x9d",
        "zip-as-text": _zip([("a.txt", b"x")]),
        "gzip-as-text": gzip.compress(GOOD.encode() * 50),
        "shift": bytes(range(128, 256)) * 4,
    }.items():
        yield Hostile(f"{name}.txt", data)


def _json_lines() -> Iterator[Hostile]:
    def line(**fields: object) -> bytes:
        return json.dumps({"id": "a", "text": GOOD, **fields}).encode() + b"\n"

    wrong: dict[str, bytes] = {
        "empty": b"",
        "not-json": b"Cough.\n",
        "array": b"[1,2]\n",
        "string": b'"Cough."\n',
        "number": b"1\n",
        "null": b"null\n",
        "cut": line()[:20],
        "nan": b'{"id":"a","text":"x","service_date":NaN}\n',
        "twice": b'{"id":"a","id":"b","text":"x"}\n',
        "deep": b'{"id":"a","text":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
        "deep-open": b"[" * 200_000,
        "deep-object": b'{"a":' * 50_000,
        "long-number": b'{"id":"a","text":"x","kind":' + b"9" * 100_000 + b"}\n",
        "no-text": b'{"id":"a"}\n',
        "no-id": b'{"text":"x"}\n',
        "text-number": line(text=5),
        "text-list": line(text=["a"]),
        "text-null": line(text=None),
        "text-blank": line(text="  "),
        "text-nul": line(text="a\x00b"),
        "text-surrogate": b'{"id":"a","text":"\\ud800"}\n',
        "id-number": line(id=5),
        "id-long": line(id="x" * 201),
        "id-newline": line(id="a\nb"),
        "id-blank": line(id=" "),
        "date-word": line(service_date="yesterday"),
        "date-number": line(service_date=20260618),
        "date-wrong": line(service_date="2026-02-30"),
        "setting": line(setting="ICU"),
        "patient-list": line(patient=[1]),
        "patient-sex": line(patient={"sex": "female"}),
        "patient-more": line(patient={"name": "x"}),
        "unknown": line(note="x"),
        "giant-line": b'{"id":"a","text":"' + b"x" * 13_000_000 + b'"}\n',
        "giant-text": line(text="x" * 2_000_001),
        "no-newline-giant": b"x" * 13_000_000,
        "nul-line": b'{"id":"a","text":"x\x00"}\n',
        "utf16-cut": line().decode().encode("utf-16")[:-3],
        "binary": bytes(range(256)) * 40,
        "control-escape": line(text="\x01\x02\x03"),
    }
    for name, data in wrong.items():
        yield Hostile(f"{name}.jsonl", data)
    packed = gzip.compress(line())
    yield Hostile("cut.jsonl.gz", packed[:-12])
    yield Hostile("not.jsonl.gz", line())
    yield Hostile("empty.jsonl.gz", b"")
    yield Hostile("bomb.jsonl.gz", gzip.compress(b"\x20" * 120_000_000, 9))
    yield Hostile("crc.jsonl.gz", packed[:-8] + b"\x00" * 8)


def _tables() -> Iterator[Hostile]:
    head = b"id,text\n"
    for name, data, notes in [
        ("empty", b"", 0),
        ("header-only", head, 0),
        ("no-text", b"id\n1\n", 0),
        ("unknown", b"id,text,mrn\n1,x,2\n", 0),
        ("twice", b"id,id,text\n1,2,x\n", 0),
        ("open-quote", head + b'1,"Cough\n2,x\n', 0),
        ("after-quote", head + b'1,"Cough" more\n', 0),
        ("too-many", head + b"1,x,y\n", 0),
        ("too-few", head + b"1\n", 0),
        ("giant-cell", head + b"1," + b"x" * 13_000_000 + b"\n", 0),
        ("giant-header", b"x" * 13_000_000, 0),
        ("nul", head + b"1,a\x00b\n", 0),
        ("many-columns", b",".join(b"c%d" % n for n in range(50_000)) + b"\n", 0),
        ("unit-separator", head + b"1,a\x1fb\n", 0),
        ("binary", bytes(range(256)) * 20, 0),
        ("wrong-bytes", head + b"1,\x81\x8d\x90\n", 0),
        ("same-id", head + b"1,x\n1,y\n", 1),
        ("quotes", head + b'"' * 100_001 + b"\n", 0),
    ]:
        yield Hostile(f"{name}.csv", data, notes)
    good = parquet({"id": ["a"], "text": [GOOD]})
    middle = bytearray(good)
    for place in range(30, len(good) // 2):
        middle[place] ^= 0x5A
    for name, data in {
        "empty": b"",
        "not": b"PAR1 not really PAR1",
        "cut": good[: len(good) // 2],
        "tail": good[:-9],
        "footer-length": good[:-8] + b"\xff\xff\xff\x7fPAR1",
        "flipped": bytes(middle),
        "no-text": parquet({"id": ["a"]}),
        "unknown": parquet({"id": ["a"], "text": ["x"], "mrn": ["1"]}),
        "no-rows": parquet({"id": [], "text": []}),
        "null-text": parquet({"id": ["a"], "text": [None]}),
        "list-text": parquet({"id": ["a"], "text": [["x"]]}),
        "bytes-text": parquet({"id": ["a"], "text": [b"\xff\xfe\x00"]}),
        "float-id": parquet({"id": [1.5], "text": ["x"]}),
        "giant-text": parquet({"id": ["a"], "text": ["x" * 2_000_001]}),
    }.items():
        yield Hostile(f"{name}.parquet", data)


def _archives() -> Iterator[Hostile]:
    good = _zip([("a.txt", GOOD.encode())])
    bomb = _zip([("a.txt", b"0" * 60_000_000)])
    lying = _patched(good, len(GOOD).to_bytes(4, "little"), (3).to_bytes(4, "little"))
    encrypted = bytearray(good)
    encrypted[6] |= 1
    encrypted[good.index(b"PK\x01\x02") + 8] |= 1
    method = bytearray(good)
    method[8] = 99
    method[good.index(b"PK\x01\x02") + 10] = 99
    body = bytearray(good)
    body[45] ^= 0xFF
    for name, data, notes in [
        ("empty", b"", 0),
        ("not", b"PK\x03\x04 not really", 0),
        ("cut", good[:-30], 0),
        ("no-entries", _zip([]), 0),
        ("nothing-read", _zip([("a.docx", b"x")]), 0),
        ("bomb", bomb, 0),
        ("up", _zip([("../a.txt", b"x")]), 0),
        ("up-inside", _zip([("b/../../a.txt", b"x")]), 0),
        ("absolute", _zip([("/etc/a.txt", b"x")]), 0),
        ("drive", _zip([("C:/a.txt", b"x")]), 0),
        ("backslash", _zip([("..\\a.txt", b"x")]), 0),
        ("link", _zip([(_link("a.txt", "secret"), b"/etc/passwd")]), 0),
        ("nested", _zip([("inner.zip", good)]), 0),
        ("nested-deep", _zip([("a.zip", _zip([("b.zip", _zip([("c.zip", good)]))]))]), 0),
        ("packed-twice", _zip([("a.jsonl.gz", gzip.compress(b"{}"))]), 0),
        ("encrypted", bytes(encrypted), 0),
        ("method", bytes(method), 0),
        ("damaged", bytes(body), 0),
        ("lying-size", lying, 0),
        ("control-name", _zip([("a\n\x1b[31m.txt", b"x")]), 0),
        ("deep-folders", _zip([("/".join("abcdefgh") + "/x.txt", b"x")]), 0),
        ("giant-entry", _zip([("a.txt", random.Random(1).randbytes(9_000_000))]), 0),  # noqa: S311
        ("bad-inside", _zip([("a.txt", b"\x00\x00"), ("b.txt", GOOD.encode())]), 1),
        ("bad-table", _zip([("a.csv", b"x\n"), ("b.txt", GOOD.encode())]), 1),
        ("many-empty", _zip([(f"{n}.txt", b"") for n in range(300)]), 0),
    ]:
        yield Hostile(f"{name}.zip", data, notes)


def _messages() -> Iterator[Hostile]:
    note = "TXA|1|CN|TX|20260618||||||||d1"
    for name, data in {
        "empty": b"",
        "not": b"Cough.",
        "header-only": hl7(),
        "no-separators": b"MSH|",
        "same-separators": b"MSH|||||A|B|C|D|20260618||MDM^T02|c1",
        "letters": b"MSHabcdefgh",
        "adt": hl7("PID|1", header="MSH|^~\\&|A|B|C|D|20260618||ADT^A01|c1|P|2.5"),
        "no-type": b"MSH|^~\\&|A|B",
        "no-txa": hl7("PID|1"),
        "no-text": hl7(note),
        "blank-text": hl7(note, "OBX|1|TX|1||  "),
        "numbers-only": hl7(note, "OBX|1|NM|1||5.4"),
        "no-id": hl7("TXA|1", "OBX|1|TX|1||Cough.", header="MSH|^~\\&|A|B|C|D|20260618||MDM^T02||P|2.5"),
        "long-id": hl7(note[:-2] + "x" * 300, "OBX|1|TX|1||Cough."),
        "base64": hl7(note, "OBX|1|ED|1||a^TEXT^PLAIN^Base64^!!!"),
        "embedded-pdf": hl7(note, "OBX|1|ED|1||a^AP^PDF^Base64^" + base64.b64encode(b"%PDF-x").decode()),
        "giant": hl7(note, "OBX|1|TX|1||" + "x" * 2_000_001),
        "many-obx": hl7(note, *["OBX|1|TX|1||"] * 100_000),
        "binary": bytes(range(256)) * 30,
        "nul": MDM.replace(b"Cough", b"Co\x00gh"),
        "nul-escape": hl7(note, "OBX|1|TX|1||a\\X00\\b"),
        "repetitions": hl7(note, "OBX|1|TX|1||" + "~" * 500_000),
        "headers": b"MSH|^~\\&\r" * 500,
        "orphan-text": b"OBX|1|TX|1||Cough.\rPID|1",
    }.items():
        yield Hostile(f"{name}.hl7", data)


def _xml() -> Iterator[Hostile]:
    laughs = "".join(
        f'<!ENTITY l{n} "&l{n - 1};&l{n - 1};&l{n - 1};&l{n - 1};&l{n - 1};">' for n in range(1, 20)
    )
    for name, data in {
        "empty": b"",
        "not": b"Cough.",
        "cut": ccda(SECTION)[:-40],
        "laughs": ccda("&l19;", head=f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]>'),
        "quadratic": ccda("&a;" * 5_000, head='<!DOCTYPE x [<!ENTITY a "' + "a" * 50_000 + '">]>'),
        "external": ccda("&x;", head='<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        "external-dtd": ccda(SECTION, head='<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'),
        "parameter": ccda("x", head='<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>'),
        "deep": ccda("<a>" * 200_000 + "</a>" * 200_000),
        "deep-open": ccda("<a>" * 100_000),
        "attributes": ccda("<a " + " ".join(f'b{n}="x"' for n in range(50_000)) + "/>"),
        "no-sections": ccda(""),
        "no-text": ccda("<component><section><title>Plan</title></section></component>"),
        "other-root": b"<html><body>Cough.</body></html>",
        "no-namespace": ccda(SECTION).replace(b' xmlns="urn:hl7-org:v3"', b""),
        "encoding": b'<?xml version="1.0" encoding="nonsense"?><a/>',
        "utf7": '<?xml version="1.0" encoding="utf-7"?><a/>'.encode("utf-7"),
        "nul": ccda(SECTION).replace(b"Cough", b"Co\x00gh"),
        "undeclared": ccda("<x:y/>"),
        "long-id": ccda(SECTION).replace(b'"c1"', b'"c\n1"').replace(b"&#10;", b""),
        "base64": ccda("").replace(
            b"<structuredBody></structuredBody>",
            b'<nonXMLBody><text representation="B64" mediaType="text/plain">!!</text></nonXMLBody>',
        ),
        "giant": ccda(f"<component><section><text>{'x' * 2_000_001}</text></section></component>"),
    }.items():
        if name != "long-id":
            yield Hostile(f"{name}.xml", data)


def _fhir() -> Iterator[Hostile]:
    good = base64.b64encode(GOOD.encode()).decode()
    for name, data in {
        "empty": b"",
        "not": b"Cough.",
        "array": b"[]",
        "other": b'{"resourceType":"Patient","id":"x"}',
        "no-type": b"{}",
        "no-content": b'{"resourceType":"DocumentReference","id":"x"}',
        "content-word": b'{"resourceType":"DocumentReference","id":"x","content":"x"}',
        "no-data": fhir(None),
        "data-number": fhir(5),
        "data-list": fhir([good]),
        "base64": fhir("!!!"),
        "base64-cut": fhir(good[:-1]),
        "image": fhir(good, "image/png"),
        "address": json.dumps(
            {
                "resourceType": "DocumentReference",
                "id": "x",
                "content": [{"attachment": {"contentType": "text/plain", "url": "http://127.0.0.1:9/x"}}],
            }
        ).encode(),
        "blank": fhir(base64.b64encode(b"  ").decode()),
        "nul": fhir(base64.b64encode(b"a\x00b").decode()),
        "binary": fhir(base64.b64encode(bytes(range(256))).decode()),
        "script-only": fhir(base64.b64encode(b"<script>alert(1)</script>").decode(), "text/html"),
        "script-open": fhir(base64.b64encode(b"<script>" + b"<" * 200_000).decode(), "text/html"),
        "rtf-not": fhir(good, "application/rtf").replace(b"zzz", b""),
        "rtf-cut": fhir(base64.b64encode(b"{\\rtf1 Cough").decode(), "text/rtf"),
        "pdf-not": fhir(good, "application/pdf"),
        "id-number": fhir(good, id=5),
        "id-long": fhir(good, id="x" * 300),
        "bundle-empty": b'{"resourceType":"Bundle"}',
        "bundle-words": b'{"resourceType":"Bundle","entry":["a",null,5,{"resource":7}]}',
        "bundle-cycle": json.dumps(
            {
                "resourceType": "Bundle",
                "entry": [{"resource": json.loads(fhir("!", context={"encounter": [{"reference": "#f1"}]}))}],
            }
        ).encode(),
        "deep": b'{"a":' * 100_000,
        "twice": b'{"resourceType":"Bundle","resourceType":"Bundle"}',
        "giant": fhir(base64.b64encode(b"x" * 2_000_001).decode()),
    }.items():
        if name not in ("rtf-not", "pdf-not"):
            yield Hostile(f"{name}.json", data)
    yield Hostile("pdf-not.json", fhir(good, "application/pdf"))
    yield Hostile("rtf-not.json", fhir(good, "application/rtf"))


def _documents() -> Iterator[Hostile]:
    for name, data in {
        "empty": b"",
        "not": b"Cough.",
        "cut": b"{\\rtf1 Cough.",
        "deep": b"{\\rtf1" + b"{" * 100_000 + b"}" * 100_000 + b"}",
        "only-picture": b"{\\rtf1{\\pict " + b"ff" * 100_000 + b"}}",
        "bin": b"{\\rtf1\\bin99999999 abc}",
        "bin-negative": b"{\\rtf1\\bin-5 }",
        "giant": b"{\\rtf1 " + b"x" * 2_000_001 + b"}",
        "unicode": b"{\\rtf1\\u0 }",
        "backslashes": b"{\\rtf1" + b"\\" * 300_001,
        "nul": b"{\\rtf1 a\x00b}",
        "hex": b"{\\rtf1 \\'0}\\'zz",
    }.items():
        if name != "hex":
            yield Hostile(f"{name}.rtf", data)
    good = pdf()
    for name, data in {
        "empty": b"",
        "not": b"Cough.",
        "header": b"%PDF-1.4",
        "cut": good[:200],
        "no-text": pdf(b"0 0 m 100 100 l S"),
        "blank": pdf(b"BT /F1 12 Tf (   ) Tj ET"),
        "xref": _patched(good, b"startxref\n", b"startxref\n9")[: len(good) - 300],
        "pages": pdf(pages=600),
        "loop": _patched(good, b"/Kids [4 0 R]", b"/Kids [2 0 R]"),
        "garbage": b"%PDF-1.4\n" + random.Random(2).randbytes(20_000),  # noqa: S311
        "operators": pdf(b"q " * 200_000),
        "encrypted": _patched(
            good,
            b"trailer << ",
            b"trailer << /Encrypt << /Filter /Standard /V 1 /R 2 /O ("
            + b"x" * 32
            + b") /U ("
            + b"y" * 32
            + b") /P -4 >> /ID [(a)(a)] ",
        ),
    }.items():
        yield Hostile(f"{name}.pdf", data)


MAKERS: tuple[Callable[[], Iterator[Hostile]], ...] = (
    _texts,
    _json_lines,
    _tables,
    _archives,
    _messages,
    _xml,
    _fhir,
    _documents,
)


def corpus() -> list[Hostile]:
    """All of them."""
    return [item for maker in MAKERS for item in maker()]
