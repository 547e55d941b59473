"""Arrays of a model on disk, beside the card that holds their hash.

Arrays are a ``.npz`` read without pickle; ``card.json`` holds the SHA-256 of that file's bytes, and arrays of
another hash are refused.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from suggester.errors import ModelError

CARD_FILE: Final = "card.json"


def read_card(folder: Path, subject: str) -> dict[str, Any]:
    """The card of a folder; ``subject`` says in errors whose it is.

    Raises
    ------
    ModelError
        If it cannot be read or is not an object.
    """
    try:
        card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{subject}: its card cannot be read ({type(error).__name__})") from None
    if not isinstance(card, dict):
        raise ModelError(f"{subject}: its card is not an object")
    return card


def read_arrays(file: Path, card: Mapping[str, Any], subject: str) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name, as the card's ``sha256`` says they must be.

    Raises
    ------
    ModelError
        If the file cannot be read, or its hash is not the one on the card.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{subject}: cannot be read ({type(error).__name__})") from None
    if hashlib.sha256(data).hexdigest() != card.get("sha256"):
        raise ModelError(f"{subject}: its hash is not the one on its card; it was changed or cut")
    with np.load(io.BytesIO(data), allow_pickle=False) as box:
        return {name: box[name] for name in box.files}


def text_array(lines: Iterable[str]) -> NDArray[np.uint8]:
    """Lines as an array of bytes, which needs no pickle.

    Raises
    ------
    ValueError
        If a line holds a line end: ``lines_of`` would give more lines than were stored.
    """
    kept = list(lines)
    if any("\n" in line for line in kept):
        raise ValueError("a line to store holds a line end")
    return np.frombuffer("\n".join(kept).encode(), dtype=np.uint8)


def lines_of(stored: NDArray[np.uint8]) -> list[str]:
    """The lines of such an array."""
    text = stored.tobytes().decode()
    return text.split("\n") if text else []


def write(file: Path, arrays: Mapping[str, NDArray[Any]], card: Mapping[str, Any]) -> None:
    """Write arrays, and beside them the card with their hash; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    data = buffer.getvalue()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    full = {**card, "sha256": hashlib.sha256(data).hexdigest()}
    (file.parent / CARD_FILE).write_text(json.dumps(full, indent=2) + "\n", encoding="utf-8")
