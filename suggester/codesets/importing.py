"""The door for imports: what is given is recognised, checked row by row, and taken whole or not at all."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from suggester.codesets.build import build_all, locked, refresh_indexes
from suggester.codesets.diff import compare_stores
from suggester.codesets.importing_edits import plan_global, plan_mue, plan_ncci
from suggester.codesets.importing_phrases import phrase_changes, plan_chargemaster, plan_synonyms
from suggester.codesets.importing_plan import Plan, Wanted
from suggester.codesets.importing_releases import is_tabular, plan_cpt, plan_hcpcs, plan_icd10cm
from suggester.codesets.journal import (
    KINDS,
    Changes,
    Import,
    Kind,
    commit,
    in_use,
    read_journal,
    revert,
    stage,
    withdraw,
)
from suggester.codesets.lexicon import read_lexicon
from suggester.codesets.licence import cpt_licensed
from suggester.codesets.phrases import PHRASES_FILE, PhraseSet
from suggester.codesets.releases import Release, in_force
from suggester.codesets.service_changes import service_changes
from suggester.codesets.store import ReleaseStore, open_stores
from suggester.codesets.tabular_files import is_anweb_text, looks_like_hcpcs
from suggester.codesets.untrusted import Source, gather, heading, rows_of
from suggester.config import Settings
from suggester.errors import CodeSetError, ImportRefusedError, LicenceError, NoReleaseError
from suggester.types import SYSTEMS, System

Progress = Callable[[str], None]
"""Called with what is done next."""

_SHOWN = 20
_READ_FOR_KIND = 30


def import_files(
    paths: Sequence[Path],
    *,
    kind: Kind | None = None,
    name: str | None = None,
    valid_from: date | None = None,
    valid_to: date | None = None,
    setting: str | None = None,
    least: int | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Import:
    """Import files, folders or zip archives. A failed import leaves everything as it was.

    Parameters
    ----------
    paths
        What to import: all of one kind.
    kind
        What it is; recognised by its content if not given (a CPT file is not: say so).
    name
        Id of the release (its first day if not given) or name of the list (the file's). The same again takes
        the place of the one before.
    valid_from, valid_to
        Days in force; where the file states them they need not be given.
    setting
        Of NCCI pairs and unlikely edits: ``practitioner``, ``hospital`` or ``dme``.
    least
        Fewest codes that a release must have; None for what whole releases have.
    settings
        Settings; None reads them from the environment.
    progress
        Called before each step.

    Raises
    ------
    ImportRefusedError
        If anything given is wrong: names file, row and reason.
    LicenceError
        If it is a CPT file and no licence was stated.
    CodeSetError
        If release id or days cannot be, or the store folder cannot be written.
    """
    chosen = settings or Settings.load()
    folder = chosen.store_dir
    say = progress or _quiet
    if not paths:
        raise CodeSetError("nothing to import was given")
    with tempfile.TemporaryDirectory(prefix="suggester-import-") as unpacked:
        say("reading")
        sources = gather(paths, Path(unpacked))
        what = kind or recognise(sources)
        wanted = Wanted(
            name=name,
            first=valid_from,
            last=valid_to,
            setting=setting,
            sha256=_hash(sources),
            least=least,
        )
        plan = _plan(what, sources, wanted, chosen)
        say("compiling")
        build_all(chosen)
        with locked(folder):
            if plan.release is not None:
                _refuse_overlap(folder, plan.release)
            staged = stage(folder)
            plan.write(staged)
            plan = replace(plan, write=_quiet)  # what was read is not needed any more: memory
            return _take(folder, plan, staged, paths, wanted, say)


def _quiet(what: object) -> None:
    del what


def _hash(sources: Sequence[Source]) -> str:
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.name.encode() + b"\0")
        with source.path.open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()


def recognise(sources: Sequence[Source]) -> Kind:
    """What kind of import files are, by their content.

    Raises
    ------
    ImportRefusedError
        If they are none that is known.
    """
    if any(is_tabular(source) for source in sources):
        return "icd10cm"
    for source in sources:
        if source.suffix == ".obo":
            return "synonyms"
        if is_anweb_text(source):
            return "hcpcs"
        if source.suffix in (".csv", ".txt", ".tsv", ".xlsx") and (kind := _kind_of_table(source)):
            return kind
    if any(source.suffix == ".xml" for source in sources):
        return "icd10cm"
    name = sources[0].name if sources else "import"
    raise ImportRefusedError(name, f"what it is cannot be told; say --kind, one of: {', '.join(KINDS)}")


def _kind_of_table(source: Source) -> Kind | None:
    heads: list[str] = []
    try:
        for number, (_, cells) in enumerate(rows_of(source)):
            names = [heading(cell) for cell in cells]
            heads.extend(names)
            if looks_like_hcpcs(cells):
                return "hcpcs"
            if number >= _READ_FOR_KIND:
                break
    except ImportRefusedError:
        return None
    have = set(heads)
    if any(n.startswith(("column 1", "column1")) for n in have) and any(
        n.startswith(("column 2", "column2")) for n in have
    ):
        return "ncci"
    if any("mue value" in n for n in have):
        return "mue"
    if "hcpcs" in have and any("glob" in n.split() for n in have):
        return "global"
    if have & {"price", "charge", "gross charge", "unit price", "standard charge gross"}:
        return "chargemaster"
    words, codes = {"phrase", "term", "synonym", "subject label"}, {"code", "icd10cm", "object id"}
    return "synonyms" if have & words and have & codes else None


def _plan(kind: Kind, sources: Sequence[Source], wanted: Wanted, settings: Settings) -> Plan:
    match kind:
        case "icd10cm":
            return plan_icd10cm(sources, wanted)
        case "hcpcs":
            build_all(settings)
            stores = _by_system(open_stores(settings.store_dir))["HCPCS"]
            return plan_hcpcs(sources, wanted, [s for s in stores if s.release.reader == "hcpcs-embedded"])
        case "ncci":
            return plan_ncci(sources, wanted)
        case "mue":
            return plan_mue(sources, wanted)
        case "global":
            return plan_global(sources, wanted)
        case "cpt":
            if not cpt_licensed(settings.store_dir):
                raise LicenceError(
                    "a CPT file is read only under a licence; state yours first: "
                    "suggester codesets license cpt --accept --name NAME --purpose PURPOSE"
                )
            labels: dict[str, str] = {}
            for row in read_lexicon().cpt:
                labels.setdefault(row.code, row.label)
            return plan_cpt(sources, wanted, labels)
    build_all(settings)
    by_system = _by_system(open_stores(settings.store_dir))
    return (plan_synonyms if kind == "synonyms" else plan_chargemaster)(sources, wanted, by_system)


def _by_system(stores: Sequence[ReleaseStore]) -> dict[System, list[ReleaseStore]]:
    return {system: [s for s in stores if s.release.system == system] for system in SYSTEMS}


def _take(
    folder: Path, plan: Plan, staged: Path, paths: Sequence[Path], wanted: Wanted, say: Progress
) -> Import:
    """Take a plan's written files into use; undone whole if anything fails."""
    before = open_stores(folder)
    item = commit(
        folder,
        staged,
        kind=plan.kind,
        slot=plan.slot,
        sources=tuple(path.name for path in paths),
        sha256=wanted.sha256,
        changes=_changes(folder, plan, staged, before),
    )
    try:
        if plan.kind not in ("ncci", "mue", "global"):
            refresh_indexes(folder, lambda what: say(f"compiling the {what}"))
    except BaseException:
        withdraw(folder, item)
        raise
    return item


def _refuse_overlap(folder: Path, release: Release) -> None:
    """Two imports of one system cannot begin on one day: which is in force could not be told."""
    for store in open_stores(folder):
        other = store.release
        if (
            other.system == release.system
            and other.reader == release.reader
            and other.id != release.id
            and other.valid_from == release.valid_from
        ):
            raise CodeSetError(
                f"overlapping validity: release {other.id} of {other.system} was imported and begins on "
                f"{other.valid_from} too; take it back first, or use its id"
            )


def _changes(folder: Path, plan: Plan, staged: Path, before: Sequence[ReleaseStore]) -> Changes:
    if plan.release is not None:
        return _release_changes(plan, plan.release, staged, before, licensed=cpt_licensed(folder))
    assert plan.changes is not None  # noqa: S101 - of every plan without a release
    if plan.kind not in ("synonyms", "chargemaster"):
        return service_changes(folder, plan.kind, staged, plan.changes)
    now = PhraseSet(staged / PHRASES_FILE)
    old = [item for item in in_use(read_journal(folder)) if item.slot == plan.slot]
    last = list(PhraseSet(old[-1].folder(folder) / PHRASES_FILE)) if old else []
    against = f"import {old[-1].id}" if old else ""
    return phrase_changes(last, list(now), plan.changes, against)


def _release_changes(
    plan: Plan, release: Release, staged: Path, before: Sequence[ReleaseStore], *, licensed: bool
) -> Changes:
    """What a release changes against the one with its id, else in force on its first day, else the newest."""
    new = ReleaseStore(staged / release.file_name, licensed=licensed)
    by_name = {store.release.file_name: store for store in before}
    old = by_name.get(release.file_name)
    if old is None:
        known = [store.release for store in before]
        try:
            old = by_name[in_force(known, release.system, release.valid_from).file_name]
        except NoReleaseError:
            old = by_name[in_force(known, release.system, None).file_name]
    found = compare_stores(old, new)
    named = {
        "added": [code for code, _ in found.added],
        "deleted": [code for code, _ in found.deleted],
        "revised": [item.code for item in found.revised],
    }
    return Changes(
        rows=plan.rows,
        kept=new.release.codes,
        against=f"{old.release.system} {old.release.id}",
        added=len(found.added),
        deleted=len(found.deleted),
        revised=len(found.revised),
        examples={name: tuple(codes[:_SHOWN]) for name, codes in named.items() if codes},
        remarks=plan.remarks,
    )


def revert_import(number: int, *, settings: Settings | None = None) -> Import:
    """Take an import back; what it took the place of is in use again.

    Raises
    ------
    CodeSetError
        If there is no such import, or it was taken back before.
    """
    chosen = settings or Settings.load()
    if not chosen.store_dir.is_dir():
        raise CodeSetError(f"there is no import {number}; nothing was imported here")
    with locked(chosen.store_dir):
        item = revert(chosen.store_dir, number)
        if {store.release.system for store in open_stores(chosen.store_dir)} >= set(SYSTEMS):
            refresh_indexes(chosen.store_dir, _quiet)
    return item


def imports(settings: Settings | None = None) -> tuple[tuple[Import, bool], ...]:
    """Every import, oldest first, and whether it is in use."""
    journal = read_journal((settings or Settings.load()).store_dir)
    active = {item.id for item in in_use(journal)}
    return tuple((item, item.id in active) for item in journal)


def import_icd10cm(
    tabular: Path,
    *,
    release_id: str,
    valid_from: date,
    valid_to: date | None,
    settings: Settings | None = None,
) -> Release:
    """Import an ICD-10-CM tabular list (XML) beside the releases already there.

    The same id again replaces the release. ``valid_to`` None is the end of the list's fiscal year.

    Raises
    ------
    CodeSetError
        If the file is no tabular list, is of another year, holds too few codes to be one, or the id is an
        embedded release's.
    """
    chosen = settings or Settings.load()
    item = import_files(
        [tabular],
        kind="icd10cm",
        name=release_id,
        valid_from=valid_from,
        valid_to=valid_to,
        settings=chosen,
    )
    path = item.folder(chosen.store_dir) / next(name for name in item.files if name.startswith("icd10cm-"))
    return replace(ReleaseStore(path).release, path=path)
