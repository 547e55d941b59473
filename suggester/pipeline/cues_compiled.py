"""The cues of assertion compiled into the store folder: opened in a tenth of the time that reading takes.

They are keyed by the bytes of the lexicons and of the code that reads them, so that they cannot go stale.
Where they are missing, damaged or out of date they are compiled anew; where the folder cannot be written they
are read from their files.
"""

from __future__ import annotations

import hashlib
import json
import logging
from functools import lru_cache
from pathlib import Path
from typing import Final

from suggester.codesets.build import key_of, locked
from suggester.codesets.container import Container, write_container
from suggester.codesets.lexicon import lexicon_dir, lexicon_hash
from suggester.errors import CodeSetError, StoreDamagedError, StoreMissingError
from suggester.pipeline.automaton import CueBook, Modifier
from suggester.pipeline.cues import Cues, cue_files, read_cues

CUES_FILE: Final = "cues.store"
_CODE: Final = (
    "automaton.py",
    "cues.py",
    "cues_compiled.py",
    "../codesets/lexicon.py",
    "../codesets/words.py",
)
_BOOKS: Final = ("setting", "ending", "title")

log = logging.getLogger("suggester.pipeline")


@lru_cache(maxsize=4)
def open_cues(folder: Path) -> Cues:
    """The shipped cues, compiled in a folder; compiled first if they are missing, damaged or out of date.

    Parameters
    ----------
    folder
        The store folder.

    Raises
    ------
    LexiconError
        If they must be read and a file is wrong, see ``read_cues``.
    """
    path, key = folder / CUES_FILE, _key()
    try:
        container = Container.open(path)
        if container.meta.get("key") == key:
            return _read(container)
    except StoreMissingError:
        pass
    except StoreDamagedError as error:
        log.warning("%s; rebuilding it", error)
    cues = read_cues()
    try:
        with locked(folder):
            _write(path, cues, key)
    except CodeSetError as error:
        log.info("%s; the cues are read at each start", error)
    return cues


def _key() -> str:
    """Key of the cues: the lexicons that hold them and the code that reads them."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for name in _CODE:
        digest.update((here / name).read_bytes())
    root = lexicon_dir()
    parts = (path.relative_to(root).as_posix() for path in cue_files(root / "reader"))
    return key_of("cues", digest.hexdigest(), lexicon_hash(*parts))


def _write(path: Path, cues: Cues, key: str) -> None:
    books = [getattr(cues, name) for name in _BOOKS]
    numbers: dict[Modifier, int] = {}
    tables = []
    for book in books:
        edges, accept = book.nodes()
        ends = {
            node: [numbers.setdefault(modifier, len(numbers)) for modifier in modifiers]
            for node, modifiers in accept.items()
        }
        tables.append({"edges": edges, "accept": ends, "size": book.size})
    modifiers = [[m.mask, m.direction, m.max_words, m.reach, m.rule] for m in numbers]
    known = {"classes": books[0].classes, "modifiers": modifiers}
    text = [json.dumps(table, separators=(",", ":")) for table in (known, *tables)]
    write_container(path, meta={"key": key}, arrays={}, strings={"cues": text})


def _read(container: Container) -> Cues:
    known, *tables = (json.loads(text) for text in container.strings("cues"))
    classes = {word: tuple(names) for word, names in known["classes"].items()}
    modifiers = [Modifier(*cells) for cells in known["modifiers"]]
    setting, ending, title = (
        CueBook.of_nodes(
            classes,
            table["edges"],
            {int(node): tuple([modifiers[n] for n in ends]) for node, ends in table["accept"].items()},
            table["size"],
        )
        for table in tables
    )
    return Cues(setting, ending, title)


__all__ = ["CUES_FILE", "open_cues"]
