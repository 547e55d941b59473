"""How fast and how large: the whole engine against spaCy's bare tokenizer, on one core.

    python eval/bench.py [--notes FILE.jsonl] [--json]

Prints milliseconds a note of 430 words (total milliseconds / total words × 430) for the engine and for
``spacy.blank("en")`` on the same notes in the same process, their repeats interleaved and the medians taken;
the engine's import and load time and its peak memory, each in fresh processes. Every process keeps numeric
libraries to one thread and finds modules compiled, as an installation has them (pip compiles what it puts in)
whatever ``PYTHONDONTWRITEBYTECODE`` says: compiling them anew takes as long again as loading.

Without ``--notes`` the project's own gold notes are read over until there are enough words.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suggester.types import Note

NOTE_WORDS = 430
ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
}
GOLD = Path(__file__).resolve().parent / "gold"
JOBS = ("speed", "load", "memory")


def read_notes(paths: Sequence[Path], *, least_words: int) -> list[Note]:
    """Notes of JSON Lines files, gone through again under new ids until there are ``least_words`` words.

    Only ``id``, ``text``, ``kind`` and ``setting`` are used.
    """
    from suggester.types import Note

    once = []
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                record = json.loads(line)
                once.append((str(record["id"]), record["text"], record.get("kind"), record.get("setting")))
    words = sum(len(text.split()) for _, text, _, _ in once)
    if not words:
        raise SystemExit(f"bench: no notes in {', '.join(map(str, paths)) or GOLD}; give some with --notes")
    return [
        Note(id=f"{note_id}#{turn}" if turn else note_id, text=text, kind=kind, setting=setting)
        for turn in range(-(-least_words // words))
        for note_id, text, kind, setting in once
    ]


def timed(work: Callable[[], object]) -> float:
    """Milliseconds that ``work`` takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000.0


def job_speed(notes: Sequence[Note], repeats: int) -> dict[str, float]:
    """Engine and tokenizer over all notes in turn, after one round that does not count."""
    import spacy

    from suggester.suggest import load

    engine = load()
    tokenizer = spacy.blank("en")
    words = sum(len(note.text.split()) for note in notes)

    def run_engine() -> None:
        for note in notes:
            engine.suggest(note)

    def run_tokenizer() -> None:
        for note in notes:
            tokenizer(note.text)

    first = timed(lambda: engine.suggest(notes[0]))
    run_engine()
    run_tokenizer()
    engine_times, tokenizer_times = [], []
    for turn in range(repeats):
        # The order changes so that neither always follows the other's warm or cold caches.
        if turn % 2:
            tokenizer_times.append(timed(run_tokenizer))
            engine_times.append(timed(run_engine))
        else:
            engine_times.append(timed(run_engine))
            tokenizer_times.append(timed(run_tokenizer))
    scale = NOTE_WORDS / words
    engine_ms, tokenizer_ms = statistics.median(engine_times), statistics.median(tokenizer_times)
    return {
        "notes": len(notes),
        "words": words,
        "repeats": repeats,
        "engine_ms": engine_ms * scale,
        "engine_ms_least": min(engine_times) * scale,
        "engine_ms_most": max(engine_times) * scale,
        "tokenizer_ms": tokenizer_ms * scale,
        "tokenizer_ms_least": min(tokenizer_times) * scale,
        "tokenizer_ms_most": max(tokenizer_times) * scale,
        "ratio": engine_ms / tokenizer_ms,
        "first_note_ms": first,
    }


def job_load() -> dict[str, float]:
    """Import and load, from an interpreter that has only just started."""
    start = time.perf_counter()
    from suggester.suggest import load

    imported = time.perf_counter()
    load()
    loaded = time.perf_counter()
    return {"import_s": imported - start, "load_s": loaded - imported, "both_s": loaded - start}


def job_memory(notes: Sequence[Note]) -> dict[str, float]:
    """Peak resident memory after loading and after all notes, in megabytes (Linux counts kilobytes)."""
    from suggester.suggest import load

    engine = load()
    loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for note in notes:
        engine.suggest(note)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"loaded_mb": loaded / 1024, "peak_mb": peak / 1024}


def in_fresh_process(job: str, arguments: argparse.Namespace, compiled: str) -> dict[str, float]:
    """Run one job in a new interpreter with numeric libraries on one thread.

    ``compiled`` is the folder where modules are kept compiled.
    """
    command = [sys.executable, str(Path(__file__).resolve()), "--job", job]
    command += ["--repeats", str(arguments.repeats), "--words", str(arguments.words)]
    for path in arguments.notes:
        command += ["--notes", str(path)]
    environment = os.environ | ONE_THREAD | {"PYTHONPYCACHEPREFIX": compiled}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise SystemExit(f"bench: the {job} job failed with exit code {done.returncode}, see above")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """All jobs; the load time is the median of several processes, after one that compiles the modules."""
    with tempfile.TemporaryDirectory() as compiled:
        in_fresh_process("load", arguments, compiled)
        loads = [in_fresh_process("load", arguments, compiled) for _ in range(arguments.loads)]
        return {
            "speed": in_fresh_process("speed", arguments, compiled),
            "load": {name: statistics.median(one[name] for one in loads) for name in loads[0]},
            "memory": in_fresh_process("memory", arguments, compiled),
        }


def table(result: dict[str, dict[str, float]]) -> str:
    """The figures for people."""
    speed, load, memory = result["speed"], result["load"], result["memory"]
    rows = [
        (
            "whole engine",
            f"{speed['engine_ms']:.2f} ms",
            f"{speed['engine_ms_least']:.2f} to {speed['engine_ms_most']:.2f}",
        ),
        (
            "spaCy's bare tokenizer",
            f"{speed['tokenizer_ms']:.2f} ms",
            f"{speed['tokenizer_ms_least']:.2f} to {speed['tokenizer_ms_most']:.2f}",
        ),
        ("engine / tokenizer", f"{speed['ratio']:.2f}", ""),
        ("first note after load", f"{speed['first_note_ms']:.1f} ms", "as long as it is"),
        ("import and load", f"{load['both_s']:.2f} s", f"{load['import_s']:.2f} and {load['load_s']:.2f}"),
        ("peak memory", f"{memory['peak_mb']:.0f} MB", f"{memory['loaded_mb']:.0f} after load"),
    ]
    head = (
        f"a note of {NOTE_WORDS} words, one thread; {speed['notes']:.0f} notes, {speed['words']:.0f} words, "
        f"median of {speed['repeats']:.0f} repeats"
    )
    return "\n".join([head, *(f"  {name:<24}{value:>10}   {more}".rstrip() for name, value, more in rows)])


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(description="Time, load and memory of the engine on one core.")
    parser.add_argument("--notes", type=Path, action="append", default=[], help="JSON Lines file; repeatable")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--repeats", type=int, default=5, help="timed rounds over all notes (default 5)")
    parser.add_argument("--loads", type=int, default=3, help="processes that time the load (default 3)")
    parser.add_argument("--words", type=int, default=40_000, help="least words to read (default 40000)")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    for name in ("repeats", "loads", "words"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name} must be 1 or more")
    for path in arguments.notes:
        if not path.is_file():
            parser.error(f"--notes: no such file: {path}")
    arguments.notes = arguments.notes or sorted(GOLD.glob("notes_*.jsonl"))
    if not arguments.notes:
        parser.error(f"no notes in {GOLD}; give some with --notes")
    return arguments


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print; with ``--job`` do one measurement in this process and print it as JSON."""
    arguments = parse(argv)
    if arguments.job is None:
        result = measure(arguments)
        print(json.dumps(result, indent=2) if arguments.json else table(result))
        return
    if arguments.job == "load":
        done = job_load()
    else:
        notes = read_notes(arguments.notes, least_words=arguments.words)
        done = job_speed(notes, arguments.repeats) if arguments.job == "speed" else job_memory(notes)
    print(json.dumps(done))


if __name__ == "__main__":
    main()
