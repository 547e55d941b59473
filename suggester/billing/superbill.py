"""The superbill: a claim's lines for a person, as CSV and as a page to print. Its JSON is ``claim_json``."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from suggester.billing.claim import CENT, Claim, run_name
from suggester.types import ClaimLine

__all__ = ["safe_cell", "superbill_csv", "superbill_pdf"]

COLUMNS = (
    "claim", "encounter", "patient", "service_date", "place", "line", "system", "code", "title", "modifiers",
    "units", "fee", "charge", "pointers", "diagnoses", "why", "decision", "run", "model",
    "releases",
)  # fmt: skip

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NO_TITLE = "(no title may be shown)"


def safe_cell(value: str) -> str:
    """A text as a spreadsheet cell: one that would run as a formula gets an apostrophe in front.

    Examples
    --------
    >>> safe_cell("=cmd|' /C calc'!A0")
    "'=cmd|' /C calc'!A0"
    >>> safe_cell("E11.9")
    'E11.9'
    """
    return f"'{value}" if value.startswith(_FORMULA) else value


def superbill_csv(claim: Claim) -> str:
    """One row a diagnosis, then one a service line, then the total (RFC 4180, UTF-8).

    Every text cell is safe to open in a spreadsheet (``safe_cell``).
    """
    out = io.StringIO(newline="")
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    draft = claim.draft
    encounter = draft.encounter
    run = _run_cells(claim)
    head = (claim.number, encounter.id, encounter.patient.id or "")
    for diagnosis in draft.diagnoses:
        row = [*head, encounter.service_from.isoformat(), claim.place_of_service, f"dx {diagnosis.sequence}"]
        row += ["ICD-10-CM", diagnosis.code, diagnosis.display, "", "", "", "", "", "", ""]
        rows.writerow(map(safe_cell, [*row, diagnosis.decision_id or "", *run]))
    for line in draft.lines:
        rows.writerow(map(safe_cell, [*head, *_line_cells(claim, line), line.decision_id or "", *run]))
    total = [
        *head,
        "",
        "",
        "total",
        "",
        "",
        "",
        "",
        "",
        "",
        str(claim.total),
        "",
        "",
        _notes(claim),
        "",
        *run,
    ]
    rows.writerow(map(safe_cell, total))
    return out.getvalue()


def _run_cells(claim: Claim) -> tuple[str, str, str]:
    run = run_name(claim.run, claim.draft.run_id)
    if claim.run is None:
        return run, "", ""
    releases = ", ".join(f"{system} {release}" for system, release in claim.run.codesets)
    return run, f"{claim.run.model}, suggester {claim.run.version}", releases


def _line_cells(claim: Claim, line: ClaimLine) -> list[str]:
    pointed = claim.pointed(line.pointers)
    why = [
        f"{reason.diagnosis}: {', '.join(reason.reasons)}"
        for reason in claim.pointer_reasons
        if reason.line == line.sequence and reason.diagnosis in line.pointers and reason.reasons
    ]
    return [
        line.service_date.isoformat(),
        line.place_of_service or claim.place_of_service,
        str(line.sequence),
        line.system,
        line.code,
        line.display or _NO_TITLE,
        " ".join(line.modifiers),
        str(line.units),
        str(_fee(line)),
        str(line.charge),
        " ".join(map(str, line.pointers)),
        " ".join(diagnosis.code for diagnosis in pointed),
        "; ".join(why),
    ]


def _fee(line: ClaimLine) -> Decimal:
    return (line.charge / line.units).quantize(CENT) if line.units > 0 else line.charge


def _notes(claim: Claim) -> str:
    return "; ".join(_flag_words(claim))


def _flag_words(claim: Claim) -> list[str]:
    words = []
    for flag in claim.draft.flags:
        aside = f" (set aside: {flag.overridden})" if flag.overridden is not None else ""
        words.append(f"{flag.severity}: {flag.message}{aside}")
    return words


def superbill_pdf(claim: Claim) -> bytes:
    """The superbill on letter pages, in a font that every PDF reader has; same claim, same bytes."""
    pdf = _Page(orientation="landscape", unit="mm", format="letter")
    pdf.set_creation_date(claim.dated)
    pdf.set_title(f"Superbill {claim.number}")
    run, model, releases = _run_cells(claim)
    pdf.foot = f"Claim {claim.number}, run {run}, model {model or 'none'}, {releases}"
    pdf.set_auto_page_break(True, margin=15)
    pdf.add_page()
    pdf.line_of("Superbill", size=16, bold=True)
    _head(pdf, claim)
    _diagnosis_table(pdf, claim)
    _line_table(pdf, claim)
    flags = _flag_words(claim)
    if flags:
        pdf.line_of("Flags", size=11, bold=True)
        for words in flags:
            pdf.line_of(words)
    return bytes(pdf.output())


def _head(pdf: _Page, claim: Claim) -> None:
    encounter, parties = claim.draft.encounter, claim.parties
    provider, person = parties.billing_provider, parties.coverage.insured_person
    pdf.line_of(f"{provider.name}, NPI {provider.npi}, tax id {provider.tax_id}")
    if parties.rendering_provider is not None:
        doctor = parties.rendering_provider
        pdf.line_of(f"Rendered by {doctor.first_name} {doctor.last_name}, NPI {doctor.npi}")
    pdf.line_of(f"Patient {person.first_name} {person.last_name}, born {person.birth_date}")
    pdf.line_of(f"Insured by {parties.payer.name}, member {parties.coverage.member_id}")
    days = encounter.service_from.isoformat()
    if encounter.service_to != encounter.service_from:
        days += f" to {encounter.service_to}"
    pdf.line_of(f"Encounter {encounter.id}, {days}, place of service {claim.place_of_service}")
    pdf.ln(2)


def _diagnosis_table(pdf: _Page, claim: Claim) -> None:
    rows = [("", "Code", "Diagnosis", "Decision")]
    rows += [
        (str(diagnosis.sequence), diagnosis.code, diagnosis.display or _NO_TITLE, diagnosis.decision_id or "")
        for diagnosis in claim.draft.diagnoses
    ]
    pdf.table_of(rows, widths=(8, 22, 180, 45), right=())


def _line_table(pdf: _Page, claim: Claim) -> None:
    rows = [("", "Date", "Code", "Service", "Mod.", "Dx", "Units", "Fee", "Charge", "Decision")]
    rows += [
        (
            str(line.sequence),
            line.service_date.isoformat(),
            line.code,
            line.display or _NO_TITLE,
            " ".join(line.modifiers),
            " ".join(map(str, line.pointers)),
            str(line.units),
            f"{_fee(line):,}",
            f"{line.charge:,}",
            line.decision_id or "",
        )
        for line in claim.draft.lines
    ]
    rows.append(("", "", "", "Total", "", "", "", "", f"{claim.total:,}", ""))
    pdf.table_of(rows, widths=(8, 22, 16, 82, 22, 18, 14, 22, 24, 27), right=(6, 7, 8))


class _Page(FPDF):
    """A page in Helvetica, which every reader has, so that no font is shipped."""

    foot = ""

    def footer(self) -> None:
        """Claim, run and page at the bottom of every page."""
        self.set_y(-12)
        self.set_font("helvetica", size=7)
        self.cell(0, 5, _plain(f"{self.foot}, page {self.page_no()}"))

    def line_of(self, words: str, *, size: int = 9, bold: bool = False) -> None:
        """A paragraph over the whole width."""
        self.set_font("helvetica", style="B" if bold else "", size=size)
        self.multi_cell(0, size * 0.5, _plain(words), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def table_of(
        self, rows: Sequence[tuple[str, ...]], *, widths: tuple[int, ...], right: tuple[int, ...]
    ) -> None:
        """A table whose first row is the heading; columns in ``right`` are flush right."""
        self.set_font("helvetica", size=8)
        align = tuple("RIGHT" if place in right else "LEFT" for place in range(len(widths)))
        with self.table(
            col_widths=widths, text_align=align, width=sum(widths), align="LEFT", line_height=4.5
        ) as table:
            for cells in rows:
                row = table.row()
                for cell in cells:
                    row.cell(_plain(cell))
        self.ln(3)


def _plain(words: str) -> str:
    """What the core fonts can show: Latin-1; other letters lose their marks, the rest become ``?``."""
    return "".join(
        letter if letter.isprintable() and letter.encode("latin-1", "ignore") else _nearest(letter)
        for letter in unicodedata.normalize("NFC", words)
    )


def _nearest(letter: str) -> str:
    bare = unicodedata.normalize("NFKD", letter).encode("latin-1", "ignore").decode("latin-1")
    return bare if bare.isprintable() and bare else "?"
