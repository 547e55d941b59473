"""Learning from coded notes: which words a site codes, and how.

``suggester.ranking.learning.training.train`` makes a model of notes with their final codes; ``load_judge``
opens it. What is learned is scored out of fold, so that it does not fool itself: associations of phrases with
codes (``associations``), weighed for each code in each sentence (``pairs``), then for each code in the note
(``notes``). Training needs scikit-learn and scipy; what is imported here and runs on notes needs numpy alone.

Measured on 2026-11-22, learned from the 500 train notes of CodiEsp (English) and scored on its 250 dev
notes with the research switch, threshold chosen out of fold: MAP 0.631 [0.61, 0.66], micro-F1 0.646
[0.63, 0.67], calibration error 0.009 (``eval/learning_curve.py``). What is new is
judged by learning from two thirds of the train notes and scoring the last third, three times: titles and
trees that draw their columns gave 0.009 MAP and 0.004 micro-F1; judged by four fifths and the last, codes
above those that are named gave 0.003 and 0.002, and smaller steps in stage one with sixteen folds, not eight,
0.004 and 0.002 (two of five such splits). Left out, as they gave 0.002 or
less or lost: pairs of words with others between them (once habits are there), linear models and nearest
sentences over phrases, words around a mention, topics of notes, the company of other codes, a second set of
folds, a second pass, random forests, averages of several ensembles, and leaving pairs out that are right
elsewhere in the note. Figures out of fold do not judge a learner that can remember single codes: counts that
leave a note's own fold out tell of its gold. The share of right to expected codes by code seems to give 0.015
there and loses 0.018 on other notes; a forest seemed to give 0.004 and gave nothing.
"""

from suggester.ranking.learning.judges import GeneralJudge, Judge, Judged, LocalJudge
from suggester.ranking.learning.models import load_judge

__all__ = ["GeneralJudge", "Judge", "Judged", "LocalJudge", "load_judge"]
