"""The learning curve: how good a model trained on more and more notes is on the same held-back notes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from suggester.errors import FieldError, JsonError
from suggester.fields import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningPoint:
    """MAP and micro-F1 after training on so many notes; ``low`` and ``high`` are the MAP's interval."""

    notes: int
    map: float
    f1: float
    low: float | None = None
    high: float | None = None


def read_learning_curve(path: Path) -> tuple[LearningPoint, ...]:
    """Read a JSON list of ``{"notes", "map", "f1", "low", "high"}``, by number of notes.

    ``low`` and ``high`` stand both or not at all.

    Raises
    ------
    JsonError
        If the file is not a JSON list.
    FieldError
        If a field is missing, unknown or of the wrong kind, or a number of notes stands twice.
    """
    value: object = None
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, list) or not value:
        raise JsonError("must be a JSON list of objects with notes, map and f1", record=path.name)
    points = [_point(one, f"{path.name}, point {number}") for number, one in enumerate(value, start=1)]
    points.sort(key=lambda point: point.notes)
    if len({point.notes for point in points}) < len(points):
        raise FieldError("two points have the same number of notes", record=path.name)
    return tuple(points)


def _point(value: object, record: str) -> LearningPoint:
    fields = Fields(value, record=record)
    notes = fields.whole("notes", least=0)
    mean, f1 = fields.probability("map"), fields.probability("f1")
    low = high = None
    if fields.maybe("low") is not None or fields.maybe("high") is not None:
        low, high = fields.probability("low"), fields.probability("high")
        if not low <= mean <= high:
            raise fields.error("map", "must lie between low and high")
    fields.close()
    return LearningPoint(notes=notes, map=mean, f1=f1, low=low, high=high)
