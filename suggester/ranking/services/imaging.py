"""Images by what was imaged and how: CT and MRI by region and contrast, X-rays by region and views.

``codesets/lexicon/services/imaging.tsv`` names for a modality the words of a region and its codes without
contrast, with, and without and then with; for X-rays the codes by number of views (``73560:1-2``). What says
nothing of contrast was made without, unless the note names the contrast that was given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.codesets.words import words
from suggester.errors import LexiconError
from suggester.ranking.services.choices import Composed, Term
from suggester.ranking.services.scenes import Scene, Sentence
from suggester.types import Setting

_COLUMNS = ("modality", "words", "without", "with", "both")
_MODALITIES = frozenset(("ct", "cta", "mr", "mra", "xr"))
_WORDS = {
    "ct": frozenset(("ct", "cat", "tomography", "ldct", "ncct", "nect", "cect")),
    "mr": frozenset(("mri", "mr", "magnetic", "mrcp", "mre")),
    "cta": frozenset(("cta",)),
    "mra": frozenset(("mra", "mrv")),
}
_VIEWS = frozenset(("view", "v", "vw", "vws"))
"""Words that count the views of an X-ray."""
_VESSELS = frozenset(
    ("angio", "angiography", "angiogram", "angiographic", "venography", "venogram", "arteriography")
)
_NO_IMAGE = frozenset(("guided", "guidance", "perfusion", "fluoroscopy", "pet", "simulation", "spect"))
"""Words of other services that name a CT."""
_REPORT = re.compile(
    r"\b(?:impression|findings|technique|comparison|imp|indication|conclusion)\b\s*[:.]", re.IGNORECASE
)
_HEADINGS = frozenset(words("impression findings technique comparison imp indication conclusion"))
_WITHOUT = r"(?:without|w/?\s?o|wo|non[ -]?con(?:trast)?|noncontrast|unenhanced)"
_WITH = r"(?:with|w/?)"
_IV = r"(?:\s*(?:iv|intravenous|contrast|gad\w*))*"
_JOIN = r"\s*(?:and|&|\+|/|,|then|followed by)?\s*"
_BOTH = re.compile(
    rf"(?<![a-z]){_WITH}{_IV}{_JOIN}{_WITHOUT}(?![a-z])|"
    rf"(?<![a-z]){_WITHOUT}{_IV}{_JOIN}(?:with|w)(?![a-z]|/?\s?o\b)|(?:pre|before) and (?:post|after)",
    re.IGNORECASE,
)
_PLAIN = re.compile(rf"(?<![a-z]){_WITHOUT}(?![a-z])|\bno contrast\b", re.IGNORECASE)
_CONTRAST = re.compile(
    r"(?<![a-z])(?:with|w/?|w)\s*(?:iv |intravenous |oral and iv |po and iv )?con(?:trast)?\b|"
    r"\b(?:post|iv|intravenous)[ -]?contrast\b|contrast[ -]enhanced|\benhanced\b|\b(?:w/|with)\s*(?:iv|gad)|"
    r"gadolinium|gadoxetate|eovist|gadavist|dotarem|omnipaque|isovue|iohexol|iopamidol|visipaque|optiray|"
    r"ultravist|\bomni ?3[05]0|arthrogram|intraarticular|intra-articular",
    re.IGNORECASE,
)
_TITLE, _BEGUN, _TOLD = 0.82, 0.72, 0.14
"""How likely the image is of this claim: the title of a report, the beginning of a note without headings, and
what is told beside a stay or an emergency."""
_FILMED = 0.7
"""An X-ray of which the views are counted is mostly one that was made here."""
_REACH = 9
"""Words behind the modality among which its regions stand; before it there are three."""


@dataclass(frozen=True, slots=True)
class Region:
    """A region that a modality images: its words and its codes."""

    modality: str
    term: Term
    codes: tuple[str, str, str]
    views: tuple[tuple[str, int, int], ...] = ()


@cache
def _regions() -> dict[str, tuple[Region, ...]]:
    """Regions by modality, the longest names first.

    Raises
    ------
    LexiconError
        If a row names an unknown modality or a wrong range of views.
    """
    path = lexicon_dir() / "services" / "imaging.tsv"
    out: dict[str, list[Region]] = {name: [] for name in _MODALITIES}
    for number, cells in read_rows(path, _COLUMNS, required=3):
        modality = cells[0]
        if modality not in out:
            raise LexiconError(
                f"{path.name}:{number}: modality {modality!r}, allowed: {', '.join(sorted(out))}"
            )
        try:
            views = tuple(_views(part) for part in cells[2].split("|")) if modality == "xr" else ()
        except ValueError:
            raise LexiconError(f"{path.name}:{number}: views {cells[2]!r}, not CODE:LOW-HIGH") from None
        for name in cells[1].split("|"):
            out[modality].append(Region(modality, tuple(words(name)), (cells[2], cells[3], cells[4]), views))
    return {name: tuple(sorted(found, key=lambda r: (-len(r.term), r.term))) for name, found in out.items()}


def _views(part: str) -> tuple[str, int, int]:
    code, _, bounds = part.partition(":")
    low, _, high = bounds.partition("-")
    return code, int(low), int(high)


def compose_images(scene: Scene, *, setting: Setting | None) -> Iterator[Composed]:
    """The images that a note says were made."""
    have = scene.have
    scanned = [name for name, of in _WORDS.items() if not of.isdisjoint(have)]
    filmed = "view" in have or "v" in have
    if not scanned and not filmed:
        return
    named = frozenset(chain.from_iterable([_WORDS[name] for name in scanned]))
    hospital = setting in ("inpatient", "emergency")
    report = not _HEADINGS.isdisjoint(have) and _REPORT.search(scene.text) is not None
    for sentence in scene.sentences:
        if filmed and not _VIEWS.isdisjoint(sentence.stems):
            yield from _films(scene, sentence, report=report)
        if named.isdisjoint(sentence.stems) or not _NO_IMAGE.isdisjoint(sentence.have):
            continue
        modality = next((name for name in ("cta", "mra", "ct", "mr") if _WORDS[name] & sentence.have), "")
        if modality in ("ct", "mr") and not _VESSELS.isdisjoint(sentence.have):
            modality += "a"
        if modality:
            yield from _scans(scene, sentence, modality, report=report, hospital=hospital)


def _scans(
    scene: Scene, sentence: Sentence, modality: str, *, report: bool, hospital: bool
) -> Iterator[Composed]:
    named = _WORDS[modality[:2] if modality not in _WORDS else modality] | _WORDS[modality[:2]]
    place = next(
        (i for i, word in enumerate(sentence.stems) if word in named and not _is_mister(scene, sentence, i)),
        -1,
    )
    if place < 0:
        return
    found = [
        (at, region)
        for at, region in _found(sentence, _regions()[modality])
        if place - 3 <= at <= place + _REACH
    ]
    likely = _likely(scene, sentence, place, report=report, hospital=hospital)
    if not found or not likely:
        return
    enhanced = _enhancement(scene, sentence, found[-1][0], title=likely == _TITLE)
    for at, region in found:
        code = region.codes[enhanced] or next((c for c in region.codes if c), "")
        final = max(place, at + len(region.term) - 1)
        evidence = scene.evidence(sentence, min(place, at), final)
        how = ("without contrast", "with contrast", "without and with contrast")[enhanced]
        yield Composed(code, likely, evidence, f"{' '.join(region.term)}, {how}", None, sentence.number)


def _is_mister(scene: Scene, sentence: Sentence, place: int) -> bool:
    """Whether what reads as MR is the form of address."""
    if sentence.stems[place] != "mr":
        return False
    span = scene.reading.span(sentence.tokens[place], sentence.tokens[place])
    return not scene.text[span.start : span.end].isupper()


def _found(sentence: Sentence, regions: tuple[Region, ...]) -> list[tuple[int, Region]]:
    """Regions that a sentence names, none inside another, in order."""
    taken: set[int] = set()
    out: list[tuple[int, Region]] = []
    for region in regions:
        at = sentence.find(region.term)
        if at is not None and (at not in taken or any(r.term == region.term for _, r in out)):
            taken.update(range(at, at + len(region.term)))
            out.append((at, region))
    return sorted(out, key=lambda item: item[0])


def _likely(scene: Scene, sentence: Sentence, place: int, *, report: bool, hospital: bool) -> float:
    if report and sentence.number <= 1:
        return _TITLE
    if not sentence.is_done(place) or not scene.affirmed(sentence, place, test=True):
        return 0.0
    if sentence.number == 0 and place <= _FIRST:
        return _BEGUN
    return _TOLD if hospital else 0.0


_FIRST = 3
"""Words that may stand before the modality where a note begins with it."""


def _enhancement(scene: Scene, sentence: Sentence, place: int, *, title: bool) -> int:
    """0 without contrast, 1 with, 2 without and then with."""
    span = scene.reading.span(sentence.tokens[0], sentence.tokens[-1])
    own = scene.text[span.start : span.end + 12]
    line = own.split("\n", 1)[0]
    for text in (line, own, scene.text) if title else (line, own):
        if _BOTH.search(text):
            return 2
        if _PLAIN.search(text):
            return 0
        if _CONTRAST.search(text):
            return 1
    return 0


@cache
def image_rivals() -> dict[str, frozenset[str]]:
    """For each image the others of its regions, of which only one was made: other contrast, other views."""
    out: dict[str, set[str]] = {}
    for regions in _regions().values():
        for region in regions:
            codes = {code for code, _, _ in region.views} or {code for code in region.codes if code}
            for code in codes:
                out.setdefault(code, set()).update(codes - {code})
    return {code: frozenset(others) for code, others in out.items()}


def _films(scene: Scene, sentence: Sentence, *, report: bool) -> Iterator[Composed]:
    """X-rays of which the sentence counts the views."""
    stems = sentence.stems
    counted = [
        (i, int(value))
        for i, value in sentence.numbers
        if value == int(value) and 1 <= value <= 12 and _is_views(stems, i)
    ]
    if not counted:
        return
    found = _found(sentence, _regions()["xr"])
    terms = {region.term for _, region in found}
    for at, region in found:
        if any(region.term == part and not terms.isdisjoint(whole) for part, whole in _PARTS):
            continue
        after = at + len(region.term)
        behind = [(i - after, n) for i, n in counted if 0 <= i - after <= 4]
        before = [(at - i + 3, n) for i, n in counted if 0 < at - i <= 6]
        if not behind and not before:
            continue
        _, number = min((*behind, *before))
        code = next((c for c, low, high in region.views if low <= number <= high), "")
        title = report and sentence.number <= 1
        if not code or not (title or sentence.is_done(at)):
            continue
        evidence = scene.evidence(sentence, at, after - 1)
        reason = f"{' '.join(region.term)}, {number} views"
        yield Composed(code, _TITLE if title else _FILMED, evidence, reason, None, sentence.number)


_PARTS: tuple[tuple[Term, frozenset[Term]], ...] = (
    (("pelvis",), frozenset((("hip",), ("bilateral", "hip"), ("both", "hip"), ("hip", "bilateral")))),
    (("chest",), frozenset((("rib",),))),
)
"""Regions that are part of the film of another one."""


def _is_views(stems: tuple[str, ...], i: int) -> bool:
    after = stems[i + 1 : i + 4]
    return "view" in after or after[:1] in (("v",), ("vw",), ("vws",))
