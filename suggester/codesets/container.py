"""One compiled file: named numpy arrays and string tables behind a checked header, opened by memory map.

Layout, numbers little endian::

    8 bytes   magic
    4 bytes   length of the header
    4 bytes   CRC-32 of the header
    n bytes   header (JSON): free metadata, length of the whole file, and for every section its offset from
              the end of the header, length, dtype, shape and CRC-32
    …         sections, each aligned to 64 bytes

Every byte that can change what is read is under a checksum.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import stat
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from suggester.errors import StoreDamagedError, StoreMissingError

FORMAT = 2
"""Version of the layout of compiled stores; a store of another format is rebuilt."""

_MAGIC = b"SUGGCS02"
_START = 16
_ALIGN = 64


class StringTable(Sequence[str]):
    """An immutable sequence of strings over one UTF-8 blob, decoded on access."""

    def __init__(self, blob: memoryview, offsets: NDArray[np.uint32]) -> None:
        self._blob = blob
        self._offsets = offsets

    @staticmethod
    def encode(strings: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
        """Blob and offsets of the strings."""
        encoded = [text.encode() for text in strings]
        offsets = np.zeros(len(encoded) + 1, dtype=np.uint32)
        np.cumsum([len(item) for item in encoded], out=offsets[1:], dtype=np.uint32)
        return np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):
            raise IndexError(f"string {index} of {len(self)}")
        return str(self._blob[int(self._offsets[at]) : int(self._offsets[at + 1])], "utf-8")

    def __iter__(self) -> Iterator[str]:
        text = bytes(self._blob)
        bounds = self._offsets.tolist()
        if text.isascii():
            whole = text.decode("ascii")
            return (whole[a:b] for a, b in pairwise(bounds))
        return (text[a:b].decode() for a, b in pairwise(bounds))


class Container:
    """A compiled file, opened read-only.

    Parameters
    ----------
    path
        The file.
    whole
        Check the sections too; without, only the header is read and checked, which is enough for ``meta``.

    Raises
    ------
    StoreMissingError
        If there is no such file.
    StoreDamagedError
        If magic, length or any checksum is wrong.
    """

    def __init__(self, path: Path, *, whole: bool = True) -> None:
        self.path = path
        try:
            with path.open("rb") as handle:
                self._map = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            raise StoreMissingError(
                f"no compiled store {path.name}; build it: suggester codesets build"
            ) from None
        except ValueError:
            raise self._damaged("it is empty") from None
        view = memoryview(self._map)
        if view[:8] != _MAGIC:
            raise self._damaged("it does not begin as a store does")
        length, crc = (int.from_bytes(view[at : at + 4], "little") for at in (8, 12))
        raw = bytes(view[_START : _START + length])
        if len(raw) != length or zlib.crc32(raw) != crc:
            raise self._damaged("header")
        if not raw:
            raise self._damaged("no header")
        header = json.loads(raw)
        if len(view) != header["size"] + _aligned(_START + length):
            raise self._damaged("length")
        self.meta: dict[str, Any] = header["meta"]
        self._sections: dict[str, dict[str, Any]] = header["sections"]
        self._data = view[_aligned(_START + length) :]
        if whole:
            for name, section in self._sections.items():
                if zlib.crc32(self._bytes(section)) != section["crc32"]:
                    raise self._damaged(f"section {name}")

    def _damaged(self, why: str) -> StoreDamagedError:
        return StoreDamagedError(f"compiled store {self.path.name} is damaged ({why})")

    def _bytes(self, section: Mapping[str, Any]) -> memoryview:
        return self._data[section["offset"] : section["offset"] + section["length"]]

    def array(self, name: str) -> NDArray[Any]:
        """A read-only view of the array of that name (no copy).

        Raises
        ------
        StoreDamagedError
            If the file has no such section.
        """
        section = self._sections.get(name)
        if section is None:
            raise self._damaged(f"no section {name}")
        return np.frombuffer(self._bytes(section), dtype=section["dtype"]).reshape(section["shape"])

    def has(self, name: str) -> bool:
        """Whether the file has an array or string table of that name."""
        return name in self._sections or f"{name}.blob" in self._sections

    def strings(self, name: str) -> StringTable:
        """The string table of that name."""
        return StringTable(memoryview(self.array(name + ".blob")), self.array(name + ".offsets"))

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a compiled file and check all of it."""
        return cls(path)

    @classmethod
    def read_meta(cls, path: Path) -> dict[str, Any]:
        """Metadata of a compiled file; only its header is checked."""
        return cls(path, whole=False).meta


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGN) * _ALIGN


def write_container(
    path: Path,
    *,
    meta: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    strings: Mapping[str, Sequence[str]],
) -> None:
    """Write a compiled file whole or not at all.

    A temp file in the same folder is written, synced and renamed over the old file; then the folder is
    synced. Equal input gives equal bytes.
    """
    flat = dict(arrays)
    for name, values in strings.items():
        flat[name + ".blob"], flat[name + ".offsets"] = StringTable.encode(values)
    sections: dict[str, dict[str, Any]] = {}
    blobs: list[bytes] = []
    size = 0
    for name in sorted(flat):
        array = np.ascontiguousarray(flat[name])
        data = array.tobytes()
        sections[name] = {
            "offset": size,
            "length": len(data),
            "dtype": array.dtype.str,
            "shape": list(array.shape),
            "crc32": zlib.crc32(data),
        }
        blobs.append(data.ljust(_aligned(len(data)), b"\0"))
        size += len(blobs[-1])
    header = json.dumps({"meta": dict(meta), "size": size, "sections": sections}, sort_keys=True).encode()
    start = _MAGIC + len(header).to_bytes(4, "little") + zlib.crc32(header).to_bytes(4, "little") + header
    _replace(path, [start.ljust(_aligned(len(start)), b"\0"), *blobs])


def _replace(path: Path, parts: Sequence[bytes]) -> None:
    """Write a file beside ``path`` and put it in its place."""
    handle, temp = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.writelines(parts)
            out.flush()
            os.fchmod(out.fileno(), _mode_of(path.parent))
            os.fsync(out.fileno())
        Path(temp).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temp).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _mode_of(folder: Path) -> int:
    """Mode of a store: whoever may read the folder may read it (``mkstemp`` gives the owner alone)."""
    return stat.S_IMODE(folder.stat().st_mode) & 0o644


def ragged(
    lists: Sequence[Sequence[int]], *, dtype: Any = np.int32
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Compressed rows of a list of lists: pointers of length ``n + 1`` and all values in one array."""
    pointers = np.zeros(len(lists) + 1, dtype=np.int64)
    np.cumsum([len(row) for row in lists], out=pointers[1:])
    values = np.fromiter((value for row in lists for value in row), dtype=dtype, count=int(pointers[-1]))
    return pointers, values
