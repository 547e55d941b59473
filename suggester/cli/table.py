"""A note's suggestions as a coder reads them on a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from suggester.cli.console import clean
from suggester.cli.worksheet import worksheet_lines
from suggester.types import Evidence, Flag, NotCoded, Note, Span, Suggestion, Suggestions

__all__ = ["sentence_around", "show_result"]

_BAR = 8
_SHOWN_EVIDENCE = 2
_SHOWN_LEDGER = 6
_REACH = 90
"""Most characters shown before and after the evidence where a sentence is longer."""

_SENTENCE_END = re.compile(r"[.!?](?=\s)|[\r\n]+")
_COLOURS = {"error": "bold red", "warning": "yellow", "info": "cyan"}


def show_result(screen: Console, note: Note, result: Suggestions) -> None:
    """Print the suggestions of a note as a table, then what was read but not coded, then the note's flags."""
    releases = ", ".join(f"{system} {release}" for system, release in result.run.codesets)
    screen.print(Text(f"{clean(result.note_id)}: {len(result.suggestions)} suggestions", style="bold"))
    screen.print(Text(f"{releases}; model {result.run.model}; suggester {result.run.version}", style="dim"))
    if result.suggestions:
        screen.print(_table(screen, note, result.suggestions))
    else:
        screen.print(Text("no suggestion above the threshold"))
    if result.em is not None:
        for line in worksheet_lines(result.em):
            screen.print(line)
    for line in _ledger(result.not_coded):
        screen.print(line)
    for flag in result.flags:
        screen.print(_flag(flag))
    screen.print()


def sentence_around(text: str, span: Span) -> tuple[str, str, str]:
    """Words before, inside and after ``span``, as far as its sentence or line goes, on one line.

    What is longer than a terminal line or two is cut with an ellipsis.
    """
    left = text[max(0, span.start - _REACH) : span.start]
    ends = list(_SENTENCE_END.finditer(left))
    cut = "…" if span.start > _REACH else ""
    before = left[ends[-1].end() :].lstrip() if ends else cut + left
    right = text[span.end : span.end + _REACH]
    end = _SENTENCE_END.search(right)
    if end:
        after = right[: end.start() + (right[end.start()] in ".!?")]
    else:
        after = right if len(text) - span.end <= _REACH else right + "…"
    return clean(before), clean(text[span.start : span.end]), clean(after).rstrip()


def _table(screen: Console, note: Note, suggestions: Iterable[Suggestion]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("#", justify="right")
    table.add_column("system", no_wrap=True)
    table.add_column("code", no_wrap=True)
    table.add_column("title, words of the note, flags", ratio=1)
    table.add_column("confidence", no_wrap=True)
    for item in suggestions:
        parts = [Text(clean(item.code.display) or "(no text may be shown)", style="bold")]
        parts += [_quoted(screen, note, evidence) for evidence in item.evidence[:_SHOWN_EVIDENCE]]
        if len(item.evidence) > _SHOWN_EVIDENCE:
            parts.append(Text(f"and {len(item.evidence) - _SHOWN_EVIDENCE} more places", style="dim"))
        parts += _billed(item)
        parts += [_flag(flag) for flag in item.flags]
        table.add_row(
            str(item.rank),
            item.code.system,
            Text(item.code.code, style="bold"),
            Group(*parts),
            _bar(screen, item.confidence),
        )
    return table


def _billed(item: Suggestion) -> list[Text]:
    """Units, and each modifier with its reason."""
    lines = [Text(f"units: {item.units}")] if item.units is not None else []
    return lines + [Text(f"modifier {m.modifier}: {clean(m.reason)}") for m in item.modifiers]


def _bar(screen: Console, confidence: float) -> Text:
    full, empty = ("█", "░") if screen.encoding.startswith("utf") else ("#", ".")
    filled = round(_BAR * confidence)
    colour = "green" if confidence >= 0.8 else "yellow" if confidence >= 0.4 else "red"
    # Rounded down: 99.6 % is not certain.
    percent = f" {int(100 * confidence + 1e-9):3d}%"
    return Text.assemble((full * filled, colour), (empty * (_BAR - filled), "dim"), percent)


def _quoted(screen: Console, note: Note, evidence: Evidence) -> Text:
    before, words, after = sentence_around(note.text, evidence.span)
    if not screen.is_terminal:  # without colours brackets show the words
        words = f"[{words}]"
    where = f"{clean(evidence.section)}: " if evidence.section else ""
    return Text.assemble((where, "dim"), before, (words, "black on yellow"), after)


def _flag(flag: Flag) -> Text:
    codes = f" ({', '.join(flag.codes)})" if flag.codes else ""
    return Text(f"{flag.severity}: {clean(flag.message)}{codes}", style=_COLOURS[flag.severity])


def _ledger(not_coded: Iterable[NotCoded]) -> list[Text]:
    """A line for each reason: the words, and what made them so."""
    by_reason: dict[str, list[NotCoded]] = {}
    for item in not_coded:
        by_reason.setdefault(item.reason, []).append(item)
    lines = [Text("not coded", style="bold")] if by_reason else []
    for reason, items in by_reason.items():
        shown = [
            f"{clean(item.quote)} ({clean(item.cue)})" if item.cue else clean(item.quote) for item in items
        ]
        rest = f"; and {len(items) - _SHOWN_LEDGER} more" if len(items) > _SHOWN_LEDGER else ""
        lines.append(
            Text.assemble(
                (f"  {clean(reason)} ({len(items)}): ", "dim"), "; ".join(shown[:_SHOWN_LEDGER]), rest
            )
        )
    return lines
