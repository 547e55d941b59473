"""Hostile notes: the whole reader reads whatever is written exactly, in time that grows with its length.

The corpus is built here: pieces written over until there are ten thousand characters, each meant for a part
of the reader that might look far ahead or back. Growth is counted in calls, never timed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise

import pytest
from spacy.language import Language

from suggester.codesets import Catalog
from suggester.pipeline import build_reader
from suggester.pipeline.assertion import AssertionComponent
from suggester.pipeline.mentions import SPANS_KEY
from suggester.pipeline.reading import Reading
from suggester.pipeline.sections import section_table
from suggester.pipeline.sentences import sentence_index
from suggester.pipeline.tokenizer import token_table

SIZE = 10_000
MOST_GROWTH = 2.6
"""Time for twice the text, by the time for it: 2 is linear, 4 is quadratic."""

PIECES = {
    # layout
    "letters a line": "a\n",
    "capitals a line": "A\n",
    "newlines": "\n",
    "line ends of DOS": "\r\n",
    "old line ends and form feeds": "\r\f\v",
    "Unicode line ends": "\u2028\u2029\x85",
    "blank lines and letters": "\n\n\na",
    "tabs": "\t",
    "words and tabs": "pain\t\t",
    "blanks": " ",
    "non-breaking spaces": "\u00a0",
    "blanks before each word": "          x",
    "bullets": "- ",
    "bullets a line": "-\n",
    "round bullets a line": "• pain\n",
    "stars": "*",
    "bold": "**pain** ",
    "open bold": "** a ",
    "numbers a line": "1.\n",
    "numbered items in a row": "1. pain 2) rash ",
    "list of one-word items": "1. fever\n2. cough\n",
    "hashes": "#",
    "hashes and words": "# pain ",
    "rules": "---",
    "rules a line": "---\n",
    "underlined titles": "PLAN\n----\n",
    "equals signs": "=",
    "table cells": "| a ",
    "boxes": "[x]",
    "empty boxes": "[ ] ",
    "boxes with words": "[x] cough [ ] fever ",
    "yes and no boxes": "( ) yes (x) no ",
    "past that no cue tells": "shingles troubled her one winter ",
    # headings
    "header-like lines": "ASSESSMENT AND PLAN\n",
    "headers with colons": "Plan:\n",
    "headers in a row": "HPI: PMH: ROS: ",
    "unknown headers": "Zorp Quux:\n",
    "letter and colon": "a: ",
    "colons": ":",
    "words without an end in capitals": "VERY LONG TITLE ",
    "problem headings": "# 1 Diabetes:\n- stable\n",
    "slashed headings": "A/P: ",
    # brackets and marks
    "open brackets": "(",
    "closing brackets": ")",
    "nested brackets": "(a ",
    "square brackets": "[",
    "mixed brackets": "([{",
    "pairs of brackets": "()",
    "quotation marks": "\"'",
    "commas": ",",
    "comma lists": "pain, ",
    "slashes": "/",
    "words with slashes": "and/or/",
    "hyphenated without an end": "non-",
    "apostrophes": "o'",
    "stops": ".",
    "stops and letters": "a.b.",
    "question marks": "? ",
    "plus and minus": "+ a, - b, ",
    "per cent and degrees": "%°",
    # numbers
    "digits": "7",
    "digits and stops": "1.",
    "digits and commas": "1,",
    "decimals": "1.5 ",
    "blood pressures": "120/80/",
    "dates": "1/2/2020 ",
    "years": "in 1990 ",
    "ages ago": "two years ago ",
    "measures": "A1c 7.1% EF 35% BMI 41.2 ",
    "weeks": "12w3d ",
    "roman figures": "stage IV ",
    "doses": "5 mg po q.d. ",
    # cues
    "no": "no ",
    "no in a line": "no\n",
    "if": "if ",
    "denies": "denies a, ",
    "none": ": none ",
    "negative for": "negative for ",
    "no evidence of the": "no evidence of the ",
    "post-cues": "was ruled out ",
    "history of": "history of ",
    "history of because": "history of because ",
    "mother": "mother ",
    "relatives": "mother father aunt ",
    "possible or": "possible or ",
    "versus": "vs ",
    "contrast": "but however ",
    "pseudo-cues": "not only no increase ",
    "one word of a long cue": "in the absence ",
    "return if": "return if fever or ",
    "cues and mentions": "no fever if cough possible rash ",
    "minus signs": "(-) ",
    # words of the index
    "anatomy": "knee left hip shoulder ",
    "one anatomical word": "femur ",
    "sides": "left right ",
    "fracture words": "open displaced fracture initial ",
    "attributes": "acute chronic severe mild ",
    "diseases": "type 2 diabetes with ketoacidosis ",
    "frequent words of titles": "other unspecified disorder of ",
    "abbreviations": "MS RA PT CP SOB ",
    "one abbreviation": "MS ",
    "abbreviations with marks": "D/C H/O S/P ",
    "misspelt words": "diabtes pnuemonia ",
    "joined": "hypertension and hyperlipidemia, both ",
    # strange letters
    "zero-width joiners": "\u200d",
    "words with zero-width joiners": "pa\u200din ",
    "combining marks": "e\u0301",
    "marks without letters": "\u0301",
    "right to left": "\u202eשלום مرحبا ",
    "emoji": "👩‍👩‍👧‍👦🙂",
    "flags": "🇺🇸",
    "letters that grow when folded": "İßﬁ",
    "letters of the astral planes": "𝐩𝐚𝐢𝐧 ",
    "full-width": "ｎｏ　ｐａｉｎ",
    "nothing visible": "\ufeff\u2060",
    "zero characters": "\x00",
    "control characters": "\x01\x1b[31m",
    "Chinese": "无发热",
    "superscripts": "²½Ⅳ",
    "private letters": "\ue000\U0010ffff",
    "long words": "x" * 99 + " ",
    "addresses": "https://a.b/c?d=e&f=g#h ",
    "mail addresses": "a.b@c.d ",
    "markup": "<p class='a'>",
    "escapes": "\\n\\t",
}

BUILT: dict[str, Callable[[int], str]] = {
    "one word without an end": lambda size: "a" * size,
    "one capital word without an end": lambda size: "A" * size,
    "no spaces": lambda size: ("nofeverbutpossiblepneumonia" * size)[:size],
    "brackets that nest": lambda size: "(" * (size // 2) + ")" * (size // 2),
    "brackets that nest around words": lambda size: "(no a " * (size // 9) + "a) " * (size // 9),
    "words that each stand once": lambda size: "".join(f"w{n:x} " for n in range(size // 5))[:size],
    "misspelt words that each stand once": lambda size: "".join(
        f"diab{_letters(n)}tes " for n in range(size)
    )[:size],
    "numbers that each stand once": lambda size: " ".join(map(str, range(size)))[:size],
    "items that each go deeper": lambda size: (
        "".join("\n" + " " * n + "- a" for n in range(140))[:size] * (size // SIZE)
    ),
    "a cue, then one sentence": lambda size: ("denies " + "knee " * size)[:size],
    "one sentence, then a cue": lambda size: "pain " * (size // 5) + "was ruled out",
    "all of Unicode a little": lambda size: "".join(chr(n * 97 % 0xD800) for n in range(size)),
}


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + number // 26**place % 26) for place in range(3))


CORPUS = {
    name: lambda size, piece=piece: (piece * (size // len(piece) + 1))[:size]
    for name, piece in PIECES.items()
}
CORPUS |= BUILT


@pytest.fixture(scope="module")
def reader(catalog: Catalog) -> Language:
    return build_reader(catalog.release_set()[0].terms)


def _steps(reader: Language, text: str) -> int:
    """Calls, of Python and of C functions, that one reading makes: work that no busy machine changes."""
    component = reader.get_pipe("suggester_assertion")
    assert isinstance(component, AssertionComponent)
    book = component.finder.book
    for cues in (book.setting, book.ending, book.title):
        cues._forget()  # the room for words of other tests may be full in the midst of what is counted
    Reading.of(reader(text))  # what is remembered of words is remembered before it is counted
    steps = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        Reading.of(reader(text))
    finally:
        sys.setprofile(before)
    return steps


def test_the_corpus_is_large_and_its_texts_differ() -> None:
    texts = {build(SIZE) for build in CORPUS.values()}
    assert len(texts) == len(CORPUS) >= 40
    assert all(0.8 * SIZE <= len(text) <= 1.2 * SIZE for text in texts)


@pytest.mark.parametrize("name", CORPUS)
def test_hostile_notes_are_read_exactly(reader: Language, name: str) -> None:
    text = CORPUS[name](SIZE)
    doc = reader(text)
    assert doc.text == text
    reading = Reading.of(doc)
    table = token_table(doc)
    assert [text[a:b] for a, b in zip(table.start, table.end, strict=True)] == table.text
    assert all(before <= after for before, after in pairwise(sentence_index(doc)))
    assert [text[span.start_char : span.end_char] for span in doc.spans[SPANS_KEY]] == [
        span.text for span in doc.spans[SPANS_KEY]
    ]
    sections = section_table(doc).sections
    assert sections[0].span.start == 0
    assert sections[-1].span.end == len(text)
    assert all(before.span.end == after.span.start for before, after in pairwise(sections))
    for first, final in zip(
        reading.matches.first.tolist()[:50], reading.matches.final.tolist()[:50], strict=True
    ):
        assert 0 <= first <= final < len(table)
        for cue in reading.assertion_at(first, final).cues:
            assert 0 <= cue.span.start < cue.span.end <= len(text)
        for attribute in reading.attributes_at(first, final):
            assert 0 <= attribute.span.start < attribute.span.end <= len(text)


@pytest.mark.slow
@pytest.mark.parametrize("name", CORPUS)
def test_reading_grows_with_the_length_of_hostile_notes(reader: Language, name: str) -> None:
    once, twice = _steps(reader, CORPUS[name](SIZE)), _steps(reader, CORPUS[name](2 * SIZE))
    assert twice <= MOST_GROWTH * once


@pytest.mark.slow
def test_hostile_notes_in_a_batch_are_read_as_one_by_one(reader: Language) -> None:
    texts = [build(500) for build in CORPUS.values()]
    alone = [_seen(Reading.of(reader(text))) for text in texts]
    together = [_seen(Reading.of(doc)) for doc in reader.pipe(texts, batch_size=7)]
    assert together == alone


def _seen(reading: Reading) -> tuple[object, ...]:
    return (
        reading.table.text,
        reading.sections.sections,
        reading.sentence,
        list(reading.assertion.flags),
        reading.matches.term.tolist(),
        reading.matches.first.tolist(),
    )


@pytest.mark.parametrize(
    "text",
    ["No fever, and", "Denies rash, cough, or", "Possible rash, and", "History of rash, and"],
)
def test_a_note_may_end_in_the_middle_of_a_list(reader: Language, text: str) -> None:
    assert Reading.of(reader(text)).table.length == len(text)
