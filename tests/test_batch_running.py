from __future__ import annotations

import io
import itertools
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_batch_fakes import (
    CANARY,
    FakeEngine,
    broken_engine,
    dies_loading,
    dies_once,
    fake_engine,
    no_store,
)

from suggester.batch import Summary, errors_path, outcome, run
from suggester.batch.executors import Here, Stop
from suggester.batch.files import WholeFile, sweep
from suggester.batch.pool import Pool
from suggester.batch.progress import Progress
from suggester.batch.shards import cut
from suggester.batch.work import Job, body_lines, work
from suggester.config import Settings
from suggester.contract import to_json_line
from suggester.errors import ConfigError, InputError, JsonError, StoreMissingError, SuggesterError
from suggester.types import Note


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store_dir=tmp_path)


def write_notes(path: Path, texts: list[str]) -> Path:
    lines = [json.dumps({"id": f"n{number}", "text": text}) for number, text in enumerate(texts, start=1)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def failures(output: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in errors_path(output).read_text(encoding="utf-8").splitlines()]


def done(output: Path) -> list[str]:
    return [json.loads(line)["id"] for line in output.read_text(encoding="utf-8").split("\n") if line]


def run_fake(source: Path, output: Path, settings: Settings, **options: object) -> Summary:
    return run(source, output, **{"settings": settings, "factory": fake_engine, **options})  # type: ignore[arg-type]


def test_one_line_a_note_in_order_as_the_contract_has_them(tmp_path: Path, settings: Settings) -> None:
    source = write_notes(tmp_path / "in.jsonl", ["Cough.", "Diabètes, diabetes.\r\n", "visit"])
    output = tmp_path / "out.jsonl"
    summary = run_fake(source, output, settings)
    assert (summary.done, summary.failed, summary.errors) == (3, 0, None)
    expected = [
        to_json_line(FakeEngine().suggest(Note(id=f"n{n}", text=text)))
        for n, text in enumerate(["Cough.", "Diabètes, diabetes.\r\n", "visit"], start=1)
    ]
    assert output.read_bytes() == ("\n".join(expected) + "\n").encode()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_one_and_two_workers_and_two_runs_give_the_same_bytes(tmp_path: Path, settings: Settings) -> None:
    texts = ["SLEEP cough", *(f"diabetes {n}" for n in range(40)), "RAISE", "SLEEP visit", "wheelchair"]
    source = write_notes(tmp_path / "in.jsonl", texts)
    with source.open("a") as file:
        file.write("not json\n")
    results = []
    for workers in (1, 2, 2):
        output = tmp_path / f"out{len(results)}.jsonl"
        summary = run_fake(source, output, settings, workers=workers)
        assert (summary.done, summary.failed) == (45, 2)
        results.append((output.read_bytes(), errors_path(output).read_bytes()))
    assert results[0] == results[1] == results[2]


def test_every_failure_is_a_record_without_note_text(
    tmp_path: Path, settings: Settings, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    texts = ["cough", f"RAISE {CANARY}", f"NORELEASE {CANARY}", "", "visit"]
    source = write_notes(tmp_path / "in.jsonl", texts)
    with source.open("a") as file:
        file.write(f"{CANARY} is no JSON\n")
    output = tmp_path / "out.jsonl"
    summary = run_fake(source, output, settings, workers=2)
    assert summary == Summary(
        done=6, failed=4, seconds=summary.seconds, output=output, errors=errors_path(output)
    )
    assert done(output) == ["n1", "n5"]
    found = failures(output)
    assert [list(item) for item in found] == [["record", "code", "message"]] * 4
    assert [(item["record"], item["code"]) for item in found] == [
        ("n2", "internal"),
        ("n3", "no_release"),
        ("in.jsonl:4", "empty"),
        ("in.jsonl:6", "json"),
    ]
    assert found[0]["message"].startswith("ValueError at tests/test_batch_fakes.py:")
    assert "suggester codesets build" in found[1]["message"]
    printed = capfd.readouterr()
    everything = printed.out + printed.err + caplog.text + errors_path(output).read_text()
    assert "Zachariah" not in everything


def test_no_stale_errors_file_stays(tmp_path: Path, settings: Settings) -> None:
    output = tmp_path / "out.jsonl"
    bad = write_notes(tmp_path / "bad.jsonl", ["RAISE"])
    good = write_notes(tmp_path / "good.jsonl", ["cough"])
    run_fake(bad, output, settings)
    assert errors_path(output).exists()
    assert output.read_bytes() == b""
    run_fake(good, output, settings)
    assert not errors_path(output).exists()
    assert done(output) == ["n1"]


def test_limit_takes_the_first_records_and_failed_ones_count(tmp_path: Path, settings: Settings) -> None:
    source = write_notes(tmp_path / "in.jsonl", ["a", "", "b", "c"])
    output = tmp_path / "out.jsonl"
    assert run_fake(source, output, settings, limit=3).failed == 1
    assert done(output) == ["n1", "n3"]


def test_gold_notes_can_be_pre_coded(tmp_path: Path, settings: Settings) -> None:
    source = tmp_path / "gold.jsonl"
    source.write_text('{"id":"g1","text":"cough","codes":[],"em":null,"part":"tune"}')
    assert run_fake(source, tmp_path / "out.jsonl", settings).failed == 0


# --- workers that die -------------------------------------------------------------------------------


def test_a_note_that_kills_its_worker_becomes_an_error_and_no_other_does(
    tmp_path: Path, settings: Settings
) -> None:
    texts = [f"cough {n}" for n in range(30)]
    texts[4] = texts[20] = "DIE"
    source = write_notes(tmp_path / "in.jsonl", texts)
    output = tmp_path / "out.jsonl"
    summary = run_fake(source, output, settings, workers=2)
    assert (summary.done, summary.failed) == (30, 2)
    assert done(output) == [f"n{n}" for n in range(1, 31) if n not in (5, 21)]
    assert [(item["record"], item["code"]) for item in failures(output)] == [
        ("n5", "worker_died"),
        ("n21", "worker_died"),
    ]


def test_a_worker_that_dies_once_costs_nothing(tmp_path: Path, settings: Settings) -> None:
    source = write_notes(tmp_path / "in.jsonl", ["cough", "MORTAL cough", *["diabetes"] * 20])
    output = tmp_path / "out.jsonl"
    summary = run_fake(source, output, settings, workers=2, factory=dies_once)
    assert (tmp_path / "died").exists()
    assert (summary.done, summary.failed) == (22, 0)


def test_workers_that_keep_dying_end_the_run_and_leave_the_old_output(
    tmp_path: Path, settings: Settings
) -> None:
    source = write_notes(tmp_path / "in.jsonl", ["cough"] * 20)
    output = tmp_path / "out.jsonl"
    output.write_text("old")
    with pytest.raises(SuggesterError, match="died 5 times in a row"):
        run_fake(source, output, settings, workers=2, factory=dies_loading)
    assert output.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_engine_that_cannot_be_loaded_ends_the_run(
    tmp_path: Path, settings: Settings, workers: int
) -> None:
    source = write_notes(tmp_path / "in.jsonl", ["cough"] * 3)
    with pytest.raises(StoreMissingError, match="suggester codesets build"):
        run_fake(source, tmp_path / "out.jsonl", settings, workers=workers, factory=no_store)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_an_engine_that_fails_to_load_in_a_worker_tells_no_text(
    tmp_path: Path, settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    source = write_notes(tmp_path / "in.jsonl", ["cough"] * 3)
    with pytest.raises(SuggesterError, match="cannot be loaded: RuntimeError at tests/") as caught:
        run_fake(source, tmp_path / "out.jsonl", settings, workers=2, factory=broken_engine)
    assert CANARY not in str(caught.value) + "".join(capfd.readouterr())


@pytest.mark.parametrize("workers", [1, 2])
def test_only_a_window_of_notes_is_taken_ahead(settings: Settings, workers: int) -> None:
    taken = 0

    def notes() -> Iterator[Note]:
        nonlocal taken
        for taken in itertools.count(1):
            yield Note(id=str(taken), text="cough")

    made_with = {"settings": settings, "factory": fake_engine, "job": Job()}
    doing = Here(**made_with) if workers == 1 else Pool(**made_with, workers=workers)  # type: ignore[arg-type]
    results = doing.results(cut(notes(), config="x", records=8), stop=Stop())
    for number in range(1, 101):
        next(results)
        assert taken <= 8 * number + 8 * 2 * workers + 1
    results.close()
    doing.close()


def test_unread_records_keep_their_place() -> None:
    notes = [Note(id="a", text="x"), JsonError("not valid", record="f:2"), Note(id="b", text="x")]
    done = work(FakeEngine(), notes, job=Job())
    assert [is_note for is_note, _ in body_lines(done.body)] == [True, False, True]
    assert (done.tally.notes, done.tally.failed) == (2, 1)


def test_outcome_never_raises() -> None:
    assert "RecursionError" in repr(outcome(Endless(), Note(id="n", text=CANARY)))


class Endless(FakeEngine):
    def suggest(self, note: Note):  # type: ignore[no-untyped-def]
        return self.suggest(note)


# --- what cannot be done ----------------------------------------------------------------------------


def test_wrong_options_are_config_errors(tmp_path: Path, settings: Settings) -> None:
    source = write_notes(tmp_path / "in.jsonl", ["cough"])
    (tmp_path / "folder").mkdir()
    for options, message in [
        ({"workers": 0}, "workers must be 1 or more"),
        ({"limit": 0}, "limit must be 1 or more"),
        ({"output": tmp_path / "gone" / "out.jsonl"}, "folder of the output out.jsonl does not exist"),
        ({"output": Path("/dev/null")}, "is not a regular file"),
        ({"output": source}, "is the input"),
    ]:
        output = options.pop("output", tmp_path / "out.jsonl")
        with pytest.raises(ConfigError, match=message):
            run_fake(source, output, settings, **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no such file"):
        run_fake(tmp_path / "gone.jsonl", tmp_path / "out.jsonl", settings)
    assert len(source.read_bytes()) > 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "in.jsonl"]


# --- files ------------------------------------------------------------------------------------------


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("old")
    with WholeFile(path) as file:
        file.write_line("new, but never published")
    assert path.read_text() == "old"
    with WholeFile(path) as file:
        file.write_line("é\u2028")
        assert path.read_text() == "old"
        file.publish()
    assert path.read_bytes() == "é\u2028\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_sweep_removes_what_killed_runs_left_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for name in (
        f".out.{dead.pid}.ab.part",
        f".out.{os.getpid()}.ab.part",
        ".out.x.part",
        f".in.{dead.pid}.part",
    ):
        (tmp_path / name).touch()
    sweep(path)
    assert len(list(tmp_path.iterdir())) == 3
    assert not (tmp_path / f".out.{dead.pid}.ab.part").exists()


def test_a_link_as_output_stays_a_link(tmp_path: Path, settings: Settings) -> None:
    source = write_notes(tmp_path / "in.jsonl", ["cough"])
    (tmp_path / "real").mkdir()
    (tmp_path / "out.jsonl").symlink_to(tmp_path / "real" / "out.jsonl")
    run_fake(source, tmp_path / "out.jsonl", settings)
    assert (tmp_path / "out.jsonl").is_symlink()
    assert done(tmp_path / "real" / "out.jsonl") == ["n1"]


# --- progress ---------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_stays_on_one_line() -> None:
    stream, clock = Terminal(), itertools.count()
    progress = Progress(stream, every=2, clock=lambda: float(next(clock)))
    for number in range(5):
        progress.advance(failed=number == 1)
    progress.finish()
    assert stream.getvalue().count("\n") == 1
    assert "\r\x1b[2K5 notes, 1 failed, " in stream.getvalue()


def test_progress_in_a_log_comes_at_intervals() -> None:
    stream, now = io.StringIO(), [0.0]
    progress = Progress(stream, clock=lambda: now[0])
    for _ in range(100):
        now[0] += 0.5
        progress.advance(failed=False)
    progress.finish()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 6
    assert lines[-1] == "100 notes, 2.0 a second"
    assert "\r" not in stream.getvalue()


# --- interrupts -------------------------------------------------------------------------------------

RUN = """
import signal, sys
sys.path[:0] = sys.argv[3:]
from test_batch_fakes import fake_engine
from suggester.batch import run
from suggester.config import Settings
if __name__ == "__main__":
    def stop(number, frame):
        raise SystemExit(143)
    signal.signal(signal.SIGTERM, stop)
    run(sys.argv[1], sys.argv[2], settings=Settings(), workers=2, factory=fake_engine)
"""


def children_of(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_run_leaves_the_old_output_and_no_process(
    tmp_path: Path, settings: Settings, number: signal.Signals
) -> None:
    source = write_notes(tmp_path / "in.jsonl", ["SLEEP"] * 500)
    output = tmp_path / "out.jsonl"
    output.write_text("old")
    script = tmp_path / "run.py"
    script.write_text(RUN)
    here = Path(__file__).parent
    process = subprocess.Popen([sys.executable, script, source, output, str(here), str(here.parent)])
    until = time.monotonic() + 30
    while len(workers := children_of(process.pid)) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    assert len(workers) >= 2
    time.sleep(1)
    process.send_signal(number)
    process.wait(timeout=10)
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert output.read_text() == "old"
    if number == signal.SIGTERM:
        assert not list(tmp_path.glob(".*.part"))
    short = write_notes(tmp_path / "short.jsonl", ["cough"])
    run_fake(short, output, settings)
    assert done(output) == ["n1"]
    assert not list(tmp_path.glob(".*.part"))
