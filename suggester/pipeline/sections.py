"""Divide a note into titled sections and the problem blocks inside them.

Reads titles in capitals, title case, markdown, bold, underlined, numbered, inline (``Assessment: stable``)
and in the middle of a running line (``Meds: none. Allergies: none.``). Organ systems inside an exam or a
review of systems do not open a section; problem headings inside an assessment or plan (``1. CHF.``, ``#
Diabetes``) are kept as problem blocks.

Examples
--------
>>> import spacy
>>> from suggester.pipeline.tokenizer import ClinicalTokenizer
>>> nlp = spacy.blank("en")
>>> nlp.tokenizer = ClinicalTokenizer(nlp.vocab)
>>> _ = nlp.add_pipe("suggester_sections")
>>> doc = nlp("HPI: cough for 3 days.\\nA/P:\\n1. Pneumonia\\n- amoxicillin\\n")
>>> [(section.kind, section.title) for section in section_table(doc).sections]
[('hpi', 'HPI'), ('assessment_plan', 'A/P')]
>>> problem = section_table(doc).problems[0]
>>> doc[problem.heading[0]:problem.heading[1]].text
'Pneumonia'

Sets ``doc.user_data["suggester.sections"]`` to a ``SectionTable``.

Measured (one core, note of 430 words): 0.3 ms; linear in length.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import Final

from spacy.language import Language
from spacy.tokens import Doc

from suggester.errors import ConfigError
from suggester.pipeline.function_words import PLAN_ITEMS
from suggester.pipeline.headings import Heading, read_heading
from suggester.pipeline.layout import Layout, layout_of
from suggester.pipeline.opening import FORM_FIELDS, PLANS, Opening, TitleJudge, underlined
from suggester.pipeline.problems import ProblemBlock, find_problems
from suggester.pipeline.titles import Titles, join_key, read_titles
from suggester.pipeline.tokenizer import TokenTable, token_table
from suggester.types import Section, Span

SECTIONS: Final = "suggester.sections"
"""Key of the section table in ``doc.user_data``."""

_ASIDES: Final = frozenset(
    ("family", "social", "allergies", "ros", "vitals", "exam", "labs", "imaging", "results")
)
"""Sections, begun beside their title, that a numbered list behind a blank line does not belong to."""

_FULL_STOPS: Final = frozenset(".;!?")
_WRAPPED: Final = 60
"""A line of more characters than this may go on in the next."""
_RELATIVES: Final = frozenset(
    (
        *("mother", "father", "mom", "dad", "parent", "parents", "sister", "sisters", "brother", "brothers"),
        *(
            "sibling",
            "siblings",
            "son",
            "sons",
            "daughter",
            "daughters",
            "child",
            "children",
            "twin",
            "niece",
        ),
        *("aunt", "aunts", "uncle", "uncles", "cousin", "cousins", "nephew", "grandmother", "grandfather"),
        *(
            "grandparents",
            "grandma",
            "grandpa",
            "maternal",
            "paternal",
            "mgm",
            "mgf",
            "pgm",
            "pgf",
            "mat",
            "pat",
        ),
        *("gm", "gf", "sis", "bro", "sib", "sibs", "family", "familial", "relative", "relatives", "kindred"),
        *("ma", "pa", "fa", "mo", "half", "adopted"),
    )
)

_SAMPLE: Final = 400
"""So many tokens decide whether a note is typed in capitals …"""

_CAPITALS: Final = 20
"""… if more of them than this are words in capitals."""


@dataclass(slots=True)
class SectionTable:
    """The sections of one note.

    Attributes
    ----------
    sections
        In order, without gaps: the first begins at 0, the last ends with the text. The text before the first
        title is a section of kind ``header`` with an empty title.
    token_section
        For each token, the index of its section.
    problems
        Problem blocks in order of their headings.
    heading_tokens
        For each section, the half-open token range of its title (empty for the text before the first title).
    """

    sections: list[Section] = field(default_factory=list)
    token_section: list[int] = field(default_factory=list)
    problems: list[ProblemBlock] = field(default_factory=list)
    heading_tokens: list[tuple[int, int]] = field(default_factory=list)
    _kinds: list[str] | None = field(default=None, repr=False, compare=False)

    def token_kinds(self) -> list[str]:
        """Kind of the section of each token, worked out once."""
        if self._kinds is None:
            self._kinds = self.by_token([section.kind for section in self.sections])
        return self._kinds

    def by_token[T](self, values: list[T]) -> list[T]:
        """For each token, the value of its section."""
        out: list[T] = []
        for number, value in enumerate(values):
            out += [value] * (bisect_left(self.token_section, number + 1) - len(out))
        return out

    def kind_at(self, token: int) -> str:
        """Kind of the section that holds a token."""
        return self.sections[self.token_section[token]].kind

    def problem_at(self, token: int) -> ProblemBlock | None:
        """The problem block whose heading or body holds a token."""
        number = bisect_right(self.problems, token, key=lambda block: block.heading[0]) - 1
        if number < 0:
            return None
        block = self.problems[number]
        return block if token < max(block.heading[1], block.body[1]) else None


class SectionFinder:
    """Finds the sections of one note; holds nothing but the vocabulary.

    Parameters
    ----------
    titles
        The vocabulary of titles.
    """

    def __init__(self, titles: Titles) -> None:
        self.titles = titles
        self.judge = TitleJudge(titles)
        self._last_words = frozenset(key.rsplit(" ", 1)[-1] for key in titles.titles)

    def match(self, table: TokenTable, layout: Layout) -> SectionTable:
        """Compute the section table; writes nothing."""
        opened = [Opening("header", 0, 0, 0, 0)]
        caps_note = _mostly_capitals(table)
        headings: dict[int, Heading] = {}
        colons = [index for index in table.marks if table.text[index] == ":"]
        marks = layout.mark
        rules = "rule" in marks
        for line, first in enumerate(layout.first):
            if first < 0 or marks[line] == "rule":
                continue
            heading = read_heading(table, layout, line)
            end = layout.last[line] + 1
            scan = first
            if heading is not None:
                headings[line] = heading
                kind = self.judge.opens(table, layout, line, heading, opened[-1], caps_note)
                if kind is not None:
                    level = layout.level[line] or int(rules and underlined(layout, line))
                    opened.append(Opening(kind, first, heading.start, heading.stop, heading.body, level))
                scan = heading.body
            if opened[-1].first < first:
                kind = self._untitled(table, layout, line, opened[-1])
                if kind is not None:
                    opened.append(Opening(kind, first, first, first, first))
            if scan < end and colons:
                self._inside_line(table, scan, end, opened, colons)
        return self._table(table, layout, opened, headings)

    @staticmethod
    def _untitled(table: TokenTable, layout: Layout, line: int, current: Opening) -> str | None:
        """What opens without a title, where the section before was begun beside its title.

        A numbered list behind a blank line is what was concluded (*FH: father MI.*, then *1. Hypertension*).
        What follows a line on the family is not about the family, unless it goes on or names a relative.
        """
        if current.kind not in _ASIDES or current.body > layout.last[table.line[current.first]]:
            return None
        first, before = layout.first[line], layout.last[line - 1]
        gap = layout.first[line - 1] < 0
        if gap and layout.mark[line] == "number" and layout.number[line] == 1:
            return "assessment_plan"
        if current.kind != "family":
            return None
        if gap:
            return "other"
        wrapped = table.text[before] not in _FULL_STOPS and (
            table.text[first][0].islower()
            or table.end[before] - table.start[layout.first[line - 1]] > _WRAPPED
        )
        marked = layout.mark[line] in ("bullet", "check")
        if wrapped or marked or not _RELATIVES.isdisjoint(table.lower[first : layout.last[line] + 1]):
            return None
        return "other"

    def _inside_line(
        self, table: TokenTable, begin: int, end: int, opened: list[Opening], colons: list[int]
    ) -> None:
        """Titles in the middle of a line: after a sentence end, a bar, bold marks or a gap, with a colon."""
        text, is_word = table.text, table.is_word
        for colon in colons[bisect_right(colons, begin) : bisect_left(colons, end)]:
            stop = colon
            while stop > begin and text[stop - 1] in "*_":
                stop -= 1
            if stop <= begin or not is_word[stop - 1] or table.lower[stop - 1] not in self._last_words:
                continue
            found = self._title_before(table, begin, stop)
            if found is None:
                continue
            start, kind, strength = found
            bold = text[start - 1] in "*_"
            capitals = all(text[index].isupper() for index in range(start, stop) if is_word[index])
            current = opened[-1].kind
            if kind == current or kind in FORM_FIELDS or (strength == "weak" and not bold and not capitals):
                continue
            if current in PLANS and kind in PLAN_ITEMS and not bold and not capitals:
                continue
            body = colon + 1
            while body < end and (
                text[body] in "*_" or table.is_space[body] or (text[body] == "," and capitals)
            ):
                body += 1
            first = start
            while first > begin and text[first - 1] in "*_":
                first -= 1
            opened.append(Opening(kind, first, start, stop, body))

    def _title_before(self, table: TokenTable, begin: int, stop: int) -> tuple[int, str, str] | None:
        """The longest title that ends before ``stop`` and begins where a title may begin."""
        text, lower, is_word = table.text, table.lower, table.is_word
        best = None
        parts: list[str] = []
        index = stop - 1
        words = 0
        while index >= begin and words < 6:
            piece = text[index]
            if is_word[index]:
                words += 1
                parts.append(lower[index])
                before = index - 1
                free = before >= begin and (text[before] in ".;|*_)," or table.is_space[before])
                if before < begin and begin:
                    free = not is_word[begin - 1]
                if free and piece[0].isupper():
                    found = self.titles.titles.get(join_key(parts[::-1]))
                    if found is not None and (text[before] != "," or piece.isupper()):
                        best = (index, *found)
            elif piece in "&/+":
                parts.append("and")
            elif piece != "-":
                break
            index -= 1
        return best

    def _table(
        self, table: TokenTable, layout: Layout, opened: list[Opening], headings: dict[int, Heading]
    ) -> SectionTable:
        size = len(table)
        length = table.length
        if len(opened) > 1 and all(table.is_space[: opened[1].first]):
            del opened[0]
            opened[0].first = 0
        out = SectionTable()
        token_section = out.token_section
        starts = [*table.start, length]
        limits = [item.first for item in opened[1:]]
        limits.append(size)
        text = table.text
        end = 0
        for number, (item, limit) in enumerate(zip(opened, limits, strict=True)):
            begin, end = end, starts[limit]
            whole = body = _span(begin, end)
            start, stop = item.start, item.stop
            title = ""
            if stop > start:
                title = text[start] if stop == start + 1 else _slice(table, start, stop)
                body = _span(starts[item.body if item.body < limit else limit], end)
            out.sections.append(_section(item.kind, title, whole, body))
            out.heading_tokens.append((start, stop))
            token_section += [number] * (limit - len(token_section))
        kinds = [item.kind for item in opened]
        out.problems = find_problems(table, layout, token_section, kinds, out.heading_tokens, headings)
        return out


_SPAN: Final = tuple(vars(Span)[name].__set__ for name in ("start", "end"))
_SECTION: Final = tuple(vars(Section)[name].__set__ for name in ("kind", "title", "span", "body"))
"""Setters of the slots of a section and its spans: a note of titles alone has thousands of them, and tokens
in order need no check that they are."""


def _span(start: int, end: int) -> Span:
    made = Span.__new__(Span)
    set_start, set_end = _SPAN
    set_start(made, start)
    set_end(made, end)
    return made


def _section(kind: str, title: str, span: Span, body: Span) -> Section:
    made = Section.__new__(Section)
    set_kind, set_title, set_span, set_body = _SECTION
    set_kind(made, kind)
    set_title(made, title)
    set_span(made, span)
    set_body(made, body)
    return made


def _slice(table: TokenTable, start: int, stop: int) -> str:
    """The text of a token range, blanks between tokens as single ones."""
    parts: list[str] = []
    for index in range(start, stop):
        if parts and table.start[index] > table.end[index - 1]:
            parts.append(" ")
        parts.append(table.text[index])
    return "".join(parts)


def _mostly_capitals(table: TokenTable) -> bool:
    """Whether the note is typed in capitals throughout, so that capitals mark no heading."""
    sample = table.text[:_SAMPLE]
    upper = sum([len(piece) > 2 and piece.isalpha() for piece in filter(str.isupper, sample)])
    if upper <= _CAPITALS:
        return False
    return upper > 3 * (sum([len(piece) > 2 and piece.isalpha() for piece in sample]) - upper)


def section_table(doc: Doc) -> SectionTable:
    """The section table of a document.

    Raises
    ------
    ConfigError
        If ``suggester_sections`` has not run on it.
    """
    found = doc.user_data.get(SECTIONS)
    if not isinstance(found, SectionTable):
        raise ConfigError("the document has no sections: add the pipe 'suggester_sections' first")
    return found


class SectionsComponent:
    """spaCy component: ``match`` computes, ``set_annotations`` writes."""

    def __init__(self, *, titles: Titles | None = None) -> None:
        self.finder = SectionFinder(titles or read_titles())

    def match(self, doc: Doc) -> SectionTable:
        """The section table of a document; writes nothing but the token table and the layout."""
        return self.finder.match(token_table(doc), layout_of(doc))

    def set_annotations(self, doc: Doc, sections: SectionTable) -> None:
        """Keep the table in ``doc.user_data``."""
        doc.user_data[SECTIONS] = sections

    def __call__(self, doc: Doc) -> Doc:
        """Find and keep the sections."""
        self.set_annotations(doc, self.match(doc))
        return doc


@Language.factory("suggester_sections", assigns=[], requires=[])
def create_sections(nlp: Language, name: str) -> SectionsComponent:
    """Factory of ``suggester_sections``; sets ``doc.user_data["suggester.sections"]``."""
    return SectionsComponent()
