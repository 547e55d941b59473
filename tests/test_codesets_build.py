from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

import pytest
import small_codesets
from small_codesets import TABULAR, small_world, write_tabular

from suggester.codesets import Catalog, build, build_all, import_icd10cm, installed, open_catalog
from suggester.codesets.container import Container
from suggester.codesets.store import ReleaseStore
from suggester.codesets.terms import TermIndex
from suggester.config import Settings
from suggester.errors import CodeSetError, LexiconError, NoReleaseError, StoreDamagedError

STORES = [
    "cpt-2026-04-01.store",
    "edits.store",
    "hcpcs-2026-01-01.store",
    "hcpcs-2026-04-01.store",
    "icd10cm-2026-04-01.store",
    "terms-icd10cm.2026-04-01-cpt.2026-04-01-hcpcs.2026-04-01.store",
]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    return folder


@pytest.fixture
def small(tmp_path: Path, sources: Path) -> Iterator[Settings]:
    """Settings of a store folder in which the small world is compiled."""
    with small_world(sources):
        yield Settings.load(store_dir=tmp_path / "built")


def files(settings: Settings) -> list[str]:
    return sorted(path.name for path in settings.store_dir.iterdir() if path.name != ".lock")


def state(settings: Settings) -> dict[str, tuple[int, int, bytes]]:
    """Identity, time of writing and bytes of every file."""
    return {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
        for path in settings.store_dir.glob("*.store")
    }


def test_build_writes_every_store(small: Settings) -> None:
    steps: list[tuple[str, int, int]] = []
    releases = build_all(small, progress=lambda *step: steps.append(step))
    assert files(small) == STORES
    assert [(r.system, r.id) for r in releases] == [
        ("ICD-10-CM", "2026-04-01"),
        ("CPT", "2026-04-01"),
        ("HCPCS", "2026-01-01"),
        ("HCPCS", "2026-04-01"),
    ]
    assert steps[0] == ("ICD-10-CM 2026-04-01", 0, 6)
    assert steps[-1] == ("done", 6, 6)
    assert [done for _, done, _ in steps] == sorted(done for _, done, _ in steps)
    assert installed(small) == releases


def test_second_build_is_quick_and_writes_nothing(small: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    build_all(small)
    before = state(small)

    def unwanted(*_: object, **__: object) -> None:
        raise AssertionError("a fresh build reads no source")

    for name in ("read_tabular", "open_ioce", "read_lexicon"):
        monkeypatch.setattr(build, name, unwanted)
    build_all(small)
    assert state(small) == before


def test_second_build_of_the_real_code_sets_reads_no_source(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwanted(*_: object, **__: object) -> None:
        raise AssertionError("a fresh build reads no source")

    for name in ("read_tabular", "open_ioce"):
        monkeypatch.setattr(build, name, unwanted)
    build_all(settings)


def test_forced_build_gives_the_same_bytes(small: Settings) -> None:
    build_all(small)
    before = state(small)
    build_all(small, force=True)
    after = state(small)
    assert {name: item[2] for name, item in after.items()} == {name: item[2] for name, item in before.items()}
    assert all(after[name][0] != before[name][0] for name in before), "every file was written anew"


def test_changed_lexicon_rebuilds_only_what_holds_its_words(small: Settings, sources: Path) -> None:
    build_all(small)
    before = state(small)
    with (sources / "lexicon" / "icd10cm" / "a.tsv").open("a") as handle:
        handle.write("high sugar\tE11.65\n")
    build_all(small)
    assert [name for name, item in state(small).items() if item != before[name]] == [STORES[-1]]
    assert open_catalog(small).search("high sugar")[0].code.code == "E11.65"


def test_unknown_code_in_the_lexicon_names_file_and_line(small: Settings, sources: Path) -> None:
    with (sources / "lexicon" / "icd10cm" / "a.tsv").open("a") as handle:
        handle.write("# a comment\nno such thing\tE99.9\n")
    with pytest.raises(LexiconError, match=r"a\.tsv:4: 'E99\.9' is not a code of ICD-10-CM 2026-04-01"):
        build_all(small)


def test_missing_store_is_built_on_opening(small: Settings, caplog: pytest.LogCaptureFixture) -> None:
    catalog = open_catalog(small)
    assert catalog.lookup("ICD-10-CM", "e119").code == "E11.9"
    assert "missing, damaged or out of date" in caplog.text


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("how", ["flipped", "cut", "emptied", "removed"])
def test_damage_is_said_and_mended(
    small: Settings, caplog: pytest.LogCaptureFixture, name: str, how: str
) -> None:
    build_all(small)
    path = small.store_dir / name
    good = path.read_bytes()
    middle = len(good) // 3
    match how:
        case "flipped":
            path.write_bytes(good[:middle] + bytes([good[middle] ^ 0x55]) + good[middle + 1 :])
        case "cut":
            path.write_bytes(good[:middle])
        case "emptied":
            path.write_bytes(b"")
        case "removed":
            path.unlink()
    if name != "edits.store":  # which is opened by no catalog
        catalog = open_catalog(small)
        assert catalog.lookup("HCPCS", "J1885").display == "Ketorolac tromethamine inj"
        assert catalog.search("sugar disease")[0].code.code == "E11.9"
    build_all(small)
    assert path.read_bytes() == good
    assert how == "removed" or f"{name} is damaged" in caplog.text


def test_index_over_other_stores_is_not_used(
    small: Settings, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_all(small)
    path = small.store_dir / STORES[-1]
    index = path.read_bytes()
    extra = "<diag><name>E10</name><desc>Type 1 diabetes mellitus</desc></diag>"
    write_tabular(sources, TABULAR.replace("<diag><name>E11</name>", extra + "<diag><name>E11</name>"))
    monkeypatch.setattr(build, "_version", lambda package: f"{package} of next month")
    build_all(small)
    right = path.read_bytes()
    path.write_bytes(index)  # as if the build had been killed before it wrote the index: its rows are others
    assert open_catalog(small).search("type 2 diabetes")[0].code.code == "E11.9"
    assert path.read_bytes() == right


def test_index_with_another_key_is_compiled_anew(small: Settings, caplog: pytest.LogCaptureFixture) -> None:
    build_all(small)
    path = small.store_dir / STORES[-1]
    good = path.read_bytes()
    stores = build.open_stores(small.store_dir)
    build.compile_terms(
        path,
        icd10cm=stores[0],
        cpt=stores[1],
        hcpcs=stores[-1],
        lexicon=build.read_lexicon(),
        key="0123456789abcdef",
    )
    assert TermIndex(path).key == "0123456789abcdef"
    assert open_catalog(small).search("sugar disease")[0].code.code == "E11.9"
    assert path.read_bytes() == good


def test_stores_rebuilt_while_open_are_said(small: Settings, sources: Path) -> None:
    catalog = open_catalog(small)
    old = (small.store_dir / STORES[0]).read_bytes()
    with (sources / "lexicon" / "cpt" / "a.tsv").open("a") as handle:
        handle.write("office visit\t99213\toffice visit\n")
    build_all(small)
    assert (small.store_dir / STORES[0]).read_bytes() != old
    with pytest.raises(CodeSetError, match="rebuilt since they were opened"):
        _ = catalog.release_set()[0].terms
    assert open_catalog(small).search("office visit")[0].code.code == "99213"


def test_old_format_is_rebuilt(small: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    build_all(small)
    monkeypatch.setattr("suggester.codesets.store.FORMAT", 99)
    with pytest.raises(StoreDamagedError, match="another format"):
        ReleaseStore(small.store_dir / STORES[0])


def test_temp_files_of_a_killed_build_are_swept(small: Settings) -> None:
    small.store_dir.mkdir()
    left = [small.store_dir / name for name in (".icd10cm-2026-04-01.store.ab12.tmp", ".ioce.x1.tmp")]
    for path in left:
        path.write_bytes(b"half")
    kept = small.store_dir / "notes.txt"
    kept.write_text("not ours")
    build_all(small)
    assert not any(path.exists() for path in left)
    assert kept.read_text() == "not ours"


def test_index_that_no_set_of_releases_needs_is_removed(small: Settings) -> None:
    build_all(small)
    orphan = small.store_dir / "terms-icd10cm.old-cpt.old-hcpcs.old.store"
    orphan.write_bytes(b"old")
    build_all(small)
    assert files(small) == STORES


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(CodeSetError, match="SUGGESTER_STORE_DIR"):
        build_all(Settings.load(store_dir=blocked / "built"))


def test_full_disk_leaves_the_old_stores(small: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    build_all(small)
    before = state(small)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CodeSetError, match="No space left on device"):
        build_all(small, force=True)
    monkeypatch.undo()
    assert state(small) == before
    assert files(small) == STORES


def test_too_little_space_is_said_before_the_tables_are_inflated(
    small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "INFLATED_BYTES", 10**18)
    with pytest.raises(CodeSetError, match=r"MB are needed in the store folder"):
        build_all(small)


def test_missing_package_is_named(small: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_PACKAGE_OF", {**build._PACKAGE_OF, "icd10cm-embedded": "no-such-package"})
    with pytest.raises(CodeSetError, match="package no-such-package is not installed"):
        build_all(small)


def child(folder: Path, sources: Path, *options: str, seed: int = 0) -> subprocess.Popen[str]:
    """A process that builds the small world; ``seed`` is that of its hashes."""
    sources.mkdir(parents=True, exist_ok=True)
    script = Path(small_codesets.__file__)
    path = os.pathsep.join([str(script.parents[1]), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": str(seed)}
    return subprocess.Popen(  # the child says "ready" once it is about to build
        [sys.executable, str(script), str(folder), str(sources), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.mark.slow
def test_killed_builds_leave_whole_stores(small: Settings, tmp_path: Path, sources: Path) -> None:
    build_all(small)
    whole = {name: item[2] for name, item in state(small).items()}
    chance = random.Random(7)  # noqa: S311 - moments, not secrets
    swept = 0
    for turn in range(6):
        (
            small.store_dir / STORES[turn]
        ).unlink()  # so that there is also something to write for the first time
        builder = child(small.store_dir, tmp_path / "kill", "--pause", "0.02", "--times", "50")
        assert builder.stdout is not None
        assert builder.stderr is not None
        assert builder.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.0, 0.4))
        builder.send_signal(signal.SIGKILL)
        builder.communicate()
        assert builder.returncode == -signal.SIGKILL
        for path in small.store_dir.glob("*.store"):
            assert path.read_bytes() == whole[path.name], "old or new, never half"
            Container.open(path)
        swept += len(list(small.store_dir.glob(".*.tmp")))
        assert open_catalog(small).search("sugar disease")[0].code.code == "E11.9"
        build_all(small)
        assert files(small) == STORES
        assert {name: item[2] for name, item in state(small).items()} == whole
    assert swept, "at least one kill came in the middle of a write"


@pytest.mark.slow
def test_builds_at_once_wait_for_each_other(small: Settings, tmp_path: Path) -> None:
    builders = [child(small.store_dir, tmp_path / str(i), "--pause", "0.01", seed=i) for i in range(3)]
    for builder in builders:
        _, errors = builder.communicate(timeout=60)
        assert builder.returncode == 0, errors
    assert files(small) == STORES
    before = state(small)
    build_all(small)
    assert state(small) == before, "what they left is fresh and whole"


@pytest.mark.slow
def test_two_processes_compile_the_same_bytes(small: Settings, tmp_path: Path) -> None:
    build_all(small)
    elsewhere = tmp_path / "elsewhere"
    builder = child(elsewhere, tmp_path / "other", seed=4711)
    _, errors = builder.communicate(timeout=60)
    assert builder.returncode == 0, errors
    for name, (_, _, data) in state(small).items():
        assert (elsewhere / name).read_bytes() == data, name


NEXT = TABULAR.replace("<version>2026", "<version>2027")
NEXT_YEAR = {"release_id": "2026-10-01", "valid_from": date(2026, 10, 1), "valid_to": date(2027, 9, 30)}


def test_import_stands_beside_the_embedded_release(small: Settings, tmp_path: Path) -> None:
    build_all(small)
    text = NEXT.replace("Type 2 diabetes mellitus with hyperglycemia", "Type 2 diabetes, sugar far too high")
    imported = import_icd10cm(write_tabular(tmp_path, text), settings=small, **NEXT_YEAR)
    assert (imported.id, imported.codes, imported.reader) == ("2026-10-01", 16, "icd10cm-imported")
    assert imported.source == "tabular list imported from small-tabular.xml"
    catalog = open_catalog(small)
    assert catalog.lookup("ICD-10-CM", "E11.65", date(2026, 9, 30)).display.endswith("hyperglycemia")
    assert catalog.lookup("ICD-10-CM", "E11.65", date(2026, 10, 1)).display.endswith("far too high")
    assert catalog.lookup("ICD-10-CM", "E11.65").release == "2026-10-01"
    before = state(small)
    build_all(small)
    assert state(small) == before, "its term index was compiled with it, and a build keeps it"
    assert len(list(small.store_dir.glob("terms-*.store"))) == 2


def test_import_again_replaces(small: Settings, tmp_path: Path) -> None:
    build_all(small)
    tabular = write_tabular(tmp_path, NEXT)
    import_icd10cm(tabular, settings=small, **NEXT_YEAR)
    import_icd10cm(tabular, settings=small, **{**NEXT_YEAR, "valid_to": date(2027, 3, 31)})
    assert [r.valid_to for r in installed(small) if r.id == "2026-10-01"] == [date(2027, 3, 31)]
    import_icd10cm(tabular, settings=small, **{**NEXT_YEAR, "valid_to": None})
    assert [r.valid_to for r in installed(small) if r.id == "2026-10-01"] == [date(2027, 9, 30)]


def test_import_of_a_year_that_lacks_a_code_of_the_lexicon(small: Settings, tmp_path: Path) -> None:
    build_all(small)
    text = NEXT.replace("<name>E11.9</name>", "<name>E11.8</name>")
    import_icd10cm(write_tabular(tmp_path, text), settings=small, **NEXT_YEAR)
    catalog = open_catalog(small)
    assert "E11.9" not in [h.code.code for h in catalog.search("sugar disease", on=date(2026, 12, 1))]
    assert catalog.search("sugar disease", on=date(2026, 5, 1))[0].code.code == "E11.9"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"release_id": "2026-04-01"}, "embedded; choose another id"),
        ({"release_id": "../x"}, "release id '../x'"),
        ({"valid_to": date(2026, 1, 1)}, "is before first day"),
    ],
)
def test_wrong_import_is_refused(
    small: Settings, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    call = partial(import_icd10cm, write_tabular(tmp_path, NEXT), settings=small)
    with pytest.raises(CodeSetError) as caught:
        call(**{**NEXT_YEAR, **change})  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert not small.store_dir.exists()


def test_import_of_a_part_of_the_list_is_refused(small: Settings, tmp_path: Path) -> None:
    text = "<ICD10CM.tabular><chapter><name>1</name><desc>x</desc></chapter></ICD10CM.tabular>"
    with pytest.raises(CodeSetError, match="0 billable codes; a whole list has more than 70,000"):
        import_icd10cm(write_tabular(tmp_path, text), settings=small, **NEXT_YEAR)


def test_damaged_import_is_said_and_not_taken_for_the_embedded_one(
    small: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build_all(small)
    imported = import_icd10cm(write_tabular(tmp_path, NEXT), settings=small, **NEXT_YEAR)
    assert imported.path is not None
    imported.path.write_bytes(b"SUGGCS")
    catalog = open_catalog(small)
    assert "icd10cm-2026-10-01.store is damaged" in caplog.text
    with pytest.raises(NoReleaseError, match="suggester codesets import"):
        catalog.lookup("ICD-10-CM", "E11.9", date(2026, 10, 1))


def test_catalog_of_the_real_code_sets_is_up_to_date(catalog: Catalog) -> None:
    assert [(r.system, r.id) for r in catalog.releases if r.reader != "icd10cm-imported"] == [
        ("ICD-10-CM", "2026-04-01"),
        ("CPT", "2026-04-01"),
        ("HCPCS", "2026-01-01"),
        ("HCPCS", "2026-04-01"),
    ]
