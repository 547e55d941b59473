"""The rules engine as billing asks it: a claim with the words behind its diagnoses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from suggester.billing.encounter import AcceptedCode, CodedEncounter
from suggester.rules import Diagnosis, Rules
from suggester.types import ClaimDraft, Flag, Span

__all__ = ["RuleCheck", "rule_check"]

RuleCheck = Callable[[ClaimDraft, CodedEncounter | None], tuple[Flag, ...]]
"""What the rules engine says of a draft; flags come back marked with the draft's overrides."""


def rule_check(rules: Rules) -> RuleCheck:
    """The rules in force as a check of claim drafts."""

    def check(draft: ClaimDraft, coded: CodedEncounter | None) -> tuple[Flag, ...]:
        if coded is None:
            return rules.check_claim(draft)
        texts = dict(coded.texts)
        known = {code.code: _known(code, texts) for code in coded.codes if code.system == "ICD-10-CM"}
        return rules.check_claim(draft, diagnoses=known)

    return check


def _known(code: AcceptedCode, texts: Mapping[str, str]) -> Diagnosis:
    """A diagnosis with its words; with side and phase said near them where the text of a note is there."""
    by_note: dict[str, list[Span]] = {}
    for place in code.evidence:
        if place.note_id in texts:
            by_note.setdefault(place.note_id, []).append(place.span)
    read = [Diagnosis.in_text(code.code, texts[note], tuple(spans)) for note, spans in by_note.items()]
    quotes = tuple(place.quote for place in code.evidence if place.note_id not in texts)
    if not read:
        return Diagnosis(code=code.code, words=quotes)
    return Diagnosis(
        code=code.code,
        words=(*(word for found in read for word in found.words), *quotes),
        attributes=tuple(attribute for found in read for attribute in found.attributes or ()),
    )
