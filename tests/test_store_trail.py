"""The audit trail: every single edit, removal, exchange and cut end is found, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from review_world import KINDS, World, worlds

from suggester.codesets import Catalog
from suggester.errors import DatabaseError
from suggester.review.types import TrailReport
from suggester.store import tables
from suggester.store.chain import Entry, canonical, mac_of, sealed
from suggester.store.store import Store

KEY = bytes(range(32))


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path, catalog: Catalog) -> Iterator[World]:
    yield from worlds(request.param, tmp_path, catalog)


class Tamperer:
    """Changes rows behind the store's back, with its triggers out of the way, and puts everything back."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.engine = world.service.store.engine
        self.postgres = self.engine.dialect.name == "postgresql"
        with self.engine.connect() as connection:
            self.triggers = connection.execute(
                sa.text("select name, sql from sqlite_master where type = 'trigger'")
                if not self.postgres
                else sa.text("select 'x', 'x' where false")
            ).all()

    def report(self, *statements: sa.Executable) -> TrailReport:
        """What a verification finds after the statements; they are undone afterwards."""
        store = self.world.service.store
        with self.engine.connect().execution_options(writing=True) as connection:
            transaction = connection.begin()
            if self.postgres:
                connection.execute(sa.text("set local session_replication_role = replica"))
            else:
                connection.execute(sa.text("pragma defer_foreign_keys = on"))
                for name, _ in self.triggers:
                    connection.execute(sa.text(f"drop trigger {name}"))
            for statement in statements:
                connection.execute(statement)
            found = store_verify(store, connection)
            transaction.rollback()
        return found


def store_verify(store: Store, connection: sa.Connection) -> TrailReport:
    """Verify as the store does, on a connection that sees changes that are not committed."""
    from suggester.store import trail

    report = trail.verify(connection, store._key, dict(store.anchors.heads()))
    return TrailReport(
        entries=report.entries,
        decisions=report.decisions,
        anchors=report.anchors,
        faults=report.faults,  # type: ignore[arg-type]
    )


def filled(world: World) -> int:
    """A store with a little work in it; the last entry's number."""
    [note] = world.put("diabetes and cough")
    world.finished(note)
    report = world.service.store.verify()
    assert report.faults == ()
    assert report.decisions == 4
    return report.entries


def test_every_single_change_of_an_entry_is_found_and_placed(world: World) -> None:
    last = filled(world)
    tamper = Tamperer(world)
    a = tables.audit
    for seq in range(1, last + 1):
        for column, value in (
            ("at", 1),
            ("actor", "somebody"),
            ("action", "nothing"),
            ("subject", "else"),
            ("detail", '{"x":1}'),
            ("prev", "f" * 64),
            ("mac", "f" * 64),
        ):
            found = tamper.report(a.update().where(a.c.seq == seq).values(**{column: value}))
            assert not found.intact, (seq, column)
            assert any(fault.seq == seq and fault.kind == "edited" for fault in found.faults), (seq, column)


def test_every_removed_entry_is_found_and_placed(world: World) -> None:
    last = filled(world)
    tamper = Tamperer(world)
    a = tables.audit
    for seq in range(1, last + 1):
        found = tamper.report(a.delete().where(a.c.seq == seq))
        kind = "cut" if seq == last else "deleted"
        assert any(fault.seq == seq and fault.kind == kind for fault in found.faults), seq


def test_every_cut_tail_is_found_and_placed(world: World) -> None:
    last = filled(world)
    tamper = Tamperer(world)
    a = tables.audit
    for keep in range(last):
        found = tamper.report(a.delete().where(a.c.seq > keep))
        assert any(fault.seq == keep + 1 and fault.kind == "cut" for fault in found.faults), keep


def test_every_exchange_of_two_entries_is_found_and_placed(world: World) -> None:
    last = filled(world)
    tamper = Tamperer(world)
    a = tables.audit

    def moved(at: int, to: int) -> sa.Executable:
        return a.update().where(a.c.seq == at).values(seq=to)

    for one in range(1, last):
        for two in {one + 1, last} - {one}:
            found = tamper.report(moved(one, 9999), moved(two, one), moved(9999, two))
            kinds = {fault.seq: fault.kind for fault in found.faults}
            assert kinds.get(one) == kinds.get(two) == "reordered", (one, two)


def test_entries_that_close_a_gap_are_found(world: World) -> None:
    last = filled(world)
    tamper = Tamperer(world)
    a = tables.audit
    steps: list[sa.Executable] = [a.delete().where(a.c.seq == 3)]
    steps += [a.update().where(a.c.seq == seq).values(seq=seq - 1) for seq in range(4, last + 1)]
    found = tamper.report(*steps)
    assert found.faults[0].seq == 3


def test_decisions_are_held_by_the_trail(world: World) -> None:
    filled(world)
    tamper = Tamperer(world)
    d = tables.decisions
    with world.service.store.read() as connection:
        rows = connection.execute(sa.select(d)).mappings().all()
    for row in rows:
        changed = tamper.report(d.update().where(d.c.id == row["id"]).values(code="Z00.00"))
        assert [fault.kind for fault in changed.faults] == ["decision"]
        gone = tamper.report(d.delete().where(d.c.id == row["id"]))
        assert [fault.kind for fault in gone.faults] == ["decision"]
    slipped = tamper.report(d.insert().values(**dict(rows[0]) | {"id": "slipped-in", "version": 99}))
    assert [fault.kind for fault in slipped.faults] == ["decision"]


def test_note_texts_are_held_by_the_trail(world: World) -> None:
    filled(world)
    tamper = Tamperer(world)
    r = tables.readings
    assert [f.kind for f in tamper.report(r.update().values(text="another")).faults] == ["note"]
    assert [f.kind for f in tamper.report(r.delete()).faults] == ["note"]


def test_database_refuses_to_change_decisions_and_trail(world: World) -> None:
    filled(world)
    engine = world.service.store.engine
    for table in (tables.decisions, tables.audit):
        for statement in (table.update().values(at=1), table.delete()):
            with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
                connection.execute(statement)
    if engine.dialect.name == "postgresql":
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(sa.text("truncate audit"))
    assert world.service.store.verify().faults == ()


def test_error_of_the_store_tells_no_values(world: World) -> None:
    filled(world)
    with pytest.raises(DatabaseError) as caught, world.service.store.write() as work:
        work.connection.execute(tables.users.insert().values(id="u", name="secret-name"))
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_wrong_anchor_is_found(world: World) -> None:
    filled(world)
    world.service.store.anchors.append(2, "0" * 64)
    assert [fault.kind for fault in world.service.store.verify().faults] == ["anchor"]


def test_crash_between_commit_and_anchor_is_caught_up(world: World, caplog: pytest.LogCaptureFixture) -> None:
    last = filled(world)
    store = world.service.store
    lines = world.files.anchor_file.read_text().splitlines(keepends=True)
    world.files.anchor_file.write_text("".join(lines[:-2]) + lines[-1][:9])  # the last line is torn
    assert store.anchors.highest() < last
    Store.open(world.files).close()
    assert store.anchors.highest() == last
    assert store.verify().faults == ()
    world.files.anchor_file.write_text("".join(lines[:2]))
    a = tables.audit
    tamper = Tamperer(world)
    with store.engine.begin() as connection:
        if tamper.postgres:
            connection.execute(sa.text("set local session_replication_role = replica"))
        for name, _ in tamper.triggers:
            connection.execute(sa.text(f"drop trigger {name}"))
        connection.execute(a.update().where(a.c.seq == last).values(actor="x"))
    Store.open(world.files).close()
    assert "run `suggester audit verify`" in caplog.text
    assert store.verify().faults != ()


@given(
    contents=st.lists(st.text(alphabet="ab", max_size=3), min_size=1, max_size=6),
    at=st.integers(0, 5),
    name=st.sampled_from(["at", "actor", "action", "subject", "detail", "prev", "seq"]),
)
def test_mac_covers_every_field(contents: list[str], at: int, name: str) -> None:
    chain: list[Entry] = []
    for text in contents:
        previous = chain[-1] if chain else None
        chain.append(
            sealed(KEY, previous, at=1, actor=text, action="do", subject="it", detail=canonical({"t": text}))
        )
    entry = chain[at % len(chain)]
    assert mac_of(KEY, entry) == entry.mac
    values = {field: getattr(entry, field) for field in Entry.__slots__}
    values[name] = values[name] + 1 if isinstance(values[name], int) else values[name] + "x"
    assert mac_of(KEY, Entry(**values)) != entry.mac
    assert mac_of(bytes(32), entry) != entry.mac
