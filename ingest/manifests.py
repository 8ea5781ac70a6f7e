"""JSONL manifests: M-BEIR's candidate schema (did, txt, img_path, modality), plus free metadata."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from uniir.documents import Json, Metadata, Modality
from uniir.errors import InputFailure
from uniir.texts import parse_json, require_clean, require_clean_json, require_text

_FIELDS = frozenset({"did", "txt", "img_path", "modality"})
_ANCESTORS = 3  # M-BEIR's pools lie in ROOT/cand_pool/local and their pictures' paths start at ROOT
_LONGEST_DID = 400  # bytes; see ingest.scopes.LONGEST_ROOT
_MBEIR_PICTURES = "mbeir_images"


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """A line that was understood. `picture` is absolute; `signature` changes with the line and with the picture."""

    locator: str
    signature: str
    modality: Modality
    text: str | None
    picture: Path | None
    metadata: Metadata = field(default_factory=dict)
    did: str | None = None

    @property
    def digest(self) -> str:
        """A hash of the line itself."""
        return self.signature.split("|", 1)[0]


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that can't be used."""

    locator: str
    signature: str
    code: str
    reason: str


def read_manifest(path: Path) -> Iterator[ManifestLine | RefusedLine]:
    """The lines of a manifest. Raises InputFailure where the first one shows that the file is none, or it can't be read."""
    seen: set[str] = set()
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                parsed = _parse(path, line, number)
                if number == 1 and isinstance(parsed, RefusedLine) and parsed.code == "manifest-schema":
                    raise InputFailure("not-a-manifest", f"the first line is no candidate: {parsed.reason}")
                if parsed.locator in seen:
                    reason = f"line {number}: the did of an earlier line comes again"
                    parsed = RefusedLine(f"line={number}", parsed.signature, "duplicate-id", reason)
                seen.add(parsed.locator)
                yield parsed
    except OSError as error:
        raise InputFailure("unreadable", f"the manifest can't be read ({error.strerror or error})") from None


def manifest_pictures(path: Path) -> Iterator[str]:
    """The paths of all pictures that a manifest names, those of refused lines included. Raises InputFailure."""
    for line in read_manifest(path):
        if picture := picture_of(line.signature):
            yield picture


def picture_of(signature: str) -> str:
    """The path of the picture behind a stored signature; empty for a line without one."""
    return signature.split("|", 2)[2] if signature else ""


def picture_unchanged(signature: str) -> bool:
    """Whether the picture behind a stored signature has its size and time still; False for a line left unfinished."""
    if not signature:
        return False
    _, status, picture = signature.split("|", 2)
    return not picture or status == _status(Path(picture))


def _parse(path: Path, line: bytes, number: int) -> ManifestLine | RefusedLine:
    digest = hashlib.sha256(line.strip()).hexdigest()[:16]
    locator = f"line={number}"
    signature = f"{digest}||"
    try:
        fields = _fields(line)
        if fields.get("did") is not None:
            require_clean(str(fields["did"]), "the did")
            if len(str(fields["did"]).encode()) > _LONGEST_DID:
                raise InputFailure("did-too-long", f"the did is longer than {_LONGEST_DID} bytes")
            locator = f"did={fields['did']}"
        picture = _picture(path, fields.get("img_path"))
        if picture is not None:
            signature = f"{digest}|{_status(picture)}|{picture}"
        text = fields.get("txt")
        if text is not None and not isinstance(text, str):
            raise InputFailure("manifest-schema", "`txt` is not a text")
        if picture is not None and text is not None and not text.strip():
            text = None
        modality = _modality(fields.get("modality"), has_text=text is not None, has_image=picture is not None)
        metadata = {key: value for key, value in fields.items() if key not in _FIELDS}
        require_clean_json(metadata, "the metadata")
        return ManifestLine(
            locator=locator,
            signature=signature,
            modality=modality,
            text=require_text(text, "`txt`") if modality.has_text and text is not None else None,
            picture=picture if modality.has_image else None,
            metadata=metadata,
            did=None if fields.get("did") is None else str(fields["did"]),
        )
    except InputFailure as failure:
        return RefusedLine(locator, signature, failure.code, f"line {number}: {failure.reason}")


def _fields(line: bytes) -> dict[str, Json]:
    try:
        fields = parse_json(line)
    except (ValueError, RecursionError) as error:
        raise InputFailure("manifest-schema", f"not valid JSON in UTF-8 ({error})") from None
    if not isinstance(fields, dict) or not fields.keys() & {"txt", "img_path"}:
        raise InputFailure("manifest-schema", "not an object with `txt` or `img_path`")
    return fields


def _picture(manifest: Path, value: Json) -> Path | None:
    """The picture's absolute path: beside the manifest, or below a directory a little above it."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InputFailure("manifest-schema", "`img_path` is not a text")
    require_clean(value, "`img_path`")
    if os.path.isabs(value) or ".." in Path(value).parts:
        raise InputFailure("path-outside", f"`img_path` {value!r} leads out of the manifest's directory")
    bases = list(manifest.parents)[: _ANCESTORS + 1] if Path(value).parts[0] == _MBEIR_PICTURES else [manifest.parent]
    try:
        for base in bases:
            if (base / value).is_file():
                return base / value
        if (manifest.parent / value).exists():
            raise InputFailure("unreadable", f"`img_path` {value!r} is not a file")
    except OSError as error:
        raise InputFailure("unreadable", f"`img_path` {value!r} can't be read ({error.strerror or error})") from None
    return manifest.parent / value


def _status(picture: Path) -> str:
    try:
        status = picture.stat()
    except OSError:
        return "missing"
    return f"{status.st_size}:{status.st_mtime_ns}"


def _modality(value: Json, *, has_text: bool, has_image: bool) -> Modality:
    if value is None:
        if not has_text and not has_image:
            raise InputFailure("manifest-schema", "neither `txt` nor `img_path` holds anything")
        return Modality.of(text=has_text, image=has_image)
    try:
        modality = Modality.spelled(value)
    except ValueError:
        raise InputFailure("manifest-schema", f"`modality` {value!r} is none of text, image and image,text") from None
    if (modality.has_text and not has_text) or (modality.has_image and not has_image):
        raise InputFailure("manifest-schema", f"`modality` is {modality}, but the line lacks a part of it")
    return modality
