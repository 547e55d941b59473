"""Decide for every token whether it is negated, uncertain, historical, hypothetical or another person's.

Five independent flags. Cues stand in data (``suggester.pipeline.cues``); a cue's scope ends where a reader
ends it (``suggester.pipeline.reach``); check boxes and ``(-)`` are read by
``suggester.pipeline.templates``; where no cue stands, the words around vote
(``suggester.pipeline.vote``). Two flags give way: historical inside family history
(the past of a relative is not the patient's), and uncertain where the thing is said to be absent.

Examples
--------
>>> import spacy
>>> from suggester.pipeline.tokenizer import ClinicalTokenizer
>>> nlp = spacy.blank("en")
>>> nlp.tokenizer = ClinicalTokenizer(nlp.vocab)
>>> for name in ("suggester_sections", "suggester_sentences", "suggester_assertion"):
...     _ = nlp.add_pipe(name)
>>> doc = nlp("Denies fever or chills but has cough. Return if dyspnea.")
>>> table = assertion_table(doc)
>>> [(token.text, table.flags[token.i]) for token in doc if token.text in ("fever", "cough", "dyspnea")]
[('fever', 1), ('cough', 0), ('dyspnea', 8)]
>>> [(cue.flag, cue.text, cue.rule_id) for cue in table.at(1, 2).cues]
[('negated', 'Denies', 'neg.deny')]

Sets ``doc.user_data["suggester.assertion"]`` to an ``AssertionTable``.

Measured on 2026-11-22 (``eval/score_marked.py``): F1 on ``eval/marked/test.txt``, on which nothing was tuned
(370 lines, 793 mentions): negated 0.971, uncertain 0.958, historical 0.933, hypothetical 0.947, family 0.957;
on ``blind.txt``, by other hands (259 lines, 900 mentions): 0.995, 0.991, 0.948, 0.938, 0.949 (at first sight
0.995, 0.991, 0.952, 0.924, 0.968); on both: 0.984, 0.978, 0.942, 0.941, 0.953. On ``dev.txt``, on which the
cues were tuned (20,432 mentions): 0.996, 0.987, 0.979, 0.980, 0.989. As they were met at first sight: rounds
123 to 144, 1,624 mentions of which a good third weighs the past against the present, by cues alone: 0.960,
0.919, 0.845, 0.891, 0.955; rounds 160 to 167, 888 mentions by a writer who knew neither cues nor sentences,
with the vote: 0.991, 0.935, 0.960, 0.930, 0.976. One core, note of 430
words: 1.2 ms; linear in length.
"""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path
from typing import Final

from spacy.language import Language
from spacy.tokens import Doc

from suggester.pipeline import tales
from suggester.pipeline.asserted import ASSERTION, AssertionTable, assertion_table
from suggester.pipeline.automaton import (
    HISTORICAL,
    NEGATED,
    UNCERTAIN,
    Modifier,
)
from suggester.pipeline.cues import (
    OPENING,
    TITLE,
    Cues,
    Node,
    SectionRule,
    read_chronic,
    read_cues,
    read_section_rules,
)
from suggester.pipeline.cues_compiled import open_cues
from suggester.pipeline.dated_on import over_joining
from suggester.pipeline.dates import (
    date_direction,
    diagnosed,
    found_and_treated,
    over_adverbial,
    seen_inside,
)
from suggester.pipeline.function_words import COUNTED, THOUGHT, VISIT
from suggester.pipeline.listing import around_given
from suggester.pipeline.past import (
    ITEM,
    drop_chronic,
    first_item,
    lately,
    later_events,
    names_event,
    names_factors,
    names_once,
    of_others,
    operations,
    past_items,
    taken_back,
)
from suggester.pipeline.reach import reach_backward, reach_forward
from suggester.pipeline.scopes import (
    Hit,
    Scope,
    Stops,
    close_questions,
    find_endings,
    find_gaps,
    find_hits,
    find_stops,
)
from suggester.pipeline.sections import SECTIONS, SectionTable
from suggester.pipeline.sentences import SentenceTable, sentence_table
from suggester.pipeline.taken_away import cured, operated, removed, replaces
from suggester.pipeline.templates import template_scopes
from suggester.pipeline.tokenizer import TokenTable, token_table
from suggester.pipeline.vote import Vote, shipped_vote

__all__ = (
    "ASSERTION",
    "AssertionComponent",
    "AssertionFinder",
    "AssertionTable",
    "assertion_table",
    "create_assertion",
)

_TITLE_RULES: Final = frozenset(("hyp.return", "unc.title", "neg.title", "hist.title"))
"""Rules whose cues count inside a section title."""

_OF_BEFORE: Final = "hist.this"
"""The rule of what is over that the sentence before has told (*She had vertigo. This has resolved*)."""

_LIFE: Final = "hist.life"
"""The rule of stages of life: even a lasting condition is past where it belongs to childhood."""

_PAST_EVENTS: Final = "section.past_event"
"""The rule of a section in which only operations and what happens once are past."""

_EVENT: Final = "hist.event"
"""The rule of what one had then, which is past if it is an event (*until 2019, when he had a stroke*)."""

_TIMES: Final = "hist.times"
"""The rule of a number of times, which makes past what one has more than once (*concussions x4*)."""

_SURGERY: Final = "hist.surgery"
_HISTORY: Final = "hist.of"
_TREATED: Final = "hist.treated"
_CARE: Final = frozenset((_TREATED, "hist.stay"))
"""Rules of what one was treated or hospitalized for, which is past but in what tells of the present stay, and
for a treatment only where a sentence begins with it or a date stands before it."""

_SUBJECT_WORDS: Final = 4

_PRESENT: Final = frozenset(
    (
        *("hospital_course", "admission_diagnosis", "discharge_diagnosis", "problem_list", "impression"),
        *("assessment", "plan", "assessment_plan", "discharge_instructions", "instructions", "procedure"),
    )
)
"""Kinds of sections that tell of the present stay or visit."""

_CONDITION: Final = "hyp.if"
"""The rule of conditions, in which doubt is part of the condition (*if infection is suspected*)."""

_CURED: Final = "hist.cured"
"""The rule of a cancer of which no trace is left."""

_DONE: Final = "hist.status_post"
_OPERATIVE: Final = frozenset(("<surgery>", "<operation>"))
_AFTERWARDS: Final = frozenset(("after", "following", "since", "from", "post"))
"""Words before an operation that leave what stands before them present (*has bleeding after a biopsy*)."""

_ITEMS: Final = "hist.items"
"""The rule of a bare *Hx:*, in which, too, only operations and what happens once are past."""

_STATUS: Final = frozenset(("hist.status_post", "hist.prior", "hist.surgery"))
"""Rules of what was done or is earlier: behind its first item a lasting condition is one of its own."""

_RESOLVED: Final = "hist.resolved"
_DATE: Final = "hist.date"
"""Rules of what is over, and of dates: *years ago* is both, and neither where something began then."""

_OPENS: Final = OPENING | TITLE
"""Words with these bits may begin a cue where no cue of the midst of a sentence begins."""

_DATES: Final = frozenset(
    ("hist.date", "hist.year", "hist.life", "hist.answer", "hist.remission", "hist.latest")
)
_DATED: Final = frozenset(("hist.date", "hist.year"))
_OPERATION: Final = "hist.operation"
"""The rule of operations named alone beside what is past."""

_PASSING: Final = frozenset(
    ("hist.of", "hist.treated", "hist.stay", "hist.title", "hist.date", "hist.year", "hist.life")
)
"""Rules that say nothing about a condition that lasts."""


class AssertionFinder:
    """Finds the scopes of one note; holds nothing but the vocabulary.

    Parameters
    ----------
    book
        The cues.
    chronic
        Trie of conditions that do not pass.
    section_rules
        Flags by section kind.
    vote
        Weights of the words around, for where no cue stands; none for the cues alone.
    """

    def __init__(
        self, book: Cues, chronic: Node, section_rules: dict[str, SectionRule], vote: Vote | None
    ) -> None:
        self.book = book
        self.chronic = chronic
        self.section_rules = section_rules
        self.vote = vote

    def match(
        self, table: TokenTable, sentences: SentenceTable, sections: SectionTable | None
    ) -> AssertionTable:
        """Compute the assertion table; writes nothing."""
        visible, words = table.visible, table.said
        is_word = list(map(table.is_word.__getitem__, visible))
        closed = find_gaps(table)
        if "?" in words:
            close_questions(table, visible, words, closed)
        book = self.book
        starts, setting, ending = book.places(table)
        scopes: list[Scope] = []
        titles = _title_ends(sections)
        carried: list[tuple[Modifier, int, int]] = []
        carried_section = -1
        tale: tuple[int, int, tuple[int, int]] | None = None
        begin = stop = set_stop = 0
        section_of = sections.token_section if sections is not None else None
        known = enumerate(sections.sections) if sections is not None else ()
        present = {number for number, each in known if each.kind in _PRESENT}
        for number, (_, stop_token) in enumerate(sentences.bounds):
            last_begin, begin, set_begin = begin, stop, set_stop
            stop = bisect_left(visible, stop_token, begin)
            if begin == stop:
                continue
            set_stop = bisect_left(setting, stop, set_begin)
            title_end = titles.get(visible[begin], 0)
            quiet = set_begin == set_stop and not carried and not starts[begin] & _OPENS
            if tale is not None and (
                title_end or number - tale[0] > tales.SENTENCES or not tales.goes_on(words, begin, stop)
            ):
                tale = None
            told = tales.told(words, begin, stop) if tale is not None else -1
            if quiet and told < 0 and not (title_end and any(map(_OPENS.__and__, starts[begin:stop]))):
                continue
            if title_end:
                body = bisect_left(visible, title_end, begin, stop)
                in_body = bisect_left(setting, body, set_begin, set_stop)
                at = _with_first(setting[in_body:set_stop], body, starts)
                hits = find_hits(book.setting, words, body, stop, closed, at)
                at = _with_first(setting[set_begin:in_body], begin, starts)
                in_title = find_hits(book.setting, words, begin, body, closed, at)
                in_title = [hit for hit in in_title if any(m.rule in _TITLE_RULES for m in hit.modifiers)]
                if not in_title:
                    at = [index for index in range(begin, body) if starts[index] & TITLE]
                    in_title = find_hits(book.title, words, begin, body, closed, at)
                hits = in_title + hits
            else:
                body = begin
                at = _with_first(setting[set_begin:set_stop], begin, starts)
                hits = find_hits(book.setting, words, begin, stop, closed, at) if at else []
            if not hits and not carried and told < 0:
                continue
            section = section_of[visible[begin]] if section_of is not None else 0
            if carried and (not sentences.item[number] or section != carried_section or body > begin):
                carried = []
                if not hits and told < 0:
                    continue
            ends = _between(ending, begin, stop)
            stops = find_stops(hits, find_endings(book.ending, words, begin, stop, ends))
            if hits and hits[0].begin == begin > last_begin and hits[0].modifiers[0].rule == _OF_BEFORE:
                ends = _between(ending, last_begin, begin)
                earlier = find_stops([], find_endings(book.ending, words, last_begin, begin, ends))
                final = begin - (words[begin - 1] == ".")
                first, last = reach_backward(words, is_word, final, last_begin, hits[0].modifiers[0], earlier)
                if first < last:
                    cue = visible[begin], visible[hits[0].end - 1] + 1
                    scopes.append(_scope(visible, first, last, hits[0].modifiers[0], *cue))
            for modifier, cue_start, cue_end in carried:
                opened = (
                    begin + 2
                    if words[begin].isdigit() and words[begin + 1 : begin + 2] in (["."], [")"])
                    else begin
                )
                first, last, _ = reach_forward(words, is_word, opened, stop, modifier, stops)
                if first < last:
                    scopes.append(_scope(visible, first, last, modifier, cue_start, cue_end))
            if tale is not None and told >= 0 and section == tale[1]:
                first, last, _ = reach_forward(words, is_word, told, stop, tales.TALE, stops)
                for from_, to in drop_chronic(words, first, last, self.chronic, []):
                    scopes.append(_scope(visible, from_, to, tales.TALE, *tale[2]))
            if not hits:
                continue
            for hit in hits:
                if hit.modifiers[0].rule in tales.DATES:
                    if tales.begins(hit, words, begin, stop):
                        tale = number, section, (visible[hit.begin], visible[hit.end - 1] + 1)
                    break
            leads = words[stop - 1] == ":"
            now = section in present
            fresh = self._sentence(words, is_word, visible, begin, stop, hits, stops, scopes, leads, now)
            if fresh:
                carried, carried_section = fresh, section
        scopes.extend(template_scopes(table, sentences, visible, words))
        if sections is not None:
            self._by_section(table, sections, scopes)
        out = AssertionTable(table, scopes)
        if self.vote is not None:
            out.add(self.vote.scopes(table, sentences, out.flags))
        return out

    def _sentence(
        self,
        words: list[str],
        is_word: list[bool],
        visible: list[int],
        begin: int,
        stop: int,
        hits: list[Hit],
        stops: Stops,
        scopes: list[Scope],
        leads: bool,
        now: bool,
    ) -> list[tuple[Modifier, int, int]]:
        """Scopes of the cues of one sentence; returns the cues that reach on into the list it introduces.

        ``leads`` says that the sentence ends in a colon, ``now`` that its section tells of the present stay.
        """
        carried: list[tuple[Modifier, int, int]] = []
        conditions: list[tuple[int, int]] = []
        negated = bytearray(stop - begin)
        life = [
            hit.begin for hit in hits if hit.modifiers[0].rule == _LIFE and not diagnosed(words, begin, hit)
        ]
        dated: Hit | None = None
        for hit in hits:
            inside = hit.begin > begin and words[hit.begin - 1] == ","
            doubtful = negated[hit.begin - begin]
            cue_start, cue_end = visible[hit.begin], visible[hit.end - 1] + 1
            for modifier in hit.modifiers:
                direction, mask, rule = modifier.direction, modifier.mask, modifier.rule
                after = hit.end
                if doubtful and mask == UNCERTAIN:
                    continue
                if direction == "both":
                    direction = date_direction(words, begin, hit, stop, rule)
                    if rule != _LIFE and found_and_treated(words, stops.cancel, begin, hit, stop):
                        direction = "none"
                    if hit.end + 1 < stop and words[hit.end] in (":", "," if hit.begin == begin else ":"):
                        after = over_adverbial(words, after + 1, stop)
                    elif (behind := over_joining(words, hit, stop)) > after:
                        after = behind
                    elif (inside_at := seen_inside(words, begin, hit, stop)) > after:
                        direction, after = "both", inside_at
                elif (
                    rule == _RESOLVED
                    and words[hit.end - 1] == "ago"
                    and date_direction(words, begin, hit, stop, _DATE) == "none"
                ):
                    continue
                if direction == "ahead" and mask == NEGATED:
                    while after < stop and words[after] in THOUGHT:
                        after += 1
                if direction in ("forward", "ahead", "both"):
                    first, last, open_end = reach_forward(
                        words, is_word, after, stop, modifier, stops, inside=inside
                    )
                    alone = first >= stop and len(hit.modifiers) == 1
                    if open_end and (leads or alone) and not (first < last and names_factors(words, hit)):
                        carried.append((modifier, cue_start, cue_end))
                    if mask == HISTORICAL:
                        if rule in _CARE and (
                            now or (rule == _TREATED and not dated and hit.begin - begin > _SUBJECT_WORDS)
                        ):
                            continue
                        if rule in _PASSING:
                            dated = hit
                        if rule == _SURGERY and last < stop and words[last] in _AFTERWARDS:
                            classes = self.book.setting.word_classes
                            if not any(
                                _OPERATIVE.intersection(classes(words[at])) for at in range(first, last)
                            ):
                                continue
                        elif (
                            rule == _EVENT
                            and not names_once(words, first, min(last, first + ITEM))
                            and VISIT.isdisjoint(words[max(begin, hit.begin - 4) : hit.begin])
                        ):
                            continue
                        spans: list[tuple[int, int]] = []
                        if rule == _HISTORY and last < stop and words[last] == ",":
                            spans = later_events(words, last, stop, stops)
                        if first < last:
                            spans += self._past(words, begin, hit, stop, rule, first, last, stops, life)
                        for from_, to in spans:
                            scopes.append(_scope(visible, from_, to, modifier, cue_start, cue_end))
                    elif first < last:
                        if mask == NEGATED:
                            negated[first - begin : last - begin] = b"\1" * (last - first)
                            gone = visible[cured(words, begin, first, stop)]
                            if gone > visible[begin]:
                                cut = Scope(visible[begin], gone, HISTORICAL, cue_start, cue_end, _CURED)
                                scopes.append(cut)
                            for from_, to in around_given(words, first, last):
                                scopes.append(_scope(visible, from_, to, modifier, cue_start, cue_end))
                        else:
                            if rule == _CONDITION:
                                conditions.append((first, last))
                            scopes.append(_scope(visible, first, last, modifier, cue_start, cue_end))
                if direction in ("backward", "both", "answer"):
                    first, last = reach_backward(words, is_word, hit.begin, begin, modifier, stops)
                    if first >= last:
                        continue
                    if mask == UNCERTAIN and any(a <= first and last <= b for a, b in conditions):
                        continue
                    if mask == HISTORICAL:
                        if rule in _PASSING:
                            dated = hit
                        if rule == _TIMES and words[hit.begin - 1] not in COUNTED:
                            continue
                        if rule in _DATED:
                            gone = operated(words, begin, first, last, stop)
                            if gone < first:
                                scopes.append(_scope(visible, gone, first, modifier, cue_start, cue_end))
                        if rule in _DATES:
                            for from_, to in drop_chronic(words, first, last, self.chronic, life):
                                scopes.append(_scope(visible, from_, to, modifier, cue_start, cue_end))
                            continue
                    scopes.append(_scope(visible, first, last, modifier, cue_start, cue_end))
        if dated is not None and "," in words[begin:stop]:
            cue = visible[dated.begin], visible[dated.end - 1] + 1
            for from_, to in operations(words, begin, stop, stops):
                scopes.append(Scope(visible[from_], visible[to - 1] + 1, HISTORICAL, *cue, _OPERATION))
        return carried

    def _past(
        self,
        words: list[str],
        begin: int,
        hit: Hit,
        stop: int,
        rule: str,
        first: int,
        last: int,
        stops: Stops,
        life: list[int],
    ) -> list[tuple[int, int]]:
        """The parts of the range of a cue of the past, in a sentence ``[begin, stop)``, that are over."""
        if rule in _PASSING and hit.begin not in life:
            parts = drop_chronic(words, first, last, self.chronic, life)
            if rule == _HISTORY and taken_back(words, stops.cancel, stops.ends(), first, stop):
                parts = [part for part in parts if names_event(words, *part)]
            return parts
        if rule == _ITEMS:
            return past_items(words, first, last)
        if rule not in _STATUS:
            return [(first, last)]
        item = first_item(words, first, last)
        if (until := lately(words, first, item, stop)) >= 0:
            item = last = until
        parts = [(first, item)]
        if rule == _DONE:
            whole = removed(words, begin, hit.begin, first, item, stop)
            if whole < hit.begin:
                parts.append((whole, hit.begin))
        if item < last and words[item] == "for" and replaces(words, first, item):
            to = first_item(words, item + 1, last)
            parts.append((item, to))
            item = to
        return parts + drop_chronic(words, item, last, self.chronic, life)

    def _by_section(self, table: TokenTable, sections: SectionTable, scopes: list[Scope]) -> None:
        """Flags that a whole section sets; its title is the cue."""
        size = len(table)
        for number, section in enumerate(sections.sections):
            rule = self.section_rules.get(section.kind)
            title = sections.heading_tokens[number]
            if rule is None or title[0] >= title[1]:
                continue
            later = number + 1 < len(sections.sections)
            end = table.token_at(sections.sections[number + 1].span.start) if later else size
            if rule.rule == _PAST_EVENTS:
                items = past_items(table.lower, title[1], end)
            else:
                items = of_others(table.lower, title[1], end)
            for from_, to in items:
                scopes.append(Scope(from_, to, rule.bit, title[0], title[1], rule.rule))


def _scope(
    visible: list[int], first: int, last: int, modifier: Modifier, cue_start: int, cue_end: int
) -> Scope:
    return Scope(visible[first], visible[last - 1] + 1, modifier.mask, cue_start, cue_end, modifier.rule)


def _with_first(at: list[int], begin: int, starts: list[int]) -> list[int]:
    """Where cues may begin, and the beginning itself, where a cue of the beginning may."""
    if begin < len(starts) and starts[begin] & OPENING and (not at or at[0] > begin):
        return [begin, *at]
    return at


def _between(places: list[int], begin: int, stop: int) -> list[int]:
    """Those of some places, in order, that stand in ``[begin, stop)``."""
    first = bisect_left(places, begin)
    return places[first : bisect_left(places, stop, first)]


def _title_ends(sections: SectionTable | None) -> dict[int, int]:
    """From the first token of a section's title to the end of the title."""
    if sections is None:
        return {}
    return {begin: stop for begin, stop in sections.heading_tokens if stop > begin}


class AssertionComponent:
    """spaCy component: ``match`` computes, ``set_annotations`` writes."""

    def __init__(self, *, book: Cues | None = None, voting: bool = True) -> None:
        vote = shipped_vote() if voting else None
        self.finder = AssertionFinder(book or read_cues(), read_chronic(), read_section_rules(), vote)

    def match(self, doc: Doc) -> AssertionTable:
        """The assertion of a document that has sentences."""
        sections = doc.user_data.get(SECTIONS)
        known = sections if isinstance(sections, SectionTable) else None
        return self.finder.match(token_table(doc), sentence_table(doc), known)

    def set_annotations(self, doc: Doc, assertion: AssertionTable) -> None:
        """Keep the table in ``doc.user_data``."""
        doc.user_data[ASSERTION] = assertion

    def __call__(self, doc: Doc) -> Doc:
        """Find and keep the assertion."""
        self.set_annotations(doc, self.match(doc))
        return doc


@Language.factory("suggester_assertion", assigns=[], requires=["doc.sents"], default_config={"compiled": ""})
def create_assertion(nlp: Language, name: str, compiled: str) -> AssertionComponent:
    """Factory of ``suggester_assertion``; sets ``doc.user_data["suggester.assertion"]``.

    ``compiled`` is the folder of the compiled cues; without one they are read from their files.
    """
    return AssertionComponent(book=open_cues(Path(compiled)) if compiled else None)
