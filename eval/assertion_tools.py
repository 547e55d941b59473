"""The tools that ``compare_assertion.py`` compares, each as a process of its own that answers in JSON.

    python eval/assertion_tools.py suggester|medspacy|negspacy

Needs spaCy and the one tool, not the others, so each may live in an environment of its own. One line of JSON
in, one line out:

- ``{"texts": [{"text", "spans": [[start, end], …]}, …]}`` gives ``{"versions", "flags"}``: for each text, for
  each span the list of its flags, or null where no span of the tool's own tokens stands for it.
- ``{"round": true}`` reads the same texts again and gives ``{"ms"}``, the processor time it took.

What cannot be answered gives ``{"error"}``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc, Span

type Spans = Sequence[tuple[int, int]]
type Flags = list[list[str] | None]
type Reader = Callable[[str, Spans], Flags]

MEDSPACY: Final = {
    "is_negated": "negated",
    "is_uncertain": "uncertain",
    "is_historical": "historical",
    "is_hypothetical": "hypothetical",
    "is_family": "family",
}
"""medspaCy's extensions, with their default names, and our flags."""

NEGSPACY: Final = {"negex": "negated"}
"""The same for negspaCy, which knows negation only."""


def read_with(nlp: Language, extensions: Mapping[str, str]) -> Reader:
    """Read with a pipeline that sets boolean extensions on the entities it finds on the document.

    The pipeline is run as it is, but the entities are put in before its components. Spans that overlap
    without being the same cannot both be entities: the shorter is left out, as spaCy's ``filter_spans`` has
    it.
    """
    from spacy.util import filter_spans

    def read(text: str, spans: Spans) -> Flags:
        doc = nlp.make_doc(text)
        wanted = [doc.char_span(start, end, label="MENTION", alignment_mode="expand") for start, end in spans]
        doc.ents = filter_spans([span for span in wanted if span is not None])
        for _, component in nlp.pipeline:
            doc = component(doc)
        return entity_flags(doc, wanted, extensions)

    return read


def entity_flags(doc: Doc, wanted: Sequence[Span | None], extensions: Mapping[str, str]) -> Flags:
    """Flags of the entities that stand for the spans; None for a span that no entity stands for."""
    found = {
        (entity.start, entity.end): [flag for name, flag in extensions.items() if entity._.get(name)]
        for entity in doc.ents
    }
    return [None if span is None else found.get((span.start, span.end)) for span in wanted]


def open_suggester() -> Reader:
    """Our reader up to assertion, which needs no code sets."""
    import spacy

    from suggester.pipeline import COMPONENTS
    from suggester.pipeline.assertion import assertion_table
    from suggester.pipeline.tokenizer import ClinicalTokenizer, token_table

    nlp = spacy.blank("en")
    nlp.tokenizer = ClinicalTokenizer(nlp.vocab)
    for name in COMPONENTS[: COMPONENTS.index("suggester_assertion") + 1]:
        nlp.add_pipe(name)

    def read(text: str, spans: Spans) -> Flags:
        doc = nlp(text)
        tokens, asserted = token_table(doc), assertion_table(doc)
        out: Flags = []
        for start, end in spans:
            assertion = asserted.at(tokens.token_at(start), tokens.token_at(end - 1) + 1)
            out.append([flag for flag in MEDSPACY.values() if getattr(assertion, flag)])
        return out

    return read


def open_medspacy() -> Reader:
    """ConText with its default rules after spaCy's sentencizer."""
    import medspacy.context  # noqa: F401 - importing registers the factory
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("medspacy_context")
    return read_with(nlp, MEDSPACY)


def open_negspacy() -> Reader:
    """NegEx with its default (clinical) terms after spaCy's sentencizer."""
    import negspacy.negation  # noqa: F401 - importing registers the factory
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("negex")
    return read_with(nlp, NEGSPACY)


OPENERS: Final[dict[str, tuple[Callable[[], Reader], tuple[str, ...]]]] = {
    "suggester": (open_suggester, ("suggester", "spacy")),
    "medspacy": (open_medspacy, ("medspacy", "spacy")),
    "negspacy": (open_negspacy, ("negspacy", "spacy")),
}
"""How to open a tool, and the packages whose versions say what was measured."""


def answer(read: Reader, packages: Sequence[str], requests: TextIO, answers: TextIO) -> None:
    """Answer requests until there are no more."""
    texts: list[tuple[str, Spans]] = []
    for line in requests:
        request: dict[str, Any] = json.loads(line)
        if "texts" in request:
            texts = [(one["text"], one["spans"]) for one in request["texts"]]
            reply: dict[str, object] = {
                "versions": {name: metadata.version(name) for name in packages},
                "flags": [read(text, spans) for text, spans in texts],
            }
        else:
            start = time.process_time()
            for text, spans in texts:
                read(text, spans)
            reply = {"ms": (time.process_time() - start) * 1000.0}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the tool that is named and answer; 1 if it is not installed, 2 if there is no such tool."""
    (name,) = sys.argv[1:] if arguments is None else arguments
    # What libraries print while they load goes to standard error: standard output holds answers only.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if name not in OPENERS:
        answers.write(json.dumps({"error": f"no tool {name!r}; there are {list(OPENERS)}"}) + "\n")
        return 2
    opener, packages = OPENERS[name]
    try:
        read = opener()
    except ImportError as error:
        answers.write(json.dumps({"error": f"{name} cannot be imported ({error})"}) + "\n")
        answers.flush()
        return 1
    answer(read, packages, sys.stdin, answers)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
