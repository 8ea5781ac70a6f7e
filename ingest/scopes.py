"""From the paths a person names to roots and scopes: no root ever lies inside another."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ingest.walk import Scope, readable_suffix
from uniir.errors import UsageError
from uniir.ledger import Ledger


def resolve_scopes(paths: Sequence[Path], ledger: Ledger) -> Sequence[Scope]:
    """Scopes for these paths, none inside another. A path above known roots becomes their root. Raises UsageError."""
    directories, files = _sorted_out(paths)
    roots = set(ledger.roots())
    scopes: list[Scope] = []
    for directory in directories:
        root = _root_of(directory, roots)
        if root is None:
            ledger.adopt(directory)
            roots = {known for known in roots if not _inside(known, directory)} | {directory}
            root = directory
        scopes.append(Scope(root, _prefix(directory, root)))
    for directory, names in files.items():
        if any(_inside(directory, covered) for covered in directories):
            continue
        root = _root_of(directory, roots) or directory
        roots.add(root)
        scopes.append(Scope(root, _prefix(directory, root), frozenset(names)))
    return scopes


def _sorted_out(paths: Sequence[Path]) -> tuple[list[str], dict[str, set[str]]]:
    """Directories, none inside another, and single files by directory."""
    directories: set[str] = set()
    files: dict[str, set[str]] = {}
    for path in paths:
        try:
            resolved = path.resolve(strict=True)
            os.fspath(resolved).encode()
        except UnicodeEncodeError:
            raise UsageError(f"The name {os.fsencode(path)!r} is not valid UTF-8.", "Rename it.") from None
        except (OSError, RuntimeError) as error:
            raise UsageError(f"{path} can't be ingested: {getattr(error, 'strerror', None) or error}.", "Nothing was changed.") from None
        if resolved.is_dir():
            directories.add(os.fspath(resolved))
        elif readable_suffix(resolved.name):
            files.setdefault(os.fspath(resolved.parent), set()).add(resolved.name)
        else:
            raise UsageError(
                f"{path} is of no kind that can be ingested.",
                "Pictures (jpg, png, webp, gif, bmp, tiff), texts (txt, md) and manifests (jsonl) can.",
            )
    outermost = [one for one in sorted(directories) if not any(one != other and _inside(one, other) for other in directories)]
    return outermost, files


def _root_of(directory: str, roots: set[str]) -> str | None:
    return next((root for root in sorted(roots, key=len) if _inside(directory, root)), None)


def _inside(path: str, directory: str) -> bool:
    return path == directory or path.startswith(os.path.join(directory, ""))


def _prefix(directory: str, root: str) -> str:
    return "" if directory == root else os.path.relpath(directory, root) + "/"
