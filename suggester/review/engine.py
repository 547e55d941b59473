"""The engine as review needs it: suggestions, markings, and rules on what was decided. Safe from threads."""

from __future__ import annotations

import threading

from suggester.review.markings import Markings, markings_of
from suggester.review.types import FinalCode
from suggester.rules import Diagnosis, Rules, Service, Subject
from suggester.suggest import Suggester
from suggester.types import Flag, Note, Suggestions

__all__ = ["ReadingEngine", "note_flags"]


class ReadingEngine:
    """A suggester that also marks what it read.

    Parameters
    ----------
    suggester
        The engine; one thread at a time uses it.
    """

    def __init__(self, suggester: Suggester) -> None:
        self._suggester = suggester
        self._lock = threading.Lock()

    def suggest(self, note: Note) -> Suggestions:
        """Suggestions for a note. Errors as `Suggester.suggest`."""
        with self._lock:
            return self._suggester.suggest(note)

    def markings(self, note: Note) -> Markings:
        """Sections of a note and words with a cue.

        Raises
        ------
        NoReleaseError
            If no ICD-10-CM release covers the service date.
        """
        with self._lock:
            bench, _ = self._suggester.bench(note.service_date)
            return markings_of(bench.read(note.text))


def note_flags(
    rules: Rules, note: Note, codes: tuple[FinalCode, ...], supported: tuple[str, ...] = ()
) -> tuple[Flag, ...]:
    """What the rules say of the codes that a person decided on, in their order.

    ``supported`` are diagnoses that the note supports and that are not among the codes.

    Raises
    ------
    NoReleaseError
        If no ICD-10-CM release covers the service date.
    """
    subject = Subject(
        stage="note",
        diagnoses=tuple(
            Diagnosis.in_text(code.code, note.text, code.evidence)
            for code in codes
            if code.system == "ICD-10-CM"
        ),
        services=tuple(
            Service(
                system=code.system,
                code=code.code,
                number=number,
                modifiers=code.modifiers,
                units=code.units or 1,
            )
            for number, code in enumerate((c for c in codes if c.system != "ICD-10-CM"), 1)
        ),
        setting=note.setting,
        service_date=note.service_date,
        supported=supported,
    ).of_patient(note.patient)
    return rules.check(subject)
