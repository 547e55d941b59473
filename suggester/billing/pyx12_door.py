"""The one way to pyx12: its log lines quote values of the file, names of patients too, so they go nowhere."""

from __future__ import annotations

import logging

import pyx12.errors
import pyx12.params
import pyx12.segment
import pyx12.x12file
import pyx12.x12n_document

__all__ = [
    "Params",
    "Segment",
    "X12FileError",
    "X12Reader",
    "X12StructureError",
    "X12Writer",
    "x12n_document",
]

_log = logging.getLogger("pyx12")
_log.propagate = False
_log.setLevel(logging.CRITICAL + 1)
_log.addHandler(logging.NullHandler())

Params = pyx12.params.ParamsBase
Segment = pyx12.segment.Segment
X12Reader = pyx12.x12file.X12Reader
X12Writer = pyx12.x12file.X12Writer
X12FileError = pyx12.errors.X12Error
X12StructureError = pyx12.errors.EngineError
x12n_document = pyx12.x12n_document.x12n_document
