"""The spaces of collections: what stands beside, and which one is searched."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends

from app.service.guarding import require_trust
from app.service.hosted import HostedService
from app.service.problems import documented
from app.service.requests import Collection, json_only
from uniir.wire import JobAnswer, PromoteRequest, RemoveSpaceRequest, RollbackRequest, SpaceRequest, SpacesAnswer


def space_routes(service: HostedService) -> APIRouter:
    router = APIRouter(prefix="/v1/spaces", tags=["spaces"], responses=documented(400, 401, 404, 409, 413, 415, 422, 503))
    trusted_only = [Depends(require_trust), Depends(json_only)]

    @router.get("", response_model=SpacesAnswer, summary="The spaces of a collection and what each one covers")
    def spaces(collection: Collection = None) -> SpacesAnswer:
        return service.spaces(collection)

    @router.post(
        "", response_model=JobAnswer, status_code=202, dependencies=trusted_only, summary="Encode a collection for another encoder"
    )
    def add(request: Annotated[SpaceRequest, Body(examples=[{"encoder": "starter"}])]) -> JobAnswer:
        """A job like an ingest; the same again goes on. Search stays where it is. Wants the secret or the token."""
        return service.add_space(request)

    @router.post("/promote", response_model=SpacesAnswer, dependencies=trusted_only, summary="Search in another space from now on")
    def promote(request: Annotated[PromoteRequest, Body(examples=[{}])]) -> SpacesAnswer:
        """Refused while documents are missing there. Wants the secret or the token."""
        return service.promote_space(request)

    @router.post("/rollback", response_model=SpacesAnswer, dependencies=trusted_only, summary="Search again where it was before")
    def rollback(request: Annotated[RollbackRequest, Body(examples=[{}])]) -> SpacesAnswer:
        """Refused while documents are missing there. Wants the secret or the token."""
        return service.rollback_space(request)

    @router.post("/remove", response_model=SpacesAnswer, dependencies=trusted_only, summary="Forget a space that is not searched")
    def remove(request: Annotated[RemoveSpaceRequest, Body(examples=[{}])]) -> SpacesAnswer:
        """Rows and vectors. Wants the secret or the token."""
        return service.remove_space(request)

    return router
