"""Small pieces of a page that stands alone: escaped text, tables and bar plots as inline SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["STYLE", "bars", "columns", "page", "table"]

STYLE = """
:root{--ink:#1b2733;--soft:#5b6b7a;--line:#d6dde3;--bar:#2f6f9f;--bad:#a33a2a;--paper:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa9b7;--line:#33404c;--bar:#6fb0dc;
--bad:#e08a7a;--paper:#11181f}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;
margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;margin:.5rem 0;min-width:24rem}
th,td{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.soft{color:var(--soft)}.bad{color:var(--bad)}
svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg .bar{fill:var(--bar)}
svg .axis{stroke:var(--line);fill:none}
"""

_WIDTH = 640


def page(title: str, body: Iterable[str]) -> str:
    """A whole page; ``body`` is markup already, ``title`` is text. It loads nothing from anywhere."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
        f"{''.join(body)}</main></body></html>"
    )


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; numbers stand to the right. Cells are text and are escaped."""
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f'<td class="n">{value:,}</td>'
    if isinstance(value, float):
        return f'<td class="n">{value:,.4g}</td>'
    return f"<td>{escape(str(value))}</td>"


def columns(label: str, values: Sequence[int], *, names: Sequence[str], height: int = 160) -> str:
    """Upright bars side by side; ``names`` are of the edges between them, one more than bars."""
    top = max([*values, 1])
    step = (_WIDTH - 40) / max(len(values), 1)
    parts = []
    for number, value in enumerate(values):
        tall = value / top * (height - 20)
        left = 20 + number * step
        parts.append(
            f'<rect class="bar" x="{left + 1:.1f}" y="{height - tall:.1f}" width="{step - 2:.1f}" '
            f'height="{tall:.1f}"><title>{escape(names[number])} to {escape(names[number + 1])}: '
            f"{value:,}</title></rect>"
        )
    every = max(1, len(values) // 5)
    for number in range(0, len(values) + 1, every):
        parts.append(
            f'<text x="{20 + number * step:.1f}" y="{height + 16}" text-anchor="middle">'
            f"{escape(names[number])}</text>"
        )
    parts.append(f'<path class="axis" d="M20 {height}H{_WIDTH - 20}"/>')
    return _svg(label, parts, height + 24)


def bars(label: str, entries: Sequence[tuple[str, int]]) -> str:
    """Lying bars, one a line, each with its name and number."""
    top = max([*(count for _, count in entries), 1])
    parts = []
    for number, (name, count) in enumerate(entries):
        y = number * 22
        wide = count / top * 240
        shown = name if len(name) <= 46 else f"{name[:45]}…"
        parts.append(
            f'<text x="310" y="{y + 15}" text-anchor="end">{escape(shown)}</text>'
            f'<rect class="bar" x="320" y="{y + 3}" width="{wide:.1f}" height="16"/>'
            f'<text x="{326 + wide:.1f}" y="{y + 15}">{count:,}</text>'
        )
    return _svg(label, parts, max(22 * len(entries), 1))


def _svg(label: str, parts: Iterable[str], height: int) -> str:
    return (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {_WIDTH} {height}" width="100%">'
        f"{''.join(parts)}</svg>"
    )
