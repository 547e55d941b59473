"""More ways in which notes say what a drug did, or that less of it was taken.

Known pairs of a drug and its effect need no word for the cause (*bortezomib polyneuropathy*); *off* and
*stopped* say a lack where the patient's own words or a time stand beside them. Words and pairs are data
(``codesets/lexicon/relations``: known_effects, reaction_words).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.pipeline.reading import FAMILY, HYPOTHETICAL, NEGATED, UNCERTAIN, Reading
from suggester.ranking.relations.agents import GIVEN, UNNAMED, Agent, Place
from suggester.ranking.relations.drugs import DrugEffects, stem_to_code
from suggester.ranking.relations.found import (
    STOPS,
    Found,
    Phrases,
    holds,
    phrase_at,
    phrases_of,
    words_by_kind,
)

KINDS: Final = (
    "link",
    "cause",
    "arrow",
    "less",
    "lapse",
    "stop",
    "own",
    "ordered",
    "before_off",
    "time",
    "inr",
)
_ADVERSE, _LESS = "5", "6"
_REACH: Final = 40
"""Most tokens from where a finding begins to the drug behind it."""
_NOT_SAID: Final = NEGATED | FAMILY | HYPOTHETICAL
_NO_SECTIONS: Final = frozenset(("allergies", "family"))
_NEAR: Final = 4
"""Most tokens between a drug and the finding that it is known for."""
_FAR: Final = 8
"""Most tokens between a drug, a word for cause and what it caused; or a lack and the drug."""
_ANTICOAGULANT: Final = "T45.51"
_BLEEDING: Final = (
    "K92.0",
    "K92.1",
    "K92.2",
    "R04",
    "R31",
    "N93",
    "K62.5",
    "I60",
    "I61",
    "I62",
    "R58",
    "H11.3",
)
_HEMORRHAGIC: Final = "D68.32"
_INR_CODE: Final = "R79.1"
_RATIO: Final = ("inr",)
_HORMONES: Final = "T38.0"
"""Steroids, which are taken for a time: *off prednisone* is no lack."""
_BLED_ON: Final = frozenset(("while on", "in setting of", "in the setting of", "from"))
_REASONS: Final = "Z91.1"
_ALLERGY: Final = frozenset(("allergy", "allergic", "allergies"))
"""Words beside a drug with which what it did is a history of allergy."""
_DEGREES: Final = frozenset(("gr", "grade", "g1", "g2", "g3", "mild", "moderate", "severe", "new"))
"""How bad a finding is, between it and the drug in brackets."""
_SMALL: Final = _DEGREES | frozenset(("-", "her", "his", "the"))
"""Words that do not part a finding and what links it to a drug."""
_JOINING: Final = frozenset(("and", "&", "/", ",", "or", "w"))
"""Words behind a finding with which another one follows before what links both to the drug."""
_ENDS: Final = frozenset((".", ";", ",", ":", ")", "->", "→", "-", "–"))
"""What may follow a word for a group of drugs that stands behind what it did."""
_MARKS: Final = frozenset(("(", "-", "/", ",", ":", "[", "–"))


@dataclass(frozen=True, slots=True)
class _Pair:
    findings: tuple[str, ...]
    code: str


class Reactions:
    """Finds what drugs did and were lacking in words that ``DrugEffects`` does not read.

    Parameters
    ----------
    effects
        What reads the cues; its reasons for taking less are used.
    folder
        The lexicon folder; the shipped one if not given.

    Raises
    ------
    LexiconError
        If a file is missing or a row is wrong.
    """

    def __init__(self, effects: DrugEffects, *, folder: Path | None = None) -> None:
        root = (folder or lexicon_dir()) / "relations"
        self._effects = effects
        self._words: dict[str, Phrases] = {
            kind: phrases_of([(word, 0) for word in words])
            for kind, words in words_by_kind(root / "reaction_words.tsv", KINDS).items()
        }
        self._pairs: dict[str, list[_Pair]] = {}
        for _, (stems, findings, code) in read_rows(
            root / "known_effects.tsv", ("stems", "findings", "code"), required=2
        ):
            for stem in stems.split("|"):
                self._pairs.setdefault(stem, []).append(_Pair(tuple(findings.split("|")), code))

        self._named = frozenset(pair.code for pairs in self._pairs.values() for pair in pairs if pair.code)

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of findings as the doing of a drug."""
        return tuple(sorted(self._named | {_HEMORRHAGIC, _INR_CODE}))

    @property
    def findings(self) -> tuple[str, ...]:
        """Code prefixes of the findings of known pairs."""
        return tuple(sorted({f for pairs in self._pairs.values() for pair in pairs for f in pair.findings}))

    def find(
        self,
        place: Place,
        findings: Sequence[tuple[int, int, str]],
        effects: Sequence[Found],
        *,
        phase: str = "A",
    ) -> list[Found]:
        """Effects that were found, without those that were a lack of the drug, and those of more words.

        Parameters
        ----------
        place, findings, phase
            As in ``DrugEffects.find``.
        effects
            What ``DrugEffects.find`` found.
        """
        reading, agents = place.reading, place.agents
        if not agents:
            return list(effects)
        out: dict[str, Found] = {}
        lacking: set[str] = set()
        sentence_of = reading.sentence
        sentences = {sentence_of[agent.first] for agent in agents}
        ordered = sorted([item for item in findings if sentence_of[item[0]] in sentences])
        ratios = reading.places(_RATIO)
        for agent in agents:
            if reading.section_kind[agent.first] in _NO_SECTIONS:
                continue
            token = None if agent.stem.startswith(GIVEN) else self._lack_of(reading, agent)
            if token is not None and not reading.assertion.flags[token] & NEGATED:
                flags = reading.assertion.flags[agent.first] & (HYPOTHETICAL | FAMILY)
                start, end = min(token, agent.first), max(token, agent.final)
                code = stem_to_code(agent.stem, _LESS, phase)
                lacking.add(stem_to_code(agent.stem, _ADVERSE, phase))
                if agent.stem != UNNAMED:
                    out.setdefault(code, Found(code, start, end, flags))
                reason = self._effects.reason(place.around(token))
                out.setdefault(reason, Found(reason, start, end, flags))
                continue
            begin = bisect_left(ordered, (agent.first - _REACH,))
            near = ordered[begin : bisect_left(ordered, (agent.final + _FAR + 1,), begin)]
            here = [item for item in near if sentence_of[item[0]] == sentence_of[agent.first]]
            for found in self._did(reading, agent, here, phase):
                out.setdefault(found.code, found)
            for found in self._bled(reading, agent, here, ratios, phase):
                out.setdefault(found.code, found)
        kept = [f for f in effects if f.code not in lacking and not self._is_off(reading, f, out)]
        have = {found.code for found in kept}
        return [*kept, *(found for code, found in out.items() if code not in have)]

    def _is_off(self, reading: Reading, found: Found, more: Mapping[str, Found]) -> bool:
        """Whether a found effect is a lack that is denied, or a code for which the drug has a closer one."""
        if found.code in self._effects.induced:
            return found.code not in more and any(
                code[:3] == found.code[:3] and self._overlap(found, other)
                for code, other in more.items()
                if code in self._named
            )
        lack = found.code.startswith(_REASONS) or found.code.rstrip("ADSX").endswith(_LESS)
        return lack and bool(reading.assertion.flags[found.first] & NEGATED)

    @staticmethod
    def _overlap(one: Found, other: Found) -> bool:
        return one.first <= other.final and other.first <= one.final

    def _known(self, stem: str, code: str) -> _Pair | None:
        """The pair of a drug and a finding, None if it is not known for it."""
        found: _Pair | None = None
        for end in range(len(stem), 2, -1):
            for pair in self._pairs.get(stem[:end], ()):
                if code.startswith(pair.findings):
                    if pair.code:
                        return pair
                    found = found or pair
        return found

    def _did(
        self, reading: Reading, agent: Agent, findings: Sequence[tuple[int, int, str]], phase: str
    ) -> Iterator[Found]:
        """What a drug is said to have done in its sentence."""
        flags = reading.assertion.flags
        around = reading.table.lower[max(0, agent.first - _NEAR) : agent.final + _NEAR]
        unsaid = NEGATED | FAMILY if agent.stem.startswith(GIVEN) else _NOT_SAID  # a vaccine reads as planned
        if flags[agent.first] & unsaid or not _ALLERGY.isdisjoint(around):
            return
        for first, final, code in findings:
            if flags[first] & _NOT_SAID:
                continue
            if not (final < agent.first or first > agent.final):
                words = reading.table.lower[first : final + 1]
                one = agent.stem != UNNAMED and not any(word in STOPS or word == ":" for word in words)
                if one and code.startswith(self._effects.induced):
                    yield Found(
                        stem_to_code(agent.stem, _ADVERSE, phase), first, final, flags[first] & UNCERTAIN
                    )
                continue  # *constipation opioid* is one finding
            pair = self._known(agent.stem, code)
            beside = pair is not None and self._beside(reading, agent, first, final)
            if not beside and not self._causes(reading, agent, first, "cause" if pair is None else "arrow"):
                continue
            start, end = min(first, agent.first), max(final, agent.final)
            mark = (flags[first] | flags[agent.first]) & UNCERTAIN
            yield Found(stem_to_code(agent.stem, _ADVERSE, phase), start, end, mark)
            if pair is not None and pair.code:
                yield Found(pair.code, start, end, mark)

    def _beside(self, reading: Reading, agent: Agent, first: int, final: int) -> bool:
        """Whether a drug and its known effect stand side by side or are linked."""
        lower = reading.table.lower
        if first > agent.final:
            return all(
                word in ("-", "related", "associated", "induced") for word in lower[agent.final + 1 : first]
            )
        between = lower[final + 1 : agent.first]
        reach = _FAR if between[:1] and between[0] in _JOINING else _NEAR + 1
        if len(between) > reach or any(word in STOPS for word in between):
            return False
        if agent.group and (not between or between == [","]):  # *hyponatremia, thiazide*, but no dose of it
            return agent.final + 1 >= len(lower) or lower[agent.final + 1] in _ENDS
        if "(" in between:
            closed = agent.final + 1 < len(lower) and lower[agent.final + 1] == ")"
            said = [word for word in between if word.isalpha() and word not in _DEGREES]
            return closed and between[-1] == "(" and not said
        plain = [word for word in between if word not in _SMALL and not word[:1].isdecimal()]
        links = self._words["link"]
        starts = range(len(plain)) if plain[:1] and plain[0] in _JOINING else range(min(1, len(plain)))
        hits = [hit for at in starts if (hit := phrase_at(links, plain, at, len(plain)))]
        return bool(hits) and len(plain) - hits[-1][1] <= 2

    def _causes(self, reading: Reading, agent: Agent, first: int, kind: str) -> bool:
        """Whether a word for cause stands between a drug and what comes behind it."""
        if not agent.final < first <= agent.final + _FAR:
            return False
        lower, causes = reading.table.lower, self._words[kind]
        between = lower[agent.final + 1 : first]
        if any(word in STOPS for word in between):
            return False
        size = len(between)
        hits = [
            at for at, word in enumerate(between) if word in causes and phrase_at(causes, between, at, size)
        ]
        return bool(hits) and hits[0] <= _NEAR + 1 and len(between) - hits[-1] <= _NEAR

    def _bled(
        self,
        reading: Reading,
        agent: Agent,
        findings: Sequence[tuple[int, int, str]],
        ratios: Sequence[int],
        phase: str,
    ) -> Iterator[Found]:
        """Bleeding while on an anticoagulant, and an INR (its tokens are ``ratios``) above its goal."""
        if not agent.stem.startswith(_ANTICOAGULANT):
            return
        lower = reading.table.lower
        adverse = stem_to_code(agent.stem, _ADVERSE, phase)
        for at in ratios:
            around = lower[max(0, at - 2) : at + 4]
            if reading.assertion.flags[at] & _NOT_SAID or not any(w in self._words["inr"] for w in around):
                continue
            yield Found(_INR_CODE, max(0, at - 1), at, 0)
            yield Found(adverse, max(0, at - 1), at, 0)
            break
        for first, final, code in findings:
            if not code.startswith(_BLEEDING) or reading.assertion.flags[first] & _NOT_SAID:
                continue
            between = [word for word in lower[final + 1 : agent.first] if word not in _MARKS]
            if (
                final < agent.first
                and len(between) <= _NEAR
                and any(
                    " ".join(between[at : at + size]) in _BLED_ON
                    for at in range(len(between))
                    for size in (1, 2, 3, 4)
                )
            ):
                yield Found(_HEMORRHAGIC, first, agent.final, 0)
                yield Found(adverse, first, agent.final, 0)

    def _lack_of(self, reading: Reading, agent: Agent) -> int | None:
        """The token that says that less of a drug was taken; None if nothing does."""
        lower, sentence = reading.table.lower, reading.sentence
        if reading.assertion.flags[agent.first] & (NEGATED | FAMILY) == FAMILY:
            return None
        here = sentence[agent.first]
        begin = agent.first
        while begin > 0 and agent.first - begin < _FAR and sentence[begin - 1] == here:
            begin -= 1
            if lower[begin] in STOPS:
                begin += 1
                break
        end = agent.final + 1
        while (
            end < len(lower)
            and end - agent.final <= _NEAR
            and sentence[end] == here
            and lower[end] not in STOPS
        ):
            end += 1
        for at in range(agent.first - 1, begin - 1, -1):
            word = lower[at]
            if word in self._words["less"] and self._hit("less", lower, at, agent.first):
                return at
            if word == "off" and agent.first - at <= 2 and self._is_lack(reading, at, agent):
                return at
            if word in self._words["stop"] and agent.first - at <= _NEAR and self._is_own(reading, at):
                return at
        for at in range(agent.final + 1, end):
            if lower[at] == ",":
                return None
            if lower[at] in self._words["lapse"] and self._hit("lapse", lower, at, len(lower)):
                return at
        return None

    def _hit(self, kind: str, lower: Sequence[str], at: int, end: int) -> bool:
        """Whether a phrase stands at a token with no other drug's words, but small ones, up to the end."""
        hit = phrase_at(self._words[kind], lower, at, end)
        return hit is not None and "," not in lower[hit[1] + 1 : end] if kind == "less" else hit is not None

    def _is_lack(self, reading: Reading, at: int, agent: Agent) -> bool:
        """Whether *off* before a drug says that it was not taken: for a time, or by the patient's choice."""
        lower, sentence = reading.table.lower, reading.sentence
        before = lower[max(0, at - 3) : at]
        if holds(self._words["before_off"], before):
            return False
        if agent.stem.startswith(_HORMONES) or agent.stem == UNNAMED:
            return self._is_own(reading, at)
        end = min(len(lower), agent.final + 8)
        end = next((t for t in range(agent.final + 1, end) if lower[t] == "("), end)
        timed = any(
            lower[t] in self._words["time"] and t and lower[t - 1][:1].isdecimal()
            for t in range(max(0, at - 4), end)
            if sentence[t] == sentence[at]
        )
        return timed or self._is_own(reading, at)

    def _is_own(self, reading: Reading, at: int) -> bool:
        """Whether the patient stopped a drug: own words around it in its sentence, none of an order."""
        lower, sentence = reading.table.lower, reading.sentence
        around = [
            lower[t]
            for t in range(max(0, at - 6), min(len(lower), at + 16))
            if abs(sentence[t] - sentence[at]) <= (t > at)
        ]
        ordered = self._words["ordered"]
        return any(word in self._words["own"] for word in around) and not any(
            word in ordered for word in around
        )


__all__ = ["KINDS", "Reactions"]
