"""The matcher on whole arrays against a slow, obvious oracle: one sentence, one term, one word at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from engine_world import read_words, small_terms
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from suggester.codesets import Catalog
from suggester.codesets.terms import Source, TermIndex
from suggester.pipeline import matching
from suggester.pipeline.matching import COMPLETE, MIN_COVERAGE, Matches, TermMatcher
from suggester.pipeline.pages import MAX_WIDTH
from suggester.pipeline.wordids import WordIds, WordReader

_NEAR_EDGE = 1e-4
"""Coverages so near the smallest allowed may fall on either side: the matcher counts in single precision."""


@dataclass(frozen=True)
class Hit:
    """One match as the oracle and the matcher both say it."""

    term: int
    sentence: int
    anchor: int
    first: int
    final: int
    hits: int
    own: int
    coverage: float
    density: float
    weight: float
    dominated: bool = False

    def key(self) -> tuple[int, ...]:
        place = (self.term, self.sentence, self.anchor, self.first, self.final)
        return (*place, self.hits, self.own, self.dominated)


def hits_of(matches: Matches) -> list[Hit]:
    return [
        Hit(
            term=int(matches.term[i]),
            sentence=int(matches.sentence[i]),
            anchor=int(matches.anchor[i]),
            first=int(matches.first[i]),
            final=int(matches.final[i]),
            hits=int(matches.hits[i]),
            own=int(matches.own[i]),
            coverage=float(matches.coverage[i]),
            density=float(matches.density[i]),
            weight=float(matches.weight[i]),
            dominated=bool(matches.dominated[i]),
        )
        for i in range(len(matches))
    ]


def oracle(terms: Any, words: WordIds, among: Iterable[int]) -> list[Hit]:
    """Matches of the terms ``among``: in each sentence, for each place of the rarest word of a term, take the
    nearest place of each other word (the later of two equally near), and weigh what is there. What lies in a
    heavier, close and complete match is dominated; parts of terms that are dominated are left out."""
    entries = list(
        zip(
            words.ids.tolist(),
            words.place.tolist(),
            words.last.tolist(),
            words.sentence.tolist(),
            words.own.tolist(),
            strict=True,
        )
    )
    by_sentence: dict[int, dict[int, list[tuple[int, int, bool]]]] = {}
    for word, place, last, sentence, own in entries:
        by_sentence.setdefault(sentence, {}).setdefault(word, []).append((place, last, own))
    out = []
    for term in among:
        ids = terms.term_word[terms.term_ptr[term] : terms.term_ptr[term + 1]].tolist()
        if terms.term_source[term] == Source.HCPCS_SHORT:
            continue
        for sentence, here in by_sentence.items():
            for anchor, _, _ in here.get(ids[0], ()):
                chosen = []
                for word in ids:
                    after = [item for item in here.get(word, ()) if item[0] >= anchor]
                    before = [item for item in here.get(word, ()) if item[0] < anchor]
                    near = [*after[:1], *before[-1:]]
                    near = [item for item in near if abs(item[0] - anchor) <= MAX_WIDTH]
                    if near:
                        chosen.append((word, min(near, key=lambda item: abs(item[0] - anchor))))
                weight = math.fsum(float(terms.idf[word]) for word, _ in chosen)
                coverage = weight / max(float(terms.term_weight[term]), 1e-6)
                least = COMPLETE if terms.term_complete[term] else MIN_COVERAGE
                if coverage < least - _NEAR_EDGE:
                    continue
                first = min(place for _, (place, _, _) in chosen)
                final = max(last for _, (_, last, _) in chosen)
                out.append(
                    Hit(
                        term=term,
                        sentence=sentence,
                        anchor=words.place_token[anchor],
                        first=words.place_token[first],
                        final=words.place_token[final],
                        hits=len(chosen),
                        own=sum(own for _, (_, _, own) in chosen),
                        coverage=min(coverage, 1.0),
                        density=min(len(chosen) / (final - first + 1), 1.0),
                        weight=weight,
                    )
                )
    strong = [other for other in out if other.coverage > 0.999 and other.density >= 0.5]
    marked = []
    for hit in out:
        around = [s for s in strong if s.first <= hit.first and hit.final <= s.final]
        inside = any(hit.weight < other.weight - 1e-4 for other in around)
        if not inside or hit.coverage > 0.999:
            marked.append(replace(hit, dominated=inside))
    return marked


def compare(matches: Matches, expected: Sequence[Hit]) -> None:
    """The matcher says what the oracle says; at the edge of coverage it may say more or less."""

    def firm(hits: Iterable[Hit]) -> list[Hit]:
        return sorted((h for h in hits if h.coverage > MIN_COVERAGE + _NEAR_EDGE), key=Hit.key)

    said, wanted = firm(hits_of(matches)), firm(expected)
    assert [h.key() for h in said] == [h.key() for h in wanted]
    for one, other in zip(said, wanted, strict=True):
        assert one.coverage == pytest.approx(other.coverage, abs=1e-4)
        assert one.density == pytest.approx(other.density, abs=1e-5)
        assert one.weight == pytest.approx(other.weight, rel=1e-4, abs=1e-5)
    allowed = {h.key() for h in expected}
    assert all(h.key() in allowed for h in hits_of(matches))


# --- random small worlds ----------------------------------------------------------------------------


def tiny_terms(terms: Sequence[frozenset[int]], idf: Sequence[float], sources: Sequence[int]) -> Any:
    """A term index that holds what the matcher reads."""
    weight = np.array(idf, dtype=np.float32)
    rows = [sorted(term, key=lambda word: (-weight[word], word)) for term in terms]
    hung: list[list[int]] = [[] for _ in idf]
    for number, row in enumerate(rows):
        hung[row[0]].append(number)
    # every third term with a word of its own stands for those with a negating word
    whole = np.array([number % 3 == 2 for number in range(len(rows))], dtype=np.bool_)
    return SimpleNamespace(
        idf=weight,
        term_ptr=np.cumsum([0, *map(len, rows)], dtype=np.int32),
        term_word=np.array([word for row in rows for word in row], dtype=np.int32),
        term_weight=np.array([float(weight[row].sum()) for row in rows], dtype=np.float32),
        term_source=np.array(sources, dtype=np.int8),
        term_whole=whole,
        term_complete=whole | (np.array(sources, dtype=np.int8) == Source.INDEX),
        anchor_ptr=np.cumsum([0, *map(len, hung)], dtype=np.int32),
        anchor_term=np.array([term for row in hung for term in row], dtype=np.int32),
    )


def word_ids(entries: Sequence[tuple[int, int, int, bool]], sentence_of: Sequence[int]) -> WordIds:
    """Word ids of ``(id, place, last, own)``, with a token left out before every place."""
    rows = sorted(entries, key=lambda item: item[:2])
    column = [np.array([row[i] for row in rows], dtype=np.int32) for i in range(3)]
    return WordIds(
        ids=column[0],
        place=column[1],
        last=column[2],
        sentence=np.array([sentence_of[row[1]] for row in rows], dtype=np.int32),
        own=np.array([row[3] for row in rows], dtype=np.bool_),
        place_token=tuple(2 * place + 1 for place in range(len(sentence_of))),
        by_sentence=(),
        sides=(),
        corrected=frozenset(),
    )


SIZE = 8


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Any, WordIds]:
    term = st.frozensets(st.integers(0, SIZE - 1), min_size=1, max_size=4)
    terms = draw(st.lists(term, min_size=1, max_size=12))
    weights = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.5, 5.0])
    idf = draw(st.lists(weights, min_size=SIZE, max_size=SIZE))
    sources = draw(
        st.lists(st.sampled_from([0, 4, int(Source.HCPCS_SHORT)]), min_size=len(terms), max_size=len(terms))
    )
    lengths = draw(st.lists(st.integers(1, 40), min_size=1, max_size=4))
    sentence_of = [number for number, length in enumerate(lengths) for _ in range(length)]
    entries = []
    for place in range(len(sentence_of)):
        for word in draw(st.lists(st.integers(0, SIZE - 1), max_size=2)):
            end = min(place + draw(st.integers(0, 2)), len(sentence_of) - 1)
            last = end if sentence_of[end] == sentence_of[place] else place
            entries.append((word, place, last, draw(st.booleans())))
    return tiny_terms(terms, idf, sources), word_ids(entries, sentence_of)


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_any_small_world_matches_as_the_oracle_says(world: tuple[Any, WordIds]) -> None:
    terms, words = world
    compare(TermMatcher(terms).match(words), oracle(terms, words, range(len(terms.term_weight))))


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_matching_in_runs_finds_what_matching_at_once_finds(world: tuple[Any, WordIds]) -> None:
    terms, words = world
    assume(len(words.ids))
    whole = hits_of(TermMatcher(terms).match(words))
    for limits in ({"_CHUNK": 8}, {"_BLOCK": 4}, {"_CELLS": 3}, {"_BLOCK": 2, "_CELLS": 0}):
        with pytest.MonkeyPatch.context() as patch:
            for name, limit in limits.items():
                patch.setattr(matching, name, limit)
            parts = hits_of(TermMatcher(terms).match(words))
        if "_CHUNK" in limits:
            assert sorted(map(repr, parts)) == sorted(map(repr, whole))
        else:
            assert parts == whole


# --- the index of this installation -----------------------------------------------------------------


@pytest.fixture(scope="module")
def real(catalog: Catalog) -> tuple[TermIndex, WordReader, TermMatcher]:
    terms = catalog.release_set()[0].terms
    return terms, WordReader(terms), TermMatcher(terms)


def anchored(terms: TermIndex, words: WordIds) -> list[int]:
    """Every term whose rarest word is in the note."""
    return [
        term
        for word in sorted(set(words.ids.tolist()))
        for term in terms.anchor_term[terms.anchor_ptr[word] : terms.anchor_ptr[word + 1]].tolist()
    ]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_sentences_made_of_index_words_match_as_the_oracle_says(
    real: tuple[TermIndex, WordReader, TermMatcher], data: st.DataObject
) -> None:
    terms, reader, matcher = real
    phrases = st.integers(0, len(terms.term_row) - 1).map(lambda i: terms.phrases[i].split())
    fillers = st.sampled_from([["pain", "left"], ["of", "the"], ["knee", "and", "hip"], ["."], ["xyzzy"] * 3])
    pieces = data.draw(st.lists(st.one_of(phrases, phrases, fillers), min_size=1, max_size=7))
    written: list[str] = []
    for piece in pieces:
        order = data.draw(st.permutations(piece)) if data.draw(st.booleans()) else piece
        written.extend(order[data.draw(st.integers(0, 1)) :])
    words = read_words(reader, " ".join(written))
    compare(matcher.match(words), oracle(terms, words, anchored(terms, words)))


def test_every_phrase_of_a_sample_is_found_whole_in_its_own_words(
    real: tuple[TermIndex, WordReader, TermMatcher],
) -> None:
    terms, reader, matcher = real
    tried = 0
    for term in range(0, len(terms.term_row), 997):
        if terms.term_source[term] == Source.HCPCS_SHORT or terms.term_weight[term] <= 0:
            continue
        own = terms.phrases[term].replace(".", " ")
        words = read_words(reader, own)
        if not set(terms.term_words(term)) <= set(words.ids.tolist()):
            continue  # laterality and words in brackets leave a title
        matches = matcher.match(words)
        whole = {int(t) for t, c in zip(matches.term, matches.coverage, strict=True) if c > 0.999}
        assert term in whole, own
        tried += 1
    assert tried > 70


# --- single rules -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[TermIndex, WordReader, TermMatcher]:
    terms = small_terms(tmp_path_factory.mktemp("match"))
    return terms, WordReader(terms), TermMatcher(terms)


def whole_phrases(small: tuple[TermIndex, WordReader, TermMatcher], text: str) -> set[str]:
    terms, reader, matcher = small
    matches = matcher.match(read_words(reader, text))
    return {terms.phrases[int(t)] for t, c in zip(matches.term, matches.coverage, strict=True) if c > 0.999}


@pytest.mark.parametrize(
    ("text", "phrase", "there"),
    [
        ("chest pain", "chest pain", True),
        ("pain in the chest", "chest pain", True),
        ("pains xyzzy xyzzy chest", "chest pain", True),
        ("chest . pain", "chest pain", False),
        ("chest " + "xyzzy " * 23 + "pain", "chest pain", True),
        ("chest " + "xyzzy " * 24 + "pain", "chest pain", False),
        ("HF", "heart failure", True),
        ("sugar trouble", "diabetes", True),
    ],
)
def test_words_apart_reordered_and_expanded_match_within_a_sentence(
    small: tuple[TermIndex, WordReader, TermMatcher], text: str, phrase: str, there: bool
) -> None:
    assert (phrase in whole_phrases(small, text)) is there


def test_density_and_span_measure_how_far_the_words_are_spread(
    small: tuple[TermIndex, WordReader, TermMatcher],
) -> None:
    terms, reader, matcher = small
    at = {phrase: i for i, phrase in enumerate(terms.phrases)}
    text = "chest xyzzy of xyzzy pain"
    (hit,) = [h for h in hits_of(matcher.match(read_words(reader, text))) if h.term == at["chest pain"]]
    assert (hit.first, hit.final, hit.hits, hit.own) == (0, 4, 2, 2)
    assert hit.density == pytest.approx(2 / 4)
    (hit,) = [h for h in hits_of(matcher.match(read_words(reader, "dyspneic"))) if h.coverage > 0.999]
    assert (hit.hits, hit.own, hit.density) == (2, 0, 1.0)


def test_each_place_of_the_rarest_word_is_a_match_of_its_own(
    small: tuple[TermIndex, WordReader, TermMatcher],
) -> None:
    _, reader, matcher = small
    matches = hits_of(matcher.match(read_words(reader, "pneumonia . pneumonia pneumonia")))
    whole = [h for h in matches if h.coverage > 0.999]
    assert sorted((h.anchor, h.sentence) for h in whole) == [(0, 0), (2, 1), (3, 1)]


def test_part_of_a_term_counts_from_the_smallest_coverage_on(
    small: tuple[TermIndex, WordReader, TermMatcher],
) -> None:
    terms, reader, _ = small
    words = read_words(reader, "congestive failure")
    strict = TermMatcher(terms, min_coverage=0.999).match(words)
    loose = TermMatcher(terms, min_coverage=0.3).match(words)
    at = list(terms.phrases).index("congestive heart failure")
    assert at not in strict.term
    assert at in loose.term
    assert (loose.coverage >= 0.3).all()
    assert (loose.coverage <= 1.0).all()


def test_what_lies_inside_a_heavier_whole_match_is_dominated(
    small: tuple[TermIndex, WordReader, TermMatcher],
) -> None:
    terms, reader, matcher = small

    def found(text: str) -> dict[str, bool]:
        hits = hits_of(matcher.match(read_words(reader, text)))
        return {terms.phrases[h.term]: h.dominated for h in hits}

    assert found("heart failure") == {"heart failure": False}
    assert found("congestive heart failure") == {"congestive heart failure": False, "heart failure": True}
    far = found("congestive xyzzy xyzzy xyzzy xyzzy heart failure")
    assert far == {"congestive heart failure": False, "heart failure": False}


def test_a_note_without_known_words_matches_nothing_and_leaves_no_trace(
    small: tuple[TermIndex, WordReader, TermMatcher], tmp_path: Path
) -> None:
    _, reader, matcher = small
    for text in ("", "xyzzy of the"):
        matches = matcher.match(read_words(reader, text))
        assert len(matches) == 0
        assert {getattr(matches, name).shape for name in Matches.__dataclass_fields__} == {(0,)}
    matcher.match(read_words(reader, "chest pain pneumonia"))
    assert not matcher._slot.any()
    assert not matcher._cells.any()
    assert len(matcher.match(read_words(reader, "xyzzy"))) == 0
