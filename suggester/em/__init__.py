"""Evaluation and management: a worksheet with the level that the words of a note support.

Layer: above ``rules``, below ``suggest``. ``levels`` holds the tables, ``lexicon`` the vocabulary
(``codesets/lexicon/em``), ``scan`` finds cues, ``visit`` reads the kind of visit, ``elements`` problems,
data and risk, ``worksheet`` puts them together, ``placing`` puts its code among the suggestions.
"""

from suggester.em.placing import place
from suggester.em.worksheet import propose

__all__ = ["place", "propose"]
