"""The page of a run's summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from suggester.batch.html import bars, columns, page, table

__all__ = ["summary_page"]


def summary_page(record: Mapping[str, Any]) -> str:
    """One self-contained page of what ``summary_record`` gives. It holds codes and counts, no note text."""
    return page("Pre-coding run", _sections(record))


def _sections(record: Mapping[str, Any]) -> Iterator[str]:
    accepted = record["auto_accepted"]
    yield table(
        ("", ""),
        [
            ("records", record["records"]),
            ("notes read", record["notes"]),
            ("records that failed", record["failed"]),
            ("notes before the first day, left out", record["left_out"]),
            ("notes a second", record["notes_a_second"]),
            ("seconds", record["seconds"]),
            ("suggestions", record["suggestions"]),
            ("suggestions a note", record["suggestions_a_note"]),
            ("notes without a suggestion", record["notes_without_suggestion"]),
            ("suggestions right, as their confidences say", record["expected_right"]),
            ("marked as automatically accepted", accepted["suggestions"]),
            ("wrong among those, as their confidences say", accepted["expected_wrong"]),
        ],
    )
    yield "<h2>Confidence</h2>"
    names = [f"{entry['from']:g}" for entry in record["confidence"]] + ["1"]
    counts = [entry["suggestions"] for entry in record["confidence"]]
    yield columns("Suggestions by confidence", counts, names=names)
    yield "<h2>Chapters</h2>"
    yield bars(
        "Suggestions by chapter",
        [(entry["chapter"], entry["suggestions"]) for entry in record["chapters"]],
    )
    yield f"<h2>Most frequent of {record['different_codes']:,} codes</h2>"
    yield table(("code", "notes"), [(entry["code"], entry["notes"]) for entry in record["codes"]])
    yield "<h2>Flags</h2>"
    yield _counts(record["flags"], "flag", "No flag was raised.")
    yield "<h2>Read and not coded</h2>"
    yield _counts(record["not_coded"], "reason", "Nothing.")
    yield "<h2>Records that failed</h2>"
    if record["failures"]:
        yield table(("reason", "records"), record["failures"].items())
        yield '<p class="soft">Each is named in the errors file beside this page.</p>'
    else:
        yield "<p>None.</p>"
    yield "<h2>Made with</h2>"
    yield table(("model", "notes"), record["models"].items())
    yield table(("release", "notes"), record["releases"].items())
    made = record["made_with"]
    if made:
        yield table(("", ""), [*made["engine"].items(), *made["options"].items()])


def _counts(entries: list[Mapping[str, Any]], name: str, none: str) -> str:
    if not entries:
        return f"<p>{none}</p>"
    return table((name, "times"), [(entry[name], entry["times"]) for entry in entries])
