"""Why a code is suggested, in words a coder can check against the note."""

from __future__ import annotations

from suggester.codesets.terms import Source
from suggester.pipeline.matching import COMPLETE
from suggester.pipeline.reading import Reading
from suggester.ranking.candidates import CandidateFinder, Method
from suggester.ranking.features import Scored

_SIDES = {1: "right", 2: "left", 3: "both sides"}
_TELLING = {
    "assessment": "assessment",
    "assessment_plan": "assessment",
    "impression": "impression",
    "problem_list": "problem list",
    "discharge_diagnosis": "discharge diagnosis",
    "admission_diagnosis": "admission diagnosis",
    "preoperative_diagnosis": "preoperative diagnosis",
    "postoperative_diagnosis": "postoperative diagnosis",
    "pathology_diagnosis": "pathology diagnosis",
    "chief_complaint": "chief complaint",
    "findings": "findings",
    "procedure": "procedure",
}
_TOLD = frozenset(_TELLING)


def reasons(finder: CandidateFinder, reading: Reading, item: Scored) -> tuple[str, ...]:
    """Plain sentences, most telling first."""
    m = reading.matches
    at, best = item.best.match, item.best
    term = m.terms[at]
    out = [_how(finder, item, term, m.coverage.item(at))]
    firsts, section_kind, sentence_of = m.firsts, reading.section_kind, m.sentences
    matches = [support.match for support in item.candidate.supports]
    kinds = {section_kind[firsts[match]] for match in matches}
    if not kinds.isdisjoint(_TOLD):
        places = [name for kind, name in _TELLING.items() if kind in kinds]
        out.append("named in the " + " and the ".join(dict.fromkeys(places)))
    sentences = len({sentence_of[match] for match in matches})
    if sentences > 1:
        out.append(f"named in {sentences} places")
    if best.resolved is not None and best.method == Method.DESCENT:
        side = reading.side(m.anchors[at], m.sentences[at])
        if side and not best.resolved.side_missing:
            out.append(f"side: {_SIDES[side]}")
        if best.resolved.supported > 0:
            out.append("the words around it pick this code within its category")
        elif best.resolved.steps:
            out.append("no word near by picks a more specific code")
    return tuple(out)


def _how(finder: CandidateFinder, item: Scored, term: int, coverage: float) -> str:
    method = item.best.method
    if method > Method.DESCENT:
        return _how_else(finder, item, term, method)
    phrase = finder.phrase(term)
    if finder.releases.terms.term_source.item(term) == Source.HCPCS_DRUG:
        return f"drug “{phrase}”"
    if coverage >= COMPLETE:
        return f"the words of “{phrase}” are there"
    return f"{coverage:.0%} of “{phrase}”, weighed by rarity, is there"


def _how_else(finder: CandidateFinder, item: Scored, term: int, method: Method) -> str:
    """How a code was found that neither the term's words nor those about them name."""
    terms = finder.releases.terms
    if method == Method.DRUG:
        drug = terms.drugs[int(terms.term_row[term])]
        return f"long-term drug: {drug[0][0]} ({drug[1]})"
    if method == Method.VALUE:
        return "the measured value names this code"
    if method == Method.IMPLIED:
        diagnosis = terms.term_row.item(term) == item.candidate.row and item.candidate.system == "ICD-10-CM"
        return (
            "what was done or happened here has this code"
            if diagnosis
            else "a vaccine is given at this encounter"
        )
    if method == Method.DRUG_EFFECT:
        return "the words say what a drug, or the lack of it, did"
    if method == Method.SPREAD:
        return "the words say where the cancer has spread"
    phrase = finder.phrase(term)
    if method == Method.PERSONAL_HISTORY:
        return f"history of “{phrase}”"
    if method == Method.COMBINATION:
        return f"one code joins “{phrase}” with another condition of this note"
    return f"“{phrase}” in a relative"
