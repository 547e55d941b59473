"""Invented coded notes of a small site with habits of its own, for tests of learning."""

from __future__ import annotations

from suggester.types import GoldCode, GoldNote, Note, Span

HABITS: tuple[tuple[str, str], ...] = (
    ("Ultrasound shows a renal mass on the left.", "N28.89"),
    ("He has high blood pressure on tablets.", "I10"),
    ("She complains of zorbical discomfort since spring.", "R52"),
    ("There is a cough for two weeks.", "R05.9"),
    ("Type 2 diabetes, diet only.", "E11.9"),
    ("Fever of 39 degrees at night.", "R50.9"),
)
"""Sentences and the code that this site gives them; *zorbical* is a word of this site alone."""

FILLERS = (
    "The patient was seen in the clinic.",
    "Review in three months.",
    "No chest pain was reported.",
    "Blood was taken and sent.",
    "The family was informed.",
)


def coded_notes(count: int = 48, *, evidence: bool = True, prefix: str = "n") -> list[GoldNote]:
    """Notes of two habits and two fillers each, coded as this site does."""
    return [_note(number, evidence=evidence, prefix=prefix) for number in range(count)]


def _note(number: int, *, evidence: bool, prefix: str) -> GoldNote:
    first = HABITS[number % len(HABITS)]
    second = HABITS[(number // len(HABITS) + number + 1) % len(HABITS)]
    chosen = dict.fromkeys((first, second))
    text = FILLERS[number % len(FILLERS)] + "\n"
    codes: list[GoldCode] = []
    for sentence, code in chosen:
        span = Span(start=len(text), end=len(text) + len(sentence))
        text += sentence + "\n"
        codes.append(GoldCode(system="ICD-10-CM", code=code, evidence=(span,) if evidence else ()))
    text += FILLERS[(number + 2) % len(FILLERS)] + "\n"
    return GoldNote(note=Note(id=f"{prefix}{number}", text=text), codes=tuple(codes))
