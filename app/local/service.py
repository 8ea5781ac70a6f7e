"""Everything one can ask of a data directory, done in the process that owns it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from app.local.collections.backups import Backups
from app.local.collections.listing import Listing
from app.local.collections.spaces import Spaces
from app.local.collections.upkeep import Upkeep
from app.local.jobs.board import JobBoard
from app.local.jobs.filling import SpaceFilling
from app.local.jobs.ingesting import Ingesting
from app.local.jobs.turns import turns_of
from app.local.jobs.uploads import SentFile, Uploads
from app.local.jobs.work import Work
from app.local.judgments.calibrating import Calibrating
from app.local.judgments.judging import Judging
from app.local.judgments.scoring import ScoringJudgments
from app.local.searches.documents import Documents
from app.local.searches.examples import Examples
from app.local.searches.facets import Facets
from app.local.searches.kept_pictures import KeptPictures
from app.local.searches.many import ManySearches
from app.local.searches.searching import Searching
from app.wiring.owned import OwnedInstallation
from storage.ownership import Claim
from storage.sql.collections import require_name
from storage.sql.jobs.jobs import Origin
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


class LocalService:
    """Implements uniir.service.Service, and what only the owner can do: hand out files, take uploads, run its queue."""

    def __init__(self, everything: OwnedInstallation, ownership: Claim) -> None:
        installation = everything.installation
        self.settings = installation.settings
        turns = turns_of(installation)
        self._ownership = ownership
        kept = self.settings.query_pictures_directory
        self._pictures = KeptPictures(kept, installation.images, restored=installation.judgments.picture)
        self._judging = Judging(installation, self._pictures)
        self._scoring = ScoringJudgments(everything, self._pictures)
        self._calibrating = Calibrating(everything, self._pictures)
        self._searching = Searching(everything, self._pictures, self._judging)
        self._many_searches = ManySearches(everything)
        self._documents = Documents(installation)
        self._examples = Examples(installation, self._searching)
        self._facets = Facets(installation)
        self._listing = Listing(everything)
        self._board = JobBoard(installation.jobs, installation.presence, Work(Ingesting(everything), SpaceFilling(everything)), turns)
        self._spaces = Spaces(everything, turns)
        self._backups = Backups(everything, turns)
        self._upkeep = Upkeep(everything, turns)

    def announce(self, address: str, secret: str) -> None:
        """Tells waiting commands of this user where they can ask, once the routes answer there."""
        self._ownership.announce(address, secret)

    def resume_jobs(self) -> None:
        """Goes on with what earlier services left; for those who stay."""
        self._board.resume()

    def drain_jobs(self) -> Iterator[JobsAnswer]:
        """Says what is left to do until nothing is; then takes no more. For those who are about to end."""
        return self._board.drain()

    def close(self) -> bool:
        """Ends the job at work after its batch and leaves it in the queue. False: it did not end in time."""
        return self._board.close()

    def search(self, request: SearchRequest, picture: Path | None = None) -> SearchAnswer:
        return self._searching.search(request, picture)

    def search_in_steps(self, request: SearchRequest, picture: Path | None = None) -> Iterator[SearchAnswer]:
        return self._searching.search_in_steps(request, picture)

    def search_many(self, request: SearchManyRequest) -> SearchManyAnswer:
        return self._many_searches.search(request)

    def nearest(self, request: NearestRequest) -> NearestAnswer:
        return self._many_searches.nearest(request)

    def explain(self, request: ExplainRequest) -> Explanation:
        return self._searching.explain(request)

    def judge(self, request: JudgmentRequest, picture: Path | None = None) -> JudgmentAnswer:
        return self._judging.judge(request, self._searching.query(request.search, picture))

    def judgments(self, collection: str | None = None) -> JudgmentsAnswer:
        return self._judging.judgments(collection)

    def forget_judgment(self, judgment: int) -> JudgmentAnswer:
        return self._judging.forget(judgment)

    def score_judgments(self, request: ScoringRequest) -> ScoringAnswer:
        return self._scoring.score(request)

    def calibrate(self, request: CalibrationRequest) -> CalibrationAnswer:
        return self._calibrating.calibrate(request)

    def scorings(self, collection: str | None = None) -> ScoringsAnswer:
        return self._scoring.scorings(collection)

    def keep_picture(self, picture: bytes) -> KeptPicture:
        return self._pictures.keep(picture)

    def kept_thumbnail(self, sha256: str) -> Path:
        """A kept query picture, 256 pixels. Raises NotFound."""
        return self._pictures.thumbnail(sha256)

    def document(self, document: str) -> DocumentAnswer:
        return self._documents.document(document)

    def thumbnail(self, document: str, size: int) -> Path:
        """The document's picture as a JPEG file, 256 or 1024 pixels long. Raises NotFound."""
        return self._documents.thumbnail(document, size)

    def original(self, document: str) -> Path:
        """The file with the document's picture, or with its text where it has none. Raises NotFound."""
        return self._documents.original(document)

    def examples(self, collection: str | None = None) -> Sequence[ExampleQuery]:
        return self._examples.examples(collection)

    def facets(self, collection: str | None = None, where: str | None = None) -> FacetsAnswer:
        return self._facets.facets(collection, where)

    def instructions(self) -> InstructionsAnswer:
        return self._listing.instructions()

    def collections(self) -> CollectionsAnswer:
        return self._listing.collections()

    def create_collection(self, request: NewCollection) -> CollectionAnswer:
        return self._listing.create_collection(request)

    def failures(self, selection: FailureSelection) -> FailuresAnswer:
        return self._listing.failures(selection)

    def ignore_failures(self, selection: FailureSelection) -> int:
        return self._listing.ignore_failures(selection)

    def start_ingest(self, request: IngestRequest) -> JobAnswer:
        return self._board.start(request)

    def start_own_ingest(self, request: IngestRequest) -> JobAnswer:
        """An ingest of the command that owns the directory: it ends with its process."""
        return self._board.start(request, Origin.COMMAND)

    def start_own_filling(self, request: SpaceRequest) -> JobAnswer:
        """The same for the filling of a space."""
        return self._board.start(request, Origin.COMMAND)

    def ingest_files(self, files: Sequence[SentFile], collection: str | None = None) -> JobAnswer:
        """Keeps files that were sent and queues their ingest; their content is read before this returns. Raises UsageError."""
        name = collection if collection is not None else self.settings.collection
        require_name(name)
        folder = self.settings.uploads_directory / name
        Uploads(folder).keep(files)
        return self._board.start(IngestRequest(paths=[str(folder)], collection=name))

    def jobs(self) -> JobsAnswer:
        return self._board.jobs()

    def job(self, job: str) -> JobAnswer:
        return self._board.job(job)

    def follow(self, job: str) -> Iterator[JobAnswer]:
        return self._board.follow(job)

    def cancel(self, job: str) -> JobAnswer:
        return self._board.cancel(job)

    def retry(self, job: str) -> JobAnswer:
        return self._board.retry(job)

    def spaces(self, collection: str | None = None) -> SpacesAnswer:
        return self._spaces.spaces(collection)

    def add_space(self, request: SpaceRequest) -> JobAnswer:
        return self._board.start(request)

    def promote_space(self, request: PromoteRequest) -> SpacesAnswer:
        return self._spaces.promote(request)

    def rollback_space(self, request: RollbackRequest) -> SpacesAnswer:
        return self._spaces.rollback(request)

    def remove_space(self, request: RemoveSpaceRequest) -> SpacesAnswer:
        return self._spaces.remove(request)

    def doctor(self, request: DoctorRequest) -> DoctorAnswer:
        return self._upkeep.doctor(request)

    def rebuild(self, request: RebuildRequest) -> RebuildAnswer:
        return self._upkeep.rebuild(request)

    def backup(self, request: BackupRequest) -> BackupAnswer:
        return self._backups.backup(request)

    def restore(self, request: RestoreRequest) -> BackupAnswer:
        return self._backups.restore(request)

    def delete(self, request: DeleteRequest) -> DeleteAnswer:
        return self._upkeep.delete(request)
