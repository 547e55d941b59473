"""Entries of zip archives and streams of gzip, within limits: ratio, paths, links, nesting, encryption."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from suggester.errors import ArchiveError, InputError, TooLargeError
from suggester.notes.records import shown

__all__ = ["MAX_ENTRIES", "BoundedGzip", "ZipEntry", "zip_entries"]

MAX_ENTRIES = 500_000
MAX_RATIO = 200
"""An honest text is packed to no less than one part in so many."""
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError),
    UnicodeDecodeError,
)
"""What the standard library raises for a damaged entry, the last where its name is not UTF-8."""
_FREE = 50_000_000
"""Bytes that gzip may unpack to before its ratio counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipEntry:
    """An entry of an archive: its name, and the archive to open it in, or why it must not be read."""

    name: str
    size: int
    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    problem: InputError | None = None

    def read(self, *, most: int, record: str) -> bytes:
        """All bytes of the entry.

        Raises
        ------
        TooLargeError, ArchiveError
            If it holds more than ``most`` bytes, or is damaged.
        """
        if self.size > most:
            raise TooLargeError(f"larger than {most} bytes, the most that is read", record=record)
        problem = ""
        try:
            with self.archive.open(self.info) as file:
                data = file.read(most + 1)
                if len(data) <= most:
                    return data
                problem = "the entry holds more than it says"
        except _DAMAGE as error:
            problem = f"the entry is damaged ({type(error).__name__})"
        raise ArchiveError(problem, record=record)


def zip_entries(path: Path, *, name: str) -> Iterator[ZipEntry | InputError]:
    """The files of an archive in its own order; a dangerous one has a problem in place of its bytes."""
    from suggester.codesets.untrusted import entry_problem

    problem = None
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        problem = f"not a zip archive, or cut off before its end ({type(error).__name__})"
    if problem is not None:
        yield ArchiveError(problem, record=name)
        return
    with archive:
        infos = archive.infolist()
        if len(infos) > MAX_ENTRIES:
            yield ArchiveError(f"{len(infos)} entries in the archive, at most {MAX_ENTRIES}", record=name)
            return
        seen: set[str] = set()
        for number, info in enumerate(infos, 1):
            if info.is_dir():
                continue
            why = entry_problem(info)
            if why is None and info.filename in seen:
                why = "has the name of another one"
            seen.add(info.filename)
            record = f"{name}/{shown(info.filename)[:300]}"
            yield ZipEntry(
                name=info.filename,
                size=info.file_size,
                archive=archive,
                info=info,
                problem=None if why is None else ArchiveError(f"entry {number} {why}", record=record),
            )


class BoundedGzip(io.BufferedReader):
    """A gzip stream that refuses to unpack to many times its size.

    Reading raises an ``OSError`` where the stream is damaged or a bomb.
    """

    def __init__(self, path: Path) -> None:
        self._packed = path.stat().st_size
        super().__init__(_Counted(path, most=max(_FREE, MAX_RATIO * self._packed)), buffer_size=1 << 16)


class _Counted(io.RawIOBase):
    def __init__(self, path: Path, *, most: int) -> None:
        self._file = gzip.open(path, "rb")  # noqa: SIM115 - closed with this stream
        self._left = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self._file.read(len(buffer))
        except (EOFError, zlib.error) as error:
            damaged = type(error).__name__
        else:
            self._left -= len(data)
            if self._left < 0:
                raise OSError(0, f"gzip unpacks to more than {MAX_RATIO} times its size")
            buffer[: len(data)] = data
            return len(data)
        raise OSError(0, f"damaged gzip ({damaged})")

    def close(self) -> None:
        self._file.close()
        super().close()
