"""Which diagnoses a service line is for, proposed from the words of the note and explained in words.

Each pair of line and diagnosis is scored by what ties the two: the same words or sentence of a note, the same
numbered problem or section, the same side and region of the body, and what such a procedure is done for
(``affinity.csv``). A coder decides; the reasons say why a pointer was proposed.

There is no gold standard of pointers. The drafts of our own gold notes were judged by eye and are committed
under ``tests/golden/claims``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from suggester.billing.encounter import AcceptedCode, NoteWords
from suggester.billing.vocabulary import affinities, regions
from suggester.types import Span

__all__ = ["MAX_POINTERS", "Proposal", "is_external_cause", "is_status", "propose_pointers"]

MAX_POINTERS = 4
"""An 837P and a CMS-1500 take one to four a line (SV107, box 24E)."""

_THRESHOLD = 1.5
_SHARE_OF_BEST = 0.6
_SAME_WORDS = 3.0
_SAME_SENTENCE = 2.5
_SAME_PROBLEM = 2.0
_SAME_SECTION = 0.5
_SAME_SIDE = 1.0
_OTHER_SIDE = -3.0
_SAME_REGION = 1.5
_OTHER_REGION = -1.0
_STATUS = -1.0
_OUTCOME = -2.0
_PREVENTIVE = 4.5
_SURE_TIE = 4.0
_FIRST_LISTED = 0.25
_VISIT = 2.0

_SENTENCE_END = re.compile(r"\n|[.!?;](?=\s)")
_PROBLEM_START = re.compile(r"^[ \t]*(?:\(?\d{1,2}[.)]|#)[ \t]*\S", re.MULTILINE)
_PROBLEM_END = re.compile(r"^[ \t]*\n|^(?:[A-Z][A-Za-z /&]{2,40}:|[A-Z][A-Z /&]{3,40})[ \t]*\n", re.MULTILINE)
_LEFT = re.compile(r"\b(?:(?i:left|lt)|L)\b")
_RIGHT = re.compile(r"\b(?:(?i:right|rt)|R)\b")
_BOTH = re.compile(r"\b(?i:bilateral\w*|both)\b")
_WORD = re.compile(r"[a-z]+")
_EXTERNAL = re.compile(r"[V-Y]")
_STATUS_CODE = re.compile(r"Z(?:1[78]|6[678]|7[2-9]|[89])")
_VISIT_CODE = re.compile(
    r"99(?:20[2-9]|21\d|22[1-9]|23\d|24[1-5]|25[2-5]|28[1-5]|29[12]|3[014]\d|42[1-9])|920(?:0[24]|1[24])"
)
_OUTCOME_CODE = re.compile(r"Z37|Z3A")
_SCREENING_CODE = re.compile(r"Z0[01]|Z1[123]")
_PREVENTIVE_MODIFIERS = frozenset({"33", "PT"})
_ASSESSMENT = ("assessment", "plan", "impression", "diagnos", "problem")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A pointer from a line to a diagnosis (its place in the list, from 0), how strong, and why.

    ``sure`` says that such a service is done for such a diagnosis, and nothing speaks against it.
    """

    diagnosis: int
    score: float
    sure: bool
    reasons: tuple[str, ...]


def is_external_cause(code: str) -> bool:
    """Whether an ICD-10-CM code says how something happened (chapter 20, V00 to Y99)."""
    return _EXTERNAL.match(code) is not None


def is_status(code: str) -> bool:
    """Whether an ICD-10-CM code is a status or a history (Z17-Z18, Z66-Z68, Z72-Z99), seldom treated."""
    return _STATUS_CODE.match(code) is not None


def propose_pointers(
    line: AcceptedCode, diagnoses: Sequence[AcceptedCode], texts: Mapping[str, str]
) -> tuple[Proposal, ...]:
    """One to four diagnoses that ``line`` is for, the strongest first; empty only without diagnoses.

    Parameters
    ----------
    line
        A CPT or HCPCS code with its evidence.
    diagnoses
        In the order of the claim.
    texts
        Text by note id, as far as known; without it sentences and problems are not compared.
    """
    scored = [
        proposal
        for position, diagnosis in enumerate(diagnoses)
        if not is_external_cause(diagnosis.code)
        and (proposal := _score(line, diagnosis, position, texts)).score >= _THRESHOLD
    ]
    if not scored:
        return _first_listed(diagnoses)
    scored.sort(key=lambda proposal: (-proposal.score, proposal.diagnosis))
    floor = scored[0].score * _SHARE_OF_BEST
    kept = [proposal for proposal in scored if proposal.sure or proposal.score >= floor][:MAX_POINTERS]
    if _VISIT_CODE.match(line.code):
        kept.sort(key=lambda proposal: proposal.diagnosis)
    return tuple(kept)


def _first_listed(diagnoses: Sequence[AcceptedCode]) -> tuple[Proposal, ...]:
    for position, diagnosis in enumerate(diagnoses):
        if not is_external_cause(diagnosis.code):
            reason = "the first-listed diagnosis: nothing in the note ties the service to another"
            return (Proposal(diagnosis=position, score=0.0, sure=False, reasons=(reason,)),)
    return ()


def _score(line: AcceptedCode, diagnosis: AcceptedCode, position: int, texts: Mapping[str, str]) -> Proposal:
    found: list[tuple[float, str]] = []
    tie = _affinity(line.code, diagnosis.code)
    if tie is not None:
        found.append(tie)
    visit = _VISIT_CODE.match(line.code) is not None
    status = is_status(diagnosis.code)
    if visit and not status and not diagnosis.code.startswith("Z") and _assessed(diagnosis.evidence):
        found.append((_VISIT, "a problem that the visit was about"))
    if not visit:
        found.extend(_place(line.evidence, diagnosis.evidence, texts))
    if _PREVENTIVE_MODIFIERS & set(line.modifiers) and tie and _SCREENING_CODE.match(diagnosis.code):
        found.append((_PREVENTIVE, "its modifier says that it was preventive"))
    found.extend(_body(line, diagnosis, tied=tie is not None))
    score = sum(weight for weight, _ in found)
    if status and (tie is None or tie[0] < _SURE_TIE):
        score += _STATUS
    if _OUTCOME_CODE.match(diagnosis.code):
        score += _OUTCOME
    if position == 0:
        score += _FIRST_LISTED
    return Proposal(
        diagnosis=position,
        score=score,
        sure=tie is not None and tie[0] >= _SURE_TIE and score >= _SURE_TIE,
        reasons=tuple(reason for weight, reason in found if weight > 0),
    )


def _affinity(procedure: str, diagnosis: str) -> tuple[float, str] | None:
    ties = [row for row in affinities() if row.ties(procedure, diagnosis)]
    if not ties:
        return None
    best = max(ties, key=lambda row: row.weight)
    return best.weight, best.why


def _assessed(evidence: tuple[NoteWords, ...]) -> bool:
    sections = [words.section for words in evidence if words.section]
    return not sections or any(name in section.lower() for section in sections for name in _ASSESSMENT)


def _place(
    ours: tuple[NoteWords, ...], theirs: tuple[NoteWords, ...], texts: Mapping[str, str]
) -> Iterable[tuple[float, str]]:
    """The closest tie of place between two sets of words; at most one."""
    best = (0.0, "")
    for our in ours:
        for their in theirs:
            if our.note_id == their.note_id:
                best = max(best, _closeness(our, their, texts.get(our.note_id)))
    return [best] if best[0] else []


def _closeness(our: NoteWords, their: NoteWords, text: str | None) -> tuple[float, str]:
    if our.span.overlaps(their.span):
        return _SAME_WORDS, "supported by the same words"
    if text is not None:
        if _between(text, _SENTENCE_END, our.span, their.span) is None:
            return _SAME_SENTENCE, "named in the same sentence"
        problem = _problem(text, our.span)
        if problem is not None and problem == _problem(text, their.span):
            return _SAME_PROBLEM, "written under the same problem"
    if our.section and our.section == their.section:
        return _SAME_SECTION, f"written in the same section ({our.section})"
    return 0.0, ""


def _between(text: str, mark: re.Pattern[str], one: Span, other: Span) -> re.Match[str] | None:
    first, second = sorted((one, other))
    return mark.search(text, first.end, max(first.end, second.start))


def _problem(text: str, span: Span) -> int | None:
    """Where the numbered problem that ``span`` stands in begins, or None outside of one."""
    starts = [found.start() for found in _PROBLEM_START.finditer(text, 0, span.start + 1)]
    place = bisect_right(starts, span.start) - 1
    if place < 0:
        return None
    start = starts[place]
    return None if _PROBLEM_END.search(text, start, span.start) else start


def _body(line: AcceptedCode, diagnosis: AcceptedCode, *, tied: bool) -> Iterable[tuple[float, str]]:
    our_words, their_words = _said(line), _said(diagnosis)
    our_sides = _modifier_sides(line.modifiers) or _sides(our_words)
    their_sides = _sides(diagnosis.display) or _sides(their_words)
    if our_sides and their_sides:
        if our_sides & their_sides:
            shared = " and ".join(sorted(our_sides & their_sides))
            yield _SAME_SIDE, f"on the same side ({shared})"
        else:
            yield _OTHER_SIDE, "on the other side"
    our_regions, their_regions = _regions(our_words), _regions(their_words)
    if our_regions and their_regions:
        if shared_regions := sorted(our_regions & their_regions):
            yield _SAME_REGION, f"of the same region of the body ({', '.join(shared_regions)})"
        elif not tied:
            yield _OTHER_REGION, "of another region of the body"


def _said(code: AcceptedCode) -> str:
    return " ".join([code.display, *(words.quote for words in code.evidence)])


def _sides(words: str) -> frozenset[str]:
    sides = set()
    if _BOTH.search(words):
        sides |= {"left", "right"}
    if _LEFT.search(words):
        sides.add("left")
    if _RIGHT.search(words):
        sides.add("right")
    return frozenset(sides)


_MODIFIER_SIDES = {
    "LT": ("left",), "RT": ("right",), "50": ("left", "right"),
    "E1": ("left",), "E2": ("left",), "E3": ("right",), "E4": ("right",),
    "FA": ("left",), "F1": ("left",), "F2": ("left",), "F3": ("left",), "F4": ("left",),
    "F5": ("right",), "F6": ("right",), "F7": ("right",), "F8": ("right",), "F9": ("right",),
    "TA": ("left",), "T1": ("left",), "T2": ("left",), "T3": ("left",), "T4": ("left",),
    "T5": ("right",), "T6": ("right",), "T7": ("right",), "T8": ("right",), "T9": ("right",),
}  # fmt: skip


def _modifier_sides(modifiers: tuple[str, ...]) -> frozenset[str]:
    return frozenset(side for modifier in modifiers for side in _MODIFIER_SIDES.get(modifier, ()))


def _regions(words: str) -> frozenset[str]:
    known = regions()
    return frozenset(known[word] for word in _WORD.findall(words.lower()) if word in known)
