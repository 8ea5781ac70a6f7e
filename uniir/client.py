"""The Python client of a service: `uniir.connect("http://127.0.0.1:8765").search_for("two dogs")`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from pydantic import BaseModel

from uniir.asking import search_request
from uniir.connection import PATIENT, Connection
from uniir.documents import Modality
from uniir.errors import QueryError, ServiceUnavailable
from uniir.queries import Reranking, Weights, WordSearch
from uniir.wire import (
    BackupAnswer,
    BackupRequest,
    CalibrationAnswer,
    CalibrationRequest,
    CollectionAnswer,
    CollectionsAnswer,
    DeleteAnswer,
    DeleteRequest,
    DoctorAnswer,
    DoctorRequest,
    DocumentAnswer,
    ExampleQuery,
    ExplainRequest,
    Explanation,
    FacetsAnswer,
    FailuresAnswer,
    FailureSelection,
    IngestRequest,
    InstructionsAnswer,
    JobAnswer,
    JobsAnswer,
    JudgmentAnswer,
    JudgmentRequest,
    JudgmentsAnswer,
    KeptPicture,
    NearestAnswer,
    NearestRequest,
    NewCollection,
    PromoteRequest,
    RebuildAnswer,
    RebuildRequest,
    RemoveSpaceRequest,
    RestoreRequest,
    RollbackRequest,
    ScoringAnswer,
    ScoringRequest,
    ScoringsAnswer,
    SearchAnswer,
    SearchManyAnswer,
    SearchManyRequest,
    SearchRequest,
    SpaceRequest,
    SpacesAnswer,
)

_PICTURE = "The picture"


class Client:
    """Implements uniir.service.Service over HTTP. Thread-safe; close it, or use it as a context manager.

    Every method raises the errors of uniir.errors in the words of the service, and ServiceUnavailable where none answers.
    """

    def __init__(self, address: str, token: str | None = None, *, patience: float = 10.0) -> None:
        """Does not connect yet. `patience` is for how many seconds a service may be away while a job is followed. Raises UsageError."""
        self.address = address.rstrip("/")
        self._patience = patience
        self._connection = Connection(address, token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def search_for(
        self,
        text: str | None = None,
        *,
        image: str | Path | bytes | None = None,
        instruction: str | None = None,
        target: Modality | str | None = None,
        k: int = 10,
        weights: Weights | None = None,
        negatives: Sequence[str] = (),
        like: Sequence[str] = (),
        path: str | None = None,
        where: str | None = None,
        rerank: Reranking | str = Reranking.AUTO,
        words: WordSearch | str = WordSearch.AUTO,
        guess: bool = False,
        complement: bool = False,
        collection: str | None = None,
    ) -> SearchAnswer:
        """A search from plain values: words, a picture (file or bytes), or both. Raises QueryError."""
        picture = Path("picture") if isinstance(image, bytes) else Path(image) if image is not None else None
        request = search_request(
            text,
            picture=picture,
            instruction=instruction,
            target=target,
            k=k,
            weights=weights,
            negatives=negatives,
            like=like,
            path=path,
            where=where,
            rerank=rerank,
            words=words,
            guess=guess,
            complement=complement,
            collection=collection,
        )
        if isinstance(image, bytes):
            return self.search(request.model_copy(update={"image": self.keep_picture(image).id}))
        return self.search(request, picture)

    def search(self, request: SearchRequest, picture: Path | None = None) -> SearchAnswer:
        """`picture` is a file on this machine; it is sent along."""
        if picture is None:
            return self._connection.ask("/v1/search", request, SearchAnswer)
        content = _content(picture)
        data, files = {"request": request.model_dump_json(by_alias=True)}, {"image": ("picture", content)}
        try:
            return self._connection.post("/v1/search", SearchAnswer, data=data, files=files)
        except QueryError as error:
            if not error.what.startswith(f"{_PICTURE} can't"):
                raise
            raise QueryError(error.what.replace(_PICTURE, f"{_PICTURE} {picture}", 1)) from None

    def search_in_steps(self, request: SearchRequest, picture: Path | None = None) -> Iterator[SearchAnswer]:
        """`picture` is a file on this machine; it is sent first."""
        if picture is not None:
            request = request.model_copy(update={"image": self.keep_picture(_content(picture)).id})
        return self._connection.events("/v1/search/steps", SearchAnswer, request)

    def search_many(self, request: SearchManyRequest) -> SearchManyAnswer:
        return self._connection.post("/v1/search/many", SearchManyAnswer, request, PATIENT)

    def nearest(self, request: NearestRequest) -> NearestAnswer:
        return self._connection.post("/v1/search/nearest", NearestAnswer, request, PATIENT)

    def explain(self, request: ExplainRequest) -> Explanation:
        return self._connection.ask("/v1/explain", request, Explanation)

    def judge(self, request: JudgmentRequest, picture: Path | None = None) -> JudgmentAnswer:
        """`picture` is a file on this machine; it is sent first."""
        if picture is not None:
            search = request.search.model_copy(update={"image": self.keep_picture(_content(picture)).id})
            request = request.model_copy(update={"search": search})
        return self._connection.post("/v1/judgments", JudgmentAnswer, request)

    def judgments(self, collection: str | None = None) -> JudgmentsAnswer:
        return self._connection.get("/v1/judgments", JudgmentsAnswer, collection=collection)

    def forget_judgment(self, judgment: int) -> JudgmentAnswer:
        return self._connection.delete(f"/v1/judgments/{judgment}", JudgmentAnswer)

    def score_judgments(self, request: ScoringRequest) -> ScoringAnswer:
        return self._connection.post("/v1/judgments/score", ScoringAnswer, request, PATIENT)

    def calibrate(self, request: CalibrationRequest) -> CalibrationAnswer:
        return self._connection.post("/v1/judgments/calibrate", CalibrationAnswer, request, PATIENT)

    def scorings(self, collection: str | None = None) -> ScoringsAnswer:
        return self._connection.get("/v1/judgments/scorings", ScoringsAnswer, collection=collection)

    def keep_picture(self, picture: bytes) -> KeptPicture:
        return self._connection.post("/v1/images", KeptPicture, files={"image": ("picture", picture)})

    def document(self, document: str) -> DocumentAnswer:
        return self._connection.get(f"/v1/documents/{quote(document, safe='')}", DocumentAnswer)

    def thumbnail(self, document: str, size: int = 256) -> bytes:
        """The document's picture as a JPEG, 256 or 1024 pixels long. Raises NotFound."""
        return self._connection.file(f"/v1/documents/{quote(document, safe='')}/thumbnail", size=size)

    def original(self, document: str) -> bytes:
        """The file with the document's picture, or with its text where it has none. Raises NotFound."""
        return self._connection.file(f"/v1/documents/{quote(document, safe='')}/original")

    def examples(self, collection: str | None = None) -> Sequence[ExampleQuery]:
        return self._connection.list("/v1/examples", ExampleQuery, collection=collection)

    def facets(self, collection: str | None = None, where: str | None = None) -> FacetsAnswer:
        return self._connection.get("/v1/facets", FacetsAnswer, collection=collection, where=where)

    def instructions(self) -> InstructionsAnswer:
        return self._connection.get("/v1/instructions", InstructionsAnswer)

    def collections(self) -> CollectionsAnswer:
        return self._connection.get("/v1/collections", CollectionsAnswer)

    def create_collection(self, request: NewCollection) -> CollectionAnswer:
        return self._connection.post("/v1/collections", CollectionAnswer, request)

    def failures(self, selection: FailureSelection) -> FailuresAnswer:
        return self._connection.get("/v1/failures", FailuresAnswer, collection=selection.collection, path=selection.paths)

    def ignore_failures(self, selection: FailureSelection) -> int:
        return self._connection.post("/v1/failures/ignore", _Ignored, selection).ignored

    def start_ingest(self, request: IngestRequest) -> JobAnswer:
        return self._connection.post("/v1/ingest", JobAnswer, request)

    def ingest_files(self, files: Sequence[tuple[str, bytes]], collection: str | None = None) -> JobAnswer:
        """Sends files, by name, to be kept and ingested."""
        data = {"collection": collection} if collection is not None else {}
        return self._connection.post(
            "/v1/ingest/files", JobAnswer, timeout=PATIENT, data=data, files=[("files", (name, content)) for name, content in files]
        )

    def jobs(self) -> JobsAnswer:
        return self._connection.get("/v1/ingest", JobsAnswer)

    def job(self, job: str) -> JobAnswer:
        return self._connection.get(_job(job), JobAnswer)

    def follow(self, job: str) -> Iterator[JobAnswer]:
        """The job now and at every change until it is over. A stream that breaks off is taken up again for some seconds."""
        deadline = time.monotonic() + self._patience
        before: JobAnswer | None = None
        while True:
            try:
                for now in self._connection.events(f"{_job(job)}/events", JobAnswer):
                    deadline = time.monotonic() + self._patience
                    if now != before:
                        yield now
                        before = now
                    if now.is_over:
                        return
            except ServiceUnavailable:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def cancel(self, job: str) -> JobAnswer:
        return self._connection.post(f"{_job(job)}/cancel", JobAnswer)

    def retry(self, job: str) -> JobAnswer:
        return self._connection.post(f"{_job(job)}/retry", JobAnswer)

    def spaces(self, collection: str | None = None) -> SpacesAnswer:
        return self._connection.get("/v1/spaces", SpacesAnswer, collection=collection)

    def add_space(self, request: SpaceRequest) -> JobAnswer:
        return self._connection.post("/v1/spaces", JobAnswer, request, PATIENT)

    def promote_space(self, request: PromoteRequest) -> SpacesAnswer:
        return self._connection.post("/v1/spaces/promote", SpacesAnswer, request, PATIENT)

    def rollback_space(self, request: RollbackRequest) -> SpacesAnswer:
        return self._connection.post("/v1/spaces/rollback", SpacesAnswer, request, PATIENT)

    def remove_space(self, request: RemoveSpaceRequest) -> SpacesAnswer:
        return self._connection.post("/v1/spaces/remove", SpacesAnswer, request, PATIENT)

    def doctor(self, request: DoctorRequest) -> DoctorAnswer:
        return self._connection.post("/v1/doctor", DoctorAnswer, request, PATIENT)

    def rebuild(self, request: RebuildRequest) -> RebuildAnswer:
        return self._connection.post("/v1/rebuild", RebuildAnswer, request, PATIENT)

    def backup(self, request: BackupRequest) -> BackupAnswer:
        return self._connection.post("/v1/backup", BackupAnswer, request, PATIENT)

    def restore(self, request: RestoreRequest) -> BackupAnswer:
        return self._connection.post("/v1/restore", BackupAnswer, request, PATIENT)

    def delete(self, request: DeleteRequest) -> DeleteAnswer:
        return self._connection.post("/v1/delete", DeleteAnswer, request, PATIENT)

    def instance(self) -> str:
        """What tells services apart. Raises ServiceUnavailable for what is no service."""
        return self._connection.greet("/healthz", _Health).instance


class _Ignored(BaseModel):
    ignored: int


class _Health(BaseModel):
    instance: str


def _content(picture: Path) -> bytes:
    try:
        return picture.read_bytes()
    except OSError as error:
        raise QueryError(f"{_PICTURE} {picture} can't be used: the file can't be read ({error.strerror or error}).") from None


def _job(job: str) -> str:
    return f"/v1/ingest/{quote(job, safe='')}"
