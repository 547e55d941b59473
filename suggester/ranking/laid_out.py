"""What the features of candidates are computed from: tokens, supports and rivals of a note in arrays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suggester.pipeline.matching import Matches
from suggester.pipeline.reading import FAMILY, HISTORICAL, HYPOTHETICAL, NEGATED, UNCERTAIN, Reading
from suggester.ranking.candidates import CodeSupport

SECTION_GROUPS: dict[str, tuple[str, ...]] = {
    "assessment": ("assessment", "assessment_plan", "impression", "problem_list"),
    "final_diagnosis": (
        "discharge_diagnosis",
        "admission_diagnosis",
        "preoperative_diagnosis",
        "postoperative_diagnosis",
        "pathology_diagnosis",
    ),
    "plan": ("plan", "instructions", "discharge_instructions", "orders", "goals", "disposition"),
    "complaint": ("chief_complaint", "indication"),
    "story": ("hpi", "interval_history", "hospital_course"),
    "past": ("past_medical", "past_surgical", "obstetric"),
    "family": ("family",),
    "social": ("social",),
    "drugs": ("medications", "discharge_medications", "immunizations", "supplies"),
    "allergies": ("allergies",),
    "review": ("ros",),
    "exam": ("exam", "vitals"),
    "results": ("labs", "imaging", "results", "comparison"),
    "procedure": (
        "procedure",
        "technique",
        "anesthesia",
        "complications",
        "specimen",
        "gross",
        "microscopic",
    ),
    "findings": ("findings",),
    "header": ("header",),
}
"""Section kinds taken together."""

_GROUP_OF = {kind: i for i, kinds in enumerate(SECTION_GROUPS.values()) for kind in kinds}
_OTHER_GROUP = len(SECTION_GROUPS)
_TELLING_GROUPS = [_GROUP_OF[k] for k in ("assessment", "discharge_diagnosis", "findings", "procedure")]
_IS_TELLING = np.isin(np.arange(_OTHER_GROUP + 1), _TELLING_GROUPS)
_SEPARATORS = frozenset(",/;:().")
FLAGS = (
    ("negated", NEGATED),
    ("uncertain", UNCERTAIN),
    ("historical", HISTORICAL),
    ("hypothetical", HYPOTHETICAL),
    ("family", FAMILY),
)

_FLAG_TABLE = np.array(
    [[bits == 0 for bits in range(32)], *([bits & flag != 0 for bits in range(32)] for _, flag in FLAGS)]
)
"""Whether a mask has no flag, and whether it has each flag, shape ``(1 + flags, masks)``."""
_supports = attrgetter("supports")
_HELD = np.array([[1.0, 0.5], [0.3, 0.3 * 0.5]])
"""Factor of the score of what is negated or not, and dominated or not; ``NEGATED`` is 1."""
AFFIRMED, FLAGGED = 0, 1
HEADING = len(_FLAG_TABLE)
LINE_START, UNDOMINATED = HEADING + 1, HEADING + 2
_SEPARATED = 0.85 ** np.arange(9)
"""Factor of the score of words with so many separators between them."""


class Family:
    """Candidates beside those of their category, themselves among them: one pair a row.

    Attributes
    ----------
    one, other
        The candidates of each pair; ``one`` is ascending.
    size
        How many pairs each candidate is ``one`` of: the size of its category.
    """

    def __init__(self, categories: Sequence[str]) -> None:
        numbers: dict[str, int] = {}
        category = np.array([numbers.setdefault(name, len(numbers)) for name in categories], dtype=np.intp)
        sizes = np.bincount(category)
        order = category.argsort(kind="stable")
        self.size = sizes[category]
        self.one = np.arange(len(category)).repeat(self.size)
        ends = self.size.cumsum()
        self._starts = ends - self.size
        nth = np.arange(len(self.one)) - self._starts[self.one]
        self.other = order[(sizes.cumsum() - sizes)[category[self.one]] + nth]

    def count(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """How many chosen pairs each candidate has."""
        return np.bincount(self.one[chosen], minlength=len(self.size))

    def most(self, values: NDArray[Any]) -> NDArray[Any]:
        """The greatest of the values of each candidate's pairs."""
        found: NDArray[Any] = np.maximum.reduceat(values, self._starts)
        return found


class Marks:
    """Marks of each token of a reading, as arrays."""

    def __init__(self, reading: Reading) -> None:
        size = max(1, len(reading.table.lower))
        groups = [_GROUP_OF.get(section.kind, _OTHER_GROUP) for section in reading.sections.sections]
        self.group = np.array(reading.sections.by_token(groups) or [_OTHER_GROUP])
        self.heading = np.zeros(size, dtype=np.bool_)
        self.heading[list(reading.heading_tokens)] = True
        self.line_start = np.zeros(size, dtype=np.bool_)
        self.line_start[list(reading.line_starts)] = True
        self.telling = _IS_TELLING[self.group]
        is_separator = np.zeros(size, dtype=np.intp)
        text = reading.table.text
        is_separator[[token for token in reading.table.marks if text[token] in _SEPARATORS]] = 1
        self.separators = is_separator.cumsum()


class Flat:
    """The supports of all candidates in one row, grouped by candidate.

    Attributes
    ----------
    owner, match, flags, tokens, weight
        Candidate number, match, assertion bits, first token and weight of each support.
    starts, count, first_token
        First support, number of supports and first token of each candidate.
    best, best_score, best_support, best_match
        The support of the best score, that score, and the match of that support, of each candidate.
    separators
        Commas, slashes, brackets and stops inside the words of each support.
    counts
        Supports of each candidate that are affirmed, that have each flag, that stand in a heading or at the
        start of a line, and whose match lies inside no heavier complete match.
    """

    def __init__(self, reading: Reading, candidates: Sequence[CodeSupport], marks: Marks) -> None:
        m = reading.matches
        lists = list(map(_supports, candidates))
        supports = list(chain.from_iterable(lists))
        self.count = np.fromiter(map(len, lists), np.intp, len(lists))
        ends = self.count.cumsum()
        self.starts = ends - self.count
        self.owner = np.arange(len(candidates)).repeat(self.count)
        size = len(supports)
        match, _, flags, _, similarity = zip(*supports, strict=True)
        self.match = np.fromiter(match, np.intp, size)
        self.flags = np.fromiter(flags, np.intp, size)
        self.tokens = m.first.take(self.match)
        self.weight = m.weight.take(self.match)
        dominated = m.dominated.take(self.match)
        score = np.log1p(self.weight.astype(np.float64))
        score /= 2
        np.minimum(score, 1.5, out=score)
        score *= np.fromiter(similarity, np.float64, size)
        score *= _HELD[self.flags & NEGATED, dominated.view(np.int8)]
        self.separators = marks.separators.take(m.final.take(self.match))
        self.separators -= marks.separators.take(self.tokens)
        score *= _SEPARATED.take(self.separators, mode="clip")
        self.best_score = np.maximum.reduceat(score, self.starts)
        top = (score >= (self.best_score - 1e-9).take(self.owner)).nonzero()[0]
        owner = self.owner.take(top)
        fresh = np.empty(len(top), dtype=np.bool_)
        fresh[0] = True
        np.not_equal(owner[1:], owner[:-1], out=fresh[1:])
        self.best = top[fresh]
        self.best_match = self.match.take(self.best)
        self.best_support = [supports[at] for at in self.best.tolist()]
        self.first_token = np.minimum.reduceat(self.tokens, self.starts)
        marked = np.empty((UNDOMINATED + 1, size), dtype=np.int64)
        marked[:HEADING] = _FLAG_TABLE.take(self.flags, axis=1)
        marked[HEADING] = marks.heading.take(self.tokens)
        marked[LINE_START] = marks.line_start.take(self.tokens)
        marked[UNDOMINATED] = ~dominated
        self.counts = np.add.reduceat(marked, self.starts, axis=1)

    def sentences(self, matches: Matches) -> NDArray[np.int64]:
        """In how many sentences each candidate is named."""
        places = self.owner << 32 | matches.sentence.take(self.match)
        places.sort()
        again = places[1:] == places[:-1]
        return self.count - np.bincount(places[1:][again] >> 32, minlength=len(self.count))
