"""The order of diagnoses: what comes first, what never does, what must stand beside what."""

from __future__ import annotations

import re
from collections.abc import Iterator

from suggester.rules.book import Instruction, NoteKind
from suggester.rules.case import Case, Placed
from suggester.rules.registry import Finding, rule
from suggester.rules.subject import DECIDED

GROUP = "Order of diagnoses"
_ADVERSE = re.compile(r"T(?:3[6-9]|4\d|50)\.(?:..[56]|.[56](?!\d))")
"""An adverse effect or underdosing: 5 or 6 as the sixth character, or as the fifth of short codes."""
_DISEASE = "in diseases classified elsewhere"


def manifests(case: Case, item: Placed) -> bool:
    """Whether a code shows another disease and can never come first."""
    return item.code in case.tables.manifestations or _DISEASE in case.title(item)


def is_first(case: Case, item: Placed) -> bool:
    """Whether a diagnosis is the first of the case."""
    return item.place == 1 and case.subject.stage != "suggestion"


def _notes(case: Case, item: Placed, kind: NoteKind) -> Iterator[tuple[Instruction, list[Placed]]]:
    """Notes that hold for a diagnosis, each with the other diagnoses of the case that it refers to."""
    for note in case.book.instructions(item.row, kind):
        rows = dict.fromkeys(case.book.meant(note, case.ordered))
        yield note, [case.by_row[row] for row in rows if row != item.row]


@rule(
    "sequence.manifestation",
    severity="error",
    source="ICD-10-CM guidelines FY2026 I.A.13",
    group=GROUP,
    stages=DECIDED,
    overridable=False,
)
def manifestation_first(case: Case) -> Iterator[Finding]:
    """A manifestation comes first; the disease behind it must."""
    for item in case.diagnoses:
        if is_first(case, item) and manifests(case, item):
            yield Finding(
                f"{item.code} shows another disease and is never first; put that disease before it",
                (item.code,),
                words=item.item.words,
            )


@rule(
    "sequence.code_first",
    severity="error",
    source="ICD-10-CM guidelines FY2026 I.A.13, I.B.7",
    group=GROUP,
    stages=DECIDED,
)
def code_first(case: Case) -> Iterator[Finding]:
    """A code stands before one that its "code first" note puts before it."""
    for item in case.diagnoses:
        notes = list(_notes(case, item, "codeFirst"))
        if any(other.place < item.place for _, meant in notes for other in meant):
            continue  # one cause before it is enough
        for note, meant in notes:
            if meant:
                yield Finding(
                    f"put {meant[0].code} before {item.code}", (item.code, meant[0].code), note.source
                )
                break


@rule(
    "sequence.cause_missing",
    severity="warning",
    source="ICD-10-CM guidelines FY2026 I.A.13",
    group=GROUP,
    stages=DECIDED,
)
def cause_missing(case: Case) -> Iterator[Finding]:
    """A "code first" note asks for a code that is not there."""
    for item in case.diagnoses:
        wanted = list(_notes(case, item, "codeFirst"))
        if not wanted or any(note.conditional for note, _ in wanted) or any(meant for _, meant in wanted):
            continue
        if not manifests(case, item) and not any("underlying" in note.text for note, _ in wanted):
            continue  # a list of what it may be due to
        if any(not note.targets for note, _ in wanted) and item.place > 1:
            continue  # it names causes as examples; what stands before may be one
        yield Finding(
            f"{item.code} goes after the code of its cause, which is missing; add it before",
            (item.code,),
            wanted[0][0].source,
        )


@rule(
    "sequence.additional_order",
    severity="warning",
    source="ICD-10-CM guidelines FY2026 I.A.13, I.B.7",
    group=GROUP,
    stages=DECIDED,
)
def additional_before(case: Case) -> Iterator[Finding]:
    """A code that a "use additional code" note puts after another stands before it."""
    for item in case.diagnoses:
        for note, meant in _notes(case, item, "useAdditionalCode"):
            if " " in note.holder:
                continue  # of a whole block or chapter: it says what to add, the order is of no use
            for other in meant:
                if other.place < item.place:
                    yield Finding(f"put {other.code} after {item.code}", (item.code, other.code), note.source)


def _asked(case: Case, kind: NoteKind) -> Iterator[tuple[list[Placed], list[Instruction]]]:
    """Notes at codes and categories that ask for codes none of which is there, with the codes under them.

    Notes that stand together are alternatives: one code satisfies them.
    """
    by_holder: dict[int, tuple[list[Placed], list[Instruction]]] = {}
    for item in case.diagnoses:
        groups: dict[int, list[tuple[Instruction, list[Placed]]]] = {}
        for note, meant in _notes(case, item, kind):
            if " " not in note.holder:
                groups.setdefault(note.holder_row, []).append((note, meant))
        for holder, group in groups.items():
            if any(meant or note.conditional for note, meant in group):
                continue
            if any(note.targets for note, _ in group):
                by_holder.setdefault(holder, ([], [note for note, _ in group]))[0].append(item)
    yield from by_holder.values()


def _quoted(notes: list[Instruction]) -> str:
    """Notes that stand together as one source."""
    return "; ".join([notes[0].source, *(note.text for note in notes[1:])])


@rule(
    "sequence.additional_missing",
    severity="info",
    source="ICD-10-CM guidelines FY2026 I.A.13, I.B.7",
    group=GROUP,
    stages=DECIDED,
)
def additional_missing(case: Case) -> Iterator[Finding]:
    """A "use additional code" note of the code or its category asks for a code that is not there."""
    for items, notes in _asked(case, "useAdditionalCode"):
        codes = tuple(dict.fromkeys(item.code for item in items))
        yield Finding(
            f"after {' and '.join(codes)} add what the note asks for, where the record supports it",
            codes,
            _quoted(notes),
        )


@rule(
    "sequence.code_also",
    severity="info",
    source="ICD-10-CM guidelines FY2026 I.A.17",
    group=GROUP,
    stages=DECIDED,
)
def code_also(case: Case) -> Iterator[Finding]:
    """A "code also" note of the code or its category names codes that are not there."""
    for items, notes in _asked(case, "codeAlso"):
        codes = tuple(dict.fromkeys(item.code for item in items))
        yield Finding(
            f"beside {' and '.join(codes)} code also what the note names, where the record supports it",
            codes,
            _quoted(notes),
        )


@rule(
    "sequence.external_cause",
    severity="error",
    source="ICD-10-CM guidelines FY2026 I.C.20.a.6",
    group=GROUP,
    stages=DECIDED,
    overridable=False,
)
def external_cause_first(case: Case) -> Iterator[Finding]:
    """An external cause comes first; the injury or condition must."""
    for item in case.diagnoses:
        if is_first(case, item) and item.code[0] in "VWXY":
            yield Finding(
                f"{item.code} says how it happened and is never first; put the injury or condition before it",
                (item.code,),
                words=item.item.words,
            )


@rule(
    "sequence.adverse_effect",
    severity="error",
    source="ICD-10-CM guidelines FY2026 I.C.19.e.5",
    group=GROUP,
    stages=DECIDED,
    overridable=False,
)
def adverse_effect_first(case: Case) -> Iterator[Finding]:
    """The code of an adverse effect or underdosing comes first; what the drug did must."""
    for item in case.diagnoses:
        if is_first(case, item) and _ADVERSE.match(item.code):
            yield Finding(
                f"{item.code} names the drug and is never first; put the condition it led to before it",
                (item.code,),
                words=item.item.words,
            )


@rule(
    "sequence.never_first",
    severity="error",
    source="ICD-10-CM guidelines FY2026, CMS Medicare Code Editor 2026",
    group=GROUP,
    stages=DECIDED,
)
def never_first(case: Case) -> Iterator[Finding]:
    """A code comes first that is only ever an additional one (of inpatients, for some)."""
    for item in case.diagnoses:
        limit = case.tables.not_first.get(item.code) if is_first(case, item) else None
        if limit is None or (limit.inpatient and case.subject.setting != "inpatient"):
            continue
        where = " of an inpatient stay" if limit.inpatient else ""
        yield Finding(
            f"{item.code} is not accepted as the first diagnosis{where}; put the condition treated before it",
            (item.code,),
            limit.source,
        )


@rule(
    "sequence.only_first",
    severity="error",
    source="ICD-10-CM guidelines FY2026 I.C.21.c.15",
    group=GROUP,
    stages=DECIDED,
)
def only_first(case: Case) -> Iterator[Finding]:
    """A Z code that may only come first stands later."""
    for item in case.diagnoses:
        if item.place == 1 or not case.tables.only_first.get(item.code):
            continue
        first = next((other for other in case.diagnoses if other.place == 1), None)
        if first is not None and case.tables.only_first.get(first.code):
            continue  # two encounters of one day, their records combined
        yield Finding(
            f"{item.code} is the reason for the encounter or is left out; put it first or remove it",
            (item.code,),
        )


@rule(
    "sequence.sequela",
    severity="warning",
    source="ICD-10-CM guidelines FY2026 I.B.10",
    group=GROUP,
    stages=DECIDED,
)
def sequela_first(case: Case) -> Iterator[Finding]:
    """The code of a sequela comes first or alone; what is left over goes before it."""
    for item in case.diagnoses:
        if not is_first(case, item):
            continue
        injury = item.code[0] in "ST" and len(item.code) == 8 and item.code[-1] == "S"
        if injury or item.code in case.tables.sequelae:
            yield Finding(
                f"{item.code} says what the trouble comes from; put the trouble itself before it",
                (item.code,),
                words=item.item.words,
            )
