"""Documents by id: what is known of them, their pictures, the files they come from."""

from __future__ import annotations

from enum import IntEnum

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from app.service.files import current, original
from app.service.hosted import HostedService
from app.service.problems import documented
from app.service.requests import Id
from uniir.wire import DocumentAnswer


class Side(IntEnum):
    """The longest side of a thumbnail in pixels."""

    SMALL = 256
    LARGE = 1024


def document_routes(service: HostedService) -> APIRouter:
    router = APIRouter(prefix="/v1/documents", tags=["documents"], responses=documented(400, 404, 422, 503))

    @router.get("/{document}", response_model=DocumentAnswer, summary="All that is known of a document")
    def document(document: Id) -> DocumentAnswer:
        return service.document(document)

    @router.get(
        "/{document}/thumbnail",
        response_class=FileResponse,
        responses={200: {"content": {"image/jpeg": {}}}, 304: {"description": "Unchanged"}},
        summary="The document's picture, small",
    )
    def thumbnail(document: Id, request: Request, size: Side = Side.SMALL) -> Response:
        """A JPEG picture, upright and in sRGB, its longest side at most `size` pixels."""
        return current(service.thumbnail(document, int(size)), request)

    @router.get(
        "/{document}/original",
        response_class=FileResponse,
        responses={200: {"content": {"application/octet-stream": {}, "image/*": {}, "text/plain": {}}}},
        summary="The file the document comes from",
    )
    def whole(document: Id) -> Response:
        """The picture's file, or the text's where there is no picture. Pictures and plain texts are shown, all else is saved."""
        return original(service.original(document))

    return router
