"""Assertion side by side: ours, medspaCy's ConText and negspaCy on the marked sentences, in one run.

    python eval/compare_assertion.py [--part dev|test|blind …] [--peer-python PATH] [--json|--markdown]

Precision, recall and F1 for each flag, and milliseconds a sentence, with the marked mentions given to every
tool as entities. medspaCy is ``spacy.blank("en")`` with ``sentencizer`` and ``medspacy_context`` and its
default rules; negspaCy is the same with ``negex``, and knows negation only. Ours is the reader up to
assertion. Each tool runs in a process of its own on one thread (``assertion_tools.py``); all answer once,
then read everything again in turn, and the median processor time counts.

The peers are the dependency group ``peers``. They need not be where Suggester is installed: ``--peer-python``
names the interpreter of another environment that has them. A mention for which a tool's tokens give no span
is left out of that tool's figures and counted as left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from score_marked import FLAGS, PARTS, Counts, Line, MarkError, read_parts

WORKER = Path(__file__).resolve().with_name("assertion_tools.py")
ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
}
TOOLS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "suggester": ("Suggester", FLAGS),
    "medspacy": ("medspaCy ConText", FLAGS),
    "negspacy": ("negspaCy", ("negated",)),
}
"""Each tool's name for people and the flags it knows."""


class ToolError(Exception):
    """A tool does not answer; names the tool and what to do, not the text."""


@dataclass(slots=True, kw_only=True)
class Result:
    """What a tool said, counted, and how long it took."""

    tool: str
    versions: dict[str, str]
    flags: dict[str, Counts]
    mentions: int
    left_out: int
    sentences: int
    times: list[float] = field(default_factory=list)

    @property
    def ms(self) -> float | None:
        """Milliseconds of processor time a sentence, the median of all rounds."""
        return statistics.median(self.times) / self.sentences if self.times and self.sentences else None

    def record(self) -> dict[str, object]:
        """Everything, for JSON."""
        return {
            "versions": self.versions,
            "mentions": self.mentions,
            "left_out": self.left_out,
            "flags": {name: counts.figures() for name, counts in self.flags.items()},
            "ms_a_sentence": self.ms,
            "rounds": len(self.times),
        }


class Process:
    """A tool's process, asked in JSON lines. Use it with ``with``.

    Parameters
    ----------
    tool
        Name of the tool.
    command
        What starts it.
    """

    def __init__(self, tool: str, command: Sequence[str]) -> None:
        self.tool = tool
        self._command = list(command)

    def __enter__(self) -> Self:
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                env=os.environ | ONE_THREAD,
            )
        except OSError as error:
            raise ToolError(
                f"{self.tool} cannot be started with {self._command[0]}: {error.strerror}"
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        try:
            self._process.communicate()
        except BrokenPipeError:
            self._process.wait()

    def ask(self, request: Mapping[str, object]) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises
        ------
        ToolError
            If the tool is not there or ends without an answer.
        """
        assert self._process.stdin is not None  # noqa: S101 - both were asked for
        assert self._process.stdout is not None  # noqa: S101
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended, and its last line says why
        line = self._process.stdout.readline()
        if not line:
            raise ToolError(f"{self.tool} ended without an answer, see above")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise ToolError(
                f"{reply['error']}; install the dependency group 'peers' here, or in an environment of its "
                "own and name its interpreter with --peer-python"
            )
        return reply


def count(
    tool: str, lines: Sequence[Line], answers: Sequence[Sequence[Sequence[str] | None]]
) -> tuple[dict[str, Counts], int]:
    """Counts for each flag the tool knows, and how many mentions it left out.

    Raises
    ------
    ToolError
        If the answers are not one for each mention, or hold a flag that the tool does not know.
    """
    known = TOOLS[tool][1]
    counts = {name: Counts() for name in known}
    left_out = 0
    if [len(said) for said in answers] != [len(line.mentions) for line in lines]:
        raise ToolError(f"{tool} did not answer for each mention")
    for line, said in zip(lines, answers, strict=True):
        for mention, flags in zip(line.mentions, said, strict=True):
            if flags is None:
                left_out += 1
                continue
            if unknown := sorted(set(flags) - set(known)):
                raise ToolError(f"{tool} answered {unknown}; it is known to say {list(known)}")
            for name in known:
                counts[name].add(name in mention.flags, name in flags)
    return counts, left_out


def compare(lines: Sequence[Line], processes: Sequence[Process], *, rounds: int) -> list[Result]:
    """Ask every tool for all lines, then time them in turn."""
    texts = [
        {"text": line.text, "spans": [(mention.start, mention.end) for mention in line.mentions]}
        for line in lines
    ]
    results = []
    for process in processes:
        reply = process.ask({"texts": texts})
        counts, left_out = count(process.tool, lines, reply["flags"])
        results.append(
            Result(
                tool=process.tool,
                versions=reply["versions"],
                flags=counts,
                mentions=sum(len(line.mentions) for line in lines),
                left_out=left_out,
                sentences=len(lines),
            )
        )
    for _ in range(rounds):
        for process, result in zip(processes, results, strict=True):
            result.times.append(float(process.ask({"round": True})["ms"]))
    return results


def markdown(part: str, results: Sequence[Result]) -> str:
    """The table of ``docs/guide/reading.md``: precision, recall and F1 of each flag and tool."""
    first = results[0]
    rows = [
        ["flag", "marked"]
        + [f"{TOOLS[one.tool][0]} {one.versions.get(one.tool, '')}".strip() for one in results],
        ["---", "---:", *("---" for _ in results)],
    ]
    for name in FLAGS:
        counts = first.flags[name]
        rows.append([name, str(counts.tp + counts.fn), *(cell(one.flags.get(name)) for one in results)])
    rows.append(["ms a sentence", "", *("" if one.ms is None else f"{one.ms:.2f}" for one in results)])
    rows.append(["mentions left out", "", *(str(one.left_out) for one in results)])
    head = (
        f"Part `{part}`: {first.sentences} sentences, {first.mentions} mentions; precision / recall / **F1**."
    )
    return "\n".join([head, "", *(f"| {' | '.join(row)} |" for row in rows)])


def cell(counts: Counts | None) -> str:
    """Precision, recall and F1 in a cell; a dash where there is none.

    >>> cell(Counts(tp=1, fp=1)), cell(Counts()), cell(None)
    ('0.500 / 1.000 / **0.667**', '- / - / **-**', '-')
    """
    if counts is None:
        return "-"
    shown = [
        "-" if value is None else f"{value:.3f}"
        for value in map(counts.figures().__getitem__, ("precision", "recall", "f1"))
    ]
    return f"{shown[0]} / {shown[1]} / **{shown[2]}**"


def plain(part: str, results: Sequence[Result]) -> str:
    """The same figures for a terminal."""
    first = results[0]
    out = [f"{part}: {first.sentences} sentences, {first.mentions} mentions"]
    for one in results:
        versions = ", ".join(f"{name} {version}" for name, version in one.versions.items())
        out += [
            "",
            f"{TOOLS[one.tool][0]} ({versions}), {one.left_out} mentions left out"
            + ("" if one.ms is None else f", {one.ms:.3f} ms a sentence"),
            f"{'':<14}   prec    rec     f1     tp    fp    fn",
        ]
        for name, counts in one.flags.items():
            figures = counts.figures()
            shown = "".join(
                "      -" if figures[key] is None else f"{figures[key]:7.3f}"
                for key in ("precision", "recall", "f1")
            )
            out.append(f"{name:<14}{shown}{counts.tp:7}{counts.fp:6}{counts.fn:6}")
    return "\n".join(out)


def commands(peer_python: str) -> dict[str, list[str]]:
    """What starts each tool: ours under this interpreter, the peers under the one that is named."""
    return {
        tool: [sys.executable if tool == "suggester" else peer_python, str(WORKER), tool] for tool in TOOLS
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and print; 2 if the marks cannot be read or a tool does not answer."""
    parser = argparse.ArgumentParser(description="Compare assertion with medspaCy and negspaCy.")
    parser.add_argument("--part", choices=PARTS, default=["dev"], nargs="+", help="one or several, together")
    parser.add_argument(
        "--peer-python", default=sys.executable, metavar="PATH", help="interpreter that has the peers"
    )
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds over all sentences (default 5)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--markdown", action="store_true", help="print the table of the guide")
    options = parser.parse_args(arguments)
    if options.rounds < 0:
        parser.error("--rounds must be 0 or more")
    try:
        lines = list(read_parts(options.part))
        with ExitStack() as stack:
            processes = [
                stack.enter_context(Process(tool, command))
                for tool, command in commands(options.peer_python).items()
            ]
            results = compare(lines, processes, rounds=options.rounds)
    except (MarkError, ToolError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    part = " + ".join(options.part)
    if options.json:
        record = {"part": part, "tools": {one.tool: one.record() for one in results}}
        print(json.dumps(record, indent=2))
    else:
        print((markdown if options.markdown else plain)(part, results))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
