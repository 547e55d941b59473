"""What the pieces of a line mean: canonical words, abbreviations, cut-off and misspelt words.

Phrases of the code sets and lines go through the same canonical words (``x ray`` and ``radiograph`` are one
word). Only lines go through abbreviations and guesses: charge masters cut words (``DIPHENHYDRA``), leave out
vowels (``PIPERCLLN``) and misspell. Vocabulary is data: ``codesets/lexicon/services``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rapidfuzz.distance import OSA

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.ranking.services.text import Amount, Count, Piece, counted, measured, pieces
from suggester.types import Span

Words = tuple[str, ...]

FORM_SHARE = 0.1
"""Share of its weight that a word of a drug's form, salt or route keeps beside a dose."""

_CONTRAST = {"with": "yescontrast", "without": "nocontrast", "withboth": "bothcontrast"}
_JOINERS = frozenset(("/", "&", "+", "and", "or"))
_SHORTEST_GUESSED = 3
_LONGEST_NUMBER = 3
_MOST_GUESSES = 12
_DOSES = frozenset(("mg", "mcg", "ml", "unit", "meq", "mmol", "mci", "uci", "%"))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The data files: words that say nothing, canonical words, abbreviations.

    ``canonical`` and ``abbreviations`` go from pieces to words; an abbreviation may have several meanings.
    ``longest`` is the number of pieces of the longest of their keys.
    """

    noise: frozenset[str]
    prefixes: frozenset[str]
    contrast: frozenset[str]
    imaging: frozenset[str]
    oral: frozenset[str]
    injected: frozenset[str]
    inhaled: frozenset[str]
    forms: frozenset[str]
    canonical: Mapping[Words, Words]
    abbreviations: Mapping[Words, tuple[Words, ...]]
    longest: int

    @classmethod
    def read(cls, folder: Path | None = None) -> Vocabulary:
        """Read the shipped data files, or those of another lexicon folder.

        Raises
        ------
        LexiconError
            If a file is missing or a row is wrong.
        """
        root = (folder or lexicon_dir()) / "services"
        classes: dict[str, set[str]] = {}
        for _, cells in read_rows(root / "word_classes.tsv", ("word", "class"), required=2):
            classes.setdefault(cells[1], set()).add(_key(cells[0])[0])
        canonical = {
            _key(cells[0]): _words(cells[1])
            for _, cells in read_rows(root / "canonical.tsv", ("phrase", "word"), required=2)
        }
        abbreviations: dict[Words, tuple[Words, ...]] = {}
        for _, cells in read_rows(root / "abbreviations.tsv", ("short", "words"), required=2):
            key = _key(cells[0])
            senses = tuple(_key(part) for part in cells[1].split("|"))
            abbreviations[key] = tuple(dict.fromkeys((*abbreviations.get(key, ()), *senses)))
        return cls(
            noise=frozenset(classes["noise"]),
            prefixes=frozenset(classes["prefix"]),
            contrast=frozenset(classes["contrast"]),
            imaging=frozenset(classes["imaging"]),
            oral=frozenset(classes["oral"]),
            injected=frozenset(classes["injected"]),
            inhaled=frozenset(classes["inhaled"]),
            forms=frozenset(classes["form"]),
            canonical=canonical,
            abbreviations=abbreviations,
            longest=max(len(key) for key in (*canonical, *abbreviations)),
        )


def _key(text: str) -> Words:
    return tuple(piece.text for piece in pieces(text))


def _words(text: str) -> Words:
    """Canonical words: as written where they hold a number (``b12`` is one word), else their stems."""
    return tuple(
        word
        for part in text.split()
        for word in ((part,) if any(char.isdigit() for char in part) else _key(part))
    )


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase of the code sets: its canonical words, amounts and counts."""

    words: Words
    amounts: tuple[Amount, ...]
    counts: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """Pieces of a line that mean something together, and what they may mean, each with a weight up to 1.

    ``form`` marks a word of a drug's form, salt or route, which says little beside the drug.
    """

    span: Span
    meanings: tuple[tuple[Words, float], ...]
    form: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line as read.

    ``route`` is ``oral``, ``injected``, ``inhaled`` or empty. ``denied``: the units that a *without* denies.
    """

    text: str
    units: tuple[Unit, ...]
    amounts: tuple[Amount, ...]
    counts: tuple[Count, ...]
    route: str
    denied: frozenset[int] = frozenset()


def _signs(cut: Sequence[Piece]) -> list[Piece]:
    """``w/o``, ``wo``, ``w`` … as *with*, *without* and *withboth*; signs that remain are dropped later."""
    out: list[Piece] = []
    i = 0
    while i < len(cut):
        texts = [piece.text for piece in cut[i : i + 3]]
        take, word = 1, texts[0]
        if texts in (["w", "/", "o"], ["with", "/", "o"], ["w", "/", "out"], ["with", "/", "out"]):
            take, word = 3, "without"
        elif texts[:2] in (["w", "o"], ["w", "out"], ["other", "than"], ["not", "including"]):
            take, word = 2, "without"
        elif texts[0] in _WITHOUT:
            word = "without"
        elif texts[0] in ("wwo", "wowo", "wow"):
            word = "withboth"
        elif texts[:2] == ["w", "/"]:
            take, word = 2, "with"
        elif texts[0] in ("w", "with", "wth"):
            word = "with"
        span = Span(start=cut[i].span.start, end=cut[i + take - 1].span.end)
        piece = Piece(word, span)
        i += take
        if word in ("with", "without") and out:
            back = 2 if len(out) > 1 and out[-1].text in _JOINERS else 1
            if {word, out[-back].text} == {"with", "without"}:
                piece = Piece("withboth", Span(start=out[-back].span.start, end=span.end))
                del out[-back:]
        out.append(piece)
    return out


_WITHOUT = frozenset(
    ("wo", "wout", "without", "withou", "witho", "no", "except", "excluding", "excl", "excludes", "sans")
)
_MOST_DENIED = 2


def _denied(units: Sequence[Unit]) -> frozenset[int]:
    """The units behind each *without*, as far as its words go: *without manipulation*, *no border*."""
    out: set[int] = set()
    for i, unit in enumerate(units):
        if unit.meanings[0][0] not in (("without",), ("non",)):
            continue
        for k in range(i + 1, min(i + 1 + _MOST_DENIED, len(units))):
            if units[k].meanings[0][0] in (("with",), ("without",)):
                break
            out.add(k)
    return frozenset(out)


class Reader:
    """Reads phrases and lines.

    Parameters
    ----------
    vocabulary
        The data files.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._known: frozenset[str] = frozenset()
        self._by_letter: dict[str, list[str]] = {}
        self._guesses = lru_cache(maxsize=50_000)(self._guess)

    def learn(self, known: Collection[str]) -> None:
        """Set the words that guesses may lead to: those of the phrases."""
        self._known = frozenset(known)
        self._by_letter = {}
        for word in sorted(self._known):
            if word[0].isalpha() and len(word) > _SHORTEST_GUESSED:
                self._by_letter.setdefault(word[0], []).append(word)
        self._guesses.cache_clear()

    def phrase(self, text: str) -> Phrase:
        """Read a phrase of the code sets."""
        cut = pieces(text)
        amounts, used = measured(cut)
        counts, more = counted(cut, text)
        kept = _signs([piece for i, piece in enumerate(cut) if i not in used and i not in more])
        out: list[str] = []
        i = 0
        texts = tuple(piece.text for piece in kept)
        while i < len(texts):
            size, words = self._canonical(texts, i)
            if not words and texts[i] not in self.vocabulary.noise and (texts[i][0].isalnum()):
                words = (texts[i],)
            out.extend(words)
            i += size
        return Phrase(tuple(dict.fromkeys(out)), tuple(amounts), tuple(counts))

    def _canonical(self, texts: Words, at: int) -> tuple[int, Words]:
        contrast = self._contrast(texts, at)
        for size in range(min(self.vocabulary.longest, len(texts) - at), 0, -1):
            if contrast and size <= 3:
                return contrast
            words = self.vocabulary.canonical.get(texts[at : at + size])
            if words is not None:
                return size, words
        return contrast or (1, ())

    def _contrast(self, texts: Words, at: int) -> tuple[int, Words] | None:
        word = _CONTRAST.get(texts[at])
        if word is None:
            return None
        for size in (2, 3, 4):
            if at + size <= len(texts) and texts[at + size - 1] in self.vocabulary.contrast:
                return size, (word,)
        return None

    def line(self, text: str) -> Line:
        """Read a line."""
        cut = pieces(text)
        while len(cut) > 1 and cut[0].text in self.vocabulary.prefixes:
            cut = cut[1:]
        amounts, used = measured(cut)
        counts, more = counted(cut, text)
        all_texts = [piece.text for piece in cut]
        kept = _signs([piece for i, piece in enumerate(cut) if i not in used and i not in more])
        texts = tuple(piece.text for piece in kept)
        imaging = not self.vocabulary.imaging.isdisjoint(texts)
        dosed = any(amount.unit in _DOSES for amount in amounts)
        units: list[Unit] = []
        i = 0
        while i < len(texts):
            size, meanings = self._meanings(texts, i, imaging=imaging)
            if meanings:
                span = Span(start=kept[i].span.start, end=kept[i + size - 1].span.end)
                form = size == 1 and dosed and texts[i] in self.vocabulary.forms
                units.append(Unit(span, meanings, form))
            i += size
        return Line(text, tuple(units), tuple(amounts), tuple(counts), self._route(all_texts), _denied(units))

    def _route(self, texts: Sequence[str]) -> str:
        vocabulary = self.vocabulary
        for route, words in (
            ("oral", vocabulary.oral),
            ("inhaled", vocabulary.inhaled),
            ("injected", vocabulary.injected),
        ):
            if not words.isdisjoint(texts):
                return route
        return ""

    def _meanings(
        self, texts: Words, at: int, *, imaging: bool
    ) -> tuple[int, tuple[tuple[Words, float], ...]]:
        """Pieces taken and what they may mean."""
        vocabulary = self.vocabulary
        contrast = self._contrast(texts, at)
        if contrast:
            return contrast[0], ((contrast[1], 1.0),)
        if imaging and texts[at] in _CONTRAST:
            return 1, (((_CONTRAST[texts[at]],), 1.0),)
        for size in range(min(vocabulary.longest, len(texts) - at), 0, -1):
            key = texts[at : at + size]
            found: dict[Words, float] = {}
            same = vocabulary.canonical.get(key)
            if same is not None:
                found[same] = 1.0
            for words in vocabulary.abbreviations.get(key, ()):
                found.setdefault(self._again(words), 1.0)
            if found or size == 1:
                break
        if size > 1 or (found and len(key[0]) < _SHORTEST_GUESSED + 1):
            own = (key[0],) if size == 1 and key[0] in self._known and same is None else None
            if own:
                found.setdefault(own, 0.95)
            return size, tuple(found.items())
        piece = key[0]
        if not piece[0].isalnum() or piece in vocabulary.noise:
            return 1, tuple(found.items())
        if piece[0].isdigit() or piece[0] == ".":
            wanted = len(piece) <= _LONGEST_NUMBER and "." not in piece
            return 1, (((piece,), 1.0),) if wanted else ()
        if piece in self._known and same is None:
            found.setdefault((piece,), 1.0)
        for word, weight in self._guesses(piece):
            found.setdefault((word,), min(weight, 0.6) if found and piece in self._known else weight)
        if not found:
            found[(piece,)] = 1.0
        return 1, tuple(found.items())

    def _again(self, words: Words) -> Words:
        """The words of an expansion, made canonical."""
        out: list[str] = []
        i = 0
        while i < len(words):
            size, same = self._canonical(words, i)
            out.extend(same or (words[i],))
            i += size
        return tuple(out)

    def _guess(self, piece: str) -> tuple[tuple[str, float], ...]:
        """Known words that a cut-off, shortened or misspelt word may stand for, likeliest first."""
        if len(piece) < _SHORTEST_GUESSED or not piece.isalpha():
            return ()
        found: list[tuple[float, str]] = []
        for word in self._by_letter.get(piece[0], ()):
            if word == piece:
                continue
            weight = _likeness(piece, word)
            if weight:
                found.append((-weight, word))
        found.sort()
        return tuple((word, -weight) for weight, word in found[:_MOST_GUESSES])


def _likeness(piece: str, word: str) -> float:
    """How likely a piece stands for a longer or similar word, 0 to 1."""
    if word.startswith(piece):
        return 0.72 + 0.26 * len(piece) / len(word) if len(piece) > 3 else 0.45 + 0.4 * len(piece) / len(word)
    if len(piece) > 4 and abs(len(word) - len(piece)) < 3:
        edits = OSA.distance(piece, word, score_cutoff=2)
        if edits == 1:
            return 0.85
        if edits == 2 and len(piece) > 7:
            return 0.7
    if len(piece) > 5 and piece.startswith(word[:6]) and len(word) > 5:
        return 0.6
    if len(word) > len(piece) and piece[-1] in word[2:] and _within(piece, word):
        share = len(piece) / len(word)
        if share < 0.34:
            return 0.0
        skeleton = sum(letter not in "aeiou" for letter in piece) / max(
            1, sum(letter not in "aeiou" for letter in word)
        )
        return min(0.8, 0.35 + 0.25 * share + 0.2 * skeleton) if len(piece) > 3 else 0.3 + 0.3 * skeleton
    return 0.0


def _within(piece: str, word: str) -> bool:
    """Whether the letters of the piece stand in the word in order."""
    at = -1
    for letter in piece:
        at = word.find(letter, at + 1)
        if at < 0:
            return False
    return True
