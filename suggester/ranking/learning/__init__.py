"""Learning from coded notes: which words a site codes, and how.

``suggester.ranking.learning.training.train`` makes a model of notes with their final codes; ``load_judge``
opens it. What is learned is scored out of fold, so that it does not fool itself: associations of phrases with
codes (``associations``), weighed for each code in each sentence (``pairs``), then for each code in the note
(``notes``). Training needs scikit-learn and scipy; what is imported here and runs on notes needs numpy alone.
"""

from suggester.ranking.learning.judges import GeneralJudge, Judge, Judged, LocalJudge
from suggester.ranking.learning.models import load_judge

__all__ = ["GeneralJudge", "Judge", "Judged", "LocalJudge", "load_judge"]
