"""Addresses of pictures on the page's own origin; the process that serves the page asks the service for them."""

from __future__ import annotations

NEW_PICTURE = "/media/picture"


def thumbnail(document: str, side: int = 256) -> str:
    """A document's picture, its longest side 256 or 1024 pixels."""
    return f"/media/document/{document}/{side}"


def original(document: str) -> str:
    """The file a document comes from."""
    return f"/media/document/{document}/original"


def kept_picture(sha256: str) -> str:
    """A query picture, 256 pixels."""
    return f"{NEW_PICTURE}/{sha256}"
