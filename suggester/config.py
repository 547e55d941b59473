"""Settings. Unknown keys are refused; every setting has an environment name ``SUGGESTER_…``."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from suggester.errors import ConfigError
from suggester.resources import default_review_dir, default_store_dir


def _listed(value: object) -> object:
    """Words with commas between, as an environment variable gives them, as a tuple."""
    if isinstance(value, str):
        return tuple(part for part in (word.strip() for word in value.split(",")) if part)
    return value


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
    review_dir
        Folder of the review store, its key and the anchors of its audit trail.
    database_url
        The review store as ``postgresql+psycopg://…`` or ``sqlite:///…``; None is ``review.sqlite`` in
        ``review_dir``.
    database_key_file
        File with the passphrase of an encrypted SQLite store (needs the extra ``sqlcipher``).
    audit_key_file
        File with the key of the audit trail, mode 0600; None is ``audit.key`` in ``review_dir``.
    audit_anchor_file
        Append-only file with the heads of the audit trail, best on another disk; None is ``audit.anchor`` in
        ``review_dir``.
    session_idle_minutes
        A session without activity ends after so many minutes.
    session_hours
        Every session ends after so many hours.
    lease_minutes
        A note that was taken is free again after so many minutes without a heartbeat.
    planted_share
        Share of imported notes that get one known-wrong suggestion, to see whether coders look.
    rules_off
        Ids of rules that are switched off, with commas between.
    rules_file
        Python file with the site's own rules; it is run, so only the owner of the machine may name it.
    profile_file
        TOML file that says who bills whom, for the claim page; None lets people upload theirs.
    fees_file
        CSV file with the fee schedule, for the claim page; None lets people upload theirs.
    proxy_header
        Name of the header in which a proxy on this machine gives the name of who signed in; empty is off.
    """

    model_config = SettingsConfigDict(
        env_prefix="SUGGESTER_", env_ignore_empty=True, extra="forbid", frozen=True
    )

    store_dir: Path = Field(default_factory=default_store_dir)
    model: str = "general"
    threshold: Annotated[float, Field(ge=0.0, le=1.0)] = 0.05
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    max_note_chars: Annotated[int, Field(ge=1)] = 2_000_000
    review_dir: Path = Field(default_factory=default_review_dir)
    database_url: Annotated[str | None, Field(repr=False)] = None
    database_key_file: Path | None = None
    audit_key_file: Path | None = None
    audit_anchor_file: Path | None = None
    session_idle_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 15
    session_hours: Annotated[int, Field(ge=1, le=24 * 7)] = 12
    lease_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 15
    planted_share: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    rules_off: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = ()
    rules_file: Path | None = None
    profile_file: Path | None = None
    fees_file: Path | None = None
    proxy_header: str = ""

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
        if self.rules_off or self.rules_file:
            own = self.rules_file.read_bytes() if self.rules_file else b""
            text += f" {sorted(self.rules_off)!r} {hashlib.sha256(own).hexdigest()}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]
