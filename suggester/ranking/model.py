"""The ranker as it is shipped: tree ensembles and calibration as plain arrays, hash-pinned by a card.

A model is a folder with ``model.npz`` (read without pickle) and ``card.json``: what it was fitted on, its
figures, its limits, and the SHA-256 of the arrays. A model whose hash is not the card's is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from suggester.errors import ModelError
from suggester.pinned import CARD_FILE, read_arrays, read_card, write
from suggester.pipeline.reading import Reading
from suggester.ranking.bench import Bench
from suggester.ranking.describing import COLUMNS, HEADS, Head, described
from suggester.ranking.features import Described
from suggester.ranking.support import CodeSupport
from suggester.ranking.trees import TreeEnsemble
from suggester.ranking.usage import Usage
from suggester.resources import data_path
from suggester.types import Setting

_CENTRAL = "central"

ARRAYS_FILE = "model.npz"


@dataclass(frozen=True, slots=True)
class Calibration:
    """A monotone map from raw scores to probabilities, linear between knots."""

    raw: NDArray[np.float64]
    probability: NDArray[np.float64]

    def apply(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities in [0, 1] for raw scores."""
        return np.interp(raw, self.raw, self.probability)


@dataclass(frozen=True, slots=True)
class Ranker:
    """One ensemble and its calibration for each head (diagnoses; procedures, drugs and supplies).

    ``central`` scores how much a note is about a diagnosis; codes are shown in its order. ``usage`` is what
    coded practice notes tell of codes and words.
    """

    name: str
    version: str
    trees: Mapping[Head, TreeEnsemble]
    calibration: Mapping[Head, Calibration]
    central: TreeEnsemble
    usage: Mapping[Head, Usage]
    card: Mapping[str, Any]

    def described(
        self, bench: Bench, reading: Reading, candidates: Sequence[CodeSupport], *, setting: Setting | None
    ) -> list[tuple[Head, Described]]:
        """What it looks at for each candidate, by head."""
        return described(bench, reading, candidates, usage=self.usage, setting=setting)

    def confidence(self, head: Head, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated confidence of rows of features, shape ``(n, len(COLUMNS))`` -> ``(n,)``."""
        raw = self.trees[head].predict(features)
        # a trace of the raw score keeps the order inside the flat steps of the calibration
        chance = self.calibration[head].apply(raw) + 1e-6 * np.tanh(raw / 4)
        bounded: NDArray[np.float64] = np.minimum(np.maximum(chance, 0.0), 1.0)
        return bounded

    def centrality(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """How likely diagnoses are what the note is about: ``(n, len(COLUMNS))`` -> ``(n,)``, in (0, 1)."""
        scores: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-self.central.predict(features)))
        return scores

    def save(self, folder: Path) -> None:
        """Write arrays and card; the card gets name, version, features and hash."""
        arrays: dict[str, NDArray[Any]] = {}
        for head in HEADS:
            arrays.update(self.trees[head].to_arrays(head))
            arrays[f"{head}.calibration.raw"] = self.calibration[head].raw
            arrays[f"{head}.calibration.probability"] = self.calibration[head].probability
            arrays.update(self.usage[head].to_arrays(f"{head}.usage"))
        arrays.update(self.central.to_arrays(_CENTRAL))
        about = {"name": self.name, "version": self.version, "features": list(COLUMNS)}
        write(folder / ARRAYS_FILE, arrays, {**self.card, **about})

    @classmethod
    def load(cls, name: str) -> Self:
        """A shipped model by name, or a model folder by path.

        Raises
        ------
        ModelError
            If there is no such model (lists the shipped ones), its hash is not the card's, or its features
            are not those of this version.
        """
        folder = _folder(name)
        subject = f"model {folder.name}"
        card = read_card(folder, subject)
        arrays = read_arrays(folder / ARRAYS_FILE, card, subject)
        if card.get("features") != list(COLUMNS):
            raise ModelError(f"{subject}: was made for other features; train it again")
        try:
            return cls._of(card, arrays)
        except KeyError as error:
            raise ModelError(f"{subject}: lacks {error}; it was made by another version") from None
        except ValueError as error:
            raise ModelError(f"{subject}: its arrays do not belong together: {error}") from None

    @classmethod
    def _of(cls, card: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        return cls(
            name=card["name"],
            version=card["version"],
            trees={head: TreeEnsemble.from_arrays(arrays, head) for head in HEADS},
            calibration={
                head: Calibration(
                    arrays[f"{head}.calibration.raw"], arrays[f"{head}.calibration.probability"]
                )
                for head in HEADS
            },
            central=TreeEnsemble.from_arrays(arrays, _CENTRAL),
            usage={head: Usage.from_arrays(arrays, f"{head}.usage") for head in HEADS},
            card=card,
        )


def shipped_models() -> list[str]:
    """Names of the models that ship with this installation."""
    return sorted(path.parent.name for path in data_path("models").glob(f"*/{ARRAYS_FILE}"))


def _folder(name: str) -> Path:
    shipped = shipped_models()
    if name in shipped:
        return data_path("models", name)
    path = Path(name)
    if (path / CARD_FILE).is_file():
        return path
    raise ModelError(
        f"no model {path.name!r}; shipped: {', '.join(shipped) or 'none'}; or give a model folder"
    )
