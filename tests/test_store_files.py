"""Opening a store: keys, anchors, schema, errors, encryption, a full disk."""

from __future__ import annotations

import importlib.util
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from review_world import KINDS, World, made_world, new_postgres_database, worlds

from suggester.codesets import Catalog
from suggester.config import Settings
from suggester.errors import DatabaseError, TrailKeyError
from suggester.store import tables
from suggester.store.database import made_engine, shown_url
from suggester.store.keyfiles import Anchors, read_key, read_or_make_key
from suggester.store.migrating import migrate, revision_of
from suggester.store.store import Store, StoreFiles, store_files


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path, catalog: Catalog) -> Iterator[World]:
    yield from worlds(request.param, tmp_path, catalog)


def files_in(folder: Path, **values: object) -> StoreFiles:
    return StoreFiles(
        **{  # type: ignore[arg-type]
            "url": f"sqlite:///{folder / 'review.sqlite'}",
            "key_file": folder / "audit.key",
            "anchor_file": folder / "audit.anchor",
            **values,
        }
    )


def test_migrations_make_the_tables_that_the_code_uses(world: World) -> None:
    engine = world.service.store.engine
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    assert migrate(engine) is False
    assert revision_of(engine) == "0001"


def test_store_of_a_newer_version_is_refused(world: World) -> None:
    with world.service.store.engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))
    with pytest.raises(DatabaseError, match="newer version"):
        Store.open(world.files)


def test_sqlite_is_durable_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "review"
    store = Store.open(files_in(folder))
    with store.write() as work:
        work.record("me", "test", "it")
    with store.read() as connection:
        assert connection.execute(sa.text("pragma journal_mode")).scalar() == "wal"
        assert connection.execute(sa.text("pragma synchronous")).scalar() == 2
        assert connection.execute(sa.text("pragma foreign_keys")).scalar() == 1
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    store.close()


def test_key_is_made_once_and_must_be_private(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    key = read_or_make_key(path)
    assert len(key) == 32
    assert read_or_make_key(path) == key
    assert [p.name for p in tmp_path.iterdir()] == ["audit.key"]
    path.chmod(0o640)
    with pytest.raises(TrailKeyError, match="chmod 600"):
        read_key(path)
    path.chmod(0o600)
    for text in ("nonsense", "abcd", "é"):
        path.write_text(text)
        with pytest.raises(TrailKeyError, match=r"holds no key|cannot be read"):
            read_key(path)
    with pytest.raises(TrailKeyError, match="cannot be read"):
        read_key(tmp_path / "nothing")


def test_store_without_its_key_or_with_another_is_refused(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    Store.open(files).close()
    kept = files.key_file.read_text()
    files.key_file.unlink()
    with pytest.raises(TrailKeyError, match="is missing"):
        Store.open(files)
    assert not files.key_file.exists()
    read_or_make_key(files.key_file)
    with pytest.raises(TrailKeyError, match="not the key"):
        Store.open(files)
    files.key_file.write_text(kept)
    Store.open(files, create=False).close()


def test_store_that_is_not_there_is_not_made_unless_asked(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="suggester store init"):
        Store.open(files_in(tmp_path), create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.postgres
def test_empty_postgres_database_is_not_filled_unless_asked(tmp_path: Path) -> None:
    url = new_postgres_database()
    with pytest.raises(DatabaseError, match="there is no review store"):
        Store.open(files_in(tmp_path, url=url), create=False)
    with pytest.raises(DatabaseError, match="passphrase"):
        made_engine(url, passphrase="x")  # noqa: S106


@pytest.mark.parametrize("url", ["mysql://h/n", "nonsense", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(DatabaseError):
        made_engine(url)


def test_file_that_is_no_database_is_refused_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "review.sqlite"
    path.write_text("Patient: Jane Doe\n" * 200)
    with pytest.raises(DatabaseError, match="no database") as caught:
        Store.open(files_in(tmp_path))
    assert "Jane" not in str(caught.value)


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatabaseError, match="cannot be made"):
        Store.open(files_in(tmp_path, url=f"sqlite:///{tmp_path / 'file' / 'review.sqlite'}"))


def test_full_disk_undoes_the_work_and_says_so(tmp_path: Path, catalog: Catalog) -> None:
    world = made_world(tmp_path, catalog)
    world.put("cough")
    before = world.service.store.verify()
    engine = world.service.store.engine
    engine.dispose()

    @sa.event.listens_for(engine, "connect")
    def _small(connection: object, _record: object) -> None:
        pages = connection.execute("pragma page_count").fetchone()[0]  # type: ignore[attr-defined]
        connection.execute(f"pragma max_page_count = {pages + 2}")  # type: ignore[attr-defined]

    with pytest.raises(DatabaseError, match="full"), world.service.store.write() as work:
        work.record("me", "large", "it", padding="x" * 100_000)
    assert world.service.store.verify() == before
    with world.service.store.write() as work:
        work.record("me", "small", "it")
    assert world.service.store.verify().entries == before.entries + 1
    world.service.close()


def test_settings_name_the_files(tmp_path: Path) -> None:
    files = store_files(Settings.load(review_dir=tmp_path))
    assert files.url == f"sqlite:///{tmp_path / 'review.sqlite'}"
    assert files.key_file == tmp_path / "audit.key"
    secret = tmp_path / "pass"
    secret.write_text("open sesame\n")
    other = Settings.load(
        review_dir=tmp_path,
        database_url="postgresql+psycopg://me:secret@h/records",
        audit_key_file=tmp_path / "k",
        audit_anchor_file=tmp_path / "a",
        database_key_file=secret,
    )
    assert "secret@" not in repr(other)
    assert store_files(other).passphrase == "open sesame"  # noqa: S105
    assert store_files(other).anchor_file == tmp_path / "a"
    assert shown_url(store_files(other).url) == "postgresql records"
    secret.write_text(" ")
    with pytest.raises(DatabaseError, match="it is empty"):
        store_files(other)
    secret.unlink()
    with pytest.raises(DatabaseError, match="pass"):
        store_files(other)


def test_anchor_file_skips_what_is_no_anchor(tmp_path: Path) -> None:
    anchors = Anchors(tmp_path / "a")
    assert anchors.highest() == 0
    assert anchors.set_aside() is None
    anchors.append(3, "a" * 64)
    with (tmp_path / "a").open("a") as file:
        file.write("nonsense\n12 short\n")
    anchors.append(2, "b" * 64)
    assert list(anchors.heads()) == [(3, "a" * 32), (2, "b" * 32)]
    assert anchors.highest() == 3
    assert anchors.set_aside() == tmp_path / "a.1"
    anchors.append(1, "c" * 64)
    assert anchors.set_aside() == tmp_path / "a.2"


def test_encrypted_store_needs_its_driver_and_passphrase(tmp_path: Path) -> None:
    files = files_in(tmp_path, passphrase="open sesame")  # noqa: S106
    if importlib.util.find_spec("sqlcipher3") is None:
        with pytest.raises(DatabaseError, match=r"suggester\[sqlcipher\]"):
            Store.open(files)
        return
    store = Store.open(files)
    with store.write() as work:
        work.record("me", "canary-word", "it")
    assert store.verify().entries == 1
    store.close()
    assert b"canary-word" not in (tmp_path / "review.sqlite").read_bytes()
    assert not (tmp_path / "review.sqlite").read_bytes().startswith(b"SQLite format 3")
    for passphrase in (None, "another"):
        with pytest.raises(DatabaseError, match="passphrase"):
            Store.open(files_in(tmp_path, passphrase=passphrase))
