"""Fetch one file: within limits of size and type, resumed where it broke off, held to its checksum."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from suggester.errors import DownloadError

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 5
MAX_BYTES = 500_000_000
TIMEOUT = 30.0
"""Seconds without any byte."""
LONGEST_WAIT = 60.0
FILE_TYPES = frozenset(
    (
        "application/zip",
        "application/x-zip-compressed",
        "application/octet-stream",
        "application/xml",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "text/csv",
        "text/plain",
        "text/tab-separated-values",
        "text/xml",
    )
)
"""Content types of files; a page of HTML in place of a file is refused."""
PAGE_TYPES = frozenset(("text/html", "application/xhtml+xml"))

_AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))

Progress = Callable[[str, int, int | None], None]
"""Called as ``progress(name, bytes_so_far, bytes_in_all_or_None)``."""


class _Again(Exception):
    """Worth another try; ``wait`` is what the server asked for, in seconds."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a download may be."""

    max_bytes: int = MAX_BYTES
    types: Collection[str] = FILE_TYPES
    sha256: str | None = None


def shown(url: str) -> str:
    """An address as messages show it: host and path, without query or user."""
    parts = urlsplit(url)
    return f"{parts.hostname or ''}{parts.path}"


def file_name(url: str) -> str:
    """Name of the file that an address leads to, fit for a folder."""
    name = re.sub(r"[^\w.-]+", "-", urlsplit(url).path.rpartition("/")[2]).strip(".-")
    return name[-100:] or "download"


def download(
    url: str,
    folder: Path,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
    sleep: Callable[[float], None] = time.sleep,
    attempts: int = ATTEMPTS,
) -> Path:
    """Fetch a file into a folder. What an interrupted call left there is gone on with.

    Parameters
    ----------
    url
        Address, ``http`` or ``https``.
    folder
        Where to; made if need be.
    limits
        Size, types and checksum; the defaults if not given.
    progress
        Called as bytes come in.
    sleep
        Waits between tries: 1, 2, 4 … seconds, or what the server asks for.
    attempts
        Most tries.

    Raises
    ------
    DownloadError
        If the address is refused, the file is too large, of another type or not what its checksum says, or
        every try failed.
    """
    import httpx

    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise DownloadError(f"{shown(url)}: an address begins with https:// or http://")
    bounds = limits or Limits()
    folder.mkdir(parents=True, exist_ok=True)
    part = _Part(folder, url)
    with httpx.Client(timeout=TIMEOUT, follow_redirects=True, max_redirects=5) as client:
        for attempt in range(attempts):
            try:
                _fetch(client, url, part, bounds, progress)
                break
            except _Again as error:
                why, wait = str(error), error.wait
            except httpx.TooManyRedirects:
                raise DownloadError(f"{shown(url)}: led on too often") from None
            except httpx.TransportError as error:
                why, wait = f"connection failed ({type(error).__name__})", None
            if attempt + 1 == attempts:
                raise DownloadError(
                    f"{shown(url)}: {why}, tried {attempts} times; try again: it goes on from there"
                )
            sleep(min(wait if wait is not None else 2.0**attempt, LONGEST_WAIT))
    return part.finish(bounds.sha256)


class _Part:
    """A file on its way, and what names the version that it is of."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self.name = file_name(url)
        key = hashlib.sha256(url.encode()).hexdigest()[:12]
        self.path = folder / f"{key}-{self.name}.part"
        self._about = folder / f"{key}-{self.name}.json"
        self.done = folder / self.name

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size if self.path.exists() else 0

    def validator(self) -> str | None:
        """What names the version of the bytes that are there; None where it cannot be told."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(self._about.read_bytes())["validator"]
            return found if isinstance(found, str) and self.size else None
        return None

    def begin(self, validator: str | None) -> None:
        """Start anew."""
        self.path.write_bytes(b"")
        self._about.write_text(json.dumps({"validator": validator}))

    def drop(self) -> None:
        """Remove what is there."""
        self.path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)

    def finish(self, sha256: str | None) -> Path:
        """The whole file under its name, held to its checksum."""
        if sha256 is not None:
            with self.path.open("rb") as handle:
                found = hashlib.file_digest(handle, "sha256").hexdigest()
            if found != sha256.lower():
                self.drop()
                raise DownloadError(
                    f"{shown(self.url)}: checksum is {found[:12]}…, the settings file says {sha256[:12]}…"
                )
        self.path.replace(self.done)
        self._about.unlink(missing_ok=True)
        return self.done


def _fetch(client: httpx.Client, url: str, part: _Part, limits: Limits, progress: Progress | None) -> None:
    """One try: all that is missing."""
    validator = part.validator()
    headers = {"Accept-Encoding": "identity"}
    if validator is not None:
        headers |= {"Range": f"bytes={part.size}-", "If-Range": validator}
    with client.stream("GET", url, headers=headers) as answer:
        if urlsplit(url).scheme == "https" and answer.url.scheme != "https":
            raise DownloadError(f"{shown(url)}: led to an address without encryption")
        _check_status(answer, url, part)
        total = _expected(answer, url, part, limits)
        if answer.status_code != 206:
            part.begin(_validator_of(answer))
        have = part.size
        with part.path.open("ab") as out:
            for chunk in answer.iter_raw():
                have += len(chunk)
                if have > limits.max_bytes:
                    out.close()
                    part.drop()
                    raise DownloadError(f"{shown(url)}: more than {limits.max_bytes:,} bytes")
                out.write(chunk)
                if progress:
                    progress(part.name, have, total)
    if total is not None and have < total:
        raise _Again(f"broke off after {have:,} of {total:,} bytes")


def _check_status(answer: httpx.Response, url: str, part: _Part) -> None:
    status = answer.status_code
    if status == 416:
        part.drop()
        raise _Again("the server has another version by now", 0.0)
    if status in _AGAIN:
        asked = answer.headers.get("retry-after", "")
        raise _Again(f"the server answered {status}", float(asked) if asked.isdigit() else None)
    if status not in (200, 206):
        raise DownloadError(f"{shown(url)}: the server answered {status}")


def _expected(answer: httpx.Response, url: str, part: _Part, limits: Limits) -> int | None:
    """Bytes of the whole file if the server says; refuses wrong types, sizes and ranges."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in limits.types:
        allowed = ", ".join(sorted(limits.types))
        raise DownloadError(f"{shown(url)}: content type {kind[:60] or 'not given'!r}, allowed: {allowed}")
    length = answer.headers.get("content-length", "")
    total = int(length) if length.isdigit() else None
    if answer.status_code == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("content-range", ""))
        if match is None or int(match[1]) != part.size:
            part.drop()
            raise _Again("the server sent another part than asked for", 0.0)
        total = None if match[2] == "*" else int(match[2])
    if total is not None and total > limits.max_bytes:
        part.drop()
        raise DownloadError(f"{shown(url)}: {total:,} bytes, at most {limits.max_bytes:,}")
    return total


def _validator_of(answer: httpx.Response) -> str | None:
    """What names this version of the file: a strong entity tag, else the time of its last change."""
    tag: Any = answer.headers.get("etag")
    if tag and not tag.startswith("W/"):
        return str(tag)
    changed: Any = answer.headers.get("last-modified")
    return str(changed) if changed else None
