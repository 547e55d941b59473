"""Find, fetch and import the releases in force, from the addresses of a settings file.

Nothing is fetched without that file. It is TOML, one ``[[source]]`` for a release or for a page that links to
releases; ``codesets/updates.example.toml`` shows all of it.
"""

from __future__ import annotations

import calendar
import re
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urljoin

from suggester.codesets.download import MAX_BYTES, PAGE_TYPES, Limits, Progress, download, shown
from suggester.codesets.importing import import_files
from suggester.codesets.journal import KINDS, Import, Kind, in_use, read_journal
from suggester.config import Settings
from suggester.errors import ConfigError, DownloadError

SOURCES_FILE = "updates.toml"
DOWNLOADS = "downloads"
_MAX_PAGE = 5_000_000

_KEYS = {
    "kind": str,
    "name": str,
    "url": (str, list),
    "page": str,
    "link": (str, list),
    "valid_from": date,
    "valid_to": date,
    "sha256": (str, list),
    "max_bytes": int,
    "types": list,
    "setting": str,
}
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSource:
    """One ``[[source]]``: files at known addresses, or links on a page."""

    kind: Kind
    urls: tuple[str, ...] = ()
    page: str | None = None
    links: tuple[str, ...] = ()
    name: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    sha256: tuple[str, ...] = ()
    max_bytes: int = MAX_BYTES
    types: tuple[str, ...] = ()
    setting: str | None = None

    def covers(self, day: date) -> bool:
        """Whether what it brings is in force on a day, as far as it says."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one kind: ``imported``, ``up to date``, or ``found`` where it was only looked for."""

    kind: Kind
    what: Literal["imported", "up to date", "found"]
    source: UpdateSource
    item: Import | None = None


def read_sources(path: Path) -> tuple[UpdateSource, ...]:
    """The sources of a settings file.

    Raises
    ------
    ConfigError
        If there is no such file, or an entry is wrong: names entry and key.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"no settings file {path.name}: copy codesets/updates.example.toml there and put in "
            f"the addresses that you trust, or name another with --sources"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name}: {error}") from None
    rows = data.pop("source", [])
    if data or not isinstance(rows, list) or not rows:
        raise ConfigError(f"{path.name}: expected one or more [[source]] and nothing else")
    return tuple(_source(f"{path.name}: source {number}", row) for number, row in enumerate(rows, 1))


def _source(where: str, row: dict[str, Any]) -> UpdateSource:
    if unknown := sorted(set(row) - set(_KEYS)):
        raise ConfigError(f"{where}: unknown {', '.join(unknown)}; allowed: {', '.join(_KEYS)}")
    for key, value in row.items():
        if not isinstance(value, _KEYS[key]) or isinstance(value, datetime | bool):  # type: ignore[arg-type]
            raise ConfigError(f"{where}: {key} is of the wrong kind")
    if row.get("kind") not in KINDS:
        raise ConfigError(f"{where}: kind {row.get('kind')!r}, allowed: {', '.join(KINDS)}")
    urls, links, sums = (_texts(where, key, row.get(key, [])) for key in ("url", "link", "sha256"))
    if bool(urls) == ("page" in row) or ("page" in row) != bool(links):
        raise ConfigError(f"{where}: give either url, or page and link")
    if sums and len(sums) != len(urls or links):
        raise ConfigError(f"{where}: one sha256 for each file")
    for text in sums:
        if not re.fullmatch(r"[0-9A-Fa-f]{64}", text):
            raise ConfigError(f"{where}: sha256 has 64 hexadecimal digits")
    for text in links:
        try:
            re.compile(text)
        except re.error as error:
            raise ConfigError(f"{where}: link: {error}") from None
    if not 0 < row.get("max_bytes", 1) <= MAX_BYTES:
        raise ConfigError(f"{where}: max_bytes is 1 to {MAX_BYTES:,}")
    return UpdateSource(
        kind=row["kind"],
        urls=urls,
        page=row.get("page"),
        links=links,
        name=row.get("name"),
        valid_from=row.get("valid_from"),
        valid_to=row.get("valid_to"),
        sha256=sums,
        max_bytes=row.get("max_bytes", MAX_BYTES),
        types=_texts(where, "types", row.get("types", [])),
        setting=row.get("setting"),
    )


def _texts(where: str, key: str, value: object) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ConfigError(f"{where}: {key} is text, or a list of texts")
    return tuple(items)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the targets of links."""
        if tag == "a":
            self.found.extend(value for name, value in attrs if name == "href" and value)


def find_links(source: UpdateSource, html: str, on: date) -> UpdateSource:
    """The source with the addresses that a page has for the release in force on a day.

    Of the links that a pattern matches wholly the one of the latest day not after ``on`` is taken. The groups
    ``year`` and ``month`` of the pattern say from when it holds (for ICD-10-CM the year is the fiscal year).

    Raises
    ------
    DownloadError
        If no link matches.
    """
    parser = _Links()
    parser.feed(html)
    targets = [urljoin(source.page or "", link) for link in parser.found]
    urls: list[str] = []
    begins = source.valid_from
    for pattern in source.links:
        best: tuple[date, str] | None = None
        for target in targets:
            match = re.search(pattern, target)
            day = None if match is None else _day_of(match, source.kind)
            if day is not None and day <= on and (best is None or day > best[0]):
                best = (day, target)
        if best is None:
            raise DownloadError(f"{shown(source.page or '')}: no link fits {pattern!r} for {on}")
        urls.append(best[1])
        if best[0] > date.min and source.valid_from is None:
            begins = max(begins or date.min, best[0])
    return replace(source, urls=tuple(urls), valid_from=begins)


def _day_of(match: re.Match[str], kind: Kind) -> date | None:
    """The first day that a link's words state; the beginning of time where its pattern asks for none."""
    groups = match.groupdict()
    if not groups.get("year"):
        return date.min
    year = int(groups["year"]) % 100 + 2000
    month = str(groups.get("month") or "")
    if not month:
        return date(year - 1, 10, 1) if kind == "icd10cm" else date(year, 1, 1)
    number = int(month) if month.isdigit() else _MONTHS.get(month[:3].lower(), 0)
    if kind == "icd10cm" and number >= 10:
        year -= 1
    return date(year, number, 1) if 1 <= number <= 12 else None


def update(
    sources: Sequence[UpdateSource],
    *,
    on: date,
    settings: Settings | None = None,
    kinds: Sequence[Kind] = (),
    look_only: bool = False,
    progress: Progress | None = None,
    step: Callable[[str], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Outcome]:
    """Fetch and import, of each kind and setting, the source in force on a day.

    Raises
    ------
    DownloadError, CodeSetError
        If a file cannot be fetched or imported; what was imported before it stays.
    """
    chosen = settings or Settings.load()
    folder = chosen.store_dir / DOWNLOADS
    out: list[Outcome] = []
    for source in _in_force(sources, on, kinds):
        found = source
        if source.page is not None:
            limits = Limits(max_bytes=_MAX_PAGE, types=PAGE_TYPES)
            page = download(source.page, folder, limits=limits, sleep=sleep)
            found = find_links(source, page.read_text(encoding="utf-8", errors="replace"), on)
            page.unlink()
        if look_only:
            out.append(Outcome(kind=found.kind, what="found", source=found))
            continue
        if (held := _held(found, chosen)) is not None:
            out.append(Outcome(kind=found.kind, what="up to date", source=found, item=held))
            continue
        paths = []
        for number, url in enumerate(found.urls):
            limits = Limits(max_bytes=found.max_bytes, sha256=found.sha256[number] if found.sha256 else None)
            limits = replace(limits, types=found.types) if found.types else limits
            paths.append(download(url, folder, limits=limits, progress=progress, sleep=sleep))
        item = import_files(
            paths,
            kind=found.kind,
            name=found.name,
            valid_from=found.valid_from,
            valid_to=found.valid_to,
            setting=found.setting,
            settings=chosen,
            progress=step,
        )
        for path in paths:
            path.unlink()
        out.append(Outcome(kind=found.kind, what="imported", source=found, item=item))
    return out


def _in_force(sources: Sequence[UpdateSource], on: date, kinds: Sequence[Kind]) -> list[UpdateSource]:
    """One source of each kind and setting: the one that begins last of those that cover the day."""
    best: dict[tuple[Kind, str | None, str | None], UpdateSource] = {}
    for source in sources:
        if (kinds and source.kind not in kinds) or not source.covers(on):
            continue
        lists = source.name if source.kind in ("synonyms", "chargemaster") else None
        key = (source.kind, source.setting, lists)
        old = best.get(key)
        if old is None or (source.valid_from or date.min) >= (old.valid_from or date.min):
            best[key] = source
    return list(best.values())


def _held(source: UpdateSource, settings: Settings) -> Import | None:
    """The import in use that already brought what a source names; None where that cannot be told."""
    name = source.name or (source.valid_from.isoformat() if source.valid_from else None)
    if name is None:
        return None
    wanted = {
        "icd10cm": f"ICD-10-CM {name}",
        "hcpcs": f"HCPCS {name}",
        "cpt": f"CPT {name}",
        "mue": f"mue {source.setting} {source.valid_from}",
        "global": f"global {source.valid_from}",
        "synonyms": f"synonyms {name}",
        "chargemaster": f"chargemaster {name}",
    }.get(source.kind)
    slots = {wanted, f"{wanted}-imported"}  # the second where an embedded release has the id
    return next((item for item in in_use(read_journal(settings.store_dir)) if item.slot in slots), None)
