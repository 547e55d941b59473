"""Is each code one that a payer knows on the service date, whole and billable?"""

from __future__ import annotations

from collections.abc import Iterator

from suggester.rules.book import Book
from suggester.rules.case import Case
from suggester.rules.registry import Finding, rule
from suggester.rules.subject import DECIDED
from suggester.types import System

GROUP = "Validity"
_SEVENTH = "ICD-10-CM guidelines FY2026 I.A.5"


def padded(book: Book, code: str) -> str | None:
    """The code with the placeholder X where it was left out before its 7th character, if there is one.

    ``S01.00A`` is ``S01.00XA``.
    """
    plain = code.replace(".", "").upper()
    if not 3 < len(plain) < 7:
        return None
    stem, last = plain[:-1].ljust(6, "X"), plain[-1]
    found = book.row(f"{stem[:3]}.{stem[3:]}{last}")
    return None if found is None else book.code(found)


@rule(
    "validity.unknown",
    severity="error",
    source="code-set release",
    group=GROUP,
    stages=DECIDED,
    overridable=False,
)
def unknown_code(case: Case) -> Iterator[Finding]:
    """The code is not in the release in force on the service date."""
    book = case.book
    for _, item in case.unknown:
        code = item.code
        if padded(book, code) is not None or _wrong_seventh(book, code) is not None:
            continue
        yield _unknown(case, "ICD-10-CM", code, item.words)
    for service in case.services:
        if service.system not in case.know.missing and case.service_row(service) is None:
            yield _unknown(case, service.system, service.code, service.words)


def _unknown(case: Case, system: System, code: str, words: tuple[str, ...]) -> Finding:
    release = case.know.stores[system].release.id
    others = [item for item in case.know.elsewhere(system, code) if item.id != release]
    said = f"{code[:16]} is not in {system} release {release}, in force on {case.day.isoformat()}"
    if others:
        names = ", ".join(
            f"{item.id} ({item.valid_from} to {item.valid_to or 'open'})" for item in others[:3]
        )
        said += f"; it is in {names}: check the service date or replace the code"
    else:
        said += "; look for the code that replaced it"
    return Finding(said, (code,), f"{system} release {release}", words)


@rule(
    "validity.no_release",
    severity="warning",
    source="installed code-set releases",
    group=GROUP,
    stages=DECIDED,
)
def no_release(case: Case) -> Iterator[Finding]:
    """No installed release of the code's system covers the service date."""
    for system in sorted(case.know.missing):
        codes = tuple(dict.fromkeys(s.code for s in case.services if s.system == system))
        if codes:
            yield Finding(
                f"no {system} release covers {case.day.isoformat()}, so these are not checked; "
                "import the one in force with: suggester codesets import",
                codes,
            )


@rule(
    "validity.placeholder",
    severity="error",
    source=f"{_SEVENTH}, I.A.4",
    group=GROUP,
    stages=DECIDED,
    overridable=False,
)
def placeholder(case: Case) -> Iterator[Finding]:
    """The 7th character stands too early: the placeholder X is left out before it."""
    for _, item in case.unknown:
        whole = padded(case.book, item.code)
        if whole is not None:
            yield Finding(
                f"{item.code} lacks the placeholder X; write {whole}", (item.code,), words=item.words
            )


@rule(
    "validity.seventh_missing",
    severity="error",
    source=_SEVENTH,
    group=GROUP,
    stages=DECIDED,
    overridable=False,
)
def seventh_missing(case: Case) -> Iterator[Finding]:
    """The code needs a 7th character and has none."""
    for item in case.diagnoses:
        children = case.book.store.children(item.row)
        if children and case.book.store.is_extension(children[0]):
            meanings = case.book.store.seventh_characters(item.row)
            first = case.book.code(children[0])[:-1]
            choices = ", ".join(f"{char} {meaning}" for char, meaning in meanings.items())
            yield Finding(
                f"{item.code} needs a 7th character: write {first} and one of {choices}",
                (item.code,),
                words=item.item.words,
            )


def _wrong_seventh(book: Book, code: str) -> int | None:
    """Row of the code that a wrong 7th character was put to."""
    plain = code.replace(".", "").upper()
    if len(plain) != 7:
        return None
    stem = plain[:6]
    while len(stem) > 2:
        row = book.row(stem if len(stem) == 3 else f"{stem[:3]}.{stem[3:]}")
        if row is not None:
            children = book.store.children(row)
            return row if children and book.store.is_extension(children[0]) else None
        if stem[-1] != "X":
            return None
        stem = stem[:-1]
    return None


@rule(
    "validity.seventh_wrong",
    severity="error",
    source=_SEVENTH,
    group=GROUP,
    stages=DECIDED,
    overridable=False,
)
def seventh_wrong(case: Case) -> Iterator[Finding]:
    """The 7th character is not one that the code may have."""
    for _, item in case.unknown:
        row = _wrong_seventh(case.book, item.code)
        if row is not None:
            allowed = ", ".join(case.book.store.seventh_characters(row))
            yield Finding(
                f"{item.code}: its 7th character is not one of {allowed}; choose the one of this encounter",
                (item.code,),
                words=item.words,
            )


@rule(
    "validity.not_billable",
    severity="error",
    source="ICD-10-CM guidelines FY2026 I.B.2",
    group=GROUP,
    stages=DECIDED,
    overridable=False,
)
def not_billable(case: Case) -> Iterator[Finding]:
    """The code is a category or subcategory that is divided further."""
    store = case.book.store
    for item in case.diagnoses:
        if store.billable[item.row]:
            continue
        children = store.children(item.row)
        if children and store.is_extension(children[0]):
            continue
        if " " in item.code:
            said = f"{item.code} is a heading of the list; choose a code below it"
        else:
            shown = ", ".join(store.codes[row] for row in children[:4])
            more = ", …" if len(children) > 4 else ""
            said = f"{item.code} is divided further and not billable; choose one below it: {shown}{more}"
        yield Finding(said, (item.code,), words=item.item.words)
