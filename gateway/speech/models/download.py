"""Fetching a large file over HTTP: broken off, it goes on where it was (RFC 9110, 14.2-14.4)."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from gateway.errors import PullError

Progress = Callable[[int, int], None]
"""Bytes so far, and bytes in all (0: not known)."""

_TRIES = 6
"""So many in a row without one new byte, and it is given up."""
_TIMEOUT = httpx.Timeout(30, connect=10)
_HOPELESS = (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.TooManyRedirects)
_NO_WAY_OUT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)
_TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}


class Unreachable(PullError):
    """Nothing was answered at all: no network, no such host, or nothing listens."""


@dataclass
class _Begun:
    """What is known of a part on disk: kept beside it, so that only the same file is continued."""

    url: str
    validator: str
    """ETag (strong) or Last-Modified; empty: it cannot be continued safely."""
    size: int


class Download:
    """One file to be fetched into `part`, over several runs if need be."""

    def __init__(
        self, url: str, part: Path, progress: Progress, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._url = url
        self._part = part
        self._notes = part.with_name(part.name + ".json")
        self._progress = progress
        self._pause = pause
        self._got = 0
        """Bytes that came in this run."""

    def run(self) -> None:
        """Return when the whole file is in `part`; `forget` it once it has been used.

        Raises Unreachable, or PullError for what trying again does not mend.
        """
        failed, before = 0, 0
        with httpx.Client(follow_redirects=True, timeout=_TIMEOUT) as client:
            while True:
                try:
                    if self._try(client):
                        return
                    error = "the server answered with another part than was asked for"
                except _HOPELESS as problem:
                    raise PullError(f"{self._url}: {problem}") from problem
                except httpx.TransportError as problem:
                    error = f"{type(problem).__name__} {problem}".strip()
                    if not self._got and isinstance(problem, _NO_WAY_OUT):
                        raise Unreachable(f"{self._url} cannot be reached ({error})") from problem
                except OSError as problem:
                    raise PullError(f"{self._part}: {problem.strerror}") from problem
                failed, before = (1 if self._got > before else failed + 1), self._got
                if failed >= _TRIES:
                    raise PullError(
                        f"{self._url}: given up after {failed} fruitless attempts ({error}); "
                        "what came is kept, the same command goes on from there"
                    )
                self._pause(min(2 ** (failed - 1), 30))

    def forget(self) -> None:
        """Throw away what came."""
        self._part.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def _try(self, client: httpx.Client) -> bool:
        begun = self._begun()
        have = self._part.stat().st_size if begun else 0
        if begun and have == begun.size:
            return True
        headers = {"Accept-Encoding": "identity"}
        if begun and have:
            headers |= {"Range": f"bytes={have}-", "If-Range": begun.validator}
        with client.stream("GET", self._url, headers=headers) as response:
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                self.forget()
                return False
            self._refuse(response)
            if response.status_code == httpx.codes.PARTIAL_CONTENT:
                if not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                    self.forget()
                    return False
            else:
                begun, have = self._begin(response), 0
            size = begun.size if begun else 0
            with self._part.open("r+b") as file:
                file.seek(have)
                file.truncate()
                for chunk in response.iter_raw():
                    file.write(chunk)
                    have += len(chunk)
                    self._got += len(chunk)
                    self._progress(have, size)
        return not size or have >= size

    def _refuse(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in _TRY_AGAIN:
            raise httpx.RemoteProtocolError(f"HTTP {status} {response.reason_phrase}")
        if not response.is_success:
            raise PullError(f"{response.url}: HTTP {status} {response.reason_phrase}")

    def _begin(self, response: httpx.Response) -> _Begun:
        headers = response.headers
        etag = headers.get("ETag", "")
        strong = etag if etag and not etag.startswith("W/") else ""
        begun = _Begun(
            self._url,
            strong or headers.get("Last-Modified", ""),
            int(headers.get("Content-Length") or 0),
        )
        free = shutil.disk_usage(self._part.parent).free
        if begun.size > free:
            raise PullError(
                f"{self._part.parent} has {free >> 20} MiB free, the file has {begun.size >> 20}: "
                "make room, or name another place in [speech] models_dir"
            )
        self._part.write_bytes(b"")
        self._notes.write_text(json.dumps(asdict(begun)), "utf-8")
        return begun

    def _begun(self) -> _Begun | None:
        """What is known of the part on disk; None where it cannot be continued."""
        try:
            begun = _Begun(**json.loads(self._notes.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        fits = self._part.is_file() and self._part.stat().st_size <= begun.size
        same = begun.url == self._url and bool(begun.validator) and begun.size > 0
        return begun if same and fits else None
