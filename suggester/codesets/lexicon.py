"""Our own lexicons: tab-separated files under ``codesets/lexicon``, read strictly.

First line the column names, ``#`` starts a comment line, no quoting. Every problem is a ``LexiconError`` that
names file and line.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from suggester.errors import LexiconError
from suggester.resources import data_path

_ICD10CM = re.compile(r"[A-Z][0-9A-Z]{2}(?:\.[0-9A-Z]{1,4})?")
_CPT = re.compile(r"\d{4}[0-9AFMTU]")
_HCPCS = re.compile(r"[A-CE-V]\d{4}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufeff]")

_CASES = {"": False, "any": False, "exact": True}

INDEXED = ("icd10cm", "cpt", "hcpcs", "drugs", "synonyms")
"""The lexicon folders that ``read_lexicon`` reads."""


@dataclass(frozen=True, slots=True)
class PhraseRow:
    """A phrase that names a code (billable, or a category to go down from).

    ``where`` is the file and line it stands on.
    """

    phrase: str
    code: str
    label: str = ""
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class DrugRow:
    """A drug: names, class, the Z79 code its long-term use carries, usual indications."""

    names: tuple[str, ...]
    drug_class: str
    long_term_code: str
    treats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DrugUnitRow:
    """An administered drug's HCPCS code and what one billing unit holds."""

    drug: str
    code: str
    amount: float
    unit: str
    route: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SenseRow:
    """One sense of an abbreviation and the conditions under which it holds."""

    abbreviation: str
    expansion: str
    exact: bool
    sections: tuple[str, ...]
    near: tuple[str, ...]
    not_near: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All lexicons, read whole.

    ``not_alone``: phrases that name no diagnosis where nothing else is said (*hand*, *met*, *lower leg*).
    """

    icd10cm: tuple[PhraseRow, ...]
    cpt: tuple[PhraseRow, ...]
    hcpcs: tuple[PhraseRow, ...]
    drugs: tuple[DrugRow, ...]
    drug_units: tuple[DrugUnitRow, ...]
    synonyms: tuple[tuple[str, str], ...]
    senses: tuple[SenseRow, ...]
    misspellings: tuple[tuple[str, str], ...]
    word_forms: tuple[tuple[str, str], ...]
    stop_words: frozenset[str]
    not_alone: frozenset[str]
    short_words: tuple[tuple[str, str], ...]


def lexicon_dir() -> Path:
    """The folder of the shipped lexicons."""
    return data_path("codesets", "lexicon")


def lexicon_hash(*parts: str, folder: Path | None = None) -> str:
    """Hash of names and bytes of lexicon files, 16 hexadecimal digits.

    Parameters
    ----------
    *parts
        Folders or files of the lexicon folder (``"cpt"``, ``"hcpcs/short_words.tsv"``); none means all of it.
    folder
        The lexicon folder; the shipped one if not given.
    """
    digest = hashlib.sha256()
    root = folder or lexicon_dir()
    chosen = [root / part for part in parts] or [root]
    files = {path for start in chosen for path in ([start] if start.is_file() else start.rglob("*.tsv"))}
    for path in sorted(files):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def read_rows(
    path: Path, columns: Sequence[str], *, required: int = 1
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line number and cells of each data row; missing trailing cells are empty.

    Parameters
    ----------
    path
        The file.
    columns
        Names that the header must begin with; more columns may follow.
    required
        The first so many cells of every row must not be empty.

    Raises
    ------
    LexiconError
        If the header or a row is wrong, the file is missing, or it is not UTF-8 without mark.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise LexiconError(f"lexicon file {path.name} is missing") from None
    except UnicodeDecodeError as error:
        at = error.object.count(b"\n", 0, error.start) + 1
        raise LexiconError(f"{path.name}:{at}: not UTF-8") from None
    header: tuple[str, ...] | None = None
    for number, line_ in enumerate(text.split("\n"), 1):
        line = line_.removesuffix("\r")
        if control := _CONTROL.search(line):
            raise LexiconError(f"{path.name}:{number}: control character {control.group()!r}")
        if not line.strip() or line.startswith("#"):
            continue
        cells = tuple(cell.strip() for cell in line.split("\t"))
        if header is None:
            header = cells
            if header[: len(columns)] != tuple(columns):
                raise LexiconError(f"{path.name}:{number}: columns {list(header)}, expected {list(columns)}")
            continue
        if len(cells) > len(header):
            raise LexiconError(f"{path.name}:{number}: {len(cells)} cells, expected at most {len(header)}")
        cells += ("",) * (len(header) - len(cells))
        for name, cell in zip(columns[:required], cells, strict=False):
            if not cell:
                raise LexiconError(f"{path.name}:{number}: the cell under {name!r} is empty")
        yield number, cells
    if header is None:
        raise LexiconError(f"{path.name}:1: no header; expected the columns {list(columns)}")


def _many(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split("|") if part.strip())


def _code(cell: str, shape: re.Pattern[str], system: str, where: str) -> str:
    if not shape.fullmatch(cell):
        raise LexiconError(f"{where}: {cell!r} does not look like a code of {system}")
    return cell


def _phrases(paths: Sequence[Path], shape: re.Pattern[str], system: str) -> Iterator[PhraseRow]:
    columns = ("phrase", "code", "label") if system == "CPT" else ("phrase", "code")
    for path in paths:
        for number, cells in read_rows(path, columns, required=len(columns)):
            where = f"{path.name}:{number}"
            label = cells[2] if system == "CPT" else ""
            yield PhraseRow(cells[0], _code(cells[1], shape, system, where), label, where)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise LexiconError(f"lexicon folder {folder.name} is missing")
    return sorted(folder.glob("*.tsv"))


def _drugs(path: Path) -> Iterator[DrugRow]:
    for number, cells in read_rows(path, ("drug", "brands", "class", "long_term_code", "treats")):
        name, brands, drug_class, long_term, treats = cells[:5]
        if long_term:
            _code(long_term, _ICD10CM, "ICD-10-CM", f"{path.name}:{number}")
        yield DrugRow(tuple(dict.fromkeys((name, *_many(brands)))), drug_class, long_term, _many(treats))


def _units(path: Path) -> Iterator[DrugUnitRow]:
    for number, cells in read_rows(path, ("drug", "code", "amount", "unit", "route"), required=4):
        where = f"{path.name}:{number}"
        try:
            amount = float(cells[2])
        except ValueError:
            amount = math.nan
        if not (math.isfinite(amount) and amount > 0):
            raise LexiconError(f"{where}: amount {cells[2]!r} is not a number above 0")
        code = _code(cells[1], _HCPCS, "HCPCS Level II", where)
        yield DrugUnitRow(cells[0], code, amount, cells[3], _many(cells[4]))


def _senses(path: Path) -> Iterator[SenseRow]:
    columns = ("abbreviation", "expansion", "case", "sections", "near", "not_near")
    for number, cells in read_rows(path, columns, required=2):
        if cells[2] not in _CASES:
            raise LexiconError(f"{path.name}:{number}: case {cells[2]!r}, allowed: any, exact")
        sections, near, not_near = (_many(cell) for cell in cells[3:6])
        yield SenseRow(cells[0], cells[1], _CASES[cells[2]], sections, near, not_near)


def _pairs(
    path: Path, columns: Sequence[str], check: Callable[[str, str], object] | None = None
) -> tuple[tuple[str, str], ...]:
    """The first two cells of each row, each pair once; ``check`` gets the second cell and its place."""
    out: dict[tuple[str, str], None] = {}
    for number, cells in read_rows(path, columns, required=2):
        if check:
            check(cells[1], f"{path.name}:{number}")
        out[cells[0], cells[1]] = None
    return tuple(out)


def read_lexicon(folder: Path | None = None) -> Lexicon:
    """Read every lexicon file.

    Raises
    ------
    LexiconError
        If a file is missing or a row is wrong; names file and line.
    """
    root = folder or lexicon_dir()
    hcpcs, synonyms = root / "hcpcs", root / "synonyms"
    return Lexicon(
        icd10cm=tuple(_phrases(_files(root / "icd10cm"), _ICD10CM, "ICD-10-CM")),
        cpt=tuple(_phrases(_files(root / "cpt"), _CPT, "CPT")),
        hcpcs=tuple(_phrases([hcpcs / "supplies.tsv"], _HCPCS, "HCPCS Level II")),
        drugs=tuple(_drugs(root / "drugs" / "drugs.tsv")),
        drug_units=tuple(_units(hcpcs / "drug_units.tsv")),
        synonyms=_pairs(synonyms / "synonyms.tsv", ("phrase", "expansion")),
        senses=tuple(_senses(synonyms / "abbreviations.tsv")),
        misspellings=_pairs(synonyms / "misspellings.tsv", ("wrong", "right")),
        word_forms=_pairs(synonyms / "word_forms.tsv", ("form", "base")),
        stop_words=frozenset(cells[0] for _, cells in read_rows(synonyms / "stopwords.tsv", ("word",))),
        not_alone=frozenset(cells[0] for _, cells in read_rows(synonyms / "not_alone.tsv", ("phrase",))),
        short_words=_pairs(hcpcs / "short_words.tsv", ("short", "words")),
    )


def read_history(folder: Path | None = None) -> tuple[dict[str, str], dict[str, str]]:
    """Code prefixes of conditions to the code of their personal and of their family history.

    Raises
    ------
    LexiconError
        If a file is missing or a row is wrong; names file and line.
    """
    root = (folder or lexicon_dir()) / "history"

    def is_code(cell: str, where: str) -> None:
        _code(cell, _ICD10CM, "ICD-10-CM", where)

    personal = dict(_pairs(root / "personal.tsv", ("prefix", "code"), is_code))
    family = dict(_pairs(root / "family.tsv", ("prefix", "code"), is_code))
    return personal, family


@cache
def read_names(kind: Literal["first_names", "last_names", "not_names"]) -> frozenset[str]:
    """Given or family names of people that are common, or what looks like one and is none; in lower case.

    Raises
    ------
    LexiconError
        If the file is missing or a row is wrong; names file and line.
    """
    path = lexicon_dir() / "deidentify" / f"{kind}.tsv"
    return frozenset(cells[0] for _, cells in read_rows(path, ("name",)))


def read_gives_way(folder: Path | None = None) -> dict[str, tuple[str, ...]]:
    """Prefixes of codes that leave something open, to the prefixes of the codes that tell it.

    Raises
    ------
    LexiconError
        If the file is missing or a row is wrong; names file and line.
    """
    path = (folder or lexicon_dir()) / "history" / "gives_way.tsv"
    return {vague: _many(told) for _, (vague, told) in read_rows(path, ("vague", "told"), required=2)}


def read_company(folder: Path | None = None) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Prefixes of codes that are not coded alone, with the beginnings of the categories that they go with.

    Raises
    ------
    LexiconError
        If the file is missing or a row is wrong; names file and line.
    """
    path = (folder or lexicon_dir()) / "history" / "company.tsv"
    return tuple(
        (_many(codes), _many(company))
        for _, (codes, company) in read_rows(path, ("code", "company"), required=2)
    )


def read_one_of(folder: Path | None = None) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """Groups of alternatives of which a patient has one at a time; each is prefixes of codes.

    Raises
    ------
    LexiconError
        If the file is missing or a row is wrong; names file and line.
    """
    path = (folder or lexicon_dir()) / "history" / "one_of.tsv"
    return tuple(
        tuple(_many(alternative) for alternative in cells[0].split(" / "))
        for _, cells in read_rows(path, ("alternatives",), required=1)
    )


@dataclass(frozen=True, slots=True)
class CombinationRow:
    """Conditions that one code joins; each need is a set of alternative code prefixes."""

    needs: tuple[tuple[str, ...], ...]
    code: str
    replaces: tuple[str, ...]


def read_combinations(folder: Path | None = None) -> tuple[CombinationRow, ...]:
    """Conditions that ICD-10-CM joins into one code, most demanding first as in the file."""
    path = (folder or lexicon_dir()) / "history" / "combinations.tsv"
    return tuple(
        CombinationRow(tuple(_many(need) for need in cells[0].split(";")), cells[1], _many(cells[2]))
        for _, cells in read_rows(path, ("needs", "code", "replaces"))
    )
