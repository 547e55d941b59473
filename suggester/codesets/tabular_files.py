"""CMS and AMA code files read row by row: HCPCS Level II (ANWEB) and the licensee's CPT file.

The layout of ANWEB is that of the record layout that CMS publishes beside it: 293 characters, code in 1-5
(modifiers in 4-5), record kind in 11 (3 and 7 begin a code or modifier, 4 and 8 continue its descriptor),
long descriptor in 12-91, short descriptor in 92-119, day added in 269-276, of action in 277-284, of
termination in 285-292, action in 293.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from suggester.codesets.untrusted import Source, day_of, find_header, heading, read_text, rows_of
from suggester.errors import ImportRefusedError

LINE = 293
_LEVEL_II = re.compile(r"[A-Z]\d{4}")
_MODIFIER = re.compile(r"[A-Z][A-Z0-9]|\d[A-Z0-9]")
_CPT = re.compile(r"\d{4}[0-9AFMTU]")
_KINDS = {"3": False, "4": True, "7": False, "8": True}
"""Record kinds, and whether they continue the one before."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = re.compile(
    rf"(20\d\d).{{0,3}}({'|'.join(_MONTHS)})|({'|'.join(_MONTHS)})[a-z]*.{{0,3}}(20\d\d)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    """A code or modifier of a file.

    ``row`` is where it begins; ``added``, ``changed`` and ``ended`` are days that the file gives.
    """

    row: int
    code: str
    long: str
    short: str = ""
    added: date | None = None
    changed: date | None = None
    ended: date | None = None


@dataclass(frozen=True, slots=True)
class CodeFile:
    """What a file of codes holds, and how many rows it has."""

    codes: tuple[CodeRow, ...]
    modifiers: tuple[CodeRow, ...]
    rows: int


def month_in_name(name: str) -> date | None:
    """First day of the month that a file's name states.

    >>> month_in_name("HCPC2026_JUL_ANWEB.txt"), month_in_name("april-2026-file.zip"), month_in_name("x.csv")
    (datetime.date(2026, 7, 1), datetime.date(2026, 4, 1), None)
    """
    match = _NAMED.search(name)
    if match is None:
        return None
    year, month = (match[1], match[2]) if match[1] else (match[4], match[3])
    return date(int(year), _MONTHS.index(month.lower()) + 1, 1)


def is_anweb_text(source: Source) -> bool:
    """Whether the file is the fixed-width one: its first line begins a record."""
    if source.suffix != ".txt":
        return False
    with source.path.open(encoding="cp1252", errors="replace") as handle:
        first = handle.readline(LINE + 2).rstrip("\r\n")
    return len(first) > 100 and first[10] in "37" and first[5:10].isdigit()


def read_hcpcs(source: Source) -> CodeFile:
    """The codes of an HCPCS Level II file: fixed width, .xlsx or .csv.

    Raises
    ------
    ImportRefusedError
        If the file is something else, or a row is wrong: names the row.
    """
    rows = _fixed(source) if is_anweb_text(source) else _table(source)
    codes: list[CodeRow] = []
    modifiers: list[CodeRow] = []
    count = 0
    for item in rows:
        count += 1
        if _LEVEL_II.fullmatch(item.code):
            codes.append(item)
        elif _MODIFIER.fullmatch(item.code):
            modifiers.append(item)
        elif _CPT.fullmatch(item.code):
            continue  # of the AMA: its descriptor is not taken
        else:
            raise ImportRefusedError(
                source.name,
                f"{item.code[:12]!r} is no code of HCPCS Level II (J1885) or modifier (LT)",
                row=item.row,
            )
        if not item.long:
            raise ImportRefusedError(source.name, f"{item.code} has no descriptor", row=item.row)
    _refuse_twice(source, codes)
    _refuse_twice(source, modifiers)
    return CodeFile(tuple(codes), tuple(modifiers), count)


def _refuse_twice(source: Source, rows: Iterable[CodeRow]) -> None:
    """Refuse a code that stands there twice, unless its days follow each other."""
    seen: dict[str, CodeRow] = {}
    for item in rows:
        before = seen.get(item.code)
        if before is not None:
            if before.ended is None or item.added is None:
                why = f"{item.code} stands there twice (first in row {before.row})"
            else:
                why = f"{item.code} has overlapping validity (first in row {before.row})"
            if before.ended is None or item.added is None or item.added <= before.ended:
                raise ImportRefusedError(source.name, why, row=item.row)
        seen[item.code] = item


def _fixed(source: Source) -> Iterator[CodeRow]:
    current: CodeRow | None = None
    for number, line in enumerate(read_text(source).split("\n"), 1):
        text = line.rstrip("\r\x1a")
        if not text.strip():
            continue
        code, kind = text[:5].strip(), text[10:11]
        if kind not in _KINDS:
            raise ImportRefusedError(
                source.name, f"record kind {kind!r} in column 11, allowed: 3, 4, 7, 8", row=number
            )
        if not _KINDS[kind]:
            if len(text) < LINE:
                raise ImportRefusedError(
                    source.name, f"{len(text)} characters, a record has {LINE}: cut off?", row=number
                )
            if current is not None:
                yield current
            current = CodeRow(
                row=number,
                code=code,
                long=" ".join(text[11:91].split()),
                short=text[91:119].strip(),
                added=_day(text[268:276], source, number),
                changed=_day(text[276:284], source, number),
                ended=_day(text[284:292], source, number),
            )
        elif current is None or code != current.code:
            raise ImportRefusedError(
                source.name, f"continues {code or 'nothing'}, which did not begin", row=number
            )
        else:
            current = replace(current, long=" ".join(f"{current.long} {text[11:91]}".split()))
    if current is not None:
        yield current


def _day(text: str, source: Source, row: int) -> date | None:
    return day_of(text.strip(), source, row) if text.strip() else None


_COLUMNS = (
    ("hcpc", "hcpcs", "hcpcs code", "hcpc code", "code"),
    ("long description", "long descriptor", "longdescription", "description"),
    ("?", "short description", "short descriptor", "shortdescription"),
    ("?", "add dt", "add date", "added date", "hcpcs code added date"),
    ("?", "act eff dt", "action effective date", "hcpcs action effective date"),
    ("?", "term dt", "termination date", "term date", "hcpcs termination date"),
    ("?", "recid", "rec id", "record id"),
)


def _table(source: Source) -> Iterator[CodeRow]:
    rows = rows_of(source)
    places, _ = find_header(source, rows, _COLUMNS)
    current: CodeRow | None = None
    for number, cells in rows:
        code, long, short, added, changed, ended, kind = (
            cells[place] if 0 <= place < len(cells) else "" for place in places
        )
        if _KINDS.get(kind, False) and current is not None and code.upper() in ("", current.code):
            current = replace(current, long=f"{current.long} {long}".strip())
            continue
        if current is not None:
            yield current
        current = CodeRow(
            row=number,
            code=code.upper(),
            long=long,
            short=short,
            added=_day(added, source, number),
            changed=_day(changed, source, number),
            ended=_day(ended, source, number),
        )
    if current is not None:
        yield current


def read_cpt(source: Source) -> CodeFile:
    """The codes of a licensee's CPT file: number and descriptor in each row, by tab, bar, comma or blanks.

    Lines before the first code (notices, headings) are passed over.

    Raises
    ------
    ImportRefusedError
        If the file is something else, or a row is wrong: names the row, never the descriptor.
    """
    codes: list[CodeRow] = []
    count = 0
    for number, cells in _cpt_rows(source):
        if not codes and not _CPT.fullmatch(cells[0].upper()):
            continue
        count += 1
        code, texts = cells[0].upper(), [cell for cell in cells[1:] if cell]
        if not _CPT.fullmatch(code):
            raise ImportRefusedError(
                source.name, "does not begin with a CPT number (99213, 0042T)", row=number
            )
        if not texts:
            raise ImportRefusedError(source.name, f"{code} has no descriptor", row=number)
        codes.append(CodeRow(row=number, code=code, long=max(texts, key=len)))
    if not codes:
        raise ImportRefusedError(source.name, "no row begins with a CPT number and has a descriptor")
    _refuse_twice(source, codes)
    return CodeFile(tuple(codes), (), count)


def _cpt_rows(source: Source) -> Iterator[tuple[int, Sequence[str]]]:
    if source.suffix in {".xlsx", ".xlsm"}:
        yield from rows_of(source)
        return
    for number, line in enumerate(read_text(source).split("\n"), 1):
        text = line.strip(" \r\x1a")
        if not text:
            continue
        marks = [mark for mark in ("\t", "|") if mark in text]
        cells = text.split(marks[0]) if marks else text.split(None, 1)
        if not marks and "," in cells[0]:
            cells = text.split(",", 1)
        yield number, [" ".join(cell.strip().strip('"').split()) for cell in cells]


def looks_like_hcpcs(names: Sequence[str]) -> bool:
    """Whether a table's headings are those of an HCPCS file."""
    have = {heading(name) for name in names}
    return bool(have & {"hcpc", "hcpcs", "hcpcs code"}) and any(n.startswith("long desc") for n in have)
