"""Runs that are killed, stopped, starved of disk or changed under way: nothing twice, nothing missing."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
from pathlib import Path

import pytest
from batch_world import kill_group, leftovers, parts, start, wait_for_parts, write_notes

KILLS = 20
NOTES = 20_000


def ids(output: Path) -> list[str]:
    with output.open(encoding="utf-8") as lines:
        return [json.loads(line)["id"] for line in lines]


def reference(folder: Path, source: Path) -> bytes:
    """What an undisturbed run writes."""
    output = folder / "whole.jsonl"
    process = start(folder, source, output)
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert out.split()[2] == "0"
    return output.read_bytes()


@pytest.mark.slow
def test_twenty_kills_of_the_process_group_lose_and_double_nothing(tmp_path: Path) -> None:
    source = write_notes(tmp_path / "in.jsonl", NOTES)
    output = tmp_path / "out.jsonl"
    draw = random.Random(8)  # noqa: S311
    kills = 0
    while kills < KILLS:
        # Each life does some shards and is killed at an odd moment: while it writes, reads or starts.
        process = start(tmp_path, source, output, factory="slow_engine", workers=2, resume=True)
        target = parts(output) + draw.choice([0, 1, 3, 5])
        assert wait_for_parts(process, output, target), process.communicate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(draw.uniform(0, 0.05))
        kill_group(process)
        kills += 1
    assert not output.exists()
    assert 0 < parts(output) < NOTES / 128
    process = start(tmp_path, source, output, workers=2, resume=True, factory="fake_engine")
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    done, failed, resumed = map(int, said.split())
    assert (done, failed) == (NOTES, 0)
    assert resumed >= 128 * KILLS
    assert ids(output) == [f"n{n}" for n in range(NOTES)]
    assert leftovers(tmp_path) == []
    assert output.read_bytes() == reference(tmp_path, source)


def test_a_stopped_run_drains_and_goes_on(tmp_path: Path) -> None:
    source = write_notes(tmp_path / "in.jsonl", 16_000)
    output = tmp_path / "out.jsonl"
    process = start(tmp_path, source, output, factory="slow_engine", workers=2)
    assert wait_for_parts(process, output, 2)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert "RunStoppedError: stopped as asked; " in errors
    done = parts(output)
    assert 2 <= done < 125
    assert not output.exists()
    process = start(tmp_path, source, output, resume=True)
    said, _ = process.communicate(timeout=60)
    assert said.split() == ["16000", "0", str(128 * done)]
    assert ids(output) == [f"n{n}" for n in range(16_000)]
    assert leftovers(tmp_path) == []


@pytest.mark.slow
def test_ray_actors_lose_and_double_nothing_when_killed(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    source = write_notes(tmp_path / "in.jsonl", 4_000)
    output = tmp_path / "out.jsonl"
    for _ in range(3):
        process = start(tmp_path, source, output, factory="slow_engine", workers=2, ray=True, resume=True)
        assert wait_for_parts(process, output, parts(output) + 2, seconds=90), process.communicate()
        kill_group(process)
    process = start(tmp_path, source, output, factory="slow_engine", workers=2, ray=True, resume=True)
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    done, failed, resumed = map(int, said.split())
    assert (done, failed) == (4_000, 0)
    assert resumed >= 128 * 6
    assert leftovers(tmp_path) == []
    assert output.read_bytes() == reference(tmp_path, source)
