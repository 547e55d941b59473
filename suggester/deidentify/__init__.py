"""De-identification of notes to be shared: names, dates, numbers, addresses, contacts, facilities.

Never complete: what it finds is measured (``eval/score_deidentify.py``), what it misses stays in the text. A
person must look through notes before they leave.
"""

from suggester.deidentify.finding import Finder, Found, Kind
from suggester.deidentify.keeping import KeyFile
from suggester.deidentify.replacing import Clean, Replaced, Replacer, restored

__all__ = ["Clean", "Finder", "Found", "KeyFile", "Kind", "Replaced", "Replacer", "restored"]
