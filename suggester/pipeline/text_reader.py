"""Read the text of a note without a document of spaCy for it.

The engine wants a ``Reading`` alone, so that making a document and writing to it would be work for nothing.
The finders are those of the components that ``build_reader`` joins, in the same order, and give the same.
"""

from __future__ import annotations

from typing import Self

from suggester.codesets.terms import TermIndex
from suggester.pipeline.assertion import AssertionComponent, AssertionFinder
from suggester.pipeline.attributes import AttributeFinder, AttributesComponent
from suggester.pipeline.cues_compiled import open_cues
from suggester.pipeline.layout import read_layout
from suggester.pipeline.mentions import MentionFinder
from suggester.pipeline.reading import Reading
from suggester.pipeline.sections import SectionFinder, SectionsComponent
from suggester.pipeline.sentences import SentenceFinder, SentencesComponent
from suggester.pipeline.tokenizer import cut


class TextReader:
    """Reads notes.

    Parameters
    ----------
    sections, sentences, assertion, attributes, mentions
        What finds each, in this order.
    """

    def __init__(
        self,
        *,
        sections: SectionFinder,
        sentences: SentenceFinder,
        assertion: AssertionFinder,
        attributes: AttributeFinder,
        mentions: MentionFinder,
    ) -> None:
        self._sections, self._sentences = sections, sentences
        self._assertion, self._attributes, self._mentions = assertion, attributes, mentions

    @classmethod
    def over(cls, terms: TermIndex, *, voting: bool = True) -> Self:
        """The reader over a term index; with ``voting=False`` assertion goes by cues alone."""
        return cls(
            sections=SectionsComponent().finder,
            sentences=SentencesComponent().finder,
            assertion=AssertionComponent(book=open_cues(terms.path.parent), voting=voting).finder,
            attributes=AttributesComponent().finder,
            mentions=MentionFinder(terms, spans=False),
        )

    def read(self, text: str) -> Reading:
        """What a text says."""
        table, _ = cut(text)
        layout = read_layout(table)
        sections = self._sections.match(table, layout)
        sentences = self._sentences.match(table, layout, sections)
        assertion = self._assertion.match(table, sentences, sections)
        attributes = self._attributes.match(table, sentences, sections)
        words, matches = self._mentions.find(table, layout, sections, sentences.index)
        return Reading.joined(
            table=table,
            sections=sections,
            sentence=sentences.index,
            words=words,
            matches=matches,
            assertion=assertion,
            attributes=attributes,
        )


__all__ = ["TextReader"]
