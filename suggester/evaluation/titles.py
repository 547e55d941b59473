"""Titles of codes, for people who read a report and do not know codes by heart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from suggester.errors import CodeSetError
from suggester.evaluation.confusions import ConfusionResult
from suggester.evaluation.taxonomy import canonical
from suggester.types import Suggestions, System


def code_titles(
    confusions: ConfusionResult,
    found: Mapping[str, Suggestions],
    *,
    lookup: Callable[[System, str], str] | None = None,
) -> dict[str, str]:
    """Titles of the codes in the costliest mistakes: as suggested, or else as ``lookup`` has them.

    ``lookup`` raises a ``CodeSetError`` for a code that it does not know; such a code, and one that may not
    be shown, has no title here.
    """
    wanted = set(_codes(confusions))
    titles: dict[str, str] = {}
    for result in found.values():
        for item in result.suggestions:
            key = canonical(item.code.system, item.code.code)
            if key in wanted and item.code.display:
                titles.setdefault(key, item.code.display)
    if lookup is None:
        return titles
    for key in sorted(wanted.difference(titles)):
        try:
            title = lookup(system_of(key), key)
        except CodeSetError:
            continue
        if title:
            titles[key] = title
    return titles


def system_of(key: str) -> System:
    """The system of a code in its canonical spelling.

    Examples
    --------
    >>> system_of("E11.9"), system_of("I10"), system_of("J1100"), system_of("0042T")
    ('ICD-10-CM', 'ICD-10-CM', 'HCPCS', 'CPT')
    """
    if len(key) <= 3 or "." in key:
        return "ICD-10-CM"
    return "HCPCS" if key[0].isalpha() else "CPT"


def _codes(confusions: ConfusionResult) -> Iterable[str]:
    for group in (confusions.confused, confusions.missed, confusions.spurious):
        for one in group:
            yield from (code for code in (one.gold, one.rival) if code)
