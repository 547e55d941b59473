"""Side and phase from the words near evidence, where no reader runs. The evidence stands in brackets."""

from __future__ import annotations

import pytest

from suggester.rules import Diagnosis
from suggester.rules.words import attributes_near
from suggester.types import Span


def marked(text: str) -> tuple[str, Span]:
    start, end = text.index("["), text.index("]") - 1
    return text.replace("[", "").replace("]", ""), Span(start=start, end=end)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("[knee pain]", []),
        ("[right knee pain]", ["right"]),
        ("Right [knee pain] for a week", ["right"]),
        ("pain in the right [knee]", ["right"]),
        ("[knee pain], left", ["left"]),
        ("[knee pain] on the left", ["left"]),
        ("[knee pain] that came last week on the left", []),
        ("LEFT-SIDED [hearing loss]", ["left"]),
        ("left  sided [hearing loss]", ["left"]),
        ("both [knees]", ["bilateral"]),
        ("[Left and right knee pain]", ["bilateral"]),
        ("left hip pain and [knee pain]", []),
        ("left hip, [knee pain]", []),
        ("Left arm. [Knee pain] today", []),
        ("left hip:\n[knee pain]", []),
        ("right now [knee pain]", []),
        ("He is right-handed with [wrist pain]", []),
        ("left ventricular [hypertrophy]", []),
        ("copyright [dispute]", []),
        ("[laceration of hand], subsequent encounter", ["subsequent"]),
        ("Initial encounter: [ankle sprain]", []),
        ("initial encounter for left [ankle sprain]", ["left", "initial"]),
        ("[scar] as late effect of a burn", ["sequela"]),
        ("[right] knee", ["right"]),
    ],
)
def test_what_is_read_near_evidence(text: str, values: list[str]) -> None:
    note, span = marked(text)
    found = attributes_near(note, [span])
    assert [item.value for item in found] == values
    for item in found:
        assert note[item.span.start : item.span.end].strip()


def test_each_value_stands_once() -> None:
    text = "right knee pain. Right knee pain."
    spans = (Span(start=6, end=15), Span(start=23, end=32))
    assert [item.value for item in attributes_near(text, spans)] == ["right"]


def test_a_diagnosis_in_a_text_keeps_words_and_reading() -> None:
    item = Diagnosis.in_text("M25.562", "right knee pain", (Span(start=6, end=15),))
    assert item.words == ("knee pain",)
    assert item.values("laterality") == {"right"}
    assert Diagnosis.in_text("M25.562", "right knee pain", ()).attributes is None
