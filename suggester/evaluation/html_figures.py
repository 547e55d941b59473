"""Figures as they stand in a page: values that keep path, interval and size; bars; rows of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suggester.evaluation.figures import Figure, rounded
from suggester.evaluation.html_chart import interval_bar
from suggester.evaluation.html_markup import Child, Html, tag

NBSP = "\u00a0"
_AS_NUMBER = frozenset({"ece", "ece_equal_mass", "brier"})
"""Figures that are no shares."""


def percent(value: float | None, *, places: int = 1) -> str:
    """``54.2 %``; ``n/a`` where undefined.

    Examples
    --------
    >>> percent(0.5421, places=0), percent(None)
    ('54\\xa0%', 'n/a')
    """
    return "n/a" if value is None else f"{value * 100:.{places}f}{NBSP}%"


def number(value: float | None, *, places: int = 3) -> str:
    """Three places; ``n/a`` where undefined."""
    return "n/a" if value is None else f"{value:.{places}f}"


def count(value: int, one: str, many: str | None = None) -> str:
    """``1 note``, ``2,000 notes``."""
    return f"{value:,}{NBSP}{one if value == 1 else many or one + 's'}"


class Figures:
    """Writes figures of a report by their paths.

    Parameters
    ----------
    flat
        Figures by path, as ``Report.flat`` gives them.
    """

    def __init__(self, flat: Mapping[str, Figure]) -> None:
        self._flat = flat

    def __getitem__(self, path: str) -> Figure:
        return self._flat[path]

    def first_defined(self, *paths: str) -> str:
        """The first of the paths whose figure is defined; the last if none is."""
        return next((path for path in paths if self._flat[path].value is not None), paths[-1])

    def value(self, path: str, *, places: int = 1) -> Html:
        """The value, with all the rest of the figure kept in the element."""
        figure = self._flat[path]
        shown = number(figure.value) if _as_number(figure.name) else percent(figure.value, places=places)
        return tag(
            "data",
            shown,
            value=_plain(figure.value),
            data_figure=path,
            data_low=_plain(figure.low),
            data_high=_plain(figure.high),
            data_size=figure.size,
        )

    def interval(self, path: str, *, places: int = 1, words: str = "{low} to {high}") -> str:
        """The ends of the interval in words; empty where there is none, or its ends are the same."""
        figure = self._flat[path]
        if figure.low is None or figure.high is None or no_range(figure.low, figure.high):
            return ""
        if _as_number(figure.name):
            return words.format(low=number(figure.low), high=number(figure.high))
        low = f"{figure.low * 100:.{places}f}"
        return words.format(low=low, high=percent(figure.high, places=places))

    def with_interval(self, path: str) -> list[Html]:
        """The value and, beneath it, its interval."""
        return [self.value(path), tag("small", self.interval(path))]

    def bar(self, path: str) -> Html | None:
        """A small bar with its interval; None where undefined."""
        figure = self._flat[path]
        if figure.value is None:
            return None
        return interval_bar(figure.value, figure.low, figure.high, told=figure.to_text())

    def cells(self, path: str) -> list[Html]:
        """Two cells of a table: the bar with its interval, and the value with its size."""
        figure = self._flat[path]
        if figure.value is None:
            return [tag("td", class_="graph"), tag("td", "\u2013", class_="number faint")]
        inside = [self.value(path), tag("small", f" n{NBSP}{figure.size:,}")]
        return [tag("td", self.bar(path), class_="graph"), tag("td", inside, class_="number")]


def table(
    header: Sequence[Child],
    rows: Sequence[Html],
    *,
    caption: Child = None,
    class_: str = "",
    widths: Sequence[int] = (),
) -> Html:
    """A table in a frame that scrolls sideways where it must. ``widths`` are columns that a heading spans."""
    spans = widths or [1] * len(header)
    heads = [
        tag("th", cell, scope="col", colspan=span if span > 1 else None)
        for cell, span in zip(header, spans, strict=True)
    ]
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption) if caption is not None else None,
            tag("thead", tag("tr", heads)),
            tag("tbody", rows),
            class_=class_ or None,
        ),
        class_="scroll",
    )


def row(label: Child, *cells: Child, class_: str | None = None) -> Html:
    """A row with its heading; cells that are no elements are numbers."""
    made = [
        one if isinstance(one, Html) and one.source.startswith("<td") else tag("td", one, class_="number")
        for one in cells
    ]
    return tag("tr", tag("th", label, scope="row"), made, class_=class_)


def no_range(low: float, high: float) -> bool:
    """Whether an interval has no width: one note, or all alike. It tells nothing of chance."""
    return high - low < 1e-9


def _as_number(name: str) -> bool:
    return name in _AS_NUMBER


def _plain(value: float | None) -> str:
    return "" if value is None else str(rounded(value))
