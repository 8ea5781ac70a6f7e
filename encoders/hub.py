"""Fetches files from a model hub (Hugging Face's, or one that speaks like it) at one revision, and goes on where it was cut off."""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlsplit

import httpx
from filelock import FileLock, Timeout

from encoders.specs import HubFile, HubRepository
from uniir.errors import ModelUnavailable, StoreUnavailable

_ENDPOINT = "https://huggingface.co"
_ATTEMPTS = 5
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHA1 = re.compile(r"[0-9a-f]{40}")
_ABBREVIATED = re.compile(r"[0-9a-f]{7,39}")
_WAY_OUT = "Try again later, or fetch the file elsewhere and give it to `uniir models convert`."
_DIRECTORY_TOO = "Try again later, or fetch its files elsewhere: the path of their directory is an encoder's name too."


@dataclass(frozen=True, slots=True)
class Remote:
    """What the hub says of a file: the commit it stands at, its size in bytes, and the tag of its content."""

    commit: str
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub at an address. `pause` is in seconds, before a broken connection is made again."""

    endpoint: str = _ENDPOINT
    token: str | None = None
    offline: bool = False
    pause: float = 1.0

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Hub:
        """As the variables say that Hugging Face's own tools read: HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE."""
        offline = environment.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
        return cls((environment.get("HF_ENDPOINT") or _ENDPOINT).rstrip("/"), environment.get("HF_TOKEN") or None, offline)

    def fetch(self, file: HubFile, folder: Path, progress: Callable[[int, int], None]) -> tuple[Path, Remote]:
        """The file in the folder, and where it came from; what an earlier attempt left there is used.

        `progress` is told bytes done and bytes in all. Raises StoreUnavailable where there is no room, and ModelUnavailable where the hub
        can't be reached, has no such file, or breaks off again and again.
        """
        self._require_online(f"{file.path} of {file.repository}")
        with self._fetching(file.path, folder) as client:
            remote = self._remote(client, file)
            return self._whole(client, file, remote, folder, folder / file.path.rpartition("/")[2], progress), remote

    def listed(self, repository: HubRepository) -> tuple[str, list[str]]:
        """The commit that a revision stands at, and the paths of its files. Raises ModelUnavailable."""
        self._require_online(repository.name)
        file = HubFile(repository.name, "", repository.revision)
        try:
            with self._client() as client:
                revision = self._whole_commit(client, file) if _ABBREVIATED.fullmatch(file.revision) else file.revision
                answer = client.get(f"{self.endpoint}/api/models/{repository.name}/revision/{quote(revision, safe='')}")
                self._expect(answer, file, {200})
                said = answer.json()
                names = [str(one["rfilename"]) for one in said["siblings"]]
                commit = str(said["sha"])
        except httpx.HTTPError as error:
            raise ModelUnavailable(f"{self.endpoint} can't be reached ({error}).", _DIRECTORY_TOO) from None
        except (ValueError, KeyError, TypeError):
            raise ModelUnavailable(f"{self.endpoint} does not say what {repository.name} holds.", _DIRECTORY_TOO) from None
        # A path that led out of the folder would be the hub writing where it likes.
        return commit, sorted(name for name in names if ".." not in PurePosixPath(name).parts and not name.startswith("/"))

    def fetch_into(self, repository: HubRepository, path: str, folder: Path, progress: Callable[[int, int], None]) -> Path:
        """A repository's file at its own path below the folder; what is there as the hub has it is not fetched again.

        Raises StoreUnavailable, ModelUnavailable as `fetch` does.
        """
        file, done = HubFile(repository.name, path, repository.revision), folder / path
        self._require_online(f"{path} of {repository.name}")
        with self._fetching(path, folder / ".parts") as client:
            remote = self._remote(client, file)
            if done.is_file() and _is(done, remote):
                return done
            done.parent.mkdir(parents=True, exist_ok=True)
            return self._whole(client, file, remote, folder / ".parts", done, progress)

    def _require_online(self, what: str) -> None:
        if self.offline:
            raise ModelUnavailable(
                f"{what} is not here, and HF_HUB_OFFLINE forbids to fetch it.",
                "Unset it, or fetch it elsewhere: a file goes to `uniir models convert`, and the path of a directory is an encoder's name.",
            )

    @contextmanager
    def _fetching(self, what: str, folder: Path) -> Iterator[httpx.Client]:
        """A connection while nobody else fetches into the folder; what can go wrong outside of it is said in words."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / ".lock", timeout=0), self._client() as client:
                yield client
        except Timeout:
            raise ModelUnavailable(f"Another process is fetching {what}.", "Wait for it.") from None
        except httpx.HTTPError as error:
            raise ModelUnavailable(f"{self.endpoint} can't be reached ({error}).", _WAY_OUT) from None
        except OSError as error:
            raise StoreUnavailable(f"{folder} can't be written ({error.strerror or error}).", "Make room.") from None

    def _client(self) -> httpx.Client:
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        return httpx.Client(headers=headers, timeout=30.0)

    def _remote(self, client: httpx.Client, file: HubFile) -> Remote:
        revision = self._whole_commit(client, file) if _ABBREVIATED.fullmatch(file.revision) else file.revision
        answer = client.head(self._address(file, revision))
        # A large file is answered with a redirect to where it is stored; what it is stands in the redirect itself.
        while answer.is_redirect and "x-linked-size" not in answer.headers and not urlsplit(answer.headers["location"]).netloc:
            answer = client.head(answer.url.join(answer.headers["location"]))
        self._expect(answer, file, {200, 302, 307})
        size = answer.headers.get("x-linked-size") or answer.headers.get("content-length")
        etag = (answer.headers.get("x-linked-etag") or answer.headers.get("etag") or "").removeprefix("W/").strip('"')
        commit = answer.headers.get("x-repo-commit") or revision
        if size is None or not size.isdigit() or not etag:
            raise ModelUnavailable(f"{self.endpoint} does not say what {file.path} is.", _WAY_OUT)
        return Remote(commit, int(size), etag)

    def _whole_commit(self, client: httpx.Client, file: HubFile) -> str:
        """The commit that begins so; the hub itself takes whole ones only."""
        page: str | None = f"{self.endpoint}/api/models/{file.repository}/commits/main"
        while page is not None:
            answer = client.get(page)
            self._expect(answer, file, {200})
            for commit in answer.json():
                if str(commit["id"]).startswith(file.revision):
                    return str(commit["id"])
            page = answer.links.get("next", {}).get("url")
        raise ModelUnavailable(f"{file.repository} has no revision {file.revision}.", "Give another with `--revision`.")

    def _whole(
        self, client: httpx.Client, file: HubFile, remote: Remote, folder: Path, done: Path, progress: Callable[[int, int], None]
    ) -> Path:
        part = folder / f"{hashlib.sha256(remote.etag.encode()).hexdigest()[:16]}.part"
        for other in folder.glob("*.part"):
            if other != part:
                other.unlink()  # of a content that the hub no longer gives
        have = part.stat().st_size if part.exists() else 0
        if shutil.disk_usage(folder).free < remote.size - have:
            raise StoreUnavailable(f"{file.path} needs {(remote.size - have) / 1e6:,.0f} MB in {folder}.", "Make room.")
        failed = 0
        while have < remote.size:
            progress(have, remote.size)
            try:
                self._continue(client, self._address(file, remote.commit), file, part, have, lambda count: progress(count, remote.size))
            except httpx.TransportError as error:
                reason = str(error) or type(error).__name__
            else:
                reason = "the connection was closed early"
            before, have = have, part.stat().st_size if part.exists() else 0
            failed = 0 if have > before else failed + 1
            if have < remote.size and failed == _ATTEMPTS:
                way_out = "The same command goes on from there."
                raise ModelUnavailable(f"{file.path} broke off at {have / 1e6:,.0f} of {remote.size / 1e6:,.0f} MB ({reason}).", way_out)
            if have < remote.size:
                time.sleep(self.pause * failed)
        progress(remote.size, remote.size)
        part.touch()  # an empty file is whole before anything was fetched
        _check(part, remote, file)
        part.replace(done)
        return done

    def _continue(self, client: httpx.Client, address: str, file: HubFile, part: Path, have: int, progress: Callable[[int], None]) -> None:
        with client.stream("GET", address, headers={"Range": f"bytes={have}-"}, follow_redirects=True) as answer:
            self._expect(answer, file, {200, 206})
            goes_on = answer.status_code == 206
            with part.open("ab" if goes_on else "wb") as out:
                # As it arrives: what is gathered into larger blocks would be lost with the connection.
                for block in answer.iter_raw():
                    out.write(block)
                    progress(out.tell())

    def _address(self, file: HubFile, revision: str) -> str:
        return f"{self.endpoint}/{file.repository}/resolve/{quote(revision, safe='')}/{quote(file.path)}"

    def _expect(self, answer: httpx.Response, file: HubFile, codes: set[int]) -> None:
        if answer.status_code in codes:
            return
        what = f"{file.path} of {file.repository} at {file.revision}" if file.path else f"{file.repository} at {file.revision}"
        if answer.status_code == 404:
            raise ModelUnavailable(
                f"{self.endpoint} has no {what}.", f"{self.endpoint}/{file.repository}/commits/main lists the revisions."
            )
        if answer.status_code in {401, 403}:
            raise ModelUnavailable(f"{self.endpoint} does not give {what} to everybody.", "Set HF_TOKEN to a token that may read it.")
        raise ModelUnavailable(f"{self.endpoint} answered {answer.status_code} for {what}.", _WAY_OUT)


def _check(part: Path, remote: Remote, file: HubFile) -> None:
    """Raises ModelUnavailable, and removes it, where the file is not the one that the hub described."""
    if not _is(part, remote):
        part.unlink()
        raise ModelUnavailable(f"{file.path} is not what the hub said it is; it was deleted.", "Fetch it again.")


def _is(path: Path, remote: Remote) -> bool:
    """Whether a file is the one that the hub described: large ones go by SHA-256, small ones by git's own tag."""
    if path.stat().st_size != remote.size:
        return False
    if _SHA256.fullmatch(remote.etag):
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == remote.etag
    if _SHA1.fullmatch(remote.etag):
        return hashlib.sha1(b"blob %d\0" % remote.size + path.read_bytes(), usedforsecurity=False).hexdigest() == remote.etag
    return True
