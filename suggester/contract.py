"""The file contract, both ways: JSON records to notes and gold notes, suggestions to JSON records and back.

Reading is strict (see ``suggester.fields``): an unknown field, a missing one or one of the wrong kind is a
``FieldError`` that names the field and what is allowed, never the value, which may be note text.
``docs/schema/suggestions.schema.json`` is the same contract for other programs.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from suggester.fields import Fields
from suggester.types import (
    EM_BASES,
    EM_LEVELS,
    EM_STATUSES,
    SETTINGS,
    SYSTEMS,
    Assertion,
    Code,
    EmElement,
    EmItem,
    EmWorksheet,
    Evidence,
    Flag,
    GoldCode,
    GoldNote,
    NotCoded,
    Note,
    Patient,
    ProposedModifier,
    Run,
    Severity,
    Span,
    Suggestion,
    Suggestions,
    System,
)

__all__ = [
    "GOLD_FIELDS",
    "TOLERATED_CODE_FIELDS",
    "gold_from_record",
    "note_from_record",
    "suggestions_from_record",
    "suggestions_to_record",
    "to_json_line",
]

GOLD_FIELDS: tuple[str, ...] = ("codes", "em", "part")
"""Fields of a gold note beyond those of a note."""

TOLERATED_CODE_FIELDS: tuple[str, ...] = ("valid_fy2026", "billable_fy2026", "display")
"""Fields of a gold code that are allowed and not read."""

_log = logging.getLogger("suggester.contract")

_SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
_STATUSES: tuple[Literal["core", "optional"], ...] = ("core", "optional")
_SEXES: tuple[Literal["F", "M"], ...] = ("F", "M")
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_ASSERTION_FLAGS = ("negated", "uncertain", "historical", "hypothetical", "family")


# --- notes ------------------------------------------------------------------------------------------


def note_from_record(
    data: object, *, record: str, gold_fields: bool = False, source: str | None = None
) -> Note:
    """Read a note from a parsed JSON object.

    Parameters
    ----------
    data
        The parsed JSON: ``id`` and ``text``, and optionally ``encounter_id``, ``service_date``, ``setting``,
        ``kind`` and ``patient`` (``id``, ``sex``, ``birth_date``). Null is the same as absent.
    record
        What names the record in an error.
    gold_fields
        Allow the fields of gold notes, unread.
    source
        Where the note came from, kept as ``Note.source``.

    Raises
    ------
    FieldError
        If a field is missing, unknown or of the wrong kind.
    """
    fields = Fields(data, record=record)
    note = _note(fields, source=source)
    fields.close(*(GOLD_FIELDS if gold_fields else ()))
    return note


def _note(fields: Fields, *, source: str | None) -> Note:
    note_id = fields.id("id")
    text = fields.text("text")
    encounter_id = fields.maybe_id("encounter_id")
    service_date = fields.maybe_day("service_date")
    setting = fields.maybe_choice("setting", SETTINGS)
    kind = fields.maybe_id("kind")
    patient = None
    inner = fields.maybe_inner("patient")
    if inner is not None:
        patient = Patient(
            id=inner.maybe_id("id"),
            sex=inner.maybe_choice("sex", _SEXES),
            birth_date=inner.maybe_day("birth_date"),
        )
        inner.close()
    return Note(
        id=note_id,
        text=text,
        encounter_id=encounter_id,
        kind=kind,
        service_date=service_date,
        setting=setting,
        patient=patient,
        source=source,
    )


def gold_from_record(data: object, *, record: str, source: str | None = None) -> GoldNote:
    """Read a gold note: a note with the codes that a careful human gave it.

    Each of ``codes`` has ``system`` and ``code`` and optionally ``status``, ``acceptable``, ``evidence``
    (``[start, end]`` offsets), ``modifiers`` and ``units``; ``em`` has ``code`` and ``acceptable``. Codes of
    ``ICD-9-CM`` are mapped to ICD-10-CM by General Equivalence Mappings, and a warning is logged.

    Raises
    ------
    FieldError
        If a field is missing, unknown or of the wrong kind, or evidence lies outside the text.
    """
    fields = Fields(data, record=record)
    note = _note(fields, source=source)
    codes = tuple(
        code
        for inner in fields.inners("codes")
        for code in _gold_codes(inner, length=len(note.text), record=record)
    )
    em: frozenset[str] = frozenset()
    levels = fields.maybe_inner("em")
    if levels is not None:
        level = levels.maybe_code("code")
        em = frozenset(levels.maybe_codes("acceptable") or ()) | ({level} if level else set())
        levels.close()
    part = fields.maybe_id("part")
    fields.close()
    return GoldNote(note=note, codes=codes, em=em, part=part)


def _gold_codes(fields: Fields, *, length: int, record: str) -> tuple[GoldCode, ...]:
    """A gold code; one of ICD-9-CM becomes those that it maps to, each needed one a gold code."""
    if fields.maybe("system") != "ICD-9-CM":
        return (_gold_code(fields, length=length),)
    from suggester.codesets.icd9 import open_icd9

    old = fields.code("code")
    maps = open_icd9()
    if old not in maps:
        raise fields.error("code", "is no diagnosis of ICD-9-CM")
    alternatives = maps.find(old).alternatives
    _log.warning("%s: a code of ICD-9-CM was mapped to ICD-10-CM by General Equivalence Mappings", record)
    if not alternatives:
        return ()
    single = frozenset(codes[0] for codes in alternatives if len(codes) == 1)
    found = []
    for code in alternatives[0]:
        acceptable = single if len(alternatives[0]) == 1 else frozenset((code,))
        found.append(_gold_code(fields, length=length, mapped=(code, acceptable)))
    return tuple(found)


def _gold_code(fields: Fields, *, length: int, mapped: tuple[str, frozenset[str]] | None = None) -> GoldCode:
    """A gold code; ``mapped`` is the code of ICD-10-CM, with acceptable ones, in place of one of ICD-9-CM."""
    system: System = "ICD-10-CM" if mapped else fields.choice("system", SYSTEMS)
    code = mapped[0] if mapped else fields.code("code")
    status = fields.maybe_choice("status", _STATUSES) or "core"
    acceptable = frozenset(fields.maybe_codes("acceptable") or ())
    acceptable = mapped[1] if mapped else acceptable
    evidence = []
    for position, pair in enumerate(fields.maybe_items("evidence") or ()):
        match pair:
            case [int() as start, int() as end] if 0 <= start < end <= length:
                evidence.append(Span(start=start, end=end))
            case _:
                raise fields.error(
                    f"evidence[{position}]", "must be [start, end], half-open offsets inside the text"
                )
    modifiers = fields.maybe_texts("modifiers") or ()
    units = fields.maybe_whole("units", least=1)
    fields.close(*TOLERATED_CODE_FIELDS)
    return GoldCode(
        system=system,
        code=code,
        status=status,
        acceptable=acceptable,
        evidence=tuple(evidence),
        modifiers=modifiers,
        units=units,
    )


# --- suggestions ------------------------------------------------------------------------------------


def suggestions_to_record(result: Suggestions) -> dict[str, Any]:
    """Turn suggestions into the record of the contract, keys in its order, confidences to 4 digits.

    Raises
    ------
    ValueError
        If a confidence is not a number from 0 to 1.
    """
    return {
        "id": result.note_id,
        "run": {
            "version": result.run.version,
            "model": result.run.model,
            "codesets": dict(result.run.codesets),
        },
        "suggestions": [_suggestion_record(suggestion) for suggestion in result.suggestions],
        "not_coded": [
            {
                "start": item.span.start,
                "end": item.span.end,
                "text": item.quote,
                "reason": item.reason,
                "cue": item.cue,
                "would_be": list(item.would_be),
            }
            for item in result.not_coded
        ],
        "flags": [_flag_record(flag) for flag in result.flags],
        "em": _em_record(result.em) if result.em is not None else None,
    }


def _suggestion_record(suggestion: Suggestion) -> dict[str, Any]:
    confidence = float(suggestion.confidence)
    if not math.isfinite(confidence) or not 0 <= confidence <= 1:
        raise ValueError(
            f"confidence of {suggestion.code.system} {suggestion.code.code} is not within [0, 1]"
        )
    return {
        "rank": suggestion.rank,
        "system": suggestion.code.system,
        "code": suggestion.code.code,
        "display": suggestion.code.display,
        "confidence": abs(round(confidence, 4)),  # abs: no -0.0
        "evidence": [
            {
                "start": item.span.start,
                "end": item.span.end,
                "text": item.quote,
                "section": item.section,
                "assertion": _flags_of(item.assertion),
            }
            for item in suggestion.evidence
        ],
        "reasons": list(suggestion.reasons),
        "flags": [_flag_record(flag) for flag in suggestion.flags],
        "units": suggestion.units,
        "modifiers": [
            {"modifier": item.modifier, "reason": item.reason, "evidence": _quotes(item.evidence)}
            for item in suggestion.modifiers
        ],
    }


def _flags_of(assertion: Assertion) -> dict[str, bool]:
    return {name: getattr(assertion, name) for name in _ASSERTION_FLAGS}


def _em_record(worksheet: EmWorksheet) -> dict[str, Any]:
    """The worksheet as a record: elements None where the category does not use them."""
    return {
        "category": worksheet.category,
        "patient_status": worksheet.patient_status,
        "code": worksheet.code,
        "level": worksheet.level,
        "basis": worksheet.basis,
        "confidence": round(worksheet.confidence, 4),
        "mdm": worksheet.mdm,
        "minutes": worksheet.minutes,
        **{
            name: element
            and {
                "level": element.level,
                "reason": element.reason,
                "items": [
                    {"kind": item.kind, "name": item.name, "evidence": _quotes(item.evidence)}
                    for item in element.items
                ],
            }
            for name, element in (
                ("problems", worksheet.problems),
                ("data", worksheet.data),
                ("risk", worksheet.risk),
            )
        },
        "category_evidence": _quotes(worksheet.category_evidence),
        "status_evidence": _quotes(worksheet.status_evidence),
        "time_evidence": _quotes(worksheet.time_evidence),
        "alternatives": list(worksheet.alternatives),
        "reasons": list(worksheet.reasons),
        "missing": list(worksheet.missing),
    }


def _quotes(evidence: tuple[Evidence, ...]) -> list[dict[str, Any]]:
    return [
        {"start": e.span.start, "end": e.span.end, "text": e.quote, "section": e.section} for e in evidence
    ]


def _flag_record(flag: Flag) -> dict[str, Any]:
    return {
        "rule": flag.rule_id,
        "severity": flag.severity,
        "message": flag.message,
        "codes": list(flag.codes),
    }


def to_json_line(record: Suggestions | Mapping[str, object]) -> str:
    """Write one canonical line of JSON, without its newline: equal records give equal characters."""
    data = suggestions_to_record(record) if isinstance(record, Suggestions) else record
    return _ENCODER.encode(data)


def suggestions_from_record(data: object, *, record: str) -> Suggestions:
    """Read suggestions back from a record of the contract.

    What the contract does not carry is filled in: ids are ``<note id>:<rank>``, codes count as billable,
    ``valid_from`` is ``date.min`` and ``config_hash`` is empty.

    Raises
    ------
    FieldError
        If a field is missing, unknown or of the wrong kind.
    """
    fields = Fields(data, record=record)
    note_id = fields.id("id")
    run = _run(fields.inner("run"))
    suggestions = tuple(
        _suggestion(inner, note_id=note_id, releases=dict(run.codesets))
        for inner in fields.inners("suggestions")
    )
    not_coded = tuple(_not_coded(inner) for inner in fields.inners("not_coded"))
    flags = tuple(_flag(inner) for inner in fields.inners("flags"))
    visit = fields.maybe_inner("em")
    fields.close()
    return Suggestions(
        note_id=note_id,
        run=run,
        suggestions=suggestions,
        not_coded=not_coded,
        flags=flags,
        em=_em(visit) if visit is not None else None,
    )


def _run(fields: Fields) -> Run:
    version = fields.text("version")
    model = fields.text("model")
    inner = fields.inner("codesets")
    # In the order of the file, so that a record read and written again is the same line.
    codesets: list[tuple[System, str]] = [
        (system, inner.text(system)) for name in inner.names() for system in SYSTEMS if system == name
    ]
    inner.close(*SYSTEMS)
    fields.close()
    return Run(version=version, model=model, codesets=tuple(codesets), config_hash="")


def _suggestion(fields: Fields, *, note_id: str, releases: Mapping[System, str]) -> Suggestion:
    rank = fields.whole("rank", least=1)
    system = fields.choice("system", SYSTEMS)
    code = fields.code("code")
    display = fields.text("display")
    confidence = fields.probability("confidence")
    evidence = tuple(_evidence(inner) for inner in fields.inners("evidence"))
    reasons = fields.texts("reasons")
    flags = tuple(_flag(inner) for inner in fields.inners("flags"))
    units = fields.maybe_whole("units", least=1)
    modifiers = fields.inners("modifiers") if "modifiers" in fields.names() else []
    proposed = tuple(_modifier(inner) for inner in modifiers)
    fields.close("modifiers", "auto_accepted")  # the latter is a mark of a batch run, not the engine's
    return Suggestion(
        id=f"{note_id}:{rank}",
        code=Code(
            system=system,
            code=code,
            display=display,
            billable=True,
            valid_from=date.min,
            valid_to=None,
            release=releases.get(system, ""),
        ),
        confidence=confidence,
        rank=rank,
        evidence=evidence,
        reasons=reasons,
        flags=flags,
        units=units,
        modifiers=proposed,
    )


def _modifier(fields: Fields) -> ProposedModifier:
    item = ProposedModifier(
        modifier=fields.text("modifier"), reason=fields.text("reason"), evidence=_quoted(fields, "evidence")
    )
    fields.close()
    return item


def _em(fields: Fields) -> EmWorksheet:
    worksheet = EmWorksheet(
        category=fields.text("category"),
        patient_status=fields.choice("patient_status", EM_STATUSES),
        code=fields.code("code"),
        level=fields.maybe_whole("level", least=1),
        basis=fields.choice("basis", EM_BASES),
        confidence=fields.probability("confidence"),
        mdm=fields.maybe_choice("mdm", EM_LEVELS),
        minutes=fields.maybe_whole("minutes", least=0),
        problems=_em_element(fields.maybe_inner("problems")),
        data=_em_element(fields.maybe_inner("data")),
        risk=_em_element(fields.maybe_inner("risk")),
        category_evidence=_quoted(fields, "category_evidence"),
        status_evidence=_quoted(fields, "status_evidence"),
        time_evidence=_quoted(fields, "time_evidence"),
        alternatives=fields.codes("alternatives"),
        reasons=fields.texts("reasons"),
        missing=fields.texts("missing"),
    )
    fields.close()
    return worksheet


def _em_element(fields: Fields | None) -> EmElement | None:
    if fields is None:
        return None
    level = fields.choice("level", EM_LEVELS)
    reason = fields.text("reason")
    items = []
    for inner in fields.inners("items"):
        item = EmItem(kind=inner.text("kind"), name=inner.text("name"), evidence=_quoted(inner, "evidence"))
        inner.close()
        items.append(item)
    fields.close()
    return EmElement(level=level, items=tuple(items), reason=reason)


def _quoted(fields: Fields, name: str) -> tuple[Evidence, ...]:
    """Words that support a worksheet: evidence without assertion, which is always affirmed."""
    out = []
    for inner in fields.inners(name):
        span, quote, section = _span(inner), inner.text("text"), inner.text("section")
        inner.close()
        out.append(Evidence(span=span, quote=quote, section=section, assertion=Assertion()))
    return tuple(out)


def _evidence(fields: Fields) -> Evidence:
    span = _span(fields)
    quote = fields.text("text")
    section = fields.text("section")
    inner = fields.inner("assertion")
    assertion = Assertion(**{name: inner.truth(name) for name in _ASSERTION_FLAGS})  # type: ignore[arg-type]
    inner.close()
    fields.close()
    return Evidence(span=span, quote=quote, section=section, assertion=assertion)


def _not_coded(fields: Fields) -> NotCoded:
    item = NotCoded(
        span=_span(fields),
        quote=fields.text("text"),
        reason=fields.text("reason"),
        cue=fields.maybe_text("cue"),
        would_be=fields.codes("would_be"),
    )
    fields.close()
    return item


def _flag(fields: Fields) -> Flag:
    flag = Flag(
        rule_id=fields.text("rule"),
        severity=fields.choice("severity", _SEVERITIES),
        message=fields.text("message"),
        codes=fields.codes("codes"),
    )
    fields.close()
    return flag


def _span(fields: Fields) -> Span:
    start = fields.whole("start", least=0)
    end = fields.whole("end", least=start)
    return Span(start=start, end=end)
