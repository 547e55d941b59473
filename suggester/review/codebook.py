"""Codes as review needs them: is it valid that day, what is near it, what does it say."""

from __future__ import annotations

import threading
from datetime import date

from suggester.codesets import Catalog, SearchHit
from suggester.errors import DecisionError, NoReleaseError, UnknownCodeError
from suggester.review.types import CodeDetails, CodeRef
from suggester.types import Code, System

__all__ = ["CodeBook"]

_CPT_PARTS: tuple[tuple[int, int, str], ...] = (
    (100, 1999, "anesthesia"),
    (10004, 69990, "surgery"),
    (70010, 79999, "radiology"),
    (80047, 89398, "laboratory"),
    (90281, 99199, "medicine"),
    (99202, 99499, "visits"),
    (99500, 99607, "medicine"),
)
"""Ranges of CPT numbers and what they are about, in our words."""


class CodeBook:
    """Looks codes up in the releases of a day. Safe to use from threads.

    Parameters
    ----------
    catalog
        The opened code sets.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._chapters: dict[str, str] = {}
        self._lock = threading.Lock()

    def code(self, system: System, code: str, on: date | None) -> Code:
        """A code of a day, billable or not.

        Raises
        ------
        DecisionError
            If there is none (``code_unknown``), or no release of that day (``no_release``).
        """
        try:
            return self.catalog.lookup(system, code, on)
        except UnknownCodeError:
            day = f" on {on.isoformat()}" if on is not None else ""
            problem, reason = f"this is no {system} code{day}", "code_unknown"
        except NoReleaseError as error:
            problem, reason = str(error), "no_release"
        raise DecisionError(problem, reason=reason)

    def billable(self, system: System, code: str, on: date | None) -> CodeRef:
        """A code that can be billed on a day, as its system writes it.

        Raises
        ------
        DecisionError
            As `code`; and ``code_not_billable`` if more characters are needed.
        """
        found = self.code(system, code, on)
        if not found.billable:
            raise DecisionError(
                f"{system} {found.code} cannot be billed: a more specific code is needed",
                reason="code_not_billable",
            )
        return CodeRef(system=found.system, code=found.code, display=found.display)

    def search(self, query: str, *, system: System | None, on: date | None, limit: int) -> list[SearchHit]:
        """Codes by words or by their beginning.

        Raises
        ------
        DecisionError
            If no release of the day is there (``no_release``).
        """
        try:
            # The searcher keeps what it works out, and is not made for two threads at once.
            with self._lock:
                return self.catalog.search(query, system=system, on=on, limit=limit)
        except NoReleaseError as error:
            problem = str(error)
        raise DecisionError(problem, reason="no_release")

    def details(self, system: System, code: str, on: date | None, *, favourite: bool) -> CodeDetails:
        """A code with its place and notes. Errors as `code`."""
        found = self.code(system, code, on)
        above = self.catalog.ancestors(system, found.code, on)
        below = self.catalog.children(system, found.code, on)
        notes = self.catalog.notes(system, found.code, on)
        return CodeDetails(
            system=found.system,
            code=found.code,
            display=found.display,
            billable=found.billable,
            release=found.release,
            ancestors=tuple(CodeRef(system=c.system, code=c.code, display=c.display) for c in above),
            children=tuple(CodeRef(system=c.system, code=c.code, display=c.display) for c in below),
            notes=tuple((kind, text, carrier) for kind, rows in notes.items() for carrier, text in rows),
            favourite=favourite,
        )

    def chapter(self, system: System, code: str) -> str:
        """What a code belongs to: chapter of ICD-10-CM, part of CPT, letter of HCPCS; ``unknown`` else."""
        key = f"{system} {code[:3] if system == 'ICD-10-CM' else code}"
        found = self._chapters.get(key)
        if found is None:
            found = self._chapters[key] = self._chapter(system, code)
        return found

    def _chapter(self, system: System, code: str) -> str:
        if system == "HCPCS":
            return f"HCPCS {code[:1]}"
        if system == "CPT":
            digits = code[:5]
            for first, last, part in _CPT_PARTS:
                if digits.isdigit() and first <= int(digits) <= last:
                    return f"CPT {part}"
            return "CPT other"
        try:
            above = self.catalog.ancestors(system, code[:3])
        except (UnknownCodeError, NoReleaseError):
            return "unknown"
        top = above[-1] if above else None
        return f"{top.code.removeprefix('Chapter ')} {top.display}"[:80].strip() if top else "unknown"
