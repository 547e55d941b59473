"""Our own JSON of a claim, and its reader: what is written is read back equal, to the cent and the second.

Version 1. Money is a string with two places, a day ``YYYY-MM-DD``, a moment ISO 8601 with its offset. The
object holds everything: the draft, the parties, the run with its code-set releases, the decisions, the flags.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

from suggester.billing.claim import CENT, Claim, PointerReason, Trace, run_name
from suggester.billing.encounter import (
    maybe_money,
    read_moment,
    read_override,
    read_run,
    refuse_lone_surrogates,
)
from suggester.billing.profile import Parties, read_model
from suggester.errors import ClaimFileError, FieldError
from suggester.fields import Fields
from suggester.types import (
    SETTINGS,
    SYSTEMS,
    ClaimDiagnosis,
    ClaimDraft,
    ClaimLine,
    Encounter,
    Flag,
    Override,
    Patient,
    Run,
    Severity,
    Span,
)

__all__ = ["FORMAT", "claim_record", "claim_text", "read_claim", "run_record"]

FORMAT = "suggester-claim/1"
_SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


def claim_text(claim: Claim) -> str:
    """The claim as JSON text, always the same for the same claim, with a newline at its end."""
    return json.dumps(claim_record(claim), ensure_ascii=False, indent=1) + "\n"


def claim_record(claim: Claim) -> dict[str, Any]:
    """The claim as plain JSON values."""
    draft = claim.draft
    encounter = draft.encounter
    return {
        "format": FORMAT,
        "id": draft.id,
        "number": claim.number,
        "total": _money(claim.total),
        "usage": claim.usage,
        "accept_assignment": claim.accept_assignment,
        "trace_in_notes": claim.trace_in_notes,
        "frequency": claim.frequency,
        "original_reference": claim.original_reference,
        "run_id": draft.run_id,
        "run": None if claim.run is None else run_record(claim.run),
        "encounter": {
            "id": encounter.id,
            "patient": {
                "id": encounter.patient.id,
                "sex": encounter.patient.sex,
                "birth_date": _day(encounter.patient.birth_date),
            },
            "setting": encounter.setting,
            "service_from": _day(encounter.service_from),
            "service_to": _day(encounter.service_to),
            "place_of_service": encounter.place_of_service,
            "note_ids": list(encounter.note_ids),
        },
        "diagnoses": [
            {
                "sequence": diagnosis.sequence,
                "code": diagnosis.code,
                "display": diagnosis.display,
                "decision_id": diagnosis.decision_id,
            }
            for diagnosis in draft.diagnoses
        ],
        "lines": [_line_record(line) for line in draft.lines],
        "pointer_reasons": [
            {"line": reason.line, "diagnosis": reason.diagnosis, "reasons": list(reason.reasons)}
            for reason in claim.pointer_reasons
        ],
        "left_out": list(claim.left_out),
        **({"unbilled": [_line_record(line) for line in claim.unbilled]} if claim.unbilled else {}),
        "flags": [flag_record(flag) for flag in draft.flags],
        "overrides": [
            {
                "rule_id": override.rule_id,
                "codes": list(override.codes),
                "reason": override.reason,
                "by": override.by,
                "at": override.at.isoformat(),
            }
            for override in draft.overrides
        ],
        "decisions": [_trace_record(trace) for trace in claim.traces],
        "parties": claim.parties.model_dump(mode="json"),
    }


def run_record(run: Run) -> dict[str, Any]:
    """A run as the file contract writes it, with its name."""
    return {
        "name": run_name(run),
        "version": run.version,
        "model": run.model,
        "codesets": dict(run.codesets),
        "config_hash": run.config_hash,
    }


def flag_record(flag: Flag) -> dict[str, Any]:
    """A flag with all of its fields, except the words of the note that it quotes."""
    return {
        "rule_id": flag.rule_id,
        "severity": flag.severity,
        "message": flag.message,
        "codes": list(flag.codes),
        "source": flag.source,
        "overridable": flag.overridable,
        "overridden": flag.overridden,
    }


def _line_record(line: ClaimLine) -> dict[str, Any]:
    return {
        "sequence": line.sequence,
        "system": line.system,
        "code": line.code,
        "display": line.display,
        "modifiers": list(line.modifiers),
        "units": line.units,
        "charge": _money(line.charge),
        "pointers": list(line.pointers),
        "service_date": _day(line.service_date),
        "place_of_service": line.place_of_service,
        "decision_id": line.decision_id,
    }


def _trace_record(trace: Trace) -> dict[str, Any]:
    return {
        "system": trace.system,
        "code": trace.code,
        "decision_id": trace.decision_id,
        "decided_by": trace.decided_by,
        "decided_at": None if trace.decided_at is None else trace.decided_at.isoformat(),
        "places": [[note_id, span.start, span.end] for note_id, span in trace.places],
    }


def _money(value: Decimal) -> str:
    return str(value.quantize(CENT))


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def read_claim(text: str, *, name: str = "claim") -> Claim:
    """The claim of its JSON text.

    Flags come back without quoted words, which the JSON never holds.

    Raises
    ------
    ClaimFileError
        If it is not our JSON, or a field is missing, unknown or wrong, or the total is not that of the lines.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ClaimFileError("is not valid JSON", field=name) from None
    try:
        refuse_lone_surrogates(value, record=name)
        return _claim(Fields(value, record=name), name)
    except FieldError as error:
        raise ClaimFileError(error.message, field=name) from None


def _claim(fields: Fields, name: str) -> Claim:
    if fields.text("format") != FORMAT:
        raise fields.error("format", f"must be {FORMAT}")
    run = fields.maybe_inner("run")
    draft = ClaimDraft(
        id=fields.id("id"),
        encounter=_encounter(fields.inner("encounter")),
        diagnoses=tuple(map(_diagnosis, fields.inners("diagnoses"))),
        lines=tuple(map(_line, fields.inners("lines"))),
        flags=tuple(map(_flag, fields.inners("flags"))),
        overrides=tuple(map(_closed_override, fields.inners("overrides"))),
        run_id=fields.maybe_id("run_id"),
    )
    claim = Claim(
        draft=draft,
        parties=read_model(Parties, fields.maybe("parties"), error=ClaimFileError, at=f"{name}:parties"),
        run=None if run is None else _run(run),
        usage=fields.choice("usage", ("T", "P")),
        accept_assignment=fields.choice("accept_assignment", ("A", "B", "C")),
        trace_in_notes=fields.truth("trace_in_notes"),
        frequency=fields.text("frequency"),
        original_reference=fields.text("original_reference"),
        pointer_reasons=tuple(map(_pointer_reason, fields.inners("pointer_reasons"))),
        traces=tuple(map(_trace, fields.inners("decisions"))),
        left_out=fields.texts("left_out"),
        unbilled=tuple(map(_line, fields.inners("unbilled") if "unbilled" in fields.names() else ())),
    )
    if fields.text("number") != claim.number:
        raise fields.error("number", "is not the control number of this id")
    if maybe_money(fields, "total") != claim.total:
        raise fields.error("total", "is not the sum of the lines")
    fields.close()
    return claim


def _run(fields: Fields) -> Run:
    fields.text("name")
    return read_run(fields)


def _encounter(fields: Fields) -> Encounter:
    about = fields.inner("patient")
    patient = Patient(
        id=about.maybe_id("id"),
        sex=about.maybe_choice("sex", ("F", "M")),
        birth_date=about.maybe_day("birth_date"),
    )
    about.close()
    first, last = _need_day(fields, "service_from"), _need_day(fields, "service_to")
    if last < first:
        raise fields.error("service_to", "is before service_from")
    encounter = Encounter(
        id=fields.id("id"),
        patient=patient,
        setting=fields.maybe_choice("setting", SETTINGS),
        service_from=first,
        service_to=last,
        place_of_service=fields.maybe_text("place_of_service"),
        note_ids=fields.texts("note_ids"),
    )
    fields.close()
    return encounter


def _need_day(fields: Fields, name: str) -> date:
    day = fields.maybe_day(name)
    if day is None:
        raise fields.error(name, "is missing")
    return day


def _diagnosis(fields: Fields) -> ClaimDiagnosis:
    diagnosis = ClaimDiagnosis(
        sequence=fields.whole("sequence", least=1),
        code=fields.text("code"),
        display=fields.text("display"),
        decision_id=fields.maybe_id("decision_id"),
    )
    fields.close()
    return diagnosis


def _line(fields: Fields) -> ClaimLine:
    charge = maybe_money(fields, "charge")
    if charge is None:
        raise fields.error("charge", "is missing")
    pointers = fields.maybe_items("pointers") or []
    numbers = [number for number in pointers if isinstance(number, int) and not isinstance(number, bool)]
    if len(numbers) < len(pointers):
        raise fields.error("pointers", "must be numbers of diagnoses")
    units = fields.maybe("units")
    if not isinstance(units, int) or isinstance(units, bool):
        raise fields.error("units", "must be a whole number")
    line = ClaimLine(
        sequence=fields.whole("sequence", least=1),
        system=fields.choice("system", SYSTEMS),
        code=fields.text("code"),
        service_date=_need_day(fields, "service_date"),
        charge=charge,
        modifiers=fields.texts("modifiers"),
        units=units,
        pointers=tuple(numbers),
        decision_id=fields.maybe_id("decision_id"),
        place_of_service=fields.maybe_text("place_of_service"),
        display=fields.text("display"),
    )
    fields.close()
    return line


def _flag(fields: Fields) -> Flag:
    flag = Flag(
        rule_id=fields.text("rule_id"),
        severity=fields.choice("severity", _SEVERITIES),
        message=fields.text("message"),
        codes=fields.texts("codes"),
        source=fields.text("source"),
        overridable=fields.truth("overridable"),
        overridden=fields.maybe_text("overridden"),
    )
    fields.close()
    return flag


def _closed_override(fields: Fields) -> Override:
    override = read_override(fields)
    fields.close()
    return override


def _pointer_reason(fields: Fields) -> PointerReason:
    reason = PointerReason(
        line=fields.whole("line", least=1),
        diagnosis=fields.whole("diagnosis", least=1),
        reasons=fields.texts("reasons"),
    )
    fields.close()
    return reason


def _trace(fields: Fields) -> Trace:
    places = []
    for place, value in enumerate(fields.maybe_items("places") or []):
        match value:
            case [str(note_id), int(start), int(end)] if 0 <= start <= end:
                places.append((note_id, Span(start=start, end=end)))
            case _:
                raise fields.error(f"places[{place}]", "must be [note id, start, end]")
    trace = Trace(
        system=fields.choice("system", SYSTEMS),
        code=fields.text("code"),
        decision_id=fields.maybe_id("decision_id"),
        decided_by=fields.maybe_id("decided_by"),
        decided_at=None if fields.maybe("decided_at") is None else read_moment(fields, "decided_at"),
        places=tuple(places),
    )
    fields.close()
    return trace
