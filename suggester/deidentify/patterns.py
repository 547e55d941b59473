"""The shapes of what identifies a person. Every pattern is linear: bounded repeats, no nesting of them.

The categories are those of the HIPAA safe harbor list, 45 CFR 164.514(b)(2); the words are in
``codesets/lexicon/deidentify/cues.tsv``.
"""

from __future__ import annotations

import re
from functools import cache

from suggester.codesets.lexicon import lexicon_dir, read_rows

__all__ = ["ANCHORED", "CAPITAL", "cues", "name_patterns", "patterns"]

CAPITAL = r"[A-Z](?:[a-z]{1,20}|[A-Z]{1,20})?(?:['’-][A-Z]?[A-Za-z]{1,20})?"
"""A capitalised word, a word in capitals, or an initial; with an apostrophe or hyphen inside."""

ANCHORED = re.compile(
    rf"(?<![\w’'])(?P<first>{CAPITAL})(?P<gap>,? )(?P<last>{CAPITAL}\.?)(?: (?P<more>{CAPITAL}))?(?![\w’'])"
)
"""Two or three capitalised words in a row, for the lists of names."""

_NAME = rf"{CAPITAL}\.?(?:(?: |, ?){CAPITAL}\.?){{0,3}}"
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_YEAR = r"(?:19|20)\d{2}"
_MDY = r"(?:0?[1-9]|1[0-2])[/.-](?:0?[1-9]|[12]\d|3[01])"
_ORDINAL = r"\d{1,2}(?:st|nd|rd|th)?"
_STATE = (
    r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]"
    r"|UT|V[AT]|W[AIVY])"
)
_ZIP = r"\d{5}(?:-\d{4})?"
_BEFORE_DAY = (
    "on",
    "On",
    "since",
    "Since",
    "from",
    "until",
    "through",
    "dated",
    "LMP",
    "LMP:",
    "due",
    "after",
)
_SHAPES: tuple[tuple[str, str], ...] = (
    ("email", r"\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,100}\.[A-Za-z]{2,10}\b"),
    ("url", r"\b(?i:https?://|www\.)[^\s<>()\[\]\"']{3,300}"),
    ("ip", r"\b(?:\d{1,3}\.){3}\d{1,3}\b"),
    ("ssn", r"\b(?:\d{3}|[Xx*]{3})-(?:\d{2}|[Xx*]{2})-\d{4}\b"),
    (
        "phone",
        (
            r"(?<![\w/.-])(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}\b"
            r"(?: ?(?:x|ext\.?) ?\d{1,6})?"
        ),
    ),
    ("phone", r"(?<=[Pp]ager )#?\d{3,7}\b|(?<=[Pp]hone: )\d{3}-\d{4}\b|(?<=[Ee]xt\. )\d{3,6}\b"),
    ("date", rf"\b{_YEAR}-\d{{2}}-\d{{2}}(?:[T ]\d{{2}}:\d{{2}}(?::\d{{2}})?)?"),
    ("date", rf"(?<![\d./-]){_MDY}[/.-](?:{_YEAR}|\d{{2}})(?![\d/-])"),
    ("date", rf"\b{_MONTH}\.? {_ORDINAL}(?:,? {{1,2}}{_YEAR})?\b"),
    ("date", rf"\b{_ORDINAL}(?: of)?[ -]{_MONTH}\.?(?:[ ,-]{{1,2}}(?:{_YEAR}|\d{{2}}))?\b"),
    ("date", rf"\b{_MONTH}\.?,? (?:of )?{_YEAR}\b"),
    ("date", rf"(?<![\d/])(?:0?[1-9]|1[0-2])/{_YEAR}\b"),
    ("date", rf"(?:{'|'.join(rf'(?<=\b{word} )' for word in _BEFORE_DAY)}){_MDY}\b(?![/\d])"),
    ("age", r"\b(?:9\d|1[01]\d)(?=[ -]?(?i:year|yr|y/?o\b|yo\b|y\.o\.))"),
    ("id", r"(?<![\d.,/-])\d{8,12}(?![\d.,/%-])"),
    ("address", r"\b(?i:P\.? ?O\.? Box) \d{1,7}\b"),
    ("address", rf"\b(?:{CAPITAL} ){{0,2}}{CAPITAL}, {_STATE}\b(?:,? {_ZIP})?"),
    ("address", rf"\b{_STATE} {_ZIP}\b"),
)


@cache
def cues(kind: str) -> frozenset[str]:
    """Cue words of a kind, lower case."""
    path = lexicon_dir() / "deidentify" / "cues.tsv"
    return frozenset(cells[0] for _, cells in read_rows(path, ("cue", "kind")) if cells[1] == kind)


def _any(kind: str) -> str:
    """The cues of a kind in any case, longest first."""
    words = sorted(cues(kind), key=lambda word: (-len(word), word))
    return f"(?i:{'|'.join(re.escape(word).replace(chr(92) + ' ', ' ') for word in words)})"


@cache
def patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Category and pattern; a group ``value`` is what identifies, else the whole match."""
    more = (
        (
            "id",
            (
                rf"\b{_any('number')}(?: ?(?i:number|num|no\.?|#))?\s?[:#]?\s?#?"
                r"(?P<value>[A-Za-z]{0,4}-?\d[\dA-Za-z-]{3,20})\b"
            ),
        ),
        (
            "address",
            (
                rf"\b\d{{1,6}} (?:[NSEW]\.? )?(?:{CAPITAL} |{_ORDINAL} ){{1,3}}{_any('street')}\b\.?"
                r"(?:,? (?:Apt|Apartment|Unit|Suite|Ste|#)\.? ?[\w-]{1,6})?"
            ),
        ),
        ("place", rf"\b(?:(?:St|Mt)\. )?(?:{CAPITAL} ){{1,5}}{_any('facility')}\b"),
    )
    return tuple((kind, re.compile(shape)) for kind, shape in (*_SHAPES, *more))


@cache
def name_patterns() -> tuple[re.Pattern[str], ...]:
    """People after a field, a title, who they are or an act; before a credential or a verb of speaking."""
    return tuple(
        re.compile(shape)
        for shape in (
            rf"(?<![\w-]){_any('field')}(?:\*\*)?[ \t]{{0,4}}:(?:\*\*)?\s{{0,8}}(?P<value>{_NAME})",
            rf"\b{_any('title')}\.?[ ]{{1,2}}(?P<value>{_NAME})",
            rf"\b(?P<value>{CAPITAL}\.?(?: {CAPITAL}\.?){{0,2}}),? {_any('credential')}(?![\w'’-])",
            rf"\b{_any('relation')},? (?:is |was )?(?P<value>{CAPITAL}(?: {CAPITAL})?)\b",
            rf"\b(?:Pt|PT|Patient|pt|patient) (?P<value>{CAPITAL}(?: {CAPITAL}\.?){{1,2}})\b",
            rf"(?<![\w-])(?P<value>{CAPITAL}) {_any('says')}\b",
            rf"\b{_any('act')} (?:Dr\.? )?(?P<value>{CAPITAL}(?:,? {CAPITAL}\.?){{1,2}})\b",
        )
    )
