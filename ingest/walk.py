"""Finding sources: a walk over a root in order of path, reading names and sizes only."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pathspec import GitIgnoreSpec

from uniir.errors import UsageError
from uniir.images import SUFFIXES as IMAGE_SUFFIXES
from uniir.ledger import SourceKind

TEXT_SUFFIXES = frozenset({".txt", ".md"})
MANIFEST_SUFFIX = ".jsonl"
SIDECAR_SUFFIXES = (".txt", ".md", ".json")  # in this order their texts are joined
IGNORE_FILE = ".uniirignore"
_LONGEST_PATH = 1400  # bytes; see ingest.scopes.LONGEST_ROOT


@dataclass(frozen=True, slots=True)
class Scope:
    """What is walked: a root, a directory below it (`prefix` ends in a slash), or single files of that directory."""

    root: str
    prefix: str = ""
    names: frozenset[str] | None = None

    def holds(self, path: str) -> bool:
        """Whether a path below the root lies in this scope."""
        if not path.startswith(self.prefix):
            return False
        return self.names is None or path[len(self.prefix) :] in self.names


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file below the root, not read yet."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Found:
    """A source on disk: its file, and for a pair the sidecars beside it."""

    kind: SourceKind
    file: FoundFile
    sidecars: tuple[FoundFile, ...] = ()

    @property
    def path(self) -> str:
        return self.file.path

    @property
    def signature(self) -> str:
        """Size and modification time of every file: what must be equal for a source not to be read again."""
        own = f"{self.file.size}:{self.file.mtime_ns}"
        return "|".join([own, *(f"{_suffix(file.path)}:{file.size}:{file.mtime_ns}" for file in self.sidecars)])


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that should have been a source and can't be."""

    path: str
    code: str
    reason: str
    signature: str = ""


class Exclusion:
    """Which names stay out: hidden ones, `.uniirignore` files (gitignore syntax) and patterns of the command line."""

    def __init__(self, patterns: Sequence[str], below: str, claimed: Container[str]) -> None:
        self._claimed = claimed
        self._specs: dict[str, GitIgnoreSpec] = {}
        self._any_pattern = bool(patterns)
        self._below = below  # what the patterns are relative to
        try:
            self._patterns = GitIgnoreSpec.from_lines(patterns)
        except (ValueError, re.error) as error:
            raise UsageError(f"A pattern of --exclude can't be used: {error}.", "Patterns are written as in a .gitignore file.") from None

    def read(self, root: str, directory: str) -> None:
        """Takes up the ignore file of a directory, if it has one."""
        try:
            with open(os.path.join(root, directory, IGNORE_FILE), encoding="utf-8", errors="replace") as file:
                self._specs[directory] = GitIgnoreSpec.from_lines(line for line in file if _is_pattern(line))
        except OSError:
            return

    def covers(self, path: str) -> bool:
        """Whether a path below the root stays out; directories end in a slash. The deepest ignore file that speaks decides."""
        if path[path.rfind("/", 0, -1) + 1] == "." or (self._any_pattern and self._patterns.match_file(path.removeprefix(self._below))):
            return True
        if path in self._claimed:
            return True
        for directory in sorted(self._specs, key=len, reverse=True):
            if path.startswith(directory):
                verdict = self._specs[directory].check_file(path[len(directory) :]).include
                if verdict is not None:
                    return bool(verdict)
        return False


def walk(scope: Scope, exclude: Sequence[str] = (), claimed: Container[str] = frozenset()) -> Iterator[Found | Obstacle]:
    """Every source in the scope, ordered by path as the catalog orders it (code points). Directory links are not followed.

    Files that are `claimed` are parts of other sources, and none themselves.
    """
    exclusion = Exclusion(exclude, scope.prefix, claimed)
    above = PurePosixPath(scope.prefix).parts
    for depth in range(len(above)):
        exclusion.read(scope.root, "".join(f"{part}/" for part in above[:depth]))
    for item in _walk_directory(scope.root, scope.prefix, exclusion, deeper=scope.names is None):
        if scope.names is None or item.path in {scope.prefix + name for name in scope.names} or _beside(item, scope):
            yield item


def _beside(item: Found | Obstacle, scope: Scope) -> bool:
    """A sidecar that was named brings its picture."""
    return isinstance(item, Found) and any(scope.holds(sidecar.path) for sidecar in item.sidecars)


@dataclass(slots=True)
class _Listing:
    """One directory: its files by suffix with their stems, and what stands in it for itself."""

    files: dict[str, list[tuple[str, FoundFile]]]
    items: list[tuple[str, Found | Obstacle | None]]  # by path; None is a directory

    def take(self, entry: os.DirEntry[str], directory: str, exclusion: Exclusion) -> None:
        """Takes up an entry, unless it stays out or is of no kind that is known."""
        path = directory + entry.name
        is_directory = entry.is_dir(follow_symlinks=False)
        stem, suffix = os.path.splitext(entry.name)
        suffix = suffix.lower()
        if exclusion.covers(path + "/" if is_directory else path) or not (is_directory or suffix in _KNOWN_SUFFIXES):
            return
        try:
            entry.name.encode()
        except UnicodeEncodeError:
            shown = directory + os.fsencode(entry.name).decode("utf-8", "backslashreplace")
            self.items.append((shown, Obstacle(shown, "name-not-utf8", "the file name is not valid UTF-8; rename it")))
            return
        if len(path.encode()) > _LONGEST_PATH:
            shown = path.encode()[: _LONGEST_PATH // 2].decode(errors="ignore") + f"… ({hashlib.sha256(path.encode()).hexdigest()[:8]})"
            reason = f"its path below the root is longer than {_LONGEST_PATH:,} bytes"
            self.items.append((shown, Obstacle(shown, "path-too-long", reason)))
            return
        if is_directory:
            self.items.append((path + "/", None))
            return
        try:
            status = entry.stat()
        except OSError as error:
            self.items.append((path, Obstacle(path, "unreadable", f"the file can't be read ({error.strerror or error})")))
            return
        if stat.S_ISREG(status.st_mode):
            self.files.setdefault(suffix, []).append((stem, FoundFile(path, status.st_size, status.st_mtime_ns)))

    def sources(self) -> Iterator[Found]:
        """Pictures with the sidecars of their stem, everything else by itself."""
        pictures = [one for suffix, files in self.files.items() if suffix in IMAGE_SUFFIXES for one in files]
        consumed: set[str] = set()
        by_stem: dict[str, list[FoundFile]] = {}
        for suffix in SIDECAR_SUFFIXES if pictures else ():
            for stem, file in sorted(self.files.get(suffix, ()), key=lambda one: one[1].path):
                by_stem.setdefault(stem, []).append(file)
        for stem, file in pictures:
            sidecars = tuple(by_stem.get(stem, ()))
            consumed.update(sidecar.path for sidecar in sidecars)
            yield Found(SourceKind.PAIR if sidecars else SourceKind.IMAGE, file, sidecars)
        for suffix in TEXT_SUFFIXES:
            yield from (Found(SourceKind.TEXT, file) for _, file in self.files.get(suffix, ()) if file.path not in consumed)
        yield from (Found(SourceKind.MANIFEST, file) for _, file in self.files.get(MANIFEST_SUFFIX, ()))


def _walk_directory(root: str, directory: str, exclusion: Exclusion, *, deeper: bool) -> Iterator[Found | Obstacle]:
    exclusion.read(root, directory)
    listing = _Listing({}, [])
    try:
        with os.scandir(os.path.join(root, directory)) as entries:
            for entry in entries:
                listing.take(entry, directory, exclusion)
    except OSError as error:
        yield Obstacle(directory, "unreadable", f"the directory can't be read ({error.strerror or error})")
        return
    listing.items += [(found.path, found) for found in listing.sources()]
    for path, item in sorted(listing.items, key=lambda pair: pair[0]):
        if item is not None:
            yield item
        elif deeper:
            yield from _walk_directory(root, path, exclusion, deeper=True)


def _is_pattern(line: str) -> bool:
    """Whether a line of an ignore file can be used; git passes over the others, too."""
    try:
        GitIgnoreSpec.from_lines([line])
    except (ValueError, re.error):
        return False
    return True


_KNOWN_SUFFIXES = IMAGE_SUFFIXES | TEXT_SUFFIXES | {MANIFEST_SUFFIX, *SIDECAR_SUFFIXES}


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def readable_suffix(name: str) -> bool:
    """Whether a file of this name can be a source, or belong to one."""
    return _suffix(name) in _KNOWN_SUFFIXES
