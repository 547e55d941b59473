"""Fit and write the weights by which words vote on assertion: ``python eval/fit_assertion.py``.

Learns from the development part of the marked sentences (``eval/marked/dev.txt``, our own) and from the
practice notes, and writes ``models/assertion`` with its card; reads nothing of the test part. A token of a
marked mention is an example, unless the mention has another flag than the one that is learned. What practice
notes were coded for is there and is the patient's now: the words that name it, where no cue stands, are
examples without a flag, in whole notes and as often as such words come, so that votes raise few false alarms
in them. Case reports are left out: what they are coded for is past as they tell it.

    python eval/fit_assertion.py [-o FOLDER] [--until LINE]

``--until`` learns from the lines before one alone, to score the vote on those that come after.
"""

from __future__ import annotations

import argparse
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from fit_general import PRACTICE, gold, is_case_report
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from score_marked import FOLDER, Line, build, read_marked
from sklearn.linear_model import LogisticRegression

from suggester.codesets import open_catalog
from suggester.config import Settings
from suggester.pinned import text_array, write
from suggester.pipeline import TextReader
from suggester.pipeline.sentences import SentenceTable, sentence_table
from suggester.pipeline.tokenizer import TokenTable, token_table
from suggester.pipeline.vote import ENDING, FLAGS, NEAR, REACH, RULES, SCALE, SLOTS, Vote, key_of, stretches
from suggester.ranking.bench import Bench
from suggester.ranking.support import Method
from suggester.types import GoldNote

LEAST = 2.2
"""The logit from which a flag is set, as chosen on lines that neither rule nor weight had seen (ADR 0013)."""

STRENGTH = 2.0
"""Inverse strength of the penalty on weights."""

CODED_WEIGHT = 0.2
"""That of a word of a practice note, beside one of a marked mention."""

ELSEWHERE = ("Z79", "Z80", "Z81", "Z82", "Z83", "Z84", "Z85", "Z86", "Z87", "Z89", "Z90", "Z91", "Z92", "Z98")
"""Categories of what was, or is another's."""

COMMON = 20
NAMED_SHARE = 0.05
"""A word that is seen so often, and for less than this share in a mention, has no flag ..."""

NEVER = -30_000
"""... by this weight of its own."""

SELDOM = 2
"""A word that is seen less often has no weight."""

Example = tuple[list[tuple[str, str]], frozenset[str]]
"""Slots with their words, and the flags of the mention."""


def slots_of(table: TokenTable, sentences: SentenceTable) -> Callable[[int], list[tuple[str, str]]]:
    """Tells the slots around a visible token and the words in them."""
    keys = list(map(key_of, table.said))
    bounds = stretches(table, sentences)

    def around(at: int) -> list[tuple[str, str]]:
        part = bisect_right(bounds, at) - 1
        begin, end = max(bounds[part], at - REACH), min(bounds[part + 1], at + REACH + 1)
        slots = [("self", keys[at]), ("self", "-" + keys[at][-ENDING:])]
        for place in (*range(begin, at), *range(at + 1, end)):
            side, distance = ("before" if place < at else "behind"), abs(place - at)
            slots.append((side, keys[place]))
            if distance <= NEAR:
                slots.append((f"{side}{distance}", keys[place]))
        return slots

    return around


def of_no_name(lines: Iterable[Line]) -> frozenset[str]:
    """Common words that hardly ever stand in a mention: nothing is asserted of *and*."""
    nlp = build(())
    said: Counter[str] = Counter()
    named: Counter[str] = Counter()
    for line in lines:
        table = token_table(nlp(line.text))
        said.update(map(key_of, table.said))
        for mention in line.mentions:
            tokens = range(table.token_at(mention.start), table.token_at(mention.end - 1) + 1)
            named.update(key_of(table.lower[token]) for token in tokens)
    return frozenset(
        word for word, count in said.items() if count >= COMMON and named[word] < NAMED_SHARE * count
    )


def marked(lines: Iterable[Line]) -> Iterator[Example]:
    """Every token of every marked mention."""
    nlp = build(("suggester_sections", "suggester_sentences"))
    for line in lines:
        doc = nlp(line.text)
        table = token_table(doc)
        around = slots_of(table, sentence_table(doc))
        for mention in line.mentions:
            for at, token in enumerate(table.visible):
                if table.start[token] < mention.end and table.end[token] > mention.start:
                    yield around(at), mention.flags


def coded(bench: Bench, notes: Iterable[GoldNote]) -> Iterator[Example]:
    """Every token without a flag that names what a practice note was coded for."""
    for noted in notes:
        if is_case_report(noted):
            continue
        right = {code for one in noted.codes for code in (one.code, *one.acceptable)}
        reading = bench.read(noted.note.text)
        table, firsts, finals = reading.table, reading.matches.firsts, reading.matches.finals
        around = slots_of(table, reading.attributes.sentences)
        named: set[int] = set()
        for candidate in bench.finder.find(reading, setting=noted.note.setting):
            code = bench.code_of(candidate)
            if candidate.system == "ICD-10-CM" and code in right and not code.startswith(ELSEWHERE):
                for support in candidate.supports:
                    if support.method in (Method.TERM, Method.DESCENT) and not support.flags:
                        named.update(range(firsts[support.match], finals[support.match] + 1))
        for at, token in enumerate(table.visible):
            if token in named and table.is_word[token] and not reading.assertion.flags[token]:
                yield around(at), frozenset()


def fit(
    found: list[Example], weight: NDArray[np.float64]
) -> tuple[list[str], NDArray[np.int16], NDArray[np.int32]]:
    """Words and endings, the weights of each, shape ``(words, slots, flags)``, and the bias of each flag.

    ``weight`` is that of each example.
    """
    seen = Counter(word for slots, _ in found for _, word in set(slots))
    words = sorted(word for word, count in seen.items() if count >= SELDOM)
    row, slot_of = {word: n for n, word in enumerate(words)}, {slot: n for n, slot in enumerate(SLOTS)}
    columns, ends = [], [0]
    for slots, _ in found:
        columns += [row[word] * len(SLOTS) + slot_of[slot] for slot, word in slots if word in row]
        ends.append(len(columns))
    matrix = csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(found), len(words) * len(SLOTS)))
    matrix.sum_duplicates()
    weights, bias = [], []
    for flag in FLAGS:
        alone = np.array([flags <= {flag} for _, flags in found])
        said = np.array([flag in flags for _, flags in found])
        model = LogisticRegression(C=STRENGTH, max_iter=1000).fit(
            matrix[alone], said[alone], sample_weight=weight[alone]
        )
        weights.append(np.rint(model.coef_[0] * SCALE).reshape(len(words), len(SLOTS)))
        bias.append(round(float(model.intercept_[0]) * SCALE))
    table = np.stack(weights, axis=2).astype(np.int16)
    said_of = table.any(axis=(1, 2))
    kept = [word for word, speaks in zip(words, said_of, strict=True) if speaks]
    return kept, table[said_of], np.array(bias, dtype=np.int32)


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-o", "--out", type=Path, default=Path("models/assertion"))
    parser.add_argument("--until", type=int, help="learn from the lines before this one alone")
    options = parser.parse_args()
    lines = [
        line
        for line in read_marked(FOLDER / "dev.txt")
        if options.until is None or line.number < options.until
    ]
    practice = [note for path in sorted(PRACTICE.glob("*.jsonl")) for note in gold(path)]
    releases, _ = open_catalog(Settings.load()).release_set()
    bench = replace(Bench.over(releases), reader=TextReader.over(releases.terms, voting=False))
    found = list(marked(lines))
    tokens = len(found)
    found += coded(bench, practice)
    no_name = of_no_name(lines)
    words, weights, bias = fit(found, np.where(np.arange(len(found)) < tokens, 1.0, CODED_WEIGHT))
    weights[[word in no_name for word in words], -1] = NEVER
    card = {
        "what": "weights of the words around a word, by which they vote on its assertion where no cue stands",
        "data": {
            "marked lines of our own (eval/marked/dev.txt)": len(lines),
            "mentions": sum(len(line.mentions) for line in lines),
            "tokens of mentions": tokens,
            "practice notes, invented for this project": len(practice),
            "tokens that name what these were coded for": len(found) - tokens,
        },
        "flags": dict(zip(FLAGS, RULES, strict=True)),
        "words": len(words),
        "limits": "English clinical notes. Adds a flag where the cues are silent and takes none away.",
    }
    write(
        options.out / Vote.ARRAYS_FILE,
        {
            "words": text_array(words),
            "weights": weights,
            "bias": bias,
            "least": np.full(len(FLAGS), round(LEAST * SCALE), dtype=np.int32),
        },
        card,
    )
    print(f"{len(lines)} lines, {len(found)} tokens, {len(words)} words, written to {options.out}")


if __name__ == "__main__":
    main()
