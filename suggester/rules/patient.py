"""Does the diagnosis fit the patient's age and sex?"""

from __future__ import annotations

from collections.abc import Iterator

from suggester.rules.case import Case
from suggester.rules.registry import Finding, rule

GROUP = "Patient"
_MCE = "CMS Definitions of Medicare Code Edits 2026"


@rule("patient.age", severity="error", source=f"{_MCE}, age conflict", group=GROUP)
def age_conflict(case: Case) -> Iterator[Finding]:
    """The diagnosis does not occur at the patient's age."""
    age = case.subject.age
    if age is None:
        return
    for item in case.diagnoses:
        limit = case.tables.ages.get(item.code)
        if limit is not None and not limit.least <= age <= limit.most:
            yield Finding(
                f"{item.code} is a {limit.group} diagnosis ({limit.least} to {limit.most} years) and the "
                f"patient is {age}; check the code and the date of birth",
                (item.code,),
                words=item.item.words,
            )


@rule("patient.sex", severity="warning", source="titles of the ICD-10-CM tabular list", group=GROUP)
def sex_conflict(case: Case) -> Iterator[Finding]:
    """The diagnosis is of an organ or event of the other sex."""
    sex = case.subject.sex
    if sex is None:
        return
    for item in case.diagnoses:
        expected = case.tables.sexes.get(item.code)
        if expected is not None and expected != sex:
            yield Finding(
                f"{item.code} is coded for {_WORD[expected]} patients and this one is recorded as "
                f"{_WORD[sex]}; check the code and the record",
                (item.code,),
                words=item.item.words,
            )


_WORD = {"F": "female", "M": "male"}
