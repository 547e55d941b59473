"""A review service in memory, for tests of pages and routes that are not about the store.

It keeps the promises that the pages rest on (uuids are replayed harmlessly, versions grow, one holder a note)
and nothing else. The browser tests run on the real service.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

from suggester.errors import (
    DecisionError,
    HeldError,
    NotFoundError,
    SessionError,
    SignInError,
    StandingFlagsError,
)
from suggester.review.types import (
    NOTE_STATUSES,
    Ack,
    Actor,
    BulkPreview,
    CodeDetails,
    CodeHit,
    CodeRef,
    DecisionInput,
    FinalCode,
    Finished,
    LadderStep,
    Lease,
    MyCodes,
    NoteView,
    Progress,
    QueryDraft,
    Role,
    Row,
    SignedIn,
    Summary,
    User,
    WorkCounts,
    WorkPage,
    WorkRow,
    added_row_id,
)
from suggester.types import Flag, Note, Run, Suggestions

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
RUN = Run(version="0", model="general", codesets=(("ICD-10-CM", "2026-04-01"),), config_hash="")


class MemoryReview:
    """Sessions by name, notes with rows, decisions by uuid."""

    is_demo = True

    def __init__(
        self, results: tuple[tuple[Note, Suggestions], ...], *, flags: tuple[Flag, ...] = ()
    ) -> None:
        self.sessions: dict[str, Actor] = {}
        self.ended: dict[str, str] = {}
        self.seen: dict[str, DecisionInput] = {}
        self.batches: list[tuple[str, str]] = []
        self.standing = flags
        self.views = {f"n{i}": _view(f"n{i}", note, result) for i, (note, result) in enumerate(results, 1)}
        self.holders: dict[str, str] = {}
        self.users: dict[str, User] = {}

    # --- sessions ---
    def _enter(self, name: str, role: Role) -> SignedIn:
        token = f"token-{name}-{len(self.sessions)}"
        actor = Actor(user_id=name, name=name, display_name=name.title(), role=role, session_id=token)
        self.sessions[token] = actor
        return SignedIn(token=token, actor=actor, expires_at=NOW + timedelta(hours=12), idle_seconds=900)

    def sign_in(self, name: str, password: str) -> SignedIn:
        if not password.startswith("right"):
            raise SignInError("name and password do not go together")
        return self._enter(name, "coder")

    def demo_sign_in(self, role: Role = "coder", *, peer: str = "127.0.0.1") -> SignedIn:
        return self._enter(f"demo-{role}", role)

    def sign_in_proxy(self, *, name: str, peer: str) -> SignedIn:
        if peer not in ("127.0.0.1", "testclient"):
            raise SignInError("not from this machine")
        return self._enter(name, "coder")

    def whoami(self, token: str, *, touch: bool = False) -> Actor:
        if token not in self.sessions:
            raise SessionError(self.ended.get(token, "unknown"))
        return self.sessions[token]

    def sign_out(self, token: str) -> None:
        self.whoami(token)
        self.end(token, "signed_out")

    def end(self, token: str, reason: str) -> None:
        del self.sessions[token]
        self.ended[token] = reason

    def sign_in_identity(self, *, issuer: str, subject: str, email: str | None = None) -> SignedIn:
        return self._enter(f"{subject} {email}", "coder")

    # --- users ---
    def list_users(self, token: str) -> tuple[User, ...]:
        self.whoami(token)
        return tuple(self.users.values())

    def add_user(self, token: str, *, name: str, role: Role, **fields: Any) -> User:
        if not name:
            raise DecisionError("the user's name is empty", reason="user_name")
        made = User(
            id=f"u-{name}", name=name, display_name=fields.get("display_name") or name, role=role, email=None,
            identity=None, disabled=False, locked_until=None, created_at=NOW, has_password=True,
        )  # fmt: skip
        self.users[made.id] = made
        return made

    def set_role(self, token: str, user_id: str, role: Role) -> User:
        return self._changed(user_id, role=role)

    def set_disabled(self, token: str, user_id: str, *, disabled: bool) -> User:
        return self._changed(user_id, disabled=disabled)

    def set_password(self, token: str, user_id: str, password: str) -> None:
        if len(password) < 10:
            raise DecisionError("a password has at least 10 characters", reason="password")

    def _changed(self, user_id: str, **fields: Any) -> User:
        self.users[user_id] = dataclasses.replace(self.users[user_id], **fields)
        return self.users[user_id]

    # --- notes ---
    def _found(self, token: str, note_id: str) -> NoteView:
        self.whoami(token)
        if note_id not in self.views:
            raise NotFoundError("there is no such note")
        return self.views[note_id]

    def worklist(self, token: str, filters: Any = None, *, sort: str = "risk", offset: int = 0,
                 limit: int = 50) -> WorkPage:  # fmt: skip
        self.whoami(token)
        rows = tuple(_work_row(view) for view in self.views.values())
        return WorkPage(rows=rows[offset : offset + limit], total=len(rows), offset=offset, limit=limit)

    def work_counts(self, token: str, filters: Any = None) -> WorkCounts:
        self.whoami(token)
        by_status = tuple((status, sum(v.status == status for v in self.views.values()))
                          for status in NOTE_STATUSES)  # fmt: skip
        return WorkCounts(by_status=by_status, by_kind=(), by_flag=(), total=len(self.views))

    def coders(self, token: str) -> tuple[tuple[str, str], ...]:
        self.whoami(token)
        return ()

    def progress(self, token: str, filters: Any = None) -> Progress:
        self.whoami(token)
        done = sum(view.status == "finished" for view in self.views.values())
        return Progress(
            day=NOW.date(), finished_today=done, codes_today=0, seconds_today=0.0, seconds_a_note=None,
            open_notes=len(self.views) - done, minutes_left=None,
        )  # fmt: skip

    def take_next(
        self, token: str, filters: Any = None, *, sort: str = "risk", skip: tuple[str, ...] = ()
    ) -> NoteView | None:
        me = self.whoami(token).session_id
        for note_id, view in self.views.items():
            free = self.holders.get(note_id, me) == me
            if view.status != "finished" and note_id not in skip and free:
                return self.take(token, note_id)
        return None

    def take(self, token: str, note_id: str, *, track: str = "primary") -> NoteView:
        me = self.whoami(token)
        self._found(token, note_id)
        if self.holders.setdefault(note_id, me.session_id) != me.session_id:
            raise HeldError("somebody else holds this note", held_by="Ada")
        lease = Lease(note_id=note_id, track=track, user_id=me.user_id, until=NOW + timedelta(minutes=15))
        return dataclasses.replace(self.views[note_id], lease=lease, track=track)

    def view(self, token: str, note_id: str, *, track: str = "primary") -> NoteView:
        return self._found(token, note_id)

    def heartbeat(self, token: str, note_id: str, *, track: str = "primary") -> Lease:
        lease = self.take(token, note_id).lease
        assert lease is not None
        return lease

    def release(self, token: str, note_id: str, *, track: str = "primary") -> None:
        self._found(token, note_id)
        self.holders.pop(note_id, None)

    # --- decisions ---
    def decide_batch(
        self, token: str, decisions: tuple[DecisionInput, ...], *, client: str = "", track: str = "primary"
    ) -> tuple[Ack, ...]:
        self.whoami(token)
        self.batches.append((client, track))
        return tuple(self._decide(token, item) for item in decisions)

    def _decide(self, token: str, item: DecisionInput) -> Ack:
        view = self._found(token, item.note_id)
        if item.uuid in self.seen:
            return Ack(uuid=item.uuid, status="durable", version=view.version)
        if item.action == "add":
            row = _row(
                added_row_id(item.note_id, item.uuid),
                item.system,
                item.code or "",
                "Added",
                None,
                99,
                added=True,
            )
            rows: tuple[Row, ...] = (*view.rows, dataclasses.replace(row, state="accepted"))
        elif item.action == "undo":
            target = self.seen.get(item.target or "")
            back = target.row_id if target else None
            rows = tuple(dataclasses.replace(r, state="pending") if r.id == back else r for r in view.rows)
        elif item.action == "order":
            rows = view.rows
        else:
            state = {"accept": "accepted", "reject": "rejected", "replace": "replaced"}[item.action]
            if item.row_id not in {row.id for row in view.rows}:
                return Ack(
                    uuid=item.uuid,
                    status="refused",
                    version=view.version,
                    code="row_unknown",
                    message="no such row",
                )
            rows = tuple(
                dataclasses.replace(r, state=state, reason=item.reason) if r.id == item.row_id else r  # type: ignore[arg-type]
                for r in view.rows
            )
        self.seen[item.uuid] = item
        codes = tuple(
            FinalCode(
                position=i, system=r.system, code=r.code, display=r.display, row_id=r.id,
                decision_id=item.uuid, reviewer="Ada", evidence=tuple(e.span for e in r.evidence),
            )
            for i, r in enumerate((r for r in rows if r.state in ("accepted", "replaced")), 1)
        )  # fmt: skip
        self.views[item.note_id] = dataclasses.replace(
            view, rows=rows, codes=codes, version=view.version + 1, status="in_review", can_undo=True
        )
        return Ack(uuid=item.uuid, status="durable", version=view.version + 1)

    def bulk_preview(self, token: str, note_id: str, threshold: float) -> BulkPreview:
        view = self._found(token, note_id)
        rows = [r for r in view.rows if r.state == "pending" and (r.confidence or 0) >= threshold]
        wrong = sum(1 - (r.confidence or 0) for r in rows)
        return BulkPreview(
            note_id=note_id, threshold=threshold, rows=tuple(r.id for r in rows), expected_wrong=wrong,
            version=view.version,
        )  # fmt: skip

    def bulk_accept(self, token: str, preview: BulkPreview, *, client: str = "") -> tuple[Ack, ...]:
        return tuple(
            self._decide(
                token,
                DecisionInput(uuid=f"bulk-{row}", note_id=preview.note_id, action="accept", row_id=row),
            )
            for row in preview.rows
        )

    # --- finishing ---
    def summary(self, token: str, note_id: str, *, track: str = "primary") -> Summary:
        view = self._found(token, note_id)
        return Summary(
            note_id=note_id, name=view.note.id, encounter_id=None, service_date=view.note.service_date,
            status=view.status, version=view.version, codes=view.codes, flags=self.standing,
            standing=self.standing, overrides=(), pending=sum(r.state == "pending" for r in view.rows),
            run=RUN, finished_by=None, finished_at=None,
        )  # fmt: skip

    def finish(self, token: str, note_id: str, *, overrides: tuple[Any, ...] = (), version: int | None = None,
               track: str = "primary") -> Finished:  # fmt: skip
        left = tuple(f for f in self.standing if f.rule_id not in {o.rule_id for o in overrides})
        if left:
            raise StandingFlagsError(left)
        self.views[note_id] = dataclasses.replace(self._found(token, note_id), status="finished")
        self.holders.pop(note_id, None)
        return Finished(summary=self.summary(token, note_id), seconds=42.0, planted=())

    def reopen(self, token: str, note_id: str, *, reason: str) -> WorkPage:
        self.views[note_id] = dataclasses.replace(self._found(token, note_id), status="reopened")
        return self.worklist(token)

    def send_to_second_review(self, token: str, note_id: str, *, reason: str) -> None:
        self.views[note_id] = dataclasses.replace(self._found(token, note_id), status="second_review")

    def export_csv(self, token: str, note_ids: tuple[str, ...]) -> bytes:
        return "\n".join(["code", *(c.code for c in self._found(token, note_ids[0]).codes)]).encode()

    def export_json(self, token: str, note_ids: tuple[str, ...]) -> bytes:
        self._found(token, note_ids[0])
        return b"{}"

    # --- codes and queries ---
    def search_codes(
        self, token: str, query: str, *, note_id: str | None = None, system: Any = None, limit: int = 20
    ) -> tuple[CodeHit, ...]:
        self.whoami(token)
        hit = CodeHit(
            system=system or "ICD-10-CM", code="I10", display="Essential (primary) hypertension",
            billable=True, matched=query, score=1.0, favourite=False,
        )  # fmt: skip
        return (hit,)[:limit]

    def code_details(self, token: str, system: Any, code: str, *, note_id: str | None = None) -> CodeDetails:
        self.whoami(token)
        return CodeDetails(
            system=system, code=code, display="Title", billable=True, release="r", ancestors=(), children=(),
            notes=(("includes", "high blood pressure", code),), favourite=False,
        )  # fmt: skip

    def ladder(self, token: str, note_id: str, row_id: str) -> tuple[LadderStep, ...]:
        self._found(token, note_id)
        return (
            LadderStep(
                system="ICD-10-CM", code="I11.9", display="More", missing=("heart",), present=("disease",)
            ),
        )

    def my_codes(self, token: str) -> MyCodes:
        self.whoami(token)
        return MyCodes(favourites=(CodeRef(system="ICD-10-CM", code="I10"),), recent=())

    def set_favourite(self, token: str, system: Any, code: str, *, favourite: bool) -> MyCodes:
        return self.my_codes(token)

    def draft_query(
        self,
        token: str,
        note_id: str,
        *,
        kind: Any = "specificity",
        row_id: str | None = None,
        spans: Any = (),
    ) -> QueryDraft:
        self._found(token, note_id)
        return QueryDraft(
            note_id=note_id, row_id=row_id, kind=kind, indicators=(), question="?", options=(), text="Which?"
        )

    def ask_physician(
        self, token: str, note_id: str, *, kind: Any, text: str, row_id: str | None = None
    ) -> dict[str, str]:
        self._found(token, note_id)
        return {"id": "q1", "text": text}


def _row(row_id: str, system: Any, code: str, display: str, confidence: float | None, rank: int,
         *, added: bool = False) -> Row:  # fmt: skip
    return Row(
        id=row_id, system=system, code=code, display=display, confidence=confidence, rank=rank, added=added,
        state="pending", replacement=None, reason=None, evidence=(), reasons=(), flags=(), decision_id=None,
        decided_by=None, decided_at=None, position=None, modifiers=(), units=None,
    )  # fmt: skip


def _view(note_id: str, note: Note, result: Suggestions) -> NoteView:
    rows = tuple(
        dataclasses.replace(
            _row(f"{note_id}.{s.rank}", s.code.system, s.code.code, s.code.display, s.confidence, s.rank),
            evidence=s.evidence, reasons=s.reasons, flags=s.flags,
        )
        for s in result.suggestions
    )  # fmt: skip
    return NoteView(
        id=note_id, note=note, status="new", track="primary", version=0, rows=rows, codes=(),
        not_coded=result.not_coded, flags=result.flags, overrides=(), sections=(), marks=(), queries=(),
        run=result.run, em=None, lease=None, can_undo=False, imported_at=NOW,
    )  # fmt: skip


def _work_row(view: NoteView) -> WorkRow:
    pending = sum(row.state == "pending" for row in view.rows)
    return WorkRow(
        id=view.id, name=view.note.id, status=view.status, kind=view.note.kind, setting=view.note.setting,
        service_date=view.note.service_date, encounter_id=None, imported_at=NOW, suggestions=len(view.rows),
        pending=pending, lowest_confidence=None, risk=0.0, errors=0, warnings=0,
        characters=len(view.note.text), assigned_to=None, held_by=None, held_by_me=False, open_queries=0,
        version=view.version,
    )  # fmt: skip
