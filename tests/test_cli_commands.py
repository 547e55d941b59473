from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from test_batch_fakes import CANARY, FakeEngine
from typer.testing import CliRunner

from suggester.cli import main
from suggester.config import Settings
from suggester.contract import to_json_line
from suggester.errors import NoReleaseError, StoreMissingError, UnknownCodeError
from suggester.types import Code, Note, Suggestions

runner = CliRunner()
COMMANDS = [
    [],
    ["suggest"],
    ["batch"],
    ["evaluate"],
    ["codesets"],
    ["codesets", "build"],
    ["codesets", "list"],
    ["codesets", "search"],
    ["codesets", "show"],
]


def call(*arguments: object, stdin: bytes | None = None):  # type: ignore[no-untyped-def]
    return runner.invoke(main, [str(argument) for argument in arguments], input=stdin)


class Remembering(FakeEngine):
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.notes: list[Note] = []

    def suggest(self, note: Note) -> Suggestions:
        self.notes.append(note)
        return super().suggest(note)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> list[Remembering]:
    """Stand in for the engine; the list holds those that were loaded."""
    loaded: list[Remembering] = []

    def load(settings: Settings) -> Remembering:
        loaded.append(Remembering(settings))
        return loaded[-1]

    fake = types.ModuleType("suggester.suggest")
    fake.load = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "suggester.suggest", fake)
    return loaded


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.txt"
    path.write_bytes(
        b"Assessment:\r\nStable today. Type 2 diabetes without complication. Needs a wheelchair.\r\n"
    )
    return path


# --- help -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_and_option_has_help(command: list[str]) -> None:
    result = call(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout
    assert len(result.stdout.splitlines()) > 4
    import typer.main

    found = typer.main.get_command(main)
    for name in command:
        found = found.commands[name]  # type: ignore[attr-defined]
    assert found.help
    for parameter in found.params:
        assert getattr(parameter, "help", None), (command, parameter.name)


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    script = (
        "import sys\nfrom suggester.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'spacy', 'numpy', 'sklearn', 'pydantic', 'rich.table', 'suggester.suggest'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, cwd=Path(__file__).parent.parent
    )


def test_no_command_and_wrong_usage_exit_with_2(tmp_path: Path, note: Path) -> None:
    for arguments in (
        ["nonsense"],
        ["suggest"],
        ["suggest", tmp_path / "gone.txt"],
        ["suggest", note, "--threshold", "1.5"],
        ["suggest", note, "--limit", "0"],
        ["suggest", note, "--service-date", "04/05/2026"],
        ["suggest", note, "--setting", "moon"],
        ["batch", note],
        ["batch", tmp_path / "gone.jsonl", "-o", "x"],
        ["batch", note, "-o", tmp_path / "gone" / "out.jsonl"],
        ["batch", note, "-o", "x", "--workers", "0"],
        ["codesets", "search"],
        ["evaluate"],
    ):
        result = call(*arguments)
        assert result.exit_code == 2, arguments
        assert result.stdout == ""
        assert result.stderr


def test_version() -> None:
    from suggester.version import __version__

    assert call("--version").stdout == f"{__version__}\n"


# --- suggest ----------------------------------------------------------------------------------------


def test_suggest_shows_what_a_coder_needs(note: Path, engine: list) -> None:
    result = call("suggest", note)
    assert result.exit_code == 0
    assert result.stderr == ""
    out = result.stdout
    for words in ("ICD-10-CM", "E11.9", "title of diabetes", "75%", "HCPCS", "K0001", "42%"):
        assert words in out
    # The words in their sentence, the sentence alone.
    assert "Type 2 [diabetes] without complication." in out
    assert "Stable today" not in out
    assert "warning: check it (E10.9)" in out
    assert "negated (1): A (no)" in out
    assert "\x1b" not in out


def test_suggest_takes_several_sources_and_goes_on_after_a_bad_one(
    tmp_path: Path, note: Path, engine: list
) -> None:
    lines = tmp_path / "in.jsonl"
    lines.write_text(f'{{"id":"a","text":"cough"}}\n{CANARY}\n{{"id":"b","text":"RAISE {CANARY}"}}\n')
    odd = tmp_path / "note.pdf"
    odd.write_text("x")
    result = call("suggest", "--json", odd, lines, note)
    assert result.exit_code == 1
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["a", "note"]
    errors = result.stderr.splitlines()
    assert errors[0].startswith("error: note.pdf: not a PDF")
    assert errors[1].startswith("error: in.jsonl:2: not valid JSON")
    assert errors[2].startswith("error: b: ValueError at ")
    assert len(errors) == 3
    assert "Zachariah" not in result.stderr


def test_suggest_json_is_the_contract(note: Path, engine: list) -> None:
    result = call("suggest", "--json", note)
    text = note.read_bytes().decode()
    assert (
        result.stdout_bytes == to_json_line(FakeEngine().suggest(Note(id="note", text=text))).encode() + b"\n"
    )


def test_suggest_reads_one_text_from_standard_input(engine: list) -> None:
    result = call("suggest", "-", stdin="Café, diabetes".encode())
    assert result.exit_code == 0
    assert engine[0].notes == [Note(id="stdin", text="Café, diabetes", source="stdin")]
    result = call("suggest", "-", stdin=b"")
    assert (result.exit_code, result.stderr) == (1, "error: stdin: the text is empty or blank\n")


def test_options_reach_the_settings_and_notes_keep_their_own(tmp_path: Path, engine: list) -> None:
    lines = tmp_path / "in.jsonl"
    lines.write_text(
        '{"id":"a","text":"x"}\n{"id":"b","text":"x","service_date":"2025-12-01","setting":"emergency"}\n'
    )
    options = ["--service-date", "2026-05-04", "--setting", "inpatient", "--model", "m", "--threshold", "0.2"]
    assert call("suggest", lines, *options, "--limit", 3).exit_code == 0
    (loaded,) = engine
    assert (loaded.settings.model, loaded.settings.threshold, loaded.settings.limit) == ("m", 0.2, 3)
    assert [(n.service_date, n.setting) for n in loaded.notes] == [
        (date(2026, 5, 4), "inpatient"),
        (date(2025, 12, 1), "emergency"),
    ]


def test_an_engine_that_cannot_be_loaded_is_one_line(note: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(settings: Settings) -> None:
        raise StoreMissingError("no compiled store; run: suggester codesets build")

    fake = types.ModuleType("suggester.suggest")
    fake.load = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "suggester.suggest", fake)
    result = call("suggest", note)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: no compiled store; run: suggester codesets build\n"


def test_an_unforeseen_error_shows_where_but_no_text(note: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(settings: Settings) -> None:
        raise RuntimeError(CANARY)

    fake = types.ModuleType("suggester.suggest")
    fake.load = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "suggester.suggest", fake)
    result = call("suggest", note)
    assert result.exit_code == 1
    assert "unforeseen RuntimeError" in result.stderr
    assert "test_cli_commands.py:" in result.stderr
    assert "Zachariah" not in result.output


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Settings.load()
    for name in ("STORE_DIR", "LIMIT", "DATABASE_URL", "RULES_OFF"):
        monkeypatch.setenv(f"SUGGESTER_{name}", "")
    assert Settings.load() == plain


def test_a_wrong_setting_in_the_environment_is_usage(
    note: Path, engine: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUGGESTER_LIMIT", "0")
    result = call("suggest", note)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: setting 'limit'")


# --- batch ------------------------------------------------------------------------------------------


def test_batch_writes_the_files_and_exits_with_1_if_a_record_failed(tmp_path: Path, engine: list) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"id":"a","text":"cough"}\nwrong\n{"id":"b","text":"visit"}\n')
    output = tmp_path / "out.jsonl"
    result = call("batch", source, "-o", output, "--threshold", "0.1", "--model", "m")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "1 of 3 records failed: see out.jsonl.errors.jsonl" in result.stderr
    assert [json.loads(line)["id"] for line in output.read_text().splitlines()] == ["a", "b"]
    assert (engine[0].settings.threshold, engine[0].settings.model) == (0.1, "m")
    result = call("batch", source, "-o", output, "--limit", 1)
    assert result.exit_code == 0
    assert not (tmp_path / "out.jsonl.errors.jsonl").exists()
    assert "1 notes" in result.stderr


def test_batch_reads_json_lines_from_standard_input(tmp_path: Path, engine: list) -> None:
    output = tmp_path / "out.jsonl"
    assert call("batch", "-", "-o", output, stdin=b'{"id":"a","text":"cough"}\n').exit_code == 0
    assert json.loads(output.read_text())["id"] == "a"


# --- code sets --------------------------------------------------------------------------------------


@dataclass
class Release:
    system: str
    id: str
    valid_from: date
    valid_to: date | None
    codes: int
    path: Path


@dataclass
class Hit:
    code: Code
    matched: str
    score: float


def code(name: str, display: str, *, billable: bool = True) -> Code:
    return Code(
        system="HCPCS" if name.startswith("K") else "ICD-10-CM",
        code=name,
        display=display,
        billable=billable,
        valid_from=date(2026, 4, 1),
        valid_to=None,
        release="2026-04-01",
    )


class Catalog:
    known = {  # noqa: RUF012
        "E11": code("E11", "Type 2 diabetes", billable=False),
        "E11.9": code("E11.9", "Type 2 diabetes, plain"),
        "K0001": code("K0001", "Wheelchair"),
    }

    def lookup(self, system: str, name: str, on: date | None = None) -> Code:
        if on is not None and on.year < 2000:
            raise NoReleaseError("no release of ICD-10-CM covers 1999-01-01; run: suggester codesets import")
        found = self.known.get(name)
        if found is None or found.system != system:
            raise UnknownCodeError(f"{system} has no code {name!r}")
        return found

    def search(
        self, query: str, *, system: str | None = None, on: date | None = None, limit: int = 20
    ) -> list:
        hits = [
            Hit(c, query, 1.0)
            for c in self.known.values()
            if query in c.display and system in (None, c.system)
        ]
        return hits[:limit]

    def notes(self, system: str, name: str, on: date | None = None) -> dict:
        return {"excludes1": (("E11", "type 1 [diabetes] (E10.-)"),)} if name == "E11.9" else {}

    def children(self, system: str, name: str, on: date | None = None) -> list[Code]:
        return [self.known["E11.9"]] if name == "E11" else []

    def ancestors(self, system: str, name: str, on: date | None = None) -> list[Code]:
        return [self.known["E11"]] if name == "E11.9" else []


@pytest.fixture
def codesets(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Release]], None]:
    releases = [Release("ICD-10-CM", "2026-04-01", date(2026, 4, 1), None, 74_719, Path("x"))]
    fake = types.ModuleType("suggester.codesets")

    def build_all(
        settings: Settings, *, progress: Callable[[str, int, int], None], force: bool
    ) -> list[Release]:
        progress("ICD-10-CM" + (" again" if force else ""), 0, 1)
        return releases

    fake.build_all = build_all  # type: ignore[attr-defined]
    fake.installed = lambda settings: releases  # type: ignore[attr-defined]
    fake.open_catalog = lambda settings: Catalog()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "suggester.codesets", fake)
    return releases.__init__  # type: ignore[misc, return-value]


def test_codesets_build_shows_progress(codesets: object) -> None:
    result = call("codesets", "build")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "[0/1] ICD-10-CM (" in result.stderr
    assert "1 releases ready" in result.stderr
    assert "ICD-10-CM again" in call("codesets", "build", "--force").stderr


def test_codesets_list(codesets: Callable) -> None:
    result = call("codesets", "list")
    assert result.exit_code == 0
    assert "74,719" in result.stdout
    codesets([])
    result = call("codesets", "list")
    assert (result.exit_code, result.stderr) == (
        1,
        "error: no code set is built yet; run: suggester codesets build\n",
    )


def test_codesets_search(codesets: object) -> None:
    result = call("codesets", "search", "Type", "2")
    assert result.exit_code == 0
    assert "E11.9" in result.stdout
    assert "category" in result.stdout
    assert call("codesets", "search", "Type", "--limit", 1).stdout.count("E11") == 1
    assert call("codesets", "search", "Type", "--system", "HCPCS").exit_code == 1


def test_codesets_show(codesets: object) -> None:
    result = call("codesets", "show", "e11.9")
    assert result.exit_code == 0
    assert "ICD-10-CM E11.9  Type 2 diabetes, plain" in result.stdout
    assert "type 1 [diabetes] (E10.-)  (at E11)" in result.stdout
    assert "under\n  E11  Type 2 diabetes" in result.stdout
    assert "subdivisions\n  E11.9" in call("codesets", "show", "E11").stdout
    assert "HCPCS K0001" in call("codesets", "show", "K0001").stdout
    result = call("codesets", "show", "K0001", "--system", "ICD-10-CM")
    assert (result.exit_code, result.stderr) == (1, "error: ICD-10-CM has no code 'K0001'\n")
    assert "is in none of ICD-10-CM, CPT, HCPCS" in call("codesets", "show", "ZZZ").stderr
    assert "codesets import" in call("codesets", "show", "E11.9", "--service-date", "1999-01-01").stderr


# --- the process ------------------------------------------------------------------------------------


def test_a_closed_pipe_ends_in_silence(tmp_path: Path) -> None:
    """As when ``head`` has had enough."""
    script = tmp_path / "run.py"
    script.write_text(
        "import sys, types\n"
        "sys.path[:0] = sys.argv[1:3]\n"
        "from test_batch_fakes import fake_engine\n"
        "fake = types.ModuleType('suggester.suggest'); fake.load = fake_engine\n"
        "sys.modules['suggester.suggest'] = fake\n"
        "from suggester.cli import main\n"
        "main(['suggest', '--json', sys.argv[3]])\n"
    )
    lines = tmp_path / "in.jsonl"
    lines.write_text("\n".join(json.dumps({"id": str(n), "text": "cough " * 50}) for n in range(2_000)))
    here = Path(__file__).parent
    process = subprocess.Popen(
        [sys.executable, script, here, here.parent, lines],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read().decode()
    process.stderr.close()
    process.wait(timeout=30)
    assert "Traceback" not in errors
    assert "unforeseen" not in errors
