"""Bytes to text: which encoding they are in, and whether the result is a note at all.

In this order: the byte-order mark (UTF-8, UTF-16 either way), the NUL pattern of UTF-16 without a mark,
strict UTF-8, and Windows-1252 where every byte is defined in it. UTF-16 comes before Windows-1252 because
nearly every UTF-16 file also decodes, wrongly, as Windows-1252. Line ends and everything else in the text
stay as they are; only the byte-order mark goes.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from io import BufferedIOBase
from typing import Literal, NamedTuple

from suggester.errors import EmptyInputError, EncodingError, TooLargeError

__all__ = ["Encoding", "check_text", "decode", "decode_bytes", "looks_binary", "sniff", "utf8_chunks"]

CHUNK_BYTES = 65_536

_SNIFFED_BYTES = 4_096
_UTF16_SHARE = 0.6
"""Share of NUL bytes on one side that makes unmarked bytes UTF-16; Latin text has over 0.9."""
_STRAY_SHARE = 0.05
"""Most NUL bytes on the other side."""
_CONTROL_SHARE = 0.1
"""Share of control characters from which on something is not text."""

_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_C1 = re.compile(r"[\x80-\x9f]")


class Encoding(NamedTuple):
    """An encoding that the first bytes show, and how many of them are its mark."""

    name: Literal["utf-8", "utf-16-le", "utf-16-be"]
    mark: int


def sniff(head: bytes) -> Encoding | None:
    """Tell the encoding from the first bytes, or None where only trying can tell."""
    if head.startswith(codecs.BOM_UTF8):
        return Encoding("utf-8", 3)
    if head.startswith(codecs.BOM_UTF16_LE):
        return Encoding("utf-16-le", 2)
    if head.startswith(codecs.BOM_UTF16_BE):
        return Encoding("utf-16-be", 2)
    sample = head[:_SNIFFED_BYTES]
    pairs = len(sample) // 2
    if pairs == 0:
        return None
    first = sample[0 : 2 * pairs : 2].count(0) / pairs
    second = sample[1 : 2 * pairs : 2].count(0) / pairs
    if second >= _UTF16_SHARE and first <= _STRAY_SHARE:
        return Encoding("utf-16-le", 0)
    if first >= _UTF16_SHARE and second <= _STRAY_SHARE:
        return Encoding("utf-16-be", 0)
    return None


def looks_binary(head: bytes) -> bool:
    """Whether the first bytes are too full of control characters to be text in any encoding read here."""
    return sniff(head) is None and len(_CONTROL_BYTES.findall(head)) > _CONTROL_SHARE * len(head)


def decode(data: bytes, *, record: str) -> str:
    """Decode a whole text by its mark, its NUL pattern, as UTF-8 or as Windows-1252.

    Raises
    ------
    EncodingError
        If no encoding fits.
    """
    encoding = sniff(data)
    if encoding is None:
        return decode_bytes(data, record=record, marked=False)
    text = _try(data[encoding.mark :], encoding.name)
    if text is None:
        raise EncodingError(
            f"the bytes are not valid {encoding.name.upper()}, which they begin as", record=record
        )
    return text


def decode_bytes(data: bytes, *, record: str, marked: bool) -> str:
    """Decode a part of a file whose encoding is UTF-8 (``marked``), or else UTF-8 or Windows-1252.

    Raises
    ------
    EncodingError
        If neither fits.
    """
    text = _try(data, "utf-8")
    if text is None and not marked and b"\x00" not in data:
        text = _try(data, "cp1252")
        if text is not None and _C1.search(text):
            text = None
    if text is None:
        allowed = "UTF-8" if marked else "UTF-8, UTF-16 or Windows-1252"
        raise EncodingError(f"the bytes are not text in {allowed}", record=record)
    return text


def check_text(text: str, *, record: str, most_chars: int) -> None:
    """Refuse what is no note: too long, empty, with NUL characters, or mostly control characters.

    Raises
    ------
    TooLargeError, EmptyInputError, EncodingError
        Which of these it is.
    """
    if len(text) > most_chars:
        raise TooLargeError(
            f"the text has {len(text)} characters; at most {most_chars} are read", record=record
        )
    if "\x00" in text:
        raise EncodingError("the text holds NUL characters", record=record)
    if not text.strip().strip("\ufeff").strip():
        raise EmptyInputError("the text is empty or blank", record=record)
    if len(_CONTROL.findall(text)) > _CONTROL_SHARE * len(text):
        raise EncodingError("the text is mostly control characters, so it is not text", record=record)
    if not _has_utf8(text):
        raise EncodingError("the text holds half of a surrogate pair", record=record)


def utf8_chunks(file: BufferedIOBase) -> tuple[Encoding | None, Iterator[bytes]]:
    """Read a file of records piece by piece as UTF-8, whatever its encoding, in bounded memory.

    Returns
    -------
    tuple
        The encoding that its first bytes show, and the pieces without the mark. UTF-16 that does not decode
        comes out as bytes that are not UTF-8, so that the record which holds it fails and no other.
    """
    head = file.read1(CHUNK_BYTES)
    # A line that is there already is enough to tell: do not wait for more of a slow pipe.
    while 0 < len(head) < _SNIFFED_BYTES and b"\n" not in head and (more := file.read1(CHUNK_BYTES)):
        head += more
    encoding = sniff(head)
    return encoding, _pieces(file, head, encoding)


def _pieces(file: BufferedIOBase, head: bytes, encoding: Encoding | None) -> Iterator[bytes]:
    chunk = head[encoding.mark :] if encoding else head
    if encoding is None or encoding.name == "utf-8":
        while chunk:
            yield chunk
            chunk = file.read1(CHUNK_BYTES)
        return
    decoder = codecs.getincrementaldecoder(encoding.name)("surrogatepass")
    while chunk:
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
        chunk = file.read1(CHUNK_BYTES)
    if decoder.getstate()[0]:
        yield b"\xff"  # half a character at the end: never valid in UTF-8


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _has_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
