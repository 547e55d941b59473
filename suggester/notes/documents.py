"""One document's bytes to its notes, by what kind of document it is."""

from __future__ import annotations

from collections.abc import Callable

from suggester.errors import DocumentError, InputError
from suggester.fields import id_problem
from suggester.notes.ccda import ccda_document
from suggester.notes.decoding import check_text, decode
from suggester.notes.fhir import fhir_notes
from suggester.notes.hl7 import Embedded
from suggester.notes.limits import Limits
from suggester.notes.markup import html_text
from suggester.notes.parsing import json_object
from suggester.notes.pdf import is_pdf, pdf_text
from suggester.notes.rtf import is_rtf, rtf_text
from suggester.types import Note

__all__ = ["DOCUMENTS", "Document", "checked", "embedded_text"]

type Document = Callable[..., list[Note | InputError]]
"""Makes the notes of a document: bytes, ``record`` that names it, ``note_id`` from its name, ``limits``."""


def embedded_text(*, record: str, limits: Limits) -> Embedded:
    """What reads documents inside of others."""

    def read(data: bytes, subtype: str) -> str:
        if subtype in ("RTF", "X-RTF") or is_rtf(data):
            return rtf_text(data, record=record, most_chars=limits.chars)
        if subtype == "PDF" or is_pdf(data):
            return pdf_text(data, record=record, most_chars=limits.chars)
        text = decode(data, record=record)
        return html_text(text) if subtype in ("HTML", "XHTML", "XHTML+XML", "XML") else text

    return read


def checked(item: Note | InputError, *, limits: Limits) -> Note | InputError:
    """The note if it is one: an id that can be one, and text that is text."""
    if isinstance(item, InputError):
        return item
    record = item.source or item.id
    problem = id_problem(item.id)
    if problem:
        return DocumentError(f"the id of the document {problem}", record=record)
    try:
        check_text(item.text, record=record, most_chars=limits.chars)
    except InputError as error:
        return error
    return item


def _text(data: bytes, *, record: str, note_id: str, limits: Limits) -> list[Note | InputError]:
    return [Note(id=note_id, text=decode(data, record=record), source=record)]


def _rtf(data: bytes, *, record: str, note_id: str, limits: Limits) -> list[Note | InputError]:
    text = rtf_text(data, record=record, most_chars=limits.chars)
    return [Note(id=note_id, text=text, source=record)]


def _pdf(data: bytes, *, record: str, note_id: str, limits: Limits) -> list[Note | InputError]:
    text = pdf_text(data, record=record, most_chars=limits.chars)
    return [Note(id=note_id, text=text, source=record)]


def _ccda(data: bytes, *, record: str, note_id: str, limits: Limits) -> list[Note | InputError]:
    embedded = embedded_text(record=record, limits=limits)
    return [ccda_document(data, record=record, fallback_id=note_id, embedded=embedded).note]


def _fhir(data: bytes, *, record: str, note_id: str, limits: Limits) -> list[Note | InputError]:
    resource = json_object(decode(data, record=record), record=record)
    embedded = embedded_text(record=record, limits=limits)
    return fhir_notes(resource, record=record, fallback_id=note_id, embedded=embedded)


DOCUMENTS: dict[str, Document] = {"txt": _text, "rtf": _rtf, "pdf": _pdf, "ccda": _ccda, "fhir": _fhir}
"""Kinds of files that are one document each."""
