"""What a run was made with: written when it begins, compared before it goes on, kept for comparisons."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from suggester.batch.engine import Engine
from suggester.batch.files import WholeFile, sync_folder
from suggester.errors import BatchError, ResumeError
from suggester.resources import data_path
from suggester.version import __version__

__all__ = ["MANIFEST_FILE", "Manifest", "identity_of"]

MANIFEST_FILE = "manifest.json"
FORMAT = 1


def identity_of(engine: Engine) -> dict[str, str]:
    """What decides an engine's answers, by name: version, model, code sets, settings. Values are short.

    An engine that is not ours says who it is by its ``identity`` (a mapping), or else by its class.
    """
    told = getattr(engine, "identity", None)
    if isinstance(told, Mapping):
        return {str(name): str(value) for name, value in told.items()}
    catalog, ranker, settings = (getattr(engine, name, None) for name in ("catalog", "ranker", "settings"))
    if catalog is None or ranker is None or settings is None:
        return {"engine": type(engine).__qualname__}
    found = {
        "version": __version__,
        "model": f"{ranker.name} {ranker.version} ({_model_hash(settings.model)})",
        "settings": f"threshold {settings.threshold:g}, limit {settings.limit}, {settings.result_hash()}",
        "longest note": str(settings.max_note_chars),
    }
    for store in catalog.stores:
        release = store.release
        key = hashlib.sha256(str(store.file_key).encode()).hexdigest()[:12]
        found[f"codes {release.system} {release.id}"] = key
    return found


def _model_hash(name: str) -> str:
    """Hash of the cards of a model, which pin its arrays, and of the model of single lines."""
    # Imported here so that a process that only hands out work does not wait for it.
    from suggester.pinned import CARD_FILE
    from suggester.ranking.learning.models import CURRENT_FILE, VERSIONS_FOLDER, current_version
    from suggester.ranking.model import shipped_models

    folder = Path(name)
    if name not in shipped_models() and (folder / CURRENT_FILE).is_file():
        version = current_version(folder)
        name = version if version in shipped_models() else str(folder / VERSIONS_FOLDER / version)
    folder = data_path("models", name) if name in shipped_models() else Path(name)
    digest = hashlib.sha256()
    for card in (folder / CARD_FILE, data_path("models", "service_lines") / CARD_FILE):
        digest.update(card.read_bytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a run was made with.

    ``engine`` comes from ``identity_of``; ``options`` are those of the run that change what is in a part.
    """

    engine: Mapping[str, str]
    options: Mapping[str, str]

    @property
    def key(self) -> str:
        """Hash of engine and options, part of the key of every shard."""
        text = json.dumps([FORMAT, sorted(self.engine.items()), sorted(self.options.items())])
        return hashlib.sha256(text.encode()).hexdigest()

    def check(self, now: Self) -> None:
        """Refuse to go on with ``now`` what this manifest began.

        Raises
        ------
        ResumeError
            Names everything that differs.
        """
        found = []
        for mine, theirs in ((self.engine, now.engine), (self.options, now.options)):
            for name in sorted({*mine, *theirs}):
                was, is_now = mine.get(name, "absent"), theirs.get(name, "absent")
                if was != is_now:
                    found.append(f"{name}: it was {was}, it is {is_now}")
        if found:
            raise ResumeError(tuple(found))

    def to_record(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "format": FORMAT,
            "engine": dict(sorted(self.engine.items())),
            "options": dict(sorted(self.options.items())),
        }

    def write(self, path: Path) -> None:
        """Write it whole, durably."""
        with WholeFile(path) as file:
            file.write_line(json.dumps(self.to_record(), indent=1, ensure_ascii=False))
            file.publish()
        sync_folder(path.parent)

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read what ``write`` wrote.

        Raises
        ------
        BatchError
            If it is not there, damaged, or of another format.
        """
        try:
            data = json.loads(path.read_bytes())
            if data["format"] != FORMAT:
                raise BatchError(
                    f"{path.name} is of another version of Suggester; start anew without --resume"
                )
            return cls(
                engine=dict(data["engine"]),
                options=dict(data["options"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            raise BatchError(f"{path.name} of the unfinished run cannot be read; start anew") from None
