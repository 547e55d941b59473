"""Text out of the text layer of a PDF, within limits of pages, characters and time. Pictures are not read."""

from __future__ import annotations

import io
import logging
from types import ModuleType

from suggester.errors import DocumentError, InputError, NoTextLayerError, TooLargeError
from suggester.notes.deadline import TimeIsUpError, time_limit

__all__ = ["is_pdf", "pdf_text"]

MAX_PAGES = 500
MAX_SECONDS = 4.0
"""Longest for one document: an honest one of 20 pages takes about a second."""


def is_pdf(data: bytes) -> bool:
    """Whether bytes begin as a PDF does."""
    return b"%PDF-" in data[:1_024]


def pdf_text(data: bytes, *, record: str, most_chars: int) -> str:
    """The text of a PDF, pages with an empty line between.

    Raises
    ------
    DocumentError
        If it is no PDF, is damaged, encrypted, or takes too long.
    NoTextLayerError
        If no page holds text.
    TooLargeError
        If it has too many pages or characters.
    """
    problem: InputError | None = None
    if not is_pdf(data):
        raise DocumentError("not a PDF", record=record)
    import pypdf  # outside of the time limit: an import that is cut off would stay broken

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its warnings quote what is in the file
    try:
        with time_limit(MAX_SECONDS):
            return _text(pypdf, data, record=record, most_chars=most_chars)
    except TimeIsUpError:
        problem = DocumentError(f"reading the PDF takes more than {MAX_SECONDS:g} seconds", record=record)
    except InputError as error:
        problem = error
    except (Exception, RecursionError) as error:  # pypdf raises all kinds on damaged files
        problem = DocumentError(f"the PDF is damaged ({type(error).__name__})", record=record)
    raise problem


def _text(pypdf: ModuleType, data: bytes, *, record: str, most_chars: int) -> str:
    reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        raise DocumentError("the PDF is encrypted", record=record)
    pages: list[str] = []
    length = 0
    if len(reader.pages) > MAX_PAGES:
        raise TooLargeError(f"the PDF has more than {MAX_PAGES} pages", record=record)
    for page in reader.pages:
        text = page.extract_text()
        length += len(text)
        if length > most_chars:
            raise TooLargeError(
                f"the PDF holds more than {most_chars} characters, the most that are read", record=record
            )
        pages.append(text)
    whole = "\n\n".join(pages)
    if not whole.strip():
        raise NoTextLayerError(
            "the PDF has no text layer, only pictures: run character recognition first", record=record
        )
    return whole.replace("\x00", "")
