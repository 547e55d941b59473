"""The automaton that finds cues: words to states, alternatives shared, states made when they are first met.

A cue may hold alternatives and word classes (``suggester.pipeline.cues``). Written out they would be hundreds
of thousands of phrases; as an automaton they are some eight thousand nodes. Looking for a cue reads a word at
a time and never goes back; what a state remembers of other words than those of cues is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Self

from suggester.codesets.words import WORD, fold

Flag = Literal["negated", "uncertain", "historical", "hypothetical", "family"]
FLAGS: Final[tuple[Flag, ...]] = ("negated", "uncertain", "historical", "hypothetical", "family")
NEGATED, UNCERTAIN, HISTORICAL, HYPOTHETICAL, FAMILY = 1, 2, 4, 8, 16
ALL: Final = 31
BITS: Final[dict[str, int]] = dict(zip(FLAGS, (1, 2, 4, 8, 16), strict=True))
NAMES: Final[dict[int, Flag]] = dict(zip((1, 2, 4, 8, 16), FLAGS, strict=True))

TOKEN = re.compile(rf"<[a-z]+>|{WORD.pattern}|\S")


@dataclass(frozen=True, slots=True)
class Modifier:
    """What one cue does: its flag as a bit (terminators: a mask), direction, limits and rule."""

    mask: int
    direction: str
    max_words: int
    reach: str
    rule: str


SURGICAL: Final = (
    *("ectomy", "ectomies", "otomy", "otomies", "ostomy", "ostomies", "plasty", "plasties"),
    *("pexy", "rrhaphy", "desis", "plication", "tripsy"),
)
_SURGERY: Final = ("<surgery>",)
"""The class of words that end like the name of an operation."""

_NAMING: Final = frozenset(("for", "with"))
"""Words that ``<other>`` is not: they lead from a visit or treatment to what it was for."""

_ADVERB: Final = ("<adv>",)
"""The class of words in *-ly* of which ``word_classes.tsv`` says nothing else."""

_AHEAD: Final = FAMILY | HYPOTHETICAL
"""Flags of which a cue that only its first word is comes before one of as many words."""

_SHORT_ADVERB: Final = 4
"""Words in *-ly* of this length or less are no adverbs (*only*, *July*)."""

_ROOM: Final = 50_000
"""So many steps over words that no cue names are remembered before they are forgotten again."""


class Ending(NamedTuple):
    """What rows that end scopes do together, pseudo cues aside.

    Attributes
    ----------
    direction
        Of the first of them, pseudo cues among them.
    first
        Of the first that is no pseudo cue; empty where all are.
    hard, verb, segment
        The flags that they end, by how they end them.
    cancels
        Whether one takes a scope back.
    """

    direction: str
    first: str
    hard: int
    verb: int
    segment: int
    cancels: bool

    @classmethod
    def of(cls, modifiers: tuple[Modifier, ...]) -> Self:
        """What some rows do together."""
        masks = {"hard": 0, "verb": 0, "segment": 0}
        own = [modifier for modifier in modifiers if modifier.direction != "pseudo"]
        ends = [modifier for modifier in own if modifier.direction != "cancel"]
        for modifier in ends:
            masks[modifier.reach if modifier.reach in masks else "segment"] |= modifier.mask
        return cls(
            modifiers[0].direction, own[0].direction if own else "", **masks, cancels=len(own) > len(ends)
        )

    def with_longer(self, longer: Ending) -> Ending:
        """The same with what a longer match does, none of whose rows is a pseudo cue."""
        first = self.first or longer.first
        masks = self.hard | longer.hard, self.verb | longer.verb, self.segment | longer.segment
        return Ending(first, first, *masks, self.cancels or longer.cancels)


class _State:
    """A state of the lazy automaton: where rows stand that agree so far. ``accept`` is what ends here."""

    __slots__ = ("accept", "any", "by_word", "edges", "ending", "open", "other")

    def __init__(self, edges: dict[str, list[int]], accept: tuple[Modifier, ...]) -> None:
        self.edges = edges
        if len(accept) > 1 and not any(modifier.direction == "pseudo" for modifier in accept):
            accept = tuple(m for m in accept if m.direction == "ahead" and m.mask & _AHEAD) or accept
        self.accept = accept
        self.ending = Ending.of(accept) if accept else None
        self.by_word: dict[str, _State | None] = {}
        self.any = "<any>" in edges
        self.other = "<other>" in edges
        self.open = any(is_class(word) for word in edges)


class CueBook:
    """All cues, as one automaton over words: nodes are few because alternatives meet again behind themselves.

    Attributes
    ----------
    classes
        For each word, the classes it belongs to (``<member>`` …).
    size
        Number of rows.
    """

    def __init__(self, classes: dict[str, tuple[str, ...]] | None = None) -> None:
        self.classes: dict[str, tuple[str, ...]] = classes or {}
        self.size = 0
        self._edges: list[dict[str, list[int]]] = [{}]
        self._accept: list[tuple[Modifier, ...]] = [()]
        self._states: dict[tuple[int, ...], _State] = {}
        self._start: _State | None = None
        self._room = self._most = _ROOM

    @classmethod
    def of_nodes(
        cls,
        classes: dict[str, tuple[str, ...]],
        edges: list[dict[str, list[int]]],
        accept: Mapping[int, tuple[Modifier, ...]],
        size: int,
    ) -> Self:
        """A book of the nodes of another, as ``nodes`` gives them."""
        out = cls(classes)
        out._edges, out.size = edges, size
        out._accept = [()] * len(edges)
        for node, modifiers in accept.items():
            out._accept[node] = modifiers
        return out

    def nodes(self) -> tuple[list[dict[str, list[int]]], dict[int, tuple[Modifier, ...]]]:
        """The edges of each node, and what ends at those nodes where a cue ends."""
        return self._edges, {node: ends for node, ends in enumerate(self._accept) if ends}

    def add(self, cue: str, modifiers: tuple[Modifier, ...]) -> None:
        """Add one cue with its alternatives.

        Raises
        ------
        ValueError
            If a bracket with alternatives is glued to a word, or the cue may be empty.
        """
        self._start = None
        self._states.clear()
        ends = self._sequence(cue, [0])
        if 0 in ends:
            raise ValueError("the cue may be empty")
        for end in ends:
            self._accept[end] += modifiers
        self.size += 1

    def _sequence(self, expression: str, ends: list[int]) -> list[int]:
        """Build the nodes of an expression behind ``ends``; the new ends."""
        begin = index = 0
        while index < len(expression):
            if expression[index] != "(":
                index += 1
                continue
            options, after = _options(expression, index)
            if options is None:
                index += 1
                continue
            if expression[index - 1 : index].isalnum() or expression[after : after + 1].isalnum():
                raise ValueError("alternatives stand between blanks")
            ends = self._chain(expression[begin:index], ends)
            floor = len(self._edges)
            following: list[int] = []
            for option in options:
                following.extend(end for end in self._sequence(option, ends) if end not in following)
            if len(following) > len(ends) + 1:
                following = self._join(following, ends, floor)
            ends = following
            begin = index = after
        return self._chain(expression[begin:], ends)

    def _chain(self, literal: str, ends: list[int]) -> list[int]:
        for token in TOKEN.findall(literal):
            node = self._node()
            word = token if is_class(token) else fold(token)
            for end in ends:
                self._edges[end].setdefault(word, []).append(node)
            ends = [node]
        return ends

    def _join(self, following: list[int], ends: list[int], floor: int) -> list[int]:
        """Let the ends of alternatives be one node."""
        joined = self._node()
        moved = {node for node in following if node not in ends}
        for edges in (*(self._edges[end] for end in ends), *self._edges[floor:]):
            for word, targets in edges.items():
                # newer nodes stand behind older ones: most edges lead to none of the new ones
                if targets[-1] >= floor and not moved.isdisjoint(targets):
                    edges[word] = list(dict.fromkeys(joined if node in moved else node for node in targets))
        return [joined, *(node for node in following if node in ends)]

    def _node(self) -> int:
        self._edges.append({})
        self._accept.append(())
        return len(self._edges) - 1

    def class_names(self) -> set[str]:
        """The classes that cues name."""
        return {word for edges in self._edges for word in edges if is_class(word)}

    def word_classes(self, word: str) -> tuple[str, ...]:
        """The classes of a word; figures are ``<num>``, four figures from 1900 to 2099 are ``<year>`` too."""
        if word[0].isdigit():
            if word.isdecimal() and len(word) == 4 and word[:2] in ("19", "20"):
                return ("<year>", "<num>")
            return self.classes.get(word, ("<num>",))
        found = self.classes.get(word)
        if found is not None:
            return found
        if word.endswith("ly"):
            return _ADVERB if len(word) > _SHORT_ADVERB else ()
        return _SURGERY if word.endswith(SURGICAL) else ()

    def _root(self) -> _State:
        if self._start is None:
            self._start = _State(self._edges[0], ())
        return self._start

    def may_begin(self, word: str) -> bool:
        """Whether some cue begins with the word."""
        edges = self._root().edges
        return word in edges or any(name in edges for name in self.word_classes(word))

    def may_open(self, word: str) -> bool:
        """Whether some cue written with ``^`` begins with the word."""
        start = self._step(self._root(), "^") if "^" in self._root().edges else None
        return start is not None and self._step(start, word) is not None

    def among(self, words: list[str], at: list[int]) -> list[int]:
        """Those positions, at which a cue may begin by its first word, whose next word goes on with one."""
        root = self._root()
        states = root.by_word
        last = len(words) - 1
        out = []
        for index in at:
            word = words[index]
            state = states[word] if word in states else self._step(root, word)
            if state is None:
                continue
            if not state.accept:
                if index == last:
                    continue
                word = words[index + 1]
                by_word = state.by_word
                if (by_word[word] if word in by_word else self._step(state, word)) is None:
                    continue
            out.append(index)
        return out

    def reach(self, word: str, after: str | None) -> int:
        """How far cues that begin with a word get with the one after it.

        1 where one ends with either, 2 where none does but one goes on further, else 0.
        """
        state = self._step(self._root(), word)
        if state is None or state.accept:
            return int(state is not None)
        state = self._step(state, after) if after is not None else None
        return 0 if state is None else 1 if state.accept else 2

    def standing(self, words: list[str], at: list[int]) -> list[bool]:
        """For each of some positions, whether a cue stands there, wherever its sentence ends."""
        root, size = self._root(), len(words)
        out = []
        for index in at:
            state: _State | None = root
            while index < size and state is not None and not state.accept:
                word = words[index]
                by_word = state.by_word
                state = by_word[word] if word in by_word else self._step(state, word)
                index += 1
            out.append(state is not None and state.accept != ())
        return out

    def longest(
        self, words: list[str], begin: int, stop: int, *, first: bool = False
    ) -> tuple[int, tuple[Modifier, ...]] | None:
        """The longest cue at ``begin`` that ends before ``stop``: its end and modifiers.

        Where rows of several directions match the same words, a pseudo cue hides the others of its flags and
        comes first. ``first`` says
        that a sentence begins here, so that cues written with ``^`` hold.
        """
        root = self._start or self._root()
        state: _State | None = root
        accepting: _State | None = None
        index, end = begin, begin
        while index < stop:
            word = words[index]
            try:
                state = state.by_word[word]  # type: ignore[union-attr]
            except KeyError:
                state = self._step(state, word)  # type: ignore[arg-type]
            if state is None:
                break
            index += 1
            if state.accept:
                accepting, end = state, index
        best = (end, accepting.accept) if accepting is not None else None
        if first:
            anchored = self._anchored(words, begin, stop)
            if anchored is not None and (best is None or anchored[0] >= best[0]):
                return anchored
        return best

    def _anchored(self, words: list[str], begin: int, stop: int) -> tuple[int, tuple[Modifier, ...]] | None:
        """The longest cue written with ``^`` at ``begin``."""
        best: tuple[int, tuple[Modifier, ...]] | None = None
        state = self._step(self._root(), "^") if "^" in self._root().edges else None
        for index in range(begin, stop):
            if state is None:
                break
            state = self._step(state, words[index])
            if state is not None and state.accept:
                best = (index + 1, state.accept)
        return best

    def endings(self, words: list[str], begin: int, stop: int) -> tuple[int, Ending] | None:
        """All rows that match at ``begin``, long and short, together; a longest pseudo cue hides them all."""
        state: _State | None = self._start or self._root()
        index = end = begin
        found: Ending | None = None
        while index < stop:
            word = words[index]
            try:
                state = state.by_word[word]  # type: ignore[union-attr]
            except KeyError:
                state = self._step(state, word)  # type: ignore[arg-type]
            if state is None:
                break
            index += 1
            if state.ending is not None:
                end = index
                hides = found is None or state.ending.direction == "pseudo"
                found = state.ending if hides else found.with_longer(state.ending)  # type: ignore[union-attr]
        return (end, found) if found is not None else None

    def _step(self, state: _State, word: str) -> _State | None:
        """The state after one more word: remembered for words of cues, and for others while there is room."""
        if word in state.by_word:
            return state.by_word[word]
        edges = state.edges
        known = word in edges
        found: _State | None = None
        if known or state.open:
            names = tuple(name for name in self.word_classes(word) if name in edges)
            if state.any and word[0].isalnum():
                names = (*names, "<any>")
            if state.other and word[0].isalnum() and word not in _NAMING:
                names = (*names, "<other>")
            if known:
                names = (word, *names)
            if names:
                nodes = tuple(sorted({node for name in names for node in edges[name]}))
                found = self._states.get(nodes)
                if found is None:
                    found = self._states[nodes] = self._state(nodes)
        if not known:
            if self._room <= 0:
                self._forget()
            self._room -= 1
        state.by_word[word] = found
        return found

    def _forget(self) -> None:
        """Forget the steps over words that no cue names, so that there is room for others."""
        for state in (self._root(), *self._states.values()):
            edges = state.edges
            state.by_word = {word: after for word, after in state.by_word.items() if word in edges}
        self._room = self._most

    def _state(self, nodes: tuple[int, ...]) -> _State:
        if len(nodes) == 1:
            return _State(self._edges[nodes[0]], _prefer_pseudo(self._accept[nodes[0]]))
        edges: dict[str, list[int]] = {}
        accept: tuple[Modifier, ...] = ()
        for node in nodes:
            for word, targets in self._edges[node].items():
                edges.setdefault(word, []).extend(targets)
            accept += self._accept[node]
        return _State(edges, _prefer_pseudo(accept))


def _options(expression: str, begin: int) -> tuple[list[str] | None, int]:
    """The alternatives of the bracket at ``begin`` and the index behind it; None where it has none."""
    depth = 0
    options: list[str] = []
    first = begin + 1
    for index in range(begin, len(expression)):
        char = expression[index]
        if char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if depth == 0:
                options.append(expression[first:index])
                return (options if len(options) > 1 else None), index + 1
        elif char == "|" and depth == 1:
            options.append(expression[first:index])
            first = index + 1
    return None, begin + 1


def is_class(token: str) -> bool:
    """Whether a token of a cue names a class of words, ``<member>``."""
    return len(token) > 2 and token[0] == "<" and token[-1] == ">"


def _prefer_pseudo(modifiers: tuple[Modifier, ...]) -> tuple[Modifier, ...]:
    """Without repetition, pseudo cues first; they hide the others of their flags."""
    kept = tuple(dict.fromkeys(modifiers))
    pseudo = tuple(modifier for modifier in kept if modifier.direction == "pseudo")
    if not pseudo:
        return kept
    hidden = 0
    for modifier in pseudo:
        hidden |= modifier.mask
    others = (modifier for modifier in kept if modifier.direction != "pseudo")
    return (*pseudo, *(modifier for modifier in others if not modifier.mask & hidden))
