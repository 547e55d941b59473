"""``suggester export``: accepted codes leave as billing input."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from suggester.cli.console import FAILED, say
from suggester.cli.options import settings_with

if TYPE_CHECKING:
    from suggester.billing.encounter import CodedEncounter
    from suggester.billing.export import ControlReport
    from suggester.config import Settings
    from suggester.errors import EncounterError
    from suggester.review.service import ReviewService

__all__ = ["export"]


def export(
    encounter: Annotated[
        str | None,
        typer.Argument(metavar="[ENCOUNTER]", help="One encounter by its id.", show_default=False),
    ] = None,
    *,
    form: Annotated[
        Literal["superbill", "837p", "fhir", "cms1500"],
        typer.Option("--format", help="The form in which claims leave.", show_default=False),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="The folder to write to.", show_default=False),
    ],
    profile: Annotated[
        Path,
        typer.Option(
            "--profile", help="Who bills whom (TOML).", exists=True, dir_okay=False, show_default=False
        ),
    ],
    fees: Annotated[
        Path,
        typer.Option("--fees", help="Fee schedule (CSV).", exists=True, dir_okay=False, show_default=False),
    ],
    source: Annotated[
        Path | None,
        typer.Option(
            "--input",
            help="Coded encounters (JSON or JSON Lines) instead of the review store.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day of service.", show_default=False),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Last day of service.", show_default=False),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(
            "--user", help="Sign in to the review store; asks for the password.", show_default=False
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            help="File with a token for the review store.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Export claims as superbill, 837P, FHIR or CMS-1500 values.

    One encounter, or all whose service lies between two days, from the review store or from a file. An
    encounter on which an error stands is refused; the others are written. Doing it again changes nothing.
    DIR/control-FORMAT.json has counts, totals and refusals; the exit code is 1 if any encounter was refused.
    """
    from suggester.billing.export import diagnosis_check, draft_all, export_claims
    from suggester.billing.fees import load_fees
    from suggester.billing.profile import load_profile
    from suggester.billing.ruling import rule_check
    from suggester.codesets import open_catalog
    from suggester.rules import Rules

    since, until = _days(encounter, first, last, source)
    settings = settings_with()
    parties, prices = load_profile(profile), load_fees(fees)
    catalog = open_catalog(settings)
    check = rule_check(Rules.open(settings, catalog=catalog))
    if source is not None:
        chosen = _chosen(source, encounter, since, until)
        claims = draft_all(chosen, profile=parties, fees=prices, catalog=catalog, rules=check)
        report = export_claims(claims, form=form, folder=output, is_diagnosis=diagnosis_check(catalog))
    else:
        from suggester.billing.reviewed import reviewed_claims

        with _signed_in(settings, user, token_file) as (service, token):
            ids = [encounter] if encounter else list(service.encounters(token, since=since, until=until))
            found = reviewed_claims(
                service, token, ids, profile=parties, fees=prices, catalog=catalog, rules=check
            )
            report = export_claims(found, form=form, folder=output, is_diagnosis=diagnosis_check(catalog))
            _record(service, token, report)
    _tell(report)
    if report.refusals or not report.claims:
        raise typer.Exit(FAILED)


def _days(
    encounter: str | None, first: datetime | None, last: datetime | None, source: Path | None
) -> tuple[date | None, date | None]:
    since = first.date() if first else None
    until = last.date() if last else None
    if encounter is not None and (since or until):
        raise typer.BadParameter("give an encounter, or --from and --to, not both")
    if since and until and until < since:
        raise typer.BadParameter("--to is before --from")
    if encounter is None and source is None and not (since or until):
        raise typer.BadParameter("give an encounter, or --from and --to, or --input")
    return since, until


def _chosen(
    source: Path, encounter: str | None, since: date | None, until: date | None
) -> Iterator[CodedEncounter | EncounterError]:
    from suggester.billing.encounter import CodedEncounter, read_encounters

    for found in read_encounters(source):
        if isinstance(found, CodedEncounter):
            about = found.encounter
            if encounter is not None and about.id != encounter:
                continue
            if (since and about.service_from < since) or (until and about.service_from > until):
                continue
        yield found


@contextmanager
def _signed_in(
    settings: Settings, user: str | None, token_file: Path | None
) -> Iterator[tuple[ReviewService, str]]:
    """The review service and a session in a person's name: exports stand in the audit trail."""
    from suggester.review import open_review

    if user is None and token_file is None:
        raise typer.BadParameter(
            "the review store needs --user or --token-file; a file of encounters, --input"
        )
    service = open_review(settings)
    try:
        if token_file is not None:
            yield service, token_file.read_text(encoding="utf-8").strip()
        else:
            password = typer.prompt("Password", hide_input=True, err=True)
            session = service.sign_in(user or "", password)
            yield service, session.token
            service.sign_out(session.token)
    finally:
        service.close()


def _record(service: ReviewService, token: str, report: ControlReport) -> None:
    """Note in the audit trail what left."""
    from suggester.billing.claim_json import claim_text

    for claim in report.claims:
        digest = hashlib.sha256(claim_text(claim).encode()).hexdigest()
        service.record_export(token, claim.draft.encounter.id, format=report.form, sha256=digest)


def _tell(report: ControlReport) -> None:
    for refusal in report.refusals:
        place = "" if refusal.message.startswith(refusal.field) else f" {refusal.field}:"
        say(f"refused {refusal.encounter}: [{refusal.reason}]{place} {refusal.message}")
    lines = sum(len(claim.draft.lines) for claim in report.claims)
    say(
        f"{len(report.claims)} claims with {lines} lines, {report.total} dollars, exported as {report.form}; "
        f"{len(report.refusals)} refused; {report.written} files new or changed; "
        f"see control-{report.form}.json in the folder"
    )
