"""Fake engines, importable by worker processes, and what they promise to the other tests."""

from __future__ import annotations

import os
import re
import signal
import time
from datetime import date
from pathlib import Path

from suggester.config import Settings
from suggester.errors import NoReleaseError, StoreMissingError
from suggester.types import (
    Assertion,
    Code,
    Cue,
    Evidence,
    Flag,
    NotCoded,
    Note,
    ProposedModifier,
    Run,
    Span,
    Suggestion,
    Suggestions,
)

CANARY = "Zachariah Quillfeather"
"""Patient text that must never leave through an error, a log or a file name."""

WORDS = {"diabetes": "E11.9", "cough": "R05.9", "wheelchair": "K0001", "visit": "99213"}
RUN = Run(
    version="0.1.0",
    model="fake",
    codesets=(("ICD-10-CM", "2026-04-01"), ("CPT", "2026-01-01"), ("HCPCS", "2026-04-01")),
    config_hash="0123456789ab",
)


def system_of(code: str) -> str:
    return "CPT" if code.isdigit() else "HCPCS" if code[1:].isdigit() else "ICD-10-CM"


class FakeEngine:
    """Suggests a code for every known word; some words make it misbehave."""

    def suggest(self, note: Note) -> Suggestions:
        text = note.text
        if "RAISE" in text:
            raise ValueError(f"cannot read {text}")
        if "NORELEASE" in text:
            raise NoReleaseError("no release of ICD-10-CM covers the date; run: suggester codesets build")
        if "DIE" in text:
            os._exit(9)
        if "SLEEP" in text:
            time.sleep(0.2)
        found = sorted(
            (m.start(), m.end(), m.group().lower()) for m in re.finditer("|".join(WORDS), text, re.I)
        )
        suggestions = tuple(
            Suggestion(
                id=f"{note.id}:{rank}",
                code=Code(
                    system=system_of(WORDS[word]),
                    code=WORDS[word],
                    display=f"title of {word}",
                    billable=True,
                    valid_from=date(2026, 4, 1),
                    valid_to=None,
                    release="2026-04-01",
                ),
                confidence=1 / (rank + 0.333333),
                rank=rank,
                evidence=(
                    Evidence(
                        span=Span(start=start, end=end),
                        quote=text[start:end],
                        section="assessment",
                        assertion=Assertion(),
                    ),
                ),
                reasons=("exact title",),
                flags=(Flag(rule_id="fake", severity="warning", message="check it", codes=("E10.9",)),),
                units=2 if word == "visit" else None,
                modifiers=(ProposedModifier(modifier="25", reason="apart"),) if word == "visit" else (),
            )
            for rank, (start, end, word) in enumerate(found, start=1)
        )
        cue = Cue(flag="negated", text="no", span=Span(start=0, end=2), rule_id="no")
        return Suggestions(
            note_id=note.id,
            run=RUN,
            suggestions=suggestions,
            not_coded=(
                NotCoded(
                    span=Span(start=0, end=1),
                    quote=text[:1],
                    reason="negated",
                    cue=cue.text,
                    would_be=("R07.9",),
                ),
            ),
            flags=(),
        )


def fake_engine(settings: Settings) -> FakeEngine:
    return FakeEngine()


class SlowEngine(FakeEngine):
    """Takes a millisecond, so that a run lasts long enough to be killed; the answers are the same."""

    identity = {"engine": "FakeEngine"}  # noqa: RUF012

    def suggest(self, note: Note) -> Suggestions:
        time.sleep(0.001)
        return super().suggest(note)


def slow_engine(settings: Settings) -> SlowEngine:
    return SlowEngine()


class Misbehaving(FakeEngine):
    """Hangs, hangs without listening to alarms, or takes memory without end."""

    def suggest(self, note: Note) -> Suggestions:
        if "HANG" in note.text:
            time.sleep(60)
        if "STUBBORN" in note.text:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
            time.sleep(60)
        if "GREEDY" in note.text:
            held = [bytearray(100_000_000) for _ in range(40)]
            del held
        return super().suggest(note)


def hanging_engine(settings: Settings) -> Misbehaving:
    return Misbehaving()


stubborn_engine = greedy_engine = hanging_engine


class DiesOnce(FakeEngine):
    """Dies on the word MORTAL unless it has died before, which a file remembers."""

    def __init__(self, memory: Path) -> None:
        self.memory = memory

    def suggest(self, note: Note) -> Suggestions:
        if "MORTAL" in note.text and not self.memory.exists():
            self.memory.touch()
            os._exit(9)
        return super().suggest(note)


def dies_once(settings: Settings) -> DiesOnce:
    return DiesOnce(settings.store_dir / "died")


def dies_loading(settings: Settings) -> FakeEngine:
    os._exit(9)


def no_store(settings: Settings) -> FakeEngine:
    raise StoreMissingError("no compiled store; run: suggester codesets build")


def broken_engine(settings: Settings) -> FakeEngine:
    raise RuntimeError(f"loading failed on {CANARY}")


def test_the_fake_engine_quotes_the_note() -> None:
    result = FakeEngine().suggest(Note(id="n", text="No cough.\r\nDiabetes, wheelchair, visit."))
    assert [item.code.code for item in result.suggestions] == ["R05.9", "E11.9", "K0001", "99213"]
    assert result.suggestions[1].evidence[0].quote == "Diabetes"
