"""Files that are not trusted: archives, XML and tables, read within limits.

Every refusal is an ``ImportRefusedError`` with the file, the row where there is one, and the reason.
"""

from __future__ import annotations

import codecs
import csv
import re
import stat
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path, PurePosixPath

from suggester.errors import ImportRefusedError

MAX_ENTRIES = 2_000
MAX_UNPACKED = 1_500_000_000
MAX_RATIO = 200
"""An archive's entry may be so many times as large as it is packed."""
MAX_XML_BYTES = 200_000_000
MAX_XML_DEPTH = 64
MAX_ROWS = 4_000_000
MAX_COLUMNS = 256
MAX_ROW = 40_000
"""Characters of a row of a table."""

_SMALL = 1_000_000
"""Entries that unpack to less are no bomb, however well they are packed."""
_CHUNK = 1 << 20
_HEAD = 20_000
_MAX_DEPTH_OF_FOLDERS = 6

Row = tuple[int, list[str]]
"""Number of a row in its file, from 1, and its cells."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to import: where it lies and what to call it in messages (``release.zip/tabular.xml``)."""

    path: Path
    name: str

    @property
    def suffix(self) -> str:
        """Its ending in small letters."""
        return self.path.suffix.lower()


def gather(paths: Sequence[Path], into: Path) -> list[Source]:
    """All files of files, folders and zip archives, in order of their names.

    Parameters
    ----------
    paths
        What the user gave.
    into
        An empty folder; archives are unpacked there.

    Raises
    ------
    ImportRefusedError
        If a path is missing, a folder is too large, or an archive is damaged or dangerous.
    """
    out: list[Source] = []
    for number, path in enumerate(paths):
        if path.is_dir():
            for file in _files_of(path):
                out.extend(_expanded(file, into / str(number), file.relative_to(path.parent).as_posix()))
        elif path.is_file():
            out.extend(_expanded(path, into / str(number), path.name))
        else:
            raise ImportRefusedError(path.name, "there is no such file or folder")
    return out


def _files_of(folder: Path) -> list[Path]:
    found = [path for path in sorted(folder.rglob("*")) if not path.is_symlink() and path.is_file()]
    visible = [p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts)]
    if len(visible) > MAX_ENTRIES:
        raise ImportRefusedError(folder.name, f"{len(visible)} files in the folder, at most {MAX_ENTRIES}")
    return visible


def _expanded(path: Path, into: Path, name: str) -> list[Source]:
    if path.suffix.lower() != ".zip":
        return [Source(path, name)]
    return unzip(path, into / path.stem, name)


def unzip(path: Path, into: Path, name: str) -> list[Source]:
    """Unpack an archive within the limits.

    Raises
    ------
    ImportRefusedError
        If the archive is damaged, encrypted, too large, packed too well to be honest, or names files
        outside of itself.
    """
    out: list[Source] = []
    left = MAX_UNPACKED
    with _opened(path, name) as archive:
        check_entries(archive, name)
        for info in archive.infolist():
            if info.is_dir():
                continue
            target = into.joinpath(*PurePosixPath(info.filename).parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                left = _extract(archive, info, target, left, name)
            except (
                *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError),
                UnicodeDecodeError,  # of the name in the entry
            ) as error:
                what = type(error).__name__
                raise ImportRefusedError(
                    f"{name}/{info.filename}", f"the archive is damaged ({what})"
                ) from None
            out.append(Source(target, f"{name}/{info.filename}"))
    return sorted(out, key=lambda source: source.name)


def _opened(path: Path, name: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError):
        raise ImportRefusedError(name, "no zip archive, or cut off before its end") from None


def check_entries(archive: zipfile.ZipFile, name: str) -> None:
    """Refuse an archive by its list of entries, before anything is unpacked.

    Raises
    ------
    ImportRefusedError
        See ``unzip``.
    """
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise ImportRefusedError(name, f"{len(infos)} entries in the archive, at most {MAX_ENTRIES}")
    seen: set[str] = set()
    for number, info in enumerate(infos, 1):
        if problem := entry_problem(info):
            raise ImportRefusedError(name, f"entry {problem}", row=number)
        if info.filename in seen:
            raise ImportRefusedError(name, "two entries have one name", row=number)
        seen.add(info.filename)
    total = sum(info.file_size for info in infos)
    if total > MAX_UNPACKED:
        raise ImportRefusedError(
            name, f"unpacks to {total // 1_000_000} MB, at most {MAX_UNPACKED // 1_000_000}"
        )


def entry_problem(info: zipfile.ZipInfo) -> str | None:
    """Why an entry must not be read, as the end of a sentence; None if it may be."""
    parts = PurePosixPath(info.filename).parts
    if (
        not parts
        or info.filename.startswith("/")
        or "\\" in info.orig_filename
        or ".." in parts
        or re.match(r"[A-Za-z]:", info.filename)
        or not info.filename.isprintable()
    ):
        return "names a file outside of the archive"
    if len(parts) > _MAX_DEPTH_OF_FOLDERS:
        return f"lies in more than {_MAX_DEPTH_OF_FOLDERS} folders"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link"
    if info.flag_bits & 1:
        return "is encrypted"
    if info.file_size > _SMALL and info.file_size > MAX_RATIO * max(info.compress_size, 1):
        return f"unpacks to more than {MAX_RATIO} times its size"
    return None


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, left: int, name: str) -> int:
    """Unpack one entry; returns how many bytes may still follow. What is read counts, not what is said."""
    with archive.open(info) as packed, target.open("wb") as out:
        while chunk := packed.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise ImportRefusedError(name, f"unpacks to more than {MAX_UNPACKED // 1_000_000} MB")
            out.write(chunk)
    return left


def parse_xml(path: Path, name: str | None = None) -> ET.Element:
    """Root of an XML file without document type, entities or deep nesting.

    Raises
    ------
    ImportRefusedError
        If the file is not well-formed, declares a document type or entities, or passes a limit.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    shown = name or path.name
    depth = 0
    root: ET.Element | None = None
    try:
        if path.stat().st_size > MAX_XML_BYTES:
            raise ImportRefusedError(shown, f"XML of more than {MAX_XML_BYTES // 1_000_000} MB")
        with path.open("rb") as handle:
            for event, element in iterparse(handle, events=("start", "end"), forbid_dtd=True):
                if event == "end":
                    depth -= 1
                    continue
                depth += 1
                root = element if root is None else root
                if depth > MAX_XML_DEPTH:
                    raise ImportRefusedError(shown, f"XML nested deeper than {MAX_XML_DEPTH}")
    except ET.ParseError as error:
        raise ImportRefusedError(shown, f"not well-formed XML ({error})", row=error.position[0]) from None
    except DefusedXmlException as error:
        raise ImportRefusedError(
            shown, f"XML with a document type or entities ({type(error).__name__})"
        ) from None
    except OSError as error:
        raise ImportRefusedError(shown, f"cannot be read ({error.strerror})") from None
    except (ValueError, LookupError):
        raise ImportRefusedError(shown, "not well-formed XML (unknown encoding)") from None
    if root is None:
        raise ImportRefusedError(shown, "not well-formed XML (no element)")
    return root


def read_text(source: Source) -> str:
    """The text of a file: UTF-8, else Windows-1252 as CMS writes.

    Raises
    ------
    ImportRefusedError
        If the file is binary.
    """
    encoding = _encoding_of(source)
    return source.path.read_bytes().decode(encoding, errors="replace")


def _encoding_of(source: Source) -> str:
    """UTF-8 if all of the file is, else Windows-1252. Reads it a piece at a time."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with source.path.open("rb") as handle:
        first = True
        while chunk := handle.read(_CHUNK):
            if first and b"\0" in chunk:
                raise ImportRefusedError(source.name, "binary, not a text file")
            first = False
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                return "cp1252"
    return "utf-8-sig"


def rows_of(source: Source) -> Iterator[Row]:
    """Rows of a table: .xlsx, or text with commas, tabs or bars between its cells. Empty rows are left out.

    Raises
    ------
    ImportRefusedError
        If the file is no table, or passes a limit.
    """
    rows = _sheet_rows(source) if source.suffix in {".xlsx", ".xlsm"} else _text_rows(source)
    for count, (number, cells) in enumerate(rows):
        if count >= MAX_ROWS:
            raise ImportRefusedError(source.name, f"more than {MAX_ROWS:,} rows", row=number)
        if len(cells) > MAX_COLUMNS:
            raise ImportRefusedError(source.name, f"{len(cells)} cells, at most {MAX_COLUMNS}", row=number)
        if sum(map(len, cells)) > MAX_ROW:
            raise ImportRefusedError(source.name, f"a row of more than {MAX_ROW} characters", row=number)
        if any(cells):
            yield number, cells


def _text_rows(source: Source) -> Iterator[Row]:
    encoding = _encoding_of(source)
    with source.path.open(encoding=encoding, errors="replace", newline="") as handle:
        mark = _delimiter(handle.read(_HEAD))
        handle.seek(0)
        reader = csv.reader(handle, delimiter=mark)
        try:
            for cells in reader:
                yield reader.line_num, [_plain(cell) for cell in cells]
        except csv.Error as error:
            raise ImportRefusedError(source.name, f"not a table ({error})", row=reader.line_num) from None


def _plain(cell: str) -> str:
    """The cell with single blanks between its words."""
    text = cell.strip()
    return " ".join(text.split()) if "  " in text or "\n" in text else text


def _delimiter(text: str) -> str:
    """The mark between the cells of a text table: the one that most of its first lines hold."""
    head = [line for line in text.splitlines() if line.strip()][:40]
    counts = {mark: sum(mark in line for line in head) for mark in ("\t", "|", ",")}
    return max(counts, key=lambda mark: counts[mark])


def _sheet_rows(source: Source) -> Iterator[Row]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    with _opened(source.path, source.name) as archive:
        check_entries(archive, source.name)
    try:
        book = load_workbook(source.path, read_only=True, data_only=True, keep_links=False)
    except (
        InvalidFileException,
        KeyError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
        ET.ParseError,
        OSError,
    ):
        raise ImportRefusedError(source.name, "not an Excel workbook") from None
    try:
        sheet = book.worksheets[0]
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            yield number, [_cell(value) for value in row]
    except (ET.ParseError, zipfile.BadZipFile, zlib.error, IndexError) as error:
        raise ImportRefusedError(source.name, f"damaged Excel workbook ({type(error).__name__})") from None
    finally:
        book.close()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.strftime("%Y%m%d")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).split())


def heading(text: str) -> str:
    """A column's heading as it is compared: small letters and digits, one blank between words.

    >>> heading("Modifier 0=not allowed"), heading("HCPCS_CODE"), heading(" Long Description ")
    ('modifier 0 not allowed', 'hcpcs code', 'long description')
    """
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def find_header(
    source: Source, rows: Iterator[Row], wanted: Sequence[Sequence[str]]
) -> tuple[list[int], int]:
    """Places of columns in the first row that has every needed one; notices before it are passed over.

    Parameters
    ----------
    source
        The file, for messages.
    rows
        Its rows; read up to the header.
    wanted
        For each column the headings it may have, compared by ``heading``; a name that ends in ``*`` is a
        beginning; a group whose first name is ``?`` need not be there.

    Returns
    -------
    places
        Place of each wanted column, -1 where an optional one is missing.
    row
        Number of the header's row.

    Raises
    ------
    ImportRefusedError
        If none of the first 40 rows is such a header.
    """
    for tried, (number, cells) in enumerate(rows):
        names = [heading(cell) for cell in cells]
        places = [next((i for i, n in enumerate(names) if _is_named(n, group)), -1) for group in wanted]
        if all(place >= 0 or group[0] == "?" for place, group in zip(places, wanted, strict=True)):
            return places, number
        if tried >= 40:
            break
    needed = "; ".join(group[0].rstrip("*") for group in wanted if group[0] != "?")
    raise ImportRefusedError(source.name, f"no row names its columns; needed: {needed}")


def _is_named(name: str, group: Sequence[str]) -> bool:
    return any(
        name.startswith(wanted[:-1]) if wanted.endswith("*") else name == wanted
        for wanted in group
        if wanted != "?"
    )


def day_of(text: str, source: Source, row: int) -> date:
    """A day written ``20260101``, ``2026-01-01`` or ``01/01/2026``.

    Raises
    ------
    ImportRefusedError
        If it is none.
    """
    for pattern in ("%Y%m%d", "%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y"):
        if len(text) in (8, 10) or pattern.startswith("%m"):
            try:
                return datetime.strptime(text, pattern).date()
            except ValueError:
                continue
    raise ImportRefusedError(source.name, f"{text[:20]!r} is not a day (YYYYMMDD)", row=row)
