"""Named features of a code as the meaning of a line.

Everything is general: which share of the line's words a phrase holds, which share of the phrase's words the
line holds, whether contrast, counts, sides, routes and amounts agree, and how the code compares with its
rivals. No code and no word is a feature, so that the model holds for codes that it never saw;
the one thing that looks at the number is whether its section is of private payers and states (S, T, H).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suggester.ranking.services.index import Document, LineIndex, Source
from suggester.ranking.services.text import ANY
from suggester.ranking.services.words import FORM_SHARE, Line
from suggester.types import Span, System

NAMES: tuple[str, ...] = (
    "line_share",
    "phrase_share",
    "harmonic",
    "code_line_share",
    "letters",
    "exact_share",
    "missing_line",
    "missing_phrase",
    "line_units",
    "phrase_words",
    "first_matched",
    "rarest_matched",
    "rarest_weight",
    "contrast",
    "side",
    "order",
    "count_fit",
    "route",
    "amount_per",
    "amount_known",
    "lone_amount",
    "from_lexicon",
    "from_descriptor",
    "from_drug",
    "polarity",
    "assay",
    "special",
    "says_other",
    "extra_limit",
    "lost_limit",
    "private_payer",
    "phrases_near",
    "harmonic_gap",
    "harmonic_rank",
    "line_gap",
    "code_line_gap",
    "letters_gap",
    "known_share",
    "denied",
    "age_unsaid",
)

_CONTRAST = frozenset(("yescontrast", "nocontrast", "bothcontrast"))
_PRIVATE = frozenset("STH")
_SIDES = frozenset(("unilateral", "bilateral"))
_ORDER = frozenset(("initial", "additional", "subsequent"))
_POLARITY = frozenset(("with", "without", "withboth", "non", "not"))
_DENIALS = frozenset(("without", "non", "not"))
_ASSAY = frozenset(
    (
        "antibody",
        "antigen",
        "pcr",
        "culture",
        "dfa",
        "gene",
        "vaccine",
        "igg",
        "igm",
        "typing",
        "titer",
        "smear",
    )
)
"""What a laboratory looks for: codes of one organism differ by it."""
_SPECIAL = frozenset(
    ("anesthesia", "vaccine", "remote", "home", "telehealth", "video", "implant", "training", "esrd", "hiv")
)
"""Words that make quite another thing of a phrase when the line does not say them."""
_OTHER = frozenset(("unlisted", "unclassified", "miscellaneou", "miscellaneous", "noc", "undefined"))
_LIMITS = frozenset(
    (
        "complex", "simple", "intermediate", "limited", "complete", "open", "closed", "percutaneous", "deep",
        "superficial", "newborn", "infant", "child", "pediatric", "multiple", "additional", "subsequent",
        "removal", "replacement", "revision", "repair", "external", "internal", "total", "quantitative",
        "qualitative", "free", "urine", "laparoscopic", "biopsy", "guidance", "interpretation", "portable",
    )
)  # fmt: skip
"""Words that make another code of a phrase when the line does not say them."""


@dataclass(frozen=True, slots=True)
class LineCandidate:
    """A code proposed for a line.

    ``spans`` are the words of the line that match, ``phrase`` is the phrase that they match best.
    """

    system: System
    row: int
    phrase: str
    source: Source
    spans: tuple[Span, ...]


@dataclass(slots=True)
class _Match:
    document: Document
    line_share: float
    phrase_share: float
    exact: float
    matched: tuple[bool, ...]
    missing_phrase: float
    found: frozenset[str]
    denied: float

    @property
    def harmonic(self) -> float:
        total = self.line_share + self.phrase_share
        return 2 * self.line_share * self.phrase_share / total if total else 0.0


def candidates(
    index: LineIndex, line: Line, *, limit: int = 40
) -> tuple[list[LineCandidate], NDArray[np.float32]]:
    """Codes that a line may mean and their features, shape ``(candidates, len(NAMES))``."""
    chosen, letters = index.search(line)
    masses = [
        max(index.mass(words) * weight for words, weight in unit.meanings)
        * (FORM_SHARE if unit.form else 1.0)
        for unit in line.units
    ]
    total = sum(masses)
    if not total:
        return [], np.zeros((0, len(NAMES)), dtype=np.float32)
    by_code: dict[tuple[System, int], list[_Match]] = {}
    near: dict[tuple[System, int], float] = {}
    for number in chosen.tolist():
        document = index.document(number)
        if _elsewhere(line, document):
            continue
        match = _match(index, line, document, masses, total)
        key = (document.system, document.row)
        by_code.setdefault(key, []).append(match)
        near[key] = max(near.get(key, 0.0), float(letters[number]))
    if not by_code:
        return [], np.zeros((0, len(NAMES)), dtype=np.float32)
    ranked = sorted(
        by_code.items(),
        key=lambda item: (-(_quality(item[1]) + 0.4 * near[item[0]]), item[0]),
    )[:limit]
    out: list[LineCandidate] = []
    rows: list[list[float]] = []
    for key, matches in ranked:
        best = max(matches, key=lambda m: (m.harmonic + 0.1 * _agreement(line, m), -len(m.document.text)))
        union = [any(m.matched[i] for m in matches) for i in range(len(line.units))]
        out.append(
            LineCandidate(
                best.document.system,
                best.document.row,
                best.document.text,
                best.document.source,
                tuple(unit.span for unit, hit in zip(line.units, best.matched, strict=True) if hit),
            )
        )
        rows.append(_row(index, line, key, best, matches, union, masses, total, near[key]))
    table = np.array(rows, dtype=np.float32)
    _compare(table)
    return out, table


def _elsewhere(line: Line, document: Document) -> bool:
    """Whether a phrase is of anesthesia while the line does not speak of it."""
    return "anesthesia" in document.words[:1] and not any(
        "anesthesia" in meaning for unit in line.units for meaning, _ in unit.meanings
    )


def _quality(matches: Sequence[_Match]) -> float:
    return max(m.harmonic + 0.3 * m.line_share for m in matches)


def _match(index: LineIndex, line: Line, document: Document, masses: Sequence[float], total: float) -> _Match:
    have = frozenset(document.words)
    gained = exact = 0.0
    matched: list[bool] = []
    found: set[str] = set()
    denied = 0.0
    denies = not have.isdisjoint(_DENIALS)
    for number, (unit, mass) in enumerate(zip(line.units, masses, strict=True)):
        best = 0.0
        sure = 0.0
        words_of: tuple[str, ...] = ()
        for words, weight in unit.meanings:
            hit = tuple(word for word in words if word in have)
            if not hit:
                continue
            share = index.mass(hit) / index.mass(words)
            if share * weight > best:
                best, sure, words_of = share * weight, weight, hit
        if number in line.denied and not denies:  # the line says that it is not there
            denied = -1.0 if best > 0.5 else max(denied, 0.5)
            best, sure, words_of = (0.0, 0.0, ()) if best > 0.5 else (0.8, 0.9, ())
        matched.append(best > 0.3)
        found.update(words_of)
        gained += best * mass
        exact += mass if best > 0 and sure >= 1 else 0.0
    phrase = index.mass([word for word in document.words if word in found])
    return _Match(
        document,
        gained / total,
        phrase / document.mass if document.mass else 0.0,
        exact / gained if gained else 0.0,
        tuple(matched),
        document.mass - phrase,
        frozenset(found),
        denied,
    )


def _agreement(line: Line, match: _Match) -> float:
    words = match.document.words
    return (
        _class_fit(line, words, _CONTRAST, silent=0)
        + _count_fit(line, match.document)
        + _class_fit(line, words, _ORDER, silent=0)
    )


def _class_fit(line: Line, words: Sequence[str], kinds: frozenset[str], *, silent: float) -> float:
    """1 where line and phrase say the same of a kind, -1 where they differ, ``silent`` if the line is."""
    said = {w for unit in line.units for meaning, _ in unit.meanings for w in meaning if w in kinds}
    wanted = {word for word in words if word in kinds}
    if not said and not wanted:
        return 0.0
    if not said:
        return silent
    if not wanted:
        return -0.5
    return 1.0 if said & wanted else -1.0


def _count_fit(line: Line, document: Document) -> float:
    fits = [
        mine.fit(other) or 0.25
        for mine in line.counts
        for other in document.counts
        if mine.what == other.what or mine.what == ANY
    ]
    if fits:
        return float(min(fits))
    if document.counts and not line.counts:
        return -0.2
    return -0.3 if line.counts and any(c.what == "view" for c in line.counts) else 0.0


def _amounts(
    index: LineIndex, line: Line, key: tuple[System, int], document: Document
) -> tuple[float, float, float]:
    unit = index.units.get(key)
    known = {(amount.value, amount.unit) for amount in document.amounts}
    if unit is not None:
        value, name = unit
        known.add((value * 1000, "mg") if name == "g" else (value, name.removesuffix("s")))
    per = lone = 0.0
    for amount in line.amounts:
        same = (amount.value, amount.unit) in known
        if amount.per:
            per = 1.0 if same else min(per, -1.0)
        elif same:
            lone = 1.0
    if lone == 0.0 and document.amounts and line.amounts:
        lone = -1.0
    return per, float(unit is not None), lone


def _row(
    index: LineIndex,
    line: Line,
    key: tuple[System, int],
    best: _Match,
    matches: Sequence[_Match],
    union: Sequence[bool],
    masses: Sequence[float],
    total: float,
    letters: float,
) -> list[float]:
    document = best.document
    rarest = max(range(len(masses)), key=lambda i: (masses[i], -i))
    routes = index.routes.get(key, frozenset())
    per, known, lone = _amounts(index, line, key, document)
    route = 0.0
    if line.route:
        route = 0.0 if not routes else 1.0 if line.route in routes else -1.0
    elif routes == {"oral"} or routes == {"inhaled"}:
        route = -0.5
    words = set(document.words)
    return [
        best.line_share,
        best.phrase_share,
        best.harmonic,
        sum(mass for mass, hit in zip(masses, union, strict=True) if hit) / total,
        letters,
        best.exact,
        (1 - best.line_share) * total,
        best.missing_phrase,
        float(len(line.units)),
        float(len(document.words)),
        float(best.matched[0]),
        float(best.matched[rarest]),
        masses[rarest],
        _class_fit(line, document.words, _CONTRAST, silent=0.3 if "nocontrast" in words else -0.3),
        _class_fit(line, document.words, _SIDES, silent=0.3 if "unilateral" in words else -0.3),
        _class_fit(line, document.words, _ORDER, silent=0.3 if "initial" in words else -0.5),
        _count_fit(line, document),
        route,
        per,
        known,
        lone,
        float(document.source is Source.LEXICON),
        float(document.source is Source.DESCRIPTOR),
        float(document.source is Source.DRUG),
        _class_fit(line, document.words, _POLARITY, silent=0.0 if "with" in words else -0.3),
        _class_fit(line, document.words, _ASSAY, silent=0.0),
        float(len((words & _SPECIAL) - best.found)),
        float(bool(words & _OTHER)),
        float(len((words & _LIMITS) - best.found)),
        float(_lost_limits(line, matches)),
        float(index.code_of(key)[0] in _PRIVATE),
        float(sum(m.harmonic > 0.8 * best.harmonic for m in matches)),
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        sum(mass for mass, unit in zip(masses, line.units, strict=True) if _known(index, unit.meanings))
        / total,
        best.denied,
        _age_unsaid(line, document),
    ]


def _age_unsaid(line: Line, document: Document) -> float:
    """1 where a phrase is of an age and the line says none, 2 where it is of children."""
    if any(count.what == "year" for count in line.counts):
        return 0.0
    ages = [count for count in document.counts if count.what == "year"]
    return 0.0 if not ages else 2.0 if min(count.low for count in ages) < 1 else 1.0


def _lost_limits(line: Line, matches: Sequence[_Match]) -> int:
    """Words of the line that set codes apart and that no phrase of the code has."""
    have = {word for match in matches for word in match.document.words}
    return sum(
        any(word in _LIMITS for meaning in surely for word in meaning)
        and not any(word in have for meaning, _ in unit.meanings for word in meaning)
        for unit in line.units
        for surely in ([meaning for meaning, weight in unit.meanings if weight >= 1],)
    )


def _known(index: LineIndex, meanings: Sequence[tuple[tuple[str, ...], float]]) -> bool:
    return any(word in index.weights for words, _ in meanings for word in words)


def _compare(table: NDArray[np.float32]) -> None:
    """Fill the features that set a code against its rivals."""
    at = {name: i for i, name in enumerate(NAMES)}
    for name, of in (
        ("harmonic_gap", "harmonic"),
        ("line_gap", "line_share"),
        ("code_line_gap", "code_line_share"),
        ("letters_gap", "letters"),
    ):
        values = table[:, at[of]]
        order = np.sort(values)[::-1]
        best, second = order[0], order[1] if len(order) > 1 else 0.0
        table[:, at[name]] = np.where(values >= best, best - second, values - best)
    values = table[:, at["harmonic"]]
    table[:, at["harmonic_rank"]] = np.minimum((values[None, :] > values[:, None]).sum(axis=1), 20)
