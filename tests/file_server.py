"""A web server on loopback that serves files as a test scripts it: whole, broken off, wrong, or failing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """One answer. ``cut`` is how many bytes of the body are sent before the connection breaks."""

    body: bytes = b""
    status: int = 200
    kind: str = "application/zip"
    cut: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    tag: str | None = '"v1"'
    length: bool = True


class FileServer:
    """What is answered by path, and what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.address = ""

    def put(self, path: str, *answers: Answer) -> str:
        """Answer these in turn, the last for ever. Returns the address."""
        self.answers[path] = list(answers)
        return self.address + path


@contextmanager
def serving() -> Iterator[FileServer]:
    """A server that runs."""
    state = FileServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            """Answer as scripted."""
            wanted = self.headers.get("Range")
            state.asked.append((self.path, wanted))
            queue = state.answers.get(self.path, [Answer(status=404)])
            answer = queue.pop(0) if len(queue) > 1 else queue[0]
            body, status, extra = answer.body, answer.status, dict(answer.headers)
            fits = self.headers.get("If-Range") == answer.tag
            if wanted and answer.ranges and status == 200 and fits:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                if start >= len(body):
                    status, body = 416, b""
                else:
                    extra.setdefault("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
                    status, body = 206, body[start:]
            self.send_response(status)
            self.send_header("Content-Type", answer.kind)
            if answer.length:
                self.send_header("Content-Length", str(len(body)))
            else:
                self.send_header("Connection", "close")
            if answer.tag:
                self.send_header("ETag", answer.tag)
            for name, value in extra.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body if answer.cut is None else body[: answer.cut])
            if answer.cut is not None or not answer.length:
                self.wfile.flush()
                self.close_connection = True

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Say nothing of clients that went away."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
