"""What chooses among candidates: the general ranker alone, or with what was learned at a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from suggester.pipeline.matching import COMPLETE, Matches
from suggester.pipeline.reading import Reading
from suggester.ranking.bench import Bench
from suggester.ranking.candidates import ANY, WEAKEST, CodeSupport, Method, Support
from suggester.ranking.describing import Head
from suggester.ranking.features import Described, Scored
from suggester.ranking.learning.associations import PAIR_NAMES
from suggester.ranking.learning.learned import Counts, Learned, calibrated, score
from suggester.ranking.learning.pairs import Batch, Pairs, batch_of
from suggester.ranking.learning.phrases import PhraseReader
from suggester.ranking.learning.views import CodeTable, NoteView, view
from suggester.ranking.model import Ranker
from suggester.ranking.reasons import reasons
from suggester.ranking.settling import by_site, families_of, settle
from suggester.types import Setting, System

MOST_RAISED = 1.5
"""Most by which what rivals settle among themselves raises the place of a code."""
WORTH_PLACING = 0.01
"""Confidence from which a diagnosis is looked at for its place."""
LEAST_TOLD = 5
"""Practice notes with a phrase from which it is said how many of them had the code."""
NO_TERM = -1
"""Term of a match that phrases made, not the term index."""

_TOGETHER, _COUNT = PAIR_NAMES.index("together"), PAIR_NAMES.index("phrase_count")


@dataclass(slots=True)
class Judged:
    """A candidate, the confidence in it, and its place among the others: the higher, the earlier."""

    item: Scored
    confidence: float
    priority: float


class Judge(Protocol):
    """Gives candidates their confidence, may add candidates, and says why."""

    @property
    def name(self) -> str:
        """Name of the model."""
        ...

    @property
    def version(self) -> str:
        """Version of the model."""
        ...

    @property
    def gated(self) -> bool:
        """Whether what is negated, hypothetical or a relative's is kept from being suggested."""
        ...

    @property
    def weakest(self) -> float:
        """Similarity from which part of a term's words is a candidate to judge (``CandidateFinder.find``)."""
        ...

    def judge(
        self,
        bench: Bench,
        reading: Reading,
        candidates: Sequence[CodeSupport],
        *,
        setting: Setting | None,
        least: float = 0.0,
    ) -> list[Judged]:
        """All candidates with confidences, in no particular order.

        Those below ``least`` are not shown: what place they would have need not be worked out.
        """
        ...

    def reasons(self, bench: Bench, reading: Reading, item: Scored) -> tuple[str, ...]:
        """Why a candidate is suggested, most telling first."""
        ...


@dataclass(frozen=True)
class GeneralJudge:
    """The general ranker alone."""

    ranker: Ranker

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.ranker.name

    @property
    def version(self) -> str:
        """Version of the model."""
        return self.ranker.version

    @property
    def gated(self) -> bool:
        """Always."""
        return True

    @property
    def weakest(self) -> float:
        """That of the notes it was fitted on."""
        return WEAKEST

    def judge(
        self,
        bench: Bench,
        reading: Reading,
        candidates: Sequence[CodeSupport],
        *,
        setting: Setting | None,
        least: float = 0.0,
    ) -> list[Judged]:
        """Every candidate with the ranker's confidence."""
        groups = self.ranker.described(bench, reading, candidates, setting=setting)
        return self.of_described(bench, reading, groups, setting=setting, least=least)

    def of_described(
        self,
        bench: Bench,
        reading: Reading,
        groups: Sequence[tuple[Head, Described]],
        *,
        setting: Setting | None,
        least: float = 0.0,
    ) -> list[Judged]:
        """The same for candidates that are described already, in their order."""
        out: list[Judged] = []
        for head, (table, scored) in groups:
            confidence = self.ranker.confidence(head, table)
            priority = confidence
            if head == "diagnosis":
                site = partial(bench.site_order.goes_before, reading)
                matches, families = reading.matches, families_of(scored)
                confidence = by_site(matches, scored, confidence, site, families)
                settled = settle(
                    matches,
                    scored,
                    confidence,
                    unspecified=bench.features.unspecified,
                    gives_way=bench.gives_way,
                    company=bench.company,
                    one_of=bench.one_of,
                    setting=setting,
                    families=families,
                )
                held = np.minimum(settled / np.maximum(confidence, 1e-6), MOST_RAISED)
                likely = settled >= max(WORTH_PLACING, least)
                priority = np.where(likely, 0.0, settled)
                priority[likely] = self.ranker.centrality(table[likely]) * held[likely]
                priority = by_site(matches, scored, priority, site, families)
                confidence = settled
            out.extend(map(Judged, scored, confidence.tolist(), priority.tolist()))
        return out

    def reasons(self, bench: Bench, reading: Reading, item: Scored) -> tuple[str, ...]:
        """Reasons in the words of the matched term, and how often practice notes coded them so."""
        out = reasons(bench.finder, reading, item)
        head: Head = "diagnosis" if item.candidate.system == "ICD-10-CM" else "procedure"
        match = item.best.match
        phrase = bench.finder.phrase(reading.matches.terms[match])
        whole = reading.matches.coverage.item(match) >= COMPLETE
        told = self.ranker.usage[head].told(phrase, bench.code_of(item.candidate), whole=whole)
        if told is None or told[0] < LEAST_TOLD:
            return out
        words = f"“{phrase}”" if whole else f"part of “{phrase}”"
        return (*out, f"practice notes: {told[1]} of {told[0]} with {words} had this code")


@dataclass(slots=True)
class LearnedScored(Scored):
    """A candidate with what coded notes say of it.

    ``together`` of ``count`` training sentences (or notes) with the telling phrase had the code.
    """

    together: int
    count: int
    first: int
    final: int
    unit: str


class LocalJudge:
    """The general ranker with what was learned at a site.

    Parameters
    ----------
    name, version
        Of the learned model.
    general
        The general ranker that it was learned on top of.
    learned
        What was learned.
    systems
        Code systems of the training notes; the others stay with the general ranker.
    unit
        ``sentence`` or ``note``: what was counted.
    research
        Suggest whatever the site's gold holds, to compare with published figures: codes that are not billable
        too, and findings that are negated, hypothetical or a relative's.
    card
        The model card.
    """

    def __init__(
        self,
        *,
        name: str,
        version: str,
        general: GeneralJudge,
        learned: Learned,
        systems: frozenset[System],
        unit: str,
        research: bool,
        card: dict[str, Any],
    ) -> None:
        self.name = name
        self.version = version
        self.general = general
        self.learned = learned
        self.systems = systems
        self.unit = unit
        self.research = research
        self.card = card
        self._bound: dict[int, tuple[Bench, CodeTable, PhraseReader, Counts]] = {}

    @property
    def gated(self) -> bool:
        """Unless for research."""
        return not self.research

    @property
    def weakest(self) -> float:
        """None: words that say little may be what a site codes by."""
        return ANY

    def _of(self, bench: Bench) -> tuple[Bench, CodeTable, PhraseReader, Counts]:
        found = self._bound.get(id(bench))
        if found is None:
            table = CodeTable(bench)
            found = bench, table, PhraseReader(bench.releases.terms), self.learned.bind(table)
            self._bound[id(bench)] = found
        return found

    def judge(
        self,
        bench: Bench,
        reading: Reading,
        candidates: Sequence[CodeSupport],
        *,
        setting: Setting | None,
        least: float = 0.0,
    ) -> list[Judged]:
        """Candidates of the finder and codes that coded notes taught, with confidences.

        Adds to the reading's matches one for each phrase that is evidence by itself.
        """
        _, table, phrases, counts = self._of(bench)
        groups = self.general.ranker.described(bench, reading, candidates, setting=setting)
        judged = self.general.of_described(bench, reading, groups, setting=setting)
        seen = view(
            reading,
            [j.item.candidate for j in judged],
            np.concatenate([values for _, (values, _) in groups]),
            table=table,
            phrases=phrases,
        )
        batch = batch_of([seen], self.learned.vocabulary, table, levels=self.learned.levels)
        pairs, found, raw = score(batch, counts, self.learned.stage_one, self.learned.stage_two, table)
        chance = calibrated(self.learned.calibration, raw).tolist()
        known = {table.offset[j.item.candidate.system] + j.item.candidate.row: j for j in judged}
        out: list[Judged] = []
        added = _Added(reading)
        for code, pair, value in zip(found.code.tolist(), found.pair.tolist(), chance, strict=True):
            system, row = table.place(code)
            if system not in self.systems or not (self.research or table.billable[code]):
                continue
            by_general = known.pop(code, None)
            item = self._item(bench, by_general, judged, seen, batch, pairs, pair, added, system, row)
            if item is not None:
                out.append(Judged(item, value, value))
        reading.matches = added.matches()
        for judgement in known.values():
            left = judgement.item.candidate.system in self.systems
            out.append(Judged(judgement.item, 0.0, 0.0) if left else judgement)
        return out

    def _item(
        self,
        bench: Bench,
        by_general: Judged | None,
        judged: list[Judged],
        seen: NoteView,
        batch: Batch,
        pairs: Pairs,
        pair: int,
        added: _Added,
        system: System,
        row: int,
    ) -> LearnedScored | None:
        """The candidate with the support of its best sentence first."""
        sentence, phrase = int(pairs.sentence[pair]), int(pairs.phrase[pair])
        supports = list(by_general.item.candidate.supports) if by_general else []
        best: Support | None = None
        key = sentence * len(self._of(bench)[1]) + int(pairs.code[pair])
        at = int(np.searchsorted(batch.key, key))
        if at < len(batch.key) and batch.key[at] == key:
            candidate, nth = seen.support_at[batch.source[at]].tolist()
            best = judged[candidate].item.candidate.supports[nth]
            if not by_general:
                supports.append(best)
        first = final = -1
        if phrase >= 0:
            first, final = int(seen.phrases.first[phrase]), int(seen.phrases.final[phrase])
        if best is None:
            if phrase < 0:
                return None
            best = added.support(first, final)
            supports.append(best)
        code = bench.codes[system][row]
        values = pairs.features[pair]
        return LearnedScored(
            candidate=CodeSupport(system, row, supports),
            best=best,
            best_score=by_general.item.best_score if by_general else 0.0,
            undominated=by_general.item.undominated if by_general else 1,
            category=by_general.item.category if by_general else code[: 3 if system == "ICD-10-CM" else 4],
            first_token=by_general.item.first_token if by_general else int(pairs.span[pair, 0]),
            together=int(values[_TOGETHER]),
            count=int(values[_COUNT]),
            first=first,
            final=final,
            unit=self.unit,
        )

    def reasons(self, bench: Bench, reading: Reading, item: Scored) -> tuple[str, ...]:
        """What coded notes say, then the reasons in the words of the matched term."""
        out: list[str] = []
        if isinstance(item, LearnedScored) and item.first >= 0 and item.together:
            words = " ".join(reading.table.lower[item.first : item.final + 1])
            out.append(
                f"coded notes: {item.together} of {item.count} {item.unit}s with “{words}” had this code"
            )
        if int(reading.matches.term[item.best.match]) != NO_TERM:
            out.extend(self.general.reasons(bench, reading, item))
        return tuple(out) or ("learned from coded notes",)


class _Added:
    """Matches that phrases add to a reading."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._rows: dict[tuple[int, int], int] = {}

    def support(self, first: int, final: int) -> Support:
        """A support that rests on the tokens from ``first`` to ``final``."""
        number = self._rows.setdefault((first, final), len(self._rows))
        flags = self._reading.flags(first, final, first)
        return Support(len(self._reading.matches) + number, Method.TERM, flags, None, 1.0)

    def matches(self) -> Matches:
        """The reading's matches and the added ones: no term, no coverage (they stay out of the ledger)."""
        old = self._reading.matches
        if not self._rows:
            return old
        first = np.array([f for f, _ in self._rows])
        sentence = np.array(self._reading.sentence)[first]
        given = {
            "term": np.full(len(first), NO_TERM),
            "first": first,
            "final": np.array([f for _, f in self._rows]),
            "anchor": first,
            "sentence": sentence,
        }
        return Matches(
            **{
                name: np.concatenate(
                    [
                        getattr(old, name),
                        given.get(name, np.zeros(len(first))).astype(getattr(old, name).dtype),
                    ]
                )
                for name in Matches.__dataclass_fields__
            }
        )
