"""How much one record may hold."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on one record, all derived from the most characters that a note may have.

    The byte bounds are what no note within ``chars`` can exceed; they are checked before anything is read or
    decoded, so that a record over them costs neither memory nor time.
    """

    chars: int = 2_000_000

    @property
    def file_bytes(self) -> int:
        """Most bytes of a text file: four a character in UTF-8 or UTF-16, and a byte-order mark."""
        return 4 * self.chars + 4

    @property
    def line_bytes(self) -> int:
        """Most bytes of a JSON line or CSV row: six an escaped character, and the other fields."""
        return 6 * self.chars + 65_536

    @property
    def document_bytes(self) -> int:
        """Most bytes of a document whose text is only a part of it: PDF, RTF, XML, a FHIR resource."""
        return 32 * self.chars + 65_536
