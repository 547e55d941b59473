"""Files that appear whole or not at all, and one writer a folder at a time."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["one_writer", "write_whole"]

_LOCK = ".export.lock"


def write_whole(path: Path, content: bytes) -> bool:
    """Write ``content`` under a temporary name, flush it and rename it; False if it was there already.

    Raises
    ------
    OSError
        If it cannot be written; nothing of it is left behind then.
    """
    if path.exists() and path.read_bytes() == content:
        return False
    part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return True


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Hold the folder for one export at a time; another waits. Makes the folder where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
