"""The attributes of one note: where they stand, and which belong to a mention."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import compress
from typing import Final

from suggester.pipeline.attributes_attach import REACH, Offers, Walker, offer
from suggester.pipeline.attributes_chunks import Chunks, cut_chunks
from suggester.pipeline.attributes_lexicon import NAMES, AttributeLexicon, Host
from suggester.pipeline.attributes_values import VALUES, Found, kidney_stage, trimester_of
from suggester.pipeline.sections import SectionTable
from suggester.pipeline.sentences import SentenceTable
from suggester.pipeline.tokenizer import TokenTable
from suggester.types import Attribute, Span

PLACING: Final = frozenset(("laterality", "phase", "open", "healing"))
"""Attributes that tell codes of one condition apart, and *healing*, which says the phase."""
_HEAD: Final = 150
_ORDER: Final = {name: i for i, name in enumerate(NAMES)}
_HEADINGS_PHASE: Final = frozenset(("header", "chief_complaint", "hpi", "interval_history", "indication"))


@dataclass(slots=True)
class AttributeTable:
    """The attributes of one note.

    Attributes
    ----------
    table, sentences, sections
        What was read before.
    lexicon
        The attribute lexicon.
    found
        Attribute words in order of the note.
    """

    table: TokenTable
    sentences: SentenceTable
    sections: SectionTable | None
    lexicon: AttributeLexicon
    found: tuple[Found, ...]
    _walker: Walker = field(init=False)
    _firsts: list[int] = field(default_factory=list)
    _placing: list[int] = field(default_factory=list)
    _placed_in: frozenset[int] = frozenset()
    _chunks: dict[int, Chunks] = field(default_factory=dict)
    _memo: dict[tuple[int, int], tuple[Attribute, ...]] = field(default_factory=dict)
    _placed: dict[tuple[int, int], Mapping[str, str]] = field(default_factory=dict)
    _heads: dict[int, tuple[int, int]] | None = None
    _phase: Found | None = None

    def __post_init__(self) -> None:
        self._walker = Walker(self.lexicon, self.table.lower)
        self._firsts = [item.first for item in self.found]
        self._placing = [item.first for item in self.found if item.name in PLACING]
        self._placed_in = frozenset([self.sentences.index[first] for first in self._placing])
        for item in self.found:
            if item.name == "phase" and item.value == "subsequent" and self._opens(item.first):
                self._phase = item
                break

    def values(self) -> tuple[Attribute, ...]:
        """Measured values of the note (BMI, blood pressure, A1c …), in order, each with its words."""
        return tuple(
            self._attribute(item.name, item.value, item) for item in self.found if item.name in VALUES
        )

    def at(self, first: int, final: int) -> tuple[Attribute, ...]:
        """The attributes of a mention in the tokens ``first`` to ``final``, both included."""
        key = (first, final)
        known = self._memo.get(key)
        if known is None:
            known = self._memo[key] = self._at(first, final) if self.found else ()
        return known

    def placing(self, first: int, final: int) -> Mapping[str, str]:
        """Values of side, phase and openness among the attributes of a mention, by name.

        Most mentions are not near a word that says one, and looking for all that belongs to them takes time.
        """
        key = (first, final)
        known = self._placed.get(key)
        if known is None:
            known = self._placed[key] = self._places(first, final)
        return known

    def _places(self, first: int, final: int) -> Mapping[str, str]:
        if self._may_place(first):
            offers = self._offers(first, final, self._words(first, final))
            found = {name: item.value for name, (_, item) in offers.items() if name in PLACING}
            if "healing" in found:
                found.setdefault("phase", "subsequent")
            return found
        if self._phase is not None and self._walker.hosted("phase", self._words(first, final)):
            return {"phase": self._phase.value}
        return {}

    def _may_place(self, token: int) -> bool:
        """Whether a word that tells codes apart stands in the sentence of a token, or above or under it."""
        places = self._placing
        if not places:
            return False
        sentence = self.sentences.index[token]
        if sentence in self._placed_in:
            return True
        block = self._blocks().get(sentence)
        spans = self._under(token) if block is None else [block]
        return any([bisect_left(places, begin) < bisect_left(places, end) for begin, end in spans])

    def _at(self, first: int, final: int) -> tuple[Attribute, ...]:
        words = self._words(first, final)
        offers = self._offers(first, final, words)
        return self._finish(offers, words) if offers else ()

    def _offers(self, first: int, final: int, words: frozenset[str]) -> Offers:
        """The best attribute of each name that belongs to a mention of some words."""
        sentence = self.sentences.index[first]
        offers: Offers = {}
        if self._any(*self.sentences.bounds[sentence]):
            offers = self._walker.walk(self.chunks(sentence), first, final, words)
            self._of_sentence(sentence, first, final, words, offers)
        if self.sections is not None and self.sections.problems:
            self._of_heading(sentence, first, words, offers)
        if "phase" not in offers and self._phase is not None and self._walker.hosted("phase", words):
            offers["phase"] = (9.0, self._phase)
        return offers

    # sentences

    def _words(self, first: int, final: int) -> frozenset[str]:
        table, end = self.table, final + 1
        return frozenset(compress(table.lower[first:end], table.is_word[first:end]))

    def chunks(self, sentence: int) -> Chunks:
        """The phrases of a sentence."""
        known = self._chunks.get(sentence)
        if known is None:
            begin, end = self.sentences.bounds[sentence]
            known = self._chunks[sentence] = cut_chunks(
                self.table,
                begin,
                end,
                self.lexicon.function,
                self.lexicon.groups["diabetes"],
                self._between(begin, end),
            )
        return known

    def _any(self, begin: int, end: int) -> bool:
        """Whether an attribute begins in the tokens ``[begin, end)``."""
        at = bisect_left(self._firsts, begin)
        return at < len(self._firsts) and self._firsts[at] < end

    def _between(self, begin: int, end: int) -> list[Found]:
        firsts = self._firsts
        return list(self.found[bisect_left(firsts, begin) : bisect_left(firsts, end)])

    # beyond the phrase

    def _of_sentence(
        self, sentence: int, first: int, final: int, words: frozenset[str], offers: Offers
    ) -> None:
        """Values and phases anywhere in the sentence, each for the nearest mention of its kind."""
        begin, end = self.sentences.bounds[sentence]
        for item in self._between(max(begin, first - REACH), min(end, final + REACH)):
            host = self.lexicon.hosts.get(item.name)
            if item.name == "with":
                host = Host(self.lexicon.with_hosts[item.need], True)
                if item.first <= final:
                    continue
            if host is None or not host.sentence or item.value == "sequela" or host.words.isdisjoint(words):
                continue
            if item.name in offers and offers[item.name][0] < 3:
                continue
            if self._denied(sentence, first):
                continue
            low, high = (final + 1, item.first) if item.first > final else (begin, first)
            own = range(begin, end) if item.name == "packyears" else range(item.first, item.final + 1)
            if any(self.table.lower[i] in host.words for i in range(low, high) if i not in own):
                continue
            offer(offers, item, 3.0 + (high - low) / 100)

    def _denied(self, sentence: int, token: int) -> bool:
        """Whether a mention stands directly behind a negation."""
        chunks = self.chunks(sentence)
        number = chunks.of_token[token - chunks.begin]
        return number >= 0 and "N" in chunks.chunks[number].link

    def _of_heading(self, sentence: int, first: int, words: frozenset[str], offers: Offers) -> None:
        """The side of the problem that the sentence stands under; the values under a problem heading."""
        block = self._blocks().get(sentence)
        if block is not None:
            heading = self._between(*block)
            if heading:
                self._from_heading(sentence, heading, block, words, offers)
            return
        for problem in self._under(first):
            for item in self._between(problem[0], min(problem[1], problem[0] + 4 * REACH)):
                host = self.lexicon.hosts.get(item.name)
                sought = item.name == "control" or (host is not None and host.sentence)
                if sought and item.name not in offers and self._walker.hosted(item.name, words):
                    own = self.chunks(self.sentences.index[item.first])
                    number = own.of_token[item.first - own.begin]
                    if item.name != "control" or (number >= 0 and self._alone(own, number)):
                        offer(offers, item, 7.0)

    def _alone(self, chunks: Chunks, number: int) -> bool:
        return chunks.chunks[number].kind == "M" and not self._walker.claimed(chunks.chunks, number)

    def _from_heading(
        self,
        sentence: int,
        heading: list[Found],
        block: tuple[int, int],
        words: frozenset[str],
        offers: Offers,
    ) -> None:
        body, lower = self.lexicon.groups["body"], self.table.lower
        named = {lower[i] for i in range(*block)}
        places = {word for word in words if word in body}
        same = not named.isdisjoint(w for w in words if self.lexicon.function.get(w, "W") == "W")
        for item in heading:
            if item.name in offers:
                continue
            if item.name == "laterality":
                here = self.chunks(sentence)
                others = {lower[i] for c in here.chunks for i in c.words if lower[i] in body} - named
                if (same or self._walker.takes_side(words)) and places <= named and not others:
                    offer(offers, item, 7.0)
            elif same and self._walker.fits(item.name, item, words):
                offer(offers, item, 7.0)

    def _blocks(self) -> dict[int, tuple[int, int]]:
        """For each sentence under a problem heading, the token range of the heading."""
        if self._heads is None:
            self._heads = {}
            index = self.sentences.index
            for block in self.sections.problems if self.sections is not None else ():
                title = index[block.heading[0]]
                if block.body[0] < block.body[1]:
                    for number in range(index[block.body[0]], index[block.body[1] - 1] + 1):
                        if number != title:
                            self._heads[number] = block.heading
        return self._heads

    def _under(self, token: int) -> list[tuple[int, int]]:
        """Bodies of the problem whose heading holds a token."""
        problems = self.sections.problems if self.sections is not None else []
        at = bisect_left(problems, token + 1, key=lambda block: block.heading[0]) - 1
        if at >= 0 and problems[at].heading[0] <= token < problems[at].heading[1]:
            return [problems[at].body]
        return []

    def _opens(self, token: int) -> bool:
        """Whether a token stands where a note says what it is for."""
        if token >= _HEAD:
            return False
        return self.sections is None or self.sections.kind_at(token) in _HEADINGS_PHASE

    # out

    def _finish(self, offers: Offers, words: frozenset[str]) -> tuple[Attribute, ...]:
        out = []
        chosen = {name: found[1] for name, found in offers.items()}
        weeks = chosen.get("weeks")
        for name, item in chosen.items():
            if name == "egfr":
                if "stage" not in chosen:
                    out.append(self._attribute("stage", kidney_stage(float(item.value)), item))
            elif (
                name == "acuity"
                and item.value != "recurrent"
                and not words.isdisjoint(self.lexicon.groups["painful"])
            ):
                out.append(self._attribute("pain", item.value, item))
            else:
                out.append(self._attribute(name, item.value, item))
        if weeks is not None and "trimester" not in chosen:
            out.append(self._attribute("trimester", trimester_of(int(weeks.value)), weeks))
        if "healing" in chosen and "phase" not in chosen:
            out.append(self._attribute("phase", "subsequent", chosen["healing"]))
        return tuple(sorted(out, key=lambda a: _ORDER[a.name]))

    def _attribute(self, name: str, value: str, item: Found) -> Attribute:
        span = Span(start=self.table.start[item.first], end=self.table.end[item.final])
        return Attribute(name=name, value=value, span=span)
