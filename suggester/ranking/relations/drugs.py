"""Adverse effects, underdosing and poisoning: what a note says that a drug did, or the lack of it.

Codes T36-T50 hold the drug and what happened in one code (guidelines I.C.19.e.5); underdosing takes the
reason from Z91.1-. Words are data (``codesets/lexicon/relations``): which code a drug goes to, what joins it
to what it did, and why less was taken.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.errors import LexiconError
from suggester.pipeline.reading import FAMILY, HYPOTHETICAL, NEGATED, UNCERTAIN, Reading
from suggester.ranking.relations.agents import GAP, GIVEN, UNNAMED, Agent, Place
from suggester.ranking.relations.found import Found, Phrases, by_prefix, phrase_at, phrases_of, rows_of_kind

KINDS: Final = ("adverse", "underdosing", "poisoning", "never")
_DIGIT: Final = {"adverse": "5", "underdosing": "6", "poisoning": "1"}
_ON_PURPOSE: Final = "2"
_LINKS: Final = frozenset(
    (
        "due",
        "from",
        "secondary",
        "because",
        "likely",
        "probably",
        "attributed",
        "related",
        "caused",
        "induced",
    )
)
"""Words behind a comma that still speak of what stands before it."""
_REACH: Final = 12
"""Most tokens between a finding and the cue that gives its cause."""
_BEFORE: Final = 8
"""Most tokens by which a finding begins before the words of the effect that it is."""
_BEHIND: Final = 5
"""Most tokens by which it ends after them (*amiodarone-induced hypothyroidism*)."""
_NO_SECTIONS: Final = frozenset(("allergies", "family"))
_MANY: Final = 8
"""Least number of tablets that are many at once."""
_OWN: Final = frozenset(
    (
        "deficiency",
        "deficient",
        "def",
        "insufficiency",
        "resistance",
        "resistant",
        "dependence",
        "dependent",
        "excess",
        "secreting",
        "receptor",
        "sensitive",
    )
)
"""Words behind a name with which it is no drug that was taken (*due to vitamin D deficiency*)."""
_BACK: Final = 60
"""Most tokens by which the drug that *the drug* means stands before it."""
_POINTING: Final = frozenset(("the", "this", "that"))


def stem_to_code(stem: str, digit: str, phase: str = "A") -> str:
    """The full code of a stem: what happened as the next character, filled with X to six, then the phase.

    >>> stem_to_code("T39.39", "5"), stem_to_code("T36.9", "6")
    ('T39.395A', 'T36.96XA')
    """
    plain = (stem.replace(".", "") + digit).ljust(6, "X") + phase
    return f"{plain[:3]}.{plain[3:]}"


@dataclass(frozen=True, slots=True)
class _Cue:
    kind: str
    weak: bool


class DrugEffects:
    """Finds what a note says of the effects of drugs.

    Parameters
    ----------
    names
        First name and class of each drug of the term index, by its row there.
    folder
        The lexicon folder; the shipped one if not given.

    Raises
    ------
    LexiconError
        If a file is missing or a row is wrong.
    """

    def __init__(self, names: Sequence[tuple[str, str]], *, folder: Path | None = None) -> None:
        root = (folder or lexicon_dir()) / "relations"
        tables: dict[str, dict[str, str]] = {"class": {}, "drug": {}, "word": {}}
        columns = ("kind", "stem", "names")
        for _, (kind, stem, cell) in rows_of_kind(root / "drug_codes.tsv", tuple(tables), columns):
            tables[kind].update(dict.fromkeys(cell.split("|"), stem))
        self._stems: list[str | None] = [
            tables["drug"].get(name) or tables["class"].get(drug_class) for name, drug_class in names
        ]
        self._word_stems = list(dict.fromkeys(tables["word"].values()))
        self._words = phrases_of(
            [(word, self._word_stems.index(stem)) for word, stem in tables["word"].items()]
        )
        self._cues: list[_Cue] = []
        sides: dict[str, list[tuple[str, int]]] = {"before": [], "after": []}
        columns = ("kind", "side", "words")
        for line, (kind, side, cell) in rows_of_kind(root / "drug_cues.tsv", KINDS, columns):
            if side not in sides:
                raise LexiconError(f"drug_cues.tsv:{line}: side {side} is none of {', '.join(sides)}")
            for text in cell.split("|"):
                self._cues.append(_Cue(kind, text.endswith("?")))
                sides[side].append((text.rstrip("?").strip(), len(self._cues) - 1))
        self._before, self._after = phrases_of(sides["before"]), phrases_of(sides["after"])
        self._firsts = frozenset((*self._words, *self._before, *self._after))
        self._induced = {
            prefix: code
            for _, (prefix, code) in read_rows(root / "drug_induced.tsv", ("finding", "code"), required=2)
        }
        self._groups: dict[str, tuple[str, ...]] = {
            word: tuple(stems.split("|"))
            for _, (words, stems) in read_rows(root / "generic_drugs.tsv", ("words", "stems"), required=2)
            for word in words.split("|")
        }
        self._reasons: list[tuple[str, frozenset[str]]] = [
            (code, frozenset(filter(None, words.split("|"))))
            for _, (_, code, words) in read_rows(
                root / "underdosing_reasons.tsv", ("kind", "code", "words"), required=2
            )
        ]

    @cached_property
    def induced(self) -> tuple[str, ...]:
        """Codes of what drugs did, beside those of the drugs."""
        return tuple(sorted(set(self._induced.values())))

    def place(self, reading: Reading, drugs: Sequence[tuple[int, int, int]]) -> Place:
        """The drugs that a note names; of a group of drugs, the one of it that the note names alone.

        Parameters
        ----------
        reading
            The note, read.
        drugs
            Row in the index, first and final token of each drug that is named.
        """
        starts = reading.places(self._firsts)
        return Place(reading, self._specific(reading, self._agents(reading, drugs, starts)), starts)

    def find(
        self,
        place: Place,
        findings: Sequence[tuple[int, int, str]],
        *,
        phase: str = "A",
    ) -> list[Found]:
        """Codes of the effects of drugs.

        Parameters
        ----------
        place
            The drugs that the note names.
        findings
            First and final token of each diagnosis or symptom that is not denied, and its code, in any order.
        phase
            Last character of the codes: A active treatment, S sequela. Adverse effects are treated as long as
            they last, so that a follow-up visit for one is active treatment.
        """
        reading, agents = place.reading, place.agents
        if not agents:
            return []
        cues = _Cues(self._spans(place, self._before), self._spans(place, self._after))
        if not (cues.before or cues.after):
            return []
        extents = _Extents(findings)
        induced: _Inducible | None = None
        out: dict[str, Found] = {}
        for agent in agents:
            if reading.section_kind[agent.first] in _NO_SECTIONS:
                continue
            for found in self._of_agent(place, agent, cues, extents, phase):
                out.setdefault(found.code, found)
                if found.code.rstrip("ASX").endswith(_DIGIT["adverse"]):
                    induced = induced or _Inducible(self._inducible(findings))
                    for item in induced.by(reading, found):
                        out.setdefault(item.code, item)
        return list(out.values())

    def _inducible(self, findings: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
        """The findings that a drug can have done, each with what it is coded as then."""
        out: list[tuple[int, int, str]] = []
        for first, final, code in findings:
            induced = by_prefix(self._induced, code)
            if induced is not None:
                out.append((first, final, induced))
        return out

    def _spans(self, place: Place, phrases: Phrases) -> list[tuple[int, int, _Cue]]:
        """First and last token of each cue of a side, and what it says; none overlaps another."""
        lower = place.reading.table.lower
        size, free = len(lower), 0
        out: list[tuple[int, int, _Cue]] = []
        for at in phrases.among(lower, place.starts):
            hit = phrase_at(phrases, lower, at, size) if at >= free else None
            if hit is not None:
                out.append((at, hit[1], self._cues[hit[0]]))
                free = hit[1] + 1
        return out

    def reason(self, words: frozenset[str]) -> str:
        """The code of why less of a drug was taken, from the words around that say so."""
        return next(code for code, needed in self._reasons if not needed or not words.isdisjoint(needed))

    def _specific(self, reading: Reading, agents: list[Agent]) -> list[Agent]:
        lower = reading.table.lower
        groups = [self._groups.get(" ".join(lower[a.first : a.final + 1])) for a in agents]
        named = {a.stem for a, group in zip(agents, groups, strict=True) if group is None}
        out: list[Agent] = []
        for agent, group in zip(agents, groups, strict=True):
            of_group = {stem for stem in named if group is not None and stem.startswith(group)}
            if len(of_group) == 1:
                agent = Agent(agent.first, agent.final, of_group.pop(), group=agent.group)
            elif agent.stem == UNNAMED and out and agent.first and lower[agent.first - 1] in _POINTING:
                meant = out[-1]
                if meant.stem != UNNAMED and agent.first - meant.final <= _BACK:
                    agent = Agent(agent.first, agent.final, meant.stem)
            out.append(agent)
        return out

    def _agents(
        self, reading: Reading, drugs: Sequence[tuple[int, int, int]], places: Sequence[int]
    ) -> list[Agent]:
        """The drugs and groups of drugs that a note names, in order; the longest of those that overlap.

        ``places`` are the tokens at which the name of a group may begin.
        """
        found = [
            Agent(first, final, stem) for row, first, final in drugs if (stem := self._stems[row]) is not None
        ]
        lower = reading.table.lower
        words = self._words
        for at in words.among(lower, places):
            hit = phrase_at(words, lower, at, len(lower))
            if hit is not None:
                found.append(Agent(at, hit[1], self._word_stems[hit[0]], group=True))
        found.sort(key=lambda a: (a.first, -a.final, a.stem == UNNAMED))
        out: list[Agent] = []
        free = 0
        for agent in found:
            if agent.first < free:
                continue
            free = agent.final + 1
            if _OWN.isdisjoint(lower[agent.first + 1 : free + 1]):
                out.append(agent)
        return out

    def _of_agent(
        self,
        place: Place,
        agent: Agent,
        cues: _Cues,
        extents: _Extents,
        phase: str,
    ) -> Iterator[Found]:
        reading, near = place.reading, cues.near(place, agent)
        if any(cue.kind == "never" for _, _, _, cue in near):
            return
        for first, final, before, cue in near:
            start, end = min(first, agent.first), max(final, agent.final)
            mark = reading.assertion.flags[first] if cue.kind == "adverse" else 0
            flags = (mark | reading.assertion.flags[agent.first]) & (HYPOTHETICAL | FAMILY)
            flags |= mark & (NEGATED | UNCERTAIN)
            meant = cue.kind == "poisoning" and place.is_on_purpose(first)
            if cue.weak and cue.kind == "poisoning":
                if not (meant and _are_many(reading.table.lower[final + 1 : agent.first])):
                    continue  # *took ibuprofen*
            elif cue.weak and not _any_between(extents.begins, first - _REACH, first, reading):
                continue
            if not before and cue.kind == "adverse" and agent.stem == UNNAMED and not flags:
                continue
            if cue.kind == "underdosing" and agent.stem.startswith(GIVEN):
                continue
            digit = _DIGIT[cue.kind]
            if meant:
                digit = _ON_PURPOSE
            if cue.weak and cue.kind == "adverse":
                begins = extents.begins
                at = bisect_left(begins, first - _REACH)
                start = min(start, begins[at]) if at < len(begins) else start
                start = start if reading.sentence[start] == reading.sentence[first] else first
            yield Found(stem_to_code(agent.stem, digit, phase), start, end, flags)
            if cue.kind == "underdosing":
                yield Found(self.reason(place.around(first)), start, end, flags)
            return


class _Cues:
    """The cues of a note: first and last token of each and what it says.

    Parameters
    ----------
    before, after
        Cues that stand before their drug and behind it, each in order, none over another of its side.
    """

    def __init__(
        self, before: Sequence[tuple[int, int, _Cue]], after: Sequence[tuple[int, int, _Cue]]
    ) -> None:
        self.before = before
        self.after = {first: (first, final, cue) for first, final, cue in after}
        self._finals = [final for _, final, _ in before]

    def near(self, place: Place, agent: Agent) -> list[tuple[int, int, bool, _Cue]]:
        """The cues close to a drug, in its sentence, each with whether it stands before the drug.

        Between a cue and a drug behind it are but a few words and other drugs; a cue behind a drug follows
        it at once.
        """
        sentence = place.reading.sentence
        out: list[tuple[int, int, bool, _Cue]] = []
        high = bisect_left(self._finals, agent.first)
        if high and sentence[self._finals[high - 1]] == sentence[agent.first]:
            low = bisect_left(self._finals, place.farthest(agent.first), 0, high)
            out = [
                (first, final, True, cue)
                for first, final, cue in self.before[low:high]
                if place.between(final, agent.first) < GAP
            ]
        behind = self.after.get(agent.final + 1)
        if behind is not None and sentence[agent.final] == sentence[behind[0]]:
            out.append((behind[0], behind[1], False, behind[2]))
        return out


class _Extents:
    """Where findings begin, in order; sorted when first asked for.

    Parameters
    ----------
    findings
        First and final token of each, and its code.
    """

    def __init__(self, findings: Sequence[tuple[int, int, str]]) -> None:
        self._findings = findings

    @cached_property
    def begins(self) -> list[int]:
        """The first tokens."""
        return sorted([first for first, _, _ in self._findings])


class _Inducible:
    """Findings that a drug can have done.

    Parameters
    ----------
    findings
        First and final token of each, and what it is coded as then.
    """

    def __init__(self, findings: Sequence[tuple[int, int, str]]) -> None:
        self._ordered = sorted(
            (first, number, final, code) for number, (first, final, code) in enumerate(findings)
        )
        self._firsts = [first for first, _, _, _ in self._ordered]

    def by(self, reading: Reading, effect: Found) -> Iterator[Found]:
        """What the findings beside an adverse effect are coded as, in the order in which they were given."""
        here = reading.sentence[effect.first]
        low = bisect_left(self._firsts, effect.first - _BEFORE)
        high = bisect_right(self._firsts, effect.final + _BEHIND, low)
        for _, first, final, code in sorted(
            (number, first, final, code)
            for first, number, final, code in self._ordered[low:high]
            if final <= effect.final + _BEHIND
            and reading.sentence[first] == here
            and not _is_apart(reading.table.lower, final, effect.final)
        ):
            yield Found(code, min(first, effect.first), max(final, effect.final), effect.flags)


def _is_apart(lower: Sequence[str], final: int, drug: int) -> bool:
    """Whether another item of a list stands between a finding and the drug (*gout, rash from sulfa*)."""
    linked = final + 2 < len(lower) and lower[final + 2] in _LINKS
    between = lower[final + 1 + linked : drug]
    return "," in between or ";" in between or "\n" in between


def _any_between(begins: Sequence[int], low: int, high: int, reading: Reading) -> bool:
    """Whether a finding begins in the tokens from ``low`` to before ``high``, in the sentence of ``high``.

    It may end behind them: of *adrenal suppression due to steroids* all words may be those of the finding.
    """
    at = bisect_left(begins, high) - 1
    return at >= 0 and begins[at] >= low and reading.sentence[begins[at]] == reading.sentence[high]


def _are_many(words: Sequence[str]) -> bool:
    """Whether words before a drug say that many of it were taken (*40*), and not how much (*40 mg*)."""
    return any(word.isdecimal() and int(word) >= _MANY for word in words) and "mg" not in words


def names_of(drugs: Sequence[Sequence[object]]) -> list[tuple[str, str]]:
    """First name and class of the drugs of a term index."""
    out: list[tuple[str, str]] = []
    for drug in drugs:
        names = drug[0]
        first = names[0] if isinstance(names, list | tuple) else names
        out.append((str(first), str(drug[1])))
    return out


__all__ = ["KINDS", "UNNAMED", "Agent", "DrugEffects", "names_of", "stem_to_code"]
