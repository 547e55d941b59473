"""The value types: that those made quickly are made as others are."""

from __future__ import annotations

import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace
from typing import Any

import pytest

from suggester.types import Assertion, Attribute, Span, make_span, maker, quick


def test_quick_values_are_made_as_others_are() -> None:
    span = Span(start=1, end=2)
    assert (span, hash(span), repr(span)) == (
        Span(end=2, start=1),
        hash(Span(start=1, end=2)),
        "Span(start=1, end=2)",
    )
    assert replace(span, end=5) == Span(start=1, end=5)
    assert pickle.loads(pickle.dumps(span)) == span  # noqa: S301
    assert str(inspect.signature(Attribute)) == "(*, name: 'str', value: 'str', span: 'Span') -> None"
    assert Assertion() == Assertion(negated=False, cues=())
    wrong: list[dict[str, Any]] = [{"start": 1}, {"start": 1, "end": 2, "more": 3}]
    for values in wrong:
        with pytest.raises(TypeError, match=r"Span\.__init__\(\)"):
            Span(**values)
    with pytest.raises(TypeError, match="positional"):
        Span(1, 2)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="half-open"):
        Span(start=2, end=1)
    with pytest.raises(FrozenInstanceError):
        span.start = 3  # type: ignore[misc]


def test_what_a_maker_makes_is_of_the_class() -> None:
    made = make_span(start=1, end=2)
    assert type(made) is Span
    assert (made, hash(made), repr(made)) == (Span(start=1, end=2), hash(Span(start=1, end=2)), repr(made))
    assert pickle.loads(pickle.dumps(made)) == replace(made)  # noqa: S301
    assert maker(Assertion)(negated=True) == Assertion(negated=True)
    with pytest.raises(FrozenInstanceError):
        made.start = 3  # type: ignore[misc]
    with pytest.raises(TypeError, match="missing"):
        make_span(start=1)  # type: ignore[call-arg]


def test_a_value_with_a_default_factory_is_not_made_quick() -> None:
    @dataclass(frozen=True, slots=True)
    class Listed:
        items: tuple[int, ...] = field(default_factory=tuple)

    with pytest.raises(TypeError, match="Listed has a default factory"):
        quick(Listed)
    with pytest.raises(TypeError, match="Listed has a default factory"):
        maker(Listed)
