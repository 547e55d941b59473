"""What a rule is, and the list of all rules: a rule is a pure function from a case to findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suggester.errors import ConfigError
from suggester.rules.subject import STAGES, Stage
from suggester.types import Flag, Severity

if TYPE_CHECKING:
    from suggester.rules.case import Case

GROUPS = (
    "Validity",
    "Words and specificity",
    "Notes of the tabular list",
    "Order of diagnoses",
    "Combinations and duplicates",
    "Patient",
    "Services",
    "Modifiers and places",
)
"""Headings of the rules that ship, in the order in which they are listed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule is broken.

    Attributes
    ----------
    message
        What is wrong and what to do.
    codes
        The codes concerned.
    source
        What this finding rests on; the rule's own source if empty.
    words
        Words of the note concerned.
    """

    message: str
    codes: tuple[str, ...]
    source: str = ""
    words: tuple[str, ...] = ()


Check = Callable[["Case"], Iterator[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of the list.

    Attributes
    ----------
    id
        Its name: a group and a word, ``sequence.manifestation``.
    severity
        ``error``: a payer would deny or return the claim; ``warning``: likely wrong; ``info``: look again.
    title
        What it catches, in one sentence.
    source
        Guideline section, tabular note, or CMS edit that it rests on.
    stages
        What it runs on.
    overridable
        Whether a person may set it aside with a reason.
    group
        Heading under which it is listed.
    check
        The function.
    """

    id: str
    severity: Severity
    title: str
    source: str
    stages: tuple[Stage, ...]
    overridable: bool
    group: str
    check: Check

    def flags(self, case: Case) -> Iterator[Flag]:
        """The flags that the rule raises."""
        for finding in self.check(case):
            yield Flag(
                rule_id=self.id,
                severity=self.severity,
                message=finding.message,
                codes=finding.codes,
                source=finding.source or self.source,
                words=finding.words,
                overridable=self.overridable,
            )


class Registry:
    """Rules by id, in the order in which they were added.

    Parameters
    ----------
    rules
        The rules to begin with.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules: dict[str, Rule] = {}
        for item in rules:
            self.add(item)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules.values())

    def __len__(self) -> int:
        return len(self._rules)

    def __contains__(self, rule_id: str) -> bool:
        return rule_id in self._rules

    def __getitem__(self, rule_id: str) -> Rule:
        try:
            return self._rules[rule_id]
        except KeyError:
            raise self._unknown([rule_id]) from None

    def add(self, item: Rule) -> None:
        """Add a rule.

        Raises
        ------
        ConfigError
            If there is one of that id.
        """
        if item.id in self._rules:
            raise ConfigError(f"rule {item.id!r} is there already; give yours another id")
        self._rules[item.id] = item

    def without(self, off: Iterable[str]) -> Registry:
        """The same without some rules.

        Raises
        ------
        ConfigError
            If one of them is not there; lists those that are.
        """
        names = list(off)
        if unknown := [name for name in names if name not in self._rules]:
            raise self._unknown(unknown)
        return Registry(item for item in self if item.id not in names)

    def _unknown(self, names: list[str]) -> ConfigError:
        known = ", ".join(self._rules)
        return ConfigError(f"unknown rule {', '.join(map(repr, names))}; known rules: {known}")

    def by_group(self) -> Mapping[str, list[Rule]]:
        """Rules under their headings, those of a site last."""
        out: dict[str, list[Rule]] = {group: [] for group in GROUPS}
        for item in self:
            out.setdefault(item.group, []).append(item)
        return {group: rules for group, rules in out.items() if rules}


BUILT_IN = Registry()
"""The rules that ship."""


def rule(
    rule_id: str,
    *,
    severity: Severity,
    source: str,
    group: str,
    stages: tuple[Stage, ...] = STAGES,
    overridable: bool = True,
    into: Registry | None = None,
) -> Callable[[Check], Check]:
    """Add a function to the rules; the first sentence of its docstring says what it catches.

    Parameters
    ----------
    rule_id, severity, source, group, stages, overridable
        See ``Rule``.
    into
        The registry; that of the shipped rules if not given.

    Raises
    ------
    ConfigError
        If the id is taken, or the function has no docstring.
    """

    def add(check: Check) -> Check:
        title = (check.__doc__ or "").strip().split("\n\n")[0]
        if not title:
            raise ConfigError(f"rule {rule_id!r} has no docstring; its first sentence says what it catches")
        (BUILT_IN if into is None else into).add(
            Rule(
                id=rule_id,
                severity=severity,
                title=" ".join(title.split()),
                source=source,
                stages=stages,
                overridable=overridable,
                group=group,
                check=check,
            )
        )
        return check

    return add
