"""Leases and decisions under any order of events, with a clock that we turn."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from review_world import World, fresh_uuid, made_world

from suggester.codesets import Catalog
from suggester.errors import DecisionError, HeldError, ReviewError
from suggester.review.machine import Seed, Step, check, replay, undoable
from suggester.review.types import ROW_STATES, WORK_ACTIONS, DecisionInput, WorkFilters, added_row_id
from suggester.store.store import Store

LEASE_MS = 15 * 60_000
CODES = ("I10", "E11.9", "J44.1")
PEOPLE = (1, 2, 3)
NOTES = (0, 1, 2)


class Review(RuleBasedStateMachine):
    """Three coders on three notes. The model knows who holds what until when, and what was acknowledged."""

    catalog: Catalog

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="suggester-state-"))
        self.world: World = made_world(
            self.folder, self.catalog, session_idle_minutes=24 * 60, session_hours=24 * 7
        )
        self.notes = self.world.put("diabetes and cough", "hypertension, fever", "gout")
        self.tokens = {number: self.world.token("coder", number) for number in PEOPLE}
        self.held: dict[str, tuple[int, int]] = {}
        self.finished: set[str] = set()
        self.acked: dict[str, DecisionInput] = {}

    def teardown(self) -> None:
        if hasattr(self, "world"):
            assert self.world.service.store.verify().faults == ()
            self.world.service.close()
            shutil.rmtree(self.folder)

    def holder(self, note: str) -> int | None:
        """Who holds a note now."""
        who, until = self.held.get(note, (0, 0))
        return who if until > self.world.clock.now else None

    def may_decide(self, who: int, note: str) -> bool:
        """A lapsed lease counts as long as nobody else took the note."""
        return note not in self.finished and self.held.get(note, (0, 0))[0] == who

    def keep(self, who: int, note: str) -> None:
        self.held[note] = (who, self.world.clock.now + LEASE_MS)

    @rule(seconds=st.sampled_from([1, 60, 14 * 60, 15 * 60, 16 * 60]))
    def wait(self, seconds: int) -> None:
        self.world.clock.forward(seconds=seconds)

    @rule(who=st.sampled_from(PEOPLE), number=st.sampled_from(NOTES))
    def take(self, who: int, number: int) -> None:
        note = self.notes[number]
        try:
            view = self.world.service.take(self.tokens[who], note)
        except HeldError:
            assert self.holder(note) not in (None, who)
        except DecisionError:
            assert note in self.finished
        else:
            assert self.holder(note) in (None, who)
            assert note not in self.finished
            assert view.lease is not None
            self.keep(who, note)

    @rule(who=st.sampled_from(PEOPLE))
    def take_next(self, who: int) -> None:
        view = self.world.service.take_next(self.tokens[who], WorkFilters(free=True))
        free = [note for note in self.notes if note not in self.finished and self.holder(note) is None]
        if view is None:
            assert free == []
        else:
            assert view.id in free
            self.keep(who, view.id)

    @rule(who=st.sampled_from(PEOPLE), number=st.sampled_from(NOTES))
    def heartbeat(self, who: int, number: int) -> None:
        note = self.notes[number]
        try:
            self.world.service.heartbeat(self.tokens[who], note)
        except HeldError:
            assert self.held.get(note, (0, 0))[0] != who
        else:
            assert self.held[note][0] == who
            self.keep(who, note)

    @rule(who=st.sampled_from(PEOPLE), number=st.sampled_from(NOTES))
    def release(self, who: int, number: int) -> None:
        note = self.notes[number]
        self.world.service.release(self.tokens[who], note)
        if self.held.get(note, (0, 0))[0] == who:
            del self.held[note]

    @rule(
        who=st.sampled_from(PEOPLE),
        number=st.sampled_from(NOTES),
        action=st.sampled_from(WORK_ACTIONS),
        row=st.integers(1, 3),
        code=st.sampled_from(CODES),
        position=st.integers(1, 3),
    )
    def decide(self, who: int, number: int, action: Any, row: int, code: str, position: int) -> None:
        note = self.notes[number]
        item = DecisionInput(
            uuid=fresh_uuid(),
            note_id=note,
            action=action,
            row_id=f"{note}.{row}",
            system="ICD-10-CM",
            code=code,
            reason="a reason",
            position=position,
        )
        [ack] = self.world.service.decide_batch(self.tokens[who], (item,))
        if not self.may_decide(who, note):
            assert ack.status == "refused"
            assert ack.code in ("held", "status")
        elif ack.status == "durable":
            self.acked[ack.uuid] = item
            self.keep(who, note)
        else:
            self.keep(who, note)

    @precondition(lambda self: self.acked)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        uuid = data.draw(st.sampled_from(sorted(self.acked)))
        item = self.acked[uuid]
        for who in PEOPLE:
            [ack] = self.world.service.decide_batch(self.tokens[who], (item,))
            assert (ack.status, ack.code) in (("durable", None), ("refused", "uuid_reused"))

    @rule(who=st.sampled_from(PEOPLE), number=st.sampled_from(NOTES))
    def finish(self, who: int, number: int) -> None:
        note = self.notes[number]
        try:
            done = self.world.service.finish(self.tokens[who], note)
        except (HeldError, DecisionError):
            assert not self.may_decide(who, note)
        else:
            assert self.may_decide(who, note)
            codes = [(code.system, code.code) for code in done.summary.codes]
            assert len(codes) == len(set(codes))
            self.finished.add(note)
            self.held.pop(note)

    @rule(number=st.sampled_from(NOTES))
    def reopen(self, number: int) -> None:
        note = self.notes[number]
        try:
            self.world.service.reopen(self.world.token("auditor"), note, reason="again")
        except ReviewError:
            assert note not in self.finished
        else:
            self.finished.remove(note)

    @rule()
    def restart(self) -> None:
        self.world.service.store.close()
        self.world.service.store = Store.open(self.world.files, clock=self.world.clock)

    @invariant()
    def everything_acknowledged_is_kept(self) -> None:
        if not hasattr(self, "world"):
            return
        kept: set[str] = set()
        for note in self.notes:
            history = self.world.service.history(self.tokens[1], note)
            assert [row.version for row in history] == list(range(1, len(history) + 1))
            kept.update(row.id for row in history)
        assert set(self.acked) <= kept

    @invariant()
    def worklist_shows_who_holds_what(self) -> None:
        if not hasattr(self, "world"):
            return
        for row in self.world.service.worklist(self.tokens[1]).rows:
            holder = self.holder(row.id)
            assert row.held_by == (None if holder is None else f"coder{holder}")
            assert (row.status == "finished") is (row.id in self.finished)


def test_leases_and_decisions_hold_in_any_order(catalog: Catalog) -> None:
    Review.catalog = catalog
    run_state_machine_as_test(
        Review,
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


# --- the pure machine --------------------------------------------------------------------------------

SEEDS = [
    Seed(id=f"n.{number}", system="ICD-10-CM", code=code, display="")
    for number, code in enumerate(("A00.0", "B00.0", "C00.0"), 1)
]

STEPS = st.builds(
    Step,
    id=st.uuids().map(str),
    note_id=st.just("n"),
    action=st.sampled_from((*WORK_ACTIONS, "start", "finish", "reopen", "second_review")),
    reviewer=st.sampled_from(["ann", "bob"]),
    row_id=st.sampled_from(["n.1", "n.2", "n.3", "n.a1", None]),
    system=st.sampled_from(["ICD-10-CM", "CPT", None]),
    code=st.sampled_from(["A00.0", "B00.0", "99213", None]),
    reason=st.sampled_from(["no", None]),
    position=st.sampled_from([1, 2, 9, 0, None]),
)


@settings(max_examples=200)
@given(st.lists(STEPS, max_size=25))
def test_state_is_what_the_kept_steps_add_up_to(steps: list[Step]) -> None:
    kept: list[Step] = []
    for step in steps:
        before = replay(SEEDS, kept)
        try:
            done, after = check(SEEDS, kept, step)
        except DecisionError:
            assert replay(SEEDS, kept) == before
            continue
        kept.append(done)
        assert replay(SEEDS, kept) == after
        assert sorted(after.order) == sorted(row.id for row in after.rows.values() if row.counts)
        codes = [(row.system, row.code) for row in after.codes]
        assert len(codes) == len(set(codes))
        assert all(row.state in ROW_STATES for row in after.rows.values())
        assert after.pending == sum(row.decided is None for row in after.rows.values())
        if done.action == "undo":
            without = [s for s in kept if s.id not in (done.id, done.target)]
            assert replay(SEEDS, without) == replay(SEEDS, kept)
        if done.action == "add":
            assert after.rows[added_row_id("n", done.id)].added
        for reviewer in ("ann", "bob"):
            for able in undoable(kept, reviewer):
                assert next(s for s in kept if s.id == able).reviewer == reviewer


def test_undo_that_would_bring_a_code_in_twice_is_refused() -> None:
    def step(number: int, action: Any, **values: Any) -> Step:
        return Step(id=f"s{number}", note_id="n", action=action, reviewer="ann", **values)

    kept: list[Step] = []
    for new in (
        step(0, "start"),
        step(1, "accept", row_id="n.1"),
        step(2, "reject", row_id="n.1", reason="no"),
        step(3, "add", system="ICD-10-CM", code="A00.0"),
    ):
        kept.append(check(SEEDS, kept, new)[0])
    with pytest.raises(DecisionError, match="twice"):
        check(SEEDS, kept, step(4, "undo", target="s2"))
    done, state = check(SEEDS, kept, step(4, "undo"))
    assert done.target == "s3"
    assert state.order == []


@pytest.mark.parametrize("action", ["add", "replace"])
def test_code_is_needed(action: Any) -> None:
    begun = [Step(id="s0", note_id="n", action="start", reviewer="ann")]
    with pytest.raises(DecisionError) as caught:
        check(SEEDS, begun, Step(id="s1", note_id="n", action=action, reviewer="ann", row_id="n.1"))
    assert caught.value.reason == "code_missing"
