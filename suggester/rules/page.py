"""The list of the rules as a page of the documentation, made from the rules themselves."""

from __future__ import annotations

from suggester.rules.registry import Registry, Rule

_ABOUT = """# Rules

This page is made by `suggester rules list --markdown`.

A rule is a function from codes to flags. It runs on the suggestions of a note, on the codes that a person
decided on, and on a claim. An **error** is what a payer would deny or return: while one stands, the claim is
not exported. A **warning** is likely wrong; an **info** asks to look again. Every flag says what to do and
quotes what it rests on: a guideline section, a note of the tabular list, or an edit of CMS with its date.

A flag may be set aside with a reason, which is kept with the claim; those marked *stands* may not.

## Switching rules off

`SUGGESTER_RULES_OFF` names rules by id, with commas between. An unknown id is refused with the list of
those there are.

## Rules of your own

`SUGGESTER_RULES_FILE` names a Python file. It is code and is run: let nobody else write to it. Ids begin with
`site.`. For each rule the file has two examples, one that raises a flag and one that does not. They are run
whenever the file is read, and a rule that fails one is refused: nothing starts with a broken rule.

```python
from collections.abc import Iterator

from suggester.rules import Case, Diagnosis, Finding, Registry, Subject, rule

rules = Registry()


@rule("site.obesity_bmi", severity="warning", source="our coding policy, 4.2", group="Ours", into=rules)
def obesity_without_bmi(case: Case) -> Iterator[Finding]:
    \"\"\"Obesity without the code of the body mass index.\"\"\"
    for item in case.starting("E66"):
        if not any(case.starting("Z68")):
            yield Finding(f"add the Z68 code after {item.code}", (item.code,))


examples = {
    "site.obesity_bmi": (
        Subject(stage="note", diagnoses=(Diagnosis(code="E66.9"),)),
        Subject(stage="note", diagnoses=(Diagnosis(code="E66.9"), Diagnosis(code="Z68.33"))),
    ),
}
```

`suggester rules test FILE` runs the examples. A flag's message may hold codes, never words of a note: words
go in `Finding(words=...)`, which stays out of logs.

## Tables

What the rules look up lies in `codesets/lexicon/rules/`, one file a table, each with its source in its first
lines. Procedure pairs, add-on codes and modifiers are those of the CMS tables in the installed code sets.
Units that are unlikely and global periods come from tables that you import; without them those rules stay
silent.
"""

_STAGES = {"suggestion": "suggestions", "note": "note", "claim": "claim"}


def markdown(registry: Registry) -> str:
    """The page, ending in a line feed."""
    lines = [_ABOUT.rstrip(), ""]
    for group, rules in registry.by_group().items():
        lines += [
            f"## {group}",
            "",
            "| rule | severity | runs on | catches | source |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [_row(item) for item in rules]
        lines.append("")
    return "\n".join(lines)


def _row(item: Rule) -> str:
    severity = item.severity if item.overridable else f"{item.severity}, *stands*"
    runs = ", ".join(_STAGES[stage] for stage in item.stages)
    cells = (f"`{item.id}`", severity, runs, item.title, item.source)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
