"""Score assertion and attributes on the marked sentences of ``eval/marked``.

    python eval/score_marked.py [--part dev|test|blind …] [--json] [--errors]

Each line is read as a note of its own by the reader's components that need no code sets. For every marked
mention the assertion and the attributes at its tokens are compared with the marks: precision, recall and F1
for each flag, for each attribute and over all attributes together (a pair of name and value counts once),
with counts. ``--errors`` lists what was missed and what was too much, on the development part only: the
test parts are measured, not read. Attributes that no mark uses (burn surface) are left out of the count.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Literal

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from suggester.pipeline import COMPONENTS
from suggester.pipeline.assertion import assertion_table
from suggester.pipeline.attributes import attribute_table
from suggester.pipeline.tokenizer import ClinicalTokenizer, token_table

FOLDER = Path(__file__).resolve().parent / "marked"
PARTS = ("dev", "test", "blind")
"""Files of the suite: rules are tuned on the first, the others are measured only."""
FLAGS = ("negated", "uncertain", "historical", "hypothetical", "family")
ATTRIBUTES = (
    "laterality",
    "acuity",
    "severity",
    "phase",
    "type",
    "stage",
    "control",
    "open",
    "displaced",
    "healing",
    "trimester",
    "weeks",
    "ef",
    "bmi",
    "a1c",
    "bp",
    "packyears",
    "pain",
    "with",
    "degree",
)
Part = Literal["dev", "test"]

_MARK = re.compile(r"<ent([^<>]*)>([^<>]*)</ent>")


class MarkError(Exception):
    """A marked line cannot be read; names file and line, not the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A marked mention: character offsets into the plain text, flags, attributes."""

    start: int
    end: int
    flags: frozenset[str]
    attributes: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A marked line: where it stands, its group, its plain text and its mentions."""

    number: int
    group: str
    text: str
    mentions: tuple[Marked, ...]


@dataclass(slots=True)
class Counts:
    """True positives, false positives and false negatives."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def add(self, gold: bool, said: bool) -> None:
        """Count one decision."""
        self.tp += gold and said
        self.fp += said and not gold
        self.fn += gold and not said

    def figures(self) -> dict[str, float | int | None]:
        """Precision, recall and F1 (None where there is nothing to divide by) and the counts."""
        said, gold = self.tp + self.fp, self.tp + self.fn
        return {
            "precision": self.tp / said if said else None,
            "recall": self.tp / gold if gold else None,
            "f1": 2 * self.tp / (said + gold) if said + gold else None,
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
        }


@dataclass(slots=True)
class Score:
    """All counts, and what went wrong, line by line."""

    lines: int = 0
    mentions: int = 0
    flags: dict[str, Counts] = field(default_factory=lambda: {name: Counts() for name in FLAGS})
    attributes: dict[str, Counts] = field(default_factory=lambda: {name: Counts() for name in ATTRIBUTES})
    errors: list[str] = field(default_factory=list)

    def micro(self) -> Counts:
        """The attributes together."""
        every = self.attributes.values()
        return Counts(sum(c.tp for c in every), sum(c.fp for c in every), sum(c.fn for c in every))

    def record(self) -> dict[str, object]:
        """Everything but the errors, for JSON."""
        return {
            "lines": self.lines,
            "mentions": self.mentions,
            "flags": {name: counts.figures() for name, counts in self.flags.items()},
            "attributes": {
                **{name: counts.figures() for name, counts in self.attributes.items()},
                "all": self.micro().figures(),
            },
        }


def parse_line(line: str, *, number: int = 0, group: str = "", where: str = "line") -> Line:
    """The plain text and the mentions of a marked line.

    Raises
    ------
    MarkError
        If a mark is not closed, empty, or uses an unknown flag or attribute.
    """
    line = line.replace("\\n", "\n")
    parts: list[str] = []
    mentions: list[Marked] = []
    at = size = 0
    for match in _MARK.finditer(line):
        before = line[at : match.start()]
        parts += [before, match[2]]
        size += len(before)
        flags, attributes = set(), set()
        for word in match[1].split():
            name, equals, value = word.partition("=")
            if name not in (ATTRIBUTES if equals else FLAGS) or (equals and not value):
                raise MarkError(f"{where}:{number}: unknown mark {name!r}; known are {[*FLAGS, *ATTRIBUTES]}")
            if equals:
                attributes.add((name, value))
            else:
                flags.add(name)
        if not match[2].strip():
            raise MarkError(f"{where}:{number}: a mark holds no word")
        mentions.append(
            Marked(
                start=size,
                end=size + len(match[2]),
                flags=frozenset(flags),
                attributes=frozenset(attributes),
            )
        )
        size += len(match[2])
        at = match.end()
    parts.append(line[at:])
    text = "".join(parts)
    if "<ent" in text or "</ent" in text:
        raise MarkError(f"{where}:{number}: a mark is not closed")
    return Line(number=number, group=group, text=text, mentions=tuple(mentions))


def read_marked(path: Path) -> Iterator[Line]:
    """The marked lines of a file, each under the comment it stands under.

    Raises
    ------
    MarkError
        If a mark cannot be read or the file holds none.
    """
    group = ""
    empty = True
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#"):
            group = line.lstrip("# ")
        elif line.strip():
            found = parse_line(line, number=number, group=group, where=path.name)
            empty = empty and not found.mentions
            yield found
    if empty:
        raise MarkError(f"{path.name}: no marked mention")


def read_parts(names: Iterable[str]) -> Iterator[Line]:
    """The marked lines of several parts, one after the other; raises what ``read_marked`` does."""
    return chain.from_iterable(read_marked(FOLDER / f"{name}.txt") for name in names)


def build(components: Sequence[str] = COMPONENTS) -> Language:
    """The reader's components that need no code sets, or some of them."""
    nlp = spacy.blank("en")
    nlp.tokenizer = ClinicalTokenizer(nlp.vocab)
    for name in components:
        nlp.add_pipe(name)
    return nlp


def read_mention(doc: Doc, mention: Marked) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """Flags and attributes that the reader gives the words of a mention."""
    table = token_table(doc)
    first, final = table.token_at(mention.start), table.token_at(mention.end - 1)
    assertion = assertion_table(doc).at(first, final + 1)
    flags = frozenset(name for name in FLAGS if getattr(assertion, name))
    found = attribute_table(doc).at(first, final)
    return flags, frozenset((a.name, a.value) for a in found if a.name in ATTRIBUTES)


def score(lines: Iterable[Line], nlp: Language) -> Score:
    """Read every line and count."""
    out = Score()
    for line in lines:
        out.lines += 1
        doc = nlp(line.text)
        for mention in line.mentions:
            out.mentions += 1
            flags, attributes = read_mention(doc, mention)
            for name in FLAGS:
                out.flags[name].add(name in mention.flags, name in flags)
            for name, value in mention.attributes | attributes:
                pair = (name, value)
                out.attributes[name].add(pair in mention.attributes, pair in attributes)
            words = line.text[mention.start : mention.end]
            wrong = [f"-{name}" for name in sorted(mention.flags - flags)]
            wrong += [f"+{name}" for name in sorted(flags - mention.flags)]
            wrong += [f"-{name}={value}" for name, value in sorted(mention.attributes - attributes)]
            wrong += [f"+{name}={value}" for name, value in sorted(attributes - mention.attributes)]
            if wrong:
                out.errors.append(f"{line.number}\t{words}\t{' '.join(wrong)}\t{line.text!r}")
    return out


def show(name: str, counts: Counts) -> str:
    """A line of the table."""
    figures = counts.figures()
    cells = "".join(
        "      -" if figures[key] is None else f"{figures[key]:7.3f}" for key in ("precision", "recall", "f1")
    )
    return f"{name:<14}{cells}{counts.tp:7}{counts.fp:6}{counts.fn:6}"


def group_errors(errors: Sequence[str]) -> Counter[str]:
    """How often each kind of error stands in a list of errors."""
    return Counter(word.partition("=")[0] for error in errors for word in error.split("\t")[2].split())


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 if the marks cannot be read."""
    parser = argparse.ArgumentParser(description="Score assertion and attributes on the marked sentences.")
    parser.add_argument("--part", choices=PARTS, default=["dev"], nargs="+", help="one or several, together")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--errors", action="store_true", help="list the errors (development part only)")
    options = parser.parse_args(arguments)
    if options.errors and options.part != ["dev"]:
        parser.error("--errors: a test part is measured, not read")
    try:
        result = score(read_parts(options.part), build())
    except (MarkError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    part = " + ".join(options.part)
    if options.json:
        print(json.dumps({"part": part, **result.record()}, indent=2))
        return 0
    print(f"{part}: {result.lines} lines, {result.mentions} mentions")
    print(f"{'':<14}   prec    rec     f1     tp    fp    fn")
    for name, counts in result.flags.items():
        print(show(name, counts))
    print()
    for name, counts in result.attributes.items():
        print(show(name, counts))
    print(show("all attributes", result.micro()))
    if options.errors:
        print("\n".join(result.errors))
        print(dict(group_errors(result.errors).most_common()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
