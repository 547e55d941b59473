"""Compile the term index over one release of each system: titles and notes, our lexicons, imported words."""

from __future__ import annotations

import gc
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.compiling import expand_short
from suggester.codesets.container import FORMAT, ragged, write_container
from suggester.codesets.lexicon import Lexicon, PhraseRow
from suggester.codesets.phrases import PhraseKind, PhraseSet
from suggester.codesets.store import ReleaseStore
from suggester.codesets.terms import BILATERAL, SIDE_UNSPECIFIED, SIDE_WORDS, SIDES, Source, Target
from suggester.codesets.terms_builder import TermBuilder, patterns_of, rewrites_of, senses_of
from suggester.codesets.words import NEUTRAL, and_parts, title_variants, words
from suggester.errors import LexiconError, UnknownCodeError

_SOURCE_OF: dict[PhraseKind, Source] = {
    "index": Source.INDEX,
    "table": Source.INDEX_TABLE,
    "synonyms": Source.SYNONYM,
    "chargemaster": Source.CHARGE,
}

_NEGATING = frozenset(
    ("not", "no", "without", "unable", "cannot", "can't", "never", "lack", "absent", "absence", "refuse")
) | {"negative"}
"""Words that turn a term round: a term with one of them only matches whole."""
_OTHER = re.compile(r"^other (?!and unspecified)|^(?!.*unspecified).* other (?!than )")
"""A title of what its siblings do not name: *other X*, *X of other Y*."""
_QUALIFIERS = re.compile(
    r"\b(?:non-pressure chronic|nonrheumatic|essential|primary|unilateral|idiopathic|nontraumatic)\b"
)
"""Words of titles that clinicians leave out because they are the default."""
_UNSPECIFIED_OF = re.compile(
    r"\b(?:of|in|at|with|to|on|by|from|for) unspecified \w+|^unspecified (?:part|site)\b"
)


def _icd_terms(builder: TermBuilder, store: ReleaseStore, families: NDArray[np.int32]) -> list[list[int]]:
    """Add the terms of ICD-10-CM titles and notes; returns each row's title words as ids."""
    node_words: list[list[int]] = [[] for _ in range(len(store))]
    own_sets: list[frozenset[str]] = [frozenset()] * len(store)
    others: list[tuple[str, frozenset[str], int, bool]] = []
    taken: set[tuple[str, frozenset[str]]] = set()
    parents, family_of = store.parent.tolist(), families.tolist()
    for row in store.rows_of_own_words():
        code, title = store.codes[row], store.titles[row]
        if code.startswith(("Chapter", "Block")):
            continue
        sided = family_of[row] >= 0
        variants = title_variants(title)
        bare = _UNSPECIFIED_OF.sub(" ", variants[-1][0])
        node_words[row] = [builder.id_of(w) for w in builder.content(bare) if not (sided and w in SIDE_WORDS)]
        target = family_of[row] if sided else row
        other = len(code) > 3 and _OTHER.search(title.lower()) is not None
        for phrase, kind in variants:
            stems = frozenset(w for w in builder.content(phrase) if not (sided and w in SIDE_WORDS))
            if kind == "title":
                own_sets[row] = stems
            above = parents[row]
            while above >= 0 and own_sets[above] != stems:
                above = parents[above]
            if above >= 0:
                continue  # the category's own term leads here by going down
            if other:
                others.append((phrase, stems, target, sided))
                continue
            taken.add((code[:3], stems))
            source = Source.TITLE if kind == "title" else Source.DEFAULT
            builder.add(phrase, Target.ICD10CM, target, source, sided=sided)
            for part in and_parts(phrase):
                builder.add(part, Target.ICD10CM, target, Source.PART, sided=sided)
            plain = _QUALIFIERS.sub(" ", phrase)
            if plain != phrase:
                builder.add(plain, Target.ICD10CM, target, Source.PART, sided=sided)
        for kind, source in (("inclusionTerm", Source.INCLUSION), ("includes", Source.INCLUDES)):
            for note in store.notes(row, kind):
                # as written: unlike a title, an inclusion term's "without" is not a default
                phrase, _ = title_variants(re.sub(r"\s*\([A-Z]\d[^()]*\)", "", note))[0]
                builder.add(phrase, Target.ICD10CM, target, source, sided=sided)
    for phrase, stems, target, sided in others:  # says no more than 'X' where a sibling already means X
        if (store.codes[target][:3], stems) not in taken:
            builder.add(phrase, Target.ICD10CM, target, Source.OTHER, sided=sided)
    return node_words


def _node_sides(store: ReleaseStore) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """Laterality of each row and its family.

    Returns
    -------
    sides
        0 none, 1 right, 2 left, 3 bilateral, 4 unspecified side.
    families
        The first row of those siblings whose titles differ only by side; -1 for rows in no family.
    """
    sides = np.zeros(len(store), dtype=np.int8)
    families = np.full(len(store), -1, dtype=np.int32)
    for row in store.rows_with_children():
        groups: dict[frozenset[str], list[tuple[int, int]]] = {}
        for child in store.children(row):
            if store.is_extension(child):
                break
            have = set(words(store.titles[child]))
            side = next((SIDES[w] for w in ("bilateral", "both", "right", "left") if w in have), 0)
            groups.setdefault(frozenset(have - NEUTRAL - SIDE_WORDS - {"and", "side"}), []).append(
                (child, side)
            )
        _join_bilateral(groups)
        for members in groups.values():
            if len(members) < 2 or not {1, 2} <= {side for _, side in members}:
                continue
            for child, side in members:
                sides[child] = side or SIDE_UNSPECIFIED
                families[child] = members[0][0]
    return sides, families


def _join_bilateral(groups: dict[frozenset[str], list[tuple[int, int]]]) -> None:
    """Put bilateral titles with sided ones that name the organ besides (``right eye`` and ``bilateral``)."""
    sided = {key for key, members in groups.items() if {1, 2} <= {side for _, side in members}}
    for key, members in list(groups.items()):
        if any(side != BILATERAL for _, side in members):
            continue
        longer = [k for k in sided if key < k and all(side != BILATERAL for _, side in groups[k])]
        nearest = [k for k in longer if len(k) == min(map(len, longer))]
        if len(nearest) == 1:
            groups[nearest[0]].extend(groups.pop(key))


def _icd_row(store: ReleaseStore, item: PhraseRow) -> int | None:
    """Row of a phrase's code. The lexicon is written for the embedded release; another may lack a code."""
    row = _active_row(store, item.code)
    if row is None and store.release.reader == "icd10cm-embedded":
        raise LexiconError(f"{item.where}: {item.code!r} is not a code of ICD-10-CM {store.release.id}")
    return row


def _active_row(store: ReleaseStore, code: str) -> int | None:
    """Row of a code, None if it is not active in this release."""
    try:
        return store.row(code)
    except UnknownCodeError:
        return None


def compile_terms(
    path: Path,
    *,
    icd10cm: ReleaseStore,
    cpt: ReleaseStore,
    hcpcs: ReleaseStore,
    lexicon: Lexicon,
    key: str,
    imported: Sequence[PhraseSet] = (),
) -> int:
    """Write the term index over one set of releases. Returns the number of terms.

    Parameters
    ----------
    path
        The file.
    icd10cm, cpt, hcpcs
        The releases.
    lexicon
        Our own phrases.
    key
        Key of the index.
    imported
        Phrases that the user imported. Like imported descriptors they do not change how rare a word counts
        as, so that what was found without them scores as before.

    Raises
    ------
    LexiconError
        If a lexicon phrase names a code that the embedded ICD-10-CM release does not have.
    """
    with _without_collector():
        return _compile(path, icd10cm, cpt, hcpcs, lexicon, key, imported)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Leave out the search for reference cycles: hundreds of thousands of tuples are made, and no cycle."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _compile(
    path: Path,
    icd10cm: ReleaseStore,
    cpt: ReleaseStore,
    hcpcs: ReleaseStore,
    lexicon: Lexicon,
    key: str,
    imported: Sequence[PhraseSet],
) -> int:
    builder = TermBuilder(lexicon)
    sides, families = _node_sides(icd10cm)
    for item in lexicon.icd10cm:
        found = _icd_row(icd10cm, item)
        if found is not None:
            row = int(families[found]) if families[found] >= 0 else found
            builder.add(item.phrase, Target.ICD10CM, row, Source.LEXICON)
    node_words = _icd_terms(builder, icd10cm, families)
    for store, target, rows, source in (
        (cpt, Target.CPT, lexicon.cpt, Source.CPT_LEXICON),
        (hcpcs, Target.HCPCS, lexicon.hcpcs, Source.HCPCS_LEXICON),
    ):
        for item in rows:
            found = _active_row(store, item.code)
            if found is not None:
                builder.add(item.phrase, target, found, source)
    short_words = dict(lexicon.short_words)
    plain = [expand_short(short, short_words) for short in hcpcs.shorts]
    for row, (title, short) in enumerate(zip(plain, hcpcs.shorts, strict=True)):
        if title:
            builder.add(title, Target.HCPCS, row, Source.HCPCS_SHORT)
            builder.add(short, Target.HCPCS, row, Source.HCPCS_SHORT)
    for row, drug in enumerate(lexicon.drugs):
        for name in drug.names:
            builder.add(name, Target.DRUG, row, Source.DRUG)
    names_of = {name.lower(): drug.names for drug in lexicon.drugs for name in drug.names}
    for unit in lexicon.drug_units:
        found = _active_row(hcpcs, unit.code)
        if found is not None:
            for name in (unit.drug, *names_of.get(unit.drug.lower(), ())):
                builder.add(name, Target.HCPCS, found, Source.HCPCS_DRUG)
    own = len(builder.terms)
    for row, (title, known) in enumerate(zip(hcpcs.titles, plain, strict=True)):
        if title and title != known:
            builder.add(title, Target.HCPCS, row, Source.HCPCS_SHORT)
    if cpt.labels is not None:
        for row, title in enumerate(cpt.titles):
            if title:
                builder.add(title, Target.CPT, row, Source.CPT_DESCRIPTOR)
    stores = {"ICD-10-CM": icd10cm, "CPT": cpt, "HCPCS": hcpcs}
    for phrases in imported:
        _add_imported(builder, phrases, stores, families)
    _write(path, builder, own, node_words, (sides, families), lexicon, hcpcs, key)
    return len(builder.terms)


def _add_imported(
    builder: TermBuilder, phrases: PhraseSet, stores: dict[str, ReleaseStore], families: NDArray[np.int32]
) -> None:
    """Add imported phrases; codes that a release lacks are left out."""
    source = _SOURCE_OF[phrases.kind]
    rows: dict[tuple[str, str], int | None] = {}
    for phrase in phrases:
        name = (phrase.system, phrase.code)
        if name not in rows:
            rows[name] = _active_row(stores[phrase.system], phrase.code)
        found = rows[name]
        if found is None:
            continue
        if phrase.system == "ICD-10-CM":
            sided = bool(families[found] >= 0)
            row = int(families[found]) if sided else found
            builder.add(phrase.text, Target.ICD10CM, row, source, sided=sided)
        else:
            builder.add(phrase.text, Target[phrase.system], found, source)


def _rarity(own: Counter[int], every: Counter[int], total: int, size: int) -> NDArray[np.float32]:
    """Natural-log rarity of each word among our own terms; of words that only imports have, among those."""
    counts = (own[w] or every[w] for w in range(size))
    return np.array([math.log(max(total / n, 1.0)) if n else 0.0 for n in counts], dtype=np.float32)


def _sums(idf: NDArray[np.float32], words_: NDArray[Any], pointers: NDArray[Any]) -> NDArray[np.float32]:
    """Sum of the rarities of each term's words, terms of one length at a time."""
    out = np.zeros(len(pointers) - 1, dtype=np.float32)
    counts = np.diff(pointers)
    for count in np.unique(counts[counts > 0]).tolist():
        terms = np.flatnonzero(counts == count)
        out[terms] = idf[words_[pointers[terms][:, None] + np.arange(count)]].sum(axis=1)
    return out


def _write(
    path: Path,
    builder: TermBuilder,
    own: int,
    node_words: Sequence[Sequence[int]],
    laterality: tuple[NDArray[np.int8], NDArray[np.int32]],
    lexicon: Lexicon,
    hcpcs: ReleaseStore,
    key: str,
) -> None:
    patterns = patterns_of(builder, lexicon)
    senses = senses_of(builder, lexicon, patterns)
    rewrites = rewrites_of(builder, lexicon)
    size = len(builder.vocabulary)
    keys = list(builder.terms)
    frequency = Counter(w for ids in {k[0] for k in keys} for w in ids)
    base = frequency if own == len(keys) else Counter(w for ids in {k[0] for k in keys[:own]} for w in ids)
    total = len(keys)
    idf = _rarity(base, frequency, own, size)
    negating = {builder.vocabulary[w] for w in _NEGATING if w in builder.vocabulary}
    rank = np.empty(size, dtype=np.int64)
    rank[np.lexsort((np.arange(size), -idf))] = np.arange(size)
    place = rank.tolist()
    rows = [sorted(k[0], key=place.__getitem__) for k in keys]
    anchors: list[list[int]] = [[] for _ in range(size)]
    for term, ids in enumerate(rows):
        anchors[ids[0]].append(term)
    term_ptr, term_word = ragged(rows)
    anchor_ptr, anchor_term = ragged(anchors)
    node_ptr, node_word = ragged(node_words)
    pattern_ptr, pattern_word = ragged([p for p, _ in patterns])
    expansion_ptr, expansion_word = ragged([e for _, e in patterns])
    stop_ids = [builder.vocabulary[w] for w in sorted(builder.stop | NEUTRAL) if w in builder.vocabulary]
    units = [u for u in lexicon.drug_units if _active_row(hcpcs, u.code) is not None]
    write_container(
        path,
        meta={"format": FORMAT, "key": key, "terms": total, "vocabulary": size},
        arrays={
            "idf": idf,
            "frequency": np.array([frequency[w] for w in range(size)], dtype=np.int32),
            "term_ptr": term_ptr.astype(np.int32),
            "term_word": term_word,
            "term_weight": _sums(idf, term_word, term_ptr),
            "term_target": np.array([k[1] for k in keys], dtype=np.int8),
            "term_row": np.array([k[2] for k in keys], dtype=np.int32),
            "term_whole": np.array([not negating.isdisjoint(ids) for ids in rows], dtype=np.bool_),
            "term_source": np.array([int(builder.terms[k][1]) for k in keys], dtype=np.int8),
            "anchor_ptr": anchor_ptr.astype(np.int32),
            "anchor_term": anchor_term,
            "node_ptr": node_ptr.astype(np.int32),
            "node_word": node_word,
            "node_side": laterality[0],
            "node_family": laterality[1],
            "pattern_ptr": pattern_ptr,
            "pattern_word": pattern_word,
            "expansion_ptr": expansion_ptr,
            "expansion_word": expansion_word,
            "stop_ids": np.array(stop_ids, dtype=np.int32),
        },
        strings={
            "vocabulary": list(builder.vocabulary),
            "phrases": [builder.terms[k][0] for k in keys],
            "stop_words": sorted(builder.stop | NEUTRAL),
            "senses": senses,
            "rewrites": rewrites,
            "drugs": [
                json.dumps([list(d.names), d.drug_class, d.long_term_code, list(d.treats)])
                for d in lexicon.drugs
            ],
            "drug_units": [json.dumps([u.drug, u.code, u.amount, u.unit, list(u.route)]) for u in units],
        },
    )
