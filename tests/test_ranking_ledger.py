"""The not-coded ledger: whole mentions only, one entry a stretch and reason, the most telling kept."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from engine_world import bench_of, code_of

from suggester.codesets import Catalog
from suggester.pipeline.reading import Reading
from suggester.ranking import ledger as module
from suggester.ranking.bench import Bench
from suggester.ranking.candidates import ANY
from suggester.ranking.features import Scored
from suggester.ranking.ledger import cue_of, ledger
from suggester.types import Assertion, Cue, NotCoded, Span

TEXT = "No pneumonia. Denies chest pain. Gout."


class Case(NamedTuple):
    reading: Reading
    scored: dict[str, Scored]
    bench: Bench


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


@pytest.fixture(scope="module")
def case(bench: Bench) -> Case:
    reading = bench.read(TEXT)
    found = bench.finder.find(reading, setting=None, weakest=ANY)
    _, scored = bench.features.build(reading, found, setting=None)
    by_code = {code_of(bench, s.candidate): s for s in scored}
    return Case(reading, by_code, bench)


def entries(
    case: Case, *left_out: tuple[str, str, str | None], covered: tuple[Span, ...] = ()
) -> tuple[NotCoded, ...]:
    items = [(case.scored[code], reason, cue) for code, reason, cue in left_out]
    return ledger(TEXT, case.reading, items, case.bench.code_of, covered)


def test_an_entry_quotes_the_words_with_reason_cue_and_code(case: Case) -> None:
    (entry,) = entries(case, ("J18.9", "negated", "No"))
    assert entry == NotCoded(
        span=Span(start=3, end=12), quote="pneumonia", reason="negated", cue="No", would_be=("J18.9",)
    )


def test_entries_are_in_order_of_the_note_and_join_rivals(case: Case) -> None:
    found = entries(
        case, ("M10.9", "below threshold", None), ("R07.9", "negated", "Denies"), ("J18.9", "negated", "No")
    )
    assert [entry.quote for entry in found] == ["pneumonia", "chest pain", "Gout"]
    joined = entries(case, ("J18.9", "negated", "No"), ("J18.9", "negated", "later"))
    assert [(e.would_be, e.cue) for e in joined] == [(("J18.9",), "No")]
    apart = entries(case, ("J18.9", "negated", "No"), ("J18.9", "family", "x"))
    assert [e.reason for e in apart] == ["family", "negated"]


def test_words_that_a_suggestion_rests_on_are_no_entry_of_their_rivals(case: Case) -> None:
    covered = (Span(start=3, end=12),)
    assert entries(case, ("J18.9", "below threshold", None), covered=covered) == ()
    assert entries(case, ("J18.9", "negated", "No"), covered=covered) != ()
    beside = (Span(start=12, end=14),)
    assert entries(case, ("J18.9", "below threshold", None), covered=beside) != ()


def test_part_of_a_term_is_no_entry(case: Case) -> None:
    m = case.reading.matches
    partial = next(code for code, s in case.scored.items() if float(m.coverage[s.best.match]) < 0.999)
    assert entries(case, (partial, "negated", "No")) == ()


def test_the_most_telling_are_kept_when_there_are_too_many(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIMIT", 1)
    left_out = [
        ("J18.9", "negated", "No"),
        ("R07.9", "negated", "Denies"),
        ("M10.9", "below threshold", None),
    ]
    (kept,) = entries(case, *left_out)
    best = max(left_out, key=lambda row: case.scored[row[0]].best_score)
    assert kept.would_be == (best[0],)


def test_the_cue_of_a_flag_is_the_first_that_set_it() -> None:
    def cue(flag: str, text: str) -> Cue:
        return Cue(flag=flag, text=text, span=Span(start=0, end=1), rule_id="r")  # type: ignore[arg-type]

    assertion = Assertion(
        negated=True, cues=(cue("uncertain", "maybe"), cue("negated", "no"), cue("negated", "denies"))
    )
    assert cue_of(assertion, "negated") == "no"
    assert cue_of(assertion, "family") is None
    assert cue_of(Assertion(negated=True), "negated") is None
