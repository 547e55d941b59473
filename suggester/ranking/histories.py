"""Codes of history: what a past condition, or a relative's, is coded as (Z80-Z87)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from suggester.codesets.store import ReleaseStore
from suggester.errors import UnknownCodeError
from suggester.pipeline.reading import FAMILY, HISTORICAL
from suggester.ranking.support import Gathered, Method, Support

_UNKNOWN: Final = -1
"""Stands for what is not worked out yet."""


class Histories:
    """Leads from conditions to codes of their history.

    Parameters
    ----------
    store
        The ICD-10-CM release.
    personal, family
        Code prefixes of conditions to the code of their history (see ``codesets/lexicon/history``); codes
        that are not billable in the release are passed over.

    Attributes
    ----------
    asked
        By row, the flag that part of a term needs to lead to a code: of codes of history theirs, else 0.
    """

    def __init__(
        self, store: ReleaseStore, *, personal: Mapping[str, str], family: Mapping[str, str]
    ) -> None:
        self._codes = store.code_list
        self.personal = _rows(store, personal)
        self.family = _rows(store, family)
        self.asked = _Asked(store.code_list)
        self._known: dict[tuple[int, bool], int | None] = {}

    def add(self, found: Gathered, row: int, flags: int, match: int, similarity: float) -> None:
        """Add the history of a condition that is past or a relative's; the longest prefix decides."""
        of_family = bool(flags & FAMILY)
        history = self._known.get((row, of_family), _UNKNOWN)
        if history == _UNKNOWN:
            code, table = self._codes[row], self.family if of_family else self.personal
            steps = (table.get(code[:end]) for end in range(len(code), 0, -1))
            history = self._known[row, of_family] = next((step for step in steps if step is not None), None)
        if history is not None:
            method = Method.FAMILY_HISTORY if of_family else Method.PERSONAL_HISTORY
            found.diagnose(history, Support(match, method, flags, None, similarity))


class _Asked(dict[int, int]):
    """By row, worked out when first asked for; see ``Histories``.

    Parameters
    ----------
    codes
        The codes by row.
    """

    def __init__(self, codes: Sequence[str]) -> None:
        super().__init__()
        self._codes = codes

    def __missing__(self, row: int) -> int:
        category = self._codes[row][:3]
        history = HISTORICAL if "Z85" <= category <= "Z87" else 0
        found = self[row] = FAMILY if "Z80" <= category <= "Z84" else history
        return found


def _rows(store: ReleaseStore, table: Mapping[str, str]) -> dict[str, int]:
    out: dict[str, int] = {}
    for prefix, code in table.items():
        try:
            row = store.row(code)
        except UnknownCodeError:
            continue
        if store.billable[row]:
            out[prefix] = row
    return out
