"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import IO, Self

__all__ = ["WholeFile", "errors_path", "sweep", "sweep_all", "sync_folder"]

_PART = ".part"


def errors_path(output: Path) -> Path:
    """Where the errors of ``output`` go: beside it, its name and ``.errors.jsonl``."""
    return output.with_name(f"{output.name}.errors.jsonl")


class WholeFile:
    """A file written under a temporary name beside its own, and renamed when it is complete.

    Leaving the ``with`` block without ``publish`` or ``discard`` removes what was written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}{_PART}")
        self._file = self._part.open("xb", buffering=1 << 18)

    @property
    def raw(self) -> IO[bytes]:
        """What to write bytes to."""
        return self._file

    def write_line(self, line: str) -> None:
        """Write a line, as UTF-8, and its newline."""
        self._file.write(line.encode())
        self._file.write(b"\n")

    def publish(self) -> None:
        """Flush to the disk and put the file in its place; ``sync_folder`` then makes the name durable."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self.path)

    def discard(self) -> None:
        """Remove what was written."""
        # Closing flushes what is buffered, which fails again where the disk is full: nobody wants it.
        with contextlib.suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()


def sync_folder(folder: Path) -> None:
    """Make renames in ``folder`` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(path: Path) -> None:
    """Remove the temporary files for ``path`` of runs that were killed."""
    prefix = f".{path.name}."
    for part in path.parent.iterdir():
        if part.name.startswith(prefix) and part.name.endswith(_PART):
            pid = part.name[len(prefix) :].split(".")[0]
            if pid.isdecimal() and not _alive(int(pid)):
                part.unlink(missing_ok=True)


def sweep_all(folder: Path) -> None:
    """Remove every temporary file in a folder that this process alone writes to."""
    for part in folder.glob(f".*{_PART}"):
        part.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
