"""The tools that ``bench_peers.py`` times, each as a process of its own that answers in JSON.

    python eval/peer_tools.py suggester|reader|medspacy|scispacy

Needs the one tool, not the others, so each may live in an environment of its own. One line of JSON in, one
line out:

- ``{"terms": PATH}`` opens the tool over the terms (a JSON list of ``[phrase, concept]``) and gives
  ``{"versions", "cpu_s"}``, the processor time since the process began.
- ``{"notes": [text, …]}`` reads each note once and gives ``{"found"}``, how many things it found.
- ``{"round": true}`` reads them again and gives ``{"ms"}``, the processor time it took.
- ``{"peak": true}`` gives ``{"mb"}``, the largest resident memory since the process began.

What cannot be answered gives ``{"error"}``.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final, TextIO

type Terms = Sequence[tuple[str, str]]
type Reader = Callable[[str], int]

NEIGHBOURS: Final = 5
"""Candidates that scispaCy's generator is asked for each mention."""
LONGEST: Final = 5
"""Words of the longest mention it is given."""


def open_suggester(_: Terms) -> Reader:
    """The whole engine: its index holds the terms, and it ranks, checks rules and shows evidence besides."""
    import suggester
    from suggester.types import Note

    engine = suggester.load()
    engine.bench(None)  # all that the first note would have to wait for
    return lambda text: len(engine.suggest(Note(id="note", text=text)).suggestions)


def open_reader(_: Terms) -> Reader:
    """Our spaCy pipeline alone: tokens, sections, sentences, mentions of the same terms, assertion, spans."""
    from suggester.codesets import open_catalog
    from suggester.config import Settings
    from suggester.pipeline import build_reader
    from suggester.pipeline.mentions import SPANS_KEY

    nlp = build_reader(open_catalog(Settings.load()).release_set()[0].terms)
    return lambda text: len(nlp(text).spans[SPANS_KEY])


def open_medspacy(terms: Terms) -> Reader:
    """medspaCy's tokenizer, PyRuSH, sectionizer, target rules and ConText, with its default rules."""
    os.environ["LOGURU_LEVEL"] = "WARNING"  # its splitter logs every token by default: not what is timed
    import medspacy
    from medspacy.target_matcher import TargetRule

    nlp = medspacy.load(
        medspacy_enable={
            "medspacy_tokenizer",
            "medspacy_pyrush",
            "medspacy_sectionizer",
            "medspacy_target_matcher",
            "medspacy_context",
        }
    )
    nlp.get_pipe("medspacy_target_matcher").add([TargetRule(phrase, concept) for phrase, concept in terms])
    return lambda text: len(nlp(text).ents)


def open_scispacy(terms: Terms) -> Reader:
    """scispaCy's candidate generator over an index of the terms; mentions are runs of words."""
    from scispacy.candidate_generation import CandidateGenerator, create_tfidf_ann_index
    from scispacy.linking_utils import Entity, KnowledgeBase
    from spacy.lang.en.stop_words import STOP_WORDS

    phrases: dict[str, list[str]] = {}
    for phrase, concept in terms:
        phrases.setdefault(concept, []).append(phrase)
    base = KnowledgeBase(
        [
            Entity(concept_id=concept, canonical_name=names[0], aliases=names, types=[], definition=None)
            for concept, names in phrases.items()
        ]
    )
    aliases, vectorizer, index = create_tfidf_ann_index(None, base)
    generate = CandidateGenerator(index, vectorizer, aliases, base)
    return lambda text: sum(map(len, generate(mentions(text, STOP_WORDS), NEIGHBOURS)))


def mentions(text: str, stop_words: set[str]) -> list[str]:
    """Runs of words between stop words and punctuation, each once, cut to at most ``LONGEST`` words.

    >>> mentions("Pain in the left knee, and fever. Fever", {"in", "the", "and"})
    ['pain', 'left knee', 'fever']
    """
    found: dict[str, None] = {}
    for piece in re.split(r"[^\w\s'-]+|\n", text.lower()):
        run: list[str] = []
        for word in [*piece.split(), None]:
            if word is not None and word not in stop_words:
                run.append(word)
            if run and (word is None or word in stop_words or len(run) == LONGEST):
                found[" ".join(run)] = None
                run = []
    return list(found)


OPENERS: Final[dict[str, tuple[Callable[[Terms], Reader], tuple[str, ...]]]] = {
    "suggester": (open_suggester, ("suggester", "spacy")),
    "reader": (open_reader, ("suggester", "spacy")),
    "medspacy": (open_medspacy, ("medspacy", "spacy")),
    "scispacy": (open_scispacy, ("scispacy", "spacy", "scipy")),
}
"""How to open a tool, and the packages whose versions say what was measured."""


def peak_mb(status: Path = Path("/proc/self/status")) -> float:
    """Largest resident memory of this process, in MiB.

    From the kernel's status of the process: the resource usage that Python gives is inherited from a larger
    parent, and is used only where there is no such file.
    """
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def answer(opener: Callable[[Terms], Reader], packages: Sequence[str], asked: TextIO, said: TextIO) -> None:
    """Answer requests until there are no more, or until the tool cannot be opened."""
    read: Reader | None = None
    texts: list[str] = []
    for line in asked:
        request: dict[str, Any] = json.loads(line)
        reply: dict[str, object]
        if "terms" in request:
            terms = [(phrase, concept) for phrase, concept in json.loads(Path(request["terms"]).read_text())]
            try:
                read = opener(terms)
            except (ImportError, RuntimeError) as error:
                reply = {"error": f"cannot be opened ({type(error).__name__}: {error})"}
            else:
                reply = {
                    "versions": {name: metadata.version(name) for name in packages},
                    "cpu_s": time.process_time(),
                }
        elif read is None:
            reply = {"error": "is asked before it was opened"}
        elif "notes" in request:
            texts = request["notes"]
            reply = {"found": sum(map(read, texts))}
        elif "round" in request:
            start = time.process_time()
            for text in texts:
                read(text)
            reply = {"ms": (time.process_time() - start) * 1000.0}
        else:
            reply = {"mb": peak_mb()}
        said.write(json.dumps(reply) + "\n")
        said.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer as the tool that is named; 2 if there is no such tool."""
    (name,) = sys.argv[1:] if arguments is None else arguments
    # What libraries print while they load goes to standard error: standard output holds answers only.
    said = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if name not in OPENERS:
        said.write(json.dumps({"error": f"no tool {name!r}; there are {list(OPENERS)}"}) + "\n")
        said.flush()
        return 2
    answer(*OPENERS[name], sys.stdin, said)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
