"""Collections and their upkeep."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request

from app.service.guarding import is_trusted, require_open_encoder, require_trust
from app.service.hosted import HostedService
from app.service.problems import documented
from app.service.requests import json_only
from uniir.errors import NotAllowed
from uniir.wire import (
    CollectionAnswer,
    CollectionsAnswer,
    DeleteAnswer,
    DeleteRequest,
    DoctorAnswer,
    DoctorRequest,
    NewCollection,
    RebuildAnswer,
    RebuildRequest,
)


def upkeep_routes(service: HostedService) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["upkeep"], responses=documented(400, 401, 404, 409, 413, 415, 422, 503))
    json_body = [Depends(json_only)]

    @router.get("/collections", response_model=CollectionsAnswer, summary="All collections and what they hold")
    def collections() -> CollectionsAnswer:
        return service.collections()

    @router.post(
        "/collections", response_model=CollectionAnswer, status_code=201, dependencies=json_body, summary="Make an empty collection"
    )
    def create(asked: Annotated[NewCollection, Body(examples=[{"name": "holidays"}])], request: Request) -> CollectionAnswer:
        """An encoder that is named by the path of its weights wants the secret or the token."""
        require_open_encoder(request, asked.encoder)
        return service.create_collection(asked)

    @router.post("/doctor", response_model=DoctorAnswer, dependencies=json_body, summary="Compare catalog, vectors, thumbnails and files")
    def doctor(asked: Annotated[DoctorRequest, Body(examples=[{"collection": "default"}])], request: Request) -> DoctorAnswer:
        """Looking is for everybody; `repair` wants the secret or the token."""
        if asked.repair and not is_trusted(request):
            raise NotAllowed(
                "Repairing changes what the service keeps, so it wants the owner's secret or the token.", "Leave out `repair`."
            )
        return service.doctor(asked)

    trusted_only = [Depends(require_trust), *json_body]

    @router.post("/rebuild", response_model=RebuildAnswer, dependencies=trusted_only, summary="Make the vectors anew from the catalog")
    def rebuild(request: Annotated[RebuildRequest, Body(examples=[{"collection": "default"}])]) -> RebuildAnswer:
        """Wants the secret or the token."""
        return service.rebuild(request)

    @router.post("/delete", response_model=DeleteAnswer, dependencies=trusted_only, summary="Forget documents, or a whole collection")
    def delete(request: Annotated[DeleteRequest, Body(examples=[{"paths": ["/srv/photos/2019"], "dry_run": True}])]) -> DeleteAnswer:
        """Files on disk stay. Wants the secret or the token."""
        return service.delete(request)

    return router
