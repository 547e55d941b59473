"""A comparison of two runs as text for a terminal, plain JSON values, and a page to sign off."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from suggester.batch.diff import Change, NoteDiff, RunDiff
from suggester.batch.html import bars, page, table

__all__ = ["diff_page", "diff_record", "diff_text"]

_TOP = 20
_MOST_IN_PAGE = 500


def diff_record(diff: RunDiff) -> dict[str, Any]:
    """The whole comparison as plain JSON values, every changed note in it."""
    return {
        "old": diff.old,
        "new": diff.new,
        "differences": [{"cause": cause, "what": what} for cause, what in diff.differences],
        "notes": diff.notes,
        "same": diff.same,
        "changed": len(diff.changed) - diff.only_old - diff.only_new,
        "only_old": diff.only_old,
        "only_new": diff.only_new,
        "codes_added": diff.added,
        "codes_removed": diff.removed,
        "confidences_changed": diff.moved,
        "largest_change": round(diff.largest, 4),
        "crossed_one_half": dict(sorted(diff.crossed.items())),
        "with_other_flags": diff.flagged,
        "most_added": _ranked(diff.codes_added),
        "most_removed": _ranked(diff.codes_removed),
        "changes": [
            {
                "note": note.id,
                "only": note.only,
                "causes": list(note.causes),
                "codes": [
                    {
                        "change": change.kind,
                        "system": change.system,
                        "code": change.code,
                        "old": change.old,
                        "new": change.new,
                        "flags": list(change.flags),
                        "why": change.why,
                    }
                    for change in note.changes
                ],
            }
            for note in diff.changed
        ],
    }


def _ranked(counts: Any) -> list[dict[str, Any]]:
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return [{"code": code, "notes": count} for code, count in ordered[:_TOP]]


def diff_text(diff: RunDiff, *, most: int = 20) -> Iterator[str]:
    """Lines for a person: the summary first, then the first ``most`` notes that changed."""
    yield f"{diff.old} -> {diff.new}"
    for cause, what in diff.differences:
        yield f"  {cause}: {what}"
    yield from (f"  {name}: {value}" for name, value in _figures(diff))
    for note in diff.changed[:most]:
        yield ""
        only = f" (only in the {note.only} run)" if note.only else ""
        because = f" because of {', '.join(note.causes)}" if note.causes else ""
        yield f"{note.id}{only}{because}"
        yield from (f"  {_told(change)}" for change in note.changes)
    if len(diff.changed) > most:
        yield ""
        yield f"and {len(diff.changed) - most} more notes: --json or --html has all of them"


def _figures(diff: RunDiff) -> list[tuple[str, object]]:
    changed = len(diff.changed) - diff.only_old - diff.only_new
    return [
        ("notes in both", diff.notes),
        ("notes unchanged", diff.same),
        ("notes changed", changed),
        ("notes only in the old run", diff.only_old),
        ("notes only in the new run", diff.only_new),
        ("codes added", diff.added),
        ("codes removed", diff.removed),
        ("confidences changed", diff.moved),
        ("largest change of a confidence", round(diff.largest, 4)),
        ("confidences that rose over one half", diff.crossed["over one half"]),
        ("confidences that fell under one half", diff.crossed["under one half"]),
        ("codes or notes with other flags", diff.flagged),
    ]


def _told(change: Change) -> str:
    sign = {"added": "+", "removed": "-"}.get(change.kind, "~")
    name = f"{change.system} {change.code}" if change.code else "note"
    numbers = " -> ".join("none" if value is None else f"{value:.2f}" for value in (change.old, change.new))
    parts = [f"{sign} {name}"]
    if change.old is not None or change.new is not None:
        parts.append(numbers)
    parts += [change.why] if change.why else []
    parts += [f"flags {', '.join(change.flags)}"] if change.flags else []
    return "  ".join(parts)


def diff_page(diff: RunDiff) -> str:
    """One self-contained page with the summary, the notes, and a place to sign. It holds no note text."""
    return page("Comparison of two runs", _sections(diff))


def _sections(diff: RunDiff) -> Iterator[str]:
    yield f"<p>{escape(diff.old)} → {escape(diff.new)}</p>"
    yield "<h2>What differs between the runs</h2>"
    yield table(("cause", "what"), diff.differences) if diff.differences else "<p>Nothing that they name.</p>"
    yield "<h2>What changed</h2>"
    yield table(("", ""), _figures(diff))
    for title, counts in (("Codes added", diff.codes_added), ("Codes removed", diff.codes_removed)):
        if counts:
            ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:_TOP]
            yield f"<h2>{title}</h2>{bars(title, ordered)}"
    yield "<h2>Notes</h2>"
    shown = diff.changed[:_MOST_IN_PAGE]
    if len(diff.changed) > len(shown):
        yield f"<p class='soft'>The first {len(shown)} of {len(diff.changed)}.</p>"
    yield table(("note", "because of", "changes"), [_row(note) for note in shown])
    yield "<h2>Sign-off</h2>"
    yield table(("", ""), [("Decision", "accept / reject"), ("Name", ""), ("Date", ""), ("Remarks", "")])


def _row(note: NoteDiff) -> tuple[str, str, str]:
    told = "; ".join(_told(change) for change in note.changes)
    return note.id, ", ".join(note.causes), f"only in the {note.only} run" if note.only else told
