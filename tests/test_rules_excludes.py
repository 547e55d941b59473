"""Excludes notes: how they are read, and every pair that an Excludes1 note keeps apart, by an own reading."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from rules_world import rules_of

from suggester.codesets import Catalog
from suggester.rules import Case, Diagnosis, Subject
from suggester.rules.book import Book, Instruction
from suggester.rules.excludes import excluded_pairs
from suggester.rules.references import Narrowing, Reference, references

FIFTH = Narrowing("at", (5, 6), ("5",))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tuberculous enteritis (A18.32)", [("A18.32", "A18.32")]),
        ("certain localized infections - see body system-related chapters", []),
        ("perinatal infections (P35-P39)", [("P35", "P39")]),
        ("diabetes mellitus (E08.-)", [("E08", "E08")]),
        ("sepsis (A39.2-A39.4)", [("A39.2", "A39.4")]),
        ("thrombosis (I63.0-I63.2, I65.1)", [("I63.0", "I63.2"), ("I65.1", "I65.1")]),
        ("malaria (B50.0-B54)", [("B50.0", "B54")]),
        ("fever (I01.0 -I01.9)", [("I01.0", "I01.9")]),
        ("apnea (P28.3- - P28.4-)", [("P28.3", "P28.4")]),
        ("deficits (I69.81- I69.91-)", [("I69.81", "I69.81"), ("I69.91", "I69.91")]),
        ("arteries (I70.2--I70.7-)", [("I70.2", "I70.7")]),
        ("by site (M05.00 to M05.8A)", [("M05.00", "M05.8A")]),
        ("drug use (F11.-F17.-)", [("F11", "F17")]),
        ("cerebral hemorrhage (I60.-. I61.-, I62.-)", [("I60", "I60"), ("I61", "I61"), ("I62", "I62")]),
        ("conditions classified to A74.-", [("A74", "A74")]),
        ("concussion in subcategories S06.1- to S06.6-", [("S06.1", "S06.6")]),
        ("code, if applicable, for codes G31.0-G31.83, to identify:", []),
        ("torticollis NOS M43.6", [("M43.6", "M43.6")]),
        ("vitamin B12 with the words of E11 with something else", []),
    ],
)
def test_references_of_a_note(text: str, found: list[tuple[str, str]]) -> None:
    assert [(item.first, item.last) for item in references(text)] == found


@pytest.mark.parametrize(
    ("text", "narrowing"),
    [
        ("(T36-T50 with fifth or sixth character 5)", FIFTH),
        ("(T36-T65 with fifth or sixth character 1-4 or 6)", Narrowing("at", (5, 6), tuple("12346"))),
        ("(E08-E13 with .51-.52)", Narrowing("tail", (), ("51", "52"))),
        ("(F10-F19, with .17, .27, .97)", Narrowing("tail", (), ("17", "27", "97"))),
        ("(F11-F19 with .15. .25, .95)", Narrowing("tail", (), ("15", "25", "95"))),
        ("(E08-E13 with .62-)", Narrowing("tail", (), ("62",))),
        ("(I69. with final characters -23)", Narrowing("end", (), ("23",))),
        ("(S42.- with 7th character B or C)", Narrowing("at", (7,), ("B", "C"))),
        ("(S52.- with open fracture 7th character)", Narrowing("at", (7,), ("B", "C"))),
        ("(F10-F19 with 5th character .6)", Narrowing("at", (5,), ("6",))),
        ("(F11-F19 with fifth to sixth characters 51)", Narrowing("at", (5,), ("51",))),
        ("acidosis - see categories E08-E10 with ketoacidosis", Narrowing("tail", (), ("1",))),
        ("(T51-T65 with fifth or sixth character to indicate intent)", None),
    ],
)
def test_what_narrows_a_reference(text: str, narrowing: Narrowing | None) -> None:
    assert references(text)[0].narrowing == narrowing


@pytest.mark.parametrize(
    ("narrowing", "code", "meant"),
    [
        (FIFTH, "T36.0X5A", True),
        (FIFTH, "T36.0X1A", False),
        (FIFTH, "T36.95XA", True),
        (FIFTH, "T43.651A", False),
        (FIFTH, "T36", False),
        (Narrowing("tail", (), ("52",)), "E11.52", True),
        (Narrowing("tail", (), ("52",)), "E11.51", False),
        (Narrowing("end", (), ("23",)), "I69.023", True),
        (Narrowing("end", (), ("6",)), "T36.0X6A", True),
        (Narrowing("at", (7,), ("B",)), "S02.0XXB", True),
        (Narrowing("at", (7,), ("B",)), "S02.0XXA", False),
    ],
)
def test_a_narrowing_admits(narrowing: Narrowing, code: str, meant: bool) -> None:
    assert narrowing.admits(code) is meant


# --- every Excludes1 pair ---------------------------------------------------------------------------


@cache
def book_of(catalog: Catalog) -> Book:
    return rules_of(catalog).knowledge(None).book


@cache
def billable_of(book: Book) -> tuple[NDArray[np.int64], list[str]]:
    rows = np.flatnonzero(book.store.billable)
    return rows, [book.store.code_list[row] for row in rows.tolist()]


def notes_of(book: Book) -> Iterator[tuple[int, Instruction]]:
    """Every Excludes1 note that names codes, with the row that carries it."""
    for row in range(len(book.store)):
        for note in book.own(row, "excludes1"):
            if references(note.text):
                yield row, note


class Spelling:
    """Billable codes by how they are spelled: from what a note names to codes without the tree."""

    def __init__(self, codes: list[str]) -> None:
        self.codes = codes
        order = sorted(range(len(codes)), key=codes.__getitem__)
        self._names = [codes[place] for place in order]
        self._places = np.array(order)

    def starting(self, prefix: str) -> NDArray[np.int64]:
        """Places (in the order of the list) of the codes that begin with a prefix."""
        return self._places[bisect_left(self._names, prefix) : bisect_left(self._names, prefix + "~")]

    def meant(self, reference: Reference) -> NDArray[np.bool_]:
        """Mask of the codes of a reference: by spelling for one code, by the listed order for a range."""
        out = np.zeros(len(self.codes), dtype=np.bool_)
        places = self.starting(reference.first)
        if reference.first != reference.last:
            last = self.starting(reference.last)
            if not len(last):  # the range ends at a code that is no more
                category = self.starting(reference.last[:3])
                last = np.array([p for p in category if self.codes[p] < reference.last])
            places = np.arange(places.min(), last.max() + 1)
        if reference.narrowing is not None:
            places = np.array([p for p in places if reference.narrowing.admits(self.codes[p])], dtype=int)
        out[places] = True
        return out


def quickly(book: Book, note: Instruction, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Billable codes that the rules take a note to mean."""
    out = np.zeros(len(book.store), dtype=np.bool_)
    for target in note.targets:
        if target.narrowing is None:
            out[target.start : target.stop] = True
        else:
            out[list(book.meant(note, range(target.start, target.stop)))] = True
    return out[rows]


@pytest.mark.slow
def test_every_excludes1_note_means_the_codes_that_it_names_and_no_other(catalog: Catalog) -> None:
    """All pairs of all notes: the codes under each note, and the codes that it names, one by one."""
    book = book_of(catalog)
    rows, codes = billable_of(book)
    spelling = Spelling(codes)
    pairs = 0
    named: dict[str, NDArray[np.bool_]] = {}
    for row, note in notes_of(book):
        if note.text not in named:
            named[note.text] = np.logical_or.reduce([spelling.meant(item) for item in references(note.text)])
        wanted = named[note.text]
        assert (quickly(book, note, rows) == wanted).all(), (note.holder, note.text)
        assert wanted.any(), (note.holder, note.text)
        first, last = np.searchsorted(rows, [row, book.end(row)])
        if " " not in note.holder:
            under = np.sort(spelling.starting(note.holder))
            assert (under == np.arange(first, last)).all(), note.holder
        pairs += int(last - first) * int(wanted.sum())
    assert len(named) > 2_500
    assert pairs > 10_000_000


@pytest.mark.slow
def test_the_rule_catches_a_pair_of_every_note_and_nothing_beside_it(catalog: Catalog) -> None:
    """Through the rule itself: the first and last code under each note, with the ends of what it names."""
    knowledge = rules_of(catalog).knowledge(None)
    book = book_of(catalog)
    rows, codes = billable_of(book)
    checked = silent = 0
    for row, note in notes_of(book):
        under = codes[int(np.searchsorted(rows, row)) : int(np.searchsorted(rows, book.end(row)))]
        meant = np.flatnonzero(quickly(book, note, rows))
        ends = dict.fromkeys((int(meant[0]), int(meant[-1])))
        for one in dict.fromkeys((under[0], under[-1])):
            for place in ends:
                if codes[place] == one:
                    continue
                case = Case(
                    Subject(stage="note", diagnoses=(Diagnosis(code=one), Diagnosis(code=codes[place]))),
                    knowledge,
                )
                assert [*excluded_pairs(case, "excludes1")], (one, codes[place], note.text)
                checked += 1
            for place in (int(meant[0]) - 1, int(meant[-1]) + 1):
                if not 0 <= place < len(codes) or codes[place] == one:
                    continue
                other = codes[place]
                case = Case(
                    Subject(stage="note", diagnoses=(Diagnosis(code=one), Diagnosis(code=other))), knowledge
                )
                for a, b, why in excluded_pairs(case, "excludes1"):
                    assert apart(book, why, a.row, b.row), (a.code, b.code, why.text)
                else:
                    silent += 1
    assert checked > 10_000
    assert silent > 10_000


def apart(book: Book, note: Instruction, one: int, two: int) -> bool:
    """Whether a note really keeps two rows apart: one under it, the other in what it names, by spelling."""
    other = book.code(two)
    inside = any(
        (item.first == item.last and other.startswith(item.first))
        or (item.first != item.last and item.first[:3] <= other[:3] <= re.sub(r"\..*", "", item.last))
        for item in references(note.text)
    )
    return inside and note.holder_row in book.lineage(one)


def test_references_that_lead_nowhere_are_known(catalog: Catalog) -> None:
    """Codes that notes name and the release has not: two misprints of the list."""
    book = book_of(catalog)
    lost = set()
    for row in range(len(book.store)):
        for kind in ("excludes1", "excludes2", "codeFirst", "useAdditionalCode", "codeAlso"):
            for note in book.own(row, kind):  # type: ignore[arg-type]
                lost |= {item.first for item in references(note.text) if book.target(item) is None}
    assert lost <= {"G31.90"}


def test_the_tabular_list_is_in_depth_first_order(catalog: Catalog) -> None:
    """What stands below a code is one stretch of rows: intervals rest on it."""
    parent = book_of(catalog).store.parent.tolist()
    stack: list[int] = []
    for row, up in enumerate(parent):
        while stack and stack[-1] != up:
            stack.pop()
        assert up < 0 or stack
        stack.append(row)


def test_a_pair_is_found_once_and_with_the_nearest_note(catalog: Catalog) -> None:
    knowledge = rules_of(catalog).knowledge(None)
    codes = ("E10.9", "E11.9", "E13.9")
    case = Case(Subject(stage="note", diagnoses=tuple(Diagnosis(code=c) for c in codes)), knowledge)
    pairs = [(a.code, b.code, note.holder) for a, b, note in excluded_pairs(case, "excludes1")]
    assert len({frozenset(pair[:2]) for pair in pairs}) == len(pairs) == 3
