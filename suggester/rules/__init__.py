"""Rules on suggestions: pure functions from what was read to flags a coder must see."""

from suggester.rules.gate import Gate, gate
from suggester.rules.suggestion import Context, flags_of

__all__ = ["Context", "Gate", "flags_of", "gate"]
