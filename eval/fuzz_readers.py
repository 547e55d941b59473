"""Coverage-guided fuzzing of the readers of notes: whatever the bytes, notes or typed errors, and no hang.

Needs the dependency group ``fuzz`` (atheris). Each reader runs in a process of its own, from the seeds in
``tests/hostile/seeds``; what libFuzzer finds besides is kept in a temporary folder. A reader that raises
anything but an ``InputError`` or takes longer than five seconds for one input fails, and its input is kept
beside the seeds for a test.

    python eval/fuzz_readers.py                    every reader, 600 seconds each
    python eval/fuzz_readers.py hl7 rtf -s 60      these two, a minute each
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

SEEDS = Path(__file__).resolve().parent.parent / "tests" / "hostile" / "seeds"
READERS = tuple(sorted(path.name for path in SEEDS.iterdir() if path.is_dir()))
MOST_SECONDS = 5
MOST_BYTES = 20_000
MOST_CHARS = 100_000


def target(reader: str) -> Callable[[bytes], object]:
    """What is called with the fuzzer's bytes; it raises for a defect alone."""
    from suggester.errors import InputError
    from suggester.notes import Limits, ReadOptions, read_notes
    from suggester.notes.markup import html_text
    from suggester.types import Note

    limits = Limits(chars=MOST_CHARS)
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    path = folder / {"gzip": "a.jsonl.gz", "ccda": "a.xml", "fhir": "a.json"}.get(reader, f"a.{reader}")

    def checked(found: list[Note | InputError]) -> None:
        if not found:
            raise AssertionError("neither a note nor an error")
        for item in found:
            if isinstance(item, Note):
                item.text.encode()
                if not item.id.strip() or not item.text.strip() or len(item.text) > MOST_CHARS:
                    raise AssertionError("a note that is none")

    def by_file(data: bytes) -> None:
        path.write_bytes(data)
        checked(list(read_notes(path, limits=limits)))

    def by_stream(data: bytes) -> None:
        stream: Any = io.BytesIO(data)
        options = ReadOptions(kind=reader)  # type: ignore[arg-type]
        checked(list(read_notes("-", stdin=stream, limits=limits, options=options)))

    def by_text(data: bytes) -> None:
        text = html_text(data.decode("utf-8", "replace"))
        if len(text) > 4 * len(data) + 10:
            raise AssertionError("more words than the page has")

    if reader == "html":
        return by_text
    return by_file if reader in ("zip", "gzip", "parquet", "pdf") else by_stream


def fuzz(reader: str, arguments: list[str]) -> None:
    """Run libFuzzer in this process; it ends the process."""
    import atheris

    with atheris.instrument_imports(include=["suggester.notes", "pypdf", "defusedxml"]):
        run = target(reader)
    atheris.Setup([sys.argv[0], *arguments], run)
    atheris.Fuzz()


def main() -> int:
    """Fuzz each reader in a process of its own; the exit code is 1 if any has a defect."""
    if sys.argv[1:2] == ["--one"]:
        fuzz(sys.argv[2], sys.argv[3:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("readers", nargs="*", choices=[*READERS, []], default=[], help=", ".join(READERS))
    parser.add_argument("-s", "--seconds", type=int, default=600, help="seconds for each reader")
    chosen = parser.parse_args()
    bad = []
    for reader in chosen.readers or READERS:
        with tempfile.TemporaryDirectory(prefix="corpus-") as found:
            command = [
                *(sys.executable, __file__, "--one", reader, found, str(SEEDS / reader)),
                *(f"-max_total_time={chosen.seconds}", f"-timeout={MOST_SECONDS}", f"-max_len={MOST_BYTES}"),
                *("-rss_limit_mb=3000", f"-artifact_prefix={SEEDS / reader}/defect-", "-print_final_stats=1"),
            ]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        stats = [line for line in done.stderr.splitlines() if line.startswith("stat::number_of_executed")]
        tries = stats[0].split()[-1] if stats else "?"
        print(f"{reader}: {tries} inputs, {'no defect' if done.returncode == 0 else 'DEFECT'}", flush=True)
        if done.returncode != 0:
            bad.append(reader)
            print("\n".join(done.stderr.splitlines()[-40:]), file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
