"""A model hub on loopback that answers as Hugging Face's does: redirects, ranges, tags, and connections that are cut."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeHub:
    """One file of one repository. `cuts` says after how many bytes each coming answer breaks off; `ranges` were asked for."""

    content: bytes
    path: str = "folder/model.pth"
    repository: str = "somebody/models"
    etag: str = ""
    cuts: list[int] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    honours_ranges: bool = True
    status: int = 200
    address: str = ""

    @property
    def tag(self) -> str:
        return self.etag or hashlib.sha256(self.content).hexdigest()

    def place(self, revision: str) -> str:
        return f"/{self.repository}/resolve/{revision}/{self.path}"


class Answers(BaseHTTPRequestHandler):
    hub: FakeHub

    def do_HEAD(self) -> None:
        self.hub.tokens.append(self.headers.get("Authorization"))
        known = self.path in {self.hub.place("main"), self.hub.place(COMMIT)}
        status = self.hub.status if self.hub.status != 200 else 302 if known else 404
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"{self.hub.address}/store/model")
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("X-Linked-Size", str(len(self.hub.content)))
            self.send_header("X-Linked-ETag", f'"{self.hub.tag}"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        if self.path.startswith(f"/api/models/{self.hub.repository}/commits/main"):
            last = "page=2" in self.path
            body = json.dumps([{"id": COMMIT if last else "f" * 40}]).encode()
            link = {} if last else {"Link": f'<{self.hub.address}/api/models/{self.hub.repository}/commits/main?page=2>; rel="next"'}
            self._give(200, body, link)
        elif self.path == self.hub.place(COMMIT):
            self._give(302, b"", {"Location": f"{self.hub.address}/store/model"})
        elif self.path == "/store/model":
            asked = self.headers["Range"]
            self.hub.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if self.hub.honours_ranges else 0
            self._give(206 if self.hub.honours_ranges else 200, self.hub.content[start:], {})
        else:
            self._give(404, b"", {})

    def _give(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        cut = self.hub.cuts.pop(0) if self.hub.cuts and self.path == "/store/model" else len(body)
        self.wfile.write(body[:cut])
        if cut < len(body):
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(hub: FakeHub) -> Iterator[FakeHub]:
    """The hub at its address, for as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Answers,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
