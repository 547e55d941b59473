from __future__ import annotations

import codecs
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suggester.errors import EmptyInputError, EncodingError, InputError, TooLargeError
from suggester.notes import check_text, decode

TEXT = "Assessment:\r\nPatient\u2019s café-au-lait spots \u2013 stable at 37.2 °C.\n\n\tPlan: none.\r"
ASCII = "Assessment:\r\nType 2 diabetes.\n\n\tPlan: none.\r"

ENCODED = {
    "utf-8": TEXT.encode(),
    "utf-8 with mark": codecs.BOM_UTF8 + TEXT.encode(),
    "utf-16-le with mark": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
    "utf-16-be with mark": codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    "utf-16-le": TEXT.encode("utf-16-le"),
    "utf-16-be": TEXT.encode("utf-16-be"),
    "cp1252": TEXT.encode("cp1252"),
}


@pytest.mark.parametrize("data", ENCODED.values(), ids=ENCODED.keys())
def test_every_encoding_gives_the_same_unaltered_text(data: bytes) -> None:
    assert decode(data, record="n.txt") == TEXT


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + TEXT.encode("cp1252"),  # the mark is a promise
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le")[:-1],
        codecs.BOM_UTF16_LE + b"a\x00\x00\xd8b\x00",
        b"price \x81 here",  # not defined in Windows-1252
        b"caf\xe9 \x8d",
        b"\xff" + b"\x00" * 9 + b"\x81",
    ],
)
def test_bytes_that_fit_no_encoding(data: bytes) -> None:
    with pytest.raises(EncodingError) as caught:
        decode(data, record="n.txt")
    assert caught.value.record == "n.txt"
    # The decoder's own error holds the bytes; it must not hang on.
    assert caught.value.__context__ is None


def test_binary_never_becomes_a_note() -> None:
    rng = random.Random(3)  # noqa: S311 - not a secret
    binaries = [
        b"\x89PNG\r\n\x1a\n" + rng.randbytes(500),
        b"%PDF-1.7\n" + rng.randbytes(500),
        b"\x00" * 300,
        bytes(range(256)),
        b"abc\x00def",
        codecs.BOM_UTF32_LE + ASCII.encode("utf-32-le"),
        codecs.BOM_UTF32_BE + ASCII.encode("utf-32-be"),
        b"\x01\x02\x03\x04\x05ok",
        b"".join(
            n.to_bytes(2, "little") for n in range(1, 30)
        ),  # the NUL pattern of UTF-16, but not its text
        *(rng.randbytes(2_000) for _ in range(200)),
    ]
    for data in binaries:
        with pytest.raises(EncodingError):
            check_text(decode(data, record="r"), record="r", most_chars=10_000)


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_one_typed_error(data: bytes) -> None:
    try:
        text = decode(data, record="r")
        check_text(text, record="r", most_chars=1_000)
    except InputError:
        return
    assert text.strip()
    assert "\x00" not in text
    text.encode()


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Co", "Cn")), min_size=1), st.booleans())
def test_marked_text_comes_back_exactly(text: str, big: bool) -> None:
    assert decode(codecs.BOM_UTF8 + text.encode(), record="r") == text
    mark, name = (codecs.BOM_UTF16_BE, "utf-16-be") if big else (codecs.BOM_UTF16_LE, "utf-16-le")
    assert decode(mark + text.encode(name), record="r") == text


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=4))
def test_plain_utf16_without_mark_comes_back_exactly(text: str) -> None:
    assert decode(text.encode("utf-16-le"), record="r") == text
    assert decode(text.encode("utf-16-be"), record="r") == text
    assert decode(text.encode(), record="r") == text


@pytest.mark.parametrize("text", ["", " ", "\r\n\t \n", "\ufeff", "\ufeff \n", "\u00a0\u2003"])
def test_blank_text_is_empty(text: str) -> None:
    with pytest.raises(EmptyInputError):
        check_text(text, record="r", most_chars=10)


def test_text_limits() -> None:
    check_text("x" * 10, record="r", most_chars=10)
    with pytest.raises(TooLargeError, match="11 characters; at most 10"):
        check_text("x" * 11, record="r", most_chars=10)
    with pytest.raises(EncodingError, match="NUL"):
        check_text("ab\x00", record="r", most_chars=10)
    with pytest.raises(EncodingError, match="surrogate"):
        check_text("ab\ud800", record="r", most_chars=10)
    with pytest.raises(EncodingError, match="control"):
        check_text("a\x01\x02b", record="r", most_chars=10)
    check_text("one form feed\x0c and a stray bell\x07 are tolerable", record="r", most_chars=100)
