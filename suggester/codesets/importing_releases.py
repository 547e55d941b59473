"""Imports of code releases: HCPCS Level II, the licensee's CPT file, ICD-10-CM with its index.

Everything is read and checked before anything is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from suggester.codesets.alphabetic import IndexCompiler, IndexPhrases, Part, read_part
from suggester.codesets.build import STORE_CODE, code_hash, key_of
from suggester.codesets.compiling import FlatRow, compile_flat, compile_icd10cm
from suggester.codesets.icd10cm import Node, fiscal_year, read_tabular
from suggester.codesets.importing_plan import Plan, Wanted, only_one, release_of_wish
from suggester.codesets.phrases import (
    INDEX,
    PHRASES_FILE,
    TABLE,
    TABLES_FILE,
    Phrase,
    write_phrases,
)
from suggester.codesets.releases import Release
from suggester.codesets.store import ReleaseStore
from suggester.codesets.tabular_files import CodeFile, CodeRow, month_in_name, read_cpt, read_hcpcs
from suggester.codesets.untrusted import Source, parse_xml, read_text
from suggester.errors import ImportRefusedError

FEWEST_BILLABLE = 10_000
"""A tabular list with fewer billable codes is not whole."""
FEWEST_HCPCS = 1_000
FEWEST_CPT = 1_000
_STALE = timedelta(days=366)
"""A file whose newest action is older than that before its release is of another year."""

_ORDER_LINE = re.compile(r"(\d{5}) ([A-Z][0-9A-Z]{2,6}) +([01]) (.*)")


# --- HCPCS Level II and CPT --------------------------------------------------------------------------


def plan_hcpcs(sources: Sequence[Source], wanted: Wanted, embedded: Sequence[ReleaseStore]) -> Plan:
    """What an HCPCS Level II file brings.

    Files list codes that ended long ago. Where a file has no days to tell them by, codes that the embedded
    tables of its first day do not have are left out. Dental numbers, which CMS files lack, are kept from
    those tables.

    Parameters
    ----------
    sources
        The files given.
    wanted
        What the user said.
    embedded
        The embedded releases of HCPCS.

    Raises
    ------
    ImportRefusedError
        If the file, a row or the year is wrong.
    """
    source = only_one(sources, (".txt", ".csv", ".xlsx"), "an HCPCS file (.txt, .csv, .xlsx)", prefer="anweb")
    first = wanted.first or month_in_name(source.name)
    if first is None:
        raise ImportRefusedError(
            source.name, "its name states no month; say when it begins: --from 2026-10-01"
        )
    last = wanted.last or date(first.year, 12, 31)
    release = release_of_wish(wanted, "HCPCS", "hcpcs-imported", first, last, f"CMS file {source.name}")
    file = read_hcpcs(source)
    _right_year(source, file, release)
    tables = next((s for s in reversed(embedded) if s.release.covers(first)), None)
    codes = [item for item in file.codes if item.code[0] != "D" and _is_valid(item, release)]
    remarks = []
    if tables is not None and not any(item.added or item.changed or item.ended for item in file.codes):
        active = set(tables.code_list)
        gone = [item.code for item in codes if item.code not in active]
        codes = [item for item in codes if item.code in active]
        if gone:
            remarks.append(
                f"the file gives no days: {len(gone):,} codes that the CMS tables of {tables.release.id} "
                f"do not have are left out ({gone[0]} first)"
            )
    rows = [_flat(item, release) for item in codes]
    if tables is not None:
        rows += [_dental(code, release) for code in tables.code_list if code[0] == "D"]
        rows.sort(key=lambda row: row.code)
    if len(rows) < wanted.fewest(FEWEST_HCPCS):
        raise ImportRefusedError(source.name, f"{len(rows)} codes; a whole release has some 8,000")
    ended = sum(not _is_valid(item, release) for item in file.codes)
    dental = sum(item.code[0] == "D" for item in file.codes)
    remarks += [f"{ended:,} codes ended before {release.valid_from}"] if ended else []
    remarks += [f"{dental} dental codes left out: their descriptors are the ADA's"] if dental else []
    key = key_of(repr(release), wanted.sha256, code_hash(STORE_CODE))
    modifiers = [(item.code, item.long) for item in file.modifiers]

    def write(folder: Path) -> None:
        compile_flat(release, rows, folder / release.file_name, key=key, modifiers=modifiers)

    return Plan.of_release("hcpcs", release, write, rows=file.rows, remarks=remarks)


def _flat(item: CodeRow, release: Release) -> FlatRow:
    begins = max(release.valid_from, item.added) if item.added else release.valid_from
    return FlatRow(code=item.code, title=item.long, short=item.short, valid_from=begins, valid_to=item.ended)


def _dental(code: str, release: Release) -> FlatRow:
    return FlatRow(code=code, title="", short="", valid_from=release.valid_from)


def _is_valid(item: CodeRow, release: Release) -> bool:
    """Whether a code is valid on any day of the release."""
    begins_later = item.added is not None and release.valid_to is not None and item.added > release.valid_to
    return not begins_later and (item.ended is None or item.ended >= release.valid_from)


def _right_year(source: Source, file: CodeFile, release: Release) -> None:
    """Refuse a file whose name or rows say that it is of another year than asked for."""
    named = month_in_name(source.name)
    if named is not None and named.year != release.valid_from.year:
        raise ImportRefusedError(
            source.name, f"wrong year: its name says {named.year}, --from says {release.valid_from}"
        )
    dated = [item for item in file.codes if item.changed is not None or item.added is not None]
    if not dated:
        return
    newest = max(dated, key=lambda item: max(item.changed or date.min, item.added or date.min))
    day = max(newest.changed or date.min, newest.added or date.min)
    if day < release.valid_from - _STALE:
        why = f"wrong year: its newest action is of {day}, --from says {release.valid_from}"
        raise ImportRefusedError(source.name, why, row=newest.row)
    if release.valid_to is not None and day > release.valid_to:
        why = f"wrong year: an action of {day} is after the last day {release.valid_to}"
        raise ImportRefusedError(source.name, why, row=newest.row)


def plan_cpt(sources: Sequence[Source], wanted: Wanted, labels: Mapping[str, str]) -> Plan:
    """What the licensee's CPT file brings; the caller has seen to the licence.

    ``labels`` are our own words by number, shown where the licence does not hold any more.

    Raises
    ------
    ImportRefusedError
        If the file or a row is wrong.
    """
    source = only_one(
        sources, (".txt", ".csv", ".xlsx", ".tsv"), "a CPT file (.txt, .csv, .xlsx)", prefer="longult"
    )
    if wanted.first is None:
        raise ImportRefusedError(source.name, "say when the CPT release begins: --from 2027-01-01")
    last = wanted.last or date(wanted.first.year, 12, 31)
    release = release_of_wish(
        wanted, "CPT", "cpt-imported", wanted.first, last, f"licensee's file {source.name}"
    )
    file = read_cpt(source)
    _right_year(source, file, release)
    if len(file.codes) < wanted.fewest(FEWEST_CPT):
        raise ImportRefusedError(
            source.name, f"{len(file.codes)} numbers; a whole CPT release has some 11,000"
        )
    rows = [
        FlatRow(
            code=item.code,
            title=labels.get(item.code, ""),
            short="",
            valid_from=release.valid_from,
            descriptor=item.long,
        )
        for item in file.codes
    ]
    key = key_of(repr(release), wanted.sha256, code_hash(STORE_CODE))

    def write(folder: Path) -> None:
        compile_flat(release, rows, folder / release.file_name, key=key)

    return Plan.of_release("cpt", release, write, rows=file.rows)


# --- ICD-10-CM ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Parts:
    """The files of an ICD-10-CM release by what they are."""

    tabular: Source
    order: Source | None
    index: list[tuple[Part, Source]]


def plan_icd10cm(sources: Sequence[Source], wanted: Wanted) -> Plan:
    """What a CMS/CDC release of ICD-10-CM brings: tabular list, order file, alphabetic index and its tables.

    Raises
    ------
    ImportRefusedError
        If a file is wrong, two are of one kind, the year is another, or tabular list and order file differ.
    """
    parts = _sorted_out(sources)
    tabular = parts.tabular
    nodes = read_tabular(tabular.path, tabular.name)
    year = fiscal_year(tabular.path)
    first, last = _fiscal_window(tabular, year, wanted)
    release = release_of_wish(
        wanted,
        "ICD-10-CM",
        "icd10cm-imported",
        first,
        last,
        f"tabular list imported from {tabular.path.name}",
    )
    billable = {node.code for node in nodes if node.billable}
    if len(billable) < wanted.fewest(FEWEST_BILLABLE):
        raise ImportRefusedError(
            tabular.name, f"{len(billable)} billable codes; a whole list has more than 70,000"
        )
    remarks = []
    if parts.order is not None:
        _check_order(parts.order, nodes)
        other = len(billable ^ _assignable(tabular))
        remarks.append(
            f"{len(billable):,} billable codes agree with the order file; cms-icd differs in {other}"
        )
    phrases = _index_phrases(parts.index)
    if phrases is not None:
        known = {node.code for node in nodes}
        every = [*phrases.pairs, *phrases.table_pairs]
        unknown = sum(code not in known for _, code in every)
        remarks.append(f"alphabetic index: {phrases.terms:,} terms, {len(every) - unknown:,} phrases")
        if unknown > len(every) // 10:
            name = parts.index[0][1].name
            raise ImportRefusedError(
                name, f"wrong year: {unknown} phrases name codes that the tabular list lacks"
            )
        if phrases.unresolved:
            remarks.append(f"{phrases.unresolved:,} cross references name no single term")
        of_terms, of_tables = (
            [Phrase(text, "ICD-10-CM", code) for text, code in pairs if code in known]
            for pairs in (phrases.pairs, phrases.table_pairs)
        )
    key = key_of(repr(release), wanted.sha256, code_hash(STORE_CODE))

    def write(folder: Path) -> None:
        compile_icd10cm(release, nodes, folder / release.file_name, key=key)
        if phrases is not None:
            for name, kind, found in (
                (PHRASES_FILE, INDEX, of_terms),
                (TABLES_FILE, TABLE, of_tables),
            ):
                write_phrases(
                    folder / name, kind, found, key=key_of(key, kind), valid_from=release.valid_from
                )

    return Plan.of_release("icd10cm", release, write, rows=len(nodes), remarks=remarks)


def is_tabular(source: Source) -> bool:
    """Whether the file begins as a tabular list does."""
    return source.suffix == ".xml" and _root_of(source) == b"ICD10CM.tabular"


def _root_of(source: Source) -> bytes:
    with source.path.open("rb") as handle:
        match = re.search(rb"<([A-Za-z][\w.]*)", handle.read(4_000))
    return match[1] if match else b""


def _sorted_out(sources: Sequence[Source]) -> _Parts:
    tabular = [source for source in sources if is_tabular(source)]
    xml = [source for source in sources if source.suffix == ".xml"]
    if not tabular and len(xml) == 1 == len(sources):
        tabular = xml  # reading it says what is wrong
    if len(tabular) != 1:
        why = "no tabular list (XML)" if not tabular else "two tabular lists"
        raise ImportRefusedError(sources[-1].name if sources else "import", f"{why} among the files given")
    found: dict[Part, Source] = {}
    for source in xml:
        if _root_of(source) == b"ICD10CM.index":
            part = _part_of(source)
            if part in found:
                raise ImportRefusedError(source.name, f"a second {part} file beside {found[part].name}")
            found[part] = source
    orders = [source for source in sources if source.suffix == ".txt" and _is_order(source)]
    if len(orders) > 1:
        raise ImportRefusedError(orders[1].name, f"a second order file beside {orders[0].name}")
    return _Parts(tabular[0], orders[0] if orders else None, sorted(found.items()))


def _part_of(source: Source) -> Part:
    with source.path.open("rb") as handle:
        head = handle.read(3_000).lower()
    if b"external cause" in head:
        return "external"
    if b"<head" in head:
        return "drug" if b"substance" in head else "neoplasm"
    return "index"


def _is_order(source: Source) -> bool:
    with source.path.open(encoding="cp1252", errors="replace") as handle:
        return _ORDER_LINE.match(handle.readline(500)) is not None


def _fiscal_window(tabular: Source, year: int | None, wanted: Wanted) -> tuple[date, date | None]:
    """First and last day of the release, within the fiscal year that the list states."""
    if year is None:
        if wanted.first is None:
            raise ImportRefusedError(
                tabular.name, "it states no version; say when it begins: --from 2026-10-01"
            )
        return wanted.first, wanted.last
    begin, end = date(year - 1, 10, 1), date(year, 9, 30)
    first, last = wanted.first or begin, wanted.last or end
    if not (begin <= first <= end and last <= end):
        raise ImportRefusedError(
            tabular.name,
            f"wrong year: its version is {year}, in force from {begin} to {end}, asked for {first}",
        )
    return first, last


def _check_order(order: Source, nodes: Iterable[Node]) -> None:
    """Hold the list's billable codes to those of the order file."""
    ours = {node.code.replace(".", ""): node.billable for node in nodes if " " not in node.code}
    theirs: dict[str, int] = {}
    for number, line in enumerate(read_text(order).splitlines(), 1):
        if not line.strip():
            continue
        match = _ORDER_LINE.match(line)
        if match is None:
            raise ImportRefusedError(order.name, "no line of an order file", row=number)
        code, flag = match[2], match[3] == "1"
        if code in theirs:
            raise ImportRefusedError(
                order.name, f"{code} stands there twice (first in row {theirs[code]})", row=number
            )
        theirs[code] = number
        if code not in ours:
            raise ImportRefusedError(order.name, f"{code} is not in the tabular list", row=number)
        if ours[code] != flag:
            says = "billable" if flag else "not billable"
            raise ImportRefusedError(
                order.name, f"{code} is {says} here, the tabular list says otherwise", row=number
            )
    missing = sorted(code for code, billable in ours.items() if billable and code not in theirs)
    if missing:
        raise ImportRefusedError(
            order.name, f"lacks {len(missing)} billable codes of the list, {missing[0]} first"
        )


def _assignable(tabular: Source) -> set[str]:
    """Assignable codes as ``cms-icd`` reads them; the file was parsed safely before."""
    from cms_icd.exceptions import ICDKnowledgeBaseError
    from cms_icd.parsers import parse_cm_tabular

    try:
        store = parse_cm_tabular(tabular.path)
    except (ICDKnowledgeBaseError, RecursionError) as error:
        raise ImportRefusedError(tabular.name, f"cms-icd cannot read it ({type(error).__name__})") from None
    return {node.name for node in store.values() if node.assignable}


def _index_phrases(parts: Sequence[tuple[Part, Source]]) -> IndexPhrases | None:
    if not parts:
        return None
    compiler = IndexCompiler()
    for part, source in parts:
        parse_xml(source.path, source.name)
        compiler.add(part, read_part(source.path, source.name))
    return compiler.compile()
