"""HTML put together of elements, so that nothing from outside is ever read as markup.

Text is escaped on its way in. Only names on the lists below are written, and none of them can load, run, send
or style anything. The page forbids the same to the browser, but for the one style sheet it knows by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

# fmt: off
_TAGS = frozenset(
    {
        "main", "header", "footer", "nav", "section", "figure", "figcaption", "h1", "h2", "h3", "p",
        "ul", "li", "dl", "dt", "dd", "div", "span", "strong", "small", "mark", "code", "data",
        "table", "caption", "thead", "tbody", "tr", "th", "td", "details", "summary", "a", "svg",
        "line", "polyline", "polygon", "rect", "circle", "text", "title", "desc",
    }
)
_ATTRIBUTES = frozenset(
    {
        "id", "class", "value", "colspan", "scope", "role", "aria-label", "aria-labelledby",
        "aria-hidden", "data-figure", "data-low", "data-high", "data-size", "viewBox", "width",
        "height", "preserveAspectRatio", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx",
        "points", "text-anchor", "transform", "href",
    }
)
# fmt: on
_ANCHOR = re.compile(r"#[a-z][a-z0-9-]*", re.ASCII)

# Control characters, direction overrides, lone surrogates and noncharacters: invisible, misleading, or not to
# be written as UTF-8.
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


@dataclass(frozen=True, slots=True)
class Html:
    """Markup that may stand in a page as it is. Made by ``tag`` only."""

    source: str


type Child = Html | str | int | Iterable[Child] | None


def text(value: str) -> str:
    """Escaped text; characters that cannot be shown become U+FFFD.

    Examples
    --------
    >>> text("<b>&\\x00")
    '&lt;b&gt;&amp;\ufffd'
    """
    return escape(_UNSHOWABLE.sub("\ufffd", value), quote=True)


def tag(name: str, *children: Child, **attributes: str | float | None) -> Html:
    """Make an element. Underscores in attribute names are hyphens, but one at the end; None is left out.

    Raises
    ------
    ValueError
        If the element or an attribute is not on the lists, or a link leads out of the page.

    Examples
    --------
    >>> tag("p", "a < b", class_="note").source
    '<p class="note">a &lt; b</p>'
    """
    if name not in _TAGS:
        raise ValueError(f"no element {name!r} may be written; allowed: {', '.join(sorted(_TAGS))}")
    written = []
    for key, value in attributes.items():
        if value is None:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        if attribute not in _ATTRIBUTES:
            allowed = ", ".join(sorted(_ATTRIBUTES))
            raise ValueError(f"no attribute {attribute!r} may be written; allowed: {allowed}")
        if attribute == "href" and not _ANCHOR.fullmatch(str(value)):
            raise ValueError("a link may lead to a place in the page only: # and a lower-case name")
        written.append(f' {attribute}="{text(_attribute(value))}"')
    head = f"<{name}{''.join(written)}>"
    return Html(f"{head}{_inside(children)}</{name}>")


def document(title: str, body: Child, *, css: str) -> str:
    """Make a whole page. ``css`` is ours: it is written as it is."""
    if "<" in css:
        raise ValueError("the style sheet may hold no <")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = (
        '<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{text(title)}</title>\n<style>{css}</style>\n"
    )
    inside = _inside(body)
    return f'<!doctype html>\n<html lang="en">\n<head>\n{head}</head>\n<body>\n{inside}\n</body>\n</html>\n'


def _inside(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child.source
    if isinstance(child, str | int):
        return text(str(child))
    return "".join(_inside(one) for one in child)


def _attribute(value: str | float) -> str:
    """Numbers to two places at most, which is finer than a screen."""
    return f"{round(value, 2):g}" if isinstance(value, float) else str(value)
