"""Two runs over the same notes compared: what changed a note, a code, a confidence, and why.

Runs are read side by side in order, in memory bounded by how far their orders differ. What produced a line is
in the line: version, model, releases of the code sets. Where runs are folders, their manifests say more
(hashes of model and code sets, settings, rules).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from suggester.batch.manifest import MANIFEST_FILE, Manifest
from suggester.errors import BatchError, InputError
from suggester.notes import read_suggestions
from suggester.types import Flag, Suggestion, Suggestions

__all__ = ["Change", "NoteDiff", "RunDiff", "diff_runs"]

Cause = Literal["version", "model", "code set", "rules", "settings", "not known"]
CAUSES: tuple[Cause, ...] = ("version", "model", "code set", "rules", "settings", "not known")

Kind = Literal["added", "removed", "confidence", "flags", "evidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happened to one code of a note: both confidences, None where the code is not there.

    ``flags`` are those that came (``+``) or went (``-``); ``why`` says in words what is seen at the code.
    """

    kind: Kind
    system: str
    code: str
    old: float | None
    new: float | None
    flags: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteDiff:
    """A note that changed. ``only`` says that one run alone has it."""

    id: str
    causes: tuple[Cause, ...]
    changes: tuple[Change, ...]
    only: Literal["old", "new"] | None = None


@dataclass(slots=True, kw_only=True)
class RunDiff:
    """The whole comparison: what differs between the runs, counts, and the notes that changed."""

    old: str
    new: str
    differences: tuple[tuple[Cause, str], ...] = ()
    notes: int = 0
    same: int = 0
    only_old: int = 0
    only_new: int = 0
    added: int = 0
    removed: int = 0
    moved: int = 0
    flagged: int = 0
    largest: float = 0.0
    crossed: Counter[str] = field(default_factory=Counter)
    codes_added: Counter[str] = field(default_factory=Counter)
    codes_removed: Counter[str] = field(default_factory=Counter)
    changed: list[NoteDiff] = field(default_factory=list)

    @property
    def is_same(self) -> bool:
        """Whether no note differs in its codes, confidences, flags or quoted words."""
        return not self.changed


def diff_runs(old: str | Path, new: str | Path, *, least: float = 0.0) -> RunDiff:
    """Compare two runs: files of JSON Lines, or folders that runs wrote.

    Parameters
    ----------
    old, new
        The runs.
    least
        Changes of a confidence below this are not told one by one, and count as no change.

    Raises
    ------
    InputError
        If one is not there or holds a line that is no record.
    BatchError
        If the two have a note twice.
    """
    first, second = _lines_of(Path(old)), _lines_of(Path(new))
    out = RunDiff(old=Path(old).name, new=Path(new).name)
    told = dict.fromkeys(_manifests(Path(old), Path(new)))
    by_manifest = bool(told)
    for mine, theirs in _pairs(_read(first), _read(second)):
        if mine is not None and theirs is not None:
            causes = _causes(mine, theirs)
            told.update(dict.fromkeys(causes))
            out.notes += 1
            changes = tuple(_changes(mine, theirs, least=least))
            _count(out, changes)
            if changes:
                named = {cause for cause, _ in (causes or told)}
                seen = tuple(cause for cause in CAUSES if cause in named)
                out.changed.append(NoteDiff(id=mine.note_id, causes=seen or ("not known",), changes=changes))
            else:
                out.same += 1
        elif mine is not None:
            out.only_old += 1
            out.changed.append(NoteDiff(id=mine.note_id, causes=(), changes=(), only="old"))
        elif theirs is not None:
            out.only_new += 1
            out.changed.append(NoteDiff(id=theirs.note_id, causes=(), changes=(), only="new"))
    order = {cause: place for place, cause in enumerate(CAUSES)}
    out.differences = tuple(sorted(told, key=lambda entry: (order[entry[0]], entry[1])))
    if not by_manifest and not out.differences and out.changed:
        out.differences = (("not known", "the lines name the same version, model and releases"),)
    return out


# --- reading ----------------------------------------------------------------------------------------


def _lines_of(path: Path) -> Path:
    if path.is_dir():
        found = path / "suggestions.jsonl"
        if not found.exists():
            raise InputError("the folder holds no suggestions.jsonl", record=path.name)
        return found
    return path


def _read(path: Path) -> Iterator[Suggestions]:
    for item in read_suggestions(path):
        if isinstance(item, InputError):
            if item.code == "empty":
                return
            raise item
        yield item


def _pairs(
    old: Iterator[Suggestions], new: Iterator[Suggestions]
) -> Iterator[tuple[Suggestions | None, Suggestions | None]]:
    """Records of the same note, side by side; those that one run alone has come with None, at the end."""
    waiting_old: dict[str, Suggestions] = {}
    waiting_new: dict[str, Suggestions] = {}
    more = True
    while more:
        mine, theirs = next(old, None), next(new, None)
        more = mine is not None or theirs is not None
        if mine is not None and theirs is not None and mine.note_id == theirs.note_id:
            yield mine, theirs
            continue
        if mine is not None:
            other = waiting_new.pop(mine.note_id, None)
            if other is not None:
                yield mine, other
            elif mine.note_id in waiting_old:
                raise BatchError("the old run has a note twice")
            else:
                waiting_old[mine.note_id] = mine
        if theirs is not None:
            other = waiting_old.pop(theirs.note_id, None)
            if other is not None:
                yield other, theirs
            elif theirs.note_id in waiting_new:
                raise BatchError("the new run has a note twice")
            else:
                waiting_new[theirs.note_id] = theirs
    yield from ((item, None) for item in waiting_old.values())
    yield from ((None, item) for item in waiting_new.values())


# --- why --------------------------------------------------------------------------------------------


def _manifests(old: Path, new: Path) -> Iterator[tuple[Cause, str]]:
    """What the manifests of two folders say of the engines."""
    paths = [path / MANIFEST_FILE for path in (old, new)]
    if not all(path.is_file() for path in paths):
        return
    mine, theirs = (Manifest.read(path).engine for path in paths)
    for name in sorted({*mine, *theirs}):
        was, now = mine.get(name, "absent"), theirs.get(name, "absent")
        if was == now:
            continue
        if name.startswith("codes "):
            yield "code set", f"{name.removeprefix('codes ')}: {was} -> {now}"
        elif name == "settings":
            yield from _settings(was, now)
        elif name in ("version", "model"):
            yield ("version" if name == "version" else "model"), f"{name}: {was} -> {now}"
        else:
            yield "settings", f"{name}: {was} -> {now}"


def _settings(was: str, now: str) -> Iterator[tuple[Cause, str]]:
    """Threshold and limit are spelled out; what else the hash covers is the rules."""
    old, new = was.rpartition(", "), now.rpartition(", ")
    if old[0] != new[0]:
        yield "settings", f"{old[0]} -> {new[0]}"
    else:
        yield "rules", f"rules switched off or added by the site: {old[2]} -> {new[2]}"


def _causes(old: Suggestions, new: Suggestions) -> list[tuple[Cause, str]]:
    """What the two records themselves say was different."""
    found: list[tuple[Cause, str]] = []
    if old.run.version != new.run.version:
        found.append(("version", f"version: {old.run.version} -> {new.run.version}"))
    if old.run.model != new.run.model:
        found.append(("model", f"model: {old.run.model} -> {new.run.model}"))
    mine, theirs = dict(old.run.codesets), dict(new.run.codesets)
    for system in sorted({*mine, *theirs}):
        was, now = mine.get(system, "none"), theirs.get(system, "none")
        if was != now:
            found.append(("code set", f"{system}: {was} -> {now}"))
    return found


# --- changes ----------------------------------------------------------------------------------------


def _changes(old: Suggestions, new: Suggestions, *, least: float) -> Iterator[Change]:
    mine = {(item.code.system, item.code.code): item for item in old.suggestions}
    theirs = {(item.code.system, item.code.code): item for item in new.suggestions}
    for key in sorted({*mine, *theirs}):
        before, after = mine.get(key), theirs.get(key)
        if before is None and after is not None:
            yield _change("added", key, None, after, why=_why_absent(key[1], old))
        elif after is None and before is not None:
            yield _change("removed", key, before, None, why=_why_absent(key[1], new))
        elif before is not None and after is not None:
            yield from _moved(key, before, after, least=least)
    flags = _flag_changes(old.flags, new.flags)
    if flags:
        yield Change(kind="flags", system="", code="", old=None, new=None, flags=flags, why="of the note")


def _moved(key: tuple[str, str], old: Suggestion, new: Suggestion, *, least: float) -> Iterator[Change]:
    flags = _flag_changes(old.flags, new.flags)
    if round(old.confidence, 4) != round(new.confidence, 4) and abs(old.confidence - new.confidence) >= least:
        reasons = "the reasons changed" if old.reasons != new.reasons else "the reasons are the same"
        yield _change("confidence", key, old, new, flags=flags, why=reasons)
    elif flags:
        yield _change("flags", key, old, new, flags=flags)
    elif [e.span for e in old.evidence] != [e.span for e in new.evidence]:
        yield _change("evidence", key, old, new, why="other words are quoted")


def _change(
    kind: Kind,
    key: tuple[str, str],
    old: Suggestion | None,
    new: Suggestion | None,
    *,
    flags: tuple[str, ...] = (),
    why: str = "",
) -> Change:
    return Change(
        kind=kind,
        system=key[0],
        code=key[1],
        old=None if old is None else round(old.confidence, 4),
        new=None if new is None else round(new.confidence, 4),
        flags=flags,
        why=why,
    )


def _why_absent(code: str, without: Suggestions) -> str:
    """What the run without a code says of it."""
    reasons = sorted({item.reason for item in without.not_coded if code in item.would_be})
    return f"not coded there: {', '.join(reasons)}" if reasons else "not found there"


def _flag_changes(old: tuple[Flag, ...], new: tuple[Flag, ...]) -> tuple[str, ...]:
    mine = {f"{flag.severity} {flag.rule_id}" for flag in old}
    theirs = {f"{flag.severity} {flag.rule_id}" for flag in new}
    return (
        *(f"+ {name}" for name in sorted(theirs - mine)),
        *(f"- {name}" for name in sorted(mine - theirs)),
    )


def _count(out: RunDiff, changes: tuple[Change, ...]) -> None:
    for change in changes:
        name = f"{change.system} {change.code}"
        if change.kind == "added":
            out.added += 1
            out.codes_added[name] += 1
        elif change.kind == "removed":
            out.removed += 1
            out.codes_removed[name] += 1
        elif change.kind == "confidence" and change.old is not None and change.new is not None:
            out.moved += 1
            out.largest = max(out.largest, abs(change.new - change.old))
            if (change.old >= 0.5) != (change.new >= 0.5):
                out.crossed["over one half" if change.new >= 0.5 else "under one half"] += 1
        if change.flags:
            out.flagged += 1
