"""What a note as a whole says that its codes depend on: the hand, the intent, what is called for."""

from __future__ import annotations

from collections.abc import Sequence

from suggester.codesets.store import ReleaseStore
from suggester.pipeline.reading import Reading
from suggester.ranking.relations.purpose import purposeful
from suggester.ranking.resolve import Phase
from suggester.ranking.support import CodeSupport, Gathered

HANDED = frozenset(("lefthanded", "lhd", "left-handed", "left-hand-dominant", "handed"))
"""Words of which a note that says the hand has one."""

_PLACES = ("Y92", "Y93", "Y99")
"""Place, activity and status of who was injured."""
_LOW_BODY_MASS = ("Z68.1", "Z68.2")
_OF_WEIGHT = ("E40", "E41", "E42", "E43", "E44", "E45", "E46", "E66", "F50", "O99.21", "R63", "R64")
"""Codes of weight and nourishment, beside which a low body mass index is coded."""

_POISONINGS = ("T36", "T65")
_BY_MISHAP, _ON_PURPOSE = "1", "2"
"""Sixth characters of poisonings."""


def is_left_handed(lower: Sequence[str]) -> bool:
    """Whether a note says so of its patient (*left-handed*, *LHD*)."""
    for at, word in enumerate(lower):
        if word == "handed":
            return "left" in lower[max(0, at - 2) : at]
        if word in HANDED:
            return True
    return False


class Intent:
    """Brings poisonings to the intent that the words beside them say.

    Where none is said a poisoning is accidental (guidelines I.C.19.e.5.b, instruction at T36-T50).

    Parameters
    ----------
    store
        The ICD-10-CM release.
    """

    def __init__(self, store: ReleaseStore) -> None:
        rows = {code: row for row, code in enumerate(store.code_list)}
        low, high = _POISONINGS
        self._meant = {
            row: rows[meant]
            for code, row in rows.items()
            if low <= code[:3] <= high
            and code[6:7] == _BY_MISHAP
            and (meant := f"{code[:6]}{_ON_PURPOSE}{code[7:]}") in rows
        }

    def settle(self, found: Gathered, reading: Reading) -> None:
        """Move accidental poisonings that a sentence names which tells of a purpose."""
        rows = self._meant.keys() & found.diagnoses.keys()
        if not rows:
            return
        on_purpose = purposeful(reading)
        for row in rows:
            candidate = found.diagnoses[row]
            said = {reading.matches.sentences[support.match] for support in candidate.supports}
            if not on_purpose.isdisjoint(said):
                found.move(candidate, self._meant[row])


class Uncalled:
    """Takes out codes that the circumstances do not call for.

    Parameters
    ----------
    store
        The ICD-10-CM release.
    """

    def __init__(self, store: ReleaseStore) -> None:
        self._codes = store.code_list
        self._places, self._low, self._of_weight = (
            frozenset(row for prefix in prefixes for row in store.with_prefix(prefix))
            for prefixes in (_PLACES, _LOW_BODY_MASS, _OF_WEIGHT)
        )
        self._called = self._places | self._low

    def drop(self, found: Gathered, phase: Phase) -> None:
        """Take them out of the diagnoses.

        Place, activity and status go where nothing is injured, or was treated before: they are used once, at
        the initial encounter for treatment. A body mass index below 30 kg/m2 goes that no diagnosis of weight
        or nourishment stands beside; from 30 on, obesity is at hand.

        Source: guidelines I.C.20.b and c, I.B.14.
        """
        diagnoses = found.diagnoses
        if self._called.isdisjoint(diagnoses):
            return
        places = [row for row in diagnoses if row in self._places]
        if places and not (phase == "initial" and any(map(self._is_injury, diagnoses.values()))):
            for row in places:
                del diagnoses[row]
        low = [row for row in diagnoses if row in self._low]
        if low and not any(row in self._of_weight and _affirmed(c) for row, c in diagnoses.items()):
            for row in low:
                del diagnoses[row]

    def _is_injury(self, candidate: CodeSupport) -> bool:
        return self._codes[candidate.row][0] in "STVWX" and _affirmed(candidate)


def _affirmed(candidate: CodeSupport) -> bool:
    """Whether no flag lies on one of its supports."""
    return any(not support.flags for support in candidate.supports)
