"""Candidates while they are found, and what relations share in finding them."""

from __future__ import annotations

from suggester.pipeline.reading import UNCERTAIN
from suggester.ranking.relations.found import by_prefix, holds, phrases_of
from suggester.ranking.support import (
    VOUCHING_SHARE,
    CodeSupport,
    Gathered,
    Joined,
    Method,
    Support,
    vouching,
)


def _support(match: int, method: Method = Method.TERM) -> Support:
    return Support(match, method, 0, None, 1.0)


def test_candidate_moves_to_a_code_that_is_none_yet() -> None:
    found = Gathered()
    found.diagnose(3, _support(0))
    candidate = found.diagnoses[3]
    found.move(candidate, 7)
    assert found.diagnoses == {7: candidate}
    assert candidate.row == 7


def test_candidate_joins_the_one_that_is_there_in_order_of_the_note_and_once() -> None:
    found = Gathered()
    found.diagnose(3, _support(0))
    found.diagnose(3, _support(2))
    found.diagnoses[3].joins.append(Joined(((1,),), ()))
    found.diagnose(7, _support(1))
    found.diagnose(7, _support(2))
    found.move(found.diagnoses[3], 7)
    assert list(found.diagnoses) == [7]
    assert [support.match for support in found.diagnoses[7].supports] == [0, 1, 2]
    assert found.diagnoses[7].joins == [Joined(((1,),), ())]


def test_copy_leaves_its_origin_where_it_is() -> None:
    found = Gathered()
    found.diagnose(3, _support(0))
    found.move(CodeSupport("ICD-10-CM", 3, [_support(0)]), 7)
    assert sorted(found.diagnoses) == [3, 7]


def test_phrase_among_words_must_be_whole() -> None:
    phrases = phrases_of([("status post", 0), ("after", 0)])
    assert holds(phrases, ["he", "is", "status", "post", "it"])
    assert holds(phrases, ["after"])
    assert not holds(phrases, ["he", "is", "status"])
    assert not holds(phrases, [])


def test_longest_beginning_of_a_code_with_an_entry_counts() -> None:
    values = {"E11": 1, "E11.6": 2}
    assert by_prefix(values, "E11.65") == 2
    assert by_prefix(values, "E11.9") == 1
    assert by_prefix(values, "E1") is None
    assert by_prefix(values, "I10") is None


def test_words_that_say_far_less_than_the_best_vouch_for_nothing_gated() -> None:
    whole = _support(0)._replace(flags=UNCERTAIN)
    part, nearly = _support(1)._replace(similarity=0.5), _support(2)._replace(similarity=VOUCHING_SHARE)
    assert vouching([whole, part]) == [whole]
    assert vouching([whole, nearly, part]) == [whole, nearly]
    plain = [_support(0), part]
    assert vouching(plain) is plain
    assert vouching([whole]) == [whole]
