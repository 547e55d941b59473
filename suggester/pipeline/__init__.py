"""The reader: a spaCy pipeline from note text to sections, sentences, mentions and assertion."""

from __future__ import annotations

from collections.abc import Callable

from suggester.spacy_start import start_spacy

start_spacy()  # before any other import of spaCy, below

import spacy  # noqa: E402
from spacy.language import Language  # noqa: E402
from spacy.util import registry  # noqa: E402

from suggester.codesets.terms import TermIndex  # noqa: E402
from suggester.pipeline import (  # noqa: E402, F401 - importing registers the factories
    assertion,
    attributes,
    sections,
    sentences,
)
from suggester.pipeline.mentions import keep_open  # noqa: E402
from suggester.pipeline.reading import Reading  # noqa: E402
from suggester.pipeline.text_reader import TextReader  # noqa: E402
from suggester.pipeline.tokenizer import ClinicalTokenizer  # noqa: E402

__all__ = ["Reading", "TextReader", "build_reader"]

TOKENIZER = "suggester.ClinicalTokenizer.v1"
"""Registered name of the tokenizer, so that spaCy does not build its own first."""


def _create_tokenizer() -> Callable[[Language], ClinicalTokenizer]:
    return lambda nlp: ClinicalTokenizer(nlp.vocab)


registry.tokenizers.register(TOKENIZER, func=_create_tokenizer)


COMPONENTS = ("suggester_sections", "suggester_sentences", "suggester_assertion", "suggester_attributes")
"""Factories of the components that need no code sets, in their order."""


def build_reader(terms: TermIndex, *, spans: bool = True) -> Language:
    """The pipeline over a term index, on ``spacy.blank("en")``.

    ``spans=False`` leaves ``doc.spans`` out, which ranking does not need.
    """
    nlp = spacy.blank("en", config={"nlp": {"tokenizer": {"@tokenizers": TOKENIZER}}})
    for name in COMPONENTS:
        compiled = {"compiled": str(terms.path.parent)} if name == "suggester_assertion" else {}
        nlp.add_pipe(name, config=compiled)
    keep_open(terms)
    nlp.add_pipe("suggester_mentions", config={"terms": str(terms.path), "spans": spans})
    return nlp
