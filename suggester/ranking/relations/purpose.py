"""Sentences that tell of a purpose: *suicide attempt*, *intentional*, but not *denies suicidal ideation*."""

from __future__ import annotations

from suggester.pipeline.reading import FAMILY, HYPOTHETICAL, NEGATED, Reading

_PURPOSE = frozenset(
    (
        "intentional",
        "intentionally",
        "suicide",
        "suicidal",
        "self-harm",
        "attempt",
        "purposely",
        "purposefully",
    )
)
_THOUGHT = frozenset(("ideation", "ideations", "thoughts", "thought", "watch", "precautions", "risk"))
"""Words behind *suicidal* and its like where nothing was done."""
_MISHAP = frozenset(("accidental", "accidentally", "unintentional", "unintentionally", "inadvertent"))
_NOT_SAID = NEGATED | FAMILY | HYPOTHETICAL


def purposeful(reading: Reading) -> frozenset[int]:
    """Numbers of the sentences of a note in which something is done on purpose."""
    marks, lower, sentence = reading.assertion.flags, reading.table.lower, reading.sentence
    told = {
        sentence[token]
        for token in reading.places(_PURPOSE)
        if not marks[token] & _NOT_SAID and _THOUGHT.isdisjoint(lower[token + 1 : token + 2])
    }
    return frozenset(told.difference(sentence[token] for token in reading.places(_MISHAP)) if told else ())


__all__ = ["purposeful"]
