"""Backups: a collection as a directory of the service's machine, and back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends

from app.service.guarding import require_trust
from app.service.hosted import HostedService
from app.service.problems import documented
from app.service.requests import json_only
from uniir.wire import BackupAnswer, BackupRequest, RestoreRequest

_EXAMPLE = {"path": "/srv/backups/default", "dry_run": True}


def backup_routes(service: HostedService) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["upkeep"], responses=documented(400, 401, 404, 409, 413, 415, 422, 503))
    trusted_only = [Depends(require_trust), Depends(json_only)]

    @router.post("/backup", response_model=BackupAnswer, dependencies=trusted_only, summary="Write a collection to a directory")
    def backup(request: Annotated[BackupRequest, Body(examples=[_EXAMPLE])]) -> BackupAnswer:
        """On the service's machine. Wants the secret or the token."""
        return service.backup(request)

    @router.post("/restore", response_model=BackupAnswer, dependencies=trusted_only, summary="Bring a collection back from a directory")
    def restore(request: Annotated[RestoreRequest, Body(examples=[_EXAMPLE])]) -> BackupAnswer:
        """Every file is checked first. Wants the secret or the token."""
        return service.restore(request)

    return router
