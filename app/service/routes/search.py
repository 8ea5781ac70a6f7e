"""Asking: searches, their explanations, query pictures, instructions and examples."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, Response
from pydantic import ValidationError
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.datastructures import UploadFile as FormFile
from starlette.exceptions import HTTPException

from app.service.files import unchanging
from app.service.guarding import require_trust
from app.service.hosted import HostedService
from app.service.limits import JSON_BYTES
from app.service.measuring import Measurements
from app.service.problems import documented
from app.service.requests import Collection, Hash, forms_only, json_only, media_type
from uniir.filter_language import MAX_LENGTH
from uniir.wire import (
    ExampleQuery,
    ExplainRequest,
    Explanation,
    FacetsAnswer,
    InstructionsAnswer,
    KeptPicture,
    NearestAnswer,
    NearestRequest,
    SearchAnswer,
    SearchManyAnswer,
    SearchManyRequest,
    SearchRequest,
)

_PICTURES_AT_ONCE = 4  # the largest picture that is let in takes half a gigabyte while it is decoded
_EXAMPLES = {
    "words": {"summary": "words", "value": {"text": "a boat at sunset", "k": 5}},
    "pictures only": {
        "summary": "pictures only, away from something",
        "value": {"text": "a boat", "target": "image", "not": ["a harbour"]},
    },
    "more like this": {"summary": "more like a document", "value": {"like": ["01JH2V4Q0W3NK"], "path": "holidays/"}},
}
_EXPLAINED = {"search": {"text": "a boat at sunset"}, "document": "01JH2V4Q0W3NK"}
_MANY = {"space": "0123456789abcdef", "queries": [{"text": "a boat at sunset"}]}
_NEAREST = {"space": "0123456789abcdef", "documents": [{"text": "A boat at sunset."}]}
_SEARCH_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/SearchRequest"}, "examples": _EXAMPLES},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["request", "image"],
                    "properties": {
                        "request": {"$ref": "#/components/schemas/SearchRequest"},
                        "image": {"type": "string", "format": "binary", "description": "the query picture"},
                    },
                },
                "encoding": {"request": {"contentType": "application/json"}},
            },
        },
    }
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as it came, and the picture that came with it."""

    request: SearchRequest
    picture: FormFile | None


async def asked(request: Request) -> Asked:
    """The search of a JSON body or of a form with the parts `request` and `image`."""
    kind = media_type(request)
    if kind == "application/json":
        return Asked(_parsed(await request.body()), None)
    if kind != "multipart/form-data":
        raise HTTPException(415, "A search is application/json, or multipart/form-data with the parts `request` and `image`.")
    form = await request.form(max_files=2, max_fields=2, max_part_size=JSON_BYTES)
    request.scope["fastapi_middleware_astack"].push_async_callback(form.close)
    told, picture = form.get("request"), form.get("image")
    if told is None or not isinstance(picture, FormFile):
        raise HTTPException(400, "A form with a search has the parts `request`, which is JSON, and `image`, which is a file.")
    return Asked(_parsed(await told.read() if isinstance(told, FormFile) else told), picture)


def _parsed(body: bytes | str) -> SearchRequest:
    try:
        return SearchRequest.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]) from None


def _event(answer: SearchAnswer) -> ServerSentEvent:
    return ServerSentEvent(answer.model_dump_json(by_alias=True), event="answer")


def search_routes(service: HostedService, measurements: Measurements) -> APIRouter:
    decoding = BoundedSemaphore(_PICTURES_AT_ONCE)
    router = APIRouter(prefix="/v1", tags=["search"], responses=documented(400, 401, 404, 409, 413, 415, 422, 503))
    trusted_only = [Depends(require_trust), Depends(json_only)]

    @router.post("/search", response_model=SearchAnswer, openapi_extra=_SEARCH_BODY, summary="The best documents for a query")
    def search(asking: Annotated[Asked, Depends(asked)]) -> Response:
        """Words, a picture, both, or ids of documents to resemble; one ranked list of documents of all kinds.

        A picture is sent along as a form's part, or named by the hash that POST /v1/images answered.
        """
        request = asking.request
        if asking.picture is None and request.image is None:
            answer = service.search(request)
        else:
            with decoding:
                if asking.picture is not None:
                    request = request.model_copy(update={"image": service.keep_picture(asking.picture.file.read()).id})
                answer = service.search(request)
        measurements.search(answer)
        # Written here and not by the framework, which would check the whole answer once more in another thread.
        return Response(answer.model_dump_json(by_alias=True), media_type="application/json")

    @router.post(
        "/search/steps",
        response_class=EventSourceResponse,
        responses={200: {"content": {"text/event-stream": {}}}},
        dependencies=[Depends(json_only)],
        summary="The same in steps, as server-sent events",
    )
    async def steps(request: Annotated[SearchRequest, Body(openapi_examples=_EXAMPLES)]) -> EventSourceResponse:
        """An event `answer` with the first order where reading again takes more than a moment (`rerank.state` is pending), and one with
        the last."""
        answers = service.search_in_steps(request)
        first = await run_in_threadpool(next, answers)  # what can't be answered is an error, not a stream

        async def events() -> AsyncIterator[ServerSentEvent]:
            yield _event(first)
            last = first
            async for answer in iterate_in_threadpool(answers):
                last = answer
                yield _event(answer)
            measurements.search(last)

        return EventSourceResponse(events())

    @router.post("/search/many", response_model=SearchManyAnswer, dependencies=trusted_only, summary="Many searches, for measuring")
    def many(request: Annotated[SearchManyRequest, Body(examples=[_MANY])]) -> SearchManyAnswer:
        """Each is answered as if it came alone, by external ids. Pictures are files of this machine. Wants the secret or the token."""
        return service.search_many(request)

    @router.post(
        "/search/nearest", response_model=NearestAnswer, dependencies=trusted_only, summary="Which documents lie nearest to documents"
    )
    def nearest(request: Annotated[NearestRequest, Body(examples=[_NEAREST])]) -> NearestAnswer:
        """A document that is in the collection is its own nearest. Wants the secret or the token."""
        return service.nearest(request)

    @router.post("/explain", response_model=Explanation, dependencies=[Depends(json_only)], summary="Why a document has its score")
    def explain(request: Annotated[ExplainRequest, Body(examples=[_EXPLAINED])]) -> Explanation:
        """The terms of the score-fusion sum: each part of the query against each part of the document."""
        return service.explain(request)

    @router.post("/images", response_model=KeptPicture, dependencies=[Depends(forms_only)], summary="Keep a query picture for a while")
    def keep(image: UploadFile) -> KeptPicture:
        """The answer's id is the SHA-256 of the file: what `image` of a search names."""
        with decoding:
            return service.keep_picture(image.file.read())

    @router.get(
        "/images/{sha256}",
        response_class=FileResponse,
        responses={200: {"content": {"image/jpeg": {}}}, 304: {"description": "Unchanged"}},
        summary="A kept query picture, 256 pixels",
    )
    def kept(sha256: Hash, request: Request) -> Response:
        return unchanging(service.kept_thumbnail(sha256), request)

    @router.get("/facets", response_model=FacetsAnswer, summary="What a search could be narrowed by")
    def facets(
        collection: Collection = None,
        where: Annotated[str | None, Query(max_length=MAX_LENGTH, description="a filter; none: all documents")] = None,
    ) -> FacetsAnswer:
        """Documents that fit, counted by modality, folder and metadata, with the filter for each; the 20 most frequent."""
        return service.facets(collection, where)

    @router.get("/instructions", response_model=InstructionsAnswer, summary="What can be asked for")
    def instructions() -> InstructionsAnswer:
        return service.instructions()

    @router.get("/examples", response_model=list[ExampleQuery], summary="Searches that find something, for a first visit")
    def examples(collection: Collection = None) -> Sequence[ExampleQuery]:
        return service.examples(collection)

    return router
