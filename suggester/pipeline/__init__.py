"""The reader: a spaCy pipeline from note text to sections, sentences, mentions and assertion."""

from __future__ import annotations

import spacy
from spacy.language import Language

from suggester.codesets.terms import TermIndex
from suggester.pipeline import assertion, attributes, sections, sentences  # noqa: F401 - importing registers the factories
from suggester.pipeline.mentions import keep_open
from suggester.pipeline.reading import Reading
from suggester.pipeline.tokenizer import ClinicalTokenizer

__all__ = ["Reading", "build_reader"]

COMPONENTS = ("suggester_sections", "suggester_sentences", "suggester_assertion", "suggester_attributes")
"""Factories of the components that need no code sets, in their order."""


def build_reader(terms: TermIndex) -> Language:
    """The pipeline over a term index, on ``spacy.blank("en")``."""
    nlp = spacy.blank("en")
    nlp.tokenizer = ClinicalTokenizer(nlp.vocab)
    for name in COMPONENTS:
        nlp.add_pipe(name)
    keep_open(terms)
    nlp.add_pipe("suggester_mentions", config={"terms": str(terms.path)})
    return nlp
