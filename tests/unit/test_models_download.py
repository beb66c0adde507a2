"""A download that breaks off goes on; what it cannot trust it fetches anew."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.errors import PullError
from gateway.speech.models.download import Download, Unreachable
from tests.unit.publisher import Publisher, published

BODY = bytes(range(256)) * 400


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with published(BODY) as found:
        yield found


def download(url: str, part: Path) -> list[int]:
    """Return how far it was each time it told."""
    told: list[int] = []
    Download(url, part, lambda at, _of: told.append(at), pause=lambda _s: None).run()
    return told


def test_a_whole_file_comes_at_once(tmp_path: Path, publisher: Publisher) -> None:
    told = download(publisher.url, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == BODY
    assert told[-1] == len(BODY)
    assert publisher.asked == [None]
    download(publisher.url, tmp_path / "part")
    assert publisher.asked == [None]


def test_broken_off_twice_it_goes_on_where_it_was(tmp_path: Path, publisher: Publisher) -> None:
    publisher.breaks = [1000, 2000]
    download(publisher.url, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == BODY
    assert publisher.asked == [None, "bytes=1000-", "bytes=3000-"]


def test_a_later_run_goes_on_too(tmp_path: Path, publisher: Publisher) -> None:
    publisher.breaks = [1000] + [0] * 5
    with pytest.raises(PullError, match="the same command goes on from there"):
        download(publisher.url, tmp_path / "part")
    assert (tmp_path / "part").stat().st_size == 1000
    download(publisher.url, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == BODY
    assert publisher.asked[-1] == "bytes=1000-"


@pytest.mark.parametrize("weakness", ["no ranges", "no etag", "wrong part", "refused part"])
def test_without_safe_ranges_it_begins_anew(
    tmp_path: Path, publisher: Publisher, weakness: str
) -> None:
    publisher.breaks = [1000]
    publisher.ranges = weakness != "no ranges"
    publisher.etag = "" if weakness == "no etag" else publisher.etag
    publisher.content_range = "bytes 7-8/9" if weakness == "wrong part" else ""
    if weakness == "refused part":
        publisher.breaks = [1000] + [0] * 5
        with pytest.raises(PullError):
            download(publisher.url, tmp_path / "part")
        publisher.statuses = [416]
    download(publisher.url, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == BODY


def test_another_file_under_the_same_name_is_fetched_from_its_beginning(
    tmp_path: Path, publisher: Publisher
) -> None:
    publisher.breaks = [1000] + [0] * 5
    with pytest.raises(PullError):
        download(publisher.url, tmp_path / "part")
    publisher.body, publisher.etag = BODY[::-1], '"other"'
    download(publisher.url, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == BODY[::-1]


def test_another_address_is_another_file(tmp_path: Path, publisher: Publisher) -> None:
    publisher.breaks = [1000] + [0] * 5
    with pytest.raises(PullError):
        download(publisher.url, tmp_path / "part")
    download(publisher.url + "?mirror", tmp_path / "part")
    assert publisher.asked[-1] is None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_asked_again(
    tmp_path: Path, publisher: Publisher, status: int
) -> None:
    publisher.statuses = [status, status]
    download(publisher.url, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == BODY


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_is_not_there_is_told_at_once(
    tmp_path: Path, publisher: Publisher, status: int
) -> None:
    publisher.statuses = [status] * 9
    with pytest.raises(PullError, match=f"HTTP {status}"):
        download(publisher.url, tmp_path / "part")
    assert len(publisher.asked) == 1


@pytest.mark.parametrize("url", ["model.zip", "ftp://x/model.zip", "http://[/model.zip"])
def test_an_address_that_is_none_is_told_at_once(tmp_path: Path, url: str) -> None:
    with pytest.raises(PullError, match=re.escape(url)):
        download(url, tmp_path / "part")


def test_nobody_there_is_unreachable(tmp_path: Path) -> None:
    with published(b"") as gone:
        url = gone.url
    with pytest.raises(Unreachable, match="cannot be reached"):
        download(url, tmp_path / "part")


@pytest.mark.parametrize("error", [httpx.ConnectTimeout, httpx.ProxyError])
def test_a_firewall_or_a_proxy_that_lets_nobody_out_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[httpx.TransportError]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error("no way")

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", refuse)
    with pytest.raises(Unreachable, match=f"cannot be reached .{error.__name__} no way"):
        download("http://127.0.0.1:1/model.zip", tmp_path / "part")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, publisher: Publisher) -> None:
    with pytest.raises(PullError, match="No such file or directory"):
        download(publisher.url, tmp_path / "none" / "part")


def test_a_full_disk_is_noticed_before_the_first_byte(
    tmp_path: Path, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    with pytest.raises(PullError, match="make room"):
        download(publisher.url, tmp_path / "part")
    assert list(tmp_path.iterdir()) == []
