"""The documentation is complete and true: commands, options, settings, links, shown output."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from jsonschema import Draft202012Validator

from suggester.cli import main
from suggester.config import Settings
from suggester.contract import gold_from_record, note_from_record

ROOT = Path(__file__).resolve().parent.parent
COMMANDS_PAGE = ROOT / "docs" / "guide" / "commands.md"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _module(path: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


shown = _module(ROOT / "docs" / "examples.py")
EXAMPLES = [example for page in shown.pages() for example in shown.examples(page)]


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    subcommands = getattr(command, "commands", None)
    if subcommands is None:
        yield name, command
    else:
        for word, inner in subcommands.items():
            yield from _commands(inner, f"{name} {word}")


COMMANDS = dict(_commands(typer.main.get_command(main), "suggester"))


def _sections(page: Path) -> dict[str, str]:
    """Text of each section of the second level by its heading."""
    parts = re.split(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _options(command: Any) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts if name.startswith("-")}


# --- commands ---------------------------------------------------------------------------------------


def test_command_reference_has_a_section_for_each_command_and_no_other() -> None:
    assert len(COMMANDS) >= 7
    sections = [name for name in _sections(COMMANDS_PAGE) if name.startswith("suggester ")]
    assert sorted(sections) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_command_reference_has_each_option_and_no_other(name: str) -> None:
    first_cells = re.findall(r"^\| (`-.*?) \|", _sections(COMMANDS_PAGE)[name], flags=re.MULTILINE)
    documented = {option for cell in first_cells for option in re.findall(r"`(--?[a-z][a-z0-9-]*)`", cell)}
    assert documented == _options(COMMANDS[name]) - {"--help", "-h"}


@pytest.mark.parametrize("name", COMMANDS)
def test_command_reference_names_each_argument(name: str) -> None:
    section = _sections(COMMANDS_PAGE)[name]
    arguments = [p for p in COMMANDS[name].params if p.param_type_name == "argument"]
    for argument in arguments:
        assert argument.metavar in section, argument.name
    if arguments:
        assert f"```sh\n{name} " in section


def test_command_reference_has_each_setting_and_no_other() -> None:
    documented = set(re.findall(r"`SUGGESTER_([A-Z_]+)`", _sections(COMMANDS_PAGE)["Settings"]))
    assert documented == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_pages_name_only_options_that_there_are(page: Path) -> None:
    known = sorted(COMMANDS, key=len, reverse=True)
    for line in re.findall(
        r"^(?:\$ )?(suggester [^\n#]+)", page.read_text(encoding="utf-8"), flags=re.MULTILINE
    ):
        name = next((name for name in known if line == name or line.startswith(f"{name} ")), None)
        if name is None:
            continue  # prose that begins with our name
        used = set(re.findall(r"(?<=\s)--?[a-z][a-z0-9-]*", line))
        assert used <= _options(COMMANDS[name]) | {"--help"}, line


# --- pages ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, target


def test_readme_names_both_commands_and_the_makefile_has_them() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test", "format", "examples", "lock"):
        assert f"make {target}" in readme
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_decisions_are_numbered_without_gaps_and_dated() -> None:
    files = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert files
    for number, file in enumerate(files, start=1):
        text = file.read_text(encoding="utf-8")
        assert file.name.startswith(f"{number:04d}-")
        assert text.startswith(f"# {number}. ")
        assert re.search(
            r"^(Proposed|Accepted|Superseded by \d+), \d{4}-\d\d-\d\d\.$", text, flags=re.MULTILINE
        )


# --- examples of the contract ------------------------------------------------------------------------


def _json_after(heading: str) -> Any:
    section = _sections(ROOT / "docs" / "guide" / "notes-and-output.md")[heading]
    block = re.search(r"^```json\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    assert block is not None
    return json.loads(block[1])


def test_example_of_a_note_can_be_read() -> None:
    assert note_from_record(_json_after("Notes"), record="docs").setting == "outpatient"


def test_example_of_suggestions_fits_the_schema() -> None:
    schema = json.loads((ROOT / "docs" / "schema" / "suggestions.schema.json").read_text(encoding="utf-8"))
    record = _json_after("Suggestions")
    Draft202012Validator(schema).validate(record)
    note = note_from_record(_json_after("Notes"), record="docs")
    evidence = record["suggestions"][0]["evidence"][0]
    assert note.text[evidence["start"] : evidence["end"]] == evidence["text"]


def test_example_of_a_gold_note_can_be_read() -> None:
    record = _json_after("Gold notes")
    record["text"] = "x" * 200
    gold = gold_from_record(record, record="docs")
    assert gold.em
    assert gold.codes[0].evidence


def test_example_of_an_error_has_the_fields_of_one() -> None:
    assert list(_json_after("Errors of a batch")) == ["record", "code", "message"]


# --- shown output -----------------------------------------------------------------------------------


def test_there_are_examples() -> None:
    assert any(example.page == "README.md" for example in EXAMPLES)
    assert len(EXAMPLES) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.page}: {example.command}")
def test_examples_print_what_is_shown(example: Any) -> None:
    printed = shown.output(example.command)
    assert shown.agrees(example.shown, printed), "run: make examples\n" + "\n".join(printed)


@pytest.mark.slow
def test_python_example_of_the_readme_runs() -> None:
    blocks = re.findall(
        r"^```python\n(.*?)^```$",
        (ROOT / "README.md").read_text(encoding="utf-8"),
        flags=re.MULTILINE | re.DOTALL,
    )
    assert blocks
    for block in blocks:
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("1 ")


@pytest.mark.parametrize(
    ("lines", "printed", "good"),
    [
        (("a", "…", "c"), ("a", "b", "b", "c"), True),
        (("a", "…"), ("a",), True),
        (("a",), ("a", "b"), False),
        (("a", "…", "d"), ("a", "b", "c"), False),
        ((), ("a",), False),
    ],
)
def test_shown_output_may_leave_lines_out_only_where_it_says_so(
    lines: tuple[str, ...], printed: tuple[str, ...], good: bool
) -> None:
    assert shown.agrees(lines, printed) is good
