"""In what voice a note is written: a story told afterwards, a visit as it happens, authors of themselves.

A published case and a visit name their findings in the same words, but not the same of them are coded.
"""

from __future__ import annotations

from pathlib import Path

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.errors import LexiconError

VOICES: tuple[str, ...] = ("past", "present", "authors")
"""The voices of ``reader/voice.tsv``."""


def read_voices(folder: Path | None = None) -> dict[str, frozenset[str]]:
    """The words of each voice, in the lexicon folder or another.

    Raises
    ------
    LexiconError
        If the file is missing, a row is wrong, or it names another voice.
    """
    words: dict[str, set[str]] = {voice: set() for voice in VOICES}
    path = (folder or lexicon_dir()) / "reader" / "voice.tsv"
    for number, (word, voice) in read_rows(path, ("word", "voice"), required=2):
        if voice not in words:
            raise LexiconError(f"{path.name}:{number}: voice is none of {', '.join(VOICES)}")
        words[voice].add(word)
    return {voice: frozenset(spoken) for voice, spoken in words.items()}
