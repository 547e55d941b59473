"""Values of the review service as JSON for the browser, and decisions from it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast

from suggester.errors import FieldError
from suggester.review.types import WORK_ACTIONS, Action, DecisionInput, OverrideInput
from suggester.types import SYSTEMS, Span, System

__all__ = ["decision_of", "overrides_of", "plain", "span_of", "system_of"]

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_MOST_TEXT = 2_000
_WHAT = "request"


def plain(value: Any) -> Any:
    """A value as JSON: dataclasses become objects by field name, days and times ISO text, tuples arrays.

    >>> plain((Span(start=1, end=2), date(2026, 1, 2)))
    [{'start': 1, 'end': 2}, '2026-01-02']
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | frozenset | set):
        return [plain(item) for item in value]
    return value


def _text(data: Mapping[str, Any], name: str, *, most: int = 200) -> str | None:
    value = data.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > most:
        raise FieldError(f"{name}: must be text of at most {most} characters", record=_WHAT)
    return value


def _whole(data: Mapping[str, Any], name: str) -> int | None:
    value = data.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise FieldError(f"{name}: must be a whole number from 0", record=_WHAT)
    return value


def system_of(data: Mapping[str, Any]) -> System | None:
    """The system named in a request, None without one.

    Raises
    ------
    FieldError
        If there is no such system.
    """
    value = data.get("system")
    if value is None:
        return None
    if value not in SYSTEMS:
        raise FieldError(f"system: must be one of {', '.join(SYSTEMS)}", record=_WHAT)
    return cast(System, value)


def span_of(value: object) -> Span | None:
    """A span of the note as ``{"start", "end"}``.

    Raises
    ------
    FieldError
        If it is not half-open, non-negative and whole.
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        start, end = value.get("start"), value.get("end")
        if type(start) is int and type(end) is int and 0 <= start < end:
            return Span(start=start, end=end)
    raise FieldError("span: must have whole numbers start and end, 0 <= start < end", record=_WHAT)


def decision_of(data: object) -> DecisionInput:
    """One decision as the page sends it; what it means is for the service to judge.

    Raises
    ------
    FieldError
        If it is not of that shape.
    """
    if not isinstance(data, Mapping):
        raise FieldError("decisions: each must be an object", record=_WHAT)
    uuid, note_id, action = _text(data, "uuid"), _text(data, "note_id"), data.get("action")
    if uuid is None or not _UUID.fullmatch(uuid):
        raise FieldError("uuid: must be a version 4 UUID in lower case", record=_WHAT)
    if note_id is None:
        raise FieldError("note_id: is missing", record=_WHAT)
    if action not in WORK_ACTIONS:
        raise FieldError(f"action: must be one of {', '.join(WORK_ACTIONS)}", record=_WHAT)
    return DecisionInput(
        uuid=uuid,
        note_id=note_id,
        action=cast(Action, action),
        row_id=_text(data, "row_id"),
        system=system_of(data),
        code=_text(data, "code", most=20),
        reason=_text(data, "reason", most=_MOST_TEXT),
        span=span_of(data.get("span")),
        position=_whole(data, "position"),
        target=_text(data, "target"),
        seen=_whole(data, "seen"),
    )


def overrides_of(data: object) -> tuple[OverrideInput, ...]:
    """The reasons given for flags that stand.

    Raises
    ------
    FieldError
        If they are not of that shape.
    """
    if not isinstance(data, Sequence) or isinstance(data, str):
        raise FieldError("overrides: must be a list", record=_WHAT)
    out = []
    for item in data:
        codes = item.get("codes") if isinstance(item, Mapping) else None
        if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
            raise FieldError("overrides: each needs rule_id, codes and reason", record=_WHAT)
        out.append(
            OverrideInput(
                rule_id=_text(item, "rule_id") or "",
                codes=tuple(codes),
                reason=_text(item, "reason", most=_MOST_TEXT) or "",
            )
        )
    return tuple(out)
