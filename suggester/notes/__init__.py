"""Notes from files, folders and standard input, one at a time; what cannot be used is an error in place."""

from suggester.notes.decoding import check_text, decode
from suggester.notes.limits import Limits
from suggester.notes.options import Meter, ReadOptions
from suggester.notes.reading import read_gold, read_notes, read_suggestions, read_text

__all__ = [
    "Limits",
    "Meter",
    "ReadOptions",
    "check_text",
    "decode",
    "read_gold",
    "read_notes",
    "read_suggestions",
    "read_text",
]
