"""For those who watch the service: is the process there, does it answer, what has it done."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel

from app.service.measuring import CONTENT_TYPE, Measurements
from app.service.problems import documented
from app.service.readiness import Readiness


class Health(BaseModel):
    """The process is there. `instance` tells services apart; it is no secret."""

    status: str = "ok"
    instance: str


class Ready(BaseModel):
    """A query was encoded and searched for in each of these collections."""

    status: str = "ready"
    collections: list[str]


def health_routes(instance: str, readiness: Readiness, measurements: Measurements) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz", response_model=Health, summary="Whether the process is there")
    async def healthz() -> Health:
        """Needs no token."""
        return Health(instance=instance)

    @router.get("/readyz", response_model=Ready, responses=documented(503), summary="Whether it really answers searches")
    def readyz() -> Ready:
        """Encodes a query and searches in every collection."""
        return Ready(collections=readiness.check())

    @router.get(
        "/metrics", response_class=PlainTextResponse, responses={200: {"content": {"text/plain": {}}}}, summary="Counts for Prometheus"
    )
    def metrics() -> Response:
        return Response(measurements.text(), media_type=CONTENT_TYPE)

    return router
