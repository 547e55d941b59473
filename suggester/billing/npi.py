"""The check digit of a National Provider Identifier.

Source: 45 CFR 162.406 and the CMS note on the NPI check digit: the Luhn formula of ISO/IEC 7812 over the ten
digits with ``80840`` in front (80 for health, 840 for the United States).
"""

from __future__ import annotations

import re

__all__ = ["npi_problem", "npi_with_check_digit"]

_TEN_DIGITS = re.compile(r"[12]\d{9}", re.ASCII)
_PREFIX_SUM = 24
"""What ``80840`` in front adds to the Luhn sum of the nine digits and the check digit."""


def npi_problem(value: str) -> str | None:
    """Why ``value`` cannot be an NPI, or None if it can.

    Examples
    --------
    >>> npi_problem("1234567893") is None
    True
    >>> npi_problem("1234567890")
    'has a wrong check digit; look the number up again'
    """
    if not _TEN_DIGITS.fullmatch(value):
        return "must be ten digits, the first 1 or 2"
    if _check_digit(value[:9]) != value[9]:
        return "has a wrong check digit; look the number up again"
    return None


def npi_with_check_digit(first_nine: str) -> str:
    """The nine digits and their check digit: a well-formed NPI for tests and examples.

    Raises
    ------
    ValueError
        If it is not nine digits beginning with 1 or 2.
    """
    if not _TEN_DIGITS.fullmatch(f"{first_nine}0"):
        raise ValueError("must be nine digits, the first 1 or 2")
    return first_nine + _check_digit(first_nine)


def _check_digit(first_nine: str) -> str:
    total = _PREFIX_SUM
    for position, digit in enumerate(first_nine):
        value = int(digit)
        if position % 2 == 0:
            value *= 2
        total += value - 9 if value > 9 else value
    return str(-total % 10)
