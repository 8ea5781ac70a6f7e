"""Reading what routes are sent: JSON and nothing else, or forms and nothing else."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request
from starlette.exceptions import HTTPException

Id = Annotated[str, Path(pattern="^[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{13}$", description="a document's id, as hits have it")]
Hash = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="what POST /v1/images answered")]
JobId = Annotated[str, Path(max_length=100, description="a job's id")]
Collection = Annotated[str | None, Query(max_length=100, description="a collection's name; none: the settings' one")]


def media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def json_only(request: Request) -> None:
    """Refuses bodies that do not say they are JSON: browsers send only such ones to other sites without asking first."""
    _require(request, "application/json")


async def forms_only(request: Request) -> None:
    _require(request, "multipart/form-data")


def _require(request: Request, wanted: str) -> None:
    if media_type(request) != wanted:
        raise HTTPException(415, f"The request is {media_type(request)[:100] or 'of no type'}; this address reads {wanted}.")
