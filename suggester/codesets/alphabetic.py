"""The alphabetic index of ICD-10-CM as phrases: main term, subterms, see, see also, nonessential modifiers.

``cms-icd`` reads the XML; here its terms become the words a clinician may write. A title with a comma that
names forms of one word (``Diabetes, diabetic``) may be any of them. *See* leads on: the words of the term
that refers stand for those it refers to, with all their subterms. *See also* is followed where the term has
no code of its own. Nonessential modifiers (in parentheses) are not needed; each alone makes a longer phrase.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from suggester.codesets.index_words import (
    BEHAVIOURS,
    CONNECTING,
    DRUG_COLUMNS,
    HEADS_OF_THE_TABLE,
    NEOPLASM_COLUMNS,
    NO_TARGETS,
    SAYS_NOTHING,
)
from suggester.errors import ImportRefusedError

Part = Literal["index", "neoplasm", "drug", "external"]
"""The parts of the index, each a file of its own."""

_CODE = re.compile(r"([A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?)[.\-]*")
_TAIL = re.compile(r"[\s,]+(?:NEC|NOS)\b.*$")
_MOST_FORMS = 4
_MOST_PHRASES = 4
_MOST_MODIFIERS = 6
_MOST_FOLLOWED = 250
_MOST_HOPS = 3
_SAME_START = 4
"""Letters that two forms of one word begin with alike."""


class Term(Protocol):
    """What is read of a term of ``cms-icd``."""

    @property
    def id(self) -> str:
        """Identifier."""

    @property
    def title(self) -> str:
        """Words, without nonessential modifiers."""

    @property
    def parent_id(self) -> str:
        """Identifier of the term above, empty for main terms."""

    @property
    def children_ids(self) -> tuple[str, ...]:
        """Identifiers of the terms and cells below."""

    @property
    def code(self) -> str | None:
        """Code as the index writes it."""

    @property
    def manifestation_code(self) -> str | None:
        """Second code, of the manifestation."""

    @property
    def see(self) -> str | None:
        """Cross reference."""

    @property
    def see_also(self) -> str | None:
        """Cross reference to more."""

    @property
    def optional_modifiers(self) -> tuple[str, ...]:
        """Nonessential modifiers."""


@dataclass(slots=True)
class IndexPhrases:
    """Phrases with their codes (several for one phrase where the index says so), and what was not used.

    ``table_pairs`` are those of the tables of neoplasms and drugs, also where a term refers to them.
    """

    pairs: dict[tuple[str, str], None] = field(default_factory=dict)
    table_pairs: dict[tuple[str, str], None] = field(default_factory=dict)
    terms: int = 0
    unresolved: int = 0

    def add(self, phrase: str, code: str) -> None:
        """Add one phrase of a code."""
        self.pairs[phrase, code] = None

    def add_of_table(self, phrase: str, code: str) -> None:
        """Add one phrase of a row of a table."""
        self.table_pairs[phrase, code] = None


def code_in(text: str | None) -> str | None:
    """A code as the index writes it (``C79.8-``, ``E11.9``), without the mark of an incomplete one.

    >>> code_in("C79.8-"), code_in("E11.9"), code_in("O09.-"), code_in("--"), code_in(None)
    ('C79.8', 'E11.9', 'O09', None, None)
    """
    match = _CODE.fullmatch(text or "")
    return match[1] if match else None


def read_part(path: Path, name: str) -> Mapping[str, Term]:
    """The terms of one file of the index. It was parsed safely before: ``cms-icd`` trusts what it reads.

    Raises
    ------
    ImportRefusedError
        If the file is no part of the index.
    """
    from cms_icd.exceptions import ICDKnowledgeBaseError
    from cms_icd.parsers import parse_index

    try:
        return parse_index((path,), system="cm")  # type: ignore[no-any-return]
    except (ICDKnowledgeBaseError, ValueError, RecursionError) as error:
        raise ImportRefusedError(name, f"no part of the alphabetic index ({type(error).__name__})") from None


def normal(text: str) -> str:
    """Words of a title in small letters, for comparing."""
    return " ".join(re.findall(r"[^\W_]+(?:['’.\-][^\W_]+)*", text.lower()))


def forms(title: str) -> tuple[str, ...]:
    """The ways to say a title: forms of one word apart, other words behind a comma both with and without.

    >>> forms("Diabetes, diabetic"), forms("Fracture, traumatic"), forms("boat, boating")
    (('diabetes', 'diabetic'), ('fracture', 'fracture traumatic'), ('boat', 'boating'))
    """
    plain = _TAIL.sub("", title)
    parts = [normal(part) for part in plain.split(",")]
    parts = [part for part in parts if part and part not in SAYS_NOTHING]
    if not parts:
        return ()
    first, *rest = parts
    same = [p for p in rest if p[:_SAME_START] == first[:_SAME_START] and " " not in p]
    others = [p for p in rest if p not in same]
    out = [first, *same]
    if others:
        out.append(" ".join([first, *others]))
    return tuple(dict.fromkeys(out))[:_MOST_FORMS]


class IndexCompiler:
    """Compiles the parts of one release's index, put in one after the other with ``add``."""

    def __init__(self) -> None:
        self.phrases = IndexPhrases()
        self._main: dict[str, tuple[Mapping[str, Term], Term]] = {}
        self._sites: list[tuple[tuple[tuple[str, ...], ...], dict[int, str]]] = []
        self._parts: list[tuple[Part, Mapping[str, Term]]] = []

    def add(self, part: Part, store: Mapping[str, Term]) -> None:
        """Take a part of the index."""
        self._parts.append((part, store))
        for term in store.values():
            if part == "neoplasm" and _cells(store, term):
                cells = {number: code for number, code in _cells(store, term)}
                self._sites.append((_path(store, term)[1:], cells))
            if not term.parent_id and part in ("index", "external"):
                names = {*forms(term.title), normal(term.title), normal(_TAIL.sub("", term.title))}
                for name in names:
                    self._main.setdefault(name, (store, term))

    def compile(self) -> IndexPhrases:
        """All phrases of the parts that were put in."""
        for part, store in self._parts:
            if part == "neoplasm":
                self._table(NEOPLASM_COLUMNS, ((sites, cells) for sites, cells in self._sites))
            elif part == "drug":
                rows = ((_path(store, term), dict(_cells(store, term))) for term in store.values())
                self._table(DRUG_COLUMNS, rows)
            else:
                self._tree(store)
        return self.phrases

    def _table(
        self,
        columns: Mapping[int, tuple[str, ...]],
        rows: Iterable[tuple[tuple[tuple[str, ...], ...], dict[int, str]]],
    ) -> None:
        for path, cells in rows:
            if not cells:
                continue
            self.phrases.terms += 1
            for words in _said(path):
                for number, code in cells.items():
                    for pattern in columns.get(number, ()):
                        phrase = pattern.format(words) if words else pattern.partition(" of {}")[0]
                        self.phrases.add_of_table(phrase, code)

    def _tree(self, store: Mapping[str, Term]) -> None:
        for term in store.values():
            self.phrases.terms += 1
            path = _path(store, term)
            if not path:
                continue
            codes = [c for c in (code_in(term.code), code_in(term.manifestation_code)) if c]
            self._own(path, codes, term.optional_modifiers)
            reference = term.see or (None if codes else term.see_also)
            if reference and not self._follow(path, reference, 0):
                self.phrases.unresolved += 1

    def _own(self, path: tuple[tuple[str, ...], ...], codes: list[str], modifiers: tuple[str, ...]) -> None:
        if not codes:
            return
        said = list(_said(path))
        short = [normal(text) for text in modifiers if len(normal(text).split()) == 1]
        for code in codes:
            for words in said:
                self.phrases.add(words, code)
            for modifier in short[:_MOST_MODIFIERS]:
                self.phrases.add(f"{said[0]} {modifier}", code)

    def _follow(self, path: tuple[tuple[str, ...], ...], reference: str, hops: int) -> bool:
        """Let the words of ``path`` stand for the term referred to; whether it was found."""
        steps = [normal(step) for step in re.sub(r"\([^)]*\)", "", reference).split(",")]
        steps = [step for step in steps if step]
        if not steps or steps[0] in NO_TARGETS:
            return not steps or steps[0] == "condition"
        if steps[0] in ("neoplasm", "neoplasm neoplastic") and self._sites:
            return self._follow_table(path, steps)
        found = self._find(steps)
        if found is None:
            return False
        store, target = found
        for term, below in itertools.islice(_under(store, target), _MOST_FOLLOWED):
            codes = [c for c in (code_in(term.code), code_in(term.manifestation_code)) if c]
            for code in codes:
                for words in _said((*path, *below)):
                    self.phrases.add(words, code)
        onward = target.see or (None if target.code else target.see_also)
        if onward and hops < _MOST_HOPS:
            self._follow(path, onward, hops + 1)
        return True

    def _follow_table(self, path: tuple[tuple[str, ...], ...], steps: list[str]) -> bool:
        column = next((BEHAVIOURS[step] for step in steps[1:] if step in BEHAVIOURS), None)
        if column is None:
            return False
        whole = [cells[column] for sites, cells in self._sites if not sites and column in cells]
        for code in whole:
            for words in _said(path):
                self.phrases.add(words, code)
        if len(path) == 1 and not HEADS_OF_THE_TABLE.isdisjoint(path[0]):
            for sites, cells in self._sites:
                if sites and column in cells:
                    for words in _said((*path, *sites)):
                        self.phrases.add_of_table(words, cells[column])
        return True

    def _find(self, steps: list[str]) -> tuple[Mapping[str, Term], Term] | None:
        """The term that a cross reference names, from its main term down."""
        for taken in range(min(len(steps), 3), 0, -1):
            found = self._main.get(" ".join(steps[:taken]))
            if found is not None:
                store, term = found
                down = _down(store, term, [s for s in steps[taken:] if s not in NO_TARGETS])
                if down is not None:
                    return store, down
        return None


def _down(store: Mapping[str, Term], term: Term, steps: list[str]) -> Term | None:
    if not steps:
        return term
    children = [store[item] for item in term.children_ids if item in store]
    for taken in range(min(len(steps), 2), 0, -1):
        wanted = " ".join(steps[:taken])
        for child in children:
            if wanted in forms(child.title) or wanted == normal(child.title):
                found = _down(store, child, steps[taken:])
                if found is not None:
                    return found
    for child in children:
        if normal(child.title) in CONNECTING:
            found = _down(store, child, steps)
            if found is not None:
                return found
    return None


def _under(store: Mapping[str, Term], top: Term) -> Iterator[tuple[Term, tuple[tuple[str, ...], ...]]]:
    """A term and all below it, each with the forms of the titles on the way down."""
    todo: list[tuple[Term, tuple[tuple[str, ...], ...]]] = [(top, ())]
    while todo:
        term, below = todo.pop()
        yield term, below
        for item in reversed(term.children_ids):
            child = store[item]
            if not _is_cell(child):
                todo.append((child, (*below, *_step(child))))


def _step(term: Term) -> tuple[tuple[str, ...], ...]:
    said = forms(term.title)
    return (said,) if said else ()


def _path(store: Mapping[str, Term], term: Term) -> tuple[tuple[str, ...], ...]:
    """Forms of the titles from the main term down; empty for cells of a table."""
    if _is_cell(term):
        return ()
    steps: list[tuple[tuple[str, ...], ...]] = []
    at: Term | None = term
    while at is not None:
        steps.append(_step(at))
        at = store[at.parent_id] if at.parent_id else None
    return tuple(itertools.chain.from_iterable(reversed(steps)))


def _said(path: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    """The phrases that a path of titles may be, a few of them."""
    for words in itertools.islice(itertools.product(*path), _MOST_PHRASES):
        yield " ".join(words)


def _is_cell(term: Term) -> bool:
    return "X" in term.id


def _cells(store: Mapping[str, Term], term: Term) -> list[tuple[int, str]]:
    """Column and code of the cells of a row of a table."""
    out: list[tuple[int, str]] = []
    for item in term.children_ids:
        if "X" in item:
            code = code_in(store[item].code)
            if code:
                out.append((int(item.rpartition("X")[2]), code))
    return out
