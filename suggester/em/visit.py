"""What kind of visit a note tells of: category, new or established, age and total time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from suggester.em.levels import CRITICAL_MINUTES, Category, Status
from suggester.em.scan import Hit, Scan
from suggester.types import Evidence, Note

_NO_VISIT_KINDS: Final = (
    *("operative", "operation", "radiology", "pathology", "imaging", "procedure", "laboratory", "anesthesia"),
    *("autopsy", "dental", "chiropractic", "letters", "physical medicine", "rehab", "dietary", "nutrition"),
)
"""Words of ``note.kind`` that name a note without a visit, unless it is told in full."""
_NEVER_A_VISIT: Final = ("operative", "operation", "radiology", "pathology", "imaging", "autopsy")

_STORY: Final = frozenset(("hpi", "chief_complaint", "interval_history", "ros", "indication", "past_medical"))
_LOOKED: Final = frozenset(("exam", "vitals", "results", "labs", "imaging"))
_JUDGED: Final = frozenset(("assessment", "assessment_plan", "impression", "plan", "discharge_diagnosis"))
_OPERATIVE: Final = frozenset(("preoperative_diagnosis", "postoperative_diagnosis", "anesthesia"))
_REPORT: Final = frozenset(("technique", "findings", "comparison"))
_TISSUE: Final = frozenset(("gross", "microscopic", "specimen"))
_UNITS: Final = (
    "year",
    "years",
    "yr",
    "yrs",
    "y",
    "yo",
    "month",
    "months",
    "mo",
    "week",
    "weeks",
    "day",
    "days",
)
_OF_A_VISIT: Final = frozenset(("ros", "vitals", "plan", "assessment_plan", "social", "hpi", "past_medical"))
_HEADER_TOKENS: Final = 60
_BEFORE_STUDY: Final = 7
"""Words of a line that may stand before the name of the study that a report is of."""
_TITLE_WORDS: Final = 20
"""Most words of a line that is a title; a line that is longer must begin with the study."""
_SPEAKS_OF_VISIT: Final = frozenset(
    (
        *(
            "visit",
            "clinic",
            "office",
            "here",
            "presents",
            "presented",
            "patient",
            "note",
            "consult",
            "results",
        ),
        *("returns", "comes", "came", "seeing", "pleasure", "discuss"),
    )
)
_PERSON: Final = frozenset(
    (*_UNITS, "mr", "mrs", "ms", "man", "woman", "boy", "girl", "male", "female", "gentleman", "lady")
) - {"day", "days", "week", "weeks"}
_HEAD_TOKENS: Final = 400
_TOP_TOKENS: Final = 150
_OPENING_TOKENS: Final = 12
PREVENTIVE_ITEMS: Final = ("visit.preventive", "visit.awv_first", "visit.awv_later", "visit.welcome")
"""Words that name another kind of note stand within its first tokens."""
_NOT_LATER: Final = frozenset(("new", "established", "last", "since", "known", "interval"))
_MORE: Final = frozenset((("more", "than"), ("greater", "than")))


@dataclass(frozen=True, slots=True)
class Visit:
    """What kind of visit it is and the words that say so."""

    category: Category
    evidence: tuple[Evidence, ...]
    stated: bool
    nurse: bool = False


def visit_of(scan: Scan, note: Note) -> Visit | None:
    """The kind of visit, None where a note tells of none that is billed by itself."""
    kind = (note.kind or "").lower()
    nurse = scan.get("visit.nurse")
    if nurse and note.setting in (None, "outpatient") and not scan.kinds & {"assessment", "assessment_plan"}:
        return Visit("office", scan.of(nurse, most=1), True, nurse=True)
    if kind and any(word in kind for word in _NO_VISIT_KINDS) and not _visit_in_full(scan):
        return None
    if kind and any(word in kind for word in _NEVER_A_VISIT):
        return None
    elsewhere = [
        hit
        for hit in scan.get("visit.none", "visit.elsewhere")
        if hit.first < _TOP_TOKENS or hit.name == "therapy"
    ]
    if (elsewhere and "office" not in kind) or _is_report(scan) or _is_study(scan):
        return None
    minutes, critical = minutes_of(scan, "time.critical")
    if minutes is not None and minutes >= CRITICAL_MINUTES:
        return Visit("critical care", critical, True)
    preventive = [hit for hit in scan.get(*PREVENTIVE_ITEMS) if _for_today(scan, hit)]
    if note.setting == "inpatient" or (
        note.setting is None and ("discharge" in kind or scan.get("visit.discharge", "visit.subsequent"))
    ):
        return _hospital(scan, kind)
    if (
        note.setting == "emergency"
        or "emergency" in kind
        or (note.setting is None and scan.get("visit.emergency"))
    ):
        return Visit("emergency", scan.of(scan.get("visit.emergency"), most=1), True) if _told(scan) else None
    if "progress" not in kind and "office" not in kind and _discharge(scan, kind):
        return Visit("hospital discharge", scan.of(scan.get("visit.discharge"), most=1), True)
    if preventive:
        return Visit("preventive", scan.of(preventive, most=2), True)
    request = scan.get("visit.consult_request")
    titled = scan.get("visit.consult")
    if request and (titled or "consult" in kind):
        return Visit("consultation", scan.of([*titled, *request], most=2), True) if _told(scan) else None
    if not _told(scan):
        return None
    return Visit("office", (), note.setting is not None or "visit" in kind or "office" in kind)


def _for_today(scan: Scan, hit: Hit) -> bool:
    """Whether a preventive visit is this one: in a title or assessment, or what the patient comes *for*."""
    if hit.section != "hpi":
        return True
    before = scan.reading.table.lower[max(0, hit.first - 8) : hit.first]
    return "for" in before or "here" in before or hit.first < _OPENING_TOKENS


def _hospital(scan: Scan, kind: str) -> Visit | None:
    if _discharge(scan, kind):
        return Visit("hospital discharge", scan.of(scan.get("visit.discharge"), most=1), True)
    if scan.kinds & _OPERATIVE and not scan.kinds & {"exam", "ros"}:
        return None
    request = scan.get("visit.consult", "visit.consult_request")
    if request or "consult" in kind:
        if "consult" in kind and not request and scan.get("visit.initial"):
            return Visit("hospital initial", scan.of(scan.get("visit.initial"), most=1), True)
        return Visit("hospital consultation", scan.of(request, most=1), bool(request))
    later = scan.get("visit.subsequent")
    first = scan.get("visit.initial")
    if later and not first:
        return Visit("hospital subsequent", scan.of(later, most=1), True)
    if first or "history and physical" in kind or "admission" in kind:
        return Visit("hospital initial", scan.of(first, most=1), True)
    if not _told(scan):
        return None
    if "progress" in kind or "soap" in kind:
        return Visit("hospital subsequent", (), True)
    whole = scan.kinds & {"past_medical", "social", "family", "medications", "allergies"}
    return Visit("hospital initial" if len(whole) >= 2 else "hospital subsequent", (), False)


def _discharge(scan: Scan, kind: str) -> bool:
    if "discharge" in kind:
        return True
    parts = scan.kinds & {"discharge_diagnosis", "discharge_medications", "hospital_course"}
    return len(parts) >= 2 or bool(parts and scan.get("visit.discharge"))


def _is_report(scan: Scan) -> bool:
    """Whether the sections are those of an operation, an imaging study or a tissue report."""
    kinds = scan.kinds
    if len(kinds & _OPERATIVE) >= 2 and not kinds & {"ros", "past_medical"}:
        return True
    if len(kinds & _TISSUE) >= 2:
        return True
    told = kinds & _OF_A_VISIT
    if kinds & {"technique", "comparison"}:
        told -= {"hpi", "past_medical"}
    return bool(kinds & _REPORT) and not told


def _is_study(scan: Scan) -> bool:
    """Whether a note opens with the name of a study (an image, an endoscopy) and is not told as a visit."""
    table, kinds, hits = scan.reading.table, scan.kinds, scan.get("visit.study")
    if not hits or len(kinds & _OF_A_VISIT) > 1 or kinds & {"ros", "vitals", "assessment_plan"}:
        return False
    person = next((token for token in table.visible[:_HEADER_TOKENS] if _is_person(table.lower[token])), None)
    for hit in hits:
        if person is not None and person < hit.first:
            return False
        begin, stop = table.lines[table.line[hit.first]]
        words = [table.lower[token] for token in range(begin, stop) if table.is_word[token]]
        most = _BEFORE_STUDY if len(words) <= _TITLE_WORDS else 2
        if (
            hit.first < _HEADER_TOKENS
            and sum(table.is_word[begin : hit.first]) <= most
            and _SPEAKS_OF_VISIT.isdisjoint(words)
        ):
            return True
    return False


def _is_person(word: str) -> bool:
    """Whether a word of a note's opening is of somebody who is seen: *man*, *yo*, *33F*."""
    return word in _PERSON or (word[:-1].isdecimal() and word[-1] in "fm")


def _visit_in_full(scan: Scan) -> bool:
    return bool(scan.kinds & {"hpi", "ros"}) and bool(scan.kinds & {"exam"}) and bool(scan.kinds & _JUDGED)


def _told(scan: Scan) -> bool:
    """Whether a note tells of a visit: two of story, findings and judgement, or one and words for a visit."""
    kinds = scan.kinds
    parts = bool(kinds & _STORY) + bool(kinds & _LOOKED) + bool(kinds & _JUDGED)
    if parts >= 2:
        return True
    said = scan.get("status.new", "status.established", "visit.emergency", "visit.telehealth")
    return bool(said) and (parts >= 1 or len(scan.reading.table.visible) > 60)


def status_of(scan: Scan, category: Category) -> tuple[Status, tuple[Evidence, ...]]:
    """New or established as the words say it; unknown where they do not. Plain words for it come first."""
    if category not in ("office", "preventive"):
        return "not applicable", ()
    new = [hit for hit in scan.get("status.new") if not _later(scan, hit)]
    old = [hit for hit in scan.get("status.established") if not _later(scan, hit)]
    plain_new = [hit for hit in new if _plain(scan, hit)]
    plain_old = [hit for hit in old if _plain(scan, hit)]
    if plain_new and not plain_old:
        return "new", scan.of(plain_new, most=2)
    if plain_old and not plain_new:
        return "established", scan.of(plain_old, most=2)
    if old:
        return "established", scan.of(old, most=2)
    if new:
        return "new", scan.of(new, most=2)
    return "unknown", ()


def _plain(scan: Scan, hit: Hit) -> bool:
    words = set(scan.reading.table.lower[hit.first : hit.last + 1])
    return bool(words & {"new", "establish", "established", "last", "since", "returns", "initial", "known"})


def _later(scan: Scan, hit: Hit) -> bool:
    """Whether the words are of the plan, of what comes after this visit."""
    if hit.section not in ("plan", "assessment_plan", "instructions", "disposition"):
        return False
    return scan.reading.table.lower[hit.first] not in _NOT_LATER


def minutes_of(scan: Scan, item: str = "time.total") -> tuple[int | None, tuple[Evidence, ...]]:
    """Total minutes that a note states and the words for it; the last statement of the largest time holds.

    Time of another service (``time.other``) in the same sentence does not count.
    """
    lower, sentence = scan.reading.table.lower, scan.reading.sentence
    barred = {sentence[hit.first] for hit in scan.get("time.other")} if item == "time.total" else set()
    if item == "time.total":
        barred |= {sentence[hit.first] for hit in scan.get("time.critical")}
    best: tuple[int, Hit] | None = None
    for hit in scan.get(item):
        if sentence[hit.first] in barred:
            continue
        figures = [lower[token] for token in range(hit.first, hit.last + 1) if lower[token].isdecimal()]
        if not figures or len(figures[-1]) > 3:
            continue
        minutes = int(figures[-1])
        if _more(scan, hit):
            minutes += 1
        if best is None or minutes > best[0]:
            best = (minutes, hit)
    return (best[0], scan.of([best[1]])) if best else (None, ())


def _more(scan: Scan, hit: Hit) -> bool:
    """Whether the time is said to be above the figure."""
    words = scan.reading.table.lower[max(0, hit.first - 3) : hit.last + 1]
    return "over" in words or not _MORE.isdisjoint(pairwise(words))


def age_of(scan: Scan, note: Note) -> int | None:
    """Age in whole years on the service date, else as the first words of the note say it."""
    if note.patient is not None and note.patient.birth_date is not None and note.service_date is not None:
        born, day = note.patient.birth_date, note.service_date
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    table = scan.reading.table
    words = [table.lower[token] for token in table.visible[:_HEAD_TOKENS] if table.lower[token] != "-"]
    for at, word in enumerate(words[:-1]):
        if not word.isdecimal() or len(word) > 3 or words[at + 1] not in _UNITS:
            continue
        behind = words[at + 2 : at + 5]
        if not ({"old", "o", "f", "m"} & set(behind) or words[at + 1] in ("yo", "y") or "well" in behind):
            continue
        unit = words[at + 1]
        return int(word) if unit.startswith("y") else int(word) // 12 if unit.startswith("mo") else 0
    return None
