"""Whether a note is about a pregnancy, a delivery, the weeks after it or a newborn, and how far along.

Codes of chapter 15 and weeks of gestation need words that say so: *f/u 12wk* in the note of a man is an
interval. The words are data (``codesets/lexicon/relations/obstetric_words.tsv``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from suggester.codesets.lexicon import lexicon_dir
from suggester.pipeline.attributes_values import is_gravida
from suggester.pipeline.reading import FAMILY, HISTORICAL, HYPOTHETICAL, NEGATED, UNCERTAIN, Reading
from suggester.ranking.relations.ages import adult_age, days_old, months_old, years_old
from suggester.ranking.relations.found import Phrases, holds, phrase_at, phrases_of, words_by_kind
from suggester.ranking.relations.weights import is_birth_weight, pounds_at
from suggester.types import Attribute, Setting

StageName = Literal["none", "pregnancy", "childbirth", "puerperium", "newborn"]
KINDS: Final = (
    "pregnancy",
    "labor",
    "birth",
    "record",
    "livebirth",
    "child",
    "score",
    "puerperium",
    "newborn",
    "test",
    "interval",
    "planned",
    "past",
    "gestation",
    "hint",
    "wish",
    "man",
)
_NOT_SAID: Final = NEGATED | FAMILY | HISTORICAL | HYPOTHETICAL
_NO_SECTIONS: Final = frozenset(("family", "past_medical_history", "past_surgical_history"))
_TELLING: Final = ("pregnancy", "puerperium", "newborn", "livebirth")
_HINTING: Final = ("pregnancy", "labor", "puerperium", "livebirth", "hint")
"""Kinds of words without which a note is about no pregnancy and no newborn."""
_NEAR: Final = 12
"""Most tokens between the child and its weight or score."""
_HEAD: Final = 45
"""Tokens at the top of a note, where it says who the patient is."""
_PATIENT: Final = 25
_TOP: Final = 60
"""Tokens within which a single word of pregnancy tells that the patient is pregnant."""
_DAYS: Final = 3
_VIABLE: Final = 20
"""Weeks from which a child is born rather than lost."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What of pregnancy and birth a note is about.

    Attributes
    ----------
    name
        The stage at the end of the encounter.
    weeks
        Completed weeks of gestation now, at birth for a newborn; None if not said.
    outcome
        First and last token of the words for the child that was born, and the number of children; None if the
        note tells of no birth.
    stillborn
        The child did not live.
    """

    name: StageName
    weeks: int | None = None
    outcome: tuple[int, int, int] | None = None
    stillborn: bool = False

    @property
    def said(self) -> bool:
        """Whether the note is the mother's."""
        return self.name in ("pregnancy", "childbirth", "puerperium")


_TWINS: Final = ("twin", "twins")
_MOTHER: Final = ("mother", "mom", "maternal")


class Maternity:
    """Tells the stage of a note.

    Parameters
    ----------
    folder
        The lexicon folder; the shipped one if not given.

    Raises
    ------
    LexiconError
        If the file is missing or a row is of no known kind.
    """

    def __init__(self, *, folder: Path | None = None) -> None:
        path = (folder or lexicon_dir()) / "relations" / "obstetric_words.tsv"
        self._phrases: dict[str, Phrases] = {
            kind: phrases_of([(word, 0) for word in words])
            for kind, words in words_by_kind(path, KINDS).items()
        }
        self._any = frozenset(word for kind in _TELLING for word in self._phrases[kind])

    def hints(self, reading: Reading) -> bool:
        """Whether any word of a note has to do with pregnancy, birth or nursing, whoever it is said of."""
        lower, have = reading.table.lower, reading.have
        if any(
            phrase_at(phrases, lower, at, len(lower))
            for phrases in map(self._phrases.__getitem__, _HINTING)
            if not have.isdisjoint(phrases)
            for at in reading.places(phrases.firsts)
        ):
            return True
        return _has_gravida(have)

    def of(self, reading: Reading, setting: Setting | None) -> Stage:
        """The stage of a note."""
        lower = reading.table.lower
        if self._any.isdisjoint(reading.have) and not _has_gravida(reading.have):
            return Stage("none")
        if self._is_newborn(reading):
            value = self.weeks_of(reading, born=True)
            born = int(value.value) if value is not None else 0
            return Stage("newborn", born if born >= _VIABLE else None)
        if self._is_man(lower[:_PATIENT]) or months_old(lower[:_HEAD]):
            return Stage("none")
        signs = [at for at, _ in self._said(reading, "pregnancy")]
        after = [at for at, _ in self._said(reading, "puerperium")]
        weeks = self._weeks(reading)
        told = len(signs) > 1 or bool(signs and signs[0] < _TOP)
        told = told or len(after) > 1 or bool(after and (signs or after[0] < _TOP))
        told = told or self._is_record(lower) or (setting != "outpatient" and self._tells_birth(reading))
        if not told and not (
            self._dated(reading) > 1 and (signs or any(_is_pregnant_gravida(word) for word in lower))
        ):
            return Stage("none")
        outcome = self._outcome(reading, setting)
        if outcome is not None:
            lost = not {"stillborn", "stillbirth", "demise", "iufd", "fdiu"}.isdisjoint(
                lower[max(0, outcome[0] - _NEAR) : outcome[1] + _NEAR]
            )
            return Stage("childbirth", weeks, outcome, lost)
        dated = self._dated(reading)
        if after and after[0] >= _PATIENT and dated < _DAYS and signs and len(after) == 1:
            return Stage("pregnancy", weeks if dated > 1 else None)
        if after and (after[0] < _PATIENT or dated < _DAYS):
            return Stage("puerperium")
        return Stage("pregnancy", weeks)

    def weeks_of(self, reading: Reading, *, born: bool = False) -> Attribute | None:
        """The gestational age now, or at birth, among the numbers of weeks in a note; None if none is one."""
        best: tuple[int, Attribute] | None = None
        for value in reading.attributes.values():
            if value.name != "weeks" or not value.value.isdigit():
                continue
            score = self._dates(reading, value, born=born)
            if score > 0 and (best is None or score > best[0]):
                best = score, value
        return best[1] if best is not None else None

    def _weeks(self, reading: Reading) -> int | None:
        value = self.weeks_of(reading)
        return int(value.value) if value is not None else None

    def _dated(self, reading: Reading) -> int:
        """How surely the note gives a gestational age, see ``_dates``."""
        value = self.weeks_of(reading)
        return self._dates(reading, value) if value is not None else 0

    def _dates(self, reading: Reading, value: Attribute, *, born: bool = False) -> int:
        """How much a number of weeks reads as the gestational age now: 0 not at all, 3 at most."""
        lower = reading.table.lower
        first, final = reading.token_at(value.span.start), reading.token_at(value.span.end - 1)
        before, after = lower[max(0, first - 3) : first], lower[final + 1 : final + 5]
        days = _has_days(lower, first, final)
        marked = self._ends(before, "interval")
        if marked and not days:
            return 0
        if "ago" in after or "old" in after or "postpartum" in after or "pp" in after:
            return 0
        wide = lower[max(0, first - 6) : first]
        if reading.assertion.flags[first] & NEGATED:
            return 0
        if not born and (self._holds(wide, "past") or self._holds(wide, "planned")):
            return 0
        beside = self._holds([*wide, *after], "gestation") or any(is_gravida(word) for word in wide)
        if "discharge" in lower[final + 1 : final + 8]:
            return 1  # weeks are those at admission (guidelines I.C.21.c.11)
        return _DAYS if days else 2 if beside else 1

    def _ends(self, words: Sequence[str], kind: str) -> bool:
        """Whether words end in a phrase of a kind, a *~* or *about* between aside."""
        words = [word for word in words if word not in ("~", ":", "-", "(", "approx")]
        phrases = self._phrases[kind]
        size = len(words)
        for at in range(max(0, size - 3), size):
            hit = phrase_at(phrases, words, at, size)
            if hit is not None and hit[1] == size - 1:
                return True
        return False

    def _holds(self, words: Sequence[str], kind: str) -> bool:
        return holds(self._phrases[kind], words)

    def _said(self, reading: Reading, kind: str) -> Iterator[tuple[int, int]]:
        """First and last token of the phrases of a kind that are said of the patient now."""
        lower, flags = reading.table.lower, reading.assertion.flags
        denied = _NOT_SAID & ~_twin_bit(reading) | UNCERTAIN
        phrases = self._phrases[kind]
        for at in reading.places(phrases.firsts):
            if flags[at] & denied:
                continue
            if reading.section_kind[at] in _NO_SECTIONS:
                continue
            hit = phrase_at(phrases, lower, at, len(lower))
            if hit is None:
                continue
            behind, ahead = lower[hit[1] + 1 : hit[1] + 4], lower[max(0, at - 4) : at]
            past = any(map(_is_year, ahead[-1:]))
            if past or self._holds(behind, "test") or self._holds(ahead, "wish") or _is_counted(behind):
                continue
            yield at, hit[1]

    def _outcome(self, reading: Reading, setting: Setting | None) -> tuple[int, int, int] | None:
        """The words for the child that this encounter brought, and how many there were.

        A child counts with its weight or score beside it, or where the words say that it was born alive
        (*viable male*); the note of a visit needs a score, or a title that makes it the record of a birth.
        """
        lower, flags = reading.table.lower, reading.assertion.flags
        places = [at for at, word in enumerate(lower) if word in self._phrases["child"]]
        found: list[tuple[int, int]] = []
        denied = (NEGATED | FAMILY | HYPOTHETICAL) & ~_twin_bit(reading)
        scores = self._phrases["score"]
        for at in places:
            if flags[at] & denied or reading.section_kind[at] in _NO_SECTIONS:
                continue
            window = range(at, min(len(lower), at + _NEAR))
            ends = [
                t
                for t in window
                if lower[t] in scores or is_birth_weight(lower, t) or pounds_at(lower, t) is not None
            ]
            if not ends or any(_is_year(lower[t]) for t in range(max(0, at - 6), at + 4) if t < len(lower)):
                continue
            found.append((at, ends[-1]))
        for at, final in self._said(reading, "livebirth"):
            if not any(first <= final and at <= end for first, end in found) and not any(
                map(_is_year, lower[max(0, at - 6) : at + 4])
            ):
                found.append((at, final))
        found.sort()
        visit = setting == "outpatient" and not self._is_record(lower)
        if not found or (visit and not any(word in scores for word in lower)):
            return None
        if not self._holds(lower, "birth"):
            return None
        apart = [found[0]]
        for place in found[1:]:
            if place[0] > apart[-1][1]:
                apart.append(place)
        twins = not {"twin", "twins", "didi", "modi"}.isdisjoint(lower)
        return found[0][0], found[0][1], min(len(apart), 3) if twins else 1

    def _is_record(self, lower: Sequence[str]) -> bool:
        """Whether the top of a note makes it the record of a birth (*Delivery note*)."""
        return self._holds(lower[:_HEAD], "record")

    def _tells_birth(self, reading: Reading) -> bool:
        """Whether a note tells of a child born alive."""
        return next(self._said(reading, "livebirth"), None) is not None

    def _is_man(self, head: Sequence[str]) -> bool:
        """Whether the patient is a man (*57 M*, *a 60-year-old man*)."""
        men = self._phrases["man"]
        plain = [word for word in head if word not in ("-", "/", "y", "o", "yo", "year", "old", ".", "cis")]
        return any(
            at and plain[at - 1].isdecimal() and len(plain[at - 1]) == 2 and word in men
            for at, word in enumerate(plain)
        ) or any(len(word) == 3 and word[:2].isdecimal() and word[2] == "m" for word in plain)

    def _is_newborn(self, reading: Reading) -> bool:
        """Whether the patient is the child that was born."""
        lower = reading.table.lower
        head = lower[:_HEAD]
        words = self._phrases["newborn"]
        if "dol" in head or any(
            phrase_at(words, lower, at, 8) for at, word in enumerate(lower[:6]) if word in words
        ):
            return True
        if adult_age(head):
            return False
        hits = sum(self._holds(head[at : at + 3], "newborn") for at in range(len(head)) if head[at] in words)
        mother = not reading.have.isdisjoint(_MOTHER)
        child = not {"baby", "infant", "girl", "boy", "male", "female"}.isdisjoint(head)
        weighed = any(
            word in ("bw", "birthweight") or is_birth_weight(lower, t) for t, word in enumerate(head)
        )
        born = "born" in head
        young = any(word in ("do", "dol", "day-old") for word in head) or days_old(head)
        top = lower[:_TOP]
        child = child or "baby" in top
        told = "born" in top and mother and child and not months_old(top) and not years_old(top)
        return (
            told
            or hits > 1
            or (hits > 0 and (mother or child or weighed))
            or (born and weighed)
            or (young and (mother or child))
        )


def _twin_bit(reading: Reading) -> int:
    """The flag of family where it may stand for a twin, who is no relative in a note of the mother."""
    return 0 if reading.have.isdisjoint(_TWINS) else FAMILY


def _is_pregnant_gravida(word: str) -> bool:
    return is_gravida(word) and word[1] != "0"


def _is_counted(behind: Sequence[str]) -> bool:
    """Whether what was named is counted or tested (*x1*, *neg*), not had now."""
    return bool(behind) and (behind[0] in ("neg", "negative", "x1", "x2", "x3", "2x") or "negative" in behind)


def _is_year(word: str) -> bool:
    return len(word) == 4 and word.isdecimal() and word.startswith(("19", "20"))


def _has_days(lower: Sequence[str], first: int, final: int) -> bool:
    """Whether weeks are given with days (*28w3d*, *28 3/7*, *36w 4d*, *16 weeks 2 days*)."""
    word = lower[final]
    if word.endswith("d") and "w" in word:
        return True
    if "/" in lower[first : final + 1]:
        return True
    after = [w for w in lower[final + 1 : final + 5] if w not in ("and", ",", "+")]
    if not after:
        return False
    if len(after[0]) == 2 and after[0][0].isdecimal() and after[0][1] == "d":
        return True
    return after[0].isdecimal() and len(after) > 1 and after[1] in ("d", "day", "days")


def days_beyond(lower: Sequence[str], first: int, final: int) -> bool:
    """Whether one to six days are given beyond the weeks (*40w4d*, *40 2/7*, *40 weeks and 4 days*)."""
    if not _has_days(lower, first, final):
        return False
    word = lower[final]
    if word.endswith("d") and "w" in word:
        return word[-2] != "0"
    if "/" in lower[first : final + 1]:
        return lower[lower.index("/", first) - 1] != "0"
    after = [w for w in lower[final + 1 : final + 5] if w not in ("and", ",", "+")]
    return after[0][0] != "0"


def _has_gravida(words: Collection[str]) -> bool:
    """Whether one of some words is ``G2P1`` or the like."""
    return any(is_gravida(word) for word in words if word[:1] == "g")


__all__ = ["KINDS", "Maternity", "Stage", "StageName", "days_beyond"]
