"""Plots as inline SVG: a frame with axes; lines, bands, dots, rules. The style has the colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from suggester.evaluation.html_markup import Html, tag

_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 14.0, 12.0, 46.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """From where to where, with its ticks and what it measures."""

    low: float
    high: float
    ticks: Sequence[float]
    title: str
    shown: Callable[[float], str]

    def share(self, value: float) -> float:
        """Where a value lies between the ends, 0 to 1; beyond them it is at the end."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


def percent_axis(title: str, *, high: float = 1.0, low: float = 0.0) -> Axis:
    """Shares as per cent. The ends must be multiples of a tenth."""
    first, last = round(low * 10), round(high * 10)
    step = 2 if last - first > 5 else 1
    ticks = [tick / 10 for tick in range(first, last + 1, step)]
    return Axis(low=low, high=high, ticks=ticks, title=title, shown=lambda value: f"{value * 100:.0f}")


def share_axis(title: str) -> Axis:
    """Confidences, 0 to 1."""
    ticks = [tick / 5 for tick in range(6)]
    return Axis(low=0.0, high=1.0, ticks=ticks, title=title, shown=lambda value: f"{value:.1f}")


class Plot:
    """A plot put together a part at a time; what is added later lies above.

    Parameters
    ----------
    key
        Names the plot in the page, for what reads it aloud.
    title, description
        What is read aloud in its place.
    x, y
        The axes.
    height
        Of the drawing; it is 520 wide.
    """

    width = 520.0

    def __init__(
        self, *, key: str, title: str, description: str, x: Axis, y: Axis, height: float = 340.0
    ) -> None:
        self.key = key
        self.title = title
        self.description = description
        self.x = x
        self.y = y
        self.height = height
        self._parts: list[Html] = []

    def line(self, points: Sequence[Point], kind: str) -> None:
        """A line through the points."""
        if len(points) > 1:
            self._parts.append(tag("polyline", points=self._path(points), class_=f"line {kind}"))

    def band(self, lower: Sequence[Point], upper: Sequence[Point], kind: str) -> None:
        """What lies between two lines."""
        self._parts.append(
            tag("polygon", points=self._path([*lower, *reversed(upper)]), class_=f"band {kind}")
        )

    def dot(self, at: Point, kind: str, told: str, *, radius: float = 4.5) -> None:
        """A dot that tells something when pointed at."""
        x, y = self.place(at)
        self._parts.append(tag("circle", tag("title", told), cx=x, cy=y, r=radius, class_=f"dot {kind}"))

    def rule(
        self, at: float, label: str, *, kind: str = "mark", end: bool = False, drop: float = 0.0
    ) -> None:
        """An upright line with its label at the top; ``end`` writes it left of the line."""
        x, top = self.place((at, self.y.high))
        self._parts.append(tag("line", x1=x, x2=x, y1=top, y2=self.height - _BOTTOM, class_=f"rule {kind}"))
        self._parts.append(
            tag(
                "text",
                label,
                x=x + (-5 if end else 5),
                y=top + 12 + drop,
                text_anchor="end" if end else "start",
                class_="label",
            )
        )

    def label(self, at: Point, words: str, *, dx: float = 8.0, dy: float = -8.0, end: bool = False) -> None:
        """Words beside a place."""
        x, y = self.place(at)
        self._parts.append(
            tag("text", words, x=x + dx, y=y + dy, text_anchor="end" if end else "start", class_="label")
        )

    def columns(self, columns: Sequence[tuple[float, float, float, str]], *, share: float, kind: str) -> None:
        """Bars from x to x of a height in 0 to 1 of ``share`` of the frame, with what they tell."""
        bottom, tall = self.height - _BOTTOM, (self.height - _BOTTOM - _TOP) * share
        for low, high, size, told in columns:
            left, right = self.place((low, self.y.low))[0], self.place((high, self.y.low))[0]
            self._parts.append(
                tag(
                    "rect",
                    tag("title", told),
                    x=left + 1.5,
                    y=bottom - tall * size,
                    width=max(0.0, right - left - 3.0),
                    height=tall * size,
                    class_=f"column {kind}",
                )
            )

    def place(self, at: Point) -> Point:
        """Where a point of the data lies in the drawing."""
        x, y = at
        return (
            _LEFT + self.x.share(x) * (self.width - _LEFT - _RIGHT),
            self.height - _BOTTOM - self.y.share(y) * (self.height - _TOP - _BOTTOM),
        )

    def html(self) -> Html:
        """The plot."""
        return tag(
            "svg",
            tag("title", self.title, id=f"{self.key}-title"),
            tag("desc", self.description, id=f"{self.key}-desc"),
            self._frame(),
            self._parts,
            viewBox=f"0 0 {self.width:g} {self.height:g}",
            role="img",
            aria_labelledby=f"{self.key}-title {self.key}-desc",
            class_="plot",
        )

    def _frame(self) -> list[Html]:
        right, bottom = self.width - _RIGHT, self.height - _BOTTOM
        parts = []
        for tick in self.y.ticks:
            y = self.place((self.x.low, tick))[1]
            parts.append(tag("line", x1=_LEFT, x2=right, y1=y, y2=y, class_="grid"))
            parts.append(
                tag("text", self.y.shown(tick), x=_LEFT - 8, y=y + 4, text_anchor="end", class_="tick")
            )
        for tick in self.x.ticks:
            x = self.place((tick, self.y.low))[0]
            parts.append(tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="axis"))
            parts.append(
                tag("text", self.x.shown(tick), x=x, y=bottom + 18, text_anchor="middle", class_="tick")
            )
        middle = (_TOP + bottom) / 2
        return [
            *parts,
            tag("line", x1=_LEFT, x2=right, y1=bottom, y2=bottom, class_="axis"),
            tag(
                "text",
                self.x.title,
                x=(_LEFT + right) / 2,
                y=self.height - 8,
                text_anchor="middle",
                class_="axis-title",
            ),
            tag(
                "text",
                self.y.title,
                x=14.0,
                y=middle,
                text_anchor="middle",
                transform=f"rotate(-90 14 {middle:g})",
                class_="axis-title",
            ),
        ]

    def _path(self, points: Sequence[Point]) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.place, points))


def interval_bar(value: float, low: float | None, high: float | None, *, told: str) -> Html:
    """A small bar of a share, 0 to 1, with its interval as a line, for a cell of a table."""
    parts = [
        tag("rect", x=0, y=3, width=100, height=8, rx=1.5, class_="track"),
        tag("rect", x=0, y=3, width=100.0 * min(1.0, value), height=8, rx=1.5, class_="bar"),
    ]
    if low is not None and high is not None and high > low:
        parts.append(
            tag("line", x1=100.0 * min(1.0, low), x2=100.0 * min(1.0, high), y1=7, y2=7, class_="whisker")
        )
    return tag(
        "svg",
        tag("title", told),
        parts,
        viewBox="0 0 100 14",
        preserveAspectRatio="none",
        aria_hidden="true",
        class_="mini",
    )


def difference_bar(value: float, low: float | None, high: float | None, *, reach: float, told: str) -> Html:
    """A dot with its interval about a line at no difference, for a cell of a table."""

    def place(at: float) -> float:
        return 100.0 + 96.0 * max(-1.0, min(1.0, at / reach))

    parts = [tag("line", x1=100, x2=100, y1=0, y2=20, class_="zero")]
    if low is not None and high is not None:
        parts.append(tag("line", x1=place(low), x2=place(high), y1=10, y2=10, class_="whisker"))
    parts.append(tag("circle", cx=place(value), cy=10, r=4, class_="dot first"))
    return tag("svg", tag("title", told), parts, viewBox="0 0 200 20", aria_hidden="true", class_="forest")


def stacked_bar(parts: Sequence[tuple[str, float]], *, told: str) -> Html:
    """One bar of several shares, each a class and a share, 0 to 1; they should add up to 1."""
    drawn = []
    left = 0.0
    for kind, share in parts:
        drawn.append(tag("rect", x=left, y=0, width=1000.0 * share, height=28, class_=kind))
        left += 1000.0 * share
    return tag(
        "svg",
        tag("title", told),
        drawn,
        viewBox="0 0 1000 28",
        preserveAspectRatio="none",
        role="img",
        aria_label=told,
        class_="stacked",
    )
