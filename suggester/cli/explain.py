"""What the reader made of a note, to read on a terminal: sections, mentions, flags, attributes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from suggester.cli.console import clean
from suggester.types import Assertion, Attribute, Cue, Label, Mention, Note, Section, Span

if TYPE_CHECKING:
    from suggester.codesets.terms import TermIndex
    from suggester.config import Settings
    from suggester.pipeline import Reading
    from suggester.suggest import Bench

__all__ = ["Explainer", "mentions_of", "show_reading"]

_STYLES: Final = {
    "affirmed": "bold green",
    "negated": "red",
    "uncertain": "yellow",
    "historical": "blue",
    "hypothetical": "magenta",
    "family": "cyan",
}
_CUE: Final = "italic"
_ATTRIBUTE: Final = "reverse"
_MARGIN: Final = 4


class Explainer:
    """Reads notes with the code sets of their service dates, without a model, and shows what was read.

    Parameters
    ----------
    settings
        Settings in force.
    """

    def __init__(self, settings: Settings) -> None:
        from suggester.codesets import open_catalog

        self._limit = settings.max_note_chars
        self._catalog = open_catalog(settings)
        self._benches: dict[tuple[str, ...], Bench] = {}

    def show(self, screen: Console, note: Note) -> None:
        """Read a note and print what was read.

        Raises
        ------
        TooLargeError
            If the note is longer than ``settings.max_note_chars``.
        NoReleaseError
            If no ICD-10-CM release covers its service date.
        """
        from suggester.errors import TooLargeError
        from suggester.suggest import Bench

        if len(note.text) > self._limit:
            raise TooLargeError(f"{len(note.text)} characters, allowed {self._limit}", record=note.id)
        releases, _ = self._catalog.release_set(note.service_date)
        key = tuple(release.file_name for release in releases.releases)
        if key not in self._benches:
            self._benches[key] = Bench.over(releases)
        reading = self._benches[key].read(note.text)
        mentions = mentions_of(reading, releases.terms, note.text)
        show_reading(screen, note, reading.sections.sections, mentions, reading.attributes.values())


def mentions_of(reading: Reading, terms: TermIndex, text: str) -> tuple[Mention, ...]:
    """The complete mentions of a note, in order, without those that lie within a longer one of their kind.

    Parameters
    ----------
    reading
        The note as read.
    terms
        The term index that it was read with.
    text
        The note's text.
    """
    from suggester.codesets.terms import Source
    from suggester.pipeline.matching import COMPLETE
    from suggester.pipeline.mentions import label_of

    m = reading.matches
    complete = (m.coverage >= COMPLETE).nonzero()[0].tolist()
    found: dict[tuple[int, int, Label], int] = {}
    for i in complete:
        found.setdefault((int(m.first[i]), int(m.final[i]), label_of(terms, int(m.term[i]))), i)
    out: list[Mention] = []
    reach: dict[Label, int] = {}
    for (first, final, label), i in sorted(
        found.items(), key=lambda item: (item[0][0], -item[0][1], item[0][2])
    ):
        if final <= reach.get(label, -1):
            continue
        reach[label] = final
        span = reading.span(first, final)
        term = int(m.term[i])
        phrase = " ".join(terms.phrases[term].split())
        out.append(
            Mention(
                id=f"m{len(out) + 1}",
                span=span,
                text=text[span.start : span.end],
                label=label,
                section=reading.section_kind[first],
                assertion=reading.outside(reading.assertion_at(first, final), first, final),
                attributes=reading.attributes_at(first, final),
                rule_id=f"{Source(int(terms.term_source[term])).name.lower()}: {phrase}",
            )
        )
    return tuple(out)


def show_reading(
    screen: Console,
    note: Note,
    sections: Sequence[Section],
    mentions: Sequence[Mention],
    values: Sequence[Attribute],
) -> None:
    """Print a note by sections and lines, under each line its mentions with flags, cues and attributes.

    Parameters
    ----------
    screen
        Where to; in colour if it is a terminal, else mentions stand in brackets.
    note
        The note.
    sections, mentions, values
        What was read from it: sections, mentions and measured values, each in order of the text.
    """
    screen.print(Text(f"{clean(note.id)}: {len(sections)} sections, {len(mentions)} mentions", style="bold"))
    if screen.is_terminal:
        screen.print(Text.assemble("legend: ", *_legend()))
    waiting = list(mentions)
    waiting.reverse()
    for section in sections:
        title = f" “{clean(section.title)}”" if section.title else ""
        screen.print(
            Text(f"── {section.kind}{title} [{section.span.start}:{section.span.end}]", style="bold dim")
        )
        for line in _lines(note.text, section.span):
            here: list[Mention] = []
            while waiting and waiting[-1].span.start < line.end:
                here.append(waiting.pop())
            if not here and not note.text[line.start : line.end].strip():
                continue
            screen.print(_marked(screen, note.text, line, mentions=here), soft_wrap=True)
            for mention in here:
                screen.print(_row(note.text, mention), soft_wrap=True)
    if values:
        shown = "; ".join(f"{a.name} {clean(a.value)} “{_quote(note.text, a.span)}”" for a in values)
        screen.print(Text.assemble(("values: ", "bold"), shown))
    screen.print()


def _legend() -> Iterator[tuple[str, str] | str]:
    for name, style in _STYLES.items():
        yield (name, f"{style} underline")
        yield " "
    yield ("cue", _CUE)
    yield " "
    yield ("attribute", _ATTRIBUTE)


def _lines(text: str, span: Span) -> Iterator[Span]:
    """The lines of a part of a text; a mention over several lines belongs to its first."""
    at = span.start
    for piece in text[span.start : span.end].splitlines(keepends=True):
        yield Span(start=at, end=at + len(piece))
        at += len(piece)


def _state(assertion: Assertion) -> tuple[str, ...]:
    return tuple(name for name in _STYLES if name != "affirmed" and getattr(assertion, name)) or ("affirmed",)


def _marked(screen: Console, text: str, line: Span, *, mentions: Sequence[Mention]) -> Text:
    """The text of a line: mentions underlined in the colour of their flag, in a pipe in brackets."""
    if not screen.is_terminal:
        return Text(" " * _MARGIN + _bracketed(text, line, mentions))
    shown = Text(" " * _MARGIN)
    body = Text("".join(char if char.isprintable() else " " for char in text[line.start : line.end]))
    for mention in mentions:
        _style(body, line, mention.span, f"{_STYLES[_state(mention.assertion)[0]]} underline")
        for cue in mention.assertion.cues:
            _style(body, line, cue.span, _CUE)
        for attribute in mention.attributes:
            _style(body, line, attribute.span, _ATTRIBUTE)
    body.rstrip()
    return shown.append_text(body)


def _style(body: Text, line: Span, span: Span, style: str) -> None:
    if span.overlaps(line):
        body.stylize(style, max(span.start, line.start) - line.start, min(span.end, line.end) - line.start)


def _bracketed(text: str, line: Span, mentions: Sequence[Mention]) -> str:
    parts: list[str] = []
    at = line.start
    for mention in mentions:
        if mention.span.start < at:
            continue
        end = min(mention.span.end, line.end)
        parts += [text[at : mention.span.start], "[", text[mention.span.start : end], "]"]
        at = end
    parts.append(text[at : line.end])
    return clean("".join(parts)).rstrip()


def _row(text: str, mention: Mention) -> Text:
    """A mention: its words, its label, its flags with cue and rule, its attributes with their words."""
    states = _state(mention.assertion)
    row = Text(" " * (_MARGIN + 2) + "· ")
    row.append(_quote(text, mention.span), style=_STYLES[states[0]])
    row.append(f"  {mention.label}", style="dim")
    for state in states:
        row.append(f"  {state}", style=_STYLES[state])
        cues = [_cue(text, cue) for cue in mention.assertion.cues if cue.flag == state]
        if cues:
            row.append(f" ({'; '.join(dict.fromkeys(cues))})", style="dim")
    for attribute in mention.attributes:
        row.append(f"  {attribute.name}={clean(attribute.value)}")
        row.append(f" ({_quote(text, attribute.span)})", style="dim")
    row.append(f"  ← {clean(mention.rule_id)}", style="dim")
    return row


def _cue(text: str, cue: Cue) -> str:
    return f"“{_quote(text, cue.span)}” {clean(cue.rule_id)}"


def _quote(text: str, span: Span) -> str:
    return clean(text[span.start : span.end])
