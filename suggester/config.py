"""Settings. Unknown keys are refused; every setting has an environment name ``SUGGESTER_…``."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from suggester.errors import ConfigError
from suggester.resources import default_store_dir


class Settings(BaseSettings):
    """Everything that can be set.

    Parameters
    ----------
    store_dir
        Folder of the compiled code sets.
    model
        Name of a shipped model, or a path to a model folder.
    threshold
        Suggestions below this confidence go to the not-coded ledger.
    limit
        Most suggestions a note.
    max_note_chars
        Longer notes are refused with a ``TooLargeError``.
    """

    model_config = SettingsConfigDict(env_prefix="SUGGESTER_", extra="forbid", frozen=True)

    store_dir: Path = Field(default_factory=default_store_dir)
    model: str = "general"
    threshold: Annotated[float, Field(ge=0.0, le=1.0)] = 0.05
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    max_note_chars: Annotated[int, Field(ge=1)] = 2_000_000

    @classmethod
    def load(cls, **values: object) -> Self:
        """Settings from the environment, then ``values``.

        Raises
        ------
        ConfigError
            If a key is unknown or a value is out of range; names the setting and what is allowed.
        """
        try:
            return cls(**values)  # type: ignore[arg-type]
        except ValidationError as error:
            known = ", ".join(sorted(cls.model_fields))
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"setting {name!r}: {first['msg']}; known settings: {known}") from None

    def result_hash(self) -> str:
        """Hash of the settings that change results (not of paths), 12 hexadecimal digits."""
        text = f"{self.threshold!r} {self.limit!r}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]
