"""Going down to the billable code, and the proof that nothing else can come out."""

from __future__ import annotations

import pytest
from engine_world import bench_of

from suggester.codesets import Catalog, ReleaseSet
from suggester.codesets.terms import Target
from suggester.codesets.words import words
from suggester.ranking import resolve as module
from suggester.ranking.bench import Bench
from suggester.ranking.resolve import CodeResolver, Phase, Resolved

RIGHT, LEFT, BOTH = 1, 2, 3


@pytest.fixture(scope="module")
def releases(catalog: Catalog) -> ReleaseSet:
    return catalog.release_set()[0]


@pytest.fixture(scope="module")
def resolver(releases: ReleaseSet) -> CodeResolver:
    return CodeResolver(releases.icd10cm, releases.terms)


def resolve(
    releases: ReleaseSet,
    resolver: CodeResolver,
    code: str,
    context: str = "",
    side: int = 0,
    phase: Phase = "initial",
) -> tuple[Resolved, ...]:
    vocabulary = releases.terms.vocabulary
    ids = frozenset(vocabulary[word] for word in words(context) if word in vocabulary)
    return resolver.resolve(releases.icd10cm.row(code), context=ids, side=side, phase=phase)


@pytest.mark.parametrize(
    ("code", "context", "side", "phase", "expected"),
    [
        # a billable code is itself
        ("I10", "", 0, "initial", ["I10"]),
        ("E11.9", "type 2 diabetes with neuropathy", 0, "initial", ["E11.9"]),
        # a category goes down by words, to the unspecified child without any
        ("I48", "", 0, "initial", ["I48.91"]),
        ("I48", "paroxysmal atrial fibrillation", 0, "initial", ["I48.0"]),
        ("I50", "", 0, "initial", ["I50.9"]),
        ("I50", "acute systolic heart failure", 0, "initial", ["I50.21"]),
        ("J45", "asthma", 0, "initial", ["J45.909"]),
        ("J45", "mild intermittent asthma with acute exacerbation", 0, "initial", ["J45.21"]),
        ("N18", "chronic kidney disease stage 4", 0, "initial", ["N18.4"]),
        ("N18", "chronic kidney disease", 0, "initial", ["N18.9"]),
        # side of a category above
        ("L97.5", "fat layer exposed", LEFT, "initial", ["L97.522"]),
        ("L97.5", "fat layer exposed", 0, "initial", ["L97.502"]),
        ("L97.502", "", RIGHT, "initial", ["L97.512"]),
        ("L97.5", "", BOTH, "initial", ["L97.519", "L97.529"]),
        ("L89.606", "", RIGHT, "initial", ["L89.616"]),
        # side
        ("M17.1", "", RIGHT, "initial", ["M17.11"]),
        ("M17.1", "", LEFT, "initial", ["M17.12"]),
        ("M17.1", "", 0, "initial", ["M17.10"]),
        ("M25.56", "", LEFT, "initial", ["M25.562"]),
        ("M25.56", "", 0, "initial", ["M25.569"]),
        ("M25.561", "", LEFT, "initial", ["M25.562"]),
        ("H65.0", "", BOTH, "initial", ["H65.03"]),
        ("H10.1", "", BOTH, "initial", ["H10.13"]),
        # both sides where no bilateral code exists (guidelines I.B.13)
        ("M25.56", "", BOTH, "initial", ["M25.561", "M25.562"]),
        ("S42.00", "", BOTH, "initial", ["S42.001A", "S42.002A"]),
        # 7th characters
        ("S93.40", "ankle sprain", RIGHT, "initial", ["S93.401A"]),
        ("S93.40", "ankle sprain", RIGHT, "subsequent", ["S93.401D"]),
        ("S93.40", "ankle sprain", RIGHT, "sequela", ["S93.401S"]),
        ("S52.50", "", LEFT, "initial", ["S52.502A"]),
        ("S52.50", "open fracture", LEFT, "initial", ["S52.502B"]),
        ("S52.50", "fracture", LEFT, "subsequent", ["S52.502D"]),
        ("S52.50", "fracture delayed healing", LEFT, "subsequent", ["S52.502G"]),
        ("S52.50", "fracture nonunion", LEFT, "subsequent", ["S52.502K"]),
        ("S52.50", "fracture malunion", LEFT, "subsequent", ["S52.502P"]),
        ("S52.50", "fracture", LEFT, "sequela", ["S52.502S"]),
        ("S42.001A", "open fracture", LEFT, "subsequent", ["S42.001A"]),
        # glaucoma: side is the 6th character, stage the 7th
        ("H40.1131", "", 0, "initial", ["H40.1131"]),
        ("H40.11", "", RIGHT, "initial", ["H40.1110"]),
        ("H40.11", "mild stage", LEFT, "initial", ["H40.1121"]),
        ("H40.11", "severe stage", BOTH, "initial", ["H40.1133"]),
        # diabetic eye disease: the 7th character is the eye
        ("E11.321", "", RIGHT, "initial", ["E11.3211"]),
        ("E11.321", "", LEFT, "initial", ["E11.3212"]),
        ("E11.321", "", BOTH, "initial", ["E11.3213"]),
        ("E11.321", "", 0, "initial", ["E11.3219"]),
    ],
)
def test_a_row_leads_to_the_code_that_words_side_and_phase_support(
    releases: ReleaseSet,
    resolver: CodeResolver,
    code: str,
    context: str,
    side: int,
    phase: Phase,
    expected: list[str],
) -> None:
    found = resolve(releases, resolver, code, context, side, phase)
    assert [releases.icd10cm.codes[item.row] for item in found] == expected


def test_a_code_that_was_named_itself_took_no_steps(releases: ReleaseSet, resolver: CodeResolver) -> None:
    (found,) = resolve(releases, resolver, "I10", "nothing of use")
    assert found == Resolved(releases.icd10cm.row("I10"), 0.0, 0.0, False, 0)


def test_what_the_words_support_and_lack_is_counted(releases: ReleaseSet, resolver: CodeResolver) -> None:
    idf, ids = releases.terms.idf, releases.terms.vocabulary
    (found,) = resolve(releases, resolver, "I50", "acute systolic heart failure")
    assert found.supported == pytest.approx(sum(max(float(idf[ids[w]]), 1.0) for w in ("acute", "systolic")))
    assert found.unsupported == pytest.approx(0.0)
    assert found.steps == 1
    (bare,) = resolve(releases, resolver, "S42.0", "")
    assert bare.supported == 0.0


def test_a_missing_side_is_said_only_where_the_code_has_one(
    releases: ReleaseSet, resolver: CodeResolver
) -> None:
    def missing(code: str, side: int) -> list[bool]:
        return [item.side_missing for item in resolve(releases, resolver, code, side=side)]

    assert missing("M25.56", 0) == [True]
    assert missing("M25.56", LEFT) == [False]
    assert missing("M25.56", BOTH) == [False, False]
    assert missing("I10", 0) == [False]


def test_a_side_that_no_code_has_takes_the_first_and_says_so(
    releases: ReleaseSet, resolver: CodeResolver
) -> None:
    """Families without an unspecified side exist; then a side is taken and marked as missing."""
    store, terms = releases.icd10cm, releases.terms
    tried = 0
    for rep in sorted({int(rep) for rep in terms.node_family if rep >= 0}):
        siblings = store.children(int(store.parent[rep]))
        sides = {int(terms.node_side[r]) for r in siblings if terms.node_family[r] == rep}
        if 4 in sides or len(resolver._leaves_of(rep)) > 1:
            continue
        found = resolver.resolve(rep, context=frozenset(), side=0, phase="initial")
        assert found
        assert all(item.side_missing for item in found)
        tried += 1
    assert tried > 20


def test_a_row_without_codes_below_gives_nothing(
    releases: ReleaseSet, resolver: CodeResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = releases.icd10cm
    row = store.row("S42.001A")
    fresh = CodeResolver(store, releases.terms)
    monkeypatch.setattr(fresh, "_leaves_of", lambda _: ())
    assert fresh.resolve(row, context=frozenset(), side=0, phase="initial") == ()


def test_the_memo_answers_what_was_worked_out(releases: ReleaseSet) -> None:
    resolver = CodeResolver(releases.icd10cm, releases.terms)
    first = resolve(releases, resolver, "I48", "paroxysmal")
    assert resolve(releases, resolver, "I48", "paroxysmal") is first
    assert resolve(releases, resolver, "I48", "") != first
    assert resolve(releases, resolver, "I48", "paroxysmal") == first
    assert len(resolver._memo) == 2
    resolver._memo.update({(-i, frozenset(), 0, "initial"): () for i in range(1, 100_001)})
    assert resolve(releases, resolver, "I48", "permanent")
    assert len(resolver._memo) == 1
    assert resolve(releases, resolver, "I48", "paroxysmal") == first


@pytest.mark.slow
@pytest.mark.parametrize("side", [0, RIGHT, LEFT, BOTH])
@pytest.mark.parametrize("phase", ["initial", "subsequent", "sequela"])
def test_every_icd10cm_target_of_the_index_leads_to_billable_codes_only(
    releases: ReleaseSet, side: int, phase: Phase
) -> None:
    """Whatever words a note holds, the engine can only come out at billable codes of the release."""
    terms, store = releases.terms, releases.icd10cm
    targets = sorted(
        {int(r) for r, t in zip(terms.term_row, terms.term_target, strict=True) if t == Target.ICD10CM}
    )
    assert len(targets) > 20_000
    chosen = targets if phase == "initial" else targets[::7]
    billable, codes = store.billable, store.codes
    resolver = CodeResolver(store, terms)
    for row in chosen:
        found = resolver._resolve(row, frozenset(), side, phase)
        assert found, codes[row]
        assert len(found) <= 2
        for item in found:
            assert billable[item.row], codes[row]
            assert codes[item.row][:3] == codes[row][:3]
            if billable[row] and terms.node_family[row] < 0 and row not in resolver._dominance:
                assert item.row == row


def test_no_words_at_all_lead_to_a_code_that_is_not_billable(releases: ReleaseSet) -> None:
    """Categories, against contexts that pull at every 7th character and every side."""
    terms, store = releases.terms, releases.icd10cm
    vocabulary = terms.vocabulary
    pulls = [
        frozenset(vocabulary[w] for w in text.split() if w in vocabulary)
        for text in ("open delayed nonunion malunion", "mild moderate severe", "fetus 1 2 3 right left both")
    ]
    resolver = CodeResolver(store, terms)
    for row in range(0, len(store), 11):
        if store.codes[row].startswith(("Chapter", "Block")):
            continue
        for number, pull in enumerate(pulls):
            found = resolver._resolve(row, pull, number, "subsequent" if number else "initial")
            assert all(store.billable[item.row] for item in found)


def test_every_cpt_and_hcpcs_target_is_active_on_every_day_of_its_release(releases: ReleaseSet) -> None:
    terms = releases.terms
    for target, store in ((Target.CPT, releases.cpt), (Target.HCPCS, releases.hcpcs)):
        rows = {int(r) for r, t in zip(terms.term_row, terms.term_target, strict=True) if t == target}
        assert len(rows) > 3_000
        first = store.release.valid_from.toordinal()
        assert all(store.billable[row] and store.valid_from[row] <= first for row in rows)


def test_codes_of_drugs_histories_and_combinations_are_billable(bench: Bench) -> None:
    finder, store = bench.finder, bench.releases.icd10cm
    rows = [row for row in finder._drug_rows if row is not None]
    rows += [*finder.histories.personal.values(), *finder.histories.family.values()]
    assert len(rows) > 300
    assert all(store.billable[row] for row in rows)
    resolver = CodeResolver(store, bench.releases.terms)
    for _, row in finder.combinations.known:  # a category is gone down by trimester
        found = resolver.resolve(row, context=frozenset(), side=0, phase="initial")
        assert found
        assert all(store.billable[item.row] for item in found)
    assert int(store.valid_from.max()) <= store.release.valid_from.toordinal()


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


def test_shapes_of_titles_decide_where_no_word_does() -> None:
    bonus = module._shape_bonus
    plain = bonus("gout", "M10.1", "gout")
    assert bonus("gout, unspecified", "M10.9", "gout") > bonus("gout", "M10.9", "gout") > plain
    assert bonus("gout, unspecified", "M10.1", "gout, unspecified") == plain
    assert bonus("gout", "M10.0", "gout") > plain
    assert bonus("gout without tophus", "M10.1", "gout") < plain
    assert bonus("migraine, not intractable", "G43.1", "migraine") < plain
    for other in ("other gout", "gout of other site", "gout other"):
        assert bonus(other, "M10.1", "gout") < plain - 1


@pytest.mark.parametrize(
    ("code", "side", "phase"),
    [
        ("I10", False, False),
        ("M25.56", True, False),
        ("M25.562", True, False),
        ("S93.40", True, True),
        ("E11.321", True, False),
        ("S02.2", False, True),
        ("O36.80", False, False),
    ],
)
def test_what_a_row_asks_of_the_words_around(
    releases: ReleaseSet, resolver: CodeResolver, code: str, side: bool, phase: bool
) -> None:
    needs = resolver.needs(releases.icd10cm.row(code))
    assert (needs.side, needs.phase) == (side, phase)
    assert resolver.needs(releases.icd10cm.row(code)) is needs
