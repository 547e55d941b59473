from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suggester.codesets.container import Container, StringTable, ragged, write_container
from suggester.errors import StoreDamagedError, StoreMissingError

ARRAYS = {
    "numbers": np.arange(7, dtype=np.int32),
    "flags": np.array([True, False]),
    "grid": np.arange(6, dtype=np.float32).reshape(2, 3),
    "codes": np.array([b"A00", b"E11.9"]),
    "none": np.zeros(0, dtype=np.int64),
}
STRINGS = {"names": ["", "Sjögren", "a\tb", "日本", "plain"], "ascii": ["one", "two", ""], "empty": []}


def write(path: Path, **meta: object) -> Path:
    write_container(path, meta={"format": 1, **meta}, arrays=ARRAYS, strings=STRINGS)
    return path


def test_roundtrip(tmp_path: Path) -> None:
    box = Container.open(write(tmp_path / "a.store", key="k", title="Ménière"))
    assert box.meta == {"format": 1, "key": "k", "title": "Ménière"}
    for name, array in ARRAYS.items():
        assert box.array(name).dtype == array.dtype
        assert box.array(name).shape == array.shape
        assert box.array(name).tolist() == array.tolist()
        assert not box.array(name).flags.writeable
    for name, strings in STRINGS.items():
        assert list(box.strings(name)) == strings
    assert Container.read_meta(tmp_path / "a.store") == box.meta


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    assert write(tmp_path / "a.store").read_bytes() == write(tmp_path / "b.store").read_bytes()


@given(st.lists(st.text(max_size=12), max_size=12))
def test_string_table_is_a_sequence(strings: list[str]) -> None:
    strings = [text.encode("utf-8", "ignore").decode() for text in strings]
    blob, offsets = StringTable.encode(strings)
    table = StringTable(memoryview(blob), offsets)
    assert list(table) == strings
    assert len(table) == len(strings)
    assert [table[i] for i in range(len(strings))] == strings
    assert [table[i] for i in range(-len(strings), 0)] == strings
    assert table[1:4] == strings[1:4]
    assert table[::-1] == strings[::-1]
    for outside in (len(strings), -len(strings) - 1):
        with pytest.raises(IndexError):
            table[outside]


def test_every_flipped_byte_is_found_or_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.store"
    array, names = np.arange(5, dtype=np.int32), ["Sjögren", "", "x"]
    write_container(path, meta={"key": "k"}, arrays={"a": array}, strings={"s": names})
    good = path.read_bytes()
    used = array.nbytes + sum(part.nbytes for part in StringTable.encode(names))
    harmless = 0
    for at in range(len(good)):
        mask = (0x01, 0x20, 0x80, 0xFF)[at % 4]
        with path.open("r+b") as handle:
            os.pwrite(handle.fileno(), bytes([good[at] ^ mask]), at)
            try:
                box = Container.open(path)
                read = (box.meta, box.array("a").tolist(), list(box.strings("s")))
            except StoreDamagedError:
                continue
            finally:
                os.pwrite(handle.fileno(), good[at : at + 1], at)
        harmless += 1
        assert read == ({"key": "k"}, [*range(5)], names)
    assert harmless <= len(good) - used - 16, "only padding may be harmless"


def test_every_truncation_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "a.store")
    good = path.read_bytes()
    path.write_bytes(good + b"\0")
    for length in [len(good) + 1, *range(len(good) - 1, -1, -1)]:
        os.truncate(path, length)
        with pytest.raises(StoreDamagedError, match=r"a\.store is damaged"):
            Container.open(path)


def test_header_alone_is_checked_for_metadata(tmp_path: Path) -> None:
    path = write(tmp_path / "a.store")
    good = path.read_bytes()
    at = good.index(ARRAYS["numbers"].tobytes())
    path.write_bytes(good[:at] + b"\xff" + good[at + 1 :])
    assert Container.read_meta(path)["format"] == 1
    with pytest.raises(StoreDamagedError, match="section numbers"):
        Container.open(path)


@pytest.mark.parametrize(
    "data", [b"", b"x", b"PK\x03\x04 something else entirely", b"SUGGCS02", b"\0" * 4096]
)
def test_other_files_are_no_stores(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.store"
    path.write_bytes(data)
    with pytest.raises(StoreDamagedError):
        Container.open(path)


def test_missing_file_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(StoreMissingError, match="suggester codesets build"):
        Container.open(tmp_path / "a.store")


def test_missing_section_is_damage(tmp_path: Path) -> None:
    box = Container.open(write(tmp_path / "a.store"))
    with pytest.raises(StoreDamagedError, match="no section other"):
        box.array("other")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_interrupted_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = write(tmp_path / "a.store", key="old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail) if step == "fsync" else monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write(path, key="new")
    monkeypatch.undo()
    assert Container.open(path).meta["key"] == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.store"]


def test_replaced_file_stays_readable_where_it_is_open(tmp_path: Path) -> None:
    path = write(tmp_path / "a.store", key="old")
    box = Container.open(path)
    write(path, key="new")
    assert list(box.strings("names")) == STRINGS["names"]
    assert Container.open(path).meta["key"] == "new"


def test_file_may_be_read_by_whoever_may_read_the_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert write(tmp_path / "a.store").stat().st_mode & 0o777 == 0o644
    tmp_path.chmod(0o700)
    assert write(tmp_path / "b.store").stat().st_mode & 0o777 == 0o600


def test_ragged() -> None:
    pointers, values = ragged([[1, 2], [], [3]])
    assert pointers.tolist() == [0, 2, 2, 3]
    assert values.tolist() == [1, 2, 3]
    assert ragged([])[0].tolist() == [0]
