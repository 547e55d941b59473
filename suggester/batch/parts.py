"""The folder of an unfinished run: its manifest, and a part for each shard that is done.

The folder lies beside the output, ``<output>.run``. A part is written to a temporary name, synced, renamed,
and its folder synced: it is there whole or not at all. Its first line holds its key, a hash of its body and
its counts; a part whose body is not what its hash says is done again. One process holds the folder at a time.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

from suggester.batch.files import sweep_all, sync_folder
from suggester.batch.manifest import MANIFEST_FILE, Manifest
from suggester.batch.shards import Shard
from suggester.batch.tally import Tally
from suggester.batch.work import Done
from suggester.errors import BatchError, DiskFullError, ResumeError, RunBusyError

__all__ = ["RunFolder", "disk_errors", "run_folder"]

_PART = "part-{:07d}"
_LOCK = "lock"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def run_folder(output: Path) -> Path:
    """Where the parts of an unfinished run for ``output`` lie."""
    return output.with_name(f"{output.name}.run")


@contextmanager
def disk_errors(what: str) -> Iterator[None]:
    """Turn a full disk into an error that says so; other errors stay what they are."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        number = error.errno
    else:
        return
    raise DiskFullError(
        f"no space is left ({os.strerror(number or 0)}) for {what}; all that was finished is whole."
        " Make space and go on with --resume"
    )


class RunFolder:
    """The folder of a run, held by this process until ``release`` or ``remove``."""

    def __init__(self, path: Path, lock: IO[bytes]) -> None:
        self.path = path
        self.written = 0
        self._lock = lock

    @classmethod
    def take(cls, path: Path) -> Self:
        """Make the folder or take the one that is there, and sweep what killed runs left in it.

        Raises
        ------
        RunBusyError
            If another process holds it.
        """
        path.mkdir(mode=0o700, exist_ok=True)
        lock = (path / _LOCK).open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise RunBusyError(f"another run is writing this output: {path.name} is in use") from None
        sweep_all(path)
        return cls(path, lock)

    def manifest(self) -> Manifest | None:
        """The manifest of the run that was begun here, None where there is none."""
        path = self.path / MANIFEST_FILE
        return Manifest.read(path) if path.exists() else None

    def begin(self, manifest: Manifest) -> None:
        """Forget what is here and begin a run."""
        (self.path / MANIFEST_FILE).unlink(missing_ok=True)
        for part in self.path.glob("part-*"):
            part.unlink()
        with disk_errors("the manifest"):
            manifest.write(self.path / MANIFEST_FILE)

    def has_parts(self) -> bool:
        """Whether any shard is done."""
        return next(self.path.glob("part-*"), None) is not None

    def known(self, shard: Shard) -> Tally | None:
        """Counts of a shard's part; None if it is not done, or its part is damaged and must be done again.

        Raises
        ------
        ResumeError
            If the part was made of other records.
        """
        path = self.path / _PART.format(shard.number)
        try:
            with path.open("rb") as file:
                head = json.loads(file.readline())
                whole = hashlib.sha256(file.read()).hexdigest() == head["sha256"]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError):
            return None
        if not whole:
            return None
        if head["key"] != shard.key:
            last = shard.first + len(shard.items) - 1
            raise ResumeError(
                (f"the input: records {shard.first} to {last} are not those that the run began with",)
            )
        return Tally.from_record(head["tally"])

    def write(self, shard: Shard, done: Done) -> None:
        """Write the part of a shard, durably.

        Raises
        ------
        DiskFullError
            If there is no space; nothing of the part stays.
        """
        path = self.path / _PART.format(shard.number)
        head = {
            "key": shard.key,
            "sha256": hashlib.sha256(done.body).hexdigest(),
            "tally": done.tally.to_record(),
        }
        part = self.path / f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part"
        try:
            with disk_errors(f"part {shard.number}"):
                with part.open("xb") as file:
                    file.write(json.dumps(head).encode() + b"\n")
                    file.write(done.body)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
                sync_folder(self.path)
        finally:
            part.unlink(missing_ok=True)
        self.written += 1

    def bodies(self, count: int) -> Iterator[bytes]:
        """Bodies of the first ``count`` parts, in order.

        Raises
        ------
        BatchError
            If one is missing.
        """
        for number in range(count):
            path = self.path / _PART.format(number)
            try:
                with path.open("rb") as file:
                    file.readline()
                    yield file.read()
            except FileNotFoundError:
                raise BatchError(f"{path.name} of the run is missing; go on with --resume") from None

    def release(self, *, keep: bool) -> None:
        """Let go of the folder; without ``keep`` it goes too."""
        if not keep:
            # The manifest last: what a kill leaves here can be resumed, and is then found done.
            for part in self.path.glob("part-*"):
                part.unlink(missing_ok=True)
            shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()
