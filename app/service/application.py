"""The service as an ASGI application."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

import uniir
from app.service import problems
from app.service.guarding import Guard, Rules
from app.service.hosted import HostedService
from app.service.limits import BodyLimit
from app.service.measuring import Measurements
from app.service.observing import Observer
from app.service.readiness import Readiness
from app.service.routes.backups import backup_routes
from app.service.routes.documents import document_routes
from app.service.routes.health import health_routes
from app.service.routes.ingest import ingest_routes
from app.service.routes.judgments import judgment_routes
from app.service.routes.search import search_routes
from app.service.routes.spaces import space_routes
from app.service.routes.upkeep import upkeep_routes
from storage.ownership import instance_of
from uniir.settings import Settings

_UPLOADS = ("/v1/search", "/v1/images", "/v1/ingest/files")
_DESCRIPTION = """
Search over collections of pictures, texts and captioned pictures.

Errors are problem details (RFC 9457) with a stable `code`. Where a token is set, send `Authorization: Bearer TOKEN` with everything but
`/healthz`; without one the service listens on loopback only, and only what changes or deletes data wants the owner's secret.
"""


def create_app(
    service: HostedService,
    settings: Settings,
    secret: str,
    measurements: Measurements | None = None,
    readiness: Readiness | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> FastAPI:
    """All routes over this service. Raises UsageError where `settings.host` is not on loopback and there is no token.

    `stopping` tells event streams that the server wants to end.
    """
    measurements = measurements or Measurements()
    measurements.watch(service)
    bearer = HTTPBearer(auto_error=False, description="the token of the settings, or the owner's secret")
    app = FastAPI(
        title="uniir",
        version=uniir.__version__,
        summary="One ranked list of pictures, texts and pairs for words, a picture, or both",
        description=_DESCRIPTION,
        docs_url=None,  # they load from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},  # nothing leaves this process
    )
    problems.install(app)
    everywhere = [Depends(bearer)]
    for router in (search_routes(service, measurements), document_routes(service), ingest_routes(service, settings, stopping)):
        app.include_router(router, dependencies=everywhere)
    app.include_router(judgment_routes(service), dependencies=everywhere)
    app.include_router(space_routes(service), dependencies=everywhere)
    app.include_router(upkeep_routes(service), dependencies=everywhere)
    app.include_router(backup_routes(service), dependencies=everywhere)
    app.include_router(health_routes(instance_of(secret), readiness or Readiness(service), measurements))
    app.add_middleware(BodyLimit, upload_bytes=settings.upload_megabytes * 2**20, uploads=_UPLOADS)
    app.add_middleware(Guard, rules=Rules.of(settings, secret))
    app.add_middleware(Observer, measurements=measurements)
    return app
