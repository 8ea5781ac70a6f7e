"""What a person can do about an input that can't be used, by the code of its failure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_AGAIN = "then ingest again."
_WAYS_OUT: Mapping[str, str] = MappingProxyType(
    {
        "image-damaged": f"Open it in another program and save it anew, or fetch it again, {_AGAIN}",
        "image-empty": f"Copy or download the file again, {_AGAIN}",
        "image-missing": f"Put the picture where the line says, or correct the line, {_AGAIN}",
        "image-too-large": f"Save it with fewer pixels, or raise the setting `pixel_limit`, {_AGAIN}",
        "image-unknown": f"Save it as JPEG, PNG, WebP, GIF, BMP or TIFF, {_AGAIN}",
        "text-empty": "Write something into it, or remove it.",
        "text-not-utf8": f"Save it as UTF-8, {_AGAIN}",
        "text-nul": "It seems to be no text: rename or exclude it, or remove the NUL characters.",
        "text-surrogate": f"Remove the character from the text, {_AGAIN}",
        "text-too-large": "Divide it into smaller files, or exclude it.",
        "sidecar-not-json": f"Correct the JSON beside the picture, {_AGAIN}",
        "metadata-too-deep": f"Make the metadata flatter, {_AGAIN}",
        "manifest-schema": f"Correct the line, {_AGAIN}",
        "not-a-manifest": "Exclude the file, or make every line of it a JSON object.",
        "path-outside": f"Move the picture below the manifest's folder, or correct the line, {_AGAIN}",
        "duplicate-id": f"Give one of the two another id, {_AGAIN}",
        "not-accepted": "Ingest it into a collection whose encoder takes this kind.",
        "encode-failed": "Try again; if it stays, the file is worth a report to us.",
        "name-not-utf8": f"Rename the file, {_AGAIN}",
        "unreadable": f"Mend the permissions, or mount the disk, {_AGAIN}",
    }
)
_ELSE = "Mend or exclude it, then ingest again."


def way_out_of(code: str) -> str:
    """One sentence."""
    return _WAYS_OUT.get(code, _ELSE)
