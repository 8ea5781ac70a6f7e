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


@dataclass
class FakeRepository:
    """A whole repository on a hub: `files` by path. `asked` are the paths that were fetched; `cuts` as in `FakeHub`."""

    files: dict[str, bytes]
    name: str = "somebody/model"
    asked: list[str] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    address: str = ""


class RepositoryAnswers(BaseHTTPRequestHandler):
    hub: FakeRepository

    def do_HEAD(self) -> None:
        content = self._content()
        self.send_response(404 if content is None else 200)
        if content is not None:
            self.send_header("ETag", f'"{self._tag(content)}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()

    def do_GET(self) -> None:
        if self.path in {f"/api/models/{self.hub.name}/revision/{revision}" for revision in ("main", COMMIT, "refs%2Fpr%2F1")}:
            said = {"sha": COMMIT, "siblings": [{"rfilename": path} for path in self.hub.files]}
            self._give(200, json.dumps(said).encode())
            return
        content = self._content()
        if content is None:
            self._give(404, b"")
            return
        self.hub.asked.append(self.path.partition(COMMIT)[2].removeprefix("/"))
        start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        self._give(206, content[start:])

    def _content(self) -> bytes | None:
        """Only at the commit itself: whoever asks by a branch could meet two states of it."""
        return self.hub.files.get(self.path.removeprefix(f"/{self.hub.name}/resolve/{COMMIT}/"))

    def _tag(self, content: bytes) -> str:
        if len(content) > 10_000:  # as the hub does for what is stored apart
            return hashlib.sha256(content).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()

    def _give(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = self.hub.cuts.pop(0) if self.hub.cuts and status == 206 and len(body) > 10_000 else len(body)
        self.wfile.write(body[:cut])
        if cut < len(body):
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving_repository(hub: FakeRepository) -> Iterator[FakeRepository]:
    """The repository's hub at its address, for as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (RepositoryAnswers,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
