"""What is kept outside the database: the key of the audit trail, and the anchors of its head."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from suggester.errors import TrailKeyError

__all__ = ["Anchors", "read_key", "read_or_make_key"]

_KEY_BYTES = 32
_SHORT_MAC = 32


def read_key(path: Path) -> bytes:
    """The key in a file: 64 hexadecimal digits, readable by its owner only.

    Raises
    ------
    TrailKeyError
        If the file is not there, readable by others, or holds no key.
    """
    problem = None
    text = ""
    try:
        status = path.stat()
        if stat.S_IMODE(status.st_mode) & 0o077:
            problem = f"can be read by others: chmod 600 {path.name}"
        else:
            text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        problem = f"cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}"
    key = b""
    if problem is None:
        try:
            key = bytes.fromhex(text)
        except ValueError:
            problem = "holds no key"
        if problem is None and len(key) != _KEY_BYTES:
            problem = f"holds no key: {2 * _KEY_BYTES} hexadecimal digits are expected"
    if problem is not None:
        raise TrailKeyError(f"key file {path.name} {problem}")
    return key


def read_or_make_key(path: Path) -> bytes:
    """The key in a file, which is made first where it is not there. Safe when several processes start."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, (secrets.token_hex(_KEY_BYTES) + "\n").encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            path.hardlink_to(temporary)  # fails if another process was quicker; its key counts
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return read_key(path)


class Anchors:
    """An append-only file with the heads of the trail: a line ``seq mac`` for each commit.

    Lines of several processes may be out of order; each is written whole. A line that a power failure tore
    is not counted.

    Parameters
    ----------
    path
        The file, made at the first head.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, seq: int, mac: str) -> None:
        """Add a head; the caller's commit is acknowledged only afterwards."""
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, f"{seq} {mac[:_SHORT_MAC]}\n".encode())
        finally:
            os.close(handle)

    def mend(self) -> None:
        """End a line that a power failure tore, so that the next one is whole."""
        if not self.path.exists() or not self.path.stat().st_size:
            return
        with self.path.open("rb+") as file:
            file.seek(-1, os.SEEK_END)
            if file.read() != b"\n":
                file.write(b"\n")

    def heads(self) -> Iterator[tuple[int, str]]:
        """Sequence numbers with the first digits of their macs, as written."""
        if not self.path.exists():
            return
        with self.path.open(encoding="ascii", errors="replace") as lines:
            for line in lines:
                parts = line.split()
                if len(parts) == 2 and parts[0].isdigit() and len(parts[1]) == _SHORT_MAC:
                    yield int(parts[0]), parts[1]

    def highest(self) -> int:
        """The highest sequence number that was anchored, 0 without any."""
        return max((seq for seq, _ in self.heads()), default=0)

    @staticmethod
    def fits(mac: str, anchored: str) -> bool:
        """Whether a mac is the one whose first digits were anchored."""
        return mac[:_SHORT_MAC] == anchored

    def set_aside(self) -> Path | None:
        """Rename the file (a restored store begins a new one); the new name, or None where there is none."""
        if not self.path.exists():
            return None
        number = 1
        while (kept := self.path.with_name(f"{self.path.name}.{number}")).exists():
            number += 1
        self.path.rename(kept)
        return kept
