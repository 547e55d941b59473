"""Text out of markup that is not trusted: XML within limits, and HTML without running anything of it.

XML: document types and entities are refused, so are depth and size beyond the limits. HTML: a linear scan
that drops tags, comments, scripts and styles and keeps the words; nothing is fetched or interpreted.
"""

from __future__ import annotations

import html
import io
import re
from xml.etree.ElementTree import Element, ParseError

from suggester.errors import XmlError

__all__ = ["html_text", "parse_xml"]

MAX_DEPTH = 100
"""Deepest nesting of XML elements; a C-CDA document with nested tables needs about 30."""

_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "div", "dl"),
        *("dt", "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr"),
        *("html", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tbody", "tfoot", "thead"),
        *("title", "tr", "ul"),
    )
)
_CELLS = frozenset(("td", "th"))
_HIDDEN = ("script", "style", "template", "noscript", "svg", "object", "iframe")
_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]{0,20})")
_BLANKS = re.compile(r"[ \t\r\f\v\xa0]+")
_EDGES = re.compile(r" ?\n ?")
_LINES = re.compile(r"\n{3,}")


def parse_xml(data: bytes, *, record: str) -> Element:
    """Root of an XML document.

    Raises
    ------
    XmlError
        If it is not well-formed, declares a document type or entities, or is nested too deeply.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    depth = 0
    root: Element | None = None
    problem = None
    try:
        for event, element in iterparse(io.BytesIO(data), events=("start", "end"), forbid_dtd=True):
            if event == "end":
                depth -= 1
                continue
            depth += 1
            root = element if root is None else root
            if depth > MAX_DEPTH:
                problem = f"XML nested deeper than {MAX_DEPTH} elements"
                break
    except ParseError as error:
        problem = f"not well-formed XML, line {error.position[0]}"
    except DefusedXmlException as error:
        problem = f"XML with a document type or entities, which are not read ({type(error).__name__})"
    except (ValueError, LookupError):
        problem = "XML in an encoding that is not known"
    if problem is not None:
        raise XmlError(problem, record=record)
    if root is None:
        raise XmlError("no XML element", record=record)
    return root


def html_text(markup: str) -> str:
    """The words of an HTML page, blocks on lines of their own.

    Examples
    --------
    >>> html_text("<p>Cough &amp; cold.</p><script>alert(1)</script><ul><li>A<li>B</ul>")
    'Cough & cold.\\n\\nA\\nB'
    """
    out: list[str] = []
    at = 0
    while (start := markup.find("<", at)) >= 0:
        out.append(markup[at:start])
        if markup.startswith("<!--", start):
            end = markup.find("-->", start + 4)
            at = len(markup) if end < 0 else end + 3
            continue
        match = _NAME.match(markup, start + 1)
        if match is None and markup[start + 1 : start + 2] not in ("!", "?"):
            out.append("<")  # a bare sign, as in "BP < 120"
            at = start + 1
            continue
        end = _tag_end(markup, start + 1)
        at = end + 1
        if match is None:
            continue
        name = match[1].lower()
        if name in _HIDDEN and markup[start + 1] != "/" and markup[end - 1 : end] != "/":
            at = _after_hidden(markup, name, at)
        elif name in _BLOCKS:
            out.append("\n")
        elif name in _CELLS:
            out.append(" ")
    out.append(markup[at:])
    text = _EDGES.sub("\n", _BLANKS.sub(" ", html.unescape("".join(out))))
    return _LINES.sub("\n\n", text).strip()


def _tag_end(markup: str, at: int) -> int:
    """Place of the sign that ends a tag; quoted ones do not. The end of the text ends every tag."""
    while at < len(markup):
        close = markup.find(">", at)
        if close < 0:
            return len(markup)
        quotes = [place for place in (markup.find('"', at, close), markup.find("'", at, close)) if place >= 0]
        if not quotes:
            return close
        first = min(quotes)
        end = markup.find(markup[first], first + 1)
        if end < 0:
            return close
        at = end + 1
    return len(markup)


def _after_hidden(markup: str, name: str, at: int) -> int:
    """Behind the end of an element whose words are none of the page."""
    found = re.compile(rf"</{name}\b", re.IGNORECASE).search(markup, at)
    return len(markup) if found is None else min(_tag_end(markup, found.end()) + 1, len(markup))
