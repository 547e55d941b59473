"""Backup and restore: checked, complete, from one kind of database into the other; and the commands."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from review_world import KINDS, World, new_postgres_database, worlds
from typer.testing import CliRunner

from suggester.cli import main
from suggester.codesets import Catalog
from suggester.errors import DatabaseError
from suggester.store import tables
from suggester.store.backup import backup, restore
from suggester.store.keyfiles import read_or_make_key
from suggester.store.store import Store, StoreFiles


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path, catalog: Catalog) -> Iterator[World]:
    yield from worlds(request.param, tmp_path, catalog)


def everything(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(sa.select(table))), key=repr)
            for table in tables.metadata.sorted_tables
        }


def elsewhere(world: World, folder: Path, kind: str) -> StoreFiles:
    url = new_postgres_database() if kind == "postgresql" else f"sqlite:///{folder / 'other.sqlite'}"
    return StoreFiles(url=url, key_file=world.files.key_file, anchor_file=folder / "other.anchor")


@pytest.mark.parametrize("target", KINDS)
def test_backup_comes_back_whole_in_either_kind(world: World, tmp_path: Path, target: str) -> None:
    notes = world.put("cough", "fever", "gout", encounter_id="e")
    world.finished(notes[0])
    world.service.ask_physician(world.token("coder"), notes[1], kind="cause", text="why?")
    store = world.service.store
    kept = tmp_path / "out" / "copy.backup"
    kept.parent.mkdir()
    done = backup(store, kept)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert list(kept.parent.iterdir()) == [kept]
    assert done.rows["notes"] == 3
    before = everything(store)
    files = elsewhere(world, tmp_path, target)
    found = restore(kept, files, clock=world.clock)
    assert (found.rows, found.head, found.lost) == (done.rows, done.head, 0)
    other = Store.open(files, create=False, clock=world.clock)
    after = everything(other)
    assert set(before["audit"]) < set(after["audit"])
    assert len(after["audit"]) == len(before["audit"]) + 1
    assert {k: v for k, v in after.items() if k != "audit"} == {
        k: v for k, v in before.items() if k != "audit"
    }
    assert other.verify().faults == ()
    world.service.store = other
    world.finished(notes[1])  # numbers go on where they were
    assert other.verify().faults == ()
    other.close()
    world.service.store = store


def test_restore_says_what_is_lost_and_begins_new_anchors(world: World, tmp_path: Path) -> None:
    [note] = world.put("cough")
    kept = tmp_path / "copy.backup"
    done = backup(world.service.store, kept)
    world.finished(note)
    last = world.service.store.verify().entries
    files = StoreFiles(
        url=elsewhere(world, tmp_path, "sqlite").url,
        key_file=world.files.key_file,
        anchor_file=world.files.anchor_file,
    )
    found = restore(kept, files)
    assert found.lost == last - done.head > 0
    other = Store.open(files)
    assert other.verify().faults == ()
    assert world.files.anchor_file.with_name("audit.anchor.1").exists()
    other.close()


def test_backup_and_restore_refuse_what_they_must(world: World, tmp_path: Path) -> None:
    world.put("cough")
    store = world.service.store
    kept = tmp_path / "copy.backup"
    backup(store, kept)
    with pytest.raises(DatabaseError, match="is there already"):
        backup(store, kept)
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseError, match="cannot be written"):
        backup(store, tmp_path / "file" / "copy.backup")
    with pytest.raises(DatabaseError, match="there is a store"):
        restore(kept, world.files)
    with pytest.raises(DatabaseError, match="no backup"):
        restore(tmp_path / "nothing", world.files)
    files = elsewhere(world, tmp_path, "sqlite")
    stranger = StoreFiles(url=files.url, key_file=tmp_path / "another.key", anchor_file=files.anchor_file)
    read_or_make_key(stranger.key_file)
    with pytest.raises(DatabaseError, match="key of the audit trail"):
        restore(kept, stranger)
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("x" * 5000)
    with pytest.raises(DatabaseError, match="no database"):
        restore(nonsense, files)
    engine = sa.create_engine(f"sqlite:///{kept}")
    with engine.begin() as connection:
        connection.execute(sa.text("drop trigger audit_no_update"))
        connection.execute(tables.audit.update().where(tables.audit.c.seq == 2).values(actor="x"))
    engine.dispose()
    with pytest.raises(DatabaseError, match="entry 2 was changed"):
        restore(kept, files)
    with (engine := sa.create_engine(f"sqlite:///{kept}")).begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '0000'"))
    engine.dispose()
    with pytest.raises(DatabaseError, match="another version"):
        restore(kept, files)
    assert not (tmp_path / "other.sqlite").exists()


# --- commands ----------------------------------------------------------------------------------------


def test_commands_over_a_store_from_first_to_last(tmp_path: Path, catalog: Catalog) -> None:
    folder = tmp_path / "review"
    env = {"SUGGESTER_REVIEW_DIR": str(folder)}

    def run(*words: str, stdin: str | None = None, code: int = 0) -> tuple[str, str]:
        result = CliRunner().invoke(main, words, env=env, input=stdin)
        assert result.exit_code == code, result.stderr
        return result.stdout, result.stderr

    run("audit", "verify", code=1)
    run("train", "--from-store", "-o", str(tmp_path / "m"), code=1)
    run("train", "-o", str(tmp_path / "m"), code=2)
    assert "is ready: sqlite review.sqlite" in run("store", "init")[1]
    gold = tmp_path / "notes.jsonl"
    gold.write_text('{"id": "n1", "text": "HPI: cough"}\n{"id": "n2"}\n{"id": "n3", "text": "gout"}\n')
    said = run("store", "import", str(gold), code=1)[1]
    assert "2 imported, 0 there already, 1 failed" in said
    assert "notes.jsonl:2" in said
    run("users", "add", "Ann", "--role", "manager", "--password-stdin", stdin="a good password\n")
    run("users", "add", "bob", "--no-password", "--email", "b@x.example", "--display-name", "Bob")
    run("users", "add", "bob", "--no-password", code=1)
    run("users", "add", "eve", "--role", "root", "--no-password", code=1)
    run("users", "add", "eve", stdin="another password\nanother password\n")
    run("users", "password", "ann", "--password-stdin", stdin="a better password\n")
    run("users", "disable", "ann")
    listed = run("users", "list")[0]
    assert "ann  manager  disabled  Ann" in listed
    run("users", "enable", "ann")
    run("users", "disable", "nobody", code=1)
    records = [json.loads(line) for line in run("users", "list", "--json")[0].splitlines()]
    assert {(r["name"], r["state"]) for r in records} >= {("ann", "enabled"), ("bob", "enabled")}
    assert "intact" in run("audit", "verify")[1]
    report = json.loads(run("audit", "verify", "--json")[0])
    assert report["faults"] == []
    lines = run("audit", "export", "--after", "1")[0].splitlines()
    assert json.loads(lines[0])["seq"] == 2
    assert len(lines) == report["entries"] - 1
    kept = tmp_path / "copy.backup"
    assert "2 notes" in run("store", "backup", str(kept))[1]
    run("store", "restore", str(kept), code=1)
    for path in folder.glob("review.sqlite*"):
        path.unlink()
    assert "0 later entries are lost" in run("store", "restore", str(kept))[1]
    engine = sa.create_engine(f"sqlite:///{folder / 'review.sqlite'}")
    with engine.begin() as connection:
        connection.execute(sa.text("drop trigger audit_no_delete"))
        connection.execute(sa.text("delete from audit where seq = 3"))
    engine.dispose()
    assert "entry 3: deleted: missing: entry 3" in run("audit", "verify", code=1)[1]
    assert json.loads(run("audit", "verify", "--json", code=1)[0])["faults"][0]["seq"] == 3
