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
from functools import cache
from pathlib import Path

from suggester.codesets import compiling
from suggester.codesets.container import FORMAT, Container
from suggester.codesets.hcpcs import INFLATED_BYTES, IoceReader, open_ioce
from suggester.codesets.icd10cm import embedded_tabular, read_tabular
from suggester.codesets.lexicon import INDEXED, Lexicon, lexicon_hash, read_lexicon
from suggester.codesets.licence import cpt_licensed
from suggester.codesets.phrases import PhraseSet, phrase_files, phrases_key
from suggester.codesets.releases import Reader, Release, embedded_releases, groups
from suggester.codesets.store import ReleaseStore, open_stores
from suggester.codesets.terms_compile import compile_terms
from suggester.config import Settings
from suggester.errors import CodeSetError, StoreDamagedError, StoreMissingError

log = logging.getLogger("suggester.codesets")

Progress = Callable[[str, int, int], None]
"""Called as ``progress(what, done, total)`` before each step and once at the end."""

EDITS_FILE = "edits.store"
"""Modifiers, add-on codes and NCCI pairs, kept for the rules."""

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

STORE_CODE = ("compiling.py", "container.py", "hcpcs.py", "icd10cm.py")
_INDEX_CODE = (
    "compiling.py",
    "container.py",
    "lexicon.py",
    "phrases.py",
    "terms.py",
    "terms_builder.py",
    "terms_compile.py",
    "words.py",
)


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
    with locked(folder):
        return _build(folder, progress or _quiet, force=force)


def _quiet(what: str, done: int, total: int) -> None:
    del what, done, total


def _build(folder: Path, progress: Progress, *, force: bool) -> list[Release]:
    releases = embedded_releases()
    licensed = cpt_licensed(folder)
    lexicon = cache(read_lexicon)
    keys = {release.file_name: embedded_key(release, licensed=licensed) for release in releases}
    edits_key = key_of("edits", _version("pyoce"), code_hash(STORE_CODE))
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
                _compile_flat(
                    release, tables, lexicon(), folder, key=keys[release.file_name], licensed=licensed
                )
            if edits:
                step("procedure edits")
                newest = tables.read(max(r.valid_from for r in releases if r.system == "HCPCS"))
                compiling.compile_edits(newest, tables.ncci(), folder / EDITS_FILE, key=edits_key)
    stores = refresh_indexes(folder, step, lexicon=lexicon, force=force)
    progress("done", total, total)
    return [store.release for store in stores]


def refresh_indexes(
    folder: Path,
    step: Callable[[str], None],
    *,
    lexicon: Callable[[], Lexicon] | None = None,
    force: bool = False,
) -> list[ReleaseStore]:
    """Compile the term indexes that are missing or out of date, remove those that nothing needs.

    The folder is locked by the caller. Returns the opened releases.
    """
    words = lexicon_hash(*INDEXED)  # taken first: what is read may be newer than its key says, never older
    read = lexicon or cache(read_lexicon)
    stores = open_stores(folder)
    indexes = set()
    for group in groups([store.release for store in stores]):
        step("term index")
        indexes.add(_compile_index(folder, _of(stores, group), read, words, force=force))
    for unused in set(folder.glob("terms-*.store")) - indexes:
        unused.unlink(missing_ok=True)
    return stores


def _compile_flat(
    release: Release, tables: IoceReader, lexicon: Lexicon, folder: Path, *, key: str, licensed: bool
) -> None:
    path = folder / release.file_name
    if release.system == "HCPCS":
        compiling.compile_hcpcs(release, tables.read(release.valid_from), lexicon, path, key=key)
    else:
        read = tables.read(release.valid_from, licensed=licensed)
        compiling.compile_cpt(release, read, lexicon, path, key=key)


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
    if not force and _fresh(path, _index_key(stores, words, phrase_files(folder)), whole=False):
        return path
    with locked(folder):
        for store in stores:
            if not _is_as_opened(store):
                raise CodeSetError("the code sets were rebuilt since they were opened; open them again")
        return _compile_index(folder, stores, read_lexicon, words)


def _is_as_opened(store: ReleaseStore) -> bool:
    path = store.release.path
    try:
        return path is not None and Container.read_meta(path).get("key") == store.file_key
    except StoreMissingError:  # its import was taken back
        return False


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
    extra = phrase_files(folder)
    key = _index_key(stores, words, extra)
    if force or not _fresh(path, key):
        icd10cm, cpt, hcpcs = stores
        imported = [PhraseSet(file) for file in extra]
        compile_terms(
            path, icd10cm=icd10cm, cpt=cpt, hcpcs=hcpcs, lexicon=lexicon(), key=key, imported=imported
        )
    return path


def index_name(group: Sequence[Release]) -> str:
    """File name of the term index over one release of each system."""
    return "terms-" + "-".join(f"{r.system.lower().replace('-', '')}.{r.id}" for r in group) + ".store"


def installed(settings: Settings | None = None) -> list[Release]:
    """The compiled releases, by system and first day."""
    return [store.release for store in open_stores((settings or Settings.load()).store_dir)]


def outdated(stores: Iterable[ReleaseStore], *, licensed: bool = False) -> list[Release]:
    """The embedded releases that no opened store holds as this installation would compile them."""
    keys = {store.release.file_name: store.file_key for store in stores}
    return [r for r in embedded_releases() if keys.get(r.file_name) != embedded_key(r, licensed=licensed)]


def _fresh(path: Path, key: str, *, whole: bool = True) -> bool:
    try:
        meta = Container(path, whole=whole).meta
    except StoreMissingError:
        return False
    except StoreDamagedError as error:
        log.warning("%s; rebuilding it", error)
        return False
    return bool(meta.get("format") == FORMAT and meta.get("key") == key)


def embedded_key(release: Release, *, licensed: bool = False) -> str:
    """Key of an embedded release's store: its source, its lexicon files and the code that compiles it.

    ``licensed`` says whether a licence of CPT was accepted, so that its descriptors are kept.

    Raises
    ------
    CodeSetError
        If the package that carries the release is not installed.
    """
    parts = [repr(release), _version(_PACKAGE_OF[release.reader]), code_hash(STORE_CODE)]
    if words := _LEXICONS_OF.get(release.reader):
        parts.append(lexicon_hash(*words))
    if licensed and release.system == "CPT":
        parts.append("licensed")
    return key_of(*parts)


def _index_key(stores: Iterable[ReleaseStore], words: str, phrases: Sequence[Path]) -> str:
    return key_of(words, code_hash(_INDEX_CODE), *(store.key for store in stores), *phrases_key(phrases))


def key_of(*parts: str) -> str:
    """Key of a store made of these parts."""
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def _version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        raise CodeSetError(
            f"package {package} is not installed; it carries code sets of this installation"
        ) from None


def code_hash(names: Sequence[str]) -> str:
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
def locked(folder: Path) -> Iterator[None]:
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
