"""Judgments: what people say of hits, and how the collection fares by them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path

from app.service.guarding import require_trust
from app.service.hosted import HostedService
from app.service.problems import documented
from app.service.requests import Collection, json_only
from uniir.wire import (
    CalibrationAnswer,
    CalibrationRequest,
    JudgmentAnswer,
    JudgmentRequest,
    JudgmentsAnswer,
    ScoringAnswer,
    ScoringRequest,
    ScoringsAnswer,
)

_JUDGED = {"search": {"text": "a boat at sunset"}, "document": "01JH2V4Q0W3NK", "grade": 1}
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="the judgment's id, as hits and GET /v1/judgments have it")]


def judgment_routes(service: HostedService) -> APIRouter:
    router = APIRouter(prefix="/v1/judgments", tags=["judgments"], responses=documented(400, 401, 404, 409, 413, 415, 422, 503))
    json_body = [Depends(json_only)]

    @router.post("", response_model=JudgmentAnswer, dependencies=json_body, summary="Say how well a document answers a search")
    def judge(request: Annotated[JudgmentRequest, Body(examples=[_JUDGED])]) -> JudgmentAnswer:
        """The same search and document again: the new grade takes the place of the old one."""
        return service.judge(request)

    @router.get("", response_model=JudgmentsAnswer, summary="All judgments of a collection")
    def judgments(collection: Collection = None) -> JudgmentsAnswer:
        return service.judgments(collection)

    @router.delete("/{judgment}", response_model=JudgmentAnswer, summary="Take a judgment back")
    def forget(judgment: Number) -> JudgmentAnswer:
        return service.forget_judgment(judgment)

    @router.post(
        "/score", response_model=ScoringAnswer, dependencies=[Depends(require_trust), *json_body], summary="Measure search by the judgments"
    )
    def score(request: Annotated[ScoringRequest, Body(examples=[{"collection": "default"}])]) -> ScoringAnswer:
        """Asks every judged query anew, and keeps the result. Wants the secret or the token."""
        return service.score_judgments(request)

    @router.post(
        "/calibrate",
        response_model=CalibrationAnswer,
        dependencies=[Depends(require_trust), *json_body],
        summary="Find out what the reranker's values mean here",
    )
    def calibrate(request: Annotated[CalibrationRequest, Body(examples=[{"collection": "default"}])]) -> CalibrationAnswer:
        """By judgments where there are enough, else by unrelated pairs; searches follow it at once. Wants the secret or the token."""
        return service.calibrate(request)

    @router.get("/scorings", response_model=ScoringsAnswer, summary="Earlier results, oldest first")
    def scorings(collection: Collection = None) -> ScoringsAnswer:
        return service.scorings(collection)

    return router
