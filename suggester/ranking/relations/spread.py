"""Where a cancer began and where it has gone: the site that *metastatic* speaks of.

In *metastatic breast cancer to liver and bone* the breast is the primary, liver and bone are secondary
(guidelines I.C.2); a title matcher takes the breast for a secondary. Sites are data
(``codesets/lexicon/relations/neoplasm_sites.tsv``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.pipeline.reading import Reading
from suggester.ranking.relations.found import STOPS, Found, phrase_at, phrases_of

_SPREADING: Final = frozenset(
    ("metastatic", "metastasis", "metastases", "mets", "metastasized", "metastasizing", "met")
)
_NOUNS: Final = frozenset(("metastasis", "metastases", "mets", "met"))
_CANCER: Final = frozenset(
    (
        "cancer",
        "carcinoma",
        "adenocarcinoma",
        "ca",
        "malignancy",
        "sarcoma",
        "tumor",
        "melanoma",
        "neoplasm",
        "scc",
    )
)
_INTO: Final = frozenset(("to", "in", "of", "involving", "into", "within", "at"))
_APART: Final = _INTO | _CANCER | {"with", "w"}
"""Words between a site and *metastases* of other places (*head of the pancreas with metastases*)."""
_JOINING: Final = frozenset(
    (
        ",",
        "and",
        "&",
        "+",
        "/",
        "the",
        "right",
        "left",
        "bilateral",
        "both",
        "multiple",
        "his",
        "her",
        "new",
        "known",
        "r",
        "l",
    )
)
_BEFORE: Final = 4
"""Most tokens between a site and the noun that it is the site of (*liver and bone metastases*)."""
_LIST: Final = 12
"""Most tokens that a list of sites is followed over."""


@dataclass(frozen=True, slots=True)
class Site:
    """A site: code prefixes of a primary there, and the code of a secondary there, empty if it has none."""

    primary: tuple[str, ...]
    secondary: str


class Spread:
    """Finds secondary sites, and the words that speak of spread but stand for the primary.

    Parameters
    ----------
    folder
        The lexicon folder; the shipped one if not given.

    Raises
    ------
    LexiconError
        If the file is missing or a row is wrong.
    """

    def __init__(self, *, folder: Path | None = None) -> None:
        path = (folder or lexicon_dir()) / "relations" / "neoplasm_sites.tsv"
        self.sites: list[Site] = []
        rows: list[tuple[str, int]] = []
        for _, (words, primary, secondary) in read_rows(path, ("words", "primary", "secondary")):
            rows.extend((word, len(self.sites)) for word in words.split("|"))
            self.sites.append(Site(tuple(filter(None, primary.split("|"))), secondary))
        self._phrases = phrases_of(rows)

    def find(self, reading: Reading) -> tuple[list[Found], list[tuple[int, tuple[str, ...]]]]:
        """Secondary sites; and tokens in order, each with the code prefixes that a match over it cannot mean.

        What *metastatic* says of a primary is no secondary there, and a site of spread is no primary.
        """
        lower = reading.table.lower
        triggers = reading.places(_SPREADING)
        if not triggers:
            return [], []
        found: dict[str, Found] = {}
        denied: list[tuple[int, tuple[str, ...]]] = []
        marks = reading.assertion.flags
        for at in triggers:
            end = _end_of(reading, at)
            hits = list(self._behind(lower, at, end))
            primary = self._primary(lower, at, end)
            if primary is not None:
                site, last = primary
                if self.sites[site].secondary:
                    denied.append((at, (self.sites[site].secondary,)))
                hits = list(self._after_into(lower, last + 1, end))
            elif lower[at] in _NOUNS:
                denied.extend((at, (code,)) for code in self._origins(lower, at, end))
                hits = [*self._ahead(reading, at), *hits]
            for site, first, final in hits:
                code = self.sites[site].secondary
                if self.sites[site].primary:
                    denied.append((final, self.sites[site].primary))
                if code and code not in found:
                    flags = marks[at] | marks[final]
                    found[code] = Found(code, min(at, first), max(at, final), flags)
        if any(code != "C77.9" and code.startswith("C77") for code in found):
            found.pop("C77.9", None)
        return list(found.values()), sorted(denied)

    def _primary(self, lower: Sequence[str], at: int, end: int) -> tuple[int, int] | None:
        """The site between *metastatic* and the word for cancer, and that word's token."""
        if lower[at] != "metastatic":
            return None
        site: int | None = None
        token = at + 1
        while token < min(end, at + 8):
            hit = phrase_at(self._phrases, lower, token, end)
            if hit is not None:
                site, token = hit[0], hit[1] + 1
                if self.sites[site].secondary == "":
                    return site, token - 1
                continue
            if lower[token] in _INTO or lower[token] in STOPS:
                return None
            if lower[token] in _CANCER:
                return (site, token) if site is not None else None
            token += 1
        return None

    def _origins(self, lower: Sequence[str], at: int, end: int) -> Iterator[str]:
        """Secondary codes of the sites that metastases are said to come from."""
        for token in range(at + 1, min(end, at + 4)):
            if lower[token] in ("from", "secondary"):
                for site, _, _ in self._list(lower, token + 1 + (lower[token] == "secondary"), end):
                    yield self.sites[site].secondary or "C79.89"
                return

    def _behind(self, lower: Sequence[str], at: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Sites after *metastatic to*, *metastases in* and the like."""
        token = at + 1
        while token < min(end, at + 5):
            if lower[token] in _INTO:
                yield from self._list(lower, token + 1, end)
                return
            if lower[token] in STOPS or lower[token] == ",":
                return
            token += 1

    def _after_into(self, lower: Sequence[str], token: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Sites after the first *to* or *with … to* behind the primary."""
        for at in range(token, min(end, token + 6)):
            if lower[at] in ("to", "involving", "into"):
                yield from self._list(lower, at + 1, end)
                return

    def _list(self, lower: Sequence[str], token: int, end: int) -> Iterator[tuple[int, int, int]]:
        stop = min(end, token + _LIST)
        while token < stop:
            hit = phrase_at(self._phrases, lower, token, end)
            if hit is not None:
                yield hit[0], token, hit[1]
                token = hit[1] + 1
            elif lower[token] in _JOINING:
                token += 1
            else:
                return

    def _ahead(self, reading: Reading, at: int) -> Iterator[tuple[int, int, int]]:
        """Sites before *metastases*, the nearest and those joined to it."""
        lower, sentence = reading.table.lower, reading.sentence[at]
        begin = at
        while begin > 0 and at - begin < _LIST and reading.sentence[begin - 1] == sentence:
            begin -= 1
        hits: list[tuple[int, int, int]] = []
        token = begin
        while token < at:
            hit = phrase_at(self._phrases, lower, token, at)
            if hit is None:
                token += 1
                continue
            hits.append((hit[0], token, hit[1]))
            token = hit[1] + 1
        near = at
        for site, first, final in reversed(hits):
            between = lower[final + 1 : near]
            allowed = _BEFORE if near == at else 0
            others = [word for word in between if word not in _JOINING]
            if len(others) > allowed or any(w in STOPS or w in _APART for w in others):
                return
            yield site, first, final
            near = first


def _end_of(reading: Reading, token: int) -> int:
    """One past the last token of a token's sentence."""
    return bisect_right(reading.sentence, reading.sentence[token], token)
