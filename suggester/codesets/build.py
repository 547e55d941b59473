"""Compile the installed releases into stores, and the term index over those in force together.

What is fresh stays: a store carries a key made of its source, of the code that compiled it and of the lexicon
files that it holds, and is compiled again when the key would differ. One build at a time works in a folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path

from suggester.codesets import compiling
from suggester.codesets.container import Container
from suggester.codesets.hcpcs import INFLATED_BYTES, IoceReader, open_ioce
from suggester.codesets.icd10cm import embedded_tabular, read_tabular
from suggester.codesets.lexicon import INDEXED, Lexicon, lexicon_hash, read_lexicon
from suggester.codesets.releases import Reader, Release, embedded_releases, groups
from suggester.codesets.store import ReleaseStore, open_stores
from suggester.codesets.terms import compile_terms
from suggester.config import Settings
from suggester.errors import CodeSetError, StoreDamagedError, StoreMissingError

log = logging.getLogger("suggester.codesets")

Progress = Callable[[str, int, int], None]
"""Called as ``progress(what, done, total)`` before each step and once at the end."""

EDITS_FILE = "edits.store"
"""Modifiers, add-on codes and NCCI pairs, kept for the rules."""

_FEWEST_CODES = 10_000
"""A tabular list with fewer billable codes is not whole."""

_PACKAGE_OF: dict[Reader, str] = {
    "icd10cm-embedded": "simple-icd-10-cm",
    "hcpcs-embedded": "pyoce",
    "cpt-embedded": "pyoce",
}
_LEXICONS_OF: dict[Reader, tuple[str, ...]] = {
    "hcpcs-embedded": ("hcpcs/short_words.tsv",),
    "cpt-embedded": ("cpt",),
}
"""The lexicon files whose words a reader's stores hold."""

_STORE_CODE = ("compiling.py", "container.py", "hcpcs.py", "icd10cm.py")
_INDEX_CODE = ("container.py", "lexicon.py", "terms.py", "words.py")


def build_all(
    settings: Settings | None = None, *, progress: Progress | None = None, force: bool = False
) -> list[Release]:
    """Bring every compiled store up to date. Quick when nothing changed.

    A store is written whole or not at all; an interrupted build leaves the old one. Two builds at once wait
    for each other. Releases that the user imported are kept.

    Raises
    ------
    CodeSetError
        If a source package is missing or damaged, a lexicon row is wrong, or the folder cannot be written.
    """
    folder = (settings or Settings.load()).store_dir
    with _locked(folder):
        return _build(folder, progress or _quiet, force=force)


def _quiet(what: str, done: int, total: int) -> None:
    del what, done, total


def _build(folder: Path, progress: Progress, *, force: bool) -> list[Release]:
    releases = embedded_releases()
    words = lexicon_hash(*INDEXED)  # taken first: what is read may be newer than its key says, never older
    lexicon = cache(read_lexicon)
    keys = {release.file_name: embedded_key(release) for release in releases}
    edits_key = _key("edits", _version("pyoce"), _code_hash(_STORE_CODE))
    stale = [r for r in releases if force or not _fresh(folder / r.file_name, keys[r.file_name])]
    edits = force or not _fresh(folder / EDITS_FILE, edits_key)
    kept = [store.release for store in open_stores(folder, leave_out=keys)]
    total = len(stale) + edits + len(groups([*releases, *kept]))
    done = 0

    def step(what: str) -> None:
        nonlocal done
        progress(what, done, total)
        done += 1

    from_tables = [release for release in stale if release.reader != "icd10cm-embedded"]
    for release in stale:
        if release not in from_tables:
            step(f"{release.system} {release.id}")
            nodes = read_tabular(embedded_tabular())
            compiling.compile_icd10cm(release, nodes, folder / release.file_name, key=keys[release.file_name])
    if from_tables or edits:
        _need_space(folder, INFLATED_BYTES)
        progress("CMS tables", done, total)
        with open_ioce(folder=folder) as tables:
            for release in from_tables:
                step(f"{release.system} {release.id}")
                _compile_flat(release, tables, lexicon(), folder, key=keys[release.file_name])
            if edits:
                step("procedure edits")
                newest = tables.read(max(r.valid_from for r in releases if r.system == "HCPCS"))
                compiling.compile_edits(newest, tables.ncci(), folder / EDITS_FILE, key=edits_key)
    stores = open_stores(folder)
    indexes = set()
    for group in groups([store.release for store in stores]):
        step("term index")
        indexes.add(_compile_index(folder, _of(stores, group), lexicon, words, force=force))
    for unused in set(folder.glob("terms-*.store")) - indexes:
        unused.unlink(missing_ok=True)
    progress("done", total, total)
    return [store.release for store in stores]


def _compile_flat(release: Release, tables: IoceReader, lexicon: Lexicon, folder: Path, *, key: str) -> None:
    make = compiling.compile_hcpcs if release.system == "HCPCS" else compiling.compile_cpt
    make(release, tables.read(release.valid_from), lexicon, folder / release.file_name, key=key)


def _of(stores: Iterable[ReleaseStore], group: Sequence[Release]) -> list[ReleaseStore]:
    by_name = {store.release.file_name: store for store in stores}
    return [by_name[release.file_name] for release in group]


def ensure_index(folder: Path, stores: Sequence[ReleaseStore], *, force: bool = False) -> Path:
    """The term index over one opened store of each system; compiled first if it is missing or out of date.

    Only the header of a file that is there is checked; ``force`` compiles a damaged one again.

    Raises
    ------
    CodeSetError
        If the stores were rebuilt since they were opened, or the index cannot be compiled.
    """
    words = lexicon_hash(*INDEXED)
    path = folder / index_name([store.release for store in stores])
    if not force and _fresh(path, _index_key(stores, words), whole=False):
        return path
    with _locked(folder):
        for store in stores:
            if Container.read_meta(folder / store.release.file_name).get("key") != store.key:
                raise CodeSetError("the code sets were rebuilt since they were opened; open them again")
        return _compile_index(folder, stores, read_lexicon, words)


def _compile_index(
    folder: Path,
    stores: Sequence[ReleaseStore],
    lexicon: Callable[[], Lexicon],
    words: str,
    *,
    force: bool = False,
) -> Path:
    """Compile the term index unless it is fresh and whole; ``words`` is the hash of the lexicon."""
    path = folder / index_name([store.release for store in stores])
    key = _index_key(stores, words)
    if force or not _fresh(path, key):
        icd10cm, cpt, hcpcs = stores
        compile_terms(path, icd10cm=icd10cm, cpt=cpt, hcpcs=hcpcs, lexicon=lexicon(), key=key)
    return path


def index_name(group: Sequence[Release]) -> str:
    """File name of the term index over one release of each system."""
    return "terms-" + "-".join(f"{r.system.lower().replace('-', '')}.{r.id}" for r in group) + ".store"


def installed(settings: Settings | None = None) -> list[Release]:
    """The compiled releases, by system and first day."""
    return [store.release for store in open_stores((settings or Settings.load()).store_dir)]


def outdated(stores: Iterable[ReleaseStore]) -> list[Release]:
    """The embedded releases that no opened store holds as this installation would compile them."""
    keys = {store.release.file_name: store.key for store in stores}
    return [r for r in embedded_releases() if keys.get(r.file_name) != embedded_key(r)]


def _fresh(path: Path, key: str, *, whole: bool = True) -> bool:
    try:
        meta = Container(path, whole=whole).meta
    except StoreMissingError:
        return False
    except StoreDamagedError as error:
        log.warning("%s; rebuilding it", error)
        return False
    return bool(meta.get("format") == compiling.FORMAT and meta.get("key") == key)


def embedded_key(release: Release) -> str:
    """Key of an embedded release's store: its source, its lexicon files and the code that compiles it.

    Raises
    ------
    CodeSetError
        If the package that carries the release is not installed.
    """
    parts = [repr(release), _version(_PACKAGE_OF[release.reader]), _code_hash(_STORE_CODE)]
    if words := _LEXICONS_OF.get(release.reader):
        parts.append(lexicon_hash(*words))
    return _key(*parts)


def _index_key(stores: Iterable[ReleaseStore], words: str) -> str:
    return _key(words, _code_hash(_INDEX_CODE), *(store.key for store in stores))


def _key(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def _version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        raise CodeSetError(
            f"package {package} is not installed; it carries code sets of this installation"
        ) from None


def _code_hash(names: Sequence[str]) -> str:
    """Hash of compiling code, so that a changed compiler makes its stores stale."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for name in names:
        digest.update((here / name).read_bytes())
    return digest.hexdigest()[:16]


def _need_space(folder: Path, octets: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < octets:
        wanted, have = octets // 1_000_000, free // 1_000_000
        raise CodeSetError(f"{wanted} MB are needed in the store folder, {have} MB are free")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Work in the store folder alone, after removing what an interrupted build left.

    Raises
    ------
    CodeSetError
        If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log.warning("another build of the code sets is running; waiting for it")
                fcntl.flock(handle, fcntl.LOCK_EX)
            for left in folder.glob(".*.tmp"):
                left.unlink(missing_ok=True)
            yield
    except OSError as error:
        if error.errno is None:  # not of the system: shipped data that an installation lacks
            raise
        raise CodeSetError(
            f"store folder {folder} cannot be written ({error.strerror}); SUGGESTER_STORE_DIR names another"
        ) from error


def import_icd10cm(
    tabular: Path,
    *,
    release_id: str,
    valid_from: date,
    valid_to: date | None,
    settings: Settings | None = None,
) -> Release:
    """Compile an ICD-10-CM tabular XML file that the user has, beside the releases already there.

    The same id again replaces the release.

    Raises
    ------
    CodeSetError
        If the file is no tabular list, holds too few codes to be one, or the id is an embedded release's.
    """
    folder = (settings or Settings.load()).store_dir
    release = Release(
        system="ICD-10-CM",
        id=release_id,
        valid_from=valid_from,
        valid_to=valid_to,
        source=f"tabular list imported from {tabular.name}",
        reader="icd10cm-imported",
    )
    if any(r.file_name == release.file_name for r in embedded_releases()):
        raise CodeSetError(f"release {release_id} of ICD-10-CM is embedded; choose another id")
    nodes = read_tabular(tabular)
    billable = sum(node.billable for node in nodes)
    if billable < _FEWEST_CODES:
        raise CodeSetError(f"{tabular.name}: {billable} billable codes; a whole list has more than 70,000")
    key = _key(repr(release), hashlib.sha256(tabular.read_bytes()).hexdigest(), _code_hash(_STORE_CODE))
    with _locked(folder):
        compiling.compile_icd10cm(release, nodes, folder / release.file_name, key=key)
        stores = open_stores(folder)
        words = lexicon_hash(*INDEXED)
        lexicon = cache(read_lexicon)
        for group in groups([store.release for store in stores]):
            _compile_index(folder, _of(stores, group), lexicon, words)
    return next(store.release for store in stores if store.release.file_name == release.file_name)
