"""Vaccines given in the encounter, and their administration by age, counselling and payer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.codesets.words import words
from suggester.ranking.services.choices import Composed, Term
from suggester.ranking.services.note_words import note_words
from suggester.ranking.services.scenes import Scene, Sentence


@dataclass(frozen=True, slots=True)
class Vaccine:
    """A vaccine by name: code, components counselled, route of administration."""

    term: Term
    code: str
    components: int
    administration: str


@cache
def _vaccines() -> tuple[Vaccine, ...]:
    path = lexicon_dir() / "services" / "vaccines.tsv"
    rows = read_rows(path, ("name", "code", "components", "administration"), required=4)
    found = [Vaccine(tuple(words(cells[0])), cells[1], int(cells[2]), cells[3]) for _, cells in rows]
    return tuple(sorted(found, key=lambda item: (-len(item.term), item.term)))


_SHOT = note_words("shot")
_LISTS = (("vaccine",), ("immunization",), ("shot",))
_RECORD = frozenset(
    (
        "utd",
        "current",
        "due",
        "declined",
        "complete",
        "record",
        "up",
        "reviewed",
        "last",
        "refused",
        "discussed",
    )
)
"""Words of a list of vaccines that were not given now."""
_INFLUENZA = frozenset(("90653", "90656", "90660", "90661", "90662", "90673"))
_PNEUMOCOCCAL = frozenset(("90670", "90671", "90677", "90684", "90732"))
_HEPATITIS_B = frozenset(("90739", "90744", "90746"))


@cache
def _first_words() -> frozenset[str]:
    return frozenset(vaccine.term[0] for vaccine in _vaccines())


def speaks_of_vaccines(scene: Scene) -> bool:
    """Whether a note has a word of giving a vaccine and the first word of one's name."""
    return not (_SHOT.isdisjoint(scene.have) or _first_words().isdisjoint(scene.have))


def compose_vaccines(scene: Scene, *, age: float | None) -> list[Composed]:
    """Vaccines given, and their administration by age, counselling and payer."""
    if not speaks_of_vaccines(scene):
        return []
    found: dict[str, tuple[Vaccine, Composed]] = {}
    dosed = any(
        {"im", "deltoid", "vaccine", "immunization"} & s.have and _SHOT & s.have for s in scene.sentences
    )
    for sentence in scene.sentences:
        if sentence.kind in ("allergies", "family", "past_medical", "ros"):
            continue
        listed = sentence.stems[:1] in _LISTS and _RECORD.isdisjoint(sentence.have)
        shot = bool(_SHOT & sentence.have) or listed or (dosed and "#" in _text(scene, sentence))
        if not shot:
            continue
        taken: set[int] = set()
        for vaccine in _vaccines():
            place = sentence.find(vaccine.term)
            if place is None or place in taken or not sentence.is_done(place):
                continue
            if not scene.affirmed(sentence, place):
                continue
            taken.update(range(place, place + len(vaccine.term)))
            evidence = scene.evidence(sentence, place, place + len(vaccine.term) - 1)
            reason = f"{' '.join(vaccine.term)} given"
            found.setdefault(
                vaccine.code, (vaccine, Composed(vaccine.code, 0.7, evidence, reason, 1, sentence.number))
            )
    services = [composed for _, composed in found.values()]
    return services + list(_shots(scene, [pair for pair in found.values()], age=age))


def _text(scene: Scene, sentence: Sentence) -> str:
    span = scene.reading.span(sentence.tokens[0], sentence.tokens[-1])
    return scene.text[span.start : span.end]


def _shots(scene: Scene, found: list[tuple[Vaccine, Composed]], *, age: float | None) -> Iterator[Composed]:
    if not found:
        return
    medicare = "medicare" in scene.have or (age is not None and age >= 65)
    rest = []
    for vaccine, composed in found:
        code = ""
        if medicare:
            code = (
                "G0008" if vaccine.code in _INFLUENZA
                else "G0009" if vaccine.code in _PNEUMOCOCCAL
                else "G0010" if vaccine.code in _HEPATITIS_B
                else ""
            )  # fmt: skip
        if code:
            yield replace(composed, code=code, likely=0.6, reason="administration of the vaccine, Medicare")
        else:
            rest.append((vaccine, composed))
    if not rest:
        return
    counselled = any(w.startswith("counsel") for w in scene.have)
    first = rest[0][1]
    if age is not None and age < 19 and counselled:
        yield replace(
            first, code="90460", likely=0.65, units=len(rest), reason="first component, counselled, under 19"
        )
        more = sum(vaccine.components - 1 for vaccine, _ in rest)
        if more:
            yield replace(
                first, code="90461", likely=0.6, units=more, reason="each further component, counselled"
            )
        return
    yield replace(first, code="90471", likely=0.6, units=1, reason="first vaccine given by injection")
    if len(rest) > 1:
        yield replace(
            rest[1][1], code="90472", likely=0.55, units=len(rest) - 1, reason="each further vaccine"
        )
