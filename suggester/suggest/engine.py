"""The engine: reads a note, finds, judges and chooses codes, and says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from suggester.codesets import Catalog, open_catalog
from suggester.codesets.icd9 import icd9_flags
from suggester.config import Settings
from suggester.em import place, propose
from suggester.errors import TooLargeError
from suggester.pipeline.reading import Reading
from suggester.ranking.bench import Bench
from suggester.ranking.features import Scored
from suggester.ranking.learning import GeneralJudge, Judge, load_judge
from suggester.ranking.ledger import ledger
from suggester.ranking.model import Ranker
from suggester.ranking.said import Said
from suggester.ranking.services.coder import LINE_KIND, LineCoder
from suggester.ranking.services.composing import place_services
from suggester.rules import Context, Diagnosis, Rules, Service, Subject, flags_of
from suggester.spacy_start import without_collecting
from suggester.suggest.choosing import choose, in_force, unrounded
from suggester.suggest.ordering import in_order, step_back
from suggester.types import (
    Assertion,
    Code,
    EmWorksheet,
    Evidence,
    Flag,
    Note,
    Run,
    Suggestion,
    Suggestions,
    System,
    make_suggestion,
)
from suggester.version import __version__

RULES_FROM = 0.5
"""Suggestions of at least this confidence are checked against each other."""


class Suggester:
    """Suggests codes for notes.

    Parameters
    ----------
    settings
        Settings in force.
    catalog
        Opened code sets.
    ranker
        The model: the general ranker, or a judge that learned from coded notes.
    rules
        The rules; all that ship if not given.
    """

    def __init__(
        self, *, settings: Settings, catalog: Catalog, ranker: Ranker | Judge, rules: Rules | None = None
    ) -> None:
        self.settings = settings
        self.catalog = catalog
        self.ranker = ranker
        self.rules = rules or Rules(catalog=catalog)
        self._judges: Judge = GeneralJudge(ranker) if isinstance(ranker, Ranker) else ranker
        self._benches: dict[int, Bench] = {}
        self._runs: dict[int, Run] = {}
        self._line_coders: dict[int, LineCoder] = {}

    def bench(self, on: date | None) -> tuple[Bench, tuple[Flag, ...]]:
        """The bench for a service date, and flags for systems without a release on it.

        Raises
        ------
        NoReleaseError
            If no ICD-10-CM release covers the date.
        """
        releases, missing = self.catalog.release_set(on)
        bench = self._benches.get(id(releases))  # the catalog keeps the set
        if bench is None:
            bench = self._benches[id(releases)] = Bench.over(releases)
        flags = tuple(
            Flag(
                rule_id="release.missing",
                severity="warning",
                message=str(error),
                source="code-set releases",
            )
            for error in missing
        )
        return bench, flags

    def suggest(self, note: Note) -> Suggestions:
        """Ranked suggestions for a note, with evidence, reasons, flags and the not-coded ledger.

        A note of kind ``service_line`` is one charge line or order: CPT and HCPCS codes, the likeliest first,
        whatever the threshold.

        Raises
        ------
        TooLargeError
            If the note is longer than ``settings.max_note_chars``.
        NoReleaseError
            If no ICD-10-CM release covers the service date.
        """
        if len(note.text) > self.settings.max_note_chars:
            raise TooLargeError(
                f"{len(note.text)} characters, allowed {self.settings.max_note_chars}", record=note.id
            )
        with without_collecting():  # what is made while a note is read has no cycles
            return self._suggest_line(note) if note.kind == LINE_KIND else self._suggest_note(note)

    def _suggest_note(self, note: Note) -> Suggestions:
        bench, flags = self.bench(note.service_date)
        closed = {flag.message.split()[1] for flag in flags}
        reading = bench.read(note.text)
        candidates = bench.finder.find(reading, setting=note.setting, weakest=self._judges.weakest)
        if closed or note.service_date is not None:
            candidates = [
                c
                for c in candidates
                if c.system not in closed
                and (note.service_date is None or in_force(bench, c, note.service_date))
            ]
        least = unrounded(self.settings.threshold)
        judged = self._judges.judge(bench, reading, candidates, setting=note.setting, least=least)
        said = Said(bench, reading, note.text)
        choice = choose(
            judged,
            bench=bench,
            said=said,
            note=note,
            closed=closed,
            gated=self._judges.gated,
            threshold=self.settings.threshold,
            limit=self.settings.limit,
        )
        suggestions = tuple(
            [
                self._suggestion(bench, said, note, item, confidence, assertions, rank)
                for rank, (confidence, item, assertions) in enumerate(choice.kept, 1)
            ]
        )
        worksheet, suggestions = self._visit(bench, reading, note, suggestions, closed)
        suggestions = self._services(bench, reading, note, suggestions, closed)
        ordered = in_order(suggestions, choice.places)
        suggestions, raised = self._checked(note, ordered)
        moved = step_back(ordered, raised, choice.places) if self._judges.gated else None
        if moved is not None:
            suggestions, raised = self._checked(note, moved)
        covered = [evidence.span for s in suggestions for evidence in s.evidence]
        return Suggestions(
            note_id=note.id,
            run=self._run(bench),
            suggestions=suggestions,
            not_coded=ledger(note.text, reading, choice.left_out, bench.code_of, covered),
            flags=(*flags, *raised, *icd9_flags(note.text, self.settings)),
            em=worksheet,
        )

    def diagnoses(self, note: Note, evidence: Mapping[str, Sequence[Evidence]]) -> dict[str, Diagnosis]:
        """What the words behind diagnosis codes say, for the rules: side, encounter phase, how certain.

        Parameters
        ----------
        note
            The note that the evidence is of.
        evidence
            Evidence by code, of codes that were suggested or chosen instead.

        Raises
        ------
        NoReleaseError
            If no ICD-10-CM release covers the service date.
        """
        reading = self.bench(note.service_date)[0].read(note.text)
        out: dict[str, Diagnosis] = {}
        for code, items in evidence.items():
            attributes = dict.fromkeys(
                attribute
                for item in items
                for attribute in reading.attributes_at(
                    reading.token_at(item.span.start), reading.token_at(max(item.span.end - 1, 0))
                )
            )
            out[code] = Diagnosis.of_evidence(code, tuple(items), tuple(attributes))
        return out

    def _suggest_line(self, note: Note) -> Suggestions:
        bench, flags = self.bench(note.service_date)
        coder = self._line_coders.get(id(bench))
        if coder is None:
            coder = self._line_coders[id(bench)] = LineCoder.over(bench.releases)
        closed = {flag.message.split()[1] for flag in flags}
        return Suggestions(
            note_id=note.id,
            run=self._run(bench),
            suggestions=coder.suggest(note, closed=closed, limit=self.settings.limit),
            not_coded=(),
            flags=flags,
        )

    def _checked(
        self, note: Note, suggestions: tuple[Suggestion, ...]
    ) -> tuple[tuple[Suggestion, ...], tuple[Flag, ...]]:
        """The suggestions with the flags of the rules beside them, and the flags that join several codes.

        Rules look at likely suggestions alone: what two unlikely ones would break is noise.
        """
        likely = [item for item in suggestions if item.confidence >= RULES_FROM]
        subject = Subject(
            stage="suggestion",
            diagnoses=tuple(
                Diagnosis(code=item.code.code) for item in likely if item.code.system == "ICD-10-CM"
            ),
            services=tuple(
                Service(
                    system=item.code.system,
                    code=item.code.code,
                    number=number,
                    modifiers=tuple(proposed.modifier for proposed in item.modifiers),
                    units=1 if item.units is None else item.units,
                )
                for number, item in enumerate((i for i in likely if i.code.system != "ICD-10-CM"), 1)
            ),
            setting=note.setting,
            service_date=note.service_date,
        ).of_patient(note.patient)
        flags = self.rules.check(subject)
        if not flags:
            return suggestions, ()
        by_code: dict[str, list[Flag]] = {}
        for flag in flags:
            for code in flag.codes:
                by_code.setdefault(code, []).append(flag)
        marked = tuple(
            replace(item, flags=(*item.flags, *by_code[item.code.code]))
            if item.confidence >= RULES_FROM and item.code.code in by_code
            else item
            for item in suggestions
        )
        return marked, tuple(flag for flag in flags if len(flag.codes) != 1)

    def _visit(
        self,
        bench: Bench,
        reading: Reading,
        note: Note,
        suggestions: tuple[Suggestion, ...],
        closed: set[str],
    ) -> tuple[EmWorksheet | None, tuple[Suggestion, ...]]:
        """The worksheet of the visit, and the suggestions with its code; None where that is not in force."""
        worksheet = propose(reading, note, suggestions)
        system: System = "HCPCS" if worksheet is not None and worksheet.code[0] == "G" else "CPT"
        if worksheet is None or system in closed:
            return None, suggestions
        row = bench.row(system, worksheet.code)
        day = note.service_date
        if row is None or (day is not None and not bench.releases.store(system).in_force(row, day)):
            return None, suggestions
        return worksheet, place(
            suggestions,
            worksheet,
            bench.code(system, row),
            note_id=note.id,
            threshold=self.settings.threshold,
            limit=self.settings.limit,
        )

    def _services(
        self,
        bench: Bench,
        reading: Reading,
        note: Note,
        suggestions: tuple[Suggestion, ...],
        closed: set[str],
    ) -> tuple[Suggestion, ...]:
        """The suggestions with the services that words and values compose, with units and modifiers."""

        def code_of(code: str) -> Code | None:
            system: System = "CPT" if code[0].isdigit() else "HCPCS"
            store, row = bench.releases.store(system), bench.row(system, code)
            if row is None or system in closed or not store.billable[row]:
                return None
            if note.service_date is not None and not store.in_force(row, note.service_date):
                return None
            return bench.code(system, row)

        day = note.service_date or bench.releases.store("CPT").release.valid_from

        def bundled(code: str, into: str) -> bool:
            pair = self.catalog.procedures.ncci_pair(code, into, day)
            return pair is not None and pair.modifier_allowed

        return place_services(
            suggestions,
            reading,
            note,
            code_of=code_of,
            bundled=bundled,
            threshold=self.settings.threshold,
            limit=self.settings.limit,
        )

    def _suggestion(
        self,
        bench: Bench,
        said: Said,
        note: Note,
        item: Scored,
        confidence: float,
        assertions: tuple[Assertion, ...],
        rank: int,
    ) -> Suggestion:
        code = bench.code(item.candidate.system, item.candidate.row)
        resolved = item.best.resolved
        return make_suggestion(
            id=f"{note.id}:{code.system}:{code.code}",
            code=code,
            confidence=min(max(confidence, 0.0), 1.0),
            rank=rank,
            evidence=said.evidence(item, assertions),
            reasons=self._judges.reasons(bench, said.reading, item),
            flags=flags_of(
                Context(
                    code=code,
                    assertions=assertions,
                    setting=note.setting,
                    side_missing=resolved is not None and resolved.side_missing,
                    unspecified=resolved is not None
                    and resolved.steps > 0
                    and "unspecified" in code.display.lower(),
                ),
                off=self.rules.off,
            ),
        )

    def _run(self, bench: Bench) -> Run:
        run = self._runs.get(id(bench))
        if run is None:
            run = self._runs[id(bench)] = Run(
                version=__version__,
                model=f"{self.ranker.name} {self.ranker.version}",
                codesets=tuple((release.system, release.id) for release in bench.releases.releases),
                config_hash=self.settings.result_hash(),
            )
        return run


def load(settings: Settings | None = None, **values: object) -> Suggester:
    """Open code sets and model and return the engine.

    Parameters
    ----------
    settings
        Settings; None reads them from the environment.
    **values
        Single settings by name, instead of ``settings``.

    Raises
    ------
    ConfigError, CodeSetError, ModelError
        If a setting is unknown, code sets cannot be compiled, or the model cannot be loaded.
    """
    chosen = settings or Settings.load(**values)
    with without_collecting():
        catalog = open_catalog(chosen)
        rules = Rules.open(chosen, catalog=catalog)
        engine = Suggester(settings=chosen, catalog=catalog, ranker=load_judge(chosen.model), rules=rules)
        engine.bench(None)
    return engine
