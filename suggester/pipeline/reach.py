"""How far a cue reaches: from a cue to the token range that it flags, ahead and back.

Every cue looks only at its own sentence, stops at the next cue of its flag, and never looks further than a
fixed number of words, so that the work is linear in the length of the note whatever it holds.
"""

from __future__ import annotations

from typing import Final

from suggester.pipeline.automaton import (
    FAMILY,
    HISTORICAL,
    HYPOTHETICAL,
    NEGATED,
    SURGICAL,
    UNCERTAIN,
    Modifier,
)
from suggester.pipeline.clauses import BEFORE_WHICH, OF_WHICH, over_relative, own_clause, relative_at, tells
from suggester.pipeline.dated_on import YEARS
from suggester.pipeline.function_words import (
    AND,
    ANOTHER,
    CONTRAST,
    EVENTS,
    INJURIES,
    LEAD_IN,
    LINKING,
    OR,
    SINGULAR,
    SUBSTANCES,
    TESTS,
    TREATMENTS,
    VISIT,
)
from suggester.pipeline.listing import closed_by_or, list_goes_on, new_item
from suggester.pipeline.past import is_year
from suggester.pipeline.scopes import Stops

_NOT_OVER_FOR: Final = HISTORICAL | HYPOTHETICAL
"""Flags that do not reach back over *for*: *aspirin for DVT prophylaxis*, *seen for a fall in 2019*."""

_OVER: Final = frozenset(("with", "for"))
"""Words that end what a cue sets ahead of it, but not what one sets behind it."""

_CAUSES: Final = frozenset(("due", "secondary", "because", "after", "following", "from"))
_OVER_CAUSES: Final = _OVER | _CAUSES
_OVER_BY_RULE: Final = {
    "hist.resolved": _OVER_CAUSES | {"this", "today"},
    "hist.answer": _OVER_CAUSES,
    "neg.answer": _OVER_CAUSES | {"since", "during", "when", "before"},
    "unc.answer": _OVER | {"on", "after"},
    "unc.after": _OVER | {"on", "after"},
}
"""Answers and what tells that something has passed look back over its cause or time (*sepsis due to
pneumonia, now resolved*; *falls since the last visit: none*)."""

_HAD: Final = frozenset(("had", "suffered", "developed", "sustained", "underwent"))
"""Verbs of what happened, whose date may stand behind its cause (*had a clot after surgery in 2008*)."""

_FAMILY_TOO: Final = frozenset(("negative", "neg", "positive"))
"""Words that go on with a family history (*positive for gout, negative for stroke*)."""

_FAMILY_RULE: Final = "fam.history"
_FAMILY_ON: Final = _FAMILY_TOO | {"no", "none", "pos", "also"}
"""Words behind a semicolon with which a family history goes on."""

_WATCHED: Final = "hyp.return"
"""The rule of what is watched for: behind *signs of* a colon begins their list (*signs of a leak: fever*)."""

_ITEM_ENDS: Final = frozenset(",.;")
_ARTICLE: Final = frozenset(("a", "an"))
"""Words behind *and* with which a finding begins that is there (*no rash and a soft murmur*)."""

_DETERMINERS: Final = frozenset(
    ("her", "his", "their", "my", "the", "a", "an", "this", "she", "he", "there", "i", "we")
)
"""Words behind *, and* with which a clause of its own begins."""
_NO_CLAUSE: Final = (NEGATED, UNCERTAIN, HISTORICAL)
"""Flags that do not reach into such a clause."""

_PLACED: Final = frozenset(("in", "the", "to", "from"))
"""Words before *OR*, the operating room."""

_STAYS: Final = frozenset(("hist.date", "hist.prior", "hist.life"))
"""Rules that look on over *with* behind a stay: *ten years ago he was hospitalized with pancreatitis*."""

_STAY: Final = 8
_STAYED: Final = frozenset(("hospitalized", "hospitalised", "admitted", "treated", "operated", "intubated"))
"""Words shortly before *with* that make what follows part of the stay (*hospitalized for X with Y*)."""

_LEFT: Final = frozenset(
    (
        *("residual", "persistent", "chronic", "ongoing", "resultant", "subsequent", "lasting", "current"),
        *("good", "full", "complete", "no", "improvement", "resolution", "now", "continued"),
    )
)
"""Words behind *with* of what a stay has left behind."""

_SPANS: Final = frozenset(
    ("day", "days", "week", "weeks", "wks", "month", "months", "mos", "year", "years", "yrs", "decades")
)
"""Words by which *for* tells how long (*smoked for 20 years, quit in 1999*)."""

_HAVING: Final = frozenset(("has", "have", "had", "does", "do", "did", "nor", "shows", "showed"))
"""Verbs over which what is thought of is not looked for (*angina, nor does she have risk factors*)."""

_LATE: Final = frozenset(("hist.date", "hist.year", "hist.life", "hist.resolved"))
"""Rules whose cue behind *and had* tells of the later clause alone."""

_DATE_RULES: Final = frozenset(("hist.date", "hist.year"))
_DATED: Final = _DATE_RULES | {"hist.life"}
_TAKEN: Final = frozenset(("removed", "excised", "resected", "taken"))
"""Words before *from* over which a date looks back (*removed a mole from her back last spring*)."""

_DATING: Final = frozenset(("in", "at", "during", "around", "failed"))
"""Words of an earlier date, over which a later one does not look back (*cancer at 29, a fall in 2010*), and
of what did not help (*pain which failed surgery in 2015*)."""
_SIDES: Final = frozenset(("left", "right", "bilateral", "l", "r"))
"""Words that, alone between commas, belong to what stands before (*cuff repair, right, 2018*)."""

_RULE_ENDS: Final = {
    "hist.after_surgery": frozenset(("he", "she", "they", "patient", "pt", "we", "i")),
    "hist.event": frozenset(("resulted", "resulting", "leaving", "caused", "causing", "with")),
    "hist.prior": frozenset(("resulted", "resulting", "leaving", "caused", "causing")),
    "hist.status_post": frozenset(("demonstrating", "showing", "revealing")),
    "hyp.ordered": frozenset(("for", "of")),
    "hyp.risk": frozenset(("with", "including", "due", "because", "from", "after", "given", "for")),
}
"""Words that end the scope of one rule: *risk of stroke with AF*; *for* only before a comma."""

_CLAUSE_WORDS: Final = 7
_OF_RELATIVE: Final = frozenset(("who", "which", "whose", "died", "had", "has", "both", "also", "one", "two"))
"""Words with which what is said of a relative goes on behind a comma."""

_LABEL: Final = 6
_BRIEF: Final = 7
"""A problem that heads its line, and what follows, have less words (*AKI: peaked at 2, now resolved*)."""
_OF_LABEL: Final = frozenset(("hist.resolved", "hist.latest"))
"""Rules that look back to such a problem."""

_OVER_NOW: Final = "hist.resolved"
"""The rule of what is over, which looks back over relative clauses without a first word."""


def reach_forward(
    words: list[str],
    is_word: list[bool],
    begin: int,
    stop: int,
    modifier: Modifier,
    stops: Stops,
    *,
    inside: bool = False,
) -> tuple[int, int, bool]:
    """Range of a forward cue that ends at ``begin``; whether it runs to the end of the sentence.

    ``inside`` says that the cue stands behind a comma: one more item alone may then be the next finding, and
    not one of its own (*no rash, dry skin*).
    """
    least = 2 if inside else 1
    bit = modifier.mask
    index = begin
    while index < stop and words[index] in LEAD_IN and not stops.cue.get(index, 0) & bit:
        if is_word[index] and (index + 1 == stop or words[index + 1] in _ITEM_ENDS):
            break
        index += 1
    first = index
    if bit == HISTORICAL and modifier.rule == "hist.perfect" and index < stop and words[index] in AND:
        return first, first, False
    hard, verb, segment, cue = stops.hard, stops.verb, stops.segment, stops.cue
    phrase = modifier.reach == "phrase"
    family = modifier.rule == _FAMILY_RULE
    rule_ends = _RULE_ENDS.get(modifier.rule, frozenset())
    dated = modifier.rule in _DATE_RULES
    watched = modifier.rule == _WATCHED and words[begin - 1] == "of"
    bare = modifier.rule == "neg.no" and words[first - 1] not in _ARTICLE
    boundary = -1
    count = depth = 0
    while index < stop:
        word = words[index]
        if bit == UNCERTAIN and word == "(" and ")" in words[index:stop]:
            index = words.index(")", index) + 1  # what was found against one of a list does not end the list
            continue
        ends = hard.get(index, 0) & bit or (cue.get(index, 0) & bit and index > first and not family)
        if (
            ends
            and (word != "with" or not _with_past(words, index, stop, modifier))
            and not (word == ";" and family and index > first and _still_family(words, index + 1, stop))
        ):
            return first, index, False
        if dated and stops.any.get(index, 0) & HYPOTHETICAL:
            return first, index, False
        if word == ",":
            if phrase and not list_goes_on(words, index + 1, stop, stops, modifier, least):
                return first, index, False
            least = 1
            boundary = index
            if modifier.rule != "hyp.title" and new_item(words, index + 1, stop, bit, stops):
                return first, index, False
            if bit == FAMILY and not family and _turns_to_patient(words, index + 1, stop):
                return first, index, False
        elif word in AND or (word in CONTRAST and bit == FAMILY):
            if bare and index > first and index + 1 < stop and words[index + 1] in _ARTICLE:
                return first, boundary if boundary == index - 1 else index, False
            clause = index + 1 < stop and words[index + 1] in _DETERMINERS and bit in _NO_CLAUSE
            if clause and first < boundary == index - 1 and not _is_item(words, index, stop, bit, stops):
                return first, boundary, False
            boundary = index
        elif word in rule_ends and (boundary < 0 or word != "for"):
            return first, index, False
        elif word == "for" and boundary > first and modifier.rule == "hyp.prn":
            return first, boundary, False
        elif word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
            if depth < 0:
                return first, index, False
        elif word == ":" and index > first and not (watched and index < stop - 1):
            return first, index, index == stop - 1
        elif index > first or boundary >= 0:
            if (
                verb.get(index, 0) & bit
                and (boundary >= 0 or modifier.rule != "hyp.if")
                and not (word == "have" and words[index - 1] == "to" and _long_ago(words, begin, modifier))
            ):
                if boundary > first and words[boundary + 1] not in OR:
                    return first, boundary, False
                return first, index, False
            new = segment.get(index, 0) & bit or cue.get(index, 0)
            if family and word in _FAMILY_TOO:
                new = 0
            if new and index == boundary + 1 and not closed_by_or(words, index, stop):
                return first, boundary, False
        count += is_word[index]
        if count > modifier.max_words:
            return first, index, False
        index += 1
    return first, stop, True


def _long_ago(words: list[str], begin: int, modifier: Modifier) -> bool:
    """Whether a date before ``begin`` is so far back that what one *was found to have* then is over."""
    if modifier.rule not in _DATE_RULES:
        return modifier.rule == "hist.life"
    return any(word in YEARS or is_year(word) for word in words[max(0, begin - 3) : begin])


def _with_past(words: list[str], index: int, stop: int, modifier: Modifier) -> bool:
    """Whether *with* goes on with what is past: behind a stay, or with an operation."""
    if modifier.mask != HISTORICAL:
        return False
    behind = words[index + 1 : min(stop, index + 4)]
    if modifier.rule == "hist.items":
        return True
    if modifier.rule in _STAYS and (
        words[index - 1] in VISIT
        or (not _STAYED.isdisjoint(words[max(0, index - _STAY) : index]) and _LEFT.isdisjoint(behind))
    ):
        return True
    if modifier.rule == "hist.of" and not EVENTS.isdisjoint(behind):
        return True
    return any(word.endswith(SURGICAL) for word in behind)


def _turns_to_patient(words: list[str], begin: int, stop: int) -> bool:
    """Whether a clause of its own follows a comma behind a relative's illness (*BRCA pending*)."""
    for index in range(begin, min(stop, begin + _CLAUSE_WORDS)):
        word = words[index]
        if word in _ITEM_ENDS:
            return False
        if word in ANOTHER:
            return index > begin + (words[begin] in AND)
        if word in _OF_RELATIVE:
            return False
    return False


def _is_item(words: list[str], index: int, stop: int, bit: int, stops: Stops) -> bool:
    """Whether *and a …* ends a list of the past: no verb or other cue before a mark or the end."""
    if bit != HISTORICAL or words[index + 1] not in _ARTICLE:
        return False
    for at in range(index + 2, min(stop, index + _CLAUSE_WORDS)):
        if words[at] in _ITEM_ENDS:
            return True
        verb = stops.verb.get(at, 0) & HISTORICAL or words[at] in LINKING
        if verb or stops.hard.get(at, 0) & HISTORICAL or at in stops.any:
            return False
    return index + _CLAUSE_WORDS >= stop


def _still_family(words: list[str], index: int, stop: int) -> bool:
    """Whether a family history goes on behind a semicolon."""
    return index < stop and words[index] in _FAMILY_ON


def reach_backward(
    words: list[str], is_word: list[bool], end: int, start: int, modifier: Modifier, stops: Stops
) -> tuple[int, int]:
    """Range of a backward cue that begins at ``end``, in a sentence that begins at ``start``."""
    bit = modifier.mask
    index = end - 1
    single = words[end] in SINGULAR
    no_comma = bit == HYPOTHETICAL or modifier.rule == "neg.answer"
    while index >= start and words[index] in LINKING and (words[index] != "," or not no_comma):
        single = single or words[index] in SINGULAR
        index -= 1
    if words[end] == ",":
        index = over_relative(words, end, start, index)
    elif words[end - 1] == ",":
        index = over_relative(words, end - 1, start, index)
    elif "," in words[index + 1 : end]:
        index = over_relative(words, words.index(",", index + 1, end), start, index)
    last = index
    if index >= start and modifier.rule in _DATE_RULES and words[index] in TESTS:
        return index, index + 1
    if modifier.rule in _OF_LABEL and "," in words[index + 1 : end + 1]:
        for at in range(start + 1, min(index, start + _LABEL)):
            if words[at] == ":" and index - at < _BRIEF and ";" not in words[at:index]:
                return start, last + 1
    phrase = modifier.reach == "phrase"
    joined = restricted = False
    count = before_and = 0
    hard, verb, cue = stops.hard, stops.verb, stops.cue
    over = _OVER_BY_RULE.get(modifier.rule, _OVER)
    while index >= start:
        word = words[index]
        if word in (";", "|") or (
            hard.get(index, 0) & bit
            and word not in over
            and not (word in OF_WHICH and words[index - 1] in BEFORE_WHICH)
            and not _caused(words, index, start, modifier)
        ):
            break
        if (
            word == "for"
            and words[index + 1] not in OF_WHICH
            and modifier.rule != "hist.until"
            and (hard.get(index, 0) | _NOT_OVER_FOR) & bit
            and not (
                bit == HISTORICAL
                and modifier.rule not in _DATE_RULES
                and _SPANS.intersection(words[index + 1 : index + 5])
            )
            and not (
                words[index - 1].endswith(SURGICAL)
                or not TREATMENTS.isdisjoint(words[max(start, index - 2) : index])
            )
        ):
            break
        if word == ":" or (word == "given" and modifier.rule in _DATED):
            break
        if word in AND or (word in OR and not (index > start and words[index - 1] in _PLACED)):
            if word in OR and words[index + 1] in OR:
                break  # nothing stands between the two
            if word in AND and own_clause(words, index, end):
                break
            if words[index + 1] in _DETERMINERS and (
                single or words[max(start, index - 1)] == "," or tells(words, index, start)
            ):
                break
            if bit == HYPOTHETICAL and (
                words[index + 1] == "to"
                or (modifier.max_words < _BRIEF and words[max(start, index - 1)] == ",")
            ):
                break
            if restricted or (words[index + 1] in _HAD and modifier.rule in _LATE):
                break
            joined = not single and not (word == "&" and len(words[index + 1]) == 1)
            before_and = index if words[index - 1] == "," else before_and
        elif (
            word == "from"
            and modifier.rule in _DATED
            and _TAKEN.isdisjoint(words[max(start, index - 5) : index])
            and not _caused(words, index, start, modifier)
        ) or (bit == HYPOTHETICAL and index < last and word in _HAVING):
            break
        elif word == "that" and index < last:
            restricted = True
        elif (
            word in _DATING
            and modifier.rule in _DATED
            and (word == "failed" or stops.any.get(index, 0) & bit)
            and (word != "at" or words[min(index + 2, last)] not in _SPANS)
        ):
            break
        elif word == "," and phrase:
            if restricted:
                break
            side = words[index + 1] in _SIDES and (index + 1 == last or words[index + 2] == ",")
            if not (joined or side or _in_brackets(words, index, start)):
                break
        elif index < last and (
            verb.get(index, 0) & bit
            or (
                cue.get(index, 0) & (bit | NEGATED)
                and not (modifier.rule in _DATE_RULES and _operated(words, index, last))
                and not _caused(words, index, start, modifier)
                and not (word in over and word in _CAUSES)
            )
        ):
            relative = relative_at(words, index, start, bare=modifier.rule == _OVER_NOW)
            if relative < 0:
                break
            count += index - relative
            index = relative
        count += is_word[index]
        if count > modifier.max_words:
            break
        index -= 1
    if before_and > index >= start and bit == HISTORICAL and cue.get(index, 0) & NEGATED:
        index = before_and  # *without rash or edema, and fever resolved*
    if modifier.rule == "hist.quit":
        return _quit(words, index + 1, last + 1, end)
    return index + 1, last + 1


def _quit(words: list[str], begin: int, end: int, cue: int) -> tuple[int, int]:
    """What was quit, from the substance on (*cirrhosis from alcohol, sober 3 years*); nothing if none is."""
    for at in range(begin, end):
        if words[at].startswith(SUBSTANCES):
            return at, end
    if words[cue] != "stopped":
        return cue, cue
    for at in range(end - 1, begin - 1, -1):
        if words[at] in AND and tells(words, at, max(0, begin - _CLAUSE_WORDS)):
            return at + 1, end  # *sepsis was excluded and antibiotics stopped*
    return begin, end


def _caused(words: list[str], index: int, start: int, modifier: Modifier) -> bool:
    """Whether a date looks on over *after* to what happened then (*had a clot after surgery in 2008*)."""
    return (
        words[index] in ("after", "following", "from")
        and modifier.rule in _DATE_RULES
        and not (
            _HAD.isdisjoint(words[max(start, index - 6) : index])
            and EVENTS.isdisjoint(words[max(start, index - 3) : index])
            and INJURIES.isdisjoint(words[max(start, index - 3) : index])
        )
    )


def _operated(words: list[str], index: int, last: int) -> bool:
    """Whether *s/p* and an operation follow, so that a date behind them reaches over them."""
    return words[index] in ("s", "status", "sp") and any(
        word.endswith(SURGICAL) for word in words[index + 1 : last + 1]
    )


def _in_brackets(words: list[str], index: int, start: int) -> bool:
    """Whether a comma stands between brackets that opened shortly before."""
    for at in range(index - 1, max(start, index - 5) - 1, -1):
        if words[at] in "()":
            return words[at] == "("
    return False
