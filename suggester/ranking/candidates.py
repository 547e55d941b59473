"""Candidate codes of a note, each with every match that speaks for it.

Ways that lead from words to a code: a term that names it (gone down to the billable code), a drug taken
for long (``Z79``), a past condition (personal history) and a relative's (family history), conditions that
one code joins, a measured value, what a drug did (``T36-T50``) and where a cancer has gone (``C77-C79``).
This is recall; choice is the ranker's.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Final

import numpy as np

from suggester.codesets.catalog import ReleaseSet
from suggester.codesets.lexicon import CombinationRow
from suggester.codesets.terms import BILATERAL, Source, Target
from suggester.errors import UnknownCodeError
from suggester.pipeline.attributes_values import trimester_of
from suggester.pipeline.matching import COMPLETE
from suggester.pipeline.reading import FAMILY, HISTORICAL, NEGATED, UNCERTAIN, Reading
from suggester.ranking.circumstances import HANDED, Intent, Uncalled, is_left_handed
from suggester.ranking.combining import Combinations
from suggester.ranking.diabetes import DiabetesType
from suggester.ranking.each_side import EachSide
from suggester.ranking.fetuses import Fetuses
from suggester.ranking.histories import Histories
from suggester.ranking.immunizing import Vaccines, beside, is_infection
from suggester.ranking.measured import Measured
from suggester.ranking.obstetrics import Obstetrics
from suggester.ranking.perinatal import Perinatal
from suggester.ranking.phase import note_phase
from suggester.ranking.relations.aftercare import Aftercare
from suggester.ranking.relations.births import Births
from suggester.ranking.relations.burns import BurnExtent
from suggester.ranking.relations.drugs import DrugEffects, names_of
from suggester.ranking.relations.found import Found, by_prefix
from suggester.ranking.relations.lab_values import LabValues
from suggester.ranking.relations.looked_for import LookedFor
from suggester.ranking.relations.maternity import Maternity, Stage
from suggester.ranking.relations.named_effects import NamedEffects
from suggester.ranking.relations.organisms import Organisms
from suggester.ranking.relations.other_names import OtherNames
from suggester.ranking.relations.reactions import Reactions
from suggester.ranking.relations.receptors import Receptors
from suggester.ranking.relations.spread import Spread
from suggester.ranking.relations.standing import says_less
from suggester.ranking.relations.treatments import Treatments
from suggester.ranking.resolve import CodeResolver, Phase, Resolved
from suggester.ranking.strokes import Strokes
from suggester.ranking.support import CodeSupport, Gathered, Joined, Method, Support
from suggester.ranking.unsited import Unsited
from suggester.ranking.values import with_values
from suggester.ranking.ways import Ways
from suggester.types import SYSTEMS, Setting, System

_SYSTEM: Final[dict[int, System]] = {Target.CPT: "CPT", Target.HCPCS: "HCPCS"}
_SIDES: Final = {"right": 1, "left": 2, "bilateral": 3}
_PHASES: Final[dict[str, Phase]] = {"initial": "initial", "subsequent": "subsequent", "sequela": "sequela"}
_DRUG_CODES: Final = tuple(f"T{number}" for number in range(36, 51))
_ORGANISMS: Final = ("A40", "A41", "B95", "B96", "B97", "J13", "J14", "J15")
_OF_CARE: Final = ("O09.5", "O48", "P", "Z17", "Z37", "Z38", "Z47", "Z48", "Z51", "Z91")
_EXTENT: Final = ("T31", "T32")
_RELATED: Final = ("C77", "C78", "C79", *_OF_CARE, *_ORGANISMS, *_DRUG_CODES, *_EXTENT)
"""Categories of the codes that relations between words lead to."""
_NEOPLASM: Final = "C"
"""First letter of the codes that are told apart by what is a primary and what a secondary."""
_KEPT: Final = 20_000
"""Words of terms that are kept once they were asked for."""
WEAKEST: Final = 0.45
"""Similarity from which part of a term's words speaks for its code.

Of what only lies below, one in seventy is right, and the general ranker puts next to none of it forward; it
was two candidates of five."""
ANY: Final = 0.0
"""No similarity is too low."""
_SHOWN: Final = 0.5
"""Similarity of a finding that only a measured value shows."""
_TRIMESTERS: Final = {"1": "first", "2": "second", "3": "third"}

Denied = Sequence[tuple[int, tuple[str, ...]]]
"""Tokens in order, each with the code prefixes that a match over it cannot mean."""
_token: Final = itemgetter(0)


class _Plain(dict[int, bool]):
    """By row, whether words that name a code are enough for it, whatever else a note says.

    Parameters
    ----------
    codes
        The codes by row.
    asked
        By row, the flags that codes of history ask for.
    doubtful
        Rows of codes that the words around must not take back.
    """

    def __init__(self, codes: Sequence[str], asked: Mapping[int, int], doubtful: frozenset[int]) -> None:
        super().__init__()
        self._codes, self._asked, self._doubtful = codes, asked, doubtful

    def __missing__(self, row: int) -> bool:
        code = self._codes[row]
        asks = self._asked[row] or row in self._doubtful or is_infection(code)
        found = self[row] = not asks and code[0] != _NEOPLASM
        return found


class CandidateFinder:
    """Finds the candidate codes of a reading.

    Parameters
    ----------
    releases
        Code sets in force and their term index.
    personal, family
        Code prefixes of conditions to the code of their history (see ``codesets/lexicon/history``).
    combinations
        Conditions that one code joins.

    Attributes
    ----------
    own
        By term, the flags whose cues are words of the term itself (``Reading.flags``).
    """

    def __init__(
        self,
        releases: ReleaseSet,
        *,
        personal: Mapping[str, str],
        family: Mapping[str, str],
        combinations: Sequence[CombinationRow] = (),
    ) -> None:
        self.releases = releases
        self._terms = releases.terms
        self._store = releases.icd10cm
        self._resolver = CodeResolver(releases.icd10cm, releases.terms)
        self.sites = self._resolver.sites
        self.histories = Histories(self._store, personal=personal, family=family)
        self.combinations = Combinations(self._store, self._resolver, combinations)
        self._uncalled, self._intent = Uncalled(self._store), Intent(self._store)
        self._strokes = Strokes(self._store)
        self._codes = self._store.code_list
        self._ways = Ways(self._resolver, self._terms, self._codes)
        terms = self._terms
        doubting, relative = terms.term_doubting * UNCERTAIN, terms.term_relative * FAMILY
        self.own = (terms.term_whole * NEGATED | doubting | relative).astype(np.uint8)
        self._drug_rows = [self._row_or_none(drug[2]) for drug in self._terms.drugs]
        names = names_of(self._terms.drugs)
        self._effects, self._treatments = DrugEffects(names), Treatments(names)
        self._reactions, self._spread = Reactions(self._effects), Spread()
        self._named_effects, self._burns = NamedEffects(), BurnExtent()
        self._aftercare, self._receptors = Aftercare(), Receptors()
        self._maternity, self._births = Maternity(), Births()
        self._organisms, self._unproven, self._labs = Organisms(), LookedFor(), LabValues()
        self._obstetrics, self._fetuses = Obstetrics(self._store), Fetuses(self._store)
        self._perinatal = Perinatal(self._store)
        self._unsited = Unsited(self._store, self._resolver)
        self._diabetes = DiabetesType(self._store, self._terms)
        valued = self._terms_of(("Z68", "Z3A"))
        self._measured = Measured(
            {self._codes[row]: term for row, term in valued.items() if self._store.billable[row]},
            self._maternity,
        )
        related = self._terms_of(
            (*_RELATED, *self._effects.induced, *self._reactions.codes, *self._labs.codes)
        )
        self._term_of_prefix = {self._codes[row]: term for row, term in related.items()}
        self._unsaid = self.rows_under(("Y93.02", *_DRUG_CODES))
        self._looked_for = self.rows_under(self._unproven.codes)
        self._other_names = OtherNames()
        self._named_otherwise = self.rows_under(self._other_names.codes)
        self._doubtful = self._unsaid | self._looked_for | self._named_otherwise
        self._plain = _Plain(self._codes, self.histories.asked, self._doubtful)
        self._each_side = EachSide(self._terms.vocabulary)
        self._open = self._terms.vocabulary.get("open", -1)
        self._phrases: dict[int, str] = {}
        self._vaccines = Vaccines(
            self._terms.vocabulary,
            self._row_or_none("Z23"),
            {system: releases.store(system).code_list for system in SYSTEMS},
        )

    def rows_under(self, prefixes: Sequence[str]) -> frozenset[int]:
        """The rows of ICD-10-CM whose codes begin with one of some prefixes."""
        return frozenset(row for prefix in prefixes for row in self._store.with_prefix(prefix))

    def _terms_of(self, prefixes: Sequence[str]) -> dict[int, int]:
        """For each row under prefixes that a term leads to, the first such term."""
        under = np.zeros(len(self._codes) + 1, dtype=np.bool_)
        under[list(self.rows_under(prefixes))] = True
        named = self._terms.term_target == Target.ICD10CM
        named &= under[np.where(named, self._terms.term_row, -1)]
        out: dict[int, int] = {}
        for term in np.flatnonzero(named).tolist():
            out.setdefault(self._terms.term_row.item(term), term)
        return out

    def _row_or_none(self, code: str) -> int | None:
        """Row of a code; None if the release has none that is billable."""
        try:
            row = self._store.row(code)
        except UnknownCodeError:
            return None
        return row if self._store.billable[row] else None

    def find(
        self, reading: Reading, *, setting: Setting | None, weakest: float = WEAKEST
    ) -> list[CodeSupport]:
        """All candidates, ordered by system and row.

        Matches of part of a term's words that are less similar to it than ``weakest`` speak for nothing.
        """
        stage = self._maternity.of(reading, setting)
        valued = self._measured.add(reading, stage)
        spread, denied = self._spread.find(reading)
        phase, trimester = note_phase(reading, setting), self._trimester(stage)
        found = Gathered()
        drugs, findings = self._name(reading, found, valued, denied, phase, trimester, setting, weakest)
        self._vaccines.imply(reading, found)
        character = "S" if phase == "sequela" else "A"
        place = self._effects.place(reading, drugs)
        effects = self._effects.find(place, findings, phase=character)
        effects = self._reactions.find(place, findings, effects, phase=character)
        effects = self._named_effects.find(place, effects, phase=character)
        self._relate(reading, found, self._treatments.find(reading, drugs, findings), Method.IMPLIED, phase)
        self._relate(reading, found, effects, Method.DRUG_EFFECT, phase)
        self._relate(reading, found, spread, Method.SPREAD, phase)
        self._relate(reading, found, self._burns.find(reading, findings), Method.VALUE, phase)
        self._relate(reading, found, self._receptors.find(reading, findings), Method.VALUE, phase)
        self._relate(reading, found, self._aftercare.find(reading, setting), Method.IMPLIED, phase)
        self._relate(reading, found, self._organisms.find(reading, findings), Method.IMPLIED, phase)
        self._relate(reading, found, self._births.find(reading, stage, setting), Method.IMPLIED, phase)
        shown = self._labs.find(reading, {code for _, _, code in findings})
        self._relate(reading, found, shown, Method.VALUE, phase, similarity=_SHOWN)
        self._unsited.add(found, reading, phase)
        self._perinatal.add(found, reading, stage)
        hinted = partial(self._maternity.hints, reading)
        self._obstetrics.settle(found, stage, hinted=hinted)
        self._diabetes.settle(found, reading)
        self._intent.settle(found, reading)
        taken = self._strokes.take(found, reading)
        self.combinations.add(found, trimester or frozenset(), pregnant=stage.said)
        self._strokes.give_back(found, taken)
        self._obstetrics.settle(found, stage, hinted=hinted)
        self._fetuses.settle(found, reading, stage)
        self._uncalled.drop(found, phase)
        return found.ordered()

    def _name(
        self,
        reading: Reading,
        found: Gathered,
        valued: int,
        denied: Denied,
        phase: Phase,
        trimester: frozenset[int] | None,
        setting: Setting | None,
        weakest: float,
    ) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, str]]]:
        """Add what the terms name; returns the drugs and the findings that are named.

        A drug is its row in the index, first and final token; a finding first and final token and its code.
        Matches from ``valued`` on stand for values.
        """
        matches, terms = reading.matches, self._terms
        sentence_of = matches.sentences
        coverage, density = matches.coverage.astype(np.float64), matches.density.astype(np.float64)
        similarity = coverage * coverage * (0.4 + 0.6 * density)
        strong = ((similarity >= weakest) | (coverage > COMPLETE)).nonzero()[0]
        marks = reading.assertion.flags
        flags_at: dict[tuple[int, int, int, int], int] = {}
        contexts: dict[int, frozenset[int]] = {}
        widen = self.sites.widen
        resolved_at: dict[tuple[int, int, int, int], tuple[Resolved, ...]] = {}
        shots = self._vaccines.tokens(reading)
        doubtful = self._doubtful
        left_handed = not reading.have.isdisjoint(HANDED) and is_left_handed(reading.table.lower)
        fixed_phase: Phase | None = "initial" if setting == "emergency" else None
        ways, codes, diagnosis = self._ways, self._codes, int(Target.ICD10CM)
        by_term, by_descent = Method.TERM, Method.DESCENT
        new = (
            tuple.__new__
        )  # takes half the time of the class called, and most of a note's supports are made here
        asked, plain, diagnoses = self.histories.asked, self._plain, found.diagnoses
        drugs: list[tuple[int, int, int]] = []
        findings: list[tuple[int, int, str]] = []
        firsts, finals, anchors = matches.firsts, matches.finals, matches.anchors
        term = matches.term[strong]
        covered = coverage[strong]
        for i, row, target, alike, own, incomplete, complete in zip(
            strong.tolist(),
            terms.term_row[term].tolist(),
            terms.term_target[term].tolist(),
            similarity[strong].tolist(),
            self.own[term].tolist(),
            (covered < COMPLETE).tolist(),
            (covered > COMPLETE).tolist(),
            strict=True,
        ):
            flags, first, final, anchor = 0, firsts[i], finals[i], anchors[i]
            if marks[anchor] or marks[first] or marks[final]:
                place = first, final, anchor, own
                known = flags_at.get(place)
                if known is None:
                    known = flags_at[place] = reading.flags(first, final, anchor, own=own)
                flags = known
            if target != diagnosis:
                if target != Target.DRUG:
                    found.serve(_SYSTEM[target], row, Support(i, by_term, flags, None, alike))
                    continue
                drugs.append((row, first, final))
                drug = self._drug_rows[row]
                if drug is not None:
                    found.diagnose(drug, Support(i, Method.DRUG, flags, None, alike))
                continue
            if i >= valued:
                found.diagnose(row, Support(i, Method.VALUE, flags, None, 1.0))
                continue
            way = ways[row]
            ends = way.fixed
            if ends is None:
                ends = resolved_at.get((row, first, final, anchor))
            if ends is None:
                side, own_phase, opened = 0, phase, True
                if way.side or way.phase:
                    side, said, opened = self._said(reading, first, final)
                    side = side or reading.side(anchor, sentence_of[i])
                    if not side and way.side:
                        side = reading.side_elsewhere(way.words)
                    if way.phase and way.lasting:
                        own_phase = "sequela" if phase == "sequela" else "initial"
                    elif way.phase:
                        own_phase = fixed_phase or said or phase
                sentence = sentence_of[i]
                context = contexts.get(sentence)
                if context is None:
                    context = contexts[sentence] = widen(reading.context(sentence))
                if not opened and self._open in context:
                    context = context - {self._open}  # the open reduction of a closed fracture
                if trimester is not None and way.pregnancy:
                    context = context | trimester
                if way.side and side:
                    ends = self._of_each_side(reading, row, final, sentence, context, own_phase)
                ends = ends or self._resolver.resolve(
                    row, context=context, side=side, phase=own_phase, left_handed=left_handed
                )
                resolved_at[row, first, final, anchor] = ends
            affirmed = complete and not flags & NEGATED
            for resolved in ends:
                to = resolved.row
                if not plain[to]:
                    if shots and is_infection(codes[to]) and beside(anchor, shots):
                        continue
                    if incomplete and asked[to] and not flags & asked[to]:
                        continue  # part of a term is not enough for a code of history
                    if to in doubtful and self._is_not_said(reading, to, first, final):
                        continue
                    if denied and self._is_denied(to, denied, first, final):
                        continue
                if affirmed:
                    findings.append((first, final, codes[to]))
                candidate = diagnoses.get(to)
                if candidate is None:
                    candidate = diagnoses[to] = CodeSupport("ICD-10-CM", to, [], False, [])
                method = by_descent if resolved.steps else by_term
                candidate.supports.append(new(Support, (i, method, flags, resolved, alike)))
                if flags and flags & (HISTORICAL | FAMILY) and not flags & NEGATED:
                    self.histories.add(found, to, flags, i, alike)
        return drugs, findings

    def _of_each_side(
        self, reading: Reading, row: int, final: int, sentence: int, context: frozenset[int], phase: Phase
    ) -> tuple[Resolved, ...]:
        """The codes of both sides where each has a degree of its own, else none."""
        parts = self._each_side.parts(reading, final, sentence)
        if not parts:
            return ()
        shared = context.difference(*(words for _, words in parts))
        rows = [
            self._resolver.resolve(row, context=shared | words, side=side, phase=phase)
            for side, words in parts
        ]
        both = self._resolver.resolve(row, context=shared | parts[0][1], side=BILATERAL, phase=phase)
        codes = [self._codes[found.row] for ends in rows for found in ends]
        if len(both) == 1 and len(codes) == 2 and sum(map(str.__ne__, *codes)) == 1:  # but for the side alike
            return both
        return tuple(dict.fromkeys(found for ends in rows for found in ends))

    @staticmethod
    def _said(reading: Reading, first: int, final: int) -> tuple[int, Phase | None, bool]:
        """Side and encounter phase that the words of a mention say, 0 and None where they say none.

        The last says whether they call it open, as a fracture is.
        """
        said = reading.placing_at(first, final)
        if not said:
            return 0, None, False
        side, phase = _SIDES.get(said.get("laterality", ""), 0), _PHASES.get(said.get("phase", ""))
        return side, phase, said.get("open") == "open"

    def _is_not_said(self, reading: Reading, row: int, first: int, final: int) -> bool:
        """Whether the words of a match do not say that what a doubtful code stands for is there."""
        code = self._codes[row]
        if row in self._looked_for and self._unproven.is_only_looked_for(reading, first, final, code):
            return True
        lower = reading.table.lower
        if row in self._named_otherwise and self._other_names.holds(code, lower, first, final):
            return True
        return row in self._unsaid and says_less(code, lower, first, final)

    def _is_denied(self, row: int, denied: Denied, first: int, final: int) -> bool:
        """Whether a match takes the site of a primary for that of a secondary, or the other way round."""
        code = self._codes[row]
        if code[0] != _NEOPLASM:
            return False
        low = bisect_left(denied, first, key=_token)
        high = bisect_right(denied, final, low, key=_token)
        return any(code.startswith(prefixes) for _, prefixes in denied[low:high])

    def _relate(
        self,
        reading: Reading,
        found: Gathered,
        relations: Sequence[Found],
        method: Method,
        phase: Phase,
        *,
        similarity: float = 1.0,
    ) -> None:
        """Add the codes of relations between words, each with a match of its own over them."""
        for item in relations:
            row = self._row_or_none(item.code)
            if row is None:
                side = reading.side(item.final, reading.sentence[item.final])
                resolved = self._resolver.resolve(
                    self._store.row(item.code), context=frozenset(), side=side, phase=phase
                )
                rows = [one.row for one in resolved]
            else:
                rows = [row]
            term = by_prefix(self._term_of_prefix, item.code)
            if term is None or not rows:
                continue
            added = [(term, item.first, item.final)]
            reading.matches = with_values(reading.matches, added, reading.sentence)
            for row in rows:
                found.diagnose(row, Support(len(reading.matches) - 1, method, item.flags, None, similarity))

    def _trimester(self, stage: Stage) -> frozenset[int] | None:
        """Words of the trimester that the note's weeks of gestation make."""
        if stage.weeks is None or not stage.said:
            return None
        word = trimester_of(stage.weeks)
        words = (self._terms.vocabulary.get(w) for w in (_TRIMESTERS.get(word, word), "trimester"))
        return frozenset(w for w in words if w is not None)

    def phrase(self, term: int) -> str:
        """The words of a term, with single blanks between them."""
        found = self._phrases.get(term)
        if found is None:
            if len(self._phrases) >= _KEPT:
                self._phrases.clear()
            found = self._phrases[term] = " ".join(self._terms.phrases[term].split())
        return found

    def source(self, term: int) -> Source:
        """Source of a term."""
        return Source(self._terms.term_source.item(term))


__all__ = ["ANY", "WEAKEST", "CandidateFinder", "CodeSupport", "Joined", "Method", "Support", "note_phase"]
