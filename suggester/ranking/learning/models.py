"""Learned models on disk: a folder of versions, and a pointer to the one in use.

``MODEL/versions/001/{model.npz,card.json}`` … and ``MODEL/current``, one line: a version, or the name of a
shipped model where what was learned is set aside. Earlier versions stay; ``use`` takes one back. Arrays are
read without pickle and refused if their hash is not the card's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from suggester.errors import ModelError
from suggester.pinned import CARD_FILE, read_arrays, read_card, write
from suggester.ranking.learning.judges import GeneralJudge, Judge, LocalJudge
from suggester.ranking.learning.learned import Learned
from suggester.ranking.learning.notes import NAMES as STAGE_TWO
from suggester.ranking.learning.pairs import NAMES as STAGE_ONE
from suggester.ranking.model import ARRAYS_FILE, Ranker, shipped_models
from suggester.types import SYSTEMS

FORMAT = "suggester-learned-2"
CURRENT_FILE = "current"
VERSIONS_FOLDER = "versions"


def load_judge(name: str) -> Judge:
    """A judge by the name of a shipped model, a folder of versions, or the folder of one model.

    Raises
    ------
    ModelError
        If there is no such model, its hash is not the card's, or it was made by another version.
    """
    folder = Path(name)
    if name not in shipped_models() and (folder / CURRENT_FILE).is_file():
        return load_judge_in(folder)
    if name not in shipped_models() and _format(folder) == FORMAT:
        return _load_local(folder)
    return GeneralJudge(Ranker.load(name))


def load_judge_in(folder: Path) -> Judge:
    """The judge in use in a folder of versions."""
    current = current_version(folder)
    if current in shipped_models():
        return GeneralJudge(Ranker.load(current))
    return _load_local(folder / VERSIONS_FOLDER / current)


def current_version(folder: Path) -> str:
    """The version in use.

    Raises
    ------
    ModelError
        If the folder has no pointer, or it points nowhere.
    """
    try:
        current = (folder / CURRENT_FILE).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise ModelError(
            f"{folder.name}: not a folder of learned models; `suggester train` makes one"
        ) from None
    if current not in {*versions(folder), *shipped_models()}:
        raise ModelError(f"{folder.name}: its version in use {current[:20]!r} is missing; {_choices(folder)}")
    return current


def versions(folder: Path) -> list[str]:
    """Versions that a folder holds, oldest first."""
    return sorted(path.parent.name for path in (folder / VERSIONS_FOLDER).glob(f"*/{CARD_FILE}"))


def use(folder: Path, version: str) -> None:
    """Make a version the one in use; the name of a shipped model sets aside what was learned.

    Raises
    ------
    ModelError
        If there is no such version; lists those that are.
    """
    if version not in {*versions(folder), *shipped_models()}:
        raise ModelError(f"{folder.name}: no version {version[:20]!r}; {_choices(folder)}")
    temporary = folder / f".{CURRENT_FILE}.tmp"
    temporary.write_text(version + "\n", encoding="utf-8")
    temporary.replace(folder / CURRENT_FILE)


def card(folder: Path, version: str) -> dict[str, Any]:
    """The card of a version."""
    place = folder / VERSIONS_FOLDER / version
    return read_card(place, f"model {place.name}")


def save(folder: Path, learned: Learned, about: dict[str, Any], *, in_use: bool = True) -> str:
    """Write a new version beside the others. Returns its name."""
    number = max((int(name) for name in versions(folder) if name.isdigit()), default=0) + 1
    version = f"{number:03d}"
    place = folder / VERSIONS_FOLDER / version
    about = {
        "format": FORMAT,
        "name": folder.name,
        "version": version,
        **about,
        "columns": {"stage_one": list(STAGE_ONE), "stage_two": list(STAGE_TWO)},
    }
    # the card comes last: a version without one does not exist
    write(place / ARRAYS_FILE, learned.to_arrays(), about)
    if in_use:
        use(folder, version)
    return version


def _load_local(folder: Path) -> LocalJudge:
    subject = f"model {folder.name}"
    about = read_card(folder, subject)
    arrays = read_arrays(folder / ARRAYS_FILE, about, subject)
    columns = {"stage_one": list(STAGE_ONE), "stage_two": list(STAGE_TWO)}
    if about.get("format") != FORMAT or about.get("columns") != columns:
        raise ModelError(f"{subject}: was made by another version of Suggester; train it again")
    general = Ranker.load(about["general"]["name"])
    if general.card["sha256"] != about["general"]["sha256"]:
        raise ModelError(f"{subject}: was learned on top of another general model; train it again")
    return LocalJudge(
        name=about["name"],
        version=about["version"],
        general=GeneralJudge(general),
        learned=Learned.from_arrays(arrays),
        systems=frozenset(system for system in SYSTEMS if system in about["systems"]),
        unit=about["unit"],
        research=bool(about["research"]),
        card=about,
    )


def _format(folder: Path) -> object:
    if not (folder / CARD_FILE).is_file():
        return None
    return read_card(folder, f"model {folder.name}").get("format")


def _choices(folder: Path) -> str:
    return f"versions: {', '.join(versions(folder)) or 'none'}; shipped models: {', '.join(shipped_models())}"
