"""The lexicon files that ship: every code there is, every phrase clean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from suggester.codesets import Catalog
from suggester.codesets.lexicon import (
    Lexicon,
    lexicon_dir,
    read_company,
    read_gives_way,
    read_history,
    read_lexicon,
    read_one_of,
    read_rows,
)
from suggester.codesets.store import ReleaseStore
from suggester.codesets.terms import Target
from suggester.codesets.words import named_words, words
from suggester.errors import UnknownCodeError
from suggester.types import System

FILES = sorted(lexicon_dir().rglob("*.tsv"))


def name_of(path: Path) -> str:
    return path.relative_to(lexicon_dir()).as_posix()


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return read_lexicon()


def unknown(store: ReleaseStore, codes: Iterable[tuple[str, str]]) -> list[str]:
    """Codes, with where they stand, that a release does not have."""
    out = []
    for where, code in codes:
        try:
            if store.codes[store.row(code)] != code:
                out.append(f"{where} {code}")
        except UnknownCodeError:
            out.append(f"{where} {code}")
    return out


def test_every_icd10cm_code_exists(catalog: Catalog, lexicon: Lexicon) -> None:
    store = catalog.store("ICD-10-CM")
    assert unknown(store, ((row.where, row.code) for row in lexicon.icd10cm)) == []
    assert not [row.where for row in lexicon.icd10cm if " " in row.code]


def test_every_cpt_number_is_active(catalog: Catalog, lexicon: Lexicon) -> None:
    assert unknown(catalog.store("CPT"), ((row.where, row.code) for row in lexicon.cpt)) == []


def test_every_hcpcs_code_is_active(catalog: Catalog, lexicon: Lexicon) -> None:
    store = catalog.store("HCPCS")
    assert unknown(store, ((row.where, row.code) for row in lexicon.hcpcs)) == []
    assert unknown(store, ((unit.drug, unit.code) for unit in lexicon.drug_units)) == []


def test_every_long_term_code_is_billable(catalog: Catalog, lexicon: Lexicon) -> None:
    store = catalog.store("ICD-10-CM")
    codes = {drug.long_term_code for drug in lexicon.drugs} - {""}
    assert unknown(store, (("drugs.tsv", code) for code in sorted(codes))) == []
    assert [code for code in sorted(codes) if not store.billable[store.row(code)]] == []
    assert {code[:3] for code in codes} == {"Z79"}


def test_every_history_code_is_billable_and_every_prefix_begins_a_code(catalog: Catalog) -> None:
    store = catalog.store("ICD-10-CM")
    for table in read_history():
        assert unknown(store, table.items()) == []
        assert [code for code in table.values() if not store.billable[store.row(code)]] == []
        assert [prefix for prefix in table if not store.with_prefix(prefix)] == []


def test_what_gives_way_and_what_it_gives_way_to_begin_codes_of_other_families(catalog: Catalog) -> None:
    store = catalog.store("ICD-10-CM")
    for vague, told in read_gives_way().items():
        assert [prefix for prefix in (vague, *told) if not store.with_prefix(prefix)] == []
        assert not set(store.with_prefix(vague)) & {row for one in told for row in store.with_prefix(one)}


def test_what_is_not_coded_alone_and_its_company_begin_codes(catalog: Catalog) -> None:
    store = catalog.store("ICD-10-CM")
    seen: set[int] = set()
    for codes, company in read_company():
        assert [prefix for prefix in (*codes, *company) if not store.with_prefix(prefix)] == []
        assert max(map(len, company)) <= 3  # categories or chapters
        rows = {row for prefix in codes for row in store.with_prefix(prefix)}
        assert not rows & seen
        seen |= rows


def test_alternatives_begin_codes_and_none_is_in_two(catalog: Catalog) -> None:
    store = catalog.store("ICD-10-CM")
    for alternatives in read_one_of():
        assert len(alternatives) > 1
        seen: set[int] = set()
        for prefixes in alternatives:
            assert [prefix for prefix in prefixes if not store.with_prefix(prefix)] == []
            rows = {row for prefix in prefixes for row in store.with_prefix(prefix)}
            assert not rows & seen
            seen |= rows


NOT_PHRASES = (
    *("em/", "history", "reader", "relations", "rules", "synonyms/abbreviations"),
    *("services/choices", "services/cpt_rare", "services/dialysis_drugs", "services/imaging"),
)
"""Files whose first column is no phrase in lower case: codes, cues, abbreviations, names of genes."""


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_row_stands_twice(path: Path) -> None:
    lines = [
        line for line in path.read_text(encoding="utf-8").split("\n") if line and not line.startswith("#")
    ]
    assert [line for line, count in Counter(lines).items() if count > 1] == []
    if name_of(path).split("/")[0] in ("icd10cm", "cpt", "hcpcs"):
        pairs = Counter(tuple(line.split("\t")[:2]) for line in lines)
        assert [pair for pair, count in pairs.items() if count > 1] == []


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if not name_of(p).startswith(NOT_PHRASES)],
    ids=name_of,
)
def test_phrases_are_lower_case_and_clean(path: Path) -> None:
    header = next(line for line in path.read_text(encoding="utf-8").split("\n") if not line.startswith("#"))
    wrong = []
    for number, cells in read_rows(path, header.split("\t")):
        phrase = cells[0]
        if (
            phrase != phrase.lower()
            or phrase != " ".join(phrase.split())
            or set(phrase) & set('"“”;!?{}<>|_\\')
        ):
            wrong.append(f"{path.name}:{number} {phrase!r}")
    assert wrong == []


def test_every_phrase_has_words(lexicon: Lexicon) -> None:
    rows = (*lexicon.icd10cm, *lexicon.cpt, *lexicon.hcpcs)
    assert [row.where for row in rows if not words(row.phrase)] == []


@pytest.mark.parametrize(
    "text", ["criteria met", "lower leg", "prolonged", "psa", "refill", "er", "pr", "orbit", "sinus", "no"]
)
def test_a_phrase_that_says_nothing_alone_makes_no_term(catalog: Catalog, text: str) -> None:
    terms = catalog.release_set()[0].terms
    ids = {terms.vocabulary[word] for word in words(text) if word in terms.vocabulary}
    lone = [t for t in range(len(terms.term_row)) if terms.term_ptr[t + 1] - terms.term_ptr[t] <= len(ids)]
    made = [terms.phrases[t] for t in lone if terms.term_target[t] == 0 and set(terms.term_words(t)) <= ids]
    assert made == []


def test_no_expansion_leads_a_term_to_another_code(catalog: Catalog) -> None:
    """*Sleep apnea* is not *obstructive sleep apnea*, and an infiltrate is no pneumonia."""
    releases = catalog.release_set()[0]
    terms, store = releases.terms, releases.store("ICD-10-CM")
    codes: dict[frozenset[int], set[str]] = {}
    for term, (target, row) in enumerate(
        zip(terms.term_target.tolist(), terms.term_row.tolist(), strict=True)
    ):
        if target == Target.ICD10CM:
            codes.setdefault(frozenset(terms.term_words(term)), set()).add(store.codes[row])

    def ids(phrase: str) -> frozenset[int]:
        content = [word for word in named_words(phrase) if word not in terms.stop_words]
        known = [terms.vocabulary.get(word) for word in content]
        return frozenset() if None in known else frozenset(word for word in known if word is not None)

    def leads_astray(phrase: str, expansion: str) -> bool:
        own, means = codes.get(ids(phrase), set()), ids(expansion)
        billable = {code for code in own if store.billable[store.row(code)]}
        return any(
            not any(code.startswith(known) or known.startswith(code) for known in own)
            or (
                any(
                    code.startswith(known) and code not in own and any(b.startswith(known) for b in billable)
                    for known in own - billable
                )
                and not any(b.startswith(code) for b in billable)
            )
            for code in codes.get(means, set()) | codes.get(means | ids(phrase), set())
            if own and means
        )

    path = lexicon_dir() / "synonyms" / "synonyms.tsv"
    wrong = [
        f"{number}: {phrase} -> {expansion}"
        for number, (phrase, expansion, kind) in read_rows(path, ("phrase", "expansion", "kind"))
        if kind != "combining" and leads_astray(phrase, expansion)
    ]
    assert wrong == []


def test_cpt_labels_are_short_own_words(lexicon: Lexicon) -> None:
    labels: dict[str, set[str]] = {}
    for row in lexicon.cpt:
        labels.setdefault(row.code, set()).add(row.label)
    assert {code: names for code, names in labels.items() if len(names) > 1} == {}, "one code, one label"
    assert [label for names in labels.values() for label in names if len(label) > 80] == []


@pytest.mark.parametrize(
    ("what", "least"),
    [
        ("icd10cm", 40_000),
        ("cpt", 1_000),
        ("hcpcs", 2_500),
        ("drugs", 1_700),
        ("drug_units", 1_400),
        ("synonyms", 5_000),
        ("senses", 1_600),
        ("misspellings", 400),
        ("word_forms", 1_100),
        ("stop_words", 140),
        ("not_alone", 130),
        ("short_words", 1_900),
    ],
)
def test_nothing_got_lost(lexicon: Lexicon, what: str, least: int) -> None:
    assert len(getattr(lexicon, what)) >= least


@pytest.mark.parametrize(("system", "part"), [("CPT", "cpt"), ("HCPCS", "hcpcs"), ("ICD-10-CM", "icd10cm")])
def test_phrases_reach_the_term_index(catalog: Catalog, lexicon: Lexicon, system: System, part: str) -> None:
    """A sample of phrases, looked up as they stand, leads to a code they name within the first ten."""
    rows = getattr(lexicon, part)
    step = max(len(rows) // 60, 1)
    named: dict[str, set[str]] = {}
    for row in rows:
        named.setdefault(row.phrase, set()).add(row.code)
    missed = []
    for row in rows[::step]:
        found = {hit.code.code for hit in catalog.search(row.phrase, system=system, limit=10)}
        wanted = named[row.phrase]
        if not any(
            code.startswith(tuple(wanted)) or any(w.startswith(code) for w in wanted) for code in found
        ):
            missed.append(f"{row.where} {row.phrase!r} {row.code}")
    assert len(missed) <= 2, missed
