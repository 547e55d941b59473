"""Runs in processes of their own, for tests that kill them; and notes for them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

RUN = """
import json, sys
sys.path[:0] = [{here!r}, {root!r}]
from suggester.batch import Stop, run
from suggester.config import Settings
from test_batch_fakes import {factory} as factory
if __name__ == "__main__":
    import signal
    stop = Stop()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    options = json.loads(sys.argv[3])
    if options.pop("ray", False):
        from suggester.batch.ray_engine import ray_executor
        options["executor"] = ray_executor
    summary = run(sys.argv[1], sys.argv[2], settings=Settings(), factory=factory, stop=stop, **options)
    print(summary.done, summary.failed, summary.resumed)
"""


def write_notes(path: Path, count: int, *, text: str = "cough and diabetes") -> Path:
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps({"id": f"n{number}", "text": f"{text} {number}"}) + "\n")
    return path


def start(
    folder: Path, source: Path, output: Path, *, factory: str = "fake_engine", **options: object
) -> subprocess.Popen[str]:
    """A run in a process group of its own."""
    script = folder / "run.py"
    script.write_text(RUN.format(here=str(HERE), root=str(HERE.parent), factory=factory))
    return subprocess.Popen(
        [sys.executable, script, source, output, json.dumps(options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parent}",
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        },
    )


def parts(output: Path) -> int:
    """Parts of the unfinished run for an output."""
    return len(list(output.with_name(f"{output.name}.run").glob("part-*")))


def wait_for_parts(process: subprocess.Popen[str], output: Path, count: int, *, seconds: float = 60) -> bool:
    """Wait until so many parts are there; whether the process was still going then."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        if parts(output) >= count:
            return True
        time.sleep(0.005)
    return False


def kill_group(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def leftovers(folder: Path) -> list[str]:
    """Temporary files and run folders that are still there."""
    return sorted(p.name for p in folder.rglob("*") if p.name.endswith((".part", ".run")))
