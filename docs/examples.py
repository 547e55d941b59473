"""Keeps the output that the documentation shows true.

    python docs/examples.py           names the examples whose output is not what is shown, exit code 1
    python docs/examples.py --write   writes the output anew

An example is a command after ``$`` in a ``console`` block of README.md or docs/guide/; what follows it, up
to the next command, is its standard output, with ends of lines stripped. A line ``…`` stands for any number
of lines. Commands run in an empty folder in which docs/ and eval/ can be seen. Blocks of other languages
are not run.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
ANY_LINES = "…"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A command and the output that is shown for it."""

    page: str
    command: str
    shown: tuple[str, ...]


def pages() -> list[Path]:
    """The pages that may hold examples."""
    return [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs" / "guide").glob("*.md"))]


def examples(page: Path) -> Iterator[Example]:
    """The examples of a page, in order."""
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        for part in re.split(r"^\$ ", block[1], flags=re.MULTILINE)[1:]:
            command, *shown = part.splitlines()
            yield Example(page=page.name, command=command, shown=_trimmed(shown))


def output(command: str) -> tuple[str, ...]:
    """What a command prints on standard output now.

    Raises
    ------
    RuntimeError
        If it fails.
    """
    scripts = str(Path(sys.executable).parent)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SUGGESTER_")}
    environment = kept | {
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        "LC_ALL": "C.UTF-8",
    }
    with tempfile.TemporaryDirectory(prefix="suggester-docs-") as folder:
        for name in ("docs", "eval"):
            (Path(folder) / name).symlink_to(CHECKOUT / name)
        done = subprocess.run(  # noqa: S603 - commands of our own documentation
            ["bash", "-c", command],  # noqa: S607
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{command!r} ended with exit code {done.returncode}: {done.stderr.strip()}")
    return _trimmed(done.stdout.splitlines())


def agrees(shown: tuple[str, ...], printed: tuple[str, ...]) -> bool:
    """Whether the output shown stands for what was printed.

    >>> agrees(("a", "…", "c"), ("a", "b", "b", "c")), agrees(("a",), ("a", "b"))
    (True, False)
    """
    pattern = "".join(r"(?:.*\n)*" if line == ANY_LINES else re.escape(line) + r"\n" for line in shown)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)) is not None


def rewritten(page: Path) -> str:
    """The page with the output of its commands as it is now; one shortened with ``…`` that agrees stays."""

    def block(found: re.Match[str]) -> str:
        parts = []
        for part in re.split(r"^\$ ", found[1], flags=re.MULTILINE)[1:]:
            command, *rest = part.splitlines()
            shown, printed = _trimmed(rest), output(command)
            if not agrees(shown, printed):
                if ANY_LINES in shown:
                    print(f"{page.name}: `{command}` is shortened by hand and is not true any more")
                shown = printed
            parts.append("\n".join([f"$ {command}", *shown]) + "\n")
        return "```console\n" + "".join(parts) + "```"

    return _BLOCK.sub(block, page.read_text(encoding="utf-8"))


def _trimmed(lines: list[str]) -> tuple[str, ...]:
    return tuple("\n".join(line.rstrip() for line in lines).strip("\n").splitlines())


def main() -> int:
    """Check or write; the exit code."""
    parser = argparse.ArgumentParser(description="Check or write the output that the documentation shows.")
    parser.add_argument("--write", action="store_true", help="write it anew")
    good = True
    if parser.parse_args().write:
        for page in pages():
            page.write_text(rewritten(page), encoding="utf-8")
    else:
        for page in pages():
            for example in examples(page):
                if not agrees(example.shown, output(example.command)):
                    good = False
                    print(f"{page.name}: `{example.command}` prints something else now; run: make examples")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
