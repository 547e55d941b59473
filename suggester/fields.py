"""Strict, typed reading of the fields of one JSON object.

Every error names the field and what is allowed. No message repeats a value, because any value may be note
text that was put in the wrong place. ``maybe_`` methods answer None where the field is absent or null.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from suggester.errors import FieldError

__all__ = ["MAX_ID_CHARS", "Fields", "id_problem"]

MAX_ID_CHARS = 200

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CODE = re.compile(r"[A-Z0-9][A-Z0-9.]{2,8}", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,39}", re.ASCII)
_NOT_IN_ID = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CODE_SHAPE = "must be a code such as E11.9, 99213 or J1885, in capitals"
_KINDS = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}


def id_problem(value: str) -> str | None:
    """Why ``value`` cannot be an id, or None if it can."""
    if not value.strip():
        return "must not be empty"
    if len(value) > MAX_ID_CHARS:
        return f"must be {MAX_ID_CHARS} characters or less"
    if _NOT_IN_ID.search(value):
        return "must not hold control characters, line separators or lone surrogates"
    return None


class Fields:
    """One JSON object, read field by field; ``close`` then refuses what was not asked for.

    Parameters
    ----------
    value
        The parsed JSON.
    record
        What names the record in an error.
    at
        Path of the object inside the record, ``codes[3]`` say.
    """

    def __init__(self, value: object, *, record: str, at: str = "") -> None:
        self._record = record
        self._at = at
        if not isinstance(value, Mapping):
            raise self.error("", f"must be an object, not {_kind(value)}")
        self._values: Mapping[object, object] = value
        self._known: list[str] = []

    def error(self, name: str, message: str) -> FieldError:
        """A ``FieldError`` about the field ``name`` of this object, not raised."""
        path = self._path(name) if name else self._at
        return FieldError(f"field {path!r} {message}" if path else f"record {message}", record=self._record)

    def close(self, *tolerated: str) -> None:
        """Refuse every field that was not asked for and is not ``tolerated``."""
        known = {*self._known, *tolerated}
        for name in self._values:
            if name not in known:
                shown = repr(name) if isinstance(name, str) and _NAME.fullmatch(name) else "with an odd name"
                where = f" in {self._at!r}" if self._at else ""
                raise FieldError(
                    f"unknown field {shown}{where}; allowed: {', '.join(sorted(known))}", record=self._record
                )

    def names(self) -> list[object]:
        """The names of the object's fields, in its order."""
        return list(self._values)

    def maybe(self, name: str) -> object:
        """The value of any kind, or None where it is absent or null."""
        self._known.append(name)
        return self._values.get(name)

    def maybe_text(self, name: str) -> str | None:
        """A string, or None."""
        value = self.maybe(name)
        if value is not None and not isinstance(value, str):
            raise self.error(name, f"must be a string, not {_kind(value)}")
        return value

    def text(self, name: str) -> str:
        """A string, possibly empty."""
        return self._present(name, self.maybe_text(name))

    def maybe_id(self, name: str) -> str | None:
        """A string that can be an id (see ``id_problem``), or None."""
        value = self.maybe_text(name)
        problem = None if value is None else id_problem(value)
        if problem:
            raise self.error(name, problem)
        return value

    def id(self, name: str) -> str:
        """A string that can be an id (see ``id_problem``)."""
        return self._present(name, self.maybe_id(name))

    def maybe_choice[C: str](self, name: str, allowed: tuple[C, ...]) -> C | None:
        """One of the ``allowed`` strings, or None."""
        value = self.maybe_text(name)
        if value is None:
            return None
        for choice in allowed:
            if value == choice:
                return choice
        raise self.error(name, f"is not one of the allowed values: {', '.join(allowed)}")

    def choice[C: str](self, name: str, allowed: tuple[C, ...]) -> C:
        """One of the ``allowed`` strings."""
        return self._present(name, self.maybe_choice(name, allowed))

    def maybe_day(self, name: str) -> date | None:
        """A date written ``YYYY-MM-DD``, or None."""
        value = self.maybe_text(name)
        if value is None:
            return None
        day = _day(value)
        if day is None:
            raise self.error(name, "must be a calendar date written YYYY-MM-DD")
        return day

    def maybe_whole(self, name: str, *, least: int) -> int | None:
        """A whole number of ``least`` or more, or None."""
        value = self.maybe(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self.error(name, f"must be a whole number of {least} or more")
        return value

    def whole(self, name: str, *, least: int) -> int:
        """A whole number of ``least`` or more."""
        return self._present(name, self.maybe_whole(name, least=least))

    def probability(self, name: str) -> float:
        """A number from 0 to 1."""
        value = self._present(name, self.maybe(name))
        # Written so that NaN is refused too.
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self.error(name, "must be a number from 0 to 1")
        return float(value)

    def truth(self, name: str) -> bool:
        """True or false."""
        value = self._present(name, self.maybe(name))
        if not isinstance(value, bool):
            raise self.error(name, f"must be true or false, not {_kind(value)}")
        return value

    def maybe_items(self, name: str) -> list[object] | None:
        """A list of anything, or None."""
        value = self.maybe(name)
        if value is not None and not isinstance(value, list):
            raise self.error(name, f"must be a list, not {_kind(value)}")
        return value

    def maybe_texts(self, name: str) -> tuple[str, ...] | None:
        """A list of strings, or None."""
        values = self.maybe_items(name)
        if values is None:
            return None
        texts = []
        for position, value in enumerate(values):
            if not isinstance(value, str):
                raise self.error(f"{name}[{position}]", f"must be a string, not {_kind(value)}")
            texts.append(value)
        return tuple(texts)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        return self._present(name, self.maybe_texts(name))

    def maybe_code(self, name: str) -> str | None:
        """A string of the shape of a code, or None."""
        value = self.maybe_text(name)
        if value is not None and not _CODE.fullmatch(value):
            raise self.error(name, _CODE_SHAPE)
        return value

    def code(self, name: str) -> str:
        """A string of the shape of a code."""
        return self._present(name, self.maybe_code(name))

    def maybe_codes(self, name: str) -> tuple[str, ...] | None:
        """A list of strings of the shape of codes, or None."""
        values = self.maybe_texts(name)
        for position, value in enumerate(values or ()):
            if not _CODE.fullmatch(value):
                raise self.error(f"{name}[{position}]", _CODE_SHAPE)
        return values

    def codes(self, name: str) -> tuple[str, ...]:
        """A list of strings of the shape of codes."""
        return self._present(name, self.maybe_codes(name))

    def maybe_inner(self, name: str) -> Fields | None:
        """An object inside this one, or None."""
        value = self.maybe(name)
        return None if value is None else Fields(value, record=self._record, at=self._path(name))

    def inner(self, name: str) -> Fields:
        """An object inside this one."""
        return self._present(name, self.maybe_inner(name))

    def inners(self, name: str) -> list[Fields]:
        """A list of objects inside this one."""
        values = self._present(name, self.maybe_items(name))
        return [
            Fields(value, record=self._record, at=self._path(f"{name}[{position}]"))
            for position, value in enumerate(values)
        ]

    def _present[T](self, name: str, value: T | None) -> T:
        if value is None:
            raise self.error(name, "is missing")
        return value

    def _path(self, name: str) -> str:
        return f"{self._at}.{name}" if self._at else name


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "something else")


def _day(value: str) -> date | None:
    if not _DATE.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
