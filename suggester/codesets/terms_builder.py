"""What the term index is made of while it is compiled: terms, words, and what phrases may be written as."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from suggester.codesets.lexicon import Lexicon
from suggester.codesets.terms import SIDE_WORDS, Source, Target
from suggester.codesets.words import NEUTRAL, NOT_CLASSIFIED, named_words, stem


class TermBuilder:
    """Collects terms and gives every word a number, in the order in which they come."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.stop = {stem(word) for word in lexicon.stop_words}
        self._not_alone = {frozenset(named_words(phrase)) for phrase in lexicon.not_alone}
        self.vocabulary: dict[str, int] = {}
        self.terms: dict[tuple[tuple[int, ...], int, int], tuple[str, Source]] = {}
        self._content: dict[str, tuple[str, ...]] = {}

    def id_of(self, word: str) -> int:
        """Number of a word."""
        return self.vocabulary.setdefault(word, len(self.vocabulary))

    def content(self, phrase: str) -> tuple[str, ...]:
        """Stems of a phrase that say something, each once."""
        found = self._content.get(phrase)
        if found is None:
            plain = NOT_CLASSIFIED.sub(" ", phrase)
            found = tuple(
                w for w in dict.fromkeys(named_words(plain)) if w not in self.stop and w not in NEUTRAL
            )
            self._content[phrase] = found
        return found

    def add(self, phrase: str, target: Target, row: int, source: Source, *, sided: bool = False) -> None:
        """Add a term; ``sided``: laterality is an attribute of the code and leaves the words.

        A diagnosis is not named by words of ``Lexicon.not_alone`` alone: no such term is made.
        """
        stems = [w for w in self.content(phrase) if not (sided and w in SIDE_WORDS)]
        if not stems or (len(stems) == 1 and len(stems[0]) < 2):
            return
        if target == Target.ICD10CM and frozenset(stems) in self._not_alone:
            return
        key = (tuple(sorted(self.id_of(w) for w in stems)), int(target), row)
        if key not in self.terms:
            self.terms[key] = (phrase, source)


def patterns_of(builder: TermBuilder, lexicon: Lexicon) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Word patterns (stop words left out) and the words each adds, closed over two steps."""
    direct: dict[tuple[str, ...], list[str]] = {}
    for left, right in (*lexicon.word_forms, *lexicon.misspellings, *lexicon.synonyms):
        pattern = tuple(w for w in named_words(left) if w not in builder.stop)
        added = [w for w in named_words(right) if w not in builder.stop]
        if pattern and added:
            have = direct.setdefault(pattern, [])
            have.extend(w for w in added if w not in have)
    out: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    for pattern in sorted(direct):
        added = list(direct[pattern])
        for word in _close(added, direct):
            if word not in added:
                added.append(word)
        ids = tuple(builder.id_of(w) for w in added if w not in pattern or len(pattern) > 1)
        if ids:
            out.append((tuple(builder.id_of(w) for w in pattern), ids))
    return out


def _close(stems: Sequence[str], direct: dict[tuple[str, ...], list[str]]) -> Iterable[str]:
    """Words that the patterns inside an expansion add in turn (one step)."""
    for size in (1, 2, 3):
        for start in range(len(stems) - size + 1):
            yield from direct.get(tuple(stems[start : start + size]), ())


def senses_of(
    builder: TermBuilder, lexicon: Lexicon, patterns: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]
) -> list[str]:
    """One JSON line for each sense of an abbreviation: stem, added words, exact form, conditions."""
    by_pattern = dict(patterns)
    out: list[str] = []
    for row in lexicon.senses:
        abbreviation = named_words(row.abbreviation)
        stems = [w for w in named_words(row.expansion) if w not in builder.stop]
        if not abbreviation or not stems:
            continue
        ids = [builder.id_of(w) for w in stems]
        added: list[int] = []
        for size in (1, 2, 3):
            for start in range(len(ids) - size + 1):
                added.extend(by_pattern.get(tuple(ids[start : start + size]), ()))
        near = [builder.id_of(w) for text in row.near for w in named_words(text)]
        not_near = [builder.id_of(w) for text in row.not_near for w in named_words(text)]
        kept = [w for w in abbreviation if w not in builder.stop and w not in NEUTRAL]
        if len(abbreviation) > 1 and len(kept) != len(abbreviation) and len(kept) < 2:
            continue  # what is left of it would match anything
        key = [builder.id_of(w) for w in (kept if len(abbreviation) > 1 else abbreviation)]
        out.append(
            json.dumps(
                [
                    key,
                    list(dict.fromkeys(ids)),
                    [w for w in dict.fromkeys(added) if w not in ids],
                    row.abbreviation if row.exact else None,
                    list(row.sections),
                    near,
                    not_near,
                ]
            )
        )
    return out


def rewrites_of(builder: TermBuilder, lexicon: Lexicon) -> list[str]:
    """What phrases may be written as, one JSON line each: word ids of the phrase, of the other, kind.

    Unlike patterns they keep the alternatives of one phrase apart; search reads them.
    """
    pairs = {
        "form": (*lexicon.word_forms, *lexicon.misspellings),
        "synonym": lexicon.synonyms,
        "abbreviation": tuple((row.abbreviation, row.expansion) for row in lexicon.senses),
    }
    out: dict[str, None] = {}
    for kind, rows in pairs.items():
        for sides in rows:
            left, right = ([builder.id_of(w) for w in named_words(s) if w not in builder.stop] for s in sides)
            if left and right and left != right:
                out[json.dumps([left, right, kind])] = None
    return list(out)
