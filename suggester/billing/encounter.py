"""What billing starts from: an encounter, its accepted codes in order, and the words behind each.

One JSON object an encounter; ``docs/guide/billing.md`` has its fields. Unknown fields are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from suggester.billing.profile import Coverage, read_model
from suggester.errors import EncounterError, FieldError
from suggester.fields import Fields
from suggester.types import SETTINGS, SYSTEMS, Encounter, Override, Patient, Run, Span, System

__all__ = [
    "FREQUENCIES",
    "AcceptedCode",
    "CodedEncounter",
    "NoteWords",
    "maybe_money",
    "read_encounter",
    "read_encounters",
    "read_moment",
    "read_override",
    "read_run",
    "refuse_lone_surrogates",
]

FREQUENCIES = ("1", "7", "8")
"""CLM05-3 as this software writes it: 1 original, 7 replacement of an earlier claim, 8 void of one."""

_MONEY = re.compile(r"-?\d{1,8}(\.\d{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteWords:
    """Words of a note that support an accepted code; ``span`` is of that note's unaltered text."""

    note_id: str
    span: Span
    quote: str
    section: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedCode:
    """A code that a person accepted. ``charge`` (dollars, whole line) overrules the fee schedule."""

    system: System
    code: str
    display: str = ""
    evidence: tuple[NoteWords, ...] = ()
    modifiers: tuple[str, ...] = ()
    units: int = 1
    service_date: date | None = None
    place_of_service: str | None = None
    charge: Decimal | None = None
    decision_id: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedEncounter:
    """An encounter with its accepted codes.

    ``sequenced`` says that a person put the diagnoses in order; else the draft proposes one. ``texts`` are
    ``(note id, text)`` where the words around the evidence may be looked at. ``frequency`` is CLM05-3;
    7 and 8 need the payer's number of the earlier claim in ``original_reference``.
    """

    encounter: Encounter
    codes: tuple[AcceptedCode, ...]
    sequenced: bool = True
    run: Run | None = None
    run_id: str | None = None
    texts: tuple[tuple[str, str], ...] = ()
    coverage: Coverage | None = None
    overrides: tuple[Override, ...] = ()
    frequency: str = "1"
    original_reference: str = ""


def read_encounters(path: Path) -> Iterator[CodedEncounter | EncounterError]:
    """The encounters of a file: JSON Lines, or one JSON object or list. A bad one is given back as its error.

    Raises
    ------
    EncounterError
        If the file as a whole is not UTF-8 text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise EncounterError("is not UTF-8 text", field=path.name) from None
    seen: set[str] = set()
    for record, value in _records(text, path.name):
        if isinstance(value, EncounterError):
            yield value
            continue
        try:
            found = read_encounter(value, record=record)
        except EncounterError as error:
            yield error
            continue
        if found.encounter.id in seen:
            yield EncounterError("an encounter with this id came before in the file", field=f"{record}:id")
            continue
        seen.add(found.encounter.id)
        yield found


def _records(text: str, name: str) -> Iterator[tuple[str, object]]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        yield from _lines(text, name)
        return
    if isinstance(whole, list):
        yield from ((f"{name}[{position}]", value) for position, value in enumerate(whole))
    else:
        yield f"{name}:1", whole


def _lines(text: str, name: str) -> Iterator[tuple[str, object]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        record = f"{name}:{number}"
        try:
            yield record, json.loads(line)
        except (ValueError, RecursionError):
            yield record, EncounterError("is not valid JSON", field=record)


def read_encounter(value: object, *, record: str) -> CodedEncounter:
    """One encounter from parsed JSON; ``record`` names it in errors.

    Raises
    ------
    EncounterError
        Naming the field that is missing, unknown or wrong.
    """
    try:
        refuse_lone_surrogates(value, record=record)
        return _encounter(value, record)
    except FieldError as error:
        raise EncounterError(error.message, field=record) from None


def refuse_lone_surrogates(value: object, *, record: str) -> None:
    """Refuse JSON values in which a text cannot be written as UTF-8.

    Raises
    ------
    FieldError
        If one holds a lone surrogate, which JSON can say and no file can hold.
    """
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise FieldError("holds a lone surrogate (half of a character)", record=record) from None


def _encounter(value: object, record: str) -> CodedEncounter:
    fields = Fields(value, record=record)
    first = fields.maybe_day("service_from")
    if first is None:
        raise fields.error("service_from", "is missing")
    last = fields.maybe_day("service_to") or first
    if last < first:
        raise fields.error("service_to", "is before service_from")
    notes = fields.inners("notes") if fields.maybe("notes") is not None else []
    ids = tuple(note.id("id") for note in notes)
    texts = tuple(
        (ids[i], text) for i, note in enumerate(notes) if (text := note.maybe_text("text")) is not None
    )
    for note in notes:
        note.close()
    encounter = Encounter(
        id=fields.id("id"),
        patient=_patient(fields.inner("patient")),
        setting=fields.maybe_choice("setting", SETTINGS),
        service_from=first,
        service_to=last,
        place_of_service=fields.maybe_text("place_of_service"),
        note_ids=ids,
    )
    by_note = dict(texts)
    codes = tuple(
        _code(Fields(code, record=record, at=f"codes[{i}]"), ids, by_note)
        for i, code in enumerate(fields.maybe_items("codes") or [])
    )
    if not codes:
        raise fields.error("codes", "is missing or empty: a claim needs accepted codes")
    sequenced = fields.maybe("sequenced")
    if sequenced is not None and not isinstance(sequenced, bool):
        raise fields.error("sequenced", "must be true or false")
    run = fields.maybe("run")
    coverage = fields.maybe("coverage")
    overrides = tuple(
        _override(Fields(item, record=record, at=f"overrides[{i}]"))
        for i, item in enumerate(fields.maybe_items("overrides") or [])
    )
    built = CodedEncounter(
        encounter=encounter,
        codes=codes,
        sequenced=True if sequenced is None else sequenced,
        run=None if run is None else read_run(Fields(run, record=record, at="run")),
        run_id=fields.maybe_id("run_id"),
        texts=texts,
        coverage=None
        if coverage is None
        else read_model(Coverage, coverage, error=EncounterError, at=f"{record}:coverage"),
        overrides=overrides,
        frequency=fields.maybe_choice("frequency", FREQUENCIES) or "1",
        original_reference=fields.maybe_text("original_reference") or "",
    )
    fields.close()
    return built


def _patient(fields: Fields) -> Patient:
    patient = Patient(
        id=fields.maybe_id("id"),
        sex=fields.maybe_choice("sex", ("F", "M")),
        birth_date=fields.maybe_day("birth_date"),
    )
    fields.close()
    return patient


def read_run(fields: Fields) -> Run:
    """A run as the file contract writes it: ``{"version", "model", "codesets": {system: release}}``."""
    codesets = fields.maybe("codesets")
    if not isinstance(codesets, dict) or not all(
        name in SYSTEMS and isinstance(release, str) for name, release in codesets.items()
    ):
        raise fields.error("codesets", f"must name a release for each of {', '.join(SYSTEMS)}")
    run = Run(
        version=fields.text("version"),
        model=fields.text("model"),
        codesets=tuple((system, codesets[system]) for system in SYSTEMS if system in codesets),
        config_hash=fields.maybe_text("config_hash") or "",
    )
    fields.close()
    return run


def _code(fields: Fields, note_ids: tuple[str, ...], texts: dict[str, str]) -> AcceptedCode:
    evidence = tuple(
        _words(item, fields, position, note_ids, texts)
        for position, item in enumerate(fields.maybe_items("evidence") or [])
    )
    units = fields.maybe("units")
    if units is not None and (not isinstance(units, int) or isinstance(units, bool)):
        raise fields.error("units", "must be a whole number")
    code = AcceptedCode(
        system=fields.choice("system", SYSTEMS),
        code=fields.code("code"),
        display=fields.maybe_text("display") or "",
        evidence=evidence,
        modifiers=fields.maybe_texts("modifiers") or (),
        units=1 if units is None else units,
        service_date=fields.maybe_day("service_date"),
        place_of_service=fields.maybe_text("place_of_service"),
        charge=maybe_money(fields, "charge"),
        decision_id=fields.maybe_id("decision_id"),
        decided_by=fields.maybe_id("decided_by"),
        decided_at=None if fields.maybe("decided_at") is None else read_moment(fields, "decided_at"),
    )
    fields.close()
    return code


def maybe_money(fields: Fields, name: str) -> Decimal | None:
    """Dollars written as a string with at most two places (``"120.50"``), or None."""
    value = fields.maybe_text(name)
    if value is None:
        return None
    if not _MONEY.fullmatch(value):
        raise fields.error(name, 'must be dollars in quotes, such as "120.50"')
    return Decimal(value)


def _words(
    item: object, parent: Fields, position: int, note_ids: tuple[str, ...], texts: dict[str, str]
) -> NoteWords:
    name = f"evidence[{position}]"
    if not isinstance(item, dict):
        raise parent.error(name, "must be an object")
    fields = Fields(item, record="", at=name)
    try:
        note_id = fields.maybe_id("note_id") or (note_ids[0] if len(note_ids) == 1 else "")
        start, end = fields.whole("start", least=0), fields.whole("end", least=0)
        quote, section = fields.text("text"), fields.maybe_text("section") or ""
        fields.close("assertion")
    except FieldError as error:
        raise parent.error(name, error.message) from None
    if note_id not in note_ids:
        raise parent.error(f"{name}.note_id", "is not one of the notes")
    if end < start:
        raise parent.error(f"{name}.end", "is before start")
    if note_id in texts and texts[note_id][start:end] != quote:
        raise parent.error(f"{name}.text", "is not what the note says from start to end")
    return NoteWords(note_id=note_id, span=Span(start=start, end=end), quote=quote, section=section)


def _override(fields: Fields) -> Override:
    override = read_override(fields)
    fields.close()
    return override


def read_override(fields: Fields) -> Override:
    """A flag set aside by a person. Does not close ``fields``."""
    try:
        return Override(
            rule_id=fields.text("rule_id"),
            codes=fields.maybe_texts("codes") or (),
            reason=fields.text("reason"),
            by=fields.text("by"),
            at=read_moment(fields, "at"),
        )
    except ValueError:
        raise fields.error("", "needs rule_id, reason and by, none of them empty") from None


def read_moment(fields: Fields, name: str) -> datetime:
    """A moment written in ISO 8601 with its offset, ``2026-05-14T09:30:00+00:00`` say."""
    value = fields.text(name)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise fields.error(name, "must be a moment in ISO 8601") from None
    if moment.tzinfo is None:
        raise fields.error(name, "must name its offset from UTC, +00:00 say")
    return moment
