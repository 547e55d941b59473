"""Bringing notes into the store: read by the engine, or with suggestions that a batch run made."""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePath

from suggester.contract import suggestions_to_record
from suggester.errors import EncodingError, InputError, SuggesterError
from suggester.fields import id_problem
from suggester.review.asking import AskPart
from suggester.review.base import Engine, hashed
from suggester.review.planting import planted
from suggester.review.records import (
    evidence_record,
    flags_record,
    marks_record,
    modifiers_record,
    not_coded_record,
    sections_record,
)
from suggester.review.types import ImportFailure, ImportProgress
from suggester.store import notes
from suggester.store.notes import NewNote, NoteRow, ReadingRow, RunRow, SuggestionRow
from suggester.store.store import Work, new_id
from suggester.types import Flag, Note, Run, Suggestion, Suggestions

__all__ = ["ImportPart", "failure_of", "risk_of"]

_ERROR_RISK = 1.0
_WARNING_RISK = 0.25
_MOST_FAILURES_KEPT = 10_000

type Read = tuple[Note, Suggestions]


def risk_of(suggestions: tuple[Suggestion, ...], errors: int, warnings: int) -> float:
    """Expected number of wrong first answers, and something for each flag; see ``WorkRow``."""
    doubt = sum(min(item.confidence, 1.0 - item.confidence) for item in suggestions)
    return doubt + _ERROR_RISK * errors + _WARNING_RISK * warnings


def failure_of(error: Exception, *, record: str) -> ImportFailure:
    """Describe an exception; its message is told only if it is one of ours, which hold no note text."""
    if isinstance(error, InputError):
        return ImportFailure(record=error.record, code=error.code, message=error.message)
    if isinstance(error, SuggesterError):
        return ImportFailure(record=record, code=error.code, message=str(error))
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    where = "an unknown place"
    if frames:
        where = f"{'/'.join(PurePath(frames[0].filename).parts[-2:])}:{frames[0].lineno}"
    return ImportFailure(record=record, code="internal", message=f"{type(error).__name__} at {where}")


class ImportPart(AskPart):
    """Bringing notes into the store."""

    def import_notes(
        self, token: str, notes: Iterable[Note | InputError], *, batch: int = 20
    ) -> Iterator[ImportProgress]:
        """Read notes with the engine into the store; yields progress after every batch.

        Takes what `suggester.notes.read_notes` yields. A note that fails is a failure in the list and the
        others go on; notes whose id the store knows are skipped. Session and role are checked at once and
        again with every batch. What was committed stays when the caller stops.
        """
        with self._reading(token, "note.import"):
            pass
        engine = self._engine.get()

        def read(note: Note) -> Read:
            return note, engine.suggest(note)

        return self._import(token, notes, read, engine, batch)

    def import_results(
        self, token: str, pairs: Iterable[tuple[Note, Suggestions] | InputError], *, batch: int = 100
    ) -> Iterator[ImportProgress]:
        """Import notes with suggestions that a batch run made; otherwise as `import_notes`."""
        with self._reading(token, "note.import"):
            pass
        return self._import(token, pairs, _as_it_is, self._engine.get(), batch)

    def _import[T](
        self,
        token: str,
        items: Iterable[T | InputError],
        read: Callable[[T], Read],
        engine: Engine,
        batch: int,
    ) -> Iterator[ImportProgress]:
        done = imported = skipped = 0
        failures: list[ImportFailure] = []
        waiting = iter(items)
        seen: set[str] = set()
        while part := list(itertools.islice(waiting, max(batch, 1))):
            fresh: list[T] = []
            for item in part:
                if isinstance(item, InputError):
                    failures.append(failure_of(item, record=item.record))
                else:
                    fresh.append(item)
            names = [_note_of(item).id for item in fresh]
            with self._reading(token, "note.import") as (connection, _):
                known = notes.known_names(connection, names) | seen
            ready: list[NewNote] = []
            runs: dict[str, RunRow] = {}
            for item, name in zip(fresh, names, strict=True):
                if name in known:
                    skipped += 1
                    continue
                known.add(name)
                seen.add(name)
                try:
                    new, run = self._new_note(*_checked(read(item)), engine=engine)
                except Exception as error:  # whatever it is, the other notes go on
                    failures.append(failure_of(error, record=name))
                    continue
                runs[run.id] = run
                ready.append(new)
            if ready:
                with self._writing(token, "note.import") as (work, actor):
                    for run in runs.values():
                        notes.put_run(work.connection, run, now=work.now)
                    late = notes.known_names(work.connection, [new.row.name for new in ready])
                    for new in ready:
                        if new.row.name in late:  # somebody else imported it in between
                            skipped += 1
                        else:
                            self._put(work, new, actor.user_id)
                            imported += 1
            done += len(part)
            yield ImportProgress(
                done=done,
                imported=imported,
                skipped=skipped,
                failures=tuple(failures[:_MOST_FAILURES_KEPT]),
            )
        yield ImportProgress(
            done=done,
            imported=imported,
            skipped=skipped,
            failures=tuple(failures[:_MOST_FAILURES_KEPT]),
            finished=True,
        )

    @staticmethod
    def _put(work: Work, new: NewNote, by: str) -> None:
        notes.put_note(work.connection, new)
        work.record(by, "note.import", new.row.id, text=work.text_mac(new.reading.text), run=new.row.run_id)

    def _new_note(self, note: Note, result: Suggestions, *, engine: Engine) -> tuple[NewNote, RunRow]:
        markings = engine.markings(note)
        note_id = new_id("n")
        extra = None
        if self.store.keyed_share(f"plant {note.id}") < self.settings.planted_share:
            extra = planted(note, result, self.codebook, draw=self.store.keyed_share(f"which {note.id}"))
        chosen = [(item, False) for item in result.suggestions]
        if extra is not None:
            place = sum(item.confidence >= extra.confidence for item, _ in chosen)
            chosen.insert(place, (extra, True))
        run = _run_row(result.run)
        flags = [*result.flags, *(flag for item in result.suggestions for flag in item.flags)]
        rules = _worst(flags)
        errors = sum(severity == "error" for severity in rules.values())
        warnings = sum(severity == "warning" for severity in rules.values())
        patient = note.patient
        row = NoteRow(
            id=note_id,
            name=note.id,
            encounter_id=note.encounter_id,
            kind=note.kind,
            setting=note.setting,
            service_date=None if note.service_date is None else note.service_date.isoformat(),
            patient_id=patient.id if patient else None,
            patient_sex=patient.sex if patient else None,
            patient_birth=patient.birth_date.isoformat() if patient and patient.birth_date else None,
            source=note.source,
            run_id=run.id,
            status="new",
            version=0,
            assigned_to=None,
            risk=risk_of(result.suggestions, errors, warnings),
            lowest=min((item.confidence for item, _ in chosen), default=None),
            suggestions=len(chosen),
            pending=len(chosen),
            errors=errors,
            warnings=warnings,
            characters=len(note.text),
            open_queries=0,
            worked_ms=0,
            imported_at=self.store.clock(),
            finished_at=None,
            finished_by=None,
        )
        reading = ReadingRow(
            text=note.text,
            not_coded=not_coded_record(result.not_coded),
            flags=flags_record(result.flags),
            sections=sections_record(markings.sections),
            marks=marks_record(markings.marks),
            em=suggestions_to_record(result).get("em"),
        )
        suggestions = tuple(
            SuggestionRow(
                id=f"{note_id}.{rank}",
                note_id=note_id,
                rank=rank,
                suggestion_id=item.id,
                system=item.code.system,
                code=item.code.code,
                display=item.code.display,
                chapter=self.codebook.chapter(item.code.system, item.code.code),
                confidence=item.confidence,
                band=min(int(item.confidence * 20), 19),
                evidence=evidence_record(item.evidence),
                reasons=list(item.reasons),
                flags=flags_record(item.flags),
                units=item.units,
                modifiers=modifiers_record(item.modifiers),
                planted=wrong,
                state="pending",
            )
            for rank, (item, wrong) in enumerate(chosen, 1)
        )
        return NewNote(row=row, reading=reading, suggestions=suggestions, flag_rules=rules), run


def _as_it_is(pair: Read) -> Read:
    return pair


def _note_of(item: object) -> Note:
    """The note of an item, which is one or begins with one."""
    note = item[0] if isinstance(item, tuple) else item
    assert isinstance(note, Note)  # noqa: S101  # a wrong type is the caller's mistake
    return note


def _checked(pair: Read) -> Read:
    """Refuse what no database keeps unaltered: NUL characters and lone surrogates."""
    note, result = pair
    problem = id_problem(note.id)
    if problem:
        raise InputError(f"the id {problem}", record="a note")
    if "\x00" in note.text:
        raise EncodingError("the text holds NUL characters", record=note.id)
    try:
        note.text.encode()
    except UnicodeEncodeError:
        lone = True
    else:
        lone = False
    if lone:
        raise EncodingError("the text holds lone surrogates", record=note.id)
    if result.note_id != note.id:
        raise InputError(f"these are suggestions for another note: {result.note_id!r}", record=note.id)
    length = len(note.text)
    spans = [e.span for s in result.suggestions for e in s.evidence] + [n.span for n in result.not_coded]
    if any(span.end > length for span in spans):
        raise InputError("the suggestions quote words outside the text", record=note.id)
    return pair


def _worst(flags: list[Flag]) -> dict[str, str]:
    """The rules that flag something, each with its worst severity."""
    order = ("info", "warning", "error")
    found: dict[str, str] = {}
    for flag in flags:
        known = found.get(flag.rule_id, "info")
        found[flag.rule_id[:100]] = max(known, flag.severity, key=order.index)
    return found


def _run_row(run: Run) -> RunRow:
    codesets = [[system, release] for system, release in run.codesets]
    name = hashed(f"{run.version} {run.model} {codesets} {run.config_hash}")[:20]
    return RunRow(
        id=f"r{name}",
        version=run.version,
        model=run.model,
        codesets=codesets,
        config_hash=run.config_hash,
    )
