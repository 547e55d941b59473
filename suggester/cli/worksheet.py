"""The evaluation and management worksheet of a note as a coder reads it on a terminal."""

from __future__ import annotations

from rich.text import Text

from suggester.cli.console import clean
from suggester.types import EmElement, EmItem, EmWorksheet, Evidence

__all__ = ["worksheet_lines"]

_SHOWN_ITEMS = 6


def worksheet_lines(worksheet: EmWorksheet) -> list[Text]:
    """Lines of the worksheet: code, basis, each element with its words, and what the next level needs."""
    head = f"visit: {worksheet.code}, {worksheet.category}"
    if worksheet.patient_status != "not applicable":
        head += f", patient {worksheet.patient_status}{_said(worksheet.status_evidence)}"
    lines = [Text(head, style="bold")]
    for name, element in (
        ("problems", worksheet.problems),
        ("data", worksheet.data),
        ("risk", worksheet.risk),
    ):
        if element is not None:
            lines.append(_element(name, element))
    if worksheet.minutes is not None:
        lines.append(Text(f"  time: {worksheet.minutes} minutes{_said(worksheet.time_evidence)}"))
    lines += [Text(f"  {clean(reason)}", style="dim") for reason in worksheet.reasons]
    lines += [Text(f"  {clean(missing)}", style="dim") for missing in worksheet.missing]
    return lines


def _element(name: str, element: EmElement) -> Text:
    shown = "; ".join(_item(item) for item in element.items[:_SHOWN_ITEMS])
    more = len(element.items) - _SHOWN_ITEMS
    rest = f"; and {more} more" if more > 0 else ""
    return Text.assemble(f"  {name}: ", (element.level, "bold"), f" ({shown or element.reason}{rest})")


def _item(item: EmItem) -> str:
    return f"{clean(item.kind)}: {clean(item.name)}{_said(item.evidence)}"


def _said(evidence: tuple[Evidence, ...]) -> str:
    quotes = [f"[{clean(e.quote)}]" for e in evidence[:2]]
    return f" {' '.join(quotes)}" if quotes else ""
