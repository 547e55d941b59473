"""A run in figures: ``summary.json`` for programs, ``summary.html`` for people; and its manifest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from suggester.batch.files import WholeFile, sync_folder
from suggester.batch.parts import disk_errors
from suggester.batch.running import Summary
from suggester.batch.summary_html import summary_page
from suggester.batch.tally import BINS
from suggester.types import System

__all__ = ["summary_record", "write_summary"]

_TOP = 30


def summary_record(summary: Summary, *, chapter: Callable[[System, str], str]) -> dict[str, Any]:
    """The figures of a run as plain JSON values, in a fixed order.

    Parameters
    ----------
    summary
        What the run counted.
    chapter
        Names the chapter or part of a code system that a code belongs to.
    """
    tally = summary.tally
    codes = sorted(tally.codes.items(), key=lambda entry: (-entry[1], entry[0]))
    chapters: Counter[str] = Counter()
    for name, count in codes:
        chapters[_chapter(name, chapter)] += count
    confident = [tally.confidence.get(str(number), 0) for number in range(BINS)]
    return {
        "records": tally.records,
        "notes": tally.notes,
        "failed": tally.failed,
        "failures": dict(sorted(tally.failures.items())),
        "left_out": summary.left_out,
        "undated": summary.undated,
        "seconds": round(summary.seconds, 1),
        "notes_a_second": round((summary.done - summary.resumed) / max(summary.seconds, 1e-9), 1),
        "resumed": summary.resumed,
        "characters": tally.characters,
        "suggestions": tally.suggestions,
        "suggestions_a_note": round(tally.suggestions / max(tally.notes, 1), 2),
        "notes_without_suggestion": tally.without,
        "expected_right": round(tally.expected_right, 1),
        "auto_accepted": {
            "suggestions": tally.auto_accepted,
            "notes": tally.auto_notes,
            "expected_wrong": round(tally.auto_wrong, 1),
        },
        "confidence": [
            {"from": round(number / BINS, 2), "to": round((number + 1) / BINS, 2), "suggestions": count}
            for number, count in enumerate(confident)
        ],
        "codes": [{"code": name, "notes": count} for name, count in codes[:_TOP]],
        "different_codes": len(codes),
        "chapters": [
            {"chapter": name, "suggestions": count}
            for name, count in sorted(chapters.items(), key=lambda entry: (-entry[1], entry[0]))
        ],
        "flags": _ranked(tally.flags, "flag"),
        "not_coded": _ranked(tally.reasons, "reason"),
        "models": dict(sorted(tally.models.items())),
        "releases": dict(sorted(tally.releases.items())),
        "made_with": {} if summary.manifest is None else summary.manifest.to_record(),
    }


def _chapter(name: str, chapter: Callable[[System, str], str]) -> str:
    system, _, code = name.partition(" ")
    systems: dict[str, System] = {"ICD-10-CM": "ICD-10-CM", "CPT": "CPT", "HCPCS": "HCPCS"}
    return chapter(systems[system], code)


def _ranked(counts: Counter[str], name: str) -> list[dict[str, object]]:
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return [{name: what, "times": count} for what, count in ordered]


def write_summary(summary: Summary, *, folder: Path, chapter: Callable[[System, str], str]) -> None:
    """Write the three files, each whole.

    Raises
    ------
    DiskFullError
        If there is no space.
    """
    record = summary_record(summary, chapter=chapter)
    with disk_errors("the summary"):
        for name, text in (
            ("summary.json", json.dumps(record, indent=1, ensure_ascii=False)),
            ("summary.html", summary_page(record)),
        ):
            with WholeFile(folder / name) as file:
                file.write_line(text)
                file.publish()
        if summary.manifest is not None:
            summary.manifest.write(folder / "manifest.json")
        sync_folder(folder)
