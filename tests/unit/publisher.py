"""A publisher of files over HTTP on loopback that misbehaves as told."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Publisher:
    """Serves `body` at any path.

    `breaks`: lengths after which the next answers break off; `ranges`: whether it knows Range;
    `etag`: empty for none; `status`: answered instead while there are any.
    """

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.breaks: list[int] = []
        self.ranges = True
        self.etag = f'"{hashlib.sha256(body).hexdigest()[:8]}"'
        self.statuses: list[int] = []
        self.content_range = ""
        """A wrong Content-Range to answer with."""
        self.asked: list[str | None] = []
        """The Range of each request."""
        self.url = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.headers.get("Range"))
        if self.statuses:
            request.send_response(self.statuses.pop(0))
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        start = self._start(request)
        body = self.body[start:]
        request.send_response(206 if start else 200)
        if start:
            told = f"bytes {start}-{len(self.body) - 1}/{len(self.body)}"
            request.send_header("Content-Range", self.content_range or told)
        if self.etag:
            request.send_header("ETag", self.etag)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if self.breaks:
            body = body[: self.breaks.pop(0)]
            request.close_connection = True
        request.wfile.write(body)

    def _start(self, request: BaseHTTPRequestHandler) -> int:
        asked = request.headers.get("Range")
        same = request.headers.get("If-Range") == self.etag
        if not self.ranges or asked is None or not same:
            return 0
        return int(asked.removeprefix("bytes=").removesuffix("-"))


@contextmanager
def published(body: bytes) -> Iterator[Publisher]:
    publisher = Publisher(body)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            publisher.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    publisher.url = f"http://127.0.0.1:{server.server_port}/model.zip"
    try:
        yield publisher
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
