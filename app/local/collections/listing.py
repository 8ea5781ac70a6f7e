"""Collections, instructions and failures: what there is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.local.collections.catalogued import failures_at
from app.local.collections.facts import CollectionFacts
from app.local.searches.answers import failure_answer
from app.wiring.owned import OwnedInstallation
from rerank.catalogue import by_default
from storage.sql.library import ListedFailure
from uniir.errors import UsageError
from uniir.wire import (
    CollectionAnswer,
    CollectionsAnswer,
    FailuresAnswer,
    FailureSelection,
    InstructionAnswer,
    InstructionsAnswer,
    NewCollection,
)


class Listing:
    """What there is in a data directory."""

    def __init__(self, everything: OwnedInstallation) -> None:
        self._installation = everything.installation
        self._facts = CollectionFacts(everything)

    def instructions(self) -> InstructionsAnswer:
        encoder = self._usual_encoder()
        return InstructionsAnswer(
            instructions=[
                InstructionAnswer(
                    id=one.id,
                    query=one.query,
                    target=one.target,
                    text=one.wording,
                    dataset=one.dataset,
                    rerank=by_default(encoder, one.query, one.target, self._installation.settings.reranker),
                )
                for one in self._installation.instructions
            ]
        )

    def _usual_encoder(self) -> str:
        """That of the collection which is searched when none is named, or would be made."""
        usual = self._installation.collections.find(self._installation.settings.collection)
        return usual.space.encoder if usual is not None else self._installation.settings.encoder

    def collections(self) -> CollectionsAnswer:
        settings = self._installation.settings
        return CollectionsAnswer(
            collections=[self._facts.of(record) for record in self._installation.collections.all()],
            default=settings.collection,
            corpus_roots=[str(root) for root in settings.corpus_roots],
            guess_model=settings.guess_model if settings.guess_url is not None else None,
        )

    def create_collection(self, request: NewCollection) -> CollectionAnswer:
        if self._installation.collections.find(request.name) is not None:
            raise UsageError(f"There is a collection {request.name!r} already.", "Choose another name.")
        record = self._installation.collection_for_ingest(request.name, request.encoder)
        return self._facts.of(record)

    def failures(self, selection: FailureSelection) -> FailuresAnswer:
        return FailuresAnswer(failures=[failure_answer(failure) for failure in self._selected(selection)])

    def ignore_failures(self, selection: FailureSelection) -> int:
        found = self._selected(selection)
        library = self._installation.library(self._installation.collection(selection.collection))
        library.ignore_failures([failure.key for failure in found])
        return len(found)

    def _selected(self, selection: FailureSelection) -> Sequence[ListedFailure]:
        paths = None if selection.paths is None else [Path(path) for path in selection.paths]
        return failures_at(self._installation, selection.collection, paths)
