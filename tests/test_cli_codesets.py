from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import small_imports as made
from click.testing import Result
from file_server import Answer, serving
from small_codesets import open_ioce, small_world
from small_imports import write, write_zip
from typer.testing import CliRunner

from suggester.cli import main
from suggester.codesets import build, build_all
from suggester.config import Settings

runner = CliRunner()


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The small world, in which every command works."""
    sources = tmp_path / "sources"
    sources.mkdir()
    monkeypatch.setenv("SUGGESTER_STORE_DIR", str(tmp_path / "built"))
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with small_world(sources):
        settings = Settings.load()
        build_all(settings)
        yield settings


def call(*arguments: object) -> Result:
    return runner.invoke(main, ["codesets", *(str(argument) for argument in arguments)])


def good(*arguments: object) -> str:
    result = call(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def release(tmp_path: Path) -> Path:
    text = made.NEXT_TABULAR.replace("with hyperglycemia", "with too much sugar")
    return write_zip(
        tmp_path / "fy2027.zip", {**made.RELEASE, "Table and Index/icd10cm_tabular_2027.xml": text}
    )


def test_import_list_and_take_back(tmp_path: Path) -> None:
    assert "nothing was imported yet" in call("imports").stderr
    out = good("import", release(tmp_path))
    for words in (
        "import 1: ICD-10-CM 2026-10-01",
        "16 kept",
        "0 added, 0 deleted, 1 revised against ICD-10-CM 2026-04-01",
        "revised: E11.65",
        "alphabetic index: ",
        "to take it back: suggester codesets revert 1",
    ):
        assert words in out
    assert "2026-10-01" in good("list")
    words = write(tmp_path / "words.csv", made.SYNONYMS)
    out = good("import", words, "--id", "ours", "--kind", "synonyms")
    assert "synonyms ours" in out
    assert "left out: row 4: no installed release of ICD-10-CM has Q99.9" in out
    record = json.loads(good("import", words, "--id", "ours", "--json"))
    assert (record["id"], record["changes"]["kept"]) == (3, 2)
    table = good("imports")
    assert table.count("in use") == 2
    assert table.count("replaced") == 1
    result = call("revert", "3")
    assert (result.exit_code, result.stderr) == (0, "import 3 (synonyms ours) was taken back\n")
    assert "taken back" in good("imports")
    assert [row["in_use"] for row in json.loads(good("imports", "--json"))] == [True, True, False]
    assert call("revert", "9").exit_code == 1


def test_refused_import_is_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "HCPC2026_JUL_ANWEB.txt", made.ANWEB + "x\n")
    result = call("import", path)
    assert result.exit_code == 1
    assert "error: HCPC2026_JUL_ANWEB.txt, row 7: record kind ''" in result.stderr
    assert call("import", path, "--kind", "moon").exit_code == 2
    assert call("import").exit_code == 2


def test_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "open_ioce", open_ioce)
    assert "no licence is stated" in good("license", "cpt")
    assert "(no text may be shown)" in good("show", "99213")
    result = call("license", "cpt", "--accept")
    assert (result.exit_code, "needs a name and a purpose" in result.stderr) == (1, True)
    out = good("license", "cpt", "--accept", "--name", "Ada Coder", "--purpose", "coding")
    assert "licence stated by Ada Coder at " in out
    assert "for: coding" in out
    assert "CPT 99213  Zebra inspection by lantern" in good("show", "99213")
    out = good("license", "cpt", "--revoke")
    assert "no licence is stated" in out
    assert "(no text may be shown)" in good("show", "99213")
    record = json.loads(good("license", "cpt", "--json"))
    assert record["accepted"] is False
    assert [item["action"] for item in record["history"]] == ["accepted", "revoked"]
    assert call("license", "cpt", "--accept", "--revoke").exit_code == 2
    assert call("license", "ada").exit_code == 2


def test_update(tmp_path: Path) -> None:
    result = call("update")
    assert (result.exit_code, "no settings file updates.toml" in result.stderr) == (2, True)
    with serving() as server:
        url = server.put("/r.zip", Answer(release(tmp_path).read_bytes()))
        sources = write(
            tmp_path / "s.toml",
            f'[[source]]\nkind = "icd10cm"\nurl = "{url}"\nvalid_from = 2026-10-01\nvalid_to = 2027-09-30\n',
        )
        options: tuple[Any, ...] = ("--sources", sources, "--on", "2026-11-21")
        assert "icd10cm: http://127.0.0.1" in good("update", *options, "--check")
        result = call("update", *options)
        assert result.exit_code == 0, result.stderr
        assert "import 1: ICD-10-CM 2026-10-01" in result.stdout
        assert "r.zip: 0.0 of 0.0 MB" in result.stderr
        assert "icd10cm: up to date (ICD-10-CM 2026-10-01, import 1)" in good(
            "update", *options, "--kind", "icd10cm"
        )
    late = call("update", "--sources", sources, "--on", "2028-01-01")
    assert (late.exit_code, "no source in the settings file covers that day" in late.stderr) == (1, True)


def test_diff(tmp_path: Path) -> None:
    good("import", release(tmp_path))
    out = good("diff", "2026-04-01", "2026-10-01")
    assert "ICD-10-CM 2026-04-01 to 2026-10-01\n0 added, 0 deleted, 1 revised" in out
    assert "  E11.65  Type 2 diabetes mellitus with hyperglycemia\n" in out
    assert "deleted\n  E0100  Gone in April\n" in good(
        "diff", "2026-01-01", "2026-04-01", "--system", "HCPCS"
    )
    lines = [
        {"id": "n7", "suggestions": [{"system": "ICD-10-CM", "code": "E11.65"}]},
        {"id": "n8", "suggestions": []},
    ]
    run = write(tmp_path / "run.jsonl", "\n".join(json.dumps(line) for line in lines))
    out = good("diff", "2026-04-01", "2026-10-01", "--archive", run)
    assert "1 notes touched\n  n7: E11.65 revised" in out
    record = json.loads(good("diff", "2026-04-01", "2026-10-01", "--archive", run, "--json"))
    assert record["notes"] == [{"id": "n7", "codes": {"E11.65": "revised"}}]
    assert record["systems"][0]["revised"][0]["code"] == "E11.65"
    assert "added" in good("diff", "2026-04-01", "2026-10-01", "--json")
    assert call("diff", "2026-04-01", "nonsense").exit_code == 1


def test_show_of_an_old_code() -> None:
    out = good("show", "--icd9", "250.00")
    assert out.startswith("ICD-9-CM 250.00  ")
    assert "mapped to ICD-10-CM (approximately, CMS General Equivalence Mappings):" in out
    assert "E11.9  Type 2 diabetes mellitus without complications" in out
    out = good("show", "--icd9", "806.01")
    assert "S14.111A  (not in the release in force)" in out
    assert "  and S12.000A" in out
    assert "no diagnosis" in call("show", "--icd9", "999.99").stderr
