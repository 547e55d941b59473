"""How fast and how large beside the peers: ours, medspaCy and scispaCy's candidate generator, in one run.

    python eval/bench_peers.py [NOTES.jsonl …] [--peer-python PATH] [--terms N] [--json|--markdown]

On the same notes (without any, the project's own gold notes) and over the same terms: the phrases of our
compiled index, official descriptors left out. Ours is once the whole engine, from text to ranked and checked
suggestions, and once its spaCy pipeline alone, which does what medspaCy does: its tokenizer, sentences,
sectionizer, ConText and a target rule for each term. scispaCy is its candidate generator alone, over an index
that it builds of the terms.

Each tool runs in a process of its own on one thread (``peer_tools.py``). All read every note once, then again
in turn, and the median processor time counts, so that other work on the machine changes ratios little. The
peers need not be where Suggester is installed: ``--peer-python`` names the interpreter of another environment
that has them (dependency group ``peers``). A peer that cannot be opened is left out with its reason.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from compare_assertion import Process, ToolError

from suggester.codesets import open_catalog
from suggester.codesets.terms import DESCRIPTORS, TermIndex
from suggester.config import Settings

WORKER = Path(__file__).resolve().with_name("peer_tools.py")
GOLD = Path(__file__).resolve().parent / "gold"
OURS: Final[dict[str, str]] = {"suggester": "Suggester", "reader": "Suggester, reading alone"}
PEERS: Final[dict[str, str]] = {
    "medspacy": "medspaCy",
    "scispacy": "scispaCy candidate generator",
}
TOOLS: Final[dict[str, str]] = {**OURS, **PEERS}
"""Each tool's name for people; ours first."""


@dataclass(slots=True, kw_only=True)
class Measured:
    """One tool's figures; ``reason`` says why it was left out, and then there are none."""

    tool: str
    reason: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    load_cpu_s: float = 0.0
    found: int = 0
    times: list[float] = field(default_factory=list)
    peak_mb: float = 0.0

    def rate(self, notes: int) -> float:
        """Notes a second of processor time, by the median round; 0 if it was left out."""
        return notes * 1000.0 / statistics.median(self.times) if self.times else 0.0


def terms_of(index: TermIndex, most: int | None = None) -> list[tuple[str, str]]:
    """Phrases of an index, each with the concept that it leads to; at most so many, evenly over the index."""
    sources = set(map(int, DESCRIPTORS))
    found = [
        (phrase, f"{target}:{row}")
        for phrase, target, row, source in zip(
            index.phrases,
            index.term_target.tolist(),
            index.term_row.tolist(),
            index.term_source.tolist(),
            strict=True,
        )
        if phrase.strip() and source not in sources
    ]
    if most is None or most >= len(found):
        return found
    return [found[number * len(found) // most] for number in range(most)]


def read_texts(paths: Sequence[Path], most: int | None = None) -> list[str]:
    """Texts of the notes of JSON Lines files, the first so many."""
    texts = [
        str(json.loads(line)["text"])
        for path in paths
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    return texts[:most]


def measure(
    processes: Sequence[Process], terms: Path, texts: Sequence[str], *, rounds: int
) -> list[Measured]:
    """Open every tool, let each read all notes once, then time them in turn.

    Raises
    ------
    ToolError
        If our own engine cannot be opened, or a tool that was opened ends without an answer.
    """
    results, opened = [], []
    for process in processes:
        result = Measured(tool=process.tool)
        results.append(result)
        try:
            reply = process.ask({"terms": str(terms)})
        except ToolError as error:
            if process.tool in OURS:
                raise
            result.reason = str(error).partition("; install")[0]
            continue
        result.versions, result.load_cpu_s = reply["versions"], float(reply["cpu_s"])
        result.found = int(process.ask({"notes": list(texts)})["found"])
        opened.append((process, result))
    for _ in range(rounds):
        for process, result in opened:
            result.times.append(float(process.ask({"round": True})["ms"]))
    for process, result in opened:
        result.peak_mb = float(process.ask({"peak": True})["mb"])
    return results


def records(results: Sequence[Measured], notes: int) -> dict[str, dict[str, object]]:
    """Each tool's figures and, for those that ran, those of our engine and our reader over theirs."""
    ours = results[0]
    reader = next(one for one in results if one.tool == "reader")
    out: dict[str, dict[str, object]] = {}
    for one in results:
        if one.reason is not None:
            out[one.tool] = {"left_out": one.reason}
            continue
        out[one.tool] = {
            "versions": one.versions,
            "notes_a_second": round(one.rate(notes), 2),
            "our_rate_over_theirs": round(ours.rate(notes) / one.rate(notes), 2),
            "reader_rate_over_theirs": round(reader.rate(notes) / one.rate(notes), 2),
            "load_cpu_s": round(one.load_cpu_s, 2),
            "their_load_over_ours": round(one.load_cpu_s / ours.load_cpu_s, 2),
            "peak_mb": round(one.peak_mb),
            "their_memory_over_ours": round(one.peak_mb / ours.peak_mb, 2),
            "found": one.found,
        }
    return out


def markdown(results: Sequence[Measured], notes: int) -> str:
    """The table of ``docs/guide/accuracy.md``: ratios to ours."""
    lines = [
        "| tool | our speed over its | our reader's over its | its load over ours | its memory over ours |",
        "|---|---:|---:|---:|---:|",
    ]
    for tool, record in records(results, notes).items():
        if "left_out" in record:
            lines.append(f"| {TOOLS[tool]} | left out: {record['left_out']} | | | |")
            continue
        names = (
            "our_rate_over_theirs",
            "reader_rate_over_theirs",
            "their_load_over_ours",
            "their_memory_over_ours",
        )
        versions = record["versions"]
        version = versions.get(tool, "") if isinstance(versions, dict) else ""
        lines.append(f"| {TOOLS[tool]} {version} | {' | '.join(f'{record[name]:.1f}' for name in names)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 if there are no notes or our engine does not answer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="*", type=Path, metavar="NOTES.jsonl")
    parser.add_argument("--peer-python", default=sys.executable, metavar="PATH")
    parser.add_argument("--tools", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--terms", type=int, metavar="N", help="that many terms for the peers, not all")
    parser.add_argument("--notes", type=int, metavar="N", help="the first so many notes, not all")
    parser.add_argument("--rounds", type=int, default=3)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true")
    form.add_argument("--markdown", action="store_true")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be 1 or more")
    texts = read_texts(options.files or sorted(GOLD.glob("notes_*.jsonl")), options.notes)
    if not texts:
        parser.error("there are no notes in these files")
    terms = terms_of(open_catalog(Settings.load()).release_set()[0].terms, options.terms)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "terms.json"
        path.write_text(json.dumps(terms), encoding="utf-8")
        try:
            with ExitStack() as stack:
                processes = [
                    stack.enter_context(Process(tool, [python, str(WORKER), tool]))
                    for tool, python in (
                        *((tool, sys.executable) for tool in OURS),
                        *((tool, options.peer_python) for tool in options.tools),
                    )
                ]
                results = measure(processes, path, texts, rounds=options.rounds)
        except (ToolError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    head = {"notes": len(texts), "words": sum(len(t.split()) for t in texts), "terms": len(terms)}
    if options.json:
        print(json.dumps(head | {"tools": records(results, len(texts))}, indent=2))
        return 0
    print(", ".join(f"{name}: {value}" for name, value in head.items()))
    if options.markdown:
        print(markdown(results, len(texts)))
        return 0
    for tool, record in records(results, len(texts)).items():
        print(f"{TOOLS[tool]}: " + ", ".join(f"{name} {value}" for name, value in record.items()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
