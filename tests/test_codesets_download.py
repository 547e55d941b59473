from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import Answer, FileServer, serving

from suggester.codesets.download import Limits, download, file_name, shown
from suggester.errors import DownloadError

BODY = bytes(range(256)) * 2_000
SUM = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as running:
        yield running


class Waits(list[float]):
    """Remembers how long was waited, without waiting."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def test_whole_file(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/a/file.zip", Answer(BODY))
    told: list[tuple[str, int, int | None]] = []
    path = download(
        url, tmp_path / "d", limits=Limits(sha256=SUM.upper()), progress=lambda *a: told.append(a)
    )
    assert path == tmp_path / "d" / "file.zip"
    assert path.read_bytes() == BODY
    assert told[-1] == ("file.zip", len(BODY), len(BODY))
    assert [p.name for p in path.parent.iterdir()] == ["file.zip"]


def test_broken_off_is_gone_on_with(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/f.zip", Answer(BODY, cut=100_000), Answer(BODY, cut=50_000), Answer(BODY))
    waits = Waits()
    assert download(url, tmp_path, limits=Limits(sha256=SUM), sleep=waits).read_bytes() == BODY
    starts = [asked for _, asked in server.asked]
    assert starts[0] is None
    begun = [int(text.removeprefix("bytes=").removesuffix("-")) for text in starts[1:] if text]
    assert begun == sorted(begun)
    assert begun[0] > 0
    assert waits == [1.0, 2.0]


def test_a_later_call_goes_on_from_there(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/f.zip", Answer(BODY, cut=100_000))
    with pytest.raises(DownloadError, match="tried 1 times; try again: it goes on from there"):
        download(url, tmp_path, attempts=1)
    server.put("/f.zip", Answer(BODY))
    assert download(url, tmp_path).read_bytes() == BODY
    assert server.asked[-1][1] is not None


def test_another_version_starts_anew(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/f.zip", Answer(b"old" * 50_000, cut=60_000), Answer(BODY, tag='"v2"'))
    assert download(url, tmp_path, sleep=Waits()).read_bytes() == BODY


def test_without_a_tag_nothing_is_resumed(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/f.zip", Answer(BODY, cut=60_000, tag=None), Answer(BODY, tag='W/"weak"'))
    assert download(url, tmp_path, sleep=Waits()).read_bytes() == BODY
    assert [asked for _, asked in server.asked] == [None, None]


def test_wrong_part_and_passed_end_start_anew(server: FileServer, tmp_path: Path) -> None:
    wrong = Answer(BODY, headers={"Content-Range": f"bytes 7-{len(BODY) - 1}/{len(BODY)}"})
    url = server.put("/f.zip", Answer(BODY, cut=60_000), wrong, Answer(BODY))
    assert download(url, tmp_path, sleep=Waits()).read_bytes() == BODY
    url = server.put("/g.zip", Answer(BODY, cut=60_000), Answer(BODY[:10]), Answer(BODY))
    waits = Waits()
    assert download(url, tmp_path, sleep=waits).read_bytes() == BODY
    assert waits[1] == 0.0


def test_server_error_then_right(server: FileServer, tmp_path: Path) -> None:
    busy = Answer(status=503, headers={"Retry-After": "7"})
    url = server.put(
        "/f.zip", Answer(status=500), busy, Answer(status=429, headers={"Retry-After": "9999"}), Answer(BODY)
    )
    waits = Waits()
    assert download(url, tmp_path, sleep=waits).read_bytes() == BODY
    assert waits == [1.0, 7.0, 60.0]


@pytest.mark.parametrize(
    ("answer", "limits", "message"),
    [
        (Answer(status=404), Limits(), "the server answered 404"),
        (Answer(status=403), Limits(), "the server answered 403"),
        (Answer(status=500), Limits(), "the server answered 500, tried 5 times"),
        (
            Answer(BODY, kind="text/html; charset=utf-8"),
            Limits(),
            "content type 'text/html', allowed: application/",
        ),
        (Answer(BODY, kind=""), Limits(), "content type 'not given'"),
        (Answer(BODY), Limits(max_bytes=1_000), "512,000 bytes, at most 1,000"),
        (Answer(BODY, length=False), Limits(max_bytes=100_000), "more than 100,000 bytes"),
        (Answer(BODY), Limits(sha256="0" * 64), "checksum is "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_and_leaves_nothing(
    server: FileServer, tmp_path: Path, answer: Answer, limits: Limits, message: str
) -> None:
    url = server.put("/f.zip", answer)
    with pytest.raises(DownloadError) as caught:
        download(url, tmp_path / "d", limits=limits, sleep=Waits())
    assert str(caught.value).startswith("127.0.0.1/f.zip: ")
    assert message in str(caught.value)
    assert list((tmp_path / "d").iterdir()) == []


def test_redirects_are_followed_but_not_for_ever(server: FileServer, tmp_path: Path) -> None:
    server.put("/f.zip", Answer(BODY))
    url = server.put("/old.zip", Answer(status=302, headers={"Location": "/f.zip"}))
    assert download(url, tmp_path).read_bytes() == BODY
    loop = server.put("/loop", Answer(status=302, headers={"Location": "/loop"}))
    with pytest.raises(DownloadError, match="led on too often"):
        download(loop, tmp_path)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "nonsense", "https://"])
def test_other_addresses_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadError, match="an address begins with https:// or http://"):
        download(url, tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_no_server_is_said(server: FileServer, tmp_path: Path) -> None:
    address = server.address.rpartition(":")[0] + ":9"
    with pytest.raises(DownloadError, match=r"connection failed \(ConnectError\), tried 2 times"):
        download(address + "/f.zip", tmp_path, sleep=Waits(), attempts=2)


def test_names_are_fit_for_files_and_messages() -> None:
    assert file_name("http://x/a/b%20c.zip?q=1") == "b-20c.zip"
    assert file_name("http://x/") == "download"
    assert file_name("http://x/..") == "download"
    assert shown("https://user:secret@host/a.zip?token=1") == "host/a.zip"
