"""Learning from coded notes: which words a site codes, and how.

``suggester.ranking.learning.training.train`` makes a model of notes with their final codes; ``load_judge``
opens it. What is learned is scored out of fold, so that it does not fool itself: associations of phrases with
codes (``associations``), weighed for each code in each sentence (``pairs``), then for each code in the note
(``notes``). Training needs scikit-learn and scipy; what is imported here and runs on notes needs numpy alone.

Measured on 2026-11-21, learned from the 500 train notes of CodiEsp (English) and scored on its 250 dev notes
with the research switch, threshold chosen out of fold: MAP 0.606 [0.58, 0.63], micro-F1 0.632, calibration
error 0.02; from 250 notes MAP 0.571, from 100 0.512 (``eval/learning_curve.py``). Out of fold on train: MAP
0.614, micro-F1 0.632; from whole notes, as if no evidence were known, 0.594 and 0.607. In trials on one fold,
stage one (average precision 0.713) loses 0.042 without the general candidates, 0.006 without credit and 0.004
without categories. Linear models and nearest sentences over phrases, the company of other codes, the general
ranker's confidence and a second set of folds gave 0.002 or less and are left out.
"""

from suggester.ranking.learning.judges import GeneralJudge, Judge, Judged, LocalJudge
from suggester.ranking.learning.models import load_judge

__all__ = ["GeneralJudge", "Judge", "Judged", "LocalJudge", "load_judge"]
