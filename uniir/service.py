"""Everything a person or a program can ask of a data directory: done in this process, or by its owner over HTTP, with the same answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

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


class Service(Protocol):
    """`app.local` does it here, `uniir.client` asks a running service. Every method raises UniirError and its children."""

    def search(self, request: SearchRequest, picture: Path | None = None) -> SearchAnswer:
        """The k best documents. `picture` is a file of the caller's; a picture that is kept already is named in the request."""
        ...

    def search_in_steps(self, request: SearchRequest, picture: Path | None = None) -> Iterator[SearchAnswer]:
        """The first order where reading hits again takes more than a moment (`rerank.state` is pending), then what `search` answers."""
        ...

    def search_many(self, request: SearchManyRequest) -> SearchManyAnswer:
        """Each as if it came alone, with pictures of the machine that owns the data. Raises UsageError where another space is searched."""
        ...

    def nearest(self, request: NearestRequest) -> NearestAnswer:
        """Which document lies nearest to each of these. Raises as `search_many` does."""
        ...

    def explain(self, request: ExplainRequest) -> Explanation:
        """Why a document has its score in this search."""
        ...

    def judge(self, request: JudgmentRequest, picture: Path | None = None) -> JudgmentAnswer:
        """Keeps how well a document answers a search, in place of an earlier grade; the query's picture is kept as long."""
        ...

    def judgments(self, collection: str | None = None) -> JudgmentsAnswer: ...

    def forget_judgment(self, judgment: int) -> JudgmentAnswer:
        """Takes a judgment back and says what it was."""
        ...

    def score_judgments(self, request: ScoringRequest) -> ScoringAnswer:
        """Asks the judged queries as any search is answered now, and keeps how it came out."""
        ...

    def calibrate(self, request: CalibrationRequest) -> CalibrationAnswer:
        """Finds out from judgments, or from unrelated pairs, what the reranker's values mean in a collection."""
        ...

    def scorings(self, collection: str | None = None) -> ScoringsAnswer: ...

    def keep_picture(self, picture: bytes) -> KeptPicture:
        """Keeps a query picture under its hash. Raises QueryError for what is no usable picture."""
        ...

    def document(self, document: str) -> DocumentAnswer: ...

    def examples(self, collection: str | None = None) -> Sequence[ExampleQuery]:
        """Searches that find something here, for a first visit; the same ones each time while the collection stays as it is."""
        ...

    def facets(self, collection: str | None = None, where: str | None = None) -> FacetsAnswer:
        """How many documents that fit a filter are of each kind, folder and value of their metadata."""
        ...

    def instructions(self) -> InstructionsAnswer: ...

    def collections(self) -> CollectionsAnswer: ...

    def create_collection(self, request: NewCollection) -> CollectionAnswer: ...

    def failures(self, selection: FailureSelection) -> FailuresAnswer: ...

    def ignore_failures(self, selection: FailureSelection) -> int:
        """Keeps inputs in quarantine and out of every report until they change; says how many."""
        ...

    def start_ingest(self, request: IngestRequest) -> JobAnswer:
        """Queues an ingest; one runs at a time."""
        ...

    def jobs(self) -> JobsAnswer:
        """All that are remembered, newest first."""
        ...

    def job(self, job: str) -> JobAnswer: ...

    def follow(self, job: str) -> Iterator[JobAnswer]:
        """The job now, then at every change a few times a second, until it is over."""
        ...

    def cancel(self, job: str) -> JobAnswer:
        """Ends a job after the batch at hand; what is done stays."""
        ...

    def retry(self, job: str) -> JobAnswer:
        """Queues the same ingest once more, quarantined inputs included."""
        ...

    def spaces(self, collection: str | None = None) -> SpacesAnswer:
        """The spaces of a collection, and how much each one covers."""
        ...

    def add_space(self, request: SpaceRequest) -> JobAnswer:
        """Queues the encoding of a collection for another encoder, beside the space that is searched; goes on with one that is there."""
        ...

    def promote_space(self, request: PromoteRequest) -> SpacesAnswer:
        """Searches in another space from now on. Raises UsageError while documents are missing there."""
        ...

    def rollback_space(self, request: RollbackRequest) -> SpacesAnswer:
        """Searches again in the space that was searched before. Raises UsageError while documents are missing there."""
        ...

    def remove_space(self, request: RemoveSpaceRequest) -> SpacesAnswer:
        """Forgets a space that is not searched."""
        ...

    def doctor(self, request: DoctorRequest) -> DoctorAnswer: ...

    def rebuild(self, request: RebuildRequest) -> RebuildAnswer: ...

    def backup(self, request: BackupRequest) -> BackupAnswer:
        """Writes a collection to a directory on the machine that owns the data."""
        ...

    def restore(self, request: RestoreRequest) -> BackupAnswer:
        """Brings a collection back. Raises UsageError for a damaged backup, and for what is here already."""
        ...

    def delete(self, request: DeleteRequest) -> DeleteAnswer: ...
