"""``suggester denials``: what a payer denied, beside what the rules had said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from suggester.cli.console import console
from suggester.cli.options import Json

if TYPE_CHECKING:
    from suggester.billing.denials import DenialReport

__all__ = ["denials"]


def denials(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="An 835, or a CSV of denials.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ],
    *,
    claims: Annotated[
        Path,
        typer.Option(
            "--claims",
            metavar="DIR",
            help="The folder that the claims were exported to.",
            exists=True,
            file_okay=False,
            show_default=False,
        ),
    ],
    as_json: Json = False,
) -> None:
    """Show denials by rule: which a rule foresaw, which none did.

    A CSV has the columns claim and reason (CARC), and may have line, code, group, remarks and amount.
    """
    import json

    from suggester.billing.denials import compare, load_claims
    from suggester.billing.remittance import read_remittance

    report = compare(read_remittance(file), load_claims(claims))
    if as_json:
        typer.echo(json.dumps(report.record(), ensure_ascii=False, indent=1))
    else:
        _show(report)


def _show(report: DenialReport) -> None:
    from rich import box
    from rich.table import Table

    screen = console()
    table = Table("claim", "line", "code", "reason", "what it means", box=box.SIMPLE)
    table.add_column("dollars", justify="right")
    table.add_column("foreseen by")
    for denial in report.denials:
        rules = ", ".join(denial.foreseen_by) or _words(denial.outcome, denial.flagged_by)
        reason = "-".join(part for part in (denial.group, denial.reason) if part)
        line = str(denial.line) if denial.line else ""
        table.add_row(denial.claim, line, denial.code, reason, denial.words, str(denial.amount), rules)
    screen.print(table)
    screen.print(
        f"{len(report.denials)} denials: {report.count('foreseen')} foreseen by a rule, "
        f"{report.count('flagged')} flagged for another reason, {report.count('unforeseen')} that no rule "
        f"foresaw, {report.count('unlinked')} not of these claims"
    )
    if report.rules:
        by_rule = Table("rule", box=box.SIMPLE)
        for name in ("denials foreseen", "of them set aside", "flags without denial"):
            by_rule.add_column(name, justify="right")
        for row in report.rules:
            by_rule.add_row(row.rule_id, str(row.foreseen), str(row.set_aside), str(row.no_denial))
        screen.print(by_rule)
    for code, words, count in report.unforeseen_reasons():
        screen.print(f"no rule foresaw {code} ({words or 'a reason that is not known here'}): {count}")


def _words(outcome: str, flagged_by: tuple[str, ...]) -> str:
    if outcome == "flagged":
        return f"no; flagged by {', '.join(flagged_by)}"
    return "no: not one of these claims" if outcome == "unlinked" else "no"
