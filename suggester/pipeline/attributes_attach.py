"""Which attributes belong to a mention.

An attribute belongs to the mention in whose phrase it stands (``left hip pain``), to the nearest mention
before it over places, commas and verbs (``fracture of the distal radius, left, closed``; ``asthma is
mild``), or else to the one after it (``both ears with effusions``). Nothing crosses a contrast, a negation
or another thing, except a list that says so (``…, both controlled``; ``pain and swelling of the left
knee``). Findings that have a side take it from what they go with (``fracture of the left wrist with
swelling``). What reaches beyond the phrases, measured values and problem headings, is in
``attributes_table``.

The walk goes over a bounded number of phrases, so that a question costs the same in a note of any length.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from suggester.pipeline.attributes_chunks import Chunk, Chunks
from suggester.pipeline.attributes_lexicon import AttributeLexicon
from suggester.pipeline.attributes_values import VALUES, Found

REACH: Final = 60
"""Most tokens between a mention and an attribute of its."""

_STEPS: Final = 14
_SHARED: Final = frozenset(("both", "all", "each"))

Offers = dict[str, tuple[float, Found]]
"""By attribute name: the best found so far, and what it costs to belong to the mention."""


class Walker:
    """Walks from a mention over the phrases of its sentence and collects attributes.

    Parameters
    ----------
    lexicon
        The attribute lexicon.
    lower
        The folded tokens of the note.
    """

    def __init__(self, lexicon: AttributeLexicon, lower: list[str]) -> None:
        self.lexicon = lexicon
        self._lower = lower

    def walk(self, chunks: Chunks, first: int, final: int, words: frozenset[str]) -> Offers:
        """What the phrases around a mention, the tokens ``first`` to ``final``, offer it."""
        offers: Offers = {}
        begin, end = _chunk_range(chunks, first, final)
        if begin >= 0:
            self._own(chunks, begin, end, first, final, offers)
            self._after(chunks, begin, end, words, offers)
            self._before(chunks, begin, words, offers)
        return {name: found for name, found in offers.items() if self.fits(name, found[1], words)}

    def hosted(self, name: str, words: frozenset[str]) -> bool:
        """Whether a mention of these words can carry an attribute."""
        host = self.lexicon.hosts.get(name)
        return host is None or not host.words.isdisjoint(words)

    def fits(self, name: str, item: Found, words: frozenset[str]) -> bool:
        """Whether a mention of these words can carry what was found."""
        if name == "with":
            return not self.lexicon.with_hosts[item.need].isdisjoint(words)
        return (name == "phase" and item.value == "sequela") or self.hosted(name, words)

    def takes_side(self, words: frozenset[str]) -> bool:
        """Whether a mention takes the side of what it goes with."""
        groups = self.lexicon.groups
        if not groups["midline"].isdisjoint(words):
            return False
        return not (groups["sidable"].isdisjoint(words) and groups["body"].isdisjoint(words))

    def _own(self, chunks: Chunks, begin: int, end: int, first: int, final: int, offers: Offers) -> None:
        """Attributes in the mention's own phrases."""
        for number in range(begin, end + 1):
            chunk = chunks.chunks[number]
            words = chunk.words
            for item in chunk.near(first - REACH, final + REACH):
                if item.name == "with" and item.first <= first:
                    continue
                if item.final < first:
                    between = sum(
                        map(
                            self._names, words[bisect_left(words, item.final + 1) : bisect_left(words, first)]
                        )
                    )
                    offer(offers, item, 0.1 + between)
                elif item.first > final:
                    if item.forward or self._goes_on(chunk, item, final):
                        continue
                    between = sum(
                        map(
                            self._names, words[bisect_left(words, final + 1) : bisect_left(words, item.first)]
                        )
                    )
                    offer(offers, item, 0.3 + between)
                else:
                    offer(offers, item, 0.2 if number > begin else 0.0)

    def _names(self, token: int) -> bool:
        return self.lexicon.function.get(self._lower[token], "W") == "W"

    def _goes_on(self, chunk: Chunk, item: Found, final: int) -> bool:
        """Whether an attribute behind a mention stands before another thing in the same phrase."""
        if item.name in ("type", "stage", "egfr") or item.name in VALUES:
            return False
        begin = bisect_left(chunk.words, max(item.final, final) + 1)
        return any(
            self._names(i) and not self._lower[i].endswith("ed") for i in chunk.words[begin : begin + _STEPS]
        )

    def _after(self, chunks: Chunks, begin: int, end: int, words: frozenset[str], offers: Offers) -> None:
        """Attributes behind the mention."""
        all_chunks = chunks.chunks
        listed = coordinated = subordinate = False
        for number in range(end + 1, min(end + 1 + _STEPS, len(all_chunks))):
            chunk = all_chunks[number]
            link = chunk.link
            if "X" in link or "N" in link:
                return
            cost = 1.0 + 0.2 * (number - end)
            if ";" in link:
                if chunk.kind == "M" and not listed:
                    self._offer_all(chunk, cost + 1, offers)
                return
            if any(item.name == "with" and self.fits("with", item, words) for item in chunk.found):
                self._offer_all(chunk, cost, offers, only="with")
                continue
            if chunk.kind == "E":
                if subordinate and link == "C":
                    continue
                if not any(mark in link for mark in "LPV") and ("C" in link or "," in link):
                    listed, coordinated = True, coordinated or "C" in link
                    continue
                if link.endswith("P") and "L" not in link and not listed:
                    subordinate = True
                    if "V" not in link and self._place_first(chunk):
                        self._offer_all(chunk, cost + 1, offers, only="laterality")
                    continue
                return
            if chunk.kind not in ("B", "M"):
                continue
            if self._forward(all_chunks, number):
                return
            if listed:
                shared = any(self._lower[i] in _SHARED for i in range(chunk.first, chunk.final + 1))
                if shared and chunk.kind == "M":
                    self._offer_all(chunk, cost, offers)
                elif "V" in link:
                    return
                elif coordinated and "P" in link and "," not in link and self.takes_side(words):
                    self._offer_all(chunk, cost, offers, only="laterality")
                continue
            if "L" in link:
                if chunk.kind == "M":
                    self._offer_all(chunk, cost, offers, skip="laterality")
                return
            self._offer_all(chunk, cost, offers)

    def _place_first(self, chunk: Chunk) -> bool:
        """Whether a phrase behind a preposition names a place, known or not (``at the left UVJ``)."""
        if not chunk.found:
            return False
        side, lower = chunk.found[0], self._lower
        if all(self.lexicon.function.get(lower[i]) in (" ", "0") for i in range(chunk.first, side.first)):
            return True
        return any(lower[i] in self.lexicon.groups["body"] for i in chunk.words)

    def _before(self, chunks: Chunks, begin: int, words: frozenset[str], offers: Offers) -> None:
        """Attributes in front that nothing before them claims, and the side of what the mention goes with."""
        all_chunks = chunks.chunks
        links = ""
        for number in range(begin - 1, max(begin - 1 - _STEPS, -1), -1):
            chunk, link = all_chunks[number], all_chunks[number + 1].link
            if "X" in link or ";" in link:
                return
            links += link
            if chunk.kind == "E":
                if (
                    "laterality" not in offers
                    and "N" not in links
                    and self._inherits(all_chunks, begin, words)
                ):
                    side = self._side_of(chunks, number)
                elif "laterality" not in offers and not set(links) - set(",C") and self.takes_side(words):
                    side = self._lead(all_chunks, number)
                else:
                    side = None
                if side is not None:
                    offer(offers, side, 6.0)
                return
            if chunk.kind not in ("B", "M"):
                continue
            forward = self._forward(all_chunks, number)
            if forward or not self.claimed(all_chunks, number):
                cost = 0.9 if forward and number == begin - 1 else 2.0 + 0.2 * (begin - number)
                bare = "," in link and "P" not in chunk.link  # *20 week gestation, …* is a thing of its own
                for item in chunk.found:
                    if item.name not in VALUES or (item.name == "weeks" and not bare):
                        offer(offers, item, cost)

    def _lead(self, chunks: list[Chunk], number: int) -> Found | None:
        """The side of the place that opens a list of things (``Right knee: effusion, crepitus``)."""
        for i in range(number, max(number - _STEPS, 0), -1):
            if chunks[i - 1].kind == "B" and self._forward(chunks, i - 1):
                return next((item for item in chunks[i - 1].found if item.name == "laterality"), None)
            if set(chunks[i].link) - set(",C") or chunks[i - 1].kind != "E":
                return None
        return None

    def _inherits(self, chunks: list[Chunk], begin: int, words: frozenset[str]) -> bool:
        own = chunks[begin]
        if any(item.forward for item in own.found) or not self.takes_side(words):
            return False
        body = self.lexicon.groups["body"]
        if own.link.startswith(",") and "L" not in own.link and body.isdisjoint(words):
            return False
        if begin + 1 < len(chunks) and chunks[begin + 1].kind == "B" and chunks[begin + 1].link == "P":
            return False
        return {self._lower[i] for i in own.words} & body <= words

    def _side_of(self, chunks: Chunks, number: int) -> Found | None:
        """The side of the thing in a chunk."""
        chunk = chunks.chunks[number]
        offers: Offers = {}
        first, final = chunk.words[0], chunk.words[-1]
        self._own(chunks, number, number, first, final, offers)
        self._after(chunks, number, number, frozenset(), offers)
        found = offers.get("laterality")
        if found is None:
            self._before(chunks, number, frozenset(), offers)
            found = offers.get("laterality")
        return found[1] if found else None

    @staticmethod
    def _forward(chunks: list[Chunk], number: int) -> bool:
        """Whether a place or attribute opens a clause about what follows (``left side shows …``)."""
        chunk = chunks[number]
        if number + 1 >= len(chunks) or not any(mark in chunk.link for mark in ",;:^X-"):
            return False
        following = chunks[number + 1]
        if following.kind != "E" or "," in following.link or ";" in following.link:
            return False
        if chunk.kind == "B":
            return any(mark in following.link for mark in "LVN:")
        return "^" in chunk.link and ("P" in chunk.link or ":" in following.link)

    @staticmethod
    def claimed(chunks: list[Chunk], number: int) -> bool:
        """Whether a thing stands before a place or attribute that it goes back to."""
        for i in range(number, max(number - _STEPS, 0), -1):
            link = chunks[i].link
            if "X" in link or ";" in link or "^" in link or (":" in link and "P" not in link):
                return False
            if chunks[i - 1].kind == "E":
                return True
        return False

    @staticmethod
    def _offer_all(chunk: Chunk, cost: float, offers: Offers, *, only: str = "", skip: str = "") -> None:
        for item in chunk.found:
            if item.forward or (only and item.name != only) or item.name == skip:
                continue
            offer(offers, item, cost)


def _chunk_range(chunks: Chunks, first: int, final: int) -> tuple[int, int]:
    """First and last chunk that a mention touches, or (-1, -1)."""
    last = min(final, chunks.begin + len(chunks.of_token) - 1)
    touched = [n for n in chunks.of_token[first - chunks.begin : last - chunks.begin + 1] if n >= 0]
    return (touched[0], touched[-1]) if touched else (-1, -1)


def offer(offers: Offers, item: Found, cost: float) -> None:
    """Keep what was found if nothing cheaper of its name is known."""
    known = offers.get(item.name)
    if known is None or cost < known[0]:
        offers[item.name] = (cost, item)
