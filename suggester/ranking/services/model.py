"""The model that scores codes for lines: trees and calibration as plain arrays, hash-pinned by a card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from suggester.errors import ModelError
from suggester.pinned import read_arrays, read_card, write
from suggester.ranking.model import Calibration
from suggester.ranking.services.features import NAMES
from suggester.ranking.trees import TreeEnsemble
from suggester.resources import data_path

ARRAYS_FILE = "lines.npz"
FOLDER = ("models", "service_lines")
_SUBJECT = "model of service lines"


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
        write(folder / ARRAYS_FILE, arrays, {**self.card, "features": list(NAMES)})

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """The shipped model, or that of a folder.

        Raises
        ------
        ModelError
            If it cannot be read, its hash is not the card's, or its features are not those of this version.
        """
        folder = folder or data_path(*FOLDER)
        card = read_card(folder, _SUBJECT)
        arrays = read_arrays(folder / ARRAYS_FILE, card, _SUBJECT)
        if card.get("features") != list(NAMES):
            raise ModelError(f"{_SUBJECT}: was made for other features; fit it again")
        try:
            return cls(
                trees=TreeEnsemble.from_arrays(arrays, "lines"),
                calibration=Calibration(arrays["calibration.raw"], arrays["calibration.probability"]),
                card=card,
            )
        except KeyError as error:
            raise ModelError(f"{_SUBJECT}: lacks {error}") from None
