"""Where the data that ships with Suggester lies: in the checkout, or inside the installed wheel."""

from __future__ import annotations

from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).resolve().parent
_BUNDLE = _PACKAGE / "_bundle"
_CHECKOUT = _PACKAGE.parent


def in_checkout() -> bool:
    """Whether the package runs from a source checkout (editable install) and not from a wheel."""
    return not _BUNDLE.is_dir() and (_CHECKOUT / "codesets" / "releases.toml").is_file()


def data_path(*parts: str) -> Path:
    """Path of shipped data, ``data_path("codesets", "lexicon")`` say.

    Raises
    ------
    FileNotFoundError
        If the installation does not hold it.
    """
    for root in (_BUNDLE, _CHECKOUT):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise FileNotFoundError(f"shipped data {'/'.join(parts)} is not part of this installation")


def default_store_dir() -> Path:
    """Where compiled code sets are kept: ``codesets/built`` in a checkout, else the user's data folder."""
    if in_checkout():
        return _CHECKOUT / "codesets" / "built"
    return Path(platformdirs.user_data_dir("suggester")) / "codesets"


def default_review_dir() -> Path:
    """Where the review store is kept: the user's data folder, never the checkout."""
    return Path(platformdirs.user_data_dir("suggester")) / "review"
