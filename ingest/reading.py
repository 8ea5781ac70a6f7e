"""Reading a source: bytes to hashes and documents. Pictures stay bytes here; they are decoded once, later."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest.manifests import ManifestLine
from ingest.passages import cut
from ingest.walk import Found, FoundFile
from uniir.documents import Document, ImageReference, Json, Metadata, Modality, Source
from uniir.errors import InputFailure
from uniir.ids import new_id
from uniir.images import read_image
from uniir.ledger import SourceDraft, SourceKey, SourceKind
from uniir.texts import decode_text, parse_json, require_clean_json, require_text

TEXT_LIMIT = 64 * 2**20  # bytes; a larger file is data, not a text somebody reads
_CAPTION_FIELDS = ("txt", "text", "caption")


@dataclass(frozen=True, slots=True)
class Reading:
    """A source as read: its draft, and the bytes of its picture if it has one."""

    draft: SourceDraft
    picture: bytes | None = None


def read_source(key: SourceKey, found: Found, known_as: int | None) -> Reading:
    """Reads an image, a text or a pair; raises InputFailure."""
    match found.kind:
        case SourceKind.IMAGE:
            return _read_picture(key, found, known_as)
        case SourceKind.PAIR:
            return _read_picture(key, found, known_as)
        case SourceKind.TEXT:
            return _read_text(key, found, known_as)
        case _:
            raise ValueError(f"{found.kind} is read line by line")


def read_line(key: SourceKey, line: ManifestLine, known_as: int | None) -> Reading:
    """Reads the picture that a manifest's line names; raises InputFailure."""
    picture, reference = None, None
    if line.picture is not None:
        with _naming(f"its picture {line.picture.name!r}"):
            picture = read_image(line.picture)
        reference = ImageReference(line.picture, _sha256(picture))
    document = Document(
        id=new_id(),
        modality=line.modality,
        text=line.text,
        image=reference,
        source=Source(key.root, key.path, line.locator),
        metadata=line.metadata,
        external_id=line.did,
    )
    content = _sha256(f"{line.digest} {reference.sha256 if reference else ''}".encode())
    draft = SourceDraft(key, SourceKind.RECORD, line.signature, content, (document,), known_as)
    return Reading(draft, picture)


def _read_picture(key: SourceKey, found: Found, known_as: int | None) -> Reading:
    picture = read_image(key.file)
    sidecars = [(sidecar, _read_sidecar(key.root, sidecar)) for sidecar in found.sidecars]
    text, metadata = _caption(sidecars)
    sha256 = _sha256(picture)
    document = Document(
        id=new_id(),
        modality=Modality.of(text=text is not None, image=True),
        text=text,
        image=ImageReference(key.file, sha256),
        source=Source(key.root, key.path),
        metadata=metadata,
    )
    content = sha256 if not sidecars else _sha256(b"".join(hashlib.sha256(data).digest() for data in (picture, *(d for _, d in sidecars))))
    return Reading(SourceDraft(key, found.kind, found.signature, content, (document,), known_as), picture)


def _caption(sidecars: Sequence[tuple[FoundFile, bytes]]) -> tuple[str | None, Metadata]:
    """The texts of all sidecars, joined, and the metadata of a JSON one."""
    texts: list[str] = []
    metadata: dict[str, Json] = {}
    for file, data in sidecars:
        name = os.path.basename(file.path)
        with _naming(f"its sidecar {name!r}"):
            if not name.lower().endswith(".json"):
                texts.append(require_text(decode_text(data), "the text").strip())
                continue
            fields = _json_object(data)
            require_clean_json(fields, "a text")
            caption = next((fields[field] for field in _CAPTION_FIELDS if isinstance(fields.get(field), str)), None)
            if isinstance(caption, str) and caption.strip():
                texts.append(caption.strip())
            metadata |= {field: value for field, value in fields.items() if field not in _CAPTION_FIELDS}
    return "\n\n".join(texts) or None, metadata


def _read_sidecar(root: str, sidecar: FoundFile) -> bytes:
    with _naming(f"its sidecar {os.path.basename(sidecar.path)!r}"):
        return _read_limited(root, sidecar)


@contextmanager
def _naming(what: str) -> Iterator[None]:
    """Says which of a source's files an InputFailure is about."""
    try:
        yield
    except InputFailure as failure:
        raise InputFailure(failure.code, f"{what} can't be used: {failure.reason}") from None


def _json_object(data: bytes) -> dict[str, Json]:
    try:
        fields = parse_json(data)
    except (ValueError, RecursionError) as error:
        raise InputFailure("sidecar-not-json", f"it is not valid JSON in UTF-8 ({error})") from None
    if not isinstance(fields, dict):
        raise InputFailure("sidecar-not-json", "it is not a JSON object")
    return fields


def _read_text(key: SourceKey, found: Found, known_as: int | None) -> Reading:
    data = _read_limited(key.root, found.file)
    text = require_text(decode_text(data), "the file")
    passages = list(cut(text))
    documents = tuple(
        Document(
            id=new_id(),
            modality=Modality.TEXT,
            text=passage.text,
            source=Source(key.root, key.path, f"chars={passage.start}-{passage.end}" if len(passages) > 1 else None),
        )
        for passage in passages
    )
    return Reading(SourceDraft(key, found.kind, found.signature, _sha256(data), documents, known_as))


def _read_limited(root: str, file: FoundFile) -> bytes:
    if file.size > TEXT_LIMIT:
        raise InputFailure("text-too-large", f"{file.size / 2**20:,.0f} MiB; texts may have {TEXT_LIMIT // 2**20} MiB")
    try:
        data = (Path(root) / file.path).read_bytes()
    except OSError as error:
        raise InputFailure("unreadable", f"the file can't be read ({error.strerror or error})") from None
    if not data:
        raise InputFailure("text-empty", "the file is empty")
    return data


def hash_file(file: Path) -> str:
    """SHA-256 of a file of any size; empty where it can't be read."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:
        return ""


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
