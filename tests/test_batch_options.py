"""Everything that a run can be asked for: going on, formats, marks, shares, limits of a note, rehearsals."""

from __future__ import annotations

import csv
import errno
import json
import os
import signal
from datetime import date
from pathlib import Path

import pytest
from test_batch_fakes import FakeEngine, fake_engine, greedy_engine, hanging_engine, stubborn_engine
from typer.testing import CliRunner

import suggester.batch.parts as parts_module
from suggester.batch import Guard, Job, Share, Stop, Summary, errors_path, run
from suggester.batch.dry import dry_run
from suggester.batch.executors import Here
from suggester.batch.parts import RunFolder, run_folder
from suggester.batch.progress import Progress, _spoken
from suggester.batch.reviewing import pairs_of
from suggester.batch.shards import cut
from suggester.batch.summary import summary_record, write_summary
from suggester.batch.tally import Tally
from suggester.cli.batch import batch
from suggester.config import Settings
from suggester.errors import (
    BatchError,
    ConfigError,
    DiskFullError,
    InputError,
    JsonError,
    ResumeError,
    RunBusyError,
    RunStoppedError,
    SuggesterError,
)
from suggester.types import Note

NOTES = [f"cough and diabetes {n}" for n in range(40)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store_dir=tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "in.jsonl", NOTES)


def write(path: Path, texts: list[str], **fields: object) -> Path:
    lines = [json.dumps({"id": f"n{n}", "text": text, **fields}) for n, text in enumerate(texts)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def go(source: Path, output: Path, settings: Settings, **options: object) -> Summary:
    chosen = {"settings": settings, "factory": fake_engine, "shard_records": 8, **options}
    return run(source, output, **chosen)  # type: ignore[arg-type]


def ids(output: Path) -> list[str]:
    return [json.loads(line)["id"] for line in output.read_text(encoding="utf-8").splitlines()]


def reasons(output: Path) -> list[tuple[str, str]]:
    lines = errors_path(output).read_text(encoding="utf-8").splitlines()
    return [(item["record"], item["code"]) for item in map(json.loads, lines)]


class Interrupted(FakeEngine):
    """Ends the process's run at a note, as an interrupt would."""

    identity = {"engine": "FakeEngine"}  # noqa: RUF012

    def suggest(self, note: Note):  # type: ignore[no-untyped-def]
        if note.id == "n20":
            raise KeyboardInterrupt
        return super().suggest(note)


def interrupt(source: Path, output: Path, settings: Settings, **options: object) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(source, output, settings, factory=lambda _: Interrupted(), **options)
    assert run_folder(output).is_dir()


def fake(settings: Settings) -> FakeEngine:
    engine = FakeEngine()
    engine.identity = {"engine": "FakeEngine"}  # type: ignore[attr-defined]
    return engine


# --- going on ---------------------------------------------------------------------------------------


def test_a_run_goes_on_where_it_was(tmp_path: Path, source: Path, settings: Settings) -> None:
    output = tmp_path / "out.jsonl"
    interrupt(source, output, settings)
    summary = go(source, output, settings, resume=True, factory=fake, workers=1)
    assert (summary.done, summary.resumed) == (40, 16)
    assert ids(output) == [f"n{n}" for n in range(40)]
    whole = tmp_path / "whole.jsonl"
    assert go(source, whole, settings).resumed == 0
    assert whole.read_bytes() == output.read_bytes()
    assert not run_folder(output).exists()


def test_without_resume_a_run_begins_anew(tmp_path: Path, source: Path, settings: Settings) -> None:
    output = tmp_path / "out.jsonl"
    interrupt(source, output, settings)
    assert go(source, output, settings).resumed == 0
    assert len(ids(output)) == 40
    assert go(source, output, settings, resume=True).resumed == 0  # nothing to go on with


def test_a_run_that_was_begun_with_something_else_is_refused(
    tmp_path: Path, source: Path, settings: Settings
) -> None:
    output = tmp_path / "out.jsonl"
    interrupt(source, output, settings)

    def other(settings: Settings) -> FakeEngine:
        engine = FakeEngine()
        engine.identity = {"engine": "Other", "model": "2"}  # type: ignore[attr-defined]
        return engine

    with pytest.raises(ResumeError) as caught:
        go(source, output, settings, resume=True, factory=other, limit=3)
    assert caught.value.differences == (
        "engine: it was FakeEngine, it is Other",
        "model: it was absent, it is 2",
        "limit: it was None, it is 3",
    )
    write(source, ["another text", *NOTES[1:]])
    with pytest.raises(ResumeError, match="the input: records 1 to 8 are not those"):
        go(source, output, settings, resume=True, factory=fake)
    (run_folder(output) / "manifest.json").write_text("{")
    with pytest.raises(BatchError, match="cannot be read; start anew"):
        go(source, output, settings, resume=True, factory=fake)
    (run_folder(output) / "manifest.json").write_text('{"format": 0}')
    with pytest.raises(BatchError, match="another version"):
        go(source, output, settings, resume=True, factory=fake)
    assert len(list(run_folder(output).glob("part-*"))) == 2


def test_damaged_parts_are_done_again(tmp_path: Path, source: Path, settings: Settings) -> None:
    output = tmp_path / "out.jsonl"
    interrupt(source, output, settings)
    first, second = sorted(run_folder(output).glob("part-*"))
    first.write_bytes(first.read_bytes()[:-3] + b"}}\n")
    second.write_bytes(b"not json")
    (run_folder(output) / ".part-0000009.1.ab.part").touch()
    assert go(source, output, settings, resume=True, factory=fake).resumed == 0
    assert ids(output) == [f"n{n}" for n in range(40)]


def test_one_run_at_a_time_writes_an_output(tmp_path: Path, source: Path, settings: Settings) -> None:
    output = tmp_path / "out.jsonl"
    held = RunFolder.take(run_folder(output))
    with pytest.raises(RunBusyError, match="another run is writing"):
        go(source, output, settings)
    held.release(keep=False)
    go(source, output, settings)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_keeps_what_is_done(
    tmp_path: Path, source: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    output = tmp_path / "out.jsonl"
    output.write_text("old")
    synced = 0
    fsync = os.fsync

    def full(handle: int) -> None:
        nonlocal synced
        synced += 1
        if synced == 8:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(parts_module.os, "fsync", full)
    with pytest.raises(DiskFullError, match=r"no space is left .*--resume"):
        go(source, output, settings, workers=workers)
    assert output.read_text() == "old"
    assert not list(tmp_path.rglob("*.part"))
    kept = len(list(run_folder(output).glob("part-*")))
    assert kept > 0
    assert go(source, output, settings, workers=workers, resume=True).resumed == 8 * kept
    assert ids(output) == [f"n{n}" for n in range(40)]


def test_a_full_disk_at_the_end_keeps_the_old_output(
    tmp_path: Path, source: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.jsonl"
    output.write_text("old")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr("suggester.batch.files.WholeFile.publish", full)
    with pytest.raises(DiskFullError, match="the manifest"):
        go(source, output, settings)
    monkeypatch.undo()
    monkeypatch.setattr("suggester.batch.outputs.sync_folder", full)
    with pytest.raises(DiskFullError, match="the output"):
        go(source, output, settings)
    monkeypatch.undo()
    assert go(source, output, settings, resume=True).resumed == 40


def test_a_stop_finishes_what_is_in_hand(tmp_path: Path, source: Path, settings: Settings) -> None:
    output = tmp_path / "out.jsonl"
    stop = Stop()

    class Stopping(FakeEngine):
        def suggest(self, note: Note):  # type: ignore[no-untyped-def]
            if note.id == "n10":
                stop.set()
            return super().suggest(note)

    with pytest.raises(RunStoppedError, match="16 records are done and kept"):
        go(source, output, settings, factory=lambda _: Stopping(), stop=stop)
    assert not output.exists()


def test_a_stop_gives_up_what_takes_too_long(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suggester.batch.executors.DRAIN_SECONDS", -1.0)
    stop = Stop()

    class Stopping(FakeEngine):
        def suggest(self, note: Note):  # type: ignore[no-untyped-def]
            stop.set()
            return super().suggest(note)

    doing = Here(settings=settings, factory=lambda _: Stopping(), job=Job())
    shards = cut((Note(id=str(n), text="cough") for n in range(30)), config="x", records=10)
    assert list(doing.results(shards, stop=stop)) == []
    assert doing.finished() == 1


# --- notes that take too long or too much -------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_a_note_that_takes_too_long_is_an_error_and_its_worker_lives_on(
    tmp_path: Path, settings: Settings, workers: int
) -> None:
    texts = [*NOTES[:5], "HANG", *NOTES[5:20]]
    output = tmp_path / "out.jsonl"
    job = Job(guard=Guard(seconds=0.3))
    source = write(tmp_path / "in.jsonl", texts)
    summary = go(source, output, settings, factory=hanging_engine, workers=workers, job=job)
    assert (summary.done, summary.failed) == (21, 1)
    assert reasons(output) == [("n5", "too_slow")]
    assert len(ids(output)) == 20


def test_a_worker_that_does_not_listen_is_replaced(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suggester.batch.pool._GRACE", 0.2)
    source = write(tmp_path / "in.jsonl", [*NOTES[:5], "STUBBORN", *NOTES[5:20]])
    output = tmp_path / "out.jsonl"
    job = Job(guard=Guard(seconds=0.3))
    go(source, output, settings, factory=stubborn_engine, workers=2, job=job)
    assert reasons(output) == [("n5", "too_slow")]
    assert ids(output) == [f"n{n}" for n in range(21) if n != 5]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_note_that_takes_too_much_memory_is_an_error(
    tmp_path: Path, settings: Settings, workers: int
) -> None:
    source = write(tmp_path / "in.jsonl", ["cough", "GREEDY", "cough"])
    output = tmp_path / "out.jsonl"
    job = Job(guard=Guard(memory_mb=2_000))
    go(source, output, settings, factory=greedy_engine, workers=workers, job=job)
    assert reasons(output) == [("n1", "too_much_memory")]
    assert ids(output) == ["n0", "n2"]


# --- which records ----------------------------------------------------------------------------------


def test_shares_divide_an_input_without_rest(tmp_path: Path, source: Path, settings: Settings) -> None:
    found = []
    for index in (1, 2, 3):
        output = tmp_path / f"out{index}.jsonl"
        go(source, output, settings, share=Share(index=index, count=3))
        found.append(ids(output))
    assert sorted(name for part in found for name in part) == sorted(f"n{n}" for n in range(40))
    assert all(len(part) > 5 for part in found)
    assert str(Share.parse(" 2/3")) == "2/3"
    assert Share(index=1, count=1).takes(JsonError("x", record="r"))
    for wrong in ("0/3", "4/3", "1", "a/b", "1/0", "-1/2"):
        with pytest.raises(ConfigError, match="shard must be i/n"):
            Share.parse(wrong)


def test_since_leaves_out_earlier_notes_and_says_how_many(tmp_path: Path, settings: Settings) -> None:
    lines = [
        {"id": "a", "text": "cough", "service_date": "2026-05-31"},
        {"id": "b", "text": "cough", "service_date": "2026-06-01"},
        {"id": "c", "text": "cough"},
    ]
    source = tmp_path / "in.jsonl"
    source.write_text("\n".join(map(json.dumps, lines)) + "\nwrong\n")
    output = tmp_path / "out.jsonl"
    summary = go(source, output, settings, since=date(2026, 6, 1))
    assert ids(output) == ["b", "c"]
    assert (summary.left_out, summary.undated, summary.failed) == (1, 1, 1)
    found = dry_run(source, settings=settings, since=date(2026, 6, 1))
    assert (found.notes, found.failed, found.left_out, found.undated) == (2, 1, 1, 1)
    assert (found.first, found.last) == (date(2026, 6, 1), date(2026, 6, 1))
    assert found.examples[0].code == "json"


# --- outputs ----------------------------------------------------------------------------------------


def test_auto_accept_marks_and_hides_nothing(tmp_path: Path, source: Path, settings: Settings) -> None:
    plain, marked = tmp_path / "plain.jsonl", tmp_path / "marked.jsonl"
    go(source, plain, settings)
    summary = go(source, marked, settings, job=Job(auto_accept=0.5))
    for one, two in zip(plain.read_text().splitlines(), marked.read_text().splitlines(), strict=True):
        record = json.loads(two)
        assert [item.pop("auto_accepted") for item in record["suggestions"]] == [True, False]
        assert json.loads(one) == record
    assert (summary.tally.auto_accepted, summary.tally.auto_notes) == (40, 40)
    assert summary.tally.auto_wrong == pytest.approx(40 * 0.25)
    assert len(list(pairs_of(marked, source=source, settings=settings))) == 40


def test_csv_has_a_row_a_suggestion_and_no_formula(tmp_path: Path, settings: Settings) -> None:
    source = write(tmp_path / "in.jsonl", ["=cough", "nothing", "diabetes, visit"])
    output = tmp_path / "out.csv"
    source.write_text(source.read_text().replace('"n0"', '"=1+1"'))
    go(source, output, settings)
    with output.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["note"], row["code"]) for row in rows] == [
        ("'=1+1", "R05.9"),
        ("n1", ""),
        ("n2", "E11.9"),
        ("n2", "99213"),
    ]
    assert rows[0]["words"] == "cough"
    assert rows[0]["flags"] == "warning fake"
    assert [(row["units"], row["modifiers"]) for row in rows[2:]] == [("", ""), ("2", "25")]
    with pytest.raises(BatchError, match="write JSON Lines"):
        list(pairs_of(output, source=source, settings=settings))


def test_parquet_has_a_row_a_note_and_the_whole_record(tmp_path: Path, settings: Settings) -> None:
    from pyarrow import parquet

    texts = [*NOTES, "visit for cough"]
    source = write(tmp_path / "in.jsonl", texts)
    lines, table = tmp_path / "out.jsonl", tmp_path / "out.parquet"
    go(source, lines, settings)
    go(source, table, settings, job=Job(auto_accept=0.5), workers=2)
    go(source, lines, settings, job=Job(auto_accept=0.5))
    rows = parquet.read_table(table).to_pylist()
    assert [row["record"] for row in rows] == lines.read_text(encoding="utf-8").splitlines()
    assert rows[0]["suggestions"][0]["code"] == "R05.9"
    assert rows[0]["suggestions"][0]["auto_accepted"] is True
    for row in rows:
        for item, told in zip(row["suggestions"], json.loads(row["record"])["suggestions"], strict=True):
            assert (item["units"], item["modifiers"]) == (told["units"], told["modifiers"])
    assert rows[-1]["suggestions"][0]["modifiers"][0]["modifier"] == "25"
    notes = [note for note, _ in pairs_of(table, source=source, settings=settings)]  # type: ignore[misc]
    assert [note.text for note in notes] == texts


def test_pairs_need_the_input_that_was_read(tmp_path: Path, source: Path, settings: Settings) -> None:
    output = tmp_path / "out.jsonl"
    go(source, output, settings)
    write(source, NOTES[:3])
    with pytest.raises(BatchError, match="record 4: its note is not in the input"):
        list(pairs_of(output, source=source, settings=settings))


def test_a_folder_gets_output_errors_summary_and_manifest(tmp_path: Path, settings: Settings) -> None:
    source = write(tmp_path / "in.jsonl", [*NOTES, "<script>", "RAISE"])
    output = tmp_path / "out"
    output.mkdir()
    summary = go(source, output, settings)
    write_summary(summary, folder=output, chapter=lambda system, code: f"{system} {code[0]}")
    assert sorted(path.name for path in output.iterdir()) == [
        "errors.jsonl",
        "manifest.json",
        "suggestions.jsonl",
        "summary.html",
        "summary.json",
    ]
    found = json.loads((output / "summary.json").read_text())
    assert found == summary_record(summary, chapter=lambda system, code: f"{system} {code[0]}")
    assert (found["records"], found["notes"], found["failed"]) == (42, 41, 1)
    assert found["failures"] == {"internal": 1}
    assert found["codes"] == [
        {"code": "ICD-10-CM E11.9", "notes": 40},
        {"code": "ICD-10-CM R05.9", "notes": 40},
    ]
    assert {entry["chapter"]: entry["suggestions"] for entry in found["chapters"]} == {
        "ICD-10-CM E": 40,
        "ICD-10-CM R": 40,
    }
    assert sum(entry["suggestions"] for entry in found["confidence"]) == found["suggestions"] == 80
    assert found["flags"] == [{"flag": "warning fake", "times": 80}]
    page = (output / "summary.html").read_text()
    assert page.count("<svg") == 2
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_tallies_add_up_in_any_order() -> None:
    one, two, both = Tally(), Tally(), Tally()
    engine = FakeEngine()
    for tally, text in ((one, "cough"), (two, "diabetes visit"), (two, "x")):
        note = Note(id="n", text=text)
        tally.add(note, engine.suggest(note), (True,))
    two.fail("json")
    both.merge(two)
    both.merge(one)
    one.merge(two)
    assert both == one == Tally.from_record(json.loads(json.dumps(both.to_record())))
    assert (one.records, one.notes, one.failed, one.without) == (4, 3, 1, 1)


def test_progress_says_the_time_left() -> None:
    import io

    stream, now = io.StringIO(), [0.0]
    progress = Progress(stream, every=1, clock=lambda: now[0], share=lambda: 0.25)
    progress.add(50, resumed=True)
    now[0] = 10.0
    progress.add(50, failed=2)
    assert stream.getvalue() == "100 notes, 2 failed, 50 of them before, 5.0 a second, 25% done, 60 s left\n"
    assert [_spoken(s) for s in (99, 101, 7_000)] == ["99 s", "2 min", "1 h 57 min"]


# --- the command --------------------------------------------------------------------------------------


def call(*arguments: object) -> tuple[int, str]:
    import typer

    app = typer.Typer()
    app.command()(batch)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stderr


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suggester.suggest.load", fake_engine)


@pytest.mark.usefixtures("faked")
def test_the_command_writes_a_folder_and_tells_what_to_expect(tmp_path: Path, source: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    before = signal.getsignal(signal.SIGTERM)
    code, told = call(source, "-o", output, "--auto-accept", "0.5", "--since", "2026-01-01", "--shard", "1/1")
    assert code == 0
    assert "0 notes of earlier dates left out; 40 without a service date taken" in told
    assert "40 of 80 suggestions on 40 notes are marked auto_accepted" in told
    assert "about 10.0 of them are wrong" in told
    assert (output / "summary.html").exists()
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_command_drains_when_it_is_asked_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(FakeEngine):
        def suggest(self, note: Note):  # type: ignore[no-untyped-def]
            if note.id == "n100":
                os.kill(os.getpid(), signal.SIGTERM)
            return super().suggest(note)

    monkeypatch.setattr("suggester.suggest.load", lambda _: Ended())
    before = signal.getsignal(signal.SIGTERM)
    try:
        source = write(tmp_path / "in.jsonl", ["cough"] * 300)
        code, told = call(source, "-o", tmp_path / "out.jsonl")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert code == 143
    assert "stopped as asked; 128 records are done and kept" in told
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.usefixtures("faked")
def test_a_dry_run_writes_nothing(tmp_path: Path, source: Path) -> None:
    with source.open("a") as file:
        file.write("wrong\n")
    code, told = call(source, "--dry-run")
    assert code == 1
    assert "40 notes (" in told
    assert "1 json" in told
    assert "in.jsonl:41: not valid JSON" in told
    assert "nothing was written" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl"]
    assert call(source)[0] == 2
    assert call("-", "-o", "x", "--review")[0] == 2


def test_errors_of_a_run_can_be_sent_between_processes() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(ResumeError(("a: it was 1, it is 2",))))  # noqa: S301
    assert error.differences == ("a: it was 1, it is 2",)
    assert isinstance(error, SuggesterError)
    assert not isinstance(error, InputError)
