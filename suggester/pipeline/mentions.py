"""spaCy component ``suggester_mentions``: finds the terms of the compiled index in a note.

Reads the token table, sections and sentences of the components before it, writes the ids of the note's words
and the matched terms to ``doc.user_data`` (for ranking) and the complete matches to
``doc.spans["suggester"]``.
Words may be inflected, reordered, apart, abbreviated or one edit off; see ``matching`` and ``wordids``.
"""

from __future__ import annotations

from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, Span

from suggester.codesets.terms import Source, Target, TermIndex
from suggester.pipeline.layout import Layout, layout_of
from suggester.pipeline.matching import COMPLETE, Matches, TermMatcher
from suggester.pipeline.sections import section_table
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
        self._labels: dict[int, Label] = {}

    def match(self, doc: Doc) -> tuple[WordIds, Matches]:
        """Ids of the words and matched terms; writes nothing."""
        table = token_table(doc)
        sections = section_table(doc)
        kinds = [section.kind for section in sections.sections]
        section_of = [kinds[i] for i in sections.token_section]
        is_word = _without_markers(table, layout_of(doc))
        for section, (begin, end) in zip(sections.sections, sections.heading_tokens, strict=True):
            if section.kind not in _SPEAKING_TITLES:
                is_word[begin:end] = [False] * (end - begin)
        words = self._reader.read(table.lower, table.text, is_word, sentence_index(doc), section_of)
        return words, self._matcher.match(words)

    def set_annotations(self, doc: Doc, words: WordIds, matches: Matches) -> None:
        """Write what ``match`` found to the doc."""
        doc.user_data[WORDS_KEY] = words
        doc.user_data[MATCHES_KEY] = matches
        if not self.spans:
            return
        complete = (matches.coverage >= COMPLETE).nonzero()[0]
        spans = {
            (first, final + 1, self._label(term))
            for first, final, term in zip(
                matches.first[complete].tolist(),
                matches.final[complete].tolist(),
                matches.term[complete].tolist(),
                strict=True,
            )
        }
        doc.spans[SPANS_KEY] = [Span(doc, start, end, label=label) for start, end, label in sorted(spans)]

    def _label(self, term: int) -> Label:
        """The label of a term, from memory where it was met before."""
        found = self._labels.get(term)
        if found is None:
            found = self._labels[term] = label_of(self.terms, term)
        return found

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


def label_of(terms: TermIndex, term: int) -> Label:
    """What kind of thing a term names."""
    target = int(terms.term_target[term])
    if target == Target.CPT:
        return "procedure"
    if target == Target.DRUG or terms.term_source[term] == Source.HCPCS_DRUG:
        return "drug"
    return "supply" if target == Target.HCPCS else "diagnosis"
