"""Codes that say the same twice: one code for two, symptoms of a disease, duplicates, overlaps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from suggester.rules.book import NoteKind
from suggester.rules.case import Case, Placed
from suggester.rules.registry import Finding, rule
from suggester.rules.sides import by_side, side_of
from suggester.rules.specificity import coded_phase, says_less

GROUP = "Combinations and duplicates"
_ASKING: tuple[NoteKind, ...] = ("useAdditionalCode", "codeAlso")
_PRESUMED = ("I.A.15", "I.C.9.a", "I.C.9.b")
"""Guidelines by which two conditions are taken to be linked."""


def _sides(case: Case, item: Placed) -> frozenset[str]:
    """The sides of a diagnosis, by its title, else by its words; empty where neither says."""
    side = side_of(case.title(item))
    if side == "bilateral":
        return frozenset(("right", "left"))
    return frozenset((side,)) if side in ("right", "left") else item.item.values("laterality")


def _touches(case: Case, a: Placed, b: Placed) -> bool:
    """Whether two diagnoses are of the same side as far as is known."""
    one, two = _sides(case, a), _sides(case, b)
    return not one or not two or "bilateral" in one | two or bool(one & two)


def _wanted(case: Case, symptom: Placed, disease: Placed) -> bool:
    """Whether a note at the disease asks for the code of the symptom."""
    return any(
        symptom.row in case.book.meant(note, (symptom.row,))
        for kind in _ASKING
        for note in case.book.instructions(disease.row, kind)
    )


@rule("combination.code", severity="warning", source="ICD-10-CM guidelines FY2026 I.B.9, I.A.15", group=GROUP)
def combination(case: Case) -> Iterator[Finding]:
    """Two diagnoses for which there is one code, or of which one says it all."""
    for entry in case.tables.combinations.of(case.categories):
        if entry.second and entry.second.isdisjoint(case.categories):
            continue
        ones = [item for item in case.diagnoses if item.code.startswith(entry.one)]
        if not ones:
            continue
        if any(item.code.startswith(entry.codes) for item in case.diagnoses if item not in ones):
            continue  # the code that joins them is there; other rules say what is too much
        for two in case.starting(entry.two):
            one = ones[0]
            if one.row != two.row:
                presumed = any(section in entry.source for section in _PRESUMED)
                yield Finding(
                    f"{one.code} with {two.code}: report {entry.instead}"
                    + (", unless the record says that they are unrelated" if presumed else ""),
                    (one.code, two.code),
                    entry.source,
                    (*one.item.words, *two.item.words),
                )
                break


@rule(
    "symptom.integral",
    severity="warning",
    source="ICD-10-CM guidelines FY2026 I.B.5, I.C.18.b",
    group=GROUP,
)
def symptom_integral(case: Case) -> Iterator[Finding]:
    """A symptom that belongs to a disease reported beside it."""
    seen: set[int] = set()
    for entry in case.tables.symptoms.of(case.categories):
        found = [item for item in case.diagnoses if item.code.startswith(entry.symptoms)]
        if not found:
            continue
        diseases = list(case.starting(entry.diseases))
        for item in found:
            disease = next(
                (
                    d
                    for d in diseases
                    if d.row != item.row and _touches(case, item, d) and not _wanted(case, item, d)
                ),
                None,
            )
            if disease is None or item.row in seen:
                continue
            seen.add(item.row)
            yield Finding(
                f"{item.code} ({entry.name}) belongs to {disease.code} as a rule; remove it unless it has "
                "another cause",
                (item.code, disease.code),
                words=item.item.words,
            )


@rule("duplicate.code", severity="error", source="ICD-10-CM guidelines FY2026 I.B.12", group=GROUP)
def duplicate(case: Case) -> Iterator[Finding]:
    """The same diagnosis code stands twice."""
    count: dict[str, int] = {}
    for item in case.diagnoses:
        count[item.code] = count.get(item.code, 0) + 1
    for code, times in count.items():
        if times > 1:
            yield Finding(f"{code} stands {times} times; keep it once", (code,))


@rule(
    "duplicate.overlap",
    severity="warning",
    source="ICD-10-CM guidelines FY2026 I.B.2, I.B.18",
    group=GROUP,
)
def overlap(case: Case) -> Iterator[Finding]:
    """An unspecified code, or a category, beside a more specific code of the same category."""
    by_category: dict[str, list[Placed]] = {}
    for row in case.ordered:
        item = case.by_row[row]
        if item.code[0] not in "VWXYZ" and " " not in item.code:
            by_category.setdefault(item.code[:3], []).append(item)
    for items in by_category.values():
        for one, two in combinations(items, 2):
            general, special = (one, two) if _general(case, one, two) else (two, one)
            if _general(case, general, special) and not _general(case, special, general):
                yield Finding(
                    f"{special.code} already says what {general.code} says; remove {general.code} "
                    "unless it is another condition",
                    (general.code, special.code),
                    words=general.item.words,
                )


def _general(case: Case, one: Placed, two: Placed) -> bool:
    """Whether one says no more than two."""
    if one.row in case.book.lineage(two.row):
        return True
    title, other = case.title(one), case.title(two)
    if not says_less(title, other):
        return False
    return side_of(title) in (None, "unspecified", side_of(other))


@rule(
    "duplicate.phase",
    severity="warning",
    source="ICD-10-CM guidelines FY2026 I.B.10, I.C.19.a",
    group=GROUP,
)
def two_phases(case: Case) -> Iterator[Finding]:
    """One injury stands with two 7th characters: in two phases of its care at once."""
    first: dict[int, Placed] = {}
    for row in case.ordered:
        if not case.book.store.is_extension(row):
            continue
        item = case.by_row[row]
        base = case.book.lineage(row)[1]
        other = first.setdefault(base, item)
        if other is not item and coded_phase(case, item) is not None:
            yield Finding(
                f"{other.code} and {item.code} are one injury in two phases of care; keep the one of this "
                "encounter",
                (other.code, item.code),
                words=(*other.item.words, *item.item.words),
            )


@rule("duplicate.bilateral", severity="warning", source="ICD-10-CM guidelines FY2026 I.B.13", group=GROUP)
def two_sides(case: Case) -> Iterator[Finding]:
    """Right and left stand apart where one code says both sides."""
    for row in case.ordered:
        item = case.by_row[row]
        if side_of(case.title(item)) != "right":
            continue
        codes = by_side(case.book, row)
        left, both = codes.get("left"), codes.get("bilateral")
        if left in case.by_row and both is not None:
            other = case.by_row[left]
            yield Finding(
                f"{item.code} and {other.code} are the two sides of one condition; use "
                f"{case.book.code(both)}",
                (item.code, other.code),
                words=(*item.item.words, *other.item.words),
            )


@rule(
    "injury.superficial",
    severity="warning",
    source="ICD-10-CM guidelines FY2026 I.C.19.b.1",
    group=GROUP,
)
def superficial(case: Case) -> Iterator[Finding]:
    """A superficial injury beside a more severe one of the same site."""
    injuries = [item for item in case.diagnoses if item.code[0] == "S" and len(item.code) > 2]
    for item in injuries:
        if item.code[2] != "0":
            continue
        side = side_of(case.title(item))
        worse = next(
            (
                other
                for other in injuries
                if other.code[1] == item.code[1]
                and other.code[2] != "0"
                and (side is None or side_of(case.title(other)) in (None, side))
            ),
            None,
        )
        if worse is not None:
            yield Finding(
                f"{item.code} is superficial beside {worse.code}; remove it if it is at the same site",
                (item.code, worse.code),
                words=item.item.words,
            )


@rule(
    "history.and_current",
    severity="warning",
    source="ICD-10-CM guidelines FY2026 I.C.2.m, I.C.21.c.4",
    group=GROUP,
)
def history_and_current(case: Case) -> Iterator[Finding]:
    """A condition is coded as present and as past at once."""
    past = {item.code: item for item in case.starting(("Z85", "Z86", "Z87"))}
    if not past:
        return
    for item in case.diagnoses:
        code = case.tables.history.get(item.code)
        if code in past:
            yield Finding(
                f"{item.code} says that it is present and {code} that it is past; keep the one that holds",
                (item.code, code),
                words=(*item.item.words, *past[code].item.words),
            )
