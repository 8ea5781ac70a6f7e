"""What a collection must hold, worked out from the files alone, by other code than the product's."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, TypeAlias

from PIL import Image

from ingest.passages import cut
from tests.worlds import World
from uniir.documents import Document

Files: TypeAlias = "dict[str, bytes]"
Content: TypeAlias = "tuple[str | None, str | None, str]"
"""Text, hash of the picture, metadata as JSON."""

BAD = b"\0 neither text nor picture"


@dataclass(frozen=True, slots=True)
class Expected:
    """Documents by place, and the places of what can't be used."""

    documents: dict[str, tuple[Content, ...]]
    bad: frozenset[str]


def expected(files: Files) -> Expected:
    """Every source of the files: what it gives, in order, or that it is bad."""
    documents: dict[str, tuple[Content, ...]] = {}
    bad: set[str] = set()
    claimed: set[str] = set()
    for path, data in files.items():
        if path.endswith(".jsonl"):
            for line in map(json.loads, data.splitlines()):
                place = f"{path}#did={line['did']}"
                picture = str(PurePosixPath(path).parent / line["img_path"]) if line.get("img_path") else ""
                claimed.add(picture)
                content = _line(line, picture, files)
                documents |= {place: (content,)} if content is not None else {}
                bad |= {place} if content is None else set()
    pictures = [path for path in files if _suffix(path) == ".jpg" and path not in claimed]
    sidecars = {
        one: [path for path in (_beside(one, ".txt"), _beside(one, ".md"), _beside(one, ".json")) if path in files] for one in pictures
    }
    for path, beside in sidecars.items():
        content = _pair(
            files[path],
            [files[one] for one in beside if _suffix(one) != ".json"],
            [files[one] for one in beside if _suffix(one) == ".json"],
        )
        documents |= {path: (content,)} if content is not None else {}
        bad |= {path} if content is None else set()
    consumed = {one for beside in sidecars.values() for one in beside}
    for path in (path for path, data in files.items() if _suffix(path) in {".txt", ".md"} and path not in consumed):
        if files[path] == BAD:
            bad.add(path)
        else:
            documents[path] = tuple((passage.text, None, "{}") for passage in cut(files[path].decode()))
    return Expected(documents, frozenset(bad))


def held(world: World) -> dict[str, tuple[Content, ...]]:
    """The same of a collection: passages of one file together, in order."""
    found: dict[str, list[tuple[int, Content]]] = {}
    for place, document in world.documents().items():
        path, _, span = place.partition("#chars=")
        found.setdefault(path, []).append((int(span.partition("-")[0] or 0), content_of(document)))
    return {place: tuple(content for _, content in sorted(parts)) for place, parts in found.items()}


def content_of(document: Document) -> Content:
    return document.text, document.image.sha256 if document.image else None, json.dumps(document.metadata, sort_keys=True)


def _line(line: dict[str, Any], picture: str, files: Files) -> Content | None:
    if not picture:
        return line.get("txt"), None, "{}"
    data = files.get(picture)
    if data is None or not _is_picture(data):
        return None
    return line.get("txt"), hashlib.sha256(data).hexdigest(), "{}"


def _pair(picture: bytes, texts: list[bytes], fields: list[bytes]) -> Content | None:
    if not _is_picture(picture) or BAD in texts or BAD in fields:
        return None
    text = "\n\n".join(one.decode().strip() for one in texts) or None
    metadata = json.loads(fields[0]) if fields else {}
    return text, hashlib.sha256(picture).hexdigest(), json.dumps(metadata, sort_keys=True)


def _is_picture(data: bytes) -> bool:
    try:
        Image.open(io.BytesIO(data)).load()
    except OSError:
        return False
    return True


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix


def _beside(path: str, suffix: str) -> str:
    return str(PurePosixPath(path).with_suffix(suffix))
