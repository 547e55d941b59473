"""Codes as a person types them, one word each: ``E11.9``, ``20610-LT-59``, ``J1885x2``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from suggester.codesets.store import ReleaseStore
from suggester.errors import InputError, UnknownCodeError
from suggester.rules.case import Knowledge
from suggester.rules.subject import Diagnosis, Service
from suggester.types import System

_SERVICE = re.compile(r"(?P<code>[A-Z0-9]{5})(?P<modifiers>(?:-[A-Z0-9]{1,4}?)*)(?:X(?P<units>\d{1,6}))?")
_CPT = re.compile(r"\d{4}[0-9AFMTU]")
_LEVEL_II = re.compile(r"[A-V]\d{4}")


def read_codes(
    words: Iterable[str], knowledge: Knowledge
) -> tuple[tuple[Diagnosis, ...], tuple[Service, ...]]:
    """Diagnoses and services in the order in which they were typed.

    A service may have modifiers (``-25``) and units (``x2``). A word of a letter and four digits is a HCPCS
    code where the release has it, else a diagnosis without its dot.

    Parameters
    ----------
    words
        Words of codes.
    knowledge
        Tells the systems apart.

    Raises
    ------
    InputError
        If a word cannot be a code.
    """
    diagnoses: list[Diagnosis] = []
    services: list[Service] = []
    for position, word in enumerate(words, 1):
        text = word.strip().upper()
        match = _SERVICE.fullmatch(text)
        system = _system(match["code"], knowledge) if match else None
        if match and system is not None:
            services.append(
                Service(
                    system=system,
                    code=match["code"],
                    number=len(services) + 1,
                    modifiers=tuple(filter(None, match["modifiers"].split("-"))),
                    units=int(match["units"] or 1),
                )
            )
        elif re.fullmatch(r"[A-Z][0-9A-Z.]{2,8}", text):
            diagnoses.append(Diagnosis(code=text))
        else:
            raise InputError(
                "not a code; write diagnoses as E11.9 and services as 20610, 20610-LT-59 or J1885x2",
                record=f"code {position}",
            )
    return tuple(diagnoses), tuple(services)


def _system(code: str, knowledge: Knowledge) -> System | None:
    if _CPT.fullmatch(code):
        return "CPT"
    if _LEVEL_II.fullmatch(code) and _has(knowledge.stores["HCPCS"], code):
        return "HCPCS"
    return "HCPCS" if _LEVEL_II.fullmatch(code) and knowledge.book.row(code) is None else None


def _has(store: ReleaseStore, code: str) -> bool:
    try:
        store.row(code)
    except UnknownCodeError:
        return False
    return True
