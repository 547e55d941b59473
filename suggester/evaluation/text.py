"""Plain text for a terminal: sections, stacks of figures, tables. Knows nothing of what is measured."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from suggester.evaluation.figures import Figure

WIDTH = 118
_LABEL = 36
_COLUMNS = 3

_SPECIAL = {
    "map": "MAP",
    "f1": "F1",
    "em": "E/M",
    "ece": "expected calibration error",
    "brier": "Brier score",
}

Rows = Sequence[tuple[str, Sequence[Figure]]]


class Document:
    """Lines put together a part at a time.

    Parameters
    ----------
    stamp
        What every section's heading repeats: the split and its size.
    """

    def __init__(self, *, stamp: str) -> None:
        self._stamp = stamp
        self._lines: list[str] = []

    def line(self, text: str) -> None:
        """One line as it is."""
        self._lines.append(text)

    def section(self, title: str, definition: str) -> None:
        """A heading with the stamp, and how things are counted."""
        self._lines += ["", f"{title}  ({self._stamp})"]
        self._lines += textwrap.wrap(definition, WIDTH, initial_indent="  ", subsequent_indent="  ")

    def stack(self, rows: Rows) -> None:
        """A figure a line under each row's label; a row with nothing to measure is one line."""
        for label, figures in rows:
            if not any(figure.size for figure in figures):
                self._lines.append(f"  {label}: n/a (n 0)")
                continue
            self._lines.append(f"  {label}")
            self._lines += [
                f"    {titled(figure.name):<{_LABEL}} {figure.to_text()} {figure.unit}" for figure in figures
            ]

    def table(self, rows: Rows) -> None:
        """A row a line, its figures in columns; more than three go into further tables below."""
        names = [figure.name for figure in rows[0][1]] if rows else []
        for start in range(0, len(names), _COLUMNS):
            part = slice(start, start + _COLUMNS)
            self.grid(
                ("", *(titled(name) for name in names[part])),
                [(label, *(figure.to_text() for figure in figures[part])) for label, figures in rows],
            )

    def grid(self, header: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> None:
        """Columns as wide as their widest cell."""
        if title:
            self._lines.append(f"  {title}")
        table = [header, *rows]
        widths = [max(len(row[column]) for row in table) for column in range(len(header))]
        self._lines += [
            "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in table
        ]

    @staticmethod
    def number(value: float | None) -> str:
        """Three places, or n/a."""
        return "n/a" if value is None else f"{value:.3f}"

    def text(self) -> str:
        """Everything so far."""
        return "\n".join(self._lines) + "\n"


def titled(name: str) -> str:
    """A figure's name in words.

    Examples
    --------
    >>> titled("micro_f1"), titled("core_recall_at_10")
    ('micro F1', 'core recall at 10')
    """
    return " ".join(_SPECIAL.get(word, word) for word in name.split("_"))
