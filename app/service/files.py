"""Pictures and originals over HTTP: nothing in them may become a page, and nothing is sent twice without need."""

from __future__ import annotations

from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse, Response

from uniir.errors import NotFound

# What a browser may show in place. All the rest is saved: a document could be a page with a script.
_SHOWN = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}
_FOREVER = "private, max-age=31536000, immutable"  # the address has the content's hash
_ASK_AGAIN = "private, no-cache"  # a document keeps its id when its picture changes
_HARMLESS = {"Content-Security-Policy": "sandbox; default-src 'none'"}


def unchanging(thumbnail: Path, request: Request) -> Response:
    """A thumbnail whose address stands for this content forever."""
    return _thumbnail(thumbnail, request, _FOREVER)


def current(thumbnail: Path, request: Request) -> Response:
    """A document's thumbnail of today, which costs nothing to ask for again."""
    return _thumbnail(thumbnail, request, _ASK_AGAIN)


def original(file: Path) -> Response:
    """The file itself, shown where that is safe, else to be saved."""
    _require(file)
    media_type = _SHOWN.get(file.suffix.lower())
    name = file.name.encode(errors="replace").decode()
    disposition = "inline" if media_type else "attachment"
    headers = {**_HARMLESS, "Cache-Control": _ASK_AGAIN}
    return FileResponse(file, 200, headers, media_type or "application/octet-stream", filename=name, content_disposition_type=disposition)


def _thumbnail(file: Path, request: Request, caching: str) -> Response:
    _require(file)
    tag = f'"{file.stem}"'  # its name begins with the hash of the picture it was made of
    headers = {"ETag": tag, "Cache-Control": caching, **_HARMLESS}
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return FileResponse(file, 200, headers, "image/jpeg")


def _require(file: Path) -> None:
    if not file.is_file():
        raise NotFound("The file is gone.", "It comes back with the next ingest if it still stands in its folder.")
