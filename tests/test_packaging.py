"""What is built and what is in the repository: the wheel works elsewhere, and nothing unwanted is in."""

from __future__ import annotations

import ast
import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import suggester

ROOT = Path(__file__).resolve().parent.parent
BIG = 5_000_000
SCRIPTS = ("suggester.ui.script", "suggester.store.migrations", "suggester.__main__")
"""What Streamlit, alembic and Python run; importing them runs them."""
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(suggester.__path__, prefix="suggester.")
    if not module.name.startswith(SCRIPTS)
)


def _run(
    *command: str | Path, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, (
        f"{command[0]} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    )
    return done


# --- the wheel --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the locked build backend without network."""
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed in it, seeing the dependencies of this environment."""
    target = tmp_path_factory.mktemp("installed")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile")
    _run(*pip, "--target", target, wheel, cwd=target)
    return target


@pytest.fixture(scope="module")
def outside(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """An empty folder to run in, and an environment in which the installed wheel goes before the checkout."""
    home = tmp_path_factory.mktemp("home")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUGGESTER_", "XDG_"))}
    return home, kept | {"PYTHONPATH": str(installed), "HOME": str(home)}


def test_wheel_holds_code_sets_models_and_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    bundle = "suggester/_bundle"
    assert f"{bundle}/codesets/releases.toml" in names
    assert f"{bundle}/docs/schema/suggestions.schema.json" in names
    assert f"{bundle}/models/general/card.json" in names
    for folder in ("codesets/lexicon", "models"):
        shipped = {
            f"{bundle}/{path.relative_to(ROOT).as_posix()}"
            for path in (ROOT / folder).rglob("*")
            if path.is_file()
        }
        assert shipped
        assert shipped <= names
    assert "suggester/py.typed" in names
    version = suggester.__version__
    assert {f"suggester-{version}.dist-info/licenses/{name}" for name in ("LICENSE", "NOTICE")} <= names
    assert not [
        name for name in names if name.endswith((".store", ".pyc")) or name.startswith(("tests/", "eval/"))
    ]


def test_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    _run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, cwd=ROOT)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    unpacked = tmp_path / f"suggester-{suggester.__version__}"
    assert not (unpacked / "codesets" / "built").exists()
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=unpacked)
    (again,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(again) as second:
        assert sorted(first.namelist()) == sorted(second.namelist())


@pytest.mark.slow
def test_installed_wheel_works_outside_the_checkout(
    installed: Path, outside: tuple[Path, dict[str, str]]
) -> None:
    home, environment = outside
    where = "import suggester, suggester.resources as r; print(suggester.__file__, r.in_checkout())"
    assert _run(sys.executable, "-c", where, cwd=home, env=environment).stdout.split() == [
        str(installed / "suggester" / "__init__.py"),
        "False",
    ]
    command = installed / "bin" / "suggester"
    found = _run(command, "codesets", "search", "wheezing", cwd=home, env=environment)
    assert "R06.2" in found.stdout
    assert list(home.rglob("icd10cm-*.store")), "code sets are compiled into the user's data folder"
    note = home / "note.txt"
    note.write_text("Assessment: Wheezing. Denies chest pain.\n", encoding="utf-8")
    lines = _run(command, "suggest", "--json", note, cwd=home, env=environment).stdout.splitlines()
    (record,) = map(json.loads, lines)
    assert "R06.2" in [suggestion["code"] for suggestion in record["suggestions"]]
    assert record["run"]["version"] == suggester.__version__


# --- modules ----------------------------------------------------------------------------------------


def test_all_of_the_package_is_exact() -> None:
    assert suggester.__all__ == ["Note", "Suggestion", "Suggestions", "__version__", "load"]


@pytest.mark.parametrize("name", MODULES)
def test_all_names_what_there_is(name: str) -> None:
    module = importlib.import_module(name)
    listed = getattr(module, "__all__", [])
    assert len(listed) == len(set(listed))
    assert [item for item in listed if not hasattr(module, item)] == []


def test_import_of_the_package_is_light() -> None:
    code = "import sys, suggester; print(sorted({'spacy', 'numpy', 'sklearn', 'typer'} & set(sys.modules)))"
    assert _run(sys.executable, "-c", code, cwd=ROOT).stdout.strip() == "[]"


def test_running_imports_no_training_library() -> None:
    """Neither scikit-learn nor the packages that carry the code sets are on the hot path."""
    code = (
        "import sys, suggester.suggest, suggester.cli;"
        "print(sorted({'sklearn', 'scipy', 'simple_icd_10_cm', 'pyoce', 'lmdb'} & set(sys.modules)))"
    )
    assert _run(sys.executable, "-c", code, cwd=ROOT).stdout.strip() == "[]"


def test_imports_point_one_way() -> None:
    _run(Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache", cwd=ROOT)


def test_import_contract_would_notice_a_wrong_import(tmp_path: Path) -> None:
    """The contract is in force: a package of the same layers with one import upwards is refused."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = config["tool"]["importlinter"]["contracts"]
    assert contract["exhaustive"]
    package = tmp_path / "suggester"
    package.mkdir()
    (package / "__init__.py").touch()
    for layer in contract["layers"]:
        (package / f"{layer}.py").touch()
    (package / "types.py").write_text("from suggester import cli\n", encoding="utf-8")
    settings = json.dumps(contract["layers"])
    (tmp_path / "pyproject.toml").write_text(
        '[tool.importlinter]\nroot_package = "suggester"\n[[tool.importlinter.contracts]]\nname = "x"\n'
        f'type = "layers"\ncontainers = ["suggester"]\nexhaustive = true\nlayers = {settings}\n',
        encoding="utf-8",
    )
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "suggester.types -> suggester.cli" in done.stdout


# --- one place for each fact ------------------------------------------------------------------------


def test_version_stands_in_one_place() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in config["project"]["dynamic"]
    assert config["tool"]["hatch"]["version"]["path"] == "suggester/version.py"
    tree = ast.parse((ROOT / "suggester" / "version.py").read_text(encoding="utf-8"))
    values = [node.value for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    assert [ast.literal_eval(value) for value in values] == [suggester.__version__]
    assigned = [
        path.name
        for path in (ROOT / "suggester").rglob("*.py")
        if re.search(r"^__version__ *=", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    ]
    assert assigned == ["version.py"]


def test_changelog_has_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.+?)\]", changelog, flags=re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert headings[1] == suggester.__version__


def _locked(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", text, flags=re.MULTILINE))


def test_locks_agree_and_hold_every_requirement() -> None:
    run, test = _locked("requirements.lock"), _locked("requirements-test.lock")
    assert run.items() <= test.items()
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = config["dependency-groups"]
    for wanted, lock in (
        (config["project"]["dependencies"] + groups["build"], run),
        (groups["test"], test),
    ):
        names = {
            re.sub(r"[-_.]+", "-", re.split(r"[<>=~! \[]", requirement)[0]).lower() for requirement in wanted
        }
        assert names <= lock.keys()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_locks_hold_hashes_and_nothing_of_a_machine(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert lines
    for line in lines:
        assert re.fullmatch(r"[a-z0-9._-]+==\S+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line), line


# --- the repository ---------------------------------------------------------------------------------


def _repository() -> list[Path]:
    """Files in git, or on their way there."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = _run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def _texts() -> list[tuple[str, str]]:
    found = []
    for path in _repository():
        data = path.read_bytes()
        if b"\0" not in data[:8192]:
            found.append((path.relative_to(ROOT).as_posix(), data.decode("utf-8", errors="replace")))
    assert found
    return found


def _registry_hosts() -> set[str]:
    """Names of package indexes: the public one, and those that this machine's settings name."""
    public = "py" + "pi"
    hosts = {f"{public}.org", "files." + "python" + "hosted.org"}
    settings = [value for name, value in os.environ.items() if re.match(r"(PIP|UV|NPM)_", name)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    for host in re.findall(r"https?://(?:[^/@\s'\"]*@)?([^/:\s'\"]+)", "\n".join([*settings, done.stdout])):
        if "." in host and not re.fullmatch(r"[\d.]+", host):
            hosts.add(host)
    return hosts


def test_repository_holds_no_big_file() -> None:
    assert [path.name for path in _repository() if path.stat().st_size > BIG] == []


def test_repository_names_no_registry_host() -> None:
    hosts = _registry_hosts()
    assert [(name, host) for name, text in _texts() for host in hosts if host in text] == []


def test_repository_holds_no_path_of_a_machine() -> None:
    pattern = re.compile(r"(?<![\w.)}$])/(?:work|root|farm|home|Users)/[a-z.]")
    assert [(name, found[0]) for name, text in _texts() if (found := pattern.search(text))] == []


def test_repository_holds_no_local_or_built_file() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in _repository()}
    assert not names & {".venv", "out", "dist", ".hypothesis", ".import_linter_cache"}
    assert not [path for path in _repository() if path.suffix in (".store", ".pyc")]
