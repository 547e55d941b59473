"""How good are the suggestions? Scores against gold notes, with intervals, and paired comparisons.

``evaluate`` measures one run and gives a ``Report``; ``compare`` tells whether one run is better than
another. Pure functions: same input and seed, same output. The metrics are small classes with ``update``,
``compute`` and ``reset`` in ``ranked`` (lists against sets), ``coding`` (core codes, alternatives, evidence,
audit, E/M), ``calibration``, ``slices`` and ``confusions``; ``cases`` says what counts as right.
"""

from suggester.evaluation.compare import Comparison, compare
from suggester.evaluation.evaluate import evaluate
from suggester.evaluation.figures import Figure
from suggester.evaluation.report import Report, Row, Section

__all__ = ["Comparison", "Figure", "Report", "Row", "Section", "compare", "evaluate"]
