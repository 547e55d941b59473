"""ICD-10-CM: the tabular list (XML of CMS/CDC) read into nodes, every code down to its 7th characters.

Source of the layout: the tabular XML of the ICD-10-CM release files (chapter, section, diag; ``sevenChrDef``
applies to every code below it that has no further division, padded with the placeholder X to six characters).
"""

from __future__ import annotations

import importlib.util
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suggester.codesets.untrusted import parse_xml
from suggester.errors import CodeSetError, ImportRefusedError

NOTE_KINDS = (
    "inclusionTerm",
    "includes",
    "excludes1",
    "excludes2",
    "codeFirst",
    "useAdditionalCode",
    "codeAlso",
    "notes",
    "sevenChrNote",
)
"""Instruction kinds of the tabular list, by their XML names."""

_CODE = re.compile(r"[A-Z][0-9A-Z]{2}(?:\.[0-9A-Z]{1,4})?")


@dataclass(slots=True)
class Node:
    """A chapter, block, category or code of the tabular list.

    Attributes
    ----------
    code
        As written in the list; chapters and blocks are ``Chapter 4`` and ``Block E08-E13``.
    notes
        Own notes by kind.
    seventh
        7th characters and their meanings, on the node that carries the table.
    extension
        Meaning of the 7th character where the code has one that a table gave it, else empty.
    """

    code: str
    title: str
    parent: str | None
    billable: bool = False
    notes: dict[str, list[str]] = field(default_factory=dict)
    seventh: dict[str, str] = field(default_factory=dict)
    extension: str = ""


def embedded_tabular() -> Path:
    """Path of the tabular XML that the installed simple-icd-10-cm carries (April 2026 release).

    Raises
    ------
    CodeSetError
        If the package is not installed or carries no such file.
    """
    spec = importlib.util.find_spec("simple_icd_10_cm")
    if spec is None or spec.origin is None:
        raise CodeSetError("package simple-icd-10-cm is not installed; it carries the ICD-10-CM tabular list")
    found = sorted((Path(spec.origin).parent / "data").glob("icd10c*-tabular-*.xml"))
    if len(found) != 1:
        raise CodeSetError("package simple-icd-10-cm carries no tabular XML where it is expected")
    return found[0]


def read_tabular(path: Path, name: str | None = None) -> list[Node]:
    """All nodes of a tabular XML file, parents before children, in tabular order.

    ``name`` is what messages call it.

    Raises
    ------
    CodeSetError
        If the file is not a tabular list.
    """
    root = parse_xml(path, name)
    if root.tag != "ICD10CM.tabular":
        raise ImportRefusedError(name or path.name, f"root is {root.tag!r}, expected 'ICD10CM.tabular'")
    nodes: list[Node] = []
    for chapter in root.findall("chapter"):
        nodes.extend(_read_chapter(chapter))
    _check(nodes, name or path.name)
    return nodes


def fiscal_year(path: Path) -> int | None:
    """The fiscal year that a tabular list says it is of: its ``version``; None where it says none."""
    with path.open("rb") as handle:
        match = re.search(rb"<version>\s*(20\d\d)", handle.read(4_000))
    return int(match[1]) if match else None


def _check(nodes: list[Node], name: str) -> None:
    seen: set[str] = set()
    for node in nodes:
        if not node.code.startswith(("Chapter ", "Block ")) and not _CODE.fullmatch(node.code):
            raise ImportRefusedError(name, f"{node.code!r} does not look like a code of ICD-10-CM")
        if node.code in seen:
            raise ImportRefusedError(name, f"{node.code} stands there twice")
        seen.add(node.code)


_RANGE = re.compile(r"\s*\([A-Z]\w*(?:-\w+)?\)$")
"""The range of codes that ends the title of a chapter or block."""


def _read_chapter(chapter: ET.Element) -> Iterator[Node]:
    """A chapter, its blocks and their codes. Blocks of blocks have no codes of their own but carry notes."""
    name = f"Chapter {_text(chapter, 'name')}"
    yield _node(chapter, name, _RANGE.sub("", _text(chapter, "desc")), None)
    ranges: list[tuple[str, str, str]] = []
    for section in chapter.findall("section"):
        block = section.get("id", "")
        first, _, last = block.partition("-")
        last = last or first
        around = [item for low, high, item in ranges if low <= first and last <= high]
        parent = around[-1] if around else name  # ranges nest and the wider stands first
        ranges.append((first, last, f"Block {block}"))
        yield _node(section, f"Block {block}", _RANGE.sub("", _text(section, "desc")), parent)
        for diag in section.findall("diag"):
            yield from _read_diag(diag, f"Block {block}", {}, _barred(diag))


_NOT_APPLY = re.compile(
    r"7th characters? (?P<chars>[A-Z](?:(?:, | and |, and )[A-Z])*) do(?:es)? not apply to codes in category "
    r"(?P<category>[A-Z]\w\w) with 6th character (?P<sixth>.*)$"
)


def _barred(category: ET.Element) -> dict[tuple[str, str], frozenset[str]]:
    """7th characters that a note bars, by category and sixth character (S06: no D, S after a death)."""
    out: dict[tuple[str, str], frozenset[str]] = {}
    for note in category.iter("note"):
        match = _NOT_APPLY.search(" ".join((note.text or "").split()))
        if match:
            chars = frozenset(re.findall(r"\b[A-Z]\b", match["chars"]))
            for sixth in re.findall(r"\b\d\b", match["sixth"]):
                out[match["category"], sixth] = chars
    return out


def _read_diag(
    element: ET.Element, parent: str, seventh: dict[str, str], barred: dict[tuple[str, str], frozenset[str]]
) -> Iterator[Node]:
    code = _text(element, "name")
    node = _node(element, code, _text(element, "desc"), parent)
    own = element.find("sevenChrDef")
    if own is not None:
        seventh = {
            item.get("char", ""): " ".join((item.text or "").split()) for item in own.findall("extension")
        }
        node.seventh = seventh
    children = element.findall("diag")
    yield node
    for child in children:
        yield from _read_diag(child, code, seventh, barred)
    if children:
        return
    if not seventh:
        node.billable = True
        return
    stem = code if "." in code else code + "."
    for char, meaning in seventh.items():
        if char in barred.get((code[:3], stem.ljust(7, "X")[6]), ()):
            continue
        yield Node(
            code=stem.ljust(7, "X") + char,
            title=f"{node.title}, {meaning}",
            parent=code,
            billable=True,
            extension=meaning,
        )


def _node(element: ET.Element, code: str, title: str, parent: str | None) -> Node:
    notes: dict[str, list[str]] = {}
    for kind in NOTE_KINDS:
        texts = [
            " ".join((note.text or "").split())
            for group in element.findall(kind)
            for note in group.findall("note")
        ]
        if texts:
            notes[kind] = [text for text in texts if text]
    return Node(code=code, title=" ".join(title.split()), parent=parent, notes=notes)


def _text(element: ET.Element, tag: str) -> str:
    found: Any = element.findtext(tag)
    return found.strip() if found else ""
