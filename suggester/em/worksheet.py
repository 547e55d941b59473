"""The worksheet: what visit, which elements, which level, which code, and what would support the next one.

Examples
--------
>>> from suggester.em.levels import mdm_level
>>> mdm_level("moderate", "straightforward", "moderate")
'moderate'

Measured (eval/score_em.py): see docs/guide/em.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from suggester.em.elements import data_of, problems_of, risk_of
from suggester.em.levels import (
    DISCHARGE_MINUTES,
    Category,
    PatientStatus,
    Status,
    code_by_mdm,
    code_by_time,
    level_number,
    mdm_level,
    preventive_code,
    prolonged,
)
from suggester.em.lexicon import EmLexicon, read_em_lexicon
from suggester.em.scan import Scan
from suggester.em.visit import Visit, age_of, minutes_of, status_of, visit_of
from suggester.pipeline.reading import Reading
from suggester.types import EM_LEVELS, EmElement, EmLevel, EmWorksheet, Evidence, Note, Suggestion

CONFIDENCE: Final[dict[str, float]] = {
    "office": 0.85,
    "emergency": 0.8,
    "hospital initial": 0.75,
    "hospital subsequent": 0.7,
    "hospital discharge": 0.8,
    "consultation": 0.65,
    "hospital consultation": 0.75,
    "preventive": 0.75,
    "critical care": 0.75,
}
"""How often the code is one that a coder accepts, by category, rounded down (docs/guide/em.md)."""

UNKNOWN_FACTOR: Final = 0.8
"""Confidence is so much lower where new or established is an assumption."""

THIN_FACTOR: Final = 0.8
"""And so much lower where no problem was found, or what kind of visit it is had to be guessed."""

MINIMAL_FACTOR: Final = 0.5
"""And so much lower at the lowest level: more often words were missed than a doctor did so little."""

_NEXT: Final[dict[str, dict[EmLevel, str]]] = {
    "problems": {
        "low": "two self-limited problems, a stable chronic illness, or an uncomplicated acute illness",
        "moderate": "a chronic illness that is not at its goal, two stable ones, a new problem of uncertain "
        "outcome, or an acute illness with systemic symptoms",
        "high": "a severe exacerbation, or a threat to life or bodily function in the near term",
    },
    "data": {
        "low": "two tests or outside notes, or an independent historian",
        "moderate": "three tests, outside notes or historian; an own interpretation; or a discussion with "
        "another professional",
        "high": "two of: three tests or notes, an own interpretation, a discussion with another professional",
    },
    "risk": {
        "low": "a low-risk treatment (over-the-counter drug, therapy, minor procedure)",
        "moderate": "prescription drug management, a decision about surgery, or social circumstances "
        "that limit care",
        "high": "drug therapy with monitoring for toxicity, a decision about hospital care or emergency "
        "surgery, or a decision to limit treatment",
    },
}


def propose(
    reading: Reading, note: Note, suggestions: Sequence[Suggestion] = (), *, lexicon: EmLexicon | None = None
) -> EmWorksheet | None:
    """The evaluation and management worksheet of a note.

    Parameters
    ----------
    reading
        What the reader left of the note.
    note
        The note; setting, kind, service date and birth date are used where given.
    suggestions
        Suggested codes, best first: the diagnoses among them are the problems addressed.
    lexicon
        Vocabulary; the shipped one unless given.

    Returns
    -------
    The worksheet, None where no visit is billed (operative note, imaging or tissue report, therapy note).
    """
    words = lexicon or read_em_lexicon()
    scan = Scan(reading, note.text, words)
    visit = visit_of(scan, note)
    if visit is None:
        return None
    if visit.nurse:
        return _plain(
            visit, "99211", basis="nurse", status="established", reasons=("a visit with a nurse only",)
        )
    if visit.category == "critical care":
        return _critical(scan, visit)
    if visit.category == "hospital discharge":
        return _discharge(scan, visit)
    if visit.category == "preventive":
        found = _preventive(scan, note, visit)
        if found is not None:
            return found
        visit = Visit("office", visit.evidence, False)
    return _levelled(scan, visit, suggestions, words)


def _levelled(scan: Scan, visit: Visit, suggestions: Sequence[Suggestion], words: EmLexicon) -> EmWorksheet:
    """Office, emergency, hospital and consultation: by decision making or by time."""
    category = visit.category
    problems = problems_of(scan, suggestions, words)
    data, risk = data_of(scan), risk_of(scan, words)
    mdm = mdm_level(problems.level, data.level, risk.level)
    status, status_evidence = status_of(scan, category)
    taken: PatientStatus = "new" if status == "new" else "established"
    code = code_by_mdm(category, taken, mdm)
    minutes, time_evidence = minutes_of(scan)
    basis: Literal["mdm", "time"] = "mdm"
    reasons = [
        f"two of three elements reach {mdm}: problems {problems.level}, data {data.level}, risk {risk.level}"
    ]
    if minutes is not None:
        timed = code_by_time(category, taken, minutes)
        if category == "emergency":
            reasons.append("emergency visits do not go by time")
        elif timed is not None and timed > code:
            code, basis = timed, "time"
            reasons.append(f"{minutes} minutes of total time reach {timed}")
        extra = prolonged(code, minutes) if basis == "time" else None
        if extra:
            reasons.append(extra)
    confidence = CONFIDENCE[category]
    if status == "unknown":
        confidence *= UNKNOWN_FACTOR
        reasons.append("the note does not say whether the patient is new: taken as established")
    if not problems.items or not visit.stated:
        confidence *= THIN_FACTOR
    if mdm == "straightforward" and problems.level != mdm and basis == "mdm":
        confidence *= MINIMAL_FACTOR
    alternatives: tuple[str, ...] = ()
    if category in ("consultation", "hospital consultation"):
        instead: Category = "office" if category == "consultation" else "hospital initial"
        alternatives = (code_by_mdm(instead, "new", mdm),)
        reasons.append(f"payers differ on consultations: Medicare takes {alternatives[0]} instead")
    elif status == "unknown":
        other = code_by_time(category, "new", minutes or 0) if basis == "time" else None
        alternatives = (other or code_by_mdm(category, "new", mdm),)
    if scan.get("visit.global"):
        reasons.append("after an operation the visit may be part of its global period (99024)")
    if scan.get("visit.telehealth"):
        reasons.append("a remote visit: place of service, modifier and code depend on the payer")
    return EmWorksheet(
        category=category,
        patient_status=status,
        code=code,
        level=level_number(category, code),
        basis=basis,
        confidence=round(confidence, 4),
        category_evidence=visit.evidence,
        status_evidence=status_evidence,
        problems=problems,
        data=data,
        risk=risk,
        mdm=mdm,
        minutes=minutes,
        time_evidence=time_evidence,
        alternatives=alternatives,
        reasons=tuple(reasons),
        missing=_missing(problems, data, risk, mdm),
    )


def _missing(problems: EmElement, data: EmElement, risk: EmElement, mdm: EmLevel) -> tuple[str, ...]:
    """What words would support the next level: for each element below it, what it takes."""
    at = EM_LEVELS.index(mdm)
    if at + 1 == len(EM_LEVELS):
        return ()
    following = EM_LEVELS[at + 1]
    elements = (("problems", problems), ("data", data), ("risk", risk))
    short = [(name, e) for name, e in elements if EM_LEVELS.index(e.level) <= at]
    needed = 2 - (3 - len(short))
    lead = f"for {following}, {'one' if needed == 1 else 'two'} of these: "
    return tuple(f"{lead}{name}: {_NEXT[name][following]}" for name, _ in short)


def _plain(
    visit: Visit,
    code: str,
    *,
    basis: Literal["age", "discharge", "nurse", "critical care", "time"],
    status: Status,
    reasons: tuple[str, ...],
    status_evidence: tuple[Evidence, ...] = (),
    minutes: int | None = None,
    time_evidence: tuple[Evidence, ...] = (),
    alternatives: tuple[str, ...] = (),
    missing: tuple[str, ...] = (),
    factor: float = 1.0,
) -> EmWorksheet:
    """A worksheet of a category that does not use decision making."""
    return EmWorksheet(
        category=visit.category,
        patient_status=status,
        code=code,
        level=level_number(visit.category, code),
        basis=basis,
        confidence=round(CONFIDENCE[visit.category] * factor, 4),
        category_evidence=visit.evidence,
        status_evidence=status_evidence,
        problems=None,
        data=None,
        risk=None,
        mdm=None,
        minutes=minutes,
        time_evidence=time_evidence,
        alternatives=alternatives,
        reasons=reasons,
        missing=missing,
    )


def _critical(scan: Scan, visit: Visit) -> EmWorksheet:
    minutes, evidence = minutes_of(scan, "time.critical")
    reasons = [f"{minutes} minutes of critical care are stated"]
    if minutes is not None and minutes > 74:
        reasons.append("each further half hour is 99292")
    return _plain(
        visit,
        "99291",
        basis="critical care",
        status="not applicable",
        minutes=minutes,
        time_evidence=evidence,
        reasons=tuple(reasons),
    )


def _discharge(scan: Scan, visit: Visit) -> EmWorksheet:
    minutes, evidence = minutes_of(scan)
    if minutes is not None and minutes > DISCHARGE_MINUTES:
        reason = f"a discharge day of more than {DISCHARGE_MINUTES} minutes"
        return _plain(
            visit,
            "99239",
            basis="time",
            status="not applicable",
            minutes=minutes,
            time_evidence=evidence,
            reasons=(reason,),
        )
    return _plain(
        visit,
        "99238",
        basis="discharge",
        status="not applicable",
        minutes=minutes,
        time_evidence=evidence,
        reasons=("a discharge day; no time above 30 minutes is stated",),
        missing=(f"for 99239: more than {DISCHARGE_MINUTES} minutes stated",),
    )


def _preventive(scan: Scan, note: Note, visit: Visit) -> EmWorksheet | None:
    """A preventive visit by age; Medicare's own visits by their names; None where the age is unknown."""
    status, evidence = status_of(scan, "preventive")
    for item, code in (("welcome", "G0402"), ("awv_later", "G0439"), ("awv_first", "G0438")):
        if scan.get(f"visit.{item}"):
            return _plain(
                visit,
                code,
                basis="age",
                status=status,
                status_evidence=evidence,
                reasons=("a wellness visit by Medicare's name",),
            )
    age = age_of(scan, note)
    if age is None:
        return None
    reasons = [f"a preventive visit at the age of {age}"]
    taken: PatientStatus = "new" if status == "new" else "established"
    alternatives: tuple[str, ...] = ()
    if status == "unknown":
        reasons.append("the note does not say whether the patient is new: taken as established")
        alternatives = (preventive_code("new", age),)
    reasons.append("a problem treated beyond it is an office visit of its own with modifier 25")
    return _plain(
        visit,
        preventive_code(taken, age),
        basis="age",
        status=status,
        status_evidence=evidence,
        reasons=tuple(reasons),
        alternatives=alternatives,
        factor=UNKNOWN_FACTOR if status == "unknown" else 1.0,
    )
