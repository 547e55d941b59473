"""Codes to look up, and questions to the physician."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from suggester.errors import DecisionError, HeldError, NotFoundError
from suggester.review.finishing import FinishPart
from suggester.review.keeping import day_of
from suggester.review.ladder import ladder
from suggester.review.types import (
    PRIMARY,
    QUERY_KINDS,
    CodeDetails,
    CodeHit,
    CodeRef,
    LadderStep,
    MyCodes,
    PhysicianQuery,
    QueryDraft,
    QueryKind,
    Row,
)
from suggester.review.viewing import query_of, system_of
from suggester.store import decisions, leases, people, queries
from suggester.store.database import Connection
from suggester.store.queries import QueryRow
from suggester.store.store import new_id
from suggester.types import Assertion, Evidence, Span, System

__all__ = ["AskPart"]

_MOST_HITS = 100
_MOST_RECENT = 30
_MOST_OPTIONS = 5
_MOST_QUERIES = 500
_MOST_TEXT = 10_000


@cache
def _wording() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "query_wording.toml").read_text(encoding="utf-8"))


class AskPart(FinishPart):
    """Codes to look up, and questions to the physician."""

    # --- codes ----------------------------------------------------------------------------------------

    def search_codes(
        self,
        token: str,
        query: str,
        *,
        note_id: str | None = None,
        system: System | None = None,
        limit: int = 20,
    ) -> tuple[CodeHit, ...]:
        """Search codes valid on the note's service date; an empty query gives favourites, then recent ones.

        Raises
        ------
        DecisionError
            If no release covers the day.
        """
        with self._reading(token, "codes.search") as (connection, actor):
            on = self._day(connection, note_id)
            marked = people.favourites(connection, actor.user_id)
            recent = decisions.recent_codes(connection, actor.user_id, limit=_MOST_RECENT)
        limit = min(max(limit, 1), _MOST_HITS)
        favourites = set(marked)
        if not query.strip():
            own = self._refs(list(dict.fromkeys([*marked, *recent])), on)
            chosen = [ref for ref in own if system in (None, ref.system)]
            return tuple(
                CodeHit(
                    system=ref.system,
                    code=ref.code,
                    display=ref.display,
                    billable=True,
                    matched="favourite" if (ref.system, ref.code) in favourites else "recent",
                    score=1.0,
                    favourite=(ref.system, ref.code) in favourites,
                )
                for ref in chosen[:limit]
            )
        return tuple(
            CodeHit(
                system=hit.code.system,
                code=hit.code.code,
                display=hit.code.display,
                billable=hit.code.billable,
                matched=hit.matched,
                score=hit.score,
                favourite=(hit.code.system, hit.code.code) in favourites,
            )
            for hit in self.codebook.search(query[:200], system=system, on=on, limit=limit)
        )

    def _day(self, connection: Connection, note_id: str | None) -> date | None:
        return None if note_id is None else day_of(self._note(connection, note_id).service_date)

    def _refs(self, codes: list[tuple[str, str]], on: date | None) -> tuple[CodeRef, ...]:
        """Codes with their titles of a day; those that are not valid on it are left out."""
        found: list[CodeRef] = []
        for system, code in codes:
            try:
                found.append(self.codebook.billable(system_of(system), code, on))
            except DecisionError:
                continue
        return tuple(found)

    def code_details(
        self, token: str, system: System, code: str, *, note_id: str | None = None
    ) -> CodeDetails:
        """A code with hierarchy and tabular notes, on the note's day of service.

        Raises
        ------
        DecisionError
            If there is no such code on the day.
        """
        with self._reading(token, "codes.search") as (connection, actor):
            on = self._day(connection, note_id)
            marked = set(people.favourites(connection, actor.user_id))
        found = self.codebook.code(system, code, on)
        return self.codebook.details(system, found.code, on, favourite=(found.system, found.code) in marked)

    def ladder(self, token: str, note_id: str, row_id: str) -> tuple[LadderStep, ...]:
        """More specific codes near a row's code, and the words that are missing for them."""
        with self._reading(token, "note.read") as (connection, actor):
            view = self._view(connection, actor, note_id, PRIMARY, now=self.store.clock())
        row = _row(view.rows, row_id)
        code = row.replacement or CodeRef(system=row.system, code=row.code)
        return ladder(self.codebook, code.system, code.code, text=view.note.text, on=view.note.service_date)

    def my_codes(self, token: str) -> MyCodes:
        """Favourites and recent codes of the caller."""
        with self._reading(token, "codes.search") as (connection, actor):
            marked = people.favourites(connection, actor.user_id)
            recent = decisions.recent_codes(connection, actor.user_id, limit=_MOST_RECENT)
        return MyCodes(favourites=self._refs(marked, None), recent=self._refs(recent, None))

    def set_favourite(self, token: str, system: System, code: str, *, favourite: bool) -> MyCodes:
        """Mark or unmark a favourite. Errors as `code_details`."""
        found = self.codebook.code(system, code, None)
        with self._writing(token, "codes.search") as (work, actor):
            people.set_favourite(
                work.connection,
                actor.user_id,
                found.system,
                found.code,
                favourite=favourite,
                now=work.now,
            )
        return self.my_codes(token)

    # --- questions to the physician -------------------------------------------------------------------

    def draft_query(
        self,
        token: str,
        note_id: str,
        *,
        kind: QueryKind = "specificity",
        row_id: str | None = None,
        spans: tuple[Span, ...] = (),
    ) -> QueryDraft:
        """Draft a question with the words of the note as clinical indicators; keeps nothing.

        It names no wanted answer: choices are neighbours of the code that share words with the note, in the
        order of the code set, and always an answer of one's own and none at all.

        Raises
        ------
        DecisionError
            If the kind is unknown, there is nothing to quote, or words lie outside the note.
        """
        if kind not in QUERY_KINDS:
            raise DecisionError(f"unknown kind; allowed: {', '.join(QUERY_KINDS)}", reason="query_kind")
        with self._reading(token, "query.write") as (connection, actor):
            view = self._view(connection, actor, note_id, PRIMARY, now=self.store.clock())
        text = view.note.text
        row = None if row_id is None else _row(view.rows, row_id)
        indicators = list(row.evidence) if row is not None else []
        for span in spans:
            if not span.start < span.end <= len(text):
                raise DecisionError("the words lie outside the note", reason="span")
            section = next(
                (s.kind for s in view.sections if s.span.start <= span.start < s.span.end), "header"
            )
            indicators.append(
                Evidence(
                    span=span,
                    quote=text[span.start : span.end],
                    section=section,
                    assertion=Assertion(),
                )
            )
        if not indicators:
            raise DecisionError("choose a code or words of the note to ask about", reason="no_indicators")
        wording = _wording()
        topic = f"“{' '.join(indicators[0].quote.split())}”"
        options = list(wording[kind]["options"])
        if kind == "specificity" and row is not None:
            code = row.replacement or CodeRef(system=row.system, code=row.code)
            steps = ladder(
                self.codebook, code.system, code.code, text=text, on=view.note.service_date, most=50
            )
            # What the words of the note allow for, in the order of the code set, which prefers nothing.
            near = [step for step in steps if step.present] or list(steps)
            options = [s.display for s in sorted(near[:_MOST_OPTIONS], key=lambda step: step.code)]
        options += wording["shared"]["always"]
        question = wording[kind]["question"].format(topic=topic)
        lines = [
            wording["shared"]["greeting"],
            *(f"- {item.section}: “{' '.join(item.quote.split())}”" for item in indicators),
            "",
            question,
            *(f"[ ] {option}" for option in options),
            "",
            wording["shared"]["closing"],
        ]
        return QueryDraft(
            note_id=note_id,
            row_id=row_id,
            kind=kind,
            indicators=tuple(indicators),
            question=question,
            options=tuple(options),
            text="\n".join(lines),
        )

    def ask_physician(
        self, token: str, note_id: str, *, kind: QueryKind, text: str, row_id: str | None = None
    ) -> PhysicianQuery:
        """Keep a question as put to the physician; needs the lease, or a note that nobody holds."""
        if kind not in QUERY_KINDS or not text.strip() or len(text) > _MOST_TEXT:
            raise DecisionError("a question has a kind and 1 to 10000 characters", reason="query_kind")
        with self._writing(token, "query.write") as (work, actor):
            self._note(work.connection, note_id)
            held = leases.held(work.connection, note_id, PRIMARY)
            if held is not None and held.user_id != actor.user_id and held.until > work.now:
                raise HeldError(f"{held.display_name} holds this note", held_by=held.display_name)
            row = QueryRow(
                id=new_id("q"),
                note_id=note_id,
                row_id=row_id,
                kind=kind,
                text=text.strip(),
                status="open",
                answer=None,
                user_id=actor.user_id,
                at=work.now,
                closed_at=None,
                display_name=actor.display_name,
            )
            queries.add(work.connection, row)
            work.record(actor.user_id, "query.ask", row.id, note=note_id, kind=kind)
            return query_of(row)

    def close_query(self, token: str, query_id: str, *, answer: str | None = None) -> PhysicianQuery:
        """Close a question with its answer, or withdraw it (no answer).

        Raises
        ------
        NotFoundError
            If there is no such question.
        DecisionError
            If it is closed already.
        """
        with self._writing(token, "query.write") as (work, actor):
            row = queries.query(work.connection, query_id)
            if row is None:
                raise NotFoundError("there is no such question")
            if row.status != "open":
                raise DecisionError("the question is closed already", reason="status")
            given = answer.strip()[:_MOST_TEXT] if answer and answer.strip() else None
            queries.close(
                work.connection,
                row,
                status="answered" if given else "withdrawn",
                answer=given,
                now=work.now,
            )
            work.record(actor.user_id, "query.close", query_id, note=row.note_id)
            closed = queries.query(work.connection, query_id)
            assert closed is not None  # noqa: S101  # it was there a moment ago
            return query_of(closed)

    def queries(self, token: str, *, open_only: bool = True) -> tuple[PhysicianQuery, ...]:
        """Questions, newest first, at most 500."""
        with self._reading(token, "query.read") as (connection, _):
            rows = queries.recent(connection, open_only=open_only, limit=_MOST_QUERIES)
            return tuple(query_of(row) for row in rows)


def _row(rows: tuple[Row, ...], row_id: str) -> Row:
    for row in rows:
        if row.id == row_id:
            return row
    raise NotFoundError("there is no such row on this note")
