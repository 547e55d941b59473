"""Words that lack what a code says: a drug alone is no poisoning, *running out of* no sport."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_EFFECT: Final = frozenset(
    (
        "adverse",
        "effect",
        "effects",
        "overdose",
        "overdosed",
        "overdoses",
        "od'd",
        "poisoning",
        "poisoned",
        "toxicity",
        "toxic",
        "ingestion",
        "ingested",
        "ingesting",
        "intoxication",
        "underdosing",
        "underdosed",
        "discontinuation",
        "withdrawal",
        "reaction",
        "induced",
        "drank",
        "swallowed",
        "exposure",
        "envenomation",
        "sniffing",
        "huffing",
    )
)
"""Words without which a drug is only named."""
_RUNNING: Final = "Y93.02"
_NOT_RUN: Final = frozenset(
    ("out", "low", "nose", "water", "iv", "at", "a", "late", "fever", "errands", "over")
)


def is_drug_code(code: str) -> bool:
    """Whether a code is one of the effects of drugs (T36-T50).

    >>> is_drug_code("T40.2X5A"), is_drug_code("T51.0X1A")
    (True, False)
    """
    return "T36" <= code[:3] <= "T50"


def says_less(code: str, lower: Sequence[str], first: int, final: int) -> bool:
    """Whether the words of a match, its tokens both included, lack what its code says.

    >>> says_less("T39.391A", ["nsaid"], 0, 0), says_less("T39.391A", ["nsaid", "overdose"], 0, 1)
    (True, False)
    >>> says_less("Y93.02", ["running", "out", "of"], 0, 0), says_less("Y93.02", ["running"], 0, 0)
    (True, False)
    """
    if is_drug_code(code):
        return _EFFECT.isdisjoint(lower[first : final + 1])
    if code == _RUNNING:
        return final + 1 < len(lower) and lower[final + 1] in _NOT_RUN
    return False


__all__ = ["is_drug_code", "says_less"]
