"""Claims as one 837P interchange (005010X222A1), written with pyx12 and checked before anybody sees it.

The control number is made from the claims, the date from their decisions: same claims, same bytes.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

from suggester.billing.claim import Claim
from suggester.billing.claim_json import claim_text
from suggester.billing.pyx12_door import Segment as Pyx12Segment
from suggester.billing.pyx12_door import X12Writer
from suggester.billing.x12_checks import DiagnosisCheck, Problem, own_problems, pyx12_problems
from suggester.billing.x12_segments import (
    VERSION,
    Segment,
    billing_segments,
    claim_segments,
    header_segments,
    subscriber_segments,
)
from suggester.errors import X12Error

__all__ = ["CLAIMS_A_TRANSACTION", "Interchange", "write_837p"]

CLAIMS_A_TRANSACTION = 5000
"""The implementation guide asks for no more claims between ST and SE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interchange:
    """An 837P as text, with its control number (ISA13) and the segments (from 1) that each claim takes."""

    text: str
    control: str
    ranges: tuple[tuple[str, int, int], ...]

    def claim_at(self, segment: int) -> str | None:
        """Id of the claim that a segment belongs to, None outside of claims."""
        for claim_id, first, last in self.ranges:
            if first <= segment <= last:
                return claim_id
        return None


def write_837p(claims: Sequence[Claim], *, is_diagnosis: DiagnosisCheck | None = None) -> Interchange:
    """Claims of one billing provider as an interchange that pyx12 and our own checks pass.

    Raises
    ------
    X12Error
        If a field cannot be written, the claims are of several providers, or a check fails. ``field`` begins
        with the claim's id where the fault is a claim's.
    """
    interchange = compose_837p(claims)
    problems = [*own_problems(interchange.text, is_diagnosis=is_diagnosis), *pyx12_problems(interchange.text)]
    if problems:
        raise problem_error(interchange, problems)
    return interchange


def problem_error(interchange: Interchange, problems: Sequence[Problem]) -> X12Error:
    """The first of the problems as an error that names its claim."""
    first = problems[0]
    claim_id = interchange.claim_at(first.segment)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    where = f"{first.field} (segment {first.segment})"
    return X12Error(first.message + more, field=f"{claim_id}: {where}" if claim_id else where)


def compose_837p(claims: Sequence[Claim]) -> Interchange:
    """The interchange, not yet checked.

    Raises
    ------
    X12Error
        If a field holds what X12 does not allow, or the claims differ in provider, payer, submitter or usage.
    """
    if not claims:
        raise X12Error("there is no claim to write")
    first = claims[0]
    shared = first.parties.model_copy(update={"coverage": None})
    for claim in claims:
        if claim.parties.model_copy(update={"coverage": None}) != shared or claim.usage != first.usage:
            raise X12Error("claims of one interchange need the same profile", field=claim.draft.id)
    numbers = [claim.number for claim in claims]
    if len(set(numbers)) < len(numbers):
        raise X12Error("two claims have the same control number (CLM01)")
    control = _control_number(claims)
    dated = max(claim.dated for claim in claims)
    day, time = dated.strftime("%Y%m%d"), dated.strftime("%H%M")
    sender, receiver = first.parties.submitter, first.parties.receiver
    writer = _Writer()
    writer.write(
        (
            "ISA", "00", " " * 10, "00", " " * 10, sender.id_kind, f"{sender.id:<15}", receiver.id_kind,
            f"{receiver.id:<15}", day[2:], time, "^", "00501", control, "0", first.usage, ":",
        )
    )  # fmt: skip
    group = str(int(control))
    writer.write(("GS", "HC", sender.id, receiver.id, day, time, group, "X", VERSION))
    for number, start in enumerate(range(0, len(claims), CLAIMS_A_TRANSACTION), 1):
        _transaction(writer, claims[start : start + CLAIMS_A_TRANSACTION], number, control, day, time)
    return Interchange(text=writer.close(), control=control, ranges=tuple(writer.ranges))


def _transaction(
    writer: _Writer, claims: Sequence[Claim], number: int, control: str, day: str, time: str
) -> None:
    parties = claims[0].parties
    writer.write(("ST", "837", f"{number:04d}", VERSION))
    for segment in header_segments(parties, reference=f"{control}-{number}", day=day, time=time):
        writer.write(segment)
    for segment in billing_segments(parties, hl=1):
        writer.write(segment)
    level = 2
    for claim in claims:
        begun = writer.count + 1
        try:
            for segment in (*subscriber_segments(claim.parties, hl=level, parent=1), *claim_segments(claim)):
                writer.write(segment)
        except X12Error as error:
            raise X12Error(error.message, field=f"{claim.draft.id}: {error.field}") from None
        level += 2 if claim.parties.coverage.patient is not None else 1
        writer.ranges.append((claim.draft.id, begun, writer.count))
    writer.end_transaction()


class _Writer:
    """Counts segments for pyx12's writer, so that a problem can be led back to its claim."""

    def __init__(self) -> None:
        self._text = io.StringIO()
        self._writer = X12Writer(self._text, subele_term=":")
        self.count = 0
        self.ranges: list[tuple[str, int, int]] = []

    def write(self, segment: Segment) -> None:
        text = "*".join([":".join(element) if isinstance(element, tuple) else element for element in segment])
        if segment[0] != "ISA":
            text = text.rstrip("*")
        self._writer.Write(Pyx12Segment(text, "~", "*", ":"))
        self.count += 1

    def end_transaction(self) -> None:
        """Write the transaction's trailer."""
        self.write(("SE",))

    def close(self) -> str:
        """Write the trailers that are due, and answer the text."""
        self._writer.close()
        return self._text.getvalue()


def _control_number(claims: Sequence[Claim]) -> str:
    digest = hashlib.sha256()
    for claim in claims:
        digest.update(claim_text(claim).encode())
    return f"{int.from_bytes(digest.digest()[:8]) % 999_999_999 + 1:09d}"
