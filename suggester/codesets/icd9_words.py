"""Words that tell a measured number in parentheses from a code of ICD-9-CM."""

from __future__ import annotations

_WORDS = """
bmi bp bun cholesterol ck cm cost creatinine ct dose ferritin fever fsbs glucose hct hdl height hgb hr ht inr
kg lb lbs ldl level max mg min ml mm peak platelets plt pressure price psa pulse range rate result score size
sodium sugar t temp temperature tmax total triglycerides troponin tsh value volume wbc weight wt
"""

MEASURED = frozenset(_WORDS.split())
"""Words before a number in parentheses that say it is a measurement."""
