from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suggester.notes.splitting import split_lines, split_rows


def chunked(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def lines(data: bytes, *, limit: int = 1_000, size: int = 7) -> list:
    return list(split_lines(chunked(data, size), limit=limit))


def rows(data: bytes, *, limit: int = 1_000, size: int = 7) -> list:
    return list(split_rows(chunked(data, size), limit=limit))


def test_lines_keep_everything_but_the_line_feed() -> None:
    assert lines(b"one\r\n\ntwo\x0bx\nthree") == [(1, b"one\r"), (2, b""), (3, b"two\x0bx"), (4, b"three")]
    assert lines(b"") == []
    assert lines(b"one\n") == [(1, b"one")]


def test_a_line_over_the_limit_is_left_out_and_the_rest_goes_on() -> None:
    data = b"one\n" + b"x" * 100 + b"\ntwo\n" + b"y" * 10 + b"\n" + b"z" * 11
    assert lines(data, limit=10) == [
        (1, b"one"),
        (2, "too_large"),
        (3, b"two"),
        (4, b"y" * 10),
        (5, "too_large"),
    ]


def test_a_huge_line_needs_no_memory() -> None:
    import tracemalloc

    def chunks() -> Iterator[bytes]:
        for _ in range(1_000):
            yield b"x" * 65_536
        yield b'\n{"id"}\n'

    tracemalloc.start()
    found = list(split_lines(chunks(), limit=100_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [(1, "too_large"), (2, b'{"id"}')]
    assert peak < 2_000_000


@given(st.binary(max_size=200), st.integers(1, 9))
def test_lines_do_not_depend_on_the_chunks(data: bytes, size: int) -> None:
    found = [line for _, line in lines(data, size=size)]
    expected = data.split(b"\n")
    assert found == (expected if expected[-1] else expected[:-1])


def test_rows_count_physical_lines_and_leave_out_blank_ones() -> None:
    data = b'id,text\r\n\r\n1,"two\r\nlines, ""quoted"""\n\n2,plain "word"\r3,x'
    assert rows(data) == [
        (1, [b"id", b"text"]),
        (3, [b"1", b'two\r\nlines, "quoted"']),
        (6, [b"2", b'plain "word"']),
        (7, [b"3", b"x"]),
    ]


def test_wrong_rows_are_faults_and_the_rest_goes_on() -> None:
    data = b'a,"b"c\nd,e\n"' + b"x" * 99 + b'",y\nf,g\nh,"never closed\ni,j\n'
    assert rows(data, limit=20) == [
        (1, "after_quote"),
        (2, [b"d", b"e"]),
        (3, "too_large"),
        (4, [b"f", b"g"]),
        (5, "open_quote"),
    ]


def test_empty_cells() -> None:
    assert rows(b',\n"",\n""\n,') == [(1, [b"", b""]), (2, [b"", b""]), (3, [b""]), (4, [b"", b""])]
    assert rows(b"") == []


cells = st.lists(st.text(st.sampled_from('ab,"\r\n é'), max_size=8), min_size=2, max_size=4)


@given(st.lists(cells, max_size=6), st.sampled_from(["\n", "\r\n"]), st.integers(1, 9))
def test_rows_agree_with_the_standard_library(table: list[list[str]], end: str, size: int) -> None:
    """The slow and obvious oracle: what ``csv`` writes and reads back."""
    out = io.StringIO(newline="")
    # Left to itself the writer forgets to quote a lone carriage return before Python 3.13.
    quoting = csv.QUOTE_ALL if any("\r" in cell for row in table for cell in row) else csv.QUOTE_MINIMAL
    csv.writer(out, lineterminator=end, quoting=quoting).writerows(table)
    data = out.getvalue().encode()
    assert [[c.decode() for c in row] for _, row in rows(data, size=size)] == table
    assert list(csv.reader(io.StringIO(out.getvalue(), newline=""))) == table


@given(st.binary(max_size=100), st.integers(1, 9))
def test_rows_do_not_depend_on_the_chunks(data: bytes, size: int) -> None:
    assert rows(data, size=size) == rows(data, size=1_000)


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_a_crlf_over_two_chunks_is_one_end(size: int) -> None:
    assert rows(b"a,b\r\nc,d\r\n", size=size) == [(1, [b"a", b"b"]), (2, [b"c", b"d"])]
