"""Text out of RTF: a linear reader of its own, which runs, opens and embeds nothing.

Read are the words of the document body with paragraphs, lines, tabs and table cells; left out are font and
colour tables, styles, pictures, objects, fields' instructions, headers, footers, comments and every group
that says it may be ignored. Code pages are those of Windows and of ``\\ansicpg``.
"""

from __future__ import annotations

import codecs
import re

from suggester.errors import DocumentError, TooLargeError

__all__ = ["is_rtf", "rtf_text"]

MAX_DEPTH = 500
"""Deepest nesting of groups."""

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?[0-9]{1,10})?[ ]?"  # 1 word, 2 number
    rb"|\\'([0-9a-fA-F]{2})"  # 3 byte
    rb"|\\([^a-zA-Z'])"  # 4 symbol
    rb"|([{}])"  # 5 group
    rb"|([^\\{}\r\n]+)"  # 6 text
    rb"|[\r\n]+|\\"
)
_SKIPPED = frozenset(
    b"fonttbl colortbl stylesheet info pict object header headerl headerr headerf footer footerl footerr "
    b"footerf footnote annotation fldinst xe tc bkmkstart bkmkend listtable listoverridetable revtbl rsidtbl "
    b"generator themedata colorschememapping latentstyles datastore filetbl xmlnstbl nonshppict".split()
)
_BREAKS = {
    b"par": "\n",
    b"line": "\n",
    b"sect": "\n",
    b"page": "\n",
    b"row": "\n",
    b"tab": "\t",
    b"cell": "\t",
    b"nestcell": "\t",
    b"emdash": "\u2014",
    b"endash": "\u2013",
    b"bullet": "\u2022",
    b"lquote": "\u2018",
    b"rquote": "\u2019",
    b"ldblquote": "\u201c",
    b"rdblquote": "\u201d",
}
_SYMBOLS = {b"\\": "\\", b"{": "{", b"}": "}", b"~": " ", b"_": "-", b"\n": "\n", b"\r": "\n"}


def is_rtf(data: bytes) -> bool:
    """Whether bytes begin as RTF does."""
    return data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{\\rtf")


def rtf_text(data: bytes, *, record: str, most_chars: int) -> str:
    """The words of an RTF document.

    Raises
    ------
    DocumentError
        If it is no RTF, is cut off, or is nested too deeply.
    TooLargeError
        If it holds more than ``most_chars`` characters.
    """
    if not is_rtf(data):
        raise DocumentError("not RTF", record=record)
    out: list[str] = []
    pending = bytearray()  # bytes of a code page may belong together
    stack: list[tuple[bool, int]] = []
    skipping, skip_after_unicode, to_skip = False, 1, 0
    page = "cp1252"
    length = at = 0
    ignorable = False

    def flush() -> None:
        nonlocal length
        if pending:
            text = pending.decode(page, "replace")
            out.append(text)
            length += len(text)
            pending.clear()

    while at < len(data):
        match = _TOKEN.match(data, at)
        if match is None:
            break
        at = match.end()
        word, number, byte, symbol, group, text = match.groups()
        if group == b"{":
            stack.append((skipping, skip_after_unicode))
            if len(stack) > MAX_DEPTH:
                raise DocumentError(f"RTF nested deeper than {MAX_DEPTH} groups", record=record)
            ignorable = False
            continue
        if group == b"}":
            flush()
            if not stack:
                break
            skipping, skip_after_unicode = stack.pop()
            ignorable = False
            to_skip = 0
            if not stack:
                break
            continue
        if symbol == b"*":
            ignorable = True
            continue
        if word == b"bin" and number is not None:
            at += max(0, min(int(number), len(data) - at))
            continue
        if word is not None and (word in _SKIPPED or (ignorable and word != b"rtf")):
            flush()
            skipping = True
        ignorable = False
        if skipping:
            continue
        if text is not None or byte is not None:
            piece = text if text is not None else bytes([int(byte, 16)])
            dropped = min(to_skip, len(piece))
            to_skip -= dropped
            pending += piece[dropped:]
        elif word == b"u" and number is not None:
            flush()
            out.append(_character(int(number)))
            length += 1
            to_skip = skip_after_unicode
        elif word == b"uc" and number is not None:
            skip_after_unicode = max(0, min(int(number), 10))
        elif word == b"ansicpg" and number is not None:
            page = _code_page(int(number))
        elif word in _BREAKS or symbol in _SYMBOLS:
            flush()
            out.append(_BREAKS[word] if word in _BREAKS else _SYMBOLS[symbol])
            length += 1
            to_skip = 0
        if length + len(pending) > most_chars:
            raise TooLargeError(
                f"the RTF text has more than {most_chars} characters, the most that are read", record=record
            )
    flush()
    if stack:
        raise DocumentError("the RTF document is cut off", record=record)
    return "".join(out).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(number: int) -> str:
    """A character of ``\\u``, whose number is of 16 bits and signed; pairs are joined in the end."""
    return chr(number & 0xFFFF)


def _code_page(number: int) -> str:
    name = "utf-8" if number == 65001 else f"cp{number}"
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name
