"""Vaccines given in the encounter, and their administration by age, counselling and payer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.codesets.words import words
from suggester.ranking.services.choices import Composed, Term
from suggester.ranking.services.note_words import note_words
from suggester.ranking.services.scenes import Scene, Sentence


@dataclass(frozen=True, slots=True)
class Vaccine:
    """A vaccine by name: code, components counselled, route, code for an adult if another."""

    term: Term
    code: str
    components: int
    administration: str
    adult: str = ""


@cache
def _vaccines() -> tuple[Vaccine, ...]:
    path = lexicon_dir() / "services" / "vaccines.tsv"
    rows = read_rows(path, ("name", "code", "components", "administration", "adult"), required=4)
    found = [
        Vaccine(tuple(words(cells[0])), cells[1], int(cells[2]), cells[3], cells[4] or cells[1])
        for _, cells in rows
    ]
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
_ADULT = 19
"""Years from which the formulation for adults is given."""
_ORDINALS = frozenset(("1", "2", "3", "4", "5", "booster", "first", "second", "third", "dose"))
"""Words behind a vaccine's name that say which dose of its series was given."""
_OTHER_PRODUCT = frozenset(
    ("titer", "antibody", "ab", "antigen", "ag", "pcr", "surface", "core", "immune", "ig")
)
"""Words that make the name of a vaccine that of a test."""
_DISEASES = frozenset(
    (
        *(("zoster",), ("mpox",), ("rabies",), ("varicella",), ("var",), ("rota",), ("hpv",), ("td",)),
        *(("hepatitis", "a"), ("hepatitis", "b"), ("japanese", "encephalitis"), ("yellow", "fever")),
    )
)
"""Names that are of the disease too: the sentence must speak of a vaccine or of giving."""
_OF_VACCINE = frozenset(
    ("vaccine", "vaccination", "immunization", "immunized", "given", "gave", "administered", "dose",
     "booster", "shot", "shots", "im", "deltoid", "sq", "sc", "series", "sery", "injected", "lot")
)  # fmt: skip
_ADMINISTERED = {
    "covid": ("90480", "", "administration of a covid vaccine"),
    "antibody": ("96380", "", "injection of a monoclonal antibody against RSV"),
    "oral": ("90473", "90474", "vaccine given by mouth"),
    "nasal": ("90473", "90474", "vaccine given through the nose"),
}


@cache
def _by_first_word() -> tuple[frozenset[str], dict[str, tuple[int, ...]]]:
    """The first words of the names of vaccines, and the places in the list of those that begin with each."""
    out: dict[str, list[int]] = {}
    for place, vaccine in enumerate(_vaccines()):
        out.setdefault(vaccine.term[0], []).append(place)
    return frozenset(out), {word: tuple(places) for word, places in out.items()}


def _named(scene: Scene) -> list[Vaccine]:
    """The vaccines all of whose words a note has, in the order of the list."""
    have, (firsts, places) = scene.have, _by_first_word()
    begun = sorted([place for word in firsts & have for place in places[word]])
    return [vaccine for place in begun if have.issuperset((vaccine := _vaccines()[place]).term)]


def compose_vaccines(scene: Scene, *, age_of: Callable[[], float | None]) -> list[Composed]:
    """Vaccines given, and their administration by age, counselling and payer.

    ``age_of`` tells the patient's age in years; it is asked where a note has the words of a vaccine's name.
    """
    named_here = _named(scene)
    if not named_here:
        return []
    age = age_of()
    first_words = {vaccine.term[0] for vaccine in named_here}
    found: dict[str, tuple[Vaccine, Composed]] = {}
    dosed = "#" in scene.text and any(
        {"im", "deltoid", "vaccine", "immunization", "given"} & s.have and _SHOT & s.have
        for s in scene.sentences
    )
    for sentence in scene.sentences:
        if first_words.isdisjoint(sentence.have):
            continue
        skipped = sentence.kind in ("allergies", "family", "past_medical", "ros")
        listed = sentence.stems[:1] in _LISTS and _RECORD.isdisjoint(sentence.have)
        numbered = "#" in _text(scene, sentence)
        shot = bool(_SHOT & sentence.have) or listed or (dosed and numbered)
        taken: set[int] = set()
        for vaccine in named_here:
            place = sentence.find(vaccine.term)
            if place is None or place in taken:
                continue
            after = place + len(vaccine.term)
            here = _is_here(sentence, place, after)
            if not here and (skipped or not sentence.is_done(place)):
                continue
            if not _NOT_NOW.isdisjoint(sentence.stems[max(0, place - 2) : after + 5]):
                continue
            if not _OTHER_PRODUCT.isdisjoint(sentence.stems[after : after + 2]):
                continue
            if not here and not scene.affirmed(sentence, place):
                continue
            if (
                vaccine.term in _DISEASES
                and not (numbered or listed)
                and _OF_VACCINE.isdisjoint(sentence.have)
            ):
                continue
            taken.update(range(place, after))
            about = sentence.stems[max(0, place - 4) : after + 4]
            counted = (
                numbered
                and _RECORD.isdisjoint(about)
                and not _ORDINALS.isdisjoint(sentence.stems[after : after + 2])
            )
            named = (
                vaccine.term in _SELDOM_NAMED and sentence.kind not in _STORY and _RECORD.isdisjoint(about)
            )
            if not (shot or here or counted or named):
                continue
            code = vaccine.adult if age is not None and age >= _ADULT else vaccine.code
            evidence = scene.evidence(sentence, place, after - 1)
            reason = f"{' '.join(vaccine.term)} given"
            likely = _GIVEN if shot or here else _NUMBERED if counted else _NAMED
            composed = Composed(code, likely, evidence, reason, 1, sentence.number)
            found.setdefault(code, (replace(vaccine, code=code), composed))
    for plain, special in _PLAIN.items():
        if plain in found and not special.isdisjoint(found):
            del found[plain]
    services = [composed for _, composed in found.values()]
    return services + list(_shots(scene, [pair for pair in found.values()], age=age))


_GIVEN, _NUMBERED, _NAMED = 0.7, 0.55, 0.4
_STORY = frozenset(("hpi", "interval_history", "chief_complaint", "medications", "social"))
_SELDOM_NAMED = frozenset((("tdap",), ("boostrix",), ("adacel",), ("shingrix",), ("pcv20",), ("pcv21",)))
"""Vaccines of which a note of treatment says no more than the name."""
_PLAIN = {
    "90633": frozenset(("90636",)),
    "90632": frozenset(("90636",)),
    "90744": frozenset(("90739", "90740", "90636", "90723", "90697")),
    "90746": frozenset(("90739", "90740", "90636", "90759")),
    "90734": frozenset(("90619", "90623", "90624")),
    "90679": frozenset(("90678", "90683", "90380", "90381", "90382")),
    "90656": frozenset(("90653", "90660", "90661", "90662", "90673")),
    "91320": frozenset(("91319", "91322", "91323", "91304")),
    "90714": frozenset(("90715",)),
    "90381": frozenset(("90380", "90382")),
}
"""Codes that a name leads to where no brand says otherwise, and those of the brands."""
_NOW = frozenset(("given", "gave", "today", "administered"))
_NOT_NOW = frozenset(("not", "be", "held", "refuse", "refused", "declined", "deferred", "never"))
_EARLIER = frozenset(
    ("last", "ago", "year", "prior", "previously", "elsewhere", "pharmacy", "outside", "before")
)


def _is_here(sentence: Sentence, first: int, after: int) -> bool:
    """Whether the words right at a vaccine say that it was given now, whatever year stands beside it."""
    before, behind = sentence.stems[max(0, first - 2) : first], sentence.stems[after : after + 4]
    told = next((i for i, word in enumerate(behind) if word in _NOW), None)
    if told is None and _NOW.isdisjoint(before):
        return False
    return _EARLIER.isdisjoint((*before[-1:], *behind[: 3 if told is None else told]))


def _text(scene: Scene, sentence: Sentence) -> str:
    span = scene.reading.span(sentence.tokens[0], sentence.tokens[-1])
    return scene.text[span.start : span.end]


def _shots(scene: Scene, found: list[tuple[Vaccine, Composed]], *, age: float | None) -> Iterator[Composed]:
    if not found:
        return
    medicare = "medicare" in scene.have
    old = age is not None and age >= 65
    rest = []
    for vaccine, composed in found:
        code = ""
        if medicare or old:
            code = (
                "G0008" if vaccine.code in _INFLUENZA
                else "G0009" if vaccine.code in _PNEUMOCOCCAL
                else "G0010" if vaccine.code in _HEPATITIS_B and medicare
                else ""
            )  # fmt: skip
        if code:
            likely = 0.6 if medicare else _OF_AGE
            yield replace(
                composed, code=code, likely=likely, reason="administration of the vaccine, Medicare"
            )
        if not code or not medicare:
            rest.append((vaccine, composed, 0.7 if code else 1.0))
    for kind, (single, further, reason) in _ADMINISTERED.items():
        of_kind = [item for item in rest if item[0].administration == kind]
        for number, (_, composed, share) in enumerate(of_kind):
            code = further if further and (number or len(of_kind) < len(rest)) else single
            yield replace(composed, code=code, likely=0.6 * share, reason=reason)
    rest = [item for item in rest if item[0].administration == "injected"]
    if not rest:
        return
    counselled = any(w.startswith("counsel") for w in scene.have) or "discussed" in scene.have
    first, share = rest[0][1], rest[0][2]
    young = age is not None and age < _ADULT
    if young:
        likely = 0.65 if counselled else 0.3
        yield replace(
            first,
            code="90460",
            likely=likely,
            units=len(rest),
            reason="first component, counselled, under 19",
        )
        more = sum(vaccine.components - 1 for vaccine, _, _ in rest)
        if more:
            yield replace(
                first,
                code="90461",
                likely=0.6 if counselled else 0.28,
                units=more,
                reason="each further component, counselled",
            )
        if counselled:
            return
    yield replace(first, code="90471", likely=0.6 * share, units=1, reason="first vaccine given by injection")
    if len(rest) > 1:
        yield replace(
            rest[1][1], code="90472", likely=0.55 * share, units=len(rest) - 1, reason="each further vaccine"
        )


_OF_AGE = 0.45
"""Of the codes of Medicare where the age alone speaks for it."""
