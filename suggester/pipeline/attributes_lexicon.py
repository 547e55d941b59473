"""The vocabulary of attributes, read from ``codesets/lexicon/reader/attributes*.tsv`` into look-up tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.errors import LexiconError

NAMES: Final = (
    "laterality",
    "acuity",
    "severity",
    "phase",
    "type",
    "stage",
    "control",
    "open",
    "displaced",
    "healing",
    "trimester",
    "weeks",
    "degree",
    "bsa",
    "ef",
    "bmi",
    "a1c",
    "bp",
    "egfr",
    "packyears",
    "pain",
    "with",
)
"""Every attribute there is, in the order in which they are given."""

FUNCTIONS: Final = {
    "det": " ",
    "prep": "P",
    "link": "L",
    "coord": "C",
    "verb": "V",
    "neg": "N",
    "clause": "X",
    "neutral": "0",
    "body": "B",
}
"""Groups that say what a word does in a sentence, and the letter of each; every other word is ``W``."""

_NEEDS: Final = ("", "body", "beside", "paired", "eye", "ear")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words of one attribute: those after the first, and whether what it belongs to must follow."""

    rest: tuple[str, ...]
    name: str
    value: str
    exact: bool
    need: str
    forward: bool


@dataclass(frozen=True, slots=True)
class Cue:
    """Words in front of a measured value and the range that is believed."""

    rest: tuple[str, ...]
    name: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Host:
    """Words one of which a mention must hold to carry an attribute; whether it reaches over the sentence."""

    words: frozenset[str]
    sentence: bool


@dataclass(frozen=True, slots=True)
class AttributeLexicon:
    """All attribute vocabulary.

    Attributes
    ----------
    phrases, cues, complications
        By first word, longest first. A complication's ``need`` is the key of its hosts in ``with_hosts``.
    hosts
        Attribute name to what may carry it; names that are not there go with anything.
    with_hosts
        For complications: group key to host words.
    function
        Word to the letter of what it does (see ``FUNCTIONS``).
    groups
        Group to its words.
    """

    phrases: dict[str, tuple[Phrase, ...]]
    cues: dict[str, tuple[Cue, ...]]
    complications: dict[str, tuple[Phrase, ...]]
    hosts: dict[str, Host]
    with_hosts: dict[str, frozenset[str]]
    function: dict[str, str]
    groups: dict[str, frozenset[str]]


def _members(groups: dict[str, frozenset[str]], cell: str, where: str) -> frozenset[str]:
    names = cell.split("|")
    unknown = [name for name in names if name not in groups]
    if unknown:
        raise LexiconError(f"{where}: unknown groups {unknown}; known are {sorted(groups)}")
    return frozenset().union(*(groups[name] for name in names))


def _by_first[T: (Phrase, Cue)](rows: list[tuple[str, T]]) -> dict[str, tuple[T, ...]]:
    out: dict[str, list[T]] = {}
    for first, row in rows:
        out.setdefault(first, []).append(row)
    return {first: tuple(sorted(found, key=lambda row: -len(row.rest))) for first, found in out.items()}


@lru_cache(maxsize=4)
def read_attribute_lexicon(folder: Path | None = None) -> AttributeLexicon:
    """Read the attribute lexicon.

    Raises
    ------
    LexiconError
        If a row holds an unknown attribute, group, need or a range that is none; names file and line.
    """
    root = folder or lexicon_dir() / "reader"
    groups: dict[str, set[str]] = {}
    function: dict[str, str] = {}
    for _, (word, cell, *_) in read_rows(root / "attributes_words.tsv", ("word", "groups")):
        for group in cell.split("|"):
            groups.setdefault(group, set()).add(word)
            if group in FUNCTIONS:
                function.setdefault(word, FUNCTIONS[group])
    known = {group: frozenset(words) for group, words in groups.items()}

    hosts: dict[str, Host] = {}
    path = root / "attributes_hosts.tsv"
    for line, (name, cell, reach, *_) in read_rows(path, ("name", "groups", "reach")):
        where = f"{path.name}:{line}"
        _check(name, NAMES, "attribute", where)
        _check(reach, ("phrase", "sentence"), "reach", where)
        hosts[name] = Host(_members(known, cell, where), reach == "sentence")

    phrases: list[tuple[str, Phrase]] = []
    path = root / "attributes.tsv"
    for line, (text, name, value, case, need, *_) in read_rows(
        path, ("phrase", "name", "value", "case", "need")
    ):
        where = f"{path.name}:{line}"
        _check(name, NAMES, "attribute", where)
        _check(need, _NEEDS, "need", where)
        _check(case, ("", "exact"), "case", where)
        first, *rest = text.split()
        forward = (
            bool(rest) and name == "phase" and value == "sequela" and rest[-1] not in ("effect", "effects")
        )
        phrases.append((first, Phrase(tuple(rest), name, value, case == "exact", need, forward)))

    complications: list[tuple[str, Phrase]] = []
    with_hosts: dict[str, frozenset[str]] = {}
    path = root / "attributes_with.tsv"
    for line, (text, value, cell, *_) in read_rows(path, ("phrase", "value", "of")):
        with_hosts[cell] = _members(known, cell, f"{path.name}:{line}")
        first, *rest = text.split()
        complications.append((first, Phrase(tuple(rest), "with", value, False, cell, False)))

    cues: list[tuple[str, Cue]] = []
    path = root / "attributes_values.tsv"
    for line, (text, name, low, high, *_) in read_rows(path, ("phrase", "name", "low", "high")):
        where = f"{path.name}:{line}"
        _check(name, NAMES, "attribute", where)
        first, *rest = text.split()
        try:
            cues.append((first, Cue(tuple(rest), name, float(low), float(high))))
        except ValueError:
            raise LexiconError(f"{where}: low and high must be numbers") from None
    return AttributeLexicon(
        phrases=_by_first(phrases),
        cues=_by_first(cues),
        complications=_by_first(complications),
        hosts=hosts,
        with_hosts=with_hosts,
        function=function,
        groups=known,
    )


def _check(given: str, allowed: tuple[str, ...], what: str, where: str) -> None:
    if given not in allowed:
        raise LexiconError(f"{where}: unknown {what} {given!r}; known are {list(allowed)}")
