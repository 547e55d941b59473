"""Imports of words: synonym tables, Disease Ontology (OBO), SSSOM mappings, the local chargemaster.

A wrong phrase, system or price refuses the whole import. A code that no installed release has leaves its row
out, with the reason in the report: ontologies keep ranges and codes that were deleted since, chargemasters
local ones. Where that is most rows the import is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from suggester.codesets.importing_plan import Plan, Wanted, only_one
from suggester.codesets.journal import Changes, compare
from suggester.codesets.phrases import PHRASES_FILE, Phrase, PhraseKind, write_phrases
from suggester.codesets.store import ReleaseStore
from suggester.codesets.untrusted import Source, find_header, read_text, rows_of
from suggester.codesets.words import words
from suggester.errors import ImportRefusedError, UnknownCodeError
from suggester.types import SYSTEMS, System

_SHAPES: dict[System, re.Pattern[str]] = {
    "ICD-10-CM": re.compile(r"[A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?"),
    "CPT": re.compile(r"\d{4}[0-9AFMTU]"),
    "HCPCS": re.compile(r"[A-V]\d{4}"),
}
_SYSTEM_NAMES: dict[str, System] = {
    "icd10cm": "ICD-10-CM",
    "icd10": "ICD-10-CM",
    "icd": "ICD-10-CM",
    "cpt": "CPT",
    "cpt4": "CPT",
    "hcpcs": "HCPCS",
    "hcpcslevelii": "HCPCS",
}
_SYNONYM_COLUMNS = (
    ("phrase", "term", "synonym", "subject label", "name", "label", "description"),
    ("code", "icd10cm", "icd10cm code", "icd 10 cm", "icd10", "object id"),
    ("?", "system", "code system", "vocabulary"),
    (
        "?",
        "predicate id",
    ),
)
_CHARGE_COLUMNS = (
    ("description", "charge description", "procedure description", "item description", "service description"),
    (
        "code",
        "hcpcs",
        "cpt",
        "hcpcs code",
        "cpt code",
        "cpt hcpcs",
        "cpt hcpcs code",
        "hcpcs cpt",
        "hcpcs cpt code",
    ),
    ("price", "charge", "gross charge", "unit price", "amount", "standard charge", "standard charge gross"),
)
_MOST_SHOWN = 50
_LONGEST_PHRASE = 300


@dataclass(frozen=True, slots=True)
class _Found:
    row: int
    phrase: Phrase


def plan_synonyms(
    sources: Sequence[Source], wanted: Wanted, stores: Mapping[System, Sequence[ReleaseStore]]
) -> Plan:
    """What a table of synonyms or an ontology brings.

    Raises
    ------
    ImportRefusedError
        If the file or a row is wrong.
    """
    endings = (".obo", ".csv", ".tsv", ".txt", ".xlsx")
    source = only_one(
        sources, endings, "a table of synonyms (.csv, .tsv, .xlsx) or an ontology (.obo)", prefer="syn"
    )
    rows = _obo(source) if source.suffix == ".obo" else _synonyms(source)
    return _plan(source, "synonyms", rows, wanted, stores)


def plan_chargemaster(
    sources: Sequence[Source], wanted: Wanted, stores: Mapping[System, Sequence[ReleaseStore]]
) -> Plan:
    """What the local chargemaster brings: descriptions as words, prices for claims.

    Raises
    ------
    ImportRefusedError
        If the file or a row is wrong.
    """
    source = only_one(
        sources, (".csv", ".tsv", ".txt", ".xlsx"), "a chargemaster (.csv, .tsv, .xlsx)", prefer="charge"
    )
    return _plan(source, "chargemaster", _charges(source), wanted, stores)


def _plan(
    source: Source,
    kind: PhraseKind,
    rows: Iterator[_Found],
    wanted: Wanted,
    stores: Mapping[System, Sequence[ReleaseStore]],
) -> Plan:
    known: dict[tuple[System, str], str | None] = {}
    kept: dict[tuple[str, System, str], tuple[int, Phrase]] = {}
    left_out: list[str] = []
    count = out = 0
    for found in rows:
        count += 1
        phrase = found.phrase
        name = (phrase.system, phrase.code)
        if name not in known:
            shaped = _SHAPES[phrase.system].fullmatch(phrase.code) is not None
            known[name] = _in_releases(stores[phrase.system], phrase.code) if shaped else None
        code = known[name]
        if code is None:
            out += 1
            if len(left_out) < _MOST_SHOWN:
                left_out.append(f"row {found.row}: {_why_not(phrase)}")
            continue
        key = (phrase.text.lower(), phrase.system, code)
        before = kept.get(key)
        if before is not None and before[1].price != phrase.price:
            raise ImportRefusedError(
                source.name,
                f"{code} has two prices for one description (first in row {before[0]})",
                row=found.row,
            )
        kept.setdefault(key, (found.row, Phrase(phrase.text, phrase.system, code, phrase.price)))
    if not kept:
        raise ImportRefusedError(source.name, "no row names a code of an installed release")
    if out > count // 2:
        raise ImportRefusedError(
            source.name, f"{out} of {count} rows name codes that no installed release has"
        )
    phrases = [phrase for _, phrase in kept.values()]
    label = wanted.name or re.sub(r"[^\w.-]+", "-", source.path.stem)[:60]

    def write(folder: Path) -> None:
        write_phrases(folder / PHRASES_FILE, kind, phrases, key=wanted.sha256)

    remarks = (f"{out:,} rows left out",) if out else ()
    changes = Changes(
        rows=count, kept=len(phrases), added=len(phrases), left_out=tuple(left_out), remarks=remarks
    )
    return Plan(
        kind="chargemaster" if kind == "chargemaster" else "synonyms",
        slot=f"{kind} {label}",
        write=write,
        changes=changes,
    )


def phrase_changes(
    before: Sequence[Phrase], after: Sequence[Phrase], changes: Changes, against: str
) -> Changes:
    """The report of an import of words that takes the place of another."""

    def named(phrases: Sequence[Phrase]) -> dict[str, object]:
        return {f"{p.system} {p.code}: {p.text}": str(p.price) for p in phrases}

    return compare(
        named(before),
        named(after),
        rows=changes.rows,
        against=against,
        left_out=changes.left_out,
        remarks=changes.remarks,
    )


def _in_releases(stores: Sequence[ReleaseStore], code: str) -> str | None:
    """The code as a release writes it, None where none has it."""
    for store in reversed(stores):
        try:
            return store.codes[store.row(code)]
        except UnknownCodeError:
            continue
    return None


def system_of(code: str) -> System | None:
    """The system that a code has the shape of.

    >>> system_of("99213"), system_of("J1885"), system_of("E11.9"), system_of("0450")
    ('CPT', 'HCPCS', 'ICD-10-CM', None)
    """
    for system in ("CPT", "HCPCS", "ICD-10-CM"):
        if _SHAPES[system].fullmatch(code):
            return system
    return None


def _why_not(phrase: Phrase) -> str:
    """Why a row is left out."""
    if not _SHAPES[phrase.system].fullmatch(phrase.code):
        return f"{phrase.code[:16]!r} does not look like a code of {phrase.system}"
    return f"no installed release of {phrase.system} has {phrase.code}"


def _text(source: Source, row: int, text: str) -> str:
    clean = " ".join(text.split())
    if not clean or len(clean) > _LONGEST_PHRASE or not words(clean):
        raise ImportRefusedError(source.name, f"no phrase of 1 to {_LONGEST_PHRASE} characters", row=row)
    return clean


def _synonyms(source: Source) -> Iterator[_Found]:
    rows = rows_of(source)
    places, _ = find_header(source, rows, _SYNONYM_COLUMNS)
    for row, cells in rows:
        text, cell, named, relation = (cells[p] if 0 <= p < len(cells) else "" for p in places)
        if relation and "exact" not in relation.lower():
            continue
        prefix, _, bare = cell.rpartition(":")
        system = _named_system(source, row, named or prefix or "ICD-10-CM")
        code = bare.strip().upper()
        yield _Found(row, Phrase(_text(source, row, text), system, code))


def _named_system(source: Source, row: int, name: str) -> System:
    key = re.sub(r"[^a-z0-9]", "", name.lower())
    if key not in _SYSTEM_NAMES:
        raise ImportRefusedError(source.name, f"system {name[:20]!r}, allowed: {', '.join(SYSTEMS)}", row=row)
    return _SYSTEM_NAMES[key]


def _charges(source: Source) -> Iterator[_Found]:
    rows = rows_of(source)
    places, _ = find_header(source, rows, _CHARGE_COLUMNS)
    for row, cells in rows:
        text, cell, price = (cells[p] if 0 <= p < len(cells) else "" for p in places)
        code = cell.upper()
        if not code:
            continue  # lines that are billed by revenue code alone
        system = system_of(code)
        if system is None or system == "ICD-10-CM":
            system = "HCPCS"  # a local code: the report says that it is none
        yield _Found(row, Phrase(_text(source, row, text), system, code, _price(source, row, price)))


def _price(source: Source, row: int, text: str) -> Decimal | None:
    bare = text.replace("$", "").replace(",", "").strip()
    if not bare:
        return None
    try:
        price = Decimal(bare)
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or not 0 <= price < 100_000_000:
        raise ImportRefusedError(source.name, f"price {text[:20]!r} is no amount in dollars", row=row)
    return price.quantize(Decimal("0.01"))


_SYNONYM_LINE = re.compile(r'synonym: "((?:[^"\\]|\\.)*)" EXACT\b')
_XREF_LINE = re.compile(r"xref: ICD-?10-?CM:(\S+)", re.IGNORECASE)


def _obo(source: Source) -> Iterator[_Found]:
    """Names and exact synonyms of the terms of an OBO file that name a code of ICD-10-CM."""
    names: list[tuple[int, str]] = []
    codes: list[str] = []
    inside = obsolete = seen = False
    for number, raw in enumerate([*read_text(source).splitlines(), "[End]"], 1):
        line = raw.strip()
        if line.startswith("["):
            if inside and not obsolete:
                yield from _obo_term(source, names, codes)
            names, codes, obsolete = [], [], False
            inside = line == "[Term]"
            seen = seen or inside
        elif not inside:
            continue
        elif line.startswith("name: "):
            names.append((number, line.removeprefix("name: ")))
        elif match := _SYNONYM_LINE.match(line):
            names.append((number, match[1].replace('\\"', '"')))
        elif match := _XREF_LINE.match(line):
            codes.append(match[1].upper())
        elif line == "is_obsolete: true":
            obsolete = True
    if not seen:
        raise ImportRefusedError(source.name, "no [Term] in it: not an ontology in OBO format")


def _obo_term(source: Source, names: list[tuple[int, str]], codes: list[str]) -> Iterator[_Found]:
    for code in codes:
        for at, text in names:
            yield _Found(at, Phrase(_text(source, at, text), "ICD-10-CM", code))
