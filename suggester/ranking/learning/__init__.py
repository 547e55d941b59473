"""Learning from coded notes: which words a site codes, and how.

``suggester.ranking.learning.training.train`` makes a model of notes with their final codes; ``load_judge``
opens it. What is learned is scored out of fold, so that it does not fool itself: associations of phrases with
codes (``associations``), weighed for each code in each sentence (``pairs``), then for each code in the note
(``notes``). Training needs scikit-learn and scipy; what is imported here and runs on notes needs numpy alone.

Measured on 2026-11-22, learned from the 500 train notes of CodiEsp (English) and scored on its 250 dev
notes with the research switch, threshold chosen out of fold: MAP 0.617 [0.59, 0.64], micro-F1 0.642 [0.62,
0.66], calibration error 0.02; from 250 notes MAP 0.578 (``eval/learning_curve.py``). Out of fold on train,
``habits`` gave 0.009 MAP and 0.007 micro-F1, and what the general ranker looks at another 0.003 micro-F1;
on dev the two together 0.013 and 0.014. Left out, as they gave 0.002 or less or lost: pairs of words with
others between them (once habits are there), linear models and nearest sentences over phrases, the company
of other codes, a second set of folds, averages of several ensembles, and leaving pairs out that are right
elsewhere in the note. The share of right to expected codes by code seems to give 0.015 out of fold and
loses 0.018 on other notes: counts that leave a note's own fold out tell of its gold.
"""

from suggester.ranking.learning.judges import GeneralJudge, Judge, Judged, LocalJudge
from suggester.ranking.learning.models import load_judge

__all__ = ["GeneralJudge", "Judge", "Judged", "LocalJudge", "load_judge"]
