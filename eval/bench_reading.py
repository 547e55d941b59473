"""How fast a note is read: every component of the reader against spaCy's bare tokenizer, on one core.

    python eval/bench_reading.py [--notes FILE.jsonl] [--json]

Notes are put one after another until a text has 430 words or more: shorter ones would pay several times for
beginning a note. Prints milliseconds a note of 430 words (total milliseconds / total words × 430) for the
tokenizer, each component, all of them together with what ranking takes from them (``Reading.of``), and for
``spacy.blank("en")`` on the same notes in the same process: processor time, rounds interleaved, medians
taken. Then how reading grows: the time for one note written ``--times`` (100) times over, by the time for the
note. Without ``--notes`` the project's own gold notes are read over until there are enough words. No ranking.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

NOTE_WORDS = 430
ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
}
GOLD = Path(__file__).resolve().parent / "gold"
INSIDE = "BENCH_READING_INSIDE"
"""Set in the process that measures, which has its numeric libraries on one thread."""


def read_texts(paths: Sequence[Path], *, least_words: int) -> list[str]:
    """Texts of JSON Lines files, gone through again until there are ``least_words`` words."""
    once = [
        json.loads(line)["text"]
        for path in paths
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    words = sum(len(text.split()) for text in once)
    if not words:
        raise SystemExit(f"bench_reading: no notes in {', '.join(map(str, paths))}; give some with --notes")
    return once * -(-least_words // words)


def joined(texts: Sequence[str], words: int) -> list[str]:
    """Notes put one after another until each text has about so many words; the rest is left out.

    >>> joined(["a b", "c", "d e f", "g"], 3)
    ['a b\\n\\nc', 'd e f']
    """
    out: list[str] = []
    part: list[str] = []
    count = 0
    for text in texts:
        part.append(text)
        count += len(text.split())
        if count >= words:
            out.append("\n\n".join(part))
            part, count = [], 0
    return out


def nearest_to(texts: Sequence[str], words: int) -> str:
    """The text whose number of words is nearest; the first of several.

    >>> nearest_to(["a b c", "a", "b"], 1)
    'a'
    """
    return min(texts, key=lambda text: abs(len(text.split()) - words))


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of processor time that ``work`` takes."""
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000.0


def components(nlp: Language) -> dict[str, Callable[[Doc], Doc]]:
    """The reader's components by their short names, in order."""
    return {name.removeprefix("suggester_"): component for name, component in nlp.pipeline}


def speed(nlp: Language, texts: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each round for all texts, by stage, after a round that does not count."""
    import spacy

    from suggester.pipeline.reading import Reading

    bare = spacy.blank("en")
    stages = components(nlp)
    out: dict[str, list[float]] = {name: [] for name in ("tokenizer", *stages, "reading", "all", "bare")}

    def read_in_stages() -> dict[str, float]:
        docs: list[Doc] = []

        def run(component: Callable[[Doc], Doc]) -> None:
            for doc in docs:
                component(doc)

        spent = {"tokenizer": timed(lambda: docs.extend(nlp.make_doc(text) for text in texts))}
        for name, component in stages.items():
            spent[name] = timed(partial(run, component))
        spent["reading"] = timed(lambda: [Reading.of(doc) for doc in docs])
        return spent

    def read_all() -> None:
        for text in texts:
            Reading.of(nlp(text))

    def cut_bare() -> None:
        for text in texts:
            bare(text)

    for turn in range(rounds + 1):
        # The order changes so that none always follows another's warm or cold caches.
        runs = [("all", read_all), ("bare", cut_bare)]
        spent = {name: timed(work) for name, work in (runs if turn % 2 else runs[::-1])}
        spent |= read_in_stages()
        if turn:
            for name, ms in spent.items():
                out[name].append(ms)
    return out


def growth(nlp: Language, text: str, *, times: int, rounds: int) -> dict[str, float]:
    """Time for a text written many times over, by the time for it once; the least of all rounds each.

    The long note is read right after the short one in each round, so that both meet the same machine. The
    short one is read as often as makes up the long one, for the clock is coarse.
    """
    from suggester.pipeline.reading import Reading

    long = "\n".join([text] * times)
    shorts, longs = [], []
    for _ in range(rounds):
        shorts.append(timed(lambda: [Reading.of(nlp(text)) for _ in range(times)]) / times)
        longs.append(timed(lambda: Reading.of(nlp(long))))
    return {
        "words": len(text.split()),
        "times": times,
        "short_ms": min(shorts),
        "long_ms": min(longs),
        "ratio": min(longs) / min(shorts),
    }


def measure(arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Everything, in this process."""
    from suggester.codesets import open_catalog
    from suggester.config import Settings
    from suggester.pipeline import build_reader

    releases, _ = open_catalog(Settings.load()).release_set()
    nlp = build_reader(releases.terms)
    texts = joined(read_texts(arguments.notes, least_words=arguments.words), NOTE_WORDS)
    words = sum(len(text.split()) for text in texts)
    times = speed(nlp, texts, arguments.rounds)
    medians = {name: statistics.median(each) for name, each in times.items()}
    return {
        "notes": {"notes": len(texts), "words": words, "rounds": arguments.rounds},
        "ms": {name: ms * NOTE_WORDS / words for name, ms in medians.items()},
        "least_ms": {name: min(each) * NOTE_WORDS / words for name, each in times.items()},
        "growth": growth(nlp, nearest_to(texts, NOTE_WORDS), times=arguments.times, rounds=3),
        "ratio": {"all / bare": medians["all"] / medians["bare"]},
    }


def table(result: dict[str, dict[str, float]]) -> str:
    """The figures for people."""
    ms, least, notes, grown = (result[name] for name in ("ms", "least_ms", "notes", "growth"))
    names = {"all": "all together", "bare": "spaCy's bare tokenizer", "reading": "values for ranking"}
    head = (
        f"a note of {NOTE_WORDS} words, one thread; {notes['notes']:.0f} notes, {notes['words']:.0f} words, "
        f"median (least) of {notes['rounds']:.0f} rounds, processor time"
    )
    growing = (
        f"a note of {grown['words']:.0f} words {grown['short_ms']:.2f} ms, "
        f"{grown['times']:.0f} times as long {grown['long_ms']:.0f} ms: {grown['ratio']:.1f} times the time"
    )
    rows = [f"  {names.get(name, name):<24}{ms[name]:8.2f} ms  ({least[name]:.2f})" for name in ms]
    share = f"  {'together / bare':<24}{result['ratio']['all / bare']:8.2f}"
    return "\n".join([head, *rows, share, growing])


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(description="Time of the reader on one core, and how it grows.")
    parser.add_argument("--notes", type=Path, action="append", default=[], help="JSON Lines file; repeatable")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds over all notes (default 5)")
    parser.add_argument("--words", type=int, default=40_000, help="least words to read (default 40000)")
    parser.add_argument(
        "--times", type=int, default=100, help="how much longer the long note is (default 100)"
    )
    arguments = parser.parse_args(argv)
    for name in ("rounds", "words", "times"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name} must be 1 or more")
    for path in arguments.notes:
        if not path.is_file():
            parser.error(f"--notes: no such file: {path}")
    arguments.notes = arguments.notes or sorted(GOLD.glob("notes_*.jsonl"))
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Measure in a process whose numeric libraries have one thread, and print."""
    arguments = parse(argv)
    if os.environ.get(INSIDE) != "1":
        command = [sys.executable, str(Path(__file__).resolve()), *(sys.argv[1:] if argv is None else argv)]
        return subprocess.run(command, env=os.environ | ONE_THREAD | {INSIDE: "1"}, check=False).returncode
    result = measure(arguments)
    print(json.dumps(result, indent=2) if arguments.json else table(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
