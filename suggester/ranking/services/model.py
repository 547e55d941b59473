"""The model that scores codes for lines: trees and calibration as plain arrays, hash-pinned by a card."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from suggester.errors import ModelError
from suggester.ranking.model import Calibration
from suggester.ranking.services.features import NAMES
from suggester.ranking.trees import TreeEnsemble
from suggester.resources import data_path

ARRAYS_FILE = "lines.npz"
CARD_FILE = "card.json"
FOLDER = ("models", "service_lines")


@dataclass(frozen=True, slots=True)
class LineModel:
    """One ensemble over named features and its calibration."""

    trees: TreeEnsemble
    calibration: Calibration
    card: Mapping[str, Any]

    def confidence(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated confidence of rows of features, shape ``(n, len(NAMES))`` -> ``(n,)``."""
        raw = self.trees.predict(features)
        # a trace of the raw score keeps the order inside the flat steps of the calibration
        return np.clip(self.calibration.apply(raw) + 1e-6 * np.tanh(raw / 4), 0.0, 1.0)

    def save(self, folder: Path) -> None:
        """Write arrays and card; the card gets features and hash."""
        arrays = {
            **self.trees.to_arrays("lines"),
            "calibration.raw": self.calibration.raw,
            "calibration.probability": self.calibration.probability,
        }
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
        data = buffer.getvalue()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ARRAYS_FILE).write_bytes(data)
        card = {**self.card, "features": list(NAMES), "sha256": hashlib.sha256(data).hexdigest()}
        (folder / CARD_FILE).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """The shipped model, or that of a folder.

        Raises
        ------
        ModelError
            If it cannot be read, its hash is not the card's, or its features are not those of this version.
        """
        try:
            folder = folder or data_path(*FOLDER)
            card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
            data = (folder / ARRAYS_FILE).read_bytes()
        except (OSError, ValueError) as error:
            raise ModelError(f"model of service lines: cannot be read ({type(error).__name__})") from None
        if hashlib.sha256(data).hexdigest() != card.get("sha256"):
            raise ModelError("model of service lines: its hash is not the one on its card")
        if card.get("features") != list(NAMES):
            raise ModelError("model of service lines: was made for other features; fit it again")
        with np.load(io.BytesIO(data), allow_pickle=False) as box:
            arrays = {key: box[key] for key in box.files}
        try:
            return cls(
                trees=TreeEnsemble.from_arrays(arrays, "lines"),
                calibration=Calibration(arrays["calibration.raw"], arrays["calibration.probability"]),
                card=card,
            )
        except KeyError as error:
            raise ModelError(f"model of service lines: lacks {error}") from None
