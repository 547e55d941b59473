"""Walking a folder of notes in a fixed order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Entry", "walk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file below a folder: its path, its name from the folder on, and why it must not be read, if so."""

    path: Path
    name: str
    problem: str | None = None


def walk(root: Path, *, wanted: Callable[[str], bool]) -> Iterator[Entry]:
    """Yield the files below ``root`` whose name from there on is ``wanted``, by name, folder by folder.

    Names that begin with a dot are left out. Links are refused where they lead to a folder, which could go
    round in circles, or out of ``root``, which could read what was never meant as input.
    """
    inside = root.resolve()
    waiting = [Entry(path=root, name="")]
    while waiting:
        entry = waiting.pop()
        if not entry.path.is_dir() or entry.problem is not None:
            yield entry
            continue
        try:
            with os.scandir(entry.path) as found:
                children = sorted(found, key=lambda child: os.fsencode(child.name))
        except OSError as error:
            problem = f"cannot be read: {error.strerror or type(error).__name__}"
            yield Entry(path=entry.path, name=entry.name or root.name, problem=problem)
            continue
        kept = [_entry(child, above=entry.name, inside=inside, wanted=wanted) for child in children]
        waiting += [child for child in reversed(kept) if child is not None]


def _entry(
    child: os.DirEntry[str], *, above: str, inside: Path, wanted: Callable[[str], bool]
) -> Entry | None:
    name = f"{above}/{child.name}" if above else child.name
    is_wanted = wanted(name)
    problem = None
    if child.name.startswith("."):
        return None
    if child.is_symlink():
        if child.is_dir():
            problem = "a link to a folder, which is not followed"
        elif not is_wanted:
            return None
        elif not Path(child.path).resolve().is_relative_to(inside):
            problem = "a link that leads out of the folder"
    elif not is_wanted and not child.is_dir():
        return None
    return Entry(path=Path(child.path), name=name, problem=problem)
