"""From the paths a person names to roots and scopes: no root ever lies inside another."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ingest.walk import Scope, readable_suffix
from uniir.errors import UsageError
from uniir.ledger import Ledger

# Index entries of Postgres hold 2,700 bytes: root, path and place in a manifest together stay below that, on SQLite too.
LONGEST_ROOT = 800


def resolve_scopes(paths: Sequence[Path], ledger: Ledger) -> Sequence[Scope]:
    """Scopes for these paths, none inside another. A path above known roots becomes their root. Raises UsageError."""
    directories, files = _sorted_out(paths)
    roots = set(ledger.roots())
    scopes: list[Scope] = []
    for directory in directories:
        root, roots = _settle_root(directory, roots, ledger)
        scopes.append(Scope(root, _prefix(directory, root)))
    for directory, names in sorted(files.items()):
        if not any(_inside(directory, covered) for covered in directories):
            root, roots = _settle_root(directory, roots, ledger)
            scopes.append(Scope(root, _prefix(directory, root), frozenset(names)))
    return scopes


def require_ingestible(paths: Sequence[Path]) -> None:
    """Raises UsageError for a path that is not there or of no kind that can be ingested."""
    _sorted_out(paths)


def _sorted_out(paths: Sequence[Path]) -> tuple[list[str], dict[str, set[str]]]:
    """Directories, none inside another, and single files by directory."""
    directories: set[str] = set()
    files: dict[str, set[str]] = {}
    for path in paths:
        try:
            resolved = path.resolve(strict=True)
            if not resolved.is_dir():  # a link to a file is known by its own name, as a walk knows it
                resolved = path.parent.resolve() / path.name
            os.fspath(resolved).encode()
        except UnicodeEncodeError:
            raise UsageError(f"The name {os.fsencode(path)!r} is not valid UTF-8.", "Rename it.") from None
        except (OSError, RuntimeError, ValueError) as error:  # a NUL character is no part of any name
            raise UsageError(f"{path} can't be ingested: {getattr(error, 'strerror', None) or error}.", "Nothing was changed.") from None
        if len(os.fsencode(resolved)) > LONGEST_ROOT:
            raise UsageError(f"{path} can't be ingested: its path is longer than {LONGEST_ROOT} bytes.", "Move it further up.")
        if resolved.is_dir():
            directories.add(os.fspath(resolved))
        elif resolved.is_file() and readable_suffix(resolved.name):  # a pipe is none
            files.setdefault(os.fspath(resolved.parent), set()).add(resolved.name)
        else:
            raise UsageError(
                f"{path} is of no kind that can be ingested.",
                "Pictures (jpg, png, webp, gif, bmp, tiff), texts (txt, md) and manifests (jsonl) can.",
            )
    outermost = [one for one in sorted(directories) if not any(one != other and _inside(one, other) for other in directories)]
    return outermost, files


def _settle_root(directory: str, roots: set[str], ledger: Ledger) -> tuple[str, set[str]]:
    """The root a directory lies below, and all roots: it becomes one itself, in place of those inside it, if there is none."""
    root = next((known for known in sorted(roots, key=len) if _inside(directory, known)), None)
    if root is not None:
        return root, roots
    ledger.adopt(directory)
    return directory, {known for known in roots if not _inside(known, directory)} | {directory}


def _inside(path: str, directory: str) -> bool:
    return path == directory or path.startswith(os.path.join(directory, ""))


def _prefix(directory: str, root: str) -> str:
    return "" if directory == root else os.path.relpath(directory, root) + "/"
