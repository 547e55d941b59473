"""The import page: notes by upload, with progress and a list of what could not be read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import streamlit as st

from suggester.errors import InputError
from suggester.notes import Meter
from suggester.review.cells import csv_bytes
from suggester.review.types import ImportFailure, ImportProgress
from suggester.types import Note
from suggester.ui.shell import Visit, visit
from suggester.ui.tables import csv_download, may_see, table
from suggester.ui.uploads import KINDS, uploaded_notes

__all__ = ["page"]

_RESULT = "_import_result"
_ROUND = "_import_round"


def page() -> None:
    """Take files, import their notes, list the failures. No word of a note is shown."""
    here = visit()
    st.title("Import")
    if not may_see(here, "note.import"):
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        turn = st.session_state.setdefault(_ROUND, 0)
        files = st.file_uploader(
            "Notes to import",
            type=list(KINDS),
            accept_multiple_files=True,
            key=f"import_files_{turn}",
            help="A text file is one note. JSON Lines and CSV hold one note a line. A zip holds text files.",
        )
        if st.button(
            "Import", type="primary", icon=":material/upload_file:", disabled=not files, key="import_start"
        ):
            st.session_state[_RESULT] = _import(here, files)
            st.session_state[_ROUND] = turn + 1
            st.rerun()
        result = st.session_state.get(_RESULT)
        if isinstance(result, ImportProgress):
            _show(result)
    with right:
        _formats()


def _import(here: Visit, files: list[Any]) -> ImportProgress:
    """Import the files in one go; progress by bytes read."""
    meters = [Meter() for _ in files]
    bar = st.progress(0.0, text="Reading the first notes …")
    last = ImportProgress(done=0, imported=0, skipped=0, failures=(), finished=True)
    for last in here.service.import_notes(here.token, _notes(files, meters)):
        share = sum((meter.share() or 0.0) * file.size for meter, file in zip(meters, files, strict=True))
        whole = sum(file.size for file in files) or 1
        bar.progress(
            1.0 if last.finished else min(share / whole, 0.99),
            text=f"{last.done:,} read · {last.imported:,} imported · {len(last.failures):,} failed",
        )
    return last


def _notes(files: list[Any], meters: list[Meter]) -> Iterator[Note | InputError]:
    return itertools.chain.from_iterable(
        uploaded_notes(file.name, file.getvalue(), meter=meter)
        for file, meter in zip(files, meters, strict=True)
    )


def _show(result: ImportProgress) -> None:
    """What became of the last import."""
    if result.imported:
        st.success(f"{_count(result.imported, 'note')} imported.", icon=":material/check_circle:")
    elif not result.failures:
        st.info("Nothing new was imported.", icon=":material/info:")
    if result.skipped:
        st.info(
            f"{_count(result.skipped, 'note')} left out: the store has a note of that id already.",
            icon=":material/content_copy:",
        )
    if result.failures:
        _failures(result.failures)


def _failures(failures: tuple[ImportFailure, ...]) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(f"{_count(len(failures), 'record')} not imported", width="content")
        csv_download(
            "import-errors.csv",
            lambda: csv_bytes(
                ("record", "code", "message"), [(f.record, f.code, f.message) for f in failures]
            ),
            key="import_errors",
        )
    st.caption(
        "The others were imported. Mend these and import the same file again: known notes are left out."
    )
    table(
        [{"Record": f.record, "Reason": f.code, "What to do": f.message} for f in failures],
        alt_text="Records that were not imported",
        columns={"What to do": st.column_config.TextColumn(width="large")},
    )


def _count(number: int, what: str) -> str:
    """A number of things in words.

    >>> _count(1, "note"), _count(2000, "note")
    ('1 note', '2,000 notes')
    """
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _formats() -> None:
    """What may be uploaded."""
    with st.container(border=True):
        st.markdown(
            "#### What can be imported\n"
            "- **Text** (`.txt`, also `.rtf`, `.pdf` with text): one note; the file's name is its id.\n"
            "- **JSON Lines** (`.jsonl`): `id` and `text`, and if known `encounter_id`, `service_date`, "
            "`setting`, `kind`, `patient`.\n"
            "- **CSV** (`.csv`): the same names as columns.\n"
            "- **Zip** (`.zip`): text files, one note each.\n"
            "- **HL7 v2, C-CDA, FHIR, Parquet**: as `suggester batch` reads them."
        )
        st.caption(
            "Files stay on this machine and are deleted when they have been read. A note that cannot be read "
            "is listed; the others go on. Notes whose id is known are left out, so an import can be repeated."
        )
