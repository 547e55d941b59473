from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from unittest.mock import patch

import pytest
import small_imports as made
from file_server import Answer, FileServer, serving
from small_codesets import small_world
from small_imports import write

from suggester.codesets import build_all, imports, open_catalog
from suggester.codesets.update import UpdateSource, find_links, read_sources, update
from suggester.config import Settings
from suggester.errors import ConfigError, DownloadError, ImportRefusedError

ROOT = Path(__file__).resolve().parent.parent
TODAY = date(2026, 11, 21)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Settings]:
    sources = tmp_path / "sources"
    sources.mkdir()
    with small_world(sources), patch("suggester.codesets.importing_releases.FEWEST_HCPCS", 1):
        settings = Settings.load(store_dir=tmp_path / "built")
        build_all(settings)
        yield settings


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as running:
        yield running


def packed(files: dict[str, str]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


HCPCS = packed({"HCPC2026_OCT_ANWEB.txt": made.ANWEB})
RELEASE = packed(made.RELEASE)
PAGE = """<html><body><a href="/files/july-2026-alpha-numeric-hcpcs-file.zip">July</a>
<a href='files/october-2026-alpha-numeric-hcpcs-file.zip'>October</a><a name=x>no link</a>
<a href="/files/january-2027-alpha-numeric-hcpcs-file.zip">January</a></body></html>"""
LINK = r"(?P<month>january|july|october)-(?P<year>20\d\d)-alpha-numeric-hcpcs-file\.zip$"


def settings_file(tmp_path: Path, server: FileServer) -> Path:
    server.put("/files/october-2026-alpha-numeric-hcpcs-file.zip", Answer(HCPCS))
    server.put("/quarterly", Answer(PAGE.encode(), kind="text/html; charset=utf-8"))
    server.put("/icd.zip", Answer(RELEASE, cut=500), Answer(RELEASE))
    return write(
        tmp_path / "updates.toml",
        f"""
[[source]]
kind = "icd10cm"
url = "{server.address}/icd.zip"
valid_from = 2026-10-01
valid_to = 2027-09-30
sha256 = "{hashlib.sha256(RELEASE).hexdigest()}"

[[source]]
kind = "icd10cm"
url = "{server.address}/old.zip"
valid_from = 2025-10-01
valid_to = 2026-09-30

[[source]]
kind = "hcpcs"
page = "{server.address}/quarterly"
link = '{LINK}'
""",
    )


def test_releases_in_force_are_found_fetched_and_imported(
    tmp_path: Path, small: Settings, server: FileServer
) -> None:
    sources = read_sources(settings_file(tmp_path, server))
    server.put("/files/october-2026-alpha-numeric-hcpcs-file.zip", Answer(HCPCS))
    looked = update(sources, on=TODAY, settings=small, look_only=True)
    assert [(o.kind, o.what) for o in looked] == [("icd10cm", "found"), ("hcpcs", "found")]
    assert looked[1].source.urls[0].endswith("/files/october-2026-alpha-numeric-hcpcs-file.zip")
    assert looked[1].source.valid_from == date(2026, 10, 1)
    assert imports(small) == ()
    told: list[str] = []
    waits: list[float] = []
    done = update(
        sources,
        on=TODAY,
        settings=small,
        progress=lambda name, *_: told.append(name),
        step=told.append,
        sleep=waits.append,
    )
    assert [(o.what, o.item.slot) for o in done if o.item] == [
        ("imported", "ICD-10-CM 2026-10-01"),
        ("imported", "HCPCS 2026-10-01"),
    ]
    assert {"icd.zip", "compiling"} <= set(told)
    assert len(waits) == 1, "the first download broke off once"
    catalog = open_catalog(small)
    assert catalog.lookup("ICD-10-CM", "E11.9", TODAY).release == "2026-10-01"
    assert catalog.lookup("HCPCS", "A0100", TODAY).display == "Non-emergency transportation; taxi"
    assert list((small.store_dir / "downloads").iterdir()) == [], "nothing is left behind"
    asked = len(server.asked)
    again = update(sources, on=TODAY, settings=small, kinds=["icd10cm"])
    assert [(o.kind, o.what) for o in again] == [("icd10cm", "up to date")]
    assert len(server.asked) == asked


def test_release_that_is_embedded_too_gets_another_id(small: Settings, server: FileServer) -> None:
    april = packed({"HCPC2026_APR_ANWEB.txt": made.ANWEB})
    url = server.put("/april.zip", Answer(april))
    source = UpdateSource(kind="hcpcs", urls=(url,), valid_from=date(2026, 4, 1))
    (done,) = update([source], on=TODAY, settings=small)
    assert done.item is not None
    assert done.item.slot == "HCPCS 2026-04-01-imported"
    (again,) = update([source], on=TODAY, settings=small)
    assert again.what == "up to date"


def test_day_without_a_source_and_failed_download(
    tmp_path: Path, small: Settings, server: FileServer
) -> None:
    sources = read_sources(settings_file(tmp_path, server))
    assert update(sources, on=date(2024, 1, 1), settings=small, kinds=["icd10cm"]) == []
    with pytest.raises(DownloadError, match=r"old\.zip: the server answered 404"):
        update(sources, on=date(2026, 5, 1), settings=small, kinds=["icd10cm"])
    server.put("/icd.zip", Answer(b"PK no archive"))
    lax = [UpdateSource(kind="icd10cm", urls=(server.address + "/icd.zip",))]
    with pytest.raises(ImportRefusedError, match=r"icd\.zip: no zip archive, or cut off"):
        update(lax, on=TODAY, settings=small)
    assert imports(small) == ()
    assert open_catalog(small).lookup("ICD-10-CM", "E11.9").release == "2026-04-01"


def test_links_of_a_page() -> None:
    source = UpdateSource(kind="hcpcs", page="https://host/a/page", links=(LINK,))
    assert find_links(source, PAGE, date(2026, 9, 1)).urls == (
        "https://host/files/july-2026-alpha-numeric-hcpcs-file.zip",
    )
    with pytest.raises(DownloadError, match="no link fits"):
        find_links(source, PAGE, date(2026, 1, 1))
    plain = UpdateSource(kind="ncci", page="https://host/", links=("july",), valid_from=date(2026, 7, 1))
    assert find_links(plain, PAGE, TODAY).valid_from == date(2026, 7, 1)
    page = '<a href="/FY27.zip">x</a><a href="/april-2026.zip">y</a><a href="/oct-2026.zip">z</a>'
    year = UpdateSource(kind="icd10cm", page="https://host/", links=(r"FY(?P<year>\d\d)\.zip",))
    assert find_links(year, page, TODAY).valid_from == date(2026, 10, 1)
    month = UpdateSource(
        kind="icd10cm", page="https://host/", links=(r"(?P<month>april|oct)-(?P<year>\d+)\.zip",)
    )
    assert find_links(month, page, date(2026, 4, 5)).urls == ("https://host/april-2026.zip",)
    assert find_links(month, page, date(2026, 4, 5)).valid_from == date(2026, 4, 1)
    number = UpdateSource(kind="mue", page="https://host/", links=(r"(?P<year>\d{4})q(?P<month>\d+)",))
    assert find_links(number, '<a href="/2026q10">a</a><a href="/2026q99">b</a>', TODAY).urls == (
        "https://host/2026q10",
    )


SOURCE = '[[source]]\nkind = "hcpcs"\nurl = "https://host/x.zip"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected one or more [[source]]"),
        ("x = 1\n" + SOURCE, "expected one or more [[source]] and nothing else"),
        ("[[source]", "updates.toml: "),
        (SOURCE + "colour = 1\n", "source 1: unknown colour; allowed: kind, name, url"),
        (SOURCE.replace("hcpcs", "icd11"), "source 1: kind 'icd11', allowed: icd10cm, hcpcs"),
        (SOURCE + "max_bytes = true\n", "max_bytes is of the wrong kind"),
        (SOURCE + "max_bytes = 0\n", "max_bytes is 1 to"),
        (SOURCE + 'page = "https://host/"\n', "give either url, or page and link"),
        ('[[source]]\nkind = "hcpcs"\n', "give either url, or page and link"),
        ('[[source]]\nkind = "hcpcs"\npage = "https://host/"\n', "give either url, or page and link"),
        ('[[source]]\nkind = "hcpcs"\npage = "https://host/"\nlink = "("\n', "source 1: link: "),
        (SOURCE + 'sha256 = "12"\n', "sha256 has 64 hexadecimal digits"),
        (SOURCE + f'sha256 = ["{"0" * 64}", "{"0" * 64}"]\n', "one sha256 for each file"),
        (SOURCE + "valid_from = 2026-01-01T00:00:00\n", "valid_from is of the wrong kind"),
        (SOURCE + "types = [1]\n", "types is text, or a list of texts"),
    ],
)
def test_wrong_settings_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_sources(write(tmp_path / "updates.toml", text))
    assert message in str(caught.value)


def test_missing_settings_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"no settings file gone\.toml: copy codesets/updates\.example\.toml"
    ):
        read_sources(tmp_path / "gone.toml")


def test_example_can_be_read_and_names_no_registry() -> None:
    path = ROOT / "codesets" / "updates.example.toml"
    sources = read_sources(path)
    assert [source.kind for source in sources] == ["icd10cm", "hcpcs"]
    hosts = set(re.findall(r"https?://([\w.-]+)", path.read_text()))
    assert hosts == {"example.org"}
    assert re.search(sources[1].links[0], "https://x/july-2026-alpha-numeric-hcpcs-file.zip")
