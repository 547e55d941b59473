"""How a batch run behaves: kills survived, workers' gain, memory over a long run. Prints ratios and counts.

    python eval/bench_batch.py kill --engine pool      20 kills of the process group, 20,000 notes
    python eval/bench_batch.py kill --engine ray
    python eval/bench_batch.py workers                 two workers against one, the real engine
    python eval/bench_batch.py memory                  peak memory at note 10,000 and at note 100,000

``kill`` uses the real run and shard code with an engine that takes a millisecond, so that it ends in minutes;
``--real`` takes the engine of this installation. Notes are those of ``eval/gold``, repeated with new ids.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
CODE = """
import sys, json, time
from suggester.batch import run, load_engine
from suggester.batch.running import pool_executor
from suggester.config import Settings
from eval_bench_engine import slow
if __name__ == "__main__":
    source, output, engine, workers, real = sys.argv[1:6]
    if engine == "ray":
        from suggester.batch.ray_engine import ray_executor as executor
    else:
        executor = pool_executor
    summary = run(source, output, settings=Settings.load(), workers=int(workers), executor=executor,
                  resume=True, factory=load_engine if real == "1" else slow)
    print(json.dumps([summary.done, summary.failed, summary.resumed, summary.seconds]))
"""
ENGINE = """
import time
from datetime import date
from suggester.types import Run, Suggestions

class Slow:
    identity = {"engine": "slow"}

    def suggest(self, note):
        time.sleep(0.001)
        run = Run(version="0", model="slow", codesets=(), config_hash="")
        return Suggestions(note_id=note.id, run=run, suggestions=(), not_coded=(), flags=())

def slow(settings):
    return Slow()
"""


def texts() -> Iterator[str]:
    """Texts of our own gold notes, over and over."""
    own = []
    for path in sorted((HERE / "gold").glob("notes_*.jsonl")):
        own += [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]
    while True:
        yield from own


def write_notes(path: Path, count: int) -> None:
    """A JSON Lines file of so many notes."""
    with path.open("w", encoding="utf-8") as file:
        for number, text in zip(range(count), texts(), strict=False):
            file.write(json.dumps({"id": f"n{number}", "text": text}) + "\n")


def start(
    folder: Path, source: Path, output: Path, *, engine: str, workers: int, real: bool
) -> subprocess.Popen[str]:
    """A run in a process group of its own."""
    (folder / "eval_bench_engine.py").write_text(ENGINE)
    (folder / "run.py").write_text(CODE)
    path = os.pathsep.join([str(folder), str(HERE.parent)])
    return subprocess.Popen(
        [sys.executable, folder / "run.py", source, output, engine, str(workers), str(int(real))],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path},
    )


def parts(output: Path) -> int:
    """Parts of the unfinished run."""
    return len(list(output.with_name(f"{output.name}.run").glob("part-*")))


def kill(count: int, *, kills: int, engine: str, real: bool) -> bool:
    """Kill the process group again and again; whether every note came once and no file was left."""
    draw = random.Random(8)  # noqa: S311 - moments of kills, no secrets
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, output = folder / "in.jsonl", folder / "out.jsonl"
        write_notes(source, count)
        for _ in range(kills):
            before = parts(output)
            process = start(folder, source, output, engine=engine, workers=2, real=real)
            target = before + draw.randint(0, 4)
            until = time.monotonic() + 120
            while parts(output) < target and process.poll() is None and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(draw.uniform(0, 0.2))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        at_kill = parts(output)
        process = start(folder, source, output, engine=engine, workers=2, real=real)
        said, _ = process.communicate()
        done, failed, resumed, _ = json.loads(said)
        with output.open(encoding="utf-8") as lines:
            ids = [json.loads(line)["id"] for line in lines]
        left = [path.name for path in folder.rglob("*") if path.name.endswith((".part", ".run"))]
        good = ids == [f"n{n}" for n in range(count)] and not left and done == count and not failed
        print(
            f"{engine}: {kills} kills, {count} notes: {len(set(ids))} different, {len(ids) - len(set(ids))} "
            f"twice, {count - len(set(ids))} missing, {len(left)} files left; {at_kill} parts and "
            f"{resumed} notes were done before the last life"
        )
    return good


def rate(folder: Path, source: Path, workers: int) -> float:
    """Notes a second of the real engine, loading left out."""
    output = folder / f"out{workers}.jsonl"
    process = start(folder, source, output, engine="pool", workers=workers, real=True)
    said, _ = process.communicate()
    done, _, _, seconds = json.loads(said)
    return float(done / seconds)


def workers(count: int) -> bool:
    """Two workers against one, in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "in.jsonl"
        write_notes(source, count)
        rates = {number: max(rate(folder, source, number) for _ in range(2)) for number in (1, 2)}
    print(f"1 worker {rates[1]:.1f} notes/s, 2 workers {rates[2]:.1f}: {rates[2] / rates[1]:.2f} times")
    return rates[2] >= 1.7 * rates[1]


def memory(count: int) -> bool:
    """Memory of all processes at a tenth of the run and at its end, as the kernel's proportional set size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, output = folder / "in.jsonl", folder / "out.jsonl"
        write_notes(source, count)
        process = start(folder, source, output, engine="pool", workers=2, real=True)
        early = late = 0.0
        while process.poll() is None:
            done = 128 * parts(output)
            size = _group_size(process.pid)
            if size and done >= count / 10 and not early:
                early = size
            if size and done >= 0.95 * count:
                late = max(late, size)
            time.sleep(0.5)
    grown = late / max(early, 1) - 1
    print(
        f"at note {count // 10}: {early / 1e3:.0f} MB, near note {count}: {late / 1e3:.0f} MB: {grown:+.1%}"
    )
    return grown <= 0.05


def _group_size(group: int) -> float:
    """Private memory in kB of the processes of a group; 0 while one of them starts or ends."""
    total = 0.0
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(status.read_text().rpartition(")")[2].split()[2]) == group:
                rollup = (status.parent / "smaps_rollup").read_text()
                total += sum(float(n) for n in re.findall(r"^Private_\w+: +(\d+)", rollup, re.MULTILINE))
        except (OSError, ValueError):
            continue
    return total


def main() -> int:
    """Measure; the exit code is 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("kill", "workers", "memory"))
    parser.add_argument("--engine", choices=("pool", "ray"), default="pool")
    parser.add_argument("--real", action="store_true", help="kill: the engine of this installation")
    parser.add_argument("--notes", type=int, help="how many notes")
    parser.add_argument("--kills", type=int, default=20)
    chosen = parser.parse_args()
    if chosen.what == "kill":
        good = kill(chosen.notes or 20_000, kills=chosen.kills, engine=chosen.engine, real=chosen.real)
    elif chosen.what == "workers":
        good = workers(chosen.notes or 2_000)
    else:
        good = memory(chosen.notes or 100_000)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
